"""The audio bridge between a telephone, an engine and a browser."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"

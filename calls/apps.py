"""A phone call as the business knows it."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"

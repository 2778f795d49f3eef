"""Simulated providers that speak the providers' own protocols."""

from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "lab"

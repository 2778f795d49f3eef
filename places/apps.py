"""Finding whom to call."""

from django.apps import AppConfig


class PlacesConfig(AppConfig):
    name = "places"

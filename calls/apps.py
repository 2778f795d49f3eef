"""A phone call as the business knows it."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"

    def ready(self) -> None:
        """Have a call take its recording's file along when it is deleted."""
        from calls import recordings  # noqa: F401

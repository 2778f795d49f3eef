"""The project's own app: accounts, wiring, commands."""

from django.apps import AppConfig


class WigvoConfig(AppConfig):
    name = "wigvo"

    def ready(self) -> None:
        """Register the system checks."""
        from wigvo import checks  # noqa: F401

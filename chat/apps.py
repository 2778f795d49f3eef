"""The conversation that prepares a call."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        """Register the system checks."""
        from chat import checks  # noqa: F401

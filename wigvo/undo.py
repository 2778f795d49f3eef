"""What somebody has just removed, kept in their session so that it can come back."""

import time
from typing import Any, Final

from django.http import HttpRequest

UNDO_S: Final = 600
"""How long."""


class Undo:
    """One page's last removal.

    Args:
        name: in the session.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def keep(self, request: HttpRequest, facts: dict[str, Any]) -> None:
        """Remember what was removed; what was remembered before is gone for good."""
        request.session[self._name] = {**facts, "until": time.time() + UNDO_S}

    def look(self, request: HttpRequest) -> dict[str, Any] | None:
        """Return what can be brought back."""
        kept: dict[str, Any] | None = request.session.get(self._name)
        if not kept or kept["until"] <= time.time():
            return None
        return {name: value for name, value in kept.items() if name != "until"}

    def take(self, request: HttpRequest) -> dict[str, Any] | None:
        """Return what is to be brought back, once."""
        kept = self.look(request)
        request.session.pop(self._name, None)
        return kept

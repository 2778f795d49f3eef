"""The models of the simulated provider and when they are switched off.

From the provider's price list and deprecation pages, November 2026.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

Role = Literal["translation", "realtime", "transcription", "text", "moderation"]


@dataclass(frozen=True, slots=True)
class Model:
    """One row of `/models`.

    Attributes:
        id: as clients name it.
        role: which interface takes it.
        shutdown: ISO date, or None while none is announced.
    """

    id: str
    role: Role
    shutdown: str | None = None

    def as_row(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "id": self.id,
            "object": "model",
            "created": CREATED,
            "owned_by": "lab",
            "shutdown_date": self.shutdown,
        }


CREATED: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())

MODELS: Final[dict[str, Model]] = {
    model.id: model
    for model in (
        Model("gpt-realtime-translate", "translation"),
        Model("gpt-realtime-2.1", "realtime"),
        Model("gpt-realtime-2.1-mini", "realtime"),
        Model("gpt-realtime", "realtime", "2027-01-20"),
        Model("gpt-realtime-mini", "realtime", "2027-01-20"),
        Model("gpt-live-transcribe", "transcription"),
        Model("gpt-realtime-whisper", "transcription"),
        Model("gpt-transcribe", "transcription"),
        Model("gpt-4o-transcribe", "transcription", "2027-02-26"),
        Model("gpt-4o-mini-transcribe", "transcription", "2027-02-26"),
        Model("whisper-1", "transcription", "2027-02-26"),
        Model("gpt-6-luna", "text"),
        Model("gpt-6-terra", "text"),
        Model("gpt-5.6-luna", "text"),
        Model("gpt-5.4-mini", "text"),
        Model("gpt-4.1-mini", "text", "2027-01-14"),
        Model("omni-moderation-latest", "moderation"),
    )
}

LIVE_TRANSCRIBERS: Final = frozenset({"gpt-live-transcribe", "gpt-realtime-whisper"})
"""They write while somebody speaks, and find no turns themselves."""


def has_role(model: object, role: Role) -> bool:
    """Tell whether this is the id of a model that can do this."""
    return isinstance(model, str) and model in MODELS and MODELS[model].role == role

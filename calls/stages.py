"""How long the assistant took to answer, stage by stage, turn by turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from calls.models import Call

STAGES: Final = ("committed", "asked", "text", "audio", "line")
"""After the end of speech: the utterance was ended, its answer asked for, the first
text came, the first sound, and the telephone played it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer.

    Attributes:
        at_ms: when the other side had finished speaking, on the call's clock.
        after_ms: how long after that each of `STAGES` was; None: not measured.
    """

    at_ms: int
    after_ms: tuple[int | None, ...]


def turns_of(call: Call) -> list[Turn]:
    """Return the answers of a call in their order."""
    events = call.events.filter(kind="agent_turn")
    return [
        Turn(
            event.data.get("at_ms", 0),
            tuple(event.data.get(f"{stage}_ms") for stage in STAGES),
        )
        for event in events
    ]


def medians(turns: Sequence[Turn]) -> tuple[int | None, ...]:
    """Return the median of each stage, ms."""
    columns = [
        [turn.after_ms[i] for turn in turns if turn.after_ms[i] is not None]
        for i in range(len(STAGES))
    ]
    return tuple(round(median(c)) if c else None for c in columns)  # type: ignore[type-var,arg-type]

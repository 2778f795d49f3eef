"""What support sees of one call, and the note of who has looked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog

from calls import after_views, plots, recordings
from calls.corrections import as_corrected
from calls.models import Access, Call, CallEvent, Leg, Note, Utterance
from calls.reports import Report
from wigvo.models import User

log = structlog.get_logger(__name__)

LATENCIES: Final = (
    ("interpretation_caller", "caller → callee"),
    ("interpretation_callee", "callee → caller"),
    ("hold_back", "held back while they speak"),
    ("hold_back_playing", "held back while we play"),
    ("relay_in", "relay, telephone → engine"),
    ("relay_out", "relay, engine → telephone"),
)
"""Meters of `latency`, the interesting ones first."""
_ATTENTION: Final = frozenset(
    {
        "recovery",
        "guardrail",
        "sound_lost",
        "not_interpreted",
        "hang_up_failed",
        "playout_behind",
    }
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something in a call: a sentence, or an event.

    Attributes:
        at_ms: on the call's clock; None where it was before it, or is not known.
        kind: "caller", "callee", "agent", or the kind of an event.
        utterance: what was said; None for events.
        detail: of an event.
        is_trouble: it deserves a look.
    """

    at_ms: int | None
    kind: str
    utterance: Utterance | None = None
    detail: str = ""
    is_trouble: bool = False

    @property
    def at(self) -> str:
        if self.at_ms is None:
            return "–"
        minutes, ms = divmod(self.at_ms, 60_000)
        return f"{minutes}:{ms / 1000:04.1f}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One meter of latency, drawn."""

    name: str
    p50_ms: float
    p99_ms: float
    n: int
    typical: float
    worst: float


@dataclass(frozen=True, slots=True)
class Review:
    """One call as support sees it.

    Attributes:
        moments: what was said and what happened, in order.
        bars: how late things were; widths of 0 to 100.
    """

    call: Call
    report: Report
    moments: tuple[Moment, ...]
    timeline: plots.Timeline | None
    bars: tuple[Bar, ...]
    bill: list[dict[str, Any]]
    recording: recordings.State
    notes: list[Note] = field(default_factory=list)

    @classmethod
    def of(cls, call: Call) -> "Review":
        """Gather it."""
        return cls(
            call=call,
            report=Report.of(call),
            moments=tuple(sorted(_moments(call), key=_order)),
            timeline=after_views.timeline_of(call),
            bars=_bars(call.latency),
            bill=after_views.bill_of(call),
            recording=recordings.state_of(call),
            notes=list(call.notes.select_related("by")),
        )


def _moments(call: Call) -> Iterator[Moment]:
    for utterance in as_corrected(call):
        is_lost = utterance.fate == Utterance.Fate.LOST
        yield Moment(utterance.started_ms, utterance.leg, utterance, is_trouble=is_lost)
    for event in call.events.all():
        yield Moment(
            _at_ms(event, call),
            event.kind,
            detail=_words(event.data),
            is_trouble=event.kind in _ATTENTION,
        )


def _order(moment: Moment) -> tuple[int, bool]:
    return -1 if moment.at_ms is None else moment.at_ms, moment.kind not in Leg


def _at_ms(event: CallEvent, call: Call) -> int | None:
    """Say when an event was, on the call's clock; by the wall's if it does not say."""
    for name in ("at_ms", "ended_ms"):
        if isinstance(value := event.data.get(name), int | float):
            return max(0, round(value))
    if call.answered_at is None or event.at < call.answered_at:
        return None
    return round((event.at - call.answered_at).total_seconds() * 1000)


def _words(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in data.items())


def _bars(latency: Mapping[str, Any]) -> tuple[Bar, ...]:
    known: list[tuple[str, float, float, int]] = []
    for name, text in LATENCIES:
        p50, p99 = latency.get(f"{name}_p50_ms"), latency.get(f"{name}_p99_ms")
        if isinstance(p50, int | float) and isinstance(p99, int | float):
            known.append((text, p50, p99, int(latency.get(f"{name}_n") or 0)))
    top = max((p99 for _, _, p99, _ in known), default=0.0) or 1.0
    return tuple(
        Bar(text, p50, p99, n, round(p50 / top * 100, 1), round(p99 / top * 100, 1))
        for text, p50, p99, n in known
    )


def note_access(key: UUID, owner: User, user: User, what: str) -> None:
    """Note down that an operator has looked at what is somebody's own, each time."""
    Access.objects.create(
        call_key=key, owner_email=owner.email, by_email=user.email, what=what
    )
    log.info("reviewed", key=str(key), by=user.pk, what=what)


def add_note(call: Call, user: User, text: str) -> Note | None:
    """Keep what an operator has noted about a call; None if there is nothing."""
    text = text.replace("\0", "").strip()
    return Note.objects.create(call=call, by=user, text=text) if text else None

"""What came of a call, from both sources: what its agent noted, and its summary.

The agent was there, so what it noted comes first and is never changed; the summary adds
what it does not have.  Everything names the utterances in which it was said.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from django.utils.translation import gettext_lazy as _

from calls import zones
from calls.models import Call, Summary, Utterance
from calls.reasons import Text
from calls.results import Callback, Message, Question, Result
from calls.summaries import Appointment, Content, Number, OpenPoint

State = Literal["none", "pending", "retrying", "done", "failed"]

WHY_NOT: Final[dict[str, Text]] = {
    "timeout": _("The text model took too long."),
    "unreachable": _("The text model could not be reached."),
    "limit": _("The text model's account has reached its limit."),
    "unavailable": _("The text model is not available at the moment."),
    "rejected": _("The text model did not accept the request."),
    "refused": _("The text model declined to sum this call up."),
    "incomplete": _("The text model's answer broke off."),
    "empty": _("The text model's answer could not be used."),
    "no_key": _("No text model is set up on this server."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was said.

    Attributes:
        utterance_id: of the call.
        at: minutes and seconds from the call's start.
    """

    utterance_id: str
    at: str


@dataclass(frozen=True, slots=True)
class Row:
    """Something that came of a call, and where it was said."""

    item: Any
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a call.

    Attributes:
        state: of the summary.
        why_not: why there is none, in words.
        summary: in the caller's language.
        reason: why the agent ended the call, in its own words.
        dropped: items that nothing said bears, left out.
        is_doubtful: the summary names a time or a number that nobody said.
        left_out: utterances of a very long call that the summary does not know.
        zone: IANA name of the time zone of appointments; empty if it is not known.
    """

    state: State
    why_not: Text = ""
    summary: str = ""
    language: str = ""
    reason: str = ""
    appointments: tuple[Row, ...] = ()
    numbers: tuple[Row, ...] = ()
    open_points: tuple[Row, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    messages: tuple[Message, ...] = ()
    transfer: str = ""
    questions: tuple[Question, ...] = ()
    dropped: int = 0
    is_doubtful: bool = False
    left_out: int = 0
    zone: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, and nothing to come."""
        return self.state == "none" and not (
            self.appointments
            or self.numbers
            or self.open_points
            or self.callbacks
            or self.messages
            or self.questions
            or self.reason
            or self.transfer
        )

    @classmethod
    def of(cls, call: Call) -> "Report":
        """Read what is known of a call; two queries."""
        row: Summary | None = getattr(call, "summing_up", None)
        result = Result.of(call) or Result()
        content = Content.from_json(row.content) if row else Content()
        said = _Places(call)
        return cls(
            state=_state(row),
            why_not=WHY_NOT.get(row.code, WHY_NOT["empty"]) if row and row.code else "",
            summary=call.summary,
            language=row.language if row else call.caller_language,
            reason=result.reason,
            appointments=said.rows(_appointments(result, content)),
            numbers=said.rows(_numbers(result, content)),
            open_points=said.rows(_open_points(result, content)),
            callbacks=tuple(result.callbacks),
            messages=tuple(result.messages),
            transfer=result.transfer,
            questions=tuple(result.questions),
            dropped=row.dropped if row else 0,
            is_doubtful=content.is_doubtful,
            left_out=content.left_out,
            zone=zones.zone_name(call),
        )


def _state(row: Summary | None) -> State:
    if row is None:
        return "none"
    if row.state == Summary.State.PENDING and row.code:
        return "retrying"
    return "pending" if row.state == Summary.State.PENDING else _ENDED[row.state]


_ENDED: Final[dict[str, State]] = {
    Summary.State.DONE: "done",
    Summary.State.FAILED: "failed",
}


class _Places:
    """Where everything was said; what points nowhere points nowhere visible."""

    def __init__(self, call: Call) -> None:
        known = Utterance.objects.filter(call=call)
        self._at = dict(known.values_list("utterance_id", "started_ms"))

    def rows(self, items: Iterable[Any]) -> tuple[Row, ...]:
        return tuple(Row(item, self._of(item.utterance_ids)) for item in items)

    def _of(self, ids: Iterable[str]) -> tuple[Place, ...]:
        return tuple(
            Place(one, f"{self._at[one] // 60_000}:{self._at[one] // 1000 % 60:02}")
            for one in ids
            if one in self._at
        )


def _appointments(result: Result, content: Content) -> list[Appointment]:
    noted = [
        Appointment(
            title=one.what,
            starts_at=f"{one.date}T{one.time}" if one.time else one.date,
            note=". ".join(filter(None, (one.name, one.reference, one.note))),
            is_all_day=not one.time,
            utterance_ids=(one.utterance_id,),
        )
        for one in result.appointments
    ]
    times = {_wall_time(one.starts_at) for one in noted}
    more = [
        one for one in content.appointments if _wall_time(one.starts_at) not in times
    ]
    return sorted([*noted, *more], key=lambda one: _wall_time(one.starts_at))


def _wall_time(starts_at: str) -> str:
    """Return the day and the time on the clock there, without offset."""
    try:
        return f"{datetime.fromisoformat(starts_at):%Y-%m-%dT%H:%M}"
    except ValueError:
        return starts_at


def _numbers(result: Result, content: Content) -> list[Number]:
    noted = [Number(one.name, one.value, (one.utterance_id,)) for one in result.facts]
    values = {_bare(one.value) for one in noted}
    return [*noted, *(n for n in content.numbers if _bare(n.value) not in values)]


def _open_points(result: Result, content: Content) -> list[OpenPoint]:
    noted = [OpenPoint(text) for text in result.open_points]
    texts = {_bare(one.text) for one in noted}
    return [*noted, *(p for p in content.open_points if _bare(p.text) not in texts)]


def _bare(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()


def starts_at(appointment: Appointment) -> date | datetime | None:
    """Read when an appointment begins; None if an agent has noted no real date."""
    try:
        if appointment.is_all_day:
            return date.fromisoformat(appointment.starts_at)
        return datetime.fromisoformat(appointment.starts_at)
    except ValueError:
        return None

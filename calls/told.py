"""What a callee was told about the call: the proof of it.

Who calls, that an AI helps, and whether the call may be recorded.  Read from what the
relay has noted down while it was heard (`line_spoken`, `recording_consent`,
`opening_prepared`), never from what was meant to be said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from calls.models import Call, CallEvent, Leg, Utterance
from calls.reasons import Text

LINE_SPOKEN: Final = "line_spoken"
RECORDING_CONSENT: Final = "recording_consent"
OPENING_PREPARED: Final = "opening_prepared"
KINDS: Final = (LINE_SPOKEN, RECORDING_CONSENT, OPENING_PREPARED)

_GREETINGS: Final = frozenset({"greeting", "relay_greeting", "reception"})
_NAMES: Final[dict[str, Text]] = {
    "greeting": _("First"),
    "relay_greeting": _("First"),
    "reception": _("First"),
    "agent": _("First, by the assistant"),
    "recording": _("Asked about recording"),
    "recording_off": _("After they refused"),
    "apology": _("At the end"),
    "time_limit": _("At the end"),
    "spend_limit": _("At the end"),
}
"""Sentences that say something about the call itself; fillers do not."""

_ANSWERS: Final[dict[str, Text]] = {
    "yes": _("They agreed to the recording."),
    "no": _("They refused: the recording was stopped at once and deleted."),
    "went_on": _("They did not object and went on talking."),
    "none": _("They said nothing more after the question."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence that the callee was told.

    Attributes:
        line: which one; `agent` for the first words of the assistant.
        text: what was said.
        language: ISO 639-1.
        started_ms: when, on the call's clock; None where it is not known.
        ended_ms: when the last of it was heard.
        heard_ms: how much of it was heard.
        length_ms: how long it is; None where it is not known.
        is_complete: it was heard to its end.
    """

    line: str
    text: str
    language: str
    started_ms: int | None
    ended_ms: int
    heard_ms: int
    length_ms: int | None
    is_complete: bool

    @property
    def name(self) -> str:
        return str(_NAMES.get(self.line, ""))

    @property
    def is_about_the_call(self) -> bool:
        return self.line in _NAMES

    @property
    def at_s(self) -> int:
        at_ms = self.started_ms
        return (self.ended_ms - self.heard_ms if at_ms is None else at_ms) // 1000

    @property
    def heard_s(self) -> float:
        return self.heard_ms / 1000

    @property
    def length_s(self) -> float:
        return (self.length_ms or 0) / 1000


@dataclass(frozen=True, slots=True)
class Consent:
    """What became of the question whether the call may be recorded.

    Attributes:
        answer: `yes`, `no`, `went_on` or `none`.
        asked_ms: when the question was heard to its end; None: refused before that.
        utterance_id: in which utterance they answered; "" if in none.
        at_ms: when that began.
    """

    answer: str
    asked_ms: int | None
    utterance_id: str
    at_ms: int | None

    @property
    def sentence(self) -> str:
        return str(_ANSWERS.get(self.answer, ""))


@dataclass(frozen=True, slots=True)
class Proof:
    """Everything that is known about it.

    Attributes:
        wanted: how the caller wanted to be introduced, in their own words.
        problem: why less was said; a code, "" if not.
    """

    told: tuple[Told, ...] = ()
    consent: Consent | None = None
    wanted: str = ""
    problem: str = ""

    @property
    def about_the_call(self) -> list[Told]:
        return [told for told in self.told if told.is_about_the_call]


def proof_of(call: Call) -> Proof:
    """Read what a callee was told; two queries at the most."""
    events = list(call.events.filter(kind__in=KINDS))
    told = [_told(e.data) for e in events if e.kind == LINE_SPOKEN]
    if not any(t.line in _GREETINGS for t in told):
        told = [*_by_agent(call), *told]
    prepared = _latest(events, OPENING_PREPARED)
    consent = _latest(events, RECORDING_CONSENT)
    return Proof(
        told=tuple(told),
        consent=_consent(consent) if consent else None,
        wanted=str(prepared.get("wanted", "")),
        problem=str(prepared.get("problem", "")),
    )


def _latest(events: Iterable[CallEvent], kind: str) -> Mapping[str, Any]:
    return next((e.data for e in reversed(list(events)) if e.kind == kind), {})


def _told(data: Mapping[str, Any]) -> Told:
    return Told(
        line=str(data.get("line", "")),
        text=str(data.get("text", "")),
        language=str(data.get("language", "")),
        started_ms=data.get("started_ms"),
        ended_ms=int(data.get("ended_ms") or 0),
        heard_ms=int(data.get("heard_ms") or 0),
        length_ms=data.get("length_ms"),
        is_complete=bool(data.get("is_complete")),
    )


def _consent(data: Mapping[str, Any]) -> Consent:
    return Consent(
        answer=str(data.get("answer", "")),
        asked_ms=data.get("asked_ms"),
        utterance_id=str(data.get("utterance_id") or ""),
        at_ms=data.get("at_ms"),
    )


def _by_agent(call: Call) -> list[Told]:
    """Return the assistant's first words: it introduces itself."""
    first = call.utterances.filter(leg=Leg.AGENT).first()
    if first is None:
        return []
    ended_ms = first.ended_ms or first.started_ms
    return [
        Told(
            line="agent",
            text=first.original,
            language=call.callee_language,
            started_ms=first.started_ms,
            ended_ms=ended_ms,
            heard_ms=max(0, ended_ms - first.started_ms),
            length_ms=None,
            is_complete=first.fate == Utterance.Fate.DELIVERED,
        )
    ]

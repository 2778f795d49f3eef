"""What came of a call that the assistant made: facts, appointments, what is open.

Stored as JSON with the call and replaced whole whenever something is added, so that it
is there even if the call breaks off.  What each thing was told in is kept with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from calls.models import Call


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the other side has told."""

    name: str
    value: str
    utterance_id: str = ""


@dataclass(frozen=True, slots=True)
class Appointment:
    """Something agreed for a day and a time where the other side is."""

    what: str
    date: str
    time: str
    name: str = ""
    reference: str = ""
    note: str = ""
    utterance_id: str = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """Somebody calls again; `who` is `owner` or `callee`."""

    who: str
    when: str
    reason: str
    date: str | None = None
    time: str | None = None
    utterance_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody who called wants the owner to know."""

    name: str
    message: str
    number: str = ""
    urgency: str = "normal"
    utterance_id: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What the assistant has asked its owner during the call."""

    text: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call.

    Attributes:
        reason: why it ended as it did, in the assistant's words.
        transfer: why they were put through, in its words; empty: they were not.
        open_points: what was to be found out and was not, questions without answer.
    """

    reason: str = ""
    transfer: str = ""
    facts: list[Fact] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    open_points: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, call: Call) -> Self | None:
        """Read a call's result; None where no assistant was at work."""
        return cls.from_json(call.result) if call.result else None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `realtime.agent.agent.Agent.result` has written."""
        return cls(
            reason=value.get("reason", ""),
            transfer=value.get("transfer", ""),
            facts=[Fact(**row) for row in value.get("facts", ())],
            appointments=[Appointment(**row) for row in value.get("appointments", ())],
            callbacks=[Callback(**row) for row in value.get("callbacks", ())],
            messages=[Message(**row) for row in value.get("messages", ())],
            questions=[Question(**row) for row in value.get("questions", ())],
            open_points=list(value.get("open_points", ())),
        )

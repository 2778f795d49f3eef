"""What the simulated engines remember, and the faults that wait for them.

The control API reads and changes this; the sessions write to it.  Times are in the
session's own audio clock (milliseconds of sound it was sent).
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Kind = Literal["translation", "realtime", "transcription"]

MAX_SESSIONS: Final = 500
MAX_ENTRIES: Final = 2000
"""Older sessions and entries are forgotten: a lab may run for days."""

FAULTS: Final[dict[str, str]] = {
    "refuse_session": "the handshake is answered with http_status (503), code, message",
    "drop_session": "the socket is closed with close_code (1011) after after_ms",
    "expire_session": "error session_expired and a close after after_ms",
    "error": "an error event with code, message after after_ms; the session lives on",
    "stall": "nothing is read or sent for duration_ms (2000), from after_ms on",
    "delay": "everything it says comes ms (1000) later",
    "slow_response": "each response takes ms (5000) before its first sound;"
    " voice sessions only",
    "fail_transcript": "the next times (1) transcripts of a session fail;"
    " transcription sessions only",
    "misread": "the next times (1) that something is read out, it is"
    " with a digit or a word wrong; voice sessions only",
    "frame": "translated audio comes in deltas of samples (9600) instead of 4800",
    "refuse_request": "a REST request is answered with http_status (503), code",
    "slow_request": "a REST request is answered ms (5000) later",
    "refuse_answer": "the text model refuses to answer",
    "cut_answer": "the text model's answer ends in the middle, as too long",
}
"""What can be asked for, and what else it says.  Common to all: count (1), how many
sessions or requests it meets; for_ms: it meets all of them for so long instead;
session: only this kind; live (false): it meets the sessions that are open now instead
of the next ones."""

_OF_SESSIONS: Final = {
    "fail_transcript": "transcription",
    "misread": "realtime",
    "slow_response": "realtime",
}
"""Faults that meet only one kind of session unless they are told otherwise."""
_OF_REQUESTS: Final = {
    "refuse_request": "rest",
    "slow_request": "rest",
    "refuse_answer": "text",
    "cut_answer": "text",
}
"""Faults that meet no session but requests: all, or those to the text model."""

_NUMBERS: Final = {
    "after_ms": (0, 3_600_000),
    "close_code": (1000, 4999),
    "count": (1, 1000),
    "duration_ms": (0, 600_000),
    "for_ms": (1, 600_000),
    "http_status": (400, 599),
    "ms": (0, 60_000),
    "samples": (2, 48_000),
    "times": (1, 1000),
}
_KINDS: Final = ("translation", "realtime", "transcription")


@dataclass(frozen=True, slots=True)
class HeardEntry:
    """What a session heard; text "[unclear]" and no id when it did not understand."""

    phrase_id: str | None
    text: str
    language: str | None
    started_ms: int
    ended_ms: int


@dataclass(slots=True)
class SpokenEntry:
    """What a session said, and when on its own audio clock.

    Attributes:
        item_id: of the conversation item, in voice sessions.
        truncated_ms: how much of it was heard, if the client has told.
    """

    phrase_id: str | None
    text: str
    language: str
    started_ms: int
    ended_ms: int
    item_id: str = ""
    truncated_ms: int | None = None


@dataclass(slots=True)
class CallEntry:
    """A tool that a session called, and what came back; None: nothing yet."""

    call_id: str
    name: str
    arguments: str
    output: str | None = None


@dataclass(slots=True)
class SessionRecord:
    """One engine session, open or over.

    Attributes:
        id: of the session, "sess_…".
        kind: translation, realtime or transcription.
        model: as asked for in the URL.
        language: the target language; empty until it is known.
        opened_at: seconds since the epoch.
        closed: whether it is over.
        appended_ms: sound received.
        heard: what was understood of it.
        spoken: what was said.
        called: the tools that were called.
    """

    id: str
    kind: Kind
    model: str
    language: str = ""
    opened_at: float = field(default_factory=time.time)
    closed: bool = False
    appended_ms: int = 0
    heard: deque[HeardEntry] = field(default_factory=lambda: deque(maxlen=MAX_ENTRIES))
    spoken: deque[SpokenEntry] = field(
        default_factory=lambda: deque(maxlen=MAX_ENTRIES)
    )
    called: list[CallEntry] = field(default_factory=list)


Fault = Mapping[str, Any]


class EngineState:
    """All sessions and waiting faults of one lab."""

    def __init__(self) -> None:
        self.api_key: str | None = None
        """The only key that is accepted; None: the one in the settings."""
        self.translate_latency_ms = 300
        """From the end of a phrase to its translation; recognising it takes at least
        the pause that ends it."""
        self.response_latency_ms = 150
        """From response.create to its first sound."""
        self.response_speed = 15.0
        """How much faster than real time a response is spoken."""
        self.session_seconds = 3600
        """Life of a session: 60 minutes, as the provider's voice sessions."""
        self.clock = time.monotonic
        """Of faults that last for some time."""
        self._sessions: deque[SessionRecord] = deque(maxlen=MAX_SESSIONS)
        self._live: dict[str, Callable[[Fault], None]] = {}
        self._faults: list[dict[str, Any]] = []

    def open(self, record: SessionRecord, apply_fault: Callable[[Fault], None]) -> None:
        """Register a session that has just opened.

        Args:
            record: which it keeps up to date.
            apply_fault: called with faults that meet it while it lives.
        """
        self._sessions.append(record)
        self._live[record.id] = apply_fault

    def close(self, record: SessionRecord) -> None:
        """Note that a session is over."""
        record.closed = True
        self._live.pop(record.id, None)

    def add_fault(self, values: Fault) -> None:
        """Let something go wrong.

        Args:
            values: see FAULTS.

        Raises:
            ValueError: no such fault, or something is wrong with its values.
        """
        kind = values.get("kind")
        if kind not in FAULTS:
            raise ValueError(f"There is no engine fault {kind!r}.")
        for name, (low, high) in _NUMBERS.items():
            value = values.get(name, low)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ValueError(f"{name} is a whole number.")
            if not low <= value <= high:
                raise ValueError(f"{name} is between {low} and {high}.")
        if values.get("session", "translation") not in _KINDS:
            raise ValueError(f"session is one of {', '.join(_KINDS)}.")
        if values.get("live"):
            wanted = _meets(values)
            for record in list(self._sessions):
                if record.id in self._live and wanted in (None, record.kind):
                    self._live[record.id](values)
            return
        fault = {"count": 1, **values}
        if "for_ms" in values:
            fault["until"] = self.clock() + values["for_ms"] / 1000
        self._faults.append(fault)

    def take_faults(self, kind: Kind | Literal["rest", "text"]) -> list[Fault]:
        """Use up one of each waiting fault that meets a new session or request.

        Args:
            kind: of the session, "rest" for a plain request, "text" for an answer of
                the text model.

        Returns:
            The faults' values, in the order they were asked for.
        """
        taken: list[Fault] = []
        self._faults = [f for f in self._faults if not self._is_over(f)]
        for fault in list(self._faults):
            of_requests = _OF_REQUESTS.get(fault["kind"])
            if (of_requests or kind) != kind:
                continue
            if kind in ("rest", "text"):
                if of_requests is None:
                    continue
            elif _meets(fault) not in (None, kind):
                continue
            taken.append(fault)
            if "until" in fault:
                continue
            fault["count"] -= 1
            if not fault["count"]:
                self._faults.remove(fault)
        return taken

    def _is_over(self, fault: Fault) -> bool:
        return "until" in fault and self.clock() >= fault["until"]

    def reset(self) -> None:
        """Forget all faults and every session that is over."""
        self._faults.clear()
        living = [record for record in self._sessions if not record.closed]
        self._sessions.clear()
        self._sessions.extend(living)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can carry it."""
        return {
            "sessions": [
                {**asdict(record), "heard": _rows(record.heard)}
                | {"spoken": _rows(record.spoken)}
                for record in self._sessions
            ],
            "faults": [dict(fault) for fault in self._faults],
        }

    def expected_key(self) -> str:
        """Return the API key that callers must present."""
        if self.api_key is None:
            from django.conf import settings

            return str(settings.OPENAI_API_KEY)
        return self.api_key


def _meets(fault: Fault) -> str | None:
    """Return the kind of session that a fault meets; None is any."""
    otherwise = _OF_SESSIONS.get(fault["kind"])
    kind: str | None = fault.get("session", otherwise)
    return kind


def _rows(entries: deque[Any]) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in entries]


state: Final = EngineState()
"""The state of this process's lab."""

as_dict = state.as_dict
add_fault = state.add_fault
reset = state.reset

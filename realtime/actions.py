"""What the session asks its shell to do.  Pure data."""

from dataclasses import dataclass, field
from typing import Any

from realtime.agent_messages import Command
from realtime.events import Leg, Line, Pcm
from realtime.protocols.browser import ServerMessage


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Play this on the telephone: whole 20 ms frames of mu-law."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SendClear:
    """Have the telephone forget everything that it has not played yet."""


@dataclass(frozen=True, slots=True)
class SendMark:
    """Ask the telephone to say when everything before this was played."""

    name: str


@dataclass(frozen=True, slots=True)
class FeedEngine:
    """Give the engine that interprets this leg its next sound: PCM at 24 kHz.

    Attributes:
        held_ms: how long ago the oldest of it came, while somebody speaks.
        is_playing: the telephone plays something that may echo.
    """

    leg: Leg
    pcm: Pcm
    held_ms: float | None = None
    is_playing: bool = False


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """All sound that this leg's engine got since the last commit is one utterance."""

    leg: Leg
    utterance_id: str


@dataclass(frozen=True, slots=True)
class AnswerTurn:
    """Have committed utterances of this leg interpreted, as one."""

    leg: Leg
    utterance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TruncateTurn:
    """Tell this leg's engine how much of an utterance's interpretation was heard."""

    leg: Leg
    utterance_id: str
    heard_ms: int


@dataclass(frozen=True, slots=True)
class OpenEngine:
    """A leg that needed no engine so far does now."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class CloseEngine:
    """Let the engine finish what it has heard, then close it."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class RenderLine:
    """Have a sentence of our own spoken into memory, for the callee."""

    line: Line


@dataclass(frozen=True, slots=True)
class TranslateText:
    """Have what the caller typed translated into the callee's language."""

    text_id: str
    text: str


@dataclass(frozen=True, slots=True)
class RenderText:
    """Have a text spoken into memory, word for word, in the callee's language.

    Attributes:
        is_phrase: it will be said again in other calls.
    """

    text_id: str
    text: str
    is_phrase: bool = False


@dataclass(frozen=True, slots=True)
class SendCallerAudio:
    """Play this to the caller: PCM at 24 kHz."""

    pcm: Pcm


@dataclass(frozen=True, slots=True)
class SendCaller:
    """Tell the caller; viewers are told as well where `is_public`."""

    message: ServerMessage
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class StoreUtterance:
    """An utterance is finished: keep it.

    Attributes:
        latency_ms: end of speech → first translated sound, if there was any.
        uncertain: where the translation may be wrong, [start, end) in characters.
    """

    utterance_id: str
    leg: Leg
    original: str
    translation: str
    started_ms: int
    ended_ms: int
    fate: str
    latency_ms: int | None = None
    uncertain: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """Something worth keeping happened to the call."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the telephone call."""

    reason: str


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Have the telephone company press keys; it replaces the stream for that.

    Attributes:
        digits: 0-9, *, # and w.
        patience_ms: how long the stream may be away for it.
    """

    digits: str
    patience_ms: int


@dataclass(frozen=True, slots=True)
class StoreAnsweredBy:
    """Keep who or what picked up, as far as we know now."""

    kind: str


@dataclass(frozen=True, slots=True)
class CommandAgent:
    """Have the agent's engine do something."""

    command: Command


@dataclass(frozen=True, slots=True)
class StoreResult:
    """Keep what the agent has found out so far; JSON."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckTelephone:
    """The stream did not return: ask the telephone company whether the call lives."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything has been said: store the outcome and let go of the call.

    `status` is used only where the telephone company has not said another one.
    """

    status: str
    outcome: str
    reason: str


Action = (
    SendFrame
    | SendClear
    | SendMark
    | FeedEngine
    | CommitTurn
    | AnswerTurn
    | TruncateTurn
    | OpenEngine
    | CloseEngine
    | RenderLine
    | TranslateText
    | RenderText
    | SendCallerAudio
    | SendCaller
    | StoreUtterance
    | RecordEvent
    | HangUp
    | SendDigits
    | StoreAnsweredBy
    | CommandAgent
    | StoreResult
    | CheckTelephone
    | Finish
)

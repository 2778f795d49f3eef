"""What the session asks its shell to do.  Pure data."""

from dataclasses import dataclass, field
from typing import Any

from realtime.agent.messages import Command
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
class Measure:
    """Count how long something took; what there is: `realtime.figures.latencies`."""

    what: str
    ms: float


@dataclass(frozen=True, slots=True)
class NoteAnswer:
    """Something that was said has been interpreted, or could not be."""

    leg: Leg
    is_failed: bool


@dataclass(frozen=True, slots=True)
class SwapEngine:
    """The engine that is held ready for this leg takes over from the one it has."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class SaveMoney:
    """Use nothing dearer than an interpreter by turns from now on."""


@dataclass(frozen=True, slots=True)
class InterpretText:
    """Have what somebody said, and what was written of it, interpreted as text.

    Attributes:
        leg: who said it.
        utterance_ids: what it is the text of.
        text: in the speaker's language.
        speaks: the other side is to hear it as well.
    """

    leg: Leg
    utterance_ids: tuple[str, ...]
    text: str
    speaks: bool


@dataclass(frozen=True, slots=True)
class TranscribeFile:
    """No engine listens: have an utterance written down from a file.

    Attributes:
        pcm: all of it, int16 at 24 kHz.
    """

    leg: Leg
    utterance_id: str
    pcm: Pcm


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
class Rephrase:
    """Have a text said politely in the callee's language, and read out."""

    utterance_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Suggest:
    """Have replies made to what the callee has said; they replace earlier ones.

    Attributes:
        turns: (who, what they said in their own language), oldest first.
    """

    utterance_id: str
    turns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PreparePhrases:
    """Have the caller's saved phrases ready before one of them is said."""


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
class LeaveCall:
    """Have the telephone call go on without us; `CallLeft` says whether it does.

    Attributes:
        why: `transfer`, to the line's number for that, or `unavailable`, with an
            apology and the end.
    """

    why: str


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
    | FeedEngine
    | CommitTurn
    | AnswerTurn
    | TruncateTurn
    | OpenEngine
    | Measure
    | NoteAnswer
    | SwapEngine
    | SaveMoney
    | InterpretText
    | TranscribeFile
    | CloseEngine
    | RenderLine
    | TranslateText
    | RenderText
    | Rephrase
    | Suggest
    | PreparePhrases
    | SendCallerAudio
    | SendCaller
    | StoreUtterance
    | RecordEvent
    | HangUp
    | SendDigits
    | LeaveCall
    | StoreAnsweredBy
    | CommandAgent
    | StoreResult
    | CheckTelephone
    | Finish
)

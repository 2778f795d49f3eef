"""What can happen in a live call.  Pure data; the session receives these."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
"""Mono samples, full scale +-32767; the rate is said where it is used."""

NO_SOUND: Pcm = np.zeros(0, np.int16)


class Leg(StrEnum):
    """Who speaks.  `callee` is always the telephone side."""

    CALLER = "caller"
    CALLEE = "callee"
    AGENT = "agent"
    """The AI that makes the call; as an engine, what it hears the callee with."""

    @property
    def other(self) -> "Leg":
        return Leg.CALLEE if self is Leg.CALLER else Leg.CALLER


PEOPLE: Final = (Leg.CALLER, Leg.CALLEE)


class Line(StrEnum):
    """Sentences of the system's own that are spoken to the callee."""

    GREETING = "greeting"
    RELAY_GREETING = "relay_greeting"
    WAIT = "wait"
    APOLOGY = "apology"
    TIME_LIMIT = "time_limit"
    SPEND_LIMIT = "spend_limit"
    RECORDING = "recording"
    RECORDING_OFF = "recording_off"
    TYPING = "typing"
    CHECKING = "checking"
    REPEAT = "repeat"
    ANYBODY = "anybody"
    """Into a silence: does somebody hear us?"""
    NOBODY = "nobody"
    RECEPTION = "reception"
    """The greeting of an incoming call: each line has its own."""
    FAREWELL = "farewell"
    TRANSFER = "transfer"


# --- The telephone -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """A media stream of this call was opened and proved itself."""

    stream_sid: str


@dataclass(frozen=True, slots=True)
class CalleeFrame:
    """20 ms from the telephone.

    Attributes:
        payload: 160 bytes of mu-law.
        timestamp_ms: since this stream's start, by Twilio's clock.
    """

    payload: bytes
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The callee pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The media stream is gone; the call itself may go on."""


# --- The caller ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallerAttached:
    """A caller's socket was opened, or took over from an older one."""


@dataclass(frozen=True, slots=True)
class CallerLost:
    """The caller's socket is gone."""


@dataclass(frozen=True, slots=True)
class CallerAudio:
    """Sound from the caller: PCM at 24 kHz, up to 200 ms."""

    pcm: Pcm


@dataclass(frozen=True, slots=True)
class CallerMuted:
    """The caller switched the microphone off or on."""

    muted: bool


@dataclass(frozen=True, slots=True)
class CallerSpeaks:
    """Whether the client has a microphone open at all."""

    speaks: bool


@dataclass(frozen=True, slots=True)
class CallerSpeech:
    """The client's word for it that its person begins or has ended to speak.

    Attributes:
        is_over: they have ended.
        is_own_word: the person says so, with a key; else the client's detection does.
    """

    is_over: bool
    is_own_word: bool = True


@dataclass(frozen=True, slots=True)
class OriginalGain:
    """How loud the caller wants the callee's own voice, 0 to 1."""

    gain: float


@dataclass(frozen=True, slots=True)
class RepeatAsked:
    """The caller wants an utterance to be said to the callee again."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class DiscardAsked:
    """The caller does not want the rest of an utterance to be said."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class KeysPressed:
    """The caller wants keys to be pressed on the telephone.

    Attributes:
        digits: 0-9, *, # and w; checked (`calls.twilio.check_digits`).
    """

    digits: str


@dataclass(frozen=True, slots=True)
class ModeAsked:
    """The caller wants the call to go on in another mode."""

    mode: str


@dataclass(frozen=True, slots=True)
class Typing:
    """The caller began or stopped to type."""

    active: bool


@dataclass(frozen=True, slots=True)
class TextTyped:
    """The caller wants this to be said to the callee.

    Attributes:
        text_id: the client's name for it.
        is_final: it is in the callee's language already.
        translation: what to say for it, where that is known.
        is_phrase: one that is said often; it may be said again and again.
    """

    text_id: str
    text: str
    is_final: bool = False
    translation: str = ""
    is_phrase: bool = False


@dataclass(frozen=True, slots=True)
class TextTranslated:
    """What was typed, in the callee's language; empty if that failed, and why."""

    text_id: str
    translation: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class TextRendered:
    """What was typed, as sound.

    Attributes:
        pcm: at 24 kHz; empty if it could not be spoken.
        spoken: what was spoken.
        is_verbatim: that is what was to be spoken.
    """

    text_id: str
    pcm: Pcm
    spoken: str
    is_verbatim: bool


@dataclass(frozen=True, slots=True)
class TextMisread:
    """What was typed was not read out as it is written; it is asked for once more."""

    text_id: str


@dataclass(frozen=True, slots=True)
class Rephrased:
    """What can be said instead of words that nobody should hear.

    Attributes:
        text: in the callee's language; empty if there is none.
        pcm: its sound at 24 kHz; empty if it could not be spoken.
    """

    utterance_id: str
    text: str
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Suggested:
    """Replies to what the callee has said.

    Attributes:
        utterance_id: what they answer.
        items: (in the callee's language, in the caller's); there may be none.
        code: why not, where they could not be made (`texts.TextFailed`).
    """

    utterance_id: str
    items: tuple[tuple[str, str], ...]
    code: str = ""


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """The caller answers what the agent has asked."""

    question_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Whispered:
    """The caller tells the agent something, and nobody else."""

    text: str


# --- The engines ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineReady:
    """The engine that serves this leg is open and configured.

    Attributes:
        kind: what it is, as `EngineKind` names it; "": as before.
    """

    leg: Leg
    kind: str = ""


@dataclass(frozen=True, slots=True)
class EngineFound:
    """Another engine for this leg is open, and waits to take over.

    Attributes:
        kind: what it is; "": it is gone again.
    """

    leg: Leg
    kind: str


@dataclass(frozen=True, slots=True)
class EngineGone:
    """No engine is to be had for this leg; better ones are looked for."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class TextInterpreted:
    """What somebody said, in the other language.

    Attributes:
        utterance_ids: what it is the text of; they are final with `TargetDone`, or,
            where it is the agent that has spoken, at once.
        translation: "" if there is none.
    """

    leg: Leg
    utterance_ids: tuple[str, ...]
    translation: str


@dataclass(frozen=True, slots=True)
class EngineAudio:
    """Interpreted sound of what this leg said: PCM at 24 kHz, any length.

    Attributes:
        utterance_id: which utterance it interprets, where the engine knows.
    """

    leg: Leg
    pcm: Pcm
    utterance_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceText:
    """More text of what this leg said, to be appended as it is.

    Attributes:
        is_whole: all text of the utterance so far; it replaces what was written of it,
            by this session or by one that was lost.
    """

    leg: Leg
    delta: str
    utterance_id: str | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class SourceDone:
    """All text of one utterance has come, or none will.

    Attributes:
        is_failed: it could not be written down, though something may have been said.
    """

    leg: Leg
    utterance_id: str
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class TargetText:
    """More text of the interpretation of what this leg said."""

    leg: Leg
    delta: str
    utterance_id: str | None = None


@dataclass(frozen=True, slots=True)
class TargetDone:
    """Some utterances have been interpreted, or will not be.

    Attributes:
        is_failed: the engine could not.
    """

    leg: Leg
    utterance_ids: tuple[str, ...]
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine's socket broke; somebody is opening a new one."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class EngineClosed:
    """The engine has said everything and is closed, as asked."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class LineRendered:
    """A sentence of our own is ready: PCM at 24 kHz, empty if it failed."""

    line: Line
    text: str
    pcm: Pcm


# --- The agent -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentAudio:
    """Sound of what the agent says to the callee: PCM at 24 kHz, any length."""

    pcm: Pcm
    utterance_id: str


@dataclass(frozen=True, slots=True)
class AgentText:
    """More text of what the agent says, in the callee's language."""

    delta: str
    utterance_id: str


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """The agent's engine, which detects turns itself, has heard the end of one."""


@dataclass(frozen=True, slots=True)
class CallLeft:
    """The telephone call was to go on without us, by a document of its own.

    Attributes:
        why: of `actions.LeaveCall`.
        is_done: the telephone company has taken the document.
    """

    why: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model calls a tool.

    Attributes:
        call_id: its output names it.
        arguments: JSON, as the model wrote it.
        utterance_ids: what the model was answering.
        said: what it has said in the same response, so far.
    """

    call_id: str
    name: str
    arguments: str
    utterance_ids: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class AgentSpoke:
    """A response is finished; what it said may still be playing.

    Attributes:
        utterance_id: of what it said.
        is_spoken: it had sound.
        is_failed: it could not be made, or was refused.
        is_stopped: it was stopped, because the callee or the owner speaks.
        has_called: it has called a tool.
        text: all that it says.
    """

    utterance_id: str
    is_spoken: bool
    is_failed: bool = False
    is_stopped: bool = False
    has_called: bool = False
    text: str = ""


# --- The control plane ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The telephone company or a person changed the call's status."""

    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredByKnown:
    """Who or what picked up, as far as the telephone company can tell."""

    kind: str


@dataclass(frozen=True, slots=True)
class DigitsRefused:
    """The telephone company did not press keys; the stream goes on."""

    digits: str


@dataclass(frozen=True, slots=True)
class EndRequested:
    """Somebody entitled to it ends the call; `reason` is a code of calls.reasons."""

    reason: str


@dataclass(frozen=True, slots=True)
class SpendKnown:
    """What the call costs if it ends now, and what it may cost, USD."""

    usd: float
    limit_usd: float


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The time that `next_deadline` named has come."""


Event = (
    StreamStarted
    | CalleeFrame
    | DtmfReceived
    | StreamStopped
    | CallerAttached
    | CallerLost
    | CallerAudio
    | CallerMuted
    | CallerSpeaks
    | CallerSpeech
    | OriginalGain
    | RepeatAsked
    | DiscardAsked
    | KeysPressed
    | ModeAsked
    | Typing
    | TextTyped
    | TextTranslated
    | TextRendered
    | TextMisread
    | Rephrased
    | Suggested
    | QuestionAnswered
    | Whispered
    | EngineReady
    | EngineFound
    | EngineGone
    | TextInterpreted
    | EngineAudio
    | SourceText
    | SourceDone
    | TargetText
    | TargetDone
    | EngineLost
    | EngineClosed
    | LineRendered
    | AgentAudio
    | AgentText
    | ToolCalled
    | TurnHeard
    | CallLeft
    | AgentSpoke
    | StatusChanged
    | AnsweredByKnown
    | DigitsRefused
    | EndRequested
    | SpendKnown
    | DeadlinePassed
)

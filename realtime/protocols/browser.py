"""The caller's socket: protocol 1 (contract section 3).

Text frames are JSON objects with a `type`; binary frames are PCM16 little-endian mono
at 24 kHz.
"""

from typing import Final, Literal

import msgspec
import numpy as np

from realtime.config import ENGINE_HZ
from realtime.events import Pcm

UNSET: Final = msgspec.UNSET

MAX_AUDIO_BYTES: Final = ENGINE_HZ * 200 // 1000 * 2
"""200 ms, the longest audio frame of the contract."""
MAX_TEXT_BYTES: Final = 16 * 1024
"""A typed message with room to spare."""


class BadMessageError(ValueError):
    """What came is not a message of this protocol; the text says what is wrong.

    Attributes:
        close_code: WebSocket code to close with, or None to go on.
    """

    def __init__(self, message: str, close_code: int | None = None) -> None:
        super().__init__(message)
        self.close_code = close_code


# --- Caller → server -----------------------------------------------------------------


class _Message(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Hello(_Message, frozen=True, tag="hello"):
    """The client says what it speaks."""

    protocol: int
    speaks: bool = True


class Speech(_Message, frozen=True, tag="speech"):
    """The client's own speech detection, or push-to-talk.

    `by`: `sound` where only the client's detection says so.
    """

    state: str
    by: str = "person"


class Mute(_Message, frozen=True, tag="mute"):
    """The microphone goes off or on."""

    muted: bool


class Original(_Message, frozen=True, tag="original"):
    """How loud the callee's own voice is to be."""

    gain: float


class Repeat(_Message, frozen=True, tag="repeat"):
    """Say an utterance to the callee again."""

    utterance_id: str


class Discard(_Message, frozen=True, tag="discard"):
    """Do not say the rest of an utterance."""

    utterance_id: str


class ChangeMode(_Message, frozen=True, tag="mode"):
    """Switch the call to another mode."""

    mode: str


class Text(_Message, frozen=True, tag="text", rename={"as_": "as"}):
    """Say this to the callee; `as` names whose language it is in."""

    id: str
    text: str
    as_: Literal["caller", "callee"] = "caller"


class Typing(_Message, frozen=True, tag="typing"):
    """The caller is typing, or not any more."""

    active: bool


class Say(_Message, frozen=True, tag="say"):
    """Say a saved phrase."""

    phrase_id: str


class PressKeys(_Message, frozen=True, tag="dtmf"):
    """Press keys on the telephone."""

    digits: str


class Answer(_Message, frozen=True, tag="answer"):
    """The caller answers a question of the agent's."""

    question_id: str
    text: str


class Whisper(_Message, frozen=True, tag="whisper"):
    """The caller tells the agent something."""

    id: str
    text: str


class End(_Message, frozen=True, tag="end"):
    """Hang up."""


class Ping(_Message, frozen=True, tag="ping"):
    """The client wants to know whether anybody is there."""


ClientMessage = (
    Hello
    | Speech
    | Mute
    | Original
    | Repeat
    | Discard
    | ChangeMode
    | Text
    | Typing
    | Say
    | PressKeys
    | Answer
    | Whisper
    | End
    | Ping
)

_KNOWN: Final = frozenset(
    {
        "hello",
        "speech",
        "mute",
        "original",
        "repeat",
        "discard",
        "mode",
        "dtmf",
        "text",
        "typing",
        "say",
        "answer",
        "whisper",
        "end",
        "ping",
    }
)


class _Tag(msgspec.Struct):
    type: str


_tag_decoder: Final = msgspec.json.Decoder(_Tag)
_decoder: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(
    ClientMessage
)


def decode_client(text: str) -> ClientMessage | None:
    """Read one text frame.

    Args:
        text: the frame.

    Returns:
        the message, or None for a type this side does not know (it is ignored).

    Raises:
        BadMessageError: not JSON, no type, or a field of the wrong kind.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise BadMessageError(
            f"A text frame may have {MAX_TEXT_BYTES} characters.", close_code=1009
        )
    try:
        kind = _tag_decoder.decode(text).type
    except msgspec.MsgspecError as error:
        raise BadMessageError(
            f"A text frame is a JSON object with a type: {error}"
        ) from error
    if kind not in _KNOWN:
        return None
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise BadMessageError(f"“{kind}”: {error}") from error


def decode_audio(payload: bytes) -> Pcm:
    """Read one binary frame.

    Args:
        payload: PCM16 little-endian mono, 24 kHz.

    Returns:
        int16 samples.

    Raises:
        BadMessageError: half a sample, or more than 200 ms.
    """
    if len(payload) > MAX_AUDIO_BYTES:
        raise BadMessageError(
            "An audio frame holds at most 200 ms (9600 bytes).", close_code=1009
        )
    if len(payload) % 2:
        raise BadMessageError(
            "An audio frame is 16-bit samples: an even number of bytes.",
            close_code=1007,
        )
    return np.frombuffer(payload, dtype="<i2").astype(np.int16, copy=False)


# --- Server → caller -----------------------------------------------------------------


class ServerMessage(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=False):
    """Base of what we say to the caller."""


class Status(ServerMessage, frozen=True, tag="status"):
    """The call's status changed, or this is where it stands."""

    status: str
    reason: str | msgspec.UnsetType = msgspec.UNSET


class ModeChanged(ServerMessage, frozen=True, tag="mode"):
    """The mode that is in force."""

    mode: str


class AnsweredBy(ServerMessage, frozen=True, tag="answered_by"):
    """Who or what picked up."""

    kind: str


class Caption(ServerMessage, frozen=True, tag="caption"):
    """Everything one utterance says so far.

    `state`: `not_understood` where something was said and nobody knows what,
    `withdrawn` where nobody has said anything: the caption is to be taken away.
    """

    utterance_id: str
    leg: str
    original: str
    translation: str
    original_final: bool
    translation_final: bool
    started_ms: int
    ended_ms: int | msgspec.UnsetType = msgspec.UNSET
    uncertain: list[tuple[int, int]] | msgspec.UnsetType = msgspec.UNSET
    state: str | msgspec.UnsetType = msgspec.UNSET


class Speaking(ServerMessage, frozen=True, tag="speaking"):
    """Somebody began or stopped to speak."""

    leg: str
    active: bool


class Playback(ServerMessage, frozen=True, tag="playback"):
    """How much of an utterance the callee has really heard."""

    leg: str
    utterance_id: str
    played_ms: int


class Interruption(ServerMessage, frozen=True, tag="interruption"):
    """Somebody took the floor from what was playing."""

    by: str


class Unheard(ServerMessage, frozen=True, tag="unheard"):
    """What the callee has not heard, and what becomes of it."""

    utterance_id: str
    text: str
    translation: str
    state: str


class TextStatus(ServerMessage, frozen=True, tag="text_status"):
    """What has become of a typed message."""

    id: str
    state: str
    translation: str | msgspec.UnsetType = msgspec.UNSET
    spoken: str | msgspec.UnsetType = msgspec.UNSET


class Guardrail(ServerMessage, frozen=True, tag="guardrail"):
    """What is to be said was judged, and what was done about it."""

    level: str
    action: str
    utterance_id: str


class Reply(msgspec.Struct, frozen=True):
    """A reply to choose: `text` in the callee's language, which is what is said."""

    text: str
    translation: str


class Suggestions(ServerMessage, frozen=True, tag="suggestions"):
    """Replies to what the callee has said."""

    utterance_id: str
    items: list[Reply]


class Question(ServerMessage, frozen=True, tag="question"):
    """The agent asks the caller; `expires_ms` is how long there is to answer."""

    question_id: str
    text: str
    expires_ms: int


class Dtmf(ServerMessage, frozen=True, tag="dtmf"):
    """The callee pressed a key."""

    digit: str


class DtmfStatus(ServerMessage, frozen=True, tag="dtmf_status"):
    """What became of keys that the caller pressed: queued, sending, sent, failed."""

    digits: str
    state: str


class Hold(ServerMessage, frozen=True, tag="hold"):
    """The other side lets us wait, or is back."""

    active: bool


class Recovery(ServerMessage, frozen=True, tag="recovery"):
    """An engine went away, or is back."""

    leg: str
    state: str
    engine: str | msgspec.UnsetType = msgspec.UNSET
    gap_ms: int | msgspec.UnsetType = msgspec.UNSET


class Latency(ServerMessage, frozen=True, tag="latency"):
    """What the relay and the whole path added, milliseconds."""

    relay_in_p50_ms: float | None
    relay_in_p99_ms: float | None
    relay_out_p50_ms: float | None
    relay_out_p99_ms: float | None
    caller_to_callee_ms: float | None
    callee_to_caller_ms: float | None
    hold_back_p50_ms: float | None = None
    echo_heard: int = 0
    echo_lost_ms: int = 0
    held_ms: int = 0
    playout_lag_ms: int = 0
    final_caption_ms: dict[str, float] = {}
    typed_to_line_ms: float | None = None


class Cost(ServerMessage, frozen=True, tag="cost"):
    """What the call has cost so far, and how long the telephone was connected."""

    usd: float
    minutes: float


class Warn(ServerMessage, frozen=True, tag="warning"):
    """Something the caller should know before it matters."""

    code: str
    message: str
    remaining_s: int | msgspec.UnsetType = msgspec.UNSET
    lost_ms: int | msgspec.UnsetType = msgspec.UNSET
    remaining_usd: float | msgspec.UnsetType = msgspec.UNSET
    utterance_id: str | msgspec.UnsetType = msgspec.UNSET


class Problem(ServerMessage, frozen=True, tag="error"):
    """Something did not work; the socket stays open."""

    code: str
    message: str


class Ended(ServerMessage, frozen=True, tag="ended"):
    """The call is over."""

    status: str
    outcome: str


class Pong(ServerMessage, frozen=True, tag="pong"):
    """The answer to `ping`."""


_encoder: Final = msgspec.json.Encoder()


def encode_server(message: ServerMessage) -> str:
    """Write one text frame.

    Args:
        message: what to tell the caller.

    Returns:
        compact JSON with its `type`.
    """
    return _encoder.encode(message).decode()

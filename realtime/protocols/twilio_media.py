"""Twilio Media Streams, both directions (facts/twilio.md 1)."""

import binascii
from dataclasses import dataclass
from typing import Any, Final

import msgspec

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""A normal frame is about 400 bytes; nobody needs more (facts/twilio.md 1)."""


class BadFrameError(ValueError):
    """What came is not a Media Streams message.

    Attributes:
        close_code: the WebSocket code to close with.
    """

    def __init__(self, message: str, close_code: int = 1007) -> None:
        super().__init__(message)
        self.close_code = close_code


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket speaks the protocol."""


@dataclass(frozen=True, slots=True)
class Start:
    """What this stream is about."""

    stream_sid: str
    call_sid: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Media:
    """Sound from the telephone: mu-law, 8 kHz."""

    payload: bytes
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key was pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream ends."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a kind that we do not use."""

    event: str


MediaStreamMessage = Connected | Start | Media | Dtmf | Stop | Unknown


class _MediaBody(msgspec.Struct):
    payload: bytes  # msgspec decodes base64
    timestamp: str | int = 0
    track: str = "inbound"


class _StartBody(msgspec.Struct, rename="camel"):
    stream_sid: str
    call_sid: str
    custom_parameters: dict[str, str] = {}
    media_format: dict[str, Any] = {}


class _DtmfBody(msgspec.Struct):
    digit: str


class _Frame(msgspec.Struct):
    event: str
    media: _MediaBody | None = None
    start: _StartBody | None = None
    dtmf: _DtmfBody | None = None


_decoder: Final = msgspec.json.Decoder(_Frame)


def decode(text: str) -> MediaStreamMessage:
    """Read one message from Twilio.

    Args:
        text: a JSON text frame.

    Returns:
        the message; kinds that we do not use become `Unknown`.

    Raises:
        BadFrameError: too long, not JSON, or a field missing.
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise BadFrameError("The message is too long.", close_code=1009)
    try:
        frame = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise BadFrameError(f"Not a Media Streams message: {error}") from error
    if frame.event == "media" and frame.media is not None:
        body = frame.media
        try:
            return Media(body.payload, int(body.timestamp))
        except ValueError as error:
            raise BadFrameError("media.timestamp is not a number.") from error
    if frame.event == "start" and frame.start is not None:
        start = frame.start
        encoding = start.media_format.get("encoding", "audio/x-mulaw")
        if encoding != "audio/x-mulaw":
            raise BadFrameError(f"The stream's encoding is {encoding}, not mu-law.")
        return Start(start.stream_sid, start.call_sid, start.custom_parameters)
    if frame.event == "dtmf" and frame.dtmf is not None:
        return Dtmf(frame.dtmf.digit)
    if frame.event == "connected":
        return Connected()
    if frame.event == "stop":
        return Stop()
    if frame.event in {"media", "start", "dtmf"}:
        raise BadFrameError(f"A {frame.event} message without its body.")
    return Unknown(frame.event)


def encode_media(stream_sid: str, payload: bytes) -> str:
    """Write sound for the telephone; exactly Twilio's keys, compact.

    Args:
        stream_sid: the stream that plays it.
        payload: mu-law, 8 kHz, any length.
    """
    audio = binascii.b2a_base64(payload, newline=False).decode("ascii")
    return (
        f'{{"event":"media","streamSid":"{stream_sid}",'
        f'"media":{{"payload":"{audio}"}}}}'
    )


def encode_clear(stream_sid: str) -> str:
    """Drop everything that has not been played yet."""
    return f'{{"event":"clear","streamSid":"{stream_sid}"}}'

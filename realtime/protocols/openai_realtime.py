"""The parts of OpenAI's socket events that we read and write (facts/openai.md 2, 3).

Only the GA shapes.  Events are told apart by `type`; a type that we do not know is
data to be ignored, never an error.
"""

import binascii
from typing import Any, Final

import msgspec
import numpy as np

from realtime.events import Pcm


class _Error(msgspec.Struct):
    type: str = ""
    code: str | None = None
    message: str = ""
    event_id: str | None = None


class ServerEvent(msgspec.Struct):
    """One event from either kind of session; absent fields are empty.

    Attributes:
        delta: text, or base64 audio, depending on `type`.
        elapsed_ms: alignment hint of translation sessions, in steps of 200 ms.
    """

    type: str
    event_id: str = ""
    delta: str = ""
    transcript: str = ""
    elapsed_ms: int | float | None = None
    error: _Error | None = None
    session: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    response_id: str = ""
    item_id: str = ""
    item: dict[str, Any] | None = None


class BadEventError(ValueError):
    """The provider sent something that is not one of its events."""


_decoder: Final = msgspec.json.Decoder(ServerEvent)


def decode(text: str | bytes) -> ServerEvent:
    """Read one event.

    Args:
        text: a JSON text frame.

    Raises:
        BadEventError: not JSON, or without a type.
    """
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise BadEventError(str(error)) from error


def decode_pcm(delta: str) -> Pcm:
    """Decode the base64 PCM16 little-endian of an audio delta.

    Raises:
        BadEventError: not base64, or half a sample.
    """
    try:
        raw = binascii.a2b_base64(delta, strict_mode=True)
    except binascii.Error as error:
        raise BadEventError("An audio delta is not base64.") from error
    if len(raw) % 2:
        raise BadEventError("An audio delta holds half a sample.")
    return np.frombuffer(raw, dtype="<i2").astype(np.int16, copy=False)


def encode_pcm(pcm: Pcm) -> str:
    """Encode samples as base64 PCM16 little-endian."""
    raw = pcm.astype("<i2", copy=False).tobytes()
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def encode(event: dict[str, Any]) -> str:
    """Write one client event as compact JSON."""
    return msgspec.json.encode(event).decode()

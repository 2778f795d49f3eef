"""The words of Twilio's Media Streams, from Twilio's side.  Pure.

    us (Twilio) ──► connected, start, media, dtmf, mark, stop ──► the product
    us (Twilio) ◄── media, mark, clear ◄── the product

Every number that we send is a string, as at Twilio.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from lab.telephone.line import LineFrame
from realtime.audio.g711 import SAMPLE_RATE_HZ

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Largest message accepted from the product; Twilio publishes no limit."""


class StreamError(Exception):
    """A message from the product that Twilio would report.

    Args:
        code: Twilio's error code (31950 binary frame, 31951 bad message).
        message: what is wrong.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Media:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    pass


Message = Media | Mark | Clear

_KEYS: Final = {
    "media": {"event", "streamSid", "media"},
    "mark": {"event", "streamSid", "mark"},
    "clear": {"event", "streamSid"},
}


def parse_message(data: str | bytes, stream_sid: str) -> Message:
    """Read one message of the product.

    Args:
        data: as it came from the socket; bytes mean a binary frame.
        stream_sid: the stream it must name.

    Raises:
        StreamError: 31950 for a binary frame, 31951 for everything else that Twilio
            does not accept (unknown event, unexpected or missing field, wrong stream).
    """
    if isinstance(data, bytes):
        raise StreamError(31950, "Binary frames are not supported.")
    try:
        value: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StreamError(31951, f"Not JSON: {error}") from None
    event = value.get("event") if isinstance(value, dict) else None
    keys = _KEYS.get(event) if isinstance(event, str) else None
    if keys is None:
        raise StreamError(31951, f"Unknown event {event!r}.")
    if set(value) != keys:
        wrong = ", ".join(sorted(set(value) ^ keys))
        raise StreamError(31951, f"{event}: missing or unexpected {wrong}.")
    if value["streamSid"] != stream_sid:
        raise StreamError(31951, f"{event}: unknown streamSid.")
    if event == "clear":
        return Clear()
    body = value[event]
    if event == "mark":
        if not isinstance(body, dict) or not isinstance(body.get("name"), str):
            raise StreamError(31951, "mark: a name is required.")
        return Mark(body["name"])
    if not isinstance(body, dict) or set(body) != {"payload"}:
        raise StreamError(31951, "media: exactly a payload is required.")
    try:
        return Media(base64.b64decode(body["payload"], validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise StreamError(31951, "media: the payload is not base64.") from None


class MessageWriter:
    """Number and write the messages of one stream.

    Args:
        stream_sid: MZ….
        call_sid: CA….
        account_sid: AC….
    """

    def __init__(self, *, stream_sid: str, call_sid: str, account_sid: str) -> None:
        self.stream_sid = stream_sid
        self._call = {"accountSid": account_sid, "callSid": call_sid}
        self._n_messages = 0
        self._n_chunks = 0

    def connected(self) -> str:
        """Write the first message of a socket."""
        return self._json(
            {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        )

    def start(self, parameters: dict[str, str]) -> str:
        """Write `start`.

        Args:
            parameters: the document's <Parameter>s.
        """
        body = {
            **self._call,
            "streamSid": self.stream_sid,
            "tracks": ["inbound"],
            "mediaFormat": {
                "encoding": "audio/x-mulaw",
                "sampleRate": SAMPLE_RATE_HZ,
                "channels": 1,
            },
            "customParameters": parameters,
        }
        return self._numbered("start", body)

    def media(self, frame: LineFrame) -> str:
        """Write one frame of the telephone's side."""
        self._n_chunks += 1
        body = {
            "track": "inbound",
            "chunk": str(self._n_chunks),
            "timestamp": str(frame.timestamp_ms),
            "payload": base64.b64encode(frame.payload).decode(),
        }
        return self._numbered("media", body)

    def mark(self, name: str) -> str:
        """Echo a mark."""
        return self._numbered("mark", {"name": name})

    def dtmf(self, digit: str) -> str:
        """Report a key that the callee pressed."""
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def stop(self) -> str:
        """Write the last message."""
        return self._numbered("stop", dict(self._call))

    def _numbered(self, event: str, body: dict[str, Any]) -> str:
        self._n_messages += 1
        return self._json(
            {
                "event": event,
                "sequenceNumber": str(self._n_messages),
                "streamSid": self.stream_sid,
                event: body,
            }
        )

    @staticmethod
    def _json(value: dict[str, Any]) -> str:
        return msgspec.json.encode(value).decode()

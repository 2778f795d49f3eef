"""The wire of `benchmarks.relay`: WebSocket frames and HTTP heads.  Pure.

A driver must be much lighter than what it drives.  It therefore knows only what uvicorn
and `websockets` really send: whole messages, no extensions, small requests.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_FIN: Final = 0x80
_MASKED: Final = 0x80
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 section 1.3."""
_NO_MASK: Final = bytes(4)
"""A client's frames must be masked (RFC 6455 section 5.3).  With this key the bytes
stay as they are: the server takes the mask off all the same, we need not put it on."""


class WireError(ValueError):
    """The other side sent something that this driver does not know."""


def encode_frame(payload: bytes, opcode: int = TEXT, *, is_client: bool) -> bytes:
    """Write one whole message.

    Args:
        payload: its content.
        opcode: TEXT, BINARY, CLOSE, PING or PONG.
        is_client: clients mask what they send.
    """
    n, mask = len(payload), _MASKED if is_client else 0
    if n < 126:
        head = bytes((_FIN | opcode, mask | n))
    elif n < 65536:
        head = bytes((_FIN | opcode, mask | 126)) + n.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, mask | 127)) + n.to_bytes(8, "big")
    return head + _NO_MASK + payload if is_client else head + payload


def _unmasked(payload: bytes, key: bytes) -> bytes:
    n = len(payload)
    keys = (key * (n // 4 + 1))[:n]
    # One long exclusive or: 10 us for 200 ms of base64 sound.
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(keys, "little")
    return mixed.to_bytes(n, "little")


class FrameReader:
    """Cuts what arrives into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take what has arrived.

        Args:
            data: any number of bytes.

        Yields:
            opcode and payload of each message that is complete now.

        Raises:
            WireError: a message in fragments, or with an extension.
        """
        self._buffer += data
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if not first & _FIN or first & 0x70 or not first & 0x0F:
            raise WireError("A fragment or an extension: neither was agreed on.")
        n, at = second & 0x7F, 2
        if n > 125:
            at += 2 if n == 126 else 8
            if len(buffer) < at:
                return None
            n = int.from_bytes(buffer[2:at], "big")
        body = at + 4 if second & _MASKED else at
        if len(buffer) < body + n:
            return None
        payload = bytes(buffer[body : body + n])
        if second & _MASKED:
            payload = _unmasked(payload, bytes(buffer[at:body]))
        del buffer[: body + n]
        return first & 0x0F, payload


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request or an answer, and the bytes of its body so far.

    Attributes:
        start: the words of the first line.
        headers: by lower-case name.
        body: as far as it has come.
    """

    start: tuple[str, str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_complete(self) -> bool:
        """Whether the whole body is there."""
        return len(self.body) >= int(self.headers.get("content-length", "0"))


def read_head(data: bytes) -> Head | None:
    """Read a head that has come whole; None if it has not.

    Args:
        data: everything that has arrived.

    Raises:
        WireError: this is not HTTP/1.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) != 3 or not any(word.startswith("HTTP/1") for word in words):
        raise WireError(f"Not HTTP/1: {first[:60]!r}")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Head((words[0], words[1], words[2]), headers, body)


def accept_key(key: str) -> str:
    """Answer a handshake's `Sec-WebSocket-Key`."""
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def client_handshake(host: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Write the request that opens a socket.

    Args:
        host: with its port.
        path: with its query.
        headers: further ones.
    """
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: d2lndm8tcmVsYXktdGVzdA==",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def server_handshake(key: str) -> bytes:
    """Write the answer that opens a socket."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    ).encode()


def http_answer(status: int, body: bytes) -> bytes:
    """Write an answer with a JSON body."""
    head = (
        f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

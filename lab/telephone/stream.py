"""The Media Streams client: one socket from the telephone company to the product.

The call's clock pushes frames, marks and keys in (`on_frame` …, synchronous, never
waiting); two tasks read and write the socket.
"""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from lab.telephone import twiml
from lab.telephone.line import LineFrame
from lab.telephone.media_stream import (
    MAX_MESSAGE_BYTES,
    Clear,
    Mark,
    Media,
    MessageWriter,
    StreamError,
    parse_message,
)
from lab.telephone.playout import Playout
from realtime.audio.g711 import SAMPLE_RATE_HZ

USER_AGENT: Final = "Twilio.TmeWs/1.0"
OPEN_TIMEOUT_S: Final = 10.0
"""Twilio connects for 2 x 5 s."""
GOODBYE_TIMEOUT_S: Final = 2.0
MAX_UNSENT: Final = 500
"""The product is 10 s behind: frames are thrown away and 31930 is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFault:
    """Something that goes wrong with a stream.

    Attributes:
        kind: drop (the connection breaks), close (an orderly close without `stop`),
            stall (nothing arrives for a while, then all of it at once), send (a
            message of your own).
        after_ms: how long after `start`.
        duration_ms: of a stall.
        message: of `send`; bytes become a binary frame.
    """

    kind: str
    after_ms: int = 1000
    duration_ms: int = 1000
    message: str | bytes = ""


@dataclass(slots=True)
class StreamReport:
    """What became of one stream, for the control API."""

    stream_sid: str
    url: str
    name: str
    parameters: Mapping[str, str]
    state: str = "connecting"
    ended_by: str = ""
    close_code: int | None = None
    frames_sent: int = 0
    frames_unsent: int = 0
    media_messages: int = 0
    received_bytes: int = 0
    played_bytes: int = 0
    cleared_bytes: int = 0
    unplayed_bytes: int = 0
    max_queued_ms: int = 0
    marks: list[str] = field(default_factory=list)
    clears: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it for the control API; the parameters hold a secret token."""
        return {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("parameters",)
        } | {"parameters": sorted(self.parameters)}


def without_query(url: str) -> str:
    """Return the URL that is connected to: query strings are not forwarded."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


class StreamClient:
    """One bidirectional stream of a call.

    Args:
        verb: the document's <Stream>.
        call_sid: CA….
        account_sid: AC….
        sign: signs the URL of the handshake.
        notify: records an error code and its message on the call.
        tell: reports stream-started, stream-stopped, stream-error.
        faults: what shall go wrong.
    """

    def __init__(
        self,
        verb: twiml.Stream,
        *,
        call_sid: str,
        account_sid: str,
        sign: Callable[[str, Mapping[str, str]], str],
        notify: Callable[[int, str], None],
        tell: Callable[[str, str], None],
        faults: Sequence[StreamFault] = (),
    ) -> None:
        self.stream_sid = "MZ" + secrets.token_hex(16)
        self.playout = Playout()
        self.report = StreamReport(
            self.stream_sid, verb.url, verb.name, dict(verb.parameters)
        )
        self._verb = verb
        self._writer = MessageWriter(
            stream_sid=self.stream_sid, call_sid=call_sid, account_sid=account_sid
        )
        self._sign, self._notify, self._tell = sign, notify, tell
        self._faults = sorted(faults, key=lambda fault: fault.after_ms)
        self._to_send: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._reported: set[int] = set()
        self._socket: ClientConnection | None = None
        self._closing: asyncio.Future[None] | None = None
        self._is_open = False
        self._age_ms = 0
        self._first_ms: int | None = None
        self._stalled_until_ms = 0
        self._stalled: list[LineFrame] = []

    # --- from the call's clock -----------------------------------------------------

    def on_frame(self, frame: LineFrame) -> None:
        """Send 20 ms of the telephone's side, unless the product is too far behind."""
        if not self._is_open:
            return
        if self._first_ms is None:
            self._first_ms = frame.timestamp_ms
        self._age_ms = frame.timestamp_ms - self._first_ms
        while self._faults and self._faults[0].after_ms <= self._age_ms:
            self._fail(self._faults.pop(0))
        queued_ms = self.playout.queued_bytes * 1000 // SAMPLE_RATE_HZ
        self.report.max_queued_ms = max(self.report.max_queued_ms, queued_ms)
        self._stalled.append(LineFrame(frame.payload, self._age_ms))
        if self._age_ms < self._stalled_until_ms:
            return
        for one in self._stalled:
            self._send_frame(one)
        self._stalled.clear()

    def on_marks(self, names: Sequence[str]) -> None:
        """Echo marks that were reached, or cleared."""
        for name in names:
            self.report.marks.append(name)
            self._to_send.put_nowait(self._writer.mark(name))

    def on_key(self, digit: str) -> None:
        """Report a key that the callee pressed."""
        if self._is_open:
            self._to_send.put_nowait(self._writer.dtmf(digit))

    def _send_frame(self, frame: LineFrame) -> None:
        if self._to_send.qsize() >= MAX_UNSENT:
            self.report.frames_unsent += 1
            self._report_once(31930, "The product reads too slowly.")
            return
        self.report.frames_sent += 1
        self._to_send.put_nowait(self._writer.media(frame))

    def _fail(self, fault: StreamFault) -> None:
        socket = self._socket
        match fault.kind:
            case "stall":
                self._stalled_until_ms = self._age_ms + fault.duration_ms
            case "send":
                self._to_send.put_nowait(fault.message)
            case "drop" if socket is not None:
                self.report.ended_by = "fault"
                socket.transport.abort()
            case "close" if socket is not None:
                self.report.ended_by = "fault"
                self._closing = asyncio.ensure_future(socket.close())

    # --- the socket ----------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and carry audio until either side ends it.

        Cancel it to end the stream from the telephone's side: `stop` is sent and the
        socket is closed.
        """
        url = without_query(self._verb.url)
        if url != self._verb.url:
            self._notify(31923, "The query string of <Stream url> is not forwarded.")
        try:
            socket = await connect(
                url,
                additional_headers={"X-Twilio-Signature": self._sign(url, {})},
                user_agent_header=USER_AGENT,
                compression=None,
                open_timeout=OPEN_TIMEOUT_S,
                ping_interval=None,
                max_size=MAX_MESSAGE_BYTES,
                proxy=None,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            self._refused(31920, f"The handshake was answered with {status}.")
        except InvalidURI:
            self._refused(31923, "The URL of the stream is not valid.")
        except InvalidHandshake as error:
            self._refused(31920, f"The handshake failed: {type(error).__name__}.")
        except TimeoutError:
            self._refused(31901, "The socket was not opened in time.")
        except OSError as error:
            self._refused(31902, f"The connection was refused: {error}.")
        else:
            await self._carry(socket)

    def _refused(self, code: int, message: str) -> None:
        self.report.state, self.report.ended_by = "refused", "handshake"
        self._notify(code, message)
        self._tell("stream-error", f"{code} {message}")

    async def _carry(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._to_send.put_nowait(self._writer.connected())
        self._to_send.put_nowait(self._writer.start(dict(self._verb.parameters)))
        self._is_open = True
        self.report.state = "open"
        self._tell("stream-started", "")
        writing = asyncio.create_task(self._write(socket))
        try:
            await self._read(socket)
            self.report.ended_by = self.report.ended_by or "product"
        except asyncio.CancelledError:
            self.report.ended_by = "telephone"
            with contextlib.suppress(TimeoutError, ConnectionClosed):
                async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                    self._is_open = False
                    self._to_send.put_nowait(self._writer.stop())
                    await self._to_send.join()
            raise
        finally:
            self._is_open = False
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                    await socket.close()
            self._conclude(socket)

    def _conclude(self, socket: ClientConnection) -> None:
        report, playout = self.report, self.playout
        report.state = "closed"
        report.close_code = socket.close_code
        report.played_bytes = playout.played_bytes
        report.unplayed_bytes = playout.queued_bytes
        report.cleared_bytes = playout.cleared_bytes
        playout.clear()
        if report.close_code == 1006 and report.ended_by == "product":
            self._notify(31903, "The socket broke without a close.")
        self._tell("stream-stopped", "")

    async def _write(self, socket: ClientConnection) -> None:
        while True:
            message = await self._to_send.get()
            with contextlib.suppress(ConnectionClosed):
                await socket.send(message)
            self._to_send.task_done()

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for data in socket:
                try:
                    message = parse_message(data, self.stream_sid)
                except StreamError as error:
                    self._report_once(error.code, error.message)
                    continue
                match message:
                    case Media(payload):
                        self._receive(payload)
                    case Mark(name):
                        self.playout.mark(name)
                    case Clear():
                        self.report.clears += 1
                        self.on_marks(self.playout.clear())

    def _receive(self, payload: bytes) -> None:
        self.report.media_messages += 1
        self.report.received_bytes += len(payload)
        if not self.playout.push(payload):
            self._report_once(31931, "More than ten minutes of audio are waiting.")

    def _report_once(self, code: int, message: str) -> None:
        """Record an error the first time it happens on this stream."""
        if code not in self._reported:
            self._reported.add(code)
            self._notify(code, message)


def stream_fault(values: Mapping[str, Any]) -> StreamFault:
    """Build a fault from the control API's JSON.

    Args:
        values: kind, after_ms, duration_ms, text or base64.

    Raises:
        ValueError: something is missing or unknown.
    """
    values = dict(values)
    kind = values.pop("kind", "")
    if kind not in ("drop", "close", "stall", "send"):
        raise ValueError(f"There is no stream fault {kind!r}.")
    message: str | bytes = str(values.pop("text", ""))
    if "base64" in values:
        message = base64.b64decode(str(values.pop("base64")), validate=True)
    try:
        fault = StreamFault(kind=kind, message=message, **values)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not isinstance(fault.after_ms, int) or not isinstance(fault.duration_ms, int):
        raise ValueError("after_ms and duration_ms are whole numbers.")
    return fault

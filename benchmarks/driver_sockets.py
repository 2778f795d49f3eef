"""The sockets of `benchmarks.relay` on asyncio, and its clocks."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, cast

from benchmarks import driver_wire as wire
from benchmarks.driver_wire import Head, WireError

CONNECT_S: Final = 10.0


class Receiver(Protocol):
    """Whoever is behind a socket."""

    def on_message(self, opcode: int, payload: bytes) -> None:
        """A text or binary message has come."""

    def on_close(self) -> None:
        """The socket is gone."""


class Socket(asyncio.Protocol):
    """One WebSocket, from either side; what is sent is written at once.

    Args:
        receiver: is told what comes.
        is_client: whether it is our side that has to mask.
    """

    def __init__(self, receiver: Receiver, *, is_client: bool) -> None:
        self._receiver = receiver
        self._is_client = is_client
        self._reader = wire.FrameReader()
        self._transport: asyncio.Transport | None = None
        self._head = bytearray()
        self._opened: asyncio.Future[None] | None = None
        self.is_open = False

    # --- asyncio's side ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast(asyncio.Transport, transport)  # TCP's go both ways

    def data_received(self, data: bytes) -> None:
        """Take bytes: of the handshake's answer, then of messages."""
        if self._opened is not None and not self._opened.done():
            data = self._shake_hands(data)
        for opcode, payload in self._reader.feed(data):
            if opcode == wire.PING:
                self.write(self.frame(payload, wire.PONG))
            elif opcode == wire.CLOSE:
                self.write(self.frame(payload[:2], wire.CLOSE))
                self.abandon()
            elif opcode in (wire.TEXT, wire.BINARY):
                self._receiver.on_message(opcode, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, once."""
        was_open, self.is_open = self.is_open, False
        self._transport = None
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(WireError("The handshake was cut off."))
        if was_open:
            self._receiver.on_close()

    # --- ours -------------------------------------------------------------------------

    def take_over(self, transport: asyncio.Transport, rest: bytes) -> None:
        """Go on with a connection whose handshake we have answered."""
        self._transport = transport
        self.is_open = True
        if rest:
            self.data_received(rest)

    async def shake_hands(self, request: bytes) -> None:
        """Send the opening request and wait for its answer.

        Raises:
            WireError: it was refused.
            TimeoutError: there was none.
        """
        self._opened = asyncio.get_running_loop().create_future()
        self.write(request)
        async with asyncio.timeout(CONNECT_S):
            await self._opened

    def _shake_hands(self, data: bytes) -> bytes:
        assert self._opened is not None  # noqa: S101 - the caller looked
        self._head += data
        head = wire.read_head(bytes(self._head))
        if head is None:
            return b""
        if head.start[1] != "101":
            self._opened.set_exception(WireError(f"Refused: {head.start[1]}"))
            self.abandon()
            return b""
        self.is_open = True
        self._opened.set_result(None)
        return head.body

    def frame(self, payload: bytes, opcode: int = wire.TEXT) -> bytes:
        """Write a message as this side does, to be kept or sent."""
        return wire.encode_frame(payload, opcode, is_client=self._is_client)

    def write(self, frame: bytes) -> None:
        """Send a whole frame, or a handshake; nothing once the socket is gone."""
        if self._transport is not None:
            self._transport.write(frame)

    def close(self, code: int = 1000) -> None:
        """Say goodbye and go."""
        self.write(self.frame(code.to_bytes(2, "big"), wire.CLOSE))
        self.abandon()

    def abandon(self) -> None:
        """Close the connection after what was written."""
        if self._transport is not None:
            self._transport.close()


async def connect(url: str, headers: Mapping[str, str], receiver: Receiver) -> Socket:
    """Open a socket as its client.

    Args:
        url: ws://host:port/path.
        headers: of the handshake.
        receiver: is told what comes.

    Raises:
        WireError: refused.
        OSError: nobody is there.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "ws":
        raise WireError(f"Not an address of this machine: {url}")
    address, _, path = rest.partition("/")
    host, _, port = address.partition(":")
    socket = Socket(receiver, is_client=True)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: socket, host, int(port))
    await socket.shake_hands(wire.client_handshake(address, f"/{path}", headers))
    return socket


Answering = Callable[[Head], Awaitable[tuple[int, bytes]]]
Admitting = Callable[[Head], Receiver | None]


class Door(asyncio.Protocol):
    """One connection to us: requests, one after the other, or a socket.

    Args:
        answer: a request's status and JSON body.
        admit: whoever takes a socket; None refuses it.
        opened: is given the socket once it is open.
    """

    def __init__(
        self,
        answer: Answering,
        admit: Admitting,
        opened: Callable[[Receiver, Socket], None],
    ) -> None:
        self._answer, self._admit, self._opened = answer, admit, opened
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast(asyncio.Transport, transport)  # TCP's go both ways

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take bytes until a request is whole."""
        self._buffer += data
        head = wire.read_head(bytes(self._buffer))
        if head is None or not head.is_complete:
            return
        self._buffer.clear()
        if head.headers.get("upgrade", "").lower() == "websocket":
            self._open(head)
        else:
            task = asyncio.ensure_future(self._reply(head))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _open(self, head: Head) -> None:
        transport, receiver = self._transport, self._admit(head)
        if transport is None:
            return
        if receiver is None:
            transport.write(wire.http_answer(404, b"{}"))
            transport.close()
            return
        socket = Socket(receiver, is_client=False)
        transport.write(wire.server_handshake(head.headers["sec-websocket-key"]))
        transport.set_protocol(socket)
        self._opened(receiver, socket)
        socket.take_over(transport, head.body)

    async def _reply(self, head: Head) -> None:
        status, body = await self._answer(head)
        if self._transport is not None:
            self._transport.write(wire.http_answer(status, body))


class Lags:
    """How late our own clocks were: what a measurement here is worth."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    def add(self, late_s: float) -> None:
        """Count one tick."""
        self.ms.append(max(0.0, late_s * 1000))


class Clock:
    """Something that happens again and again, at its own time each time.

    Times are of `time.perf_counter`.  A tick that is late does not move the next one;
    ticks that were missed are caught up with at once.

    Args:
        period_s: from tick to tick.
        first_at: the first tick.
        on_tick: what happens.
        lags: is told how late it was.
    """

    def __init__(
        self, period_s: float, first_at: float, on_tick: Callable[[], None], lags: Lags
    ) -> None:
        self._period_s, self._first_at = period_s, first_at
        self._on_tick, self._lags = on_tick, lags
        self._loop = asyncio.get_running_loop()
        self._n = 0
        self._is_stopped = False
        self._arm()

    def stop(self) -> None:
        """Tick no more."""
        self._is_stopped = True
        self._timer.cancel()

    def _arm(self) -> None:
        due = self._first_at + self._n * self._period_s
        delay_s = max(0.0, due - time.perf_counter())
        self._timer = self._loop.call_later(delay_s, self._tick, due)

    def _tick(self, due: float) -> None:
        if self._is_stopped:
            return
        self._lags.add(time.perf_counter() - due)
        self._n += 1
        self._on_tick()
        if not self._is_stopped:
            self._arm()

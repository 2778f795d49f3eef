"""The shell of an engine: one client socket, kept open or honestly lost.

Opening, configuring and closing have timeouts; whoever opens decides about trying
again.  JSON is read and written raw: the SDK's typed path costs ten times as much per
event (facts/openai.md 7).
"""

import asyncio
import contextlib
import hashlib
import math
from collections.abc import Callable
from typing import Any, Final

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from realtime.config import ENGINE_HZ
from realtime.protocols import openai_realtime as wire

log = structlog.get_logger(__name__)

OPEN_TIMEOUT_S: Final = 5.0
"""Opening and configuring one session (design section 2)."""
CLOSE_TIMEOUT_S: Final = 3.0
MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""A sentence rendered at once is about 0.5 MB of base64; nothing honest is larger."""
QUEUE_LIMIT: Final = 2000
"""Messages waiting for a slow engine: 40 s of sound at 20 ms."""


SOUND_CHARS_PER_S: Final = ENGINE_HZ * 2 * 4 // 3
"""A second of sound as base64."""


class Pace:
    """How fast sound may be sent: a second at once, then so much faster than time.

    Args:
        max_speed: how much faster; None: any speed.
    """

    def __init__(self, max_speed: float | None) -> None:
        self._chars_per_s = (max_speed or math.inf) * SOUND_CHARS_PER_S
        self._left = float(SOUND_CHARS_PER_S)
        self._at = -math.inf

    def wait_s(self, n_chars: int, now: float) -> float:
        """Say how long to wait before something is sent.

        Args:
            n_chars: its length.
            now: monotonic seconds.
        """
        if math.isinf(self._chars_per_s):
            return 0.0
        refilled = self._left + (now - self._at) * self._chars_per_s
        self._left = min(refilled, SOUND_CHARS_PER_S) - n_chars
        self._at = now
        return max(0.0, -self._left / self._chars_per_s)


class EngineRefusedError(Exception):
    """The engine did not accept a session.

    Attributes:
        code: the provider's error code, or `unreachable`, `timeout`.
        is_limit: trying later may help (429).
    """

    def __init__(self, code: str, *, is_limit: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_limit = is_limit


def _ignore_event(event: wire.ServerEvent) -> None:
    pass


def _ignore_loss() -> None:
    pass


class EngineSocket:
    """One session with the provider.

    Args:
        url: of the session, model included.
        api_key: bearer token.
        update: the event that configures it.
        on_event: called with each decoded event after configuration.
        on_lost: called once if the socket goes away unasked.
        safety_id: who is behind it, hashed before it is sent.
        max_speed: how much faster than time it may be sent sound; None: any speed.
    """

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        update: str,
        on_event: Callable[[wire.ServerEvent], None],
        on_lost: Callable[[], None],
        safety_id: str = "",
        max_speed: float | None = None,
    ) -> None:
        self._url = url
        self._pace = Pace(max_speed)
        self._headers = {"Authorization": f"Bearer {api_key}"}
        if safety_id:
            digest = hashlib.sha256(safety_id.encode()).hexdigest()[:32]
            self._headers["OpenAI-Safety-Identifier"] = digest
        self._update = update
        self._on_event = on_event
        self._on_lost = on_lost
        self._socket: ClientConnection | None = None
        self._queue: asyncio.Queue[tuple[str, Callable[[], None] | None]] = (
            asyncio.Queue(QUEUE_LIMIT)
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._is_closing = False
        self.expires_at: float | None = None

    async def open(self) -> None:
        """Connect, configure, and wait for the provider's word that it is ready.

        Raises:
            EngineRefusedError: it said no, or not in time.
        """
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._socket = await connect(
                    self._url,
                    additional_headers=self._headers,
                    compression=None,
                    max_size=MAX_MESSAGE_BYTES,
                    open_timeout=OPEN_TIMEOUT_S,
                    close_timeout=1,
                    ping_interval=20,
                    ping_timeout=20,
                )
                await self._configure(self._socket)
        except InvalidStatus as error:
            status = error.response.status_code
            await self._abandon()
            raise EngineRefusedError(
                f"http_{status}", is_limit=status == 429
            ) from error
        except TimeoutError as error:
            await self._abandon()
            raise EngineRefusedError("timeout") from error
        except (OSError, WebSocketException) as error:
            await self._abandon()
            raise EngineRefusedError("unreachable") from error
        except BaseException:
            await self._abandon()
            raise
        self._tasks = [
            asyncio.create_task(self._read(self._socket), name="engine-read"),
            asyncio.create_task(self._write(self._socket), name="engine-write"),
        ]

    def send(self, text: str, on_sent: Callable[[], None] | None = None) -> bool:
        """Queue one event.

        Args:
            text: a JSON text frame.
            on_sent: called when it has been handed to the socket.

        Returns:
            False if the engine is so slow that the queue is full, or is closing.
        """
        if self._is_closing or self._socket is None:
            return False
        try:
            self._queue.put_nowait((text, on_sent))
        except asyncio.QueueFull:
            return False
        return True

    async def finish(self) -> None:
        """Wait until the provider closes, at most 3 s; it was sent a last event.

        Events that come meanwhile are still delivered.
        """
        if self._socket is not None and not self._is_closing:
            self._is_closing = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._socket.wait_closed()
        await self.close()

    async def close(self) -> None:
        """Let go of everything, now."""
        self._is_closing = True
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._abandon()
        # Who made this socket holds on to it; it must not hold on to them.
        self._on_event, self._on_lost = _ignore_event, _ignore_loss

    # --- Inside ----------------------------------------------------------------------

    async def _configure(self, socket: ClientConnection) -> None:
        sent = False
        while True:
            try:
                event = wire.decode(await socket.recv())
            except ConnectionClosed as error:
                raise EngineRefusedError("closed") from error
            match event.type:
                case "session.created" if not sent:
                    self._note_expiry(event.session)
                    await socket.send(self._update)
                    sent = True
                case "session.updated":
                    self._note_expiry(event.session)
                    return
                case "error":
                    code = (event.error and event.error.code) or "error"
                    raise EngineRefusedError(code, is_limit="rate_limit" in code)

    def _note_expiry(self, session: dict[str, Any] | None) -> None:
        expires_at = (session or {}).get("expires_at")
        if isinstance(expires_at, int | float):
            self.expires_at = float(expires_at)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                try:
                    self._on_event(wire.decode(message))
                except wire.BadEventError as error:
                    log.warning("engine_bad_event", problem=str(error)[:80])
        except ConnectionClosed:
            pass
        if not self._is_closing:
            self._is_closing = True
            self._on_lost()

    async def _write(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                text, on_sent = await self._queue.get()
                now = asyncio.get_running_loop().time()
                if wait_s := self._pace.wait_s(len(text), now):
                    await asyncio.sleep(wait_s)
                await socket.send(text)
                if on_sent is not None:
                    on_sent()

    async def _abandon(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            with contextlib.suppress(Exception):
                await socket.close()

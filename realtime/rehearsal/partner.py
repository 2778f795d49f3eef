"""The other side of a rehearsal, as a telephone would be: it rings, answers, hangs up.

The shell around `realtime.rehearsal.role`.  For the call it is a port like Twilio's
socket; behind it is one `/realtime` session.
"""

import asyncio
import binascii
import contextlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from django.conf import settings

from calls.models import Status
from realtime import events as ev
from realtime import services
from realtime.audio.g711 import FRAME_SAMPLES
from realtime.engines.usage import Role, Usage, of_realtime
from realtime.engines.voice import PATH
from realtime.protocols import openai_realtime as wire
from realtime.rehearsal.role import HANG_UP, FarEnd, instructions, session_update
from realtime.services import CallFacts
from realtime.sockets import EngineSocket
from wigvo.database import in_database

log = structlog.get_logger(__name__)

RING_S: Final = 2.0
"""Long enough to take a breath."""
FRAME_S: Final = 0.02
BATCH_FRAMES: Final = 5
"""100 ms of sound in one message (facts/openai.md 3)."""
CATCH_UP_FRAMES: Final = 50
"""A clock that is later than this has been asleep; it goes on from now."""


class _Frame(msgspec.Struct):
    event: str
    media: dict[str, str] = {}


_decoder: Final = msgspec.json.Decoder(_Frame)


class Partner:
    """Who answers in a rehearsal.

    Args:
        facts: the call.
        dispatch: gives something to the call's session.
        attach: makes this the call's telephone.
        detach: takes it away again.
    """

    def __init__(
        self,
        facts: CallFacts,
        *,
        dispatch: Callable[[ev.Event], None],
        attach: Callable[[Any, str], None],
        detach: Callable[[Any], None],
    ) -> None:
        self._facts = facts
        self._dispatch = dispatch
        self._attach = attach
        self._detach = detach
        self._line = FarEnd()
        self._closed = asyncio.Event()
        self._unpaid: list[Usage] = []
        self._batch: list[bytes] = []
        self._item_id = ""
        self._said_ms = 0
        self._socket = EngineSocket(
            url=f"{settings.OPENAI_REALTIME_URL}{PATH}"
            f"?model={settings.OPENAI_REALTIME_MODEL}",
            api_key=settings.OPENAI_API_KEY,
            update=session_update(
                settings.OPENAI_REALTIME_MODEL,
                instructions(
                    callee_language=facts.config.callee_language,
                    callee_name=facts.callee_name,
                    brief=dict(facts.brief),
                ),
            ),
            on_event=self._on_event,
            on_lost=self._on_lost,
            safety_id=str(facts.owner_id),
        )

    # --- A port, as the call sees it --------------------------------------------------

    def send(
        self, data: str | bytes, on_sent: Callable[[], None] | None = None
    ) -> None:
        """Take one message as Twilio would; what it means is in facts/twilio.md 1."""
        frame = _decoder.decode(data)
        if frame.event == "media":
            self._line.play(binascii.a2b_base64(frame.media.get("payload", "")))
        elif frame.event == "clear":
            self._line.clear()
        if on_sent is not None:
            on_sent()

    def close(self, code: int, reason: str = "") -> None:
        """Put the telephone down."""
        self._closed.set()

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked."""
        unpaid, self._unpaid = self._unpaid, []
        return unpaid

    # --- The rehearsal ----------------------------------------------------------------

    async def open(self) -> None:
        """Open the partner's session.

        Raises:
            EngineRefusedError: the provider did not accept it.
        """
        await self._socket.open()

    async def run(self) -> None:
        """Ring, answer, talk, and hang up."""
        call_id = self._facts.call_id
        try:
            await in_database(services.rehearse_status, call_id, Status.RINGING)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RING_S):
                    await self._closed.wait()
                    return
            await in_database(services.rehearse_status, call_id, Status.IN_PROGRESS)
            self._attach(self, f"rehearsal-{call_id}")
            self._socket.send(wire.encode({"type": "response.create"}))
            await self._keep_time()
            self._detach(self)
            await in_database(services.rehearse_status, call_id, Status.COMPLETED)
        finally:
            await self._socket.close()

    async def _keep_time(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not (self._closed.is_set() or self._line.is_over):
            due += FRAME_S
            late_s = loop.time() - due
            if late_s > CATCH_UP_FRAMES * FRAME_S:
                due = loop.time()
            await asyncio.sleep(max(0.0, -late_s))
            at_ms = self._line.ms
            heard, said = self._line.tick()
            self._batch.append(heard)
            if len(self._batch) >= BATCH_FRAMES:
                self._feed()
            self._dispatch(ev.CalleeFrame(said, at_ms))

    def _feed(self) -> None:
        sound = b"".join(self._batch)
        self._batch.clear()
        audio = binascii.b2a_base64(sound, newline=False).decode("ascii")
        self._socket.send(
            wire.encode({"type": "input_audio_buffer.append", "audio": audio})
        )

    # --- The partner's session --------------------------------------------------------

    def _on_event(self, event: wire.ServerEvent) -> None:
        match event.type:
            case "response.output_audio.delta":
                self._on_sound(event)
            case "input_audio_buffer.speech_started":
                self._on_interrupted()
            case "response.output_item.done":
                item = event.item or {}
                is_call = item.get("type") == "function_call"
                if is_call and item.get("name") == HANG_UP:
                    self._line.hang_up()
            case "response.done":
                usage = (event.response or {}).get("usage")
                if used := of_realtime(Role.PARTNER, usage):
                    self._unpaid.append(used)
            case "error":
                code = (event.error and event.error.code) or "error"
                log.warning("partner_error", code=code)

    def _on_sound(self, event: wire.ServerEvent) -> None:
        try:
            sound = binascii.a2b_base64(event.delta, strict_mode=True)
        except binascii.Error:
            log.warning("partner_bad_sound")
            return
        if event.item_id != self._item_id:
            self._item_id, self._said_ms = event.item_id, 0
        self._said_ms += len(sound) * 20 // FRAME_SAMPLES
        self._line.say(sound)

    def _on_interrupted(self) -> None:
        """Somebody speaks while the partner does: the rest of it is not said."""
        left_ms = self._line.fall_silent()
        if left_ms and self._item_id:
            self._socket.send(
                wire.encode(
                    {
                        "type": "conversation.item.truncate",
                        "item_id": self._item_id,
                        "content_index": 0,
                        "audio_end_ms": max(0, self._said_ms - left_ms),
                    }
                )
            )

    def _on_lost(self) -> None:
        log.warning("partner_lost", call_id=str(self._facts.call_id))
        self._closed.set()

"""The two sockets that carry sound: Twilio's and the caller's.

They check who is there, parse, and hand on; nothing else.  Channels would hop to a
worker thread for each message (to close old database connections) and race two queues
for it; both are left out here: 50 frames a second and leg, and no ORM.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from calls.services import count_in_minute
from calls.twilio import check_digits, handshake_signature_is_valid
from realtime import events as ev
from realtime import registry, services
from realtime.bridge import LiveCall
from realtime.protocols import browser
from realtime.protocols import twilio_media as media
from realtime.services import CallFacts
from wigvo import doorway
from wigvo.database import in_database

log = structlog.get_logger(__name__)

START_TIMEOUT_S: Final = 5.0
"""A stream that has not proved itself by then is closed (contract section 4)."""
OPENS_PER_MINUTE: Final = 10
QUEUE_LIMIT: Final = 1500
"""Messages waiting for a slow reader: 30 s of sound."""
MAX_BAD_MESSAGES: Final = 20
MAX_ANSWER_CHARS: Final = 1000
"""Of what the caller tells the agent."""

NOT_AUTHENTICATED: Final = 4401
NO_SUCH_CALL: Final = 4404
CALL_OVER: Final = 4409
TOO_MANY_OPENS: Final = 4429
OTHER_NODE: Final = 4307

_opened = itertools.count(1)


class Writer:
    """The one writer of a socket: a bounded queue and a task."""

    def __init__(self, consumer: "SoundConsumer") -> None:
        self._consumer = consumer
        self._queue: asyncio.Queue[
            tuple[str | bytes | tuple[int, str], Callable[[], None] | None]
        ] = asyncio.Queue(QUEUE_LIMIT)
        self._task = asyncio.create_task(self._write(), name="socket-write")
        self._is_closing = False

    def send(
        self, data: str | bytes, on_sent: Callable[[], None] | None = None
    ) -> None:
        """Queue one frame; a reader this slow is let go (it may come back)."""
        if self._is_closing:
            return
        try:
            self._queue.put_nowait((data, on_sent))
        except asyncio.QueueFull:
            log.warning("socket_too_slow")
            self._is_closing = True
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(((1013, "too slow"), None))

    def close(self, code: int, reason: str = "") -> None:
        """Close after everything queued so far."""
        if not self._is_closing:
            self._is_closing = True
            with contextlib.suppress(asyncio.QueueFull):
                self._queue.put_nowait(((code, reason), None))

    async def stop(self) -> None:
        """The socket is gone: nothing more can be written."""
        self._is_closing = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _write(self) -> None:
        send: Any = self._consumer.base_send
        try:
            while True:
                data, on_sent = await self._queue.get()
                if isinstance(data, str):
                    await send({"type": "websocket.send", "text": data})
                elif isinstance(data, bytes):
                    await send({"type": "websocket.send", "bytes": data})
                else:
                    code, reason = data
                    await self._consumer.close(code, reason)
                    return
                if on_sent is not None:
                    on_sent()
        except Exception as error:  # the other end is gone; `disconnect` follows
            log.info("socket_write_ended", error=type(error).__name__)


class SoundConsumer(AsyncWebsocketConsumer):
    """A consumer without a channel layer and without thread hops."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket: one message at a time, straight from the server."""
        self.scope = scope
        self.base_send = send
        with contextlib.suppress(StopConsumer):
            while True:
                await self.dispatch(await receive())

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Route without Channels' thread hop per message."""
        await getattr(self, get_handler_name(message))(message)


class MediaStreamConsumer(SoundConsumer):
    """`WS /twilio/media-stream`: sound from and to the telephone."""

    _live: LiveCall | None = None
    _writer: Writer | None = None
    _timer: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """Let only Twilio in: 403 before the socket is accepted."""
        signature = doorway.header(self.scope, b"x-twilio-signature")
        if not handshake_signature_is_valid(self.scope["path"], signature):
            log.warning("media_stream_refused", problem="signature")
            await self.close()
            return
        await self.accept()
        self._writer = Writer(self)
        self._timer = asyncio.get_running_loop().call_later(
            START_TIMEOUT_S, self._on_no_start
        )

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take one frame."""
        if text_data is None:
            self._refuse(1003, "text frames only")
            return
        try:
            message = media.decode(text_data)
        except media.BadFrameError as error:
            self._refuse(error.close_code, str(error)[:100])
            return
        live = self._live
        if live is None:
            await self._before_start(message)
            return
        match message:
            case media.Media(payload, timestamp_ms):
                live.dispatch(ev.CalleeFrame(payload, timestamp_ms))
            case media.Dtmf(digit):
                live.dispatch(ev.DtmfReceived(digit))
            case media.Stop():
                self._let_go()
            case _:
                pass

    async def disconnect(self, code: int) -> None:
        """The socket is gone, with or without `stop`."""
        self._let_go()
        if self._timer is not None:
            self._timer.cancel()
        if self._writer is not None:
            await self._writer.stop()

    async def _before_start(self, message: media.MediaStreamMessage) -> None:
        if not isinstance(message, media.Start):
            return  # `connected`; anything else is not ours to hear yet
        if self._timer is not None:
            self._timer.cancel()  # it has come in time; proving it may take longer
        facts = await self._prove(message)
        live = await registry.ensure(facts) if facts is not None else None
        if live is None or self._writer is None:
            log.warning("media_stream_refused", problem="token")
            self._refuse(1008, "no such stream")
            return
        self._live = live
        live.attach_phone(self._writer, message.stream_sid)

    async def _prove(self, start: media.Start) -> CallFacts | None:
        if (line := start.parameters.get("line")) is not None:
            # A document kept at Twilio, which has no token of ours.
            return await in_database(services.admit, line, start.call_sid)
        try:
            call_id = UUID(start.parameters.get("call", ""))
        except ValueError:
            return None
        token = start.parameters.get("token", "")
        return await in_database(services.redeem_stream, token, call_id, start.call_sid)

    def _on_no_start(self) -> None:
        if self._live is None:
            self._refuse(1008, "no start")

    def _refuse(self, code: int, reason: str) -> None:
        if self._writer is not None:
            self._writer.close(code, reason)

    def _let_go(self) -> None:
        live, self._live = self._live, None
        if live is not None and self._writer is not None:
            live.detach_phone(self._writer)


class CallerConsumer(SoundConsumer):
    """`WS /relay/calls/{id}/stream`: sound and messages from and to the caller."""

    _live: LiveCall | None = None
    _writer: Writer | None = None
    _n_bad = 0

    async def connect(self) -> None:
        """Accept, check, and only then allocate anything (contract section 3)."""
        order = next(_opened)
        await self.accept()
        call_id: UUID = self.scope["url_route"]["kwargs"]["call_id"]
        problem, facts = await self._check(call_id)
        live = None
        if facts is not None:
            live = await registry.ensure(facts)
        if live is None:
            code, reason = problem or (CALL_OVER, "the call is over")
            await self.close(code, reason)
            return
        self._writer = Writer(self)
        if live.attach_caller(self._writer, order):
            self._live = live

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Take one frame."""
        live, writer = self._live, self._writer
        if live is None or writer is None:
            return
        try:
            if bytes_data is not None:
                live.dispatch(ev.CallerAudio(browser.decode_audio(bytes_data)))
                if live.session.is_flooded:
                    writer.close(1008, "more sound than time")
                    self._let_go()
            elif text_data is not None:
                message = browser.decode_client(text_data)
                if message is not None:
                    self._on_message(live, writer, message)
        except browser.BadMessageError as error:
            self._on_bad(writer, error)

    async def disconnect(self, code: int) -> None:
        """The caller's socket is gone; the call goes on."""
        self._let_go()
        if self._writer is not None:
            await self._writer.stop()

    # --- The doorway -----------------------------------------------------------------

    async def _check(
        self, call_id: UUID
    ) -> tuple[tuple[int, str] | None, CallFacts | None]:
        user_id = await self._who(call_id)
        if user_id is None:
            return (NOT_AUTHENTICATED, "not authenticated"), None
        facts = await in_database(services.find_call_of, call_id, user_id)
        if facts is None:
            return (NO_SUCH_CALL, "no such call"), None
        opens = await in_database(
            count_in_minute, f"caller-opens:{user_id}:{call_id.hex}"
        )
        if opens > OPENS_PER_MINUTE:
            return (TOO_MANY_OPENS, "too many opens, wait a minute"), None
        if not facts.is_live:
            return (CALL_OVER, "the call is not going on"), None
        if facts.node_url and facts.node_url != settings.RELAY_NODE_URL:
            base = facts.node_url.replace("http", "ws", 1)
            return (OTHER_NODE, f"{base}/relay/calls/{call_id}/stream"), None
        return None, facts

    async def _who(self, call_id: UUID) -> int | None:
        """Return whoever presents a ticket, or a session cookie from our own pages."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        if "ticket" in query:
            return await in_database(
                services.redeem_ticket, query["ticket"][0], call_id
            )
        return await doorway.logged_in_user_id(self.scope)

    # --- Messages --------------------------------------------------------------------

    def _on_message(
        self, live: LiveCall, writer: Writer, message: browser.ClientMessage
    ) -> None:
        match message:
            case browser.Hello(protocol=1, speaks=speaks):
                live.dispatch(ev.CallerSpeaks(speaks))
            case browser.Hello(protocol=other):
                self._tell(
                    writer,
                    "unsupported_protocol",
                    f"This server speaks protocol 1, not {other}.",
                )
            case browser.Mute(muted):
                live.dispatch(ev.CallerMuted(muted))
            case browser.Original(gain):
                live.dispatch(ev.OriginalGain(gain))
            case browser.Repeat(utterance_id):
                live.dispatch(ev.RepeatAsked(utterance_id))
            case browser.Discard(utterance_id):
                live.dispatch(ev.DiscardAsked(utterance_id))
            case browser.ChangeMode(mode):
                live.dispatch(ev.ModeAsked(mode))
            case browser.Text(text_id, text, language_of):
                live.dispatch(
                    ev.TextTyped(text_id, text, is_final=language_of == "callee")
                )
            case browser.Say(phrase_id):
                live.say_phrase(phrase_id)
            case browser.Typing(active):
                live.dispatch(ev.Typing(active))
            case browser.PressKeys(digits):
                self._on_keys(live, writer, digits)
            case browser.Answer(question_id, text):
                live.dispatch(ev.QuestionAnswered(question_id, text[:MAX_ANSWER_CHARS]))
            case browser.Whisper(_, text):
                live.dispatch(ev.Whispered(text[:MAX_ANSWER_CHARS]))
            case browser.End():
                live.end("hung_up_by_caller")
            case browser.Ping():
                writer.send(browser.encode_server(browser.Pong()))
            case browser.Speech(state, by):
                is_own_word = by != "sound"
                live.dispatch(ev.CallerSpeech(state == "ended", is_own_word))

    def _on_keys(self, live: LiveCall, writer: Writer, digits: str) -> None:
        try:
            live.dispatch(ev.KeysPressed(check_digits(digits)))
        except ValueError as error:
            self._tell(writer, "bad_digits", str(error))
            writer.send(browser.encode_server(browser.DtmfStatus(digits, "failed")))

    def _on_bad(self, writer: Writer, error: browser.BadMessageError) -> None:
        if error.close_code is not None:
            writer.close(error.close_code, str(error)[:100])
            self._let_go()
            return
        self._n_bad += 1
        self._tell(writer, "bad_message", str(error))
        if self._n_bad > MAX_BAD_MESSAGES:
            writer.close(1008, "too many bad messages")
            self._let_go()

    def _tell(self, writer: Writer, code: str, message: str) -> None:
        writer.send(browser.encode_server(browser.Problem(code, message)))

    def _let_go(self) -> None:
        live, self._live = self._live, None
        if live is not None and self._writer is not None:
            live.detach_caller(self._writer)

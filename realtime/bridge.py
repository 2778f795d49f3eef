"""The asyncio shell of one call: sockets, timers and tasks around a `CallSession`.

Every event is given to the session at once, on the server's loop, and its actions are
performed in order; performing only ever puts things on a socket's own queue.  What is
slow (database, telephone company, opening an engine) is a task of this call.
"""

import asyncio
import contextlib
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import msgspec
import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from calls.models import Recording
from calls.twilio import UNREACHABLE
from realtime import actions as act
from realtime import events as ev
from realtime import services
from realtime.agent.brief import instructions
from realtime.agent.seat import AgentPlan
from realtime.agent.tools import schemas
from realtime.alarm import Alarm
from realtime.config import CallConfig
from realtime.engines.agent import AgentEngine
from realtime.engines.base import Engine
from realtime.engines.cascade import Cascade
from realtime.engines.choice import EngineKind, rungs_for
from realtime.engines.interpret import Interpreter
from realtime.engines.ladder import Ladder
from realtime.engines.transcribe import Transcriber
from realtime.engines.translate import Translation
from realtime.events import PEOPLE, Leg, Line, Pcm
from realtime.figures.meter import Meter
from realtime.figures.spending import Spending
from realtime.line.recording import Recorder
from realtime.opening.opener import Opener
from realtime.protocols import browser
from realtime.protocols import twilio_media as media
from realtime.reception.incoming import Reception
from realtime.rehearsal.partner import Partner
from realtime.services import CallFacts
from realtime.session import CallSession, Phase
from realtime.sockets import EngineRefusedError
from realtime.switchboard import Switchboard
from realtime.text.by_text import ByText
from realtime.text.texting import Texting
from realtime.voice.lines import text_of
from realtime.voice.speaker import Speaker
from wigvo.database import in_database
from wigvo.notify import call_group, viewers_group

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

WRITE_ATTEMPTS: Final = 3
HANG_UP_GRACE_S: Final = 5.0
LEFT_AFTER_S: Final = 2.0
"""A stream that another document has taken the place of is gone by then."""
LATENCY_EVERY_S: Final = 5.0
REPLACED: Final = 4408
"""Close code of a caller's socket that a newer one took over from (contract 3)."""


class Port(Protocol):
    """One side's socket, with a writer of its own."""

    def send(
        self, data: str | bytes, on_sent: Callable[[], None] | None = None
    ) -> None: ...

    def close(self, code: int, reason: str = "") -> None: ...


def weakly(method: Callable[P, R]) -> Callable[P, R]:
    """Return a method for parts of its own object: they do not keep the whole alive.

    Args:
        method: a bound one; called only as long as its object is there.
    """
    reference = weakref.WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        found = reference()
        if found is None:
            raise ReferenceError("The call is over and gone.")
        return found(*args, **kwargs)

    return call


def ladders_of(config: CallConfig) -> dict[Leg, Ladder]:
    """Return the ladders of a call's people."""
    caller, callee = config.caller_language, config.callee_language
    best = {leg: EngineKind(config.engine_of(leg)) for leg in PEOPLE}
    return {
        Leg.CALLER: Ladder(rungs_for(caller, callee, best[Leg.CALLER])),
        Leg.CALLEE: Ladder(rungs_for(callee, caller, best[Leg.CALLEE])),
    }


class LiveCall:
    """Everything that one call holds in this process.

    What goes round in a circle here would stay until the garbage collector comes, with
    half a megabyte: parts get methods of ours `weakly`, and `_let_go` cuts the rest.

    Args:
        facts: the call.
        on_over: called once when nothing of it is left.
    """

    def __init__(
        self,
        facts: CallFacts,
        *,
        on_over: Callable[["LiveCall"], None],
    ) -> None:
        self.facts = facts
        self._writes: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._recorder = Recorder(
            facts.recording,
            clock=weakly(self._line_ms),
            write=self._writes.put_nowait,
        )
        tap = self._recorder.tap if facts.recording.is_wanted else None
        self.session = CallSession(facts.config, tap, facts.first_number, facts.plan)
        self._loop = asyncio.get_running_loop()
        self._log = log.bind(call_id=str(facts.call_id))
        self._on_over = on_over
        self._engines = Switchboard(
            ladders_of(facts.config),
            new_engine=weakly(self._new_engine),
            dispatch=weakly(self.dispatch),
            spawn=weakly(self._spawn),
            watch=weakly(self._watch_engine),
            is_wanted=weakly(self._needs_engines),
            safety_id=str(facts.owner_id),
            call_id=str(facts.call_id),
        )
        self._speaker = Speaker(
            url=settings.OPENAI_REALTIME_URL,
            api_key=settings.OPENAI_API_KEY,
            model=settings.OPENAI_REALTIME_MODEL,
            safety_id=str(facts.owner_id),
            own_voice=facts.voice,
        )
        self._spending = Spending(
            facts,
            telephone=weakly(self._telephone),
            tell=weakly(self._tell_caller),
            dispatch=weakly(self.dispatch),
            write=self._writes.put_nowait,
        )
        self._texting = Texting(
            facts, self._speaker, weakly(self.dispatch), weakly(self._tell_caller)
        )
        self._opener = Opener(facts, self._speaker)
        self._spending.watch(self._opener)
        self._by_text = ByText(facts, self._speaker, weakly(self.dispatch))
        self._spending.watch(self._by_text)
        self._spending.watch(self._speaker)
        self._spending.watch(self._texting)
        self._phone: Port | None = None
        self._partner: Partner | None = None
        self._phone_is_gone = asyncio.Event()
        self._phone_is_gone.set()
        self._stream_sid = ""
        self._caller: Port | None = None
        self._caller_order = 0
        self._alarm = Alarm(
            self._loop, weakly(self._next_deadline), weakly(self._on_deadline)
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._suggesting: asyncio.Task[None] | None = None
        self._news: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        """Messages for viewers: for the one that is named, or for all of them."""
        self._background: list[asyncio.Task[None]] = []
        self._event_at = 0.0
        self._is_answering_engine = False
        self.relay_in = Meter()
        self.relay_out = Meter()
        self.hold_back = Meter()
        self.hold_back_playing = Meter()
        self.interpretation = {leg: Meter() for leg in PEOPLE}
        self.measured: defaultdict[str, Meter] = defaultdict(Meter)
        """By the names of `realtime.figures.latencies`."""
        self.is_over = False
        self._stored = asyncio.Event()

    # --- Life -------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Open and configure every engine, and render the greeting.

        Raises:
            EngineRefusedError: one of them said no; everything is closed again.
        """
        results = await asyncio.gather(
            *(self._engines.open(leg) for leg in self.session.open_legs()),
            self._render(self.session.greeting),
            *self._render_notice(),
            return_exceptions=True,
        )
        failed = [r for r in results if isinstance(r, BaseException)]
        if failed:
            await self._let_go()
            raise failed[0]

    def _render_notice(self) -> list[Coroutine[Any, Any, None]]:
        is_told = self.facts.config.tells_of_recording
        return [self._render(Line.RECORDING)] if is_told else []

    async def _render_opening(self) -> tuple[str, Pcm]:
        """Have the first sentences spoken, and keep how they came about."""
        opening = await self._opener.prepare()
        if opening.proof["wanted"]:
            action = act.RecordEvent("opening_prepared", opening.proof)
            self._record_event(action)
        return opening.text, opening.pcm

    def begin(self) -> None:
        """Start to listen to the control plane and to write things down."""
        self._background = [
            asyncio.create_task(self._listen(), name="call-listen"),
            asyncio.create_task(self._write_down(), name="call-write"),
            asyncio.create_task(self._tell_viewers(), name="call-viewers"),
            asyncio.create_task(self._report_latency(), name="call-latency"),
            asyncio.create_task(self._spending.run(), name="call-cost"),
        ]
        # What will be needed at a bad moment is rendered now.
        lines = [Line.WAIT, Line.APOLOGY, Line.TIME_LIMIT]
        if self.facts.config.is_recorded:
            lines.append(Line.RECORDING_OFF)
        if self.facts.plan is not None:
            lines += [Line.CHECKING, Line.REPEAT]
        if self._reception is not None:
            lines += [Line.FAREWELL, Line.TRANSFER]
        for line in lines:
            self._spawn(self._render(line), f"render-{line}")
        if self.session.can_type:
            self._spawn(self._texting.prepare_phrases(), "prepare-phrases")
        self._alarm.arm()

    def begin_reception(self) -> None:
        """Take a call that somebody makes to us; its stream is on its way.

        The line is open already, so nothing is waited for: engines are opened, and the
        first words spoken into memory, while it comes.
        """
        self.session.take_up(self.facts.status, self._loop.time(), is_new=True)
        self._spawn(self._render(Line.RECEPTION), "render-greeting")
        for leg in self.session.open_legs():
            self._spawn(self._engines.reopen(leg), f"open-{leg}")
        self._spawn(self._limit_telephone(), "limit-telephone")
        self.begin()

    def begin_again(self) -> None:
        """Take up a call whose session is gone: open its engines meanwhile."""
        self.session.take_up(self.facts.status, self._loop.time())
        self.begin()
        for leg in self.session.open_legs():
            self._spawn(self._engines.reopen(leg), f"open-{leg}")

    def rehearse(self, partner: Partner) -> None:
        """Let somebody play the callee, instead of a telephone."""
        self._partner = partner
        self._spending.watch(partner)
        self._spawn(partner.run(), "partner")

    def dispatch(self, event: ev.Event) -> None:
        """Give one event to the session and perform what it asks for."""
        if self.is_over:
            return
        # The loop's own clock has milliseconds only.
        self._event_at = time.perf_counter()
        self._is_answering_engine = isinstance(event, ev.EngineAudio | ev.AgentAudio)
        for action in self.session.receive(event, self._loop.time()):
            self._perform[type(action)](self, action)
        self._alarm.arm()

    def end(self, reason: str) -> None:
        """End the call for a reason of `calls.reasons`."""
        self.dispatch(ev.EndRequested(reason))

    async def wait_until_stored(self, timeout_s: float = 6.0) -> None:
        """Wait until the call's end is in the database, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._stored.wait()

    # --- The two sockets --------------------------------------------------------------

    def attach_phone(self, port: Port, stream_sid: str) -> None:
        """A media stream of this call proved itself; an older one is closed."""
        old, self._phone = self._phone, port
        self._phone_is_gone.clear()
        if old is not None:
            old.close(1000, "replaced")
        self._stream_sid = stream_sid
        self.dispatch(ev.StreamStarted(stream_sid))

    def detach_phone(self, port: Port) -> None:
        """The media stream is gone; an old one's end means nothing."""
        if self._phone is port:
            self._phone = None
            self._phone_is_gone.set()
            self.dispatch(ev.StreamStopped())

    def attach_caller(self, port: Port, order: int) -> bool:
        """A caller's socket was authorised; an older one is told so and closed.

        Args:
            port: the socket.
            order: when it was opened, among all sockets of this process; looking two
                of them up may take different times.

        Returns:
            False if this is the older one itself.
        """
        if order < self._caller_order:
            port.close(REPLACED, "replaced")
            return False
        old, self._caller = self._caller, port
        self._caller_order = order
        if old is not None:
            old.close(REPLACED, "replaced")
        for message in self.session.snapshot():
            port.send(browser.encode_server(message))
        self.dispatch(ev.CallerAttached())
        return True

    def detach_caller(self, port: Port) -> None:
        """The caller's socket is gone; a replaced one's end means nothing."""
        if self._caller is port:
            self._caller = None
            self.dispatch(ev.CallerLost())

    # --- Actions ----------------------------------------------------------------------

    def _send_frame(self, action: act.SendFrame) -> None:
        if self._phone is None:
            return
        on_sent = self._measure(self.relay_out) if self._is_answering_engine else None
        text = media.encode_media(self._stream_sid, action.payload)
        self._phone.send(text, on_sent)

    def _send_clear(self, action: act.SendClear) -> None:
        if self._phone is not None:
            self._phone.send(media.encode_clear(self._stream_sid))

    def _feed_engine(self, action: act.FeedEngine) -> None:
        session = self._engines.get(action.leg)
        if session is None:
            return
        on_sent = None
        if action.leg is Leg.CALLEE:
            on_sent = self._measure(self.relay_in)
            if action.held_ms is not None:
                meter = self.hold_back_playing if action.is_playing else self.hold_back
                meter.add(action.held_ms)
        session.engine.append(action.pcm)
        if not session.send(on_sent):
            self._log.warning("engine_not_fed", leg=action.leg)

    def _commit_turn(self, action: act.CommitTurn) -> None:
        if (session := self._engines.get(action.leg)) is not None:
            session.engine.commit(action.utterance_id)
            session.send()

    def _answer_turn(self, action: act.AnswerTurn) -> None:
        if (session := self._engines.get(action.leg)) is not None:
            session.engine.answer(action.utterance_ids)
            session.send()

    def _truncate_turn(self, action: act.TruncateTurn) -> None:
        if (session := self._engines.get(action.leg)) is not None:
            session.engine.truncate(action.utterance_id, action.heard_ms)
            session.send()

    def _measure_words(self, action: act.Measure) -> None:
        self.measured[action.what].add(action.ms)

    def _note_answer(self, action: act.NoteAnswer) -> None:
        self._engines.answered(action.leg, is_failed=action.is_failed)

    def _swap_engine(self, action: act.SwapEngine) -> None:
        self._engines.swap(action.leg)

    def _save_money(self, action: act.SaveMoney) -> None:
        self._engines.save_money()

    def _interpret_text(self, action: act.InterpretText) -> None:
        self._spawn(self._by_text.interpret(action), "interpret-text")

    def _transcribe_file(self, action: act.TranscribeFile) -> None:
        self._spawn(self._by_text.write_down(action), "transcribe-file")

    def _open_later(self, action: act.OpenEngine) -> None:
        self._spawn(self._engines.reopen(action.leg), f"open-{action.leg}")

    def _close_engine(self, action: act.CloseEngine) -> None:
        self._spawn(self._close(action.leg), f"close-{action.leg}")

    def _render_line(self, action: act.RenderLine) -> None:
        self._spawn(self._render(action.line), f"render-{action.line}")

    def say_phrase(self, phrase_id: str) -> None:
        """Say a saved phrase of the caller's."""
        self._spawn(self._texting.say_phrase(phrase_id), "say-phrase")

    def _translate_text(self, action: act.TranslateText) -> None:
        self._spawn(self._texting.translate(action), "translate-text")

    def _render_text(self, action: act.RenderText) -> None:
        self._spawn(self._texting.render(action), "render-text")

    def _rephrase(self, action: act.Rephrase) -> None:
        self._spawn(self._texting.rephrase(action), "rephrase")

    def _suggest(self, action: act.Suggest) -> None:
        if self._suggesting is not None:
            self._suggesting.cancel()
        self._suggesting = self._spawn(self._texting.suggest(action), "suggest")

    def _prepare_phrases(self, action: act.PreparePhrases) -> None:
        self._spawn(self._texting.prepare_phrases(), "prepare-phrases")

    def _send_caller_audio(self, action: act.SendCallerAudio) -> None:
        if self._caller is not None:
            self._caller.send(action.pcm.astype("<i2", copy=False).tobytes())

    def _send_caller(self, action: act.SendCaller) -> None:
        if self._caller is not None:
            self._caller.send(browser.encode_server(action.message))
        if action.is_public:
            self._news.put_nowait(("", msgspec.to_builtins(action.message)))

    def _store_utterance(self, action: act.StoreUtterance) -> None:
        if action.latency_ms is not None and action.latency_ms > 0:
            self.interpretation[action.leg].add(action.latency_ms)
        call_id = self.facts.call_id
        self._writes.put_nowait(lambda: services.store_utterance(call_id, action))

    def _record_event(self, action: act.RecordEvent) -> None:
        self._recorder.watch(action.kind, action.data)
        call_id = self.facts.call_id
        self._writes.put_nowait(
            lambda: services.record_event(call_id, action.kind, action.data)
        )

    def _hang_up(self, action: act.HangUp) -> None:
        self._spawn(self._end_telephone(), "hang-up")

    def _send_digits(self, action: act.SendDigits) -> None:
        self._spawn(self._press(action), "send-digits")

    def _leave_call(self, action: act.LeaveCall) -> None:
        self._spawn(self._leave(action.why), "leave-call")

    def _store_answered_by(self, action: act.StoreAnsweredBy) -> None:
        call_id, kind = self.facts.call_id, action.kind
        self._writes.put_nowait(lambda: services.store_answered_by(call_id, kind))

    def _command_agent(self, action: act.CommandAgent) -> None:
        session = self._engines.get(Leg.AGENT)
        if session is not None and isinstance(session.engine, AgentEngine):
            session.engine.perform(action.command)
            session.send()

    def _store_result(self, action: act.StoreResult) -> None:
        call_id = self.facts.call_id
        self._writes.put_nowait(lambda: services.store_result(call_id, action.result))

    def _check_telephone(self, action: act.CheckTelephone) -> None:
        self._spawn(self._ask_telephone(), "check-telephone")

    def _finish(self, action: act.Finish) -> None:
        self._spawn(self._wind_up(action), "wind-up")

    _perform: Final[dict[type[act.Action], Callable[..., None]]] = {
        act.SendFrame: _send_frame,
        act.SendClear: _send_clear,
        act.FeedEngine: _feed_engine,
        act.CommitTurn: _commit_turn,
        act.AnswerTurn: _answer_turn,
        act.TruncateTurn: _truncate_turn,
        act.OpenEngine: _open_later,
        act.Measure: _measure_words,
        act.NoteAnswer: _note_answer,
        act.SwapEngine: _swap_engine,
        act.SaveMoney: _save_money,
        act.InterpretText: _interpret_text,
        act.TranscribeFile: _transcribe_file,
        act.CloseEngine: _close_engine,
        act.RenderLine: _render_line,
        act.TranslateText: _translate_text,
        act.RenderText: _render_text,
        act.Rephrase: _rephrase,
        act.Suggest: _suggest,
        act.PreparePhrases: _prepare_phrases,
        act.SendCallerAudio: _send_caller_audio,
        act.SendCaller: _send_caller,
        act.StoreUtterance: _store_utterance,
        act.RecordEvent: _record_event,
        act.HangUp: _hang_up,
        act.SendDigits: _send_digits,
        act.LeaveCall: _leave_call,
        act.StoreAnsweredBy: _store_answered_by,
        act.CommandAgent: _command_agent,
        act.StoreResult: _store_result,
        act.CheckTelephone: _check_telephone,
        act.Finish: _finish,
    }

    # --- Engines ----------------------------------------------------------------------

    def _needs_engines(self) -> bool:
        is_ending = self.session.phase in (Phase.ENDING, Phase.OVER)
        return not self.is_over and not is_ending

    def _watch_engine(self, engine: Engine) -> None:
        self._spending.watch(engine)

    def _new_engine(self, leg: Leg, kind: EngineKind | None) -> Engine:
        """Make what listens to a leg."""
        config = self.facts.config
        if leg is Leg.AGENT and self.facts.plan is not None:
            return self._new_agent(self.facts.plan)
        source, target = config.caller_language, config.callee_language
        if leg is Leg.CALLEE:
            source, target = target, source
        writer = settings.OPENAI_LIVE_TRANSCRIBE_MODEL
        match kind:
            case EngineKind.TRANSCRIBE if config.is_one_language:
                return Transcriber(leg, source, writer, self.facts.keywords)
            case EngineKind.TRANSCRIBE | EngineKind.CASCADE:
                return Cascade(leg, source, writer, self.facts.keywords)
            case EngineKind.INTERPRET:
                model = settings.OPENAI_REALTIME_MODEL
                return Interpreter(leg, source, target, model, writer)
            case _:
                model = settings.OPENAI_TRANSLATE_MODEL
                return Translation(leg, target, model, writer)

    def _new_agent(self, plan: AgentPlan) -> AgentEngine:
        config, reception = self.facts.config, plan.reception
        rules = instructions(
            plan.brief,
            caller_language=config.caller_language,
            callee_language=config.callee_language,
            today=plan.today,
            opening=self.facts.opening,
            reception=reception,
        )
        detection = reception.turn_detection if reception else None
        # What the callee says is written by the engine of the captions.
        return AgentEngine(
            config.callee_language,
            rules,
            schemas(reception.tools) if reception else schemas(),
            settings.OPENAI_REALTIME_MODEL,
            "",
            voice=self.facts.voice,
            turn_detection=detection.as_json() if detection else None,
        )

    @property
    def _reception(self) -> Reception | None:
        return self.facts.plan.reception if self.facts.plan else None

    def _text_of(self, line: Line) -> str:
        """Return a sentence of our own; a greeting is the line's."""
        language = self.facts.config.callee_language
        if line is Line.RECEPTION and self._reception is not None:
            return self._reception.greeting_in(language)
        return text_of(line, language)

    async def _close(self, leg: Leg) -> None:
        await self._engines.finish(leg)
        self.dispatch(ev.EngineClosed(leg))

    async def _render(self, line: Line) -> None:
        """Have a sentence of our own spoken; the session always gets an answer."""
        language = self.facts.config.callee_language
        text = self._text_of(line)
        try:
            if line is self.session.greeting and line is not Line.RECEPTION:
                text, pcm = await self._render_opening()
            else:
                pcm = await self._speaker.render(text, language)
        except EngineRefusedError as error:
            self._log.warning("line_not_rendered", line=line, code=error.code)
            self.dispatch(ev.LineRendered(line, text, ev.NO_SOUND))
            if line is self.session.greeting and not self._background:
                raise  # not begun yet: nothing is dialled without a greeting
            return
        self.dispatch(ev.LineRendered(line, text, pcm))

    # --- The telephone company --------------------------------------------------------

    async def _end_telephone(self) -> None:
        if self._partner is not None:
            self._partner.close(1000, "over")
            return
        try:
            await in_database(services.hang_up, self.facts.call_id)
        except Exception as error:
            # Our own end of the stream is closed with the session; what follows in
            # the TwiML hangs up a call that is over.
            self._log.warning("hang_up_failed", error=type(error).__name__)
            call_id = self.facts.call_id
            self._writes.put_nowait(
                lambda: services.record_event(call_id, "hang_up_failed", {})
            )

    async def _press(self, action: act.SendDigits) -> None:
        call_id, digits = self.facts.call_id, action.digits
        if self._partner is not None:
            self.dispatch(ev.DigitsRefused(digits))
            return
        try:
            await in_database(services.send_digits, call_id, digits, action.patience_ms)
        except Exception as error:
            self._log.warning("digits_refused", error=type(error).__name__)
            if getattr(error, "code", None) != UNREACHABLE:
                self.dispatch(ev.DigitsRefused(digits))
            # Otherwise nobody knows: the stream's return tells, or that it is overdue.

    async def _leave(self, why: str) -> None:
        """Have the telephone call go on with another document."""
        try:
            await in_database(services.leave, self.facts.call_id, why)
        except Exception as error:
            self._log.warning("not_left", why=why, error=type(error).__name__)
            is_done = False
            if getattr(error, "code", None) == UNREACHABLE:
                # Nobody knows; but a document that was taken ends the stream.
                await asyncio.sleep(LEFT_AFTER_S)
                is_done = self._phone is None
            self.dispatch(ev.CallLeft(why, is_done=is_done))
        else:
            self.dispatch(ev.CallLeft(why, is_done=True))

    async def _limit_telephone(self) -> None:
        """Have a call that we did not make end in time even without us."""
        try:
            await in_database(services.limit_telephone, self.facts)
        except Exception as error:
            self._log.warning("telephone_not_limited", error=type(error).__name__)

    async def _ask_telephone(self) -> None:
        try:
            status = await in_database(services.check_telephone, self.facts.call_id)
        except Exception as error:
            self._log.warning("telephone_unreachable", error=type(error).__name__)
            return
        self._log.info("telephone_checked", status=status)

    # --- The control plane ------------------------------------------------------------

    async def _listen(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        group, channel = call_group(self.facts.call_id), await layer.new_channel()
        await layer.group_add(group, channel)
        try:
            while True:
                message = await layer.receive(channel)
                self._on_control(message.get("event", {}))
        finally:
            with contextlib.suppress(Exception):
                await layer.group_discard(group, channel)

    def _on_control(self, event: dict[str, Any]) -> None:
        match event.get("kind"):
            case "status":
                self.dispatch(
                    ev.StatusChanged(event["status"], event.get("reason", ""))
                )
            case "answered_by":
                self.dispatch(ev.AnsweredByKnown(event["value"]))
            case "stop_recording":
                self._recorder.stop(Recording.EndReason.STOPPED)
            case "viewer":
                self._catch_up(event["channel"])
            case "end":
                self.end(event.get("by", "hung_up_by_caller"))

    def _catch_up(self, channel: str) -> None:
        """Show a new viewer what is not in the database yet, in order with the rest."""
        for message in self.session.snapshot():
            if isinstance(message, browser.Caption):
                shown = msgspec.to_builtins(message) | {"again": True}
                self._news.put_nowait((channel, shown))

    async def _tell_viewers(self) -> None:
        layer = get_channel_layer()
        group = viewers_group(self.facts.call_id)
        while True:
            channel, message = await self._news.get()
            event = {"type": "call.event", "message": message}
            try:
                if layer is None:
                    continue
                if channel:
                    await layer.send(channel, event)
                else:
                    await layer.group_send(group, event)
            except Exception as error:
                self._log.warning("viewers_not_told", error=type(error).__name__)
            finally:
                self._news.task_done()

    async def _report_latency(self) -> None:
        while True:
            await asyncio.sleep(LATENCY_EVERY_S)
            if self._caller is not None and self.relay_in.n:
                message = browser.Latency(
                    relay_in_p50_ms=self.relay_in.percentile(50),
                    relay_in_p99_ms=self.relay_in.percentile(99),
                    relay_out_p50_ms=self.relay_out.percentile(50),
                    relay_out_p99_ms=self.relay_out.percentile(99),
                    caller_to_callee_ms=self.interpretation[Leg.CALLER].percentile(50),
                    callee_to_caller_ms=self.interpretation[Leg.CALLEE].percentile(50),
                    hold_back_p50_ms=self.hold_back.percentile(50),
                    final_caption_ms=self._final_captions(),
                    typed_to_line_ms=self.measured["typed_to_line"].percentile(50),
                    **self.session.line,
                )
                self._caller.send(browser.encode_server(message))

    def _final_captions(self) -> dict[str, float]:
        """Return how late final captions of the callee are, by engine."""
        meters = {k: self.measured.get(f"final_caption_{k}") for k in EngineKind}
        found = {k.value: m.percentile(50) for k, m in meters.items() if m is not None}
        return {k: ms for k, ms in found.items() if ms is not None}

    async def _write_down(self) -> None:
        """Write to the database, in order, one thing at a time."""
        while True:
            write = await self._writes.get()
            try:
                await self._write_one(write)
            finally:
                self._writes.task_done()

    async def _write_one(self, write: Callable[[], None]) -> None:
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                await in_database(write)
            except Exception as error:
                self._log.warning(
                    "write_failed", attempt=attempt, error=type(error).__name__
                )
                await asyncio.sleep(0.5 * attempt)
            else:
                return

    # --- The end ----------------------------------------------------------------------

    async def _wind_up(self, action: act.Finish) -> None:
        """Store everything, say goodbye to both sockets, let go."""
        await self._recorder.close()
        self._spending.count(is_last=True)
        await self._writes.join()
        status, outcome = action.status, action.outcome
        try:
            status, outcome = await in_database(
                services.finish,
                self.facts.call_id,
                action.status,
                action.outcome,
                action.reason,
                self.latency(),
            )
        except Exception as error:
            self._log.error("finish_failed", error=type(error).__name__)
        self._stored.set()
        if self._caller is not None:
            self._caller.send(browser.encode_server(browser.Ended(status, outcome)))
            self._caller.close(1000, "ended")
        await self._let_telephone_close()
        await self._news.join()
        self._log.info("call_over", status=status, outcome=outcome)
        await self._let_go()

    async def _let_telephone_close(self) -> None:
        """Give Twilio a moment to say `stop`, then close our end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_GRACE_S):
                await self._phone_is_gone.wait()
        if self._phone is not None:
            self._phone.close(1000, "over")

    async def _let_go(self) -> None:
        self.is_over = True
        self._alarm.stop()
        self._engines.stop()
        me = asyncio.current_task()
        tasks = [t for t in (*self._tasks, *self._background) if t is not me]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._background = []
        closing = (self._engines.close(), self._speaker.close())
        await asyncio.gather(*closing, return_exceptions=True)
        self._on_over(self)
        self._stored.set()

    async def abandon(self) -> None:
        """Let go at once, as when the process stops; the call itself may live on."""
        for port in (self._caller, self._phone):
            if port is not None:
                port.close(1012, "restarting")
        await self._recorder.suspend()
        if self._background:
            self._spending.count(is_last=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._writes.join()
        await self._let_go()

    # --- Small things -----------------------------------------------------------------

    def _telephone(self) -> tuple[bool, bool]:
        """Say whether the telephone is connected, and whether its sound streams."""
        is_connected = self._partner is None and self.session.phase in (
            Phase.LIVE,
            Phase.SUSPENDED,
            Phase.FAREWELL,
        )
        return is_connected, self._phone is not None

    def _tell_caller(self, message: browser.ServerMessage) -> None:
        if self._caller is not None:
            self._caller.send(browser.encode_server(message))

    def latency(self) -> dict[str, float | int | None]:
        """Return what the relay added, and how late the interpretation was, ms.

        `relay_in`: frame from the telephone → engine's socket; `relay_out`: engine's
        delta → telephone's socket; `hold_back`: how long ago the oldest sound of a
        message came, while the callee speaks and nothing of ours plays;
        `hold_back_playing`: the same while it does, echo canceller included;
        `interpretation_*`: end of that leg's speech → first interpreted sound; the
        others: see `realtime.figures.latencies`.
        """
        meters = {
            "relay_in": self.relay_in,
            "relay_out": self.relay_out,
            "hold_back": self.hold_back,
            "hold_back_playing": self.hold_back_playing,
            **{f"interpretation_{k}": m for k, m in self.interpretation.items()},
            **self.measured,
        }
        result: dict[str, float | int | None] = {}
        for name, meter in meters.items():
            result[f"{name}_p50_ms"] = meter.percentile(50)
            result[f"{name}_p99_ms"] = meter.percentile(99)
            result[f"{name}_n"] = meter.n
        return result

    def _measure(self, meter: Meter) -> Callable[[], None]:
        since, clock = self._event_at, time.perf_counter
        return lambda: meter.add((clock() - since) * 1000)

    def _line_ms(self) -> int:
        return self.session.line_ms

    def _next_deadline(self) -> float | None:
        return None if self.is_over else self.session.next_deadline()

    def _on_deadline(self) -> None:
        self.dispatch(ev.DeadlinePassed())

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("task_failed", task=task.get_name(), exc_info=error)

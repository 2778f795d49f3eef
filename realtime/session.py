"""One live call: what is heard, what is played, who is told.  Pure.

Theory of operation.  The line is clocked by the line: each 20 ms frame from the
telephone is one tick.  A tick (1) moves the playout cursor, which says what the callee
is hearing now, (2) takes the echo of that out of the frame (`Ear`) and hands what is
left to speech detection and to the engine that interprets the callee, (3) keeps the
caller's engine fed, with silence where the caller sent nothing, (4) gives the caller
20 ms of sound, and (5) releases the next playout to the telephone, never more than
200 ms ahead.  When frames stall, time takes over (`next_deadline`); frames that come
late after all are still heard, they only do not move the clock a second time.

    phase       what it means                       leaves to
    WAITING     dialling or ringing                 LIVE, ENDING, OVER
    LIVE        a media stream is up                SUSPENDED, FAREWELL, ENDING
    SUSPENDED   the stream is gone, the call is not LIVE, ENDING
    FAREWELL    our last sentence is being spoken   ENDING
    ENDING      hung up; the engines finish         OVER
    OVER        nothing happens any more            -

`receive(event, now)` returns what the shell must do; `now` is monotonic seconds.
"""

import math
from enum import StrEnum
from typing import Final

import numpy as np

from realtime import actions as act
from realtime import events as ev
from realtime.agent.messages import (
    Apologise,
    HangUp,
    KeysPressed,
    OwnerAnswered,
    OwnerWhispered,
    PressKeys,
    PutThrough,
    SpokeFamiliarly,
    TransferTried,
)
from realtime.agent.seat import AgentPlan, AgentSeat
from realtime.audio.echo import Mode
from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw
from realtime.audio.resample import Resampler
from realtime.audio.vad import Transition
from realtime.config import (
    ENGINE_FRAME_SAMPLES,
    ENGINE_HZ,
    FRAME_MS,
    LINE_HZ,
    CallConfig,
)
from realtime.engines.choice import EngineKind
from realtime.engines.succession import Succession
from realtime.events import PEOPLE, Leg, Line, Pcm
from realtime.far_end.presence import Presence
from realtime.figures import latencies
from realtime.guards import names, numbers
from realtime.guards.decency import Decency
from realtime.guards.loops import LoopGuard
from realtime.line.clock import LineClock, Step
from realtime.line.delivery import Delivery
from realtime.line.ear import Ear, Heard, Tap
from realtime.line.endpointing import Effect as Endpoint
from realtime.line.endpointing import State as Speaker
from realtime.line.endpointing import is_complete
from realtime.line.keypad import KeyPad
from realtime.line.mix import CallerMix
from realtime.modes import modes_of
from realtime.opening.consent import Consent
from realtime.outbox import Outbox, message_of
from realtime.protocols import browser
from realtime.reception.seat import ReceptionSeat, make_seat
from realtime.sides import Side, Turns
from realtime.text.captions import Caption, CaptionTrack
from realtime.text.suggesting import Suggestions
from realtime.text.typed import TypedTexts

TERMINAL: Final = frozenset({"completed", "busy", "no_answer", "failed", "canceled"})
_UNREACHED: Final = frozenset({"busy", "no_answer", "canceled"})
_SILENCE_24K: Final = np.zeros(ENGINE_FRAME_SAMPLES, np.int16)


class Phase(StrEnum):
    WAITING = "waiting"
    LIVE = "live"
    SUSPENDED = "suspended"
    FAREWELL = "farewell"
    ENDING = "ending"
    OVER = "over"


class CallSession:
    """Decide what happens next in one live call.  Pure: no I/O, no clock.

    Args:
        config: languages and tunables.
        tap: hook for a recorder, see `realtime.line.ear.Tap`.
        first_number: continues the numbering of utterances of a call taken up again.
        plan: what an agent could do for the caller; None: there is no such mode.
    """

    def __init__(
        self,
        config: CallConfig,
        tap: Tap | None = None,
        first_number: int = 1,
        plan: AgentPlan | None = None,
    ) -> None:
        self._config = config
        self._out = Outbox()
        self._now = 0.0
        self.phase = Phase.WAITING
        self.status = "queued"
        self._end_reason = ""
        self._end_outcome = ""
        self._is_leaving = False
        """The telephone company has been asked to go on without us."""

        self._clock = LineClock(config.line, config.start_ms)

        # The telephone's other direction.
        self._ear = Ear(config.echo, tap)
        self._behind_ms = 0
        self._lost_told_ms = 0
        self._n_missing = self._n_late = 0

        # The two legs.
        self._sides = {leg: Side(leg, config, first_number) for leg in PEOPLE}
        self._succession = Succession(config, self._clock, self._out)
        self._to_engine = Resampler(LINE_HZ, ENGINE_HZ)
        self._caller_down = Resampler(ENGINE_HZ, LINE_HZ)

        # The caller.
        self._caller_is_there = False
        self._caller_absent_since: float | None = None
        self._is_muted = False
        self._speaks = True
        self._caller_fed_ms = 0.0
        self._fed_until_ms = 0
        self._modes = modes_of(
            config.caller_language,
            config.callee_language,
            has_agent=plan is not None,
        )
        self._mode = self._modes[config.mode]
        self._sides[Leg.CALLER].is_open = self._mode.has_microphone
        self._mix = CallerMix(
            self._mode.original_gain,
            config.original_slack_frames,
            config.feed.caller_batch_ms,
        )

        # What the callee is told.
        self._epoch = 0
        self._loops = LoopGuard(config.loops)
        spoken = self._sides[Leg.CALLER].captions
        self._delivery = Delivery(config, spoken, self._clock, self._loops, self._out)
        self._seat: AgentSeat | None = None
        self._to_caller = Resampler(LINE_HZ, ENGINE_HZ)
        if plan is not None:
            agents = CaptionTrack(Leg.AGENT, config.captions, first_number)
            callee = self._sides[Leg.CALLEE]
            self._seat = make_seat(
                config, plan, callee, agents, self._clock, self._delivery, self._out
            )
            self._delivery.seat(self._seat)
            if self._mode.has_agent:
                self._seat.begin(self._now)
        self._typed = TypedTexts(config, spoken, self._delivery, self._out)
        self._presence = Presence(
            config, self._delivery, self._typed, self._clock, self._out
        )
        self._keypad = KeyPad(config, self._delivery, self._out)
        self._replies = Suggestions(config, self._out)
        self._decency = Decency(config, spoken, self._delivery, self._out)
        self._consent = Consent(
            config.callee_language,
            is_recorded=config.is_recorded,
            is_asked=config.tells_of_recording,
            delivery=self._delivery,
            out=self._out,
        )
        self._agent_waits = False
        self._farewell_line: Line | None = None
        # Whoever calls us is greeted by the agent's seat.
        self._greeted = config.start_ms > 0 or config.is_inbound
        self._was_greeted_by = False
        self._must_ask = False

        # Deadlines (monotonic seconds).
        self._answered_at: float | None = None
        self._warned = False
        self._spend_warning: browser.Warn | None = None
        self._stream_lost_at: float | None = None
        self._n_checks = 0
        self._first_check_ms = config.life.stream_return_ms
        self._farewell_until = math.inf
        self._drain_until = math.inf

    # --- The two faces ---------------------------------------------------------------

    def receive(self, event: ev.Event, now: float) -> list[act.Action]:
        """Take one event.

        Args:
            event: what happened.
            now: monotonic seconds, never smaller than before.

        Returns:
            what the shell must do, in this order.
        """
        self._now = now
        if self.phase is not Phase.OVER:
            self._handle(event)
            if self.phase is Phase.ENDING:
                self._finish_if_drained()
        return self._out.take()

    def next_deadline(self) -> float | None:
        """Return when `DeadlinePassed` is due, monotonic seconds, or None."""
        if self.phase is Phase.OVER:
            return None
        life = self._config.life
        due = [self._farewell_until, self._drain_until]
        if self.phase in (Phase.LIVE, Phase.FAREWELL):
            due.append(self._clock.stall_at)
        if self._stream_lost_at is not None and self.phase is Phase.SUSPENDED:
            due.append(self._stream_check_due(self._stream_lost_at))
        if self.phase not in (Phase.FAREWELL, Phase.ENDING):
            due.append(self._keypad.due)
            if self._answered_at is not None:
                due.append(self._farewell_due())
                if not self._warned:
                    due.append(self._warning_due())
            if self._caller_absent_since is not None:
                due.append(self._caller_absent_since + life.caller_grace_ms / 1000)
        if self._seat is not None and self.phase in (Phase.LIVE, Phase.SUSPENDED):
            due.append(self._seat.next_deadline() or math.inf)
        earliest = min(due)
        return None if math.isinf(earliest) else earliest

    def take_up(self, status: str, now: float, *, is_new: bool = False) -> None:
        """Go on with a call whose session is gone, as after a restart.

        Args:
            status: where the call stands.
            now: monotonic seconds.
            is_new: there was none: somebody calls us, and their stream is on its way.
        """
        self.status = status
        self._now = now
        if status == "in_progress":
            self.phase = Phase.SUSPENDED
            self._answered_at = now - self._config.start_ms / 1000
            self._stream_lost_at = now
            self._caller_absent_since = None if self._mode.has_agent else now
            if not is_new:
                # Whoever was cut off should not wait: ask about the telephone soon.
                self._first_check_ms = self._config.life.take_up_check_ms

    @property
    def line_ms(self) -> int:
        """The call's clock: ms since the first frame of its first stream."""
        return self._clock.ms

    def open_legs(self) -> list[Leg]:
        """Return the legs that need an engine from the beginning."""
        agent = [Leg.AGENT] if self._seat is not None and self._seat.is_open else []
        return [leg for leg, side in self._sides.items() if side.is_open] + agent

    def snapshot(self) -> list[browser.ServerMessage]:
        """Return everything a client needs that attaches now."""
        messages: list[browser.ServerMessage] = [
            browser.Status(self.status),
            browser.ModeChanged(self._mode.name),
        ]
        messages += self._presence.snapshot()
        if self._spend_warning is not None:
            messages.append(self._spend_warning)
        captions = [c for s in self._sides.values() for c in s.captions.recent()]
        if self._seat is not None:
            captions += self._seat.captions.recent()
            if question := self._seat.question(self._now):
                messages.append(question)
        captions.sort(key=lambda c: c.started_ms)
        messages += [message_of(c) for c in captions]
        messages += self._delivery.waiting()
        messages += self._replies.snapshot()
        for side in self._sides.values():
            messages += self._succession.snapshot(side)
        return messages

    # --- Dispatch --------------------------------------------------------------------

    def _handle(self, event: ev.Event) -> None:
        match event:
            case ev.CalleeFrame():
                self._on_frame(event)
            case ev.CallerAudio():
                self._on_caller_audio(event.pcm)
            case (
                ev.AgentAudio()
                | ev.AgentText()
                | ev.AgentSpoke()
                | ev.ToolCalled()
                | ev.QuestionAnswered()
                | ev.Whispered()
                | ev.TurnHeard()
            ):
                if self._seat is not None:
                    self._on_agent(self._seat, event)
                else:
                    text = "This call has no agent."
                    self._out.tell(browser.Problem("not_available", text))
            case ev.EngineAudio():
                self._on_engine_audio(event)
            case ev.SourceText():
                side = self._sides[event.leg]
                caption = side.captions.source_text(
                    event.delta,
                    self._clock.ms,
                    event.utterance_id,
                    is_whole=event.is_whole,
                )
                self._doubt(side, caption)
                if event.leg is Leg.CALLEE and not caption.is_invented:
                    self._on_callee_words(caption)
                    if self._seat is not None:
                        self._seat.read(caption, self._now)
                self._show(side)
            case ev.SourceDone():
                self._on_source_done(event)
            case ev.TargetText():
                side = self._sides[event.leg]
                caption = side.captions.target_text(
                    event.delta, self._clock.ms, event.utterance_id
                )
                self._mind_speech(side, caption)
                self._show(side)
            case ev.TargetDone():
                self._on_target_done(event)
            case ev.DeadlinePassed():
                self._on_deadline()
            case ev.StreamStarted():
                self._on_stream_started(event.stream_sid)
            case ev.StreamStopped():
                self._on_stream_stopped()
            case ev.CallerAttached():
                self._on_caller_attached()
            case ev.CallerLost():
                self._on_caller_lost()
            case ev.CallerMuted():
                self._is_muted = event.muted
            case ev.CallerSpeaks():
                self._on_caller_speaks(event.speaks)
            case ev.CallerSpeech():
                self._on_caller_speech(event)
            case ev.OriginalGain():
                self._mix.set_gain(event.gain)
            case ev.RepeatAsked():
                self._delivery.repeat(event.utterance_id)
            case ev.DiscardAsked():
                self._delivery.discard(event.utterance_id)
            case ev.ModeAsked():
                self._on_mode(event.mode)
            case ev.Typing():
                if event.active and self.phase is Phase.LIVE:
                    self._typed.typing()
            case ev.TextTyped():
                self._on_typed(event)
            case ev.TextTranslated():
                self._presence.translated(event.text_id, event.translation)
                self._typed.translated(event.text_id, event.translation, event.code)
            case ev.TextRendered():
                self._typed.rendered(
                    event.text_id,
                    event.pcm,
                    event.spoken,
                    is_verbatim=event.is_verbatim,
                )
            case ev.TextMisread():
                self._typed.misread(event.text_id)
            case ev.Rephrased():
                side = self._sides[Leg.CALLER]
                self._end_interpretation(side, self._decency.rephrased(event))
                self._show(side)
            case ev.Suggested():
                self._replies.made(event)
            case ev.CallLeft():
                self._on_call_left(event)
            case ev.EngineReady():
                self._on_engine_ready(event.leg, event.kind)
            case ev.EngineFound():
                self._succession.found(self._sides[event.leg], event.kind)
            case ev.EngineGone():
                self._succession.gone(self._sides[event.leg])
            case ev.TextInterpreted():
                self._on_interpreted(event)
            case ev.EngineLost():
                self._on_engine_lost(event.leg)
            case ev.EngineClosed(Leg.AGENT):
                if self._seat is not None:
                    self._seat.is_closed = True
            case ev.EngineClosed():
                self._sides[event.leg].engine_is_closed = True
            case ev.LineRendered():
                self._on_line_rendered(event)
            case ev.StatusChanged():
                self._on_status(event.status, event.reason)
            case ev.SpendKnown():
                self._on_spend(event)
            case ev.AnsweredByKnown():
                self._presence.told(event.kind)
            case ev.KeysPressed():
                self._on_keys(event.digits)
            case ev.DigitsRefused():
                self._keypad.refused(self._now)
                if self._seat is not None:
                    self._seat.keys_refused(self._now)
                    self._serve_agent(self._seat)
            case ev.EndRequested():
                self._end(event.reason)
            case ev.DtmfReceived():
                self._out.tell(browser.Dtmf(event.digit), is_public=True)
                self._out.record("dtmf_received", {"at_ms": self._clock.ms})

    # --- The telephone ---------------------------------------------------------------

    def _on_stream_started(self, stream_sid: str) -> None:
        if self.phase in (Phase.ENDING, Phase.FAREWELL):
            return
        self.phase = Phase.LIVE
        self._epoch += 1
        self._stream_lost_at = None
        self._n_checks = 0
        self._first_check_ms = self._config.life.stream_return_ms
        self._clock.begin_stream(self._now)
        self._ear.begin_stream()
        self._delivery.begin_stream()
        if self._answered_at is None:
            self._answered_at = self._now - self._config.start_ms / 1000
            if not self._caller_is_there and not self._mode.has_agent:
                self._caller_absent_since = self._now
        self._out.record("stream_started", {"stream": self._epoch})
        self._keypad.stream_started(self._now)

    def _on_stream_stopped(self) -> None:
        if self.phase is Phase.FAREWELL:
            self._hang_up()
        elif self.phase is Phase.LIVE:
            self.phase = Phase.SUSPENDED
            self._stream_lost_at = self._now
            meant_ms = self._keypad.stream_stopped(self._now)
            if meant_ms:
                self._first_check_ms = meant_ms
            elif self._config.is_inbound and not self._is_leaving:
                self._first_check_ms = self._config.life.inbound_check_ms
            self._out.record("stream_stopped", {"stream": self._epoch})

    def _on_frame(self, frame: ev.CalleeFrame) -> None:
        if self.phase not in (Phase.LIVE, Phase.FAREWELL):
            return
        for step in self._clock.frame(frame.timestamp_ms, self._now):
            self._step(step, frame.payload)
        self._mind_the_callee()
        self._after_tick()

    def _continue_from_time(self) -> None:
        """The line's frames are late: the clock goes on without them."""
        before_ms = self._clock.ms
        for step in self._clock.stalled(self._now):
            self._step(step, SILENCE_FRAME)
        if self._clock.ms != before_ms:
            self._after_tick()

    def _step(self, step: Step, payload: bytes) -> None:
        """Let 20 ms pass, or be heard, or both."""
        played = SILENCE_FRAME
        if step.advances:
            played = self._delivery.tick()
            if self._mode.has_agent and played != SILENCE_FRAME:
                # The caller hears what the callee does.
                self._mix.interpret(self._to_caller.process(decode_mulaw(played)))
            self._keep_caller_engine_fed()
        self._n_missing += step.hears and step.is_silence
        self._n_late += step.hears and not step.advances
        owed = self._clock.owed_frames
        for heard in self._ear.step(step, payload, played, owed):
            self._hear(heard)
        if step.advances:
            self._sound_for_caller()

    def _after_tick(self) -> None:
        for side in self._sides.values():
            side.captions.tick(self._clock.ms)
            self._show(side)
            self._succession.tick(side)
        self._report_sound_lost()
        self._mind_who_is_there()
        self._mind_the_agent()
        self._greet()
        self._mind_consent()
        self._typed.tick()
        self._delivery.mind_lag(
            by_turns=self._sides[Leg.CALLER].turns is not None,
            has_agent=self._mode.has_agent,
        )
        self._decency.let_go()
        self._release(pad=True)
        if (
            self.phase is Phase.FAREWELL
            and self._farewell_line is None
            and self._delivery.is_empty
            and not self._decency.is_waiting
        ):
            self._hang_up()

    def _hear(self, heard: Heard) -> None:
        """Take 20 ms of the callee: to the engine, to the detector, to the caller."""
        self._behind_ms = heard.behind_ms
        wide = self._to_engine.process(heard.pcm)
        if not heard.is_filler:
            self._presence.hear(heard.pcm)
        self._feed(Leg.CALLEE, wide, heard.pcm, heard.behind_ms)
        is_quiet = heard.is_filler or not self._sides[Leg.CALLEE].detector.is_speech
        self._mix.hear(wide, is_quiet=is_quiet)

    def _mind_who_is_there(self) -> None:
        """Follow who is at the other end; hang up where nobody can be reached."""
        if self.phase is not Phase.LIVE:
            return
        presence = self._presence
        presence.minds_silence = not (self._mode.has_agent or self._config.is_inbound)
        presence.tick(self._sides[Leg.CALLEE].detector, self._behind_ms)
        if presence.greets_again:
            presence.greets_again = self._greeted = False
        if presence.ending is not None and presence.farewell is not None:
            ending = presence.ending
            self._say_farewell(presence.farewell, ending.reason, ending.outcome)
        elif presence.ending is not None:
            self._end_reason = presence.ending.reason
            self._end_outcome = presence.ending.outcome
            self._hang_up()

    def _greet(self) -> None:
        """Say who we are, after the callee's first word, or when none comes."""
        if self._greeted or self.phase is not Phase.LIVE:
            return
        if not self._presence.may_be_greeted:
            return
        has_waited = self._clock.ms >= self._config.life.greeting_wait_ms
        detector = self._sides[Leg.CALLEE].detector
        self._was_greeted_by |= detector.is_speech
        if has_waited or (self._was_greeted_by and not detector.is_speech):
            self._greeted = True
            if not self._mode.has_agent:  # or else it introduces itself
                self._delivery.say(self.greeting)
            self._must_ask = self._config.tells_of_recording
            if not self._mode.has_agent or self._config.is_inbound:
                self._ask_about_recording()

    def _ask_about_recording(self) -> None:
        """Ask whether the call may be recorded, once, after they know who calls."""
        if self._must_ask:
            self._must_ask = False
            self._delivery.say(Line.RECORDING)

    def _mind_consent(self) -> None:
        """Follow whether the callee lets the call be recorded."""
        if self._delivery.has_spoken and self._delivery.is_empty:
            self._ask_about_recording()  # an agent has introduced itself
        caller = self._sides[Leg.CALLER].detector
        is_voice = self._mode.passes_voice and caller.is_speech
        self._consent.tick(
            self._clock.ms,
            is_other_speaking=is_voice or self._delivery.is_playing_words,
        )

    @property
    def greeting(self) -> Line:
        """The first sentence that the callee hears."""
        if self._config.is_inbound:
            return Line.RECEPTION
        is_one = self._config.is_one_language
        return Line.RELAY_GREETING if is_one else Line.GREETING

    def _report_sound_lost(self) -> None:
        """Tell the caller what could not be heard, once it has come to something."""
        lost_ms = self._ear.lost_ms - self._lost_told_ms
        if lost_ms < self._config.least_lost_ms or self._ear.mode is Mode.HOLD:
            return
        self._lost_told_ms = self._ear.lost_ms
        text = "Some of what the other side said was lost in an echo."
        self._out.tell(
            browser.Warn("sound_lost", text, lost_ms=lost_ms), is_public=True
        )
        self._out.record("sound_lost", {"at_ms": self._clock.ms, "lost_ms": lost_ms})

    # --- Turns -----------------------------------------------------------------------

    def _mind_the_callee(self) -> None:
        """Let the callee's speech decide whether we may speak."""
        if self.phase is not Phase.LIVE:
            return
        detector = self._sides[Leg.CALLEE].detector
        self._delivery.mind(
            is_speech=detector.is_speech,
            quiet_ms=detector.quiet_ms,
            onset_ms=detector.onset_ms,
            behind_ms=self._behind_ms,
        )

    def _release(self, *, pad: bool) -> None:
        """Send what may be sent, if there is a line that plays it."""
        is_up = self.phase in (Phase.LIVE, Phase.FAREWELL)
        if is_up and self._clock.is_flowing:
            self._delivery.release(pad=pad)

    # --- Modes, keys and typed text ---------------------------------------------------

    def _on_mode(self, name: str) -> None:
        mode = self._modes.get(name)
        if mode is None:
            text = f"This call cannot go on in the mode “{name}”."
            self._out.tell(browser.Problem("unsupported_mode", text))
            return
        if mode is not self._mode:
            before, self._mode = self._mode, mode
            self._fed_until_ms = self._clock.ms + self._config.caller_input.tail_ms
            if self._seat is not None:
                self._change_agent(self._seat)
            caller = self._sides[Leg.CALLER]
            if mode.has_microphone and not caller.is_open:
                caller.is_open = True
                self._out.do(act.OpenEngine(Leg.CALLER))
            if mode.can_type:
                self._out.do(act.PreparePhrases())
            self._replies.forget()
            self._mix.set_gain(mode.original_gain)
            if not mode.plays_interpretation:
                self._mix.forget()
            data = {"at_ms": self._clock.ms, "from": before.name, "to": name}
            self._out.record("mode_changed", data)
        self._out.tell(browser.ModeChanged(name), is_public=True)

    def _on_keys(self, digits: str) -> None:
        if self.phase in (Phase.LIVE, Phase.SUSPENDED):
            self._keypad.press(digits, self._now)
        else:
            self._out.tell(browser.DtmfStatus(digits, "failed"))

    def _on_typed(self, event: ev.TextTyped) -> None:
        if self.phase not in (Phase.LIVE, Phase.SUSPENDED) or not self._mode.can_type:
            text = "Nobody would hear it now."
            if self.phase is Phase.WAITING:
                text = "Nobody has answered yet: send it again then."
            self._out.tell(browser.Problem("text_not_now", text))
            self._out.tell(browser.TextStatus(event.text_id, "failed"))
            return
        self._replies.forget()
        self._typed.type(
            event.text_id,
            event.text,
            self._clock.ms,
            is_final=event.is_final,
            translation=event.translation,
            is_phrase=event.is_phrase,
        )
        self._show(self._sides[Leg.CALLER])

    # --- The caller ------------------------------------------------------------------

    def _on_caller_attached(self) -> None:
        self._caller_is_there = True
        self._caller_absent_since = None
        self._mix.forget()
        self._out.record("caller_attached", {"at_ms": self._clock.ms})

    def _on_caller_lost(self) -> None:
        self._caller_is_there = False
        self._mix.forget()
        if self.phase in (Phase.ENDING, Phase.FAREWELL):
            return
        self._out.record("caller_lost", {"at_ms": self._clock.ms})
        if self._answered_at is not None and not self._mode.has_agent:
            self._caller_absent_since = self._now
            self._delivery.say(Line.WAIT)

    def _on_caller_audio(self, pcm: Pcm) -> None:
        if self.phase is not Phase.LIVE or not self._clock.has_begun:
            return
        self._caller_fed_ms += len(pcm) * 1000 / ENGINE_HZ
        self._speaks = True  # whatever was said of it: this is a microphone
        if not self._mode.has_microphone and self._clock.ms > self._fed_until_ms:
            return
        if self._is_muted or not self._mode.has_microphone:
            pcm = np.zeros_like(pcm)
        narrow = self._caller_down.process(pcm)
        if self._mode.passes_voice:
            self._delivery.pass_voice(narrow)
        self._feed(Leg.CALLER, pcm, narrow)
        caller = self._sides[Leg.CALLER]
        if self._mode.passes_voice and caller.captions.current is not None:
            caller.passed.add(caller.captions.current.utterance_id)

    @property
    def _may_speak(self) -> bool:
        """Whether the caller's engine has to be fed, if only with silence."""
        return self._mode.has_microphone and self._speaks

    def _on_caller_speaks(self, speaks: bool) -> None:
        """A microphone that is not open costs nothing: not even silence is fed."""
        if self._speaks and not speaks:
            self._fed_until_ms = self._clock.ms + self._config.caller_input.tail_ms
        self._speaks = speaks

    def _on_caller_speech(self, event: ev.CallerSpeech) -> None:
        """Take the client's word for an end; whether there is speech, we hear."""
        side = self._sides[Leg.CALLER]
        turns = side.turns
        if not event.is_over or self.phase is not Phase.LIVE:
            return
        if turns is None:
            self._flush(side)
            return
        ended_ms = self._clock.ms - side.detector.quiet_ms
        ends = turns.endpointer
        effects = ends.finished(ended_ms) if event.is_own_word else ends.ended(ended_ms)
        if turns.current is not None:
            turns.more_ms = 0
            side.captions.speech_ended(ended_ms)
        self._end_turns(side, turns, effects, self._clock.ms)
        self._show(side)

    @property
    def is_flooded(self) -> bool:
        """The caller has sent far more sound than time: that is no microphone."""
        ahead_ms = self._caller_fed_ms - self._clock.ms
        return ahead_ms > self._config.caller_input.max_ahead_ms

    def _keep_caller_engine_fed(self) -> None:
        """Feed silence where the caller's sound is missing, not merely a bit late."""
        behind_ms = self._clock.ms - self._caller_fed_ms
        if behind_ms < self._config.caller_input.slack_ms:
            return
        self._caller_fed_ms += FRAME_MS
        if not self._may_speak and self._clock.ms > self._fed_until_ms:
            return
        narrow = self._caller_down.process(_SILENCE_24K)
        self._feed(Leg.CALLER, _SILENCE_24K, narrow)

    def _sound_for_caller(self) -> None:
        """Give the caller 20 ms: the interpretation, and softly the callee's voice."""
        sound = self._mix.tick(
            is_heard=self._caller_is_there,
            is_untranslated=self._is_untranslated(),
        )
        if len(sound):
            self._out.do(act.SendCallerAudio(sound))

    def _is_untranslated(self) -> bool:
        """Speech that is in the caller's language already brings no translation."""
        side = self._sides[Leg.CALLEE]
        caption = side.captions.current
        if caption is None or caption.first_source_ms is None or side.turns is not None:
            return False
        if not self._mode.plays_interpretation:
            return False
        if caption.translation or caption.has_sound:
            return False
        waited_ms = self._clock.ms - caption.first_source_ms
        return waited_ms >= self._config.passthrough_after_ms

    # --- Speech and engines ----------------------------------------------------------

    def _feed(self, leg: Leg, wide: Pcm, narrow: Pcm, behind_ms: int = 0) -> None:
        """Give one leg's sound to its engine (24 kHz) and its detector (8 kHz)."""
        side = self._sides[leg]
        change = side.detector.push(narrow)
        heard_ms = self._clock.ms - behind_ms
        side.witness.note(heard_ms, side.detector, change)
        came_at = self._now - behind_ms / 1000
        if side.turns is None:
            side.hold(wide, came_at)
            feed = self._config.feed
            is_speech = side.detector.is_speech
            batch_ms = feed.speech_batch_ms if is_speech else feed.idle_batch_ms
            if side.waiting_ms >= batch_ms or change == "started":
                self._flush(side)
        if change == "started":
            if leg is Leg.CALLER:
                self._delivery.caller_says_something_new()
                self._replies.forget()
            side.captions.speech_started(heard_ms - side.detector.onset_ms)
        if side.turns is not None:
            self._feed_turn(side, side.turns, wide, change, behind_ms)
        else:
            self._succession.keep(side, wide, change)
        is_person = self._presence.kind not in ("voicemail", "fax")
        if leg is Leg.CALLEE and self._seat is not None and is_person:
            self._seat.hear(wide, change, behind_ms, self._now)
        if change is None:
            return
        if change == "stopped":
            side.captions.speech_ended(heard_ms - side.detector.offset_ms)
            self._show(side)
        self._out.tell(browser.Speaking(leg, change == "started"), is_public=True)

    def _feed_turn(
        self,
        side: Side,
        turns: Turns,
        wide: Pcm,
        change: Transition | None,
        behind_ms: int,
    ) -> None:
        """Give sound to an engine that works by turns: speech, and nothing else."""
        detector = side.detector
        heard_ms = self._clock.ms - behind_ms
        came_at = self._now - behind_ms / 1000
        effects: tuple[Endpoint, ...] = ()
        if change == "started":
            effects = turns.endpointer.began(heard_ms - detector.onset_ms)
            self._open_turn(side, turns, came_at)
        elif turns.current is None and detector.is_speech:
            ms = len(wide) * 1000 // ENGINE_HZ
            effects = self._go_on_speaking(side, turns, heard_ms, ms)
        if turns.current is None:
            turns.remember(wide)
        else:
            turns.current.add(wide)
            side.hold(wide, came_at)
            if side.waiting_ms >= self._config.feed.speech_batch_ms:
                self._flush(side)
        if change == "stopped":
            effects += turns.endpointer.ended(heard_ms - detector.offset_ms)
        effects += turns.endpointer.tick(heard_ms, detector.quiet_ms)
        self._end_turns(side, turns, effects, heard_ms)

    def _go_on_speaking(
        self, side: Side, turns: Turns, heard_ms: int, ms: int
    ) -> tuple[Endpoint, ...]:
        """Somebody said that they had finished, and is still heard: they go on."""
        turns.more_ms = 0 if side.detector.quiet_ms else turns.more_ms + ms
        if turns.more_ms < self._config.endpoints.goes_on_ms:
            return ()
        began_ms = heard_ms - turns.more_ms
        turns.more_ms = 0
        side.captions.speech_started(began_ms)
        effects = turns.endpointer.began(began_ms)
        self._open_turn(side, turns, self._now)
        return effects

    def _open_turn(self, side: Side, turns: Turns, came_at: float) -> None:
        caption = side.captions.current
        assert caption is not None  # noqa: S101 -- speech has begun
        for pcm in turns.open(caption.utterance_id):
            assert turns.current is not None  # noqa: S101 -- just opened
            turns.current.add(pcm)
            side.hold(pcm, came_at)

    def _end_turns(
        self, side: Side, turns: Turns, effects: tuple[Endpoint, ...], heard_ms: int
    ) -> None:
        for effect in effects:
            match effect:
                case Endpoint.COMMIT:
                    self._commit(side, turns)
                    if turns.endpointer.state is Speaker.SPEAKING:
                        # They go on: the next sample belongs to the next utterance.
                        side.captions.speech_ended(heard_ms)
                        side.captions.speech_started(heard_ms)
                        self._open_turn(side, turns, self._now)
                case Endpoint.ANSWER:
                    self._answer(side, turns)

    def _commit(self, side: Side, turns: Turns) -> None:
        self._flush(side)
        utterance_id = turns.commit()
        if utterance_id is None:
            return
        until_ms = self._clock.ms + self._config.recovery.answer_after_ms
        side.captions.await_answer(utterance_id, until_ms)
        if side.engine_is_ready:
            self._out.do(act.CommitTurn(side.leg, utterance_id))
        self._succession.committed(side, utterance_id)
        self._succession.make_room(side)

    def _answer(self, side: Side, turns: Turns) -> None:
        if self._succession.writes_unasked(side):
            return
        for utterance_id in list(turns.unasked):
            caption = side.captions.find(utterance_id)
            if caption is not None and caption.is_nobodys:
                turns.forget((utterance_id,))
        ids = turns.ask()
        if ids and side.engine_is_ready:
            self._out.do(act.AnswerTurn(side.leg, ids))
        self._succession.interpret(side)

    def _on_source_done(self, event: ev.SourceDone) -> None:
        side = self._sides[event.leg]
        caption = side.captions.source_done(
            event.utterance_id, is_failed=event.is_failed
        )
        turns = side.turns
        if caption is not None and turns is not None:
            is_last = turns.unasked[-1:] == [event.utterance_id]
            if is_last and is_complete(caption.original):
                effects = turns.endpointer.complete()
                self._end_turns(side, turns, effects, self._clock.ms)
        self._succession.source_done(side, event.utterance_id)
        self._show(side)

    def _on_interpreted(self, event: ev.TextInterpreted) -> None:
        if event.leg is Leg.AGENT:
            if self._seat is not None:
                self._seat.interpreted(event.utterance_ids, event.translation)
                self._serve_agent(self._seat)
            return
        side = self._sides[event.leg]
        if event.translation:
            at_ms = self._clock.ms
            first = event.utterance_ids[0]
            caption = side.captions.target_text(event.translation, at_ms, first)
            self._mind_speech(side, caption)
        self._show(side)

    def _on_target_done(self, event: ev.TargetDone) -> None:
        if event.leg is Leg.AGENT:
            if self._seat is not None:
                self._seat.answered(event.utterance_ids)
            return
        side = self._sides[event.leg]
        ids, is_failed = event.utterance_ids, event.is_failed
        self._succession.answered(side, ids, is_failed=is_failed)
        if ids and event.leg is Leg.CALLER and self._decency.over(ids[0]):
            self._release(pad=False)
        if event.leg is not Leg.CALLER or not self._decency.finish(ids):
            self._end_interpretation(side, ids, is_failed=is_failed)
        captions = [side.captions.find(i) for i in ids]
        # Without words there was nothing to interpret.
        if not is_failed or any(c is not None and c.original for c in captions):
            self._out.do(act.NoteAnswer(event.leg, is_failed))
        self._show(side)

    def _mind_speech(self, side: Side, caption: Caption) -> None:
        """Judge what the callee will hear; what they say themselves is theirs."""
        if side.leg is Leg.CALLER:
            can_hold = side.turns is not None
            self._decency.read(caption, self._tag_of(caption), can_hold=can_hold)
            self._let_go()

    def _let_go(self) -> None:
        if self._decency.let_go():
            self._release(pad=False)

    def _end_interpretation(
        self, side: Side, ids: tuple[str, ...], *, is_failed: bool = False
    ) -> None:
        for utterance_id in ids:
            side.captions.target_done(utterance_id, is_failed=is_failed)

    def _flush(self, side: Side) -> None:
        """Give a leg's engine everything that was held for it, or keep it meanwhile."""
        pcm, held_ms = side.release(self._now)
        if not len(pcm):
            return
        if side.engine_is_ready:
            held = held_ms if side.detector.is_speech else None
            is_playing = self._ear.mode is not Mode.PASS
            self._out.do(act.FeedEngine(side.leg, pcm, held, is_playing))
        elif side.turns is None:
            side.backlog.append(pcm)

    def _on_callee_words(self, caption: Caption) -> None:
        """Our own words are an echo; the callee's may be an interruption."""
        captions = self._sides[Leg.CALLEE].captions
        ended_ms = self._clock.ms if caption.ended_ms is None else caption.ended_ms
        since_ms = caption.started_ms
        if self._loops.is_echo(caption.original, since_ms, ended_ms):
            if not caption.is_echo:
                self._loops.n_echoes += 1
                captions.mark_echo(caption, is_echo=True)
                self._out.record("echo_heard", {"at_ms": since_ms})
            return
        if caption.is_echo:
            captions.mark_echo(caption, is_echo=False)
        self._delivery.words(caption.original, since_ms)
        self._presence.words(caption.original)
        self._consent.words(caption)

    def _on_engine_audio(self, event: ev.EngineAudio) -> None:
        leg, pcm = event.leg, event.pcm
        side = self._sides[leg]
        caption = side.captions.target_sound(self._clock.ms, event.utterance_id)
        if caption.is_nobodys:
            return
        tag = caption.utterance_id
        if leg is Leg.CALLEE and not self._mode.plays_interpretation:
            return  # the caller reads it
        if leg is Leg.CALLEE and self._caller_is_there:
            side.heard.add(tag)
        if leg is Leg.CALLER:
            foresees = side.kind == EngineKind.INTERPRET
            if self._decency.speak(pcm, tag, foresees=foresees):
                self._release(pad=False)
        elif self.phase is Phase.ENDING:
            if self._caller_is_there:
                self._out.do(act.SendCallerAudio(pcm))
        else:
            self._mix.interpret(pcm)

    def _on_engine_ready(self, leg: Leg, kind: str) -> None:
        if leg is Leg.AGENT:
            if self._seat is not None:
                gap_ms = self._seat.engine_ready(self._now)
                if gap_ms is not None:
                    self._succession.report(leg, "recovered", "agent", gap_ms)
            return
        self._succession.ready(self._sides[leg], kind)

    def _on_engine_lost(self, leg: Leg) -> None:
        if leg is Leg.AGENT:
            if self._seat is not None:
                self._seat.engine_lost()
                self._seat.is_closed = self.phase is Phase.ENDING
            if self.phase is not Phase.ENDING:
                self._succession.report(leg, "lost", "agent")
                self._succession.report(leg, "reconnecting", "agent")
            return
        side = self._sides[leg]
        if self.phase is Phase.ENDING:
            side.engine_is_ready, side.engine_is_closed = False, True
            return
        self._succession.lost(side)

    def _show(self, side: Side) -> None:
        for caption in side.captions.changed():
            if caption.original_final and not caption.is_judged:
                self._doubt(side, caption)
                caption.is_judged = True
            if caption.is_invented:
                continue
            self._check(caption)
            self._out.show(caption)
            self._replies.read(caption, is_wanted=self._can_answer)
        for caption in side.captions.finished():
            self._decency.finished(caption)
            if side.leg is Leg.CALLEE:
                self._consent.finished(caption)
                for one in latencies.of_caption(caption, side.kind, self._clock.ms):
                    self._out.do(one)
            if self._seat is not None:
                self._seat.finished(caption, self._now)
            if caption.target_failed and not caption.translation:
                self._out.not_interpreted(caption)
            if caption.is_not_understood:
                self._out.store(caption, "lost")
            elif self._was_own_voice(side, caption):
                self._out.store(caption, "delivered")
            elif side.leg is Leg.CALLER:
                self._delivery.finished(caption, self._tag_of(caption))
            else:
                is_heard = self._tag_of(caption) in side.heard
                self._out.store(caption, "delivered" if is_heard else "caption_only")

    def _doubt(self, side: Side, caption: Caption) -> None:
        """Take back what a recogniser wrote although nobody can have said it."""
        if caption.is_typed or caption.is_echo or not caption.original:
            return
        judgement = side.witness.judge(
            caption, self._clock.ms, has_name=side.turns is not None
        )
        if not judgement.is_invented:
            if caption.is_invented:
                side.captions.believe(caption)
                self._delivery.want(caption.utterance_id)
            if caption.original_final and judgement.text != caption.original:
                caption.original = judgement.text
                self._out.guardrail(caption, "invented", "shortened")
            return
        if caption.is_doubted:
            return
        caption.is_doubted = True
        if not self._is_unheard(side, caption):
            self._out.guardrail(caption, "invented", "kept")
            return
        side.captions.withdraw(caption)
        if caption.was_shown:
            self._out.take_back(caption)
        self._out.guardrail(caption, "invented", "suppressed")

    def _is_unheard(self, side: Side, caption: Caption) -> bool:
        """Stop an utterance's interpretation; False if some of it was heard."""
        own, turns = caption.utterance_id, side.turns
        if turns is not None and own in {*turns.joined, *turns.joined.values()}:
            return False  # somebody's words are in the same sound
        if side.leg is Leg.CALLER:
            return self._delivery.withdraw(own)
        return own not in side.heard

    @property
    def _can_answer(self) -> bool:
        """Whether the caller could say one of the replies to choose from."""
        is_talk = self._presence.may_be_greeted and not self._presence.is_on_hold
        is_there = self.phase is Phase.LIVE and self._caller_is_there and is_talk
        # The last of the money is for talking.
        return is_there and self._mode.can_type and self._spend_warning is None

    @property
    def can_type(self) -> bool:
        """Whether what the caller types, or chooses, is said."""
        return self._mode.can_type

    def _check(self, caption: Caption) -> None:
        """Compare numbers and names of what was said with its translation."""
        is_ready = caption.is_final and caption.original and caption.translation
        if not is_ready or caption.uncertain is not None:
            return
        config = self._config
        languages = config.caller_language, config.callee_language
        source, target = languages if caption.leg is Leg.CALLER else languages[::-1]
        said, made = caption.original, caption.translation
        found = [
            *numbers.compare(said, source, made, target),
            *names.compare(said, source, made, target, config.terms),
        ]
        spans = numbers.uncertain_spans(found, made)
        caption.uncertain = tuple((start, end) for start, end in spans)
        if spans:
            data = {"at_ms": caption.started_ms, "leg": caption.leg, "n": len(found)}
            self._out.record("uncertain", data)

    # --- The agent -------------------------------------------------------------------

    def _on_agent(self, seat: AgentSeat, event: ev.Event) -> None:
        match event:
            case ev.AgentAudio():
                tag = seat.speak(event)
                if self._decency.speak(event.pcm, tag, foresees=True):
                    self._release(pad=False)
            case ev.AgentText():
                caption = seat.write(event)
                heard_ms = self._decency.agent_writes(caption)
                if heard_ms is not None:
                    seat.misspoke(caption, heard_ms, self._now)
                self._let_go()
            case ev.AgentSpoke():
                said = seat.said(event.utterance_id)
                if said is not None and self._decency.over(said.utterance_id):
                    self._release(pad=False)
                seat.spoke(event, self._now)
                is_whole = said is not None and not event.is_stopped
                if is_whole and said and self._decency.agent_spoke(said):
                    seat.tell(SpokeFamiliarly(), self._now)
            case ev.ToolCalled():
                seat.tell(event, self._now)
            case ev.QuestionAnswered():
                answer = OwnerAnswered(event.question_id, event.text)
                seat.tell(answer, self._now)
            case ev.Whispered():
                seat.tell(OwnerWhispered(event.text), self._now)
            case ev.TurnHeard() if isinstance(seat, ReceptionSeat):
                seat.turn_heard(self._now)
        self._serve_agent(seat)

    def _leave(self, why: str) -> None:
        self._is_leaving = True
        self._out.do(act.LeaveCall(why))

    def _on_call_left(self, left: ev.CallLeft) -> None:
        """The telephone call goes on without us, or does not."""
        self._is_leaving = False
        if left.why == "transfer":
            if self._seat is not None:
                self._seat.tell(TransferTried(left.is_done), self._now)
                self._serve_agent(self._seat)
            if left.is_done:
                self._end_reason = self._end_reason or "transferred"
                self._begin_ending()
            return
        self._end_outcome = self._end_outcome or "failed"
        if left.is_done:
            self._end_reason = self._end_reason or "agent_unavailable"
            self._begin_ending()
        else:
            self._end("agent_unavailable")

    def _change_agent(self, seat: AgentSeat) -> None:
        """The mode has changed: the agent begins, goes on, or is silent."""
        self._agent_waits = False
        if not self._mode.has_agent:
            seat.rest(self._now)
            self._delivery.forget_agent()
            return
        self._caller_absent_since = None
        if not seat.is_open:
            seat.is_open = True
            self._out.do(act.OpenEngine(Leg.AGENT))
        # What the caller has typed comes first.
        self._agent_waits = True
        self._let_agent_begin(seat)

    def _let_agent_begin(self, seat: AgentSeat) -> None:
        if self._agent_waits and not self._typed.is_busy:
            self._agent_waits = False
            seat.begin(self._now)

    def _mind_the_agent(self) -> None:
        seat = self._seat
        if seat is None or self.phase is not Phase.LIVE:
            return
        self._let_agent_begin(seat)
        if self._presence.may_be_greeted:
            seat.connected(self._now)
        seat.is_on_hold = self._presence.is_on_hold
        seat.tick(self._now)
        self._serve_agent(seat)

    def _serve_agent(self, seat: AgentSeat) -> None:
        """Show what it says, and do what it cannot do itself."""
        for caption in seat.captions.changed():
            self._out.show(caption)
            self._replies.read(caption, is_wanted=False)
        for caption in seat.captions.finished():
            self._delivery.finished(caption, caption.utterance_id)
        for wish in seat.take_wishes():
            match wish:
                case PressKeys(digits):
                    self._on_keys(digits)
                    is_up = self.phase in (Phase.LIVE, Phase.SUSPENDED)
                    seat.tell(KeysPressed(is_sent=is_up), self._now)
                case PutThrough():
                    self._leave("transfer")
                case Apologise():
                    self._leave("unavailable")
                case HangUp(outcome, reason, line):
                    if line is not None:
                        self._say_farewell(line, reason, outcome)
                    else:
                        self._end_outcome = outcome
                        self._end(reason)

    def _was_own_voice(self, side: Side, caption: Caption) -> bool:
        """Both speak one language: they hear each other, not an interpretation."""
        is_heard = side.leg is Leg.CALLEE or caption.utterance_id in side.passed
        return self._config.is_one_language and is_heard and not caption.is_typed

    def _tag_of(self, caption: Caption) -> str:
        """Return what the interpreted sound of an utterance is called."""
        own = caption.utterance_id
        return self._sides[caption.leg].kept.joined.get(own, own)

    def _report_line(self) -> None:
        """Keep how good the line was."""
        if not self._clock.has_begun:
            return
        ear = self._ear
        self._out.record(
            "line_report",
            {
                "echo_delay_ms": ear.echo_delay_ms,
                "echo_locks": ear.n_locks,
                "echo_slips": ear.n_slips,
                "echo_lost_ms": ear.lost_ms,
                "echo_held_max_ms": ear.held_max_ms,
                "echo_heard": self._loops.n_echoes,
                "playout_lag_max_ms": self._delivery.lag_max_ms,
                "caught_up_ms": self._delivery.caught_up_ms,
                "frames_missing": self._n_missing,
                "frames_late": self._n_late,
            },
        )

    @property
    def line(self) -> dict[str, int]:
        """How the line is at the moment, for the caller's page."""
        return {
            "echo_heard": self._loops.n_echoes,
            "echo_lost_ms": self._ear.lost_ms,
            "held_ms": self._ear.held_ms,
            "playout_lag_ms": self._delivery.lag_ms,
        }

    # --- Our own sentences -----------------------------------------------------------

    def _on_line_rendered(self, event: ev.LineRendered) -> None:
        if event.line is Line.RECEPTION:
            if isinstance(self._seat, ReceptionSeat):
                self._seat.keep_greeting(event.text, event.pcm)
            return
        has_sound = self._delivery.keep_line(event.line, event.text, event.pcm)
        if event.line is self._farewell_line:
            self._farewell_line = None
            if not has_sound:
                self._hang_up()

    def _say_farewell(self, line: Line, reason: str, outcome: str) -> None:
        """Speak a last sentence, then hang up."""
        self._end_reason, self._end_outcome = reason, outcome
        if self.phase is not Phase.LIVE:
            self._hang_up()
            return
        self.phase = Phase.FAREWELL
        self._delivery.say_only()
        self._farewell_until = self._now + self._config.life.farewell_ms / 1000
        if not self._delivery.has_line(line):
            self._farewell_line = line
        self._delivery.say(line)

    # --- The call's end --------------------------------------------------------------

    def _on_status(self, status: str, reason: str) -> None:
        if self.status in TERMINAL or status == self.status:
            return
        self.status = status
        self._out.tell(browser.Status(status, reason or browser.UNSET))
        if status in TERMINAL:
            if status == "completed":
                reason = reason or "hung_up_by_callee"
            self._end_reason = self._end_reason or reason
            self._begin_ending()

    def _end(self, reason: str) -> None:
        if self.phase is Phase.ENDING:
            return
        self._end_reason = self._end_reason or reason
        if self.phase is Phase.SUSPENDED:
            self._end_outcome = "partial"
        self._hang_up()

    def _hang_up(self) -> None:
        if self.phase is Phase.ENDING:
            return
        self._out.do(act.HangUp(self._end_reason))
        self._begin_ending()

    def _begin_ending(self) -> None:
        """The telephone is silent from here on: let the engines finish."""
        if self.phase is Phase.ENDING:
            return
        self._delivery.end()
        self._typed.tick()
        self.phase = Phase.ENDING
        self._farewell_until = math.inf
        self._drain_until = self._now + self._config.life.drain_ms / 1000
        for side in self._sides.values():
            self._flush(side)
            if side.turns is not None:
                self._commit(side, side.turns)
                self._answer(side, side.turns)
            if side.engine_is_ready:
                self._out.do(act.CloseEngine(side.leg))
            else:
                side.engine_is_closed = True
        if self._seat is not None and self._seat.is_ready:
            self._out.do(act.CloseEngine(Leg.AGENT))
        elif self._seat is not None:
            self._seat.is_closed = True
        if self._caller_is_there:
            rest = self._mix.rest()
            if len(rest):
                self._out.do(act.SendCallerAudio(rest))

    def _finish_if_drained(self) -> None:
        drained = all(
            s.engine_is_closed and not s.being_said and not s.filed
            for s in self._sides.values()
        )
        seat = self._seat
        drained &= seat is None or (seat.is_closed and not seat.translating)
        if not drained and self._now < self._drain_until:
            return
        for side in self._sides.values():
            self._succession.end(side)
            side.captions.flush(self._clock.ms)
            self._show(side)
        if seat is not None:
            seat.captions.flush(self._clock.ms)
            self._serve_agent(seat)
        self._typed.end()
        self._consent.end()
        self._delivery.report_lost()
        self._report_line()
        if self._decency.counts:
            self._out.record("speech_report", dict(self._decency.counts))
        self.phase = Phase.OVER
        if self.status not in TERMINAL:
            self.status = "canceled" if self._answered_at is None else "completed"
        outcome = self._end_outcome or self._outcome()
        self._out.do(act.Finish(self.status, outcome, self._end_reason))

    def _outcome(self) -> str:
        if self.status in _UNREACHED:
            return "unreachable"
        if self.status == "failed":
            return "failed"
        return (self._seat and self._seat.outcome) or "unknown"

    # --- Time ------------------------------------------------------------------------

    def _on_deadline(self) -> None:
        life, now = self._config.life, self._now
        if self.phase in (Phase.LIVE, Phase.FAREWELL):
            self._continue_from_time()
        if now >= self._farewell_until:
            self._hang_up()
        if self.phase in (Phase.FAREWELL, Phase.ENDING):
            return
        if now >= self._keypad.due:
            self._keypad.tick(now)
        lost_at = self._stream_lost_at
        if lost_at is not None and now >= self._stream_check_due(lost_at):
            self._n_checks += 1
            if self._n_checks > 1:
                self._end("media_lost")
                return
            self._out.do(act.CheckTelephone())
        if self._seat is not None and self.phase is Phase.SUSPENDED:
            self._seat.tick(now)
            self._serve_agent(self._seat)
        if self._answered_at is not None:
            if now >= self._farewell_due():
                self._say_farewell(Line.TIME_LIMIT, "time_limit", "partial")
                return
            if not self._warned and now >= self._warning_due():
                self._warned = True
                left_s = max(1, round(self._limit_at() - now))
                self._out.tell(
                    browser.Warn(
                        "time_limit", f"This call ends in {left_s} seconds.", left_s
                    )
                )
        absent_since = self._caller_absent_since
        grace_s = life.caller_grace_ms / 1000
        if absent_since is not None and now >= absent_since + grace_s:
            self._caller_absent_since = None
            if self._config.is_inbound:
                self._on_mode("agent")  # whoever called us is answered all the same
            else:
                self._say_farewell(Line.APOLOGY, "caller_lost", "partial")

    def _on_spend(self, spend: ev.SpendKnown) -> None:
        """Warn of the spend limit, and say goodbye when it is reached."""
        if self.phase in (Phase.FAREWELL, Phase.ENDING):
            return
        left_usd = spend.limit_usd - spend.usd
        if left_usd <= 0:
            self._say_farewell(Line.SPEND_LIMIT, "spend_limit", "partial")
            return
        warn_usd = self._config.life.warn_spend_share * spend.limit_usd
        if spend.usd >= self._config.life.cheaper_spend_share * spend.limit_usd:
            self._out.do(act.SaveMoney())
        if spend.usd >= warn_usd and self._spend_warning is None:
            self._out.do(act.RenderLine(Line.SPEND_LIMIT))
            text = f"This call may cost {left_usd:.2f} USD more; then it ends."
            left = round(left_usd, 2)
            self._spend_warning = browser.Warn("spend_limit", text, remaining_usd=left)
            self._out.tell(self._spend_warning)

    def _stream_check_due(self, lost_at: float) -> float:
        later_ms = self._n_checks * self._config.life.stream_return_ms
        return lost_at + (self._first_check_ms + later_ms) / 1000

    def _limit_at(self) -> float:
        assert self._answered_at is not None  # noqa: S101 -- only asked once answered
        return self._answered_at + self._config.life.max_call_ms / 1000

    def _farewell_due(self) -> float:
        life = self._config.life
        return self._limit_at() - min(life.farewell_ms, life.max_call_ms // 2) / 1000

    def _warning_due(self) -> float:
        life = self._config.life
        return self._limit_at() - min(
            life.warn_before_ms, life.max_call_ms * 3 // 4
        ) / (1000)

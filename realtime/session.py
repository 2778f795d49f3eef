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
from realtime.agent_messages import (
    HangUp,
    KeysPressed,
    OwnerAnswered,
    OwnerWhispered,
    PressKeys,
)
from realtime.agent_seat import AgentPlan, AgentSeat
from realtime.audio.echo import Mode
from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw
from realtime.audio.resample import Resampler
from realtime.audio.vad import Transition
from realtime.captions import Caption, CaptionTrack
from realtime.clock import LineClock, Step
from realtime.config import (
    ENGINE_FRAME_SAMPLES,
    ENGINE_HZ,
    FRAME_MS,
    LINE_HZ,
    CallConfig,
)
from realtime.delivery import Delivery
from realtime.ear import Ear, Heard, Tap
from realtime.endpointing import Effect as Endpoint
from realtime.endpointing import State as Speaker
from realtime.endpointing import is_complete
from realtime.events import NO_SOUND, PEOPLE, Leg, Line, Pcm
from realtime.guards import names, numbers
from realtime.keypad import KeyPad
from realtime.loops import LoopGuard
from realtime.mix import CallerMix
from realtime.modes import modes_of
from realtime.outbox import Outbox, message_of
from realtime.presence import Presence
from realtime.protocols import browser
from realtime.sides import Side, Turns
from realtime.typed import TypedTexts

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
        tap: hook for a recorder, see `realtime.ear.Tap`.
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

        self._clock = LineClock(config.line, config.start_ms)

        # The telephone's other direction.
        self._ear = Ear(config.echo, tap)
        self._behind_ms = 0
        self._lost_told_ms = 0
        self._n_missing = self._n_late = 0

        # The two legs.
        self._sides = {leg: Side(leg, config, first_number) for leg in PEOPLE}
        self._to_engine = Resampler(LINE_HZ, ENGINE_HZ)
        self._caller_down = Resampler(ENGINE_HZ, LINE_HZ)

        # The caller.
        self._caller_is_there = False
        self._caller_absent_since: float | None = None
        self._is_muted = False
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
            self._seat = AgentSeat(
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
        self._farewell_line: Line | None = None
        self._greeted = config.start_ms > 0
        self._was_greeted_by = False

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

    def take_up(self, status: str, now: float) -> None:
        """Go on with a call whose session is gone, as after a restart.

        Args:
            status: where the call stands.
            now: monotonic seconds.
        """
        self.status = status
        self._now = now
        if status == "in_progress":
            self.phase = Phase.SUSPENDED
            self._answered_at = now - self._config.start_ms / 1000
            self._stream_lost_at = now
            self._caller_absent_since = None if self._mode.has_agent else now
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
        messages += [
            browser.Recovery(s.leg, "reconnecting", self._engine_of(s.leg))
            for s in self._sides.values()
            if s.engine_lost_at_ms is not None
        ]
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
                if event.leg is Leg.CALLEE:
                    self._on_callee_words(caption)
                    if self._seat is not None:
                        self._seat.read(caption, self._now)
                self._show(side)
            case ev.SourceDone():
                self._on_source_done(event)
            case ev.TargetText():
                side = self._sides[event.leg]
                side.captions.target_text(
                    event.delta, self._clock.ms, event.utterance_id
                )
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
            case ev.EngineReady():
                self._on_engine_ready(event.leg)
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
            case ev.EndRequested():
                self._end(event.reason)
            case ev.DtmfReceived():
                self._out.tell(browser.Dtmf(event.digit), is_public=True)
                self._out.record("dtmf_received", {"at_ms": self._clock.ms})
            case ev.MarkReturned():
                pass  # the line's own clock is the cursor; marks only confirm it

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
            self._check_degraded(side)
        self._report_sound_lost()
        self._mind_who_is_there()
        self._mind_the_agent()
        self._greet()
        self._typed.tick()
        self._delivery.mind_lag(self._sides[Leg.CALLER].turns is not None)
        self._release(pad=True)
        if (
            self.phase is Phase.FAREWELL
            and self._farewell_line is None
            and self._delivery.is_empty
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
        presence.tick(self._sides[Leg.CALLEE].detector, self._behind_ms)
        if presence.greets_again:
            presence.greets_again = self._greeted = False
        if presence.ending is not None:
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
            if self._config.tells_of_recording:
                self._delivery.say(Line.RECORDING)

    @property
    def greeting(self) -> Line:
        """The first sentence that the callee hears."""
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
            self._mix.set_gain(mode.original_gain)
            if not mode.plays_interpretation:
                self._mix.forget()
            if not mode.passes_voice:
                self._delivery.stop_voice()
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
        if not self._mode.has_microphone and self._clock.ms > self._fed_until_ms:
            return
        if self._is_muted or not self._mode.has_microphone:
            pcm = np.zeros_like(pcm)
        narrow = self._caller_down.process(pcm)
        if self._mode.passes_voice:
            self._delivery.pass_voice(narrow)
        self._feed(Leg.CALLER, pcm, narrow)

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
        if not self._mode.has_microphone and self._clock.ms > self._fed_until_ms:
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
            side.captions.speech_started(heard_ms - side.detector.onset_ms)
        if side.turns is not None:
            self._feed_turn(side, side.turns, wide, change, behind_ms)
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
        if turns.current is None:
            turns.remember(wide)
        else:
            turns.current.add(wide)
            side.hold(wide, came_at)
            if side.waiting_ms >= self._config.feed.speech_batch_ms:
                self._flush(side)
        if change == "stopped":
            effects = turns.endpointer.ended(heard_ms - detector.offset_ms)
        effects += turns.endpointer.tick(heard_ms, detector.quiet_ms)
        self._end_turns(side, turns, effects, heard_ms)

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
        while (dropped := turns.drop_oldest()) is not None:
            side.captions.target_done(dropped)

    def _answer(self, side: Side, turns: Turns) -> None:
        if self._config.engine_of(side.leg) == "transcribe":
            return  # it writes without being asked
        for utterance_id in list(turns.unasked):
            caption = side.captions.find(utterance_id)
            if caption is not None and caption.is_echo:
                turns.forget((utterance_id,))  # nobody has said this
        ids = turns.ask()
        if ids and side.engine_is_ready:
            self._out.do(act.AnswerTurn(side.leg, ids))

    def _on_source_done(self, event: ev.SourceDone) -> None:
        side = self._sides[event.leg]
        caption = side.captions.source_done(event.utterance_id)
        turns = side.turns
        if caption is not None and turns is not None:
            is_last = turns.unasked[-1:] == [event.utterance_id]
            if is_last and is_complete(caption.original):
                effects = turns.endpointer.complete()
                self._end_turns(side, turns, effects, self._clock.ms)
        self._show(side)

    def _on_target_done(self, event: ev.TargetDone) -> None:
        if event.leg is Leg.AGENT:
            if self._seat is not None:
                self._seat.answered(event.utterance_ids)
            return
        side = self._sides[event.leg]
        if side.turns is not None:
            side.turns.forget(event.utterance_ids)
        for utterance_id in event.utterance_ids:
            side.captions.target_done(utterance_id)
        captions = [side.captions.find(i) for i in event.utterance_ids]
        if event.is_failed and any(c is not None and c.original for c in captions):
            # Without words there was nothing to interpret.
            self._out.record("not_interpreted", {"at_ms": self._clock.ms})
        self._show(side)

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

    def _on_engine_audio(self, event: ev.EngineAudio) -> None:
        leg, pcm = event.leg, event.pcm
        side = self._sides[leg]
        caption = side.captions.target_sound(self._clock.ms, event.utterance_id)
        if caption.is_echo:
            return  # nobody has said this
        tag = caption.utterance_id
        if leg is Leg.CALLEE and not self._mode.plays_interpretation:
            return  # the caller reads it
        if leg is Leg.CALLEE and self._caller_is_there:
            side.heard.add(tag)
        if leg is Leg.CALLER:
            if self._delivery.speak(pcm, tag):
                self._release(pad=False)
        elif self.phase is Phase.ENDING:
            if self._caller_is_there:
                self._out.do(act.SendCallerAudio(pcm))
        else:
            self._mix.interpret(pcm)

    def _on_engine_ready(self, leg: Leg) -> None:
        if leg is Leg.AGENT:
            if self._seat is not None:
                gap_ms = self._seat.engine_ready(self._now)
                if gap_ms is not None:
                    self._recovery(leg, "recovered", gap_ms)
            return
        side = self._sides[leg]
        side.engine_is_ready = True
        side.engine_is_closed = False
        kept = side.backlog.take()
        if len(kept):
            self._out.do(act.FeedEngine(leg, kept))
        if side.turns is not None:
            self._tell_again(side, side.turns)
        if side.engine_lost_at_ms is None:
            return
        gap_ms = self._clock.ms - side.engine_lost_at_ms
        side.engine_lost_at_ms = None
        side.is_degraded = False
        lost_ms = side.backlog.lost_ms + (side.turns.lost_ms if side.turns else 0)
        self._recovery(leg, "recovered", gap_ms, lost_ms=lost_ms)
        side.backlog.lost_ms = 0
        if side.turns is not None:
            side.turns.lost_ms = 0

    def _tell_again(self, side: Side, turns: Turns) -> None:
        """Give a new engine everything that its predecessor did not answer."""
        side.release(self._now)  # part of the current utterance, which comes whole
        for utterance in turns.unanswered():
            sound = np.concatenate([NO_SOUND, *utterance.sound])
            if len(sound):
                self._out.do(act.FeedEngine(side.leg, sound))
            if utterance.is_committed:
                commit = act.CommitTurn(side.leg, utterance.utterance_id)
                self._out.do(commit)
        for ids in turns.asked:
            self._out.do(act.AnswerTurn(side.leg, ids))

    def _on_engine_lost(self, leg: Leg) -> None:
        if leg is Leg.AGENT:
            if self._seat is not None:
                self._seat.engine_lost()
                self._seat.is_closed = self.phase is Phase.ENDING
            if self.phase is not Phase.ENDING:
                self._recovery(leg, "lost", 0)
                self._recovery(leg, "reconnecting", 0)
            return
        side = self._sides[leg]
        side.engine_is_ready = False
        if self.phase is Phase.ENDING:
            side.engine_is_closed = True
            return
        if side.engine_lost_at_ms is None:
            side.engine_lost_at_ms = self._clock.ms
            self._recovery(leg, "lost", 0)
            self._recovery(leg, "reconnecting", 0)

    def _check_degraded(self, side: Side) -> None:
        if side.engine_lost_at_ms is None or side.is_degraded:
            return
        gap_ms = self._clock.ms - side.engine_lost_at_ms
        if gap_ms >= self._config.recovery.degraded_after_ms:
            side.is_degraded = True
            self._recovery(side.leg, "degraded", gap_ms)

    def _recovery(self, leg: Leg, state: str, gap_ms: int, lost_ms: int = 0) -> None:
        self._out.tell(
            browser.Recovery(leg, state, self._engine_of(leg), gap_ms=gap_ms),
            is_public=True,
        )
        data = {"leg": leg, "state": state, "gap_ms": gap_ms, "lost_ms": lost_ms}
        self._out.record("recovery", data)

    def _engine_of(self, leg: Leg) -> str:
        return "agent" if leg is Leg.AGENT else self._config.engine_of(leg)

    def _show(self, side: Side) -> None:
        for caption in side.captions.changed():
            self._check(caption)
            self._out.show(caption)
        for caption in side.captions.finished():
            if self._seat is not None:
                self._seat.finished(caption, self._now)
            if self._is_own_voice(caption):
                self._out.store(caption, "delivered")
            elif side.leg is Leg.CALLER:
                self._delivery.finished(caption, self._tag_of(caption))
            else:
                is_heard = self._tag_of(caption) in side.heard
                self._out.store(caption, "delivered" if is_heard else "caption_only")

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
                if seat.speak(event):
                    self._release(pad=False)
            case ev.AgentText():
                seat.write(event)
            case ev.AgentSpoke():
                seat.spoke(event, self._now)
            case ev.ToolCalled():
                seat.tell(event, self._now)
            case ev.QuestionAnswered():
                answer = OwnerAnswered(event.question_id, event.text)
                seat.tell(answer, self._now)
            case ev.Whispered():
                seat.tell(OwnerWhispered(event.text), self._now)
        self._serve_agent(seat)

    def _change_agent(self, seat: AgentSeat) -> None:
        """The mode has changed: the agent begins, goes on, or is silent."""
        if not self._mode.has_agent:
            seat.rest(self._now)
            self._delivery.forget_agent()
            return
        was_open = seat.is_open
        self._caller_absent_since = None
        seat.begin(self._now)
        if not was_open:
            self._out.do(act.OpenEngine(Leg.AGENT))

    def _mind_the_agent(self) -> None:
        seat = self._seat
        if seat is None or self.phase is not Phase.LIVE:
            return
        if self._presence.may_be_greeted:
            seat.connected(self._now)
        seat.is_on_hold = self._presence.is_on_hold
        seat.tick(self._now)
        self._serve_agent(seat)

    def _serve_agent(self, seat: AgentSeat) -> None:
        """Show what it says, and do what it cannot do itself."""
        for caption in seat.captions.changed():
            self._out.show(caption)
        for caption in seat.captions.finished():
            self._delivery.finished(caption, caption.utterance_id)
        for wish in seat.take_wishes():
            match wish:
                case PressKeys(digits):
                    self._on_keys(digits)
                    is_up = self.phase in (Phase.LIVE, Phase.SUSPENDED)
                    seat.tell(KeysPressed(is_sent=is_up), self._now)
                case HangUp(outcome, reason, line):
                    if line is not None:
                        self._say_farewell(line, reason, outcome)
                    else:
                        self._end_outcome = outcome
                        self._end(reason)

    def _is_own_voice(self, caption: Caption) -> bool:
        """Both speak one language: they hear each other, not an interpretation."""
        is_heard = caption.leg is Leg.CALLEE or self._mode.passes_voice
        return self._config.is_one_language and is_heard and not caption.is_typed

    def _tag_of(self, caption: Caption) -> str:
        """Return what the interpreted sound of an utterance is called."""
        turns = self._sides[caption.leg].turns
        own = caption.utterance_id
        return own if turns is None else turns.joined.get(own, own)

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
        self._delivery.report_played()
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
        drained = all(s.engine_is_closed for s in self._sides.values())
        drained &= self._seat is None or self._seat.is_closed
        if not drained and self._now < self._drain_until:
            return
        for side in self._sides.values():
            side.captions.flush(self._clock.ms)
            self._show(side)
        self._typed.end()
        self._delivery.report_lost()
        self._report_line()
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

"""The agent's place in a call: what it hears, what it says, what it wants.  Pure.

Theory of operation.  The callee is heard by the agent with an engine of its own, turn
by turn, beside whatever writes the captions; so a mode can change without a word lost.
Turns are found by the same detector and ended by an endpointer of its own.  What the
agent says is queued for the telephone like anything else, under captions of the leg
`agent`.  `Agent` decides; this turns its wishes into actions, and what happens into its
events.  What it cannot do itself (say a fixed sentence, press keys, hang up) is left to
the session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from realtime import actions as act
from realtime import events as ev
from realtime.agent import messages as msg
from realtime.agent.agent import Agent
from realtime.agent.brief import Brief
from realtime.agent.messages import Said
from realtime.audio.vad import Transition
from realtime.config import ENGINE_HZ, CallConfig
from realtime.events import NO_SOUND, Leg, Pcm
from realtime.figures.stages import Stages
from realtime.line.clock import LineClock
from realtime.line.delivery import Delivery
from realtime.line.endpointing import Effect, is_complete
from realtime.line.endpointing import State as Speaker
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.reception.incoming import Reception
from realtime.sides import Side, Turns
from realtime.text.captions import Caption, CaptionTrack
from realtime.turns import is_backchannel


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """What the agent of a call works from.

    Attributes:
        today: ISO 8601 date where the callee is, with the day's name, and the time if
            that is known.
        reception: the line that was called; None: it is us who call.
    """

    brief: Brief
    today: str = ""
    reception: Reception | None = None
    said: tuple[Said, ...] = ()
    """What was said before this process took the call up, in the callee's language."""
    result: Mapping[str, Any] = field(default_factory=dict)
    """What had been found out by then (`calls.results`)."""


class AgentSeat:
    """One call's agent.

    Args:
        config: the call's.
        plan: what it works from.
        callee: the callee's side: its detector and captions.
        captions: of what the agent says.
        clock: the call's.
        delivery: where it speaks.
        out: the session's.
    """

    def __init__(
        self,
        config: CallConfig,
        plan: AgentPlan,
        callee: Side,
        captions: CaptionTrack,
        clock: LineClock,
        delivery: Delivery,
        out: Outbox,
    ) -> None:
        self._config = config
        self._callee = callee
        self._clock = clock
        self._delivery = delivery
        self._out = out
        self._agent = self._make_agent(plan)
        self._stages = Stages()
        self._turns = Turns(config)
        self.captions = captions
        self.is_open = False
        self.is_ready = False
        self.is_closed = True
        self.is_acting = False
        """The call's mode is `agent`."""
        self.is_on_hold = False
        """The other side lets us wait."""
        self._has_acted = False
        self._is_connected = False
        self._lost_at_ms: int | None = None
        self._waiting: list[Pcm] = []
        self._captions_of: dict[str, str] = {}
        """Captions by the engine's own ids, which a new session gives again."""
        self.translating: set[str] = set()
        """Captions whose translation is on its way."""
        self._line = msg.LineChanged(is_playing=False, is_callee_speaking=False)
        self._left: list[msg.Action] = []

    def _make_agent(self, plan: AgentPlan) -> Agent:
        agent = self._new_agent(plan)
        if plan.said or plan.result:
            agent.resume(plan.said, plan.result)
        return agent

    def _new_agent(self, plan: AgentPlan) -> Agent:
        return Agent(plan.brief, self._config.agent, plan.today)

    # --- What the session asks --------------------------------------------------------

    @property
    def outcome(self) -> str:
        """What the call has come to; empty if the agent has had no part in it."""
        return self._agent.outcome if self._has_acted else ""

    def next_deadline(self) -> float | None:
        """Return when the agent wants to be woken, monotonic seconds, or None."""
        return self._agent.next_deadline()

    def question(self, now: float) -> browser.Question | None:
        """Return the question that is open, for a client that comes back."""
        ask = self._agent.pending_question(now)
        if ask is None:
            return None
        return browser.Question(ask.question_id, ask.text, ask.expires_ms)

    def take_wishes(self) -> Sequence[msg.Action]:
        """Return and forget what the session has to do for it."""
        left, self._left = self._left, []
        return left

    # --- Modes ------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """The mode is `agent`, from the beginning or again."""
        self.is_open, self.is_closed = True, False
        if not self.is_acting:
            self.tell(msg.HandedBack(), now)
        self.is_acting = self._has_acted = True

    def rest(self, now: float) -> None:
        """The mode is another one."""
        if self.is_acting:
            self.is_acting = False
            self.tell(msg.TakenOver(), now)

    # --- What it hears ----------------------------------------------------------------

    def hear(
        self, wide: Pcm, change: Transition | None, behind_ms: int, now: float
    ) -> None:
        """Take sound of the callee, int16 at 24 kHz, after the detector has."""
        if not self.is_acting:
            self._turns.remember(wide)
            return
        turns, detector = self._turns, self._callee.detector
        heard_ms = self._clock.ms - behind_ms
        effects: tuple[Effect, ...] = ()
        if change == "started":
            effects = turns.endpointer.began(heard_ms - detector.onset_ms)
            self._open_turn()
        if turns.current is None:
            turns.remember(wide)
        else:
            turns.current.add(wide)
            self._feed(wide)
        if change == "stopped":
            effects = turns.endpointer.ended(heard_ms - detector.offset_ms)
        effects += turns.endpointer.tick(heard_ms, detector.quiet_ms)
        self._end_turns(effects, now)

    def read(self, caption: Caption, now: float) -> None:
        """Take more words of the callee: a whole sentence need not be waited for."""
        turns = self._turns
        is_last = turns.unasked[-1:] == [caption.utterance_id]
        if is_last and is_complete(caption.original):
            self._end_turns(turns.endpointer.complete(), now)

    def finished(self, caption: Caption, now: float) -> None:
        """All text of what a person said has come."""
        if caption.leg is Leg.CALLEE:
            heard = msg.Heard("callee", caption.utterance_id, caption.original)
            self.tell(heard, now)
        elif caption.leg is Leg.CALLER:
            is_one = self._config.is_one_language
            text = caption.original if is_one else caption.translation
            self.tell(msg.Heard("caller", caption.utterance_id, text), now)

    def _open_turn(self) -> None:
        caption = self._callee.captions.current
        if caption is None:
            return
        for pcm in self._turns.open(caption.utterance_id):
            assert self._turns.current is not None  # noqa: S101 -- just opened
            self._turns.current.add(pcm)
            self._feed(pcm)

    def _end_turns(self, effects: tuple[Effect, ...], now: float) -> None:
        turns = self._turns
        for effect in effects:
            match effect:
                case Effect.COMMIT:
                    self._commit()
                    if turns.endpointer.state is Speaker.SPEAKING:
                        self._open_turn()  # they go on
                case Effect.ANSWER:
                    self._answer(now)

    def _commit(self) -> None:
        self._flush()
        utterance_id = self._turns.commit()
        if utterance_id is not None:
            self._time_turn()
        if utterance_id is not None and self.is_ready:
            self._out.do(act.CommitTurn(Leg.AGENT, utterance_id))
        while self._turns.drop_oldest() is not None:
            pass

    def _answer(self, now: float) -> None:
        for utterance_id in list(self._turns.unasked):
            caption = self._callee.captions.find(utterance_id)
            if caption is not None and self._needs_no_answer(caption):
                self._turns.forget((utterance_id,))
        if ids := self._turns.ask():
            self._stages.asked(self._clock.ms)
            self.tell(msg.CalleeTurn(ids), now)

    def _time_turn(self) -> None:
        """From here on it is measured how long the answer takes."""
        now_ms = self._clock.ms
        self._stages.committed(now_ms - self._callee.detector.quiet_ms, now_ms)

    def _mind_stages(self) -> None:
        tag = self._stages.waits_for
        if tag and self._delivery.fate_of(tag) != "waiting":
            data = self._stages.heard(self._clock.ms)
            if data is not None:
                self._out.record("agent_turn", dict(data))

    def _needs_no_answer(self, caption: Caption) -> bool:
        """Nobody has said it, or it is a "yes" into what is still being said."""
        if caption.is_nobodys:
            return True
        is_word = bool(caption.original) and is_backchannel(caption.original)
        return is_word and not self._delivery.is_empty

    def _feed(self, pcm: Pcm) -> None:
        """Give the engine sound, in messages of a sensible length."""
        self._waiting.append(pcm)
        waiting_ms = sum(map(len, self._waiting)) * 1000 / ENGINE_HZ
        if waiting_ms >= self._config.feed.speech_batch_ms:
            self._flush()

    def _flush(self) -> None:
        parts, self._waiting = self._waiting, []
        if parts and self.is_ready:
            self._out.do(act.FeedEngine(Leg.AGENT, np.concatenate(parts)))

    # --- What it says -----------------------------------------------------------------

    def speak(self, event: ev.AgentAudio) -> str:
        """Note that there is sound of what it says; return its tag."""
        tag = self._caption(event.utterance_id).utterance_id
        self._stages.audio(tag, self._clock.ms)
        return tag

    def write(self, event: ev.AgentText) -> Caption:
        """Show what it says; the utterance."""
        own = self._caption(event.utterance_id).utterance_id
        self._stages.text(self._clock.ms)
        return self.captions.source_text(event.delta, self._clock.ms, own)

    def misspoke(self, caption: Caption, heard_ms: int, now: float) -> None:
        """Nobody should hear the rest of this."""
        if cut := self.truncation(caption.utterance_id, heard_ms):
            self._out.do(cut)
        self.tell(msg.Misspoke(), now)

    def said(self, utterance_id: str) -> Caption | None:
        """Return the caption of what it has said, by the engine's own id."""
        return self.captions.find(self._captions_of.get(utterance_id, ""))

    def spoke(self, event: ev.AgentSpoke, now: float) -> None:
        """It has said something; the callee may still be hearing it."""
        known = self._captions_of.get(event.utterance_id, "")
        for caption_id in self._captions_of.values():
            self._end_caption(caption_id)
        self.mind_line(now)
        self.tell(replace(event, utterance_id=known), now)

    def _end_caption(self, caption_id: str) -> None:
        """All of it is written: have it translated for an owner who reads along."""
        caption = self.captions.find(caption_id)
        if caption is None or caption.translation_final:
            return
        if self._config.is_one_language or not caption.original.strip():
            self.captions.target_done(caption_id)
        elif caption_id not in self.translating:
            self.translating.add(caption_id)
            text = caption.original.strip()
            ask = act.InterpretText(Leg.AGENT, (caption_id,), text, speaks=False)
            self._out.do(ask)

    def interpreted(self, caption_ids: tuple[str, ...], translation: str) -> None:
        """What it says, in the owner's language; "" if there is no translation."""
        for caption_id in caption_ids:
            self.translating.discard(caption_id)
            if translation:
                self.captions.translated(caption_id, translation)
            self.captions.target_done(caption_id)

    def truncation(self, caption_id: str, heard_ms: int) -> act.TruncateTurn | None:
        """Write how much was heard of what it said; None if that was not its own."""
        own = {caption: uid for uid, caption in self._captions_of.items()}
        if caption_id not in own:
            return None
        return act.TruncateTurn(Leg.AGENT, own[caption_id], heard_ms)

    def _caption(self, utterance_id: str) -> Caption:
        known = self._captions_of.get(utterance_id)
        caption = self.captions.find(known) if known else None
        if caption is None:
            caption = self.captions.typed("", self._clock.ms)
            self._captions_of[utterance_id] = caption.utterance_id
        return caption

    # --- The engine -------------------------------------------------------------------

    def engine_ready(self, now: float) -> int | None:
        """A session is open; it is told everything that it does not know.

        Returns:
            how long there was none, ms; None if none was lost.
        """
        self.is_ready = True
        self.is_closed = False
        self._captions_of.clear()
        self._waiting.clear()
        self.tell(msg.EngineOpened(), now)
        for utterance in self._turns.unanswered():
            sound = np.concatenate([NO_SOUND, *utterance.sound])
            if len(sound):
                self._out.do(act.FeedEngine(Leg.AGENT, sound))
            if utterance.is_committed:
                self._out.do(act.CommitTurn(Leg.AGENT, utterance.utterance_id))
        for ids in self._turns.asked:
            self._out.do(act.CommandAgent(msg.Respond(ids)))
        lost_at_ms, self._lost_at_ms = self._lost_at_ms, None
        return None if lost_at_ms is None else self._clock.ms - lost_at_ms

    def engine_lost(self) -> None:
        """The session is gone; another one is being opened."""
        self.is_ready = False
        if self._lost_at_ms is None:
            self._lost_at_ms = self._clock.ms

    def answered(self, utterance_ids: tuple[str, ...]) -> None:
        """The model has answered these."""
        self._turns.forget(utterance_ids)

    # --- Events and wishes ------------------------------------------------------------

    def connected(self, now: float) -> None:
        """The callee is on the line: the first word is theirs, for a while."""
        if self.is_acting and not self._is_connected:
            self._is_connected = True
            self.tell(msg.Connected(), now)

    def keys_refused(self, now: float) -> None:
        """Keys were not pressed after all."""
        self.tell(msg.KeysRefused(), now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        self.mind_line(now)
        self._mind_stages()
        due = self._agent.next_deadline()
        if due is not None and now >= due:
            self.tell(msg.Ticked(), now)

    def mind_line(self, now: float) -> None:
        """Look whether somebody is heard."""
        line = msg.LineChanged(
            is_playing=not self._delivery.is_empty,
            is_callee_speaking=self._callee.detector.is_speech,
            is_on_hold=self.is_on_hold,
        )
        if line != self._line:
            self._line = line
            self.tell(line, now)

    def tell(self, event: msg.Event, now: float) -> None:
        """Tell the agent something, and do what it wants."""
        for action in self._agent.receive(event, now):
            if isinstance(action, msg.Command):
                if self.is_ready:
                    self._out.do(act.CommandAgent(action))
                continue
            match action:
                case msg.Ask():
                    question = browser.Question(
                        action.question_id, action.text, action.expires_ms
                    )
                    self._out.tell(question)
                case msg.SayLine():
                    self._delivery.say(action.line)
                case msg.LeaveUnanswered():
                    self._turns.forget(action.utterance_ids)
                case msg.StoreResult():
                    self._out.do(act.StoreResult(action.result))
                case msg.Note():
                    data = {"at_ms": self._clock.ms, **action.data}
                    self._out.record(action.kind, data)
                case (
                    msg.PressKeys() | msg.HangUp() | msg.PutThrough() | msg.Apologise()
                ):
                    self._left.append(action)

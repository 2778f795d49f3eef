"""The agent's place in a call to us.  Pure.

Theory of operation.  Whoever calls has no first word: the greeting plays with the first
frame of the stream, from memory, while the agent's engine may still be opening; if it
could not be spoken into memory, the agent says it.  Who decides that somebody has
finished speaking is the line's choice: our endpointer, or the provider, which is then
given all sound instead of only what we take for speech, and says when a turn is over;
what comes of a turn is decided here in both cases.  Somebody who is left without an
agent for long is not kept waiting: the telephone company apologises for us.
"""

from typing import Final

from realtime import actions as act
from realtime.agent import messages as msg
from realtime.agent.agent import Agent
from realtime.agent.seat import AgentPlan, AgentSeat
from realtime.audio.vad import Transition
from realtime.config import ENGINE_HZ, CallConfig
from realtime.events import Leg, Pcm
from realtime.line.clock import LineClock
from realtime.line.delivery import Delivery
from realtime.outbox import Outbox
from realtime.reception.incoming import Reception, disclosure_share
from realtime.reception.receptionist import Receptionist
from realtime.sides import Backlog, Side
from realtime.text.captions import Caption, CaptionTrack

GREETING_ID: Final = "greeting"
"""What our first words are called where the engine is told about them."""


def make_seat(
    config: CallConfig,
    plan: AgentPlan,
    callee: Side,
    captions: CaptionTrack,
    clock: LineClock,
    delivery: Delivery,
    out: Outbox,
) -> AgentSeat:
    """Make the seat that a plan wants; arguments as of `AgentSeat`."""
    kind = AgentSeat if plan.reception is None else ReceptionSeat
    return kind(config, plan, callee, captions, clock, delivery, out)


class ReceptionSeat(AgentSeat):
    """The agent of a call to us; arguments as of `AgentSeat`."""

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
        super().__init__(config, plan, callee, captions, clock, delivery, out)
        assert plan.reception is not None  # noqa: S101 -- `make_seat`
        self._reception: Reception = plan.reception
        self._greeting: tuple[str, Pcm] | None = None
        self._greeting_caption = ""
        self._disclosed_ms = 0
        self._waits_since: float | None = None
        self._away_since: float | None = None
        self._has_apologised = False
        self._backlog = Backlog(config.recovery.keep_ms)
        self._heard_since: list[str] = []
        """Captions of what was said since the provider's last turn."""
        self._n_turns = 0
        self._just_said: Caption | None = None

    def _new_agent(self, plan: AgentPlan) -> Agent:
        assert plan.reception is not None  # noqa: S101 -- `make_seat`
        agent = self._config.agent
        return Receptionist(plan.brief, agent, plan.today, plan.reception)

    # --- The greeting -----------------------------------------------------------------

    def keep_greeting(self, text: str, pcm: Pcm) -> None:
        """Take our first words, int16 at 24 kHz; no sound: they cannot be spoken."""
        self._greeting = text, pcm

    def connected(self, now: float) -> None:
        """Whoever called us is on the line: they are greeted at once."""
        if not self.is_acting or self._is_connected:
            return
        if self._waits_since is None:
            self._waits_since = now
        waited_ms = (now - self._waits_since) * 1000
        is_late = waited_ms >= self._config.life.greeting_patience_ms
        is_again = self._config.start_ms > 0
        if self._greeting is None and not (is_late or is_again):
            return
        self._is_connected = True
        if self._greeting is not None and len(self._greeting[1]) and not is_again:
            self._greet(*self._greeting, now)
        else:
            self.tell(msg.Connected(), now)

    def _greet(self, text: str, pcm: Pcm, now: float) -> None:
        caption = self.captions.typed(text, self._clock.ms)
        self._greeting_caption = caption.utterance_id
        self._end_caption(caption.utterance_id)
        length_ms = len(pcm) * 1000 // ENGINE_HZ
        self._disclosed_ms = round(length_ms * disclosure_share(text))
        self._delivery.speak_whole(pcm, caption.utterance_id)
        self._out.record("greeted", {"at_ms": self._clock.ms})
        self.tell(msg.Greeted(caption.utterance_id, text), now)

    def truncation(self, caption_id: str, heard_ms: int) -> act.TruncateTurn | None:
        """Write how much was heard; None where the rest is said all the same.

        The rest of an interrupted greeting is not said once they have heard that an AI
        speaks; before that it is.
        """
        if caption_id != self._greeting_caption:
            return super().truncation(caption_id, heard_ms)
        if heard_ms < self._disclosed_ms:
            return None
        return act.TruncateTurn(Leg.AGENT, GREETING_ID, heard_ms)

    # --- What they say ----------------------------------------------------------------

    def read(self, caption: Caption, now: float) -> None:
        """Take more words of theirs: a goodbye needs no interpretation."""
        super().read(caption, now)
        self._tell_words(caption, now)

    def _tell_words(self, caption: Caption, now: float) -> None:
        is_over = caption.ended_ms is not None and not caption.is_echo
        if is_over and caption.original:
            heard = msg.Heard("callee", caption.utterance_id, caption.original)
            self.tell(heard, now)

    # --- The provider's turns ---------------------------------------------------------

    def hear(
        self, wide: Pcm, change: Transition | None, behind_ms: int, now: float
    ) -> None:
        """Take sound of the callee, int16 at 24 kHz, after the detector has."""
        if self._reception.turn_detection is None:
            super().hear(wide, change, behind_ms, now)
        else:
            self._hear_all(wide)
        if change == "stopped" and (caption := self._callee.captions.current):
            self._just_said = caption
        elif self._just_said is not None:
            # Its words may have come before its end.
            self._tell_words(self._just_said, now)
            self._just_said = None

    def _hear_all(self, wide: Pcm) -> None:
        if not self.is_acting:
            self._heard_since.clear()
            return
        caption = self._callee.captions.current
        if caption is not None and caption.utterance_id not in self._heard_since:
            self._heard_since.append(caption.utterance_id)
        if self.is_ready:
            self._feed(wide)
        else:
            self._backlog.append(wide)

    def turn_heard(self, now: float) -> None:
        """The provider says that somebody has finished speaking."""
        ids, self._heard_since = self._heard_since, []
        if not ids:
            self._n_turns += 1  # it has heard what our detector has not
            ids = [f"turn-{self._n_turns}"]
        last = ids[-1]
        self._time_turn()
        self._out.do(act.CommitTurn(Leg.AGENT, last))
        captions = [self._callee.captions.find(i) for i in ids]
        known = [c for c in captions if c is not None]
        if known and all(self._needs_no_answer(c) for c in known):
            return
        self._turns.asked.append((last,))
        self._stages.asked(self._clock.ms)
        self.tell(msg.CalleeTurn(tuple(ids)), now)

    def engine_ready(self, now: float) -> int | None:
        """A session is open; it is told everything that it does not know."""
        gap_ms = super().engine_ready(now)
        kept = self._backlog.take()
        if len(kept):
            self._out.do(act.FeedEngine(Leg.AGENT, kept))
        return gap_ms

    # --- Without an agent -------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Let time pass."""
        super().tick(now)
        if not self.is_acting or self.is_ready:
            self._away_since = None
            return
        if self._away_since is None:
            self._away_since = now
        away_ms = (now - self._away_since) * 1000
        is_long = away_ms >= self._config.life.engine_patience_ms
        if is_long and not self._has_apologised:
            self._has_apologised = True
            self._left.append(msg.Apologise())

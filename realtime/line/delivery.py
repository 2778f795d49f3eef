"""What the callee is told, and what becomes of it.  Pure.

Theory of operation.  Everything that is said to the telephone is queued here: the
caller's interpreted words, typed text, and our own sentences.  `tick` moves the cursor
that says what the callee is hearing; `release` hands out what may be sent.  The callee
comes first: `mind` decides by `TurnTaking` whether we are silent, and the unheard rest
waits, is said later, or is given up.  Of every utterance the caller learns how much was
heard and what was not, and each is stored once, when its last sound was played.

Sound is named by a tag: the id of the utterance that it belongs to, or of our own line.
"""

import math
from collections import OrderedDict
from typing import Final, Protocol

from realtime import actions as act
from realtime.audio.g711 import encode_mulaw
from realtime.audio.resample import Resampler
from realtime.config import ENGINE_HZ, FRAME_MS, LINE_HZ, CallConfig
from realtime.events import Leg, Line, Pcm
from realtime.guards.loops import LoopGuard
from realtime.line.clock import LineClock
from realtime.line.playout import Played, Playout
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.text.captions import Caption, CaptionTrack
from realtime.turns import Effect, Turn, TurnTaking

_LINE_TAGS: Final = frozenset(line.value for line in Line)


class Agent(Protocol):
    """Who else speaks, and has to know how much of it was heard."""

    captions: CaptionTrack

    def truncation(self, caption_id: str, heard_ms: int) -> act.TruncateTurn | None:
        """Write how much was heard of what it said; None if that was not its own."""


class Delivery:
    """The telephone's loudspeaker, and everything that is said about it.

    Args:
        config: the call's.
        captions: of the caller's leg: the texts of what is played.
        clock: the call's.
        loops: is told what is played.
        out: the session's.
    """

    def __init__(
        self,
        config: CallConfig,
        captions: CaptionTrack,
        clock: LineClock,
        loops: LoopGuard,
        out: Outbox,
    ) -> None:
        self._config = config
        self._captions = captions
        self._clock = clock
        self._loops = loops
        self._out = out
        self._playout = Playout(config.playout)
        self._turns = TurnTaking(config.turns)
        self._to_phone = Resampler(ENGINE_HZ, LINE_HZ)
        self._playing_tag = ""
        self._played_until_ms = -math.inf
        self._heard_ms: OrderedDict[str, int] = OrderedDict()
        self._reported_ms = 0
        self._heard: set[str] = set()
        """Tags of which the callee has heard at least a beginning."""
        self._unplayed: dict[str, tuple[Caption, str]] = {}
        """Finished utterances whose last sound has not been played, and its tag."""
        self._interrupted: list[str] = []
        self._delayed: list[str] = []
        self._resumed: set[str] = set()
        self._given_up: set[str] = set()
        self._fates: dict[str, str] = {}
        self._is_confirmed = False
        self._is_behind = False
        self.lag_max_ms = 0
        self._spoken: OrderedDict[str, bytearray] = OrderedDict()
        self._lines: dict[Line, tuple[str, bytes]] = {}
        self._wanted: set[Line] = set()
        self._began_ms: dict[str, int] = {}
        self._heard_lines: dict[Line, tuple[int, int]] = {}
        self._is_hushed = False
        self._is_suspended = False
        self._agent: Agent | None = None
        self._is_by_turns = config.works_by_turns(Leg.CALLER)

    def seat(self, agent: Agent) -> None:
        """An agent speaks here as well."""
        self._agent = agent

    def forget_agent(self) -> None:
        """Nothing more of what the agent was saying is said."""
        if self._agent is not None:
            for caption in list(self._agent.captions.recent()):
                self.discard(caption.utterance_id)

    # --- What is to be said ----------------------------------------------------------

    def speak(self, pcm: Pcm, tag: str) -> bool:
        """Queue interpreted sound, int16 at 24 kHz.

        Returns:
            True if the telephone is playing: what follows may leave at once.
        """
        payload = encode_mulaw(self._to_phone.process(pcm))
        if self._is_hushed:
            self._given_up.add(tag)
        if tag in self._given_up:
            return False  # the rest of it is not wanted any more
        self._push(payload, tag, is_whole=False)
        return self._playout.is_playing

    def pass_voice(self, pcm: Pcm) -> None:
        """Let the callee hear the caller's own voice, int16 at 8 kHz."""
        if self._is_hushed:
            return
        self._playout.push_voice(encode_mulaw(pcm))

    def speak_whole(self, pcm: Pcm, tag: str) -> None:
        """Queue a sentence that has been spoken into memory, int16 at 24 kHz."""
        payload = encode_mulaw(Resampler(ENGINE_HZ, LINE_HZ).process(pcm))
        self._push(payload, tag, is_whole=True)

    def _push(self, payload: bytes, tag: str, *, is_whole: bool) -> None:
        self._playout.push(payload, tag, is_whole=is_whole)
        self._spoken.setdefault(tag, bytearray()).extend(payload)
        while len(self._spoken) > self._config.turns.kept_utterances:
            self._spoken.popitem(last=False)
        if self._playout.is_held and tag not in (*self._interrupted, *self._delayed):
            self._delayed.append(tag)
            self._tell_unheard(tag, "held")

    def say(self, line: Line) -> None:
        """Queue a sentence of our own; have it rendered first where it is not yet."""
        if self._is_hushed:
            return
        if line in self._lines:
            self._playout.push(self._lines[line][1], line, is_whole=True)
        else:
            self._wanted.add(line)
            self._out.do(act.RenderLine(line))

    def has_line(self, line: Line) -> bool:
        """Say whether a sentence of our own can be said at once."""
        return line in self._lines

    def keep_line(self, line: Line, text: str, pcm: Pcm) -> bool:
        """Keep a sentence of our own, and queue it if it is waited for.

        Args:
            line: which one.
            text: what it says.
            pcm: int16 at 24 kHz; empty if it could not be spoken.

        Returns:
            False if there is no sound of it.
        """
        payload = encode_mulaw(Resampler(ENGINE_HZ, LINE_HZ).process(pcm))
        self._lines[line] = (text, payload)
        if line in self._wanted:
            self._wanted.discard(line)
            self._playout.push(payload, line, is_whole=True)
        return bool(payload)

    def withdraw(self, tag: str) -> bool:
        """Say nothing of what nobody has said; False if some of it was heard."""
        if tag in self._heard:
            return False
        self.hold_back(tag)
        return True

    def hold_back(self, tag: str) -> int:
        """Say no more of an utterance, until it is wanted; how much was heard, ms."""
        if self._playout.has(tag):
            self._take_back()
            self._playout.drop({tag})
        self._interrupted = [t for t in self._interrupted if t != tag]
        self._delayed = [t for t in self._delayed if t != tag]
        self._spoken.pop(tag, None)  # nor is it repeated
        self._given_up.add(tag)
        return self._heard_ms.get(tag, 0)

    def give_up(self, tag: str) -> None:
        """Nothing of what was held back will be said: the caller is told."""
        self._tell_unheard(tag, "lost")

    def want(self, tag: str) -> None:
        """Say the rest of it after all."""
        self._given_up.discard(tag)

    # --- Time ------------------------------------------------------------------------

    def tick(self) -> bytes:
        """Let 20 ms pass; 160 bytes of mu-law: what the callee hears in them."""
        played = self._playout.tick()
        self._follow(played)
        return played.payload

    def release(self, *, pad: bool) -> None:
        """Send what may be sent.

        Sound *begins* to be sent only at a tick (`pad`): so the telephone begins to
        play it at the same place between two of its frames each time, and its echo
        comes back after the same delay.  What follows may be sent at any time.
        """
        if self._is_suspended:
            return
        payload = self._playout.release(pad=pad)
        if payload:
            self._out.do(act.SendFrame(payload))

    def hush(self, *, is_hushed: bool) -> None:
        """Say nothing to a machine but whole sentences that were prepared for it."""
        if is_hushed and not self._is_hushed:
            self._take_back()
            self._interrupted = [t for t in self._playout.tags if t not in _LINE_TAGS]
            self._forget_rest("discarded")
            self._playout.drop(set(_LINE_TAGS))
            self._wanted.clear()
            self._playout.is_held = False
        self._is_hushed = is_hushed

    def suspend(self) -> None:
        """Keep everything that has not been heard: the stream will be replaced."""
        self._take_back()
        self._is_suspended = True

    def resume(self) -> None:
        """Go on after `suspend`."""
        self._is_suspended = False

    def _take_back(self) -> None:
        """Have the telephone forget what it has not played; it waits here again."""
        is_held = self._playout.is_held
        self._out.do(act.SendClear())
        self._playout.cut()
        self._playout.is_held = is_held

    def begin_stream(self) -> None:
        """What was sent is gone with the stream that would have played it."""
        self._playout.forget()

    def mind_lag(self, *, by_turns: bool, has_agent: bool) -> None:
        """Catch up where what waits is late, and say so once.

        Args:
            by_turns: an engine that works by turns is faster than speech: what it says
                of the newest utterance is only early.
            has_agent: so is an agent, and nobody's words wait behind its own.
        """
        self._is_by_turns = by_turns
        playout, limits = self._playout, self._config.playout
        lag_ms = playout.queued_before_last_ms if by_turns else playout.late_ms
        if has_agent:
            lag_ms = 0
        self.lag_ms = lag_ms
        self.lag_max_ms = max(self.lag_max_ms, lag_ms)
        playout.mind_lag(lag_ms)
        if lag_ms < limits.in_time_below_ms:
            self._is_behind = False
        elif lag_ms >= limits.faster_above_ms and not self._is_behind:
            self._is_behind = True
            text = f"Your words reach the other side {lag_ms / 1000:.0f} s later."
            self._out.tell(browser.Warn("playout_behind", text))
            at_ms = self._clock.ms
            self._out.record("playout_behind", {"at_ms": at_ms, "lag_ms": lag_ms})

    lag_ms = 0
    """How late the telephone is: what has waited since it could have been said."""

    @property
    def now_ms(self) -> int:
        """The call's clock."""
        return self._clock.ms

    @property
    def has_spoken(self) -> bool:
        """The callee has heard something of ours."""
        return not math.isinf(self._played_until_ms)

    @property
    def silent_ms(self) -> float:
        """How long ago the callee heard something of ours; infinite: never."""
        return self._clock.ms - self._played_until_ms

    @property
    def is_free(self) -> bool:
        """Nobody is being spoken to, and nobody speaks."""
        return self.is_empty and self._turns.turn is Turn.FREE

    @property
    def is_empty(self) -> bool:
        """The callee has heard everything."""
        return not self._playout.queued_ms

    @property
    def caught_up_ms(self) -> int:
        """Time won by catching up."""
        return round(self._playout.caught_up_ms)

    @property
    def is_playing_words(self) -> bool:
        """The callee hears somebody's words, and not a sentence of our own."""
        return bool(self._playing_tag) and self._playing_tag not in _LINE_TAGS

    def heard_line(self, line: Line) -> tuple[int, int] | None:
        """Say from when to when a sentence of ours was heard, to its end."""
        return self._heard_lines.get(line)

    def fate_of(self, tag: str) -> str:
        """Say what has become of the sound of a tag so far.

        Returns:
            `waiting`, `speaking`, `interrupted`, `spoken`, `discarded` or `lost`.
        """
        if tag in self._fates:
            return self._fates[tag]
        if self._is_confirmed and tag in self._interrupted:
            return "interrupted"
        if self._playout.has(tag):
            return "speaking" if tag in self._heard else "waiting"
        return "spoken" if tag in self._heard else "waiting"

    # --- Whose turn it is ------------------------------------------------------------

    def mind(
        self, *, is_speech: bool, quiet_ms: int, onset_ms: int, behind_ms: int
    ) -> None:
        """Let the callee's speech decide whether we may speak, once a tick.

        Args:
            is_speech: the detector's decision.
            quiet_ms: how long the callee has been quiet within it.
            onset_ms: how long before its detection speech begins.
            behind_ms: how long ago what is detected now was said.
        """
        is_stale = behind_ms > self._config.turns.stale_ms
        if is_stale and self._turns.turn is Turn.FREE:
            return  # what was said then interrupts nothing now, unless it goes on
        effects = self._turns.hear(
            is_speech=is_speech,
            quiet_ms=quiet_ms,
            onset_ms=onset_ms,
            is_playing=self._is_playing(),
            now_ms=self._clock.ms - behind_ms,
            is_late=behind_ms > 0,
        )
        self._take_turns(effects)

    def words(self, text: str, since_ms: int) -> None:
        """Take what was recognised from the callee: it may be an interruption."""
        self._take_turns(self._turns.words(text, since_ms))

    def _is_playing(self) -> bool:
        """Something of ours is playing, is about to, or paused a moment ago."""
        since_ms = self._clock.ms - self._played_until_ms
        return bool(self._playout.queued_ms) or since_ms <= self._config.turns.gap_ms

    def _take_turns(self, effects: tuple[Effect, ...]) -> None:
        turns = self._config.turns
        for effect in effects:
            match effect:
                case Effect.CUT:
                    self._cut()
                case Effect.HOLD:
                    self._playout.is_held = True
                case Effect.INTERRUPT:
                    self._is_confirmed = True
                    self._out.tell(browser.Interruption(Leg.CALLEE), is_public=True)
                    self._tell_engine_what_was_heard()
                    self._out.record("interruption", {"at_ms": self._clock.ms})
                case Effect.GIVE_UP:
                    self._forget_rest("lost")
                case Effect.RESUME:
                    self._go_on(turns.resume_rewind_ms)
                case Effect.RELEASE:
                    self._go_on(turns.rewind_ms)

    def _cut(self) -> None:
        """Be silent at once, and keep what the callee has not heard."""
        self._out.do(act.SendClear())
        self._playout.cut()
        self._interrupted = [t for t in self._playout.tags if t not in _LINE_TAGS]
        self._is_confirmed = False
        for tag in self._interrupted:
            self._tell_unheard(tag, "held")

    def _go_on(self, rewind_ms: int) -> None:
        """Say what has waited, from the last pause that the callee heard."""
        self._playout.is_held = False
        if self._interrupted or set(self._playout.tags) & _LINE_TAGS:
            again_ms = self._playout.rewind(
                pause_ms=self._config.turns.pause_ms, at_most_ms=rewind_ms
            )
            tag = next(iter(self._playout.tags), "")
            self._heard_ms[tag] = max(0, self._heard_ms.get(tag, 0) - again_ms)
        for tag in (*self._interrupted, *self._delayed):
            self._tell_unheard(tag, "resumed")
            self._resumed.add(tag)
        self._interrupted, self._delayed = [], []
        self._is_confirmed = False

    def _tell_engine_what_was_heard(self) -> None:
        heard = [(tag, self._heard_ms.get(tag, 0)) for tag in self._interrupted]
        cuts = [self._agent.truncation(*h) for h in heard] if self._agent else []
        if any(cuts):
            # It knows where it was cut, and says itself what is left to be said.
            for cut in filter(None, cuts):
                self._out.do(cut)
            self._forget_rest("discarded")
        elif heard and self._is_by_turns:
            self._out.do(act.TruncateTurn(Leg.CALLER, *heard[0]))

    # --- What was not heard ----------------------------------------------------------

    def caller_says_something_new(self) -> None:
        """What was interrupted is not waited for any longer."""
        if self._is_confirmed:
            self._forget_rest("discarded")

    def repeat(self, utterance_id: str) -> None:
        """Say one of the latest utterances again, as it was spoken."""
        payload = self._spoken.get(utterance_id)
        if payload is None:
            text = "This cannot be said again: it is too long ago."
            self._out.tell(browser.Problem("cannot_repeat", text))
            return
        # What is left of it would only be said twice.
        self._playout.drop({utterance_id})
        self._playout.push(bytes(payload), utterance_id, is_whole=True)
        self._heard_ms[utterance_id] = 0
        self._resumed.add(utterance_id)
        self._out.record("repeat_asked", {"utterance_id": utterance_id})

    def discard(self, utterance_id: str) -> None:
        """Do not say what has not been heard of an utterance."""
        if not self._playout.has(utterance_id):
            return  # all of it has been heard
        if utterance_id not in self._interrupted:
            # It waits, or is playing right now.
            self._take_back()
        kept = [t for t in self._interrupted if t != utterance_id]
        self._interrupted = [utterance_id]
        self._forget_rest("discarded")
        self._interrupted = kept

    def say_only(self) -> None:
        """Nothing waits for anybody any more: the last sentence is said now."""
        self._is_suspended = self._is_hushed = False
        self._playout.is_held = False

    def waiting(self) -> list[browser.Unheard]:
        """Return what is held, for a client that comes back."""
        tags = (*self._interrupted, *self._delayed)
        return [self._unheard(tag, "held") for tag in tags]

    def _forget_rest(self, state: str) -> None:
        """Give up what was interrupted; the caller sees that it was not heard."""
        tags, self._interrupted = self._interrupted, []
        self._delayed = [t for t in self._delayed if t not in tags]
        self._playout.drop(set(tags))
        for tag in tags:
            self._tell_unheard(tag, state)
            self._fates[tag] = state
            known = self._unplayed.pop(tag, None)
            if known is not None:
                self._out.store(known[0], "lost")
            else:
                self._given_up.add(tag)

    def _tell_unheard(self, tag: str, state: str) -> None:
        self._out.tell(self._unheard(tag, state))

    def _unheard(self, tag: str, state: str) -> browser.Unheard:
        caption = self._caption(tag)
        original = caption.original if caption else ""
        translation = caption.translation if caption else ""
        return browser.Unheard(tag, original, translation, state)

    # --- What was heard --------------------------------------------------------------

    def _follow(self, played: Played) -> None:
        """Tell the caller how much of an utterance the callee has heard."""
        tag = played.tag
        if tag != self._playing_tag:
            self.report_played()
            now_ms = self._clock.ms
            if self._playing_tag:
                self._loops.ended(self._text_of(self._playing_tag), now_ms)
            if tag:
                self._loops.began(self._text_of(tag), now_ms)
            if self._playing_tag in _LINE_TAGS:
                self._on_line_played(Line(self._playing_tag))
            self._playing_tag = tag
            self._store_played()
            self._reported_ms = self._heard_ms.get(tag, 0)
        if not tag:
            return
        self._played_until_ms = self._clock.ms
        if tag in _LINE_TAGS:
            self._began_ms.setdefault(tag, self._clock.ms)
        heard_ms = self._heard_ms.get(tag, 0) + round(played.source_ms)
        self._heard_ms[tag] = heard_ms
        while len(self._heard_ms) > self._config.turns.followed_utterances:
            self._heard_ms.popitem(last=False)
        self._heard.add(tag)
        if heard_ms - self._reported_ms >= self._config.playout.progress_every_ms:
            self.report_played()

    def _text_of(self, tag: str) -> str:
        """Return what the sound of a tag says, as far as it is known."""
        if tag in _LINE_TAGS:
            return self._lines.get(Line(tag), ("", b""))[0]
        caption = self._caption(tag)
        if caption is None:
            return ""
        is_own = self._config.is_one_language or caption.leg is Leg.AGENT
        return caption.original if is_own else caption.translation

    def _caption(self, tag: str) -> Caption | None:
        """Return what the sound of a tag belongs to."""
        agents = self._agent.captions if self._agent else None
        return self._captions.find(tag) or (agents.find(tag) if agents else None)

    def report_played(self) -> None:
        """Say how much of what is playing was heard, if that is news."""
        tag = self._playing_tag
        heard_ms = self._heard_ms.get(tag, 0)
        if tag and tag not in _LINE_TAGS and heard_ms > self._reported_ms:
            self._out.tell(browser.Playback(Leg.CALLEE, tag, heard_ms))
            self._reported_ms = heard_ms

    def end(self) -> None:
        """The telephone plays nothing any more: say what was heard until now."""
        self.report_played()
        for line in Line:
            if self._heard_ms.get(line):
                self._record_line(line)
        self._playing_tag = ""
        self._store_played()

    def _on_line_played(self, line: Line) -> None:
        if not self._playout.has(line):  # or else it was cut, and goes on later
            self._record_line(line)

    def _record_line(self, line: Line) -> None:
        """Keep what was told to the callee, and how much of it was heard."""
        text, payload = self._lines.get(line, ("", b""))
        length_ms = len(payload) // 8
        heard_ms = self._heard_ms.pop(line, 0)
        now_ms = self._clock.ms
        began_ms = self._began_ms.pop(line, now_ms)
        # Frames are whole and may be shortened: two of them are no difference.
        is_complete = heard_ms >= length_ms - 2 * FRAME_MS
        if is_complete:
            self._heard_lines[line] = (began_ms, now_ms)
        self._out.record(
            "line_spoken",
            {
                "line": line,
                "language": self._config.callee_language,
                "text": text,
                "heard_ms": min(heard_ms, length_ms),
                "length_ms": length_ms,
                "is_complete": is_complete,
                "started_ms": began_ms,
                "ended_ms": now_ms,
            },
        )

    # --- What is kept ----------------------------------------------------------------

    def finished(self, caption: Caption, tag: str) -> None:
        """All of an utterance of the caller's has come: store it once it was played.

        Args:
            caption: the utterance.
            tag: what its sound is called; that of another one it was joined to.
        """
        self._playout.finish(tag)
        if self._playout.has(tag):
            self._unplayed[caption.utterance_id] = (caption, tag)
            return
        is_lost = caption.utterance_id in self._given_up
        self._store(caption, tag, is_lost=is_lost)

    def _store(self, caption: Caption, tag: str, *, is_lost: bool = False) -> None:
        fate = "delivered" if tag in self._heard else "caption_only"
        self._out.store(caption, "lost" if is_lost else fate)

    def _store_played(self) -> None:
        """Store what was waiting for its last sound to be played."""
        has = self._playout.has
        for key in [k for k, (_, tag) in self._unplayed.items() if not has(tag)]:
            self._store(*self._unplayed.pop(key))
        for tag in [t for t in self._resumed if not has(t)]:
            self._resumed.discard(tag)
            self._tell_unheard(tag, "spoken")

    def report_lost(self) -> None:
        """The call is over: what is still queued will not be heard any more."""
        for utterance_id, (caption, tag) in self._unplayed.items():
            self._store(caption, tag, is_lost=True)
            self._tell_unheard(utterance_id, "lost")
        self._unplayed.clear()

"""What becomes of a leg's words when another engine takes over.  Pure.

Theory of operation.  `realtime.engines.ladder` says which engine is tried next, the
shell opens it, and this sees to it that no word falls between the two.  Of everything
that has not been answered the sound is kept: of an engine that works by turns until it
has answered, of simultaneous translation until the caption is final.  A new engine
hears that again, in the form in which it hears anything: utterances, or one stream.

    before          now             what it is given
    simultaneous    simultaneous    the unanswered sound, then all since the loss
    simultaneous    by turns        each unanswered utterance, and is asked for each
    by turns        by turns        likewise, and is asked as before
    by turns        simultaneous    the unanswered sound, with pauses between
    any             none            nothing: each utterance is written from a file

A better engine that opens while another one serves (`found`) takes over in a moment in
which nobody speaks and nothing is owed.  What is told again replaces what was written.

Where words come by way of text (cascade, captions only, files), the text is interpreted
by somebody else (`InterpretText`); `being_said` are the utterances that they work on.
"""

from typing import Final

import numpy as np

from realtime import actions as act
from realtime.audio.vad import Transition
from realtime.config import ENGINE_HZ, CallConfig
from realtime.engines.choice import EngineKind
from realtime.events import Leg, Pcm
from realtime.line.clock import LineClock
from realtime.line.endpointing import Endpointer
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.sides import SIMULTANEOUS, Side, Turns, Utterance

_BY_TEXT: Final = frozenset({EngineKind.CASCADE, EngineKind.TRANSCRIBE})
_STOPS: Final = (".", "!", "?", "。", "！", "？", "…")


class Succession:
    """The engines of the two people, one after the other.

    Args:
        config: the call's.
        clock: the call's.
        out: the session's.
    """

    def __init__(self, config: CallConfig, clock: LineClock, out: Outbox) -> None:
        self._config = config
        self._clock = clock
        self._out = out
        self._replay_samples = config.recovery.replay_ms * ENGINE_HZ // 1000
        self._gap = np.zeros(config.recovery.replay_gap_ms * ENGINE_HZ // 1000, "<i2")

    # --- What is kept ----------------------------------------------------------------

    def keep(self, side: Side, wide: Pcm, change: Transition | None) -> None:
        """Keep what a simultaneous engine hears, until it has said it.

        Args:
            side: whose speech it is.
            wide: int16 at 24 kHz.
            change: what the detector says of it.
        """
        kept = side.kept
        caption = side.captions.current
        if change == "started" and caption is not None:
            before = kept.open(caption.utterance_id)
            for pcm in before:
                assert kept.current is not None  # noqa: S101 -- just opened
                kept.current.add(pcm)
        if kept.current is None:
            kept.remember(wide)
        else:
            kept.current.add(wide)
            if side.engine_is_ready:
                kept.current.keep_last(self._replay_samples)
        if change == "stopped" and (ended := kept.commit()) is not None:
            if not side.engine_is_ready:
                side.captions.await_answer(ended, self._answer_by())
            self.make_room(side)

    def make_room(self, side: Side) -> None:
        """Give up the oldest utterances where all of them are too much to be kept."""
        while (dropped := side.kept.drop_oldest()) is not None:
            side.captions.give_up(dropped)

    def settle(self, side: Side) -> None:
        """Forget what a simultaneous engine has said."""
        open_id = side.kept.current.utterance_id if side.kept.current else ""
        for utterance in side.kept.unanswered():
            utterance_id = utterance.utterance_id
            if utterance_id != open_id and self._is_said(side, utterance_id):
                side.kept.forget((utterance_id,))

    def _is_said(self, side: Side, utterance_id: str) -> bool:
        caption = side.captions.find(utterance_id)
        if caption is None or caption.is_final or caption.is_echo:
            return True
        if caption.target_at_ms is None or not side.engine_is_ready:
            return False
        quiet_ms = self._clock.ms - caption.target_at_ms
        is_over = caption.translation.rstrip().endswith(_STOPS)
        return is_over and quiet_ms >= self._config.captions.sentence_gap_ms

    # --- An engine goes --------------------------------------------------------------

    def lost(self, side: Side) -> None:
        """The engine that served is gone; another one is being opened."""
        side.engine_is_ready = side.is_degraded = False
        if side.turns is None:
            self._keep_unsaid(side)
        if side.engine_lost_at_ms is None:
            side.engine_lost_at_ms = self._clock.ms
            self.report(side.leg, "lost", side.kind)
            self.report(side.leg, "reconnecting", side.kind)

    def _keep_unsaid(self, side: Side) -> None:
        """What a simultaneous engine has heard and not said comes before the rest."""
        self.settle(side)
        # Part of the utterance that is being spoken, and kept with it; or silence.
        side.release(0.0)
        for utterance in side.kept.unanswered():
            side.captions.retell(utterance.utterance_id, self._answer_by())
            for pcm in utterance.sound:
                side.backlog.append(pcm)
            if utterance.is_committed:
                side.backlog.append(self._gap)

    def gone(self, side: Side) -> None:
        """No engine is to be had: what is said is written from files."""
        side.engine_is_ready = False
        side.backlog.take()
        if side.engine_lost_at_ms is None:
            side.engine_lost_at_ms = self._clock.ms
        self._change(side, EngineKind.FILE)
        for utterance in side.kept.unanswered():
            if utterance.is_committed:
                self._send_file(side, utterance)
        self._tell_degraded(side)

    # --- An engine comes -------------------------------------------------------------

    def ready(self, side: Side, kind: str) -> None:
        """An engine is open and serves the leg.

        Args:
            side: the leg's.
            kind: what it is, as `EngineKind` names it; "" as before.
        """
        before = side.kind
        side.engine_is_ready, side.engine_is_closed = True, False
        kept = side.backlog.take()
        if kind and kind != before:
            self._change(side, kind)
        if side.turns is not None:
            self._tell_again(side, side.turns)
        else:
            if before != SIMULTANEOUS:
                kept = self._as_stream(side)
            if len(kept):
                self._out.do(act.FeedEngine(side.leg, kept))
            if side.engine_lost_at_ms is not None or side.kind != before:
                self._await_said(side, len(kept) * 1000 // ENGINE_HZ)
        self._tell_recovered(side, is_another=side.kind != before)

    def found(self, side: Side, kind: str) -> None:
        """Another engine is open and waits; "" if it is gone again."""
        side.spare = kind

    def tick(self, side: Side) -> None:
        """Let time pass."""
        if side.turns is None:
            self.settle(side)
        if side.spare and self._is_free(side):
            self._hand_over(side)
        if side.engine_lost_at_ms is None or side.is_degraded:
            return
        gap_ms = self._clock.ms - side.engine_lost_at_ms
        if gap_ms >= self._config.recovery.degraded_after_ms:
            side.is_degraded = True
            self.report(side.leg, "degraded", side.kind, gap_ms)

    def _is_free(self, side: Side) -> bool:
        """Nobody speaks, and nothing is owed: nothing would be torn."""
        owes = side.kept.unanswered() or side.being_said or side.filed
        is_quiet = not side.detector.is_speech and side.captions.is_settled
        return side.engine_is_ready and is_quiet and not owes

    def _hand_over(self, side: Side) -> None:
        kind = side.spare
        side.release(0.0)  # nothing but silence
        self._change(side, kind)
        self._out.do(act.SwapEngine(side.leg))
        self._tell_recovered(side, is_another=True)

    def _change(self, side: Side, kind: str) -> None:
        """Another kind of engine: what has not been answered is asked its way."""
        had_turns = side.turns is not None
        side.kind, side.spare = kind, ""
        turns, kept = side.turns, side.kept
        if turns is None:
            kept.endpointer = Endpointer(self._config.endpoints)
            kept.ask_nothing()
        elif not had_turns:
            kept.ask_each()
            self._begin_turn(side, turns)
        for utterance in kept.unanswered():
            until_ms = self._answer_by() if utterance.is_committed else None
            side.captions.retell(utterance.utterance_id, until_ms)

    def _begin_turn(self, side: Side, turns: Turns) -> None:
        """Somebody is speaking already: the endpointer has to know."""
        caption = side.captions.current
        if turns.current is not None and caption is not None:
            turns.endpointer.began(caption.started_ms)

    def _tell_again(self, side: Side, turns: Turns) -> None:
        """Give a new engine everything that its predecessor did not answer."""
        side.release(0.0)  # part of the current utterance, which comes whole
        busy = side.being_said | side.filed
        for utterance in turns.unanswered():
            if utterance.utterance_id in busy or self._is_written(side, utterance):
                continue
            sound = np.concatenate([self._gap[:0], *utterance.sound])
            if len(sound):
                self._out.do(act.FeedEngine(side.leg, sound))
            if utterance.is_committed:
                self._out.do(act.CommitTurn(side.leg, utterance.utterance_id))
        for ids in turns.asked:
            if not busy & set(ids):
                self._out.do(act.AnswerTurn(side.leg, ids))
        self.interpret(side)

    def _as_stream(self, side: Side) -> Pcm:
        """Return all unanswered sound as a simultaneous engine hears it."""
        side.release(0.0)
        parts = [self._gap[:0]]
        for utterance in side.kept.unanswered():
            if utterance.utterance_id not in side.being_said | side.filed:
                parts += [*utterance.sound, self._gap]
        return np.concatenate(parts)

    def _await_said(self, side: Side, replay_ms: int) -> None:
        """A simultaneous engine does not say when it has said something."""
        from_ms = self._clock.ms + replay_ms
        until_ms = from_ms + self._config.captions.no_text_after_ms
        for utterance in side.kept.unanswered():
            if utterance.is_committed:
                side.captions.rehear(utterance.utterance_id, from_ms, until_ms)

    # --- By way of text --------------------------------------------------------------

    def works_by_text(self, side: Side) -> bool:
        """What is written of a leg has to be interpreted as text."""
        return side.kind in _BY_TEXT and not self._config.is_one_language

    def writes_unasked(self, side: Side) -> bool:
        """There is nothing to ask for: it writes what was committed."""
        is_written = side.kind in (EngineKind.TRANSCRIBE, EngineKind.FILE)
        return is_written and not self.works_by_text(side)

    def committed(self, side: Side, utterance_id: str) -> None:
        """All sound of an utterance has come."""
        if side.kind != EngineKind.FILE:
            return
        for utterance in side.kept.unanswered():
            if utterance.utterance_id == utterance_id:
                self._send_file(side, utterance)

    def _send_file(self, side: Side, utterance: Utterance) -> None:
        if utterance.utterance_id in side.filed | side.being_said:
            return
        side.filed.add(utterance.utterance_id)
        until_ms = self._clock.ms + self._config.recovery.file_answer_ms
        side.captions.await_answer(utterance.utterance_id, until_ms)
        pcm = utterance.take_sound()
        self._out.do(act.TranscribeFile(side.leg, utterance.utterance_id, pcm))

    def source_done(self, side: Side, utterance_id: str) -> None:
        """All that was said is written."""
        if utterance_id in side.filed:
            side.filed.discard(utterance_id)
            self._interpret(side, (utterance_id,), speaks=False)
        self.interpret(side)

    def interpret(self, side: Side) -> None:
        """Have what is written and asked for interpreted as text."""
        if not self.works_by_text(side):
            return
        for ids in list(side.kept.asked):
            captions = [side.captions.find(i) for i in ids]
            is_written = all(c is None or c.original_final for c in captions)
            if is_written and not set(ids) & (side.being_said | side.filed):
                self._interpret(side, ids, speaks=side.kind == EngineKind.CASCADE)

    def _interpret(self, side: Side, ids: tuple[str, ...], *, speaks: bool) -> None:
        captions = [side.captions.find(i) for i in ids]
        text = " ".join(c.original.strip() for c in captions if c and c.original)
        if not text or self._config.is_one_language:
            self.answered(side, ids)
            for utterance_id in ids:
                side.captions.target_done(utterance_id)
            return
        side.being_said |= set(ids)
        self._out.do(act.InterpretText(side.leg, ids, text, speaks))

    def _is_written(self, side: Side, utterance: Utterance) -> bool:
        """Its text is known; where that is all that counts, it is not heard again."""
        caption = side.captions.find(utterance.utterance_id)
        has_text = caption is not None and caption.original_final and caption.original
        is_asked = any(utterance.utterance_id in ids for ids in side.kept.asked)
        return bool(has_text) and is_asked and self.works_by_text(side)

    def answered(
        self, side: Side, utterance_ids: tuple[str, ...], *, is_failed: bool = False
    ) -> None:
        """Utterances were interpreted, or will not be."""
        for utterance_id in utterance_ids:
            if is_failed and utterance_id in side.filed:
                side.captions.source_done(utterance_id, is_failed=True)
        side.kept.forget(utterance_ids)
        side.being_said -= set(utterance_ids)
        side.filed -= set(utterance_ids)

    # --- What is told ----------------------------------------------------------------

    def report(
        self, leg: Leg, state: str, engine: str, gap_ms: int = 0, lost_ms: int = 0
    ) -> None:
        """Tell everybody how a leg is served, and keep it."""
        self._out.tell(
            browser.Recovery(leg, state, engine, gap_ms=gap_ms), is_public=True
        )
        data: dict[str, object] = {"leg": leg, "state": state, "gap_ms": gap_ms}
        data |= {"lost_ms": lost_ms, "engine": engine}
        self._out.record("recovery", data)

    def snapshot(self, side: Side) -> list[browser.Recovery]:
        """Return what a client needs that attaches now."""
        if self._is_lesser(side):
            return [browser.Recovery(side.leg, "degraded", side.kind)]
        if side.engine_lost_at_ms is not None:
            return [browser.Recovery(side.leg, "reconnecting", side.kind)]
        return []

    def end(self, side: Side) -> None:
        """The call is over: what nobody has put into words will never be read."""
        is_away = side.engine_lost_at_ms is not None
        for utterance in side.kept.unanswered():
            if is_away or utterance.utterance_id in side.filed:
                side.captions.give_up(utterance.utterance_id)

    def _is_lesser(self, side: Side) -> bool:
        return side.kind != self._config.engine_of(side.leg)

    def _tell_recovered(self, side: Side, *, is_another: bool) -> None:
        lost_at_ms, side.engine_lost_at_ms = side.engine_lost_at_ms, None
        if lost_at_ms is None and not is_another:
            return
        gap_ms = 0 if lost_at_ms is None else self._clock.ms - lost_at_ms
        lost_ms = side.backlog.lost_ms + side.kept.lost_ms
        side.backlog.lost_ms = side.kept.lost_ms = 0
        side.is_degraded = self._is_lesser(side)
        state = "degraded" if side.is_degraded else "recovered"
        self.report(side.leg, state, side.kind, gap_ms, lost_ms)

    def _tell_degraded(self, side: Side) -> None:
        side.is_degraded = True
        gap_ms = self._clock.ms - (side.engine_lost_at_ms or self._clock.ms)
        self.report(side.leg, "degraded", side.kind, gap_ms)

    def _answer_by(self) -> int:
        return self._clock.ms + self._config.recovery.answer_after_ms

"""Which words belong to which utterance.

Theory of operation.  A translation session gives sound and two streams of text with no
ids between them.  What we know ourselves is when each leg speaks.  So (contract
section 3): an utterance begins with detected speech; source text belongs to the newest
utterance whose original is still open; translated text belongs to the oldest one whose
translation is not final.  An original is final when its speech has ended and no text
has come for a while; a translation when text *and* sound have been silent for a while,
or when the next one begins.  Text that belongs to nothing is a caption of its own: it
is never merged by guess, and never thrown away.

Times are ms of the call's clock and are given to every method.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from realtime.config import CaptionConfig
from realtime.events import Leg

_SENTENCE_END: Final = (".", "!", "?", "。", "！", "？", "…")


@dataclass(slots=True)
class Caption:
    """One utterance and everything it says so far.

    Attributes:
        has_sound: translated sound of it has come.
        is_echo: these are our own words, come back: never shown, never kept.
        is_invented: nobody can have said this: it is taken back.
        is_judged: it was looked at once all of it was written.
        is_doubted: somebody was told that nobody can have said this.
        was_shown: somebody has seen it.
        is_unspoken: text came, but no speech was detected.
        is_typed: written, not spoken: no engine says anything about it.
        source_failed, target_failed: the engine could not write it down, or could not
            interpret it.
        uncertain: where the translation may be wrong, [start, end) in characters; None
            until it was looked at.
        answer_by_ms: an engine that knows what it interprets has been asked, and is
            waited for until then; None: only silence says that an utterance is over.
        is_retold: another engine interprets it again, from its beginning: the next
            translation replaces what there is; is_reheard: and so does the next text.
    """

    utterance_id: str
    leg: Leg
    started_ms: int
    ended_ms: int | None = None
    original: str = ""
    translation: str = ""
    original_final: bool = False
    translation_final: bool = False
    has_sound: bool = False
    source_at_ms: int = 0
    target_at_ms: int | None = None
    first_target_ms: int | None = None
    first_source_ms: int | None = None
    is_echo: bool = False
    is_invented: bool = False
    is_judged: bool = False
    is_doubted: bool = False
    was_shown: bool = False
    is_unspoken: bool = False
    is_typed: bool = False
    source_failed: bool = False
    target_failed: bool = False
    uncertain: tuple[tuple[int, int], ...] | None = None
    answer_by_ms: int | None = None
    is_retold: bool = False
    is_reheard: bool = False

    @property
    def has_text(self) -> bool:
        return bool(self.original or self.translation)

    @property
    def latency_ms(self) -> int | None:
        """End of speech → first translated sound; negative: it began earlier."""
        if self.first_target_ms is None or self.ended_ms is None or not self.original:
            return None
        return self.first_target_ms - self.ended_ms

    @property
    def is_final(self) -> bool:
        return self.original_final and self.translation_final

    @property
    def is_not_understood(self) -> bool:
        """Something was said, and nobody knows what."""
        has_failed = self.source_failed and self.target_failed
        return has_failed and self.is_final and not self.has_text

    @property
    def is_shown(self) -> bool:
        return not self.is_nobodys and (self.has_text or self.is_not_understood)

    @property
    def is_nobodys(self) -> bool:
        """No person has said this."""
        return self.is_echo or self.is_invented


class CaptionTrack:
    """The captions of one leg's speech.

    Args:
        leg: who speaks.
        config: when text is final.
        first_number: continues the numbering of a call that is taken up again.
    """

    def __init__(self, leg: Leg, config: CaptionConfig, first_number: int = 1) -> None:
        self._leg = leg
        self._config = config
        self._number = first_number
        self._open: deque[Caption] = deque()
        self._changed: dict[str, Caption] = {}
        self._finished: list[Caption] = []
        self._all_by_start: deque[Caption] = deque(maxlen=200)
        self._speaking: Caption | None = None
        self._text_ms = -1
        """When text came last."""

    # What happens ------------------------------------------------------------------

    def speech_started(self, at_ms: int) -> None:
        """Open an utterance: the leg began to speak."""
        if self._speaking is None:
            self._speaking = self._new(at_ms)

    def speech_ended(self, at_ms: int) -> None:
        """Close it: the leg is silent."""
        caption, self._speaking = self._speaking, None
        if caption is not None:
            caption.ended_ms = max(at_ms, caption.started_ms)
            caption.source_at_ms = caption.ended_ms
            self._touch(caption)

    def source_text(
        self,
        delta: str,
        now_ms: int,
        utterance_id: str | None = None,
        *,
        is_whole: bool = False,
    ) -> Caption:
        """Append to what the leg said.

        Args:
            delta: more text.
            now_ms: the call's clock.
            utterance_id: what it belongs to, where the engine knows.
            is_whole: it replaces what was written before.

        Returns:
            the utterance that it belongs to.
        """
        caption = self._named(utterance_id) or next(
            (c for c in reversed(self._open) if not c.original_final), None
        )
        if caption is None:
            caption = self._new(now_ms)
            caption.ended_ms = now_ms
            caption.is_unspoken = True
        if not caption.original:
            self._give_up_before(caption, now_ms)
        is_whole = is_whole or caption.is_reheard
        caption.is_reheard = False
        caption.original = delta if is_whole else caption.original + delta
        caption.source_at_ms = self._text_ms = now_ms
        if caption.first_source_ms is None:
            caption.first_source_ms = now_ms
        self._touch(caption)
        return caption

    def target_text(
        self, delta: str, now_ms: int, utterance_id: str | None = None
    ) -> Caption:
        """Append to the translation; arguments and result as of `source_text`."""
        caption = self._named(utterance_id) or self._target(now_ms)
        caption.translation = (
            delta if caption.is_retold else caption.translation + delta
        )
        caption.is_retold = False
        caption.target_at_ms = self._text_ms = now_ms
        self._touch(caption)
        return caption

    def target_sound(self, now_ms: int, utterance_id: str | None = None) -> Caption:
        """Note translated sound; arguments and result as of `source_text`."""
        caption = self._named(utterance_id) or self._target(now_ms)
        caption.target_at_ms = self._text_ms = now_ms
        if caption.first_target_ms is None:
            caption.first_target_ms = now_ms
        caption.has_sound = True
        return caption

    def typed(self, text: str, now_ms: int) -> Caption:
        """Open an utterance that was written."""
        caption = self._new(now_ms)
        caption.ended_ms = now_ms
        caption.original, caption.original_final = text, True
        caption.is_typed = True
        self._touch(caption)
        return caption

    def translated(self, utterance_id: str, translation: str) -> None:
        """Take the whole translation of what was written; it is final later."""
        caption = self._named(utterance_id)
        if caption is not None:
            caption.translation = translation
            self._touch(caption)

    def await_answer(self, utterance_id: str, until_ms: int) -> None:
        """An engine was asked for this utterance: silence does not end it."""
        caption = self._named(utterance_id)
        if caption is not None:
            caption.answer_by_ms = until_ms

    def retell(self, utterance_id: str, until_ms: int | None) -> None:
        """Another engine interprets this again.

        Args:
            utterance_id: what it interprets.
            until_ms: how long it is waited for; None: it is still being spoken.
        """
        caption = self._named(utterance_id)
        if caption is None or caption.translation_final:
            return
        caption.is_retold = bool(caption.translation)
        caption.answer_by_ms = until_ms

    def rehear(self, utterance_id: str, from_ms: int, until_ms: int) -> None:
        """An engine that knows of no utterances hears this again.

        Args:
            utterance_id: what it hears.
            from_ms: when it has heard it.
            until_ms: how long it is waited for.
        """
        caption = self._named(utterance_id)
        if caption is None or caption.translation_final:
            return
        caption.is_reheard, caption.original_final = True, False
        caption.source_at_ms, caption.answer_by_ms = from_ms, until_ms

    def source_done(
        self, utterance_id: str, *, is_failed: bool = False
    ) -> Caption | None:
        """All that was said is written, or cannot be; the utterance, if it is known."""
        caption = self._named(utterance_id)
        if caption is not None and not caption.original_final:
            caption.original_final = True
            caption.source_failed = is_failed
            self._touch(caption)
            self._sweep()
        return caption

    def target_done(self, utterance_id: str, *, is_failed: bool = False) -> None:
        """All of the translation has come, or none will."""
        caption = self._named(utterance_id)
        if caption is not None and not caption.translation_final:
            caption.translation_final = True
            caption.target_failed = is_failed
            self._touch(caption)
            self._sweep()

    def give_up(self, utterance_id: str) -> None:
        """Its sound could not be kept for an engine that did not take it."""
        self.source_done(utterance_id, is_failed=True)
        self.target_done(utterance_id, is_failed=True)

    def tick(self, now_ms: int) -> None:
        """Let time pass: make final what is silent."""
        if not self._open:
            return
        c = self._config
        for caption in self._open:
            if not caption.original_final and caption.ended_ms is not None:
                quiet_ms = now_ms - caption.source_at_ms
                limit_ms = c.final_after_ms if caption.original else c.no_text_after_ms
                is_over = quiet_ms >= limit_ms
                if caption.answer_by_ms is not None and not caption.original:
                    is_over = caption.source_failed = now_ms >= caption.answer_by_ms
                if is_over:
                    caption.original_final = True
                    self._touch(caption)
            is_open = not caption.translation_final and not caption.is_typed
            if is_open and caption.ended_ms is not None:
                target_at_ms = caption.target_at_ms
                if caption.answer_by_ms is not None:
                    is_final = caption.target_failed = now_ms >= caption.answer_by_ms
                elif target_at_ms is None:
                    is_final = now_ms - caption.ended_ms >= c.no_text_after_ms
                    if is_final and self._had_words(caption):
                        caption.source_failed = caption.target_failed = True
                else:
                    is_final = now_ms - target_at_ms >= c.final_after_ms
                if is_final:
                    caption.translation_final = True
                    self._touch(caption)
        self._sweep()

    def flush(self, now_ms: int) -> None:
        """Make everything final: no more text will come."""
        if self._speaking is not None:
            self.speech_ended(now_ms)
        for caption in self._open:
            if not caption.is_final:
                if caption.answer_by_ms is not None:  # an engine still owed them
                    caption.source_failed |= not caption.original_final
                    caption.target_failed |= not caption.translation_final
                caption.original_final = caption.translation_final = True
                if caption.ended_ms is None:
                    caption.ended_ms = now_ms
                self._touch(caption)
        self._sweep()

    # What came of it -----------------------------------------------------------------

    def changed(self) -> list[Caption]:
        """Return the captions with news since the last call, oldest speech first."""
        if not self._changed:
            return []
        captions = sorted(self._changed.values(), key=lambda c: c.started_ms)
        self._changed.clear()
        for caption in captions:
            caption.was_shown = True
        return captions

    def finished(self) -> list[Caption]:
        """Return the captions that became final since the last call."""
        finished, self._finished = self._finished, []
        return [c for c in finished if not c.is_nobodys]

    def mark_echo(self, caption: Caption, is_echo: bool) -> None:
        """Hide an utterance that is our own voice; show it if it is not after all."""
        caption.is_echo = is_echo
        if is_echo:
            self._changed.pop(caption.utterance_id, None)
        else:
            self._touch(caption)

    def withdraw(self, caption: Caption) -> None:
        """Take an utterance back that nobody can have said."""
        caption.is_invented = True
        self._changed.pop(caption.utterance_id, None)

    def believe(self, caption: Caption) -> None:
        """Show it after all: more text has come, which somebody can have said."""
        caption.is_invented = False
        self._touch(caption)

    @property
    def current(self) -> Caption | None:
        """The utterance that is being spoken."""
        return self._speaking

    def find(self, utterance_id: str) -> Caption | None:
        """Return one of the latest captions."""
        return next(
            (c for c in self._all_by_start if c.utterance_id == utterance_id), None
        )

    def recent(self) -> list[Caption]:
        """Return the latest captions, for a client that comes back."""
        return [c for c in self._all_by_start if c.is_shown]

    @property
    def is_settled(self) -> bool:
        """Nothing is waiting for text or for time to pass."""
        return not self._open

    # Inside --------------------------------------------------------------------------

    def _new(self, at_ms: int) -> Caption:
        caption = Caption(f"{self._leg}-{self._number}", self._leg, max(0, at_ms))
        caption.source_at_ms = at_ms
        self._number += 1
        for older in self._open:
            if older.is_invented:
                # What comes now may be of this one: no real word is dropped for it.
                older.original_final = older.translation_final = True
        self._open.append(caption)
        self._all_by_start.append(caption)
        return caption

    def _named(self, utterance_id: str | None) -> Caption | None:
        return None if utterance_id is None else self.find(utterance_id)

    def _target(self, now_ms: int) -> Caption:
        waiting = [c for c in self._open if not c.translation_final and not c.is_typed]
        if not waiting:
            caption = self._new(now_ms)
            caption.ended_ms = now_ms
            caption.original_final = True
            return caption
        oldest = waiting[0]
        oldest.answer_by_ms = None  # it knows of no utterances: silence ends this one
        if len(waiting) > 1 and self._is_next_beginning(oldest, now_ms):
            oldest.translation_final = True
            self._touch(oldest)
            return waiting[1]
        return oldest

    def _is_next_beginning(self, oldest: Caption, now_ms: int) -> bool:
        return (
            oldest.target_at_ms is not None
            and now_ms - oldest.target_at_ms >= self._config.sentence_gap_ms
            and oldest.translation.rstrip().endswith(_SENTENCE_END)
        )

    def _give_up_before(self, caption: Caption, now_ms: int) -> None:
        """Close older utterances that will bring no more.

        A cough must not wait for the next sentence's translation.
        """
        for older in self._open:
            if older is caption:
                break
            is_waited_for = older.answer_by_ms is not None
            if older.ended_ms is not None and not older.has_text and not is_waited_for:
                older.original_final = older.translation_final = True
            elif older.is_unspoken and not older.translation and not is_waited_for:
                waited_ms = now_ms - (older.first_source_ms or 0)
                if waited_ms >= self._config.unspoken_after_ms:
                    older.original_final = older.translation_final = True
                    self._touch(older)
        self._sweep()

    def _had_words(self, caption: Caption) -> bool:
        """Say whether speech that brought no text was too long to be none.

        Text that came since may be its own, under the name of a later utterance.
        """
        spoken_ms = (caption.ended_ms or 0) - caption.started_ms
        is_long = spoken_ms >= self._config.words_from_ms
        return is_long and not caption.has_text and self._text_ms < caption.started_ms

    def _touch(self, caption: Caption) -> None:
        if caption.is_shown:
            self._changed[caption.utterance_id] = caption

    def _sweep(self) -> None:
        done = [c for c in self._open if c.is_final]
        if not done:
            return
        self._open = deque(c for c in self._open if not c.is_final)
        self._finished.extend(c for c in done if c.is_shown)

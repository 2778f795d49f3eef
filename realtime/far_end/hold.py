"""Whether the other side lets us wait.  Pure.

Theory of operation.  Somebody who says "one moment" and then says no more has gone;
music or ringing says the same, and so does silence where an answer is due.  They are
back when they speak: words that do not ask to wait end it at once, speech without words
a little later, because announcements on hold are speech as well.

    state     cue                                  next      effect
    talking   asked us to wait, then was quiet     waiting   hold
    talking   music for 3 s                        waiting   hold
    talking   no answer for 20 s                   waiting   hold
    waiting   words that do not ask to wait        talking   back
    waiting   speech that brings no such words     talking   back

Times are ms of the call's clock.
"""

from collections import deque
from enum import StrEnum
from typing import Final

from realtime.config import FRAME_MS, HoldConfig
from realtime.far_end import answer_words
from realtime.far_end.answer_words import Phrases


class State(StrEnum):
    """Where the other side is."""

    TALKING = "talking"
    WAITING = "waiting"


class Cue(StrEnum):
    """What happens."""

    ASKED = "asked us to wait, then was quiet"
    MUSIC = "music"
    UNANSWERED = "no answer"
    WORDS = "words that do not ask to wait"
    SPEECH = "speech that brings no such words"


TABLE: Final[dict[tuple[State, Cue], State]] = {
    (State.TALKING, Cue.ASKED): State.WAITING,
    (State.TALKING, Cue.MUSIC): State.WAITING,
    (State.TALKING, Cue.UNANSWERED): State.WAITING,
    (State.WAITING, Cue.WORDS): State.TALKING,
    (State.WAITING, Cue.SPEECH): State.TALKING,
}

_WAIT: Final = Phrases(answer_words.WAIT)
_SCREENING: Final = Phrases(answer_words.SCREENING)
_LEAST_TAIL: Final = 8
"""Letters after "wait" that are still part of asking for it ("주시겠어요")."""


def asks_to_wait(text: str) -> bool:
    """Say whether words ask us to wait, and nothing else.

    "Wait, which parcel do you mean?" asks something; it wants an answer.
    """
    tail = _WAIT.end_in(text)
    if tail is None or _SCREENING.is_in(text):
        return False
    return tail <= _LEAST_TAIL or not text.rstrip().endswith(("?", "？"))


class Hold:
    """Follow whether the other side lets us wait.

    Args:
        config: durations.
    """

    def __init__(self, config: HoldConfig) -> None:
        self._config = config
        self.state = State.TALKING
        self._asked = False
        self._spoke_ms = 0
        """When they spoke last."""
        self._speech_ms = 0
        """How long they have been speaking."""
        self._has_wait_words = False
        self._due_ms: int | None = None
        """Since when an answer is due."""
        self._music: deque[bool] = deque(maxlen=max(1, config.music_ms // FRAME_MS))

    @property
    def is_active(self) -> bool:
        """Whether we are waiting."""
        return self.state is State.WAITING

    def hear(
        self, *, is_speech: bool, is_music: bool, is_playing: bool, now_ms: int
    ) -> bool | None:
        """Take 20 ms of the callee.

        Args:
            is_speech: the speech detector's decision.
            is_music: `MusicMeter.is_music`.
            is_playing: the telephone plays something of ours.
            now_ms: the call's clock.

        Returns:
            whether we are waiting, where that has changed.
        """
        c = self._config
        self._music.append(is_music and not is_speech and not is_playing)
        if is_speech:
            if not self._speech_ms:
                self._has_wait_words = False
            self._speech_ms += FRAME_MS
            self._spoke_ms = now_ms
            self._due_ms = None
            is_long = self._speech_ms >= c.back_ms
            if is_long and self.is_active and not self._has_wait_words:
                return self._on(Cue.SPEECH)
            return None
        self._speech_ms = 0
        if is_playing:
            self._due_ms = now_ms
            self._asked = False
        is_full = len(self._music) == self._music.maxlen
        if is_full and sum(self._music) >= c.music_share * len(self._music):
            return self._on(Cue.MUSIC)
        if self._asked and now_ms - self._spoke_ms >= c.asked_ms:
            return self._on(Cue.ASKED)
        if self._due_ms is not None and now_ms - self._due_ms >= c.unanswered_ms:
            return self._on(Cue.UNANSWERED)
        return None

    def words(self, text: str) -> bool | None:
        """Take what was recognised from the callee.

        Args:
            text: all words of the newest utterance so far.

        Returns:
            whether we are waiting, where that has changed.
        """
        if not text.strip():
            return None
        self._has_wait_words = self._asked = asks_to_wait(text)
        return None if self._asked else self._on(Cue.WORDS)

    def _on(self, cue: Cue) -> bool | None:
        if (self.state, cue) not in TABLE:
            return None
        self.state = TABLE[self.state, cue]
        self._asked = False
        self._due_ms = None
        self._has_wait_words = False
        self._music.clear()
        return self.is_active

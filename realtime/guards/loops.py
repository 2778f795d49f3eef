"""The second net against echo: words of ours that come back as the callee's.

The canceller is not perfect.  If what was recognised from the callee is what we have
just played to them, and was heard while it was played, it is an echo: it is counted,
and neither shown nor interpreted.  An echo ends when its sound ends, at most 600 ms
late; somebody who repeats our words, or answers with some of them, speaks on after it.
"""

import unicodedata
from collections import deque
from dataclasses import dataclass
from difflib import SequenceMatcher

from realtime.config import LoopConfig


@dataclass(slots=True)
class _Played:
    text: str
    began_ms: int
    ended_ms: int | None


def normalise(text: str) -> str:
    """Fold a text to its letters and digits."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum())


def containment(heard: str, played: str) -> float:
    """Say how much of what was heard is part of what was played, 0 to 1.

    Args:
        heard: normalised; an echo may be a piece of a sentence.
        played: normalised.
    """
    if not heard:
        return 0.0
    blocks = SequenceMatcher(None, heard, played, autojunk=False).get_matching_blocks()
    return sum(b.size for b in blocks if b.size >= min(2, len(heard))) / len(heard)


class LoopGuard:
    """What was played to the callee lately, and whether it comes back.

    Args:
        config: the window and the similarity.
    """

    def __init__(self, config: LoopConfig) -> None:
        self._config = config
        self._played: deque[_Played] = deque(maxlen=config.kept)
        self.n_echoes = 0

    def began(self, text: str, at_ms: int) -> None:
        """A sentence begins to play."""
        self._played.append(_Played(text, at_ms, None))

    def ended(self, text: str, at_ms: int) -> None:
        """The sentence that plays has ended; only now may all of its text be known."""
        if self._played and self._played[-1].ended_ms is None:
            self._played[-1].text = text
            self._played[-1].ended_ms = at_ms

    def is_echo(self, heard: str, began_ms: int, ended_ms: int) -> bool:
        """Say whether words are our own.

        Args:
            heard: what was recognised from the callee, in one utterance, so far.
            began_ms: when that utterance began.
            ended_ms: when it ended, or now if it goes on.
        """
        c = self._config
        words = normalise(heard)
        if len(words) < c.min_letters:
            return False
        return any(
            p.began_ms <= began_ms
            and ended_ms <= (p.ended_ms or ended_ms) + c.tail_ms
            and containment(words, normalise(p.text)) >= c.similarity
            for p in self._played
        )

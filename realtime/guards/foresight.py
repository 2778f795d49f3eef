"""Sound waits for the end of its sentence, for a moment.  Pure.

Theory of operation.  A model that speaks writes as it goes: text and sound of a
sentence come interleaved, several times faster than speech.  Whether a sentence may be
heard is known with its last word; so its sound waits until then, but never longer than
a moment that is hardly noticed at the beginning of a turn.  Later sentences have come
long before they are due, and wait for nothing.

Text runs ahead of its sound: sound that comes while a sentence is being written belongs
to that sentence or to an earlier one.
"""

import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from realtime.events import Pcm

_END: Final = re.compile(r"[.!?。！？…\n]")
_FOLLOWED: Final = 50


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece that waits.

    Attributes:
        tag: the utterance's.
        pcm: int16, shape (n,), 24 kHz.
        written: how many letters of its text were known when it came.
        due_ms: when it waits no longer, on the call's clock.
    """

    tag: str
    pcm: Pcm
    written: int
    due_ms: float


class Foresight:
    """What has been made for one call and is not said yet, in its order.

    Args:
        patience_ms: how long a piece waits at most.
    """

    def __init__(self, patience_ms: int) -> None:
        self._patience_ms = patience_ms
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._waiting: deque[Sound] = deque()
        self._over: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return not self._waiting

    def read(self, tag: str, text: str) -> None:
        """Take all text of an utterance that is written so far."""
        self._texts[tag] = text.rstrip()
        self._remember(tag)

    def hear(self, tag: str, pcm: Pcm, now_ms: float) -> None:
        """Take more sound of an utterance."""
        written = len(self._texts.setdefault(tag, ""))
        self._remember(tag)
        self._waiting.append(Sound(tag, pcm, written, now_ms + self._patience_ms))

    def end(self, tag: str) -> None:
        """All text and sound of an utterance have come."""
        self._texts.setdefault(tag, "")
        self._over.add(tag)
        self._remember(tag)

    def drop(self, tag: str) -> None:
        """What waits of an utterance is not wanted."""
        self._waiting = deque(one for one in self._waiting if one.tag != tag)

    def take(self, now_ms: float) -> list[Sound]:
        """Return, and forget, what may be said now."""
        taken = []
        while self._waiting and self._is_known(self._waiting[0], now_ms):
            taken.append(self._waiting.popleft())
        return taken

    def _is_known(self, sound: Sound, now_ms: float) -> bool:
        if sound.due_ms <= now_ms or sound.tag in self._over:
            return True
        text = self._texts.get(sound.tag, "")
        return _END.search(text, max(0, sound.written - 1)) is not None

    def _remember(self, tag: str) -> None:
        self._texts.move_to_end(tag)
        while len(self._texts) > _FOLLOWED:
            forgotten, _ = self._texts.popitem(last=False)
            self._over.discard(forgotten)

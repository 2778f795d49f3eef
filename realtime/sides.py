"""One leg's speech: is it speaking, what has it said, and is its engine there?"""

from collections import deque

import numpy as np

from realtime.audio.vad import SpeechDetector
from realtime.captions import CaptionTrack
from realtime.config import ENGINE_HZ, CallConfig
from realtime.events import NO_SOUND, Leg, Pcm


class Backlog:
    """Sound kept for an engine that is away: in order, and bounded.

    Args:
        keep_ms: how much is kept; the oldest goes first.
    """

    def __init__(self, keep_ms: int) -> None:
        self._chunks: deque[Pcm] = deque()
        self._max_samples = keep_ms * ENGINE_HZ // 1000
        self._n_samples = 0
        self.lost_ms = 0

    def append(self, pcm: Pcm) -> None:
        """Keep more sound: int16 at 24 kHz."""
        self._chunks.append(pcm)
        self._n_samples += len(pcm)
        while self._n_samples > self._max_samples:
            dropped = self._chunks.popleft()
            self._n_samples -= len(dropped)
            self.lost_ms += len(dropped) * 1000 // ENGINE_HZ

    def take(self) -> Pcm:
        """Return everything kept, as one piece, and forget it."""
        if not self._chunks:
            return NO_SOUND
        pcm = np.concatenate(list(self._chunks))
        self._chunks.clear()
        self._n_samples = 0
        return pcm


class Side:
    """What belongs to one leg.

    Args:
        leg: who speaks.
        config: the call's.
        first_number: of its utterances.
    """

    def __init__(self, leg: Leg, config: CallConfig, first_number: int) -> None:
        self.leg = leg
        self.detector = SpeechDetector(config.speech)
        self.captions = CaptionTrack(leg, config.captions, first_number)
        self.engine_is_ready = False
        self.engine_is_closed = False
        self.engine_lost_at_ms: int | None = None
        self.is_degraded = False
        self.backlog = Backlog(config.recovery.keep_ms)
        self._waiting: list[Pcm] = []
        self._waiting_since = 0.0
        self.waiting_ms = 0.0
        self.heard: set[str] = set()
        """Ids of utterances whose translation the other side heard, or begins to."""

    def hold(self, pcm: Pcm, now: float) -> None:
        """Keep sound until there is enough for a message: int16 at 24 kHz."""
        if not self._waiting:
            self._waiting_since = now
        self._waiting.append(pcm)
        self.waiting_ms += len(pcm) * 1000 / ENGINE_HZ

    def release(self, now: float) -> tuple[Pcm, float]:
        """Return what was held, as one piece, and how long its oldest waited, ms."""
        if not self._waiting:
            return NO_SOUND, 0.0
        parts, self._waiting = self._waiting, []
        self.waiting_ms = 0.0
        held_ms = (now - self._waiting_since) * 1000
        return (parts[0] if len(parts) == 1 else np.concatenate(parts)), held_ms

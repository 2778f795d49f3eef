"""What the caller hears: the interpretation, and softly the callee's own voice.  Pure.

Theory of operation.  Both are queues, and each tick of the call takes 20 ms from each.
The original is as late as it was heard, which may be seconds where the echo canceller
had to hold it; then its pauses are skipped until it is in time again.  It is ducked
under the interpretation (`gain`), and full where nothing is interpreted because what is
said is in the caller's language already.  Gains move within 100 ms, so that nothing
clicks.
"""

from collections import deque
from typing import Final

import numpy as np

from realtime.config import ENGINE_FRAME_SAMPLES, ENGINE_HZ
from realtime.events import NO_SOUND, Pcm

_STEP: Final = 0.2
"""How far the gain moves in 20 ms."""


class CallerMix:
    """The caller's loudspeaker.  All sound is int16 at 24 kHz.

    Args:
        gain: of the original under the interpretation, 0 to 1.
        slack_frames: how many frames of 20 ms the original may wait before its pauses
            are skipped.
        batch_ms: how much sound goes into one message.
    """

    def __init__(self, gain: float, slack_frames: int, batch_ms: int) -> None:
        self._gain = gain
        self._gain_now = gain
        self._slack_frames = slack_frames
        self._batch_samples = batch_ms * ENGINE_HZ // 1000
        self._original: deque[tuple[Pcm, bool]] = deque()
        self._interpretation: deque[Pcm] = deque()
        self._ready: list[Pcm] = []

    def set_gain(self, gain: float) -> None:
        """Choose how loud the original is: 0 to 1, anything else is cut to that."""
        self._gain = min(1.0, max(0.0, gain))

    def hear(self, pcm: Pcm, *, is_quiet: bool) -> None:
        """Add 20 ms of the original.

        Args:
            pcm: shape (480,).
            is_quiet: nobody speaks in them: they may be skipped.
        """
        self._original.append((pcm, is_quiet))

    def interpret(self, pcm: Pcm) -> None:
        """Add interpreted sound of any length."""
        self._interpretation.append(pcm)

    def forget(self) -> None:
        """Nobody listens: drop everything but the original, which goes on."""
        self._interpretation.clear()
        self._ready.clear()

    def tick(self, *, is_heard: bool, is_untranslated: bool) -> Pcm:
        """Let 20 ms pass.

        Args:
            is_heard: somebody listens.
            is_untranslated: what the callee says brings no interpretation.

        Returns:
            what is to be sent now, often nothing.
        """
        original = self._next_original()
        if not is_heard:
            self.forget()
            return NO_SOUND
        sound = self._next_interpretation()
        wants_all = is_untranslated and not len(sound) and self._gain > 0
        wanted = 1.0 if wants_all else self._gain
        self._gain_now += min(_STEP, max(-_STEP, wanted - self._gain_now))
        if self._gain_now > 0 and len(original):
            mixed = original * np.float32(self._gain_now)
            mixed[: len(sound)] += sound
            sound = np.clip(mixed, -32768, 32767).astype(np.int16)
        if not len(sound):
            return self._take_ready()
        self._ready.append(sound)
        is_enough = sum(map(len, self._ready)) >= self._batch_samples
        return self._take_ready() if is_enough else NO_SOUND

    def rest(self) -> Pcm:
        """Return all that has been interpreted and not been sent."""
        self._ready.extend(self._interpretation)
        self._interpretation.clear()
        return self._take_ready()

    # --- Inside ----------------------------------------------------------------------

    def _next_original(self) -> Pcm:
        original = self._original
        while len(original) > self._slack_frames and original[0][1]:
            original.popleft()
        return original.popleft()[0] if original else NO_SOUND

    def _next_interpretation(self) -> Pcm:
        queue, parts, wanted = self._interpretation, [], ENGINE_FRAME_SAMPLES
        while queue and wanted:
            chunk = queue[0]
            parts.append(chunk[:wanted])
            if len(chunk) > wanted:
                queue[0] = chunk[wanted:]
            else:
                queue.popleft()
            wanted -= len(parts[-1])
        return np.concatenate(parts) if parts else NO_SOUND

    def _take_ready(self) -> Pcm:
        ready, self._ready = self._ready, []
        return np.concatenate(ready) if ready else NO_SOUND

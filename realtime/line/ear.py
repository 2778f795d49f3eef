"""How the callee is heard: the line, without the echo of what we play.  Pure.

Theory of operation.  Each 20 ms of the line belongs to the 20 ms that the telephone was
playing while they were spoken.  Both are counted: the n-th frame heard goes with the
n-th frame played, also where frames come late, so a stall of the network is no jump of
the echo's delay; what was played while the line itself paused goes with nothing.  The
pair goes to the recorder's tap and to the echo canceller, which
gives back none, one or several frames: 80 ms late while something plays, seconds late
where sound was held until the echo was known, and fillers in between.  How late each of
them is, is said with it: captions keep the times at which things were spoken.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from realtime.audio.echo import FILLER, EchoCanceller, EchoConfig, Mode
from realtime.audio.g711 import FRAME_SAMPLES, SILENCE_FRAME, decode_mulaw
from realtime.config import FRAME_MS
from realtime.events import Pcm
from realtime.line.clock import Step

Tap = Callable[[bytes, bytes], None]
"""Called for each 20 ms, in order, with what the callee heard and what the callee said:
one frame of mu-law each, exactly aligned.  The recorder's hook."""

_MAX_UNPAIRED: Final = 200
"""Played frames that wait for theirs: 4 s, the canceller's own memory."""
_SILENCE: Final = np.zeros(FRAME_SAMPLES, np.int16)


@dataclass(frozen=True, slots=True)
class Heard:
    """20 ms of the callee.

    Attributes:
        pcm: int16, shape (160,), 8 kHz.
        behind_ms: how long ago it was spoken, by the call's clock.
        is_filler: it stands for sound that comes later, or not at all.
    """

    pcm: Pcm
    behind_ms: int
    is_filler: bool


class Ear:
    """The callee's way in.

    Args:
        config: of the echo canceller.
        tap: hook for a recorder.
    """

    def __init__(self, config: EchoConfig, tap: Tap | None = None) -> None:
        self._config = config
        self._tap = tap
        self._canceller = EchoCanceller(config)
        self._unpaired: deque[bytes] = deque(maxlen=_MAX_UNPAIRED)
        self._n_heard = 0
        self.lost_ms = 0
        """Sound that could not be cleaned and was given up, over the call."""
        self.held_ms = 0
        """Sound that is being held back now."""
        self.held_max_ms = 0
        self.n_locks = 0
        self.n_slips = 0
        self._earlier = (0, 0)

    @property
    def echo_delay_ms(self) -> float | None:
        """The echo's bulk delay, or None where none is known."""
        return self._canceller.delay_ms

    @property
    def mode(self) -> Mode:
        """What the canceller is doing."""
        return self._canceller.mode

    def begin_stream(self) -> None:
        """Another stream is another path, and its frames are counted anew."""
        self._canceller = EchoCanceller(self._config)
        self._unpaired.clear()
        self._n_heard = 0
        self._earlier = (self.n_locks, self.n_slips)

    def step(
        self, step: Step, payload: bytes, played: bytes, owed_frames: int = 0
    ) -> list[Heard]:
        """Take one step of the line's clock.

        Args:
            step: whether time passes, and whether something is heard.
            payload: what is heard, 160 bytes of mu-law; ignored where nothing is.
            played: what the telephone plays in a step that advances, likewise.
            owed_frames: how many frames may still come for what was played before.

        Returns:
            what comes out of it, in the order in which it was spoken.
        """
        if step.advances:
            self._unpaired.append(played)
        if not step.hears:
            return []
        while len(self._unpaired) > owed_frames + 1:
            self._tell_tap(self._unpaired.popleft(), SILENCE_FRAME)
        heard = SILENCE_FRAME if step.is_silence else payload
        reference = self._unpaired.popleft() if self._unpaired else SILENCE_FRAME
        self._tell_tap(reference, heard)
        return self._clean(heard, reference)

    def _tell_tap(self, played: bytes, heard: bytes) -> None:
        if self._tap is not None:
            self._tap(played, heard)

    def _clean(self, heard: bytes, reference: bytes) -> list[Heard]:
        is_silent = reference == SILENCE_FRAME
        played = _SILENCE if is_silent else decode_mulaw(reference)
        newest = self._n_heard
        self._n_heard += 1
        late_ms = len(self._unpaired) * FRAME_MS
        out = self._canceller.process(decode_mulaw(heard), played)
        self.lost_ms += out.lost_ms
        self.held_ms = out.held_ms
        self.held_max_ms = max(self.held_max_ms, out.held_ms)
        self.n_locks = self._earlier[0] + self._canceller.n_locks
        self.n_slips = self._earlier[1] + self._canceller.n_slips
        return [
            Heard(frame.pcm, late_ms, is_filler=True)
            if frame.position == FILLER
            else Heard(
                frame.pcm, late_ms + (newest - frame.position) * FRAME_MS,
                is_filler=False,
            )
            for frame in out.frames
        ]  # fmt: skip

"""Music on hold, ringing, and other sound that goes on without being speech.

Noise fills the telephone's band evenly or along a slope; music and tones have their
power in lines.  So a stretch of sound that the speech detector does not call speech is
music where a few narrow bins hold most of its power.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.config import LINE_HZ

SPAN_SAMPLES: Final = 1024
"""128 ms: bins of 8 Hz, so that a note fills only three."""
_WINDOW: Final = np.hanning(SPAN_SAMPLES).astype(np.float32)
_BAND: Final = slice(250 * SPAN_SAMPLES // LINE_HZ, 3400 * SPAN_SAMPLES // LINE_HZ)
_N_BINS: Final = 32
"""About ten lines of the 400 bins in the band."""
LEAST_RMS: Final = 60.0
"""-55 dBov; quieter, nobody hears it."""
IN_LINES: Final = 0.72


class MusicMeter:
    """Say for each stretch of sound whether it may be music."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.int16]] = []
        self._n = 0
        self.is_music = False
        """Of the last whole stretch of 128 ms."""

    def push(self, pcm: NDArray[np.int16]) -> None:
        """Take the next samples; int16, 8 kHz, up to 128 ms."""
        self._parts.append(pcm)
        self._n += len(pcm)
        if self._n < SPAN_SAMPLES:
            return
        sound = np.concatenate(self._parts)
        self._parts = [sound[SPAN_SAMPLES:]]
        self._n = len(self._parts[0])
        self.is_music = share_in_lines(sound[:SPAN_SAMPLES]) >= IN_LINES


def share_in_lines(sound: NDArray[np.int16]) -> float:
    """Return the share of power in the strongest bins, 0 to 1; 0 of what is too quiet.

    Args:
        sound: shape (1024,), 8 kHz.
    """
    x = sound.astype(np.float32)
    if float(x @ x) < LEAST_RMS**2 * len(x):
        return 0.0
    spectrum = np.fft.rfft(x * _WINDOW)[_BAND]
    power: NDArray[np.float64] = spectrum.real**2 + spectrum.imag**2
    strongest = np.partition(power, -_N_BINS)[-_N_BINS:]
    return float(strongest.sum()) / (float(power.sum()) + 1e-12)

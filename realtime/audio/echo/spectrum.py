"""Short-time spectra, ten bands, the noise floor and noise made from it."""

from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from realtime.audio.echo.filter import BINS, BLOCK
from realtime.audio.echo.fourier import (
    Floats,
    Spectra,
    constant,
    to_pcm,
    waveform,
)
from realtime.audio.g711 import FRAME_SAMPLES, SAMPLE_RATE_HZ

WINDOW: Final = np.sqrt(np.hanning(BLOCK + 1)[:BLOCK]).astype(np.float32)
"""Applied before and after; with half overlap the squares add up to one."""
WINDOW_ENERGY: Final = FRAME_SAMPLES
"""White noise of power p has a spectrum of 160 p."""

N_BANDS: Final = 10
_EDGES: Final = np.round(
    np.linspace(300, 3450, N_BANDS + 1) / SAMPLE_RATE_HZ * BLOCK
).astype(np.intp)
BAND_OF_BIN: Final = np.clip(
    np.searchsorted(_EDGES[1:], np.arange(BINS), side="right"), 0, N_BANDS - 1
).astype(np.intp)
SPEECH_BINS: Final = slice(int(_EDGES[0]), int(_EDGES[-1]))


_IS_IN_BAND: Final = np.zeros((BINS, N_BANDS), np.float32)
_IS_IN_BAND[SPEECH_BINS] = np.equal.outer(BAND_OF_BIN[SPEECH_BINS], range(N_BANDS))


def in_bands(power: Floats) -> Floats:
    """Add the bins of each of the ten bands (315 Hz each) between 300 and 3450 Hz."""
    return cast(Floats, power.dot(_IS_IN_BAND))


def _gaussian(n: int) -> Spectra:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(n, BINS)) + 1j * rng.normal(size=(n, BINS))
    return np.asarray(noise * np.sqrt(0.5), np.complex64)


_N_PATTERNS: Final = 64
_PATTERNS: Final = _gaussian(_N_PATTERNS)
"""Complex noise of power 1, shared by all calls: 2.5 s until it repeats."""
_AT_ONCE: Final = 2
"""Blocks of comfort noise made together: 80 ms."""
_FRESH_BLOCKS: Final = 10
"""For so many blocks of the line comfort noise keeps its level."""

_OPENING_BLOCKS: Final = 6
"""The first 100 ms of a line, before any echo can come back: their mean is noise."""
_FIRST_BLOCKS: Final = 15
_BLOCKS: Final = 60
"""The quietest of the last 1.2 to 2.4 s is noise: speech pauses at least that often."""
_BIAS: Final = 1.15
"""A minimum lies below the mean; half of it is taken from the previous floor, so 2 x
1.15 = 2.3 (minimum statistics, Martin 2001, measured)."""
_FOLLOW: Final = constant(2.5)
"""The floor is never more than 4 dB above what is heard now."""
_SMOOTH: Final = constant(0.8)
_SMOOTH_STEP: Final = constant(0.2)
_LEAST_POWER: Final = constant(100)
_RISE: Final = constant(1.04)
"""Comfort noise gets louder by 8.5 dB a second at most: a step would be heard as the
beginning of speech."""


class NoiseFloor:
    """The power spectrum of the line's own noise."""

    def __init__(self) -> None:
        self.power: Floats = np.full(BINS, 1e4, np.float32)
        self.comfort: Floats = self.power
        """The same, without steps: what comfort noise is made from."""
        self._least = np.full(BINS, 1e12, np.float32)
        self._least_before = self._least
        self._smooth = np.zeros(BINS, np.float32)
        self.n_pushed = 0
        self._n_blocks = 0
        self._is_first = True

    def push(self, power: Floats) -> None:
        """Take the power spectrum of one block, echo removed."""
        smooth = self._smooth
        if self._is_first and self._n_blocks < _OPENING_BLOCKS:
            smooth += (power - smooth) / (self._n_blocks + 1)
            self.power = np.maximum(smooth, _LEAST_POWER)
            self.comfort = self.power
        else:
            smooth *= _SMOOTH
            smooth += _SMOOTH_STEP * power
        np.minimum(self._least, smooth, out=self._least)
        self.n_pushed += 1
        self._n_blocks += 1
        if self._n_blocks >= (_FIRST_BLOCKS if self._is_first else _BLOCKS):
            least = np.minimum(self._least, self._least_before)
            self.power = np.asarray(0.5 * self.power + _BIAS * least, np.float32)
            self._least_before = self._least
            self._least = smooth.copy()
            self._n_blocks = 0
            self._is_first = False
        limit = smooth * _FOLLOW
        np.maximum(limit, _LEAST_POWER, out=limit)
        self.power = np.minimum(self.power, limit)
        self.comfort = np.minimum(self.power, self.comfort * _RISE)

    @property
    def level(self) -> float:
        """Mean power of the noise in the time domain."""
        # Every bin but the first and last stands for two of the full spectrum.
        return float(self.power.sum()) * 2 / BLOCK / WINDOW_ENERGY


class ComfortNoise:
    """Noise that sounds like the line when nobody speaks."""

    def __init__(self) -> None:
        self._next = 0
        self._ready: list[NDArray[np.int16]] = []
        self._stale_at = 0

    def pattern(self) -> Spectra:
        """Return the next noise spectrum of power 1."""
        self._next = (self._next + 7) % _N_PATTERNS
        pattern: Spectra = _PATTERNS[self._next]
        return pattern

    def frame(self, floor: NoiseFloor) -> NDArray[np.int16]:
        """Return 20 ms of noise at the line's level: int16, shape (160,)."""
        if not self._ready or floor.n_pushed >= self._stale_at:
            self._make(floor)
        return self._ready.pop()

    def _make(self, floor: NoiseFloor) -> None:
        # A whole block without window holds 320 p: twice WINDOW_ENERGY.
        level = np.sqrt(2 * floor.comfort)
        noise = waveform(
            np.array([level * self.pattern() for _ in range(_AT_ONCE)]), BLOCK
        )
        self._ready = list(to_pcm(noise).reshape(-1, FRAME_SAMPLES))
        self._stale_at = floor.n_pushed + _FRESH_BLOCKS

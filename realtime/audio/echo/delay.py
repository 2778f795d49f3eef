"""How late does our own speech come back?

`DelayEstimator` finds the bulk delay from nothing: an averaged, partly whitened
cross-correlation (Knapp and Carter 1976) over half a second, at 4 kHz to halve the
work, and a vote among successive looks.  `find_slip` finds out by how much a delay that
was known has moved, from an eighth of a second, with the echo that a trained filter
predicts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.audio.echo.config import SAMPLES_PER_MS, EchoConfig
from realtime.audio.echo.fourier import Floats, spectrum, waveform
from realtime.audio.echo.history import History

WINDOW: Final = 2048
"""Samples of the line in one look, at 4 kHz: 512 ms."""
LAGS: Final = 4096
"""Delays looked at, at 4 kHz: 0 to 1023 ms."""
_FFT: Final = 8192
_BAND: Final = slice(300 * _FFT // 4000, 1800 * _FFT // 4000)
"""300-1800 Hz: speech is strong there and the telephone lets it through."""
_REMEMBERED: Final = 6


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the correlation.

    Attributes:
        lag: of the highest peak, in samples at 8 kHz.
        height: of that peak over the RMS of all lags.
    """

    lag: int
    height: float


def _halve(pcm: NDArray[np.int16]) -> Floats:
    """Go from 8 to 4 kHz; what folds back is outside the band or alike in both."""
    pairs = pcm.astype(np.float32)
    return pairs[::2] + pairs[1::2]


class DelayEstimator:
    """Finds the bulk delay of an echo, 0 to 1023 ms.

    Args:
        config: thresholds and votes.
    """

    def __init__(self, config: EchoConfig) -> None:
        self._config = config
        self._tolerance = config.delay_tolerance_ms * SAMPLES_PER_MS
        self.reset()

    def reset(self) -> None:
        """Forget all looks."""
        n = _BAND.stop - _BAND.start
        self._average = np.zeros(n, np.complex64)
        self.looks: list[Look] = []
        self.n_fruitless = 0
        """Looks in a row that saw no echo."""

    def look(self, heard: History, played: History, end: int) -> Look | None:
        """Correlate the last half second of the line with what was played.

        Args:
            heard: the line, 8 kHz.
            played: what the telephone played, on the same clock.
            end: position behind the last sample to look at.

        Returns:
            the look, or None where either side was silent.
        """
        c = self._config
        line = _halve(heard.read(end - 2 * WINDOW, end))
        far = _halve(played.read(end - 2 * (WINDOW + LAGS), end))
        # Halving doubles the level, so powers are four times as high.
        if far @ far < 4 * c.least_played_power * len(far):
            return None
        if line @ line < 4 * c.least_heard_power * len(line):
            return None
        far_spectrum = spectrum(far, _FFT)[_BAND]
        cross = spectrum(line, _FFT)[_BAND] * far_spectrum.conj()
        magnitude = np.abs(cross)
        magnitude += 1e-3
        cross *= magnitude**-c.delay_whitening
        power = np.vdot(cross, cross).real / len(cross)
        cross *= (1 - c.delay_forget) / (np.sqrt(power) + 1e-12)
        self._average *= c.delay_forget
        self._average += cross
        whole = np.zeros(_FFT // 2 + 1, np.complex64)
        whole[_BAND] = self._average
        correlation = np.abs(waveform(whole, _FFT)[_FFT - LAGS :])
        at = int(correlation.argmax())
        rms = float(np.sqrt(correlation @ correlation / LAGS))
        look = Look(2 * at, float(correlation[at]) / (rms + 1e-12))
        self.looks = [*self.looks, look][-_REMEMBERED:]
        self.n_fruitless = 0 if self.is_suspicious else self.n_fruitless + 1
        return look

    def delay(self, votes: int, *, sure: bool = False) -> int | None:
        """Return the delay that enough looks agree on, samples at 8 kHz, or None.

        Looks overlap: where the peak is not high, two more must agree to be sure.

        Args:
            votes: how many.
            sure: nothing else says that there is an echo.
        """
        if not self.looks:
            return None
        newest = self.looks[-1]
        if sure and newest.height < self._config.delay_sure_peak:
            votes = min(votes + 2, _REMEMBERED)
        return newest.lag if self._agreeing(newest) >= votes else None

    def likely_delay(self) -> int | None:
        """Return the best guess where too little was heard for a vote, or None."""
        best = max(self.looks, key=lambda look: look.height, default=None)
        if best is None or best.height <= self._config.delay_peak:
            return None
        return best.lag

    @property
    def is_suspicious(self) -> bool:
        """The newest look saw what may be an echo."""
        return bool(self.looks) and self.looks[-1].height > self._config.delay_peak

    @property
    def is_likely(self) -> bool:
        """The newest look saw an echo, or what another one saw, too."""
        if not self.looks:
            return False
        newest = self.looks[-1]
        is_high = newest.height > self._config.delay_sure_peak
        return is_high or self._agreeing(newest) > 2

    def _agreeing(self, look: Look) -> int:
        peak = self._config.delay_peak
        if look.height <= peak:
            return 0
        return sum(
            other.height > peak and abs(other.lag - look.lag) <= self._tolerance
            for other in self.looks
        )


SLIP_WINDOW: Final = 1024
"""Samples of the line that a slip is looked for in: 128 ms."""
SLIP_RANGE: Final = 800
"""Slips up to 100 ms either way."""
_SLIP_FFT: Final = 4096
LEAST_SLIP: Final = 8
"""1 ms: less is left to the filter."""


@dataclass(frozen=True, slots=True)
class Slip:
    """By how much a known delay seems to have moved.

    Attributes:
        shift: in samples at 8 kHz; positive is later.
        match: correlation of the line with the predicted echo there, 0 to 1.
        match_here: the same without a shift.
        age: how many samples before the end the shift came about.
    """

    shift: int
    match: float
    match_here: float
    age: int


def find_slip(heard: Floats, played: Floats, path: Floats) -> Slip | None:
    """Compare the line with the predicted echo, moved to and fro.

    Args:
        heard: SLIP_WINDOW samples of the line.
        played: what was played, aligned as for the filter, from
            `SLIP_RANGE + len(path)` samples before `heard` to SLIP_RANGE after it.
        path: impulse response of the filter, at most 1200 samples.

    Returns:
        the best match, or None in silence.
    """
    n_path = len(path)
    line = np.zeros((3, _SLIP_FFT), np.float32)
    line[0, : len(played)] = played
    line[1, :n_path] = path
    # `heard` lies at the place it has in `played`, plus nothing: the path is causal.
    begin = n_path + SLIP_RANGE
    line[2, begin : begin + SLIP_WINDOW] = heard
    spectra = spectrum(line, _SLIP_FFT)
    echo_spectrum = spectra[0] * spectra[1]
    both = np.empty((2, len(echo_spectrum)), np.complex64)
    both[0] = echo_spectrum
    both[1] = spectra[2] * echo_spectrum.conj()
    echo, correlation = waveform(both, _SLIP_FFT)
    heard_energy = float(heard @ heard)
    sums = np.concatenate([np.zeros(1), np.cumsum(np.square(echo, dtype=np.float64))])
    # Shift s: heard[t] = echo[t - s], so the echo's window begins at begin - s.
    shifts = np.arange(-SLIP_RANGE, SLIP_RANGE + 1)
    first = begin - shifts
    energy = sums[first + SLIP_WINDOW] - sums[first]
    if heard_energy < SLIP_WINDOW or energy[SLIP_RANGE] < SLIP_WINDOW:
        return None
    strength = correlation[shifts % _SLIP_FFT]
    match = strength / np.sqrt(heard_energy * np.maximum(energy, energy.max() * 0.05))
    best = int(match.argmax())
    shift = int(shifts[best])
    here = heard - echo[begin : begin + SLIP_WINDOW]
    there = heard - echo[begin - shift : begin - shift + SLIP_WINDOW]
    # Before the shift the one fits better, after it the other.
    since = int(np.cumsum(np.square(here) - np.square(there)).argmin()) + 1
    return Slip(
        shift, float(match[best]), float(match[SLIP_RANGE]), SLIP_WINDOW - since
    )

"""What the filter leaves of the echo, and whether the near end speaks.

Works on spectra of 40 ms, every 20 ms: (1) as much of the predicted echo is taken away
as is coherent with the line, so that a filter gone astray adds nothing; (2) what is
left of the echo is estimated from what is played, and suppressed; (3) the same estimate
says whether there is more than echo: the near end.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from realtime.audio.echo.config import EchoConfig
from realtime.audio.echo.filter import BINS, BLOCK
from realtime.audio.echo.fourier import Floats, power_of, waveform
from realtime.audio.echo.spectrum import (
    BAND_OF_BIN,
    N_BANDS,
    SPEECH_BINS,
    WINDOW,
    ComfortNoise,
    NoiseFloor,
    block_spectra,
    in_bands,
)
from realtime.audio.g711 import FRAME_SAMPLES

_SPEECH: Final = np.zeros(BINS, np.float32)
_SPEECH[SPEECH_BINS] = 1

_COHERENCE_STEP: Final = 0.06
"""Smoothing of the coherent gain: 330 ms."""
_LEAK_STEP: Final = 0.03
"""Smoothing of the regression of what is left on what is played: 0.7 s."""
_FIRST_LEAK: Final = 0.25
_LEAK_LEARNED_FRAMES: Final = 25
"""Until then the leak may only sink slowly from where it was."""
_LEAST_CLEAR: Final = 8.0
"""An echo this far above the noise shows its distortion."""
_DISTORTION_UP: Final = 1.03
_DISTORTION_DOWN: Final = 0.97**2.3
"""The 30 % quantile: 7 steps up for 3 down, all of the same size, balance."""
_FIRST_DISTORTION: Final = 0.01
_MOST_DISTORTION: Final = 0.1
_LEAST_PREDICTED: Final = 126 * BLOCK * 200.0
"""Below 14 RMS of predicted echo nothing can be said about the path."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One processed frame.

    Attributes:
        pcm: the frame before the one given, float32, shape (160,).
        near: whether the block around it holds near-end speech.
    """

    pcm: Floats
    near: bool


class PathMonitor:
    """Is the predicted echo still there?

    In double talk <heard, predicted> / <predicted, predicted> stays near one, because
    the near end is a stranger to the prediction; after a change of the path it
    collapses.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget how well the filter did."""
        self.health = 0.0
        """Smoothed gamma, 0 to 1: above 0.6 the filter is doing well."""
        self._cross = self._power = self._variance = 0.0
        self._spread = self._spread_before = 0.02
        self.n_bad = 0
        self._newest = [(0.0, 0.0)] * 3
        self.gamma = 0.0
        self.sigma = 1.0
        self.gain = 1.0
        """The line's gain since the filter learned it."""
        self._gain_variance = 0.02

    def push(self, cross: float, predicted: float, variance: float) -> None:
        """Take one block.

        Args:
            cross: <heard, predicted> over the speech band.
            predicted: <predicted, predicted>.
            variance: sum of |heard|^2 |predicted|^2 over the bins.
        """
        self._newest = [*self._newest[1:], (cross, predicted)]
        self._cross += 0.2 * (cross - self._cross)
        self._power += 0.2 * (predicted - self._power)
        self._variance = 0.64 * self._variance + 0.04 * variance
        if self._power < _LEAST_PREDICTED:
            return
        gamma = self.gamma = self._cross / self._power
        sigma = self.sigma = (0.5 * self._variance) ** 0.5 / self._power
        if sigma < 0.2:
            off = min(1.5, max(-1.0, gamma)) - self.health
            if not self.n_bad:
                self._spread += 0.02 * (off * off - self._spread)
            self.health = min(1.0, max(0.0, self.health + 0.04 * off))
        drop = self.health - gamma
        is_bad = (
            self.health > 0.7
            and gamma < 0.45
            and drop > max(0.5, 5 * sigma, 3 * self._spread_before**0.5)
        )
        self.n_bad = self.n_bad + 1 if is_bad else 0
        if not is_bad:
            self._spread_before = self._spread

    def forgive(self) -> None:
        """The cause of a collapse was found: look again."""
        self._cross = self._power = self._variance = 0.0
        self.n_bad = 0

    @property
    def gamma_now(self) -> float:
        """Gamma of the last three blocks alone; 1 where nothing is predicted."""
        predicted = sum(p for _, p in self._newest)
        if predicted < _LEAST_PREDICTED:
            return 1.0
        return sum(c for c, _ in self._newest) / predicted

    @property
    def is_well(self) -> bool:
        """The filter predicts the echo."""
        return self.health > 0.6 and not self.n_bad

    @property
    def has_collapsed(self) -> bool:
        """The path is not the one that was learned."""
        return self.n_bad >= 2


class Suppressor:
    """Takes away what the filter leaves and judges the near end.

    Args:
        config: thresholds.
        floor: the line's noise, kept up to date here.
        comfort: source of noise.
    """

    def __init__(
        self, config: EchoConfig, floor: NoiseFloor, comfort: ComfortNoise
    ) -> None:
        self._config = config
        self._floor = floor
        self._comfort = comfort
        self.monitor = PathMonitor()
        self._rows = np.zeros((2, BLOCK), np.float32)
        self._tail = np.zeros(FRAME_SAMPLES, np.float32)
        self._leak = np.full(N_BANDS, _FIRST_LEAK, np.float32)
        self.reset_leak()
        self._coherent = np.zeros((2, N_BANDS), np.float32)
        self._previous = np.zeros(BINS, np.float32)
        # Room for what is added up in bands.
        self._both = np.zeros((2, BINS), np.float32)
        self._four = np.zeros((4, BINS), np.float32)
        self._hits = [False] * 5
        self._hang = 0

    def reset_leak(self) -> None:
        """The path is new: learn the leak anew, from the cautious side."""
        np.maximum(self._leak, _FIRST_LEAK, out=self._leak)
        self._covariance = np.zeros(N_BANDS, np.float32)
        self._means = np.zeros((2, N_BANDS), np.float32)
        self._variances = np.full((2, N_BANDS), 1e-3, np.float32)
        self.n_learned = 0
        self._distortion = _FIRST_DISTORTION

    def restart(self, heard: Floats) -> None:
        """Begin behind a frame that went out unprocessed."""
        self._rows[0, FRAME_SAMPLES:] = heard
        self._rows[1, FRAME_SAMPLES:] = 0
        self._previous[:] = 0
        self._hits = [False] * 5
        self._hang = 0

    def process(
        self, heard: Floats, echo: Floats, far: Floats | None, doubt: float = 0.0
    ) -> Judged:
        """Process one frame.

        Args:
            heard: the line, shape (160,).
            echo: the filter's prediction.
            far: power spectrum of what may be echoing now, or None when nothing is.
            doubt: relative variance of the prediction's gain.

        Returns:
            the frame before, and whether the near end speaks.
        """
        rows = self._rows
        rows[:, :FRAME_SAMPLES] = rows[:, FRAME_SAMPLES:]
        rows[0, FRAME_SAMPLES:] = heard
        rows[1, FRAME_SAMPLES:] = echo
        spectra = block_spectra(rows)
        line, predicted = spectra
        powers = power_of(spectra)
        gain = self._coherent_gain(
            line.real * predicted.real + line.imag * predicted.imag, powers
        )
        left = line - gain * predicted
        power = power_of(left)
        floor = self._floor
        floor.push(np.minimum(power, powers[0]))
        if far is None:
            near = self._hang > 0
            self._hang = max(0, self._hang - 1)
            out = left
        else:
            near, suppressed = self._judge(power, powers[1], far, doubt)
            out = left * suppressed
            missing = floor.comfort - power_of(out)
            np.maximum(missing, 0, out=missing)
            out += np.sqrt(missing, out=missing) * self._comfort.pattern()
        wave = waveform(out, BLOCK)
        wave *= WINDOW
        pcm = self._tail + wave[:FRAME_SAMPLES]
        self._tail = wave[FRAME_SAMPLES:]
        return Judged(pcm, near)

    def _coherent_gain(self, cross: Floats, powers: Floats) -> Floats:
        """Return how much of the prediction to subtract, per bin."""
        both = self._both
        both[0] = cross
        both[1] = powers[1]
        averaged = self._coherent
        averaged += _COHERENCE_STEP * (in_bands(both) - averaged)
        in_band = both @ _SPEECH
        self.monitor.push(
            float(in_band[0]),
            float(in_band[1]),
            float((powers[0] * _SPEECH) @ powers[1]),
        )
        # Slightly less than the estimate where it is small: it is mostly chance there.
        gain = 1.15 * averaged[0] / (averaged[1] + 1e-3) - 0.15
        limited: Floats = np.minimum(np.maximum(gain, 0), 1)[BAND_OF_BIN]
        return limited

    def _judge(
        self, power: Floats, predicted: Floats, far: Floats, doubt: float
    ) -> tuple[bool, Floats]:
        """Return whether the near end speaks, and the gain per bin."""
        c = self._config
        four = self._four
        four[0], four[1], four[2], four[3] = power, far, self._floor.power, predicted
        bands = in_bands(four)
        left, played = bands[0], bands[1]
        noise = 0.7 * bands[2]
        self._learn_leak(bands[:2])
        distortion = c.distortion_ratio * self._learn_distortion(left, noise, bands[3])
        distortion += c.doubt_ratio * doubt
        expected = self._leak * played + distortion / c.near_ratio * bands[3]
        excess = left - c.near_ratio * expected
        hit = (
            float(np.maximum(excess - 2 * noise, 0).sum())
            > float(noise.sum()) + 0.02 * float(expected.sum()) + 1
            and int(np.count_nonzero(excess > 3 * noise)) >= 3
        )
        self._hits = [*self._hits[1:], hit]
        if sum(self._hits) >= 3:
            self._hang = c.hang_frames
        elif self._hang:
            self._hang -= 1
        near = self._hang > 0
        if near:
            deviation = np.sqrt(self._variances)
            spread = deviation[0] * deviation[1] + 1e-6
            sure = np.maximum((self._covariance / spread - 0.05) * 5, 0)
            leak = self._leak * np.minimum(sure, 1) * c.over_subtraction_near
        else:
            leak = self._leak * c.over_subtraction
        residual = leak[BAND_OF_BIN] * far + distortion * predicted + 1e-9
        ratio = power / residual
        # Decision-directed (Ephraim and Malah 1984).
        prior = 0.6 * self._previous + 0.4 * np.maximum(ratio - 1, 0)
        gain = np.maximum(prior / (1 + prior), c.floor)
        np.minimum(gain, 1, out=gain)
        self._previous = gain * gain * ratio
        return near, gain

    def _learn_distortion(
        self, left: Floats, noise: Floats, predicted: Floats
    ) -> float:
        """Return how much of an echo is never predicted, however long one learns.

        Codecs, clipping and level controls add sound that comes and goes with the echo.
        A low quantile of what is left by what was predicted: the near end speaks less
        than two thirds of the time, even in double talk.
        """
        echo = float(predicted.sum())
        if echo > _LEAST_CLEAR * float(noise.sum()):
            ratio = float(np.maximum(left - noise, 0).sum()) / echo
            is_more = ratio > self._distortion
            self._distortion *= _DISTORTION_UP if is_more else _DISTORTION_DOWN
            self._distortion = min(_MOST_DISTORTION, max(1e-4, self._distortion))
        return self._distortion

    def _learn_leak(self, bands: Floats) -> None:
        """Regress what is left on what is played; near-end speech averages out."""
        left, played = bands
        share = 2 * self._leak * played / (left + 1e-9)
        step = _LEAK_STEP * np.minimum(np.maximum(share, 0.05), 1)
        off = bands - self._means
        self._means += _LEAK_STEP * off
        self._covariance += step * (off[0] * off[1] - self._covariance)
        self._variances += step * (off * off - self._variances)
        self.n_learned += 1
        leak = self._covariance / (self._variances[1] + 1e-9)
        leak = np.minimum(np.maximum(leak, 1e-4), 2)
        if self.n_learned < _LEAK_LEARNED_FRAMES:
            leak = np.maximum(leak, self._leak * 0.98)
        self._leak = leak

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
from realtime.audio.echo.fourier import (
    ONE,
    ZERO,
    Floats,
    Spectra,
    constant,
    power_of,
    waveform,
)
from realtime.audio.echo.spectrum import (
    BAND_OF_BIN,
    N_BANDS,
    SPEECH_BINS,
    WINDOW,
    ComfortNoise,
    NoiseFloor,
    in_bands,
)
from realtime.audio.g711 import FRAME_SAMPLES

_COHERENCE_STEP: Final = constant(0.06)
"""Smoothing of the coherent gain: 330 ms."""
_LEAK_STEP: Final = constant(0.06)
"""Smoothing of the regression of what is left on what is played: 0.7 s."""
_FIRST_LEAK: Final = 0.25
_LEAK_SINK: Final = constant(0.96)
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

_TINY: Final = constant(1e-9)
_SMALL: Final = constant(1e-3)
_SURE_GAIN: Final = constant(1.15)
_SURE_OFFSET: Final = constant(-0.15)
_NOISE_SHARE: Final = constant(0.7)
_TWO, _THREE = constant(2), constant(3)
_LEAST_SHARE: Final = constant(0.05)
_LEAST_LEAK: Final = constant(1e-4)
_MOST_LEAK: Final = _TWO
_PRIOR_PAST, _PRIOR_NOW = constant(0.6), constant(0.4)
_PREDICTED, _CROSS, _LINE, _FAR, _FLOOR = range(5)
"""What is added up in bands; each is used together with its neighbour."""


@dataclass(slots=True)
class Block:
    """40 ms of the line: what it takes to make sound of it, should it be let out.

    Attributes:
        near: whether it holds near-end speech.
        left: spectrum of the line without what is coherent with the prediction.
        residual: power of the echo still in it, or None where nothing echoes.
    """

    near: bool
    left: Spectra
    residual: Floats | None


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
        self._near_ratio = constant(config.near_ratio)
        self._over = constant(config.over_subtraction)
        self._least_gain = constant(config.floor)
        self._tail = np.zeros(FRAME_SAMPLES, np.float32)
        self._rendered: Block | None = None
        """The block that the tail is of."""
        self._leak = np.full(N_BANDS, _FIRST_LEAK, np.float32)
        self.reset_leak()
        self._coherent = np.zeros((2, N_BANDS), np.float32)
        self._previous = np.zeros(BINS, np.float32)
        self._hits = [False] * 5
        self._hang = 0

    def reset_leak(self) -> None:
        """The path is new: learn the leak anew, from the cautious side."""
        np.maximum(self._leak, _FIRST_LEAK, out=self._leak)
        self._means = np.zeros((2, N_BANDS), np.float32)
        # Of what is left and what is played: covariance and variances.
        self._moments = np.full((3, N_BANDS), 1e-3, np.float32)
        self._moments[0] = 0
        self.n_learned = 0
        self._distortion = _FIRST_DISTORTION

    def restart(self) -> None:
        """Begin behind a frame that went out unprocessed."""
        self._previous[:] = 0
        self._hits = [False] * 5
        self._hang = 0

    def process(
        self,
        spectra: Spectra,
        far: Floats | None,
        doubt: float = 0.0,
        *,
        learn: bool = True,
    ) -> Block:
        """Process one block.

        Args:
            spectra: of the newest two frames, windowed: the filter's prediction and the
                line, shape (2, 161).
            far: power spectrum of what may be echoing now, or None when nothing is.
            doubt: relative variance of the prediction's gain.
            learn: whether to learn the leak: every second block, which overlaps with
                its neighbours, is as good as all.

        Returns:
            the block, judged.
        """
        predicted, line = spectra
        powers = np.zeros((5, BINS), np.float32)
        powers[_PREDICTED : _CROSS + 1] = (spectra * predicted.conj()).real
        powers[_LINE] = power_of(line)
        if far is not None:
            powers[_FAR] = far
        powers[_FLOOR] = self._floor.power
        bands = in_bands(powers)
        self.monitor.push(
            sum(bands[_CROSS].tolist()),
            sum(bands[_PREDICTED].tolist()),
            float(powers[_LINE, SPEECH_BINS].dot(powers[_PREDICTED, SPEECH_BINS])),
        )
        gain_in_band = self._coherent_gain(bands)
        gain = gain_in_band[BAND_OF_BIN]
        left = line - gain * predicted
        power = power_of(left)
        self._floor.push(np.minimum(power, powers[_LINE]))
        if far is None:
            near = self._hang > 0
            self._hang = max(0, self._hang - 1)
            return Block(near, left, None)
        # The power of `left` in bands, where the gain is one number.
        bands[_LINE] += gain_in_band * (
            gain_in_band * bands[_PREDICTED] - _TWO * bands[_CROSS]
        )
        near, leak, distortion = self._judge(bands, doubt, learn=learn)
        residual = leak[BAND_OF_BIN] * far
        residual += distortion * powers[_PREDICTED]
        residual += _TINY
        return Block(near, left, residual)

    def render(self, before: Block, block: Block) -> Floats:
        """Make sound of the frame that two blocks share; in order, as far as wanted.

        Args:
            before: the block that ends with the frame.
            block: the one that begins with it.

        Returns:
            float32, shape (160,).
        """
        if self._rendered is not before:
            self._wave(before)
        tail = self._tail
        return tail + self._wave(block)[:FRAME_SAMPLES]

    def _wave(self, block: Block) -> Floats:
        out = block.left
        if block.residual is not None:
            out = out * self._gain(power_of(out) / block.residual)
            missing = self._floor.comfort - power_of(out)
            np.maximum(missing, ZERO, out=missing)
            out += np.sqrt(missing, out=missing) * self._comfort.pattern()
        wave = waveform(out, BLOCK)
        wave *= WINDOW
        self._tail = wave[FRAME_SAMPLES:]
        self._rendered = block
        return wave

    def _gain(self, ratio: Floats) -> Floats:
        """Return the gain per bin: decision-directed (Ephraim and Malah 1984).

        Args:
            ratio: power of all that is there by that of the echo.
        """
        prior = ratio - ONE
        np.maximum(prior, ZERO, out=prior)
        prior *= _PRIOR_NOW
        prior += _PRIOR_PAST * self._previous
        gain = prior / (prior + ONE)
        np.maximum(gain, self._least_gain, out=gain)
        self._previous = gain * gain * ratio
        return gain

    def _coherent_gain(self, bands: Floats) -> Floats:
        """Return how much of the prediction to subtract, per band."""
        averaged = self._coherent
        averaged += _COHERENCE_STEP * (bands[:_LINE] - averaged)
        # Slightly less than the estimate where it is small: it is mostly chance there.
        gain: Floats = averaged[_CROSS] / (averaged[_PREDICTED] + _SMALL)
        gain *= _SURE_GAIN
        gain += _SURE_OFFSET
        np.maximum(gain, ZERO, out=gain)
        np.minimum(gain, ONE, out=gain)
        return gain

    def _judge(
        self, bands: Floats, doubt: float, *, learn: bool
    ) -> tuple[bool, Floats, float]:
        """Return whether the near end speaks, and leak and distortion to suppress."""
        c = self._config
        left, played, predicted = bands[_LINE], bands[_FAR], bands[_PREDICTED]
        noise = _NOISE_SHARE * bands[_FLOOR]
        noise_level = sum(noise.tolist())
        self.n_learned += 1
        if learn:
            self._learn_leak(bands[_LINE:_FLOOR])
        distortion = c.distortion_ratio * self._learn_distortion(
            left, noise, noise_level, sum(predicted.tolist())
        )
        distortion += c.doubt_ratio * doubt
        most_echo = self._leak * played
        most_echo *= self._near_ratio
        most_echo += distortion * predicted
        excess = left - most_echo
        clear = np.maximum(excess - _TWO * noise, ZERO)
        hit = (
            sum(clear.tolist())
            > noise_level + 0.02 / c.near_ratio * sum(most_echo.tolist()) + 1
            and int(np.count_nonzero(excess > _THREE * noise)) >= 3
        )
        self._hits = [*self._hits[1:], hit]
        if sum(self._hits) >= 3:
            self._hang = c.hang_frames
        elif self._hang:
            self._hang -= 1
        if not self._hang:
            return False, self._leak * self._over, distortion
        covariance, variances = self._moments[0], self._moments[1:]
        deviation = np.sqrt(variances)
        spread = deviation[0] * deviation[1] + 1e-6
        sure = np.minimum(np.maximum((covariance / spread - 0.05) * 5, 0), 1)
        return True, self._leak * sure * c.over_subtraction_near, distortion

    def _learn_distortion(
        self, left: Floats, noise: Floats, noise_level: float, echo: float
    ) -> float:
        """Return how much of an echo is never predicted, however long one learns.

        Codecs, clipping and level controls add sound that comes and goes with the echo.
        A low quantile of what is left by what was predicted: the near end speaks less
        than two thirds of the time, even in double talk.
        """
        if echo > _LEAST_CLEAR * noise_level:
            ratio = sum(np.maximum(left - noise, ZERO).tolist()) / echo
            is_more = ratio > self._distortion
            self._distortion *= _DISTORTION_UP if is_more else _DISTORTION_DOWN
            self._distortion = min(_MOST_DISTORTION, max(1e-4, self._distortion))
        return self._distortion

    def _learn_leak(self, bands: Floats) -> None:
        """Regress what is left on what is played; near-end speech averages out."""
        left, played = bands
        step = self._leak * played
        step *= _TWO
        step /= left + _TINY
        np.maximum(step, _LEAST_SHARE, out=step)
        np.minimum(step, ONE, out=step)
        step *= _LEAK_STEP
        means, moments = self._means, self._moments
        off = bands - means
        means += _LEAK_STEP * off
        products = np.empty_like(moments)
        np.multiply(off[0], off[1], out=products[0])
        np.multiply(off, off, out=products[1:])
        products -= moments
        products *= step
        moments += products
        leak = moments[0] / (moments[2] + _TINY)
        np.maximum(leak, _LEAST_LEAK, out=leak)
        np.minimum(leak, _MOST_LEAK, out=leak)
        if self.n_learned < _LEAK_LEARNED_FRAMES:
            leak = np.maximum(leak, self._leak * _LEAK_SINK)
        self._leak = leak

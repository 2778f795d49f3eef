"""The echo as a linear filter predicts it.

Frequency-domain Kalman filter in partitions of one frame (Enzner and Vary 2006; in
partitions: Kuech, Mabande and Enzner 2014).  The step size of every bin follows from
how uncertain the path is there and how much else is on the line, so double talk slows
it down by itself.
"""

from typing import Final

import numpy as np

from realtime.audio.echo.config import EchoConfig
from realtime.audio.echo.fourier import Floats, power_of, spectrum, waveform
from realtime.audio.g711 import FRAME_SAMPLES

BLOCK: Final = 2 * FRAME_SAMPLES
BINS: Final = FRAME_SAMPLES + 1

_NOISE_FORGET: Final = 0.8
"""Smoothing of the error's power over 5 frames."""
_LEAST_NOISE: Final = 1e3
"""Keeps the step finite on a silent line: 2.5 RMS."""


_GAIN_NOISE: Final = 5.0 / FRAME_SAMPLES
"""Speech has about a fifth as many independent samples as it has samples."""
_WANDER_UP: Final = 0.05
_WANDER_DOWN: Final = 0.01
"""A level control that was seen at work is expected for some seconds."""
_LEAST_DRIFT, _MOST_DRIFT = 1e-6, 2e-3
_GAIN_FROM: Final = 50
"""Frames after which there is a path whose gain could change."""
_GAIN_SURPRISE: Final = 9.0
"""Three standard deviations."""
_ALIKE: Final = 0.5
"""Squared correlation above which line and prediction differ by a gain only."""
_LEAST_GAIN_NOISE: Final = 5e-4
"""Mu-law alone leaves 1/5000 of the power."""
_GAIN_RETURN: Final = 0.004
"""5 s: the level control's own pace is faster, the filter's about the same."""
_GAIN_RANGE: Final = (0.3, 3.0)


class GainTracker:
    """Follows a line whose level control turns the echo up and down.

    A Kalman filter with one state, the gain since the path was learned.  How fast the
    gain wanders is learned from how far it is off where that can be seen well.
    """

    def __init__(self) -> None:
        self.gain = 1.0
        self.variance = 1e-3
        self._wander = 0.0

    def push(self, heard: Floats, echo: Floats) -> float:
        """Take one frame of the line and the echo predicted; return the gain."""
        predicted = float(echo @ echo)
        if predicted < FRAME_SAMPLES * 400.0:
            return self.gain
        cross = float(heard @ echo)
        off = cross / predicted - self.gain
        rest = heard - self.gain * echo
        noise = _GAIN_NOISE * float(rest @ rest) / predicted + _LEAST_GAIN_NOISE
        if off * off > _GAIN_SURPRISE * (noise + self.variance):
            if cross * abs(cross) < _ALIKE * predicted * float(heard @ heard):
                return self.gain  # not the gain but another path
            self.variance += 0.25 * off * off
        if noise < 0.05:
            excess = min(off * off, 0.25) - noise - self.variance
            step = _WANDER_UP if excess > self._wander else _WANDER_DOWN
            self._wander = max(0.0, self._wander + step * (excess - self._wander))
        self.variance += min(_MOST_DRIFT, max(_LEAST_DRIFT, 0.1 * self._wander))
        trust = self.variance / (self.variance + noise)
        self.variance *= 1 - trust
        low, high = _GAIN_RANGE
        gain = self.gain + trust * off
        # What stays is the path's own business.
        gain += _GAIN_RETURN * (1 - gain)
        self.gain = min(high, max(low, gain))
        return self.gain


class KalmanFilter:
    """Learns an echo path and predicts the echo.

    Args:
        config: number of partitions and how fast a path changes.
    """

    def __init__(self, config: EchoConfig) -> None:
        n = config.partitions
        self._config = config
        spread = config.partition_decay ** np.abs(np.arange(n) - 1.0)
        self._spread = spread.astype(np.float32)[:, np.newaxis]
        self._far = np.zeros((n, BINS), np.complex64)  # newest first
        self._error = np.zeros(BLOCK, np.float32)
        self.far_power = np.zeros((n, BINS), np.float32)
        """|spectrum|^2 of what was played, per partition, newest first."""
        self.reset(config.first_uncertainty)

    def reset(self, uncertainty: float) -> None:
        """Forget the path.

        Args:
            uncertainty: how strong it may be: power heard by power played.
        """
        shape = self._far.shape
        self._path = np.zeros(shape, np.complex64)
        self._uncertainty = np.zeros(shape, np.float32) + uncertainty * self._spread
        self._noise = np.full(BINS, 1e3, np.float32)
        self._n_learned = 0
        self.gain = GainTracker()

    def load(self, played: Floats) -> None:
        """Take the past of the reference, as if it had been processed.

        Args:
            played: the `partitions + 1` frames before the next one, in order.
        """
        n = len(self._far)
        blocks = np.lib.stride_tricks.sliding_window_view(played, BLOCK)
        self._far[:] = spectrum(blocks[::FRAME_SAMPLES][::-1][:n], BLOCK)
        self.far_power[:] = power_of(self._far)

    @property
    def path(self) -> Floats:
        """The impulse response, partitions x 160 samples."""
        taps = waveform(self._path, BLOCK)[:, :FRAME_SAMPLES]
        return taps.ravel()

    def process(self, heard: Floats, played: Floats, *, learn: bool = True) -> Floats:
        """Predict the echo in one frame, and learn from the error.

        Args:
            heard: the line, float32, shape (160,).
            played: the reference, this frame behind the one before: shape (320,).
            learn: whether to adapt.

        Returns:
            the echo, float32, shape (160,).
        """
        far, power = self._far, self.far_power
        far[1:] = far[:-1]
        power[1:] = power[:-1]
        newest = spectrum(played, BLOCK)
        far[0] = newest
        power[0] = power_of(newest)
        predicted = np.einsum("pk,pk->k", far, self._path)
        echo = waveform(predicted, BLOCK)[FRAME_SAMPLES:]
        if self._n_learned > _GAIN_FROM:
            echo = self.gain.push(heard, echo) * echo
        if learn:
            self._learn(heard - echo)
        return echo

    @property
    def is_settled(self) -> bool:
        """The path has been learned for long."""
        return self._n_learned >= self._config.settling_frames

    def _learn(self, error: Floats) -> None:
        self._error[FRAME_SAMPLES:] = error
        error_spectrum = spectrum(self._error, BLOCK)
        noise, uncertainty, power = self._noise, self._uncertainty, self.far_power
        noise *= _NOISE_FORGET
        noise += (1 - _NOISE_FORGET) * power_of(error_spectrum)
        # Half: a block of twice the frame holds the error once (overlap-save).
        expected = np.einsum("pk,pk->k", power, uncertainty)
        expected *= 0.5
        expected += noise
        expected += _LEAST_NOISE
        step = uncertainty / expected
        gradient = self._far.conj()
        gradient *= step * error_spectrum
        taps = waveform(gradient, BLOCK)
        taps[:, FRAME_SAMPLES:] = 0
        self._path += spectrum(taps, BLOCK)
        step *= power
        step *= -0.5
        step += 1
        uncertainty *= step
        keep = self._keep()
        uncertainty *= keep
        uncertainty += (1 - keep) * power_of(self._path) + 1e-9

    def _keep(self) -> float:
        """Return how much of the path is taken to stay: less while it is new."""
        c = self._config
        age = min(1.0, self._n_learned / c.settling_frames)
        self._n_learned += 1
        change = (1 - c.transition_new) ** (1 - age) * (1 - c.transition) ** age
        return float((1 - change) ** 2)

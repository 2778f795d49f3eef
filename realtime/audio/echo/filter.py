"""The echo as a linear filter predicts it.

Frequency-domain Kalman filter in partitions of one frame (Enzner and Vary 2006; in
partitions: Kuech, Mabande and Enzner 2014).  The step size of every bin follows from
how uncertain the path is there and how much else is on the line, so double talk slows
it down by itself.
"""

from typing import Final

import numpy as np

from realtime.audio.echo.config import EchoConfig
from realtime.audio.echo.fourier import (
    Floats,
    Spectra,
    constant,
    power_of,
    spectrum,
    waveform,
)
from realtime.audio.echo.history import Samples
from realtime.audio.g711 import FRAME_SAMPLES

BLOCK: Final = 2 * FRAME_SAMPLES
BINS: Final = FRAME_SAMPLES + 1
_ROOM: Final = 1
"""So many more spectra fit in: they are moved only every other frame."""

_NOISE_FORGET: Final = constant(0.8)
"""Smoothing of the error's power over 5 frames."""
_NOISE_STEP: Final = constant(0.2)
_LEAST_NOISE: Final = constant(1e3)
"""Keeps the step finite on a silent line: 2.5 RMS."""
_HALF: Final = constant(0.5)
_LEAST_UNCERTAINTY: Final = constant(1e-9)

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

    def push(self, heard: float, cross: float, predicted: float) -> float:
        """Take one frame of the line and the echo predicted; return the gain.

        Args:
            heard: the line's energy.
            cross: <line, echo>.
            predicted: the echo's energy.
        """
        if predicted < FRAME_SAMPLES * 400.0:
            return self.gain
        off = cross / predicted - self.gain
        rest = max(0.0, heard - self.gain * (2 * cross - self.gain * predicted))
        noise = _GAIN_NOISE * rest / predicted + _LEAST_GAIN_NOISE
        if off * off > _GAIN_SURPRISE * (noise + self.variance):
            if cross * abs(cross) < _ALIKE * predicted * heard:
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
        # Newest first, and room, so that all move only now and then.
        self._room_far = np.zeros((n + _ROOM, BINS), np.complex64)
        self._room_power = np.zeros((n + _ROOM, BINS), np.float32)
        self._newest = 0
        self.heard_energy = self.error_energy = 0.0
        """Of the newest frame, before and after the echo is taken out."""
        self.reset(config.first_uncertainty)

    @property
    def _far(self) -> Spectra:
        """The spectra of what was played, per partition, newest first."""
        return self._room_far[self._newest : self._newest + self._config.partitions]

    @property
    def far_power(self) -> Floats:
        """Their |spectrum|^2."""
        return self._room_power[self._newest : self._newest + self._config.partitions]

    def reset(self, uncertainty: float) -> None:
        """Forget the path.

        Args:
            uncertainty: how strong it may be: power heard by power played.
        """
        shape = (self._config.partitions, BINS)
        self._path = np.zeros(shape, np.complex64)
        self._uncertainty = np.zeros(shape, np.float32) + uncertainty * self._spread
        self._noise = np.full(BINS, 1e3, np.float32)
        self._n_learned = 0
        self._new_taps: Floats | None = None
        """What was learned from the frame before and is not in the path yet."""
        self.gain = GainTracker()

    def load(self, played: Floats) -> None:
        """Take the past of the reference, as if it had been processed.

        Args:
            played: the `partitions + 1` frames before the next one, in order.
        """
        n = self._config.partitions
        self._newest = _ROOM
        blocks = np.lib.stride_tricks.sliding_window_view(played, BLOCK)
        self._far[:] = spectrum(blocks[::FRAME_SAMPLES][::-1][:n], BLOCK)
        self.far_power[:] = power_of(self._far)

    @property
    def path(self) -> Floats:
        """The impulse response, partitions x 160 samples."""
        taps = waveform(self._path, BLOCK)[:, :FRAME_SAMPLES]
        if self._new_taps is not None:
            taps = taps + self._new_taps
        return taps.ravel()

    def predict(self, heard: Floats, played: Samples) -> Floats:
        """Predict the echo in one frame.

        Args:
            heard: the line, float32, shape (160,).
            played: the reference, this frame behind the one before: shape (320,).

        Returns:
            the echo, float32, shape (160,).
        """
        if not self._newest:
            self._make_room()
        self._newest -= 1
        newest = self._transform(played)
        self._room_far[self._newest] = newest
        self._room_power[self._newest] = power_of(newest)
        predicted_spectrum = np.add.reduce(self._far * self._path, axis=0)
        echo = waveform(predicted_spectrum, BLOCK)[FRAME_SAMPLES:]
        energy, cross = float(heard.dot(heard)), float(heard.dot(echo))
        predicted, gain = float(echo.dot(echo)), 1.0
        if self._n_learned > _GAIN_FROM:
            gain = self.gain.push(energy, cross, predicted)
            echo *= gain
        self.heard_energy = energy
        self.error_energy = energy - gain * (2 * cross - gain * predicted)
        return echo

    def _transform(self, played: Samples) -> Spectra:
        """Return the spectrum of what is played, and put what was learned in place."""
        taps = self._new_taps
        if taps is None:
            return spectrum(played.astype(np.float32), BLOCK)
        rows = np.zeros((1 + len(taps), BLOCK), np.float32)
        rows[0] = played
        rows[1:, :FRAME_SAMPLES] = taps
        spectra = spectrum(rows, BLOCK)
        self._path += spectra[1:]
        self._new_taps = None
        newest: Spectra = spectra[0]
        return newest

    def _make_room(self) -> None:
        keep = self._config.partitions - 1
        self._newest = _ROOM + 1
        self._room_far[-keep:] = self._room_far[:keep]
        self._room_power[-keep:] = self._room_power[:keep]

    @property
    def is_settled(self) -> bool:
        """The path has been learned for long."""
        return self._n_learned >= self._config.settling_frames

    def learn(self, error: Spectra) -> None:
        """Adapt.

        Args:
            error: spectrum of a frame of zeros and what the prediction has left of
                this frame.
        """
        noise, uncertainty, power = self._noise, self._uncertainty, self.far_power
        noise *= _NOISE_FORGET
        noise += _NOISE_STEP * power_of(error)
        # Half: a block of twice the frame holds the error once (overlap-save).
        expected = np.add.reduce(power * uncertainty, axis=0)
        expected *= _HALF
        expected += noise
        expected += _LEAST_NOISE
        step = uncertainty / expected
        gradient = self._far.conj()
        gradient *= step * error
        # Only what lies in the partition; see `_transform` for the rest.
        self._new_taps = waveform(gradient, BLOCK)[:, :FRAME_SAMPLES].copy()
        keep = self._keep()
        step *= power
        step *= -0.5 * keep
        step += keep
        uncertainty *= step
        change = power_of(self._path)
        change *= 1 - keep
        uncertainty += change
        uncertainty += _LEAST_UNCERTAINTY

    def _keep(self) -> float:
        """Return how much of the path is taken to stay: less while it is new."""
        c = self._config
        age = min(1.0, self._n_learned / c.settling_frames)
        self._n_learned += 1
        change = (1 - c.transition_new) ** (1 - age) * (1 - c.transition) ** age
        return float((1 - change) ** 2)

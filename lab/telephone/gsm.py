"""GSM full rate speech (RPE-LTP, 13 kbit/s): what the codec does to 20 ms of sound.

After ETSI EN 300 961 (GSM 06.10); the numbers in brackets are its sections.  Computed
in floating point, with the standard's quantisers and tables: it loses what the codec
loses, but is not bit exact.  A test decodes our parameters with another decoder.

    encoder: pre-emphasis ─► 8 reflection coefficients ─► residual ─► for each 5 ms:
             minus the past residual at the best lag ─► low-pass ─► best of 4 grids of
             13 samples ─► block maximum and 3 bits a sample
    decoder: the same backwards

Pure: frames in, frames out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.audio.g711 import FRAME_SAMPLES

Samples = NDArray[np.int16]
_Floats = NDArray[np.float64]

SUBFRAME: Final = 40
ORDER: Final = 8
LAGS: Final = (40, 120)
"""Shortest and longest lag of the long-term predictor [3.1.14], samples at 8 kHz."""

OFFSET_POLE: Final = 32735 / 32768
"""Of the offset compensation [4.2.2]."""
EMPHASIS: Final = 28180 / 32768
"""Of the pre-emphasis [4.2.3]."""

LAR_A: Final = np.array([20, 20, 20, 20, 13.637, 15, 8.334, 8.824])
LAR_B: Final = np.array([0, 0, 4, -5, 0.184, -3.5, -0.666, -2.235])
LAR_MIN: Final = np.array([-32, -32, -16, -16, -8, -8, -4, -4])
LAR_MAX: Final = np.array([31, 31, 15, 15, 7, 7, 3, 3])
"""Quantisers of the eight log area ratios [table 3.1]."""
MOST_REFLECTION: Final = 32767 / 32768
"""Below 1, so that the synthesis filter is stable."""
SEGMENTS: Final = ((13, 0.75), (14, 0.5), (13, 0.25), (120, 0.0))
"""Samples, and the share of the frame before: how the ratios are blended [3.1.9]."""

GAIN_LEVELS: Final = np.array([0.2, 0.5, 0.8])
GAINS: Final = (0.1, 0.35, 0.65, 1.0)
"""Decision levels and values of the long-term gain [table 3.3]."""
WEIGHTING: Final = np.array(
    [-134, -374, 0, 2054, 5741, 8192, 5741, 2054, 0, -374, -134]
)
"""Low-pass before the grids are chosen, of 8192 [table 4.4]."""
BLOCK_MAXIMA: Final = np.array(
    [
        *range(31, 512, 32),
        *(
            (8 + step) * 2**octave - 1
            for octave in range(6, 12)
            for step in range(1, 9)
        ),
    ]
)
"""The 64 block maxima: steps of 32 up to 511, then 8 an octave up to 32767
[table 3.5]."""


@dataclass(frozen=True, slots=True)
class Subframe:
    """What is sent for 5 ms.

    Attributes:
        lag: Nc, of the long-term predictor.
        gain: bc, index into GAINS.
        grid: Mc, 0-3.
        maximum: xmaxc, index into BLOCK_MAXIMA.
        pulses: xMc, int, shape (13,), 0-7.
    """

    lag: int
    gain: int
    grid: int
    maximum: int
    pulses: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frame:
    """What is sent for 20 ms.

    Attributes:
        ratios: LARc, int, shape (8,), between LAR_MIN and LAR_MAX.
        subframes: the four of it.
    """

    ratios: NDArray[np.int64]
    subframes: tuple[Subframe, ...]


class _Predictor:
    """The past residual, as both sides know it."""

    def __init__(self) -> None:
        self.past: _Floats = np.zeros(LAGS[1])

    def predict(self, lag: int, gain: int) -> _Floats:
        first = LAGS[1] - lag
        predicted: _Floats = GAINS[gain] * self.past[first : first + SUBFRAME]
        return predicted

    def add(self, sent: Subframe, predicted: _Floats) -> _Floats:
        """Rebuild the residual of a subframe and remember it."""
        residual = predicted.copy()
        scale = BLOCK_MAXIMA[sent.maximum] / 8
        residual[sent.grid :: 3][:13] += (2 * sent.pulses - 7) * scale
        self.past = np.concatenate([self.past[SUBFRAME:], residual])
        return residual


class _Blend:
    """Reflection coefficients, blended over the start of each frame."""

    def __init__(self) -> None:
        self._before = np.zeros(ORDER)

    def segments(self, ratios: NDArray[np.int64]) -> list[tuple[int, _Floats]]:
        """Return (samples, shape (8,) coefficients) for the four parts of a frame."""
        now = (ratios - LAR_B) / LAR_A
        shares = np.array([[share] for _, share in SEGMENTS])
        blended = _reflection(shares * self._before + (1 - shares) * now)
        self._before = now
        return [(n, r) for (n, _), r in zip(SEGMENTS, blended, strict=True)]


class Encoder:
    """Makes frames of sound."""

    def __init__(self) -> None:
        self._last_in = self._last_offset = self._last_plain = 0.0
        self._lattice = np.zeros(ORDER)
        self._blend = _Blend()
        self._predictor = _Predictor()

    def encode(self, pcm: Samples) -> Frame:
        """Encode 20 ms.

        Args:
            pcm: int16, shape (160,).
        """
        signal = self._emphasise(pcm)
        ratios = _quantise_ratios(_schur(signal))
        residual = self._filter(signal, ratios)
        parts = residual.reshape(-1, SUBFRAME)
        return Frame(ratios, tuple(self._subframe(part) for part in parts))

    def _emphasise(self, pcm: Samples) -> _Floats:
        # 13 bits, kept one bit below full scale [4.2.1].
        x = np.floor(pcm / 8) * 4
        steps = np.diff(x, prepend=self._last_in)
        self._last_in = float(x[-1])
        powers = OFFSET_POLE ** np.arange(1, len(x) + 1)
        plain = powers * (self._last_offset + np.cumsum(steps / powers))
        self._last_offset = float(plain[-1])
        # Whole numbers, as in the standard: what decays comes to an end, or the tail
        # of a sound, far below one step, would be taken for the loudest of vowels.
        plain = np.rint(plain)
        before = np.concatenate([[self._last_plain], plain[:-1]])
        self._last_plain = float(plain[-1])
        emphasised: _Floats = np.rint(plain - EMPHASIS * before)
        return emphasised

    def _filter(self, signal: _Floats, ratios: NDArray[np.int64]) -> _Floats:
        """Short-term analysis [4.2.10], stage by stage over the whole frame."""
        blends = self._blend.segments(ratios)
        each = np.concatenate([np.tile(r, (n, 1)) for n, r in blends])
        forward, backward = signal, signal
        for stage in range(ORDER):
            delayed = np.concatenate([self._lattice[stage : stage + 1], backward[:-1]])
            self._lattice[stage] = backward[-1]
            r = each[:, stage]
            forward, backward = forward + r * delayed, delayed + r * forward
        return forward

    def _subframe(self, residual: _Floats) -> Subframe:
        past = self._predictor.past
        # Index 0 is the longest lag.
        matches = np.correlate(past, residual, "valid")
        best = len(matches) - 1 - int(np.argmax(matches[::-1]))
        lag = LAGS[1] - best
        power = float(np.sum(past[best : best + SUBFRAME] ** 2))
        share = float(matches[best]) / power if power > 0 else 0.0
        gain = int(np.searchsorted(GAIN_LEVELS, share))
        predicted = self._predictor.predict(lag, gain)
        smooth = np.convolve(residual - predicted, WEIGHTING / 8192)[5 : 5 + SUBFRAME]
        grids = [smooth[grid::3][:13] for grid in range(4)]
        grid = int(np.argmax([np.sum(one**2) for one in grids]))
        chosen = grids[grid]
        loudest = min(float(np.abs(chosen).max()), float(BLOCK_MAXIMA[-1]))
        maximum = int(np.searchsorted(BLOCK_MAXIMA, np.floor(loudest)))
        levels = np.floor(4 * (chosen / BLOCK_MAXIMA[maximum] + 1))
        pulses = np.clip(levels, 0, 7).astype(np.int64)
        sent = Subframe(lag, gain, grid, maximum, pulses)
        self._predictor.add(sent, predicted)
        return sent


class Decoder:
    """Makes sound of frames."""

    def __init__(self) -> None:
        self._lattice = [0.0] * ORDER
        self._last = 0.0
        self._blend = _Blend()
        self._predictor = _Predictor()

    def decode(self, frame: Frame) -> Samples:
        """Decode 20 ms.

        Returns:
            int16, shape (160,).
        """
        parts = [
            self._predictor.add(one, self._predictor.predict(one.lag, one.gain))
            for one in frame.subframes
        ]
        emphasised = self._filter(np.concatenate(parts), frame.ratios)
        last, plain = self._last, []
        for x in emphasised:
            last = x + EMPHASIS * last
            plain.append(last)
        self._last = last
        pcm = np.floor(2 * np.array(plain) / 8) * 8  # 13 bits [4.3.7]
        return np.asarray(np.clip(pcm, -32768, 32760), np.int16)

    def _filter(self, residual: _Floats, ratios: NDArray[np.int64]) -> list[float]:
        """Short-term synthesis [4.3.4]; a recursion, sample by sample."""
        out: list[float] = []
        state, rest = self._lattice, residual.tolist()
        for n, coefficients in self._blend.segments(ratios):
            r = coefficients.tolist()
            for x in rest[:n]:
                for stage in range(ORDER - 1, -1, -1):
                    x -= r[stage] * state[stage]
                    if stage < ORDER - 1:
                        state[stage + 1] = state[stage] + r[stage] * x
                state[0] = x
                out.append(x)
            rest = rest[n:]
        return out


class GsmFullRate:
    """One pass through the codec, 20 ms at a time."""

    def __init__(self) -> None:
        self._encoder, self._decoder = Encoder(), Decoder()

    def process(self, pcm: Samples) -> Samples:
        """Encode and decode.

        Args:
            pcm: int16, shape (160,) at 8 kHz.

        Returns:
            int16, shape (160,), without further delay.

        Raises:
            ValueError: it is not one frame.
        """
        if len(pcm) != FRAME_SAMPLES:
            raise ValueError("The codec takes frames of 160 samples.")
        return self._decoder.decode(self._encoder.encode(pcm))


def _schur(signal: _Floats) -> _Floats:
    """Return the 8 reflection coefficients of a frame [3.1.5]."""
    n = len(signal)
    acf = np.array([signal[: n - k] @ signal[k:] for k in range(ORDER + 1)])
    coefficients = np.zeros(ORDER)
    if acf[0] <= 0:
        return coefficients
    p, k = acf.copy(), acf[1:].copy()
    for stage in range(ORDER):
        if p[0] < abs(p[1]):
            break
        r = -p[1] / p[0]
        coefficients[stage] = r
        m = ORDER - 1 - stage
        first = p[0] + p[1] * r
        later = p[2 : 2 + m] + r * k[:m]
        k[:m] = k[:m] + r * p[2 : 2 + m]
        p = np.concatenate([[first], later])
    return coefficients


def _quantise_ratios(reflection: _Floats) -> NDArray[np.int64]:
    """Turn reflection coefficients into sent log area ratios [3.1.6, 3.1.7]."""
    size = np.minimum(np.abs(reflection), 1.0)
    steep = np.where(size < 0.95, 2 * size - 0.675, 8 * size - 6.375)
    lar = np.where(size < 0.675, size, steep)
    codes = np.rint(LAR_A * np.sign(reflection) * lar + LAR_B)
    return np.asarray(np.clip(codes, LAR_MIN, LAR_MAX), np.int64)


def _reflection(lar: _Floats) -> _Floats:
    """Turn log area ratios, any shape, into reflection coefficients [3.1.10]."""
    size = np.abs(lar)
    flat = np.minimum(0.125 * size + 0.796875, MOST_REFLECTION)
    steep = np.where(size < 1.225, 0.5 * size + 0.3375, flat)
    result: _Floats = np.sign(lar) * np.where(size < 0.675, size, steep)
    return result

"""Sounds that machines make and no voice does: tones, hums, plucked notes.

The speech network takes a few of them for speech: two tones that beat at the pace of a
voice (a busy tone, 480 and 620 Hz), a ringing tone of 400 Hz that trembles, mains hum,
the notes of a guitar or a piano.  They differ from a voice in what it cannot do:

    a pure tone   all its power is in one or two lines; a voice has many harmonics
    a held sound  its spectrum is the same after 64 ms; a voice never stands still
    a note, hum   each period is like the one before; a voice's pitch and loudness
                  tremble from period to period

Where a sound has few lines but none of this can be said, as with several notes at once,
the network has to be surer of itself.  All of this is asked only about sound that the
network has called speech, before it is believed.
"""

from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.config import LINE_HZ

SPAN_SAMPLES: Final = 512
"""What one spectrum is taken of: two of the network's windows, 64 ms, so that a line is
four bins (62 Hz) wide and two harmonics of a man's voice stay apart."""
_WINDOW: Final = np.hanning(SPAN_SAMPLES).astype(np.float32)
_BAND: Final = slice(300 * SPAN_SAMPLES // LINE_HZ, 3400 * SPAN_SAMPLES // LINE_HZ)
"""The telephone's own band; below it is hum that speech stands on as well."""
_N_LINES: Final = 8
"""Bins: two lines."""
_LAGS: Final = np.arange(LINE_HZ // 400, LINE_HZ // 45)
"""Periods from 45 Hz (mains hum) to 400 Hz, samples; a higher note has several."""
_FFT: Final = 1024

# Measured on the 6000 to 8000 windows of synthetic speech (144 phrases, 5 languages,
# 8 voices, 20 to 45 dB above the noise) that the network is sure of; in brackets, how
# many of them each limit costs.  Natural voices tremble more than synthetic ones.
PURE: Final = 0.985
"""Share of power in the two strongest lines [at most .03 %; networks' tones: 0.998]."""
HELD: Final = 0.985
"""Cosine between this spectrum and the one before [none, their most is 0.982; hum:
1.000]."""
PERFECT: Final = 0.99
"""Likeness of one period to the next [.03 to .1 %; hum: 0.999]."""
FEW_LINES: Final = 0.8
"""Share of power in the two strongest lines of what may be a note [26 to 29 %]."""
PERIODIC: Final = 0.975
"""Likeness of one period to the next of a note [.4 to 1.1 %; plucked ones: 0.98 to
0.997]."""


class Kind(Enum):
    """What a sound may be, judged by its lines and periods alone."""

    VOICE = auto()
    TONAL = auto()
    """A voice, or several notes at once."""
    MACHINE = auto()


def kind_of(sound: NDArray[np.float32]) -> Kind:
    """Say what a sound that the network calls speech may be.

    Args:
        sound: shape (1024,), 8 kHz: the last 128 ms.
    """
    before, now = sound[:SPAN_SAMPLES], sound[SPAN_SAMPLES:]
    spectrum = _magnitudes(now)
    in_lines = share_in_lines(spectrum)
    if in_lines >= PURE or likeness(spectrum, _magnitudes(before)) >= HELD:
        return Kind.MACHINE
    has_few_lines = in_lines >= FEW_LINES
    if periodicity(now) >= (PERIODIC if has_few_lines else PERFECT):
        return Kind.MACHINE
    return Kind.TONAL if has_few_lines else Kind.VOICE


def share_in_lines(spectrum: NDArray[np.float64]) -> float:
    """Return the share of power in a spectrum's two strongest lines, 0 to 1."""
    power = spectrum * spectrum
    strongest = np.partition(power, -_N_LINES)[-_N_LINES:]
    return float(strongest.sum()) / (float(power.sum()) + 1e-20)


def likeness(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the cosine between two spectra, 0 to 1: their level does not count."""
    return float(a @ b) / float(np.sqrt((a @ a) * (b @ b)) + 1e-20)


def periodicity(sound: NDArray[np.float32]) -> float:
    """Return how like one period is to the next, at best 1.

    The largest normalised cross-correlation of a stretch with itself, a period later.

    Args:
        sound: shape (512,), 8 kHz.
    """
    x = sound - sound.mean()
    spectrum = np.fft.rfft(x, _FFT)
    products = np.fft.irfft(spectrum * spectrum.conj())[_LAGS]
    energy = np.concatenate([np.zeros(1), np.cumsum(x.astype(np.float64) ** 2)])
    n = len(x)
    earlier, later = energy[n - _LAGS], energy[n] - energy[_LAGS]
    return float((products / np.sqrt(earlier * later + 1e-20)).max())


def _magnitudes(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    magnitudes: NDArray[np.float64] = np.abs(np.fft.rfft(sound * _WINDOW))[_BAND]
    return magnitudes

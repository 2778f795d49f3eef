"""Small Fourier transforms and other sums in single precision.

At these lengths (320 samples) a call costs more than its arithmetic: transforms of one
frame are put in rows and done together, and constants are arrays (see `constant`).
"""

from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]


def constant(value: float) -> Floats:
    """Return an array of no dimensions: half the time of a Python float."""
    return np.array(value, np.float32)


ZERO: Final = constant(0)
ONE: Final = constant(1)


def spectrum(signal: Floats, n: int) -> Spectra:
    """Transform the last axis, padded with zeros to n samples."""
    # Its own guess at the type of the result takes longer than the transform.
    out = np.empty((*signal.shape[:-1], n // 2 + 1), np.complex64)
    return cast(Spectra, np.fft.rfft(signal, n, out=out))


def waveform(spectra: Spectra, n: int) -> Floats:
    """Transform the last axis back to n samples."""
    # numpy keeps single precision since 2.0; its stubs do not know yet.
    return cast(Floats, np.fft.irfft(spectra, n))


def power_of(spectra: Spectra) -> Floats:
    """Return |spectrum|^2."""
    # Twice as fast as the sum of two squares: numpy multiplies complex numbers well.
    return cast(Floats, (spectra * spectra.conj()).real)


_LOWEST: Final = constant(-32768)
_HIGHEST: Final = constant(32767)


def to_pcm(wave: Floats) -> NDArray[np.int16]:
    """Round and clip to int16."""
    rounded = np.rint(wave)
    np.maximum(rounded, _LOWEST, out=rounded)
    np.minimum(rounded, _HIGHEST, out=rounded)
    return rounded.astype(np.int16)

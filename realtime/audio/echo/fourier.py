"""Small Fourier transforms in single precision.

numpy keeps float32 as complex64 since 2.0; its stubs do not know yet.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]


def spectrum(signal: Floats, n: int) -> Spectra:
    """Transform the last axis, padded with zeros to n samples."""
    return cast(Spectra, np.fft.rfft(signal, n))


def waveform(spectra: Spectra, n: int) -> Floats:
    """Transform the last axis back to n samples."""
    return cast(Floats, np.fft.irfft(spectra, n))


def power_of(spectra: Spectra) -> Floats:
    """Return |spectrum|^2."""
    return cast(Floats, spectra.real**2 + spectra.imag**2)

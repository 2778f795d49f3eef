"""Sounds for tests: int16 at 8 kHz unless said, always the same.

`golden/speech.npz` was spoken by espeak-ng (voice a, 160 words a minute): a sentence of
five seconds and a "네" of 314 ms, trimmed to their first and last audible sample.
"""

from pathlib import Path

import numpy as np

_GOLDEN = np.load(Path(__file__).parent / "golden" / "speech.npz")
_RNG = np.random.default_rng(7)
NOISE_RMS = 30


def begin_anew() -> None:
    """Let the next test hear the same noise, whichever ran before it."""
    global _RNG
    _RNG = np.random.default_rng(7)


def noise(seconds: float, rms: float = NOISE_RMS) -> np.ndarray:
    return np.asarray(_RNG.normal(0, rms, int(seconds * 8000))).astype(np.int16)


def tone(hz: float, seconds: float, rate_hz: int, level: float = 10000) -> np.ndarray:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.asarray(level * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def sentence(seconds: float) -> np.ndarray:
    """Return the beginning of the sentence, in the line's noise."""
    n = int(seconds * 8000)
    clean = np.resize(_GOLDEN["sentence"], n)
    return np.asarray(clean + noise(seconds)[:n]).astype(np.int16)


def reply() -> np.ndarray:
    """Return another second of speech: the sentence's fourth, in the line's noise."""
    return np.asarray(_GOLDEN["sentence"][24000:32000] + noise(1.0)).astype(np.int16)


def yes() -> np.ndarray:
    """Return a backchannel, 314 ms long, in the line's noise."""
    clean = _GOLDEN["yes"]
    padded = np.pad(clean, (0, -len(clean) % 160))
    return np.asarray(padded + noise(len(padded) / 8000)).astype(np.int16)

"""Whole-utterance audio work that needs no state: rate, loudness, pauses."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_MS: Final = 10
QUIET_OF_PEAK: Final = 0.02
"""A 10 ms frame below this share of the loudest frame's RMS is a pause: espeak-ng's
pauses are digital silence, its quietest consonants about 0.03."""


def resample_whole(
    pcm: NDArray[np.floating], from_hz: int, to_hz: int
) -> NDArray[np.float64]:
    """Convert a whole utterance between any two rates by its spectrum.

    Args:
        pcm: shape (n,), beginning and ending in silence (the spectrum is circular).
        from_hz: its rate.
        to_hz: the wanted rate.

    Returns:
        float64, shape (round(n * to_hz / from_hz),); exact up to the lower Nyquist.
    """
    divisor = int(np.gcd(from_hz, to_hz))
    down, up = from_hz // divisor, to_hz // divisor
    blocks = -(-len(pcm) // down) + 1
    blocks += -blocks % 16  # a length with small factors: fast transforms
    spectrum = np.fft.rfft(pcm, blocks * down)
    n_out = blocks * up
    wanted = np.zeros(n_out // 2 + 1, complex)
    kept = min(len(spectrum), len(wanted))
    wanted[:kept] = spectrum[:kept]
    y: NDArray[np.float64] = np.fft.irfft(wanted, n_out) * (up / down)
    return y[: round(len(pcm) * to_hz / from_hz)]


def frame_rms(
    pcm: NDArray[np.floating] | NDArray[np.integer], frame: int
) -> NDArray[np.float64]:
    """Measure RMS per whole frame.

    Args:
        pcm: shape (n,).
        frame: samples in a frame.

    Returns:
        shape (n // frame,).
    """
    whole = pcm[: len(pcm) // frame * frame].reshape(-1, frame).astype(np.float64)
    rms: NDArray[np.float64] = np.sqrt((whole * whole).mean(axis=1))
    return rms


def shorten_pauses(
    pcm: NDArray[np.float64], rate_hz: int, longest_ms: int, edge_ms: int
) -> NDArray[np.float64]:
    """Cut pauses down, so that a phrase stays one utterance for the listener.

    Args:
        pcm: shape (n,), clean synthetic speech.
        rate_hz: its rate.
        longest_ms: what remains of a longer pause inside.
        edge_ms: the silence left before and after.

    Returns:
        The shortened speech; empty when there was none.
    """
    frame = rate_hz * FRAME_MS // 1000
    pcm = np.concatenate([pcm, np.zeros(-len(pcm) % frame)])
    rms = frame_rms(pcm, frame)
    if not len(rms) or not rms.max():
        return np.zeros(0)
    loud = np.flatnonzero(rms > QUIET_OF_PEAK * rms.max())
    keep = np.zeros(len(rms), bool)
    keep[loud] = True
    for before, after in pairwise(loud.tolist()):
        pause = after - before - 1
        room = min(pause, longest_ms // FRAME_MS)
        keep[before + 1 : before + 1 + room // 2] = True
        keep[after - (room - room // 2) : after] = True
    body = pcm.reshape(-1, frame)[keep].ravel()
    edge = np.zeros(rate_hz * edge_ms // 1000)
    return np.concatenate([edge, body, edge])


def set_level(pcm: NDArray[np.float64], rms: float, frame: int) -> NDArray[np.int16]:
    """Scale speech to a wanted level.

    Args:
        pcm: shape (n,).
        rms: wanted RMS over the frames that hold speech.
        frame: samples in a measuring frame.

    Returns:
        int16, shape (n,), never clipped harder than the peak allows.
    """
    levels = frame_rms(pcm, frame)
    if not len(levels) or not levels.max():
        return np.zeros(len(pcm), np.int16)
    active = levels[levels > 0.1 * levels.max()]
    gain = rms / np.sqrt((active * active).mean())
    gain = min(gain, 30000 / np.abs(pcm).max())
    return np.asarray(np.rint(pcm * gain), np.int16)

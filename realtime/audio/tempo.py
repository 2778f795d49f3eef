"""Speech a little faster at the same pitch: one period less now and then.  Pure.

Synchronised overlap-add (Roucos and Wilgus 1985) in its smallest form: two stretches of
the signal that are one pitch period apart are faded into each other, so that one period
is gone and nothing else has changed.  Both ends of the result are the signal's own, so
that what comes before and after fits without a click.
"""

from typing import Final

import numpy as np

from realtime.audio.g711 import FRAME_SAMPLES
from realtime.events import Pcm

LEAST_PERIOD: Final = 24
"""3 ms at 8 kHz: 333 Hz, a child's voice."""
MOST_PERIOD: Final = 120
"""15 ms: 67 Hz, below any voice; for unvoiced sounds any length will do."""
NEEDED_SAMPLES: Final = FRAME_SAMPLES + MOST_PERIOD
_FADE: Final = np.linspace(0, 1, FRAME_SAMPLES, dtype=np.float32)


def shorten(pcm: Pcm) -> tuple[Pcm, int]:
    """Make one frame of a little more than a frame.

    Args:
        pcm: int16 at 8 kHz, at least `NEEDED_SAMPLES` of them.

    Returns:
        160 samples, and how many of the given ones they stand for.
    """
    x = pcm[:NEEDED_SAMPLES].astype(np.float32)
    head = x[:FRAME_SAMPLES]
    shifted = np.lib.stride_tricks.sliding_window_view(x[LEAST_PERIOD:], FRAME_SAMPLES)
    energy = np.einsum("ij,ij->i", shifted, shifted)
    likeness = (shifted @ head) / np.sqrt(energy + 1.0)
    best = int(np.argmax(likeness))
    out = head + (shifted[best] - head) * _FADE
    return np.rint(out).astype(np.int16), FRAME_SAMPLES + LEAST_PERIOD + best

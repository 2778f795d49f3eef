"""A stretch of the recent past of one signal, addressed by absolute position."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_SPARE: Final = 960
"""Room at the end, so that the whole is moved only every 120 ms."""


class History:
    """The last samples of a signal.

    Args:
        length: how many samples stay readable at least.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._samples = np.zeros(length + _SPARE, np.int16)
        self._filled = length
        self.end = 0
        """Position behind the newest sample; what lies before 0 is silence."""

    def append(self, pcm: Samples) -> None:
        """Add samples at the end; at most 120 ms at a time."""
        n = len(pcm)
        if self._filled + n > len(self._samples):
            keep = self._length
            self._samples[:keep] = self._samples[self._filled - keep : self._filled]
            self._filled = keep
        self._samples[self._filled : self._filled + n] = pcm
        self._filled += n
        self.end += n

    def read(self, start: int, stop: int) -> Samples:
        """Return a view of the samples from `start` to before `stop`.

        Raises:
            IndexError: they are not there yet, or not there any more.
        """
        offset = self._filled - self.end
        if start + offset < 0 or stop > self.end:
            raise IndexError(f"Samples {start} to {stop} are not in the history.")
        return self._samples[start + offset : stop + offset]

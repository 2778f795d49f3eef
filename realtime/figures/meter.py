"""Percentiles of very many small durations, in a few kilobytes.  Pure."""

import math
from typing import Final

_STEP: Final = 1.05
"""Each bucket is 5 % wider than the one before: percentiles are that exact."""
_FLOOR_MS: Final = 0.01
_N_BUCKETS: Final = 340
"""1.05 ** 340 * 0.01 ms is about 160 s."""
_LOG_STEP: Final = math.log(_STEP)


class Meter:
    """Counts in logarithmic buckets."""

    def __init__(self) -> None:
        self._counts = [0] * _N_BUCKETS
        self.n = 0

    def add(self, ms: float) -> None:
        """Count one duration, milliseconds."""
        i = int(math.log(max(ms, _FLOOR_MS) / _FLOOR_MS) / _LOG_STEP)
        self._counts[min(i, _N_BUCKETS - 1)] += 1
        self.n += 1

    def percentile(self, p: float) -> float | None:
        """Return the duration that p % of all stay within, ms; None without any.

        Args:
            p: 0 to 100.
        """
        if not self.n:
            return None
        need = self.n * p / 100
        seen = 0
        for i, count in enumerate(self._counts):
            seen += count
            if seen >= need and count:
                return round(_FLOOR_MS * _STEP ** (i + 1), 2)
        return None  # pragma: no cover -- the counts add up to n

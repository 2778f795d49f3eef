"""The cache of a server without Redis: in this process, no larger than it must be."""

import time
from typing import Any, Final

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache

SWEEP_EVERY_S: Final = 10.0
"""Looking through ten thousand entries takes a millisecond or more."""
SWEEP_FULL_EVERY_S: Final = 1.0
"""When there are more than there should be."""

_swept_at: dict[str, float] = {}
"""By the cache's name, as Django keeps the entries: every request and every visit to
the database has an instance of its own."""


class PrunedLocMemCache(LocMemCache):
    """Django's, which never forgets what has expired until it is asked for it.

    Tickets that have been used up are kept here, each asked for once at the most: so
    expired entries go every few seconds.  What has not expired goes only when the
    limit is exceeded tenfold: a forgotten ticket could be used again.
    """

    _cache: dict[str, Any]
    _expire_info: dict[str, float | None]

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(name, params)
        self._name = name

    def _set(self, key: str, value: bytes, timeout: Any = DEFAULT_TIMEOUT) -> None:
        self._sweep(SWEEP_EVERY_S)
        super()._set(key, value, timeout)  # type: ignore[misc] # not in the stubs

    def _cull(self) -> None:
        self._sweep(SWEEP_FULL_EVERY_S)
        if len(self._cache) >= 10 * self._max_entries:
            super()._cull()  # type: ignore[misc]

    def _sweep(self, every_s: float) -> None:
        now = time.time()
        if 0 <= now - _swept_at.get(self._name, 0.0) < every_s:
            return
        _swept_at[self._name] = now
        for key, expires_at in list(self._expire_info.items()):
            if expires_at is not None and expires_at <= now:
                self._delete(key)  # type: ignore[attr-defined]

"""The cache of a server without Redis: in this process, no larger than it must be."""

import time
from typing import Any

from django.core.cache.backends.locmem import LocMemCache

SWEEP_EVERY_S = 1.0
"""Looking through all entries takes a millisecond or more."""


class PrunedLocMemCache(LocMemCache):
    """Django's, which never forgets what has expired until it is asked for it.

    Tickets that have been used up are kept here, each asked for once at the most: so
    expired entries go first when it is full.  What has not expired goes only when the
    limit is exceeded tenfold: a forgotten ticket could be used again.
    """

    _cache: dict[str, Any]
    _expire_info: dict[str, float | None]
    _swept_at = 0.0

    def _cull(self) -> None:
        now = time.time()
        if not 0 <= now - self._swept_at < SWEEP_EVERY_S:
            self._swept_at = now
            for key, expires_at in list(self._expire_info.items()):
                if expires_at is not None and expires_at <= now:
                    self._delete(key)  # type: ignore[attr-defined] # not in the stubs
        if len(self._cache) >= 10 * self._max_entries:
            super()._cull()  # type: ignore[misc]

"""Finding places: asked for once, each named once, the likeliest first."""

import unicodedata
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Final, Protocol

import structlog
from django.db import DatabaseError
from django.utils import timezone

from places import providers
from places.models import PlaceSearchCache
from places.providers import NotConfigured, Place, ProviderFailed

__all__ = ["NotConfigured", "ProviderFailed", "is_configured", "search"]

log = structlog.get_logger(__name__)

LIFETIME: Final = timedelta(hours=24)
"""How long an answer is good; places move seldom, their numbers seldomer."""
EMPTY_LIFETIME: Final = timedelta(minutes=10)
MAX_QUERY: Final = 200


class Provider(Protocol):
    """A place search.  `places.providers`, a module, is one."""

    def is_configured(self) -> bool:
        """Tell whether it can be asked at all."""
        ...

    def search(self, query: str) -> list[Place]:
        """Find places.  Raises: NotConfigured, ProviderFailed."""
        ...


def is_configured(provider: Provider = providers) -> bool:
    return provider.is_configured()


def search(query: str, provider: Provider = providers) -> list[Place]:
    """Find places by what people call them, the likeliest first.

    Raises: NotConfigured, ProviderFailed.
    """
    if not provider.is_configured():
        raise NotConfigured
    key = _folded(query)[:MAX_QUERY]
    kept = PlaceSearchCache.objects.filter(query=key, expires_at__gt=timezone.now())
    row = kept.first()
    if row is not None:
        return [Place(**result) for result in row.results]
    found = ranked(query, once_each(provider.search(query)))
    _keep(key, found)
    return found


def _keep(key: str, found: list[Place]) -> None:
    now = timezone.now()
    try:
        PlaceSearchCache.objects.filter(expires_at__lt=now).delete()
        PlaceSearchCache.objects.update_or_create(
            query=key,
            defaults={
                "results": [asdict(place) for place in found],
                "expires_at": now + (LIFETIME if found else EMPTY_LIFETIME),
            },
        )
    except DatabaseError:  # a search that is asked again is no harm
        log.warning("place_search_not_kept")


def once_each(places: Iterable[Place]) -> list[Place]:
    """Leave out what was there before: the same name with number or address."""
    kept: list[Place] = []
    seen: set[object] = set()
    for place in places:
        marks = {(_folded(place.name), _folded(place.address))}
        if place.phone_number:
            marks.add((_folded(place.name), place.phone_number))
        if not marks & seen:
            kept.append(place)
        seen |= marks
    return kept


def ranked(query: str, places: Iterable[Place]) -> list[Place]:
    """Put the likeliest first: the same name, then its words, then having a number.

    Among equals the provider's own order stays.
    """
    words = query.casefold().split()

    def unlikeliness(place: Place) -> tuple[bool, int, bool]:
        text = f"{place.name} {place.address} {place.category}".casefold()
        n_missing = sum(word not in text for word in words)
        is_same = _folded(place.name) == _folded(query)
        return (not is_same, n_missing, not place.phone_number)

    return sorted(places, key=unlikeliness)


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())

"""The only module that talks to a place search: Naver's local search.

Its answers are marked-up text from many hands; what leaves here is plain text and
E.164 numbers.
"""

import html
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx2
import phonenumbers
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
MAX_RESULTS = 5
"""What Naver's local search returns at most."""

transport: httpx2.BaseTransport | None = None
"""What requests go through instead of the network; set by tests."""

_MARKUP = re.compile(r"</?b>", re.IGNORECASE)
_BETWEEN_NUMBERS = re.compile(r"[,/;~]")


class NotConfigured(Exception):
    """There is no key for a place search."""


class ProviderFailed(Exception):
    """The place search did not answer, or not sensibly."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody who might be called."""

    name: str
    category: str
    address: str
    phone_number: str | None
    """E.164; None if there is none, or none that makes sense."""
    source: str


def is_configured() -> bool:
    return bool(settings.NAVER_CLIENT_ID and settings.NAVER_CLIENT_SECRET)


def search(query: str) -> list[Place]:
    """Find places by what people call them.

    Raises: NotConfigured, ProviderFailed.
    """
    if not is_configured():
        raise NotConfigured
    client = _client(
        settings.NAVER_API_BASE_URL,
        settings.NAVER_CLIENT_ID,
        settings.NAVER_CLIENT_SECRET,
        transport,
    )
    try:
        response = client.get(
            "/v1/search/local.json", params={"query": query, "display": MAX_RESULTS}
        )
        response.raise_for_status()
        return [_place(item) for item in response.json()["items"]]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("place_search_failed", error=type(error).__name__)
        raise ProviderFailed from error


@lru_cache(maxsize=4)
def _client(
    base_url: str, key: str, secret: str, transport: httpx2.BaseTransport | None
) -> httpx2.Client:
    """Keep one client, and so its connections, per configuration."""
    return httpx2.Client(
        base_url=base_url,
        headers={"X-Naver-Client-Id": key, "X-Naver-Client-Secret": secret},
        timeout=TIMEOUT_S,
        transport=transport,
    )


def _place(item: dict[str, Any]) -> Place:
    return Place(
        name=_plain(item["title"]),
        category=_plain(item.get("category") or ""),
        address=_plain(item.get("roadAddress") or item.get("address") or ""),
        phone_number=to_e164(item.get("telephone") or ""),
        source="naver",
    )


def _plain(text: str) -> str:
    return html.unescape(_MARKUP.sub("", text)).strip()


def to_e164(text: str, region: str = "KR") -> str | None:
    """Read a number as people of a region write it: 02-…, 010-…, 1588-…, +82 ….

    Returns: E.164, or None if no valid number can be made out.
    """
    first = _BETWEEN_NUMBERS.split(text)[0]
    try:
        number = phonenumbers.parse(first, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

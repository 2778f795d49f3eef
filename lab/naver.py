"""Naver's local search, with a small directory: the people who can be called."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from itertools import cycle
from typing import Any, Final

from django.utils.html import escape
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lab.config import LabConfig
from lab.people import Script

KOREAN_TIME: Final = timezone(timedelta(hours=9))
DATE_FORMAT: Final = "%a, %d %b %Y %H:%M:%S %z"
MAX_DISPLAY: Final = 5
"""The real local search returns at most five places."""


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"errorMessage": message, "errorCode": code}, status)


def national(number: str) -> str:
    """Write a Korean number as Naver does: +8225550101 becomes 02-555-0101."""
    match = re.fullmatch(r"\+82(2|\d{2})(\d{3,4})(\d{4})", number)
    return f"0{match[1]}-{match[2]}-{match[3]}" if match else number


def highlight(name: str, words: list[str]) -> str:
    """Mark the words of a query in a name with <b>, as Naver does.

    Args:
        name: plain text.
        words: of the query.

    Returns:
        HTML.
    """
    wanted = "|".join(re.escape(word) for word in words)
    parts = re.split(f"({wanted})", name, flags=re.IGNORECASE)
    return "".join(
        f"<b>{escape(part)}</b>" if is_wanted else escape(part)
        for part, is_wanted in zip(parts, cycle((False, True)), strict=False)
    )


def find(people: Mapping[str, Script], query: str) -> list[Script]:
    """Find the places that match every word of a query.

    Args:
        people: the number table.
        query: words in Korean or English.
    """
    words = query.casefold().split()
    found = []
    for script in people.values():
        if not script.place:
            continue
        facts = (*script.name.values(), *script.place.values(), script.description)
        text = " ".join(facts).casefold()
        if all(word in text for word in words):
            found.append(script)
    return found


def _item(script: Script, query: str) -> dict[str, Any]:
    place = script.place
    return {
        "title": highlight(script.name.get("ko", script.id), query.split()),
        "link": "",
        "category": place.get("category", ""),
        "description": "",
        "telephone": national(script.number),
        "address": place.get("address", ""),
        "roadAddress": place.get("roadAddress", ""),
        "mapx": place.get("mapx", ""),
        "mapy": place.get("mapy", ""),
    }


def routes(config: LabConfig, people: Mapping[str, Script]) -> list[Route]:
    """Return the route of the local search, below `/naver`.

    Args:
        config: the client's id and secret.
        people: the number table.
    """

    def is_known(request: Request) -> bool:
        given = (
            request.headers.get("X-Naver-Client-Id", ""),
            request.headers.get("X-Naver-Client-Secret", ""),
        )
        wanted = (config.naver_client_id, config.naver_client_secret)
        return hmac.compare_digest(":".join(given).encode(), ":".join(wanted).encode())

    async def local(request: Request) -> JSONResponse:
        if not is_known(request):
            return _error(
                401,
                "024",
                "NID AUTH Result Invalid (28) : Authentication failed."
                " (인증에 실패했습니다.)",
            )
        values = request.query_params
        query = values.get("query", "").strip()
        if not query:
            return _error(
                400, "SE01", "Incorrect query request (잘못된 쿼리요청입니다.)"
            )
        display, start = values.get("display", "1"), values.get("start", "1")
        if not display.isdigit() or not 1 <= int(display) <= 100:
            return _error(
                400, "SE02", "Invalid display value (부적절한 display 값입니다.)"
            )
        if not start.isdigit() or not 1 <= int(start) <= 1000:
            return _error(400, "SE03", "Invalid start value (부적절한 start 값입니다.)")
        if values.get("sort", "random") not in ("random", "comment"):
            return _error(400, "SE04", "Invalid sort value (부적절한 sort 값입니다.)")
        found = find(people, query)
        first, shown = int(start) - 1, min(int(display), MAX_DISPLAY)
        items = [_item(script, query) for script in found[first : first + shown]]
        return JSONResponse(
            {
                "lastBuildDate": datetime.now(KOREAN_TIME).strftime(DATE_FORMAT),
                "total": len(found),
                "start": int(start),
                "display": len(items),
                "items": items,
            }
        )

    return [Route("/v1/search/local.json", local, methods=["GET"])]

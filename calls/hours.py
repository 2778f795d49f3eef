"""When a line is open: `{"mon": ["09:00-12:00", "13:00-18:00"], …}`.  Pure.

A day that is not there is a closed one; no days at all is always open.  A time that
ends before it begins goes on after midnight.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_TIMES: Final = 6
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY_MINUTES: Final = 24 * 60

Hours = Mapping[str, list[str]]


class BadHours(ValueError):
    """Opening hours that cannot be read; says what is wrong with them."""


def check(hours: Any) -> None:
    """Raise BadHours unless these are opening hours."""
    if not isinstance(hours, dict):
        raise BadHours('Write an object such as {"mon": ["09:00-18:00"]}.')
    for day, times in hours.items():
        if day not in DAYS:
            raise BadHours(f"There is no day “{day}”: use {', '.join(DAYS)}.")
        if not isinstance(times, list) or len(times) > MAX_TIMES:
            raise BadHours(f"{day}: a list of at most {MAX_TIMES} times.")
        for text in times:
            _read(text)


def check_time_zone(name: str) -> None:
    """Raise BadHours unless there is such a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadHours(f"There is no time zone “{name}”.") from None


def is_open(hours: Hours, now: datetime.datetime) -> bool:
    """Say whether a line is open.

    Args:
        hours: checked.
        now: where the line is.
    """
    if not hours:
        return True
    minute = now.hour * 60 + now.minute
    today, yesterday = DAYS[now.weekday()], DAYS[now.weekday() - 1]
    return any(start <= minute < end for start, end in _times(hours, today)) or any(
        minute < end - _DAY_MINUTES for _, end in _times(hours, yesterday)
    )


def describe(hours: Hours) -> str:
    """Write opening hours in words, such as "Mon-Fri 09:00-18:00; Sat-Sun closed"."""
    if not hours:
        return ""
    days = [(day.capitalize(), ", ".join(hours.get(day, ()))) for day in DAYS]
    parts = []
    for times, group in groupby(days, key=lambda row: row[1]):
        names = [name for name, _ in group]
        which = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
        parts.append(f"{which} {times or 'closed'}")
    return "; ".join(parts)


def _times(hours: Hours, day: str) -> Iterator[tuple[int, int]]:
    """Give begin and end in minutes of the day; an end may be after midnight."""
    return map(_read, hours.get(day, ()))


def _read(text: Any) -> tuple[int, int]:
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadHours(f"“{text}” is no time: write it as 09:00-18:00.")
    start_h, start_m, end_h, end_m = map(int, found.groups())
    start, end = start_h * 60 + start_m, end_h * 60 + end_m
    if end > _DAY_MINUTES or start == end:
        raise BadHours(f"“{text}” ends when it begins, or after 24:00.")
    return start, end if end > start else end + _DAY_MINUTES

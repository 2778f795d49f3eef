"""Was it said?  Checks of what a model claims about a call.  Pure.

A summary may only name what people have said.  Each of its items points at utterances;
an item stays if those exist and its times, dates, amounts and numbers are in them, read
by the rules that also compare a translation with its original.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from realtime.guards.numbers import extract
from realtime.guards.quantities.model import Kind, Quantity, Reading, agree

_DAYS_FROM_TODAY: Final = {
    0: r"오늘|이따가?|\btoday\b|\btonight\b|\bthis (?:morning|afternoon|evening)\b"
    r"|今日|本日|今晩|今天|今晚|\bheute\b|\bhoy\b|\baujourd'hui\b|\bhôm nay\b",
    1: r"내일|\btomorrow\b|明日|あした|明天|\bmorgen\b|\bmañana\b|\bdemain\b"
    r"|\bngày mai\b",
    2: r"모레|\bday after tomorrow\b|明後日|あさって|后天|後天|\bübermorgen\b"
    r"|\bpasado mañana\b|\baprès-demain\b|\bngày kia\b",
}
_RELATIVE: Final = {
    days: re.compile(pattern, re.IGNORECASE)
    for days, pattern in _DAYS_FROM_TODAY.items()
}
_UNIT_DAYS: Final = {"day": 1, "week": 7}
_SERIOUS: Final = frozenset({Kind.TIME, Kind.MONEY, Kind.PHONE})
"""What must not be wrong in a sentence; small numbers may count what it says itself."""
_LONG_ENOUGH: Final = 4
"""Fewer digits may be a part of any other number."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the call.

    Attributes:
        text: what somebody said, or its translation.
        language: of the text, ISO 639-1.
    """

    text: str
    language: str

    @property
    def quantities(self) -> list[Quantity]:
        return extract(self.text, self.language)


def bears_value(value: str, language: str, said: Sequence[Said]) -> bool:
    """Say whether a number, price or code was said.

    Args:
        value: as the summary has it.
        language: of the summary, ISO 639-1.
        said: in what it is supposed to be.
    """
    wanted = _bare(value)
    if not wanted:
        return False
    is_short = wanted.isdigit() and len(wanted) < _LONG_ENOUGH
    if not is_short and any(wanted in _bare(one.text) for one in said):
        return True
    claims = extract(value, language)
    return bool(claims) and _all_in(claims, said)


def bears_sentence(text: str, language: str, said: Sequence[Said]) -> bool:
    """Say whether all times, amounts and telephone numbers of a sentence were said.

    Args:
        text: a sentence of the summary.
        language: of the summary, ISO 639-1.
        said: in what they are supposed to be.
    """
    claims = [q for q in extract(text, language) if q.kind in _SERIOUS]
    return _all_in(claims, said)


def bears_time(at: time, said: Sequence[Said]) -> bool:
    """Say whether a time of day was said; "half past seven" also bears 19:30.

    Args:
        at: where the callee is.
        said: in what it is supposed to be.
    """
    claim = Reading(Kind.TIME, (at.hour, at.minute, ""))
    return any(
        agree(claim, reading)
        for one in said
        for quantity in one.quantities
        for reading in quantity.readings
        if reading.kind is Kind.TIME
    )


def bears_date(
    day: date, said: Sequence[Said], whole: Sequence[Said], today: date
) -> bool:
    """Say whether a day was said, by date, by weekday, or as "tomorrow".

    Args:
        day: where the callee is.
        said: in what it is supposed to be ...
        whole: ... or, if no day is named there at all, somewhere in the call.
        today: the day of the call.
    """
    if day < today:
        return False
    for texts in (said, whole):
        found = [is_it for one in texts for is_it in _dates_in(one, day, today)]
        if found:
            return any(found)
    return day == today


def _dates_in(one: Said, day: date, today: date) -> Iterable[bool]:
    """Yield for each day that a text names whether it is the one."""
    # "The day after tomorrow" holds "tomorrow": the longer words go first.
    rest = one.text
    for days in sorted(_RELATIVE, reverse=True):
        rest, n = _RELATIVE[days].subn(" ", rest)
        if n:
            yield day == today + timedelta(days=days)
    claim = Reading(Kind.DATE, (day.year, day.month, day.day))
    for quantity in one.quantities:
        for reading in quantity.readings:
            match reading.kind, reading.parts:
                case Kind.DATE, _:
                    yield agree(claim, reading)
                case Kind.WEEKDAY, (weekday,):
                    yield day.weekday() == weekday
                case Kind.NUMBER, (n, unit) if unit in _UNIT_DAYS:
                    later = timedelta(days=n * _UNIT_DAYS[unit])
                    if day == today + later:  # or else it is how long something takes
                        yield True


def _all_in(claims: Iterable[Quantity], said: Sequence[Said]) -> bool:
    there = [
        reading
        for one in said
        for quantity in one.quantities
        for reading in quantity.readings
    ]
    return all(
        any(agree(a, b) for a in claim.readings for b in there) for claim in claims
    )


def _bare(text: str) -> str:
    return re.sub(r"[\s\-.,()·]", "", text).casefold()

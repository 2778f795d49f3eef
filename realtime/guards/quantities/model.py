"""What a quantity is, and when two of them say the same.

A reading is one way to understand some words: "3시 10분 전" is ten to three, or before
3:10.  Two quantities agree when one reading of each does.  Readings are plain tuples:

    number   (value, unit or "")        unit: a key of `SCALES`, or another word
    ordinal  (n,)
    date     (year, month, day)         None where it is not said
    weekday  (0 … 6,)                   Monday is 0
    time     (hour, minute, half)       half: "am", "pm", or "" where it is not said
    money    (amount, currency or "")
    phone    (digits,)
    code     (capital letters and digits,)
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

Span = tuple[int, int]


class Kind(StrEnum):
    """What sort of quantity."""

    NUMBER = "number"
    ORDINAL = "ordinal"
    DATE = "date"
    WEEKDAY = "weekday"
    TIME = "time"
    MONEY = "money"
    PHONE = "phone"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand a quantity; the parts are listed above."""

    kind: Kind
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in a text.

    Attributes:
        kind: of its likeliest reading.
        value: canonical and readable, e.g. "14:30", "2026-11-21", "100000 won", "22".
        span: [start, end) in characters of the text.
        readings: the likeliest first.
        is_soft: it may be left out by a translation ("one", "a couple", "first").
    """

    kind: Kind
    value: str
    span: Span
    readings: tuple[Reading, ...]
    is_soft: bool = False


SCALES: Final[dict[str, tuple[str, float]]] = {
    "second": ("second", 1),
    "minute": ("second", 60),
    "hour": ("second", 3600),
    "day": ("day", 1),
    "week": ("day", 7),
    "month": ("month", 1),
    "year": ("month", 12),
    "gram": ("gram", 1),
    "kilogram": ("gram", 1000),
    "metre": ("metre", 1),
    "kilometre": ("metre", 1000),
    "centimetre": ("metre", 0.01),
}
"""Units that are said in each other: 90 minutes, an hour and a half."""

_PLAIN_UNITS: Final = {"", "floor", "room"}
"""Of numbers that can as well be said as an ordinal or a code."""
_COUNTRY_CODES: Final = {
    "1",
    "33",
    "34",
    "44",
    "49",
    "61",
    "81",
    "82",
    "84",
    "86",
    "886",
}


def number(value: float, unit: str = "") -> Reading:
    """Make the reading of a number."""
    return Reading(Kind.NUMBER, (value, unit))


def shown(reading: Reading) -> str:
    """Write a reading for people and for tests."""
    parts = reading.parts
    match reading.kind:
        case Kind.NUMBER | Kind.MONEY:
            value, unit = parts
            return f"{plain(value)} {unit}".strip()
        case Kind.ORDINAL:
            return f"#{parts[0]}"
        case Kind.DATE:
            year, month, day = parts
            if not month and not year:
                return f"---{day:02}"
            texts = [f"{year:04}" if year else "-"]
            texts += [f"{part:02}" for part in (month, day) if part]
            return "-".join(texts)
        case Kind.TIME:
            hour, minute, half = parts
            return f"{_hour_of_day(hour, half):02}:{minute:02}" + (
                "" if half or hour > 12 else "?"
            )
        case Kind.WEEKDAY:
            return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[parts[0]]
    return str(parts[0])


def plain(value: float) -> str:
    """Write a number without an idle decimal point."""
    return str(int(value)) if value == int(value) else f"{value:g}"


def _hour_of_day(hour: int, half: str) -> int:
    if half == "pm" and hour < 12:
        return hour + 12
    return 0 if half == "am" and hour == 12 else hour


def agree(a: Reading, b: Reading) -> bool:
    """Tell whether two readings can be the same thing said in two languages."""
    if a.kind == b.kind:
        return bool(_SAME[a.kind](a.parts, b.parts))
    return _across(a, b) or _across(b, a)


def _numbers(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    (x, unit_x), (y, unit_y) = a, b
    if unit_x == unit_y or not unit_x or not unit_y:
        return math.isclose(x, y)
    dimension_x, scale_x = SCALES.get(unit_x, (unit_x, 1))
    dimension_y, scale_y = SCALES.get(unit_y, (unit_y, 1))
    return dimension_x == dimension_y and math.isclose(x * scale_x, y * scale_y)


def _dates(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    (year_a, month_a, day_a), (year_b, month_b, day_b) = a, b
    if year_a and year_b and year_a % 100 != year_b % 100:
        return False
    if (day_a is None) != (day_b is None):
        return False
    if day_a is not None:  # the month may be known from what was said before
        return bool(
            day_a == day_b and (not month_a or not month_b or month_a == month_b)
        )
    if month_a or month_b:
        return bool(month_a == month_b)
    return bool(year_a and year_b)


def _times(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    (hour_a, minute_a, half_a), (hour_b, minute_b, half_b) = a, b
    if minute_a != minute_b or (hour_a - hour_b) % 12:
        return False
    is_known_a = bool(half_a) or hour_a > 12 or hour_a == 0
    is_known_b = bool(half_b) or hour_b > 12 or hour_b == 0
    if not (is_known_a and is_known_b):
        return True
    return _hour_of_day(hour_a, half_a) == _hour_of_day(hour_b, half_b)


def _money(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    (x, currency_x), (y, currency_y) = a, b
    is_same = currency_x == currency_y or not currency_x or not currency_y
    if not is_same:  # "¥" is both of them
        is_same = bool(set(currency_x.split("/")) & set(currency_y.split("/")))
    return is_same and math.isclose(x, y)


def _phones(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    short, long = sorted((a[0], b[0]), key=len)
    if short == long:
        return True
    national = short.removeprefix("0")
    return long.endswith(national) and long[: -len(national)] in _COUNTRY_CODES


def _codes(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    if a == b:
        return True
    x, y = a[0], b[0]
    if x.isdigit() or y.isdigit():  # letters may be spelled in words
        return _digits(x) == _digits(y)
    return False


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


_SAME: Final = {
    Kind.NUMBER: _numbers,
    Kind.ORDINAL: lambda a, b: a == b,
    Kind.DATE: _dates,
    Kind.WEEKDAY: lambda a, b: a == b,
    Kind.TIME: _times,
    Kind.MONEY: _money,
    Kind.PHONE: _phones,
    Kind.CODE: _codes,
}


def _across(a: Reading, b: Reading) -> bool:
    """Compare a number with something else that can be said as one."""
    if a.kind is Kind.PHONE and b.kind is Kind.CODE:
        return bool(a.parts[0] == b.parts[0])
    if a.kind is Kind.ORDINAL and b.kind is Kind.DATE:
        year, month, day = b.parts
        return year is None and month is None and bool(day == a.parts[0])
    if a.kind is not Kind.NUMBER:
        return False
    value, unit = a.parts
    match b.kind:
        case Kind.ORDINAL:
            return unit in _PLAIN_UNITS and bool(value == b.parts[0])
        case Kind.DATE:
            year, month, day = b.parts
            said = [part for part in (year, month, day) if part is not None]
            units = {"", "day" if day else "month" if month else "year"}
            return unit in units and said == [value]
        case Kind.TIME:
            hour, minute, _ = b.parts
            return not unit and minute == 0 and value in {hour, hour % 12 or 12}
        case Kind.MONEY:
            return not unit and math.isclose(value, b.parts[0])
        case Kind.PHONE | Kind.CODE:
            return unit in _PLAIN_UNITS and plain(value) == _digits(b.parts[0])
    return False

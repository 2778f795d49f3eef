"""The engine of all languages: patterns on a text with digits, and what they mean.

A rule has a name, which says what is made of a match, and a pattern with groups of
fixed names: `n` a number, `u` its unit, `cur` a currency, `y mo d` a date, `h mi part` a
time.  Rules are tried in their order; what one has matched is gone for the next.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from realtime.guards.quantities.model import (
    Kind,
    Quantity,
    Reading,
    Span,
    number,
    shown,
)
from realtime.guards.quantities.rewrite import SOFT, Rewritten, fold

Rule = tuple[str, str]
_Made = tuple[tuple[Reading, ...], bool]
"""Readings, and whether the quantity may be left out."""

_NUMBERS: Final = {
    ".": r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)",
    ",": r"(?:\d{1,3}(?:[. ]\d{3})+(?!\d)(?:,\d+)?|\d+(?:[,.]\d+)?)",
}
MONTHS_EN: Final = {
    name: n
    for n, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun",
            "july jul", "august aug", "september sept sep", "october oct",
            "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip


def rules(*table: Rule) -> tuple[Rule, ...]:
    """Return a table of rules."""
    return table


@dataclass(frozen=True, eq=False)
class Language:
    """How one language writes quantities.

    Attributes:
        read: writes digits for its spelled numbers.
        rules: its patterns; `<N>` and `<N2>` stand for numbers in its notation.
        months, weekdays, units, currencies: its words, in lower case.
        part_of_day: "am", "pm" or "" for a word that stands with an hour.
        decimal: what separates decimals; the other sign separates thousands.
    """

    read: Callable[[str], Rewritten]
    rules: Callable[[], tuple[Rule, ...]]
    months: Mapping[str, int] = field(default_factory=dict)
    weekdays: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    part_of_day: Callable[[str], str] = lambda word: ""
    decimal: str = "."


_FIRST: Final = (
    ("iso date", r"(?<!\d)(?P<y>(?:19|20)\d\d)[-./](?P<mo>\d{1,2})[-./](?P<d>\d{1,2})(?!\d)"),
    ("phone", r"(?<![\d.])(?:\+\d{1,3}(?:[\s.-]{0,2}\(?\d{1,4}\)?){2,5}|"
              r"\(?0\d{1,3}\)?(?:[\s.,-]{1,2}|\s?(?:에|다시|의|の)\s?)\d{3,4}"
              r"(?:[\s.,-]{1,2}|\s?(?:에|다시|의|の)\s?)\d{4}|"
              r"\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}|1[5-9]\d\d-\d{4}|0\d{8,10}|"
              r"\d(?:[ -]\d){6,14}|\d{3,4}-\d{4})(?!\d)"),
)  # fmt: skip
_CODES: Final = (
    ("code", r"(?<![A-Za-z0-9])(?!(?:AM|PM|US)\d)[A-Z]{1,6}-?\d[\dA-Z]*(?:-[\dA-Z]+)*"
             r"(?![A-Za-z0-9])"),
    ("code", r"(?<![A-Za-z])(?:(?:[A-Z][ -]){2,5}|[B-HJ-Z][ -])\d(?:[ -]?\d)+"
             r"(?![A-Za-z0-9:])"),
)  # fmt: skip
_LAST: Final = (
    ("numeric date", r"(?<![\d/])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:/(?P<y>\d{4}))?(?![\d/])"),
    ("code", r"(?<![A-Za-z0-9])(?=[A-Z-]*\d)(?=[\d-]*[A-Z])"
             r"[A-Z0-9]+(?:-[A-Z0-9]+)*(?![A-Za-z0-9])"),
    ("code", r"(?<!\d)\d+(?:-\d+)+(?!\d)"),
    ("digits", r"(?<![\d ])\d(?: \d){2,5}(?![\d ])"),
    ("clock", r"(?<![\d:])(?P<h>\d{1,2}):(?P<mi>\d\d)(?![\d:])"),
    ("bare", r"<N>"),
)  # fmt: skip


class Reader:
    """One language's rules, compiled."""

    def __init__(self, language: Language) -> None:
        self._language = language
        numeral = _NUMBERS[language.decimal]
        self._rules = [
            (
                name,
                re.compile(
                    pattern.replace("<N>", rf"\ue000?(?<!\d)(?<!\d[.,])(?P<n>{numeral})")
                    .replace("<N2>", rf"\ue000?(?P<n2>{numeral})"),
                    re.IGNORECASE if name != "code" else 0,
                ),
            )
            for name, pattern in (*_FIRST, *_CODES, *language.rules(), *_LAST)
        ]  # fmt: skip

    def read(self, text: str) -> list[Quantity]:
        """Find the quantities of a text, in order."""
        read = self._language.read(fold(text))
        left = read.text
        found: list[Quantity] = []
        for name, pattern in self._rules:
            if not _DIGIT.search(left) and name not in _WITHOUT_DIGITS:
                continue
            spans: list[Span] = []
            for match in pattern.finditer(left):
                made = self._make(name, match, read)
                if made is None or not made[0]:
                    continue
                readings, is_soft = made
                spans.append(match.span())
                start, end = match.span()
                while left[end - 1].isspace():
                    end -= 1
                others = read.others.get(self._place(match), ())
                found.append(
                    Quantity(
                        readings[0].kind,
                        shown(readings[0]),
                        read.span(start, end),
                        (*readings, *others),
                        is_soft,
                    )
                )
            for start, end in spans:
                left = left[:start] + "\0" * (end - start) + left[end:]
        return sorted(found, key=lambda q: q.span)

    @staticmethod
    def _place(match: re.Match[str]) -> int:
        at = match.start()
        text = match.string
        while at < match.end() and not text[at].isdigit():
            at += 1
        return at

    # --- What a match means ----------------------------------------------------------

    def _make(self, name: str, match: re.Match[str], read: Rewritten) -> _Made | None:
        groups = match.groupdict()
        match name:
            case "iso date" | "date":
                return self._date(groups)
            case "numeric date":
                return self._numeric_date(groups)
            case "time" | "clock":
                return self._time(groups)
            case "spelled time":
                is_plain = not read.is_spelled(match.start("mi"))
                if is_plain and not groups["minutes"] and groups["rel"] != "past":
                    return None  # "10 to 5" is a range
                return self._time(groups)
            case "noon":
                return (Reading(Kind.TIME, (12, 0, "pm")),), False
            case "midnight":
                return (
                    Reading(Kind.TIME, (12, 0, "am")),
                    Reading(Kind.TIME, (0, 0, "")),
                ), False
            case "weekday":
                day = self._language.weekdays[groups["wd"].lower()]
                return (Reading(Kind.WEEKDAY, (day,)),), False
            case "money":
                return self._money(groups)
            case "duration":
                return self._duration(groups, match)
            case "unit":
                return self._unit(groups, match)
            case "day":
                return self._day(groups)
            case "ordinal":
                return self._ordinal(groups, match)
            case "phone":
                digits = "".join(c for c in match[0] if c.isdigit())
                return (Reading(Kind.PHONE, (digits,)),), False
            case "code":
                letters = "".join(c for c in match[0].upper() if c.isalnum())
                return (Reading(Kind.CODE, (letters,)),), False
            case "digits":
                return (Reading(Kind.CODE, (match[0].replace(" ", ""),)),), False
            case "fold":  # eight tenths of the price are a fifth off
                tenths = float(groups["n"])
                off = 100 - (tenths * 10 if tenths < 10 else tenths)
                return (number(off, "percent"),), False
        return self._bare(groups, match)

    def value(self, text: str) -> float:
        """Read a number in this language's notation."""
        if self._language.decimal == ",":
            if (
                "," not in text
                and text.count(".") == 1
                and len(text.split(".")[1]) != 3
            ):
                return float(text)
            text = text.replace(".", "").replace(" ", "").replace(",", ".")
        else:
            text = text.replace(",", "")
        number_ = float(text)
        return int(number_) if number_ == int(number_) else number_

    def _date(self, groups: dict[str, str | None]) -> _Made | None:
        year = int(groups.get("y") or 0) or None
        if year is not None and year < 100:
            year += 2000
        month_text = (groups.get("mo") or "").lower().strip(". ")
        month: int | None = None
        if month_text:
            month = self._language.months.get(month_text)
            month = month or (int(month_text) if month_text.isdigit() else None)
            if month is None or not 1 <= month <= 12:
                return None
        day = int(groups.get("d") or 0) or None
        if not (year or month or day) or (day or 0) > 31:
            return None
        return (Reading(Kind.DATE, (year, month, day)),), False

    def _numeric_date(self, groups: dict[str, str | None]) -> _Made | None:
        a, b = int(groups["a"] or 0), int(groups["b"] or 0)
        year = int(groups["y"] or 0) or None
        readings = [
            Reading(Kind.DATE, (year, month, day))
            for month, day in ((a, b), (b, a))
            if 1 <= month <= 12 and 1 <= day <= 31
        ]
        return (tuple(readings), False) if readings else None

    def _time(self, groups: dict[str, str | None]) -> _Made | None:
        hour = int(groups["h"] or 0)
        minute = int(groups.get("mi") or 0)
        if hour > 24 or minute > 59:
            return None
        part = groups.get("part")
        half = self._language.part_of_day(part) if part else ""
        if half == "night":  # of whoever is awake at one, or goes to bed at ten
            half = "am" if hour in (12, 1, 2, 3, 4, 5) else "pm"
        if half == "noonish":
            half = "am" if hour in (10, 11) else "pm"
        if groups.get("halfpast") is not None:
            minute = 30
        if groups.get("halfto") is not None:  # halb drei
            hour, minute = (hour - 1) or 12, 30
        if groups.get("quarter") is not None:
            minute = 45 if groups.get("quarter") == "3" else 15
        hour %= 24
        plain = Reading(Kind.TIME, (hour, minute, half if hour <= 12 else ""))
        if groups.get("rel") in _BEFORE and minute:
            return (_earlier(plain),), False
        if groups.get("before") and minute:
            return (plain, _earlier(plain)), False
        return (plain,), False

    def _money(self, groups: dict[str, str | None]) -> _Made | None:
        amount = self.value(groups["n"] or "0")
        currency = self._language.currencies[(groups["cur"] or "").lower().strip()]
        if groups.get("cents"):
            amount += int(groups["cents"] or 0) / 100
        return (Reading(Kind.MONEY, (amount, currency)),), False

    def _duration(self, groups: dict[str, str | None], match: re.Match[str]) -> _Made:
        hours = self.value(groups["n"] or "0")
        is_soft = hours == 1 and _is_soft(match)
        if groups.get("half") is not None:
            return (number(hours + 0.5, "hour"),), False
        if groups.get("n2"):
            minutes = hours * 60 + self.value(groups["n2"] or "0")
            return (number(minutes, "minute"),), False
        return (number(hours, "hour"),), is_soft

    def _unit(self, groups: dict[str, str | None], match: re.Match[str]) -> _Made:
        value = self.value(groups["n"] or "0")
        unit = self._language.units[(groups["u"] or "").lower().strip()]
        if groups.get("half") is not None:
            value += 0.5
        readings = tuple(number(value, name) for name in unit.split("/"))
        return readings, value == 1 or _is_soft(match)

    def _day(self, groups: dict[str, str | None]) -> _Made | None:
        day = int(groups["n"] or 0)
        if not 1 <= day <= 31:
            return (number(day, "day"),), False
        return (Reading(Kind.DATE, (None, None, day)), number(day, "day")), False

    def _ordinal(self, groups: dict[str, str | None], match: re.Match[str]) -> _Made:
        n = int(self.value(groups["n"] or "0"))
        if groups.get("u"):
            return (number(n, "floor"), Reading(Kind.ORDINAL, (n,))), False
        return (Reading(Kind.ORDINAL, (n,)),), _is_soft(match) or n == 1

    def _bare(self, groups: dict[str, str | None], match: re.Match[str]) -> _Made:
        text = groups["n"] or "0"
        value = self.value(text)
        if len(text) > 1 and text.startswith("0") and text.isdigit():
            return (Reading(Kind.CODE, (text,)),), False
        readings = [number(value)]
        if text.isdigit() and len(text) >= 7:
            readings.append(Reading(Kind.PHONE, (text,)))
        if text.isdigit() and 1900 <= value <= 2099:
            readings.append(Reading(Kind.DATE, (int(value), None, None)))
        return tuple(readings), _is_soft(match)


_DIGIT: Final = re.compile(r"\d")
_WITHOUT_DIGITS: Final = {"noon", "midnight", "weekday", "date"}
_BEFORE: Final = {"to", "before", "till", "of", "vor", "menos", "moins", "kém", "差"}


def _is_soft(match: re.Match[str]) -> bool:
    return SOFT in match[0]


def _earlier(time: Reading) -> Reading:
    """Read "ten to three"."""
    hour, minute, half = time.parts
    return Reading(Kind.TIME, ((hour - 1) % 24 or 12, 60 - minute, half))


@cache
def reader(language: Language) -> Reader:
    """Return a language's compiled rules."""
    return Reader(language)

"""Days and times in what people write, Korean or English.  Pure.

An expression is resolved against the writer's own clock ("내일 오후 3시", "next Friday
at 7 pm").  What can mean two things has two options, and whoever called asks: "3시"
without a half of the day, "Friday" said on a Friday, "next Friday" said on a Monday.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Generic, TypeVar

T = TypeVar("T", date, time)

WEEK: Final = 7
GRACE_DAYS: Final = 60
"""A day and month that has only just passed is a slip, and not meant for next year."""


@dataclass(frozen=True, slots=True)
class Mention(Generic[T]):
    """A day or a time that a text speaks of.

    Attributes:
        options: what it can mean; one where it is clear, none where there is no such.
        span: where it stands, [start, end).
        text: its words.
    """

    options: tuple[T, ...]
    span: tuple[int, int]
    text: str


# --- Words ----------------------------------------------------------------------------

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        1,
    )
    for name in names.split()
}
_DAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            "monday mon 월",
            "tuesday tues tue 화",
            "wednesday wed 수",
            "thursday thurs thur thu 목",
            "friday fri 금",
            "saturday sat 토",
            "sunday sun 일",
        )
    )
    for name in names.split()
}
_SMALL: Final = {
    word: number
    for number, words in enumerate(
        (
            "one a an 한 하나 일",
            "two 두 둘 이",
            "three 세 셋 삼",
            "four 네 넷 사",
            "five 다섯 오",
            "six 여섯 육",
            "seven 일곱 칠",
            "eight 여덟 팔",
            "nine 아홉 구",
            "ten 열 십",
            "eleven 열한 십일",
            "twelve 열두 십이",
        ),
        1,
    )
    for word in words.split()
}
_HOURS_KO: Final = "열한|열두|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열"
_HOURS_EN: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_TENS_EN: Final = {
    "five": 5,
    "ten": 10,
    "fifteen": 15,
    "quarter": 15,
    "a quarter": 15,
    "twenty": 20,
    "twenty-five": 25,
    "twenty five": 25,
    "thirty": 30,
    "half": 30,
    "forty": 40,
    "forty-five": 45,
    "forty five": 45,
    "fifty": 50,
}
_MINUTES_EN: Final = "|".join(sorted(_TENS_EN, key=len, reverse=True))
_ORDINAL_WORDS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
    " thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
    " twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth"
    " twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first"
)
_ORDINALS: Final = {
    word: number
    for number, word in enumerate(
        _ORDINAL_WORDS.split(),
        1,
    )
}
_SPANS_KO: Final = {
    "하루": 1,
    "이틀": 2,
    "사흘": 3,
    "나흘": 4,
    "닷새": 5,
    "엿새": 6,
    "이레": 7,
    "일주일": 7,
    "열흘": 10,
    "보름": 15,
}
_DAY_EN: Final = (
    r"(?P<day>monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|mon|tues|tue|wed|thurs|thur|thu|fri|sat)s?\b\.?"
)
_MONTH_EN: Final = (
    r"(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
)
_NTH_EN: Final = (
    r"(?P<nth>\d{1,2}(?:st|nd|rd|th)?\b|"
    + "|".join(sorted(_ORDINALS, key=len, reverse=True))
    + ")"
)
_SINO: Final = "[일이삼사오육칠팔구십]{1,4}"
_DAY_KO: Final = r"(?P<day>[월화수목금토일])요일"
_COUNT: Final = rf"(?P<count>\d{{1,3}}|{_HOURS_KO}|{_SINO}|{_HOURS_EN}|an?)"


def _sino(text: str) -> int:
    """Read a number below a hundred that is spelled in Sino-Korean digits."""
    tens, ten, ones = text.partition("십")
    if not ten:
        return _SMALL.get(text, 0)
    return (_SMALL.get(tens, 0) if tens else 1) * 10 + _SMALL.get(ones, 0)


def _count(text: str) -> int:
    text = text.casefold()
    if text.isdigit():
        return int(text)
    return _SMALL.get(text) or _sino(text)


# --- Days -----------------------------------------------------------------------------

_Found = tuple[date, ...]
_Read = Callable[[re.Match[str], date], _Found]


def _make(year: int, month: int, day: int) -> _Found:
    try:
        return (date(year, month, day),)
    except ValueError:
        return ()


def _month_day(month: int, day: int, today: date, year: int | None = None) -> _Found:
    """Return a day of the calendar; without a year the one that is meant."""
    if year is not None:
        return _make(year, month, day)
    this = _make(today.year, month, day)
    if this and this[0] >= today - timedelta(days=GRACE_DAYS):
        return this
    return _make(today.year + 1, month, day)


def _day_of_month(day: int, today: date) -> _Found:
    """Return the next day with this number."""
    for months in range(3):
        year, month = _later_month(today, months)
        found = _make(year, month, day)
        if found and found[0] >= today:
            return found
    return ()


def _later_month(today: date, months: int) -> tuple[int, int]:
    number = today.year * 12 + today.month - 1 + months
    return number // 12, number % 12 + 1


def _in_week(today: date, weeks: int, day: int) -> date:
    """Return a weekday of a week; weeks begin on Monday."""
    monday = today - timedelta(days=today.weekday())
    return monday + timedelta(days=weeks * WEEK + day)


def _coming(today: date, day: int) -> date:
    """Return the next such weekday, today included."""
    return today + timedelta(days=(day - today.weekday()) % WEEK)


def _weekday(which: str, day: int, today: date) -> _Found:
    """Return what a weekday means: `which` is "", "this", "next" or "coming"."""
    coming = _coming(today, day)
    after = coming + timedelta(days=WEEK)
    if which == "coming":
        return (after if coming == today else coming,)
    if which == "next":
        return tuple(sorted({_in_week(today, 1, day), _coming_after(today, day)}))
    if coming == today and not which:
        return (coming, after)
    return (coming,)


def _coming_after(today: date, day: int) -> date:
    return _coming(today + timedelta(days=1), day)


_THIS: Final = {"이번": "this", "this": "this"}
_NEXT: Final = {"다음": "next", "담": "next", "next": "next", "following": "next"}


def _read_weekday(m: re.Match[str], today: date) -> _Found:
    which = " ".join((m["which"] or "").casefold().split())
    kind = _THIS.get(which) or _NEXT.get(which) or ("coming" if which else "")
    return _weekday(kind, _DAYS[m["day"].casefold()], today)


_WEEKS: Final = {"지난": -1, "저번": -1, "이번": 0, "금": 0, "다음": 1, "담": 1}


def _read_week_and_day(m: re.Match[str], today: date) -> _Found:
    weeks = _WEEKS.get(m["week"], 2)
    return (_in_week(today, weeks, _DAYS[m["day"] or m["short"]]),)


def _read_weekend(m: re.Match[str], today: date) -> _Found:
    which = (m["which"] or "").casefold()
    week = 1 if which in {"다음 주", "다음주", "다음", "next"} else 0
    return tuple(_in_week(today, week, day) for day in (5, 6))


def _read_relative(days: dict[str, int]) -> _Read:
    def read(m: re.Match[str], today: date) -> _Found:
        word = " ".join(m["word"].casefold().split())
        return (today + timedelta(days=days[word]),)

    return read


def _read_later(m: re.Match[str], today: date) -> _Found:
    """Read "3일 뒤", "in two weeks", "a month from now"."""
    parts = m.groupdict()
    if parts.get("span"):
        return (today + timedelta(days=_SPANS_KO[m["span"]]),)
    n, unit = _count(m["count"]), m["unit"].casefold()
    if unit in {"달", "개월", "month", "months"}:
        year, month = _later_month(today, n)
        return _make(year, month, today.day) or _make(year, month, 28)
    days = n * (WEEK if unit in {"주", "주일", "week", "weeks"} else 1)
    return (today + timedelta(days=days),)


def _read_later_english(m: re.Match[str], today: date) -> _Found:
    n = _count(m["count"] or m["count2"])
    unit = (m["unit"] or m["unit2"]).casefold()
    if unit.startswith("month"):
        year, month = _later_month(today, n)
        return _make(year, month, today.day) or _make(year, month, 28)
    return (today + timedelta(days=n * (WEEK if unit.startswith("week") else 1)),)


def _read_week_from(m: re.Match[str], today: date) -> _Found:
    word = m["from"].casefold()
    if word in {"today", "now"}:
        first = today
    elif word == "tomorrow":
        first = today + timedelta(days=1)
    else:
        first = _coming_after(today, _DAYS[word])
    return (first + timedelta(days=_count(m["count"]) * WEEK),)


def _read_iso(m: re.Match[str], today: date) -> _Found:
    return _make(int(m["year"]), int(m["month"]), int(m["nth"]))


def _read_korean_day(m: re.Match[str], today: date) -> _Found:
    special = {"시": 10, "유": 6}
    month = special.get(m["month"]) or _count(m["month"])
    year = int(m["year"]) if m["year"] else None
    return _month_day(month, _count(m["nth"]), today, year)


def _read_english_day(m: re.Match[str], today: date) -> _Found:
    year = int(m["year"]) if m["year"] else None
    month = _MONTHS[m["month"].casefold()]
    return _month_day(month, _nth(m["nth"]), today, year)


def _nth(text: str) -> int:
    text = text.casefold()
    return _ORDINALS.get(text) or int(re.sub(r"\D", "", text))


def _read_month_of(m: re.Match[str], today: date) -> _Found:
    months = 1 if m["which"].casefold() in {"다음", "next"} else 0
    year, month = _later_month(today, months)
    return _make(year, month, _count(m["nth"]))


def _read_nth(m: re.Match[str], today: date) -> _Found:
    text = m["nth"]
    return _day_of_month(_count(text) if text.isdigit() else _nth(text), today)


def _read_korean_nth(m: re.Match[str], today: date) -> _Found:
    return _day_of_month(_count(m["nth"]), today)


def _read_slashed(m: re.Match[str], today: date) -> _Found:
    """Read "11/27" and "27/11"; "11/12" can be either."""
    a, b = int(m["a"]), int(m["b"])
    year = int(m["year"]) if m["year"] else None
    found = {*_month_day(a, b, today, year), *_month_day(b, a, today, year)}
    return tuple(sorted(found))


def _read_dotted(m: re.Match[str], today: date) -> _Found:
    return _month_day(int(m["month"]), int(m["nth"]), today)


_I: Final = re.IGNORECASE
_DATE_RULES: Final[tuple[tuple[re.Pattern[str], _Read], ...]] = (
    (
        re.compile(
            r"(?P<year>20\d\d)(?:\s*년\s*|[-./]\s?)(?P<month>\d{1,2})"
            r"(?:\s*월\s*|[-./]\s?)(?P<nth>\d{1,2})(?:\s*일)?(?!\d)"
        ),
        _read_iso,
    ),
    (
        re.compile(
            rf"(?:(?P<year>20\d\d)\s*년\s*)?(?P<month>(?<!\d)\d{{1,2}}|{_SINO}|시|유)\s*"
            rf"월\s*(?P<nth>\d{{1,2}}|{_SINO})\s*일"
        ),
        _read_korean_day,
    ),
    (
        re.compile(
            rf"(?P<which>다음|이번)\s*달\s*(?P<nth>\d{{1,2}}|{_SINO})\s*일(?![간뒤후주])"
        ),
        _read_month_of,
    ),
    (
        re.compile(
            rf"(?:the\s+)?{_NTH_EN}\s+(?:of\s+)?{_MONTH_EN}(?:,?\s+(?P<year>20\d\d))?",
            _I,
        ),
        _read_english_day,
    ),
    (
        re.compile(
            rf"\b{_MONTH_EN}\s+(?:the\s+)?{_NTH_EN}(?!\s*(?::|pm|am|p\.m|a\.m))"
            r"(?:,?\s+(?P<year>20\d\d))?",
            _I,
        ),
        _read_english_day,
    ),
    (
        re.compile(
            rf"\b(?P<count>\d{{1,2}}|{_HOURS_EN}|an?)\s+weeks?\s+(?:from\s+)?"
            r"(?P<from>today|now|tomorrow|monday|tuesday|wednesday|thursday|friday"
            r"|saturday|sunday)\b",
            _I,
        ),
        _read_week_from,
    ),
    (
        re.compile(
            rf"\bin\s+{_COUNT}\s+(?P<unit>days?|weeks?|months?)\b"
            rf"|\b(?P<count2>\d{{1,2}}|{_HOURS_EN}|an?)\s+(?P<unit2>days?|weeks?|months?)"
            r"\s+(?:from\s+now|later)\b",
            _I,
        ),
        _read_later_english,
    ),
    (
        re.compile(
            rf"(?:(?P<span>{'|'.join(_SPANS_KO)})"
            rf"|(?P<count>\d{{1,3}}|한|두|세|네|{_SINO})\s*(?P<unit>일|주일|주|달|개월))"
            r"\s*(?:뒤|후|있다가|지나서)"
        ),
        _read_later,
    ),
    (
        re.compile(
            r"(?P<week>다다음|다음다음|다음|담|이번|금|지난|저번)\s*주\s*(?:의\s*)?"
            rf"(?:{_DAY_KO}|(?P<short>[월화수목금토일])(?=\s|에|,|$|\d))"
        ),
        _read_week_and_day,
    ),
    (
        re.compile(
            r"(?P<which>이번\s?주|다음\s?주|이번|다음|this|next)?\s*(?:the\s+)?"
            r"(?:주말|weekend\b)",
            _I,
        ),
        _read_weekend,
    ),
    (
        re.compile(rf"(?P<which>이번|다음|담|돌아오는|오는)?\s*(?<![가-힣]){_DAY_KO}"),
        _read_weekday,
    ),
    (
        re.compile(
            r"\b(?:(?P<which>this\s+coming|this|next|following|coming|upcoming)\s+)?"
            + _DAY_EN,
            _I,
        ),
        _read_weekday,
    ),
    (re.compile(r"\b(?P<which>next)\s+(?P<day>sun)\b", _I), _read_weekday),
    (
        re.compile(
            r"(?P<word>내일\s?모레|그글피|글피|모레|내일|오늘|어제|그저께|그제)"
        ),
        _read_relative(
            {
                "내일모레": 2,
                "내일 모레": 2,
                "그글피": 4,
                "글피": 3,
                "모레": 2,
                "내일": 1,
                "오늘": 0,
                "어제": -1,
                "그제": -2,
                "그저께": -2,
            }
        ),
    ),
    (
        re.compile(
            r"\b(?:the\s+)?(?P<word>day\s+after\s+tomorrow|tomorrow|today|tonight"
            r"|this\s+(?:morning|afternoon|evening)|yesterday)\b",
            _I,
        ),
        _read_relative(
            {
                "day after tomorrow": 2,
                "tomorrow": 1,
                "today": 0,
                "tonight": 0,
                "this morning": 0,
                "this afternoon": 0,
                "this evening": 0,
                "yesterday": -1,
            }
        ),
    ),
    (
        re.compile(
            r"(?<![\d/.-])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:/(?P<year>20\d\d))?(?![\d/])"
        ),
        _read_slashed,
    ),
    (
        re.compile(
            r"(?<![\d.])(?P<month>\d{1,2})\.\s?(?P<nth>\d{1,2})\.?(?![\d:])"
            r"(?=\s*(?:\(|[월화수목금토일]요일|에|$))"
        ),
        _read_dotted,
    ),
    (
        re.compile(
            r"(?<![\d월달])(?<!월 )(?P<nth>\d{1,2})\s*일"
            r"(?!\s*[간뒤후]|\s*동안|요일|주일|[가-힣]*번)"
        ),
        _read_korean_nth,
    ),
    (
        re.compile(r"\bthe\s+(?P<nth>\d{1,2}(?:st|nd|rd|th))\b(?!\s+floor)", _I),
        _read_nth,
    ),
)


def find_dates(text: str, now: datetime) -> list[Mention[date]]:
    """Find the days that a text speaks of.

    Args:
        text: what somebody wrote.
        now: on the writer's clock.

    Returns:
        in order of the text; days that are over are among them.
    """
    found: list[Mention[date]] = []
    rest = text
    for pattern, read in _DATE_RULES:
        for m in pattern.finditer(rest):
            span = _trimmed(text, m.span())
            found.append(Mention(read(m, now.date()), span, text[span[0] : span[1]]))
        rest = pattern.sub(lambda m: "\x00" * len(m[0]), rest)
    return _with_their_weekdays(sorted(found, key=lambda one: one.span), text)


def _trimmed(text: str, span: tuple[int, int]) -> tuple[int, int]:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _with_their_weekdays(found: list[Mention[date]], text: str) -> list[Mention[date]]:
    """Join "Friday" and "27 November" where they stand together.

    Where they contradict each other, both stay as options.
    """
    joined: list[Mention[date]] = []
    for one in found:
        if joined and _stand_together(joined[-1], one, text):
            before = joined.pop()
            both = set(before.options) & set(one.options)
            # The weekday alone may have meant another week: the date decides.
            exact = one if _is_exact(one.text) else before
            other = before if exact is one else one
            days = {day.weekday() for day in other.options}
            if not both:
                both = {day for day in exact.options if day.weekday() in days}
            options = both or {*before.options, *one.options}
            span = (before.span[0], one.span[1])
            joined.append(
                Mention(tuple(sorted(options)), span, text[span[0] : span[1]])
            )
        else:
            joined.append(one)
    return joined


_ANY_WEEKDAY: Final = re.compile(f"{_DAY_KO}|{_DAY_EN}".replace("?P<day>", "?:"), _I)


def _is_exact(text: str) -> bool:
    return bool(re.search(r"\d|월\s", text)) or any(
        month in text.casefold() for month in _MONTHS if len(month) > 3
    )


def _stand_together(a: Mention[date], b: Mention[date], text: str) -> bool:
    between = text[a.span[1] : b.span[0]]
    if not re.fullmatch(r"[\s,(]{0,3}(?:the\s+|on\s+)?", between, _I):
        return False
    is_weekday = [bool(_ANY_WEEKDAY.search(m.text)) for m in (a, b)]
    return is_weekday[0] != is_weekday[1] or _is_exact(a.text) != _is_exact(b.text)


# --- Times ----------------------------------------------------------------------------

_MORNING: Final = "am"
_EVENING: Final = "pm"
_NOONISH: Final = "noon"
_NIGHT: Final = "night"
_PARTS: Final = {
    "오전": _MORNING,
    "아침": _MORNING,
    "새벽": _MORNING,
    "오후": _EVENING,
    "저녁": _EVENING,
    "점심": _NOONISH,
    "낮": _NOONISH,
    "밤": _NIGHT,
    "morning": _MORNING,
    "afternoon": _EVENING,
    "evening": _EVENING,
    "tonight": _EVENING,
    "lunch": _NOONISH,
    "dinner": _EVENING,
    "breakfast": _MORNING,
    "night": _NIGHT,
}
_PART: Final = re.compile(
    r"오전|아침|새벽|오후|저녁|점심|(?<![가-힣])한?낮|(?<![가-힣])밤|오늘밤"
    r"|\b(?:morning|afternoon|evening|tonight|night|lunch|dinner|breakfast)\b",
    _I,
)
_HALF_KO: Final = r"(?:(?P<part>오전|오후|아침|점심|낮|저녁|밤|새벽)\s*(?:에\s*)?)?"
_HALF_EN: Final = r"(?:\s*(?P<half>[ap])\.?\s?m\b\.?)"
_TIME_RULES: Final[tuple[re.Pattern[str], ...]] = (
    re.compile(
        _HALF_KO + r"(?<![\d:])(?P<hour>[01]?\d|2[0-4])[:：](?P<minute>[0-5]\d)(?!\d)"
        rf"{_HALF_EN}?",
        _I,
    ),
    re.compile(
        _HALF_KO + rf"(?<!\d)(?P<hour>\d{{1,2}}|{_HOURS_KO})\s*시(?!\s*간)"
        rf"\s*(?:(?P<thirty>반)|(?P<minute>\d{{1,2}}|{_SINO})\s*분(?P<before>\s*전)?)?",
    ),
    re.compile(
        rf"\b(?P<minute>\d{{1,2}}|{_MINUTES_EN})(?:\s+minutes)?\s+(?P<way>past|to|after)"
        rf"\s+(?P<hour>\d{{1,2}}|{_HOURS_EN})\b{_HALF_EN}?",
        _I,
    ),
    re.compile(
        rf"(?<![\d:.])\b(?P<hour>\d{{1,2}}|{_HOURS_EN})(?:[:.](?P<minute>[0-5]\d)"
        rf"|\s+(?P<spelled>{_MINUTES_EN}))?{_HALF_EN}",
        _I,
    ),
    re.compile(rf"\b(?P<hour>\d{{1,2}}|{_HOURS_EN})\s+o['’]?\s?clock\b{_HALF_EN}?", _I),
    re.compile(
        rf"\b(?:at|around|about|by|from|until|before|after)\s+(?:about\s+|around\s+)?"
        rf"(?P<hour>\d{{1,2}}|{_HOURS_EN})(?:\.(?P<minute>[0-5]\d)|\s+(?P<spelled>"
        rf"{_MINUTES_EN}))?\b(?![\d:/-])"
        r"(?!\s*(?:%|people|persons?|guests?|of\s+us|won|days?|weeks?|months?|hours?"
        r"|minutes?|nights?|st\b|nd\b|rd\b|th\b|street|avenue|-))",
        _I,
    ),
    re.compile(
        rf"\b(?P<hour>\d{{1,2}}|{_HOURS_EN})\s+(?=in\s+the\s+(?:morning|afternoon"
        r"|evening)|tonight\b)",
        _I,
    ),
    re.compile(r"\b(?P<noon>noon|midday)\b|\b(?P<midnight>midnight)\b", _I),
    re.compile(r"(?P<noon>정오)|(?P<midnight>자정)"),
)
_BARE: Final = re.compile(
    rf"\s*(?:at\s+)?(?P<hour>\d{{1,2}}|{_HOURS_EN}|{_HOURS_KO})\s*[.!요]?\s*", _I
)


def find_times(text: str, *, is_asked: bool = False) -> list[Mention[time]]:
    """Find the times of day that a text speaks of.

    Args:
        text: what somebody wrote.
        is_asked: it answers "at what time?": a number alone is an hour.
    """
    found: list[Mention[time]] = []
    rest = text
    for pattern in _TIME_RULES:
        for m in pattern.finditer(rest):
            options = tuple(_times(m, text))
            if options:
                span = _trimmed(text, m.span())
                found.append(Mention(options, span, text[span[0] : span[1]]))
        rest = pattern.sub(lambda m: "\x00" * len(m[0]), rest)
    if not found and is_asked and (bare := _BARE.fullmatch(text)):
        found.append(Mention(tuple(_times(bare, text)), bare.span(), text.strip()))
    return sorted(found, key=lambda one: one.span)


def _times(m: re.Match[str], text: str) -> Iterator[time]:
    parts = m.groupdict()
    if parts.get("noon"):
        yield time(12)
        return
    if parts.get("midnight"):
        yield time(0)
        return
    hour, minute = _count(m["hour"]), _minute(parts)
    if parts.get("way") == "to" or parts.get("before"):
        hour, minute = hour - 1 or 12, 60 - minute
    if hour > 24 or not 0 <= minute < 60:
        return
    is_24_hours = hour > 12 or hour == 0 or re.match(r"0\d", m["hour"])
    part = "" if is_24_hours else _part_of_day(m, text)
    for one in _hours(hour % 24, part, is_24_hours=bool(is_24_hours)):
        yield time(one, minute)


def _minute(parts: dict[str, str | None]) -> int:
    if parts.get("thirty"):
        return 30
    text = (parts.get("minute") or parts.get("spelled") or "0").casefold()
    if text in _TENS_EN:
        return _TENS_EN[text]
    return int(text) if text.isdigit() else _sino(text)


def _part_of_day(m: re.Match[str], text: str) -> str:
    """Return the half of the day: said with the hour, or once in the whole text."""
    parts = m.groupdict()
    if parts.get("half"):
        return _MORNING if parts["half"].casefold() == "a" else _EVENING
    if parts.get("part"):
        return _PARTS[parts["part"]]
    said = {_part(word) for word in _PART.findall(text)}
    return said.pop() if len(said) == 1 else ""


def _part(word: str) -> str:
    word = word.casefold()
    return _PARTS[
        "밤" if word.endswith("밤") else "낮" if word.endswith("낮") else word
    ]


def _hours(hour: int, part: str, *, is_24_hours: bool) -> tuple[int, ...]:
    """Return the hours of the day that an hour of the clock can be."""
    if is_24_hours:
        return (hour,)
    if part == _MORNING:
        return (hour % 12,)
    if part == _EVENING:
        return (hour % 12 + 12,)
    if part == _NOONISH:
        return (hour if hour >= 10 else hour + 12,)
    if part == _NIGHT:
        return (hour % 12,) if hour < 5 or hour == 12 else (hour + 12,)
    return (12,) if hour == 12 else (hour, hour + 12)


# --- How they are said ----------------------------------------------------------------

_WEEKDAYS: Final = {
    "en": (
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ),
    "ko": ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"),
}
_MONTH_NAMES: Final = tuple(
    name.capitalize()
    for name in _MONTHS
    if len(name) > 4 or name in {"may", "june", "july"}
)


def say_date(day: date, language: str, today: date) -> str:
    """Write a day as people say it, with its weekday; the year if it is another one."""
    weekday = _WEEKDAYS["ko" if language == "ko" else "en"][day.weekday()]
    if language == "ko":
        year = f"{day.year}년 " if day.year != today.year else ""
        return f"{year}{day.month}월 {day.day}일 {weekday}"
    year = f" {day.year}" if day.year != today.year else ""
    return f"{weekday} {day.day} {_MONTH_NAMES[day.month - 1]}{year}"


def say_time(at: time, language: str) -> str:
    """Write a time of day as people say it."""
    hour = at.hour % 12 or 12
    if language == "ko":
        half = "오전" if at.hour < 12 else "오후"
        minute = f" {at.minute}분" if at.minute else ""
        return f"{half} {hour}시{minute}"
    return f"{hour}:{at.minute:02} {'am' if at.hour < 12 else 'pm'}"

"""English: spelled numbers, and the patterns around them."""

import re
from typing import Final

from realtime.guards.quantities.model import Kind, Reading, number, plain
from realtime.guards.quantities.rewrite import SOFT, Piece, Rewritten, rewrite
from realtime.guards.quantities.rules import MONTHS_EN, Language, Rule, rules

_ONES: Final = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen"
        " fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS: Final = {
    word: 10 * n
    for n, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_SCALES: Final = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
}
_ORDINALS: Final = {
    word: n
    for n, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh"
        " twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth"
        " nineteenth twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50}
_WORDS: Final = "|".join(
    sorted(
        {
            *_ONES,
            *_TENS,
            *_SCALES,
            *_ORDINALS,
            "oh",
            "double",
            "triple",
            "dozen",
            "point",
        },
        key=lambda word: (-len(word), word),
    )
)
_RUN: Final = re.compile(
    rf"\b(?:an? (?=hundred|thousand|million|billion|dozen))?"
    rf"(?:{_WORDS})\b(?:(?:[ -]+and[ -]+|[ -]+)(?:{_WORDS})\b)*",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"[a-z]+", re.IGNORECASE)
_IDIOM: Final = re.compile(
    r"\b(?:two birds with one stone|one way or another|one another|one of (?:the|these|"
    r"those|my|our|your|a kind)|no one|which one|this one|that one|the other one|each"
    r" one|one by one|one more|one moment|one second|just a second|a second|any one|"
    r"twenty[- ]four[- ]seven|24/7|(?:a |one )?(?:hundred|100) ?(?:percent|%) (?:sure|"
    r"certain|agree)|first of all|at first|first name|first class|second to none|"
    r"second hand|on second thought|a thousand thanks|thanks a million|square one|"
    r"number one priority|catch-22|nine[- ]to[- ]five|one[- ]on[- ]one|"
    r"one[- ]way|second opinion|back to square one|the first time|last but not least)\b",
    re.IGNORECASE,
)
_FIXED: Final = (
    (re.compile(r"\bhalf an hour\b", re.I), "30 minutes"),
    (re.compile(r"\ban hour and a half\b", re.I), "1.5 hours"),
    (re.compile(r"\b(?:a )?quarter of an hour\b", re.I), "15 minutes"),
    (re.compile(r"\bhalf a dozen\b", re.I), "6"),
    (re.compile(r"\b(?:a couple(?: of)?|both|twice|twin|a pair of)\b", re.I), f"{SOFT}2 "),
    (re.compile(r"\ban? (?=(?:hour|minute|day|night|week|month|year|person)\b)", re.I),
     f"{SOFT}1 "),
)  # fmt: skip
_SCALED: Final = re.compile(
    r"(?<![\d.,])(\d[\d,]*(?:\.\d+)?)\s+(hundred|thousand|million|billion)\b", re.I
)
_HALF: Final = re.compile(
    rf"\b({'|'.join(_ONES)}|\d+) and a half\b|\b(\d+) and a half\b", re.IGNORECASE
)


def _read(text: str) -> Rewritten:
    """Write digits for words."""
    pieces = [Piece(m.span(), _blank(m[0])) for m in _IDIOM.finditer(text)]
    for pattern, digits in _FIXED:
        pieces += [Piece(m.span(), digits) for m in pattern.finditer(text)]
    for m in _HALF.finditer(text):
        word = (m[1] or m[2]).lower()
        pieces.append(Piece(m.span(), f"{_ONES.get(word, word)}.5"))
    for m in _SCALED.finditer(text):
        value = float(m[1].replace(",", "")) * _SCALES[m[2].lower()]
        pieces.append(Piece(m.span(), plain(value)))
    for run in _RUN.finditer(text):
        pieces += _run(run)
    return rewrite(text, pieces)


def _blank(text: str) -> str:
    return " " * len(text)


def _run(run: re.Match[str]) -> list[Piece]:
    """Split a run of number words into numbers."""
    tokens = [
        (m[0].lower(), (run.start() + m.start(), run.start() + m.end()))
        for m in _TOKEN.finditer(run[0])
    ]
    digits = _by_digit(tokens)
    if digits is not None:
        return digits
    numbers: list[tuple[str, tuple[int, int], bool]] = []
    at = 0
    while at < len(tokens):
        text, n_tokens, is_ordinal = _number(tokens, at)
        if n_tokens and text:
            span = (tokens[at][1][0], tokens[at + n_tokens - 1][1][1])
            numbers.append((text, span, is_ordinal))
        at += n_tokens or 1
    return _joined(numbers)


def _by_digit(tokens: list[tuple[str, tuple[int, int]]]) -> list[Piece] | None:
    """Read digits said one by one, at least three of them."""
    text = ""
    times = 1
    for word, _ in tokens:
        if word in {"double", "triple"}:
            times = 2 if word == "double" else 3
            continue
        value = 0 if word == "oh" else _ONES.get(word, 10)
        if value > 9:
            return None
        text += str(value) * times
        times = 1
    if len(text) < 3:
        return None
    others: tuple[Reading, ...] = ()
    if len(text) == 3 and text[1] == "0":  # four oh five
        others = (Reading(Kind.TIME, (int(text[0]), int(text[2]), "")),)
    return [Piece((tokens[0][1][0], tokens[-1][1][1]), text, others)]


def _number(
    tokens: list[tuple[str, tuple[int, int]]], at: int
) -> tuple[str, int, bool]:
    """Read one number: its digits, how many words it has, whether it is an ordinal."""
    total = section = 0
    room = 10**12  # what may follow has to be smaller
    n = 0
    decimals = ""
    is_any = False
    for place in range(at, len(tokens)):
        word = tokens[place][0]
        if decimals:
            if _ONES.get(word, 10) > 9:
                break
            decimals += str(_ONES[word])
        elif word in ("a", "an"):
            is_any = False
        elif word in _ORDINALS:
            value = _ORDINALS[word]
            if word == "second" and is_any and section % 100 < 20:
                break  # one second
            if is_any and (value >= 10 or room <= value or section % 10):
                break
            return str(total + section + value), place - at + 1, True
        elif word == "and":
            if place == at or tokens[place - 1][0] not in _SCALES:
                break
        elif word in _ONES or word in _TENS:
            value = _ONES.get(word, _TENS.get(word, 0))
            if value >= room:
                break
            section += value
            room = 10 if word in _TENS else 0
            is_any = True
        elif word in _SCALES or word == "dozen":
            scale = _SCALES.get(word, 12)
            if scale == 100 or word == "dozen":
                if section >= 100:
                    break
                section = (section or 1) * scale
                room = 100 if scale == 100 else 0
            else:
                total += (section or 1) * scale
                section, room = 0, scale
            is_any = True
        elif word == "point" and is_any and place + 1 < len(tokens):
            if _ONES.get(tokens[place + 1][0], 10) > 9:
                break
            decimals = "."
        else:
            break
        n = place - at + 1
    while n and tokens[at + n - 1][0] == "and":
        n -= 1
    return (f"{total + section}{decimals}" if is_any else ""), n, False


def _joined(numbers: list[tuple[str, tuple[int, int], bool]]) -> list[Piece]:
    """Join what is said in pairs: years, times, numbers of rooms."""
    pieces: list[Piece] = []
    at = 0
    while at < len(numbers):
        text, span, is_ordinal = numbers[at]
        following = numbers[at + 1] if at + 1 < len(numbers) else None
        if (
            following and not is_ordinal and not following[2]
            and text.isdigit() and len(following[0]) == 2 and following[0].isdigit()
            and following[1][0] - span[1] == 1 and int(text) < 100
        ):  # fmt: skip
            hour, rest = int(text), int(following[0])
            joined = (span[0], following[1][1])
            others: tuple[Reading, ...] = (number(hour * 100 + rest),)
            if 18 <= hour <= 20:
                pieces.append(Piece(joined, f"{hour}{rest:02}"))
                at += 2
                continue
            if 1 <= hour <= 12 and rest < 60:
                others += (number(hour + rest / 100),)
                pieces.append(Piece(joined, f"{hour}:{rest:02}", others))
                at += 2
                continue
            if hour > 12 and rest > 9:  # a price
                pieces.append(Piece(joined, f"{hour}.{rest}", others))
                at += 2
                continue
        if is_ordinal:
            soft = SOFT if text in ("1", "2") else ""
            pieces.append(Piece(span, f"{soft}{text}th"))
        else:
            pieces.append(Piece(span, (SOFT if text == "1" else "") + text))
        at += 1
    return pieces


_PART: Final = (
    r"(?:a\.?\s?m\b\.?|p\.?\s?m\b\.?|in the (?:early )?(?:morning|afternoon|evening)|at"
    r" night|tonight|noon|(?:this|tomorrow|yesterday|every) (?:morning|afternoon|"
    r"evening|night))"
)
_HOUR: Final = r"\ue000?(?P<h>\d{1,2})"


def part_of_day(word: str) -> str:
    """Tell the half of the day from a word."""
    letters = word.lower().replace(".", "").replace(" ", "")
    if letters == "am" or "morning" in letters:
        return "am"
    return "pm"


UNITS: Final = {
    "people": "person", "persons": "person", "person": "person", "guests": "person",
    "adults": "person", "children": "person", "kids": "person", "pax": "person",
    "hours": "hour", "hour": "hour", "hrs": "hour", "minutes": "minute",
    "minute": "minute", "mins": "minute", "seconds": "second",
    "days": "day", "day": "day", "nights": "night", "night": "night",
    "weeks": "week", "week": "week", "months": "month", "month": "month",
    "years": "year", "year": "year", "floors": "floor", "floor": "floor",
    "percent": "percent", "per cent": "percent", "%": "percent",
    "kilos": "kilogram", "kilograms": "kilogram", "kg": "kilogram", "grams": "gram",
    "kilometers": "kilometre", "kilometres": "kilometre", "km": "kilometre",
    "meters": "metre", "metres": "metre", "cm": "centimetre",
    "centimeters": "centimetre", "degrees": "degree",
}  # fmt: skip
_CURRENCIES: Final = {
    "us$": "dollar", "$": "dollar", "dollar": "dollar", "dollars": "dollar",
    "buck": "dollar", "bucks": "dollar", "usd": "dollar", "won": "won", "krw": "won",
    "₩": "won", "€": "euro", "euro": "euro", "euros": "euro", "eur": "euro",
    "£": "pound", "pound": "pound", "pounds": "pound", "quid": "pound",
    "¥": "yen/yuan", "yen": "yen", "yuan": "yuan", "rmb": "yuan", "dong": "dong",
}  # fmt: skip
_MONTH: Final = (
    r"(?P<mo>(?:january|february|april|june|july|august|september|october|november|"
    r"december|(?-i:May|March|Mar)|jan|feb|apr|jun|jul|aug|sept|sep|oct|nov|dec)\b\.?)"
)
_DAY: Final = r"\ue000?(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_NO_DAY: Final = r"(?![\d:.,]*\d)(?!\s*(?:a\.?m|p\.?m|o'clock))"


def _table() -> tuple[Rule, ...]:
    return rules(
        ("date", rf"\b{_MONTH}\s+(?:the\s+)?{_DAY}{_NO_DAY}\b(?:,?\s+(?P<y>(?:19|20)\d\d))?"),
        ("date", rf"(?<!\d){_DAY}\s+(?:of\s+)?{_MONTH}(?:,?\s+(?P<y>(?:19|20)\d\d))?"),
        ("date", rf"\b(?!may\b|mar(?:ch)?\b){_MONTH}(?:\s+(?P<y>(?:19|20)\d\d))?"),
        ("date", r"\b(?:in|on|of|this|next|last|until|by|since|for|from)\s+"
                 r"(?P<mo>may|march)(?=\s*[.,!?]|\s*$|\s+(?:or|and|to|until)\b)"),
        ("time", rf"\bhalf(?:[- ]past)?\s+{_HOUR}(?P<halfpast>)(?:\s*(?P<part>{_PART}))?"),
        ("time", rf"\b(?:a\s+)?quarter\s+(?P<rel>past|after|to|before|till|of)\s+{_HOUR}"
                 rf"(?P<quarter>)(?:\s*(?P<part>{_PART}))?"),
        ("spelled time", rf"(?<!from )(?<!open )(?<!between )(?P<mi>5|10|20|25)"
                         rf"(?P<minutes>\s+minutes)?\s+(?P<rel>past|after|to|before|till)"
                         rf"\s+{_HOUR}\b(?!\s*(?:people|guests|\w+ks|days|hours|minutes))"
                         rf"(?:\s*(?P<part>{_PART}))?"),
        ("time", rf"{_HOUR}(?::(?P<mi>\d\d))?\s*(?P<part>{_PART})"),
        ("time", rf"(?<![\d:]){_HOUR}:(?P<mi>\d\d)(?!\d)(?:\s*(?P<part>{_PART}))?"),
        ("time", rf"{_HOUR}\s*o['’ ]?clock(?:\s+(?:\w+\s)?(?P<part>{_PART}))?"),
        ("noon", r"\b(?:12\s+)?(?:noon|midday)\b"),
        ("midnight", r"\bmidnight\b"),
        ("weekday", r"\b(?P<wd>monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b"),
        ("money", r"(?P<cur>us\$|[$€£¥₩])\s?<N>"),
        ("money", r"<N>[\s-]*(?P<cur>dollars?|bucks?|usd|won|krw|euros?|eur|pounds?|quid|yen|"
                  r"yuan|rmb|dong)\b(?:\s+(?:and\s+)?(?P<cents>\d{1,2})\s+cents)?"),
        ("duration", r"<N>\s*(?P<u>hours?|hrs?)(?:\s+(?:and\s+)?<N2>\s*(?:minutes?|mins?))?\b"),
        ("unit", rf"<N>\s*-?(?P<u>{'|'.join(map(re.escape, sorted(UNITS, key=len)[::-1]))})"
                 r"(?![a-z])"),
        ("ordinal", r"\ue000?(?P<n>\d+)(?:st|nd|rd|th)\b(?:\s+(?P<u>floor))?"),
    )  # fmt: skip


LANGUAGE: Final = Language(
    read=_read,
    rules=_table,
    months=MONTHS_EN,
    weekdays={
        name: n
        for n, name in enumerate(
            "monday tuesday wednesday thursday friday saturday sunday".split()
        )
    },
    units=UNITS,
    currencies=_CURRENCIES,
    part_of_day=part_of_day,
)

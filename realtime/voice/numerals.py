"""Numbers as they are spoken: where they are in a text, how they sound.  Pure.

A number is known by its digits, and by whether they are meant as one number ("이십일",
"twenty-one") or one by one ("이 일", "two one"); digits that are written may be either.
Syllables that happen to be numerals inside other words ("이름", "내일") are read as
numbers as well: who compares two texts reads both alike, and then it does no harm.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

MAX_READINGS: Final = 64
"""Combinations of readings of one run of numbers that are looked at."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        digits: as written; leading zeros count.
        start, end: where it is in the text.
        is_cardinal: may be meant as one number.
        is_sequence: may be meant digit by digit.
        is_ordinal: "third".
    """

    digits: str
    start: int
    end: int
    is_cardinal: bool = True
    is_sequence: bool = True
    is_ordinal: bool = False


@dataclass(frozen=True, slots=True)
class _Atom:
    """The smallest part of a number.

    Attributes:
        kind: one letter, see the grammars.
        value: of a digit or unit.
        digits: of a literal, as written.
    """

    kind: str
    value: int
    start: int
    end: int
    digits: str = ""


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How a language writes numbers as words.

    Attributes:
        atom: finds one.
        atoms: word → (kind, value).
        number: over kinds: the longest number at a place.
        value: of the atoms of one number.
        gap: what may lie between the atoms of a number.
    """

    atom: re.Pattern[str]
    atoms: dict[str, tuple[str, int]]
    number: re.Pattern[str]
    value: Callable[[list[_Atom]], int]
    gap: re.Pattern[str]


def words_of(line: str) -> list[str]:
    """Cut a line of words apart; long tables of them stay readable that way."""
    return line.split()


ADJACENT: Final = re.compile(r"[\s,.;:\-\u2013\u2014()·、，/]*")
"""What may lie between two numbers that are said one after the other."""

ONE_BY_ONE: Final = "\ue000"
"""Before digits that are never one number, as those of a telephone number."""

_LITERAL: Final = rf"{ONE_BY_ONE}?\d+"


# --- East Asian numerals --------------------------------------------------------------

_BIG: Final = {"m": 10_000, "e": 100_000_000, "j": 1_000_000_000_000}
_UNIT: Final = {"x": 10, "h": 100, "k": 1000}

_SECTION: Final = r"(?:[dl]?kz?)?(?:[dl]?hz?)?(?:tu?|(?<=[khz])u|(?:[dl]?x)?[dl]?)"
_EAST: Final = re.compile(
    rf"(?=[dlxhkmejtu])(?:{_SECTION}j)?(?:{_SECTION}e)?(?:{_SECTION}m)?z?{_SECTION}"
)


def _value_east(atoms: list[_Atom]) -> int:
    total = section = 0
    digit: int | None = None
    for atom in atoms:
        if atom.kind in _UNIT:
            section += (1 if digit is None else digit) * _UNIT[atom.kind]
            digit = None
        elif atom.kind in _BIG:
            section += digit or 0
            total += (section or 1) * _BIG[atom.kind]
            section, digit = 0, None
        elif atom.kind == "t":
            section += atom.value
        elif atom.kind != "z":
            digit = (digit or 0) + atom.value
    return total + section + (digit or 0)


_KO_NATIVE_TENS: Final = {
    "열": 10,
    "스물": 20,
    "스무": 20,
    "서른": 30,
    "마흔": 40,
    "쉰": 50,
    "예순": 60,
    "일흔": 70,
    "여든": 80,
    "아흔": 90,
}
_KO_NATIVE: Final = {
    "하나": 1,
    "한": 1,
    "둘": 2,
    "두": 2,
    "셋": 3,
    "세": 3,
    "넷": 4,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
}
_KO: Final[dict[str, tuple[str, int]]] = {
    **{word: ("t", value) for word, value in _KO_NATIVE_TENS.items()},
    **{word: ("u", value) for word, value in _KO_NATIVE.items()},
    **{digit: ("d", i) for i, digit in enumerate("영일이삼사오육칠팔구")},
    "공": ("d", 0),
    "륙": ("d", 6),
    "십": ("x", 10),
    "백": ("h", 100),
    "천": ("k", 1000),
    "만": ("m", _BIG["m"]),
    "억": ("e", _BIG["e"]),
    "조": ("j", _BIG["j"]),
}
_HAN: Final[dict[str, tuple[str, int]]] = {
    **{digit: ("d", i) for i, digit in enumerate("〇一二三四五六七八九")},
    "十": ("x", 10),
    "百": ("h", 100),
    "千": ("k", 1000),
    "万": ("m", _BIG["m"]),
    "萬": ("m", _BIG["m"]),
    "億": ("e", _BIG["e"]),
    "亿": ("e", _BIG["e"]),
    "兆": ("j", _BIG["j"]),
}
_JA: Final = {**_HAN, "零": ("d", 0), "ゼロ": ("d", 0)}
_ZH: Final = {
    **_HAN,
    "零": ("z", 0),
    "两": ("d", 2),
    "兩": ("d", 2),
    "幺": ("d", 1),
}


# --- English --------------------------------------------------------------------------

_EN_UNITS: Final = words_of("zero one two three four five six seven eight nine")
_EN_TEENS: Final = words_of(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_EN_TENS: Final = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
_EN_ORDINALS: Final = words_of(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
    " thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_EN: Final[dict[str, tuple[str, int]]] = {
    **{word: ("D", i) for i, word in enumerate(_EN_UNITS)},
    "oh": ("D", 0),
    **{word: ("E", 10 + i) for i, word in enumerate(_EN_TEENS)},
    **{word: ("T", 20 + 10 * i) for i, word in enumerate(_EN_TENS)},
    **{word: ("o", 1 + i) for i, word in enumerate(_EN_ORDINALS)},
    **{f"{w[:-1]}ieth": ("O", 20 + 10 * i) for i, w in enumerate(_EN_TENS)},
    "hundred": ("h", 100),
    "thousand": ("k", 1000),
    "million": ("m", 1_000_000),
    "billion": ("b", 1_000_000_000),
    "and": ("a", 0),
}
_SUB: Final = r"(?:T[Do]?|E|O|o|D|l)"
_SEC: Final = rf"(?:{_SUB}?h(?:a(?={_SUB}))?{_SUB}?|{_SUB})"
_ENGLISH: Final = re.compile(
    rf"(?=[DETOolhkmb])(?:{_SEC}?b(?:a(?={_SEC}))?)?(?:{_SEC}?m(?:a(?={_SEC}))?)?"
    rf"(?:{_SEC}?k(?:a(?={_SEC}))?)?{_SEC}?"
)
_EN_BIG: Final = {"k": 1000, "m": 1_000_000, "b": 1_000_000_000}


def _value_english(atoms: list[_Atom]) -> int:
    total = section = 0
    for atom in atoms:
        if atom.kind == "h":
            section = (section or 1) * 100
        elif atom.kind in _EN_BIG:
            total += (section or 1) * _EN_BIG[atom.kind]
            section = 0
        elif atom.kind != "a":
            section += atom.value
    return total + section


# --- Finding them ---------------------------------------------------------------------


@cache
def _grammar(language: str) -> _Grammar:
    """Return a language's grammar; one that knows only digits where there is none."""
    space = re.compile(r"\s*")
    tables = {"ko": _KO, "ja": _JA, "zh": _ZH}
    if language in tables:
        atoms = tables[language]
        words = "|".join(sorted(atoms, key=len, reverse=True))
        pattern = re.compile(rf"{_LITERAL}|{words}")
        return _Grammar(pattern, atoms, _EAST, _value_east, space)
    if language == "en":
        words = "|".join(sorted(_EN, key=len, reverse=True))
        pattern = re.compile(
            rf"{_LITERAL}(?:st|nd|rd|th)?\b|{_LITERAL}|\b(?:{words})\b"
        )
        gap = re.compile(r"[\s\-]+")
        return _Grammar(pattern, _EN, _ENGLISH, _value_english, gap)
    nothing = re.compile("(?!)")
    return _Grammar(re.compile(_LITERAL), {}, nothing, lambda atoms: 0, space)


def find(text: str, language: str) -> list[Number]:
    """Find the numbers in a text.

    Args:
        text: lower case, digits ASCII, no thousands separators.
        language: ISO 639-1; numbers in words are known in ko, en, ja and zh.

    Returns:
        them in their order; digits that are said one by one are one number.
    """
    grammar = _grammar(language)
    found: list[Number] = []
    for group in _groups(text, grammar):
        kinds = "".join(atom.kind for atom in group)
        at = 0
        while at < len(group):
            match = grammar.number.match(kinds, at)
            end = match.end() if match and match.end() > at else at + 1
            if number := _number(group[at:end], grammar):
                found.append(number)
            at = end
    return _joined(found, text)


def _groups(text: str, grammar: _Grammar) -> Iterator[list[_Atom]]:
    group: list[_Atom] = []
    for match in grammar.atom.finditer(text):
        atom = _atom(match, grammar)
        if group and not grammar.gap.fullmatch(text[group[-1].end : atom.start]):
            yield group
            group = []
        group.append(atom)
    if group:
        yield group


def _atom(match: re.Match[str], grammar: _Grammar) -> _Atom:
    word, start, end = match.group(), match.start(), match.end()
    if word[0].isdigit() or word[0] == ONE_BY_ONE:
        digits = "".join(c for c in word if c.isdigit())
        kind = {ONE_BY_ONE: "S"}.get(word[0], "Q" if word[-1].isalpha() else "l")
        return _Atom(kind, int(digits), start, end, digits)
    kind, value = grammar.atoms[word]
    return _Atom(kind, value, start, end)


def _number(atoms: list[_Atom], grammar: _Grammar) -> Number | None:
    first, last = atoms[0], atoms[-1]
    if len(atoms) == 1:
        if first.kind == "a":
            return None  # an "and" between other things
        if first.digits:
            starts_with_zero = len(first.digits) > 1 and first.digits[0] == "0"
            return Number(
                first.digits,
                first.start,
                first.end,
                is_cardinal=first.kind != "S" and not starts_with_zero,
                is_ordinal=first.kind == "Q",
            )
        if first.kind in ("d", "D", "z"):
            return Number(str(first.value), first.start, first.end)
    value = first.value if first.kind == "z" else grammar.value(atoms)
    return Number(
        str(value),
        first.start,
        last.end,
        is_sequence=value < 10,
        is_ordinal=last.kind in "oO",
    )


def _joined(numbers: list[Number], text: str) -> list[Number]:
    """Put digits that are said one by one together."""
    joined: list[Number] = []
    for number in numbers:
        before = joined[-1] if joined else None
        is_single = len(number.digits) == 1 and not number.is_ordinal
        if (
            before is not None
            and is_single
            and (len(before.digits) == 1 or not before.is_cardinal)
            and before.is_sequence
            and not before.is_ordinal
            and ADJACENT.fullmatch(text[before.end : number.start])
        ):
            digits = before.digits + number.digits
            joined[-1] = Number(digits, before.start, number.end, is_cardinal=False)
        else:
            joined.append(number)
    return joined


# --- What they sound like -------------------------------------------------------------


def say_the_same(a: list[Number], b: list[Number], language: str) -> bool:
    """Say whether two runs of adjacent numbers are the same when they are spoken.

    Args:
        a: one run.
        b: the other.
        language: ISO 639-1.
    """
    if _sound_alike(a, b, language):
        return True
    first, last = 0, 0
    while first < min(len(a), len(b)) and _may_be_the_same(a[first], b[first]):
        first += 1
    a, b = a[first:], b[first:]
    while last < min(len(a), len(b)) and _may_be_the_same(a[-1 - last], b[-1 - last]):
        last += 1
    a, b = a[: len(a) - last], b[: len(b) - last]
    return (not a and not b) or _sound_alike(a, b, language)


def _sound_alike(a: list[Number], b: list[Number], language: str) -> bool:
    if not a or not b or any(number.is_ordinal for number in (*a, *b)):
        return False
    if _is_long_sequence(a, b) and _digits(a) == _digits(b):
        return True
    return bool(_readings_of_run(a, language) & _readings_of_run(b, language))


def _may_be_the_same(a: Number, b: Number) -> bool:
    return (
        a.digits == b.digits
        and a.is_ordinal == b.is_ordinal
        and ((a.is_cardinal and b.is_cardinal) or (a.is_sequence and b.is_sequence))
    )


LONG_SEQUENCE: Final = 7
"""Digits; so long are telephone numbers, whose groups may be read in any way."""


def _is_long_sequence(a: list[Number], b: list[Number]) -> bool:
    return any(
        len(run) == 1 and len(run[0].digits) >= LONG_SEQUENCE and not run[0].is_cardinal
        for run in (a, b)
    )


def _digits(run: list[Number]) -> str:
    return "".join(number.digits for number in run)


def _readings_of_run(run: list[Number], language: str) -> frozenset[str]:
    each = [readings(number, language) for number in run]
    space = " " if language == "en" else ""
    ways = itertools.islice(itertools.product(*each), MAX_READINGS)
    return frozenset(space.join(way) for way in ways) if all(each) else frozenset()


def readings(number: Number, language: str) -> frozenset[str]:
    """Return how a number may be read aloud; nothing in languages without numerals."""
    digits, value = number.digits, int(number.digits)
    if value >= 10**16:
        return frozenset()
    ways: set[str] = set()
    if language == "en":
        if number.is_sequence:
            ways.add(" ".join(_EN_UNITS[int(d)] for d in digits))
        if number.is_cardinal:
            ways.add(_say_english(value))
            if number.is_sequence and len(digits) in (3, 4):
                ways.add(_say_in_pairs(digits))
        return frozenset(ways)
    words = {"ko": "영일이삼사오육칠팔구", "ja": "零一二三四五六七八九"}
    words["zh"] = words["ja"]
    if language not in words:
        return frozenset()
    if number.is_sequence:
        ways.add("".join(words[language][int(d)] for d in digits))
    if number.is_cardinal:
        ways.add(_say_east(value, words[language], language))
        if language == "ko" and 0 < value < 100:
            ways |= _say_native(value)
    return frozenset(ways)


def _say_english(value: int) -> str:
    if value < 10:
        return _EN_UNITS[value]
    if value < 20:
        return _EN_TEENS[value - 10]
    if value < 100:
        rest = value % 10
        return _EN_TENS[value // 10 - 2] + (f" {_EN_UNITS[rest]}" if rest else "")
    for size, word in ((10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if value >= size:
            rest = value % size
            head = f"{_say_english(value // size)} {word}"
            return head + (f" {_say_english(rest)}" if rest else "")
    rest = value % 100
    return f"{_EN_UNITS[value // 100]} hundred" + (
        f" {_say_english(rest)}" if rest else ""
    )


def _say_in_pairs(digits: str) -> str:
    """Read "1990" as "nineteen ninety" and "305" as "three zero five"."""
    head, tail = int(digits[:-2]), int(digits[-2:])
    if not tail:
        return f"{_say_english(head)} hundred"
    low = f"zero {_EN_UNITS[tail]}" if tail < 10 else _say_english(tail)
    return f"{_say_english(head)} {low}"


def _say_east(value: int, digits: str, language: str) -> str:
    if not value:
        return digits[0]
    units = ("", *("십백천" if language == "ko" else "十百千"))
    bigs = {"ko": "만억조", "ja": "万億兆", "zh": "万亿兆"}[language]
    said = ""
    for place, big in reversed(list(enumerate(("", *bigs)))):
        section = value // 10_000**place % 10_000
        if not section:
            continue
        words = ""
        for power in (3, 2, 1, 0):
            digit = section // 10**power % 10
            if digit:
                is_silent = digit == 1 and power and language != "zh"
                words += ("" if is_silent else digits[digit]) + units[power]
        # 10,000 is "만" in Korean, "一万" elsewhere.
        said += ("" if language == "ko" and section == place == 1 else words) + big
    return said


def _say_native(value: int) -> set[str]:
    tens = [w for w, v in _KO_NATIVE_TENS.items() if v == value // 10 * 10] or [""]
    units = [w for w, v in _KO_NATIVE.items() if v == value % 10] or [""]
    return {ten + unit for ten in tens for unit in units}

"""Is what was spoken what was written?  Pure.

Both texts are brought into one form, language by language: width, case, signs, units,
times, dates, money, abbreviations; then numbers become `numerals.Number`s and what is
left becomes letters without spaces.  Nothing is forgiven after that: one letter too
many or too few is a difference, because "안" and "not" are short, too.
"""

import itertools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Final

from realtime.voice import numerals
from realtime.voice.numerals import Number, words_of

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison has shown.

    Attributes:
        is_same: it was read out as it is written.
        differences: where not, as (start, end) in the text; start == end where
            something was added.
        similarity: from 0 to 1, by letters and numbers.
    """

    is_same: bool
    differences: tuple[Span, ...]
    similarity: float


# --- A text that remembers where its letters come from --------------------------------


class _Marked:
    """A text that is being changed; each letter knows its place in the original."""

    def __init__(self, original: str) -> None:
        letters: list[str] = []
        self._spans: list[Span] = []
        for start, end in _clusters(original):
            changed = unicodedata.normalize("NFKC", original[start:end])
            for letter in changed:
                if unicodedata.category(letter) != "Cf":
                    letters.append(letter)
                    self._spans.append((start, end))
        self.text = "".join(letters)

    def change(
        self,
        pattern: re.Pattern[str],
        into: str | Callable[[re.Match[str]], str],
    ) -> None:
        """Replace what matches; what replaces it lies where that was."""
        parts: list[str] = []
        spans: list[Span] = []
        at = 0
        for match in pattern.finditer(self.text):
            new = into(match) if callable(into) else match.expand(into)
            parts += [self.text[at : match.start()], new]
            spans += self._spans[at : match.start()]
            spans += [self.span(match.start(), match.end())] * len(new)
            at = match.end()
        if parts:
            self.text = "".join(parts) + self.text[at:]
            self._spans = spans + self._spans[at:]

    def lower(self) -> None:
        """Let case not matter."""
        folded = [letter.casefold() for letter in self.text]
        self._spans = [
            span
            for span, new in zip(self._spans, folded, strict=True)
            for _ in range(len(new))
        ]
        self.text = "".join(folded)

    def span(self, start: int, end: int) -> Span:
        """Return where these letters are in the original."""
        if start == end:
            last = self._spans[start - 1][1] if start else 0
            return last, last
        return self._spans[start][0], self._spans[end - 1][1]


def _clusters(text: str) -> list[Span]:
    """Cut a text into letters with what is combined with them."""
    starts = [
        i
        for i, letter in enumerate(text)
        if not i
        or not (
            unicodedata.combining(letter)
            # Vowels and finals of Korean syllables that are written in parts.
            or "\u1160" <= letter <= "\u11ff"
            # The voicing marks of half-width kana.
            or letter in "\uff9e\uff9f"
        )
    ]
    return list(itertools.pairwise([*starts, len(text)]))


# --- One form for each language -------------------------------------------------------

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _rules(*rows: tuple[str, str | Callable[[re.Match[str]], str]]) -> list[Rule]:
    return [(re.compile(pattern), into) for pattern, into in rows]


def _one_by_one(match: re.Match[str]) -> str:
    return numerals.ONE_BY_ONE + re.sub(r"\D", "", match.group())


_POWERS: Final = {"천": 3, "千": 3, "만": 4, "万": 4, "억": 8, "億": 8, "亿": 8}
_POWERS_EN: Final = {"thousand": 3, "million": 6, "billion": 9}


def _written_out(match: re.Match[str]) -> str:
    """Write "1.2 million" as 1200000; as it is if that is no whole number."""
    whole, part, unit = match.groups()
    power = (_POWERS | _POWERS_EN)[unit]
    return whole + part.ljust(power, "0") if len(part) <= power else match.group()


_SCALED: Final = r"(?<![\d.])(\d+)\.(\d+)\s*(천|만|억|千|万|億|亿)"
_SCALED_EN: Final = r"(?<![\d.])(\d+)\.(\d+)\s*(thousand|million|billion)\b"


_DATE: Final = r"(?<!\d)(\d{4})-0?(\d{1,2})-0?(\d{1,2})(?!\d)"
_DOTTED_DATE: Final = r"(?<!\d)(\d{4})\. ?0?(\d{1,2})\. ?0?(\d{1,2})(?!\d)\.?"
_MONTH_DAY: Final = r"(?<![\d/])(0?[1-9]|1[0-2])/(0?[1-9]|[12]\d|3[01])(?![\d/])"
_TIME: Final = r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])"

# A telephone number: groups with hyphens, or with spaces after a 0 or a +.
_PHONE: Final = (
    r"(?<![\d.,])(?=(?:\D{0,2}\d){7,15}(?!\d))"
    r"(?:\+\d{1,3}[ \-]?)?\(?\d{1,4}\)?(?:[\-\u2010\u2011\u2013]\(?\d{2,4}\)?){1,4}"
    r"(?![\d,]|-\d)"
    r"|(?<![\d.,])(?:\+\d{1,3}|\(?0\d{1,3}\)?)(?:[ .\-]\(?\d{1,4}\)?){1,4}(?!\d)"
)

_BEFORE: Final = _rules(
    (r"[\u2018\u2019\u02bc`\u00b4]", "'"),
    (r"[\u301c\uff5e\u223c]", "~"),
    (r"\u2212", "-"),
    (r"(?<=\d),(?=\d{3}(?!\d))", ""),
)
"""In every language; dates come before telephone numbers."""

_AFTER: Final = _rules((_PHONE, _one_by_one))


def _clock(hour: str, minute: str) -> Callable[[re.Match[str]], str]:
    def write(match: re.Match[str]) -> str:
        minutes = int(match.group(2))
        said = f"{int(match.group(1))}{hour}"
        return said + (f"{minutes}{minute}" if minutes else "")

    return write


def _number_of(match: re.Match[str], place: int) -> str:
    return str(int(match.group(place)))


def _east_dates(year: str, month: str, day: str) -> list[Rule]:
    def whole(match: re.Match[str]) -> str:
        return (
            f"{match.group(1)}{year}{_number_of(match, 2)}{month}"
            f"{_number_of(match, 3)}{day}"
        )

    def part(match: re.Match[str]) -> str:
        return f"{_number_of(match, 1)}{month}{_number_of(match, 2)}{day}"

    return _rules((_DATE, whole), (_DOTTED_DATE, whole), (_MONTH_DAY, part))


def _money(sign: str, word: str) -> tuple[str, str]:
    return rf"[{sign}]\s*(\d+(?:\.\d+)?(?:\s*[만억천万億亿千])?)", rf"\1{word}"


_LETTERS_KO: Final = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        words_of(
            "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐"
            " 알 에스 티 유 브이 더블유 엑스 와이 제트"
        ),
        strict=True,
    )
)
_LETTERS_JA: Final = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        words_of(
            "エー ビー シー ディー イー エフ ジー エイチ アイ"
            " ジェー ケー エル エム エヌ オー ピー キュー アール"
            " エス ティー ユー ブイ ダブリュー エックス ワイ ゼット"
        ),
        strict=True,
    )
)


def _spelt(names: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda match: "".join(names[c] for c in match.group() if c in names)


_CAPITALS: Final = r"(?<![A-Za-z])[A-Z](?:[ .\-]?[A-Z]){0,5}(?![A-Za-z])"

_KO: Final[list[Rule]] = [
    *_east_dates("년", "월", "일"),
    *_AFTER,
    *_rules(
        (_TIME, _clock("시", "분")),
        (r"시\s*반(?![가-힣])|시\s*반(?=[에으쯤까부이정인은도])", "시30분"),
        (r"(?<![가-힣])[서석](?=\s*(?:장|달|잔|대|되|말)(?![가-힣]{2}))", "세"),
        (r"(?<![가-힣])[너넉](?=\s*(?:장|달|잔|대|되|말)(?![가-힣]{2}))", "네"),
        (r"(?<![가-힣])유월", "6월"),
        (r"(?<![가-힣])시월", "10월"),
        (r"(?<=\d)\s*~\s*(?=\d)", "에서"),
        (r"(?<![\d가-힣])-(?=\d+(?:\.\d+)?\s*(?:°|도))", "영하"),
        (r"(?<![\d가-힣A-Za-z])-(?=\d)", "마이너스"),
        _money("₩￦", "원"),
        _money("$", "달러"),
        _money("€", "유로"),
        _money("¥", "엔"),
        _money("£", "파운드"),
        (r"(?<=[\d ])\s*KRW(?![A-Za-z])", "원"),
        (r"섭씨\s*(?=[\d영일이삼사오육칠팔구십백])", ""),
        (r"°C|°", "도"),
        (r"%", "퍼센트"),
        (r"(?<=\d)\s*kg(?![A-Za-z])", "킬로그램"),
        (r"(?<=\d)\s*km(?![A-Za-z])", "킬로미터"),
        (r"(?<=\d)\s*cm(?![A-Za-z])", "센티미터"),
        (r"(?<=\d)\s*mm(?![A-Za-z])", "밀리미터"),
        (r"(?<=\d)\s*m(?![A-Za-z])", "미터"),
        (r"(?<=\d)\s*g(?![A-Za-z])", "그램"),
        (r"(?<=\d)\s*ml(?![A-Za-z])", "밀리리터"),
        (r"(?<=\d)\s*[lL](?![A-Za-z])", "리터"),
        (r"(?<=\d)\s*㎡|(?<=\d)\s*m2(?![A-Za-z])", "제곱미터"),
        (r"&", "앤드"),
        (r"@", "골뱅이"),
        (_SCALED, _written_out),
        (r"(?<=\d)\.(?=\d)", "점"),
        (r"(?<=[A-Za-z0-9가-힣])\.(?=[A-Za-z])", "점"),
        (r"(?<=[A-Za-z가-힣]) ?닷 ?(?=[A-Za-z컴])", "점"),
        (r"[ㅋㅎㅠㅜ]+", ""),
        (r"(?<![A-Za-z])(?:OK|Ok|ok|O\.K\.)(?![A-Za-z])", "오케이"),
        (_CAPITALS, _spelt(_LETTERS_KO)),
    ),
]

_JA: Final[list[Rule]] = [
    *_east_dates("年", "月", "日"),
    *_AFTER,
    *_rules(
        (_TIME, _clock("時", "分")),
        (r"時半", "時30分"),
        (r"(?<=\d)\s*~\s*(?=\d)", "から"),
        (r"(?<![\dA-Za-z])-(?=\d)", "マイナス"),
        _money("¥", "円"),
        _money("$", "ドル"),
        _money("€", "ユーロ"),
        _money("₩", "ウォン"),
        (r"°C|°", "度"),
        (r"%", "パーセント"),
        (r"(?<=\d)\s*kg(?![A-Za-z])", "キログラム"),
        (r"(?<=\d)\s*km(?![A-Za-z])", "キロメートル"),
        (r"(?<=\d)\s*cm(?![A-Za-z])", "センチメートル"),
        (r"(?<=\d)\s*m(?![A-Za-z])", "メートル"),
        (r"(?<=\d)\s*g(?![A-Za-z])", "グラム"),
        (r"&", "アンド"),
        (r"@", "アットマーク"),
        (_SCALED, _written_out),
        (r"(?<=\d)\.(?=\d)", "点"),
        (r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])", "ドット"),
        (r"ひとつ", "1つ"),
        (r"ふたつ", "2つ"),
        (r"みっつ", "3つ"),
        (r"よっつ", "4つ"),
        (r"ひとり", "1人"),
        (r"ふたり", "2人"),
        (_CAPITALS, _spelt(_LETTERS_JA)),
    ),
]

_HAN_DIGITS: Final = r"[\d〇零一二三四五六七八九十百千万亿两]+"

_ZH: Final[list[Rule]] = [
    *_east_dates("年", "月", "日"),
    *_AFTER,
    *_rules(
        (_TIME, _clock("点", "分")),
        (r"[點]", "点"),
        (r"点半", "点30分"),
        (r"点[钟鐘]", "点"),
        (rf"(?<=点)({_HAN_DIGITS})分", r"\1"),
        (rf"(?<=月)({_HAN_DIGITS})[号號]", r"\1日"),
        (r"(?<=\d)\s*~\s*(?=\d)", "到"),
        (r"(?<![\dA-Za-z])-(?=\d+\s*°)", "零下"),
        (r"(?<![\dA-Za-z])-(?=\d)", "负"),
        (r"負", "负"),
        (r"(\d+(?:\.\d+)?)%", r"百分之\1"),
        _money("¥", "元"),
        _money("$", "美元"),
        _money("€", "欧元"),
        _money("₩", "韩元"),
        (r"[块塊][钱錢]?", "元"),
        (r"°C|°", "度"),
        (r"(?<=\d)\s*kg(?![A-Za-z])", "公斤"),
        (r"(?<=\d)\s*km(?![A-Za-z])", "公里"),
        (r"(?<=\d)\s*cm(?![A-Za-z])", "厘米"),
        (r"(?<=\d)\s*m(?![A-Za-z])", "米"),
        (r"(?<=\d)\s*g(?![A-Za-z])", "克"),
        (_SCALED, _written_out),
        (r"(?<=\d)\.(?=\d)", "点"),
    ),
]

_MONTHS: Final = words_of(
    "january february march april may june july august september october november"
    " december"
)
_MONTH: Final = "|".join(_MONTHS)
_SHORT_MONTHS: Final = {m[:3]: m for m in _MONTHS if m != "may"} | {"sept": "september"}
_SHORT_DAYS: Final = {
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "wed": "wednesday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "fri": "friday",
    "sat": "saturday",
    "sun": "sunday",
}
_ABBREVIATIONS: Final = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "prof": "professor",
    "ave": "avenue",
    "blvd": "boulevard",
    "apt": "apartment",
    "dept": "department",
    "approx": "approximately",
    "ext": "extension",
    "vs": "versus",
    "etc": "etcetera",
    "tel": "telephone",
}
_UNITS_EN: Final = {
    "kg": "kilogram",
    "kgs": "kilogram",
    "km": "kilometer",
    "cm": "centimeter",
    "mm": "millimeter",
    "m": "meter",
    "g": "gram",
    "ml": "milliliter",
    "l": "liter",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "ft": "foot",
    "hr": "hour",
    "hrs": "hours",
    "min": "minute",
    "mins": "minutes",
    "mph": "miles per hour",
}


def _en_date(match: re.Match[str]) -> str:
    month = int(match.group(2))
    if not 1 <= month <= 12:
        return match.group()
    return f"{_MONTHS[month - 1]} {int(match.group(3))} {match.group(1)}"


def _en_time(match: re.Match[str]) -> str:
    hour, minute = str(int(match.group(1))), match.group(2)
    return hour if minute == "00" else f"{hour} {minute}"


def _en_money(word: str) -> Callable[[re.Match[str]], str]:
    def write(match: re.Match[str]) -> str:
        whole, part, times = match.group(1, 2, 3)
        if times:
            amount = f"{whole}.{part}" if part else whole
            return f"{amount} {times} {word}"
        if part and len(part) == 2 and int(part):
            return f"{whole} {word} {int(part)} cent"
        return f"{whole} {word}" if not part or not int(part) else match.group()

    return write


_AMOUNT: Final = r"\s*(\d+)(?:\.(\d+))?(?:\s*(hundred|thousand|million|billion)\b)?"


def _from(table: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda match: table[match.group(1)]


def _any(table: dict[str, str]) -> str:
    return "|".join(sorted(table, key=len, reverse=True))


_EN_WORD_NUMBERS: Final = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
)

_EN: Final[list[Rule]] = [
    *_rules((_DATE, _en_date)),
    *_AFTER,
    *_rules(
        (_TIME, _en_time),
        (r"\bo'\s?clock\b", ""),
        (r"\b([ap])\.\s?m\b\.?", r"\1m"),
        (r"(?<=\d)\s*([ap])\.?\s?m\b\.?", r" \1m"),
        (r"\bhalf past (\w+)", r"\1 30"),
        (r"\b(?:a )?quarter past (\w+)", r"\1 15"),
        (rf"\b({_any(_SHORT_MONTHS)})\b\.?(?=\s+\d)", _from(_SHORT_MONTHS)),
        (rf"\b({_any(_SHORT_DAYS)})\.", _from(_SHORT_DAYS)),
        (rf"\b({_any(_SHORT_DAYS)})\b,?(?=\s+(?:at\s+)?\d)", _from(_SHORT_DAYS)),
        (rf"\b({_MONTH}) the (?=\w)", r"\1 "),
        (r"(?<![\d\w])-(?=\d)", "minus "),
        (r"(?<![\d\-])(\d{1,2})\s*[\-\u2013~]\s*(\d{1,2})(?![\d\-])", r"\1 to \2"),
        (r"(?:us\s?)?\$" + _AMOUNT, _en_money("dollar")),
        (r"€" + _AMOUNT, _en_money("euro")),
        (r"£" + _AMOUNT, _en_money("pound")),
        (r"¥" + _AMOUNT, _en_money("yen")),
        (r"₩" + _AMOUNT, _en_money("won")),
        (r"(?<=\d)\s*krw\b", " won"),
        (r"\b(dollar|cent|euro|pound)s\b", r"\1"),
        (r"\b(dollar|euro) and (?=[\w\- ]{1,30}\bcent\b)", r"\1 "),
        (r"°\s*c\b|\bdegrees? (?:celsius|centigrade)\b", " degree celsius "),
        (r"°\s*f\b|\bdegrees? fahrenheit\b", " degree fahrenheit "),
        (r"°", " degree "),
        (r"%", " percent"),
        (r"\bper cent\b", "percent"),
        (rf"(?<=\d)\s*({_any(_UNITS_EN)})\b\.?", lambda m: f" {_UNITS_EN[m.group(1)]}"),
        (r"\b(kilo|centi|milli|deci)?(gram|met|lit)(er|re)?s\b", r"\1\2\3"),
        (r"\b(kilo|centi|milli)?(met|lit)re\b", r"\1\2er"),
        (r"\bkilos?\b", "kilogram"),
        (r"\bpounds\b", "pound"),
        (rf"\b({_any(_ABBREVIATIONS)})\.", _from(_ABBREVIATIONS)),
        (r"\b(mr|mrs|dr)\b", _from(_ABBREVIATIONS)),
        (r"\bet cetera\b", "etcetera"),
        (r"\bno\.\s*(?=\d)", "number "),
        (r"#\s*(?=\d)", "number "),
        (r"\be\.g\.", "for example"),
        (r"\bi\.e\.", "that is"),
        (r"&", " and "),
        (r"@", " at "),
        (_SCALED_EN, _written_out),
        (r"(?<=\d)\.(?=\d)", " point "),
        (r"(?<=\w)\.(?=[a-z]{2,})", " dot "),
        (r"\b(double|triple) (\w+)", lambda m: _repeated(m.group(1), m.group(2))),
        (r"\ban? (?=hundred\b|thousand\b|million\b|billion\b)", "one "),
        (rf"\bo(?=[ \-]+(?:\d|(?:{_EN_WORD_NUMBERS})\b))", "oh"),
        # Contractions are written out.
        (r"\bcan't\b|\bcan not\b", "cannot"),
        (r"\bwon't\b", "will not"),
        (r"\bshan't\b", "shall not"),
        (r"n't\b", " not"),
        (r"\blet's\b", "let us"),
        (r"\bi'm\b", "i am"),
        (r"\b(it|he|she|that|what|where|there|who|how|here)'s\b", r"\1 is"),
        (r"\b(\w+)'re\b", r"\1 are"),
        (r"\b(\w+)'ve\b", r"\1 have"),
        (r"\b(\w+)'ll\b", r"\1 will"),
        (r"\b(\w+)'d (better|been)\b", r"\1 had \2"),
        (r"\b(\w+)'d\b", r"\1 would"),
        # Two ways to spell the same.
        (r"\bokay\b|\bo\.k\.", "ok"),
        (r"\b(col|fav|neighb|hon|flav)our", r"\1or"),
        (r"\b(cent|theat)re\b", r"\1er"),
        (r"\b(travel|cancel)l(ed|ing|er)", r"\1\2"),
        (r"\b(apolog|organ|real|recogn)is(e|ed|ing|ation)\b", r"\1iz\2"),
        (r"\bcheque", "check"),
        (r"\bgrey\b", "gray"),
        (r"\bprogramme\b", "program"),
    ),
]


def _repeated(times: str, word: str) -> str:
    is_digit = word in _EN_WORD_NUMBERS.split("|")[:11] or word in list("0123456789")
    return (
        " ".join([word] * (2 if times == "double" else 3))
        if is_digit
        else (f"{times} {word}")
    )


@cache
def _rules_of(language: str) -> tuple[list[Rule], bool]:
    """Return a language's rules, and whether case goes before them."""
    rules = {"ko": (_KO, False), "ja": (_JA, False), "zh": (_ZH, False)}
    rules["en"] = (_EN, True)
    return rules.get(language, (_AFTER, True))


# --- Comparing ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Item:
    """A letter, or a run of adjacent numbers, and where it is in the original."""

    letter: str
    numbers: tuple[Number, ...]
    span: Span

    @property
    def key(self) -> object:
        if not self.numbers:
            return self.letter
        return tuple(
            (n.digits, n.is_cardinal, n.is_sequence, n.is_ordinal) for n in self.numbers
        )


def _items(text: str, language: str) -> list[_Item]:
    marked = _Marked(text)
    rules, is_folded_first = _rules_of(language)
    for pattern, into in _BEFORE:
        marked.change(pattern, into)
    if is_folded_first:
        marked.lower()
    for pattern, into in rules:
        marked.change(pattern, into)
    marked.lower()
    items: list[_Item] = []
    at = 0
    for run in _runs(numerals.find(marked.text, language), marked.text, language):
        start, end = run[0].start, run[-1].end
        items += _letters(marked, at, start)
        items.append(_Item("", run, marked.span(start, end)))
        at = end
    return items + _letters(marked, at, len(marked.text))


def _letters(marked: _Marked, start: int, end: int) -> list[_Item]:
    return [
        _Item(marked.text[i], (), marked.span(i, i + 1))
        for i in range(start, end)
        if unicodedata.category(marked.text[i])[0] in "LMN"
    ]


_BETWEEN: Final = {
    # What is said for a hyphen between two numbers.
    "ko": re.compile(r"\s*(?:에|다시|대시)[\s,]*"),
    "ja": re.compile(r"\s*の[\s、]*"),
    "zh": re.compile(r"\s*杠\s*"),
    "en": re.compile(r"\s*(?:dash|hyphen)\s*"),
}
_NOTHING_BETWEEN: Final = re.compile("(?!)")


def _runs(numbers: list[Number], text: str, language: str) -> list[tuple[Number, ...]]:
    """Put numbers together that follow one another."""
    between = _BETWEEN.get(language, _NOTHING_BETWEEN)
    runs: list[tuple[Number, ...]] = []
    for number in numbers:
        gap = text[runs[-1][-1].end : number.start] if runs else "x"
        if numerals.ADJACENT.fullmatch(gap) or between.fullmatch(gap):
            runs[-1] += (number,)
        else:
            runs.append((number,))
    return runs


def compare(text: str, spoken: str, language: str) -> Comparison:
    """Compare what was to be said with the transcript of what was said.

    Args:
        text: as it is written.
        spoken: the transcript.
        language: ISO 639-1 of both.
    """
    wanted, said = _dated(_items(text, language), language), _items(spoken, language)
    said = _dated(said, language)
    matcher = SequenceMatcher(
        None, [i.key for i in wanted], [i.key for i in said], autojunk=False
    )
    n_same = 0
    differences: list[Span] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal" or _sound_alike(wanted[a:b], said[c:d], language):
            n_same += b - a
        elif a < b:
            differences.append((wanted[a].span[0], wanted[b - 1].span[1]))
        else:
            end = wanted[a - 1].span[1] if a else 0
            differences.append((end, end))
    n_all = max(1, len(wanted) + len(said))
    return Comparison(
        is_same=not differences and bool(wanted),
        differences=tuple(differences),
        similarity=1.0 if not differences else 2 * n_same / n_all,
    )


def _sound_alike(wanted: list[_Item], said: list[_Item], language: str) -> bool:
    return len(wanted) == len(said) and all(
        a.letter == b.letter
        and bool(a.numbers) == bool(b.numbers)
        and numerals.say_the_same(list(a.numbers), list(b.numbers), language)
        for a, b in zip(wanted, said, strict=True)
    )


_ENDS_WITH_MONTH: Final = re.compile(rf"(?:{_MONTH})$")


def _dated(items: list[_Item], language: str) -> list[_Item]:
    """Make the day after an English month an ordinal, however it is written."""
    if language != "en":
        return items
    found: list[_Item] = []
    letters = ""
    for item in items:
        if not item.numbers:
            letters = (letters + item.letter)[-9:]
            found.append(item)
            continue
        numbers = item.numbers
        if _ENDS_WITH_MONTH.search(letters) and int(numbers[0].digits) <= 31:
            day = Number(numbers[0].digits, 0, 0, is_sequence=False, is_ordinal=True)
            numbers = (day, *numbers[1:])
        found.append(_Item("", numbers, item.span))
        letters = ""
    return found

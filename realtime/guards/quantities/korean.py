"""Korean: native and Sino-Korean numbers, their counters, and the patterns around them.

Most syllables of Sino-Korean numbers are also ordinary words ("이" is two, this, and a
particle), so a spelled number counts only with a counter behind it, or where it is long
enough to be nothing else.
"""

import re
from collections.abc import Iterator
from typing import Final

from realtime.guards.quantities.model import Kind, Reading, number, plain
from realtime.guards.quantities.rewrite import SOFT, Piece, Rewritten, rewrite
from realtime.guards.quantities.rules import Language, Rule, rules

_SINO_DIGITS: Final = {c: n for n, c in enumerate("일이삼사오육칠팔구", start=1)} | {
    "륙": 6
}
_SMALL: Final = {"십": 10, "백": 100, "천": 1000}
_BIG: Final = {"만": 10**4, "억": 10**8, "조": 10**12}
_SPOKEN_DIGITS: Final = _SINO_DIGITS | {"공": 0, "영": 0}

_ONES: Final = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "서": 3, "넷": 4,
    "네": 4, "넉": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
}  # fmt: skip
_TENS: Final = {
    "열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60,
    "일흔": 70, "여든": 80, "아흔": 90,
}  # fmt: skip
_ABOUT: Final = {
    "한두": (1, 2), "두세": (2, 3), "두서너": (2, 4), "서너": (3, 4), "너댓": (4, 5),
    "네댓": (4, 5), "네다섯": (4, 5), "대여섯": (5, 6), "예닐곱": (6, 7),
    "일고여덟": (7, 8),
}  # fmt: skip
_DAYS: Final = {
    "하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7,
    "여드레": 8, "아흐레": 9, "열흘": 10, "보름": 15,
}  # fmt: skip

_D: Final = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_S: Final = "[일이삼사오육륙칠팔구십백천만억조]"
_SINO: Final = rf"{_S}+(?:(?<=[만억조천백])\s{_S}+)*"
_MIXED: Final = rf"{_D}\s?[십백천만억조]+(?:\s?(?:{_D}\s?[십백천만억조]+|{_S}+))*(?:\s?\d+(?=\s?(?:원|달러|명|개)))?"
_NATIVE: Final = (
    rf"(?:{'|'.join(sorted(_TENS, key=len)[::-1])})\s?"
    rf"(?:{'|'.join(sorted(_ONES, key=len)[::-1])})|"
    rf"{'|'.join(sorted({*_TENS, *_ONES}, key=len)[::-1])}"
)
_PARTICLE: Final = (
    "(?=$|[^가-힣]|에|은|는|이|가|을|를|로|으|의|도|만|까|부|정|쯤|입|예|요|과|와|하|랑|나|후|뒤|전|간|동안|"
    "반|씩|당|째|짜|쪽|마|보|처|라|면|였|이내|이상|이하|미만|남|됩|돼|되|뿐|밖|내|대|한|된|드|있|없|주)"
)

_NATIVE_COUNTERS: Final = {
    "시간": "hour", "시": "", "명": "person", "분": "person", "사람": "person",
    "개월": "month", "개": "", "번째": "", "번": "", "살": "year", "달": "month",
    "잔": "", "병": "", "장": "", "대": "", "마리": "", "권": "", "그릇": "",
    "군데": "", "곳": "", "가지": "", "켤레": "", "자리": "person", "테이블": "",
    "판": "", "접시": "", "박스": "", "상자": "", "봉지": "", "줄": "", "채": "",
    "배": "", "주": "week", "해": "year", "끼": "", "통": "", "건": "", "차례": "",
    "팀": "", "컵": "", "조각": "", "정거장": "", "학기": "", "방": "", "밤": "night",
    "쌍": "", "벌": "", "송이": "", "정": "", "알": "", "봉": "", "블록": "", "층": "floor",
}  # fmt: skip
_SINO_COUNTERS: Final = {
    "퍼센트": "percent", "프로": "percent", "%": "percent", "개월": "month",
    "인분": "", "인실": "", "인용": "", "인석": "", "호선": "", "호실": "room",
    "호": "room", "층": "floor", "번지": "", "번길": "", "번": "", "년": "year",
    "주일": "week", "주": "week", "박": "night", "일": "day", "월": "", "분": "minute",
    "초": "second", "시간": "hour", "시": "", "명": "person", "인": "person",
    "세": "year", "킬로그램": "kilogram", "킬로미터": "kilometre", "킬로": "",
    "센티": "centimetre", "미터": "metre", "그램": "gram", "도": "degree", "동": "",
    "회": "", "차": "", "장": "", "건": "", "개": "", "대": "", "원": "", "달러": "",
    "불": "", "유로": "", "엔": "", "위안": "", "파운드": "", "평": "", "리터": "",
    "만원": "", "사람": "person", "마리": "", "살": "year", "번째": "", "분의": "",
}  # fmt: skip
_ONLY_LONG: Final = {
    "장", "건", "동", "회", "차", "개", "대", "명", "인", "세", "도", "시", "원", "호", "살",
    "마리", "사람", "엔", "불", "평",
}  # fmt: skip
"""Behind one spelled digit these make other words: 사장, 사건, 이동, 사원, 오시."""
_WORDS: Final = {
    "이번", "이분", "이년", "구분", "사분", "이일", "만일", "만년", "만세", "천장", "구박",
    "이주", "사주", "구주", "일주", "천만에", "일분", "조건", "조회", "조명",
    "천도", "백도", "일도", "사월드", "이초", "사초", "오초", "구초", "팔도",
}  # fmt: skip
"""What looks like a number with its counter and is another word."""
_PLACE: Final = re.compile(r"(?:을|를|은|으로)?\s?(?:눌|누르|출구|게이트|승강장|창구)")
"""After these "이번" is number two, and not "this time"."""
_OR_SOMETHING_ELSE: Final = {
    "이만", "오만", "사천", "이천", "구만", "삼천", "오백", "사백", "백만", "천만", "억만",
}  # fmt: skip
"""Without a counter these may be "that is all", pride, or towns."""

_SINO_COUNTED: Final = re.compile(
    rf"(?<![가-힣\d.,])({_SINO})(\s?)(?=({'|'.join(sorted(_SINO_COUNTERS, key=len)[::-1])}))"
)
_SINO_ALONE: Final = re.compile(rf"(?<![가-힣\d])({_SINO}){_PARTICLE}")
_MIXED_RUN: Final = re.compile(rf"(?<![\d.,])({_MIXED})")
_NATIVE_COUNTED: Final = re.compile(
    rf"(?<![가-힣])({'|'.join(_ABOUT)}|{_NATIVE})(\s?)"
    rf"(?=({'|'.join(sorted(_NATIVE_COUNTERS, key=len)[::-1])})(?:{_PARTICLE}|이상|여))"
)
_NATIVE_TIME: Final = re.compile(
    r"(?<![가-힣])(?P<part>오전|오후|새벽|아침|점심|낮|저녁|밤)?(?P<n>열한|열두|열|한|두|세|네|다섯|"
    r"여섯|일곱|여덟|아홉)\s?(?=시\s?(?:$|[^가-힣]|에|까|부|로|쯤|경|반|요|입|예|이|면|는|가|의|하|정|"
    r"전|후|보|도|나|랑|넘|지|밖|를|을|였|대|[일이삼사오]?십|오분|\d))"
)
_NATIVE_ALONE: Final = re.compile(
    rf"(?<![가-힣])((?:{'|'.join(sorted(_TENS, key=len)[::-1])})\s?(?:하나|둘|셋|넷|다섯|여섯|"
    rf"일곱|여덟|아홉)|둘|셋|넷|다섯|여섯|일곱|여덟|아홉|스물|서른|마흔|예순|일흔|여든|아흔|하나)"
    rf"(?:{_PARTICLE}|이서|서)"
)
_ORDINAL: Final = re.compile(
    r"(?<![가-힣])(?:첫\s?(?:번째|째)|둘째|셋째|넷째|다섯째)(?![가-힣]*님)"
)
_ORDINAL_WORDS: Final = {"둘째": 2, "셋째": 3, "넷째": 4, "다섯째": 5}
_FEW_DAYS: Final = re.compile(rf"(?<![가-힣])({'|'.join(_DAYS)})(?:{_PARTICLE}|치)")
_NIGHTS: Final = re.compile(rf"(?<![가-힣])(?:하룻|({'|'.join(_DAYS)})\s)밤(?!에)")
_MONTH_WORDS: Final = re.compile(
    r"(?<![가-힣])([시유])(?=월(?:$|[^가-힣]|[에이은는부까말초중의]))"
)
_C: Final = "[공영일이삼사오육륙칠팔구]"
_BY_DIGIT: Final = re.compile(
    rf"(?<![가-힣]){_C}(?:(?:[\s,\-]{{0,2}}|\s?에\s|\s?다시\s?){_C})+"
    rf"(?={_PARTICLE}|호|번|다시|$)"
)
_LETTERS: Final = {
    "에이치": "H", "더블유": "W", "에이": "A", "비": "B", "씨": "C", "디": "D", "이": "E",
    "에프": "F", "지": "G", "아이": "I", "제이": "J", "케이": "K", "엘": "L", "엠": "M",
    "엔": "N", "오": "O", "피": "P", "큐": "Q", "알": "R", "에스": "S", "티": "T",
    "유": "U", "브이": "V", "엑스": "X", "와이": "Y", "제트": "Z",
}  # fmt: skip
_LETTER: Final = "|".join(sorted(_LETTERS, key=len)[::-1])
_CODE: Final = re.compile(
    rf"(?<![가-힣])((?:{_LETTER})(?:[\s-]?(?:{_LETTER}))+)[\s-]{{0,2}}(?:다시\s?)?"
    rf"({_C}{{2,}}|\d{{2,}})(?![가-힣]*[월시분원명])"
)
_NOT_COUNTED: Final = re.compile(
    r"(?:(?<![가-힣])(?:수|몇|여러)\s?[십백천만억]+|일석이조|십중팔구|백퍼센트|천만에요|천만의 말씀|"
    r"한번에|단\s?한\s?번도|둘\s?다|두\s?분\s?다|일이\s?(?=있|많|생|바)|한\s?잔\s?하|다시 한\s?번|"
    r"한\s?번\s?더|만\s?(?=\d|[이삼사오육칠팔구]?십\s?세|스물|서른)|하나도|하나님|한편|이백이십사시간)"
)
_SHORT: Final = re.compile(r"(?<![가-힣])(?:반\s?시간|반시간)")


def sino(text: str) -> float | None:
    """Read a Sino-Korean number, with or without digits in it.

    Args:
        text: e.g. "이십이", "3만 5천", "십이만 오천".

    Returns:
        its value, None where it is not a number.
    """
    total: float = 0
    section: float = 0
    digit: float | None = None
    least_small = least_big = 10**16
    for token in re.findall(rf"{_D}|{_S}", text):
        if token[0].isdigit():
            if digit is not None:
                return None
            value = float(token.replace(",", ""))
            digit = int(value) if value == int(value) else value
        elif token in _SINO_DIGITS:
            if digit is not None:
                return None
            digit = _SINO_DIGITS[token]
        elif token in _SMALL:
            if _SMALL[token] >= least_small:
                return None
            least_small = _SMALL[token]
            section += (1 if digit is None else digit) * least_small
            digit = None
        else:
            if _BIG[token] >= least_big:
                return None
            least_big = _BIG[token]
            total += (section + (digit or 0) or 1) * least_big
            section, digit, least_small = 0, None, 10**16
    return total + section + (digit or 0)


def native(text: str) -> int | None:
    """Read a native number below a hundred."""
    text = text.replace(" ", "")
    for ten, value in _TENS.items():
        if text.startswith(ten):
            rest = text[len(ten) :]
            return value + _ONES[rest] if rest in _ONES else None if rest else value
    return _ONES.get(text)


def _read(text: str) -> Rewritten:
    return rewrite(text, _pieces(text))


def _pieces(text: str) -> Iterator[Piece]:
    """Find the spelled numbers of a text."""
    skipped = [m.span() for m in _NOT_COUNTED.finditer(text)]
    for start, end in skipped:
        yield Piece((start, end), " " * (end - start))
    yield from _said_by_digit(text)
    for m in _CODE.finditer(text):
        letters = "".join(_LETTERS[c] for c in re.findall(_LETTER, m[1]))
        digits = "".join(str(_SPOKEN_DIGITS.get(c, c)) for c in m[2])
        yield Piece(m.span(), letters + digits)
    for m in _MIXED_RUN.finditer(text):
        value = sino(m[1])
        if value is not None and not text[m.end() :].startswith(("나", "히")):
            yield Piece(m.span(1), plain(value))
    for m in _NATIVE_TIME.finditer(text):
        yield Piece(m.span("n"), f"{native(m['n'])}")
    for m in _NATIVE_COUNTED.finditer(text):
        yield from _counted(m)
    yield from _sino(text)
    for m in _MONTH_WORDS.finditer(text):
        yield Piece(m.span(1), "10" if m[1] == "시" else "6")
    for m in _NIGHTS.finditer(text):
        days = _DAYS.get(m[1], 1)
        yield Piece(m.span(), f"{SOFT if days == 1 else ''}{days}박")
    for m in _FEW_DAYS.finditer(text):
        soft = SOFT if m[1] == "하루" else ""
        yield Piece(m.span(1), f"{soft}{_DAYS[m[1]]}일간")
    for m in _ORDINAL.finditer(text):
        n = _ORDINAL_WORDS.get(m[0], 1)
        yield Piece(m.span(), f"{SOFT if n == 1 else ''}{n}번째")
    for m in _NATIVE_ALONE.finditer(text):
        value = native(m[1])
        if value is not None:
            yield Piece(m.span(1), (SOFT if value == 1 else "") + str(value))
    for m in _SHORT.finditer(text):
        yield Piece(m.span(), "30분간")


def _counted(m: re.Match[str]) -> Iterator[Piece]:
    counter = m[3]
    if m[1] in _ABOUT:
        low, high = _ABOUT[m[1]]
        others = (number(high, _NATIVE_COUNTERS[counter]),)
        yield Piece(m.span(1), f"{SOFT}{low}", others)
        return
    value = native(m[1])
    if value is None:
        return
    soft = SOFT if value == 1 and counter != "시" else ""
    if counter == "번" and value == 1:
        soft = SOFT
    if counter == "분":  # of people; digits before it are minutes as well
        yield Piece((m.start(1), m.end() + 1), f"{soft}{value}명")
        return
    yield Piece(m.span(1), f"{soft}{value}")


def _sino(text: str) -> Iterator[Piece]:
    for m in _SINO_COUNTED.finditer(text):
        words, space, counter = m[1], m[2], m[3]
        after = text[m.end() + len(counter) :]
        if not re.match(_PARTICLE, after) and counter not in {
            "월",
            "년",
            "일",
            "개월",
            "만원",
            "시",
            "층",
        }:
            continue
        is_place = words + counter == "이번" and _PLACE.match(after)
        is_word = words + counter in _WORDS and not space and not is_place
        if (
            is_word and not (counter == "분" and _follows_hour(text, m))
        ) or words == "조":
            continue
        is_digit = words in _SINO_DIGITS
        if is_digit and counter in _ONLY_LONG:
            continue
        is_this = is_digit and words == "이" and space and counter in _THIS
        is_two = (counter == "분" and _follows_hour(text, m)) or _PLACE.match(after)
        if is_this and not is_two:
            continue
        if counter == "일" and is_digit and not _is_date(text, m):
            continue
        value = sino(words)
        if value is None:
            continue
        others: tuple[Reading, ...] = ()
        if counter == "일" and not space and words[-1] in _SMALL:
            others = (number(value + 1),)  # "이십일" is 21, or the 20th
        soft = SOFT if counter in {"주", "초"} and is_digit else ""
        yield Piece(m.span(1), soft + plain(value), others)
    for m in _SINO_ALONE.finditer(text):
        words = m[1]
        value = sino(words)
        if value is None or not _is_number(words):
            continue
        soft = SOFT if words in _OR_SOMETHING_ELSE else ""
        others = ()
        after = text[m.end() :]
        if words[-1] == "이" and after[:1] in _AFTER_COPULA:
            shorter = sino(words[:-1])
            others = (number(shorter),) if shorter else ()
        yield Piece(m.span(1), soft + plain(value), others)


def _follows_hour(text: str, m: re.Match[str]) -> bool:
    return text[: m.start()].rstrip().endswith("시")


_THIS: Final = frozenset({"번", "분", "일", "주"})
"""Before these "이" is "this"."""
_AFTER_COPULA: Final = frozenset("에요었고라야죠")
"""After these syllables' "이" is the copula, or the digit two."""


def _is_date(text: str, m: re.Match[str]) -> bool:
    """Tell "오월 오일" and "삼일 뒤에" from other words that end in 일."""
    before = text[: m.start()].rstrip()
    after = text[m.end() + 1 :]
    return before.endswith(("월", "박")) or bool(
        re.match(
            r"(?:에|까지|부터|날|동안|간|이에요|이요|입니다|이고|\s?(?:후|뒤|전|동안|정도))",
            after,
        )
    )


def _is_number(words: str) -> bool:
    """Tell whether syllables are a number even without a counter."""
    compact = words.replace(" ", "")
    has_digit = any(c in _SINO_DIGITS for c in compact)
    has_place = any(c in _SMALL or c in _BIG for c in compact)
    starts = compact[0] in _SINO_DIGITS or compact[:2] in {"십일", "백이", "백오"} or (
        compact[0] == "십" and len(compact) == 2
    ) or len(compact) > 2  # fmt: skip
    is_place_second = len(compact) > 1 and not (
        compact[0] in _SINO_DIGITS and compact[1] in _SINO_DIGITS
    )
    return len(compact) > 1 and has_digit and has_place and starts and is_place_second


def _said_by_digit(text: str) -> Iterator[Piece]:
    for m in _BY_DIGIT.finditer(text):
        digits = [_SPOKEN_DIGITS[c] for c in m[0] if c in _SPOKEN_DIGITS]
        is_one_word = not re.search(r"\s", m[0])
        if len(digits) < 3:
            continue
        if "공" in m[0] or ("영" in m[0] and is_one_word):
            pass
        elif len(digits) < (4 if is_one_word else 6):
            continue
        said = m[0]
        others: tuple[Reading, ...] = ()
        if said[-1] == "이" and text[m.end() : m.end() + 1] in _AFTER_COPULA:
            others = (Reading(Kind.CODE, ("".join(map(str, digits)),)),)
            said = said[:-1]
        groups = [g for g in re.split(r"\s?(?:에|다시)\s?|[\s,\-]+", said) if g]
        written = ["".join(str(_SPOKEN_DIGITS[c]) for c in group) for group in groups]
        is_single = all(len(group) == 1 for group in written)
        separator = "" if is_single or len(digits) < 8 else "-"
        span = (m.start(), m.start() + len(said))
        yield Piece(span, separator.join(written), others)


def _part_of_day(word: str) -> str:
    return {
        "오전": "am", "새벽": "am", "아침": "am", "오후": "pm", "저녁": "pm",
        "점심": "noonish", "낮": "noonish", "밤": "night",
    }.get(word, "")  # fmt: skip


_UNITS: Final = {
    **_NATIVE_COUNTERS, **_SINO_COUNTERS, "분": "minute/person", "인": "person",
    "리": "", "kg": "kilogram", "km": "kilometre", "cm": "centimetre",
    "시": "", "주간": "week", "주일": "week", "일간": "day", "일": "day", "분간": "minute",
    "년간": "year", "달": "month", "도": "degree", "방": "",
}  # fmt: skip
_CURRENCIES: Final = {
    "원": "won", "₩": "won", "달러": "dollar", "불": "dollar", "$": "dollar",
    "유로": "euro", "€": "euro", "엔": "yen", "위안": "yuan", "파운드": "pound",
    "£": "pound", "동": "dong", "¥": "yen/yuan",
}  # fmt: skip
_PART: Final = r"(?:(?P<part>오전|오후|새벽|아침|점심|한낮|낮|저녁|밤)(?:에)?\s*)?"


def _table() -> tuple[Rule, ...]:
    counters = "|".join(sorted(_UNITS, key=len)[::-1])
    return rules(
        ("date", r"(?:(?P<y>\d{2,4})\s?년\s?)?\ue000?(?P<mo>\d{1,2})\s?월\s?\ue000?(?P<d>\d{1,2})\s?일"),
        ("date", r"(?P<y>\d{4})\s?년(?!\s?(?:간|동안))(?:\s?(?P<mo>\d{1,2})\s?월(?!드))?"),
        ("date", r"(?<![\d.])(?P<mo>1[0-2]|[1-9])\s?월(?!드)"),
        ("time", rf"{_PART}\ue000?(?<!\d)(?P<h>\d{{1,2}})\s?시(?!간)(?:\s?(?P<halfpast>반)|"
                 r"\s?\ue000?(?P<mi>\d{1,2})\s?분(?!\s?(?:이|씩|동안|간)\s)(?P<before>\s?전(?!에|까지|화|체|혀|날|부|문))?)?"),
        ("time", rf"{_PART}(?<![\d:])(?P<h>\d{{1,2}}):(?P<mi>\d\d)(?!\d)"),
        ("noon", r"정오"),
        ("midnight", r"자정"),
        ("weekday", r"(?P<wd>[월화수목금토일]요일)"),
        ("money", r"(?P<cur>[$€£¥₩])\s?<N>"),
        ("money", r"<N>\s?(?P<cur>원|달러|불|유로|엔|위안|파운드)(?![가-힣]*(?:장실|룸))(?:\s?(?P<cents>\d{1,2})\s?센트)?"),
        ("duration", r"<N>\s?(?P<u>시간)(?:\s?(?P<half>반)|\s?<N2>\s?분)?"),
        ("unit", r"<N>\s?(?P<u>일간|일(?=\s?동안))"),
        ("day", r"(?P<n>\d{1,3})\s?일(?!\s?[대당])"),
        ("ordinal", r"(?:제\s?)?\ue000?(?P<n>\d+)\s?(?:번\s?째|째)"),
        ("unit", r"<N>\s?(?P<u>년|달|개월|주)\s?(?P<half>반)"),
        ("unit", rf"<N>\s?(?P<u>{counters})"),
    )  # fmt: skip


LANGUAGE: Final = Language(
    read=_read,
    rules=_table,
    weekdays={f"{c}요일": n for n, c in enumerate("월화수목금토일")},
    units=_UNITS,
    currencies=_CURRENCIES,
    part_of_day=_part_of_day,
)

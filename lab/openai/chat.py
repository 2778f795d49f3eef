"""What the lab's text model makes of a message that prepares a call.

Rules and word lists (`chat.yaml`), in Korean and English.  It quotes what it has found
and leaves working out days and times to whoever asked; it answers no question, and says
so.  It knows nothing of the product but the JSON that it is sent.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

_HANGUL: Final = re.compile("[가-힣]")
_ENDING: Final = re.compile(
    r"(?:이라고 합니다|라고 합니다|이라고 해요|라고 해요|이라고요|입니다|이에요|예요"
    r"|이요|으로 해\s?주세요|로 해\s?주세요|으로요|로요|요)?[\s.!~]*$"
)
_LEADING: Final = re.compile(
    r"^(?:it's|it is|that's|the|my|please|um|well|네|음|저는|제)[\s,]+", re.IGNORECASE
)
_HOUR_KO: Final = "열한|열두|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열"
_HOUR_EN: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_WEEKDAY_EN: Final = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTH_EN: Final = (
    "january|february|march|april|may|june|july|august|september|october|november"
    "|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_DATE: Final = re.compile(
    r"(?:20\d\d[-.년]\s?\d{1,2}[-.월]\s?\d{1,2}일?"
    r"|(?:다음|이번)\s?달\s?\d{1,2}일|\d{1,2}월\s?\d{1,2}일(?:\s?[월화수목금토일]요일)?"
    r"|(?:다다음|다음|이번|담)\s?주\s?[월화수목금토일]요일"
    r"|(?:다음|이번|오는|돌아오는)\s?[월화수목금토일]요일|[월화수목금토일]요일"
    r"|(?:이번\s?|다음\s?)?(?:주\s?)?주말"
    r"|내일\s?모레|모레|글피|내일|오늘|어제"
    r"|(?:\d+\s?일|사흘|이틀|나흘|일주일|\d+\s?주|한 달)\s?(?:뒤|후)"
    r"|(?<!\d)\d{1,2}일(?![간뒤후])"
    rf"|\b(?:{_MONTH_EN})\.? \d{{1,2}}(?:st|nd|rd|th)?\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH_EN})\b"
    rf"|\b(?:this|next|coming|on)? ?(?:{_WEEKDAY_EN})\b"
    r"|\bthe day after tomorrow\b|\btomorrow\b|\btoday\b|\btonight\b|\byesterday\b"
    r"|\bin (?:\d+|a|one|two|three) (?:days?|weeks?)\b|\b(?:this|next) weekend\b"
    r"|\bthe \d{1,2}(?:st|nd|rd|th)\b)",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    rf"(?:(?:오전|오후|아침|점심|저녁|밤|새벽|낮)에?\s?)?(?:\d{{1,2}}|{_HOUR_KO})\s?시(?!간)"
    r"(?:\s?(?:반|\d{1,2}\s?분))?"
    r"|\b\d{1,2}(?:[:.]\d\d)? ?[ap]\.?m\b\.?|\b\d{1,2}:\d\d\b"
    r"|정오|\bnoon\b|\bmidnight\b"
    rf"|\b(?:half past|quarter to|quarter past) (?:\d{{1,2}}|{_HOUR_EN})\b"
    rf"|\b(?:at|around) (?:\d{{1,2}}|{_HOUR_EN})\b(?! (?:people|of us|(?-i:[A-Z])))"
    rf"|\b(?:\d{{1,2}}|{_HOUR_EN}) o'clock\b",
    re.IGNORECASE,
)
_PEOPLE: Final = re.compile(
    r"(?P<v>\d{1,3}|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무)\s?(?:명|분(?!\s?뒤)|사람|인(?![가-힣]))"
    r"|(?P<w>혼자|둘이|셋이|넷이)"
    rf"|\b(?P<x>\d{{1,3}}|{_HOUR_EN}) (?:people|persons?|guests?|adults?|of us)\b"
    rf"|\b(?:table|room|party|reservation) (?:for|of) (?P<y>\d{{1,3}}|{_HOUR_EN})\b"
    rf"|\bfor (?P<z>{_HOUR_EN}|\d{{1,2}})\b(?! ?(?:nights?|days?|[ap]m|:|o'clock))",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(r"\+?\d[\d\s().-]{6,20}\d")
_MINE: Final = re.compile(
    r"제 (?:번호|전화|연락처)|내 번호|연락처는?|저한테|제게|my (?:number|phone|mobile)"
    r"|call me|reach me|my own",
    re.IGNORECASE,
)
_CALLEE: Final = (
    re.compile(
        r"(?:^|[\s,])(?P<v>출입국|구청|주민센터|대사관|[가-힣A-Za-z0-9]+(?:식당|레스토랑|카페|미용실|헤어|의원|병원|치과|호텔|부동산|센터|택배|통운|구청|주민센터"
        r"|대사관|출입국|마트|서점|약국|꽃집|전자|설비))(?:에서|에다|에|으로|로|한테|,|\s|$)"
    ),
    re.compile(
        r"\b(?:at|call|from|with|ask|phone|to) (?:the )?"
        r"(?P<v>[A-Z][\w'&-]*(?: (?:[A-Z][\w'&-]*|of|and))*)"
    ),
)
_NOT_A_PLACE: Final = re.compile(
    rf"(?:{_WEEKDAY_EN}|{_MONTH_EN}|i|noon|christmas)\b.*", re.IGNORECASE
)
_YES: Final = re.compile(
    r"^(?:yes|yeah|yep|ok|okay|sure|right|correct|perfect)\b"
    r"|^(?:네|예|응|맞아요?|맞습니다|좋아요?|그래요?)(?:[,.!]|\s*$)",
    re.IGNORECASE,
)
_NO: Final = re.compile(r"^(?:no|nope|wrong|아니|틀렸|잘못)", re.IGNORECASE)
_QUESTION: Final = re.compile(r"\?\s*$|(?:인가요|나요|뭐예요|뭔가요|까요)[\s.?]*$")
_QUESTION_START: Final = re.compile(
    r"^(?:what|why|how|when|where|who|which|is|are|do|does|can|could|will)\b"
    r"|뭐|무엇|왜|어떻게|얼마",
    re.IGNORECASE,
)
REMARKS: Final = {
    "en": "I am the lab's simulated assistant: I read by rules, and answer nothing.",
    "ko": "저는 규칙으로만 읽는 모의 도우미라서 질문에는 답하지 못해요.",
}
_NO_ANSWER: Final = re.compile(
    r"(?:yes|no|ok|hello|hi|i (?:don't|do not) know.*|not sure.*|네|예|아니요?|글쎄요?"
    r"|안녕하세요|모르겠.*)[\s.!]*",
    re.IGNORECASE,
)
_MAX_ANSWER: Final = 120
"""Letters of a message that is taken as a whole for the answer to a question."""


def is_asked_for(schema: Mapping[str, Any]) -> bool:
    """Tell whether an answer of this form is what this module knows to make."""
    wanted = {"scenario", "entities", "intent", "remark"}
    return wanted <= set(schema.get("properties", {}))


@cache
def _rules() -> dict[str, Any]:
    path = Path(__file__).with_name("chat.yaml")
    rules: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rules


def read(asked: str) -> dict[str, Any]:
    """Read a message.

    Args:
        asked: JSON: `message`, `scenario`, `scenarios`, `fields`, `asked`, `phase`.

    Returns:
        `scenario`, `entities`, `intent`, `remark`; nothing of anything else.
    """
    try:
        data = json.loads(asked)
        message = str(data["message"])
        reader = _Reader(data, message)
        entities = list(reader.entities())
    except (ValueError, LookupError, TypeError, AttributeError):
        return {"scenario": None, "entities": [], "intent": "inform", "remark": ""}
    intent = _intent(message, is_telling=bool(entities))
    language = "ko" if _HANGUL.search(message) else "en"
    return {
        "scenario": reader.scenario,
        "entities": entities,
        "intent": intent,
        "remark": REMARKS[language] if intent == "question" else "",
    }


def _intent(message: str, *, is_telling: bool) -> str:
    if _YES.search(message.strip()):
        return "yes"
    if _NO.search(message.strip()):
        return "no"
    is_question = _QUESTION.search(message) and _QUESTION_START.search(message)
    return "question" if is_question and not is_telling else "inform"


class _Reader:
    """One message, and what is known around it."""

    def __init__(self, data: Mapping[str, Any], message: str) -> None:
        self._message = message
        self._asked = list(data.get("asked") or [])
        self._present: str | None = data.get("scenario")
        of = {one["id"]: one["fields"] for one in data["scenarios"]}
        self.scenario = self._find_scenario(list(of))
        names = of.get(self.scenario or self._present)
        self._fields = {
            one["name"]: one
            for one in data["fields"]
            if names is None or one["name"] in names
        }

    def _find_scenario(self, ids: list[str]) -> str | None:
        text = self._message.casefold()
        rules = _rules()
        scores: dict[str, int] = {
            name: sum(_has_word(text, word) for word in words)
            for name, words in rules["scenarios"].items()
            if name in ids
        }
        # The narrow ones come first in the file, and win.
        best = max(scores, key=lambda name: (scores[name] > 0, _is_narrow(name)))
        best = max(
            (name for name in scores if _is_narrow(name) == _is_narrow(best)),
            key=lambda name: scores[name],
        )
        if not scores[best]:
            return None
        if not self._present or best == self._present:
            return best
        return best if self._is_instead() and _is_narrow(best) else None

    def _is_instead(self) -> bool:
        text = self._message.casefold()
        return any(_has_word(text, word) for word in _rules()["instead"])

    def entities(self) -> Iterator[dict[str, Any]]:
        """Yield what the message says about each field."""
        found = list(self._spontaneous())
        yield from found
        yield from self._answers({one["name"] for one in found})

    def _spontaneous(self) -> Iterator[dict[str, Any]]:
        yield from self._moments()
        yield from self._phones()
        for name in self._fields:
            if name == "people":
                quotes = [m[0] for m in _PEOPLE.finditer(self._message)]
            elif name == "customer_name":
                quotes = self._matches(
                    [*_rules()["names"]["en"], *_rules()["names"]["ko"]]
                )
            elif name == "callee_name":
                quotes = self._callees()
            elif name in _rules()["options"]:
                yield from self._option(name)
                continue
            else:
                quotes = self._matches(_rules()["fields"].get(name, []))
            if quotes:
                is_corrected = name == "people" or self._is_instead()
                yield _entity(name, quotes[-1 if is_corrected else 0])

    def _moments(self) -> Iterator[dict[str, Any]]:
        dates = [m[0].strip() for m in _DATE.finditer(self._message)]
        times = [m[0].strip() for m in _TIME.finditer(self._message)]
        if "check_in" in self._fields:
            yield from self._stay(dates)
        elif "date" in self._fields and dates:
            yield _entity("date", dates[-1])
        if "time" in self._fields and times:
            yield _entity("time", times[-1])

    def _stay(self, dates: list[str]) -> Iterator[dict[str, Any]]:
        if len(dates) >= 2:
            yield _entity("check_in", dates[0])
            yield _entity("check_out", dates[1])
        elif dates:
            is_end = re.search(r"체크아웃|까지|leav|until|check out", self._message)
            asked = [n for n in self._asked if n.startswith("check_")]
            name = "check_out" if is_end else "check_in"
            yield _entity(asked[0] if len(asked) == 1 else name, dates[0])

    def _phones(self) -> Iterator[dict[str, Any]]:
        for m in _PHONE.finditer(self._message):
            digits = re.sub(r"\D", "", m[0])
            if len(digits) < 8 or re.fullmatch(r"\d{4}-\d{4}-\d{4}", m[0]):
                continue
            before = self._message[max(0, m.start() - 20) : m.start()]
            is_mine = bool(_MINE.search(before)) or self._asked == ["callback_number"]
            name = "callback_number" if is_mine else "callee_number"
            if name in self._fields and not (len(digits) == 12 and digits[0] != "8"):
                yield _entity(name, m[0].strip())

    def _matches(self, patterns: list[str]) -> list[str]:
        found = []
        for pattern in patterns:
            is_name = "[A-Z]" in pattern
            flags = re.NOFLAG if is_name else re.IGNORECASE
            if is_name:  # its own words may be written large, a name must be
                pattern = re.sub(r"\(\?:my name", "(?i:my name", pattern)
            for m in re.finditer(pattern, self._message, flags):
                found.append((m["v"] or m[0]).strip())
        return found

    def _callees(self) -> list[str]:
        found = []
        for pattern in _CALLEE:
            for m in pattern.finditer(self._message):
                name = m["v"].strip()
                if not _NOT_A_PLACE.fullmatch(name):
                    found.append(name)
        return found

    def _option(self, name: str) -> Iterator[dict[str, Any]]:
        text = self._message.casefold()
        for option, words in _rules()["options"][name].items():
            said = [word for word in words if word in text]
            if said:
                at = text.index(said[0])
                quote = self._message[at : at + len(said[0])]
                yield {**_entity(name, quote), "value": option}
                return

    def _answers(self, found: set[str]) -> Iterator[dict[str, Any]]:
        """Take the whole message for the answer to a question that was asked."""
        if self._asked == ["callee_name", "callee_number"]:
            is_told = bool(found & set(self._asked)) or _PHONE.search(self._message)
            if not is_told and self._is_an_answer():
                yield _entity("callee_name", self._bare())
            return
        if len(self._asked) != 1 or self._asked[0] in found:
            return
        name = self._asked[0]
        kind = self._fields.get(name, {}).get("type")
        if kind == "text" and self._is_an_answer():
            yield _entity(name, self._bare())
        elif kind in ("number", "people") and re.search(r"\d", self._message):
            yield _entity(name, self._message.strip())

    def _is_an_answer(self) -> bool:
        text = self._message.strip()
        is_question = _QUESTION.search(text) and _QUESTION_START.search(text)
        is_short = _NO_ANSWER.fullmatch(text)
        has_switched = self.scenario and self._present not in (None, self.scenario)
        is_long = len(text) > _MAX_ANSWER
        return not (is_question or is_short or has_switched or is_long)

    def _bare(self) -> str:
        text = _LEADING.sub("", self._message.strip())
        return _ENDING.sub("", text).strip() or self._message.strip()


def _is_narrow(name: str) -> bool:
    return not name.endswith("_other") or name == "service_other"


def _has_word(text: str, word: str) -> bool:
    if _HANGUL.search(word):
        return re.search(rf"(?<![가-힣]){re.escape(word)}", text) is not None or (
            len(word) > 1 and word in text
        )
    return re.search(rf"\b{re.escape(word)}", text) is not None


def _entity(name: str, quote: str) -> dict[str, Any]:
    return {"name": name, "value": quote, "quote": quote, "confidence": 0.9}

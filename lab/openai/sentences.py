"""What the lab's text model knows: the phrasebook, and sentences with gaps.

It translates by rule and never guesses: of what is in neither it says so.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from lab.speech.phrasebook import Phrase, Phrasebook

UNKNOWN: Final = "[no translation in the lab's phrasebook]"
MAX_SUGGESTIONS: Final = 3

_FOLDER: Final = Path(__file__).parent
_LANGUAGES: Final = ("ko", "en", "ja", "zh")

# --- What may stand in a gap ----------------------------------------------------------

Value = Mapping[str, str]
"""What was read: parts by name, in no language."""

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NAMES: Final = {
    "Kim Min-su": "김민수",
    "Lee Ji-eun": "이지은",
    "Park Seo-yeon": "박서연",
    "Choi Jun-ho": "최준호",
    "Jung Ha-na": "정하나",
}
"""English → Korean; other names are written alike in both."""
_KOREAN_NAMES: Final = {korean: english for english, korean in NAMES.items()}


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of gap in one language.

    Attributes:
        pattern: with named groups, the parts of the value.
        read: makes the parts the same in every language.
        write: the value in this language.
    """

    pattern: str
    write: Callable[[Value], str]
    read: Callable[[Value], Value] = lambda parts: parts


def _as_it_is(pattern: str) -> dict[str, _Kind]:
    kind = _Kind(f"(?P<all>{pattern})", lambda value: value["all"])
    return {"en": kind, "ko": kind}


def _write_time_en(value: Value) -> str:
    minute = f":{int(value['minute']):02}" if int(value["minute"] or 0) else ""
    if not value["half"]:
        minute = minute or ":00"
    half = f" {value['half']}.m." if value["half"] else ""
    return f"{value['hour']}{minute}{half}"


def _write_time_ko(value: Value) -> str:
    half = {"a": "오전 ", "p": "오후 ", "": ""}[value["half"]]
    minute = int(value["minute"] or 0)
    return f"{half}{value['hour']}시" + (f" {minute}분" if minute else "")


def _read_time_ko(parts: Value) -> Value:
    half = {"오전": "a", "오후": "p"}.get(parts["half"], "")
    minute = "30" if parts["minute"] == "반" else parts["minute"]
    return {**parts, "half": half, "minute": minute}


def _write_date_en(value: Value) -> str:
    year = f", {value['year']}" if value["year"] else ""
    return f"{_MONTHS[int(value['month']) - 1]} {value['day']}{year}"


def _read_date_en(parts: Value) -> Value:
    month = _MONTHS.index(parts["month"].capitalize()) + 1
    return {**parts, "month": str(month)}


def _write_date_ko(value: Value) -> str:
    year = f"{value['year']}년 " if value["year"] else ""
    return f"{year}{value['month']}월 {value['day']}일"


_KINDS: Final[dict[str, dict[str, _Kind]]] = {
    "n": _as_it_is(r"\d{1,6}"),
    "amount": _as_it_is(r"\d{1,3}(?:,\d{3})+|\d{1,12}"),
    "decimal": _as_it_is(r"-?\d{1,9}(?:\.\d{1,4})?"),
    "number": _as_it_is(r"\+?\d[\d\-]{4,18}\d"),
    "code": _as_it_is(r"[A-Za-z0-9\-]{2,16}"),
    "mail": _as_it_is(r"[\w.+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]+"),
    "time": {
        "en": _Kind(
            r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?(?: ?(?P<half>[ap])\.?m\b\.?)?",
            _write_time_en,
        ),
        "ko": _Kind(
            r"(?:(?P<half>오전|오후) )?(?P<hour>\d{1,2})시"
            r"(?: (?P<minute>\d{1,2}(?=분)|반)분?)?",
            _write_time_ko,
            _read_time_ko,
        ),
    },
    "date": {
        "en": _Kind(
            rf"(?P<month>{'|'.join(_MONTHS)}) (?P<day>\d{{1,2}})"
            r"(?:, (?P<year>\d{4}))?",
            _write_date_en,
            _read_date_en,
        ),
        "ko": _Kind(
            r"(?:(?P<year>\d{4})년 )?(?P<month>1[0-2]|[1-9])월 (?P<day>\d{1,2})일",
            _write_date_ko,
        ),
    },
    "name": {
        "en": _Kind(
            r"(?P<all>[A-Za-z가-힣][\w .'\-]{0,39})",
            lambda value: _KOREAN_NAMES.get(value["all"], value["all"]),
        ),
        "ko": _Kind(
            r"(?P<all>[A-Za-z가-힣][\w .'\-]{0,39}?)",
            lambda value: NAMES.get(value["all"], value["all"]),
        ),
    },
}
_GAP: Final = re.compile(r"\{(\w+):(\w+)\}")
_END: Final = " .!?。！？"


# --- Sentences ------------------------------------------------------------------------


class _Sentence:
    """One sentence with gaps, in one language.

    Args:
        template: as in the file.
        language: ISO 639-1.
    """

    def __init__(self, template: str, language: str) -> None:
        self._template = template
        self._kinds = {
            name: _KINDS[kind][language] for name, kind in _GAP.findall(template)
        }
        pattern, at = "", 0
        text = template.rstrip(_END)
        for gap in _GAP.finditer(text):
            # The groups of a gap begin with its name.
            inside = self._kinds[gap[1]].pattern.replace("(?P<", f"(?P<{gap[1]}__")
            pattern += f"{re.escape(text[at : gap.start()])}(?:{inside})"
            at = gap.end()
        pattern += re.escape(text[at:])
        self._pattern = re.compile(pattern, re.IGNORECASE)

    def read(self, text: str) -> dict[str, Value] | None:
        """Return what stands in the gaps; None if this is another sentence."""
        found = self._pattern.fullmatch(text.strip().rstrip(_END))
        if found is None and text.rstrip().endswith("m."):
            found = self._pattern.fullmatch(text.strip())
        if found is None:
            return None
        parts: dict[str, dict[str, str]] = {name: {} for name in self._kinds}
        for group, value in found.groupdict().items():
            gap, _, name = group.partition("__")
            parts[gap][name] = value or ""
        return {gap: self._kinds[gap].read(value) for gap, value in parts.items()}

    def write(self, values: Mapping[str, Value]) -> str:
        """Fill the gaps."""
        text = _GAP.sub(
            lambda gap: self._kinds[gap[1]].write(values[gap[1]]), self._template
        )
        return text.replace("..", ".") if text.endswith("m..") else text


@cache
def _sentences() -> tuple[dict[str, _Sentence], ...]:
    rows = yaml.safe_load((_FOLDER / "sentences.yaml").read_text(encoding="utf-8"))
    return tuple(
        {language: _Sentence(text, language) for language, text in row.items()}
        for row in rows
    )


def _translate_sentence(text: str, target: str) -> str | None:
    phrase = _phrase_of(text)
    if phrase is not None:
        return phrase.texts.get(target)
    for row in _sentences():
        for language, sentence in row.items():
            if language != target and target in row:
                values = sentence.read(text)
                if values is not None:
                    return row[target].write(values)
    return None


def _phrase_of(text: str) -> Phrase | None:
    book = Phrasebook.load()
    found = (book.by_text(text, language) for language in _LANGUAGES)
    return next((phrase for phrase in found if phrase), None)


def translate(text: str, target: str) -> str:
    """Translate what is written, whatever language it is in.

    Args:
        text: a sentence or a few.
        target: ISO 639-1.

    Returns:
        the translation; what is not known stays as it is, behind `UNKNOWN`.
    """
    text = " ".join(text.split()).replace("\u2019", "'")
    whole = _translate_sentence(text, target)
    if whole is not None:
        return whole
    parts = re.split(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？])", text)
    said = [_translate_sentence(part, target) for part in parts if part]
    if len(said) > 1 and all(said):
        return ("" if target in ("ja", "zh") else " ").join(filter(None, said))
    return f"{UNKNOWN} {text}"


# --- Replies --------------------------------------------------------------------------


@cache
def _replies() -> dict[str, list[str]]:
    text = (_FOLDER / "replies.yaml").read_text(encoding="utf-8")
    replies: dict[str, list[str]] = yaml.safe_load(text)
    return replies


def suggestions(asked: str) -> list[dict[str, str]]:
    """Propose replies to what the callee said last.

    Args:
        asked: JSON: `conversation` of {who, text}, `callee_language`,
            `caller_language`.

    Returns:
        {text, translation}, at the most three; none for anything else.
    """
    try:
        data = json.loads(asked)
        said = [
            turn["text"] for turn in data["conversation"] if turn["who"] == "callee"
        ]
        languages = data["callee_language"], data["caller_language"]
        last = str(said[-1])
    except (ValueError, LookupError, TypeError):
        return []
    phrase = _phrase_of(last)
    kind = "question" if last.rstrip().endswith(("?", "？")) else "statement"
    replies, book = _replies(), Phrasebook.load()
    ids = replies.get(phrase.id if phrase else kind, replies[kind])
    texts = [book[phrase_id].texts for phrase_id in ids[:MAX_SUGGESTIONS]]
    return [
        {"text": text[languages[0]], "translation": text[languages[1]]}
        for text in texts
        if text.keys() >= set(languages)
    ]


def rephrased(asked: str) -> str:
    """Say something politely that was not: what the book has for it, or nothing rude.

    Args:
        asked: JSON: `text`.
    """
    text = text_in(asked)
    rude, book = _phrase_of(text), Phrasebook.load()
    if rude is None or rude.id not in _POLITE:
        return f"{UNKNOWN} {text}"
    same = next(code for code, said in rude.texts.items() if said == text)
    return book[_POLITE[rude.id]].texts[same]


_POLITE: Final = {"agent_curse": "agent_complain"}


def text_in(asked: str) -> str:
    """Return the text that a request is about: all of it, or `text` of its JSON."""
    try:
        data: Any = json.loads(asked)
    except ValueError:
        return asked
    is_wrapped = isinstance(data, dict) and isinstance(data.get("text"), str)
    return str(data["text"]) if is_wrapped else asked

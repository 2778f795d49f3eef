"""What we are about to say: clean, too familiar, abusive, or a threat.

Typed texts, the agent's sentences and finished translations are judged before they are
spoken.  A clean one passes at once.  Words are matched as words: in languages with
spaces by looking whole words up (in Korean their beginnings, since endings follow), and
only what single words cannot say is a pattern, which is tried where its key occurs.
The lists are data (`words/<language>.yaml`); a language without a list is never judged.

A verdict is not an action.  What becomes of a sentence is decided by the session: one
that is too familiar is spoken as corrected, an abusive one is held and rephrased.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from realtime.guards import data, register

Span = tuple[int, int]


class Level(StrEnum):
    """How bad it is; the worst found counts."""

    CLEAN = "clean"
    REGISTER = "register"
    ABUSE = "abuse"
    THREAT = "threat"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sentence is.

    Attributes:
        level: the worst that was found.
        spans: where, as [start, end) in characters of the text, in order.
        corrected: the same in polite form, where a rule for it is safe; only of
            `Level.REGISTER`.
    """

    level: Level
    spans: tuple[Span, ...] = ()
    corrected: str | None = None


CLEAN: Final = Verdict(Level.CLEAN)

_WORD: Final = re.compile(r"[^\W\d_]+")
_KOREAN_WORD: Final = re.compile(r"[가-힣ㄱ-ㅎ]+")
_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'"})
_LONGEST_STEM: Final = 6

_Patterns = tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]


def _patterns(table: dict[str, list[str]] | None) -> _Patterns:
    return tuple(
        (key, tuple(re.compile(pattern) for pattern in patterns))
        for key, patterns in (table or {}).items()
    )


class _Lexicon:
    """One language's lists."""

    def __init__(self, lists: dict[str, Any]) -> None:
        self.words = frozenset(lists.get("words", ()))
        self.stems = frozenset(lists.get("stems", ()))
        self.exceptions = tuple(lists.get("except", ()))
        self.phrases = _patterns(lists.get("phrases"))
        self.threats = _patterns(lists.get("threats"))
        harmless = lists.get("harmless", {})
        self.before = tuple(re.compile(p) for p in harmless.get("before", ()))
        self.after = tuple(re.compile(p) for p in harmless.get("after", ()))

    def abuse(self, text: str) -> list[Span]:
        """Find abusive words and phrases."""
        found = []
        if self.words:
            found = [m.span() for m in _WORD.finditer(text) if m[0] in self.words]
        if self.stems:
            found = [m.span() for m in _KOREAN_WORD.finditer(text) if self._is(m[0])]
        for pattern in _due(self.phrases, text):
            found += [m.span() for m in pattern.finditer(text)]
        return found

    def _is(self, word: str) -> bool:
        stems = self.stems
        return any(
            word[:n] in stems for n in range(1, min(len(word), _LONGEST_STEM) + 1)
        ) and not word.startswith(self.exceptions)

    def threat(self, text: str) -> list[Span]:
        """Find threats that are meant, not told of."""
        return [
            m.span()
            for pattern in _due(self.threats, text)
            for m in pattern.finditer(text)
            if not any(p.search(text[: m.start()]) for p in self.before)
            and not any(p.search(text[m.end() :]) for p in self.after)
        ]


def _due(patterns: _Patterns, text: str) -> list[re.Pattern[str]]:
    return [p for key, compiled in patterns if key in text for p in compiled]


LANGUAGES: Final = ("en", "es", "ja", "ko", "zh")
_LEXICONS: Final = {language: _Lexicon(data.load(language)) for language in LANGUAGES}


def _folded(text: str) -> str:
    """Fold case and apostrophes without moving any character."""
    folded = text.lower().translate(_APOSTROPHES)
    return folded if len(folded) == len(text) else text


def judge(text: str, language: str) -> Verdict:
    """Judge what is about to be said.

    Args:
        text: a whole sentence, or several.
        language: ISO 639-1, of the text.

    Returns:
        the verdict; `CLEAN` itself where there is nothing to say about it.
    """
    lexicon = _LEXICONS.get(language)
    if lexicon is None:
        return CLEAN
    folded = _folded(text)
    threats = lexicon.threat(folded)
    abuse = lexicon.abuse(folded)
    if threats:
        return Verdict(Level.THREAT, tuple(sorted({*threats, *abuse})))
    if abuse:
        return Verdict(Level.ABUSE, tuple(sorted(set(abuse))))
    if language == "ko":
        found = register.find(text)
        if found.spans:
            return Verdict(Level.REGISTER, found.spans, found.corrected)
    return CLEAN

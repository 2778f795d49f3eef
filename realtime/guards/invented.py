"""Sentences that a recogniser wrote although nobody said them.

Theory of operation.  Recognisers learned from subtitled broadcasts.  Given silence or
noise some write what broadcasts say over silence ("Thank you for watching"), or one
sentence many times over.  By its words alone no text is ever suppressed: somebody may
say these words.  What decides is whether the ear heard enough for them.  A sentence
takes time to say; where the speech detector found less than half the time that a very
fast speaker needs, nobody said it.

    text                              heard                    decision
    broadcast sign-off                long enough              kept
    broadcast sign-off                too short for it         invented
    one sentence, three times or more long enough for all      kept
    one sentence, three times or more too short, not nothing   kept, once
    one sentence, three times or more nothing                  invented
    the third alike in a row          nothing                  invented
    anything else                     whatever                 kept

So a "네", a "Thank you." and a "감사합니다" survive, however softly they are said.
"Nothing" is no detected speech and no window above the line's own noise.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from realtime.config import InventedConfig
from realtime.guards import data


class Reason(StrEnum):
    """Why a text is kept or not."""

    SAID = "said"
    SIGN_OFF = "sign_off"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the ear knows about the time that a text belongs to.

    Attributes:
        speech_ms: how long the detector heard somebody speak.
        over_floor: the loudest window by the line's noise, a ratio of RMS; None where
            it is not known, which is never taken for silence.
    """

    speech_ms: int
    over_floor: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is left of a text.

    Attributes:
        text: what to go on with: all of it, one sentence of it, or nothing.
        reason: why.
        least_ms: how long a very fast speaker takes for the text.
    """

    text: str
    reason: Reason
    least_ms: int

    @property
    def is_invented(self) -> bool:
        """Nothing of it was said."""
        return not self.text


_END: Final = re.compile(r"(?<=[。！？])|(?<=[.!?…])(?=\s|$)|\n+")
_STRIP: Final = " \t\n.!?,。！？、…\"'“”‘’-–—¡¿"
_VOWELS: Final = re.compile(r"[aeiouyàâäáãæèéêëìíîïòóôõöœùúûüýÿăơưạ-ỹ]+|\d")
_SYLLABIC: Final = re.compile(
    "[가-힣\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\u0900-\u0939а-я]"
)
_CYRILLIC: Final = re.compile("[а-я]")
_ANY_LANGUAGE: Final = ("en",)
"""A recogniser that has nothing to go on writes these whatever it was told."""


def _compile() -> dict[str, re.Pattern[str]]:
    lists = {
        language: "|".join(f"(?:{pattern})" for pattern in patterns)
        for language, patterns in data.load("invented").items()
    }
    return {
        language: re.compile(
            "|".join({pattern, *(lists[common] for common in _ANY_LANGUAGE)}),
            re.IGNORECASE,
        )
        for language, pattern in lists.items()
    }


_SIGN_OFFS: Final = _compile()


def _sentences(text: str) -> list[str]:
    return [part for part in (s.strip() for s in _END.split(text)) if part]


def _bare(sentence: str) -> str:
    return unicodedata.normalize("NFKC", sentence).strip(_STRIP)


def is_sign_off(text: str, language: str) -> bool:
    """Tell whether every sentence of a text is a broadcast's.

    Args:
        text: what a recogniser wrote.
        language: ISO 639-1, what it was told to listen for; English ones always count.
    """
    pattern = _SIGN_OFFS.get(language) or _SIGN_OFFS["en"]
    sentences = [_bare(sentence) for sentence in _sentences(text)]
    if not any(sentences):
        return any(c in text for c in "♪♫")
    return all(pattern.fullmatch(s) for s in sentences if s)


def _repeated(text: str, least: int) -> str | None:
    """Return the one sentence (or phrase) that a text consists of, if it repeats."""
    sentences = _sentences(text)
    if len(sentences) >= least and len({_bare(s).casefold() for s in sentences}) == 1:
        return sentences[0]
    words = [_bare(word).casefold() for word in text.split()]
    for n_words in range(1, len(words) // least + 1):
        phrase = words[:n_words]
        if len(words) % n_words == 0 and phrase * (len(words) // n_words) == words:
            return " ".join(text.split()[:n_words])
    return None


def least_ms(text: str, config: InventedConfig) -> int:
    """Say how long a very fast speaker takes for a text, ms.

    Syllables are counted by their letters: one for each of Hangul, kana and Han, one
    for each group of vowels elsewhere.
    """
    folded = unicodedata.normalize("NFC", text).casefold()
    n_letters = len(_SYLLABIC.findall(folded)) - len(_CYRILLIC.findall(folded)) // 2
    n_syllables = n_letters + len(_VOWELS.findall(folded))
    return round(n_syllables * 1000 / config.syllables_per_s)


def judge(
    text: str,
    language: str,
    evidence: Evidence,
    earlier: Sequence[str] = (),
    config: InventedConfig | None = None,
) -> Judgement:
    """Decide whether somebody said what a recogniser wrote.

    Args:
        text: all that was written for one utterance.
        language: ISO 639-1, of the recogniser.
        evidence: what the ear heard while the utterance lasted.
        earlier: what was written just before, oldest first, of the same leg and with
            nothing heard either.
        config: the rates.

    Returns:
        what is left of the text, and why.
    """
    c = config or InventedConfig()
    needed_ms = least_ms(text, c)
    if evidence.speech_ms > 0 and evidence.speech_ms >= needed_ms * c.least_share:
        return Judgement(text, Reason.SAID, needed_ms)
    if is_sign_off(text, language):
        return Judgement("", Reason.SIGN_OFF, needed_ms)
    is_nothing = evidence.speech_ms == 0 and (
        evidence.over_floor is not None and evidence.over_floor < c.heard_over_floor
    )
    once = _repeated(text, c.repetitions)
    if once is not None:
        return Judgement("" if is_nothing else once, Reason.REPEATED, needed_ms)
    alike = [t for t in earlier[-c.repetitions + 1 :] if _bare(t) == _bare(text)]
    if is_nothing and len(alike) >= c.repetitions - 1:
        return Judgement("", Reason.REPEATED, needed_ms)
    return Judgement(text, Reason.SAID, needed_ms)

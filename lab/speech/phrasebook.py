"""The phrases the lab can say, recognise and translate."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import yaml

_PATH: Final = Path(__file__).with_name("phrasebook.yaml")

_DIGITS: Final[dict[str, list[str]]] = {
    language: words.split()
    for language, words in {
        "en": "zero one two three four five six seven eight nine",
        "ja": "ゼロ いち に さん よん ご ろく なな はち きゅう",
        "ko": "공 일 이 삼 사 오 육 칠 팔 구",
        "zh": "零 一 二 三 四 五 六 七 八 九",
    }.items()
}
_PHONE_NUMBER: Final = re.compile(r"\+?\d+(?:-\d+)+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One thing that can be said, in every language we know it in.

    Attributes:
        id: theme and name, e.g. "restaurant_ask_name".
        texts: language (ISO 639-1) → the text as it is read.
        spoken: language → the text as it is read aloud, where that differs.
    """

    id: str
    texts: dict[str, str]
    spoken: dict[str, str] = field(default_factory=dict)


def normalise(text: str) -> str:
    """Reduce a text to its letters and digits, to compare it with another.

    Args:
        text: any text.

    Returns:
        The text without case, punctuation, accents of width, and spaces.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LNM")


def read_digits_out(text: str, language: str) -> str:
    """Replace telephone numbers (digit groups with hyphens) by digit words.

    Args:
        text: a sentence, e.g. "Fax 02-123-4567."
        language: ISO 639-1 code.

    Returns:
        The sentence as it is said: "Fax zero two, one two three, …".
    """
    words = _DIGITS.get(language, list("0123456789"))

    def spell(number: re.Match[str]) -> str:
        groups = number.group().lstrip("+").split("-")
        return ", ".join(" ".join(words[int(d)] for d in group) for group in groups)

    return _PHONE_NUMBER.sub(spell, text)


class Phrasebook:
    """All phrases, by id and by text.

    Args:
        phrases: the phrases; ids and texts per language must be unique.

    Raises:
        ValueError: an id or a text occurs twice.
    """

    def __init__(self, phrases: list[Phrase]) -> None:
        self.phrases: Final = tuple(phrases)
        self._by_id: dict[str, Phrase] = {}
        self._by_text: dict[tuple[str, str], Phrase] = {}
        for phrase in phrases:
            if phrase.id in self._by_id:
                raise ValueError(f"Phrase {phrase.id} is in the book twice.")
            self._by_id[phrase.id] = phrase
            for language, text in phrase.texts.items():
                key = (language, normalise(text))
                if key in self._by_text:
                    other = self._by_text[key].id
                    raise ValueError(f"{phrase.id} and {other} have the same text.")
                self._by_text[key] = phrase

    @classmethod
    @cache
    def load(cls) -> "Phrasebook":
        """Read the book that comes with the lab, once per process."""
        with _PATH.open(encoding="utf-8") as file:
            rows = yaml.safe_load(file)
        return cls(
            [
                Phrase(
                    id=phrase_id,
                    texts={k: v for k, v in row.items() if k != "spoken"},
                    spoken=row.get("spoken", {}),
                )
                for phrase_id, row in rows.items()
            ]
        )

    def __getitem__(self, phrase_id: str) -> Phrase:
        """Return the phrase with this id; KeyError if there is none."""
        return self._by_id[phrase_id]

    def __contains__(self, phrase_id: str) -> bool:
        """Tell whether there is a phrase with this id."""
        return phrase_id in self._by_id

    def by_text(self, text: str, language: str) -> Phrase | None:
        """Find a phrase by what is written, whatever the punctuation and case.

        Args:
            text: the whole phrase.
            language: ISO 639-1 code of the text.

        Returns:
            The phrase, or None when it is not in the book.
        """
        return self._by_text.get((language, normalise(text)))

    def reading(self, text: str, language: str) -> str:
        """Return how a text is to be read aloud.

        Args:
            text: any text, from the book or not.
            language: ISO 639-1 code.

        Returns:
            The `spoken` form of a known phrase, else the text with telephone
            numbers spelt out.
        """
        phrase = self.by_text(text, language)
        if phrase and language in phrase.spoken:
            return phrase.spoken[language]
        return read_digits_out(text, language)

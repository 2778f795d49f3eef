"""Reading the other side's captions instead of hearing them.  Pure.

A caption counts once, when it is final; what it says is looked up in the phrasebook
like everything else that is understood in the lab.
"""

import re
from collections.abc import Mapping
from typing import Any

from lab.speech.listener import UNCLEAR, Heard
from lab.speech.phrasebook import Phrase, Phrasebook

_SENTENCE = re.compile(r"[^.!?。？！…]+[.!?。？！…]*\s*")


def phrases_in(
    text: str, language: str, book: Phrasebook
) -> list[tuple[str, Phrase | None]]:
    """Cut a text into phrases.

    Args:
        text: one or more sentences.
        language: ISO 639-1.
        book: the phrases.

    Returns:
        each phrase as it is written, longest first from the left; None with sentences
        that are no phrase.
    """
    sentences = _SENTENCE.findall(text)
    found: list[tuple[str, Phrase | None]] = []
    at = 0
    while at < len(sentences):
        for to in range(len(sentences), at, -1):
            part = "".join(sentences[at:to]).strip()
            if (phrase := book.by_text(part, language)) is not None:
                found.append((part, phrase))
                at = to
                break
        else:
            found.append((sentences[at].strip(), None))
            at += 1
    return found


class Reader:
    """Somebody who reads what the callee says.

    Args:
        book: the phrases.
        language: ISO 639-1, what the reader understands.
        is_original: nothing is translated: the words themselves are read.
    """

    def __init__(self, book: Phrasebook, language: str, *, is_original: bool) -> None:
        self._book = book
        self._language = language
        self._read = "original" if is_original else "translation"
        self._known: set[str] = set()

    def see(self, caption: Mapping[str, Any], now_ms: int) -> list[Heard]:
        """Look at a `caption` message.

        Args:
            caption: as the caller's socket got it.
            now_ms: when; what is read is read now.

        Returns:
            what has been understood: nothing before the caption is final.
        """
        utterance_id, text = caption["utterance_id"], caption[self._read]
        is_final = caption[f"{self._read}_final"]
        if caption["leg"] != "callee" or not is_final or not text.strip():
            return []
        if utterance_id in self._known:
            return []
        self._known.add(utterance_id)
        return [
            Heard(part, phrase.id, self._language, now_ms, now_ms)
            if phrase
            else Heard(UNCLEAR, None, None, now_ms, now_ms)
            for part, phrase in phrases_in(text, self._language, self._book)
        ]

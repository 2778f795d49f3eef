"""Callers who read what the callee says: what counts as understood, and when."""

from typing import Any

import pytest

from lab.reading import Reader, phrases_in
from lab.speech.listener import UNCLEAR
from lab.speech.phrasebook import Phrasebook


@pytest.fixture(scope="module")
def book() -> Phrasebook:
    return Phrasebook.load()


def caption(**changes: Any) -> dict[str, Any]:
    return {
        "utterance_id": "callee-1",
        "leg": "callee",
        "original": "무엇을 도와드릴까요?",
        "translation": "How may I help you?",
        "original_final": True,
        "translation_final": True,
        **changes,
    }


def ids(text: str, language: str, book: Phrasebook) -> list[str | None]:
    return [p.id if p else None for _, p in phrases_in(text, language, book)]


def test_one_caption_may_hold_several_phrases(book: Phrasebook) -> None:
    text = "Yes. I understand. The fax number is 02-123-4567."
    assert ids(text, "en", book) == [
        "common_yes",
        "common_understood",
        "immigration_fax_number",
    ]


def test_a_phrase_of_several_sentences_is_one_phrase(book: Phrasebook) -> None:
    greeting = book["greeting_relay"].texts["ko"]
    assert ids(greeting + " 여보세요?", "ko", book) == [
        "greeting_relay",
        "common_hello",
    ]


def test_what_is_no_phrase_is_not_guessed(book: Phrasebook) -> None:
    assert ids("Yes. Something else. No.", "en", book) == [
        "common_yes",
        None,
        "common_no",
    ]
    assert ids("", "en", book) == []


def test_a_translation_is_read_once_it_is_final(book: Phrasebook) -> None:
    reader = Reader(book, "en", is_original=False)
    assert reader.see(caption(translation_final=False), 100) == []
    [heard] = reader.see(caption(), 250)
    assert (heard.phrase_id, heard.started_ms) == ("common_how_can_i_help", 250)
    assert reader.see(caption(), 300) == []  # sent again


def test_the_own_words_are_not_read(book: Phrasebook) -> None:
    reader = Reader(book, "en", is_original=False)
    assert reader.see(caption(leg="caller"), 100) == []
    assert reader.see(caption(translation=""), 100) == []


def test_without_translation_the_original_is_read(book: Phrasebook) -> None:
    reader = Reader(book, "ko", is_original=True)
    seen = caption(translation="", translation_final=False)
    [heard] = reader.see(seen, 100)
    assert heard.phrase_id == "common_how_can_i_help"


def test_what_was_not_understood_is_unclear(book: Phrasebook) -> None:
    reader = Reader(book, "en", is_original=False)
    [heard] = reader.see(caption(translation="[unclear]"), 100)
    assert (heard.text, heard.phrase_id) == (UNCLEAR, None)

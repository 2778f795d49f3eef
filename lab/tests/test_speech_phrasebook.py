from dataclasses import replace

import pytest

from lab.speech.phrasebook import Phrase, Phrasebook, read_digits_out
from lab.speech.synthesiser import Synthesiser
from realtime.events import Line
from realtime.opening.introduction import Kind, disclosure
from realtime.opening.recording_notice import NOTICE, NOTICE_OFF
from realtime.reception.incoming import Reception
from realtime.reception.words import GREETINGS
from realtime.voice.lines import text_of


def test_it_covers_the_languages_it_promises() -> None:
    phrases = Phrasebook.load().phrases
    assert sum({"ko", "en"} <= phrase.texts.keys() for phrase in phrases) >= 60
    for language in ("ja", "zh"):
        assert sum(language in phrase.texts for phrase in phrases) >= 20


def test_every_phrase_has_a_theme_and_known_languages() -> None:
    themes = {
        "agent",
        "apology",
        "backchannel",
        "clinic",
        "common",
        "consent",
        "flower",
        "greeting",
        "hesitant",
        "hold",
        "immigration",
        "interrupter",
        "menu",
        "monologue",
        "opening",
        "quiet",
        "reception",
        "recording",
        "repeater",
        "restaurant",
        "screening",
        "silence",
        "time",
        "voicemail",
        "waiting",
    }
    for phrase in Phrasebook.load().phrases:
        assert phrase.id.split("_")[0] in themes
        assert phrase.texts.keys() <= {"ko", "en", "ja", "zh"}
        assert phrase.spoken.keys() <= phrase.texts.keys()


def test_it_finds_a_text_whatever_its_punctuation_and_case() -> None:
    book = Phrasebook.load()
    found = book.by_text("  the FAX number is 02-123-4567", "en")
    assert found is book["immigration_fax_number"]
    assert book.by_text("The fax number is 02-123-4568.", "en") is None
    assert book.by_text("네", "ko") is book["common_yes"]
    assert book.by_text("네", "ja") is None


def test_it_contains_its_ids() -> None:
    book = Phrasebook.load()
    assert "common_yes" in book
    assert "common_maybe" not in book
    with pytest.raises(KeyError):
        book["common_maybe"]


def test_texts_must_be_unique_in_a_language() -> None:
    one = Phrase("common_a", {"en": "Same."})
    with pytest.raises(ValueError, match="same text"):
        Phrasebook([one, Phrase("common_b", {"en": "same!"})])
    with pytest.raises(ValueError, match="twice"):
        Phrasebook([one, Phrase("common_a", {"en": "Other."})])


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        ("en", "Fax zero two, one two three, four five six seven."),
        ("ko", "Fax 공 이, 일 이 삼, 사 오 육 칠."),
        ("zh", "Fax 零 二, 一 二 三, 四 五 六 七."),
        ("fr", "Fax 0 2, 1 2 3, 4 5 6 7."),
    ],
)
def test_telephone_numbers_are_read_digit_by_digit(language: str, spoken: str) -> None:
    assert read_digits_out("Fax 02-123-4567.", language) == spoken


def test_other_numbers_are_left_to_the_synthesiser() -> None:
    assert read_digits_out("42 people, 7 pm", "en") == "42 people, 7 pm"


def test_japanese_of_the_book_is_read_from_kana() -> None:
    book = Phrasebook.load()
    for phrase in book.phrases:
        if "ja" in phrase.texts:
            reading = book.reading(phrase.texts["ja"], "ja")
            assert not any("\u4e00" <= letter <= "\u9fff" for letter in reading)


def test_the_lines_of_the_interpreter_itself_are_spoken_in_all_four_languages() -> None:
    synthesiser = Synthesiser()
    ids = (
        "greeting_disclosure",
        "consent_question",
        "consent_off",
        "opening_interpreter",
        "waiting_one_moment",
        "apology_connection_lost",
        "time_limit_over",
        "apology_spend_limit",
    )
    for phrase_id in ids:
        texts = Phrasebook.load()[phrase_id].texts
        assert texts.keys() == {"ko", "en", "ja", "zh"}
        for language, text in texts.items():
            n = len(synthesiser.speak_blocking(text, language))
            assert 0.5 * 24000 < n < 12 * 24000
    synthesiser.close()


def test_the_last_sentence_of_a_call_that_costs_too_much_is_the_products() -> None:
    texts = Phrasebook.load()["apology_spend_limit"].texts
    assert texts == {k: text_of(Line.SPEND_LIMIT, k) for k in texts}


def test_the_question_about_recording_is_the_products() -> None:
    off = Phrasebook.load()["consent_off"].texts
    assert off == {language: NOTICE_OFF[language] for language in off}
    ours = Phrasebook.load()["opening_interpreter"].texts
    assert ours == {k: disclosure(k, Kind.INTERPRETED) for k in ours}
    texts = Phrasebook.load()["consent_question"].texts
    assert texts == {language: NOTICE[language] for language in texts}


@pytest.mark.parametrize(
    ("language", "line"), [("ko", "새벽 상담소"), ("en", "Dawn Office")]
)
def test_what_a_reception_says_by_itself_is_the_products(
    language: str, line: str
) -> None:
    book, reception = Phrasebook.load(), Reception(line=line)
    for said, phrase_id in (
        (reception.greeting_in(language), "reception_greeting"),
        (
            replace(reception, is_open=False).greeting_in(language),
            "reception_closed_greeting",
        ),
        (GREETINGS[language].closed, "reception_closed"),
        (text_of(Line.FAREWELL, language), "reception_farewell"),
        (text_of(Line.TRANSFER, language), "reception_putting_through"),
    ):
        assert said == book[phrase_id].texts[language]
    assert book.by_text(GREETINGS[language].ask, language) is not None

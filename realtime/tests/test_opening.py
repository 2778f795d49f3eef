"""The first sentences: who calls, what about, and that an AI helps."""

import pytest

from realtime.events import Line
from realtime.opening import introduction as opening
from realtime.opening.introduction import Kind, introduce, language_of
from realtime.voice.lines import LINES

LANGUAGES = sorted(LINES)
AI = {
    "de": "KI", "en": "AI", "es": "inteligencia artificial",
    "fr": "intelligence artificielle", "hi": "एआई", "id": "kecerdasan buatan",
    "it": "intelligenza artificiale", "ja": "AI", "ko": "인공지능",
    "pt": "inteligência artificial", "ru": "искусственный интеллект",
    "vi": "trí tuệ nhân tạo", "zh": "人工智能",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_the_person_and_the_purpose_come_before_the_ai(
    language: str, kind: Kind
) -> None:
    said = opening.opening(language, kind, introduce(language, "Kim Minsu", "XYZ 12"))
    places = [said.index("Kim Minsu"), said.index("XYZ 12")]
    is_ai_told = [m for m in (AI[language], "искусственного интеллекта") if m in said]
    assert is_ai_told
    assert places == sorted(places)
    assert places[1] < said.index(is_ai_told[0])
    assert len(said) <= opening.MOST_LETTERS


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_name_or_a_purpose_the_rest_is_said(language: str) -> None:
    only_name = introduce(language, "Kim Minsu")
    only_purpose = introduce(language, "", "XYZ 12")
    assert "Kim Minsu" in only_name
    assert "XYZ 12" in only_purpose
    for text in (only_name, only_purpose):
        assert "{" not in text
        assert opening.ended(text, language) == text
    assert introduce(language) == introduce(language, " ", ".") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_says_nothing_of_themselves_is_greeted_for_as_ever(language: str) -> None:
    lines = LINES[language]
    assert opening.opening(language, Kind.INTERPRETED) == lines[Line.GREETING]
    assert opening.opening(language, Kind.RELAY) == lines[Line.RELAY_GREETING]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_relays_disclosure_is_its_greeting_without_the_hello(language: str) -> None:
    disclosure = opening.disclosure(language, Kind.RELAY)
    whole = LINES[language][Line.RELAY_GREETING]
    assert whole.endswith(disclosure)
    assert 0 < len(whole) - len(disclosure) <= 16


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "own", ["I am not a machine at all.", "No AI here", "Say nothing else"]
)
def test_whatever_people_write_the_disclosure_follows(own: str, kind: Kind) -> None:
    said = opening.opening("en", kind, own)
    assert said.startswith(own)
    assert said.endswith(opening.disclosure("en", kind))


def test_korean_is_said_as_korean_is() -> None:
    assert introduce("ko", "김민수", "토요일 예약") == (
        "안녕하세요. 김민수 님의 전화입니다. 토요일 예약 건으로 연락드렸습니다."
    )
    assert "김 교수의 전화입니다" in introduce("ko", "김 교수")
    assert "민수 씨의 전화입니다" in introduce("ko", "민수 씨")
    assert opening.about("ko", "예약 변경 건") == "예약 변경 건으로 연락드렸습니다."
    assert opening.about("ko", "예약을 바꾸려고.") == "예약을 바꾸려고 연락드렸습니다."


def test_a_japanese_title_is_not_said_twice() -> None:
    assert "田中さんからの" in introduce("ja", "田中さん")
    assert "田中様からの" in introduce("ja", "田中")


def test_what_is_written_with_about_has_it_once() -> None:
    assert opening.about("en", "about a table for two.") == (
        "It is about a table for two."
    )


def test_a_language_without_words_of_its_own_is_shown_in_english() -> None:
    assert introduce("th", "Somchai") == "Hello. This is a call from Somchai."


def test_a_text_is_one_line_that_can_be_stored() -> None:
    assert opening.clean(" a\x00b\n\tc\u2003d ") == "a b c d"
    assert opening.ended("hello", "en") == "hello."
    assert opening.ended("もしもし", "ja") == "もしもし。"


@pytest.mark.parametrize(
    ("text", "caller", "callee", "expected"),
    [
        ("안녕하세요. John입니다.", "en", "ko", "ko"),
        ("Hello, I am 김민수.", "en", "ko", "en"),
        ("Hello, I am 김민수.", "ko", "en", "en"),
        ("안녕하세요.", "en", "ja", "ko"),
        ("予約の件でお電話しました。", "zh", "ja", "ja"),
        ("我想预约。", "zh", "ja", "zh"),
        ("我想预约。", "en", "zh", "zh"),
        ("Bonjour, ici Léa.", "fr", "en", "fr"),
        ("Привет", "uk", "ko", "uk"),
        ("Привет", "en", "ko", "ru"),
        ("สวัสดี", "en", "ko", "th"),
        ("Hola", "ko", "ja", "en"),
        ("123", "en", "ko", "en"),
    ],
)
def test_the_letters_say_what_language_it_is_in(
    text: str, caller: str, callee: str, expected: str
) -> None:
    assert language_of(text, caller, callee) == expected


def known(text: str, name: str, caller: str, callee: str) -> str | None:
    return opening.known_in(callee, text, name, caller)


def test_a_name_alone_needs_no_translator() -> None:
    said = introduce("ko", "김민수")
    assert known(said, "김민수", "ko", "en") == "Hello. This is a call from Kim Minsu."
    assert known("", "김민수", "ko", "en") == ""
    assert known("안녕, 민수야", "", "en", "ko") == "안녕, 민수야."
    assert known("My own words", "Kim", "en", "ko") is None
    assert known("My own words", "Kim", "en", "en") == "My own words."


def test_abuse_is_nothing_to_begin_with() -> None:
    assert opening.is_fit("Hello, this is Dickson.", "en", "ko")
    assert not opening.is_fit("야 이 개새끼야", "ko")
    assert not opening.is_fit("I will kill you.", "en")


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("안녕하세요. John Smith 님의 전화입니다.", True),
        ("안녕하세요, 존 스미스 님의 전화입니다!", True),
        ("안녕하세요. Jane Smith 님의 전화입니다.", False),
        ("안녕하세요. 님의 전화입니다.", False),
        ("안녕하세요. 존 스미스 님의 전화가 아닙니다.", False),
        ("무엇을 도와드릴까요?", False),
    ],
)
def test_a_name_may_be_spelled_as_the_voice_spells_it(
    spoken: str, expected: bool
) -> None:
    text = "안녕하세요. John Smith 님의 전화입니다."
    assert opening.is_said(text, spoken, "ko", "John Smith") is expected


def test_a_number_beside_a_name_has_to_be_right() -> None:
    text = "This is a call from 김민수. It is about room 12."
    right = "This is a call from Kim Min-su. It is about room 12."
    wrong = "This is a call from Kim Min-su. It is about room 20."
    assert opening.is_said(text, right, "en", "김민수")
    assert not opening.is_said(text, wrong, "en", "김민수")
    assert opening.is_said(text, text, "en", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_voicemail_hears_who_called(language: str) -> None:
    said = opening.message(language, introduce(language, "Kim Minsu"))
    assert said.startswith(introduce(language, "Kim Minsu"))
    assert len(said) > len(introduce(language, "Kim Minsu")) + 8
    assert opening.message(language, "") == ""


def test_no_message_is_left_in_words_we_do_not_have() -> None:
    assert opening.message("th", "Somchai") == ""

"""Whether what was spoken is what was written: fifty typed sentences, and some more."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from realtime.voice import numerals
from realtime.voice.verbatim import compare

PAIRS: Final[list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("typed.yaml").read_text(encoding="utf-8")
)
SENTENCES: Final = [
    (language, row["text"], row["spoken"], row["wrong"])
    for pair in PAIRS
    for language, row in pair.items()
]


def test_fifty_typed_sentences_pass_as_they_are_spoken_and_not_otherwise() -> None:
    right = [(la, text, s) for la, text, spoken, _ in SENTENCES for s in spoken]
    wrong = [(la, text, s) for la, text, _, others in SENTENCES for s in others]
    rejected = [row for row in right if not compare(row[1], row[2], row[0]).is_same]
    accepted = [row for row in wrong if compare(row[1], row[2], row[0]).is_same]
    print(
        f"{len(SENTENCES)} sentences: {len(rejected)} of {len(right)} right readings"
        f" rejected, {len(accepted)} of {len(wrong)} wrong ones accepted"
    )
    assert len(SENTENCES) == 50
    assert accepted == []
    assert rejected == []


@pytest.mark.slow
def test_no_sentence_passes_for_another() -> None:
    for language, text, *_ in SENTENCES:
        for other, different, *_ in SENTENCES:
            if other == language and different != text:
                assert not compare(text, different, language).is_same


@pytest.mark.parametrize("cut", ["first", "last", "longest"])
def test_a_sentence_that_lacks_a_word_does_not_pass(cut: str) -> None:
    for language, text, *_ in SENTENCES:
        words = text.split()
        at = {"first": 0, "last": -1}.get(cut, words.index(max(words, key=len)))
        del words[at]
        assert not compare(text, " ".join(words), language).is_same


def test_a_digit_that_is_changed_does_not_pass() -> None:
    n_changed = 0
    for language, text, *_ in SENTENCES:
        for i, letter in enumerate(text):
            if letter.isdigit():
                changed = text[:i] + str((int(letter) + 1) % 10) + text[i + 1 :]
                assert not compare(text, changed, language).is_same, changed
                n_changed += 1
    assert n_changed > 150


@pytest.mark.parametrize(
    ("text", "spoken", "language"),
    [
        (
            "今夜7時半に4名で予約したいです。",
            "今夜七時三十分に四名で予約したいです",
            "ja",
        ),
        ("料金は12,500円です。", "料金は一万二千五百円です。", "ja"),
        ("二人です。", "ふたりです。", "ja"),
        ("ﾎﾃﾙの電話は03-1234-5678です。", "ホテルの電話は03 1234 5678です。", "ja"),
        ("我想订晚上7:30的位子，2个人。", "我想订晚上七点半的位子两个人", "zh"),
        ("价格是¥1203。", "价格是一千二百零三块。", "zh"),
        ("可以打20%的折吗？", "可以打百分之二十的折吗", "zh"),
        ("11月21日见。", "十一月二十一号见。", "zh"),
        ("Llegamos a las 7.", "llegamos a las 7", "es"),
        ("Ｈｅｌｌｏ　１２３", "Hello 123", "en"),
        ("It’s OK 😊", "It is okay", "en"),
        ("Call 1588-1234.", "Call one five eight eight, one two three four.", "en"),
        ("1588-1234로 전화하세요.", "천오백팔십팔에 일이삼사로 전화하세요.", "ko"),
        ("오후 2~4시", "오후 이에서 사시", "ko"),
        ("스무 살이에요.", "20살이에요.", "ko"),
        ("네, 3시에 가요.", "네 세 시에 가요", "ko"),
        ("20일에 봐요.", "이십일에 봐요.", "ko"),
        ("내일 10시 10분", "내일 열 시 십 분", "ko"),
        ("1억 2천만 원", "일억이천만원", "ko"),
        ("2026-11-21에 만나요.", "이천이십육년 십일월 이십일일에 만나요.", "ko"),
        ("The 2nd floor", "The second floor", "en"),
        ("One moment, please.", "1 moment please", "en"),
        ("Nov. 3 at 10:00", "November third at ten o'clock", "en"),
        ("Let's meet on Mon. at 9am", "let us meet on Monday at nine a.m.", "en"),
        ("한글", "한글", "ko"),  # syllables written in parts
    ],
)
def test_ways_to_say_the_same(text: str, spoken: str, language: str) -> None:
    assert compare(text, spoken, language).is_same
    assert compare(spoken, text, language).is_same


@pytest.mark.parametrize(
    ("text", "spoken", "language"),
    [
        ("안 갑니다.", "갑니다.", "ko"),
        ("34호", "삼십오호", "ko"),
        ("3, 4명", "삼십사 명", "ko"),
        ("20원", "이십일 원", "ko"),
        ("11월 21일", "십일월 이십이일", "ko"),
        ("七時半です", "七時です", "ja"),
        ("两个人", "三个人", "zh"),
        ("第3层", "第三十层", "zh"),
        ("3rd floor", "three floor", "en"),
        ("1, 20", "one hundred twenty", "en"),
        ("Do not wait.", "Do wait.", "en"),
        ("A7", "A70", "en"),
        ("Sí, a las 7.", "Sí, a las 8.", "es"),
        ("", "", "en"),
        ("Hello", "", "en"),
    ],
)
def test_ways_to_say_something_else(text: str, spoken: str, language: str) -> None:
    assert not compare(text, spoken, language).is_same


def test_it_says_where_the_difference_is() -> None:
    text = "Come at 7:30, not later."
    found = compare(text, "Come at seven twenty, not later.", "en")
    assert [text[a:b] for a, b in found.differences] == ["7:30"]
    assert 0.8 < found.similarity < 1
    added = compare("네 알겠습니다", "네 잘 알겠습니다", "ko")
    assert added.differences == ((1, 1),)
    missing = compare("do not go", "do go", "en")
    assert "not" in "do not go"[slice(*missing.differences[0])]


def test_similarity_is_one_for_the_same_and_small_for_something_else() -> None:
    assert compare("Yes.", "yes", "en").similarity == 1
    assert (
        compare("One moment, please.", "Sure! What do you need?", "en").similarity < 0.5
    )


@given(st.integers(0, 10**12 - 1), st.sampled_from(["ko", "ja", "zh", "en"]))
def test_a_number_is_found_in_each_of_its_readings(value: int, language: str) -> None:
    (written,) = numerals.find(str(value), language)
    for reading in numerals.readings(written, language):
        found = numerals.find(reading, language)
        assert numerals.say_the_same([written], found, language), reading


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["ko", "ja", "zh", "en"]),
)
def test_numbers_that_differ_are_told_apart(a: int, b: int, language: str) -> None:
    (first,), (second,) = (numerals.find(str(n), language) for n in (a, b))
    assert numerals.say_the_same([first], [second], language) == (a == b)


@given(st.text(max_size=60), st.sampled_from(["ko", "en", "ja", "zh", "fr"]))
def test_any_text_can_be_compared_with_itself(text: str, language: str) -> None:
    found = compare(text, text, language)
    assert found.differences == ()
    assert found.similarity == 1

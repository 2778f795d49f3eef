"""Names and terms survive a translation, however they are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.guards import names
from realtime.guards.names import Term, compare, find, romanise, terms_of

SAME = [
    ("김민수", "Kim Minsu"),
    ("김민수", "Minsu Kim"),
    ("김민수", "Minsoo Kim"),
    ("김민수", "Kim Min-soo"),
    ("김민수", "Kim Min Su"),
    ("김민수", "KIM MINSU"),
    ("이지은", "Lee Ji-eun"),
    ("이지은", "Jieun Yi"),
    ("박성훈", "Park Sung-hoon"),
    ("박성훈", "Seonghun Bak"),
    ("최영희", "Choi Young-hee"),
    ("정현우", "Jung Hyun-woo"),
    ("정현우", "Jeong Hyeonu"),
    ("강하은", "Kang Haeun"),
    ("강하은", "Ha-eun Kang"),
    ("조경석", "Cho Kyung-suk"),
    ("윤서준", "Yoon Seo-jun"),
    ("임철수", "Lim Chul-soo"),
    ("오재민", "Oh Jae-min"),
    ("서민서", "Suh Minseo"),
    ("백승현", "Paik Seunghyun"),
    ("남궁민", "Namgung Min"),
    ("허준호", "Hur Junho"),
    ("마이클", "Michael"),
    ("제임스", "James"),
    ("데이비드", "David"),
    ("토마스", "Thomas"),
    ("피터", "Peter"),
    ("크리스토퍼", "Christopher"),
]

OTHER = [
    ("김민수", "Kim Minji"),
    ("김민수", "Kim Minho"),
    ("김민수", "Park Minsu"),
    ("김민수", "Kim"),
    ("김민서", "Kim Minsu"),
    ("이지은", "Lee Jihun"),
    ("박성훈", "Park Seongmin"),
    ("최영희", "Choi Younghwan"),
    ("정현우", "Jung Hyunji"),
    ("오재민", "Oh Jaehun"),
    ("마이클", "Matthew"),
    ("제임스", "Jonas"),
    ("데이비드", "Daniel"),
]


@pytest.mark.parametrize(("korean", "latin"), SAME)
def test_one_name_in_two_scripts_agrees(korean: str, latin: str) -> None:
    name = (Term(korean, is_name=True),)
    korean_text, latin_text = f"저는 {korean}입니다.", f"Hello, I am {latin}, nice day."
    assert compare(korean_text, "ko", latin_text, "en", name) == []
    assert compare(latin_text, "en", korean_text, "ko", name) == []
    name = (Term(latin, is_name=True),)
    assert compare(korean_text, "ko", latin_text, "en", name) == []
    assert compare(latin_text, "en", korean_text, "ko", name) == []
    assert find(latin, korean_text, is_name=True)
    assert find(korean, latin_text, is_name=True)


@pytest.mark.parametrize(("korean", "latin"), OTHER)
def test_another_name_is_a_mismatch(korean: str, latin: str) -> None:
    name = (Term(korean, is_name=True),)
    [mismatch] = compare(
        f"저는 {korean}입니다.", "ko", f"Hello, I am {latin}.", "en", name
    )
    assert mismatch.kind == "name"
    assert mismatch.source_span == (3, 3 + len(korean))


def test_the_mismatch_says_what_stands_there_instead() -> None:
    source, target = "예약자는 김민수입니다.", "The booking is for Kim Minji."
    [mismatch] = compare(source, "ko", target, "en", (Term("김민수", is_name=True),))
    assert (mismatch.expected, mismatch.found) == ("Kim Minsu", "Kim Minji")
    assert target[slice(*mismatch.target_span or ())] == "Kim Minji"
    source, target = "My name is Kim Minsu.", "제 이름은 김민지입니다."
    [mismatch] = compare(source, "en", target, "ko", (Term("Kim Minsu", is_name=True),))
    assert mismatch.found == "김민지"


def test_a_name_that_is_left_out_has_no_span_in_the_translation() -> None:
    name = (Term("김민수", is_name=True),)
    [mismatch] = compare("김민수입니다.", "ko", "It is me.", "en", name)
    assert (mismatch.target_span, mismatch.expected) == (None, "Kim Minsu")


def test_a_name_that_was_not_said_need_not_be_there() -> None:
    assert compare("네.", "ko", "Yes.", "en", (Term("김민수", is_name=True),)) == []


def test_the_glossary_decides_how_a_term_is_translated() -> None:
    terms = (Term("외국인등록증", "alien registration card"),)
    source = "외국인 등록증을 가져오세요."
    assert (
        compare(source, "ko", "Bring your alien registration card.", "en", terms) == []
    )
    assert compare(source, "ko", "Bring your ID.", "en", terms)[0].expected == (
        "alien registration card"
    )
    assert compare(
        "I lost my Alien Registration Cards.", "en", "신분증을 잃었어요.", "ko", terms
    )
    assert not compare(
        "I lost my alien registration card.",
        "en",
        "외국인등록증을 잃었어요.",
        "ko",
        terms,
    )


def test_a_term_is_found_as_a_word() -> None:
    assert find("ram", "The program runs.") is None
    assert find("등록증", "외국인등록증") is None
    assert find("RAM", "more ram, please") == (5, 8)


def test_what_cannot_be_compared_is_not_judged() -> None:
    name = (Term("김민수", is_name=True),)
    assert compare("김민수입니다.", "ko", "キム・ミンスです。", "ja", name) == []
    word = (Term("알레르기"),)
    assert compare("알레르기가 있어요.", "ko", "I have an allergy.", "en", word) == []


def test_a_brief_says_which_names_matter() -> None:
    brief = {
        "glossary": [
            {"term": "김민수"},
            {"term": "전세", "translation": "jeonse"},
            {"term": " "},
        ],
        "may_tell": [
            {"name": "예약자 성함", "value": "Park Jimin"},
            {"name": "phone", "value": "010-1234-5678"},
            {"name": "last name", "value": "K2"},
            {"name": "diet", "value": "vegetarian"},
        ],
    }
    assert terms_of(brief) == (
        Term("김민수", is_name=True),
        Term("전세", "jeonse"),
        Term("Park Jimin", is_name=True),
    )
    assert terms_of({}) == ()


def test_hangul_is_romanised_as_the_standard_says() -> None:
    assert romanise("김민수") == "gimminsu"
    assert romanise("서울 강남구") == "seoul gangnamgu"
    assert romanise("독립 ABC") == "dokrip ABC"  # syllable by syllable, as in names


def test_a_name_is_found_among_two_hundred_terms() -> None:
    people = [
        Term(f"{surname}{first}{second}", is_name=True)
        for surname in "김이박최정"
        for first in "민지현하성"
        for second in "우호"
    ]
    words = [Term(f"용어 {n}번", f"term number {n}") for n in range(150)]
    terms = (*people, *words, Term("김민수", is_name=True))
    korean = "네, 11월 21일 토요일 저녁 일곱 시에 네 명, 김민수로 예약하겠습니다."
    english = "Yes, I will book for four people at 7 PM on Saturday, for Kim Minsu."
    n_patterns = names._pattern.cache_info().misses
    assert compare(korean, "ko", english, "en", terms) == []
    assert compare(english, "en", korean, "ko", terms) == []
    [missing] = compare(korean, "ko", english.replace("Kim Minsu", "her"), "en", terms)
    assert missing.expected == "Kim Minsu"
    # Not one for each term: a first sentence would hold everybody's sound up.
    assert names._pattern.cache_info().misses <= n_patterns + 4


@given(
    st.sampled_from(["Kim Min-soo", "전세 계약", "term number 7", "café", "김 민수"]),
    st.text(alphabet="kim -ns\n전세계약김민수tern7ébé'’", max_size=30),
    st.booleans(),
)
def test_what_a_pattern_finds_is_found(form: str, around: str, is_inside: bool) -> None:
    half = len(around) // 2
    text = f"{around[:half]} {form} {around[half:]}" if is_inside else around
    match = names._pattern(form).search(text)
    assert find(form, text) == (match.span() if match else None)

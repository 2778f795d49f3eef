"""Numbers in two languages: what is found, what agrees, and where a digit differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.guards.numbers import Kind, compare, extract, uncertain_spans

FOUND = [
    ("ko", "스물두 명이요.", "22 person"),
    ("ko", "이십이 명", "22 person"),
    ("ko", "내일 두 시 반에 갈게요.", "02:30?"),
    ("ko", "오후 3시 15분", "15:15"),
    ("ko", "15시에 봬요", "15:00"),
    ("ko", "밤 열두 시", "00:00"),
    ("ko", "낮 열두 시", "12:00"),
    ("ko", "정오", "12:00"),
    ("ko", "십만 원입니다", "100000 won"),
    ("ko", "만 오천 원", "15000 won"),
    ("ko", "3만 5천원", "35000 won"),
    ("ko", "1억 2천만 원", "120000000 won"),
    ("ko", "3달러 50센트", "3.5 dollar"),
    ("ko", "공일공 일이삼사 오육칠팔", "01012345678"),
    ("ko", "공일공에 일이삼사에 오육칠팔이요", "01012345678"),
    ("ko", "010-1234-5678이에요", "01012345678"),
    ("ko", "이천이십육 년 십일월 이십일일", "2026-11-21"),
    ("ko", "3월 5일 토요일", "--03-05 Sat"),
    ("ko", "이백삼 호실", "203 room"),
    ("ko", "B-204호", "B204"),
    ("ko", "에이비 일이삼사", "AB1234"),
    ("ko", "세 번째", "#3"),
    ("ko", "한 시간 반", "1.5 hour"),
    ("ko", "1시간 30분", "90 minute"),
    ("ko", "세 분", "3 person"),
    ("ko", "이십 퍼센트", "20 percent"),
    ("ko", "스무 살", "20 year"),
    ("ko", "사층", "4 floor"),
    ("ko", "이박 삼일", "2 night ---03"),
    ("ko", "이틀", "2 day"),
    ("ko", "백이십삼", "123"),
    ("ko", "스물둘이요", "22"),
    ("ko", "천만에요", ""),
    ("ko", "이번 선거와 이 번호", ""),
    ("ko", "이번에는 네 번호를 알려 주세요", ""),
    ("ko", "사장님이 이사하신 집이에요", ""),
    ("ko", "열이 나고 쉰 목소리가 나요", ""),
    ("ko", "네, 구두는 칠판 옆에 있어요", ""),
    ("ko", "둘 다 좋아요", ""),
    ("ko", "일석이조네요", ""),
    ("ko", "다시 시작할까요?", ""),
    ("ko", "만약 오시면 사인해 주세요", ""),
    ("ko", "조건과 조회", ""),
    ("ko", "천천히 말씀해 주세요", ""),
    ("ko", "내일 뵐게요", ""),
    ("ko", "수백만 명이 봤어요", ""),
    ("en", "twenty-two people", "22 person"),
    ("en", "half past two", "02:30?"),
    ("en", "a quarter to three", "02:45?"),
    ("en", "twenty past six", "06:20?"),
    ("en", "ten to five in the afternoon", "16:50"),
    ("en", "at 2:30 pm", "14:30"),
    ("en", "twelve thirty", "12:30?"),
    ("en", "seven in the evening", "19:00"),
    ("en", "3 o'clock", "03:00?"),
    ("en", "noon", "12:00"),
    ("en", "midnight", "00:00"),
    ("en", "one hundred thousand won", "100000 won"),
    ("en", "a hundred and five dollars", "105 dollar"),
    ("en", "3.5 million won", "3500000 won"),
    ("en", "two thousand and five", "2005"),
    ("en", "$20.50", "20.5 dollar"),
    ("en", "twenty dollars and fifty cents", "20.5 dollar"),
    ("en", "zero one zero, one two three four, five six seven eight", "01012345678"),
    ("en", "oh one oh double one two three four five six", "0101123456"),
    ("en", "+82 10-1234-5678", "821012345678"),
    ("en", "November 21st, 2026", "2026-11-21"),
    ("en", "the third of May", "--05-03"),
    ("en", "2026-11-21", "2026-11-21"),
    ("en", "Saturday, March 5", "Sat --03-05"),
    ("en", "room two oh three", "203"),
    ("en", "twenty twenty-six", "2026"),
    ("en", "flight KE123", "KE123"),
    ("en", "A B one two three four", "AB1234"),
    ("en", "an hour and a half", "1.5 hour"),
    ("en", "half an hour", "30 minute"),
    ("en", "two and a half hours", "2.5 hour"),
    ("en", "the third floor", "3 floor"),
    ("en", "twenty-first", "#21"),
    ("en", "two million three hundred thousand", "2300000"),
    ("en", "three point five percent", "3.5 percent"),
    ("en", "one moment, please", ""),
    ("en", "No one told me which one.", ""),
    ("en", "May I ask you something?", ""),
    ("en", "kill two birds with one stone", ""),
    ("en", "First of all, thanks a million.", ""),
    ("en", "We march on.", ""),
    ("ja", "二十二人です", "22 person"),
    ("ja", "午後三時半", "15:30"),
    ("ja", "11月21日土曜日", "--11-21 Sat"),
    ("ja", "3万5千円", "35000 yen"),
    ("ja", "一緒に行きます", ""),
    ("zh", "二十二个人", "22 person"),
    ("zh", "下午三点半", "15:30"),
    ("zh", "两点一刻", "02:15?"),
    ("zh", "差十分三点", "02:50?"),
    ("zh", "11月21号星期六", "--11-21 Sat"),
    ("zh", "百分之二十", "20 percent"),
    ("zh", "三千五", "3500"),
    ("zh", "我一点也不知道", ""),
    ("es", "las dos y media de la tarde", "14:30"),
    ("es", "veintidós personas", "22 person"),
    ("es", "100.000 wones", "100000 won"),
    ("es", "el 21 de noviembre", "--11-21"),
    ("es", "dos mil quinientos euros", "2500 euro"),
    ("es", "3 millones de wones", "3000000"),
    ("fr", "deux mille trois cents euros", "2300 euro"),
    ("vi", "hai triệu đồng", "2000000 dong"),
    ("vi", "100 nghìn đồng", "100000 dong"),
    ("de", "2 Millionen Won", "2000000 won"),
    ("fr", "à quinze heures trente", "15:30"),
    ("fr", "quatre-vingt-dix minutes", "90 minute"),
    ("de", "halb drei", "02:30?"),
    ("de", "zweiundzwanzig Personen", "22 person"),
    ("de", "um 15 Uhr 30", "15:30"),
    ("vi", "hai mươi hai người", "22 person"),
    ("vi", "3 giờ chiều", "15:00"),
    ("vi", "ngày 21 tháng 11", "--11-21"),
]

AGREE = [
    ("ko", "오후 3시에 두 명이요.", "en", "Two people at 3 PM."),
    ("ko", "15시에 봬요.", "en", "See you at three."),
    ("ko", "십만 원입니다.", "en", "It is 100,000 won."),
    ("ko", "십만 원입니다.", "en", "It is one hundred thousand won."),
    ("ko", "한 명이요.", "en", "Just me."),
    ("ko", "한 시간 기다리세요.", "en", "Please wait an hour."),
    ("ko", "한 시간 반 걸려요.", "en", "It takes ninety minutes."),
    ("ko", "이틀 뒤에 올게요.", "en", "I will come in two days."),
    ("ko", "일주일 뒤에요.", "en", "In seven days."),
    ("ko", "두세 명이에요.", "en", "Two or three people."),
    ("ko", "세 시 십오 분이요.", "en", "A quarter past three."),
    ("ko", "두 시 오십 분에 끝나요.", "en", "It ends at ten to three."),
    ("ko", "두 시 반이요.", "en", "At half past two."),
    ("ko", "두 시 반이요.", "en", "Two thirty."),
    ("ko", "제 번호는 공일공 일이삼사 오육칠팔입니다.", "en",
     "My number is 010-1234-5678."),
    ("ko", "010-1234-5678이요", "en", "It's +82 10 1234 5678."),
    ("ko", "방 번호는 이공삼이에요.", "en", "The room number is two oh three."),
    ("ko", "이백삼 호입니다.", "en", "Room 203."),
    ("ko", "삼 층이에요.", "en", "It is on the third floor."),
    ("ko", "십일월 이십일일 토요일", "en", "Saturday, November 21st"),
    ("ko", "이십일일에 봬요.", "en", "See you on the 21st."),
    ("ko", "30분 기다려 주세요.", "en", "Please wait half an hour."),
    ("ko", "30분이 오십니다.", "en", "Thirty people are coming."),
    ("ko", "두 번째 골목이요.", "en", "The second alley."),
    ("ko", "한 번 더 말씀해 주세요.", "en", "Please say that again."),
    ("ko", "둘 다 좋아요.", "en", "Both are fine."),
    ("ko", "이만 끊겠습니다.", "en", "I will hang up now."),
    ("ko", "정오에 만나요.", "en", "Let's meet at 12 PM."),
    ("ko", "두 시요, 두 시.", "en", "At two."),
    ("ko", "예약 번호는 A-1234입니다.", "en", "The booking number is A 1234."),
    ("ko", "에이비 일이삼사요.", "en", "A B one two three four."),
    ("ko", "이십 프로 할인됩니다.", "en", "You get 20% off."),
    ("en", "One moment, please.", "ko", "잠시만요."),
    ("en", "Is there a table for four at seven?", "ko", "일곱 시에 네 명 자리 있나요?"),
    ("en", "A table for one.", "ko", "한 명 자리요."),
    ("en", "I have two questions.", "ko", "질문이 두 가지 있습니다."),
    ("en", "This kills two birds with one stone.", "ko", "일석이조네요."),
    ("en", "I am twenty-two years old.", "ko", "저는 스물두 살이에요."),
    ("en", "It costs thirty-five thousand won.", "ko", "3만 5천 원입니다."),
    ("en", "I was born in nineteen ninety.", "ko", "저는 1990년에 태어났어요."),
    ("en", "Two nights for two people.", "ko", "두 명, 2박이요."),
    ("en", "No, thank you.", "ko", "아니요, 괜찮습니다."),
    ("ja", "午後三時に二人です。", "ko", "오후 3시에 두 명입니다."),
    ("zh", "下午三点,两个人。", "en", "Two people at 3 PM."),
    ("zh", "打八折。", "en", "It is twenty percent off."),
    ("es", "Somos veintidós personas.", "ko", "저희는 스물두 명이에요."),
    ("de", "Um halb drei.", "en", "At half past two."),
    ("fr", "À quinze heures.", "ko", "오후 세 시에요."),
    ("vi", "Hai người lúc 3 giờ chiều.", "ko", "오후 세 시에 두 명이요."),
    ("hi", "दो लोग", "en", "Two people."),
    ("ko", "안녕하세요.", "en", "Hello."),
    ("ko", "두 시에서 네 시 사이에 오세요.", "en", "Please come between 2 and 4."),
    ("ko", "2~3일 걸립니다.", "en", "It takes two to three days."),
    ("ko", "열 시부터 다섯 시까지 합니다.", "en", "We're open from ten to five."),
    ("ko", "한 십오 분이면 돼요.", "en", "About fifteen minutes."),
    ("ko", "1층 말고 이층으로 오세요.", "en", "The second floor, not the first floor."),
    ("ko", "오백 원짜리 두 개요.", "en", "Two five-hundred-won coins."),
    ("ko", "비밀번호는 샵 일이삼사 별표예요.", "en", "The code is pound 1234 star."),
    ("ko", "1588-1234로 전화 주세요.", "en", "Please call 1588-1234."),
    ("ko", "만 나이로 스물다섯이에요.", "en", "I'm twenty-five in international age."),
    ("ko", "분실물은 이 번을 눌러 주세요.", "en", "For lost property press two."),
    ("ko", "지하철역 이번 출구예요.", "en", "Exit two of the subway station."),
    ("ko", "토요일부터 이틀 밤이요.", "en", "Two nights from Saturday."),
    ("en", "My zip code is nine oh two one oh.", "ko", "우편번호는 90210입니다."),
    ("en", "Flight OZ 102 at six forty-five a.m.", "ko", "오전 6시 45분 OZ102편이요."),
    ("en", "That'll be four fifty.", "ko", "4달러 50센트입니다."),
    ("en", "It is eighty-nine ninety-nine.", "ko", "총 89.99달러입니다."),
    ("en", "We close at half nine.", "ko", "아홉 시 반에 닫아요."),
    ("en", "Press 1 for Korean.", "ko", "한국어는 1번을 누르세요."),
    ("en", "A dozen eggs, please.", "ko", "계란 열두 개 주세요."),
    ("en", "Twenty four hours a day.", "ko", "하루 24시간이요."),
    ("ja", "火曜日の10時半でお願いします。", "ko", "화요일 열 시 반으로 부탁드려요."),
    ("zh", "我想预订今晚七点四个人的位子。", "en", "A table for four at seven tonight."),
    ("zh", "我要订三间房,住两晚。", "ko", "방 세 개, 2박 예약하고 싶어요."),
    ("fr", "Le 3 mars à 14h30.", "en", "On March 3 at 2:30 p.m."),
    ("de", "Am dritten März um Viertel nach zwei.", "en",
     "On March third at a quarter past two."),
    ("vi", "Bốn người lúc bảy giờ tối.", "ko", "저녁 일곱 시에 네 명이요."),
]  # fmt: skip

DIFFER = [
    ("ko", "오후 3시에 두 명이요.", "en", "Two people at 4 PM.", "15:00", "16:00"),
    ("ko", "오후 3시요.", "en", "At 3 AM.", "15:00", "03:00"),
    ("ko", "두 명이요.", "en", "Three people.", "2 person", "3 person"),
    ("ko", "한 명이요.", "en", "Two people.", "1 person", "2 person"),
    ("ko", "십만 원입니다.", "en", "It is 10,000 won.", "100000 won", "10000 won"),
    ("ko", "만 원이에요.", "en", "It is ten dollars.", "10000 won", "10 dollar"),
    ("ko", "두 시 반이요.", "en", "At two.", "02:30?", "2"),
    ("ko", "공일공 일이삼사 오육칠팔", "en", "010-1234-5679",
     "01012345678", "01012345679"),
    ("ko", "십일월 이십일일이요.", "en", "On November 22nd.", "--11-21", "--11-22"),
    ("ko", "이십일일에 봬요.", "en", "See you on the 22nd.", "---21", "#22"),
    ("ko", "화요일에 오세요.", "en", "Come on Thursday.", "Tue", "Thu"),
    ("ko", "이백삼 호입니다.", "en", "Room 230.", "203 room", "230"),
    ("ko", "A-1234입니다.", "en", "It is B-1234.", "A1234", "B1234"),
    ("ko", "스물두 살이요.", "en", "I am 32 years old.", "22 year", "32 year"),
    ("ko", "세 시간 걸려요.", "en", "It takes three minutes.", "3 hour", "3 minute"),
    ("ko", "예약은 네 명입니다.", "en", "The booking is fine.", "4 person", None),
    ("ko", "네, 좋아요.", "en", "Yes, 4 people.", None, "4 person"),
    ("en", "Two people at three.", "ko", "세 명, 두 시요.", "2 person", "02:00?"),
    ("en", "Half past two.", "ko", "세 시 반이요.", "02:30?", "03:30?"),
    ("en", "Fifteen minutes.", "ko", "50분이요.", "15 minute", "50 minute"),
    ("en", "It is $13.", "ko", "30달러입니다.", "13 dollar", "30 dollar"),
    ("en", "The third of May.", "ko", "5월 4일이요.", "--05-03", "--05-04"),
    ("ja", "午後三時です。", "en", "It is at two in the afternoon.", "15:00", "14:00"),
    ("zh", "三千五百块。", "en", "Three hundred and fifty yuan.", "3500 yuan", "350 yuan"),
    ("hi", "3 लोग", "en", "4 people.", "3", "4 person"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "values"), FOUND)
def test_quantities_are_found(language: str, text: str, values: str) -> None:
    found = [q.value for q in extract(text, language)]
    assert [v for v in " ".join(found).split() if v] == values.split()


@pytest.mark.parametrize(("language", "text", "other_language", "other"), AGREE)
def test_what_languages_say_differently_agrees(
    language: str, text: str, other_language: str, other: str
) -> None:
    assert compare(text, language, other, other_language) == []
    assert compare(other, other_language, text, language) == []


@pytest.mark.parametrize(
    ("language", "text", "other_language", "other", "expected", "found"), DIFFER
)
def test_a_digit_that_differs_is_found(
    language: str,
    text: str,
    other_language: str,
    other: str,
    expected: str | None,
    found: str | None,
) -> None:
    mismatches = compare(text, language, other, other_language)
    assert (expected, found) in [(m.expected, m.found) for m in mismatches]
    assert compare(other, other_language, text, language)


def test_a_span_is_where_the_words_are() -> None:
    text = "방은 이백삼 호, 내일 두 시 반이요."
    assert [text[slice(*q.span)] for q in extract(text, "ko")] == [
        "이백삼 호",
        "두 시 반",
    ]
    source, target = "오후 세 시요.", "It is at four in the afternoon."
    [mismatch] = compare(source, "ko", target, "en")
    assert mismatch.kind is Kind.TIME
    assert mismatch.source_span == (0, 6)
    assert target[slice(*mismatch.target_span or ())] == "four in the afternoon"


def test_what_is_missing_makes_the_whole_translation_uncertain() -> None:
    source, target = "네 명이고 두 시예요.", "It is at three."
    mismatches = compare(source, "ko", target, "en")
    assert uncertain_spans(mismatches, target) == [[0, len(target)]]
    assert uncertain_spans([], target) == []
    both = compare("2명, 3시", "ko", "3 people at 4 o'clock", "en")
    assert uncertain_spans(both, "3 people at 4 o'clock") == [[0, 8], [12, 21]]


def test_a_sentence_full_of_numbers_agrees() -> None:
    source = "네, 11월 21일 토요일 저녁 일곱 시에 네 명, 김민수, 공일공 일이삼사 오육칠팔입니다."
    target = "Yes, four people at 7 PM on Saturday, November 21st, 010-1234-5678."
    assert compare(source, "ko", target, "en") == []


# --- Every number, not only those that somebody thought of ---------------------------

_SINO = ["", *"일이삼사오육칠팔구"]
_NATIVE_ONES = ["", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉"]
_NATIVE_TENS = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
_EN_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen"
    " fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_EN_TENS = ["", "", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]


def spell_sino(n: int) -> str:
    """Spell a number below a hundred million."""
    if n >= 10_000:
        high = "" if n // 10_000 == 1 else spell_sino(n // 10_000)
        return f"{high}만{spell_sino(n % 10_000)}"
    text = ""
    for place, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit = n // place % 10
        if digit:
            text += ("" if digit == 1 and name else _SINO[digit]) + name
    return text


def spell_native(n: int) -> str:
    if n == 20:
        return "스무"
    return _NATIVE_TENS[n // 10] + _NATIVE_ONES[n % 10]


def spell_english(n: int) -> str:
    for scale, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= scale:
            rest = f" {spell_english(n % scale)}" if n % scale else ""
            return f"{spell_english(n // scale)} {name}{rest}"
    if n < 20:
        return _EN_ONES[n]
    return _EN_TENS[n // 10] + (f"-{_EN_ONES[n % 10]}" if n % 10 else "")


def values(text: str, language: str) -> list[str]:
    return [q.value for q in extract(text, language)]


@given(st.integers(10, 99_999_999))
def test_every_price_is_read_as_it_is_spelled(won: int) -> None:
    assert values(f"{spell_sino(won)} 원이에요.", "ko") == [f"{won} won"]
    assert values(f"It is {spell_english(won)} won.", "en") == [f"{won} won"]
    assert values(f"It is {won:,} won.", "en") == [f"{won} won"]
    assert values(f"₩{won:,}", "ko") == [f"{won} won"]


@pytest.mark.parametrize("n", range(1, 100))
def test_every_number_of_people_is_read_as_it_is_spelled(n: int) -> None:
    assert values(f"{spell_native(n)} 명이요.", "ko") == [f"{n} person"]
    if n > 1:
        assert values(f"{spell_english(n)} people", "en") == [f"{n} person"]


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_time_agrees_however_it_is_written(hour: int, minute: int) -> None:
    half, hour_12 = ("오후", "PM") if hour >= 12 else ("오전", "AM"), hour % 12 or 12
    spoken = f"{half[0]} {spell_native(hour_12)} 시" + (
        f" {spell_sino(minute)} 분" if minute else ""
    )
    for other, language in (
        (f"{hour}:{minute:02}", "en"),
        (f"at {hour_12}:{minute:02} {half[1]}", "en"),
        (f"{hour}:{minute:02}", "de"),
    ):
        assert compare(spoken, "ko", other, language) == []
    wrong = f"{(hour + 1) % 24}:{minute:02}"
    assert compare(spoken, "ko", wrong, "en")


@given(st.from_regex(r"\A01[016]-[0-9]{4}-[0-9]{4}\Z"))
def test_every_telephone_number_is_read_digit_by_digit(phone: str) -> None:
    korean = " ".join(
        "".join("공일이삼사오육칠팔구"[int(d)] for d in group)
        for group in phone.split("-")
    )
    english = ", ".join(
        " ".join(_EN_ONES[int(d)] for d in group) for group in phone.split("-")
    )
    digits = phone.replace("-", "")
    assert values(f"{korean}입니다.", "ko") == [digits]
    assert values(f"It is {english}.", "en") == [digits]
    other = phone[:-1] + str((int(phone[-1]) + 1) % 10)
    assert compare(korean, "ko", other, "en")


@given(
    st.text(
        alphabet="일이삼사오육칠팔구십백천만억공영한두세네열시분원명월일반 0123456789:-./,전오후",
        max_size=40,
    )
    | st.text(max_size=60),
    st.sampled_from(["ko", "en", "ja", "zh", "es", "fr", "de", "vi", "hi"]),
)
def test_any_text_is_read_without_failing(text: str, language: str) -> None:
    for quantity in extract(text, language):
        start, end = quantity.span
        assert 0 <= start < end <= len(text)
    assert compare(text, language, text, language) == []

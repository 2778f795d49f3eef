"""Days and times as people write them, in Korean and in English."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from chat.dates import find_dates, find_times, say_date, say_time

SEOUL = ZoneInfo("Asia/Seoul")
SATURDAY = datetime(2026, 11, 21, 10, 0, tzinfo=SEOUL)
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SEOUL)
FRIDAY = datetime(2026, 11, 27, 10, 0, tzinfo=SEOUL)


def days(text: str, now: datetime = SATURDAY) -> list[list[str]]:
    return [[f"{d:%m-%d}" for d in one.options] for one in find_dates(text, now)]


def times(text: str, *, is_asked: bool = False) -> list[list[str]]:
    found = find_times(text, is_asked=is_asked)
    return [[f"{t:%H:%M}" for t in one.options] for one in found]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("오늘 갈게요", "11-21"),
        ("오늘밤에요", "11-21"),
        ("내일 오후 3시", "11-22"),
        ("모레 저녁 7시 반", "11-23"),
        ("내일모레요", "11-23"),
        ("내일 모레 갈게요", "11-23"),
        ("글피", "11-24"),
        ("어제", "11-20"),
        ("사흘 뒤에", "11-24"),
        ("이틀 후", "11-23"),
        ("3일 뒤", "11-24"),
        ("삼 일 후에", "11-24"),
        ("일주일 뒤", "11-28"),
        ("2주 후에", "12-05"),
        ("두 주 뒤", "12-05"),
        ("한 달 뒤", "12-21"),
        ("보름 뒤", "12-06"),
        ("다음 주 금요일", "11-27"),
        ("다음주 금요일 저녁", "11-27"),
        ("담주 수요일", "11-25"),
        ("다음 주 금 7시", "11-27"),
        ("다다음 주 화요일", "12-01"),
        ("이번 주 일요일", "11-22"),
        ("금요일", "11-27"),
        ("이번 금요일", "11-27"),
        ("다음 금요일", "11-27"),
        ("돌아오는 목요일", "11-26"),
        ("11월 27일", "11-27"),
        ("11월27일 금요일", "11-27"),
        ("십일월 이십칠일", "11-27"),
        ("2026년 12월 3일", "12-03"),
        ("12월 3일 목요일 저녁", "12-03"),
        ("27일에 갈게요", "11-27"),
        ("3일이요", "12-03"),
        ("다음 달 3일", "12-03"),
        ("이번 달 30일", "11-30"),
        ("11/27", "11-27"),
        ("2026-11-27", "11-27"),
        ("2026.11.27", "11-27"),
        ("11.27 금요일", "11-27"),
        ("1월 5일", "01-05"),
        ("today", "11-21"),
        ("tonight at 8", "11-21"),
        ("this evening", "11-21"),
        ("tomorrow at noon", "11-22"),
        ("the day after tomorrow", "11-23"),
        ("in three days", "11-24"),
        ("in 2 weeks", "12-05"),
        ("in a week", "11-28"),
        ("two weeks from now", "12-05"),
        ("a week from tomorrow", "11-29"),
        ("a week from Friday", "12-04"),
        ("in a month", "12-21"),
        ("next Friday at 7pm", "11-27"),
        ("this Friday", "11-27"),
        ("on Friday", "11-27"),
        ("coming Thursday", "11-26"),
        ("Friday the 27th", "11-27"),
        ("Friday, November 27", "11-27"),
        ("Nov 27", "11-27"),
        ("November 27th", "11-27"),
        ("27 November", "11-27"),
        ("the 27th of November", "11-27"),
        ("the third of December", "12-03"),
        ("December 3rd, 2026", "12-03"),
        ("the 3rd", "12-03"),
        ("11/27/2026", "11-27"),
        ("January 5", "01-05"),
    ],
)
def test_a_day_is_found(text: str, day: str) -> None:
    assert days(text) == [[day]]


def test_a_day_that_passed_long_ago_is_next_year_s() -> None:
    assert [m.options for m in find_dates("1월 5일", SATURDAY)] == [(date(2027, 1, 5),)]
    # One that has just passed is a slip: it is shown as over, not moved by a year.
    assert [m.options for m in find_dates("Nov 19", SATURDAY)] == [
        (date(2026, 11, 19),)
    ]


@pytest.mark.parametrize(
    ("text", "now", "options"),
    [
        ("Friday", FRIDAY, ["11-27", "12-04"]),
        ("금요일에요", FRIDAY, ["11-27", "12-04"]),
        ("this Friday", FRIDAY, ["11-27"]),
        ("next Friday", FRIDAY, ["12-04"]),
        ("next Friday", MONDAY, ["11-27", "12-04"]),
        ("다음 금요일", MONDAY, ["11-27", "12-04"]),
        ("다음 주 금요일", MONDAY, ["12-04"]),
        ("돌아오는 금요일", FRIDAY, ["12-04"]),
        ("주말에", SATURDAY, ["11-21", "11-22"]),
        ("this weekend", MONDAY, ["11-28", "11-29"]),
        ("next weekend", MONDAY, ["12-05", "12-06"]),
        ("11/12", SATURDAY, ["11-12", "12-11"]),
        ("Monday, November 27", SATURDAY, ["11-23", "11-27"]),
    ],
)
def test_what_can_be_two_days_stays_two(
    text: str, now: datetime, options: list[str]
) -> None:
    assert days(text, now) == [options]


@pytest.mark.parametrize(
    "text",
    [
        "네 명이요",
        "3일간 묵어요",
        "I may come",
        "다음 주에 갈게요",
        "4 people please",
        "010-1234-5678",
        "02-555-0101",
        "마포구 양화로 100",
        "Satay for two",
    ],
)
def test_other_words_are_no_days(text: str) -> None:
    assert days(text) == []


def test_an_impossible_day_is_none() -> None:
    assert days("2월 30일") == [[]]
    assert days("February 30") == [[]]


def test_several_days_keep_their_order() -> None:
    assert days("12월 3일부터 12월 5일까지") == [["12-03"], ["12-05"]]
    assert days("from December 3 to December 5") == [["12-03"], ["12-05"]]
    assert days("내일 말고 모레") == [["11-22"], ["11-23"]]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("내일 오후 3시", "15:00"),
        ("오전 11시", "11:00"),
        ("저녁 7시 반", "19:30"),
        ("저녁에 7시", "19:00"),
        ("아침 아홉 시", "09:00"),
        ("점심 12시", "12:00"),
        ("12시", "12:00"),
        ("낮 1시", "13:00"),
        ("점심 11시 반", "11:30"),
        ("새벽 2시", "02:00"),
        ("밤 9시", "21:00"),
        ("밤 1시", "01:00"),
        ("15시", "15:00"),
        ("19:30", "19:30"),
        ("오후 7:30", "19:30"),
        ("07:30", "07:30"),
        ("오후 세 시 십오 분", "15:15"),
        ("오후 3시 15분", "15:15"),
        ("오후 4시 10분 전", "15:50"),
        ("정오에", "12:00"),
        ("자정", "00:00"),
        ("7pm", "19:00"),
        ("7 p.m.", "19:00"),
        ("7:30 PM", "19:30"),
        ("7.30pm", "19:30"),
        ("at 11 am", "11:00"),
        ("seven pm", "19:00"),
        ("seven thirty pm", "19:30"),
        ("tonight at 8", "20:00"),
        ("at seven in the evening", "19:00"),
        ("at 9 in the morning", "09:00"),
        ("tomorrow morning at 10", "10:00"),
        ("half past seven in the evening", "19:30"),
        ("a quarter to 8 pm", "19:45"),
        ("ten past 9 am", "09:10"),
        ("noon", "12:00"),
        ("at midnight", "00:00"),
        ("dinner at 7", "19:00"),
        ("14:00", "14:00"),
    ],
)
def test_a_time_is_found(text: str, at: str) -> None:
    assert times(text) == [[at]]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("3시", ["03:00", "15:00"]),
        ("일곱 시 반이요", ["07:30", "19:30"]),
        ("at 7", ["07:00", "19:00"]),
        ("7 o'clock", ["07:00", "19:00"]),
        ("half past seven", ["07:30", "19:30"]),
        ("7:30", ["07:30", "19:30"]),
        ("around seven thirty", ["07:30", "19:30"]),
    ],
)
def test_an_hour_without_its_half_of_the_day_can_be_two(
    text: str, options: list[str]
) -> None:
    assert times(text) == [options]


@pytest.mark.parametrize(
    "text",
    [
        "4명이요",
        "3시간 걸려요",
        "at 100 Yanghwa-ro",
        "for 4 people",
        "010-1234-5678",
        "about 4 people",
    ],
)
def test_other_numbers_are_no_times(text: str) -> None:
    assert times(text) == []


def test_a_number_alone_is_an_hour_only_where_it_answers() -> None:
    assert times("7") == []
    assert times("7", is_asked=True) == [["07:00", "19:00"]]
    assert times("seven", is_asked=True) == [["07:00", "19:00"]]


def test_the_words_and_their_place_are_told() -> None:
    text = "Could we come next Friday at 7pm?"
    [day], [at] = find_dates(text, SATURDAY), find_times(text)
    assert (day.text, text[slice(*day.span)]) == ("next Friday", "next Friday")
    assert (at.text, text[slice(*at.span)]) == ("7pm", "7pm")


def test_they_are_said_as_people_say_them() -> None:
    today = SATURDAY.date()
    assert say_date(date(2026, 11, 27), "en", today) == "Friday 27 November"
    assert say_date(date(2026, 11, 27), "ko", today) == "11월 27일 금요일"
    assert say_date(date(2027, 1, 5), "en", today) == "Tuesday 5 January 2027"
    assert say_date(date(2027, 1, 5), "ko", today) == "2027년 1월 5일 화요일"
    assert say_time(time(19, 30), "en") == "7:30 pm"
    assert say_time(time(0, 0), "ko") == "오전 12시"
    assert say_time(time(15, 0), "ko") == "오후 3시"

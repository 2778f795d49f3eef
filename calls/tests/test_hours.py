"""When a line is open."""

from datetime import datetime
from typing import Any

import pytest

from calls.hours import BadHours, check, check_time_zone, describe, is_open

WEEK: dict[str, list[str]] = {
    **{day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu")},
    "fri": ["22:00-02:00"],
    "sun": ["00:00-24:00"],
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("16T08:59", False),  # a Monday
        ("16T09:00", True),
        ("16T12:00", False),
        ("16T17:59", True),
        ("20T21:59", False),
        ("20T22:00", True),
        ("21T01:59", True),  # Friday's, after midnight
        ("21T02:00", False),
        ("22T00:00", True),
        ("22T23:59", True),
        ("23T00:00", False),
    ],
)
def test_it_is_open_when_it_says_so(when: str, expected: bool) -> None:
    assert is_open(WEEK, at(when)) is expected


def test_without_hours_it_is_always_open() -> None:
    assert is_open({}, at("16T03:00"))
    assert describe({}) == ""


def test_it_says_its_hours_in_words() -> None:
    assert describe(WEEK) == (
        "Mon-Thu 09:00-12:00, 13:00-18:00; Fri 22:00-02:00; Sat closed; Sun 00:00-24:00"
    )


@pytest.mark.parametrize(
    "hours",
    [
        [],
        "always",
        {"monday": ["09:00-18:00"]},
        {"mon": "09:00-18:00"},
        {"mon": ["9-18"]},
        {"mon": ["09:00-24:30"]},
        {"mon": ["25:00-26:00"]},
        {"mon": ["09:00-09:00"]},
        {"mon": [900]},
        {"mon": ["09:00-18:00"] * 7},
    ],
)
def test_what_cannot_be_read_is_refused(hours: Any) -> None:
    with pytest.raises(BadHours):
        check(hours)


def test_time_zones_are_known_ones() -> None:
    check(WEEK)
    check_time_zone("Asia/Seoul")
    for name in ("Asia/Soul", "", "../etc/passwd"):
        with pytest.raises(BadHours):
            check_time_zone(name)

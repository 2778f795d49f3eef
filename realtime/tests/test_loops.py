"""Our own words that come back, and the callee's that merely resemble them."""

import pytest

from realtime.config import LoopConfig
from realtime.guards.loops import LoopGuard, containment, normalise

OURS = "오늘 저녁 일곱 시에 네 명 자리를 예약하고 싶어요."


def make_guard() -> LoopGuard:
    guard = LoopGuard(LoopConfig())
    guard.began(OURS, 10_000)
    guard.ended(OURS, 13_000)
    return guard


def test_our_sentence_heard_while_it_plays_is_an_echo() -> None:
    assert make_guard().is_echo(OURS, 10_300, 13_400)


def test_a_piece_of_it_is_an_echo() -> None:
    assert make_guard().is_echo("예약하고 싶어요", 12_100, 13_900)


def test_the_same_words_later_are_the_callees_own() -> None:
    assert not make_guard().is_echo(OURS, 13_400, 16_400)


def test_words_before_ours_are_no_echo() -> None:
    assert not make_guard().is_echo(OURS, 9_900, 12_900)


@pytest.mark.parametrize(
    "text", ["네", "네 명이요", "몇 분이세요?", "일곱 시는 어렵습니다만", ""]
)
def test_other_words_over_ours_are_heard(text: str) -> None:
    assert not make_guard().is_echo(text, 11_000, 12_000)


def test_a_quick_answer_that_begins_with_our_words_is_an_answer() -> None:
    guard = LoopGuard(LoopConfig())
    guard.began("팩스 번호가 몇 번이에요?", 38_000)
    guard.ended("팩스 번호가 몇 번이에요?", 40_200)
    assert not guard.is_echo("팩스 번호는", 40_700, 45_000)
    assert not guard.is_echo("팩스 번호는 02-123-4567입니다.", 40_700, 45_000)


def test_while_it_still_plays_its_end_is_open() -> None:
    guard = LoopGuard(LoopConfig())
    guard.began(OURS, 10_000)
    assert guard.is_echo(OURS, 12_000, 15_000)


def test_misheard_letters_do_not_hide_an_echo() -> None:
    heard = "I would like to book a cable for four"
    ours = "I would like to book a table for four at seven."
    assert containment(normalise(heard), normalise(ours)) > 0.8

"""Which engine is tried next."""

import pytest

from realtime.engines.choice import EngineKind
from realtime.engines.ladder import Ladder, LadderConfig

TRANSLATE, INTERPRET, CASCADE, TRANSCRIBE, FILE = EngineKind
CONFIG = LadderConfig()


def fall(ladder: Ladder, now: float, code: str = "http_503") -> float:
    """Be refused until another rung is tried; when that is."""
    kind = ladder.kind
    for _ in range(20):
        now += ladder.refused(code, now)
        if ladder.kind is not kind:
            return now
    raise AssertionError("It never stepped down.")


def make(now: float = 0.0) -> Ladder:
    ladder = Ladder(list(EngineKind))
    ladder.opened(TRANSLATE, now)
    return ladder


def test_a_lost_engine_is_tried_again_before_another_one() -> None:
    ladder = make()
    ladder.lost(100.0)
    assert ladder.kind is TRANSLATE
    assert [ladder.refused("http_503", 100.0 + i) for i in range(2)] == [0.25, 0.5]
    assert ladder.kind is TRANSLATE
    ladder.opened(TRANSLATE, 102.0)
    assert ladder.look_at == float("inf")


def test_three_refusals_are_enough() -> None:
    ladder = make()
    ladder.lost(100.0)
    assert fall(ladder, 100.0) == 100.75
    assert ladder.kind is INTERPRET


def test_so_is_an_engine_that_does_not_answer_for_long() -> None:
    ladder = make()
    ladder.lost(100.0)
    assert ladder.refused("timeout", 105.0) == 0.0
    assert ladder.kind is INTERPRET


@pytest.mark.parametrize("code", ["http_401", "insufficient_quota", "model_not_found"])
def test_what_will_not_mend_is_not_repeated(code: str) -> None:
    ladder = make()
    ladder.lost(100.0)
    assert ladder.refused(code, 100.0) == 0.0
    assert ladder.kind is INTERPRET


def test_behind_a_closed_door_there_is_no_second_engine() -> None:
    ladder = make()
    ladder.lost(100.0)
    now = fall(ladder, fall(ladder, 100.0))
    assert ladder.kind is CASCADE
    now = fall(ladder, now)  # captions only would knock at the same door
    assert ladder.kind is FILE
    assert now < 103.0
    assert ladder.wanted() == (TRANSLATE, INTERPRET, CASCADE, TRANSCRIBE)


def test_an_engine_that_breaks_again_and_again_is_stepped_down_from() -> None:
    ladder = make()
    for at in (100.0, 110.0):
        ladder.lost(at)
        assert ladder.kind is TRANSLATE
        ladder.opened(TRANSLATE, at + 1)
    ladder.lost(120.0)
    assert ladder.kind is INTERPRET
    other = make()
    for at in (100.0, 200.0, 300.0, 400.0):  # one a minute is a bad day, no more
        other.lost(at)
        other.opened(TRANSLATE, at + 1)
    assert other.kind is TRANSLATE


def test_better_engines_are_looked_for_ever_more_rarely() -> None:
    ladder = make()
    ladder.lost(100.0)
    now = fall(ladder, 100.0)
    ladder.opened(INTERPRET, now)
    waits = []
    for _ in range(7):
        waits.append(round(ladder.look_at - now))
        now = ladder.look_at
        ladder.looked(now)
    assert waits == [15, 30, 60, 120, 240, 300, 300]
    ladder.opened(TRANSLATE, now)
    assert (ladder.kind, ladder.is_down) == (TRANSLATE, False)


def test_an_engine_that_breaks_soon_after_it_was_found_is_looked_for_later() -> None:
    ladder = make()
    ladder.lost(100.0)
    now = fall(ladder, 100.0)
    ladder.opened(INTERPRET, now)
    ladder.opened(TRANSLATE, now + 15)
    ladder.lost(now + 20)
    again = fall(ladder, now + 20)
    assert ladder.look_at - again == pytest.approx(30)
    ladder.opened(TRANSLATE, again)
    ladder.lost(again + CONFIG.stable_s)  # it has done well for long: all is forgotten
    later = fall(ladder, again + CONFIG.stable_s)
    assert ladder.look_at - later == pytest.approx(15)


def test_who_cannot_answer_is_replaced_but_not_by_nobody() -> None:
    ladder = make()
    ladder.opened(INTERPRET, 100.0)
    given_up = [ladder.answered(101.0, is_failed=f) for f in (True, True, False)]
    given_up += [ladder.answered(102.0, is_failed=True) for _ in range(3)]
    assert given_up == [False] * 5 + [True]
    assert ladder.kind is CASCADE
    ladder.opened(TRANSCRIBE, 103.0)
    assert not any(ladder.answered(104.0, is_failed=True) for _ in range(9))


def test_what_cannot_be_paid_for_is_not_used() -> None:
    ladder = make()
    ladder.cap(INTERPRET, 50.0)
    assert (ladder.is_too_dear, ladder.look_at) == (True, 50.0)
    assert ladder.wanted() == (INTERPRET,)
    ladder.opened(INTERPRET, 51.0)
    assert ladder.look_at == float("inf")
    ladder.lost(60.0)
    ladder.opened(CASCADE, fall(ladder, 60.0))
    assert ladder.wanted() == (INTERPRET,)
    written = Ladder([TRANSCRIBE, FILE])
    written.opened(TRANSCRIBE, 0.0)
    written.cap(INTERPRET, 50.0)
    assert written.kind is TRANSCRIBE
    assert not written.is_too_dear

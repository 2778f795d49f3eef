"""Sound waits until its sentence is known, but not longer than a moment."""

import numpy as np
import pytest

from realtime.guards.foresight import Foresight

SOUND = np.ones(2400, np.int16)


def lengths(waits: Foresight, now_ms: float = 0) -> list[str]:
    return [one.tag for one in waits.take(now_ms)]


def test_sound_waits_for_the_end_of_its_sentence() -> None:
    waits = Foresight(250)
    waits.read("a", "네, 내일")
    waits.hear("a", SOUND, 0)
    assert lengths(waits) == []
    waits.read("a", "네, 내일 갈게요")
    waits.hear("a", SOUND, 40)
    assert lengths(waits, 100) == []
    waits.read("a", "네, 내일 갈게요.")
    assert lengths(waits, 110) == ["a", "a"]
    assert waits.is_empty


def test_the_next_sentence_waits_again() -> None:
    waits = Foresight(250)
    waits.read("a", "네. ")
    waits.hear("a", SOUND, 0)
    assert lengths(waits) == ["a"]
    waits.read("a", "네. 내일")
    waits.hear("a", SOUND, 20)
    assert lengths(waits, 20) == []
    waits.read("a", "네. 내일 봐요!")
    assert lengths(waits, 20) == ["a"]


def test_sound_before_any_text_waits_for_the_first_sentence() -> None:
    waits = Foresight(250)
    waits.hear("a", SOUND, 0)
    waits.read("a", "안녕하세요")
    assert lengths(waits) == []
    waits.read("a", "안녕하세요?")
    assert lengths(waits) == ["a"]


@pytest.mark.parametrize("text", ["", "한 시간쯤 걸릴 것 같은데"])
def test_it_does_not_wait_longer_than_a_moment(text: str) -> None:
    waits = Foresight(250)
    waits.read("a", text)
    waits.hear("a", SOUND, 1000)
    assert lengths(waits, 1249) == []
    assert lengths(waits, 1250) == ["a"]


def test_what_is_over_waits_no_more_and_the_order_stays() -> None:
    waits = Foresight(250)
    waits.read("a", "네")
    waits.hear("a", SOUND, 0)
    waits.read("b", "좋아요.")
    waits.hear("b", SOUND, 10)
    assert lengths(waits, 10) == []
    waits.end("a")
    assert lengths(waits, 10) == ["a", "b"]


def test_what_is_dropped_is_gone_and_keeps_nothing_back() -> None:
    waits = Foresight(250)
    waits.read("a", "이 나쁜")
    waits.hear("a", SOUND, 0)
    waits.read("b", "네.")
    waits.hear("b", SOUND, 0)
    waits.drop("a")
    assert lengths(waits) == ["b"]


def test_it_remembers_only_so_many_texts() -> None:
    waits = Foresight(250)
    for n in range(200):
        waits.end(str(n))
    assert len(waits._texts) == len(waits._over) == 50

"""When somebody has finished."""

import pytest

from realtime.config import EndpointConfig
from realtime.line.endpointing import (
    TABLE,
    Cue,
    Effect,
    Endpointer,
    State,
    is_complete,
)


def test_every_state_can_be_left() -> None:
    assert {state for state, _ in TABLE} == set(State)
    assert {cue for _, cue in TABLE} == set(Cue)


class Speaker:
    """Somebody whose speech the detector follows, 350 ms behind their last sound."""

    def __init__(self, config: EndpointConfig | None = None) -> None:
        self.endpointer = Endpointer(config or EndpointConfig())
        self.now_ms = 1000
        self.effects: list[tuple[int, Effect]] = []

    def _do(self, effects: tuple[Effect, ...]) -> None:
        self.effects += [(self.now_ms, effect) for effect in effects]

    def speaks(self, ms: int, breath_every_ms: int = 0, breath_ms: int = 300) -> None:
        self._do(self.endpointer.began(self.now_ms))
        for passed_ms in range(0, ms, 20):
            self.now_ms += 20
            quiet_ms = 0
            if breath_every_ms and passed_ms >= breath_every_ms:
                since_ms = passed_ms % breath_every_ms
                quiet_ms = since_ms if since_ms <= breath_ms else 0
            self._do(self.endpointer.tick(self.now_ms, quiet_ms))

    def pauses(self, ms: int, *, complete_after_ms: int | None = None) -> None:
        ended_ms = self.now_ms
        for passed_ms in range(20, ms + 1, 20):
            self.now_ms += 20
            if passed_ms == 360:
                self._do(self.endpointer.ended(ended_ms))
            self._do(self.endpointer.tick(self.now_ms, passed_ms))
            if passed_ms == complete_after_ms:
                self._do(self.endpointer.complete())

    def times_of(self, effect: Effect) -> list[int]:
        return [ms for ms, e in self.effects if e is effect]


def test_a_commit_comes_with_the_detector_and_an_answer_after_the_pause() -> None:
    s = Speaker()
    s.speaks(1000)
    s.pauses(2000)
    assert s.times_of(Effect.COMMIT) == [2360]
    assert s.times_of(Effect.ANSWER) == [2560]


def test_a_complete_sentence_is_answered_earlier() -> None:
    s = Speaker()
    s.speaks(1000)
    s.pauses(2000, complete_after_ms=420)
    assert s.times_of(Effect.ANSWER) == [2420]


def test_what_is_said_after_a_short_pause_joins_the_answer() -> None:
    s = Speaker()
    s.speaks(1000)
    s.pauses(500)
    s.speaks(1000)
    s.pauses(2000)
    assert len(s.times_of(Effect.COMMIT)) == 2
    assert len(s.times_of(Effect.ANSWER)) == 1


def test_whoever_hesitates_is_given_time_and_loses_it_again() -> None:
    s = Speaker()
    s.speaks(1000)
    s.pauses(900)  # answered after 550 ms, and they go on
    assert len(s.times_of(Effect.ANSWER)) == 1
    s.speaks(1000)
    assert s.endpointer.pause_ms == 1080
    s.pauses(900)
    assert len(s.times_of(Effect.ANSWER)) == 1
    s.speaks(500)
    for _ in range(12):
        s.pauses(3000)
        s.speaks(1000)
    assert s.endpointer.pause_ms < 600


def test_short_sentences_in_a_row_are_answered_before_they_are_too_many() -> None:
    s = Speaker()
    for _ in range(12):
        s.speaks(1000)
        s.pauses(500)
    first, second = s.times_of(Effect.ANSWER)
    assert 8000 <= first - 1000 <= 10_000
    assert 8000 <= second - first <= 10_000
    assert len(s.times_of(Effect.COMMIT)) == 12


def test_nobody_is_waited_for_longer_than_the_longest_pause() -> None:
    s = Speaker()
    for _ in range(5):
        s.speaks(1000)
        s.pauses(1400)
    assert s.endpointer.pause_ms == EndpointConfig().most_pause_ms


def test_long_speech_is_committed_at_a_breath() -> None:
    s = Speaker()
    s.speaks(20_000, breath_every_ms=3000)
    assert s.times_of(Effect.COMMIT) == s.times_of(Effect.ANSWER)
    first, second = s.times_of(Effect.COMMIT)
    assert 9000 <= first <= 10_300
    assert 8000 <= second - first <= 11_000


def test_a_gap_between_words_ends_long_speech_only_late() -> None:
    s = Speaker()
    s.speaks(14_000, breath_every_ms=500, breath_ms=100)
    assert 12_000 <= s.times_of(Effect.COMMIT)[0] < 12_900


def test_without_a_breath_it_is_committed_anyway() -> None:
    s = Speaker()
    s.speaks(25_000)
    assert s.times_of(Effect.COMMIT) == [13_000, 25_000]


@pytest.mark.parametrize("text", ["네.", "감사합니다. ", "Really?", "はい。", "好！"])
def test_sentences(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize("text", ["", "그런데", "and then...", "음…", "first,"])
def test_no_sentences(text: str) -> None:
    assert not is_complete(text)

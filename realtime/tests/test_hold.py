"""Whether the other side lets us wait."""

import pytest

from realtime.config import HoldConfig
from realtime.far_end import hold
from realtime.far_end.hold import TABLE, Cue, Hold, asks_to_wait

CONFIG = HoldConfig()


class Line:
    """A line on which time passes."""

    def __init__(self) -> None:
        self.hold = Hold(CONFIG)
        self.now = 0
        self.told: list[tuple[int, bool]] = []

    def goes_on(
        self, ms: int, *, speech: bool = False, music: bool = False, ours: bool = False
    ) -> None:
        for _ in range(0, ms, 20):
            self.now += 20
            self._note(
                self.hold.hear(
                    is_speech=speech, is_music=music, is_playing=ours, now_ms=self.now
                )
            )

    def says(self, text: str) -> None:
        self._note(self.hold.words(text))

    def _note(self, changed: bool | None) -> None:
        if changed is not None:
            self.told.append((self.now, changed))

    @property
    def states(self) -> list[bool]:
        return [state for _, state in self.told]


def test_whoever_says_one_moment_and_goes_has_put_us_on_hold() -> None:
    line = Line()
    line.goes_on(800, speech=True)
    line.says("잠시만요")
    line.goes_on(1400)
    assert line.states == []
    line.goes_on(400)
    assert line.states == [True]


def test_whoever_says_one_moment_and_asks_something_has_not() -> None:
    line = Line()
    line.goes_on(2000, speech=True)
    line.says("잠깐만요, 어떤 소포 말씀이신가요?")
    line.goes_on(8000)
    assert line.states == []


def test_whoever_goes_on_after_one_moment_has_not_either() -> None:
    line = Line()
    line.goes_on(800, speech=True)
    line.says("잠시만요.")
    line.goes_on(600)
    line.goes_on(2000, speech=True)
    line.says("네, 자리가 있습니다.")
    line.goes_on(8000)
    assert line.states == []


def test_music_is_waiting_and_words_are_the_end_of_it() -> None:
    line = Line()
    line.goes_on(4000, music=True)
    assert line.states == [True]
    line.goes_on(15_000, music=True)
    line.goes_on(1200, speech=True)
    line.says("오래 기다리셨죠")
    assert line.states == [True, False]


def test_music_with_rests_is_music() -> None:
    line = Line()
    for _ in range(30):
        line.goes_on(160, music=True)
        line.goes_on(60)
    assert line.states == [True]


def test_our_own_sound_is_no_music() -> None:
    line = Line()
    line.goes_on(10_000, music=True, ours=True)
    assert line.states == []


def test_announcements_on_hold_do_not_end_it() -> None:
    line = Line()
    line.goes_on(4000, music=True)
    line.goes_on(1500, speech=True)
    line.says("잠시만 기다려 주십시오, 상담원을 연결해 드리겠습니다.")
    line.goes_on(2500, speech=True)
    line.goes_on(4000, music=True)
    assert line.states == [True]


def test_speech_whose_words_are_not_recognised_ends_it_later() -> None:
    line = Line()
    line.goes_on(4000, music=True)
    line.goes_on(CONFIG.back_ms - 20, speech=True)
    assert line.states == [True]
    line.goes_on(40, speech=True)
    assert line.states == [True, False]


def test_no_answer_for_long_is_waiting() -> None:
    line = Line()
    line.goes_on(3000, ours=True)
    line.goes_on(CONFIG.unanswered_ms - 40)
    assert line.states == []
    line.goes_on(100)
    assert line.states == [True]


def test_whose_turn_it_is_to_speak_themselves_does_not_wait() -> None:
    line = Line()
    line.goes_on(3000, ours=True)
    line.goes_on(2000, speech=True)
    line.goes_on(60_000)
    assert line.states == []


def test_words_that_come_late_still_count() -> None:
    line = Line()
    line.goes_on(800, speech=True)
    line.goes_on(2500)
    line.says("One moment, please.")
    line.goes_on(40)
    assert line.states == [True]


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("잠시만요.", True),
        ("네, 잠깐만 기다려 주시겠어요?", True),
        ("잠깐만 기다리세요, 창고를 뒤져 볼게요.", True),
        ("Hold on, I will have a look in the storeroom.", True),
        ("Could you wait, please?", True),
        ("Wait a second, which parcel do you mean?", False),
        ("성함을 말씀해 주시면 연결해 드리겠습니다.", False),
        ("少々お待ちください。", True),
        ("请稍等一下。", True),
        ("네, 일곱 시에 됩니다.", False),
        ("", False),
    ],
)
def test_what_asks_to_wait(text: str, waits: bool) -> None:
    assert asks_to_wait(text) is waits


def test_every_row_is_in_the_theory() -> None:
    text = " ".join((hold.__doc__ or "").split())
    for (state, cue), then in TABLE.items():
        row = f"{state} {cue}"
        assert row in text, row
        assert then.value in text
    assert {cue for _, cue in TABLE} == set(Cue)

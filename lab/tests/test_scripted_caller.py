"""The scripted caller's arithmetic: what was understood, when, and what it plays."""

import numpy as np
import pytest

from lab.scripted_caller import (
    FRAME_8K,
    JITTER_FRAMES,
    Ear,
    Report,
    Spoken,
    Understanding,
    compare,
    line_of,
    percentile,
)


def spoken(phrase_id: str | None, began: float, ended: float) -> Spoken:
    return Spoken(phrase_id, phrase_id or "[unclear]", began, ended)


def test_what_was_heard_is_matched_with_what_was_said() -> None:
    said = [spoken("ask", 1, 2), spoken("thank", 5, 6)]
    heard = [spoken("ask", 2.5, 4), spoken("thank", 6.25, 7)]
    understanding, rest = compare(said, heard)
    assert understanding.share == 1
    assert understanding.latency_ms == [500, 250]
    assert rest == []


def test_a_voice_that_is_heard_itself_is_late_from_its_beginning() -> None:
    understanding, _ = compare(
        [spoken("ask", 1, 4)], [spoken("ask", 1.25, 4.5)], is_original=True
    )
    assert understanding.latency_ms == [250]


def test_a_phrase_that_was_not_heard_is_missed() -> None:
    said = [spoken("ask", 1, 2), spoken("thank", 5, 6)]
    understanding, _ = compare(said, [spoken(None, 2.5, 4), spoken("thank", 6.5, 7)])
    assert understanding.missed == ["ask"]
    assert understanding.unclear == 1
    assert understanding.share == 0.5


def test_a_phrase_said_twice_must_be_heard_twice() -> None:
    said = [spoken("yes", 1, 2), spoken("yes", 5, 6)]
    understanding, _ = compare(said, [spoken("yes", 2.5, 3)])
    assert understanding.missed == ["yes"]


def test_nothing_is_heard_before_it_is_said() -> None:
    understanding, rest = compare([spoken("ask", 3, 4)], [spoken("ask", 1, 2)])
    assert understanding.missed == ["ask"]
    assert len(rest) == 1


def test_nothing_said_is_nothing_understood() -> None:
    understanding, _ = compare([], [spoken("ask", 1, 2)])
    assert understanding.share == 0


def report(to_callee: tuple[int, int], to_caller: tuple[int, int]) -> Report:
    return Report(
        call_id="1", number="+8225550101", status="completed", outcome="", reason="",
        reason_text="", duration_s=1, captions=[], latency={}, cost_usd=0,
        cost_parts=[], echo_loops=[], phrases={}, max_late_ms=0,
        caller_to_callee=Understanding(*to_callee, [], 0, []),
        callee_to_caller=Understanding(*to_caller, [], 0, []),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("to_callee", "to_caller", "verdict"),
    [
        ((20, 20), (20, 19), True),
        ((20, 20), (20, 18), False),
        ((8, 7), (8, 8), False),
        ((0, 0), (8, 8), False),
    ],
)
def test_both_sides_must_understand_95_percent(
    to_callee: tuple[int, int], to_caller: tuple[int, int], verdict: bool
) -> None:
    made = report(to_callee, to_caller)
    assert made.understood is verdict
    assert made.as_dict()["understood"] is verdict


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentile([], 50) is None
    assert percentile([1, 2, 3], 50) == 2


class TestEar:
    def sound(self, n_frames: int) -> bytes:
        return np.full(480 * n_frames, 5000, "<i2").tobytes()

    def loud(self, ear: Ear, n_frames: int) -> list[bool]:
        return [bool(np.abs(ear.play()).max() > 1000) for _ in range(n_frames)]

    def test_it_plays_silence_at_the_pace_of_time(self) -> None:
        ear = Ear()
        assert len(ear.play()) == FRAME_8K
        assert not ear.play().any()

    def test_it_collects_a_little_before_it_plays(self) -> None:
        ear = Ear()
        ear.receive(self.sound(2))
        assert not any(self.loud(ear, 2))
        ear.receive(self.sound(JITTER_FRAMES))
        assert all(self.loud(ear, 4))

    def test_a_short_sound_is_not_kept_for_ever(self) -> None:
        ear = Ear()
        ear.receive(self.sound(2))
        assert any(self.loud(ear, JITTER_FRAMES + 2))

    def test_a_late_chunk_leaves_no_hole(self) -> None:
        ear = Ear()
        ear.receive(self.sound(JITTER_FRAMES))
        played = self.loud(ear, 3)  # nothing arrives meanwhile
        ear.receive(self.sound(3))
        played += self.loud(ear, 5)
        assert all(played)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (None, ""),
        ({"condition": "gsm", "changed": {}}, "gsm"),
        ({"condition": "gsm", "changed": {"noise_rms": 7}}, "gsm: noise_rms 7"),
        ({"condition": "", "changed": {"seed": 2, "agc_db": 3}}, "seed 2, agc_db 3"),
    ],
)
def test_the_report_names_the_line(line: dict[str, object] | None, shown: str) -> None:
    assert line_of({"line": line} if line else {}) == shown

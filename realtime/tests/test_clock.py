"""The line's clock: true to time, and nothing said is thrown away."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.config import LineConfig
from realtime.line.clock import (
    LATE,
    MISSING,
    MISSING_LATE,
    TICK,
    WAITING,
    LineClock,
)


def make_clock(start_ms: int = 0) -> LineClock:
    clock = LineClock(LineConfig(), start_ms)
    clock.begin_stream(10.0)
    return clock


def test_a_steady_line_ticks() -> None:
    clock = make_clock()
    for i in range(5):
        assert list(clock.frame(i * 20, 10 + i * 0.02)) == [TICK]
    assert clock.ms == 100


def test_missing_frames_are_heard_as_silence() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    assert list(clock.frame(80, 10.02)) == [MISSING, MISSING, MISSING, TICK]
    assert clock.ms == 100


def test_a_jump_of_hours_is_bounded() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    assert len(list(clock.frame(10_000_000, 10.02))) == 101


def test_overdue_frames_let_time_pass_unheard() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    assert clock.stall_at == 10.06
    assert list(clock.stalled(10.05)) == []
    assert list(clock.stalled(10.1)) == [WAITING, WAITING, WAITING]


def test_late_frames_are_heard_without_time_passing_twice() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    n = len(list(clock.stalled(10.2)))
    steps = [
        step for i in range(n) for step in clock.frame((i + 1) * 20, 10.2 + i * 0.0005)
    ]
    # The first of them is due anyway; the others' time has passed.
    assert steps == [TICK] + [LATE] * (n - 1)
    assert abs(clock.ms - 200) <= 40


def test_missing_frames_after_a_stall_do_not_count_twice() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    n = len(list(clock.stalled(10.16)))
    steps = list(clock.frame((n + 1) * 20, 10.18))
    assert steps == [MISSING_LATE] * n + [TICK]


def test_a_long_stall_is_heard_as_silence() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    steps = list(clock.stalled(11.0))
    assert steps[:25] == [WAITING] * 25
    assert set(steps[25:]) == {MISSING}


def test_a_line_that_only_paused_keeps_its_pace_afterwards() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    list(clock.stalled(10.5))
    # The frames go on where they stopped, at their usual pace: nothing is owed.
    steps = [
        step for i in range(1, 60) for step in clock.frame(i * 20, 10.5 + i * 0.02)
    ]
    assert steps == [TICK] * 59


def test_the_time_between_two_streams_counts() -> None:
    clock = make_clock(start_ms=60_000)
    list(clock.frame(0, 10.0))
    clock.begin_stream(12.0)
    list(clock.frame(0, 12.0))
    assert clock.ms == 62_020


@given(
    st.lists(st.tuples(st.floats(0.001, 0.3), st.booleans()), min_size=1, max_size=80)
)
def test_every_frame_is_heard_once_and_time_stays_true(
    arrivals: list[tuple[float, bool]],
) -> None:
    clock = make_clock()
    now, heard, first = 10.0, 0, None
    for i, (pause_s, overtakes) in enumerate(arrivals):
        now += pause_s
        if overtakes:
            list(clock.stalled(now))
        steps = list(clock.frame(i * 20, now))
        heard += sum(not step.is_silence and step.hears for step in steps)
        first = first if first is not None else now
    list(clock.stalled(now))
    assert heard == len(arrivals)
    # Never ahead of both time and frames.
    assert clock.ms <= max((now - 10.0) * 1000, len(arrivals) * 20) + 60


def test_what_passes_before_a_streams_first_frame_is_not_owed() -> None:
    clock = make_clock()
    assert list(clock.stalled(10.2))
    assert list(clock.frame(0, 10.21)) == [TICK]
    assert list(clock.frame(20, 10.2101)) == [TICK]


def test_a_line_that_paused_owes_nothing_after_half_a_second() -> None:
    clock = make_clock()
    list(clock.frame(0, 10.0))
    n = len(list(clock.stalled(10.2)))
    assert clock.owed_frames == n
    for i in range(1, 30):
        assert list(clock.frame(i * 20, 10.2 + i * 0.02)) == [TICK]
        if i < 24:
            assert clock.owed_frames == n
    assert clock.owed_frames == 0

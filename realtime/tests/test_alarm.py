"""The one timer of a call, on a loop whose handles can only be cancelled."""

import heapq
from collections.abc import Callable

from realtime.alarm import Alarm


class Loop:
    """A loop of one thing."""

    class Handle:
        __slots__ = ("is_cancelled",)

        def __init__(self) -> None:
            self.is_cancelled = False

        def cancel(self) -> None:
            self.is_cancelled = True

    def __init__(self) -> None:
        self.now = 0.0
        self.n_calls = 0
        self._due: list[tuple[float, int, Callable[[], object], Loop.Handle]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> "Loop.Handle":
        self.n_calls += 1
        handle = Loop.Handle()
        heapq.heappush(self._due, (when, self.n_calls, callback, handle))
        return handle

    def run_until(self, when: float) -> None:
        while self._due and self._due[0][0] <= when:
            self.now, _, callback, handle = heapq.heappop(self._due)
            if not handle.is_cancelled:
                callback()
        self.now = when


class Call:
    """Something with a deadline."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.deadline: float | None = None
        self.rang: list[float] = []
        self.alarm = Alarm(self.loop, lambda: self.deadline, self._ring)

    def _ring(self) -> None:
        self.rang.append(self.loop.now)
        self.deadline = None
        self.alarm.arm()

    def set(self, deadline: float | None) -> None:
        self.deadline = deadline
        self.alarm.arm()


def test_it_rings_at_the_deadline_and_once() -> None:
    call = Call()
    call.set(1.0)
    call.loop.run_until(5.0)
    assert call.rang == [1.0]


def test_a_deadline_that_moves_on_with_each_frame_costs_few_timers() -> None:
    call = Call()
    for i in range(100):
        call.loop.run_until(i * 0.02)
        call.set(i * 0.02 + 0.06)
    assert call.rang == []
    assert call.loop.n_calls < 50
    call.loop.run_until(5.0)
    assert call.rang == [99 * 0.02 + 0.06]


def test_a_deadline_that_comes_nearer_is_kept() -> None:
    call = Call()
    call.set(10.0)
    call.set(1.0)
    call.loop.run_until(20.0)
    assert call.rang == [1.0]


def test_without_a_deadline_it_is_silent() -> None:
    call = Call()
    call.set(1.0)
    call.set(None)
    call.loop.run_until(5.0)
    assert call.rang == []
    call.alarm.stop()

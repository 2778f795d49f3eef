"""One timer for a deadline that moves.

With each frame of a call its next deadline moves on by 20 ms.  A timer that comes too
early is set again when it comes, which is cheaper than moving it each time.
"""

from collections.abc import Callable
from typing import Final, Protocol

LATE_S: Final = 0.001
"""A deadline this near has come: the loop's clock may be that coarse."""


class Handle(Protocol):
    """All that is needed of a loop's handle; uvloop's do not say when they are due."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """All that is needed of a loop."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Handle: ...


class Alarm:
    """Ring when a deadline has come.

    Args:
        clock: the loop.
        deadline: asked for the deadline as it is now, in the loop's seconds; None where
            there is none.
        ring: called once the deadline has come; `arm` sets the next one.
    """

    def __init__(
        self,
        clock: Clock,
        deadline: Callable[[], float | None],
        ring: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._ring = ring
        self._handle: Handle | None = None
        self._due = 0.0

    def arm(self) -> None:
        """See that the timer comes no later than the deadline."""
        due = self._deadline()
        if self._handle is not None:
            if due is not None and self._due <= due:
                return
            self.stop()
        if due is not None:
            self._handle = self._clock.call_at(due, self._on_time)
            self._due = due

    def stop(self) -> None:
        """Do not ring any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _on_time(self) -> None:
        self._handle = None
        due = self._deadline()
        if due is not None and due <= self._clock.time() + LATE_S:
            self._ring()
        else:
            self.arm()

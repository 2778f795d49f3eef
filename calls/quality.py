"""How good the line of a call was, from what the relay noted down about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from calls.models import Call

ECHO_HEARD = "echo_heard"
"""Event: our own words came back from the line, were recognised and left out."""
LINE_REPORT = "line_report"
"""Event at the end of a call: the figures of its line."""

FRAME_MS = 20
"""What one packet of the telephone carries."""


@dataclass(frozen=True, slots=True)
class LineQuality:
    """The figures; None where the relay has not noted one down.

    Attributes:
        echo_heard: how often our own words came back and were left out.
        echo_delay_ms: how long after our own sound its echo came; None: no echo.
        echo_locks: how often the echo was found.
        echo_slips: how often its delay changed.
        echo_lost_ms: sound of the other side that could not be cleaned of echo.
        playout_lag_max_ms: the longest that the caller's words had to wait.
        frames_missing: packets of 20 ms that never came.
        frames_late: packets that came too late.
        has_report: the call was long enough, and recent enough, for a report.
    """

    echo_heard: int
    echo_delay_ms: int | None = None
    echo_locks: int | None = None
    echo_slips: int | None = None
    echo_lost_ms: int | None = None
    playout_lag_max_ms: int | None = None
    frames_missing: int | None = None
    frames_late: int | None = None
    has_report: bool = False

    @classmethod
    def of(cls, call: Call) -> Self:
        """Read the events of a call; one query."""
        events = call.events.filter(kind__in=(ECHO_HEARD, LINE_REPORT))
        n_echoes, report = 0, None
        for event in events:
            if event.kind == ECHO_HEARD:
                n_echoes += 1
            else:
                report = event.data
        if report is None:
            return cls(n_echoes)
        figures: dict[str, int | None] = {
            name: _whole(report, name)
            for name in (
                "echo_delay_ms",
                "echo_locks",
                "echo_slips",
                "echo_lost_ms",
                "playout_lag_max_ms",
                "frames_missing",
                "frames_late",
            )
        }
        n_echoes = max(n_echoes, _whole(report, "echo_heard") or 0)
        return cls(n_echoes, has_report=True, **figures)

    @property
    def is_known(self) -> bool:
        return self.has_report or self.echo_heard > 0

    @property
    def echo_lost_s(self) -> float | None:
        return None if self.echo_lost_ms is None else self.echo_lost_ms / 1000

    @property
    def playout_lag_max_s(self) -> float | None:
        lag_ms = self.playout_lag_max_ms
        return None if lag_ms is None else lag_ms / 1000

    @property
    def missing_s(self) -> float | None:
        """Sound that the telephone network lost or brought too late."""
        if self.frames_missing is None and self.frames_late is None:
            return None
        n = (self.frames_missing or 0) + (self.frames_late or 0)
        return n * FRAME_MS / 1000


def _whole(report: Mapping[str, Any], name: str) -> int | None:
    value = report.get(name)
    return round(value) if isinstance(value, int | float) else None

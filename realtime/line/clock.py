"""The line is clocked by the line, and by time where the line fails.

Theory of operation.  Twilio sends one frame every 20 ms, also in silence, and each is a
tick: 20 ms pass, and 20 ms of the callee are heard.  Three things go wrong on real
networks, and each has its own kind of step:

    frames are missing   their timestamps jump       silence is heard in their place
    frames are late      nothing comes for 60 ms     time passes without being heard
    they come after all  closer than 15 ms together  they are heard; time does not pass
                                                     a second time

So nothing that was said is thrown away, and the clock stays true to real time.  Frames
that were overdue are owed until they have come; if for half a second none of them has,
they will not: the line itself has paused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from realtime.config import FRAME_MS, LineConfig


@dataclass(frozen=True, slots=True)
class Step:
    """What one 20 ms step does.

    Attributes:
        advances: time passes: playout moves on, the caller's engine is kept fed.
        hears: 20 ms of the callee are heard.
        is_silence: what is heard is silence, not the frame that has come.
    """

    advances: bool
    hears: bool
    is_silence: bool


TICK: Final = Step(advances=True, hears=True, is_silence=False)
LATE: Final = Step(advances=False, hears=True, is_silence=False)
MISSING: Final = Step(advances=True, hears=True, is_silence=True)
MISSING_LATE: Final = Step(advances=False, hears=True, is_silence=True)
WAITING: Final = Step(advances=True, hears=False, is_silence=True)


class LineClock:
    """The call's clock: ms since the first frame of its first stream.

    Args:
        config: when frames are late or missing.
        start_ms: where the clock stands, for a call that is taken up again.
    """

    def __init__(self, config: LineConfig, start_ms: int = 0) -> None:
        self._config = config
        self.ms = start_ms
        self._first_frame_at: float | None = None
        self._last_tick_at = 0.0
        self._stream_ms: int | None = None
        self._debt = 0
        self._stalled_ms = 0
        self._n_punctual = 0

    @property
    def owed_frames(self) -> int:
        """Frames whose time has passed, and which may still come."""
        return self._debt

    @property
    def has_begun(self) -> bool:
        """A first frame has come."""
        return self._first_frame_at is not None

    @property
    def is_flowing(self) -> bool:
        """The current stream has sent a first frame."""
        return self._stream_ms is not None

    @property
    def stall_at(self) -> float:
        """When time takes over unless a frame comes, monotonic seconds."""
        return self._last_tick_at + self._config.stall_ms / 1000

    def begin_stream(self, now: float) -> None:
        """A new stream begins: its timestamps start anew."""
        self._stream_ms = None
        self._debt = self._stalled_ms = 0
        self._last_tick_at = now

    def frame(self, timestamp_ms: int, now: float) -> Iterator[Step]:
        """Take one frame.

        Args:
            timestamp_ms: its place in the stream, by Twilio's clock.
            now: monotonic seconds.

        Yields:
            the steps it stands for, in order; `ms` is up to date at each.
        """
        if self._first_frame_at is None:
            self._first_frame_at = now - self.ms / 1000
        elif self._stream_ms is None:
            self._catch_up(now)
        if self._stream_ms is None:
            self._debt = 0  # what passed before a stream's first frame is not owed
        missing_ms = 0
        if self._stream_ms is not None:
            missing_ms = timestamp_ms - self._stream_ms - FRAME_MS
            missing_ms = min(missing_ms, self._config.max_gap_ms)
        for _ in range(max(0, missing_ms) // FRAME_MS):
            yield self._repay(MISSING_LATE) or self._advance(MISSING, now)
        self._stream_ms = timestamp_ms
        self._stalled_ms = 0
        is_burst = now - self._last_tick_at < self._config.burst_ms / 1000
        if is_burst and (late := self._repay(LATE)):
            self._n_punctual = 0
            yield late
            return
        self._n_punctual += 1
        if self._n_punctual * FRAME_MS >= self._config.forgive_after_ms:
            self._debt = 0
        yield self._advance(TICK, now)

    def stalled(self, now: float) -> Iterator[Step]:
        """Let time take over where frames are overdue.

        Yields:
            one step for each 20 ms that are overdue.
        """
        while now >= self.stall_at:
            self._stalled_ms += FRAME_MS
            self._debt += 1
            self._n_punctual = 0
            is_long = self._stalled_ms > self._config.silence_after_ms
            at = self._last_tick_at + FRAME_MS / 1000
            yield self._advance(MISSING if is_long else WAITING, at)

    # --- Inside ----------------------------------------------------------------------

    def _repay(self, step: Step) -> Step | None:
        """Return the step if its time has already passed while frames were late."""
        if not self._debt:
            return None
        self._debt -= 1
        return step

    def _advance(self, step: Step, at: float) -> Step:
        self.ms += FRAME_MS
        self._last_tick_at = at
        return step

    def _catch_up(self, now: float) -> None:
        """Count the time between two streams, in which there was no line."""
        assert self._first_frame_at is not None  # noqa: S101 -- the caller looked
        elapsed_ms = int((now - self._first_frame_at) * 1000)
        self.ms += max(0, elapsed_ms - self.ms) // FRAME_MS * FRAME_MS

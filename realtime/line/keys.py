"""Keys pressed for the caller: collected, sent once, and the gap they cost.  Pure.

Theory of operation.  Tones in a media stream are swallowed by the telephone company, so
it presses the keys itself, and for that it replaces the stream: the old one stops, the
keys are played, a new one starts (facts/twilio.md 3).  Whatever the callee says in that
gap cannot be heard.  So keys that come close together are sent together, one batch at a
time, and the gap is measured.  A batch is never sent twice: keys pressed twice are
other keys.

    state       cue            next        what is told
    idle        pressed        collecting  queued
    collecting  pressed        collecting  queued
    collecting  enough         sending     sending
    sending     pressed        sending     queued
    sending     stream is back idle        sent, with the gap
    sending     refused        idle        failed
    sending     overdue        idle        failed

Where something is queued, idle goes on to collecting.  Times are ms, monotonic.
"""

from dataclasses import dataclass
from enum import StrEnum

from realtime.config import KeysConfig


class State(StrEnum):
    """How far the present batch is."""

    IDLE = "idle"
    COLLECTING = "collecting"
    SENDING = "sending"


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller is told about keys (contract section 3, `dtmf_status`).

    Attributes:
        digits: as they were pressed.
        state: queued, sending, sent or failed.
    """

    digits: str
    state: str


class Keys:
    """Send keys, batch by batch.

    Args:
        config: durations.
    """

    def __init__(self, config: KeysConfig) -> None:
        self._config = config
        self.state = State.IDLE
        self._waiting: list[str] = []
        self._sent: list[str] = []
        self._due_ms: int | None = None
        self._stopped_ms: int | None = None
        self.gap_ms: int | None = None
        """How long the line could not be heard for the last batch; None before any."""

    @property
    def is_restreaming(self) -> bool:
        """Whether the stream may stop now without anything being wrong."""
        return self.state is State.SENDING

    @property
    def due_ms(self) -> int | None:
        """When `tick` has something to do; None if never."""
        return self._due_ms

    def patience_ms(self, digits: str) -> int:
        """Return how long the stream may be away for some keys."""
        return duration_ms(digits, self._config) + self._config.patience_ms

    def press(self, digits: str, now_ms: int) -> list[Told]:
        """Take keys of the caller, or of the agent.

        Args:
            digits: checked already (`calls.twilio.check_digits`).
            now_ms: monotonic.

        Returns:
            what the caller is told.
        """
        self._waiting.append(digits)
        if self.state is not State.SENDING:
            self._collect(now_ms)
        return [Told(digits, "queued")]

    def tick(self, now_ms: int) -> tuple[list[Told], str]:
        """Let time pass.

        Returns:
            what the caller is told, and the keys to send now ("" for none).
        """
        if self._due_ms is None or now_ms < self._due_ms:
            return [], ""
        if self.state is State.SENDING:
            return self._conclude("failed", now_ms), ""
        most = self._config.most_digits
        batch: list[str] = []
        while self._waiting and len("".join(batch)) + len(self._waiting[0]) <= most:
            batch.append(self._waiting.pop(0))
        self.state, self._sent, self._stopped_ms = State.SENDING, batch, None
        digits = "".join(batch)
        self._due_ms = now_ms + self.patience_ms(digits)
        return [Told(one, "sending") for one in batch], digits

    def stream_stopped(self, now_ms: int) -> None:
        """The stream is gone; whether that is meant says `is_restreaming`."""
        if self.is_restreaming and self._stopped_ms is None:
            self._stopped_ms = now_ms

    def stream_started(self, now_ms: int) -> list[Told]:
        """A new stream is there: the keys have been pressed."""
        if not self.is_restreaming:
            return []
        began_ms = now_ms if self._stopped_ms is None else self._stopped_ms
        self.gap_ms = now_ms - began_ms
        return self._conclude("sent", now_ms)

    def refused(self, now_ms: int) -> list[Told]:
        """The telephone company did not take them; the stream goes on."""
        return self._conclude("failed", now_ms) if self.is_restreaming else []

    def _collect(self, now_ms: int) -> None:
        self.state = State.COLLECTING
        self._due_ms = now_ms + self._config.collect_ms

    def _conclude(self, state: str, now_ms: int) -> list[Told]:
        told = [Told(one, state) for one in self._sent]
        self.state, self._sent, self._due_ms = State.IDLE, [], None
        if self._waiting:
            self._collect(now_ms)
        return told


def duration_ms(digits: str, config: KeysConfig) -> int:
    """Return how long it takes to press some keys.

    Args:
        digits: 0-9, * and #; w is half a second.
        config: durations.
    """
    n_pauses = digits.count("w")
    return n_pauses * config.pause_ms + (len(digits) - n_pauses) * config.key_ms

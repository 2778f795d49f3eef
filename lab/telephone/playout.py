"""What a call plays to its telephone: a first-in first-out buffer with marks.

Pure.  This is the far side of Media Streams' `media`, `mark` and `clear`: payloads of
any length are played one after the other, 160 bytes every 20 ms, silence in between.
"""

from collections import deque
from typing import Final

from realtime.audio.g711 import FRAME_SAMPLES, SILENCE_BYTE

MAX_QUEUED_BYTES: Final = 10 * 60 * 8000
"""Twilio buffers up to ten minutes and discards what goes beyond (error 31931)."""


class Playout:
    """One playout buffer.  Positions count bytes (= samples) since it was made."""

    def __init__(self) -> None:
        self._queue = bytearray()
        self._marks: deque[tuple[int, str]] = deque()
        self.played_bytes = 0
        """How much of what was pushed has been played."""
        self.cleared_bytes = 0
        """How much of what was pushed has been thrown away by `clear`."""

    @property
    def queued_bytes(self) -> int:
        """How much is waiting."""
        return len(self._queue)

    def push(self, payload: bytes) -> bool:
        """Queue audio.

        Args:
            payload: mu-law, any length.

        Returns:
            False if the buffer is full: nothing of it was queued.
        """
        if len(self._queue) + len(payload) > MAX_QUEUED_BYTES:
            return False
        self._queue += payload
        return True

    def mark(self, name: str) -> None:
        """Remember a mark behind everything that was queued so far."""
        self._marks.append((self._position + len(self._queue), name))

    def clear(self) -> list[str]:
        """Throw away what was not played.

        Returns:
            All marks that were waiting, in order: they come back at once.
        """
        self.cleared_bytes += len(self._queue)
        self._queue.clear()
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names

    def take(self) -> tuple[bytes, list[str]]:
        """Play the next 20 ms.

        Returns:
            160 bytes, filled up with silence, and the marks that are reached when
            they have been played.
        """
        frame = bytes(self._queue[:FRAME_SAMPLES])
        del self._queue[:FRAME_SAMPLES]
        self.played_bytes += len(frame)
        reached = []
        while self._marks and self._marks[0][0] <= self._position:
            reached.append(self._marks.popleft()[1])
        return frame.ljust(FRAME_SAMPLES, bytes([SILENCE_BYTE])), reached

    @property
    def _position(self) -> int:
        return self.played_bytes + self.cleared_bytes

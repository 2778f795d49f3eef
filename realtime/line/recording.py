"""The recorder of one call: what the callee heard, and what the callee said.

The left channel is what the telephone played to the callee, the right one what came
back from it, echo and all.  Both are the very frames that the call's clock has paired
(`realtime.line.ear.Tap`), so the channels are aligned to the sample, and where the line
was away there is silence: a place in the file is a place on the call's clock.

Nothing is recorded before the callee was told.  From then on the event loop only
appends to memory; about once a second a thread of the recorder's own writes that to the
disk.  A disk that is full, broken or too slow ends the recording, never the call.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import structlog

from calls import recordings, wav
from calls.models import Recording
from calls.recordings import Plan
from realtime.audio.g711 import FRAME_MS, SILENCE_FRAME, decode_mulaw

log = structlog.get_logger(__name__)

NOTICE_LINE: Final = "recording"
"""The sentence of our own that says so; see `realtime.opening.recording_notice`."""
BLOCK_MS: Final = 1000
"""What a crash can lose at the most, and how often the disk is asked."""
MAX_WAITING_MS: Final = 30_000
"""A disk that takes this long for one block will not catch up (0.5 MB of memory)."""
CLOSE_TIMEOUT_S: Final = 5.0
"""A call that is over does not wait longer for its recording."""


def interleave(heard: bytes, said: bytes) -> bytes:
    """Make two-channel PCM of two stretches of mu-law.

    Args:
        heard: what the callee heard, n bytes; becomes the left channel.
        said: what the callee said, n bytes; becomes the right channel.

    Returns:
        4n bytes: little-endian int16, left and right in turn.
    """
    pairs = np.empty((len(heard), wav.N_CHANNELS), "<i2")
    pairs[:, 0] = decode_mulaw(heard)
    pairs[:, 1] = decode_mulaw(said)
    return pairs.tobytes()


class RecordingFile:
    """A two-channel WAV file that grows.  Synchronous; one thread at a time.

    Args:
        path: the file; one that is there already is continued.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._n_bytes = 0

    def append(self, heard: bytes, said: bytes) -> None:
        """Write the next stretch: mu-law of both channels, equally long.

        Raises:
            OSError: it was not written, or not all of it.
        """
        file = self._file or self._open()
        pcm = interleave(heard, said)
        file.write(pcm)
        self._n_bytes += len(pcm)
        wav.write_sizes(file, self._n_bytes)
        file.flush()

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # of what could not be written before
                file.close()

    def _open(self) -> BinaryIO:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not "r+b": the file may not be there; not "a+b": the header is rewritten.
        number = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = file = os.fdopen(number, "r+b")
        self._n_bytes = wav.repair(file)
        return file


class Recorder:
    """Record one call, if its caller wished it and once its callee knows of it.

    Args:
        plan: whether, and which recording goes on after a restart.
        clock: the call's clock, ms (`CallSession.line_ms`).
        write: takes what has to be done in the database, in order.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        clock: Callable[[], int],
        write: Callable[[Callable[[], None]], None],
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._write = write
        self._file = RecordingFile(recordings.path_of(plan.recording_id))
        self._notice: dict[str, Any] = {}
        self._is_running = plan.started_ms is not None
        self._is_refused = False
        self._started_ms = plan.started_ms
        self._n_frames = plan.recorded_ms // FRAME_MS
        self._must_align = True
        self._heard = bytearray()
        self._said = bytearray()
        self._thread: ThreadPoolExecutor | None = None
        self._writing: asyncio.Future[None] | None = None
        self._waiting_ms = 0

    @property
    def is_running(self) -> bool:
        """What is said now is being kept."""
        return self._is_running

    def watch(self, kind: str, data: Mapping[str, Any]) -> None:
        """Learn from the call's events: what the callee was told, and new streams.

        Args:
            kind: of a `RecordEvent`.
            data: of the same.
        """
        if kind == "stream_started":
            self._must_align = True
        is_notice = kind == "line_spoken" and data.get("line") == NOTICE_LINE
        is_due = self._plan.is_wanted and self._started_ms is None
        is_due &= not self._is_refused
        if kind == "recording_consent" and data.get("answer") == "no":
            self._refuse()
        if is_notice and is_due and data.get("is_complete"):
            self._notice = {
                name: data.get(name) for name in ("language", "text", "ended_ms")
            }
            self._is_running = self._must_align = True

    def tap(self, heard: bytes, said: bytes) -> None:
        """Keep 20 ms: what the callee heard and what the callee said, mu-law."""
        if not self._is_running:
            return
        if self._must_align:
            self._align()
        self._heard += heard
        self._said += said
        self._n_frames += 1
        if self._writing is None:
            if len(self._heard) >= BLOCK_MS * wav.RATE_HZ // 1000:
                self._start_writing()
        else:
            self._waiting_ms += FRAME_MS
            if self._waiting_ms > MAX_WAITING_MS:
                self.stop(Recording.EndReason.DISK_SLOW)

    def stop(self, reason: str) -> None:
        """End the recording while the call goes on.

        Args:
            reason: one of `Recording.EndReason`.
        """
        if not self._is_running:
            return
        self._is_running = False
        self._heard.clear()
        self._said.clear()
        if self._started_ms is not None:
            self._note_end(reason)

    def _refuse(self) -> None:
        """The callee does not want it: stop, and delete what was kept so far."""
        self._is_refused = True
        self.stop(Recording.EndReason.REFUSED)
        if self._started_ms is None:
            return
        writing = self._writing
        if writing is None:
            self._delete()
        else:  # it may be creating the file this moment
            writing.add_done_callback(lambda _: self._delete())

    def _delete(self) -> None:
        self._let_go()
        recording_id = self._plan.recording_id
        self._write(
            lambda: recordings.delete(recording_id, by=Recording.DeletedBy.CALLEE)
        )

    async def close(self) -> None:
        """Write what is left, and note that the recording is complete."""
        await self._write_rest()
        self.stop(Recording.EndReason.COMPLETE)
        self._let_go()

    async def suspend(self) -> None:
        """Write what is left; the call may be taken up again and go on recording."""
        await self._write_rest()
        self._is_running = False
        self._let_go()

    # --- Inside ----------------------------------------------------------------------

    def _align(self) -> None:
        """Bring the file to the call's clock: a new stream's first frame is never late.

        Where the line was away, or the call without a session, there is silence.
        """
        self._must_align = False
        now_ms = max(0, self._clock() - FRAME_MS)
        if self._started_ms is None:
            self._started_ms = now_ms
            self._note_start(now_ms)
        missing = (now_ms - self._started_ms) // FRAME_MS - self._n_frames
        if missing > 0:
            self._heard += SILENCE_FRAME * missing
            self._said += SILENCE_FRAME * missing
            self._n_frames += missing

    def _start_writing(self) -> None:
        heard, self._heard = bytes(self._heard), bytearray()
        said, self._said = bytes(self._said), bytearray()
        self._waiting_ms = 0
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="recording")
        writing = self._thread.submit(self._file.append, heard, said)
        self._writing = asyncio.wrap_future(writing)
        self._writing.add_done_callback(self._on_written)

    def _on_written(self, writing: asyncio.Future[None]) -> None:
        self._writing = None
        error = None if writing.cancelled() else writing.exception()
        if error is not None:
            is_full = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)
            log.error("recording_not_written", error=repr(error))
            reason = Recording.EndReason
            self.stop(reason.DISK_FULL if is_full else reason.DISK_ERROR)

    async def _write_rest(self) -> None:
        """Wait for the block that is being written, then write the last one."""
        await self._written()
        if self._heard and self._is_running:
            self._start_writing()
            await self._written()

    async def _written(self) -> None:
        if self._writing is None:
            return
        done, _ = await asyncio.wait([self._writing], timeout=CLOSE_TIMEOUT_S)
        if not done:
            self.stop(Recording.EndReason.DISK_SLOW)
        await asyncio.sleep(0)  # `_on_written` runs no later than this

    def _let_go(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.submit(self._file.close)
            thread.shutdown(wait=False)

    def _note_start(self, at_ms: int) -> None:
        plan, notice = self._plan, dict(self._notice)
        self._write(
            lambda: recordings.start(
                plan.call_id, plan.recording_id, started_ms=at_ms, notice=notice
            )
        )

    def _note_end(self, reason: str) -> None:
        recording_id = self._plan.recording_id
        self._write(lambda: recordings.end(recording_id, reason=reason))

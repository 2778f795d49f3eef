"""The recorder: told first, aligned to the sample, and never in the call's way."""

import asyncio
import errno
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from pytest_django import Settings

from calls import recordings, wav
from calls.recordings import Plan
from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw, encode_mulaw
from realtime.line import recording
from realtime.line.recording import BLOCK_MS, MAX_WAITING_MS, Recorder, RecordingFile
from realtime.opening.recording_notice import NOTICE
from realtime.tests.fakes import eventually
from realtime.voice import lines

TOLD = {
    "line": "recording",
    "language": "ko",
    "text": NOTICE["ko"],
    "ended_ms": 5000,
    "is_complete": True,
}
FRAMES_A_BLOCK = BLOCK_MS // 20


def frame(number: int) -> bytes:
    """Return 20 ms of a code that says which frame it is; never silence."""
    return bytes([number % 127]) * 160


class Line:
    """A telephone line whose frames are numbered, and the call's clock beside it."""

    def __init__(self, plan: Plan) -> None:
        self.ms = 0
        self.n = 0
        self.noted: list[tuple[str, dict[str, Any]]] = []
        self.recorder = Recorder(plan, clock=lambda: self.ms, write=self._write)
        self.path = recordings.path_of(plan.recording_id)

    def _write(self, write: Callable[[], None]) -> None:
        write()

    def tick(self, n_frames: int = 1) -> None:
        """Let frames pass: the callee hears number n and says 1 more than that."""
        for _ in range(n_frames):
            self.ms += 20
            self.recorder.tap(frame(self.n), frame(self.n + 1))
            self.n += 1

    def tell(self, **changes: Any) -> None:
        self.recorder.watch("line_spoken", TOLD | changes)

    def channels(self) -> np.ndarray:
        with wave.open(str(self.path)) as file:
            assert file.getparams()[:3] == (2, 2, 8000)
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return pcm.reshape(-1, 2)

    def heard(self) -> list[int]:
        """Return which frames are in the left channel, -1 for silence."""
        return self._numbers(0)

    def said(self) -> list[int]:
        return self._numbers(1)

    def _numbers(self, channel: int) -> list[int]:
        one = self.channels()[:, channel].reshape(-1, 160)
        assert (one == one[:, :1]).all()  # no frame is cut in two
        codes = encode_mulaw(one[:, 0].copy())
        return [-1 if code == SILENCE_FRAME[0] else code for code in codes]


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def plan() -> Plan:
    return Plan(uuid4(), uuid4(), is_wanted=True)


@pytest.fixture
def line(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line(plan)
    note = line.noted.append

    def start(call_id: object, recording_id: object, **data: Any) -> None:
        assert (call_id, recording_id) == (plan.call_id, plan.recording_id)
        note(("start", data))

    def end(recording_id: object, **data: Any) -> None:
        assert recording_id == plan.recording_id
        note(("end", data))

    monkeypatch.setattr(recordings, "start", start)
    monkeypatch.setattr(recordings, "end", end)
    return line


# --- Told first ----------------------------------------------------------------------


async def test_nothing_is_kept_before_the_callee_was_told(line: Line) -> None:
    line.tick(70)
    assert not line.path.exists()
    line.tell()
    line.tick(10)
    await line.recorder.close()
    assert line.heard() == list(range(70, 80))
    [(kind, data), _] = line.noted
    assert (kind, data["started_ms"]) == ("start", 70 * 20)
    assert data["notice"] == {
        "language": "ko",
        "text": NOTICE["ko"],
        "ended_ms": 5000,
    }


@pytest.mark.parametrize("changes", [{"is_complete": False}, {"line": "greeting"}])
async def test_half_of_the_sentence_or_another_one_is_not_telling(
    line: Line, changes: dict[str, Any]
) -> None:
    line.tell(**changes)
    line.tick(FRAMES_A_BLOCK * 2)
    await line.recorder.close()
    assert not line.recorder.is_running
    assert not line.path.exists()
    assert line.noted == []


async def test_a_call_nobody_wants_recorded_is_not() -> None:
    line = Line(Plan(uuid4(), uuid4(), is_wanted=False))
    line.tell()
    line.tick(FRAMES_A_BLOCK * 2)
    await line.recorder.close()
    assert not line.path.exists()


async def test_being_told_twice_begins_once(line: Line) -> None:
    line.tell()
    line.tick(3)
    line.tell()
    line.tick(3)
    await line.recorder.close()
    assert line.heard() == [0, 1, 2, 3, 4, 5]
    assert [kind for kind, _ in line.noted] == ["start", "end"]


REFUSED = {"answer": "no", "utterance_id": "callee-1"}


async def test_who_does_not_want_it_is_not_kept(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = []

    def delete(recording_id: object, *, by: str) -> None:
        deleted.append(by)
        line.path.unlink(missing_ok=True)

    monkeypatch.setattr(recordings, "delete", delete)
    line.tell()
    line.tick(FRAMES_A_BLOCK + 10)  # a block is on its way to the disk
    line.recorder.watch("recording_consent", REFUSED)
    line.tick(FRAMES_A_BLOCK)
    assert not line.recorder.is_running
    await eventually(lambda: deleted)
    await line.recorder.close()
    assert not line.path.exists()
    assert deleted == ["callee"]
    assert [(kind, data.get("reason")) for kind, data in line.noted] == [
        ("start", None),
        ("end", "refused"),
    ]


async def test_a_refusal_before_it_began_keeps_it_from_beginning(line: Line) -> None:
    line.recorder.watch("recording_consent", REFUSED)
    line.tell()
    line.tick(FRAMES_A_BLOCK * 2)
    await line.recorder.close()
    assert not line.path.exists()
    assert line.noted == []


async def test_any_other_answer_lets_it_go_on(line: Line) -> None:
    line.tell()
    line.tick(5)
    line.recorder.watch("recording_consent", REFUSED | {"answer": "went_on"})
    line.tick(5)
    await line.recorder.close()
    assert line.heard() == list(range(10))


def test_it_can_be_said_in_every_language_we_speak() -> None:
    assert NOTICE.keys() == lines.LINES.keys()
    assert len(set(NOTICE.values())) == len(NOTICE)


# --- Aligned -------------------------------------------------------------------------


def test_left_is_what_was_heard_and_right_what_was_said() -> None:
    codes = bytes(c for c in range(256) if c != 0x7F)  # negative zero becomes zero
    pcm = np.frombuffer(recording.interleave(codes, codes[::-1]), "<i2").reshape(-1, 2)
    assert np.array_equal(pcm[:, 0], decode_mulaw(codes))
    assert encode_mulaw(pcm[:, 0].copy()) == codes  # nothing is lost
    assert encode_mulaw(pcm[:, 1].copy()) == codes[::-1]


async def test_both_channels_keep_every_frame_in_its_place(line: Line) -> None:
    line.tell()
    for _ in range(7):  # blocks are written while others come in
        line.tick(FRAMES_A_BLOCK - 3)
        await asyncio.sleep(0)
    await line.recorder.close()
    n = 7 * (FRAMES_A_BLOCK - 3)
    assert line.heard() == [k % 127 for k in range(n)]
    assert line.said() == [k % 127 for k in range(1, n + 1)]


async def test_where_the_line_was_away_there_is_silence(line: Line) -> None:
    line.tell()
    line.tick(5)
    line.recorder.watch("stream_started", {"stream": 2})
    line.ms += 1400
    line.tick(5)
    await line.recorder.close()
    assert line.heard() == [0, 1, 2, 3, 4] + [-1] * 70 + [5, 6, 7, 8, 9]
    assert line.said() == [1, 2, 3, 4, 5] + [-1] * 70 + [6, 7, 8, 9, 10]


async def test_frames_that_come_late_make_no_hole(line: Line) -> None:
    line.tell()
    line.tick(5)
    line.ms += 1000  # time has passed, and the frames of that time come now
    line.tick(3)
    await line.recorder.close()
    assert line.heard() == [0, 1, 2, 3, 4, 5, 6, 7]


async def test_after_a_restart_the_same_recording_goes_on(line: Line) -> None:
    line.tick(10)
    line.tell()
    line.tick(20)
    await line.recorder.suspend()
    assert [kind for kind, _ in line.noted] == ["start"]

    plan = line.recorder._plan
    later = Line(
        Plan(plan.call_id, plan.recording_id, is_wanted=True, started_ms=200,
             recorded_ms=400)
    )  # fmt: skip
    later.ms = 1000
    later.n = 50
    later.tick(2)
    await later.recorder.close()
    assert later.heard() == [*range(10, 30), *[-1] * 20, 50, 51]
    assert line.noted == [
        ("start", {"started_ms": 200, "notice": line.noted[0][1]["notice"]}),
        ("end", {"reason": ""}),
    ]


# --- Killed --------------------------------------------------------------------------


async def test_the_file_is_a_valid_one_after_each_block(line: Line) -> None:
    line.tell()
    for n_blocks in range(1, 4):
        line.tick(FRAMES_A_BLOCK)
        await eventually(lambda: line.recorder._writing is None)
        n = n_blocks * FRAMES_A_BLOCK
        assert line.heard() == [k % 127 for k in range(n)]
    await line.recorder.close()


@pytest.mark.parametrize("cut", [1, 3, 639, 640, 641, 5 * 640 - 1])
def test_what_a_kill_cut_off_is_continued_at_a_whole_frame(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "cut.wav"
    file = RecordingFile(path)
    file.append(b"".join(map(frame, range(10))), SILENCE_FRAME * 10)
    file.close()
    path.write_bytes(path.read_bytes()[:-cut])

    again = RecordingFile(path)
    again.append(frame(100), SILENCE_FRAME)
    again.close()
    with wave.open(str(path)) as opened:
        assert opened.getnframes() == 160 * (10 - (cut + 639) // 640 + 1)
        pcm = np.frombuffer(opened.readframes(10_000), "<i2").reshape(-1, 2)
    assert wav.HEADER_BYTES + pcm.nbytes == path.stat().st_size
    assert encode_mulaw(pcm[-160:, 0].copy()) == frame(100)


def test_a_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "recordings" / "x.wav")
    file.append(frame(1), frame(1))
    file.close()
    assert (tmp_path / "recordings").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "recordings" / "x.wav").stat().st_mode & 0o777 == 0o600


# --- The disk ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "disk_error")]
)
async def test_a_disk_that_takes_no_more_ends_the_recording_only(
    line: Line, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    line.tell()
    line.tick(FRAMES_A_BLOCK)
    await eventually(lambda: line.recorder._writing is None)

    def fail(self: RecordingFile, heard: bytes, said: bytes) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(RecordingFile, "append", fail)
    line.tick(FRAMES_A_BLOCK)
    await eventually(lambda: not line.recorder.is_running)
    line.tick(FRAMES_A_BLOCK)  # the call goes on
    await line.recorder.close()
    assert line.noted[1:] == [("end", {"reason": reason})]
    assert line.heard() == list(range(FRAMES_A_BLOCK))


async def test_the_last_block_may_be_the_one_that_fails(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: RecordingFile, heard: bytes, said: bytes) -> None:
        raise OSError(errno.ENOSPC, "no")

    monkeypatch.setattr(RecordingFile, "append", fail)
    line.tell()
    line.tick(3)
    await line.recorder.close()
    assert line.noted[1:] == [("end", {"reason": "disk_full"})]


async def test_a_disk_that_hangs_holds_up_neither_the_call_nor_the_memory(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def hang(self: RecordingFile, heard: bytes, said: bytes) -> None:
        goes_on.wait(60)

    monkeypatch.setattr(RecordingFile, "append", hang)
    monkeypatch.setattr(recording, "CLOSE_TIMEOUT_S", 0.05)
    line.tell()
    line.tick(FRAMES_A_BLOCK + MAX_WAITING_MS // 20)
    assert [kind for kind, _ in line.noted] == ["start"]
    line.tick()
    assert line.noted[1:] == [("end", {"reason": "disk_slow"})]
    assert not line.recorder._heard
    assert not line.recorder.is_running
    await line.recorder.close()
    goes_on.set()


async def test_it_stops_when_it_is_told_to(line: Line) -> None:
    line.tell()
    line.tick(5)
    line.recorder.stop("stopped")
    line.tick(5)
    await line.recorder.close()
    assert line.noted[1:] == [("end", {"reason": "stopped"})]
    assert not line.path.exists()

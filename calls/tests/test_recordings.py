"""Recordings: who hears them, in which parts, and when they are gone."""

import os
import re
import wave
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from calls import ranges, recordings, services, wav
from calls.models import Call, Recording, Status
from calls.tests.factories import make_call, make_user
from wigvo.models import User

SOUND = bytes(range(256)) * 500
"""Four seconds: 200 frames of 640 bytes."""
NOTICE = {"language": "ko", "text": "이 통화는 녹음됩니다.", "ended_ms": 4000}


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "recordings").mkdir()
    return tmp_path / "recordings"


@pytest.fixture
def call(alice: User) -> Call:
    return make_call(alice, status=Status.COMPLETED, record=True)


@pytest.fixture
def recorded(call: Call) -> Recording:
    return make_recording(call)


@pytest.fixture
def charlie(db: None) -> User:
    """Work in support."""
    return make_user("charlie", is_staff=True)


def make_recording(
    call: Call, sound: bytes = SOUND, *, ended: bool = True
) -> Recording:
    """Record a call, as a recorder does."""
    recording_id = uuid4()
    recordings.start(call.pk, recording_id, started_ms=4000, notice=NOTICE)
    write_file(recordings.path_of(recording_id), sound)
    if ended:
        recordings.end(recording_id)
    return Recording.objects.get(pk=recording_id)


def write_file(path: Path, sound: bytes) -> None:
    path.write_bytes(wav.header(len(sound)) + sound)


def url_of(call: Call) -> str:
    return f"/api/calls/{call.pk}/recording"


class Listener:
    """A browser's player, logged in as somebody."""

    def __init__(self, user: User | None) -> None:
        self.client = AsyncClient()
        if user is not None:
            self.client.force_login(user)

    def get(self, url: str, **headers: str) -> Any:
        """Ask, and take the whole body."""
        return async_to_sync(self._get)(url, headers)

    async def _get(self, url: str, headers: dict[str, str]) -> Any:
        answer = cast("Any", await self.client.get(url, headers=headers))
        if isinstance(answer, StreamingHttpResponse):
            body = [part async for part in cast("Any", answer)]
            answer.body = b"".join(body)  # type: ignore[attr-defined]
        else:
            answer.body = answer.content
        return answer


def in_words(call: Call) -> str:
    return recordings.state_of(Call.objects.get(pk=call.pk)).sentence


def kinds(call: Call) -> list[str]:
    return list(call.events.values_list("kind", flat=True))


# --- The file ------------------------------------------------------------------------


def test_anybody_can_read_the_format(tmp_path: Path) -> None:
    write_file(tmp_path / "x.wav", SOUND)
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 8000, len(SOUND) // 4)
        assert file.readframes(10**6) == SOUND
    assert wav.duration_ms(len(SOUND)) == 4000


@given(n_bytes=st.integers(0, len(SOUND) + wav.HEADER_BYTES))
def test_a_file_cut_off_anywhere_is_repaired(
    tmp_path_factory: pytest.TempPathFactory, n_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.wav"
    path.write_bytes(
        (wav.header(0) + SOUND)[:n_bytes]
    )  # sizes never brought up to date
    with path.open("r+b") as file:
        n_sound = wav.repair(file)
    assert n_sound == max(0, n_bytes - 44) // 640 * 640
    with wave.open(str(path)) as opened:
        assert opened.readframes(10**6) == SOUND[:n_sound]
    assert path.stat().st_size == 44 + n_sound


# --- What is known of it -------------------------------------------------------------


def test_how_the_callee_was_told_is_kept_with_the_call(recorded: Recording) -> None:
    event = recorded.call.events.get(kind="recording_started")
    assert event.data == {
        "recording": str(recorded.pk),
        "at_ms": 4000,
        "notice": NOTICE,
    }
    assert recorded.call.events.get(kind="recording_ended").data == {
        "duration_ms": 4000,
        "reason": "complete",
    }
    assert (recorded.duration_ms, recorded.started_ms) == (4000, 4000)


def test_writing_things_down_twice_changes_nothing(recorded: Recording) -> None:
    recordings.start(recorded.call_id, recorded.pk, started_ms=9, notice=NOTICE)
    recordings.end(recorded.pk, reason="disk_full")
    recorded.refresh_from_db()
    assert (recorded.started_ms, recorded.end_reason) == (4000, "")
    assert recordings.path_of(recorded.pk).exists()
    assert kinds(recorded.call) == ["recording_started", "recording_ended"]


def test_a_recorder_is_told_what_to_do(alice: User, bob: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS, record=True)
    fresh = recordings.plan_of(call)
    assert (fresh.is_wanted, fresh.started_ms, fresh.recorded_ms) == (True, None, 0)
    assert recordings.plan_of(call).recording_id != fresh.recording_id
    assert not recordings.plan_of(make_call(bob)).is_wanted

    begun = make_recording(call, SOUND[:-1], ended=False)
    resumed = recordings.plan_of(call)
    assert resumed.recording_id == begun.pk
    assert (resumed.is_wanted, resumed.started_ms) == (True, 4000)
    assert resumed.recorded_ms == 3980  # the last frame is not whole

    recordings.end(begun.pk)
    assert not recordings.plan_of(call).is_wanted


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", "Recorded, 0:04."),
        ("disk_full", "disk was full"),
        ("disk_slow", "too slow"),
        ("disk_error", "disk failed"),
        ("interrupted", "restarted"),
    ],
)
def test_it_says_how_long_it_is_and_why_it_stopped_early(
    call: Call, reason: str, words: str
) -> None:
    recording = make_recording(call, ended=False)
    recordings.end(recording.pk, reason=reason)
    assert words in in_words(call)
    assert "0:04" in in_words(call)


def test_it_says_where_there_is_none(alice: User) -> None:
    assert in_words(make_call(alice)) == "Not recorded"
    waiting = make_call(alice, record=True, status=Status.RINGING)
    assert in_words(waiting) == "Begins once the other side has been asked"
    over = make_call(alice, record=True, status=Status.BUSY)
    assert "had not been asked" in in_words(over)


def test_it_says_that_it_is_going_on(alice: User) -> None:
    call = make_call(alice, record=True, status=Status.IN_PROGRESS)
    make_recording(call, ended=False)
    assert in_words(call) == "Being recorded"
    services.record_status(call.pk, Status.COMPLETED)
    assert in_words(call) == "Being saved"


# --- Who may hear it -----------------------------------------------------------------


def test_its_owner_hears_it(alice: User, recorded: Recording) -> None:
    answer = Listener(alice).get(url_of(recorded.call))
    assert answer.status_code == 200
    assert answer.body == recordings.path_of(recorded.pk).read_bytes()
    assert answer["Content-Type"] == "audio/wav"
    assert answer["Content-Length"] == str(len(answer.body))
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Accept-Ranges"] == "bytes"
    assert "recording_heard" not in kinds(recorded.call)


def test_for_a_stranger_it_does_not_exist(bob: User, recorded: Recording) -> None:
    mine = make_call(bob, status=Status.COMPLETED)
    answers = [
        Listener(bob).get(url).content
        for url in (
            url_of(recorded.call),
            url_of(mine),
            f"/api/calls/{uuid4()}/recording",
        )
    ]
    assert Listener(bob).get(url_of(recorded.call)).status_code == 404
    assert len(set(answers)) == 1


def test_without_a_login_nobody_hears_it(recorded: Recording) -> None:
    assert Listener(None).get(url_of(recorded.call)).status_code == 401


def test_support_hears_it_and_leaves_one_trace(
    charlie: User, recorded: Recording
) -> None:
    for part in ("bytes=0-99", "bytes=100-"):
        answer = Listener(charlie).get(url_of(recorded.call), Range=part)
        assert answer.status_code == 206
    [heard] = recorded.call.events.filter(kind="recording_heard")
    assert heard.data == {"by": charlie.pk}


@pytest.mark.parametrize("prefix", ["/media/recordings", "/static/recordings"])
def test_its_file_is_served_to_nobody(
    alice: User, recorded: Recording, prefix: str
) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(f"{prefix}/{recorded.pk}.wav").status_code == 404


def test_the_file_is_not_named_after_the_call(recorded: Recording) -> None:
    assert recorded.pk != recorded.call_id
    assert recorded.pk.version == 4


def test_what_is_still_being_recorded_cannot_be_heard_yet(alice: User) -> None:
    call = make_call(alice, record=True, status=Status.IN_PROGRESS)
    make_recording(call, ended=False)
    answer = Listener(alice).get(url_of(call))
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "recording_not_ready"


def test_a_file_that_is_gone_is_not_found(alice: User, recorded: Recording) -> None:
    recordings.path_of(recorded.pk).unlink()
    assert Listener(alice).get(url_of(recorded.call)).status_code == 404


# --- Parts of it ---------------------------------------------------------------------

SIZE = 44 + len(SOUND)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=0-0", 0, 0),
        ("bytes=100-299", 100, 299),
        ("bytes= 100 - 299", 100, 299),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=100-99999999", 100, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        ("bytes=-99999999", 0, SIZE - 1),
    ],
)
def test_a_part_is_sent_where_a_part_is_asked_for(
    alice: User, recorded: Recording, asked: str, first: int, last: int
) -> None:
    answer = Listener(alice).get(url_of(recorded.call), Range=asked)
    whole = recordings.path_of(recorded.pk).read_bytes()
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer["Content-Length"] == str(last - first + 1)
    assert answer.body == whole[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=99999999-", "bytes=-0"])
def test_a_part_that_does_not_exist_is_refused(
    alice: User, recorded: Recording, asked: str
) -> None:
    answer = Listener(alice).get(url_of(recorded.call), Range=asked)
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "pages=1-2", "bytes=a-b"]
)
def test_what_is_no_single_range_gets_the_whole(
    alice: User, recorded: Recording, asked: str
) -> None:
    answer = Listener(alice).get(url_of(recorded.call), Range=asked)
    assert (answer.status_code, len(answer.body)) == (200, SIZE)


def test_a_part_of_another_version_is_not_mixed_in(
    alice: User, recorded: Recording
) -> None:
    listener, url = Listener(alice), url_of(recorded.call)
    etag = listener.get(url)["ETag"]
    part = listener.get(url, **{"Range": "bytes=0-9", "If-Range": etag})
    other = listener.get(url, **{"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (part.status_code, other.status_code) == (206, 200)


def test_its_size_can_be_asked_for_alone(alice: User, recorded: Recording) -> None:
    client = Client()
    client.force_login(alice)
    answer = client.head(url_of(recorded.call))
    assert answer.status_code == 200
    assert answer["Content-Length"] == str(SIZE)
    assert answer.content == b""


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(1, 10**9))
def test_no_header_leads_outside_the_file(header: str, size: int) -> None:
    try:
        part = ranges.parse(header, size)
    except ranges.UnsatisfiableError:
        return
    assert part is None or 0 <= part.first <= part.last < size


def test_a_long_recording_is_never_in_memory_as_a_whole(
    call: Call, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_recording(call)
    monkeypatch.setattr(ranges, "CHUNK_BYTES", 1000)
    client = AsyncClient()
    client.force_login(alice)

    async def sizes() -> list[int]:
        answer = cast("Any", await client.get(url_of(call)))
        return [len(part) async for part in answer]

    assert async_to_sync(sizes)() == [1000] * (SIZE // 1000) + [SIZE % 1000]


# --- Gone ----------------------------------------------------------------------------


def test_its_owner_deletes_it(alice: User, recorded: Recording) -> None:
    client = Client()
    client.force_login(alice)
    url = url_of(recorded.call)
    assert client.delete(url).status_code == 204
    assert not recordings.path_of(recorded.pk).exists()
    assert Listener(alice).get(url).status_code == 404
    assert client.delete(url).status_code == 404
    recorded.refresh_from_db()
    assert recorded.deleted_by == "owner"
    assert kinds(recorded.call)[-1] == "recording_deleted"
    assert in_words(recorded.call).startswith("Deleted on ")


def test_a_stranger_deletes_nothing(bob: User, recorded: Recording) -> None:
    client = Client()
    client.force_login(bob)
    page = reverse("calls:delete_recording", args=[recorded.call_id])
    assert client.delete(url_of(recorded.call)).status_code == 404
    assert client.post(page).status_code == 404
    assert recordings.path_of(recorded.pk).exists()


def test_support_deletes_it_and_is_named(charlie: User, recorded: Recording) -> None:
    client = Client()
    client.force_login(charlie)
    assert client.delete(url_of(recorded.call)).status_code == 204
    recorded.refresh_from_db()
    assert recorded.deleted_by == "staff"


def test_a_recording_that_is_going_on_is_stopped_and_deleted(
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(recordings, "notify", lambda *args: told.append(args))
    call = make_call(alice, record=True, status=Status.IN_PROGRESS)
    recording = make_recording(call, ended=False)
    with django_capture_on_commit_callbacks(execute=True):
        recordings.delete(recording.pk, by="owner")
    assert told == [(call.pk, {"kind": "stop_recording"})]
    assert not recordings.plan_of(call).is_wanted
    # The recorder's last block may come after that, and with it a new file.
    write_file(recordings.path_of(recording.pk), SOUND)
    recordings.end(recording.pk, reason="stopped")
    assert not recordings.path_of(recording.pk).exists()


def test_a_file_that_cannot_be_deleted_is_not_said_to_be(
    recorded: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        recordings.delete(recorded.pk, by="owner")
    recorded.refresh_from_db()
    assert recorded.deleted_at is None


@pytest.mark.parametrize("whose", ["call", "owner"])
def test_the_file_goes_with_the_call_and_with_its_owner(
    recorded: Recording,
    whose: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        if whose == "call":
            recorded.call.delete()
        else:
            recorded.call.owner.delete()
    assert not Recording.objects.exists()
    assert not recordings.path_of(recorded.pk).exists()


# --- By itself -----------------------------------------------------------------------


@pytest.mark.parametrize(("age_days", "is_kept"), [(29, True), (31, False)])
def test_it_is_deleted_when_its_time_is_up(
    recorded: Recording, age_days: int, is_kept: bool
) -> None:
    now = recorded.started_at + timedelta(days=age_days)
    assert recordings.delete_expired(now) == (0 if is_kept else 1)
    assert recordings.path_of(recorded.pk).exists() is is_kept
    if not is_kept:
        assert in_words(recorded.call).endswith("because its time was up")
        assert recordings.delete_expired(now) == 0


def test_without_a_limit_it_is_kept(recorded: Recording, settings: Settings) -> None:
    settings.RECORDING_RETENTION_DAYS = 0
    now = recorded.started_at + timedelta(days=9999)
    assert recordings.delete_expired(now) == 0


def test_what_another_node_keeps_is_not_said_to_be_deleted(alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED, node_url="http://other:8000")
    recording = make_recording(call)
    now = recording.started_at + timedelta(days=31)
    path = recordings.path_of(recording.pk)
    path.rename(elsewhere := path.with_suffix(".away"))
    assert recordings.delete_expired(now) == 0
    elsewhere.rename(path)  # as where nodes share the folder
    assert recordings.delete_expired(now) == 1


def test_a_recording_whose_recorder_was_killed_is_finished(
    alice: User, call: Call
) -> None:
    recording = make_recording(call, SOUND[:-100], ended=False)
    path = recordings.path_of(recording.pk)
    path.write_bytes(wav.header(0) + path.read_bytes()[44:])
    assert recordings.settle(timezone.now()) == 0  # its recorder may be at it
    assert recordings.settle(timezone.now() + timedelta(minutes=3)) == 1
    recording.refresh_from_db()
    assert (recording.duration_ms, recording.end_reason) == (3980, "interrupted")
    body = Listener(alice).get(url_of(call)).body
    assert body == wav.header(199 * 640) + SOUND[: 199 * 640]


def test_a_recording_of_a_live_call_is_left_alone(alice: User) -> None:
    call = make_call(alice, record=True, status=Status.IN_PROGRESS)
    make_recording(call, ended=False)
    assert recordings.settle(timezone.now() + timedelta(days=1)) == 0


def test_files_that_belong_to_nothing_are_cleared_away(
    recorded: Recording, folder: Path
) -> None:
    now = timezone.now()
    old, new = folder / f"{uuid4()}.wav", folder / f"{uuid4()}.wav"
    for path in (old, new, kept := recordings.path_of(recorded.pk)):
        path.touch()
    before = (now - timedelta(days=2)).timestamp()
    os.utime(old, (before, before))
    os.utime(kept, (before, before))
    assert recordings.delete_strays(now) == 1
    assert (old.exists(), new.exists(), kept.exists()) == (False, True, True)


def test_a_node_that_never_recorded_has_nothing_to_tend(db: None, folder: Path) -> None:
    folder.rmdir()
    recordings.tend_this_node()


# --- Pages and API -------------------------------------------------------------------


@pytest.fixture
def alices(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


FORM = {
    "country": "KR",
    "number": "02 555 0101",
    "caller_language": "en",
    "callee_language": "ko",
    "mode": "voice",
}


def is_ticked(html: str) -> bool:
    (box,) = re.findall(r'<input type="checkbox" name="record"[^>]*>', html)
    return "checked" in box


def test_nothing_is_recorded_unless_somebody_ticks_the_box(alices: Client) -> None:
    html = alices.get("/").content.decode()
    assert not is_ticked(html)
    assert "The other side is asked at the beginning" in html
    assert "deleted after 30 days" in html
    alices.post("/", FORM)
    assert not Call.objects.get().record


def test_a_ticked_box_is_a_wish(alices: Client) -> None:
    alices.post("/", {**FORM, "record": "on"})
    call = Call.objects.get()
    assert call.record
    assert not is_ticked(alices.get(f"/?again={call.pk}").content.decode())


def test_the_terms_follow_the_setting(alices: Client, settings: Settings) -> None:
    settings.RECORDING_RETENTION_DAYS = 0
    assert "kept until you delete it" in alices.get("/").content.decode()


def test_the_page_of_a_call_plays_its_recording(
    alices: Client, recorded: Recording
) -> None:
    html = alices.get(f"/calls/{recorded.call_id}/").content.decode()
    assert f'src="{url_of(recorded.call)}"' in html
    assert "Recorded, 0:04." in html


def test_the_page_of_a_call_deletes_its_recording(
    alices: Client, recorded: Recording
) -> None:
    page = f"/calls/{recorded.call_id}/"
    button = reverse("calls:delete_recording", args=[recorded.call_id])
    assert f'action="{button}"' in alices.get(page).content.decode()
    assert alices.get(button).status_code == 405
    for _ in range(2):
        answer = alices.post(button)
        assert (answer.status_code, answer["Location"]) == (302, page)
    html = alices.get(page).content.decode()
    assert "Deleted on" in html
    assert "<audio" not in html
    assert button not in html


def test_the_button_needs_its_csrf_token(alice: User, recorded: Recording) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    button = reverse("calls:delete_recording", args=[recorded.call_id])
    assert client.post(button).status_code == 403
    assert client.delete(url_of(recorded.call)).status_code == 403
    assert recordings.path_of(recorded.pk).exists()


def test_a_call_without_a_recording_offers_nothing(alices: Client, alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED)
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    assert "Not recorded" in html
    assert "<audio" not in html
    assert "/recording/delete/" not in html
    button = reverse("calls:delete_recording", args=[call.pk])
    assert alices.post(button).status_code == 302


def test_the_api_says_how_the_recording_stands(
    alices: Client, alice: User, recorded: Recording
) -> None:
    def stands(call: Call) -> Any:
        return alices.get(f"/api/calls/{call.pk}").json()["recording"]

    assert stands(recorded.call) == {
        "state": "recorded",
        "text": "Recorded, 0:04.",
        "url": url_of(recorded.call),
        "started_ms": 4000,
        "duration_ms": 4000,
        "deleted_at": None,
    }
    none = stands(make_call(alice))
    assert (none["state"], none["url"], none["duration_ms"]) == ("none", None, None)
    recordings.delete(recorded.pk, by="owner")
    gone = stands(recorded.call)
    assert (gone["state"], gone["url"]) == ("deleted", None)
    assert gone["deleted_at"]


def test_the_api_takes_the_wish(alices: Client) -> None:
    body = {
        "to_number": "+8225550101",
        "caller_language": "en",
        "callee_language": "ko",
        "record": True,
    }
    answer = alices.post("/api/calls", body, content_type="application/json")
    assert answer.status_code == 201
    assert Call.objects.get().record


def test_support_finds_it_in_the_admin(recorded: Recording) -> None:
    client = Client()
    client.force_login(make_user("support", is_staff=True, is_superuser=True))
    url = reverse("admin:calls_call_change", args=[recorded.call_id])
    assert f'href="{url_of(recorded.call)}"' in client.get(url).content.decode()


def test_every_reason_has_words(call: Call) -> None:
    for reason in Recording.EndReason:
        if reason:
            assert reason in recordings._STOPPED_EARLY
    with translation.override("en"):
        assert str(recordings.terms)

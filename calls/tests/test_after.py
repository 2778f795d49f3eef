"""The page of a call that is over: results, corrections, files, its end."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from calls import corrections, ics, plots, recordings, services, summaries, wav
from calls.corrections import CorrectionRefused
from calls.models import (
    AppendOnlyError,
    Call,
    Correction,
    Recording,
    Spent,
    Status,
    Summary,
    Utterance,
)
from calls.plots import Spoken
from calls.reports import Report
from calls.tests.factories import make_call, make_user
from calls.texts import ENGINE_NAMES
from realtime.engines.usage import Role
from wigvo.models import User

HTMX = {"HX-Request": "true"}
VISIT = {
    "title": "Doctor; first, visit",
    "starts_at": "2026-11-22T10:30:00+09:00",
    "place": "Clinic, 3F",
    "note": "Bring\nyour passport",
    "is_all_day": False,
    "utterance_ids": ["callee-1"],
}


@pytest.fixture
def call(alice: User) -> Call:
    """A call that is over and summed up."""
    call = make_call(
        alice,
        status=Status.COMPLETED,
        callee_name="Clinic",
        summary="The doctor sees you <tomorrow>.",
        outcome="success",
        answered_at=timezone.now() - timedelta(seconds=90),
        cost_usd="0.0512",
        cost_parts=[
            {
                "engine": "translate",
                "model": "tongue",
                "usd": 0.0512,
                "seconds": 90,
                "tokens": {},
            }
        ],
    )
    Summary.objects.create(
        call=call,
        state="done",
        language="en",
        content={
            "appointments": [VISIT],
            "numbers": [
                {"what": "Price", "value": "30,000 won", "utterance_ids": ["callee-1"]}
            ],
            "open_points": [{"text": "Ask about parking", "utterance_ids": ["gone"]}],
        },
        dropped=2,
    )
    for key, leg, original, translation, at in (
        (
            "callee-1",
            "callee",
            "내일 오전 열 시 반이요.",
            "Tomorrow at half past ten.",
            0,
        ),
        ("caller-2", "caller", "Thank you.", "감사합니다.", 3000),
    ):
        services.store_utterance(
            call.pk,
            utterance_id=key,
            leg=leg,
            original=original,
            translation=translation,
            started_ms=at,
            ended_ms=at + 2000,
            latency_ms=1200,
        )
    return call


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def bobs(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def said(call: Call, key: str = "callee-1") -> Utterance:
    return call.utterances.get(utterance_id=key)


def texts(call: Call) -> dict[str, tuple[str, str]]:
    rows = corrections.as_corrected(call)
    return {row.utterance_id: (row.original, row.translation) for row in rows}


# --- What came of it -----------------------------------------------------------------


def test_the_page_shows_what_came_of_it(alices: Client, call: Call) -> None:
    html = alices.get(call.get_absolute_url()).content.decode()
    assert "The doctor sees you &lt;tomorrow&gt;." in html
    assert "Sunday, Nov. 22, 2026, 10:30 a.m." in html
    assert "30,000 won" in html
    assert "2 points were left out" in html
    assert re.search(r'<a href="#u-callee-1"[^>]*>0:00</a>', html)
    assert "#u-gone" not in html
    assert "tongue" in html
    assert "0.0512" in html


def test_while_it_is_being_written_the_page_asks_again(
    alices: Client, call: Call
) -> None:
    Summary.objects.update(state="pending")
    html = alices.get(call.get_absolute_url()).content.decode()
    url = f"/calls/{call.pk}/report/"
    assert f'hx-get="{url}"' in html
    part = alices.get(url, headers=HTMX).content.decode()
    assert part.startswith('<section id="report"')
    assert "load delay:3s" in part
    Summary.objects.update(state="done")
    assert "load delay" not in alices.get(url, headers=HTMX).content.decode()


def test_without_one_the_page_says_why_and_tries_again(
    alices: Client,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(summaries, "hand_over", asked.append)
    Summary.objects.update(state="failed", code="limit")
    html = alices.get(call.get_absolute_url()).content.decode()
    assert "reached its limit" in html
    assert "word for word" in html
    url = f"/calls/{call.pk}/report/"
    with django_capture_on_commit_callbacks(execute=True):
        part = alices.post(url, headers=HTMX).content.decode()
    assert asked == [call.pk]
    assert "is being written" in part
    assert alices.post(url)["Location"].endswith("#report")


def test_a_call_that_nobody_answered_cannot_be_summed_up(
    alices: Client, alice: User
) -> None:
    call = make_call(alice, status=Status.NO_ANSWER)
    alices.post(f"/calls/{call.pk}/report/")
    assert not Summary.objects.exists()
    assert 'id="report"' not in alices.get(call.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "report/",
        "appointment-0.ics",
        "export.json",
        "export.txt",
        "delete/",
        "waveform/",
        "captions/callee-1/",
        "captions/callee-1/correct/",
    ],
)
def test_a_stranger_finds_nothing(bobs: Client, call: Call, path: str) -> None:
    url = f"/calls/{call.pk}/{path}"
    assert bobs.get(url).status_code == 404
    assert bobs.post(url).status_code in {404, 405}
    assert Client().get(url).status_code == 302
    assert Call.objects.filter(pk=call.pk).exists()


def test_the_page_asks_the_database_as_often_for_long_calls(
    alices: Client, call: Call, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        services.store_utterance(
            call.pk,
            utterance_id=f"x{n}",
            leg="callee",
            original="네",
            translation="Yes",
            started_ms=10_000 + n,
        )
    with django_assert_max_num_queries(16):
        alices.get(call.get_absolute_url())


def test_every_line_of_a_bill_has_a_name() -> None:
    assert {*Role, "telephone", "media_stream"} <= ENGINE_NAMES.keys()


# --- The calendar --------------------------------------------------------------------


def test_an_appointment_becomes_a_calendar_file(alices: Client, call: Call) -> None:
    response = alices.get(f"/calls/{call.pk}/appointment-0.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert 'filename="appointment-2026-11-22.ics"' in response["Content-Disposition"]
    text = response.content.decode()
    lines = text.replace("\r\n ", "").split("\r\n")
    assert "DTSTART:20261122T013000Z" in lines  # half past ten in Seoul
    assert "SUMMARY:Doctor\\; first\\, visit" in lines
    assert "LOCATION:Clinic\\, 3F" in lines
    [description] = [line for line in lines if line.startswith("DESCRIPTION:")]
    assert "Bring\\nyour passport\\n" in description
    assert str(call.pk) in description
    assert "\n" not in text.replace("\r\n", "")
    assert alices.get(f"/calls/{call.pk}/appointment-7.ics").status_code == 404


def test_it_is_the_same_event_each_time(alices: Client, call: Call) -> None:
    url = f"/calls/{call.pk}/appointment-0.ics"
    uids = {
        re.search(r"UID:\S+", alices.get(url).content.decode())[0]  # type: ignore[index]
        for _ in range(2)
    }
    assert len(uids) == 1


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (date(2026, 12, 31), "DTSTART;VALUE=DATE:20261231"),
        (datetime(2026, 11, 22, 10, 30), "DTSTART:20261122T103000"),  # noqa: DTZ001
        (
            datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Europe/Berlin")),
            "DTSTART:20260701T070000Z",
        ),
        (
            datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Europe/Berlin")),
            "DTSTART:20261201T080000Z",
        ),
    ],
)
def test_a_time_is_written_as_it_is_meant(at: date, line: str) -> None:
    lines = a_calendar(starts_at=at).split("\r\n")
    assert line in lines
    assert ("DTEND;VALUE=DATE:20270101" in lines) == (at == date(2026, 12, 31))


def a_calendar(**changes: object) -> str:
    fields = {
        "uid": "1",
        "title": "x",
        "starts_at": date(2026, 11, 22),
        "place": "",
        "description": "",
        "written_at": datetime(2026, 11, 21, tzinfo=UTC),
        **changes,
    }
    return ics.calendar(**fields)  # type: ignore[arg-type]


def test_lines_are_folded_between_letters() -> None:
    title = "진료 예약, " * 20 + "\\ end"
    text = a_calendar(title=title)
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert f"SUMMARY:{ics.escape(title)}\r\n" in text.replace("\r\n ", "")


def test_nobody_smuggles_another_event_in() -> None:
    text = a_calendar(title="x\r\nEND:VEVENT\r\nBEGIN:VEVENT\x00\x0b")
    assert text.split("\r\n").count("BEGIN:VEVENT") == 1
    assert "\x00" not in text
    assert "\x0b" not in text


# --- Corrections ---------------------------------------------------------------------


def test_a_caption_is_put_right_and_what_it_said_is_kept(
    alices: Client, call: Call, alice: User
) -> None:
    url = f"/calls/{call.pk}/captions/callee-1/correct/"
    assert "Tomorrow at half past ten." in alices.get(url).content.decode()
    answer = alices.post(
        url,
        {"original": said(call).original, "translation": "Tomorrow at 10:30 a.m."},
    )
    assert answer["Location"] == f"/calls/{call.pk}/#u-callee-1"
    row = Correction.objects.get()
    assert (row.part, row.before) == ("translation", "Tomorrow at half past ten.")
    assert row.by == alice
    assert said(call).translation == "Tomorrow at half past ten."
    assert texts(call)["callee-1"][1] == "Tomorrow at 10:30 a.m."
    html = alices.get(call.get_absolute_url()).content.decode()
    for text in ("Tomorrow at 10:30 a.m.", "Corrected", "<q>Tomorrow at half past ten"):
        assert text in html


def test_over_htmx_only_the_caption_changes(alices: Client, call: Call) -> None:
    url = f"/calls/{call.pk}/captions/callee-1/correct/"
    form = alices.get(url, headers=HTMX).content.decode()
    assert form.strip().startswith('<li id="u-callee-1"')
    said_now = alices.post(url, {"translation": "At 10:30."}, headers=HTMX)
    html = said_now.content.decode()
    assert html.startswith('<li id="u-callee-1"')
    assert "At 10:30." in html
    back = alices.get(f"/calls/{call.pk}/captions/callee-1/", headers=HTMX)
    assert "At 10:30." in back.content.decode()


def test_nothing_changed_is_said(alices: Client, call: Call) -> None:
    url = f"/calls/{call.pk}/captions/callee-1/correct/"
    answer = alices.post(url, {"translation": "Tomorrow at half past ten."})
    assert answer.status_code == 422
    assert "Nothing was changed." in answer.content.decode()
    assert alices.post(url, {"translation": "  \0 "}).status_code == 422
    assert not Correction.objects.exists()


def test_a_live_call_is_not_corrected(alices: Client, alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.store_utterance(
        call.pk,
        utterance_id="u1",
        leg="callee",
        original="네",
        translation="Yes",
        started_ms=0,
    )
    url = f"/calls/{call.pk}/captions/u1/correct/"
    assert alices.post(url, {"translation": "No"}).status_code == 404


def test_corrections_follow_each_other_and_are_never_changed(
    call: Call, alice: User
) -> None:
    corrections.correct(said(call), "translation", "One", by=alice)
    corrections.correct(said(call), "translation", "Two", by=alice)
    first, second = Correction.objects.all()
    assert second.before == "One"
    assert texts(call)["callee-1"][1] == "Two"
    with pytest.raises(CorrectionRefused):
        corrections.correct(said(call), "translation", "Two", by=alice)
    with pytest.raises(AppendOnlyError):
        first.save()
    with pytest.raises(AppendOnlyError):
        Correction.objects.update(text="x")


def test_what_somebody_has_put_right_is_no_longer_in_doubt(
    call: Call, alice: User
) -> None:
    Utterance.objects.update(uncertain=[[0, 4]])
    corrections.correct(said(call), "translation", "Surely", by=alice)
    corrections.correct(said(call, "caller-2"), "original", "Thanks", by=alice)
    doubts = {u.utterance_id: u.uncertain for u in corrections.as_corrected(call)}
    assert doubts == {"callee-1": [], "caller-2": [[0, 4]]}


# --- To take away --------------------------------------------------------------------


def test_a_call_is_saved_as_json(alices: Client, call: Call, alice: User) -> None:
    corrections.correct(said(call), "translation", "At 10:30.", by=alice)
    response = alices.get(f"/calls/{call.pk}/export.json")
    assert "attachment" in response["Content-Disposition"]
    body = json.loads(response.content)
    assert body["summary"] == call.summary
    first = body["utterances"][0]
    assert first["translation"] == "At 10:30."
    assert first["corrections"][0]["before"] == "Tomorrow at half past ten."
    assert body["report"]["numbers"][0]["value"] == "30,000 won"
    assert body.keys() == alices.get(f"/api/calls/{call.pk}").json().keys()


def test_a_call_is_saved_as_text(alices: Client, call: Call) -> None:
    response = alices.get(f"/calls/{call.pk}/export.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("Clinic\n+82 2-555-0101\n")
    assert "[0:00] Clinic: Tomorrow at half past ten.\n        내일" in text
    assert "- Price: 30,000 won [0:00]" in text
    assert "- 2026-11-22 10:30:00+09:00, Doctor; first, visit" in text


def test_what_was_not_understood_says_so_and_cannot_be_put_right(
    alices: Client, call: Call
) -> None:
    call.utterances.create(utterance_id="mumble", leg="callee", started_ms=9000)
    html = alices.get(call.get_absolute_url()).content.decode()
    assert "<em>Not understood</em>" in html
    assert "captions/mumble/correct" not in html
    text = alices.get(f"/calls/{call.pk}/export.txt").content.decode()
    assert "[0:09] Clinic: Not understood" in text
    url = f"/calls/{call.pk}/captions/mumble/correct/"
    assert alices.get(url).status_code == 200
    assert alices.post(url, {"original": "Surely this"}).status_code == 422


# --- Away with it --------------------------------------------------------------------


def test_a_call_is_deleted_after_a_question(
    alices: Client, call: Call, django_capture_on_commit_callbacks: Any
) -> None:
    recording = recorded(call)
    path = recordings.path_of(recording.pk)
    page = alices.get(f"/calls/{call.pk}/delete/").content.decode()
    assert "cannot be undone" in page
    assert "the recording" in page
    with django_capture_on_commit_callbacks(execute=True):
        answer = alices.post(f"/calls/{call.pk}/delete/")
    assert answer["Location"] == "/calls/"
    assert "The call was deleted." in alices.get("/calls/").content.decode()
    assert not Call.objects.filter(pk=call.pk).exists()
    assert not Utterance.objects.exists()
    assert not Summary.objects.exists()
    assert not path.exists()


def test_deleting_calls_buys_no_new_ones(call: Call, alice: User) -> None:
    spent, left = services.spent_today(alice), services.usd_left(alice)
    assert spent.total_seconds() == pytest.approx(90, abs=1)
    services.delete_call(call)
    assert services.spent_today(alice).total_seconds() == int(spent.total_seconds())
    assert services.usd_left(alice) == left
    assert Spent.objects.get().usd == Decimal("0.0512")


def test_a_call_of_long_ago_leaves_no_trace(call: Call, alice: User) -> None:
    old = timezone.now() - timedelta(days=3)
    Call.objects.update(answered_at=old, ended_at=old)
    Spent.objects.create(owner=alice, at=old, seconds=5)
    services.delete_call(call)
    assert not Spent.objects.exists()


def test_a_call_that_goes_on_is_not_deleted(alices: Client, alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    alices.post(f"/calls/{call.pk}/delete/")
    assert Call.objects.filter(pk=call.pk).exists()


# --- The recording's picture ---------------------------------------------------------


def recorded(call: Call) -> Recording:
    """Give a call a recording: a second of sound to them, then a second of them."""
    recording = Recording.objects.create(
        call=call, started_ms=0, duration_ms=2000, ended_at=timezone.now()
    )
    sound = np.zeros((16_000, 2), "<i2")
    sound[:8000, 0] = 32_000
    sound[8000:, 1] = 8_000
    path = recordings.path_of(recording.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav.header(sound.nbytes) + sound.tobytes())
    return recording


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def tops(path: str) -> list[float]:
    return [float(top) for top in re.findall(r"V([\d.]+)", path)]


def test_a_waveform_shows_both_channels(call: Call) -> None:
    path = recordings.path_of(recorded(call).pk)
    ours, theirs = (tops(channel) for channel in plots.waveform(path, 2000))
    assert len(ours) == len(theirs) == plots.N_PEAKS
    assert max(ours[:245]) > 49
    assert max(ours[255:]) == 0.5
    assert max(theirs[:245]) == 0.5
    assert 24 < max(theirs[255:]) < 26  # the root of a quarter


def test_the_page_brings_the_waveform_and_where_each_caption_begins(
    alices: Client, call: Call
) -> None:
    recorded(call)
    html = alices.get(call.get_absolute_url()).content.decode()
    assert 'data-seek="3000"' in html
    assert 'data-from="3000" data-to="5000"' in html
    picture = alices.get(f"/calls/{call.pk}/waveform/")
    assert picture.content.count(b"<path") == 2
    assert "private" in picture["Cache-Control"]


def test_without_a_recording_there_is_no_waveform(alices: Client, call: Call) -> None:
    assert alices.get(f"/calls/{call.pk}/waveform/").status_code == 404
    html = alices.get(call.get_absolute_url()).content.decode()
    assert "data-seek" not in html
    recording = recorded(call)
    recordings.path_of(recording.pk).unlink()
    assert alices.get(f"/calls/{call.pk}/waveform/").status_code == 404


@pytest.mark.parametrize("n_bytes", [0, 44, 46])
def test_a_file_with_nothing_in_it_has_no_waveform(
    tmp_path: Path, n_bytes: int
) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(bytes(n_bytes))
    assert plots.waveform(path, 1000) == ()


# --- Who spoke when ------------------------------------------------------------------


def test_a_timeline_has_a_lane_for_each_who_spoke() -> None:
    line = plots.timeline(
        [
            Spoken("caller", 0, 1000, 800),
            Spoken("callee", 2000, 4000, 3100),
            Spoken("caller", 8000, 10_000, 1200, is_lost=True),
        ],
        ["caller", "callee", "agent"],
    )
    assert line is not None
    assert [lane.leg for lane in line.lanes] == ["caller", "callee"]
    mine, theirs = line.lanes
    assert [(bar.x, bar.width, bar.is_lost) for bar in mine.bars] == [
        (0, 100, False),
        (800, 200, True),
    ]
    assert (mine.spoken_s, mine.typical_ms, mine.worst_ms) == (3, 1200, 1200)
    assert line.scale_s == 4
    assert theirs.dots[0].height == pytest.approx(77.5)
    assert [tick.text for tick in line.ticks] == ["0:00", "0:05", "0:10"]


def test_without_speech_there_is_no_timeline() -> None:
    assert plots.timeline([], ["caller"]) is None


@pytest.mark.parametrize("end_s", [1, 40, 600, 3300])
def test_a_long_call_has_no_more_marks_than_fit(end_s: int) -> None:
    line = plots.timeline([Spoken("caller", 0, end_s * 1000)], ["caller"])
    assert line is not None
    assert 1 <= len(line.ticks) <= plots.MAX_TICKS + 1
    assert line.lanes[0].typical_ms is None


def test_numbers_in_drawings_have_points_in_every_language(
    alices: Client, call: Call, language: str
) -> None:
    html = alices.get(
        call.get_absolute_url(), headers={"Accept-Language": language}
    ).content.decode()
    svg = re.search(r'<svg class="timeline__lane.*?</svg>', html, re.DOTALL)
    assert svg
    assert not re.search(r'(?:x|width|y\d)="[\d]*,', svg[0])


# --- Calls that somebody else made ---------------------------------------------------


def test_of_a_call_that_came_in_the_number_is_who_called(
    alices: Client, call: Call
) -> None:
    Call.objects.update(
        direction="inbound",
        from_number="+821012345678",
        callee_name="",
        result={
            "messages": [
                {"name": "Kim", "message": "Call back.", "urgency": "high"},
            ]
        },
    )
    html = alices.get(call.get_absolute_url()).content.decode()
    assert "Call from +82 10-1234-5678" in html
    assert "<br>Call back." in html
    assert "urgent" in html
    assert "+82 10-1234-5678" in alices.get("/calls/").content.decode()
    text = alices.get(f"/calls/{call.pk}/export.txt").content.decode()
    assert text.startswith("+82 10-1234-5678\n")
    assert "- Kim: Call back." in text


def test_who_hides_their_number_has_none(alices: Client, call: Call) -> None:
    Call.objects.update(direction="inbound", from_number="", callee_name="")
    assert "withheld number" in alices.get(call.get_absolute_url()).content.decode()
    assert alices.get("/calls/").status_code == 200
    text = alices.get(f"/calls/{call.pk}/export.txt").content.decode()
    assert text.startswith("Number withheld\n")


# --- REST ----------------------------------------------------------------------------


def test_rest_shows_the_report(alices: Client, call: Call) -> None:
    report = alices.get(f"/api/calls/{call.pk}").json()["report"]
    assert report["state"] == "done"
    assert report["time_zone"] == "Asia/Seoul"
    assert report["appointments"][0]["starts_at"] == VISIT["starts_at"]
    assert report["dropped"] == 2


def test_a_report_with_a_date_that_is_none_is_shown_all_the_same(
    alices: Client, call: Call
) -> None:
    noted = {"appointments": [{"what": "Visit", "date": "soon", "time": "late"}]}
    Call.objects.update(result=noted)
    assert len(Report.of(call).appointments) == 1  # of the summary, read before
    call.refresh_from_db()
    html = alices.get(call.get_absolute_url()).content.decode()
    assert "soon late" in html
    n = [r.item.title for r in Report.of(call).appointments].index("Visit")
    assert alices.get(f"/calls/{call.pk}/appointment-{n}.ics").status_code == 404


def test_a_stranger_s_export_is_not_there_for_staff_either(call: Call) -> None:
    client = Client()
    client.force_login(make_user("support", is_staff=True))
    assert client.get(f"/calls/{call.pk}/export.json").status_code == 404
    assert client.get(f"/calls/{uuid4()}/export.json").status_code == 404

"""Twilio's requests to us: verified, idempotent, harmless when wrong."""

import uuid
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from calls import services, tasks, webhooks
from calls.models import Call, Outcome, Status
from calls.tests.conftest import post_signed, sign
from calls.tests.factories import make_call, make_sid
from wigvo.models import User

FACES = ["voice", "status", "amd", "resume", "recording"]


def verbs(response: HttpResponse) -> list[str]:
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/xml")
    return [verb.tag for verb in ET.fromstring(response.content)]


def reloaded(call: Call) -> Call:
    return Call.objects.get(pk=call.pk)


# --- Who may come in -----------------------------------------------------------------


@pytest.mark.parametrize("face", FACES)
def test_the_addresses_are_the_contracts(face: str) -> None:
    call_id = uuid.uuid4()
    assert reverse(f"twilio:{face}", args=[call_id]) == f"/twilio/{face}/{call_id}"
    assert reverse("twilio:incoming") == "/twilio/incoming"


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("signature", [None, "", "forged", "c2lnbmVk"])
def test_it_rejects_what_twilio_did_not_sign(
    alice: User, face: str, signature: str | None
) -> None:
    call = make_call(alice, status=Status.RINGING)
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    response = Client(enforce_csrf_checks=True).post(
        f"/twilio/{face}/{call.pk}",
        {"CallSid": call.twilio_sid, "CallStatus": "completed"},
        headers=headers,
    )
    assert response.status_code == 403
    assert reloaded(call).status == Status.RINGING
    assert not call.events.exists()


def test_it_rejects_a_signature_of_another_call(alice: User) -> None:
    mine, other = make_call(alice, status="ringing"), make_call(alice, status="ringing")
    form = {"CallSid": str(mine.twilio_sid), "CallStatus": "completed"}
    signature = sign(f"/twilio/status/{mine.pk}", form)
    response = Client().post(
        f"/twilio/status/{other.pk}", form, headers={"X-Twilio-Signature": signature}
    )
    assert response.status_code == 403


@pytest.mark.parametrize("face", FACES)
def test_it_rejects_get(alice: User, face: str) -> None:
    call = make_call(alice, status=Status.RINGING)
    path = f"/twilio/{face}/{call.pk}"
    signature = sign(path, {})
    headers = {"X-Twilio-Signature": signature}
    assert Client().get(path, headers=headers).status_code == 405


def test_it_rejects_large_bodies(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    response = post_signed(
        f"/twilio/status/{call.pk}",
        CallSid=call.twilio_sid,
        CallStatus="completed",
        Junk="x" * webhooks.MAX_BODY_BYTES,
    )
    assert response.status_code == 413
    assert reloaded(call).status == Status.RINGING


def test_it_needs_no_csrf_token(alice: User) -> None:
    call = make_call(alice, status=Status.QUEUED)
    form = {"CallSid": str(call.twilio_sid), "CallStatus": "ringing"}
    path = f"/twilio/status/{call.pk}"
    response = Client(enforce_csrf_checks=True).post(
        path, form, headers={"X-Twilio-Signature": sign(path, form)}
    )
    assert response.status_code == 204


# --- Voice ---------------------------------------------------------------------------


def test_voice_connects_the_stream(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    response = post_signed(f"/twilio/voice/{call.pk}", CallSid=call.twilio_sid)
    assert verbs(response) == ["Connect", "Redirect"]
    call = reloaded(call)
    assert call.status == Status.IN_PROGRESS
    assert call.answered_at is not None


def test_voice_gives_each_stream_a_token_of_its_own(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    first, second = (
        post_signed(f"/twilio/voice/{call.pk}", CallSid=call.twilio_sid).content
        for _ in range(2)
    )
    assert first != second


def test_voice_learns_the_sid_if_it_comes_before_the_answer_to_create(
    alice: User,
) -> None:
    call = make_call(alice, status=Status.QUEUED, twilio_sid=None)
    sid = make_sid()
    response = post_signed(f"/twilio/voice/{call.pk}", CallSid=sid)
    assert verbs(response) == ["Connect", "Redirect"]
    assert reloaded(call).twilio_sid == sid


@pytest.mark.parametrize("face", ["voice", "resume"])
def test_a_call_that_is_over_is_hung_up(alice: User, face: str) -> None:
    call = make_call(alice, status=Status.CANCELED)
    response = post_signed(f"/twilio/{face}/{call.pk}", CallSid=call.twilio_sid)
    assert verbs(response) == ["Hangup"]
    assert reloaded(call).status == Status.CANCELED


@pytest.mark.parametrize("face", ["voice", "resume"])
def test_an_unknown_call_is_hung_up(db: None, face: str) -> None:
    response = post_signed(f"/twilio/{face}/{uuid.uuid4()}", CallSid=make_sid())
    assert verbs(response) == ["Hangup"]


@pytest.mark.parametrize("face", ["voice", "resume"])
@pytest.mark.parametrize("sid", ["", make_sid()])
def test_another_telephone_call_is_hung_up(alice: User, face: str, sid: str) -> None:
    call = make_call(alice, status=Status.RINGING)
    response = post_signed(f"/twilio/{face}/{call.pk}", CallSid=sid)
    assert verbs(response) == ["Hangup"]
    assert reloaded(call).status == Status.RINGING


def test_a_draft_is_never_connected(alice: User) -> None:
    call = make_call(alice)
    response = post_signed(f"/twilio/voice/{call.pk}", CallSid=make_sid())
    assert verbs(response) == ["Hangup"]
    assert reloaded(call).twilio_sid is None


def test_incoming_calls_are_told_that_nobody_is_here(db: None) -> None:
    response = post_signed("/twilio/incoming", CallSid=make_sid(), To="+12025550100")
    assert verbs(response) == ["Say", "Say", "Hangup"]
    root = ET.fromstring(response.content)
    assert [say.get("language") for say in root[:2]] == ["ko-KR", "en-US"]
    assert not Call.objects.exists()


# --- Status --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("initiated", Status.QUEUED),
        ("ringing", Status.RINGING),
        ("in-progress", Status.IN_PROGRESS),
        ("completed", Status.COMPLETED),
        ("busy", Status.BUSY),
        ("no-answer", Status.NO_ANSWER),
        ("failed", Status.FAILED),
        ("canceled", Status.CANCELED),
    ],
)
def test_status_is_stored(alice: User, word: str, status: Status) -> None:
    call = make_call(alice, status=Status.QUEUED)
    response = post_signed(
        f"/twilio/status/{call.pk}",
        CallSid=call.twilio_sid,
        CallStatus=word,
        SequenceNumber="1",
    )
    assert (response.status_code, response.content) == (204, b"")
    assert reloaded(call).status == status


def test_late_and_repeated_reports_are_harmless(alice: User) -> None:
    call = make_call(alice, status=Status.QUEUED)
    for word, sequence in [("completed", 3), ("ringing", 1), ("completed", 3)]:
        post_signed(
            f"/twilio/status/{call.pk}",
            CallSid=call.twilio_sid,
            CallStatus=word,
            SequenceNumber=sequence,
            CallDuration="12",
        )
    call = reloaded(call)
    assert call.status == Status.COMPLETED
    assert call.duration_s == 12
    assert call.events.filter(kind="status").count() == 1


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"CallStatus": "busy"}, "busy"),
        ({"CallStatus": "no-answer"}, "no_answer"),
        ({"CallStatus": "failed", "SipResponseCode": "404"}, "invalid_number"),
        ({"CallStatus": "failed", "ErrorCode": "13227"}, "country_blocked"),
        ({"CallStatus": "failed"}, "unreachable"),
        ({"CallStatus": "completed"}, ""),
    ],
)
def test_the_reason_is_stored(alice: User, report: dict[str, str], reason: str) -> None:
    call = make_call(alice, status=Status.RINGING)
    post_signed(f"/twilio/status/{call.pk}", CallSid=call.twilio_sid, **report)
    assert reloaded(call).reason == reason


@pytest.mark.parametrize(
    "report",
    [
        {"CallStatus": "exploded"},
        {},
        {"CallStatus": "ringing", "SequenceNumber": "١"},
        {"CallStatus": "ringing", "SequenceNumber": "-5"},
        {"CallStatus": "ringing", "SequenceNumber": "9" * 40},
        {"CallStatus": "failed", "ErrorCode": "x", "SipResponseCode": ""},
    ],
)
def test_odd_reports_are_taken_calmly(alice: User, report: dict[str, str]) -> None:
    call = make_call(alice, status=Status.QUEUED)
    response = post_signed(
        f"/twilio/status/{call.pk}", CallSid=call.twilio_sid, **report
    )
    assert response.status_code == 204
    assert reloaded(call).last_sequence == -1


def test_reports_about_unknown_calls_are_answered(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    for path in (f"/twilio/status/{uuid.uuid4()}", f"/twilio/status/{call.pk}"):
        response = post_signed(path, CallSid=make_sid(), CallStatus="completed")
        assert response.status_code == 204
    assert reloaded(call).status == Status.RINGING


def test_what_was_dialled_after_we_gave_up_is_hung_up(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(webhooks, "run_task", lambda *args: asked.append(args))
    call = make_call(alice, status=Status.FAILED, twilio_sid=None)
    sid = make_sid()
    post_signed(f"/twilio/status/{call.pk}", CallSid=sid, CallStatus="ringing")
    assert asked == [(tasks.hang_up, sid)]
    post_signed(f"/twilio/status/{call.pk}", CallSid=sid, CallStatus="completed")
    assert len(asked) == 1
    assert reloaded(call).status == Status.FAILED


# --- The others ----------------------------------------------------------------------


def test_the_machine_verdict_is_stored(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    for _ in range(2):
        response = post_signed(
            f"/twilio/amd/{call.pk}",
            CallSid=call.twilio_sid,
            AnsweredBy="machine_start",
        )
        assert response.status_code == 204
    assert reloaded(call).answered_by == "voicemail"
    assert call.events.filter(kind="answered_by").count() == 1


@pytest.mark.parametrize("status", [Status.RINGING, Status.IN_PROGRESS])
def test_resume_streams_a_live_call_again(alice: User, status: Status) -> None:
    call = make_call(alice, status=status)
    response = post_signed(f"/twilio/resume/{call.pk}", CallSid=call.twilio_sid)
    assert verbs(response) == ["Connect", "Redirect"]
    assert call.events.filter(kind="resumed").count() == 1


def test_a_stream_that_keeps_breaking_ends_the_call(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    answers = [
        verbs(post_signed(f"/twilio/resume/{call.pk}", CallSid=call.twilio_sid))
        for _ in range(webhooks.MAX_RESUMES_PER_MINUTE * 2 + 1)
    ]
    assert answers[0] == ["Connect", "Redirect"]
    assert answers[-1] == ["Hangup"]
    call = reloaded(call)
    assert (call.status, call.outcome, call.reason) == (
        Status.FAILED,
        Outcome.PARTIAL,
        "media_lost",
    )


def test_streams_that_we_replace_ourselves_do_not_count(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.begin_restream(call.pk, 60)
    for _ in range(webhooks.MAX_RESUMES_PER_MINUTE * 2 + 1):
        response = post_signed(f"/twilio/resume/{call.pk}", CallSid=call.twilio_sid)
        assert verbs(response) == ["Connect", "Redirect"]
    assert reloaded(call).status == Status.IN_PROGRESS


def test_a_call_that_ends_while_its_stream_is_replaced_has_ended(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.begin_restream(call.pk, 60)
    post_signed(
        f"/twilio/status/{call.pk}", CallSid=call.twilio_sid, CallStatus="completed"
    )
    response = post_signed(f"/twilio/resume/{call.pk}", CallSid=call.twilio_sid)
    assert verbs(response) == ["Hangup"]


def test_a_recording_is_noted(alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED)
    response = post_signed(
        f"/twilio/recording/{call.pk}",
        CallSid=call.twilio_sid,
        RecordingSid="RE1",
        RecordingStatus="completed",
        RecordingDuration="31",
    )
    assert response.status_code == 204
    event = call.events.get(kind="recording")
    assert event.data == {"sid": "RE1", "status": "completed", "duration_s": 31}

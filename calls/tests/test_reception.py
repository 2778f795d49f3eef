"""Calls to our numbers: who answers, what is kept, and what stops nobody."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls import reception, services
from calls.models import Call, Direction, Mode, Outcome, ReceptionLine, Status
from calls.reception import Reply
from calls.spoken import Sentence, say
from calls.tests.conftest import FakeTwilio, post_signed
from calls.tests.factories import (
    CLINIC,
    OUR_NUMBER,
    RESTAURANT,
    make_call,
    make_line,
    make_sid,
    make_user,
)
from realtime.voice.lines import LINES
from wigvo.models import User


@pytest.fixture
def line(alice: User) -> ReceptionLine:
    return make_line(alice)


@pytest.fixture
def prewarmed() -> Iterator[list[UUID]]:
    """What a node was told to get ready for."""
    told: list[UUID] = []
    reception.register_prewarm(told.append)
    yield told
    reception.register_prewarm(None)


def ring(sid: str = "", **changes: Any) -> HttpResponse:
    form = {"CallSid": sid or make_sid(), "To": OUR_NUMBER, "From": RESTAURANT}
    return post_signed("/twilio/incoming", **{**form, **changes})


def root(response: HttpResponse) -> ET.Element:
    assert response.status_code == 200
    return ET.fromstring(response.content)


def verbs(response: HttpResponse) -> list[str]:
    return [verb.tag for verb in root(response)]


def said(response: HttpResponse) -> list[str]:
    return [verb.text or "" for verb in root(response) if verb.tag == "Say"]


# --- The webhook ---------------------------------------------------------------------


def test_a_line_answers_with_a_stream(
    line: ReceptionLine, prewarmed: list[UUID]
) -> None:
    sid = make_sid()
    response = ring(sid)
    assert verbs(response) == ["Connect", "Redirect"]
    call = Call.objects.get()
    assert (call.direction, call.mode) == (Direction.INBOUND, Mode.AGENT)
    assert (call.status, call.owner) == (Status.IN_PROGRESS, line.owner)
    assert (call.from_number, call.to_number) == (RESTAURANT, OUR_NUMBER)
    assert (call.caller_language, call.callee_language) == ("en", "ko")
    assert (call.twilio_sid, call.line) == (sid, line)
    assert call.answered_at is not None
    assert prewarmed == [call.pk]
    parameters = root(response).iter("Parameter")
    assert {p.get("name") for p in parameters} == {"call", "token"}


def test_twilio_may_ask_twice_about_one_call(
    line: ReceptionLine, prewarmed: list[UUID]
) -> None:
    sid = make_sid()
    assert verbs(ring(sid)) == verbs(ring(sid)) == ["Connect", "Redirect"]
    assert Call.objects.count() == len(prewarmed) == 1
    call = Call.objects.get()
    assert call.events.filter(kind="status").count() == 1
    services.finish(call.pk, status=Status.COMPLETED)
    assert verbs(ring(sid)) == ["Hangup"]
    assert Call.objects.count() == 1


def test_what_is_not_signed_is_turned_away(line: ReceptionLine) -> None:
    form = {"CallSid": make_sid(), "To": OUR_NUMBER, "From": RESTAURANT}
    assert Client().post("/twilio/incoming", form).status_code == 403
    assert not Call.objects.exists()


@pytest.mark.parametrize("to", ["", "+12025550199", "nonsense", "sip:x@y"])
def test_a_number_without_a_line_says_that_it_only_calls(
    line: ReceptionLine, to: str
) -> None:
    response = ring(To=to)
    assert verbs(response) == ["Say", "Say", "Hangup"]
    assert not Call.objects.exists()


def test_a_line_that_is_switched_off_answers_nobody(line: ReceptionLine) -> None:
    line.is_active = False
    line.save()
    assert verbs(ring()) == ["Say", "Say", "Hangup"]
    line.is_active, line.owner.is_active = True, False
    line.save()
    line.owner.save()
    assert verbs(ring()) == ["Say", "Say", "Hangup"]
    assert not Call.objects.exists()


def test_without_a_sid_there_is_no_call(line: ReceptionLine) -> None:
    response = post_signed("/twilio/incoming", To=OUR_NUMBER, From=RESTAURANT)
    assert verbs(response) == ["Hangup"]
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "number", ["", "anonymous", "+266696687", "sip:a@b", "+1", "x" * 500]
)
def test_a_withheld_number_is_none(line: ReceptionLine, number: str) -> None:
    assert verbs(ring(From=number)) == ["Connect", "Redirect"]
    call = Call.objects.get()
    assert not call.from_number
    assert call.brief["reception"]["caller_number"] == ""


def test_a_closed_line_answers_and_knows_that_it_is(alice: User) -> None:
    today = timezone.now().strftime("%a").lower()
    hours = {d: ["00:00-24:00"] for d in ("mon", "tue", "wed", "thu", "fri", "sat")}
    hours["sun"] = ["00:00-24:00"]
    del hours[today]
    make_line(alice, opening_hours=hours, time_zone="UTC")
    assert verbs(ring()) == ["Connect", "Redirect"]
    about = Call.objects.get().brief["reception"]
    assert about["is_open"] is False
    assert "closed" in about["opening_hours"]


def test_what_the_line_was_is_kept_with_the_call(line: ReceptionLine) -> None:
    line.must_ask, line.transfer_number = ["Which stylist?"], CLINIC
    line.turn_detection, line.vad_silence_ms = "provider", 900
    line.save()
    ring()
    line.name = "Another"
    line.save()
    about = Call.objects.get().brief["reception"]
    assert about["line"] == "한강 미용실"
    assert about["ask"] == ["Which stylist?"]
    assert about["transfer"] is True
    assert about["caller_number"] == RESTAURANT
    detection = {"threshold": 0.5, "prefix_ms": 300, "silence_ms": 900}
    assert about["turn_detection"] == detection
    # Where they would be put through to is nobody's business.
    assert CLINIC not in str(about)


# --- Limits --------------------------------------------------------------------------


def test_more_calls_than_a_line_takes_are_told_so_and_seen(
    line: ReceptionLine, prewarmed: list[UUID]
) -> None:
    line.max_calls = 1
    line.save()
    ring()
    sid = make_sid()
    for _ in range(2):  # asked again, it says the same
        response = ring(sid)
        assert verbs(response) == ["Say", "Hangup"]
        assert said(response) == [say(Sentence.FULL, "ko")[1]]
    missed = Call.objects.get(twilio_sid=sid)
    assert (missed.status, missed.reason) == (Status.BUSY, "line_busy")
    assert missed.outcome == Outcome.UNREACHABLE
    assert missed.answered_at is None
    assert len(prewarmed) == 1


def test_a_lines_minutes_of_a_day_are_used_up(line: ReceptionLine) -> None:
    line.daily_minutes = 10
    line.save()
    now = timezone.now()
    make_call(
        line.owner,
        line=line,
        direction=Direction.INBOUND,
        status=Status.COMPLETED,
        answered_at=now - timedelta(minutes=20),
        ended_at=now - timedelta(minutes=9),
    )
    assert reception.minutes_today(line) == pytest.approx(11, abs=0.1)
    assert verbs(ring()) == ["Say", "Hangup"]
    assert Call.objects.get(status=Status.BUSY).reason == "line_minutes"


def test_what_lines_may_cost_in_a_day_is_used_up(line: ReceptionLine) -> None:
    line.owner.daily_usd = 1
    line.owner.save()
    make_call(
        line.owner,
        direction=Direction.INBOUND,
        status=Status.COMPLETED,
        cost_usd="1.01",
    )
    assert verbs(ring()) == ["Say", "Hangup"]
    assert Call.objects.get(status=Status.BUSY).reason == "line_spend"


def test_who_is_called_can_still_call(line: ReceptionLine) -> None:
    owner = line.owner
    owner.max_live_calls, owner.daily_minutes, owner.daily_usd = 1, 5, 1
    owner.save()
    ring()
    incoming = Call.objects.get()
    now = timezone.now()
    Call.objects.filter(pk=incoming.pk).update(
        answered_at=now - timedelta(minutes=30), cost_usd="3"
    )
    services.ensure_may_call(owner, CLINIC)


def test_who_calls_is_still_answered_for(line: ReceptionLine) -> None:
    owner = line.owner
    owner.max_live_calls, owner.daily_minutes, owner.daily_usd = 1, 5, 1
    owner.save()
    now = timezone.now()
    make_call(
        owner,
        status=Status.IN_PROGRESS,
        answered_at=now - timedelta(minutes=30),
        cost_usd="3",
    )
    assert verbs(ring()) == ["Connect", "Redirect"]


# --- Status, transfer, REST ----------------------------------------------------------


def test_the_numbers_own_callback_ends_the_call(line: ReceptionLine) -> None:
    sid = make_sid()
    ring(sid)
    form = {"CallSid": sid, "CallStatus": "completed", "CallDuration": "12"}
    path = reverse("twilio:incoming_status")
    assert path == "/twilio/incoming/status"
    assert post_signed(path, **form).status_code == 204
    assert Call.objects.get().status == Status.COMPLETED
    assert Client().post(path, form).status_code == 403
    unknown = {**form, "CallSid": make_sid()}
    assert post_signed(path, **unknown).status_code == 204


def test_it_does_not_touch_calls_that_we_make(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    form = {"CallSid": call.twilio_sid, "CallStatus": "completed"}
    assert post_signed("/twilio/incoming/status", **form).status_code == 204
    call.refresh_from_db()
    assert call.status == Status.RINGING


@pytest.mark.parametrize(
    ("dialled", "expected", "reason", "outcome"),
    [
        ("completed", ["Hangup"], "transferred", Outcome.PARTIAL),
        ("no-answer", ["Say", "Hangup"], "transfer_unanswered", "callback_needed"),
        ("busy", ["Say", "Hangup"], "transfer_unanswered", "callback_needed"),
        ("", ["Say", "Hangup"], "transfer_unanswered", "callback_needed"),
    ],
)
def test_a_transfer_that_nobody_answers_is_seen(
    line: ReceptionLine, dialled: str, expected: list[str], reason: str, outcome: str
) -> None:
    sid = make_sid()
    ring(sid)
    call = Call.objects.get()
    services.finish(
        call.pk, status=Status.COMPLETED, reason="transferred", outcome="partial"
    )
    path = f"/twilio/transferred/{call.pk}"
    response = post_signed(path, CallSid=sid, DialCallStatus=dialled)
    assert verbs(response) == expected
    call.refresh_from_db()
    assert (call.reason, call.outcome) == (reason, outcome)
    assert Client().post(path, {"CallSid": sid}).status_code == 403


def test_rest_shows_whose_line_was_called(line: ReceptionLine, client: Client) -> None:
    ring()
    call = Call.objects.get()
    client.force_login(line.owner)
    shown = client.get(f"/api/calls/{call.pk}").json()
    assert shown["line_id"] == str(line.pk)
    assert shown["from_number"] == RESTAURANT
    assert shown["direction"] == "inbound"
    live = client.get("/api/calls?live=1").json()
    assert [one["id"] for one in live["items"]] == [str(call.pk)]
    made = make_call(line.owner)
    assert client.get(f"/api/calls/{made.pk}").json()["line_id"] is None
    client.force_login(make_user("charlie"))
    assert client.get(f"/api/calls/{call.pk}").status_code == 404


def test_the_call_stays_when_its_line_goes(line: ReceptionLine) -> None:
    ring()
    line.delete()
    call = Call.objects.get()
    assert call.line is None
    assert call.brief["reception"]["line"] == "한강 미용실"


# --- Lines ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "+1"),
        ("languages", []),
        ("languages", ["xx"]),
        ("languages", "ko"),
        ("owner_language", "xx"),
        ("opening_hours", {"monday": []}),
        ("time_zone", "Asia/Soul"),
        ("must_ask", "What?"),
        ("must_ask", [""]),
        ("voice", "siri"),
        ("transfer_number", "+82112"),
        ("transfer_number", "+881612345678"),
        ("transfer_number", "+18005550100123"),
        ("vad_threshold", 1.5),
        ("vad_silence_ms", 10),
        ("max_seconds", 5),
        ("turn_detection", "psychic"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(
    alice: User, field: str, value: Any
) -> None:
    with pytest.raises(ValidationError) as refused:
        make_line(alice, **{field: value})
    assert field in refused.value.message_dict


def test_a_line_does_not_put_people_through_to_itself(alice: User) -> None:
    with pytest.raises(ValidationError):
        make_line(alice, number=CLINIC, transfer_number=CLINIC)
    make_line(alice, transfer_number=CLINIC, voice="cedar", must_ask=["Who?"])


def test_each_number_has_one_line(line: ReceptionLine, bob: User) -> None:
    with pytest.raises(ValidationError):
        make_line(bob)


def test_what_twilio_says_itself_is_there_in_each_language() -> None:
    for sentence in Sentence:
        for language in LINES:
            locale, text = say(sentence, language)
            assert locale.startswith(language)
            assert text


def test_a_secret_is_shown_once_and_rotated(line: ReceptionLine) -> None:
    first = reception.rotate_secret(line)
    assert reception.line_of(first) == line
    assert first.split(".")[1] not in str(vars(line))
    assert len("line" + first) < 500  # Twilio's limit of a parameter
    second = reception.rotate_secret(line)
    assert reception.line_of(first) is None
    assert reception.line_of(second) == line
    line.is_active = False
    line.save()
    assert reception.line_of(second) is None


@pytest.mark.parametrize("parameter", ["", ".", "x", "x.y", "{}.", "{}.wrong", "{}"])
def test_a_wrong_secret_opens_nothing(line: ReceptionLine, parameter: str) -> None:
    assert reception.line_of(parameter.format(line.pk)) is None  # it has none yet
    reception.rotate_secret(line)
    assert reception.line_of(parameter.format(line.pk)) is None


def test_the_admin_sets_lines_up_and_shows_a_secret_once(alice: User) -> None:
    support = Client()
    support.force_login(make_user("support", is_staff=True, is_superuser=True))
    form = {
        "name": "Salon",
        "number": OUR_NUMBER,
        "is_active": "on",
        "owner": alice.pk,
        "owner_language": "en",
        "languages": '["ko", "en"]',
        "must_ask": "[]",
        "opening_hours": '{"mon": ["09:00-18:00"]}',
        "time_zone": "Asia/Seoul",
        "max_seconds": 900,
        "max_calls": 2,
        "daily_minutes": 120,
        "turn_detection": "local",
        "vad_threshold": 0.5,
        "vad_prefix_ms": 300,
        "vad_silence_ms": 700,
    }
    add = reverse("admin:calls_receptionline_add")
    answer = support.post(add, form | {"opening_hours": '{"mon": ["9"]}'})
    assert answer.status_code == 200
    assert "is no time" in answer.text
    assert support.post(add, form).status_code == 302
    line = ReceptionLine.objects.get()
    assert line.language == "ko"

    url = reverse("admin:calls_receptionline_changelist")
    action = {"action": "rotate_secret", "_selected_action": str(line.pk)}
    page = support.post(url, action, follow=True).text
    line.refresh_from_db()
    assert line.secret_hash
    assert f"{line.pk}." in page
    assert f"{line.pk}." not in support.get(url).text


def test_a_received_call_over_is_over(line: ReceptionLine) -> None:
    sid = make_sid()
    found = reception.receive(sid=sid, to=OUR_NUMBER, from_number="")
    assert found.reply is Reply.CONNECT
    assert found.call is not None
    services.finish(found.call.pk, status=Status.COMPLETED)
    again = reception.receive(sid=sid, to=OUR_NUMBER, from_number="")
    assert again.reply is Reply.OVER


def test_no_provider_is_asked_before_the_answer(
    line: ReceptionLine, twilio_rest: FakeTwilio
) -> None:
    ring()
    assert not twilio_rest.requests

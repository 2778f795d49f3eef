"""Who is let in by a document kept at Twilio, and who is not (contract section 4)."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest

from calls import reception, twilio
from calls.models import Call, Direction, ReceptionLine, Status
from calls.spoken import Sentence, say
from calls.tests.conftest import FakeTwilio, refusal
from calls.tests.factories import (
    CLINIC,
    OUR_NUMBER,
    RESTAURANT,
    make_line,
    make_sid,
    make_user,
)
from calls.twilio import TelephoneRefused
from realtime import services
from wigvo.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def line(owner: User) -> ReceptionLine:
    return make_line(owner)


@pytest.fixture
def rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    """Put a fake where Twilio's REST API is."""
    fake = FakeTwilio()
    monkeypatch.setattr(twilio, "transport", httpx2.MockTransport(fake))
    yield fake
    twilio._client.cache_clear()


def resource(**changes: str) -> httpx2.Response:
    """Make Twilio's word about somebody who calls our number."""
    call = {
        "status": "in-progress",
        "direction": "inbound",
        "to": OUR_NUMBER,
        "from": RESTAURANT,
    }
    return httpx2.Response(200, json={**call, **changes})


def test_a_call_to_the_line_is_let_in(line: ReceptionLine, rest: FakeTwilio) -> None:
    parameter, sid = reception.rotate_secret(line), make_sid()
    rest.will_answer(resource())
    facts = services.admit(parameter, sid)
    assert facts is not None
    call = Call.objects.get()
    assert (facts.call_id, facts.twilio_sid) == (call.pk, sid)
    assert (call.direction, call.status) == (Direction.INBOUND, Status.IN_PROGRESS)
    assert (call.from_number, call.line) == (RESTAURANT, line)
    assert facts.is_new
    assert facts.config.is_inbound
    assert facts.plan is not None
    assert facts.plan.reception is not None
    [(method, path, _)] = rest.requests
    assert (method, path.rsplit("/", 1)[1]) == ("GET", f"{sid}.json")


@pytest.mark.parametrize("wrong", ["", "x", ".", "{id}.guessed", "{id}."])
def test_without_the_secret_twilio_is_not_even_asked(
    line: ReceptionLine, rest: FakeTwilio, wrong: str
) -> None:
    reception.rotate_secret(line)
    assert services.admit(wrong.format(id=line.pk), make_sid()) is None
    assert not rest.requests
    assert not Call.objects.exists()


def test_an_old_secret_is_worth_nothing(line: ReceptionLine, rest: FakeTwilio) -> None:
    old = reception.rotate_secret(line)
    reception.rotate_secret(line)
    assert services.admit(old, make_sid()) is None
    assert not rest.requests


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "ringing"},
        {"status": "completed"},
        {"status": "queued"},
        {"direction": "outbound-api"},
        {"direction": "outbound-dial"},
        {"to": CLINIC},
        {"to": ""},
    ],
)
def test_what_is_no_call_to_this_line_is_not_let_in(
    line: ReceptionLine, rest: FakeTwilio, changes: dict[str, str]
) -> None:
    parameter = reception.rotate_secret(line)
    rest.will_answer(resource(**changes))
    assert services.admit(parameter, make_sid()) is None
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "answer", [refusal(404, 20404), refusal(401, 20003), httpx2.ConnectError("gone")]
)
def test_what_nobody_vouches_for_is_not_let_in(
    line: ReceptionLine, rest: FakeTwilio, answer: Any
) -> None:
    parameter = reception.rotate_secret(line)
    rest.will_answer(answer)
    assert services.admit(parameter, make_sid()) is None
    assert len(rest.requests) == 1  # somebody is on the line: asked once
    assert not Call.objects.exists()


def test_each_call_streams_once_by_its_document(
    line: ReceptionLine, rest: FakeTwilio
) -> None:
    parameter, sid = reception.rotate_secret(line), make_sid()
    rest.will_answer(resource(), resource(), resource())
    assert services.admit(parameter, sid) is not None
    assert services.admit(parameter, sid) is None
    by_webhook = make_sid()
    reception.receive(sid=by_webhook, to=OUR_NUMBER, from_number=RESTAURANT)
    assert services.admit(parameter, by_webhook) is None
    assert Call.objects.count() == 2


def test_a_line_that_is_full_says_so(line: ReceptionLine, rest: FakeTwilio) -> None:
    line.max_calls = 0
    line.save()
    parameter, sid = reception.rotate_secret(line), make_sid()
    rest.will_answer(resource())
    assert services.admit(parameter, sid) is None
    assert Call.objects.get().reason == "line_busy"
    _, path, form = rest.requests[-1]
    assert path.endswith(f"/Calls/{sid}.json")
    document = ET.fromstring(form["Twiml"][0])
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert document[0].text == say(Sentence.FULL, "ko")[1]


# --- What the shell asks of the telephone company ------------------------------------


@pytest.fixture
def call(owner: User) -> Call:
    line = make_line(owner, transfer_number=CLINIC, max_seconds=300)
    found = reception.receive(sid=make_sid(), to=OUR_NUMBER, from_number=RESTAURANT)
    assert found.call is not None
    assert found.call.line == line
    return found.call


def test_it_puts_through_to_the_lines_number(call: Call, rest: FakeTwilio) -> None:
    services.leave(call.pk, "transfer")
    [(_, path, form)] = rest.requests
    assert path.endswith(f"/Calls/{call.twilio_sid}.json")
    [dial] = ET.fromstring(form["Twiml"][0])
    assert dial.tag == "Dial"
    assert dial[0].text == CLINIC
    assert dial.get("callerId") == OUR_NUMBER
    assert (dial.get("action") or "").endswith(f"/twilio/transferred/{call.pk}")
    [left] = call.events.filter(kind="left")
    assert left.data == {"why": "transfer"}


def test_it_asks_for_a_transfer_once(call: Call, rest: FakeTwilio) -> None:
    rest.will_answer(httpx2.ConnectError("gone"))
    with pytest.raises(TelephoneRefused):
        services.leave(call.pk, "transfer")
    assert len(rest.requests) == 1
    assert not call.events.filter(kind="left").exists()


def test_without_a_number_there_is_no_transfer(call: Call, rest: FakeTwilio) -> None:
    ReceptionLine.objects.update(transfer_number="")
    with pytest.raises(LookupError):
        services.leave(call.pk, "transfer")
    ReceptionLine.objects.all().delete()
    with pytest.raises(LookupError):
        services.leave(call.pk, "transfer")
    assert not rest.requests


def test_it_apologises_in_the_lines_language(call: Call, rest: FakeTwilio) -> None:
    services.leave(call.pk, "unavailable")
    document = ET.fromstring(rest.requests[0][2]["Twiml"][0])
    assert [verb.tag for verb in document] == ["Say", "Hangup"]
    assert document[0].get("language") == "ko-KR"


def test_twilio_ends_it_if_we_do_not(call: Call, rest: FakeTwilio) -> None:
    facts = services.facts_of(call)
    assert facts.config.life.max_call_ms == 300_000
    services.limit_telephone(facts)
    assert rest.requests[0][2]["TimeLimit"] == ["330"]


def test_who_hung_up_is_not_called_a_broken_line(call: Call, rest: FakeTwilio) -> None:
    rest.will_answer(resource(status="completed"))
    assert services.check_telephone(call.pk) == Status.COMPLETED
    call.refresh_from_db()
    assert (call.status, call.reason) == (Status.COMPLETED, "")


def test_a_call_taken_up_again_is_not_a_new_one(call: Call) -> None:
    assert services.facts_of(call).config.start_ms == 0
    services.record_event(call.pk, "stream_started", {"stream": 1})
    assert not services.facts_of(call).is_new

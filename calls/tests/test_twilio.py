"""What we ask of Twilio, and what we make of its answers."""

import base64
import uuid
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest
from django.test import RequestFactory
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from calls import twilio
from calls.models import AnsweredBy, Status
from calls.tests.conftest import FakeTwilio, refusal, sign
from calls.tests.factories import RESTAURANT, make_call, make_sid
from calls.tickets import redeem_stream_token
from calls.twilio import TelephoneRefused
from wigvo.models import User

SID = make_sid()
BASE = "http://127.0.0.1:8000"


# --- Dialling ------------------------------------------------------------------------


def test_it_dials_with_everything_the_contract_asks_for(
    alice: User, twilio_rest: FakeTwilio, settings: Settings
) -> None:
    settings.CALL_MAX_SECONDS = 900
    call = make_call(alice, status=Status.QUEUED, twilio_sid=None)
    twilio_rest.will_answer(httpx2.Response(201, json={"sid": SID}))
    assert twilio.dial(call) == SID
    [(method, path, form)] = twilio_rest.requests
    account = settings.TWILIO_ACCOUNT_SID
    assert (method, path) == (
        "POST",
        f"/twilio/2010-04-01/Accounts/{account}/Calls.json",
    )
    assert form == {
        "To": [RESTAURANT],
        "From": ["+12025550100"],
        "Url": [f"{BASE}/twilio/voice/{call.pk}"],
        "Method": ["POST"],
        "StatusCallback": [f"{BASE}/twilio/status/{call.pk}"],
        "StatusCallbackMethod": ["POST"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "TimeLimit": ["900"],
        "MachineDetection": ["Enable"],
        "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": [f"{BASE}/twilio/amd/{call.pk}"],
        "AsyncAmdStatusCallbackMethod": ["POST"],
    }


def test_it_logs_in_with_the_accounts_credentials(
    twilio_rest: FakeTwilio, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Authorization"])
        return httpx2.Response(200, json={"status": "ringing"})

    monkeypatch.setattr(twilio, "transport", httpx2.MockTransport(answer))
    twilio.fetch_status(SID)
    login = f"{settings.TWILIO_ACCOUNT_SID}:{settings.TWILIO_AUTH_TOKEN}"
    assert seen == ["Basic " + base64.b64encode(login.encode()).decode()]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(400, 21211), 21211),
        (refusal(401, 20003), 20003),
        (refusal(429, 20429), 20429),
        (httpx2.Response(400, json={"message": "no code"}), 400),
        (httpx2.Response(503, text="<html>"), twilio.UNREACHABLE),
        (httpx2.Response(500, json={"code": 20500}), twilio.UNREACHABLE),
        (httpx2.Response(200, text="not json"), twilio.UNREACHABLE),
        (httpx2.Response(200, json=["odd"]), twilio.UNREACHABLE),
        (httpx2.ConnectError("refused"), twilio.UNREACHABLE),
        (httpx2.ReadTimeout("slow"), twilio.UNREACHABLE),
    ],
)
def test_it_never_dials_twice(
    alice: User,
    twilio_rest: FakeTwilio,
    answer: httpx2.Response | Exception,
    code: int,
) -> None:
    twilio_rest.will_answer(answer)
    with pytest.raises(TelephoneRefused) as refused:
        twilio.dial(make_call(alice))
    assert refused.value.code == code
    assert len(twilio_rest.requests) == 1


# --- Hanging up, asking, resuming ----------------------------------------------------


def test_it_hangs_up(twilio_rest: FakeTwilio) -> None:
    twilio.hang_up(SID)
    [(method, path, form)] = twilio_rest.requests
    assert method == "POST"
    assert path.endswith(f"/Calls/{SID}.json")
    assert form == {"Status": ["completed"]}


@pytest.mark.parametrize(("http_status", "code"), [(404, 20404), (400, 21220)])
def test_hanging_up_an_ended_call_is_fine(
    twilio_rest: FakeTwilio, http_status: int, code: int
) -> None:
    twilio_rest.will_refuse(http_status, code)
    twilio.hang_up(SID)


def test_hanging_up_is_tried_again_but_not_for_ever(twilio_rest: FakeTwilio) -> None:
    down = httpx2.ConnectError("down")
    twilio_rest.will_answer(down, down)
    twilio.hang_up(SID)
    assert len(twilio_rest.requests) == 3
    twilio_rest.will_answer(down, down, down)
    with pytest.raises(TelephoneRefused):
        twilio.hang_up(SID)
    assert len(twilio_rest.requests) == 6


def test_a_plain_refusal_is_not_asked_again(twilio_rest: FakeTwilio) -> None:
    twilio_rest.will_refuse(401, 20003)
    with pytest.raises(TelephoneRefused):
        twilio.hang_up(SID)
    assert len(twilio_rest.requests) == 1


@pytest.mark.parametrize(("word", "status"), list(twilio.STATUS.items()))
def test_it_fetches_a_status(
    twilio_rest: FakeTwilio, word: str, status: Status
) -> None:
    twilio_rest.will_answer(httpx2.Response(200, json={"status": word}))
    assert twilio.fetch_status(SID) == status


def test_a_call_that_twilio_does_not_know_has_no_status(
    twilio_rest: FakeTwilio,
) -> None:
    twilio_rest.will_refuse(404, 20404)
    assert twilio.fetch_status(SID) is None


def test_other_refusals_are_not_taken_for_an_unknown_call(
    twilio_rest: FakeTwilio,
) -> None:
    twilio_rest.will_refuse(401, 20003)
    with pytest.raises(TelephoneRefused):
        twilio.fetch_status(SID)


def test_it_resumes_a_call(twilio_rest: FakeTwilio) -> None:
    call_id = uuid.uuid4()
    twilio.resume(SID, call_id)
    [(_, path, form)] = twilio_rest.requests
    assert path.endswith(f"/Calls/{SID}.json")
    assert form == {"Url": [f"{BASE}/twilio/resume/{call_id}"], "Method": ["POST"]}


# --- Keys ----------------------------------------------------------------------------


def test_it_presses_keys_and_streams_again(
    alice: User, twilio_rest: FakeTwilio, settings: Settings
) -> None:
    settings.PUBLIC_BASE_URL = "https://wigvo.example"
    call = make_call(alice, status=Status.IN_PROGRESS, node_url="https://n2.example")
    twilio.send_digits(call, "1w2#")
    [(method, path, form)] = twilio_rest.requests
    assert (method, list(form)) == ("POST", ["Twiml"])
    assert path.endswith(f"/Calls/{call.twilio_sid}.json")
    play, connect, redirect = ET.fromstring(form["Twiml"][0])
    assert (play.tag, play.attrib) == ("Play", {"digits": "1w2#"})
    stream = connect.find("Stream")
    assert stream is not None
    assert stream.get("url") == "wss://n2.example/twilio/media-stream"
    token = {p.get("name"): p.get("value") for p in stream}["token"]
    assert redeem_stream_token(str(token), call.pk, str(call.twilio_sid))
    assert redirect.text == f"https://wigvo.example/twilio/resume/{call.pk}"


@pytest.mark.parametrize(
    ("digits", "problem"),
    [
        ("", "at least one key"),
        ("ww", "at least one key"),
        ("1" * 33, "at most 32"),
        ("1" + "W" * 16, "at most 32"),
        ("12a", "not a"),
        ("1 2", "0-9"),
        ("１", "0-9"),
        ("<Play/>", "0-9"),
    ],
)
def test_what_is_no_key_is_refused_before_anybody_is_asked(
    alice: User, twilio_rest: FakeTwilio, digits: str, problem: str
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    with pytest.raises(ValueError, match=problem):
        twilio.send_digits(call, digits)
    assert twilio_rest.requests == []


def test_a_long_pause_is_two_short_ones() -> None:
    assert twilio.check_digits("1W2") == "1ww2"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(400, 21220), 21220),
        (refusal(404, 20404), 20404),
        (httpx2.Response(503, text=""), twilio.UNREACHABLE),
        (httpx2.ReadTimeout("slow"), twilio.UNREACHABLE),
    ],
)
def test_keys_are_never_pressed_twice(
    alice: User, twilio_rest: FakeTwilio, answer: Any, code: int
) -> None:
    twilio_rest.will_answer(answer)
    call = make_call(alice, status=Status.IN_PROGRESS)
    with pytest.raises(TelephoneRefused) as refused:
        twilio.send_digits(call, "1")
    assert refused.value.code == code
    assert len(twilio_rest.requests) == 1


# --- TwiML ---------------------------------------------------------------------------


def test_twiml_connects_to_the_calls_node_and_comes_back(
    alice: User, settings: Settings
) -> None:
    settings.PUBLIC_BASE_URL = "https://wigvo.example"
    call = make_call(alice, status=Status.QUEUED, node_url="https://node2.example")
    root = ET.fromstring(twilio.stream_twiml(call, SID))
    assert [verb.tag for verb in root] == ["Connect", "Redirect"]
    stream = root.find("Connect/Stream")
    assert stream is not None
    assert stream.get("url") == "wss://node2.example/twilio/media-stream"
    parameters = {p.get("name"): p.get("value") for p in stream}
    assert set(parameters) == {"call", "token"}
    assert parameters["call"] == str(call.pk)
    assert redeem_stream_token(str(parameters["token"]), call.pk, SID)
    redirect = root[1]
    assert redirect.get("method") == "POST"
    assert redirect.text == f"https://wigvo.example/twilio/resume/{call.pk}"


def test_twiml_to_hang_up() -> None:
    root = ET.fromstring(twilio.hangup_twiml())
    assert [verb.tag for verb in root] == ["Hangup"]
    root = ET.fromstring(twilio.hangup_twiml(("ko-KR", "안녕 <&>")))
    assert [verb.tag for verb in root] == ["Say", "Hangup"]
    assert root[0].text == "안녕 <&>"


# --- Signatures ----------------------------------------------------------------------


def signed_request(path: str, signature: str, **form: str) -> bool:
    request = RequestFactory().post(
        path, form, headers={"X-Twilio-Signature": signature, "Host": "evil.example"}
    )
    return twilio.http_signature_is_valid(request)


def test_it_accepts_what_twilio_signed_for_our_public_address() -> None:
    form = {"CallSid": SID, "Caller": "+8225550101"}
    signature = sign("/twilio/incoming?x=1", form)
    assert signed_request("/twilio/incoming?x=1", signature, **form)
    assert not signed_request("/twilio/incoming?x=2", signature, **form)
    assert not signed_request("/twilio/incoming?x=1", signature, CallSid=SID)
    assert not signed_request("/twilio/incoming?x=1", "", **form)
    assert not signed_request("/twilio/incoming?x=1", "é", **form)


def test_it_accepts_the_old_token_while_it_is_replaced(settings: Settings) -> None:
    form = {"CallSid": SID}
    signature = sign("/twilio/incoming", form, token="old")
    assert not signed_request("/twilio/incoming", signature, **form)
    settings.TWILIO_AUTH_TOKEN_SECONDARY = "old"
    assert signed_request("/twilio/incoming", signature, **form)


def test_nothing_is_signed_with_an_empty_token(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = settings.TWILIO_AUTH_TOKEN_SECONDARY = ""
    form = {"CallSid": SID}
    validator = RequestValidator("")
    signature = validator.compute_signature(f"{BASE}/twilio/incoming", form)
    assert not signed_request("/twilio/incoming", signature, **form)


@pytest.mark.parametrize(
    "url",
    [
        "wss://wigvo.example/twilio/media-stream",
        "wss://wigvo.example/twilio/media-stream/",
        "wss://node2.example:8443/twilio/media-stream",
    ],
)
def test_it_accepts_a_signed_handshake(settings: Settings, url: str) -> None:
    settings.PUBLIC_BASE_URL = "https://wigvo.example"
    settings.RELAY_NODE_URL = "https://node2.example:8443"
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    signature = validator.compute_signature(url, {})
    path = "/twilio/media-stream"
    assert twilio.handshake_signature_is_valid(path, signature)
    assert not twilio.handshake_signature_is_valid("/twilio/other", signature)
    as_https = validator.compute_signature(url.replace("wss", "https"), {})
    assert not twilio.handshake_signature_is_valid(path, as_https)
    assert not twilio.handshake_signature_is_valid(path, "")


def test_an_unencrypted_base_has_an_unencrypted_socket(settings: Settings) -> None:
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    signature = validator.compute_signature(
        "ws://127.0.0.1:8000/twilio/media-stream", {}
    )
    assert twilio.handshake_signature_is_valid("/twilio/media-stream", signature)


# --- Words ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("human", AnsweredBy.PERSON),
        ("machine_start", AnsweredBy.VOICEMAIL),
        ("machine_end_beep", AnsweredBy.VOICEMAIL),
        ("machine_end_silence", AnsweredBy.VOICEMAIL),
        ("machine_end_other", AnsweredBy.VOICEMAIL),
        ("fax", AnsweredBy.FAX),
        ("unknown", AnsweredBy.UNKNOWN),
        ("", AnsweredBy.UNKNOWN),
        ("something new", AnsweredBy.UNKNOWN),
    ],
)
def test_it_understands_the_machine_verdict(word: str, kind: AnsweredBy) -> None:
    assert twilio.answered_by(word) == kind

"""Every way a call can end: its status, its sentence, and what to do next."""

import html
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from calls import reasons
from calls.models import Outcome, Status
from calls.reasons import REASONS, explain, of_ended_call, of_twilio_error
from calls.tests.conftest import post_signed
from calls.tests.factories import make_call
from wigvo.models import User

OPERATORS = {
    "caller_number_refused", "country_blocked", "number_blocked", "spend_limit",
    "stream_refused", "telephone_full", "telephone_login", "trial_account",
    "webhook_failed",
}  # fmt: skip
"""What only whoever runs the service can change: the next step says so."""

ERRORS = {
    10004: "telephone_full",
    11200: "webhook_failed",
    11205: "webhook_failed",
    12100: "webhook_failed",
    12300: "webhook_failed",
    13224: "invalid_number",
    13225: "number_blocked",
    13226: "invalid_number",
    13227: "country_blocked",
    20003: "telephone_login",
    20404: "telephone_gone",
    20429: "telephone_busy",
    21201: "invalid_number",
    21210: "caller_number_refused",
    21211: "invalid_number",
    21212: "caller_number_refused",
    21214: "unreachable",
    21215: "country_blocked",
    21216: "number_blocked",
    21217: "invalid_number",
    21219: "trial_account",
    21220: "telephone_gone",
    31901: "stream_refused",
    31920: "stream_refused",
    31941: "stream_refused",
    32205: "country_blocked",
}
"""The codes of facts/twilio.md, section 4."""

ENDINGS: list[tuple[dict[str, str], Status, str]] = [
    ({"CallStatus": "busy"}, Status.BUSY, "busy"),
    ({"CallStatus": "busy", "SipResponseCode": "486"}, Status.BUSY, "busy"),
    ({"CallStatus": "busy", "SipResponseCode": "600"}, Status.BUSY, "busy"),
    ({"CallStatus": "busy", "SipResponseCode": "603"}, Status.BUSY, "declined"),
    ({"CallStatus": "no-answer"}, Status.NO_ANSWER, "no_answer"),
    ({"CallStatus": "no-answer", "SipResponseCode": "487"}, Status.NO_ANSWER,
     "no_answer"),
    ({"CallStatus": "no-answer", "SipResponseCode": "480"}, Status.NO_ANSWER,
     "switched_off"),
    ({"CallStatus": "canceled"}, Status.CANCELED, "canceled"),
    ({"CallStatus": "failed"}, Status.FAILED, "unreachable"),
    ({"CallStatus": "failed", "SipResponseCode": "403"}, Status.FAILED,
     "number_blocked"),
    ({"CallStatus": "failed", "SipResponseCode": "404"}, Status.FAILED,
     "invalid_number"),
    ({"CallStatus": "failed", "SipResponseCode": "410"}, Status.FAILED,
     "invalid_number"),
    ({"CallStatus": "failed", "SipResponseCode": "480"}, Status.FAILED, "switched_off"),
    ({"CallStatus": "failed", "SipResponseCode": "484"}, Status.FAILED,
     "invalid_number"),
    ({"CallStatus": "failed", "SipResponseCode": "486"}, Status.FAILED, "busy"),
    ({"CallStatus": "failed", "SipResponseCode": "503"}, Status.FAILED, "unreachable"),
    ({"CallStatus": "failed", "SipResponseCode": "603"}, Status.FAILED, "declined"),
    ({"CallStatus": "failed", "SipResponseCode": "607"}, Status.FAILED, "declined"),
    ({"CallStatus": "failed", "ErrorCode": "13227", "SipResponseCode": "404"},
     Status.FAILED, "country_blocked"),
    ({"CallStatus": "failed", "ErrorCode": "99999", "SipResponseCode": "404"},
     Status.FAILED, "invalid_number"),
    *(({"CallStatus": "failed", "ErrorCode": str(code)}, Status.FAILED, reason)
      for code, reason in ERRORS.items()),
]  # fmt: skip


@pytest.mark.parametrize(("report", "status", "reason"), ENDINGS)
def test_each_report_has_its_status_and_its_reason(
    alice: User, report: dict[str, str], status: Status, reason: str
) -> None:
    call = make_call(alice, status=Status.RINGING)
    post_signed(f"/twilio/status/{call.pk}", CallSid=call.twilio_sid, **report)
    call.refresh_from_db()
    assert (call.status, call.reason) == (status, reason)
    assert call.outcome != Outcome.SUCCESS


@pytest.mark.parametrize(("code", "reason"), ERRORS.items())
def test_each_refusal_has_its_reason(code: int, reason: str) -> None:
    assert of_twilio_error(code) == reason


def test_a_call_that_took_place_has_no_reason_of_the_company() -> None:
    assert of_ended_call("completed", sip_code=200) == ""


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("code", REASONS)
def test_each_reason_says_what_happened_and_what_to_do(
    code: str, language: str
) -> None:
    with translation.override("en"):
        english = (str(explain(code).sentence), str(explain(code).next_step))
    with translation.override(language):
        said = (str(explain(code).sentence), str(explain(code).next_step))
    assert all(said)
    assert all(text.endswith(".") for text in said)
    for ours, theirs in zip(said, english, strict=True):
        assert (ours == theirs) is (language == "en")


def test_no_two_reasons_say_the_same() -> None:
    sentences = [str(reason.sentence) for reason in REASONS.values()]
    assert len(set(sentences)) == len(sentences)


def test_what_the_operator_has_to_do_is_not_asked_of_the_caller() -> None:
    asked = {c for c, r in REASONS.items() if "hoever runs" in str(r.next_step)}
    assert asked | {"number_blocked"} == OPERATORS


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("code", REASONS)
def test_the_calls_page_says_both(alice: User, code: str, language: str) -> None:
    fields: dict[str, Any] = {"status": Status.FAILED, "outcome": "failed"}
    call = make_call(alice, reason=code, **fields)
    client = Client()
    client.force_login(alice)
    page = client.get(call.get_absolute_url(), headers={"Accept-Language": language})
    reason = reasons.explain(code)
    with translation.override(language):
        text = html.unescape(page.content.decode())
        assert str(reason.sentence) in text
        assert str(reason.next_step) in text

"""Proofs that open sockets: bound, short-lived, good once."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.utils import timezone

from calls.tests.factories import make_sid
from calls.tickets import (
    issue_stream_token,
    issue_ticket,
    redeem_stream_token,
    redeem_ticket,
)

CALL = uuid.uuid4()


def test_a_ticket_is_good_once() -> None:
    ticket, expires_at = issue_ticket(CALL, 7)
    assert timedelta(seconds=55) < expires_at - timezone.now() <= timedelta(seconds=60)
    assert redeem_ticket(ticket, CALL) == 7
    assert redeem_ticket(ticket, CALL) is None


def test_two_tickets_are_two() -> None:
    first, second = issue_ticket(CALL, 7)[0], issue_ticket(CALL, 7)[0]
    assert redeem_ticket(first, CALL) == 7
    assert redeem_ticket(second, CALL) == 7


def test_a_ticket_opens_one_call_only_and_is_not_spent_on_another() -> None:
    ticket, _ = issue_ticket(CALL, 7)
    assert redeem_ticket(ticket, uuid.uuid4()) is None
    assert redeem_ticket(ticket, CALL) == 7


def test_a_ticket_expires() -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        ticket, _ = issue_ticket(CALL, 7)
        clock.shift(61)
        assert redeem_ticket(ticket, CALL) is None


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "é", "\0", "::::", "9" * 5000])
def test_a_forged_ticket_is_nothing(forged: str) -> None:
    assert redeem_ticket(forged, CALL) is None
    assert not redeem_stream_token(forged, CALL, "CA1")


def test_a_ticket_signed_for_something_else_is_nothing() -> None:
    claims = {"c": CALL.hex, "u": 7, "n": "n"}
    assert redeem_ticket(signing.dumps(claims), CALL) is None
    assert redeem_ticket(signing.dumps([1], salt="wigvo.ticket"), CALL) is None
    token = issue_stream_token(CALL, "CA1")
    assert redeem_ticket(token, CALL) is None
    ticket, _ = issue_ticket(CALL, 7)
    assert not redeem_stream_token(ticket, CALL, "CA1")


def test_a_stream_token_is_good_once_for_its_telephone_call() -> None:
    sid = make_sid()
    token = issue_stream_token(CALL, sid)
    assert not redeem_stream_token(token, CALL, make_sid())
    assert not redeem_stream_token(token, uuid.uuid4(), sid)
    assert redeem_stream_token(token, CALL, sid)
    assert not redeem_stream_token(token, CALL, sid)


def test_a_stream_token_expires() -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        token = issue_stream_token(CALL, "CA1")
        clock.shift(61)
        assert not redeem_stream_token(token, CALL, "CA1")


def test_a_stream_token_fits_into_a_parameter() -> None:
    # Twilio: name and value together stay below 500 characters.
    assert len("token" + issue_stream_token(CALL, make_sid())) < 300

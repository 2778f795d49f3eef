"""Support reads everything and changes nothing but accounts."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from calls import services
from calls.models import Call, Status
from calls.tests.factories import make_call, make_user
from wigvo.models import User


@pytest.fixture
def support(db: None) -> Client:
    client = Client()
    client.force_login(make_user("support", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def call(alice: User) -> Call:
    call = make_call(
        alice,
        status=Status.COMPLETED,
        reason="caller_lost",
        brief={"goal": "<b>"},
        cost_usd="0.0512",
        cost_parts=[
            {
                "engine": "translate",
                "model": "tongue",
                "usd": 0.051,
                "seconds": 90,
                "tokens": {},
            },
            {
                "engine": "speak",
                "model": "voice",
                "usd": None,
                "seconds": 0,
                "tokens": {"audio_out": 60},
            },
        ],
    )
    services.store_utterance(
        call.pk,
        utterance_id="u1",
        leg="callee",
        original="안녕하세요",
        translation="Hello",
        started_ms=0,
    )
    services.append_event(call.pk, "recovery", {"state": "recovered"})
    return call


def test_calls_are_listed_and_found(support: Client, call: Call) -> None:
    url = reverse("admin:calls_call_changelist")
    for query in ("", "?q=alice", f"?q={call.pk}", f"?q={call.twilio_sid}"):
        response = support.get(url + query)
        assert response.status_code == 200
        assert "alice@example.org" in response.content.decode()
    assert "0 results" in support.get(url + "?q=nobody").content.decode()


def test_listing_does_not_ask_once_per_call(
    support: Client, alice: User, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for _ in range(20):
        make_call(alice, status=Status.COMPLETED)
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        support.get(reverse("admin:calls_call_changelist"))


def test_a_call_is_shown_with_what_was_said_and_what_happened(
    support: Client, call: Call
) -> None:
    html = support.get(
        reverse("admin:calls_call_change", args=[call.pk])
    ).content.decode()
    for text in ("안녕하세요", "Hello", "recovered", "Your connection was lost"):
        assert text in html
    assert "&lt;b&gt;" in html
    assert "0.0510 USD: translate tongue 1.50 min" in html
    assert "? USD: speak voice audio_out 60" in html
    assert 'name="_save"' not in html


def test_nothing_about_a_call_is_changed(support: Client, call: Call) -> None:
    change = reverse("admin:calls_call_change", args=[call.pk])
    assert support.post(change, {"status": "draft"}).status_code == 403
    assert support.get(reverse("admin:calls_call_add")).status_code == 403
    delete = reverse("admin:calls_call_delete", args=[call.pk])
    assert support.post(delete, {"post": "yes"}).status_code == 403
    assert Call.objects.get() == call


def test_limits_of_an_account_are_changed(support: Client, alice: User) -> None:
    url = reverse("admin:wigvo_user_change", args=[alice.pk])
    assert support.get(url).status_code == 200
    response = support.post(
        url,
        {
            "email": alice.email,
            "is_active": "on",
            "max_live_calls": "3",
            "daily_minutes": "",
            "starts_per_minute": "30",
            "usd_per_call": "2.50",
            "daily_usd": "",
        },
    )
    assert response.status_code == 302
    alice.refresh_from_db()
    limits = (alice.max_live_calls, alice.daily_minutes, alice.starts_per_minute)
    assert limits == (3, None, 30)
    assert (alice.usd_per_call, alice.daily_usd) == (Decimal("2.50"), None)


def test_an_account_is_added_by_address(support: Client) -> None:
    url = reverse("admin:wigvo_user_add")
    assert support.get(url).status_code == 200
    password = "three-quiet-otters"
    response = support.post(
        url,
        {
            "email": "new@example.org",
            "usable_password": "true",
            "password1": password,
            "password2": password,
        },
    )
    assert response.status_code == 302
    assert User.objects.get(email="new@example.org").check_password(password)


def test_people_are_no_support(alice: User, call: Call) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(reverse("admin:calls_call_changelist")).status_code == 302

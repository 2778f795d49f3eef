"""Support reads everything and changes nothing but accounts."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls import corrections, services
from calls.models import Access, AppendOnlyError, Call, Note, Status, Summary
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


# --- The review of a call ------------------------------------------------------------


def review_of(support: Client, call: Call) -> str:
    url = reverse("admin:calls_call_change", args=[call.pk])
    return support.get(url).content.decode()


def test_what_was_said_and_what_happened_are_in_one_order(
    support: Client, alice: User
) -> None:
    call = make_call(alice, status=Status.COMPLETED, answered_at=timezone.now())
    for key, at_ms in (("u1", 1000), ("u2", 61_500)):
        services.store_utterance(
            call.pk,
            utterance_id=key,
            leg="callee",
            original=f"said {key}",
            translation="",
            started_ms=at_ms,
            fate="lost" if key == "u2" else "delivered",
        )
    services.append_event(call.pk, "guardrail", {"at_ms": 30_000, "action": "held"})
    services.append_event(call.pk, "dialled", {})
    html = review_of(support, call)
    places = [html.index(text) for text in ("said u1", "action held", "said u2")]
    assert places == sorted(places)
    assert "1:01.5" in html
    assert 'class="review__said review__said--callee review__trouble"' in html


def test_a_correction_is_shown_with_who_and_what_it_said_before(
    support: Client, call: Call, alice: User
) -> None:
    corrections.correct(call.utterances.get(), "translation", "Hi", by=alice)
    html = review_of(support, call)
    assert "<del>Hello</del> <ins>Hi</ins>" in html
    assert alice.email in html


def test_the_figures_are_drawn(support: Client, call: Call) -> None:
    Call.objects.update(
        latency={
            "interpretation_caller_p50_ms": 1000,
            "interpretation_caller_p99_ms": 4000,
            "interpretation_caller_n": 7,
            "hold_back_p50_ms": None,
            "hold_back_p99_ms": None,
            "relay_in_p50_ms": 2,
        }
    )
    html = review_of(support, call)
    assert "1000 ms" in html
    assert 'width="25.0%"' in html
    assert "held back" not in html
    assert 'class="timeline"' in html


def test_every_look_at_a_transcript_is_noted(
    support: Client, call: Call, alice: User
) -> None:
    support.get(reverse("admin:calls_call_changelist"))
    assert not Access.objects.exists()
    for _ in range(2):
        review_of(support, call)
    rows = Access.objects.all()
    assert [(r.call_key, r.owner_email, r.by_email, r.what) for r in rows] == [
        (call.pk, alice.email, "support@example.org", "transcript")
    ] * 2
    assert rows[0].at


def test_who_has_looked_outlives_the_call_and_cannot_be_changed(
    support: Client, call: Call
) -> None:
    review_of(support, call)
    call.delete()
    [row] = Access.objects.all()
    for change in (
        row.save,
        row.delete,
        Access.objects.all().delete,
        lambda: Access.objects.update(by_email="x@y.z"),
    ):
        with pytest.raises(AppendOnlyError):
            change()


def operator(*permissions: str) -> Client:
    """Log somebody in who may do only this much in the admin."""
    user = make_user(f"may-{'-'.join(permissions)}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_only_superusers_see_who_has_looked(support: Client, call: Call) -> None:
    review_of(support, call)
    url = reverse("admin:calls_access_changelist")
    assert "support@example.org" in support.get(url).content.decode()
    [row] = Access.objects.all()
    shown = support.get(reverse("admin:calls_access_change", args=[row.pk]))
    assert 'name="_save"' not in shown.content.decode()
    other = operator("view_call", "view_access")
    assert other.get(url).status_code == 403


def test_who_may_not_see_calls_leaves_no_trace_because_nothing_is_seen(
    call: Call,
) -> None:
    url = reverse("admin:calls_call_change", args=[call.pk])
    assert operator("view_phrase").get(url).status_code == 403
    assert not Access.objects.exists()


def test_notes_are_added_and_not_seen_by_the_owner(
    support: Client, call: Call, alice: User
) -> None:
    url = reverse("admin:calls_call_note", args=[call.pk])
    answer = support.post(url, {"text": "Echo for <10 s\nTold the line."})
    assert answer["Location"].endswith("#notes")
    note = Note.objects.get()
    assert note.by is not None
    assert note.by.email == "support@example.org"
    assert "Echo for &lt;10 s<br>Told the line." in review_of(support, call)
    alices = Client()
    alices.force_login(alice)
    for page in ("", "export.json", "export.txt"):
        text = alices.get(f"/calls/{call.pk}/{page}").content.decode()
        assert "Echo for" not in text
    assert "Echo for" not in alices.get(f"/api/calls/{call.pk}").content.decode()


def test_an_empty_note_is_none(support: Client, call: Call) -> None:
    url = reverse("admin:calls_call_note", args=[call.pk])
    support.post(url, {"text": " \0 "})
    assert not Note.objects.exists()
    assert support.get(url).status_code == 405


def test_notes_need_a_permission(call: Call) -> None:
    url = reverse("admin:calls_call_note", args=[call.pk])
    assert operator("view_call").post(url, {"text": "x"}).status_code == 403
    assert operator("add_note").post(url, {"text": "x"}).status_code == 403
    assert not Note.objects.exists()
    may = operator("view_call", "add_note", "view_note")
    assert may.post(url, {"text": "x"}).status_code == 302
    assert Client().post(url, {"text": "x"}).status_code == 302
    assert Note.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("cost=0", {"plain"}),
        ("cost=0.5", {"dear", "slow"}),
        ("cost=10", {"dear"}),
        ("cost=nonsense", {"plain", "dear", "slow"}),
        ("latency=2000", {"slow", "dear"}),
        ("latency=4000", {"slow"}),
        ("recovery=yes", {"dear"}),
        ("recovery=no", {"plain", "slow"}),
        ("guardrail=yes", {"slow"}),
        ("lost=yes", {"plain"}),
        ("summary=failed", {"slow"}),
        ("summary=doubtful", {"slow"}),
        ("notes=yes", {"dear"}),
        ("caller_language=en&status__exact=completed", {"plain", "dear", "slow"}),
    ],
)
def test_calls_that_deserve_a_look_are_found(
    support: Client, alice: User, query: str, names: set[str]
) -> None:
    def call(name: str, **fields: Any) -> Call:
        return make_call(alice, status=Status.COMPLETED, callee_name=name, **fields)

    plain = call("plain")
    services.store_utterance(
        plain.pk,
        utterance_id="u",
        leg="callee",
        original="x",
        translation="",
        started_ms=0,
        fate="lost",
    )
    dear = call("dear", cost_usd=11, latency={"interpretation_callee_p50_ms": 2500.5})
    services.append_event(dear.pk, "recovery", {})
    services.append_event(dear.pk, "recovery", {})
    Note.objects.create(call=dear, text="x")
    slow = call(
        "slow",
        cost_usd=1,
        latency={
            "interpretation_caller_p50_ms": 4100,
            "interpretation_callee_p50_ms": None,
        },
    )
    services.append_event(slow.pk, "guardrail", {})
    Summary.objects.create(call=slow, state="failed", dropped=1)
    response = support.get(reverse("admin:calls_call_changelist") + f"?{query}")
    assert response.status_code == 200
    found = response.context["cl"].queryset
    assert {one.callee_name for one in found} == names
    assert len(found) == len(names)

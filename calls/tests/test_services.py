"""What moves a call, and what cannot."""

import itertools
import time
import uuid
from typing import Any

import pytest
from django.utils import timezone, translation
from pytest_django import DjangoCaptureOnCommitCallbacks

from calls import reasons, services
from calls.models import (
    LIVE,
    TERMINAL,
    AppendOnlyError,
    Call,
    CallEvent,
    Mode,
    Outcome,
    Status,
    Utterance,
)
from calls.services import CallRefused
from calls.tests.factories import RESTAURANT, make_call, make_sid
from wigvo.models import User

NODE = "http://127.0.0.1:8000"
ORDER = [Status.DRAFT, Status.QUEUED, Status.RINGING, Status.IN_PROGRESS]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Collect what live calls, viewers and people are told."""
    messages: list[tuple[Any, ...]] = []
    for name in ("notify", "publish", "publish_user"):
        monkeypatch.setattr(
            services, name, lambda *args, name=name: messages.append((name, *args))
        )
    return messages


def status_events(call: Call) -> list[str]:
    return [e.data["status"] for e in call.events.filter(kind="status")]


# --- Creating ------------------------------------------------------------------------


def test_it_creates_a_draft_with_the_number_in_e164(alice: User) -> None:
    call = services.create_call(
        owner=alice,
        to_number="+82 2-555-0101",
        caller_language="en",
        callee_language="ko",
        brief={"goal": "A table for two"},
    )
    call.refresh_from_db()
    assert call.status == Status.DRAFT
    assert str(call.to_number) == RESTAURANT
    assert str(call.from_number) == "+12025550100"
    assert call.brief == {"goal": "A table for two"}


@pytest.mark.parametrize(
    ("caller", "callee", "field"),
    [
        ("en", "th", "callee_language"),
        ("km", "ko", "caller_language"),
        ("", "ko", "caller_language"),
        ("EN", "ko", "caller_language"),
        ("en", "zh-TW", "callee_language"),
    ],
)
def test_it_refuses_languages_without_an_interpreter(
    alice: User, caller: str, callee: str, field: str
) -> None:
    with pytest.raises(CallRefused) as refused:
        services.create_call(
            owner=alice,
            to_number=RESTAURANT,
            caller_language=caller,
            callee_language=callee,
        )
    error = refused.value
    assert (error.code, error.http_status) == ("unsupported_language", 422)
    assert error.field == field


def test_it_refuses_a_mode_that_is_switched_off(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calls.services.SUPPORTED_MODES", frozenset({Mode.VOICE}))
    with pytest.raises(CallRefused) as refused:
        services.create_call(
            owner=alice,
            to_number=RESTAURANT,
            mode=Mode.AGENT,
            caller_language="en",
            callee_language="ko",
        )
    assert refused.value.code == "unsupported_mode"


def test_a_refusal_speaks_the_readers_language(alice: User) -> None:
    with translation.override("ko"):
        korean = CallRefused("call_over").message
    assert CallRefused("call_over").message == "This call has ended."
    assert korean


def test_a_refusal_without_a_sentence_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        CallRefused("no_such_code")
    error = CallRefused("odd", message="Odd.", http_status=409)
    assert (error.code, error.message, error.http_status) == ("odd", "Odd.", 409)


# --- Claiming ------------------------------------------------------------------------


def test_it_claims_a_draft_once(alice: User) -> None:
    call = make_call(alice)
    claimed, is_first = services.claim(call.pk, user=alice, node_url=NODE)
    assert is_first
    assert (claimed.status, claimed.node_url) == (Status.QUEUED, NODE)
    assert claimed.queued_at is not None
    again, is_first = services.claim(call.pk, user=alice, node_url="http://other")
    assert not is_first
    assert (again.status, again.node_url) == (Status.QUEUED, NODE)
    assert status_events(call) == ["queued"]


@pytest.mark.parametrize("status", TERMINAL)
def test_it_does_not_claim_what_is_over(alice: User, status: Status) -> None:
    call = make_call(alice, status=status)
    with pytest.raises(CallRefused) as refused:
        services.claim(call.pk, user=alice, node_url=NODE)
    assert (refused.value.code, refused.value.http_status) == ("call_over", 409)


def test_a_stranger_claims_nothing(alice: User, bob: User) -> None:
    call = make_call(alice)
    with pytest.raises(Call.DoesNotExist):
        services.claim(call.pk, user=bob, node_url=NODE)
    with pytest.raises(Call.DoesNotExist):
        services.claim(uuid.uuid4(), user=bob, node_url=NODE)
    call.refresh_from_db()
    assert call.status == Status.DRAFT


def test_a_claim_asks_again_whether_the_person_may_call(alice: User) -> None:
    make_call(alice, status=Status.IN_PROGRESS)
    call = make_call(alice)
    with pytest.raises(CallRefused) as refused:
        services.claim(call.pk, user=alice, node_url=NODE)
    assert refused.value.code == "live_call_limit"
    call.refresh_from_db()
    assert call.status == Status.DRAFT


def test_limits_of_the_admin_count_even_for_a_stale_user(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(max_live_calls=0)
    call = make_call(alice)
    with pytest.raises(CallRefused):
        services.claim(call.pk, user=alice, node_url=NODE)


def test_it_stores_the_sid_once(alice: User) -> None:
    call = make_call(alice, status=Status.QUEUED, twilio_sid=None)
    sid = make_sid()
    assert services.record_dialled(call.pk, sid=sid)
    assert services.record_dialled(call.pk, sid=make_sid())
    call.refresh_from_db()
    assert call.twilio_sid == sid
    assert call.events.filter(kind="dialled").count() == 1


def test_it_says_when_a_dialled_call_is_not_wanted_any_more(alice: User) -> None:
    call = make_call(alice, status=Status.CANCELED, twilio_sid=None)
    assert not services.record_dialled(call.pk, sid=make_sid())


# --- The writer of status ------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), list(itertools.product(Status, Status)))
def test_status_only_moves_forward(alice: User, old: Status, new: Status) -> None:
    call = make_call(alice, status=old)
    moved = services.record_status(call.pk, new)
    call.refresh_from_db()
    is_forward = old not in TERMINAL and (
        new in TERMINAL or ORDER.index(new) > ORDER.index(old)
    )
    assert moved == is_forward
    assert call.status == (new if is_forward else old)
    assert status_events(call) == ([new.value] if is_forward else [])


REPORTS = [("queued", 0), ("ringing", 1), ("in_progress", 2), ("completed", 3)]


@pytest.mark.parametrize("order", list(itertools.permutations(REPORTS)))
def test_reports_may_come_in_any_order(
    alice: User, order: tuple[tuple[str, int], ...]
) -> None:
    call = make_call(alice, status=Status.QUEUED)
    for status, sequence in order:
        services.record_status(call.pk, status, sequence=sequence, duration_s=9)
        services.record_status(call.pk, status, sequence=sequence, duration_s=9)
    call.refresh_from_db()
    assert call.status == Status.COMPLETED
    assert call.last_sequence == 3
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert call.answered_at <= call.ended_at
    seen = status_events(call)
    assert seen == sorted(seen, key=[s for s, _ in REPORTS].index)
    assert len(seen) == len(set(seen))


def test_it_notes_when_a_call_was_answered_and_ended(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    before = timezone.now()
    services.record_status(call.pk, Status.IN_PROGRESS)
    services.record_status(call.pk, Status.COMPLETED, reason="hung_up_by_callee")
    call.refresh_from_db()
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert before <= call.answered_at <= call.ended_at
    assert call.reason == "hung_up_by_callee"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.COMPLETED, Outcome.UNKNOWN),
        (Status.BUSY, Outcome.UNREACHABLE),
        (Status.NO_ANSWER, Outcome.UNREACHABLE),
        (Status.FAILED, Outcome.FAILED),
        (Status.CANCELED, Outcome.UNKNOWN),
    ],
)
def test_an_ending_has_an_outcome(alice: User, status: Status, outcome: str) -> None:
    call = make_call(alice, status=Status.RINGING)
    services.record_status(call.pk, status)
    call.refresh_from_db()
    assert call.outcome == outcome


def test_the_relay_explains_an_ending_that_the_telephone_reported_first(
    alice: User,
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.record_status(call.pk, Status.COMPLETED, sequence=3)
    services.finish(
        call.pk, status="completed", outcome="partial", reason="caller_lost"
    )
    services.finish(call.pk, status="completed", outcome="success", reason="busy")
    services.finish(call.pk, status="failed", outcome="failed", reason="busy")
    call.refresh_from_db()
    assert (call.status, call.outcome, call.reason) == (
        Status.COMPLETED,
        Outcome.PARTIAL,
        "caller_lost",
    )


def test_it_refuses_words_that_are_no_status(alice: User) -> None:
    call = make_call(alice, status=Status.QUEUED)
    with pytest.raises(ValueError, match="exploded"):
        services.record_status(call.pk, "exploded")


def test_everybody_is_told_after_the_commit(
    alice: User,
    told: list[tuple[Any, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    call = make_call(alice, status=Status.RINGING)
    with django_capture_on_commit_callbacks(execute=True):
        services.record_status(call.pk, Status.BUSY, reason="busy")
        assert told == []
    status = {"status": "busy", "reason": "busy"}
    assert told == [
        ("notify", call.pk, {"kind": "status", **status}),
        ("publish", call.pk, {"type": "status", **status}),
        (
            "publish",
            call.pk,
            {"type": "ended", "status": "busy", "outcome": "unreachable"},
        ),
        (
            "publish_user",
            alice.pk,
            {"call_id": str(call.pk), "status": "busy", "direction": "outbound"},
        ),
    ]


def test_nobody_is_told_of_what_did_not_change(
    alice: User,
    told: list[tuple[Any, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    call = make_call(alice, status=Status.COMPLETED)
    with django_capture_on_commit_callbacks(execute=True):
        services.record_status(call.pk, Status.RINGING)
    assert told == []


# --- What happens in a call ----------------------------------------------------------


def test_an_utterance_is_rewritten_under_its_id(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    said: dict[str, Any] = {"leg": "callee", "started_ms": 1200}
    services.store_utterance(
        call.pk, utterance_id="u1", original="여보", translation="", **said
    )
    services.store_utterance(
        call.pk,
        utterance_id="u1",
        original="여보세요\0",
        translation="Hello",
        ended_ms=2000,
        uncertain=[[0, 2]],
        fate="delivered",
        **said,
    )
    utterance = Utterance.objects.get()
    assert (utterance.original, utterance.translation) == ("여보세요", "Hello")
    assert (utterance.ended_ms, utterance.uncertain) == (2000, [[0, 2]])
    assert utterance.fate == Utterance.Fate.DELIVERED


def test_events_are_only_added(alice: User) -> None:
    call = make_call(alice)
    services.append_event(call.pk, "recovery", {"leg": "callee"})
    event = CallEvent.objects.get(kind="recovery")
    with pytest.raises(AppendOnlyError):
        event.save()
    with pytest.raises(AppendOnlyError):
        event.delete()
    with pytest.raises(AppendOnlyError):
        CallEvent.objects.update(kind="other")
    with pytest.raises(AppendOnlyError):
        CallEvent.objects.all().delete()


def test_events_go_with_their_call(alice: User) -> None:
    call = make_call(alice)
    services.append_event(call.pk, "recovery")
    call.delete()
    assert not CallEvent.objects.exists()


def test_who_answered_is_told_once(
    alice: User,
    told: list[tuple[Any, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    with django_capture_on_commit_callbacks(execute=True):
        services.set_answered_by(call.pk, "voicemail")
        services.set_answered_by(call.pk, "voicemail")
    call.refresh_from_db()
    assert call.answered_by == "voicemail"
    assert told == [
        ("notify", call.pk, {"kind": "answered_by", "value": "voicemail"}),
        ("publish", call.pk, {"type": "answered_by", "kind": "voicemail"}),
    ]


def test_what_the_relay_found_out_is_not_overruled_by_the_company(
    alice: User,
    told: list[tuple[Any, ...]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    with django_capture_on_commit_callbacks(execute=True):
        services.set_answered_by(call.pk, "person", source="relay")
        services.set_answered_by(call.pk, "voicemail")
    call.refresh_from_db()
    assert call.answered_by == "person"
    # The relay hears of it all the same: it is evidence.
    assert told == [("notify", call.pk, {"kind": "answered_by", "value": "voicemail"})]
    services.set_answered_by(call.pk, "menu", source="relay")
    services.set_answered_by(call.pk, "person", source="relay")
    call.refresh_from_db()
    assert call.answered_by == "person"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"status": Status.RINGING}, Outcome.UNREACHABLE),
        ({"status": Status.IN_PROGRESS, "answered_by": "voicemail"}, "unreachable"),
        ({"status": Status.IN_PROGRESS, "answered_by": "fax"}, Outcome.UNREACHABLE),
        ({"status": Status.IN_PROGRESS, "answered_by": "silence"}, "unreachable"),
        ({"status": Status.IN_PROGRESS, "answered_by": "person"}, Outcome.SUCCESS),
        ({"status": Status.IN_PROGRESS, "answered_by": "menu"}, Outcome.SUCCESS),
        ({"status": Status.IN_PROGRESS}, Outcome.SUCCESS),
    ],
)
def test_no_answer_is_never_a_success(
    alice: User, fields: dict[str, Any], outcome: str
) -> None:
    call = make_call(alice, **fields)
    services.finish(call.pk, status=Status.COMPLETED, outcome=Outcome.SUCCESS)
    call.refresh_from_db()
    assert call.outcome == outcome


def test_a_call_is_restreaming_only_for_a_while(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    assert not services.is_restreaming(call.pk)
    services.begin_restream(call.pk, 1.0)
    assert services.is_restreaming(call.pk)
    time.sleep(1.2)  # Redis has a clock of its own
    assert not services.is_restreaming(call.pk)


def test_latency_is_kept(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.store_latency(call.pk, {"relay_added_ms": {"p50": 3}})
    call.refresh_from_db()
    assert call.latency == {"relay_added_ms": {"p50": 3}}


def test_people_see_only_their_calls(alice: User, bob: User) -> None:
    live = make_call(alice, status=Status.RINGING)
    make_call(alice)
    make_call(bob, status=Status.RINGING)
    assert set(Call.objects.for_user(alice).live()) == {live}
    assert live.status in LIVE


# --- Reasons -------------------------------------------------------------------------


def test_every_reason_has_a_sentence(language: str) -> None:
    for code, reason in reasons.REASONS.items():
        assert str(reason.sentence).strip(), code


def test_an_unknown_reason_has_no_sentence() -> None:
    assert str(reasons.explain("").sentence) == ""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (0, "telephone_unreachable"),
        (21219, "trial_account"),
        (21215, "country_blocked"),
        (10004, "telephone_full"),
        (12345, "telephone_refused"),
        (None, "telephone_refused"),
    ],
)
def test_twilio_errors_have_reasons(code: int | None, reason: str) -> None:
    assert reasons.of_twilio_error(code) == reason
    assert reasons.explain(reason).sentence

"""After a crash: every live call is taken up again or finished."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from calls import reconcile, tasks
from calls.models import Call, IdempotencyKey, Outcome, Status
from calls.tests.conftest import FakeTwilio
from calls.tests.factories import make_call
from wigvo.models import User

NODE = "http://127.0.0.1:8000"
NOW = datetime.fromisoformat("2026-11-20T12:00:00+00:00")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def look_after(*, live: Iterable[UUID] = ()) -> int:
    return reconcile.reconcile(NODE, lambda: list(live))


def says(status: str) -> httpx2.Response:
    return httpx2.Response(200, json={"status": status})


def reloaded(call: Call) -> Call:
    return Call.objects.get(pk=call.pk)


def methods(fake: FakeTwilio) -> list[tuple[str, dict[str, list[str]]]]:
    return [(method, form) for method, _, form in fake.requests]


def test_calls_with_a_session_are_left_alone(
    alice: User, twilio_rest: FakeTwilio
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    assert look_after(live=[call.pk]) == 0
    assert twilio_rest.requests == []


def test_calls_of_other_nodes_are_left_alone(
    alice: User, twilio_rest: FakeTwilio
) -> None:
    make_call(alice, status=Status.IN_PROGRESS, node_url="http://node2")
    assert look_after() == 0
    assert twilio_rest.requests == []


def test_a_call_that_begins_meanwhile_is_no_orphan(alice: User) -> None:
    """The sessions are listed after the calls, never before."""

    def live_ids() -> list[UUID]:
        make_call(alice, status=Status.IN_PROGRESS)
        return []

    assert reconcile.reconcile(NODE, live_ids) == 0


def test_a_call_that_goes_on_is_streamed_again(
    alice: User, twilio_rest: FakeTwilio
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    twilio_rest.will_answer(says("in-progress"))
    assert look_after() == 1
    assert methods(twilio_rest) == [
        ("GET", {}),
        ("POST", {"Url": [f"{NODE}/twilio/resume/{call.pk}"], "Method": ["POST"]}),
    ]
    assert reloaded(call).status == Status.IN_PROGRESS


def test_an_answer_that_was_missed_is_noted(
    alice: User, twilio_rest: FakeTwilio
) -> None:
    call = make_call(alice, status=Status.RINGING)
    twilio_rest.will_answer(says("in-progress"))
    look_after()
    assert reloaded(call).status == Status.IN_PROGRESS


def test_twilio_gets_time_to_open_the_stream(
    alice: User, twilio_rest: FakeTwilio, clock: time_machine.Traveller
) -> None:
    make_call(alice, status=Status.IN_PROGRESS)
    twilio_rest.default = says("in-progress")
    look_after()
    clock.shift(5)
    look_after()
    assert [method for method, _ in methods(twilio_rest)] == ["GET", "POST", "GET"]


def test_a_call_that_cannot_be_taken_up_is_hung_up(
    alice: User, twilio_rest: FakeTwilio, clock: time_machine.Traveller
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    twilio_rest.default = says("in-progress")
    for _ in range(reconcile.MAX_RESUMES + 1):
        assert reloaded(call).is_live
        look_after()
        clock.shift(60)
    call = reloaded(call)
    assert (call.status, call.outcome, call.reason) == (
        Status.FAILED,
        Outcome.PARTIAL,
        "server_restarted",
    )
    assert methods(twilio_rest)[-1] == ("POST", {"Status": ["completed"]})
    assert look_after() == 0


@pytest.mark.parametrize(
    ("word", "status", "outcome"),
    [
        ("completed", Status.COMPLETED, Outcome.PARTIAL),
        ("busy", Status.BUSY, Outcome.UNREACHABLE),
        ("no-answer", Status.NO_ANSWER, Outcome.UNREACHABLE),
        ("failed", Status.FAILED, Outcome.FAILED),
        ("canceled", Status.CANCELED, Outcome.UNKNOWN),
    ],
)
def test_a_call_that_ended_meanwhile_is_finished(
    alice: User, twilio_rest: FakeTwilio, word: str, status: Status, outcome: str
) -> None:
    call = make_call(alice, status=Status.RINGING)
    twilio_rest.will_answer(says(word))
    look_after()
    call = reloaded(call)
    assert (call.status, call.outcome) == (status, outcome)
    assert call.reason


def test_a_call_that_twilio_does_not_know_has_failed(
    alice: User, twilio_rest: FakeTwilio
) -> None:
    call = make_call(alice, status=Status.QUEUED)
    twilio_rest.will_refuse(404, 20404)
    look_after()
    assert reloaded(call).status == Status.FAILED


def test_a_telephone_that_rings_goes_on_ringing(
    alice: User, twilio_rest: FakeTwilio
) -> None:
    call = make_call(alice, status=Status.RINGING)
    twilio_rest.will_answer(says("ringing"))
    look_after()
    assert reloaded(call).status == Status.RINGING
    assert len(twilio_rest.requests) == 1


@pytest.mark.parametrize(
    ("age_s", "status"), [(30, Status.QUEUED), (61, Status.FAILED)]
)
def test_a_call_that_was_never_dialled_fails_after_a_minute(
    alice: User, twilio_rest: FakeTwilio, age_s: int, status: Status
) -> None:
    call = make_call(
        alice,
        status=Status.QUEUED,
        twilio_sid=None,
        queued_at=NOW - timedelta(seconds=age_s),
    )
    look_after()
    assert reloaded(call).status == status
    assert reloaded(call).reason == ("never_dialled" if age_s > 60 else "")
    assert twilio_rest.requests == []


def test_one_unreachable_answer_does_not_stop_the_others(
    alice: User, bob: User, twilio_rest: FakeTwilio
) -> None:
    make_call(alice, status=Status.IN_PROGRESS)
    make_call(bob, status=Status.IN_PROGRESS)
    down: Any = httpx2.ConnectError("down")
    twilio_rest.will_answer(down, down, down, says("completed"))
    assert look_after() == 2
    assert sorted(Call.objects.values_list("status", flat=True)) == [
        "completed",
        "in_progress",
    ]


@pytest.mark.parametrize(
    ("minutes", "status"), [(10, Status.IN_PROGRESS), (70, Status.FAILED)]
)
def test_calls_of_nodes_that_never_come_back_expire(
    alice: User, settings: Settings, minutes: int, status: Status
) -> None:
    settings.CALL_MAX_SECONDS = 3300
    call = make_call(
        alice,
        status=Status.IN_PROGRESS,
        node_url="http://gone",
        queued_at=NOW - timedelta(minutes=minutes),
    )
    tasks.expire_calls()
    assert reloaded(call).status == status


def test_old_idempotency_keys_are_forgotten(alice: User) -> None:
    for hours in (23, 25):
        IdempotencyKey.objects.create(
            user=alice,
            key=f"{hours}",
            fingerprint="",
            created_at=timezone.now() - timedelta(hours=hours),
        )
    tasks.expire_calls()
    assert [key.key for key in IdempotencyKey.objects.all()] == ["23"]


def test_a_process_without_sessions_takes_nothing_up(
    alice: User, twilio_rest: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_live_ids", None)
    make_call(alice, status=Status.IN_PROGRESS)
    tasks.reconcile_calls()
    assert twilio_rest.requests == []


def test_the_task_asks_this_processs_sessions(
    alice: User, twilio_rest: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    monkeypatch.setattr(reconcile, "_live_ids", None)
    reconcile.register_sessions(lambda: [call.pk])
    tasks.reconcile_calls()
    assert twilio_rest.requests == []
    reconcile.register_sessions(list)
    twilio_rest.will_answer(says("completed"))
    tasks.reconcile_calls()
    assert reloaded(call).status == Status.COMPLETED

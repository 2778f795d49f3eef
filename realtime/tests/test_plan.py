"""What an agent is given to work from, at the beginning and after a restart."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from calls.models import Status, Utterance
from calls.tests.factories import make_call, make_user
from realtime.agent.seat import AgentPlan
from realtime.services import facts_of

pytestmark = pytest.mark.django_db
BRIEF = {"goal": "Book a table."}


@pytest.fixture(autouse=True)
def evening() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 11, 21, 17, 30, tzinfo=UTC), tick=False):
        yield


def plan(**call: object) -> AgentPlan:
    made = make_call(make_user("alice"), brief=BRIEF, **call)
    found = facts_of(made).plan
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("number", "today"),
    [
        ("+8225550101", "2026-11-22 Sunday, 02:30"),
        ("+14155550100", "2026-11-21 Saturday"),  # which of its times, nobody knows
    ],
)
def test_today_is_the_callees(number: str, today: str) -> None:
    assert plan(to_number=number).today == today


def test_a_call_that_is_taken_up_brings_what_was_said_and_found_out() -> None:
    call = make_call(
        make_user("alice"), brief=BRIEF, mode="agent", status=Status.IN_PROGRESS,
        caller_language="en", callee_language="ko",
        result={"facts": [{"name": "parking", "value": "free"}]},
    )  # fmt: skip
    rows = [
        ("agent", "네 명 자리요.", "A table for four."),
        ("callee", "성함이요?", "Your name?"),
        ("caller", "Kim Minsu.", "김민수요."),
        ("callee", "", ""),
    ]
    for n, (leg, original, translation) in enumerate(rows):
        Utterance.objects.create(
            call=call, utterance_id=f"{leg}-{n}", leg=leg, original=original,
            translation=translation, started_ms=n * 1000, ended_ms=n * 1000 + 500,
            fate="delivered",
        )  # fmt: skip
    found = facts_of(call).plan
    assert found is not None
    assert [(one.role, one.text) for one in found.said] == [
        ("assistant", "네 명 자리요."),
        ("user", "성함이요?"),
        ("assistant", "김민수요."),
    ]
    assert found.result["facts"][0]["name"] == "parking"
    Utterance.objects.all().delete()
    call.status = Status.QUEUED
    call.save()
    fresh = facts_of(call).plan
    assert fresh is not None
    assert (fresh.said, fresh.result) == ((), {})

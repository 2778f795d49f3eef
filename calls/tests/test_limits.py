"""Who may call: the person and the limits."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.conf import settings as site
from django.utils import timezone
from pytest_django import Settings

from calls import services
from calls.models import Call, Status
from calls.services import CallRefused, count_in_minute, ensure_may_call
from calls.tests.factories import RESTAURANT, make_call, make_user
from wigvo.models import User


def refusal(action: Callable[[], object]) -> CallRefused:
    with pytest.raises(CallRefused) as refused:
        action()
    return refused.value


def test_it_lets_a_verified_person_call(alice: User) -> None:
    ensure_may_call(alice, RESTAURANT, address="203.0.113.1")


def test_it_wants_a_verified_address(db: None) -> None:
    dora = make_user("dora", verified=False)
    error = refusal(lambda: ensure_may_call(dora, RESTAURANT))
    assert (error.code, error.http_status) == ("email_not_verified", 403)


def test_another_persons_verified_address_does_not_help(alice: User) -> None:
    dora = make_user("dora", verified=False)
    assert refusal(lambda: ensure_may_call(dora, RESTAURANT)).http_status == 403


def test_it_refuses_a_number_on_its_field(alice: User) -> None:
    error = refusal(lambda: ensure_may_call(alice, "119"))
    assert (error.http_status, error.field) == (422, "to_number")
    assert "119" in error.message


@pytest.mark.parametrize("status", ["queued", "ringing", "in_progress"])
def test_one_call_at_a_time(alice: User, bob: User, status: str) -> None:
    make_call(alice, status=status)
    error = refusal(lambda: ensure_may_call(alice, RESTAURANT))
    assert (error.code, error.http_status) == ("live_call_limit", 429)
    ensure_may_call(bob, RESTAURANT)


def test_drafts_and_ended_calls_are_not_live(alice: User) -> None:
    make_call(alice)
    make_call(alice, status=Status.COMPLETED)
    ensure_may_call(alice, RESTAURANT)


def test_a_person_may_have_more_calls_at_a_time(alice: User) -> None:
    alice.max_live_calls = 2
    make_call(alice, status=Status.IN_PROGRESS)
    ensure_may_call(alice, RESTAURANT)
    make_call(alice, status=Status.QUEUED)
    assert refusal(lambda: ensure_may_call(alice, RESTAURANT)).code == "live_call_limit"


def test_a_person_may_be_shut_out(alice: User) -> None:
    alice.max_live_calls = 0
    assert refusal(lambda: ensure_may_call(alice, RESTAURANT)).code == "live_call_limit"


def _talked(user: User, minutes: int, *, hours_ago: float) -> Call:
    answered_at = timezone.now() - timedelta(hours=hours_ago)
    return make_call(
        user,
        status=Status.COMPLETED,
        answered_at=answered_at,
        ended_at=answered_at + timedelta(minutes=minutes),
    )


def test_minutes_of_the_last_24_hours_count(
    alice: User, bob: User, settings: Settings
) -> None:
    settings.CALL_DAILY_MINUTES_PER_USER = 60
    _talked(alice, 59, hours_ago=25)
    _talked(alice, 40, hours_ago=20)
    _talked(bob, 59, hours_ago=2)
    assert services.spent_today(alice) == timedelta(minutes=40)
    ensure_may_call(alice, RESTAURANT)
    _talked(alice, 20, hours_ago=1)
    error = refusal(lambda: ensure_may_call(alice, RESTAURANT))
    assert (error.code, error.http_status) == ("daily_minutes_limit", 429)
    alice.daily_minutes = 61
    ensure_may_call(alice, RESTAURANT)


def test_a_call_that_goes_on_counts_until_now(alice: User) -> None:
    answered_at = timezone.now() - timedelta(minutes=7)
    make_call(alice, status=Status.IN_PROGRESS, answered_at=answered_at)
    spent = services.spent_today(alice)
    assert timedelta(minutes=7) <= spent < timedelta(minutes=8)


def test_calls_that_nobody_answered_cost_no_minutes(alice: User) -> None:
    make_call(alice, status=Status.NO_ANSWER)
    assert services.spent_today(alice) == timedelta()


def _paid(user: User, usd: str, *, hours_ago: float) -> Call:
    at = timezone.now() - timedelta(hours=hours_ago)
    return make_call(user, status=Status.COMPLETED, queued_at=at, cost_usd=usd)


def test_what_was_paid_in_the_last_24_hours_counts(
    alice: User, bob: User, settings: Settings
) -> None:
    settings.CALL_MAX_USD, settings.CALL_DAILY_USD_PER_USER = 5.0, 8.0
    _paid(alice, "7.9", hours_ago=25)
    _paid(alice, "2.5", hours_ago=20)
    _paid(bob, "7.9", hours_ago=1)
    assert services.usd_left(alice) == 5  # a call's own limit is lower
    ensure_may_call(alice, RESTAURANT)
    last = _paid(alice, "5.5", hours_ago=2)
    error = refusal(lambda: ensure_may_call(alice, RESTAURANT))
    assert (error.code, error.http_status) == ("spend_limit", 429)
    assert "24 hours" in error.message
    # While that call goes on, what it has cost itself is not taken off its limit.
    assert services.usd_left(alice, besides=last.pk) == 5


def test_a_persons_own_money_counts(alice: User, settings: Settings) -> None:
    settings.CALL_MAX_USD, settings.CALL_DAILY_USD_PER_USER = 5.0, 8.0
    _paid(alice, "6", hours_ago=1)
    assert services.usd_left(alice) == 2
    alice.daily_usd, alice.usd_per_call = Decimal("7.50"), Decimal(1)
    assert services.usd_left(alice) == 1
    alice.daily_usd = Decimal("6.25")
    assert services.usd_left(alice) == Decimal("0.25")
    alice.usd_per_call = Decimal(0)
    assert refusal(lambda: ensure_may_call(alice, RESTAURANT)).code == "spend_limit"


def test_an_incoming_call_counts_from_its_pickup(alice: User) -> None:
    now = timezone.now()
    make_call(
        alice, status=Status.COMPLETED, queued_at=None, answered_at=now, cost_usd="20"
    )
    assert services.usd_left(alice) == 10


def test_starts_a_minute_are_counted_per_person(
    alice: User, bob: User, settings: Settings
) -> None:
    settings.CALL_STARTS_PER_MINUTE_PER_USER = 3
    for _ in range(3):
        ensure_may_call(alice, RESTAURANT)
    error = refusal(lambda: ensure_may_call(alice, RESTAURANT))
    assert (error.code, error.http_status) == ("starts_limit", 429)
    ensure_may_call(bob, RESTAURANT)


@pytest.mark.skipif(bool(site.REDIS_URL), reason="Redis has a clock of its own")
def test_a_minute_begins_with_what_is_counted_first() -> None:
    with time_machine.travel("2026-11-20 12:00:50+00:00", tick=False) as clock:
        assert [count_in_minute("a") for _ in range(3)] == [1, 2, 3]
        clock.shift(20)  # another minute of the clock
        assert count_in_minute("a") == 4
        assert count_in_minute("b") == 1
        clock.shift(41)
        assert count_in_minute("a") == 1


def test_a_persons_own_starts_limit_counts(alice: User) -> None:
    alice.starts_per_minute = 1
    with time_machine.travel("2026-11-20 12:00:05+00:00", tick=False):
        ensure_may_call(alice, RESTAURANT)
        assert (
            refusal(lambda: ensure_may_call(alice, RESTAURANT)).code == "starts_limit"
        )


def test_an_address_has_sixty_starts_a_minute(db: None) -> None:
    with time_machine.travel("2026-11-20 12:00:05+00:00", tick=False):
        people = [make_user(f"person{n}") for n in range(7)]
        for n in range(60):
            ensure_may_call(people[n % 7], RESTAURANT, address="203.0.113.1")
        error = refusal(
            lambda: ensure_may_call(people[6], RESTAURANT, address="203.0.113.1")
        )
        assert (error.code, error.http_status) == ("address_starts_limit", 429)
        ensure_may_call(people[6], RESTAURANT, address="203.0.113.2")


def test_what_is_refused_for_another_reason_is_no_start(alice: User) -> None:
    alice.starts_per_minute = 1
    with time_machine.travel("2026-11-20 12:00:05+00:00", tick=False):
        for _ in range(3):
            refusal(lambda: ensure_may_call(alice, "119"))
        ensure_may_call(alice, RESTAURANT)

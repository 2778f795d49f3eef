"""A request that is sent again does nothing again."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from calls import services
from calls.models import Call, IdempotencyKey
from calls.services import CallRefused
from calls.tests.factories import make_call
from wigvo.models import User


def once(user: User, key: str, body: dict[str, Any]) -> tuple[Call, bool]:
    return services.once(user, key, body, lambda: make_call(user))


def test_the_same_request_gets_the_same_call(alice: User) -> None:
    call, is_new = once(alice, "k", {"a": 1, "b": 2})
    again, is_new_again = once(alice, "k", {"b": 2, "a": 1})
    assert (is_new, is_new_again) == (True, False)
    assert call == again


def test_the_same_key_with_another_body_is_refused(alice: User) -> None:
    once(alice, "k", {"a": 1})
    with pytest.raises(CallRefused) as refused:
        once(alice, "k", {"a": 2})
    error = refused.value
    assert (error.code, error.http_status) == ("idempotency_mismatch", 422)
    assert Call.objects.count() == 1


def test_keys_belong_to_people(alice: User, bob: User) -> None:
    assert once(alice, "k", {})[0] != once(bob, "k", {"other": 1})[0]


def test_without_a_key_every_request_is_new(alice: User) -> None:
    assert once(alice, "", {})[0] != once(alice, "", {})[0]


def test_a_key_is_forgotten_after_24_hours(alice: User) -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        call, _ = once(alice, "k", {"a": 1})
        clock.shift(timedelta(hours=23, minutes=59))
        assert once(alice, "k", {"a": 1})[0] == call
        clock.shift(timedelta(minutes=2))
        assert once(alice, "k", {"a": 2})[0] != call


def test_what_was_refused_may_be_tried_again_with_the_same_key(alice: User) -> None:
    def refuse() -> Call:
        raise CallRefused("country_not_allowed")

    with pytest.raises(CallRefused):
        services.once(alice, "k", {"a": 1}, refuse)
    assert not IdempotencyKey.objects.exists()
    assert once(alice, "k", {"a": 2})[1]


@pytest.mark.parametrize("key", ["x" * 201, "a\x00b", "a\nb"])
def test_odd_keys_are_refused(alice: User, key: str) -> None:
    with pytest.raises(CallRefused) as refused:
        once(alice, key, {})
    assert refused.value.code == "idempotency_key_invalid"

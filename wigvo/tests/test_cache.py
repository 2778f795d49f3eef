"""The cache without Redis keeps what counts and forgets what does not."""

import time_machine

from wigvo.cache import SWEEP_EVERY_S, PrunedLocMemCache


def make_cache(name: str) -> PrunedLocMemCache:
    return PrunedLocMemCache(name, {"OPTIONS": {"MAX_ENTRIES": 10}})


def test_what_has_expired_goes_when_it_is_full() -> None:
    with time_machine.travel("2026-11-21 12:00:00+00:00", tick=False) as clock:
        cache = make_cache("pruned")
        for i in range(10):
            cache.set(f"old-{i}", 1, 60)
        clock.shift(61)
        cache.set("new", 1, 60)
        assert list(cache._cache) == [":1:new"]


def test_a_used_ticket_is_not_forgotten_before_its_time() -> None:
    cache = make_cache("kept")
    for i in range(50):
        assert cache.add(f"ticket-{i}", 1, 600)
    assert not any(cache.add(f"ticket-{i}", 1, 600) for i in range(50))


def test_it_has_a_limit_nevertheless() -> None:
    cache = make_cache("limit")
    for i in range(500):
        cache.set(f"x-{i}", 1, 600)
    assert len(cache._cache) <= 100


def test_what_has_expired_goes_also_when_it_is_not_full() -> None:
    with time_machine.travel("2026-11-21 12:00:00+00:00", tick=False) as clock:
        cache = make_cache("roomy")
        for i in range(5):
            cache.add(f"old-{i}", 1, 60)
        clock.shift(61)
        cache.add("new", 1, 60)
        assert list(cache._cache) == list(cache._expire_info) == [":1:new"]


def test_another_requests_instance_does_not_look_through_everything_again() -> None:
    with time_machine.travel("2026-11-21 12:00:00+00:00", tick=False) as clock:
        make_cache("shared").set("short", 1, 1)
        clock.shift(2)
        cache = make_cache("shared")
        cache.set("new", 1, 60)
        assert ":1:short" in cache._cache
        clock.shift(SWEEP_EVERY_S)
        make_cache("shared").set("newer", 1, 60)
        assert ":1:short" not in cache._cache

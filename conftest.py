"""What every test lives with: no network, nothing left running."""

import asyncio
import inspect
import ipaddress
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache, caches
from django.db import connection
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from wigvo import database

# The same examples each time, so that a test says something about a change; to search
# for new ones: HYPOTHESIS_PROFILE=search pytest ...
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

CORE = ("calls/tests/", "chat/tests/", "realtime/tests/", "places/tests/")
"""Tests that `pytest -m services` repeats on PostgreSQL and Redis."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the core tests that use a database or channels into the services ring."""
    on_services = config.option.markexpr.strip() == "services"
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if inspect.iscoroutinefunction(item.obj):
            item.fixturenames.insert(0, "_no_task_leaks")
        if on_services and item.nodeid.startswith(CORE) and _uses_services(item):
            item.add_marker("services")


def _uses_services(item: pytest.Function) -> bool:
    if item.get_closest_marker("browser") or item.get_closest_marker("lab"):
        return False
    names = set(item.fixturenames)
    return bool(
        item.get_closest_marker("django_db")
        or names & {"db", "transactional_db", "client", "admin_client"}
        or inspect.iscoroutinefunction(item.obj)
    )


# --- No network ----------------------------------------------------------------------


class NetworkIsBlocked(OSError):
    """A test tried to reach something that is not this machine."""


def _is_this_machine(host: object) -> bool:
    if not isinstance(host, str | bytes) or not host:
        return True
    name = host.decode() if isinstance(host, bytes) else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Let sockets reach this machine only, and look no other name up."""
    connect, connect_ex, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def check(host: object) -> None:
        if not _is_this_machine(host):
            raise NetworkIsBlocked(f"A test tried to reach {host!r}.")

    def checked_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple):
            check(address[0])
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        if isinstance(address, tuple):
            check(address[0])
        return connect_ex(self, address)

    def checked_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return lookup(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", checked_connect)
        patch.setattr(socket.socket, "connect_ex", checked_connect_ex)
        patch.setattr(socket, "getaddrinfo", checked_lookup)
        yield


# --- Nothing left running ------------------------------------------------------------


@pytest.fixture
async def _no_task_leaks() -> AsyncIterator[None]:
    """Fail a test that leaves an asyncio task behind."""
    before = asyncio.all_tasks()
    yield
    left = set[asyncio.Task[Any]]()
    for _ in range(20):  # what was cancelled last needs a few turns to end
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0.01)
    names = ", ".join(sorted(str(task.get_coro()) for task in left))
    pytest.fail(f"left running: {names}")


def _threads() -> set[threading.Thread]:
    """Return the threads that would keep the process alive, pools left out."""
    return {
        thread
        for thread in threading.enumerate()
        if not thread.daemon
        and not thread.name.startswith(("ThreadPoolExecutor", "asyncio_"))
    }


@pytest.fixture(autouse=True)
def _no_thread_leaks() -> Iterator[None]:
    """Fail a test that leaves a thread behind."""
    before = _threads()
    yield
    database.close()
    left = set[threading.Thread]()
    for _ in range(50):
        left = _threads() - before
        if not left:
            return
        time.sleep(0.01)
    pytest.fail(f"left running: {', '.join(thread.name for thread in left)}")


# --- The database --------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Let go of the test database at the end: an idle session of a thread keeps it."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


# --- State between tests -------------------------------------------------------------


@pytest.fixture(autouse=True)
def _own_language() -> None:
    """Forget the language that a request of an earlier test left in this thread."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Start with no counters, tickets or idempotency of an earlier test."""
    cache.clear()
    yield
    for one in caches.all():
        one.clear()


@pytest.fixture(autouse=True)
def _no_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no call summed up: that asks a model, in a thread of its own."""
    monkeypatch.setattr("calls.summaries.hand_over", lambda call_id: None)


# --- Helpers -------------------------------------------------------------------------


@pytest.fixture(params=[code for code, _ in settings.LANGUAGES])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test once in each language of the interface; yields its code."""
    with translation.override(request.param):
        yield str(request.param)

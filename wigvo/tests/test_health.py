"""Alive without anything; ready only with everything."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from wigvo import health, notify


@pytest.fixture
def relay_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run a loop in a thread, as the server's is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    notify.set_loop(loop)
    yield loop
    notify.set_loop(None)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def ask_ready() -> tuple[int, Any]:
    response = Client().get("/health/ready")
    return response.status_code, response.json()


def test_it_is_alive_without_a_database() -> None:
    # Without a `db` fixture any query fails the test.
    response = Client().get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("relay_loop")
def test_it_is_ready_with_everything(db: None, settings: Settings) -> None:
    settings.REDIS_URL = ""
    assert ask_ready() == (
        200,
        {"status": "ok", "dependencies": {"database": "ok", "relay": "ok"}},
    )


def test_it_is_not_ready_without_a_relay_loop(db: None, settings: Settings) -> None:
    settings.REDIS_URL = ""
    assert ask_ready() == (
        503,
        {
            "status": "unavailable",
            "dependencies": {"database": "ok", "relay": "unavailable"},
        },
    )


def test_it_is_not_ready_while_the_loop_hangs(
    db: None, relay_loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOP_TIMEOUT_S", 0.05)
    gate = threading.Event()
    relay_loop.call_soon_threadsafe(gate.wait, 5)
    status, body = ask_ready()
    gate.set()
    assert status == 503
    assert body["dependencies"]["relay"] == "unavailable"


@pytest.mark.usefixtures("relay_loop")
def test_it_is_not_ready_without_its_database(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def cursor(self) -> None:
            raise ConnectionError("a secret detail")

    monkeypatch.setattr(health, "connection", Broken())
    status, body = ask_ready()
    assert status == 503
    assert body["dependencies"]["database"] == "unavailable"
    assert "secret" not in str(body)


@pytest.mark.usefixtures("relay_loop")
def test_it_is_not_ready_without_its_redis(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert ask_ready()[1]["dependencies"]["redis"] == "ok"
    monkeypatch.setattr(cache, "get", lambda key: None)
    status, body = ask_ready()
    assert (status, body["dependencies"]["redis"]) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_it_only_answers_questions(path: str) -> None:
    assert Client().post(path).status_code == 405

"""Tasks without a broker: in threads, bounded, on time, and gone at the end."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from wigvo import celery
from wigvo.celery import Background


class Task:
    """Something to do that says when it was done, and by which thread."""

    def __init__(self, name: str, action: Callable[..., Any] = lambda *args: None):
        self.name = name
        self.action = action
        self.done: list[tuple[Any, ...]] = []
        self.threads: list[str] = []
        self.happened = threading.Event()
        self.queued: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any) -> None:
        self.threads.append(threading.current_thread().name)
        self.done.append(args)
        self.happened.set()
        self.action(*args)

    def delay(self, *args: Any) -> None:
        self.queued.append(args)


@pytest.fixture
def background() -> Iterator[Background]:
    background = Background(workers=1, max_waiting=1)
    yield background
    background.stop()


@pytest.fixture
def _stopped_at_the_end() -> Iterator[None]:
    yield
    celery.stop()


def test_a_task_is_done_in_another_thread(background: Background) -> None:
    task = Task("t")
    background.submit(task, 1, 2)
    assert task.happened.wait(5)
    assert task.done == [(1, 2)]
    assert task.threads[0].startswith("task")


def test_a_task_that_fails_does_not_stop_the_next(background: Background) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    background.submit(Task("bad", fail))
    good = Task("good")
    background.submit(good)
    assert good.happened.wait(5)


def test_whoever_brings_too_much_does_it_himself(background: Background) -> None:
    gate = threading.Event()
    slow, waiting, third = Task("slow", lambda: gate.wait(5)), Task("w"), Task("3")
    background.submit(slow)
    background.submit(waiting)
    assert slow.happened.wait(5)
    background.submit(third)
    assert third.threads == [threading.current_thread().name]
    gate.set()
    assert waiting.happened.wait(5)


def test_stopping_waits_for_what_runs_and_forgets_what_waits() -> None:
    background = Background(workers=1, max_waiting=5)
    gate = threading.Event()
    running, waiting = Task("running", lambda: gate.wait(5)), Task("waiting")
    background.submit(running)
    assert running.happened.wait(5)
    background.submit(waiting)
    threading.Timer(0.05, gate.set).start()
    background.stop()
    assert waiting.done == []
    late = Task("late")
    background.submit(late)
    assert late.done == []
    assert not [t for t in threading.enumerate() if t.name.startswith("task")]


def test_the_clock_hands_over_what_is_due(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    often, seldom = Task("often"), Task("seldom")
    twice = threading.Event()

    def count() -> None:
        if len(often.done) >= 2:
            twice.set()

    often.action = count
    monkeypatch.setattr(celery, "_find", lambda name: {"o": often, "s": seldom}[name])
    background.tick(
        {
            "o": {"task": "o", "schedule": 0.01},
            "s": {"task": "s", "schedule": 60.0, "args": (7,)},
        },
        first_s=0.0,
    )
    assert twice.wait(5)
    assert seldom.happened.wait(5)
    assert seldom.done == [(7,)]


def test_the_clock_waits_before_its_first_tick(
    background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task("t")
    monkeypatch.setattr(celery, "_find", lambda name: task)
    background.tick({"t": {"task": "t", "schedule": 0.01}}, first_s=60.0)
    assert not task.happened.wait(0.05)


def test_an_empty_schedule_needs_no_clock(background: Background) -> None:
    background.tick({}, first_s=0.0)


@pytest.mark.usefixtures("_stopped_at_the_end")
def test_without_a_broker_tasks_stay_in_this_process(settings: Settings) -> None:
    settings.REDIS_URL = ""
    task = Task("t")
    celery.run_task(task, 1)
    assert task.happened.wait(5)
    assert task.queued == []


def test_with_a_broker_tasks_go_to_it(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    task = Task("t")
    celery.run_task(task, 1)
    assert task.queued == [(1,)]
    assert task.done == []


@pytest.mark.usefixtures("_stopped_at_the_end")
@pytest.mark.parametrize(
    ("redis_url", "expected"), [("", {"node", "beat"}), ("redis://x", {"node"})]
)
def test_a_server_ticks_what_no_beat_does(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    redis_url: str,
    expected: set[str],
) -> None:
    ticked: set[str] = set()
    monkeypatch.setattr(
        Background, "tick", lambda self, schedule, first_s: ticked.update(schedule)
    )
    settings.REDIS_URL = redis_url
    settings.NODE_SCHEDULE = {"node": {"task": "n", "schedule": 1.0}}
    settings.CELERY_BEAT_SCHEDULE = {"beat": {"task": "b", "schedule": 1.0}}
    celery.start()
    assert ticked == expected


def test_every_scheduled_task_exists(settings: Settings) -> None:
    schedule = {**settings.NODE_SCHEDULE, **settings.CELERY_BEAT_SCHEDULE}
    assert schedule
    for entry in schedule.values():
        assert callable(celery._find(entry["task"]))
        assert entry["schedule"] > 0


def test_stopping_twice_is_fine() -> None:
    celery.stop()
    celery.stop()

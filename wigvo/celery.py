"""Work that nobody waits for, with a broker or without one.

With Redis, tasks go to Celery's workers and beat ticks the schedule.  Without it, one
bounded pool of threads in this process does the work, and `start` ticks the schedule.
What concerns this relay node alone is ticked in its own process either way.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from celery import Celery, shared_task
from django.conf import settings
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wigvo.settings")

app = Celery("wigvo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

log = structlog.get_logger(__name__)

WORKERS = 4
"""Threads; tasks wait for providers most of the time."""
MAX_WAITING = 200
"""Beyond this, whoever hands a task over does it himself and so slows down."""
FIRST_TICK_S = 2.0
"""Twilio answers a start-up question by calling us, so our doors must be open."""


def background(function: Callable[..., None]) -> Any:
    """Make a function a task; without this, a decorator hides its types."""
    return shared_task(function)


class Background:
    """A bounded pool that does tasks, and a clock that hands it the scheduled ones."""

    def __init__(self, *, workers: int = WORKERS, max_waiting: int = MAX_WAITING):
        """Start no thread yet; the pool and the clock do when they are needed."""
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="task")
        self._room = threading.BoundedSemaphore(workers + max_waiting)
        self._stopping = threading.Event()
        self._clock: threading.Thread | None = None

    def submit(self, task: Any, *args: Any) -> None:
        """Do a task soon, in another thread if there is room."""
        if not self._room.acquire(blocking=False):
            log.warning("task_pool_full", task=task.name)
            _do(task, args)
            return
        try:
            future = self._pool.submit(_do_in_pool, task, args)
        except RuntimeError:  # stopped meanwhile
            self._room.release()
            log.warning("task_after_stop", task=task.name)
            return
        future.add_done_callback(self._leave)

    def _leave(self, _done: Future[None]) -> None:
        self._room.release()

    def tick(
        self, schedule: Mapping[str, Mapping[str, Any]], *, first_s: float
    ) -> None:
        """Start handing over each task of a beat schedule whenever it is due."""
        self._clock = threading.Thread(
            target=self._run_clock,
            args=(schedule, first_s),
            name="task-clock",
            daemon=True,
        )
        self._clock.start()

    def _run_clock(
        self, schedule: Mapping[str, Mapping[str, Any]], first_s: float
    ) -> None:
        due = dict.fromkeys(schedule, time.monotonic() + first_s)
        while due and not self._stopping.wait(
            max(0.0, min(due.values()) - time.monotonic())
        ):
            now = time.monotonic()
            for name, at in due.items():
                if at <= now:
                    entry = schedule[name]
                    due[name] = now + float(entry["schedule"])
                    self.submit(_find(entry["task"]), *entry.get("args", ()))

    def stop(self) -> None:
        """Let running tasks end, forget waiting ones, and leave no thread behind."""
        self._stopping.set()
        if self._clock is not None:
            self._clock.join()
        self._pool.shutdown(wait=True, cancel_futures=True)


_background: Background | None = None
_lock = threading.Lock()


def run_task(task: Any, *args: Any) -> None:
    """Have a task done by whoever does tasks here; never waits for it.

    Inside a transaction, call this from `transaction.on_commit`.
    """
    if settings.REDIS_URL:
        task.delay(*args)
    else:
        _the_background().submit(task, *args)


def start() -> None:
    """Tick what this process has to tick; called when the server starts."""
    schedule = dict(settings.NODE_SCHEDULE)
    if not settings.REDIS_URL:
        schedule |= settings.CELERY_BEAT_SCHEDULE
    _the_background().tick(schedule, first_s=FIRST_TICK_S)


def stop() -> None:
    """End the clock and the pool; called when the server stops."""
    global _background
    with _lock:
        background, _background = _background, None
    if background is not None:
        background.stop()


def _the_background() -> Background:
    global _background
    with _lock:
        if _background is None:
            _background = Background()
        return _background


def _find(name: str) -> Any:
    app.loader.import_default_modules()
    return app.tasks[name]


def _do(task: Any, args: tuple[Any, ...]) -> None:
    try:
        task(*args)
    except Exception:
        log.exception("task_failed", task=task.name)


def _do_in_pool(task: Any, args: tuple[Any, ...]) -> None:
    close_old_connections()
    try:
        _do(task, args)
    finally:
        close_old_connections()

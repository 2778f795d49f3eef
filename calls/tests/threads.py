"""Run things at the same moment, against the database as production has it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T")


@contextmanager
def shared_database(directory: Path) -> Iterator[None]:
    """Let other threads see this database; the calling thread keeps out meanwhile.

    Tests have their SQLite in memory, where neither WAL nor waiting for the lock
    exists.  So it is copied to a file, and threads open that with our own settings.
    """
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    path = directory / "threads.sqlite3"
    copy = sqlite3.connect(path)
    connection.connection.backup(copy)
    copy.close()
    settings = connections.settings["default"]
    in_memory = settings["NAME"]
    settings["NAME"] = str(path)
    try:
        yield
    finally:
        settings["NAME"] = in_memory


def at_once(count: int, action: Callable[[int], T]) -> list[T | Exception]:
    """Run an action in threads that all begin together; return what each came to."""
    barrier = threading.Barrier(count)

    def run(n: int) -> T | Exception:
        barrier.wait(10)
        try:
            return action(n)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def elsewhere(action: Callable[[], T]) -> T:
    """Run an action in another thread, and return what it returns."""
    [result] = at_once(1, lambda _: action())
    if isinstance(result, Exception):
        raise result
    return result

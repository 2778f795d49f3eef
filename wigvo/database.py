"""The event loop's door to the ORM: its own threads, and connections that are closed.

Channels' default runs everything on one shared thread, where a telephone company that
takes 10 s to answer would hold up every other call; and since asgiref runs the function
in a context of its own, the connections that it opens are not the ones that Channels
closes afterwards.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

WORKERS: Final = 8
"""Threads; they wait for the database and the telephone company most of the time."""

_pool: ThreadPoolExecutor | None = None


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous function that uses the ORM, off the event loop."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="relay-db")

    def run() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, partial(context.run, run))


def close() -> None:
    """Wait for what is being done and leave no thread behind."""
    global _pool
    pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown(wait=True)

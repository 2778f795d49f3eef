"""The server's entry: `uvicorn wigvo.asgi:application`, one worker per relay node."""

import asyncio
import gc
import os
import sys
from typing import Any

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wigvo.settings")
# BLAS threads make the small products of the sound path slower, not faster (measured).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    http = get_asgi_application()
except ImproperlyConfigured as error:
    sys.exit(f"wigvo: {error}")

# These need the applications that `get_asgi_application` has loaded.
from calls.reception import register_prewarm
from calls.reconcile import register_sessions
from realtime import registry
from realtime.audio import vad
from realtime.routing import sockets
from realtime.text import texts
from wigvo import celery, checks, database, notify

if problem := checks.missing_provider_settings():
    sys.exit(f"wigvo: {problem}")
checks.warn_if_unencrypted()

register_sessions(registry.live_ids)
register_prewarm(registry.prewarm)


def start() -> None:
    """Get ready to take calls on the running loop, once."""
    loop = asyncio.get_running_loop()
    if notify.get_loop() is loop:
        return
    notify.set_loop(loop)
    vad.warm_up()
    texts.warm_up()
    celery.start()
    set_aside_what_stays()


def set_aside_what_stays() -> None:
    """Let the garbage collector pass over what was made before the first call.

    A full collection would look at 170,000 objects of modules, models and routes, while
    every call waits; and because it comes only after a quarter as many new ones, what
    finished calls leave behind would pile up until then.
    """
    resolve("/health")  # loads every route now, not in somebody's first request
    gc.collect()
    gc.freeze()


async def stop() -> None:
    """Let go of calls, threads and the loop."""
    await registry.close_all()
    await texts.close()
    await asyncio.to_thread(celery.stop)
    await asyncio.to_thread(database.close)
    notify.set_loop(None)


async def lifespan(receive: Any, send: Any) -> None:
    """Serve the server's own start and stop."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Route a connection: pages and API to Django, sockets to the consumers."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    start()  # daphne, and so `runserver`, has no lifespan
    await (http if scope["type"] == "http" else sockets)(scope, receive, send)

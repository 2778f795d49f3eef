"""Tell live calls and viewers what happened, from any thread.

Everything goes through the channel layer.  The in-memory layer only reaches
consumers of the loop it is used on, so whoever serves sockets registers its loop
here, and every other thread hops to it.
"""

import asyncio
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

log = structlog.get_logger(__name__)

_loop: asyncio.AbstractEventLoop | None = None
_sending: set[asyncio.Task[None]] = set()


def set_loop(loop: asyncio.AbstractEventLoop | None) -> None:
    """Name the loop that serves this process's sockets; None when it stops."""
    global _loop
    _loop = loop


def get_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that serves this process's sockets, if it does."""
    return _loop


def call_group(call_id: UUID) -> str:
    return f"call_{call_id.hex}"


def viewers_group(call_id: UUID) -> str:
    return f"viewers_{call_id.hex}"


def user_group(user_id: int) -> str:
    return f"user_{user_id}"


def notify(call_id: UUID, event: dict[str, Any]) -> None:
    """Send an event to the session of a live call, wherever it lives."""
    _send(call_group(call_id), {"type": "call.control", "event": event})


def publish(call_id: UUID, message: dict[str, Any]) -> None:
    """Show a message of the caller socket's protocol to a call's viewers."""
    _send(viewers_group(call_id), {"type": "call.event", "message": message})


def publish_user(user_id: int, message: dict[str, Any]) -> None:
    """Tell a person's open pages about one of their calls."""
    _send(user_group(user_id), {"type": "user.call", "message": message})


def _send(group: str, message: dict[str, Any]) -> None:
    try:
        here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is not None and here is _loop:
        task = here.create_task(_deliver(group, message))
        _sending.add(task)
        task.add_done_callback(_sending.discard)
    elif _loop is not None and _loop.is_running():
        asyncio.run_coroutine_threadsafe(_deliver(group, message), _loop)
    elif settings.REDIS_URL and here is None:
        async_to_sync(_deliver)(group, message)
    # Otherwise nobody in this process listens, and no other one can be reached.


async def _deliver(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        await layer.group_send(group, message)
    except Exception as error:
        # What happened is stored already; a viewer that misses it reloads.
        log.warning("notify_failed", message_type=message["type"], error=repr(error))

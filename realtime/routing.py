"""The sockets' addresses (contract sections 3 and 4)."""

from typing import Any

from channels.routing import URLRouter
from django.urls import path as _path

from calls.captions import CaptionsConsumer, LiveConsumer
from realtime.consumers import CallerConsumer, MediaStreamConsumer


async def not_found(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket at an address that is none: 403 before it is accepted."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


path: Any = _path  # typed for views, which consumers are not
sockets: Any = URLRouter(
    [
        path("twilio/media-stream", MediaStreamConsumer.as_asgi()),
        path("relay/calls/<uuid:call_id>/stream", CallerConsumer.as_asgi()),
        path("calls/<uuid:call_id>/captions", CaptionsConsumer.as_asgi()),
        path("calls/live", LiveConsumer.as_asgi()),
        path("<path:unknown>", not_found),
        path("", not_found),
    ]
)

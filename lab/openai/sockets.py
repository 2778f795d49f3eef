"""What both kinds of sockets share: the handshake, sending, and faults over time."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from lab.openai import wire
from lab.openai.catalogue import MODELS, Role
from lab.openai.state import Fault, Kind, SessionRecord, state

MAX_MESSAGE_CHARS: Final = 21 * 1024 * 1024
"""15 MiB of audio as base64, and its JSON."""


def problem(
    status: int, message: str, code: str | None, param: str | None = None
) -> JSONResponse:
    """Build the body that the provider sends with an HTTP error."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": error}, status)


def is_authorised(header: str | None) -> bool:
    """Check an Authorization header against the configured key."""
    return header == f"Bearer {state.expected_key()}"


UNAUTHORISED: Final = (401, "Incorrect API key provided.", "invalid_api_key")


async def admit(socket: WebSocket, role: Role) -> str | None:
    """Check key and model; refuse the handshake with the right status, or accept.

    Args:
        socket: not accepted yet.
        role: what the model must be able to do.

    Returns:
        The model's id, or None when the handshake was refused.
    """
    model = socket.query_params.get("model")
    if not is_authorised(socket.headers.get("authorization")):
        await socket.send_denial_response(problem(*UNAUTHORISED))
    elif not model:
        message = "You must provide a model parameter."
        await socket.send_denial_response(
            problem(400, message, "missing_required_parameter", "model")
        )
    elif model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        await socket.send_denial_response(
            problem(404, message, "model_not_found", "model")
        )
    elif MODELS[model].role != role:
        message = f"The model '{model}' cannot be used with this endpoint."
        await socket.send_denial_response(
            problem(400, message, "invalid_model", "model")
        )
    else:
        return model
    return None


class Connection:
    """One accepted socket: sends events, and lets faults happen to it.

    Args:
        socket: accepted.
        record: of its session.
    """

    def __init__(self, socket: WebSocket, record: SessionRecord) -> None:
        self._socket = socket
        self.record: Final = record
        self.delay_ms = 0
        self.response_delay_ms = 0
        self.failing_transcripts = 0
        self.misreads = 0
        self.output_samples: int | None = None
        self._running = asyncio.Event()
        self._running.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, message: str) -> None:
        """Send JSON; silently nothing once the socket is gone."""
        await self._running.wait()
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.send_text(message)

    async def send_event(self, event: dict[str, Any]) -> None:
        """Send an event."""
        await self.send(wire.encode(event))

    async def receive(self) -> str | bytes | None:
        """Return the next message, or None when the socket is closed."""
        await self._running.wait()
        try:
            message = await self._socket.receive()
        except RuntimeError:
            return None  # closed by ourselves meanwhile
        if message["type"] == "websocket.disconnect":
            return None
        content: str | bytes = message.get("text") or message.get("bytes") or ""
        return content

    async def close(self, code: int = 1000) -> None:
        """Close the socket, if it is open."""
        self._running.set()
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(code)

    def apply_fault(self, fault: Fault) -> None:
        """Let a fault happen, now or at its time."""
        match fault["kind"]:
            case "delay":
                self.delay_ms = fault.get("ms", 1000)
            case "slow_response":
                self.response_delay_ms = fault.get("ms", 5000)
            case "fail_transcript":
                self.failing_transcripts += fault.get("times", 1)
            case "misread":
                self.misreads += fault.get("times", 1)
            case "frame":
                self.output_samples = fault.get("samples", 9600)
            case _:
                self.start(lambda: self._happen(fault))

    def start(self, work: Callable[[], Any]) -> asyncio.Task[None]:
        """Run something beside the session; it ends with it."""
        task: asyncio.Task[None] = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """End everything that runs beside the session."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def expire(self, after_s: float) -> None:
        """End the session's life as the provider does."""
        await asyncio.sleep(after_s)
        error = wire.BadRequest(
            "Your session hit the maximum duration.", code="session_expired"
        )
        await self.send_event(wire.error_event(error, None))
        await self.close(1001)

    async def _happen(self, fault: Fault) -> None:
        after_s = fault.get("after_ms", 0) / 1000
        match fault["kind"]:
            case "drop_session":
                await asyncio.sleep(after_s)
                await self.close(fault.get("close_code", 1011))
            case "expire_session":
                await self.expire(after_s)
            case "stall":
                await asyncio.sleep(after_s)
                self._running.clear()
                await asyncio.sleep(fault.get("duration_ms", 2000) / 1000)
                self._running.set()
            case "error":
                await asyncio.sleep(after_s)
                error = wire.BadRequest(
                    str(fault.get("message", "The server had an error.")),
                    code=str(fault.get("code", "server_error")),
                )
                await self.send_event(wire.error_event(error, None, "server_error"))


def lifetime(faults: list[Fault]) -> float:
    """Return how many seconds a session may live."""
    ends = [
        f.get("after_ms", 0) / 1000 for f in faults if f["kind"] == "expire_session"
    ]
    return float(min([state.session_seconds, *ends]))


async def refused(socket: WebSocket, faults: list[Fault]) -> bool:
    """Refuse the handshake if a fault asks for it."""
    for fault in faults:
        if fault["kind"] == "refuse_session":
            status = fault.get("http_status", 503)
            code = str(fault.get("code", "service_unavailable"))
            message = str(fault.get("message", "The engine is not available."))
            await socket.send_denial_response(problem(status, message, code))
            return True
    return False


def new_record(kind: Kind, model: str) -> SessionRecord:
    """Return the record of a session that is about to open."""
    return SessionRecord(id=wire.new_id("sess"), kind=kind, model=model)

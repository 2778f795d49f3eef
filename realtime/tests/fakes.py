"""Providers for the shell's tests: real sockets on this machine, no behaviour to guess.

`FakeOpenAI` speaks just enough of both kinds of sessions that a test can see what was
sent to it and say what it answers.  `FakeTwilio` is a transport for `calls.twilio`.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

SENTENCE_USAGE = {
    "total_tokens": 70,
    "input_tokens": 40,
    "output_tokens": 30,
    "input_token_details": {"text_tokens": 40, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
}
"""What each sentence costs that is read aloud."""


class FakeSession:
    """One socket that the product opened."""

    def __init__(self, socket: ServerConnection, path: str) -> None:
        self.socket = socket
        self.path = path
        self.language = ""
        self.received: list[dict[str, Any]] = []
        self.audio = b""
        self.n_committed = 0

    @property
    def is_translation(self) -> bool:
        return self.path.startswith("/v1/realtime/translations")

    async def send(self, **event: Any) -> None:
        await self.socket.send(json.dumps(event))

    @property
    def asked(self) -> list[str]:
        """Return the items whose interpretation was asked for."""
        return [
            item["id"]
            for event in self.received
            if event["type"] == "response.create"
            for item in event["response"]["input"]
            if item["type"] == "item_reference"
        ]

    async def answer(self, response_id: str, pcm: np.ndarray, text: str) -> None:
        """Interpret what was asked for last, as a session with turns does."""
        about = {"response_id": response_id}
        await self.send(type="response.created", response={"id": response_id})
        item = {"id": f"out_{response_id}", "type": "message"}
        await self.send(type="response.output_item.added", item=item, **about)
        audio = base64.b64encode(pcm.astype("<i2").tobytes()).decode()
        await self.send(type="response.output_audio.delta", delta=audio, **about)
        kind = "response.output_audio_transcript.delta"
        await self.send(type=kind, delta=text, **about)
        done = {"id": response_id, "status": "completed"}
        await self.send(type="response.done", response=done)

    async def say(self, pcm: np.ndarray, text: str = "") -> None:
        """Send translated sound, and its text."""
        audio = base64.b64encode(pcm.astype("<i2").tobytes()).decode()
        await self.send(type="session.output_audio.delta", delta=audio)
        if text:
            await self.send(type="session.output_transcript.delta", delta=text)


class FakeOpenAI:
    """A server for `/realtime` and `/realtime/translations`."""

    def __init__(self) -> None:
        self.sessions: list[FakeSession] = []
        self.refuse_with: int | None = None
        self.closed_doors: set[str] = set()
        """Parts of addresses behind which nobody answers."""
        self.error_code = ""
        self.misreads = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/v1"

    def interpreter(self) -> FakeSession:
        """Return the newest session that interprets by turns."""
        return [s for s in self.sessions if "You interpret" in str(s.received)][-1]

    def transcription(self) -> FakeSession:
        """Return the newest session that only writes down."""
        wanted = "?intent=transcription"
        return [s for s in self.sessions if s.path.endswith(wanted)][-1]

    def translation(self, language: str) -> FakeSession:
        """Return the newest open translation into a language."""
        return [s for s in self.sessions if s.language == language][-1]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["FakeOpenAI"]:
        async with serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit
        ) as server:
            self._server = server
            yield self

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if self.refuse_with is not None:
            return socket.respond(self.refuse_with, "no\n")
        if any(part in request.path for part in self.closed_doors):
            return socket.respond(503, "no\n")
        assert request.headers["Authorization"].startswith("Bearer ")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        session = FakeSession(socket, socket.request.path)
        self.sessions.append(session)
        await self.may_answer.wait()
        await session.send(type="session.created", session={})
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                await self._on_message(session, json.loads(message))

    async def _on_message(self, session: FakeSession, event: dict[str, Any]) -> None:
        session.received.append(event)
        match event["type"]:
            case "session.update":
                if self.error_code:
                    error = {"type": "x", "code": self.error_code, "message": "no"}
                    await session.send(type="error", error=error)
                    return
                if session.is_translation:
                    audio = event["session"]["audio"]
                    session.language = audio["output"]["language"]
                await session.send(type="session.updated", session={})
            case "session.input_audio_buffer.append":
                session.audio += base64.b64decode(event["audio"])
            case "session.close":
                await session.send(type="session.closed")
                await session.socket.close()
            case "input_audio_buffer.append":
                session.audio += base64.b64decode(event["audio"])
            case "input_audio_buffer.commit":
                session.n_committed += 1
                item_id = f"item_{session.n_committed}"
                await session.send(type="input_audio_buffer.committed", item_id=item_id)
            case "response.create" if "text" in str(event["response"].get("input")):
                await self._read_aloud(session, event["response"])

    async def _read_aloud(self, session: FakeSession, ask: dict[str, Any]) -> None:
        text = ask["input"][0]["content"][0]["text"]
        if self.misreads:
            self.misreads -= 1
            text = "Sure, how can I help you today?"
        pcm = np.full(24 * 100, 3000, "<i2").tobytes()
        body = {"id": f"resp_{len(session.received)}", "metadata": ask["metadata"]}
        await session.send(type="response.created", response=body)
        delta = base64.b64encode(pcm).decode()
        await session.send(
            type="response.output_audio.delta", response_id=body["id"], delta=delta
        )
        await session.send(
            type="response.output_audio_transcript.done",
            response_id=body["id"],
            transcript=text,
        )
        await session.send(
            type="response.done",
            response={**body, "status": "completed", "usage": SENTENCE_USAGE},
        )


class FakeTextModel:
    """Answers `/responses`: a transport for `realtime.text.texts`.

    Attributes:
        asked: what it was asked, in order: (what for, data).
        answers: by what is asked for; a number is a refusal with that status.
        may_answer: it waits for this.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, dict[str, Any] | int] = {
            "translation": {"translation": "번역입니다."},
            "replies": {"suggestions": []},
            "rephrased": {"text": "죄송합니다."},
        }
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def asked_for(self, kind: str) -> list[dict[str, Any]]:
        """Return what it was asked of one kind."""
        return [data for name, data in self.asked if name == kind]

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        kind = body["text"]["format"]["name"]
        self.asked.append((kind, json.loads(body["input"][0]["content"])))
        await self.may_answer.wait()
        answer = self.answers[kind]
        if isinstance(answer, int):
            error = {"message": "no", "type": "x", "code": "x", "param": None}
            return httpx2.Response(answer, json={"error": error})
        return httpx2.Response(200, json=text_response(json.dumps(answer)))


def text_response(text: str) -> dict[str, Any]:
    """Return the body of an answer of `/responses`."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": [{**message, "status": "completed", "content": [part]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 40,
            "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 45,
        },
    }


class FakeTwilio(httpx2.BaseTransport):
    """Answers REST requests and remembers them."""

    SID = "CA" + "1" * 32

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.refuse_code = 0
        self.status = "in-progress"
        self.resource: dict[str, str] = {}
        """What else is known of each call."""
        self.delay_s = 0.0

    @property
    def dialled(self) -> list[dict[str, str]]:
        return [
            body
            for method, path, body in self.requests
            if method == "POST" and path.endswith("/Calls.json")
        ]

    @property
    def hung_up(self) -> int:
        return sum(body.get("Status") == "completed" for _, _, body in self.requests)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.delay_s:
            import time

            time.sleep(self.delay_s)
        body = parse_qs(request.read().decode())
        fields = {key: values[0] for key, values in body.items()}
        path = urlsplit(str(request.url)).path
        self.requests.append((request.method, path, fields))
        if self.refuse_code:
            answer = {"code": self.refuse_code, "message": "no", "status": 400}
            return httpx2.Response(400, json=answer)
        return httpx2.Response(
            200, json={"sid": self.SID, "status": self.status, **self.resource}
        )


async def eventually(condition: Any, timeout_s: float = 15.0) -> None:
    """Wait until something is true; fail if it does not become so."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                if condition():
                    return
            except (IndexError, KeyError):
                pass
            await asyncio.sleep(0.01)

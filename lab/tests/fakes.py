"""Voices and ears made of pure tones, and a product that answers the telephone."""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect
from twilio.request_validator import RequestValidator

from lab.config import LabConfig
from lab.people import Script, parse_script
from lab.server import Speech, create_app
from lab.telephone.call import SimulatedCall
from lab.telephone.exchange import Exchange
from lab.telephone.sounds import Samples
from realtime.audio.g711 import encode_mulaw

PHRASES = {"hello": 500.0, "question": 700.0, "answer": 900.0, "again": 1100.0}
"""Phrase id → the tone that stands for it."""


def tone(phrase_id: str, rate_hz: int, ms: int = 400) -> Samples:
    t = np.arange(rate_hz * ms // 1000) / rate_hz
    wave = 3000 * np.sin(2 * np.pi * PHRASES[phrase_id] * t)
    return np.asarray(np.rint(wave), np.int16)


def tone_mulaw(phrase_id: str, ms: int = 400) -> bytes:
    return encode_mulaw(tone(phrase_id, 8000, ms))


class ToneVoice:
    """Says a phrase as its tone, and every other text as "hello"."""

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []

    async def speak(
        self, text: str, language: str, voice: str = "a", speed_wpm: int = 160
    ) -> Samples:
        self.spoken.append((text, language))
        return tone(text if text in PHRASES else "hello", 24_000)


class TonePhrases:
    def text(self, phrase_id: str, language: str) -> str:
        return phrase_id


@dataclass(frozen=True)
class ToneHeard:
    text: str
    phrase_id: str | None
    language: str | None
    started_ms: float
    ended_ms: float


class ToneEars:
    """Recognise a tone when 100 ms of silence follow it."""

    def __init__(self) -> None:
        self._loud: list[Samples] = []
        self._n_quiet = 0
        self._now_ms = 0.0

    def push(self, frame: Samples) -> list[ToneHeard]:
        self._now_ms += 20
        if np.sqrt(np.mean(frame.astype(float) ** 2)) > 500:
            self._loud.append(frame)
            self._n_quiet = 0
            return []
        self._n_quiet += 1
        return self.flush() if self._n_quiet >= 5 else []

    def flush(self) -> list[ToneHeard]:
        if len(self._loud) < 5:
            return []
        sound = np.concatenate(self._loud)
        self._loud.clear()
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8000))
        hertz = float(np.argmax(spectrum))
        name = min(PHRASES, key=lambda name: abs(PHRASES[name] - hertz))
        known = name if abs(PHRASES[name] - hertz) < 20 else None
        started = self._now_ms - len(sound) / 8
        text = known or "[unclear]"
        return [ToneHeard(text, known, "ko", started, self._now_ms)]


def tone_speech() -> Speech:
    return Speech(ToneVoice(), TonePhrases(), lambda languages: ToneEars())


def make_people(**scripts: Mapping[str, Any]) -> dict[str, Script]:
    """Number table: each keyword is a person; numbers are counted from …0101."""
    people = {}
    for i, (name, values) in enumerate(scripts.items(), 1):
        row = {"number": f"+82255501{i:02}", "name": {"ko": name}, **values}
        script = parse_script(name, {"answer_after_ms": 200, **row})
        people[script.number] = script
    return people


SILENT: Mapping[str, Any] = {"script": [{"wait_ms": 3_600_000}]}
"""Somebody who picks up and says nothing."""
PERSON = "+8225550101"


class PromptServer(uvicorn.Server):
    """Ends at once instead of looking every 100 ms whether it should."""

    async def main_loop(self) -> None:
        self.end = asyncio.Event()
        await self.on_tick(0)
        await self.end.wait()


@contextlib.asynccontextmanager
async def serve(*apps: ASGIApp) -> AsyncIterator[list[str]]:
    """Run applications on free ports of this machine; yields each one's host:port."""
    servers, tasks, hosts = [], [], []
    for app in apps:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        hosts.append(f"127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            app,
            log_level="error",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        server = PromptServer(config)
        servers.append(server)
        tasks.append(asyncio.create_task(server.serve(sockets=[listener])))
    await until(lambda: all(hasattr(server, "end") for server in servers))
    try:
        yield hosts
    finally:
        for server in servers:
            server.end.set()
        await asyncio.gather(*tasks)


async def until(condition: Callable[[], Any], timeout_s: float = 5.0) -> Any:
    """Wait until something is true."""
    async with asyncio.timeout(timeout_s):
        while not (value := condition()):  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.002)
    return value


class Stream:
    """The product's end of a media stream."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.stream_sid = ""

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.socket.receive_text())
        self.messages.append(message)
        if message["event"] == "start":
            self.stream_sid = message["streamSid"]
        return message

    async def receive_until(self, event: str) -> dict[str, Any]:
        while (message := await self.receive())["event"] != event:
            pass
        return message

    async def send(self, event: str, **fields: Any) -> None:
        message = {"event": event, "streamSid": self.stream_sid, **fields}
        await self.socket.send_text(json.dumps(message))

    async def play(self, payload: bytes) -> None:
        await self.send("media", media={"payload": base64.b64encode(payload).decode()})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})


async def listen(stream: Stream) -> None:
    """What a stream does if a test does not say otherwise."""
    while True:
        await stream.receive()


@dataclass
class Product:
    """Plays the product: voice webhook, callbacks, media socket.

    `documents` are answered in turn, the last one again and again; `$HOST` in them
    is replaced.
    """

    auth_token: str
    documents: list[str | Response]
    on_stream: Callable[[Stream], Awaitable[None]] = listen
    host: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    bad_signatures: list[str] = field(default_factory=list)
    socket_status: int | None = None
    callback_statuses: list[int] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/voice", self._voice, methods=["GET", "POST"]),
                Route("/callback/{kind}", self._callback, methods=["POST"]),
                WebSocketRoute("/media", self._media),
            ]
        )

    def sent(self, kind: str) -> list[dict[str, str]]:
        """The forms that were sent to one path."""
        return [form for name, form in self.requests if name == kind]

    def statuses(self) -> list[str]:
        return [form["CallStatus"] for form in self.sent("status")]

    async def _voice(self, request: Request) -> Response:
        await self._note("voice", request)
        document = self.documents[0]
        if len(self.documents) > 1:
            self.documents.pop(0)
        if isinstance(document, Response):
            return document
        return Response(document.replace("$HOST", self.host), media_type="text/xml")

    async def _callback(self, request: Request) -> Response:
        await self._note(request.path_params["kind"], request)
        status = self.callback_statuses.pop(0) if self.callback_statuses else 204
        return Response(status_code=status)

    async def _note(self, kind: str, request: Request) -> None:
        form: FormData = await request.form()
        values = {name: str(value) for name, value in form.items()}
        self._check(str(request.url), values, request.headers)
        values |= {f"?{name}": value for name, value in request.query_params.items()}
        self.headers.append(dict(request.headers))
        self.requests.append((kind, values))

    def _check(
        self, url: str, values: dict[str, str], headers: Mapping[str, str]
    ) -> None:
        signature = headers.get("x-twilio-signature", "")
        if not RequestValidator(self.auth_token).validate(url, values, signature):
            self.bad_signatures.append(url)

    async def _media(self, socket: WebSocket) -> None:
        self._check(str(socket.url), {}, socket.headers)
        if self.socket_status is not None:
            await socket.send_denial_response(Response(status_code=self.socket_status))
            return
        await socket.accept()
        stream = Stream(socket)
        self.streams.append(stream)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.on_stream(stream)


STREAM = (
    '<Response><Connect><Stream url="ws://$HOST/media">'
    '<Parameter name="call" value="42"/></Stream></Connect>{then}</Response>'
)


@dataclass
class Lab:
    """A lab and a product, both running."""

    exchange: Exchange
    product: Product
    url: str
    config: LabConfig

    async def dial(self, **values: Any) -> SimulatedCall:
        """Create a call the way the SDK does, and return the lab's view of it."""
        sid = (await asyncio.to_thread(self.create, **values)).sid
        return self.exchange.calls[sid]

    def create(self, **values: Any) -> Any:
        base = f"http://{self.product.host}"
        return self.client().calls.create(
            **{
                "to": PERSON,
                "from_": self.config.from_numbers[0],
                "url": f"{base}/voice",
                "status_callback": f"{base}/callback/status",
                "status_callback_event": [
                    "initiated",
                    "ringing",
                    "answered",
                    "completed",
                ],
                **values,
            }
        )

    def client(self, token: str | None = None) -> Any:
        from twilio.rest import Client

        client = Client(self.config.account_sid, token or self.config.auth_token)
        client.api.base_url = f"{self.url}/twilio"
        return client


@contextlib.asynccontextmanager
async def running_lab(
    *documents: str | Response,
    on_stream: Callable[[Stream], Awaitable[None]] = listen,
    people: dict[str, Script] | None = None,
    speed: float = 30.0,
) -> AsyncIterator[Lab]:
    """Run a lab whose clock is fast, and a product."""
    config = LabConfig(clock_speed=speed, auth_token="t" * 32)
    product = Product(config.auth_token, list(documents), on_stream)
    table = people if people is not None else make_people(silent=SILENT)
    app = create_app(config, speech=tone_speech(), people=table, with_engines=False)
    async with serve(product.app(), app) as (host, lab_host):
        product.host = host
        yield Lab(app.state.exchange, product, f"http://{lab_host}", config)
        await app.state.exchange.stop()
    assert product.bad_signatures == []

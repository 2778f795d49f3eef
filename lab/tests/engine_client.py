"""A client of the simulated engines that checks every event against the SDK's types."""

import base64
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from openai.types.realtime.realtime_translation_client_event import (
    RealtimeTranslationClientEvent,
)
from openai.types.realtime.realtime_translation_server_event import (
    RealtimeTranslationServerEvent,
)
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession

from lab.openai import routes
from lab.speech.phrasebook import Phrasebook
from lab.speech.shared import synthesiser

Samples = NDArray[np.int16]
Event = dict[str, Any]

API_KEY = "only-for-tests"
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
TRANSLATE = "/realtime/translations?model=gpt-realtime-translate"
REALTIME = "/realtime?model=gpt-realtime-2.1-mini"


def classes_of(union: Any) -> dict[str, type[BaseModel]]:
    """Return the classes of one of the SDK's unions by their event type."""
    members = get_args(get_args(union)[0])
    return {get_args(one.model_fields["type"].annotation)[0]: one for one in members}


TRANSLATION_SERVER = classes_of(RealtimeTranslationServerEvent)
TRANSLATION_CLIENT = classes_of(RealtimeTranslationClientEvent)
REALTIME_SERVER = classes_of(RealtimeServerEvent)
REALTIME_CLIENT = classes_of(RealtimeClientEvent)


def speech(
    phrase_id: str,
    language: str,
    *,
    voice: str = "c",
    before_ms: int = 200,
    after_ms: int = 1000,
) -> Samples:
    """Say a phrase at 24 kHz with silence around it."""
    text = Phrasebook.load()[phrase_id].texts[language]
    return text_to_speech(text, language, voice, before_ms, after_ms)


def text_to_speech(
    text: str,
    language: str,
    voice: str = "c",
    before_ms: int = 200,
    after_ms: int = 1000,
) -> Samples:
    """Say any text at 24 kHz with silence around it."""
    pcm = synthesiser().speak_blocking(text, language, voice)
    return np.concatenate([silence(before_ms), pcm, silence(after_ms)])


def silence(ms: int) -> Samples:
    """Return silence at 24 kHz."""
    return np.zeros(24 * ms, np.int16)


def to_base64(pcm: Samples | bytes) -> str:
    """Write samples or bytes as base64."""
    raw = pcm if isinstance(pcm, bytes) else pcm.astype("<i2").tobytes()
    return base64.b64encode(raw).decode()


def sound_of(events: list[Event], kind: str) -> Samples:
    """Join the audio of all deltas of a type."""
    return np.frombuffer(bytes_of(events, kind), "<i2").astype(np.int16)


def bytes_of(events: list[Event], kind: str) -> bytes:
    """Join the bytes of all deltas of a type."""
    return b"".join(base64.b64decode(e["delta"]) for e in events if e["type"] == kind)


def text_of(events: list[Event], kind: str) -> str:
    """Join the text of all deltas of a type."""
    return "".join(one["delta"] for one in events if one["type"] == kind)


class EngineClient:
    """One open session.

    Args:
        socket: accepted by the engine.
        server: the SDK's classes for what it sends.
        client: the SDK's classes for what it accepts.
        append: the type of the event that carries sound.
    """

    def __init__(
        self,
        socket: WebSocketTestSession,
        server: dict[str, type[BaseModel]],
        client: dict[str, type[BaseModel]],
        append: str,
    ) -> None:
        self.socket = socket
        self.sent: set[str] = set()
        self.received: set[str] = set()
        self._server, self._client, self._append = server, client, append

    def send(self, kind: str, **fields: Any) -> None:
        """Send an event that the SDK could have sent."""
        event = {"type": kind, **fields}
        self._client[kind].model_validate(event)
        self.sent.add(kind)
        self.socket.send_json(event)

    def send_wrong(self, **event: Any) -> Event:
        """Send something that the engine should refuse; return its error."""
        self.socket.send_json(event)
        return self.error()

    def error(self) -> Event:
        """Receive an event that must be an error; return what is wrong."""
        event = self.receive()
        assert event["type"] == "error", event
        error: Event = event["error"]
        return error

    def append(self, pcm: Samples, chunk_ms: int = 200) -> None:
        """Send sound in chunks."""
        step = 24 * chunk_ms
        for at in range(0, len(pcm), step):
            self.send(self._append, audio=to_base64(pcm[at : at + step]))

    def receive(self) -> Event:
        """Receive one event and check it against the SDK's class for it."""
        event: Event = self.socket.receive_json()
        model = self._server[event["type"]].model_validate(event)
        assert not model.model_extra, f"unknown to the SDK: {model.model_extra}"
        self.received.add(event["type"])
        return event

    def until(self, is_last: str | Callable[[Event], bool]) -> list[Event]:
        """Receive events up to one of a type, or one that a function recognises."""
        events: list[Event] = []
        while True:
            events.append(self.receive())
            if isinstance(is_last, str):
                if events[-1]["type"] == is_last:
                    return events
            elif is_last(events[-1]):
                return events


@contextlib.contextmanager
def http_client() -> Iterator[TestClient]:
    """Serve the engines without a network."""
    with TestClient(Starlette(routes=routes)) as client:
        yield client


@contextlib.contextmanager
def open_translation(
    language: str | None = "ko", *, transcribe: bool = True, path: str = TRANSLATE
) -> Iterator[EngineClient]:
    """Open and configure a translation session."""
    with (
        http_client() as http,
        http.websocket_connect(path, headers=HEADERS) as socket,
    ):
        client = EngineClient(
            socket,
            TRANSLATION_SERVER,
            TRANSLATION_CLIENT,
            "session.input_audio_buffer.append",
        )
        assert client.receive()["type"] == "session.created"
        if language:
            model = {"model": "gpt-realtime-whisper"} if transcribe else None
            client.send(
                "session.update",
                session={
                    "audio": {
                        "input": {"transcription": model},
                        "output": {"language": language},
                    }
                },
            )
            assert client.receive()["type"] == "session.updated"
        yield client


@contextlib.contextmanager
def open_realtime(
    session: dict[str, Any] | None = None, *, path: str = REALTIME
) -> Iterator[EngineClient]:
    """Open a voice session; configure it for manual turns, and as asked for."""
    with (
        http_client() as http,
        http.websocket_connect(path, headers=HEADERS) as socket,
    ):
        client = EngineClient(
            socket, REALTIME_SERVER, REALTIME_CLIENT, "input_audio_buffer.append"
        )
        assert client.receive()["type"] == "session.created"
        if session is not None:
            client.send("session.update", session={"type": "realtime", **session})
            assert client.receive()["type"] == "session.updated"
        yield client

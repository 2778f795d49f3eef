"""A caller who types and reads, on a real socket with a product made of two answers."""

import json
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from websockets.asyncio.server import ServerConnection, serve

from lab import scripted_caller
from lab.people import Script, parse_script
from lab.scripted_caller import Api, Report, ScriptedCaller, Senses
from lab.speech.matcher import Matcher
from lab.speech.phrasebook import Phrasebook
from lab.speech.synthesiser import Synthesiser
from lab.telephone import handset

NUMBER = "+8225550199"
CALL_ID = "6a1f"


def person(*caller: dict[str, Any], **values: Any) -> Script:
    known = {"number": NUMBER, "name": {}, "caller": list(caller)}
    return parse_script("somebody", {**known, **values})


class Product:
    """What the caller talks to: it answers each typed sentence with a caption."""

    def __init__(self, *says: str, language: str = "ko", is_original: bool) -> None:
        self._says = list(says)
        self._language = language
        self._is_original = is_original
        self.asked: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.n_frames = 0
        self.url = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [m for m in self.messages if m["type"] == kind]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Product"]:
        async with serve(self._talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/"
            yield self

    async def _talk(self, socket: ServerConnection) -> None:
        await self._send(socket, type="status", status="in_progress")
        await self._caption(socket)
        async for message in socket:
            if isinstance(message, bytes):
                self.n_frames += 1
                continue
            said = json.loads(message)
            self.messages.append(said)
            if said["type"] == "text":
                for state in ("queued", "speaking", "spoken"):
                    await self._send(
                        socket, type="text_status", id=said["id"], state=state
                    )
                await self._caption(socket)
            if said["type"] == "end":
                await self._send(
                    socket, type="ended", status="completed", outcome="unknown"
                )
                return

    async def _caption(self, socket: ServerConnection) -> None:
        if not self._says:
            return
        text = Phrasebook.load()[self._says.pop(0)].texts[self._language]
        n = len(self._says)
        about = {"type": "caption", "utterance_id": f"callee-{n}", "leg": "callee"}
        for is_final in (False, True):
            await self._send(
                socket, **about, started_ms=n,
                original=text if self._is_original else "",
                translation="" if self._is_original else text,
                original_final=is_final, translation_final=is_final,
            )  # fmt: skip

    async def _send(self, socket: ServerConnection, **message: Any) -> None:
        await socket.send(json.dumps(message))

    # --- the REST API, as far as the caller needs it ---

    async def start(self, values: dict[str, Any]) -> dict[str, Any]:
        self.asked = values
        stream = {"url": self.url, "ticket": "t"}
        return {"id": CALL_ID, "stream": stream, "status": "queued"}

    async def call(self, call_id: str) -> dict[str, Any]:
        return {"status": "completed", "ended_at": "now"}

    async def end(self, call_id: str) -> None: ...

    async def lab(self, path: str) -> dict[str, Any]:
        return {}


@pytest.fixture(autouse=True)
def quick_fingers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handset, "MS_PER_LETTER", 1)
    monkeypatch.setattr(handset, "LEAST_TYPING_MS", 40)


async def call(
    monkeypatch: pytest.MonkeyPatch, product: Product, mode: str, script: Script
) -> Report:
    monkeypatch.setattr(scripted_caller, "load_people", lambda: {NUMBER: script})
    book, voice = Phrasebook.load(), Synthesiser()
    with ThreadPoolExecutor(1) as executor:
        senses = Senses(voice, book, Matcher(book, voice), executor)
        async with product.running():
            caller = ScriptedCaller(cast(Api, product), senses, NUMBER, mode)
            return await caller.run()


def ids(phrases: Sequence[dict[str, Any]]) -> list[str | None]:
    return [one["phrase_id"] for one in phrases]


CONVERSATION: tuple[dict[str, Any], ...] = (
    {"expect": "flower_answer", "timeout_ms": 3000},
    {"say": "flower_request"},
    {"expect": "flower_ask_colour", "timeout_ms": 3000},
    {"say": "flower_colour"},
    {"expect": "flower_price", "timeout_ms": 3000},
    {"hang_up": True},
)
ANSWERS = ("flower_answer", "flower_ask_colour", "flower_price")


async def test_in_text_everything_is_typed_and_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = Product(*ANSWERS, is_original=True)
    script = person(*CONVERSATION, caller_language="ko")
    report = await call(monkeypatch, product, "text", script)
    asked = {k: product.asked[k] for k in ("mode", "caller_language")}
    assert asked == {"mode": "text", "caller_language": "ko"}
    assert ids(report.phrases["caller_said"]) == ["flower_request", "flower_colour"]
    assert ids(report.phrases["caller_heard"]) == list(ANSWERS)
    assert [text["text"] for text in report.texts] == [
        Phrasebook.load()[i].texts["ko"] for i in ("flower_request", "flower_colour")
    ]
    states = [[one["state"] for one in text["states"]] for text in report.texts]
    assert states == [["queued", "speaking", "spoken"]] * 2
    assert [m["active"] for m in product.of("typing")] == [True, False, True, False]
    assert product.n_frames == 0  # there is no microphone
    [hello] = product.of("hello")
    assert hello["speaks"] is False
    assert report.mode == report.as_dict()["mode"] == "text"
    assert report.problems == []


async def test_in_captions_the_translation_is_read_and_the_microphone_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = Product("flower_answer", language="en", is_original=False)
    script = person(CONVERSATION[0], {"wait_ms": 100}, {"hang_up": True})
    report = await call(monkeypatch, product, "captions", script)
    assert product.asked["caller_language"] == "en"
    assert ids(report.phrases["caller_heard"]) == ["flower_answer"]
    assert product.n_frames > 3
    assert [m["gain"] for m in product.of("original")] == [0]


async def test_one_sentence_can_be_typed_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = Product("flower_answer", "flower_price", is_original=True)
    steps = [CONVERSATION[0], {"type": "flower_card"}, CONVERSATION[4]]
    script = person(*steps, {"hang_up": True}, caller_language="ko")
    report = await call(monkeypatch, product, "captions", script)
    assert ids(report.phrases["caller_said"]) == ["flower_card"]
    assert len(report.texts) == 1
    assert product.n_frames > 3


async def test_without_translation_the_callees_own_voice_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product = Product(is_original=True)
    script = person({"wait_ms": 100}, {"hang_up": True}, caller_language="ko")
    report = await call(monkeypatch, product, "voice", script)
    assert product.of("original") == []
    assert report.phrases["caller_heard"] == []

"""The ladder in a live call: real engine sockets, some of which refuse."""

import io
import json
import wave
from collections.abc import AsyncIterator

import httpx2
import numpy as np
import pytest
from channels.testing import WebsocketCommunicator

from calls.models import CallEvent, Utterance
from realtime import events as ev
from realtime import switchboard
from realtime.engines import ladder
from realtime.engines.ladder import LadderConfig
from realtime.events import Leg
from realtime.tests import sounds
from realtime.tests.conftest import Relay
from realtime.tests.fakes import eventually
from realtime.tests.test_relay import frames, let_in, messages, speak
from realtime.text import by_text, texts
from wigvo.database import in_database

pytestmark = pytest.mark.slow

TRANSLATIONS, REALTIME, TRANSCRIPTION = "/translations", "?model=", "?intent="


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a ladder do in a tenth of a second what takes it some."""
    quick = LadderConfig(pauses_s=(0.02,), climb_s=0.3)
    monkeypatch.setattr(ladder, "PATIENCE", quick)
    monkeypatch.setattr(switchboard, "LOOK_EVERY_S", 0.05)


class Call:
    """A live call whose callee can speak."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.at = 0

    async def begin(self) -> None:
        await self.relay.start()
        self.caller: WebsocketCommunicator = await self.relay.caller()
        await let_in(self.caller)
        self.phone = await self.relay.connect_phone()
        await eventually(lambda: self.relay.live.session.phase == "live")
        await self.quiet(100)

    async def quiet(self, n: int) -> None:
        await frames(self.phone, n, since=self.at)
        self.at += n

    async def say(self, seconds: float) -> None:
        voice = np.concatenate([sounds.sentence(seconds), sounds.noise(1.4)])
        await speak(self.phone, voice, since=self.at)
        self.at += len(voice) // 160

    async def served_by(self, kind: str) -> None:
        side = self.relay.live.session._sides[Leg.CALLEE]
        await eventually(lambda: side.kind == kind and side.engine_is_ready, 6)

    async def lose(self) -> None:
        """Break whatever listens to the callee."""
        session = self.relay.live._engines.get(Leg.CALLEE)
        assert session is not None
        assert session.socket._socket is not None
        port = session.socket._socket.local_address[1]
        [broken] = [
            s
            for s in self.relay.openai.sessions
            if s.socket.remote_address and s.socket.remote_address[1] == port
        ]
        await broken.socket.close(1011)

    async def captions(self) -> dict[str, tuple[str, str]]:
        told = [m for m in await messages(self.caller) if m["type"] == "caption"]
        return {m["utterance_id"]: (m["original"], m["translation"]) for m in told}

    async def stored(self) -> dict[str, tuple[str, str, str]]:
        await self.relay.live._writes.join()
        rows = Utterance.objects.filter(call=self.relay.call).values_list(
            "utterance_id", "original", "translation", "fate"
        )
        return {row[0]: row[1:] for row in await in_database(lambda: list(rows))}

    async def recoveries(self) -> list[tuple[str, str]]:
        await self.relay.live._writes.join()
        events = CallEvent.objects.filter(call=self.relay.call, kind="recovery")
        rows = await in_database(lambda: list(events.values_list("data", flat=True)))
        return [(row["state"], row["engine"]) for row in rows]

    async def end(self) -> None:
        await self.phone.disconnect()
        await self.caller.disconnect()


class Rest(httpx2.AsyncBaseTransport):
    """The provider's plain requests: texts are translated, files are written."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.is_out = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        if self.is_out:
            return httpx2.Response(503, json={"error": {"message": "no"}})
        if request.url.path.endswith("/audio/transcriptions"):
            self.files.append(body)
            return httpx2.Response(200, json={"text": "네, 됩니다."})
        said = json.loads(json.loads(body)["input"][0]["content"])["text"]
        text = json.dumps({"translation": f"<{said}>"}, ensure_ascii=False)
        message = {"type": "output_text", "text": text, "annotations": []}
        return httpx2.Response(200, json={
            "id": "resp_1", "object": "response", "created_at": 0, "model": "m",
            "status": "completed", "parallel_tool_calls": False, "tool_choice": "auto",
            "tools": [], "output": [{
                "id": "msg_1", "type": "message", "role": "assistant",
                "status": "completed", "content": [message],
            }],
        })  # fmt: skip


@pytest.fixture
async def rest(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    await texts.close()
    rest = Rest()
    monkeypatch.setattr(texts, "transport", rest)
    yield rest
    await texts.close()


async def test_an_interpreter_takes_over_and_gives_back(relay: Relay) -> None:
    call = Call(relay)
    await call.begin()
    relay.openai.closed_doors = {TRANSLATIONS}
    await call.lose()
    await call.say(1.0)
    await call.served_by("interpret")
    engine = relay.openai.interpreter()
    await eventually(lambda: engine.asked == ["item_1"])
    assert len(engine.audio) >= 2 * 24 * 1300
    written = "conversation.item.input_audio_transcription.completed"
    await engine.send(type=written, item_id="item_1", transcript="네, 됩니다.")
    relay.openai.closed_doors.clear()
    # A better one is there, and waits until this has been answered.
    live = relay.live.session._sides[Leg.CALLEE]
    await eventually(lambda: live.spare == "translate")
    await call.quiet(5)
    assert live.kind == "interpret"
    await engine.answer("resp_1", np.full(4800, 1000, np.int16), "Yes, that works.")
    await eventually(lambda: not live.kept.unanswered())
    await call.quiet(5)
    await call.served_by("translate")
    again = relay.openai.translation("en")
    n = len(again.audio)
    await call.say(1.0)
    await eventually(lambda: len(again.audio) >= n + 2 * 24 * 2300)
    assert await call.captions() == {"callee-1": ("네, 됩니다.", "Yes, that works.")}
    assert (await call.stored())["callee-1"][2] == "delivered"
    assert await call.recoveries() == [
        ("lost", "translate"), ("reconnecting", "translate"),
        ("degraded", "interpret"), ("recovered", "translate"),
    ]  # fmt: skip
    # What served is paid for as what it was.
    relay.live._spending.count()
    engines = {part.engine for part in relay.live._spending.meter.parts()}
    assert {"translate", "transcribe"} <= engines
    await call.end()


async def test_a_cascade_translates_what_is_written_and_reads_it_out(
    relay: Relay, rest: Rest
) -> None:
    call = Call(relay)
    await call.begin()
    relay.openai.closed_doors = {TRANSLATIONS, REALTIME}
    await call.lose()
    await call.say(1.0)
    await call.served_by("cascade")
    engine = relay.openai.transcription()
    await eventually(lambda: engine.n_committed == 1)
    kind = "conversation.item.input_audio_transcription"
    await engine.send(
        type=f"{kind}.completed", item_id="item_1", transcript="네, 됩니다."
    )
    # The speaker's own session is still open.
    said = [s.received for s in relay.openai.sessions]
    await eventually(lambda: "<네, 됩니다.>" in str(said))
    await call.quiet(60)
    assert await call.captions() == {"callee-1": ("네, 됩니다.", "<네, 됩니다.>")}
    assert (await call.stored())["callee-1"][2] == "delivered"
    assert (await call.recoveries())[-1] == ("degraded", "cascade")
    await call.end()


async def test_what_nobody_hears_is_written_from_a_file(
    relay: Relay, rest: Rest
) -> None:
    call = Call(relay)
    await call.begin()
    relay.openai.closed_doors = {TRANSLATIONS, REALTIME, TRANSCRIPTION}
    await call.lose()
    await call.say(1.0)
    await eventually(lambda: rest.files)
    wav = rest.files[0][rest.files[0].index(b"RIFF") :]
    with wave.open(io.BytesIO(wav)) as sound:
        assert sound.getframerate() == 24000
        assert sound.getnframes() / 24 >= 1300
    await call.quiet(20)
    assert await call.captions() == {"callee-1": ("네, 됩니다.", "<네, 됩니다.>")}
    assert (await call.stored())["callee-1"][2] == "caption_only"
    relay.live._spending.count()
    bill = {part.engine: part for part in relay.live._spending.meter.parts()}
    assert bill["transcribe_file"].seconds >= 1.3
    relay.openai.closed_doors.clear()
    await call.served_by("translate")
    assert (await call.recoveries())[-1] == ("recovered", "translate")
    await call.end()


async def test_what_cannot_even_be_written_is_reported(
    relay: Relay, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_text, "FILE_PAUSES_S", (0.01,))
    rest.is_out = True
    call = Call(relay)
    await call.begin()
    relay.openai.closed_doors = {TRANSLATIONS, REALTIME, TRANSCRIPTION}
    await call.lose()
    await call.say(1.0)
    told: list[str] = []

    async def is_told() -> bool:
        told.extend(m["code"] for m in await messages(call.caller) if "code" in m)
        return "not_interpreted" in told

    for _ in range(10):
        if await is_told():
            break
    assert "not_interpreted" in told
    await call.end()


async def test_a_call_near_its_limit_goes_on_with_a_cheaper_engine(
    relay: Relay,
) -> None:
    call = Call(relay)
    await call.begin()
    relay.live.dispatch(ev.SpendKnown(0.95, 1.0))
    live = relay.live.session._sides[Leg.CALLEE]
    await eventually(lambda: live.spare == "interpret")
    await call.quiet(5)
    await call.served_by("interpret")
    assert ("degraded", "interpret") in await call.recoveries()
    await call.end()

"""The people who call us, the simulated receptionist and its turn detection, together.

The product here only joins wires: what the telephone sends goes to a voice session that
finds its turns itself, and what that says goes back.  Tools are answered at once.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect

from lab.config import LabConfig
from lab.openai.state import state
from lab.server import create_app, real_speech
from lab.telephone.call import SimulatedCall
from lab.tests.fakes import STREAM, Lab, Product, Stream, serve, until
from realtime.agent.brief import Brief, instructions
from realtime.agent.tools import read, schemas
from realtime.reception.incoming import Reception, TurnDetection
from realtime.reception.words import GREETINGS

pytestmark = pytest.mark.scenes

COLLEAGUE = "+8225550146"
OUR_LINE = "+12025550141"
NAMES = {"ko": "새벽 상담소", "en": "Dawn Office"}


@dataclass
class Wires:
    """One telephone call joined to one voice session.

    Attributes:
        owner_says: the answer to `ask_owner`; None: nobody answers.
        called: the tools that were called, with their arguments.
    """

    lab_url: str
    language: str = "ko"
    owner_says: str | None = None
    may_transfer: bool = True
    is_open: bool = True
    lab: Lab | None = None
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    is_ending: bool = False

    def session(self) -> dict[str, Any]:
        """Return what a receptionist is configured with."""
        line = Reception(
            line=NAMES[self.language],
            is_open=self.is_open,
            may_transfer=self.may_transfer,
        )
        rules = instructions(
            Brief(),
            caller_language="ko",
            callee_language=self.language,
            reception=line,
        )
        vad = TurnDetection().as_json() | {"create_response": True}
        sound = {"format": {"type": "audio/pcmu"}}
        return {
            "type": "realtime",
            "instructions": rules,
            "tools": schemas(line.tools),
            "audio": {"input": sound | {"turn_detection": vad}, "output": sound},
        }

    async def talk(self, stream: Stream) -> None:
        """Serve one media stream."""
        start = await stream.receive_until("start")
        url = self.lab_url.replace("http", "ws") + "/openai/v1/realtime?model="
        headers = {"Authorization": f"Bearer {LabConfig().openai_api_key}"}
        model = "gpt-realtime-2.1-mini"
        async with connect(url + model, additional_headers=headers) as engine:
            await send(engine, "session.update", session=self.session())
            await send(engine, "response.create")
            sid = start["start"]["callSid"]
            speaking = asyncio.create_task(self.speak(engine, stream, sid))
            try:
                while (message := await stream.receive())["event"] != "stop":
                    if message["event"] == "media":
                        payload = message["media"]["payload"]
                        await send(engine, "input_audio_buffer.append", audio=payload)
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    async def speak(self, engine: ClientConnection, stream: Stream, sid: str) -> None:
        """Play what the model says, and answer its tools."""
        async for text in engine:
            event = json.loads(text)
            match event["type"]:
                case "response.output_audio.delta":
                    await stream.play(base64.b64decode(event["delta"]))
                case "response.function_call_arguments.done":
                    await self.answer(engine, stream, event, sid)
                case "response.done" if self.is_ending:
                    if event["response"]["output"][0]["type"] == "message":
                        await stream.mark("goodbye")

    async def answer(
        self, engine: ClientConnection, stream: Stream, call: dict[str, Any], sid: str
    ) -> None:
        """Answer one call of a tool."""
        name, arguments = call["name"], json.loads(call["arguments"])
        names = tuple(tool["name"] for tool in self.session()["tools"])
        read(name, call["arguments"], names=names)
        self.called.append((name, arguments))
        if name == "transfer":
            assert self.lab is not None
            update = self.lab.client().calls(sid).update
            twiml = f"<Response><Dial>{COLLEAGUE}</Dial></Response>"
            await asyncio.to_thread(update, twiml=twiml)
            return
        output = {"answer": self.owner_says} if name == "ask_owner" else {"ok": True}
        item = {
            "type": "function_call_output",
            "call_id": call["call_id"],
            "output": json.dumps(output),
        }
        self.is_ending = name == "end_call"
        # The response that has called it must be over first.
        await until_done(engine)
        await send(engine, "conversation.item.create", item=item)
        now = {"instructions": f"{self.session()['instructions']}\nNow: Say goodbye."}
        await send(engine, "response.create", response=now if self.is_ending else {})


async def send(engine: ClientConnection, kind: str, **fields: Any) -> None:
    await engine.send(json.dumps({"type": kind, **fields}))


async def until_done(engine: ClientConnection) -> None:
    async for text in engine:
        if json.loads(text)["type"] == "response.done":
            return


@contextlib.asynccontextmanager
async def reception(**values: Any) -> AsyncIterator[tuple[Lab, Wires]]:
    speech = await asyncio.to_thread(real_speech)
    config = LabConfig()
    state.reset()
    wires = Wires("", **values)
    product = Product(config.auth_token, [STREAM.format(then="")], wires.talk)
    app = create_app(config, speech=speech)
    async with serve(product.app(), app) as (host, lab_host):
        product.host = host
        lab = Lab(app.state.exchange, product, f"http://{lab_host}", config)
        wires.lab, wires.lab_url = lab, lab.url
        lab.exchange.set_line("clean")  # nobody cancels an echo here
        yield lab, wires
        await app.state.exchange.stop()


async def call_us(lab: Lab, number: str) -> SimulatedCall:
    document = STREAM.format(then="").replace("$HOST", lab.product.host)
    body = {"from": number, "to": OUR_LINE, "twiml": document}
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{lab.url}/lab/incoming", json=body)
    call = lab.exchange.calls[answer.json()["sid"]]
    await until(lambda: call.is_over, timeout_s=150)
    return call


def names(wires: Wires) -> list[str]:
    return [name for name, _ in wires.called]


def everything_was_heard(call: SimulatedCall) -> None:
    assert call.handset is not None
    assert call.handset.person.missed == []
    assert all(o.reprompts == 0 for o in call.handset.person.outcomes)


@pytest.mark.parametrize(
    ("number", "values", "called"),
    [
        ("+8225550141", {}, ["collect_info"] * 2 + ["take_message", "end_call"]),
        (
            "+8225550142",
            {"may_transfer": False, "is_open": False},
            ["end_call"],
        ),
        (
            "+8225550143",
            {"owner_says": "yes"},
            ["ask_owner"] + ["collect_info"] * 2 + ["confirm_reservation", "end_call"],
        ),
        (
            "+8225550143",
            {},
            ["ask_owner"] + ["collect_info"] * 2 + ["take_message", "end_call"],
        ),
        (
            "+8225550145",
            {"language": "en"},
            ["collect_info"] * 2 + ["take_message", "end_call"],
        ),
        ("+8225550147", {}, ["end_call"]),
    ],
)
async def test_who_calls_us_gets_what_they_want(
    number: str, values: dict[str, Any], called: list[str]
) -> None:
    async with reception(**values) as (lab, wires):
        call = await call_us(lab, number)
        everything_was_heard(call)
        assert names(wires) == called
        assert call.ended_by == "callee"


async def test_who_says_that_it_is_over_is_told_goodbye() -> None:
    async with reception() as (lab, wires):
        call = await call_us(lab, "+8225550144")
        everything_was_heard(call)
        assert names(wires) == ["end_call"]
        assert call.handset is not None
        assert call.handset.heard[-1].phrase_id == "reception_farewell"


async def test_who_wants_a_person_speaks_to_one() -> None:
    async with reception() as (lab, wires):
        call = await call_us(lab, "+8225550142")
        everything_was_heard(call)
        assert names(wires) == ["transfer"]
        report = call.as_dict()
        [transfer] = report["transfers"]
        assert transfer["person"] == "reception_colleague"
        assert [one["phrase_id"] for one in transfer["heard"] if one["phrase_id"]] == [
            "reception_bill_question",
            "common_thank_you",
        ]
        leg = call.transfers[0].leg
        assert leg.handset is not None
        assert leg.handset.person.missed == []
        assert GREETINGS["ko"].ask in report["heard"][0]["text"]

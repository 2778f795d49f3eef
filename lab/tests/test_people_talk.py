"""Whole conversations with real voices and ears, a few times faster than real time.

The product here is a perfect interpreter: it says the caller's phrases in the callee's
own language, so what is tested are the people, the line and the telephone company.
"""

import asyncio
import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lab.config import LabConfig
from lab.people import Answer, Play, Say, Script, Step, Type, load_people
from lab.server import create_app, real_speech
from lab.telephone.handset import Handset
from lab.tests.fakes import STREAM, Lab, Product, Stream, serve, until
from realtime.audio.g711 import decode_mulaw, encode_mulaw

TALKERS = [
    s
    for s in load_people().values()
    if s.answer is Answer.PERSON and s.caller and s.answered_by == "human"
]
SPEED = 3.0
ALWAYS = {"restaurant", "clinic", "interrupter", "hold", "embassy"}
"""Long and short, polite and not, one language and two; all others are scenes."""


def greeting_of(script: Script) -> str:
    is_one_language = script.language == script.caller_language
    return "greeting_relay" if is_one_language else "greeting_disclosure"


def aloud(steps: Sequence[Step]) -> list[Step]:
    """Say what would be typed: that is what the callee hears."""
    return [Say((s.phrase_id,)) if isinstance(s, Type) else s for s in steps]


def ring(script: Script) -> pytest.MarkDecorator:
    return pytest.mark.lab if script.id in ALWAYS else pytest.mark.scenes


@pytest.mark.parametrize(
    "script", [pytest.param(s, marks=ring(s), id=s.id) for s in TALKERS]
)
async def test_everything_that_is_said_is_understood(script: Script) -> None:
    speech = await asyncio.to_thread(real_speech)
    config = LabConfig(clock_speed=SPEED)
    with ThreadPoolExecutor(1) as executor:
        steps = (Say((greeting_of(script),)), *aloud(script.caller))
        interpreter = Handset(
            replace(script, steps=steps, voice="a", speed_wpm=160),
            voice=speech.voice,
            ears=speech.make_ears((script.language,)),
            phrases=speech.phrases,
            executor=executor,
            speech_rms=2000,
            on_keys=lambda digits: None,
            on_put_down=lambda: None,
        )
        await interpreter.prepare()

        async def talk(stream: Stream) -> None:
            while True:
                message = await stream.receive()
                if message["event"] != "media":
                    continue
                frame = decode_mulaw(base64.b64decode(message["media"]["payload"]))
                await stream.play(encode_mulaw(interpreter.tick(frame)))

        product = Product(config.auth_token, [STREAM.format(then="")], talk)
        app = create_app(config, speech=speech, with_engines=False)
        listening = asyncio.create_task(interpreter.listen())
        async with serve(product.app(), app) as (host, lab_host):
            product.host = host
            lab = Lab(app.state.exchange, product, f"http://{lab_host}", config)
            lab.exchange.set_line("clean")  # this interpreter cancels no echo
            call = await lab.dial(to=script.number)
            await until(lambda: call.is_over, timeout_s=300)
            await app.state.exchange.stop()
        interpreter.stop_listening()
        await listening
    callee = call.handset
    assert callee is not None
    assert call.ended_by == "callee"
    assert [o for h in (callee, interpreter) for o in h.person.missed] == []
    for mouth, ears in ((callee, interpreter), (interpreter, callee)):
        said = [one.phrase_id for one in mouth.said]
        heard = [one.phrase_id for one in ears.heard]
        if any(isinstance(step, Play) for step in script.steps):
            # Music may sound like somebody who cannot be understood.
            heard = [phrase_id for phrase_id in heard if phrase_id]
        if script.id == "interrupter" and mouth is interpreter:
            # They talk over our long sentence; nothing says that it is understood.
            said.remove("interrupter_ask_parcel")
            heard = [phrase_id for phrase_id in heard if phrase_id in said]
        assert heard == said

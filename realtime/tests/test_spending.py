"""The bill of a live call, through real engine sockets and the consumers."""

import asyncio
import json
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from calls.models import Call
from realtime import registry, services
from realtime.engines.catalogue import catalogue
from realtime.events import Line
from realtime.figures import spending
from realtime.provider import models_in_use
from realtime.tests.conftest import Relay
from realtime.tests.fakes import SENTENCE_USAGE, eventually
from realtime.tests.test_relay import close_code, frames, let_in
from realtime.voice.lines import text_of
from wigvo.database import in_database


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a tick be short, and everything else as often."""
    monkeypatch.setattr(spending, "TICK_S", 0.05)
    monkeypatch.setattr(spending, "STORE_S", 0.1)


async def next_of(socket: WebsocketCommunicator, kind: str) -> dict[str, Any]:
    """Wait for a message of this kind."""
    while True:
        output = await socket.receive_output(3)
        message: dict[str, Any] = json.loads(output.get("text") or "{}")
        if message.get("type") == kind:
            return message


def part_of(call: Call, engine: str) -> dict[str, Any]:
    [part] = [part for part in call.cost_parts if part["engine"] == engine]
    return dict(part)


async def test_sound_sentences_and_telephone_are_on_the_bill(relay: Relay) -> None:
    await relay.start()
    phone, caller = await relay.connect_phone(), await relay.caller()
    await let_in(caller)
    await frames(phone, 200)
    await eventually(lambda: len(relay.openai.translation("en").audio) > 48_000)
    relay.live.end("hung_up_by_caller")
    await close_code(caller)
    call = await relay.stored()
    given = sum(len(s.audio) for s in relay.openai.sessions if s.is_translation)
    assert part_of(call, "translate")["seconds"] == pytest.approx(
        given / 48_000, abs=0.01
    )
    assert part_of(call, "transcribe")["seconds"] == pytest.approx(
        given / 48_000, abs=0.01
    )
    asked = [
        event
        for session in relay.openai.sessions
        for event in session.received
        if event["type"] == "response.create"
    ]
    assert part_of(call, "speak")["tokens"] == {
        name: len(asked) * n
        for name, n in (("text_in", 40), ("text_out", 10), ("audio_out", 20))
    }
    assert SENTENCE_USAGE["output_tokens"] == 30
    price = catalogue().model(models_in_use()["translate"]).price.audio_minute  # type: ignore[index]
    assert price is not None
    assert part_of(call, "translate")["usd"] == pytest.approx(
        given / 48_000 / 60 * price, abs=1e-5
    )
    stream_usd = catalogue().media_stream_minute  # one minute begun
    assert part_of(call, "media_stream")["usd"] == pytest.approx(stream_usd)
    total = sum(part["usd"] for part in call.cost_parts)
    assert float(call.cost_usd) == pytest.approx(total, abs=1e-4)
    await caller.disconnect()
    await phone.disconnect()


async def test_the_caller_is_told_and_it_is_written_down_meanwhile(
    relay: Relay, settings: Settings
) -> None:
    settings.TELEPHONE_USD_PER_MINUTE = 0.25
    await relay.start()
    phone, caller = await relay.connect_phone(), await relay.caller()
    await let_in(caller)
    await frames(phone, 5)
    while (told := await next_of(caller, "cost"))["usd"] < 0.25:
        pass
    assert told["usd"] < 0.27
    assert told["minutes"] < 0.1

    await asyncio.sleep(0.4)
    call = await relay.stored()
    assert call.status == "in_progress"
    # Between the two more sound may have come.
    assert float(call.cost_usd) == pytest.approx(told["usd"], abs=0.002)
    await caller.disconnect()
    await phone.disconnect()


async def test_a_call_that_costs_too_much_is_ended_with_a_sentence(
    relay: Relay, settings: Settings
) -> None:
    settings.TELEPHONE_USD_PER_MINUTE = 1.0
    settings.CALL_MAX_USD = 1.2
    await relay.start()
    phone, caller = await relay.connect_phone(), await relay.caller()
    await let_in(caller)
    await frames(phone, 5)
    warning = await next_of(caller, "warning")
    assert warning["code"] == "spend_limit"
    assert warning["remaining_usd"] == pytest.approx(0.195, abs=0.01)
    await in_database(lambda: type(relay.alice).objects.update(usd_per_call="0.90"))
    await eventually(lambda: relay.live.session.phase == "farewell", 5)
    await frames(phone, 60, since=5)
    await close_code(caller)
    call = await relay.stored()
    assert (call.status, call.outcome, call.reason) == (
        "completed",
        "partial",
        "spend_limit",
    )
    assert relay.twilio.hung_up == 1
    goodbyes = [
        event
        for session in relay.openai.sessions
        for event in session.received
        if text_of(Line.SPEND_LIMIT, "ko") in str(event)
    ]
    assert len(goodbyes) == 1
    await caller.disconnect()
    await phone.disconnect()


async def test_a_call_that_is_taken_up_again_goes_on_with_its_bill(
    relay: Relay,
) -> None:
    bill = [
        {"engine": "translate", "model": models_in_use()["translate"],  # type: ignore[index]
         "usd": 3.4, "seconds": 6000, "tokens": {}},
    ]  # fmt: skip
    await relay.start()
    await registry.close_all()
    await in_database(
        lambda: Call.objects.update(cost_parts=bill, cost_usd=3, status="in_progress")
    )
    facts = await in_database(services.find_call, relay.call.pk)
    assert facts is not None
    live = await registry.ensure(facts)
    assert live is not None
    await eventually(lambda: live._spending.meter.usd > 3.39)
    await asyncio.sleep(0.2)
    assert (await relay.stored()).cost_usd >= 3.4


async def test_a_bill_that_could_not_be_read_is_not_written_over(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(call_id: object) -> None:
        raise OSError("no database")

    await relay.start()
    await registry.close_all()
    bill = [{"engine": "translate", "model": "x", "usd": 9, "seconds": 9, "tokens": {}}]
    await in_database(
        lambda: Call.objects.update(cost_parts=bill, cost_usd=9, status="in_progress")
    )
    monkeypatch.setattr(services, "bill_of", fails)
    facts = await in_database(services.find_call, relay.call.pk)
    assert facts is not None
    await registry.ensure(facts)
    await asyncio.sleep(0.3)
    await registry.close_all()
    assert (await relay.stored()).cost_usd == 9

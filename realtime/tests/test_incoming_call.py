"""Calls to us through the shell: webhook or document, engines, doorway, goodbye."""

import asyncio
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from calls import reception
from calls.models import Call, ReceptionLine
from calls.tests.factories import CLINIC, OUR_NUMBER, RESTAURANT, make_line
from calls.twilio import TelephoneRefused
from realtime import events as ev
from realtime import registry
from realtime.tests.conftest import Relay, start_message
from realtime.tests.fakes import FakeTwilio, eventually
from realtime.tests.test_relay import close_code, frames
from wigvo.database import in_database

CALL = {"to": OUR_NUMBER, "from": RESTAURANT, "direction": "inbound"}


async def make_a_line(relay: Relay, **fields: Any) -> ReceptionLine:
    line: ReceptionLine = await in_database(
        lambda: make_line(relay.alice, transfer_number=CLINIC, **fields)
    )
    return line


async def open_static(relay: Relay, parameter: str) -> WebsocketCommunicator:
    """Open a stream as a document kept at Twilio does."""
    phone = await relay.phone()
    connected, _ = await phone.connect()
    assert connected
    start = start_message(relay.call.pk, "")
    start["start"]["customParameters"] = {"line": parameter}
    await phone.send_json_to(start)
    return phone


async def the_call() -> Call:
    return await in_database(lambda: Call.objects.get(direction="inbound"))


async def hear_something(phone: WebsocketCommunicator) -> None:
    """Let the line's clock run until something is played on it."""
    for i in range(200):
        await frames(phone, 1, since=i)
        await asyncio.sleep(0.02)
        if not phone.output_queue.empty():
            message = await phone.receive_json_from()
            assert message["event"] == "media"
            return
    pytest.fail("nothing was heard")


async def hang_up(call: Call, phone: WebsocketCommunicator) -> None:
    live = registry.get(call.pk)
    assert live is not None
    await phone.disconnect()
    live.dispatch(ev.StatusChanged("completed"))
    await eventually(lambda: live.is_over, 15)


async def test_a_document_of_ours_is_answered_and_greeted(relay: Relay) -> None:
    relay.twilio.resource = CALL
    line = await make_a_line(relay, voice="cedar")
    parameter = await in_database(reception.rotate_secret, line)
    phone = await open_static(relay, parameter)
    await hear_something(phone)
    call = await the_call()
    assert (call.status, call.twilio_sid) == ("in_progress", FakeTwilio.SID)
    told = str([s.received for s in relay.openai.sessions])
    assert "한강 미용실입니다. 저는 인공지능 비서입니다." in told
    assert '"role": "reception"' in told or '\\"role\\": \\"reception\\"' in told
    assert "'voice': 'cedar'" in told
    assert "take_message" in told
    limits = [b for _, _, b in relay.twilio.requests if "TimeLimit" in b]
    assert [one["TimeLimit"] for one in limits] == ["930"]
    await hang_up(call, phone)


@pytest.mark.parametrize("status", ["completed", "ringing"])
async def test_what_is_no_call_of_ours_is_turned_away(
    relay: Relay, status: str
) -> None:
    relay.twilio.resource, relay.twilio.status = CALL, status
    line = await make_a_line(relay)
    parameter = await in_database(reception.rotate_secret, line)
    phone = await open_static(relay, parameter)
    assert await close_code(phone) == 1008
    phone = await open_static(relay, parameter + "x")
    assert await close_code(phone) == 1008
    assert not relay.openai.sessions


async def test_the_engines_are_open_before_the_stream_comes(relay: Relay) -> None:
    await make_a_line(relay)
    reception.register_prewarm(registry.prewarm)
    try:
        received = await in_database(
            lambda: reception.receive(
                sid=FakeTwilio.SID, to=OUR_NUMBER, from_number=RESTAURANT
            )
        )
    finally:
        reception.register_prewarm(None)
    call = received.call
    assert call is not None
    await eventually(lambda: len(relay.openai.sessions) >= 3)
    relay.call = call
    phone = await relay.connect_phone()
    await hear_something(phone)
    assert call.pk in registry.live_ids()
    await hang_up(call, phone)


@pytest.mark.parametrize(("code", "is_done"), [(0, True), (21220, False)])
async def test_it_finds_out_whether_a_transfer_has_begun(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, code: int, is_done: bool
) -> None:
    monkeypatch.setattr("realtime.bridge.LEFT_AFTER_S", 0.05)
    relay.twilio.resource = CALL
    line = await make_a_line(relay)
    parameter = await in_database(reception.rotate_secret, line)
    phone = await open_static(relay, parameter)
    await hear_something(phone)
    call = await the_call()
    live = registry.get(call.pk)
    assert live is not None
    told: list[ev.Event] = []

    def refuse(*_: Any) -> None:
        raise TelephoneRefused(code, "no")

    if is_done:
        await phone.disconnect()
        await eventually(lambda: not live._telephone()[1])
    with monkeypatch.context() as patch:
        patch.setattr(live, "dispatch", told.append)
        patch.setattr("realtime.services.leave", refuse)
        await live._leave("transfer")
    left = [event for event in told if isinstance(event, ev.CallLeft)]
    assert left == [ev.CallLeft("transfer", is_done=is_done)]
    await live.abandon()

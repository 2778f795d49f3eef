"""The shell: a call through real engine sockets and the consumers."""

import asyncio
import base64
import json
import time
from typing import Any

import numpy as np
import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from calls import services as calls
from calls import tickets
from calls.models import CallEvent, Utterance
from calls.services import CallRefused
from realtime import registry
from realtime.audio.g711 import encode_mulaw
from realtime.events import Leg
from realtime.protocols.browser import Caption
from realtime.tests import sounds
from realtime.tests.conftest import Relay, start_message
from realtime.tests.fakes import FakeTwilio, eventually
from realtime.voice import sounds_kept
from wigvo import notify
from wigvo.database import in_database

pytestmark = pytest.mark.slow

QUIET_S = 0.4
"""Messages that have not come by then are not on their way, also on a slow machine."""
SILENCE = base64.b64encode(b"\xff" * 160).decode()


def media(i: int, payload: str = SILENCE) -> dict[str, Any]:
    return {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"track": "inbound", "timestamp": str(i * 20), "payload": payload},
    }


async def frames(phone: WebsocketCommunicator, n: int, *, since: int = 0) -> None:
    for i in range(since, since + n):
        await phone.send_json_to(media(i))
        await asyncio.sleep(0)


async def speak(phone: WebsocketCommunicator, pcm: np.ndarray, *, since: int) -> None:
    for i in range(len(pcm) // 160):
        payload = encode_mulaw(pcm[i * 160 : (i + 1) * 160])
        text = base64.b64encode(payload).decode()
        await phone.send_json_to(media(since + i, text))
        await asyncio.sleep(0)


async def messages(socket: WebsocketCommunicator) -> list[dict[str, Any]]:
    """Return the JSON messages until none has come for a while; sound is left out."""
    found = []
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET_S:
        if await socket.receive_nothing(0.05):
            continue
        output = await socket.receive_output()
        if output.get("text"):
            found.append(json.loads(output["text"]))
            quiet_since = time.monotonic()
    return found


async def let_in(socket: WebsocketCommunicator) -> None:
    """Connect a caller, and wait until the call knows of it."""
    connected, _ = await socket.connect()
    assert connected
    await eventually(lambda: not socket.output_queue.empty())


async def close_code(socket: WebsocketCommunicator) -> int:
    """Wait for the server to close, whatever it says before."""
    while True:
        output = await socket.receive_output(3)
        if output["type"] == "websocket.close":
            return int(output["code"])


# --- Starting ------------------------------------------------------------------------


async def test_engines_and_greeting_are_ready_before_anything_is_dialled(
    relay: Relay,
) -> None:
    await relay.start()
    assert sorted(s.language for s in relay.openai.sessions) == ["", "en", "ko"]
    greeting = next(
        e
        for s in relay.openai.sessions
        for e in s.received
        if e["type"] == "response.create"
    )
    text = greeting["response"]["input"][0]["content"][0]["text"]
    assert "인공지능" in text
    [dialled] = relay.twilio.dialled
    assert dialled["To"] == "+8225550101"
    assert dialled["TimeLimit"] == "3300"
    assert dialled["AsyncAmd"] == "true"
    call = await relay.stored()
    assert (call.status, call.twilio_sid) == ("queued", FakeTwilio.SID)


async def test_the_greeting_is_spoken_once_for_all_calls(relay: Relay) -> None:
    await relay.start()
    await eventually(lambda: len(sounds_kept.memory) == 4)
    n = sum(len(s.received) for s in relay.openai.sessions if not s.language)
    assert n == 5  # one update, four sentences


async def test_a_greeting_that_was_not_read_out_is_asked_for_again(
    relay: Relay,
) -> None:
    relay.openai.misreads = 1
    await relay.start()
    assert relay.twilio.dialled


async def test_a_greeting_that_cannot_be_spoken_dials_nobody(relay: Relay) -> None:
    relay.openai.misreads = 100
    with pytest.raises(CallRefused):
        await relay.start()
    assert not relay.twilio.dialled


@pytest.mark.parametrize(("http", "answer"), [(401, 503), (429, 429), (500, 503)])
async def test_an_engine_that_refuses_dials_nobody(
    relay: Relay, http: int, answer: int
) -> None:
    relay.openai.refuse_with = http
    with pytest.raises(CallRefused) as refused:
        await relay.start()
    assert refused.value.code == "engine_refused"
    assert refused.value.http_status == answer
    assert not relay.twilio.dialled
    call = await relay.stored()
    assert (call.status, call.reason) == ("failed", "engine_refused")
    assert registry.live_ids() == []


async def test_an_engine_that_does_not_take_its_configuration_dials_nobody(
    relay: Relay,
) -> None:
    relay.openai.error_code = "invalid_value"
    with pytest.raises(CallRefused):
        await relay.start()
    assert not relay.twilio.dialled


async def test_a_telephone_that_refuses_lets_the_engines_go(relay: Relay) -> None:
    relay.twilio.refuse_code = 21219
    with pytest.raises(CallRefused) as refused:
        await relay.start()
    assert refused.value.http_status == 502
    assert (await relay.stored()).status == "failed"
    assert registry.live_ids() == []
    await eventually(
        lambda: all(s.socket.close_code is not None for s in relay.openai.sessions)
    )


async def test_starting_twice_at_once_dials_once(relay: Relay) -> None:
    relay.twilio.delay_s = 0.1
    await asyncio.gather(relay.start(), relay.start(), relay.start())
    await relay.start()
    assert len(relay.twilio.dialled) == 1


async def test_a_client_that_goes_away_does_not_stop_the_start(relay: Relay) -> None:
    relay.twilio.delay_s = 0.2
    start = asyncio.create_task(relay.start())
    await asyncio.sleep(0.1)
    start.cancel()
    await eventually(lambda: relay.twilio.dialled)
    await relay.start()
    assert len(relay.twilio.dialled) == 1


async def test_ending_while_the_engines_open_dials_nobody(relay: Relay) -> None:
    relay.openai.may_answer.clear()
    start = asyncio.create_task(relay.start())
    await eventually(lambda: relay.openai.sessions)
    await in_database(calls.finish, relay.call.pk, status="canceled")
    relay.openai.may_answer.set()
    await start
    assert not relay.twilio.dialled
    assert registry.live_ids() == []


# --- Twilio's door -------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["", "bm90IGl0"])
async def test_an_unsigned_stream_is_refused_before_it_is_accepted(
    relay: Relay, signature: str
) -> None:
    phone = await relay.phone(signature=signature)
    connected, _ = await phone.connect()
    assert not connected


async def test_a_forged_token_is_refused(relay: Relay) -> None:
    await relay.start()
    phone = await relay.connect_phone(token="forged")
    assert await close_code(phone) == 1008
    assert relay.live.session.phase == "waiting"
    await phone.disconnect()


async def test_a_token_belongs_to_its_telephone_call(relay: Relay) -> None:
    await relay.start()
    phone = await relay.phone()
    await phone.connect()
    token = await relay.stream_token()
    await phone.send_json_to(start_message(relay.call.pk, token, sid="CA" + "2" * 32))
    assert await close_code(phone) == 1008
    await phone.disconnect()


async def test_a_token_opens_one_stream_only(relay: Relay) -> None:
    await relay.start()
    token = await relay.stream_token()
    first = await relay.connect_phone(token)
    await eventually(lambda: relay.live.session.phase == "live")
    second = await relay.connect_phone(token)
    assert await close_code(second) == 1008
    assert relay.live.session.phase == "live"
    await first.disconnect()
    await second.disconnect()


async def test_a_stream_that_says_nothing_is_closed(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.consumers.START_TIMEOUT_S", 0.05)
    phone = await relay.phone()
    await phone.connect()
    assert await close_code(phone) == 1008
    await phone.disconnect()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"bytes_data": b"\0\1\2"}, 1003),
        ({"text_data": "not json"}, 1007),
        ({"text_data": "x" * 70_000}, 1009),
    ],
)
async def test_garbage_closes_the_stream_and_the_call_survives(
    relay: Relay, frame: dict[str, Any], code: int
) -> None:
    await relay.start()
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await phone.send_to(**frame)
    assert await close_code(phone) == code
    await phone.disconnect()
    await eventually(lambda: relay.live.session.phase == "suspended")
    again = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    assert (await relay.stored()).status == "in_progress"
    await again.disconnect()


# --- The caller's door ---------------------------------------------------------------


async def refused(socket: WebsocketCommunicator) -> int:
    connected, _ = await socket.connect()
    assert connected  # accepted, then closed with its code
    return await close_code(socket)


async def test_a_stranger_is_not_authenticated(relay: Relay) -> None:
    await relay.start()
    assert await refused(await relay.caller(ticket="forged")) == 4401


async def test_a_ticket_is_good_once(relay: Relay) -> None:
    await relay.start()
    ticket, _ = await in_database(tickets.issue_ticket, relay.call.pk, relay.alice.pk)
    first = await relay.caller(ticket)
    await let_in(first)
    assert await refused(await relay.caller(ticket)) == 4401
    await first.disconnect()


async def test_somebody_elses_call_does_not_exist(relay: Relay) -> None:
    await relay.start()
    ticket, _ = await in_database(tickets.issue_ticket, relay.call.pk, relay.charlie.pk)
    assert await refused(await relay.caller(ticket)) == 4404


async def test_a_call_that_is_over_is_over(relay: Relay) -> None:
    await in_database(calls.finish, relay.call.pk, status="canceled")
    assert await refused(await relay.caller()) == 4409


async def test_the_newest_socket_takes_over(relay: Relay) -> None:
    await relay.start()
    first, second = await relay.caller(), await relay.caller()
    await let_in(first)
    await let_in(second)
    assert await close_code(first) == 4408
    kinds = [m["type"] for m in await messages(second)]
    assert kinds == ["status", "mode"]
    assert relay.live.session._caller_is_there
    await second.disconnect()


async def test_ten_opens_a_minute_are_enough(relay: Relay) -> None:
    await relay.start()
    for _ in range(10):
        socket = await relay.caller()
        await socket.connect()
        await socket.disconnect()
    assert await refused(await relay.caller()) == 4429


async def test_a_call_on_another_node_is_named(relay: Relay) -> None:
    await relay.start()
    await in_database(
        lambda: (
            type(relay.call)
            .objects.filter(pk=relay.call.pk)
            .update(node_url="https://node2.example.org")
        )
    )
    socket = await relay.caller()
    await socket.connect()
    output = await socket.receive_output(3)
    assert output["code"] == 4307
    assert output["reason"].startswith("wss://node2.example.org/relay/calls/")


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\0" * 9602, 1009), (b"\0" * 300_000, 1009), (b"\0", 1007)]
)
async def test_bad_sound_closes_the_socket_and_the_call_survives(
    relay: Relay, payload: bytes, code: int
) -> None:
    await relay.start()
    socket = await relay.caller()
    await let_in(socket)
    await socket.send_to(bytes_data=payload)
    assert await close_code(socket) == code
    await socket.disconnect()
    again = await relay.caller()
    await let_in(again)
    assert not relay.live.is_over
    await again.disconnect()


async def test_a_bad_message_is_answered_and_the_socket_stays(relay: Relay) -> None:
    await relay.start()
    socket = await relay.caller()
    await let_in(socket)
    await socket.send_to(text_data='{"type":"mute"}')
    await socket.send_to(text_data='{"type":"whisper","id":"1","text":"x"}')
    await socket.send_to(text_data='{"type":"dtmf","digits":"one"}')
    await socket.send_to(text_data='{"type":"mode","mode":"agent"}')
    await socket.send_to(text_data='{"type":"from the future"}')
    errors = [m["code"] for m in await messages(socket) if m["type"] == "error"]
    assert errors == ["bad_message", "not_available", "bad_digits", "unsupported_mode"]
    await socket.disconnect()


# --- A conversation ------------------------------------------------------------------


async def test_who_asks_whether_anybody_is_there_is_answered(relay: Relay) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    await caller.send_json_to({"type": "ping"})
    assert {"type": "pong"} in await messages(caller)


async def test_sound_and_words_cross_the_relay_both_ways(relay: Relay) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 25)

    loud = np.full(960, 5000, np.int16)
    await caller.send_to(bytes_data=loud.astype("<i2").tobytes())
    await frames(phone, 25, since=25)
    to_korean = relay.openai.translation("ko")
    await eventually(lambda: loud.tobytes() in to_korean.audio)

    await to_korean.say(np.full(4800, 7000, np.int16), "안녕하세요.")
    to_english = relay.openai.translation("en")
    await to_english.send(type="session.input_transcript.delta", delta="네.")
    await to_english.say(np.full(4800, 6000, np.int16), "Yes.")
    await frames(phone, 200, since=50)
    await eventually(lambda: len(to_english.audio) >= 250 * 960)

    played = b""
    while not await phone.receive_nothing(0.4):
        message = json.loads((await phone.receive_output())["text"])
        assert set(message) == {"event", "streamSid", "media"}
        played += base64.b64decode(message["media"]["payload"])
    # 100 ms of greeting and 200 ms of speech
    assert len(played.replace(b"\xff", b"")) == pytest.approx(2400, abs=40)

    told = await messages(caller)
    captions = {m["leg"]: m for m in told if m["type"] == "caption"}
    assert captions["caller"]["translation"] == "안녕하세요."
    assert captions["callee"]["original"] == "네."
    assert captions["callee"]["translation_final"]
    assert any(m["type"] == "status" for m in told)

    await phone.send_json_to({"event": "stop", "stop": {}})
    await in_database(
        calls.record_status, relay.call.pk, "completed", reason="hung_up_by_callee"
    )
    assert await close_code(caller) == 1000
    call = await relay.stored()
    assert (call.status, call.outcome) == ("completed", "unknown")
    assert call.latency["relay_in_n"] >= 25
    texts = await in_database(
        lambda: list(
            Utterance.objects.filter(call=call).values_list("leg", "translation")
        )
    )
    assert set(texts) == {("caller", "안녕하세요."), ("callee", "Yes.")}
    kinds = await in_database(
        lambda: set(CallEvent.objects.filter(call=call).values_list("kind", flat=True))
    )
    assert {"dialled", "stream_started", "line_spoken", "caller_attached"} <= kinds
    await phone.disconnect()
    await eventually(lambda: registry.live_ids() == [])


async def test_a_viewer_who_comes_late_is_shown_what_is_being_said(
    relay: Relay,
) -> None:
    await relay.start()
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 25)
    to_english = relay.openai.translation("en")
    await to_english.send(type="session.input_transcript.delta", delta="네.")
    await frames(phone, 25, since=25)
    live, layer = relay.live, get_channel_layer()
    assert layer is not None
    await eventually(
        lambda: any(isinstance(m, Caption) for m in live.session.snapshot())
    )
    channel = await layer.new_channel()
    notify.notify(live.facts.call_id, {"kind": "viewer", "channel": channel})
    message = (await layer.receive(channel))["message"]
    assert (message["type"], message["original"]) == ("caption", "네.")
    assert message["again"]
    assert not await in_database(Utterance.objects.exists)
    await phone.disconnect()


async def test_a_lost_engine_is_opened_again_and_nothing_said_is_lost(
    relay: Relay,
) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 100)  # by then nothing of the greeting can be echoing
    first = relay.openai.translation("en")
    await eventually(lambda: len(first.audio) == 100 * 960)
    await first.socket.close(1011)
    await eventually(lambda: relay.live.session._sides[Leg.CALLEE].engine_lost_at_ms)
    loud = base64.b64encode(b"\x01" * 160).decode()
    for i in range(100, 110):
        await phone.send_json_to(media(i, loud))
    await eventually(lambda: relay.openai.translation("en") is not first)
    second = relay.openai.translation("en")
    await eventually(lambda: len(second.audio) >= 10 * 960)
    assert np.frombuffer(second.audio, "<i2").min() < -20_000
    states = [m["state"] for m in await messages(caller) if m["type"] == "recovery"]
    assert states == ["lost", "reconnecting", "recovered"]
    await phone.disconnect()
    await caller.disconnect()


async def test_an_engine_by_turns_hears_sentences_and_answers_them(
    relay: Relay, settings: Settings
) -> None:
    settings.CALLEE_ENGINE = "interpret"
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 120)
    engine = relay.openai.interpreter()
    assert engine.audio == b""
    voice = np.concatenate([sounds.sentence(1.0), sounds.noise(1.0)])
    await speak(phone, voice, since=120)
    await eventually(lambda: engine.asked == ["item_1"])
    assert len(engine.audio) >= 2 * 24 * 1300  # with the pre-roll
    transcribed = "conversation.item.input_audio_transcription.completed"
    await engine.send(type=transcribed, item_id="item_1", transcript="네, 안녕하세요.")
    await engine.answer("resp_1", np.full(24 * 200, 1000, np.int16), "Yes, hello.")
    told = await messages(caller)
    [last] = [m for m in told if m["type"] == "caption"][-1:]
    assert (last["original"], last["translation"]) == ("네, 안녕하세요.", "Yes, hello.")
    # A new session is told what the old one has not answered.
    await speak(phone, sounds.sentence(1.0), since=220)
    await frames(phone, 60, since=270)
    await eventually(lambda: engine.asked == ["item_1", "item_2"])
    await engine.socket.close(1011)
    await eventually(lambda: relay.openai.interpreter() is not engine)
    again = relay.openai.interpreter()
    await eventually(lambda: again.asked == ["item_1"])
    assert len(again.audio) >= 2 * 24 * 1300
    await phone.disconnect()
    await caller.disconnect()


async def test_one_language_is_written_down_and_stored(relay: Relay) -> None:
    """Both engines only write; the caption is final with the transcript."""
    relay.call.caller_language = relay.call.callee_language
    relay.call.brief = {"glossary": [{"term": "한강식당"}]}
    await in_database(relay.call.save)
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 120)
    said = np.concatenate([sounds.sentence(1.0), sounds.noise(1.0)])
    await speak(phone, said, since=120)
    sessions = [s for s in relay.openai.sessions if "intent=" in s.path]
    assert len(sessions) == 2
    await eventually(lambda: any(s.n_committed for s in sessions))
    [engine] = [s for s in sessions if s.n_committed]
    assert engine.path == "/v1/realtime?intent=transcription"
    asked = engine.received[0]["session"]["audio"]["input"]["transcription"]
    assert asked["languages"] == ["ko"]
    assert "한강식당" in asked["keywords"]
    kind = "conversation.item.input_audio_transcription"
    await engine.send(type=f"{kind}.delta", item_id="item_1", delta="네, 안녕")
    # The session breaks before it has written everything; the next one hears it again.
    await engine.socket.close(1011)
    await eventually(lambda: len(relay.openai.sessions) >= 4)
    again = relay.openai.transcription()
    await eventually(lambda: again.n_committed == 1)
    assert len(again.audio) >= 2 * 24 * 1300
    await again.send(type=f"{kind}.delta", item_id="item_1", delta="네, 안녕하")
    transcript = "네, 안녕하세요."
    await again.send(type=f"{kind}.completed", item_id="item_1", transcript=transcript)
    told = await messages(caller)
    texts = [m["original"] for m in told if m["type"] == "caption"]
    assert list(dict.fromkeys(texts)) == ["네, 안녕", "네, 안녕하", transcript]
    last = [m for m in told if m["type"] == "caption"][-1]
    assert (last["original_final"], last["translation"]) == (True, "")
    await phone.disconnect()
    await caller.disconnect()

    def stored() -> list[str]:
        texts = Utterance.objects.filter(call=relay.call).values_list("original")
        return [text for (text,) in texts]

    await eventually(lambda: relay.live._writes.empty())
    assert await in_database(stored) == [transcript]


async def test_what_could_not_be_written_down_is_told(relay: Relay) -> None:
    """The engine fails twice: the caller sees that something was said."""
    relay.call.caller_language = relay.call.callee_language
    await in_database(relay.call.save)
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 120)
    said = np.concatenate([sounds.sentence(1.0), sounds.noise(1.0)])
    await speak(phone, said, since=120)
    sessions = [s for s in relay.openai.sessions if "intent=" in s.path]
    await eventually(lambda: any(s.n_committed for s in sessions))
    [engine] = [s for s in sessions if s.n_committed]
    kind = "conversation.item.input_audio_transcription.failed"
    await engine.send(type=kind, item_id="item_1", error={"message": "no"})
    await eventually(lambda: engine.n_committed == 2)  # it is heard once more
    await engine.send(type=kind, item_id="item_2", error={"message": "no"})
    told = await messages(caller)
    [shown] = [m for m in told if m["type"] == "caption"]
    assert (shown["original"], shown["state"]) == ("", "not_understood")
    [warning] = [m for m in told if m.get("code") == "not_interpreted"]
    assert warning["utterance_id"] == shown["utterance_id"]
    await phone.disconnect()
    await caller.disconnect()

    def stored() -> list[str]:
        fates = Utterance.objects.filter(call=relay.call).values_list("fate")
        return [fate for (fate,) in fates]

    await eventually(lambda: relay.live._writes.empty())
    assert await in_database(stored) == ["lost"]


async def test_a_fatal_error_is_treated_like_a_lost_engine(relay: Relay) -> None:
    await relay.start()
    first = relay.openai.translation("ko")
    error = {"type": "x", "code": "session_expired", "message": ""}
    await first.send(type="error", error=error)
    await eventually(lambda: relay.openai.translation("ko") is not first)


async def test_hanging_up_ends_the_telephone_call(relay: Relay) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await caller.send_json_to({"type": "end"})
    await eventually(lambda: relay.twilio.hung_up)
    await phone.disconnect()
    assert await close_code(caller) == 1000
    call = await relay.stored()
    assert (call.status, call.reason) == ("completed", "hung_up_by_caller")


async def test_status_from_the_control_plane_reaches_the_caller(relay: Relay) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    await in_database(calls.record_status, relay.call.pk, "ringing")
    await in_database(calls.set_answered_by, relay.call.pk, "person")
    await in_database(calls.record_status, relay.call.pk, "busy", reason="busy")
    told = []
    while True:
        output = await caller.receive_output(3)
        if output["type"] == "websocket.close":
            break
        told.append(json.loads(output["text"]))
    assert {"type": "status", "status": "ringing"} in told
    assert {"type": "answered_by", "kind": "person"} in told
    assert {"type": "status", "status": "busy", "reason": "busy"} in told
    assert told[-1] == {"type": "ended", "status": "busy", "outcome": "unreachable"}


async def test_a_call_is_taken_up_again_after_a_restart(relay: Relay) -> None:
    await relay.start()
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await registry.close_all()
    assert registry.live_ids() == []
    await phone.disconnect()
    n = len(relay.openai.sessions)
    again = await relay.connect_phone()
    await eventually(lambda: len(relay.openai.sessions) >= n + 2)
    await frames(again, 10)
    await eventually(lambda: len(relay.openai.translation("en").audio) >= 10 * 960)
    assert len(relay.twilio.dialled) == 1
    await again.disconnect()


async def test_too_much_sound_is_not_a_microphone(relay: Relay) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 2)
    await eventually(lambda: relay.live.session.line_ms > 0)
    for _ in range(60):
        await caller.send_to(bytes_data=b"\1\0" * 4800)
    assert await close_code(caller) == 1008
    assert not relay.live.is_over
    await phone.disconnect()
    await caller.disconnect()


async def test_other_addresses_have_no_socket() -> None:
    from realtime.routing import sockets

    socket = WebsocketCommunicator(sockets, "/somewhere")
    connected, _ = await socket.connect()
    assert not connected

"""The media stream between telephone company and product."""

import base64
import json

import pytest

from lab.telephone import twiml
from lab.telephone.line import LineConfig, LineFrame
from lab.telephone.stream import MAX_UNSENT, StreamClient
from lab.tests.fakes import (
    STREAM,
    Lab,
    Stream,
    make_people,
    running_lab,
    tone_mulaw,
    until,
)
from realtime.audio.g711 import decode_mulaw


def messages_of(lab: Lab, n: int) -> bool:
    """Whether the first stream has received n messages."""
    streams = lab.product.streams
    return bool(streams) and len(streams[0].messages) > n


DOCUMENT = STREAM.format(then="")


async def test_marks_come_back_when_they_have_been_played_and_no_sooner() -> None:
    times: dict[str, float] = {}

    async def talk(stream: Stream) -> None:
        await stream.receive_until("start")
        await stream.play(tone_mulaw("hello", 1000))
        await stream.mark("first")
        await stream.play(tone_mulaw("question", 400))
        await stream.mark("second")
        while len(times) < 2:
            message = await stream.receive()
            if message["event"] == "media":
                now = int(message["media"]["timestamp"])
            elif message["event"] == "mark":
                times[message["mark"]["name"]] = now
        await stream.socket.close()

    async with running_lab(DOCUMENT, on_stream=talk, speed=10) as lab:
        call = await lab.dial()
        await until(lambda: call.is_over)
        assert times["first"] >= 960
        assert 360 <= times["second"] - times["first"] <= 440
        assert call.streams[0].marks == ["first", "second"]


async def test_clear_empties_the_queue_and_returns_all_marks_at_once() -> None:
    got: list[str] = []

    async def talk(stream: Stream) -> None:
        await stream.receive_until("start")
        for name in ("a", "b", "c"):
            await stream.play(tone_mulaw("hello", 20_000))
            await stream.mark(name)
        for _ in range(10):
            await stream.receive_until("media")
        await stream.send("clear")
        for _ in range(3):
            got.append((await stream.receive_until("mark"))["mark"]["name"])
        await stream.socket.close()

    async with running_lab(DOCUMENT, on_stream=talk) as lab:
        call = await lab.dial()
        await until(lambda: call.is_over)
        assert got == ["a", "b", "c"]
        report = call.streams[0]
        assert (report.clears, report.unplayed_bytes) == (1, 0)
        assert report.played_bytes + report.cleared_bytes == 480_000


async def test_frames_keep_coming_in_silence_and_are_20_ms_of_mulaw() -> None:
    async with running_lab(DOCUMENT) as lab:
        lab.exchange.line = LineConfig(noise_rms=0)
        await lab.dial()
        await until(
            lambda: lab.product.streams and lab.product.streams[0].messages[60:]
        )
        media = [
            base64.b64decode(message["media"]["payload"])
            for message in lab.product.streams[0].messages
            if message["event"] == "media"
        ]
        assert set(media) == {b"\xff" * 160}


async def test_what_is_not_the_protocol_is_reported_once_and_changes_nothing() -> None:
    async def talk(stream: Stream) -> None:
        await stream.receive_until("start")
        for _ in range(2):
            await stream.socket.send_bytes(b"\x00" * 320)
            await stream.socket.send_text("{")
            await stream.socket.send_text(json.dumps({"event": "hello"}))
            await stream.send("media", media={"payload": "AAAA"}, extra=1)
            await stream.send("media", media={"payload": "?"})
        await stream.play(tone_mulaw("hello"))
        await stream.mark("alive")
        await stream.receive_until("mark")
        await stream.socket.close()

    async with running_lab(DOCUMENT, on_stream=talk) as lab:
        call = await lab.dial()
        await until(lambda: call.is_over)
        codes = [note["error_code"] for note in call.notifications]
        assert sorted(codes) == [31950, 31951]
        assert call.streams[0].played_bytes == 3200


async def test_a_refused_handshake_is_reported_and_the_next_verb_follows() -> None:
    document = STREAM.format(then="<Redirect>/voice</Redirect>")
    async with running_lab(document, "<Response/>") as lab:
        lab.product.socket_status = 403
        call = await lab.dial()
        await until(lambda: call.is_over)
        assert call.notifications[0]["error_code"] == 31920
        assert len(lab.product.sent("voice")) == 2
        assert call.streams[0].state == "refused"


async def test_a_connection_that_is_refused_is_reported() -> None:
    async with running_lab(DOCUMENT.replace("$HOST", "127.0.0.1:9")) as lab:
        call = await lab.dial()
        await until(lambda: call.is_over)
        assert call.notifications[0]["error_code"] == 31902


async def test_the_query_string_is_not_forwarded() -> None:
    async with running_lab(DOCUMENT.replace("/media", "/media?token=1")) as lab:
        call = await lab.dial()
        await until(lambda: lab.product.streams)
        assert lab.product.streams[0].socket.url.query == ""
        assert call.notifications[0]["error_code"] == 31923


async def test_keys_of_the_callee_arrive_as_dtmf() -> None:
    people = make_people(keys={"script": [{"press": "1#"}, {"wait_ms": 3_600_000}]})
    async with running_lab(DOCUMENT, people=people) as lab:
        call = await lab.dial()
        await until(lambda: lab.product.streams and lab.product.streams[0].stream_sid)
        call.press("5")
        stream = lab.product.streams[0]
        keys = await until(lambda: [m for m in stream.messages if m["event"] == "dtmf"])
        assert keys[-1]["dtmf"] == {"track": "inbound_track", "digit": "5"}


@pytest.mark.parametrize(
    ("fault", "ended_by"),
    [
        ({"kind": "drop", "after_ms": 200}, "fault"),
        ({"kind": "close", "after_ms": 200}, "fault"),
    ],
)
async def test_a_stream_can_be_lost_and_comes_again(
    fault: dict[str, object], ended_by: str
) -> None:
    document = STREAM.format(then="<Redirect>/voice</Redirect>")
    async with running_lab(document) as lab:
        lab.exchange.faults.add({"kind": "stream", "fault": fault})
        call = await lab.dial()
        await until(lambda: len(lab.product.streams) == 2)
        assert call.streams[0].ended_by == ended_by
        events = [message["event"] for message in lab.product.streams[0].messages]
        assert "stop" not in events
        assert call.is_in_progress


async def test_a_stalled_stream_catches_up_with_true_timestamps() -> None:
    async with running_lab(DOCUMENT) as lab:
        fault = {"kind": "stall", "after_ms": 200, "duration_ms": 1000}
        lab.exchange.faults.add({"kind": "stream", "fault": fault})
        await lab.dial()
        await until(
            lambda: lab.product.streams and lab.product.streams[0].messages[80:]
        )
        media = [m for m in lab.product.streams[0].messages if m["event"] == "media"]
        stamps = [int(m["media"]["timestamp"]) for m in media]
        assert stamps == list(range(0, 20 * len(stamps), 20))


async def test_garbage_can_be_sent_to_the_product() -> None:
    got: list[object] = []

    async def talk(stream: Stream) -> None:
        while True:
            message = await stream.socket.receive()
            if message.get("bytes"):
                got.append(message["bytes"])
            elif message["type"] == "websocket.disconnect":
                return

    async with running_lab(DOCUMENT, on_stream=talk) as lab:
        data = base64.b64encode(b"garbage").decode()
        fault = {"kind": "send", "base64": data, "after_ms": 100}
        lab.exchange.faults.add({"kind": "stream", "fault": fault})
        await lab.dial()
        await until(lambda: got)
        assert got == [b"garbage"]


async def test_a_product_that_does_not_read_loses_frames_and_is_told_once() -> None:
    notes: list[int] = []
    client = StreamClient(
        twiml.Stream("ws://127.0.0.1/media"),
        call_sid="CA1",
        account_sid="AC1",
        sign=lambda url, parameters: "",
        notify=lambda code, message: notes.append(code),
        tell=lambda event, error: None,
    )
    client._is_open = True  # connected, and nothing is ever written out
    for i in range(MAX_UNSENT + 50):
        client.on_frame(LineFrame(b"\xff" * 160, i * 20))
    assert notes == [31930]
    assert client.report.frames_unsent == 50


async def test_the_person_hears_what_the_product_plays() -> None:
    async def talk(stream: Stream) -> None:
        await stream.receive_until("start")
        await stream.play(tone_mulaw("hello", 600))
        await stream.mark("end")
        await stream.receive_until("mark")
        await stream.socket.close()

    async with running_lab(DOCUMENT, on_stream=talk) as lab:
        call = await lab.dial()
        await until(lambda: call.is_over)
        loud = abs(decode_mulaw(bytes(call.tape_heard.data))) > 1500
        assert 0.2 < loud.sum() / 4800 < 0.9

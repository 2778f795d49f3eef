"""Whole calls: the SDK dials, a product answers, a person talks."""

import asyncio
from typing import Any

import httpx2
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from twilio.base.exceptions import TwilioRestException

from lab.telephone.call import SimulatedCall
from lab.telephone.sounds import write_wav
from lab.tests.fakes import (
    PERSON,
    SILENT,
    STREAM,
    Lab,
    Stream,
    listen,
    make_people,
    running_lab,
    serve,
    tone,
    tone_mulaw,
    until,
)
from realtime.audio.g711 import decode_mulaw

pytestmark = pytest.mark.slow

TALKATIVE = {
    "script": [
        {"expect": "hello", "timeout_ms": 90_000},
        {"say": "question"},
        {"expect": "answer", "timeout_ms": 90_000},
        {"hang_up": True},
    ]
}


async def ended(call: SimulatedCall) -> SimulatedCall:
    await until(lambda: call.is_over and not call.exchange._running)
    return call


async def test_a_call_goes_from_queued_to_completed_and_says_so_in_order() -> None:
    async with running_lab("<Response><Pause/></Response>") as lab:
        call = await ended(await lab.dial())
        assert lab.product.statuses() == [
            "initiated",
            "ringing",
            "in-progress",
            "completed",
        ]
        sent = lab.product.sent("status")
        assert [form["SequenceNumber"] for form in sent] == ["0", "1", "2", "3"]
        assert {form["CallbackSource"] for form in sent} == {"call-progress-events"}
        assert sent[-1]["CallDuration"] == str(call.duration_s)
        assert (call.duration_s or 0) >= 1
        assert {form["CallSid"] for form in sent} == {call.sid}


async def test_the_product_and_the_person_talk_to_each_other() -> None:
    async def talk(stream: Stream) -> None:
        await stream.receive_until("start")
        await stream.play(tone_mulaw("hello"))
        await stream.mark("greeted")
        await stream.receive_until("mark")
        for _ in range(60):  # the person answers within this
            await stream.receive_until("media")
        await stream.play(tone_mulaw("answer"))
        while True:
            await stream.receive()

    people = make_people(talkative=TALKATIVE)
    async with running_lab(
        STREAM.format(then=""), on_stream=talk, people=people
    ) as lab:
        call = await ended(await lab.dial())
        assert call.handset is not None
        assert [one.phrase_id for one in call.handset.heard] == ["hello", "answer"]
        assert [one.phrase_id for one in call.handset.said] == ["question"]
        assert call.ended_by == "callee"
        messages = lab.product.streams[0].messages
        assert [m["event"] for m in messages[:2]] == ["connected", "start"]
        assert messages[1]["start"]["customParameters"] == {"call": "42"}
        assert messages[1]["start"]["callSid"] == call.sid
        assert messages[-1]["event"] == "stop"
        numbers = [int(m["sequenceNumber"]) for m in messages[1:]]
        assert numbers == list(range(1, len(numbers) + 1))
        media = [m["media"] for m in messages if m["event"] == "media"]
        assert [int(m["chunk"]) for m in media] == list(range(1, len(media) + 1))
        stamps = [int(m["timestamp"]) for m in media]
        assert stamps == list(range(0, 20 * len(media), 20))


async def test_a_busy_line_is_busy() -> None:
    people = make_people(busy={"answer": "busy"})
    async with running_lab("<Response/>", people=people) as lab:
        call = await ended(await lab.dial())
        assert (call.status, lab.product.sent("voice")) == ("busy", [])
        assert lab.product.statuses() == ["initiated", "busy"]
        last = lab.product.sent("status")[-1]
        assert (last["SipResponseCode"], last["CallDuration"]) == ("486", "0")


async def test_nobody_answers_until_the_time_out() -> None:
    people = make_people(nobody={"answer": "nobody"})
    async with running_lab("<Response/>", people=people) as lab:
        began = lab.exchange.clock.now()
        call = await ended(await lab.dial(timeout=10))
        assert call.status == "no-answer"
        assert 15 < lab.exchange.clock.now() - began < 60
        assert lab.product.statuses() == ["initiated", "ringing", "no-answer"]


@pytest.mark.parametrize("number", [PERSON, "+8225559999"])
async def test_a_number_that_nobody_has_fails(number: str) -> None:
    people = make_people(unknown={"answer": "unassigned"})
    async with running_lab("<Response/>", people=people) as lab:
        call = await ended(await lab.dial(to=number))
        assert call.status == "failed"
        last = lab.product.sent("status")[-1]
        assert (last["SipResponseCode"], last["ErrorCode"]) == ("404", "13224")


async def test_a_call_is_canceled_before_and_completed_after_pickup() -> None:
    slow = make_people(slow={"answer_after_ms": 60_000, **SILENT}, quick=SILENT)
    async with running_lab(STREAM.format(then=""), people=slow) as lab:
        ringing = await lab.dial()
        await until(lambda: ringing.status == "ringing")
        await asyncio.to_thread(
            lab.client().calls(ringing.sid).update, status="canceled"
        )
        talking = await lab.dial(to="+8225550102")
        await until(lambda: lab.product.streams)
        calls = lab.client().calls
        await asyncio.to_thread(calls(talking.sid).update, status="completed")
        await ended(talking)
        assert (ringing.status, talking.status) == ("canceled", "completed")
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(calls(talking.sid).update, status="completed")
        assert (refused.value.status, refused.value.code) == (404, 20404)
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(calls(talking.sid).update, twiml="<Response/>")
        assert (refused.value.status, refused.value.code) == (400, 21220)


async def test_the_time_limit_ends_a_call() -> None:
    async with running_lab(STREAM.format(then="")) as lab:
        call = await ended(await lab.dial(time_limit=3))
        assert call.ended_by == "time_limit"
        assert (call.duration_s or 0) >= 3


async def test_the_person_hangs_up_and_the_stream_stops() -> None:
    people = make_people(short={"script": [{"wait_ms": 9000}, {"hang_up": True}]})
    async with running_lab(STREAM.format(then="<Say>no</Say>"), people=people) as lab:
        call = await ended(await lab.dial())
        assert call.status == "completed"
        assert lab.product.streams[0].messages[-1]["event"] == "stop"
        assert call.streams[0].ended_by == "telephone"


async def test_the_machine_detection_tells_later_without_holding_the_call() -> None:
    people = make_people(machine={"answered_by": "machine_start", **SILENT})
    async with running_lab(STREAM.format(then=""), people=people) as lab:
        base = f"http://{lab.product.host}"
        call = await lab.dial(
            machine_detection="Enable",
            async_amd="true",
            async_amd_status_callback=f"{base}/callback/amd",
        )
        await until(lambda: lab.product.sent("amd"))
        assert lab.product.sent("amd")[0]["AnsweredBy"] == "machine_start"
        assert lab.product.streams
        fetched = await asyncio.to_thread(lab.client().calls(call.sid).fetch)
        assert fetched.answered_by == "machine_start"


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ([{"say": "hello"}, {"play": "beep"}, {"record_ms": 60_000}],
         "machine_end_beep"),
        ([{"say": "hello"}, {"record_ms": 60_000, "silence_ms": 50_000}],
         "machine_end_silence"),
        ([{"say": "hello"}, {"wait_ms": 90_000}], "unknown"),
    ],
)  # fmt: skip
async def test_the_machine_detection_may_wait_for_the_end_of_a_greeting(
    script: list[dict[str, Any]], verdict: str
) -> None:
    machine = {"answered_by": "machine_start", "script": [{"polite": False}, *script]}
    people = make_people(machine=machine)
    async with running_lab(STREAM.format(then=""), people=people) as lab:
        base = f"http://{lab.product.host}"
        await lab.dial(
            machine_detection="DetectMessageEnd",
            async_amd="true",
            async_amd_status_callback=f"{base}/callback/amd",
        )
        [told] = await until(lambda: lab.product.sent("amd"))
        assert told["AnsweredBy"] == verdict
        took_ms = int(told["MachineDetectionDuration"])
        assert took_ms >= 29_000 if verdict == "unknown" else took_ms < 15_000


async def test_keys_reach_the_person_and_the_stream_comes_back() -> None:
    """What pressing keys on a live call does: another stream, the same call."""
    menu = {
        "script": [
            {"polite": False},
            {"label": "main"},
            {"menu": "question", "keys": {1: "one"}, "times": 50},
            {"hang_up": True},
            {"label": "one"},
            {"menu": "again", "keys": {2: "two"}, "times": 50},
            {"label": "two"},
            {"say": "answer"},
            {"wait_ms": 60_000},
        ]
    }
    keys = STREAM.format(then="").replace("<Connect>", "<Play digits='1w2'/><Connect>")
    async with running_lab(
        STREAM.format(then=""), people=make_people(menu=menu), speed=10.0
    ) as lab:
        call = await lab.dial()
        first = await until(lambda: lab.product.streams and lab.product.streams[0])
        await until(lambda: call.handset is not None and call.handset.said)
        began = lab.exchange.clock.now()
        update = lab.client().calls(call.sid).update
        twiml = keys.replace("$HOST", lab.product.host)
        await asyncio.to_thread(update, twiml=twiml)
        second = await until(lambda: lab.product.streams[1:] and lab.product.streams[1])
        await until(lambda: second.stream_sid)
        gap_s = lab.exchange.clock.now() - began
        handset = call.handset
        assert handset is not None
        await until(lambda: "answer" in [one.phrase_id for one in handset.said])
        assert call.is_in_progress
        assert first.messages[-1]["event"] == "stop"
        assert first.stream_sid != second.stream_sid
        starts = [
            next(m for m in stream.messages if m["event"] == "start")["start"]
            for stream in (first, second)
        ]
        assert starts[0]["callSid"] == starts[1]["callSid"] == call.sid
        assert handset.keys_heard == ["1w2"]
        heard = [o.heard for o in handset.person.outcomes if o.heard]
        assert heard == ["1", "2"]
        # Two keys of 240 ms, a pause of 500 ms, and what asking takes.
        assert 0.9 < gap_s < 0.98 + 1.0
        assert lab.product.sent("voice")[1:] == []
        assert "completed" not in lab.product.statuses()


async def test_a_call_that_is_over_takes_no_keys() -> None:
    async with running_lab("<Response/>") as lab:
        call = await ended(await lab.dial())
        update = lab.client().calls(call.sid).update
        with pytest.raises(TwilioRestException) as refused:
            await asyncio.to_thread(update, twiml="<Response/>")
        assert refused.value.code == 21220


async def test_a_voicemail_reports_what_was_left_on_it() -> None:
    async def leave_message(stream: Stream) -> None:
        await stream.receive_until("start")
        for _ in range(150):
            await stream.receive_until("media")
        await stream.play(tone_mulaw("hello"))
        await listen(stream)

    voicemail = {
        "script": [
            {"polite": False},
            {"say": "question"},
            {"play": "beep", "ms": 300},
            {"record_ms": 20_000, "silence_ms": 4000},
            {"hang_up": True},
        ]
    }
    async with running_lab(
        STREAM.format(then=""),
        on_stream=leave_message,
        people=make_people(voicemail=voicemail),
        speed=10.0,
    ) as lab:
        call = await ended(await lab.dial())
        [outcome] = call.as_dict()["script"]["outcomes"]
        assert outcome["recorded"] == ["hello"]
        assert call.handset is not None
        assert call.handset.played == ["beep"]
        # The beep is no speech that the person said.
        assert [one.phrase_id for one in call.handset.said] == ["question"]


async def test_a_document_follows_when_the_product_closes_the_stream() -> None:
    async def leave(stream: Stream) -> None:
        await stream.receive_until("start")
        await stream.socket.close()

    async with running_lab(
        STREAM.format(then="<Redirect>/voice?again=1</Redirect>"),
        STREAM.format(then="<Hangup/>"),
        on_stream=leave,
    ) as lab:
        call = await ended(await lab.dial())
        assert [form.get("?again") for form in lab.product.sent("voice")] == [None, "1"]
        assert len({stream.stream_sid for stream in lab.product.streams}) == 2
        assert [report.ended_by for report in call.streams] == ["product", "product"]


async def test_a_new_document_tears_a_stream_down() -> None:
    async with running_lab(STREAM.format(then="")) as lab:
        call = await lab.dial()
        await until(lambda: lab.product.streams and lab.product.streams[0].stream_sid)
        update = lab.client().calls(call.sid).update
        await asyncio.to_thread(
            update, twiml="<Response><Play digits='12'/></Response>"
        )
        await ended(call)
        assert lab.product.streams[0].messages[-1]["event"] == "stop"
        assert call.handset is not None
        assert call.handset.keys_heard == ["12"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Response><Say", 12100),
        ("<Answer/>", 12100),
        (Response(status_code=500), 11200),
        (Response("{}", media_type="application/json"), 12300),
        ("<Response><Dial>+1</Dial></Response>", 13223),
        (
            "<Response><Dial callerId='+12025550199'>+8225550146</Dial></Response>",
            13214,
        ),
        ("<Response><Enqueue/></Response>", 12200),
    ],
)
async def test_a_bad_document_is_reported_and_apologised_for(
    document: str | Response, code: int
) -> None:
    async with running_lab(document) as lab:
        call = await ended(await lab.dial())
        assert call.status == "completed"
        assert call.notifications[0]["error_code"] == code
        assert call.handset is not None
        assert [one.phrase_id for one in call.handset.heard] == ["hello"]


async def test_the_fallback_url_is_asked_with_the_error() -> None:
    documents = (Response(status_code=404), "<Response><Hangup/></Response>")
    async with running_lab(*documents) as lab:
        url = f"http://{lab.product.host}/voice"
        call = await ended(await lab.dial(fallback_url=url))
        asked = lab.product.sent("voice")[1]
        assert (asked["ErrorCode"], asked["ErrorUrl"]) == ("11200", url)
        assert call.ended_by == "document"


async def test_a_product_that_is_not_there_is_reported() -> None:
    async with running_lab("<Response/>") as lab:
        call = await ended(await lab.dial(url="http://127.0.0.1:9/voice"))
        assert call.notifications[0]["error_code"] == 11205


async def test_a_status_callback_is_repeated_with_its_token_if_asked_for() -> None:
    async with running_lab("<Response/>") as lab:
        lab.product.callback_statuses[:] = [503, 503]
        url = f"http://{lab.product.host}/callback/status#rc=2&rp=5xx"
        call = await ended(await lab.dial(status_callback=url))
        assert lab.product.statuses()[:4] == ["initiated"] * 3 + ["ringing"]
        asked = zip(lab.product.requests, lab.product.headers, strict=True)
        tokens = [
            headers["i-twilio-idempotency-token"]
            for (kind, _), headers in asked
            if kind == "status"
        ]
        assert tokens[0] == tokens[1] == tokens[2] != tokens[3]
        assert call.notifications == []


async def test_status_callbacks_can_come_twice_and_out_of_order() -> None:
    async with running_lab("<Response/>") as lab:
        lab.exchange.faults.add({"kind": "repeat_status"})
        await ended(await lab.dial())
        assert lab.product.statuses()[:3] == ["initiated", "initiated", "ringing"]
        lab.product.requests.clear()
        lab.exchange.faults.add({"kind": "reorder_status"})
        await ended(await lab.dial())
        numbers = [form["SequenceNumber"] for form in lab.product.sent("status")]
        assert numbers == ["1", "0", "2", "3"]


async def test_a_message_is_recorded_and_the_recording_can_be_fetched() -> None:
    people = make_people(
        caller={"script": [{"wait_ms": 5000}, {"say": "question"}, {"wait_ms": 60_000}]}
    )
    record = (
        '<Response><Record timeout="10" action="/voice?recorded=1"'
        ' recordingStatusCallback="http://$HOST/callback/recording"/></Response>'
    )
    async with running_lab(record, "<Response/>", people=people) as lab:
        await ended(await lab.dial())
        done = lab.product.sent("voice")[1]
        assert done["?recorded"] == "1"
        assert int(done["RecordingDuration"]) in range(10, 25)
        assert lab.product.sent("recording")[0]["RecordingSid"] == done["RecordingSid"]
        assert lab.exchange.recordings[done["RecordingSid"]]
        recording = lab.client().recordings(done["RecordingSid"])
        assert await asyncio.to_thread(recording.delete)
        with pytest.raises(TwilioRestException) as gone:
            await asyncio.to_thread(recording.delete)
        assert gone.value.code == 20404


async def test_keys_are_gathered_until_there_are_enough() -> None:
    people = make_people(
        menu={"script": [{"wait_ms": 5000}, {"press": "42"}, {"wait_ms": 60_000}]}
    )
    gather = (
        '<Response><Gather numDigits="2" action="/voice"><Pause length="30"/>'
        "</Gather></Response>"
    )
    async with running_lab(gather, "<Response/>", people=people) as lab:
        await ended(await lab.dial())
        assert lab.product.sent("voice")[1]["Digits"] == "42"


OUR_LINE = "+12025550142"


async def ask_to_call_us(lab: Lab, **values: Any) -> httpx2.Response:
    body = {"from": PERSON, "url": f"http://{lab.product.host}/voice", **values}
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(f"{lab.url}/lab/incoming", json=body)


async def call_us(lab: Lab, **values: Any) -> SimulatedCall:
    answer = await ask_to_call_us(lab, **values)
    return lab.exchange.calls[answer.json()["sid"]]


async def test_somebody_calls_us() -> None:
    people = make_people(caller={"script": [{"wait_ms": 9000}, {"hang_up": True}]})
    async with running_lab(STREAM.format(then=""), people=people) as lab:
        call = await ended(await call_us(lab))
        asked = lab.product.sent("voice")[0]
        assert (asked["Direction"], asked["From"]) == ("inbound", PERSON)
        assert asked["CallStatus"] == "ringing"
        assert call.status == "completed"


async def test_a_call_to_us_is_found_by_rest_while_it_goes_on() -> None:
    async with running_lab(STREAM.format(then="")) as lab:
        call = await call_us(lab, to=OUR_LINE)
        await until(lambda: lab.product.streams)
        assert lab.product.sent("voice")[0]["To"] == OUR_LINE
        calls = lab.client().calls
        fetched = await asyncio.to_thread(calls(call.sid).fetch)
        assert (fetched.direction, fetched.status) == ("inbound", "in-progress")
        assert (fetched.to, fetched._from) == (OUR_LINE, PERSON)
        found = await asyncio.to_thread(calls.list, to=OUR_LINE, status="in-progress")
        assert [one.sid for one in found] == [call.sid]
        assert await asyncio.to_thread(calls.list, to="+12025550143") == []


async def test_a_document_that_is_kept_there_answers_without_asking_us() -> None:
    async with running_lab("<Response/>") as lab:
        document = STREAM.format(then="<Hangup/>").replace("$HOST", lab.product.host)
        call = await call_us(lab, twiml=document, url="")
        await until(lambda: lab.product.streams and lab.product.streams[0].stream_sid)
        assert lab.product.sent("voice") == []
        start = lab.product.streams[0].messages[1]["start"]
        assert start["callSid"] == call.sid
        assert start["customParameters"] == {"call": "42"}


@pytest.mark.parametrize(
    ("reason", "status"), [("busy", "busy"), ("rejected", "no-answer")]
)
async def test_a_call_that_is_rejected_was_never_answered(
    reason: str, status: str
) -> None:
    document = f"<Response><Reject reason='{reason}'/></Response>"
    async with running_lab(document) as lab:
        call = await ended(await call_us(lab))
        assert (call.status, call.start_time, call.ended_by) == (
            status,
            None,
            "document",
        )
        assert lab.product.sent("voice")[0]["CallStatus"] == "ringing"


def waiting(ready: asyncio.Event) -> Starlette:
    """A product that answers when it is told to."""

    async def answer(request: Request) -> Response:
        await ready.wait()
        return Response("<Response><Say>x</Say></Response>", media_type="text/xml")

    return Starlette(routes=[Route("/", answer, methods=["POST"])])


async def test_it_rings_until_there_is_a_document() -> None:
    """A slow webhook, then one that is not there: that is told, as at Twilio."""
    ready = asyncio.Event()
    async with running_lab("<Response/>") as lab, serve(waiting(ready)) as (host,):
        call = await call_us(lab, url=f"http://{host}/#tt=400")
        await until(lambda: call.status == "ringing")
        fetched = await asyncio.to_thread(lab.client().calls(call.sid).fetch)
        assert fetched.status == "ringing"
        await ended(call)
        assert call.notifications[0]["error_code"] == 11200
        assert call.handset is not None
        assert [one.phrase_id for one in call.handset.heard] == ["hello"]
        assert call.status == "completed"
        call = await call_us(lab, url=f"http://{host}/")
        await until(lambda: call.status == "ringing")
        began = lab.exchange.clock.now()
        await asyncio.sleep(0.1)
        rang_s = lab.exchange.clock.now() - began
        ready.set()
        await ended(call)
        assert call.as_dict()["rang_ms"] >= rang_s * 1000
        assert call.notifications == []


async def test_who_gives_up_while_it_rings_has_not_been_answered() -> None:
    ready = asyncio.Event()
    async with running_lab("<Response/>") as lab, serve(waiting(ready)) as (host,):
        call = await call_us(lab, url=f"http://{host}/")
        await until(lambda: call.status == "ringing")
        call.hang_up("callee")
        await ended(call)
        ready.set()
        assert (call.status, call.start_time) == ("canceled", None)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"from": "+8225550199"}, "from is"),
        ({"to": "+12025550199"}, "+12025550141"),
        ({"url": ""}, "voice URL"),
        ({"url": None}, "url is a text"),
        ({"twiml": "<Response>"}, "twiml: Document parse failure"),
        ({"twiml": "<Response><Enqueue/></Response>"}, "<Enqueue>"),
        ({"who": "x"}, "There is no who"),
    ],
)
async def test_a_call_to_us_that_cannot_be_is_refused(
    values: dict[str, Any], said: str
) -> None:
    async with running_lab("<Response/>") as lab:
        answer = await ask_to_call_us(lab, **values)
        assert answer.status_code == 400
        assert said in answer.json()["error"]


# --- transfers -----------------------------------------------------------------------

COLLEAGUE = "+8225550102"
DIAL = (
    '<Response><Dial timeout="20" action="/voice?after=1">'
    f"{COLLEAGUE}</Dial></Response>"
)
TO_SPEAK = {
    "script": [
        {"expect": "hello", "timeout_ms": 60_000},
        {"say": "question"},
        {"expect": "answer", "timeout_ms": 60_000},
        {"wait_ms": 60_000},
    ]
}


async def test_a_call_is_transferred_and_both_hear_each_other() -> None:
    colleague = {
        "answer_after_ms": 4000,
        "script": [
            {"say": "hello"},
            {"expect": "question", "timeout_ms": 60_000},
            {"say": "answer"},
            {"wait_ms": 3000},
            {"hang_up": True},
        ],
    }
    people = make_people(caller=TO_SPEAK, colleague=colleague)
    over = "<Response><Hangup/></Response>"
    async with running_lab(DIAL, over, people=people, speed=8.0) as lab:
        call = await ended(await call_us(lab))
        report = call.as_dict()
        [transfer] = report["transfers"]
        assert (transfer["to"], transfer["person"]) == (COLLEAGUE, "colleague")
        assert (transfer["status"], transfer["is_bridged"]) == ("completed", True)
        assert transfer["rang_ms"] >= 4000
        assert phrases(transfer["said"]) == phrases(report["heard"])
        assert phrases(transfer["said"]) == ["hello", "answer"]
        assert phrases(transfer["heard"]) == phrases(report["said"]) == ["question"]
        after = lab.product.sent("voice")[1]
        assert (after["?after"], after["DialCallStatus"]) == ("1", "completed")
        assert after["DialCallSid"] == transfer["sid"]
        assert int(after["DialCallDuration"]) >= 3
        leg = await asyncio.to_thread(lab.client().calls(transfer["sid"]).fetch)
        assert (leg.direction, leg.parent_call_sid) == ("outbound-dial", call.sid)
        assert leg._from == PERSON


def phrases(rows: list[dict[str, Any]]) -> list[str]:
    return [row["phrase_id"] for row in rows if row["phrase_id"]]


@pytest.mark.parametrize(
    ("colleague", "status"),
    [
        ({"answer": "busy"}, "busy"),
        ({"answer": "nobody"}, "no-answer"),
        ({"answer": "unassigned"}, "failed"),
    ],
)
async def test_a_transfer_that_reaches_nobody_says_why(
    colleague: dict[str, Any], status: str
) -> None:
    people = make_people(caller=SILENT, colleague=colleague)
    after = "<Response><Say>x</Say></Response>"
    async with running_lab(DIAL, after, people=people) as lab:
        call = await ended(await call_us(lab))
        told = lab.product.sent("voice")[1]
        assert (told["DialCallStatus"], told["DialBridged"]) == (status, "false")
        assert "DialCallDuration" not in told
        assert call.handset is not None
        # The ringing is no speech; what is said afterwards is heard.
        assert call.handset.heard[-1].phrase_id == "hello"
        assert call.as_dict()["transfers"][0]["is_bridged"] is False


async def test_whoever_waits_for_a_transfer_hears_it_ring() -> None:
    people = make_people(caller=SILENT, colleague={"answer": "nobody"})
    async with running_lab(DIAL, "<Response/>", people=people) as lab:
        call = await ended(await call_us(lab))
        heard = decode_mulaw(bytes(call.tape_heard.data)).astype(float)
        loud = np.sqrt(
            np.mean(heard[: len(heard) // 160 * 160].reshape(-1, 160) ** 2, 1)
        )
        ringing = int(np.sum(loud > 1000)) * 20
        # 25 s and what reaching them takes, a second of every three.
        assert 7000 <= ringing <= 11_000


async def test_who_hangs_up_ends_the_other_leg_and_goes_on_where_no_action_is() -> None:
    people = make_people(
        caller={"script": [{"wait_ms": 12_000}, {"hang_up": True}]}, colleague=SILENT
    )
    document = f"<Response><Dial>{COLLEAGUE}</Dial><Say>x</Say></Response>"
    async with running_lab(document, people=people) as lab:
        call = await ended(await call_us(lab))
        leg = call.transfers[0].leg
        assert (call.ended_by, leg.ended_by) == ("callee", "other_leg")
        assert (leg.status, leg.parameters.from_) == ("completed", PERSON)
    people = make_people(
        caller=SILENT, colleague={"script": [{"wait_ms": 3000}, {"hang_up": True}]}
    )
    async with running_lab(document, people=people) as lab:
        call = await ended(await call_us(lab))
        assert (call.ended_by, call.transfers[0].leg.ended_by) == ("document", "callee")
        assert call.handset is not None
        assert call.handset.heard[-1].phrase_id == "hello"


async def test_a_live_call_can_be_transferred_by_an_update() -> None:
    people = make_people(caller=SILENT, colleague=SILENT)
    async with running_lab(STREAM.format(then=""), people=people) as lab:
        call = await call_us(lab)
        await until(lambda: lab.product.streams and lab.product.streams[0].stream_sid)
        update = lab.client().calls(call.sid).update
        noun = (
            f'<Number statusCallback="http://{lab.product.host}/callback/status"'
            f' statusCallbackEvent="answered completed">{COLLEAGUE}</Number>'
        )
        dial = f'<Response><Dial callerId="{OUR_LINE}">{noun}</Dial></Response>'
        await asyncio.to_thread(update, twiml=dial)
        await until(lambda: call.transfers and call.transfers[0].is_bridged)
        assert lab.product.streams[0].messages[-1]["event"] == "stop"
        assert call.transfers[0].leg.parameters.from_ == OUR_LINE
        await asyncio.to_thread(update, status="completed")
        await ended(call)
        assert lab.product.statuses() == ["in-progress", "completed"]
        assert lab.product.sent("status")[0]["ParentCallSid"] == call.sid


async def test_closing_the_lab_hangs_up(caplog: pytest.LogCaptureFixture) -> None:
    async with running_lab(STREAM.format(then="")) as lab:
        call = await lab.dial()
        await until(lambda: call.status == "in-progress")
        await lab.exchange.stop()
        assert (call.status, call.ended_by) == ("completed", "shutdown")
        assert lab.product.statuses()[-1] == "completed"
    assert not caplog.records


async def test_a_fault_of_the_lab_is_not_a_call_that_ended_well(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_lab(STREAM.format(then="")) as lab:

        def fail(frame: bytes, voice: object) -> None:
            raise RuntimeError("a fuse")

        call = await lab.dial()
        monkeypatch.setattr(call._line, "process", fail)
        await ended(call)
        assert (call.status, call.ended_by) == ("failed", "lab")
        assert "a fuse" in call.notifications[0]["message"]
    assert "call_failed" in caplog.messages


async def test_without_async_detection_the_call_waits_for_the_verdict() -> None:
    async with running_lab("<Response/>") as lab:
        call = await ended(await lab.dial(machine_detection="Enable"))
        assert lab.product.sent("voice")[0]["AnsweredBy"] == "human"
        assert (call.duration_s or 0) >= 3


async def test_digits_are_sent_before_the_document_which_may_be_fetched() -> None:
    async with running_lab("<Response/>") as lab:
        call = await ended(await lab.dial(send_digits="1w2#", method="GET"))
        assert call.handset is not None
        assert call.handset.keys_heard == ["1w2#"]
        assert lab.product.sent("voice")[0]["?CallSid"] == call.sid


async def test_a_sound_file_is_fetched_and_played() -> None:
    sound = Response(
        write_wav(tone("question", 24_000), 24_000), media_type="audio/wav"
    )
    document = "<Response><Play>/voice</Play></Response>"
    async with running_lab(document, sound) as lab:
        call = await ended(await lab.dial())
        assert call.handset is not None
        assert [one.phrase_id for one in call.handset.heard] == ["question"]


async def test_what_is_no_sound_file_is_reported() -> None:
    document = "<Response><Play>/voice</Play></Response>"
    async with running_lab(document) as lab:
        call = await ended(await lab.dial())
        assert call.notifications[0]["error_code"] == 12300

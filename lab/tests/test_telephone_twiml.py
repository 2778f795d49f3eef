"""TwiML documents, and the words of a media stream."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse
from twilio.twiml.voice_response import Stream as StreamNoun

from lab.telephone import twiml
from lab.telephone.line import LineFrame
from lab.telephone.media_stream import (
    Clear,
    Mark,
    Media,
    MessageWriter,
    StreamError,
    parse_message,
)

NUMBER = "<Number>+8225550146</Number>"


def test_what_the_sdk_writes_is_understood() -> None:
    response = VoiceResponse()
    response.say("안녕하세요", language="ko-KR")
    connect = Connect()
    stream = StreamNoun(url="wss://example.org/media", name="main")
    stream.parameter(name="call", value="42")
    connect.append(stream)
    response.append(connect)
    gather = Gather(num_digits=1, action="/keys", timeout=3)
    gather.say("Press one.")
    response.append(gather)
    response.pause(length=2)
    response.play(digits="1w2")
    response.record(max_length=30, play_beep=False)
    response.redirect("/next", method="GET")
    response.hangup()
    assert twiml.parse(str(response)).verbs == (
        twiml.Say("안녕하세요", language="ko-KR"),
        twiml.Connect(
            twiml.Stream(
                "wss://example.org/media", name="main", parameters={"call": "42"}
            )
        ),
        twiml.Gather(
            action="/keys",
            n_digits=1,
            timeout_s=3,
            prompts=(twiml.Say("Press one."),),
        ),
        twiml.Pause(2),
        twiml.Play(digits="1w2"),
        twiml.Record(max_length_s=30, play_beep=False),
        twiml.Redirect("/next", "GET"),
        twiml.Hangup(),
    )


def test_whom_to_dial_is_a_text_or_a_number() -> None:
    response = VoiceResponse()
    response.dial("+82 2 5550 146", timeout=12, action="/after", time_limit=600)
    dial = Dial(caller_id="+12025550141")
    dial.number(
        "+8225550146",
        status_callback="/leg",
        status_callback_event="answered completed",
    )
    response.append(dial)
    assert twiml.parse(str(response)).verbs == (
        twiml.Dial(
            twiml.Number("+8225550146"),
            action="/after",
            timeout_s=12,
            time_limit_s=600,
        ),
        twiml.Dial(
            twiml.Number(
                "+8225550146",
                status_callback="/leg",
                status_callback_events=("answered", "completed"),
            ),
            caller_id="+12025550141",
        ),
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", 12100),
        ("<Response>", 12100),
        ("<Reply/>", 12100),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Response>&b;</Response>', 12100),
        ("<Response><Enqueue/></Response>", 12200),
        ("<Response><Dial>extension 5</Dial></Response>", 13223),
        ("<Response><Dial><Sip>a@b</Sip></Dial></Response>", 12200),
        (f"<Response><Dial>{2 * NUMBER}</Dial></Response>", 12200),
        ("<Response><Play/></Response>", 13325),
        ("<Response><Play digits='12x'/></Response>", 13325),
        ("<Response><Pause length='long'/></Response>", 12200),
        ("<Response><Connect><Stream url='https://a/b'/></Connect></Response>", 31922),
        (
            "<Response><Connect><Stream url='wss://a/b' track='both_tracks'/>"
            "</Connect></Response>",
            31941,
        ),
        ("<Response><Connect/></Response>", 12200),
        ("<Response><Redirect method='PUT'>/a</Redirect></Response>", 12200),
    ],
)
def test_a_document_that_cannot_run_has_an_error_code(document: str, code: int) -> None:
    with pytest.raises(twiml.TwimlError) as error:
        twiml.parse(document)
    assert error.value.code == code


def test_a_long_parameter_is_refused() -> None:
    value = "x" * 500
    stream = f"<Stream url='wss://a/b'><Parameter name='a' value='{value}'/></Stream>"
    with pytest.raises(twiml.TwimlError):
        twiml.parse(f"<Response><Connect>{stream}</Connect></Response>")


def test_a_word_that_is_no_verb_is_skipped_with_a_warning() -> None:
    document = twiml.parse("<Response><Sing/><Hangup/></Response>")
    assert document.verbs == (twiml.Hangup(),)
    assert len(document.warnings) == 1


def message(**fields: object) -> str:
    return json.dumps({"streamSid": "MZ1", **fields})


def test_the_three_messages_of_the_product_are_read() -> None:
    payload = base64.b64encode(b"\xff\x7f").decode()
    assert parse_message(
        message(event="media", media={"payload": payload}), "MZ1"
    ) == Media(b"\xff\x7f")
    assert parse_message(message(event="mark", mark={"name": "a"}), "MZ1") == Mark("a")
    assert parse_message(message(event="clear"), "MZ1") == Clear()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00", 31950),
        ("nonsense", 31951),
        ("[]", 31951),
        ('"media"', 31951),
        (message(event="start"), 31951),
        (message(event=["media"]), 31951),
        (message(event="clear", extra=1), 31951),
        (message(event="clear", streamSid="MZ2"), 31951),
        (message(event="media"), 31951),
        (message(event="media", media={"payload": "not base64"}), 31951),
        (message(event="media", media={"payload": 5}), 31951),
        (message(event="media", media={"payload": "", "track": "x"}), 31951),
        (message(event="mark", mark={"name": 5}), 31951),
    ],
)
def test_everything_else_is_an_error(data: str | bytes, code: int) -> None:
    with pytest.raises(StreamError) as error:
        parse_message(data, "MZ1")
    assert error.value.code == code


@given(st.one_of(st.text(), st.binary()))
def test_no_message_breaks_the_reader(data: str | bytes) -> None:
    with pytest.raises(StreamError):
        parse_message(data, "MZ1")


def test_all_numbers_are_written_as_strings() -> None:
    writer = MessageWriter(stream_sid="MZ1", call_sid="CA1", account_sid="AC1")
    assert json.loads(writer.connected()) == {
        "event": "connected",
        "protocol": "Call",
        "version": "1.0.0",
    }
    start = json.loads(writer.start({"call": "42"}))
    assert start["sequenceNumber"] == "1"
    assert start["start"]["mediaFormat"] == {
        "encoding": "audio/x-mulaw",
        "sampleRate": 8000,
        "channels": 1,
    }
    assert json.loads(writer.media(LineFrame(b"\xff" * 160, 40))) == {
        "event": "media",
        "sequenceNumber": "2",
        "streamSid": "MZ1",
        "media": {
            "track": "inbound",
            "chunk": "1",
            "timestamp": "40",
            "payload": base64.b64encode(b"\xff" * 160).decode(),
        },
    }
    assert json.loads(writer.stop())["stop"] == {"accountSid": "AC1", "callSid": "CA1"}

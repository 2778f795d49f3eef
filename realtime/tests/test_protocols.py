"""Wire formats: what others send, what we send."""

import base64
import json

import numpy as np
import pytest

from realtime.engines import voice
from realtime.engines.base import Closed, Refused
from realtime.engines.translate import Translation
from realtime.events import EngineAudio, Leg, SourceText, TargetText
from realtime.protocols import browser
from realtime.protocols import openai_realtime as wire
from realtime.protocols import twilio_media as media

# --- Twilio --------------------------------------------------------------------------


def test_media_numbers_may_be_strings() -> None:
    text = json.dumps(
        {
            "event": "media",
            "sequenceNumber": "4",
            "streamSid": "MZ1",
            "media": {
                "track": "inbound",
                "chunk": "2",
                "timestamp": "140",
                "payload": base64.b64encode(b"\xff" * 160).decode(),
            },
        }
    )
    assert media.decode(text) == media.Media(b"\xff" * 160, 140)


def test_start_names_the_call_and_our_parameters() -> None:
    text = json.dumps(
        {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": "MZ1",
            "start": {
                "streamSid": "MZ1",
                "accountSid": "AC1",
                "callSid": "CA1",
                "tracks": ["inbound"],
                "mediaFormat": {
                    "encoding": "audio/x-mulaw",
                    "sampleRate": 8000,
                    "channels": 1,
                },
                "customParameters": {"call": "x", "token": "t"},
            },
        }
    )
    assert media.decode(text) == media.Start("MZ1", "CA1", {"call": "x", "token": "t"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"event":"connected","protocol":"Call"}', media.Connected()),
        ('{"event":"mark","mark":{"name":"m1"}}', media.Unknown("mark")),
        ('{"event":"dtmf","dtmf":{"digit":"5"}}', media.Dtmf("5")),
        ('{"event":"stop","stop":{}}', media.Stop()),
        ('{"event":"future"}', media.Unknown("future")),
    ],
)
def test_other_events(text: str, expected: media.MediaStreamMessage) -> None:
    assert media.decode(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 1007),
        ("[]", 1007),
        ('{"event":"media"}', 1007),
        ('{"event":"media","media":{"payload":"*"}}', 1007),
        ('{"event":"media","media":{"payload":"","timestamp":"x"}}', 1007),
        (
            '{"event":"start","start":{"streamSid":"a","callSid":"b",'
            '"mediaFormat":{"encoding":"audio/opus"}}}',
            1007,
        ),
        (" " * 70_000, 1009),
    ],
)
def test_garbage_has_a_close_code(text: str, code: int) -> None:
    with pytest.raises(media.BadFrameError) as caught:
        media.decode(text)
    assert caught.value.close_code == code


def test_what_twilio_gets_has_exactly_its_keys() -> None:
    assert json.loads(media.encode_media("MZ1", b"\x01\x02")) == {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"payload": "AQI="},
    }
    assert json.loads(media.encode_clear("MZ1")) == {
        "event": "clear",
        "streamSid": "MZ1",
    }


# --- The caller's socket -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"hello","protocol":1,"speaks":false}', browser.Hello(1, False)),
        ('{"type":"mute","muted":true}', browser.Mute(True)),
        ('{"type":"original","gain":0.3}', browser.Original(0.3)),
        ('{"type":"mode","mode":"text"}', browser.ChangeMode("text")),
        ('{"type":"speech","state":"started"}', browser.Speech("started")),
        ('{"type":"end"}', browser.End()),
        ('{"type":"ping"}', browser.Ping()),
        ('{"type":"something-new","x":1}', None),
    ],
)
def test_caller_messages(text: str, expected: browser.ClientMessage | None) -> None:
    assert browser.decode_client(text) == expected


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"no":"type"}', '{"type":5}'])
def test_what_is_no_message_says_so_and_the_socket_stays_open(text: str) -> None:
    with pytest.raises(browser.BadMessageError, match="type") as caught:
        browser.decode_client(text)
    assert caught.value.close_code is None


def test_a_wrong_field_is_named() -> None:
    with pytest.raises(browser.BadMessageError, match=r"muted"):
        browser.decode_client('{"type":"mute","muted":"yes"}')


def test_audio_is_little_endian_and_at_most_200_ms() -> None:
    assert browser.decode_audio(b"\x01\x00\xff\xff").tolist() == [1, -1]
    assert len(browser.decode_audio(b"\0" * 9600)) == 4800
    with pytest.raises(browser.BadMessageError) as caught:
        browser.decode_audio(b"\0" * 9602)
    assert caught.value.close_code == 1009
    with pytest.raises(browser.BadMessageError) as caught:
        browser.decode_audio(b"\0\0\0")
    assert caught.value.close_code == 1007


def test_captions_leave_out_what_is_not_known() -> None:
    caption = browser.Caption("u", "callee", "네", "", False, False, 40)
    assert json.loads(browser.encode_server(caption)) == {
        "type": "caption",
        "utterance_id": "u",
        "leg": "callee",
        "original": "네",
        "translation": "",
        "original_final": False,
        "translation_final": False,
        "started_ms": 40,
    }


# --- The engines ---------------------------------------------------------------------


def event(**fields: object) -> wire.ServerEvent:
    return wire.decode(json.dumps(fields))


def translation(leg: Leg = Leg.CALLER) -> Translation:
    return Translation(leg, "ko", "gpt-realtime-translate", "gpt-live-transcribe")


def test_sound_and_text_become_ours() -> None:
    pcm = np.array([1, -2], np.int16)
    engine = translation(Leg.CALLEE)
    [audio] = engine.receive(
        event(type="session.output_audio.delta", delta=wire.encode_pcm(pcm))
    )
    assert isinstance(audio, EngineAudio)
    assert audio.pcm.tolist() == [1, -2]
    assert engine.receive(
        event(type="session.input_transcript.delta", delta="네", elapsed_ms=200)
    ) == [SourceText(Leg.CALLEE, "네")]
    assert engine.receive(
        event(type="session.output_transcript.delta", delta="yes")
    ) == [TargetText(Leg.CALLEE, "yes")]


def test_zero_frames_are_not_forwarded() -> None:
    zeros = wire.encode_pcm(np.zeros(4800, np.int16))
    delta = event(type="session.output_audio.delta", delta=zeros)
    assert translation().receive(delta) == []


def test_errors_and_the_end_are_told_apart() -> None:
    error = {"code": "insufficient_quota", "message": "no"}
    engine = translation()
    assert engine.receive(event(type="error", error=error)) == [
        Refused("insufficient_quota", "no")
    ]
    assert engine.receive(event(type="session.closed")) == [Closed()]
    assert engine.receive(event(type="who.knows")) == []


@pytest.mark.parametrize("delta", ["*", base64.b64encode(b"\0").decode()])
def test_broken_audio_is_an_error_not_noise(delta: str) -> None:
    with pytest.raises(wire.BadEventError):
        translation().receive(event(type="session.output_audio.delta", delta=delta))


def test_append_is_the_translation_sessions_own_event() -> None:
    engine = translation()
    engine.append(np.array([256], np.int16))
    [text] = engine.take()
    assert json.loads(text) == {
        "type": "session.input_audio_buffer.append",
        "audio": "AAE=",
    }
    assert engine.take() == []


# --- What we send is what the SDK knows ---------------------------------------------


def test_our_events_are_valid_for_the_sdk() -> None:
    from openai.types.realtime import RealtimeClientEvent
    from openai.types.realtime.realtime_translation_client_event import (
        RealtimeTranslationClientEvent,
    )
    from pydantic import TypeAdapter

    translations = TypeAdapter(RealtimeTranslationClientEvent)
    engine = translation()
    engine.append(np.zeros(3, np.int16))
    engine.close()
    for text in (engine.session_update(), *engine.take()):
        translations.validate_json(text)
    realtime = TypeAdapter(RealtimeClientEvent)
    for text in (
        voice.session_update("gpt-realtime-2.1-mini"),
        voice.speak("r1", "네.", "ko"),
    ):
        realtime.validate_json(text)

from typing import Any

import numpy as np
import pytest
from starlette.testclient import WebSocketDenialResponse

from lab.openai import interpreter
from lab.openai.state import EngineState, state
from lab.speech.phrasebook import Phrasebook
from lab.tests.engine_client import (
    API_KEY,
    HEADERS,
    REALTIME,
    TRANSLATE,
    TRANSLATION_CLIENT,
    TRANSLATION_SERVER,
    Event,
    Samples,
    http_client,
    open_translation,
    silence,
    sound_of,
    speech,
    text_of,
    text_to_speech,
    to_base64,
)

APPEND = "session.input_audio_buffer.append"
SOUND = "session.output_audio.delta"
SOURCE = "session.input_transcript.delta"
TARGET = "session.output_transcript.delta"


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> EngineState:
    monkeypatch.setattr(state, "api_key", API_KEY)
    state.reset()
    return state


def text(phrase_id: str, language: str) -> str:
    return Phrasebook.load()[phrase_id].texts[language]


def is_sound(event: Event) -> bool:
    return bool(event["type"] == SOUND and sound_of([event], SOUND).any())


def interpret(*parts: Samples, **options: Any) -> list[Event]:
    """Send sound to a fresh session and return everything up to its end."""
    with open_translation(**options) as client:
        client.append(np.concatenate(parts))
        client.send("session.close")
        return client.until("session.closed")


def test_it_interprets_a_phrase() -> None:
    events = interpret(speech("restaurant_request", "en", after_ms=6000))
    assert text_of(events, SOURCE) == text("restaurant_request", "en")
    assert text_of(events, TARGET) == text("restaurant_request", "ko")
    assert len([one for one in events if one["type"] == TARGET]) > 5
    (record,) = state.as_dict()["sessions"]
    assert record["kind"] == "translation"
    assert record["language"] == "ko"
    assert record["closed"]
    assert [one["phrase_id"] for one in record["heard"]] == ["restaurant_request"]
    assert [one["phrase_id"] for one in record["spoken"]] == ["restaurant_request"]


def test_what_it_says_can_be_understood() -> None:
    said = sound_of(
        interpret(speech("immigration_channels", "ko"), language="en"), SOUND
    )
    heard_again = interpret(said, silence(1000), language="ko")
    assert text_of(heard_again, SOURCE) == text("immigration_channels", "en")


def test_the_fax_number_survives() -> None:
    events = interpret(speech("immigration_fax_number", "ko"), language="en")
    assert text_of(events, TARGET) == "The fax number is 02-123-4567."


@pytest.mark.parametrize(
    ("source", "target"), [("ja", "en"), ("en", "zh"), ("zh", "ja")]
)
def test_it_interprets_between_other_languages(source: str, target: str) -> None:
    events = interpret(speech("clinic_symptoms", source), language=target)
    assert text_of(events, TARGET) == text("clinic_symptoms", target)


def test_it_starts_soon_after_the_phrase_ends() -> None:
    with open_translation() as client:
        client.append(speech("restaurant_name", "en", before_ms=400, after_ms=1400))
        events = client.until(is_sound)
    (record,) = state.as_dict()["sessions"]
    ended_ms = record["heard"][0]["ended_ms"]
    assert 300 <= events[-1]["elapsed_ms"] - ended_ms <= 700


def test_output_is_one_frame_for_each_engine_frame() -> None:
    pcm = np.concatenate([silence(700), speech("common_hello", "en", after_ms=3000)])
    n_frames = len(pcm) // 4800
    with open_translation() as client:
        client.append(pcm[: n_frames * 4800], chunk_ms=20)
        events: list[Event] = []
        while sum(one["type"] == SOUND for one in events) < n_frames:
            events.append(client.receive())
    sounds = [one for one in events if one["type"] == SOUND]
    assert [one["elapsed_ms"] for one in sounds] == [
        200 * (i + 1) for i in range(n_frames)
    ]
    assert {len(sound_of([one], SOUND)) for one in sounds} == {4800}
    assert {(one["sample_rate"], one["channels"], one["format"]) for one in sounds} == {
        (24000, 1, "pcm16")
    }
    first = next(i for i, one in enumerate(sounds) if is_sound(one))
    assert not any(map(is_sound, sounds[:first]))
    assert is_sound(sounds[first + 1])
    assert not is_sound(sounds[-1])


def test_silence_costs_no_words() -> None:
    events = interpret(silence(5000))
    assert {one["type"] for one in events} == {SOUND, "session.closed"}
    assert not sound_of(events, SOUND).any()


def test_a_started_frame_waits_for_the_rest() -> None:
    with open_translation() as client:
        client.append(silence(190))
        client.append(silence(10))
        client.append(silence(100))
        assert client.receive()["elapsed_ms"] == 200
        client.send("session.close")
        assert [one["type"] for one in client.until("session.closed")] == [
            SOUND,
            "session.closed",
        ]


def test_closing_finishes_what_was_said() -> None:
    for after_ms in (0, 300, 800):
        events = interpret(
            speech("clinic_offer_time", "ko", after_ms=after_ms), language="en"
        )
        assert text_of(events, TARGET) == text("clinic_offer_time", "en")
        assert len(sound_of(events, SOUND)) / 24000 > 2
        assert events[-1]["type"] == "session.closed"


def test_two_phrases_keep_their_order_and_are_separated() -> None:
    events = interpret(
        speech("restaurant_ask_name", "ko", after_ms=500),
        speech("restaurant_ask_phone", "ko"),
        language="en",
    )
    expected = [
        text(one, "en") for one in ("restaurant_ask_name", "restaurant_ask_phone")
    ]
    assert text_of(events, TARGET) == " ".join(expected)
    kinds = [
        "sound" if is_sound(one) else one["type"]
        for one in events
        if one["type"] in (SOUND, TARGET)
    ]
    last_first = len(kinds) - kinds[::-1].index("sound")
    assert SOUND in kinds[kinds.index("sound") : last_first], "a zero frame between"


def test_speech_in_the_target_language_is_not_repeated() -> None:
    events = interpret(speech("clinic_answer", "ko"), language="ko")
    assert text_of(events, SOURCE) == text("clinic_answer", "ko")
    assert text_of(events, TARGET) == ""
    assert not sound_of(events, SOUND).any()


def test_what_it_does_not_know_is_unclear() -> None:
    events = interpret(text_to_speech("My brother lives in Canada.", "en"))
    assert text_of(events, SOURCE) == "[unclear]"
    assert text_of(events, TARGET) == ""
    assert not sound_of(events, SOUND).any()


def test_a_language_the_book_lacks_is_silence_not_a_guess() -> None:
    events = interpret(speech("quiet_until", "ko"), language="fr")
    assert text_of(events, SOURCE) == text("quiet_until", "ko")
    assert not sound_of(events, SOUND).any()


def test_there_is_no_source_text_unless_asked_for() -> None:
    events = interpret(speech("common_hello", "en"), transcribe=False)
    assert text_of(events, SOURCE) == ""
    assert text_of(events, TARGET) == text("common_hello", "ko")


def test_the_language_can_change_while_it_runs() -> None:
    with open_translation("ko") as client:
        client.append(speech("clinic_first_visit", "en", after_ms=600))
        client.send("session.update", session={"audio": {"output": {"language": "ja"}}})
        updated = client.until("session.updated")[-1]["session"]
        assert updated["audio"]["output"] == {"language": "ja"}
        assert updated["audio"]["input"]["transcription"]
        client.append(speech("common_please_repeat", "en"))
        client.send("session.close")
        words = text_of(client.until("session.closed"), TARGET)
    assert words.endswith(text("common_please_repeat", "ja"))


def test_the_session_says_when_it_expires() -> None:
    with open_translation(None) as client:
        client.send("session.update", session={})
        session = client.receive()["session"]
    record = state.as_dict()["sessions"][0]
    assert session["expires_at"] == pytest.approx(record["opened_at"] + 3600, abs=2)
    assert session["model"] == "gpt-realtime-translate"


# --- What it refuses ---


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"audio": {"output": {"language": "th"}}}, "unsupported_language"),
        ({"audio": {"output": {"language": "zh-CN"}}}, "unsupported_language"),
        ({"audio": {"output": {"language": 5}}}, "invalid_type"),
        ({"audio": {"output": {"voice": "marin"}}}, "unknown_parameter"),
        ({"audio": {"input": {"language": "en"}}}, "unknown_parameter"),
        ({"audio": {"input": {"transcription": {}}}}, "missing_required_parameter"),
        (
            {"audio": {"input": {"transcription": {"model": "gpt-6-luna"}}}},
            "invalid_value",
        ),
        ({"audio": {"input": {"noise_reduction": {"type": "x"}}}}, "invalid_value"),
        ({"instructions": "Be polite."}, "unknown_parameter"),
        ({"model": "gpt-realtime-translate"}, "immutable_parameter"),
        ({"type": "translation"}, "immutable_parameter"),
        (None, "invalid_type"),
    ],
)
def test_it_refuses_a_wrong_configuration(session: Any, code: str) -> None:
    with open_translation("ko") as client:
        error = client.send_wrong(
            type="session.update", event_id="mine", session=session
        )
        assert (error["code"], error["event_id"]) == (code, "mine")
        client.send("session.update", session={})
        assert client.receive()["session"]["audio"]["output"] == {"language": "ko"}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": APPEND, "audio": to_base64(b"123")}, "invalid_audio"),
        ({"type": APPEND, "audio": "no base64!"}, "invalid_audio"),
        ({"type": APPEND, "audio": 5}, "missing_required_parameter"),
        ({"type": APPEND}, "missing_required_parameter"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_value"),
        ({"type": "response.create"}, "invalid_value"),
        ({"type": 5}, "missing_required_parameter"),
        ({}, "missing_required_parameter"),
    ],
)
def test_it_refuses_wrong_events_and_lives_on(event: Event, code: str) -> None:
    with open_translation() as client:
        error = client.send_wrong(**event, event_id="mine")
        assert error["code"] == code
        if isinstance(event.get("type"), str):
            assert error["event_id"] == "mine"
        client.append(silence(200))
        assert client.receive()["type"] == SOUND


@pytest.mark.parametrize("garbage", ["", "[]", "nonsense", '"text"'])
def test_it_refuses_what_is_no_event(garbage: str) -> None:
    with open_translation() as client:
        client.socket.send_text(garbage)
        assert client.error()["code"] == "invalid_json"
        client.socket.send_bytes(b"\xff\x00")
        assert client.error()["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (TRANSLATE, {}, 401, "invalid_api_key"),
        (TRANSLATE, {"Authorization": "Bearer wrong"}, 401, "invalid_api_key"),
        (TRANSLATE, {"Authorization": API_KEY}, 401, "invalid_api_key"),
        ("/realtime/translations", HEADERS, 400, "missing_required_parameter"),
        ("/realtime/translations?model=gpt-9", HEADERS, 404, "model_not_found"),
        (TRANSLATE + "d", HEADERS, 404, "model_not_found"),
        (
            "/realtime/translations?model=gpt-realtime-2.1",
            HEADERS,
            400,
            "invalid_model",
        ),
        (REALTIME.replace("2.1-mini", "translate"), HEADERS, 400, "invalid_model"),
        (REALTIME, {}, 401, "invalid_api_key"),
    ],
)
def test_it_refuses_the_handshake(
    path: str, headers: dict[str, str], status: int, code: str
) -> None:
    with (
        http_client() as http,
        pytest.raises(WebSocketDenialResponse) as refusal,
        http.websocket_connect(path, headers=headers),
    ):
        pass
    assert refusal.value.status_code == status
    assert refusal.value.json()["error"]["code"] == code
    assert state.as_dict()["sessions"] == []


# --- Faults ---


def test_a_session_can_be_refused_once() -> None:
    state.add_fault({"kind": "refuse_session", "http_status": 429, "code": "busy"})
    with (
        http_client() as http,
        pytest.raises(WebSocketDenialResponse) as refusal,
        http.websocket_connect(TRANSLATE, headers=HEADERS),
    ):
        pass
    assert refusal.value.status_code == 429
    with open_translation():
        assert len(state.as_dict()["sessions"]) == 1


def test_a_fault_can_last_for_some_time() -> None:
    faults = EngineState()
    now = 100.0
    faults.clock = lambda: now
    faults.add_fault({"kind": "refuse_session", "for_ms": 5000})
    assert [len(faults.take_faults("translation")) for _ in range(3)] == [1, 1, 1]
    now = 105.0
    assert faults.take_faults("translation") == []
    assert faults.as_dict()["faults"] == []


def test_a_fault_can_be_meant_for_one_kind_of_session() -> None:
    state.add_fault({"kind": "refuse_session", "session": "realtime"})
    with open_translation():
        assert state.as_dict()["faults"]


def test_a_session_can_be_dropped() -> None:
    state.add_fault({"kind": "drop_session", "after_ms": 10, "close_code": 1011})
    with open_translation() as client:
        message = client.socket.receive()
    assert (message["type"], message["code"]) == ("websocket.close", 1011)
    assert state.as_dict()["sessions"][0]["closed"]


def test_a_session_can_expire() -> None:
    state.add_fault({"kind": "expire_session", "after_ms": 50})
    with open_translation() as client:
        assert client.error()["code"] == "session_expired"
        assert client.socket.receive()["type"] == "websocket.close"


def test_an_error_can_come_out_of_nowhere() -> None:
    state.add_fault({"kind": "error", "code": "rate_limit_exceeded"})
    with open_translation(None) as client:
        assert client.error()["code"] == "rate_limit_exceeded"
        client.append(silence(200))
        assert client.receive()["type"] == SOUND


@pytest.mark.parametrize("is_live", [False, True])
def test_a_session_can_be_slow(is_live: bool) -> None:
    fault = {"kind": "delay", "ms": 1000}
    if not is_live:
        state.add_fault(fault)
    with open_translation() as client:
        if is_live:
            state.add_fault({**fault, "live": True})
        client.append(speech("restaurant_name", "en", after_ms=3000))
        events = client.until(is_sound)
    ended_ms = state.as_dict()["sessions"][0]["heard"][0]["ended_ms"]
    assert events[-1]["elapsed_ms"] - ended_ms >= 1300


def test_deltas_can_change_their_size() -> None:
    state.add_fault({"kind": "frame", "samples": 9600})
    events = interpret(speech("common_hello", "en"))
    sizes = [len(sound_of([one], SOUND)) for one in events if one["type"] == SOUND]
    assert set(sizes[:-1]) == {9600}
    assert sizes[-1] <= 9600
    assert text_of(events, TARGET) == text("common_hello", "ko")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "explode"},
        {},
        {"kind": "drop_session", "after_ms": "soon"},
        {"kind": "drop_session", "after_ms": -1},
        {"kind": "refuse_session", "http_status": 200},
        {"kind": "refuse_session", "session": "rest"},
        {"kind": "error", "count": 0},
    ],
)
def test_it_refuses_faults_that_make_no_sense(fault: Event) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        state.add_fault(fault)


def test_it_knows_every_event_of_the_sdk() -> None:
    with open_translation() as client:
        client.send_wrong(type="nonsense")
        client.append(speech("common_hello", "en"))
        client.send("session.close")
        client.until("session.closed")
        assert client.sent == TRANSLATION_CLIENT.keys()
        assert client.received == TRANSLATION_SERVER.keys()


def test_translations_can_be_told_apart_when_the_silence_between_is_left_out() -> None:
    ids = [f"monologue_{name}" for name in ("lift", "truck", "deposit", "rubbish")]
    sounds = [interpreter.speak(text(one, "en"), "en") for one in ids]
    assert all(sound[-1] for sound in sounds)
    pcm = np.concatenate([silence(500), *sounds, silence(1500)])
    heard = interpreter.hear_all(interpreter.to_ear(pcm))
    assert [one.phrase_id for one in heard] == ids

import threading
import time
from typing import Any

import numpy as np
import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from lab.openai import interpreter
from lab.openai.state import EngineState, state
from lab.speech.phrasebook import Phrasebook
from lab.tests.engine_client import (
    API_KEY,
    HEADERS,
    REALTIME,
    REALTIME_CLIENT,
    EngineClient,
    Event,
    Samples,
    bytes_of,
    http_client,
    open_realtime,
    silence,
    sound_of,
    speech,
    text_of,
    text_to_speech,
    to_base64,
)
from realtime.audio.g711 import decode_mulaw, encode_mulaw
from realtime.audio.resample import Resampler
from realtime.audio.vad import WINDOW_MS

SOUND = "response.output_audio.delta"
WORDS = "response.output_audio_transcript.delta"
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
DELTA = "conversation.item.input_audio_transcription.delta"
MANUAL: Event = {"audio": {"input": {"turn_detection": None}}}


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> EngineState:
    monkeypatch.setattr(state, "api_key", API_KEY)
    monkeypatch.setattr(state, "response_latency_ms", 0)
    monkeypatch.setattr(state, "response_speed", 2000.0)
    state.reset()
    return state


def text(phrase_id: str, language: str) -> str:
    return Phrasebook.load()[phrase_id].texts[language]


def manual(**session: Any) -> Event:
    return {"audio": {"input": {"turn_detection": None}}, **session}


def ask_to_say(client: EngineClient, what: str, **response: Any) -> None:
    client.send(
        "response.create",
        response={
            "conversation": "none",
            "instructions": "Read the text aloud exactly as it is written.",
            "output_modalities": ["audio"],
            "input": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": what}],
                }
            ],
            **response,
        },
    )


def heard_in(pcm: Samples) -> str:
    """Recognise sound by sending it to a transcription session."""
    with open_transcription() as client:
        client.append(np.concatenate([silence(200), pcm, silence(500)]))
        client.send("input_audio_buffer.commit")
        transcript: str = client.until(TRANSCRIBED)[-1]["transcript"]
        return transcript


def open_transcription(**options: Any) -> Any:
    return _Transcription(**options)


class _Transcription:
    """A configured transcription session.

    Args:
        model: that transcribes.
        sound: of `session.audio.input`, on top of that.
    """

    def __init__(self, model: str = "gpt-live-transcribe", **sound: Any) -> None:
        self._sound = {"transcription": {"model": model}, **sound}

    def __enter__(self) -> EngineClient:
        self._manager = open_realtime(path="/realtime?intent=transcription")
        client = self._manager.__enter__()
        client.send(
            "session.update",
            session={
                "type": "transcription",
                "audio": {"input": self._sound},
            },
        )
        assert client.receive()["session"]["type"] == "transcription"
        return client

    def __exit__(self, *error: Any) -> None:
        self._manager.__exit__(*error)


# --- The speaker ---


def test_it_reads_a_text_out_verbatim() -> None:
    line = text("greeting_disclosure", "ko")
    with open_realtime(MANUAL) as client:
        ask_to_say(client, line, metadata={"request": "7", "language": "ko"})
        events = client.until("response.done")
    kinds = [one["type"] for one in events]
    assert kinds[:3] == [
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-5:] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert text_of(events, WORDS) == line
    done = events[-1]["response"]
    assert done["status"] == "completed"
    assert done["metadata"] == {"request": "7", "language": "ko"}
    assert done["output"][0]["content"] == [
        {"type": "output_audio", "transcript": line}
    ]
    usage = done["usage"]
    seconds = len(sound_of(events, SOUND)) / 24000
    assert usage["output_token_details"]["audio_tokens"] == pytest.approx(
        seconds * 20, abs=2
    )
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert {one.get("response_id", done["id"]) for one in events[1:-1]} == {done["id"]}
    (record,) = state.as_dict()["sessions"]
    assert [one["phrase_id"] for one in record["spoken"]] == ["greeting_disclosure"]


def test_what_it_reads_can_be_understood() -> None:
    with open_realtime(MANUAL) as client:
        ask_to_say(client, text("apology_connection_lost", "ko"))
        events = client.until("response.done")
    assert heard_in(sound_of(events, SOUND)) == text("apology_connection_lost", "ko")


@pytest.mark.parametrize(
    ("what", "metadata", "language"),
    [
        ("안녕하세요", None, "ko"),
        ("もしもし", None, "ja"),
        ("您好", {"language": "en"}, "zh"),
        ("Hello", {"language": "ko"}, "ko"),
        ("Bonjour", {"language": "fr"}, "fr"),
        ("Hello", {"language": "klingon"}, "en"),
        ("Hello", None, "en"),
    ],
)
def test_it_guesses_the_language_by_the_script(
    what: str, metadata: dict[str, str] | None, language: str
) -> None:
    with open_realtime(MANUAL) as client:
        ask_to_say(client, what, metadata=metadata)
        client.until("response.done")
    assert state.as_dict()["sessions"][0]["spoken"][0]["language"] == language


def test_it_speaks_mulaw_for_the_telephone() -> None:
    with open_realtime(MANUAL) as client:
        ask_to_say(
            client,
            text("waiting_one_moment", "en"),
            audio={"output": {"format": {"type": "audio/pcmu"}, "voice": "cedar"}},
        )
        events = client.until("response.done")
    pcm = decode_mulaw(bytes_of(events, SOUND))
    assert 0.5 < len(pcm) / 8000 < 3
    assert heard_in(Resampler(8000, 24000).process(pcm)) == "One moment, please."


def test_two_out_of_band_responses_run_side_by_side() -> None:
    with open_realtime(MANUAL) as client:
        ask_to_say(client, "First.", metadata={"request": "1"})
        ask_to_say(client, "Second.", metadata={"request": "2"})
        first = client.until("response.done")
        second = client.until("response.done")
    done = {one[-1]["response"]["metadata"]["request"] for one in (first, second)}
    assert done == {"1", "2"}


def test_it_can_answer_in_writing() -> None:
    with open_realtime(MANUAL) as client:
        ask_to_say(client, "Hello there.", output_modalities=["text"])
        events = client.until("response.done")
    assert text_of(events, "response.output_text.delta") == "Hello there."
    assert not any(one["type"] == SOUND for one in events)


def test_speech_is_faster_than_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(state, "response_speed", 15.0)
    with open_realtime(MANUAL) as client:
        began = time.monotonic()
        ask_to_say(client, text("greeting_disclosure", "en"))
        events = client.until("response.done")
        took_s = time.monotonic() - began
    assert took_s < len(sound_of(events, SOUND)) / 24000 / 2


# --- Turns ---


def test_it_interprets_a_committed_turn() -> None:
    session = manual(instructions="You are an interpreter. Translate into Korean.")
    with open_realtime(session) as client:
        client.append(speech("clinic_ask_cost", "en"))
        client.send("input_audio_buffer.commit")
        events = client.until("conversation.item.done")
        assert [one["type"] for one in events] == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        item_id = events[0]["item_id"]
        assert events[1]["item"]["id"] == item_id
        client.send("response.create")
        events = client.until("response.done")
        assert client.receive()["type"] == "rate_limits.updated"
    assert text_of(events, WORDS) == text("clinic_ask_cost", "ko")
    added = next(one for one in events if one["type"] == "conversation.item.added")
    assert added["previous_item_id"] == item_id
    assert added["item"]["role"] == "assistant"
    usage = events[-1]["response"]["usage"]
    assert usage["input_token_details"]["audio_tokens"] >= 20
    (record,) = state.as_dict()["sessions"]
    assert record["language"] == "ko"
    assert record["heard"][0]["phrase_id"] == "clinic_ask_cost"


def test_it_does_not_guess_what_it_did_not_understand() -> None:
    session = manual(instructions="Translate into Korean.")
    with open_realtime(session) as client:
        client.append(text_to_speech("My brother lives in Canada.", "en"))
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        events = client.until("response.done")
    assert text_of(events, WORDS) in ("", "[unclear]")
    assert len(sound_of(events, SOUND)) == 0


def test_it_translates_a_typed_phrase() -> None:
    with open_realtime(manual(instructions="Translate to Japanese.")) as client:
        client.send(
            "conversation.item.create",
            item={
                "id": "item_mine",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": text("common_hello", "ko")}],
            },
        )
        assert client.until("conversation.item.done")[-1]["item"]["id"] == "item_mine"
        client.send("response.create")
        events = client.until("response.done")
    assert text_of(events, WORDS) == text("common_hello", "ja")


def test_it_transcribes_when_asked_to() -> None:
    session = manual()
    session["audio"]["input"]["transcription"] = {"model": "gpt-transcribe"}
    with open_realtime(session) as client:
        client.append(speech("quiet_until", "ko", after_ms=500))
        client.send("input_audio_buffer.commit")
        events = client.until(TRANSCRIBED)
    deltas = "conversation.item.input_audio_transcription.delta"
    assert text_of(events, deltas) == text("quiet_until", "ko")
    assert events[-1]["transcript"] == text("quiet_until", "ko")
    assert events[-1]["usage"]["type"] == "duration"


def test_mulaw_input_is_understood() -> None:
    session = manual()
    session["audio"]["input"] |= {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-transcribe"},
    }
    pcm = Resampler(24000, 8000).process(speech("restaurant_time", "en"))
    with open_realtime(session) as client:
        client.send("input_audio_buffer.append", audio=to_base64(encode_mulaw(pcm)))
        client.send("input_audio_buffer.commit")
        assert client.until(TRANSCRIBED)[-1]["transcript"] == text(
            "restaurant_time", "en"
        )


def test_the_buffer_can_be_cleared() -> None:
    with open_realtime(MANUAL) as client:
        client.append(silence(500))
        client.send("input_audio_buffer.clear")
        assert client.receive()["type"] == "input_audio_buffer.cleared"
        client.send("input_audio_buffer.commit", event_id="mine")
        error = client.error()
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert error["event_id"] == "mine"


def test_it_finds_turns_itself_unless_told_not_to() -> None:
    session = {"instructions": "Translate into English."}
    with open_realtime(session) as client:
        client.append(speech("clinic_answer", "ko"))
        events = client.until("response.done")
    kinds = [one["type"] for one in events]
    order = [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "response.created",
    ]
    assert [kind for kind in kinds if kind in order] == order
    assert text_of(events, WORDS) == text("clinic_answer", "en")


STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"


def finding_turns(**settings: Any) -> Event:
    vad = {"type": "server_vad", **settings}
    sound: Event = {"transcription": {"model": "gpt-transcribe"}}
    return {
        "instructions": "Translate into English.",
        "audio": {"input": {**sound, "turn_detection": vad}},
    }


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [one for one in events if one["type"] == kind]


def test_a_turn_is_told_with_its_padding_and_its_silence() -> None:
    quiet = {"create_response": False}
    edges = []
    for prefix_ms, silence_ms in ((300, 500), (0, 500), (300, 800)):
        session = finding_turns(
            prefix_padding_ms=prefix_ms, silence_duration_ms=silence_ms, **quiet
        )
        with open_realtime(session) as client:
            client.append(speech("clinic_answer", "ko", before_ms=1000))
            events = client.until(TRANSCRIBED)
        (started,), (stopped,) = of_type(events, STARTED), of_type(events, STOPPED)
        (committed,) = of_type(events, COMMITTED)
        assert started["item_id"] == stopped["item_id"] == committed["item_id"]
        assert events[-1]["transcript"] == text("clinic_answer", "ko")
        edges.append((started["audio_start_ms"], stopped["audio_end_ms"]))
        length_ms = stopped["audio_end_ms"] - started["audio_start_ms"]
        assert events[-1]["usage"]["seconds"] * 1000 == length_ms
        assert not of_type(events, "response.created")
    usual, unpadded, patient = edges
    assert 950 <= unpadded[0] <= 1150 + WINDOW_MS
    assert unpadded[0] - usual[0] == 300
    assert abs(patient[1] - usual[1] - 300) <= WINDOW_MS


@pytest.mark.parametrize(("silence_ms", "n_turns"), [(300, 2), (900, 1)])
def test_how_long_a_silence_ends_a_turn_can_be_chosen(
    silence_ms: int, n_turns: int
) -> None:
    session = finding_turns(silence_duration_ms=silence_ms, create_response=False)
    with open_realtime(session) as client:
        client.append(speech(FIRST, "ko", after_ms=300))
        client.append(speech(SECOND, "ko", before_ms=300, after_ms=1500))
        events: list[Event] = []
        while len(of_type(events, TRANSCRIBED)) < n_turns:
            events += client.until(TRANSCRIBED)
    turns = [one["item_id"] for one in of_type(events, COMMITTED)]
    assert len(turns) == n_turns
    # A transcript may be done before that of an earlier turn.
    heard = {one["item_id"]: one["transcript"] for one in of_type(events, TRANSCRIBED)}
    said = " ".join(heard[item_id] for item_id in turns)
    assert said == f"{text(FIRST, 'ko')} {text(SECOND, 'ko')}"


def test_a_high_threshold_hears_no_noise_and_no_turn_begins_in_the_one_before() -> None:
    noise = np.random.default_rng(1).normal(0, 800, 24_000).astype(np.int16)
    session = finding_turns(
        threshold=0.9, prefix_padding_ms=5000, create_response=False
    )
    with open_realtime(session) as client:
        client.append(noise)
        client.append(speech(FIRST, "ko"))
        client.append(speech(SECOND, "ko"))
        wanted = text(SECOND, "ko")
        events = client.until(lambda e: e.get("transcript") == wanted)
    first, second = of_type(events, STARTED)
    assert first["audio_start_ms"] == 0
    assert second["audio_start_ms"] == of_type(events, STOPPED)[0]["audio_end_ms"]


@pytest.mark.parametrize("interrupts", [True, False])
def test_who_speaks_interrupts_the_answer_if_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, interrupts: bool
) -> None:
    monkeypatch.setattr(state, "response_speed", 10.0)
    session = finding_turns(interrupt_response=interrupts)
    with open_realtime(session) as client:
        client.append(speech(FIRST, "ko"))
        client.until("response.output_audio.delta")
        client.append(speech(SECOND, "ko", after_ms=0))
        response = client.until("response.done")[-1]["response"]
    if interrupts:
        assert response["status"] == "cancelled"
        assert response["status_details"]["reason"] == "turn_detected"
    else:
        assert response["status"] == "completed"


def test_silence_does_not_fill_the_buffer() -> None:
    with open_realtime(finding_turns()) as client:
        client.append(silence(5000))
        client.send("input_audio_buffer.commit")
        assert client.until(TRANSCRIBED)[-1]["usage"]["seconds"] < 0.5


def test_a_click_is_no_turn_and_what_was_cleared_is_in_none() -> None:
    click = silence(400)
    click[2400:2640] = 12_000
    session = finding_turns(create_response=False)
    with open_realtime(session) as client:
        client.append(click)
        client.append(speech(FIRST, "ko", after_ms=0))
        client.until(STARTED)
        client.send("input_audio_buffer.clear")
        client.append(silence(1000))
        events = client.until(STOPPED)
        assert not of_type(events, STARTED)
        client.append(speech(SECOND, "ko"))
        wanted = text(SECOND, "ko")
        events = client.until(lambda e: e.get("transcript") == wanted)
        assert text(FIRST, "ko") not in str(events)


def test_an_eager_meaning_waits_less_than_a_patient_one() -> None:
    ends = []
    for eagerness in ("high", "low"):
        vad = {"type": "semantic_vad", "eagerness": eagerness}
        session = {"audio": {"input": {"turn_detection": vad}}}
        with open_realtime(session) as client:
            client.append(speech(FIRST, "ko", after_ms=2000))
            ends.append(client.until(STOPPED)[-1]["audio_end_ms"])
    assert 850 <= ends[1] - ends[0] <= 950


# --- Turns that the client ends: an interpreter for the telephone ---

INTERPRETER = "You are an interpreter. Translate into Korean."


def interpreter_session(format_: str = "audio/pcm") -> Event:
    sound: Event = {"type": format_}
    if format_ == "audio/pcm":
        sound["rate"] = 24000
    return {
        "instructions": INTERPRETER,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": sound,
                "turn_detection": None,
                "transcription": {"model": "gpt-transcribe"},
            },
            "output": {"format": sound, "voice": "marin"},
        },
    }


def say_turn(client: EngineClient, *phrase_ids: str) -> None:
    for phrase_id in phrase_ids:
        client.append(speech(phrase_id, "en", after_ms=400))
        client.send("input_audio_buffer.commit")


def hold_ears(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the engine understand nothing until the event is set."""
    may_hear = threading.Event()
    hear_all = interpreter.hear_all

    def hear_later(pcm: Samples) -> Any:
        may_hear.wait(30)
        return hear_all(pcm)

    monkeypatch.setattr(interpreter, "hear_all", hear_later)
    return may_hear


def until_responses(client: EngineClient, n: int = 1) -> list[str]:
    """Return what the next responses say."""
    return [text_of(client.until("response.done"), WORDS) for _ in range(n)]


def test_a_telephone_turn_goes_in_and_out_as_mulaw() -> None:
    with open_realtime(interpreter_session("audio/pcmu")) as client:
        pcm = Resampler(24000, 8000).process(speech("clinic_ask_cost", "en"))
        payload = encode_mulaw(pcm)
        for at in range(0, len(payload), 160):
            frame = to_base64(payload[at : at + 160])
            client.send("input_audio_buffer.append", audio=frame)
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        events = client.until("response.done")
        heard = next((e for e in events if e["type"] == TRANSCRIBED), None)
        heard = heard or client.until(TRANSCRIBED)[-1]
    assert heard["transcript"] == text("clinic_ask_cost", "en")
    out = decode_mulaw(bytes_of(events, SOUND))
    assert heard_in(Resampler(8000, 24000).process(out)) == text(
        "clinic_ask_cost", "ko"
    )
    usage = events[-1]["response"]["usage"]
    seconds_in, seconds_out = len(pcm) / 8000, len(out) / 8000
    assert usage["input_token_details"]["audio_tokens"] == int(seconds_in * 10)
    assert usage["output_token_details"]["audio_tokens"] == pytest.approx(
        seconds_out * 20, abs=1
    )


@pytest.mark.parametrize(
    ("format_", "n_bytes"), [("audio/pcmu", 799), ("audio/pcm", 4798)]
)
def test_less_than_100_ms_cannot_be_committed(format_: str, n_bytes: int) -> None:
    with open_realtime(interpreter_session(format_)) as client:
        client.send("input_audio_buffer.commit")
        assert client.error()["code"] == "input_audio_buffer_commit_empty"
        client.send("input_audio_buffer.append", audio=to_base64(bytes(n_bytes)))
        client.send("input_audio_buffer.commit")
        assert client.error()["code"] == "input_audio_buffer_commit_empty"
        client.send("input_audio_buffer.append", audio=to_base64(bytes(2)))
        client.send("input_audio_buffer.commit")
        assert client.receive()["type"] == "input_audio_buffer.committed"


def test_understanding_a_turn_does_not_hold_up_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_hear = hold_ears(monkeypatch)
    with open_realtime(interpreter_session()) as client:
        say_turn(client, "clinic_ask_cost")
        client.send("input_audio_buffer.clear")
        before = client.until("input_audio_buffer.cleared")
        client.send("response.create")
        before += client.until("response.created")
        may_hear.set()
        after = client.until("response.done")
        if TRANSCRIBED not in {one["type"] for one in after}:
            after += client.until(TRANSCRIBED)
    assert TRANSCRIBED not in {one["type"] for one in before}
    assert text_of(after, WORDS) == text("clinic_ask_cost", "ko")
    transcripts = [e["transcript"] for e in after if e["type"] == TRANSCRIBED]
    assert transcripts == [text("clinic_ask_cost", "en")]


def test_a_response_answers_everything_said_since_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_hear = hold_ears(monkeypatch)
    with open_realtime(interpreter_session()) as client:
        say_turn(client, "clinic_ask_cost")
        client.send("response.create")
        client.until("response.created")
        say_turn(client, "restaurant_request", "clinic_first_visit")
        client.send("response.create")
        error = client.until("error")[-1]["error"]
        assert error["code"] == "conversation_already_has_active_response"
        may_hear.set()
        first = until_responses(client)
        client.send("response.create")
        second = until_responses(client)
        client.send("response.create")
        again = until_responses(client)
    assert first == [text("clinic_ask_cost", "ko")]
    later = [text(p, "ko") for p in ("restaurant_request", "clinic_first_visit")]
    assert second == [" ".join(later)]
    assert again == [later[-1]]


def test_a_response_can_be_about_one_item() -> None:
    with open_realtime(interpreter_session()) as client:
        say_turn(client, "clinic_ask_cost")
        item_id = client.until("input_audio_buffer.committed")[-1]["item_id"]
        say_turn(client, "restaurant_request")
        client.until("input_audio_buffer.committed")
        for wanted in ("item_x", item_id):
            reference = {"type": "item_reference", "id": wanted}
            client.socket.send_json(
                {
                    "type": "response.create",
                    "response": {
                        "conversation": "none",
                        "instructions": INTERPRETER,
                        "input": [reference],
                    },
                }
            )
        error = client.until("error")[-1]["error"]
        assert error["code"] == "item_retrieve_invalid_item_id"
        assert until_responses(client) == [text("clinic_ask_cost", "ko")]


def test_a_slow_engine_is_slow_to_begin_each_response() -> None:
    import time

    state.add_fault({"kind": "slow_response", "ms": 300})
    with open_realtime(interpreter_session()) as client:
        for phrase_id in ("clinic_ask_cost", "restaurant_request"):
            say_turn(client, phrase_id)
            began = time.monotonic()  # whoever reads late must not see it shorter
            client.send("response.create")
            client.until("response.created")
            client.until(SOUND)
            assert time.monotonic() - began >= 0.28
            assert (
                client.until("response.done")[-1]["response"]["status"] == "completed"
            )


def test_a_slow_engine_is_a_voice_session_and_can_be_cured() -> None:
    state.add_fault({"kind": "slow_response", "ms": 60_000})
    assert state.take_faults("translation") == []
    with open_realtime(interpreter_session()) as client:
        state.add_fault({"kind": "slow_response", "ms": 0, "live": True})
        say_turn(client, "clinic_ask_cost")
        client.send("response.create")
        assert until_responses(client) == [text("clinic_ask_cost", "ko")]


def test_what_was_cancelled_before_it_sounded_is_still_to_be_answered() -> None:
    state.add_fault({"kind": "slow_response", "ms": 60_000})
    with open_realtime(interpreter_session()) as client:
        say_turn(client, "clinic_ask_cost")
        client.send("response.create")
        client.until("response.created")
        client.send("response.cancel")
        events = client.until("response.done")
        assert not [e for e in events if e["type"].startswith("response.output")]
        done = events[-1]["response"]
        assert (done["status"], done["output"]) == ("cancelled", [])
        assert done["status_details"]["reason"] == "client_cancelled"
        assert done["usage"]["output_tokens"] == 0
        state.add_fault({"kind": "slow_response", "ms": 0, "live": True})
        say_turn(client, "restaurant_request")
        client.send("response.create")
        both = [text(p, "ko") for p in ("clinic_ask_cost", "restaurant_request")]
        assert until_responses(client) == [" ".join(both)]


def test_speech_cancels_a_response_when_the_engine_finds_the_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state.add_fault({"kind": "slow_response", "ms": 60_000})
    with open_realtime({"instructions": INTERPRETER}) as client:
        client.append(speech("clinic_ask_cost", "en"))
        client.until("response.created")
        client.append(speech("restaurant_request", "en", after_ms=0))
        done = client.until("response.done")[-1]["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"]["reason"] == "turn_detected"


# --- Cancelling, truncating, deleting ---


def test_a_response_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "response_speed", 2.0)
    with open_realtime(manual(instructions="Translate into Korean.")) as client:
        client.append(speech("clinic_offer_time", "en"))
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        response_id = client.until(SOUND)[-1]["response_id"]
        client.send("response.create")
        error = client.until("error")[-1]["error"]
        assert error["code"] == "conversation_already_has_active_response"
        client.send("response.cancel", response_id=response_id)
        done = client.until("response.done")[-1]["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"]["reason"] == "client_cancelled"
        assert done["output"][0]["status"] == "incomplete"
        assert client.receive()["type"] == "rate_limits.updated"
        client.send("response.cancel")
        assert client.error()["code"] == "response_cancel_not_active"


def test_what_was_not_heard_can_be_truncated() -> None:
    with open_realtime(manual(instructions="Translate into Korean.")) as client:
        client.append(speech("clinic_offer_time", "en"))
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        done = client.until("rate_limits.updated")
        item = next(
            one["item"]
            for one in done
            if one["type"] == "conversation.item.added"
            and one["item"]["role"] == "assistant"
        )
        length_ms = len(sound_of(done, SOUND)) // 24
        cut = {"item_id": item["id"], "content_index": 0}
        client.send("conversation.item.truncate", audio_end_ms=length_ms + 500, **cut)
        error = client.error()
        assert error["param"] == "audio_end_ms"
        assert "already shorter" in error["message"]
        client.send("conversation.item.truncate", audio_end_ms=700, **cut)
        assert client.receive()["audio_end_ms"] == 700
        client.send("conversation.item.truncate", audio_end_ms=900, **cut)
        assert client.error()["param"] == "audio_end_ms"
        client.send("conversation.item.retrieve", item_id=item["id"])
        content = client.receive()["item"]["content"][0]
        assert content["transcript"] is None
    (record,) = state.as_dict()["sessions"]
    (spoken,) = record["spoken"]
    assert spoken["item_id"] == item["id"]
    assert spoken["truncated_ms"] == 700
    assert spoken["ended_ms"] - spoken["started_ms"] == length_ms


def test_a_response_can_be_truncated_while_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "response_speed", 2.0)
    with open_realtime(manual(instructions="Translate into Korean.")) as client:
        client.append(speech("clinic_offer_time", "en"))
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        item_id = client.until(SOUND)[-1]["item_id"]
        client.send("response.cancel")
        where = {"item_id": item_id, "content_index": 0}
        client.send("conversation.item.truncate", audio_end_ms=150, **where)
        client.until("conversation.item.truncated")
        client.send("conversation.item.truncate", audio_end_ms=60_000, **where)
        assert client.until("error")[-1]["error"]["param"] == "audio_end_ms"
    (record,) = state.as_dict()["sessions"]
    assert record["spoken"][0]["truncated_ms"] == 150


def test_items_can_be_deleted_once() -> None:
    message = {
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "Be kind."}],
    }
    with open_realtime(MANUAL) as client:
        client.send("conversation.item.create", item={**message, "id": "item_a"})
        client.until("conversation.item.done")
        client.send("conversation.item.create", item={**message, "id": "item_a"})
        assert client.error()["param"] == "item.id"
        client.send("conversation.item.create", item=message, previous_item_id="item_x")
        assert client.error()["code"] == "item_create_invalid_previous_item_id"
        client.send("conversation.item.delete", item_id="item_a")
        assert client.receive()["item_id"] == "item_a"
        for verb in ("delete", "retrieve"):
            client.send(f"conversation.item.{verb}", item_id="item_a")
            assert client.error()["code"] == f"item_{verb}_invalid_item_id"


# --- Configuration ---


def test_a_new_session_has_the_providers_defaults() -> None:
    with (
        http_client() as http,
        http.websocket_connect(REALTIME, headers=HEADERS) as socket,
    ):
        session = socket.receive_json()["session"]
    assert session["model"] == "gpt-realtime-2.1-mini"
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    assert session["expires_at"] > 0


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "model": "gpt-realtime"}, "immutable_parameter", None),
        ({"type": "realtime", "voice": "marin"}, "unknown_parameter", "session.voice"),
        ({"type": "realtime", "modalities": ["audio"]}, "unknown_parameter", None),
        (
            {"type": "realtime", "output_modalities": ["audio", "text"]},
            "invalid_value",
            "session.output_modalities",
        ),
        (
            {"type": "realtime", "audio": {"output": {"voice": "nobody"}}},
            "invalid_value",
            "session.audio.output.voice",
        ),
        (
            {"type": "realtime", "audio": {"output": {"speed": 3}}},
            "invalid_value",
            "session.audio.output.speed",
        ),
        (
            {"type": "realtime", "audio": {"input": {"format": "pcm16"}}},
            "invalid_type",
            "session.audio.input.format",
        ),
        (
            {
                "type": "realtime",
                "audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}},
            },
            "invalid_value",
            "session.audio.input.format.rate",
        ),
    ],
)
def test_it_refuses_a_wrong_configuration(
    session: Event, code: str, param: str | None
) -> None:
    with open_realtime(MANUAL) as client:
        error = client.send_wrong(type="session.update", event_id="me", session=session)
        assert (error["code"], error["event_id"]) == (code, "me")
        if param:
            assert error["param"] == param
        client.send("input_audio_buffer.clear")
        assert client.receive()["type"] == "input_audio_buffer.cleared"


def test_the_voice_is_frozen_once_it_has_spoken() -> None:
    with open_realtime(MANUAL) as client:
        ask_to_say(client, "Hello.")
        client.until("rate_limits.updated")
        wrong = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
        error = client.send_wrong(type="session.update", session=wrong)
        assert error["code"] == "cannot_update_voice"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (
            {"type": "input_audio_buffer.append", "audio": to_base64(b"1")},
            "invalid_audio",
        ),
        ({"type": "session.input_audio_buffer.append"}, "invalid_value"),
        (
            {"type": "response.create", "response": {"modalities": []}},
            "unknown_parameter",
        ),
        (
            {"type": "response.create", "response": {"metadata": {"a": "b" * 513}}},
            "invalid_value",
        ),
        ({"type": "conversation.item.create"}, "invalid_type"),
        ({"type": "conversation.item.delete"}, "missing_required_parameter"),
        (
            {"type": "conversation.item.truncate", "item_id": "x"},
            "item_truncate_invalid_item_id",
        ),
    ],
)
def test_it_refuses_wrong_events_and_lives_on(event: Event, code: str) -> None:
    with open_realtime(MANUAL) as client:
        assert client.send_wrong(**event)["code"] == code
        client.send("input_audio_buffer.clear")
        assert client.receive()["type"] == "input_audio_buffer.cleared"


# --- Transcription sessions ---


def test_a_transcription_session_only_writes_down() -> None:
    with open_transcription() as client:
        client.append(speech("immigration_documents", "ko"))
        client.send("input_audio_buffer.commit")
        done = client.until(TRANSCRIBED)[-1]
        assert done["transcript"] == text("immigration_documents", "ko")
        assert client.send_wrong(type="response.create")["code"] == "invalid_value"
    assert state.as_dict()["sessions"][0]["kind"] == "transcription"


FIRST, SECOND = "immigration_documents", "immigration_duration"


def two_phrases() -> Samples:
    return np.concatenate([speech(FIRST, "ko"), speech(SECOND, "ko", after_ms=300)])


def test_a_live_model_writes_while_somebody_speaks() -> None:
    with open_transcription() as client:
        client.append(two_phrases())
        # Nothing is committed yet, and the first phrase is written already.
        delta = client.receive()
        assert delta["type"] == DELTA
        words = client.until(lambda one: text_of([one], DELTA).endswith("다."))
        written = delta["delta"] + text_of(words, DELTA)
        assert written == text(FIRST, "ko")
        client.send("input_audio_buffer.commit")
        events = client.until(TRANSCRIBED)
        committed = next(e for e in events if e["type"].endswith(".committed"))
        done = events[-1]
        assert committed["item_id"] == delta["item_id"] == done["item_id"]
        assert done["transcript"] == f"{text(FIRST, 'ko')} {text(SECOND, 'ko')}"
        assert written + text_of(events, DELTA) == done["transcript"]
        assert done["usage"]["type"] == "duration"
        assert done["usage"]["seconds"] == pytest.approx(
            len(two_phrases()) / 24_000, abs=1e-3
        )
    [session] = state.as_dict()["sessions"]
    assert [one["phrase_id"] for one in session["heard"]] == [FIRST, SECOND]
    starts = [one["started_ms"] for one in session["heard"]]
    assert 200 <= starts[0] < 500
    assert starts[1] > len(speech(FIRST, "ko")) / 24


def test_each_commit_is_an_item_of_its_own() -> None:
    with open_transcription() as client:
        client.append(speech(FIRST, "ko"))
        client.send("input_audio_buffer.commit")
        client.append(speech(SECOND, "ko"))
        client.send("input_audio_buffer.commit")
        events = client.until(TRANSCRIBED) + client.until(TRANSCRIBED)
        done = {e["item_id"]: e["transcript"] for e in events if "transcript" in e}
        order = [e["item_id"] for e in events if e["type"].endswith(".committed")]
        assert [done[i] for i in order] == [text(FIRST, "ko"), text(SECOND, "ko")]


def test_other_models_write_after_the_commit() -> None:
    with open_transcription(model="gpt-transcribe") as client:
        client.append(two_phrases())
        client.send("input_audio_buffer.commit")
        assert client.receive()["type"] == "input_audio_buffer.committed"
        assert len(client.until(TRANSCRIBED)[-1]["transcript"]) > 10


def test_what_was_cleared_is_not_written() -> None:
    with open_transcription() as client:
        client.append(speech(FIRST, "ko", after_ms=0))
        client.send("input_audio_buffer.clear")
        client.until("input_audio_buffer.cleared")
        client.append(speech(SECOND, "ko"))
        client.send("input_audio_buffer.commit")
        assert client.until(TRANSCRIBED)[-1]["transcript"] == text(SECOND, "ko")


def test_a_model_that_finds_turns_itself_answers_nothing() -> None:
    vad = {"type": "server_vad"}
    with open_transcription(model="gpt-transcribe", turn_detection=vad) as client:
        client.append(speech(FIRST, "ko"))
        events = client.until(TRANSCRIBED)
        assert events[-1]["transcript"] == text(FIRST, "ko")
        assert not [e for e in events if e["type"].startswith("response.")]


@pytest.mark.parametrize(
    ("sound", "param"),
    [
        ({"turn_detection": {"type": "server_vad"}}, "turn_detection"),
        ({"turn_detection": {"type": "semantic_vad"}}, "turn_detection"),
        ({"transcription": {"delay": "low"}}, "transcription.delay"),
        (
            {"transcription": {"model": "gpt-realtime-whisper", "keywords": ["a"]}},
            "transcription.keywords",
        ),
        (
            {"transcription": {"model": "gpt-realtime-whisper", "prompt": "a"}},
            "transcription.prompt",
        ),
        (
            {"transcription": {"model": "whisper-1", "languages": ["ko"]}},
            "transcription.languages",
        ),
    ],
)
def test_it_refuses_what_the_model_cannot_do(sound: Event, param: str) -> None:
    with open_transcription() as client:
        session = {"type": "transcription", "audio": {"input": sound}}
        error = client.send_wrong(type="session.update", session=session)
        assert error["code"] == "unsupported_parameter"
        assert error["param"] == f"session.audio.input.{param}"


def test_keywords_and_languages_are_taken() -> None:
    asked = {"model": "gpt-live-transcribe", "keywords": ["존"], "languages": ["ko"]}
    with open_transcription() as client:
        session = {
            "type": "transcription",
            "audio": {"input": {"transcription": asked}},
        }
        client.send("session.update", session=session)
        updated = client.receive()["session"]
        assert updated["audio"]["input"]["transcription"] == asked


def test_transcripts_can_fail_and_be_late(engines: EngineState) -> None:
    engines.add_fault({"kind": "fail_transcript", "times": 1})
    engines.add_fault({"kind": "delay", "ms": 300, "session": "transcription"})
    with open_transcription() as client:
        for kind in ("failed", "completed"):
            client.append(speech(SECOND, "ko"))
            began = time.monotonic()
            client.send("input_audio_buffer.commit")
            last = client.until(f"conversation.item.input_audio_transcription.{kind}")
            assert time.monotonic() - began >= 0.3
            assert ("transcript" in last[-1]) == (kind == "completed")


def test_a_failing_transcript_is_not_for_voice_sessions() -> None:
    state.add_fault({"kind": "fail_transcript"})
    with open_realtime(MANUAL):
        assert len(state.as_dict()["faults"]) == 1


def test_a_transcription_can_be_lost_and_refused() -> None:
    state.add_fault(
        {"kind": "drop_session", "session": "transcription", "after_ms": 300}
    )
    with open_transcription() as client, pytest.raises(WebSocketDisconnect):
        client.until("nothing")
    state.add_fault({"kind": "refuse_session", "session": "transcription"})
    with pytest.raises(WebSocketDenialResponse), open_transcription():
        pass


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/realtime?intent=transcription&model=gpt-transcribe", HEADERS, 400),
        ("/realtime?intent=transcription", {}, 401),
        ("/realtime", HEADERS, 400),
        ("/realtime?model=gpt-4o-realtime-preview", HEADERS, 404),
    ],
)
def test_it_refuses_the_handshake(
    path: str, headers: dict[str, str], status: int
) -> None:
    with (
        http_client() as http,
        pytest.raises(WebSocketDenialResponse) as refusal,
        http.websocket_connect(path, headers=headers),
    ):
        pass
    assert refusal.value.status_code == status


def test_it_knows_every_event_a_websocket_client_can_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Send each one rightly; every answer is checked against the SDK on the way."""
    session = manual(instructions="Translate into Korean.")
    session["audio"]["input"]["transcription"] = {"model": "gpt-transcribe"}
    with open_realtime(session) as client:
        client.append(speech("common_hello", "en"))
        client.send("input_audio_buffer.commit")
        item_id = client.until(TRANSCRIBED)[-1]["item_id"]
        client.send("response.create")
        spoken = client.until("rate_limits.updated")
        ask_to_say(client, "Hello.", output_modalities=["text"])
        client.until("rate_limits.updated")
        answer = next(one["item_id"] for one in spoken if one["type"] == SOUND)
        client.send(
            "conversation.item.truncate",
            item_id=answer,
            content_index=0,
            audio_end_ms=100,
        )
        client.send("conversation.item.retrieve", item_id=item_id)
        client.send("conversation.item.delete", item_id=item_id)
        call = {"call_id": "call_1", "name": "tool", "arguments": "{}"}
        client.send("conversation.item.create", item={"type": "function_call", **call})
        client.send(
            "conversation.item.create",
            item={"type": "function_call_output", "call_id": "call_1", "output": "{}"},
        )
        client.send("input_audio_buffer.clear")
        client.send("response.cancel")
        client.until("error")
        # Only for WebRTC and SIP.
        assert client.sent == REALTIME_CLIENT.keys() - {"output_audio_buffer.clear"}
        assert client.received >= {
            "conversation.item.added",
            "conversation.item.deleted",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.completed",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.retrieved",
            "conversation.item.truncated",
            "error",
            "input_audio_buffer.cleared",
            "input_audio_buffer.committed",
            "rate_limits.updated",
            "response.content_part.added",
            "response.content_part.done",
            "response.created",
            "response.done",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.delta",
            "response.output_audio_transcript.done",
            "response.output_item.added",
            "response.output_item.done",
            "response.output_text.delta",
            "response.output_text.done",
            "session.created",
            "session.updated",
        }

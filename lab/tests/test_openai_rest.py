import base64
import io
import json
import socket
import threading
import time
import wave
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
import uvicorn
from numpy.typing import NDArray
from openai import AsyncOpenAI, OpenAI
from openai.types import ModerationCreateResponse
from openai.types.audio import Transcription
from openai.types.responses import Response
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lab.openai import routes
from lab.openai.rest import smallest
from lab.openai.sentences import UNKNOWN
from lab.openai.state import EngineState, state
from lab.speech.phrasebook import Phrasebook
from lab.tests.engine_client import API_KEY, HEADERS, http_client, speech

Samples = NDArray[np.int16]


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> EngineState:
    monkeypatch.setattr(state, "api_key", API_KEY)
    monkeypatch.setattr(state, "response_latency_ms", 0)
    state.reset()
    return state


@pytest.fixture
def http() -> Iterator[TestClient]:
    with http_client() as client:
        client.headers.update(HEADERS)
        yield client


def text(phrase_id: str, language: str) -> str:
    return Phrasebook.load()[phrase_id].texts[language]


def wav(pcm: Samples, rate_hz: int = 24000, channels: int = 1) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.repeat(pcm, channels).astype("<i2").tobytes())
    return content.getvalue()


# --- Text ---


def ask(http: TestClient, **body: Any) -> Response:
    answer = http.post("/responses", json={"model": "gpt-6-luna", **body})
    assert answer.status_code == 200, answer.text
    return Response.model_validate(answer.json())


def test_it_translates_a_phrase_of_the_book(http: TestClient) -> None:
    response = ask(
        http,
        instructions="Translate the user's message into Korean.",
        input=text("restaurant_window", "en"),
        store=False,
    )
    assert response.output_text == text("restaurant_window", "ko")
    assert response.status == "completed"
    assert response.usage
    assert response.usage.total_tokens > 0


def test_it_reads_messages_and_their_parts(http: TestClient) -> None:
    part = {"type": "input_text", "text": text("quiet_until", "ko")}
    response = ask(
        http,
        input=[
            {"role": "developer", "content": "Translate to English."},
            {"role": "user", "content": [part]},
        ],
    )
    assert response.output_text == text("quiet_until", "en")


def test_it_says_that_it_knows_only_its_book(http: TestClient) -> None:
    response = ask(http, instructions="Translate into Korean.", input="Purple rain.")
    assert response.output_text == f"{UNKNOWN} Purple rain."


class Appointment(BaseModel):
    place: str
    kind: Literal["visit", "call"]
    people: int = Field(ge=1)
    notes: list[str]
    note: str | None
    is_sure: bool


class Plan(BaseModel):
    title: str
    appointments: list[Appointment]
    best: Appointment


def test_it_answers_by_schema(http: TestClient) -> None:
    schema = Plan.model_json_schema()
    form = {"type": "json_schema", "name": "plan", "strict": True, "schema": schema}
    response = ask(http, input="Plan my day.", text={"format": form})
    plan = Plan.model_validate_json(response.output_text)
    assert plan.best.people == 1
    assert plan.best.note is None
    assert plan.appointments == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 5}, 5),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": ["string", "null"]}, None),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"type": "number", "exclusiveMinimum": 3}, 4),
        ({"anyOf": [{"type": "boolean"}, {"type": "string"}]}, False),
        ({"allOf": [{"type": "object"}, {"properties": {}, "required": []}]}, {}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
    ],
)
def test_the_smallest_value_of_a_schema(schema: dict[str, Any], value: Any) -> None:
    assert smallest(schema, schema, "text") == value


def test_it_refuses_what_it_does_not_do(http: TestClient) -> None:
    for body, status, code in (
        ({"model": "gpt-9", "input": "x"}, 404, "model_not_found"),
        ({"input": "x"}, 400, "missing_required_parameter"),
        ({"model": "gpt-6-luna", "input": 5}, 400, "invalid_type"),
    ):
        answer = http.post("/responses", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    answer = http.post("/responses", content=b"no json")
    assert answer.json()["error"]["code"] == "invalid_json"


def test_an_answer_is_told_as_it_is_written(http: TestClient) -> None:
    body = {"model": "gpt-6-luna", "input": "x", "stream": True}
    with http.stream("POST", "/responses", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        rows = [row for row in answer.iter_lines() if row.startswith("data: ")]
    events = [json.loads(row.removeprefix("data: ")) for row in rows]
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    deltas = [e["delta"] for e in events if e["type"] == "response.output_text.delta"]
    assert len(deltas) > 2
    [message] = events[-1]["response"]["output"]
    assert message["content"][0]["text"] == "".join(deltas)


# --- Models and moderation ---


def test_it_lists_models_with_the_day_they_end(http: TestClient) -> None:
    rows = {row["id"]: row for row in http.get("/models").json()["data"]}
    assert rows["gpt-realtime-translate"]["shutdown_date"] is None
    assert rows["whisper-1"]["shutdown_date"] == "2027-02-26"
    one = http.get("/models/gpt-6-luna").json()
    assert one == rows["gpt-6-luna"]
    assert http.get("/models/gpt-9").status_code == 404


def test_it_knows_the_models_of_the_settings(http: TestClient) -> None:
    from django.conf import settings

    known = {row["id"] for row in http.get("/models").json()["data"]}
    names = [name for name in dir(settings) if name.endswith("_MODEL")]
    wanted = {
        str(getattr(settings, name)) for name in names if name.startswith("OPENAI_")
    }
    assert wanted
    assert wanted <= known


def test_it_moderates_by_one_rule(http: TestClient) -> None:
    answer = http.post(
        "/moderations",
        json={
            "model": "omni-moderation-latest",
            "input": ["A table for four, please.", "I will kill you."],
        },
    )
    judged = ModerationCreateResponse.model_validate(answer.json())
    assert [one.flagged for one in judged.results] == [False, True]
    assert judged.results[1].categories.harassment_threatening


# --- Files ---


@pytest.mark.parametrize(("rate_hz", "channels"), [(24000, 1), (8000, 1), (48000, 2)])
def test_it_transcribes_a_wav_file(
    http: TestClient, rate_hz: int, channels: int
) -> None:
    pcm = speech("immigration_ask_how", "en")
    if rate_hz < 24000:
        pcm = pcm[:: 24000 // rate_hz]
    elif rate_hz > 24000:
        pcm = np.repeat(pcm, rate_hz // 24000)
    answer = http.post(
        "/audio/transcriptions",
        data={"model": "gpt-transcribe"},
        files={"file": ("a.wav", wav(pcm, rate_hz, channels), "audio/wav")},
    )
    assert answer.status_code == 200, answer.text
    found = Transcription.model_validate(answer.json())
    assert found.text == text("immigration_ask_how", "en")


def test_it_refuses_other_files(http: TestClient) -> None:
    url, file = "/audio/transcriptions", ("a.mp3", b"ID3 nothing", "audio/mpeg")
    answer = http.post(url, data={"model": "gpt-transcribe"}, files={"file": file})
    assert answer.json()["error"]["code"] == "invalid_file"
    answer = http.post(url, data={"model": "gpt-6-luna"}, files={"file": file})
    assert answer.status_code == 404
    answer = http.post(url, data={"model": "gpt-transcribe"})
    assert answer.json()["error"]["param"] == "file"


# --- Keys and faults ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models"),
        ("GET", "/models/gpt-6-luna"),
        ("POST", "/responses"),
        ("POST", "/moderations"),
        ("POST", "/audio/transcriptions"),
    ],
)
def test_every_address_wants_the_key(http: TestClient, method: str, path: str) -> None:
    answer = http.request(method, path, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_a_request_can_be_refused(http: TestClient) -> None:
    state.add_fault({"kind": "refuse_request", "http_status": 429, "code": "busy"})
    answer = http.get("/models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "busy")
    assert http.get("/models").status_code == 200


# --- The SDK itself ---


@pytest.fixture
def address() -> Iterator[str]:
    """Serve the engines on a real socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()


def test_the_sdk_can_use_it(address: str) -> None:
    with OpenAI(api_key=API_KEY, base_url=f"http://{address}", max_retries=0) as client:
        ids = [model.id for model in client.models.list()]
        assert "gpt-realtime-translate" in ids
        parsed = client.responses.parse(
            model="gpt-6-luna", input="Plan my day.", text_format=Plan
        )
        assert parsed.output_parsed
        moderation = client.moderations.create(input="Hello.")
        assert not moderation.results[0].flagged
        found = client.audio.transcriptions.create(
            model="gpt-transcribe",
            file=("a.wav", wav(speech("clinic_answer", "ko"))),
        )
        assert found.text == text("clinic_answer", "ko")


async def test_the_sdks_translation_session_works(address: str) -> None:
    async with (
        AsyncOpenAI(
            api_key=API_KEY, websocket_base_url=f"ws://{address}", max_retries=0
        ) as client,
        client.realtime.translations.connect(model="gpt-realtime-translate") as session,
    ):
        await session.send_raw(
            json.dumps(
                {
                    "type": "session.update",
                    "session": {"audio": {"output": {"language": "en"}}},
                }
            )
        )
        pcm = speech("interrupter_shop", "ko").astype("<i2").tobytes()
        audio = base64.b64encode(pcm).decode()
        append = {"type": "session.input_audio_buffer.append", "audio": audio}
        await session.send_raw(json.dumps(append))
        await session.send_raw('{"type": "session.close"}')
        words = ""
        async for event in session:
            if event.type == "session.output_transcript.delta":
                words += event.delta
            if event.type == "session.closed":
                break
    assert words == text("interrupter_shop", "en")


def test_what_is_said_never_reaches_the_log(
    http: TestClient,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    with http.websocket_connect("/realtime?intent=transcription") as engine:
        audio = base64.b64encode(speech("quiet_until", "en").tobytes()).decode()
        model = {"transcription": {"model": "gpt-transcribe"}}
        session = {"type": "transcription", "audio": {"input": model}}
        engine.send_json({"type": "session.update", "session": session})
        engine.send_json({"type": "input_audio_buffer.append", "audio": audio})
        engine.send_json({"type": "input_audio_buffer.commit"})
        while not engine.receive_json()["type"].endswith("transcription.completed"):
            pass
    assert state.as_dict()["sessions"][0]["heard"][0]["phrase_id"] == "quiet_until"
    printed = "".join(capfd.readouterr()) + caplog.text
    assert text("quiet_until", "en") not in printed
    assert audio[:200] not in printed

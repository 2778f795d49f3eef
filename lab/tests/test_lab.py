"""The lab around the telephones: control, place search, and its command."""

import io
import re
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from lab.config import LINE_NUMBERS, LabConfig
from lab.lines import load_lines
from lab.naver import highlight, national
from lab.people import load_people
from lab.server import create_app
from lab.telephone import codecs, sounds
from lab.tests.fakes import (
    PERSON,
    SILENT,
    Lab,
    make_people,
    running_lab,
    tone_speech,
    until,
)

OTHER = "+8225550102"

NAVER = {
    "X-Naver-Client-Id": LabConfig().naver_client_id,
    "X-Naver-Client-Secret": LabConfig().naver_client_secret,
}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    talker = {"script": [{"say": "hello"}, {"wait_ms": 3_600_000}]}
    async with running_lab(
        "<Response><Pause length='60'/></Response>",
        people=make_people(talker=talker, other=SILENT),
    ) as lab:
        yield lab


@pytest.fixture
async def http(lab: Lab) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=lab.url, trust_env=False) as client:
        yield client


def client(host: str = "127.0.0.1", address: str = "127.0.0.1") -> httpx2.AsyncClient:
    """Ask a lab with the published people, without a socket."""
    app = create_app(LabConfig(), speech=tone_speech(), with_engines=False)
    transport = httpx2.ASGITransport(app=app, client=(address, 1))
    return httpx2.AsyncClient(transport=transport, base_url=f"http://{host}:9100")


# --- control -------------------------------------------------------------------------


async def test_the_start_page_says_that_it_is_a_simulation() -> None:
    async with client() as http:
        page = (await http.get("/")).text
    assert "simulation with a phrasebook, not an interpreter" in page
    for number in load_people():
        assert number in page


async def test_the_number_table_is_published() -> None:
    async with client() as http:
        people = (await http.get("/lab/people")).json()["people"]
    assert [row["number"] for row in people] == list(load_people())
    assert {row["answer"] for row in people} == {
        "person",
        "nobody",
        "busy",
        "unassigned",
    }


@pytest.mark.parametrize(
    ("host", "address", "status"),
    [
        ("127.0.0.1", "127.0.0.1", 200),
        ("localhost", "::1", 200),
        ("127.0.0.1", "192.0.2.7", 403),
        ("evil.example", "127.0.0.1", 403),
    ],
)
async def test_only_this_machine_is_answered(
    host: str, address: str, status: int
) -> None:
    async with client(host, address) as http:
        assert (await http.get("/lab/people")).status_code == status


async def test_a_call_can_be_looked_into(lab: Lab, http: httpx2.AsyncClient) -> None:
    call = await lab.dial()
    await until(
        lambda: call.handset and call.handset.said and call.handset.said[0].ended_ms
    )
    shown = (await http.get(f"/lab/calls/{call.sid}")).json()
    assert shown["status"] == "in-progress"
    assert shown["said"][0]["phrase_id"] == "hello"
    assert shown["said"][0]["ended_ms"] - shown["said"][0]["started_ms"] == 420
    assert shown["clock"]["ticks"] > 0
    assert shown["line"]["echo_loss_db"] == load_lines().default.echo_loss_db
    listed = (await http.get("/lab/calls")).json()["calls"]
    assert [row["sid"] for row in listed] == [call.sid]
    tape = (await http.get(f"/lab/calls/{call.sid}/audio?side=sent")).content
    with wave.open(io.BytesIO(tape)) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        assert file.getnframes() >= 160 * shown["clock"]["ticks"]
    await http.post(f"/lab/calls/{call.sid}/hang-up")
    await until(lambda: call.is_over)
    assert call.ended_by == "callee"


async def test_the_line_is_set_for_the_calls_to_come(
    lab: Lab, http: httpx2.AsyncClient
) -> None:
    before = await lab.dial()
    answer = await http.put("/lab/line", json={"noise_rms": 200, "seed": 7})
    assert answer.json()["noise_rms"] == 200
    after = await lab.dial()
    assert (before.line_config.noise_rms, after.line_config.noise_rms) == (30, 200)
    for wrong in ({"noise": 1}, {"noise_rms": "x"}, {"noise_rms": -1}):
        assert (await http.put("/lab/line", json=wrong)).status_code == 400


async def test_the_catalogue_of_lines_is_published(http: httpx2.AsyncClient) -> None:
    lines = (await http.get("/lab/lines")).json()
    assert lines["default"] == load_lines().default_id
    assert [one["id"] for one in lines["conditions"]] == list(load_lines().conditions)
    assert all(one["description"] and one["source"] for one in lines["conditions"])
    by_id = {one["id"]: one["line"] for one in lines["conditions"]}
    assert by_id["speakerphone"]["echo_kind"] == "speakerphone"


async def test_a_call_says_which_line_it_was(
    lab: Lab, http: httpx2.AsyncClient
) -> None:
    await http.put("/lab/line", json={"condition": "landline", "noise_rms": 7})
    call = await lab.dial()
    shown = (await http.get(f"/lab/calls/{call.sid}")).json()
    assert shown["line_condition"] == shown["line"]["condition"] == "landline"
    assert shown["line"]["changed"] == {"noise_rms": 7}
    assert shown["line"]["echo_loss_db"] == 18
    (listed,) = (await http.get("/lab/calls")).json()["calls"]
    assert listed["line_condition"] == "landline"


async def test_a_line_is_set_for_a_number_and_for_the_next_call(
    lab: Lab, http: httpx2.AsyncClient
) -> None:
    async def put(**values: Any) -> Any:
        answer = await http.put("/lab/line", json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert (await put(number=PERSON, condition="gsm"))["codec"] == "gsm"
    await put(condition="landline")
    assert (await put(next=True, noise_rms=99))["condition"] == "landline"
    assert (await put(next=True, number=OTHER, condition="agc"))["agc_db"] == 6
    lines = [(await lab.dial()).line_config for _ in range(2)]
    assert [line.condition for line in lines] == ["gsm", "gsm"]
    assert [line.noise_rms for line in lines] == [99, 40]
    others = [(await lab.dial(to=OTHER)).line_config for _ in range(2)]
    assert [line.condition for line in others] == ["agc", "landline"]
    assert (await http.get("/lab/lines")).json()["numbers"] == {
        PERSON: {"condition": "gsm"}
    }
    asked = await http.get("/lab/line", params={"number": PERSON})
    assert asked.json()["condition"] == "gsm"
    assert (await put(number=PERSON, condition=None))["condition"] == "landline"
    assert (await lab.dial()).line_config.condition == "landline"


async def test_a_persons_script_names_the_line() -> None:
    people = make_people(
        plain=SILENT,
        named={**SILENT, "line": "speakerphone"},
        changed={**SILENT, "line": {"noise_rms": 5}},
        both={**SILENT, "line": {"condition": "street", "noise_rms": 5}},
    )
    async with running_lab(
        "<Response><Pause length='60'/></Response>", people=people
    ) as lab:
        lab.exchange.set_line("landline")
        calls = [await lab.dial(to=number) for number in people]
    lines = [call.line_config for call in calls]
    assert [line.condition for line in lines] == [
        "landline",
        "speakerphone",
        "landline",
        "street",
    ]
    assert [line.noise_rms for line in lines] == [30, 60, 5, 5]


async def test_a_line_that_is_none_is_refused(
    lab: Lab, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (
        {"condition": "cave"},
        {"number": "+1", "condition": "gsm"},
        {"next": 1},
        {"next": True, "noise": 3},
        {"number": PERSON, "noise_rms": -3},
    ):
        assert (await http.put("/lab/line", json=wrong)).status_code == 400
    monkeypatch.setattr(codecs, "has_pyav", lambda: False)
    for how in ({}, {"next": True}, {"number": PERSON}):
        answer = await http.put("/lab/line", json={"condition": "amr", **how})
        assert answer.status_code == 422
        assert "PyAV" in answer.json()["error"]
    assert (await lab.dial()).line_config == load_lines().default


@pytest.mark.parametrize(
    ("line", "error", "sentence"),
    [
        ("amr", codecs.CodecUnavailable, "mobile: The codec amr needs PyAV"),
        ("cave", ValueError, "mobile: condition must be one of"),
    ],
)
def test_a_lab_with_somebody_on_an_impossible_line_does_not_start(
    monkeypatch: pytest.MonkeyPatch, line: str, error: type[Exception], sentence: str
) -> None:
    monkeypatch.setattr(codecs, "has_pyav", lambda: False)
    people = make_people(mobile={**SILENT, "line": line})
    with pytest.raises(error, match=sentence):
        create_app(LabConfig(), speech=tone_speech(), people=people, with_engines=False)


async def test_reset_forgets_everything(lab: Lab, http: httpx2.AsyncClient) -> None:
    call = await lab.dial()
    await http.put("/lab/line", json={"noise_rms": 200})
    await http.put("/lab/line", json={"number": PERSON, "condition": "gsm"})
    await http.put("/lab/line", json={"next": True, "condition": "agc"})
    await http.post("/lab/faults", json={"kind": "ring_out"})
    await http.post("/lab/reset")
    assert call.is_over
    assert (await http.get("/lab/calls")).json() == {"calls": []}
    assert (await http.get("/lab/line")).json()["noise_rms"] == 30
    assert (await lab.dial()).line_config == load_lines().default
    assert (await http.get("/lab/faults")).json()["waiting"] == 0


async def test_a_fault_waits_for_its_number(lab: Lab, http: httpx2.AsyncClient) -> None:
    fault = {"kind": "ring_out", "after_ms": 500, "number": PERSON}
    assert (await http.post("/lab/faults", json=fault)).status_code == 201
    call = await lab.dial()
    await until(lambda: call.is_over)
    assert call.status == "no-answer"


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "ring_out", "count": 0},
        {"kind": "ring_out", "after_ms": "soon"},
        {"kind": "refuse_call", "http_status": 429.5},
        {"kind": "stream"},
        {"kind": "stream", "fault": {"kind": "drop", "when": 1}},
        {"kind": "stream", "fault": {"kind": "drop", "after_ms": "x"}},
        {"kind": "stream", "fault": {"kind": "send", "base64": "?"}},
    ],
)
async def test_a_fault_that_means_nothing_is_refused(fault: dict[str, Any]) -> None:
    async with client() as http:
        answer = await http.post("/lab/faults", json=fault)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    async with client() as http:
        answer = await http.post("/lab/faults", content=body)
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/lab/calls/CA1", "/lab/calls/CA1/audio", "/lab/no"])
async def test_what_is_not_there_is_404(path: str) -> None:
    async with client() as http:
        assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize("rate_hz", [8000, 24_000, 48_000])
async def test_the_lab_speaks_for_scripted_callers(rate_hz: int) -> None:
    async with client() as http:
        query: dict[str, str | int] = {
            "text": "question",
            "language": "en",
            "rate_hz": rate_hz,
        }
        answer = await http.get("/lab/speech", params=query)
        with wave.open(io.BytesIO(answer.content)) as file:
            assert file.getframerate() == rate_hz
            assert file.getnframes() == pytest.approx(0.4 * rate_hz, rel=0.05)
        wrong = await http.get("/lab/speech", params={**query, "rate_hz": 11_025})
        assert wrong.status_code == 400


# --- place search --------------------------------------------------------------------


async def test_the_places_that_are_found_are_the_people() -> None:
    async with client() as http:
        answer = await http.get(
            "/naver/v1/search/local.json",
            params={"query": "한강식당", "display": 5},
            headers=NAVER,
        )
    found = answer.json()
    assert (found["total"], found["display"]) == (1, 1)
    item = found["items"][0]
    assert item["title"] == "<b>한강식당</b>"
    assert item["telephone"] == "02-555-0101"
    assert set(item) == {
        "title",
        "link",
        "category",
        "description",
        "telephone",
        "address",
        "roadAddress",
        "mapx",
        "mapy",
    }


async def test_places_are_found_page_by_page_and_in_english() -> None:
    async with client() as http:
        titles = []
        for start in (1, 2):
            params: dict[str, str | int] = {"query": "서울특별시", "display": 1}
            params["start"] = start
            path = "/naver/v1/search/local.json"
            answer = (await http.get(path, params=params, headers=NAVER)).json()
            in_seoul = [one for one in load_people().values() if one.place]
            assert answer["total"] == len(in_seoul) > 5
            titles.append(answer["items"][0]["title"])
        assert len(set(titles)) == 2
        answer = (
            await http.get(path, params={"query": "clinic"}, headers=NAVER)
        ).json()
        assert [item["telephone"] for item in answer["items"]] == ["02-555-0102"]
        answer = (
            await http.get(path, params={"query": "우주정거장"}, headers=NAVER)
        ).json()
        assert (answer["total"], answer["items"]) == (0, [])


@pytest.mark.parametrize(
    ("params", "headers", "status", "code"),
    [
        ({"query": "a"}, {}, 401, "024"),
        ({"query": "a"}, {**NAVER, "X-Naver-Client-Secret": "x"}, 401, "024"),
        ({}, NAVER, 400, "SE01"),
        ({"query": "a", "display": "0"}, NAVER, 400, "SE02"),
        ({"query": "a", "start": "x"}, NAVER, 400, "SE03"),
        ({"query": "a", "sort": "best"}, NAVER, 400, "SE04"),
    ],
)
async def test_naver_refuses_in_its_own_words(
    params: dict[str, str], headers: dict[str, str], status: int, code: str
) -> None:
    async with client() as http:
        answer = await http.get(
            "/naver/v1/search/local.json", params=params, headers=headers
        )
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


def test_names_are_marked_and_escaped() -> None:
    assert highlight("A&B <Cafe>", ["cafe"]) == "A&amp;B &lt;<b>Cafe</b>&gt;"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+8225550101", "02-555-0101"),
        ("+82212345678", "02-1234-5678"),
        ("+82511234567", "051-123-4567"),
        ("+12025550100", "+12025550100"),
    ],
)
def test_numbers_are_written_as_in_korea(number: str, written: str) -> None:
    assert national(number) == written


# --- the command ---------------------------------------------------------------------


def test_a_port_in_use_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} is in use"):
            call_command("lab", port=port)


@pytest.mark.lab
def test_the_lab_starts_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "manage.py", "lab", "--port", "0"]
    last = max(load_people())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        try:
            lines = list[str]()
            while not lines or (lines[-1] and last not in lines[-1]):
                lines.append(lab.stdout.readline())
            address = re.search(r"http://[\d.:]+", "".join(lines))
            assert address is not None
            assert httpx2.get(f"{address[0]}/health", trust_env=False).is_success
            lab.send_signal(signal.SIGINT)
            rest = lab.stdout.read()
            assert lab.wait(10) == 0
        finally:
            lab.kill()
    assert rest.splitlines() == ["The lab is closed."]


def test_an_impossible_port_is_said_in_one_sentence() -> None:
    with pytest.raises(CommandError, match="cannot be used"):
        call_command("lab", port=70_000)


def test_the_lab_accepts_what_the_product_is_configured_with(settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN = "another"
    settings.TWILIO_FROM_NUMBER = "+12025550123"
    settings.PUBLIC_BASE_URL = "https://wigvo.example"
    settings.NAVER_CLIENT_SECRET = ""
    config = LabConfig.from_settings("http://127.0.0.1:1")
    assert config.auth_token == "another"
    assert config.from_numbers == ("+12025550123", *LINE_NUMBERS)
    assert config.voice_url == "https://wigvo.example/twilio/incoming"
    assert config.naver_client_secret == LabConfig().naver_client_secret


# --- sounds --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digit", "hertz"), [("1", {697, 1209}), ("0", {941, 1336}), ("#", {941, 1477})]
)
def test_keys_sound_as_they_should(digit: str, hertz: set[int]) -> None:
    tone = sounds.dtmf(digit)[:960]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(960), 8000))
    peaks = {int(np.argmax(spectrum[:1100])), 1100 + int(np.argmax(spectrum[1100:]))}
    assert all(min(abs(peak - f) for peak in peaks) <= 4 for f in hertz)


def test_a_pause_is_as_long_as_it_is_written() -> None:
    assert len(sounds.dtmf("wW")) == 8000 * 1.5


@pytest.mark.parametrize("rate_hz", [8000, 24_000])
def test_wav_files_are_read_back(rate_hz: int) -> None:
    pcm = sounds.tone(200, 500)
    data = sounds.write_wav(pcm, rate_hz)
    assert len(sounds.read_wav(data)) == pytest.approx(
        len(pcm) * 8000 / rate_hz, abs=90
    )


@pytest.mark.parametrize("data", [b"", b"RIFF", b"ID3"])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="WAV"):
        sounds.read_wav(data)

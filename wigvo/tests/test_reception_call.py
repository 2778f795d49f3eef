"""Whole calls that people make to us, through server and lab, in real time."""

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from wigvo.stack import BASE_DIR, Stack, manage
from wigvo.tests.people import ALICE, Person, eventually, messages

SEOUL, DAWN, CLOSED = "+12025550141", "+12025550142", "+12025550143"
PRINTER, CUSTOMER, CLIENT = "+8225550141", "+8225550142", "+8225550143"
VISITOR, HOTEL, COLLEAGUE = "+8225550144", "+8225550145", "+8225550146"
TRICKSTER = "+8225550147"

STATIC = """\
<Response><Connect><Stream url="{url}"><Parameter name="line" value="{line}"/></Stream>\
</Connect></Response>"""


@pytest.fixture(scope="session")
def secret(stack: Stack) -> str:
    """Set three lines up; what a static document of the first has to say."""
    make_line(stack, DAWN, "Dawn Office", "--languages", "en")
    never = '{"mon": []}'
    make_line(stack, CLOSED, "새벽 상담소", "--opening-hours", never)
    return make_line(
        stack, SEOUL, "새벽 상담소", "--transfer-number", COLLEAGUE, "--new-secret"
    )


def make_line(stack: Stack, number: str, name: str, *options: str) -> str:
    words = ["reception_line", number, name, ALICE, "--owner-language", "en", *options]
    done = subprocess.run(
        manage(*words), cwd=BASE_DIR, env=stack.environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


class Caller:
    """Somebody of the lab who has called us."""

    def __init__(self, alice: Person, number: str, to: str, **how: str) -> None:
        self.alice = alice
        answer = httpx2.post(
            f"{alice.stack.lab_url}/lab/incoming",
            json={"from": number, "to": to, **how},
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        self.sid = answer.json()["sid"]

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = self.alice.lab(f"calls/{self.sid}")
        return found

    def heard(self) -> list[str]:
        """What was understood on their end of the line."""
        return [one["phrase_id"] for one in self.report()["heard"] if one["phrase_id"]]

    def our_call(self) -> dict[str, Any]:
        """Return the call as its owner's app shows it."""
        [found] = eventually(
            lambda: [
                one
                for one in self.alice.get("/api/calls?live=1").json()["items"]
                if one["direction"] == "inbound"
            ],
            bool,
        )
        one: dict[str, Any] = found
        return one

    def is_over(self, timeout_s: float = 90) -> dict[str, Any]:
        """Wait until they have hung up, or have been; their report."""
        return eventually(
            self.report, lambda report: report["status"] == "completed", timeout_s
        )


@pytest.fixture
def owner(alice: Person, secret: str) -> Iterator[Person]:
    """Whose lines these are; nobody is on them before and after."""
    yield alice
    for one in alice.get("/api/calls?live=1").json()["items"]:
        alice.post(f"/api/calls/{one['id']}/end")


def ended(owner: Person, call: dict[str, Any]) -> dict[str, Any]:
    return owner.wait_for(call["id"], "completed", "failed")


@pytest.mark.scenes
def test_it_takes_a_message_while_its_owner_listens(owner: Person) -> None:
    caller = Caller(owner, PRINTER, SEOUL)
    call = caller.our_call()
    assert (call["from_number"], call["to_number"]) == (PRINTER, SEOUL)
    assert call["line_id"]
    again = owner.post(f"/api/calls/{call['id']}/start").json()
    assert again["id"] == call["id"]  # it only attaches
    told = messages(owner.attach(call["id"]), "ended", 120)
    heard = caller.heard()
    # On a busy machine a first sentence may be understood in pieces.
    assert {"reception_greeting", "common_how_can_i_help"} & set(heard), heard
    for phrase in ("ask_name", "ask_number", "read_back", "noted"):
        assert f"reception_{phrase}" in heard, heard
    assert heard[-1] == "reception_farewell", heard
    done = ended(owner, call)
    spoken = [u for u in done["utterances"] if u["leg"] == "agent"]
    said = [u["original"] for u in spoken]
    assert "저는 인공지능 비서입니다" in said[0]
    assert spoken[0]["fate"] == "delivered"
    assert (done["outcome"], done["direction"]) == ("success", "inbound"), said
    [message] = done["result"]["messages"]
    assert (message["name"], message["number"]) == ("박지영", "010-3377-8254")
    assert message["message"]
    assert message["utterance_id"]
    legs = {m["leg"] for m in told if m["type"] == "caption"}
    assert legs >= {"agent", "callee"}
    assert done["cost"]["usd"] > 0
    assert done["caller_language"] == "en"
    theirs = [u for u in done["utterances"] if u["leg"] == "callee"]
    assert any(u["translation"] for u in theirs)


@pytest.mark.scenes
def test_it_puts_people_through(owner: Person) -> None:
    caller = Caller(owner, CUSTOMER, SEOUL)
    call = caller.our_call()
    done = ended(owner, call)
    assert (done["reason"], done["outcome"]) == ("transferred", "partial")
    assert done["result"]["transfer"]
    report = caller.is_over()
    heard = caller.heard()
    assert "reception_colleague" in heard, heard
    assert "reception_bill_answer" in heard, heard
    [transfer] = report["transfers"]
    assert transfer["is_bridged"]
    # They were told before it happened, and heard nothing of ours after it.
    assert heard.index("reception_putting_through") < heard.index("reception_colleague")
    after = owner.see(call["id"])
    assert after["reason"] == "transferred"


@pytest.mark.scenes
def test_without_a_number_for_it_nobody_is_put_through(owner: Person) -> None:
    make_line(owner.stack, CLOSED, "새벽 상담소", "--opening-hours", "{}")
    caller = Caller(owner, CUSTOMER, CLOSED)
    call = caller.our_call()
    caller.is_over()
    assert "reception_nobody_free" in caller.heard()
    done = ended(owner, call)
    assert done["result"]["transfer"] == ""
    assert done["reason"] != "transferred"


@pytest.mark.scenes
def test_words_of_goodbye_end_the_call(owner: Person) -> None:
    caller = Caller(owner, VISITOR, SEOUL)
    call = caller.our_call()
    report = caller.is_over()
    heard = caller.heard()
    assert "immigration_hours" in heard, heard
    assert "farewell" in heard[-1] or "goodbye" in heard[-1], heard
    assert report["ended_by"] != "callee", report["ended_by"]  # we have hung up
    done = ended(owner, call)
    assert done["reason"] in ("agent_finished", "goodbye_said")


@pytest.mark.scenes
def test_a_document_kept_at_twilio_is_answered(owner: Person, secret: str) -> None:
    url = owner.stack.base_url.replace("http", "ws", 1) + "/twilio/media-stream"
    document = STATIC.format(url=url, line=secret)
    caller = Caller(owner, VISITOR, SEOUL, twiml=document)
    call = caller.our_call()
    caller.is_over()
    heard = caller.heard()
    assert "reception_greeting" in heard, heard
    assert "immigration_hours" in heard, heard
    done = ended(owner, call)
    assert done["from_number"] == VISITOR
    assert done["reason"] in ("agent_finished", "goodbye_said")


@pytest.mark.scenes
def test_a_static_document_with_a_wrong_secret_is_not(
    owner: Person, secret: str
) -> None:
    url = owner.stack.base_url.replace("http", "ws", 1) + "/twilio/media-stream"
    for line, to in ((secret + "x", SEOUL), (secret, DAWN)):
        document = STATIC.format(url=url, line=line)
        caller = Caller(owner, VISITOR, to, twiml=document)
        caller.is_over(30)
        assert caller.heard() == []
    assert owner.get("/api/calls?live=1").json()["items"] == []


@pytest.mark.scenes
def test_a_closed_line_says_so_and_takes_the_message(owner: Person) -> None:
    make_line(owner.stack, CLOSED, "새벽 상담소", "--opening-hours", '{"mon": []}')
    caller = Caller(owner, PRINTER, CLOSED)
    call = caller.our_call()
    caller.is_over()
    heard = caller.heard()
    assert "reception_closed_greeting" in heard or "reception_closed" in heard, heard
    done = ended(owner, call)
    assert done["result"]["messages"]


@pytest.mark.scenes
def test_the_owner_takes_over_and_hands_back(owner: Person) -> None:
    caller = Caller(owner, VISITOR, SEOUL)
    call = caller.our_call()
    socket = owner.attach(call["id"])
    socket.send('{"type": "hello", "protocol": 1}')
    eventually(caller.heard, lambda heard: bool(heard))
    socket.send('{"type": "mode", "mode": "text"}')
    told = messages(socket, "mode")
    time.sleep(1)
    socket.send('{"type": "text", "id": "t1", "text": "One moment, please."}')
    eventually(caller.heard, lambda heard: "waiting_one_moment" in heard, 30)
    socket.send('{"type": "mode", "mode": "agent"}')
    told += messages(socket, "ended", 90)
    assert {m["mode"] for m in told if m["type"] == "mode"} >= {"text", "agent"}
    done = ended(owner, call)
    assert done["status"] == "completed"


@pytest.mark.scenes
def test_the_providers_turn_detection_serves_as_well(owner: Person) -> None:
    make_line(owner.stack, DAWN, "새벽 상담소", "--languages", "ko",
              "--turn-detection", "provider")  # fmt: skip
    try:
        caller = Caller(owner, PRINTER, DAWN)
        call = caller.our_call()
        caller.is_over(120)
        done = ended(owner, call)
        assert [m["name"] for m in done["result"]["messages"]] == ["박지영"]
        assert caller.heard()[-1] == "reception_farewell"
    finally:
        make_line(owner.stack, DAWN, "Dawn Office", "--languages", "en",
                  "--turn-detection", "local")  # fmt: skip

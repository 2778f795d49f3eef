"""A call that is held by choosing among proposed replies, through server and lab."""

import json
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from lab.speech.phrasebook import Phrasebook
from wigvo.tests.people import CLINIC, Person, eventually

pytestmark = pytest.mark.scenes

CHOSEN = [
    "clinic_request",
    "clinic_symptoms",
    "clinic_first_visit",
    "clinic_accept",
    "clinic_birth_date",
    "clinic_ask_bring",
    "common_thank_you",
]


def test_who_chooses_the_first_reply_gets_an_appointment(alice: Person) -> None:
    texts = [Phrasebook.load()[phrase_id].texts for phrase_id in CHOSEN]
    started = alice.try_to_call(CLINIC, mode="text")
    assert started.status_code == 200, started.text
    call_id = started.json()["id"]
    socket = alice.attach(call_id)
    state: dict[str, str] = {}
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and state.get(CHOSEN[-1]) != "spoken":
        try:
            frame = socket.recv(timeout=max(0.01, deadline - time.monotonic()))
        except (ConnectionClosed, TimeoutError):
            break
        message: Any = json.loads(frame) if isinstance(frame, str) else {"type": ""}
        if message["type"] == "text_status":
            state[message["id"]] = message["state"]
        if message["type"] == "suggestions":
            first = message["items"][0]
            known = [CHOSEN[n] for n, t in enumerate(texts) if t["ko"] == first["text"]]
            for phrase_id in known:  # they may have said only "hello", or "pardon"
                assert first["translation"] in texts[CHOSEN.index(phrase_id)].values()
                tap = {"id": phrase_id, "text": first["text"], "as": "callee"}
                socket.send(json.dumps({"type": "text", **tap}))
    assert state == dict.fromkeys(CHOSEN, "spoken")

    def heard() -> list[str]:
        [dialled] = alice.dialled(call_id)
        found = [one["phrase_id"] for one in dialled["heard"]]
        return [one for one in found if one in CHOSEN]

    assert eventually(heard, lambda ids: CHOSEN[-1] in ids) == CHOSEN

"""A rehearsal through server and lab: nobody is dialled, and the other side talks."""

import json
import time

import pytest

from lab.speech.phrasebook import Phrasebook, normalise
from wigvo.tests.people import RESTAURANT, Person, open_socket

BOOK = Phrasebook.load()
SAID = ("restaurant_request", "restaurant_name", "restaurant_phone", "common_goodbye")
HEARD = (
    "restaurant_answer", "restaurant_ask_name", "restaurant_ask_phone",
    "restaurant_confirm", "restaurant_see_you",
)  # fmt: skip


@pytest.mark.scenes
def test_a_table_is_booked_with_nobody(alice: Person) -> None:
    draft = alice.post(
        "/api/calls",
        {
            "to_number": RESTAURANT,
            "mode": "text",
            "caller_language": "en",
            "callee_language": "ko",
            "brief": {"goal": "Book a table."},
        },
    ).json()
    made = alice.post(f"/api/calls/{draft['id']}/rehearse").json()
    stream = alice.post(f"/api/calls/{made['id']}/start").json()["stream"]
    captions: dict[str, str] = {}
    told: list[str] = []
    with open_socket(f"{stream['url']}?ticket={stream['ticket']}") as socket:
        socket.send(json.dumps({"type": "hello", "protocol": 1, "speaks": False}))
        waiting = list(zip(SAID, HEARD, strict=False))
        is_over = False
        deadline = time.monotonic() + 120
        while not is_over and time.monotonic() < deadline:
            frame = socket.recv(timeout=60)
            if not isinstance(frame, str):
                continue
            message = json.loads(frame)
            if message["type"] == "caption" and message["leg"] == "callee":
                captions[message["utterance_id"]] = normalise(message["original"])
            if message["type"] == "ended":
                is_over = True
            is_asked = waiting and normalise(
                BOOK[waiting[0][1]].texts["ko"]
            ) in "".join(captions.values())
            if is_asked:
                phrase_id, _ = waiting.pop(0)
                told.append(phrase_id)
                text = BOOK[phrase_id].texts["en"]
                socket.send(json.dumps({"type": "text", "id": phrase_id, "text": text}))
    assert told == list(SAID)
    assert normalise(BOOK["restaurant_see_you"].texts["ko"]) in "".join(
        captions.values()
    )
    done = alice.wait_for(made["id"], "completed")
    assert done["is_rehearsal"]
    assert alice.dialled(made["id"]) == []
    engines = {part["engine"] for part in done["cost"]["parts"]}
    assert "partner" in engines
    assert not engines & {"telephone", "media_stream"}

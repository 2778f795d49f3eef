"""Every switch from one mode to another in a live call; no sentence is lost.

One walk passes all twelve switches between four modes.  It is walked while the callee
tells a story (each sentence must be in the captions) and while the caller speaks and
types (each must be heard on the telephone).
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pytest
from websockets.sync.client import ClientConnection

from lab.speech.phrasebook import Phrasebook, normalise
from lab.speech.synthesiser import Synthesiser
from lab.voices import CALLER_VOICE, CALLER_WPM
from wigvo.tests.people import LISTENER, Person, eventually, open_socket

WALK: Final = (
    "voice", "captions", "text", "agent", "voice", "text", "captions", "agent",
    "text", "voice", "agent", "captions", "voice",
)  # fmt: skip
STORYTELLER: Final = "+8225550110"
"""Nine sentences with pauses between them, whatever is said meanwhile: 35 s."""
QUESTION: Final = "hesitant_ask_way"
WORDS: Final = (
    "restaurant_request", "restaurant_name", "restaurant_phone", "restaurant_allergy",
    "restaurant_ask_parking", "clinic_request", "clinic_symptoms", "clinic_accept",
    "clinic_birth_date",
)  # fmt: skip
BOOK: Final = Phrasebook.load()
LAST: Final = normalise(BOOK["hesitant_call_out"].texts["ko"])
STEP_S: Final = 2.8
BRIEF: Final = {"goal": "Listen."}


def test_the_walk_passes_every_switch() -> None:
    switches = list(pairwise(WALK))
    assert len(set(switches)) == len(switches) == 12
    assert all(before != after for before, after in switches)


class Caller:
    """A caller's socket, read all the time."""

    def __init__(self, person: Person, number: str, language: str) -> None:
        self._person = person
        answer = person.try_to_call(
            number, mode="voice", caller_language=language, brief=BRIEF
        )
        assert answer.status_code == 200, answer.text
        started = answer.json()
        self.call_id: str = started["id"]
        stream = started["stream"]
        self._socket = open_socket(f"{stream['url']}?ticket={stream['ticket']}")
        self.told: list[dict[str, Any]] = []
        self._reading = threading.Thread(target=self._read, args=(self._socket,))
        self._reading.start()
        self.send("hello", protocol=1)

    def _read(self, socket: ClientConnection) -> None:
        for frame in socket:
            if isinstance(frame, str):
                self.told.append(json.loads(frame))

    def send(self, kind: str, **values: Any) -> None:
        self._socket.send(json.dumps({"type": kind, **values}))

    def speak(self, pcm: np.ndarray) -> None:
        """Say something into the microphone, as fast as people do."""
        due = time.monotonic()
        for start in range(0, len(pcm), 480):
            self._socket.send(pcm[start : start + 480].astype("<i2").tobytes())
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [m for m in self.told if m["type"] == kind]

    def captions(self, leg: str) -> str:
        """What this leg said, as it was written down in the end."""
        last = {m["utterance_id"]: m for m in self.of("caption") if m["leg"] == leg}
        texts = sorted(last.values(), key=lambda m: m["started_ms"])
        return normalise(" ".join(m["original"] for m in texts))

    def line(self) -> dict[str, Any]:
        """What the lab knows of the telephone's side."""
        calls = eventually(lambda: self._person.dialled(self.call_id), bool)
        return calls[0]

    def end(self) -> dict[str, Any]:
        assert not self.of("ended"), self._person.see(self.call_id)["reason"]
        self.send("end")
        self._reading.join(20)
        return self._person.wait_for(self.call_id, "completed")


def greeted(caller: Caller) -> None:
    """Wait until the callee has heard who is calling."""
    heard_of(caller, "greeting_disclosure", "greeting_relay")


def heard_of(caller: Caller, *phrase_ids: str) -> None:
    """Wait until the callee has heard one of these."""
    eventually(
        lambda: {one["phrase_id"] for one in caller.line()["heard"]},
        lambda heard: not heard.isdisjoint(phrase_ids),
        60,
    )


def hear_a_story(person: Person, language: str) -> tuple[Caller, list[str]]:
    """Switch again and again while the callee talks; what they said."""
    caller = Caller(person, STORYTELLER, language)
    greeted(caller)
    caller.send("text", id="t1", text=BOOK[QUESTION].texts[language])
    eventually(lambda: len(caller.line()["said"]), lambda n: n >= 4, 60)
    for mode in WALK[1:]:
        caller.send("mode", mode=mode)
        time.sleep(STEP_S)
    said = eventually(lambda: caller.line()["said"], lambda s: len(s) >= 11, 60)
    eventually(lambda: caller.captions("callee"), lambda t: t.endswith(LAST), 20)
    return caller, [one["text"] for one in said]


def tell(person: Person, language: str) -> tuple[Caller, list[str]]:
    """Speak or type in each mode, and switch as soon as it is out."""
    caller = Caller(person, LISTENER, language)
    greeted(caller)
    voice, words, told = Synthesiser(), list(WORDS), []
    for before, after in pairwise(WALK):
        if before != "agent":
            phrase_id = words.pop(0)
            told.append(phrase_id)
            text = BOOK[phrase_id].texts[language]
            if before == "text":
                caller.send("text", id=phrase_id, text=text)
            else:
                caller.speak(
                    voice.speak_blocking(text, language, CALLER_VOICE, CALLER_WPM)
                )
        caller.send("mode", mode=after)
        if before != "agent":
            heard_of(caller, told[-1])
    return caller, told


@pytest.mark.scenes
@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_is_lost_in_twelve_switches(
    alice: Person, bob: Person, language: str
) -> None:
    with ThreadPoolExecutor(2) as pool:
        story = pool.submit(hear_a_story, alice, language)
        telling = pool.submit(tell, bob, language)
        for caller, words in (story.result(), telling.result()):
            done = caller.end()
            modes = [m["mode"] for m in caller.of("mode")]
            assert modes == list(WALK)
            lost = [u for u in done["utterances"] if u["fate"] == "lost"]
            assert [u for u in lost if u["leg"] != "agent"] == []
            if words[0] in BOOK:
                continue  # each was waited for, and heard
            for text in words:
                assert normalise(text) in caller.captions("callee")

"""Fifty typed sentences on a real line: each is heard as it was written.

Whoever listens at the other end knows, beside each sentence, how it sounds with a digit
or a word wrong (`wrong` in realtime/tests/typed.yaml): an ear that hears the right one
has told them apart.
"""

import io
import json
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx2
import numpy as np
import pytest
import yaml

from lab.speech.listener import FRAME_MS, Listener, Segment
from lab.speech.matcher import Matcher
from lab.speech.phrasebook import Phrase, Phrasebook, normalise
from lab.speech.synthesiser import Synthesiser
from wigvo.stack import BASE_DIR
from wigvo.tests.people import LISTENER, Person, open_socket

ROWS: Final[list[dict[str, Any]]] = yaml.safe_load(
    (BASE_DIR / "realtime/tests/typed.yaml").read_text("utf-8")
)
SENTENCE_S: Final = 30.0
"""No sentence takes this long, also when it has to be read out twice."""
GREETING_S: Final = 14.0
"""So long the callee is told first who is calling."""
MISREAD: Final = (3, 11, 19)
"""Before these sentences the voice is made to get the next one wrong."""
APART_MS: Final = 500
"""Between two messages, so that the ear finds where one ends."""


def sounds() -> Matcher:
    """An ear for these sentences, and for wrong ones that are nearly the same."""
    phrases: dict[str, Phrase] = {}
    for n, row in enumerate(ROWS):
        texts = [row["ko"]["text"], *row["ko"]["wrong"]]
        for k, text in enumerate(texts):
            phrase = Phrase(f"{n}" if k == 0 else f"{n} wrong {k}", {"ko": text})
            phrases.setdefault(normalise(text), phrase)
    return Matcher(Phrasebook(list(phrases.values())), Synthesiser())


def type_all(
    person: Person, language: str, misread: tuple[int, ...] = ()
) -> tuple[str, list[dict[str, Any]], int]:
    """Type one after the other; the call, the last status of each, and the repeats.

    Before each of `misread` every voice that is there gets the next one wrong once.
    """
    started = person.call_in(LISTENER, "text", language)
    last: list[dict[str, Any]] = []
    repeated: set[str] = set()

    def is_last(message: dict[str, Any], text_id: str) -> bool:
        if message["type"] != "text_status" or message["id"] != text_id:
            return False
        if message["state"] == "repeating":
            repeated.add(text_id)
        return message["state"] in ("spoken", "mismatch", "failed")

    stream = started["stream"]
    with open_socket(f"{stream['url']}?ticket={stream['ticket']}") as socket:
        socket.send(json.dumps({"type": "hello", "protocol": 1, "speaks": False}))
        wait_for(socket, lambda m: m["type"] == "caption" and m["leg"] == "callee")
        time.sleep(GREETING_S)
        for n, row in enumerate(ROWS):
            if n in misread:
                person.cause("engine.misread", session="realtime", times=1, live=True)
            message = {"type": "text", "id": f"t{n}", "text": row[language]["text"]}
            socket.send(json.dumps(message))
            last.append(wait_for(socket, lambda m, n=n: is_last(m, f"t{n}")))
            time.sleep(APART_MS / 1000)
        socket.send(json.dumps({"type": "end"}))
    person.wait_for(started["id"], "completed")
    return started["id"], last, len(repeated)


def wait_for(socket: Any, is_it: Any) -> dict[str, Any]:
    """Read messages until the one that is waited for."""
    deadline = time.monotonic() + SENTENCE_S
    while time.monotonic() < deadline:
        frame = socket.recv(timeout=SENTENCE_S)
        if isinstance(frame, str):
            message: dict[str, Any] = json.loads(frame)
            if is_it(message):
                return message
    raise AssertionError("it did not come")


def heard(person: Person, call_id: str, ear: Matcher) -> list[str]:
    """What the callee heard after the greeting: the nearest phrase of each stretch."""
    [call] = person.dialled(call_id)
    url = f"{person.stack.lab_url}/lab/calls/{call['sid']}/audio?side=heard"
    with wave.open(io.BytesIO(httpx2.get(url, trust_env=False).content)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    listener = Listener(ear)
    found = [*listener.collect(pcm), *listener.collect_rest()]
    stretches = join([one for one in found if len(one.pcm)])
    nearest = [ear.candidates(one.pcm, frozenset({"ko"})) for one in stretches]
    return [ranked[0].phrase.id if ranked else "nothing" for ranked in nearest]


def join(stretches: list[Segment]) -> list[Segment]:
    """A comma is a pause as well: put together what is nearer than two messages."""
    joined: list[Segment] = []
    for one in stretches:
        before = joined[-1] if joined else None
        if before is not None and one.started_ms - before.ended_ms < APART_MS:
            gap = max(0, one.first_ms - before.first_ms - len(before.pcm) // 8)
            quiet = np.zeros(gap * 8, np.int16)
            joined[-1] = Segment(
                np.concatenate([before.pcm, quiet, one.pcm]),
                (*before.quiet, *(True for _ in range(gap // FRAME_MS)), *one.quiet),
                before.first_ms,
                before.started_ms,
                one.ended_ms,
            )
        else:
            joined.append(one)
    return joined


@pytest.mark.scenes
def test_fifty_sentences_are_heard_word_for_word(alice: Person, bob: Person) -> None:
    ear = sounds()
    ear.prepare()
    with ThreadPoolExecutor(2) as pool:
        translated = pool.submit(type_all, alice, "en", MISREAD)
        typed = pool.submit(type_all, bob, "ko")
        results = {"en": translated.result(), "ko": typed.result()}
    assert 2 * len(ROWS) == 50
    for person, language in ((alice, "en"), (bob, "ko")):
        call_id, last, n_repeated = results[language]
        if language == "en":
            assert n_repeated >= len(MISREAD)
        assert [m["state"] for m in last] == ["spoken"] * len(ROWS), language
        everything = heard(person, call_id, ear)
        sentences = everything[-len(ROWS) :]
        assert sentences == [str(n) for n in range(len(ROWS))], language

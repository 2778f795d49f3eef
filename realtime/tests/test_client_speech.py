"""What a client says of its microphone: believed where that costs no word."""

from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.events import Leg
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_session import Rehearsal, make_live

OVER = ev.CallerSpeech(is_over=True)


def caller_says(r: Rehearsal, pcm: np.ndarray) -> None:
    """Let the microphone send sound, 20 ms at a time: int16 at 8 kHz."""
    for start in range(0, len(pcm) // 160 * 160, 160):
        r.do(ev.CallerAudio(pcm[start : start + 160].repeat(3)))
        r.frames(1)


def of_caller(r: Rehearsal, kind: type[Any]) -> list[Any]:
    return [a for a in r.of(kind) if a.leg is Leg.CALLER]


def fed(r: Rehearsal) -> float:
    return r.fed_ms(Leg.CALLER)


@pytest.mark.parametrize("engine", ["interpret", "transcribe"])
def test_letting_the_key_go_ends_the_turn_at_once(engine: str) -> None:
    written: dict[str, Any] = {"caller_language": "ko", "callee_engine": "transcribe"}
    r = make_live(caller_engine=engine, **(written if engine == "transcribe" else {}))
    caller_says(r, np.concatenate([noise(1, 30), sentence(1.2)]))
    assert not of_caller(r, act.CommitTurn)
    r.do(OVER)  # in the middle of a word, as far as the sound goes
    assert len(of_caller(r, act.CommitTurn)) == 1
    assert len(of_caller(r, act.AnswerTurn)) == (engine == "interpret")
    caller_says(r, np.zeros(16_000, np.int16))
    assert len(of_caller(r, act.CommitTurn)) == 1
    assert len(of_caller(r, act.AnswerTurn)) == (engine == "interpret")


def test_the_next_press_is_another_turn() -> None:
    r = make_live(caller_engine="interpret")
    for n in (1, 2):
        caller_says(r, np.concatenate([noise(1, 30), sentence(1.2)]))
        r.do(OVER)
        assert len(of_caller(r, act.AnswerTurn)) == n
        caller_says(r, np.zeros(3200, np.int16))


def test_who_goes_on_after_the_word_loses_nothing() -> None:
    r = make_live(caller_engine="interpret")
    whole = sentence(2.4)
    caller_says(r, np.concatenate([noise(1, 30), whole[:9600]]))
    r.do(OVER)
    before_ms = fed(r)
    caller_says(r, np.concatenate([whole[9600:], noise(1, 30)]))
    commits = of_caller(r, act.CommitTurn)
    assert len(commits) == 2
    assert len({c.utterance_id for c in commits}) == 2
    assert fed(r) - before_ms >= 1200
    assert len(of_caller(r, act.AnswerTurn)) == 2


def test_detection_of_the_client_only_writes_down_sooner() -> None:
    r = make_live(caller_engine="interpret")
    caller_says(r, np.concatenate([noise(1, 30), sentence(1.2)]))
    r.do(ev.CallerSpeech(is_over=True, is_own_word=False))
    assert len(of_caller(r, act.CommitTurn)) == 1
    assert not of_caller(r, act.AnswerTurn)  # they may only be thinking
    caller_says(r, noise(1, 30))
    assert len(of_caller(r, act.AnswerTurn)) == 1


def test_a_word_without_speech_means_nothing() -> None:
    r = make_live(caller_engine="interpret")
    r.do(ev.CallerSpeech(is_over=False))
    r.do(OVER)
    caller_says(r, noise(1, 30))
    r.do(OVER)
    assert not of_caller(r, act.CommitTurn)
    assert not of_caller(r, act.AnswerTurn)


def test_a_simultaneous_engine_gets_what_was_held_for_it() -> None:
    r = make_live()
    caller_says(r, np.concatenate([noise(1, 30), sentence(1.0)]))
    r.do(OVER)
    assert not of_caller(r, act.CommitTurn)
    assert r.session._sides[Leg.CALLER].waiting_ms == 0


def test_without_a_microphone_not_even_silence_is_paid_for() -> None:
    r = make_live()
    r.do(ev.CallerSpeaks(speaks=False))
    r.frames(700)  # the engine says the rest of what it has heard
    before_ms = fed(r)
    r.frames(200)
    assert fed(r) == before_ms
    caller_says(r, sentence(1.0))  # sound is a microphone, whatever was said of it
    assert fed(r) - before_ms >= 900
    r.do(ev.CallerSpeaks(speaks=True))
    before_ms = fed(r)
    r.frames(100)
    assert fed(r) - before_ms >= 1500

"""What a recogniser wrote where nobody spoke is taken back; what was said stays."""

from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.config import CallConfig
from realtime.events import Leg
from realtime.protocols import browser
from realtime.sides import Side
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_modes import tone
from realtime.tests.test_session import Rehearsal, make_live
from realtime.tests.test_turns import hear
from realtime.text.captions import Caption

SIGN_OFF = "시청해 주셔서 감사합니다."
CONFIG = CallConfig(call_id="c", caller_language="en", callee_language="ko")


def guardrails(r: Rehearsal) -> list[tuple[str, str]]:
    return [(m.level, m.action) for m in r.told(browser.Guardrail)]


def shown(r: Rehearsal) -> list[tuple[str, Any]]:
    return [(m.original, m.state) for m in r.told(browser.Caption)]


def blip() -> np.ndarray:
    """Return a bit of voice: enough for the detector, too short for a sentence."""
    return sentence(0.3)


# --- The memory ----------------------------------------------------------------------


def remembered(*parts: np.ndarray) -> Side:
    side, at_ms = Side(Leg.CALLEE, CONFIG, 1), 0
    line = np.concatenate(parts)
    for start in range(0, len(line), 160):
        at_ms += 20
        change = side.detector.push(line[start : start + 160])
        side.witness.note(at_ms, side.detector, change)
    return side


def test_it_knows_how_long_somebody_spoke_and_when() -> None:
    witness = remembered(noise(2), sentence(1.5), noise(2)).witness
    during = witness.heard(1500, 4000)
    assert 1000 <= during.speech_ms <= 1700
    assert during.over_floor is not None
    assert during.over_floor > 4
    before = witness.heard(600, 1500)
    assert before.speech_ms == 0
    assert before.over_floor is not None
    assert before.over_floor < 1.5


def test_what_it_has_not_heard_it_does_not_take_for_silence() -> None:
    witness = remembered(noise(2)).witness
    assert witness.heard(50_000, 60_000).over_floor is None


@pytest.mark.parametrize("text", ["네.", "Thank you.", "감사합니다."])
@pytest.mark.parametrize("parts", [(noise(3), blip(), noise(1)), (noise(4),)])
def test_what_people_say_softly_always_stays(
    text: str, parts: tuple[np.ndarray, ...]
) -> None:
    side = remembered(*parts)
    caption = Caption("callee-1", Leg.CALLEE, 2800, original=text, original_final=True)
    assert side.witness.judge(caption, 4000, has_name=True).text == text


# --- In a call -----------------------------------------------------------------------


def test_a_sign_off_into_noise_is_never_seen() -> None:
    r = make_live()
    hear(r, noise(3, 30))
    r.do(ev.SourceText(Leg.CALLEE, SIGN_OFF))
    hear(r, noise(4, 30))
    assert shown(r) == []
    assert guardrails(r) == [("invented", "suppressed")]
    [event] = [e.data for e in r.of(act.RecordEvent) if e.kind == "guardrail"]
    assert event["utterance_id"].startswith("callee-")
    assert SIGN_OFF not in str(event)
    assert not r.of(act.StoreUtterance)
    assert r.session.snapshot()[-1:] == [browser.ModeChanged("voice")]


def test_what_was_seen_of_it_is_taken_away() -> None:
    r = make_live()
    hear(r, noise(3, 30))
    for part in ("시청해 주셔서", " 감사합니다."):
        r.do(ev.SourceText(Leg.CALLEE, part))
    assert shown(r) == [("시청해 주셔서", browser.UNSET), ("", "withdrawn")]


def test_nothing_of_it_is_spoken_and_nothing_else_is_lost() -> None:
    r = make_live(caller_language="ko", callee_language="en")
    r.frames(100)
    r.do(ev.SourceText(Leg.CALLER, SIGN_OFF))
    r.do(ev.TargetText(Leg.CALLER, "Thank you for watching."))
    r.do(ev.EngineAudio(Leg.CALLER, tone(500)))
    r.frames(40)
    assert not r.phone_bytes()
    for start in range(0, 12_000, 160):  # now they really speak
        r.do(ev.CallerAudio(sentence(1.5)[start : start + 160].repeat(3)))
        r.frames(1)
    r.do(ev.SourceText(Leg.CALLER, "네 명이요."))
    r.do(ev.EngineAudio(Leg.CALLER, tone(400)))
    r.frames(40)
    assert len(r.phone_bytes()) >= 400 * 8


def test_who_had_the_time_to_say_it_has_said_it() -> None:
    r = make_live()
    hear(r, noise(1, 30))
    hear(r, sentence(1.6))
    r.do(ev.SourceText(Leg.CALLEE, SIGN_OFF))
    hear(r, noise(4, 30))
    assert guardrails(r) == []
    assert (SIGN_OFF, browser.UNSET) in shown(r)


def test_a_text_under_the_wrong_name_is_not_doubted() -> None:
    r = make_live()
    hear(r, noise(1, 30))
    hear(r, sentence(1.6))
    hear(r, noise(1.0, 30))
    hear(r, blip())  # the engine is late: the text comes after this
    r.do(ev.SourceText(Leg.CALLEE, SIGN_OFF))
    assert guardrails(r) == []


def test_more_words_bring_it_back() -> None:
    r = make_live()
    hear(r, noise(3, 30))
    r.do(ev.SourceText(Leg.CALLEE, SIGN_OFF))
    r.do(ev.SourceText(Leg.CALLEE, " 내일 두 시에 오세요."))
    assert shown(r)[-1] == (f"{SIGN_OFF} 내일 두 시에 오세요.", browser.UNSET)


def test_by_turns_it_is_not_even_interpreted() -> None:
    r = make_live(callee_engine="interpret")
    hear(r, noise(1, 30))
    hear(r, blip())
    hear(r, noise(0.58, 30))
    about = r.of(act.CommitTurn)[-1].utterance_id
    r.do(ev.SourceText(Leg.CALLEE, SIGN_OFF, about, is_whole=True))
    hear(r, noise(2, 30))
    assert guardrails(r) == [("invented", "suppressed")]
    assert not r.of(act.AnswerTurn)


def test_what_the_callee_has_heard_already_is_kept() -> None:
    r = make_live(caller_language="ko", callee_language="en", caller_engine="interpret")
    r.frames(50)
    for start in range(0, 4000, 160):
        r.do(ev.CallerAudio(sentence(0.5)[start : start + 160].repeat(3)))
        r.frames(1)
    r.frames(80)
    about = r.of(act.CommitTurn)[-1].utterance_id
    r.do(ev.EngineAudio(Leg.CALLER, tone(600), about))
    r.frames(20)  # its text has not come, and is waited for
    long_one = "구독과 좋아요, 알림 설정까지 꼭 부탁드립니다. " + SIGN_OFF
    r.do(ev.SourceText(Leg.CALLER, long_one, about, is_whole=True))
    assert guardrails(r) == [("invented", "kept")]
    r.frames(40)
    assert len(r.phone_bytes()) >= 600 * 8
    assert shown(r)[-1][0] == long_one


def test_the_same_words_over_and_over_are_kept_once() -> None:
    r = make_live(callee_engine="transcribe", caller_language="ko")
    hear(r, noise(1, 30))
    hear(r, blip())
    hear(r, noise(0.58, 30))
    about = r.of(act.CommitTurn)[-1].utterance_id
    text = "감사합니다. " * 6
    r.do(ev.SourceText(Leg.CALLEE, text, about, is_whole=True))
    r.do(ev.SourceDone(Leg.CALLEE, about))
    r.do(ev.TargetDone(Leg.CALLEE, (about,)))
    assert guardrails(r) == [("invented", "shortened")]
    [kept] = r.of(act.StoreUtterance)
    assert kept.original == "감사합니다."

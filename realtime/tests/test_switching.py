"""Each mode to each other mode, in the middle of things: no sentence is lost."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent import messages as msg
from realtime.agent.brief import Brief
from realtime.agent.seat import AgentPlan
from realtime.events import Leg
from realtime.modes import modes_of
from realtime.protocols import browser
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_session import Rehearsal, make_live, sound
from realtime.tests.test_turns import hear

pytestmark = pytest.mark.slow

PLAN = AgentPlan(Brief(goal="A table"), "2026-11-21 Saturday")
TWO: dict[str, Any] = {}
ONE: dict[str, Any] = {
    "caller_language": "ko",
    "caller_engine": "transcribe",
    "callee_engine": "transcribe",
}
LANGUAGES = pytest.mark.parametrize("languages", [TWO, ONE], ids=["two", "one"])
MODES = modes_of("en", "ko", has_agent=True)
PAIRS = list(permutations(MODES, 2))
SWITCHES = pytest.mark.parametrize(("before", "after"), PAIRS)


def make(before: str, languages: dict[str, Any]) -> Rehearsal:
    r = make_live(mode=before, plan=PLAN, **languages)
    for leg in Leg:  # also those that only another mode needs
        r.do(ev.EngineReady(leg))
    if before == "agent":
        hear(r, noise(1, 30))
    r.actions.clear()
    return r


def switch(r: Rehearsal, mode: str) -> None:
    r.do(ev.ModeAsked(mode))
    for action in r.of(act.OpenEngine):
        r.do(ev.EngineReady(action.leg))


def fates(r: Rehearsal) -> dict[str, tuple[str, str]]:
    """What was stored: utterance → its words in the callee's ear, and its fate."""
    return {
        a.utterance_id: (a.translation or a.original, a.fate)
        for a in r.of(act.StoreUtterance)
    }


@LANGUAGES
@SWITCHES
def test_what_the_callee_is_saying(
    before: str, after: str, languages: dict[str, Any]
) -> None:
    r = make(before, languages)
    words = sentence(2.0)
    hear(r, words[:8000])
    switch(r, after)
    hear(r, words[8000:])
    hear(r, noise(1.5, 30))
    fed = np.concatenate(
        [a.pcm for a in r.of(act.FeedEngine) if a.leg is Leg.CALLEE] or [sound(0)]
    )
    spoken_ms = np.count_nonzero(np.abs(fed) > 500) / 24
    whole = make(before, languages)
    hear(whole, words)
    hear(whole, noise(1.5, 30))
    expected = np.concatenate(
        [a.pcm for a in whole.of(act.FeedEngine) if a.leg is Leg.CALLEE]
    )
    assert spoken_ms == pytest.approx(
        np.count_nonzero(np.abs(expected) > 500) / 24, abs=5
    )
    uid = next(
        (a.utterance_id for a in r.of(act.CommitTurn) if a.leg is Leg.CALLEE), None
    )
    r.do(ev.SourceText(Leg.CALLEE, "네, 일곱 시요.", uid))
    if languages:
        assert uid is not None
        r.do(ev.SourceDone(Leg.CALLEE, uid))
        r.do(ev.TargetDone(Leg.CALLEE, (uid,)))
    else:
        r.do(ev.TargetText(Leg.CALLEE, "Yes, seven."))
    hear(r, noise(3, 30))
    [(words_kept, fate)] = fates(r).values()
    assert words_kept in ("네, 일곱 시요.", "Yes, seven.")
    assert fate in ("delivered", "caption_only")


@pytest.mark.parametrize(
    ("before", "after"), [pair for pair in PAIRS if MODES[pair[0]].has_microphone]
)
def test_what_the_callee_is_being_told(before: str, after: str) -> None:
    r = make(before, TWO)
    told = (7000 * np.sin(np.arange(24 * 1600) / 9)).astype(np.int16)
    for _ in range(60):
        r.do(ev.CallerAudio(sound(20)))
        r.frames(1)
    r.do(ev.TargetText(Leg.CALLER, "두 명 자리"))
    r.do(ev.EngineAudio(Leg.CALLER, told[: 24 * 800]))
    r.frames(10)
    switch(r, after)
    r.do(ev.TargetText(Leg.CALLER, " 예약하고 싶어요."))
    r.do(ev.EngineAudio(Leg.CALLER, told[24 * 800 :]))
    r.frames(200)
    played = np.frombuffer(r.phone_bytes(), np.uint8)
    assert np.count_nonzero(played != 0xFF) >= 0.95 * 1600 * 8
    assert not r.of(act.SendClear)
    kept = [(words, fate) for words, fate in fates(r).values() if "예약하고" in words]
    assert kept == [("두 명 자리 예약하고 싶어요.", "delivered")]


@LANGUAGES
@pytest.mark.parametrize(
    ("before", "after"), [pair for pair in PAIRS if MODES[pair[0]].can_type]
)
def test_what_was_typed(before: str, after: str, languages: dict[str, Any]) -> None:
    r = make(before, languages)
    r.do(ev.TextTyped("t1", "두 명이요." if languages else "Two of us."))
    if not languages:
        r.do(ev.TextTranslated("t1", "두 명이요."))
    switch(r, after)
    r.do(ev.TextRendered("t1", sound(700), "두 명이요.", is_verbatim=True))
    r.frames(80)
    assert r.told(browser.TextStatus)[-1].state == "spoken"
    [(words, fate)] = [row for row in fates(r).values() if "두 명" in row[0]]
    assert (words, fate) == ("두 명이요.", "delivered")


@LANGUAGES
@pytest.mark.parametrize("after", ["voice", "captions", "text"])
def test_what_the_agent_is_saying_stops_and_is_shown_as_cut(
    after: str, languages: dict[str, Any]
) -> None:
    r = make("agent", languages)
    r.do(ev.AgentText("두 명 자리를 예약하고 싶습니다.", "agent-1"))
    r.do(ev.AgentAudio(sound(4000), "agent-1"))
    r.do(
        ev.AgentSpoke("agent-1", is_spoken=True, text="두 명 자리를 예약하고 싶습니다.")
    )
    r.frames(30)
    switch(r, after)
    r.frames(100)
    # Whoever takes over wants to be heard now: the rest is not said, and they see it.
    unheard = r.told(browser.Unheard)[-1]
    assert (unheard.state, bool(unheard.text)) == ("discarded", True)
    for asked in r.of(act.InterpretText):  # what it said is shown in their language
        r.do(ev.TextInterpreted(Leg.AGENT, asked.utterance_ids, "A table for two."))
    assert [fate for _, fate in fates(r).values()] == ["lost"]


@LANGUAGES
@SWITCHES
def test_there_and_back_changes_nothing(
    before: str, after: str, languages: dict[str, Any]
) -> None:
    r = make(before, languages)
    switch(r, after)
    r.frames(20)
    switch(r, before)
    hear(r, sentence(1.2))
    hear(r, noise(1.5, 30))
    assert r.fed_ms(Leg.CALLEE) > 1200
    assert [m.mode for m in r.told(browser.ModeChanged)] == [after, before]
    assert not r.told(browser.Problem)


def test_what_the_callee_heard_in_the_callers_own_voice_stays_heard() -> None:
    r = make("captions", ONE)
    for frame in np.split(sentence(1.6)[: 80 * 160], 80):
        r.do(ev.CallerAudio(np.repeat(frame, 3)))
        r.frames(1)
    for _ in range(40):
        r.do(ev.CallerAudio(sound(20, 0)))
        r.frames(1)
    switch(r, "text")
    [commit] = [a for a in r.of(act.CommitTurn) if a.leg is Leg.CALLER]
    r.do(ev.SourceText(Leg.CALLER, "제 이름은 존입니다.", commit.utterance_id))
    r.do(ev.SourceDone(Leg.CALLER, commit.utterance_id))
    r.do(ev.TargetDone(Leg.CALLER, (commit.utterance_id,)))
    r.frames(10)
    assert list(fates(r).values()) == [("제 이름은 존입니다.", "delivered")]


def test_an_agent_that_comes_in_later_says_what_it_is_and_goes_on() -> None:
    r = Rehearsal(mode="voice", plan=PLAN)
    r.do(ev.EngineReady(Leg.CALLEE))
    r.do(ev.CallerAttached())
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    hear(r, noise(1, 30))
    hear(r, sentence(1.2))
    r.do(ev.SourceText(Leg.CALLEE, "네, 여보세요."))
    r.do(ev.TargetText(Leg.CALLEE, "Yes, hello."))
    hear(r, noise(3, 30))
    switch(r, "agent")
    commands = [a.command for a in r.of(act.CommandAgent)]
    texts = [c.text for c in commands if isinstance(c, msg.Remember)]
    assert "네, 여보세요." in texts[0]
    assert "AI assistant" in texts[-1]
    assert isinstance(commands[-1], msg.Respond)


def test_the_agent_begins_when_what_was_typed_before_has_been_heard() -> None:
    r = make("text", TWO)
    r.do(ev.TextTyped("t1", "Two of us."))
    switch(r, "agent")
    r.do(ev.TextTranslated("t1", "두 명이요."))
    r.frames(20)
    assert not r.of(act.CommandAgent)
    r.do(ev.TextRendered("t1", sound(700), "두 명이요.", is_verbatim=True))
    r.frames(80)
    commands = [a.command for a in r.of(act.CommandAgent)]
    assert isinstance(commands[-1], msg.Respond)

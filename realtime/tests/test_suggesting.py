"""Replies to choose from: what is asked, and what the caller gets to see."""

from typing import Any

import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent.brief import Brief
from realtime.agent.seat import AgentPlan
from realtime.events import Leg, Suggested
from realtime.protocols import browser
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_session import Rehearsal, make_live
from realtime.tests.test_turns import hear

ITEMS = (("네 명이요.", "Four people."), ("두 명입니다.", "Two."))


def callee_says(r: Rehearsal, text: str, seconds: float = 1.2) -> str:
    """Let the callee say something; its utterance."""
    hear(r, noise(0.6, 30))
    hear(r, sentence(seconds))
    hear(r, noise(0.6, 30))
    r.do(ev.SourceText(Leg.CALLEE, text))
    hear(r, noise(1.4, 30))
    return str(r.told(browser.Caption)[-1].utterance_id)


def asked(r: Rehearsal) -> list[Any]:
    return r.of(act.Suggest)


def shown(r: Rehearsal) -> list[Any]:
    return r.told(browser.Suggestions)


def test_replies_are_asked_for_when_all_is_written() -> None:
    r = make_live()
    r.do(ev.TextTyped("t1", "A table, please."))
    about = callee_says(r, "몇 분이세요?")
    [suggest] = asked(r)
    assert suggest.utterance_id == about
    assert suggest.turns == (
        ("caller", "A table, please."),
        ("callee", "몇 분이세요?"),
    )
    r.do(Suggested(about, ITEMS))
    [told] = shown(r)
    assert told.utterance_id == about
    assert [(i.text, i.translation) for i in told.items] == list(ITEMS)
    back = [m for m in r.session.snapshot() if isinstance(m, browser.Suggestions)]
    assert back == [told]


def test_newer_words_take_the_place_of_older_ones() -> None:
    r = make_live()
    first = callee_says(r, "몇 분이세요?")
    second = callee_says(r, "성함이 어떻게 되세요?")
    assert [a.utterance_id for a in asked(r)] == [first, second]
    r.do(Suggested(first, ITEMS))
    assert not shown(r)
    r.do(Suggested(second, ITEMS))
    assert [m.utterance_id for m in shown(r)] == [second]


@pytest.mark.parametrize("way", ["type", "speak"])
def test_who_answers_already_needs_no_replies(way: str) -> None:
    r = make_live()
    about = callee_says(r, "몇 분이세요?")
    if way == "type":
        r.do(ev.TextTyped("t1", "Four."))
    else:
        for start in range(0, 8000, 160):
            pcm = sentence(1.0)[start : start + 160].repeat(3)
            r.do(ev.CallerAudio(pcm))
            r.frames(1)
        assert any(m.leg == "caller" for m in r.told(browser.Speaking))
    r.do(Suggested(about, ITEMS))
    assert not shown(r)
    assert not any(isinstance(m, browser.Suggestions) for m in r.session.snapshot())


def test_a_word_that_only_follows_needs_no_reply() -> None:
    r = make_live()
    callee_says(r, "네.", 0.5)
    assert not asked(r)


def test_nobody_is_asked_where_nobody_would_see_or_say_it() -> None:
    r = make_live()
    r.do(ev.CallerLost())
    callee_says(r, "몇 분이세요?")
    r.do(ev.CallerAttached())
    r.do(ev.SpendKnown(0.9, 1.0))
    callee_says(r, "여보세요, 몇 분이세요?")
    assert not asked(r)
    agent = make_live(plan=AgentPlan(Brief(goal="A table")), mode="agent")
    callee_says(agent, "몇 분이세요?")
    assert not asked(agent)
    agent.do(ev.ModeAsked("text"))
    callee_says(agent, "성함이 어떻게 되세요?")
    assert len(asked(agent)) == 1
    assert agent.of(act.PreparePhrases)


def test_replies_that_could_not_be_made_are_only_noted() -> None:
    r = make_live()
    about = callee_says(r, "몇 분이세요?")
    r.do(Suggested(about, (), "timeout"))
    assert not shown(r)
    assert not r.told(browser.Problem)
    assert [
        e.data for e in r.of(act.RecordEvent) if e.kind == "suggestions_failed"
    ] == [{"code": "timeout"}]


def test_what_nobody_should_say_is_not_proposed() -> None:
    r = make_live()
    about = callee_says(r, "몇 분이세요?")
    r.do(Suggested(about, (("씨발.", "Damn."), ("네 명 있어.", "Four."), *ITEMS[:1])))
    [told] = shown(r)
    assert [i.text for i in told.items] == ["네 명 있어요.", "네 명이요."]


def test_in_one_language_there_is_one_text() -> None:
    r = make_live(
        caller_language="ko", caller_engine="transcribe", callee_engine="transcribe"
    )
    hear(r, sentence(1.2))
    hear(r, noise(1.0, 30))
    about = r.of(act.CommitTurn)[-1].utterance_id
    r.do(ev.SourceText(Leg.CALLEE, "무슨 색으로 할까요?", about, is_whole=True))
    r.do(ev.SourceDone(Leg.CALLEE, about))
    assert [a.utterance_id for a in asked(r)] == [about]
    r.do(Suggested(about, (("빨간색이요.", ""),)))
    [told] = shown(r)
    assert [(i.text, i.translation) for i in told.items] == [
        ("빨간색이요.", "빨간색이요.")
    ]

"""The agent in a live call: it hears, speaks, is interrupted, asked, taken over."""

import json
from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent import messages as msg
from realtime.agent.brief import Brief
from realtime.agent.seat import AgentPlan
from realtime.audio.g711 import SILENCE_FRAME
from realtime.events import NO_SOUND, Leg, Line
from realtime.protocols import browser
from realtime.session import Phase
from realtime.tests.sounds import sentence
from realtime.tests.test_session import Rehearsal, make_live, sound
from realtime.tests.test_turns import hear

PLAN = AgentPlan(Brief(goal="A table"), "2026-11-21 Saturday")


def make_agent_call(**options: Any) -> Rehearsal:
    return make_live(mode="agent", plan=PLAN, **options)


def commands(r: Rehearsal, kind: type[Any]) -> list[Any]:
    found = [a.command for a in r.of(act.CommandAgent)]
    return [c for c in found if isinstance(c, kind)]


def say(
    r: Rehearsal, text: str = "안녕하세요.", ms: int = 600, uid: str = "agent-1"
) -> None:
    """The model says something, faster than it is played."""
    uid = "agent-1"
    r.do(ev.AgentText(text, uid))
    r.do(ev.AgentAudio(sound(ms), uid))
    r.do(ev.AgentSpoke(uid, is_spoken=True, text=text))


def call_tool(r: Rehearsal, tool: str, /, **arguments: Any) -> None:
    r.do(ev.ToolCalled("c1", tool, json.dumps(arguments)))
    r.do(ev.AgentSpoke("", is_spoken=False, has_called=True))


def captions(r: Rehearsal) -> list[browser.Caption]:
    return [m for m in r.told(browser.Caption) if m.leg == "agent"]


@pytest.fixture
def r() -> Rehearsal:
    """The callee has said hello, and the agent is answering."""
    r = make_agent_call()
    hear(r, sentence(1.2))
    r.frames(60)
    return r


def test_a_long_sentence_is_said_as_it_was_spoken_and_is_not_late(
    r: Rehearsal,
) -> None:
    r.actions.clear()
    say(r, "네 명이 앉을 수 있는 자리를 예약하고 싶습니다.", 8000)
    r.frames(500)
    payload = r.phone_bytes()
    frames = [payload[i : i + 160] for i in range(0, len(payload), 160)]
    assert sum(frame != SILENCE_FRAME for frame in frames) == 8000 // 20
    assert "playout_behind" not in [m.code for m in r.told(browser.Warn)]


def test_it_hears_the_callee_turn_by_turn_and_nobody_else(r: Rehearsal) -> None:
    assert r.session.open_legs() == [Leg.CALLEE, Leg.AGENT]
    assert r.fed_ms(Leg.AGENT) > 1200
    [commit] = [a for a in r.of(act.CommitTurn) if a.leg is Leg.AGENT]
    [respond] = commands(r, msg.Respond)
    assert respond.utterance_ids == (commit.utterance_id,)
    assert r.fed_ms(Leg.CALLEE) > 1200  # the captions go on
    for _ in range(20):
        r.do(ev.CallerAudio(sound(20)))
        r.frames(1)
    assert r.fed_ms(Leg.CALLER) == 0


def test_it_introduces_itself_instead_of_our_greeting() -> None:
    r = Rehearsal(mode="agent", plan=PLAN)
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(160)  # 3.2 s in which nobody speaks
    assert commands(r, msg.Respond) == [msg.Respond()]
    assert Line.GREETING not in [a.line for a in r.of(act.RenderLine)]


def test_recording_is_asked_for_after_it_has_introduced_itself() -> None:
    r = Rehearsal(mode="agent", plan=PLAN, is_recorded=True, tells_of_recording=True)
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    r.do(ev.LineRendered(Line.RECORDING, "q", sound(400)))
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(200)
    assert not r.phone_bytes()
    say(r)
    r.frames(20)
    assert not [e for e in r.of(act.RecordEvent) if e.kind == "line_spoken"]
    r.frames(60)
    [asked] = [e for e in r.of(act.RecordEvent) if e.kind == "line_spoken"]
    assert (asked.data["line"], asked.data["is_complete"]) == ("recording", True)
    introduced = r.told(browser.Playback)[-1]
    assert introduced.played_ms == 600
    assert len(r.phone_bytes()) >= (600 + 400) * 8


def test_what_it_says_is_heard_by_both_and_kept(r: Rehearsal) -> None:
    say(r)
    r.frames(60)
    assert len(r.phone_bytes()) >= 600 * 8
    heard = np.concatenate([NO_SOUND, *(a.pcm for a in r.of(act.SendCallerAudio))])
    assert np.abs(heard).max() > 3000  # the caller hears it as well
    last = captions(r)[-1]
    assert (last.original, last.original_final) == ("안녕하세요.", True)
    assert not last.translation_final  # it is being translated for who reads along
    [asked] = r.of(act.InterpretText)
    assert (asked.leg, asked.text, asked.speaks) == (Leg.AGENT, "안녕하세요.", False)
    r.do(ev.TextInterpreted(Leg.AGENT, asked.utterance_ids, "Hello."))
    last = captions(r)[-1]
    assert (last.translation, last.translation_final) == ("Hello.", True)
    [kept] = [a for a in r.of(act.StoreUtterance) if a.leg is Leg.AGENT]
    assert (kept.original, kept.fate) == ("안녕하세요.", "delivered")
    assert kept.translation == "Hello."
    assert r.told(browser.Playback)[-1].utterance_id == last.utterance_id


def test_an_interruption_cuts_it_and_nothing_is_said_again(r: Rehearsal) -> None:
    say(r, ms=4000)
    r.frames(30)
    r.actions.clear()
    voice = sentence(1.2)
    hear(r, voice[: 8 * 140])
    r.do(ev.SourceText(Leg.CALLEE, "잠깐만요, 뭐라고요?"))
    hear(r, voice[8 * 140 :])
    [cut] = [a for a in r.of(act.TruncateTurn) if a.leg is Leg.AGENT]
    assert cut.utterance_id == "agent-1"
    assert 300 <= cut.heard_ms <= 1200
    assert [m.state for m in r.told(browser.Unheard)] == ["held", "discarded"]
    r.actions.clear()
    r.frames(100)
    assert commands(r, msg.Respond)
    assert not r.of(act.SendFrame)


def test_who_only_follows_is_not_answered(r: Rehearsal) -> None:
    say(r, ms=6000)
    r.frames(30)
    r.actions.clear()
    hear(r, sentence(1.2)[: 8 * 400])
    r.frames(10)
    r.do(ev.SourceText(Leg.CALLEE, "네."))
    r.frames(100)
    assert not commands(r, msg.Respond)


def test_a_question_goes_to_the_caller_and_the_answer_to_the_model(
    r: Rehearsal,
) -> None:
    call_tool(r, "ask_owner", question="Half past?")
    [question] = r.told(browser.Question)
    assert (question.text, question.expires_ms) == ("Half past?", 30_000)
    r.frames(5)
    assert len(r.phone_bytes()) > 0  # one moment, please
    again = [m for m in r.session.snapshot() if isinstance(m, browser.Question)]
    assert again[0].expires_ms < 30_000
    r.do(ev.QuestionAnswered(question.question_id, "Yes"))
    [output] = commands(r, msg.GiveOutput)
    assert json.loads(output.output) == {"answer": "Yes"}
    assert r.of(act.StoreResult)[-1].result["questions"][0]["answer"] == "Yes"


def test_without_an_answer_time_decides(r: Rehearsal) -> None:
    call_tool(r, "ask_owner", question="Half past?")
    r.frames(1600)
    [output] = commands(r, msg.GiveOutput)
    assert json.loads(output.output)["answer"] is None


def test_a_whisper_reaches_the_model_only(r: Rehearsal) -> None:
    r.do(ev.Whispered("Ask about parking."))
    [told] = commands(r, msg.Remember)
    assert "Ask about parking." in told.text
    assert not any("parking" in str(a.data) for a in r.of(act.RecordEvent))


def test_it_hangs_up_when_its_goodbye_was_heard(r: Rehearsal) -> None:
    call_tool(r, "end_call", outcome="success", reason="Booked.")
    say(r, "안녕히 계세요.", ms=1000)
    r.frames(60)
    assert r.is_in(Phase.LIVE)
    r.frames(70)
    assert r.is_in(Phase.ENDING)
    assert r.of(act.HangUp)[0].reason == "agent_finished"
    assert Leg.AGENT in [a.leg for a in r.of(act.CloseEngine)]
    for leg in Leg:
        r.do(ev.EngineClosed(leg))
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.outcome, finish.reason) == ("success", "agent_finished")


def test_if_they_hang_up_the_outcome_is_what_is_known(r: Rehearsal) -> None:
    call_tool(r, "collect_info", name="price", value="30")
    r.do(ev.StatusChanged("completed"))
    r.wait(5)
    assert r.of(act.Finish)[0].outcome == "partial"


def test_taken_over_it_is_silent_at_once_and_goes_on_when_asked(r: Rehearsal) -> None:
    say(r, ms=4000)
    r.frames(30)
    r.actions.clear()
    r.do(ev.ModeAsked("voice"))
    assert commands(r, msg.Stop)
    assert r.of(act.SendClear)
    assert [a.leg for a in r.of(act.OpenEngine)] == [Leg.CALLER]
    r.do(ev.EngineReady(Leg.CALLER))
    r.actions.clear()
    hear(r, sentence(1.2))
    r.do(ev.SourceText(Leg.CALLEE, "일곱 시 반요."))
    r.frames(500)
    assert r.fed_ms(Leg.AGENT) == 0
    assert not commands(r, msg.Respond)
    assert "일곱 시 반요." in [m.text for m in commands(r, msg.Remember)]
    r.do(ev.ModeAsked("agent"))
    assert commands(r, msg.Respond) == [msg.Respond()]
    assert r.told(browser.ModeChanged)[-1].mode == "agent"


def test_it_can_be_called_in_to_a_call_that_goes_on() -> None:
    r = make_live(plan=PLAN)
    assert Leg.AGENT not in r.session.open_legs()
    hear(r, sentence(1.2))
    r.do(ev.SourceText(Leg.CALLEE, "네, 식당입니다."))
    r.frames(500)
    assert not r.of(act.CommandAgent)
    r.do(ev.ModeAsked("agent"))
    assert Leg.AGENT in [a.leg for a in r.of(act.OpenEngine)]
    r.frames(160)
    assert r.fed_ms(Leg.AGENT) == 0


def test_without_a_goal_there_is_no_agent() -> None:
    r = make_live()
    r.do(ev.ModeAsked("agent"))
    assert [m.code for m in r.told(browser.Problem)] == ["unsupported_mode"]
    r.do(ev.Whispered("?"))
    assert r.told(browser.Problem)[-1].code == "not_available"


def test_a_lost_caller_does_not_stop_the_agent(r: Rehearsal) -> None:
    r.do(ev.CallerLost())
    r.actions.clear()
    r.frames(20)
    say(r)
    for _ in range(70):
        r.frames(50)
        r.do(ev.AgentSpoke("", is_spoken=True))
        hear(r, sentence(0.6))
    assert r.is_in(Phase.LIVE)
    assert not r.of(act.HangUp)


def test_a_new_session_hears_again_what_was_not_answered(r: Rehearsal) -> None:
    r.do(ev.EngineLost(Leg.AGENT))
    assert [m.state for m in r.told(browser.Recovery)] == ["lost", "reconnecting"]
    r.actions.clear()
    r.do(ev.EngineReady(Leg.AGENT))
    assert r.fed_ms(Leg.AGENT) > 1200
    [commit] = r.of(act.CommitTurn)
    [respond] = commands(r, msg.Respond)
    assert respond.utterance_ids == (commit.utterance_id,)
    assert r.told(browser.Recovery)[-1].state == "recovered"


def test_its_keys_are_pressed_like_the_callers(r: Rehearsal) -> None:
    call_tool(r, "send_digits", digits="1")
    [output] = commands(r, msg.GiveOutput)
    assert json.loads(output.output)["pressed"] is True
    r.wait(2)
    assert [a.digits for a in r.of(act.SendDigits)] == ["1"]


def test_in_one_language_nothing_of_it_is_translated() -> None:
    r = make_agent_call(
        caller_language="ko", callee_engine="transcribe", caller_engine="transcribe"
    )
    hear(r, sentence(1.2))
    r.frames(60)
    say(r)
    assert not [a for a in r.of(act.InterpretText) if a.leg is Leg.AGENT]
    assert captions(r)[-1].translation_final


def test_what_could_not_be_translated_is_kept_without() -> None:
    r = make_agent_call()
    hear(r, sentence(1.2))
    r.frames(60)
    say(r)
    r.frames(60)
    [asked] = r.of(act.InterpretText)
    r.do(ev.TextInterpreted(Leg.AGENT, asked.utterance_ids, ""))
    [kept] = [a for a in r.of(act.StoreUtterance) if a.leg is Leg.AGENT]
    assert (kept.original, kept.translation) == ("안녕하세요.", "")


def test_it_is_told_that_its_keys_were_not_pressed(r: Rehearsal) -> None:
    call_tool(r, "send_digits", digits="2")
    r.actions.clear()
    r.do(ev.DigitsRefused("2"))
    [told] = commands(r, msg.Remember)
    assert "could not be pressed" in told.text
    assert commands(r, msg.Respond)
    r.actions.clear()
    r.do(ev.DigitsRefused("2"))  # these were its owner's
    assert not commands(r, msg.Remember)


def test_after_a_restart_it_goes_on_where_the_conversation_stood() -> None:
    said = (
        msg.Said("assistant", "agent-1", "네 명 자리를 예약하고 싶습니다."),
        msg.Said("user", "callee-1", "성함이 어떻게 되세요?"),
    )
    result = {
        "facts": [{"name": "parking", "value": "free", "utterance_id": "callee-0"}],
        "appointments": [{"what": "table", "date": "2026-11-22", "time": "19:00"}],
        "callbacks": [],
        "questions": [{"text": "Window?", "answer": "Yes"}],
    }
    plan = AgentPlan(Brief(goal="A table"), "2026-11-21", said=said, result=result)
    r = Rehearsal(mode="agent", plan=plan, start_ms=60_000)
    r.session.take_up("in_progress", r.now)
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    told = [(c.role, c.text) for c in commands(r, msg.Remember)]
    assert told == [(one.role, one.text) for one in said]
    assert "19:00" in str(commands(r, msg.GiveOutput))
    r.do(ev.StreamStarted("MZ2"))
    r.frames(5)
    [respond] = commands(r, msg.Respond)
    assert "interrupted" in respond.instruction
    hear(r, sentence(1.2))
    r.frames(60)
    assert commands(r, msg.Respond)[-1].utterance_ids

"""A call to us in a live session: greeted at once, put through, joined, never alone."""

import json
from typing import Any

import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent import messages as msg
from realtime.agent.brief import Brief
from realtime.agent.seat import AgentPlan
from realtime.config import AgentConfig
from realtime.events import NO_SOUND, Leg, Line
from realtime.protocols import browser
from realtime.reception.incoming import Reception, TurnDetection
from realtime.session import Phase
from realtime.tests.sounds import sentence
from realtime.tests.test_agent_seat import call_tool, captions, commands, say
from realtime.tests.test_session import Rehearsal, sound
from realtime.tests.test_turns import hear

GREETING = "안녕하세요, 한강 미용실입니다. 저는 인공지능 비서입니다."


def plan_of(**line: Any) -> AgentPlan:
    reception = Reception(**{"line": "한강 미용실", "may_transfer": True, **line})
    return AgentPlan(Brief(), "2026-11-21 Saturday", reception)


def make_incoming(**line: Any) -> Rehearsal:
    """Somebody has called us; nothing is ready yet."""
    r = Rehearsal(
        mode="agent",
        is_inbound=True,
        plan=plan_of(**line),
        agent=AgentConfig(opening_wait_ms=0),
        caller_grace_ms=10_000,
    )
    r.session.take_up("in_progress", r.now, is_new=True)
    return r


def make_ready(**line: Any) -> Rehearsal:
    """Somebody has called us, and everything is ready before the stream."""
    r = make_incoming(**line)
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    for one in Line:
        text = GREETING if one is Line.RECEPTION else f"{one}."
        r.do(ev.LineRendered(one, text, sound(600)))
    return r


@pytest.fixture
def r() -> Rehearsal:
    """They have been greeted, and have said what they want."""
    r = make_ready()
    r.do(ev.StreamStarted("MZ1"))
    r.frames(50)
    hear(r, sentence(1.2))
    r.frames(60)
    r.actions.clear()
    return r


# --- The first words -----------------------------------------------------------------


def test_they_are_greeted_with_the_first_frames() -> None:
    r = make_ready()
    r.do(ev.StreamStarted("MZ1"))
    r.frames(3)
    assert len(r.phone_bytes()) > 0
    assert captions(r)[-1].original == GREETING
    r.frames(60)
    [asked] = r.of(act.InterpretText)
    r.do(ev.TextInterpreted(Leg.AGENT, asked.utterance_ids, "Hello."))
    [kept] = [a for a in r.of(act.StoreUtterance) if a.leg is Leg.AGENT]
    assert (kept.original, kept.fate) == (GREETING, "delivered")
    assert len(r.phone_bytes()) >= 600 * 8
    assert not commands(r, msg.Respond)  # now it is their turn
    remembered = [m.text for m in commands(r, msg.Remember)]
    assert remembered == [GREETING]


def test_nothing_else_greets_them() -> None:
    r = make_ready()
    r.do(ev.StreamStarted("MZ1"))
    r.frames(400)
    spoken = [a.data["line"] for a in r.of(act.RecordEvent) if a.kind == "line_spoken"]
    assert spoken == []
    assert not r.told(browser.AnsweredBy)


def test_a_greeting_that_comes_late_is_waited_for_a_little() -> None:
    r = make_incoming()
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(50)
    assert not r.phone_bytes()
    r.do(ev.LineRendered(Line.RECEPTION, GREETING, sound(300)))
    r.frames(3)
    assert r.phone_bytes()
    assert not commands(r, msg.Respond)


@pytest.mark.parametrize("is_refused", [True, False])
def test_without_our_greeting_the_agent_says_its_own(is_refused: bool) -> None:
    r = make_incoming()
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    r.do(ev.StreamStarted("MZ1"))
    if is_refused:
        r.do(ev.LineRendered(Line.RECEPTION, GREETING, NO_SOUND))
    r.frames(3 if is_refused else 130)
    assert commands(r, msg.Respond) == [msg.Respond()]
    r.do(ev.LineRendered(Line.RECEPTION, GREETING, sound(300)))
    r.frames(30)
    assert not r.phone_bytes()  # one greeting is enough


@pytest.mark.parametrize("has_been_told", [True, False])
def test_who_interrupts_the_greeting_has_heard_that_an_ai_speaks(
    has_been_told: bool,
) -> None:
    r = make_incoming()
    for leg in (Leg.CALLEE, Leg.AGENT):
        r.do(ev.EngineReady(leg))
    greeting = f"{GREETING} 무엇을 도와드릴까요? 편하게 말씀해 주세요."
    r.do(ev.LineRendered(Line.RECEPTION, greeting, sound(5000)))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(160 if has_been_told else 40)
    r.actions.clear()
    voice = sentence(1.2)
    hear(r, voice[: 8 * 140])
    r.do(ev.SourceText(Leg.CALLEE, "예약하려고요, 내일이요."))
    hear(r, voice[8 * 140 :])
    r.frames(100)
    assert len(commands(r, msg.Respond)) == 1
    states = [m.state for m in r.told(browser.Unheard)]
    assert states[:2] == ["held", "discarded" if has_been_told else "resumed"]


def test_a_stream_that_comes_again_is_not_greeted_again(r: Rehearsal) -> None:
    r.do(ev.StreamStopped())
    r.do(ev.StreamStarted("MZ2"))
    r.frames(100)
    assert not r.phone_bytes()


# --- What comes of it ----------------------------------------------------------------


def test_a_message_is_stored_at_once(r: Rehearsal) -> None:
    call_tool(r, "take_message", name="Kim", message="Call me.", number="+8225550101")
    [row] = r.of(act.StoreResult)[-1].result["messages"]
    assert (row["name"], row["message"]) == ("Kim", "Call me.")
    r.do(ev.StatusChanged("completed"))
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.outcome, finish.reason) == ("success", "hung_up_by_callee")


def test_their_goodbye_is_answered_by_a_farewell_and_the_end(r: Rehearsal) -> None:
    hear(r, sentence(1.0))
    r.do(ev.SourceText(Leg.CALLEE, "안녕히 계세요."))
    r.frames(140)
    assert r.is_in(Phase.LIVE)
    r.frames(80)
    assert r.is_in(Phase.ENDING)
    [hang_up] = r.of(act.HangUp)
    assert hang_up.reason == "goodbye_said"
    spoken = [a.data for a in r.of(act.RecordEvent) if a.kind == "line_spoken"]
    assert [(s["line"], s["is_complete"]) for s in spoken] == [("farewell", True)]


def test_they_are_put_through_and_our_part_is_over(r: Rehearsal) -> None:
    call_tool(r, "transfer", reason="They want a person.")
    r.frames(10)
    assert not r.of(act.LeaveCall)  # they are still being told
    r.frames(60)
    assert [a.why for a in r.of(act.LeaveCall)] == ["transfer"]
    r.do(ev.StreamStopped())
    r.wait(8)  # Twilio's answer takes its time: nobody resumes the call
    assert not r.of(act.CheckTelephone)
    r.do(ev.CallLeft("transfer", is_done=True))
    for leg in Leg:
        r.do(ev.EngineClosed(leg))
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.status, finish.reason) == ("completed", "transferred")
    assert finish.outcome == "partial"
    assert not r.of(act.HangUp)
    assert r.of(act.StoreResult)[-1].result["transfer"] == "They want a person."


def test_a_refused_transfer_goes_on_with_a_message(r: Rehearsal) -> None:
    call_tool(r, "transfer", reason="x")
    r.frames(70)
    r.do(ev.CallLeft("transfer", is_done=False))
    [output] = commands(r, msg.GiveOutput)
    assert json.loads(output.output)["transferred"] is False
    assert r.is_in(Phase.LIVE)
    say(r)
    r.frames(60)
    assert r.is_in(Phase.LIVE)


def test_who_hangs_up_is_noticed_soon(r: Rehearsal) -> None:
    r.do(ev.StreamStopped())
    r.wait(2.5)
    assert not r.of(act.CheckTelephone)
    r.wait(1)
    assert len(r.of(act.CheckTelephone)) == 1


def test_a_stream_that_never_comes_is_asked_about() -> None:
    r = make_ready()
    r.wait(14)
    assert not r.of(act.CheckTelephone)
    r.wait(2)
    assert len(r.of(act.CheckTelephone)) == 1
    r.wait(20)
    assert r.of(act.Finish)[0].reason == "media_lost"


# --- The owner -----------------------------------------------------------------------


def test_nobody_has_to_be_there_for_them(r: Rehearsal) -> None:
    for _ in range(40):  # two minutes
        r.frames(150)
        say(r)
        hear(r, sentence(0.6))
    assert r.is_in(Phase.LIVE)
    assert not r.of(act.HangUp)


def test_the_owner_joins_sees_it_all_and_takes_over(r: Rehearsal) -> None:
    shown = {m.original for m in r.session.snapshot() if isinstance(m, browser.Caption)}
    assert GREETING in shown
    r.do(ev.CallerAttached())
    say(r)
    r.frames(30)
    assert r.of(act.SendCallerAudio)
    r.do(ev.Whispered("Offer them Tuesday."))
    assert any("Tuesday" in m.text for m in commands(r, msg.Remember))
    r.do(ev.ModeAsked("voice"))
    assert commands(r, msg.Stop)
    assert [a.leg for a in r.of(act.OpenEngine)] == [Leg.CALLER]


def test_an_owner_who_is_gone_has_handed_it_back(r: Rehearsal) -> None:
    r.do(ev.CallerAttached())
    r.do(ev.ModeAsked("voice"))
    r.do(ev.CallerLost())
    r.actions.clear()
    r.wait(9)
    assert not commands(r, msg.Respond)
    r.wait(2)
    assert commands(r, msg.Respond) == [msg.Respond()]
    assert r.told(browser.ModeChanged)[-1].mode == "agent"
    assert r.is_in(Phase.LIVE)
    assert not r.of(act.HangUp)


# --- Without an agent ----------------------------------------------------------------


def test_who_gets_no_agent_is_told_so_by_the_telephone_company() -> None:
    r = make_incoming()
    r.do(ev.StreamStarted("MZ1"))
    r.frames(390)
    assert not r.of(act.LeaveCall)
    r.frames(20)
    assert [a.why for a in r.of(act.LeaveCall)] == ["unavailable"]
    r.frames(400)
    assert len(r.of(act.LeaveCall)) == 1
    r.do(ev.CallLeft("unavailable", is_done=True))
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.reason, finish.outcome) == ("agent_unavailable", "failed")
    assert not r.of(act.HangUp)


def test_if_not_even_that_works_the_call_is_ended() -> None:
    r = make_incoming()
    r.do(ev.StreamStarted("MZ1"))
    r.frames(420)
    r.do(ev.CallLeft("unavailable", is_done=False))
    assert [a.reason for a in r.of(act.HangUp)] == ["agent_unavailable"]


def test_an_agent_that_comes_back_in_time_goes_on(r: Rehearsal) -> None:
    r.do(ev.EngineLost(Leg.AGENT))
    r.frames(300)
    r.do(ev.EngineReady(Leg.AGENT))
    r.frames(300)
    assert not r.of(act.LeaveCall)
    assert GREETING in [m.text for m in commands(r, msg.Remember)]


# --- Whose turns ---------------------------------------------------------------------


def test_the_provider_hears_everything_and_ends_the_turns() -> None:
    r = make_ready(turn_detection=TurnDetection())
    r.do(ev.StreamStarted("MZ1"))
    r.frames(50)
    assert r.fed_ms(Leg.AGENT) >= 900  # silence as well
    hear(r, sentence(1.2))
    r.frames(60)
    assert not [a for a in r.of(act.CommitTurn) if a.leg is Leg.AGENT]
    assert not commands(r, msg.Respond)
    r.do(ev.TurnHeard())
    [commit] = [a for a in r.of(act.CommitTurn) if a.leg is Leg.AGENT]
    [respond] = commands(r, msg.Respond)
    assert respond.utterance_ids[-1] == commit.utterance_id
    r.actions.clear()
    r.frames(20)
    r.do(ev.TurnHeard())  # something that our detector has not heard
    [commit] = [a for a in r.of(act.CommitTurn) if a.leg is Leg.AGENT]
    assert commit.utterance_id == "turn-1"


def test_what_the_provider_missed_while_it_was_away_it_is_given() -> None:
    r = make_ready(turn_detection=TurnDetection())
    r.do(ev.StreamStarted("MZ1"))
    r.frames(50)
    r.do(ev.EngineLost(Leg.AGENT))
    r.actions.clear()
    hear(r, sentence(1.2))
    assert r.fed_ms(Leg.AGENT) == 0
    r.do(ev.EngineReady(Leg.AGENT))
    assert r.fed_ms(Leg.AGENT) >= 1200


def test_it_is_known_where_the_time_of_an_answer_goes() -> None:
    r = make_ready()
    r.do(ev.StreamStarted("MZ1"))
    r.frames(50)
    hear(r, sentence(1.2))
    r.frames(60)
    r.do(ev.AgentText("네.", "agent-1"))
    r.frames(10)
    r.do(ev.AgentAudio(sound(600), "agent-1"))
    r.frames(10)
    [turn] = [a.data for a in r.of(act.RecordEvent) if a.kind == "agent_turn"]
    order = [turn[f"{s}_ms"] for s in ("committed", "asked", "text", "audio", "line")]
    assert order == sorted(order)
    assert turn["audio_ms"] - turn["text_ms"] == 200
    assert 0 <= turn["line_ms"] - turn["audio_ms"] <= 100
    assert 300 <= turn["asked_ms"] <= 1300

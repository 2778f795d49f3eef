"""What nobody should hear is held before it plays; clean words hardly wait."""

from typing import Any

import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent.brief import Brief
from realtime.agent.messages import Remember, Respond, Stop
from realtime.agent.seat import AgentPlan
from realtime.audio.g711 import SILENCE_FRAME
from realtime.events import NO_SOUND, Leg, Rephrased
from realtime.guards.decency import rest_of
from realtime.protocols import browser
from realtime.tests.sounds import sentence
from realtime.tests.test_client_speech import caller_says
from realtime.tests.test_fates import ONE_LANGUAGE
from realtime.tests.test_modes import tone
from realtime.tests.test_session import Rehearsal, make_live

RUDE = "이 미친놈아, 전화 끊으세요!"
POLITE = "불편하셨다면 죄송합니다."


def guardrails(r: Rehearsal) -> list[tuple[str, str]]:
    return [(m.level, m.action) for m in r.told(browser.Guardrail)]


def heard_ms(r: Rehearsal) -> int:
    """How much sound the telephone has got, silence left out."""
    payload = r.phone_bytes()
    frames = [payload[i : i + 160] for i in range(0, len(payload), 160)]
    return 20 * sum(frame != SILENCE_FRAME for frame in frames)


def by_turns() -> tuple[Rehearsal, str]:
    """A call in which the caller has said something; the utterance."""
    r = make_live(caller_engine="interpret")
    r.frames(30)
    caller_says(r, sentence(1.0))
    r.do(ev.CallerSpeech(is_over=True))
    about = [a for a in r.of(act.CommitTurn) if a.leg is Leg.CALLER][-1].utterance_id
    r.do(ev.SourceText(Leg.CALLER, "Stop bothering me, fool!", about, is_whole=True))
    r.do(ev.SourceDone(Leg.CALLER, about))
    r.actions.clear()
    return r, str(about)


def waits(r: Rehearsal) -> int:
    """How often the filler was asked for; it has been rendered in these calls."""
    r.frames(60)
    spoken = [e for e in r.of(act.RecordEvent) if e.kind == "line_spoken"]
    return sum(e.data["line"] == "wait" for e in spoken)


# --- Clean text waits for nothing ----------------------------------------------------


@pytest.mark.parametrize("engine", ["translate", "interpret"])
def test_clean_words_leave_in_the_same_step_and_cost_nothing_else(engine: str) -> None:
    r = make_live(caller_engine=engine)
    r.frames(30)
    caller_says(r, sentence(1.0))
    r.do(ev.CallerSpeech(is_over=True))
    about = None
    if engine == "interpret":
        commits = [a for a in r.of(act.CommitTurn) if a.leg is Leg.CALLER]
        about = commits[-1].utterance_id
    r.do(ev.TargetText(Leg.CALLER, "세금 신고 때문에 전화했어요.", about))
    r.do(ev.EngineAudio(Leg.CALLER, tone(300), about))
    r.frames(2)  # it has begun
    actions = r.do(ev.EngineAudio(Leg.CALLER, tone(300), about))
    assert {type(a) for a in actions} <= {act.SendFrame}
    [text] = r.do(ev.TargetText(Leg.CALLER, " 감사합니다.", about))
    assert isinstance(text, act.SendCaller)  # the caption, and nothing else
    assert not guardrails(r)


def test_the_agents_clean_words_leave_in_the_same_step() -> None:
    r, _ = agent_speaking()
    r.do(ev.AgentText("예약하고 싶습니다.", "agent-1"))
    r.do(ev.AgentAudio(tone(300), "agent-1"))
    r.frames(2)
    actions = r.do(ev.AgentAudio(tone(300), "agent-1"))
    assert {type(a) for a in actions} <= {act.SendFrame}
    assert not guardrails(r)


# --- The interpreter -----------------------------------------------------------------


def test_abuse_is_held_before_anything_of_it_plays_and_rephrased() -> None:
    r, about = by_turns()
    r.do(ev.TargetText(Leg.CALLER, RUDE, about))
    r.do(ev.EngineAudio(Leg.CALLER, tone(900), about))
    assert guardrails(r) == [("abuse", "held")]
    assert waits(r) == 1
    assert heard_ms(r) == 300  # the filler
    r.do(ev.TargetDone(Leg.CALLER, (about,)))
    [asked] = r.of(act.Rephrase)
    assert (asked.utterance_id, asked.text) == (about, RUDE)
    assert not r.of(act.StoreUtterance)
    r.do(Rephrased(about, POLITE, tone(500)))
    assert guardrails(r)[1:] == [("abuse", "rephrased")]
    r.frames(40)
    assert heard_ms(r) == 800
    [stored] = r.of(act.StoreUtterance)
    assert (stored.translation, stored.fate) == (POLITE, "delivered")
    assert r.told(browser.Caption)[-1].translation == POLITE


def test_sound_that_came_before_the_bad_word_is_not_played_either() -> None:
    r, about = by_turns()
    r.do(ev.EngineAudio(Leg.CALLER, tone(600), about))  # text and sound interleave
    r.do(ev.TargetText(Leg.CALLER, RUDE, about))
    assert waits(r) == 1
    assert heard_ms(r) == 300
    r.do(ev.RepeatAsked(about))
    assert [m.code for m in r.told(browser.Problem)] == ["cannot_repeat"]


@pytest.mark.parametrize(
    "answer", [("", NO_SOUND), (RUDE, tone(500)), (POLITE, NO_SOUND)]
)
def test_what_cannot_be_said_politely_is_not_said(answer: Any) -> None:
    r, about = by_turns()
    r.do(ev.TargetText(Leg.CALLER, RUDE, about))
    r.do(ev.TargetDone(Leg.CALLER, (about,)))
    r.do(Rephrased(about, *answer))
    assert guardrails(r) == [("abuse", "held"), ("abuse", "blocked")]
    assert [m.state for m in r.told(browser.Unheard)] == ["lost"]
    [stored] = r.of(act.StoreUtterance)
    assert stored.fate == "lost"
    r.frames(60)
    assert heard_ms(r) == 300


def test_what_was_heard_before_is_not_said_again() -> None:
    r, about = by_turns()
    r.do(ev.TargetText(Leg.CALLER, "안녕하세요. 네 명 예약이요. ", about))
    r.do(ev.EngineAudio(Leg.CALLER, tone(2000), about))
    r.frames(80)
    r.do(ev.TargetText(Leg.CALLER, RUDE, about))
    r.do(ev.EngineAudio(Leg.CALLER, tone(2000), about))
    r.do(ev.TargetDone(Leg.CALLER, (about,)))
    [asked] = r.of(act.Rephrase)
    assert asked.text == f"네 명 예약이요. {RUDE}"
    r.do(Rephrased(about, POLITE, tone(500)))
    r.frames(200)
    [stored] = r.of(act.StoreUtterance)
    assert stored.translation == f"안녕하세요. {POLITE}"


def test_by_way_of_text_it_is_held_before_it_is_even_spoken() -> None:
    r, about = by_turns()
    r.do(ev.TextInterpreted(Leg.CALLER, (about,), RUDE))
    r.do(ev.EngineAudio(Leg.CALLER, tone(500), about))
    assert guardrails(r) == [("abuse", "held")]
    assert waits(r) == 1
    assert heard_ms(r) == 300


def test_while_they_speak_it_can_only_be_flagged() -> None:
    r = make_live()
    r.frames(30)
    caller_says(r, sentence(1.0))
    r.actions.clear()
    for part in (RUDE, " 죽여버린다."):
        r.do(ev.TargetText(Leg.CALLER, part))
    r.do(ev.EngineAudio(Leg.CALLER, tone(400)))
    r.frames(40)
    assert guardrails(r) == [("abuse", "flagged")]
    assert heard_ms(r) == 400


def test_what_the_callee_says_is_interpreted_as_it_is() -> None:
    r = make_live(caller_language="ko", callee_language="en", callee_engine="interpret")
    r.do(ev.TargetText(Leg.CALLEE, RUDE))
    assert not guardrails(r)


def test_too_familiar_a_tone_is_counted() -> None:
    r, about = by_turns()
    r.do(ev.TargetText(Leg.CALLER, "네 명 있어.", about))
    r.do(ev.EngineAudio(Leg.CALLER, tone(200), about))
    r.do(ev.TargetDone(Leg.CALLER, (about,)))
    assert guardrails(r) == [("register", "noted")]
    r.do(ev.EndRequested("hung_up_by_caller"))
    for leg in Leg:
        r.do(ev.EngineClosed(leg))
    [report] = [e.data for e in r.of(act.RecordEvent) if e.kind == "speech_report"]
    assert report == {"register_noted": 1}


@pytest.mark.parametrize(
    ("share", "rest"),
    [(0, "Aa. Bb! Cc"), (0.2, "Aa. Bb! Cc"), (0.5, "Bb! Cc"), (1, "Cc"), (7, "Cc")],
)
def test_the_rest_begins_with_the_sentence_that_was_cut(
    share: float, rest: str
) -> None:
    assert rest_of("Aa. Bb! Cc", share) == rest
    assert rest_of("", share) == ""


# --- The agent -----------------------------------------------------------------------


def agent_speaking() -> tuple[Rehearsal, Any]:
    plan = AgentPlan(Brief(goal="A table"))
    r = make_live(mode="agent", plan=plan, **ONE_LANGUAGE)
    r.frames(250)  # nobody speaks: it begins
    r.actions.clear()
    return r, None


def commands(r: Rehearsal, kind: type[Any]) -> list[Any]:
    found = [a.command for a in r.of(act.CommandAgent)]
    return [c for c in found if isinstance(c, kind)]


def test_the_agent_is_stopped_and_has_to_say_it_politely() -> None:
    r, _ = agent_speaking()
    r.do(ev.AgentAudio(tone(300), "agent-1"))
    r.do(ev.AgentText(RUDE, "agent-1"))
    r.do(ev.AgentAudio(tone(600), "agent-1"))  # it has not heard of it yet
    assert guardrails(r) == [("abuse", "held")]
    assert commands(r, Stop)
    [respond] = commands(r, Respond)
    assert "politely" in respond.instruction
    assert [a.heard_ms for a in r.of(act.TruncateTurn)] == [0]
    r.do(ev.AgentSpoke("agent-1", is_spoken=True, is_stopped=True, text=RUDE))
    assert waits(r) == 1
    assert heard_ms(r) == 300
    r.do(ev.AgentText(POLITE, "agent-2"))
    r.do(ev.AgentAudio(tone(500), "agent-2"))
    r.do(ev.AgentSpoke("agent-2", is_spoken=True, text=POLITE))
    assert guardrails(r)[1:] == [("abuse", "rephrased")]
    r.frames(40)
    assert heard_ms(r) == 800
    fates = {a.original: a.fate for a in r.of(act.StoreUtterance)}
    assert fates == {RUDE: "lost", POLITE: "delivered"}


def test_nothing_of_a_sentence_is_played_whose_last_word_is_the_bad_one() -> None:
    r, _ = agent_speaking()
    r.do(ev.AgentText("전화 끊어, ", "agent-1"))
    r.do(ev.AgentAudio(tone(600), "agent-1"))
    r.frames(10)  # 200 ms later
    assert heard_ms(r) == 0
    r.do(ev.AgentText("이 미친놈아!", "agent-1"))
    assert guardrails(r) == [("abuse", "held")]
    assert waits(r) == 1
    assert heard_ms(r) == 300  # the filler


def test_a_clean_sentence_waits_for_its_end_but_only_a_moment() -> None:
    r, _ = agent_speaking()
    r.do(ev.AgentText("네 명 자리를 ", "agent-1"))
    r.do(ev.AgentAudio(tone(600), "agent-1"))
    r.frames(10)
    assert heard_ms(r) == 0
    r.frames(10)
    assert heard_ms(r) > 0  # its end is still not written
    r.do(ev.AgentText("예약하고 싶습니다. 저녁에", "agent-1"))
    r.do(ev.AgentAudio(tone(600), "agent-1"))
    r.do(
        ev.AgentSpoke("agent-1", is_spoken=True, text="네 명 자리를 예약하고 싶습니다.")
    )
    r.frames(70)
    assert heard_ms(r) == 1200
    assert not guardrails(r)


def test_an_agent_that_stays_rude_says_goodbye() -> None:
    r, _ = agent_speaking()
    for n in range(1, 4):
        r.do(ev.AgentText(RUDE, f"agent-{n}"))
        r.do(ev.AgentSpoke(f"agent-{n}", is_spoken=False, is_stopped=True))
    assert len(commands(r, Respond)) == 2
    r.frames(80)
    assert [a.reason for a in r.of(act.HangUp)] == ["agent_failed"]


def test_the_agent_is_told_once_to_mind_its_tone() -> None:
    r, _ = agent_speaking()
    for n in (1, 2):
        r.do(ev.AgentText("네 명 있어.", f"agent-{n}"))
        r.do(ev.AgentAudio(tone(200), f"agent-{n}"))
        r.do(ev.AgentSpoke(f"agent-{n}", is_spoken=True, text="네 명 있어."))
    assert guardrails(r) == [("register", "noted")] * 2
    assert len([c for c in commands(r, Remember) if "polite form" in c.text]) == 1

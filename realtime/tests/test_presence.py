"""Who is at the other end of a live call, and the keys that are pressed there."""

from typing import Any

import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent.brief import Brief
from realtime.agent.seat import AgentPlan
from realtime.config import AnsweringConfig, KeysConfig
from realtime.events import Leg, Line
from realtime.far_end.presence import MESSAGE_ID
from realtime.protocols import browser
from realtime.session import Phase
from realtime.tests.sounds import noise, sentence, tone, yes
from realtime.tests.test_session import Rehearsal, make_live, sound
from realtime.tests.test_turns import hear

ANSWERING = AnsweringConfig()
KEYS = KeysConfig()


def answered(**options: Any) -> Rehearsal:
    """A call whose stream has just begun; nobody has been greeted."""
    r = Rehearsal(greeting_wait_ms=3000, **options)
    for leg in Leg:
        r.do(ev.EngineReady(leg))
    for line in Line:
        r.do(ev.LineRendered(line, f"{line}.", sound(300)))
    r.do(ev.CallerAttached())
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    r.actions.clear()
    return r


def verdicts(r: Rehearsal) -> list[str]:
    return [m.kind for m in r.told(browser.AnsweredBy)]


def says(r: Rehearsal, text: str) -> None:
    r.do(ev.SourceText(Leg.CALLEE, text))


def machine(r: Rehearsal) -> None:
    """A voicemail says what it is."""
    hear(r, noise(0.6))
    hear(r, sentence(2.4))
    says(r, "삐 소리가 나면 메시지를 남겨 주세요.")
    hear(r, noise(0.6))


def beep(r: Rehearsal) -> None:
    hear(r, tone(1000, 0.4, 8000, 5000))
    hear(r, noise(0.4))


def statuses(r: Rehearsal) -> list[tuple[str, str]]:
    return [(m.digits, m.state) for m in r.told(browser.DtmfStatus)]


# --- Who answered --------------------------------------------------------------------


def test_a_person_is_told_stored_and_greeted() -> None:
    r = answered()
    hear(r, noise(0.5))
    hear(r, yes())
    hear(r, noise(2.0))
    assert verdicts(r) == ["person"]
    assert [a.kind for a in r.of(act.StoreAnsweredBy)] == ["person"]
    assert r.session.snapshot()[2] == browser.AnsweredBy("person")
    assert r.phone_bytes()


def test_a_voicemail_is_hung_up_on_and_never_greeted() -> None:
    r = answered()
    machine(r)
    assert verdicts(r) == ["voicemail"]
    assert [a.reason for a in r.of(act.HangUp)] == ["voicemail"]
    assert not r.phone_bytes()
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.status, finish.outcome) == ("completed", "unreachable")
    assert finish.reason == "voicemail"


# --- Nobody says anything ------------------------------------------------------------


def lines_said(r: Rehearsal) -> list[str]:
    kept = [a.data for a in r.of(act.RecordEvent) if a.kind == "line_spoken"]
    return [data["line"] for data in kept]


def test_into_dead_air_it_is_asked_twice_and_then_said_goodbye() -> None:
    r = answered()
    hear(r, noise(30.0))
    assert verdicts(r) == ["silence"]
    assert lines_said(r) == ["greeting", "anybody", "anybody", "nobody"]
    assert [a.reason for a in r.of(act.HangUp)] == ["silence"]
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.status, finish.outcome) == ("completed", "unreachable")


def test_who_answers_in_the_end_is_not_hung_up_on() -> None:
    r = answered()
    hear(r, noise(17.0))
    assert "anybody" in lines_said(r)
    hear(r, yes())
    says(r, "네.")
    hear(r, noise(30.0))
    assert verdicts(r)[-1] == "person"
    assert not r.of(act.HangUp)
    assert lines_said(r).count("anybody") <= 2


def test_an_agent_asks_for_itself() -> None:
    r = answered(mode="agent", plan=AgentPlan(Brief(goal="A table")))
    hear(r, noise(30.0))
    assert "anybody" not in lines_said(r)
    assert "silence" not in [a.reason for a in r.of(act.HangUp)]


# --- Who asks who is calling ---------------------------------------------------------


def screened() -> Rehearsal:
    """We have been greeted, have greeted, and are asked who we are."""
    r = answered()
    hear(r, noise(0.5))
    hear(r, yes())
    hear(r, noise(2.0))
    assert lines_said(r) == ["greeting"]
    hear(r, sentence(2.4))
    says(r, "성함과 용건을 말씀해 주시면 전달해 드리겠습니다.")
    hear(r, noise(2.0))
    assert verdicts(r)[-1] == "screening"
    return r


def test_a_screening_is_told_who_is_calling() -> None:
    assert lines_said(screened()) == ["greeting", "greeting"]


def test_so_is_the_person_whom_it_fetches() -> None:
    r = screened()
    hear(r, noise(6.0))
    hear(r, yes())
    says(r, "여보세요?")
    hear(r, noise(2.0))
    assert verdicts(r)[-1] == "person"
    assert lines_said(r).count("greeting") == 3


def test_who_asked_themselves_is_not_told_again() -> None:
    r = screened()
    hear(r, yes())
    says(r, "네, 알겠습니다.")
    hear(r, noise(3.0))
    assert verdicts(r)[-1] == "person"
    assert lines_said(r).count("greeting") == 2


# --- Messages ------------------------------------------------------------------------


def leaving() -> Rehearsal:
    r = answered(voicemail_message="Please call me back.")
    machine(r)
    assert not r.of(act.HangUp)
    [ask] = r.of(act.TranslateText)
    assert (ask.text_id, ask.text) == (MESSAGE_ID, "Please call me back.")
    r.do(ev.TextTranslated(MESSAGE_ID, "전화해 주세요."))
    return r


def test_the_message_is_left_after_the_beep_in_the_callees_language() -> None:
    r = leaving()
    assert not r.of(act.RenderText)
    beep(r)
    [render] = r.of(act.RenderText)
    assert render.text == "전화해 주세요."
    r.do(ev.TextRendered(MESSAGE_ID, sound(1000), "전화해 주세요.", is_verbatim=True))
    hear(r, noise(0.9))
    assert not r.of(act.HangUp)
    hear(r, noise(0.4))
    assert len(r.phone_bytes()) >= 8000
    assert [a.reason for a in r.of(act.HangUp)] == ["voicemail_left"]
    r.wait(5)
    [finish] = r.of(act.Finish)
    assert (finish.outcome, finish.reason) == ("callback_needed", "voicemail_left")


def test_a_message_that_cannot_be_spoken_is_not_said_to_have_been_left() -> None:
    r = leaving()
    beep(r)
    r.do(ev.TextRendered(MESSAGE_ID, sound(0), "", is_verbatim=False))
    hear(r, noise(0.1))
    assert [a.reason for a in r.of(act.HangUp)] == ["voicemail"]


def test_a_message_that_is_too_long_is_not_left() -> None:
    r = answered(voicemail_message="la " * 2000)
    machine(r)
    r.do(ev.TextTranslated(MESSAGE_ID, "라"))
    beep(r)
    assert [a.reason for a in r.of(act.HangUp)] == ["voicemail"]


def test_what_the_caller_says_to_the_machine_is_not_said_to_it() -> None:
    r = leaving()
    r.do(ev.EngineAudio(Leg.CALLER, sound(400)))
    hear(r, noise(1.0))
    assert not r.phone_bytes()


def test_somebody_who_picks_up_after_all_is_greeted() -> None:
    r = leaving()
    hear(r, yes())
    says(r, "여보세요?")
    hear(r, noise(3.0))
    assert verdicts(r)[-1] == "person"
    assert r.phone_bytes()
    assert not r.of(act.HangUp)
    beep(r)
    assert not r.of(act.RenderText)


def test_a_fax_is_hung_up_on() -> None:
    r = answered()
    hear(r, noise(1.0))
    hear(r, tone(2100, 1.4, 8000, 5000))
    assert verdicts(r) == ["fax"]
    assert [a.reason for a in r.of(act.HangUp)] == ["fax"]


def test_dead_air_is_told_and_the_call_goes_on() -> None:
    r = answered()
    hear(r, noise(ANSWERING.dead_air_ms / 1000 + 0.2))
    assert verdicts(r) == ["silence"]
    assert r.is_in(Phase.LIVE)


def test_the_companys_word_is_evidence_and_no_more() -> None:
    r = answered()
    hear(r, noise(0.5))
    hear(r, yes())
    hear(r, noise(1.5))
    r.do(ev.AnsweredByKnown("voicemail"))
    hear(r, noise(1.0))
    assert verdicts(r) == ["person"]
    assert not r.of(act.HangUp)


def test_a_menu_is_not_greeted_until_somebody_is_there() -> None:
    r = answered()
    hear(r, noise(0.3))
    hear(r, sentence(2.0))
    says(r, "분실물은 2번을 눌러 주세요.")
    hear(r, noise(3.5))
    assert verdicts(r) == ["menu"]
    assert not r.phone_bytes()
    hear(r, sentence(1.5))
    says(r, " 분실물 담당자인데요.")
    r.do(ev.TargetText(Leg.CALLEE, "Lost property."))
    hear(r, noise(0.2))


def test_a_call_that_is_taken_up_again_asks_no_more_who_answered() -> None:
    r = Rehearsal(start_ms=60_000)
    r.session.take_up("in_progress", r.now)
    r.do(ev.StreamStarted("MZ2"))
    r.do(ev.AnsweredByKnown("voicemail"))
    hear(r, noise(10.0))
    assert verdicts(r) == []


# --- Hold ----------------------------------------------------------------------------


def test_waiting_is_told_and_so_is_its_end() -> None:
    r = make_live()
    hear(r, noise(0.5))
    hear(r, yes())
    hear(r, noise(1.5))
    assert verdicts(r) == ["person"]
    hear(r, sentence(1.0))
    says(r, "잠시만 기다려 주세요.")
    hear(r, noise(2.5))
    assert [m.active for m in r.told(browser.Hold)] == [True]
    assert browser.Hold(active=True) in r.session.snapshot()
    hear(r, sentence(1.0))
    r.do(ev.SourceText(Leg.CALLEE, "오래 기다리셨죠?"))
    assert [m.active for m in r.told(browser.Hold)] == [True, False]


# --- Keys ----------------------------------------------------------------------------


def pressed(r: Rehearsal, digits: str = "2") -> None:
    r.do(ev.KeysPressed(digits))
    r.wait(KEYS.collect_ms / 1000 + 0.01)


def test_keys_are_sent_once_and_the_gap_is_told() -> None:
    r = make_live()
    pressed(r, "1w2")
    [send] = r.of(act.SendDigits)
    assert send.digits == "1w2"
    r.do(ev.StreamStopped())
    assert r.is_in(Phase.SUSPENDED)
    r.wait(1.4)
    r.do(ev.StreamStarted("MZ2"))
    assert r.is_in(Phase.LIVE)
    assert statuses(r) == [("1w2", s) for s in ("queued", "sending", "sent")]
    [recovery] = r.told(browser.Recovery)
    assert (recovery.state, recovery.engine) == ("recovered", "telephone")
    assert recovery.gap_ms == pytest.approx(1400, abs=20)
    assert not r.of(act.HangUp)
    assert not r.of(act.CheckTelephone)


def test_a_stream_that_is_away_for_keys_is_no_lost_one_for_as_long_as_they_take() -> (
    None
):
    r = make_live()
    pressed(r, "1" + "w" * 20)
    r.do(ev.StreamStopped())
    r.wait(15)  # twenty pauses of half a second, and ten seconds of patience
    assert not r.of(act.CheckTelephone)
    r.wait(10)
    assert statuses(r)[-1][1] == "failed"
    assert len(r.of(act.CheckTelephone)) == 1
    assert r.is_in(Phase.SUSPENDED)


def test_what_was_being_said_waits_for_the_new_stream() -> None:
    r = make_live()
    r.do(ev.EngineAudio(Leg.CALLER, sound(2000)))
    r.frames(20)
    heard = len(r.phone_bytes())
    pressed(r)
    assert r.of(act.SendClear)
    r.frames(30)
    unheard = len(r.phone_bytes())
    assert unheard - heard <= 8 * 1000  # nothing more once the keys are on their way
    r.do(ev.StreamStopped())
    r.wait(1.0)
    r.timestamp_ms = 0
    r.do(ev.StreamStarted("MZ2"))
    r.frames(150)
    # All of it was heard; what had been sent ahead and taken back was sent again.
    assert len(r.phone_bytes()) >= 2000 * 8


def test_keys_that_are_refused_have_failed_and_the_call_goes_on() -> None:
    r = make_live()
    pressed(r)
    r.do(ev.DigitsRefused("2"))
    assert statuses(r)[-1] == ("2", "failed")
    r.do(ev.EngineAudio(Leg.CALLER, sound(400)))
    r.frames(30)
    assert r.phone_bytes()


def test_keys_before_the_pickup_are_no_keys() -> None:
    r = Rehearsal()
    r.do(ev.KeysPressed("1"))
    assert statuses(r) == [("1", "failed")]


def test_a_stream_that_stops_by_itself_is_still_a_lost_one() -> None:
    r = make_live()
    r.do(ev.StreamStopped())
    r.wait(16)
    assert r.of(act.CheckTelephone)

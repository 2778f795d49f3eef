"""No word vanishes: what was said is delivered, shown, or said to be lost."""

from typing import Any

import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.events import Leg, Line
from realtime.protocols import browser
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_modes import tone
from realtime.tests.test_session import Rehearsal, make_live
from realtime.tests.test_turns import hear

ONE_LANGUAGE: dict[str, Any] = {
    "caller_language": "ko",
    "caller_engine": "transcribe",
    "callee_engine": "transcribe",
}


def speak(r: Rehearsal, seconds: float = 1.2) -> None:
    hear(r, noise(1, 30))
    hear(r, sentence(seconds))
    hear(r, noise(1.5, 30))


def committed(r: Rehearsal) -> str:
    return str(r.of(act.CommitTurn)[-1].utterance_id)


def warnings(r: Rehearsal) -> list[Any]:
    return [m for m in r.told(browser.Warn) if m.code == "not_interpreted"]


def events(r: Rehearsal, kind: str) -> list[dict[str, Any]]:
    return [e.data for e in r.of(act.RecordEvent) if e.kind == kind]


def test_what_could_not_be_written_down_is_shown_as_not_understood() -> None:
    r = make_live(**ONE_LANGUAGE)
    speak(r)
    about = committed(r)
    r.do(ev.SourceDone(Leg.CALLEE, about, is_failed=True))
    r.do(ev.TargetDone(Leg.CALLEE, (about,), is_failed=True))
    shown = r.told(browser.Caption)[-1]
    assert (shown.utterance_id, shown.original, shown.state) == (
        about,
        "",
        "not_understood",
    )
    assert shown.original_final
    assert [w.utterance_id for w in warnings(r)] == [about]
    [kept] = r.of(act.StoreUtterance)
    assert (kept.utterance_id, kept.fate) == (about, "lost")
    assert events(r, "not_interpreted") == [
        {"at_ms": shown.started_ms, "leg": Leg.CALLEE}
    ]
    again = [m for m in r.session.snapshot() if isinstance(m, browser.Caption)]
    assert [m.state for m in again] == ["not_understood"]


def test_an_interpretation_without_a_transcript_is_enough() -> None:
    r = make_live(callee_engine="interpret")
    speak(r)
    about = committed(r)
    r.do(ev.SourceDone(Leg.CALLEE, about, is_failed=True))
    r.do(ev.TargetText(Leg.CALLEE, "Hello.", about))
    r.do(ev.TargetDone(Leg.CALLEE, (about,)))
    assert not warnings(r)
    shown = r.told(browser.Caption)[-1]
    assert (shown.translation, shown.state) == ("Hello.", browser.UNSET)


def test_what_was_written_and_not_interpreted_is_told() -> None:
    r = make_live(callee_engine="interpret")
    speak(r)
    about = committed(r)
    r.do(ev.SourceText(Leg.CALLEE, "여보세요.", about))
    r.do(ev.SourceDone(Leg.CALLEE, about))
    r.do(ev.TargetDone(Leg.CALLEE, (about,), is_failed=True))
    assert [w.utterance_id for w in warnings(r)] == [about]
    [kept] = r.of(act.StoreUtterance)
    assert (kept.original, kept.fate) == ("여보세요.", "caption_only")


def test_a_transcript_may_come_after_the_failed_answer() -> None:
    r = make_live(callee_engine="interpret")
    speak(r)
    about = committed(r)
    r.do(ev.TargetDone(Leg.CALLEE, (about,), is_failed=True))
    assert not warnings(r)  # it may have been a cough
    r.do(ev.SourceText(Leg.CALLEE, "여보세요.", about))
    r.do(ev.SourceDone(Leg.CALLEE, about))
    assert len(warnings(r)) == 1


def test_a_cough_is_nothing_that_was_not_understood() -> None:
    r = make_live(callee_engine="interpret")
    speak(r)
    about = committed(r)
    r.do(ev.SourceDone(Leg.CALLEE, about))
    r.do(ev.TargetDone(Leg.CALLEE, (about,), is_failed=True))
    r.frames(500)
    assert not warnings(r)
    assert not r.of(act.StoreUtterance)


def test_an_answer_that_never_comes_is_told() -> None:
    r = make_live(callee_engine="interpret")
    speak(r)
    about = committed(r)
    r.do(ev.SourceText(Leg.CALLEE, "여보세요.", about))
    r.do(ev.SourceDone(Leg.CALLEE, about))
    r.frames(1600)  # 32 s
    assert len(warnings(r)) == 1


@pytest.mark.parametrize(("seconds", "n_told"), [(2.5, 1), (0.6, 0)])
def test_long_speech_of_which_nothing_comes_is_told(
    seconds: float, n_told: int
) -> None:
    r = make_live()
    speak(r, seconds)
    r.frames(450)
    assert len(warnings(r)) == n_told
    assert [a.fate for a in r.of(act.StoreUtterance)] == ["lost"] * n_told


def test_text_under_a_later_utterances_name_is_no_loss() -> None:
    r = make_live()
    speak(r, 2.5)
    hear(r, sentence(1.0))
    r.do(ev.SourceText(Leg.CALLEE, "모두 다입니다."))  # of both
    hear(r, noise(10, 30))
    assert not warnings(r)


def test_what_is_still_owed_at_the_end_is_told() -> None:
    r = make_live(**ONE_LANGUAGE)
    speak(r)
    r.do(ev.EndRequested("hung_up_by_caller"))
    r.do(ev.EngineClosed(Leg.CALLER))
    r.do(ev.EngineClosed(Leg.CALLEE))
    assert [a.fate for a in r.of(act.StoreUtterance)] == ["lost"]
    assert len(warnings(r)) == 1


# --- The last words ------------------------------------------------------------------


def test_the_last_sentence_is_proved_when_it_has_been_heard() -> None:
    r = make_live(max_call_ms=60_000)
    r.now += 55
    r.do(ev.DeadlinePassed())
    r.frames(30)  # 300 ms of it
    [hung_up] = [i for i, a in enumerate(r.actions) if isinstance(a, act.HangUp)]
    [proof] = events(r, "line_spoken")
    assert proof["line"] == Line.TIME_LIMIT
    assert (proof["heard_ms"], proof["is_complete"]) == (300, True)
    frames = [i for i, a in enumerate(r.actions) if isinstance(a, act.SendFrame)]
    assert max(frames) < hung_up


def test_a_last_sentence_that_was_cut_off_is_kept_as_such() -> None:
    r = make_live(max_call_ms=60_000)
    r.now += 55
    r.do(ev.DeadlinePassed())
    r.frames(6)
    r.do(ev.StatusChanged("completed"))
    [proof] = events(r, "line_spoken")
    assert not proof["is_complete"]
    assert 0 < proof["heard_ms"] < 300


def test_words_heard_in_the_last_tick_are_not_lost() -> None:
    r = make_live()
    r.do(ev.TextTyped("t1", "안녕히 계세요.", is_final=True))
    r.do(ev.TextRendered("t1", tone(200), "", is_verbatim=True))
    heard_ms = 0
    while heard_ms < 200:  # the tick in which its last sound is played
        r.frames(1)
        heard_ms = max((m.played_ms for m in r.told(browser.Playback)), default=0)
    r.do(ev.EndRequested("hung_up_by_caller"))
    r.do(ev.EngineClosed(Leg.CALLER))
    r.do(ev.EngineClosed(Leg.CALLEE))
    assert r.told(browser.TextStatus)[-1].state == "spoken"
    assert [a.fate for a in r.of(act.StoreUtterance)] == ["delivered"]
    assert not r.told(browser.Unheard)


# --- Read out wrongly ----------------------------------------------------------------


def test_the_caller_sees_that_a_text_is_read_out_once_more() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "305호요.", is_final=True))
    r.do(ev.TextMisread("t1"))
    r.do(ev.TextRendered("t1", tone(200), "305호요.", is_verbatim=True))
    r.frames(30)
    states = [m.state for m in r.told(browser.TextStatus)]
    assert states == ["queued", "repeating", "queued", "speaking", "spoken"]


def test_read_out_wrongly_twice_it_is_not_said() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "305호요.", is_final=True))
    r.do(ev.TextMisread("t1"))
    r.do(ev.TextRendered("t1", tone(200), "350호요.", is_verbatim=False))
    r.do(ev.TextMisread("t1"))  # late, and nobody's any more
    told = [(m.state, m.spoken) for m in r.told(browser.TextStatus)]
    assert told[-2:] == [("repeating", browser.UNSET), ("mismatch", "350호요.")]
    r.frames(30)
    assert not r.phone_bytes()

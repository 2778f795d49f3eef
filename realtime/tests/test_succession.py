"""What becomes of words when another engine takes over."""

from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.config import RecoveryConfig
from realtime.events import Leg
from realtime.protocols import browser
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_session import Rehearsal, make_live, sound
from realtime.tests.test_turns import fed, hear, told_to_engine

KOREAN: dict[str, Any] = {
    "caller_language": "ko",
    "caller_engine": "transcribe",
    "callee_engine": "transcribe",
}


def live(**options: Any) -> Rehearsal:
    r = make_live(**options)
    r.frames(80)  # by then nothing of the greeting can be echoing
    r.actions.clear()
    return r


def states(r: Rehearsal) -> list[tuple[str, str]]:
    return [(m.state, m.engine) for m in r.told(browser.Recovery)]


def fates(r: Rehearsal) -> dict[str, tuple[str, str, str]]:
    return {
        a.utterance_id: (a.original, a.translation, a.fate)
        for a in r.of(act.StoreUtterance)
    }


# --- From simultaneous to turns ------------------------------------------------------


def test_what_was_heard_and_not_said_is_told_to_the_interpreter() -> None:
    r = live()
    hear(r, sentence(1.0))
    hear(r, noise(0.6, 30))
    r.do(ev.SourceText(Leg.CALLEE, "네, 한강식당"))
    r.do(ev.EngineLost(Leg.CALLEE))
    r.actions.clear()
    hear(r, sentence(1.2))  # said while nobody listens
    hear(r, noise(0.8, 30))
    assert len(fed(r)) == 0
    r.do(ev.EngineReady(Leg.CALLEE, "interpret"))
    assert told_to_engine(r) == [
        "FeedEngine", "CommitTurn", "FeedEngine", "CommitTurn",
        "AnswerTurn", "AnswerTurn",
    ]  # fmt: skip
    assert len(fed(r)) / 24 >= 1000 + 1200 + 2 * 300
    asked = [a.utterance_ids for a in r.of(act.AnswerTurn)]
    assert asked == [("callee-1",), ("callee-2",)]
    assert states(r) == [("degraded", "interpret")]
    whole = "네, 한강식당입니다."
    r.do(ev.SourceText(Leg.CALLEE, whole, "callee-1", is_whole=True))
    r.do(ev.SourceText(Leg.CALLEE, "몇 분이세요?", "callee-2", is_whole=True))
    for n, text in ((1, "Hangang restaurant."), (2, "How many people?")):
        r.do(ev.SourceDone(Leg.CALLEE, f"callee-{n}"))
        r.do(ev.EngineAudio(Leg.CALLEE, sound(300), f"callee-{n}"))
        r.do(ev.TargetText(Leg.CALLEE, text, f"callee-{n}"))
        r.do(ev.TargetDone(Leg.CALLEE, (f"callee-{n}",)))
    r.frames(10)
    assert fates(r) == {
        "callee-1": (whole, "Hangang restaurant.", "delivered"),
        "callee-2": ("몇 분이세요?", "How many people?", "delivered"),
    }


def test_who_is_speaking_meanwhile_is_heard_whole() -> None:
    r = live()
    hear(r, sentence(1.0))
    r.do(ev.EngineLost(Leg.CALLEE))
    hear(r, sentence(5.0)[8000:24000])
    r.do(ev.EngineReady(Leg.CALLEE, "interpret"))
    r.actions.clear()
    hear(r, sentence(5.0)[24000:32000])
    hear(r, noise(2.0, 30))
    assert told_to_engine(r)[-2:] == ["CommitTurn", "AnswerTurn"]
    [commit] = r.of(act.CommitTurn)
    assert commit.utterance_id == "callee-1"


def test_what_was_half_said_is_said_again_and_not_twice_in_writing() -> None:
    r = live()
    hear(r, sentence(1.5))
    hear(r, noise(0.5, 30))
    r.do(ev.SourceText(Leg.CALLEE, "내일 일곱 시"))
    r.do(ev.TargetText(Leg.CALLEE, "Tomorrow at"))
    r.do(ev.EngineLost(Leg.CALLEE))
    r.do(ev.EngineReady(Leg.CALLEE, "interpret"))
    text = "Tomorrow at seven works."
    r.do(ev.TargetText(Leg.CALLEE, text[:10], "callee-1"))
    r.do(ev.TargetText(Leg.CALLEE, text[10:], "callee-1"))
    r.do(ev.SourceText(Leg.CALLEE, "내일 일곱 시 됩니다.", "callee-1", is_whole=True))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    r.frames(5)
    assert fates(r)["callee-1"][:2] == ("내일 일곱 시 됩니다.", text)


def test_what_was_said_already_is_not_said_again() -> None:
    r = live()
    hear(r, sentence(1.0))
    hear(r, noise(0.5, 30))
    r.do(ev.SourceText(Leg.CALLEE, "네, 한강식당입니다."))
    r.do(ev.TargetText(Leg.CALLEE, "Hangang restaurant."))
    hear(r, noise(0.4, 30))  # its caption is not final yet
    r.actions.clear()
    r.do(ev.EngineLost(Leg.CALLEE))
    r.do(ev.EngineReady(Leg.CALLEE, "interpret"))
    assert told_to_engine(r) == []
    hear(r, noise(1.5, 30))
    assert fates(r)["callee-1"][1] == "Hangang restaurant."


def test_the_same_engine_hears_again_what_it_had_not_said() -> None:
    r = live()
    hear(r, sentence(1.0))
    hear(r, noise(0.6, 30))
    r.do(ev.EngineLost(Leg.CALLEE))
    r.actions.clear()
    hear(r, noise(1.0, 30))
    r.do(ev.EngineReady(Leg.CALLEE, "translate"))
    ms = len(fed(r)) / 24
    assert ms == pytest.approx(1000 + 440 + 400 + 600 + 1000, abs=400)
    assert states(r) == [("recovered", "translate")]
    r.do(ev.SourceText(Leg.CALLEE, "네."))
    r.do(ev.TargetText(Leg.CALLEE, "Yes."))
    hear(r, noise(4.0, 30))
    assert fates(r)["callee-1"] == ("네.", "Yes.", "caption_only")


def test_a_monologue_is_told_again_as_far_as_it_is_needed() -> None:
    r = live(recovery=RecoveryConfig(replay_ms=4000))
    hear(r, np.concatenate([sentence(5.0)] * 2))
    r.do(ev.EngineLost(Leg.CALLEE))
    r.actions.clear()
    r.do(ev.EngineReady(Leg.CALLEE, "translate"))
    assert len(fed(r)) / 24 == pytest.approx(4000, abs=60)


# --- Back up -------------------------------------------------------------------------


def test_a_better_engine_waits_until_nothing_would_be_torn() -> None:
    r = live(callee_engine="translate")
    r.do(ev.EngineLost(Leg.CALLEE))
    r.do(ev.EngineReady(Leg.CALLEE, "interpret"))
    hear(r, sentence(1.0))
    r.do(ev.EngineFound(Leg.CALLEE, "translate"))
    hear(r, noise(2.0, 30))
    assert [a.utterance_ids for a in r.of(act.AnswerTurn)] == [("callee-1",)]
    assert not r.of(act.SwapEngine)  # it owes an answer
    r.do(ev.SourceText(Leg.CALLEE, "네.", "callee-1"))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    r.do(ev.TargetText(Leg.CALLEE, "Yes.", "callee-1"))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    r.actions.clear()
    hear(r, noise(0.1, 30))
    [swap] = r.of(act.SwapEngine)
    assert swap.leg is Leg.CALLEE
    assert states(r) == [("recovered", "translate")]
    r.actions.clear()
    hear(r, sentence(1.0))
    hear(r, noise(1.0, 30))
    assert len(fed(r)) / 24 == pytest.approx(2000, abs=100)  # pauses too
    assert not r.of(act.CommitTurn)


def test_a_spare_engine_that_breaks_does_not_take_over() -> None:
    r = live()
    r.do(ev.EngineReady(Leg.CALLEE, "interpret"))
    hear(r, sentence(1.0))
    r.do(ev.EngineFound(Leg.CALLEE, "translate"))
    r.do(ev.EngineFound(Leg.CALLEE, ""))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    hear(r, noise(4.0, 30))
    assert not r.of(act.SwapEngine)


def test_a_client_that_comes_back_learns_who_serves() -> None:
    r = live()
    r.do(ev.EngineReady(Leg.CALLER, "interpret"))
    found = [m for m in r.session.snapshot() if isinstance(m, browser.Recovery)]
    assert [(m.leg, m.state, m.engine) for m in found] == [
        (Leg.CALLER, "degraded", "interpret")
    ]


# --- By way of text ------------------------------------------------------------------


def test_a_cascade_has_what_is_written_interpreted_in_order() -> None:
    r = live()
    r.do(ev.EngineReady(Leg.CALLEE, "cascade"))
    for n in (1, 2):
        hear(r, sentence(1.0))
        hear(r, noise(1.4, 30))
        r.do(ev.SourceText(Leg.CALLEE, f"문장 {n}", f"callee-{n}"))
        r.do(ev.SourceDone(Leg.CALLEE, f"callee-{n}"))
    asked = r.of(act.InterpretText)
    assert [(a.utterance_ids, a.text, a.speaks) for a in asked] == [
        (("callee-1",), "문장 1", True),
        (("callee-2",), "문장 2", True),
    ]
    # The session breaks: what is with the translator is not heard again.
    r.do(ev.EngineLost(Leg.CALLEE))
    r.actions.clear()
    r.do(ev.EngineReady(Leg.CALLEE, "cascade"))
    assert told_to_engine(r) == []
    r.do(ev.TextInterpreted(Leg.CALLEE, ("callee-1",), "Sentence 1."))
    r.do(ev.EngineAudio(Leg.CALLEE, sound(300), "callee-1"))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    r.do(ev.TextInterpreted(Leg.CALLEE, ("callee-2",), "Sentence 2."))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-2",), is_failed=True))  # not spoken
    r.frames(5)
    assert fates(r) == {
        "callee-1": ("문장 1", "Sentence 1.", "delivered"),
        "callee-2": ("문장 2", "Sentence 2.", "caption_only"),
    }


def test_what_the_interpreter_has_written_needs_no_second_hearing() -> None:
    r = live(callee_engine="interpret")
    hear(r, sentence(1.0))
    hear(r, noise(0.6, 30))
    r.do(ev.SourceText(Leg.CALLEE, "네, 됩니다.", "callee-1"))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    r.do(ev.EngineLost(Leg.CALLEE))
    r.actions.clear()
    r.do(ev.EngineReady(Leg.CALLEE, "cascade"))
    assert told_to_engine(r) == ["AnswerTurn"]  # which says nothing to a cascade
    assert [a.text for a in r.of(act.InterpretText)] == ["네, 됩니다."]


def test_captions_only_are_translated_for_who_reads_them() -> None:
    r = live()
    r.do(ev.EngineReady(Leg.CALLEE, "transcribe"))
    hear(r, sentence(1.0))
    hear(r, noise(1.4, 30))
    r.do(ev.SourceText(Leg.CALLEE, "네, 됩니다.", "callee-1"))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    [asked] = r.of(act.InterpretText)
    assert not asked.speaks
    r.do(ev.TextInterpreted(Leg.CALLEE, ("callee-1",), "Yes, that works."))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    r.frames(5)
    assert fates(r)["callee-1"] == ("네, 됩니다.", "Yes, that works.", "caption_only")


# --- When nobody listens -------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, KOREAN])
def test_what_nobody_hears_is_written_from_files(options: dict[str, Any]) -> None:
    r = live(**options)
    hear(r, sentence(1.0))
    hear(r, noise(0.6, 30))
    r.do(ev.EngineLost(Leg.CALLEE))
    r.do(ev.EngineGone(Leg.CALLEE))
    hear(r, sentence(1.2))
    hear(r, noise(1.4, 30))
    sent = r.of(act.TranscribeFile)
    assert [a.utterance_id for a in sent] == ["callee-1", "callee-2"]
    assert len(sent[0].pcm) / 24 >= 1300
    assert ("degraded", "transcribe_file") in states(r)
    r.do(ev.SourceText(Leg.CALLEE, "네, 됩니다.", "callee-1", is_whole=True))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-2",), is_failed=True))
    assert [m.code for m in r.told(browser.Warn)] == ["not_interpreted"]
    asked = r.of(act.InterpretText)
    if not options:
        assert [(a.text, a.speaks) for a in asked] == [("네, 됩니다.", False)]
        r.do(ev.TextInterpreted(Leg.CALLEE, ("callee-1",), "Yes."))
        r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    r.frames(5)
    said = fates(r)["callee-1"]
    assert said[:2] == ("네, 됩니다.", "" if options else "Yes.")
    kept = [a.kind for a in r.of(act.RecordEvent)]
    assert kept.count("not_interpreted") == 1
    # The engine is back; nothing is told twice.
    r.actions.clear()
    best = options.get("callee_engine", "translate")
    r.do(ev.EngineReady(Leg.CALLEE, best))
    assert states(r) == [("recovered", best)]
    assert told_to_engine(r) == []


def test_a_file_may_take_longer_than_an_engine() -> None:
    r = live()
    r.do(ev.AnsweredByKnown("person"))
    r.do(ev.EngineGone(Leg.CALLEE))
    hear(r, sentence(1.0))
    hear(r, noise(50.0, 30))
    [sent] = r.of(act.TranscribeFile)
    assert not r.of(act.StoreUtterance)
    r.do(ev.SourceText(Leg.CALLEE, "네.", sent.utterance_id, is_whole=True))
    r.do(ev.SourceDone(Leg.CALLEE, sent.utterance_id))
    r.do(ev.TextInterpreted(Leg.CALLEE, (sent.utterance_id,), "Yes."))
    r.do(ev.TargetDone(Leg.CALLEE, (sent.utterance_id,)))
    r.frames(5)
    assert fates(r)[sent.utterance_id] == ("네.", "Yes.", "caption_only")


def test_the_end_waits_for_what_is_being_written() -> None:
    r = live()
    r.do(ev.EngineGone(Leg.CALLEE))
    hear(r, sentence(1.0))
    r.do(ev.StatusChanged("completed"))
    [sent] = r.of(act.TranscribeFile)
    r.do(ev.EngineClosed(Leg.CALLER))
    assert not r.of(act.Finish)
    r.do(ev.SourceText(Leg.CALLEE, "네.", sent.utterance_id, is_whole=True))
    r.do(ev.SourceDone(Leg.CALLEE, sent.utterance_id))
    r.do(ev.TextInterpreted(Leg.CALLEE, (sent.utterance_id,), "Yes."))
    r.do(ev.TargetDone(Leg.CALLEE, (sent.utterance_id,)))
    assert r.of(act.Finish)
    assert fates(r)[sent.utterance_id] == ("네.", "Yes.", "caption_only")


def test_what_nobody_has_written_in_the_end_is_said_to_be_lost() -> None:
    r = live()
    r.do(ev.EngineLost(Leg.CALLEE))
    hear(r, sentence(1.0))
    hear(r, noise(0.6, 30))
    r.do(ev.StatusChanged("completed"))
    r.do(ev.EngineClosed(Leg.CALLER))
    r.wait(4)
    assert r.of(act.Finish)
    assert [m.code for m in r.told(browser.Warn)] == ["not_interpreted"]


def test_what_is_too_much_to_be_kept_is_said_to_be_lost() -> None:
    r = live(recovery=RecoveryConfig(keep_ms=5000))
    r.do(ev.EngineLost(Leg.CALLER))
    for _ in range(4):
        for frame in np.split(np.repeat(sentence(2.0), 3), 100):
            r.do(ev.CallerAudio(frame))
            r.frames(1)
        for _ in range(40):
            r.do(ev.CallerAudio(np.zeros(480, np.int16)))
            r.frames(1)
    lost = [m.utterance_id for m in r.told(browser.Warn) if m.utterance_id]
    assert lost[:2] == ["caller-1", "caller-2"]
    assert fates(r)["caller-1"] == ("", "", "lost")


# --- Money ---------------------------------------------------------------------------


def test_a_cheaper_engine_is_asked_for_before_the_money_is_gone() -> None:
    r = live()
    r.do(ev.SpendKnown(0.85, 1.0))
    assert not r.of(act.SaveMoney)
    r.do(ev.SpendKnown(0.91, 1.0))
    assert r.of(act.SaveMoney)
    r.do(ev.EngineFound(Leg.CALLEE, "interpret"))
    hear(r, noise(0.1, 30))
    assert r.of(act.SwapEngine)
    assert states(r) == [("degraded", "interpret")]

"""What each person hears in each mode, and what becomes of typed text."""

from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw, encode_mulaw
from realtime.config import PlayoutConfig
from realtime.events import NO_SOUND, Leg, Line
from realtime.line.playout import Playout
from realtime.modes import modes_of
from realtime.protocols import browser
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_session import Rehearsal, make_live
from realtime.tests.test_turns import hear

KOREAN: dict[str, Any] = {
    "caller_language": "ko",
    "caller_engine": "transcribe",
    "callee_engine": "transcribe",
}


def statuses(r: Rehearsal) -> list[tuple[str, str]]:
    return [(m.id, m.state) for m in r.told(browser.TextStatus)]


def problems(r: Rehearsal) -> list[str]:
    return [m.code for m in r.told(browser.Problem)]


def caller_sound(r: Rehearsal) -> np.ndarray:
    return np.concatenate([NO_SOUND, *(a.pcm for a in r.of(act.SendCallerAudio))])


def tone(ms: int) -> np.ndarray:
    return (8000 * np.sin(np.arange(24 * ms) / 4)).astype(np.int16)


# --- The table -----------------------------------------------------------------------


def test_the_agents_mode_is_there_where_it_has_something_to_do() -> None:
    for languages in (("en", "ko"), ("ko", "ko")):
        assert set(modes_of(*languages)) == {"voice", "captions", "text"}
        assert "agent" in modes_of(*languages, has_agent=True)


def test_only_who_speaks_the_callees_language_is_heard_themselves() -> None:
    assert not any(mode.passes_voice for mode in modes_of("en", "ko").values())
    own = [m.name for m in modes_of("ko", "ko").values() if m.passes_voice]
    assert own == ["voice", "captions"]


# --- Two languages -------------------------------------------------------------------


def test_in_captions_the_caller_reads_and_hears_only_the_original() -> None:
    r = make_live(mode="captions")
    hear(r, sentence(1.2))
    r.do(ev.TargetText(Leg.CALLEE, "Hello."))
    r.frames(10)
    r.actions.clear()
    r.do(ev.EngineAudio(Leg.CALLEE, tone(500)))
    r.frames(30)
    assert not caller_sound(r).any()  # silence on the line, nothing synthetic
    r.actions.clear()
    hear(r, sentence(1.2))
    loud = caller_sound(r)
    assert np.abs(loud).max() > 0.8 * np.abs(sentence(1.2)).max()


def test_in_text_the_microphone_is_ignored_and_its_engine_not_opened() -> None:
    r = Rehearsal(mode="text")
    assert r.session.open_legs() == [Leg.CALLEE]
    r = make_live(mode="text")
    for _ in range(50):
        r.do(ev.CallerAudio(tone(20)))
        r.frames(1)
    assert r.fed_ms(Leg.CALLER) == 0
    assert not r.told(browser.Speaking)


def test_a_switch_to_voice_opens_the_engine_that_was_not_needed() -> None:
    r = Rehearsal(mode="text")
    r.do(ev.EngineReady(Leg.CALLEE))
    r.do(ev.CallerAttached())
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(20)
    r.do(ev.ModeAsked("voice"))
    assert [a.leg for a in r.of(act.OpenEngine)] == [Leg.CALLER]
    for _ in range(50):  # said while it opens
        r.do(ev.CallerAudio(tone(20)))
        r.frames(1)
    assert r.fed_ms(Leg.CALLER) == 0
    r.do(ev.EngineReady(Leg.CALLER))
    assert r.fed_ms(Leg.CALLER) == pytest.approx(1000, abs=40)


def test_what_was_said_before_a_switch_to_typing_is_still_interpreted() -> None:
    r = make_live()
    for _ in range(50):
        r.do(ev.CallerAudio(tone(20)))
        r.frames(1)
    r.do(ev.ModeAsked("text"))
    r.actions.clear()
    r.frames(200)  # 4 s in which the engine says the rest
    assert r.fed_ms(Leg.CALLER) == pytest.approx(4000, abs=500)
    r.do(ev.EngineAudio(Leg.CALLER, tone(400)))
    r.frames(40)
    assert len(r.phone_bytes()) >= 400 * 8
    r.frames(500)
    r.actions.clear()
    r.frames(100)
    assert r.fed_ms(Leg.CALLER) == 0  # silence costs money as well


def test_the_callee_notices_nothing_of_a_switch() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "안녕하세요."))
    r.do(ev.EngineAudio(Leg.CALLER, tone(1000)))
    r.frames(10)
    for mode in ("captions", "text", "voice"):
        r.do(ev.ModeAsked(mode))
        r.frames(5)
    r.frames(60)
    assert len(r.phone_bytes()) == 8000
    assert not r.of(act.SendClear)
    assert [m.mode for m in r.told(browser.ModeChanged)] == [
        "captions",
        "text",
        "voice",
    ]
    kept = [a.data["to"] for a in r.of(act.RecordEvent) if a.kind == "mode_changed"]
    assert kept == ["captions", "text", "voice"]


def test_a_mode_that_does_not_exist_changes_nothing() -> None:
    r = make_live()
    r.do(ev.ModeAsked("dance"))
    assert problems(r) == ["unsupported_mode"]
    assert not r.told(browser.ModeChanged)


def test_a_client_that_comes_back_learns_the_mode() -> None:
    r = make_live()
    r.do(ev.ModeAsked("captions"))
    [mode] = [
        m.mode for m in r.session.snapshot() if isinstance(m, browser.ModeChanged)
    ]
    assert mode == "captions"


# --- One language --------------------------------------------------------------------


def test_in_one_language_both_hear_each_other_themselves() -> None:
    r = make_live(**KOREAN)
    for _ in range(100):
        r.do(ev.CallerAudio(tone(20)))
        r.frames(1)
    heard = decode_mulaw(r.phone_bytes())
    assert len(heard) == pytest.approx(2 * 8000, abs=1600)
    assert np.abs(heard).max() > 6000
    r.actions.clear()
    hear(r, sentence(1.2))
    assert np.abs(caller_sound(r)).max() > 0.8 * np.abs(sentence(1.2)).max()


def test_the_callers_own_voice_is_not_cut_by_the_callees() -> None:
    r = make_live(**KOREAN)
    r.frames(20)
    for frame in np.split(sentence(1.6)[: 80 * 160], 80):
        r.do(ev.CallerAudio(tone(20)))
        r.frames(1, encode_mulaw(frame))
    assert not r.of(act.SendClear)
    assert len(r.phone_bytes()) == pytest.approx(80 * 160, abs=10 * 160)


def test_what_is_written_in_one_language_is_kept_as_heard() -> None:
    r = make_live(**KOREAN)
    hear(r, sentence(1.2))
    hear(r, noise(1, 30))
    [commit] = r.of(act.CommitTurn)
    said = commit.utterance_id
    r.do(ev.SourceText(Leg.CALLEE, "네, 여보세요.", said))
    r.do(ev.SourceDone(Leg.CALLEE, said))
    r.do(ev.TargetDone(Leg.CALLEE, (said,)))
    r.frames(10)
    [stored] = r.of(act.StoreUtterance)
    assert (stored.original, stored.translation) == ("네, 여보세요.", "")
    assert stored.fate == "delivered"
    assert not r.of(act.AnswerTurn)


def test_text_in_one_language_is_said_as_it_was_typed() -> None:
    r = make_live(mode="text", **KOREAN)
    r.do(ev.TextTyped("t1", "두 명 예약하고 싶어요."))
    assert not r.of(act.TranslateText)
    assert [a.text for a in r.of(act.RenderText)] == ["두 명 예약하고 싶어요."]


# --- Typed text ----------------------------------------------------------------------


def say(r: Rehearsal, text_id: str, translation: str, ms: int = 500) -> None:
    r.do(ev.TextTranslated(text_id, translation))
    r.do(ev.TextRendered(text_id, tone(ms), translation, is_verbatim=True))


def test_typed_text_is_translated_shown_and_spoken() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "A table for two."))
    assert [(a.text_id, a.text) for a in r.of(act.TranslateText)] == [
        ("t1", "A table for two.")
    ]
    r.do(ev.TextTranslated("t1", "두 명 자리요."))
    r.frames(1)
    caption = r.told(browser.Caption)[-1]  # shown before it is spoken
    assert (caption.original, caption.translation) == (
        "A table for two.",
        "두 명 자리요.",
    )
    assert not r.phone_bytes()
    r.do(ev.TextRendered("t1", tone(500), "두 명 자리요.", is_verbatim=True))
    r.frames(40)
    assert len(r.phone_bytes()) == 4000
    assert statuses(r) == [
        ("t1", "queued"), ("t1", "queued"), ("t1", "speaking"), ("t1", "spoken"),
    ]  # fmt: skip
    assert r.told(browser.TextStatus)[1].translation == "두 명 자리요."
    [stored] = r.of(act.StoreUtterance)
    assert (stored.original, stored.fate) == ("A table for two.", "delivered")


def test_messages_are_said_in_the_order_in_which_they_were_typed() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "First."))
    r.do(ev.TextTyped("t2", "Second."))
    say(r, "t2", "둘째.", 300)
    r.frames(20)
    assert not r.phone_bytes()
    say(r, "t1", "첫째.", 300)
    r.frames(60)
    spoken = [text_id for text_id, state in statuses(r) if state == "spoken"]
    assert spoken == ["t1", "t2"]


def test_what_cannot_be_translated_is_shown_and_holds_up_nobody() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "First."))
    r.do(ev.TextTyped("t2", "Second."))
    say(r, "t2", "둘째.", 300)
    r.do(ev.TextTranslated("t1", ""))
    r.frames(40)
    assert ("t1", "failed") in statuses(r)
    assert ("t2", "spoken") in statuses(r)


def test_what_is_not_spoken_word_for_word_is_not_said() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "Room 305."))
    r.do(ev.TextTranslated("t1", "305호요."))
    r.do(ev.TextRendered("t1", tone(500), "350호요.", is_verbatim=False))
    r.frames(40)
    last = r.told(browser.TextStatus)[-1]
    assert (last.state, last.spoken) == ("mismatch", "350호요.")
    assert not r.phone_bytes()


def test_an_interrupted_message_is_said_again_and_the_caller_sees_it() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "A long one."))
    say(r, "t1", "긴 문장입니다.", 3000)
    hear(r, noise(1, 30))
    hear(r, sentence(1.4))
    hear(r, noise(6, 30))
    states = [state for _, state in statuses(r)]
    assert states[2:] == ["speaking", "interrupted", "repeating", "spoken"]


def test_a_message_that_is_sent_again_is_not_said_again() -> None:
    r = make_live(mode="text")
    for _ in range(2):
        r.do(ev.TextTyped("t1", "Hello."))
    assert len(r.of(act.TranslateText)) == 1
    say(r, "t1", "안녕하세요.")
    r.frames(60)
    r.do(ev.TextTyped("t1", "Hello."))
    assert statuses(r)[-1] == ("t1", "spoken")
    assert len(r.of(act.TranslateText)) == 1


@pytest.mark.parametrize(
    ("text", "code"), [("  ", "text_empty"), ("x" * 501, "text_too_long")]
)
def test_bad_text_is_refused_with_its_reason(text: str, code: str) -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", text))
    assert problems(r) == [code]
    assert statuses(r) == [("t1", "failed")]


def test_nothing_is_typed_into_a_call_that_nobody_has_answered() -> None:
    r = Rehearsal(mode="text")
    r.do(ev.TextTyped("t1", "Hello."))
    assert problems(r) == ["text_not_now"]
    assert statuses(r) == [("t1", "failed")]


def test_text_in_the_callees_language_needs_no_translation() -> None:
    r = make_live()
    r.do(ev.TextTyped("t1", "네, 맞아요.", is_final=True))
    assert [a.text for a in r.of(act.RenderText)] == ["네, 맞아요."]


def test_typed_text_takes_no_translation_of_what_was_spoken() -> None:
    r = make_live()
    r.do(ev.TextTyped("t1", "Hello."))
    r.do(ev.TargetText(Leg.CALLER, "다른 말입니다."))
    captions = {m.utterance_id: m for m in r.told(browser.Caption)}
    assert captions["caller-1"].translation == ""


def test_while_the_caller_types_the_callee_is_told_once() -> None:
    r = make_live(mode="text")
    for _ in range(3):
        r.do(ev.Typing(active=True))
        r.frames(30)
    lines = [a.data["line"] for a in r.of(act.RecordEvent) if a.kind == "line_spoken"]
    assert lines == [Line.TYPING]


def test_what_is_still_unsaid_at_the_end_is_shown_as_failed() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "Hello."))
    r.do(ev.StatusChanged("completed"))
    r.do(ev.EngineClosed(Leg.CALLER))
    r.do(ev.EngineClosed(Leg.CALLEE))
    assert statuses(r)[-1] == ("t1", "failed")
    [stored] = r.of(act.StoreUtterance)
    assert stored.fate == "caption_only"


# --- The voice in the playout --------------------------------------------------------


def test_a_voice_that_is_late_loses_pauses_and_no_words() -> None:
    playout = Playout(PlayoutConfig())
    word = encode_mulaw((6000 * np.sin(np.arange(160) / 3)).astype(np.int16))
    playout.push_voice((word + 4 * SILENCE_FRAME) * 20)  # 2 s at once
    heard = []
    for _ in range(100):
        playout.release(pad=True)
        heard.append(playout.tick().payload)
    assert heard.count(word) == 20
    assert heard.index(word) <= 2
    last = max(i for i, frame in enumerate(heard) if frame == word)
    assert last < 60


def test_words_of_ours_go_before_the_voice_and_are_not_mixed_up_with_it() -> None:
    playout = Playout(PlayoutConfig())
    ours = encode_mulaw(np.full(160, 3000, np.int16))
    playout.push_voice(SILENCE_FRAME * 5)
    playout.push(ours * 10, "line")
    playout.release(pad=True)
    assert playout.tags == ["line"]
    assert playout.queued_ms == 200
    playout.cut()
    assert playout.queued_ms == 200


# --- What is looked at before and after ----------------------------------------------


def test_a_number_that_a_translation_got_wrong_is_marked_and_kept() -> None:
    r = make_live()
    r.do(ev.SourceText(Leg.CALLEE, "세 시에 오세요."))
    r.do(ev.TargetText(Leg.CALLEE, "Please come at four."))
    r.frames(100)
    caption = r.told(browser.Caption)[-1]
    [(start, end)] = caption.uncertain
    assert "four" in caption.translation[start:end]
    [stored] = r.of(act.StoreUtterance)
    assert stored.uncertain == ((start, end),)


def test_what_was_translated_rightly_is_not_in_doubt() -> None:
    r = make_live()
    r.do(ev.SourceText(Leg.CALLEE, "세 시에 오세요."))
    r.do(ev.TargetText(Leg.CALLEE, "Please come at three o'clock."))
    r.frames(100)
    [stored] = r.of(act.StoreUtterance)
    assert stored.uncertain == ()


def test_abuse_is_not_said_and_the_caller_learns_why() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "...", translation="이 개새끼야."))
    assert not r.of(act.RenderText)
    [judged] = r.told(browser.Guardrail)
    assert (judged.level, judged.action) == ("abuse", "blocked")
    assert statuses(r)[-1] == ("t1", "failed")


def test_a_translation_that_is_too_familiar_is_said_politely() -> None:
    r = make_live(mode="text")
    r.do(ev.TextTyped("t1", "Thank you.", translation="고마워."))
    [text] = [a.text for a in r.of(act.RenderText)]
    assert text != "고마워."
    [judged] = r.told(browser.Guardrail)
    assert judged.action == "corrected"
    assert r.told(browser.TextStatus)[-1].translation == text


def test_what_the_caller_wrote_in_the_callees_language_is_not_corrected() -> None:
    r = make_live(mode="text", **KOREAN)
    r.do(ev.TextTyped("t1", "고마워."))
    assert [a.text for a in r.of(act.RenderText)] == ["고마워."]


def test_a_phrase_can_be_said_again_and_again() -> None:
    r = make_live(mode="text")
    for _ in range(2):
        r.do(ev.TextTyped("p1", "Yes.", translation="네.", is_phrase=True))
        r.do(ev.TextRendered("p1", tone(300), "네.", is_verbatim=True))
        r.frames(40)
    assert [state for _, state in statuses(r)].count("spoken") == 2
    assert all(a.is_phrase for a in r.of(act.RenderText))

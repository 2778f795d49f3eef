"""How late words are, and whose part of it that is."""

from typing import Any

from realtime import actions as act
from realtime import events as ev
from realtime.events import Leg
from realtime.tests.sounds import noise, sentence
from realtime.tests.test_modes import say
from realtime.tests.test_session import Rehearsal, make_live
from realtime.tests.test_turns import hear


def measured(r: Rehearsal) -> dict[str, float]:
    return {a.what: a.ms for a in r.of(act.Measure)}


def live(**options: Any) -> Rehearsal:
    r = make_live(**options)
    r.frames(80)
    r.actions.clear()
    return r


def test_a_caption_is_final_when_its_text_has_been_silent() -> None:
    r = live()
    hear(r, sentence(1.0))
    hear(r, noise(1.0, 30))
    r.do(ev.SourceText(Leg.CALLEE, "네."))
    r.do(ev.TargetText(Leg.CALLEE, "Yes."))
    hear(r, noise(2.0, 30))
    found = measured(r)
    assert set(found) == {
        f"final_caption_translate{part}" for part in ("", "_provider", "_relay")
    }
    assert 750 <= found["final_caption_translate_provider"] <= 1150
    assert 1180 <= found["final_caption_translate_relay"] <= 1240
    whole = found["final_caption_translate"]
    assert whole == sum(v for k, v in found.items() if k != "final_caption_translate")


def test_an_engine_that_says_when_it_is_done_is_not_waited_for() -> None:
    r = live(callee_engine="interpret")
    hear(r, sentence(1.0))
    hear(r, noise(1.0, 30))
    r.do(ev.SourceText(Leg.CALLEE, "네.", "callee-1"))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    r.do(ev.TargetText(Leg.CALLEE, "Yes.", "callee-1"))
    r.do(ev.TargetDone(Leg.CALLEE, ("callee-1",)))
    found = measured(r)
    assert found["final_caption_interpret_relay"] == 0
    assert 750 <= found["final_caption_interpret"] <= 1150


def test_typed_text_is_followed_to_the_line() -> None:
    r = live(mode="text")
    r.do(ev.TextTyped("t1", "Hello."))
    r.frames(30)
    say(r, "t1", "안녕하세요.")
    r.frames(60)
    found = measured(r)
    assert found["typed_to_line_provider"] == 600
    assert 0 < found["typed_to_line_relay"] <= 60
    r.actions.clear()
    r.frames(100)
    assert not measured(r)  # once


def test_a_phrase_is_measured_apart() -> None:
    r = live(mode="text")
    r.do(ev.TextTyped("p1", "Yes.", translation="네.", is_phrase=True))
    say(r, "p1", "네.")
    r.frames(60)
    assert measured(r)["phrase_to_line_provider"] == 0

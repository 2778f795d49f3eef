"""Who may speak: the table, and what the line and the caller see of it."""

from functools import partial

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.audio.g711 import decode_mulaw, encode_mulaw
from realtime.config import PlayoutConfig, TurnConfig
from realtime.events import Leg
from realtime.line.playout import Playout
from realtime.protocols import browser
from realtime.tests.sounds import noise, sentence, yes
from realtime.tests.test_session import Rehearsal, make_live, sound
from realtime.turns import TABLE, Cue, Effect, Turn, TurnTaking, is_backchannel

ONSET_MS = 120


class Talk:
    """A callee who speaks and is quiet, frame by frame."""

    def __init__(self) -> None:
        self.turns = TurnTaking(TurnConfig())
        self.now_ms = 1000
        self.quiet_ms = 0
        self.effects: list[tuple[int, Effect]] = []

    def go(self, ms: int, *, speaks: bool, playing: bool = True) -> None:
        for _ in range(ms // 20):
            self.now_ms += 20
            self.quiet_ms = 0 if speaks else self.quiet_ms + 20
            found = self.turns.hear(
                is_speech=speaks or self.quiet_ms < 350,
                quiet_ms=self.quiet_ms,
                onset_ms=ONSET_MS,
                is_playing=playing,
                now_ms=self.now_ms,
            )
            self.effects += [(self.now_ms, effect) for effect in found]

    @property
    def kinds(self) -> list[Effect]:
        return [effect for _, effect in self.effects]


# --- The table -----------------------------------------------------------------------


def test_every_turn_can_be_left() -> None:
    assert {turn for turn, _ in TABLE} == set(Turn)
    assert {turn for turn, _ in TABLE.values()} == set(Turn)
    assert {cue for _, cue in TABLE} == set(Cue)


def test_a_backchannel_makes_us_pause_and_go_on() -> None:
    talk = Talk()
    talk.quiet_ms = 1000
    talk.go(300, speaks=True)
    talk.go(400, speaks=False)
    assert talk.kinds == [Effect.CUT, Effect.RESUME]
    cut_ms, resumed_ms = (at for at, _ in talk.effects)
    assert cut_ms == 1020
    assert resumed_ms - 1300 <= 200


def test_speech_longer_than_600_ms_is_an_interruption() -> None:
    talk = Talk()
    talk.quiet_ms = 1000
    talk.go(900, speaks=True)
    talk.go(500, speaks=False)
    assert talk.kinds == [Effect.CUT, Effect.INTERRUPT, Effect.RELEASE]
    confirmed_ms = talk.effects[1][0]
    assert 600 < confirmed_ms - (1020 - ONSET_MS) <= 640


def test_half_a_second_and_a_pause_is_not_600_ms() -> None:
    talk = Talk()
    talk.quiet_ms = 1000
    talk.go(460, speaks=True)
    talk.go(400, speaks=False)
    assert talk.kinds == [Effect.CUT, Effect.RESUME]


def test_a_closed_mouth_within_a_word_is_no_end() -> None:
    talk = Talk()
    talk.quiet_ms = 1000
    for _ in range(4):
        talk.go(220, speaks=True)
        talk.go(100, speaks=False)
    assert talk.kinds[:4] == [Effect.CUT, Effect.RESUME, Effect.CUT, Effect.INTERRUPT]


def test_what_is_heard_late_is_not_waited_for_as_long() -> None:
    for is_late, ended in ((False, ()), (True, (Effect.RESUME,))):
        turns = TurnTaking(TurnConfig())
        hear = partial(turns.hear, onset_ms=ONSET_MS, is_playing=True, is_late=is_late)
        hear(is_speech=True, quiet_ms=0, now_ms=1000)
        assert hear(is_speech=True, quiet_ms=64, now_ms=1300) == ended


def test_several_backchannels_are_no_interruption() -> None:
    talk = Talk()
    for _ in range(3):
        talk.quiet_ms = 1000
        talk.go(400, speaks=True)
        talk.go(400, speaks=False)
    assert talk.kinds == 3 * [Effect.CUT, Effect.RESUME]


def test_words_confirm_before_600_ms() -> None:
    talk = Talk()
    talk.quiet_ms = 1000
    talk.go(200, speaks=True)
    assert talk.turns.words("네", talk.now_ms - 200) == ()
    assert talk.turns.words("잠깐만요", talk.now_ms - 200) == (Effect.INTERRUPT,)


def test_words_of_an_earlier_utterance_confirm_nothing() -> None:
    talk = Talk()
    talk.now_ms = 9000
    talk.quiet_ms = 1000
    talk.go(200, speaks=True)
    assert talk.turns.words("잠깐만요", 3000) == ()


def test_what_we_have_to_say_waits_for_the_callee_but_not_for_ever() -> None:
    talk = Talk()
    talk.quiet_ms = 1000
    talk.go(20_000, speaks=True, playing=False)
    assert talk.kinds == [Effect.HOLD, Effect.GIVE_UP, Effect.RELEASE]
    assert talk.effects[1][0] - 1020 == pytest.approx(15_000, abs=20)


@pytest.mark.parametrize("text", ["네.", "네, 네", "Uh-huh", "Okay!", "はい。", "嗯"])
def test_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["아니요", "네 잠깐만요", "No", "네 분이요", ""])
def test_more_than_backchannels(text: str) -> None:
    assert not is_backchannel(text)


# --- The playout ---------------------------------------------------------------------


def words_and_pause() -> bytes:
    """Half a second of sound, 100 ms of pause, a second of sound."""
    word = (6000 * np.sin(np.arange(4000) / 3)).astype(np.int16)
    pause = np.zeros(800, np.int16)
    return encode_mulaw(np.concatenate([word, pause, word, word]))


def test_a_cut_takes_back_what_was_not_played_and_loses_nothing() -> None:
    playout = Playout(PlayoutConfig())
    said = words_and_pause()
    playout.push(said, "a")
    heard = b""
    for _ in range(40):
        playout.release()
        heard += playout.tick().payload
    playout.cut()
    assert playout.release() == b""
    assert playout.tick().tag == ""
    playout.is_held = False
    while playout.queued_ms:
        playout.release(pad=True)
        heard += playout.tick().payload
    assert heard == said


def test_it_goes_on_from_the_last_pause() -> None:
    playout = Playout(PlayoutConfig())
    playout.push(words_and_pause(), "a")
    for _ in range(45):  # 900 ms: 300 ms into the second stretch of sound
        playout.release()
        playout.tick()
    playout.cut()
    again_ms = playout.rewind(pause_ms=80, at_most_ms=4000)
    assert again_ms == pytest.approx(360, abs=40)
    playout.is_held = False
    playout.release()
    first = decode_mulaw(playout.tick().payload)
    assert int(np.abs(first).max()) < 400  # the end of the pause


def test_without_a_pause_it_goes_on_from_the_quietest_place() -> None:
    playout = Playout(PlayoutConfig())
    tone = 6000 * np.sin(np.arange(48_000) / 3)
    tone[4 * 8000 : 4 * 8000 + 160] *= 0.5  # between two words
    playout.push(encode_mulaw(tone.astype(np.int16)), "a")
    for _ in range(250):  # 5 s
        playout.release()
        playout.tick()
    playout.cut()
    assert playout.rewind(pause_ms=80, at_most_ms=2000) == 980
    assert playout.rewind(pause_ms=80, at_most_ms=400) <= 400


def test_an_utterance_that_had_just_begun_is_said_again_whole() -> None:
    playout = Playout(PlayoutConfig())
    playout.push(words_and_pause(), "a")
    for _ in range(10):
        playout.release()
        playout.tick()
    playout.cut()
    assert playout.rewind(pause_ms=80, at_most_ms=4000) == 200
    assert playout.queued_ms == 1600


# --- A call --------------------------------------------------------------------------


def speaking(r: Rehearsal) -> None:
    """Let us say four seconds to the callee, and let one of them pass."""
    r.do(ev.TargetText(Leg.CALLER, "아주 긴 문장을 말하고 있습니다."))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 4000, 4000, np.int16)))
    hear(r, noise(1, 30))
    r.actions.clear()


def hear(r: Rehearsal, line: np.ndarray) -> None:
    for i in range(len(line) // 160):
        r.frames(1, encode_mulaw(line[i * 160 : (i + 1) * 160]))


def unheard(r: Rehearsal) -> list[str]:
    return [m.state for m in r.told(browser.Unheard)]


def test_an_interruption_is_silent_at_once_and_the_rest_is_said_later() -> None:
    r = make_live()
    speaking(r)
    voice = sentence(1.2)
    hear(r, voice[: 8 * 240])
    assert len(r.of(act.SendClear)) == 1  # within 240 ms of the first sample
    assert unheard(r) == ["held"]
    r.actions.clear()
    hear(r, voice[8 * 240 :])
    assert [m.by for m in r.told(browser.Interruption)] == ["callee"]
    assert not r.of(act.SendFrame)
    hear(r, noise(6, 30))
    assert unheard(r) == ["resumed", "spoken"]
    [stored] = [a for a in r.of(act.StoreUtterance) if a.leg is Leg.CALLER]
    assert stored.fate == "delivered"


def test_a_backchannel_is_no_interruption_and_the_whole_sentence_is_heard() -> None:
    r = make_live()
    speaking(r)
    hear(r, yes())
    hear(r, noise(6, 30))
    assert len(r.of(act.SendClear)) == 1
    assert not r.told(browser.Interruption)
    assert unheard(r) == ["held", "resumed", "spoken"]


def test_more_is_said_again_after_an_interruption_than_after_a_backchannel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Playout, "mind_lag", lambda *_: None)
    again_ms = []
    for voice in (yes(), sentence(1.2)):
        r = make_live()
        tone = 4000 * np.sin(np.arange(24 * 8000) / 9)  # without a pause
        r.do(ev.TargetText(Leg.CALLER, "아주 긴 문장을 말하고 있습니다."))
        r.do(ev.EngineAudio(Leg.CALLER, tone.astype(np.int16)))
        hear(r, noise(3.2, 30))
        hear(r, voice)
        hear(r, noise(14, 30))
        frames = len(r.phone_bytes()) / 160
        again_ms.append(frames * 20 - 8000)
    after_backchannel, after_interruption = again_ms
    assert 0 < after_backchannel <= 1500 + 200
    assert 3000 < after_interruption <= 4000 + 200


def test_a_backchannel_in_the_engines_own_gap_does_not_hold_up_the_rest() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "문장을"))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 1000, 4000, np.int16)))
    hear(r, noise(1.1, 30))
    hear(r, yes())  # the queue is empty, the sentence is not over
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 1000, 4000, np.int16)))
    r.actions.clear()
    hear(r, noise(0.3, 30))
    assert r.of(act.SendFrame)


def test_something_new_from_the_caller_replaces_the_rest() -> None:
    r = make_live()
    speaking(r)
    hear(r, sentence(1.2))
    wide = np.repeat(sentence(1.2), 3).astype(np.int16)
    for i in range(30):
        r.do(ev.CallerAudio(wide[i * 960 : (i + 1) * 960]))
        hear(r, noise(0.04, 30))
    assert unheard(r)[:2] == ["held", "discarded"]


def test_the_rest_can_be_discarded() -> None:
    r = make_live()
    speaking(r)
    hear(r, sentence(1.2))
    assert unheard(r) == ["held"]
    r.actions.clear()
    r.do(ev.DiscardAsked("caller-1"))
    hear(r, noise(3, 30))
    assert unheard(r) == ["discarded"]
    assert not r.of(act.SendFrame)
    [stored] = [a for a in r.of(act.StoreUtterance) if a.leg is Leg.CALLER]
    assert stored.fate == "lost"


def test_a_rest_that_waits_too_long_is_lost_and_shown() -> None:
    r = make_live()
    speaking(r)
    hear(r, sentence(16.5))
    assert unheard(r)[-1] == "lost"


def test_an_utterance_can_be_repeated() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "네."))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 400, 4000, np.int16)))
    r.frames(100)
    r.actions.clear()
    r.do(ev.RepeatAsked("caller-1"))
    r.frames(30)
    assert len(r.phone_bytes()) == 3200
    assert unheard(r) == ["spoken"]
    r.do(ev.RepeatAsked("caller-99"))
    assert [m.code for m in r.told(browser.Problem)] == ["cannot_repeat"]


def test_the_callers_words_wait_while_the_callee_speaks() -> None:
    r = make_live()
    r.frames(80)  # by then nothing of the greeting can be echoing
    hear(r, sentence(1.0))
    r.actions.clear()
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 400, 4000, np.int16)))
    hear(r, sentence(0.3))
    assert not r.of(act.SendFrame)
    assert not r.told(browser.Interruption)
    hear(r, noise(2, 30))
    assert len(r.phone_bytes()) == 3200


# --- Echo and the original ------------------------------------------------------------


def test_our_own_words_that_come_back_are_counted_and_neither_shown_nor_said() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "아주 긴 문장을 말하고 있습니다."))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 4000, 4000, np.int16)))
    hear(r, noise(0.4, 30))
    r.actions.clear()
    hear(r, sentence(1.0))
    r.do(ev.SourceText(Leg.CALLEE, "긴 문장을 말하고 있습니다"))
    r.do(ev.TargetText(Leg.CALLEE, "is saying a long sentence"))
    r.do(ev.EngineAudio(Leg.CALLEE, np.full(24 * 400, 9000, np.int16)))
    r.do(ev.OriginalGain(0.0))
    r.frames(150)
    assert [c.leg for c in r.told(browser.Caption) if c.leg == "callee"] == []
    assert [a for a in r.of(act.StoreUtterance) if a.leg is Leg.CALLEE] == []
    assert not any(np.any(a.pcm > 8000) for a in r.of(act.SendCallerAudio))
    assert [e.kind for e in r.of(act.RecordEvent)].count("echo_heard") == 1


def test_speech_in_the_callers_own_language_comes_through_in_full() -> None:
    r = make_live()
    hear(r, sentence(1.0))
    r.do(ev.SourceText(Leg.CALLEE, "Hello, do you speak English?"))
    r.actions.clear()
    hear(r, sentence(1.0))
    soft = max(int(np.abs(a.pcm).max()) for a in r.of(act.SendCallerAudio))
    r.actions.clear()
    hear(r, sentence(3.0)[8000:])
    loud = max(int(np.abs(a.pcm).max()) for a in r.of(act.SendCallerAudio)[10:])
    assert loud > 4 * soft


# --- An engine that works by turns ----------------------------------------------------


def by_turns() -> Rehearsal:
    r = make_live(callee_engine="interpret")
    r.frames(80)  # by then nothing of the greeting can be echoing
    r.actions.clear()
    return r


def told_to_engine(r: Rehearsal) -> list[str]:
    """Name what the callee's engine was told, sound in a row as one."""
    names = [
        type(a).__name__
        for a in r.actions
        if isinstance(a, act.FeedEngine | act.CommitTurn | act.AnswerTurn)
        and a.leg is Leg.CALLEE
    ]
    return [
        n for i, n in enumerate(names) if n != "FeedEngine" or names[i - 1 : i] != [n]
    ]


def fed(r: Rehearsal) -> np.ndarray:
    parts = [a.pcm for a in r.of(act.FeedEngine) if a.leg is Leg.CALLEE]
    return np.concatenate([np.zeros(0, np.int16), *parts])


def test_only_speech_is_fed_with_what_came_just_before() -> None:
    r = by_turns()
    hear(r, noise(2, 30))
    assert len(fed(r)) == 0
    hear(r, sentence(1.0))
    hear(r, noise(2, 30))
    assert told_to_engine(r) == ["FeedEngine", "CommitTurn", "AnswerTurn"]
    ms = len(fed(r)) / 24
    assert 1300 + 300 <= ms <= 1900  # the sentence, 300 ms before, 350 ms after
    [commit] = r.of(act.CommitTurn)
    [answer] = r.of(act.AnswerTurn)
    assert answer.utterance_ids == (commit.utterance_id,) == ("callee-1",)


def test_a_complete_sentence_is_answered_at_once() -> None:
    r = by_turns()
    hear(r, sentence(1.0))
    while not r.of(act.CommitTurn):
        hear(r, noise(0.02, 30))
    assert not r.of(act.AnswerTurn)
    r.do(ev.SourceText(Leg.CALLEE, "네, 안녕하세요.", "callee-1"))
    r.do(ev.SourceDone(Leg.CALLEE, "callee-1"))
    assert [a.utterance_ids for a in r.of(act.AnswerTurn)] == [("callee-1",)]


def test_a_slow_engine_loses_nothing() -> None:
    r = by_turns()
    for _ in range(4):
        hear(r, sentence(1.0))
        hear(r, noise(1.0, 30))
        r.do(ev.SourceText(Leg.CALLEE, "네.", f"callee-{len(r.of(act.CommitTurn))}"))
        r.do(ev.SourceDone(Leg.CALLEE, f"callee-{len(r.of(act.CommitTurn))}"))
    ids = [a.utterance_ids for a in r.of(act.AnswerTurn)]
    assert ids == [("callee-1",), ("callee-2",), ("callee-3",), ("callee-4",)]
    for n in range(1, 5):
        hear(r, noise(5, 30))  # five seconds for each
        r.do(ev.EngineAudio(Leg.CALLEE, sound(500), f"callee-{n}"))
        r.do(ev.TargetText(Leg.CALLEE, f"Sentence {n}.", f"callee-{n}"))
        r.do(ev.TargetDone(Leg.CALLEE, (f"callee-{n}",)))
    hear(r, noise(9, 30))
    stored = {a.utterance_id: (a.translation, a.fate) for a in r.of(act.StoreUtterance)}
    assert stored == {
        f"callee-{n}": (f"Sentence {n}.", "delivered") for n in range(1, 5)
    }


def test_what_was_not_answered_is_told_to_the_next_engine() -> None:
    r = by_turns()
    hear(r, sentence(1.0))
    hear(r, noise(1.0, 30))
    heard = fed(r)
    r.do(ev.EngineLost(Leg.CALLEE))
    r.actions.clear()
    hear(r, sentence(1.0))  # said while nobody listens
    r.do(ev.EngineReady(Leg.CALLEE))
    assert told_to_engine(r) == [
        "FeedEngine", "CommitTurn", "FeedEngine", "AnswerTurn",
    ]  # fmt: skip
    again = next(a.pcm for a in r.of(act.FeedEngine) if a.leg is Leg.CALLEE)
    assert np.array_equal(again, heard)
    hear(r, noise(2.0, 30))
    assert [a.utterance_ids for a in r.of(act.AnswerTurn)] == [
        ("callee-1",),
        ("callee-2",),
    ]
    one_second = 24 * 1000
    assert len(fed(r)) - len(again) > one_second + 24 * 300


def test_a_monologue_reaches_the_engine_whole_and_in_order() -> None:
    r = by_turns()
    long = np.concatenate([sentence(5.0)] * 5)
    hear(r, long)
    hear(r, noise(2, 30))
    ids = [a.utterance_id for a in r.of(act.CommitTurn)]
    assert len(ids) >= 2
    answered = [i for a in r.of(act.AnswerTurn) for i in a.utterance_ids]
    assert answered == ids
    assert len(fed(r)) / 24 >= 0.98 * 25_000


def test_the_engine_is_told_what_was_heard_of_it() -> None:
    r = make_live(caller_engine="interpret")
    r.do(ev.CallerAudio(np.repeat(sentence(1.0), 3)))
    r.frames(50)
    speaking(r)
    hear(r, sentence(1.2))
    [cut] = r.of(act.TruncateTurn)
    assert (cut.leg, cut.utterance_id) == (Leg.CALLER, "caller-1")
    assert 1000 <= cut.heard_ms <= 1400
    r.actions.clear()
    hear(r, noise(6, 30))
    # Afterwards the count goes on from the pause before the cut.
    progress = [m.played_ms for m in r.told(browser.Playback)]
    assert progress[0] >= 200
    assert progress[-1] == 4000


def test_the_end_of_a_call_answers_what_was_just_said() -> None:
    r = by_turns()
    hear(r, sentence(1.0))
    r.do(ev.StatusChanged("completed"))
    assert told_to_engine(r) == ["FeedEngine", "CommitTurn", "AnswerTurn"]
    assert isinstance(r.actions[-1], act.CloseEngine)


# --- What waits can be taken back -----------------------------------------------------


def test_what_the_caller_says_meanwhile_is_shown_as_waiting() -> None:
    r = make_live()
    r.frames(80)
    hear(r, sentence(1.0))
    r.actions.clear()
    r.do(ev.TargetText(Leg.CALLER, "지금 말한 것."))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 400, 4000, np.int16)))
    assert unheard(r) == ["held"]
    assert [
        m.state for m in r.session.snapshot() if isinstance(m, browser.Unheard)
    ] == ["held"]
    hear(r, noise(3, 30))
    assert unheard(r) == ["held", "resumed", "spoken"]


def test_what_waits_can_be_taken_back() -> None:
    r = make_live()
    r.frames(80)
    hear(r, sentence(1.0))
    r.actions.clear()
    r.do(ev.TargetText(Leg.CALLER, "지금 말한 것."))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 400, 4000, np.int16)))
    r.do(ev.DiscardAsked("caller-1"))
    hear(r, noise(3, 30))
    assert unheard(r) == ["held", "discarded"]
    assert not r.phone_bytes()


def test_what_is_playing_can_be_taken_back() -> None:
    r = make_live()
    speaking(r)
    r.do(ev.DiscardAsked("caller-1"))
    assert len(r.of(act.SendClear)) == 1
    assert unheard(r) == ["discarded"]
    already = len(r.phone_bytes())
    hear(r, noise(3, 30))
    assert len(r.phone_bytes()) == already
    r.do(ev.TargetText(Leg.CALLER, "다음."))
    r.do(ev.EngineAudio(Leg.CALLER, np.full(24 * 400, 4000, np.int16)))
    r.do(ev.DiscardAsked("caller-1"))  # nothing of it is left
    hear(r, noise(3, 30))
    assert len(r.phone_bytes()) == already + 3200


def test_repeating_what_waits_says_it_once() -> None:
    r = make_live()
    speaking(r)
    voice = sentence(1.2)
    hear(r, voice)
    r.actions.clear()
    r.do(ev.RepeatAsked("caller-1"))
    hear(r, noise(6, 30))
    assert len(r.phone_bytes()) == pytest.approx(4 * 8000, abs=160)

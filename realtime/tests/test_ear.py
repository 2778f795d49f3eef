"""The callee, with and without our own echo in between."""

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.audio.echo import EchoConfig, Mode
from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw, encode_mulaw
from realtime.events import Leg
from realtime.line.clock import LATE, MISSING, TICK, WAITING
from realtime.line.ear import Ear
from realtime.protocols import browser
from realtime.tests.sounds import noise, reply, sentence
from realtime.tests.test_session import Rehearsal, make_live

LOUD = bytes([0x90]) * 160
DELAY_MS = 200


def test_a_line_on_which_nothing_plays_is_passed_on_at_once() -> None:
    ear = Ear(EchoConfig())
    [heard] = ear.step(TICK, LOUD, SILENCE_FRAME)
    assert np.array_equal(heard.pcm, decode_mulaw(LOUD))
    assert heard.behind_ms == 0
    assert not heard.is_filler


def frame(i: int) -> bytes:
    return bytes([i]) * 160


@pytest.fixture
def taped() -> list[tuple[bytes, bytes]]:
    return []


@pytest.fixture
def ear(taped: list[tuple[bytes, bytes]]) -> Ear:
    return Ear(EchoConfig(), lambda played, heard: taped.append((played, heard)))


def test_the_tap_gets_what_was_heard_with_what_was_played_at_that_time(
    ear: Ear, taped: list[tuple[bytes, bytes]]
) -> None:
    ear.step(TICK, frame(1), frame(101))
    assert not ear.step(WAITING, SILENCE_FRAME, frame(102), 1)
    assert not ear.step(WAITING, SILENCE_FRAME, frame(103), 2)
    ear.step(LATE, frame(2), SILENCE_FRAME, 1)
    ear.step(LATE, frame(3), SILENCE_FRAME, 0)
    ear.step(MISSING, SILENCE_FRAME, frame(104), 0)
    assert taped == [
        (frame(101), frame(1)),
        (frame(102), frame(2)),
        (frame(103), frame(3)),
        (frame(104), SILENCE_FRAME),
    ]


def test_late_frames_say_how_late_they_are(ear: Ear) -> None:
    for owed in range(1, 4):
        ear.step(WAITING, SILENCE_FRAME, SILENCE_FRAME, owed)
    ages = [
        ear.step(LATE, LOUD, SILENCE_FRAME, owed)[0].behind_ms for owed in (2, 1, 0)
    ]
    assert ages == [40, 20, 0]


def test_what_was_played_while_the_line_paused_goes_with_nothing(
    ear: Ear, taped: list[tuple[bytes, bytes]]
) -> None:
    for i in range(3):
        ear.step(WAITING, SILENCE_FRAME, frame(101 + i), i + 1)
    [heard] = ear.step(TICK, frame(1), frame(104), 0)
    assert heard.behind_ms == 0
    assert taped[-1] == (frame(104), frame(1))
    assert taped[:-1] == [(frame(101 + i), SILENCE_FRAME) for i in range(3)]


# --- In a call -----------------------------------------------------------------------


class EchoingLine:
    """A telephone that gives back what it plays, 200 ms late and 12 dB down."""

    def __init__(self, r: Rehearsal) -> None:
        self.r = r
        self._rng = np.random.default_rng(5)

    def hear(self, voice: np.ndarray) -> None:
        """Let the callee say something while everything played comes back.

        Args:
            voice: float or int16, whole frames at 8 kHz.
        """
        for i in range(len(voice) // 160):
            played = [p for p, _ in self.r.heard_and_played]
            at = len(played) - DELAY_MS // 20
            echo = decode_mulaw(played[at]) * 0.25 if at >= 0 else np.zeros(160)
            line = voice[i * 160 : (i + 1) * 160] + echo
            line = line + self._rng.normal(0, 20, 160)
            clipped = np.clip(line, -32768, 32767).astype(np.int16)
            self.r.frames(1, encode_mulaw(clipped))


def at_24k(pcm: np.ndarray) -> np.ndarray:
    return np.repeat(pcm, 3)


@pytest.fixture(scope="module")
def echoing() -> Rehearsal:
    """An answered call whose greeting echoes, and over which we go on talking."""
    r = Rehearsal(echo=EchoConfig())
    for leg in Leg:
        r.do(ev.EngineReady(leg))
    voice = np.concatenate([sentence(1.5), noise(0.1, 1), sentence(1.5)])
    for line in ev.Line:
        r.do(ev.LineRendered(line, f"{line}.", at_24k(voice)))
    r.do(ev.CallerAttached())
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    return r


def test_our_own_voice_is_neither_heard_nor_taken_for_a_person(
    echoing: Rehearsal,
) -> None:
    r = echoing
    EchoingLine(r).hear(np.zeros(8000 * 5))
    assert r.session._ear.n_locks == 1
    assert r.session._ear.echo_delay_ms == pytest.approx(DELAY_MS, abs=5)
    assert not r.told(browser.Speaking)
    assert not r.of(act.SendClear)
    # Afterwards a callee who speaks over us is heard at once, and at the right time.
    r.do(ev.EngineAudio(Leg.CALLER, at_24k(np.tile(sentence(2.0), 2))))
    EchoingLine(r).hear(np.zeros(8000))
    r.actions.clear()
    began_ms = r.session.line_ms
    EchoingLine(r).hear(reply())
    assert len(r.of(act.SendClear)) == 1
    [interruption] = [e for e in r.of(act.RecordEvent) if e.kind == "interruption"]
    assert interruption.data["at_ms"] < began_ms + 1000
    EchoingLine(r).hear(np.zeros(8000 * 2))
    speech = r.session._sides[Leg.CALLEE].captions
    [caption] = [c for c in speech._all_by_start if c.leg is Leg.CALLEE]
    assert caption.started_ms == pytest.approx(began_ms, abs=160)
    assert caption.ended_ms == pytest.approx(began_ms + 1000, abs=160)


def test_what_is_held_before_the_echo_is_known_arrives_late_not_never() -> None:
    r = Rehearsal(echo=EchoConfig())
    for leg in Leg:
        r.do(ev.EngineReady(leg))
    r.do(ev.LineRendered(ev.Line.GREETING, "g", at_24k(sentence(3.0))))
    r.do(ev.StreamStarted("MZ1"))
    line = EchoingLine(r)
    line.hear(np.zeros(3200))
    line.hear(reply())  # over the greeting's first second
    assert r.session._ear.mode in (Mode.HOLD, Mode.REPLAY)
    line.hear(np.zeros(8000 * 4))
    spoken = [(m.leg, m.active) for m in r.told(browser.Speaking)]
    assert spoken == [("callee", True), ("callee", False)]
    [report] = [
        e for e in finish(r) if isinstance(e, act.RecordEvent) and "line" in e.kind
    ]
    assert report.data["echo_locks"] == 1
    assert report.data["echo_held_max_ms"] > 500


def test_sound_that_could_not_be_cleaned_is_reported() -> None:
    r = make_live()
    r.session._ear.lost_ms = 500
    r.frames(1)
    [warning] = r.told(browser.Warn)
    assert (warning.code, warning.lost_ms) == ("sound_lost", 500)
    r.frames(50)
    assert len(r.told(browser.Warn)) == 1


def finish(r: Rehearsal) -> list[act.Action]:
    r.do(ev.StatusChanged("completed"))
    return [a for leg in Leg for a in r.do(ev.EngineClosed(leg))]

"""A live call without a clock, a socket or a database."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.agent.seat import AgentPlan
from realtime.audio.echo import EchoConfig
from realtime.audio.g711 import SILENCE_FRAME, encode_mulaw
from realtime.config import CallConfig, FeedConfig, LifeConfig, PlayoutConfig
from realtime.events import Leg, Line
from realtime.protocols import browser
from realtime.session import CallSession, Phase
from realtime.tests.sounds import noise, sentence

FRAME_S = 0.02
BYTES_PER_MS = 8
NO_ECHO = EchoConfig(free_after_quiet_frames=1)
"""The greeting is enough to know that this line has no echo: what these tests are about
happens at once, and test_ear.py is about the rest."""


_LIFE = {f.name for f in fields(LifeConfig)}


class Rehearsal:
    """A session, a hand on its clock, and everything it has asked for.

    Options are those of `CallConfig` and, where they are about how a call ends, of its
    `LifeConfig`.
    """

    def __init__(
        self,
        *,
        echo: EchoConfig = NO_ECHO,
        plan: AgentPlan | None = None,
        **options: Any,
    ) -> None:
        life = {k: options.pop(k) for k in _LIFE & set(options)}
        life.setdefault("greeting_wait_ms", 0)
        config = CallConfig(
            **{
                "call_id": "c1",
                "caller_language": "en",
                "callee_language": "ko",
                "feed": FeedConfig(
                    speech_batch_ms=20, idle_batch_ms=20, caller_batch_ms=20
                ),
                "life": replace(LifeConfig(), **life),
                "echo": echo,
                **options,
            }
        )
        self.heard_and_played: list[tuple[bytes, bytes]] = []
        self.session = CallSession(
            config,
            lambda played, heard: self.heard_and_played.append((played, heard)),
            plan=plan,
        )
        self.now = 100.0
        self.timestamp_ms = 0
        self.actions: list[act.Action] = []

    def do(self, event: ev.Event) -> list[act.Action]:
        actions = self.session.receive(event, self.now)
        self.actions += actions
        return actions

    def frames(self, n: int, payload: bytes = SILENCE_FRAME) -> None:
        for _ in range(n):
            self.now += FRAME_S
            self.do(ev.CalleeFrame(payload, self.timestamp_ms))
            self.timestamp_ms += 20

    def wait(self, seconds: float) -> None:
        """Let time pass without any event but the session's own deadlines."""
        end = self.now + seconds
        while True:
            due = self.session.next_deadline()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self.do(ev.DeadlinePassed())
        self.now = end

    def is_in(self, phase: Phase) -> bool:
        return self.session.phase is phase

    def of(self, kind: type[Any]) -> list[Any]:
        return [a for a in self.actions if isinstance(a, kind)]

    def told(self, kind: type[Any]) -> list[Any]:
        return [
            a.message for a in self.of(act.SendCaller) if isinstance(a.message, kind)
        ]

    def phone_bytes(self) -> bytes:
        return b"".join(a.payload for a in self.of(act.SendFrame))

    def fed_ms(self, leg: Leg) -> float:
        return sum(len(a.pcm) for a in self.of(act.FeedEngine) if a.leg is leg) / 24


def make_live(
    *,
    echo: EchoConfig = NO_ECHO,
    **options: Any,
) -> Rehearsal:
    """A call that was answered, with both engines, the caller and a greeting."""
    r = Rehearsal(echo=echo, **options)
    for leg in Leg:
        r.do(ev.EngineReady(leg))
    for line in Line:
        r.do(ev.LineRendered(line, f"{line}.", sound(300)))
    r.do(ev.CallerAttached())
    r.do(ev.StatusChanged("ringing"))
    r.do(ev.StatusChanged("in_progress"))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(20)  # the greeting: 300 ms
    r.actions.clear()
    return r


def sound(ms: int, value: int = 4000) -> np.ndarray:
    return np.full(24 * ms, value, np.int16)


def kinds(actions: Iterable[act.Action]) -> list[type]:
    return [type(a) for a in actions]


# --- The greeting --------------------------------------------------------------------


def test_the_callee_is_greeted_first_and_the_proof_is_kept() -> None:
    r = Rehearsal()
    r.do(ev.LineRendered(Line.GREETING, "안녕하세요.", sound(300)))
    assert not r.of(act.SendFrame)
    r.do(ev.StreamStarted("MZ1"))
    r.frames(20)
    assert len(r.phone_bytes()) == 2400
    [event] = [e for e in r.of(act.RecordEvent) if e.kind == "line_spoken"]
    assert event.data["text"] == "안녕하세요."
    assert event.data["language"] == "ko"
    assert event.data["heard_ms"] == 300


def test_a_notice_that_was_interrupted_is_complete_when_its_rest_was_heard() -> None:
    r = make_live()
    r.do(ev.LineRendered(Line.WAIT, "w", np.repeat(sentence(3.0), 3)))
    r.do(ev.CallerLost())  # "one moment, please"
    heard = np.concatenate([noise(1, 30), sentence(1.2), noise(4, 30)])
    for start in range(0, len(heard), 160):
        r.frames(1, encode_mulaw(heard[start : start + 160]))
    assert r.of(act.SendClear)
    [spoken] = [e for e in r.of(act.RecordEvent) if e.kind == "line_spoken"]
    assert spoken.data["is_complete"]
    assert spoken.data["heard_ms"] == 3000


def test_words_wait_until_the_greeting_has_been_said() -> None:
    r = Rehearsal()
    r.do(ev.LineRendered(Line.GREETING, "g", sound(400)))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(1)
    r.do(ev.EngineAudio(Leg.CALLER, sound(200, 900)))
    r.frames(40)
    assert len(r.phone_bytes()) == 8 * 600
    tags = [played for played, _ in r.heard_and_played]
    assert tags[0] == SILENCE_FRAME
    assert SILENCE_FRAME not in tags[1:31]


# --- The line's clock ----------------------------------------------------------------


def test_one_frame_is_20_ms_of_everything() -> None:
    r = make_live()
    start_ms = r.session.line_ms
    r.frames(50)
    assert r.session.line_ms == start_ms + 1000
    assert r.fed_ms(Leg.CALLEE) == 1000
    assert len(r.heard_and_played) == 70


def test_the_callers_engine_is_fed_silence_continuously() -> None:
    r = make_live()
    r.frames(100)
    assert r.fed_ms(Leg.CALLER) == pytest.approx(2000, abs=80)


def test_the_callers_sound_is_not_doubled_by_silence() -> None:
    r = make_live()
    for _ in range(50):
        r.do(ev.CallerAudio(sound(40)))
        r.frames(2)
    assert r.fed_ms(Leg.CALLER) == pytest.approx(2000, abs=80)
    spoken = [a.pcm for a in r.of(act.FeedEngine) if a.leg is Leg.CALLER]
    assert sum(len(p) for p in spoken if np.any(p)) == 50 * 960


def test_late_caller_sound_is_late_never_lost() -> None:
    r = make_live()
    r.frames(50)  # a second in which nothing comes from the caller
    for _ in range(25):
        r.do(ev.CallerAudio(sound(40)))  # and then all of it at once
    spoken = [a.pcm for a in r.of(act.FeedEngine) if a.leg is Leg.CALLER]
    assert sum(len(p) for p in spoken if np.any(p)) == 25 * 960


def test_frames_that_the_line_skipped_become_silence() -> None:
    r = make_live()
    start_ms = r.session.line_ms
    r.frames(5)
    r.timestamp_ms += 100  # five frames are missing
    r.frames(5)
    assert r.session.line_ms == start_ms + 300
    assert r.fed_ms(Leg.CALLEE) == 300


def test_when_frames_stall_time_goes_on_and_late_frames_are_still_heard() -> None:
    r = make_live()
    r.do(ev.EngineAudio(Leg.CALLER, sound(600)))
    start_ms, already = r.session.line_ms, len(r.phone_bytes())
    r.wait(0.4)
    assert r.session.line_ms == pytest.approx(start_ms + 400, abs=40)
    assert len(r.phone_bytes()) > already
    fed_ms = r.fed_ms(Leg.CALLEE)
    at_ms = r.session.line_ms
    for _ in range(19):  # the late frames, all at once
        r.now += 0.0001
        r.do(ev.CalleeFrame(b"\x01" * 160, r.timestamp_ms))
        r.timestamp_ms += 20
    assert r.fed_ms(Leg.CALLEE) == fed_ms + 380
    assert r.session.line_ms == pytest.approx(at_ms, abs=40)


def test_the_clock_goes_on_over_a_second_stream() -> None:
    r = make_live()
    r.frames(50)
    before_ms = r.session.line_ms
    r.do(ev.StreamStopped())
    assert r.is_in(Phase.SUSPENDED)
    r.wait(2.0)
    r.do(ev.StreamStarted("MZ2"))
    r.timestamp_ms = 0
    r.frames(1)
    assert r.session.line_ms == pytest.approx(before_ms + 2020, abs=40)
    assert r.is_in(Phase.LIVE)


def test_nothing_is_said_into_a_stream_that_has_not_sent_a_frame() -> None:
    r = make_live()
    r.do(ev.StreamStopped())
    r.do(ev.EngineAudio(Leg.CALLER, sound(500)))
    r.do(ev.StreamStarted("MZ2"))
    r.wait(0.5)
    assert not r.of(act.SendFrame)
    r.timestamp_ms = 0
    r.frames(40)
    assert len(r.phone_bytes()) == 4000


# --- Playout -------------------------------------------------------------------------


def test_interpreted_sound_begins_at_a_tick_and_never_far_ahead() -> None:
    r = make_live()
    r.do(ev.EngineAudio(Leg.CALLER, sound(40)))
    assert not r.phone_bytes()
    r.frames(1)
    assert len(r.phone_bytes()) == 320
    r.do(ev.EngineAudio(Leg.CALLER, sound(960)))  # while the telephone is playing
    assert len(r.phone_bytes()) == BYTES_PER_MS * PlayoutConfig().max_ahead_ms
    r.frames(100)
    assert len(r.phone_bytes()) == 8000


def test_the_caller_learns_what_the_callee_has_heard() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "안녕하세요."))
    r.do(ev.EngineAudio(Leg.CALLER, sound(500)))
    r.frames(60)
    progress = r.told(browser.Playback)
    assert {p.utterance_id for p in progress} == {"caller-1"}
    assert [p.played_ms for p in progress] == [200, 400, 500]


# --- What the caller hears -----------------------------------------------------------


def test_the_caller_hears_the_interpretation_over_the_soft_original() -> None:
    r = make_live()
    loud = bytes([0x80]) * 160  # +32124
    r.frames(5, loud)
    r.do(ev.EngineAudio(Leg.CALLEE, sound(20, 1000)))
    r.actions.clear()
    r.frames(1, loud)
    [audio] = r.of(act.SendCallerAudio)
    assert len(audio.pcm) == 480
    assert int(audio.pcm[240]) == pytest.approx(32124 * 0.15 + 1000, rel=0.02)


def test_without_the_original_only_the_interpretation_is_sent() -> None:
    r = make_live()
    r.do(ev.OriginalGain(0.0))
    r.do(ev.EngineAudio(Leg.CALLEE, sound(40, 1000)))
    r.frames(10, bytes([0x80]) * 160)
    assert [len(a.pcm) for a in r.of(act.SendCallerAudio)] == [480, 480]


def test_mute_feeds_silence() -> None:
    r = make_live()
    r.do(ev.CallerMuted(True))
    r.do(ev.CallerAudio(sound(40)))
    r.frames(2)
    fed = [a.pcm for a in r.of(act.FeedEngine) if a.leg is Leg.CALLER]
    assert fed
    assert not any(np.any(p) for p in fed)


# --- Captions ------------------------------------------------------------------------


def test_a_conversation_becomes_captions_and_utterances() -> None:
    r = make_live()
    line = np.concatenate([noise(1, 30), sentence(1.5), noise(1, 30)])
    for start in range(0, len(line), 160):
        r.frames(1, encode_mulaw(line[start : start + 160]))
    r.do(ev.SourceText(Leg.CALLEE, "네, 안녕하세요."))
    r.do(ev.TargetText(Leg.CALLEE, "Yes, hello."))
    r.do(ev.EngineAudio(Leg.CALLEE, sound(200)))
    r.frames(80)
    speaking = [(m.leg, m.active) for m in r.told(browser.Speaking)]
    assert speaking == [("callee", True), ("callee", False)]
    last = r.told(browser.Caption)[-1]
    assert (last.original, last.translation) == ("네, 안녕하세요.", "Yes, hello.")
    assert last.original_final
    assert last.translation_final
    [stored] = r.of(act.StoreUtterance)
    assert stored.fate == "delivered"
    assert 1350 <= stored.started_ms <= 1550  # after 400 ms of greeting
    assert 2850 <= stored.ended_ms <= 3150
    assert stored.latency_ms is not None


def test_text_that_is_never_heard_is_only_a_caption() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "네."))
    r.frames(100)
    [stored] = r.of(act.StoreUtterance)
    assert stored.fate == "caption_only"


def test_an_utterance_is_stored_when_its_last_sound_was_played() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "아주 긴 문장입니다."))
    r.do(ev.EngineAudio(Leg.CALLER, sound(3000)))
    r.frames(140)
    assert not r.of(act.StoreUtterance)
    r.frames(20)
    [stored] = r.of(act.StoreUtterance)
    assert stored.fate == "delivered"


def test_what_the_callee_did_not_hear_is_reported_lost() -> None:
    r = make_live()
    r.do(ev.TargetText(Leg.CALLER, "못 들은 말."))
    r.do(ev.EngineAudio(Leg.CALLER, sound(3000)))
    r.frames(70)
    r.do(ev.StatusChanged("completed"))
    for leg in Leg:
        r.do(ev.EngineClosed(leg))
    [stored] = r.of(act.StoreUtterance)
    assert stored.fate == "lost"
    [unheard] = r.told(browser.Unheard)
    assert unheard.state == "lost"
    assert unheard.translation == "못 들은 말."


def test_a_client_that_comes_back_gets_everything_so_far() -> None:
    r = make_live()
    r.do(ev.AnsweredByKnown("person"))
    r.do(ev.TargetText(Leg.CALLEE, "Hello."))
    r.frames(1)
    kinds_told = [type(m) for m in r.session.snapshot()]
    assert kinds_told == [
        browser.Status,
        browser.ModeChanged,
        browser.AnsweredBy,
        browser.Caption,
    ]


# --- Engines that go away ------------------------------------------------------------


def test_words_are_kept_while_an_engine_is_away() -> None:
    r = make_live()
    r.frames(80)  # by then nothing of the greeting can be echoing
    r.actions.clear()
    r.do(ev.EngineLost(Leg.CALLEE))
    r.frames(100, b"\x01" * 160)
    assert r.fed_ms(Leg.CALLEE) == 0
    r.do(ev.EngineReady(Leg.CALLEE))
    assert r.fed_ms(Leg.CALLEE) == 2000
    states = [(m.state, m.leg) for m in r.told(browser.Recovery)]
    assert states == [
        ("lost", "callee"),
        ("reconnecting", "callee"),
        ("recovered", "callee"),
    ]
    assert r.told(browser.Recovery)[-1].gap_ms == 2000


def test_a_long_absence_is_called_degraded_and_what_is_lost_is_counted() -> None:
    r = make_live()
    r.do(ev.AnsweredByKnown("person"))  # who only has not said anything yet
    r.do(ev.EngineLost(Leg.CALLEE))
    r.frames(2000)  # 40 s, 30 of which are kept
    assert [m.state for m in r.told(browser.Recovery)][-1] == "degraded"
    r.do(ev.EngineReady(Leg.CALLEE))
    assert r.fed_ms(Leg.CALLEE) == 30_000
    recovered = [e for e in r.of(act.RecordEvent) if e.kind == "recovery"][-1]
    assert recovered.data["lost_ms"] == 10_000


# --- How a call ends -----------------------------------------------------------------


def test_hanging_up_drains_the_engines_first() -> None:
    r = make_live()
    r.do(ev.EndRequested("hung_up_by_caller"))
    assert act.HangUp in kinds(r.actions)
    assert kinds(r.actions).count(act.CloseEngine) == 2
    r.do(ev.TargetText(Leg.CALLEE, "the last words"))
    r.do(ev.EngineAudio(Leg.CALLEE, sound(100)))
    assert len(r.of(act.SendCallerAudio)) == 1
    r.do(ev.EngineClosed(Leg.CALLER))
    assert r.is_in(Phase.ENDING)
    r.do(ev.EngineClosed(Leg.CALLEE))
    assert r.is_in(Phase.OVER)
    [stored] = r.of(act.StoreUtterance)
    assert stored.translation == "the last words"
    assert r.of(act.Finish) == [act.Finish("completed", "unknown", "hung_up_by_caller")]


def test_an_engine_that_never_closes_does_not_hold_the_end_up() -> None:
    r = make_live()
    r.do(ev.StatusChanged("completed"))
    r.wait(3.1)
    assert r.of(act.Finish) == [act.Finish("completed", "unknown", "hung_up_by_callee")]
    assert r.session.next_deadline() is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("busy", "unreachable"),
        ("no_answer", "unreachable"),
        ("failed", "failed"),
        ("canceled", "unreachable"),
    ],
)
def test_a_call_that_was_not_answered_is_never_a_success(
    status: str, outcome: str
) -> None:
    r = Rehearsal()
    r.do(ev.StatusChanged("ringing"))
    r.do(ev.StatusChanged(status, status))
    assert r.of(act.Finish) == [act.Finish(status, outcome, status)]


def test_hanging_up_while_it_rings_cancels() -> None:
    r = Rehearsal()
    r.do(ev.StatusChanged("ringing"))
    r.do(ev.EndRequested("hung_up_by_caller"))
    [finish] = r.of(act.Finish)
    assert finish.status == "canceled"


def test_a_lost_caller_has_a_minute_and_then_an_apology_is_said() -> None:
    r = make_live(caller_grace_ms=10_000)
    r.do(ev.CallerLost())
    r.frames(20)
    assert len(r.phone_bytes()) == 2400  # "one moment, please"
    r.frames(460)
    assert r.is_in(Phase.LIVE)
    r.frames(25)
    r.wait(0.01)
    assert r.is_in(Phase.FAREWELL)
    r.frames(20)
    assert len(r.phone_bytes()) == 4800
    assert r.of(act.HangUp) == [act.HangUp("caller_lost")]
    for leg in Leg:
        r.do(ev.EngineClosed(leg))
    assert r.of(act.Finish) == [act.Finish("completed", "partial", "caller_lost")]


def test_a_caller_who_comes_back_in_time_goes_on() -> None:
    r = make_live(caller_grace_ms=10_000)
    r.do(ev.CallerLost())
    r.frames(400)
    r.do(ev.CallerAttached())
    r.frames(400)
    assert r.is_in(Phase.LIVE)


def test_the_grace_begins_at_pickup_not_before() -> None:
    r = Rehearsal(caller_grace_ms=10_000)
    r.do(ev.StatusChanged("ringing"))
    r.wait(50)
    assert r.is_in(Phase.WAITING)
    r.do(ev.StreamStarted("MZ1"))
    r.frames(450)
    assert r.is_in(Phase.LIVE)
    r.frames(60)
    r.wait(0.01)
    assert not r.is_in(Phase.LIVE)


def test_the_time_limit_warns_says_goodbye_and_really_hangs_up() -> None:
    r = make_live(max_call_ms=120_000)
    r.do(ev.AnsweredByKnown("person"))  # or else nobody would seem to be there
    r.frames(int((60 - 0.4) / FRAME_S) + 1)
    r.wait(0.0)
    [warning] = r.told(browser.Warn)
    assert warning.code == "time_limit"
    assert 58 <= warning.remaining_s <= 61
    r.frames(int(53 / FRAME_S) + 2)
    r.wait(0.0)
    assert r.is_in(Phase.FAREWELL)
    r.frames(30)
    assert r.of(act.HangUp) == [act.HangUp("time_limit")]


def test_the_limit_holds_even_if_the_goodbye_cannot_be_spoken() -> None:
    r = make_live(max_call_ms=20_000)
    r.session._delivery._lines.clear()
    r.wait(20.5)
    assert r.of(act.HangUp) == [act.HangUp("time_limit")]


def test_the_spend_limit_warns_once_and_says_what_remains() -> None:
    r = make_live()
    r.do(ev.SpendKnown(7.99, 10.0))
    assert not r.told(browser.Warn)
    for usd in (8.0, 8.5, 9.99):
        r.do(ev.SpendKnown(usd, 10.0))
    [warning] = r.told(browser.Warn)
    assert (warning.code, warning.remaining_usd) == ("spend_limit", 2.0)
    assert "2.00 USD" in warning.message
    assert r.of(act.RenderLine) == [act.RenderLine(Line.SPEND_LIMIT)]
    assert warning in r.session.snapshot()  # also for who comes back
    assert r.is_in(Phase.LIVE)


def test_the_spend_limit_says_goodbye_and_really_hangs_up() -> None:
    r = make_live()
    r.do(ev.SpendKnown(10.0, 10.0))
    assert r.is_in(Phase.FAREWELL)
    assert not r.of(act.HangUp)
    r.do(ev.SpendKnown(10.01, 10.0))
    r.frames(40)
    assert r.of(act.HangUp) == [act.HangUp("spend_limit")]
    spoken = r.phone_bytes().replace(SILENCE_FRAME[:1], b"")
    assert len(spoken) == pytest.approx(300 * 8, abs=60)  # the whole sentence
    r.do(ev.StatusChanged("completed"))
    r.wait(4)
    [finish] = r.of(act.Finish)
    assert (finish.outcome, finish.reason) == ("partial", "spend_limit")


def test_a_spend_limit_reached_while_the_telephone_is_away_hangs_up_at_once() -> None:
    r = make_live()
    r.do(ev.StreamStopped())
    r.do(ev.SpendKnown(3.0, 2.0))
    assert r.of(act.HangUp) == [act.HangUp("spend_limit")]


def test_a_stream_that_does_not_return_is_asked_about_and_then_given_up() -> None:
    r = make_live()
    r.do(ev.StreamStopped())
    r.wait(16)
    assert kinds(r.actions).count(act.CheckTelephone) == 1
    r.wait(16)
    assert r.of(act.HangUp) == [act.HangUp("media_lost")]


def test_nothing_happens_any_more_after_the_end() -> None:
    r = make_live()
    r.do(ev.EndRequested("x"))
    for leg in Leg:
        r.do(ev.EngineClosed(leg))
    r.actions.clear()
    r.frames(3)
    r.do(ev.CallerAudio(sound(20)))
    r.do(ev.StatusChanged("completed"))
    assert r.actions == []


def test_a_call_taken_up_again_does_not_greet_twice() -> None:
    config = CallConfig(
        call_id="c1", caller_language="en", callee_language="ko", start_ms=60_000
    )
    session = CallSession(config, first_number=1001)
    session.take_up("in_progress", 4.0)
    session.receive(ev.StreamStarted("MZ2"), 5.0)
    actions = session.receive(ev.CalleeFrame(SILENCE_FRAME, 0), 5.02)
    assert not any(isinstance(a, act.SendFrame | act.RenderLine) for a in actions)
    assert session.line_ms == 60_020


def test_the_same_events_give_the_same_actions() -> None:
    def play() -> list[str]:
        r = make_live()
        r.frames(50, b"\x21" * 160)
        r.do(ev.EngineAudio(Leg.CALLER, sound(333)))
        r.do(ev.SourceText(Leg.CALLEE, "네"))
        r.frames(100)
        return [repr(a) for a in r.actions]

    assert play() == play()


def test_after_a_restart_the_telephone_is_asked_before_anybody_waits_long() -> None:
    r = Rehearsal()
    r.session.take_up("in_progress", r.now)
    r.do(ev.CallerAttached())
    r.wait(1.9)
    assert not r.of(act.CheckTelephone)
    r.wait(0.2)
    assert len(r.of(act.CheckTelephone)) == 1
    r.do(ev.StatusChanged("completed", "server_restarted"))
    [finish] = r.of(act.Finish)
    assert (finish.status, finish.reason) == ("completed", "server_restarted")


def test_hanging_up_a_call_without_a_line_completes_it_partly() -> None:
    r = Rehearsal()
    r.session.take_up("in_progress", r.now)
    r.do(ev.CallerAttached())
    r.do(ev.EndRequested("hung_up_by_caller"))
    assert r.of(act.Finish) == [act.Finish("completed", "partial", "hung_up_by_caller")]


# --- Messages of some length ---------------------------------------------------------


def make_batching() -> CallSession:
    session = CallSession(
        CallConfig(call_id="c1", caller_language="en", callee_language="ko")
    )
    session.receive(ev.EngineReady(Leg.CALLEE), 0.0)
    session.receive(ev.StreamStarted("MZ1"), 0.0)
    return session


def fed(session: CallSession, line: np.ndarray) -> list[tuple[int, act.FeedEngine]]:
    """Play a line to a session; what its engine was fed, and after which frame."""
    found = []
    for i in range(len(line) // 160):
        payload = encode_mulaw(line[i * 160 : (i + 1) * 160])
        for action in session.receive(ev.CalleeFrame(payload, i * 20), i * 0.02):
            if isinstance(action, act.FeedEngine) and action.leg is Leg.CALLEE:
                found.append((i, action))
    return found


def test_silence_is_sent_in_few_messages() -> None:
    messages = fed(make_batching(), noise(2, 30))
    assert [len(a.pcm) for _, a in messages] == [4800] * 10
    assert all(a.held_ms is None for _, a in messages)


def test_speech_is_sent_at_once_and_then_every_60_ms_and_nothing_is_missing() -> None:
    line = np.concatenate([noise(1, 30), sentence(1.5), noise(1, 30)])
    messages = fed(make_batching(), line)
    lengths_ms = [len(a.pcm) // 24 for _, a in messages]
    assert lengths_ms.count(60) > 15
    assert max(lengths_ms) <= 200
    held = [a.held_ms for _, a in messages if a.held_ms is not None]
    assert max(held[1:]) <= 61
    total_ms = sum(lengths_ms)
    assert len(line) // 8 - 200 < total_ms <= len(line) // 8


def test_what_was_held_is_fed_before_the_engine_is_closed() -> None:
    session = make_batching()
    fed(session, noise(0.1, 30))
    actions = session.receive(ev.EndRequested("x"), 1.0)
    kinds_in_order = [type(a) for a in actions if not isinstance(a, act.SendCaller)]
    assert kinds_in_order.index(act.FeedEngine) < kinds_in_order.index(act.CloseEngine)

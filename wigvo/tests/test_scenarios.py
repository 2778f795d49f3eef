"""The pure parts of `benchmarks.scenarios`: what it says was lost is lost."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.driver_sound import Floats
from benchmarks.relay_figures import Arrivals
from benchmarks.scenario_figures import (
    Reached,
    active_frames,
    active_rms,
    arrived_within,
    faster,
    first_after,
    reached,
    rms_at,
    set_level,
)
from benchmarks.scenario_sounds import filled
from benchmarks.scenarios import rows_of
from realtime.audio.g711 import FRAME_SAMPLES
from realtime.audio.resample import Resampler
from realtime.audio.tempo import NEEDED_SAMPLES, shorten

SPEECH = np.load(
    Path(__file__).resolve().parents[2] / "realtime/tests/golden/speech.npz"
)["sentence"].astype(np.int16)
N_FRAMES = 200


def line(seed: int = 1) -> Floats:
    """Return four seconds of a telephone line: speech, and noise 20 dB below it."""
    noise = np.random.default_rng(seed).normal(0, rms_at(-50), N_FRAMES * FRAME_SAMPLES)
    loud = set_level(SPEECH[: N_FRAMES * FRAME_SAMPLES], rms_at(-30))
    return np.asarray(loud + noise, np.float64)


def look(sent: Floats, heard: Floats) -> Reached:
    return reached(sent, heard, lambda at: (0, len(heard)))


def cut(sound: Floats, first: int, n: int) -> Floats:
    """Leave some frames out."""
    at = first * FRAME_SAMPLES
    return np.concatenate([sound[:at], sound[at + n * FRAME_SAMPLES :]])


def test_what_went_through_both_resamplers_has_arrived() -> None:
    sent = line()
    wide = Resampler(8000, 24000).process(sent.astype(np.int16))
    found = look(sent, wide[::3].astype(np.float64))
    assert found.share() == 1
    assert found.is_in_order


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_frames_that_are_missing_are_counted(n: int) -> None:
    sent = line()
    found = look(sent, cut(sent, 60, n))
    assert np.flatnonzero(~found.found).tolist() == list(range(60, 60 + n))


def test_silence_in_place_of_speech_is_no_speech() -> None:
    sent = line()
    heard = sent.copy()
    heard[50 * FRAME_SAMPLES : 60 * FRAME_SAMPLES] = 0
    assert np.flatnonzero(~look(sent, heard).found).tolist() == list(range(50, 60))


def test_another_line_is_not_this_one() -> None:
    noise = np.random.default_rng(3).normal(0, 1000, N_FRAMES * FRAME_SAMPLES)
    assert look(line(), noise).share() < 0.05


def test_what_is_torn_apart_by_a_pause_has_arrived() -> None:
    sent = line()
    at = 77 * FRAME_SAMPLES
    heard = np.concatenate([sent[:at], np.zeros(3333), sent[at:]])
    found = look(sent, heard)
    assert found.share() == 1
    assert found.is_in_order


def test_what_comes_in_another_order_is_noticed() -> None:
    sent = line()
    half = len(sent) // 2
    found = look(sent, np.concatenate([sent[half:], sent[:half]]))
    assert found.share() > 0.98
    assert not found.is_in_order


def test_what_is_played_faster_was_heard() -> None:
    sent = line()
    pcm, out = sent.astype(np.int16), []
    i = 0
    for k in range(10_000):
        if i + NEEDED_SAMPLES > len(pcm):
            break
        frame, taken = pcm[i : i + FRAME_SAMPLES], FRAME_SAMPLES
        if k % 3 == 2 and i > len(pcm) // 4:
            frame, taken = shorten(pcm[i : i + NEEDED_SAMPLES])
        out.append(frame)
        i += taken
    whole = i // FRAME_SAMPLES - 4  # at the end nothing says what came behind
    found = look(sent, np.concatenate(out).astype(np.float64))
    heard = (found.found | faster(found))[:whole]
    assert found.share() < 1
    assert np.mean(heard) > np.mean(found.found[:whole])
    assert np.mean(heard) > 0.95


@pytest.mark.parametrize("n", [1, 3, 10])
def test_what_was_left_out_was_not_played_faster(n: int) -> None:
    sent = line()
    assert not faster(look(sent, cut(sent, 60, n))).any()


def test_a_piece_is_looked_for_only_after_it_was_sent() -> None:
    sent = line()
    arrivals = Arrivals()
    arrivals.add(0.0, sent.astype(np.int16))  # before anything was sent
    heard = arrivals.whole()
    window = arrived_within(heard, lambda sample: 1 + sample / 8000, 0)
    assert reached(sent, heard.sound, window).share() == 0


@pytest.mark.parametrize("dbov", [-16, -26, -36])
def test_speech_has_the_level_it_was_given(dbov: int) -> None:
    sound = set_level(SPEECH, rms_at(dbov))
    assert 20 * np.log10(active_rms(sound) / 32768) == pytest.approx(dbov, abs=0.1)


def test_pauses_are_not_active() -> None:
    pause = np.zeros(50 * FRAME_SAMPLES, np.int16)
    is_active = active_frames(np.concatenate([pause, SPEECH, pause]))
    assert not is_active[:50].any()
    assert not is_active[-50:].any()
    assert is_active.sum() > 0.5 * len(SPEECH) / FRAME_SAMPLES


def test_a_clip_has_its_length_and_its_level() -> None:
    sound = filled([SPEECH, SPEECH], 6.0, 2000)
    assert len(sound) == 48_000
    assert active_rms(sound) == pytest.approx(2000, rel=0.02)
    with pytest.raises(ValueError, match="too few"):
        filled([SPEECH], 60, 2000)


def test_only_what_comes_in_time_is_an_answer() -> None:
    assert first_after([1.0, 2.5, 3.0], 2.0, 1.5) == 0.5
    assert first_after([1.0, 4.0], 2.0, 1.5) is None


def test_a_row_fails_where_one_of_its_scenes_does() -> None:
    good = {"wanted_s": 0.0, "began_s": 0.0, "share": 1.0, "faster": 0.0}
    others = [good | {"wanted_s": s} for s in (0.5, 1.0, 1.5, 2.0)]
    rows = rows_of("late", "translate", [good, *others])
    assert all(row.is_met for row in rows)
    rows = rows_of("late", "translate", [good, good | {"share": 0.99}, *others])
    assert [row.is_met for row in rows] == [False, True, True, True, True]


def test_an_interruption_without_a_clear_is_a_miss() -> None:
    one = {
        "line": "no echo", "over": True, "clear_s": 0.1, "speaking_s": 0.1,
        "told_s": 0.6, "too_early": 0, "share": 1.0, "faster": 0.0,
    }  # fmt: skip
    [row] = rows_of("interruptions", "translate", [one] * 20)
    assert row.is_met
    [row] = rows_of(
        "interruptions", "translate", [one] * 19 + [one | {"clear_s": None}]
    )
    assert not row.is_met
    late = [one] * 10 + [one | {"clear_s": 0.3}] * 10
    assert not rows_of("interruptions", "translate", late)[0].is_met

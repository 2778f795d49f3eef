"""Tones after pickup: found in noise and through mu-law, never in speech or music."""

from collections.abc import Callable

import numpy as np
import pytest

from lab.telephone import sounds
from realtime.audio.music import MusicMeter
from realtime.audio.signals import Signal, SignalDetector
from realtime.tests.test_speech import (
    GOLDEN,
    HZ,
    MACHINES,
    MUSIC,
    beeps,
    golden,
    line,
    white,
)

LEVELS = ((-12, -62), (-20, -90), (-30, -50), (-38, -62))
"""Level and noise, dBov."""


def signals_in(pcm: np.ndarray) -> list[tuple[int, Signal]]:
    """Return what was found, and when, ms."""
    detector = SignalDetector()
    found = []
    for at in range(0, len(pcm) - 159, 160):
        signal = detector.push(pcm[at : at + 160])
        if signal is not None:
            found.append(((at + 160) * 1000 // HZ, signal))
    return found


def kinds_in(pcm: np.ndarray) -> list[Signal]:
    return [signal for _, signal in signals_in(pcm)]


def one_beep(hz: float, ms: float) -> np.ndarray:
    quiet = np.zeros(HZ)
    return np.concatenate([quiet, beeps((hz,), ms / 1000, seconds=ms / 1000), quiet])


@pytest.mark.parametrize(("level_dbov", "noise_dbov"), LEVELS)
@pytest.mark.parametrize(
    ("hz", "ms"),
    [
        *((hz, ms) for hz in (620, 800, 1000, 1400, 2000) for ms in (160, 250, 1500)),
        *((440, ms) for ms in (160, 250, 400)),
    ],
)
def test_a_beep_is_found(
    hz: float, ms: int, level_dbov: float, noise_dbov: float
) -> None:
    found = signals_in(line(one_beep(hz, ms), level_dbov, noise_dbov))
    assert [signal for _, signal in found] == [Signal.BEEP]
    ended_ms = 1500 + 1000 + ms
    latest = 820 if hz == 440 else 200
    assert ended_ms <= found[0][0] <= ended_ms + latest


def test_a_beep_of_a_voicemail_follows_its_greeting() -> None:
    greeting = golden("sentence")
    level = np.sqrt(np.mean(greeting[np.abs(greeting) > 200] ** 2)) * 1.4
    beep = sounds.beep() / 6000 * level
    scene = np.concatenate([greeting, np.zeros(HZ // 2), beep, np.zeros(HZ)])
    assert kinds_in(line(scene, -20, -62)) == [Signal.BEEP]


@pytest.mark.parametrize(("level_dbov", "noise_dbov"), LEVELS[:3])
@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("fax 1100", Signal.FAX),
        ("modem 2100", Signal.FAX),
        ("special information", Signal.SPECIAL),
        ("busy 480+620", Signal.BUSY),
        ("busy 425", Signal.BUSY),
        ("congestion 480+620", Signal.BUSY),
    ],
)
def test_what_a_network_says_is_understood(
    name: str, signal: Signal, level_dbov: float, noise_dbov: float
) -> None:
    found = set(kinds_in(line(MACHINES[name](), level_dbov, noise_dbov)))
    assert found == {signal}


@pytest.mark.parametrize(
    ("sound", "signal"),
    [
        (sounds.fax(), Signal.FAX),
        (sounds.special(), Signal.SPECIAL),
        (sounds.busy(), Signal.BUSY),
        (sounds.beep(), Signal.BEEP),
    ],
)
def test_what_the_lab_plays_is_understood(sound: np.ndarray, signal: Signal) -> None:
    assert set(kinds_in(line(sound.astype(float), -20, -62))) == {signal}


NOT_ONE = {
    "ringback 425, Europe",
    "ringback 440+480, Korea", "ringback 440+480, North America",
    "ringback 400+450, Britain", "ringback 400x16, Japan", "dial tone 350+440", "keys",
    "hum 50", "hum 60", "clicks", "crackles", "comfort noise, steps",
    "comfort noise, on and off", "street",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NOT_ONE))
def test_other_sounds_of_a_network_are_no_signal(name: str) -> None:
    for level_dbov, noise_dbov in LEVELS:
        assert kinds_in(line(MACHINES[name](), level_dbov, noise_dbov)) == [], (
            level_dbov
        )


def test_no_voice_is_a_signal() -> None:
    for name in GOLDEN.files:
        for level_dbov, noise_dbov in LEVELS:
            assert kinds_in(line(golden(name), level_dbov, noise_dbov)) == [], name


@pytest.mark.slow
def test_music_is_hardly_ever_a_signal() -> None:
    found = {
        name: n
        for name, make in MUSIC.items()
        if (n := len(kinds_in(line(make(), -20, -62))))
    }
    assert sum(found.values()) <= 1, found


def test_noise_is_no_signal() -> None:
    noise = (white(30 * HZ, 7) * 400).astype(np.int16)
    assert kinds_in(noise) == []


# --- Music ---------------------------------------------------------------------------


def share_of_music(pcm: np.ndarray) -> float:
    """Return how much of a sound is taken for music, from where it begins."""
    meter = MusicMeter()
    marks = []
    for at in range(int(1.6 * HZ) // 160 * 160, len(pcm) - HZ, 160):
        meter.push(pcm[at : at + 160])
        marks.append(meter.is_music)
    return float(np.mean(marks))


@pytest.mark.parametrize("name", sorted(MUSIC))
def test_music_is_music(name: str) -> None:
    assert share_of_music(line(MUSIC[name](), -20, -62)) >= 0.6


def test_the_labs_music_is_music() -> None:
    tune = sounds.music(12_000).astype(float)
    assert share_of_music(line(tune, -20, -62)) >= 0.9


NOISES: dict[str, Callable[[], np.ndarray]] = {
    "white": lambda: white(9 * HZ, 1),
    "street": MACHINES["street"],
    "crackles": MACHINES["crackles"],
    "comfort noise, steps": MACHINES["comfort noise, steps"],
}


@pytest.mark.parametrize("name", sorted(NOISES))
def test_noise_is_no_music(name: str) -> None:
    for level_dbov in (-20, -35):
        assert share_of_music(line(NOISES[name](), level_dbov, -90)) < 0.2

import asyncio
import importlib.util
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lab.speech import synthesiser as module
from lab.speech.levels import frame_rms, resample_whole, shorten_pauses
from lab.speech.synthesiser import SpeechUnavailable, Synthesiser


@pytest.fixture
def voice(tmp_path: Path) -> Iterator[Synthesiser]:
    synthesiser = Synthesiser(cache_dir=tmp_path)
    yield synthesiser
    synthesiser.close()


def pid_of(synthesiser: Synthesiser) -> int | None:
    process = synthesiser._holder.process
    return process.popen.pid if process else None


def test_it_speaks_at_24_and_8_khz(voice: Synthesiser) -> None:
    wide = voice.speak_blocking("Good morning.", "en")
    narrow = voice.speak_8k("Good morning.", "en")
    assert wide.dtype == np.int16
    assert 0.3 * 24000 < len(wide) < 2 * 24000
    assert len(narrow) == pytest.approx(len(wide) / 3, abs=12)
    levels = frame_rms(wide, 240)
    active = levels[levels > 0.1 * levels.max()]
    rms = np.sqrt((active**2).mean())
    assert rms == pytest.approx(module.LEVEL_RMS, rel=0.05)
    assert np.abs(wide[:480]).max() <= 2, "it begins with silence"


def test_espeak_lives_in_its_own_process(voice: Synthesiser) -> None:
    voice.speak_blocking("Good morning.", "en")
    assert "espeakng_loader" not in sys.modules
    assert pid_of(voice) not in (None, os.getpid())


def test_a_text_sounds_the_same_whatever_was_said_before(tmp_path: Path) -> None:
    said = []
    for n, before in enumerate(([], ["One.", "네, 그렇습니다."])):
        synthesiser = Synthesiser(cache_dir=tmp_path / str(n))
        for text in before:
            synthesiser.speak_blocking(text, "ko", "b")
        said.append(synthesiser.speak_blocking("안녕하세요. 여보세요?", "ko", "a"))
        synthesiser.close()
    assert np.array_equal(said[0], said[1])


def test_closing_ends_the_process(voice: Synthesiser) -> None:
    voice.speak_blocking("One.", "en")
    process = voice._holder.process
    assert process
    voice.close()
    assert process.popen.returncode is not None
    assert len(voice.speak_blocking("Two.", "en"))


def test_voice_and_speed_make_a_difference(voice: Synthesiser) -> None:
    plain = voice.speak_blocking("Good morning.", "en", "a", 160)
    other = voice.speak_blocking("Good morning.", "en", "b", 160)
    fast = voice.speak_blocking("Good morning.", "en", "a", 220)
    assert not np.array_equal(plain, other[: len(plain)])
    assert len(fast) < 0.85 * len(plain)


@pytest.mark.parametrize("language", sorted(module._LANGUAGES))
def test_it_speaks_the_languages_of_the_engine(
    voice: Synthesiser, language: str
) -> None:
    texts = {
        "ko": "안녕",
        "ja": "こんにちわ",
        "zh": "你好",
        "ru": "привет",
        "hi": "नमस्ते",
    }
    pcm = voice.speak_blocking(texts.get(language, "radio"), language)
    assert len(pcm) > 0.2 * 24000


def test_it_caches_on_disk(voice: Synthesiser, tmp_path: Path) -> None:
    first = voice.speak_blocking("Once.", "en")
    assert pid_of(voice)
    again = Synthesiser(cache_dir=tmp_path)
    assert np.array_equal(again.speak_blocking("Once.", "en"), first)
    assert pid_of(again) is None, "the second time no process is needed"
    again.speak_blocking("Twice.", "en")
    assert len(list(tmp_path.rglob("*.pcm"))) == 2
    assert not list(tmp_path.rglob(".new-*"))
    again.close()


def test_silence_is_not_taken_for_speech_for_ever(
    voice: Synthesiser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(voice, "_ask", lambda request: (0, bytes(400)))
        assert len(voice.speak_blocking("Good morning.", "en")) == 0
    assert not list(tmp_path.rglob("*.pcm"))
    assert len(voice.speak_blocking("Good morning.", "en")) > 0
    (path,) = tmp_path.rglob("*.pcm")
    path.write_bytes(b"")  # as an older version would have left it
    assert len(Synthesiser(cache_dir=tmp_path).speak_blocking("Good morning.", "en"))


def test_speech_cannot_be_changed_by_who_gets_it(voice: Synthesiser) -> None:
    pcm = voice.speak_blocking("Once.", "en")
    with pytest.raises(ValueError, match="read-only"):
        pcm[0] = 1


def test_it_starts_again_when_the_process_dies(voice: Synthesiser) -> None:
    voice.speak_blocking("One.", "en")
    first = pid_of(voice)
    process = voice._holder.process
    assert process
    process.popen.kill()
    process.popen.wait()
    assert len(voice.speak_blocking("Two.", "en"))
    assert pid_of(voice) not in (None, first)


def test_it_serves_many_threads_at_once(voice: Synthesiser) -> None:
    texts = [f"Number {word}." for word in ("one", "two", "three", "four", "five")] * 3
    with ThreadPoolExecutor(6) as pool:
        spoken = list(pool.map(lambda text: voice.speak_blocking(text, "en"), texts))
    for text, pcm in zip(texts, spoken, strict=True):
        assert np.array_equal(pcm, voice.speak_blocking(text, "en"))
    assert len({len(pcm) for pcm in spoken}) > 1


async def test_it_speaks_without_blocking_the_loop(voice: Synthesiser) -> None:
    both = await asyncio.gather(voice.speak("One.", "en"), voice.speak("Two.", "en"))
    assert all(len(pcm) for pcm in both)
    assert np.array_equal(await voice.speak("One.", "en"), both[0])


def test_a_missing_library_is_one_clear_sentence(
    voice: Synthesiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SpeechUnavailable, match=r"^[^.]*pip install espeakng-loader\.$"
    ):
        voice.speak_blocking("Hello.", "en")


@pytest.mark.parametrize(
    ("language", "voice_name", "speed"),
    [("xx", "a", 160), ("en", "zz", 160), ("en", "a", 20)],
)
def test_it_refuses_what_it_cannot_do(
    voice: Synthesiser, language: str, voice_name: str, speed: int
) -> None:
    with pytest.raises(ValueError, match=r"\."):
        voice.speak_blocking("Hello.", language, voice_name, speed)


def test_nothing_to_say_is_no_sound(voice: Synthesiser) -> None:
    assert len(voice.speak_blocking("...", "en")) == 0


def test_pauses_are_cut_to_what_one_utterance_may_have() -> None:
    rng = np.random.default_rng(1)
    speech, pause = rng.normal(size=2400), np.zeros(24000)
    tight = shorten_pauses(
        np.concatenate([pause, speech, pause, speech, pause]), 24000, 180, 40
    )
    assert len(tight) == pytest.approx(24 * (40 + 100 + 180 + 100 + 40), abs=480)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22050, 24000), (24000, 8000)])
def test_a_tone_keeps_its_frequency_and_level(from_hz: int, to_hz: int) -> None:
    t = np.arange(from_hz // 2) / from_hz
    window = np.hanning(len(t))
    tone = np.sin(2 * np.pi * 1000 * t) * window
    y = resample_whole(tone, from_hz, to_hz)
    expected = np.sin(2 * np.pi * 1000 * np.arange(len(y)) / to_hz)
    expected *= np.interp(np.arange(len(y)) / to_hz, t, window)
    error = np.sqrt(((y - expected) ** 2).mean() / (expected**2).mean())
    assert error < 1e-3

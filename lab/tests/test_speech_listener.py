import numpy as np
import pytest
from numpy.typing import NDArray

from lab.speech.listener import UNCLEAR, Heard, Listener
from lab.speech.measure import over_the_line
from lab.speech.phrasebook import Phrasebook
from lab.speech.shared import matcher, synthesiser

Samples = NDArray[np.int16]

MS = 8


def say(
    phrase_id: str, language: str, voice: str = "c", speed_wpm: int = 160
) -> Samples:
    text = Phrasebook.load()[phrase_id].texts[language]
    return synthesiser().speak_8k(text, language, voice, speed_wpm)


def pause(ms: int) -> Samples:
    return np.zeros(ms * MS, np.int16)


def listen(
    *parts: Samples,
    chunk: int = 160,
    languages: frozenset[str] | None = None,
    speech_rms: float = 1000,
    noise_rms: float = 0,
) -> list[Heard]:
    """Play parts over a line to a listener; return what it heard."""
    pcm = over_the_line(
        np.concatenate(parts), speech_rms=speech_rms, noise_rms=noise_rms
    )
    listener = Listener(matcher(), languages)
    heard: list[Heard] = []
    for at in range(0, len(pcm), chunk):
        heard += listener.push(pcm[at : at + chunk])
    return heard + listener.flush()


def ids(heard: list[Heard]) -> list[str | None]:
    return [one.phrase_id for one in heard]


@pytest.mark.parametrize(
    ("speech_rms", "noise_rms"),
    [(1000, 0), (1000, 150), (80, 8)],
    ids=["good", "noisy", "quiet"],
)
def test_it_hears_phrases_and_when_they_were_said(
    speech_rms: float, noise_rms: float
) -> None:
    first, second = say("restaurant_ask_name", "ko"), say("restaurant_name", "en")
    heard = listen(
        pause(800),
        first,
        pause(900),
        second,
        pause(600),
        speech_rms=speech_rms,
        noise_rms=noise_rms,
    )
    assert ids(heard) == ["restaurant_ask_name", "restaurant_name"]
    assert [one.language for one in heard] == ["ko", "en"]
    assert heard[0].text == Phrasebook.load()["restaurant_ask_name"].texts["ko"]
    start_ms = 200 + 800  # the line adds 200 ms before
    end_ms = start_ms + len(first) / MS
    assert heard[0].started_ms == pytest.approx(start_ms, abs=160)
    assert heard[0].ended_ms == pytest.approx(end_ms, abs=200)
    assert heard[1].started_ms == pytest.approx(end_ms + 900, abs=160)


@pytest.mark.parametrize("chunk", [37, 160, 1600, 100_000])
def test_it_does_not_matter_in_which_pieces_the_sound_comes(chunk: int) -> None:
    parts = (
        pause(500),
        say("clinic_request", "en"),
        pause(700),
        say("common_yes", "ko"),
    )
    assert ids(listen(*parts, pause(500), chunk=chunk)) == [
        "clinic_request",
        "common_yes",
    ]


@pytest.mark.parametrize("gap_ms", [100, 200, 280])
def test_two_phrases_without_a_breath_are_two_phrases(gap_ms: int) -> None:
    heard = listen(
        pause(500),
        say("common_thats_right", "ko"),
        pause(gap_ms),
        say("restaurant_people", "ko"),
        pause(600),
        noise_rms=50,
    )
    assert ids(heard) == ["common_thats_right", "restaurant_people"]
    assert heard[0].ended_ms <= heard[1].started_ms


def test_a_phrase_torn_by_a_gap_is_one_phrase() -> None:
    speech = say("immigration_hours", "en")
    half = len(speech) // 2
    heard = listen(pause(500), speech[:half], pause(500), speech[half:], pause(1500))
    assert ids(heard) == ["immigration_hours"]


def test_what_it_does_not_know_is_unclear_and_in_order() -> None:
    unknown = synthesiser().speak_8k("My brother lives in Canada.", "en", "c")
    heard = listen(
        pause(500), unknown, pause(700), say("clinic_answer", "ko"), pause(1500)
    )
    assert [one.text for one in heard] == [UNCLEAR, "서울가정의원입니다."]
    assert heard[0].phrase_id is None
    assert heard[0].language is None
    assert heard[0].started_ms < heard[0].ended_ms <= heard[1].started_ms


def test_unclear_speech_is_reported_without_waiting_for_more_speech() -> None:
    unknown = synthesiser().speak_8k("My brother lives in Canada.", "en", "c")
    listener = Listener(matcher())
    listener.push(over_the_line(np.concatenate([pause(500), unknown])))
    heard = listener.push(pause(1500))
    assert [one.text for one in heard] == [UNCLEAR]


@pytest.mark.parametrize("noise_rms", [20, 200])
def test_noise_is_not_speech(noise_rms: int) -> None:
    assert listen(pause(8000), noise_rms=noise_rms) == []


def test_it_gets_used_to_noise_that_begins_later() -> None:
    noise = over_the_line(pause(6000), noise_rms=200)
    speech = over_the_line(say("clinic_request", "ko"), noise_rms=200, seed=3)
    listener = Listener(matcher())
    heard = listener.push(np.concatenate([pause(1000), noise, speech, noise]))
    assert "clinic_request" in ids(heard)
    # The step itself may sound like something, but never like a phrase.
    assert set(ids(heard)) <= {"clinic_request", None}


def test_it_hears_through_digital_silence_between_frames_of_speech() -> None:
    speech = over_the_line(say("restaurant_confirm", "ko"), noise_rms=100)
    listener = Listener(matcher())
    heard = listener.push(np.concatenate([pause(1000), speech, pause(1500)]))
    assert ids(heard) == ["restaurant_confirm"]


@pytest.mark.slow
def test_endless_speech_is_cut_and_never_guessed() -> None:
    sentence = synthesiser().speak_8k(
        "My brother lives in Canada and he likes the snow and the cold wind.", "en", "c"
    )
    heard = listen(pause(500), *([sentence] * 8), pause(1500))
    assert set(ids(heard)) == {None}
    assert len(heard) >= 2
    assert all(one.ended_ms - one.started_ms <= 16_000 for one in heard)


def test_it_hears_only_the_languages_it_is_told() -> None:
    parts = (pause(500), say("clinic_symptoms", "ko"), pause(1500))
    assert ids(listen(*parts, languages=frozenset({"ko"}))) == ["clinic_symptoms"]
    assert ids(listen(*parts, languages=frozenset({"en"}))) == [None]


def test_flush_ends_what_is_being_said() -> None:
    listener = Listener(matcher())
    speech = over_the_line(say("clinic_answer", "en"), after_ms=0)
    assert listener.push(np.concatenate([pause(500), speech])) == []
    assert listener.is_hearing
    assert ids(listener.flush()) == ["clinic_answer"]


def test_noise_that_rises_is_not_something_unclear() -> None:
    # As behind a level control that turns a pause up by 6 dB.
    gain = np.repeat([30.0, 60.0, 30.0], 3 * 8000)
    noise = np.random.default_rng(1).standard_normal(len(gain)) * gain
    listener = Listener(matcher())
    segments = listener.collect(noise.astype(np.int16)) + listener.collect_rest()
    stretch = max(segments, key=lambda one: len(one.pcm))
    assert stretch.ended_ms - stretch.started_ms > 500  # it was loud enough
    heard = [one for part in segments for one in listener.recognise(part)]
    assert heard + listener.flush() == []

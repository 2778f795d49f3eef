"""What is said in `benchmarks.scenarios`: espeak-ng's voices, computed beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.driver_sound import (
    CALLEE_LANGUAGE,
    CALLEE_RMS,
    CALLER_LANGUAGE,
    DELTA_S,
    HZ,
    SPEECH_RMS,
    Clip,
    Echo,
    Samples,
    Sounds,
    Track,
    clip,
    trimmed,
)
from benchmarks.scenario_figures import set_level
from lab.speech.phrasebook import Phrasebook
from lab.speech.synthesiser import Synthesiser

ECHO_LOSS_DB: Final = 18.0
ECHO_DELAY_FRAMES: Final = 9
"""180 ms."""
CALLEE_VOICES: Final = ("b", "g")
LEAST_PHRASE_S: Final = 1.2
N_CLIPS: Final = 10
CLIP_S: Final = 4.4
"""Long enough to be interrupted in the middle; a whole number of deltas."""
SHORT_CLIP_S: Final = 1.6
GREETING_S: Final = 5.0
"""A line without an echo is known after 2.5 s of our playback at the latest."""
BACKCHANNEL: Final = "네."
BACKCHANNEL_WPM: Final = (160, 210)
"""How fast it is said: 0.3 to 0.4 s long."""
GAP_S: Final = 0.12
"""Between two sentences that are said in one breath."""
MONOLOGUE_GAPS_S: Final = {
    12: (0.0,),
    17: (0.15,),
    22: (0.25,),
    60: (0.1, 0.2, 0.3, 0.45),
}
"""Seconds of speech → the pauses in it: none, a short breath, a breath, all kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Everything that is said.

    Attributes:
        sounds: for the driver: clip 0 of the callee's language is the greeting, the
            others are interpretations of CLIP_S.
        short: interpretations of SHORT_CLIP_S, by language, for engines that work by
            turns.
        phrases: of the callee, 8 kHz, from their first audible sample to the last.
        caller_phrases: the caller's.
        backchannels: "네" in each voice, slow and fast.
        monologues: seconds → one long speech.
        echo: of the lines that have one.
    """

    sounds: Sounds
    short: dict[str, tuple[Clip, ...]]
    phrases: tuple[Samples, ...]
    caller_phrases: tuple[Samples, ...]
    backchannels: tuple[Samples, ...]
    monologues: dict[int, Samples]
    echo: Echo


def filled(parts: Sequence[Samples], seconds: float, rms: float) -> Samples:
    """Say things in one breath until a time is full.

    Raises:
        ValueError: they are too short.
    """
    n = round(seconds * HZ)
    gap = np.zeros(round(GAP_S * HZ), np.int16)
    whole = np.concatenate([x for part in parts for x in (trimmed(part), gap)])
    if len(whole) < n:
        raise ValueError(f"{len(whole)} samples of speech are too few for {n}.")
    sound = set_level(whole[:n], rms)
    sound[-80:] = (sound[-80:] * np.linspace(1, 0, 80)).astype(np.int16)
    return sound


def speech_of(phrases: Sequence[Samples], seconds: int) -> Samples:
    """Put phrases together to one monologue, with pauses of its own.

    Raises:
        ValueError: they are too short.
    """
    gaps = MONOLOGUE_GAPS_S[seconds]
    n = seconds * HZ
    parts: list[Samples] = []
    length = 0
    for i, phrase in enumerate(phrases):
        pause = np.zeros(round(gaps[i % len(gaps)] * HZ), np.int16)
        parts += [phrase, pause]
        length += len(phrase) + len(pause)
        if length >= n:
            return trimmed(np.concatenate(parts)[:n])
    raise ValueError(f"{length} samples of speech are too few for {n}.")


def _silent_track() -> Track:
    quiet = np.zeros(HZ, np.int16)
    return Track(quiet, quiet, ())


def make_script() -> Script:
    """Let espeak-ng say everything, or take it from the cache of the lab's voices.

    Raises:
        SpeechUnavailable: espeak-ng is not installed.
    """
    book, voice = Phrasebook.load(), Synthesiser()
    try:

        def said(language: str, who: str) -> list[Samples]:
            texts = [phrase.texts[language] for phrase in book.phrases]
            sounds = [trimmed(voice.speak_8k(t, language, who)) for t in texts]
            return [s for s in sounds if len(s) >= LEAST_PHRASE_S * HZ]

        def leveled(sounds: Sequence[Samples], rms: float) -> tuple[Samples, ...]:
            return tuple(trimmed(set_level(s, rms)) for s in sounds)

        def clips(sounds: Sequence[Samples], seconds: float) -> tuple[Clip, ...]:
            step = max(1, len(sounds) // N_CLIPS)
            return tuple(
                clip(
                    filled(
                        [*sounds[i * step :], *sounds[: i * step]],
                        seconds,
                        SPEECH_RMS,
                    ),
                    f"Sentence number {i}.",
                )
                for i in range(N_CLIPS)
            )

        voices = [leveled(said(CALLEE_LANGUAGE, v), CALLEE_RMS) for v in CALLEE_VOICES]
        phrases = tuple(p for pair in zip(*voices, strict=False) for p in pair)
        to_callee, to_caller = said(CALLEE_LANGUAGE, "d"), said(CALLER_LANGUAGE, "f")
        greeting = clip(filled(to_callee, GREETING_S, SPEECH_RMS), "Greeting.")
        answers = {
            CALLEE_LANGUAGE: (greeting, *clips(to_callee, CLIP_S)),
            CALLER_LANGUAGE: clips(to_caller, CLIP_S),
        }
        sounds = Sounds(
            callee=_silent_track(),
            caller=_silent_track(),
            answers=answers,
            sources={k: ("",) * len(v) for k, v in answers.items()},
            echo=None,
        )
        yes = [
            trimmed(voice.speak_8k(BACKCHANNEL, CALLEE_LANGUAGE, v, wpm))
            for wpm in BACKCHANNEL_WPM
            for v in CALLEE_VOICES
        ]
        return Script(
            sounds=sounds,
            short={
                CALLEE_LANGUAGE: clips(to_callee, SHORT_CLIP_S),
                CALLER_LANGUAGE: clips(to_caller, SHORT_CLIP_S),
            },
            phrases=phrases,
            caller_phrases=leveled(said(CALLER_LANGUAGE, "e"), SPEECH_RMS),
            backchannels=leveled(yes, CALLEE_RMS),
            monologues={
                s: speech_of(phrases[i * 7 :] + phrases[: i * 7], s)
                for i, s in enumerate(MONOLOGUE_GAPS_S)
            },
            echo=Echo(ECHO_LOSS_DB),
        )
    finally:
        voice.close()


assert round(CLIP_S / DELTA_S, 6).is_integer()  # noqa: S101 - a constant's own test

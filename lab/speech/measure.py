"""How well the matcher hears: `python -m lab.speech.measure [phrases per condition]`.

Prints, for each condition, how many phrases were recognised, rejected and mistaken,
and how often sentences outside the book were accepted.  Voices c to f have no
templates.
"""

import random
import sys
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.speech.matcher import Matcher
from lab.speech.phrasebook import Phrase
from lab.speech.shared import matcher, synthesiser
from lab.speech.synthesiser import LEVEL_RMS
from realtime.audio.g711 import decode_mulaw, encode_mulaw

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Condition:
    """How a phrase reaches the ear.

    Attributes:
        voice: of the synthesiser.
        speed_wpm: words per minute.
        speech_rms: level of the speech, int16 units.
        noise_rms: level of the noise added on the line.
    """

    voice: str
    speed_wpm: int
    speech_rms: float
    noise_rms: float


CONDITIONS: Final = (
    Condition("a", 160, 1000, 0),
    Condition("c", 160, 1000, 0),
    Condition("d", 130, 1000, 50),
    Condition("e", 200, 1000, 50),
    Condition("f", 175, 1000, 100),
    Condition("c", 145, 1000, 200),
    Condition("d", 165, 400, 100),
    Condition("e", 160, 300, 50),
    Condition("f", 160, 200, 20),
    Condition("c", 175, 80, 5),
    Condition("d", 200, 400, 200),
    Condition("c", 160, 300, 200),
    Condition("e", 130, 300, 200),
)
"""From a good line to the worst in which a person would still follow."""

OUTSIDE: Final = {
    "en": (
        "The weather is lovely today.",
        "I lost my umbrella on the train.",
        "Where can I buy tickets?",
        "Turn left at the corner.",
        "My brother lives in Canada.",
        "Never mind.",
        "Please send me an e-mail about it.",
        "The bus leaves at a quarter to five from the central station.",
        "What is your favourite colour?",
        "Is there a bank near here?",
        "There are seven cats in the garden.",
        "Excuse me.",
    ),
    "ko": (
        "오늘 날씨가 정말 좋네요.",
        "기차에 우산을 두고 내렸어요.",
        "표는 어디에서 살 수 있나요?",
        "모퉁이에서 왼쪽으로 도세요.",
        "제 동생은 캐나다에 살아요.",
        "글쎄요.",
        "저는 커피를 좋아해요.",
        "버스는 다섯 시 십오 분 전에 출발합니다.",
        "내일 아침에 출발합니다.",
        "팩스가 고장 났습니다.",
        "우체국은 몇 시에 닫나요?",
        "아직 모르겠어요.",
    ),
}
"""Sentences that are not in the book."""


def over_the_line(
    pcm: Samples,
    *,
    speech_rms: float = 1000,
    noise_rms: float = 0,
    seed: int = 0,
    before_ms: int = 200,
    after_ms: int = 360,
) -> Samples:
    """Send synthesised speech over a simple telephone line.

    Args:
        pcm: int16, 8 kHz, at the synthesiser's level.
        speech_rms: level on the line.
        noise_rms: of added noise that falls off above 500 Hz.
        seed: of the noise.
        before_ms: silence before the speech.
        after_ms: silence after it.

    Returns:
        int16, 8 kHz: 300-3400 Hz, mu-law coded and decoded.
    """
    x = np.concatenate([np.zeros(8 * before_ms), pcm, np.zeros(8 * after_ms)])
    hz = np.maximum(np.fft.rfftfreq(len(x), 1 / 8000), 1)
    band = 1 / np.sqrt((1 + (300 / hz) ** 8) * (1 + (hz / 3400) ** 16))
    x = np.fft.irfft(np.fft.rfft(x) * band, len(x)) * (speech_rms / LEVEL_RMS)
    if noise_rms:
        white = np.fft.rfft(np.random.default_rng(seed).normal(size=len(x)))
        coloured = np.fft.irfft(white / np.sqrt(1 + hz / 500), len(x))
        x += coloured * (noise_rms / coloured.std())
    return decode_mulaw(encode_mulaw(np.clip(x, -32000, 32000).astype(np.int16)))


def heard_in(text: str, language: str, condition: Condition, seed: int = 0) -> Samples:
    """Speak a text and send it over the line."""
    pcm = synthesiser().speak_8k(text, language, condition.voice, condition.speed_wpm)
    return over_the_line(
        pcm,
        speech_rms=condition.speech_rms,
        noise_rms=condition.noise_rms,
        seed=seed,
    )


def _score(
    ear: Matcher, phrases: list[tuple[Phrase, str]], condition: Condition
) -> tuple[int, int, list[str]]:
    right, mistakes = 0, []
    for seed, (phrase, language) in enumerate(phrases):
        match = ear.match(heard_in(phrase.texts[language], language, condition, seed))
        if match is None:
            continue
        if match.phrase is phrase and match.language == language:
            right += 1
        else:
            mistakes.append(f"{phrase.id} {language} -> {match.phrase.id}")
    return right, len(phrases) - right - len(mistakes), mistakes


def main(arguments: list[str]) -> None:
    """Measure and print."""
    say = sys.stdout.write
    ear = matcher()
    ear.prepare()
    every = [
        (phrase, language)
        for phrase in ear.phrasebook.phrases
        for language in phrase.texts
    ]
    wanted = min(int(arguments[0]), len(every)) if arguments else len(every)
    say("voice speed speech noise | recognised rejected mistaken\n")
    began, n_matched = time.perf_counter(), 0
    for condition in CONDITIONS:
        chosen = random.Random(1).sample(every, wanted)
        right, rejected, mistakes = _score(ear, chosen, condition)
        n_matched += wanted
        say(
            f"{condition.voice:>5} {condition.speed_wpm:5} {condition.speech_rms:6}"
            f" {condition.noise_rms:5} | {right:4}/{wanted} {rejected:8}"
            f" {len(mistakes):8}\n"
        )
        for mistake in mistakes:
            say(f"      {mistake}\n")
    each_ms = (time.perf_counter() - began) * 1000 / n_matched
    accepted, n_outside = [], 0
    for condition in CONDITIONS:
        for language, texts in OUTSIDE.items():
            for text in texts:
                n_outside += 1
                match = ear.match(heard_in(text, language, condition))
                if match:
                    accepted.append(f"{text} -> {match.phrase.id}")
    say(f"outside the book: {len(accepted)} of {n_outside} accepted\n")
    for line in sorted(set(accepted)):
        say(f"      {line} ({accepted.count(line)} times)\n")
    say(f"{each_ms:.0f} ms an utterance, synthesis and line included\n")


if __name__ == "__main__":
    main(sys.argv[1:])

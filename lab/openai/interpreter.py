"""What the simulated models know: the phrasebook, a matcher and a synthesiser.

Recognising and speaking are heavy; they run in a small pool of threads, so that the
sockets of all other sessions go on meanwhile.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from lab.speech.listener import UNCLEAR, Heard, Listener
from lab.speech.phrasebook import Phrase, Phrasebook
from lab.speech.shared import matcher, synthesiser
from realtime.audio.resample import Resampler

Samples = NDArray[np.int16]
T = TypeVar("T")

ENGINE_HZ: Final = 24000
EAR_HZ: Final = 8000
SPACELESS: Final = frozenset({"ja", "zh"})
"""Languages whose sentences are not separated by spaces."""
BREATH_MS: Final = 160
"""Faint noise after each sentence.  Clients leave out frames of zeros: without it two
translations would run into each other, and no ear could tell them apart.  Ours needs
about 150 ms between two phrases, of which the synthesiser gives 80."""
HUSH_BEFORE: Final = np.zeros(EAR_HZ // 5, np.int16)
"""Silence before a recording: it shows the listener the line's noise."""
HUSH_AFTER: Final = np.zeros(EAR_HZ // 2, np.int16)
"""Silence behind it: it ends the last phrase."""
WORKERS: Final = 2
"""More threads than this only take turns: the matcher holds the interpreter's lock
for half of its time."""

_NAMES: Final = {
    "de": r"german|deutsch|독일어",
    "en": r"english|영어|英語|英语",
    "es": r"spanish|español|스페인어",
    "fr": r"french|français|프랑스어",
    "hi": r"hindi|힌디어",
    "id": r"indonesian|인도네시아어",
    "it": r"italian|italiano|이탈리아어",
    "ja": r"japanese|일본어|日本語|日语",
    "ko": r"korean|한국어|韓国語|韩语",
    "pt": r"portuguese|português|포르투갈어",
    "ru": r"russian|러시아어",
    "vi": r"vietnamese|베트남어",
    "zh": r"chinese|mandarin|중국어|中国語|中文",
    "ar": r"arabic|아랍어",
    "mn": r"mongolian|몽골어",
    "ms": r"malay|말레이어",
    "nl": r"dutch|네덜란드어",
    "pl": r"polish|폴란드어",
    "th": r"thai|태국어",
    "tl": r"tagalog|타갈로그어",
    "tr": r"turkish|터키어",
    "uk": r"ukrainian|우크라이나어",
    "uz": r"uzbek|우즈베크어",
}
_TARGETS: Final = {
    language: re.compile(
        rf"\b(?:into|in|to)\s+(?:{names}|{language}\b)|(?:{names})\s*(?:로|으로|に|へ)",
        re.IGNORECASE,
    )
    for language, names in _NAMES.items()
}


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS)


async def in_pool(work: Callable[[], T]) -> T:
    """Run something heavy without stopping the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), work)


def new_listener() -> Listener:
    """Return an ear for one stream of 8 kHz sound, any language."""
    return Listener(matcher())


def to_ear(pcm: Samples) -> Samples:
    """Convert one whole recording from 24 to 8 kHz."""
    return Resampler(ENGINE_HZ, EAR_HZ).process(pcm)


def hear_all(pcm: Samples) -> list[Heard]:
    """Recognise a whole recording.

    Args:
        pcm: int16, 8 kHz.
    """
    listener = new_listener()
    heard = listener.push(np.concatenate([HUSH_BEFORE, pcm, HUSH_AFTER]))
    return heard + listener.flush()


def phrase_of(heard: Heard) -> Phrase | None:
    """Return the phrase behind something heard."""
    return Phrasebook.load()[heard.phrase_id] if heard.phrase_id else None


def find(text: str, language: str) -> Phrase | None:
    """Return the phrase with this text, or None."""
    return Phrasebook.load().by_text(text, language)


def translate_text(text: str, target: str) -> str | None:
    """Translate a sentence of the phrasebook from whatever language it is in.

    Args:
        text: the sentence.
        target: ISO 639-1.

    Returns:
        Its translation, or None when the book does not have it.
    """
    book = Phrasebook.load()
    for language in ("ko", "en", "ja", "zh"):
        phrase = book.by_text(text, language)
        if phrase:
            return phrase.texts.get(target)
    return None


def translate_heard(heard: list[Heard], target: str) -> str:
    """Say everything that was heard in another language; unclear stays unclear."""
    parts = []
    for one in heard:
        phrase = phrase_of(one)
        parts.append(phrase.texts.get(target, UNCLEAR) if phrase else UNCLEAR)
    return ("" if target in SPACELESS else " ").join(parts)


def transcript(heard: list[Heard]) -> str:
    """Write down everything that was heard."""
    spaceless = all(one.language in SPACELESS for one in heard if one.language)
    return ("" if heard and spaceless and heard[0].language else " ").join(
        one.text for one in heard
    )


def speak(text: str, language: str, voice: str = "a", speed_wpm: int = 160) -> Samples:
    """Speak a text at 24 kHz and take a breath; blocking."""
    pcm = synthesiser().speak_blocking(text, language, voice, speed_wpm)
    return np.concatenate([pcm, _breath()]) if len(pcm) else pcm


def misread(text: str) -> str:
    """Read a text wrongly, so that it matters: another digit, or the last word lost."""
    digit = re.search(r"\d", text)
    if digit is None:
        return " ".join(text.split()[:-1]) or f"{text} {text}"
    wrong = str((int(digit.group()) + 1) % 10)
    return text[: digit.start()] + wrong + text[digit.end() :]


@cache
def _breath() -> Samples:
    rng = np.random.default_rng(1)
    n = ENGINE_HZ * BREATH_MS // 1000
    return (2 * rng.integers(0, 2, n) - 1).astype(np.int16)  # never zero


def named_target(instructions: str) -> str | None:
    """Find the language that instructions tell to translate into.

    Args:
        instructions: e.g. "Interpret what you hear into Korean."

    Returns:
        ISO 639-1, or None; of several the first one named.
    """
    found = [
        (match.start(), language)
        for language, pattern in _TARGETS.items()
        if (match := pattern.search(instructions))
    ]
    return min(found)[1] if found else None


def guess_language(text: str, otherwise: str = "en") -> str:
    """Guess the language of a text by its script.

    Args:
        text: what is to be spoken.
        otherwise: for scripts that many languages use.
    """
    if re.search(r"[가-힣ᄀ-ᇿ㄰-㆏]", text):
        return "ko"
    if re.search(r"[ぁ-ヿ]", text):
        return "ja"
    if re.search(r"[一-鿿]", text):
        return "ja" if otherwise == "ja" else "zh"
    if re.search(r"[Ѐ-ӿ]", text):
        return "ru"
    if re.search(r"[ऀ-ॿ]", text):
        return "hi"
    return otherwise


def in_deltas(text: str, language: str) -> list[str]:
    """Cut a text into the pieces of a stream; joined they are the text."""
    if language in SPACELESS:
        return [text[i : i + 3] for i in range(0, len(text), 3)]
    return re.findall(r"\s*\S+", text) or ([text] if text else [])

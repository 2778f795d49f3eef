"""What everybody says in `benchmarks.relay`: precomputed, so that saying it is cheap.

A conversation of 27 s that repeats: the caller speaks for three seconds out of nine,
the callee answers in between, and every third time does so over the interpretation.
The speech is espeak-ng's; it is data here, and nobody understands it.  Everything is
int16 below 4 kHz, so that every third sample of 24 kHz is the same sound at 8 kHz.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.audio.g711 import (
    FRAME_SAMPLES,
    SILENCE_FRAME,
    decode_mulaw,
    encode_mulaw,
)
from realtime.audio.resample import Resampler

Samples = NDArray[np.int16]
Floats = NDArray[np.float64]

HZ: Final = 8000
WIDE_HZ: Final = 24_000
CYCLE_S: Final = 9.0
TURN_S: Final = 3.0
"""Each side speaks a third of the time."""
ANSWER_S: Final = 4.5
"""The callee speaks this long after the caller began: the interpretation is over."""
INTERRUPT_S: Final = 2.3
"""... and every third time here, in the middle of it."""
N_CYCLES: Final = 3
DELTA_S: Final = 0.2
"""What the translation engine sends at a time (facts of the providers)."""
CALLER_CHUNK_S: Final = 0.04
"""What the browser's microphone sends at a time (static/js/call)."""

CALLEE_RMS: Final = 1000.0
"""A voice on the telephone: -30 dB of full scale."""
SPEECH_RMS: Final = 2000.0
"""The engine's speech and the caller's: -24 dB."""
LINE_NOISE_RMS: Final = 20.0
MICROPHONE_NOISE_RMS: Final = 10.0

ECHO_DELAY_FRAMES: Final = 12
"""240 ms: the middle of what calls show (80-600 ms)."""
ECHO_LOSS_DB: Final = 15.0
_ECHO_TAPS: Final = 96
_ECHO_DECAY: Final = 12.0
"""A hybrid's response, as in `benchmarks.scenes`: taps and decay constant at 8 kHz."""

_FADE: Final = 80
"""10 ms: where a sentence is cut off."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of speech of a track; samples at 8 kHz.

    Attributes:
        start: its first sample, which is audible.
        stop: the one behind its last.
        is_interruption: it begins while the telephone plays an interpretation.
    """

    start: int
    stop: int
    is_interruption: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """One side of the conversation, to be repeated without end.

    Attributes:
        clean: the speech alone, 8 kHz.
        signal: with the noise of its line.
        turns: who spoke when.
    """

    clean: Samples
    signal: Samples
    turns: tuple[Turn, ...]


def trimmed(pcm: Samples, audible: int = 300) -> Samples:
    """Cut off what is not audible at both ends, so that onsets are onsets.

    Args:
        pcm: int16.
        audible: peak from which on something is heard.
    """
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) >= audible)
    return pcm[loud[0] : loud[-1] + 1] if len(loud) else pcm[:0]


def fit(parts: Sequence[Samples], n: int, rms: float) -> Samples:
    """Say things one after the other until `n` samples are full.

    Args:
        parts: sentences, all different: what is said twice cannot be told apart.
        n: length of the result.
        rms: its level over all.

    Raises:
        ValueError: they are too short.
    """
    sound = np.concatenate([trimmed(part) for part in parts])[:n].astype(np.float64)
    if len(sound) < n:
        raise ValueError(f"{len(sound)} samples of speech are too few for {n}.")
    sound *= rms / np.sqrt(np.mean(sound**2))
    sound[-_FADE:] *= np.linspace(1, 0, _FADE)
    result: Samples = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
    return result


def _track(
    sentences: Sequence[Samples], turns: Sequence[Turn], noise_rms: float, seed: int
) -> Track:
    clean = np.zeros(round(N_CYCLES * CYCLE_S * HZ), np.int16)
    for sentence, turn in zip(sentences, turns, strict=True):
        clean[turn.start : turn.stop] = sentence
    noise = np.random.default_rng(seed).normal(0, noise_rms, len(clean))
    signal = np.clip(np.rint(clean + noise), -32768, 32767).astype(np.int16)
    return Track(clean, signal, tuple(turns))


def caller_track(sentences: Sequence[Samples]) -> Track:
    """Lay the caller's sentences out in time.

    Args:
        sentences: N_CYCLES of TURN_S each, 8 kHz.
    """
    starts = [round(i * CYCLE_S * HZ) for i in range(N_CYCLES)]
    turns = [Turn(start, start + round(TURN_S * HZ)) for start in starts]
    return _track(sentences, turns, MICROPHONE_NOISE_RMS, 1)


def callee_track(sentences: Sequence[Samples]) -> Track:
    """Lay the callee's sentences out in time, the last of them as an interruption.

    Args:
        sentences: N_CYCLES of TURN_S each, 8 kHz.
    """
    turns = []
    for i in range(N_CYCLES):
        is_interruption = i == N_CYCLES - 1
        after_s = INTERRUPT_S if is_interruption else ANSWER_S
        start = round((i * CYCLE_S + after_s) * HZ)
        turns.append(Turn(start, start + round(TURN_S * HZ), is_interruption))
    return _track(sentences, turns, LINE_NOISE_RMS, 2)


def widened(pcm: Samples) -> Samples:
    """Return the same sound at 24 kHz, as many samples as belong to it."""
    return Resampler(HZ, WIDE_HZ).process(pcm)


class Echo:
    """What a line makes of what it plays: every frame's echo is computed once.

    An echo of 12 ms reaches from one frame into the next and no further, so it is a
    function of two frames, and what an engine says is known beforehand.

    Args:
        loss_db: echo return loss.
    """

    def __init__(self, loss_db: float = ECHO_LOSS_DB) -> None:
        taps = np.random.default_rng(3).normal(size=_ECHO_TAPS)
        taps *= np.exp(-np.arange(_ECHO_TAPS) / _ECHO_DECAY)
        taps *= 10 ** (-loss_db / 20) / np.sqrt(np.sum(taps**2))
        self._taps: Floats = taps
        self._known: dict[bytes, Samples] = {}

    def of(self, before: bytes, frame: bytes) -> Samples:
        """Return the echo of one frame.

        Args:
            before: the frame played before it, 160 bytes of mu-law.
            frame: the frame.

        Returns:
            int16, shape (160,).
        """
        key = before + frame
        echo = self._known.get(key)
        if echo is None:
            played = decode_mulaw(key).astype(np.float64)
            whole = np.convolve(played, self._taps)[FRAME_SAMPLES : 2 * FRAME_SAMPLES]
            echo = self._known[key] = np.rint(whole).astype(np.int16)
        return echo

    def prepare(self, payload: bytes) -> None:
        """Compute the echo of something that will be played, from its first sample."""
        before = SILENCE_FRAME
        for frame in frames_of(payload):
            self.of(before, frame)
            before = frame
        self.of(before, SILENCE_FRAME)


def frames_of(payload: bytes) -> list[bytes]:
    """Cut mu-law into frames; the last one is filled up with silence."""
    n = FRAME_SAMPLES
    cut = [payload[i : i + n] for i in range(0, len(payload), n)]
    return [frame + SILENCE_FRAME[len(frame) :] for frame in cut]


@dataclass(frozen=True, slots=True)
class Clip:
    """Something that the tone engine says.

    Attributes:
        sound: 8 kHz.
        text: what it is said to mean.
        deltas: the same at 24 kHz, base64, DELTA_S each.
    """

    sound: Samples
    text: str
    deltas: tuple[bytes, ...]


def clip(sound: Samples, text: str) -> Clip:
    """Prepare something to be said.

    Args:
        sound: 8 kHz, a whole number of deltas.
        text: its words.
    """
    wide = widened(sound).astype("<i2")
    n = round(DELTA_S * WIDE_HZ)
    deltas = [
        base64.b64encode(wide[i : i + n].tobytes()) for i in range(0, len(wide), n)
    ]
    return Clip(sound, text, tuple(deltas))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Everything that a run needs to say.

    Attributes:
        callee: the telephone's side.
        caller: the caller's side.
        answers: what the engines say, by the language that they speak.
        sources: what they recognise, by the language that they speak.
        callee_frames: the callee's track in frames: samples, and mu-law in base64.
        caller_chunks: the caller's track as it is sent: 24 kHz, little-endian.
        echo: of the line; None where it has none.
    """

    callee: Track
    caller: Track
    answers: dict[str, tuple[Clip, ...]]
    sources: dict[str, tuple[str, ...]]
    echo: Echo | None
    callee_frames: Samples = field(init=False)
    callee_base64: tuple[bytes, ...] = field(init=False)
    caller_chunks: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what is sent, and the echo of what will be heard."""
        frames = self.callee.signal.reshape(-1, FRAME_SAMPLES)
        base64_ = tuple(base64.b64encode(encode_mulaw(frame)) for frame in frames)
        wide = widened(self.caller.signal).astype("<i2")
        n = round(CALLER_CHUNK_S * WIDE_HZ)
        chunks = tuple(wide[i : i + n].tobytes() for i in range(0, len(wide), n))
        object.__setattr__(self, "callee_frames", frames)
        object.__setattr__(self, "callee_base64", base64_)
        object.__setattr__(self, "caller_chunks", chunks)
        if self.echo is not None:
            for answer in self.answers[CALLEE_LANGUAGE]:
                # As the relay will resample it.
                down = Resampler(WIDE_HZ, HZ)
                parts = [
                    down.process(np.frombuffer(base64.b64decode(delta), "<i2"))
                    for delta in answer.deltas
                ]
                self.echo.prepare(encode_mulaw(np.concatenate(parts)))


CALLER_LANGUAGE: Final = "en"
CALLEE_LANGUAGE: Final = "ko"

_CALLEE_SAYS: Final = (
    ("restaurant_answer", "common_how_can_i_help"),
    ("restaurant_confirm", "restaurant_ask_time"),
    ("restaurant_offer_eight", "restaurant_window"),
)
_CALLER_SAYS: Final = (
    ("restaurant_request", "common_thank_you"),
    ("clinic_bring", "restaurant_time"),
    ("restaurant_accept_eight", "restaurant_allergy"),
)


def make_sounds(*, has_echo: bool) -> Sounds:
    """Let espeak-ng say everything, or take it from the cache of the lab's voices.

    Args:
        has_echo: whether the line has one.

    Raises:
        SpeechUnavailable: espeak-ng is not installed.
    """
    from lab.speech.phrasebook import Phrasebook
    from lab.speech.synthesiser import Synthesiser

    book, voice = Phrasebook.load(), Synthesiser()
    n = round(TURN_S * HZ)

    def said(ids: Sequence[str], language: str, who: str, rms: float) -> Samples:
        texts = [book[one].texts[language] for one in ids]
        return fit([voice.speak_8k(t, language, who) for t in texts], n, rms)

    def text(ids: Sequence[str], language: str) -> str:
        return " ".join(book[one].texts[language] for one in ids)

    try:
        answers = {
            language: tuple(
                clip(said(ids, language, who, SPEECH_RMS), text(ids, language))
                for ids in what
            )
            for language, who, what in (
                (CALLEE_LANGUAGE, "d", _CALLER_SAYS),
                (CALLER_LANGUAGE, "f", _CALLEE_SAYS),
            )
        }
        return Sounds(
            callee=callee_track(
                [said(i, CALLEE_LANGUAGE, "b", CALLEE_RMS) for i in _CALLEE_SAYS]
            ),
            caller=caller_track(
                [said(i, CALLER_LANGUAGE, "e", SPEECH_RMS) for i in _CALLER_SAYS]
            ),
            answers=answers,
            sources={
                CALLEE_LANGUAGE: tuple(text(i, CALLER_LANGUAGE) for i in _CALLER_SAYS),
                CALLER_LANGUAGE: tuple(text(i, CALLEE_LANGUAGE) for i in _CALLEE_SAYS),
            },
            echo=Echo() if has_echo else None,
        )
    finally:
        voice.close()

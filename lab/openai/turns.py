"""Turns as the provider finds them: `turn_detection` of `/realtime`.

Theory of operation.  `server_vad` asks of every 32 ms how likely speech is, and
compares that with `threshold`; here as in the product Silero's network answers.

    idle      two windows at or above the threshold ──► speaking, since the first of
              them; the turn begins `prefix_padding_ms` earlier, after the last one
    speaking  windows clearly below it for `silence_duration_ms` ──► idle; the turn
              ends where that silence does

`semantic_vad` guesses from the words whether somebody has finished; the lab has no
such opinion and waits longer or shorter, by its eagerness.  `idle_timeout_ms` is
accepted and does nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lab.openai.interpreter import EAR_HZ, ENGINE_HZ, Samples
from realtime.audio.g711 import decode_mulaw
from realtime.audio.resample import Resampler
from realtime.audio.vad import WINDOW_MS, WINDOW_SAMPLES, SpeechProbability

ONSET_WINDOWS: Final = 2
"""A click is loud for one."""
HYSTERESIS: Final = 0.15
"""Speech goes on until it is this far below the threshold, as Silero's own iterator."""
SILENCE_MS: Final = {"low": 1200, "medium": 600, "auto": 600, "high": 300}
"""How long semantic_vad waits here; the provider's longest are 8, 4 and 2 s."""
PREFIX_MS: Final = 300
THRESHOLD: Final = 0.5
DEFAULT_SILENCE_MS: Final = 500
SLACK_MS: Final = ONSET_WINDOWS * WINDOW_MS
"""How late a turn is noticed."""


@dataclass(frozen=True, slots=True)
class Started:
    """Somebody has begun to speak.

    Attributes:
        at_ms: beginning of the turn, in the sound that the session has been sent.
    """

    at_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The turn is over.

    Attributes:
        started_ms: its beginning.
        at_ms: its end.
    """

    started_ms: int
    at_ms: int


class TurnDetector:
    """Find the turns in one session's sound.

    Args:
        settings: `turn_detection`, checked.
        format_: of the sound, as the session has it.
        began_ms: how much sound came before.
    """

    def __init__(
        self, settings: Mapping[str, Any], format_: Mapping[str, Any], began_ms: int = 0
    ) -> None:
        is_semantic = settings["type"] == "semantic_vad"
        pause_ms = SILENCE_MS[settings.get("eagerness", "auto")]
        given = {} if is_semantic else settings
        self._threshold = float(given.get("threshold", THRESHOLD))
        self.prefix_ms = int(given.get("prefix_padding_ms", PREFIX_MS))
        default_ms = pause_ms if is_semantic else DEFAULT_SILENCE_MS
        self._silence_ms = int(given.get("silence_duration_ms", default_ms))
        self._is_mulaw = format_["type"] == "audio/pcmu"
        self._resampler = Resampler(ENGINE_HZ, EAR_HZ)
        self._network = SpeechProbability()
        self._rest = np.zeros(0, np.int16)
        self._now_ms = began_ms
        self._ended_ms = began_ms
        self._n_loud = 0
        self._quiet_ms = 0
        self._started_ms: int | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is open."""
        return self._started_ms is not None

    def push(self, raw: bytes) -> list[Started | Stopped]:
        """Listen on.

        Args:
            raw: sound in the session's format, any length.
        """
        if self._is_mulaw:
            pcm: Samples = decode_mulaw(raw)
        else:
            pcm = self._resampler.process(np.frombuffer(raw, "<i2").astype(np.int16))
        pcm = np.concatenate([self._rest, pcm])
        n = len(pcm) // WINDOW_SAMPLES
        self._rest = pcm[n * WINDOW_SAMPLES :]
        windows = pcm[: n * WINDOW_SAMPLES].reshape(n, WINDOW_SAMPLES)
        found = [self._step(window) for window in windows.astype(np.float32) / 32768]
        return [one for one in found if one is not None]

    def forget(self) -> None:
        """The sound before now is gone: a turn cannot begin in it."""
        self._ended_ms = self._now_ms
        if self._started_ms is not None:
            self._started_ms = self._now_ms

    def _step(self, window: np.ndarray[Any, Any]) -> Started | Stopped | None:
        probability = self._network.judge(window)
        self._now_ms += WINDOW_MS
        if self._started_ms is None:
            is_loud = probability >= self._threshold
            self._n_loud = self._n_loud + 1 if is_loud else 0
            return self._start() if self._n_loud >= ONSET_WINDOWS else None
        is_quiet = probability < self._threshold - HYSTERESIS
        self._quiet_ms = self._quiet_ms + WINDOW_MS if is_quiet else 0
        is_over = is_quiet and self._quiet_ms >= self._silence_ms
        return self._stop(self._started_ms) if is_over else None

    def _start(self) -> Started:
        onset_ms = self._now_ms - SLACK_MS
        self._started_ms = max(onset_ms - self.prefix_ms, self._ended_ms)
        self._n_loud = self._quiet_ms = 0
        return Started(self._started_ms)

    def _stop(self, started_ms: int) -> Stopped:
        self._started_ms = None
        self._ended_ms = self._now_ms
        return Stopped(started_ms, self._now_ms)

"""Is somebody speaking?  Silero's small network at 8 kHz, a noise floor, hysteresis.

The network is `silero/silero_vad.onnx` (MIT, from the silero-vad 6.2.3 package, whose
other dependencies would be gigabytes).  One onnxruntime session serves all calls; what
belongs to a stream is its recurrent state and the last samples of its previous window.
"""

import math
from collections import deque
from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from realtime.audio import tones
from realtime.audio.tones import Kind
from realtime.config import LINE_HZ, SpeechConfig

MODEL_PATH: Final = Path(__file__).parent / "silero" / "silero_vad.onnx"
MODEL_SHA256: Final = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

WINDOW_SAMPLES: Final = 256
"""What the network takes at 8 kHz: 32 ms."""
WINDOW_MS: Final = WINDOW_SAMPLES * 1000 // LINE_HZ
_CONTEXT_SAMPLES: Final = 32
"""Samples of the previous window that go before each window at 8 kHz."""
_N_LAST: Final = 2 * tones.SPAN_SAMPLES // WINDOW_SAMPLES
"""Windows that `tones` looks at."""
_THRESHOLDS: Final = {Kind.VOICE: 0.0, Kind.TONAL: 0.75, Kind.MACHINE: math.inf}
"""How sure of itself the network has to be at least.  Of chords and arpeggios it is
hardly ever that sure; speech begins a window later in 2 to 4 % of utterances."""
_QUIET: Final = np.zeros(WINDOW_SAMPLES, np.float32)
_SILENCE_RMS: Final = 8 / 32768
"""Mu-law's silence and the codes beside it: -72 dBFS.  No line's noise is below."""


@cache
def _network() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        str(MODEL_PATH), options, providers=["CPUExecutionProvider"]
    )


def warm_up() -> None:
    """Load the network now rather than in the first call (about 60 ms)."""
    SpeechProbability().judge(np.zeros(WINDOW_SAMPLES, np.float32))


class SpeechProbability:
    """One stream's windows, put to the network one after the other."""

    _RATE: Final = np.array(LINE_HZ, np.int64)

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream's past."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context: NDArray[np.float32] = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def skip(self, window: NDArray[np.float32]) -> None:
        """Let a window pass unjudged; shape (256,), 8 kHz, full scale 1."""
        self._context = window[-_CONTEXT_SAMPLES:]

    def judge(self, window: NDArray[np.float32]) -> float:
        """Take the next window.

        Args:
            window: shape (256,), 8 kHz, full scale 1.

        Returns:
            the probability of speech, 0 to 1.
        """
        x = np.concatenate([self._context, window])[np.newaxis]
        self._context = window[-_CONTEXT_SAMPLES:]
        probability, self._state = _network().run(
            None, {"input": x, "state": self._state, "sr": self._RATE}
        )
        return float(probability[0, 0])


class NoiseFloor:
    """How loud the line is when nobody speaks: the least of the last two seconds.

    Minimum statistics in their simplest form (Martin 2001): speech has pauses, and its
    quietest window is the line's own noise.
    """

    _BLOCK: Final = 16
    """Windows a block: about half a second."""

    def __init__(self) -> None:
        self._blocks: deque[float] = deque(maxlen=4)
        self._least = math.inf
        self._n = 0

    @property
    def rms(self) -> float:
        """The floor; infinite until half a second was heard."""
        if not self._blocks:
            return math.inf
        return min(self._least, min(self._blocks))

    def push(self, rms: float) -> None:
        """Take the level of the next window."""
        self._least = min(self._least, rms)
        self._n += 1
        if self._n == self._BLOCK:
            self._blocks.append(self._least)
            self._least, self._n = math.inf, 0


Transition = Literal["started", "stopped"]


class SpeechDetector:
    """Turn sound into "started" and "stopped": strict entry, lenient exit.

    Nothing is judged by an absolute level, only against the line's own noise.  Windows
    that do not rise above it are not put to the network at all; the last of them are
    kept, and are what the network hears first when something does rise.  Speech begins
    with windows that the network is sure of and that no machine makes (`tones`); once
    it has begun, the network decides when it is over, or the noise does.

    The detector gives no sound back: whoever needs that of an utterance keeps its own,
    at its own rate, from 300 ms before `onset_ms` on (`EndpointConfig.pre_roll_ms`).
    """

    def __init__(self, config: SpeechConfig) -> None:
        self._config = config
        self._network = SpeechProbability()
        self._floor = NoiseFloor()
        self._pending = np.zeros(0, np.int16)
        self._before: deque[NDArray[np.float32]] = deque(
            maxlen=config.context_ms // WINDOW_MS
        )
        self._last: deque[NDArray[np.float32]] = deque(maxlen=_N_LAST)
        self._awake_ms = 0
        self._above = 0
        self._below_ms = 0
        self._is_sure = False
        self.is_speech = False
        self.over_floor: float | None = None
        """The latest window by the line's noise, a ratio of RMS; None: not known."""

    def push(self, pcm: NDArray[np.int16]) -> Transition | None:
        """Take the next samples.

        Args:
            pcm: int16, shape (n,), 8 kHz; up to 200 ms at a time.

        Returns:
            "started", "stopped", or None where nothing changed.  Speech began
            `onset_ms` before the end of these samples, and ended `offset_ms` before.
        """
        change: Transition | None = None
        self._pending = np.concatenate([self._pending, pcm])
        while len(self._pending) >= WINDOW_SAMPLES:
            window = np.asarray(self._pending[:WINDOW_SAMPLES], np.float32)
            window /= np.float32(32768)
            self._pending = self._pending[WINDOW_SAMPLES:]
            change = self._hear(window) or change
        return change

    @property
    def quiet_ms(self) -> int:
        """How long there has been no speech within what is still called speech, ms."""
        return self._below_ms

    @property
    def onset_ms(self) -> int:
        """How long before the decision the speech began, ms."""
        c = self._config
        return c.enter_windows * WINDOW_MS + c.pre_roll_ms

    @property
    def offset_ms(self) -> int:
        """How long before the decision the speech ended, ms."""
        return self._config.exit_ms

    def _hear(self, window: NDArray[np.float32]) -> Transition | None:
        c = self._config
        rms = math.sqrt(float(window @ window) / WINDOW_SAMPLES)
        over = rms / max(self._floor.rms, _SILENCE_RMS)
        self.over_floor = over if math.isfinite(self._floor.rms) else None
        self._floor.push(rms)
        self._last.append(window)
        if rms < _SILENCE_RMS or over < c.wake_over_floor:
            self._awake_ms = max(0, self._awake_ms - WINDOW_MS)
        else:
            if not self._awake_ms:
                self._wake()
            self._awake_ms = c.awake_ms
        if not self._awake_ms and not self.is_speech:
            self._before.append(window)
            self._above = 0
            return None
        return self._step(self._probability(window, over), over)

    def _probability(self, window: NDArray[np.float32], over: float) -> float:
        """Ask the network, or do without where there is little doubt."""
        c = self._config
        if self.is_speech and over < c.enter_over_floor:
            # As quiet as the line itself: the network, which lets go slowly, would
            # lengthen each word by 100 to 200 ms.
            self._network.skip(window)
            self._is_sure = False
            return 0.0
        if self.is_speech and self._is_sure and over >= c.sure_over_floor:
            # Loud in the midst of speech: every other window is enough.
            self._network.skip(window)
            self._is_sure = False
            return 1.0
        probability = self._network.judge(window)
        self._is_sure = probability >= c.sure
        return probability

    def _wake(self) -> None:
        """Let the network hear what came just before."""
        self._network.reset()
        for window in self._before:
            self._network.judge(window)
        self._before.clear()

    def _step(self, probability: float, over: float) -> Transition | None:
        c = self._config
        if not self.is_speech:
            is_sure = probability >= c.enter and over >= c.enter_over_floor
            is_voice = is_sure and probability >= self._voice_threshold()
            self._above = self._above + 1 if is_voice else 0
            if self._above < c.enter_windows:
                return None
            self.is_speech = True
            self._above = self._below_ms = 0
            return "started"
        self._below_ms = self._below_ms + WINDOW_MS if probability < c.exit else 0
        if self._below_ms < c.exit_ms:
            return None
        self.is_speech = False
        return "stopped"

    def _voice_threshold(self) -> float:
        """Say how sure of itself the network has to be, by what is heard."""
        missing = [_QUIET] * (_N_LAST - len(self._last))
        kind = tones.kind_of(np.concatenate([*missing, *self._last]))
        return _THRESHOLDS[kind]

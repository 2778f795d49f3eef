"""Text to speech with espeak-ng, which runs as its own process.

The process is started when something is not in the cache yet, is started again if it
dies, and ends with us because its stdin does.
"""

import asyncio
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import struct
import subprocess
import sys
import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray

from lab.speech.cache import cache_directory, write_atomically
from lab.speech.levels import resample_whole, set_level, shorten_pauses
from lab.speech.phrasebook import Phrasebook
from realtime.audio.resample import Resampler

SAMPLE_RATE_HZ: Final = 24000
ESPEAK_RATE_HZ: Final = 22050

VERSION: Final = 2
"""Raise it when the same request would sound different: old cache files stay unused."""

LEVEL_RMS: Final = 2000
"""Loudness of all speech: -24 dB of full scale, inside the .04-.08 that the real
engine's output shows (facts of the providers' translation stream)."""

LONGEST_PAUSE_MS: Final = 180
"""Pauses inside a phrase are cut to this, safely below the listener's 350 ms."""
EDGE_MS: Final = 40
ANSWER_TIMEOUT_S: Final = 10.0
MEMORY_BYTES: Final = 64 << 20

_LANGUAGES: Final = {
    "de": "de",
    "en": "en-us",
    "es": "es",
    "fr": "fr",
    "hi": "hi",
    "id": "id",
    "it": "it",
    "ja": "ja",
    "ko": "ko",
    "pt": "pt-br",
    "ru": "ru",
    "vi": "vi",
    "zh": "cmn",
}
VOICES: Final = {
    "a": "m3",
    "b": "f2",
    "c": "m1",
    "d": "f5",
    "e": "m7",
    "f": "f1",
    "g": "m4",
    "h": "f4",
}
"""Our names → espeak-ng variants; letters a person or an engine can be given."""

_SCRIPT: Final = Path(__file__).with_name("espeak_process.py")


class SpeechUnavailable(Exception):
    """Nothing can be spoken; the message says what to do, in one sentence."""


class _Process:
    """One running espeak-ng process; not thread-safe."""

    def __init__(self) -> None:
        if importlib.util.find_spec("espeakng_loader") is None:
            raise SpeechUnavailable(
                "The lab's voices need espeak-ng: pip install espeakng-loader."
            )
        # A fixed command of our own: this interpreter, this package's script.
        self.popen = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._requests = cast(IO[bytes], self.popen.stdin)
        self._answers = cast(IO[bytes], self.popen.stdout)

    def speak(self, request: bytes) -> tuple[int, bytes]:
        """Send one request; EOFError or OSError when the process has died."""
        # A process that hangs is killed, which ends the reads below.
        watchdog = threading.Timer(ANSWER_TIMEOUT_S, self.popen.kill)
        watchdog.start()
        try:
            self._requests.write(request)
            self._requests.flush()
            status, length = struct.unpack("<BI", self._read(5))
            return status, self._read(length)
        finally:
            watchdog.cancel()

    def _read(self, n: int) -> bytes:
        content = self._answers.read(n)
        if len(content) < n:
            raise EOFError
        return content

    def stop(self) -> None:
        """End the process and wait for it."""
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        try:
            self.popen.wait(2)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class _Holder:
    """The current process, kept apart so that it can be stopped after its owner."""

    process: _Process | None = None

    def stop(self) -> None:
        if self.process:
            self.process.stop()
            self.process = None


class Synthesiser:
    """Speaks text; may be called from any thread and from any task.

    Args:
        cache_dir: where speech is kept; default: `speech` in the cache directory.
        phrasebook: readings of known phrases; default: the lab's own book.
    """

    def __init__(
        self, cache_dir: Path | None = None, phrasebook: Phrasebook | None = None
    ) -> None:
        self._cache_dir = cache_dir or cache_directory("speech")
        self._phrasebook = phrasebook or Phrasebook.load()
        self._process_lock = threading.Lock()
        self._memory_lock = threading.Lock()
        self._memory: OrderedDict[str, NDArray[np.int16]] = OrderedDict()
        self._memory_bytes = 0
        self._holder = _Holder()
        self._finalizer = weakref.finalize(self, self._holder.stop)

    async def speak(
        self, text: str, language: str, voice: str = "a", speed_wpm: int = 160
    ) -> NDArray[np.int16]:
        """Speak without blocking the event loop; see `speak_blocking`."""
        found = self._from_memory(self._key(text, language, voice, speed_wpm))
        if found is not None:
            return found
        return await asyncio.to_thread(
            self.speak_blocking, text, language, voice, speed_wpm
        )

    def speak_blocking(
        self, text: str, language: str, voice: str = "a", speed_wpm: int = 160
    ) -> NDArray[np.int16]:
        """Turn text into speech.

        Args:
            text: a sentence or a few, up to some hundred characters.
            language: ISO 639-1 code, one of the engine's 13 output languages.
            voice: a letter of VOICES.
            speed_wpm: espeak-ng's words per minute, 80-450.

        Returns:
            int16, shape (n,), 24 kHz mono, read-only; 40 ms of silence around it.

        Raises:
            SpeechUnavailable: espeak-ng is not installed or cannot say this.
            ValueError: unknown language, voice, or speed.
        """
        key = self._key(text, language, voice, speed_wpm)
        found = self._from_memory(key)
        if found is not None:
            return found
        with self._process_lock:
            # Who waited for the lock may find it spoken by now.
            found = self._from_memory(key)
            if found is not None:
                return found
            path = self._cache_dir / key[:2] / f"{key}.pcm"
            content = path.read_bytes() if path.exists() else b""
            if content:
                return self._remember(key, np.frombuffer(content, "<i2"))
            pcm = self._synthesise(text, language, voice, speed_wpm)
            if len(pcm):
                # Silence is not kept: espeak-ng is silent, too, while its data is
                # being installed.
                write_atomically(path, pcm.astype("<i2").tobytes())
                self._remember(key, pcm)
            return pcm

    def speak_8k(
        self, text: str, language: str, voice: str = "a", speed_wpm: int = 160
    ) -> NDArray[np.int16]:
        """Speak at the telephone's rate.

        Returns:
            int16, shape (n,), 8 kHz mono; otherwise as `speak_blocking`.
        """
        pcm = self.speak_blocking(text, language, voice, speed_wpm)
        return Resampler(SAMPLE_RATE_HZ, 8000).process(pcm)

    def close(self) -> None:
        """Stop the process; the next new text starts another."""
        with self._process_lock:
            self._holder.stop()

    def _key(self, text: str, language: str, voice: str, speed_wpm: int) -> str:
        if language not in _LANGUAGES:
            raise ValueError(f"The synthesiser does not speak {language!r}.")
        if voice not in VOICES:
            raise ValueError(f"There is no voice {voice!r}.")
        if not 80 <= speed_wpm <= 450:
            raise ValueError("Speed must be between 80 and 450 words a minute.")
        reading = self._phrasebook.reading(text, language)
        parts = [
            VERSION,
            _loader_version(),
            reading,
            _LANGUAGES[language],
            VOICES[voice],
            speed_wpm,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _from_memory(self, key: str) -> NDArray[np.int16] | None:
        with self._memory_lock:
            if key in self._memory:
                self._memory.move_to_end(key)
            return self._memory.get(key)

    def _remember(self, key: str, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        pcm.flags.writeable = False
        with self._memory_lock:
            self._memory[key] = pcm
            self._memory_bytes += pcm.nbytes
            while self._memory_bytes > MEMORY_BYTES:
                self._memory_bytes -= self._memory.popitem(last=False)[1].nbytes
        return pcm

    def _synthesise(
        self, text: str, language: str, voice: str, speed_wpm: int
    ) -> NDArray[np.int16]:
        request = {
            "text": self._phrasebook.reading(text, language),
            "voice": f"{_LANGUAGES[language]}+{VOICES[voice]}",
            "speed_wpm": speed_wpm,
        }
        status, payload = self._ask(json.dumps(request).encode() + b"\n")
        if status:
            raise SpeechUnavailable(payload.decode())
        raw = np.frombuffer(payload, "<i2").astype(np.float64)
        if not raw.any():
            return np.zeros(0, np.int16)
        tight = shorten_pauses(raw, ESPEAK_RATE_HZ, LONGEST_PAUSE_MS, EDGE_MS)
        speech = resample_whole(tight, ESPEAK_RATE_HZ, SAMPLE_RATE_HZ)
        return set_level(speech, LEVEL_RMS, SAMPLE_RATE_HZ // 100)

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        for _ in range(2):
            if self._holder.process is None:
                self._holder.process = _Process()
            try:
                return self._holder.process.speak(request)
            except (OSError, EOFError):
                self._holder.stop()
        raise SpeechUnavailable("The espeak-ng process ended twice while speaking.")


def _loader_version() -> str:
    try:
        return importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError:
        return "none"

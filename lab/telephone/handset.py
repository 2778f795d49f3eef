"""A person with a telephone in the hand: script, mouth and ears, 20 ms at a time.

The person is pure (`lab.people`); this adds the audio.  Recognising what was heard
takes milliseconds, so it runs in a thread pool: the line's clock never waits for it.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lab.people import (
    Action,
    Event,
    Finished,
    Heard,
    Hush,
    Key,
    Person,
    PlaySound,
    PressKeys,
    PutDown,
    Script,
    Sound,
    Speak,
    Tick,
    Write,
    spoken_ids,
)
from lab.telephone.line import at_level
from lab.telephone.sounds import SOUNDS, to_8_khz
from realtime.audio.g711 import FRAME_MS, FRAME_SAMPLES

Samples = NDArray[np.int16]

VOICE_RATE_HZ: Final = 24_000
SOUND_RMS: Final = 120.0
"""Louder than this counts as somebody speaking: -49 dBov, well above mu-law's zero."""
SOUND_HANG_FRAMES: Final = 15
"""Sound ends 300 ms after the last loud frame: pauses between words are shorter."""
EDGE_SHARE: Final = 0.03
"""Silence around a phrase ends where it is louder than this share of the speech's RMS
(-30 dB): below the noise of a good line."""
EDGE_MARGIN: Final = 40
"""Samples that are kept of it: 5 ms."""
MS_PER_LETTER: Final = 60
"""How long it takes to type a letter: somebody quick, who is used to it."""
LEAST_TYPING_MS: Final = 600
BATCH_FRAMES: Final = 5
"""Frames that go to the ears' thread at once: 100 ms."""


class HeardSpeech(Protocol):
    """What `lab.speech.listener` reports for one utterance."""

    @property
    def text(self) -> str: ...
    @property
    def phrase_id(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def started_ms(self) -> float: ...
    @property
    def ended_ms(self) -> float: ...


class Ears(Protocol):
    """Recognise phrases in a stream of 8 kHz frames."""

    def push(self, frame: Samples) -> Sequence[HeardSpeech]: ...
    def flush(self) -> Sequence[HeardSpeech]: ...


class Voice(Protocol):
    """Speak a text."""

    def speak(
        self, text: str, language: str, voice: str = "a", speed_wpm: int = 160
    ) -> Coroutine[Any, Any, Samples]: ...


class Keyboard(Protocol):
    """Where a person types."""

    def typing(self) -> None: ...
    def send(self, text: str) -> None: ...


class Phrases(Protocol):
    """The texts of the phrases."""

    def text(self, phrase_id: str, language: str) -> str: ...


@dataclass(slots=True)
class Said:
    """Something the person said into the telephone."""

    phrase_id: str
    text: str
    language: str
    started_ms: int
    ended_ms: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it for the control API."""
        return {
            "phrase_id": self.phrase_id,
            "text": self.text,
            "language": self.language,
            "started_ms": self.started_ms,
            "ended_ms": self.ended_ms,
        }


class Handset:
    """One person on one call.

    Args:
        script: who it is.
        voice: speaks.
        ears: recognises; used by one thread at a time.
        phrases: the texts to say.
        executor: where the ears work.
        speech_rms: level of the voice on the line.
        on_keys: called with the keys that are pressed.
        on_put_down: called when the person hangs up.
        keyboard: for those who type.
        types: types everything, and says nothing.
    """

    def __init__(
        self,
        script: Script,
        *,
        voice: Voice,
        ears: Ears,
        phrases: Phrases,
        executor: Executor,
        speech_rms: float,
        on_keys: Callable[[str], None],
        on_put_down: Callable[[], None],
        keyboard: Keyboard | None = None,
        types: bool = False,
    ) -> None:
        self.script = script
        self.person = Person(script.steps, types=types)
        self._keyboard = keyboard
        self._types = types
        self._writing = ""
        self._write_until_ms = 0
        self.heard: list[HeardSpeech] = []
        self.said: list[Said] = []
        self.keys_heard: list[str] = []
        self.played: list[str] = []
        """Sounds that were played to their end."""
        self.max_backlog_frames = 0
        self._voice, self._ears, self._phrases = voice, ears, phrases
        self._executor = executor
        self._speech_rms = speech_rms
        self._on_keys, self._on_put_down = on_keys, on_put_down
        self._sounds: dict[str, Samples] = {}
        self._speaking: Samples | None = None
        self._playing = ""
        """The sound that is played, where it is no phrase."""
        self._spoken_samples = 0
        self._n_frames = 0
        self._loud_frames_ago = math.inf
        self._is_sounding = False
        self._to_hear: deque[Samples] = deque()
        self._something_to_hear = asyncio.Event()
        self._events: deque[Event] = deque()
        self._is_over = False

    async def prepare(self) -> None:
        """Think of everything to say before picking up."""
        if self._types:
            return
        for phrase_id in sorted(spoken_ids(self.script.steps)):
            await self._think_of(phrase_id)

    async def _think_of(self, phrase_id: str) -> None:
        script = self.script
        text = self._phrases.text(phrase_id, script.language)
        pcm = await self._voice.speak(
            text, script.language, script.voice, script.speed_wpm
        )
        loop = asyncio.get_running_loop()
        self._sounds[phrase_id] = await loop.run_in_executor(
            self._executor, self._on_the_line, pcm
        )

    def _on_the_line(self, pcm: Samples) -> Samples:
        sound = at_level(to_8_khz(pcm, VOICE_RATE_HZ), self._speech_rms)
        return without_edges(sound, EDGE_SHARE * self._speech_rms)

    @property
    def now_ms(self) -> int:
        """Milliseconds since pickup, by the line's own clock."""
        return self._n_frames * FRAME_MS

    @property
    def is_recording(self) -> bool:
        """Whether a message is being recorded."""
        return self.person.state == "recording"

    def tick(self, heard: Samples) -> Samples:
        """Live through the next 20 ms.

        Args:
            heard: int16, shape (160,), what comes out of the ear piece now.

        Returns:
            int16, shape (160,), what is said into the telephone in the 20 ms that
            follow.
        """
        self._n_frames += 1
        self._to_hear.append(heard)
        self.max_backlog_frames = max(self.max_backlog_frames, len(self._to_hear))
        if len(self._to_hear) >= BATCH_FRAMES:
            self._something_to_hear.set()
        self._notice(heard)
        while self._events:
            self._perceive(self._events.popleft())
        self._perceive(Tick())
        self._write_on()
        return self._say_on()

    async def listen(self) -> None:
        """Recognise what is heard, until `stop_listening`; then the rest of it."""
        loop = asyncio.get_running_loop()
        is_last = False
        while not is_last:
            await self._something_to_hear.wait()
            self._something_to_hear.clear()
            # Asked before the frames are taken: none may come after the last batch.
            is_last = self._is_over
            batch = [self._to_hear.popleft() for _ in range(len(self._to_hear))]
            self._note(await loop.run_in_executor(self._executor, self._push, batch))
        self._note(await loop.run_in_executor(self._executor, self._ears.flush))
        if self.is_recording:
            for event in self._events:
                self.person.receive(event, self.now_ms)
            self.person.hung_up(self.now_ms)
        self._sounds.clear()

    def stop_listening(self) -> None:
        """The call is over: `listen` understands what it has and returns."""
        self._is_over = True
        self._something_to_hear.set()

    def read(self, heard: HeardSpeech) -> None:
        """Read something instead of hearing it."""
        self._note([heard])

    def see_sound(self, is_active: bool) -> None:
        """See that somebody speaks, or does not any more, instead of hearing it."""
        self._events.append(Sound(is_active))

    def hear_keys(self, digits: str) -> None:
        """Hear the tones of a keypad, all at once."""
        self.keys_heard.append(digits)

    def notice_key(self, digit: str) -> None:
        """Understand one key, at the end of its tone."""
        self._events.append(Key(digit))

    def _push(self, batch: list[Samples]) -> list[HeardSpeech]:
        return [heard for frame in batch for heard in self._ears.push(frame)]

    def _note(self, heard: Sequence[HeardSpeech]) -> None:
        for one in heard:
            self.heard.append(one)
            self._events.append(Heard(one.phrase_id))

    def _notice(self, heard: Samples) -> None:
        level = np.sqrt(np.mean(heard.astype(np.float32) ** 2))
        self._loud_frames_ago = 0 if level > SOUND_RMS else self._loud_frames_ago + 1
        is_sounding = self._loud_frames_ago < SOUND_HANG_FRAMES
        if is_sounding != self._is_sounding:
            self._is_sounding = is_sounding
            self._events.append(Sound(is_sounding))

    def _perceive(self, event: Event) -> None:
        for action in self.person.receive(event, self.now_ms):
            self._perform(action)

    def _perform(self, action: Action) -> None:
        match action:
            case Speak(phrase_id):
                self._speaking, self._playing = self._sounds[phrase_id], ""
                self._spoken_samples = 0
                language = self.script.language
                text = self._phrases.text(phrase_id, language)
                self.said.append(Said(phrase_id, text, language, self.now_ms))
            case Write(phrase_id):
                self._begin_to_write(phrase_id)
            case PlaySound(sound, ms):
                made = SOUNDS[sound](ms) if ms else SOUNDS[sound]()
                self._speaking = at_level(made, self._speech_rms)
                self._playing, self._spoken_samples = sound, 0
            case Hush():
                if self._speaking is not None and not self._playing:
                    self.said[-1].ended_ms = self.now_ms
                self._speaking = None
            case PressKeys(digits):
                self._on_keys(digits)
            case PutDown():
                self._on_put_down()

    def _begin_to_write(self, phrase_id: str) -> None:
        if self._keyboard is None:
            raise TypeError("Nobody has given this person a keyboard.")
        text = self._phrases.text(phrase_id, self.script.language)
        self._writing = phrase_id
        typing_ms = max(LEAST_TYPING_MS, MS_PER_LETTER * len(text))
        self._write_until_ms = self.now_ms + typing_ms
        self._keyboard.typing()

    def _write_on(self) -> None:
        if not self._writing or self.now_ms < self._write_until_ms:
            return
        phrase_id, self._writing = self._writing, ""
        language, now_ms = self.script.language, self.now_ms
        text = self._phrases.text(phrase_id, language)
        self.said.append(Said(phrase_id, text, language, now_ms, now_ms))
        self._events.append(Finished())
        if self._keyboard is not None:
            self._keyboard.send(text)

    def _say_on(self) -> Samples:
        if self._speaking is None:
            return np.zeros(FRAME_SAMPLES, np.int16)
        frame = self._speaking[self._spoken_samples :][:FRAME_SAMPLES]
        self._spoken_samples += FRAME_SAMPLES
        if self._spoken_samples >= len(self._speaking):
            self._speaking = None
            if self._playing:
                self.played.append(self._playing)
            else:
                self.said[-1].ended_ms = self.now_ms + FRAME_MS
            self._events.append(Finished())
            frame = np.pad(frame, (0, FRAME_SAMPLES - len(frame)))
        return frame


def without_edges(pcm: Samples, level: float) -> Samples:
    """Cut the silence off both ends, so that pauses have the length they should.

    Args:
        pcm: int16, 8 kHz.
        level: amplitude below which it is silence.
    """
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > level)
    if not len(loud):
        return pcm
    first = max(0, int(loud[0]) - EDGE_MARGIN)
    return pcm[first : int(loud[-1]) + 1 + EDGE_MARGIN]

"""The world of `benchmarks.scenarios`: `benchmarks.driver`'s, with people who obey.

Nobody here speaks by himself: a scenario says who says what, and when.  Everything that
anybody sends or receives is noted with its time.
"""

import asyncio
import binascii
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from benchmarks import driver_wire as wire
from benchmarks.driver import (
    FRAME_S,
    Append,
    Call,
    Caller,
    Driver,
    Engine,
    Phone,
    Voice,
)
from benchmarks.driver_sockets import Receiver
from benchmarks.driver_sound import (
    CALLEE_LANGUAGE,
    CALLER_CHUNK_S,
    CALLER_LANGUAGE,
    HZ,
    LINE_NOISE_RMS,
    MICROPHONE_NOISE_RMS,
    WIDE_HZ,
    Clip,
    Echo,
    Floats,
    Samples,
)
from benchmarks.driver_wire import Head
from benchmarks.relay_figures import Arrivals
from benchmarks.scenario_sounds import Script
from realtime.audio.g711 import (
    FRAME_SAMPLES,
    SILENCE_FRAME,
    decode_mulaw,
    encode_mulaw,
)
from realtime.audio.resample import Resampler

LEAST_COMMIT_SAMPLES: Final = WIDE_HZ // 10
"""The provider refuses to commit less than 100 ms (facts/openai.md 3)."""
TRANSCRIPT_S: Final = 0.3
"""So long after a commit the transcript is there."""


class _Event(Append):
    """What an engine that works by turns is sent, as far as we look at it."""

    event_id: str = ""
    item_id: str = ""
    audio_end_ms: int = 0


_event: Final = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A telephone line and its callee.

    Attributes:
        noise_rms: the line's own.
        echo: what comes back of what is played, or None.
        thinking_s: how long the engines that work by turns take for an answer.
    """

    noise_rms: float = LINE_NOISE_RMS
    echo: Echo | None = None
    thinking_s: float = 0.4


@dataclass(frozen=True, slots=True)
class Words:
    """Something that somebody says.

    Attributes:
        start: its first sample, of all that this side sends; 8 kHz.
        sound: itself.
    """

    start: int
    sound: Samples

    @property
    def stop(self) -> int:
        """The sample behind its last one."""
        return self.start + len(self.sound)


async def until(is_so: Callable[[], bool], within_s: float = 120.0) -> bool:
    """Wait until a record says so, looking each 10 ms.

    Args:
        is_so: the condition.
        within_s: how long at most.

    Returns:
        whether it came to be.
    """
    end = time.perf_counter() + within_s
    while not is_so() and time.perf_counter() < end:  # noqa: ASYNC110 - a record is no event
        await asyncio.sleep(FRAME_S / 2)
    return is_so()


class ScriptedPhone(Phone):
    """A telephone whose callee says what the scenario wants.

    Args:
        call: what it belongs to.
        line: what the line is like.
    """

    def __init__(self, call: Call, line: Line) -> None:
        super().__init__(call, "MZ" + secrets.token_hex(16))
        self._echo = line.echo
        self._noise_rms = line.noise_rms
        self._rng = np.random.default_rng(1000 + call.number)
        self._to_say: dict[int, Samples] = {}
        self.is_closed = False
        self.line: list[bytes] = []
        """What was sent, frame by frame, mu-law."""
        self.played: list[bytes] = []
        """What was heard, likewise."""

    def say(self, sound: Samples, in_s: float = 0.0) -> Words:
        """Let the callee speak.

        Args:
            sound: 8 kHz.
            in_s: from now; rounded to whole frames.
        """
        first = len(self.sent) + max(1, round(in_s / FRAME_S))
        for i in range(0, len(sound), FRAME_SAMPLES):
            frame = np.zeros(FRAME_SAMPLES, np.int16)
            part = sound[i : i + FRAME_SAMPLES]
            frame[: len(part)] = part
            self._to_say[first + i // FRAME_SAMPLES] = frame
        return Words(first * FRAME_SAMPLES, sound)

    def sent_at(self, sample: int) -> float:
        """Say when a sample was sent, or will be."""
        number = sample // FRAME_SAMPLES
        if number < len(self.sent):
            return self.sent[number]
        return self.sent[-1] + (number - len(self.sent) + 1) * FRAME_S

    async def wait_for(self, sample: int) -> None:
        """Wait until a sample has been sent.

        Raises:
            RuntimeError: the relay has closed the stream.
        """
        n = sample // FRAME_SAMPLES
        await until(lambda: self.is_closed or len(self.sent) > n)
        if len(self.sent) <= n:
            raise RuntimeError(f"A stream was closed after {len(self.sent)} frames.")

    def on_close(self) -> None:
        """The relay has let go of the stream."""
        super().on_close()
        self.is_closed = True

    @property
    def plays(self) -> bool:
        """Whether something of ours is heard now."""
        return bool(self.is_playing) and self.is_playing[-1]

    async def wait_for_playback(self, within_s: float) -> bool:
        """Wait until something of ours is heard; False if nothing comes."""
        return await until(lambda: self.plays, within_s)

    async def wait_for_silence(self, quiet_s: float, within_s: float) -> bool:
        """Wait until nothing of ours is heard for a while; False if it goes on."""
        n = round(quiet_s / FRAME_S)
        return await until(lambda: not any(self.is_playing[-n:]), within_s)

    def line_sound(self, words: Words) -> Floats:
        """Return some words as the line carried them, noise and all."""
        first = words.start // FRAME_SAMPLES
        last = -(-words.stop // FRAME_SAMPLES)
        return decode_mulaw(b"".join(self.line[first:last])).astype(np.float64)

    def played_sound(self, first: int, last: int) -> Floats:
        """Return what was heard between two frames."""
        return decode_mulaw(b"".join(self.played[first:last])).astype(np.float64)

    def _place(self, number: int) -> int:
        return number

    def _line(self, place: int, frame: bytes) -> bytes:
        self.played.append(frame)
        mixed = self._rng.normal(0, self._noise_rms, FRAME_SAMPLES)
        if (near := self._to_say.pop(place, None)) is not None:
            mixed += near
        is_heard = frame != SILENCE_FRAME or self._before != SILENCE_FRAME
        self._echoes.append((self._before, frame) if is_heard else None)
        self._before = frame
        echoing = self._echoes.popleft()
        if self._echo is not None and echoing is not None:
            mixed += self._echo.of(*echoing)
        pcm = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
        payload = encode_mulaw(pcm)
        self.line.append(payload)
        return binascii.b2a_base64(payload, newline=False)


class ScriptedCaller(Caller):
    """A caller who says what the scenario wants, and remembers what he is told."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._rng = np.random.default_rng(2000 + call.number)
        self._widen = Resampler(HZ, WIDE_HZ)
        self._to_say: dict[int, Samples] = {}
        self.told: list[tuple[float, dict[str, Any]]] = []
        self.messages: list[Samples] = []

    async def open(self, url: str) -> None:
        """Connect; the callee's own voice is not wanted beneath the interpretation."""
        await super().open(url)
        assert self._socket is not None  # noqa: S101 - just opened
        text = json.dumps({"type": "original", "gain": 0})
        self._socket.write(self._socket.frame(text.encode()))

    def say(self, sound: Samples, in_s: float = 0.0) -> Words:
        """Let the caller speak: 8 kHz."""
        n = round(CALLER_CHUNK_S * HZ)
        first = len(self.sent) + max(1, round(in_s / CALLER_CHUNK_S))
        for i in range(0, len(sound), n):
            chunk = np.zeros(n, np.int16)
            chunk[: len(sound[i : i + n])] = sound[i : i + n]
            self._to_say[first + i // n] = chunk
        return Words(first * n, sound)

    def sent_at(self, sample: int) -> float:
        """Say when a sample was sent, or will be."""
        number = sample // round(CALLER_CHUNK_S * HZ)
        if number < len(self.sent):
            return self.sent[number]
        return self.sent[-1] + (number - len(self.sent) + 1) * CALLER_CHUNK_S

    async def wait_for(self, sample: int) -> None:
        """Wait until a sample has been sent."""
        n = round(CALLER_CHUNK_S * HZ)
        await until(lambda: len(self.sent) > sample // n)

    def sound(self, words: Words) -> Floats:
        """Return some words as they were sent, noise and all."""
        n = round(CALLER_CHUNK_S * HZ)
        chunks = self.messages[words.start // n : -(-words.stop // n)]
        return np.concatenate(chunks).astype(np.float64)

    def times_of(self, kind: str, **fields: Any) -> list[float]:
        """Say when he was told something.

        Args:
            kind: the message's type.
            fields: what it must say.
        """
        return [
            at
            for at, message in self.told
            if message.get("type") == kind
            and all(message.get(k) == v for k, v in fields.items())
        ]

    def on_message(self, opcode: int, payload: bytes) -> None:
        """Take what the caller hears, or is told."""
        super().on_message(opcode, payload)
        if opcode == wire.TEXT:
            self.told.append((time.perf_counter(), json.loads(payload)))

    def _tick(self) -> None:
        n = round(CALLER_CHUNK_S * HZ)
        mixed = self._rng.normal(0, MICROPHONE_NOISE_RMS, n)
        if (words := self._to_say.pop(len(self.sent), None)) is not None:
            mixed += words
        pcm = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
        self.messages.append(pcm)
        chunk = self._widen.process(pcm).astype("<i2").tobytes()
        assert self._socket is not None  # noqa: S101 - the clock began after it
        self._socket.write(wire.encode_frame(chunk, wire.BINARY, is_client=True))
        self.sent.append(time.perf_counter())


class Simultaneous(Engine):
    """A `/realtime/translations` session that speaks when it is told to."""

    def say(self, number: int, at: float) -> None:
        """Speak.

        Args:
            number: of the clip.
            at: when, `time.perf_counter`; it sends every 200 ms only.
        """
        self._to_say.append((at, number))

    def _hear(self, audio: bytes) -> None:
        self.heard.add(time.perf_counter(), np.frombuffer(audio, "<i2")[::3].copy())


@dataclass(slots=True)
class Item:
    """An utterance of an engine that works by turns.

    Attributes:
        at: when its commit came.
        start: the first of its samples among all that came, at 8 kHz.
        stop: the one behind its last.
        asked_at: when its interpretation was asked for.
        n_asked: how often.
        answer: the clip that it was answered with.
    """

    at: float
    start: int
    stop: int
    asked_at: float | None = None
    n_asked: int = 0
    answer: Clip | None = None


@dataclass(slots=True)
class _Response:
    id: str
    items: list[Item]


class ByTurns(Voice):
    """One `/realtime` session: an interpreter that works by turns, or the own voice.

    What it is, its configuration says: only an interpreter writes down what it hears.

    Args:
        world: the driver.
        call: whose it is.
        thinking_s: how long an answer takes.
    """

    def __init__(self, world: "World", call: Call | None, thinking_s: float) -> None:
        super().__init__(world)
        self._world, self._call, self._thinking_s = world, call, thinking_s
        self._target = CALLEE_LANGUAGE
        self._n_samples = self._committed = 0
        self._active: _Response | None = None
        self.heard = Arrivals()
        self.items: dict[str, Item] = {}
        self.truncated: list[tuple[float, str, int]] = []

    def on_message(self, opcode: int, payload: bytes) -> None:
        """Take an event of the relay."""
        event = _event.decode(payload)
        match event.type:
            case "session.update":
                self._configure(event.session or {})
                super().on_message(opcode, payload)
            case "input_audio_buffer.append":
                sound = np.frombuffer(event.audio, "<i2")[::3].copy()
                self.heard.add(time.perf_counter(), sound)
                self._n_samples += len(sound)
            case "input_audio_buffer.commit":
                self._commit(event.event_id)
            case "conversation.item.truncate":
                cut = (time.perf_counter(), event.item_id, event.audio_end_ms)
                self.truncated.append(cut)
            case "response.create":
                asked = event.response or {}
                if asked.get("conversation") == "none":
                    super().on_message(opcode, payload)
                else:
                    self._ask(asked, event.event_id)

    def _configure(self, session: dict[str, Any]) -> None:
        listening = session["audio"]["input"].get("transcription")
        if listening is None or self._call is None:
            return
        is_callee = listening["languages"] == [CALLEE_LANGUAGE]
        self._target = CALLER_LANGUAGE if is_callee else CALLEE_LANGUAGE
        self._world.interpreters[self._call.number, self._target] = self

    def _commit(self, event_id: str) -> None:
        n = self._n_samples - self._committed
        if n * 3 < LEAST_COMMIT_SAMPLES:
            self._refuse("input_audio_buffer_commit_empty", event_id)
            return
        item_id = f"item_{len(self.items)}"
        self.items[item_id] = Item(
            time.perf_counter(), self._committed, self._n_samples
        )
        self._committed = self._n_samples
        self._send({"type": "input_audio_buffer.committed", "item_id": item_id})
        asyncio.get_running_loop().call_later(TRANSCRIPT_S, self._write_down, item_id)

    def _write_down(self, item_id: str) -> None:
        done = "conversation.item.input_audio_transcription.completed"
        # A whole sentence that resembles nothing that is played.
        text = f"Quite another matter, {item_id.partition('_')[2]} of them."
        self._send({"type": done, "item_id": item_id, "transcript": text})

    def _refuse(self, code: str, event_id: str) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": code}
        self._send({"type": "error", "error": error | {"event_id": event_id}})

    def _ask(self, asked: dict[str, Any], event_id: str) -> None:
        if self._active is not None:
            self._refuse("conversation_already_has_active_response", event_id)
            return
        ids = [one["id"] for one in asked["input"] if one["type"] == "item_reference"]
        if not ids or any(one not in self.items for one in ids):
            self._refuse("item_not_found", event_id)
            return
        now = time.perf_counter()
        response = _Response(
            f"resp_{secrets.token_hex(8)}", [self.items[i] for i in ids]
        )
        clips = self._world.script.short[self._target]
        for item_id, item in zip(ids, response.items, strict=True):
            item.n_asked += 1
            item.asked_at = item.asked_at or now
            item.answer = clips[int(item_id.partition("_")[2]) % len(clips)]
        self._active = response
        self._send({"type": "response.created", "response": {"id": response.id}})
        loop = asyncio.get_running_loop()
        loop.call_later(self._thinking_s, self._say_answer, response)

    def _say_answer(self, response: _Response) -> None:
        output_id = f"out_{response.id}"
        where = {"response_id": response.id, "item_id": output_id, "content_index": 0}
        item = {"id": output_id, "type": "message"}
        added = {"type": "response.output_item.added", "response_id": response.id}
        self._send(added | {"item": item})
        for one in response.items:
            assert one.answer is not None  # noqa: S101 - given when it was asked
            delta = {"type": "response.output_audio_transcript.delta"}
            self._send(delta | where | {"delta": one.answer.text})
            for sound in one.answer.deltas:
                delta = {"type": "response.output_audio.delta"}
                self._send(delta | where | {"delta": sound.decode()})
        done = {"id": response.id, "status": "completed"}
        self._active = None
        self._send({"type": "response.done", "response": done})


class World(Driver):
    """Everything around one server.

    Args:
        base_url: of the server.
        port: where the providers are played.
        script: what is said.
        echo_delay_frames: of the telephone lines that have an echo.
    """

    def __init__(
        self, base_url: str, port: int, script: Script, echo_delay_frames: int
    ) -> None:
        super().__init__(base_url, port, script.sounds, echo_delay_frames)
        self.script = script
        self.is_recording = True
        self.interpreters: dict[tuple[int, str], ByTurns] = {}
        self._lines_of_calls: dict[int, Line] = {}
        self._n_calls = 0

    async def start(self, line: Line) -> "Stage":
        """Start a call.

        Raises:
            RuntimeError: it did not come about.
        """
        number, self._n_calls = self._n_calls, self._n_calls + 1
        self._lines_of_calls[number] = line
        call = await self.place(number)
        assert isinstance(call.phone, ScriptedPhone)  # noqa: S101 - since it was dialled
        assert isinstance(call.caller, ScriptedCaller)  # noqa: S101 - likewise
        return Stage(self, call, call.phone, call.caller)

    def _admit(self, head: Head) -> Receiver | None:
        path = head.start[1].partition("?")[0]
        call = self._starting
        if path.endswith("/realtime/translations"):
            if call is None:
                self.n_strangers += 1
            return Simultaneous(self, call)
        if path.endswith("/realtime"):
            line = self._lines_of_calls[call.number] if call else Line()
            return ByTurns(self, call, line.thinking_s)
        return None

    def _dial(self, form: dict[str, str]) -> bytes:
        call = self._starting
        if call is not None:
            call.phone = ScriptedPhone(call, self._lines_of_calls[call.number])
            call.caller = ScriptedCaller(call)
        return super()._dial(form)


@dataclass(frozen=True, slots=True)
class Stage:
    """One call, for a scenario."""

    world: World
    call: Call
    phone: ScriptedPhone
    caller: ScriptedCaller

    @property
    def engine_for_caller(self) -> Simultaneous | ByTurns:
        """Whoever hears the callee and speaks to the caller."""
        return self._engine(CALLER_LANGUAGE)

    @property
    def engine_for_callee(self) -> Simultaneous | ByTurns:
        """Whoever hears the caller and speaks to the callee."""
        return self._engine(CALLEE_LANGUAGE)

    def _engine(self, language: str) -> Simultaneous | ByTurns:
        engine = self.call.engines.get(language)
        if isinstance(engine, Simultaneous):
            return engine
        return self.world.interpreters[self.call.number, language]

    async def settle(self) -> None:
        """Let the greeting be heard, and the echo be known."""
        await self.phone.wait_for_playback(10)
        await self.phone.wait_for_silence(1.0, 15)
        await asyncio.sleep(0.5)

"""Simulated `/realtime/translations`: simultaneous interpretation, phrase by phrase.

Sound comes in at 24 kHz and is worked off in engine frames of 200 ms; for each one
exactly one frame of output goes out, silence as zeros.  So output is continuous in
model time: what is not appended does not pass.  A phrase is translated when it has
ended; the real engine starts earlier, this one only knows whole phrases.
"""

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.websockets import WebSocket

from lab.openai import interpreter, wire
from lab.openai.catalogue import has_role
from lab.openai.sockets import Connection, admit, lifetime, new_record, refused
from lab.openai.state import HeardEntry, SessionRecord, SpokenEntry, state
from lab.openai.wire import BadRequest
from lab.speech.listener import Heard, Segment
from realtime.audio.resample import Resampler

Samples = NDArray[np.int16]

FRAME: Final = 4800
"""Samples of an engine frame: 200 ms at 24 kHz."""
FRAME_BYTES: Final = 2 * FRAME
FRAME_MS: Final = 200
ZERO_FRAME: Final = bytes(FRAME_BYTES)
MAX_APPEND_BYTES: Final = 15 * 1024 * 1024


def _transcription_model(value: Any, path: str) -> None:
    wire.is_a(str)(value, path)
    if not has_role(value, "transcription"):
        raise BadRequest(f"Unknown transcription model: '{value}'.", param=path)


def _output_language(value: Any, path: str) -> None:
    wire.is_a(str)(value, path)
    if value not in wire.OUTPUT_LANGUAGES:
        supported = ", ".join(sorted(wire.OUTPUT_LANGUAGES))
        raise BadRequest(
            f"Unsupported output language: '{value}'. Supported: {supported}.",
            code="unsupported_language",
            param=path,
        )


_UPDATE: Final = wire.fields(
    audio=wire.fields(
        input=wire.fields(
            transcription=wire.nullable(
                wire.fields(("model",), model=_transcription_model)
            ),
            noise_reduction=wire.nullable(
                wire.fields(
                    ("type",),
                    type=wire.one_of("near_field", "far_field"),
                    strength=wire.number(0, 1),
                )
            ),
        ),
        output=wire.fields(language=_output_language),
    )
)
"""What `session.update` may change."""


@dataclass(slots=True)
class _Line:
    """A translation on its way out.

    Attributes:
        pcm: what remains of its sound.
        total: samples of the whole.
        words: what remains of its transcript, with where each word begins (0-1).
        due_ms: not before this model time.
        entry: what the record will say about it.
    """

    pcm: Samples
    total: int
    words: deque[tuple[float, str]]
    due_ms: int
    phrase_id: str
    text: str
    language: str
    started_ms: int | None = None


class TranslationSession:
    """One session.  No sockets, no tasks: bytes and events in, events out.

    Args:
        record: kept up to date.
        expires_at: seconds since the epoch.
    """

    def __init__(self, record: SessionRecord, expires_at: int) -> None:
        self._record = record
        self._expires_at = expires_at
        self._audio: dict[str, Any] = {
            "input": {"transcription": None, "noise_reduction": None},
            "output": {"language": "en"},
        }
        self._buffer = bytearray()
        self._to_ear = Resampler(interpreter.ENGINE_HZ, interpreter.EAR_HZ)
        self._listener = interpreter.new_listener()
        self._elapsed_ms = 0
        self._lines: deque[_Line] = deque()
        self._is_pausing = False
        self.delta_bytes = FRAME_BYTES
        """Size of the output's deltas; the real engine has changed it unannounced."""
        self._output = bytearray()
        self._last_source: str | None = None
        self._last_target: str | None = None

    @property
    def target(self) -> str:
        """The language it translates into."""
        return str(self._audio["output"]["language"])

    @property
    def is_talking(self) -> bool:
        """Whether there is a translation to say."""
        return bool(self._lines)

    def as_dict(self) -> dict[str, Any]:
        """Describe the session as `session.created` does."""
        return {
            "id": self._record.id,
            "type": "translation",
            "model": self._record.model,
            "expires_at": self._expires_at,
            "audio": self._audio,
        }

    def update(self, change: Any) -> None:
        """Apply `session.update`.

        Raises:
            BadRequest: an immutable or unknown field, or an unsupported value.
        """
        for name in ("model", "type"):
            if isinstance(change, dict) and name in change:
                raise BadRequest(
                    f"Session '{name}' cannot be changed after creation.",
                    code="immutable_parameter",
                    param=f"session.{name}",
                )
        _UPDATE(change, "session")
        self._audio = wire.merged(self._audio, change.get("audio", {}))
        self._record.language = self.target

    def append(self, pcm: bytes) -> list[bytes]:
        """Take sound and return the engine frames that are full now.

        Args:
            pcm: 24 kHz PCM16, any whole number of samples.

        Raises:
            BadRequest: half a sample, or too much at once.
        """
        if len(pcm) % 2:
            raise BadRequest(
                "Invalid 'audio': PCM16 audio has an even number of bytes.",
                code="invalid_audio",
                param="audio",
            )
        if len(pcm) > MAX_APPEND_BYTES:
            raise BadRequest("Invalid 'audio': more than 15 MiB.", param="audio")
        self._buffer += pcm
        whole = len(self._buffer) // FRAME_BYTES * FRAME_BYTES
        frames = [
            bytes(self._buffer[i : i + FRAME_BYTES])
            for i in range(0, whole, FRAME_BYTES)
        ]
        del self._buffer[:whole]
        return frames

    def last_frame(self) -> bytes | None:
        """Fill the frame that has begun with silence, at the end."""
        if not self._buffer:
            return None
        frame = bytes(self._buffer) + bytes(FRAME_BYTES - len(self._buffer))
        self._buffer.clear()
        return frame

    def hear(self, frame: bytes) -> list[Segment]:
        """Listen to one engine frame.

        Returns:
            Stretches of speech that have ended, for `understand`, in this order.
        """
        self._elapsed_ms += FRAME_MS
        self._record.appended_ms = self._elapsed_ms
        return self._listener.collect(
            self._to_ear.process(np.frombuffer(frame, "<i2").astype(np.int16))
        )

    def hear_end(self) -> list[Segment]:
        """End the input: return the speech that was still going on."""
        return self._listener.collect_rest()

    def understand(self, segment: Segment) -> list[tuple[Heard, Samples | None]]:
        """Recognise speech and speak its translation: heavy, may run in a thread.

        Returns:
            What was heard, each with its translation's sound, if there is one.
        """
        return self._with_sound(self._listener.recognise(segment))

    def understand_rest(self) -> list[tuple[Heard, Samples | None]]:
        """Recognise what was kept for a continuation that never came."""
        return self._with_sound(self._listener.flush())

    def _with_sound(self, heard: list[Heard]) -> list[tuple[Heard, Samples | None]]:
        target = self.target
        result: list[tuple[Heard, Samples | None]] = []
        for one in heard:
            phrase = interpreter.phrase_of(one)
            has_words = phrase and one.language != target and target in phrase.texts
            sound = None
            if phrase and has_words:
                sound = interpreter.speak(phrase.texts[target], target)
            result.append((one, sound))
        return result

    def add(
        self, understood: list[tuple[Heard, Samples | None]], delay_ms: int = 0
    ) -> list[str]:
        """Queue translations and write down what was heard.

        Args:
            understood: from `understand`.
            delay_ms: later than usual by this much.

        Returns:
            Source transcript deltas as JSON, when transcription is configured.
        """
        events = []
        for heard, sound in understood:
            self._record.heard.append(
                HeardEntry(
                    heard.phrase_id,
                    heard.text,
                    heard.language,
                    heard.started_ms,
                    heard.ended_ms,
                )
            )
            if self._audio["input"]["transcription"]:
                language = heard.language or "en"
                text = _spaced(heard.text, language, self._last_source)
                self._last_source = language
                events += [
                    self._transcript("input", delta)
                    for delta in interpreter.in_deltas(text, language)
                ]
            phrase = interpreter.phrase_of(heard)
            if sound is not None and phrase:
                text = phrase.texts[self.target]
                words = interpreter.in_deltas(
                    _spaced(text, self.target, self._last_target), self.target
                )
                self._last_target = self.target
                self._lines.append(
                    _Line(
                        pcm=sound,
                        total=len(sound),
                        words=deque(
                            (i / len(words), word) for i, word in enumerate(words)
                        ),
                        due_ms=heard.ended_ms + state.translate_latency_ms + delay_ms,
                        phrase_id=phrase.id,
                        text=text,
                        language=self.target,
                    )
                )
        return events

    def say(self) -> list[str]:
        """Return the output of one engine frame as JSON: words, and one frame of sound.

        In silence it is the zero frame.  Between two translations there is one, too.
        """
        line = self._lines[0] if self._lines else None
        if line is None or self._is_pausing or line.due_ms > self._elapsed_ms:
            self._is_pausing = False
            return self._sound(ZERO_FRAME)
        if line.started_ms is None:
            line.started_ms = self._elapsed_ms
        frame, line.pcm = line.pcm[:FRAME], line.pcm[FRAME:]
        share = 1 - len(line.pcm) / line.total
        events = []
        while line.words and line.words[0][0] < share:
            events.append(self._transcript("output", line.words.popleft()[1]))
        padded = np.zeros(FRAME, "<i2")
        padded[: len(frame)] = frame
        events += self._sound(padded.tobytes())
        if not len(line.pcm):
            self._finish(line)
        return events

    def skip_waiting(self) -> None:
        """Say what is queued without waiting for its time, for the end."""
        self._is_pausing = False
        for line in self._lines:
            line.due_ms = 0

    def pass_time(self) -> None:
        """Let model time go on by one frame without input, for the end."""
        self._elapsed_ms += FRAME_MS

    def _finish(self, line: _Line) -> None:
        self._lines.popleft()
        self._is_pausing = True
        started = line.started_ms or 0
        self._record.spoken.append(
            SpokenEntry(
                line.phrase_id,
                line.text,
                line.language,
                started,
                started + line.total * 1000 // interpreter.ENGINE_HZ,
            )
        )

    def _sound(self, frame: bytes) -> list[str]:
        if self.delta_bytes == FRAME_BYTES and not self._output:
            return [self._delta(frame)]
        self._output += frame
        deltas = []
        while len(self._output) >= self.delta_bytes:
            deltas.append(self._delta(bytes(self._output[: self.delta_bytes])))
            del self._output[: self.delta_bytes]
        return deltas

    def rest_of_output(self) -> list[str]:
        """Return the sound that has not filled a delta, at the end."""
        rest, self._output = bytes(self._output), bytearray()
        return [self._delta(rest)] if rest else []

    def _delta(self, pcm: bytes) -> str:
        # By hand: this is sent five times a second by every session, mostly silence.
        audio = _ZERO_BASE64 if pcm is ZERO_FRAME else wire.encode_audio(pcm)
        return (
            '{"type":"session.output_audio.delta","event_id":"'
            f'{wire.new_id("event")}","delta":"{audio}","sample_rate":24000,'
            f'"channels":1,"format":"pcm16","elapsed_ms":{self._elapsed_ms}}}'
        )

    def _transcript(self, side: str, delta: str) -> str:
        kind = f"session.{side}_transcript.delta"
        return wire.encode(wire.event(kind, delta=delta, elapsed_ms=self._elapsed_ms))


_ZERO_BASE64: Final = wire.encode_audio(ZERO_FRAME)


def _spaced(text: str, language: str, last: str | None) -> str:
    """Separate a sentence from the one before: clients insert no spaces."""
    if last is None or (language in interpreter.SPACELESS and last == language):
        return text
    return " " + text


async def translations(socket: WebSocket) -> None:
    """Serve one session."""
    model = await admit(socket, "translation")
    if model is None:
        return
    faults = state.take_faults("translation")
    if await refused(socket, faults):
        return
    await socket.accept()
    record = new_record("translation", model)
    connection = Connection(socket, record)
    seconds = lifetime(faults)
    session = TranslationSession(record, int(record.opened_at + seconds))
    state.open(record, connection.apply_fault)
    try:
        await connection.send_event(
            wire.event("session.created", session=session.as_dict())
        )
        connection.start(lambda: connection.expire(seconds))
        for fault in faults:
            if fault["kind"] != "expire_session":
                connection.apply_fault(fault)
        await _converse(connection, session)
    finally:
        state.close(record)
        await connection.stop()


async def _converse(connection: Connection, session: TranslationSession) -> None:
    while (text := await connection.receive()) is not None:
        event_id = None
        try:
            message = wire.decode(text)
            event_id = message.get("event_id")
            match message["type"]:
                case "session.input_audio_buffer.append":
                    for frame in session.append(wire.decode_audio(message)):
                        await _interpret(connection, session, frame)
                case "session.update":
                    session.update(message.get("session"))
                    await connection.send_event(
                        wire.event("session.updated", session=session.as_dict())
                    )
                case "session.close":
                    await _drain(connection, session)
                    await connection.send_event(wire.event("session.closed"))
                    await connection.close()
                    return
                case other:
                    raise BadRequest(
                        f"Invalid value: '{other}'. Supported values are: "
                        "'session.update', 'session.input_audio_buffer.append', "
                        "and 'session.close'.",
                        param="type",
                    )
        except BadRequest as error:
            await connection.send_event(wire.error_event(error, event_id))


async def _interpret(
    connection: Connection, session: TranslationSession, frame: bytes
) -> None:
    if connection.output_samples:
        session.delta_bytes = 2 * connection.output_samples
    segments = session.hear(frame)
    # Recognising takes a moment: what is being said must not stutter meanwhile.
    is_talking = session.is_talking
    if is_talking:
        await _say(connection, session)
    for segment in segments:
        understood = await interpreter.in_pool(partial(session.understand, segment))
        for event in session.add(understood, connection.delay_ms):
            await connection.send(event)
    if not is_talking:
        await _say(connection, session)


async def _say(connection: Connection, session: TranslationSession) -> None:
    for event in session.say():
        await connection.send(event)


async def _drain(connection: Connection, session: TranslationSession) -> None:
    """Finish what was said: translate it and send the rest at once."""
    frame = session.last_frame()
    if frame:
        await _interpret(connection, session, frame)
    for segment in session.hear_end():
        understood = await interpreter.in_pool(partial(session.understand, segment))
        for event in session.add(understood):
            await connection.send(event)
    for event in session.add(await interpreter.in_pool(session.understand_rest)):
        await connection.send(event)
    session.skip_waiting()
    while session.is_talking:
        session.pass_time()
        await _say(connection, session)
    for event in session.rest_of_output():
        await connection.send(event)

"""The world around the relay, for `benchmarks.relay`: telephone, engines and callers.

One process that plays every provider over their own protocols, as light as it can be:
whatever is said was computed before, a message is a few bytes put together, and nothing
is understood.  The engine is a *tone engine*: it answers any sound with the next of its
sentences.  What is sent and received is noted with its time and looked at afterwards
(`benchmarks.relay_figures`).
"""

import asyncio
import binascii
import contextlib
import secrets
import time
from collections import deque
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import httpx2
import msgspec
import numpy as np
from twilio.request_validator import RequestValidator

from benchmarks import driver_wire as wire
from benchmarks.driver_sockets import Clock, Door, Lags, Receiver, Socket, connect
from benchmarks.driver_sound import (
    CALLEE_LANGUAGE,
    CALLER_CHUNK_S,
    CALLER_LANGUAGE,
    DELTA_S,
    HZ,
    WIDE_HZ,
    Clip,
    Samples,
    Sounds,
)
from benchmarks.driver_wire import Head
from benchmarks.relay_figures import Arrivals, Said, Spoken
from lab.config import LabConfig
from lab.telephone.playout import Playout
from realtime.audio.g711 import (
    FRAME_SAMPLES,
    SILENCE_FRAME,
    decode_mulaw,
    encode_mulaw,
)

FRAME_S: Final = 0.02
LEAD_S: Final = 6.0
"""At the beginning nobody speaks but the greeting."""
QUIET_S: Final = (1.0, 3.0)
"""Where the callee's track is silent, to be repeated until then ..."""
CALLER_QUIET_S: Final = (4.0, 6.0)
"""... and the caller's."""
LOUD_PEAK: Final = 600
"""Sound that the tone engine answers: far above noise, a third of a quiet voice."""
PAUSE_S: Final = 0.4
"""It answers again after this much silence ..."""
THINKING_S: Final = 0.7
"""... this long after the sound began."""
SESSION_S: Final = 3600
NUMBER: Final = "+8225550101"
HTTP_S: Final = 30.0


class Append(msgspec.Struct):
    """What the relay sends to an engine, as far as we look at it."""

    type: str
    audio: bytes = b""
    session: dict[str, Any] | None = None
    response: dict[str, Any] | None = None


class _Media(msgspec.Struct):
    payload: bytes = b""


class _Mark(msgspec.Struct):
    name: str = ""


class ToPhone(msgspec.Struct):
    """What the relay sends to the telephone."""

    event: str
    media: _Media | None = None
    mark: _Mark | None = None


_append: Final = msgspec.json.Decoder(Append)
_to_phone: Final = msgspec.json.Decoder(ToPhone)


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value)


def _base64(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False)


def _frame(value: dict[str, Any]) -> bytes:
    """Write an event of an engine as a whole frame."""
    return wire.encode_frame(_json(value), is_client=False)


class Lines:
    """The tone engine's messages, written before the run.

    Args:
        clips: what it says.
        sources: what it claims to have heard, for each of them.
    """

    def __init__(self, clips: tuple[Clip, ...], sources: tuple[str, ...]) -> None:
        self.clips = clips
        self.frames = [self._write(c, s) for c, s in zip(clips, sources, strict=True)]
        self.silence = self._delta(_base64(bytes(round(DELTA_S * WIDE_HZ) * 2)))

    @classmethod
    def _write(cls, clip: Clip, source: str) -> list[bytes]:
        n = len(clip.deltas)
        out = []
        heard, said = _spread(source, n), _spread(clip.text, n)
        for i, delta in enumerate(clip.deltas):
            parts = [cls._delta(delta)]
            for kind, text in (("input", heard[i]), ("output", said[i])):
                if text:
                    event = {"type": f"session.{kind}_transcript.delta", "delta": text}
                    parts.append(_frame(event))
            out.append(b"".join(parts))
        return out

    @staticmethod
    def _delta(base64_: bytes) -> bytes:
        return _frame(
            {
                "type": "session.output_audio.delta",
                "event_id": "event_0",
                "delta": base64_.decode(),
                "sample_rate": WIDE_HZ,
                "channels": 1,
                "format": "pcm16",
                "elapsed_ms": 0,
            }
        )


def _spread(text: str, n: int) -> list[str]:
    """Cut a text into n parts at its spaces, which stay before the words."""
    words = [" " * bool(i) + word for i, word in enumerate(text.split(" "))]
    parts = [""] * n
    for i, word in enumerate(words):
        parts[i * n // len(words)] += word
    return parts


class Engine:
    """One `/realtime/translations` session."""

    def __init__(self, driver: "Driver", call: "Call | None") -> None:
        self._driver, self._call = driver, call
        self._socket: Socket | None = None
        self._clock: Clock | None = None
        self._lines: Lines | None = None
        self._to_say: deque[tuple[float, int]] = deque()
        self._saying: int | None = None
        self._said: list[float] = []
        self._quiet_s = PAUSE_S
        self._n_answers = 0
        self.heard = Arrivals()
        self.spoken: list[tuple[int, list[float]]] = []
        self.answered: list[float] = []

    def opened(self, socket: Socket) -> None:
        """Greet."""
        self._socket = socket
        self._session("session.created")

    def on_message(self, opcode: int, payload: bytes) -> None:
        """Take an event of the relay."""
        event = _append.decode(payload)
        match event.type:
            case "session.input_audio_buffer.append":
                self._hear(event.audio)
            case "session.update":
                self._configure(event.session or {})
            case "session.close" if self._socket is not None:
                self._socket.write(_frame({"type": "session.closed"}))
                self._socket.close()
                self.on_close()

    def on_close(self) -> None:
        """Stop talking."""
        if self._clock is not None:
            self._clock.stop()

    def _session(self, kind: str) -> None:
        assert self._socket is not None  # noqa: S101 - only asked once it is open
        expires_at = int(time.time()) + SESSION_S
        session = {"id": "sess_0", "type": "translation", "expires_at": expires_at}
        self._socket.write(_frame({"type": kind, "session": session}))

    def _configure(self, session: dict[str, Any]) -> None:
        language = session["audio"]["output"]["language"]
        self._lines = self._driver.lines[language]
        if self._call is not None:
            self._call.engines[language] = self
        self._session("session.updated")
        # Anywhere between the telephone's frames, as a stranger's clock is.
        self._driver.n_engines += 1
        first_at = time.perf_counter() + self._driver.n_engines * 0.0137 % DELTA_S
        self._clock = Clock(DELTA_S, first_at, self._say, self._driver.lags)

    def _hear(self, audio: bytes) -> None:
        sound = np.frombuffer(audio, "<i2")[::3].copy()
        if self._driver.is_recording:
            self.heard.add(time.perf_counter(), sound)
        if len(sound) and int(np.abs(sound).max()) >= LOUD_PEAK:
            if self._quiet_s >= PAUSE_S:
                self._answer()
            self._quiet_s = 0.0
        else:
            self._quiet_s += len(sound) / HZ

    def _answer(self) -> None:
        now = time.perf_counter()
        self.answered.append(now)
        self._to_say.append((now + THINKING_S, self._n_answers))
        self._n_answers += 1

    def _say(self) -> None:
        """Send the next 200 ms: of a sentence, or silence."""
        lines, socket = self._lines, self._socket
        if lines is None or socket is None:
            return
        if self._saying is None and self._to_say:
            due, number = self._to_say[0]
            if time.perf_counter() >= due:
                self._to_say.popleft()
                self._saying = number % len(lines.clips)
                self._said = []
        if self._saying is None:
            socket.write(lines.silence)
            return
        parts = lines.frames[self._saying]
        socket.write(parts[len(self._said)])
        self._said.append(time.perf_counter())
        if len(self._said) == len(parts):
            if self._driver.is_recording:
                self.spoken.append((self._saying, self._said))
            self._saying = None


class Voice:
    """One `/realtime` session that reads sentences out: one clip for each."""

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._socket: Socket | None = None

    def opened(self, socket: Socket) -> None:
        """Greet."""
        self._socket = socket
        self._send({"type": "session.created", "session": {"id": "sess_1"}})

    def on_message(self, opcode: int, payload: bytes) -> None:
        """Take an event of the relay."""
        event = _append.decode(payload)
        match event.type:
            case "session.update":
                self._send({"type": "session.updated", "session": event.session})
            case "response.create":
                self._read_out(event.response or {})

    def on_close(self) -> None:
        """Nothing is left to do."""

    def _read_out(self, asked: dict[str, Any]) -> None:
        text = asked["input"][-1]["content"][0]["text"]
        response_id = f"resp_{secrets.token_hex(8)}"
        response = {"id": response_id, "metadata": asked.get("metadata")}
        self._send({"type": "response.created", "response": response})
        where = {"response_id": response_id, "item_id": "item_0", "content_index": 0}
        for delta in self._driver.lines[CALLEE_LANGUAGE].clips[0].deltas:
            event = {"type": "response.output_audio.delta", "delta": delta.decode()}
            self._send(event | where)
        done = {"type": "response.output_audio_transcript.done", "transcript": text}
        self._send(done | where)
        self._send(
            {"type": "response.done", "response": response | {"status": "completed"}}
        )

    def _send(self, event: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.write(_frame(event))


class Phone:
    """The telephone of one call: Media Streams, a line with an echo, a callee.

    Args:
        call: what it belongs to.
        stream_sid: MZ….
    """

    def __init__(self, call: "Call", stream_sid: str) -> None:
        self._call, self._stream_sid = call, stream_sid
        self._sounds = call.driver.sounds
        self._socket: Socket | None = None
        self._clock: Clock | None = None
        self._playout = Playout()
        self._before = SILENCE_FRAME
        self._echoes: deque[tuple[bytes, bytes] | None] = deque(
            [None] * call.driver.echo_delay_frames
        )
        self._n_messages = 1
        quiet = range(*(round(s / FRAME_S) for s in QUIET_S))
        self._quiet = quiet
        self._lead = round(LEAD_S / FRAME_S)
        self._phase = round(call.phase_s / FRAME_S)
        self.sent: list[float] = []
        self.is_playing: list[bool] = []
        self.heard = Arrivals()
        self.clears: list[float] = []

    async def open(self, url: str, parameters: dict[str, str]) -> None:
        """Connect, say what this is about, and begin to send."""
        driver, call = self._call.driver, self._call
        headers = {
            "X-Twilio-Signature": driver.signature(url, {}),
            "User-Agent": "Twilio.TmeWs/1.0",
        }
        socket = self._socket = await connect(url, headers, self)
        account = {"accountSid": driver.account_sid, "callSid": call.sid}
        media_format = {
            "encoding": "audio/x-mulaw", "sampleRate": HZ, "channels": 1,
        }  # fmt: skip
        start = {
            **account,
            "streamSid": self._stream_sid,
            "tracks": ["inbound"],
            "mediaFormat": media_format,
            "customParameters": parameters,
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        socket.write(socket.frame(_json(connected)))
        self._send("start", start)
        first_at = time.perf_counter() + call.number * 0.0073 % FRAME_S
        self._clock = Clock(FRAME_S, first_at, self._tick, driver.lags)

    def hang_up(self) -> None:
        """End the stream from the telephone's side."""
        if self._clock is not None:
            self._clock.stop()
        if self._socket is not None and self._socket.is_open:
            driver = self._call.driver
            account = {"accountSid": driver.account_sid, "callSid": self._call.sid}
            self._send("stop", account)
            self._socket.close()

    def said(self) -> Said:
        """Return what the callee has said, for the figures."""
        return Said(
            track=self._sounds.callee,
            lead=self._lead * FRAME_SAMPLES,
            phase=self._phase * FRAME_SAMPLES,
            n_message=FRAME_SAMPLES,
            times=np.array(self.sent),
        )

    # --- the socket -------------------------------------------------------------------

    def on_message(self, opcode: int, payload: bytes) -> None:
        """Take what the relay wants played."""
        message = _to_phone.decode(payload)
        if message.event == "media" and message.media is not None:
            self._playout.push(message.media.payload)
            if self._call.driver.is_recording:
                sound = decode_mulaw(message.media.payload)
                self.heard.add(time.perf_counter(), sound)
        elif message.event == "clear":
            self.clears.append(time.perf_counter())
            self._return(self._playout.clear())
        elif message.event == "mark" and message.mark is not None:
            self._playout.mark(message.mark.name)

    def on_close(self) -> None:
        """The relay has let go of the stream."""
        if self._clock is not None:
            self._clock.stop()

    def _return(self, marks: list[str]) -> None:
        for name in marks:
            self._send("mark", {"name": name})

    def _send(self, event: str, body: dict[str, Any]) -> None:
        assert self._socket is not None  # noqa: S101 - only sent once it is open
        number = {"sequenceNumber": str(self._n_messages)}
        self._n_messages += 1
        value = {"event": event, **number, "streamSid": self._stream_sid, event: body}
        self._socket.write(self._socket.frame(_json(value)))

    # --- the line ---------------------------------------------------------------------

    def _tick(self) -> None:
        """Play 20 ms, and send 20 ms."""
        number = len(self.sent)
        frame, marks = self._playout.take()
        if marks:
            self._return(marks)
        payload = self._line(self._place(number), frame)
        text = (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound",'
            b'"chunk":"%d","timestamp":"%d","payload":"%b"},"streamSid":"%b"}'
        ) % (
            self._n_messages, number + 1, number * 20, payload,
            self._stream_sid.encode(),
        )  # fmt: skip
        self._n_messages += 1
        assert self._socket is not None  # noqa: S101 - the clock began after it
        self._socket.write(self._socket.frame(text))
        self.sent.append(time.perf_counter())
        self.is_playing.append(frame != SILENCE_FRAME)

    def _place(self, number: int) -> int:
        """Say which frame of the track is to be sent."""
        if number < self._lead:
            return self._quiet[number % len(self._quiet)]
        return (number - self._lead + self._phase) % len(self._sounds.callee_base64)

    def _line(self, place: int, frame: bytes) -> bytes:
        """Return 20 ms of the line in base64: the callee, and what comes back of us."""
        echo, sounds = self._sounds.echo, self._sounds
        if echo is None:
            return sounds.callee_base64[place]
        is_heard = frame != SILENCE_FRAME or self._before != SILENCE_FRAME
        self._echoes.append((self._before, frame) if is_heard else None)
        self._before = frame
        played = self._echoes.popleft()
        if played is None:
            return sounds.callee_base64[place]
        mixed: Samples = sounds.callee_frames[place] + echo.of(*played)
        return _base64(encode_mulaw(mixed))


class Caller:
    """The caller's socket of one call."""

    def __init__(self, call: "Call") -> None:
        self._call = call
        self._socket: Socket | None = None
        self._clock: Clock | None = None
        self._frames = call.driver.caller_frames
        quiet = range(*(round(s / CALLER_CHUNK_S) for s in CALLER_QUIET_S))
        self._quiet = quiet
        self._lead = round(LEAD_S / CALLER_CHUNK_S)
        self._phase = round(call.phase_s / CALLER_CHUNK_S)
        self._n_heard = 0
        self.sent: list[float] = []
        self.heard = Arrivals()
        self.texts: dict[str, int] = {}

    async def open(self, url: str) -> None:
        """Connect and say hello."""
        socket = self._socket = await connect(url, {}, self)
        hello = {"type": "hello", "protocol": 1, "speaks": True}
        socket.write(socket.frame(_json(hello)))

    def begin(self) -> None:
        """Open the microphone."""
        first_at = time.perf_counter() + self._call.number * 0.0091 % CALLER_CHUNK_S
        lags = self._call.driver.lags
        self._clock = Clock(CALLER_CHUNK_S, first_at, self._tick, lags)

    def close(self) -> None:
        """Go away."""
        self.on_close()
        if self._socket is not None and self._socket.is_open:
            self._socket.close()

    def said(self) -> Said:
        """Return what the caller has said, for the figures."""
        n = round(CALLER_CHUNK_S * HZ)
        return Said(
            track=self._call.driver.sounds.caller,
            lead=self._lead * n,
            phase=self._phase * n,
            n_message=n,
            times=np.array(self.sent),
        )

    def on_message(self, opcode: int, payload: bytes) -> None:
        """Take what the caller hears, or is told."""
        driver = self._call.driver
        if opcode == wire.BINARY:
            if driver.is_recording:
                wide = np.frombuffer(payload, "<i2")
                sound = wide[-self._n_heard % 3 :: 3].copy()
                self.heard.add(time.perf_counter(), sound)
                self._n_heard += len(wide)
            return
        kind = payload[: payload.find(b",")].decode(errors="replace")
        self.texts[kind] = self.texts.get(kind, 0) + 1

    def on_close(self) -> None:
        """The socket is gone."""
        if self._clock is not None:
            self._clock.stop()

    def _tick(self) -> None:
        number = len(self.sent)
        if number < self._lead:
            place = self._quiet[number % len(self._quiet)]
        else:
            place = (number - self._lead + self._phase) % len(self._frames)
        assert self._socket is not None  # noqa: S101 - the clock began after it
        self._socket.write(self._frames[place])
        self.sent.append(time.perf_counter())


class Call:
    """One call, all its sides.

    Args:
        driver: the world.
        number: among all calls, from 0.
        phase_s: where in the conversation it begins.
    """

    def __init__(self, driver: "Driver", number: int, phase_s: float) -> None:
        self.driver, self.number, self.phase_s = driver, number, phase_s
        self.id = ""
        self.sid = "CA" + secrets.token_hex(16)
        self.urls: dict[str, str] = {}
        self.status = "queued"
        self.engines: dict[str, Engine] = {}
        self.phone = Phone(self, "MZ" + secrets.token_hex(16))
        self.caller = Caller(self)
        self.has_begun = asyncio.Event()
        self.problem = ""
        self._sequence = 0

    async def ring(self) -> None:
        """Let the telephone ring, be answered, and talk."""
        try:
            await self._tell("StatusCallback", "ringing")
            document = await self._tell("Url", "in-progress")
            await self._tell("StatusCallback", "in-progress")
            verb = ElementTree.fromstring(document).find("./Connect/Stream")  # noqa: S314 - of our own server
            if verb is None:
                self.problem = f"no stream: {document[:200]!r}"
                return
            parameters = {p.get("name", ""): p.get("value", "") for p in verb}
            await self.phone.open(verb.get("url", ""), parameters)
            self.caller.begin()
            await self._tell(
                "AsyncAmdStatusCallback", "in-progress", AnsweredBy="human"
            )
        except (OSError, ValueError, TimeoutError, httpx2.HTTPError) as error:
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            self.has_begun.set()

    async def over(self) -> None:
        """The telephone call has ended."""
        if self.status == "completed":
            return
        self.phone.hang_up()
        with contextlib.suppress(httpx2.HTTPError):
            await self._tell("StatusCallback", "completed", CallDuration="3")

    async def _tell(self, which: str, status: str, **more: str) -> bytes:
        """Send one signed webhook and return what the relay answers."""
        self.status = status
        driver, url = self.driver, self.urls[which]
        form = {
            "CallSid": self.sid,
            "AccountSid": driver.account_sid,
            "From": driver.from_number,
            "To": NUMBER,
            "CallStatus": status,
            "Direction": "outbound-api",
            "ApiVersion": "2010-04-01",
            **more,
        }
        if which == "StatusCallback":
            form["SequenceNumber"] = str(self._sequence)
            self._sequence += 1
        headers = {"X-Twilio-Signature": driver.signature(url, form)}
        answer = await driver.http.post(url, data=form, headers=headers)
        answer.raise_for_status()
        return bytes(answer.content)


class Driver:
    """Everything around one server.

    Args:
        base_url: of the server.
        port: where the providers are played.
        sounds: what is said.
        echo_delay_frames: of the telephone line.
    """

    def __init__(
        self, base_url: str, port: int, sounds: Sounds, echo_delay_frames: int
    ) -> None:
        self.base_url, self._port, self.sounds = base_url, port, sounds
        self.echo_delay_frames = echo_delay_frames
        self.lags = Lags()
        self.is_recording = False
        self.n_engines = 0
        self.lines = {
            language: Lines(sounds.answers[language], sounds.sources[language])
            for language in (CALLEE_LANGUAGE, CALLER_LANGUAGE)
        }
        self.caller_frames = tuple(
            wire.encode_frame(chunk, wire.BINARY, is_client=True)
            for chunk in sounds.caller_chunks
        )
        config = LabConfig()
        self.account_sid = config.account_sid
        self.from_number = config.from_numbers[0]
        self._validator = RequestValidator(config.auth_token)
        self.http = httpx2.AsyncClient(
            trust_env=False, timeout=HTTP_S, limits=httpx2.Limits(max_connections=40)
        )
        self._headers: dict[str, str] = {}
        self._calls: dict[str, Call] = {}
        self._starting: Call | None = None
        self._start_lock = asyncio.Lock()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.n_strangers = 0
        """Engine sockets that were opened while no call was starting."""

    async def open(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Door(self._reply, self._admit, self._opened),
            "127.0.0.1",
            self._port,
        )

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        await self.http.aclose()

    async def log_in(self, email: str, password: str) -> None:
        """Get a session token, as a mobile app does."""
        answer = await self.http.post(
            f"{self.base_url}/_allauth/app/v1/auth/login",
            json={"email": email, "password": password},
        )
        answer.raise_for_status()
        self._headers = {"X-Session-Token": answer.json()["meta"]["session_token"]}

    async def place(self, number: int, phase_s: float = 0.0) -> Call:
        """Start a call, and wait until both its sockets are open.

        Args:
            number: among all calls, from 0.
            phase_s: where in the conversation it begins.

        Raises:
            RuntimeError: it did not come about.
        """
        call = Call(self, number, phase_s)
        # One after the other: what is opened or dialled meanwhile is this call's.
        async with self._start_lock:
            self._starting = call
            try:
                answer = await self.http.post(
                    f"{self.base_url}/relay/calls/start",
                    json={
                        "to_number": NUMBER,
                        "mode": "voice",
                        "caller_language": CALLER_LANGUAGE,
                        "callee_language": CALLEE_LANGUAGE,
                    },
                    headers=self._headers,
                )
            finally:
                self._starting = None
        if answer.status_code != 200:
            raise RuntimeError(f"Not started: {answer.status_code} {answer.text[:300]}")
        body = answer.json()
        call.id = body["id"]
        stream = body["stream"]
        await call.caller.open(f"{stream['url']}?ticket={stream['ticket']}")
        try:
            async with asyncio.timeout(HTTP_S):
                await call.has_begun.wait()
        except TimeoutError:
            call.problem = f"nothing came after {call.status!r}"
        if call.problem:
            raise RuntimeError(f"The telephone failed: {call.problem}")
        return call

    async def end(self, call: Call, *, by_callee: bool = False) -> None:
        """Hang up."""
        try:
            if not by_callee:
                url = f"{self.base_url}/relay/calls/{call.id}/end"
                await self.http.post(url, headers=self._headers)
            await call.over()
        finally:
            call.phone.hang_up()
            call.caller.close()
            self._calls.pop(call.sid, None)

    async def detail(self, call: Call) -> dict[str, Any]:
        """Return what the server knows about a call that has ended.

        Raises:
            httpx2.HTTPError: no answer, or the call goes on.
        """
        url = f"{self.base_url}/api/calls/{call.id}"
        for _ in range(100):
            answer = await self.http.get(url, headers=self._headers)
            body: dict[str, Any] = answer.json()
            if body.get("ended_at") and body.get("latency"):
                return body
            await asyncio.sleep(0.1)
        raise httpx2.HTTPError("The call goes on.")

    def signature(self, url: str, form: dict[str, str]) -> str:
        """Sign a URL and its parameters as Twilio does."""
        return str(self._validator.compute_signature(url, form))

    # --- The providers' door ----------------------------------------------------------

    def _admit(self, head: Head) -> Receiver | None:
        path = head.start[1].partition("?")[0]
        if path.endswith("/realtime/translations"):
            if self._starting is None:
                self.n_strangers += 1
            return Engine(self, self._starting)
        return Voice(self) if path.endswith("/realtime") else None

    def _opened(self, receiver: Receiver, socket: Socket) -> None:
        assert isinstance(receiver, Engine | Voice)  # noqa: S101 - admitted above
        # After the handshake's answer, which is written already.
        asyncio.get_running_loop().call_soon(receiver.opened, socket)

    async def _reply(self, head: Head) -> tuple[int, bytes]:
        """Answer the telephone company's REST API."""
        method, path, _ = head.start
        parts = path.partition("?")[0].split("/")
        form = parse_qsl(head.body.decode(), keep_blank_values=True)
        if method == "POST" and parts[-1] == "Calls.json":
            return 201, self._dial(dict(form))
        if len(parts) > 2 and parts[-2] == "Calls":
            call = self._calls.get(parts[-1].removesuffix(".json"))
            if call is not None:
                if method == "POST" and dict(form).get("Status"):
                    self._spawn(call.over())
                    return 200, _json({"sid": call.sid, "status": "completed"})
                return 200, _json({"sid": call.sid, "status": call.status})
        return 404, _json({"code": 20404, "message": "not found", "status": 404})

    def _dial(self, form: dict[str, str]) -> bytes:
        call = self._starting
        if call is None:
            raise RuntimeError("A call was dialled that nobody has started.")
        call.urls = form
        self._calls[call.sid] = call
        self._spawn(call.ring())
        return _json({"sid": call.sid, "status": "queued"})

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def spoken_by(engine: Engine, driver: Driver, language: str) -> list[Spoken]:
    """Return an engine's utterances, for the figures."""
    clips = driver.lines[language].clips
    return [Spoken(clips[number].sound, times) for number, times in engine.spoken]

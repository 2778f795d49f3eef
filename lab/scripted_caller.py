"""A caller who follows a script, over the public API alone.

Logs in, starts a call, and talks on the caller's socket in real time: speech of the
synthesiser goes out as a microphone's would, and what comes back is listened to with
the phrasebook matcher.  The lab is asked what the other side said and heard, which is
how a report can tell what was understood.

In captions and in text, what the callee says is not listened to but read: what counts
is which captions the caller's socket got.  In text, everything is typed.
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

import httpx2
import numpy as np
import websockets
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect

from lab.people import Script, load_people
from lab.reading import Reader
from lab.speech.listener import Listener
from lab.speech.matcher import Matcher
from lab.speech.phrasebook import Phrasebook
from lab.speech.synthesiser import Synthesiser
from lab.telephone.handset import Handset
from lab.telephone.line import LineConfig
from lab.voices import CALLER_VOICE, CALLER_WPM
from realtime.audio.resample import Resampler

FRAME_S: Final = 0.02
FRAME_8K: Final = 160
CALLER_HZ: Final = 24_000
LISTENING_HZ: Final = 8_000
JITTER_FRAMES: Final = 12
"""240 ms are collected before sound that begins is played; the browser adapts between
80 and 400 ms (static/js/call/jitter.js)."""
CALL_TIMEOUT_S: Final = 240.0
"""No script takes this long."""
TAIL_S: Final = 4.0
"""After the script, how long the end of the call is waited for."""
ENOUGH: Final = 0.95
"""Share of the phrases that must be understood, each way."""
DIAL_TIMEOUT_S: Final = 30.0

READ_MODES: Final = frozenset({"captions", "text"})
"""In these the caller reads the callee."""

Who = Literal[
    "you say", "you type", "they hear", "they say", "you hear", "you read", "call"
]


class CallerProblem(Exception):
    """The call could not be placed; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something to show while the call runs."""

    at_s: float
    who: Who
    text: str
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A phrase that somebody said or heard; seconds since the epoch."""

    phrase_id: str | None
    text: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Understanding:
    """How much of what one side said the other side understood."""

    said: int
    understood: int
    missed: list[str]
    unclear: int
    """Sounds the listener could not make out."""
    latency_ms: list[float]
    """End of each phrase → beginning of its translation, as heard, or its final
    caption; where the voice itself is heard, beginning → beginning."""

    @property
    def share(self) -> float:
        """From 0 to 1; nothing said is nothing understood."""
        return self.understood / self.said if self.said else 0.0


@dataclass(slots=True, kw_only=True)
class Report:
    """One call, as both sides lived it."""

    call_id: str
    number: str
    status: str
    outcome: str
    reason: str
    reason_text: str
    duration_s: float
    caller_to_callee: Understanding
    callee_to_caller: Understanding
    captions: list[dict[str, Any]]
    latency: dict[str, Any]
    cost_usd: float
    """At the real prices; nobody pays the lab."""
    cost_parts: list[dict[str, Any]]
    echo_loops: list[str]
    phrases: dict[str, list[dict[str, Any]]]
    """What each side said and heard; seconds since the start was asked for."""
    max_late_ms: float
    """How far this program's own 20 ms clock fell behind: its microphone stuttered."""
    problems: list[str] = field(default_factory=list)
    line: str = ""
    """The condition of the telephone line, and what was changed about it."""
    mode: str = "voice"
    texts: list[dict[str, Any]] = field(default_factory=list)
    """What was typed: id, text, and each `text_status` that came for it, in order."""

    @property
    def understood(self) -> bool:
        """Whether the conversation took place: enough understood on both sides."""
        return min(self.caller_to_callee.share, self.callee_to_caller.share) >= ENOUGH

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can carry it."""
        result = asdict(self) | {"understood": self.understood}
        for way in ("caller_to_callee", "callee_to_caller"):
            understanding: Understanding = getattr(self, way)
            latency = understanding.latency_ms
            result[way]["share"] = round(understanding.share, 4)
            result[way]["latency_ms"] = {
                "p50": percentile(latency, 50),
                "p99": percentile(latency, 99),
                "each": [round(ms) for ms in latency],
            }
        return result


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return a percentile, rounded; None of nothing."""
    return round(float(np.percentile(values, percent)), 1) if values else None


def compare(
    said: Sequence[Spoken], heard: Sequence[Spoken], *, is_original: bool = False
) -> tuple[Understanding, list[Spoken]]:
    """Find for each phrase that was said the one that was heard.

    Args:
        said: by one side, in order.
        heard: by the other side, in order.
        is_original: the voice itself is heard, while it speaks.

    Returns:
        the measure, and what was heard without having been said.
    """
    rest = list(heard)
    latency_ms: list[float] = []
    missed: list[str] = []
    for phrase in said:
        found = next(
            (
                one
                for one in rest
                if one.phrase_id == phrase.phrase_id and one.began > phrase.began
            ),
            None,
        )
        if found is None:
            missed.append(str(phrase.phrase_id))
            continue
        rest.remove(found)
        since = phrase.began if is_original else phrase.ended
        latency_ms.append((found.began - since) * 1000)
    unclear = sum(one.phrase_id is None for one in rest)
    understanding = Understanding(
        len(said), len(said) - len(missed), missed, unclear, latency_ms
    )
    return understanding, [one for one in rest if one.phrase_id is not None]


@dataclass(frozen=True, slots=True)
class Senses:
    """What several callers of one process share: voice, book, matcher, threads."""

    voice: Synthesiser
    book: Phrasebook
    matcher: Matcher
    executor: Executor

    @classmethod
    def make(cls, executor: Executor) -> "Senses":
        """Load voice and matcher; takes seconds when the cache is empty."""
        book, voice = Phrasebook.load(), Synthesiser()
        matcher = Matcher(book, voice)
        matcher.prepare()
        return cls(voice, book, matcher, executor)

    def text(self, phrase_id: str, language: str) -> str:
        """Return a phrase as it is read."""
        return self.book[phrase_id].texts[language]


class Api:
    """The product's REST API and the lab's control API.

    Args:
        base_url: of the product.
        lab_url: of the lab.
    """

    def __init__(self, base_url: str, lab_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.lab_url = lab_url.rstrip("/")
        # Loopback, and never through a proxy.
        self._client = httpx2.AsyncClient(trust_env=False, timeout=DIAL_TIMEOUT_S)
        self._headers: dict[str, str] = {}

    async def __aenter__(self) -> "Api":
        """Open the client."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close the client."""
        await self._client.aclose()

    async def log_in(self, email: str, password: str) -> None:
        """Get a session token, as a mobile app does.

        Raises:
            CallerProblem: the server is not there, or refuses.
        """
        try:
            answer = await self._client.post(
                f"{self.base_url}/_allauth/app/v1/auth/login",
                json={"email": email, "password": password},
            )
        except httpx2.HTTPError as error:
            raise CallerProblem(
                f"Nothing answers at {self.base_url} ({error}): start `make demo`."
            ) from None
        token = _json(answer).get("meta", {}).get("session_token")
        if answer.status_code != 200 or not token:
            raise CallerProblem(
                f"{email} may not log in ({answer.status_code}): make the account"
                " with `python manage.py create_user EMAIL PASSWORD`."
            )
        self._headers = {"X-Session-Token": token}

    async def start(self, values: dict[str, Any]) -> dict[str, Any]:
        """Create and start a call.

        Raises:
            CallerProblem: refused; the message is the server's.
        """
        answer = await self._client.post(
            f"{self.base_url}/relay/calls/start",
            json=values,
            headers=self._headers | {"Idempotency-Key": uuid.uuid4().hex},
        )
        body = _json(answer)
        if answer.status_code != 200:
            error = body.get("error", {})
            raise CallerProblem(
                f"The call was refused ({answer.status_code},"
                f" {error.get('code', 'no code')}): {error.get('message', '')}"
            )
        return body

    async def call(self, call_id: str) -> dict[str, Any]:
        """Return what the server knows about a call."""
        url = f"{self.base_url}/api/calls/{call_id}"
        answer = await self._client.get(url, headers=self._headers)
        return _json(answer)

    async def end(self, call_id: str) -> None:
        """Hang up."""
        url = f"{self.base_url}/relay/calls/{call_id}/end"
        await self._client.post(url, headers=self._headers)

    async def lab(self, path: str) -> dict[str, Any]:
        """Ask the lab; empty when it does not answer."""
        try:
            return _json(await self._client.get(f"{self.lab_url}/lab/{path}"))
        except httpx2.HTTPError:
            return {}


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Ear:
    """What the caller's loudspeaker plays: received audio, at the pace of time.

    Like every player of network sound it waits a little when sound begins, so that a
    chunk that comes late does not tear a word apart.
    """

    def __init__(self) -> None:
        self._resampler = Resampler(CALLER_HZ, LISTENING_HZ)
        self._chunks: deque[NDArray[np.int16]] = deque()
        self._n_samples = 0
        self._waited_frames = 0
        self._is_playing = False

    def receive(self, payload: bytes) -> None:
        """Take PCM16 at 24 kHz as it comes from the socket."""
        pcm = self._resampler.process(np.frombuffer(payload, "<i2").astype(np.int16))
        self._chunks.append(pcm)
        self._n_samples += len(pcm)

    def play(self) -> NDArray[np.int16]:
        """Return the next 20 ms at 8 kHz; silence when there is nothing."""
        frame = np.zeros(FRAME_8K, np.int16)
        if not self._may_play():
            return frame
        filled = 0
        while self._chunks and filled < FRAME_8K:
            chunk = self._chunks.popleft()
            part = chunk[: FRAME_8K - filled]
            frame[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) < len(chunk):
                self._chunks.appendleft(chunk[len(part) :])
        self._n_samples -= filled
        return frame

    def _may_play(self) -> bool:
        if not self._n_samples:
            self._is_playing = False
            self._waited_frames = 0
        elif not self._is_playing:
            self._waited_frames += 1
            self._is_playing = (
                self._n_samples >= JITTER_FRAMES * FRAME_8K
                or self._waited_frames > JITTER_FRAMES
            )
        return self._is_playing


class Keys:
    """What a caller types, until it is sent."""

    def __init__(self) -> None:
        self.messages: deque[dict[str, Any]] = deque()
        self.texts: dict[str, dict[str, Any]] = {}

    def typing(self) -> None:
        """Begin a message."""
        self.messages.append({"type": "typing", "active": True})

    def send(self, text: str) -> None:
        """Finish and send it."""
        text_id = f"text-{len(self.texts) + 1}"
        self.texts[text_id] = {"id": text_id, "text": text, "states": []}
        self.messages.append({"type": "typing", "active": False})
        self.messages.append({"type": "text", "id": text_id, "text": text})

    def note(self, message: dict[str, Any]) -> None:
        """Take a `text_status`."""
        known = self.texts.get(message["id"])
        if known is not None:
            rest = {k: v for k, v in message.items() if k not in ("type", "id")}
            known["states"].append(rest)


class ScriptedCaller:
    """One caller on one call.

    Args:
        api: logged in.
        senses: voice and ears.
        number: E.164.
        mode: of the call; text: types everything; captions, text: reads.
        show: is told what happens, as it happens.
        record: whether the call is to be recorded.
    """

    def __init__(
        self,
        api: Api,
        senses: Senses,
        number: str,
        mode: str = "voice",
        show: Callable[[Line], None] = lambda line: None,
        *,
        record: bool = False,
    ) -> None:
        self._api = api
        self._senses = senses
        self._number = number
        self._mode = mode
        self._record = record
        self._show = show
        self._callee: Script = load_people().get(number) or Script(
            id="unknown", number=number, name={}
        )
        self._status = ""
        self._captions: dict[str, dict[str, Any]] = {}
        self._problems: list[str] = []
        self._is_over = asyncio.Event()
        self._has_picked_up = asyncio.Event()
        self._ear = Ear()
        self._keys = Keys()
        self._types = mode == "text"
        language = self._callee.caller_language
        is_one_language = language == self._callee.language
        self._reader = (
            Reader(senses.book, language, is_original=is_one_language)
            if mode in READ_MODES
            else None
        )
        # A person tells the callee's quiet own voice from the interpreter's; these
        # ears know one voice at a time.  Where nothing is interpreted, it is that one.
        self._is_one_language = is_one_language
        self._wants_original = is_one_language and self._reader is None
        self._began = time.time()
        self._listening_since: float | None = None
        self._max_late_s = 0.0
        self._lab_sid: str | None = None
        self._lab_call: dict[str, Any] = {}
        self._shown: set[tuple[str, int]] = set()
        self._handset = Handset(
            replace(
                self._callee,
                steps=self._callee.caller,
                language=language,
                voice=CALLER_VOICE,
                speed_wpm=CALLER_WPM,
            ),
            voice=senses.voice,
            ears=Listener(senses.matcher, languages=frozenset({language})),
            phrases=senses,
            executor=senses.executor,
            speech_rms=LineConfig().speech_rms,
            on_keys=lambda digits: None,
            on_put_down=self._is_over.set,
            keyboard=self._keys,
            types=self._types,
        )

    async def run(self) -> Report:
        """Place the call, talk, hang up, and report.

        Raises:
            CallerProblem: it could not be placed.
        """
        await self._handset.prepare()
        started = await self._api.start(
            {
                "to_number": self._number,
                "mode": self._mode,
                "caller_language": self._callee.caller_language,
                "callee_language": self._callee.language,
                "record": self._record,
            }
        )
        call_id, stream = str(started["id"]), started["stream"]
        self._note_status(started["status"])
        url = f"{stream['url']}?ticket={stream['ticket']}"
        try:
            async with connect(url, compression=None, proxy=None) as socket:
                await self._talk(socket, call_id)
        except (OSError, websockets.WebSocketException) as error:
            self._problems.append(f"The caller's socket failed: {error}")
        with contextlib.suppress(httpx2.HTTPError):
            await self._api.end(call_id)
        return await self._report(call_id)

    async def _talk(self, socket: ClientConnection, call_id: str) -> None:
        hello = {"type": "hello", "protocol": 1, "speaks": not self._types}
        await socket.send(json.dumps(hello))
        if not self._wants_original:
            await socket.send(json.dumps({"type": "original", "gain": 0}))
        listening = asyncio.create_task(self._handset.listen())
        others = [
            asyncio.create_task(self._receive(socket)),
            asyncio.create_task(self._watch_lab(call_id)),
            asyncio.create_task(self._speak(socket)),
        ]
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await self._is_over.wait()
                if self._status == "in_progress":
                    # The server may have closed it first.
                    with contextlib.suppress(websockets.ConnectionClosed, TimeoutError):
                        await socket.send(json.dumps({"type": "end"}))
                        async with asyncio.timeout(TAIL_S):
                            await asyncio.shield(others[0])
        except TimeoutError:
            self._problems.append(
                f"The call was not over after {CALL_TIMEOUT_S:.0f} s."
            )
        finally:
            for task in others:
                task.cancel()
            results = await asyncio.gather(*others, return_exceptions=True)
            self._handset.stop_listening()
            await listening
            for result in results:
                if isinstance(result, Exception):
                    self._problems.append(f"The caller failed: {result!r}")

    async def _receive(self, socket: ClientConnection) -> None:
        """Take audio and messages until the socket closes."""
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in socket:
                if isinstance(message, bytes):
                    self._ear.receive(message)
                else:
                    self._on_message(json.loads(message))
        self._is_over.set()

    def _on_message(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "status":
                self._note_status(message["status"])
            case "caption":
                self._captions[message["utterance_id"]] = message
                self._read(message)
            case "speaking" if self._reader and message["leg"] == "callee":
                self._handset.see_sound(message["active"])
            case "text_status":
                self._keys.note(message)
            case "error" | "warning":
                self._problems.append(f"{message['code']}: {message['message']}")
            case "ended":
                self._note_status(message["status"])
                self._is_over.set()

    def _read(self, caption: dict[str, Any]) -> None:
        if self._reader is not None:
            for one in self._reader.see(caption, self._handset.now_ms):
                self._handset.read(one)

    def _note_status(self, status: str) -> None:
        if status == self._status:
            return
        self._status = status
        self._line("call", status.replace("_", " "), time.time())
        if status == "in_progress":
            self._has_picked_up.set()

    async def _speak(self, socket: ClientConnection) -> None:
        """Be the caller: 20 ms in, 20 ms out, as a sound card would."""
        upsampler = Resampler(LISTENING_HZ, CALLER_HZ)
        silence = np.zeros(FRAME_8K, np.int16)
        due = time.monotonic()
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                due += FRAME_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self._max_late_s = max(self._max_late_s, time.monotonic() - due)
                heard = self._ear.play()
                voice = silence
                if self._has_picked_up.is_set() and not self._is_over.is_set():
                    if self._listening_since is None:
                        self._listening_since = time.time()
                    voice = self._handset.tick(heard)
                    self._show_mine()
                while self._keys.messages:
                    await socket.send(json.dumps(self._keys.messages.popleft()))
                if not self._types:  # else there is no microphone
                    pcm = upsampler.process(voice)
                    await socket.send(pcm.astype("<i2").tobytes())

    # --- what to show ----------------------------------------------------------------

    def _line(
        self, who: Who, text: str, at: float, latency_ms: float | None = None
    ) -> None:
        self._show(Line(at - self._began, who, text, latency_ms))

    def _show_mine(self) -> None:
        for n, phrase in enumerate(self._handset.said):
            if ("said", n) not in self._shown:
                self._shown.add(("said", n))
                is_typed = phrase.started_ms == phrase.ended_ms
                who: Who = "you type" if is_typed else "you say"
                self._line(who, phrase.text, self._at(phrase.started_ms))
        for n, heard in enumerate(self._handset.heard):
            if ("heard", n) not in self._shown:
                self._shown.add(("heard", n))
                at = self._at(heard.started_ms)
                said = self._lab_phrases("said")
                latency_ms = _since(
                    said, heard.phrase_id, at, is_original=self._wants_original
                )
                verb: Who = "you read" if self._reader else "you hear"
                self._line(verb, heard.text, at, latency_ms)

    def _show_theirs(self) -> None:
        for n, phrase in enumerate(self._lab_phrases("said")):
            if ("they said", n) not in self._shown:
                self._shown.add(("they said", n))
                self._line("they say", phrase.text, phrase.began)
        for n, heard in enumerate(self._lab_phrases("heard")):
            if ("they heard", n) not in self._shown:
                self._shown.add(("they heard", n))
                latency_ms = _since(
                    self._my_phrases(),
                    heard.phrase_id,
                    heard.began,
                    is_original=self._is_one_language,
                )
                self._line("they hear", heard.text, heard.ended, latency_ms)

    # --- both sides on one clock ------------------------------------------------------

    def _at(self, ms: float) -> float:
        return (self._listening_since or self._began) + ms / 1000

    def _my_phrases(self) -> list[Spoken]:
        return [
            Spoken(
                one.phrase_id,
                one.text,
                self._at(one.started_ms),
                self._at(one.ended_ms or one.started_ms),
            )
            for one in self._handset.said
        ]

    def _lab_phrases(self, what: Literal["said", "heard"]) -> list[Spoken]:
        answered_at = self._lab_call.get("answered_at")
        if not answered_at:
            return []
        began = datetime.fromisoformat(answered_at).timestamp()
        return [
            Spoken(
                one["phrase_id"],
                one["text"],
                began + one["started_ms"] / 1000,
                began + (one["ended_ms"] or one["started_ms"]) / 1000,
            )
            for one in self._lab_call.get(what, [])
        ]

    def _timed(self, phrases: Sequence[Spoken]) -> list[dict[str, Any]]:
        return [
            {
                "phrase_id": one.phrase_id,
                "text": one.text,
                "began_s": round(one.began - self._began, 2),
                "ended_s": round(one.ended - self._began, 2),
            }
            for one in phrases
        ]

    async def _watch_lab(self, call_id: str) -> None:
        while True:
            await self._ask_lab(call_id)
            self._show_theirs()
            await asyncio.sleep(0.3)

    async def _ask_lab(self, call_id: str) -> None:
        """Find out what the other side said and heard so far."""
        if self._lab_sid is None:
            for one in (await self._api.lab("calls")).get("calls", []):
                if one["to"] != self._number:
                    continue
                details = await self._api.lab(f"calls/{one['sid']}")
                if call_id in json.dumps(details.get("requests", [])):
                    self._lab_sid = one["sid"]
                    break
        if self._lab_sid is not None:
            details = await self._api.lab(f"calls/{self._lab_sid}")
            self._lab_call = details or self._lab_call

    # --- the report -------------------------------------------------------------------

    async def _report(self, call_id: str) -> Report:
        call: dict[str, Any] = {}
        for _ in range(50):  # the last callback may still be under way
            call = await self._api.call(call_id)
            if call.get("ended_at"):
                break
            await asyncio.sleep(0.1)
        else:
            self._problems.append(f"The call is still {call.get('status')}.")
        await self._ask_lab(call_id)
        self._show_mine()
        self._show_theirs()
        self._note_status(str(call.get("status")))
        mine, theirs = self._my_phrases(), self._lab_phrases("said")
        i_heard = [
            Spoken(h.phrase_id, h.text, self._at(h.started_ms), self._at(h.ended_ms))
            for h in self._handset.heard
        ]
        to_callee, they_wondered = compare(
            mine, self._lab_phrases("heard"), is_original=self._is_one_language
        )
        to_caller, i_wondered = compare(
            theirs, i_heard, is_original=self._wants_original
        )
        said_by_me = {one.phrase_id for one in mine}
        said_by_them = {one.phrase_id for one in theirs}
        # Somebody's own words came back to them.
        loops = [one.text for one in i_wondered if one.phrase_id in said_by_me]
        loops += [one.text for one in they_wondered if one.phrase_id in said_by_them]
        return Report(
            call_id=call_id,
            number=self._number,
            status=str(call.get("status")),
            outcome=str(call.get("outcome")),
            reason=str(call.get("reason")),
            reason_text=str(call.get("reason_text")),
            duration_s=float(call.get("duration_s") or 0),
            caller_to_callee=to_callee,
            callee_to_caller=to_caller,
            captions=sorted(
                self._captions.values(), key=lambda caption: caption["started_ms"]
            ),
            latency=call.get("latency") or {},
            cost_usd=float((call.get("cost") or {}).get("usd") or 0),
            cost_parts=(call.get("cost") or {}).get("parts") or [],
            echo_loops=loops,
            phrases={
                "caller_said": self._timed(mine),
                "callee_heard": self._timed(self._lab_phrases("heard")),
                "callee_said": self._timed(theirs),
                "caller_heard": self._timed(i_heard),
            },
            max_late_ms=round(self._max_late_s * 1000, 1),
            problems=self._problems,
            line=line_of(self._lab_call),
            mode=self._mode,
            texts=list(self._keys.texts.values()),
        )


def line_of(lab_call: dict[str, Any]) -> str:
    """Name the line of a call, as the lab reports it; "" when it does not.

    Args:
        lab_call: from `GET /lab/calls/{sid}`.
    """
    line = lab_call.get("line") or {}
    changed = line.get("changed") or {}
    values = ", ".join(f"{name} {value}" for name, value in changed.items())
    parts = [str(line.get("condition") or ""), values]
    return ": ".join(part for part in parts if part)


def _since(
    said: Sequence[Spoken], phrase_id: str | None, at: float, *, is_original: bool
) -> float | None:
    """Return the ms from the last such phrase to a moment; see `compare`."""
    found = [one for one in said if phrase_id and one.phrase_id == phrase_id]
    if not found:
        return None
    return (at - (found[-1].began if is_original else found[-1].ended)) * 1000

"""One simulated call, from queued to its end.

    queued ─► initiated ─► ringing ─► in-progress ─► completed
                 │            ├─► no-answer, canceled
                 ├─► busy     └─► (nobody leaves a terminal state)
                 └─► failed

While a call is in progress three things run side by side: the line's clock (20 ms
ticks: playout → line → person → stream, recording or the other leg), the executor of
TwiML, and the ears of the person.  `_over` is set exactly once, by whoever ends the
call first.

A call to us rings until its first document is there, which is what answers it.  <Dial>
makes a second call (a leg); once it is answered each clock gives what its person says
to the playout of the other.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import numpy as np

from lab.people import Answer, Script
from lab.telephone import sounds, twiml
from lab.telephone.handset import Handset
from lab.telephone.line import Line, LineConfig, LineFrame, at_level
from lab.telephone.playout import Playout
from lab.telephone.stream import StreamClient, StreamFault, StreamReport
from lab.telephone.webhooks import Answer as HttpAnswer
from lab.telephone.webhooks import WebhookFailed
from realtime.audio.g711 import (
    FRAME_MS,
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    SILENCE_BYTE,
    decode_mulaw,
    encode_mulaw,
)

if TYPE_CHECKING:
    from lab.telephone.exchange import Exchange

API_VERSION: Final = "2010-04-01"
TERMINAL: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
STATUS_EVENTS: Final = ("initiated", "ringing", "answered", "completed")

DIAL_S: Final = 0.3
"""From queued to initiated."""
REACH_S: Final = 1.0
"""From initiated to ringing, busy or unknown."""
RING_BUFFER_S: Final = 5.0
"""Twilio lets it ring a little longer than Timeout."""
DEFAULT_RING_S: Final = 60.0
MAX_DOCUMENTS: Final = 200
"""TwiML documents of one call; a loop of redirects ends here (11215)."""
SAY_RMS: Final = 2000.0
SAY_WPM: Final = 160
MAX_TAPE_BYTES: Final = 20 * 60 * SAMPLE_RATE_HZ
"""Twenty minutes of each side are kept to listen to, as mu-law."""
SPEECH_RMS: Final = 250.0
"""<Record> counts quieter frames as silence."""
APPLICATION_ERROR: Final = "We are sorry, an application error has occurred. Goodbye."
DETECTION_S: Final = 30.0
"""Twilio's MachineDetectionTimeout."""
LATE_TICK_MS: Final = 10.0
"""A tick this late is counted: the lab's own clock was disturbed."""
RINGING_MS: Final = 3000
"""One ring and its pause, as whoever waits for <Dial> hears it."""
BRIDGE_MS: Final = 60
"""What is kept between two legs: their clocks do not tick at the same moment."""


class _HangUp(Exception):
    """The document says so."""


@dataclass(frozen=True, slots=True)
class Request:
    """Where the next TwiML document comes from."""

    url: str = ""
    method: str = "POST"
    twiml: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


Source = Request | asyncio.Future[tuple[twiml.Document, str]]
"""A document that is to be fetched, or one that has been, with its URL."""


@dataclass(slots=True, kw_only=True)
class CallParameters:
    """What a call was created with."""

    to: str
    from_: str
    url: str = ""
    method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    twiml: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"
    status_callback_events: tuple[str, ...] = ("completed",)
    timeout_s: float = DEFAULT_RING_S
    time_limit_s: float = 4 * 3600
    machine_detection: str = ""
    async_amd: bool = False
    async_amd_status_callback: str = ""
    async_amd_status_callback_method: str = "POST"
    send_digits: str = ""
    direction: str = "outbound-api"
    parent_sid: str = ""
    """The call that <Dial>s this one."""


@dataclass(slots=True)
class ClockReport:
    """How steadily the line's clock ran: the lab's own honesty."""

    ticks: int = 0
    late_ticks: int = 0
    max_late_ms: float = 0.0
    tick_s: float = 0.0

    def note(self, late_ms: float, took_s: float) -> None:
        """Count one tick."""
        self.ticks += 1
        self.late_ticks += late_ms > LATE_TICK_MS
        self.max_late_ms = max(self.max_late_ms, late_ms)
        self.tick_s += took_s

    def as_dict(self) -> dict[str, Any]:
        """Return it for the control API."""
        return {
            "ticks": self.ticks,
            "late_ticks": self.late_ticks,
            "max_late_ms": round(self.max_late_ms, 1),
            "mean_tick_us": round(self.tick_s / max(1, self.ticks) * 1e6),
        }


class _Tape:
    """What was played to one side, to listen to afterwards."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, frame: bytes) -> None:
        if len(self.data) < MAX_TAPE_BYTES:
            self.data += frame


def leg_parameters(verb: twiml.Dial, caller_id: str, parent_sid: str) -> CallParameters:
    """Return the parameters of the call that <Dial> makes."""
    noun = verb.number
    return CallParameters(
        to=noun.number,
        from_=caller_id,
        timeout_s=verb.timeout_s,
        time_limit_s=verb.time_limit_s,
        status_callback=noun.status_callback,
        status_callback_method=noun.status_callback_method,
        status_callback_events=noun.status_callback_events,
        direction="outbound-dial",
        parent_sid=parent_sid,
    )


@dataclass(slots=True)
class Transfer:
    """What became of one <Dial>.

    Attributes:
        leg: the call to whom it was transferred.
        is_bridged: the two have been connected.
    """

    leg: "SimulatedCall"
    is_bridged: bool = False

    def outcome(self) -> dict[str, str]:
        """Return what the action of <Dial> is told."""
        leg = self.leg
        found = {
            "DialCallSid": leg.sid,
            "DialCallStatus": leg.status,
            "DialBridged": str(self.is_bridged).lower(),
        }
        if leg.start_time is not None:
            found["DialCallDuration"] = str(leg.duration_s or 0)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it for the report of the call that was transferred."""
        leg = self.leg
        said = leg.handset.said if leg.handset else ()
        return leg.summary() | {
            "is_bridged": self.is_bridged,
            "rang_ms": None if leg.rang_s is None else round(leg.rang_s * 1000),
            "duration_s": leg.duration_s,
            "heard": leg.heard_as_dicts(),
            "said": [one.as_dict() for one in said],
        }


class SimulatedCall:
    """One call.

    Args:
        exchange: the telephone company.
        parameters: what was asked for.
        script: who is called; None is a number that nobody has.
        line_config: the line's parameters.
    """

    def __init__(
        self,
        exchange: "Exchange",
        parameters: CallParameters,
        script: Script | None,
        line_config: LineConfig,
    ) -> None:
        self.exchange = exchange
        self.parameters = parameters
        self.script = script
        self.line_config = line_config
        self.sid = "CA" + secrets.token_hex(16)
        self.status = "queued"
        self.answered_by: str | None = None
        self.date_created = self.date_updated = datetime.now(UTC)
        self.start_time: datetime | None = None
        self.end_time: datetime | None = None
        self.duration_s: int | None = None
        self.ended_by = ""
        self.end_details: dict[str, str] = {}
        self.notifications: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.streams: list[StreamReport] = []
        self.recordings: list[str] = []
        self.transfers: list[Transfer] = []
        self.rang_s: float | None = None
        """How long it rang before it was answered or over."""
        self.picked_up = asyncio.Event()
        self.ended = asyncio.Event()
        self.clock_report = ClockReport()
        self.handset: Handset | None = None
        self.tape_heard, self.tape_sent = _Tape(), _Tape()
        self._clock = exchange.clock
        self._line = Line(line_config)
        self._playout = Playout()
        self._idle = asyncio.Event()
        self._stream: StreamClient | None = None
        self._other_leg: Playout | None = None
        self._recorder: Callable[[LineFrame], None] | None = None
        self._on_key: Callable[[str], None] | None = None
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answered_at = 0.0
        self._executing: asyncio.Task[None] | None = None
        self._limit: asyncio.Task[None] | None = None
        self._callbacks: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._sequence_number = 0
        self._n_documents = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_over(self) -> bool:
        """Whether the call has reached a terminal status."""
        return self.status in TERMINAL

    @property
    def is_in_progress(self) -> bool:
        """Whether somebody has picked up and nobody has hung up."""
        return self.status == "in-progress" and not self._over.done()

    # --- from outside --------------------------------------------------------------

    def hang_up(self, by: str, status: str | None = None) -> None:
        """End the call, once.

        Args:
            by: who: api, document, callee, time_limit, shutdown, ….
            status: the terminal status; default: completed, or canceled before pickup.
        """
        if self._over.done():
            return
        if status is None:
            status = "completed" if self.status == "in-progress" else "canceled"
        self.ended_by = by
        self._over.set_result(status)

    def redirect(self, request: Request) -> None:
        """Run another document now; a running stream is torn down."""
        self._execute(request)

    def limit(self, seconds: float) -> None:
        """End the call this long after pickup."""
        self.parameters.time_limit_s = seconds
        if self._limit is not None:
            self._limit.cancel()
            self._limit = self._start(self._enforce_limit())

    def press(self, digits: str) -> None:
        """Let the callee press keys."""
        for digit in digits:
            if self._on_key is not None:
                self._on_key(digit)
            elif self._stream is not None:
                self._stream.on_key(digit)

    def forget_tapes(self) -> None:
        """Give back the memory of what was spoken."""
        self.tape_heard, self.tape_sent = _Tape(), _Tape()

    def notify(self, code: int, message: str) -> None:
        """Record an error as Twilio's debugger would."""
        at_ms = round((self._clock.now() - self._answered_at) * 1000)
        self.notifications.append(
            {"error_code": code, "message": message, "at_ms": max(0, at_ms)}
        )

    # --- the life of a call --------------------------------------------------------

    async def run(self) -> None:
        """Live from queued to the end; cancel it to end the call abruptly."""
        calling_back = asyncio.create_task(self._call_back())
        try:
            status = await self._live_and_clear_up()
            self.end_time = datetime.now(UTC)
            self.duration_s = 0
            if self.start_time is not None:
                self.duration_s = round(self._clock.now() - self._answered_at)
                self.end_details.setdefault("SipResponseCode", "200")
            self._move_to(status, "completed", self._ending())
            self.ended.set()
            await self._callbacks.join()
        except asyncio.CancelledError:
            self.status = self.status if self.is_over else "failed"
            raise
        finally:
            self.ended.set()
            calling_back.cancel()
            await asyncio.gather(calling_back, return_exceptions=True)

    async def _live_and_clear_up(self) -> str:
        try:
            return await self._live()
        except Exception as error:  # the lab's own fault must not look like a call
            self._lab_failed(error)
            return "failed"
        finally:
            await self._stop_tasks()

    async def _live(self) -> str:
        if await self._is_over_within(DIAL_S):
            return self._over.result()
        self._move_to("initiated", "initiated")
        handset = self._take_handset()
        preparing = self._start(handset.prepare()) if handset else None
        if await self._is_over_within(REACH_S):
            return self._over.result()
        answer = self.script.answer if self.script else Answer.UNASSIGNED
        if handset is not None and self.parameters.direction == "inbound":
            return await self._come_in(handset)
        if handset is None or answer is Answer.UNASSIGNED:
            self.end_details = {"SipResponseCode": "404", "ErrorCode": "13224"}
            return "failed"
        if answer is Answer.BUSY:
            self.end_details = {"SipResponseCode": "486"}
            return "busy"
        self._move_to("ringing", "ringing")
        ring_s = self.parameters.timeout_s + RING_BUFFER_S
        answer_s = handset.script.answer_after_ms / 1000
        rings_out = answer is Answer.NOBODY or answer_s > ring_s
        fault = self.exchange.faults.take("ring_out", self.parameters.to)
        if fault is not None:
            rings_out, ring_s = True, fault.get("after_ms", 3000) / 1000
        began = self._clock.now()
        is_over = await self._is_over_within(ring_s if rings_out else answer_s)
        self.rang_s = self._clock.now() - began
        if is_over:
            return self._over.result()
        if rings_out:
            self.end_details = {"SipResponseCode": "487"}
            return "no-answer"
        if preparing is not None:
            await preparing
        if self._over.done():
            return self._over.result()
        parameters = self.parameters
        first = Request(parameters.url, parameters.method, parameters.twiml)
        return await self._talk(handset, first)

    async def _come_in(self, handset: Handset) -> str:
        """Ring while the first document is fetched; it answers the call, or refuses.

        That there is none is said to whoever called, so that answers it as well.
        """
        self._move_to("ringing", "ringing")
        parameters = self.parameters
        first = Request(parameters.url, parameters.method, parameters.twiml)
        await handset.prepare()
        began = self._clock.now()
        opening = asyncio.ensure_future(self._document(first))
        try:
            ends: list[asyncio.Future[Any]] = [self._over, opening]
            await asyncio.wait(ends, return_when="FIRST_COMPLETED")
        finally:
            opening.cancel()  # nothing, if it is done
            await asyncio.gather(opening, return_exceptions=True)
            self.rang_s = self._clock.now() - began
        if self._over.done():
            return self._over.result()
        if opening.exception() is None:
            verbs = opening.result()[0].verbs
            if verbs and isinstance(verbs[0], twiml.Reject):
                self.ended_by = "document"
                return "busy" if verbs[0].reason == "busy" else "no-answer"
        return await self._talk(handset, opening)

    async def _talk(self, handset: Handset, first: Source) -> str:
        self.start_time = datetime.now(UTC)
        self._answered_at = self._clock.now()
        self._move_to("in-progress", "answered")
        self.picked_up.set()
        listening = asyncio.create_task(handset.listen())
        ticking = self._start(self._tick_on(handset))
        self._limit = self._start(self._enforce_limit())
        if not self.parameters.parent_sid:  # else the other leg has the document
            self._start(self._answer(first))
        try:
            ends: list[asyncio.Future[Any]] = [self._over, ticking]
            await asyncio.wait(ends, return_when="FIRST_COMPLETED")
            if not self._over.done():  # the clock failed
                await ticking
            if self._executing is not None:
                self._executing.cancel()
                await asyncio.gather(self._executing, return_exceptions=True)
            ticking.cancel()
        finally:
            handset.stop_listening()
            await asyncio.gather(listening, return_exceptions=True)
        return self._over.result()

    async def _answer(self, first: Source) -> None:
        """Begin the first document, after the machine detection if it must wait."""
        if self.parameters.send_digits:
            await self._press_for_them(self.parameters.send_digits)
        is_detecting = self.parameters.machine_detection and self.script is not None
        if not isinstance(first, Request) or self.script is None or not is_detecting:
            self._execute(first)
            return
        wait_s = self.script.verdict_after_ms / 1000
        if self.parameters.async_amd:
            self._execute(first)
            began = self._clock.now()
            await self._clock.sleep(wait_s)
            self.answered_by = await self._detect(self.script)
            took_s = self._clock.now() - began
            await self._tell_verdict(round(took_s * 1000))
        else:
            await self._clock.sleep(wait_s)
            self.answered_by = await self._detect(self.script)
            verdict = {"AnsweredBy": self.answered_by}
            self._execute(Request(first.url, first.method, first.twiml, verdict))

    async def _detect(self, script: Script) -> str:
        """Return what the machine detection says, after its first decision.

        `DetectMessageEnd` waits for the end of a machine's greeting: its beep, or that
        it has no more to say; never longer than Twilio's 30 s.
        """
        is_patient = self.parameters.machine_detection == "DetectMessageEnd"
        handset = self.handset
        if script.answered_by != "machine_start" or not is_patient or handset is None:
            return script.answered_by
        until = self._answered_at + DETECTION_S
        while self._clock.now() < until:
            if "beep" in handset.played:
                return "machine_end_beep"
            if handset.is_recording or handset.person.is_done:
                return "machine_end_silence"
            await self._clock.sleep(FRAME_MS / 1000)
        return "unknown"

    async def _tell_verdict(self, took_ms: int) -> None:
        url = self.parameters.async_amd_status_callback
        if not url:
            return
        values = {
            "CallSid": self.sid,
            "AccountSid": self.exchange.config.account_sid,
            "AnsweredBy": self.answered_by or "unknown",
            "MachineDetectionDuration": str(took_ms),
        }
        method = self.parameters.async_amd_status_callback_method
        await self._send_quietly(url, values, method)

    async def _enforce_limit(self) -> None:
        await self._clock.sleep_until(self._answered_at + self.parameters.time_limit_s)
        self.hang_up("time_limit")

    async def _is_over_within(self, seconds: float) -> bool:
        """Wait; True if the call was ended meanwhile."""
        real_s = seconds / self._clock.speed
        done, _ = await asyncio.wait({self._over}, timeout=real_s)
        return bool(done)

    def _take_handset(self) -> Handset | None:
        if self.script is None:
            return None
        self.handset = Handset(
            self.script,
            voice=self.exchange.voice,
            ears=self.exchange.make_ears((self.script.language,)),
            phrases=self.exchange.phrases,
            executor=self.exchange.executor,
            speech_rms=self.line_config.speech_rms,
            on_keys=self.press,
            on_put_down=lambda: self.hang_up("callee"),
        )
        return self.handset

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._lab_failed(error)

    async def _stop_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _lab_failed(self, error: BaseException) -> None:
        """Report a fault of the lab itself: it must not look like a call's end."""
        self.notify(0, f"The lab failed: {error!r}")
        self.exchange.log.error("call_failed", exc_info=error)
        self.hang_up("lab", "failed")

    # --- the line's clock ----------------------------------------------------------

    async def _tick_on(self, handset: Handset) -> None:
        clock, report = self._clock, self.clock_report
        due = clock.now()
        voice = np.zeros(FRAME_SAMPLES, np.int16)
        while True:
            due += FRAME_MS / 1000
            await clock.sleep_until(due)
            began = clock.now()
            voice = self._tick(handset, voice)
            took = clock.now() - began
            # Real time: an accelerated clock would report its own speed.
            report.note((began - due) * 1000 / clock.speed, took / clock.speed)

    def _tick(self, handset: Handset, voice: sounds.Samples) -> sounds.Samples:
        """Carry 20 ms each way.  Returns what the person says next."""
        playout = self._stream.playout if self._stream else self._playout
        frame, marks = playout.take()
        heard, sent = self._line.process(frame, voice)
        if marks and self._stream is not None:
            self._stream.on_marks(marks)
        if not playout.queued_bytes:
            self._idle.set()
        voice = handset.tick(heard)
        for arrived in self._line.network(sent):
            if self._stream is not None:
                self._stream.on_frame(arrived)
            if self._recorder is not None:
                self._recorder(arrived)
            if self._other_leg is not None:
                self._other_leg.push(arrived.payload)
        self.tape_heard.add(encode_mulaw(heard))
        self.tape_sent.add(sent)
        return voice

    # --- TwiML ---------------------------------------------------------------------

    def _execute(self, first: Source) -> None:
        before = self._executing
        self._executing = self._start(self._run_documents(first, before))

    async def _run_documents(
        self, first: Source, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
            self._playout.clear()
        source: Source | None = first
        try:
            while source is not None:
                if isinstance(source, Request):
                    document, base_url = await self._document(source)
                else:
                    document, base_url = await source
                source = None
                for verb in document.verbs:
                    source = await self._perform(verb, base_url)
                    if source is not None:
                        break
        except _HangUp:
            pass
        except twiml.TwimlError as error:
            self.notify(error.code, error.message)
            await self._say(twiml.Say(APPLICATION_ERROR))
        self.hang_up("document")

    async def _document(self, request: Request) -> tuple[twiml.Document, str]:
        self._n_documents += 1
        if self._n_documents > MAX_DOCUMENTS:
            raise twiml.TwimlError(11215, "Too many documents: is it a loop?")
        if request.twiml:
            return self._parsed(request.twiml), self.parameters.url
        url, method = request.url, request.method
        try:
            return await self._fetched(url, method, request.parameters)
        except twiml.TwimlError as error:
            fallback = self.parameters.fallback_url
            if not fallback:
                raise
            self.notify(error.code, error.message)
            values = {"ErrorCode": str(error.code), "ErrorUrl": url}
            return await self._fetched(
                fallback, self.parameters.fallback_method, values
            )

    async def _fetched(
        self, url: str, method: str, parameters: Mapping[str, str]
    ) -> tuple[twiml.Document, str]:
        try:
            answer = await self.exchange.webhooks.send(
                url,
                {**self.webhook_parameters(), **parameters},
                method=method,
                log=self.requests.append,
            )
        except WebhookFailed as error:
            raise twiml.TwimlError(error.code, f"{url}: {error.message}") from None
        return self._read_answer(answer, url), url

    def _read_answer(self, answer: HttpAnswer, url: str) -> twiml.Document:
        kind = answer.content_type
        if kind in ("text/xml", "application/xml") or kind.endswith("+xml"):
            return self._parsed(answer.body)
        if kind == "text/plain":
            return twiml.Document((twiml.Say(answer.body.decode(errors="replace")),))
        if kind.startswith("audio/"):
            return twiml.Document((twiml.Play(url),))
        raise twiml.TwimlError(12300, f"{url} answered with {kind or 'no type'}.")

    def _parsed(self, text: str | bytes) -> twiml.Document:
        document = twiml.parse(text)
        for warning in document.warnings:
            self.notify(12200, warning)
        return document

    async def _perform(self, verb: twiml.Verb, base_url: str) -> Request | None:
        """Do what a verb says; returns where the next document comes from, if."""
        match verb:
            case twiml.Say():
                await self._say(verb)
            case twiml.Play():
                await self._play_verb(verb, base_url)
            case twiml.Pause(length_s):
                await self._clock.sleep(length_s)
            case twiml.Redirect(url, method):
                return Request(urljoin(base_url, url), method)
            case twiml.Hangup() | twiml.Reject():
                raise _HangUp
            case twiml.Connect():
                await self._connect(verb.stream, base_url)
                if verb.action:
                    return Request(urljoin(base_url, verb.action), verb.method)
            case twiml.Record():
                return await self._record(verb, base_url)
            case twiml.Gather():
                return await self._gather(verb, base_url)
            case twiml.Dial():
                return await self._dial(verb, base_url)
        return None

    async def _say(self, verb: twiml.Say) -> None:
        language = verb.language.partition("-")[0].lower()
        try:
            pcm = await self.exchange.voice.speak(verb.text, language, "a", SAY_WPM)
        except ValueError as error:
            raise twiml.TwimlError(13512, f"<Say>: {error}") from None
        sound = at_level(sounds.to_8_khz(pcm, 24_000), SAY_RMS)
        for _ in range(max(1, verb.loop)):
            await self._play(sound)

    async def _play_verb(self, verb: twiml.Play, base_url: str) -> None:
        if verb.digits:
            for _ in range(max(1, verb.loop)):
                await self._press_for_them(verb.digits)
            return
        url = urljoin(base_url, verb.url)
        try:
            answer = await self.exchange.webhooks.send(
                url, {}, method="GET", log=self.requests.append
            )
            sound = sounds.read_wav(answer.body)
        except WebhookFailed as error:
            raise twiml.TwimlError(11200, f"{url}: {error.message}") from None
        except ValueError as error:
            raise twiml.TwimlError(12300, f"<Play> {url}: {error}.") from None
        for _ in range(max(1, verb.loop)):
            await self._play(sound)

    async def _press_for_them(self, digits: str) -> None:
        """Play the tones of a keypad; the person notices each as it is played."""
        if self.handset is not None:
            self.handset.hear_keys(digits)
        for digit in digits:
            await self._play(sounds.dtmf(digit))
            if self.handset is not None and digit not in sounds.WAIT_MS:
                self.handset.notice_key(digit)

    async def _play(self, sound: sounds.Samples) -> None:
        """Play to the telephone and wait until it has been heard."""
        self._playout.push(encode_mulaw(np.ascontiguousarray(sound)))
        self._idle.clear()
        await self._idle.wait()

    async def _connect(self, verb: twiml.Stream, base_url: str) -> None:
        call_sid, account_sid = self.sid, self.exchange.config.account_sid
        client = StreamClient(
            verb,
            call_sid=call_sid,
            account_sid=account_sid,
            sign=self.exchange.webhooks.signature,
            notify=self.notify,
            tell=lambda event, error: self._tell_stream(client, verb, event, error),
            faults=self._stream_faults(),
        )
        self.streams.append(client.report)
        self._stream = client
        try:
            await client.run()
        finally:
            self._stream = None

    def _stream_faults(self) -> list[StreamFault]:
        found = []
        while fault := self.exchange.faults.take("stream", self.parameters.to):
            found.append(fault["fault"])
        return found

    def _tell_stream(
        self, client: StreamClient, verb: twiml.Stream, event: str, error: str
    ) -> None:
        if not verb.status_callback:
            return
        values = {
            "CallSid": self.sid,
            "AccountSid": self.exchange.config.account_sid,
            "StreamSid": client.stream_sid,
            "StreamName": verb.name or client.stream_sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(),
        }
        if error:
            values["StreamError"] = error
        method = verb.status_callback_method
        self.exchange.keep(self._send_quietly(verb.status_callback, values, method))

    async def _record(self, verb: twiml.Record, base_url: str) -> Request | None:
        if verb.play_beep:
            await self._play(sounds.beep())
        recorded = bytearray()
        is_done = asyncio.Event()
        keys: list[str] = []
        silent_ms = 0
        has_speech = False

        def on_frame(frame: LineFrame) -> None:
            nonlocal silent_ms, has_speech
            recorded.extend(frame.payload)
            pcm = decode_mulaw(frame.payload).astype(np.float32)
            is_loud = bool(np.sqrt(np.mean(pcm**2)) > SPEECH_RMS)
            has_speech |= is_loud
            silent_ms = 0 if is_loud else silent_ms + FRAME_MS
            if (
                silent_ms >= verb.timeout_s * 1000
                or len(recorded) >= verb.max_length_s * SAMPLE_RATE_HZ
            ):
                is_done.set()

        def on_key(digit: str) -> None:
            if digit in verb.finish_on_key:
                keys.append(digit)
                is_done.set()

        self._recorder, self._on_key = on_frame, on_key
        try:
            await is_done.wait()
        except asyncio.CancelledError:
            keys.append("hangup")
            raise
        finally:
            self._recorder = self._on_key = None
            values = self._store_recording(bytes(recorded), verb) if has_speech else {}
        if not values:
            return None  # nothing was said: the next verb
        url = urljoin(base_url, verb.action) if verb.action else base_url
        return Request(url, verb.method, "", values | {"Digits": "".join(keys)})

    def _store_recording(self, data: bytes, verb: twiml.Record) -> dict[str, str]:
        sid = self.exchange.keep_recording(self.sid, data)
        self.recordings.append(sid)
        values = {
            "RecordingSid": sid,
            "RecordingUrl": self.exchange.recording_url(sid),
            "RecordingDuration": str(round(len(data) / SAMPLE_RATE_HZ)),
        }
        if verb.status_callback:
            fields = values | {
                "CallSid": self.sid,
                "AccountSid": self.exchange.config.account_sid,
                "RecordingStatus": "completed",
                "RecordingChannels": "1",
                "RecordingSource": "RecordVerb",
            }
            method = verb.status_callback_method
            self.exchange.keep(self._send_quietly(verb.status_callback, fields, method))
        return values

    async def _dial(self, verb: twiml.Dial, base_url: str) -> Request | None:
        """Connect whoever is on the line to somebody else."""
        caller_id = verb.caller_id or self.parameters.from_
        own = {*self.exchange.config.from_numbers, self.parameters.from_}
        if caller_id not in own:
            raise twiml.TwimlError(13214, f"<Dial callerId={caller_id!r}> is not ours.")
        leg = self.exchange.create(leg_parameters(verb, caller_id, self.sid))
        transfer = Transfer(leg)
        self.transfers.append(transfer)
        ringing = self._start(self._ring())
        try:
            answered = asyncio.ensure_future(leg.picked_up.wait())
            over = asyncio.ensure_future(leg.ended.wait())
            await asyncio.wait({answered, over}, return_when="FIRST_COMPLETED")
            answered.cancel()
            ringing.cancel()
            self._playout.clear()
            if leg.is_in_progress:
                self._bridge(leg)
                transfer.is_bridged = True
            await over
        finally:
            ringing.cancel()
            answered.cancel()
            over.cancel()
            self._other_leg = leg._other_leg = None
            self._playout.clear()
            leg.hang_up("other_leg")
        if not verb.action:
            return None
        url = urljoin(base_url, verb.action)
        return Request(url, verb.method, "", transfer.outcome())

    async def _ring(self) -> None:
        """Let it ring in the ear of whoever waits."""
        while True:
            await self._play(sounds.ringing(RINGING_MS))

    def _bridge(self, leg: "SimulatedCall") -> None:
        """From now on each hears what the other says."""
        for playout in (self._playout, leg._playout):
            playout.push(bytes([SILENCE_BYTE]) * (BRIDGE_MS * SAMPLE_RATE_HZ // 1000))
        self._other_leg, leg._other_leg = leg._playout, self._playout

    async def _gather(self, verb: twiml.Gather, base_url: str) -> Request | None:
        digits = ""
        pressed: asyncio.Queue[str] = asyncio.Queue()
        self._on_key = pressed.put_nowait
        prompting = self._start(self._prompt(verb, base_url))
        try:
            while verb.n_digits is None or len(digits) < verb.n_digits:
                digit = await self._next_key(pressed, prompting, verb.timeout_s)
                if not digit or digit in verb.finish_on_key:
                    break
                digits += digit
        finally:
            self._on_key = None
            prompting.cancel()
        if not digits and not verb.action_on_empty_result:
            return None
        url = urljoin(base_url, verb.action) if verb.action else base_url
        return Request(url, verb.method, "", {"Digits": digits})

    async def _prompt(self, verb: twiml.Gather, base_url: str) -> None:
        for prompt in verb.prompts:
            await self._perform(prompt, base_url)

    async def _next_key(
        self, pressed: asyncio.Queue[str], prompting: asyncio.Task[None], wait_s: float
    ) -> str:
        """Return the next key, "" if none comes in time after the prompt."""
        getting = asyncio.ensure_future(pressed.get())
        try:
            await asyncio.wait({getting, prompting}, return_when="FIRST_COMPLETED")
            if not getting.done():
                real_s = wait_s / self._clock.speed
                await asyncio.wait({getting}, timeout=real_s)
            if not getting.done():
                return ""
            if not prompting.done():
                prompting.cancel()
                self._playout.clear()
            return getting.result()
        finally:
            getting.cancel()

    # --- what the product is told --------------------------------------------------

    def webhook_parameters(self) -> dict[str, str]:
        """Return the form fields of every request about this call."""
        to, from_ = self.parameters.to, self.parameters.from_
        values = {
            "AccountSid": self.exchange.config.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": self.sid,
            "CallStatus": self.status,
            "Called": to,
            "Caller": from_,
            "Direction": self.parameters.direction,
            "From": from_,
            "To": to,
        }
        if self.answered_by is not None and not self.parameters.async_amd:
            values["AnsweredBy"] = self.answered_by
        if self.parameters.parent_sid:
            values["ParentCallSid"] = self.parameters.parent_sid
        return values

    def _ending(self) -> dict[str, str]:
        seconds = self.duration_s or 0
        minutes = -(-seconds // 60)
        lengths = {"CallDuration": str(seconds), "Duration": str(minutes)}
        return self.end_details | lengths

    def _move_to(
        self, status: str, event: str = "", details: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.date_updated = datetime.now(UTC)
        if event not in self.parameters.status_callback_events:
            return
        if not self.parameters.status_callback:
            return
        values = self.webhook_parameters() | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence_number),
            "Timestamp": self.date_updated.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            **(details or {}),
        }
        self._sequence_number += 1
        self._callbacks.put_nowait(values)

    async def _call_back(self) -> None:
        """Send the status callbacks, one after the other, as they come."""
        url = self.parameters.status_callback
        method = self.parameters.status_callback_method
        late: list[dict[str, str]] = []
        while True:
            values = await self._callbacks.get()
            try:
                faults, to = self.exchange.faults, self.parameters.to
                if faults.take("reorder_status", to) is not None:
                    late.append(values)
                    continue
                n = 2 if faults.take("repeat_status", to) is not None else 1
                await self._send_quietly(url, values, method, n)
                while late:
                    await self._send_quietly(url, late.pop(), method)
            finally:
                self._callbacks.task_done()

    async def _send_quietly(
        self, url: str, values: Mapping[str, str], method: str, n_deliveries: int = 1
    ) -> None:
        """Send a callback whose failure is only recorded."""
        with contextlib.suppress(WebhookFailed):
            try:
                await self.exchange.webhooks.send(
                    url,
                    values,
                    method=method,
                    log=self.requests.append,
                    n_deliveries=n_deliveries,
                )
            except WebhookFailed as error:
                self.notify(error.code, f"{url}: {error.message}")
                raise

    def summary(self) -> dict[str, Any]:
        """Return one line of the list of calls."""
        return {
            "sid": self.sid,
            "status": self.status,
            "to": self.parameters.to,
            "from": self.parameters.from_,
            "person": self.script.id if self.script else None,
            "line_condition": self.line_config.condition,
            "created_at": self.date_created.isoformat(),
            "ended_by": self.ended_by,
            "direction": self.parameters.direction,
            "parent": self.parameters.parent_sid or None,
        }

    def heard_as_dicts(self) -> list[dict[str, Any]]:
        """Return what the person has understood, and when."""
        return [
            {
                "phrase_id": one.phrase_id,
                "text": one.text,
                "language": one.language,
                "started_ms": one.started_ms,
                "ended_ms": one.ended_ms,
            }
            for one in (self.handset.heard if self.handset else ())
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return everything there is to know, for the control API."""
        handset = self.handset
        person = handset.person if handset else None
        return self.summary() | {
            "answered_by": self.answered_by,
            "answered_at": self.start_time and self.start_time.isoformat(),
            "ended_at": self.end_time and self.end_time.isoformat(),
            "duration_s": self.duration_s,
            "line": self.line_config.as_dict()
            | {"changed": self.exchange.lines.changes(self.line_config)},
            "rang_ms": None if self.rang_s is None else round(self.rang_s * 1000),
            "heard": self.heard_as_dicts(),
            "said": [one.as_dict() for one in (handset.said if handset else ())],
            "keys_heard": list(handset.keys_heard) if handset else [],
            "script": {
                "step": person.step,
                "n_steps": len(self.script.steps) if self.script else 0,
                "state": person.state,
                "is_done": person.is_done,
                "outcomes": [
                    {
                        "step": outcome.step,
                        "wanted": list(outcome.wanted),
                        "result": outcome.result.value,
                        "heard": outcome.heard,
                        "reprompts": outcome.reprompts,
                        "at_ms": outcome.at_ms,
                        "recorded": list(outcome.recorded),
                    }
                    for outcome in person.outcomes
                ],
            }
            if person
            else None,
            "transfers": [transfer.as_dict() for transfer in self.transfers],
            "streams": [report.as_dict() for report in self.streams],
            "recordings": list(self.recordings),
            "notifications": list(self.notifications),
            "requests": list(self.requests),
            "clock": self.clock_report.as_dict()
            | {"ears_backlog_frames": handset.max_backlog_frames if handset else 0},
        }

"""The telephone company: its calls, its line, and what every call needs."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import anyio.lowlevel
import httpx2

from lab.config import LabConfig
from lab.lines import Choice, load_lines
from lab.people import Script
from lab.telephone import codecs
from lab.telephone.call import API_VERSION, CallParameters, SimulatedCall
from lab.telephone.clock import Clock
from lab.telephone.faults import Faults
from lab.telephone.handset import Ears, Phrases, Voice
from lab.telephone.line import LineConfig
from lab.telephone.webhooks import Webhooks

MAX_KEPT_CALLS: Final = 200
"""Ended calls beyond this are forgotten, oldest first."""
MAX_KEPT_TAPES: Final = 20
"""What was spoken on ended calls beyond this cannot be listened to any more."""
EAR_THREADS: Final = 2
STOP_TIMEOUT_S: Final = 5.0

MakeEars = Callable[[tuple[str, ...]], Ears]


class Exchange:
    """Everything the simulated telephone company knows.

    Args:
        config: credentials and address.
        people: script by number.
        voice: speaks for the people and for <Say>.
        make_ears: makes the ears of one person, for some languages.
        phrases: the texts of phrases.

    Raises:
        ValueError: somebody's line is none.
        CodecUnavailable: somebody's line needs a codec that is not installed.
    """

    def __init__(
        self,
        config: LabConfig,
        *,
        people: Mapping[str, Script],
        voice: Voice,
        make_ears: MakeEars,
        phrases: Phrases,
    ) -> None:
        self.config = config
        self.people = people
        self.voice, self.make_ears, self.phrases = voice, make_ears, phrases
        self.calls: dict[str, SimulatedCall] = {}
        self.recordings: dict[str, bytes] = {}
        self.lines = load_lines()
        self.line = self.lines.default
        self.number_lines: dict[str, Choice] = {}
        self._next_lines: list[tuple[str, Choice]] = []
        for script in people.values():
            self._check_line(script)
        self.faults = Faults()
        self.clock = Clock(config.clock_speed)
        self.log = logging.getLogger("lab.telephone")
        self.executor = ThreadPoolExecutor(EAR_THREADS, "lab-ears")
        self.webhooks: Webhooks
        self._running: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be open for business; at the end every call is ended."""
        limits = httpx2.Limits(max_connections=200, max_keepalive_connections=0)
        async with httpx2.AsyncClient(
            follow_redirects=False, trust_env=False, limits=limits
        ) as client:
            self.webhooks = Webhooks(self.config.auth_token, client)
            # The client loads its event loop's backend when it is first used, which
            # takes 100 ms: now, rather than in the middle of a call.
            await anyio.lowlevel.checkpoint()
            try:
                yield
            finally:
                await self.stop()
                self.executor.shutdown(wait=False, cancel_futures=True)

    def create(self, parameters: CallParameters) -> SimulatedCall:
        """Begin a call.

        Args:
            parameters: checked already.
        """
        is_incoming = parameters.direction == "inbound"
        person = parameters.from_ if is_incoming else parameters.to
        script = self.people.get(person)
        line = self.line_of(person, is_call=True)
        call = SimulatedCall(self, parameters, script, line)
        self.calls[call.sid] = call
        self._forget_old_calls()
        self.keep(call.run())
        return call

    def line_of(self, number: str, *, is_call: bool = False) -> LineConfig:
        """Return the line to a number: each choice changes or replaces the one before.

        From weak to strong: the default, the person's script, what was set for the
        number, what was set for the next call.

        Args:
            number: of the lab's person.
            is_call: a call is being made: what was set for the next call is used up.
        """
        line = self.line
        script = self.people.get(number)
        if script:
            line = self.lines.choose(script.line, line)
        if number in self.number_lines:
            line = self.lines.choose(self.number_lines[number], line)
        for waiting in self._next_lines:
            if waiting[0] in ("", number):
                line = self.lines.choose(waiting[1], line)
                if is_call:
                    self._next_lines.remove(waiting)
                break
        return line

    def set_line(self, choice: Choice) -> LineConfig:
        """Set the default line of the calls to come.

        Returns:
            the line.

        Raises:
            ValueError: there is no such line.
            CodecUnavailable: its codec is not installed.
        """
        self.line = self._checked(choice)
        return self.line

    def set_number_line(self, number: str, choice: Choice | None) -> LineConfig:
        """Set the line of all calls to come to a number; otherwise as `set_line`.

        Args:
            number: of the lab's person.
            choice: None forgets what was set.
        """
        if choice is None:
            self.number_lines.pop(number, None)
        else:
            self._checked(choice)
            self.number_lines[number] = choice
        return self.line_of(number)

    def set_next_line(self, choice: Choice, number: str = "") -> LineConfig:
        """Set the line of the next call; otherwise as `set_line`.

        Args:
            choice: see `lab.lines`.
            number: the next call to this number; "" is the next call to anybody.
        """
        line = self._checked(choice)
        self._next_lines.append((number, choice))
        return line

    def _checked(self, choice: Choice) -> LineConfig:
        line = self.lines.choose(choice, self.line)
        codecs.require(line.codec)
        return line

    def _check_line(self, script: Script) -> None:
        try:
            self._checked(script.line)
        except ValueError as error:
            raise ValueError(f"{script.id}: {error}") from None
        except codecs.CodecUnavailable as error:
            raise codecs.CodecUnavailable(f"{script.id}: {error}") from None

    async def stop(self) -> None:
        """Hang up every call and wait for its last callback, within bounds."""
        for call in self.calls.values():
            if not call.is_over:
                call.hang_up("shutdown")
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_TIMEOUT_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def reset(self) -> None:
        """End all calls and forget everything."""
        await self.stop()
        self.calls.clear()
        self.recordings.clear()
        self.faults.clear()
        self.line = self.lines.default
        self.number_lines.clear()
        self._next_lines.clear()

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until it is done or the exchange closes."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.error("task_failed", exc_info=error)

    def keep_recording(self, call_sid: str, data: bytes) -> str:
        """Store a recording (mu-law) and return its sid."""
        sid = "RE" + secrets.token_hex(16)
        self.recordings[sid] = data
        return sid

    def recording_url(self, sid: str) -> str:
        """Return where a recording is fetched."""
        account = f"{self.config.base_url}/twilio/{API_VERSION}/Accounts"
        return f"{account}/{self.config.account_sid}/Recordings/{sid}"

    def _forget_old_calls(self) -> None:
        over = [sid for sid, call in self.calls.items() if call.is_over]
        for sid in over[:-MAX_KEPT_TAPES]:
            self.calls[sid].forget_tapes()
        for sid in over[: max(0, len(self.calls) - MAX_KEPT_CALLS)]:
            del self.calls[sid]

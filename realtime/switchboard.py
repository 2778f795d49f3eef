"""One call's engines: opened, replaced, lost and found again.

`realtime.engines.ladder` decides which one is tried; this opens it, tells the session,
and goes on looking for a better one.  A better one that was found is kept open and
silent, which costs nothing, until the session has a moment for it (`swap`).
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.conf import settings

from realtime import events as ev
from realtime.engines.base import FATAL_CODES, Closed, Engine, Refused
from realtime.engines.choice import EngineKind
from realtime.engines.ladder import Ladder
from realtime.events import Leg
from realtime.protocols import openai_realtime as wire
from realtime.sockets import CLOSE_TIMEOUT_S, EngineRefusedError, EngineSocket

log = structlog.get_logger(__name__)

ROLL_OVER_S: Final = 120.0
"""An engine's session is replaced this long before it expires (facts/openai.md 2)."""
ROLL_OVER_PATIENCE_S: Final = 60.0
"""So long an expiring session may take to answer what it was asked."""
LOOK_EVERY_S: Final = 1.0
"""How often it is asked whether a better engine is to be looked for."""

Work = Coroutine[Any, Any, None]


@dataclass(slots=True, eq=False)
class Session:
    """An engine and its socket.

    Attributes:
        kind: the rung that it is; None for the agent, who has only one.
    """

    engine: Engine
    socket: EngineSocket
    kind: EngineKind | None = None
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, on_sent: Callable[[], None] | None = None) -> bool:
        """Send what the engine has to say; False if the socket does not take it."""
        if self.engine.is_idle:
            self._idle.set()
        else:
            self._idle.clear()
        taken = [self.socket.send(text, on_sent) for text in self.engine.take()]
        return all(taken)

    async def finish(self) -> None:
        """Let it say the rest, then close it."""
        if self.engine.by_turns:
            self.send()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self.wait_until_idle()
            await self.socket.close()
            return
        self.engine.close()
        self.send()
        await self.socket.finish()

    async def wait_until_idle(self) -> None:
        """Wait until it has answered everything."""
        await self._idle.wait()


class Switchboard:
    """The engines of one call.

    Args:
        ladders: of the people's legs; other legs have one engine and no other.
        new_engine: makes an engine for a leg, of a kind where there are several.
        dispatch: gives something to the session.
        spawn: starts a task of the call.
        watch: has what an engine uses counted.
        is_wanted: says whether engines are still needed.
        safety_id: who the call is for; hashed.
        call_id: for the log.
    """

    def __init__(
        self,
        ladders: dict[Leg, Ladder],
        *,
        new_engine: Callable[[Leg, EngineKind | None], Engine],
        dispatch: Callable[[ev.Event], None],
        spawn: Callable[[Work, str], object],
        watch: Callable[[Engine], None],
        is_wanted: Callable[[], bool],
        safety_id: str,
        call_id: str,
    ) -> None:
        self._ladders = ladders
        self._new_engine = new_engine
        self._dispatch = dispatch
        self._spawn = spawn
        self._watch = watch
        self._is_wanted = is_wanted
        self._safety_id = safety_id
        self._log = log.bind(call_id=call_id)
        self._sessions: dict[Leg, Session] = {}
        self._spares: dict[Leg, Session] = {}
        self._rollovers: dict[Leg, asyncio.TimerHandle] = {}
        self._looking: set[Leg] = set()
        self._loop = asyncio.get_running_loop()

    def get(self, leg: Leg) -> Session | None:
        """Return what serves a leg."""
        return self._sessions.get(leg)

    # --- Opening ----------------------------------------------------------------------

    async def open(self, leg: Leg) -> None:
        """Open and configure a leg's engine.

        Raises:
            EngineRefusedError: it said no.
        """
        ladder = self._ladders.get(leg)
        session = await self._open_session(leg, ladder.kind if ladder else None)
        self._install(leg, session)
        if ladder is not None and session.kind is not None:
            ladder.opened(session.kind, self._loop.time())
        self._dispatch(ev.EngineReady(leg, session.kind or ""))
        self._look_for_better(leg)

    async def reopen(self, leg: Leg) -> None:
        """Open an engine for a leg, however long it takes, while the call lives."""
        ladder = self._ladders.get(leg) or Ladder([EngineKind.INTERPRET])
        while self._is_wanted():
            if self._use_spare(leg):
                return
            if ladder.kind is EngineKind.FILE:
                self._dispatch(ev.EngineGone(leg))
                self._look_for_better(leg)
                return
            try:
                await self.open(leg)
            except EngineRefusedError as error:
                self._log.warning(
                    "engine_refused", leg=leg, kind=ladder.kind, code=error.code
                )
                await asyncio.sleep(ladder.refused(error.code, self._loop.time()))
            else:
                return

    async def _open_session(self, leg: Leg, kind: EngineKind | None) -> Session:
        session = self._new_session(leg, kind)
        await session.socket.open()
        return session

    def _new_session(self, leg: Leg, kind: EngineKind | None) -> Session:
        engine = self._new_engine(leg, kind)
        session: Session

        def on_event(event: wire.ServerEvent) -> None:
            self._on_event(leg, session, event)

        def on_lost() -> None:
            self._on_lost(leg, session)

        socket = EngineSocket(
            url=f"{settings.OPENAI_REALTIME_URL}{engine.path}",
            api_key=settings.OPENAI_API_KEY,
            update=engine.session_update(),
            on_event=on_event,
            on_lost=on_lost,
            safety_id=self._safety_id,
            max_speed=engine.max_speed,
        )
        session = Session(engine, socket, kind)
        return session

    def _install(self, leg: Leg, session: Session) -> None:
        """Have a leg served by an open session."""
        self._sessions[leg] = session
        self._watch(session.engine)
        if (rollover := self._rollovers.pop(leg, None)) is not None:
            rollover.cancel()
        expires_at = session.socket.expires_at
        if expires_at is not None:
            delay_s = max(10.0, expires_at - time.time() - ROLL_OVER_S)
            self._rollovers[leg] = self._loop.call_later(
                delay_s, lambda: self._spawn(self._roll_over(leg), f"roll-over-{leg}")
            )

    async def _roll_over(self, leg: Leg) -> None:
        """Replace a session about to expire; the old one says its last words."""
        old = self._sessions.get(leg)
        if old is not None and old.engine.by_turns:
            # What it was asked must not be asked of its successor as well.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROLL_OVER_PATIENCE_S):
                    await old.wait_until_idle()
        if self._sessions.get(leg) is not old:
            return  # somebody else has taken over meanwhile
        try:
            await self.open(leg)
        except EngineRefusedError as error:
            self._log.warning("roll_over_refused", leg=leg, code=error.code)
            return
        if old is not None:
            await old.finish()

    # --- Looking for a better one -----------------------------------------------------

    def save_money(self) -> None:
        """Use nothing dearer than an interpreter by turns from now on."""
        for leg, ladder in self._ladders.items():
            ladder.cap(EngineKind.INTERPRET, self._loop.time())
            spare = self._spares.get(leg)
            if spare is not None and spare.kind not in ladder.wanted():
                self._let_spare_go(leg, spare)
            self._look_for_better(leg)

    def _let_spare_go(self, leg: Leg, spare: Session) -> None:
        del self._spares[leg]
        self._spawn(spare.socket.close(), f"let-go-{leg}")
        self._dispatch(ev.EngineFound(leg, ""))

    def swap(self, leg: Leg) -> None:
        """Let the spare engine serve: the session has a moment for it."""
        spare, old = self._spares.pop(leg, None), self._sessions.get(leg)
        if spare is None:
            return
        self._serve(leg, spare)
        if old is not None:
            self._spawn(old.finish(), f"let-finish-{leg}")

    def _use_spare(self, leg: Leg) -> bool:
        """Have the spare engine serve at once, if there is one."""
        spare = self._spares.pop(leg, None)
        if spare is None:
            return False
        self._serve(leg, spare)
        self._dispatch(ev.EngineReady(leg, spare.kind or ""))
        return True

    def _serve(self, leg: Leg, spare: Session) -> None:
        self._install(leg, spare)
        if spare.kind is not None:
            self._ladders[leg].opened(spare.kind, self._loop.time())
        self._look_for_better(leg)

    def _look_for_better(self, leg: Leg) -> None:
        ladder = self._ladders.get(leg)
        if (
            ladder is not None
            and ladder.look_at < math.inf
            and (leg not in self._looking)
        ):
            self._looking.add(leg)
            self._spawn(self._look(leg, ladder), f"look-{leg}")

    async def _look(self, leg: Leg, ladder: Ladder) -> None:
        """Open another engine than the one that serves, as soon as there is one."""
        try:
            while self._is_wanted() and ladder.look_at < math.inf:
                is_due = self._loop.time() >= ladder.look_at
                if not is_due or leg in self._spares:
                    await asyncio.sleep(LOOK_EVERY_S)
                elif not await self._find(leg, ladder):
                    ladder.looked(self._loop.time())
        finally:
            self._looking.discard(leg)

    async def _find(self, leg: Leg, ladder: Ladder) -> bool:
        for kind in ladder.wanted():
            try:
                session = await self._open_session(leg, kind)
            except EngineRefusedError as error:
                self._log.info(
                    "engine_still_refused", leg=leg, kind=kind, code=error.code
                )
                continue
            if not self._is_wanted() or kind not in ladder.wanted():
                await session.socket.close()
                return True  # what was looked for has changed
            self._log.info("engine_found", leg=leg, kind=kind)
            self._spares[leg] = session
            if leg in self._sessions:
                self._dispatch(ev.EngineFound(leg, kind))
            elif ladder.kind is EngineKind.FILE:
                self._use_spare(leg)  # nobody serves: there is nothing to hand over
            return True
        return False

    # --- What engines say -------------------------------------------------------------

    def _on_event(self, leg: Leg, session: Session, event: wire.ServerEvent) -> None:
        if session.engine.by_turns and self._sessions.get(leg) is not session:
            return  # its successor answers
        for ours in session.engine.receive(event):
            if isinstance(ours, Closed):
                continue  # now the socket closes, and `finish` returns
            if isinstance(ours, Refused):
                self._log.warning("engine_error", leg=leg, code=ours.code)
                if ours.code in FATAL_CODES:
                    self._on_lost(leg, session)
                continue
            self._dispatch(ours)
        session.send()

    def answered(self, leg: Leg, *, is_failed: bool) -> None:
        """An utterance of a leg was interpreted, or could not be."""
        ladder, session = self._ladders.get(leg), self._sessions.get(leg)
        if ladder is None or session is None or leg in self._spares:
            return
        if ladder.answered(self._loop.time(), is_failed=is_failed):
            self._log.warning("engine_given_up", leg=leg, kind=session.kind)
            self._drop(leg, session)

    def _on_lost(self, leg: Leg, session: Session) -> None:
        if self._spares.get(leg) is session:
            self._let_spare_go(leg, session)
        if self._sessions.get(leg) is not session:
            return
        if (ladder := self._ladders.get(leg)) is not None:
            ladder.lost(self._loop.time())
        self._log.warning("engine_lost", leg=leg, kind=session.kind)
        self._drop(leg, session)

    def _drop(self, leg: Leg, session: Session) -> None:
        """A session serves no longer; another one is opened."""
        del self._sessions[leg]
        self._spawn(session.socket.close(), f"let-go-{leg}")
        self._dispatch(ev.EngineLost(leg))
        self._spawn(self.reopen(leg), f"reopen-{leg}")

    # --- The end ----------------------------------------------------------------------

    async def finish(self, leg: Leg) -> None:
        """Let a leg's engine say the rest."""
        session = self._sessions.get(leg)
        if session is not None:
            await session.finish()

    def stop(self) -> None:
        """Nothing is replaced any more."""
        for rollover in self._rollovers.values():
            rollover.cancel()

    async def close(self) -> None:
        """Let go of every session."""
        sessions = [*self._sessions.values(), *self._spares.values()]
        closing = [session.socket.close() for session in sessions]
        await asyncio.gather(*closing, return_exceptions=True)
        self._sessions.clear()
        self._spares.clear()

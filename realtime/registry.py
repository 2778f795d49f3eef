"""The live calls of this process: started, found, taken up again, let go.

A call lives in one process.  Starting one is (1) the claim in the database, (2) engines
and greeting, (3) the telephone company, never asked twice, (4) its name for the call.
Whoever asks meanwhile waits for the first one's result.
"""

import asyncio
from http import HTTPStatus
from typing import Final
from uuid import UUID

import structlog

from calls import reasons
from calls.services import CallRefused
from calls.twilio import UNREACHABLE, TelephoneRefused
from realtime import services
from realtime.bridge import LiveCall, weakly
from realtime.rehearsal.partner import Partner
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from wigvo import notify
from wigvo.database import in_database
from wigvo.models import User

log = structlog.get_logger(__name__)

DIAL_TIMEOUT_S: Final = 12.0
"""The telephone company has 10 s (calls.twilio); this is the net below it."""
_BUSY_REASONS: Final = frozenset({"telephone_busy", "telephone_full"})

_live: dict[UUID, LiveCall] = {}
_starting: dict[UUID, asyncio.Task[CallFacts]] = {}


def live_ids() -> list[UUID]:
    """List the calls that have a session here, or are about to."""
    return [*_live, *_starting]


def get(call_id: UUID) -> LiveCall | None:
    """Return a call's session, if it lives here."""
    return _live.get(call_id)


async def start(call_id: UUID, user: User, address: str) -> CallFacts:
    """Start a call, or find that it is already going on.

    Args:
        call_id: the user's own call.
        user: its owner.
        address: where the request came from, for the limits.

    Returns:
        what is known of the call now.

    Raises:
        CallRefused: it is not dialled; the call is `failed` where it was claimed.
    """
    task = _starting.get(call_id)
    if task is None:
        task = asyncio.create_task(_start(call_id, user, address), name="call-start")
        _starting[call_id] = task
        task.add_done_callback(lambda _: _starting.pop(call_id, None))
    # A client that goes away must not leave a call half dialled.
    return await asyncio.shield(task)


async def _start(call_id: UUID, user: User, address: str) -> CallFacts:
    facts, must_dial = await in_database(services.claim, call_id, user, address)
    if not must_dial:
        return facts
    live = LiveCall(facts, on_over=_forget)
    try:
        await live.prepare()
    except EngineRefusedError as error:
        log.warning("call_not_started", call_id=str(call_id), code=error.code)
        await in_database(services.fail, call_id, "engine_refused")
        status = (
            HTTPStatus.TOO_MANY_REQUESTS
            if error.is_limit
            else HTTPStatus.SERVICE_UNAVAILABLE
        )
        raise CallRefused("engine_refused", http_status=status) from error
    except BaseException:
        await in_database(services.fail, call_id, "engine_refused")
        raise
    if not await in_database(services.is_wanted, call_id):
        await live.abandon()
        return await in_database(services.find_call, call_id) or facts
    # Twilio's webhooks may come before its answer does, so the session is there first.
    _live[call_id] = live
    live.begin()
    if facts.is_rehearsal:
        await _rehearse(facts, live)
    else:
        await _dial(call_id, live)
    return await in_database(services.find_call, call_id) or facts


async def _rehearse(facts: CallFacts, live: LiveCall) -> None:
    """Have the callee played; nothing is dialled."""
    partner = Partner(
        facts,
        dispatch=weakly(live.dispatch),
        attach=weakly(live.attach_phone),
        detach=weakly(live.detach_phone),
    )
    try:
        await partner.open()
    except EngineRefusedError as error:
        log.warning("partner_refused", code=error.code)
        await in_database(services.fail, facts.call_id, "engine_refused")
        await live.abandon()
        raise CallRefused(
            "engine_refused", http_status=HTTPStatus.SERVICE_UNAVAILABLE
        ) from error
    live.rehearse(partner)


async def _dial(call_id: UUID, live: LiveCall) -> None:
    try:
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            sid = await in_database(services.dial, call_id)
    except (TelephoneRefused, TimeoutError) as error:
        code = error.code if isinstance(error, TelephoneRefused) else UNREACHABLE
        reason = reasons.of_twilio_error(code)
        await in_database(services.fail, call_id, reason)
        await live.abandon()
        raise CallRefused(
            reason,
            message=reasons.explain(reason).sentence,
            http_status=_http_status_of(code, reason),
        ) from error
    if not await in_database(services.store_dialled, call_id, sid):
        await in_database(services.hang_up, call_id)


def _http_status_of(code: int, reason: str) -> HTTPStatus:
    if reason in _BUSY_REASONS:
        return HTTPStatus.TOO_MANY_REQUESTS
    if code == UNREACHABLE:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.BAD_GATEWAY


async def ensure(facts: CallFacts) -> LiveCall | None:
    """Return the session of a live call; make one if a restart has taken it away.

    Args:
        facts: the call, just looked up, on this node.

    Returns:
        its session, or None if the call is over.
    """
    starting = _starting.get(facts.call_id)
    if starting is not None and facts.call_id not in _live:
        await asyncio.wait([starting], timeout=DIAL_TIMEOUT_S)
    if (live := _live.get(facts.call_id)) is not None:
        return live
    if not facts.is_live:
        return None
    if facts.is_rehearsal:
        # Whoever played the other side is gone with the session.
        await in_database(services.fail, facts.call_id, "server_restarted")
        return None
    live = _live[facts.call_id] = LiveCall(facts, on_over=_forget)
    if facts.is_new:
        live.begin_reception()
        log.info("call_received", call_id=str(facts.call_id))
    else:
        live.begin_again()
        log.info("call_taken_up_again", call_id=str(facts.call_id))
    return live


def prewarm(call_id: UUID) -> None:
    """Get ready for a call to us while Twilio reads our answer; from any thread."""
    loop = notify.get_loop()
    if loop is not None and loop.is_running():
        asyncio.run_coroutine_threadsafe(_prewarm(call_id), loop)


async def _prewarm(call_id: UUID) -> None:
    facts = await in_database(services.find_call, call_id)
    if facts is not None:
        await ensure(facts)


async def end(call_id: UUID, reason: str) -> bool:
    """End a call that lives here.

    Returns:
        whether it does.
    """
    live = _live.get(call_id)
    if live is None:
        return False
    live.end(reason)
    await live.wait_until_stored()
    return True


async def close_all() -> None:
    """Let go of every call because the process stops; the calls themselves go on."""
    for task in list(_starting.values()):
        task.cancel()
    await asyncio.gather(
        *(live.abandon() for live in list(_live.values())), return_exceptions=True
    )


def _forget(live: LiveCall) -> None:
    if _live.get(live.facts.call_id) is live:
        del _live[live.facts.call_id]

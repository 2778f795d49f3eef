"""Take up, or finish, the calls that a crash left without a session.

A live call belongs to a session in the memory of one relay node.  When the node has
been restarted, the telephone call may still be going on: then Twilio is asked to open
its media stream anew.  Otherwise the call is finished, so nothing stays live for ever.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from calls import services, twilio
from calls.models import TERMINAL, Call, CallEvent, IdempotencyKey, Outcome, Status

log = structlog.get_logger(__name__)

DIAL_GRACE = timedelta(seconds=60)
"""A start takes 15 s at most (design section 2); after this it has failed."""
RESUME_GRACE = timedelta(seconds=20)
"""How long Twilio has to open the stream that it was asked for."""
MAX_RESUMES = 3
RING_LIMIT = timedelta(seconds=120)
"""Longer than Twilio lets a telephone ring (60 s by default)."""
EXPIRY_SLACK = timedelta(minutes=5)

LiveIds = Callable[[], Collection[UUID]]

_live_ids: LiveIds | None = None


def register_sessions(live_ids: LiveIds | None) -> None:
    """Name the function that lists the calls with a session in this process."""
    global _live_ids
    _live_ids = live_ids


def reconcile_this_node() -> int:
    """Look after the calls of this process; does nothing where no sessions live."""
    if _live_ids is None:
        return 0
    return reconcile(settings.RELAY_NODE_URL, _live_ids)


def reconcile(node_url: str, live_ids: LiveIds) -> int:
    """Take up or finish each live call of a node that has no session.

    Args:
        node_url: The node's address, as stored with its calls.
        live_ids: Lists the calls that have a session.  Asked after the database, so
            a call that has just begun is not taken for an orphan.

    Returns: how many calls were without a session.
    """
    calls = list(Call.objects.live().filter(node_url=node_url))
    with_session = set(live_ids())
    orphans = [call for call in calls if call.pk not in with_session]
    for call in orphans:
        try:
            _reconcile_one(call)
        except twilio.TelephoneRefused as error:
            # Asked again next time; `expire` ends it if that never helps.
            log.warning("reconcile_failed", call_id=str(call.pk), code=error.code)
    return len(orphans)


def _reconcile_one(call: Call) -> None:
    now = timezone.now()
    if call.is_rehearsal:
        _fail(call, "server_restarted")
        return
    if call.twilio_sid is None:
        if (call.queued_at or call.created_at) < now - DIAL_GRACE:
            _fail(call, "never_dialled")
        return
    status = twilio.fetch_status(call.twilio_sid)
    if status is None:
        _fail(call, "server_restarted")
    elif status in TERMINAL:
        _record_ended(call, status)
    elif status == Status.IN_PROGRESS:
        _take_up(call)
    # A telephone that still rings gets its stream from /twilio/voice when answered.


def _take_up(call: Call) -> None:
    services.record_status(call.pk, Status.IN_PROGRESS, source="reconcile")
    asked = CallEvent.objects.filter(call=call, kind="resume_asked")
    last = asked.last()
    if last is not None and last.at > timezone.now() - RESUME_GRACE:
        return
    if asked.count() >= MAX_RESUMES:
        _fail(call, "server_restarted")
        twilio.hang_up(call.twilio_sid or "")
        return
    services.append_event(call.pk, "resume_asked")
    twilio.resume(call.twilio_sid or "", call.pk)
    log.info("call_resume_asked", call_id=str(call.pk))


def _record_ended(call: Call, status: Status) -> None:
    reason = "server_restarted" if status == Status.COMPLETED else status.value
    if status == Status.FAILED:
        reason = "unreachable"
    services.record_status(
        call.pk,
        status,
        reason=reason,
        outcome=Outcome.PARTIAL if status == Status.COMPLETED else "",
        source="reconcile",
    )


def _fail(call: Call, reason: str) -> None:
    was_connected = call.answered_at is not None
    services.record_status(
        call.pk,
        Status.FAILED,
        reason=reason,
        outcome=Outcome.PARTIAL if was_connected else Outcome.FAILED,
        source="reconcile",
    )


def expire() -> int:
    """Finish calls of any node that cannot be going on any more.

    Twilio itself ends a call at its time limit, so nothing has to be asked: this is
    for nodes that never came back.  Also forgets old idempotency keys.

    Returns: how many calls were finished.
    """
    now = timezone.now()
    longest = timedelta(seconds=settings.CALL_MAX_SECONDS) + RING_LIMIT + EXPIRY_SLACK
    expired = list(Call.objects.live().filter(queued_at__lt=now - longest))
    for call in expired:
        _fail(call, "server_restarted")
    IdempotencyKey.objects.filter(
        created_at__lt=now - services.IDEMPOTENCY_LIFETIME
    ).delete()
    return len(expired)

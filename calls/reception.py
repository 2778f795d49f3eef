"""Calls to our own numbers: which line answers, whether it may, and what is kept.

A line answers at once, whatever the time is; when it is closed, the assistant says so
and takes a message.  It does not answer beyond its limits.  Those are the line's own: a
person's live calls, minutes and money of a day are about the calls that they make, so
whoever is called a lot can still make calls, and nobody's calls close their line.

A line's secret is the one thing that lets a document kept at Twilio open a stream
without asking us first.  It is shown once and stored as a hash.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, F, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from phonenumber_field.phonenumber import to_python

from calls import hours, letters, services
from calls.models import (
    Call,
    Direction,
    Mode,
    Outcome,
    ReceptionLine,
    Status,
    TurnDetection,
)

log = structlog.get_logger(__name__)

Prewarm = Callable[[UUID], None]

_prewarm: Prewarm | None = None


class Reply(StrEnum):
    """What is done with somebody who calls one of our numbers."""

    NO_LINE = "no_line"
    """The number answers nobody."""
    REFUSED = "refused"
    """The line may not take the call now."""
    CONNECT = "connect"
    OVER = "over"
    """The call has ended already; Twilio asks again."""


@dataclass(frozen=True, slots=True)
class Received:
    """An incoming call, and what is done with it."""

    reply: Reply
    call: Call | None = None
    is_new: bool = False


def register_prewarm(prewarm: Prewarm | None) -> None:
    """Name what opens a call's engines on this node while Twilio reads our answer."""
    global _prewarm
    _prewarm = prewarm


# --- Lines ---------------------------------------------------------------------------


def rotate_secret(line: ReceptionLine) -> str:
    """Give a line a new secret; the old one is worth nothing any more.

    Returns: what `<Parameter name="line">` of a static document has to say.
    """
    secret = secrets.token_urlsafe(32)
    line.secret_hash = _hash(secret)
    line.secret_changed_at = timezone.now()
    line.save(update_fields=["secret_hash", "secret_changed_at"])
    return f"{line.pk}.{secret}"


def line_of(parameter: str) -> ReceptionLine | None:
    """Return the active line that a static document proves to be for."""
    line_id, _, secret = parameter.partition(".")
    try:
        line = _active().filter(pk=UUID(line_id)).first()
    except ValueError:
        return None
    if line is None or not line.secret_hash:
        return None
    is_right = hmac.compare_digest(line.secret_hash, _hash(secret))
    return line if is_right else None


def _hash(secret: str) -> str:
    # 32 random bytes cannot be guessed, so a fast hash does.
    return hashlib.sha256(secret.encode()).hexdigest()


def _active() -> Any:
    return ReceptionLine.objects.filter(is_active=True, owner__is_active=True)


# --- Somebody calls ------------------------------------------------------------------


def receive(*, sid: str, to: str, from_number: str) -> Received:
    """Take an incoming call, once; Twilio may ask about the same one again.

    Args:
        sid: Twilio's name for the call.
        to: Which of our numbers was called.
        from_number: Whose call it is, as far as that is told.
    """
    number = to_python(to)
    line = _active().filter(number=number).first() if number else None
    if line is None:
        return Received(Reply.NO_LINE)
    received = _take(line.pk, sid, from_number)
    if received.is_new and received.reply is Reply.CONNECT and _prewarm is not None:
        assert received.call is not None  # noqa: S101 -- connected
        _prewarm(received.call.pk)
    return received


def admit(line: ReceptionLine, *, sid: str, from_number: str) -> Received:
    """Take a call that a static document has connected to us already."""
    return _take(line.pk, sid, from_number)


@transaction.atomic
def _take(line_id: UUID, sid: str, from_number: str) -> Received:
    # The line's row is the lock that makes its limits true, and each call one call.
    line = ReceptionLine.objects.select_for_update().get(pk=line_id)
    known = Call.objects.filter(twilio_sid=sid).first()
    if known is not None:
        return _again(known)
    problem = _why_not(line)
    call = Call.objects.create(
        owner_id=line.owner_id,
        line=line,
        direction=Direction.INBOUND,
        mode=Mode.AGENT,
        from_number=_number_or_nothing(from_number),
        to_number=line.number,
        caller_language=line.owner_language,
        callee_language=line.language,
        brief=brief_of(line, from_number),
        twilio_sid=sid,
        node_url=settings.RELAY_NODE_URL,
        queued_at=timezone.now(),
    )
    if problem:
        services.record_status(
            call.pk,
            Status.BUSY,
            reason=problem,
            outcome=Outcome.UNREACHABLE,
            source="incoming",
        )
        return Received(Reply.REFUSED, _fresh(call), is_new=True)
    services.record_status(call.pk, Status.IN_PROGRESS, source="incoming")
    return Received(Reply.CONNECT, _fresh(call), is_new=True)


def _again(call: Call) -> Received:
    if call.is_live:
        return Received(Reply.CONNECT, call)
    is_refused = call.status == Status.BUSY
    return Received(Reply.REFUSED if is_refused else Reply.OVER, call)


def _fresh(call: Call) -> Call:
    call.refresh_from_db()
    return call


def _number_or_nothing(text: str) -> str:
    """Return a number as it can be stored; nothing where it was withheld."""
    number = to_python(text)
    return str(number) if number and number.is_valid() else ""


def _why_not(line: ReceptionLine) -> str:
    """Return the reason why a line takes no call now, or nothing."""
    if Call.objects.filter(line=line).live().count() >= line.max_calls:
        return "line_busy"
    if minutes_today(line) >= line.daily_minutes:
        return "line_minutes"
    if services.usd_left(line.owner, direction=Direction.INBOUND) <= 0:
        return "line_spend"
    return ""


def minutes_today(line: ReceptionLine) -> float:
    """Add up how long a line was connected in the last 24 hours, minutes."""
    now = timezone.now()
    spent = Call.objects.filter(
        line=line, answered_at__gte=now - timedelta(hours=24)
    ).aggregate(
        spent=Sum(
            Coalesce(F("ended_at"), Value(now, output_field=DateTimeField()))
            - F("answered_at")
        )
    )["spent"]
    return float(spent.total_seconds() / 60) if spent else 0.0


def brief_of(line: ReceptionLine, from_number: str = "") -> dict[str, Any]:
    """Write down what the assistant works from, as the line is now.

    Kept with the call: what a line says may be changed while it is being said.
    """
    turns = None
    if line.turn_detection == TurnDetection.PROVIDER:
        turns = {
            "threshold": line.vad_threshold,
            "prefix_ms": line.vad_prefix_ms,
            "silence_ms": line.vad_silence_ms,
        }
    now = timezone.now().astimezone(ZoneInfo(line.time_zone))
    return {
        "goal": f"Reception of {line.name}",
        "reception": {
            "line": line.name,
            "persona": line.persona,
            "instructions": line.instructions,
            "greeting": line.greeting,
            "voice": line.voice,
            "languages": list(line.languages),
            "opening_hours": hours.describe(line.opening_hours),
            "time_zone": line.time_zone,
            "is_open": hours.is_open(line.opening_hours, now),
            "ask": list(line.must_ask),
            "transfer": bool(line.transfer_number),
            "caller_number": _number_or_nothing(from_number),
            "turn_detection": turns,
            "max_seconds": line.max_seconds,
        },
    }


# --- Put through ---------------------------------------------------------------------


@transaction.atomic
def record_transfer(call_id: UUID, *, is_connected: bool) -> None:
    """Keep what came of putting somebody through; we have left the call by then."""
    call = Call.objects.select_for_update().get(pk=call_id)
    services.append_event(call_id, "transfer_ended", {"is_connected": is_connected})
    if is_connected:
        return
    # Whoever was put through to nobody has not got what they called for.
    call.reason, call.outcome = "transfer_unanswered", Outcome.CALLBACK_NEEDED
    call.save(update_fields=["reason", "outcome"])
    letters.request(call_id)

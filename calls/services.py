"""Everything that changes a call.  Short transactions; nothing else writes.

A call's status only ever moves forward,

    draft -> queued -> ringing -> in_progress -> completed
                                              -> busy, no_answer, failed, canceled

and `record_status` is the one place that moves it.  Steps may be left out, reports may
come twice or in the wrong order, and a call that is over stays as it ended.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from calls import numbers, openings
from calls.models import (
    TERMINAL,
    AnsweredBy,
    Call,
    CallEvent,
    CallQuerySet,
    Direction,
    IdempotencyKey,
    Mode,
    OnVoicemail,
    Outcome,
    Spent,
    Status,
    Summary,
    Utterance,
)
from calls.reasons import REFUSALS, Text
from realtime.engines.catalogue import catalogue
from realtime.engines.choice import CALLER_LANGUAGES, supports
from realtime.engines.usage import Usage
from realtime.figures.cost import CostMeter, Tariff
from wigvo.models import User
from wigvo.notify import notify, publish, publish_user

log = structlog.get_logger(__name__)

IDEMPOTENCY_LIFETIME = timedelta(hours=24)
"""Contract section 2."""
MAX_KEY_LENGTH = 200

SUPPORTED_MODES = frozenset(Mode)

SUMMARY_AFTER = timedelta(minutes=2)
"""If the relay has not said by then that everything is written down, it never will."""

_RANK = {
    Status.DRAFT: 0,
    Status.QUEUED: 1,
    Status.RINGING: 2,
    Status.IN_PROGRESS: 3,
    **dict.fromkeys(TERMINAL, 4),
}
_NOBODY = frozenset({AnsweredBy.VOICEMAIL, AnsweredBy.FAX, AnsweredBy.SILENCE})
"""Answers after which nothing can have been agreed."""
_OUTCOME = {
    Status.BUSY: Outcome.UNREACHABLE,
    Status.NO_ANSWER: Outcome.UNREACHABLE,
    Status.FAILED: Outcome.FAILED,
}
"""What a call came to if nobody knows better."""


class CallRefused(Exception):
    """What was asked for is not done; says why, in the reader's language."""

    def __init__(
        self,
        code: str,
        *,
        message: Text = "",
        http_status: int | None = None,
        field: str | None = None,
    ) -> None:
        """Look up what `calls.reasons.REFUSALS` knows of the code, unless told."""
        known = REFUSALS.get(code)
        if known is None and not (message and http_status):
            raise KeyError(code)
        self.code = code
        self.message = str(message or (known.sentence if known else ""))
        self.http_status = int(http_status or (known.http_status if known else 0))
        self.field = field or (known.field if known else None)
        super().__init__(f"{code}: {self.message}")


# --- Who may call whom ---------------------------------------------------------------


def ensure_may_call(user: User, number: str, *, address: str = "") -> None:
    """Check everything that has to be true before a number is dialled, now.

    Counts as a start of this person and address if nothing else stands in the way.
    Raises: CallRefused.
    """
    ensure_verified(user)
    check_number(number)
    _ensure_no_live_call(user)
    _ensure_minutes_left(user)
    if usd_left(user) <= 0:
        raise CallRefused("spend_limit")
    if address:
        _count_start(
            f"address:{address}",
            settings.CALL_STARTS_PER_MINUTE_PER_ADDRESS,
            "address_starts_limit",
        )
    _count_start(
        f"user:{user.pk}",
        _limit(user.starts_per_minute, settings.CALL_STARTS_PER_MINUTE_PER_USER),
        "starts_limit",
    )


def ensure_verified(user: User) -> None:
    """Refuse people whose e-mail address is not theirs for certain."""
    if not EmailAddress.objects.filter(user=user, verified=True).exists():
        raise CallRefused("email_not_verified")


def check_number(number: str) -> str:
    """Return a number in E.164 if it may be dialled.  Raises: CallRefused."""
    try:
        return numbers.normalise(number)
    except numbers.NumberRefused as error:
        raise CallRefused(error.code) from error


def _limit(own: int | None, default: int) -> int:
    return default if own is None else own


def _made_by(user: User, direction: str = Direction.OUTBOUND) -> CallQuerySet:
    """Return a person's calls of one direction: incoming ones have their own limits."""
    return Call.objects.filter(owner=user, direction=direction)


def _ensure_no_live_call(user: User) -> None:
    live = _made_by(user).live().count()
    if live >= _limit(user.max_live_calls, settings.CALL_MAX_LIVE_PER_USER):
        raise CallRefused("live_call_limit")


def _ensure_minutes_left(user: User) -> None:
    allowed = _limit(user.daily_minutes, settings.CALL_DAILY_MINUTES_PER_USER)
    if spent_today(user) >= timedelta(minutes=allowed):
        raise CallRefused("daily_minutes_limit")


def spent_today(user: User) -> timedelta:
    """Add up how long this person's own calls have taken in the last 24 hours."""
    # One clock for all of it: a database's own NOW() has its own precision.
    now = timezone.now()
    spent = (
        _made_by(user)
        .filter(answered_at__gte=now - timedelta(hours=24))
        .aggregate(
            spent=Sum(
                Coalesce(F("ended_at"), Value(now, output_field=DateTimeField()))
                - F("answered_at")
            )
        )["spent"]
    )
    return (spent or timedelta()) + timedelta(seconds=_deleted(user)["seconds"] or 0)


def _deleted(user: User, direction: str = Direction.OUTBOUND) -> dict[str, Any]:
    """Add up what this person's deleted calls of the last 24 hours had used."""
    since = timezone.now() - timedelta(hours=24)
    rows = Spent.objects.filter(owner=user, direction=direction, at__gte=since)
    return rows.aggregate(seconds=Sum("seconds"), usd=Sum("usd"))


def usd_left(
    user: User,
    *,
    besides: UUID | None = None,
    direction: str = Direction.OUTBOUND,
) -> Decimal:
    """Say what one call of this person may cost, USD; zero or less: nothing.

    Args:
        user: Whose calls.
        besides: That call; what it has cost itself is not taken off.
        direction: Calls that they make, or that they get: each has a day's money.
    """
    a_call = _money(user.usd_per_call, settings.CALL_MAX_USD)
    a_day = _money(user.daily_usd, settings.CALL_DAILY_USD_PER_USER)
    since = timezone.now() - timedelta(hours=24)
    spent = (
        _made_by(user, direction)
        .filter(Q(queued_at__gte=since) | Q(answered_at__gte=since))
        .exclude(pk__in=[besides] if besides else [])
        .aggregate(usd=Sum("cost_usd"))["usd"]
    )
    deleted = _deleted(user, direction)["usd"] or Decimal(0)
    return min(a_call, a_day - (spent or Decimal(0)) - deleted)


def _money(own: Decimal | None, default: float) -> Decimal:
    return Decimal(str(default)) if own is None else Decimal(own)


def _count_start(who: str, limit: int, code: str) -> None:
    if count_in_minute(f"starts:{who}") > limit:
        raise CallRefused(code)


def count_in_minute(what: str) -> int:
    """Count one more of something in the minute that its first has begun, atomically.

    A minute of the clock would let twice as many through at its end.
    """
    cache.add(what, 0, 60)
    try:
        return int(cache.incr(what))
    except ValueError:  # dropped between the two calls
        return 1


# --- From draft to dialled -----------------------------------------------------------


def create_call(
    *,
    owner: User,
    to_number: str,
    mode: str = Mode.VOICE,
    caller_language: str,
    callee_language: str,
    callee_name: str = "",
    brief: Mapping[str, Any] | None = None,
    opening: str = "",
    record: bool = False,
    on_voicemail: str = OnVoicemail.HANG_UP,
    voicemail_message: str = "",
) -> Call:
    """Note down a call that may be started later.

    Args:
        owner: Whose call it is.
        to_number: As it was written.
        mode: One of `Mode`.
        caller_language: ISO 639-1.
        callee_language: ISO 639-1.
        callee_name: For the history.
        brief: What it is about.
        opening: Who calls and why, said first; empty: as this person usually
            introduces themselves.
        record: Whether it is recorded, if the callee agrees.
        on_voicemail: What becomes of a voicemail.
        voicemail_message: What is left on it; empty: who calls and why, if that is
            said, and that they will call again.

    Raises: CallRefused.
    """
    ensure_verified(owner)
    if mode not in SUPPORTED_MODES:
        raise CallRefused("unsupported_mode")
    if mode == Mode.AGENT and not (brief or {}).get("goal", "").strip():
        raise CallRefused("goal_missing")
    _ensure_languages(mode, caller_language, callee_language)
    opening = _opening(owner, opening, caller_language, callee_language)
    if on_voicemail == OnVoicemail.LEAVE_MESSAGE and not voicemail_message.strip():
        voicemail_message = openings.message(opening, caller_language, callee_language)
    return Call.objects.create(
        owner=owner,
        from_number=settings.TWILIO_FROM_NUMBER,
        to_number=check_number(to_number),
        mode=mode,
        caller_language=caller_language,
        callee_language=callee_language,
        callee_name=callee_name,
        brief=dict(brief or {}),
        opening=opening,
        record=record,
        on_voicemail=on_voicemail,
        voicemail_message=voicemail_message,
    )


def type_instead(call: Call) -> None:
    """Let the caller type in a call that was not dialled yet.

    Raises: CallRefused: nobody can read typed text out in this language.
    """
    _ensure_languages(Mode.TEXT, call.caller_language, call.callee_language)
    drafts = Call.objects.filter(pk=call.pk, status=Status.DRAFT)
    drafts.update(mode=Mode.TEXT)


def _ensure_languages(mode: str, caller_language: str, callee_language: str) -> None:
    if supports(mode, caller_language, callee_language):
        return
    is_known = caller_language in CALLER_LANGUAGES
    raise CallRefused(
        "unsupported_language",
        field="callee_language" if is_known else "caller_language",
    )


def _opening(owner: User, text: str, caller: str, callee: str) -> str:
    """Return the first sentence of a call, the person's usual one if none is given."""
    text = openings.clean(text) or openings.introduction(owner, caller, callee)
    if problem := openings.problem_of(text, caller, callee):
        raise CallRefused(problem)
    return text


@transaction.atomic
def claim(
    call_id: UUID, *, user: User, node_url: str, address: str = ""
) -> tuple[Call, bool]:
    """Move a draft to queued, for whoever asks first.

    Returns: the call, and whether it was this request that moved it and has to dial.
    Raises: CallRefused; Call.DoesNotExist, also for somebody else's call.
    """
    # The person's row is the lock that makes "one live call" true under concurrency.
    user = User.objects.select_for_update().get(pk=user.pk)
    call = Call.objects.for_user(user).select_for_update().get(pk=call_id)
    if call.is_over:
        raise CallRefused("call_over")
    if call.is_live:
        return call, False
    ensure_may_call(user, str(call.to_number), address=address)
    call.node_url = node_url
    call.queued_at = timezone.now()
    call.save(update_fields=["node_url", "queued_at"])
    _move(call, Status.QUEUED, source="claim")
    return call, True


@transaction.atomic
def record_dialled(call_id: UUID, *, sid: str) -> bool:
    """Store the telephone company's name for a call.

    Returns: whether the call is still wanted.  False: it has ended meanwhile, and
        whoever dialled has to hang up.
    """
    call = Call.objects.select_for_update().get(pk=call_id)
    if call.twilio_sid is None:
        call.twilio_sid = sid
        call.save(update_fields=["twilio_sid"])
        append_event(call_id, "dialled", {"sid": sid})
    return not call.is_over


def begin_restream(call_id: UUID, seconds: float) -> None:
    """Note that a call's stream is replaced on purpose, and for how long at most.

    What happens to the stream meanwhile is no sign of a broken line.
    """
    cache.set(f"restream:{call_id}", 1, max(1, round(seconds)))


def is_restreaming(call_id: UUID) -> bool:
    """Say whether a call's stream is being replaced on purpose."""
    return cache.get(f"restream:{call_id}") is not None


# --- The one writer of status --------------------------------------------------------


@transaction.atomic
def record_status(
    call_id: UUID,
    status: str,
    *,
    sequence: int | None = None,
    reason: str = "",
    source: str = "",
    outcome: str = "",
    duration_s: int = 0,
) -> bool:
    """Move a call forward; late, repeated and reordered reports change nothing.

    Args:
        call_id: The call.
        status: One of `Status`.
        sequence: Twilio's SequenceNumber, if it is Twilio that reports.
        reason: A code of `calls.reasons`.
        source: Who says so; kept with the event.
        outcome: What the call came to, if known.
        duration_s: How long it was connected, as billed.

    Returns: whether the status changed.
    """
    call = Call.objects.select_for_update().get(pk=call_id)
    if sequence is not None and sequence > call.last_sequence:
        call.last_sequence = sequence
        call.save(update_fields=["last_sequence"])
    status = Status(status)
    if call.is_over:
        # How it ended stays; why may be known only later.
        _complete_ending(call, status, outcome=outcome, reason=reason)
        return False
    if _RANK[status] <= _RANK[Status(call.status)]:
        return False
    _move(
        call,
        status,
        reason=reason,
        source=source,
        outcome=outcome,
        sequence=sequence,
        duration_s=duration_s,
    )
    return True


def finish(call_id: UUID, *, status: str, outcome: str = "", reason: str = "") -> None:
    """End a call.  A call that is over stays as it ended."""
    record_status(call_id, status, outcome=outcome, reason=reason, source="relay")


def _move(
    call: Call,
    status: Status,
    *,
    reason: str = "",
    source: str = "",
    outcome: str = "",
    sequence: int | None = None,
    duration_s: int = 0,
) -> None:
    """Write a status that comes later than the present one, and tell everybody."""
    now = timezone.now()
    call.status = status
    if status == Status.IN_PROGRESS:
        call.answered_at = now
    if status in TERMINAL:
        call.ended_at = now
        if call.answered_at is None and duration_s > 0:
            call.answered_at = now - timedelta(seconds=duration_s)
        call.reason = reason
        call.outcome = _honest(call, outcome) or _OUTCOME.get(status, Outcome.UNKNOWN)
    call.save(update_fields=["status", "answered_at", "ended_at", "reason", "outcome"])
    if status in TERMINAL and call.answered_at is not None:
        Summary.objects.get_or_create(
            call=call, defaults={"due_at": now + SUMMARY_AFTER}
        )
    data: dict[str, Any] = {"status": status.value}
    if reason:
        data["reason"] = reason
    told: dict[str, Any] = dict(data)
    if source:
        data["source"] = source
    if sequence is not None:
        data["sequence"] = sequence
    append_event(call.pk, "status", data)
    log.info("call_status", call_id=str(call.pk), **data)
    transaction.on_commit(_announcement(call, told))


def _complete_ending(call: Call, status: Status, *, outcome: str, reason: str) -> None:
    if status != call.status:
        return
    changed = []
    if reason and not call.reason:
        call.reason = reason
        changed.append("reason")
    if outcome and call.outcome == Outcome.UNKNOWN:
        call.outcome = _honest(call, outcome)
        changed.append("outcome")
    if changed:
        call.save(update_fields=changed)


def _honest(call: Call, outcome: str) -> str:
    """Return an outcome that can be true: nobody's answer is never a success."""
    was_reached = call.answered_at is not None and call.answered_by not in _NOBODY
    if outcome == Outcome.SUCCESS and not was_reached:
        return Outcome.UNREACHABLE
    return outcome


def _announcement(call: Call, told: dict[str, Any]) -> Callable[[], None]:
    call_id, owner_id = call.pk, call.owner_id
    status, outcome, is_over = str(call.status), str(call.outcome), call.is_over
    direction = str(call.direction)

    def announce() -> None:
        notify(call_id, {"kind": "status", "reason": "", **told})
        publish(call_id, {"type": "status", **told})
        if is_over:
            publish(call_id, {"type": "ended", "status": status, "outcome": outcome})
        publish_user(
            owner_id,
            {"call_id": str(call_id), "status": status, "direction": direction},
        )

    return announce


# --- What happens in a call ----------------------------------------------------------


def append_event(
    call_id: UUID, kind: str, data: Mapping[str, Any] | None = None
) -> None:
    """Note down something that happened."""
    CallEvent.objects.create(call_id=call_id, kind=kind, data=dict(data or {}))


def store_utterance(
    call_id: UUID,
    *,
    utterance_id: str,
    leg: str,
    original: str,
    translation: str,
    started_ms: int,
    ended_ms: int | None = None,
    uncertain: list[Any] | None = None,
    fate: str = Utterance.Fate.CAPTION_ONLY,
    latency_ms: int | None = None,
) -> None:
    """Write down an utterance; told again, replace what was written."""
    # An engine's text may hold anything; PostgreSQL stores no NUL.
    original, translation = original.replace("\0", ""), translation.replace("\0", "")
    Utterance.objects.update_or_create(
        call_id=call_id,
        utterance_id=utterance_id,
        defaults={
            "leg": leg,
            "original": original,
            "translation": translation,
            "started_ms": started_ms,
            "ended_ms": ended_ms,
            "uncertain": uncertain or [],
            "fate": fate,
            "latency_ms": latency_ms,
        },
    )


def store_result(call_id: UUID, result: Mapping[str, Any]) -> None:
    """Keep what the assistant has found out so far; told again, replace it."""
    Call.objects.filter(pk=call_id).update(result=storable(result))


def storable(value: Mapping[str, Any]) -> Any:
    """Return what a model has written as a database takes it: PostgreSQL has no NUL."""
    text = json.dumps(value, ensure_ascii=True).replace("\\u0000", "")
    return json.loads(text)


@transaction.atomic
def store_summary(call_id: UUID, *, summary: str, outcome: str) -> None:
    """Keep what a call came to; an outcome that is known already stays."""
    call = Call.objects.select_for_update().get(pk=call_id)
    call.summary = summary.replace("\0", "")
    if call.outcome == Outcome.UNKNOWN:
        call.outcome = _honest(call, outcome)
    call.save(update_fields=["summary", "outcome"])


def store_latency(call_id: UUID, latency: Mapping[str, Any]) -> None:
    """Keep how late the words of a call were."""
    Call.objects.filter(pk=call_id).update(latency=dict(latency))


def store_cost(call_id: UUID, *, usd: float, parts: list[dict[str, Any]]) -> None:
    """Keep what a call has cost so far.

    Args:
        call_id: The call.
        usd: All of it.
        parts: Line by line: engine, model, usd, seconds, tokens.
    """
    Call.objects.filter(pk=call_id).update(
        cost_usd=Decimal(str(round(usd, 4))), cost_parts=parts
    )


@transaction.atomic
def add_cost(call_id: UUID, used: Usage | None, *, model: str) -> None:
    """Put what was used for a call after its end on its bill, if it is still there.

    Its other lines stay as they are.

    Args:
        call_id: The call.
        used: What for, and how much; None: nothing was counted.
        model: Which one.
    """
    call = Call.objects.select_for_update().filter(pk=call_id).first()
    if used is None or call is None:
        return
    tariff = Tariff({used.role: model}, catalogue(), telephone_minute=0.0)
    meter, others = CostMeter(tariff), []
    for part in call.cost_parts:
        if (part["engine"], part["model"]) == (used.role, model):
            meter.restore([part])
        else:
            others.append(part)
    meter.add([used])
    parts = [*others, *(part.as_dict() for part in meter.parts())]
    store_cost(call_id, usd=sum(part["usd"] or 0.0 for part in parts), parts=parts)


@transaction.atomic
def set_answered_by(call_id: UUID, kind: str, *, source: str = "twilio") -> None:
    """Store who or what picked up, and tell the call and its viewers.

    Args:
        call_id: The call.
        kind: One of `AnsweredBy`.
        source: `twilio`, whose word is evidence for the relay; or `relay`, which has
            more of it, tells whoever watches itself, and is not overruled.
    """
    kind = AnsweredBy(kind).value
    call = Call.objects.select_for_update().get(pk=call_id)
    earlier = call.events.filter(kind="answered_by")
    is_from_relay = source == "relay"
    if earlier.filter(data={"kind": kind, "source": source}).exists() and (
        not is_from_relay or call.answered_by == kind
    ):
        return
    is_overruled = not is_from_relay and earlier.filter(data__source="relay").exists()
    append_event(call_id, "answered_by", {"kind": kind, "source": source})
    if not is_overruled:
        call.answered_by = kind
        call.save(update_fields=["answered_by"])

    def announce() -> None:
        notify(call_id, {"kind": "answered_by", "value": kind})
        if not is_overruled:
            publish(call_id, {"type": "answered_by", "kind": kind})

    if not is_from_relay:
        transaction.on_commit(announce)


# --- Away with it --------------------------------------------------------------------


@transaction.atomic
def delete_call(call: Call) -> None:
    """Delete a call for good: what was said, its recording, its summary, its notes.

    Raises: CallRefused: it is going on.
    """
    # Its owner's row is locked first, as `claim` does: no limit is looked at meanwhile.
    owner = User.objects.select_for_update().get(pk=call.owner_id)
    call = Call.objects.select_for_update().get(pk=call.pk)
    if call.is_live:
        raise CallRefused("call_live")
    used_at = call.answered_at or call.queued_at
    now = timezone.now()
    Spent.objects.filter(owner=owner, at__lt=now - timedelta(days=2)).delete()
    if used_at is not None and used_at > now - timedelta(hours=24):
        Spent.objects.create(
            owner=owner,
            direction=call.direction,
            at=used_at,
            seconds=call.duration_s,
            usd=call.cost_usd,
        )
    log.info("call_deleted", call_id=str(call.pk))
    call.delete()


# --- Requests that may be sent again -------------------------------------------------


def once(
    user: User, key: str, body: Mapping[str, Any], create: Callable[[], Call]
) -> tuple[Call, bool]:
    """Create a call at most once per Idempotency-Key.

    Args:
        user: Whose key it is.
        key: The Idempotency-Key header; empty if there was none.
        body: What was asked for; a key belongs to one body.
        create: Makes the call.  If it raises, the key is not used up.

    Returns: the call, and whether this request created it.
    Raises: CallRefused: the key belongs to another request.
    """
    if not key:
        return create(), True
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise CallRefused("idempotency_key_invalid")
    fingerprint = hashlib.sha256(
        json.dumps(body, sort_keys=True, default=str).encode()
    ).hexdigest()
    expired = timezone.now() - IDEMPOTENCY_LIFETIME
    with transaction.atomic():
        _keys(user, key).filter(created_at__lt=expired).delete()
        # Whoever inserts the row first creates the call; others wait for the commit
        # at the unique constraint and then find it.
        row, is_new = _get_or_create_key(user, key, fingerprint)
        if row.fingerprint != fingerprint:
            raise CallRefused("idempotency_mismatch")
        if not is_new and row.call is not None:
            return row.call, False
        call = create()
        row.call = call
        row.save(update_fields=["call"])
        return call, True


def _keys(user: User, key: str) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(user=user, key=key)


def _get_or_create_key(
    user: User, key: str, fingerprint: str
) -> tuple[IdempotencyKey, bool]:
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(
                user=user, key=key, fingerprint=fingerprint
            )
        return row, True
    except IntegrityError:
        return _keys(user, key).select_related("call").get(), False

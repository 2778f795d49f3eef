"""What was left at one of our numbers, sent to whom it is for.

    a call is over, or nobody took it over -> pending -> sent
                                                      -> failed (tried again some times)

Nothing is sent of a call that left nothing, or of a line that is not to send.  An
address or a word of the letter never enters a log.
"""

from datetime import datetime, timedelta
from smtplib import SMTPException
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from calls.models import Call, Letter, ReceptionLine
from calls.results import Result
from wigvo.celery import run_task

log = structlog.get_logger(__name__)

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=3),
)
"""Before each further attempt."""
LEASE = timedelta(minutes=3)
"""Whoever sends it has so long; then it is due again."""
AT_ONCE = 50
UNANSWERED = "transfer_unanswered"


def request(call_id: UUID) -> bool:
    """Have it told what was left in a call, once, if anything was.

    Args:
        call_id: of a call that is over, or that was put through to nobody.

    Returns: whether there is something to send that was not asked for before.
    """
    call = Call.objects.select_related("line", "owner").get(pk=call_id)
    if call.line is None or not call.line.sends_messages or not _has_news(call):
        return False
    _, is_new = Letter.objects.get_or_create(call=call)
    if is_new:
        transaction.on_commit(lambda: hand_over(call_id))
    return is_new


def hand_over(call_id: UUID) -> None:
    """Let somebody send it who may wait."""
    from calls.tasks import send_letter

    run_task(send_letter, str(call_id))


def tend() -> None:
    """Send what was not sent: processes that died, and what is to be tried again."""
    due = Letter.objects.filter(
        state=Letter.State.PENDING, due_at__lte=timezone.now()
    ).values_list("call_id", flat=True)
    for call_id in list(due[:AT_ONCE]):
        hand_over(call_id)


def send(call_id: UUID) -> None:
    """Send the letter of a call; nothing if somebody else is at it."""
    now = timezone.now()
    row = Letter.objects.filter(
        call=call_id, state=Letter.State.PENDING, due_at__lte=now
    )
    # Whoever moves the time is the one who sends.
    if not row.update(due_at=now + LEASE):
        return
    call = Call.objects.select_related("line", "owner").get(pk=call_id)
    letter = compose(call)
    if letter is None:  # its line was deleted meanwhile
        row.delete()
        return
    try:
        letter.send()
    except (SMTPException, OSError) as error:
        _note_failure(call_id, type(error).__name__)
        return
    Letter.objects.filter(call=call_id).update(
        state=Letter.State.SENT, sent_at=timezone.now(), code=""
    )
    log.info("letter_sent", call_id=str(call_id))


def compose(call: Call) -> EmailMessage | None:
    """Write what was left in a call, in its owner's language; None without a line."""
    line = call.line
    if line is None:
        return None
    with translation.override(line.owner_language):
        values = {
            "call": call,
            "line": line,
            "at": _at(call).astimezone(ZoneInfo(line.time_zone)),
            "result": Result.of(call) or Result(),
            "is_unanswered": call.reason == UNANSWERED,
            "link": f"{settings.PUBLIC_BASE_URL}{call.get_absolute_url()}",
        }
        subject = render_to_string("calls/letter/subject.txt", values)
        body = render_to_string("calls/letter/body.txt", values)
    return EmailMessage(" ".join(subject.split()), body, to=[addressee(line)])


def addressee(line: ReceptionLine) -> str:
    """Return whom messages of a line are sent to."""
    return line.messages_to or line.owner.email


def _has_news(call: Call) -> bool:
    if call.reason == UNANSWERED:
        return True
    result = Result.of(call)
    return result is not None and bool(
        result.messages or result.appointments or result.callbacks
    )


def _at(call: Call) -> datetime:
    return call.answered_at or call.queued_at or call.created_at


@transaction.atomic
def _note_failure(call_id: UUID, code: str) -> None:
    row = Letter.objects.select_for_update().filter(call=call_id).first()
    if row is None:
        return
    row.attempts += 1
    row.code = code[:40]
    if row.attempts <= len(PAUSES):
        row.due_at = timezone.now() + PAUSES[row.attempts - 1]
    else:
        row.state = Letter.State.FAILED
    row.save(update_fields=["attempts", "code", "due_at", "state"])
    log.warning("letter_not_sent", call_id=str(call_id), code=code, n=row.attempts)

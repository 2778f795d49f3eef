"""Recordings: where they are kept, who may hear them, and when they go.

A recording is a row and a file.  The file's name is the row's random id, it lies below
MEDIA_ROOT, which nothing serves, and it is read only by `calls.api` for those whom
`audible_to` lets.  The relay node that makes the call writes the file and looks after
it (`tend_this_node`); nodes that share MEDIA_ROOT share that work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calls import services, wav
from calls.models import Access, Call, Recording
from calls.reasons import Text
from wigvo.models import User
from wigvo.notify import notify, publish

log = structlog.get_logger(__name__)

SUFFIX: Final = ".wav"
SETTLE_AFTER: Final = timedelta(minutes=2)
"""A recorder that has not finished this long after its call never will."""
SAME_LISTENING: Final = timedelta(hours=1)
STRAY_AFTER: Final = timedelta(days=1)
"""A file is written before its row is; this long after, it has no row to come."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recorder needs to know.

    Attributes:
        call_id: the call.
        recording_id: names the file; chosen anew, or of a recording to go on with.
        is_wanted: the caller asked for it, and it is neither complete nor deleted.
        started_ms: where on the call's clock it began, if it has.
        recorded_ms: how much of it is on the disk.
    """

    call_id: UUID
    recording_id: UUID
    is_wanted: bool
    started_ms: int | None = None
    recorded_ms: int = 0


def plan_of(call: Call) -> Plan:
    """Say what a recorder of this call has to do, also after a restart."""
    recording = Recording.objects.filter(call=call).first()
    if recording is None:
        is_wanted = call.record and not is_refused(call)
        return Plan(call.pk, uuid4(), is_wanted=is_wanted)
    if not call.record or not recording.is_running:
        return Plan(call.pk, recording.pk, is_wanted=False)
    return Plan(
        call.pk,
        recording.pk,
        is_wanted=True,
        started_ms=recording.started_ms,
        recorded_ms=wav.duration_ms(wav.whole_frames(_size_of(recording.pk))),
    )


def is_refused(call: Call) -> bool:
    """Say whether the other side does not want to be recorded."""
    told = call.events.filter(kind="recording_consent", data__answer="no")
    return call.record and told.exists()


def path_of(recording_id: UUID) -> Path:
    """Return where a recording's file is, or will be."""
    return _folder() / f"{recording_id}{SUFFIX}"


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "recordings"


def _size_of(recording_id: UUID) -> int:
    try:
        return path_of(recording_id).stat().st_size
    except FileNotFoundError:
        return 0


# --- From the recorder ---------------------------------------------------------------


@transaction.atomic
def start(
    call_id: UUID,
    recording_id: UUID,
    *,
    started_ms: int,
    notice: Mapping[str, Any],
) -> None:
    """Note that a call is being recorded, and how its callee was told.

    Args:
        call_id: The call.
        recording_id: Names the file.
        started_ms: Where on the call's clock it begins.
        notice: What was said to the callee: `language`, `text`, `ended_ms`.
    """
    _, is_new = Recording.objects.get_or_create(
        pk=recording_id, defaults={"call_id": call_id, "started_ms": started_ms}
    )
    if is_new:
        data = {"recording": str(recording_id), "at_ms": started_ms, "notice": notice}
        services.append_event(call_id, "recording_started", data)
        _show(call_id)


@transaction.atomic
def end(recording_id: UUID, *, reason: str = "") -> None:
    """Note that a recording has ended, with what its file holds by now.

    Args:
        recording_id: The recording; ended or deleted before, it stays as it was.
        reason: One of `Recording.EndReason`.
    """
    recording = Recording.objects.select_for_update().filter(pk=recording_id).first()
    if recording is None:
        return
    if recording.deleted_at is not None:
        _unlink(recording_id)  # what the recorder wrote after that
    if not recording.is_running:
        return
    recording.duration_ms = _repair(recording_id)
    recording.ended_at = timezone.now()
    recording.end_reason = Recording.EndReason(reason)
    recording.save(update_fields=["duration_ms", "ended_at", "end_reason"])
    data = {"duration_ms": recording.duration_ms, "reason": reason or "complete"}
    services.append_event(recording.call_id, "recording_ended", data)
    _show(recording.call_id)


def _show(call_id: UUID) -> None:
    """Let the call's pages say that its recording has begun or ended."""
    transaction.on_commit(lambda: publish(call_id, {"type": "recording"}))


def _repair(recording_id: UUID) -> int:
    """Make a file's header true; returns how much sound it holds, ms."""
    try:
        with path_of(recording_id).open("r+b") as file:
            return wav.duration_ms(wav.repair(file))
    except OSError as error:
        log.error("recording_not_repaired", error=repr(error))
        return wav.duration_ms(wav.whole_frames(_size_of(recording_id)))


# --- For people ----------------------------------------------------------------------


def audible_to(user: User, call_id: UUID) -> Recording:
    """Return a call's recording for its owner or for staff.

    Raises: Recording.DoesNotExist, also for a stranger, and once it is deleted.
    """
    found = Recording.objects.select_related("call").filter(deleted_at=None)
    if not user.is_staff:
        found = found.filter(call__owner=user)
    return found.get(call_id=call_id)


def note_heard(recording: Recording, user: User) -> None:
    """Leave a trace where somebody else than the owner listens."""
    if recording.call.owner_id == user.pk:
        return
    # A player asks for many parts: that is listening once.
    since = timezone.now() - SAME_LISTENING
    kind, data = "recording_heard", {"by": user.pk}
    heard = recording.call.events.filter(kind=kind, data=data, at__gt=since)
    if not heard.exists():
        from calls.review import note_access

        services.append_event(recording.call_id, kind, data)
        note_access(recording.call.pk, recording.call.owner, user, Access.What.AUDIO)


@transaction.atomic
def delete(recording_id: UUID, *, by: str) -> None:
    """Delete a recording for good; that it existed stays known.

    While the call goes on, its recorder is told to stop.

    Args:
        recording_id: The recording.
        by: One of `Recording.DeletedBy`.
    """
    recording = Recording.objects.select_for_update().get(pk=recording_id)
    if recording.deleted_at is not None:
        return
    now = timezone.now()
    was_running = recording.is_running
    recording.deleted_at = now
    recording.deleted_by = Recording.DeletedBy(by)
    if was_running:
        recording.ended_at = now
        recording.end_reason = Recording.EndReason.STOPPED
    recording.save(update_fields=["deleted_at", "deleted_by", "ended_at", "end_reason"])
    services.append_event(recording.call_id, "recording_deleted", {"by": by})
    # The file goes first: no row may say "deleted" of a file that could not be.
    _unlink(recording_id)
    _show(recording.call_id)
    if was_running:
        call_id = recording.call_id
        transaction.on_commit(lambda: notify(call_id, {"kind": "stop_recording"}))


@receiver(post_delete, sender=Recording)
def _take_file_along(instance: Recording, **_: Any) -> None:
    """Delete the file with its row, which goes with its call, and that with its owner.

    A signal, because Django's cascade calls no method of ours.
    """
    recording_id = instance.pk
    transaction.on_commit(lambda: _unlink(recording_id))


def _unlink(recording_id: UUID) -> None:
    path_of(recording_id).unlink(missing_ok=True)


# --- In words ------------------------------------------------------------------------

_STOPPED_EARLY: Final[dict[str, Text]] = {
    Recording.EndReason.STOPPED: gettext_lazy("It was stopped during the call."),
    Recording.EndReason.REFUSED: gettext_lazy(
        "It was stopped because the other side did not want it."
    ),
    Recording.EndReason.DISK_FULL: gettext_lazy(
        "It stopped early because the server's disk was full."
    ),
    Recording.EndReason.DISK_ERROR: gettext_lazy(
        "It stopped early because the server's disk failed."
    ),
    Recording.EndReason.DISK_SLOW: gettext_lazy(
        "It stopped early because the server's disk was too slow."
    ),
    Recording.EndReason.INTERRUPTED: gettext_lazy(
        "It stopped early because the server was restarted."
    ),
}

StateName = Literal[
    "none", "planned", "missing", "refused", "running", "recorded", "deleted"
]


@dataclass(frozen=True, slots=True)
class State:
    """How a call's recording stands.

    Attributes:
        name: for programs.
        sentence: for people, in their language.
        recording: deleted ones as well; None if nothing was ever recorded.
    """

    name: StateName
    sentence: str
    recording: Recording | None = None

    @property
    def is_audible(self) -> bool:
        """Whether there is something that can be listened to."""
        return self.recording is not None and self.recording.is_audible

    @property
    def is_deletable(self) -> bool:
        return self.recording is not None and self.recording.deleted_at is None


def state_of(call: Call) -> State:
    """Say how a call's recording stands."""
    recording = call.recording_or_none
    if recording is not None:
        return _state_of_recording(call, recording)
    if not call.record:
        return State("none", _("Not recorded"))
    if (call.is_live or call.is_over) and is_refused(call):
        return State("refused", _("Not recorded: the other side did not want it"))
    if call.is_over:
        return State(
            "missing", _("Not recorded: the other side had not been asked in time")
        )
    return State("planned", _("Begins once the other side has been asked"))


def _state_of_recording(call: Call, recording: Recording) -> State:
    if recording.deleted_at is not None:
        date = date_format(recording.deleted_at, "DATE_FORMAT")
        sentence = _("Deleted on %(date)s") % {"date": date}
        if recording.deleted_by == Recording.DeletedBy.CALLEE:
            sentence = _("Deleted at once: the other side did not want it")
        if recording.deleted_by == Recording.DeletedBy.RETENTION:
            sentence = _("Deleted on %(date)s, because its time was up") % {
                "date": date
            }
        return State("deleted", sentence, recording)
    if recording.is_running:
        sentence = _("Being saved") if call.is_over else _("Being recorded")
        return State("running", sentence, recording)
    minutes, seconds = divmod(recording.duration_s, 60)
    sentence = _("Recorded, %(length)s.") % {"length": f"{minutes}:{seconds:02}"}
    early = _STOPPED_EARLY.get(recording.end_reason)
    return State("recorded", f"{sentence} {early}" if early else sentence, recording)


def _terms() -> str:
    days = settings.RECORDING_RETENTION_DAYS
    told = _(
        "The other side is asked at the beginning, in their language; only then does"
        " the recording start, and if they say no it is deleted. You and our support"
        " can listen to it."
    )
    if not days:
        # Not inside the f-string: makemessages looks into none.
        kept = _("It is kept until you delete it.")
        return f"{told} {kept}"
    kept = ngettext(
        "It is deleted after %(days)s day, or earlier by you.",
        "It is deleted after %(days)s days, or earlier by you.",
        days,
    ) % {"days": days}
    return f"{told} {kept}"


terms = lazy(_terms, str)()
"""What somebody agrees to who has a call recorded."""


# --- For the clock -------------------------------------------------------------------


def tend_this_node() -> None:
    """Look after the recordings of this relay node."""
    now = timezone.now()
    settle(now)
    delete_expired(now)
    delete_strays(now)


def settle(now: datetime) -> int:
    """Finish recordings whose recorder was killed.  Returns how many."""
    left = Recording.objects.filter(
        ended_at=None,
        deleted_at=None,
        call__ended_at__lt=now - SETTLE_AFTER,
        call__node_url=settings.RELAY_NODE_URL,
    )
    ids = list(left.values_list("pk", flat=True))
    for recording_id in ids:
        end(recording_id, reason=Recording.EndReason.INTERRUPTED)
    return len(ids)


def delete_expired(now: datetime) -> int:
    """Delete recordings that are older than the setting allows.  Returns how many."""
    days = settings.RECORDING_RETENTION_DAYS
    if not days:
        return 0
    expired = Recording.objects.filter(
        deleted_at=None, started_at__lt=now - timedelta(days=days)
    ).select_related("call")
    n = 0
    for recording in expired:
        # Another node's file is that node's to delete, unless it is here as well.
        is_ours = recording.call.node_url == settings.RELAY_NODE_URL
        if is_ours or path_of(recording.pk).exists():
            delete(recording.pk, by=Recording.DeletedBy.RETENTION)
            n += 1
    if n:
        log.info("recordings_expired", n=n, days=days)
    return n


def delete_strays(now: datetime) -> int:
    """Delete files that belong to no recording.  Returns how many."""
    oldest = (now - STRAY_AFTER).timestamp()
    strays = {
        path
        for path in _folder().glob(f"*{SUFFIX}")
        if path.stat().st_mtime < oldest
    }  # fmt: skip
    kept = Recording.objects.filter(deleted_at=None).values_list("pk", flat=True)
    strays -= {path_of(recording_id) for recording_id in kept} if strays else set()
    for path in strays:
        path.unlink(missing_ok=True)
        log.warning("recording_stray_deleted")
    return len(strays)

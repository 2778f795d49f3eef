"""A phone call, what was said in it, and what happened to it."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from wigvo.models import User


class Status(models.TextChoices):
    """The contract's words; only `calls.services` moves a call between them."""

    DRAFT = "draft", _("Draft")
    QUEUED = "queued", _("Connecting")
    RINGING = "ringing", _("Ringing")
    IN_PROGRESS = "in_progress", _("In progress")
    COMPLETED = "completed", _("Completed")
    BUSY = "busy", _("Busy")
    NO_ANSWER = "no_answer", _("No answer")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


LIVE = (Status.QUEUED, Status.RINGING, Status.IN_PROGRESS)
TERMINAL = (
    Status.COMPLETED,
    Status.BUSY,
    Status.NO_ANSWER,
    Status.FAILED,
    Status.CANCELED,
)


class Outcome(models.TextChoices):
    SUCCESS = "success", _("Success")
    PARTIAL = "partial", _("Partly done")
    CALLBACK_NEEDED = "callback_needed", _("Call back needed")
    UNREACHABLE = "unreachable", _("Not reached")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Not known")


class Mode(models.TextChoices):
    VOICE = "voice", _("Voice")
    CAPTIONS = "captions", _("Captions")
    TEXT = "text", _("Text")
    AGENT = "agent", _("Agent")


class Direction(models.TextChoices):
    OUTBOUND = "outbound", _("Outgoing")
    INBOUND = "inbound", _("Incoming")


class AnsweredBy(models.TextChoices):
    PERSON = "person", _("A person")
    VOICEMAIL = "voicemail", _("Voicemail")
    MENU = "menu", _("A menu")
    SCREENING = "screening", _("Call screening")
    FAX = "fax", _("A fax")
    SILENCE = "silence", _("Silence")
    UNKNOWN = "unknown", _("Not known")


class OnVoicemail(models.TextChoices):
    HANG_UP = "hang_up", _("Hang up")
    LEAVE_MESSAGE = "leave_message", _("Leave a message")


class CallQuerySet(models.QuerySet["Call"]):
    def for_user(self, user: Any) -> Self:
        """Return the calls this person may see; a stranger's id is not among them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(owner=user)

    def live(self) -> Self:
        return self.filter(status__in=LIVE)


class Call(models.Model):
    """One attempt to reach a number, from request to end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="calls"
    )
    direction = models.CharField(
        max_length=8, choices=Direction.choices, default=Direction.OUTBOUND
    )
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.DRAFT
    )
    outcome = models.CharField(
        max_length=16, choices=Outcome.choices, default=Outcome.UNKNOWN
    )
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.VOICE)
    from_number = PhoneNumberField(blank=True)
    to_number = PhoneNumberField()
    callee_name = models.CharField(max_length=120, blank=True)
    caller_language = models.CharField(max_length=2)
    callee_language = models.CharField(max_length=2)
    brief = models.JSONField(default=dict, blank=True)
    opening = models.TextField(blank=True)
    record = models.BooleanField(default=False)
    on_voicemail = models.CharField(
        max_length=13, choices=OnVoicemail.choices, default=OnVoicemail.HANG_UP
    )
    voicemail_message = models.TextField(blank=True)
    answered_by = models.CharField(
        max_length=9, choices=AnsweredBy.choices, default=AnsweredBy.UNKNOWN
    )
    reason = models.CharField(
        max_length=64,
        blank=True,
        help_text="Why it ended as it did: a code of calls.reasons.",
    )
    summary = models.TextField(blank=True)
    result = models.JSONField(
        default=dict,
        blank=True,
        help_text="What the assistant found out and agreed to: see calls.results.",
    )
    latency = models.JSONField(default=dict, blank=True)
    cost_usd = models.DecimalField(max_digits=9, decimal_places=4, default=0)
    cost_parts = models.JSONField(
        default=list,
        blank=True,
        help_text="The bill line by line: engine, model, usd, seconds, tokens.",
    )

    twilio_sid = models.CharField(max_length=34, null=True, blank=True, unique=True)
    last_sequence = models.IntegerField(
        default=-1, help_text="Highest SequenceNumber of Twilio's callbacks so far."
    )
    node_url = models.URLField(blank=True, help_text="The relay node it lives on.")

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at"]),
            models.Index(
                fields=["status"],
                name="calls_live",
                condition=Q(status__in=[s.value for s in LIVE]),
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="calls_status_known",
                condition=Q(status__in=[s.value for s in Status]),
            ),
            models.CheckConstraint(
                name="calls_ended_has_time",
                condition=~Q(status__in=[s.value for s in TERMINAL])
                | Q(ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} {self.created_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("calls:detail", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL

    @property
    def recording_or_none(self) -> "Recording | None":
        """The recording, deleted ones as well; None if nothing was ever recorded."""
        return getattr(self, "recording", None)

    @property
    def duration_s(self) -> int:
        """Seconds from pickup to the end, or until now while it lasts."""
        if self.answered_at is None:
            return 0
        end = self.ended_at or timezone.now()
        return max(0, int((end - self.answered_at).total_seconds()))


class Leg(models.TextChoices):
    CALLER = "caller", _("You")
    CALLEE = "callee", _("The other side")
    AGENT = "agent", _("The assistant")


class Utterance(models.Model):
    """One stretch of speech by one leg, in its own words and translated."""

    class Fate(models.TextChoices):
        """What became of it; every utterance has exactly one (design section 3)."""

        DELIVERED = "delivered", _("Heard")
        CAPTION_ONLY = "caption_only", _("Only shown")
        LOST = "lost", _("Not heard")

    call = models.ForeignKey(Call, models.CASCADE, related_name="utterances")
    utterance_id = models.CharField(max_length=40)
    leg = models.CharField(max_length=6, choices=Leg.choices)
    original = models.TextField(blank=True)
    translation = models.TextField(blank=True)
    started_ms = models.PositiveIntegerField()
    ended_ms = models.PositiveIntegerField(null=True, blank=True)
    uncertain = models.JSONField(default=list, blank=True)
    fate = models.CharField(
        max_length=12, choices=Fate.choices, default=Fate.CAPTION_ONLY
    )

    class Meta:
        ordering: ClassVar = ["started_ms", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call", "utterance_id"], name="calls_utterance_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.leg} {self.utterance_id}"


class Recording(models.Model):
    """The sound of a call's telephone line; `calls.recordings` keeps its file."""

    class EndReason(models.TextChoices):
        """Why it ended before the call did, if it did; words: `calls.recordings`."""

        COMPLETE = ""
        STOPPED = "stopped"
        DISK_FULL = "disk_full"
        DISK_ERROR = "disk_error"
        DISK_SLOW = "disk_slow"
        INTERRUPTED = "interrupted"

    class DeletedBy(models.TextChoices):
        OWNER = "owner"
        STAFF = "staff"
        RETENTION = "retention"

    id = models.UUIDField(
        primary_key=True,
        default=uuid.uuid4,
        editable=False,
        help_text="Also the name of its file.",
    )
    call = models.OneToOneField(Call, models.CASCADE, related_name="recording")
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    started_ms = models.PositiveIntegerField(
        help_text="Where on the call's clock it begins, as of utterances."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    end_reason = models.CharField(
        max_length=11, choices=EndReason.choices, blank=True, default=EndReason.COMPLETE
    )
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.CharField(max_length=9, choices=DeletedBy.choices, blank=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["started_at"],
                name="calls_recording_kept",
                condition=Q(deleted_at__isnull=True),
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="calls_recording_deleted_by",
                condition=Q(deleted_at__isnull=True, deleted_by="")
                | (Q(deleted_at__isnull=False) & ~Q(deleted_by="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

    @property
    def is_audible(self) -> bool:
        """Whether there is something that can be listened to."""
        return not self.is_running and self.deleted_at is None and self.duration_ms > 0

    @property
    def duration_s(self) -> int:
        return self.duration_ms // 1000


class AppendOnlyError(TypeError):
    """Somebody tried to change what has happened."""


class CallEventQuerySet(models.QuerySet["CallEvent"]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("A call event is never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("A call event is deleted only together with its call.")


class CallEvent(models.Model):
    """Something that happened to a call.  Rows are only ever added."""

    call = models.ForeignKey(Call, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField(default=timezone.now, editable=False)
    data = models.JSONField(default=dict, blank=True)

    objects = CallEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.kind

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("A call event is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("A call event is deleted only together with its call.")


class IdempotencyKey(models.Model):
    """The first answer to a request that may be sent again (24 h, per user)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    call = models.ForeignKey(Call, models.CASCADE, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "key"], name="calls_idempotency_key_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class PhraseQuerySet(models.QuerySet["Phrase"]):
    def for_user(self, user: Any) -> Self:
        """Return the phrases of this person; a stranger's id is not among them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(owner=user)


class Phrase(models.Model):
    """Something that a person says often; `calls.phrases` makes all changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="phrases"
    )
    text = models.CharField(max_length=200)
    language = models.CharField(max_length=2, help_text="Of the text, ISO 639-1.")
    translations = models.JSONField(
        default=dict, blank=True, help_text="Language → how it is said there, if known."
    )
    is_quick = models.BooleanField(
        default=False, help_text="Has a button of its own during a call."
    )
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PhraseQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["position", "created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "language", "text"], name="calls_phrase_once"
            )
        ]

    def __str__(self) -> str:
        return self.text


class PhraseStart(models.Model):
    """Note that a person has been given the starter set of a language."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+"
    )
    language = models.CharField(max_length=2)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "language"], name="calls_phrase_start_once"
            )
        ]

    def __str__(self) -> str:
        return self.language

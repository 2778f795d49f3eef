"""A phone call, what was said in it, and what happened to it."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from calls import hours, numbers, reasons
from realtime.engines.choice import CALLEE_LANGUAGES, supports
from realtime.engines.voice import VOICES
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


class TurnDetection(models.TextChoices):
    """Who decides that somebody has finished speaking."""

    LOCAL = "local", _("Our own")
    PROVIDER = "provider", _("The provider's")


def _check_hours(value: Any) -> None:
    try:
        hours.check(value)
    except hours.BadHours as error:
        raise ValidationError(str(error)) from error


def _check_time_zone(value: str) -> None:
    try:
        hours.check_time_zone(value)
    except hours.BadHours as error:
        raise ValidationError(str(error)) from error


def _check_languages(value: Any) -> None:
    known = ", ".join(sorted(CALLEE_LANGUAGES))
    is_list = isinstance(value, list) and bool(value)
    if not is_list or not {*map(str, value)} <= CALLEE_LANGUAGES:
        raise ValidationError(f'A list such as ["ko", "en"], of {known}.')


def _check_questions(value: Any) -> None:
    is_list = isinstance(value, list) and len(value) <= 20
    if not is_list or not all(isinstance(q, str) and 0 < len(q) <= 200 for q in value):
        raise ValidationError('A list such as ["What is it about?"], at most 20.')


def _check_voice(value: str) -> None:
    if value not in VOICES:
        raise ValidationError(f"There is no such voice: {', '.join(VOICES)}.")


def _default_languages() -> list[str]:
    return ["ko"]


class ReceptionLine(models.Model):
    """One of our numbers that the assistant answers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = PhoneNumberField(unique=True, help_text="E.164, as Twilio has it.")
    name = models.CharField(
        max_length=120, help_text="What the line is called when it is answered."
    )
    is_active = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="reception_lines",
        help_text="Whose calls these are: reads, listens, takes over, gets messages.",
    )
    owner_language = models.CharField(max_length=2, default="ko", help_text="ISO 639-1")
    languages = models.JSONField(
        default=_default_languages,
        validators=[_check_languages],
        help_text="The line answers in the first; it may go on in another.",
    )
    persona = models.TextField(
        blank=True, max_length=2000, help_text="How the assistant speaks."
    )
    instructions = models.TextField(
        blank=True,
        max_length=8000,
        help_text="What it may say and do. All of it may be told to whoever calls.",
    )
    greeting = models.CharField(
        blank=True,
        max_length=300,
        help_text="First words; if empty, the name of the line and a question.",
    )
    must_ask = models.JSONField(
        default=list, blank=True, validators=[_check_questions], help_text="Questions."
    )
    voice = models.CharField(blank=True, max_length=20, validators=[_check_voice])
    opening_hours = models.JSONField(
        default=dict,
        blank=True,
        validators=[_check_hours],
        help_text='Such as {"mon": ["09:00-12:00", "13:00-18:00"]}; {}: always open.',
    )
    time_zone = models.CharField(
        max_length=40, default="Asia/Seoul", validators=[_check_time_zone]
    )
    transfer_number = PhoneNumberField(
        blank=True, help_text="Where people are put through to; empty: nowhere."
    )
    sends_messages = models.BooleanField(
        default=True, help_text="By e-mail, what was left in a call, once it is over."
    )
    messages_to = models.EmailField(
        blank=True, help_text="Where they are sent to; empty: to the owner."
    )
    max_seconds = models.PositiveIntegerField(
        default=900, validators=[MinValueValidator(60)], help_text="Of one call."
    )
    max_calls = models.PositiveIntegerField(default=2, help_text="At the same time.")
    daily_minutes = models.PositiveIntegerField(
        default=120, help_text="Of all calls in 24 hours."
    )
    turn_detection = models.CharField(
        max_length=8, choices=TurnDetection.choices, default=TurnDetection.LOCAL
    )
    vad_threshold = models.FloatField(
        default=0.5,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Of the provider's turn detection, like the next two.",
    )
    vad_prefix_ms = models.PositiveIntegerField(
        default=300, validators=[MaxValueValidator(5000)]
    )
    vad_silence_ms = models.PositiveIntegerField(
        default=700, validators=[MinValueValidator(200), MaxValueValidator(5000)]
    )
    secret_hash = models.CharField(max_length=64, blank=True, editable=False)
    secret_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def language(self) -> str:
        """The one that the line answers in."""
        return str(self.languages[0])

    def clean(self) -> None:
        """Check what depends on more than one field, and the number to dial."""
        super().clean()
        self._check_pair()
        self._check_transfer()

    def _check_pair(self) -> None:
        language = self.languages[0] if self.languages else ""
        if not supports(Mode.AGENT, self.owner_language, language):
            text = "There is no interpreter from the line's language into this one."
            raise ValidationError({"owner_language": text})

    def _check_transfer(self) -> None:
        if not self.transfer_number:
            return
        try:
            number = numbers.normalise(str(self.transfer_number))
        except numbers.NumberRefused as error:
            sentence = reasons.REFUSALS[error.code].sentence
            raise ValidationError({"transfer_number": sentence}) from error
        if number == str(self.number):
            text = "A line cannot put people through to itself."
            raise ValidationError({"transfer_number": text})


class CallQuerySet(models.QuerySet["Call"]):
    def for_user(self, user: Any) -> Self:
        """Return the calls this person may see; a stranger's id is not among them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(owner=user)

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def outbound(self) -> Self:
        return self.filter(direction=Direction.OUTBOUND)


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
    line = models.ForeignKey(
        ReceptionLine,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="calls",
        help_text="Which of our numbers was called.",
    )
    is_rehearsal = models.BooleanField(
        default=False, help_text="The other side was played; nobody was called."
    )
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
    def is_inbound(self) -> bool:
        return self.direction == Direction.INBOUND

    @property
    def line_name(self) -> str:
        """Which of our lines was called, as it was named then; empty: none."""
        return str(self.brief.get("reception", {}).get("line", ""))

    @property
    def their_number(self) -> Any:
        """Of the telephone side; empty where it was withheld."""
        return self.from_number if self.is_inbound else self.to_number

    @property
    def shown_number(self) -> str:
        """The number of the telephone side for people."""
        number = self.their_number
        return str(number.as_international) if number else str(_("Number withheld"))

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
    latency_ms = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="From the end of the speech to the first sound of its translation.",
    )

    corrected: "list[Correction]"
    """Set by `calls.corrections.as_corrected`."""

    class Meta:
        ordering: ClassVar = ["started_ms", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["call", "utterance_id"], name="calls_utterance_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.leg} {self.utterance_id}"


class HelperLink(models.Model):
    """Somebody may read along in one call, without an account: `calls.helpers`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey(Call, models.CASCADE, related_name="helper_links")
    token_hash = models.CharField(
        max_length=64, unique=True, editable=False, help_text="SHA-256 of the token."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(
        null=True, blank=True, help_text="When captions were last shown through it."
    )

    class Meta:
        ordering: ClassVar = ["created_at"]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Whether it still lets somebody in, as far as it knows without its call."""
        return self.revoked_at is None and self.expires_at > timezone.now()


class Recording(models.Model):
    """The sound of a call's telephone line; `calls.recordings` keeps its file."""

    class EndReason(models.TextChoices):
        """Why it ended before the call did, if it did; words: `calls.recordings`."""

        COMPLETE = ""
        STOPPED = "stopped"
        REFUSED = "refused"
        DISK_FULL = "disk_full"
        DISK_ERROR = "disk_error"
        DISK_SLOW = "disk_slow"
        INTERRUPTED = "interrupted"

    class DeletedBy(models.TextChoices):
        OWNER = "owner"
        STAFF = "staff"
        CALLEE = "callee"
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


class Letter(models.Model):
    """What was left in a call to one of our numbers, as e-mail; see `calls.letters`.

    A row is there if there was something to send.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Not sent")

    call = models.OneToOneField(Call, models.CASCADE, related_name="letter")
    state = models.CharField(max_length=7, choices=State.choices, default=State.PENDING)
    code = models.CharField(max_length=40, blank=True, help_text="Why it was not.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="calls_letter_due",
                condition=Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return self.state


class Summary(models.Model):
    """What a call came to, in the words of the text model; see `calls.summaries`.

    A row is there from the end of a call that was answered; without one there is
    nothing to sum up.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Being written")
        DONE = "done", _("Written")
        FAILED = "failed", _("Not written")

    call = models.OneToOneField(Call, models.CASCADE, related_name="summing_up")
    state = models.CharField(max_length=7, choices=State.choices, default=State.PENDING)
    code = models.CharField(
        max_length=16, blank=True, help_text="Why there is none: of `TextFailed`."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=timezone.now, help_text="When it is asked for, or asked again."
    )
    done_at = models.DateTimeField(null=True, blank=True)
    language = models.CharField(max_length=2, blank=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    content = models.JSONField(
        default=dict,
        blank=True,
        help_text="Appointments, numbers, open points: see calls.summaries.",
    )
    dropped = models.PositiveSmallIntegerField(
        default=0, help_text="Items left out because nothing that was said bears them."
    )

    class Meta:
        verbose_name_plural = "summaries"
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="calls_summary_due",
                condition=Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return self.state


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("A correction is never changed.")


class Correction(models.Model):
    """Somebody has put a caption right.  What was written down at first stays."""

    class Part(models.TextChoices):
        ORIGINAL = "original", _("Original")
        TRANSLATION = "translation", _("Translation")

    utterance = models.ForeignKey(Utterance, models.CASCADE, related_name="corrections")
    part = models.CharField(max_length=11, choices=Part.choices)
    before = models.TextField(blank=True)
    text = models.TextField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.part} {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("A correction is never changed.")
        super().save(*args, **kwargs)


class Note(models.Model):
    """What an operator has noted about a call.  Its owner does not see it."""

    call = models.ForeignKey(Call, models.CASCADE, related_name="notes")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class AccessQuerySet(models.QuerySet["Access"]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("A record of access is never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("A record of access is never deleted.")


class Access(models.Model):
    """An operator has looked at somebody else's call, or at how it was prepared.

    It names call and people by value, so that it outlives all of them.
    """

    class What(models.TextChoices):
        TRANSCRIPT = "transcript", _("Transcript")
        AUDIO = "audio", _("Recording")
        PREPARATION = "prepared", _("Preparation")

    call_key = models.UUIDField(_("call or preparation"), db_index=True)
    owner_email = models.EmailField(_("of"))
    by_email = models.EmailField(_("by"))
    what = models.CharField(max_length=10, choices=What.choices)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AccessQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "accesses"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("A record of access is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("A record of access is never deleted.")


class Spent(models.Model):
    """What a deleted call had used, so that deleting calls buys no new ones."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+"
    )
    direction = models.CharField(
        max_length=8, choices=Direction.choices, default=Direction.OUTBOUND
    )
    at = models.DateTimeField(help_text="When it was answered, or else dialled.")
    seconds = models.PositiveIntegerField(default=0)
    usd = models.DecimalField(max_digits=9, decimal_places=4, default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["owner", "at"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


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

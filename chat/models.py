"""A conversation that prepares a call: what was written, and what is known from it."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calls.models import Call, Mode


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def for_user(self, user: Any) -> Self:
        """Return this person's conversations; a stranger's id is not among them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(owner=user)


class Conversation(models.Model):
    """One call being prepared; `chat.services` makes all changes."""

    class Phase(models.TextChoices):
        COLLECTING = "collecting", _("Being prepared")
        CONFIRMING = "confirming", _("To be checked")
        READY = "ready", _("Ready to call")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="conversations"
    )
    scenario = models.CharField(
        max_length=40, blank=True, help_text="Id of a file in chat/scenarios."
    )
    caller_language = models.CharField(max_length=2)
    callee_language = models.CharField(max_length=2)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.VOICE)
    phase = models.CharField(
        max_length=10, choices=Phase.choices, default=Phase.COLLECTING
    )
    fallback = models.CharField(
        max_length=10, blank=True, help_text="Empty: what is usual in the scenario."
    )
    opening = models.TextField(
        blank=True, help_text="Empty: what is usual in the scenario."
    )
    time_zone = models.CharField(max_length=64, default="Asia/Seoul")
    asked = models.JSONField(default=list, blank=True)
    doubts = models.JSONField(default=dict, blank=True)
    places = models.JSONField(
        default=list, blank=True, help_text="Offered, the likeliest first."
    )
    place_query = models.CharField(max_length=500, blank=True)
    is_without_model = models.BooleanField(
        default=False, help_text="The last message was read by rules."
    )
    calls = models.ManyToManyField(Call, related_name="conversations", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-updated_at"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["owner", "-updated_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.scenario or 'conversation'} {self.created_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("chat:conversation", args=[self.pk])


class Message(models.Model):
    """Something that was written; rows are only ever added."""

    class Role(models.TextChoices):
        USER = "user", _("You")
        ASSISTANT = "assistant", _("The assistant")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages"
    )
    role = models.CharField(max_length=9, choices=Role.choices)
    text = models.TextField()
    data = models.JSONField(
        default=dict, blank=True, help_text="What was read, or what is asked."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"


class ConversationEntity(models.Model):
    """Something that is known, and where from."""

    class Origin(models.TextChoices):
        MESSAGE = "message", _("From a message")
        HAND = "hand", _("Entered by hand")
        PLACE = "place", _("From the place")

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="entities"
    )
    name = models.CharField(max_length=40)
    value = models.CharField(max_length=500, help_text="As it was said.")
    normalised = models.CharField(max_length=500)
    confidence = models.FloatField(default=1.0)
    source = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    origin = models.CharField(
        max_length=7, choices=Origin.choices, default=Origin.MESSAGE
    )

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation", "name"], name="chat_entity_once"
            ),
            models.CheckConstraint(
                name="chat_entity_not_empty", condition=~models.Q(normalised="")
            ),
        ]

    def __str__(self) -> str:
        return self.name

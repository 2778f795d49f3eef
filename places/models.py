"""Places that were found, and the numbers that somebody keeps."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from phonenumber_field.modelfields import PhoneNumberField


class PlaceSearchCache(models.Model):
    """What a place search has answered; nothing of it says who has asked."""

    query = models.CharField(max_length=200, unique=True, help_text="Folded.")
    results = models.JSONField(default=list, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.query


class ContactQuerySet(models.QuerySet["Contact"]):
    def for_user(self, user: Any) -> Self:
        """Return this person's contacts; a stranger's id is not among them."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(owner=user)


class Contact(models.Model):
    """A number in somebody's own directory; `places.directory` makes all changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="contacts"
    )
    name = models.CharField(max_length=120)
    phone_number = PhoneNumberField()
    category = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=300, blank=True)
    language = models.CharField(
        max_length=2, blank=True, help_text="What they speak, ISO 639-1, if known."
    )
    is_favourite = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "phone_number"], name="places_contact_once"
            )
        ]

    def __str__(self) -> str:
        return self.name

"""The numbers that somebody keeps, and those they have called lately."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber

from calls.models import Call, Direction
from calls.services import CallRefused, check_number
from places.models import Contact
from wigvo.models import User

MAX_CONTACTS: Final = 200
MAX_RECENT: Final = 10
_SEARCHED_CALLS: Final = 100
_LENGTHS: Final = {"category": 120, "address": 300, "language": 2}


@dataclass(frozen=True, slots=True)
class Recent:
    """A number that was called, and when last."""

    name: str
    phone_number: str
    language: str
    called_at: datetime
    call_id: UUID
    """Of the last call there."""

    @property
    def shown(self) -> str:
        """The number, as people read it."""
        return str(PhoneNumber.from_string(self.phone_number).as_international)


def favourites(user: User) -> list[Contact]:
    """Return the numbers that somebody keeps, by name."""
    return list(Contact.objects.for_user(user).filter(is_favourite=True))


def search(user: User, query: str) -> list[Contact]:
    """Return the numbers that somebody keeps and that fit a query, by name."""
    return [
        one
        for one in Contact.objects.for_user(user)
        if matches(query, one.name, str(one.phone_number), one.category, one.address)
    ]


def matches(query: str, *texts: str) -> bool:
    """Tell whether each word of a query is somewhere in these texts.

    Digits are looked for as they are dialled at home or abroad: "02-555" is in
    "+8225550101".
    """
    digits = re.sub(r"[\s().-]", "", query)
    if re.fullmatch(r"\+?\d{3,}", digits):
        return any(digits.removeprefix("0") in text for text in texts)
    everything = " ".join(texts).casefold()
    return all(word in everything for word in query.casefold().split())


def recent(user: User) -> list[Recent]:
    """Return the numbers called lately, each once, the newest first."""
    calls = Call.objects.for_user(user).filter(
        direction=Direction.OUTBOUND, queued_at__isnull=False
    )
    found: dict[str, Recent] = {}
    for call in calls[:_SEARCHED_CALLS]:
        number = str(call.to_number)
        if number not in found:
            found[number] = Recent(
                call.callee_name,
                number,
                call.callee_language,
                call.created_at,
                call.pk,
            )
    return list(found.values())[:MAX_RECENT]


def find(user: User, contact_id: UUID) -> Contact:
    """Find a contact; a stranger's does not exist.  Raises: Contact.DoesNotExist."""
    return Contact.objects.for_user(user).get(pk=contact_id)


def keep(user: User, *, name: str, phone_number: str, **facts: Any) -> Contact:
    """Keep a number; one that is there already is changed.  Raises: CallRefused."""
    number = check_number(phone_number)
    name = _clean(name)[:120] or number
    if Contact.objects.for_user(user).count() >= MAX_CONTACTS:
        raise CallRefused(
            "directory_full",
            message=_("Your directory is full. Delete a number first."),
            http_status=HTTPStatus.CONFLICT,
        )
    contact, _is_new = Contact.objects.update_or_create(
        owner=user,
        phone_number=number,
        defaults={"name": name, **_facts(facts)},
    )
    return contact


def change(contact: Contact, changes: Mapping[str, Any]) -> Contact:
    """Change what is known of a number.  Raises: CallRefused."""
    fields = dict(changes)
    if "phone_number" in fields:
        fields["phone_number"] = check_number(fields["phone_number"])
    if "name" in fields:
        fields["name"] = _clean(fields["name"])[:120] or contact.name
    for name, value in {**fields, **_facts(fields)}.items():
        setattr(contact, name, value)
    try:
        with transaction.atomic():
            contact.save()
    except IntegrityError as error:
        raise CallRefused(
            "contact_exists",
            message=_("This number is in your directory already."),
            http_status=HTTPStatus.CONFLICT,
            field="phone_number",
        ) from error
    return contact


def remove(contact: Contact) -> dict[str, Any]:
    """Remove a number.

    Returns:
        what `restore` needs to bring it back; plain data.
    """
    kept = {
        "id": str(contact.pk),
        "name": contact.name,
        "phone_number": str(contact.phone_number),
        "category": contact.category,
        "address": contact.address,
        "language": contact.language,
        "is_favourite": contact.is_favourite,
    }
    contact.delete()
    return kept


def restore(user: User, kept: Mapping[str, Any]) -> Contact | None:
    """Bring a removed number back; None if it is there already."""
    facts = {name: value for name, value in kept.items() if name != "id"}
    contact = Contact(pk=UUID(kept["id"]), owner=user, **facts)
    try:
        with transaction.atomic():
            contact.save(force_insert=True)
    except IntegrityError:
        return None
    return contact


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Cut texts to what the database takes."""
    cut: dict[str, Any] = {
        name: _clean(facts[name])[:most]
        for name, most in _LENGTHS.items()
        if name in facts
    }
    if "is_favourite" in facts:
        cut["is_favourite"] = bool(facts["is_favourite"])
    return cut


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", " ").split())

"""The directory over REST: numbers that somebody keeps."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Router, Schema
from ninja.responses import Status
from pydantic import BaseModel, Field, StringConstraints

from places import directory
from places.models import Contact
from wigvo.api import FAILURES, ApiRequest, ErrorOut

router = Router(tags=["directory"])

Text = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")]
Number = Annotated[str, StringConstraints(max_length=40)]
Language = Annotated[str, StringConstraints(max_length=2)]


class ContactIn(BaseModel):
    """A number to be kept."""

    name: Text = ""
    phone_number: Number = Field(description="With + and country code.")
    category: Text = ""
    address: Text = ""
    language: Language = Field(default="", description="What they speak, ISO 639-1.")
    is_favourite: bool = True


class ContactPatch(BaseModel):
    """What is to be changed of a kept number; the rest stays."""

    name: Text | None = None
    phone_number: Number | None = None
    category: Text | None = None
    address: Text | None = None
    language: Language | None = None
    is_favourite: bool | None = None


class ContactOut(Schema):
    """A kept number."""

    id: UUID
    name: str
    phone_number: str
    category: str
    address: str
    language: str
    is_favourite: bool


class RecentOut(Schema):
    """A number that was called lately."""

    name: str
    phone_number: str
    language: str
    called_at: datetime


class DirectoryOut(Schema):
    """Everything in somebody's directory."""

    items: list[ContactOut]
    recent: list[RecentOut]


def _out(contact: Contact) -> ContactOut:
    return ContactOut(
        id=contact.pk,
        name=contact.name,
        phone_number=str(contact.phone_number),
        category=contact.category,
        address=contact.address,
        language=contact.language,
        is_favourite=contact.is_favourite,
    )


@router.get("", response={200: DirectoryOut, FAILURES: ErrorOut})
def show_directory(request: ApiRequest) -> DirectoryOut:
    """List the numbers you keep, and those you have called lately."""
    return DirectoryOut(
        items=[_out(one) for one in Contact.objects.for_user(request.auth)],
        recent=[
            RecentOut(
                name=one.name,
                phone_number=one.phone_number,
                language=one.language,
                called_at=one.called_at,
            )
            for one in directory.recent(request.auth)
        ],
    )


@router.post("", response={201: ContactOut, FAILURES: ErrorOut})
def keep_contact(request: ApiRequest, payload: ContactIn) -> Status[ContactOut]:
    """Keep a number; one that is there already is changed."""
    return Status(201, _out(directory.keep(request.auth, **payload.model_dump())))


@router.patch("/{uuid:contact_id}", response={200: ContactOut, FAILURES: ErrorOut})
def change_contact(
    request: ApiRequest, contact_id: UUID, payload: ContactPatch
) -> ContactOut:
    """Change what is known of a number."""
    changes = payload.model_dump(exclude_unset=True, exclude_none=True)
    contact = directory.find(request.auth, contact_id)
    return _out(directory.change(contact, changes))


@router.delete("/{uuid:contact_id}", response={204: None, FAILURES: ErrorOut})
def delete_contact(request: ApiRequest, contact_id: UUID) -> Status[None]:
    """Delete a number from your directory."""
    directory.find(request.auth, contact_id).delete()
    return Status(204, None)

"""Saved phrases over REST (contract section 2)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.utils.translation import get_language
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import BaseModel, Field, StringConstraints

from calls import phrases
from calls.models import Phrase
from wigvo.api import FAILURES, ApiRequest, ErrorOut

router = Router(tags=["phrases"])

# Looser than what is allowed: `calls.phrases` refuses with a sentence of its own.
Text = Annotated[str, StringConstraints(max_length=4000)]
Language = Annotated[str, StringConstraints(max_length=10)]
Translations = Annotated[dict[Language, Text], Field(max_length=20)]


class PhraseIn(BaseModel):
    """A phrase to be saved."""

    text: Text = Field(examples=["One moment, please."])
    language: Language = Field(description="ISO 639-1, of the text", examples=["en"])
    translations: Translations = Field(
        default_factory=dict,
        description="Language → how it is said there, where you know it.",
        examples=[{"ko": "잠시만 기다려 주세요."}],
    )
    is_quick: bool = Field(default=False, description="Has a button of its own.")
    position: int | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Its place among those of its language; without: the last.",
    )


class PhrasePatch(BaseModel):
    """What is to be changed of a phrase; the rest stays."""

    text: Text | None = None
    language: Language | None = None
    translations: Translations | None = Field(
        default=None,
        description="All of them. A new text forgets earlier ones if none are given.",
    )
    is_quick: bool | None = None
    position: int | None = Field(default=None, ge=0, le=1000)


class PhraseOut(Schema):
    """A saved phrase."""

    id: UUID
    text: str
    language: str
    translations: dict[str, str]
    is_quick: bool
    position: int
    created_at: datetime


class PhrasesOut(Schema):
    """All of somebody's phrases, in their order; there is never a following page."""

    items: list[PhraseOut]
    next: None = None


def _out(phrase: Phrase) -> PhraseOut:
    return PhraseOut(
        id=phrase.pk,
        text=phrase.text,
        language=phrase.language,
        translations=phrase.translations,
        is_quick=phrase.is_quick,
        position=phrase.position,
        created_at=phrase.created_at,
    )


@router.get("", response={200: PhrasesOut, FAILURES: ErrorOut})
def list_phrases(
    request: ApiRequest, language: Annotated[str, Query(max_length=10)] = ""
) -> PhrasesOut:
    """List your saved phrases in their order; `language` leaves out the others.

    The first time that you ask for a language, you are given a starter set in it
    (English and Korean; without `language`, that of `Accept-Language`).
    """
    if not language:
        phrases.phrases_of(request.auth, (get_language() or "")[:2])
    found = phrases.phrases_of(request.auth, language)
    return PhrasesOut(items=[_out(phrase) for phrase in found])


@router.post("", response={201: PhraseOut, FAILURES: ErrorOut})
def add_phrase(request: ApiRequest, payload: PhraseIn) -> Status[PhraseOut]:
    """Save a phrase."""
    return Status(201, _out(phrases.add(request.auth, **payload.model_dump())))


@router.get("/{uuid:phrase_id}", response={200: PhraseOut, FAILURES: ErrorOut})
def show_phrase(request: ApiRequest, phrase_id: UUID) -> PhraseOut:
    """Show one phrase."""
    return _out(phrases.find(request.auth, phrase_id))


@router.patch("/{uuid:phrase_id}", response={200: PhraseOut, FAILURES: ErrorOut})
def change_phrase(
    request: ApiRequest, phrase_id: UUID, payload: PhrasePatch
) -> PhraseOut:
    """Change a phrase: its text, its translations, its place."""
    changes = payload.model_dump(exclude_unset=True, exclude_none=True)
    return _out(phrases.change(phrases.find(request.auth, phrase_id), changes))


@router.delete("/{uuid:phrase_id}", response={204: None, FAILURES: ErrorOut})
def delete_phrase(request: ApiRequest, phrase_id: UUID) -> Status[None]:
    """Delete a phrase."""
    phrases.delete(phrases.find(request.auth, phrase_id))
    return Status(204, None)

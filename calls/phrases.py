"""Saved phrases: what somebody says often, ready to be spoken.

Every person begins with a starter set in each language that they write phrases in
(data: `starters.toml`); then the phrases are theirs, also if they delete them all.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from calls.languages import NAMES
from calls.models import Phrase, PhraseStart
from calls.services import CallRefused
from wigvo.models import User

MAX_PHRASES: Final = 100
"""Of one person, in all languages."""
MAX_LETTERS: Final = 200
"""Some 20 seconds of speech; the length of `Phrase.text`."""
MAX_TRANSLATION_LETTERS: Final = 500

_STARTERS: Final = Path(__file__).with_name("starters.toml")


@cache
def starters() -> tuple[dict[str, Any], ...]:
    """Return the starter set: `quick`, and the text in each language."""
    with _STARTERS.open("rb") as file:
        return tuple(tomllib.load(file)["phrase"])


def starter_languages() -> frozenset[str]:
    """Return the languages that there is a starter set in."""
    return frozenset(starters()[0].keys() - {"quick"})


def phrases_of(user: User, language: str = "") -> QuerySet[Phrase]:
    """Return a person's phrases in their order; the first time, the starter set.

    Args:
        user: whose.
        language: ISO 639-1 of the phrases; empty: in all languages.
    """
    if language in starter_languages():
        _give_starters(user, language)
    mine = Phrase.objects.for_user(user)
    return mine.filter(language=language) if language else mine


def _give_starters(user: User, language: str) -> None:
    if PhraseStart.objects.filter(owner=user, language=language).exists():
        return
    with transaction.atomic():
        _start, is_first = PhraseStart.objects.get_or_create(
            owner=user, language=language
        )
        if not is_first:
            return
        have = set(
            Phrase.objects.filter(owner=user, language=language).values_list(
                "text", flat=True
            )
        )
        at = _next_position(user)
        rows = [row for row in starters() if row[language] not in have]
        Phrase.objects.bulk_create(
            Phrase(
                owner=user,
                text=row[language],
                language=language,
                translations={
                    code: text
                    for code, text in row.items()
                    if code not in ("quick", language)
                },
                is_quick=row.get("quick", False),
                position=at + i,
            )
            for i, row in enumerate(rows)
        )


def _next_position(user: User) -> int:
    last = Phrase.objects.filter(owner=user).aggregate(last=Max("position"))["last"]
    return 0 if last is None else int(last) + 1


def find(user: User, phrase_id: UUID) -> Phrase:
    """Return a person's own phrase.

    Raises: Phrase.DoesNotExist, also for a stranger's.
    """
    return Phrase.objects.for_user(user).get(pk=phrase_id)


# --- Changing them --------------------------------------------------------------------


def add(
    user: User,
    *,
    text: str,
    language: str,
    translations: Mapping[str, str] | None = None,
    is_quick: bool = False,
    position: int | None = None,
) -> Phrase:
    """Save a phrase.

    Args:
        user: whose it will be.
        text: in `language`.
        language: ISO 639-1.
        translations: how it is said in other languages, where that is known.
        is_quick: it gets a button of its own.
        position: its place among the phrases of its language; None: the last.

    Raises: CallRefused, with the field that is wrong.
    """
    text = _clean(text)
    _check_language(language)
    said = _checked(translations or {}, language)
    phrases_of(user, language)  # the starter set comes first
    with transaction.atomic():
        # One after the other: two at once must not both be the last that fits.
        User.objects.select_for_update().get(pk=user.pk)
        if Phrase.objects.filter(owner=user).count() >= MAX_PHRASES:
            raise CallRefused(
                "too_many_phrases",
                message=_(
                    "You have %(most)d saved phrases, which is the most there can be."
                    " Delete one that you no longer use."
                )
                % {"most": MAX_PHRASES},
                http_status=HTTPStatus.CONFLICT,
            )
        phrase = Phrase(
            owner=user,
            text=text,
            language=language,
            translations=said,
            is_quick=is_quick,
            position=_next_position(user),
        )
        _save(phrase)
        if position is not None:
            _place(phrase, position)
    return phrase


def change(phrase: Phrase, changes: Mapping[str, Any]) -> Phrase:
    """Change a phrase.

    Args:
        phrase: whose owner asks for it.
        changes: any of text, language, translations, is_quick, position.  With another
            text or language the earlier translations are forgotten.

    Raises: CallRefused, with the field that is wrong.
    """
    text = _clean(changes["text"]) if "text" in changes else phrase.text
    language = changes.get("language", phrase.language)
    _check_language(language)
    is_another = (text, language) != (phrase.text, phrase.language)
    translations = changes.get("translations", {} if is_another else None)
    phrase.text, phrase.language = text, language
    if translations is not None:
        phrase.translations = _checked(translations, language)
    phrase.is_quick = changes.get("is_quick", phrase.is_quick)
    with transaction.atomic():
        _save(phrase)
        if (position := changes.get("position")) is not None:
            _place(phrase, position)
    return phrase


def move(phrase: Phrase, steps: int) -> None:
    """Move a phrase among those of its language: -1 is one up, 1 is one down."""
    with transaction.atomic():
        ids = list(_siblings(phrase).values_list("pk", flat=True))
        _place(phrase, max(0, ids.index(phrase.pk) + steps))


def _place(phrase: Phrase, position: int) -> None:
    """Put a phrase at a place among those of its language."""
    row = list(_siblings(phrase).select_for_update())
    free = sorted(one.position for one in row)
    moved = next(one for one in row if one.pk == phrase.pk)
    row.remove(moved)
    row.insert(position, moved)
    for one, place in zip(row, free, strict=True):
        if one.position != place:
            one.position = place
            one.save(update_fields=["position"])
    phrase.position = moved.position


def _siblings(phrase: Phrase) -> QuerySet[Phrase]:
    return Phrase.objects.filter(owner_id=phrase.owner_id, language=phrase.language)


def delete(phrase: Phrase) -> dict[str, Any]:
    """Delete a phrase.

    Returns:
        what `restore` needs to bring it back; plain data.
    """
    kept = {
        "id": str(phrase.pk),
        "text": phrase.text,
        "language": phrase.language,
        "translations": phrase.translations,
        "is_quick": phrase.is_quick,
        "position": phrase.position,
    }
    phrase.delete()
    return kept


def restore(user: User, kept: Mapping[str, Any]) -> Phrase | None:
    """Bring a deleted phrase back to its place; None if it is there already."""
    phrase = Phrase(
        pk=UUID(kept["id"]),
        owner=user,
        **{name: value for name, value in kept.items() if name != "id"},
    )
    try:
        with transaction.atomic():
            phrase.save(force_insert=True)
    except IntegrityError:
        return None
    return phrase


def _save(phrase: Phrase) -> None:
    try:
        with transaction.atomic():
            phrase.save()
    except IntegrityError as error:
        raise CallRefused(
            "phrase_exists",
            message=_("You have saved this phrase already."),
            http_status=HTTPStatus.CONFLICT,
            field="text",
        ) from error


# --- What may be saved ----------------------------------------------------------------


def _clean(text: str) -> str:
    cleaned = " ".join(text.replace("\x00", " ").split())
    if not cleaned:
        raise _wrong("text", _("Write what is to be said."))
    if len(cleaned) > MAX_LETTERS:
        raise _wrong(
            "text",
            _("A phrase has at most %(most)d letters; this one has %(count)d.")
            % {"most": MAX_LETTERS, "count": len(cleaned)},
        )
    return cleaned


def _check_language(language: str, field: str = "language") -> None:
    if language not in NAMES:
        raise _wrong(
            field,
            _("“%(language)s” is not one of the languages that can be spoken.")
            % {"language": language[:10]},
        )


def _checked(translations: Mapping[str, str], language: str) -> dict[str, str]:
    checked: dict[str, str] = {}
    for code, text in translations.items():
        _check_language(code, "translations")
        said = " ".join(text.replace("\x00", " ").split())
        if len(said) > MAX_TRANSLATION_LETTERS:
            raise _wrong(
                "translations",
                _("A translation has at most %(most)d letters; this one has %(count)d.")
                % {"most": MAX_TRANSLATION_LETTERS, "count": len(said)},
            )
        if said and code != language:
            checked[code] = said
    return checked


def _wrong(field: str, message: str) -> CallRefused:
    return CallRefused(
        "invalid",
        message=message,
        http_status=HTTPStatus.UNPROCESSABLE_ENTITY,
        field=field,
    )


# --- In a call ------------------------------------------------------------------------


def remember_translation(
    phrase_id: UUID, *, of_text: str, language: str, text: str
) -> None:
    """Keep how a phrase is said in another language, unless it was changed meanwhile.

    Args:
        phrase_id: which phrase.
        of_text: what was translated.
        language: ISO 639-1 of the translation.
        text: the translation.
    """
    with transaction.atomic():
        phrase = (
            Phrase.objects.select_for_update()
            .filter(pk=phrase_id, text=of_text)
            .first()
        )
        if phrase is None or language in phrase.translations or not text.strip():
            return
        phrase.translations = {
            **phrase.translations,
            language: text.strip()[:MAX_TRANSLATION_LETTERS],
        }
        phrase.save(update_fields=["translations"])

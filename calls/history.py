"""Finding calls: by what they were, and by what was said in them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from calls import names
from calls.models import (
    Call,
    CallQuerySet,
    Correction,
    Direction,
    Mode,
    Outcome,
    Status,
    Utterance,
)

MAX_QUERY = 100
SNIPPET_CHARS = 120
_MIN_DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls are looked for; empty is any.

    Attributes:
        query: words of what was said, of the name or the summary, or a number.
        language: of either side.
        since, until: days, both included, in UTC.
    """

    query: str = ""
    status: str = ""
    outcome: str = ""
    mode: str = ""
    direction: str = ""
    language: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_anything(self) -> bool:
        """Whether all calls are wanted."""
        return self == Wanted()


def narrow(calls: CallQuerySet, wanted: Wanted) -> CallQuerySet:
    """Keep the calls that are wanted."""
    for name in ("status", "outcome", "mode", "direction"):
        if value := getattr(wanted, name):
            calls = calls.filter(**{name: value})
    if wanted.language:
        calls = calls.filter(
            Q(caller_language=wanted.language) | Q(callee_language=wanted.language)
        )
    if wanted.since:
        calls = calls.filter(created_at__gte=_midnight(wanted.since))
    if wanted.until:
        calls = calls.filter(created_at__lt=_midnight(wanted.until + timedelta(days=1)))
    query = wanted.query.strip()
    if not query:
        return calls
    said = Utterance.objects.filter(_said(query), call=OuterRef("pk"))
    corrected = Correction.objects.filter(
        text__icontains=query, utterance__call=OuterRef("pk")
    )
    return calls.filter(
        Q(callee_name__icontains=query)
        | Q(summary__icontains=query)
        | _number(query)
        | Exists(said)
        | Exists(corrected)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _said(query: str) -> Q:
    return Q(original__icontains=query) | Q(translation__icontains=query)


def _number(query: str) -> Q:
    """Match a number as it is dialled there or with its country's code."""
    digits = re.sub(r"\D", "", query).lstrip("0")
    if len(digits) < _MIN_DIGITS or re.search(r"[^\d\s+().\-]", query):
        return Q(pk__in=[])
    return Q(to_number__contains=digits) | Q(from_number__contains=digits)


def snippets(calls: Iterable[Call], query: str) -> dict[UUID, str]:
    """Return for each call the first utterance with the words, as far as it fits."""
    query = query.strip()
    if not query:
        return {}
    found: dict[UUID, str] = {}
    rows = Utterance.objects.filter(_said(query), call__in=list(calls))
    for row in rows.order_by("started_ms", "id"):
        is_in_translation = query.casefold() in row.translation.casefold()
        text = row.translation if is_in_translation else row.original
        found.setdefault(row.call_id, _around(text, query))
    return found


def _around(text: str, query: str) -> str:
    if len(text) <= SNIPPET_CHARS:
        return text
    at = max(0, text.casefold().find(query.casefold()) - SNIPPET_CHARS // 3)
    piece = text[at : at + SNIPPET_CHARS]
    return ("… " if at else "") + piece + ("" if at + len(piece) == len(text) else " …")


def _any(choices: Iterable[Any]) -> list[Any]:
    return [("", _("Any")), *choices]


class HistoryForm(forms.Form):
    """What is looked for in the history.  Anything unknown is no wish at all."""

    q = forms.CharField(label=_("Search"), required=False, max_length=MAX_QUERY)
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=_any(Status.choices)
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=_any(Outcome.choices)
    )
    mode = forms.ChoiceField(label=_("How"), required=False, choices=_any(Mode.choices))
    direction = forms.ChoiceField(
        label=_("Direction"), required=False, choices=_any(Direction.choices)
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=lambda: _any(names.language_choices()),
    )
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput({"type": "date"})
    )

    @property
    def wanted(self) -> Wanted:
        """Return the wishes that could be understood."""
        self.is_valid()
        said = {k: v for k, v in self.cleaned_data.items() if v}
        return Wanted(query=said.pop("q", ""), **said)

    @property
    def is_detailed(self) -> bool:
        """Whether anything but words is wished for."""
        wanted = self.wanted
        return Wanted(query=wanted.query) != wanted

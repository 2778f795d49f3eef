"""The page of saved phrases.  Every change works without a script as well."""

from typing import Final
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from calls import languages, phrases
from calls.forms import add_refusal
from calls.models import Phrase
from calls.requests import AuthedRequest
from calls.services import CallRefused
from wigvo.undo import Undo

_UNDO: Final = Undo("deleted_phrase")


class PhraseForm(forms.Form):
    """One phrase; what may be saved is checked by `calls.phrases`."""

    text = forms.CharField(
        label=_("Phrase"),
        max_length=phrases.MAX_LETTERS,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_quick = forms.BooleanField(label=_("Quick reply"), required=False)


class NewPhraseForm(PhraseForm):
    """A phrase to be saved."""

    field_order = ("text", "language", "is_quick")
    language = forms.ChoiceField(
        label=_("Language"), choices=lambda: list(languages.NAMES.items())
    )


@require_safe
@login_required
def index(request: AuthedRequest) -> HttpResponse:
    """List the person's phrases; `?edit=` opens one of them."""
    try:
        editing = phrases.find(request.user, UUID(request.GET.get("edit", "")))
    except (ValueError, Phrase.DoesNotExist):
        return _show(request)
    return _show(request, editing=editing)


@require_POST
@login_required
def add(request: AuthedRequest) -> HttpResponse:
    """Save a phrase."""
    form = NewPhraseForm(request.POST)
    if form.is_valid():
        try:
            phrases.add(request.user, **form.cleaned_data)
        except CallRefused as refused:
            add_refusal(form, refused)
        else:
            return _done(request, is_added=True)
    return _show(request, new_form=form, status=422)


@require_POST
@login_required
def edit(request: AuthedRequest, phrase_id: UUID) -> HttpResponse:
    """Change a phrase."""
    phrase = _find(request, phrase_id)
    form = PhraseForm(request.POST)
    if form.is_valid():
        try:
            phrases.change(phrase, form.cleaned_data)
        except CallRefused as refused:
            add_refusal(form, refused)
        else:
            return _done(request)
    return _show(request, editing=phrase, edit_form=form, status=422)


@require_POST
@login_required
def move(request: AuthedRequest, phrase_id: UUID) -> HttpResponse:
    """Move a phrase one place up or down."""
    steps = {"up": -1, "down": 1}.get(request.POST.get("direction", ""), 0)
    phrases.move(_find(request, phrase_id), steps)
    return _done(request)


@require_POST
@login_required
def delete(request: AuthedRequest, phrase_id: UUID) -> HttpResponse:
    """Delete a phrase; for some minutes it can be brought back."""
    _UNDO.keep(request, phrases.delete(_find(request, phrase_id)))
    return _done(request)


@require_POST
@login_required
def restore(request: AuthedRequest) -> HttpResponse:
    """Bring the phrase back that was deleted last."""
    if kept := _UNDO.take(request):
        phrases.restore(request.user, kept)
    return _done(request)


def _find(request: AuthedRequest, phrase_id: UUID) -> Phrase:
    return get_object_or_404(Phrase.objects.for_user(request.user), pk=phrase_id)


def _done(request: AuthedRequest, *, is_added: bool = False) -> HttpResponse:
    if request.htmx:
        return _show(request, is_added=is_added)
    return redirect(reverse("calls:phrases"))


def _show(
    request: AuthedRequest,
    *,
    editing: Phrase | None = None,
    edit_form: PhraseForm | None = None,
    new_form: NewPhraseForm | None = None,
    is_added: bool = False,
    status: int = 200,
) -> HttpResponse:
    language = (get_language() or "en")[:2]
    phrases.phrases_of(request.user, language)
    mine = list(phrases.phrases_of(request.user))
    if editing is not None and edit_form is None:
        edit_form = PhraseForm(
            initial={"text": editing.text, "is_quick": editing.is_quick}
        )
    if new_form is None:
        used = request.POST.get("language", "")
        new_form = NewPhraseForm(
            initial={"language": used if used in languages.NAMES else language}
        )
    groups = [
        (name, [phrase for phrase in mine if phrase.language == code], code)
        for code, name in languages.NAMES.items()
        if any(phrase.language == code for phrase in mine)
    ]
    # The reader's own language comes first.
    groups.sort(key=lambda group: group[2] != language)
    template = "calls/phrases.html" + ("#phrases" if request.htmx else "")
    response = render(
        request,
        template,
        {
            "groups": groups,
            "editing": editing,
            "edit_form": edit_form,
            "new_form": new_form,
            "deleted": _UNDO.look(request),
            "is_added": is_added,
            "is_full": len(mine) >= phrases.MAX_PHRASES,
        },
        status=status,
    )
    patch_vary_headers(response, ["HX-Request"])
    return response

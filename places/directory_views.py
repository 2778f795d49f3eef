"""The page of numbers that somebody keeps.  Every change works without a script."""

from typing import Any, Final
from uuid import UUID

import phonenumbers
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from calls import names
from calls.forms import CallForm, NumberForm, add_refusal
from calls.models import Call
from calls.requests import AuthedRequest
from calls.services import CallRefused
from places import directory
from places.models import Contact
from wigvo.undo import Undo

_UNDO: Final = Undo("removed_contact")


class ContactForm(NumberForm):
    """A number, whose it is, and what they speak."""

    field_order = ("name", "country", "number", "language")
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(
        label=_("They speak"),
        required=False,
        choices=lambda: [("", _("not known")), *names.callee_language_choices()],
    )

    @property
    def facts(self) -> dict[str, Any]:
        """What is to be kept; the form has to be valid first."""
        assert self.read  # noqa: S101 - valid
        return {
            "name": self.cleaned_data["name"],
            "phone_number": self.read.e164,
            "language": self.cleaned_data["language"],
        }


@require_safe
@login_required
def index(request: AuthedRequest) -> HttpResponse:
    """List the person's numbers; `?q=` searches, `?edit=` opens one of them."""
    try:
        editing = directory.find(request.user, UUID(request.GET.get("edit", "")))
    except (ValueError, Contact.DoesNotExist):
        return _show(request)
    return _show(request, editing=editing)


@require_POST
@login_required
def add(request: AuthedRequest) -> HttpResponse:
    """Keep a number that was written by hand."""
    form = ContactForm(request.POST)
    if form.is_valid():
        try:
            directory.keep(request.user, **form.facts)
        except CallRefused as refused:
            add_refusal(form, refused)
        else:
            return _done(request, said=_("The number is saved."))
    return _show(request, new_form=form, status=422)


@require_POST
@login_required
def keep(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Keep whom a call of theirs went to."""
    mine = Call.objects.for_user(request.user).outbound()
    call = get_object_or_404(mine, pk=call_id)
    try:
        directory.keep(
            request.user,
            name=call.callee_name,
            phone_number=str(call.to_number),
            language=call.callee_language,
        )
    except CallRefused as refused:
        return _show(request, problem=refused.message, status=422)
    return _done(request, said=_("The number is saved."))


@require_POST
@login_required
def edit(request: AuthedRequest, contact_id: UUID) -> HttpResponse:
    """Change a number, whose it is, or what they speak."""
    contact = _find(request, contact_id)
    form = ContactForm(request.POST, auto_id="edit_%s")
    if form.is_valid():
        try:
            directory.change(contact, form.facts)
        except CallRefused as refused:
            add_refusal(form, refused)
        else:
            return _done(request, said=_("The number is saved."))
    return _show(request, editing=contact, edit_form=form, status=422)


@require_POST
@login_required
def star(request: AuthedRequest, contact_id: UUID) -> HttpResponse:
    """Make a number a favourite, or no longer one."""
    contact = _find(request, contact_id)
    directory.change(contact, {"is_favourite": not contact.is_favourite})
    return _done(request, focus=contact.pk)


@require_POST
@login_required
def remove(request: AuthedRequest, contact_id: UUID) -> HttpResponse:
    """Remove a number; for some minutes it can be brought back."""
    _UNDO.keep(request, directory.remove(_find(request, contact_id)))
    return _done(request, is_removed=True)


@require_POST
@login_required
def restore(request: AuthedRequest) -> HttpResponse:
    """Bring the number back that was removed last."""
    if kept := _UNDO.take(request):
        directory.restore(request.user, kept)
    return _done(request)


@require_safe
@login_required
def call(request: AuthedRequest, contact_id: UUID) -> HttpResponse:
    """Show the form of a new call to this number, which so stays out of addresses."""
    contact = _find(request, contact_id)
    last = Call.objects.for_user(request.user).outbound().first()
    initial = CallForm.first_guess(last, request.user) | _number_of(contact)
    initial["callee_name"] = contact.name
    if contact.language:
        initial["callee_language"] = contact.language
    form = CallForm(user=request.user, initial=initial)
    return render(request, "calls/new.html", {"form": form})


def _find(request: AuthedRequest, contact_id: UUID) -> Contact:
    return get_object_or_404(Contact.objects.for_user(request.user), pk=contact_id)


def _number_of(contact: Contact) -> dict[str, str]:
    number = contact.phone_number
    country = phonenumbers.region_code_for_number(number)
    return {
        "country": country or settings.PHONENUMBER_DEFAULT_REGION,
        "number": number.as_national,
    }


def _done(request: AuthedRequest, **shown: Any) -> HttpResponse:
    if request.htmx:
        return _show(request, **shown)
    return redirect("places:directory")


def _show(
    request: AuthedRequest,
    *,
    editing: Contact | None = None,
    edit_form: ContactForm | None = None,
    new_form: ContactForm | None = None,
    problem: str = "",
    said: Any = "",
    focus: UUID | None = None,
    is_removed: bool = False,
    status: int = 200,
) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:100]
    found = directory.search(request.user, query)
    if editing is not None and edit_form is None:
        facts = {"name": editing.name, "language": editing.language}
        initial = facts | _number_of(editing)
        edit_form = ContactForm(initial=initial, auto_id="edit_%s")
    if new_form is None:
        country = {"country": settings.PHONENUMBER_DEFAULT_REGION}
        new_form = ContactForm(initial=country)
    kept = {str(one.phone_number) for one in Contact.objects.for_user(request.user)}
    recent = [
        (one, one.phone_number in kept)
        for one in directory.recent(request.user)
        if directory.matches(query, one.name, one.phone_number)
    ]
    template = "places/directory.html" + ("#list" if request.htmx else "")
    response = render(
        request,
        template,
        {
            "groups": [
                ("favourites", _("Favourites"), [c for c in found if c.is_favourite]),
                ("others", _("Others"), [c for c in found if not c.is_favourite]),
            ],
            "recent": recent,
            "query": query,
            "is_empty": not found and not recent,
            "editing": editing,
            "edit_form": edit_form,
            "new_form": new_form,
            "removed": _UNDO.look(request),
            "is_removed": is_removed,
            "problem": problem,
            "said": said,
            "focus": focus,
        },
        status=status,
    )
    patch_vary_headers(response, ["HX-Request"])
    return response

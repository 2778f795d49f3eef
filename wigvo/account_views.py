"""Pages of one's own account: what calls start with, how captions look, the way out."""

import json
from typing import TYPE_CHECKING, ClassVar

from allauth.account.decorators import reauthentication_required
from django import forms
from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from calls import names
from calls.models import Call
from calls.requests import AuthedRequest
from wigvo import takeout
from wigvo.models import User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:  # Django's own class takes no parameters
    UserForm = forms.ModelForm


class SettingsForm(UserForm):
    """What a new call starts with, and how captions look."""

    caller_language = forms.ChoiceField(
        label=gettext_lazy("You speak"),
        required=False,
        choices=lambda: _as_last_time(names.language_choices()),
    )
    callee_language = forms.ChoiceField(
        label=gettext_lazy("They mostly speak"),
        required=False,
        choices=lambda: _as_last_time(names.callee_language_choices()),
    )

    class Meta:
        model = User
        fields = (
            "caller_language",
            "callee_language",
            "caption_size",
            "caption_spacing",
            "caption_theme",
            "caption_show",
        )
        labels: ClassVar = {
            "caption_size": gettext_lazy("Size"),
            "caption_spacing": gettext_lazy("Space between lines"),
            "caption_theme": gettext_lazy("Colours"),
            "caption_show": gettext_lazy("Lines"),
        }


def _as_last_time(choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("", _("As in the last call")), *choices]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: AuthedRequest) -> HttpResponse:
    """Show, and change, what is kept of a person for later calls."""
    form = SettingsForm(request.POST or None, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Your settings are saved."))
        return redirect("settings")
    if form.errors:
        request.user.refresh_from_db()  # what is wrong does not count as set
    context = {"form": form, "has_google": bool(django_settings.GOOGLE_CLIENT_ID)}
    return render(
        request, "wigvo/settings.html", context, status=422 if form.errors else 200
    )


@require_safe
@login_required
def export(request: AuthedRequest) -> HttpResponse:
    """Send everything that is kept of a person, as JSON."""
    text = json.dumps(takeout.everything_of(request.user), ensure_ascii=False)
    response = HttpResponse(text, content_type="application/json")
    name = f"wigvo-{timezone.now():%Y-%m-%d}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class DeletionForm(forms.Form):
    """A password, or for those without one the address, so that nobody slips."""

    def __init__(self, user: User, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self._user = user
        field: forms.CharField
        if user.has_usable_password():
            field = forms.CharField(
                label=_("Your password"),
                widget=forms.PasswordInput({"autocomplete": "current-password"}),
            )
        else:
            field = forms.CharField(
                label=_("Your e-mail address"),
                widget=forms.EmailInput({"autocomplete": "off"}),
            )
        self.fields["proof"] = field

    def clean_proof(self) -> str:
        proof = str(self.cleaned_data["proof"])
        if self._user.has_usable_password():
            if not self._user.check_password(proof):
                raise forms.ValidationError(_("This is not your password."))
        elif proof.strip().casefold() != self._user.email.casefold():
            raise forms.ValidationError(_("This is not your e-mail address."))
        return proof

    def clean(self) -> None:
        super().clean()
        if Call.objects.filter(owner=self._user).live().exists():
            raise forms.ValidationError(
                _("You have a call that is going on. Hang up first.")
            )


def _proves_nothing(request: HttpRequest) -> bool:
    """Tell whether the form below asks for something that anybody may know."""
    return request.user.is_authenticated and not request.user.has_usable_password()


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(enabled=_proves_nothing)  # type: ignore[untyped-decorator]
def delete(request: AuthedRequest) -> HttpResponse:
    """Say what goes with an account, and delete it."""
    form = DeletionForm(request.user, request.POST or None)
    if form.is_valid():
        user = User.objects.get(pk=request.user.pk)
        logout(request)
        user.delete()
        messages.success(request, _("Your account was deleted."))
        return redirect("calls:new")
    context = {"form": form, "n_calls": Call.objects.for_user(request.user).count()}
    return render(
        request,
        "wigvo/delete_account.html",
        context,
        status=422 if form.errors else 200,
    )

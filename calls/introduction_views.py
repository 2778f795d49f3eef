"""The page on which people say how they are introduced in their calls."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from calls import languages, names, openings
from calls.forms import OpeningForm
from calls.models import Call, Mode
from calls.openings import Opening
from calls.reasons import REFUSALS
from calls.views import AuthedRequest
from wigvo.models import User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:  # Django's own class takes no parameters
    UserForm = forms.ModelForm


class IntroductionForm(UserForm):
    """A name as it is spoken, and a sentence of one's own."""

    class Meta:
        model = User
        fields = ("name_as_spoken", "opening")
        labels: ClassVar = {
            "name_as_spoken": _("Your name, as it is to be spoken"),
            "opening": _("Your own first sentence"),
        }
        help_texts: ClassVar = {
            "name_as_spoken": _("Write it as somebody reads it out who cannot ask."),
            "opening": _(
                "Said instead of your name, for example that you cannot hear and read"
                " what is said. It is translated for each call."
            ),
        }
        widgets: ClassVar = {
            "name_as_spoken": forms.TextInput(attrs={"autocomplete": "name"}),
            "opening": forms.Textarea(attrs={"rows": 3}),
        }

    def clean_name_as_spoken(self) -> str:
        return self._fit("name_as_spoken")

    def clean_opening(self) -> str:
        return self._fit("opening")

    def _fit(self, field: str) -> str:
        text = openings.clean(self.cleaned_data[field])
        mine = (get_language() or "en")[:2]
        if problem := openings.problem_of(text, mine, mine):
            raise forms.ValidationError(str(REFUSALS[problem].sentence), code=problem)
        return text


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def introduction(request: AuthedRequest) -> HttpResponse:
    """Show, and change, how the person is introduced."""
    form = IntroductionForm(request.POST or None, instance=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("From now on your calls begin like this."))
        return redirect("calls:introduction")
    if form.errors:
        request.user.refresh_from_db()  # what is wrong is not shown as if it were so
    context = {
        "form": form,
        "mine": _mine(),
        "languages": names.callee_language_choices(),
        "theirs": _theirs(request.user),
        "opening": _heard_first(form, request.user),
    }
    return render(
        request, "calls/introduction.html", context, status=422 if form.errors else 200
    )


def _mine() -> str:
    mine = (get_language() or "en")[:2]
    return mine if mine in languages.NAMES else "en"


def _theirs(user: User) -> str:
    """Return the language of whom they called last, to show what those would hear."""
    last = Call.objects.for_user(user).values_list("callee_language", flat=True).first()
    return last or ("en" if _mine() == "ko" else "ko")


def _heard_first(form: IntroductionForm, user: User) -> Opening | None:
    values: dict[str, Any] = {
        "name_as_spoken": form["name_as_spoken"].value() or "",
        "opening": form["opening"].value() or "",
        "caller_language": _mine(),
        "callee_language": _theirs(user),
        "mode": Mode.VOICE,
    }
    example = OpeningForm(values)
    return example.introduction(user).known if example.is_valid() else None

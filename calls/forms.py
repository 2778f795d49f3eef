"""What a person fills in before a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import phonenumbers
from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from calls import languages, names, numbers, recordings
from calls.models import Call, Mode
from calls.reasons import REFUSALS
from calls.services import CallRefused
from calls.texts import MODES, ModeText


@dataclass(frozen=True, slots=True)
class ReadNumber:
    """A number as typed, understood: what would be dialled, and how to show it."""

    e164: str
    international: str
    country: str

    @property
    def country_name(self) -> str:
        return names.country_name(self.country)


def read_number(text: str, country: str) -> ReadNumber:
    """Understand a number as it is dialled in `country`, or with its own +code.

    Raises: NumberRefused, also for the numbers that are never called (119, 911).
    """
    try:
        typed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        e164 = numbers.normalise(text)
    else:
        e164 = numbers.normalise(
            phonenumbers.format_number(typed, phonenumbers.PhoneNumberFormat.E164)
        )
    number = phonenumbers.parse(e164)
    return ReadNumber(
        e164=e164,
        international=phonenumbers.format_number(
            number, phonenumbers.PhoneNumberFormat.INTERNATIONAL
        ),
        country=phonenumbers.region_code_for_number(number) or country,
    )


class NumberForm(forms.Form):
    """The number alone: checked while it is being typed."""

    country = forms.ChoiceField(label=_("Country"), choices=names.country_choices)
    number = forms.CharField(
        label=_("Telephone number"),
        max_length=32,
        error_messages={"required": _("Enter the number to call.")},
        widget=forms.TextInput(
            attrs={
                "type": "tel",
                "inputmode": "tel",
                "autocomplete": "off",
                "placeholder": "02 123 4567",
            }
        ),
    )
    read: ReadNumber | None = None
    is_unfinished = False
    """Whether more digits may still make it a number."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        text, country = cleaned.get("number"), cleaned.get("country")
        if text and country:
            try:
                self.read = read_number(text, country)
            except numbers.NumberRefused as refused:
                code = refused.code
                if code == "short_number" and text.startswith(("0", "+")):
                    code = "invalid_number"  # an area code with too little behind it
                self.is_unfinished = code in {"invalid_number", "short_number"}
                self.add_error("number", self._sentence(code, country))
        return cleaned

    @staticmethod
    def _sentence(code: str, country: str) -> str:
        """Say what is wrong; a slip of the finger is answered with an example."""
        if code != "invalid_number":
            return str(REFUSALS[code].sentence)
        example = phonenumbers.example_number(country)
        shown = (
            phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
            if example
            else ""
        )
        return _(
            "This is not a complete number in %(country)s."
            " Write it as you would dial it there, for example %(example)s,"
            " or with + and the country code."
        ) % {"country": names.country_name(country), "example": shown}


class CallForm(NumberForm):
    """A new call."""

    callee_name = forms.CharField(
        label=_("Who is it?"),
        required=False,
        max_length=Call._meta.get_field("callee_name").max_length,
        help_text=_("A name for your history, for example the restaurant's."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    caller_language = forms.ChoiceField(
        label=_("You speak"), choices=names.language_choices
    )
    callee_language = forms.ChoiceField(
        label=_("They speak"), choices=names.callee_language_choices
    )
    mode = forms.ChoiceField(
        label=_("How you talk"),
        choices=[(text.mode.value, text.name) for text in MODES],
        initial=Mode.VOICE.value,
        widget=forms.RadioSelect(),
    )
    goal = forms.CharField(
        label=_("What is the assistant to do?"),
        required=False,
        max_length=2000,
        help_text=_(
            "What it is to find out or arrange, and what it may tell them, for example"
            " your name and when you have time."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    record = forms.BooleanField(
        label=_("Record this call"), required=False, help_text=recordings.terms
    )

    @property
    def modes(self) -> Iterator[tuple[forms.boundfield.BoundWidget, ModeText]]:
        """Pair each choice of `mode` with what it means."""
        return zip(self["mode"], MODES, strict=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("mode") == Mode.AGENT and not cleaned.get("goal"):
            self.add_error("goal", _("Say what the assistant is to do."))
        return cleaned

    def call_fields(self) -> dict[str, Any]:
        """Return what `create_call` asks for."""
        if self.read is None:
            raise ValueError("The form has to be valid first.")
        fields = (
            "mode",
            "caller_language",
            "callee_language",
            "callee_name",
            "record",
        )
        is_agent = self.cleaned_data["mode"] == Mode.AGENT
        goal = self.cleaned_data["goal"]
        return {
            "to_number": self.read.e164,
            **{name: self.cleaned_data[name] for name in fields},
            **({"brief": {"goal": goal}} if is_agent and goal else {}),
        }

    def add_refusal(self, refused: CallRefused) -> None:
        """Show why the call was refused, next to the field that it is about."""
        field = {"to_number": "number"}.get(refused.field or "", refused.field)
        self.add_error(field if field in self.fields else None, refused.message)

    @staticmethod
    def first_guess(last_call: Call | None) -> dict[str, str]:
        """Start from the languages of the last call, else from the page's language."""
        if last_call is not None:
            return {
                "country": settings.PHONENUMBER_DEFAULT_REGION,
                "mode": last_call.mode,
                "caller_language": last_call.caller_language,
                "callee_language": last_call.callee_language,
            }
        mine = (get_language() or "en")[:2]
        return {
            "country": settings.PHONENUMBER_DEFAULT_REGION,
            "caller_language": mine if mine in languages.NAMES else "en",
            "callee_language": "en" if mine == "ko" else "ko",
        }

    @staticmethod
    def like(call: Call) -> dict[str, str]:
        """Prefill from an earlier call, to call again."""
        number = call.to_number
        return {
            "country": phonenumbers.region_code_for_number(number)
            or settings.PHONENUMBER_DEFAULT_REGION,
            "number": number.as_national,
            "callee_name": call.callee_name,
            "mode": call.mode,
            "goal": str(call.brief.get("goal", "")),
            "caller_language": call.caller_language,
            "callee_language": call.callee_language,
        }

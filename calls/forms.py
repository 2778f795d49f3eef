"""What a person fills in before a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import phonenumbers
from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from calls import languages, names, numbers, openings, recordings
from calls.models import Call, Mode
from calls.reasons import REFUSALS
from calls.services import CallRefused
from calls.texts import MODES, ModeText
from realtime.opening.introduction import (
    MOST_LETTERS,
    MOST_NAME_LETTERS,
    MOST_PURPOSE_LETTERS,
)
from wigvo.models import User

_WRITTEN_IN = {"to_number": "number", "phone_number": "number"}
"""Fields of the core that a form calls otherwise."""


def add_refusal(form: forms.Form, refused: CallRefused) -> None:
    """Show why something was refused, next to the field that it is about."""
    field = _WRITTEN_IN.get(refused.field or "", refused.field)
    form.add_error(field if field in form.fields else None, refused.message)


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


class OpeningForm(forms.Form):
    """How the caller is introduced: all that is known before a call."""

    caller_language = forms.ChoiceField(
        label=_("You speak"), choices=names.language_choices
    )
    callee_language = forms.ChoiceField(
        label=_("They speak"), choices=names.callee_language_choices
    )
    mode = forms.ChoiceField(choices=Mode.choices, required=False)
    purpose = forms.CharField(required=False)
    opening = forms.CharField(required=False)
    name_as_spoken = forms.CharField(required=False)

    def introduction(self, user: User) -> openings.Wanted:
        """Return what is to be said; the form has to be valid first."""
        values = self.cleaned_data
        if "name_as_spoken" in self.data:  # the page on which it is being changed
            user = User(name_as_spoken=values["name_as_spoken"][:MOST_NAME_LETTERS])
        languages = values["caller_language"], values["callee_language"]
        text = openings.clean(values["opening"])[:MOST_LETTERS]
        purpose = values["purpose"][:MOST_PURPOSE_LETTERS]
        return openings.Wanted(
            text or openings.introduction(user, *languages, purpose),
            user.name_as_spoken,
            values["mode"] or Mode.VOICE,
            *languages,
        )


class CallForm(NumberForm):
    """A new call."""

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user or User()

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

    purpose = forms.CharField(
        label=_("What is it about?"),
        required=False,
        max_length=MOST_PURPOSE_LETTERS,
        help_text=_("Said to them first, for example “a table for Saturday”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    opening = forms.CharField(
        label=_("Your first sentence for this call"),
        required=False,
        max_length=MOST_LETTERS,
        help_text=_("Instead of your name and what it is about."),
        widget=forms.Textarea(attrs={"rows": 2}),
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

    def clean_opening(self) -> str:
        return openings.clean(self.cleaned_data["opening"])

    @property
    def heard_first(self) -> openings.Opening | None:
        """What the other side will hear first, as far as nobody has to translate."""
        names_of_fields = ("mode", "caller_language", "callee_language")
        values = {name: self[name].value() or "" for name in names_of_fields}
        said = {name: self[name].value() or "" for name in ("purpose", "opening")}
        form = OpeningForm({**values, **said})
        return form.introduction(self.user).known if form.is_valid() else None

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
        languages = (
            self.cleaned_data["caller_language"],
            self.cleaned_data["callee_language"],
        )
        opening = self.cleaned_data["opening"] or openings.introduction(
            self.user, *languages, self.cleaned_data["purpose"]
        )
        return {
            "to_number": self.read.e164,
            **{name: self.cleaned_data[name] for name in fields},
            "opening": opening,
            **({"brief": {"goal": goal}} if is_agent and goal else {}),
        }

    @staticmethod
    def first_guess(last_call: Call | None, user: User | None = None) -> dict[str, str]:
        """Start from what the person has set, the last call, or the page's language."""
        guess = CallForm._guess(last_call)
        if user is not None:
            own = {
                "caller_language": user.caller_language,
                "callee_language": user.callee_language,
            }
            guess |= {name: language for name, language in own.items() if language}
        return guess

    @staticmethod
    def _guess(last_call: Call | None) -> dict[str, str]:
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
        number = call.their_number
        usual = openings.introduction(
            call.owner, call.caller_language, call.callee_language
        )
        return {
            "country": (number and phonenumbers.region_code_for_number(number))
            or settings.PHONENUMBER_DEFAULT_REGION,
            "number": number.as_national if number else "",
            "callee_name": call.callee_name,
            # Who is called back is called by the person, not by the assistant.
            "mode": Mode.VOICE.value if call.is_inbound else call.mode,
            "goal": "" if call.is_inbound else str(call.brief.get("goal", "")),
            "opening": "" if call.opening == usual else call.opening,
            "caller_language": call.caller_language,
            "callee_language": call.callee_language,
        }

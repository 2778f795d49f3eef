"""Forms around second factors, in our words."""

from typing import Any

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 60


def _code(label: Any, help_text: Any = "") -> forms.CharField:
    """Make the field of a code: with digits' keys, and known to password managers."""
    widget = forms.TextInput(
        {
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "autocapitalize": "off",
            "spellcheck": "false",
        }
    )
    return forms.CharField(
        label=label, help_text=help_text, widget=widget, max_length=40
    )


class LoginCodeForm(AuthenticateForm):  # type: ignore[misc]
    """The second step of a login."""

    code = _code(
        _("Code"), _("From your authenticator app, or one of your recovery codes.")
    )


class AgainCodeForm(ReauthenticateForm):  # type: ignore[misc]
    """Before something important is changed."""

    code = _code(
        _("Code"), _("From your authenticator app, or one of your recovery codes.")
    )


class FirstCodeForm(ActivateTOTPForm):  # type: ignore[misc]
    """Shows that the app and we agree."""

    code = _code(
        _("Code that the app shows now"),
        _("Six digits. They change every 30 seconds."),
    )


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey, or a key beside the password."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("So that you know it again: “My phone”, “Blue key”."),
        required=False,
        max_length=NAME_LENGTH,
    )
    passwordless = forms.BooleanField(
        label=_("Log in with it alone, without the password"),
        help_text=_(
            "Your device then asks for your fingerprint, your face or its PIN."
            " Otherwise it is asked for after the password."
        ),
        required=False,
        initial=True,
    )


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)

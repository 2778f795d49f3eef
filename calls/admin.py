"""Lines that answer, and what people have saved; calls: `calls.call_admin`."""

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from calls import reception
from calls.call_admin import AccessAdmin, CallAdmin, ReadOnly
from calls.models import Phrase, ReceptionLine

__all__ = ["AccessAdmin", "CallAdmin", "PhraseAdmin", "ReceptionLineAdmin"]

if TYPE_CHECKING:
    PhrasePages = admin.ModelAdmin[Phrase]
    LinePages = admin.ModelAdmin[ReceptionLine]
else:  # Django's own classes take no parameters
    PhrasePages = LinePages = admin.ModelAdmin


@admin.register(Phrase)
class PhraseAdmin(ReadOnly, PhrasePages):
    """What people have saved to be said."""

    list_display = ("text", "language", "is_quick", "owner", "created_at")
    list_filter = ("language", "is_quick")
    list_select_related = ("owner",)
    search_fields = ("text", "owner__email")
    fields = ("owner", "text", "language", "translations", "is_quick", "position")


@admin.register(ReceptionLine)
class ReceptionLineAdmin(LinePages):
    """Our numbers that the assistant answers: all about them is set here."""

    list_display = ("name", "number", "is_active", "owner", "language", "secret_state")
    list_filter = ("is_active",)
    list_select_related = ("owner",)
    search_fields = ("name", "number", "owner__email")
    autocomplete_fields = ("owner",)
    readonly_fields = ("id", "secret_state")
    actions = ("rotate_secret",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "number", "is_active"),
                    ("owner", "owner_language"),
                    "languages",
                    ("id", "secret_state"),
                )
            },
        ),
        (
            _("What the assistant says"),
            {"fields": ("greeting", "persona", "instructions", "must_ask", "voice")},
        ),
        (_("Opening hours"), {"fields": ("opening_hours", "time_zone")}),
        (_("Putting people through"), {"fields": ("transfer_number",)}),
        (_("Messages"), {"fields": ("sends_messages", "messages_to")}),
        (_("Limits"), {"fields": (("max_seconds", "max_calls", "daily_minutes"),)}),
        (
            _("Turn detection"),
            {
                "fields": (
                    "turn_detection",
                    ("vad_threshold", "vad_prefix_ms", "vad_silence_ms"),
                )
            },
        ),
    )

    @admin.display(description=_("secret of the static document"))
    def secret_state(self, line: ReceptionLine) -> str:
        if line.secret_changed_at is None:
            return str(_("none yet: make one with the action of the list"))
        return f"{line.secret_changed_at:%Y-%m-%d %H:%M} UTC"

    @admin.action(
        description=_("Make a new secret for the static document"),
        permissions=["change"],
    )
    def rotate_secret(
        self, request: HttpRequest, lines: QuerySet[ReceptionLine]
    ) -> None:
        for line in lines:
            text = _(
                "%(name)s: the document kept at Twilio has to say this from now on. It"
                " is shown only this once; the old secret is worth nothing any more."
            ) % {"name": line.name}
            code = f'<Parameter name="line" value="{reception.rotate_secret(line)}"/>'
            message = format_html("{} <code>{}</code>", text, code)
            messages.success(request, message)

"""Review of calls by support.  Nothing is changed here."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from calls import recordings
from calls.models import Call, CallEvent, Phrase, Utterance
from calls.quality import LineQuality
from calls.reasons import explain

if TYPE_CHECKING:
    UtteranceTable = admin.TabularInline[Utterance, Call]
    EventTable = admin.TabularInline[CallEvent, Call]
    CallPages = admin.ModelAdmin[Call]
    PhrasePages = admin.ModelAdmin[Phrase]
else:  # Django's own classes take no parameters
    UtteranceTable = EventTable = admin.TabularInline
    CallPages = PhrasePages = admin.ModelAdmin


class ReadOnly:
    """Permissions of a page that only shows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


class UtteranceInline(ReadOnly, UtteranceTable):
    """What was said, in its order."""

    model = Utterance
    fields = ("started_ms", "ended_ms", "leg", "original", "translation", "fate")
    extra = 0


class EventInline(ReadOnly, EventTable):
    """What happened, in its order."""

    model = CallEvent
    fields = ("at", "kind", "data")
    readonly_fields = ("at",)
    extra = 0


@admin.register(Call)
class CallAdmin(ReadOnly, CallPages):
    """One call and everything known about it."""

    list_display = (
        "created_at",
        "owner",
        "to_number",
        "mode",
        "status",
        "outcome",
        "reason",
        "duration",
    )
    list_filter = ("status", "outcome", "mode", "direction", "callee_language")
    list_select_related = ("owner",)
    search_fields = ("id", "owner__email", "to_number", "twilio_sid", "callee_name")
    date_hierarchy = "created_at"
    inlines = (UtteranceInline, EventInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("owner", "direction", "mode"),
                    ("from_number", "to_number", "callee_name"),
                    ("caller_language", "callee_language"),
                    ("status", "outcome", "answered_by"),
                    ("reason", "reason_sentence"),
                    ("created_at", "queued_at", "answered_at", "ended_at", "duration"),
                )
            },
        ),
        (_("Request"), {"fields": ("brief_text", "opening", "record")}),
        (_("Voicemail"), {"fields": ("on_voicemail", "voicemail_message")}),
        (
            _("Result"),
            {
                "fields": (
                    "summary",
                    "result_text",
                    "recording_state",
                    "latency_text",
                )
            },
        ),
        (_("Cost"), {"fields": ("cost_usd", "cost_text")}),
        (_("Line"), {"fields": ("line_text",)}),
        (_("Machinery"), {"fields": ("twilio_sid", "last_sequence", "node_url")}),
    )

    @admin.display(description=_("duration"))
    def duration(self, call: Call) -> str:
        minutes, seconds = divmod(call.duration_s, 60)
        return f"{minutes}:{seconds:02}"

    @admin.display(description=_("explanation"))
    def reason_sentence(self, call: Call) -> str:
        return str(explain(call.reason).sentence)

    @admin.display(description=_("recording"))
    def recording_state(self, call: Call) -> str:
        state = recordings.state_of(call)
        if not state.is_audible:
            return state.sentence
        url = f"/api/calls/{call.pk}/recording"
        return format_html('<a href="{}">{}</a>', url, state.sentence)

    @admin.display(description=_("brief"))
    def brief_text(self, call: Call) -> str:
        return _pretty(call.brief)

    @admin.display(description=_("what the assistant found out"))
    def result_text(self, call: Call) -> str:
        return _pretty(call.result) if call.result else "-"

    @admin.display(description=_("latency"))
    def latency_text(self, call: Call) -> str:
        return _pretty(call.latency)

    @admin.display(description=_("for what (estimated)"))
    def cost_text(self, call: Call) -> str:
        rows = []
        for part in call.cost_parts:
            usd = "?" if part["usd"] is None else f"{part['usd']:.4f}"
            minutes = f"{part['seconds'] / 60:.2f} min" if part["seconds"] else ""
            tokens = ", ".join(f"{k} {n}" for k, n in part["tokens"].items())
            how_much = " ".join(filter(None, (minutes, tokens)))
            rows.append((usd, part["engine"], part["model"], how_much))
        return format_html_join("", "<div>{} USD: {} {} {}</div>", rows) or "-"

    @admin.display(description=_("how good the line was"))
    def line_text(self, call: Call) -> str:
        line = LineQuality.of(call)
        return _pretty(asdict(line)) if line.is_known else "-"


def _pretty(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return format_html("<pre>{}</pre>", text)


@admin.register(Phrase)
class PhraseAdmin(ReadOnly, PhrasePages):
    """What people have saved to be said."""

    list_display = ("text", "language", "is_quick", "owner", "created_at")
    list_filter = ("language", "is_quick")
    list_select_related = ("owner",)
    search_fields = ("text", "owner__email")
    fields = ("owner", "text", "language", "translations", "is_quick", "position")

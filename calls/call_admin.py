"""Review of calls by support.  Nothing about a call is changed here; notes are added.

What was said is shown on one page only, and each look at it is noted (`Access`).
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from calls import recordings, review, stages
from calls.models import Access, Call, CallEvent, Note, Summary, Utterance
from calls.quality import LineQuality
from calls.reasons import explain
from calls.told import proof_of

if TYPE_CHECKING:
    CallPages = admin.ModelAdmin[Call]
    AccessPages = admin.ModelAdmin[Access]
else:  # Django's own classes take no parameters
    CallPages = AccessPages = admin.ModelAdmin


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


# --- Which calls ---------------------------------------------------------------------


class CostFilter(admin.SimpleListFilter):
    """By what they cost."""

    title = _("cost")
    parameter_name = "cost"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("0", _("nothing")),
            ("0.5", _("more than 0.50 USD")),
            ("2", _("more than 2 USD")),
            ("10", _("more than 10 USD")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> QuerySet[Call]:
        match self.value():
            case "0":
                return queryset.filter(cost_usd=0)
            case "0.5" | "2" | "10" as usd:
                return queryset.filter(cost_usd__gt=usd)
        return queryset


class LatencyFilter(admin.SimpleListFilter):
    """By how late the translation was, on the slower side."""

    title = _("latency (median)")
    parameter_name = "latency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("2000", _("more than 2 s")),
            ("4000", _("more than 4 s")),
            ("8000", _("more than 8 s")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> QuerySet[Call]:
        if self.value() not in {"2000", "4000", "8000"}:
            return queryset
        ms = int(self.value() or 0)
        return queryset.filter(
            Q(latency__interpretation_caller_p50_ms__gt=ms)
            | Q(latency__interpretation_callee_p50_ms__gt=ms)
        )


class EventFilter(admin.SimpleListFilter):
    """By events of one kind."""

    kind = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("with some")), ("no", _("without any"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> QuerySet[Call]:
        some = Exists(CallEvent.objects.filter(call=OuterRef("pk"), kind=self.kind))
        match self.value():
            case "yes":
                return queryset.filter(some)
            case "no":
                return queryset.exclude(some)
        return queryset


class RecoveryFilter(EventFilter):
    """By losses of an engine or of the telephone."""

    title = _("recovery events")
    parameter_name = kind = "recovery"


class GuardrailFilter(EventFilter):
    """By what was held back before it was said."""

    title = _("guardrail events")
    parameter_name = kind = "guardrail"


class LostFilter(admin.SimpleListFilter):
    """By whether everything was heard."""

    title = _("not heard")
    parameter_name = "lost"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("something was lost"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> QuerySet[Call]:
        if self.value() != "yes":
            return queryset
        lost = Utterance.objects.filter(call=OuterRef("pk"), fate=Utterance.Fate.LOST)
        return queryset.filter(Exists(lost))


class SummaryFilter(admin.SimpleListFilter):
    """By how it stands with the summary."""

    title = _("summary")
    parameter_name = "summary"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Summary.State.choices, ("doubtful", _("Left something out"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> QuerySet[Call]:
        if self.value() == "doubtful":
            return queryset.filter(summing_up__dropped__gt=0)
        if self.value() in Summary.State:
            return queryset.filter(summing_up__state=self.value())
        return queryset


class NotesFilter(admin.SimpleListFilter):
    """By whether operators have noted something."""

    title = _("notes")
    parameter_name = "notes"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("with some"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Call]
    ) -> QuerySet[Call]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(Exists(Note.objects.filter(call=OuterRef("pk"))))


# --- One call ------------------------------------------------------------------------


@admin.register(Call)
class CallAdmin(ReadOnly, CallPages):
    """One call and everything known about it."""

    change_form_template = "admin/calls/call_review.html"
    view_on_site = False  # the page is its owner's alone
    list_display = (
        "created_at",
        "owner",
        "number",
        "mode",
        "status",
        "outcome",
        "duration",
        "cost_usd",
        "trouble",
    )
    list_filter = (
        "status",
        "outcome",
        "mode",
        "direction",
        "callee_language",
        "caller_language",
        "answered_by",
        CostFilter,
        LatencyFilter,
        RecoveryFilter,
        GuardrailFilter,
        LostFilter,
        SummaryFilter,
        NotesFilter,
    )
    list_select_related = ("owner",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = (
        "id",
        "owner__email",
        "from_number",
        "to_number",
        "twilio_sid",
        "callee_name",
    )
    date_hierarchy = "created_at"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("owner", "direction", "line", "mode"),
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
                    "told_text",
                    "latency_text",
                )
            },
        ),
        (_("Cost"), {"fields": ("cost_usd", "cost_text")}),
        (_("Line"), {"fields": ("line_text", "stages_text")}),
        (_("Machinery"), {"fields": ("twilio_sid", "last_sequence", "node_url")}),
    )

    # --- The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        events = CallEvent.objects.filter(call=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                has_recovery=Exists(events.filter(kind="recovery")),
                has_guardrail=Exists(events.filter(kind="guardrail")),
                lasted=F("ended_at") - F("answered_at"),
            )
        )

    @admin.display(description=_("number"))
    def number(self, call: Call) -> str:
        return f"{'←' if call.is_inbound else '→'} {call.their_number or '–'}"

    @admin.display(description=_("events"))
    def trouble(self, call: Any) -> str:
        found = (
            (call.has_recovery, _("recovery")),
            (call.has_guardrail, _("guardrail")),
        )
        return ", ".join(str(name) for is_there, name in found if is_there)

    @admin.display(description=_("duration"), ordering="lasted")
    def duration(self, call: Call) -> str:
        minutes, seconds = divmod(call.duration_s, 60)
        return f"{minutes}:{seconds:02}"

    # --- The page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a call, and note who has looked."""
        call = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if call is not None and self.has_view_permission(request, call):
            if request.method == "GET":
                user: Any = request.user
                what = Access.What.TRANSCRIPT
                review.note_access(call.pk, call.owner, user, what)
            context["review"] = review.Review.of(call)
            context["may_note"] = self._may_note(request)
        return super().change_view(request, object_id, form_url, context)

    def _may_note(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.add_note"))

    def get_urls(self) -> list[URLPattern]:
        note = path(
            "<uuid:call_id>/note/",
            self.admin_site.admin_view(require_POST(self.add_note)),
            name="calls_call_note",
        )
        return [note, *super().get_urls()]

    def add_note(self, request: HttpRequest, call_id: UUID) -> HttpResponse:
        """Keep an operator's note."""
        call = get_object_or_404(Call, pk=call_id)
        if not (self.has_view_permission(request, call) and self._may_note(request)):
            raise PermissionDenied
        user: Any = request.user
        if review.add_note(call, user, request.POST.get("text", "")) is None:
            messages.error(request, _("The note is empty."))
        else:
            messages.success(request, _("The note was added."))
        return redirect(reverse("admin:calls_call_change", args=[call.pk]) + "#notes")

    # --- Its fields

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

    @admin.display(description=_("what the other side was told"))
    def told_text(self, call: Call) -> str:
        proof = proof_of(call)
        return _pretty(asdict(proof)) if proof.told or proof.consent else "-"

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

    @admin.display(description=_("how long the assistant took to answer, ms"))
    def stages_text(self, call: Call) -> str:
        turns = stages.turns_of(call)
        if not turns:
            return "-"
        rows = [(f"{t.at_ms / 1000:.1f} s", t.after_ms) for t in turns]
        rows.append((str(_("median")), stages.medians(turns)))
        return format_html(
            "<table><tr><th></th>{}</tr>{}</table>",
            format_html_join("", "<th>{}</th>", [(name,) for name in stages.STAGES]),
            format_html_join(
                "", "<tr><th>{}</th>{}</tr>", [(name, _cells(c)) for name, c in rows]
            ),
        )


def _cells(values: Sequence[int | None]) -> str:
    shown = [("-" if value is None else value,) for value in values]
    return format_html_join("", "<td>{}</td>", shown)


def _pretty(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return format_html("<pre>{}</pre>", text)


# --- Who has looked ------------------------------------------------------------------


@admin.register(Access)
class AccessAdmin(ReadOnly, AccessPages):
    """Which operator has looked at which call, for superusers."""

    list_display = ("at", "by_email", "what", "owner_email", "call_key")
    list_filter = ("what", "by_email")
    search_fields = ("=call_key", "owner_email", "by_email")
    date_hierarchy = "at"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return self.has_module_permission(request)

"""Conversations, for support.  Nothing is changed here, and each look is noted."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from calls import review
from calls.call_admin import ReadOnly
from calls.models import Access
from chat.catalogue import CALLEE, catalogue
from chat.models import Conversation, ConversationEntity, Message
from chat.pages import FALLBACKS

if TYPE_CHECKING:
    MessageTable = admin.TabularInline[Message, Conversation]
    EntityTable = admin.TabularInline[ConversationEntity, Conversation]
    ConversationPages = admin.ModelAdmin[Conversation]
else:  # Django's own classes take no parameters
    MessageTable = EntityTable = admin.TabularInline
    ConversationPages = admin.ModelAdmin


class MessageInline(ReadOnly, MessageTable):
    """What was written, in its order."""

    model = Message
    fields = ("created_at", "role", "text", "data")
    readonly_fields = ("created_at",)
    extra = 0


class EntityInline(ReadOnly, EntityTable):
    """What is known, and where from."""

    model = ConversationEntity
    fields = ("name", "value", "normalised", "confidence", "origin", "source")
    extra = 0


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ConversationPages):
    """One call being prepared."""

    list_display = ("created_at", "owner", "scenario", "phase", "is_without_model")
    list_filter = ("phase", "scenario", "is_without_model", "caller_language")
    list_select_related = ("owner",)
    search_fields = ("id", "owner__email")
    date_hierarchy = "created_at"
    inlines = (EntityInline, MessageInline)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what was written, and note who has looked."""
        found = self.get_object(request, object_id)
        is_look = request.method == "GET"
        if is_look and found is not None and self.has_view_permission(request, found):
            user: Any = request.user
            what = Access.What.PREPARATION
            review.note_access(found.pk, found.owner, user, what)
        return super().change_view(request, object_id, form_url, extra_context)

    def get_urls(self) -> list[URLPattern]:
        own = self.admin_site.admin_view(self.show_scenarios)
        return [path("scenarios/", own, name="chat_scenarios"), *super().get_urls()]

    def show_scenarios(self, request: HttpRequest) -> HttpResponse:
        """Show what a call can be about; the files say it, and nothing is changed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        known = catalogue()
        counted = Conversation.objects.values_list("scenario").annotate(n=Count("id"))
        n_conversations = dict(counted)
        rows = [
            {
                "scenario": one,
                "fields": [known.fields[name] for name in one.fields],
                "needed": {*CALLEE, *one.required} - {"callee_name"},
                "fallback": [FALLBACKS[name] for name in one.fallback],
                "conversations": n_conversations.get(one.id, 0),
            }
            for one in known.scenarios.values()
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Scenarios"),
            "rows": rows,
        }
        return TemplateResponse(request, "admin/chat/scenarios.html", context)

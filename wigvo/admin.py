"""Accounts, their limits, and their second factors."""

from typing import TYPE_CHECKING, Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wigvo.models import User

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
    UserPages = UserAdmin[User]
else:  # Django's own classes take no parameters
    CreationForm, ChangeForm, UserPages = (
        AdminUserCreationForm,
        UserChangeForm,
        UserAdmin,
    )


class AccountCreationForm(CreationForm):
    """An account is made from an e-mail address."""

    class Meta:
        model = User
        fields = ("email",)


class AccountChangeForm(ChangeForm):
    class Meta:
        model = User
        fields = "__all__"


class RemovalForm(forms.Form):
    """Why somebody's second factor is taken off."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_(
            "How you made sure that it is them."
            " It is kept in the history of the account."
        ),
        max_length=300,
        widget=forms.Textarea({"rows": 3}),
    )


# allauth's own page would show the secrets, and let them be changed.
admin.site.unregister(Authenticator)


@admin.register(User)
class AccountAdmin(UserPages):
    """Who may call, and how much.  An empty limit means the service's default."""

    change_form_template = "admin/wigvo/user/change_form.html"
    form = AccountChangeForm
    add_form = AccountCreationForm
    ordering = ("email",)
    list_display = (
        "email",
        "is_active",
        "is_staff",
        "second_factor",
        "max_live_calls",
        "daily_minutes",
        "starts_per_minute",
        "usd_per_call",
        "daily_usd",
    )
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    readonly_fields = ("second_factor", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "second_factor")}),
        (_("Person"), {"fields": ("first_name", "last_name")}),
        (_("First sentence of calls"), {"fields": ("name_as_spoken", "opening")}),
        (
            _("Limits"),
            {
                "fields": (
                    ("max_live_calls", "daily_minutes", "starts_per_minute"),
                    ("usd_per_call", "daily_usd"),
                ),
                "description": _("Empty: the service's default."),
            },
        ),
        (
            _("Permissions"),
            {
                "fields": (
                    "is_active",
                    "is_staff",
                    "is_superuser",
                    "groups",
                    "user_permissions",
                )
            },
        ),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("authenticator_set")

    @admin.display(description=_("second factor"))
    def second_factor(self, user: User) -> str:
        """Name the kinds, with the number of passkeys."""
        kinds = [one.type for one in user.authenticator_set.all()]  # type: ignore[attr-defined]
        names = []
        if n := kinds.count(Authenticator.Type.WEBAUTHN):
            names.append(gettext("passkeys: %(n)d") % {"n": n})
        if Authenticator.Type.TOTP in kinds:
            names.append(gettext("app"))
        return ", ".join(names) or "–"

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<path:object_id>/second-factor/",
                self.admin_site.admin_view(self.remove_second_factor),
                name="wigvo_user_second_factor",
            ),
            *super().get_urls(),
        ]

    def remove_second_factor(
        self, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        """Let somebody in again who has lost telephone, key and codes."""
        user = self.get_object(request, object_id)
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user) or not request.user.has_perm(
            "mfa.delete_authenticator"
        ):
            raise PermissionDenied
        mine = Authenticator.objects.filter(user=user)
        if not mine.exists():
            raise Http404
        form = RemovalForm(request.POST or None)
        back = reverse("admin:wigvo_user_change", args=[user.pk])
        if form.is_valid():
            with transaction.atomic():
                mine.delete()
                reason = f"Removed the second factor: {form.cleaned_data['reason']}"
                self.log_change(request, user, reason)
            log.warning("second_factor_removed", user=user.pk, by=request.user.pk)
            get_adapter().send_notification_mail("mfa/email/removed_by_support", user)
            self.message_user(
                request, _("The second factor was removed."), messages.SUCCESS
            )
            return redirect(back)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": gettext("Remove the second factor"),
            "opts": self.model._meta,
            "account": user,
            "kinds": self.second_factor(user),
            "form": form,
            "back": back,
        }
        return TemplateResponse(
            request,
            "admin/wigvo/user/second_factor.html",
            context,
            status=422 if form.errors else 200,
        )

"""Accounts and their limits."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.utils.translation import gettext_lazy as _

from wigvo.models import User

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


@admin.register(User)
class AccountAdmin(UserPages):
    """Who may call, and how much.  An empty limit means the service's default."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    ordering = ("email",)
    list_display = (
        "email",
        "is_active",
        "is_staff",
        "max_live_calls",
        "daily_minutes",
        "starts_per_minute",
        "usd_per_call",
        "daily_usd",
    )
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name")}),
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

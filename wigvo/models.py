"""Who may call: the account."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class AccountManager(UserManager["User"]):
    """Create accounts that log in with an e-mail address."""

    def _create_user(self, email: str, password: str | None, **extra: Any) -> "User":
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(  # type: ignore[override]
        self, email: str, password: str | None = None, **extra: Any
    ) -> "User":
        extra.setdefault("is_staff", False)
        extra.setdefault("is_superuser", False)
        return self._create_user(email, password, **extra)

    def create_superuser(  # type: ignore[override]
        self, email: str, password: str | None = None, **extra: Any
    ) -> "User":
        return self._create_user(
            email, password, **{**extra, "is_staff": True, "is_superuser": True}
        )


class User(AbstractUser):
    """One person with an account.  Empty limits mean the settings' defaults."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    max_live_calls = models.PositiveSmallIntegerField(
        _("calls at a time"), null=True, blank=True
    )
    daily_minutes = models.PositiveIntegerField(
        _("minutes a day"), null=True, blank=True
    )
    starts_per_minute = models.PositiveSmallIntegerField(
        _("starts a minute"), null=True, blank=True
    )

    usd_per_call = models.DecimalField(
        _("USD a call"), max_digits=8, decimal_places=2, null=True, blank=True
    )
    daily_usd = models.DecimalField(
        _("USD a day"), max_digits=8, decimal_places=2, null=True, blank=True
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[AccountManager] = AccountManager()

    def __str__(self) -> str:
        return self.email

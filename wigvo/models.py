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


class CaptionSpacing(models.TextChoices):
    """How much room there is between lines."""

    NORMAL = "normal", _("Normal")
    WIDE = "wide", _("Wide")
    WIDER = "wider", _("Very wide")


class CaptionTheme(models.TextChoices):
    """The colours of captions; each has a contrast of at least 7 to 1."""

    PAGE = "page", _("Like the page")
    DARK = "dark", _("White on black")
    LIGHT = "light", _("Black on white")
    YELLOW = "yellow", _("Yellow on black")


class CaptionShow(models.TextChoices):
    """Which lines of captions are shown."""

    BOTH = "both", _("Both")
    ORIGINAL = "original", _("As it was said")
    TRANSLATION = "translation", _("In your language")


CAPTION_SIZES = [(n, f"{n} %") for n in (100, 125, 150, 200, 250, 300)]


class User(AbstractUser):
    """One person with an account.  Empty limits mean the settings' defaults."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    name_as_spoken = models.CharField(
        _("name as it is spoken"),
        max_length=60,
        blank=True,
        help_text=_("Who calls, as the other side is told at the beginning of a call."),
    )
    opening = models.CharField(
        _("own first sentence"),
        max_length=300,
        blank=True,
        help_text=_("Said instead of the name at the beginning of a call."),
    )
    caller_language = models.CharField(
        _("language you speak"), max_length=2, blank=True
    )
    callee_language = models.CharField(
        _("language they mostly speak"), max_length=2, blank=True
    )
    caption_size = models.PositiveSmallIntegerField(
        _("size of captions"), choices=CAPTION_SIZES, default=100
    )
    caption_spacing = models.CharField(
        _("space between lines"),
        max_length=6,
        choices=CaptionSpacing.choices,
        default=CaptionSpacing.NORMAL,
    )
    caption_theme = models.CharField(
        _("colours of captions"),
        max_length=6,
        choices=CaptionTheme.choices,
        default=CaptionTheme.PAGE,
    )
    caption_show = models.CharField(
        _("lines of captions"),
        max_length=11,
        choices=CaptionShow.choices,
        default=CaptionShow.BOTH,
    )
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

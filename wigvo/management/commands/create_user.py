"""`manage.py create_user EMAIL PASSWORD [--staff]`: an account that may call."""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import DatabaseError, transaction

from wigvo.models import User


class Command(BaseCommand):
    """Make an account with a verified address; run again, it is brought up to date."""

    help = "Make (or update) an account with a verified e-mail address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the address and the password."""
        parser.add_argument("email")
        parser.add_argument("password")
        parser.add_argument(
            "--staff", action="store_true", help="may use the admin as well"
        )
        parser.add_argument(
            "--calls-at-once",
            type=int,
            metavar="N",
            help="raise the account's limits so that it can have N calls at a time",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or update the account and say which."""
        email = str(options["email"]).strip().lower()
        password = str(options["password"])
        try:
            validate_email(email)
            validate_password(password, User(email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        try:
            created = save_account(
                email,
                password,
                staff=options["staff"],
                calls_at_once=options["calls_at_once"],
            )
        except DatabaseError as error:
            raise CommandError(
                f"The database is not ready ({error}). Run: python manage.py migrate"
            ) from None
        self.stdout.write(f"{'Created' if created else 'Updated'} {email}.")


@transaction.atomic
def save_account(
    email: str,
    password: str,
    *,
    staff: bool = False,
    calls_at_once: int | None = None,
) -> bool:
    """Store the account; return whether it is new.

    Args:
        email: in lower case.
        password: replaces the present one.
        staff: may use the admin; never taken away.
        calls_at_once: new limits of the account; None leaves them as they are.
    """
    user = User.objects.filter(email=email).first()
    created = user is None
    if user is None:
        user = User(email=email)
    user.set_password(password)
    user.is_active = True
    if staff:
        user.is_staff = user.is_superuser = True
    if calls_at_once is not None:
        user.max_live_calls = calls_at_once
        user.starts_per_minute = max(60, calls_at_once * 10)
        user.daily_minutes = 24 * 60 * calls_at_once
        user.daily_usd = Decimal(settings.CALL_DAILY_USD_PER_USER * calls_at_once)
    user.save()
    EmailAddress.objects.filter(user=user).exclude(email=email).update(primary=False)
    EmailAddress.objects.update_or_create(
        user=user, email=email, defaults={"verified": True, "primary": True}
    )
    return created

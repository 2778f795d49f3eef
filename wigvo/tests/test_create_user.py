"""`manage.py create_user`."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from wigvo.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "three-quiet-otters"


def create(*args: str) -> str:
    out = StringIO()
    call_command("create_user", *args, stdout=out)
    return out.getvalue()


def test_the_account_is_verified_and_can_log_in() -> None:
    assert create("Alice@Wigvo.example", PASSWORD) == "Created alice@wigvo.example.\n"
    user = User.objects.get()
    address = EmailAddress.objects.get(user=user)
    assert user.check_password(PASSWORD)
    assert (address.email, address.verified, address.primary) == (
        "alice@wigvo.example", True, True,
    )  # fmt: skip
    assert not user.is_staff


def test_a_second_run_changes_the_password_and_keeps_one_account() -> None:
    create("alice@wigvo.example", PASSWORD, "--staff")
    said = create("alice@wigvo.example", "five-loud-otters")
    user = User.objects.get()
    assert said == "Updated alice@wigvo.example.\n"
    assert user.check_password("five-loud-otters")
    assert user.is_staff
    assert EmailAddress.objects.count() == 1


def test_staff_may_use_the_admin() -> None:
    create("alice@wigvo.example", PASSWORD, "--staff")
    assert User.objects.get().is_superuser


def test_limits_stay_the_default_unless_raised() -> None:
    create("alice@wigvo.example", PASSWORD)
    create("bench@wigvo.example", PASSWORD, "--calls-at-once", "10")
    alice, bench = User.objects.order_by("email")
    assert alice.max_live_calls is None
    assert bench.max_live_calls == 10


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("not an address", PASSWORD, "valid email address"),
        ("alice@wigvo.example", "1234", "too short"),
        ("alice@wigvo.example", "alice@wigvo.example", "too similar"),
    ],
)
def test_a_refusal_says_why(email: str, password: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        create(email, password)
    assert not User.objects.exists()

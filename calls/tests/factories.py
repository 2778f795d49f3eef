"""Rows for tests: valid by default, any field by name."""

import itertools
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone

from calls.models import LIVE, TERMINAL, Call, ReceptionLine, Status
from wigvo.models import User

_numbers = itertools.count(1)

RESTAURANT = "+8225550101"
CLINIC = "+8225550102"
OUR_NUMBER = "+12025550100"


def make_user(name: str = "alice", *, verified: bool = True, **fields: Any) -> User:
    """Make an account that may call."""
    email = f"{name}@example.org"
    user = User.objects.create_user(email, None, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=verified, primary=True)
    return user


def make_call(owner: User, **fields: Any) -> Call:
    """Make an outgoing voice call from English to Korean."""
    status = fields.get("status", Status.DRAFT)
    now = timezone.now()
    if status in (*LIVE, *TERMINAL):
        fields.setdefault("queued_at", now)
        fields.setdefault("node_url", "http://127.0.0.1:8000")
        fields.setdefault("twilio_sid", make_sid())
    if status == Status.IN_PROGRESS:
        fields.setdefault("answered_at", now)
    if status in TERMINAL:
        fields.setdefault("ended_at", now)
    return Call.objects.create(
        **{
            "owner": owner,
            "to_number": RESTAURANT,
            "from_number": "+12025550100",
            "caller_language": "en",
            "callee_language": "ko",
            **fields,
        }
    )


def make_line(owner: User, **fields: Any) -> ReceptionLine:
    """Make a line that answers in Korean, always, for an owner who reads English."""
    line = ReceptionLine(
        **{
            "owner": owner,
            "number": OUR_NUMBER,
            "name": "한강 미용실",
            "owner_language": "en",
            "languages": ["ko"],
            **fields,
        }
    )
    line.full_clean()
    line.save()
    return line


def make_sid() -> str:
    """Make a CallSid."""
    return f"CA{next(_numbers):032x}"

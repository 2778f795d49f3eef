"""Everything that is kept of a person, to take away."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator

from calls.exports import as_json
from calls.models import Call, Phrase, ReceptionLine
from chat.models import Conversation
from places.models import Contact
from wigvo.models import User

ACCOUNT = (
    "email",
    "date_joined",
    "name_as_spoken",
    "opening",
    "caller_language",
    "callee_language",
    "caption_size",
    "caption_spacing",
    "caption_theme",
    "caption_show",
)


def everything_of(user: User) -> dict[str, Any]:
    """Return it as JSON; recordings are on the pages of their calls."""
    calls = Call.objects.for_user(user).select_related("recording", "summing_up")
    return {
        "account": {name: _plain(getattr(user, name)) for name in ACCOUNT},
        "logins": [
            {
                "kind": one.type,
                "name": one.data.get("name", ""),
                "created_at": one.created_at.isoformat(),
                "last_used_at": _plain(one.last_used_at),
            }
            for one in Authenticator.objects.filter(user=user).order_by("pk")
        ],  # without what is secret about them
        "phrases": list(
            Phrase.objects.for_user(user).values(
                "text", "language", "translations", "is_quick"
            )
        ),
        "directory": [
            {
                "name": one.name,
                "phone_number": str(one.phone_number),
                "category": one.category,
                "address": one.address,
                "language": one.language,
                "is_favourite": one.is_favourite,
            }
            for one in Contact.objects.for_user(user)
        ],
        "lines": [
            {"name": one.name, "number": str(one.number), "greeting": one.greeting}
            for one in ReceptionLine.objects.filter(owner=user)
        ],
        "conversations": [_conversation(one) for one in _conversations(user)],
        "calls": [as_json(call) for call in calls],
    }


def _conversations(user: User) -> Any:
    mine = Conversation.objects.filter(owner=user)
    return mine.prefetch_related("messages", "entities", "calls")


def _conversation(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": str(conversation.pk),
        "scenario": conversation.scenario,
        "created_at": conversation.created_at.isoformat(),
        "messages": [
            {
                "role": one.role,
                "text": one.text,
                "created_at": one.created_at.isoformat(),
            }
            for one in conversation.messages.all()
        ],
        "known": {one.name: one.value for one in conversation.entities.all()},
        "calls": [str(call.pk) for call in conversation.calls.all()],
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

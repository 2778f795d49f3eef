"""Short-lived, one-use proofs: who may open a call's sockets.

A ticket lets a browser or an app open the caller's socket; a stream token lets
Twilio open the media stream.  Both are signed, and a nonce is used up by redeeming.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.cache import cache
from django.utils import timezone

TICKET_LIFETIME_S = 60
"""Contract section 3."""
STREAM_TOKEN_LIFETIME_S = 60
"""Twilio opens the stream as soon as it has read the TwiML that carries the token."""

_TICKET = "wigvo.ticket"
_STREAM = "wigvo.stream"


def issue_ticket(call_id: UUID, user_id: int) -> tuple[str, datetime]:
    """Make a ticket for one opening of the caller's socket."""
    expires_at = timezone.now() + timedelta(seconds=TICKET_LIFETIME_S)
    return _sign(_TICKET, c=call_id.hex, u=user_id), expires_at


def redeem_ticket(ticket: str, call_id: UUID) -> int | None:
    """Use a ticket up and return whose it is; None if it is not good (any more)."""
    claims = _read(_TICKET, ticket, TICKET_LIFETIME_S)
    if claims is None or claims.get("c") != call_id.hex:
        return None
    return int(claims["u"]) if _use_up(_TICKET, claims, TICKET_LIFETIME_S) else None


def issue_stream_token(call_id: UUID, call_sid: str) -> str:
    """Make a token for one media stream of this telephone call."""
    return _sign(_STREAM, c=call_id.hex, s=call_sid)


def redeem_stream_token(token: str, call_id: UUID, call_sid: str) -> bool:
    """Use a stream token up; False if it is not good (any more)."""
    claims = _read(_STREAM, token, STREAM_TOKEN_LIFETIME_S)
    if claims is None or claims.get("c") != call_id.hex or claims.get("s") != call_sid:
        return False
    return _use_up(_STREAM, claims, STREAM_TOKEN_LIFETIME_S)


def _sign(purpose: str, **claims: Any) -> str:
    return signing.dumps({**claims, "n": secrets.token_urlsafe(12)}, salt=purpose)


def _read(purpose: str, token: str, lifetime_s: int) -> dict[str, Any] | None:
    try:
        claims = signing.loads(token, salt=purpose, max_age=lifetime_s)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return claims if isinstance(claims, dict) else None


def _use_up(purpose: str, claims: dict[str, Any], lifetime_s: int) -> bool:
    # Kept for longer than the proof is good for, so it can never be used twice.
    return bool(cache.add(f"{purpose}:{claims['n']}", 1, lifetime_s * 2))

"""Links for a helper: read along in one call, without an account.

The token is as good as a key: only its hash is kept, it travels in the part of an
address that browsers do not send (`/watch/#token`), and it opens one call's captions,
nothing else: no telephone number, no sound, no way to speak.  It is good until it is
taken back, until its time is up, or until the call is over, whatever comes first.
"""

import hashlib
import re
import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from calls.models import TERMINAL, Call, HelperLink
from wigvo.notify import publish

MOST_LINKS: Final = 5
"""Of one call, at a time."""
HOURS: Final = (1, 4, 24)
"""What one may choose from; a call is never longer, but it may begin later."""
OPENS_PER_MINUTE: Final = 30
"""Of one link, and tries from one address: nobody guesses 256 bits, but may try."""
REVOKED: Final = "helper_revoked"
"""Message to the sockets of a call's viewers."""


class TooManyLinksError(Exception):
    """One of the call's links has to be taken back first."""


class CallOverError(Exception):
    """There is nothing to read along any more."""


def _hash(token: str) -> str:
    # A token is random and long: nothing is gained by a slow hash.
    return hashlib.sha256(token.encode()).hexdigest()


def open_links(call: Call) -> list[HelperLink]:
    """List the links that let somebody in."""
    if call.is_over:
        return []
    links = call.helper_links.filter(revoked_at=None, expires_at__gt=timezone.now())
    return list(links)


@transaction.atomic
def create(call: Call, *, hours: int) -> tuple[HelperLink, str]:
    """Make a link and the token that only its maker ever sees.

    Raises:
        CallOverError: the call has ended.
        TooManyLinksError: it has as many links as it may have.
    """
    call = Call.objects.select_for_update().get(pk=call.pk)
    if call.is_over:
        raise CallOverError
    if len(open_links(call)) >= MOST_LINKS:
        raise TooManyLinksError
    token = secrets.token_urlsafe(32)
    link = HelperLink.objects.create(
        call=call,
        token_hash=_hash(token),
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    return link, token


def revoke(link: HelperLink) -> None:
    """Take a link back; whoever reads along by it is sent away at once."""
    mine = HelperLink.objects.filter(pk=link.pk, revoked_at=None)
    if mine.update(revoked_at=timezone.now()):
        pk = str(link.pk)
        transaction.on_commit(
            lambda: publish(link.call_id, {"type": REVOKED, "link": pk})
        )


def find(token: str) -> HelperLink | None:
    """Return the link that a token opens, while it does."""
    links = HelperLink.objects.select_related("call").exclude(
        call__status__in=[s.value for s in TERMINAL]
    )
    link = links.filter(token_hash=_hash(token)).first()
    return link if link is not None and link.is_open else None


def was_opened(link: HelperLink) -> None:
    """Remember that somebody reads along, for the caller to see."""
    HelperLink.objects.filter(pk=link.pk).update(opened_at=timezone.now())


def name_without_number(call: Call) -> str:
    """Name the other side to a helper; a name that is a number is not told."""
    name = call.callee_name
    return "" if len(re.sub(r"\D", "", name)) >= 5 else name

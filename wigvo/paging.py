"""Newest first, a page at a time, stable while new rows arrive."""

import base64
import binascii
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)

MAX_PAGE = 100


class BadCursor(ValueError):
    """A cursor that we did not make."""


def page(
    rows: QuerySet[M], *, cursor: str, limit: int, field: str = "created_at"
) -> tuple[list[M], str | None]:
    """Return the rows after a cursor, newest first, and the cursor of the next page.

    Args:
        rows: Everything there is; rows have a UUID `id` and a time.
        cursor: What the last page gave; empty for the first page.
        limit: How many rows at most.
        field: The time that orders them.

    Raises: BadCursor.
    """
    rows = rows.order_by(f"-{field}", "-pk")
    if cursor:
        at, key = _decode(cursor)
        rows = rows.filter(Q(**{f"{field}__lt": at}) | Q(**{field: at, "pk__lt": key}))
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    last: Any = found[limit - 1]
    return found[:limit], _encode(getattr(last, field), last.pk)


def _encode(at: datetime, key: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {key}".encode()).decode()


def _decode(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        when = datetime.fromisoformat(at)
        if when.tzinfo is None:
            raise ValueError(at)
        return when, UUID(key)
    except (ValueError, binascii.Error) as error:
        raise BadCursor(cursor) from error

"""An appointment as a calendar file (RFC 5545).  Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

LINE_OCTETS: Final = 75
"""RFC 5545, 3.1: longer lines are folded."""


def calendar(
    *,
    uid: str,
    title: str,
    starts_at: date | datetime,
    place: str,
    description: str,
    written_at: datetime,
) -> str:
    """Write a calendar with one event.

    Args:
        uid: the same each time, so that a second import replaces the first.
        title: of the event.
        starts_at: a date: all day; a time with a zone: written in UTC, which every
            calendar shows on its owner's clock; without one: "floating", that hour on
            whatever clock it is read.
        place: may be empty.
        description: may be empty.
        written_at: now, with a zone.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//WIGVO//Calls//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{escape(uid)}",
        f"DTSTAMP:{_utc(written_at)}",
        *_start(starts_at),
        f"SUMMARY:{escape(title)}",
    ]
    if place:
        lines.append(f"LOCATION:{escape(place)}")
    if description:
        lines.append(f"DESCRIPTION:{escape(description)}")
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _start(at: date | datetime) -> list[str]:
    if not isinstance(at, datetime):
        end = at + timedelta(days=1)
        return [f"DTSTART;VALUE=DATE:{at:%Y%m%d}", f"DTEND;VALUE=DATE:{end:%Y%m%d}"]
    # How long it takes nobody has said, so nothing is said of it.
    return [f"DTSTART:{_utc(at)}" if at.tzinfo else f"DTSTART:{at:%Y%m%dT%H%M%S}"]


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escape(text: str) -> str:
    """Write a text so that a calendar reads it as one (RFC 5545, 3.3.11)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for sign in "\\;,":
        text = text.replace(sign, f"\\{sign}")
    # Other control characters may not be there at all.
    return "".join(c for c in text if c == "\n" or c >= " ").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Cut a line into pieces of 75 octets, between characters."""
    pieces, piece, size = [], "", 0
    for c in line:
        n = len(c.encode())
        if size + n > LINE_OCTETS:
            pieces.append(piece)
            piece, size = " ", 1
        piece, size = piece + c, size + n
    return "\r\n".join([*pieces, piece])

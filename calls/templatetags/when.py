"""Times and delays in templates."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from calls.models import Leg
from calls.plots import Dot
from calls.reports import starts_at
from calls.summaries import Appointment

register = template.Library()

DOT_BASE = 30
DOT_HEIGHT = 28
"""Of the plot of `calls/_timeline.html`, in its units."""


@register.filter
def when(appointment: Appointment) -> str:
    """Write when an appointment begins, with its weekday, on the clock there."""
    at = starts_at(appointment)
    if at is None:
        return appointment.starts_at.replace("T", " ")
    parts = {"weekday": date_format(at, "l"), "date": date_format(at, "DATE_FORMAT")}
    if not isinstance(at, datetime):
        return _("%(weekday)s, %(date)s") % parts
    time = time_format(at.time(), "TIME_FORMAT")
    return _("%(weekday)s, %(date)s, %(time)s") % {**parts, "time": time}


@register.filter
def leg_name(leg: str) -> str:
    """Name a side of a call."""
    return str(Leg(leg).label)


@register.filter
def in_seconds(ms: int) -> float:
    """Turn milliseconds into seconds."""
    return ms / 1000


@register.filter
def dot_top(dot: Dot) -> float:
    """Say where the line of a delay ends."""
    return round(DOT_BASE - dot.height / 100 * DOT_HEIGHT, 1)


@register.filter
def of(table: dict[Any, Any], key: Any) -> Any:
    """Look something up; nothing if it is not there."""
    return table.get(key)

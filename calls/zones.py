"""What time it is where the other side is, as far as their number says."""

from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import timezone
from phonenumbers import region_code_for_number

from calls.models import Call

_ZONES: Final = {
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "HK": "Asia/Hong_Kong",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul",
    "NL": "Europe/Amsterdam",
    "PH": "Asia/Manila",
    "PL": "Europe/Warsaw",
    "SG": "Asia/Singapore",
    "TH": "Asia/Bangkok",
    "TR": "Europe/Istanbul",
    "TW": "Asia/Taipei",
    "VN": "Asia/Ho_Chi_Minh",
}
"""Countries with one time of day (Spain's islands apart); of others a number does not
say enough."""


def zone_name(call: Call) -> str:
    """Name the time zone of a call's telephone side; empty if it is not known."""
    number = call.their_number
    region = region_code_for_number(number) if number else None
    return _ZONES.get(region or "", "")


def zone_of(call: Call) -> tzinfo | None:
    """Return the time zone of a call's telephone side; None if it is not known."""
    name = zone_name(call)
    try:
        return ZoneInfo(name) if name else None
    except ZoneInfoNotFoundError:  # a machine without the data base
        return None


def began(call: Call) -> datetime:
    """Say when a call was answered, on the clock of its telephone side if known."""
    at = call.answered_at or call.created_at
    return at.astimezone(zone_of(call) or timezone.get_default_timezone())

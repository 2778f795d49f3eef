"""Which telephone numbers may be dialled.  Pure, but for two settings."""

import re

import phonenumbers
from django.conf import settings
from phonenumbers import PhoneNumber, PhoneNumberType, shortnumberinfo
from phonenumbers.unicode_util import digit

ALLOWED_TYPES = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.VOIP,
        # Nationwide numbers of companies, clinics and offices: 1588 in Korea, 0570 in
        # Japan, 0180 in Germany, 081x in France.  What they add is capped by law.
        PhoneNumberType.UAN,
        PhoneNumberType.SHARED_COST,
    }
)
"""Everything else (premium rate, personal numbers, pagers, mailboxes) is refused."""

EMERGENCY = frozenset(
    f"{number:03}"
    for number in (
        *(0, 66, 100, 101, 102, 103, 104, 106, 108),
        *(110, 111, 112, 113, 114, 115, 117, 118, 119),
        *(120, 122, 123, 133, 144, 190, 191, 192, 193, 197, 199),
        *(911, 988, 995, 997, 998, 999),
    )
)
"""Three-digit numbers that reach an emergency or crisis service somewhere.

Wider than libphonenumber's list on purpose: nobody is helped by a call to them that
comes from another country and through an interpreter.
"""

GUIDED_REGIONS = frozenset({"KR", "US", "JP", "GB"})
"""Regions for which `calls.reasons` knows what to do instead of an emergency call."""

_ALLOWED_CHARACTERS = re.compile(r"[+\uff0b]?[\d\s().\-/\u2010-\u2015]{1,40}")
_KOREAN_AREA_CODE = re.compile(r"^0?(2|3[1-3]|4[1-4]|5[1-5]|6[1-4])")
_LONGEST_SHORT_NUMBER = 6


class NumberRefused(ValueError):
    """A number that is not dialled; `code` is one of `calls.reasons.REFUSALS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def normalise(text: str) -> str:
    """Return a number in E.164 if it may be dialled.

    Args: text: with + and country code; spaces, hyphens and brackets do not matter.
    Raises: NumberRefused.
    """
    text = text.strip()
    number = _parse(text)
    _refuse_emergency(text, number)
    if number is None or not _ALLOWED_CHARACTERS.fullmatch(text):
        raise NumberRefused("invalid_number")
    if not phonenumbers.is_valid_number(number):
        is_short = len(_national_digits(text, number)) <= _LONGEST_SHORT_NUMBER
        raise NumberRefused("short_number" if is_short else "invalid_number")
    region = phonenumbers.region_code_for_number(number)
    if region not in settings.CALL_ALLOWED_COUNTRIES:
        raise NumberRefused("country_not_allowed")
    if phonenumbers.number_type(number) not in ALLOWED_TYPES:
        raise NumberRefused("premium_number")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if e164 == settings.TWILIO_FROM_NUMBER:
        raise NumberRefused("own_number")
    return e164


def _parse(text: str) -> PhoneNumber | None:
    """Read an international number; a national one is never guessed to be one."""
    try:
        return phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None


def _refuse_emergency(text: str, number: PhoneNumber | None) -> None:
    """Refuse 119, +82 119, +82 2 119, 00 82 119 … with the right advice."""
    if number is None:
        digits = _digits(text)
        if digits in EMERGENCY:
            raise NumberRefused(_advice(_home_region(digits)))
        return
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    national = _national_digits(text, number)
    if region == "KR":
        national = _KOREAN_AREA_CODE.sub("", national, count=1) or national
    if len(national) > 3:
        return
    if national in EMERGENCY or shortnumberinfo.is_emergency_number(national, region):
        raise NumberRefused(_advice(region))


def _digits(text: str) -> str:
    return "".join(str(digit(c, 0)) for c in text if c.isdigit())


def _national_digits(text: str, number: PhoneNumber) -> str:
    """Return what was typed after the country code, zeros and all."""
    return _digits(text).removeprefix(str(number.country_code))


def _home_region(digits: str) -> str:
    """Guess whose emergency service is meant by a number typed without a country."""
    match digits:
        case "911" | "988":
            return "US"
        case "999":
            return "GB"
        case "119" | "112":
            return "KR"
        case "110":
            return "JP"
    return ""


def _advice(region: str) -> str:
    if region in GUIDED_REGIONS:
        return f"emergency_number_{region.lower()}"
    return "emergency_number"

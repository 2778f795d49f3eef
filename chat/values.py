"""What a field may hold, and whether somebody has really said it.  Pure.

Whatever an assistant believes to have read is compared with the message: the words of a
text have to stand in it, numbers to be among its numbers, days and times are resolved
from its own words (`dates`).  What does not pass is not a value.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

import phonenumbers

from chat import dates
from chat.catalogue import Field
from realtime.guards.numbers import Kind, extract

MAX_TEXT: Final = 500
MIN_PHONE_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Claim:
    """A field as somebody believes to have read it.

    Attributes:
        value: as the reader would write it.
        quote: the words of the message that say it.
        message: what was written.
        is_asked: the message answers the question for this field.
    """

    value: str
    quote: str
    message: str
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A value that was said.

    Attributes:
        normal: canonical: ISO 8601, digits, E.164, an option's id, or the text.
        said: the words it was said with.
    """

    normal: str
    said: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something was said, but it is not clear what.

    Attributes:
        code: `which` (of the options), `over` (it is in the past), `impossible` (there
            is no such day), `no_number` (no complete telephone number).
        options: canonical values to choose from.
        said: the words it was said with.
    """

    code: str
    options: tuple[str, ...]
    said: str


Read = Known | Doubt | None
"""None: nothing of the kind was said."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What the reader has to know about the writer.

    Attributes:
        now: on the writer's clock.
        language: ISO 639-1, what is written.
        region: whose telephone numbers are meant where no country is written.
        day: the day already known, which makes some times the past.
    """

    now: datetime
    language: str
    region: str = "KR"
    day: date | None = None


def read(field: Field, claim: Claim, clock: Clock) -> Read:
    """Read a value out of a message; None if it was not said."""
    found = _READERS[field.type](field, claim, clock)
    return found


def fold(text: str) -> str:
    """Write a text so that it can be compared: no case, spaces or punctuation."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", text)


def clean(text: str) -> str:
    """Take out what no text needs, and what no database stores."""
    return " ".join(text.replace("\x00", " ").split())[:MAX_TEXT]


# --- Text -----------------------------------------------------------------------------


def is_said(value: str, message: str) -> bool:
    """Tell whether the words of a value stand in a message."""
    whole = fold(message)
    if not fold(value):
        return False
    return fold(value) in whole or all(fold(word) in whole for word in value.split())


def _text(field: Field, claim: Claim, clock: Clock) -> Read:
    for one in (claim.value, claim.quote):
        if is_said(one, claim.message):
            return Known(clean(one), clean(claim.quote or one))
    return None


def _choice(field: Field, claim: Claim, clock: Clock) -> Read:
    ids = [option.id for option in field.options]
    if claim.value in ids and is_said(claim.quote, claim.message):
        return Known(claim.value, clean(claim.quote))
    where = claim.quote if is_said(claim.quote, claim.message) else claim.message
    fitting = [
        option.id
        for option in field.options
        if any(_has_word(where, word) for word in option.words)
    ]
    if len(fitting) == 1:
        return Known(fitting[0], clean(where))
    return Doubt("which", tuple(fitting), clean(where)) if fitting else None


def _has_word(text: str, word: str) -> bool:
    if re.search(r"[a-z]", word):
        return re.search(rf"\b{re.escape(word)}", text.casefold()) is not None
    return fold(word) in fold(text)


# --- Numbers --------------------------------------------------------------------------


def numbers_in(text: str, language: str) -> list[int]:
    """Return the counts of a text, spelled or in digits; no times, prices or codes."""
    return [
        int(quantity.readings[0].parts[0])
        for quantity in extract(text, _written_in(text, language))
        if quantity.kind == Kind.NUMBER
        and float(quantity.readings[0].parts[0]).is_integer()
    ]


def _written_in(text: str, language: str) -> str:
    """Guess the language of a text: people write Korean and English in turn."""
    if _HANGUL.search(text):
        return "ko"
    return "en" if language == "ko" else language


_HANGUL: Final = re.compile("[가-힣]")
_COUNTED: Final = {"혼자": 1, "둘이": 2, "셋이": 3, "넷이": 4, "alone": 1, "just me": 1}


def _number(field: Field, claim: Claim, clock: Clock) -> Read:
    said = numbers_in(claim.message, clock.language)
    if field.type == "people":
        said += [n for word, n in _COUNTED.items() if word in claim.message.casefold()]
    digits = re.sub(r"\D", "", claim.value)
    if digits and int(digits) in said:
        return Known(str(int(digits)), clean(claim.quote or digits))
    if is_said(claim.quote, claim.message):
        quoted = [n for n in numbers_in(claim.quote, clock.language) if n in said]
        if claim.quote == claim.message:
            quoted = said
        if len(set(quoted)) == 1:
            return Known(str(quoted[0]), clean(claim.quote))
    if claim.is_asked and len(set(said)) == 1:
        return Known(str(said[0]), clean(claim.message))
    return None


def _money(field: Field, claim: Claim, clock: Clock) -> Read:
    digits = re.sub(r"[^\d]", "", claim.value)
    amounts: dict[str, str] = {}
    for quantity in extract(claim.message, _written_in(claim.message, clock.language)):
        for reading in quantity.readings:
            if reading.kind in {Kind.MONEY, Kind.NUMBER}:
                amount = f"{reading.parts[0]:.10g}"
                unit = str(reading.parts[1]) if reading.kind == Kind.MONEY else ""
                amounts.setdefault(amount, f"{amount} {unit}".strip())
    if digits in amounts:
        return Known(amounts[digits], clean(claim.quote or claim.value))
    priced = [one for one in amounts.values() if " " in one]
    if len(priced) == 1 and (claim.is_asked or is_said(claim.quote, claim.message)):
        return Known(priced[0], clean(claim.quote or priced[0]))
    return None


# --- Telephone numbers ----------------------------------------------------------------

_PHONE: Final = re.compile(r"\+?\d[\d\s().\-]{5,24}\d")
_DAY: Final = re.compile(r"20\d\d[-.]\d\d?[-.]\d\d?")
_SHORT_PHONE: Final = re.compile(r"(?<![\d-])\d{3,4}(?![\d-])")


def phones_in(text: str, clock: Clock) -> list[str]:
    """Return what is written like a telephone number, as it is written."""
    text = unicodedata.normalize("NFKC", text)
    written = [m[0] for m in _PHONE.finditer(text) if _n_digits(m[0]) > 6]
    written = [
        one for one in written if not re.match(r"20\d\d[-.]\d\d?[-.]\d\d?$", one)
    ]
    if written:
        return written
    return [
        str(reading.parts[0])
        for quantity in extract(text, _written_in(text, clock.language))
        for reading in quantity.readings[:1]
        if reading.kind == Kind.PHONE
    ]


def _n_digits(text: str) -> int:
    return len(re.sub(r"\D", "", text))


def to_e164(text: str, region: str) -> str:
    """Write a number in E.164; empty if it is not a complete one."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _phone(field: Field, claim: Claim, clock: Clock) -> Read:
    written = phones_in(claim.message, clock)
    wanted = _national(claim.value)
    for one in written:
        if wanted and _national(one).endswith(wanted[-MIN_PHONE_DIGITS:]):
            return _checked_phone(one, clock)
    if len(written) == 1 and (claim.is_asked or is_said(claim.quote, claim.message)):
        return _checked_phone(written[0], clock)
    short = _SHORT_PHONE.findall(claim.message)
    if claim.is_asked and len(short) == 1 and _n_digits(claim.message) == len(short[0]):
        return Doubt("no_number", (), short[0])  # 119, or half a number
    return None


def _national(text: str) -> str:
    return re.sub(r"\D", "", text).lstrip("0")


def _checked_phone(written: str, clock: Clock) -> Read:
    e164 = to_e164(written, clock.region)
    return Known(e164, clean(written)) if e164 else Doubt("no_number", (), written)


# --- Days and times -------------------------------------------------------------------


def _date(field: Field, claim: Claim, clock: Clock) -> Read:
    found = _mention(claim, lambda text: dates.find_dates(text, clock.now))
    if found is None:
        return _iso(claim, clock, date.fromisoformat)
    today = clock.now.date()
    ahead = [day for day in found.options if day >= today]
    if not found.options:
        return Doubt("impossible", (), found.text)
    if not ahead:
        return Doubt("over", (), found.text)
    return _one_of([day.isoformat() for day in ahead], found.text)


def _time(field: Field, claim: Claim, clock: Clock) -> Read:
    found = _mention(
        claim, lambda text: dates.find_times(text, is_asked=claim.is_asked)
    )
    if found is None:
        return _iso(claim, clock, time.fromisoformat)
    options = found.options
    if clock.day == clock.now.date():
        options = tuple(at for at in options if at > clock.now.time())
        if not options:
            return Doubt("over", (), found.text)
    return _one_of([f"{at:%H:%M}" for at in options], found.text)


def _one_of(options: list[str], said: str) -> Read:
    if len(options) == 1:
        return Known(options[0], said)
    return Doubt("which", tuple(options), said)


def _mention(
    claim: Claim, find: Callable[[str], list[dates.Mention[dates.T]]]
) -> dates.Mention[dates.T] | None:
    """Find the day or time that is claimed: the quoted one, or the only one.

    The whole message is read, because "evening" may stand before "tomorrow at 7".
    """
    found = find(claim.message)
    start = claim.message.find(claim.quote) if claim.quote else -1
    if start >= 0 and claim.quote != claim.message:
        end = start + len(claim.quote)
        quoted = [one for one in found if one.span[0] < end and one.span[1] > start]
        if quoted:
            return quoted[0]
        return None
    by_value = [one for one in found if claim.value in [_plain(o) for o in one.options]]
    if by_value:
        return by_value[0]
    return found[0] if len(found) == 1 else None


def _plain(option: date | time) -> str:
    return f"{option:%H:%M}" if isinstance(option, time) else option.isoformat()


def _iso(claim: Claim, clock: Clock, parse: Callable[[str], date | time]) -> Read:
    """Trust the reader in a language that we cannot read ourselves, if it quotes.

    The summary shows what it made of the words before anything is dialled.
    """
    if clock.language in ("ko", "en") or not is_said(claim.quote, claim.message):
        return None
    try:
        value = parse(claim.value)
    except ValueError:
        return None
    if isinstance(value, date) and value < clock.now.date():
        return Doubt("over", (), claim.quote)
    return Known(_plain(value), clean(claim.quote))


_READERS: Final[dict[str, Callable[[Field, Claim, Clock], Read]]] = {
    "text": _text,
    "choice": _choice,
    "number": _number,
    "people": _number,
    "money": _money,
    "phone": _phone,
    "date": _date,
    "time": _time,
}


def show(field: Field, normal: str, language: str, today: date) -> str:
    """Write a canonical value as people read it."""
    match field.type:
        case "date":
            return dates.say_date(date.fromisoformat(normal), language, today)
        case "time":
            return dates.say_time(time.fromisoformat(normal), language)
        case "choice":
            labels = {option.id: option.label for option in field.options}
            return labels[normal][language] if normal in labels else normal
        case "phone":
            return show_phone(normal)
        case "money":
            return _show_money(normal, language)
    return normal


def show_phone(e164: str) -> str:
    """Write a number as people read it."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(
        number, phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )


def _show_money(normal: str, language: str) -> str:
    amount, _, unit = normal.partition(" ")
    amount = f"{int(amount):,}" if amount.isdigit() else amount
    if unit == "won":
        return f"{amount}원" if language == "ko" else f"{amount} won"
    return f"{amount} {unit}".strip()

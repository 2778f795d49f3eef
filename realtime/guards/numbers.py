"""Do the numbers of a translation say what the speaker said?

Digits, spelled numbers, dates, weekdays, times, money, telephone numbers and codes are
found in both texts, made canonical, and paired.  What two languages legitimately say
differently agrees (3 PM and 15:00, 십만 원 and 100,000 won, 90 minutes and an hour and
a half); where a digit differs, nothing does.

A pair is looked for in four steps: one of the same kind; any that can be said as the
other ("at two" and "두 시"); digits that are grouped differently; and one that the text
says a second time.  What is left differs, is missing, or was added.  Ones ("a person",
"한 번", "first") may be missing, but not be replaced.

For final texts: a sentence that is still growing has not said all its numbers yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from realtime.guards.quantities import english, han, korean, latin
from realtime.guards.quantities.model import Kind, Quantity, Span, agree
from realtime.guards.quantities.rewrite import Rewritten, rewrite
from realtime.guards.quantities.rules import Language, reader

__all__ = ["Kind", "Mismatch", "Quantity", "compare", "extract", "uncertain_spans"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A quantity that is not the same on both sides.

    Attributes:
        kind: of the one that was said, or of the one that was added.
        source_span: where it was said; None where it was added.
        target_span: where it is wrong; None where it is missing.
        expected: what was said, canonical.
        found: what the translation says instead, canonical.
    """

    kind: Kind | str
    source_span: Span | None
    target_span: Span | None
    expected: str | None
    found: str | None


def _as_it_is(text: str) -> Rewritten:
    return rewrite(text, ())


_DIGITS_ONLY: Final = Language(read=_as_it_is, rules=tuple)
_LANGUAGES: Final = {
    "de": latin.GERMAN,
    "en": english.LANGUAGE,
    "es": latin.SPANISH,
    "fr": latin.FRENCH,
    "ja": han.JAPANESE,
    "ko": korean.LANGUAGE,
    "vi": latin.VIETNAMESE,
    "zh": han.CHINESE,
}


def extract(text: str, language: str) -> list[Quantity]:
    """Find the quantities of a text, in order.

    Args:
        text: final.
        language: ISO 639-1; of one that is not known, only what is written in digits.
    """
    return reader(_LANGUAGES.get(language, _DIGITS_ONLY)).read(text)


def compare(
    source: str, source_language: str, target: str, target_language: str
) -> list[Mismatch]:
    """Compare the quantities of a sentence with those of its translation.

    Args:
        source: what was said, final.
        source_language: ISO 639-1.
        target: the translation, final.
        target_language: ISO 639-1.  Where the words of one of the languages are not
            known, a missing or an added number is not reported: it may be spelled.

    Returns:
        what differs; empty where nothing does.
    """
    said = extract(source, source_language)
    made = extract(target, target_language)
    if not said and not made:
        return []
    said_left, made_left = _unpaired(said, made)
    is_sure = source_language in _LANGUAGES and target_language in _LANGUAGES
    return _mismatches(said_left, made_left, is_sure=is_sure)


def uncertain_spans(mismatches: Sequence[Mismatch], target: str) -> list[list[int]]:
    """Say which parts of a translation to mark, for `caption.uncertain`.

    Args:
        mismatches: of numbers and of names.
        target: the translation; what is missing makes all of it uncertain.

    Returns:
        [start, end) in characters, in order, not overlapping.
    """
    spans = [m.target_span or (0, len(target)) for m in mismatches]
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        elif end > start:
            merged.append([start, end])
    return merged


# --- Pairing -------------------------------------------------------------------------


def _unpaired(
    said: list[Quantity], made: list[Quantity]
) -> tuple[list[Quantity], list[Quantity]]:
    said_left, made_left = list(said), list(made)
    _pair(said_left, made_left, lambda a, b: a.kind == b.kind and _is_same(a, b))
    _pair(said_left, made_left, _is_same)
    if said_left and made_left and _digits(said_left) == _digits(made_left) != "":
        said_left = [q for q in said_left if not _digit_text(q)]
        made_left = [q for q in made_left if not _digit_text(q)]
    repeated = [q for q in said_left if any(_is_same(q, other) for other in made)]
    said_left = [q for q in said_left if q not in repeated]
    made_left = [q for q in made_left if not any(_is_same(other, q) for other in said)]
    return said_left, made_left


def _pair(
    said: list[Quantity],
    made: list[Quantity],
    fits: Callable[[Quantity, Quantity], bool],
) -> None:
    """Take away what fits, each once."""
    for quantity in list(said):
        match = next((other for other in made if fits(quantity, other)), None)
        if match is not None:
            said.remove(quantity)
            made.remove(match)


def _is_same(a: Quantity, b: Quantity) -> bool:
    return any(agree(x, y) for x in a.readings for y in b.readings)


def _digit_text(quantity: Quantity) -> str:
    """Return the digits of what may be grouped differently."""
    is_grouped = quantity.kind in (Kind.PHONE, Kind.CODE, Kind.NUMBER)
    return quantity.value if is_grouped and quantity.value.isdigit() else ""


def _digits(quantities: list[Quantity]) -> str:
    return "".join(_digit_text(quantity) for quantity in quantities)


def _mismatches(
    said: list[Quantity], made: list[Quantity], *, is_sure: bool
) -> list[Mismatch]:
    found: list[Mismatch] = []
    for is_close in (_is_of_one_kind, _is_number_like):
        for quantity in list(said):
            match = next((other for other in made if is_close(quantity, other)), None)
            if match is None or (quantity.is_soft and match.is_soft):
                continue
            said.remove(quantity)
            made.remove(match)
            found.append(
                Mismatch(
                    quantity.kind,
                    quantity.span,
                    match.span,
                    quantity.value,
                    match.value,
                )
            )
    if is_sure:
        found += [
            Mismatch(q.kind, q.span, None, q.value, None) for q in said if not q.is_soft
        ]
        found += [
            Mismatch(q.kind, None, q.span, None, q.value) for q in made if not q.is_soft
        ]
    return sorted(found, key=lambda m: m.target_span or m.source_span or (0, 0))


def _is_of_one_kind(a: Quantity, b: Quantity) -> bool:
    return a.kind == b.kind


def _is_number_like(a: Quantity, b: Quantity) -> bool:
    return Kind.WEEKDAY not in (a.kind, b.kind)

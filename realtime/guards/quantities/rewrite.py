"""Spelled numbers become digits, so that one set of patterns reads both.

What is rewritten remembers where it stood: every character of the new text knows its
place in the old one.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from realtime.guards.quantities.model import Reading, Span

SOFT: Final = "\ue000"
"""Stands before the digits of a number that a translation may leave out: a private
character, which no recogniser writes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A spelled number and its digits.

    Attributes:
        span: [start, end) in the old text.
        digits: what stands there instead.
        others: further readings of the same words.
    """

    span: Span
    digits: str
    others: tuple[Reading, ...] = ()


@dataclass(slots=True)
class Rewritten:
    """A text with digits.

    Attributes:
        text: the new one.
        old: the old one.
        starts: for each character of the new text, where it began in the old one.
        ends: the same, where it ended.
        others: further readings, by the place of the first digit in the new text.
    """

    text: str
    old: str
    starts: Sequence[int]
    ends: Sequence[int]
    others: dict[int, tuple[Reading, ...]] = field(default_factory=dict)

    def span(self, start: int, end: int) -> Span:
        """Say where a part of the new text stood in the old one."""
        return self.starts[start], self.ends[end - 1]

    def is_spelled(self, at: int) -> bool:
        """Tell whether a digit of the new text was a word in the old one."""
        return not self.old[self.starts[at]].isdigit()


_WIDE: Final = str.maketrans(
    {chr(0xFF01 + n): chr(0x21 + n) for n in range(94)} | {"\u3000": " ", "\u00a0": " "}
)


def fold(text: str) -> str:
    """Make wide characters narrow; every character stays where it is."""
    folded = text.translate(_WIDE)
    composed = unicodedata.normalize("NFC", folded)
    return composed if len(composed) == len(folded) else folded


def rewrite(old: str, pieces: Iterable[Piece]) -> Rewritten:
    """Put digits in the place of words.

    Args:
        old: the text.
        pieces: in any order; of those that overlap the first and longest counts.
    """
    texts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    others: dict[int, tuple[Reading, ...]] = {}
    done = 0
    for piece in sorted(pieces, key=lambda p: (p.span[0], -p.span[1])):
        start, end = piece.span
        if start < done:
            continue
        texts += [old[done:start], piece.digits]
        starts += range(done, start)
        ends += range(done + 1, start + 1)
        if piece.others:
            others[len(starts) + piece.digits.startswith(SOFT)] = piece.others
        starts += [start] * len(piece.digits)
        ends += [end] * len(piece.digits)
        done = end
    texts.append(old[done:])
    starts += range(done, len(old))
    ends += range(done + 1, len(old) + 1)
    return Rewritten("".join(texts), old, starts, ends, others)

"""What an engine has used: sound and tokens, to be paid for.  Pure.

Prices are in `realtime.engines.catalogue`; adding up is `realtime.figures.cost`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Protocol


class Role(StrEnum):
    """What an engine is used for; a setting names the model of each."""

    TRANSLATE = "translate"
    INTERPRET = "interpret"
    SPEAK = "speak"
    TRANSCRIBE = "transcribe"
    AGENT = "agent"
    PARTNER = "partner"
    TEXT = "text"
    MODERATION = "moderation"
    TRANSCRIBE_FILE = "transcribe_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """How much of everything that has a price.

    Attributes:
        audio_s: seconds of sound, where sound is paid by the minute.
        text_in: tokens, without those that the provider had in its cache ...
        text_cached: ... which are these,
        text_written: and these were written into it.
        text_out: tokens, reasoning included.
        audio_in: tokens, without the cached ones ...
        audio_cached: ... which are these.
        audio_out: tokens.
    """

    audio_s: float = 0.0
    text_in: int = 0
    text_cached: int = 0
    text_written: int = 0
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    audio_out: int = 0

    def __add__(self, other: "Quantity") -> "Quantity":
        names = [field.name for field in fields(Quantity)]
        return Quantity(**{n: getattr(self, n) + getattr(other, n) for n in names})

    @property
    def tokens(self) -> dict[str, int]:
        """Return the kinds of tokens that there are any of."""
        counts = {f.name: getattr(self, f.name) for f in fields(self)}
        del counts["audio_s"]
        return {name: n for name, n in counts.items() if n}


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used for one role."""

    role: Role
    quantity: Quantity


class Metered(Protocol):
    """Something that uses what has to be paid for."""

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since this was last asked."""


def sound(role: Role, samples: int, rate_hz: int) -> Usage:
    """Count sound that is paid by the minute.

    Args:
        role: what it was used for.
        samples: how many.
        rate_hz: of them.
    """
    return Usage(role, Quantity(audio_s=samples / rate_hz))


def of_realtime(role: Role, usage: Mapping[str, Any] | None) -> Usage | None:
    """Read the usage of a `response.done` (facts/openai.md 3).

    Args:
        role: what the response was for.
        usage: `response.usage`; cached tokens are a part of the input's.

    Returns:
        the tokens, or None if the provider has not counted any.  What it has not told
        apart counts as the dearer kind: an estimate is rather too high than too low.
    """
    if not usage:
        return None
    n_in, n_out = _int(usage, "input_tokens"), _int(usage, "output_tokens")
    into = _part(usage, "input_token_details")
    out = _part(usage, "output_token_details")
    text_in = _int(into, "text_tokens")
    audio_in = max(
        _int(into, "audio_tokens"), n_in - text_in - _int(into, "image_tokens")
    )
    cached = _part(into, "cached_tokens_details")
    n_cached = _int(into, "cached_tokens")
    text_cached = min(
        text_in, _int(cached, "text_tokens") if cached else min(n_cached, text_in)
    )
    audio_cached = min(
        audio_in, _int(cached, "audio_tokens") if cached else n_cached - text_cached
    )
    text_out = _int(out, "text_tokens")
    return Usage(
        role,
        Quantity(
            text_in=text_in - text_cached,
            text_cached=text_cached,
            text_out=text_out,
            audio_in=audio_in - audio_cached,
            audio_cached=audio_cached,
            audio_out=max(_int(out, "audio_tokens"), n_out - text_out),
        ),
    )


def of_responses(role: Role, usage: Mapping[str, Any] | None) -> Usage | None:
    """Read the usage of an answer of `/responses` (facts/openai.md 6).

    Args:
        role: what the answer was for.
        usage: `usage` of the body; what was cached or written is a part of the input.

    Returns:
        the tokens, or None if the provider has not counted any.
    """
    if not usage:
        return None
    n_in = _int(usage, "input_tokens")
    into = _part(usage, "input_tokens_details")
    cached = min(n_in, _int(into, "cached_tokens"))
    written = min(n_in - cached, _int(into, "cache_write_tokens"))
    return Usage(
        role,
        Quantity(
            text_in=n_in - cached - written,
            text_cached=cached,
            text_written=written,
            text_out=_int(usage, "output_tokens"),
        ),
    )


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return value if isinstance(value, Mapping) else {}


def _int(of: Mapping[str, Any], name: str) -> int:
    value = of.get(name)
    return max(0, int(value)) if isinstance(value, int | float) else 0

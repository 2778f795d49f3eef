"""The one place to look up what an engine can do, costs, and how long it will live.

Abilities belong to a role (what our code makes of an interface of the provider), price
and last day to a model; which model fills a role is a setting.  Modes ask for abilities
(`able`), never for a vendor's names.  Pure; prices and dates are data (`models.toml`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from realtime.config import ENGINE_HZ
from realtime.engines import interpret, translate
from realtime.engines.usage import Quantity, Role

PATH: Final = Path(__file__).with_name("models.toml")

WARN_DAYS: Final = 60
"""So long before its last day a model is warned about (issue 4)."""

SETTINGS: Final[Mapping[Role, str]] = {
    Role.TRANSLATE: "OPENAI_TRANSLATE_MODEL",
    Role.INTERPRET: "OPENAI_REALTIME_MODEL",
    Role.SPEAK: "OPENAI_REALTIME_MODEL",
    Role.AGENT: "OPENAI_REALTIME_MODEL",
    Role.PARTNER: "OPENAI_REALTIME_MODEL",
    Role.TRANSCRIBE: "OPENAI_LIVE_TRANSCRIBE_MODEL",
    Role.TRANSCRIBE_FILE: "OPENAI_TRANSCRIBE_MODEL",
    Role.TEXT: "OPENAI_TEXT_MODEL",
    Role.MODERATION: "OPENAI_MODERATION_MODEL",
}
"""The setting that names the model of each role."""


# --- Abilities -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What can be had from a role.

    Attributes:
        hears, speaks: takes sound; gives sound.
        reads, writes: takes text; gives text.
        translates: what it gives is in another language than what it takes.
        is_simultaneous: it begins while somebody still speaks; or else by turns.
        takes_instructions: it can be told about names, tone and what to leave alone.
        owns_turns: it decides itself when it speaks; or else it is asked.
        audio_hz: of the sound it takes and gives.
        languages: ISO 639-1 of what it gives; None where no list is known.
        not_heard: languages it does not understand.
    """

    hears: bool = False
    speaks: bool = False
    reads: bool = False
    writes: bool = False
    translates: bool = False
    is_simultaneous: bool = False
    takes_instructions: bool = False
    owns_turns: bool = False
    audio_hz: int | None = None
    languages: frozenset[str] | None = None
    not_heard: frozenset[str] = frozenset()

    def covers(self, source: str | None, target: str | None) -> bool:
        """Say whether it takes one language and gives the other; None is any."""
        if source is not None and source in self.not_heard:
            return False
        return target is None or self.languages is None or target in self.languages


ABILITIES: Final[Mapping[Role, Abilities]] = {
    # facts/openai.md 2: 70 and more languages in, the cookbook's list lacks these six.
    Role.TRANSLATE: Abilities(
        hears=True,
        speaks=True,
        writes=True,
        translates=True,
        is_simultaneous=True,
        owns_turns=True,
        audio_hz=ENGINE_HZ,
        languages=translate.OUTPUT_LANGUAGES,
        not_heard=frozenset({"km", "kn", "lo", "mr", "ta", "ur"}),
    ),
    Role.INTERPRET: Abilities(
        hears=True,
        speaks=True,
        writes=True,
        translates=True,
        takes_instructions=True,
        audio_hz=ENGINE_HZ,
        languages=frozenset(interpret.NAMES),
    ),
    Role.SPEAK: Abilities(reads=True, speaks=True, audio_hz=ENGINE_HZ),
    Role.AGENT: Abilities(
        hears=True,
        speaks=True,
        reads=True,
        writes=True,
        takes_instructions=True,
        audio_hz=ENGINE_HZ,
    ),
    Role.PARTNER: Abilities(hears=True, speaks=True, owns_turns=True, audio_hz=8000),
    # facts/openai.md 4: keywords are all that it can be told.
    Role.TRANSCRIBE: Abilities(hears=True, writes=True, audio_hz=ENGINE_HZ),
    Role.TRANSCRIBE_FILE: Abilities(hears=True, writes=True),
    Role.TEXT: Abilities(
        reads=True, writes=True, translates=True, takes_instructions=True
    ),
    Role.MODERATION: Abilities(reads=True),
}
"""In the order of preference, the best first (design section 3, the ladder)."""


def able(
    *,
    hears: bool = False,
    speaks: bool = False,
    reads: bool = False,
    writes: bool = False,
    translates: bool = False,
    simultaneous: bool = False,
    instructions: bool = False,
    source: str | None = None,
    target: str | None = None,
) -> tuple[Role, ...]:
    """Find who can do all of this, the best first.

    Args:
        hears: it takes sound.
        speaks: it gives sound.
        reads: it takes text.
        writes: it gives text.
        translates: into another language.
        simultaneous: while somebody still speaks.
        instructions: it can be told what to mind.
        source: ISO 639-1 of what it is given; None: any.
        target: ISO 639-1 of what it has to give; None: any.
    """
    asked = {
        "hears": hears,
        "speaks": speaks,
        "reads": reads,
        "writes": writes,
        "translates": translates,
        "is_simultaneous": simultaneous,
        "takes_instructions": instructions,
    }
    names = [name for name, is_asked in asked.items() if is_asked]
    return tuple(
        role
        for role, abilities in ABILITIES.items()
        if all(getattr(abilities, name) for name in names)
        and abilities.covers(source, target)
    )


# --- Prices and last days ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD: per minute of sound, and per million tokens of each kind; None: unknown."""

    audio_minute: float | None = None
    text_in: float | None = None
    text_cached: float | None = None
    text_written: float | None = None
    text_out: float | None = None
    audio_in: float | None = None
    audio_cached: float | None = None
    audio_out: float | None = None
    free: bool = False

    @property
    def is_known(self) -> bool:
        return self.free or any(
            getattr(self, f.name) is not None for f in fields(self) if f.name != "free"
        )

    def of(self, used: Quantity) -> float | None:
        """Return what this costs, USD; None if something of it has no known price.

        Cached tokens without a price of their own cost as much as others.
        """
        if self.free:
            return 0.0
        rates = {
            "audio_s": None if self.audio_minute is None else self.audio_minute / 60,
            **{
                name: None if price is None else price / 1e6
                for name, price in (
                    ("text_in", self.text_in),
                    ("text_cached", _first(self.text_cached, self.text_in)),
                    ("text_written", _first(self.text_written, self.text_in)),
                    ("text_out", self.text_out),
                    ("audio_in", self.audio_in),
                    ("audio_cached", _first(self.audio_cached, self.audio_in)),
                    ("audio_out", self.audio_out),
                )
            },
        }
        usd = 0.0
        for name, rate in rates.items():
            n = getattr(used, name)
            if not n:
                continue
            if rate is None:
                return None
            usd += n * rate
        return usd

    def __str__(self) -> str:
        if self.free:
            return "free"
        parts = []
        if self.audio_minute is not None:
            parts.append(f"${self.audio_minute:g} a minute")
        for kind in ("audio", "text"):
            known = [
                f"${price:g} {word}"
                for word in ("in", "cached", "out")
                if (price := getattr(self, f"{kind}_{word}")) is not None
            ]
            if known:
                parts.append(f"{kind} {', '.join(known)}")
        words = "; ".join(parts) or "unknown"
        return f"{words} (1M tokens)" if self.text_in or self.audio_in else words


def _first(*prices: float | None) -> float | None:
    return next((price for price in prices if price is not None), None)


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model.

    Attributes:
        id: as the provider names it.
        price: what it costs.
        shutdown: its last day, or None while none is announced.
        instead: the model that takes its place; empty if none is known.
    """

    id: str
    price: Price = field(default_factory=Price)
    shutdown: date | None = None
    instead: str = ""

    def days_left(self, today: date) -> int | None:
        """Return the days until its last one; negative once it is gone."""
        return None if self.shutdown is None else (self.shutdown - today).days


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models that something is known of.

    Attributes:
        found: when that was so.
        models: by their ids.
        media_stream_minute: USD, for the telephone's sound, on top of the telephone.
    """

    found: date
    models: Mapping[str, Model]
    media_stream_minute: float

    def model(self, model_id: str) -> Model:
        """Look a model up; of an unknown one nothing but the id is known."""
        return self.models.get(model_id) or Model(model_id)


def parse(text: str) -> Catalogue:
    """Read a catalogue.

    Args:
        text: TOML, as `models.toml` explains.

    Raises:
        ValueError: not TOML, or an entry that means nothing; the text names it.
    """
    data = tomllib.loads(text)
    models = {}
    for model_id, entry in data["models"].items():
        shutdown, instead = entry.pop("shutdown", None), entry.pop("instead", "")
        unknown = entry.keys() - {f.name for f in fields(Price)}
        if unknown:
            raise ValueError(f"{model_id}: {', '.join(sorted(unknown))} means nothing.")
        models[model_id] = Model(model_id, Price(**entry), shutdown, instead)
    stream = data["telephone"]["media_stream_minute"]
    return Catalogue(data["found"], models, stream)


@cache
def catalogue() -> Catalogue:
    """Return the product's own catalogue."""
    return parse(PATH.read_text(encoding="utf-8"))


# --- The models in use ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a model in use needs somebody's attention; the text is a sentence."""

    text: str
    is_fatal: bool = False


def by_model(models: Mapping[Role, str]) -> dict[str, list[Role]]:
    """Turn a map of roles to models round."""
    roles: dict[str, list[Role]] = {}
    for role, model_id in models.items():
        roles.setdefault(model_id, []).append(role)
    return roles


def settings_of(roles: list[Role]) -> str:
    """Name the settings that decide about these roles."""
    return " and ".join(dict.fromkeys(SETTINGS[role] for role in roles))


def dying(model: Model, roles: list[Role], today: date) -> Trouble | None:
    """Say that a model is gone or will be soon.

    Args:
        model: which one.
        roles: what it is used for.
        today: the day.
    """
    days = model.days_left(today)
    if days is None or days > WARN_DAYS:
        return None
    choose = f"choose another one in {settings_of(roles)}"
    if model.instead:
        choose += f" (the provider names {model.instead})"
    if days < 0:
        text = f"{model.id} was switched off on {model.shutdown}: {choose}."
        return Trouble(text, is_fatal=True)
    left = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
    return Trouble(
        f"{model.id} will be switched off {left} ({model.shutdown}): {choose}."
    )


def unpriced(model: Model, roles: list[Role]) -> Trouble | None:
    """Say that nobody counts what a model costs."""
    if model.price.is_known:
        return None
    return Trouble(
        f"The price of {model.id} ({settings_of(roles)}) is not known: what it costs is"
        " not counted, and spend limits do not hold for it. Add it to"
        " realtime/engines/models.toml."
    )

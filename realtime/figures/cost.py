"""What one call costs, while it goes on.  Pure.

Engines report what they used (`realtime.engines.usage`), the shell reports how long the
telephone was connected, and this adds up.  An amount is an estimate: sound is counted
by our own clock where the provider reports nothing, and prices are those of the
catalogue, without taxes, discounts and minimum charges.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from realtime.engines.catalogue import Catalogue
from realtime.engines.usage import Quantity, Role, Usage

TELEPHONE: Final = "telephone"
MEDIA_STREAM: Final = "media_stream"


@dataclass(frozen=True, slots=True)
class Tariff:
    """What is paid for what.

    Attributes:
        models: id of each role's model.
        catalogue: prices of the models.
        telephone_minute: USD for a minute of the telephone call, of every call.
    """

    models: Mapping[Role, str]
    catalogue: Catalogue
    telephone_minute: float


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a call's bill.

    Attributes:
        engine: a role of `Role`, "telephone" or "media_stream".
        model: id; empty for the telephone.
        usd: None where a price is not known.
        seconds: of sound, or of being connected; 0 where tokens are paid.
        tokens: by kind, as `Quantity` names them.
    """

    engine: str
    model: str
    usd: float | None
    seconds: float
    tokens: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "engine": self.engine,
            "model": self.model,
            "usd": None if self.usd is None else round(self.usd, 6),
            "seconds": round(self.seconds, 2),
            "tokens": dict(self.tokens),
        }


class CostMeter:
    """Adds up what a call has used.

    Args:
        tariff: prices.
    """

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._used: dict[tuple[Role, str], Quantity] = {}
        self._connected_s = {TELEPHONE: 0.0, MEDIA_STREAM: 0.0}

    def restore(self, bill: Iterable[Mapping[str, Any]]) -> None:
        """Go on with the bill of a call that is taken up again.

        Args:
            bill: as `Part.as_dict` stored it; what of it means nothing is left out.
        """
        for part in bill:
            self._restore(part)

    def _restore(self, part: Mapping[str, Any]) -> None:
        engine, seconds = part.get("engine"), float(part.get("seconds") or 0)
        if engine in (TELEPHONE, MEDIA_STREAM):
            self._connected_s[engine] += seconds
        elif engine in set(Role):
            kinds = {f.name for f in fields(Quantity)} - {"audio_s"}
            tokens = {k: n for k, n in part.get("tokens", {}).items() if k in kinds}
            key = (Role(engine), str(part.get("model", "")))
            self._add(key, Quantity(audio_s=seconds, **tokens))

    def _add(self, key: tuple[Role, str], quantity: Quantity) -> None:
        self._used[key] = self._used.get(key, Quantity()) + quantity

    def add(self, used: Sequence[Usage]) -> None:
        """Count what an engine has used."""
        for one in used:
            self._add((one.role, self._tariff.models[one.role]), one.quantity)

    def connected(self, seconds: float, *, has_stream: bool) -> None:
        """Count time on the telephone.

        Args:
            seconds: since this was last said.
            has_stream: whether its sound was streamed as well.
        """
        self._connected_s[TELEPHONE] += seconds
        if has_stream:
            self._connected_s[MEDIA_STREAM] += seconds

    @property
    def minutes(self) -> float:
        """How long the telephone has been connected."""
        return self._connected_s[TELEPHONE] / 60

    @property
    def usd(self) -> float:
        """What all of it costs, as far as prices are known."""
        return sum(part.usd or 0.0 for part in self.parts())

    def usd_after(self, seconds: float) -> float:
        """What it will cost when the telephone has been connected so much longer."""
        return sum(part.usd or 0.0 for part in self.parts(seconds))

    def parts(self, more_s: float = 0.0) -> list[Part]:
        """Return the bill: the engines as they were used first, then the telephone.

        The telephone is paid by the minute begun.

        Args:
            more_s: how much longer it is taken to be connected, if it is.
        """
        catalogue = self._tariff.catalogue
        parts = [
            Part(
                role,
                model,
                catalogue.model(model).price.of(quantity),
                quantity.audio_s,
                quantity.tokens,
            )
            for (role, model), quantity in self._used.items()
        ]
        rates = {
            TELEPHONE: self._tariff.telephone_minute,
            MEDIA_STREAM: catalogue.media_stream_minute,
        }
        for name, connected_s in self._connected_s.items():
            seconds = connected_s + more_s if connected_s else 0.0
            if seconds:
                usd = math.ceil(seconds / 60) * rates[name]
                parts.append(Part(name, "", usd, seconds, {}))
        return parts

"""Which engine serves a leg next: down when one fails, up again when it can.  Pure.

Theory of operation.  The engines that could serve a leg are rungs, the best one on top
(design section 3): simultaneous translation, an interpreter by turns, transcription
with translated text that is read out, captions only, and in the end no session at all:
what is said is kept and written from files.  A rung that cannot be had is tried again
after growing pauses, a few times; then the next one down is tried at once, because
words wait.  What no repetition will mend (a wrong key, no such model, no money) is not
repeated.  A rung that is had and breaks, again and again, is stepped down from as well.

While a lower rung serves, the better ones are looked for behind its back, the best
first, ever more rarely; one that opens takes over when the session says that nothing
would be torn by it.  A rung that broke soon after it was climbed to is looked for later
than the time before.

    cue                                  what follows
    lost                                 the same rung, at once
    refused, for the 1st, 2nd time       the same rung, after a pause
    refused for the 3rd time, or nothing the next rung down that has another door
      served for 4 s, or for good
    lost for the 3rd time in a minute    likewise
    a lower rung serves                  the better ones, after 15 s, 30 s, ... 5 min
    not to be paid for (`cap`)           the best rung that is cheap enough

Times are monotonic seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from realtime.engines.choice import EngineKind

HOPELESS: Final[frozenset[str]] = frozenset(
    {
        "http_400",
        "http_401",
        "http_403",
        "http_404",
        "account_deactivated",
        "billing_hard_limit_reached",
        "insufficient_quota",
        "invalid_api_key",
        "model_not_found",
    }
)
"""Refusals that stay the same however often somebody asks (facts/openai.md 3)."""

_DOORS: Final[dict[EngineKind, str]] = {
    EngineKind.TRANSLATE: "translations",
    EngineKind.INTERPRET: "realtime",
    EngineKind.CASCADE: "transcription",
    EngineKind.TRANSCRIBE: "transcription",
    EngineKind.FILE: "",
}
"""What is knocked at: two rungs behind one door are refused together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderConfig:
    """How patient a leg is with an engine."""

    pauses_s: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    """Before an engine is opened again; the last one repeats."""
    refusals: int = 3
    """So many in a row, and the next rung is tried: 0.75 s after the first ..."""
    without_s: float = 4.0
    """... or when nobody has listened for so long: opening may take 5 s each time, and
    people on the telephone ask after a few whether we are still there."""
    losses: int = 3
    """A rung that breaks so often ..."""
    losses_within_s: float = 60.0
    """... within this time is no better than one that refuses."""
    failures: int = 3
    """So many answers in a row that an engine could not give."""
    climb_s: float = 15.0
    """How soon a better rung is looked for; a glitch is over by then ..."""
    climb_most_s: float = 300.0
    """... and an outage costs one handshake in five minutes."""
    stable_s: float = 120.0
    """A rung that has served for so long has earned a fresh start."""


PATIENCE: Final = LadderConfig()


class Ladder:
    """One leg's engines.

    Args:
        rungs: what could serve it, the best first.
        config: how patient it is.
    """

    def __init__(
        self, rungs: Sequence[EngineKind], config: LadderConfig | None = None
    ) -> None:
        self._config = config or PATIENCE
        self._rungs = tuple(rungs)
        self._at = 0
        self._best = 0
        """The best rung that may be used."""
        self._n_refusals = 0
        self._n_failures = 0
        self._losses: list[float] = []
        self._without_since: float | None = None
        self._opened_at = -math.inf
        self._climb_s = self._config.climb_s
        self._climb_at = math.inf

    @property
    def kind(self) -> EngineKind:
        """The rung that serves, or is to be tried."""
        return self._rungs[self._at]

    @property
    def is_down(self) -> bool:
        """A better rung than this one may be used."""
        return self._at > self._best

    @property
    def is_too_dear(self) -> bool:
        """This rung may not be used any longer."""
        return self._at < self._best

    @property
    def look_at(self) -> float:
        """When another rung is to be looked for; infinite: not at all."""
        return self._climb_at if self.is_down or self.is_too_dear else math.inf

    def wanted(self) -> tuple[EngineKind, ...]:
        """Return the rungs that would serve better, the best first."""
        return self._rungs[self._best : max(self._at, self._best + self.is_too_dear)]

    # --- What happens ----------------------------------------------------------------

    def opened(self, kind: EngineKind, now: float) -> None:
        """An engine serves the leg."""
        self._at = self._rungs.index(kind)
        self._n_refusals = self._n_failures = 0
        self._without_since = None
        self._opened_at = now
        self._losses = [
            at for at in self._losses if now - at < self._config.losses_within_s
        ]
        if self.is_down and now >= self._climb_at:
            self._look_later(now)

    def lost(self, now: float) -> None:
        """The engine that served is gone."""
        c = self._config
        self._without_since = now
        if now - self._opened_at >= c.stable_s:
            self._climb_s = c.climb_s
        self._losses = [at for at in self._losses if now - at < c.losses_within_s]
        self._losses.append(now)
        if len(self._losses) >= c.losses:
            self._step_down(now)

    def refused(self, code: str, now: float) -> float:
        """The rung could not be had.

        Returns:
            how long to wait before `kind`, which may be another one now, is tried.
        """
        c = self._config
        self._n_refusals += 1
        if self._without_since is None:
            self._without_since = now
        is_enough = (
            code in HOPELESS
            or self._n_refusals >= c.refusals
            or now - self._without_since >= c.without_s
        )
        if is_enough and self._step_down(now, door=_DOORS[self.kind]):
            return 0.0
        return c.pauses_s[min(self._n_refusals, len(c.pauses_s)) - 1]

    def answered(self, now: float, *, is_failed: bool) -> bool:
        """The engine has answered an utterance, or could not.

        Returns:
            True if another rung is to be tried instead of it.
        """
        self._n_failures = self._n_failures + 1 if is_failed else 0
        if self._n_failures < self._config.failures:
            return False
        self._n_failures = 0
        below = self._rungs[self._at + 1 : self._at + 2]
        if below == (EngineKind.FILE,):
            return False  # it hears, at least
        return self._step_down(now)

    def looked(self, now: float) -> None:
        """The better rungs were looked for, and none was there."""
        self._look_later(now)

    def cap(self, kind: EngineKind, now: float) -> None:
        """Use nothing that costs more than this rung from now on."""
        if kind not in self._rungs or self._rungs.index(kind) <= self._best:
            return
        self._best = self._rungs.index(kind)
        if self.is_too_dear:
            self._climb_at = now

    # --- Inside ----------------------------------------------------------------------

    def _step_down(self, now: float, door: str = "") -> bool:
        """Try another rung; False where there is none left.

        Args:
            now: monotonic seconds.
            door: that was found closed; what is behind it as well is not tried.
        """
        below = range(self._at + 1, len(self._rungs))
        found = [i for i in below if not door or _DOORS[self._rungs[i]] != door]
        if not found:
            return False
        self._at = found[0]
        self._n_refusals = self._n_failures = 0
        self._losses.clear()
        self._look_later(now)
        return True

    def _look_later(self, now: float) -> None:
        """Look for better rungs after a while, and next time after a longer one."""
        self._climb_at = now + self._climb_s
        self._climb_s = min(self._climb_s * 2, self._config.climb_most_s)

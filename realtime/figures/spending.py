"""What a call costs while it goes on: told, written down, and held below a limit."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings

from realtime import events as ev
from realtime import provider, services
from realtime.engines.catalogue import catalogue
from realtime.engines.usage import Metered, Usage
from realtime.figures.cost import CostMeter, Tariff
from realtime.protocols import browser
from realtime.services import CallFacts
from wigvo.database import in_database

log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
"""How often is looked; a call costs less than half a cent in this time."""
TELL_S: Final = 5.0
"""The caller is told at least this often, and at every cent."""
STORE_S: Final = 30.0
"""So much of a bill may get lost in a crash."""


def new_meter() -> CostMeter:
    """Make a meter with the models in use and the operator's prices."""
    return CostMeter(
        Tariff(
            models=provider.models_in_use(),
            catalogue=catalogue(),
            telephone_minute=settings.TELEPHONE_USD_PER_MINUTE,
        )
    )


class Spending:
    """The bill of one live call.

    Args:
        facts: the call.
        telephone: says whether it is connected, and whether its sound is streamed.
        tell: sends something to the caller, if there is one.
        dispatch: gives something to the session.
        write: queues something for the database.
    """

    def __init__(
        self,
        facts: CallFacts,
        *,
        telephone: Callable[[], tuple[bool, bool]],
        tell: Callable[[browser.ServerMessage], None],
        dispatch: Callable[[ev.Event], None],
        write: Callable[[Callable[[], None]], None],
    ) -> None:
        self.meter = new_meter()
        self._facts = facts
        self._telephone = telephone
        self._tell = tell
        self._dispatch = dispatch
        self._write = write
        self._metered: list[Metered] = []
        self._clock = asyncio.get_running_loop().time
        self._counted_at = self._clock()
        self._told_at = self._stored_at = -STORE_S
        self._told_cents = -1
        self._limit_usd = float(settings.CALL_MAX_USD)
        self._has_bill = False

    def watch(self, metered: Metered) -> None:
        """Count what this uses from now on."""
        self._metered.append(metered)

    def add(self, usage: Usage | None) -> None:
        """Count what was used by something that is not watched."""
        if usage is not None:
            self.meter.add([usage])

    async def run(self) -> None:
        """Count, tell and write down, as long as the call goes on."""
        while True:
            if not self._has_bill:
                await self._take_up()
            await asyncio.sleep(TICK_S)
            self.count()

    async def _take_up(self) -> None:
        """Go on with the bill that is stored; before that nothing takes its place."""
        try:
            bill, self._limit_usd = await in_database(
                services.bill_of, self._facts.call_id
            )
        except Exception as error:
            log.warning("bill_not_read", error=type(error).__name__)
            return
        counted_s = self.meter.minutes * 60
        self.meter.restore(bill)
        billed_s = self.meter.minutes * 60 - counted_s
        # Nobody counted while no session was there; the telephone went on.
        missed_s = self._facts.config.start_ms / 1000 - billed_s
        self.meter.connected(max(0.0, missed_s), has_stream=False)
        self._has_bill = True

    def count(self, *, is_last: bool = False) -> None:
        """Add up; tell and write down where it is time to."""
        now = self._clock()
        is_connected, has_stream = self._telephone()
        if is_connected:
            self.meter.connected(now - self._counted_at, has_stream=has_stream)
        self._counted_at = now
        for metered in self._metered:
            self.meter.add(metered.take_usage())
        usd = self.meter.usd
        cents = int(usd * 100)
        if is_last or cents != self._told_cents or now - self._told_at >= TELL_S:
            self._told_cents, self._told_at = cents, now
            self._tell(browser.Cost(round(usd, 4), round(self.meter.minutes, 2)))
        if self._has_bill and (is_last or now - self._stored_at >= STORE_S):
            self._stored_at = now
            self._store(usd)
        if not is_last:
            # The last sentence must not begin another minute that is too much.
            goodbye_s = self._facts.config.life.farewell_ms / 1000 + TICK_S
            usd = self.meter.usd_after(goodbye_s)
            self._dispatch(ev.SpendKnown(usd, self._limit_usd))

    def _store(self, usd: float) -> None:
        call_id = self._facts.call_id
        parts = [part.as_dict() for part in self.meter.parts()]

        def write() -> None:
            # Another call of the same person may have used up some of the day's rest.
            self._limit_usd = services.store_cost(call_id, usd, parts)

        self._write(write)

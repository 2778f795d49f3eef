"""The time of a simulated telephone company, which a test may run faster."""

import asyncio
import time


class Clock:
    """Monotonic seconds since it was made.

    Args:
        speed: how many of its seconds pass in one real second.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the seconds since the clock was made."""
        return (time.monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Sleep for some of this clock's seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    async def sleep_until(self, then: float) -> None:
        """Sleep until this clock shows `then`; at least give way to others."""
        await self.sleep(then - self.now())

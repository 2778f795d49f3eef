"""The caller's keys in a live call: what is played meanwhile, who is told.  Pure.

`Keys` says when which keys are sent; here our playout waits for the new stream, and the
caller is told what became of the keys and how long nobody could be heard.
"""

import math

from realtime import actions as act
from realtime.config import CallConfig
from realtime.events import Leg
from realtime.line.delivery import Delivery
from realtime.line.keys import Keys, Told
from realtime.outbox import Outbox
from realtime.protocols import browser


class KeyPad:
    """Keys of the caller, on their way to the telephone.

    Args:
        config: the call's.
        delivery: waits while the stream is replaced.
        out: the session's.
    """

    def __init__(self, config: CallConfig, delivery: Delivery, out: Outbox) -> None:
        self._keys = Keys(config.keys)
        self._delivery = delivery
        self._out = out

    @property
    def is_restreaming(self) -> bool:
        """Whether the stream may stop now without anything being wrong."""
        return self._keys.is_restreaming

    @property
    def due(self) -> float:
        """When `tick` has something to do, monotonic seconds; infinite if never."""
        due_ms = self._keys.due_ms
        return math.inf if due_ms is None else due_ms / 1000

    def press(self, digits: str, now: float) -> None:
        """Take keys that were checked; `now` is monotonic seconds."""
        self._tell(self._keys.press(digits, _ms(now)))

    def tick(self, now: float) -> None:
        """Send what has been collected, give up what is overdue."""
        told, digits = self._keys.tick(_ms(now))
        self._tell(told)
        if digits:
            self._delivery.suspend()
            patience_ms = self._keys.patience_ms(digits)
            self._out.do(act.SendDigits(digits, patience_ms))
        elif told:
            self._delivery.resume()

    def refused(self, now: float) -> None:
        """The telephone company did not take them."""
        self._tell(self._keys.refused(_ms(now)))
        self._delivery.resume()

    def stream_stopped(self, now: float) -> int:
        """The stream is gone; how long it may be, ms, 0 if that was not meant."""
        if not self._keys.is_restreaming:
            return 0
        self._keys.stream_stopped(_ms(now))
        due_ms = self._keys.due_ms
        return 0 if due_ms is None else max(1, due_ms - _ms(now))

    def stream_started(self, now: float) -> None:
        """A new stream is there: what was pressed has been pressed."""
        if not self._keys.is_restreaming:
            return
        self._tell(self._keys.stream_started(_ms(now)))
        gap_ms = self._keys.gap_ms or 0
        self._out.tell(
            browser.Recovery(Leg.CALLEE, "recovered", "telephone", gap_ms=gap_ms),
            is_public=True,
        )
        self._out.record("keys_sent", {"gap_ms": gap_ms})
        self._delivery.resume()

    def _tell(self, told: list[Told]) -> None:
        for one in told:
            self._out.tell(browser.DtmfStatus(one.digits, one.state))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

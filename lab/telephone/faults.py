"""Faults that wait to happen to the next calls."""

from collections.abc import Mapping
from typing import Any, Final

from lab.telephone.stream import stream_fault

KINDS: Final[dict[str, str]] = {
    "refuse_call": "POST Calls.json answers with an error: http_status, code, message",
    "slow_create": "POST Calls.json answers after after_ms",
    "ring_out": "nobody answers, and it stops ringing after after_ms",
    "repeat_status": "a status callback is delivered twice",
    "reorder_status": "a status callback is delivered after the next one",
    "stream": "fault: its kind (drop close stall send), after_ms, duration_ms,"
    " text or base64",
}
"""What can be asked for, and what else it says."""


class Faults:
    """Waiting faults, used up one by one."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []

    def add(self, values: Mapping[str, Any]) -> None:
        """Ask for a fault.

        Args:
            values: kind; count (default 1): how often; number: only on calls to it;
                and what the kind needs.

        Raises:
            ValueError: no such fault, or something is wrong with its values.
        """
        fault = {"count": 1, "number": "", **values}
        kind, count = fault.get("kind"), fault["count"]
        if kind not in KINDS:
            raise ValueError(f"There is no fault {kind!r}.")
        for name in ("count", "after_ms", "code", "http_status"):
            if type(fault.get(name, 0)) is not int:
                raise ValueError(f"{name} is a whole number.")
        if count < 1:
            raise ValueError("count is at least 1.")
        if kind == "stream":
            given = fault.get("fault")
            if not isinstance(given, Mapping):
                raise ValueError("A stream fault needs a fault.")
            fault["fault"] = stream_fault(given)
        self._waiting.append(fault)

    def take(self, kind: str, number: str) -> dict[str, Any] | None:
        """Use up one waiting fault.

        Args:
            kind: a key of KINDS.
            number: that is called.

        Returns:
            Its values, None if none of this kind waits for this number.
        """
        for fault in self._waiting:
            if fault["kind"] == kind and fault["number"] in ("", number):
                fault["count"] -= 1
                if fault["count"] == 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def __len__(self) -> int:
        """Return how many kinds of faults wait."""
        return len(self._waiting)

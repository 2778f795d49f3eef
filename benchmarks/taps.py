"""From a tap on a saved phrase to its first sound on the telephone.

    python -m benchmarks.taps [--rounds 2]

A server and a lab of its own; somebody in `text` calls a number where nobody speaks,
and taps the phrases of the starter set one after the other.  *First sound* is when the
server's line clock says that the telephone plays the first 20 ms (`text_status
speaking`); *heard* is when the lab's telephone heard it begin.  Both count from the
moment in which the tap was sent, on the same machine.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection

from wigvo.stack import running_stack
from wigvo.tests.people import ALICE, PASSWORD, Person
from wigvo.tests.servers import free_port

DEAD_AIR: Final = "+8225550125"
GREETING_S: Final = 13.0
"""Until the greeting has been said to somebody who says nothing."""
TAPS: Final = 10


def wait_for(
    socket: ClientConnection, is_it: Callable[[Any], bool], timeout_s: float
) -> float | None:
    """Read messages until one is the one; when it came, monotonic seconds."""
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        try:
            frame = socket.recv(timeout=left_s)
        except TimeoutError:
            return None
        if isinstance(frame, str) and is_it(json.loads(frame)):
            return time.monotonic()
    return None


def tap_all(alice: Person, phrases: list[str]) -> tuple[list[float], list[float]]:
    """Place a call and tap; ms until the first sound, and until it was heard."""
    call_id = alice.try_to_call(DEAD_AIR, mode="text").json()["id"]
    socket = alice.attach(call_id)
    wait_for(socket, lambda m: m.get("status") == "in_progress", 30)
    wait_for(socket, lambda m: False, GREETING_S)
    played_ms: list[float] = []
    tapped_at: list[float] = []
    for phrase_id in phrases[:TAPS]:
        since, now = time.monotonic(), time.time()
        socket.send(json.dumps({"type": "say", "phrase_id": phrase_id}))
        about = {"type": "text_status", "id": phrase_id}
        speaking = wait_for(socket, partial(is_now, about | {"state": "speaking"}), 8)
        if speaking is None:
            raise SystemExit(f"Phrase {phrase_id} was not said within 8 s.")
        played_ms.append((speaking - since) * 1000)
        tapped_at.append(now)
        wait_for(socket, partial(is_now, about | {"state": "spoken"}), 8)
        wait_for(socket, lambda m: False, 0.4)
    [dialled] = alice.dialled(call_id)
    answered = datetime.fromisoformat(dialled["answered_at"]).timestamp()
    heard = [answered + one["started_ms"] / 1000 for one in dialled["heard"]]
    heard_ms = [min(h - at for h in heard if h > at) * 1000 for at in tapped_at]
    alice.hang_up()
    socket.close()
    return played_ms, heard_ms


def is_now(news: dict[str, str], message: Any) -> bool:
    """Say whether a message has this news."""
    return all(message.get(name) == value for name, value in news.items())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=2, help="calls, one by one")
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="wigvo-taps-"))
    with running_stack(folder, free_port(), free_port()) as stack:
        stack.manage("create_user", ALICE, PASSWORD, "--calls-at-once", "10")
        with Person(stack, ALICE) as alice:
            answer = alice.get("/api/phrases?language=en").json()
            phrases = [one["id"] for one in answer]
            for n in range(1, rounds + 1):
                for name, ms in zip(
                    ("first sound", "heard"), tap_all(alice, phrases), strict=True
                ):
                    print(
                        f"call {n}, {name}: {len(ms)} taps,"
                        f" p50 {statistics.median(ms):.0f}, max {max(ms):.0f} ms"
                    )


if __name__ == "__main__":
    main()

"""Whole calls through a real server and the lab: what the relay adds and costs.

    python -m benchmarks.calls [--parallel 1,10] [--number +8225550101] [--json FILE]

Server, lab and scripted callers share this machine, so the caller's and the lab's own
work is part of the load; the figures of the server are its own (its clock, its CPU).
The lab is a simulation with a phrasebook: end-to-end figures say how late *it* is.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from wigvo.stack import (
    BASE_DIR,
    DEMO_EMAIL,
    DEMO_PASSWORD,
    manage,
    running_stack,
    server_command,
)

PORTS = (8610, 9610)
FIGURES = (
    "relay_in",
    "relay_out",
    "hold_back",
    "interpretation_caller",
    "interpretation_callee",
)
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def process_usage(pid: int) -> tuple[float, float]:
    """Return CPU seconds and resident MB of one process (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    cpu_s = (int(fields[11]) + int(fields[12])) * TICK_S
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return cpu_s, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def middle(values: list[float]) -> float:
    """Return the median."""
    values = sorted(values)
    return values[len(values) // 2]


def measure(parallel: int, number: str) -> dict[str, Any]:
    """Place calls side by side on a fresh stack.

    Args:
        parallel: how many.
        number: whom; one of the lab's people.

    Returns:
        figures by name; durations in ms.
    """
    with (
        tempfile.TemporaryDirectory(prefix="wigvo-bench-") as folder,
        running_stack(Path(folder), *PORTS, print) as stack,
    ):
        stack.manage("create_user", DEMO_EMAIL, DEMO_PASSWORD)
        stack.manage(
            "shell",
            "-c",
            "from wigvo.models import User;"
            " User.objects.update(max_live_calls=100, starts_per_minute=1000)",
        )
        server = next(
            child.process.pid
            for child in stack.children
            if child.process.args == server_command(PORTS[0])
        )
        before_s, idle_mb = process_usage(server)
        began = time.monotonic()
        done = subprocess.run(  # noqa: S603 -- our own words
            manage(
                "demo_call", "--json", "--parallel", f"{parallel}", "--number", number
            ),
            cwd=BASE_DIR,
            env=stack.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        lasted_s = time.monotonic() - began
        after_s, busy_mb = process_usage(server)
    if not done.stdout:
        sys.exit(done.stderr)
    report = json.loads(done.stdout)
    calls = report.get("calls", [report])
    return summarise(calls) | {
        "parallel": parallel,
        "seconds": round(lasted_s, 1),
        "cpu_s_per_call_minute": round(
            (after_s - before_s) / (parallel * lasted_s / 60), 2
        ),
        "server_idle_mb": round(idle_mb, 1),
        "server_busy_mb": round(busy_mb, 1),
    }


def summarise(calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median p50, the worst call's p99, and what was understood."""
    out: dict[str, Any] = {}
    for figure in FIGURES:
        for which, choose in (("p50", middle), ("p99", max)):
            values = [
                float(call["latency"][f"{figure}_{which}_ms"])
                for call in calls
                if call["latency"].get(f"{figure}_{which}_ms") is not None
            ]
            out[f"{figure}_{which}_ms"] = choose(values) if values else None
    for side in ("caller_to_callee", "callee_to_caller"):
        out[f"{side}_understood"] = sum(call[side]["understood"] for call in calls)
        out[f"{side}_said"] = sum(call[side]["said"] for call in calls)
    return out


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parallel", default="1,10")
    parser.add_argument("--number", default="+8225550101")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [
        measure(int(n), options.number) for n in str(options.parallel).split(",")
    ]
    for name in results[0]:
        print(f"{name:34}", *(f"{r[name]!s:>10}" for r in results))
    if options.json:
        machine = {"python": platform.python_version(), "cores": os.cpu_count()}
        options.json.write_text(
            json.dumps({"machine": machine, "results": results}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()

"""Many calls at once through real sockets: what the relay costs and how late it is.

    python -m benchmarks.relay [--calls 1,10,20] [--seconds 60] [--no-echo]
    python -m benchmarks.relay --churn 1000 [--parallel 10]    (both: [--json FILE])

A fresh server for each number of calls, alone on one core; on the other one a light
driver of our own that plays telephone, engines and callers with precomputed sound.  The
lab is not used: understanding phrases costs more than relaying them.

A run in which the driver's own clocks were late (p99 above 5 ms) is void: it says so,
and the exit status is 3.  Exit status 1: a call failed.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import httpx2
import numpy as np
import uvloop

from benchmarks.calls import middle, process_usage
from benchmarks.driver import Call, Driver, spoken_by
from benchmarks.driver_sound import (
    CALLEE_LANGUAGE,
    CALLER_LANGUAGE,
    CYCLE_S,
    ECHO_DELAY_FRAMES,
    N_CYCLES,
    Sounds,
    make_sounds,
)
from benchmarks.relay_figures import (
    ECHO_FRAMES,
    Ages,
    Delivery,
    Said,
    ages,
    delivery,
    interruptions,
    percentiles,
    unprovoked,
)
from lab.speech.synthesiser import SpeechUnavailable
from wigvo.stack import (
    DEMO_EMAIL,
    DEMO_PASSWORD,
    Child,
    Stack,
    StackError,
    demo_environment,
    require_free_port,
    server_command,
)

PORTS: Final = (8620, 9620)
MAX_LAG_MS: Final = 5.0
"""A driver that is later than this measures itself (issue 3, point 9)."""
SETTLE_S: Final = 20.0
"""From the last call's start until its echo canceller has met an interpretation or
two: the greeting, and one caller's turn at least."""
NICE: Final = -15
"""Other programs' work then hardly counts; on a quiet machine it changes nothing."""
WARM_UP_CALLS: Final = 2
WARM_UP_S: Final = 8.0
"""What a first call loads and caches is there before memory is measured."""
CHURN_CALL_S: Final = 3.0
CHURN_EVERY: Final = 100
VOID: Final = 3
FAILED: Final = 1


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core is whose."""

    server: set[int]
    driver: set[int]

    @classmethod
    def share(cls) -> "Cores":
        """Give the last core to the server and the first one to the driver."""
        cores = sorted(os.sched_getaffinity(0))
        return cls({cores[-1]}, {cores[0]})


@contextlib.contextmanager
def running_server(folder: Path, cores: Cores) -> Iterator[tuple[Stack, Child]]:
    """Run a server whose providers are ours; nothing of it is left after it.

    Args:
        folder: for database and log.
        cores: the server is pinned to its own.

    Raises:
        StackError: a port is taken, or it does not start.
    """
    port, driver_port = PORTS
    require_free_port(port, "server", "--port")
    require_free_port(driver_port, "driver", "--driver-port")
    environment = demo_environment(folder, port, driver_port)
    environment["CALL_STARTS_PER_MINUTE_PER_ADDRESS"] = "1000000"
    stack = Stack(environment["PUBLIC_BASE_URL"], environment["LAB_URL"], environment)
    stack.manage("migrate", "--noinput", "--verbosity", "0")
    stack.manage("create_user", DEMO_EMAIL, DEMO_PASSWORD, "--calls-at-once", "1000")
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores.server)  # inherited by the child and all its threads
    try:
        server = Child(
            "server", server_command(port), environment, folder / "server.log"
        )
    finally:
        os.sched_setaffinity(0, ours)
    stack.children.append(server)
    try:
        server.wait_for(f"{stack.base_url}/health", lambda waited_s: None)
        yield stack, server
    finally:
        server.stop()


@contextlib.contextmanager
def priority(pid: int) -> Iterator[bool]:
    """Let a process's session go before everybody else's work, for a while.

    Between sessions Linux weighs whole sessions (autogroup), not their processes: other
    programs' own niceness does not help us.

    Args:
        pid: of any process of the session.

    Yields:
        whether it was allowed.
    """
    group = Path(f"/proc/{pid}/autogroup")
    try:
        before = group.read_text().split()[-1]
        group.write_text(str(NICE))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            group.write_text(before)


def waited_s(pid: int) -> float:
    """Return how long a process has waited for its core, all threads together."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text().split()[1])
    return total / 1e9


def log_problems(log: Path) -> list[str]:
    """Return the lines of a server's log that should not be there."""
    words = ("[error", "[critical", "Traceback", "engine_not_fed", "socket_too_slow")
    with contextlib.suppress(OSError):
        text = log.read_text(encoding="utf-8", errors="replace")
        return [line for line in text.splitlines() if any(w in line for w in words)]
    return []


# --- Calls side by side ---------------------------------------------------------------


@dataclass(slots=True)
class Window:
    """The time that is measured, and what the machine spent in it."""

    since: float
    until: float
    cpu_s: float
    driver_cpu_s: float
    server_waited_s: float
    idle_mb: float
    busy_mb: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.until - self.since

    def holds(self, at: float) -> bool:
        """Say whether a moment lies in it."""
        return self.since <= at <= self.until


async def talk(
    driver: Driver, pid: int, n_calls: int, seconds: float
) -> tuple[list[Call], Window]:
    """Hold calls side by side, and measure when all of them are going on."""
    for number in range(WARM_UP_CALLS):
        call = await driver.place(number)
        await asyncio.sleep(WARM_UP_S)
        await driver.end(call)
    await asyncio.sleep(2)
    idle_mb = process_usage(pid)[1]
    gc.collect()
    gc.freeze()
    gc.disable()
    driver.is_recording = True
    whole_s = N_CYCLES * CYCLE_S
    calls = [
        # Spread over the conversation, in steps that both sides' messages divide.
        await driver.place(i, phase_s=round(i * whole_s / n_calls / 0.2) * 0.2)
        for i in range(n_calls)
    ]
    await asyncio.sleep(SETTLE_S)
    driver.lags.ms.clear()
    since, before_s, waited = time.perf_counter(), process_usage(pid)[0], waited_s(pid)
    own_before_s = time.process_time()
    await asyncio.sleep(seconds)
    until, (after_s, busy_mb) = time.perf_counter(), process_usage(pid)
    window = Window(
        since=since,
        until=until,
        cpu_s=after_s - before_s,
        driver_cpu_s=time.process_time() - own_before_s,
        server_waited_s=waited_s(pid) - waited,
        idle_mb=idle_mb,
        busy_mb=busy_mb,
    )
    return calls, window


async def hang_up(driver: Driver, calls: list[Call]) -> list[dict[str, Any]]:
    """End all calls; return what the server knows of those that have ended.

    A server that was too busy does not answer in time; that is a result, not an error.
    """
    details = []
    for call in calls:
        with contextlib.suppress(httpx2.HTTPError):
            await driver.end(call)
    for call in calls:
        with contextlib.suppress(httpx2.HTTPError):
            details.append(await driver.detail(call))
    return details


async def hold(
    driver: Driver, pid: int, n_calls: int, seconds: float
) -> dict[str, Any]:
    """Hold calls side by side and return every figure of them."""
    calls, window = await talk(driver, pid, n_calls, seconds)
    lags = list(driver.lags.ms)
    await asyncio.sleep(4)  # what is on its way still arrives
    driver.is_recording = False
    n_dead = sum(call.status != "in-progress" for call in calls)
    details = await hang_up(driver, calls)
    gc.enable()
    lag = percentiles(lags, 50, 99, 100)
    share = 100 / window.seconds
    return {
        "calls": n_calls,
        "seconds": round(window.seconds, 1),
        "server CPU s per call-minute": round(
            window.cpu_s / (n_calls * window.seconds / 60), 3
        ),
        "server CPU, % of its core": round(window.cpu_s * share, 1),
        "server waited for its core, %": round(window.server_waited_s * share, 1),
        "server MB idle": round(window.idle_mb, 1),
        "server MB during calls": round(window.busy_mb, 1),
        "MB per call": round((window.busy_mb - window.idle_mb) / n_calls, 2),
        **outside(driver, calls, window),
        **inside(details),
        "driver CPU, % of its core": round(window.driver_cpu_s * share, 1),
        "driver lag p50 ms": lag[0],
        "driver lag p99 ms": lag[1],
        "driver lag max ms": lag[2],
        "calls that ended early": n_dead,
        "calls that did not end": len(calls) - len(details),
        "engines opened again": driver.n_strangers,
        "void": lag[1] is None or lag[1] > MAX_LAG_MS,
    }


def outside(driver: Driver, calls: list[Call], window: Window) -> dict[str, Any]:
    """Return what the driver's telephones, engines and callers saw."""
    inward: dict[str, Ages] = {"callee": Ages(), "caller": Ages()}
    playing: list[bool] = []
    outward: dict[str, Delivery] = {"callee": Delivery(), "caller": Delivery()}
    clears_ms: list[float] = []
    n_missed = n_strange = n_false = n_skipped = 0
    since, until = window.since, window.until
    for call in calls:
        callee, caller = call.phone.said(), call.caller.said()
        for_caller = call.engines[CALLER_LANGUAGE]  # hears the callee
        for_callee = call.engines[CALLEE_LANGUAGE]
        found = ages(callee, for_caller.heard.whole(), since, until)
        _add(inward["callee"], found)
        played = call.phone.is_playing
        playing += [
            any(played[max(0, k - ECHO_FRAMES) : k + 1]) for k in found.sent_with
        ]
        _add(inward["caller"], ages(caller, for_callee.heard.whole(), since, until))

        spans = [(callee.sent_at(a), callee.sent_at(b)) for a, b, _ in callee.turns()]
        whole = []
        for one in spoken_by(for_callee, driver, CALLEE_LANGUAGE):
            if not since <= one.times[0] <= one.times[-1] <= until:
                continue
            # What the callee speaks over, or makes wait, is late on purpose.
            if any(
                a < one.times[-1] + 0.3 and b > one.times[0] - 0.6 for a, b in spans
            ):
                n_skipped += 1
            else:
                whole.append(one)
        _add(outward["callee"], delivery(whole, call.phone.heard.whole()))
        whole = [
            one
            for one in spoken_by(for_caller, driver, CALLER_LANGUAGE)
            if since <= one.times[0] <= one.times[-1] <= until
        ]
        _add(outward["caller"], delivery(whole, call.caller.heard.whole()))

        delays_ms, missed = interruptions(
            callee, played, call.phone.clears, since, until
        )
        clears_ms += delays_ms
        n_missed += missed
        n_strange += _unprovoked(callee, for_caller.answered, window)
        n_false += _unprovoked(callee, call.phone.clears, window)
    return {
        **_inward("callee → engine", inward["callee"], playing),
        **_inward("caller → engine", inward["caller"], None),
        **_outward("engine → callee", outward["callee"]),
        "engine → callee, interrupted or waiting": n_skipped,
        **_outward("engine → caller", outward["caller"]),
        "interruption → clear, n": len(clears_ms),
        "interruption → clear, none": n_missed,
        **_percentiles("interruption → clear", clears_ms, 50, 95),
        "clear though the callee was silent": n_false,
        "answers of the engine to an echo": n_strange,
    }


def _add(total: Any, more: Any) -> None:
    """Add the figures of one call to those of all: numbers and lists."""
    for name in total.__slots__:
        setattr(total, name, getattr(total, name) + getattr(more, name))


def _unprovoked(callee: Said, reactions: list[float], window: Window) -> int:
    return unprovoked(callee, [t for t in reactions if window.holds(t)])


def _percentiles(
    name: str, values: list[float], *which: int
) -> dict[str, float | None]:
    found = percentiles(values, *which)
    return {f"{name}, p{p} ms": v for p, v in zip(which, found, strict=True)}


def _inward(name: str, found: Ages, playing: list[bool] | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    groups = {"": [True] * len(found.newest_ms)}
    if playing is not None:
        groups = {
            ", nothing plays": [not is_playing for is_playing in playing],
            ", we play": playing,
        }
    for when, chosen in groups.items():
        for which, values in (
            ("newest sound", found.newest_ms),
            ("oldest sound", found.oldest_ms),
        ):
            these = [v for v, is_in in zip(values, chosen, strict=True) if is_in]
            out |= _percentiles(f"{name}, {which}{when}", these, 50, 99)
    out[f"{name}, pieces looked up"] = found.n_pieces
    out[f"{name}, pieces not found"] = found.n_lost
    return out


def _outward(name: str, found: Delivery) -> dict[str, Any]:
    return {
        **_percentiles(f"{name}, each delta", found.first_ms, 50, 99),
        **_percentiles(f"{name}, each sentence", found.onset_ms, 50, 99),
        f"{name}, sentences": found.n_utterances,
        f"{name}, frames": found.n_frames,
        f"{name}, frames late": found.n_late,
        f"{name}, frames lost": found.n_lost,
    }


def inside(details: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the server's own meters: the median call's p50, the worst call's p99."""
    names = dict.fromkeys(
        name
        for detail in details
        for name in detail.get("latency") or {}
        if name.endswith(("_p50_ms", "_p99_ms"))
    )
    out: dict[str, Any] = {}
    for name in names:
        values = [
            float(value)
            for detail in details
            if (value := (detail.get("latency") or {}).get(name)) is not None
        ]
        choose = middle if name.endswith("_p50_ms") else max
        if not name.startswith("interpretation"):  # how slow a tone engine is
            out[f"server's meter {name}"] = choose(values) if values else None
    return out


# --- Calls one after the other --------------------------------------------------------


async def churn(
    driver: Driver, pid: int, n_calls: int, parallel: int
) -> dict[str, Any]:
    """Place many short calls and watch the server's memory."""
    for number in range(WARM_UP_CALLS):
        call = await driver.place(number)
        await asyncio.sleep(WARM_UP_S)
        await driver.end(call)
    await asyncio.sleep(2)
    memory = [(0, process_usage(pid)[1])]
    numbers = iter(range(n_calls))
    done = 0
    problems: list[str] = []
    began, before_s = time.perf_counter(), process_usage(pid)[0]

    async def worker() -> None:
        nonlocal done
        for number in numbers:
            try:
                call = await driver.place(number, phase_s=number % 27)
                await asyncio.sleep(CHURN_CALL_S)
                await driver.end(call, by_callee=number % 2 == 1)
            except (RuntimeError, OSError, httpx2.HTTPError) as error:
                problems.append(f"call {number}: {error}")
            done += 1
            if done % CHURN_EVERY == 0:
                memory.append((done, process_usage(pid)[1]))
                print(f"  {done:6} calls {memory[-1][1]:8.1f} MB", flush=True)

    await asyncio.gather(*(worker() for _ in range(parallel)))
    lasted_s, cpu_s = time.perf_counter() - began, process_usage(pid)[0] - before_s
    await asyncio.sleep(10)  # the last calls' ends
    idle_mb = process_usage(pid)[1]
    lag = percentiles(driver.lags.ms, 50, 99, 100)
    counts, sizes = np.array(memory[2:] or memory).T
    slope = float(np.polyfit(counts, sizes, 1)[0]) if len(counts) > 1 else None
    return {
        "calls": n_calls,
        "parallel": parallel,
        "seconds": round(lasted_s, 1),
        "calls that failed": len(problems),
        "server CPU s per call": round(cpu_s / n_calls, 3),
        "server MB before": round(memory[0][1], 1),
        "server MB each 100 calls": [round(size, 1) for _, size in memory[1:]],
        "server MB 10 s after the last": round(idle_mb, 1),
        "KB more per call, after the first 200": None
        if slope is None
        else round(slope * 1000, 1),
        "driver lag p99 ms": lag[1],
        "driver lag max ms": lag[2],
        "problems": problems[:5],
        "void": lag[1] is None or lag[1] > MAX_LAG_MS,
    }


# --- The command ----------------------------------------------------------------------

Measuring = Callable[[Driver, int], Coroutine[Any, Any, dict[str, Any]]]


def measure(sounds: Sounds, cores: Cores, work: Measuring) -> dict[str, Any]:
    """Let a fresh server be measured."""

    async def run(stack: Stack, pid: int) -> dict[str, Any]:
        driver = Driver(stack.base_url, PORTS[1], sounds, ECHO_DELAY_FRAMES)
        await driver.open()
        try:
            await driver.log_in(DEMO_EMAIL, DEMO_PASSWORD)
            return await work(driver, pid)
        finally:
            await driver.close()

    with (
        tempfile.TemporaryDirectory(prefix="wigvo-relay-") as folder,
        running_server(Path(folder), cores) as (stack, server),
    ):
        os.sched_setaffinity(0, cores.driver)
        try:
            with (
                priority(server.process.pid) as is_first,
                priority(os.getpid()),
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                result = runner.run(run(stack, server.process.pid))
        except (RuntimeError, OSError, httpx2.HTTPError) as error:
            raise StackError(f"{error}{server.log_tail()}") from error
        server.require_running()
        problems = log_problems(Path(folder) / "server.log")
    result["priority over other programs"] = "yes" if is_first else "no"
    result["problems in the server's log"] = len(problems)
    for line in problems[:5]:
        print("server's log:", line[:300], file=sys.stderr)
    return result


def show(results: list[dict[str, Any]]) -> None:
    """Print one column for each run."""
    for name in dict.fromkeys(name for result in results for name in result):
        values = [result.get(name) for result in results]
        print(f"{name:56}", *(f"{_shown(value):>10}" for value in values))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    if isinstance(value, bool):
        return "VOID" if value else "no"
    return "-" if value is None else str(value)


def main() -> int:
    """Measure and print a table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", default="1,10,20", help="side by side; a run each")
    parser.add_argument("--seconds", type=float, default=60, help="measured, of each")
    parser.add_argument(
        "--echo",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether the telephone line has an echo",
    )
    parser.add_argument(
        "--churn", type=int, metavar="N", help="instead: N calls of 3 s, and memory"
    )
    parser.add_argument(
        "--parallel", type=int, default=10, help="of --churn: so many at a time"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cores = Cores.share()
    if cores.server == cores.driver:
        print("There is one core only: the driver disturbs what it measures.")
    results = []
    try:
        sounds = make_sounds(has_echo=options.echo)
        if options.churn:
            results.append(
                measure(
                    sounds,
                    cores,
                    partial(churn, n_calls=options.churn, parallel=options.parallel),
                )
            )
        else:
            for n in map(int, str(options.calls).split(",")):
                print(f"{n} calls for {options.seconds:g} s ...", flush=True)
                results.append(
                    measure(
                        sounds,
                        cores,
                        partial(hold, n_calls=n, seconds=options.seconds),
                    )
                )
    except (StackError, SpeechUnavailable, RuntimeError) as error:
        print(error, file=sys.stderr)
        return FAILED
    show(results)
    if options.json:
        machine = {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "server_core": sorted(cores.server),
            "driver_core": sorted(cores.driver),
            "load": os.getloadavg(),
        }
        report = {"machine": machine, "echo": options.echo, "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return verdict(results)


def verdict(results: list[dict[str, Any]]) -> int:
    """Say what a run is worth, as an exit status."""
    if any(
        r.get("calls that failed") or r.get("calls that ended early") for r in results
    ):
        print("FAILED: a call did not come about, ended early, or did not end.")
        return FAILED
    if any(result["void"] for result in results):
        print(
            f"VOID: the driver's own clocks were more than {MAX_LAG_MS:g} ms late"
            " (p99); run it again on a quiet machine."
        )
        return VOID
    return 0


if __name__ == "__main__":
    sys.exit(main())

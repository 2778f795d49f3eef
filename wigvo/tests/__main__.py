"""Run every check and every ring of tests, and close with what each of them said.

    python -m wigvo.tests [STEP …]

`make test` calls it inside .venv.  With names of steps only those are run.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from wigvo.tests.servers import Unavailable, apt_install

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
PYTEST = [PYTHON, "-m", "pytest", "-q"]
LIVE = [*PYTEST, "--reruns", "1", "-rR"]
"""Calls in real time: two cores that are busy for a moment tear a word, which is then
not understood.  A test that has failed is run once more, and the summary names it; what
is broken fails twice."""
SHARED = ["-n", "2", "--dist", "worksteal"]
"""Whoever has nothing left to do takes over what the other has not begun."""

# What a production server has; the values open no door.
PRODUCTION = {
    "ENV_FILE": "",
    "DATABASE_URL": "sqlite://:memory:",
    "SECRET_KEY": "aB3-xYz9_Q" * 7,
    "ALLOWED_HOSTS": "wigvo.example",
    "PUBLIC_BASE_URL": "https://wigvo.example",
    "OPENAI_API_KEY": "none",
    "TWILIO_ACCOUNT_SID": "none",
    "TWILIO_AUTH_TOKEN": "none",
    "TWILIO_FROM_NUMBER": "+12025550100",
}


@dataclass(frozen=True)
class Step:
    """One command; what it `needs` is a program and the Debian package of it."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, str] | None = None
    limit_s: float = 600
    """A step that hangs is ended after this long."""


@dataclass(frozen=True)
class Result:
    """What a step came to: a state, its closing words, and how long it took."""

    step: Step
    state: str
    closing: str
    seconds: float


def checks(static: str) -> list[Step]:
    """List what looks at the code: each keeps one core busy, the longest first."""
    manage = [PYTHON, "manage.py"]
    scripts = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("static/**/*.test.js"))
    javascript = [
        Step("javascript", ["node", "--test", *scripts], needs=("node", "nodejs"))
    ]
    return [
        Step("types", [PYTHON, "-m", "mypy", "."], {"ENV_FILE": "", "DEBUG": "1"}),
        *(javascript if scripts else []),
        Step(
            "static",
            [*manage, "collectstatic", "--noinput", "--ignore", "*.test.js"],
            PRODUCTION | {"STATIC_ROOT": static},
        ),
        Step("migrations", [*manage, "makemigrations", "--check"], PRODUCTION),
        Step(
            "deploy",
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            PRODUCTION,
        ),
        Step("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        Step("lint", [PYTHON, "-m", "ruff", "check", "."]),
    ]


def rings() -> list[Step]:
    """List the tests, the quick ones first: each ring has the machine to itself."""
    return [
        Step("tests", PYTEST),
        Step("slow", [*PYTEST, "-m", "slow"]),
        Step(
            "services",
            [PYTHON, "-m", "wigvo.tests.servers", *PYTEST, "-m", "services"],
        ),
        # A file's conversations are placed by one process, and not by each.
        Step("lab", [*LIVE, "-n", "2", "--dist", "loadfile", "-m", "lab"],
             limit_s=1200),
        Step("browser", [*LIVE, *SHARED, "-m", "browser"], limit_s=1200),
        Step("looks", [*LIVE, *SHARED, "-m", "looks"], limit_s=900),
    ]  # fmt: skip


def run(step: Step, *, is_alone: bool) -> Result:
    """Run one step; its output is passed on as it comes, or whole when it is over."""
    begun = time.monotonic()
    state, closing, said = _run(step, is_alone)
    if not is_alone:
        print(f"{headline(step.name)}\n{said}", end="", flush=True)
    return Result(step, state, closing, time.monotonic() - begun)


def _run(step: Step, is_alone: bool) -> tuple[str, str, str]:
    """Return the state, the closing words, and everything that was said."""
    if step.needs and not shutil.which(step.needs[0]):
        try:
            apt_install(step.needs[1])
        except Unavailable as problem:
            in_ci = os.environ.get("CI") == "true"
            why = f"{problem} to run this."
            return ("FAILED" if in_ci else "skipped"), why, f"{why}\n"
    process = subprocess.Popen(
        step.command, cwd=ROOT, env=os.environ | step.env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    watchdog = threading.Timer(step.limit_s, process.kill)
    watchdog.start()
    assert process.stdout
    said = []
    try:
        for line in process.stdout:
            if is_alone:
                print(line, end="", flush=True)
            said.append(line)
        code = process.wait()
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
            process.wait()
    words = [line.strip() for line in said if line.strip()]
    closing = next(
        (
            line
            for line in reversed(words)
            if re.search(r"\d+ (passed|failed|error)|SKIPPED:|FAILED:", line)
        ),
        words[-1] if words else "",
    )
    if code == -signal.SIGKILL:
        state, closing = "FAILED", f"ended after {step.limit_s:.0f} s; last: {closing}"
    elif code:
        state = "FAILED"
    else:
        state = "skipped" if closing.startswith("SKIPPED:") else "ok"
    return state, closing, "".join(said)


def headline(name: str) -> str:
    """Return the line above what a step says."""
    return f"\n── {name} " + "─" * (60 - len(name))


def results(static: str, wanted: set[str]) -> Iterator[Result]:
    """Run the checks side by side and then ring after ring."""
    looks, tests = checks(static), rings()
    if unknown := wanted - {step.name for step in (*looks, *tests)}:
        sys.exit(f"No such step: {', '.join(sorted(unknown))}.")
    if wanted:
        looks = [step for step in looks if step.name in wanted]
        tests = [step for step in tests if step.name in wanted]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(run, step, is_alone=False) for step in looks]
        for done in as_completed(running):
            yield done.result()
    for step in tests:
        print(headline(step.name), flush=True)
        yield run(step, is_alone=True)


def main() -> None:
    """Run the steps named on the command line, or all; exit 1 if one of them failed."""
    started = time.monotonic()
    # A run starts a hundred processes: no need for each to compile every module anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="wigvo-static-") as static:
        every = list(results(static, set(sys.argv[1:])))
    print("\n── summary " + "─" * 53)
    for one in every:
        print(f"{one.state:8}{one.step.name:12}{one.seconds:6.1f} s  {one.closing}")
    print(f"{'':20}{time.monotonic() - started:6.1f} s in all")
    sys.exit(any(one.state == "FAILED" for one in every))


if __name__ == "__main__":
    main()

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


def steps(static: str) -> list[Step]:
    """List the steps in their order: quick ones first."""
    manage = [PYTHON, "manage.py"]
    scripts = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("static/**/*.test.js"))
    javascript = [
        Step("javascript", ["node", "--test", *scripts], needs=("node", "nodejs"))
    ]
    return [
        *(javascript if scripts else []),
        Step("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        Step("lint", [PYTHON, "-m", "ruff", "check", "."]),
        Step("types", [PYTHON, "-m", "mypy", "."], {"ENV_FILE": "", "DEBUG": "1"}),
        Step("migrations", [*manage, "makemigrations", "--check"], PRODUCTION),
        Step(
            "deploy",
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            PRODUCTION,
        ),
        Step(
            "static",
            [*manage, "collectstatic", "--noinput", "--ignore", "*.test.js"],
            PRODUCTION | {"STATIC_ROOT": static},
        ),
        Step("tests", PYTEST),
        Step("slow", [*PYTEST, "-m", "slow"]),
        Step(
            "services",
            [PYTHON, "-m", "wigvo.tests.servers", *PYTEST, "-m", "services"],
        ),
        # A file's conversations are placed by one process, and not by each.
        Step("lab", [*LIVE, "-n", "2", "--dist", "loadfile", "-m", "lab"],
             limit_s=1200),
        Step("browser", [*LIVE, "-n", "2", "-m", "browser"], limit_s=1200),
        Step("looks", [*LIVE, "-n", "2", "-m", "looks"], limit_s=900),
    ]  # fmt: skip


def run(step: Step) -> tuple[str, str]:
    """Run one step with its output passed on; return its state and last words."""
    if step.needs and not shutil.which(step.needs[0]):
        try:
            apt_install(step.needs[1])
        except Unavailable as problem:
            in_ci = os.environ.get("CI") == "true"
            return ("FAILED" if in_ci else "skipped"), f"{problem} to run this."
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
            print(line, end="", flush=True)
            said.append(line.strip())
        code = process.wait()
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
            process.wait()
    words = [line for line in said if line]
    closing = next(
        (
            line
            for line in reversed(words)
            if re.search(r"\d+ (passed|failed|error)|SKIPPED:|FAILED:", line)
        ),
        words[-1] if words else "",
    )
    if code == -signal.SIGKILL:
        return "FAILED", f"ended after {step.limit_s:.0f} s; last: {closing}"
    if code:
        return "FAILED", closing
    return ("skipped" if closing.startswith("SKIPPED:") else "ok"), closing


def main() -> None:
    """Run the steps named on the command line, or all; exit 1 if one of them failed."""
    wanted = set(sys.argv[1:])
    results = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wigvo-static-") as static:
        every = steps(static)
        if unknown := wanted - {step.name for step in every}:
            sys.exit(f"No such step: {', '.join(sorted(unknown))}.")
        for step in every:
            if wanted and step.name not in wanted:
                continue
            print(f"\n── {step.name} " + "─" * (60 - len(step.name)), flush=True)
            begun = time.monotonic()
            state, closing = run(step)
            results.append((step.name, state, time.monotonic() - begun, closing))
    print("\n── summary " + "─" * 53)
    for name, state, seconds, closing in results:
        print(f"{state:8}{name:12}{seconds:6.1f} s  {closing}")
    print(f"{'':20}{time.monotonic() - started:6.1f} s in all")
    sys.exit(any(state == "FAILED" for _, state, _, _ in results))


if __name__ == "__main__":
    main()

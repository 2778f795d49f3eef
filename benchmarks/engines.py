"""How late words are, engine by engine: captions, and typed text on the line.

    python -m benchmarks.engines [--calls 2] [--only translate,cascade]

A server and a lab of its own for each engine; somebody types a whole conversation and
the lab's people answer by voice.  *Caption*: from the callee's end of speech until the
caption is final.  *Typed*: from the arrival of a text until its first sound is on the
line.  The figures are the server's own (`realtime.figures.latencies`), with the
provider's part and ours apart; the provider is the lab, a simulation that is as late as
it was told to be: only our part says something about a real call.
"""

import argparse
import json
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from wigvo.stack import BASE_DIR, Stack, manage, running_stack
from wigvo.tests.people import ALICE, PASSWORD, RESTAURANT, Person
from wigvo.tests.servers import free_port

FLOWER_SHOP: Final = "+8225550114"
"""Speaks the caller's language."""
REFUSED_MS: Final = 300_000
CALL_S: Final = 300
WAYS: Final = ("", "_provider", "_relay")


@dataclass(frozen=True)
class Case:
    """One engine, and how it is made to serve the callee's words.

    Attributes:
        settings: environment variables of the server.
        number: of the lab's people who is called.
        is_broken: simultaneous translation and interpreters fail as soon as the callee
            has said something.
    """

    settings: dict[str, str]
    number: str = RESTAURANT
    is_broken: bool = False


CASES: Final = {
    "translate": Case({"CALLEE_ENGINE": "translate"}),
    "interpret": Case({"CALLEE_ENGINE": "interpret"}),
    "cascade": Case({"CALLEE_ENGINE": "translate"}, is_broken=True),
    "transcribe": Case({}, number=FLOWER_SHOP),
}


def break_engines(stack: Stack, is_over: threading.Event) -> None:
    """Wait until the first words have been translated, then refuse what interprets."""
    with httpx2.Client(base_url=f"{stack.lab_url}/lab", trust_env=False) as lab:
        while not is_over.wait(0.2):
            sessions = lab.get("/engines").json()["sessions"]
            if any(s["kind"] == "translation" and s["heard"] for s in sessions):
                break
        for kind in ("translation", "realtime"):
            refusal = {"kind": "engine.refuse_session", "for_ms": REFUSED_MS}
            lab.post("/faults", json=refusal | {"session": kind}).raise_for_status()
        lost = {"kind": "engine.drop_session", "session": "translation", "live": True}
        lab.post("/faults", json=lost).raise_for_status()


def place(stack: Stack, case: Case) -> dict[str, Any]:
    """Have one typed conversation; the report of its scripted caller."""
    is_over = threading.Event()
    if case.is_broken:
        threading.Thread(target=break_engines, args=(stack, is_over)).start()
    try:
        done = subprocess.run(  # noqa: S603 -- our own words
            manage(
                "demo_call", "--json", "--mode", "text", "--number", case.number,
                "--email", ALICE, "--password", PASSWORD, "--base-url", stack.base_url,
            ),
            cwd=BASE_DIR, env=stack.environment, capture_output=True, text=True,
            timeout=CALL_S, check=False,
        )  # fmt: skip
    finally:
        is_over.set()
    if not done.stdout:
        raise SystemExit(done.stderr)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def show(name: str, n: int, report: dict[str, Any], latency: dict[str, Any]) -> None:
    """Print what one call has measured, ms."""
    captions = sorted(
        key.removesuffix("_n").removeprefix("final_caption_")
        for key, count in latency.items()
        if key.startswith("final_caption_")
        and key.endswith("_n")
        and not key.removesuffix("_n").endswith(("_provider", "_relay"))
        and count
    )
    said = [report[way] for way in ("caller_to_callee", "callee_to_caller")]
    understood = " and ".join(f"{w['understood']}/{w['said']}" for w in said)
    print(f"{name}, call {n}: understood {understood}")
    for what in (*(f"final_caption_{e}" for e in captions), "typed_to_line"):
        parts = [
            f"{(way or '_whole')[1:]} p50 {latency[f'{what}{way}_p50_ms']:.0f}"
            f" p99 {latency[f'{what}{way}_p99_ms']:.0f}"
            for way in WAYS
            if latency.get(f"{what}{way}_n")
        ]
        if parts:
            print(f"  {what:26} n {latency[f'{what}_n']:3}  {',  '.join(parts)} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=2, help="per engine, one by one")
    parser.add_argument("--only", default=",".join(CASES))
    options = parser.parse_args()
    for name in options.only.split(","):
        case = CASES[name]
        with (
            tempfile.TemporaryDirectory(prefix="wigvo-engines-") as folder,
            running_stack(
                Path(folder), free_port(), free_port(), settings=case.settings
            ) as stack,
        ):
            stack.manage("create_user", ALICE, PASSWORD)
            with Person(stack, ALICE) as alice:
                for n in range(1, options.calls + 1):
                    report = place(stack, case)
                    call = alice.wait_for(report["call_id"], "completed")
                    show(name, n, report, call["latency"])
                    reset = httpx2.post(f"{stack.lab_url}/lab/reset", trust_env=False)
                    reset.raise_for_status()


if __name__ == "__main__":
    main()

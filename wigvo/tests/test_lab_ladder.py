"""Engines that fail in the middle of a call, through a real server and the lab."""

import json
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

import httpx2
import pytest

from wigvo.stack import BASE_DIR, Stack
from wigvo.tests.people import ALICE, PASSWORD, RESTAURANT, Person, eventually

pytestmark = pytest.mark.scenes


class Scene:
    """A scripted call, and a hand on the lab's engines."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.lab = httpx2.Client(base_url=f"{stack.lab_url}/lab", trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.lab.close()

    def call(self) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "manage.py", "demo_call", "--json",
             "--number", RESTAURANT, "--email", ALICE, "--password", PASSWORD,
             "--base-url", self._stack.base_url],
            cwd=BASE_DIR, env=self._stack.environment, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def sessions(self, kind: str) -> list[dict[str, Any]]:
        """Return the open sessions of a kind, what they heard among it."""
        found = self.lab.get("/engines").json()["sessions"]
        return [s for s in found if s["kind"] == kind and not s["closed"]]

    def fail(self, kind: str, **values: Any) -> None:
        fault = {"kind": f"engine.{kind}", **values}
        assert self.lab.post("/faults", json=fault).is_success

    def break_after(
        self, phrase_id: str, report: Future[dict[str, Any]], **refused_ms: int
    ) -> None:
        """Wait until a phrase was heard, then break simultaneous translation.

        Args:
            phrase_id: the phrase.
            report: of the call; it may be over before.
            refused_ms: for how long no session of a kind is opened.
        """
        eventually(
            lambda: str(self.sessions("translation")) + " " * report.done(),
            lambda s: phrase_id in s or s.endswith(" "),
            90,
        )
        for kind, ms in refused_ms.items():
            self.fail("refuse_session", session=kind, for_ms=ms)
        self.fail("drop_session", session="translation", live=True)


def lines(call: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return how each leg was served, in order."""
    legs: dict[str, list[tuple[str, str]]] = {}
    for event in call["recovery_events"]:
        data = event["data"]
        legs.setdefault(data["leg"], []).append((data["state"], data["engine"]))
    return legs


def play(stack: Stack, alice: Person, **refused_ms: int) -> dict[str, Any]:
    """Have a conversation in which translation breaks; what is known of it."""
    with Scene(stack) as scene, ThreadPoolExecutor(1) as pool:
        placed = pool.submit(scene.call)
        scene.break_after("restaurant_request", placed, **refused_ms)
        report = placed.result()
    call = alice.see(report["call_id"])
    for way in ("caller_to_callee", "callee_to_caller"):
        heard = [one["text"] for one in report["phrases"]["callee_heard"]]
        assert report[way]["missed"] == [], (way, heard, call["recovery_events"])
    assert not [u for u in call["utterances"] if u["fate"] == "lost"]
    return call


def test_an_interpreter_takes_over_until_translation_is_back(
    stack: Stack, alice: Person
) -> None:
    call = play(stack, alice, translation=10_000)
    for leg in ("caller", "callee"):
        assert lines(call)[leg] == [
            ("lost", "translate"), ("reconnecting", "translate"),
            ("degraded", "interpret"), ("recovered", "translate"),
        ]  # fmt: skip
    parts = {part["engine"] for part in call["cost"]["parts"]}
    assert {"translate", "interpret", "transcribe"} <= parts


def test_a_conversation_goes_on_by_way_of_text(stack: Stack, alice: Person) -> None:
    call = play(stack, alice, translation=25_000, realtime=25_000)
    for leg in ("caller", "callee"):
        assert lines(call)[leg][:3] == [
            ("lost", "translate"), ("reconnecting", "translate"),
            ("degraded", "cascade"),
        ]  # fmt: skip
        assert lines(call)[leg][-1] == ("recovered", "translate")

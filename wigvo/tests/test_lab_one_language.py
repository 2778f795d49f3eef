"""Calls in one language through a real server and the lab: nothing is translated."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from wigvo.stack import BASE_DIR, Stack
from wigvo.tests.people import BOB, PASSWORD, eventually

pytestmark = pytest.mark.scenes

FLOWER_SHOP = "+8225550114"
EMBASSY = "+8225550115"


def call(stack: Stack, number: str, mode: str) -> dict[str, Any]:
    """Let the scripted caller call; once more if a busy machine tore a phrase."""
    report: dict[str, Any] = {}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "manage.py", "demo_call", "--json", "--number", number,
             "--mode", mode, "--email", BOB, "--password", PASSWORD,
             "--base-url", stack.base_url],
            cwd=BASE_DIR, env=stack.environment, capture_output=True, text=True,
            timeout=300,
        )  # fmt: skip
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        if report["understood"]:
            break
    return report


def assert_understood(report: dict[str, Any]) -> None:
    for way in ("caller_to_callee", "callee_to_caller"):
        assert report[way]["missed"] == [], way
        assert report[way]["said"] > 4, way
    assert report["status"] == "completed"
    assert report["echo_loops"] == []
    for caption in report["captions"]:
        assert caption["translation"] == ""
        assert caption["original_final"]
        assert caption["translation_final"]


def test_who_cannot_hear_types_and_reads(stack: Stack) -> None:
    report = call(stack, FLOWER_SHOP, "text")
    assert_understood(report)
    assert len(report["texts"]) == report["caller_to_callee"]["said"]
    for text in report["texts"]:
        assert text["states"][-1]["state"] == "spoken", text


def test_no_caption_is_lost_or_doubled_when_the_engine_fails(stack: Stack) -> None:
    lab = httpx2.Client(base_url=f"{stack.lab_url}/lab", trust_env=False)

    def sessions() -> dict[str, list[str]]:
        """Return what each open transcription has heard, by its id."""
        return {
            session["id"]: [heard["phrase_id"] for heard in session["heard"]]
            for session in lab.get("/engines").json()["sessions"]
            if session["kind"] == "transcription" and not session["closed"]
        }

    def fail(kind: str) -> None:
        fault = {"kind": f"engine.{kind}", "session": "transcription", "live": True}
        assert lab.post("/faults", json=fault).is_success

    with ThreadPoolExecutor(1) as pool, lab:
        placed = pool.submit(call, stack, EMBASSY, "captions")
        eventually(sessions, lambda s: "immigration_documents" in str(s), 90)
        lost = set(sessions())
        fail("drop_session")
        eventually(sessions, lambda s: len(s) >= 2 and not lost & set(s))
        fail("fail_transcript")
        report = placed.result()
    assert_understood(report)
    said = sorted(
        report["phrases"]["caller_said"] + report["phrases"]["callee_said"],
        key=lambda one: one["began_s"],
    )
    texts = [caption["original"] for caption in report["captions"]]
    assert texts == [one["text"] for one in said]

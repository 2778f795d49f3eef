"""Whole calls that the agent makes, through server and lab, in real time."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect

from lab.scripted_caller import Api
from lab.speech.phrasebook import Phrasebook
from wigvo.stack import Stack
from wigvo.tests.people import ALICE, PASSWORD

BRIEF: dict[str, Any] = {
    "goal": "Book a table for four tomorrow at seven.",
    "may_tell": [{"name": "name", "value": "Kim Minsu"}],
    "must_learn": [{"name": "parking", "description": "", "required": True}],
    "fallback": "ask_me",
}


async def call(
    stack: Stack, number: str, answer: str = "", **brief: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Have the agent call somebody: the call afterwards, what its owner was told."""
    told: list[dict[str, Any]] = []
    async with Api(stack.base_url, stack.lab_url) as api:
        await api.log_in(ALICE, PASSWORD)
        started = await api.start(
            {
                "to_number": number,
                "mode": "agent",
                "caller_language": "en",
                "callee_language": "ko",
                "brief": {**BRIEF, **brief},
            }
        )
        stream = started["stream"]
        url = f"{stream['url']}?ticket={stream['ticket']}"
        async with connect(url, compression=None, proxy=None) as socket:
            await socket.send(json.dumps({"type": "hello", "protocol": 1}))
            async for frame in socket:
                if isinstance(frame, bytes):
                    continue
                message = json.loads(frame)
                told.append(message)
                if message["type"] == "question" and answer:
                    reply = {"question_id": message["question_id"], "text": answer}
                    await socket.send(json.dumps({"type": "answer", **reply}))
        return await api.call(started["id"]), told


@pytest.mark.scenes
async def test_it_asks_its_owner_books_and_hangs_up(stack: Stack) -> None:
    done, told = await call(stack, "+8225550131", "Yes, fine.")
    said = [u["original"] for u in done["utterances"] if u["leg"] == "agent"]
    assert (done["status"], done["outcome"]) == ("completed", "success"), said
    assert done["reason"] == "agent_finished"
    assert len([m for m in told if m["type"] == "question"]) == 1
    [row] = done["result"]["appointments"]
    assert (row["time"], row["name"]) == ("19:30", "Kim Minsu")
    assert [f["name"] for f in done["result"]["facts"]] == ["parking"]
    assert done["result"]["open_points"] == []
    assert len(said) >= 6
    heard = [m for m in told if m["type"] == "caption" and m["leg"] == "agent"]
    assert heard
    assert done["cost"]["usd"] > 0


@pytest.mark.scenes
@pytest.mark.parametrize(
    ("number", "outcome"),
    [("+8225550132", "failed"), ("+8225550133", "success"), ("+8225550134", "success")],
)
async def test_it_gets_along_with_difficult_people(
    stack: Stack, number: str, outcome: str
) -> None:
    done, _ = await call(stack, number, must_learn=[])
    assert (done["status"], done["outcome"]) == ("completed", outcome)


async def heard_by_them(api: Api, call_id: str, wanted: str) -> list[str | None]:
    """Wait until they have heard a phrase: all that they have heard."""
    heard: list[str | None] = []
    for _ in range(60):
        calls = (await api.lab("calls"))["calls"]
        details = [await api.lab(f"calls/{one['sid']}") for one in calls]
        [ours] = [d for d in details if call_id in json.dumps(d["requests"])]
        heard = [one["phrase_id"] for one in ours["heard"]]
        if wanted in heard:
            break
        await asyncio.sleep(0.5)
    return heard


@pytest.mark.scenes
async def test_what_it_should_not_have_said_is_never_heard(stack: Stack) -> None:
    book = Phrasebook.load()
    told: list[dict[str, Any]] = []
    async with Api(stack.base_url, stack.lab_url) as api:
        await api.log_in(ALICE, PASSWORD)
        started = await api.start(
            {
                "to_number": "+8225550125",
                "mode": "agent",
                "caller_language": "en",
                "callee_language": "ko",
                "brief": {**BRIEF, "goal": "Make a complaint.", "must_learn": []},
            }
        )
        stream = started["stream"]
        url = f"{stream['url']}?ticket={stream['ticket']}"
        async with connect(url, compression=None, proxy=None) as socket:
            await socket.send(json.dumps({"type": "hello", "protocol": 1}))
            async for frame in socket:
                message = json.loads(frame) if isinstance(frame, str) else {}
                told.append(message)
                # Said once the other sentence has been said to its end.
                if message.get("action") == "rephrased":
                    break
        heard = await heard_by_them(api, started["id"], "agent_complain")
        await api.end(started["id"])
    assert "agent_curse" not in heard
    assert "agent_complain" in heard
    polite = book["agent_complain"].texts["ko"]
    assert any(m.get("original") == polite for m in told)
    rails = [m for m in told if m.get("type") == "guardrail"]
    assert [m["action"] for m in rails] == ["held", "rephrased"]
    # Nothing of the sentence was played, its harmless beginning included.
    held = rails[0]["utterance_id"]
    played = [m for m in told if m.get("type") == "playback"]
    assert not [m for m in played if m["utterance_id"] == held and m["played_ms"]]

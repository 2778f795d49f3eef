"""What a live call asks of the text model and of its voice, through real sockets."""

import asyncio
import base64
from functools import partial
from typing import Any

import numpy as np
import pytest
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from calls import phrases
from calls.models import CallEvent, Phrase
from realtime.tests import sounds
from realtime.tests.conftest import Relay
from realtime.tests.fakes import eventually
from realtime.tests.test_relay import frames, let_in, messages, speak
from wigvo.database import in_database

pytestmark = pytest.mark.slow

REPLY = {"text": "네 명이요.", "translation": "Four people."}


async def live(relay: Relay) -> tuple[WebsocketCommunicator, WebsocketCommunicator]:
    """Start a call that was answered and greeted: the caller's socket, the phone's."""
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await eventually(lambda: relay.live.session.phase == "live")
    await frames(phone, 120)
    await messages(caller)
    return caller, phone


async def callee_says(
    relay: Relay, phone: WebsocketCommunicator, text: str, since: int
) -> int:
    """Let the callee say something that is recognised; the next frame's number."""
    voice = np.concatenate([sounds.sentence(1.0), sounds.noise(0.6)])
    await speak(phone, voice, since=since)
    engine = relay.openai.translation("en")
    await engine.send(type="session.input_transcript.delta", delta=text)
    await asyncio.sleep(0.1)
    await frames(phone, 80, since=since + 80)
    return since + 160


def of(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [m for m in told if m["type"] == kind]


async def events(relay: Relay, kind: str) -> list[Any]:
    await eventually(lambda: relay.live._writes.empty())
    found = CallEvent.objects.filter(call=relay.call, kind=kind)
    return await in_database(lambda: list(found.values_list("data", flat=True)))


# --- Replies to choose from ----------------------------------------------------------


async def test_the_caller_gets_replies_and_they_are_paid(relay: Relay) -> None:
    relay.call.brief = {"goal": "Book a table for four."}
    await in_database(relay.call.save)
    relay.texts.answers["replies"] = {"suggestions": [REPLY]}
    caller, phone = await live(relay)
    await callee_says(relay, phone, "몇 분이세요?", 120)
    await eventually(lambda: relay.texts.asked_for("replies"))
    told = await messages(caller)
    [suggestions] = of(told, "suggestions")
    captions = of(told, "caption")
    assert suggestions["utterance_id"] == captions[-1]["utterance_id"]
    assert suggestions["items"] == [REPLY]
    [asked] = relay.texts.asked_for("replies")
    assert asked["conversation"] == [{"who": "callee", "text": "몇 분이세요?"}]
    assert asked["brief"]["goal"] == "Book a table for four."
    relay.live._spending.count()
    parts = [part.as_dict() for part in relay.live._spending.meter.parts()]
    assert "text" in [part["engine"] for part in parts]
    await phone.disconnect()
    await caller.disconnect()


async def test_a_newer_question_cancels_the_older_one(relay: Relay) -> None:
    relay.texts.answers["replies"] = {"suggestions": [REPLY]}
    caller, phone = await live(relay)
    relay.texts.may_answer.clear()
    since = await callee_says(relay, phone, "몇 분이세요?", 120)
    await eventually(lambda: len(relay.texts.asked) == 1)
    first = relay.live._suggesting
    assert first is not None
    await callee_says(relay, phone, "성함이 어떻게 되세요?", since)
    await eventually(lambda: len(relay.texts.asked) == 2)
    await eventually(first.cancelled)
    relay.texts.may_answer.set()
    told = await messages(caller)
    assert len(of(told, "suggestions")) == 1
    await phone.disconnect()
    await caller.disconnect()


async def test_replies_that_fail_are_noted_and_nobody_is_troubled(relay: Relay) -> None:
    relay.texts.answers["replies"] = 400
    caller, phone = await live(relay)
    await callee_says(relay, phone, "몇 분이세요?", 120)
    await eventually(lambda: relay.texts.asked)
    told = await messages(caller)
    assert not of(told, "suggestions") + of(told, "error") + of(told, "warning")
    assert await events(relay, "suggestions_failed") == [{"code": "rejected"}]
    await phone.disconnect()
    await caller.disconnect()


# --- What nobody should hear ---------------------------------------------------------


async def test_an_insult_is_said_another_way(relay: Relay, settings: Settings) -> None:
    settings.CALLER_ENGINE = "interpret"
    caller, phone = await live(relay)
    pcm = sounds.sentence(1.0).repeat(3).astype("<i2").tobytes()
    since = 130
    for start in range(0, len(pcm), 960):
        await caller.send_to(bytes_data=pcm[start : start + 960])
        await frames(phone, 1, since=since)
        since += 1
    await caller.send_json_to({"type": "speech", "state": "ended"})
    engine = relay.openai.interpreter()
    await eventually(lambda: engine.asked == ["item_1"])
    rude = "닥쳐, 이 개자식아!"
    await engine.answer("resp_1", np.full(24 * 900, 1000, np.int16), rude)
    await eventually(lambda: relay.texts.asked_for("rephrased"))
    await frames(phone, 60, since=since)
    told = await messages(caller)
    assert relay.texts.asked_for("rephrased") == [{"text": rude}]
    actions = [(m["level"], m["action"]) for m in of(told, "guardrail")]
    assert actions == [("abuse", "held"), ("abuse", "rephrased")]
    assert of(told, "caption")[-1]["translation"] == "죄송합니다."
    assert "죄송합니다." in str(spoken(relay))
    assert "개자식" not in str(spoken(relay))
    await phone.disconnect()
    await caller.disconnect()


async def test_the_agent_is_stopped_before_it_is_rude(relay: Relay) -> None:
    relay.call.mode, relay.call.brief = "agent", {"goal": "Make a complaint."}
    await in_database(relay.call.save)
    caller, phone = await live(relay)
    await frames(phone, 120, since=120)  # nobody speaks: it begins
    [engine] = [s for s in relay.openai.sessions if "end_call" in str(s.received)]

    def sent(kind: str) -> list[dict[str, Any]]:
        return [e for e in engine.received if e["type"] == kind]

    await eventually(lambda: len(sent("response.create")) == 1)
    about = {"response_id": "r1", "item_id": "i1"}
    await engine.send(type="response.created", response={"id": "r1"})
    rude = "닥쳐, 이 개자식아!"
    kind = "response.output_audio_transcript.delta"
    await engine.send(type=kind, delta=rude, **about)
    pcm = np.full(24 * 900, 1000, "<i2").tobytes()
    sound = base64.b64encode(pcm).decode()
    await engine.send(type="response.output_audio.delta", delta=sound, **about)
    await eventually(lambda: sent("response.cancel"))
    done = {"id": "r1", "status": "cancelled"}
    await engine.send(type="response.done", response=done)
    await eventually(lambda: len(sent("response.create")) == 2)
    asked = sent("response.create")[-1]["response"]
    assert "politely" in asked["instructions"]
    assert "개자식" not in str(asked)
    await frames(phone, 60, since=240)
    told = await messages(caller)
    assert [m["action"] for m in of(told, "guardrail")] == ["held"]
    assert not of(told, "playback")  # nothing of it was heard
    await phone.disconnect()
    await caller.disconnect()


# --- Saved phrases -------------------------------------------------------------------


def spoken(relay: Relay) -> list[str]:
    """Every text that was asked to be read out."""
    return [
        event["response"]["input"][0]["content"][0]["text"]
        for session in relay.openai.sessions
        for event in session.received
        if event["type"] == "response.create" and "text" in str(event["response"])
    ]


async def test_saved_phrases_are_ready_before_they_are_tapped(relay: Relay) -> None:
    save = partial(phrases.add, relay.alice, language="en", is_quick=True)
    known = await in_database(
        lambda: save(text="Four, please.", translations={"ko": "네 명이요."})
    )
    unknown = await in_database(lambda: save(text="By the window."))
    relay.texts.answers["translation"] = {"translation": "창가요."}
    caller, phone = await live(relay)
    await eventually(lambda: "창가요." in str(spoken(relay)))
    assert "네 명이요." in str(spoken(relay))
    stored = await in_database(Phrase.objects.get, pk=unknown.pk)
    assert stored.translations == {"ko": "창가요."}
    await asyncio.sleep(0.1)  # until they are kept
    n_spoken, n_asked = len(spoken(relay)), len(relay.texts.asked)
    for phrase in (known, unknown):
        await caller.send_json_to({"type": "say", "phrase_id": str(phrase.pk)})
    await frames(phone, 40, since=130)
    told = of(await messages(caller), "text_status")
    spoke = [m["id"] for m in told if m["state"] == "spoken"]
    assert spoke == [str(known.pk), str(unknown.pk)]
    assert (len(spoken(relay)), len(relay.texts.asked)) == (n_spoken, n_asked)
    await phone.disconnect()
    await caller.disconnect()


# --- Read out wrongly ----------------------------------------------------------------


async def test_a_text_read_out_wrongly_is_seen_to_be_repeated(relay: Relay) -> None:
    caller, phone = await live(relay)
    await eventually(lambda: relay.live.session.line_ms > 0)
    relay.openai.misreads = 1
    text = {"type": "text", "text": "305호입니다.", "as": "callee"}
    await caller.send_json_to({**text, "id": "t1"})
    states = [m["state"] for m in of(await messages(caller), "text_status")]
    assert states == ["queued", "repeating", "queued", "speaking", "spoken"]
    relay.openai.misreads = 2
    await caller.send_json_to({**text, "id": "t2", "text": "306호입니다."})
    last = of(await messages(caller), "text_status")[-1]
    assert last["state"] == "mismatch"
    assert last["spoken"] == "Sure, how can I help you today?"
    await phone.disconnect()
    await caller.disconnect()

"""The agent's session: what it is told, in which order, and what comes of it."""

import json
from typing import Any

import numpy as np
import pytest

from realtime.agent import messages as msg
from realtime.agent.brief import Brief, instructions
from realtime.agent.tools import schemas
from realtime.engines.agent import AgentEngine
from realtime.engines.base import Refused
from realtime.engines.usage import Role
from realtime.events import (
    AgentAudio,
    AgentSpoke,
    AgentText,
    Leg,
    SourceDone,
    SourceText,
    TargetDone,
    ToolCalled,
)
from realtime.protocols import openai_realtime as wire

RULES = instructions(Brief(goal="A table"), caller_language="en", callee_language="ko")


class Provider:
    """The other side: what it has been sent, and what it says."""

    def __init__(self) -> None:
        self.engine = AgentEngine("ko", RULES, schemas(), "m", "t", ["김민수"])
        self.sent: list[dict[str, Any]] = []

    def says(self, type_: str, **fields: Any) -> list[Any]:
        event = wire.decode(json.dumps({"type": type_, **fields}))
        events = self.engine.receive(event)
        self.look()
        return events

    def look(self) -> list[dict[str, Any]]:
        new = [json.loads(text) for text in self.engine.take()]
        self.sent += new
        return new

    def do(self, *commands: msg.Command) -> list[str]:
        """Give it commands; the types of what it sends."""
        for command in commands:
            self.engine.perform(command)
        return [m["type"] for m in self.look()]

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [m for m in self.sent if m["type"] == type_]

    @property
    def n_asked(self) -> int:
        return len(self.of("response.create"))

    def hear(self, uid: str) -> None:
        self.engine.append(np.ones(2400, np.int16))
        self.engine.commit(uid)
        self.says("input_audio_buffer.committed", item_id=f"i-{uid}")

    def begin(self, response: str) -> None:
        self.says("response.created", response={"id": response})

    def speak(self, response: str, item: str = "m1", ms: int = 100) -> list[Any]:
        pcm = np.full(24 * ms, 1000, np.int16)
        where = {"response_id": response, "item_id": item}
        return self.says(
            "response.output_audio.delta", delta=wire.encode_pcm(pcm), **where
        )

    def word(self, response: str, text: str, item: str = "m1") -> list[Any]:
        where = {"response_id": response, "item_id": item}
        return self.says("response.output_audio_transcript.delta", delta=text, **where)

    def call(self, response: str, status: str = "completed") -> list[Any]:
        item = {
            "id": "f1",
            "type": "function_call",
            "status": status,
            "call_id": "c1",
            "name": "ask_owner",
            "arguments": '{"question": "?"}',
        }
        return self.says("response.output_item.done", response_id=response, item=item)

    def done(self, response: str, status: str = "completed") -> list[Any]:
        return self.says("response.done", response={"id": response, "status": status})


@pytest.fixture
def p() -> Provider:
    """It has heard something and is being asked to answer."""
    provider = Provider()
    provider.hear("u1")
    provider.do(msg.Respond(("u1",)))
    return provider


def test_it_answers_in_the_conversation_under_ids_of_its_own(p: Provider) -> None:
    [ask] = p.of("response.create")
    assert "input" not in ask["response"]
    assert not p.engine.is_idle
    p.begin("r1")
    [text] = p.word("r1", "안녕")
    [sound] = p.speak("r1")
    assert text == AgentText("안녕", "agent-1")
    assert isinstance(sound, AgentAudio)
    assert sound.utterance_id == "agent-1"
    assert p.done("r1") == [
        TargetDone(Leg.AGENT, ("u1",)),
        AgentSpoke("agent-1", is_spoken=True, text="안녕"),
    ]
    assert p.engine.is_idle


def test_it_waits_for_the_item_that_it_answers() -> None:
    provider = Provider()
    provider.engine.append(np.ones(2400, np.int16))
    provider.engine.commit("u1")
    provider.do(msg.Respond(("u1",)))
    assert provider.n_asked == 0
    provider.says("input_audio_buffer.committed", item_id="i1")
    assert provider.n_asked == 1


def test_it_can_speak_unasked() -> None:
    provider = Provider()
    assert provider.do(msg.Respond()) == ["response.create"]


def test_what_it_hears_is_written_also_after_its_answer(p: Provider) -> None:
    p.begin("r1")
    p.speak("r1")
    p.done("r1")
    kind = "conversation.item.input_audio_transcription"
    assert p.says(f"{kind}.delta", item_id="i-u1", delta="네") == [
        SourceText(Leg.AGENT, "네", "u1", is_whole=True)
    ]
    assert p.says(f"{kind}.completed", item_id="i-u1", transcript="네") == [
        SourceDone(Leg.AGENT, "u1")
    ]


# --- Tools ---


def test_a_call_is_handed_on_with_what_was_said_before_it(p: Provider) -> None:
    p.begin("r1")
    p.word("r1", "잠시만요.")
    p.speak("r1")
    [called] = p.call("r1")
    assert called == ToolCalled(
        "c1", "ask_owner", '{"question": "?"}', ("u1",), "잠시만요."
    )
    assert p.done("r1")[-1].has_called


def test_an_output_is_given_at_once_and_answered_after_the_response(
    p: Provider,
) -> None:
    p.begin("r1")
    p.call("r1")
    assert p.do(msg.GiveOutput("c1", "{}")) == ["conversation.item.create"]
    [item] = p.of("conversation.item.create")
    assert item["item"] == {
        "type": "function_call_output",
        "call_id": "c1",
        "output": "{}",
    }
    p.done("r1")
    assert p.n_asked == 2


def test_two_outputs_and_a_turn_are_answered_together(p: Provider) -> None:
    p.begin("r1")
    p.call("r1")
    p.hear("u2")
    p.do(msg.GiveOutput("c1", "{}"), msg.GiveOutput("c2", "{}"), msg.Respond(("u2",)))
    p.done("r1")
    assert p.n_asked == 2
    p.begin("r2")
    p.speak("r2")
    assert p.done("r2")[0] == TargetDone(Leg.AGENT, ("u2",))
    assert p.n_asked == 2


def test_an_output_that_needs_no_answer_gets_none(p: Provider) -> None:
    p.begin("r1")
    p.call("r1")
    p.do(msg.GiveOutput("c1", "{}", is_answered=False))
    p.done("r1")
    assert p.n_asked == 1


def test_half_of_a_call_is_none(p: Provider) -> None:
    p.begin("r1")
    assert p.call("r1", status="incomplete") == []
    assert not p.done("r1", "incomplete")[-1].has_called


def test_one_responses_instruction_comes_with_all_the_rules(p: Provider) -> None:
    p.begin("r1")
    p.do(msg.Respond(instruction="Say goodbye.", may_call=False))
    p.speak("r1")
    p.done("r1")
    response = p.of("response.create")[-1]["response"]
    assert response["instructions"] == f"{RULES}\nNow: Say goodbye."
    assert response["tool_choice"] == "none"


def test_texts_go_into_the_conversation(p: Provider) -> None:
    p.do(
        msg.Remember("system", "Whisper"),
        msg.Remember("user", "네"),
        msg.Remember("assistant", "안녕하세요"),
        msg.Recall("c9", "ask_owner", "{}"),
    )
    items = [m["item"] for m in p.of("conversation.item.create")]
    assert [(i["role"], i["content"][0]["type"]) for i in items[:3]] == [
        ("system", "input_text"),
        ("user", "input_text"),
        ("assistant", "output_text"),
    ]
    assert (items[3]["type"], items[3]["call_id"]) == ("function_call", "c9")
    assert p.n_asked == 1


# --- Interruption ---


def test_an_interruption_stops_it_and_cuts_at_what_was_heard(p: Provider) -> None:
    p.begin("r1")
    p.speak("r1", ms=500)
    p.engine.truncate("agent-1", 300)
    p.look()
    assert p.of("response.cancel") == [{"type": "response.cancel", "response_id": "r1"}]
    assert p.speak("r1", ms=500) == []  # it came too late to be wanted
    assert p.word("r1", "more") == []
    spoke = p.done("r1", "cancelled")[-1]
    assert spoke.is_stopped
    assert not spoke.is_failed
    [cut] = p.of("conversation.item.truncate")
    assert (cut["item_id"], cut["audio_end_ms"]) == ("m1", 300)


def test_what_is_made_already_is_only_cut(p: Provider) -> None:
    p.begin("r1")
    p.speak("r1", ms=500)
    p.done("r1")
    p.engine.truncate("agent-1", 300)
    p.engine.truncate("agent-7", 300)
    p.look()
    assert not p.of("response.cancel")
    assert [m["audio_end_ms"] for m in p.of("conversation.item.truncate")] == [300]


def test_each_message_of_a_response_is_cut_by_itself(p: Provider) -> None:
    p.begin("r1")
    p.speak("r1", "m1", 400)
    p.speak("r1", "m2", 400)
    p.engine.truncate("agent-2", 100)
    p.done("r1", "cancelled")
    [cut] = p.of("conversation.item.truncate")
    assert (cut["item_id"], cut["audio_end_ms"]) == ("m2", 100)


def test_stopped_before_it_has_a_name_it_is_stopped_then(p: Provider) -> None:
    p.do(msg.Respond(), msg.Stop())
    assert not p.of("response.cancel")
    p.begin("r1")
    assert len(p.of("response.cancel")) == 1
    assert p.done("r1", "cancelled")[-1].is_stopped
    assert p.engine.is_idle  # what waited is not wanted either


# --- Failure ---


def test_a_failed_response_is_asked_for_once_more(p: Provider) -> None:
    p.begin("r1")
    assert p.done("r1", "failed") == []
    assert p.n_asked == 2
    p.begin("r2")
    assert p.done("r2", "failed")[-1] == AgentSpoke("", is_spoken=False, is_failed=True)
    assert p.engine.is_idle


def test_a_filtered_response_is_a_failure_and_a_long_one_is_not(p: Provider) -> None:
    p.begin("r1")
    assert p.done("r1", "incomplete")[-1].is_failed
    p.do(msg.Respond())
    p.begin("r2")
    p.speak("r2")
    spoke = p.done("r2", "incomplete")[-1]
    assert spoke.is_spoken
    assert not spoke.is_failed


def test_a_refused_response_is_a_failure_after_the_second_time(p: Provider) -> None:
    p.do(msg.Respond(instruction="x"))
    for _ in range(2):
        event_id = p.of("response.create")[-1]["event_id"]
        events = p.says("error", error={"code": "bad", "event_id": event_id})
        p.done("whatever was in the way")
    assert events[0] == Refused("bad", "")
    assert events[-1].is_failed
    assert p.n_asked == 3  # the other one waited, and is asked for


def test_a_turn_without_sound_is_no_turn_and_somebody_is_told() -> None:
    provider = Provider()
    provider.engine.commit("u1")
    provider.do(msg.Respond(("u1",)))
    events = provider.says("error", error={"code": "input_audio_buffer_commit_empty"})
    assert events == [
        SourceDone(Leg.AGENT, "u1"),
        TargetDone(Leg.AGENT, ("u1",), is_failed=True),
        AgentSpoke("", is_spoken=False, is_stopped=True),
    ]
    assert provider.n_asked == 0
    # Whatever else was to be said is said.
    provider.engine.commit("u2")
    provider.do(msg.Respond(("u2",)), msg.GiveOutput("c1", "{}"))
    provider.says("error", error={"code": "input_audio_buffer_commit_empty"})
    assert provider.n_asked == 1


def test_its_numbers_go_on_in_the_next_session(p: Provider) -> None:
    p.begin("r1")
    p.speak("r1")
    p.done("r1")
    following = AgentEngine(
        "ko", RULES, schemas(), "m", "t", first_number=p.engine.next_number
    )
    assert following.next_number == 2


def test_what_it_uses_is_counted_as_the_agents(p: Provider) -> None:
    assert [u.role for u in p.engine.take_usage()] == [Role.TRANSCRIBE]
    p.begin("r1")
    usage = {"input_tokens": 7, "output_tokens": 5}
    p.says("response.done", response={"id": "r1", "usage": usage})
    [used] = p.engine.take_usage()
    assert used.role is Role.AGENT
    assert used.quantity.audio_out == 5


def test_it_can_leave_the_writing_to_somebody_else() -> None:
    engine = AgentEngine("ko", RULES, schemas(), "m", "")
    session = json.loads(engine.session_update())["session"]
    assert session["audio"]["input"]["transcription"] is None
    engine.append(np.ones(2400, np.int16))
    engine.commit("u1")
    assert engine.take_usage() == []


# --- What the provider accepts ---


def test_our_events_are_valid_for_the_sdk(p: Provider) -> None:
    from openai.types.realtime import RealtimeClientEvent
    from pydantic import TypeAdapter

    p.begin("r1")
    p.speak("r1")
    p.call("r1")
    p.do(
        msg.GiveOutput("c1", "{}"),
        msg.Remember("system", "a"),
        msg.Remember("user", "b"),
        msg.Remember("assistant", "c"),
        msg.Recall("c9", "ask_owner", "{}"),
        msg.Respond(instruction="Say goodbye.", may_call=False),
    )
    p.engine.truncate("agent-1", 20)
    p.look()
    p.done("r1", "cancelled")
    p.begin("r2")
    p.done("r2")
    known = TypeAdapter(RealtimeClientEvent)
    update = known.validate_json(p.engine.session_update(), strict=True)
    assert_known(update)
    for message in p.sent:
        assert_known(known.validate_python(message, strict=True))
    assert {m["type"] for m in p.sent} == {
        "conversation.item.create",
        "conversation.item.truncate",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "response.cancel",
        "response.create",
    }


def assert_known(model: Any) -> None:
    """The SDK's models keep what they do not know; there must be nothing of it."""
    extra = model.model_extra or {}
    assert extra == {}, model
    for name in type(model).model_fields:
        value = getattr(model, name)
        for one in value if isinstance(value, list) else [value]:
            if hasattr(one, "model_extra"):
                assert_known(one)

"""The interpreter by turns: what it is told, in which order, and what comes of it."""

import json
from typing import Any

import numpy as np
import pytest

from realtime.engines.base import Refused
from realtime.engines.interpret import Interpreter
from realtime.events import EngineAudio, Leg, SourceDone, SourceText, TargetDone
from realtime.events import TargetText as Target
from realtime.protocols import openai_realtime as wire


class Provider:
    """The other side: what it has been sent, and what it says."""

    def __init__(self) -> None:
        self.engine = Interpreter(Leg.CALLER, "en", "ko", "m", "t")
        self.sent: list[dict[str, Any]] = []

    def says(self, type_: str, **fields: Any) -> list[Any]:
        event = wire.decode(json.dumps({"type": type_, **fields}))
        events = self.engine.receive(event)
        self.look()
        return events

    def look(self) -> None:
        self.sent += [json.loads(text) for text in self.engine.take()]

    @property
    def asked(self) -> list[list[str]]:
        """The items of each response that was asked for."""
        return [
            [item["id"] for item in m["response"]["input"]]
            for m in self.sent
            if m["type"] == "response.create"
        ]

    def speak(self, response: str, ms: int = 100) -> list[Any]:
        pcm = np.full(24 * ms, 1000, np.int16)
        return self.says(
            "response.output_audio.delta",
            response_id=response,
            delta=wire.encode_pcm(pcm),
        )

    def begin(self, response: str) -> None:
        self.says("response.created", response={"id": response})
        item = {"id": f"out-{response}", "type": "message"}
        self.says("response.output_item.added", response_id=response, item=item)

    def done(self, response: str, status: str = "completed") -> list[Any]:
        return self.says("response.done", response={"id": response, "status": status})


@pytest.fixture
def p() -> Provider:
    provider = Provider()
    provider.engine.append(np.ones(2400, np.int16))
    provider.engine.commit("u1")
    provider.look()
    return provider


def test_an_utterance_is_committed_and_answered_by_its_item(p: Provider) -> None:
    assert [m["type"] for m in p.sent] == [
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
    ]
    p.engine.answer(("u1",))
    p.look()
    assert p.asked == []  # its item is not known yet
    p.says("input_audio_buffer.committed", item_id="i1")
    assert p.asked == [["i1"]]
    assert not p.engine.is_idle
    p.begin("r1")
    [sound] = p.speak("r1")
    assert isinstance(sound, EngineAudio)
    assert (sound.leg, sound.utterance_id) == (Leg.CALLER, "u1")
    text = p.says(
        "response.output_audio_transcript.delta", response_id="r1", delta="네."
    )
    assert text == [Target(Leg.CALLER, "네.", "u1")]
    assert p.done("r1") == [TargetDone(Leg.CALLER, ("u1",), is_failed=False)]
    assert p.engine.is_idle


def test_one_response_at_a_time_and_none_is_forgotten(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    for n in (2, 3, 4):
        p.engine.commit(f"u{n}")
        p.says("input_audio_buffer.committed", item_id=f"i{n}")
        p.engine.answer((f"u{n}",))
        p.look()
    assert p.asked == [["i1"]]
    for n in (1, 2, 3, 4):
        p.begin(f"r{n}")
        p.speak(f"r{n}")
        p.done(f"r{n}")
    assert p.asked == [["i1"], ["i2"], ["i3"], ["i4"]]


def test_two_utterances_can_be_one_sentence(p: Provider) -> None:
    p.engine.commit("u2")
    p.engine.answer(("u1", "u2"))
    p.says("input_audio_buffer.committed", item_id="i1")
    assert p.asked == []
    p.says("input_audio_buffer.committed", item_id="i2")
    assert p.asked == [["i1", "i2"]]
    p.begin("r1")
    p.speak("r1")
    assert p.done("r1") == [TargetDone(Leg.CALLER, ("u1", "u2"), is_failed=False)]


def test_the_source_is_written_where_it_belongs(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    kind = "conversation.item.input_audio_transcription"
    assert p.says(f"{kind}.delta", item_id="i1", delta="Hel") == [
        SourceText(Leg.CALLER, "Hel", "u1", is_whole=True)
    ]
    assert p.says(f"{kind}.delta", item_id="i1", delta="lo") == [
        SourceText(Leg.CALLER, "lo", "u1")
    ]
    # The whole transcript is what counts.
    assert p.says(f"{kind}.completed", item_id="i1", transcript="Hello.") == [
        SourceText(Leg.CALLER, "Hello.", "u1", is_whole=True),
        SourceDone(Leg.CALLER, "u1"),
    ]
    assert p.says(f"{kind}.completed", item_id="i1", transcript="Hello.") == [
        SourceDone(Leg.CALLER, "u1")
    ]
    assert p.says(f"{kind}.delta", item_id="i9", delta="?") == []


def test_a_transcript_without_deltas_is_not_lost(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    kind = "conversation.item.input_audio_transcription.completed"
    assert p.says(kind, item_id="i1", transcript="Hello.") == [
        SourceText(Leg.CALLER, "Hello.", "u1", is_whole=True),
        SourceDone(Leg.CALLER, "u1"),
    ]


def test_a_transcript_that_comes_after_the_answer_is_not_lost(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    p.begin("r1")
    p.speak("r1")
    p.done("r1")
    kind = "conversation.item.input_audio_transcription.completed"
    assert p.says(kind, item_id="i1", transcript="Hello.") == [
        SourceText(Leg.CALLER, "Hello.", "u1", is_whole=True),
        SourceDone(Leg.CALLER, "u1"),
    ]


def test_a_transcript_that_failed_is_said_to_have_failed(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    kind = "conversation.item.input_audio_transcription.failed"
    assert p.says(kind, item_id="i1") == [SourceDone(Leg.CALLER, "u1", is_failed=True)]


def test_a_failed_response_is_asked_for_once_more(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    p.begin("r1")
    assert p.done("r1", "failed") == []
    assert p.asked == [["i1"], ["i1"]]
    p.begin("r2")
    assert p.done("r2", "failed") == [TargetDone(Leg.CALLER, ("u1",), is_failed=True)]
    assert p.engine.is_idle


def test_a_refused_response_waits_for_the_one_that_runs(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    p.look()
    error = {
        "code": "conversation_already_has_active_response",
        "event_id": p.sent[-1]["event_id"],
    }
    assert p.says("error", error=error) == []
    assert not p.engine.is_idle
    p.done("somebody else's")
    assert p.asked == [["i1"], ["i1"]]
    # Another event's error is not about it.
    assert p.says("error", error={"code": "x", "event_id": "other"}) == [
        Refused("x", "")
    ]


def test_too_little_sound_is_no_utterance(p: Provider) -> None:
    p.engine.commit("u2")
    p.engine.answer(("u1", "u2"))
    error = {"code": "input_audio_buffer_commit_empty"}
    assert p.says("error", error=error) == [
        SourceDone(Leg.CALLER, "u1"),
        TargetDone(Leg.CALLER, ("u1",), is_failed=True),
    ]
    p.says("input_audio_buffer.committed", item_id="i2")
    assert p.asked == [["i2"]]


def truncations(p: Provider) -> list[tuple[str, int]]:
    p.look()
    return [
        (m["item_id"], m["audio_end_ms"])
        for m in p.sent
        if m["type"] == "conversation.item.truncate"
    ]


def test_what_was_heard_is_told_when_all_was_said(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    p.begin("r1")
    p.speak("r1", 500)
    p.engine.truncate("u1", 300)
    assert truncations(p) == []
    p.done("r1")
    assert truncations(p) == [("out-r1", 300)]
    p.engine.truncate("u1", 100)
    p.engine.truncate("u1", 400)  # said again, but the provider has forgotten it
    assert truncations(p)[1:] == [("out-r1", 100)]
    p.engine.truncate("unknown", 10)
    assert len(truncations(p)) == 2


def test_what_was_heard_to_the_end_needs_no_cut(p: Provider) -> None:
    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    p.begin("r1")
    p.speak("r1", 500)
    p.done("r1")
    p.engine.truncate("u1", 9000)
    assert truncations(p) == []


def test_our_events_are_valid_for_the_sdk(p: Provider) -> None:
    from openai.types.realtime import RealtimeClientEvent
    from openai.types.realtime.realtime_response_create_params_with_references_param import (  # noqa: E501 -- the SDK's own name
        RealtimeResponseCreateParamsWithReferencesParam,
    )
    from pydantic import TypeAdapter

    p.says("input_audio_buffer.committed", item_id="i1")
    p.engine.answer(("u1",))
    p.begin("r1")
    p.speak("r1")
    p.done("r1")
    p.engine.truncate("u1", 20)
    p.look()
    known = TypeAdapter(RealtimeClientEvent)
    references = TypeAdapter(RealtimeResponseCreateParamsWithReferencesParam)
    known.validate_json(p.engine.session_update())
    for message in p.sent:
        if message["type"] == "response.create":
            references.validate_python(message["response"])
        else:
            known.validate_python(message)

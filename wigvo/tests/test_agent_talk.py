"""The product's agent and the lab's model, over the lab's own socket.

What is not here is the telephone: what the callee says goes straight into the engine,
and what the agent says is heard at once.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.openai.state import EngineState, state
from lab.speech.phrasebook import Phrasebook
from lab.tests.engine_client import API_KEY, EngineClient, open_realtime, speech
from realtime.agent import messages as msg
from realtime.agent.agent import Agent, State
from realtime.agent.brief import Brief, instructions
from realtime.agent.tools import schemas
from realtime.config import AgentConfig
from realtime.engines.agent import AgentEngine
from realtime.events import (
    AgentAudio,
    AgentSpoke,
    Line,
    SourceDone,
    SourceText,
    ToolCalled,
)
from realtime.protocols import openai_realtime as wire

TODAY = "2026-11-21 Saturday"
BRIEF: dict[str, Any] = {
    "goal": "Book a table for four tomorrow at seven.",
    "may_tell": [{"name": "name", "value": "Kim Minsu"}],
    "must_learn": [{"name": "parking", "description": "", "required": True}],
    "fallback": "ask_me",
}


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> EngineState:
    monkeypatch.setattr(state, "api_key", API_KEY)
    monkeypatch.setattr(state, "response_latency_ms", 0)
    monkeypatch.setattr(state, "response_speed", 2000.0)
    state.reset()
    return state


class Talk:
    """A call without a telephone.

    Args:
        brief: what the call is about, where it differs from `BRIEF`.
    """

    def __init__(self, **brief: Any) -> None:
        known = Brief.from_json({**BRIEF, **brief})
        self._rules = instructions(
            known, caller_language="en", callee_language="ko", today=TODAY
        )
        self.agent = Agent(known, AgentConfig(), TODAY)
        self.done: list[msg.Action] = []
        self.said: list[str] = []
        self.now = 0.0
        self._texts: dict[str, str] = {}
        self._unread: set[str] = set()
        self._n_heard = 0
        self._next_number = 1

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Let the agent have a session, the first one or another."""
        first, self._next_number = self._next_number, 1
        self.engine = AgentEngine(
            "ko",
            self._rules,
            schemas(),
            "gpt-realtime-2.1-mini",
            "gpt-transcribe",
            first_number=first,
        )
        update = json.loads(self.engine.session_update())["session"]
        with open_realtime() as self._client:
            self._client.send("session.update", session=update)
            self._client.until("session.updated")
            self.tell(msg.EngineOpened())
            yield
        self._next_number = self.engine.next_number

    def tell(self, *events: msg.Event) -> None:
        for event in events:
            for action in self.agent.receive(event, self.now):
                self.done.append(action)
                if isinstance(action, msg.Command):
                    self.engine.perform(action)
        self._send()

    def hear(self, phrase_id: str) -> list[str]:
        """The callee says a phrase; what the agent says to it, as phrases."""
        self._n_heard += 1
        uid = f"callee-{self._n_heard}"
        self.tell(msg.LineChanged(is_playing=False, is_callee_speaking=True))
        self.engine.append(speech(phrase_id, "ko"))
        self.engine.commit(uid)
        self._unread.add(uid)
        self.tell(msg.LineChanged(is_playing=False, is_callee_speaking=False))
        self.tell(msg.CalleeTurn((uid,)))
        return self.listen()

    def wait(self, seconds: float) -> list[str]:
        """Let time pass; what the agent says meanwhile."""
        until = self.now + seconds
        n_said = len(self.said)
        while (due := self.agent.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.tell(msg.Ticked())
            self.listen()
        self.now = until
        return self.said[n_said:]

    def listen(self) -> list[str]:
        """Let the agent say all that it has to say now."""
        n_said = len(self.said)
        while not self.engine.is_idle or self._unread:
            event = self._client.receive()
            assert event["type"] != "error", event
            for ours in self.engine.receive(wire.decode(json.dumps(event))):
                self._on_event(ours)
            self._send()
        return self.said[n_said:]

    def of(self, kind: type[Any]) -> list[Any]:
        return [action for action in self.done if isinstance(action, kind)]

    def _on_event(self, event: Any) -> None:
        match event:
            case AgentAudio():
                self.tell(msg.LineChanged(is_playing=True, is_callee_speaking=False))
            case AgentSpoke():
                book = Phrasebook.load()
                if event.text:
                    phrase = book.by_text(event.text, "ko")
                    self.said.append(phrase.id if phrase else event.text)
                self.tell(event)
                self.tell(msg.LineChanged(is_playing=False, is_callee_speaking=False))
            case ToolCalled():
                self.tell(event)
            case SourceText():
                uid = event.utterance_id or ""
                before = "" if event.is_whole else self._texts.get(uid, "")
                self._texts[uid] = before + event.delta
            case SourceDone():
                self._unread.discard(event.utterance_id)
                text = self._texts.get(event.utterance_id, "")
                self.tell(msg.Heard("callee", event.utterance_id, text))

    def _send(self) -> None:
        for text in self.engine.take():
            message = json.loads(text)
            kind = message.pop("type")
            if kind == "response.create":  # the SDK has its type in two places
                self._client.socket.send_json({"type": kind, **message})
            else:
                self._client.send(kind, **message)

    engine: AgentEngine
    _client: EngineClient


def test_it_asks_its_owner_books_and_says_goodbye() -> None:
    talk = Talk()
    with talk.session():
        assert talk.hear("agent_shop_answer") == ["agent_introduction"]
        assert talk.hear("agent_half_past") == []
        [question] = talk.of(msg.Ask)
        assert "half past seven" in question.text
        assert talk.of(msg.SayLine) == [msg.SayLine(Line.CHECKING)]
        talk.now += 8
        talk.tell(msg.OwnerAnswered(question.question_id, "Yes, fine."))
        assert talk.listen() == ["agent_take_half_past"]
        assert talk.hear("restaurant_ask_name") == ["agent_guest_name"]
        assert talk.hear("agent_booked") == ["agent_read_back"]
        assert talk.hear("agent_shop_correct") == ["agent_parking_question"]
        assert talk.hear("agent_parking_answer") == ["agent_goodbye"]
        assert talk.agent.state is State.CLOSING
        assert talk.hear("agent_shop_goodbye") == []
        talk.wait(1.3)
    assert talk.of(msg.HangUp) == [msg.HangUp("success")]
    assert talk.of(msg.StoreResult)[-1].result == {
        "outcome": "success",
        "reason": "The table is booked.",
        "facts": [
            {
                "name": "parking",
                "value": "behind the house",
                "utterance_id": "callee-6",
            }
        ],
        "appointments": [
            {
                "what": "table for four",
                "date": "2026-11-22",
                "time": "19:30",
                "name": "Kim Minsu",
                "reference": "",
                "note": "",
                "utterance_id": "callee-5",
            }
        ],
        "callbacks": [],
        "messages": [],
        "questions": [
            {
                "text": "Seven is full. Is half past seven all right?",
                "answer": "Yes, fine.",
            }
        ],
        "open_points": [],
    }


def test_without_an_answer_it_promises_nothing() -> None:
    talk = Talk()
    with talk.session():
        talk.hear("agent_shop_answer")
        talk.hear("agent_half_past")
        said = talk.wait(31)
        assert said == ["agent_no_table_then", "agent_goodbye"]
        talk.wait(2)
    assert talk.of(msg.SayLine)[1:] == [msg.SayLine(Line.WAIT)] * 2
    assert talk.of(msg.HangUp) == [msg.HangUp("callback_needed")]
    result = talk.agent.result()
    assert result["appointments"] == []
    assert result["callbacks"][0]["who"] == "owner"


def test_a_silent_callee_is_spoken_to() -> None:
    talk = Talk()
    with talk.session():
        talk.tell(msg.Connected())
        assert talk.wait(3.1) == ["agent_introduction"]
        assert talk.wait(10.5) == ["common_hello"]


def test_an_abusive_callee_is_left_politely() -> None:
    talk = Talk(must_learn=[])
    with talk.session():
        talk.hear("agent_rude_answer")
        assert talk.hear("agent_first_insult") == ["agent_stay_polite"]
        said = talk.hear("agent_second_insult")
        assert said == ["agent_give_up_politely", "agent_goodbye"]
        talk.wait(2)
    assert talk.of(msg.HangUp) == [msg.HangUp("failed")]


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("agent_are_you_robot", "agent_yes_machine"),
        ("agent_ignore_instructions", "agent_cannot_tell"),
    ],
)
def test_it_says_what_it_is_and_takes_no_orders(heard: str, said: str) -> None:
    talk = Talk(must_learn=[])
    with talk.session():
        talk.hear("agent_shop_answer")
        assert talk.hear(heard) == [said]
        assert talk.hear("agent_seat_is_free") == ["agent_goodbye"]
        talk.wait(2)
    assert talk.of(msg.HangUp) == [msg.HangUp("success")]
    assert talk.agent.result()["facts"] == []


def test_a_whisper_is_followed_with_the_next_response() -> None:
    talk = Talk(must_learn=[])
    with talk.session():
        talk.hear("agent_shop_answer")
        talk.tell(msg.OwnerWhispered("Please ask about parking."))
        assert talk.listen() == []
        assert talk.hear("common_okay") == ["agent_parking_question"]


def test_taken_over_it_is_silent_and_goes_on_when_it_is_handed_back() -> None:
    talk = Talk(must_learn=[])
    with talk.session():
        talk.hear("agent_shop_answer")
        talk.hear("agent_half_past")
        talk.tell(msg.TakenOver())
        ko = {p: Phrasebook.load()[p].texts["ko"] for p in ("agent_take_half_past",)}
        talk.tell(
            msg.Heard("caller", "caller-1", ko["agent_take_half_past"]),
            msg.CalleeTurn(("callee-9",)),
        )
        assert talk.listen() == []
        talk.tell(msg.HandedBack())
        assert talk.listen() == ["common_hello"]
        assert talk.hear("agent_booked") == ["agent_read_back"]


def test_a_new_session_goes_on_where_the_old_one_was() -> None:
    talk = Talk(must_learn=[])
    with talk.session():
        talk.hear("agent_shop_answer")
        talk.hear("agent_half_past")
    with talk.session():
        [question] = talk.of(msg.Ask)
        talk.tell(msg.OwnerAnswered(question.question_id, "네, 좋아요."))
        assert talk.listen() == ["agent_take_half_past"]
        assert talk.hear("agent_booked") == ["agent_read_back"]
    assert talk.engine.next_number == 4

"""What came of a call that the assistant made: kept, shown, and refused if unclear."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from calls import services
from calls.models import Call, Mode, Status
from calls.results import Result
from calls.tests.factories import make_call, make_user
from realtime.agent.agent import Agent
from realtime.agent.brief import Brief
from realtime.agent.messages import CalleeTurn
from realtime.config import AgentConfig
from realtime.events import ToolCalled
from wigvo.models import User

BRIEF = {"goal": "A table", "must_learn": [{"name": "parking", "required": True}]}


def result_of_agent() -> dict[str, Any]:
    """Let the agent itself write a result with everything in it."""
    agent = Agent(Brief.from_json(BRIEF), AgentConfig())
    agent.receive(CalleeTurn(("callee-3",)), 0)
    calls = {
        "confirm_reservation": {
            "what": "table for four",
            "date": "2026-11-22",
            "time": "19:30",
            "name": "Kim",
        },
        "collect_info": {"name": "price", "value": "30,000"},
        "schedule_callback": {"who": "callee", "when": "tonight", "reason": "deposit"},
        "ask_owner": {"question": "Is half past all right?"},
        "end_call": {"outcome": "partial", "reason": "Parking <is> not known."},
    }
    for n, (name, arguments) in enumerate(calls.items()):
        call = ToolCalled(f"c{n}", name, json.dumps(arguments), ("callee-3",))
        agent.receive(call, n)
    return agent.result()


@pytest.fixture
def call(alice: User) -> Call:
    call = make_call(
        alice,
        status=Status.COMPLETED,
        mode=Mode.AGENT,
        outcome="partial",
        reason="agent_finished",
    )
    services.store_result(call.pk, result_of_agent())
    call.refresh_from_db()
    return call


def test_what_the_agent_writes_is_what_is_read(call: Call) -> None:
    result = Result.of(call)
    assert result is not None
    assert result.reason == "Parking <is> not known."
    assert [(a.date, a.time, a.name) for a in result.appointments] == [
        ("2026-11-22", "19:30", "Kim")
    ]
    assert [(f.name, f.value, f.utterance_id) for f in result.facts] == [
        ("price", "30,000", "callee-3")
    ]
    assert result.callbacks[0].who == "callee"
    assert result.questions[0].answer is None
    assert result.open_points == ["parking", "Is half past all right?"]


def test_a_call_without_an_assistant_has_no_result(alice: User) -> None:
    assert Result.of(make_call(alice)) is None


def test_rest_shows_it(call: Call, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    body = client.get(f"/api/calls/{call.pk}").json()
    assert body["outcome"] == "partial"
    assert body["result"]["appointments"][0]["what"] == "table for four"
    assert body["result"]["open_points"][0] == "parking"
    other = make_call(alice)
    assert client.get(f"/api/calls/{other.pk}").json()["result"] is None


def test_the_page_shows_it_and_where_it_was_said(call: Call, alice: User) -> None:
    services.store_utterance(
        call.pk,
        utterance_id="callee-3",
        leg="callee",
        original="네",
        translation="Yes",
        started_ms=0,
    )
    client = Client()
    client.force_login(alice)
    html = client.get(call.get_absolute_url()).content.decode()
    assert "table for four" in html
    assert 'datetime="2026-11-22T19:30"' in html
    assert "They call you: tonight." in html
    assert "Parking &lt;is&gt; not known." in html
    assert 'href="#u-callee-3"' in html
    assert 'id="u-callee-3"' in html
    assert "The assistant has finished" in html


def test_support_sees_it(call: Call) -> None:
    client = Client()
    client.force_login(make_user("support", is_staff=True, is_superuser=True))
    url = reverse("admin:calls_call_change", args=[call.pk])
    assert "table for four" in client.get(url).content.decode()


def test_what_no_database_can_hold_is_left_out(alice: User) -> None:
    call = make_call(alice)
    services.store_result(call.pk, {"reason": "a\0b"})
    call.refresh_from_db()
    assert call.result == {"reason": "ab"}


def test_an_assistant_needs_a_goal(alice: User) -> None:
    asked: dict[str, Any] = {
        "owner": alice,
        "to_number": "+8225550101",
        "mode": Mode.AGENT,
        "caller_language": "en",
        "callee_language": "ko",
    }
    for brief in (None, {}, {"goal": " "}):
        with pytest.raises(services.CallRefused) as refused:
            services.create_call(**asked, brief=brief)
        assert (refused.value.code, refused.value.field) == ("goal_missing", "goal")
        assert refused.value.http_status == 422
    assert services.create_call(**asked, brief={"goal": "A table"}).mode == "agent"

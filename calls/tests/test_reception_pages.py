"""Pages of calls that people make to us, in both languages of the interface."""

import html
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from calls import services
from calls.captions import LiveConsumer
from calls.models import Call, Direction, Mode, ReceptionLine, Status
from calls.results import Result
from calls.stages import medians, turns_of
from calls.tests.factories import (
    OUR_NUMBER,
    RESTAURANT,
    make_call,
    make_line,
    make_user,
)
from calls.tests.test_captions import socket
from wigvo.models import User

RESULT: dict[str, Any] = {
    "reason": "They needed nothing more.",
    "messages": [
        {
            "name": "박지영",
            "number": "010-3377-8254",
            "message": "Leaflets\\n<b>Thursday</b>",
            "urgency": "high",
            "utterance_id": "callee-5",
        }
    ],
    "transfer": "A question about a bill.",
}


@pytest.fixture
def line(alice: User) -> ReceptionLine:
    return make_line(alice)


def make_incoming(line: ReceptionLine, **fields: Any) -> Call:
    return make_call(
        line.owner,
        **{
            "line": line,
            "direction": Direction.INBOUND,
            "mode": Mode.AGENT,
            "status": Status.COMPLETED,
            "from_number": RESTAURANT,
            "to_number": OUR_NUMBER,
            "brief": {"goal": "Reception of x", "reception": {"line": line.name}},
            **fields,
        },
    )


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    return html.unescape(client.get(path).text)


def test_the_history_says_who_has_called_and_which_line(line: ReceptionLine) -> None:
    make_incoming(line)
    shown = page(line.owner, reverse("calls:history"))
    assert "Call from +82 2-555-0101" in shown
    assert "한강 미용실" in shown
    assert "+1 202-555-0100" not in shown


def test_a_withheld_number_is_said_to_be_one(line: ReceptionLine) -> None:
    call = make_incoming(line, from_number="")
    shown = page(line.owner, call.get_absolute_url())
    assert "Call from a withheld number" in shown
    assert "Call back" not in shown  # there is nobody to call


def test_the_calls_page_shows_the_message_and_how_to_call_back(
    line: ReceptionLine,
) -> None:
    call = make_incoming(line, result=RESULT, reason="transferred")
    shown = page(line.owner, call.get_absolute_url())
    assert "Messages for you" in shown
    assert "010-3377-8254" in shown
    assert "urgent" in shown
    assert "A question about a bill." in shown
    assert "Call back" in shown
    assert "한강 미용실" in shown


def test_calling_back_starts_from_their_number(line: ReceptionLine) -> None:
    call = make_incoming(line)
    shown = page(line.owner, f"{reverse('calls:new')}?again={call.pk}")
    assert 'value="02-555-0101"' in shown
    assert "Reception of" not in shown
    withheld = make_incoming(line, from_number="")
    assert page(line.owner, f"{reverse('calls:new')}?again={withheld.pk}")


def test_a_new_call_does_not_begin_like_the_last_one_to_us(
    line: ReceptionLine,
) -> None:
    make_incoming(line)
    shown = page(line.owner, reverse("calls:new"))
    chosen = [part for part in shown.split("<input") if 'value="agent"' in part]
    assert chosen
    assert "checked" not in chosen[0].split(">")[0]


def test_the_live_page_says_that_the_assistant_has_answered(
    line: ReceptionLine,
) -> None:
    call = make_incoming(line, status=Status.IN_PROGRESS)
    shown = page(line.owner, call.get_absolute_url())
    assert "The assistant has answered for you." in shown
    assert "Call from +82 2-555-0101" in shown
    assert 'data-mode="agent"' in shown


def test_strangers_see_nothing_of_it(line: ReceptionLine) -> None:
    call = make_incoming(line)
    client = Client()
    client.force_login(make_user("charlie"))
    assert client.get(call.get_absolute_url()).status_code == 404


@pytest.mark.django_db(transaction=True)
async def test_open_pages_hear_of_it_at_once() -> None:
    from asgiref.sync import sync_to_async

    owner = await sync_to_async(make_user)("dora")
    line = await sync_to_async(make_line)(owner)
    async with socket(LiveConsumer, owner, "/calls/live") as opened:
        await opened.receive_from()
        await sync_to_async(make_incoming)(line, status=Status.IN_PROGRESS)
        async with socket(LiveConsumer, owner, "/calls/live") as other:
            shown = await other.receive_from()
    assert "Call from" in shown
    assert "한강 미용실" in shown
    async with socket(LiveConsumer, AnonymousUser(), "/calls/live") as stranger:
        assert (await stranger.receive_output())["type"] == "websocket.close"


def test_what_was_left_is_read_from_what_is_stored() -> None:
    result = Result.from_json(RESULT)
    assert result.messages[0].urgency == "high"
    assert result.transfer == "A question about a bill."
    assert Result.from_json({}).messages == []


def test_support_sees_how_long_each_answer_took(line: ReceptionLine) -> None:
    call = make_incoming(line)
    for at_ms, late in ((1000, 0), (9000, 200)):
        data = {
            "at_ms": at_ms,
            "committed_ms": 400,
            "asked_ms": 560,
            "text_ms": 700 + late,
            "audio_ms": 720 + late,
            "line_ms": 760 + late,
        }
        services.append_event(call.pk, "agent_turn", data)
    services.append_event(call.pk, "agent_turn", {"at_ms": 20000, "line_ms": 500})
    turns = turns_of(call)
    assert [turn.at_ms for turn in turns] == [1000, 9000, 20000]
    assert medians(turns) == (400, 560, 800, 820, 760)
    assert medians([]) == (None,) * 5
    support = make_user("support", is_staff=True, is_superuser=True)
    shown = page(support, reverse("admin:calls_call_change", args=[call.pk]))
    assert "<td>560</td>" in shown
    assert "1.0 s" in shown

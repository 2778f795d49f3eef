"""The pages of the chat, with and without a script."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from calls.models import Call
from calls.tests.factories import RESTAURANT, make_user
from calls.tests.threads import shared_database
from chat import services
from chat.models import Conversation
from chat.tests.conftest import (
    FakeAssistant,
    FakePlaces,
    make_conversation,
    say,
)
from chat.tests.test_services import REQUEST, prepared
from places import directory
from places.models import Contact
from wigvo.models import User
from wigvo.tests.test_pages import Page

pytestmark = pytest.mark.usefixtures("saturday")

HTMX = {"HX-Request": "true"}
LANGUAGES = {"caller_language": "en", "callee_language": "ko"}


@pytest.fixture
def table(assistant: FakeAssistant, street: FakePlaces) -> FakeAssistant:
    assistant.reads(
        REQUEST,
        ("people", "4", "four"),
        ("date", "2026-11-27", "next Friday"),
        ("time", "19:00", "7pm"),
        ("callee_name", "Han River", "Han River"),
        scenario="reservation_restaurant",
    )
    assistant.reads("Min-su Kim", ("customer_name", "Min-su Kim", "Min-su Kim"))
    return assistant


def address(conversation: Conversation, what: str = "") -> str:
    return conversation.get_absolute_url() + (f"{what}/" if what else "")


def known(html: str) -> dict[str, str]:
    """Return the filled fields of the form beside the conversation."""
    return {
        str(tag["name"]): str(tag["value"])
        for tag in Page(html).all("input")
        if str(tag.get("id", "")).startswith("known-") and tag.get("value")
    }


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_state_of_the_page_is_sound(
    alice: User, alice_client: Client, table: FakeAssistant, language: str
) -> None:
    empty = make_conversation(alice)
    choosing = make_conversation(alice)
    say(choosing, REQUEST)
    doubtful = make_conversation(alice, scenario="reservation_restaurant")
    services.enter(doubtful, {"callee_number": "02-555-0101"})
    say(doubtful, "tomorrow at 7")
    pending = make_conversation(alice)
    services.note_down(pending, "hello")
    table.failure = "no_key"
    form = make_conversation(alice, scenario="delivery")
    say(form, "hello")
    table.failure = ""
    ready = prepared(alice)
    paths = ["/chat/", *map(address, (empty, choosing, doubtful, pending, form, ready))]
    for path in paths:
        answer = alice_client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        page = Page(answer.text)
        assert len(page.all("h1")) == 1, path
        ids = page.values("id")
        assert len(ids) == len(set(ids)), path
        assert not page.all("style")
        assert not page.values("style")
        for label in page.all("label"):
            assert label["for"] in ids, (path, label)
        for script in page.all("script"):
            assert script.get("src"), path


def test_from_the_start_page_to_the_call_without_a_script(
    alice_client: Client, table: FakeAssistant
) -> None:
    begun = alice_client.post("/chat/begin/", {**LANGUAGES, "text": REQUEST})
    path = begun["Location"]
    page = alice_client.get(path).text
    assert "data-pending" in page
    alice_client.post(f"{path}say/", {"text": ""})
    page = alice_client.get(path).text
    assert "data-pending" not in page
    assert "Han River Restaurant" in page
    assert known(page) == {
        "callee_name": "Han River",
        "date": "2026-11-27",
        "time": "19:00",
        "people": "4",
    }
    assert "from “next Friday”" in page
    alice_client.post(f"{path}place/", {"place": "0"})
    alice_client.post(f"{path}say/", {"text": "Min-su Kim"})
    page = alice_client.get(path).text
    assert "Everything is there" in page
    alice_client.post(f"{path}say/", {"text": "Yes, that's right"})
    assert "Ready to call" in alice_client.get(path).text
    made = alice_client.post(f"{path}call/")
    call = Call.objects.get()
    assert made["Location"] == call.get_absolute_url()
    assert alice_client.get(made["Location"]).status_code == 200
    assert "Calls made from here" in alice_client.get(path).text


def test_a_conversation_begins_with_a_kind(
    alice_client: Client, assistant: FakeAssistant
) -> None:
    begun = alice_client.post(
        "/chat/begin/", {**LANGUAGES, "scenario": "delivery", "text": ""}
    )
    page = alice_client.get(begun["Location"]).text
    assert "A parcel or delivery" in page
    assert "Whom shall I call?" in page
    assert assistant.turns == []


def test_what_cannot_be_begun_is_said(alice_client: Client) -> None:
    answer = alice_client.post(
        "/chat/begin/", {"caller_language": "xx", "callee_language": "ko", "text": "a"}
    )
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_field_is_corrected_by_hand(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    page = alice_client.get(address(conversation)).text
    form = {**known(page), "people": "6", "time": "20:00"}
    answer = alice_client.post(address(conversation, "fields"), form, headers=HTMX)
    assert answer.status_code == 200
    assert known(answer.text)["people"] == "6"
    assert 'hx-swap-oob="beforeend"' in answer.text
    assert "People: 6" in answer.text
    state = services.snapshot(conversation).state
    # What was not touched keeps where it came from.
    assert state.entities["date"].origin == "message"
    assert state.entities["people"].origin == "hand"


def test_a_field_that_cannot_be_read_is_said(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    form = {"callee_number": "12", "people": "5"}
    answer = alice_client.post(address(conversation, "fields"), form, headers=HTMX)
    assert answer.status_code == 422
    assert "could not be read" in answer.text
    state = services.snapshot(conversation).state
    assert state.entities["callee_number"].normal == RESTAURANT
    assert state.entities["people"].normal == "5"


def test_the_call_is_held_as_it_is_set(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    settings = {"mode": "text", **LANGUAGES, "fallback": "give_up", "opening": "Hi."}
    alice_client.post(address(conversation, "settings"), settings, headers=HTMX)
    alice_client.post(address(conversation, "call"))
    call = Call.objects.get()
    assert (call.mode, call.brief["fallback"], call.opening) == (
        "text", "give_up", "Hi.",
    )  # fmt: skip
    wrong = alice_client.post(
        address(conversation, "settings"), {"callee_language": "xx"}, headers=HTMX
    )
    assert wrong.status_code == 422
    assert 'role="alert"' in wrong.text


def test_the_kind_of_call_is_changed(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    answer = alice_client.post(
        address(conversation, "settings"), {"scenario": "reservation_salon"}
    )
    assert answer.status_code == 302
    assert "What would you like to have done?" in alice_client.get(
        address(conversation)
    ).text.replace("&#x27;", "'")


def test_a_number_of_the_directory_is_called(
    alice: User, alice_client: Client, assistant: FakeAssistant
) -> None:
    directory.keep(alice, name="My clinic", phone_number="+8225550102")
    conversation = make_conversation(alice, scenario="reservation_hospital")
    page = alice_client.get(address(conversation)).text
    assert "My clinic" in page
    form = {"number": "+8225550102", "name": "My clinic"}
    alice_client.post(address(conversation, "place"), form)
    state = services.snapshot(conversation).state
    assert state.entities["callee_number"].normal == "+8225550102"
    assert state.entities["callee_name"].normal == "My clinic"


def test_a_number_is_kept_and_forgotten(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    answer = alice_client.post(address(conversation, "keep"), headers=HTMX)
    assert 'aria-pressed="true"' in answer.text
    assert Contact.objects.get().name == "Han River Restaurant"
    answer = alice_client.post(address(conversation, "keep"), headers=HTMX)
    assert 'aria-pressed="false"' in answer.text
    assert not Contact.objects.exists()


def test_a_place_that_is_not_offered_is_refused(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = make_conversation(alice)
    say(conversation, REQUEST)
    for number in ("9", "-1", "x", ""):
        form = {"place": number}
        answer = alice_client.post(address(conversation, "place"), form, headers=HTMX)
        assert answer.status_code == 422


def test_again_and_delete(
    alice: User, alice_client: Client, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    again = alice_client.post(address(conversation, "again"))
    assert "Han River Restaurant" in alice_client.get(again["Location"]).text
    assert alice_client.post(address(conversation, "delete"))["Location"] == "/chat/"
    assert Conversation.objects.count() == 1


def test_somebody_elses_conversation_does_not_exist(
    alice_client: Client, table: FakeAssistant
) -> None:
    bobs = make_conversation(make_user("bob"))
    assert alice_client.get(address(bobs)).status_code == 404
    for what in (
        "say",
        "fields",
        "settings",
        "place",
        "call",
        "keep",
        "again",
        "delete",
    ):
        assert alice_client.post(address(bobs, what)).status_code == 404, what
    assert Conversation.objects.filter(pk=bobs.pk).exists()


def test_strangers_are_asked_to_log_in(client: Client, db: None) -> None:
    for path in ("/chat/", f"/chat/{uuid4()}/"):
        assert "/accounts/login/" in client.get(path)["Location"]
    assert client.post(f"/chat/{uuid4()}/say/").status_code == 401


def test_a_message_that_cannot_be_taken_is_refused(
    alice: User, alice_client: Client, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice)
    answer = alice_client.post(
        address(conversation, "say"),
        {"text": "x" * 2001},
        headers={"Accept": "text/event-stream"},
    )
    assert answer.status_code == 422
    assert "2000" in answer.json()["message"]


def test_what_somebody_writes_is_no_markup(
    alice: User, alice_client: Client, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice, scenario="reservation_restaurant")
    text = "<script>alert(1)</script>"
    assistant.reads(text, ("callee_name", text, text))
    say(conversation, text)
    page = alice_client.get(address(conversation)).text
    assert "<script>alert" not in page


# --- As it comes ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_reply_comes_in_parts(
    alice: User, table: FakeAssistant, tmp_path: Path
) -> None:
    conversation = make_conversation(alice)
    with shared_database(tmp_path):
        blocks, stored = asyncio.run(streamed(alice, conversation))
    events = [
        (name, json.loads(data))
        for block in blocks
        for name, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", block)
    ]
    assert [name for name, _ in events] == [*["part"] * (len(events) - 1), "done"]
    parts = [data["text"] for name, data in events if name == "part"]
    assert len(parts) >= 3
    assert "\n\n".join(parts) == stored
    assert 'id="panel"' in events[-1][1]["html"]
    assert "Han River Restaurant" in events[-1][1]["html"]


async def streamed(alice: User, conversation: Conversation) -> tuple[list[str], str]:
    """Send a message; return what came, piece by piece, and what was stored."""
    client = AsyncClient()
    await client.aforce_login(alice)
    answer: Any = await client.post(
        address(conversation, "say"),
        {"text": REQUEST},
        headers={"Accept": "text/event-stream"},
    )
    assert answer["Content-Type"] == "text/event-stream"
    blocks = [chunk.decode() async for chunk in answer.streaming_content]
    last = await conversation.messages.alast()
    assert last is not None
    await sync_to_async(connections.close_all)()
    return blocks, last.text


@pytest.mark.django_db(transaction=True)
def test_words_come_while_they_are_written_and_are_taken_back_if_nothing_follows(
    alice: User, assistant: FakeAssistant, tmp_path: Path
) -> None:
    conversation = make_conversation(alice)
    assistant.words = ["A table", "A table is"]
    assistant.failure = "timeout"
    with shared_database(tmp_path):
        blocks, _ = asyncio.run(streamed(alice, conversation))
    events = [re.match(r"event: (\w+)\ndata: (.*)\n\n", block) for block in blocks]
    found = [(one[1], json.loads(one[2]).get("text")) for one in events if one]
    assert found[:3] == [("words", "A table"), ("words", "A table is"), ("words", "")]
    assert {name for name, _ in found[3:-1]} == {"part"}
    assert found[-1][0] == "done"


def test_a_message_is_taken_back_while_it_is_read(
    alice: User, alice_client: Client, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice)
    message = services.note_down(conversation, REQUEST)
    answer = services.answer(conversation, message)
    taken = alice_client.post(address(conversation, "stop"))
    assert taken.json() == {"text": REQUEST}
    assert list(answer) == []
    assert conversation.messages.filter(role="user").count() == 0
    assert conversation.messages.count() == 1  # the greeting: nobody has answered
    assert alice_client.post(address(conversation, "stop")).status_code == 409


def test_an_answered_message_and_a_strangers_are_not_taken_back(
    alice: User, alice_client: Client, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice)
    say(conversation, "Hello")
    assert alice_client.post(address(conversation, "stop")).status_code == 409
    services.note_down(conversation, "Hello")
    other = Client()
    other.force_login(make_user("bob"))
    assert other.post(address(conversation, "stop")).status_code == 404
    assert conversation.messages.filter(text="Hello").count() == 2

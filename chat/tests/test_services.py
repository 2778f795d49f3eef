"""A conversation from the greeting to the call, with and without a model."""

import pytest
from django.test import Client

from calls.api import CallIn
from calls.models import Call
from calls.services import CallRefused
from calls.tests.factories import make_user
from chat import services
from chat.models import Conversation, ConversationEntity, Message
from chat.state import Intent
from chat.tests.conftest import (
    FakeAssistant,
    FakePlaces,
    make_conversation,
    say,
)
from places.providers import NotConfigured, ProviderFailed
from wigvo.models import User

pytestmark = pytest.mark.usefixtures("saturday")

REQUEST = "A table for four next Friday at 7pm at Han River"


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


def prepared(alice: User) -> Conversation:
    conversation = make_conversation(alice)
    for text in (REQUEST, "the first one", "Min-su Kim", "yes"):
        say(conversation, text)
    return conversation


def test_from_the_first_words_to_the_call(alice: User, table: FakeAssistant) -> None:
    conversation = make_conversation(alice)
    first = say(conversation, REQUEST)
    assert "Day: Friday 27 November" in first
    assert "Time: 7:00 pm" in first
    assert "Han River Restaurant, Korean, Mapo" in first
    assert "In whose name?" in say(conversation, "the first one")
    summary = say(conversation, "Min-su Kim")
    assert "• Their number: +82 2-555-0101" in summary
    assert "• People: 4" in summary
    assert not services.snapshot(conversation).is_complete
    assert "Nothing has been dialled yet" in say(conversation, "Yes!")
    done = services.snapshot(conversation)
    assert done.is_complete
    assert done.missing == ()
    body = done.call_draft
    assert body is not None
    assert CallIn.model_validate(body).to_number == "+8225550101"
    assert body["callee_name"] == "Han River Restaurant"
    assert body["opening"] == "Hello. It is about a table reservation."
    assert body["brief"]["goal"] == (
        "Reserve a table at Han River Restaurant for 4 people on Friday 27 November"
        " at 7:00 pm. The name is Min-su Kim."
    )
    assert {"name": "People", "value": "4"} in body["brief"]["may_tell"]
    assert "+82" not in str(body["brief"])  # the callee knows their own number
    assert body["brief"]["fallback"] == "other_time"
    assert {"term": "reservation", "translation": "예약"} in body["brief"]["glossary"]

    call = services.make_call(conversation)
    assert call.status == "draft"
    assert list(conversation.calls.all()) == [call]


def test_everything_in_korean(
    alice: User, assistant: FakeAssistant, street: FakePlaces
) -> None:
    text = "모레 저녁 7시 반에 한강식당 세 명 예약해 줘"
    assistant.reads(
        text,
        ("date", "2026-11-23", "모레"),
        ("time", "19:30", "저녁 7시 반"),
        ("people", "3", "세 명"),
        ("callee_name", "한강식당", "한강식당"),
        scenario="reservation_restaurant",
    )
    assistant.reads("김민수", ("customer_name", "김민수", "김민수"))
    conversation = make_conversation(alice, caller_language="ko", callee_language="ko")
    assert "무엇을 도와드릴까요" in conversation.messages.get().text
    first = say(conversation, text)
    assert "날짜: 11월 23일 월요일" in first
    assert "시간: 오후 7시 30분" in first
    assert "성함" in say(conversation, "네")
    assert "확인해 주세요" in say(conversation, "김민수")
    assert "준비가 끝났어요" in say(conversation, "네 맞아요")
    body = services.snapshot(conversation).call_draft
    assert body is not None
    assert body["opening"] == "안녕하세요. 자리 예약 건으로 연락드렸습니다."
    assert body["brief"]["goal"].startswith("Han River Restaurant에 11월 23일")
    assert not [row for row in body["brief"]["glossary"] if "translation" in row]


def test_each_value_knows_its_message(alice: User, table: FakeAssistant) -> None:
    conversation = make_conversation(alice)
    say(conversation, REQUEST)
    message = conversation.messages.get(role="user")
    for entity in conversation.entities.exclude(origin="place"):
        assert entity.source == message
        assert entity.value in REQUEST


def test_the_model_is_shown_what_it_needs(alice: User, table: FakeAssistant) -> None:
    conversation = make_conversation(alice)
    say(conversation, REQUEST)
    say(conversation, "the first one")  # read by rule
    say(conversation, "Min-su Kim")
    first, second = table.turns
    assert first.state.scenario == ""
    assert second.state.asked == ("customer_name",)
    assert second.state.entities["people"].normal == "4"
    assert [one.role for one in second.history] == [
        "assistant", "user", "assistant", "user", "assistant",
    ]  # fmt: skip
    assert f"{first.clock.now:%Y-%m-%d %H:%M %Z}" == "2026-11-21 10:00 KST"


# --- Whom to call ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (None, "I found no place called “Han River”"),
        (NotConfigured(), "switched off"),
        (ProviderFailed(), "did not answer"),
    ],
)
def test_without_a_place_the_number_is_asked_with_the_reason(
    alice: User,
    table: FakeAssistant,
    street: FakePlaces,
    failure: Exception | None,
    reason: str,
) -> None:
    street.found, street.failure = [], failure
    conversation = make_conversation(alice)
    reply = say(conversation, REQUEST)
    assert reason in reply
    assert "What is their telephone number?" in reply
    assert "In whose name?" in say(conversation, "02-555-0109")
    assert services.snapshot(conversation).state.entities[
        "callee_number"
    ].normal == "+8225550109"  # fmt: skip


def test_a_place_is_looked_up_once(
    alice: User, table: FakeAssistant, street: FakePlaces
) -> None:
    conversation = make_conversation(alice)
    say(conversation, REQUEST)
    say(conversation, "hm")
    assert street.asked == ["Han River"]


def test_an_emergency_number_is_answered_with_what_to_do(
    alice: User, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice, scenario="direct_call")
    reply = say(conversation, "119")
    assert "119" in reply
    assert "not a complete telephone number" in reply
    assert len(reply) > 150  # and the advice of calls.reasons
    assert services.snapshot(conversation).missing == ("callee_number",)


def test_a_number_that_may_not_be_called_is_not_kept(
    alice: User, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice, scenario="direct_call")
    reply = say(conversation, "+47 22 22 55 55")  # Norway is not allowed
    assert "Noted" not in reply
    assert services.snapshot(conversation).missing == ("callee_number",)


def test_just_a_number_is_enough(alice: User, assistant: FakeAssistant) -> None:
    conversation = make_conversation(alice, scenario="direct_call")
    assert "Please check" in say(conversation, "1588-1234")
    say(conversation, "yes")
    body = services.snapshot(conversation).call_draft
    assert body is not None
    assert body["to_number"] == "+8215881234"
    CallIn.model_validate(body)


# --- Without a model ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("timeout", "took too long"),
        ("limit", "quota"),
        ("no_key", "switched off"),
        ("refused", "refused"),
        ("empty", "does not answer"),
    ],
)
def test_a_form_takes_over_and_says_why(
    alice: User, assistant: FakeAssistant, street: FakePlaces, code: str, reason: str
) -> None:
    assistant.failure = code
    conversation = make_conversation(alice)
    reply = say(conversation, "I need a table in a restaurant")
    assert reason in reply
    assert "Whom shall I call?" in reply
    for text, question in (
        ("Han River", "I think you mean"),
        ("yes", "Which day?"),
        ("next Friday", "At what time?"),
        ("7", "Do you mean 7:00 am or 7:00 pm?"),
        ("in the evening", "For how many people?"),
        ("four of us", "In whose name?"),
        ("Min-su Kim", "Please check"),
        ("yes", "It is ready"),
    ):
        reply = say(conversation, text)
        assert question in reply, (text, reply)
        assert reason not in reply  # it is said once
    done = services.snapshot(conversation)
    assert done.is_complete
    assert {name: one.normal for name, one in done.state.entities.items()} == {
        "callee_name": "Han River Restaurant",
        "callee_number": "+8225550101",
        "date": "2026-11-27",
        "time": "19:00",
        "people": "4",
        "customer_name": "Min-su Kim",
    }


def test_a_model_that_did_not_answer_is_left_alone_for_a_while(
    alice: User, assistant: FakeAssistant
) -> None:
    assistant.failure = "timeout"
    conversation = make_conversation(alice)
    say(conversation, "restaurant")
    say(conversation, "Han River")
    assert len(assistant.turns) == 1


def test_the_model_comes_back(alice: User, assistant: FakeAssistant) -> None:
    assistant.failure = "refused"
    conversation = make_conversation(alice)
    say(conversation, "restaurant please")
    conversation.refresh_from_db()
    assert conversation.is_without_model
    assistant.failure = ""
    say(conversation, "hm")
    conversation.refresh_from_db()
    assert not conversation.is_without_model


# --- What the model may not do --------------------------------------------------------


def test_an_answer_of_the_model_is_shown_but_asks_nothing(
    alice: User, assistant: FakeAssistant
) -> None:
    assistant.reads("what is a deposit?", intent=Intent.QUESTION, remark="Money kept.")
    conversation = make_conversation(alice, scenario="reservation_restaurant")
    reply = say(conversation, "what is a deposit?")
    assert reply.startswith("Money kept.")
    assert "Whom shall I call?" in reply


def test_a_yes_that_only_the_model_has_heard_needs_the_summary(
    alice: User, table: FakeAssistant
) -> None:
    conversation = make_conversation(alice)
    table.reads("whatever", intent=Intent.YES)
    for text in (REQUEST, "whatever", "first", "whatever", "Min-su Kim"):
        say(conversation, text)
        assert not services.snapshot(conversation).is_complete


# --- By hand --------------------------------------------------------------------------


def test_a_field_is_changed_and_the_summary_comes_again(
    alice: User, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    assert services.snapshot(conversation).is_complete
    assert services.enter(conversation, {"people": "5"}) == {}
    state = services.snapshot(conversation)
    assert not state.is_complete
    assert state.state.entities["people"].normal == "5"
    assert state.state.entities["people"].origin == "hand"
    assert "People: 5" in conversation.messages.last().text  # type: ignore[union-attr]


def test_the_scenario_is_changed_by_hand_and_all_is_kept(
    alice: User, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    services.change_scenario(conversation, "reservation_salon")
    now = services.snapshot(conversation)
    assert now.missing == ("service",)
    assert "people" in now.state.entities
    services.change_scenario(conversation, "reservation_restaurant")
    assert services.snapshot(conversation).missing == ()


def test_settings_go_into_the_call(alice: User, table: FakeAssistant) -> None:
    conversation = prepared(alice)
    services.change_settings(
        conversation, {"mode": "agent", "fallback": "ask_me", "opening": "Hello there."}
    )
    conversation.refresh_from_db()
    call = services.make_call(conversation)
    assert (call.mode, call.brief["fallback"], call.opening) == (
        "agent", "ask_me", "Hello there.",
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"mode": "dance"}, {"callee_language": "xx"}, {"fallback": "panic"}],
)
def test_settings_that_cannot_be_are_refused(
    alice: User, table: FakeAssistant, changes: dict[str, str]
) -> None:
    conversation = prepared(alice)
    with pytest.raises(CallRefused):
        services.change_settings(conversation, changes)
    conversation.refresh_from_db()
    assert conversation.mode == "voice"


def test_nothing_is_called_before_everything_is_known(
    alice: User, table: FakeAssistant
) -> None:
    conversation = make_conversation(alice)
    say(conversation, REQUEST)
    with pytest.raises(CallRefused) as refused:
        services.make_call(conversation)
    assert refused.value.code == "incomplete"
    assert not Call.objects.exists()


def test_call_again_with_what_is_known(alice: User, table: FakeAssistant) -> None:
    conversation = prepared(alice)
    again = services.duplicate(conversation)
    state = services.snapshot(again)
    assert state.missing == ()
    assert not state.is_complete
    assert "Please check" in again.messages.get().text
    assert conversation.entities.count() == again.entities.count()


# --- Limits and rights ----------------------------------------------------------------


def test_a_message_has_limits(alice: User, assistant: FakeAssistant) -> None:
    conversation = make_conversation(alice)
    for text in ("", "  \x00 ", "x" * 2001):
        with pytest.raises(CallRefused):
            services.note_down(conversation, text)
    for _ in range(services.MESSAGES_PER_MINUTE):
        services.note_down(conversation, "x")
    with pytest.raises(CallRefused) as refused:
        services.note_down(conversation, "x")
    assert refused.value.http_status == 429


def test_an_unknown_time_zone_is_seoul(alice: User) -> None:
    conversation = make_conversation(alice, time_zone="Mars/Olympus")
    assert conversation.time_zone == "Asia/Seoul"
    there = make_conversation(alice, time_zone="America/New_York")
    assert services.now_of(there).hour == 20


def test_conversations_go_with_their_owner(alice: User, table: FakeAssistant) -> None:
    prepared(alice)
    alice.delete()
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert not ConversationEntity.objects.exists()


# --- Over REST ------------------------------------------------------------------------


def post(client: Client, path: str, body: object) -> dict[str, object]:
    answer = client.post(path, body, "application/json")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()  # type: ignore[no-any-return]


LANGUAGES = {"caller_language": "en", "callee_language": "ko"}


def test_a_client_prepares_and_makes_a_call(
    alice_client: Client, table: FakeAssistant
) -> None:
    begun = post(alice_client, "/api/conversations", LANGUAGES)
    assert begun["message"]
    assert begun["messages"][0]["role"] == "assistant"  # type: ignore[index]
    answers = [
        post(alice_client, "/api/chat", {"conversation_id": begun["id"], "message": m})
        for m in (REQUEST, "the first one", "Min-su Kim", "yes")
    ]
    first, second, third, last = answers
    assert set(first) == {"message", "collected", "missing", "is_complete", "places"}
    assert [one["phone_number"] for one in first["places"]] == [  # type: ignore[attr-defined]
        "+8225550101", "+8225550102",
    ]  # fmt: skip
    assert first["missing"] == ["callee_number", "customer_name"]
    assert "places" not in second
    assert third["is_complete"] is False
    assert "call_draft" not in third
    assert last["is_complete"] is True
    assert last["collected"] == {
        "callee_name": "Han River Restaurant",
        "callee_number": "+8225550101",
        "date": "2026-11-27",
        "time": "19:00",
        "people": "4",
        "customer_name": "Min-su Kim",
    }
    call = post(alice_client, "/api/calls", last["call_draft"])
    assert call["status"] == "draft"
    shown = alice_client.get(f"/api/conversations/{begun['id']}").json()
    assert shown["call_ids"] == [call["id"]]
    assert shown["is_complete"] is True
    assert len(shown["messages"]) == 9


def test_conversations_are_listed_newest_first(alice_client: Client) -> None:
    ids = [post(alice_client, "/api/conversations", LANGUAGES)["id"] for _ in range(3)]
    first = alice_client.get("/api/conversations?limit=2").json()
    rest = alice_client.get(f"/api/conversations?cursor={first['next']}").json()
    found = [one["id"] for one in first["items"] + rest["items"]]
    assert sorted(found) == sorted(map(str, ids))
    assert rest["next"] is None


def test_somebody_elses_conversation_does_not_exist(
    alice_client: Client, assistant: FakeAssistant
) -> None:
    bobs = make_conversation(make_user("bob"))
    path = f"/api/conversations/{bobs.pk}"
    body = {"conversation_id": str(bobs.pk), "message": "x"}
    call = {"to_number": "+8225550101", "conversation_id": str(bobs.pk), **LANGUAGES}
    assert alice_client.get(path).status_code == 404
    assert alice_client.patch(path, {}, "application/json").status_code == 404
    assert alice_client.delete(path).status_code == 404
    assert alice_client.post(f"{path}/duplicate").status_code == 404
    for address, payload in (("/api/chat", body), ("/api/calls", call)):
        answer = alice_client.post(address, payload, "application/json")
        assert answer.status_code == 404
    assert not Call.objects.exists()
    assert alice_client.get("/api/conversations").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**LANGUAGES, "scenario": "nonsense"}, "scenario"),
        ({**LANGUAGES, "callee_language": "xx"}, "callee_language"),
        ({**LANGUAGES, "mode": "dance"}, "mode"),
        ({"caller_language": "en"}, "callee_language"),
    ],
)
def test_what_cannot_be_begun_is_said(
    alice_client: Client, body: dict[str, str], field: str
) -> None:
    answer = alice_client.post("/api/conversations", body, "application/json")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field


def test_a_whole_kind_is_as_good_as_a_scenario(alice_client: Client) -> None:
    begun = post(
        alice_client, "/api/conversations", {**LANGUAGES, "scenario": "inquiry"}
    )
    assert begun["scenario"] == "inquiry_other"


def test_fields_are_changed_over_rest(
    alice_client: Client, alice: User, table: FakeAssistant
) -> None:
    conversation = prepared(alice)
    path = f"/api/conversations/{conversation.pk}"
    body = {"collected": {"people": "6"}, "mode": "text"}
    changed = alice_client.patch(path, body, "application/json").json()
    assert (changed["collected"]["people"], changed["mode"]) == ("6", "text")
    assert changed["is_complete"] is False
    wrong = alice_client.patch(
        path, {"collected": {"date": "someday"}}, "application/json"
    )
    assert wrong.status_code == 422
    again = post(alice_client, f"{path}/duplicate", {})
    assert again["collected"] == changed["collected"]
    assert alice_client.delete(path).status_code == 204


def test_the_scenarios_are_told(alice_client: Client) -> None:
    found = alice_client.get("/api/conversations/scenarios?language=ko").json()
    assert len(found) == 16
    assert found[0]["name"] == "식당 예약"
    needed = [one["name"] for one in found[0]["fields"] if one["required"]]
    assert needed == ["callee_number", "date", "time", "people", "customer_name"]

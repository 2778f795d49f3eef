"""The simulated agent: a policy is followed, tools are called, outputs waited for."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lab.openai import agent
from lab.openai.agent import (
    Call,
    Heard,
    Output,
    ScriptedAgent,
    Told,
    Turn,
    brief_of,
    instruction_of,
    load_policies,
    parse_policy,
)
from lab.openai.state import EngineState, state
from lab.people import load_people, spoken_ids
from lab.speech.phrasebook import Phrasebook
from lab.tests.engine_client import (
    API_KEY,
    EngineClient,
    Event,
    open_realtime,
    speech,
    text_of,
)
from realtime.agent.brief import Brief, instructions
from realtime.agent.tools import CALL_TOOLS, TOOLS, read, schemas
from realtime.reception.incoming import Reception
from realtime.rehearsal import role as rehearsal

pytestmark = pytest.mark.slow

WORDS = "response.output_audio_transcript.delta"
CALLED = "response.function_call_arguments.done"
TODAY = "2026-11-21 Saturday"
BRIEF: dict[str, Any] = {
    "goal": "Book a table for four tomorrow at seven.",
    "may_tell": [{"name": "name", "value": "Kim Minsu"}],
}


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> EngineState:
    monkeypatch.setattr(state, "api_key", API_KEY)
    monkeypatch.setattr(state, "response_latency_ms", 0)
    monkeypatch.setattr(state, "response_speed", 2000.0)
    state.reset()
    return state


LINE = Reception(line="새벽 상담소", ask=("name",), may_transfer=True)


def rules(**brief: Any) -> str:
    return instructions(
        Brief.from_json({**BRIEF, **brief}),
        caller_language="en",
        callee_language="ko",
        today=TODAY,
    )


def text(phrase_id: str) -> str:
    return Phrasebook.load()[phrase_id].texts["ko"]


def acting(**brief: Any) -> ScriptedAgent:
    found = brief_of(rules(**brief))
    assert found is not None
    one = ScriptedAgent(found)
    one.note_spoken()
    return one


# --- Policies ---


def test_the_policies_speak_and_hear_what_the_phrasebook_has() -> None:
    book = Phrasebook.load()
    for policy in load_policies():
        for phrase_id in policy.phrase_ids():
            assert {"ko", "en"} <= book[phrase_id].texts.keys(), phrase_id


def test_every_call_in_a_policy_is_one_that_our_tools_take() -> None:
    for policy in load_policies():
        if policy.role == "rehearsal":
            assert {r.call for r in policy.rules if r.call} == {rehearsal.HANG_UP}
            continue
        one = acting(goal="table")
        for rule in policy.rules:
            if rule.call:
                arguments = {k: one._filled(v) for k, v in rule.arguments.items()}
                names = CALL_TOOLS if policy.role == "call" else LINE.tools
                read(rule.call, json.dumps(arguments), today=TODAY, names=names)


def test_everything_an_agents_person_says_has_an_answer() -> None:
    answered = {
        p for policy in load_policies() for r in policy.rules for p in r.phrases
    }
    first = {"agent_shop_answer", "agent_rude_answer"}
    last = {"agent_shop_goodbye", "common_please_repeat"}
    between_people = {
        *("reception_colleague", "reception_bill_question", "reception_bill_answer"),
        *("common_thank_you", "common_hello"),
    }
    for script in load_people().values():
        if script.id.startswith(("agent_", "reception_")):
            others = first | last | between_people
            assert spoken_ids(script.steps) <= answered | others, script.id


@pytest.mark.parametrize(
    "rule",
    [
        {"say": "x"},
        {"heard": "x"},
        {"heard": "x", "output": "y", "say": "z"},
        {"heard": "x", "says": "z"},
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="mine"):
        parse_policy("mine", {"goal": "", "opening": "x", "rules": [rule]})


def test_a_brief_is_found_where_there_is_one() -> None:
    found = brief_of(rules() + "\nNow: Say goodbye.")
    assert found is not None
    assert found["may_tell"] == {"name": "Kim Minsu"}
    assert brief_of("You interpret into Korean.") is None
    assert brief_of("Brief: {broken}") is None
    assert instruction_of(rules() + "\nNow: Say goodbye.") == "Say goodbye."


def test_it_introduces_itself_first_whatever_it_hears() -> None:
    one = ScriptedAgent(brief_of(rules()) or {})
    assert one.decide([Heard("agent_rude_answer")], "", TOOLS) == Turn(
        "agent_introduction"
    )


def test_the_newest_news_decides_and_the_unclear_is_asked_for_again() -> None:
    one = acting()
    news = [Heard(None), Heard("agent_are_you_robot")]
    assert one.decide(news, "", TOOLS).say == "agent_yes_machine"
    news = [Heard("agent_are_you_robot"), Heard(None)]
    assert one.decide(news, "", TOOLS).say == "agent_yes_machine"
    assert one.decide([Heard(None)], "", TOOLS).say == "common_please_repeat"


def test_it_tells_only_what_it_may() -> None:
    asked = [Heard("restaurant_ask_name")]
    assert acting().decide(asked, "", TOOLS).say == "agent_guest_name"
    assert acting(may_tell=[]).decide(asked, "", TOOLS).say == "agent_cannot_tell"


def test_it_asks_what_it_has_to_find_out_once() -> None:
    one = acting(must_learn=[{"name": "parking"}])
    done = [Output("confirm_reservation", '{"recorded":true}')]
    assert one.decide(done, "", TOOLS).say == "agent_parking_question"
    turn = one.decide([Heard("agent_parking_answer")], "", TOOLS)
    assert turn.calls[0].name == "collect_info"
    assert one.decide(done, "", TOOLS).calls[0].name == "end_call"
    assert acting().decide(done, "", TOOLS).calls[0].name == "end_call"


def test_arguments_are_filled_from_the_brief() -> None:
    turn = acting().decide([Heard("agent_shop_correct")], "", TOOLS)
    [call] = turn.calls
    assert json.loads(call.arguments) == {
        "what": "table for four",
        "date": "2026-11-22",
        "time": "19:30",
        "name": "Kim Minsu",
    }


def test_an_instruction_comes_first_and_no_tool_is_called_that_may_not() -> None:
    one = acting()
    news = [Heard("agent_second_insult")]
    assert one.decide(news, "Say goodbye now", TOOLS) == Turn("agent_goodbye")
    assert one.decide(news, "", ()) == Turn("agent_give_up_politely")
    assert isinstance(one.decide(news, "", TOOLS).calls[0], Call)


def test_a_whisper_is_followed() -> None:
    told = [Told("The owner tells you: ask about parking")]
    assert acting().decide(told, "", TOOLS).say == "agent_parking_question"


# --- Reception ---


def receptionist(**values: Any) -> ScriptedAgent:
    return ScriptedAgent(brief_of(line_rules(**values)) or {})


def line_rules(language: str = "ko", **values: Any) -> str:
    return instructions(
        Brief(),
        caller_language="ko",
        callee_language=language,
        today=TODAY,
        reception=replace(LINE, **values),
    )


ALL = LINE.tools


def test_a_receptionist_greets_unless_somebody_speaks() -> None:
    greeting = Turn("reception_greeting")
    assert receptionist().decide([], "Greet them", ALL) == greeting
    closed = Turn("reception_closed_greeting")
    assert receptionist(is_open=False).decide([], "", ALL) == closed
    wish = [Heard("reception_want_message")]
    assert receptionist().decide(wish, "", ALL) == Turn("reception_ask_name")


def test_the_role_chooses_the_policy() -> None:
    asked = [Heard("reception_want_message")]
    assert acting().decide(asked, "", ALL).say == "common_please_repeat"
    booked = [Heard("agent_booked")]
    assert acting().decide(booked, "", ALL).say == "agent_read_back"
    said = receptionist(line="Table").decide(booked, "", ALL).say
    assert said == "common_please_repeat"


def calls_of(turn: Turn) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, json.loads(call.arguments)) for call in turn.calls]


def converse(
    one: ScriptedAgent, *heard: str, tools: tuple[str, ...] = ALL, **outputs: str
) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
    """Say phrases to it, answer its calls; returns what it said and called."""
    said, called = list[str](), list[tuple[str, dict[str, Any]]]()
    for phrase_id in heard:
        turn = one.decide([Heard(phrase_id)], "", tools)
        while turn.calls:
            called += calls_of(turn)
            call = turn.calls[0]
            text = outputs.get(call.name, '{"recorded":true}')
            turn = one.decide([Output(call.name, text, call.arguments)], "", tools)
        if turn.say:
            said.append(turn.say)
    return said, called


def test_a_receptionist_takes_a_message_and_reads_it_back() -> None:
    said, called = converse(
        receptionist(),
        "reception_want_message",
        "reception_name",
        "reception_number",
        "reception_message",
        "common_thats_right",
    )
    assert said == [
        "reception_ask_name",
        "reception_ask_number",
        "reception_ask_what",
        "reception_read_back",
        "reception_noted",
    ]
    assert [name for name, _ in called] == ["collect_info"] * 2 + ["take_message"]
    message = called[-1][1]
    assert message.keys() == {"name", "number", "message", "urgency"}
    assert (message["name"], message["number"]) == ("박지영", "010-3377-8254")


def test_a_yes_that_confirms_nothing_records_nothing() -> None:
    said, called = converse(receptionist(), "common_thats_right")
    assert (said, called) == (["common_please_repeat"], [])


@pytest.mark.parametrize(
    ("answer", "said", "recorded"),
    [
        ('{"answer": "Yes, fine"}', "reception_time_free", "confirm_reservation"),
        ('{"answer": null}', "reception_will_check", "take_message"),
    ],
)
def test_an_appointment_is_the_owners_decision(
    answer: str, said: str, recorded: str
) -> None:
    spoken, called = converse(
        receptionist(),
        "reception_want_appointment",
        "reception_wish_time",
        "reception_booker",
        "reception_booker_number",
        "common_thats_right",
        ask_owner=answer,
    )
    assert spoken == [
        "reception_ask_day",
        said,
        "reception_ask_number",
        "reception_booking_read_back",
        "reception_noted",
    ]
    name, arguments = called[-1]
    assert name == recorded
    assert arguments["name"] == "한호수"
    if recorded == "confirm_reservation":
        # The Saturday before: next week begins the day after tomorrow.
        assert (arguments["date"], arguments["time"]) == ("2026-11-25", "11:00")


def test_without_a_way_to_ask_the_owner_nothing_is_promised() -> None:
    tools = tuple(name for name in ALL if name != "ask_owner")
    said, called = converse(receptionist(), "reception_wish_time", tools=tools)
    assert (said, called) == (["reception_will_check"], [])


def test_whoever_wants_a_person_is_put_through_where_that_is_possible() -> None:
    wish = [Heard("reception_want_human")]
    turn = receptionist().decide(wish, "", ALL)
    assert [name for name, _ in calls_of(turn)] == ["transfer"]
    assert turn.say == ""
    one = receptionist()
    one.note_spoken("reception_greeting")
    failed = [Output("transfer", '{"error": "Nobody is there."}')]
    assert one.decide(failed, "", ALL).say == "reception_nobody_free"
    tools = tuple(name for name in ALL if name != "transfer")
    assert receptionist().decide(wish, "", tools) == Turn("reception_nobody_free")


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [
        (["reception_end_words"], "success"),
        (["common_goodbye"], "success"),
        (["common_call_back_later"], "partial"),
        (["agent_ignore_instructions", "common_that_is_all"], "failed"),
    ],
)
def test_words_that_end_a_conversation_end_it(heard: list[str], outcome: str) -> None:
    one = receptionist()
    for phrase_id in heard[:-1]:
        assert one.decide([Heard(phrase_id)], "", ALL) == Turn("reception_refuse")
    turn = one.decide([Heard(heard[-1])], "", ALL)
    [(name, arguments)] = calls_of(turn)
    assert (name, arguments["outcome"]) == ("end_call", outcome)
    assert one.decide([], "Say goodbye now", ()) == Turn("reception_farewell")


def test_an_end_that_is_refused_is_a_partial_one() -> None:
    one = receptionist()
    one.decide([Heard("reception_end_words")], "", ALL)
    turn = one.decide([Output("end_call", '{"error": "not found out yet"}')], "", ALL)
    assert calls_of(turn)[0][1]["outcome"] == "partial"


def test_a_new_session_knows_what_was_read_back() -> None:
    one = receptionist()
    one.note_spoken("reception_read_back")
    turn = one.decide([Heard("common_thats_right")], "", ALL)
    assert calls_of(turn)[0][0] == "take_message"


# --- The socket ---


def session(**brief: Any) -> Event:
    return {
        "audio": {"input": {"turn_detection": None}},
        "instructions": rules(**brief),
        "tools": schemas(),
        "tool_choice": "auto",
    }


def hear(client: EngineClient, phrase_id: str) -> list[Event]:
    """Say something to it, and ask for its answer."""
    client.append(speech(phrase_id, "ko"))
    client.send("input_audio_buffer.commit")
    return ask(client)


def ask(client: EngineClient, **response: Any) -> list[Event]:
    client.send("response.create", response=response)
    return client.until("response.done")


def give(client: EngineClient, call_id: str, output: Any) -> list[Event]:
    item = {
        "type": "function_call_output",
        "call_id": call_id,
        "output": json.dumps(output),
    }
    client.send("conversation.item.create", item=item)
    return ask(client)


def called(events: list[Event]) -> tuple[str, str, dict[str, Any]]:
    [call] = [one for one in events if one["type"] == CALLED]
    return call["call_id"], call["name"], json.loads(call["arguments"])


def test_it_asks_the_owner_books_and_ends() -> None:
    with open_realtime(session()) as client:
        events = hear(client, "agent_shop_answer")
        assert text_of(events, WORDS) == text("agent_introduction")
        call_id, name, arguments = called(hear(client, "agent_half_past"))
        assert name == "ask_owner"
        assert "half past seven" in arguments["question"]
        events = give(client, call_id, {"answer": "Yes, fine"})
        assert text_of(events, WORDS) == text("agent_take_half_past")
        events = hear(client, "restaurant_ask_name")
        assert text_of(events, WORDS) == text("agent_guest_name")
        assert text_of(hear(client, "agent_booked"), WORDS) == text("agent_read_back")
        call_id, name, arguments = called(hear(client, "agent_shop_correct"))
        assert (name, arguments["date"]) == ("confirm_reservation", "2026-11-22")
        call_id, name, arguments = called(give(client, call_id, {"recorded": True}))
        assert (name, arguments["outcome"]) == ("end_call", "success")
        now = rules() + "\nNow: Say goodbye now."
        events = ask(client, instructions=now, tool_choice="none")
        assert text_of(events, WORDS) == text("agent_goodbye")
    (record,) = state.as_dict()["sessions"]
    assert record["language"] == "ko"
    assert [one["name"] for one in record["called"]] == [
        "ask_owner",
        "confirm_reservation",
        "end_call",
    ]
    assert json.loads(record["called"][0]["output"]) == {"answer": "Yes, fine"}


def test_without_an_answer_it_agrees_to_nothing() -> None:
    with open_realtime(session()) as client:
        hear(client, "agent_shop_answer")
        call_id, _, _ = called(hear(client, "agent_half_past"))
        events = give(client, call_id, {"answer": None, "reason": "no answer"})
        assert text_of(events, WORDS) == text("agent_no_table_then")
        call_id, name, _ = called(events)
        assert name == "schedule_callback"
        _, name, arguments = called(give(client, call_id, {"recorded": True}))
        assert (name, arguments["outcome"]) == ("end_call", "callback_needed")


def test_a_response_with_a_call_looks_as_the_providers() -> None:
    with open_realtime(session()) as client:
        hear(client, "agent_shop_answer")
        events = hear(client, "agent_half_past")
    kinds = [one["type"] for one in events if one["type"].startswith("response.")]
    assert kinds[:2] == ["response.created", "response.output_item.added"]
    assert kinds[-3:] == [CALLED, "response.output_item.done", "response.done"]
    [item] = events[-1]["response"]["output"]
    assert item["type"] == "function_call"
    assert item["status"] == "completed"
    assert events[-1]["response"]["usage"]["output_tokens"] > 5


def test_an_abusive_person_is_answered_politely_and_left() -> None:
    with open_realtime(session()) as client:
        hear(client, "agent_rude_answer")
        events = hear(client, "agent_first_insult")
        assert text_of(events, WORDS) == text("agent_stay_polite")
        events = hear(client, "agent_second_insult")
        assert text_of(events, WORDS) == text("agent_give_up_politely")
        _, name, arguments = called(events)
        assert (name, arguments["outcome"]) == ("end_call", "failed")


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("agent_are_you_robot", "agent_yes_machine"),
        ("agent_ignore_instructions", "agent_cannot_tell"),
    ],
)
def test_it_says_what_it_is_and_takes_no_orders(heard: str, said: str) -> None:
    with open_realtime(session()) as client:
        hear(client, "agent_shop_answer")
        events = hear(client, heard)
    assert text_of(events, WORDS) == text(said)
    assert not any(one["type"] == CALLED for one in events)


def test_an_output_belongs_to_a_call() -> None:
    with open_realtime(session()) as client:
        output = {"type": "function_call_output", "call_id": "call_x", "output": "{}"}
        client.send("conversation.item.create", item=output)
        error = client.error()
        assert "not found" in error["message"]
        call = {"type": "function_call", "call_id": "call_x", "name": "ask_owner"}
        client.send("conversation.item.create", item={**call, "arguments": "{}"})
        client.until("conversation.item.done")
        client.send("conversation.item.create", item=output)
        client.until("conversation.item.done")


def test_only_the_model_has_output_text() -> None:
    with open_realtime(session()) as client:
        for role, kind in (("user", "output_text"), ("assistant", "input_text")):
            content = [{"type": kind, "text": "x"}]
            item = {"type": "message", "role": role, "content": content}
            error = client.send_wrong(type="conversation.item.create", item=item)
            assert error["param"] == "item.content[0].type"


def test_a_session_that_replaces_another_goes_on_where_it_was() -> None:
    with open_realtime(session()) as client:
        for role, kind, phrase_id in (
            ("user", "input_text", "agent_shop_answer"),
            ("assistant", "output_text", "agent_introduction"),
        ):
            content = [{"type": kind, "text": text(phrase_id)}]
            item = {"type": "message", "role": role, "content": content}
            client.send("conversation.item.create", item=item)
            client.until("conversation.item.done")
        assert called(hear(client, "agent_half_past"))[1] == "ask_owner"


def test_a_reception_through_the_socket() -> None:
    settings = {
        "audio": {"input": {"turn_detection": None}},
        "instructions": line_rules("en"),
        "tools": schemas(ALL),
    }
    book = Phrasebook.load()

    def tell(client: EngineClient, phrase_id: str) -> list[Event]:
        client.append(speech(phrase_id, "en"))
        client.send("input_audio_buffer.commit")
        return ask(client)

    with open_realtime(settings) as client:
        greeting = book["reception_greeting"].texts["en"]
        assert text_of(ask(client), WORDS) == greeting
        events = tell(client, "reception_want_message")
        assert text_of(events, WORDS) == book["reception_ask_name"].texts["en"]
        call_id, name, arguments = called(tell(client, "reception_hotel_name"))
        assert (name, arguments["value"]) == ("collect_info", "Emily Carter")
        events = give(client, call_id, {"recorded": True, "still_to_find_out": []})
        assert text_of(events, WORDS) == book["reception_ask_number"].texts["en"]
        tell(client, "reception_hotel_message")
        call_id, name, arguments = called(tell(client, "common_thats_right"))
        assert (name, arguments["urgency"]) == ("take_message", "high")
        events = give(client, call_id, {"recorded": True})
        assert text_of(events, WORDS) == book["reception_noted"].texts["en"]


def test_without_a_brief_it_interprets_as_before() -> None:
    interpreter = {
        "audio": {"input": {"turn_detection": None}},
        "instructions": "Translate into English.",
        "tools": schemas(),
    }
    with open_realtime(interpreter) as client:
        events = hear(client, "agent_are_you_robot")
    english = Phrasebook.load()["agent_are_you_robot"].texts["en"]
    assert text_of(events, WORDS) == english
    assert agent.AGENTS_DIR.is_dir()

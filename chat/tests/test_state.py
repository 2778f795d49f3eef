"""What follows from a message: nothing is invented, lost or agreed to by mistake."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from chat.catalogue import catalogue
from chat.short import is_no, is_yes, ordinal
from chat.state import (
    Ask,
    Entity,
    Extracted,
    Intent,
    Origin,
    Phase,
    Place,
    Plan,
    Reading,
    State,
    Step,
    advance,
    choose,
    missing,
    plan,
    presented,
    set_by_hand,
)
from chat.values import Clock, Doubt

CATALOGUE = catalogue()
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=ZoneInfo("Asia/Seoul"))
EN = Clock(NOW, "en")
KO = Clock(NOW, "ko")
HAN = Place("Han River Restaurant", "+8225550101", "Korean", "Mapo")
OTHER = Place("Han River Grill", "+8225550102")


def tell(
    state: State,
    message: str,
    *extracted: tuple[str, str, str],
    scenario: str = "",
    intent: Intent = Intent.INFORM,
    clock: Clock = EN,
    source: int = 1,
) -> Step:
    rows = tuple(Extracted(*row) for row in extracted)
    reading = Reading(scenario=scenario, extracted=rows, intent=intent)
    return advance(state, reading, message, source, clock, CATALOGUE)


def knowing(scenario: str = "reservation_restaurant", **known: str) -> State:
    entities = {
        name: Entity(name, value, value, source=1) for name, value in known.items()
    }
    return State(scenario=scenario, entities=entities)


def values_of(state: State) -> Mapping[str, str]:
    return {name: one.normal for name, one in state.entities.items()}


COMPLETE = {
    "callee_name": "Han River Restaurant",
    "callee_number": "+8225550101",
    "date": "2026-11-27",
    "time": "19:00",
    "people": "4",
    "customer_name": "Kim",
}

# --- What was said, and only that -----------------------------------------------------


def test_what_was_said_is_known_with_its_source() -> None:
    step = tell(
        State(),
        "A table for four next Friday at 7pm, name is Min-su Kim",
        ("people", "4", "four"),
        ("date", "2026-11-27", "next Friday"),
        ("time", "19:00", "at 7pm"),
        ("customer_name", "Min-su Kim", "Min-su Kim"),
        scenario="reservation_restaurant",
        source=7,
    )
    assert values_of(step.state) == {
        "people": "4",
        "date": "2026-11-27",
        "time": "19:00",
        "customer_name": "Min-su Kim",
    }
    assert {one.source for one in step.state.entities.values()} == {7}
    assert step.state.entities["date"].said == "next Friday"


@pytest.mark.parametrize(
    "invented",
    [
        ("customer_name", "Peter Smith", "Peter Smith"),
        ("customer_name", "Peter Smith", "a table"),
        ("people", "4", "a table"),
        ("people", "4", "four"),
        ("date", "2026-11-27", "next Friday"),
        ("date", "2026-11-27", ""),
        ("time", "19:00", "evening"),
        ("callback_number", "010-1234-5678", "010-1234-5678"),
        ("callee_number", "+8225550101", ""),
        ("budget", "100000", "100,000 won"),
        ("no_such_field", "x", "table"),
    ],
)
def test_what_nobody_said_is_not_known(invented: tuple[str, str, str]) -> None:
    step = tell(State(), "I want a table.", invented, scenario="reservation_restaurant")
    if invented == ("customer_name", "Peter Smith", "a table"):
        assert values_of(step.state) == {
            "customer_name": "a table"
        }  # its words, at least
        return
    assert values_of(step.state) == {}


def test_a_wrong_resolution_of_a_real_date_is_put_right() -> None:
    step = tell(State(), "내일 오후 3시요", ("date", "2027-01-01", "내일"),
                ("time", "03:00", "오후 3시"), clock=KO)  # fmt: skip
    assert values_of(step.state) == {"date": "2026-11-22", "time": "15:00"}


def test_a_number_that_is_a_time_is_no_count() -> None:
    step = tell(State(), "at 7 pm please", ("people", "7", "7"))
    assert "people" not in step.state.entities


def test_a_miscounted_number_is_taken_from_the_quote() -> None:
    step = tell(State(), "다섯 명이요", ("people", "4", "다섯 명"), clock=KO)
    assert values_of(step.state) == {"people": "5"}


def test_a_telephone_number_is_written_as_it_is_dialled() -> None:
    for written in ("02-555-0101", "02 555 0101", "+82 2 555 0101"):
        step = tell(State(), f"call {written}", ("callee_number", written, written))
        assert values_of(step.state) == {"callee_number": "+8225550101"}


# --- Nothing is lost ------------------------------------------------------------------


def test_what_is_known_stays_known() -> None:
    state = knowing(**COMPLETE)
    for value in ("", "null", "unknown", "0"):
        step = tell(state, "hm", *((name, value, "") for name in COMPLETE))
        assert values_of(step.state) == COMPLETE


def test_a_correction_replaces() -> None:
    step = tell(knowing(**COMPLETE), "make it five people", ("people", "5", "five"))
    assert values_of(step.state) == {**COMPLETE, "people": "5"}
    assert step.changed == ("people",)
    assert step.new == ()


def test_another_scenario_keeps_what_it_shares_and_forgets_nothing() -> None:
    state = knowing(**COMPLETE)
    step = tell(
        state, "No, I want to go to the hairdresser", scenario="reservation_salon"
    )
    assert step.switched
    assert step.state.scenario == "reservation_salon"
    assert values_of(step.state) == COMPLETE
    assert missing(step.state, CATALOGUE) == ("service",)
    back = tell(step.state, "no, the restaurant", scenario="reservation_restaurant")
    assert missing(back.state, CATALOGUE) == ()


def test_an_unknown_scenario_changes_nothing() -> None:
    step = tell(knowing(), "x", scenario="steal_money")
    assert step.state.scenario == "reservation_restaurant"


def test_an_unsure_reader_is_not_believed() -> None:
    reading = Reading(extracted=(Extracted("customer_name", "Kim", "Kim", 0.1),))
    step = advance(knowing(), reading, "Kim", 1, EN, CATALOGUE)
    assert step.state.entities == {}


def test_asked_fields_are_read_even_if_the_reader_missed_them() -> None:
    state = replace(knowing(), asked=("date", "time"))
    step = tell(state, "tomorrow at 7pm")
    assert values_of(step.state) == {"date": "2026-11-22", "time": "19:00"}


def test_asked_fields_that_were_not_answered_stay_open() -> None:
    state = replace(knowing(), asked=("date", "time"))
    assert tell(state, "I am not sure yet").state.entities == {}


# --- What is unclear is asked ---------------------------------------------------------


def test_half_a_time_is_asked_and_answered() -> None:
    step = tell(knowing(), "내일 7시", ("time", "19:00", "7시"), clock=KO)
    assert step.state.doubts == {"time": Doubt("which", ("07:00", "19:00"), "7시")}
    assert plan(step.state, CATALOGUE) == Plan(Ask.DOUBT, ("time",))
    asked = presented(step.state, Plan(Ask.DOUBT, ("time",)))
    for answer in ("저녁이요", "오후", "두 번째요"):
        answered = tell(asked, answer, clock=KO)
        assert values_of(answered.state) == {"time": "19:00"}
        assert answered.state.doubts == {}


def test_a_doubt_never_replaces_what_is_known() -> None:
    step = tell(knowing(**COMPLETE), "or at 8?", ("time", "20:00", "at 8"))
    assert values_of(step.state)["time"] == "19:00"
    assert plan(step.state, CATALOGUE).ask == Ask.DOUBT


@pytest.mark.parametrize(
    ("message", "code"), [("yesterday", "over"), ("February 30", "impossible")]
)
def test_a_day_that_cannot_be_is_said_so(message: str, code: str) -> None:
    step = tell(replace(knowing(), asked=("date",)), message)
    assert step.state.doubts["date"].code == code
    assert "date" not in step.state.entities


def test_a_time_that_is_over_today_is_said_so() -> None:
    step = tell(knowing(), "today at 9 am", ("date", "", "today"), ("time", "", "9 am"))
    assert step.state.doubts["time"].code == "over"
    later = tell(knowing(), "today at 3", ("date", "", "today"), ("time", "", "at 3"))
    assert values_of(later.state)["time"] == "15:00"  # 3 am is over


def test_half_a_telephone_number_is_said_so() -> None:
    state = replace(knowing(callee_name="x"), asked=("callee_number",))
    assert tell(state, "119").state.doubts["callee_number"].code == "no_number"
    assert tell(state, "02-555-01").state.doubts["callee_number"].code == "no_number"


# --- What is asked next ---------------------------------------------------------------


def test_first_the_kind_then_whom_then_the_rest() -> None:
    assert plan(State(), CATALOGUE) == Plan(Ask.SCENARIO)
    assert plan(knowing(), CATALOGUE) == Plan(Ask.FIELDS, ("callee_name",))
    named = knowing(callee_name="Han")
    assert plan(named, CATALOGUE) == Plan(Ask.SEARCH)
    nothing = replace(named, place_query="Han")
    assert plan(nothing, CATALOGUE) == Plan(Ask.FIELDS, ("callee_number",))
    some = replace(nothing, places=(HAN,))
    assert plan(some, CATALOGUE) == Plan(Ask.PLACE)
    found = knowing(callee_name="Han", callee_number="+8225550101")
    assert plan(found, CATALOGUE) == Plan(Ask.FIELDS, ("date", "time"))
    assert plan(found, CATALOGUE, one_at_a_time=True) == Plan(Ask.FIELDS, ("date",))
    dated = knowing(callee_number="+8225550101", date="2026-11-27", time="19:00")
    assert plan(dated, CATALOGUE) == Plan(Ask.FIELDS, ("people",))
    assert plan(knowing(**COMPLETE), CATALOGUE) == Plan(Ask.SUMMARY)


def test_a_number_alone_is_enough_to_just_call() -> None:
    state = knowing("direct_call")
    assert plan(state, CATALOGUE) == Plan(Ask.FIELDS, ("callee_number",))
    assert plan(knowing("direct_call", callee_number="+8225550101"), CATALOGUE) == Plan(
        Ask.SUMMARY
    )


# --- Places ---------------------------------------------------------------------------


def offered() -> State:
    return replace(knowing(callee_name="Han"), place_query="Han", places=(HAN, OTHER))


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("yes", "+8225550101"),
        ("네", "+8225550101"),
        ("1", "+8225550101"),
        ("the second one", "+8225550102"),
        ("두 번째요", "+8225550102"),
        ("2번", "+8225550102"),
        ("Han River Grill please", "+8225550102"),
    ],
)
def test_a_place_is_chosen_in_words(message: str, number: str) -> None:
    step = tell(offered(), message)
    assert step.picked
    assert values_of(step.state)["callee_number"] == number
    assert step.state.places == ()


def test_a_number_by_hand_is_as_good_as_a_place() -> None:
    state = presented(offered(), Plan(Ask.PLACE))
    step = tell(state, "no, call 02-555-0109")
    assert values_of(step.state)["callee_number"] == "+8225550109"
    assert not step.picked


def test_another_name_lets_the_number_of_the_place_go_but_not_the_users_own() -> None:
    chosen = choose(offered(), HAN, EN, CATALOGUE).state
    step = tell(
        chosen, "rather the Seoul Grill", ("callee_name", "Seoul Grill", "Seoul Grill")
    )
    assert "callee_number" not in step.state.entities
    assert plan(step.state, CATALOGUE).ask == Ask.SEARCH
    typed = knowing(callee_name="Han", callee_number="+8225550109")
    step = tell(
        typed, "it is called Seoul Grill", ("callee_name", "Seoul Grill", "Seoul Grill")
    )
    assert values_of(step.state)["callee_number"] == "+8225550109"


def test_a_place_without_a_number_still_needs_one() -> None:
    step = choose(offered(), replace(HAN, phone_number=""), EN, CATALOGUE)
    assert plan(step.state, CATALOGUE) == Plan(Ask.FIELDS, ("callee_number",))


# --- Agreeing -------------------------------------------------------------------------


def confirming() -> State:
    return presented(knowing(**COMPLETE), Plan(Ask.SUMMARY))


@pytest.mark.parametrize("message", ["yes", "Yes, please!", "네", "맞아요.", "OK"])
def test_yes_to_the_summary_makes_it_ready(message: str) -> None:
    step = tell(confirming(), message)
    assert step.state.phase == Phase.READY
    assert plan(step.state, CATALOGUE) == Plan(Ask.READY)


def test_yes_before_the_summary_agrees_to_nothing() -> None:
    step = tell(knowing(**COMPLETE), "yes", intent=Intent.YES)
    assert step.state.phase == Phase.COLLECTING
    assert plan(step.state, CATALOGUE) == Plan(Ask.SUMMARY)


def test_yes_with_a_change_shows_the_summary_again() -> None:
    step = tell(confirming(), "yes but five people", ("people", "5", "five"),
                intent=Intent.YES)  # fmt: skip
    assert step.state.phase == Phase.COLLECTING
    assert plan(step.state, CATALOGUE) == Plan(Ask.SUMMARY)


@pytest.mark.parametrize("message", ["no", "아니요", "틀렸어요"])
def test_no_is_no_whatever_the_reader_says(message: str) -> None:
    step = tell(confirming(), message, intent=Intent.YES)
    assert step.state.phase == Phase.CONFIRMING
    assert step.is_no


def test_a_change_after_the_yes_needs_another_yes() -> None:
    ready = tell(confirming(), "yes").state
    step = tell(ready, "at 8 pm instead", ("time", "20:00", "8 pm"))
    assert plan(step.state, CATALOGUE) == Plan(Ask.SUMMARY)
    assert step.state.phase == Phase.COLLECTING


# --- By hand --------------------------------------------------------------------------


def test_a_form_takes_canonical_and_written_values() -> None:
    entries = {"date": "2026-11-27", "time": "19:00", "people": "4",
               "customer_name": "김민수", "callee_number": "02-555-0101"}  # fmt: skip
    state, wrong = set_by_hand(knowing(), entries, KO, CATALOGUE)
    assert wrong == {}
    assert values_of(state) == {**entries, "callee_number": "+8225550101"}
    state, wrong = set_by_hand(
        knowing(), {"date": "모레", "time": "저녁 7시 반"}, KO, CATALOGUE
    )
    assert values_of(state) == {"date": "2026-11-23", "time": "19:30"}
    assert {one.origin for one in state.entities.values()} == {Origin.HAND}


def test_only_the_user_can_clear_a_field() -> None:
    state, _ = set_by_hand(knowing(**COMPLETE), {"time": ""}, EN, CATALOGUE)
    assert missing(state, CATALOGUE) == ("time",)


def test_what_a_form_cannot_read_is_said_and_changes_nothing() -> None:
    state, wrong = set_by_hand(
        knowing(**COMPLETE), {"callee_number": "12", "people": "many"}, EN, CATALOGUE
    )
    assert set(wrong) == {"callee_number", "people"}
    assert values_of(state) == COMPLETE


# --- Short answers --------------------------------------------------------------------


def test_yes_is_yes_alone() -> None:
    assert is_yes("네!")
    assert is_yes("Yes please.")
    assert not is_yes("yes but later")
    assert not is_yes("네 명이요")
    assert is_no("아니요")
    assert not is_no("no smoking")


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("1", 1),
        ("1번", 1),
        ("첫 번째요", 1),
        ("the first one", 1),
        ("one", 1),
        ("두 번째요", 2),
        ("둘째", 2),
        ("2번이요", 2),
        ("number two please", 2),
        ("세 번째", 3),
        ("네 번째로요", 4),
        ("5", 5),
    ],
)
def test_which_one(message: str, number: int) -> None:
    assert ordinal(message) == number


@pytest.mark.parametrize(
    "message",
    [
        "2 people",
        "4명이요",
        "네 명이요",
        "네",
        "the first or the second",
        "02-555-0101",
        "one moment",
        "이요",
        "5 o'clock",
        "세 시",
    ],
)
def test_a_number_of_something_else_picks_nothing(message: str) -> None:
    assert ordinal(message) is None


def test_a_number_of_people_answers_no_question_about_the_time() -> None:
    asked = presented(
        tell(knowing(), "tomorrow at 7", ("time", "", "at 7")).state,
        Plan(Ask.DOUBT, ("time",)),
    )
    step = tell(asked, "2 people", ("people", "2", "2 people"))
    assert values_of(step.state) == {"people": "2"}
    assert "time" in step.state.doubts

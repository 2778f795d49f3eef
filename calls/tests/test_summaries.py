"""What a call came to: asked once, checked against what was said, tried again."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx2
import pytest
import time_machine
from django.utils import timezone
from pytest_django import (
    DjangoAssertNumQueries,
    DjangoCaptureOnCommitCallbacks,
    Settings,
)

from calls import services, summaries
from calls.grounding import Said, bears_date, bears_sentence, bears_time, bears_value
from calls.models import Call, Correction, Mode, Outcome, Status, Summary
from calls.reports import Report
from calls.tests.factories import make_call
from calls.tests.test_results import result_of_agent
from realtime.tests.injections import Injection, assert_is_data, injections
from realtime.tests.test_texts import problem, response, said
from realtime.text import texts
from wigvo.models import User

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
"""Of a Saturday in Seoul."""
CLINIC = (
    ("callee-1", "callee", "서울가정의원입니다.", "This is Seoul Family Clinic."),
    ("caller-2", "caller", "I need an appointment tomorrow.", "내일 진료를 원합니다."),
    (
        "callee-3",
        "callee",
        "내일 오전 열 시 반에 진료가 가능합니다. 삼만 원입니다.",
        "The doctor can see you tomorrow morning at half past ten. It is 30,000 won.",
    ),
    ("caller-4", "caller", "Half past ten suits me very well.", "열 시 반이면 좋아요."),
)
VISIT = {
    "title": "Doctor",
    "starts_at": "2026-11-22T10:30+09:00",
    "place": "Seoul Family Clinic",
    "note": "",
    "utterance_ids": ["callee-3", "caller-4"],
}
PRICE = {"what": "Price", "value": "30,000 won", "utterance_ids": ["callee-3"]}
POINT = {"text": "Ask what to bring.", "utterance_ids": ["caller-4"]}


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "summary": "The doctor sees you tomorrow at 10:30.",
        "outcome": "success",
        "appointments": [VISIT],
        "numbers": [PRICE],
        "open_points": [POINT],
        **changes,
    }


class FakeModel:
    """Answers `/responses` as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[httpx2.Response | Exception] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(json.loads(request.content))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def data(self) -> Any:
        return json.loads(self.asked[-1]["input"][0]["content"])


@pytest.fixture
def model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    fake = FakeModel()
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "http://x/v1", "key"
    monkeypatch.setattr(texts, "transport", httpx2.MockTransport(fake))
    monkeypatch.setattr(texts, "BACKOFF_S", 0.0)
    monkeypatch.setattr(texts, "_declined", {})
    return fake


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def call(alice: User) -> Call:
    """A call with a clinic in Seoul that has just ended."""
    call = make_call(alice, status=Status.IN_PROGRESS, callee_name="Clinic")
    for n, (key, leg, original, translation) in enumerate(CLINIC):
        services.store_utterance(
            call.pk,
            utterance_id=key,
            leg=leg,
            original=original,
            translation=translation,
            started_ms=1000 * n,
        )
    services.finish(call.pk, status="completed")
    Summary.objects.update(due_at=timezone.now())
    call.refresh_from_db()
    return call


def summed_up(call: Call) -> Summary:
    summaries.summarise(call.pk)
    call.refresh_from_db()
    return Summary.objects.get(call=call)


# --- When ----------------------------------------------------------------------------


def test_a_call_that_was_answered_waits_for_its_summary(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.finish(call.pk, status="completed")
    row = Summary.objects.get(call=call)
    assert row.state == "pending"
    assert row.due_at > timezone.now()  # the relay may still be writing


def test_a_call_that_nobody_answered_has_none(alice: User) -> None:
    call = make_call(alice, status=Status.RINGING)
    services.finish(call.pk, status="no_answer")
    assert not Summary.objects.exists()
    assert Report.of(call).state == "none"


def test_a_call_in_which_nothing_was_said_has_none(
    alice: User, model: FakeModel
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    services.finish(call.pk, status="completed")
    Summary.objects.update(due_at=timezone.now())
    summaries.summarise(call.pk)
    assert not Summary.objects.exists()
    assert model.asked == []


def test_the_relay_has_it_done_as_soon_as_all_is_written_down(
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    from realtime import services as relay

    asked: list[Any] = []
    monkeypatch.setattr(summaries, "hand_over", asked.append)
    call = make_call(alice, status=Status.IN_PROGRESS)
    with django_capture_on_commit_callbacks(execute=True):
        relay.finish(call.pk, "completed", "", "", {})
    assert asked == [call.pk]
    assert Summary.objects.get().due_at <= timezone.now()


def test_what_no_relay_asked_for_is_found_by_the_clock(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(summaries, "hand_over", asked.append)
    Summary.objects.update(due_at=timezone.now() + timedelta(seconds=1))
    summaries.tend()
    assert asked == []
    Summary.objects.update(due_at=timezone.now())
    summaries.tend()
    assert asked == [call.pk]


# --- What is asked -------------------------------------------------------------------


def test_the_model_gets_the_call_and_where_and_when_it_was(
    call: Call, model: FakeModel
) -> None:
    model.answers = [said(answer())]
    summed_up(call)
    assert model.data["began_at"] == "2026-11-21T12:00+09:00"
    assert model.data["weekday"] == "Saturday"
    assert model.data["time_zone"] == "Asia/Seoul"
    assert model.data["direction"] == "outbound"
    assert [row["id"] for row in model.data["utterances"]] == [c[0] for c in CLINIC]
    [asked] = model.asked
    assert "in English" in asked["instructions"]
    assert asked["store"] is False
    assert asked["max_output_tokens"] == 6000
    assert str(call.to_number) not in json.dumps(asked)


def test_of_a_very_long_call_the_end_is_told(
    call: Call, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "MAX_CHARS", 170)
    model.answers = [said(answer(appointments=[], numbers=[], open_points=[]))]
    summed_up(call)
    assert [row["id"] for row in model.data["utterances"]] == ["callee-3", "caller-4"]
    assert model.data["left_out"] == 2
    assert Report.of(call).left_out == 2


@pytest.mark.parametrize("injection", injections(), ids=str)
def test_what_people_said_is_data(injection: Injection, alice: User) -> None:
    """... wherever it stands: in what was said, in names, in the goal."""
    call = make_call(
        alice,
        caller_language="en",
        callee_name=injection.text,
        brief={"goal": injection.text},
    )
    services.store_utterance(
        call.pk,
        utterance_id="u1",
        leg=injection.speaker,
        original=injection.text,
        translation=injection.text,
        started_ms=0,
    )
    sent: list[dict[str, Any]] = []

    async def refuse(request: dict[str, Any], *_: Any) -> Any:
        sent.append(request)
        raise texts.TextFailed("refused")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "_response_to", refuse)
        patch.setattr("django.conf.settings.OPENAI_API_KEY", "key")
        with pytest.raises(texts.TextFailed):
            summaries._ask(call, list(call.utterances.all()))
    assert_is_data(sent, injection.text)
    assert "never instructions" in sent[0]["instructions"]


# --- What is kept --------------------------------------------------------------------


def test_what_was_said_is_kept_with_where_it_was_said(
    call: Call, model: FakeModel
) -> None:
    model.answers = [said(answer())]
    row = summed_up(call)
    assert (row.state, row.dropped, row.attempts) == ("done", 0, 1)
    assert call.summary == "The doctor sees you tomorrow at 10:30."
    assert call.outcome == Outcome.SUCCESS
    report = Report.of(call)
    [visit] = report.appointments
    assert visit.item.starts_at == "2026-11-22T10:30:00+09:00"
    assert [place.at for place in visit.places] == ["0:02", "0:03"]
    assert [n.item.value for n in report.numbers] == ["30,000 won"]
    assert [p.item.text for p in report.open_points] == ["Ask what to bring."]
    assert not report.is_doubtful


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": "2026-11-22T11:30+09:00"},  # nobody named this time
        {"starts_at": "2026-11-23T10:30+09:00"},  # ... nor this day
        {"starts_at": "2026-11-22T10:30+01:00"},  # that is another hour there
        {"starts_at": "2026-11-20T10:30+09:00"},
        {"starts_at": "tomorrow"},
        {"starts_at": ""},
        {"title": " "},
        {"utterance_ids": []},
        {"utterance_ids": ["callee-9"]},
        {"utterance_ids": ["callee-1"]},  # something else was said there
    ],
)
def test_an_appointment_that_nothing_bears_is_dropped(
    call: Call, model: FakeModel, changes: dict[str, Any]
) -> None:
    model.answers = [said(answer(appointments=[VISIT | changes]))]
    assert summed_up(call).dropped == 1
    assert Report.of(call).appointments == ()


@pytest.mark.parametrize(
    ("starts_at", "kept"),
    [
        ("2026-11-22T10:30", "2026-11-22T10:30:00+09:00"),
        ("2026-11-22T01:30Z", "2026-11-22T10:30:00+09:00"),
        ("2026-11-22", "2026-11-22"),
    ],
)
def test_an_appointment_is_on_the_clock_of_the_other_side(
    call: Call, model: FakeModel, starts_at: str, kept: str
) -> None:
    model.answers = [said(answer(appointments=[VISIT | {"starts_at": starts_at}]))]
    summed_up(call)
    [visit] = Report.of(call).appointments
    assert visit.item.starts_at == kept
    assert visit.item.is_all_day == (len(kept) == 10)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": "40,000 won"},
        {"value": ""},
        {"value": "3"},
        {"utterance_ids": ["caller-2"]},
        {"utterance_ids": ["nowhere"]},
    ],
)
def test_a_number_that_nothing_bears_is_dropped(
    call: Call, model: FakeModel, changes: dict[str, Any]
) -> None:
    model.answers = [said(answer(numbers=[PRICE | changes, PRICE]))]
    assert summed_up(call).dropped == 1
    assert [row.item.value for row in Report.of(call).numbers] == ["30,000 won"]


def test_an_open_point_with_an_amount_that_nobody_named_is_dropped(
    call: Call, model: FakeModel
) -> None:
    invented = POINT | {"text": "You owe them 500,000 won."}
    model.answers = [said(answer(open_points=[invented, POINT]))]
    assert summed_up(call).dropped == 1
    assert len(Report.of(call).open_points) == 1


def test_a_summary_with_a_time_that_nobody_named_is_marked(
    call: Call, model: FakeModel
) -> None:
    model.answers = [said(answer(summary="The doctor sees you at 11:45."))]
    summed_up(call)
    assert Report.of(call).is_doubtful


def test_a_corrected_caption_counts_as_it_stands_now(
    call: Call, model: FakeModel, alice: User
) -> None:
    said_then = call.utterances.get(utterance_id="callee-3")
    Correction.objects.create(
        utterance=said_then,
        part="translation",
        before=said_then.translation,
        text="The doctor can see you tomorrow at a quarter to twelve.",
        by=alice,
    )
    visit = VISIT | {"starts_at": "2026-11-22T11:45+09:00"}
    model.answers = [said(answer(appointments=[visit]))]
    summed_up(call)
    assert "quarter to twelve" in json.dumps(model.data)
    assert len(Report.of(call).appointments) == 1


def test_an_outcome_that_is_known_stays(call: Call, model: FakeModel) -> None:
    Call.objects.update(outcome=Outcome.PARTIAL)
    model.answers = [said(answer())]
    assert summed_up(call).outcome == Outcome.SUCCESS
    assert call.outcome == Outcome.PARTIAL


def test_nobody_reached_is_no_success(call: Call, model: FakeModel) -> None:
    Call.objects.update(answered_by="voicemail")
    model.answers = [said(answer())]
    summed_up(call)
    assert call.outcome == Outcome.UNREACHABLE


def test_a_nul_does_not_reach_the_database(call: Call, model: FakeModel) -> None:
    point = POINT | {"text": "Ask\0 them."}
    model.answers = [said(answer(summary="So\0 it is.", open_points=[point]))]
    row = summed_up(call)
    assert call.summary == "So it is."
    assert "\\u0000" not in json.dumps(row.content)


def test_what_it_used_is_on_the_bill(call: Call, model: FakeModel) -> None:
    speech = {
        "engine": "telephone",
        "model": "",
        "usd": 0.013,
        "seconds": 61.0,
        "tokens": {},
    }
    Call.objects.update(cost_parts=[speech])
    model.answers = [said(answer())]
    summed_up(call)
    assert {part["engine"] for part in call.cost_parts} == {"telephone", "text"}
    assert speech in call.cost_parts  # whatever a minute costs by now
    [line] = [part for part in call.cost_parts if part["engine"] == "text"]
    assert line["tokens"] == {"text_in": 32, "text_cached": 8, "text_out": 5}
    assert line["usd"] > 0
    assert float(call.cost_usd) == pytest.approx(0.013 + line["usd"], abs=1e-4)


# --- What can go wrong ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "code", "is_tried_again"),
    [
        ([problem(503), problem(503)], "unavailable", True),
        ([httpx2.ConnectError("no")] * 2, "unreachable", True),
        ([problem(429, "x")] * 2, "limit", True),
        ([problem(401)], "rejected", False),
        ([response([{"type": "refusal", "refusal": "No."}])], "refused", False),
        ([said({"else": 1})], "empty", False),
        ([said({**answer(), "summary": " "})], "empty", False),
    ],
)
def test_without_the_model_it_says_why(
    call: Call, model: FakeModel, answers: list[Any], code: str, is_tried_again: bool
) -> None:
    model.answers = [*answers]
    row = summed_up(call)
    assert row.code == code
    assert row.state == ("pending" if is_tried_again else "failed")
    report = Report.of(call)
    assert report.state == ("retrying" if is_tried_again else "failed")
    assert report.why_not
    assert call.outcome == Outcome.UNKNOWN


def test_without_a_key_nobody_is_asked(
    call: Call, model: FakeModel, settings: Settings
) -> None:
    settings.OPENAI_API_KEY = ""
    assert summed_up(call).code == "no_key"
    assert model.asked == []


def test_it_is_not_tried_for_ever(call: Call, model: FakeModel) -> None:
    tries = 0
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(12):
            model.answers = [problem(503), problem(503)]
            summaries.summarise(call.pk)
            tries += not model.answers
            clock.shift(timedelta(minutes=61))
    assert tries == len(summaries.PAUSES) + 1
    assert Summary.objects.get().state == "failed"


def test_two_who_try_at_once_ask_once(call: Call, model: FakeModel) -> None:
    model.answers = [said(answer()), said(answer())]
    real_ask = summaries._ask

    def ask_and_meanwhile_another(*args: Any) -> Any:
        summaries.summarise(call.pk)
        return real_ask(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "_ask", ask_and_meanwhile_another)
        summed_up(call)
    assert len(model.asked) == 1


def test_somebody_may_have_it_tried_again(
    call: Call, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(summaries, "hand_over", asked.append)
    model.answers = [problem(401)]
    assert summed_up(call).state == "failed"
    assert summaries.ask_again(call)
    assert Summary.objects.get().state == "pending"
    model.answers = [said(answer())]
    assert summed_up(call).state == "done"


def test_while_it_is_being_tried_nobody_starts_it_again(call: Call) -> None:
    Summary.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    assert not summaries.ask_again(call)


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_call_that_is_deleted_meanwhile_leaves_nothing(
    call: Call, model: FakeModel, monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    real_ask = summaries._ask

    def delete_it_meanwhile(*args: Any) -> Any:
        Call.objects.all().delete()
        return real_ask(*args)

    model.answers = [said(answer()) if is_answered else problem(401)]
    monkeypatch.setattr(summaries, "_ask", delete_it_meanwhile)
    summaries.summarise(call.pk)
    assert len(model.asked) == 1
    assert not Summary.objects.exists()


def test_no_word_reaches_the_log(
    call: Call, model: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    model.answers = [said(answer())]
    summed_up(call)
    assert "doctor" not in caplog.text.lower()
    assert "summary_done" in caplog.text


# --- Beside an agent's own result ----------------------------------------------------


def test_what_the_agent_noted_comes_first_and_is_not_changed(
    call: Call, model: FakeModel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    noted = result_of_agent()
    Call.objects.update(mode=Mode.AGENT, result=noted, outcome="partial")
    same = {**PRICE, "what": "Costs", "value": "30,000 won"}
    model.answers = [said(answer(numbers=[same]))]
    summed_up(call)
    assert call.result == noted
    fresh = Call.objects.select_related("summing_up").get()
    with django_assert_num_queries(1):
        report = Report.of(fresh)
    assert [row.item.title for row in report.appointments] == [
        "Doctor",
        "table for four",
    ]
    assert report.numbers[0].item.what == "price"
    assert [p.item.text for p in report.open_points] == [
        "parking",
        "Is half past all right?",
        "Ask what to bring.",
    ]


def test_an_appointment_that_both_have_is_there_once(
    call: Call, model: FakeModel
) -> None:
    noted = result_of_agent()
    noted["appointments"][0] |= {"date": "2026-11-22", "time": "10:30"}
    Call.objects.update(result=noted)
    model.answers = [said(answer())]
    summed_up(call)
    [one] = Report.of(call).appointments
    assert one.item.title == "table for four"


# --- Was it said? --------------------------------------------------------------------

SATURDAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("ko", "내일 뵐게요.", date(2026, 11, 22)),
        ("ko", "모레 오세요.", date(2026, 11, 23)),
        ("en", "The day after tomorrow, then.", date(2026, 11, 23)),
        ("en", "See you this evening.", SATURDAY),
        ("en", "Tuesday is fine.", date(2026, 11, 24)),
        ("ko", "다음 주 화요일이요.", date(2026, 12, 1)),
        ("en", "On December 3rd.", date(2026, 12, 3)),
        ("en", "Come back in two weeks.", date(2026, 12, 5)),
        ("ja", "明日でお願いします。", date(2026, 11, 22)),
        ("fr", "Demain matin.", date(2026, 11, 22)),
    ],
)
def test_a_day_was_said(language: str, text: str, day: date) -> None:
    said_ = [Said(text, language)]
    assert bears_date(day, said_, said_, SATURDAY)
    assert not bears_date(day + timedelta(days=2), said_, said_, SATURDAY)


def test_without_any_day_it_is_the_day_of_the_call() -> None:
    said_ = [Said("At seven, then.", "en")]
    assert bears_date(SATURDAY, said_, said_, SATURDAY)
    assert not bears_date(date(2026, 11, 22), said_, said_, SATURDAY)


@pytest.mark.parametrize(
    ("text", "at", "is_borne"),
    [
        ("half past seven", time(19, 30), True),
        ("half past seven", time(7, 30), True),
        ("half past seven in the morning", time(19, 30), False),
        ("seven o'clock", time(19, 30), False),
        ("seven people", time(7, 0), False),
    ],
)
def test_a_time_was_said(text: str, at: time, is_borne: bool) -> None:
    assert bears_time(at, [Said(text, "en")]) is is_borne


@pytest.mark.parametrize(
    ("value", "text", "language", "is_borne"),
    [
        ("45,000 won", "전부 사만 오천 원입니다.", "ko", True),
        ("54,000 won", "전부 사만 오천 원입니다.", "ko", False),
        ("010 2345 6789", "제 번호는 010-2345-6789입니다.", "ko", True),
        ("2345", "제 번호는 010-2345-6789입니다.", "ko", True),
        ("23", "제 번호는 010-2345-6789입니다.", "ko", False),
        ("Kim Min-su", "My name is Kim Min-su.", "en", True),
        ("Kim Min-ho", "My name is Kim Min-su.", "en", False),
        ("...", "Anything...", "en", False),
    ],
)
def test_a_value_was_said(value: str, text: str, language: str, is_borne: bool) -> None:
    assert bears_value(value, "en", [Said(text, language)]) is is_borne


def test_a_sentence_may_count_its_own_parts_but_not_invent_money() -> None:
    said_ = [Said("Half past ten is free.", "en")]
    assert bears_sentence("Two things are open; be there at 10:30.", "en", said_)
    assert not bears_sentence("You pay 20 dollars.", "en", said_)

"""What the callee was told: on the page of a call, over REST, and for support."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from calls import recordings
from calls.models import Call, CallEvent, Status, Utterance
from calls.tests.factories import make_call, make_user
from calls.told import proof_of
from wigvo.models import User

GREETING = {
    "line": "greeting",
    "language": "ko",
    "text": "안녕하세요. 김민수 님의 전화입니다.",
    "heard_ms": 2400,
    "length_ms": 6000,
    "is_complete": False,
    "started_ms": 3100,
    "ended_ms": 5500,
}
QUESTION = {**GREETING, "line": "recording", "text": "녹음합니다.", "is_complete": True}
WAIT = {**GREETING, "line": "wait", "text": "잠시만요."}


@pytest.fixture
def call(alice: User) -> Call:
    call = make_call(alice, status=Status.COMPLETED, record=True)
    for data in (GREETING, WAIT, QUESTION):
        note(call, "line_spoken", data)
    prepared = {"wanted": "This is Kim.", "problem": "timeout", "language": "ko"}
    note(call, "opening_prepared", prepared)
    return call


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def note(call: Call, kind: str, data: dict[str, Any]) -> None:
    CallEvent.objects.create(call=call, kind=kind, data=data)


def answered(call: Call, answer: str) -> None:
    data = {"answer": answer, "asked_ms": 5500, "at_ms": 6000}
    note(call, "recording_consent", data | {"utterance_id": "callee-2"})


def test_the_page_says_what_was_heard_when_and_in_which_language(
    alices: Client, call: Call
) -> None:
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    assert "What the other side was told" in html
    assert '<p lang="ko">안녕하세요. 김민수 님의 전화입니다.</p>' in html
    assert "only 2.4 of 6.0 s were heard" in html
    assert "0:03" in html
    assert "This is Kim." in html
    assert "could not be said exactly" in html
    assert "잠시만요" not in html  # a filler tells nothing about the call


def test_without_any_sentence_there_is_nothing_to_show(
    alices: Client, alice: User
) -> None:
    call = make_call(alice, status=Status.NO_ANSWER)
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    assert "What the other side was told" not in html
    assert proof_of(call).told == ()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("yes", "They agreed to the recording."),
        ("no", "stopped at once and deleted"),
        ("went_on", "did not object"),
        ("none", "said nothing more"),
    ],
)
def test_the_page_says_what_became_of_the_question(
    alices: Client, call: Call, answer: str, sentence: str
) -> None:
    answered(call, answer)
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    assert sentence in html
    assert 'href="#u-callee-2"' in html


def test_rest_has_all_of_it(alices: Client, call: Call) -> None:
    answered(call, "went_on")
    body = alices.get(f"/api/calls/{call.pk}").json()
    assert [t["line"] for t in body["told"]] == ["greeting", "wait", "recording"]
    assert body["told"][0] == GREETING
    assert body["recording_consent"] == {
        "answer": "went_on",
        "asked_ms": 5500,
        "at_ms": 6000,
        "utterance_id": "callee-2",
    }


def test_rest_has_none_of_a_call_before_it(alices: Client, alice: User) -> None:
    body = alices.get(f"/api/calls/{make_call(alice).pk}").json()
    assert (body["told"], body["recording_consent"]) == ([], None)


def test_an_assistants_first_words_are_what_was_told(alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED, mode="agent")
    for n, text in enumerate(("안녕하세요. 인공지능 비서입니다.", "몇 시에요?")):
        Utterance.objects.create(
            call=call,
            utterance_id=f"agent-{n}",
            leg="agent",
            original=text,
            started_ms=4000 + n * 9000,
            ended_ms=7000 + n * 9000,
            fate="delivered",
        )
    [told] = proof_of(call).told
    assert (told.line, told.started_ms, told.is_complete) == ("agent", 4000, True)
    assert told.text == "안녕하세요. 인공지능 비서입니다."


def test_a_call_from_before_lengths_were_kept_can_be_shown(alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED)
    old = {k: v for k, v in GREETING.items() if k not in ("length_ms", "started_ms")}
    note(call, "line_spoken", old)
    [told] = proof_of(call).told
    assert (told.length_ms, told.at_s) == (None, 3)


def test_support_reads_it_in_the_admin(call: Call) -> None:
    client = Client()
    client.force_login(make_user("support", is_staff=True, is_superuser=True))
    url = reverse("admin:calls_call_change", args=[call.pk])
    assert "김민수 님의 전화입니다" in client.get(url).content.decode()


def test_a_refused_recording_is_not_wanted_any_more(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS, record=True)
    assert recordings.plan_of(call).is_wanted
    assert recordings.state_of(call).name == "planned"
    answered(call, "no")
    assert not recordings.plan_of(call).is_wanted
    state = recordings.state_of(call)
    assert (state.name, "did not want it" in state.sentence) == ("refused", True)


def test_a_recording_that_was_refused_says_so(alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS, record=True)
    plan = recordings.plan_of(call)
    recordings.start(call.pk, plan.recording_id, started_ms=1, notice={})
    recordings.end(plan.recording_id, reason="refused")
    recordings.delete(plan.recording_id, by="callee")
    call = Call.objects.get(pk=call.pk)
    state = recordings.state_of(call)
    assert (state.name, state.is_audible) == ("deleted", False)
    assert "did not want it" in state.sentence

"""What was left at one of our numbers reaches whom it is for, once, or says why not."""

from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from calls import letters, reception
from calls.models import Call, Direction, Letter, ReceptionLine, Status
from calls.tests.factories import make_call, make_line
from wigvo.models import User

pytestmark = pytest.mark.django_db

MESSAGE = {
    "name": "김민수",
    "message": "토요일 세 시는 어려워요.",
    "number": "+82105550199",
    "urgency": "high",
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "hand_over", lambda call_id: letters.send(call_id))


@pytest.fixture
def line(alice: User) -> ReceptionLine:
    return make_line(alice)


def called(line: ReceptionLine, **fields: Any) -> Call:
    values: dict[str, Any] = {
        "line": line,
        "direction": Direction.INBOUND,
        "status": Status.COMPLETED,
        "from_number": "+82105550188",
        "answered_at": timezone.now(),
        "result": {"messages": [MESSAGE]},
    }
    return make_call(line.owner, **values | fields)


def ask(call: Call, commits: Any) -> bool:
    with commits(execute=True):
        return letters.request(call.pk)


def test_the_owner_gets_what_was_left_once(
    line: ReceptionLine, django_capture_on_commit_callbacks: Any
) -> None:
    call = called(line)
    assert ask(call, django_capture_on_commit_callbacks)
    assert not ask(call, django_capture_on_commit_callbacks)
    letters.send(call.pk)
    [letter] = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert letter.subject == "한강 미용실: a message from 김민수"
    for words in (*(MESSAGE[k] for k in ("name", "message", "number")), "(urgent)"):
        assert words in letter.body
    assert str(call.get_absolute_url()) in letter.body
    assert Letter.objects.get().state == "sent"


def test_it_goes_where_the_line_says_in_the_owners_language(
    line: ReceptionLine, django_capture_on_commit_callbacks: Any
) -> None:
    line.messages_to, line.owner_language = "desk@example.org", "ko"
    line.save()
    result = {
        "appointments": [
            {"what": "커트", "date": "2026-12-01", "time": "15:00", "name": "김민수"}
        ]
    }
    assert ask(called(line, result=result), django_capture_on_commit_callbacks)
    [letter] = mail.outbox
    assert letter.to == ["desk@example.org"]
    assert "2026-12-01 15:00 · 커트 · 김민수" in letter.body
    assert "인공지능" in letter.body


@pytest.mark.parametrize("result", [{}, {"facts": [], "messages": []}])
def test_where_nothing_was_left_nothing_is_sent(
    line: ReceptionLine, result: dict[str, Any], django_capture_on_commit_callbacks: Any
) -> None:
    call = called(line, result=result)
    assert not ask(call, django_capture_on_commit_callbacks)
    assert not mail.outbox


def test_a_line_that_is_not_to_send_sends_nothing(
    line: ReceptionLine, django_capture_on_commit_callbacks: Any
) -> None:
    line.sends_messages = False
    line.save()
    assert not ask(called(line), django_capture_on_commit_callbacks)
    assert not ask(make_call(line.owner), django_capture_on_commit_callbacks)


def test_who_was_put_through_to_nobody_is_told_of(
    line: ReceptionLine, django_capture_on_commit_callbacks: Any
) -> None:
    call = called(line, result={})
    with django_capture_on_commit_callbacks(execute=True):
        reception.record_transfer(call.pk, is_connected=False)
    [letter] = mail.outbox
    assert "nobody answered" in letter.subject


def test_a_letter_that_is_not_taken_is_tried_again_and_given_up_in_the_end(
    line: ReceptionLine,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SMTPException("no such box alice@example.org")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    call = called(line)
    ask(call, django_capture_on_commit_callbacks)
    row = Letter.objects.get()
    assert (row.state, row.attempts, row.code) == ("pending", 1, "SMTPException")
    letters.tend()  # it is not due yet
    row.refresh_from_db()
    assert row.attempts == 1
    for _ in letters.PAUSES:
        Letter.objects.update(due_at=timezone.now())
        letters.tend()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("failed", len(letters.PAUSES) + 1)
    assert "alice@example.org" not in caplog.text

"""What a call's page and the admin say about its line."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls import services
from calls.models import Call, Status
from calls.quality import LineQuality
from calls.tests.factories import make_call, make_user
from wigvo.models import User

REPORT = {
    "echo_delay_ms": 184,
    "echo_locks": 1,
    "echo_slips": 2,
    "echo_lost_ms": 1240,
    "echo_heard": 3,
    "playout_lag_max_ms": 5600,
    "frames_missing": 40,
    "frames_late": 10,
}


@pytest.fixture
def call(alice: User) -> Call:
    return make_call(alice, status=Status.COMPLETED, answered_at=timezone.now())


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def page_of(client: Client, call: Call) -> str:
    return client.get(f"/calls/{call.pk}/").content.decode()


def test_a_call_without_a_report_says_so(alices: Client, call: Call) -> None:
    html = page_of(alices, call)
    assert "How good the line was" in html
    assert "Nothing was measured in this call." in html
    assert "Our own words that came back" not in html


@pytest.mark.parametrize("fields", [{"status": Status.BUSY}, {"status": Status.DRAFT}])
def test_a_call_without_a_line_does_not_speak_of_it(
    alices: Client, alice: User, fields: dict[str, Any]
) -> None:
    assert "How good the line was" not in page_of(alices, make_call(alice, **fields))


def test_echoes_are_counted_even_without_a_report(alices: Client, call: Call) -> None:
    for at_ms in (1000, 2000):
        services.append_event(call.pk, "echo_heard", {"at_ms": at_ms})
    services.append_event(call.pk, "interruption", {"at_ms": 3000})
    html = page_of(alices, call)
    assert "2 ×, not interpreted" in html
    assert "Covered by echo" not in html


def test_the_report_is_shown_in_words_and_seconds(alices: Client, call: Call) -> None:
    services.append_event(call.pk, "line_report", REPORT)
    html = page_of(alices, call)
    assert "3 ×, not interpreted" in html
    assert "184 ms after our own sound" in html
    assert "1.2 s of the other side" in html  # covered by echo
    assert "1.0 s of the other side" in html  # 50 packets lost or late
    assert "<dd>5.6 s</dd>" in html


def test_a_line_without_echo_has_none(alices: Client, call: Call) -> None:
    report = REPORT | {"echo_delay_ms": None, "echo_heard": 0}
    services.append_event(call.pk, "line_report", report)
    html = page_of(alices, call)
    assert "<dt>Echo</dt><dd>None</dd>" in html
    assert "<dd>Never</dd>" in html


@pytest.mark.parametrize(
    "report", [{}, {"echo_slips": "many", "frames_late": None, "later_figure": 1}]
)
def test_figures_that_are_missing_or_strange_are_left_out(
    alices: Client, call: Call, report: dict[str, object]
) -> None:
    services.append_event(call.pk, "line_report", report)
    line = LineQuality.of(call)
    assert line.is_known
    assert (line.echo_slips, line.missing_s, line.echo_lost_s) == (None, None, None)
    assert "Changes of the echo" not in page_of(alices, call)


def test_one_query_reads_the_line_of_a_call(
    call: Call, django_assert_num_queries: Any
) -> None:
    for at_ms in range(5):
        services.append_event(call.pk, "echo_heard", {"at_ms": at_ms})
    with django_assert_num_queries(1):
        assert LineQuality.of(call).echo_heard == 5


def test_support_sees_every_figure_and_changes_none(call: Call) -> None:
    support = Client()
    support.force_login(make_user("support", is_staff=True, is_superuser=True))
    url = reverse("admin:calls_call_change", args=[call.pk])
    assert "echo_locks" not in support.get(url).content.decode()
    services.append_event(call.pk, "line_report", REPORT)
    html = support.get(url).content.decode()
    assert "&quot;echo_locks&quot;: 1" in html
    assert 'name="line_text"' not in html

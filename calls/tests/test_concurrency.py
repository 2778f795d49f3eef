"""Twenty threads at once: nothing is lost, nothing happens twice."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from django.db import connection

from calls import services
from calls.models import Call, CallEvent, IdempotencyKey, Status, Utterance
from calls.services import CallRefused
from calls.tests.factories import RESTAURANT, make_call, make_user
from calls.tests.threads import at_once, elsewhere, shared_database
from calls.tickets import issue_ticket, redeem_ticket
from wigvo.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

THREADS = 20
NODE = "http://127.0.0.1:8000"


def draft(owner: User) -> Call:
    return services.create_call(
        owner=owner, to_number=RESTAURANT, caller_language="en", callee_language="ko"
    )


def test_the_threads_use_the_database_as_production_does(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("concerns SQLite")

    def look() -> tuple[str, str]:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            journal = cursor.fetchone()[0]
            cursor.execute("PRAGMA database_list")
            return journal, cursor.fetchone()[2]

    with shared_database(tmp_path):
        assert elsewhere(look) == ("wal", str(tmp_path / "threads.sqlite3"))


def test_twenty_threads_write_at_once(tmp_path: Path) -> None:
    call = make_call(make_user(), status=Status.QUEUED)
    rounds = 5

    def write(n: int) -> None:
        for i in range(rounds):
            services.record_status(call.pk, Status.RINGING, sequence=1)
            services.append_event(call.pk, "latency", {"thread": n, "round": i})
            services.store_utterance(
                call.pk,
                utterance_id=f"u{i}",
                leg="callee",
                original=f"{n}",
                translation="",
                started_ms=i * 1000,
            )
            services.record_status(call.pk, Status.IN_PROGRESS, sequence=2)
        services.record_status(call.pk, Status.COMPLETED, sequence=3)

    with shared_database(tmp_path):
        assert at_once(THREADS, write) == [None] * THREADS
        kinds, statuses, utterances, ended = elsewhere(
            lambda: (
                Counter(CallEvent.objects.values_list("kind", flat=True)),
                [e.data["status"] for e in CallEvent.objects.filter(kind="status")],
                Utterance.objects.count(),
                Call.objects.get().status,
            )
        )
    assert kinds["latency"] == THREADS * rounds
    # However they were mixed, each step was taken once and in order.
    assert statuses in (
        ["ringing", "in_progress", "completed"],
        ["in_progress", "completed"],
    )
    assert utterances == rounds
    assert ended == Status.COMPLETED


def test_one_of_twenty_starts_dials(tmp_path: Path) -> None:
    alice = make_user()
    call_id = draft(alice).pk

    def claim(_: int) -> bool:
        return services.claim(call_id, user=alice, node_url=NODE)[1]

    with shared_database(tmp_path):
        assert Counter(at_once(THREADS, claim)) == {True: 1, False: THREADS - 1}


def test_twenty_starts_of_different_calls_leave_one_call_live(tmp_path: Path) -> None:
    alice = make_user()
    call_ids = [draft(alice).pk for _ in range(THREADS)]

    def claim(n: int) -> bool:
        return services.claim(call_ids[n], user=alice, node_url=NODE)[1]

    with shared_database(tmp_path):
        results = at_once(THREADS, claim)
        live = elsewhere(lambda: Call.objects.live().count())
    assert live == 1
    assert results.count(True) == 1
    refused = [r for r in results if isinstance(r, CallRefused)]
    assert {r.code for r in refused} == {"live_call_limit"}
    assert len(refused) == THREADS - 1


def test_one_key_creates_one_call(tmp_path: Path) -> None:
    alice = make_user()

    def create(_: int) -> UUID:
        return services.once(alice, "key", {"a": 1}, lambda: draft(alice))[0].pk

    with shared_database(tmp_path):
        results = at_once(THREADS, create)
        counts = elsewhere(
            lambda: (Call.objects.count(), IdempotencyKey.objects.count())
        )
    assert len(set(results)) == 1
    assert isinstance(results[0], UUID)
    assert counts == (1, 1)


def test_one_ticket_lets_one_of_twenty_in(tmp_path: Path) -> None:
    alice = make_user()
    call = draft(alice)
    ticket, _ = issue_ticket(call.pk, alice.pk)
    results = at_once(THREADS, lambda _: redeem_ticket(ticket, call.pk))
    assert Counter(results) == {alice.pk: 1, None: THREADS - 1}


def test_starts_are_counted_exactly() -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False):
        results = at_once(THREADS, lambda _: services.count_in_minute("test"))
    assert Counter(results) == dict.fromkeys(range(1, THREADS + 1), 1)

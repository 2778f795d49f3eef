"""Finding calls: by what they were, and by what was said in them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calls import services
from calls.models import Call, Correction, Status
from calls.tests.factories import CLINIC, make_call
from wigvo.models import User

HTMX = {"HX-Request": "true"}


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def say(call: Call, original: str, translation: str, key: str = "u1") -> None:
    services.store_utterance(
        call.pk,
        utterance_id=key,
        leg="callee",
        original=original,
        translation=translation,
        started_ms=0,
    )


@pytest.fixture
def calls(alice: User, bob: User) -> dict[str, Call]:
    made = {
        "clinic": make_call(
            alice,
            status=Status.COMPLETED,
            outcome="success",
            to_number=CLINIC,
            callee_name="Seoul Clinic",
            summary="The doctor sees you on Sunday.",
            created_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
        ),
        "shop": make_call(
            alice,
            status=Status.NO_ANSWER,
            outcome="unreachable",
            mode="text",
            callee_language="ja",
            created_at=datetime(2026, 11, 19, 8, tzinfo=UTC),
        ),
        "caller": make_call(
            alice,
            status=Status.COMPLETED,
            direction="inbound",
            from_number="+821012345678",
            created_at=datetime(2026, 11, 1, 8, tzinfo=UTC),
        ),
        "bob": make_call(bob, status=Status.COMPLETED, callee_name="Seoul Clinic"),
    }
    say(
        made["clinic"], "여권과 보험증을 가지고 오세요.", "Bring your passport, please."
    )
    say(made["bob"], "여권", "passport")
    return made


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["clinic", "shop", "caller"]),
    ({"q": "PASSPORT"}, ["clinic"]),
    ({"q": "보험증"}, ["clinic"]),
    ({"q": "seoul clin"}, ["clinic"]),
    ({"q": "sunday"}, ["clinic"]),
    ({"q": "02-555-0102"}, ["clinic"]),
    ({"q": "+82 2 555 0102"}, ["clinic"]),
    ({"q": "010 1234"}, ["caller"]),
    ({"q": "%"}, []),
    ({"q": "nobody said this"}, []),
    ({"status": "no_answer"}, ["shop"]),
    ({"outcome": "success"}, ["clinic"]),
    ({"mode": "text"}, ["shop"]),
    ({"direction": "inbound"}, ["caller"]),
    ({"language": "ja"}, ["shop"]),
    ({"language": "en", "status": "completed"}, ["clinic", "caller"]),
    ({"since": "2026-11-20"}, ["clinic"]),
    ({"until": "2026-11-19"}, ["shop", "caller"]),
    ({"since": "2026-11-19", "until": "2026-11-20"}, ["clinic", "shop"]),
]


@pytest.mark.parametrize(("wanted", "names"), FILTERS)
def test_the_page_finds_them(
    alices: Client, calls: dict[str, Call], wanted: dict[str, str], names: list[str]
) -> None:
    page = alices.get("/calls/", wanted)
    assert page.context["calls"] == [calls[name] for name in names]


@pytest.mark.parametrize(("wanted", "names"), FILTERS)
def test_rest_finds_the_same(
    alices: Client, calls: dict[str, Call], wanted: dict[str, str], names: list[str]
) -> None:
    found = alices.get("/api/calls", wanted).json()["items"]
    assert [item["id"] for item in found] == [str(calls[name].pk) for name in names]


@pytest.mark.parametrize(
    "wanted",
    [{"status": "great"}, {"since": "yesterday"}, {"language": "klingon"}],
)
def test_what_cannot_be_understood_is_no_wish_on_the_page_and_422_in_rest(
    alices: Client, calls: dict[str, Call], wanted: dict[str, str]
) -> None:
    assert len(alices.get("/calls/", wanted).context["calls"]) == 3
    assert alices.get("/api/calls", wanted).status_code == 422


def test_a_corrected_word_is_found(
    alices: Client, calls: dict[str, Call], alice: User
) -> None:
    Correction.objects.create(
        utterance=calls["clinic"].utterances.get(),
        part="translation",
        before="Bring your passport, please.",
        text="Bring your identity card.",
        by=alice,
    )
    page = alices.get("/calls/", {"q": "identity"})
    assert page.context["calls"] == [calls["clinic"]]


def test_a_call_found_by_its_words_shows_them_and_leads_to_them(
    alices: Client, calls: dict[str, Call]
) -> None:
    html = alices.get("/calls/", {"q": "passport"}).content.decode()
    assert "“Bring your passport, please.”" in html
    assert f"/calls/{calls['clinic'].pk}/?q=passport" in html
    page = alices.get(f"/calls/{calls['clinic'].pk}/?q=passport").content.decode()
    assert 'value="passport"' in page


def test_a_long_text_is_shown_around_the_words(
    alices: Client, calls: dict[str, Call]
) -> None:
    say(calls["shop"], "x", "blah " * 100 + "umbrella " + "blah " * 100, "u2")
    html = alices.get("/calls/", {"q": "umbrella"}).content.decode()
    assert "“… " in html
    assert " …”" in html
    assert "umbrella" in html


def test_nothing_found_is_said_with_a_way_back(
    alices: Client, calls: dict[str, Call]
) -> None:
    html = alices.get("/calls/", {"q": "nothing like it"}).content.decode()
    assert "No such call" in html
    assert "Show all calls" in html
    assert 'value="nothing like it"' in html


def test_calls_that_go_on_are_above_all_others_and_there_once(
    alices: Client, calls: dict[str, Call], alice: User
) -> None:
    live = make_call(
        alice, status=Status.IN_PROGRESS, created_at=timezone.now() - timedelta(1)
    )
    page = alices.get("/calls/")
    assert list(page.context["live"]) == [live]
    assert live not in page.context["calls"]
    assert page.content.decode().count(f"/calls/{live.pk}/") == 1
    found = alices.get("/calls/", {"status": "in_progress"})
    assert found.context["calls"] == [live]


def test_a_page_of_found_calls_goes_on_with_the_same_wish(
    alices: Client, alice: User
) -> None:
    for n in range(25):
        make_call(
            alice,
            status=Status.COMPLETED,
            callee_name=f"Shop {n}",
            created_at=timezone.now() - timedelta(minutes=n),
        )
        make_call(alice, status=Status.FAILED)
    html = alices.get("/calls/", {"q": "shop", "status": "completed"}).content.decode()
    assert "q=shop&amp;status=completed&amp;before=" in html
    last = Call.objects.filter(callee_name="Shop 19").get()
    more = alices.get(
        "/calls/", {"q": "shop", "status": "completed", "before": str(last.pk)}
    )
    assert [c.callee_name for c in more.context["calls"]] == [
        f"Shop {n}" for n in range(20, 25)
    ]


def test_while_typing_only_the_list_changes(
    alices: Client, calls: dict[str, Call]
) -> None:
    html = alices.get(
        "/calls/", {"q": "passport"}, headers={**HTMX, "HX-Target": "history"}
    ).content.decode()
    assert html.strip().startswith('<div id="history">')
    assert "<form" not in html


def test_finding_does_not_ask_once_per_call(
    alices: Client, alice: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(15):
        say(make_call(alice, status=Status.COMPLETED), "여권", "passport")
    with django_assert_max_num_queries(6):
        alices.get("/calls/", {"q": "passport"})

"""The pages of a call: who sees what, in both languages."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from calls.models import Call, Leg, Mode, Status, Utterance
from calls.tests.factories import CLINIC, RESTAURANT, make_call, make_user
from calls.texts import CALL_TEXTS, MODES
from wigvo.models import User

HTMX = {"HX-Request": "true"}


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def call_form(**changes: str) -> dict[str, str]:
    return {
        "country": "KR",
        "number": "02-555-0101",
        "callee_name": "Seoul Restaurant",
        "caller_language": "en",
        "callee_language": "ko",
        "mode": "voice",
        **changes,
    }


# --- A new call ----------------------------------------------------------------------


def test_a_stranger_sees_the_front_door(client: Client, db: None) -> None:
    page = client.get("/")
    assert "Call anyone, in your own language" in page.content.decode()


def test_a_stranger_cannot_create_a_call(client: Client, db: None) -> None:
    client.post("/", call_form())
    assert not Call.objects.exists()


def test_a_member_starts_with_korea_and_korean(alices: Client) -> None:
    form = alices.get("/").context["form"]
    assert form["country"].value() == "KR"
    assert form["caller_language"].value() == "en"
    assert form["callee_language"].value() == "ko"


def test_a_korean_reader_starts_with_korean(alices: Client) -> None:
    form = alices.get("/", headers={"Accept-Language": "ko"}).context["form"]
    assert form["caller_language"].value() == "ko"
    assert form["callee_language"].value() != "ko"


def test_it_remembers_the_languages_of_the_last_call(
    alices: Client, alice: User
) -> None:
    make_call(alice, caller_language="ja", callee_language="vi")
    form = alices.get("/").context["form"]
    assert form["caller_language"].value() == "ja"
    assert form["callee_language"].value() == "vi"


def test_a_mode_that_is_refused_is_said_at_its_field_and_nothing_is_lost(
    alices: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calls.services.SUPPORTED_MODES", frozenset({Mode.VOICE}))
    page = alices.post("/", call_form(mode="agent", goal="A table for two"))
    assert page.status_code == 422
    assert "not possible yet" in str(page.context["form"].errors["mode"])
    html = page.content.decode()
    assert re.search(r'value="agent"[^>]*checked', html)
    assert "A table for two</textarea>" in html
    assert 'value="02-555-0101"' in html


def test_every_mode_says_what_each_side_hears(alices: Client) -> None:
    html = alices.get("/").content.decode()
    for text in MODES:
        assert f'value="{text.mode}"' in html
        assert str(text.they_hear) in html
        assert str(text.you_hear) in html


def test_it_creates_a_draft_and_goes_to_it(alices: Client, alice: User) -> None:
    answer = alices.post("/", call_form())
    call = Call.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/calls/{call.pk}/"
    assert call.owner == alice
    assert call.to_number == RESTAURANT
    assert call.status == Status.DRAFT
    assert call.mode == Mode.VOICE
    assert call.callee_name == "Seoul Restaurant"


@pytest.mark.parametrize(
    ("country", "number", "e164"),
    [
        ("KR", "02 555 0101", "+8225550101"),
        ("KR", "010-1234-5678", "+821012345678"),
        ("US", "(212) 555-0147", "+12125550147"),
        ("KR", "+81 3 1234 5678", "+81312345678"),
    ],
)
def test_a_number_is_read_as_it_is_dialled_there(
    alices: Client, country: str, number: str, e164: str
) -> None:
    alices.post("/", call_form(country=country, number=number))
    assert Call.objects.get().to_number == e164


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"number": ""}, "number", "Enter the number"),
        ({"number": "12"}, "number", "network"),
        ({"number": "02-555"}, "number", "not a complete number in South Korea"),
        ({"number": "hello"}, "number", "complete number"),
        ({"number": "119"}, "number", "In Korea, send a text"),
        ({"number": "060-700-1234"}, "number", "charges extra"),
        ({"number": "+39 06 1234 5678"}, "number", "country are not allowed"),
        ({"callee_language": "xx"}, "callee_language", "valid choice"),
        ({"country": "XX"}, "country", "valid choice"),
        ({"mode": "telepathy"}, "mode", "valid choice"),
        ({"mode": "agent"}, "goal", "Say what the assistant is to do"),
    ],
)
def test_what_cannot_be_called_is_said_at_its_field(
    alices: Client, changes: dict[str, str], field: str, sentence: str
) -> None:
    page = alices.post("/", call_form(**changes))
    assert page.status_code == 422
    assert sentence in str(page.context["form"].errors[field])
    assert not Call.objects.exists()


def test_an_error_is_shown_next_to_the_number_and_what_was_typed_stays(
    alices: Client,
) -> None:
    html = alices.post("/", call_form(number="119")).content.decode()
    assert 'value="119"' in html
    assert html.count("In Korea, send a text message") == 1


def test_an_unverified_person_is_told_what_to_do(client: Client, db: None) -> None:
    client.force_login(make_user("dora", verified=False))
    page = client.post("/", call_form())
    assert page.status_code == 422
    assert "Confirm your e-mail address first" in page.content.decode()


def test_calling_again_fills_the_form_in(alices: Client, alice: User) -> None:
    call = make_call(alice, status=Status.BUSY, callee_name="Restaurant")
    form = alices.get(f"/?again={call.pk}").context["form"]
    assert form["number"].value() == "02-555-0101"
    assert form["callee_name"].value() == "Restaurant"


def test_calling_again_does_not_tell_whom_others_called(
    client: Client, alice: User, bob: User
) -> None:
    client.force_login(bob)
    page = client.get(f"/?again={make_call(alice).pk}")
    assert "555-0101" not in page.content.decode()
    assert not page.context["form"]["number"].value()


@pytest.mark.parametrize("again", ["", "nonsense", "../", "0"])
def test_an_address_that_names_no_call_is_harmless(alices: Client, again: str) -> None:
    assert alices.get("/", {"again": again}).status_code == 200


# --- The number while it is typed ----------------------------------------------------


def test_a_number_is_explained_while_it_is_typed(alices: Client) -> None:
    form = {"country": "KR", "number": "025550101"}
    html = alices.post("/number/", form, headers=HTMX).content.decode()
    assert "+82 2-555-0101" in html
    assert "South Korea" in html
    assert "<html" not in html


def test_an_unfinished_number_is_a_hint_and_not_an_error(alices: Client) -> None:
    form = {"country": "KR", "number": "02555"}
    html = alices.post("/number/", form, headers=HTMX).content.decode()
    assert "feedback__hint" in html
    assert "feedback__wrong" not in html


def test_an_emergency_number_is_an_error_at_once(alices: Client) -> None:
    form = {"country": "KR", "number": "112"}
    html = alices.post("/number/", form, headers=HTMX).content.decode()
    assert "feedback__wrong" in html


def test_numbers_are_explained_to_members_only(client: Client, db: None) -> None:
    assert client.post("/number/", {"country": "KR", "number": "1"}).status_code == 302
    assert client.get("/number/").status_code == 405


# --- History -------------------------------------------------------------------------


def test_history_needs_a_login(client: Client, db: None) -> None:
    answer = client.get("/calls/")
    assert answer["Location"].startswith("/accounts/login/")


def test_an_empty_history_says_what_to_do(alices: Client) -> None:
    assert "Make your first call" in alices.get("/calls/").content.decode()


def test_history_shows_my_calls_and_nobody_elses(
    alices: Client, alice: User, bob: User
) -> None:
    make_call(alice, callee_name="My restaurant")
    make_call(bob, callee_name="Their restaurant")
    html = alices.get("/calls/").content.decode()
    assert "My restaurant" in html
    assert "Their restaurant" not in html


def test_history_pages_from_newest_to_oldest_without_gaps(
    alices: Client, alice: User
) -> None:
    now = timezone.now()
    calls = [make_call(alice, created_at=now - timedelta(minutes=n)) for n in range(45)]
    seen: list[Call] = []
    address = "/calls/"
    for size in (20, 20, 5):
        page = alices.get(address)
        assert len(page.context["calls"]) == size
        seen += page.context["calls"]
        address = f"/calls/?before={seen[-1].pk}"
    assert seen == calls
    assert not page.context["has_more"]


def test_older_calls_come_as_a_fragment(alices: Client, alice: User) -> None:
    newest = make_call(alice, callee_name="Newest")
    make_call(
        alice,
        callee_name="Older",
        created_at=newest.created_at - timedelta(hours=1),
    )
    answer = alices.get(f"/calls/?before={newest.pk}", headers=HTMX)
    html = answer.content.decode()
    assert "Older" in html
    assert "Newest" not in html
    assert "<html" not in html
    assert "HX-Request" in answer["Vary"]


def test_history_takes_as_many_queries_for_many_calls_as_for_one(
    alices: Client, alice: User, django_assert_max_num_queries: object
) -> None:
    for _ in range(15):
        make_call(alice)
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        alices.get("/calls/")


# --- One call ------------------------------------------------------------------------


def test_a_strangers_call_does_not_exist(
    client: Client, alice: User, bob: User
) -> None:
    call = make_call(alice)
    client.force_login(bob)
    assert client.get(f"/calls/{call.pk}/").status_code == 404
    assert client.get(f"/calls/{uuid4()}/").status_code == 404


def test_a_call_needs_a_login(client: Client, alice: User) -> None:
    assert client.get(f"/calls/{make_call(alice).pk}/").status_code == 302


@pytest.mark.parametrize(
    ("status", "has_way"), [(Status.DRAFT, True), (Status.IN_PROGRESS, False)]
)
def test_who_prepares_a_call_finds_the_way_back_to_the_one_that_goes_on(
    alices: Client, alice: User, status: Status, has_way: bool
) -> None:
    call = make_call(alice, status=status)
    page = alices.get(call.get_absolute_url()).content.decode()
    assert ('id="live-calls"' in page) == has_way


@pytest.mark.parametrize("status", [Status.DRAFT, Status.RINGING, Status.IN_PROGRESS])
def test_a_call_that_can_be_joined_shows_the_live_page(
    alices: Client, alice: User, status: Status
) -> None:
    call = make_call(alice, status=status)
    page = alices.get(f"/calls/{call.pk}/")
    html = page.content.decode()
    assert f'data-start-url="/api/calls/{call.pk}/start"' in html
    assert f"/calls/{call.pk}/captions?language=en" in html
    assert f'data-status="{status}"' in html


@pytest.mark.parametrize(
    ("status", "reason", "sentence"),
    [
        (Status.COMPLETED, "hung_up_by_callee", "The other side hung up."),
        (Status.BUSY, "busy", "Try again in a few minutes."),
        (Status.NO_ANSWER, "no_answer", "Nobody answered."),
        (Status.FAILED, "invalid_number", "Check the number"),
        (Status.FAILED, "engine_refused", "nobody was called"),
    ],
)
def test_a_call_that_is_over_says_why_and_what_next(
    alices: Client, alice: User, status: Status, reason: str, sentence: str
) -> None:
    call = make_call(alice, status=status, reason=reason)
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    assert sentence in html
    assert f"/?again={call.pk}" in html
    assert "js/call/page.js" not in html


def test_the_transcript_shows_both_texts_in_the_order_they_were_said(
    alices: Client, alice: User
) -> None:
    call = make_call(alice, status=Status.COMPLETED)
    for started_ms, leg, original, translation in (
        (9000, Leg.CALLER, "A table for four, please.", "네 명 자리 부탁합니다."),
        (1000, Leg.CALLEE, "안녕하세요.", "Hello."),
    ):
        Utterance.objects.create(
            call=call,
            utterance_id=f"u{started_ms}",
            leg=leg,
            original=original,
            translation=translation,
            started_ms=started_ms,
        )
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    texts = ["Hello.", "안녕하세요.", "A table for four, please.", "네 명 자리"]
    places = [html.index(text) for text in texts]
    assert places == sorted(places)
    assert '<p class="caption__main" lang="en">Hello.</p>' in html
    assert '<p class="caption__other" lang="ko">안녕하세요.</p>' in html


def test_what_was_said_cannot_become_markup(alices: Client, alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED, callee_name="<b>x</b>")
    Utterance.objects.create(
        call=call,
        utterance_id='"><script>',
        leg=Leg.CALLEE,
        original="<script>alert(1)</script>",
        translation="<img src=x>",
        started_ms=1,
    )
    html = alices.get(f"/calls/{call.pk}/").content.decode()
    for markup in ("<script>alert", "<img", "<b>x"):
        assert markup not in html


def test_the_end_of_a_live_call_comes_as_a_fragment(
    alices: Client, alice: User
) -> None:
    call = make_call(
        alice,
        status=Status.COMPLETED,
        reason="time_limit",
        answered_at=timezone.now(),
    )
    html = alices.get(f"/calls/{call.pk}/", headers=HTMX).content.decode()
    assert "longest allowed time" in html
    assert "Open the transcript" in html
    assert "<html" not in html


def test_a_call_that_nobody_took_offers_no_transcript(
    alices: Client, alice: User
) -> None:
    call = make_call(alice, status=Status.BUSY, reason="busy")
    html = alices.get(f"/calls/{call.pk}/", headers=HTMX).content.decode()
    assert "Open the transcript" not in html
    assert "Call again" in html


def test_the_end_is_asked_for_again_until_it_is_stored(
    alices: Client, alice: User
) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    html = alices.get(f"/calls/{call.pk}/", headers=HTMX).content.decode()
    assert 'hx-trigger="load delay:1s"' in html


def test_the_live_page_brings_its_sentences_in_the_readers_language(
    alices: Client, alice: User
) -> None:
    call = make_call(alice, to_number=CLINIC)
    address = f"/calls/{call.pk}/"
    english = alices.get(address).context["texts"]
    korean = alices.get(address, headers={"Accept-Language": "ko"}).context["texts"]
    assert english.keys() == korean.keys()
    assert all(korean[name] != english[name] for name in english)


def test_the_script_finds_every_sentence_it_names() -> None:
    scripts = Path(settings.BASE_DIR, "static/js/call").glob("*.js")
    named = set[str]()
    for script in scripts:
        if not script.name.endswith(".test.js"):
            named |= set(re.findall(r"texts\.(?!py\b)(\w+)", script.read_text("utf-8")))
    assert named
    assert named <= set(CALL_TEXTS)


def test_without_a_microphone_a_call_is_typed(
    client: Client, alice: User, bob: User
) -> None:
    draft, live = make_call(alice), make_call(alice, status=Status.IN_PROGRESS)
    client.force_login(alice)
    for call in (draft, live):
        answer = client.post(f"{call.get_absolute_url()}type/")
        assert answer["Location"] == f"{call.get_absolute_url()}#start"
    draft.refresh_from_db()
    live.refresh_from_db()
    assert (draft.mode, live.mode) == (Mode.TEXT, Mode.VOICE)
    client.force_login(bob)
    assert client.post(f"{draft.get_absolute_url()}type/").status_code == 404

"""The page of numbers that somebody keeps."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calls.models import Call, Status
from calls.tests.factories import make_call, make_user
from places import directory
from places.models import Contact
from wigvo.models import User

CLINIC = {
    "name": "Clinic",
    "country": "KR",
    "number": "02-555-0102",
    "language": "ko",
}
NUMBER = "+8225550102"


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def keep(user: User, **facts: Any) -> Contact:
    return Contact.objects.create(
        owner=user, **{"name": "Clinic", "phone_number": NUMBER, **facts}
    )


def called(user: User, number: str, name: str = "") -> Call:
    return make_call(
        user,
        to_number=number,
        callee_name=name,
        status=Status.COMPLETED,
        queued_at=timezone.now(),
    )


def html_of(client: Client, path: str = "/directory/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_strangers_have_none(client: Client, db: None) -> None:
    assert client.get("/directory/").status_code == 302
    assert client.post("/directory/add/", CLINIC).status_code == 302


def test_an_empty_one_says_how_it_fills(alices: Client) -> None:
    html = html_of(alices)
    assert "No numbers yet" in html
    assert '<details class="card contact-new" open>' in html


def test_a_number_is_added_by_hand(alices: Client, alice: User) -> None:
    assert alices.post("/directory/add/", CLINIC)["Location"] == "/directory/"
    [contact] = Contact.objects.for_user(alice)
    assert (contact.name, str(contact.phone_number)) == ("Clinic", NUMBER)
    html = html_of(alices)
    assert "+82 2-555-0102" in html
    assert "Korean" in html


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": "12"}, "id_number"),
        ({"number": "119"}, "id_number"),
        ({"name": ""}, "id_name"),
    ],
)
def test_what_cannot_be_called_is_not_kept(
    alices: Client, changes: dict[str, str], said: str
) -> None:
    answer = alices.post("/directory/add/", CLINIC | changes)
    assert answer.status_code == 422
    assert f'id="{said}"' in answer.content.decode()
    assert "errorlist" in answer.content.decode()
    assert not Contact.objects.exists()


def test_a_number_is_changed_and_starred(alices: Client, alice: User) -> None:
    contact = keep(alice)
    html = html_of(alices, f"/directory/?edit={contact.pk}")
    assert 'id="edit_name"' in html
    path = f"/directory/{contact.pk}/"
    alices.post(path, CLINIC | {"name": "Dr Kim", "language": "en"})
    contact.refresh_from_db()
    assert (contact.name, contact.language) == ("Dr Kim", "en")
    assert 'aria-pressed="true"' in html_of(alices)
    alices.post(f"{path}star/")
    contact.refresh_from_db()
    assert not contact.is_favourite
    html = html_of(alices)
    assert "Others" in html
    assert "Favourites" not in html


def test_one_number_is_there_once(alices: Client, alice: User) -> None:
    keep(alice)
    other = keep(alice, name="Shop", phone_number="+8225550103")
    answer = alices.post(f"/directory/{other.pk}/", CLINIC)
    assert answer.status_code == 422
    assert "in your directory already" in answer.content.decode()
    other.refresh_from_db()
    assert str(other.phone_number) == "+8225550103"


def test_what_was_removed_comes_back(alices: Client, alice: User) -> None:
    contact = keep(alice, address="Seoul", language="ko", is_favourite=False)
    answer = alices.post(
        f"/directory/{contact.pk}/remove/", headers={"HX-Request": "true"}
    )
    html = answer.content.decode()
    assert "“Clinic” was removed." in html
    assert "<html" not in html
    assert not Contact.objects.exists()
    alices.post("/directory/restore/")
    back = Contact.objects.get()
    assert (back.pk, back.address, back.is_favourite) == (contact.pk, "Seoul", False)
    assert "was removed" not in html_of(alices)
    alices.post("/directory/restore/")
    assert Contact.objects.count() == 1


def test_nobody_touches_the_numbers_of_others(alices: Client) -> None:
    bob = make_user("bob")
    contact, call = keep(bob), called(bob, NUMBER)
    for path in ("", "star/", "remove/"):
        answer = alices.post(f"/directory/{contact.pk}/{path}", CLINIC)
        assert answer.status_code == 404
    assert alices.get(f"/directory/{contact.pk}/call/").status_code == 404
    assert alices.post(f"/directory/keep/{call.pk}/").status_code == 404
    assert "Clinic" not in html_of(alices)
    assert not Contact.objects.exclude(owner=bob).exists()


def test_who_was_called_lately_is_kept_or_called_again(
    alices: Client, alice: User
) -> None:
    call = called(alice, NUMBER, "Clinic")
    html = html_of(alices)
    assert f'href="/?again={call.pk}"' in html
    alices.post(f"/directory/keep/{call.pk}/")
    [contact] = Contact.objects.for_user(alice)
    assert (contact.name, contact.language) == ("Clinic", call.callee_language)
    assert f"/directory/keep/{call.pk}/" not in html_of(alices)


def test_calling_from_it_fills_the_form_in(alices: Client, alice: User) -> None:
    contact = keep(alice, language="ja")
    assert NUMBER not in contact.pk.hex
    html = html_of(alices, f"/directory/{contact.pk}/call/")
    assert re.search(r'id="id_callee_name"[^>]*', html)
    form = alices.get(f"/directory/{contact.pk}/call/").context["form"]
    assert form["number"].value() == "02-555-0102"
    assert form["country"].value() == "KR"
    assert form["callee_name"].value() == "Clinic"
    assert form["callee_language"].value() == "ja"


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("clin", True),
        ("gangnam CLINIC", True),
        ("02-555 0102", True),
        ("+82 2 555", True),
        ("shop", False),
        ("9999", False),
        ("", True),
    ],
)
def test_searching(query: str, is_found: bool) -> None:
    texts = ("Clinic", NUMBER, "doctor", "Gangnam, Seoul")
    assert directory.matches(query, *texts) is is_found


def test_what_is_not_found_is_said(alices: Client, alice: User) -> None:
    keep(alice)
    html = html_of(alices, "/directory/?q=shop")
    assert "Nothing found" in html
    assert "Clinic" not in html
    assert "Clinic" in html_of(alices, "/directory/?q=555")

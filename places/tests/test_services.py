"""Places asked for once, named once, the likeliest first; and the directory."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from calls.models import Status
from calls.tests.factories import CLINIC, RESTAURANT, make_call, make_user
from places import directory, services
from places.models import Contact, PlaceSearchCache
from places.providers import NotConfigured, Place, ProviderFailed


def place(name: str, number: str | None = RESTAURANT, address: str = "") -> Place:
    return Place(name, "", address, number, "test")


class FakeSearch:
    """A place search that knows what it is told."""

    def __init__(self, *found: Place) -> None:
        self.found = list(found)
        self.asked: list[str] = []
        self.is_on = True

    def is_configured(self) -> bool:
        return self.is_on

    def search(self, query: str) -> list[Place]:
        self.asked.append(query)
        return self.found


@pytest.mark.django_db
def test_the_same_question_is_asked_once() -> None:
    search = FakeSearch(place("한강식당"))
    first = services.search("한강 식당", search)
    assert services.search("한강식당 ", search) == first
    assert search.asked == ["한강 식당"]


@pytest.mark.django_db
def test_an_answer_grows_old_an_empty_one_sooner() -> None:
    search = FakeSearch(place("한강식당"))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        services.search("한강식당", search)
        clock.shift(services.LIFETIME + timedelta(seconds=1))
        services.search("한강식당", search)
        assert len(search.asked) == 2
        search.found = []
        services.search("없는 곳", search)
        clock.shift(services.EMPTY_LIFETIME + timedelta(seconds=1))
        services.search("없는 곳", search)
        assert len(search.asked) == 4
    assert PlaceSearchCache.objects.count() == 2


@pytest.mark.django_db
def test_a_failure_is_not_kept() -> None:
    class Failing(FakeSearch):
        def search(self, query: str) -> list[Place]:
            super().search(query)
            raise ProviderFailed

    search = Failing()
    for _ in range(2):
        with pytest.raises(ProviderFailed):
            services.search("x", search)
    assert len(search.asked) == 2
    search.is_on = False
    with pytest.raises(NotConfigured):
        services.search("x", search)


def test_the_same_place_is_named_once() -> None:
    twice = [place("A", RESTAURANT, "Road 1"), place("A", RESTAURANT, "Lane 2"),
             place("A", None, "Road 1"), place("B", RESTAURANT, "Road 1")]  # fmt: skip
    assert [(p.name, p.address) for p in services.once_each(twice)] == [
        ("A", "Road 1"),
        ("B", "Road 1"),
    ]


def test_the_likeliest_comes_first() -> None:
    found = [
        place("한강식당 본점", None),
        place("한강식당 2호점"),
        place("한강식당"),
        place("강남 카페"),
    ]
    names = [p.name for p in services.ranked("한강식당", found)]
    assert names == ["한강식당", "한강식당 2호점", "한강식당 본점", "강남 카페"]


# --- The directory --------------------------------------------------------------------


@pytest.fixture
def alice_client(db: None) -> Client:
    client = Client()
    client.force_login(make_user("alice"))
    return client


def test_a_number_is_kept_changed_and_deleted(alice_client: Client) -> None:
    body = {"name": "Han", "phone_number": "+82 2 555 0101", "language": "ko"}
    kept = alice_client.post("/api/directory", body, "application/json")
    assert kept.status_code == 201
    assert kept.json()["phone_number"] == RESTAURANT
    again = alice_client.post(
        "/api/directory", {**body, "name": "Han River"}, "application/json"
    )
    assert again.json()["id"] == kept.json()["id"]
    address = f"/api/directory/{kept.json()['id']}"
    changed = alice_client.patch(address, {"is_favourite": False}, "application/json")
    assert changed.json()["is_favourite"] is False
    assert changed.json()["name"] == "Han River"
    assert alice_client.delete(address).status_code == 204
    assert alice_client.get("/api/directory").json()["items"] == []


def test_a_number_that_may_not_be_dialled_is_not_kept(alice_client: Client) -> None:
    answer = alice_client.post(
        "/api/directory", {"phone_number": "119"}, "application/json"
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "to_number"


def test_somebody_elses_number_does_not_exist(alice_client: Client) -> None:
    bobs = directory.keep(make_user("bob"), name="x", phone_number=RESTAURANT)
    address = f"/api/directory/{bobs.pk}"
    assert alice_client.delete(address).status_code == 404
    assert alice_client.patch(address, {}, "application/json").status_code == 404
    assert Contact.objects.count() == 1


@pytest.mark.django_db
def test_what_was_called_lately_is_there_once() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    make_call(alice, to_number=CLINIC, status=Status.COMPLETED, callee_name="Clinic")
    make_call(alice, status=Status.COMPLETED, callee_name="Old name")
    make_call(alice, status=Status.BUSY, callee_name="Han")
    make_call(alice, to_number="+8225550103")  # never dialled
    make_call(bob, to_number="+8225550104", status=Status.COMPLETED)
    assert [(one.name, one.phone_number) for one in directory.recent(alice)] == [
        ("Han", RESTAURANT),
        ("Clinic", CLINIC),
    ]


@pytest.mark.django_db
def test_contacts_go_with_their_owner() -> None:
    alice = make_user("alice")
    directory.keep(alice, name="Han", phone_number=RESTAURANT)
    alice.delete()
    assert not Contact.objects.exists()

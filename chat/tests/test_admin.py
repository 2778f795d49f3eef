"""What support sees of conversations."""

import pytest
from django.test import Client
from django.utils.html import escape

from calls.models import Access
from calls.tests.factories import make_user
from chat.catalogue import catalogue
from chat.tests.conftest import FakeAssistant, make_conversation, say
from places.models import PlaceSearchCache
from wigvo.models import User


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(make_user("staff", is_staff=True, is_superuser=True))
    return client


def test_a_conversation_is_read_and_never_changed(
    staff: Client, alice: User, assistant: FakeAssistant
) -> None:
    conversation = make_conversation(alice, scenario="direct_call")
    say(conversation, "02-555-0101")
    listed = staff.get("/admin/chat/conversation/").text
    assert "alice@example.org" in listed
    path = f"/admin/chat/conversation/{conversation.pk}/change/"
    shown = staff.get(path).text
    assert "02-555-0101" in shown
    assert "+8225550101" in shown
    [look] = Access.objects.all()
    assert (look.call_key, look.what) == (conversation.pk, "prepared")
    assert (look.owner_email, look.by_email) == (alice.email, "staff@example.org")
    assert staff.post(path, {"scenario": "x"}).status_code == 403
    assert staff.get("/admin/chat/conversation/add/").status_code == 403


def test_an_answer_of_the_place_search_can_be_forgotten(staff: Client) -> None:
    row = PlaceSearchCache.objects.create(
        query="한강식당", results=[], expires_at="2027-01-01T00:00Z"
    )
    assert "한강식당" in staff.get("/admin/places/placesearchcache/").text
    path = f"/admin/places/placesearchcache/{row.pk}/delete/"
    staff.post(path, {"post": "yes"})
    assert not PlaceSearchCache.objects.exists()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_scenarios_are_shown_with_what_they_ask(
    staff: Client, alice: User, language: str
) -> None:
    make_conversation(alice, scenario="delivery")
    assert "scenarios/" in staff.get("/admin/chat/conversation/").text
    headers = {"Accept-Language": language}
    shown = staff.get("/admin/chat/conversation/scenarios/", headers=headers).text
    for one in catalogue().scenarios.values():
        assert f"<code>{one.id}</code>" in shown
        for name in one.required:
            assert escape(catalogue().fields[name].question[language]) in shown
    assert "?scenario__exact=delivery" in shown
    assert "?scenario__exact=direct_call" not in shown


def test_scenarios_are_for_operators(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/chat/conversation/scenarios/").status_code == 302
    client.force_login(make_user("desk", is_staff=True))
    assert client.get("/admin/chat/conversation/scenarios/").status_code == 403

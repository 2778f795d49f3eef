"""A call can be practised before it is made, and nothing is dialled."""

import pytest
from django.test import Client
from django.urls import reverse

from calls import reconcile, rehearsals
from calls.models import Call, Status
from calls.tests.factories import make_call, make_user

pytestmark = pytest.mark.django_db


def test_a_rehearsal_is_a_draft_of_the_same_call() -> None:
    call = make_call(
        make_user(), mode="text", brief={"goal": "A table."}, opening="Hi.", record=True
    )
    copy = rehearsals.rehearse(call)
    assert copy.is_rehearsal
    assert (copy.status, copy.mode, copy.opening) == (Status.DRAFT, "text", "Hi.")
    assert copy.brief == {"goal": "A table."}
    assert not copy.record
    assert not Call.objects.get(pk=call.pk).is_rehearsal


def test_the_page_of_a_draft_offers_it_and_the_rehearsal_says_what_it_is(
    client: Client,
) -> None:
    user = make_user()
    call = make_call(user)
    client.force_login(user)
    page = client.get(call.get_absolute_url()).content.decode()
    assert "Practise first" in page
    answer = client.post(reverse("calls:rehearse", args=[call.pk]))
    copy = Call.objects.get(is_rehearsal=True)
    assert answer.headers["Location"] == copy.get_absolute_url()
    page = client.get(copy.get_absolute_url()).content.decode()
    assert "Nobody is called." in page
    assert "Practise first" not in page
    assert "Rehearsal" in client.get(reverse("calls:history")).content.decode()


def test_a_stranger_rehearses_nothing(client: Client) -> None:
    call = make_call(make_user())
    client.force_login(make_user("mallory"))
    answer = client.post(reverse("calls:rehearse", args=[call.pk]))
    assert answer.status_code == 404
    assert not Call.objects.filter(is_rehearsal=True).exists()


def test_over_rest(client: Client) -> None:
    user = make_user()
    call = make_call(user)
    client.force_login(user)
    answer = client.post(f"/api/calls/{call.pk}/rehearse")
    assert answer.status_code == 201
    assert answer.json()["is_rehearsal"] is True
    assert answer.json()["id"] != str(call.pk)


def test_one_that_lost_its_session_is_over() -> None:
    call = make_call(
        make_user(), status=Status.IN_PROGRESS, is_rehearsal=True, twilio_sid=None
    )
    reconcile.reconcile(call.node_url, list)
    call.refresh_from_db()
    assert (call.status, call.reason) == (Status.FAILED, "server_restarted")

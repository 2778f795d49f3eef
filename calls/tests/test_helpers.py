"""Reading along by a link: what it opens, for how long, and what it never shows."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from calls import helpers
from calls.captions import CaptionsConsumer
from calls.models import Call, HelperLink, Leg, Status, Utterance
from calls.tests.factories import RESTAURANT, make_call
from wigvo.database import in_database
from wigvo.models import User
from wigvo.notify import viewers_group

ORIGIN = (b"origin", b"http://127.0.0.1:8000")
RINGING = Status.RINGING


def page_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address_in(html: str) -> str:
    """Return the token at the end of the link that a page shows."""
    found = re.search(r'value="http[^"#]*/watch/#([\w-]+)"', html)
    assert found, html
    return found[1]


# --- The link ------------------------------------------------------------------------


def test_a_token_is_kept_as_a_hash_and_opens_its_call(alice: User) -> None:
    call = make_call(alice, status=RINGING)
    link, token = helpers.create(call, hours=1)
    assert len(token) >= 40
    row = HelperLink.objects.values().get()
    assert token not in str(row)
    found = helpers.find(token)
    assert found == link
    assert helpers.find(token + "x") is None
    assert helpers.find("") is None


def test_a_link_ends_with_its_time_with_the_call_or_when_taken_back(
    alice: User,
) -> None:
    call = make_call(alice, status=RINGING)
    link, token = helpers.create(call, hours=1)
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert helpers.find(token) is None
        assert helpers.open_links(call) == []
    assert helpers.find(token)
    Call.objects.filter(pk=call.pk).update(
        status=Status.COMPLETED, ended_at=timezone.now()
    )
    assert helpers.find(token) is None
    with pytest.raises(helpers.CallOverError):
        helpers.create(call, hours=1)
    other = make_call(alice, status=RINGING)
    link, token = helpers.create(other, hours=1)
    helpers.revoke(link)
    assert helpers.find(token) is None


def test_a_call_has_so_many_links_and_one_taken_back_makes_room(alice: User) -> None:
    call = make_call(alice)
    links = [helpers.create(call, hours=1)[0] for _ in range(helpers.MOST_LINKS)]
    with pytest.raises(helpers.TooManyLinksError):
        helpers.create(call, hours=1)
    helpers.revoke(links[0])
    helpers.create(call, hours=1)


# --- The live page -------------------------------------------------------------------


def test_its_maker_sees_the_token_once_and_can_take_it_back(alice: User) -> None:
    call = make_call(alice, status=RINGING)
    page = page_of(alice)
    made = page.post(f"/calls/{call.pk}/helpers/", {"hours": "4"})
    token = address_in(made.content.decode())
    link = helpers.find(token)
    assert link
    left_h = (link.expires_at - timezone.now()).total_seconds() / 3600
    assert 3.9 < left_h <= 4
    later = page.get(f"/calls/{call.pk}/").content.decode()
    assert token not in later
    assert str(link.pk) in later  # to be taken back
    gone = page.post(f"/calls/{call.pk}/helpers/{link.pk}/revoke/").content.decode()
    assert "no longer works" in gone
    assert str(link.pk) not in gone


def test_only_the_owner_of_a_call_makes_and_takes_back_links(
    alice: User, bob: User
) -> None:
    call = make_call(alice, status=RINGING)
    link, token = helpers.create(call, hours=1)
    stranger = page_of(bob)
    assert stranger.post(f"/calls/{call.pk}/helpers/").status_code == 404
    path = f"/calls/{call.pk}/helpers/{link.pk}/revoke/"
    assert stranger.post(path).status_code == 404
    # Nor does the link of one call belong to another one.
    mine = make_call(bob, status=RINGING)
    path = f"/calls/{mine.pk}/helpers/{link.pk}/revoke/"
    assert stranger.post(path).status_code == 404
    assert helpers.find(token)
    assert Client().post(f"/calls/{call.pk}/helpers/").status_code == 302


def test_earlier_captions_are_for_the_owner_and_by_a_link_of_this_call(
    alice: User, bob: User
) -> None:
    call, other = (make_call(alice, status=RINGING) for _ in range(2))
    for n in range(2):
        Utterance.objects.create(
            call=call,
            utterance_id=f"n{n}",
            leg=Leg.CALLEE,
            original=f"Sentence {n}",
            started_ms=n,
        )
    path = f"/calls/{call.pk}/captions/before/u-n1/"
    assert "Sentence 0" in page_of(alice).get(path).text
    assert page_of(bob).get(path).status_code == 404
    reader = Client()
    assert reader.get(path).status_code == 404
    reader.post("/watch/", {"token": helpers.create(other, hours=1)[1]})
    assert reader.get(path).status_code == 404
    link, token = helpers.create(call, hours=1)
    reader.post("/watch/", {"token": token})
    answer = reader.get(path)
    assert "Sentence 0" in answer.text
    assert "Sentence 1" not in answer.text
    assert "no-store" in answer["Cache-Control"]
    helpers.revoke(link)
    assert reader.get(path).status_code == 404


# --- The helper's page ---------------------------------------------------------------


def test_the_page_shows_no_number_and_leaves_the_token_in_a_narrow_cookie(
    alice: User,
) -> None:
    call = make_call(alice, status=RINGING, callee_name="02-555-0101")
    _, token = helpers.create(call, hours=1)
    client = Client()
    assert client.get("/watch/").status_code == 200
    answer = client.post("/watch/", {"token": token})
    html = answer.content.decode()
    assert f"/calls/{call.pk}/captions" in html
    assert "555" not in html
    assert RESTAURANT not in html
    assert token not in html
    cookie = answer.cookies["helper"]
    assert cookie["path"] == f"/calls/{call.pk}/captions"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert 3500 < int(cookie["max-age"]) <= 3600
    assert "no-store" in answer["Cache-Control"]


def test_a_dead_link_is_refused_and_guessing_is_slowed_down(alice: User) -> None:
    cache.clear()
    client = Client()
    answer = client.post("/watch/", {"token": "x" * 43})
    assert answer.status_code == 422
    assert "does not work" in answer.content.decode()
    for _ in range(helpers.OPENS_PER_MINUTE):
        answer = client.post("/watch/", {"token": "y" * 43})
    assert answer.status_code == 429
    cache.clear()


def test_the_page_of_a_helper_is_korean_for_koreans() -> None:
    page = Client().get("/watch/", headers={"Accept-Language": "ko"})
    assert 'lang="ko"' in page.content.decode()


# --- The socket ----------------------------------------------------------------------


def socket(call_id: Any, token: str, *, origin: bool = True) -> WebsocketCommunicator:
    headers = [(b"cookie", f"helper={token}".encode())] if token else []
    headers += [ORIGIN] if origin else []
    one = WebsocketCommunicator(
        CaptionsConsumer.as_asgi(), f"/calls/{call_id}/captions?language=en", headers
    )
    scope: Any = one.scope
    scope["url_route"] = {"kwargs": {"call_id": call_id}}
    return one


async def close_code(one: WebsocketCommunicator) -> int:
    while True:
        message = await one.receive_output(5)
        if message["type"] == "websocket.close":
            await one.disconnect()  # as the browser does then: nothing is left behind
            return int(message["code"])


def ringing(owner: User) -> tuple[Call, HelperLink, str]:
    call = make_call(owner, status=RINGING, callee_name="한강식당")
    Utterance.objects.create(
        call=call, utterance_id="u1", leg=Leg.CALLER, original="A table",
        translation="자리요", started_ms=0, uncertain=[[0, 1]],
    )  # fmt: skip
    return call, *helpers.create(call, hours=1)


@pytest.mark.django_db(transaction=True)
async def test_a_helper_reads_and_can_do_nothing_else(alice: User) -> None:
    call, link, token = await in_database(ringing, alice)
    one = socket(call.pk, token)
    assert (await one.connect())[0]
    html = await one.receive_from(5)
    assert "A table" in html
    assert "Who calls" in html
    assert "<button" not in html
    assert "call-recording" not in html
    assert RESTAURANT not in html
    opened = await in_database(lambda: HelperLink.objects.get(pk=link.pk).opened_at)
    assert opened
    await one.send_to(text_data='{"type": "end"}')
    assert await one.receive_nothing()
    assert (await in_database(Call.objects.get, pk=call.pk)).status == RINGING
    await one.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_a_link_that_is_taken_back_closes_what_it_opened(alice: User) -> None:
    call, link, token = await in_database(ringing, alice)
    other, token_2 = await in_database(lambda: helpers.create(call, hours=1))
    layer = get_channel_layer()
    assert layer
    sockets = [socket(call.pk, token), socket(call.pk, token_2)]
    for one in sockets:
        await one.connect()
        await one.receive_from(5)
    event = {"type": helpers.REVOKED, "link": str(link.pk)}
    group = viewers_group(call.pk)
    await layer.group_send(group, {"type": "call.event", "message": event})
    assert await close_code(sockets[0]) == 4401
    assert await sockets[1].receive_nothing()
    ended = {"type": "ended", "status": "completed", "outcome": "success"}
    await layer.group_send(group, {"type": "call.event", "message": ended})
    assert 'value="completed"' in await sockets[1].receive_from(5)
    assert await close_code(sockets[1]) == 4409
    assert other.pk != link.pk


@pytest.mark.django_db(transaction=True)
async def test_a_link_is_closed_when_its_time_is_up(alice: User) -> None:
    call, link, token = await in_database(ringing, alice)
    soon = timezone.now() + timedelta(seconds=1.5)
    rows = HelperLink.objects.filter(pk=link.pk)
    await in_database(lambda: rows.update(expires_at=soon))
    one = socket(call.pk, token)
    await one.connect()
    assert await close_code(one) == 4401
    assert timezone.now() >= soon


@pytest.mark.django_db(transaction=True)
async def test_other_calls_other_pages_and_too_many_opens_are_refused(
    alice: User,
) -> None:
    cache.clear()
    call, _, token = await in_database(ringing, alice)
    strange = [
        socket(call.pk, ""),
        socket(call.pk, "x" * 43),
        socket(call.pk, token, origin=False),
        socket(uuid4(), token),
    ]
    for one in strange:
        await one.connect()
        assert await close_code(one) == 4401
    for _ in range(helpers.OPENS_PER_MINUTE):
        one = socket(call.pk, token)
        await one.connect()
        await one.receive_from(5)
        await one.disconnect()
    one = socket(call.pk, token)
    await one.connect()
    assert await close_code(one) == 4429
    cache.clear()

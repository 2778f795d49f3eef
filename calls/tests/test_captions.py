"""Captions as fragments: what is shown, where it goes, and who may see it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import Client

from calls import recordings
from calls.captions import (
    WINDOW,
    Caption,
    CaptionsConsumer,
    LiveConsumer,
    Transcript,
    page_language,
)
from calls.models import Call, Leg, Status, Utterance
from calls.tests.factories import make_call
from calls.tickets import issue_ticket
from wigvo.database import in_database
from wigvo.doorway import origin_is_ours
from wigvo.models import User
from wigvo.notify import call_group, set_loop, user_group, viewers_group

ORIGIN = (b"origin", b"http://127.0.0.1:8000")


def message(
    utterance_id: str = "u1",
    *,
    leg: str = Leg.CALLEE,
    original: str = "네",
    translation: str = "Yes",
    started_ms: int = 0,
    final: bool = True,
) -> dict[str, Any]:
    return {
        "type": "caption",
        "utterance_id": utterance_id,
        "leg": leg,
        "original": original,
        "translation": translation,
        "original_final": final,
        "translation_final": final,
        "started_ms": started_ms,
    }


def caption(**fields: Any) -> Caption:
    call = Call(caller_language="en", callee_language="ko")
    return Caption.from_message(message(**fields), call)


# --- What a reader sees --------------------------------------------------------------


def test_the_callers_own_language_comes_first() -> None:
    theirs, mine = caption(), caption(leg=Leg.CALLER, original="Hi", translation="안녕")
    assert (theirs.main.text, theirs.main.language) == ("Yes", "en")
    assert theirs.other is not None
    assert (theirs.other.text, theirs.other.language) == ("네", "ko")
    assert (mine.main.text, mine.main.language) == ("Hi", "en")
    assert mine.other is not None
    assert (mine.other.text, mine.other.language) == ("안녕", "ko")


def test_the_place_of_a_translation_is_kept_until_it_comes() -> None:
    waiting = caption(translation="", final=False)
    assert waiting.main.text == ""
    assert waiting.other is not None
    assert waiting.other.text == "네"


def test_one_text_is_shown_alone_when_there_will_be_no_other() -> None:
    assert caption(translation="").main.text == "네"
    assert caption(translation="").other is None
    assert caption(original="").main.text == "Yes"
    assert caption(original="").other is None


def test_what_nobody_understood_is_said_to_be_so_and_announced() -> None:
    gone = caption(original="", translation="")
    assert gone.is_not_understood
    call = Call(caller_language="en", callee_language="ko")
    context = {"call": call, **Transcript().put(gone)}
    html = render_to_string("calls/_live.html#change", context)
    assert html.count("Not understood") == 2
    assert not caption(original="", translation="", final=False).is_not_understood


def test_what_nobody_has_said_is_taken_away() -> None:
    transcript = Transcript([caption(utterance_id="u1"), caption(utterance_id="u2")])
    gone = transcript.take_away("u1")
    assert gone is not None
    html = render_to_string("calls/_live.html#gone", {"caption": gone})
    assert html.strip() == '<div hx-swap-oob="delete:#u-u1"></div>'
    assert [c.utterance_id for c in transcript.captions] == ["u2"]
    assert transcript.take_away("u1") is None


# --- What may be wrong ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "parts"),
    [
        ([[8, 12]], [("Table at", False), (" 7:3", True), ("0", False)]),
        ([[0, 5], [9, 13]], [("Table", True), (" at ", False), ("7:30", True)]),
        ([[9, 99], [0, 5]], [("Table", True), (" at ", False), ("7:30", True)]),
        ([[0, 8], [6, 9]], [("Table at", True), (" ", True), ("7:30", False)]),
        ([], [("Table at 7:30", False)]),
        (None, [("Table at 7:30", False)]),
        ([[5, 5], [-1, 3], ["0", "4"], [1], 7, [20, 30]], [("Table at 7:30", False)]),
    ],
)
def test_doubtful_places_are_cut_out_whatever_comes(
    spans: Any, parts: list[tuple[str, bool]]
) -> None:
    call = Call(caller_language="en", callee_language="ko")
    shown = Caption.from_message(
        {**message(translation="Table at 7:30"), "uncertain": spans}, call
    )
    assert shown.main.parts == parts
    assert shown.is_uncertain == any(is_doubt for _, is_doubt in parts)


def test_without_a_translation_the_original_is_in_doubt() -> None:
    call = Call(caller_language="ko", callee_language="ko")
    shown = Caption.from_message(
        {**message(original="일곱 시", translation=""), "uncertain": [[0, 2]]}, call
    )
    assert shown.main.parts == [("일곱", True), (" 시", False)]


def test_a_doubt_is_marked_in_words_and_escaped() -> None:
    call = Call(caller_language="en", callee_language="ko")
    fragment = {**message(translation="At <7> today"), "uncertain": [[3, 6]]}
    change = Transcript().put(Caption.from_message(fragment, call))
    html = render_to_string("calls/_live.html#change", {"call": call, **change})
    marked = '<mark class="doubt"><span class="visually-hidden" lang="en">perhaps wrong'
    assert html.count(f"{marked}: </span>&lt;7&gt;</mark> today") == 2  # and in the log
    assert "Please ask them again" in html


def test_an_element_id_is_safe_whatever_the_utterance_is_called() -> None:
    assert re.fullmatch(r"[\w-]+", caption(utterance_id='a"> <b>.#x').element_id)


# --- Where it goes -------------------------------------------------------------------


def test_later_captions_follow_and_earlier_ones_are_put_before() -> None:
    shown = Transcript()
    first = shown.put(caption(utterance_id="b", started_ms=200))
    assert first["is_new"]
    assert first["after"] is None
    last = shown.put(caption(utterance_id="c", started_ms=300))
    assert last["after"].utterance_id == "b"
    middle = shown.put(caption(utterance_id="a", started_ms=250))
    assert middle["after"].utterance_id == "b"
    assert [c.utterance_id for c in shown.captions] == ["b", "a", "c"]


def test_a_text_replaces_the_earlier_one_of_its_utterance() -> None:
    shown = Transcript()
    shown.put(caption(translation="Y", final=False))
    change = shown.put(caption(translation="Yes"))
    assert not change["is_new"]
    assert not change["is_moved"]
    assert [c.main.text for c in shown.captions] == ["Yes"]


def test_a_caption_whose_start_is_corrected_moves() -> None:
    shown = Transcript()
    shown.put(caption(utterance_id="a", started_ms=100))
    shown.put(caption(utterance_id="b", started_ms=200))
    change = shown.put(caption(utterance_id="a", started_ms=300))
    assert change["is_moved"]
    assert change["after"].utterance_id == "b"


def test_every_final_caption_is_announced_once() -> None:
    shown = Transcript([caption(utterance_id="old")])
    assert "announce" not in shown.put(caption(utterance_id="old"))
    assert "announce" not in shown.put(caption(utterance_id="new", final=False))
    assert shown.put(caption(utterance_id="new"))["announce"]
    assert "announce" not in shown.put(caption(utterance_id="new"))


# --- The socket of one call ----------------------------------------------------------


def session_cookie(user: User | AnonymousUser) -> bytes:
    """Log somebody in, or nobody, and return what their browser sends."""
    if isinstance(user, AnonymousUser):
        return b"sessionid=forged"
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}".encode()


@asynccontextmanager
async def socket(
    consumer: Any,
    user: Any,
    path: str,
    *,
    call_id: UUID | None = None,
    headers: tuple[tuple[bytes, bytes], ...] = (ORIGIN,),
) -> AsyncIterator[WebsocketCommunicator]:
    cookie = await in_database(session_cookie, user)
    communicator = WebsocketCommunicator(
        consumer.as_asgi(), path, headers=[*headers, (b"cookie", cookie)]
    )
    scope: Any = communicator.scope
    scope["url_route"] = {"kwargs": {"call_id": call_id} if call_id else {}}
    connected, _ = await communicator.connect()
    assert connected  # always: the close code comes after
    yield communicator
    await communicator.disconnect()


def captions_socket(call: Call, user: Any, query: str = "", **options: Any) -> Any:
    path = f"/calls/{call.pk}/captions{query}"
    options.setdefault("call_id", call.pk)
    return socket(CaptionsConsumer, user, path, **options)


async def closed_with(communicator: WebsocketCommunicator) -> int:
    output = await communicator.receive_output()
    assert output["type"] == "websocket.close"
    return int(output["code"])


async def tell_viewers(call: Call, event: dict[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(
        viewers_group(call.pk), {"type": "call.event", "message": event}
    )


@pytest.fixture
def live_call(transactional_db: None, alice: User) -> Call:
    call = make_call(alice, status=Status.IN_PROGRESS, callee_name="Restaurant")
    Utterance.objects.create(
        call=call,
        utterance_id="said",
        leg=Leg.CALLEE,
        original="여보세요",
        translation="Hello",
        started_ms=10,
    )
    return call


async def test_it_starts_with_what_was_said_and_the_status(live_call: Call) -> None:
    async with captions_socket(live_call, live_call.owner) as viewer:
        html = await viewer.receive_from()
    assert 'id="captions" hx-swap-oob="innerHTML"' in html
    assert "Hello" in html
    assert '<data id="call-status" value="in_progress"' in html


def many(call: Call, n: int) -> None:
    """Have much said in a call, from its second second on."""
    Utterance.objects.bulk_create(
        Utterance(
            call=call,
            utterance_id=f"n{i}",
            leg=Leg.CALLEE,
            original=f"문장 {i}",
            translation=f"Sentence {i}",
            started_ms=1000 + i,
        )
        for i in range(n)
    )


async def test_of_a_long_call_it_shows_the_newest(live_call: Call) -> None:
    await in_database(many, live_call, WINDOW + 5)
    async with captions_socket(live_call, live_call.owner) as viewer:
        html = await viewer.receive_from()
        ids = re.findall(r'<li id="u-n(\d+)"', html)
        assert ids == [str(n) for n in range(5, WINDOW + 5)]
        # Where a new one belongs is known of all of them.
        await tell_viewers(live_call, message("zero", started_ms=1002))
        assert 'hx-swap-oob="afterend:#u-n2"' in await viewer.receive_from()


def test_earlier_captions_come_a_window_at_a_time(client: Client, alice: User) -> None:
    call = make_call(alice, status=Status.IN_PROGRESS)
    many(call, 2 * WINDOW + 3)
    client.force_login(alice)
    at = 2 * WINDOW + 3
    shown = []
    path = call.get_absolute_url()
    while ids := re.findall(r'<li id="u-n(\d+)"', client.get(path).text):
        shown.append(len(ids))
        assert ids == [str(n) for n in range(at - len(ids), at)]
        at = int(ids[0])
        path = f"/calls/{call.pk}/captions/before/u-n{at}/"
    assert shown == [WINDOW, WINDOW, 3]


async def test_new_texts_are_put_in_place_and_escaped(live_call: Call) -> None:
    async with captions_socket(live_call, live_call.owner) as viewer:
        await viewer.receive_from()
        await tell_viewers(
            live_call, message("x", translation="<i>one</i>", started_ms=20)
        )
        html = await viewer.receive_from()
        assert 'hx-swap-oob="afterend:#u-said"' in html
        assert "&lt;i&gt;one&lt;/i&gt;" in html
        assert "<i>one" not in html
        assert html.count('hx-swap-oob="beforeend:#caption-log"') == 1

        await tell_viewers(live_call, message("x", translation="two", started_ms=20))
        html = await viewer.receive_from()
        assert '<li id="u-x"' in html
        assert 'hx-swap-oob="true"' in html
        assert "caption-log" not in html

        await tell_viewers(live_call, message("first", started_ms=1))
        assert 'hx-swap-oob="afterbegin:#captions"' in await viewer.receive_from()


async def test_the_call_is_asked_for_what_is_not_stored_yet(live_call: Call) -> None:
    layer = get_channel_layer()
    assert layer is not None
    channel = await layer.new_channel()
    await layer.group_add(call_group(live_call.pk), channel)
    async with captions_socket(live_call, live_call.owner) as viewer:
        await viewer.receive_from()
        asked = (await layer.receive(channel))["event"]
        assert asked["kind"] == "viewer"

        async def show(**fields: Any) -> None:
            event = {"type": "call.event", "message": message(**fields) | {"again": 1}}
            await layer.send(asked["channel"], event)

        await show(utterance_id="said", translation="Not as it was stored")
        await show(utterance_id="open", started_ms=20, final=False)
        html = await viewer.receive_from()
        assert '<li id="u-open"' in html
        await show(utterance_id="done", started_ms=30)
        html = await viewer.receive_from()
        assert '<li id="u-done"' in html
        assert "caption-log" not in html  # the page itself knows what it has told
        await tell_viewers(live_call, message("done", started_ms=30))
        assert "caption-log" not in await viewer.receive_from()


async def test_the_status_follows_and_the_end_stays(live_call: Call) -> None:
    async with captions_socket(live_call, live_call.owner) as viewer:
        await viewer.receive_from()
        await tell_viewers(live_call, {"type": "ended", "status": "completed"})
        assert 'value="completed"' in await viewer.receive_from()
        await tell_viewers(live_call, {"type": "status", "status": "ringing"})
        assert await viewer.receive_nothing()


async def test_it_says_when_the_call_is_being_recorded(live_call: Call) -> None:
    live_call.record = True
    await in_database(live_call.save)
    notice = {"language": "ko", "text": "녹음됩니다.", "ended_ms": 900}
    async with captions_socket(live_call, live_call.owner, "?language=ko") as viewer:
        assert 'data-state="planned"' in await viewer.receive_from()
        set_loop(asyncio.get_running_loop())
        try:
            await in_database(
                partial(
                    recordings.start,
                    live_call.pk,
                    uuid4(),
                    started_ms=1000,
                    notice=notice,
                )
            )
            html = await viewer.receive_from()
        finally:
            set_loop(None)
    assert 'id="call-recording"' in html
    assert 'data-state="running"' in html
    assert "녹음하고 있습니다" in html


async def test_it_speaks_the_language_of_the_page(live_call: Call) -> None:
    viewing = captions_socket(live_call, live_call.owner, "?language=ko")
    async with viewing as viewer:
        await viewer.receive_from()
        await tell_viewers(live_call, message("me", leg=Leg.CALLER, started_ms=20))
        assert ">나<" in await viewer.receive_from()


async def test_messages_for_others_are_not_its_business(live_call: Call) -> None:
    async with captions_socket(live_call, live_call.owner) as viewer:
        await viewer.receive_from()
        await tell_viewers(live_call, {"type": "cost", "usd": 1})
        assert await viewer.receive_nothing()


async def test_a_stranger_is_told_that_there_is_no_such_call(
    live_call: Call, bob: User
) -> None:
    async with captions_socket(live_call, bob) as viewer:
        assert await closed_with(viewer) == 4404


async def test_a_call_that_does_not_exist_is_closed_the_same_way(
    live_call: Call,
) -> None:
    viewing = captions_socket(live_call, live_call.owner, call_id=uuid4())
    async with viewing as viewer:
        assert await closed_with(viewer) == 4404


async def test_nobody_is_not_let_in(live_call: Call) -> None:
    async with captions_socket(live_call, AnonymousUser()) as viewer:
        assert await closed_with(viewer) == 4401


@pytest.mark.parametrize(
    "headers",
    [(), ((b"origin", b"https://evil.example"),), ((b"origin", b"null"),)],
    ids=["none", "foreign", "null"],
)
async def test_a_cookie_does_not_work_from_another_site(
    live_call: Call, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    viewing = captions_socket(live_call, live_call.owner, headers=headers)
    async with viewing as viewer:
        assert await closed_with(viewer) == 4401


async def test_a_ticket_opens_it_once_without_cookie_or_origin(
    live_call: Call,
) -> None:
    ticket, _ = issue_ticket(live_call.pk, live_call.owner_id)
    for expected in ("captions", 4401):
        viewing = captions_socket(
            live_call, AnonymousUser(), f"?ticket={ticket}", headers=()
        )
        async with viewing as viewer:
            if expected == 4401:
                assert await closed_with(viewer) == 4401
            else:
                assert "Hello" in await viewer.receive_from()


async def test_a_ticket_for_another_call_is_no_ticket(live_call: Call) -> None:
    ticket, _ = issue_ticket(uuid4(), live_call.owner_id)
    viewing = captions_socket(live_call, AnonymousUser(), f"?ticket={ticket}")
    async with viewing as viewer:
        assert await closed_with(viewer) == 4401


async def test_what_a_page_sends_is_ignored_and_a_flood_is_cut_off(
    live_call: Call,
) -> None:
    async with captions_socket(live_call, live_call.owner) as viewer:
        await viewer.receive_from()
        await viewer.send_to(text_data='{"type":"end"}')
        await viewer.send_to(bytes_data=b"\x00" * 4096)
        assert await viewer.receive_nothing()
        await viewer.send_to(text_data="x" * 4097)
        assert await closed_with(viewer) == 1009


async def test_captions_of_other_calls_stay_there(live_call: Call, bob: User) -> None:
    other = await in_database(make_call, bob, status=Status.IN_PROGRESS)
    async with captions_socket(live_call, live_call.owner) as viewer:
        await viewer.receive_from()
        await tell_viewers(other, message("secret"))
        assert await viewer.receive_nothing()


# --- The socket of a person ----------------------------------------------------------


async def test_a_page_learns_of_live_calls(live_call: Call, bob: User) -> None:
    owner = live_call.owner
    async with socket(LiveConsumer, owner, "/calls/live") as page:
        html = await page.receive_from()
        assert "Restaurant" in html
        assert f"/calls/{live_call.pk}/" in html

        await in_database(Call.objects.all().delete)
        layer = get_channel_layer()
        assert layer is not None
        await layer.group_send(user_group(owner.pk), {"type": "user.call"})
        assert "Restaurant" not in await page.receive_from()
    async with socket(LiveConsumer, bob, "/calls/live") as page:
        assert "Restaurant" not in await page.receive_from()


async def test_live_calls_are_for_members(db: None) -> None:
    async with socket(LiveConsumer, AnonymousUser(), "/calls/live") as page:
        assert await closed_with(page) == 4401


# --- Small things --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host", "is_ours"),
    [
        (b"http://127.0.0.1:8000", b"anything", True),
        (b"http://localhost:8123", b"localhost:8123", True),
        (b"http://localhost:8123", b"localhost:9999", False),
        (b"http://evil.example", b"evil.example", False),
        (b"file://", b"", False),
    ],
)
def test_whose_page_it_is(origin: bytes, host: bytes, is_ours: bool) -> None:
    scope = {"headers": [(b"origin", origin), (b"host", host)]}
    assert origin_is_ours(scope) is is_ours


@pytest.mark.parametrize(
    ("scope", "language"),
    [
        ({"query_string": b"language=ko"}, "ko"),
        ({"query_string": b"language=xx"}, "en"),
        ({"headers": [(b"cookie", b"django_language=ko")]}, "ko"),
        ({"headers": [(b"accept-language", b"ko-KR,ko;q=0.9")]}, "ko"),
        ({}, "en"),
    ],
)
def test_which_language_a_page_has(scope: dict[str, Any], language: str) -> None:
    assert page_language(scope) == language

"""What a page may cost: bytes at first load, movement, and the time of long calls."""

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from playwright.sync_api import Page, Response, expect

from calls.captions import WINDOW, Caption
from calls.models import Call, Leg, Utterance
from chat import services as chat
from wigvo.tests.furniture import LONG_TEXTS, SAID
from wigvo.tests.looking import PHONE, opened
from wigvo.tests.test_browser_live import SHIFTS, Conversation
from wigvo.tests.test_browser_states import Room

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FIRST_LOAD_BYTES = 200_000
MOST_SHIFT = 0.02
MANY = 10_000
LONG_TASKS = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    window.longest = Math.max(window.longest, duration);
  }
}).observe({ type: "longtask" });
"""
TOP_OF = "(id) => document.getElementById(id).getBoundingClientRect().top"


@pytest.fixture
def room(browser: Any, live_server: Any) -> Room:
    return Room(browser, live_server.url, "en")


# --- Bytes ---------------------------------------------------------------------------


def wire_bytes(response: Response) -> int:
    """Count what is sent: WhiteNoise serves its files compressed, where that helps."""
    body = response.body()
    if urlsplit(response.url).path.startswith("/static/"):
        return min(len(body), len(gzip.compress(body)))
    return len(body)


@pytest.mark.parametrize("name", ["new", "live", "chats", "chat", "history"])
def test_a_first_load_is_small(room: Room, name: str) -> None:
    languages = {"caller_language": "en", "callee_language": "ko"}
    paths: dict[str, Callable[[], str]] = {
        "new": lambda: reverse("calls:new"),
        "live": lambda: room.call().get_absolute_url(),
        "chats": lambda: reverse("chat:index"),
        "chat": lambda: chat.begin(room.owner, **languages).get_absolute_url(),
        "history": lambda: reverse("calls:history"),
    }
    with opened(room.browser, room.origin, "en", session_key=room.session_key) as eye:
        responses: list[Response] = []
        eye.page.on("response", lambda one: responses.append(one))
        eye.open(paths[name](), name)
        sizes = {
            urlsplit(one.url).path: wire_bytes(one)
            for one in responses
            if "/worklets/" not in one.url
        }
    assert len(sizes) >= 4  # the page, its style, and at least two scripts
    total = sum(sizes.values())
    print(f"{name}: {total} bytes in {len(sizes)} requests")
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    assert total <= FIRST_LOAD_BYTES, largest


# --- Movement ------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["100", "300"])
def test_nothing_jumps_when_captions_come_in_pieces(room: Room, size: str) -> None:
    with room.connected(room.call()) as (eye, talk):
        page = eye.page
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.locator("#tools [aria-controls=display-panel]").click()
        page.locator("#display [name=size]").select_option(size)
        page.locator("#tools [aria-controls=display-panel]").click()
        for n in range(12):
            talk.shows(f"a{n}", "callee", SAID["ko"][1], translation="Yes.", at_s=n)
        page.wait_for_timeout(1000)
        page.evaluate(SHIFTS)
        words = LONG_TEXTS["en"].split()
        for turn, leg in enumerate(("callee", "caller", "callee")):
            own, other = LONG_TEXTS["ko"], LONG_TEXTS["en"]
            for n in range(4, len(words), 4):
                talk.shows(
                    f"b{turn}", leg, own[: 4 * n], at_s=20 + turn, is_final=False,
                    translation=" ".join(words[: max(0, n - 8)]),
                )  # fmt: skip
                page.wait_for_timeout(20)
            # The end: a doubt is marked, with a button to ask.
            talk.shows(
                f"b{turn}", leg, own, translation=other, at_s=20 + turn,
                uncertain=[[0, 9]],
            )  # fmt: skip
        # What was said earlier comes late.
        talk.shows("late", "callee", SAID["ko"][1], translation="Late.", at_s=5)
        page.wait_for_timeout(300)
        shift = page.evaluate("window.shift")
    print(f"shift at {size} %: {shift:.4f}")
    assert shift <= MOST_SHIFT
    assert not eye.problems


# --- Long calls ----------------------------------------------------------------------


def say_much(call: Call, n: int) -> None:
    Utterance.objects.bulk_create(
        Utterance(
            call=call,
            utterance_id=f"n{i}",
            leg=Leg.CALLEE if i % 2 else Leg.CALLER,
            original=f"{SAID['ko'][1]} {i}",
            translation=f"{SAID['en'][1]} {i}",
            started_ms=300 * i,
            fate=Utterance.Fate.DELIVERED,
        )
        for i in range(n)
    )


def test_a_page_with_ten_thousand_captions_opens_at_once_and_reads_back(
    room: Room,
) -> None:
    call = room.call(status="in_progress")
    say_much(call, MANY)
    with room.page(call) as (eye, _talk):
        page = eye.page
        opened_ms = page.evaluate(
            "performance.getEntriesByType('navigation')[0].loadEventEnd"
        )
        print(f"{MANY} captions: open after {opened_ms:.0f} ms")
        captions = page.locator("#captions > li")
        expect(captions).to_have_count(WINDOW)
        expect(page.locator(f"#u-n{MANY - 1}")).to_be_in_viewport()
        for n, top in ((2, None), (3, 0)):
            if top is not None:
                page.locator("#captions-scroll").evaluate("(box) => box.scrollTo(0, 0)")
                page.wait_for_timeout(200)
            seen = captions.nth(0 if top == 0 else -1).get_attribute("id")
            before = page.evaluate(TOP_OF, seen)
            page.locator("#to-earlier").evaluate("(button) => button.click()")
            expect(captions).to_have_count(n * WINDOW)
            page.wait_for_timeout(200)
            # A caption that comes near turns out lower than it was taken for.
            assert page.evaluate(TOP_OF, seen) == pytest.approx(before, abs=40)
        expect(captions.first).to_have_id(f"u-n{MANY - 3 * WINDOW}")
        # Whoever scrolls to the top gets more without a button.
        page.locator("#captions-scroll").hover()
        while captions.count() == 3 * WINDOW:
            page.mouse.wheel(0, -4000)
            page.wait_for_timeout(50)
        expect(captions).to_have_count(4 * WINDOW)
    assert not eye.problems


def test_ten_thousand_captions_stay_smooth(room: Room) -> None:
    call = room.call()
    with room.connected(call) as (eye, talk):
        page = eye.page
        fill(page, talk, call)
        captions = page.locator("#captions > li")
        expect(captions).to_have_count(MANY, timeout=60_000)
        page.wait_for_timeout(500)
        page.evaluate(LONG_TASKS)
        for n in range(40):
            talk.shows(
                f"new{n}", "callee", SAID["ko"][1], translation="Yes.",
                at_s=10 * MANY + n,
            )  # fmt: skip
            page.wait_for_timeout(25)
        expect(page.locator("#u-new39")).to_be_in_viewport()
        arriving_ms = page.evaluate("window.longest")
        page.evaluate("window.longest = 0")
        page.locator("#captions-scroll").hover()
        for _ in range(30):
            page.mouse.wheel(0, -700)
            page.wait_for_timeout(25)
        expect(page.locator("#u-new39")).not_to_be_in_viewport()
        scrolling_ms = page.evaluate("window.longest")
        print(
            f"with {MANY} captions: longest task {arriving_ms:.0f} ms when one comes,"
            f" {scrolling_ms:.0f} ms when scrolling"
        )
        # A wide bound: it is to find a page that touches all of them for each one.
        assert max(arriving_ms, scrolling_ms) < 500
    assert not eye.problems


def fill(page: Page, talk: Conversation, call: Call) -> None:
    """Have the page get many captions, a hundred with each message."""
    caption = Caption.from_message(
        {
            "utterance_id": "many",
            "leg": "callee",
            "original": SAID["ko"][1],
            "translation": SAID["en"][1],
            "original_final": True,
            "translation_final": True,
            "started_ms": 0,
        },
        call,
    )
    item = render_to_string("calls/_caption.html", {"call": call, "caption": caption})
    talk.transcript.put(replace(caption, utterance_id=f"n{MANY - 1}"))
    assert talk._viewer
    for start in range(0, MANY, 100):
        items = "".join(
            re.sub("u-many", f"u-n{n}", item) for n in range(start, start + 100)
        )
        talk._viewer.send(f'<div hx-swap-oob="beforeend:#captions">{items}</div>')
        page.wait_for_timeout(5)

"""What can go wrong on the caller's side of a call, in headless Chromium.

The connection is lost, the page is loaded anew, the microphone is refused; somebody has
no mouse, or only a small screen.
"""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, Route, expect

from lab.speech.phrasebook import Phrasebook
from wigvo.stack import Stack
from wigvo.tests.chromium import MICROPHONE, browsing
from wigvo.tests.network import Network
from wigvo.tests.people import RESTAURANT
from wigvo.tests.test_browser_call import Relay
from wigvo.tests.traveller import (
    ANSWER_MS,
    MOUTH,
    PHONE,
    TOO_WIDE,
    Hand,
    Traveller,
    open_page,
    reply,
)

BOOK = Phrasebook.load()
LOST_S = 40
"""A silent connection is asked, given up, and looked for again well within this."""
FINGER_PX = 44


def arrive(
    browser: Browser,
    stack: Stack,
    hand: Hand = "mouse",
    *,
    mode: str = "voice",
    **device: Any,
) -> Traveller:
    """Log in, and go to the page of a call that was not dialled yet."""
    person = open_page(browser, stack, "en-US", hand, **device)
    person.page.add_init_script(MOUTH)
    person.log_in()
    page = person.page
    page.goto("/")
    person.write(page.locator("#id_number"), RESTAURANT)
    person.choose(page.locator("#id_caller_language"), "en")
    person.choose(page.locator("#id_callee_language"), "ko")
    page.locator(f"[name=mode][value={mode}]").check()
    person.use(page.get_by_role("button", name="Continue"))
    expect(page.locator("#start")).to_be_visible()
    return person


def is_open(page: Page) -> None:
    state = page.locator("#connection")
    expect(state).to_have_attribute("data-state", "open", timeout=ANSWER_MS)


def said_once(page: Page, *phrases: str) -> None:
    """Each of them is a caption, and none is there twice."""
    for phrase in phrases:
        text = BOOK[phrase].texts["en"]
        expect(page.locator("#captions > li", has_text=text)).to_have_count(1)
    ids = page.eval_on_selector_all(
        "#captions > li", "(all) => all.map((one) => one.id)"
    )
    assert len(ids) == len(set(ids))


# --- The connection -------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.long
def test_a_lost_connection_comes_back_with_everything_that_was_said(
    stack: Stack, playwright: Playwright
) -> None:
    with (
        Network().running() as network,
        browsing(playwright, MICROPHONE, *network.flag) as browser,
    ):
        person = arrive(browser, stack)
        page = person.page
        state, hint = page.locator("#connection"), page.locator("#call-hint")
        person.start()
        assert person.reads("restaurant_answer", "en", ANSWER_MS / 1000)
        reply(person, "says", "restaurant_request", "restaurant_ask_name", "en")

        # What is said last still goes out; the answer comes while nobody is connected.
        person.type("restaurant_name", "en")
        expect(page.locator("#own li[data-state=spoken]")).to_be_visible(
            timeout=ANSWER_MS
        )
        network.cut()
        expect(state).to_contain_text("Connection lost")
        expect(hint).to_contain_text("The call goes on")
        expect(page.locator("#call-state")).to_have_text("In progress")
        person.they_say("restaurant_ask_phone")
        network.up()
        is_open(page)
        expect(hint).to_be_hidden()
        expect(page.locator("#call-notes")).to_contain_text("connected again")
        assert person.reads("restaurant_ask_phone", "en", ANSWER_MS / 1000)
        said_once(
            page, "restaurant_answer", "restaurant_ask_name", "restaurant_ask_phone"
        )
        asked = BOOK["restaurant_ask_phone"].texts["en"]
        expect(page.locator("#caption-log p", has_text=asked)).to_have_count(1)

        # A laptop that sleeps: nobody closes anything, and nothing arrives.
        network.fall_silent()
        expect(state).not_to_have_attribute("data-state", "open", timeout=1000 * LOST_S)
        network.up()
        is_open(page)
        reply(person, "says", "restaurant_phone", "restaurant_confirm", "en")
        said_once(page, "restaurant_ask_phone", "restaurant_confirm")
        person.hang_up()


@pytest.mark.scenes
def test_a_page_that_is_loaded_anew_joins_again_also_with_an_old_ticket(
    browser: Browser, stack: Stack
) -> None:
    person = arrive(browser, stack, mode="text")
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())
    person.start()
    assert person.reads("restaurant_answer", "en", ANSWER_MS / 1000)
    page.reload()
    said_once(page, "restaurant_answer")
    expect(page.locator("#call-hint")).to_contain_text("not connected to it")
    spoiled: list[str] = []

    def spoil(route: Route) -> None:
        """Make the first ticket one that the server does not take."""
        answer = route.fetch()
        body = answer.json()
        if not spoiled:
            body["stream"]["ticket"] = "too-old"
            spoiled.append(route.request.url)
        route.fulfill(response=answer, json=body)

    page.route(re.compile("/start$"), spoil)
    join = page.locator("#start")
    expect(join).to_have_text("Join this call")
    person.use(join)
    is_open(page)
    assert spoiled
    reply(person, "types", "restaurant_request", "restaurant_ask_name", "en")
    said_once(page, "restaurant_answer", "restaurant_ask_name")
    person.hang_up()


# --- The microphone -------------------------------------------------------------------

FAILS = """
() => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.failure = "NAME";
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (window.failure) throw new DOMException("", window.failure);
    return real(wanted);
  };
}
"""


@pytest.mark.browser
def test_who_refuses_the_microphone_is_not_put_through_and_may_type(
    playwright: Playwright, stack: Stack
) -> None:
    with browsing(playwright, "--deny-permission-prompts") as browser:
        person = arrive(browser, stack, "keys")
        page = person.page
        started: list[str] = []
        page.on("request", lambda one: started.append(one.url))
        person.use(page.locator("#start"))
        notes = page.locator("#call-notes")
        expect(notes).to_contain_text("The microphone is blocked")
        expect(notes).to_contain_text("Nobody has been called")
        expect(page.locator("#start")).to_have_text("Try again")
        person.keeps_focus()
        assert not any(url.endswith("/start") for url in started)
        person.use(notes.get_by_role("button", name="Type instead"))
        expect(page.locator("#call")).to_have_attribute("data-mode", "text")
        expect(page.locator("#start")).to_be_focused()
        Relay(page)
        page.keyboard.press("Enter")
        is_open(page)
        expect(page.locator("#typed")).to_be_focused()
        expect(notes).not_to_contain_text("microphone")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "another program may be using it"),
    ],
)
def test_a_microphone_that_is_missing_or_busy_can_be_tried_again(
    browser: Browser, stack: Stack, name: str, words: str
) -> None:
    person = arrive(browser, stack)
    page = person.page
    page.evaluate(FAILS.replace("NAME", name))
    relay = Relay(page)
    person.use(page.locator("#start"))
    expect(page.locator("#call-notes")).to_contain_text(words)
    expect(page.locator("#connection")).to_have_attribute("data-state", "idle")
    page.evaluate("window.failure = ''")
    person.use(page.get_by_role("button", name="Try again"))
    is_open(page)
    assert relay.speaks
    expect(page.locator("#call-notes")).not_to_contain_text(words)


@pytest.mark.browser
def test_a_microphone_that_goes_away_in_a_call_is_told_and_comes_back(
    browser: Browser, stack: Stack
) -> None:
    person = arrive(browser, stack)
    page = person.page
    Relay(page)
    person.use(page.locator("#start"))
    is_open(page)
    page.evaluate("window.microphone.dispatchEvent(new Event('ended'))")
    notes = page.locator("#call-notes")
    expect(notes).to_contain_text("they cannot hear you")
    person.use(notes.get_by_role("button", name="Try again"))
    expect(notes).not_to_contain_text("they cannot hear you")
    expect(page.locator("#mute")).to_be_visible()


# --- Keys alone -----------------------------------------------------------------------


@pytest.mark.browser
def test_a_call_is_held_with_keys_alone(browser: Browser, stack: Stack) -> None:
    person = arrive(browser, stack, "keys")
    page = person.page
    relay = Relay(page)
    person.use(page.locator("#start"))
    is_open(page)
    person.keeps_focus()

    # Panels give the focus back to the button that has opened them.
    for panel in ("keypad-panel", "sound-panel", "display-panel"):
        button = page.locator(f"#tools [aria-controls={panel}]")
        person.use(button)
        inside = page.locator(f"#{panel}")
        expect(inside).to_be_visible()
        person.keeps_focus()
        page.keyboard.press("Escape")
        expect(inside).to_be_hidden()
        expect(button).to_be_focused()

    # The mode: open, choose, and be where one was.
    summary = page.locator("#modes summary")
    person.use(summary)
    person.use(page.locator("#modes button[data-mode=text]"))
    relay.tell("mode", mode="text")
    expect(page.locator("#call")).to_have_attribute("data-mode", "text")
    person.keeps_focus()
    page.keyboard.press("t")
    expect(page.locator("#typed")).to_be_focused()
    page.keyboard.type("Four people")
    page.keyboard.press("Enter")
    relay.wait_until(lambda: len(relay.took("text")) == 1)
    page.keyboard.press("Escape")
    person.keeps_focus()

    # The question whether to hang up keeps the focus inside, and gives it back.
    expect(page.locator("#tools [aria-controls=sound-panel]")).to_be_visible()
    page.keyboard.press("h")
    dialog = page.locator("#confirm-hang-up")
    expect(dialog).to_be_visible()
    stops = set()
    for _ in range(6):
        page.keyboard.press("Tab")
        stops.add(page.evaluate("document.activeElement.value ?? ''"))
    assert stops <= {"hang-up", "stay", ""}
    assert {"hang-up", "stay"} <= stops
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    person.keeps_focus()
    page.keyboard.press("h")
    with page.expect_response(re.compile("/end$")):  # only then it has ended
        person.use(dialog.locator("button[value=hang-up]"))
    relay.tell("ended", status="completed", outcome="unknown")
    expect(page.locator("#call-end h2")).to_be_focused(timeout=20_000)


# --- A small screen -------------------------------------------------------------------

KEYBOARD = """
{
  const seen = new EventTarget();
  let covered = 0;
  Object.defineProperty(seen, "scale", { value: 1 });
  Object.defineProperty(seen, "height", { get: () => innerHeight - covered });
  Object.defineProperty(window, "visualViewport", { value: seen });
  window.keyboard = (px) => {
    covered = px;
    seen.dispatchEvent(new Event("resize"));
  };
}
"""
MAIN_CONTROLS = (
    "#hang-up",
    "#mute",
    "#tools button",
    "#modes summary",
    "#captions-pause",
)


@pytest.mark.browser
def test_a_call_fits_on_a_phone_upright_and_on_its_side(
    browser: Browser, stack: Stack
) -> None:
    person = arrive(browser, stack, "finger")
    page = person.page
    relay = Relay(page)
    page.reload()
    person.use(page.locator("#start"))
    is_open(page)
    relay.says("u1", "A table for four, please.")
    expect(page.locator("#u-u1")).to_be_visible()
    sideways = {"width": PHONE["height"], "height": PHONE["width"]}
    for size in (PHONE, sideways):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for control in MAIN_CONTROLS:
            for one in page.locator(control).all():
                big_enough(one)
        can_be_reached(page, "#hang-up", "#mute", "#u-u1")
        assert page.evaluate(TOO_WIDE) == []


def big_enough(one: Locator) -> None:
    box = one.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= FINGER_PX - 0.5, one.inner_text()


def can_be_reached(page: Page, *names: str) -> None:
    for name in names:
        one = page.locator(name)
        one.scroll_into_view_if_needed()
        expect(one).to_be_in_viewport(ratio=0.9)
        one.tap(trial=True)


@pytest.mark.browser
def test_a_phones_keyboard_leaves_the_captions_and_what_is_typed_in_sight(
    browser: Browser, stack: Stack
) -> None:
    person = arrive(browser, stack, "finger", mode="text")
    page = person.page
    page.add_init_script(KEYBOARD)
    relay = Relay(page)
    page.reload()
    person.use(page.locator("#start"))
    is_open(page)
    relay.tell("mode", mode="text")
    relay.says("u1", "A table for four, please.")
    typed = page.locator("#typed")
    typed.tap()
    keyboard_px = 330
    page.evaluate("(px) => window.keyboard(px)", keyboard_px)
    for name in ("#typed", "#send", "#u-u1 .caption__main"):
        box = page.locator(name).bounding_box()
        assert box, name
        assert box["y"] >= 0, name
        assert box["y"] + box["height"] <= PHONE["height"] - keyboard_px, name
    typed.fill("Four people")
    page.locator("#send").tap()
    relay.wait_until(lambda: len(relay.took("text")) == 1)
    page.evaluate("(px) => window.keyboard(px)", 0)
    expect(page.locator("#hang-up")).to_be_in_viewport(ratio=1)

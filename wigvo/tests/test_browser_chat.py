"""A call prepared in a browser: headless Chromium against the server and the lab."""

from collections.abc import Callable, Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from wigvo.stack import Stack
from wigvo.tests.people import ALICE, PASSWORD

pytestmark = pytest.mark.browser

OpenPage = Callable[[str], Page]
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def open_page(stack: Stack, browser: Browser) -> Iterator[OpenPage]:
    """Log in with a browser of some language, on a telephone's screen."""
    problems: list[str] = []

    def open_in(locale: str) -> Page:
        context = browser.new_context(
            locale=locale,
            base_url=stack.base_url,
            viewport=PHONE,  # type: ignore[arg-type]
            timezone_id="Asia/Seoul",
        )
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill(ALICE)
        page.locator("input[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".menu")).to_be_visible()
        page.goto("/chat/")
        return page

    yield open_in
    assert not problems


TALKS = {
    "en-US": (
        "A table for four tomorrow at 7 at Han River Restaurant",
        "Do you mean 7:00 am or 7:00 pm?",
        "7:00 pm",
        "Min-su Kim",
        "Yes, that's right",
        "It is ready",
    ),
    "ko-KR": (
        "내일 7시에 한강식당 네 명 예약해 주세요",
        "오전 7시, 오후 7시 중 어느 쪽인가요?",
        "오후 7시",
        "김민수입니다",
        "네, 맞아요",
        "준비가 끝났어요",
    ),
}


@pytest.mark.parametrize("locale", TALKS)
def test_from_a_sentence_to_the_page_of_the_call(
    open_page: OpenPage, locale: str
) -> None:
    request, doubt, choice, name, agreed, ready = TALKS[locale]
    page = open_page(locale)
    page.locator("#id_text").fill(request)
    page.locator("#id_caller_language").select_option(locale[:2])
    page.locator(".begin .actions button").click()
    log = page.locator("#log")
    expect(log).to_contain_text(doubt)
    page.get_by_role("button", name=choice).click()
    page.locator(".place").first.click()
    expect(page.locator("#known-callee_number")).to_have_value("+82 2-555-0101")
    page.locator("#id_text").fill(name)
    page.locator("#id_text").press("Enter")
    page.get_by_role("button", name=agreed).click()
    expect(log).to_contain_text(ready)
    expect(page.locator("#id_text")).to_be_focused()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE["width"]
    page.locator(".ready button").click()
    expect(page.locator("#start")).to_be_visible()


def test_what_is_known_is_corrected_beside_the_conversation(
    open_page: OpenPage,
) -> None:
    page = open_page("en-US")
    page.locator(".starters .chips > button").last.click()  # just call a number
    page.locator("#id_text").fill("02-555-0101")
    page.locator("#id_text").press("Enter")
    expect(page.locator("#log")).to_contain_text("Please check")
    field = page.locator("#known-callee_number")
    field.fill("02-555-0102")
    page.locator(".panel__fields button").click()
    expect(page.locator("#log")).to_contain_text("Changed: Their number")
    expect(page.locator("#next")).to_contain_text("+82 2-555-0102")


SEEN = """
window.seen = [];
new MutationObserver(() => {
  const words = document.querySelector(".chat__words");
  if (words) window.seen.push([words.textContent, words.ariaHidden]);
}).observe(document.getElementById("log"), {
  childList: true, subtree: true, characterData: true,
});
"""


def test_an_answer_is_seen_as_it_is_written_and_told_once(open_page: OpenPage) -> None:
    page = open_page("en-US")
    page.locator("#id_text").fill("A table for four at Han River Restaurant")
    page.locator(".begin .actions button").click()
    answers = page.locator("#log .chat__message--assistant")
    expect(page.locator("#composer")).to_have_attribute("aria-busy", "false")
    page.evaluate(SEEN)
    page.locator("#id_text").fill("What is a deposit?")
    page.locator("#id_text").press("Enter")
    expect(answers.last).to_contain_text("by rules")
    expect(page.locator("#composer")).to_have_attribute("aria-busy", "false")
    seen = page.evaluate("window.seen")
    lengths = sorted({len(words) for words, _ in seen})
    assert len(lengths) >= 3
    assert {hidden for _, hidden in seen} == {"true"}  # nothing for a screen reader
    assert answers.last.inner_text().count("by rules") == 1
    expect(page.locator(".chat__words")).to_have_count(0)


def test_who_does_not_want_to_wait_stops_and_changes_the_message(
    open_page: OpenPage, stack: Stack
) -> None:
    page = open_page("en-US")
    page.locator("#id_text").fill("A table for four at Han River Restaurant")
    page.locator(".begin .actions button").click()
    box, composer = page.locator("#id_text"), page.locator("#composer")
    expect(composer).to_have_attribute("aria-busy", "false")
    body = {"kind": "engine.slow_request", "ms": 6000}
    httpx2.post(f"{stack.lab_url}/lab/faults", json=body, trust_env=False)
    mine = page.locator("#log .chat__message--user")
    before = mine.count()
    box.fill("Tomorrow at seven")
    page.keyboard.press("Enter")
    expect(mine).to_have_count(before + 1)
    page.get_by_role("button", name="Stop").click()
    expect(box).to_have_value("Tomorrow at seven")
    expect(box).to_be_focused()
    expect(mine).to_have_count(before)
    expect(page.locator("#composer-said")).to_contain_text("Stopped")
    box.fill("Tomorrow at 8 pm")
    page.keyboard.press("Enter")
    expect(page.locator("#known-time")).to_have_value("20:00")
    page.reload()
    expect(mine).to_have_count(before + 1)

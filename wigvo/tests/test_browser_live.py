"""The live call page in headless Chromium: reading, signals, and who else may read."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from calls.captions import Caption
from wigvo.tests import test_browser_call
from wigvo.tests.test_browser_call import Relay, open_call_page

pytestmark = pytest.mark.browser

speaking = test_browser_call.speaking
microphone = test_browser_call.microphone
page = test_browser_call.page

SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.shift += entry.value;
  }
}).observe({ type: "layout-shift" });
"""
LOOKS = ("light", "dark", "white", "black", "yellow")
CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text(encoding="utf-8")


class Conversation(Relay):
    """A call whose captions come from a test."""

    def shows(
        self, utterance_id: str, leg: str, words: str, *, at_s: int, **more: Any
    ) -> None:
        """Show a caption; `translation` and `uncertain` if there are any."""
        is_final = more.get("is_final", True)
        message = {
            "utterance_id": utterance_id,
            "leg": leg,
            "original": words,
            "translation": more.get("translation", ""),
            "original_final": is_final,
            "translation_final": is_final,
            "started_ms": 1000 * at_s,
            "uncertain": more.get("uncertain", []),
        }
        self.tell("caption", **message)
        change = self.transcript.put(Caption.from_message(message, self.call))
        context = {"call": self.call, **change}
        assert self._viewer
        self._viewer.send(render_to_string("calls/_live.html#change", context))


def start(page: Page) -> Conversation:
    talk = Conversation(page)
    open_call_page(page)
    page.locator("#start").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    return talk


def open_display(page: Page) -> None:
    page.locator("#tools [aria-controls=display-panel]").click()


def test_how_captions_look_is_kept_and_each_look_can_be_read(page: Page) -> None:
    talk = start(page)
    talk.shows(
        "u1", "callee", "일곱 시요", translation="At 7:30", at_s=1, uncertain=[[3, 7]]
    )
    talk.shows("u2", "caller", "Fine.", translation="좋아요", at_s=5)
    talk.unheard("u2", "lost")
    talk.tell("latency", callee_to_caller_ms=2140)
    expect(page.locator("#caption-delay")).to_have_text("2.1 s later")
    main = page.locator("#u-u1 .caption__main")
    other = page.locator("#u-u1 .caption__other")
    before = main.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
    assert before >= 20
    open_display(page)
    page.locator("#display [name=size]").select_option("300")
    page.locator("#display [name=show]").select_option("translation")
    after = main.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
    assert after == pytest.approx(3 * before, rel=0.01)
    expect(other).to_be_hidden()
    page.locator("#display [name=show]").select_option("original")
    expect(other).to_be_visible()
    expect(main).to_be_hidden()
    page.locator("#display [name=show]").select_option("both")
    for look in LOOKS:
        page.locator("#display [name=look]").select_option(look)
        page.wait_for_timeout(300)  # colours fade from one to the other
        low = page.evaluate(CONTRASTS, 7)
        assert low == [], look
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-look", "yellow")
    expect(page.locator("html")).to_have_attribute("data-caption-size", "large")


def test_captions_arrive_without_moving_what_is_being_read(page: Page) -> None:
    page.add_init_script(SHIFTS)
    talk = start(page)
    for n in range(12):
        talk.shows(f"a{n}", "callee", "네, 그렇습니다.", translation="Yes.", at_s=n)
    page.wait_for_timeout(1000)
    page.evaluate("window.shift = 0")
    words = [*"ABCDEFGHIJKLM"]
    for turn in range(4):
        for n in range(2, len(words), 2):
            talk.shows(
                f"b{turn}", "callee" if turn % 2 else "caller", " ".join(words[:n]),
                translation=" ".join(words[: n - 4]), at_s=20 + turn, is_final=False,
            )  # fmt: skip
            page.wait_for_timeout(30)
    expect(page.locator("#u-b3")).to_be_in_viewport()
    assert page.evaluate("window.shift") <= 0.02


def test_a_pause_counts_what_is_new_and_leads_back_to_the_last_word(
    page: Page,
) -> None:
    talk = start(page)
    for n in range(20):
        talk.shows(f"a{n}", "callee", f"문장 {n}", translation=f"Sentence {n}", at_s=n)
    newest, back = page.locator("#to-newest"), page.locator("#to-mark")
    expect(page.locator("#u-a19")).to_be_in_viewport()
    expect(newest).to_be_hidden()
    page.locator("h1").click()
    page.keyboard.press("p")
    pause = page.locator("#captions-pause")
    expect(pause).to_have_attribute("aria-pressed", "true")
    for n in range(20, 32):
        talk.shows(f"a{n}", "callee", f"문장 {n}", translation=f"Sentence {n}", at_s=n)
    expect(newest).to_contain_text("12 new")
    expect(page.locator("#u-a31")).not_to_be_in_viewport()
    expect(page.locator("#u-a19 .read-mark")).to_have_text("You had read up to here")
    newest.click()
    expect(pause).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#u-a31")).to_be_in_viewport()
    # A caption that grows keeps the mark, and the way back to it.
    talk.shows("a19", "callee", "문장 19", translation="Sentence 19, yes", at_s=19)
    expect(page.locator("#u-a19 .read-mark")).to_be_attached()
    back.click()
    expect(page.locator("#u-a19")).to_be_in_viewport()
    page.locator("#captions-scroll").hover()
    for _ in range(20):
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(30)
    expect(page.locator(".read-mark")).to_have_count(0)
    expect(newest).to_be_hidden()


def test_a_number_is_read_back_and_hold_hints_and_hanging_up_have_words(
    page: Page,
) -> None:
    talk = start(page)
    talk.shows(
        "u1", "callee", "일곱 시요", translation="At 7:30", at_s=1, uncertain=[[3, 7]]
    )
    page.get_by_role("button", name="Ask them if this is right").click()
    [asked] = talk.took("text")
    assert asked["text"] == "I understood: 7:30. Is that right?"
    talk.tell("text_status", id=asked["id"], state="spoken", translation="…")

    talk.tell("hold", active=True)
    expect(page.locator("#call-state")).to_have_text("On hold")
    expect(page.locator("#call-hint")).to_contain_text("On hold for 0:00")
    page.locator("#hang-up").click()
    expect(page.locator("#confirm-why")).to_contain_text("place in the queue")
    page.locator("#confirm-hang-up button[value=stay]").click()
    talk.tell("hold", active=False)
    expect(page.locator("#call-notes")).to_contain_text("back on the line")
    expect(page.locator("#captions-frame")).to_have_attribute("data-flash", "")

    # The assistant takes over, and gives back.
    talk.tell("mode", mode="agent")
    take_over = page.locator("#take-over")
    expect(take_over).to_have_text("Take over")
    take_over.click()
    talk.wait_until(lambda: talk.took("mode") == [{"mode": "voice"}])
    talk.tell("mode", mode="voice")
    expect(take_over).to_have_text("Hand back")


def test_a_second_tab_takes_the_call_and_the_first_can_take_it_back(
    page: Page,
) -> None:
    talk = start(page)
    assert talk._caller
    talk._caller.close(code=4408, reason="replaced")
    expect(page.locator("#call-notes")).to_contain_text("in another window")
    again = page.get_by_role("button", name="Take the call back")
    again.press("Enter")
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")


def test_a_helper_reads_along_until_the_link_is_taken_back(page: Page) -> None:
    # Nothing is dialled: the page and the helper's are real, the telephone is not.
    open_call_page(page)
    open_display(page)
    page.locator(".helpers__more summary").click()
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#helper-address").input_value()
    assert re.search(r"/watch/#[\w-]{40,}$", address)
    browser = page.context.browser
    assert browser
    context = browser.new_context(locale="ko-KR")
    requests: list[str] = []
    helper = context.new_page()
    helper.on("request", lambda request: requests.append(request.url))
    helper.goto(address)
    expect(helper.locator("#captions-scroll")).to_be_visible()
    expect(helper.locator("html")).to_have_attribute("lang", "ko")
    expect(helper.locator("body")).not_to_contain_text(re.compile(r"555"))
    token = address.rsplit("#", 1)[1]
    origin = address.split("/watch/")[0]
    assert all(url.startswith(origin) for url in requests)
    assert not any(token in url.split("#")[0] for url in requests)
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".helpers__said")).to_contain_text("no longer works")
    expect(helper.locator("#watch-note")).to_be_visible()
    helper.reload()
    expect(helper.locator("#captions-scroll")).to_have_count(0)
    context.close()

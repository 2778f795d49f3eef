"""Somebody in front of a browser: with a mouse, with a finger, or with keys alone.

Nothing here waits for a time: what is waited for is on the page.
"""

import base64
import json
import re
import time
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx2
from playwright.sync_api import Browser, Locator, Page, expect

from lab.speech.phrasebook import Phrasebook
from lab.voices import CALLER_VOICE
from wigvo.stack import Stack
from wigvo.tests.people import PASSWORD, eventually

Hand = Literal["mouse", "finger", "keys"]

PHONE: Final = {"width": 360, "height": 740}
DESKTOP: Final = {"width": 1280, "height": 800}
ANSWER_MS: Final = 60_000
"""Nobody takes this long to say the next sentence, also on a slow machine."""
PATIENCE_S: Final = 25.0
"""So long an answer is waited for before it is said again."""
MOST_TABS: Final = 120
"""No page has so many places where the focus stops."""
RATE_HZ: Final = 48_000

MOUTH: Final = """
{
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let context = null;
  let out = null;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const asked = await real(wanted);  // may be refused
    for (const track of asked.getTracks()) track.stop();
    context ??= new AudioContext({ sampleRate: 48000 });
    out = context.createMediaStreamDestination();
    window.microphone = out.stream.getAudioTracks()[0];
    return out.stream;
  };
  window.say = async (wav) => {
    const bytes = Uint8Array.from(atob(wav), (letter) => letter.charCodeAt(0));
    const source = new AudioBufferSourceNode(context, {
      buffer: await context.decodeAudioData(bytes.buffer),
    });
    source.connect(out);
    await new Promise((done) => { source.onended = done; source.start(); });
  };
}
"""
"""A microphone that says a phrase when it is told to."""

FOCUS: Final = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return "";
  const { tagName, id, className, textContent } = one;
  return `${tagName}#${id}.${className} ${textContent.trim().slice(0, 30)}`;
}
"""
IS_SEEN: Final = """
() => {
  const one = document.activeElement;
  if (one.matches("[type=date], [type=time]")) return true;  // a part of it is marked
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
  const hasLine = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
  return hasLine || boxShadow !== "none";
}
"""

TOO_WIDE: Final = """
() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > clientWidth + 0.5)
    .map((one) => `${one.tagName}#${one.id}.${one.className} ${one.textContent}`);
}
"""
"""What is wider than the screen, if anything makes the page so."""


@dataclass
class Traveller:
    """A person with an account of their own, on one page."""

    stack: Stack
    page: Page
    locale: str
    hand: Hand = "mouse"

    @property
    def language(self) -> str:
        return self.locale[:2]

    # --- Hands ------------------------------------------------------------------------

    def use(self, target: Locator) -> None:
        """Press a button or follow a link."""
        expect(target).to_be_visible()
        match self.hand:
            case "mouse":
                target.click()
            case "finger":
                target.tap()
            case "keys":
                self.reach(target)
                self.page.keyboard.press("Enter")

    def reach(self, target: Locator) -> None:
        """Go with the tab key to where something is; each stop on the way is seen."""
        expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("(one) => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUS)
            assert not focus or self.page.evaluate(IS_SEEN), f"not seen: {focus}"
        raise AssertionError(f"{target} cannot be reached with the tab key")

    def keeps_focus(self) -> None:
        """Fail if whoever uses keys is nowhere after what was done last."""
        if self.hand != "keys":
            return
        for _ in range(20):
            if self.page.evaluate(FOCUS):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError("the focus is lost")

    def write(self, target: Locator, text: str) -> None:
        """Fill a field in."""
        if self.hand == "keys":
            self.reach(target)
            self.page.keyboard.press("ControlOrMeta+A")
            self.page.keyboard.insert_text(text)
        else:
            self.use(target)
            target.fill(text)

    def choose(self, target: Locator, value: str) -> None:
        """Choose from a list."""
        if target.input_value() == value:
            return
        if self.hand != "keys":
            target.select_option(value)
            return
        self.reach(target)
        self.page.keyboard.press("Home")
        for _ in range(MOST_TABS):
            if target.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} cannot be chosen")

    # --- The way ----------------------------------------------------------------------

    def log_in(self) -> None:
        """Make an account that nobody else uses, and log in with it."""
        email = f"{uuid.uuid4().hex[:12]}@wigvo.example"
        self.stack.manage("create_user", email, PASSWORD)
        self.page.goto("/accounts/login/")
        self.write(self.page.locator("input[name=login]"), email)
        self.write(self.page.locator("input[name=password]"), PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".menu")).to_be_visible()

    def start(self) -> None:
        """Dial, and wait until somebody has answered."""
        self.use(self.page.locator("#start"))
        state = self.page.locator("#call-state")
        expect(state).to_have_attribute("data-status", "in_progress", timeout=ANSWER_MS)
        self.keeps_focus()

    def say(self, phrase_id: str, language: str) -> None:
        """Say a phrase of the book into the microphone."""
        query = urllib.parse.urlencode(
            {
                "text": Phrasebook.load()[phrase_id].texts[language],
                "language": language,
                "voice": CALLER_VOICE,
                "rate_hz": RATE_HZ,
            }
        )
        with urllib.request.urlopen(f"{self.stack.lab_url}/lab/speech?{query}") as wav:
            sound = base64.b64encode(wav.read()).decode()
        self.page.evaluate("(wav) => window.say(wav)", sound)

    def type(self, phrase_id: str, language: str) -> None:
        """Type a phrase of the book."""
        typed = self.page.locator("#typed")
        if not typed.is_visible():
            self.use(self.page.locator("#tools [aria-controls=compose]"))
        self.write(typed, Phrasebook.load()[phrase_id].texts[language])
        self.page.keyboard.press("Enter")
        expect(typed).to_have_value("")
        self.keeps_focus()

    def reads(self, phrase_id: str, language: str, within_s: float) -> bool:
        """Tell whether a phrase of the other side's comes up among the captions."""
        text = Phrasebook.load()[phrase_id].texts[language]
        said = self.page.locator("#captions .caption--callee", has_text=text)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if said.count():
                return True
            self.page.wait_for_timeout(200)
        return False

    def they_say(self, phrase_id: str) -> None:
        """Wait until the other side says a phrase, whether we are connected or not."""
        call_id = self.page.url.rstrip("/").rsplit("/", 1)[1]

        def said() -> list[str | None]:
            calls = self.lab("calls")["calls"]
            details = [self.lab(f"calls/{one['sid']}") for one in calls]
            ours = [one for one in details if call_id in json.dumps(one["requests"])]
            return [one["phrase_id"] for call in ours for one in call["said"]]

        eventually(said, lambda phrases: phrase_id in phrases, ANSWER_MS / 1000)

    def lab(self, path: str) -> Any:
        """Ask the lab what nobody on the page can know."""
        url = f"{self.stack.lab_url}/lab/{path}"
        return httpx2.get(url, trust_env=False).json()

    def hang_up(self) -> None:
        """End the call, also if the page asks whether that is meant."""
        self.use(self.page.locator("#hang-up"))
        dialog = self.page.locator("#confirm-hang-up")
        ending = self.page.locator("#call-end h2")
        sure = dialog.locator("button[value=hang-up]")
        expect(sure.or_(ending).first).to_be_visible(timeout=20_000)
        if sure.is_visible():
            self.use(sure)
        expect(ending).to_be_visible(timeout=20_000)
        expect(ending).to_be_focused()


def reply(person: Traveller, how: str, phrase_id: str, awaited: str, mine: str) -> None:
    """Answer, and once more if nothing comes back: they may not have understood."""
    for _ in range(3):
        if how == "types":
            person.type(phrase_id, mine)
        else:
            person.say(phrase_id, mine)
        if person.reads(awaited, mine, PATIENCE_S):
            return
    raise AssertionError(f"no {awaited} after {phrase_id}: {captions(person.page)}")


def captions(page: Page) -> list[str]:
    """Return what stands on the page, for a message of a test that has failed."""
    return page.locator("#captions .caption__main").all_inner_texts()


def number_in(text: str) -> str:
    return re.sub(r"\D", "", text)


def open_page(
    browser: Browser, stack: Stack, locale: str, hand: Hand = "mouse", **more: Any
) -> Traveller:
    """Open a page in a language, on the device that belongs to the hand."""
    device: dict[str, Any] = {"viewport": DESKTOP}
    if hand == "finger":
        device = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
    context = browser.new_context(
        locale=locale,
        base_url=stack.base_url,
        timezone_id="Asia/Seoul",
        **(device | more),
    )
    return Traveller(stack, context.new_page(), locale, hand)

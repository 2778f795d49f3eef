"""A call made in a browser: headless Chromium, whose microphone plays a WAV file."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Playwright, WebSocketRoute, expect

from calls.captions import Caption, Transcript
from calls.models import Call
from lab.speech.phrasebook import Phrasebook
from wigvo.stack import Stack
from wigvo.tests.chromium import MICROPHONE, browsing
from wigvo.tests.looking import is_leaving
from wigvo.tests.people import ALICE, PASSWORD, RESTAURANT

pytestmark = pytest.mark.browser

SILENCE_S = 7
"""Chromium plays the file again and again; this is the pause between two rounds."""
RATE_HZ = 48_000


@pytest.fixture(scope="module")
def microphone(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record what the caller says: one phrase, then silence."""
    text = Phrasebook.load()["restaurant_request"].texts["en"]
    query = urllib.parse.urlencode(
        {"text": text, "language": "en", "voice": "e", "rate_hz": RATE_HZ}
    )
    with urllib.request.urlopen(f"{stack.lab_url}/lab/speech?{query}") as answer:
        speech = answer.read()
    header, samples = speech[:44], speech[44:]
    samples += bytes(2 * RATE_HZ * SILENCE_S)
    sizes = (
        (len(samples) + 36).to_bytes(4, "little"),
        len(samples).to_bytes(4, "little"),
    )
    path = tmp_path_factory.mktemp("microphone") / "phrase.wav"
    path.write_bytes(header[:4] + sizes[0] + header[8:40] + sizes[1] + samples)
    return path


@pytest.fixture(scope="module")
def speaking(playwright: Playwright, microphone: Path) -> Iterator[Browser]:
    """Run a browser into whose microphone somebody speaks."""
    with browsing(
        playwright, MICROPHONE, f"--use-file-for-fake-audio-capture={microphone}"
    ) as browser:
        yield browser


@pytest.fixture
def page(stack: Stack, speaking: Browser) -> Iterator[Page]:
    """Open a page in a browser that may use its microphone."""
    context = speaking.new_context(locale="en-US", base_url=stack.base_url)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda said: (
            problems.append(said.text)
            if said.type == "error" and not is_leaving(said.text)
            else None
        ),
    )
    yield page
    context.close()
    assert not problems


def open_call_page(page: Page) -> None:
    """Log in and fill the form of a new call in; nothing is dialled yet."""
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(ALICE)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("form[action*=login] button[type=submit], form button").last.click()
    page.goto("/")
    page.locator("#id_number").fill(RESTAURANT)
    # A request that is given up when the page goes would be an error of the page.
    expect(page.locator("#number-feedback .feedback__good")).to_be_visible()
    # The form proposes what the last call had, which another test has chosen.
    page.locator("#id_caller_language").select_option("en")
    page.locator("#id_callee_language").select_option("ko")
    page.locator("[name=mode][value=voice]").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#start")).to_be_visible()


class Relay:
    """Both sockets of a call page, and a telephone that only exists in messages."""

    def __init__(self, page: Page) -> None:
        self.call = Call(caller_language="en", callee_language="ko")
        self.transcript = Transcript()
        self.asked: list[tuple[str, str]] = []
        self.sent: list[dict[str, Any]] = []
        self.n_sounds = 0
        self.speaks = False
        self._page = page
        self._caller: WebSocketRoute | None = None
        self._viewer: WebSocketRoute | None = None
        page.route_web_socket(re.compile("/stream"), self._attach_caller)
        page.route_web_socket(re.compile("/captions"), self._attach_viewer)
        stream = {"url": "ws://relay.test/stream", "ticket": "t", "expires_at": ""}
        answer = {"status": "in_progress", "stream": stream}
        page.route(re.compile("/start$"), lambda route: route.fulfill(json=answer))

    def _attach_caller(self, socket: WebSocketRoute) -> None:
        self._caller = socket
        socket.on_message(self._on_message)

    def _attach_viewer(self, socket: WebSocketRoute) -> None:
        self._viewer = socket

    def _on_message(self, data: str | bytes) -> None:
        """Do what is asked, as the relay does, and say so."""
        message = json.loads(data) if isinstance(data, str) else {"type": "audio"}
        match message["type"]:
            case "audio":
                self.n_sounds += 1
            case "ping":
                self.tell("pong")
            case "hello":
                self.speaks = bool(message["speaks"])
            case "discard":
                self.asked.append(("discard", message["utterance_id"]))
                self.unheard(message["utterance_id"], "discarded")
            case "repeat":
                self.asked.append(("repeat", message["utterance_id"]))
                self.plays(message["utterance_id"])
            case _:
                self.sent.append(message)

    def took(self, kind: str) -> list[dict[str, Any]]:
        """List what the page has sent of one kind, without its type."""
        mine = [m for m in self.sent if m["type"] == kind]
        return [{k: v for k, v in m.items() if k != "type"} for m in mine]

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Give the page up to 5 s."""
        for _ in range(50):
            if is_so():
                return
            self._page.wait_for_timeout(100)
        raise AssertionError("The page has not done it.")

    def tell(self, message_type: str, /, **fields: Any) -> None:
        assert self._caller
        self._caller.send(json.dumps({"type": message_type, **fields}))

    def says(self, utterance_id: str, original: str) -> None:
        """Show what the caller has said, on both sockets."""
        message = {
            "utterance_id": utterance_id,
            "leg": "caller",
            "original": original,
            "translation": "",
            "original_final": False,
            "translation_final": False,
            "started_ms": 1000 * (1 + len(self.transcript.captions)),
        }
        self.tell("caption", **message)
        change = self.transcript.put(Caption.from_message(message, self.call))
        assert self._viewer
        html = render_to_string(
            "calls/_live.html#change", {"call": self.call, **change}
        )
        self._viewer.send(html)

    def plays(self, utterance_id: str) -> None:
        self.tell("playback", leg="callee", utterance_id=utterance_id, played_ms=1400)

    def unheard(self, utterance_id: str, state: str) -> None:
        self.tell(
            "unheard", utterance_id=utterance_id, text="", translation="", state=state
        )


def test_the_caller_sees_what_was_not_heard_and_one_key_changes_it(page: Page) -> None:
    # The page's time stands still unless it is told to pass: nothing depends on ours.
    page.clock.install(time=0)
    relay = Relay(page)
    open_call_page(page)
    page.locator("#start").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    page.clock.pause_at(3_600_000)
    strip = page.locator("#unheard")
    items = page.locator("#unheard-items li")
    first, second = (page.locator(f"#u-u{n} .caption__fate") for n in (1, 2))
    expect(strip).to_be_hidden()

    relay.says("u1", "A table for four, please.")
    relay.says("u2", "By the window.")
    expect(first).to_have_text("○ not heard yet")
    relay.plays("u1")
    expect(first).to_have_text("▸ being heard: 2 s")

    # The callee interrupts: both sentences wait, and the keys act on the newest.
    relay.unheard("u1", "held")
    relay.unheard("u2", "held")
    relay.tell("interruption", by="callee")
    expect(items).to_have_count(2)
    expect(first).to_have_text("‖ the rest waits")
    expect(page.locator("#unheard-now")).to_contain_text("the rest waits")
    page.clock.run_for(300)
    expect(page.locator("#call-announce")).to_contain_text("the rest waits")
    keys = strip.locator("[aria-keyshortcuts]")
    expect(keys).to_have_count(2)
    expect(keys.first).to_have_accessible_name("Leave it out")
    expect(keys.first).to_have_accessible_description("By the window.")
    for button in strip.get_by_role("button").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 44
    page.keyboard.press("Delete")
    expect(second).to_have_text("– left out")
    expect(items).to_have_count(1)

    # What waited too long is lost; the button keeps the focus nearby when it goes.
    relay.unheard("u1", "lost")
    expect(first).to_have_text("✕ not heard")
    items.get_by_role("button", name="Say it again").focus()
    page.keyboard.press("r")
    expect(first).to_have_text("▸ being heard: 2 s")
    expect(items).to_have_count(0)
    expect(page.locator("#repeat-last")).to_be_focused()
    page.clock.run_for(2000)
    expect(first).to_have_text("✓ heard so far")  # no more playback comes
    assert relay.asked == [("discard", "u2"), ("repeat", "u1")]

    # A lag has words while there is one; keys that are switched off do nothing.
    relay.tell("latency", relay_in_p50_ms=1, playout_lag_ms=5000)
    expect(page.locator("#playout-lag")).to_contain_text("5 s later")
    relay.tell("latency", relay_in_p50_ms=1, playout_lag_ms=900)
    expect(page.locator("#playout-lag")).to_be_hidden()
    page.get_by_role("button", name="Sound").click()
    page.locator("#shortcuts").uncheck()
    expect(strip.locator("[aria-keyshortcuts]")).to_have_count(0)
    page.keyboard.press("r")
    page.locator("#shortcuts").check()
    page.locator("h1").click()  # away from the fields
    page.keyboard.press("r")
    expect(first).to_have_text("▸ being heard: 2 s")
    assert len(relay.asked) == 3


PHRASES = [
    {"id": "p1", "text": "Yes", "language": "en"},
    {"id": "p2", "text": "One moment, please", "language": "en"},
    {"id": "p3", "text": "네", "language": "ko"},
]


def go_on_as(page: Page, relay: Relay, mode: str) -> None:
    """Choose a mode on the page, and grant it."""
    page.locator("#modes summary").click()
    page.locator(f"#modes button[data-mode={mode}]").click()
    assert relay.took("mode")[-1] == {"mode": mode}
    relay.tell("mode", mode=mode)
    expect(page.locator("#call")).to_have_attribute("data-mode", mode)


def test_whoever_types_is_followed_to_the_last_word(page: Page) -> None:
    page.route(re.compile("/api/phrases"), lambda route: route.fulfill(json=PHRASES))
    relay = Relay(page)
    open_call_page(page)
    page.locator("#start").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    assert relay.speaks

    # The server decides about the mode; without speech there is no microphone.
    page.locator("#modes summary").click()
    page.locator("#modes button[data-mode=agent]").click()
    relay.tell("error", code="unsupported_mode", message="no")
    expect(page.locator("#call-notes")).to_contain_text("cannot be switched")
    expect(page.locator("#mode-name")).to_have_text("Voice")
    page.keyboard.press("Escape")
    go_on_as(page, relay, "text")
    expect(page.locator("#mode-name")).to_have_text("Text")
    expect(page.locator("#mute")).to_be_hidden()
    relay.wait_until(lambda: not relay.speaks)

    # Enter sends, but not the one that ends a Korean syllable; Shift+Enter is a line.
    typed = page.locator("#typed")
    own = page.locator("#own li")
    typed.fill("Four people")
    typed.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    typed.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    typed.press("Shift+Enter")
    assert relay.took("text") == []
    typed.press("Backspace")
    typed.press("Enter")
    expect(typed).to_have_value("")
    [sent] = relay.took("text")
    assert sent["text"] == "Four people"
    assert relay.took("typing") == [{"active": True}, {"active": False}]
    expect(own).to_contain_text("Being sent")
    relay.tell("text_status", id=sent["id"], state="queued", translation="네 명이요")
    expect(own).to_contain_text("네 명이요")
    relay.tell("text_status", id=sent["id"], state="failed")
    own.get_by_role("button", name="Change").click()
    expect(typed).to_have_value("Four people")
    expect(typed).to_be_focused()
    expect(own).to_have_count(0)

    # A draft outlives the page.
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(typed).to_have_value("Four people")
    page.locator("#start").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    relay.tell("mode", mode="text")
    expect(page.locator("#call")).to_have_attribute("data-mode", "text")

    # Phrases have keys, which are letters while something is typed.
    typed.press("2")
    assert relay.took("say") == []
    typed.press("Escape")
    page.keyboard.press("2")
    expect(own).to_contain_text("One moment, please")
    assert relay.took("say") == [{"phrase_id": "p2"}]

    # Replies are sent as they are.
    items = [{"text": "네 명이요", "translation": "Four of us"}, {"text": "두 명이요"}]
    relay.tell("suggestions", utterance_id="u1", items=items)
    page.get_by_role("button", name="Four of us").click()
    said = relay.took("text")[-1]
    assert (said["text"], said["as"]) == ("네 명이요", "callee")
    expect(page.locator("#replies")).to_be_hidden()


def test_the_keypad_and_the_assistants_question_are_answered_with_keys(
    page: Page,
) -> None:
    relay = Relay(page)
    open_call_page(page)
    page.locator("#start").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")

    relay.tell("answered_by", kind="menu")
    expect(page.locator("#call-notes")).to_contain_text("A menu has answered")
    keys = page.locator("#keypad-keys")
    page.locator("#keypad [data-key='1']").click()
    keys.press("End")
    keys.press_sequentially("a2#")
    keys.press("Enter")
    assert relay.took("dtmf") == [{"digits": "12#"}]
    relay.tell("dtmf_status", digits="12#", state="failed")
    expect(page.locator("#keypad-state")).to_contain_text("could not be pressed")
    expect(keys).to_have_value("12#")

    go_on_as(page, relay, "agent")
    relay.tell("question", question_id="q1", text="At 7 or at 8?", expires_ms=60_000)
    expect(page.locator("#question")).to_contain_text("At 7 or at 8?")
    expect(page.locator("#question-left")).to_contain_text(re.compile(r"\d+ s left"))
    page.locator("#question-answer").fill("At 8")
    page.locator("#question-answer").press("Enter")
    assert relay.took("answer") == [{"question_id": "q1", "text": "At 8"}]
    expect(page.locator("#question")).to_be_hidden()
    page.locator("#typed").fill("Ask for a window")
    page.locator("#typed").press("Enter")
    assert relay.took("whisper")[0]["text"] == "Ask for a window"
    relay.tell("cost", usd=0.123, minutes=2)
    expect(page.locator("#call-cost")).to_have_text("about $0.12")


def test_who_holds_the_space_key_is_heard_until_it_is_let_go(page: Page) -> None:
    relay = Relay(page)
    open_call_page(page)
    page.locator("#start").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    page.get_by_role("button", name="Sound").click()
    page.get_by_label("While you hold the button").check()
    page.get_by_role("button", name="Sound").click()
    page.locator("h1").click()
    page.wait_for_timeout(1000)  # what was being said is at its end
    before, relay.sent = relay.n_sounds, []
    page.wait_for_timeout(500)
    assert relay.n_sounds == before
    talk = page.locator("#talk")
    page.keyboard.down(" ")
    expect(talk).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(500)
    page.keyboard.up(" ")
    expect(talk).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(1000)
    assert [m["state"] for m in relay.took("speech")] == ["started", "ended"]
    assert relay.n_sounds > before + 10


@pytest.mark.long
def test_a_caller_speaks_and_reads_the_answer_translated(page: Page) -> None:
    book = Phrasebook.load()
    open_call_page(page)
    page.locator("#start").click()

    captions = page.locator("#captions")
    state = page.locator("#call-state")
    expect(state).to_have_attribute("data-status", "in_progress", timeout=20_000)
    # The restaurant answers in Korean; the page shows it in English …
    answer = book["restaurant_answer"]
    expect(captions).to_contain_text(answer.texts["en"], timeout=40_000)
    expect(captions).to_contain_text(answer.texts["ko"])
    # … the microphone's phrase appears in Korean …
    request = book["restaurant_request"]
    expect(captions).to_contain_text(request.texts["ko"], timeout=40_000)
    # … and was understood: the restaurant goes on to the next question.
    question = book["restaurant_ask_name"]
    expect(captions).to_contain_text(question.texts["en"], timeout=40_000)
    # The page knows that they have heard it.
    heard = captions.locator(".caption--caller .caption__fate[data-fate=heard]")
    expect(heard.first).to_be_visible(timeout=40_000)

    # Now the caller types: the microphone goes off, and the words are said.
    page.locator("#modes summary").click()
    page.locator("#modes button[data-mode=text]").click()
    expect(page.locator("#call")).to_have_attribute("data-mode", "text")
    expect(page.locator("#mute")).to_be_hidden()
    name = book["restaurant_name"]
    page.locator("#typed").fill(name.texts["en"])
    page.locator("#typed").press("Enter")
    expect(page.locator("#own li")).to_contain_text(name.texts["ko"], timeout=20_000)
    expect(page.locator("#own li[data-state=spoken]")).to_be_visible(timeout=40_000)
    expect(captions).to_contain_text(name.texts["ko"])

    page.locator("#hang-up").click()
    dialog = page.locator("#confirm-hang-up button[value=hang-up]")
    if dialog.is_visible():
        dialog.click()
    ending = page.locator("#call-end")
    expect(ending.locator("h2")).to_be_visible(timeout=20_000)
    page.goto("/calls/")
    expect(page.locator("main")).to_contain_text(re.compile(r"555.?0101"))

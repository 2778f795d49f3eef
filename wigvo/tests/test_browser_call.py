"""A call made in a browser: headless Chromium, whose microphone plays a WAV file."""

import os
import re
import shutil
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from lab.speech.phrasebook import Phrasebook
from wigvo.stack import Stack
from wigvo.tests.people import ALICE, PASSWORD, RESTAURANT
from wigvo.tests.servers import Unavailable, apt_install

pytestmark = pytest.mark.browser

SILENCE_S = 7
"""Chromium plays the file again and again; this is the pause between two rounds."""
RATE_HZ = 48_000


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome; None if there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    return None


@pytest.fixture(scope="session")
def chromium() -> str:
    """Find Chromium, install it as root, or skip; in CI its absence is a failure."""
    if path := find_chromium():
        return path
    try:
        apt_install("chromium")
    except Unavailable as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{problem}: the browser test needs it")
        pytest.skip(f"{problem}: the browser test needs it")
    path = find_chromium()
    assert path
    return path


@pytest.fixture
def microphone(stack: Stack, tmp_path: Path) -> Path:
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
    path = tmp_path / "phrase.wav"
    path.write_bytes(header[:4] + sizes[0] + header[8:40] + sizes[1] + samples)
    return path


@pytest.fixture
def page(stack: Stack, chromium: str, microphone: Path) -> Iterator[Page]:
    """Open a page in a browser that may use its microphone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        context = browser.new_context(locale="en-US", base_url=stack.base_url)
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda said: problems.append(said.text) if said.type == "error" else None,
        )
        yield page
        browser.close()
        assert not problems


def test_a_caller_speaks_and_reads_the_answer_translated(page: Page) -> None:
    book = Phrasebook.load()
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(ALICE)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("form[action*=login] button[type=submit], form button").last.click()
    page.goto("/")
    page.locator("#id_number").fill(RESTAURANT)
    page.get_by_role("button", name="Continue").click()
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

    page.locator("#hang-up").click()
    dialog = page.locator("#confirm-hang-up button[value=hang-up]")
    if dialog.is_visible():
        dialog.click()
    ending = page.locator("#call-end")
    expect(ending.locator("h2")).to_be_visible(timeout=20_000)
    page.goto("/calls/")
    expect(page.locator("main")).to_contain_text(re.compile(r"555.?0101"))

"""The page of a call that is over, in a browser: no call is made, so no time passes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from calls import recordings, wav
from calls.models import Call, Recording, Status, Summary
from calls.tests.factories import make_call, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CORRECT = re.compile("Correct.*Please bring")
SAID = (
    ("callee", "내일 오전 열 시 반이요.", "Tomorrow at half past ten."),
    ("caller", "Half past ten suits me.", "열 시 반이면 좋아요."),
    ("callee", "여권을 가져오세요.", "Please bring your passport."),
)


@pytest.fixture
def call(transactional_db: None, settings: Any, tmp_path: Path) -> Call:
    """A call with everything that its page can show."""
    settings.MEDIA_ROOT = tmp_path
    call = make_call(
        make_user("alice"),
        status=Status.COMPLETED,
        callee_name="Clinic",
        answered_at=timezone.now(),
        summary="The doctor sees you tomorrow.",
    )
    for n, (leg, original, translation) in enumerate(SAID):
        call.utterances.create(
            utterance_id=f"{leg}-{n}",
            leg=leg,
            original=original,
            translation=translation,
            started_ms=4000 * n,
            ended_ms=4000 * n + 2000,
        )
    Summary.objects.create(
        call=call,
        state="done",
        language="en",
        content={
            "appointments": [
                {
                    "title": "Doctor",
                    "starts_at": "2026-11-22T10:30:00+09:00",
                    "utterance_ids": ["callee-0"],
                }
            ]
        },
    )
    recording = Recording.objects.create(
        call=call, started_ms=0, duration_ms=12_000, ended_at=timezone.now()
    )
    sound = np.zeros((12 * wav.RATE_HZ, 2), "<i2")
    path = recordings.path_of(recording.pk)
    path.parent.mkdir()
    path.write_bytes(wav.header(sound.nbytes) + sound.tobytes())
    return call


@pytest.fixture
def page(call: Call, live_server: Any, browser: Browser) -> Page:
    """Open the call's page as its owner, who is logged in."""
    client = Client()
    client.force_login(call.owner)
    cookie = {
        "name": "sessionid",
        "value": client.cookies["sessionid"].value,
        "url": live_server.url,
    }
    url = f"{live_server.url}{call.get_absolute_url()}"
    context = browser.new_context(locale="en")
    context.add_cookies([cookie])  # type: ignore[list-item]
    opened = context.new_page()
    sound = recordings.path_of(call.recording.pk).read_bytes()
    # The test's server is not ours and cannot send a part of a file.
    opened.route("**/recording", lambda route: _send_part(route, sound))
    opened.goto(url)
    return opened


def _send_part(route: Route, whole: bytes) -> None:
    first, _, last = (
        route.request.headers["range"].removeprefix("bytes=").partition("-")
    )
    end = int(last) + 1 if last else len(whole)
    part = f"bytes {first}-{end - 1}/{len(whole)}"
    route.fulfill(
        status=206,
        body=whole[int(first) : end],
        headers={"Content-Type": "audio/wav", "Content-Range": part},
    )


def test_words_are_found_marked_and_led_to(page: Page) -> None:
    search = page.get_by_label("Search what was said")
    search.fill("PASSPORT bring")
    expect(page.locator("#captions > li:visible")).to_have_count(1)
    expect(page.locator("mark.found")).to_have_text(["bring", "passport"])
    expect(page.locator("#transcript-found")).to_have_text("1 of 3")
    search.fill("umbrella")
    expect(page.locator("#transcript-found")).to_have_text("Nothing was found.")
    # Whoever is led to a caption sees it, whatever is looked for.
    page.get_by_label("Said at 0:00").click()
    expect(page.locator("#u-callee-0")).to_be_visible()
    expect(search).to_have_value("")


def test_lines_are_shown_in_one_language_or_both(page: Page) -> None:
    page.get_by_label("In your language").check()
    expect(page.locator("#captions p[lang=ko]:visible")).to_have_count(0)
    expect(page.locator("#captions p[lang=en]:visible")).to_have_count(3)
    page.get_by_label("As it was said").check()
    shown = page.locator("#captions").locator(".caption__main, .caption__other")
    texts = shown.filter(visible=True).all_inner_texts()
    assert texts == [original for _, original, _ in SAID]


def test_the_recording_and_its_captions_go_together(page: Page) -> None:
    expect(page.locator(".player__wave path")).to_have_count(2)
    page.get_by_label("Play from 0:08").click()
    current = page.locator("#captions > [aria-current]")
    expect(current).to_have_id("u-callee-2")
    line = page.get_by_label("Place in the recording")
    line.focus()
    page.keyboard.press("Space")
    assert page.evaluate("document.querySelector('audio').paused")
    page.keyboard.press("ArrowLeft")
    expect(current).to_have_id("u-callee-0")
    assert "/ 0:12" in str(line.get_attribute("aria-valuetext"))


def test_a_caption_is_put_right_by_keyboard(page: Page) -> None:
    page.get_by_role("link", name=CORRECT).focus()
    page.keyboard.press("Enter")
    translation = page.get_by_label("Translation", exact=True)
    # htmx knows the new form as soon as this is gone.
    expect(page.locator(".caption--editing:not(.htmx-added)")).to_be_visible()
    expect(page.get_by_label("Original", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(translation).to_have_count(0)
    expect(page.locator("#u-callee-2")).to_be_focused()
    page.get_by_role("link", name=CORRECT).click()
    expect(page.get_by_label("Original", exact=True)).to_be_focused()
    translation.fill("Please bring your identity card.")
    page.get_by_role("button", name="Save").click()
    said = page.locator("#u-callee-2")
    expect(said.locator(".caption__main")).to_have_text(
        "Please bring your identity card."
    )
    expect(said.locator(".badge")).to_have_text("Corrected")
    said.get_by_text("What it said before").click()
    expect(said.locator("q")).to_have_text("Please bring your passport.")


def test_an_appointment_is_saved(page: Page) -> None:
    with page.expect_download() as saved:
        page.get_by_role("link", name="Put it in a calendar").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert saved.value.suggested_filename == "appointment-2026-11-22.ics"
    assert "DTSTART:20261122T013000Z" in text


def test_without_a_connection_the_app_says_so_and_keeps_nothing_of_anybody(
    page: Page,
) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = page.evaluate(
        "caches.keys().then(async (names) => (await Promise.all(names.map(async (n) =>"
        " (await (await caches.open(n)).keys()).map((r) => new URL(r.url).pathname))))"
        ".flat())"
    )
    assert "/offline/" in kept
    assert all(one == "/offline/" or one.startswith("/static/") for one in kept)
    context: BrowserContext = page.context
    context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("No internet connection")
    assert "passport" not in page.content()
    context.set_offline(False)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Clinic")

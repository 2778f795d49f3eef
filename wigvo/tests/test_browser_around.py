"""Around a call, in a browser: the directory, and what is heard first listened to."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from calls.tests.factories import make_user
from realtime.opening import preview
from realtime.sockets import EngineRefusedError
from realtime.voice.speaker import Spoken
from wigvo.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RATE_HZ = 24_000


class Voice:
    """Speaks for a second, or not at all."""

    is_mute = False

    def __init__(self, **how: Any) -> None:
        pass

    async def render(self, text: str, language: str) -> Any:
        if self.is_mute:
            raise EngineRefusedError("unreachable")
        return np.zeros(RATE_HZ, np.int16)

    async def say(self, text: str, language: str, **more: Any) -> Spoken:
        return Spoken(await self.render(text, language), text, is_verbatim=True)

    async def close(self) -> None:
        pass


@pytest.fixture
def alice(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    cache.clear()  # what is played is counted there
    monkeypatch.setattr(preview, "Speaker", Voice)
    monkeypatch.setattr(Voice, "is_mute", False)
    return make_user("alice", name_as_spoken="Kim Minsu")


@pytest.fixture
def page(alice: User, live_server: Any, browser: Browser) -> Iterator[Page]:
    client = Client()
    client.force_login(alice)
    cookie = {
        "name": "sessionid",
        "value": client.cookies["sessionid"].value,
        "url": live_server.url,
    }
    context = browser.new_context(locale="en", base_url=live_server.url)
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.set_default_timeout(15_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert not problems


@pytest.mark.parametrize("path", ["/", "/introduction/"])
def test_what_is_heard_first_is_played_and_stopped(page: Page, path: str) -> None:
    page.goto(path)
    button = page.locator("[data-hear] button")
    expect(button).to_have_text("Listen to it")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Stop listening")
    expect(button).to_have_text("Listen to it", timeout=15_000)  # it has ended
    page.keyboard.press("Enter")
    expect(button).to_have_text("Stop listening")
    page.keyboard.press("Enter")
    expect(button).to_have_text("Listen to it")
    expect(button).to_be_focused()


def test_a_voice_that_cannot_be_reached_is_said(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Voice, "is_mute", True)
    page.goto("/")
    page.locator("[data-hear] button").click()
    said = page.locator("[data-hear] [role=status]")
    expect(said).to_have_text(re.compile("The voice cannot be reached"))
    page.locator("[name=mode][value=agent]").check()
    expect(page.locator("[data-hear]")).to_be_hidden()  # it says it in its own words


def test_a_number_is_kept_found_removed_and_brought_back(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Choose from your directory").click()
    for name, number in (("Clinic", "02-555-0102"), ("Embassy", "02-555-0103")):
        add = page.get_by_text("Add a number")
        if not page.get_by_label("Name", exact=True).is_visible():
            add.click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Telephone number").fill(number)
        page.get_by_role("button", name="Save the number").click()
        expect(page.locator("strong", has_text=name)).to_be_visible()
    search = page.get_by_label("Search the directory")
    search.press_sequentially("emb")
    expect(page.locator(".phrase strong")).to_have_text(["Embassy"])
    expect(search).to_be_focused()
    search.fill("")
    expect(page.locator(".phrase strong")).to_have_text(["Clinic", "Embassy"])
    star = page.get_by_role("button", name="Favourite: Clinic")
    star.press("Enter")
    expect(star).to_have_attribute("aria-pressed", "false")
    expect(star).to_be_focused()
    page.get_by_role("button", name="Remove: Embassy").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(page.locator("strong", has_text="Embassy")).to_be_visible()
    page.get_by_role("button", name="Call: Clinic").click()
    expect(page.locator("#id_number")).to_have_value("02-555-0102")
    expect(page.locator("#id_callee_name")).to_have_value("Clinic")

"""Headless Chromium for the tests: found or installed, and started in one way."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Playwright

from wigvo.tests.servers import Unavailable, apt_install

FLAGS = (
    "--no-sandbox",
    "--mute-audio",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
MICROPHONE = "--use-fake-ui-for-media-stream"
"""Says yes to whoever asks for the microphone."""


def find() -> str | None:
    """Return the path of an installed Chromium or Chrome; None if there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    return None


def require() -> str:
    """Find Chromium, install it as root, or skip; in CI its absence is a failure."""
    if path := find():
        return path
    try:
        apt_install("chromium")
    except Unavailable as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{problem}: the browser test needs it")
        pytest.skip(f"{problem}: the browser test needs it")
    path = find()
    assert path
    return path


@contextmanager
def browsing(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """Run a browser whose microphone hears beeps; `flags` may change that."""
    browser = playwright.chromium.launch(
        executable_path=require(), args=[*FLAGS, *flags]
    )
    yield browser
    browser.close()

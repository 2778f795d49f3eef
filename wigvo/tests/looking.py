"""Look at a page as people do, and as axe-core does.

    WIGVO_PICTURES=folder pytest -n 2 -m looks

leaves a picture of all that is looked at in that folder.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    WebSocketRoute,
    expect,
)

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
PICTURES = os.environ.get("WIGVO_PICTURES", "")
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

LOCALES = {"en": "en-US", "ko": "ko-KR"}
CHECK = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")
CONTROLS = {
    "button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox",
    "radio", "slider", "spinbutton", "switch", "menuitem", "tab", "DisclosureTriangle",
}  # fmt: skip

Scheme = Literal["light", "dark"]
Looks = tuple[tuple[dict[str, int], Scheme], ...]
LOOKS: dict[str, Looks] = {
    "en": ((PHONE, "light"), (DESKTOP, "dark")),
    "ko": ((DESKTOP, "light"), (PHONE, "dark")),
}
"""Each page is loaded once in each language: together every size meets every theme."""


@dataclass
class Eye:
    """One page of a browser, and what was wrong with what it has shown."""

    page: Page
    origin: str
    language: str
    problems: list[str] = field(default_factory=list)
    at: str = ""
    """What is looked at now."""
    n_seen: int = 0

    def watch(self, context: BrowserContext) -> None:
        """Note errors, and whatever is asked of somebody else."""
        context.on("request", lambda request: self._requested(request.url))
        context.on("console", lambda said: self._said(said.type, said.text, said.page))
        self.page.on("pageerror", lambda error: self.wrong(f"error: {error}"))

    def wrong(self, what: str) -> None:
        self.problems.append(f"{self.at}: {what}")

    def _requested(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and not url.startswith(self.origin):
            self.wrong(f"asks {parts.netloc}")

    def _said(self, kind: str, text: str, page: Page | None) -> None:
        expected = page and "the server responded with a status of 4" in text
        if kind == "error" and not expected and not is_leaving(text):
            self.wrong(f"console: {text}")

    def open(self, path: str, name: str, *, status: int = 200) -> None:
        """Go to a page; `name` is what the problems and the picture are called."""
        self.at = f"{self.language} {name}"
        answer = self.page.goto(self.origin + path)
        if answer is None or answer.status != status:
            self.wrong(f"status {answer and answer.status} instead of {status}")
        self.settle()

    def settle(self) -> None:
        """Wait until what the page asks for by itself is there."""
        self.page.wait_for_load_state("load")
        expect(self.page.locator(".htmx-request")).to_have_count(0)

    def look(self, name: str, looks: Looks | None = None, *, part: str = "") -> None:
        """Look at what there is now, in two sizes and both themes."""
        self.n_seen += 1
        for size, scheme in looks or LOOKS[self.language]:
            self.at = f"{self.language} {name} {size['width']} {scheme}"
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.check(part)
            self.picture(name, size, scheme)

    def check(self, part: str = "") -> None:
        """Run axe, and look for what it does not."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE)
        options = {
            "part": part,
            "runOnly": {"type": "tag", "values": list(TAGS)},
            "resultTypes": ["violations"],
            "preload": False,
        }
        for found in self.page.evaluate(CHECK, options):
            self.wrong(found)
        for control in [] if part else nameless(self.page):
            self.wrong(f"without a name: {control}")

    def picture(self, name: str, size: dict[str, int], scheme: str) -> None:
        if PICTURES:
            file = re.sub(
                r"[^\w-]+", "-", f"{name}-{self.language}-{size['width']}-{scheme}"
            )
            self.page.screenshot(path=Path(PICTURES) / f"{file}.png", full_page=True)


def nameless(page: Page) -> list[str]:
    """List the controls that a screen reader has no name for."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value")
        is_named = node.get("name", {}).get("value", "").strip()
        if node.get("ignored") or role not in CONTROLS or is_named:
            continue
        about = {"backendNodeId": node["backendDOMNodeId"]}
        what = session.send("DOM.describeNode", about)["node"]
        found.append(f"{role} {what['nodeName']} {what.get('attributes')}")
    session.detach()
    return found


def is_leaving(text: str) -> bool:
    """Whether htmx only says that a page was left before an answer came."""
    return text.startswith(("htmx:sendAbort", "htmx:afterRequest"))


@contextmanager
def opened(
    browser: Browser,
    origin: str,
    language: str,
    *,
    session_key: str = "",
    **options: Any,
) -> Iterator[Eye]:
    """Open a browser's window that nobody else has used.

    Args:
        browser: which.
        origin: of the server.
        language: of the reader.
        session_key: of somebody who is logged in.
        options: of the window.
    """
    context = browser.new_context(
        locale=LOCALES[language],
        timezone_id="Asia/Seoul",
        service_workers="block",
        reduced_motion="reduce",
        **options,
    )
    context.route_web_socket(re.compile("."), _silent)
    if session_key:
        cookie = {"name": "sessionid", "value": session_key, "url": origin}
        context.add_cookies([cookie])  # type: ignore[list-item]
    eye = Eye(context.new_page(), origin, language)
    eye.watch(context)
    try:
        yield eye
    finally:
        context.close()


def _silent(socket: WebSocketRoute) -> None:
    """Open a socket on which nothing is said: the test's server has none."""

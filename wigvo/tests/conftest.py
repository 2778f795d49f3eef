"""A running server, lab and browser for the rings `lab`, `browser` and `looks`."""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from wigvo.stack import Stack, running_stack
from wigvo.tests.chromium import MICROPHONE, browsing
from wigvo.tests.people import ALICE, BOB, PASSWORD, Person, close_sockets
from wigvo.tests.servers import free_port


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order what takes long: last of all hooks, the order is random until here.

    A long test begins first, so that nobody waits for it alone in the end.  What waits
    for the reports of whole calls comes behind its file's other tests: they run, and
    disturb, while the calls go on.
    """
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    items[:] = [
        item
        for _, in_file in groupby(items, key=lambda item: item.path)
        for item in sorted(in_file, key=_waits_for_reports)
    ]


def _waits_for_reports(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "reports" in item.fixturenames


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Run the product against the lab, on free ports, with two accounts."""
    folder = Path(tempfile.mkdtemp(prefix="wigvo-stack-"))
    # Not below pytest's own folder: a later run may clear that away under us.
    try:
        with running_stack(folder, free_port(), free_port()) as stack:
            for email in (ALICE, BOB):
                stack.manage("create_user", email, PASSWORD, "--calls-at-once", "10")
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def people(stack: Stack) -> Iterator[dict[str, Person]]:
    """Log each of them in once: logging in is rate-limited, as it should be."""
    with Person(stack, ALICE) as alice, Person(stack, BOB) as bob:
        yield {ALICE: alice, BOB: bob}


@pytest.fixture
def alice(people: dict[str, Person]) -> Iterator[Person]:
    """Owns the calls; they are over after the test."""
    yield people[ALICE]
    close_sockets()
    people[ALICE].hang_up()


@pytest.fixture
def bob(people: dict[str, Person]) -> Iterator[Person]:
    """Has an account, and nothing to do with Alice's calls."""
    yield people[BOB]
    close_sockets()
    people[BOB].hang_up()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Drive browsers; its loop runs in this thread, where tests make rows meanwhile.

    It ends with a file's tests: those of another may have a loop of their own.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield playwright


@pytest.fixture(scope="module")
def _browser(playwright: Playwright) -> Iterator[Browser]:
    with browsing(playwright, MICROPHONE) as browser:
        yield browser


@pytest.fixture
def browser(_browser: Browser) -> Iterator[Browser]:
    """Lend a browser that may use its microphone; its windows close after the test."""
    yield _browser
    for context in _browser.contexts:
        context.close()

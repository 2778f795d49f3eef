"""A running server and lab for the rings `lab` and `browser`."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wigvo.stack import Stack, running_stack
from wigvo.tests.people import ALICE, BOB, PASSWORD, Person, close_sockets
from wigvo.tests.servers import free_port


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

"""An assistant that reads what the test says, and a place search of one street."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from calls.tests.factories import make_user
from chat import services
from chat.assistant import Turn
from chat.models import Conversation
from chat.state import Extracted, Intent, Reading
from places import providers
from places.providers import Place
from realtime.text.texts import TextFailed
from wigvo.models import User


class FakeAssistant:
    """Reads by a table; of a message that is not in it, nothing."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.readings: dict[str, Reading] = {}
        self.failure = ""
        self.words: list[str] = []
        """What is heard of an answer while it is being written."""

    def reads(
        self,
        message: str,
        *extracted: tuple[str, str, str],
        scenario: str = "",
        intent: Intent = Intent.INFORM,
        remark: str = "",
    ) -> None:
        rows = tuple(Extracted(*row) for row in extracted)
        self.readings[message] = Reading(scenario, rows, intent, remark)

    def read(self, turn: Turn) -> Reading:
        self.turns.append(turn)
        if turn.hear is not None:
            for words in self.words:
                turn.hear(words)
        if self.failure:
            raise TextFailed(self.failure)
        return self.readings.get(turn.message, Reading())


@pytest.fixture
def assistant(monkeypatch: pytest.MonkeyPatch) -> FakeAssistant:
    fake = FakeAssistant()
    monkeypatch.setattr(services, "assistant", fake)
    return fake


class FakePlaces:
    """What the place search answers."""

    def __init__(self) -> None:
        self.found = [
            Place("Han River Restaurant", "Korean", "Mapo", "+8225550101", "naver"),
            Place("Han River Grill", "Grill", "Mapo", "+8225550102", "naver"),
        ]
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def search(self, query: str) -> list[Place]:
        self.asked.append(query)
        if self.failure:
            raise self.failure
        return self.found


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> FakePlaces:
    fake = FakePlaces()
    monkeypatch.setattr(providers, "search", fake.search)
    return fake


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def alice_client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def saturday() -> Iterator[None]:
    """Saturday 21 November 2026, ten o'clock in Seoul."""
    with time_machine.travel("2026-11-21T10:00:00+09:00", tick=False):
        yield


def make_conversation(owner: User, **fields: str) -> Conversation:
    return services.begin(
        owner, **{"caller_language": "en", "callee_language": "ko", **fields}
    )


def say(conversation: Conversation, text: str) -> str:
    """Write a message, and return the answer."""
    conversation.refresh_from_db()
    return services.converse(conversation, services.note_down(conversation, text))

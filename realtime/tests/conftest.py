"""A relay node between providers of our own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from calls import tickets, twilio
from calls.models import Call
from calls.tests.factories import make_call, make_user
from calls.tests.threads import shared_database
from realtime import registry
from realtime.bridge import LiveCall
from realtime.routing import sockets
from realtime.tests import sounds
from realtime.tests.fakes import FakeOpenAI, FakeTextModel, FakeTwilio
from realtime.text import texts
from realtime.voice import speaker
from wigvo import database, notify
from wigvo.database import in_database
from wigvo.models import User

NODE = "http://127.0.0.1:8000"
STREAM_PATH = "/twilio/media-stream"


@dataclass
class Relay:
    """The node, its providers, alice and her draft."""

    openai: FakeOpenAI
    texts: FakeTextModel
    twilio: FakeTwilio
    alice: User
    charlie: User
    call: Call

    @property
    def live(self) -> LiveCall:
        live = registry.get(self.call.pk)
        assert live is not None
        return live

    async def start(self) -> None:
        await registry.start(self.call.pk, self.alice, "")

    async def stored(self) -> Call:
        return await in_database(Call.objects.get, pk=self.call.pk)

    async def caller(self, ticket: str | None = None) -> WebsocketCommunicator:
        """Make, but do not connect, a caller's socket."""
        if ticket is None:
            ticket, _ = await in_database(
                tickets.issue_ticket, self.call.pk, self.alice.pk
            )
        path = f"/relay/calls/{self.call.pk}/stream?ticket={ticket}"
        return WebsocketCommunicator(sockets, path)

    async def phone(self, *, signature: str | None = None) -> WebsocketCommunicator:
        """Make, but do not connect, Twilio's socket."""
        if signature is None:
            url = NODE.replace("http", "ws") + STREAM_PATH
            validator = RequestValidator(django_settings.TWILIO_AUTH_TOKEN)
            signature = validator.compute_signature(url, {})
        headers = [(b"x-twilio-signature", signature.encode())]
        return WebsocketCommunicator(sockets, STREAM_PATH, headers=headers)

    async def stream_token(self) -> str:
        return await in_database(
            tickets.issue_stream_token, self.call.pk, FakeTwilio.SID
        )

    async def connect_phone(self, token: str | None = None) -> WebsocketCommunicator:
        """Open a media stream that proves itself."""
        phone = await self.phone()
        connected, _ = await phone.connect()
        assert connected
        await phone.send_json_to({"event": "connected"})
        await phone.send_json_to(
            start_message(self.call.pk, token or await self.stream_token())
        )
        return phone


def start_message(call_id: UUID, token: str, sid: str = FakeTwilio.SID) -> Any:
    """Return Twilio's `start`."""
    return {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": "MZ1",
        "start": {
            "streamSid": "MZ1",
            "accountSid": "AC",
            "callSid": sid,
            "tracks": ["inbound"],
            "mediaFormat": {
                "encoding": "audio/x-mulaw",
                "sampleRate": 8000,
                "channels": 1,
            },
            "customParameters": {"call": str(call_id), "token": token},
        },
    }


@pytest.fixture(autouse=True)
def same_noise() -> None:
    """Make tests independent of their order."""
    sounds.begin_anew()


@pytest.fixture
def people(transactional_db: None, tmp_path: Path) -> Iterator[tuple[User, User, Call]]:
    """Make alice, charlie and a draft of alice's, where other threads see them."""
    alice, charlie = make_user("alice"), make_user("charlie")
    call = make_call(alice)
    with shared_database(tmp_path):
        yield alice, charlie, call


@pytest.fixture
async def relay(
    people: tuple[User, User, Call],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Relay]:
    """Run a node."""
    fake_twilio = FakeTwilio()
    monkeypatch.setattr(twilio, "transport", fake_twilio)
    fake_texts = FakeTextModel()
    monkeypatch.setattr(texts, "transport", httpx2.MockTransport(fake_texts))
    texts.warm_up()
    # A layer belongs to the loop that it was first used on.
    channel_layers.backends.clear()
    speaker.forget_all()
    settings.PUBLIC_BASE_URL = settings.RELAY_NODE_URL = NODE
    try:
        async with FakeOpenAI().running() as openai:
            settings.OPENAI_REALTIME_URL = openai.url
            notify.set_loop(asyncio.get_running_loop())
            yield Relay(openai, fake_texts, fake_twilio, *people)
            await registry.close_all()
            await texts.close()
            notify.set_loop(None)
    finally:
        database.close()
        channel_layers.backends.clear()

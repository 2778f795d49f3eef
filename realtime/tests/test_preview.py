"""What will be heard first, listened to before there is a call."""

import io
import wave
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.test import AsyncClient

from calls.models import Call
from calls.tests.factories import make_user
from realtime.opening import preview
from realtime.tests.test_opener import FakeSpeaker, Translator
from realtime.text import texts
from wigvo.models import User

FORM = {"caller_language": "en", "callee_language": "ko", "mode": "voice"}


class Voice(FakeSpeaker):
    """Counts how often it was made, and let go of."""

    n_made = n_closed = 0

    def __init__(self, **how: Any) -> None:
        super().__init__()
        type(self).n_made += 1
        self.how = how

    async def close(self) -> None:
        type(self).n_closed += 1


class Mute(Voice):
    """Cannot speak at all."""

    async def render(self, text: str, language: str) -> Any:
        self.refused = [text]
        return await super().render(text, language)


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> type[Voice]:
    cache.clear()
    Voice.n_made = Voice.n_closed = 0
    monkeypatch.setattr(preview, "Speaker", Voice)
    monkeypatch.setattr(texts, "translate", Translator())
    return Voice


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_user("alice", name_as_spoken="Kim Minsu")


@pytest.fixture
async def alices(alice: User) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(alice)
    return client


async def test_it_is_the_introduction_and_what_always_follows(
    alices: AsyncClient, voice: type[Voice]
) -> None:
    answer = await alices.post("/opening/sound/", FORM)
    assert answer["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, 24_000)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert list(sound[:300]) == [9] * 300  # the name
    assert sound[-1] != 0  # the disclosure, after a pause
    assert not sound[300:400].any()
    assert (voice.n_made, voice.n_closed) == (1, 1)
    assert not await Call.objects.aexists()


async def test_strangers_hear_nothing(db: None, voice: type[Voice]) -> None:
    assert (await AsyncClient().post("/opening/sound/", FORM)).status_code == 401
    assert voice.n_made == 0


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"mode": "agent"}, 409, "said_by_agent"),
        ({"callee_language": "xx"}, 422, "unsupported_language"),
        ({"opening": "You fucking idiot"}, 422, "opening_abusive"),
    ],
)
async def test_what_is_not_said_is_not_spoken(
    alices: AsyncClient,
    voice: type[Voice],
    changes: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await alices.post("/opening/sound/", FORM | changes)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert voice.n_made == 0


async def test_a_voice_that_fails_is_named(
    alices: AsyncClient, voice: type[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "Speaker", Mute)
    answer = await alices.post("/opening/sound/", FORM)
    assert answer.status_code == 503
    assert "cannot be reached" in answer.json()["error"]["message"]
    assert Mute.n_closed == Mute.n_made == 1
    monkeypatch.setattr(preview, "Speaker", voice)
    assert (await alices.post("/opening/sound/", FORM)).status_code == 200


async def test_nobody_listens_all_the_time(
    alices: AsyncClient, voice: type[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "MOST_A_DAY", 2)
    statuses = [
        (await alices.post("/opening/sound/", FORM)).status_code for _ in range(3)
    ]
    assert statuses == [200, 200, 429]
    assert voice.n_made == 2


async def test_calls_come_first(
    alices: AsyncClient, voice: type[Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "_listening", preview.AT_ONCE)
    answer = await alices.post("/opening/sound/", FORM)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "listening_limit"
    assert voice.n_made == 0

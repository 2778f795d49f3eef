"""The system's own voice: exact, kept, and honest about what it could not say."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from django.core.cache import caches
from pytest_django import Settings

from realtime.config import ENGINE_HZ
from realtime.sockets import EngineRefusedError
from realtime.tests.fakes import FakeOpenAI, eventually
from realtime.tests.sounds import sentence
from realtime.voice import sounds_kept
from realtime.voice.sounds_kept import KeptSounds, key_of, pack, unpack
from realtime.voice.speaker import Speaker, forget_all


@pytest.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    forget_all()
    async with FakeOpenAI().running() as fake:
        yield fake


@pytest.fixture
async def speaker(openai: FakeOpenAI) -> AsyncIterator[Speaker]:
    one = Speaker(url=openai.url, api_key="k", model="m")
    yield one
    await one.close()


def n_asked(openai: FakeOpenAI) -> int:
    return sum(
        event["type"] == "response.create"
        for session in openai.sessions
        for event in session.received
    )


async def test_a_typed_sentence_is_spoken_once(speaker: Speaker) -> None:
    spoken = await speaker.say("제 번호는 010-1234-5678입니다.", "ko")
    assert spoken.is_verbatim
    assert spoken.attempts == 1
    assert len(spoken.pcm) == 2400
    assert spoken.spoken_text == "제 번호는 010-1234-5678입니다."


async def test_what_was_misread_is_asked_for_again(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    openai.misreads = 1
    repeats: list[str] = []
    spoken = await speaker.say("네.", "ko", on_repeat=lambda: repeats.append("again"))
    assert spoken.is_verbatim
    assert spoken.attempts == 2
    assert repeats == ["again"]


async def test_what_is_misread_every_time_says_so_and_is_not_kept(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    openai.misreads = 2
    spoken = await speaker.say("I need room 12.", "en", keep=True)
    assert not spoken.is_verbatim
    assert spoken.spoken_text == "Sure, how can I help you today?"
    assert spoken.differences
    assert len(spoken.pcm)
    again = await speaker.say("I need room 12.", "en", keep=True)
    assert again.is_verbatim
    assert again.attempts == 1


async def test_a_line_of_our_own_that_is_misread_is_refused(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    openai.misreads = 2
    with pytest.raises(EngineRefusedError, match="not_verbatim"):
        await speaker.render("One moment, please.", "en")


async def test_a_phrase_is_not_spoken_twice_even_after_a_restart(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    first = await speaker.say("네, 좋습니다.", "ko", keep=True)
    again = await speaker.say("네, 좋습니다.", "ko", keep=True)
    assert again.attempts == 0
    assert n_asked(openai) == 1
    forget_all()
    later = await speaker.say("네, 좋습니다.", "ko", keep=True)
    assert later.attempts == 0
    assert later.is_verbatim
    assert np.array_equal(later.pcm, first.pcm)
    assert n_asked(openai) == 1


async def test_what_was_typed_once_is_not_kept_beyond_the_process(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    await speaker.say("My name is Alice.", "en")
    forget_all()
    await speaker.say("My name is Alice.", "en")
    assert n_asked(openai) == 2


async def test_another_language_or_voice_model_is_another_sound(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    await speaker.say("OK", "en", keep=True)
    await speaker.say("OK", "de", keep=True)
    other = Speaker(url=openai.url, api_key="k", model="m2")
    await other.say("OK", "en", keep=True)
    await other.close()
    assert n_asked(openai) == 3


async def test_a_cache_that_fails_costs_nothing_but_the_sound(
    openai: FakeOpenAI, speaker: Speaker, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "no-directory"
    file.write_text("")
    settings.CACHES = settings.CACHES | {
        "sounds": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": file,
        }
    }
    spoken = await speaker.say("Yes.", "en", keep=True)
    assert spoken.is_verbatim


async def test_sound_is_kept_in_files_where_there_is_no_broker(
    settings: Settings, tmp_path: Path
) -> None:
    settings.CACHES = settings.CACHES | {
        "sounds": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": tmp_path / "sounds",
        }
    }
    pcm = sentence(1.0)
    key = key_of("My secret name", "en", "v", "m")
    await sounds_kept.keep(key, pcm, everywhere=True)
    sounds_kept.memory.clear()
    found = await sounds_kept.find(key, everywhere=True)
    assert found is not None
    assert np.array_equal(found, pcm)
    [file] = (tmp_path / "sounds").iterdir()
    assert b"secret" not in file.read_bytes()


async def test_a_very_long_sentence_stays_in_memory_only() -> None:
    pcm = np.ones(ENGINE_HZ * 21, np.int16)
    await sounds_kept.keep("long", pcm, everywhere=True)
    assert await sounds_kept.find("long", everywhere=False) is not None
    assert caches["sounds"].get("long") is None


def test_packing_loses_nothing() -> None:
    rng = np.random.default_rng(1)
    for pcm in (
        sentence(0.5),
        rng.integers(-32768, 32768, 1000).astype(np.int16),
        np.array([32767, -32768, 0, -1, 1], np.int16),
        np.zeros(0, np.int16),
    ):
        assert np.array_equal(unpack(pack(pcm)), pcm)


def test_speech_is_packed_to_less_than_two_thirds() -> None:
    pcm = sentence(2.0)
    assert len(pack(pcm)) < pcm.nbytes * 2 / 3


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", pack(np.zeros(3, np.int16))[:-3]]
)
def test_what_is_not_packed_sound_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not packed"):
        unpack(content)


def test_the_least_used_sentences_go_first() -> None:
    kept = KeptSounds(max_bytes=3000)
    for name in "abc":
        kept.put(name, np.zeros(500, np.int16))
    assert kept.get("a") is not None
    kept.put("d", np.zeros(500, np.int16))
    assert kept.get("b") is None
    assert len(kept) == 3
    kept.put("d", np.zeros(600, np.int16))
    assert kept.get("d") is not None
    assert len(kept) == 2


async def test_two_may_ask_at_once(openai: FakeOpenAI, speaker: Speaker) -> None:
    both = await asyncio.gather(speaker.say("One.", "en"), speaker.say("Two.", "en"))
    assert [one.spoken_text for one in both] == ["One.", "Two."]
    assert len(openai.sessions) == 1


async def test_a_session_that_is_lost_is_replaced_and_leaves_nothing_running(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    await speaker.say("One.", "en")
    await openai.sessions[0].socket.close()
    await eventually(lambda: speaker._socket is None)
    assert (await speaker.say("Two.", "en")).is_verbatim
    assert len(openai.sessions) == 2
    await openai.sessions[1].socket.close()
    await eventually(lambda: speaker._socket is None)


async def test_phrases_are_made_ready_before_they_are_wanted(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    assert await speaker.prepare(["Yes.", "No."], "en") == 2
    assert (await speaker.say("No.", "en", keep=True)).attempts == 0
    assert await speaker.prepare(["Yes.", "No."], "en") == 2
    assert n_asked(openai) == 2


async def test_what_cannot_be_made_ready_is_left(
    openai: FakeOpenAI, speaker: Speaker
) -> None:
    openai.refuse_with = 503
    assert await speaker.prepare(["Yes.", "No."], "en") == 0

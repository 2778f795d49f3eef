"""How the people sound: their pauses, as the line carries them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np

from lab.people import Backchannel, Say, Script, load_people
from lab.server import real_speech
from lab.telephone.handset import Handset, Samples, without_edges
from realtime.config import TurnConfig

QUIET_RMS = 20.0
"""A frame of the voice below this is a pause: the speech has 1000."""


def speaker(script_id: str) -> tuple[Script, Say]:
    script = next(one for one in load_people().values() if one.id == script_id)
    (say,) = (s for s in script.steps if isinstance(s, Say) and len(s.phrase_ids) > 1)
    return script, say


async def sound_of(script_id: str) -> Samples:
    """Let a person say nothing but the long thing in the script."""
    return await sound_of_saying(*speaker(script_id))


async def sound_of_saying(script: Script, say: Say) -> Samples:
    speech = real_speech()
    with ThreadPoolExecutor(1) as executor:
        handset = Handset(
            replace(script, steps=(say,)),
            voice=speech.voice,
            ears=speech.make_ears((script.language,)),
            phrases=speech.phrases,
            executor=executor,
            speech_rms=1000,
            on_keys=lambda digits: None,
            on_put_down=lambda: None,
        )
        await handset.prepare()
        frames = []
        while not handset.person.is_done:
            frames.append(handset.tick(np.zeros(160, np.int16)))
    assert [one.phrase_id for one in handset.said] == list(say.phrase_ids)
    for one, following in pairwise(handset.said):
        assert one.ended_ms is not None
        assert one.ended_ms <= following.started_ms
    return np.concatenate(frames)


def pauses_ms(pcm: Samples) -> list[int]:
    """Return the pauses inside, whole frames."""
    rms = np.sqrt(np.mean(pcm.reshape(-1, 160).astype(float) ** 2, axis=1))
    edges = np.flatnonzero(np.diff(np.r_[0, rms < QUIET_RMS, 0]))
    runs = edges.reshape(-1, 2)
    inner = runs[(runs[:, 0] > 0) & (runs[:, 1] < len(rms))]
    return [int(b - a) * 20 for a, b in inner]


def speech_ms(pcm: Samples) -> float:
    """Return the time from the first sound to the last."""
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > QUIET_RMS)
    return float(loud[-1] - loud[0]) / 8


async def test_the_monologuer_talks_for_a_minute_without_a_long_pause() -> None:
    pcm = await sound_of("monologuer")
    assert len(pcm) >= 60 * 8000
    pauses = pauses_ms(pcm)
    _, say = speaker("monologuer")
    assert sum(pause >= 260 for pause in pauses) == len(say.phrase_ids) - 1
    assert max(pauses) <= 400


async def test_the_hesitant_speaker_pauses_as_long_as_announced() -> None:
    long_ones = [p for p in pauses_ms(await sound_of("hesitant")) if p >= 460]
    wanted = [500, 700, 880, 920, 960, 1000, 1200, 1500]
    assert len(long_ones) == len(wanted)
    for pause, announced in zip(long_ones, wanted, strict=True):
        assert announced - 20 <= pause <= announced + 40


async def test_a_backchannel_is_too_short_for_an_interruption() -> None:
    for script in load_people().values():
        for step in script.steps:
            for phrase_id in step.phrase_ids if isinstance(step, Backchannel) else ():
                pcm = await sound_of_saying(script, Say((phrase_id,)))
                assert speech_ms(pcm) <= TurnConfig().confirm_ms - 100


def test_a_phrase_begins_and_ends_with_its_sound() -> None:
    tone = np.full(800, 1000, np.int16)
    silence = np.zeros(320, np.int16)
    pcm = np.concatenate([silence, tone, silence])
    assert len(without_edges(pcm, 30)) == 800 + 2 * 40
    assert len(without_edges(silence, 30)) == 320
    assert np.array_equal(without_edges(tone, 30), tone)

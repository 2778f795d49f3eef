"""Mu-law, resampling, speech detection: arrays in, arrays out."""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio import vad
from realtime.audio.g711 import SILENCE_BYTE, decode_mulaw, encode_mulaw
from realtime.audio.resample import Resampler
from realtime.config import SpeechConfig
from realtime.tests.sounds import noise, sentence, tone

RNG = np.random.default_rng(7)


def power_db(pcm: np.ndarray) -> float:
    return float(10 * np.log10(np.square(pcm.astype(float)).mean() + 1e-9))


# --- G.711 ---------------------------------------------------------------------------

# ITU-T G.711 table 2a: the decoder's output at the ends of each segment, positive half.
GOLDEN = {
    0xFF: 0,
    0xFE: 8,
    0xF0: 120,
    0xEF: 132,
    0xE0: 372,
    0xDF: 396,
    0xC0: 1884,
    0xBF: 1980,
    0x80: 32124,
    0x00: -32124,
    0x7F: 0,
    0x7E: -8,
}


@pytest.mark.parametrize(("code", "value"), GOLDEN.items())
def test_mulaw_decodes_the_standards_values(code: int, value: int) -> None:
    assert decode_mulaw(bytes([code]))[0] == value


def test_every_mulaw_code_survives_decoding_and_encoding() -> None:
    codes = bytes(c for c in range(256) if c != 0x7F)  # negative zero becomes zero
    assert encode_mulaw(decode_mulaw(codes)) == codes
    assert encode_mulaw(decode_mulaw(b"\x7f")) == b"\xff"


@given(st.integers(-32768, 32767))
def test_mulaw_is_within_half_a_step_of_the_sample(sample: int) -> None:
    decoded = int(decode_mulaw(encode_mulaw(np.array([sample], np.int16)))[0])
    # Steps grow with the level: 8 at zero, 1024 in the last segment.
    step = 2 ** max(3, int(np.log2(abs(sample) + 132)) - 4)
    assert abs(decoded - np.clip(sample, -32124, 32124)) <= step / 2 + 4


def test_silence_is_ff() -> None:
    assert encode_mulaw(np.zeros(3, np.int16)) == bytes([SILENCE_BYTE]) * 3


# --- Resampling ----------------------------------------------------------------------


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 24000), (24000, 8000)])
@given(sizes=st.lists(st.integers(0, 700), min_size=1, max_size=12))
def test_chunks_do_not_change_the_result(
    from_hz: int, to_hz: int, sizes: list[int]
) -> None:
    pcm = RNG.integers(-9000, 9000, sum(sizes)).astype(np.int16)
    whole = Resampler(from_hz, to_hz).process(pcm)
    streaming = Resampler(from_hz, to_hz)
    parts = [streaming.process(chunk) for chunk in np.split(pcm, np.cumsum(sizes)[:-1])]
    together = np.concatenate(parts)
    assert len(together) == len(whole)
    assert np.abs(together.astype(int) - whole).max(initial=0) <= 1  # rounding


def test_a_frame_gives_a_frame() -> None:
    up, down = Resampler(8000, 24000), Resampler(24000, 8000)
    frame = np.zeros(160, np.int16)
    assert [len(up.process(frame)) for _ in range(3)] == [480, 480, 480]
    assert [len(down.process(np.zeros(480, np.int16))) for _ in range(3)] == [160] * 3


def test_up_and_down_again_delays_by_2_5_ms_and_keeps_speech() -> None:
    pcm = tone(1000, 0.5, 8000)
    there = Resampler(8000, 24000).process(pcm)
    back = Resampler(24000, 8000).process(there)
    delay = 20  # twice 1.25 ms at 8 kHz
    error = back[200 + delay : 3800 + delay].astype(float) - pcm[200:3800]
    assert np.abs(error).max() < 100  # 40 dB below the tone


@pytest.mark.parametrize(("hz", "at_most_db"), [(5000, -45), (7000, -45), (10000, -45)])
def test_what_the_telephone_cannot_carry_does_not_fold_back(
    hz: float, at_most_db: float
) -> None:
    pcm = tone(hz, 0.5, 24000)
    down = Resampler(24000, 8000).process(pcm)
    assert power_db(down[100:]) - power_db(pcm) < at_most_db


@pytest.mark.parametrize(("hz", "within_db"), [(300, 0.3), (1000, 0.3), (3400, 3)])
def test_the_telephone_band_passes(hz: float, within_db: float) -> None:
    pcm = tone(hz, 0.5, 24000)
    down = Resampler(24000, 8000).process(pcm)
    assert abs(power_db(down[100:]) - power_db(pcm)) < within_db


def test_rates_without_a_whole_ratio_are_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        Resampler(44100, 8000)


# --- Speech detection ----------------------------------------------------------------


def test_the_network_is_the_one_we_named() -> None:
    digest = hashlib.sha256(vad.MODEL_PATH.read_bytes()).hexdigest()
    assert digest == vad.MODEL_SHA256
    assert "MIT" in (vad.MODEL_PATH.parent / "LICENSE").read_text()


def transitions(pcm: np.ndarray) -> list[tuple[str, int]]:
    detector = vad.SpeechDetector(SpeechConfig())
    found: list[tuple[str, int]] = []
    for start in range(0, len(pcm) - 159, 160):
        change = detector.push(pcm[start : start + 160])
        if change:
            found.append((change, (start + 160) // 8))
    return found


def test_it_hears_speech_begin_and_end() -> None:
    pcm = np.concatenate([noise(1, 30), sentence(1.5), noise(1.5, 30)])
    found = transitions(pcm)
    assert [kind for kind, _ in found] == ["started", "stopped"]
    started_ms, stopped_ms = (at for _, at in found)
    assert 1000 <= started_ms <= 1200
    assert 2450 <= stopped_ms - vad.SpeechDetector(SpeechConfig()).offset_ms <= 2750


@pytest.mark.parametrize("rms", [0, 50, 200])
def test_noise_is_not_speech(rms: float) -> None:
    assert transitions(noise(5, rms)) == []


@pytest.mark.parametrize("level_dbov", [-16, -22, -28, -34, -36])
def test_speech_is_judged_against_the_noise_not_by_its_level(level_dbov: int) -> None:
    speech = sentence(3.0).astype(float)
    gain = 32768 * 10 ** (level_dbov / 20) / np.sqrt(np.mean(speech**2))
    rms = 32768 * 10 ** ((level_dbov - 20) / 20)
    line = np.concatenate([np.zeros(12_000), speech * gain, np.zeros(12_000)])
    line += np.asarray(noise(len(line) / 8000, rms))
    heard = decode_mulaw(encode_mulaw(np.clip(line, -32768, 32767).astype(np.int16)))
    found = transitions(heard)
    assert [kind for kind, _ in found] == ["started", "stopped"]
    assert 1500 <= found[0][1] <= 1700


def test_noise_that_rises_is_learnt_and_speech_over_it_is_heard() -> None:
    louder = sentence(2.0) * 1.5 + noise(2.0, 300)
    line = [noise(3, 30), noise(4, 300), louder.astype(np.int16), noise(1, 300)]
    found = transitions(np.concatenate(line))
    assert found[0][0] == "started"
    assert 7000 <= found[0][1] <= 7250


def test_quiet_noise_costs_the_network_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = vad.SpeechProbability.judge
    n_judged = 0

    def counted(self: vad.SpeechProbability, window: Any) -> float:
        nonlocal n_judged
        n_judged += 1
        return judge(self, window)

    monkeypatch.setattr(vad.SpeechProbability, "judge", counted)
    transitions(noise(10, 50))
    assert n_judged < 0.1 * 10_000 / vad.WINDOW_MS


def test_a_ringing_tone_is_not_speech() -> None:
    ring = tone(440, 1, 8000, 4000) + tone(480, 1, 8000, 4000)
    assert transitions(np.concatenate([ring, noise(2, 10), ring])) == []


def test_keys_are_not_speech() -> None:
    five = tone(770, 0.2, 8000, 6000) + tone(1336, 0.2, 8000, 6000)
    assert transitions(np.concatenate([five, noise(0.2, 10)] * 4)) == []

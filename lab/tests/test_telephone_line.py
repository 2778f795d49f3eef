"""The line model: levels, echo, noise, and what a network does to frames."""

import hashlib
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.telephone.line import Line, LineConfig, Samples, at_level, speech_level
from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw, encode_mulaw

QUIET = np.zeros(160, np.int16)


def rms(pcm: Samples) -> float:
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


def sine(hertz: float, n_frames: int, amplitude: float = 4000) -> Samples:
    t = np.arange(n_frames * 160) / 8000
    return np.rint(amplitude * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def carry(
    line: Line,
    *,
    down: Samples | None = None,
    up: Samples | None = None,
    n_frames: int = 100,
) -> tuple[Samples, Samples]:
    """Send sound through a line; returns what the person hears and what comes back."""
    heard, sent = [], []
    for i in range(n_frames):
        piece = slice(i * 160, (i + 1) * 160)
        frame = SILENCE_FRAME if down is None else encode_mulaw(down[piece])
        a, b = line.process(frame, QUIET if up is None else up[piece])
        heard.append(a)
        sent.append(decode_mulaw(b))
    return np.concatenate(heard), np.concatenate(sent)


@pytest.mark.parametrize(
    ("hertz", "lowest_db", "highest_db"),
    [(60, -200, -30), (1000, -1, 1), (2500, -1, 1), (3900, -200, -30)],
)
def test_both_ways_pass_the_telephone_band_only(
    hertz: float, lowest_db: float, highest_db: float
) -> None:
    sound = sine(hertz, 100)
    heard, sent = carry(Line(LineConfig(noise_rms=0)), down=sound, up=sound)
    for out in (heard, sent):
        gain_db = 20 * np.log10(rms(out[1600:]) / rms(sound) + 1e-9)
        assert lowest_db <= gain_db <= highest_db


def test_a_silent_line_carries_exact_silence() -> None:
    heard, sent = carry(Line(LineConfig(noise_rms=0)))
    assert not heard.any()
    assert not sent.any()


@pytest.mark.parametrize("wanted", [20.0, 50.0, 200.0])
def test_noise_has_its_level_and_its_colour(wanted: float) -> None:
    _, sent = carry(Line(LineConfig(noise_rms=wanted)), n_frames=300)
    assert rms(sent) == pytest.approx(wanted, rel=0.1)
    spectrum = np.abs(np.fft.rfft(sent[:40_000].reshape(-1, 400))) ** 2
    power = spectrum.mean(axis=0)
    assert power[20:60].mean() > 3 * power[110:150].mean()  # 400-1200, 2200-3000 Hz
    assert power[:5].mean() < power[20:60].mean() / 30


@pytest.mark.parametrize("kind", ["hybrid", "handset"])
@pytest.mark.parametrize("loss_db", [6.0, 20.0])
@pytest.mark.parametrize("delay_ms", [0, 80, 600])
def test_echo_comes_back_as_weak_and_as_late_as_it_should(
    kind: str, loss_db: float, delay_ms: int
) -> None:
    rng = np.random.default_rng(5)
    sound = np.zeros(100 * 160, np.int16)
    sound[:8000] = rng.normal(0, 4000, 8000).astype(np.int16)
    config = LineConfig(
        noise_rms=0,
        echo_loss_db=loss_db,
        echo_delay_ms=delay_ms,
        echo_kind=kind,  # type: ignore[arg-type]
    )
    heard, sent = carry(Line(config), down=sound)
    loss = 10 * np.log10(
        np.sum(heard.astype(float) ** 2) / np.sum(sent.astype(float) ** 2)
    )
    assert loss == pytest.approx(loss_db, abs=1.0)
    correlation = np.correlate(sent.astype(float), heard.astype(float)[:8000], "valid")
    lag_ms = np.argmax(np.abs(correlation)) / 8
    assert delay_ms + 7 <= lag_ms <= delay_ms + 40  # and the band-pass's 8 ms


def test_by_default_there_is_no_echo() -> None:
    _, sent = carry(Line(LineConfig(noise_rms=0)), down=sine(1000, 100))
    assert not sent.any()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_a_seed_gives_the_same_line_again(seed: int) -> None:
    config = LineConfig(
        seed=seed, echo_loss_db=20, late_probability=0.1, gap_probability=0.05
    )
    results = []
    for _ in range(2):
        line, digest = Line(config), hashlib.sha256()
        sound = sine(700, 40)
        for i in range(40):
            piece = sound[i * 160 : (i + 1) * 160]
            heard, sent = line.process(encode_mulaw(piece), piece)
            digest.update(heard.tobytes() + sent + repr(line.network(sent)).encode())
        results.append(digest.hexdigest())
    assert results[0] == results[1]


def test_another_seed_is_another_line() -> None:
    a, b = (carry(Line(LineConfig(seed=seed)))[1] for seed in (1, 2))
    assert (a != b).mean() > 0.5


@given(
    late=st.floats(0, 0.5),
    gap=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
    longest=st.integers(1, 10),
)
@settings(max_examples=50, deadline=None)
def test_frames_arrive_in_order_with_true_timestamps(
    late: float, gap: float, seed: int, longest: int
) -> None:
    config = LineConfig(
        seed=seed,
        late_probability=late,
        gap_probability=gap,
        late_max_frames=longest,
        gap_max_frames=longest,
    )
    line, arrived = Line(config), []
    for i in range(200):
        frames = line.network(i.to_bytes(1, "big"))
        for frame in frames:
            delay = i - frame.timestamp_ms // 20
            assert 0 <= delay <= longest
            assert frame.payload == (frame.timestamp_ms // 20).to_bytes(1, "big")
        arrived += frames
    stamps = [frame.timestamp_ms for frame in arrived]
    assert stamps == sorted(set(stamps))
    if not gap:
        assert len(stamps) >= 200 - longest


def test_gaps_and_bursts_do_happen() -> None:
    line = Line(LineConfig(late_probability=0.1, gap_probability=0.1))
    batches = [line.network(b"") for _ in range(500)]
    stamps = [frame.timestamp_ms for batch in batches for frame in batch]
    assert max(len(batch) for batch in batches) > 2
    assert max(np.diff(stamps)) > 20


@given(st.floats(100, 5000), st.integers(1, 20))
@settings(max_examples=20, deadline=None)
def test_speech_is_brought_to_its_level_whatever_the_pauses(
    wanted: float, n_pauses: int
) -> None:
    speech = np.concatenate([sine(800, 20, 3000), np.zeros(1600 * n_pauses, np.int16)])
    assert speech_level(at_level(speech, wanted)) == pytest.approx(wanted, rel=0.02)


def test_silence_has_no_level() -> None:
    assert speech_level(QUIET) == 0
    assert not at_level(QUIET, 1000).any()


@pytest.mark.parametrize(
    "values",
    [
        {"nois_rms": 1},
        {"noise_rms": -1},
        {"noise_rms": "loud"},
        {"echo_loss_db": 200},
        {"echo_kind": "cave"},
        {"echo_delay_ms": 5000},
    ],
)
def test_a_line_refuses_what_it_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"line|must be"):
        LineConfig().changed(values)


def test_a_line_refuses_other_frames() -> None:
    with pytest.raises(ValueError, match="160"):
        Line(LineConfig()).process(b"\xff" * 80, QUIET)


def test_a_frame_is_cheap() -> None:
    line = Line(LineConfig(echo_loss_db=20, echo_kind="handset"))
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        carry(line, n_frames=50)
        best = min(best, (time.perf_counter() - began) / 50)
    assert best < 0.001  # about 40 µs here; a slow machine may take longer

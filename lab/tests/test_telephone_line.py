"""The line model: levels, echo, noise, and what a network does to frames."""

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.telephone.line import (
    Line,
    LineConfig,
    Samples,
    at_level,
    echo_taps,
    speech_level,
)
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


def levels(pcm: Samples, n_samples: int = 800) -> list[float]:
    """RMS of pieces of 100 ms."""
    return [rms(pcm[i : i + n_samples]) for i in range(0, len(pcm), n_samples)]


def test_level_control_works_both_ways_within_its_bounds() -> None:
    for amplitude, gain_db in ((300, 4.5), (8000, -6.0), (850, 0.0), (60, 0.0)):
        sound = sine(1000, 200, amplitude)
        plain, controlled = (
            carry(Line(LineConfig(noise_rms=0, agc_db=db)), up=sound, n_frames=200)[1]
            for db in (0, 6)
        )
        moved_db = 20 * np.log10(rms(controlled[-8000:]) / rms(plain[-8000:]))
        assert moved_db == pytest.approx(gain_db, abs=0.5)


def test_level_control_moves_smoothly() -> None:
    sound = np.concatenate([sine(1000, 100, 400), sine(1000, 100, 8000)])
    line = Line(LineConfig(noise_rms=0, agc_db=6))
    _, sent = carry(line, up=sound, n_frames=200)
    after = levels(sent[16_400:])
    assert after[0] > after[2] >= after[-1]
    assert np.abs(np.diff(20 * np.log10(after))).max() < 6


def test_level_control_does_not_pump_up_noise() -> None:
    plain, controlled = (
        carry(Line(LineConfig(noise_rms=50, agc_db=db)), n_frames=100)[1]
        for db in (0, 6)
    )
    assert np.array_equal(plain, controlled)


def test_a_loudspeaker_clips_what_is_heard_and_its_echo() -> None:
    sound = sine(1000, 100, 8000)
    echo = {"noise_rms": 0, "echo_loss_db": 10, "echo_delay_ms": 0}
    for clip in (None, 3000):
        config = LineConfig(clip_level=clip, **echo)  # type: ignore[arg-type]
        heard, sent = carry(Line(config), down=sound)
        if clip:
            assert np.abs(heard).max() == clip
        for out in (heard[1600:], sent[1600:]):
            spectrum = np.abs(np.fft.rfft(out[:8000] * np.hanning(8000)))
            ratio_db = 20 * np.log10(spectrum[3000] / spectrum[1000])
            assert (ratio_db > -40) == bool(clip)


def lag_ms(reference: Samples, delayed: Samples) -> float:
    correlation = np.correlate(delayed.astype(float), reference.astype(float), "valid")
    return float(np.argmax(np.abs(correlation)) / 8)


def test_slips_move_the_delay_back_and_forth() -> None:
    rng = np.random.default_rng(5)
    sound = rng.normal(0, 3000, 1500 * 160).astype(np.int16)
    config = LineConfig(noise_rms=0, slip_interval_ms=1000)
    heard, _ = carry(Line(config), down=sound, n_frames=1500)
    lags = [
        lag_ms(sound[i : i + 800], heard[i : i + 800 + 1600])
        for i in range(0, len(sound) - 3200, 1600)
    ]
    jumps = [b - a for a, b in itertools.pairwise(lags) if a != b]
    assert 15 <= len(jumps) <= 45  # one every 0.7-1.3 s in 30 s
    assert min(jumps) < 0 < max(jumps)
    assert all(20 <= abs(jump) <= 80 for jump in jumps)  # one or two slips
    band_pass_ms = 8
    assert all(0 <= lag - band_pass_ms <= 120 for lag in lags)


def test_slips_keep_the_middle_of_the_echos_delay() -> None:
    rng = np.random.default_rng(5)
    sound = np.zeros(100 * 160, np.int16)
    sound[:8000] = rng.normal(0, 4000, 8000).astype(np.int16)
    lags = []
    for interval in (0, 600_000):  # never, and later than this test looks
        config = LineConfig(
            noise_rms=0, echo_loss_db=10, echo_delay_ms=200, slip_interval_ms=interval
        )
        lags.append(lag_ms(sound[:8000], carry(Line(config), down=sound)[1]))
    assert lags[0] == lags[1]


def test_both_ways_go_through_the_codec() -> None:
    sound = sine(700, 50, 3000)
    plain = carry(Line(LineConfig(noise_rms=0)), down=sound, up=sound, n_frames=50)
    config = LineConfig(noise_rms=0, codec="gsm")
    coded = carry(Line(config), down=sound, up=sound, n_frames=50)
    for before, after in zip(plain, coded, strict=True):
        error = rms(before[800:].astype(float) - after[800:])
        assert 0.01 < error / rms(before[800:]) < 0.7


@pytest.mark.parametrize("kind", ["speakerphone", "voip"])
def test_long_echo_paths_have_their_loss(kind: str) -> None:
    rng = np.random.default_rng(5)
    sound = np.zeros(120 * 160, np.int16)
    sound[:8000] = rng.normal(0, 4000, 8000).astype(np.int16)
    config = LineConfig(
        noise_rms=0,
        echo_loss_db=12,
        echo_delay_ms=100,
        echo_kind=kind,  # type: ignore[arg-type]
    )
    line = Line(config)
    heard, sent = carry(line, down=sound, n_frames=120)
    loss = 20 * np.log10(
        np.linalg.norm(heard.astype(float)) / np.linalg.norm(sent.astype(float))
    )
    assert loss == pytest.approx(12, abs=1.0)


def test_voip_reflects_twice() -> None:
    rng = np.random.default_rng(1)
    taps = echo_taps("voip", 12, rng)
    assert len(taps) == 120 + 31 * 8
    assert np.abs(taps[200:248]).max() < np.abs(taps[248:]).max()


def test_the_echo_of_the_last_frame_can_be_asked_for() -> None:
    line = Line(LineConfig(noise_rms=0, echo_loss_db=10, echo_delay_ms=0))
    sound = sine(1000, 20)
    _, sent = carry(line, down=sound, n_frames=20)
    level = float(np.sqrt(np.mean(line.echo**2)))
    assert level == pytest.approx(rms(sent[-160:]), rel=0.2)


def test_by_default_there_is_no_echo() -> None:
    _, sent = carry(Line(LineConfig(noise_rms=0)), down=sine(1000, 100))
    assert not sent.any()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_a_seed_gives_the_same_line_again(seed: int) -> None:
    config = LineConfig(
        seed=seed,
        echo_loss_db=20,
        late_probability=0.1,
        gap_probability=0.05,
        agc_db=6,
        clip_level=3000,
        slip_interval_ms=200,
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
        {"clip_level": 1},
        {"agc_db": -6},
        {"slip_interval_ms": -1},
        {"slip_min_ms": 50, "slip_max_ms": 40},
        {"slip_max_ms": 61},
        {"codec": "opus"},
    ],
)
def test_a_line_refuses_what_it_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"line|must be"):
        LineConfig().changed(values)


def test_a_line_refuses_other_frames() -> None:
    with pytest.raises(ValueError, match="160"):
        Line(LineConfig()).process(b"\xff" * 80, QUIET)

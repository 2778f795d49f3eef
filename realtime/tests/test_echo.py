"""The echo canceller: what was said comes out, once, and our own speech does not.

Speech is made of pulses through formants and noise bursts, the line of a delay, a
random impulse response, noise and mu-law; everything from fixed seeds.
"""

import functools
import itertools
import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.audio.echo import FILLER, Cleaned, EchoCanceller, EchoConfig, Frame, Mode
from realtime.audio.echo.delay import SLIP_RANGE, SLIP_WINDOW, find_slip
from realtime.audio.echo.filter import GainTracker, KalmanFilter
from realtime.audio.echo.fourier import power_of, spectrum
from realtime.audio.echo.history import History
from realtime.audio.echo.spectrum import WINDOW, ComfortNoise, NoiseFloor
from realtime.audio.echo.suppress import Suppressor
from realtime.audio.g711 import decode_mulaw, encode_mulaw
from realtime.audio.vad import SpeechDetector
from realtime.config import SpeechConfig

pytestmark = pytest.mark.slow

N = 160
HZ = 8000
NOISE_RMS = 30.0


@functools.cache
def speech(seed: int, seconds: float, rms: float = 1000.0) -> np.ndarray:
    """Make syllables of a quarter second, with pauses, in one voice."""
    rng = np.random.default_rng(seed)
    out = np.zeros(int(seconds * HZ))
    pitch_hz = rng.uniform(90, 220)
    at = 0
    while at < len(out):
        n = int(rng.uniform(0.12, 0.3) * HZ)
        t = np.arange(n) / HZ
        glide = pitch_hz * (1 + rng.uniform(-0.15, 0.15) * t / t[-1])
        phase = 2 * np.pi * np.cumsum(glide) / HZ
        harmonics = np.arange(1, int(3400 / pitch_hz))
        formants = rng.uniform([300, 900, 2300], [800, 2200, 3200])
        hz = harmonics * pitch_hz
        level = sum(np.exp(-(((hz - f) / 200) ** 2)) for f in formants) + 0.02
        voiced = np.sin(np.outer(phase, harmonics)) @ (level / np.sqrt(harmonics))
        burst = rng.normal(size=n) * rng.choice([0.05, 0.5])
        syllable = (voiced + burst) * np.hanning(n)
        end = min(n, len(out) - at)
        out[at : at + end] += syllable[:end]
        at += int(n * rng.choice([0.9, 1.1, 2.0]))
    return np.asarray(out * (rms / np.sqrt(np.mean(out**2))))


def noise(seed: int, n: int, rms: float = NOISE_RMS) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, rms, n)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * HZ))


def echo_of(
    played: np.ndarray,
    delays: Sequence[tuple[float, int]],
    erl_db: float = 12.0,
    seed: int = 3,
) -> np.ndarray:
    """Return the echo; `delays` are (from which second on, ms)."""
    taps = np.random.default_rng(seed).normal(size=96) * np.exp(-np.arange(96) / 12)
    taps *= 10 ** (-erl_db / 20) / np.linalg.norm(taps)
    whole = np.convolve(played, taps)[: len(played)]
    out = np.zeros(len(played))
    for second, ms in delays:
        start = int(second * HZ)
        later = np.concatenate([np.zeros(ms * 8), whole])[: len(played)]
        out[start:] = later[start:]
    return out


def over_mulaw(x: np.ndarray) -> np.ndarray:
    return decode_mulaw(encode_mulaw(np.clip(np.rint(x), -32000, 32000).astype("i2")))


class Line:
    """A call that has been put through the canceller."""

    def __init__(
        self,
        played: np.ndarray,
        near: np.ndarray | None = None,
        echo: np.ndarray | None = None,
        noise_rms: float = NOISE_RMS,
        config: EchoConfig | None = None,
    ) -> None:
        n = len(played) // N * N
        self.played = over_mulaw(played[:n])
        self.near = np.zeros(n)
        if near is not None:
            self.near[: len(near)] = near[:n]
        sound = self.near + noise(9, n, noise_rms)
        if echo is not None:
            sound = sound + echo[:n]
        self.heard = over_mulaw(sound)
        self.canceller = EchoCanceller(config)
        self.ticks: list[Cleaned] = [
            self.canceller.process(self.heard[i : i + N], self.played[i : i + N])
            for i in range(0, n, N)
        ]
        self.frames: list[Frame] = [f for tick in self.ticks for f in tick.frames]
        self.came = {f.position: f for f in self.frames if f.position != FILLER}

    def speech_between(self, start_s: float, stop_s: float) -> list[Frame]:
        first, last = int(start_s * 50), int(stop_s * 50)
        frames = (self.came.get(p) for p in range(first, last))
        return [f for f in frames if f and f.is_speech]

    def stream(self) -> np.ndarray:
        return np.concatenate([f.pcm for f in self.frames])


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x.astype(float)))))


def db(ratio: float) -> float:
    return float(20 * np.log10(ratio + 1e-12))


def starts_of_speech(pcm: np.ndarray) -> int:
    detector = SpeechDetector(SpeechConfig())
    pieces = (pcm[i : i + N] for i in range(0, len(pcm), N))
    return sum(detector.push(piece) == "started" for piece in pieces)


def well_formed(line: Line) -> None:
    """Check that no frame is lost, doubled, or out of order."""
    positions = [f.position for f in line.frames if f.position != FILLER]
    assert positions == sorted(set(positions))
    assert all(len(f.pcm) == N and f.pcm.dtype == np.int16 for f in line.frames)
    fillers = len(line.frames) - len(positions)
    waiting = line.ticks[-1].held_ms // 20
    given_up = sum(t.lost_ms for t in line.ticks) // 20
    # Whatever is missing was covered by filler at the time, is held, or was reported.
    assert len(line.ticks) - len(positions) <= fillers + waiting + given_up


# --- Nothing to cancel ---------------------------------------------------------------


def test_while_nothing_plays_the_line_passes_bit_for_bit_and_at_once() -> None:
    line = Line(silence(3), near=speech(1, 3))
    for i, tick in enumerate(line.ticks):
        (frame,) = tick.frames
        assert frame.position == i
        assert np.array_equal(frame.pcm, line.heard[i * N : i * N + N])
        assert tick.mode is Mode.PASS
        assert tick.held_ms == 0


def test_a_line_without_echo_gives_the_callees_words_bit_for_bit() -> None:
    near = np.concatenate([silence(2), speech(1, 2), silence(1.5), speech(4, 3)])
    line = Line(speech(2, 9), near=near)
    well_formed(line)
    for frame in line.came.values():
        start = frame.position * N
        assert np.array_equal(frame.pcm, line.heard[start : start + N])
    loud = [
        p
        for p in range(len(line.near) // N)
        if rms(line.near[p * N : p * N + N]) > 4 * NOISE_RMS
    ]
    assert all(p in line.came for p in loud)
    assert line.canceller.lost_ms == 0
    assert line.canceller.delay_ms is None


def test_a_line_without_echo_is_known_as_such_and_not_held_again() -> None:
    near = np.concatenate([silence(5), speech(4, 3)])
    line = Line(speech(2, 8), near=near)
    assert all(t.mode is Mode.PASS and t.held_ms == 0 for t in line.ticks)


def test_a_silent_line_stays_silent() -> None:
    line = Line(speech(2, 4), noise_rms=0.0)
    assert np.abs(line.stream()).max() <= 16  # -66 dB: below any detector


# --- Only echo -----------------------------------------------------------------------


@pytest.mark.parametrize("delay_ms", [80, 300, 600, 1000])
def test_the_delay_is_found_and_no_echo_comes_out(delay_ms: int) -> None:
    played = np.concatenate([speech(2, 6), silence(2)])
    line = Line(played, echo=echo_of(played, [(0, delay_ms)]))
    well_formed(line)
    assert line.canceller.delay_ms == pytest.approx(delay_ms, abs=6)
    assert starts_of_speech(line.stream()) == 0
    assert line.canceller.lost_ms == 0


@pytest.mark.parametrize("erl_db", [6, 20, 30])
def test_comfort_noise_has_the_lines_level(erl_db: float) -> None:
    played = speech(2, 7)
    line = Line(played, echo=echo_of(played, [(0, 160)], erl_db))
    levels = np.array([rms(f.pcm) for f in line.frames[10:]])
    assert db(np.median(levels) / NOISE_RMS) == pytest.approx(0, abs=3)
    # No step that a detector would take for an onset.
    slow = np.convolve(levels, np.ones(5) / 5, "valid")
    assert db(slow.max() / np.median(levels)) < 7


def test_the_tail_of_an_echo_does_not_come_out_when_playback_ends() -> None:
    played = np.concatenate([speech(2, 4), silence(1), speech(5, 1.5), silence(2)])
    line = Line(played, echo=echo_of(played, [(0, 450)], 6))
    assert line.ticks[-1].mode is Mode.PASS
    assert starts_of_speech(line.stream()) == 0


def test_an_echo_that_cannot_be_located_is_reported_lost_and_not_let_through() -> None:
    played = speech(2, 8)
    # Nobody ever agrees on a delay.
    config = EchoConfig(delay_votes=99)
    line = Line(played, echo=echo_of(played, [(0, 200)], 6), config=config)
    well_formed(line)
    assert line.canceller.lost_ms > 2000
    assert sum(t.lost_ms for t in line.ticks) == line.canceller.lost_ms
    assert max(t.held_ms for t in line.ticks) <= config.hold_ms
    assert starts_of_speech(line.stream()) == 0


# --- Double talk ---------------------------------------------------------------------


def error_db(line: Line, start_s: float, stop_s: float) -> float:
    """Return how far the speech that came is from what was said, in dB."""
    said, came = [], []
    for frame in line.speech_between(start_s, stop_s):
        said.append(line.near[frame.position * N : frame.position * N + N])
        came.append(frame.pcm.astype(float))
    return db(rms(np.concatenate(came) - np.concatenate(said)) / rms(line.near))


def test_the_callee_is_heard_while_we_speak() -> None:
    played = speech(2, 10)
    near = np.concatenate([silence(5), speech(1, 3, 800), silence(2)])
    line = Line(played, near=near, echo=echo_of(played, [(0, 240)]))
    well_formed(line)
    assert len(line.speech_between(5, 8)) >= 0.95 * 150
    assert error_db(line, 5, 8) < -12
    assert not line.speech_between(4, 4.8)
    assert any(t.is_double_talk for t in line.ticks)


def test_a_word_of_a_fifth_of_a_second_is_kept() -> None:
    played = speech(2, 8)
    word = speech(6, 0.2, 900)
    near = np.concatenate([silence(5.5), word])
    line = Line(played, near=near, echo=echo_of(played, [(0, 180)]))
    assert len(line.speech_between(5.5, 5.7)) == 10


def test_what_is_said_before_the_echo_is_known_comes_late_but_complete() -> None:
    played = speech(2, 8)
    near = np.concatenate([silence(0.5), speech(1, 2.5, 900)])
    line = Line(played, near=near, echo=echo_of(played, [(0, 240)]))
    well_formed(line)
    assert len(line.speech_between(0.6, 3)) >= 0.9 * 120
    assert error_db(line, 0.6, 3) < -6
    late = [
        tick_no - f.position
        for tick_no, tick in enumerate(line.ticks)
        for f in tick.frames
        if f.position != FILLER
    ]
    assert 0.5 * 50 < max(late) <= 3.6 * 50
    assert late[-50:] == [4] * 50  # it has caught up: 80 ms


def test_learning_for_long_from_what_was_held_loses_nothing() -> None:
    played = speech(2, 9)
    near = np.concatenate([silence(0.5), speech(1, 2.5, 900)])
    config = EchoConfig(training_frames=700)
    echo = echo_of(played, [(0, 240)])
    line = Line(played, near=near, echo=echo, config=config)
    well_formed(line)
    assert len(line.speech_between(0.6, 3)) >= 0.8 * 120
    assert line.canceller.lost_ms < 500


def test_speech_over_the_ends_of_our_playback_is_neither_cut_nor_doubled() -> None:
    bursts = [np.concatenate([speech(i, 0.7), silence(0.9)]) for i in range(8)]
    played = np.concatenate([speech(2, 4), silence(1.5), *bursts])
    near = np.concatenate([silence(5.3), speech(1, 10, 1500)])
    line = Line(played, near=near, echo=echo_of(played, [(0, 160)], 25))
    first = int(5.4 * 50)
    positions = [f.position for f in line.frames if f.position >= first]
    assert positions == list(range(first, positions[-1] + 1))
    assert {t.mode for t in line.ticks[first:]} == {Mode.PASS, Mode.ACTIVE}
    came = np.concatenate([f.pcm for f in line.frames if f.position >= first])
    said = line.near[first * N : first * N + len(came)]
    assert db(rms(came) / rms(said)) == pytest.approx(0, abs=0.7)
    assert db(rms(came - said) / rms(said)) < -14


# --- The line changes ----------------------------------------------------------------


@pytest.mark.parametrize("slip_ms", [-35, -20, 20, 40])
def test_a_slip_of_the_delay_is_followed(slip_ms: int) -> None:
    played = speech(2, 10)
    echo = echo_of(played, [(0, 200), (6, 200 + slip_ms)], 8)
    line = Line(played, echo=echo)
    well_formed(line)
    assert line.canceller.n_slips == 1
    assert line.canceller.n_locks == 1
    assert line.canceller.delay_ms == pytest.approx(200 + slip_ms, abs=6)
    assert starts_of_speech(line.stream()) == 0


@pytest.mark.parametrize("at_s", [2.5, 6])
def test_a_slip_under_the_callees_voice_needs_no_learning_anew(at_s: float) -> None:
    played = speech(2, 10)
    near = np.concatenate([silence(at_s - 1), speech(1, 3, 900)])
    echo = echo_of(played, [(0, 200), (at_s, 235)], 8)
    line = Line(played, near=near, echo=echo)
    well_formed(line)
    assert line.canceller.n_locks == 1
    assert line.canceller.n_slips == 1
    assert line.canceller.delay_ms == pytest.approx(235, abs=6)
    assert error_db(line, at_s - 1, at_s + 2) < -8


def test_another_path_is_learned_anew_while_its_echo_is_held() -> None:
    played = speech(2, 14)
    echo = echo_of(played, [(0, 160)], 8)
    moved = echo_of(played, [(0, 520)], 8, seed=8)
    echo[6 * HZ :] = moved[6 * HZ :]
    near = np.concatenate([silence(10.5), speech(1, 2.5, 900)])
    line = Line(played, near=near, echo=echo)
    well_formed(line)
    assert line.canceller.delay_ms == pytest.approx(520, abs=6)
    # What came through before it was noticed, and no more until it was learned.
    assert len(line.speech_between(5.8, 10.4)) * 20 <= 250
    assert len(line.speech_between(10.5, 13)) > 0.95 * 125


def test_a_level_control_is_followed() -> None:
    played = speech(2, 12)
    echo = echo_of(played, [(0, 160)], 8)
    swing_db = 6 * np.sin(2 * np.pi * np.arange(len(echo)) / (2.5 * HZ))
    line = Line(played, echo=echo * 10 ** (swing_db / 20))
    assert starts_of_speech(line.stream()[5 * HZ :]) == 0


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_every_frame_is_accounted_for_whatever_happens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    played = np.concatenate(
        [
            np.concatenate([speech(int(rng.integers(20)), 1.5), silence(gap)])
            for gap in rng.uniform(0.1, 1.5, 3).round(2)
        ]
    )
    near = speech(30 + seed % 5, 5, float(rng.uniform(200, 2000)))
    near = near * (np.arange(len(near)) > rng.uniform(0, 5) * HZ)
    delays = [(0, int(rng.integers(20, 900))), (3, int(rng.integers(20, 900)))]
    erl_db = float(rng.uniform(0, 45))
    well_formed(Line(played, near=near, echo=echo_of(played, delays, erl_db)))


def test_a_call_takes_a_fifth_of_a_megabyte() -> None:
    played = speech(2, 3)
    line = Line(played, echo=echo_of(played, [(0, 200)]))
    assert len(pickle.dumps(line.canceller)) < 0.2 * 2**20


# --- The parts -----------------------------------------------------------------------


@given(st.lists(st.integers(1, 900), min_size=1, max_size=60), st.data())
def test_a_history_reads_as_the_whole_signal_does(
    sizes: list[int], data: st.DataObject
) -> None:
    signal = np.arange(1, sum(sizes) + 1, dtype=np.int16)
    history = History(2000)
    for chunk in np.split(signal, np.cumsum(sizes)[:-1]):
        history.append(chunk)
    whole = np.concatenate([np.zeros(2000, np.int16), signal])
    start = data.draw(st.integers(len(signal) - 2000, len(signal)))
    stop = data.draw(st.integers(start, len(signal)))
    assert np.array_equal(history.read(start, stop), whole[start + 2000 : stop + 2000])
    with pytest.raises(IndexError):
        history.read(start, len(signal) + 1)


def test_the_filter_learns_a_path() -> None:
    config = EchoConfig()
    path = np.random.default_rng(1).normal(size=300) * 0.9 ** np.arange(300)
    far = noise(2, 200 * N, 1000).astype(np.int16)
    heard = np.convolve(far, path)[: len(far)] * 0.1
    kalman = KalmanFilter(config)
    left = []
    error = np.zeros(2 * N, np.float32)
    for i in range(1, 200):
        frame = heard[i * N : i * N + N].astype(np.float32)
        block = far[(i - 1) * N : (i + 1) * N]
        error[N:] = frame - kalman.predict(frame, block)
        kalman.learn(spectrum(error, 2 * N))
        left.append(rms(error[N:]))
    assert db(float(np.mean(left[-50:])) / rms(heard)) < -35
    learned = kalman.path[:300] * kalman.gain.gain
    assert learned == pytest.approx(path * 0.1, abs=0.01)


def test_a_filter_that_jumps_goes_on_as_if_it_had_been_there() -> None:
    config = EchoConfig()
    far = noise(2, 30 * N, 1000).astype(np.int16)
    one, other = KalmanFilter(config), KalmanFilter(config)
    for i in range(1, 20):
        one.predict(np.zeros(N, np.float32), far[(i - 1) * N : (i + 1) * N])
    n = config.partitions
    other.load(far[(19 - n) * N + N - 2 * N : 20 * N].astype(np.float32))
    assert other.far_power == pytest.approx(one.far_power, rel=1e-4)


def test_the_gain_tracker_follows_and_does_not_believe_strangers() -> None:
    tracker = GainTracker()
    echo = noise(1, N, 800)
    energy = float(echo @ echo)
    for i in range(100):
        gain = 1 + i * 0.005
        tracker.push(gain**2 * energy, gain * energy, energy)
    assert tracker.gain == pytest.approx(1.45, abs=0.1)
    before = tracker.gain
    tracker.push(9 * energy, -3 * energy, energy)
    assert tracker.gain == before


@pytest.mark.parametrize("shift", [-640, -100, 37, 300])
def test_a_slip_is_measured_to_the_sample(shift: int) -> None:
    path = np.random.default_rng(1).normal(size=800) * 0.97 ** np.arange(800)
    far = speech(2, 2, 1500)
    echo = np.convolve(far, path)
    end = 12_000
    begin = end - SLIP_WINDOW
    played = far[begin - SLIP_RANGE - len(path) : end + SLIP_RANGE]
    heard = echo[begin - shift : end - shift] + noise(3, SLIP_WINDOW, 50)
    slip = find_slip(
        heard.astype(np.float32), played.astype(np.float32), path.astype(np.float32)
    )
    assert slip is not None
    assert slip.shift == shift
    assert slip.match > 0.95


def test_the_suppressor_gives_back_what_needs_no_suppression() -> None:
    floor = NoiseFloor()
    suppressor = Suppressor(EchoConfig(), floor, ComfortNoise())
    sound = speech(1, 1).astype(np.float32)
    both = np.zeros((2, 2 * N), np.float32)
    blocks = []
    for i in range(0, len(sound) - N, N):
        both[1] = sound[i : i + 2 * N] * WINDOW
        blocks.append(suppressor.process(spectrum(both, 2 * N), None))
    out = [suppressor.render(*pair) for pair in itertools.pairwise(blocks)]
    assert np.concatenate(out) == pytest.approx(sound[N:-N], abs=0.01)


def test_the_noise_floor_is_the_noise_under_speech() -> None:
    floor = NoiseFloor()
    sound = noise(1, 6 * HZ, 60)
    sound[2 * HZ : 4 * HZ] += speech(1, 2)
    for i in range(0, len(sound) - 320, N):
        block = sound[i : i + 320].astype(np.float32)
        floor.push(power_of(spectrum(block * WINDOW, 2 * N)))
    assert db(floor.level**0.5 / 60) == pytest.approx(0, abs=1.5)
    comfort = ComfortNoise()
    made = np.concatenate([comfort.frame(floor) for _ in range(64)])
    assert db(rms(made) / 60) == pytest.approx(0, abs=2)

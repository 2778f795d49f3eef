"""Speech detection on a telephone: every voice, and nothing that only sounds.

All sounds are made here from formulas and seeds, or are the golden speech of `sounds`;
each goes through the telephone's band and mu-law before it is judged.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from realtime.audio import tones, vad
from realtime.audio.g711 import decode_mulaw, encode_mulaw
from realtime.audio.tones import Kind
from realtime.config import EndpointConfig, SpeechConfig

HZ = 8000
GOLDEN = np.load(Path(__file__).parent / "golden" / "speech.npz")
QUIET_DBOV, SILENT_DBOV = -62, -90
LINES = ((-12, QUIET_DBOV, 1.5), (-20, SILENT_DBOV, 0.0), (-30, QUIET_DBOV, 1.5))
"""Level, noise, and how long the noise is heard before."""


def golden(name: str) -> np.ndarray:
    return np.asarray(GOLDEN[name], float)


# --- The telephone -------------------------------------------------------------------


def white(n: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=n))


def shaped(x: np.ndarray, gain: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Filter: `gain` of a frequency in Hz."""
    hz = np.fft.rfftfreq(len(x), 1 / HZ)
    return np.fft.irfft(np.fft.rfft(x) * gain(hz), len(x))


def band(x: np.ndarray) -> np.ndarray:
    return shaped(
        x,
        lambda hz: 1 / np.sqrt((1 + (300 / np.maximum(hz, 1)) ** 8)
                               * (1 + (hz / 3400) ** 20)),
    )  # fmt: skip


def amplitude(level_dbov: float) -> float:
    return float(32768 * 10 ** (level_dbov / 20))


def level_of(x: np.ndarray) -> float:
    """Return the RMS of where there is sound."""
    return float(np.sqrt(np.mean(x[np.abs(x) > 1e-3 * np.abs(x).max()] ** 2)))


def line(
    x: np.ndarray, level_dbov: float, noise_dbov: float, lead_s: float = 1.5
) -> np.ndarray:
    """Send a sound through the telephone, into its noise."""
    x = band(x)
    x = np.concatenate([np.zeros(int(lead_s * HZ)), x / level_of(x), np.zeros(HZ)])
    x = x * amplitude(level_dbov) + white(len(x)) * amplitude(noise_dbov)
    return decode_mulaw(encode_mulaw(np.clip(x, -32768, 32767).astype(np.int16)))


class Judged:
    """What the detector says of a line, frame by frame."""

    def __init__(self, pcm: np.ndarray) -> None:
        detector = vad.SpeechDetector(SpeechConfig())
        self.starts: list[int] = []
        """Samples at which it said so."""
        self.kept = np.zeros(len(pcm), bool)
        began = 0
        for at in range(0, len(pcm) - 159, 160):
            if detector.push(pcm[at : at + 160]) == "started":
                self.starts.append(at + 160)
                began = max(0, at + 160 - detector.onset_ms * HZ // 1000)
                self.kept[began:at] = True
            self.kept[at : at + 160] = detector.is_speech

    @property
    def seconds(self) -> float:
        return float(self.kept.sum() / HZ)


# --- Sounds that are no speech -------------------------------------------------------

SECONDS = 9


def t(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * HZ)) / HZ


def beeps(
    hz: Sequence[float], *on_off_s: float, seconds: float = SECONDS
) -> np.ndarray:
    """Make a cadence: tones of these frequencies, on and off in turn."""
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < seconds * HZ:
        for i, s in enumerate(on_off_s):
            tone = sum(np.sin(2 * np.pi * f * t(s)) for f in hz) * (i % 2 == 0)
            parts.append(np.asarray(tone))
    return np.concatenate(parts)[: int(seconds * HZ)]


def keys() -> np.ndarray:
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
    return np.concatenate(
        [
            beeps((rows[k % 4], columns[k * 3 % 4]), on, 0.1 + 0.1 * (k % 4),
                  seconds=on + 0.1 + 0.1 * (k % 4))
            for k, on in enumerate([0.25, 0.12] * 12)
        ]
    )  # fmt: skip


def hum(mains_hz: float, tilt: float) -> np.ndarray:
    """Make a mains hum with its harmonics, switched on and off each second."""
    lines = [
        np.sin(2 * np.pi * mains_hz * k * t(SECONDS) + k) / k**tilt
        for k in range(1, 40)
    ]
    return np.asarray(np.sum(lines, axis=0) * (np.floor(t(SECONDS)) % 2))


def bursts(per_s: float, longest: int, seed: int) -> np.ndarray:
    """Make clicks and crackles: short decaying noise at random times."""
    rng = np.random.default_rng(seed)
    out = np.zeros(SECONDS * HZ + longest)
    for at in rng.integers(0, SECONDS * HZ, int(per_s * SECONDS)):
        n = int(rng.integers(longest // 20 + 2, longest))
        out[at : at + n] += rng.normal(size=n) * np.exp(-np.arange(n) / (n / 4))
    return out


def comfort_noise(quiet: float) -> np.ndarray:
    """Make noise that changes its level each second, as a far gateway's does."""
    steps = np.where(np.floor(t(SECONDS)) % 2, 1.0, quiet)
    return white(len(steps), 3) * steps


MACHINES: dict[str, Callable[[], np.ndarray]] = {
    "ringback 440+480, Korea": lambda: beeps((440, 480), 1, 2),
    "ringback 440+480, North America": lambda: beeps((440, 480), 2, 4),
    "ringback 425, Europe": lambda: beeps((425,), 1, 4),
    "ringback 400+450, Britain": lambda: beeps((400, 450), 0.4, 0.2, 0.4, 2),
    "ringback 400x16, Japan": lambda: (
        beeps((400,), 1, 2) * (1 + 0.9 * np.sin(2 * np.pi * 16 * t(SECONDS)))
    ),
    "busy 480+620": lambda: beeps((480, 620), 0.5, 0.5),
    "busy 425": lambda: beeps((425,), 0.48, 0.48),
    "congestion 480+620": lambda: beeps((480, 620), 0.25, 0.25),
    "dial tone 350+440": lambda: beeps((350, 440), 8, 1),
    "fax 1100": lambda: beeps((1100,), 0.5, 3),
    "modem 2100": lambda: beeps((2100,), 3.3, 1),
    "special information": lambda: np.tile(
        np.concatenate([beeps((f,), 0.33, seconds=0.33) for f in (950, 1400, 1800)]
                       + [np.zeros(HZ)]), 4,
    ),
    "keys": keys,
    "hum 50": lambda: hum(50, 1),
    "hum 60": lambda: hum(60, 0.5),
    "clicks": lambda: bursts(6, 24, 1),
    "crackles": lambda: bursts(10, 800, 2),
    "comfort noise, steps": lambda: comfort_noise(0.3),
    "comfort noise, on and off": lambda: comfort_noise(0.0),
    "street": lambda: (
        shaped(white(SECONDS * HZ, 4), lambda hz: 1 / np.sqrt(np.maximum(hz, 50)))
        * (1 + 0.7 * np.sin(2 * np.pi * 0.3 * t(SECONDS)))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
def test_what_a_machine_says_is_not_speech(name: str) -> None:
    sound = MACHINES[name]()
    for how in LINES:
        assert Judged(line(sound, *how)).starts == []


def test_the_network_alone_takes_some_of_it_for_speech(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tones, "kind_of", lambda sound: Kind.VOICE)
    sound = MACHINES["hum 50"]()
    assert any(Judged(line(sound, *how)).starts for how in LINES)


# --- Hold music ----------------------------------------------------------------------

ORGAN = (1, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1)
PLUCKED = (1, 0.5, 0.33, 0.2, 0.12, 0.08)
FLUTE = (1, 0.35, 0.1, 0.03)
BOWED = tuple(1 / k for k in range(1, 14))
SQUARE = (1, 0, 1 / 3, 0, 1 / 5, 0, 1 / 7, 0, 1 / 9)
REED = (0.6, 0.9, 1, 0.9, 0.7, 0.5, 0.35, 0.25, 0.15)
CHORDS = ((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))
MELODY = ((72, 0.45), (74, 0.22), (76, 0.45), (79, 0.7), (76, 0.3), (74, 0.3),
          (72, 0.6), (69, 0.45), (72, 0.9))  # fmt: skip
MUSIC_S = 12


def note(
    midi: float,
    seconds: float,
    harmonics: Sequence[float],
    *,
    attack_s: float = 0.01,
    decay_s: float = 1e9,
    vibrato: float = 0.0,
) -> np.ndarray:
    at = t(seconds)
    hz = 440 * 2 ** ((midi - 69) / 12) * (1 + vibrato * np.sin(2 * np.pi * 5.5 * at))
    phase = 2 * np.pi * np.cumsum(hz) / HZ
    lines = [g * np.sin(k * phase) for k, g in enumerate(harmonics, 1)
             if hz.max() * k < 3900]  # fmt: skip
    edges = np.minimum(1, np.minimum(at / attack_s, (at[-1] - at) / 0.03))
    return np.asarray(np.sum(lines, axis=0) * edges * np.exp(-at / decay_s))


def tune(
    notes: Sequence[tuple[Sequence[float] | float, float]],
    harmonics: Sequence[float],
    **how: float,
) -> np.ndarray:
    """Play notes or chords one after the other, again and again."""
    out = np.zeros((MUSIC_S + 3) * HZ)
    at = 0.0
    while at < MUSIC_S:
        for pitch, seconds in notes:
            if at >= MUSIC_S:
                break
            for midi in [pitch] if isinstance(pitch, int | float) else pitch:
                sound = note(midi, seconds, harmonics, **how)
                out[int(at * HZ) : int(at * HZ) + len(sound)] += sound
            at += seconds
    return out[: MUSIC_S * HZ]


def drums() -> np.ndarray:
    out = np.zeros((MUSIC_S + 1) * HZ)
    rng = np.random.default_rng(5)
    for beat in range(int(MUSIC_S / 0.3)):
        at = int(beat * 0.3 * HZ)
        hat, snare, kick = t(0.05), t(0.15), t(0.2)
        out[at : at + len(hat)] += (
            0.25 * rng.normal(size=len(hat)) * np.exp(-hat / 0.012)
        )
        if beat % 4 == 2:
            blow = rng.normal(size=len(snare)) * np.exp(-snare / 0.05)
            out[at : at + len(snare)] += 0.8 * blow
        if beat % 4 == 0:
            thump = np.sin(2 * np.pi * 70 * kick) * np.exp(-kick / 0.08)
            out[at : at + len(kick)] += 1.5 * thump
    return out[: MUSIC_S * HZ]


def strummed() -> np.ndarray:
    """Strum chords: each string a moment after the last."""
    strings = [
        np.roll(tune([(c[i] - 12, 0.5) for c in CHORDS], PLUCKED, decay_s=0.4), i * 96)
        for i in range(3)
    ]
    return np.asarray(sum(strings))


def slow(harmonics: Sequence[float], seconds: float = 2.0, **how: float) -> np.ndarray:
    return tune([(c, seconds) for c in CHORDS], harmonics, **how)


MUSIC: dict[str, Callable[[], np.ndarray]] = {
    "organ": lambda: slow(ORGAN, attack_s=0.05),
    "strings": lambda: slow(BOWED, attack_s=0.3, vibrato=0.004),
    "arpeggio": lambda: tune(
        [(n, 0.125) for c in CHORDS for n in (*c, c[1] + 12) * 2], PLUCKED,
        attack_s=0.004, decay_s=0.35,
    ),
    "piano": lambda: (
        tune(MELODY, PLUCKED, attack_s=0.004, decay_s=0.6)
        + 0.6 * slow(PLUCKED, 1.0, decay_s=0.8)
    ),
    "beeping melody": lambda: tune(MELODY, SQUARE, attack_s=0.003),
    "music box": lambda: tune([(m + 12, s) for m, s in MELODY], (1, 0, 0.3),
                              decay_s=0.25),
    "flute": lambda: tune(MELODY, FLUTE, attack_s=0.06, vibrato=0.008),
    "violin": lambda: tune(MELODY, BOWED, attack_s=0.05, vibrato=0.012),
    "saxophone": lambda: tune([(m - 12, s) for m, s in MELODY], REED, attack_s=0.04,
                              vibrato=0.015),
    "tuba": lambda: tune([(m - 24, s) for m, s in MELODY], REED, attack_s=0.03),
    "guitar": strummed,
    "band": lambda: (
        0.5 * drums()
        + 0.5 * slow(ORGAN, 1.2)
        + 0.8 * tune([(c[0] - 24, 0.6) for c in CHORDS], REED, decay_s=0.5)
        + tune(MELODY, REED, attack_s=0.03, vibrato=0.006)
    ),
}  # fmt: skip


@pytest.mark.slow
def test_hold_music_is_hardly_ever_taken_for_speech() -> None:
    judged = [
        Judged(line(make(), level_dbov, noise_dbov))
        for make in MUSIC.values()
        for level_dbov, noise_dbov in ((-14, QUIET_DBOV), (-24, QUIET_DBOV - 10))
    ]
    heard_s = sum(j.seconds for j in judged)
    total_s = sum(len(j.kept) for j in judged) / HZ
    assert heard_s / total_s < 0.01
    assert sum(len(j.starts) for j in judged) * 60 / total_s < 1  # a minute


@pytest.mark.slow
def test_the_network_alone_takes_more_of_it_for_speech(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pcm = [line(MUSIC[name](), *how) for name in ("arpeggio", "tuba") for how in LINES]
    with_doubt = sum(Judged(p).seconds for p in pcm)
    monkeypatch.setattr(tones, "kind_of", lambda sound: Kind.VOICE)
    assert sum(Judged(p).seconds for p in pcm) > 1.5 * with_doubt


def test_a_voice_that_ends_the_music_is_heard_at_once() -> None:
    music = band(MUSIC["band"]())[: 6 * HZ]
    voice = golden("sentence")[: 2 * HZ]
    sound = np.concatenate([music / level_of(music) / 2, voice / level_of(voice)])
    judged = Judged(line(sound, -18, QUIET_DBOV, lead_s=1))
    began_ms = 7000
    [start, *_] = [s * 1000 // HZ for s in judged.starts if s * 1000 // HZ > began_ms]
    assert start - began_ms < 300


# --- Voices --------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("level_dbov", [-16, -21, -26, -31, -36])
def test_quiet_speech_is_kept(level_dbov: int, colour: str) -> None:
    """The table of the line: noise 20 dB below, no utterance missed, 95 % kept."""
    n_kept = n_active = 0
    for seed, name in enumerate(["sentence", "yes"] * 3):
        voice = band(golden(name))
        frames = voice[: len(voice) // 160 * 160].reshape(-1, 160)
        loud = np.sqrt((frames**2).mean(axis=1))
        typical = np.sqrt((loud[loud > 0.1 * loud.max()] ** 2).mean())
        active = np.flatnonzero(loud > 0.1 * typical)  # above the noise
        began = 2 * HZ + 37 * seed  # anywhere within the network's window
        noise = white(len(voice) + 4 * HZ, seed)
        if colour == "pink":
            noise = shaped(noise, lambda hz: 1 / np.sqrt(np.maximum(hz, 100)))
        noise *= amplitude(level_dbov - 20) / noise.std()
        noise[began : began + len(voice)] += voice * amplitude(level_dbov) / typical
        pcm = decode_mulaw(encode_mulaw(np.clip(noise, -32768, 32767).astype(np.int16)))
        judged = Judged(pcm)
        assert judged.starts, (name, seed)
        kept = [bool(judged.kept[at : at + 160].all()) for at in began + active * 160]
        n_kept += sum(kept)
        n_active += len(kept)
    assert n_kept / n_active >= 0.95


@pytest.mark.parametrize("level_dbov", [-16, -26, -36])
@pytest.mark.parametrize("name", ["sentence", "yes"])
def test_an_utterances_first_sound_is_300_ms_after_what_is_kept_before_it(
    name: str, level_dbov: int
) -> None:
    """What `EndpointConfig.pre_roll_ms` keeps begins well before the first sound."""
    voice = golden(name)
    judged = Judged(line(voice, level_dbov, level_dbov - 20))
    first = int(1.5 * HZ) + int(np.argmax(np.abs(voice) > 0.1 * np.abs(voice).max()))
    late_ms = (judged.starts[0] - first) * 1000 / HZ
    assert late_ms <= EndpointConfig().pre_roll_ms - 250
    onset_ms = vad.SpeechDetector(SpeechConfig()).onset_ms
    assert EndpointConfig().pre_roll_ms >= onset_ms + 300


# --- Strict entry, lenient exit ------------------------------------------------------


def decide(
    probabilities: Sequence[float], monkeypatch: pytest.MonkeyPatch
) -> list[str | None]:
    """Return what the detector says when the network says this, window by window."""
    detector = vad.SpeechDetector(SpeechConfig(sure=2.0))  # every window is judged
    quiet = (white(vad.WINDOW_SAMPLES) * 20).astype(np.int16)
    for _ in range(64):
        detector.push(quiet)
    said = iter([0.0] * 10 + list(probabilities))  # ten windows of context first
    monkeypatch.setattr(vad.SpeechProbability, "judge", lambda *_: next(said))
    return [
        detector.push((white(vad.WINDOW_SAMPLES, seed) * 4000).astype(np.int16))
        for seed in range(len(probabilities))
    ]


def test_one_sure_window_is_a_click_and_two_are_speech(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert decide([0.9, 0.4, 0.9, 0.4], monkeypatch) == [None] * 4
    assert decide([0.49] * 9, monkeypatch) == [None] * 9
    assert decide([0.5, 0.5], monkeypatch) == [None, "started"]


def test_speech_that_has_begun_goes_on_while_the_network_only_doubts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert decide([0.9, 0.9, *[0.36] * 40], monkeypatch)[2:] == [None] * 40


def test_loud_speech_is_judged_every_other_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = []

    def judge(_: vad.SpeechProbability, window: np.ndarray) -> float:
        judged.append(window)
        return 0.95

    detector = vad.SpeechDetector(SpeechConfig())
    quiet = (white(vad.WINDOW_SAMPLES) * 20).astype(np.int16)
    for _ in range(64):
        detector.push(quiet)
    monkeypatch.setattr(vad.SpeechProbability, "judge", judge)
    for seed in range(40):
        detector.push((white(vad.WINDOW_SAMPLES, seed) * 4000).astype(np.int16))
    assert detector.is_speech
    assert 10 + 20 <= len(judged) <= 10 + 22  # ten windows of context


def test_what_is_no_louder_than_the_line_is_no_speech_whatever_the_network_thinks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    detector = vad.SpeechDetector(SpeechConfig())
    quiet = (white(vad.WINDOW_SAMPLES) * 20).astype(np.int16)
    for _ in range(64):
        detector.push(quiet)
    monkeypatch.setattr(vad.SpeechProbability, "judge", lambda *_: 0.95)
    for seed in range(10):
        detector.push((white(vad.WINDOW_SAMPLES, seed) * 4000).astype(np.int16))
    assert detector.quiet_ms == 0
    for _ in range(5):
        detector.push(quiet)
    assert detector.is_speech
    assert detector.quiet_ms == 5 * vad.WINDOW_MS


def test_it_ends_after_a_pause_and_not_within_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pause = -(-SpeechConfig().exit_ms // vad.WINDOW_MS)
    almost = [0.9, 0.9, *[0.1] * (pause - 1), 0.4]
    assert "stopped" not in decide(almost * 3, monkeypatch)
    assert decide([0.9, 0.9, *[0.1] * pause], monkeypatch)[-1] == "stopped"


# --- Machines, one by one ------------------------------------------------------------


def heard(x: np.ndarray) -> np.ndarray:
    """Return the last 128 ms of a sound, as the detector sees them."""
    return np.asarray(line(x, -20, QUIET_DBOV)[: -HZ - 800][-1024:] / 32768, np.float32)


@pytest.mark.parametrize(
    "sound",
    [
        beeps((440, 480), 2, seconds=2),
        beeps((1100,), 2, seconds=2),
        np.repeat(hum(60, 0.5)[HZ : 2 * HZ][np.newaxis], 2, axis=0).ravel(),
        note(57, 2.0, PLUCKED, decay_s=0.5),
        note(45, 2.0, PLUCKED, decay_s=0.5),
    ],
    ids=["two tones", "a tone", "hum", "a note", "a low note"],
)
def test_a_machine_is_known_by_what_no_voice_does(sound: np.ndarray) -> None:
    assert tones.kind_of(heard(sound)) is Kind.MACHINE


@pytest.mark.parametrize("noise_dbov", [-40, -50, -65])
def test_a_voice_is_hardly_ever_a_machine(noise_dbov: int) -> None:
    pcm = np.asarray(line(golden("sentence"), -20, noise_dbov) / 32768, np.float32)
    spans = [pcm[at : at + 1024] for at in range(int(1.6 * HZ), len(pcm) - 9000, 256)]
    assert len(spans) > 100
    assert np.mean([tones.kind_of(span) is Kind.MACHINE for span in spans]) < 0.03


def test_several_notes_at_once_are_doubted() -> None:
    chord = np.sum([note(m, 2.0, PLUCKED, decay_s=0.5) for m in (60, 64, 67)], axis=0)
    assert tones.kind_of(heard(chord)) is not Kind.VOICE


def test_nothing_is_no_machine() -> None:
    assert tones.kind_of(np.zeros(1024, np.float32)) is Kind.VOICE
    assert tones.kind_of(np.asarray(white(1024), np.float32)) is Kind.VOICE


def test_what_the_network_does_not_believe_is_not_looked_at_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_asked = 0
    kind_of = tones.kind_of

    def counted(sound: np.ndarray) -> Kind:
        nonlocal n_asked
        n_asked += 1
        return kind_of(sound)

    monkeypatch.setattr(tones, "kind_of", counted)
    Judged(line(comfort_noise(0.3), -30, QUIET_DBOV))
    assert n_asked == 0
    judged = Judged(line(golden("sentence"), -20, -40))
    assert 2 <= n_asked <= 4 * len(judged.starts)

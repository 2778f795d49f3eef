"""Simulated calls for `benchmarks.line`: who says what when, over which line.

A call is a minute of two signals: what the telephone plays (`played`) and what comes
back (`heard`), with echo, noise and the callee's own voice, on virtual time.  Every
random choice comes from the call's seed.
"""

import functools
import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.speech.phrasebook import Phrasebook
from lab.speech.shared import synthesiser
from lab.telephone.line import at_level, band_pass_taps, noise_taps
from realtime.audio.g711 import FRAME_SAMPLES, decode_mulaw, encode_mulaw

Samples = NDArray[np.int16]
Floats = NDArray[np.float64]

N: Final = FRAME_SAMPLES
HZ: Final = 8000
LANGUAGE: Final = "ko"
FAR_RMS: Final = 2000.0
"""Level of the engine's speech (facts of the providers: -24 dB of full scale)."""

PATHS: Final = {
    # taps and decay constant at 8 kHz, further reflections as (ms, gain)
    "hybrid": (96, 12.0, ()),
    "handset": (400, 80.0, ()),
    "speakerphone": (1000, 250.0, ()),
    "voip": (120, 15.0, ((31, 0.25),)),
}
"""Echo paths: an electrical hybrid rings for milliseconds (ITU-T G.168 annex D), a
handset tens of milliseconds, a room over a hundred; on VoIP there are two gateways."""

SHORT_IDS: Final = ("common_yes", "common_no")
GREETING: Final = "greeting_disclosure"

AMR_BITS: Final = {
    "amr12.2": 12200,
    "amr7.4": 7400,
    "amr5.9": 5900,
}
"""12.2 is GSM EFR, bit for bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One call of the matrix.

    Attributes:
        seed: of everything random.
        path: a key of PATHS.
        erl_db: echo return loss; None is a line without echo.
        delay_ms: bulk delay of the echo.
        agc: the line's level control moves everything by up to 6 dB.
        clip: the loudspeaker clips at this part of the peak, 1 is never.
        slips: the delay jumps by 20-40 ms every 3-6 s.
        codec: a key of AMR_BITS, "gsm", or "" for G.711 only.
        noise_rms: of the line.
        near_rms: level of the callee.
    """

    seed: int
    path: str = "hybrid"
    erl_db: float | None = 15.0
    delay_ms: int = 180
    agc: bool = False
    clip: float = 1.0
    slips: bool = False
    codec: str = ""
    noise_rms: float = 40.0
    near_rms: float = 900.0


@dataclass(frozen=True, slots=True)
class Said:
    """Something that somebody says.

    Attributes:
        phrase_id: in the phrasebook.
        start: first sample.
        stop: the one behind the last.
        kind: "far" (we), "first" (callee, in the greeting), "double" (callee, while
            we speak), "short" (one word, while we speak) or "single" (alone).
    """

    phrase_id: str
    start: int
    stop: int
    kind: str


@dataclass(frozen=True, slots=True)
class Call:
    """The signals of one call, whole frames at 8 kHz.

    Attributes:
        played: what the telephone plays.
        heard: what comes back.
        near: the callee's voice alone, as it arrives.
        echo: the echo alone, before noise and codec.
        said: who said what when.
    """

    played: Samples
    heard: Samples
    near: Samples
    echo: Samples
    said: tuple[Said, ...]


@functools.cache
def _speech(phrase_id: str, voice: str, speed_wpm: int) -> Samples:
    text = Phrasebook.load()[phrase_id].texts[LANGUAGE]
    return synthesiser().speak_8k(text, LANGUAGE, voice, speed_wpm)


THEMES: Final = frozenset(
    {
        "apology", "backchannel", "clinic", "common", "greeting", "hesitant",
        "immigration", "interrupter", "monologue", "quiet", "recording", "repeater",
        "restaurant", "time", "waiting",
    }
)  # fmt: skip
"""What people say in the scenes; other themes of the phrasebook would make other
scenes of the same seeds, and earlier figures could not be compared any more."""


@functools.cache
def _long_ids() -> tuple[str, ...]:
    """Phrases of at least 1.2 s: what is said in earnest."""
    return tuple(
        p.id
        for p in Phrasebook.load().phrases
        if LANGUAGE in p.texts
        and p.id.split("_")[0] in THEMES
        and p.id != GREETING
        and len(_speech(p.id, "a", 160)) >= 1.2 * HZ
    )


class _Track:
    def __init__(self, seconds: float) -> None:
        self.signal = np.zeros(int(seconds * HZ))

    def add(self, pcm: Samples, at: int, rms: float) -> int:
        level = at_level(pcm, rms)
        level = level[: max(0, len(self.signal) - at)]
        self.signal[at : at + len(level)] += level
        return at + len(level)


def make_call(scene: Scene) -> Call:
    """Play one call.

    Args:
        scene: its line and seed.

    Returns:
        the signals, about 50 s.
    """
    rng = np.random.default_rng(scene.seed)
    far, near, said = _conversation(scene, rng)
    played = decode_mulaw(encode_mulaw(_pcm(far)))
    echo = _echo(scene, played, rng)
    near = np.convolve(near, band_pass_taps())[: len(near)]
    up = near + echo
    up += _noise(scene, len(up), rng)
    if scene.agc:
        up = _level_control(up)
    if scene.codec:
        up = through_codec(_pcm(up), scene.codec).astype(float)
    heard = decode_mulaw(encode_mulaw(_pcm(up)))
    return Call(played, heard, _pcm(near), _pcm(echo), said)


def _conversation(
    scene: Scene, rng: np.random.Generator
) -> tuple[Floats, Floats, tuple[Said, ...]]:
    far_voice = "aceg"[int(rng.integers(4))]
    near_voice = "bdfh"[int(rng.integers(4))]
    speed = int(rng.integers(150, 185))
    ids = [str(i) for i in rng.permutation(_long_ids())]
    far_ids, near_ids = (
        itertools.cycle(ids[: len(ids) // 2]),
        iter(ids[len(ids) // 2 :]),
    )
    far, near = _Track(90), _Track(90)
    said: list[Said] = []

    def play(phrase_id: str, at: int) -> int:
        end = far.add(_speech(phrase_id, far_voice, 160), at, FAR_RMS)
        said.append(Said(phrase_id, at, end, "far"))
        return end

    def speak(phrase_id: str, at: int, kind: str) -> int:
        pcm = _speech(phrase_id, near_voice, speed)
        end = near.add(pcm, at, scene.near_rms)
        said.append(Said(phrase_id, at, end, kind))
        return end

    at = int(0.1 * HZ)
    end = play(GREETING, at)
    speak(next(near_ids), at + int(rng.uniform(1.2, 2.5) * HZ), "first")
    at = end + int(0.9 * HZ)
    for turn in range(5):
        # We say two sentences, and the callee says something into them.
        end = play(next(far_ids), at)
        if turn in (0, 2, 4):
            speak(next(near_ids), at + int(rng.uniform(0.3, 0.9) * HZ), "double")
        end = play(next(far_ids), end + int(0.15 * HZ))
        if turn in (1, 3):
            middle = at + int(rng.uniform(0.4, 0.6) * (end - at))
            speak(SHORT_IDS[turn // 2], middle, "short")
        at = end + int(rng.uniform(0.8, 1.4) * HZ)
        if turn == 1:
            at = speak(next(near_ids), at, "single") + int(0.7 * HZ)
    n = (at + HZ) // N * N
    return far.signal[:n], near.signal[:n], tuple(said)


def _echo(scene: Scene, played: Samples, rng: np.random.Generator) -> Floats:
    n = len(played)
    if scene.erl_db is None:
        return np.zeros(n)
    source = np.convolve(played.astype(float), band_pass_taps())[:n]
    if scene.codec:
        source = through_codec(_pcm(source), scene.codec).astype(float)
    if scene.clip < 1:
        limit = scene.clip * np.abs(source).max()
        source = np.clip(source, -limit, limit)
    taps = _path(scene, rng)
    echo = np.convolve(source, taps)
    echo = np.convolve(echo, band_pass_taps())
    # The two band-passes delay by 16 ms: part of the bulk delay.
    delay = scene.delay_ms * 8 - 128
    out = np.zeros(n)
    for start, shift in _delays(scene, n, delay, rng):
        stop_at = n
        index = np.arange(start, stop_at) - shift
        known = (index >= 0) & (index < len(echo))
        out[start:stop_at][known] = echo[index[known]]
        out[start:stop_at][~known] = 0
    return out


def _path(scene: Scene, rng: np.random.Generator) -> Floats:
    assert scene.erl_db is not None  # noqa: S101 -- the caller looked
    length, decay, reflections = PATHS[scene.path]
    taps = rng.standard_normal(length) * np.exp(-np.arange(length) / decay)
    for ms, gain in reflections:
        later = np.zeros(ms * 8 + length)
        later[: len(taps)] = taps
        later[ms * 8 :] += (
            gain * rng.standard_normal(length) * np.exp(-np.arange(length) / decay)
        )
        taps = later
    band = band_pass_taps()
    there = np.linalg.norm(np.convolve(taps, band))
    scaled: Floats = taps * 10 ** (-scene.erl_db / 20) * np.linalg.norm(band) / there
    return scaled


def _delays(
    scene: Scene, n: int, delay: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Return from which sample on which delay holds."""
    out = [(0, delay)]
    at = 0
    while scene.slips:
        at += int(rng.uniform(3, 6) * HZ)
        if at >= n:
            break
        step = int(rng.uniform(20, 40) * 8) * int(rng.choice([-1, 1]))
        if abs(out[-1][1] + step - delay) > 60 * 8:
            step = -step
        out.append((at, max(0, out[-1][1] + step)))
    return out


def _noise(scene: Scene, n: int, rng: np.random.Generator) -> Floats:
    noise = np.convolve(rng.standard_normal(n), noise_taps(0.7))[:n]
    return noise * scene.noise_rms


_AGC_TARGET_RMS: Final = 600.0
_AGC_DB: Final = 6.0


def _level_control(x: Floats) -> Floats:
    """Halve the distance to a target level, within +-6 dB, as cheap AGCs do.

    It follows louder sound in 60 ms and quieter sound in 400 ms, and rests in noise.
    """
    pieces = x[: len(x) // 80 * 80].reshape(-1, 80)
    power = np.square(pieces).mean(axis=1)
    level, gain_db, gains = 0.0, 0.0, []
    for p in power.tolist():
        level += (p - level) * (0.15 if p > level else 0.025)
        rms = level**0.5
        if rms > 100:
            wanted = -10 * np.log10(rms / _AGC_TARGET_RMS)
            wanted = min(_AGC_DB, max(-_AGC_DB, wanted))
            gain_db += 0.1 * (wanted - gain_db)
        gains.append(gain_db)
    centres = np.arange(len(gains)) * 80 + 40
    smooth = np.interp(np.arange(len(x)), centres, gains)
    return x * 10 ** (smooth / 20)


def through_codec(pcm: Samples, codec: str) -> Samples:
    """Send sound through a mobile codec and back.

    Args:
        pcm: int16 at 8 kHz.
        codec: a key of AMR_BITS.

    Returns:
        the same number of samples, as late as the codec makes them.

    Raises:
        ModuleNotFoundError: PyAV is not installed (dependency group `bench`).
    """
    import av
    from av.audio.codeccontext import AudioCodecContext

    coder = av.CodecContext.create("libopencore_amrnb", "w")
    assert isinstance(coder, AudioCodecContext)  # noqa: S101
    coder.sample_rate, coder.layout, coder.format = HZ, "mono", "s16"
    coder.bit_rate = AMR_BITS[codec]
    decoder = av.CodecContext.create("amrnb", "r")
    assert isinstance(decoder, AudioCodecContext)  # noqa: S101
    decoder.sample_rate, decoder.layout = HZ, "mono"
    out: list[NDArray[np.float64]] = []
    for at in [*range(0, len(pcm) - N + 1, N), None]:
        frame = None
        if at is not None:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(pcm[np.newaxis, at : at + N]), "s16", "mono"
            )
            frame.sample_rate, frame.pts = HZ, at
        for packet in coder.encode(frame):
            for decoded in decoder.decode(packet):
                x = decoded.to_ndarray().ravel().astype(float)
                out.append(x * 32768 if decoded.format.name.startswith("flt") else x)
    whole = np.concatenate(out) if out else np.zeros(0)
    whole = np.concatenate([whole, np.zeros(max(0, len(pcm) - len(whole)))])
    return _pcm(whole[: len(pcm)])


def _pcm(x: Floats) -> Samples:
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)

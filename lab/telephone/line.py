"""One simulated telephone line, a 20 ms frame at a time.

    company ──mu-law──► band-pass ─► codec ─► slips ─► clipping ─┬─► gain ─► the person
                                                                 ▼             hears
                                                        bulk delay + echo FIR
                                                                 ▼
    company ◄──mu-law── codec ◄── AGC ◄── + noise ◄── band-pass ◄┴─ the person's voice

Everything but the band-passes, the noise and mu-law is optional and off by default.
Pure: arrays in, arrays out, every random number from the line's own seed.  A test can
replay a line exactly.  What the network does to frames that are already encoded (late
ones, missing ones) is `Line.network`.  Typical lines are in `lab/lines.yaml`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from lab.telephone.codecs import CODECS, Codec, make_codec
from realtime.audio.g711 import (
    FRAME_MS,
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    decode_mulaw,
    encode_mulaw,
)

Samples = NDArray[np.int16]
_Floats = NDArray[np.float32]

BAND_HZ: Final = (300.0, 3400.0)
"""The telephone band (ITU-T G.712), -6 dB points of our filter."""

BAND_TAPS: Final = 129
"""Length of the band-pass: 8 ms of delay, about 200 Hz wide edges (Hamming)."""

NOISE_TAPS: Final = 32
"""Length of the tilt filter that colours the noise: 4 ms."""


@dataclass(frozen=True, slots=True)
class EchoShape:
    """What an echo path of one kind looks like at 8 kHz.

    Attributes:
        n_taps: its length.
        decay: its decay constant, samples.
        reflections: further ones like the first: (ms after it, gain).
    """

    n_taps: int
    decay: float
    reflections: tuple[tuple[int, float], ...] = ()


ECHO_SHAPES: Final[dict[str, EchoShape]] = {
    "hybrid": EchoShape(96, 12.0),
    "handset": EchoShape(400, 80.0),
    "speakerphone": EchoShape(1000, 250.0),
    "voip": EchoShape(120, 15.0, ((31, 0.25),)),
}
"""The kinds of echo path.

An electrical hybrid rings for a few milliseconds (ITU-T G.168 annex D models are
8-16 ms long); sound from ear piece to microphone is spread over tens of milliseconds,
in a room with a loudspeaker over more than a hundred; on VoIP there are two gateways,
each with a hybrid.
"""

MAX_ECHO_DELAY_MS: Final = 1000
"""Longest bulk delay offered; 80-600 ms was seen on calls (facts of the line)."""

AGC_PIECE: Final = 80
"""The level control looks at 10 ms at a time."""
AGC_TARGET_RMS: Final = 600.0
"""It brings speech halfway (in dB) to this level."""
AGC_LEAST_RMS: Final = 100.0
"""Below this level it rests: noise is not pumped up."""
AGC_ATTACK: Final = 0.15
AGC_RELEASE: Final = 0.025
"""Its level meter, per 10 ms: 60 ms upwards, 400 ms downwards, as cheap AGCs do."""
AGC_STEP: Final = 0.1
"""How far the gain moves towards the wanted one per 10 ms."""

SLIP_RANGE_MS: Final = 60
"""Slips move the delay by at most this to either side of its middle: a jitter buffer
that has grown shrinks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineConfig:
    """Everything that can differ from one line to the next.

    Raises:
        ValueError: a value outside its range.
    """

    condition: str = ""
    """Where the values come from: a name of `lab/lines.yaml`, for reports."""
    seed: int = 1
    speech_rms: float = 1000.0
    """Level of the person's voice while speaking, of 32768; 1000 is -30 dBov."""
    heard_gain_db: float = 0.0
    """Gain of the way to the person."""
    noise_rms: float = 30.0
    """Noise on the way back, in the telephone band; 0 is a perfectly silent line."""
    noise_tilt: float = 0.7
    """Pole of the noise's colour: 0 is white, 0.95 is a rumble."""
    echo_loss_db: float | None = None
    """Echo return loss; None is a line without echo, the default."""
    echo_delay_ms: int = 180
    """Bulk delay of the echo."""
    echo_kind: Literal["hybrid", "handset", "speakerphone", "voip"] = "hybrid"
    clip_level: float | None = None
    """Hard clipping: the loudspeaker's largest amplitude, of 32768; None never clips.
    It is in what the person hears and in the echo of it."""
    agc_db: float = 0.0
    """The network's level control moves the way back by at most this, up or down."""
    slip_interval_ms: int = 0
    """Mean time between jumps of the delay to the person, and so of the echo's; 0 is
    never.  The middle of the delay stays where it is."""
    slip_min_ms: int = 20
    slip_max_ms: int = 40
    """How far one jump goes."""
    codec: str | None = None
    """Both ways go through this codec, one of `codecs.CODECS`; None is mu-law only."""
    late_probability: float = 0.0
    """Chance per frame that the network holds frames back for a while."""
    late_max_frames: int = 5
    """Longest hold; the held frames then arrive in one burst."""
    gap_probability: float = 0.0
    """Chance per frame that frames begin to be lost: their time is skipped."""
    gap_max_frames: int = 3

    def __post_init__(self) -> None:
        for name, low, high in (
            ("speech_rms", 1, 20000),
            ("heard_gain_db", -60, 20),
            ("noise_rms", 0, 5000),
            ("noise_tilt", 0, 0.99),
            ("echo_delay_ms", 0, MAX_ECHO_DELAY_MS),
            ("agc_db", 0, 20),
            ("slip_interval_ms", 0, 600_000),
            ("slip_min_ms", 1, SLIP_RANGE_MS),
            ("slip_max_ms", self.slip_min_ms, SLIP_RANGE_MS),
            ("late_probability", 0, 1),
            ("late_max_frames", 1, 250),
            ("gap_probability", 0, 1),
            ("gap_max_frames", 1, 250),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}.")
        if self.echo_loss_db is not None and not 0 <= self.echo_loss_db <= 80:
            raise ValueError("echo_loss_db must be between 0 and 80, or null.")
        if self.echo_kind not in ECHO_SHAPES:
            raise ValueError(f"echo_kind must be one of {', '.join(ECHO_SHAPES)}.")
        if self.clip_level is not None and not 100 <= self.clip_level <= 32768:
            raise ValueError("clip_level must be between 100 and 32768, or null.")
        if self.codec is not None and self.codec not in CODECS:
            raise ValueError(f"codec must be one of {', '.join(CODECS)}, or null.")

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return a copy with some values changed.

        Args:
            values: name and new value of each changed parameter.

        Raises:
            ValueError: an unknown name or a value outside its range.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"A line has no {', '.join(unknown)}.")
        return replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """Return all parameters by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LineFrame:
    """20 ms of mu-law and when it was spoken."""

    payload: bytes
    timestamp_ms: int


class _Fir:
    """A filter that remembers its last inputs between frames."""

    def __init__(self, taps: _Floats) -> None:
        self.taps = taps
        self._history = np.zeros(len(taps) - 1, np.float32)

    def process(self, x: _Floats) -> _Floats:
        x = np.concatenate([self._history, x])
        self._history = x[len(x) - len(self.taps) + 1 :]
        return np.convolve(x, self.taps, "valid").astype(np.float32, copy=False)


def band_pass_taps() -> _Floats:
    """Design the telephone band-pass: a Hamming-windowed sinc difference.

    Returns:
        float32, shape (BAND_TAPS,), unity gain at 1 kHz.
    """
    n = np.arange(BAND_TAPS) - BAND_TAPS // 2
    low, high = (2 * edge / SAMPLE_RATE_HZ for edge in BAND_HZ)
    taps = (high * np.sinc(high * n) - low * np.sinc(low * n)) * np.hamming(BAND_TAPS)
    gain = abs(np.sum(taps * np.exp(-2j * np.pi * n * 1000 / SAMPLE_RATE_HZ)))
    return np.asarray(taps / gain, np.float32)


def echo_taps(kind: str, loss_db: float, rng: np.random.Generator) -> _Floats:
    """Draw one echo path: decaying noise, scaled to its return loss.

    Args:
        kind: a key of ECHO_SHAPES.
        loss_db: how much weaker telephone-band noise comes back.
        rng: where the shape comes from.

    Returns:
        float32 taps at 8 kHz, without the bulk delay.
    """
    shape = ECHO_SHAPES[kind]
    envelope = np.exp(-np.arange(shape.n_taps) / shape.decay)
    last_ms = max((ms for ms, _ in shape.reflections), default=0)
    taps = np.zeros(shape.n_taps + last_ms * SAMPLE_RATE_HZ // 1000)
    for ms, gain in ((0, 1.0), *shape.reflections):
        at = ms * SAMPLE_RATE_HZ // 1000
        taps[at : at + shape.n_taps] += (
            gain * rng.standard_normal(shape.n_taps) * envelope
        )
    band = band_pass_taps()
    there = np.linalg.norm(np.convolve(taps, band))
    taps *= 10 ** (-loss_db / 20) * np.linalg.norm(band) / there
    return taps.astype(np.float32)


def noise_taps(tilt: float) -> _Floats:
    """Design the filter that turns white noise into line noise of RMS 1.

    Args:
        tilt: pole of the colour, 0 to below 1.
    """
    taps = np.convolve(tilt ** np.arange(NOISE_TAPS), band_pass_taps())
    return np.asarray(taps / np.linalg.norm(taps), np.float32)


def _to_pcm(x: _Floats) -> Samples:
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)


class _LevelControl:
    """Moves speech towards one level, within bounds, as a cheap AGC does.

    Args:
        most_db: how far up or down.
    """

    def __init__(self, most_db: float) -> None:
        self._most_db = most_db
        self._power = 0.0
        self._gain_db = 0.0

    def process(self, x: _Floats) -> _Floats:
        """Return a frame with the gain of its time; it never jumps."""
        pieces = x.reshape(-1, AGC_PIECE)
        gains_db = [self._gain_db]
        for power in np.mean(pieces**2, axis=1).tolist():
            rate = AGC_ATTACK if power > self._power else AGC_RELEASE
            self._power += (power - self._power) * rate
            rms = self._power**0.5
            if rms > AGC_LEAST_RMS:
                wanted = -10 * np.log10(rms / AGC_TARGET_RMS)
                wanted = min(self._most_db, max(-self._most_db, wanted))
                self._gain_db += AGC_STEP * (wanted - self._gain_db)
            gains_db.append(self._gain_db)
        edges = np.arange(len(gains_db)) * AGC_PIECE
        smooth = np.interp(np.arange(1, len(x) + 1), edges, gains_db)
        return (x * 10 ** (smooth / 20)).astype(np.float32)


class _Slips:
    """A delay that jumps: the jitter buffer of a gateway.

    When it grows, the last milliseconds are played again; when it shrinks, some are
    left out.  It starts in the middle, SLIP_RANGE_MS late.

    Args:
        config: the line's.
        rng: decides when and how far.
    """

    def __init__(self, config: LineConfig, rng: np.random.Generator) -> None:
        self._config, self._rng = config, rng
        self._past = np.zeros(2 * SLIP_RANGE_MS * SAMPLE_RATE_HZ // 1000, np.float32)
        self.delay_ms = SLIP_RANGE_MS
        self._frames_left = 0
        self._wait()

    def process(self, x: _Floats) -> _Floats:
        """Return the frame that is played now."""
        self._frames_left -= 1
        if self._frames_left <= 0:
            self._slip()
            self._wait()
        both = np.concatenate([self._past, x])
        self._past = both[len(x) :]
        first = len(both) - len(x) - self.delay_ms * SAMPLE_RATE_HZ // 1000
        return both[first : first + len(x)]

    def _slip(self) -> None:
        config = self._config
        step = int(self._rng.integers(config.slip_min_ms, config.slip_max_ms + 1))
        if self._rng.random() < 0.5:
            step = -step
        if not 0 <= self.delay_ms + step <= 2 * SLIP_RANGE_MS:
            step = -step
        self.delay_ms += step

    def _wait(self) -> None:
        interval = self._config.slip_interval_ms * self._rng.uniform(2 / 3, 4 / 3)
        self._frames_left = max(1, round(interval / FRAME_MS))


class Line:
    """The state of one line; feed it one frame each way every 20 ms.

    Args:
        config: its parameters.

    Attributes:
        echo: of the last frame, float32, shape (160,): before band-pass and noise.

    Raises:
        CodecUnavailable: its codec needs a package that is not installed.
    """

    def __init__(self, config: LineConfig) -> None:
        self.config = config
        rng = np.random.default_rng(config.seed)
        self._down, self._up = _Fir(band_pass_taps()), _Fir(band_pass_taps())
        self._noise = _Fir(noise_taps(config.noise_tilt))
        self._gain = np.float32(10 ** (config.heard_gain_db / 20))
        self.echo: _Floats = np.zeros(FRAME_SAMPLES, np.float32)
        self._echo: _Fir | None = None
        if config.echo_loss_db is not None:
            self._echo = _Fir(echo_taps(config.echo_kind, config.echo_loss_db, rng))
            # Part of the delay is in the slips already.
            slips_ms = SLIP_RANGE_MS if config.slip_interval_ms else 0
            delay_ms = max(0, config.echo_delay_ms - slips_ms)
            samples = delay_ms * SAMPLE_RATE_HZ // 1000
            self._delayed = np.zeros(samples, np.float32)
        self._noise_rng, self._network_rng, slip_rng = rng.spawn(3)
        self._slips = _Slips(config, slip_rng) if config.slip_interval_ms else None
        self._level = _LevelControl(config.agc_db) if config.agc_db else None
        self._down_codec: Codec | None = None
        self._up_codec: Codec | None = None
        if config.codec is not None:
            self._down_codec = make_codec(config.codec)
            self._up_codec = make_codec(config.codec)
        self._held: list[LineFrame] = []
        self._hold_frames = 0
        self._lose_frames = 0
        self._n_frames = 0

    def process(self, to_phone: bytes, voice: Samples) -> tuple[Samples, bytes]:
        """Carry 20 ms in both directions.

        Args:
            to_phone: 160 bytes of mu-law from the company.
            voice: int16, shape (160,), what the person says, already at the level of
                `config.speech_rms`.

        Returns:
            What the person hears (int16, shape (160,)), and 160 bytes of mu-law for
            the company.

        Raises:
            ValueError: either side is not one frame long.
        """
        if len(to_phone) != FRAME_SAMPLES or len(voice) != FRAME_SAMPLES:
            raise ValueError("A line carries frames of 160 samples.")
        down = self._play(decode_mulaw(to_phone).astype(np.float32))
        up = voice.astype(np.float32)
        if self._echo is not None:
            waiting = np.concatenate([self._delayed, down])
            self.echo = self._echo.process(waiting[:FRAME_SAMPLES])
            self._delayed = waiting[FRAME_SAMPLES:]
            up += self.echo
        up = self._up.process(up)
        if self.config.noise_rms:
            white = self._noise_rng.standard_normal(FRAME_SAMPLES, np.float32)
            up += self._noise.process(white) * np.float32(self.config.noise_rms)
        if self._level is not None:
            up = self._level.process(up)
        sent = _to_pcm(up)
        if self._up_codec is not None:
            sent = self._up_codec.process(sent)
        return _to_pcm(down * self._gain), encode_mulaw(sent)

    def _play(self, down: _Floats) -> _Floats:
        """Carry a frame to the loudspeaker."""
        down = self._down.process(down)
        if self._down_codec is not None:
            down = self._down_codec.process(_to_pcm(down)).astype(np.float32)
        if self._slips is not None:
            down = self._slips.process(down)
        if self.config.clip_level is not None:
            down = np.clip(down, -self.config.clip_level, self.config.clip_level)
        return down

    def network(self, payload: bytes) -> list[LineFrame]:
        """Deliver the next frame as the network would: now, later or never.

        Args:
            payload: what `process` returned for this 20 ms.

        Returns:
            The frames that arrive now, in order; their timestamps count every frame
            that was sent, so a lost frame shows as a jump of 20 ms.
        """
        config, rng = self.config, self._network_rng
        frame = LineFrame(payload, self._n_frames * FRAME_MS)
        self._n_frames += 1
        if not self._lose_frames and config.gap_probability > rng.random():
            self._lose_frames = int(rng.integers(1, config.gap_max_frames + 1))
        if self._lose_frames:
            self._lose_frames -= 1
        else:
            self._held.append(frame)
        if self._hold_frames:
            self._hold_frames -= 1
        elif config.late_probability > rng.random():
            self._hold_frames = int(rng.integers(1, config.late_max_frames + 1))
        if self._hold_frames:
            return []
        arrived, self._held = self._held, []
        return arrived


def speech_level(pcm: Samples) -> float:
    """Measure the RMS of the parts of an utterance in which somebody speaks.

    Args:
        pcm: int16, mono, any rate.

    Returns:
        RMS of the 20 ms pieces within 30 dB of the loudest one (the idea of the
        active speech level, ITU-T P.56), 0 for silence.
    """
    n = len(pcm) // FRAME_SAMPLES * FRAME_SAMPLES
    if n == 0:
        return 0.0
    pieces = pcm[:n].astype(np.float32).reshape(-1, FRAME_SAMPLES)
    power = np.mean(pieces**2, axis=1)
    return float(np.sqrt(np.mean(power[power >= power.max() / 1000])))


def at_level(pcm: Samples, rms: float) -> Samples:
    """Scale an utterance so that its speech has the given RMS.

    Args:
        pcm: int16, mono.
        rms: wanted level, of 32768.
    """
    level = speech_level(pcm)
    if level == 0:
        return pcm
    return _to_pcm(pcm.astype(np.float32) * np.float32(rms / level))

"""Tones and simple sound files at 8 kHz.  Pure."""

import io
import wave
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.audio.g711 import SAMPLE_RATE_HZ, decode_mulaw
from realtime.audio.resample import Resampler

Samples = NDArray[np.int16]

BEEP_HZ: Final = 1000.0
BEEP_MS: Final = 400
TONE_AMPLITUDE: Final = 6000.0
"""Peak of each sine, about -15 dBov."""

DTMF_MS: Final = 120
"""Tone and pause of one key; ITU-T Q.24 asks for at least 40 ms each."""
WAIT_MS: Final = {"w": 500, "W": 1000}

_ROWS: Final = (697.0, 770.0, 852.0, 941.0)
_COLUMNS: Final = (1209.0, 1336.0, 1477.0)
_KEYS: Final = "123456789*0#"
_NOTE_SAMPLES: Final = SAMPLE_RATE_HZ // 5
_CHORDS: Final = (
    (60, 64, 67, 72),
    (57, 60, 64, 69),
    (53, 57, 60, 65),
    (55, 59, 62, 67),
)
"""MIDI notes."""


def silence(ms: float) -> Samples:
    """Return silence of a given length."""
    return np.zeros(round(ms * SAMPLE_RATE_HZ / 1000), np.int16)


def tone(ms: float, *hertz: float) -> Samples:
    """Return a sum of sines with 5 ms ramps.

    Args:
        ms: length.
        hertz: the frequencies.
    """
    t = np.arange(round(ms * SAMPLE_RATE_HZ / 1000)) / SAMPLE_RATE_HZ
    wave_ = sum(np.sin(2 * np.pi * f * t) for f in hertz) * TONE_AMPLITUDE
    ramp = np.minimum(1, np.minimum(t, t[::-1]) / 0.005) if len(t) else t
    return np.asarray(np.rint(wave_ * ramp), np.int16)


def beep(ms: float = BEEP_MS) -> Samples:
    """Return the tone before a recording."""
    return tone(ms, BEEP_HZ)


def fax(ms: float = 12_000) -> Samples:
    """Return a fax machine that answers: 2100 Hz for 3 s, and 3 s of waiting, again.

    Source: ITU-T T.30, called station identification.
    """
    return _again(ms, tone(3000, 2100.0), silence(3000))


def special(ms: float = 0) -> Samples:
    """Return the special information tones: no such number.

    Args:
        ms: ignored; they have one length.

    Source: ITU-T E.180.
    """
    return np.concatenate([tone(330, hertz) for hertz in (950.0, 1400.0, 1800.0)])


def busy(ms: float = 6000) -> Samples:
    """Return a busy tone, as in Korea and North America."""
    return _again(ms, tone(500, 480.0, 620.0), silence(500))


def ringing(ms: float = 6000) -> Samples:
    """Return a ringing tone, as in Korea."""
    return _again(ms, tone(1000, 440.0, 480.0), silence(2000))


def music(ms: float = 15_000) -> Samples:
    """Return a tune on hold: broken chords, each note struck and dying away."""
    n = round(ms * SAMPLE_RATE_HZ / 1000)
    out = np.zeros(n + SAMPLE_RATE_HZ)
    t = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for i in range(n // _NOTE_SAMPLES + 1):
        chord = _CHORDS[i // 8 % len(_CHORDS)]
        hertz = 440 * 2 ** ((chord[i % len(chord)] - 69) / 12)
        struck = sum(
            share * np.sin(2 * np.pi * k * hertz * t)
            for k, share in enumerate((1, 0.5, 0.25, 0.12), 1)
        ) * np.exp(-t / 0.35)
        out[i * _NOTE_SAMPLES :][: len(t)] += struck[: len(out) - i * _NOTE_SAMPLES]
    return np.asarray(np.rint(out[:n] * TONE_AMPLITUDE / 2), np.int16)


def _again(ms: float, *parts: Samples) -> Samples:
    """Repeat a cadence for a time."""
    once = np.concatenate(parts)
    n = round(ms * SAMPLE_RATE_HZ / 1000)
    return np.tile(once, n // len(once) + 1)[:n]


SOUNDS: Final[dict[str, Callable[..., Samples]]] = {
    "beep": beep,
    "busy": busy,
    "fax": fax,
    "music": music,
    "ringing": ringing,
    "special": special,
}
"""What a person's script can play: each takes its length in ms, or has its own."""


def dtmf(digits: str) -> Samples:
    """Return the tones of a keypad.

    Args:
        digits: 0-9 * #, and w / W for a pause of 0.5 / 1 s.

    Source: ITU-T Q.23.
    """
    parts = [np.zeros(0, np.int16)]
    for digit in digits:
        if digit in WAIT_MS:
            parts.append(silence(WAIT_MS[digit]))
        else:
            row, column = divmod(_KEYS.index(digit), 3)
            parts += [tone(DTMF_MS, _ROWS[row], _COLUMNS[column]), silence(DTMF_MS)]
    return np.concatenate(parts)


def read_wav(data: bytes) -> Samples:
    """Read a WAV file: 16-bit mono PCM or 8-bit mu-law, 8 kHz or a multiple of it.

    Args:
        data: the file.

    Returns:
        int16 at 8 kHz.

    Raises:
        ValueError: another format.
    """
    if data[:4] == b"RIFF" and data[20:22] == b"\x07\x00":  # WAVE_FORMAT_MULAW
        at = data.find(b"data")
        return decode_mulaw(data[at + 8 :])
    try:
        with wave.open(io.BytesIO(data)) as file:
            rate, width = file.getframerate(), file.getsampwidth()
            channels, frames = file.getnchannels(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file: {error}") from None
    if (width, channels) != (2, 1) or rate % SAMPLE_RATE_HZ:
        raise ValueError("only 16-bit mono WAV at 8 kHz or a multiple of it")
    return to_8_khz(np.frombuffer(frames, "<i2").astype(np.int16), rate)


def to_8_khz(pcm: Samples, rate_hz: int) -> Samples:
    """Bring a whole sound down to the telephone's rate.

    Args:
        pcm: int16, mono, complete (not a stream).
        rate_hz: a multiple of 8000.
    """
    tail = np.zeros(rate_hz // 100, np.int16)  # pushes the filter's last samples out
    return Resampler(rate_hz, SAMPLE_RATE_HZ).process(np.concatenate([pcm, tail]))


def write_wav(pcm: Samples, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    """Return a 16-bit mono WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.astype("<i2").tobytes())
    return buffer.getvalue()

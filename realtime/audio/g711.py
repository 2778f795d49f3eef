"""G.711 mu-law, the telephone network's sample format, by two look-up tables."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ: Final = 8000
"""ITU-T G.711 section 1: 8000 samples a second, one byte each."""

FRAME_MS: Final = 20
FRAME_SAMPLES: Final = 160
"""Twilio Media Streams send one 20 ms frame = 160 bytes (facts/twilio.md 1)."""

SILENCE_BYTE: Final = 0xFF
"""Positive zero.  0x00 would be full-scale noise."""

SILENCE_FRAME: Final = bytes([SILENCE_BYTE]) * FRAME_SAMPLES

_BIAS: Final = 132
"""33 in the 13-bit domain of G.711 table 2a, shifted to 16 bits."""
_CLIP: Final = 32635
"""Largest magnitude that the top segment can hold before the bias is added."""


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent = (code >> 4) & 0x07
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << exponent) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    pcm = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(pcm), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(pcm < 0, 0x80, 0)
    code = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    # Index with the sample's own bits (uint16), so negative samples come second.
    return np.concatenate([code[32768:], code[:32768]])


_DECODE: Final = _decode_table()
_ENCODE: Final = _encode_table()


def decode_mulaw(payload: bytes) -> NDArray[np.int16]:
    """Expand G.711 mu-law to linear PCM.

    Args:
        payload: n bytes; 8 kHz mono, one byte a sample.

    Returns:
        int16, shape (n,); full scale is +-32124.

    Source: ITU-T G.711 (11/88), table 2a.
    """
    return _DECODE[np.frombuffer(payload, dtype=np.uint8)]


def encode_mulaw(pcm: NDArray[np.int16]) -> bytes:
    """Compress linear PCM to G.711 mu-law.

    Args:
        pcm: int16, shape (n,); 8 kHz mono.

    Returns:
        n bytes; silence is 0xFF.

    Source: ITU-T G.711 (11/88), table 2a.
    """
    return _ENCODE[pcm.view(np.uint16)].tobytes()

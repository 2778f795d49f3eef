"""Mobile codecs that a line can send its sound through, 20 ms at a time.

GSM full rate is our own (`gsm.py`); AMR needs PyAV, which brings OpenCORE AMR and is
not a dependency of the lab: without it a line that asks for AMR is refused.
"""

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lab.telephone.gsm import GsmFullRate
from realtime.audio.g711 import FRAME_SAMPLES, SAMPLE_RATE_HZ

Samples = NDArray[np.int16]

AMR_BITS: Final = {"amr": 12200, "amr7.4": 7400, "amr5.9": 5900}
"""Modes of AMR narrow-band (3GPP TS 26.071), bits per second.  12.2 is GSM EFR, bit for
bit; networks fall back to the others under load or far from the mast."""


class CodecUnavailable(Exception):
    """This installation lacks the codec; the message is a sentence."""


class Codec(Protocol):
    """One pass through a codec."""

    def process(self, pcm: Samples) -> Samples: ...


class AmrNarrowband:
    """One pass through AMR narrow-band.

    Its look-ahead delays sound by 5 ms.

    Args:
        bit_rate: bits per second, a value of AMR_BITS.
    """

    def __init__(self, bit_rate: int) -> None:
        import av

        encoder: Any = av.CodecContext.create("libopencore_amrnb", "w")
        encoder.sample_rate, encoder.layout = SAMPLE_RATE_HZ, "mono"
        encoder.format, encoder.bit_rate = "s16", bit_rate
        decoder: Any = av.CodecContext.create("amrnb", "r")
        decoder.sample_rate, decoder.layout = SAMPLE_RATE_HZ, "mono"
        self._encoder, self._decoder = encoder, decoder
        self._frame = av.AudioFrame
        self._n_samples = 0

    def process(self, pcm: Samples) -> Samples:
        """Encode and decode.

        Args:
            pcm: int16, shape (160,) at 8 kHz.

        Returns:
            int16, shape (160,).

        Raises:
            ValueError: it is not one frame.
        """
        if len(pcm) != FRAME_SAMPLES:
            raise ValueError("The codec takes frames of 160 samples.")
        frame = self._frame.from_ndarray(
            np.ascontiguousarray(pcm[np.newaxis]), "s16", "mono"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, self._n_samples
        self._n_samples += FRAME_SAMPLES
        decoded = [
            one.to_ndarray().ravel()
            for packet in self._encoder.encode(frame)
            for one in self._decoder.decode(packet)
        ]
        out = np.rint(np.concatenate(decoded) * 32768)
        return np.asarray(np.clip(out, -32768, 32767), np.int16)


_MAKERS: Final[dict[str, Callable[[], Codec]]] = {
    "gsm": GsmFullRate,
    **{name: partial(AmrNarrowband, bits) for name, bits in AMR_BITS.items()},
}
CODECS: Final = tuple(_MAKERS)
"""What a line may be sent through."""


def has_pyav() -> bool:
    """Tell whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def require(name: str | None) -> None:
    """Make sure that a codec can be used.

    Args:
        name: one of CODECS; None needs nothing.

    Raises:
        CodecUnavailable: it needs a package that is not installed.
    """
    if name in AMR_BITS and not has_pyav():
        raise CodecUnavailable(
            f"The codec {name} needs PyAV, which is not installed: pip install av."
        )


def make_codec(name: str) -> Codec:
    """Return a fresh codec.

    Args:
        name: one of CODECS.

    Raises:
        CodecUnavailable: it needs a package that is not installed.
    """
    require(name)
    return _MAKERS[name]()

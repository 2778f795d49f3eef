"""Spoken sentences that are kept: in this process, and beyond it in a cache.

Sound is kept as it is (PCM16, 24 kHz), packed without loss: differences of neighbours,
high and low bytes apart, deflated.  A sentence of two seconds takes 96 kB in memory and
about half of that in the cache.
"""

import asyncio
import hashlib
import json
import zlib
from collections import OrderedDict
from typing import Final

import numpy as np
import structlog
from django.core.cache import caches

from realtime.config import ENGINE_HZ
from realtime.events import Pcm

log = structlog.get_logger(__name__)

CACHE: Final = "sounds"
"""The alias in CACHES."""
FORMAT: Final = "pcm24k-1"
"""Raise it when `pack` changes: what was kept before stays unread."""
MEMORY_BYTES: Final = 32 << 20
"""Of this process: about 300 sentences of two seconds."""
LONGEST_S: Final = 20
"""Longer ones are kept in memory only."""


def key_of(text: str, language: str, voice: str, model: str) -> str:
    """Name a sentence without giving it away."""
    parts = json.dumps([FORMAT, text, language, voice, model]).encode()
    return hashlib.sha256(parts).hexdigest()


def pack(pcm: Pcm) -> bytes:
    """Compress sound without loss.

    Args:
        pcm: int16, shape (n,).
    """
    differences = np.diff(pcm, prepend=np.int16(0)).astype("<u2")
    # Small differences of either sign get small numbers: their high bytes are zeros.
    signs = (differences >> 15).astype("<u2")
    folded = (differences << 1) ^ (np.uint16(0) - signs)
    planes = folded.astype("<u2").view(np.uint8).reshape(-1, 2).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), 6)


def unpack(packed: bytes) -> Pcm:
    """Return the sound that was packed.

    Raises:
        ValueError: this is not packed sound.
    """
    try:
        raw = zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError("This is not packed sound.") from error
    if len(raw) % 2:
        raise ValueError("This is not packed sound.")
    planes = np.frombuffer(raw, np.uint8).reshape(2, -1)
    folded = np.ascontiguousarray(planes.T).view("<u2").reshape(-1)
    differences = (folded >> 1) ^ (np.uint16(0) - (folded & 1))
    return np.cumsum(differences.astype("<i2"), dtype=np.int16)


class KeptSounds:
    """Sentences in memory, the least recently used ones forgotten first.

    Args:
        max_bytes: of sound.
    """

    def __init__(self, max_bytes: int = MEMORY_BYTES) -> None:
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._sounds: OrderedDict[str, Pcm] = OrderedDict()

    def get(self, key: str) -> Pcm | None:
        """Return a sentence, read-only, or None."""
        if key not in self._sounds:
            return None
        self._sounds.move_to_end(key)
        return self._sounds[key]

    def put(self, key: str, pcm: Pcm) -> None:
        """Keep a sentence."""
        if key in self._sounds:
            self._n_bytes -= self._sounds.pop(key).nbytes
        pcm.flags.writeable = False
        self._sounds[key] = pcm
        self._n_bytes += pcm.nbytes
        while self._n_bytes > self._max_bytes:
            self._n_bytes -= self._sounds.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget everything."""
        self._sounds.clear()
        self._n_bytes = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._sounds)


memory: Final = KeptSounds()
"""Of this process."""


async def find(key: str, *, everywhere: bool) -> Pcm | None:
    """Look a sentence up.

    Args:
        key: of `key_of`.
        everywhere: in the cache as well, which other processes and later ones share.
    """
    found = memory.get(key)
    if found is None and everywhere:
        found = await asyncio.to_thread(_read, key)
        if found is not None:
            memory.put(key, found)
    return found


async def keep(key: str, pcm: Pcm, *, everywhere: bool) -> None:
    """Keep a sentence.

    Args:
        key: of `key_of`.
        pcm: int16 mono, 24 kHz.
        everywhere: beyond this process as well.
    """
    memory.put(key, pcm)
    if everywhere and len(pcm) <= LONGEST_S * ENGINE_HZ:
        await asyncio.to_thread(_write, key, pcm)


def _read(key: str) -> Pcm | None:
    try:
        packed = caches[CACHE].get(key)
        return None if packed is None else unpack(packed)
    except Exception:  # whatever is wrong with a cache, the sentence can be spoken anew
        log.warning("sound_cache_unreadable", exc_info=True)
        return None


def _write(key: str, pcm: Pcm) -> None:
    try:
        caches[CACHE].set(key, pack(pcm))
    except Exception:  # as above
        log.warning("sound_cache_unwritable", exc_info=True)

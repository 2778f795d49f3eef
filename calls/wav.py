"""The recordings' file format: 16-bit PCM WAV, two channels, 8 kHz.  Pure.

Mu-law (format 7) would be half the size and just as exact, since every mu-law code has
its own PCM value.  But plain PCM is the one WAV that every browser and tool plays, and
a call of three minutes is 6 MB.

A file grows at its end, and the two sizes in its header are brought up to date after
each block.  So a file whose writer was killed is a valid one that lacks at most its
last block, and `repair` gives that back.
"""

import os
import struct
from typing import BinaryIO, Final

RATE_HZ: Final = 8000
N_CHANNELS: Final = 2
PAIR_BYTES: Final = 2 * N_CHANNELS
"""One sample of both channels."""
BYTES_PER_MS: Final = RATE_HZ * PAIR_BYTES // 1000
FRAME_BYTES: Final = 20 * BYTES_PER_MS
"""The telephone's 20 ms of both channels: what is written, and continued, in."""
HEADER_BYTES: Final = 44
_RIFF_SIZE_AT: Final = 4
_DATA_SIZE_AT: Final = 40
_SIZES_BEFORE_DATA: Final = HEADER_BYTES - 8
"""What the RIFF size counts besides the sound: all of the header but its first 8."""
_PCM: Final = 1


def header(n_bytes: int) -> bytes:
    """Return the header of a file with this much sound.

    Args:
        n_bytes: of sound, both channels.
    """
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        _SIZES_BEFORE_DATA + n_bytes,
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        N_CHANNELS,
        RATE_HZ,
        RATE_HZ * PAIR_BYTES,
        PAIR_BYTES,
        16,
        b"data",
        n_bytes,
    )


def write_sizes(file: BinaryIO, n_bytes: int) -> None:
    """Bring a file's header up to date; leaves the position at its end.

    Args:
        file: open for reading and writing.
        n_bytes: of sound, both channels.
    """
    file.seek(_RIFF_SIZE_AT)
    file.write(struct.pack("<I", _SIZES_BEFORE_DATA + n_bytes))
    file.seek(_DATA_SIZE_AT)
    file.write(struct.pack("<I", n_bytes))
    file.seek(0, os.SEEK_END)


def repair(file: BinaryIO) -> int:
    """Make a file's header say what the file holds; leaves the position at its end.

    Args:
        file: open for reading and writing; one that `header` began, cut off anywhere.

    Returns:
        bytes of sound, a whole number of frames.
    """
    size = file.seek(0, os.SEEK_END)
    n_bytes = whole_frames(size)
    if size < HEADER_BYTES:
        file.truncate(0)
        file.seek(0)
        file.write(header(0))
    else:
        file.truncate(HEADER_BYTES + n_bytes)
        write_sizes(file, n_bytes)
    return n_bytes


def whole_frames(file_size: int) -> int:
    """Return how many bytes of sound a file of this size holds, in whole frames."""
    return max(0, file_size - HEADER_BYTES) // FRAME_BYTES * FRAME_BYTES


def duration_ms(n_bytes: int) -> int:
    """Return how long this much sound lasts, ms."""
    return n_bytes // BYTES_PER_MS

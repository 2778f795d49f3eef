"""What `benchmarks.scenarios` makes of its records.  Pure.

"It reached the other side" is decided for each 20 ms of what was sent: a piece of
320 ms around it is looked up by correlation in what arrived, which says by how much the
sound is displaced there; then those 20 ms themselves must be found at that place.  What
is looked up is the line as it was sent, noise included, so that a pause between two
words counts as well, and no two places of a call are alike.  Sound is at 8 kHz.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.driver_sound import Samples
from benchmarks.relay_figures import (
    LEAST_LIKENESS,
    PIECE,
    SEARCH_S,
    Floats,
    Stream,
    locate,
)
from realtime.audio.g711 import FRAME_SAMPLES

Booleans = NDArray[np.bool_]

ALIKE: Final = 0.8
"""Normalised correlation from which 20 ms at a known place are the same sound: what
goes through both resamplers alone has 0.95 and more, other sound at most 0.5 there."""
NEIGHBOURS: Final = 3
"""A frame may be displaced like a piece that is so many half pieces away: the sound
around it may be torn, where an utterance of an engine that works by turns ends."""
MOST_BEND: Final = 1200
"""150 ms: frames so near to each other are not displaced more differently, or one of
them was found in a wrong place."""
NEARBY: Final = 10
"""Frames that are near to each other: 200 ms."""
MOST_PERIOD: Final = 140
"""A pitch period at most, and some samples: frames beside each other are displaced
alike, or the one was found in a wrong place."""
LEAST_TEMPO: Final = 0.7
"""A late telephone leaves at most one pitch period of 15 ms out of each 60 ms, so what
it plays lasts three quarters of what it stands for; what is shorter was left out."""
NOT_FOUND: Final = -1
FULL_SCALE: Final = 32768.0
ACTIVE_MARGIN_DB: Final = 15.9
"""Speech is active down to so much below its own active level (ITU-T P.56)."""


def rms_of(sound: Samples | Floats) -> float:
    """Return the root of the mean square; 0 for nothing."""
    return (
        float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
        if len(sound)
        else 0.0
    )


def frame_rms(sound: Samples | Floats) -> Floats:
    """Return the RMS of each whole frame of 20 ms."""
    whole = len(sound) // FRAME_SAMPLES * FRAME_SAMPLES
    frames = np.asarray(sound[:whole], np.float64).reshape(-1, FRAME_SAMPLES)
    result: Floats = np.sqrt(np.mean(frames**2, axis=1))
    return result


def active_frames(sound: Samples | Floats) -> Booleans:
    """Say which frames hold speech.

    The active level and what is active depend on each other; P.56 solves that by a
    table of thresholds, this by iteration, without its hangover of 200 ms.
    """
    rms = frame_rms(sound)
    is_active = rms > 0
    for _ in range(20):
        if not is_active.any():
            break
        level = float(np.sqrt(np.mean(rms[is_active] ** 2)))
        now = rms >= level * 10 ** (-ACTIVE_MARGIN_DB / 20)
        if (now == is_active).all():
            break
        is_active = now
    return np.asarray(is_active, np.bool_)


def active_rms(sound: Samples | Floats) -> float:
    """Return the level of the active frames alone."""
    rms = frame_rms(sound)[active_frames(sound)]
    return float(np.sqrt(np.mean(rms**2))) if len(rms) else 0.0


def set_level(sound: Samples, rms: float) -> Samples:
    """Give speech an active level; what is above full scale is clipped."""
    scaled = sound.astype(np.float64) * (rms / max(active_rms(sound), 1e-9))
    result: Samples = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return result


def rms_at(dbov: float) -> float:
    """Return the RMS of a level; 0 dBov is a full-scale square wave (ITU-T G.100.1)."""
    return FULL_SCALE * 10 ** (dbov / 20)


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a sound, frame by frame.

    Attributes:
        found: whether it arrived.
        places: its first sample in what arrived, or NOT_FOUND.
    """

    found: Booleans
    places: NDArray[np.int64]

    def share(self, wanted: Booleans | None = None) -> float:
        """Return how much arrived, 0 to 1.

        Args:
            wanted: frames that count; None for all.
        """
        found = self.found if wanted is None else self.found[wanted]
        return float(np.mean(found)) if len(found) else 0.0

    @property
    def is_in_order(self) -> bool:
        """Whether what arrived came in the order in which it was said."""
        return bool((np.diff(self.places[self.found]) > 0).all())


Window = Callable[[int], tuple[int, int]]
"""Sample of what was sent → the part of what arrived where its piece is looked up."""


def reached(sent: Floats, heard: Floats, window: Window) -> Reached:
    """Look a sound up in what has arrived.

    Args:
        sent: the sound.
        heard: everything that has arrived.
        window: where to look for a piece.
    """
    # A resampler holds 1.25 ms back: the last frame may end behind the end.
    heard = np.concatenate([heard, np.zeros(FRAME_SAMPLES)])
    size = min(PIECE, len(sent))
    starts = list(range(0, len(sent) - size + 1, max(1, size // 2)))
    if starts and starts[-1] != len(sent) - size:
        starts.append(len(sent) - size)
    lags: list[int | None] = []
    for at in starts:
        first, last = window(at)
        place, likeness = locate(sent[at : at + size], heard[first:last])
        lags.append(first + place - at if likeness >= LEAST_LIKENESS else None)
    n = len(sent) // FRAME_SAMPLES
    places = np.full(n, NOT_FOUND, np.int64)
    for i in range(n):
        at = i * FRAME_SAMPLES
        nearest = int(np.argmin([abs(s + size // 2 - at) for s in starts]))
        near = range(max(0, nearest - NEIGHBOURS), nearest + NEIGHBOURS + 1)
        chosen = {lag for k in near if k < len(lags) and (lag := lags[k]) is not None}
        frame = sent[at : at + FRAME_SAMPLES]
        alike = [(_likeness(frame, heard, at + lag), at + lag) for lag in chosen]
        likeness, place = max(alike, default=(0.0, NOT_FOUND))
        if likeness >= ALIKE:
            places[i] = place
    return Reached(np.asarray(places != NOT_FOUND, np.bool_), places)


def _likeness(frame: Floats, heard: Floats, place: int) -> float:
    """Return how alike a frame and a place are, one sample to and fro."""
    first = max(0, place - 1)
    return locate(frame, heard[first : place + len(frame) + 1])[1]


def arrived_within(
    heard: Stream, sent_at: Callable[[int], float], start: int
) -> Window:
    """Look for each piece from when it was sent until it is not held back any more.

    Args:
        heard: what arrived.
        sent_at: sample → when it was sent.
        start: sample that the sound begins with.
    """

    def window(at: int) -> tuple[int, int]:
        first = sent_at(start + at)
        last = sent_at(start + at + PIECE)
        return heard.span(first, last + SEARCH_S)

    return window


def first_after(times: Sequence[float], since: float, within_s: float) -> float | None:
    """Return how long after a moment something happened first, seconds, or None."""
    after = [t - since for t in times if since < t <= since + within_s]
    return min(after) if after else None


def faster(heard: Reached) -> Booleans:
    """Say which frames that were not found were played all the same, but faster.

    Where pitch periods are left out, some frames resemble themselves too little.  They
    were played if the frames around them were, and if in between there was time for it.
    """
    lags = heard.places - np.arange(len(heard.places)) * FRAME_SAMPLES
    found = np.flatnonzero(heard.found)
    sure = []
    for i in found.tolist():
        nearby = lags[found[(abs(found - i) <= NEARBY)]]
        beside = lags[found[abs(found - i) == 1]]
        if (
            abs(lags[i] - np.median(nearby)) <= MOST_BEND
            and (abs(beside - lags[i]) <= MOST_PERIOD).any()
        ):
            sure.append(i)
    result = np.zeros(len(heard.found), np.bool_)
    for before, behind in pairwise(sure):
        meant = (behind - before) * FRAME_SAMPLES
        lasted = meant + int(lags[behind] - lags[before])
        if LEAST_TEMPO * meant <= lasted <= meant:
            result[before + 1 : behind] = True
    return np.asarray(result & ~heard.found, np.bool_)

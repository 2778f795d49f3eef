"""Small plots as shapes for inline SVG: who spoke when, how late, how loud.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from calls import wav

WIDTH: Final = 1000
"""Of all plots, in their own units; the page stretches them."""
MIN_BAR: Final = 2
N_PEAKS: Final = 500
_TICKS_S: Final = (5, 10, 15, 30, 60, 120, 300, 600, 1200)
MAX_TICKS: Final = 8
_NO_ROOM: Final = 0.9


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that was said.

    Attributes:
        leg: who said it.
        started_ms, ended_ms: on the call's clock.
        latency_ms: from its end to the first sound of its translation; None: none.
        is_lost: it did not reach the other side.
    """

    leg: str
    started_ms: int
    ended_ms: int
    latency_ms: int | None = None
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of speech on its lane."""

    x: float
    width: float
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """How late one translation was; 0 is the bottom of its lane, 100 the top."""

    x: float
    height: float
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One side of a call.

    Attributes:
        leg: who.
        bars: when they spoke.
        dots: how late it was translated.
        spoken_s: how long they spoke.
        typical_ms, worst_ms: how late it was translated; None: it was not.
    """

    leg: str
    bars: tuple[Bar, ...]
    dots: tuple[Dot, ...]
    spoken_s: float
    typical_ms: int | None
    worst_ms: int | None


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis."""

    x: float
    text: str

    @property
    def percent(self) -> float:
        return round(self.x / WIDTH * 100, 2)

    @property
    def is_last(self) -> bool:
        """Whether its text would not fit behind it."""
        return self.x > WIDTH * _NO_ROOM


@dataclass(frozen=True, slots=True)
class Timeline:
    """Who spoke when, and how late it was translated.

    Attributes:
        lanes: of those who spoke.
        ticks: of the time axis.
        scale_s: what the top of the dots stands for.
    """

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    scale_s: int


def timeline(spoken: Sequence[Spoken], legs: Sequence[str]) -> Timeline | None:
    """Draw when each side spoke; None if nobody did.

    Args:
        spoken: all of it.
        legs: the order of the lanes.
    """
    if not spoken:
        return None
    end_ms = max(max(one.ended_ms for one in spoken), 1000)
    late = [one.latency_ms for one in spoken if one.latency_ms is not None]
    scale_s = max(2, -(-max(late, default=0) // 1000))
    lanes = [
        _lane(leg, [one for one in spoken if one.leg == leg], end_ms, scale_s)
        for leg in legs
    ]
    return Timeline(
        tuple(lane for lane in lanes if lane.bars), _ticks(end_ms), int(scale_s)
    )


def _lane(leg: str, spoken: Sequence[Spoken], end_ms: int, scale_s: float) -> Lane:
    late = sorted(one.latency_ms for one in spoken if one.latency_ms is not None)
    return Lane(
        leg,
        tuple(
            Bar(
                round(one.started_ms / end_ms * WIDTH, 1),
                round(
                    max(MIN_BAR, (one.ended_ms - one.started_ms) / end_ms * WIDTH),
                    1,
                ),
                one.is_lost,
            )
            for one in spoken
        ),
        tuple(
            Dot(
                round(one.ended_ms / end_ms * WIDTH, 1),
                round(one.latency_ms / (scale_s * 1000) * 100, 1),
                one.latency_ms,
            )
            for one in spoken
            if one.latency_ms is not None
        ),
        sum(one.ended_ms - one.started_ms for one in spoken) / 1000,
        late[len(late) // 2] if late else None,
        late[-1] if late else None,
    )


def _ticks(end_ms: int) -> tuple[Tick, ...]:
    end_s = end_ms / 1000
    step = next((s for s in _TICKS_S if end_s / s <= MAX_TICKS), _TICKS_S[-1])
    return tuple(
        Tick(round(s / end_s * WIDTH, 1), f"{s // 60}:{s % 60:02}")
        for s in range(0, int(end_s) + 1, step)
    )


def waveform(path: Path, duration_ms: int) -> tuple[str, ...]:
    """Draw how loud each channel of a recording is, over time.

    Args:
        path: of a file that `calls.wav` describes.
        duration_ms: how much of it counts.

    Returns:
        for each channel the `d` of a path, 0 to `WIDTH` across, -50 to 50 high.
    """
    n_pairs = duration_ms * wav.RATE_HZ // 1000
    # Mapped, not read: an hour is a hundred megabytes.
    size = (path.stat().st_size - wav.HEADER_BYTES) // wav.PAIR_BYTES
    n_pairs = min(n_pairs, size)
    if n_pairs <= 0:
        return ()
    sound = np.memmap(path, "<i2", "r", wav.HEADER_BYTES, (n_pairs, wav.N_CHANNELS))
    edges = np.linspace(0, n_pairs, min(N_PEAKS, n_pairs) + 1).astype(int)
    peaks = np.array(
        [np.abs(sound[a:b].astype(np.int32)).max(axis=0) for a, b in pairwise(edges)]
    )
    # A telephone's quiet and loud are far apart: the root shows both.
    heights = np.sqrt(peaks / 32768) * 50
    return tuple(_outline(heights[:, n]) for n in range(wav.N_CHANNELS))


def _outline(heights: Iterable[float]) -> str:
    tops = [max(0.5, round(float(height), 1)) for height in heights]
    step = WIDTH / max(1, len(tops))
    across = [round((n + 0.5) * step, 1) for n in range(len(tops))]
    return "".join(f"M{x} {-top}V{top}" for x, top in zip(across, tops, strict=True))

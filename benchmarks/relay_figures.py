"""What `benchmarks.relay` makes of its records: where each sound went, and when.  Pure.

The relay may hold sound back, put it into messages of another length, or take an echo
out of it.  So the speech that was sent is looked up in what has arrived, piece by
piece, by correlation; that says which message carried which 20 ms.  Sound is at 8 kHz,
times are seconds of one clock, results are milliseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.driver_sound import HZ, Samples, Track

Floats = NDArray[np.float64]

PIECE: Final = 2560
"""320 ms: long enough to be unmistakable, short enough to have one delay."""
LEAST_LIKENESS: Final = 0.5
"""Normalised correlation from which a piece counts as arrived; strangers' pieces of
320 ms stay below 0.3."""
QUIET_RMS: Final = 200.0
"""Pieces below this are pauses: there is nothing to look up."""
SEARCH_S: Final = 4.0
"""As long as the relay may hold sound back."""
MARGIN: Final = 16
"""2 ms: resampling moves sound by 1.25 ms, which must not count as a frame."""
LATE_MS: Final = 40.0
"""From here on a frame is late."""
ECHO_FRAMES: Final = 30
"""Sound of ours may come back for 600 ms."""
ANSWER_WITHIN_S: Final = 1.5
"""A `clear` later than this is no answer to an interruption."""


class Arrivals:
    """What has arrived at one end, and when."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._chunks: list[Samples] = []

    def add(self, at: float, sound: Samples) -> None:
        """Note one message.

        Args:
            at: when it came.
            sound: int16 at 8 kHz.
        """
        self._times.append(at)
        self._chunks.append(sound)

    def whole(self) -> "Stream":
        """Return everything, put together."""
        sizes = [len(chunk) for chunk in self._chunks]
        empty: Samples = np.zeros(0, np.int16)
        return Stream(
            np.array(self._times),
            np.cumsum(sizes, dtype=np.int64),
            np.concatenate([empty, *self._chunks]).astype(np.float64),
        )


@dataclass(frozen=True, slots=True)
class Stream:
    """A sound that came in messages.

    Attributes:
        times: when each came.
        ends: how many samples had come with it.
        sound: all of it.
    """

    times: Floats
    ends: NDArray[np.int64]
    sound: Floats

    def message_of(self, sample: int) -> int:
        """Say which message carried a sample."""
        return int(np.searchsorted(self.ends, sample, "right"))

    def span(self, since: float, until: float) -> tuple[int, int]:
        """Return the samples that came within a time: the first, and one behind."""
        first = int(np.searchsorted(self.times, since))
        last = int(np.searchsorted(self.times, until, "right"))
        start = int(self.ends[first - 1]) if first else 0
        return start, int(self.ends[last - 1]) if last else 0


def locate(needle: Floats, hay: Floats) -> tuple[int, float]:
    """Find a sound in a longer one.

    Args:
        needle: what is looked for.
        hay: where.

    Returns:
        its first sample there, and how alike the two are, 0 to 1; (0, 0) if the hay is
        too short.
    """
    n = len(needle)
    if len(hay) < n or not needle.any():
        return 0, 0.0
    size = 1 << (len(hay) + n - 1).bit_length()
    spectrum = np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size))
    products = np.fft.irfft(spectrum, size)[: len(hay) - n + 1]
    power = np.concatenate([[0.0], np.cumsum(hay**2)])
    energy = np.maximum(power[n:] - power[:-n], 1.0)
    likeness = products / np.sqrt(energy * float(needle @ needle))
    best = int(np.argmax(likeness))
    return best, max(0.0, float(likeness[best]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One side's track, as it was sent.

    Attributes:
        track: what was repeated.
        lead: samples of mere noise before it began.
        phase: sample of the track that it began with.
        n_message: samples in each message.
        times: when each message was sent.
    """

    track: Track
    lead: int
    phase: int
    n_message: int
    times: Floats

    def turns(self) -> Iterator[tuple[int, int, bool]]:
        """Yield each stretch of speech: first sample, last, whether it interrupts.

        Samples count from the first one that was sent.
        """
        n, total = len(self.track.clean), len(self.times) * self.n_message
        for begin in range(self.lead - self.phase, total, n):
            for turn in self.track.turns:
                start, stop = begin + turn.start, begin + turn.stop
                if start >= self.lead and stop <= total:
                    yield start, stop, turn.is_interruption

    def sound(self, start: int, stop: int) -> Floats:
        """Return the speech of some samples, without its noise."""
        at = (np.arange(start, stop) - self.lead + self.phase) % len(self.track.clean)
        return self.track.clean[at].astype(np.float64)

    def sent_at(self, sample: int) -> float:
        """Say when a sample was sent."""
        message = min(max(0, sample // self.n_message), len(self.times) - 1)
        return float(self.times[message])


@dataclass(slots=True)
class Ages:
    """How old speech was when it arrived.

    Attributes:
        newest_ms: of each message, its newest sample.
        oldest_ms: of each message, its oldest.
        sent_with: number of the message that the newest sample was sent with.
        n_pieces: pieces looked up.
        n_lost: pieces that did not arrive.
    """

    newest_ms: list[float] = field(default_factory=list)
    oldest_ms: list[float] = field(default_factory=list)
    sent_with: list[int] = field(default_factory=list)
    n_pieces: int = 0
    n_lost: int = 0


def ages(said: Said, heard: Stream, since: float, until: float) -> Ages:
    """Look one side's speech up in what an engine was given.

    Args:
        said: what was sent.
        heard: what arrived.
        since: only speech that was sent after this ...
        until: ... and before this.
    """
    result = Ages()
    for start, stop, _ in said.turns():
        for at in range(start, stop - PIECE + 1, PIECE):
            if not since <= said.sent_at(at) <= said.sent_at(at + PIECE) <= until:
                continue
            needle = said.sound(at, at + PIECE)
            if np.sqrt(np.mean(needle**2)) < QUIET_RMS:
                continue
            result.n_pieces += 1
            began, ended = heard.span(
                said.sent_at(at), said.sent_at(at + PIECE) + SEARCH_S
            )
            place, likeness = locate(needle, heard.sound[began:ended])
            if likeness < LEAST_LIKENESS:
                result.n_lost += 1
            else:
                _note_messages(result, said, heard, began + place, at)
    return result


def _note_messages(
    result: Ages, said: Said, heard: Stream, place: int, at: int
) -> None:
    """Note every message that ends within a piece, which lies `place` → `at`."""
    for i in range(heard.message_of(place), heard.message_of(place + PIECE - 1) + 1):
        newest = int(heard.ends[i]) - 1
        oldest = int(heard.ends[i - 1]) if i else 0
        if not place <= newest < place + PIECE:
            continue
        source = at + newest - place - MARGIN
        result.sent_with.append(source // said.n_message)
        arrived = float(heard.times[i])
        result.newest_ms.append((arrived - said.sent_at(source)) * 1000)
        source = at + oldest - place + MARGIN
        result.oldest_ms.append((arrived - said.sent_at(source)) * 1000)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that an engine said.

    Attributes:
        sound: the whole of it.
        times: when each of its parts was sent.
    """

    sound: Samples
    times: Sequence[float]


@dataclass(slots=True)
class Delivery:
    """What became of an engine's speech.

    Attributes:
        first_ms: from sending a part to the arrival of its first sample.
        onset_ms: the same of the first part of each utterance only.
        n_frames: frames of 20 ms that were looked at.
        n_late: those that arrived more than LATE_MS after they were due, the first
            one's arrival being the beginning.
        n_lost: those that never arrived.
        n_utterances: utterances looked at.
    """

    first_ms: list[float] = field(default_factory=list)
    onset_ms: list[float] = field(default_factory=list)
    n_frames: int = 0
    n_late: int = 0
    n_lost: int = 0
    n_utterances: int = 0


def delivery(spoken: Iterable[Spoken], heard: Stream, tail_s: float = 4.0) -> Delivery:
    """Look an engine's speech up in what a person's side has received.

    Args:
        spoken: whole utterances that nobody interrupted.
        heard: what arrived.
        tail_s: how long after its last part sound may come.
    """
    result = Delivery()
    for one in spoken:
        result.n_utterances += 1
        began, ended = heard.span(one.times[0], one.times[-1] + tail_s)
        hay = heard.sound[began:ended]
        n_part = len(one.sound) // len(one.times)
        first_at: float | None = None
        for at in range(0, len(one.sound) - PIECE + 1, PIECE):
            needle = one.sound[at : at + PIECE].astype(np.float64)
            if np.sqrt(np.mean(needle**2)) < QUIET_RMS:
                continue
            result.n_frames += PIECE // 160
            place, likeness = locate(needle, hay)
            if likeness < LEAST_LIKENESS:
                result.n_lost += PIECE // 160
                continue
            if first_at is None:
                # What the piece says of the utterance's own first sample.
                first = max(0, began + place - at + MARGIN)
                first_at = float(heard.times[heard.message_of(first)])
                result.onset_ms.append((first_at - one.times[0]) * 1000)
            for i in range(PIECE // 160):
                sample = began + place + 160 * i
                arrived = float(heard.times[heard.message_of(sample + MARGIN)])
                due = first_at + (at + 160 * i) / HZ
                result.n_late += (arrived - due) * 1000 > LATE_MS
            for part in range(-(-at // n_part), -(-(at + PIECE) // n_part)):
                sample = began + place + part * n_part - at + MARGIN
                arrived = float(heard.times[heard.message_of(sample)])
                result.first_ms.append((arrived - one.times[part]) * 1000)
    return result


def interruptions(
    said: Said,
    is_playing: Sequence[bool],
    clears: Sequence[float],
    since: float,
    until: float,
) -> tuple[list[float], int]:
    """Measure how soon the relay is silent when the callee speaks over it.

    Args:
        said: the callee's side; its messages are frames.
        is_playing: whether the telephone played something, for each frame.
        clears: when the relay told it to stop.
        since: only interruptions after this ...
        until: ... and before this.

    Returns:
        from the first sample to the `clear`, for each; and how many brought none.
    """
    delays_ms, n_missed = [], 0
    for start, _, is_interruption in said.turns():
        began, frame = said.sent_at(start), start // said.n_message
        if not is_interruption or not since <= began <= until - ANSWER_WITHIN_S:
            continue
        if not is_playing[frame]:
            continue
        after = [t - began for t in clears if began < t <= began + ANSWER_WITHIN_S]
        if after:
            delays_ms.append(min(after) * 1000)
        else:
            n_missed += 1
    return delays_ms, n_missed


def unprovoked(said: Said, reactions: Iterable[float]) -> int:
    """Count reactions to nobody: to an echo, or to noise.

    Args:
        said: the side that is reacted to.
        reactions: when each was noticed.
    """
    spans = [(said.sent_at(a), said.sent_at(b) + 2.0) for a, b, _ in said.turns()]
    return sum(not any(a <= t <= b for a, b in spans) for t in reactions)


def percentiles(values: Sequence[float], *which: int) -> list[float | None]:
    """Return percentiles, rounded; None for each of nothing."""
    if not len(values):
        return [None] * len(which)
    return [round(float(value), 2) for value in np.percentile(values, which)]

"""Hearing phrases in a continuous telephone signal.

Two steps, because the second is heavy: `collect` finds stretches of speech by their
level against the line's own noise; `recognise` matches one, and may run in a thread.
`push` does both.

A stretch ends with a pause of 350 ms.  When it is no phrase as a whole, it is tried
in pieces cut at its inner pauses (two phrases said without a breath), and then joined
with the stretch that follows within a second (a phrase torn by a gap).  What remains
is "[unclear]": nothing is guessed.  Sound without the ups and downs of speech is not
even that: a line whose noise has risen says nothing.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lab.speech.matcher import Match, Matcher, Sound

SAMPLE_RATE_HZ: Final = 8000
FRAME: Final = 160
FRAME_MS: Final = 20

UNCLEAR: Final = "[unclear]"

END_PAUSE: Final = 18
"""Frames of quiet that end an utterance: 360 ms.  Inner pauses of synthetic speech
are at most 180 ms, and up to 100 ms longer in noise, which swallows weak sounds."""
PRE_ROLL: Final = 10
"""Frames kept from before the onset: 200 ms."""
TAIL: Final = 10
"""Frames of the final pause that are kept."""
ONSET: Final = (3, 5)
"""Speech begins when 3 of 5 frames are loud: 60 ms, so that clicks do not count."""
ONSET_RATIO: Final = 3.0
"""Power of a loud frame over the noise floor; +4.8 dB still hears speech of 300 RMS
in noise of 200 RMS."""
STAY_RATIO: Final = 2.2
LEAST_POWER: Final = 12.0**2
"""Below 12 RMS it is the quantisation noise of a silent mu-law line."""
DEAD_POWER: Final = 4.0**2
"""Digital silence (gaps, suppressed audio) says nothing about the line's noise."""
FLOOR_WINDOW: Final = 75
"""The noise floor is the quietest of the last 75 audible frames: 1.5 s."""
LONGEST: Final = 800
"""An utterance is cut at its best pause after 16 s."""
SHORTEST_INNER_PAUSE: Final = 4
MOST_CUTS: Final = 4
LEAST_ISLAND: Final = 40
"""A phrase found between unclear speech must be 800 ms long: short ones are alike."""
JOIN_MS: Final = 1000
STEADY_RATIO: Final = 8.0
"""Between its loudest and its quietest frames (90th and 10th percentile) speech has a
power ratio of 19 and more on every line of the catalogue; noise, also while a level
control turns it up, of 1.5 to 4.1."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that was said on the line.

    Attributes:
        text: the phrase as written, or "[unclear]".
        phrase_id: None when unclear.
        language: None when unclear.
        started_ms: beginning of its sound, counted from the first sample pushed.
        ended_ms: end of its sound.
    """

    text: str
    phrase_id: str | None
    language: str | None
    started_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, not yet recognised.

    Attributes:
        pcm: int16 at 8 kHz, whole frames, with quiet around the speech; empty for
            the notice that a second of silence has followed.
        quiet: for each frame, whether it is a pause.
        first_ms: time of the first sample of `pcm`.
        started_ms: beginning of the speech.
        ended_ms: end of the speech.
    """

    pcm: NDArray[np.int16]
    quiet: tuple[bool, ...]
    first_ms: int
    started_ms: int
    ended_ms: int

    @property
    def is_steady(self) -> bool:
        """Whether it has a level, as noise has, instead of ups and downs."""
        first = (self.started_ms - self.first_ms) // FRAME_MS
        last = (self.ended_ms - self.first_ms) // FRAME_MS
        frames = self.pcm.reshape(-1, FRAME)[first:last]
        powers = np.square(frames, dtype=np.float64).mean(axis=1)
        low, high = np.percentile(powers, (10, 90))
        return bool(high < STEADY_RATIO * low)


class Listener:
    """Hears the phrases of one continuous stream.

    Args:
        matcher: knows the phrases; shared.
        languages: hear only these (ISO 639-1); default: all.
    """

    def __init__(
        self, matcher: Matcher, languages: frozenset[str] | None = None
    ) -> None:
        self._matcher = matcher
        self._languages = languages
        self._rest = np.zeros(0, np.int16)
        self._n_frames = 0
        self._floor: deque[float] = deque(maxlen=FLOOR_WINDOW)
        self._recent: deque[tuple[NDArray[np.int16], bool]] = deque(
            maxlen=PRE_ROLL + ONSET[1]
        )
        self._frames: list[NDArray[np.int16]] = []  # of the open utterance
        self._quiet: list[bool] = []
        self._n_pause = 0  # quiet frames at its end
        self._silence_due_ms: int | None = None  # when to give notice of silence
        self._held: Segment | None = None  # unclear; may belong to what follows

    @property
    def is_hearing(self) -> bool:
        """Whether someone is speaking, as far as this has been heard."""
        return bool(self._frames)

    def push(self, pcm: NDArray[np.int16]) -> list[Heard]:
        """Hear the next stretch of the stream.

        Args:
            pcm: int16, shape (n,), 8 kHz, any length.

        Returns:
            What has been understood by now, in the order it was said.
        """
        return [
            heard for segment in self.collect(pcm) for heard in self.recognise(segment)
        ]

    def flush(self) -> list[Heard]:
        """End the stream: return everything that was still being heard."""
        heard = [
            one for segment in self.collect_rest() for one in self.recognise(segment)
        ]
        return heard + self._release()

    def collect(self, pcm: NDArray[np.int16]) -> list[Segment]:
        """Find speech: the cheap half of `push`.

        Args:
            pcm: int16, shape (n,), 8 kHz, any length.

        Returns:
            Finished stretches, each to be given to `recognise` in this order.
        """
        pcm = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        n = len(pcm) // FRAME
        self._rest = pcm[n * FRAME :].copy()
        frames = pcm[: n * FRAME].reshape(n, FRAME)
        powers = np.square(frames, dtype=np.float64).mean(axis=1)
        segments = []
        for frame, power in zip(frames, powers.tolist(), strict=True):
            segments += self._step(frame, power)
        return segments

    def collect_rest(self) -> list[Segment]:
        """End the stream for `collect`: return the open stretch, if any."""
        return [self._close()] if self._frames else []

    def recognise(self, segment: Segment) -> list[Heard]:
        """Recognise a stretch of speech: the heavy half of `push`.

        Args:
            segment: from `collect`, one after the other.

        Returns:
            What was said; unclear speech only once nothing follows it.
        """
        if not len(segment.pcm):
            return self._release()
        sound = Sound(segment.pcm)
        whole = self._matcher.match_part(sound.part(), self._languages)
        if whole:
            return [*self._release(), _heard(segment, whole)]
        held = self._held
        if held and segment.started_ms - held.ended_ms <= JOIN_MS:
            joined = _join(held, segment)
            match = self._matcher.match(joined.pcm, self._languages)
            if match:
                self._held = None
                return [_heard(joined, match)]
        pieces = self._in_pieces(segment, sound)
        if pieces:
            return [*self._release(), *pieces]
        released = self._release()
        self._held = None if segment.is_steady else segment
        return released

    def _release(self) -> list[Heard]:
        held, self._held = self._held, None
        return [_heard(held, None)] if held else []

    def _in_pieces(self, segment: Segment, sound: Sound) -> list[Heard]:
        cuts = [0, *_cuts(segment.quiet), len(segment.quiet)]
        if len(cuts) == 2:
            return []
        # Best way to cover the frames with phrases, from the left.
        best: list[tuple[int, int, Match | None]] = [(0, 0, None)]
        for to in range(1, len(cuts)):
            options: list[tuple[int, int, Match | None]] = [
                (best[to - 1][0], to - 1, None)
            ]
            for since in range(to):
                if to - since == len(cuts) - 1:
                    continue  # the whole was tried before
                part = sound.part(cuts[since], cuts[to])
                match = self._matcher.match_part(part, self._languages)
                if match and part:
                    options.append((best[since][0] + len(part.mel), since, match))
            best.append(max(options, key=lambda option: option[0]))
        found: list[tuple[int, int, Match | None]] = []
        to = len(cuts) - 1
        while to:
            _, since, match = best[to]
            found.append((cuts[since], cuts[to], match))
            to = since
        found.reverse()
        if not all(match for *_, match in found):
            found = [
                (a, b, match if match and b - a >= LEAST_ISLAND else None)
                for a, b, match in found
            ]
        if not any(match for *_, match in found):
            return []
        return [
            _heard(piece, match)
            for a, b, match in _merge_unclear(found)
            if (piece := _cut_out(segment, a, b))
        ]

    def _step(self, frame: NDArray[np.int16], power: float) -> list[Segment]:
        self._n_frames += 1
        if power > DEAD_POWER:
            self._floor.append(power)
        floor = max(min(self._floor, default=0.0), LEAST_POWER / ONSET_RATIO)
        if self._frames:
            return self._continue(frame, power < STAY_RATIO * floor)
        self._recent.append((frame.copy(), power < ONSET_RATIO * floor))
        n_loud = sum(not quiet for _, quiet in list(self._recent)[-ONSET[1] :])
        if n_loud >= ONSET[0]:
            self._frames = [frame for frame, _ in self._recent]
            self._quiet = [quiet for _, quiet in self._recent]
            self._recent.clear()
            self._n_pause = 0
            self._silence_due_ms = None
        elif self._silence_due_ms is not None and self._now_ms >= self._silence_due_ms:
            self._silence_due_ms = None
            return [Segment(np.zeros(0, np.int16), (), self._now_ms, self._now_ms, 0)]
        return []

    def _continue(self, frame: NDArray[np.int16], is_quiet: bool) -> list[Segment]:
        self._frames.append(frame.copy())
        self._quiet.append(is_quiet)
        self._n_pause = self._n_pause + 1 if is_quiet else 0
        if self._n_pause >= END_PAUSE:
            return [self._close()]
        if len(self._frames) >= LONGEST:
            return [self._cut_long()]
        return []

    def _close(self) -> Segment:
        end = self._n_frames
        segment = self._segment(self._frames, self._quiet, end)
        # The end of this pause is the pre-roll of what comes next.
        spare = list(zip(self._frames, self._quiet, strict=True))[-self._n_pause :]
        self._recent.clear()
        if self._n_pause > TAIL:
            self._recent.extend(spare[TAIL:])
        self._frames, self._quiet = [], []
        self._silence_due_ms = segment.ended_ms + JOIN_MS
        return segment

    def _cut_long(self) -> Segment:
        """Give out the part before the longest pause of the second half."""
        half = len(self._frames) // 2
        pauses = [run for run in _runs(tuple(self._quiet)) if run[0] >= half]
        if pauses:
            a, b = max(pauses, key=lambda run: run[1] - run[0])
            at = (a + b) // 2
        else:
            at = len(self._frames) - 1
        behind = len(self._frames) - at
        segment = self._segment(
            self._frames[:at], self._quiet[:at], self._n_frames - behind
        )
        self._frames, self._quiet = self._frames[at:], self._quiet[at:]
        return segment

    def _segment(
        self, frames: list[NDArray[np.int16]], quiet: list[bool], end: int
    ) -> Segment:
        first = end - len(frames)
        loud = [i for i, is_quiet in enumerate(quiet) if not is_quiet]
        low, high = (loud[0], loud[-1] + 1) if loud else (0, len(frames))
        n_kept = min(len(frames), high + TAIL)
        return Segment(
            pcm=np.concatenate(frames[:n_kept]),
            quiet=tuple(quiet[:n_kept]),
            first_ms=first * FRAME_MS,
            started_ms=(first + low) * FRAME_MS,
            ended_ms=(first + high) * FRAME_MS,
        )

    @property
    def _now_ms(self) -> int:
        return self._n_frames * FRAME_MS


def _heard(segment: Segment, match: Match | None) -> Heard:
    return Heard(
        text=match.phrase.texts[match.language] if match else UNCLEAR,
        phrase_id=match.phrase.id if match else None,
        language=match.language if match else None,
        started_ms=segment.started_ms,
        ended_ms=segment.ended_ms,
    )


def _runs(quiet: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Return the pauses: (first frame, frame behind the last)."""
    edges = np.flatnonzero(np.diff(np.r_[0, np.array(quiet, int), 0]))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _cuts(quiet: tuple[bool, ...]) -> list[int]:
    """Choose where an utterance may be cut: the middles of its longest pauses."""
    inner = [
        (b - a, (a + b) // 2)
        for a, b in _runs(quiet)
        if a > 0 and b < len(quiet) and b - a >= SHORTEST_INNER_PAUSE
    ]
    return sorted(middle for _, middle in sorted(inner, reverse=True)[:MOST_CUTS])


def _cut_out(segment: Segment, a: int, b: int) -> Segment | None:
    """Return frames a to b of a segment, or None if they are all quiet."""
    loud = [i for i in range(a, b) if not segment.quiet[i]]
    if not loud:
        return None
    return Segment(
        pcm=segment.pcm[a * FRAME : b * FRAME],
        quiet=segment.quiet[a:b],
        first_ms=segment.first_ms + a * FRAME_MS,
        started_ms=segment.first_ms + loud[0] * FRAME_MS,
        ended_ms=segment.first_ms + (loud[-1] + 1) * FRAME_MS,
    )


def _join(before: Segment, after: Segment) -> Segment:
    """Put two segments behind one another with a short pause between."""
    speech_end = (before.ended_ms - before.first_ms) // FRAME_MS + 3
    speech_start = max(0, (after.started_ms - after.first_ms) // FRAME_MS - 3)
    return Segment(
        pcm=np.concatenate(
            [before.pcm[: speech_end * FRAME], after.pcm[speech_start * FRAME :]]
        ),
        quiet=before.quiet[:speech_end] + after.quiet[speech_start:],
        first_ms=before.first_ms,
        started_ms=before.started_ms,
        ended_ms=after.ended_ms,
    )


def _merge_unclear(
    found: list[tuple[int, int, Match | None]],
) -> list[tuple[int, int, Match | None]]:
    """Make one of neighbouring unclear pieces."""
    merged: list[tuple[int, int, Match | None]] = []
    for a, b, match in found:
        if merged and match is None and merged[-1][2] is None:
            merged[-1] = (merged[-1][0], b, None)
        else:
            merged.append((a, b, match))
    return merged

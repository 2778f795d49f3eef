"""Which phrase of the book is this?  Spectral features and dynamic time warping.

An utterance and a template are sequences of cepstra, freed of level and of the
line's colour by normalising each utterance.  Warping is time-synchronous: every
utterance frame moves each template on by 0, 1 or 2 frames, so all templates advance
together as one array, and every path has as many steps as the utterance has frames,
which makes the scores of different templates comparable.

A phrase is accepted only if (1) it is near enough, (2) no other phrase is nearly as
near, and (3) no stretch of it is far off, so that half a phrase, or a sentence that
begins like one, is not taken for it.

It knows one synthesiser's speech.  It is not speech recognition.
"""

import hashlib
import io
import json
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lab.speech.cache import cache_directory, write_atomically
from lab.speech.phrasebook import Phrase, Phrasebook, normalise
from lab.speech.synthesiser import Synthesiser

SAMPLE_RATE_HZ: Final = 8000
WINDOW: Final = 256
"""32 ms."""
HOP: Final = 160
"""20 ms: one telephone frame."""
BAND_HZ: Final = (250.0, 3450.0)
"""What a telephone line passes (300-3400 Hz), with a little margin."""
N_MEL: Final = 12
MEL_WIDTH: Final = 1.3
"""Half width of a filter in filter distances."""
N_CEPSTRA: Final = 6
"""Measured over 11 unseen voices: 6 of 12 wide bands gave three times the margin of
12 of 20 narrow ones, which follow the speaker's pitch instead of the words."""
PREEMPHASIS: Final = 0.9

NOISE_PERCENTILE: Final = 10
"""An utterance comes with silence around it: its quietest frames are the noise."""
NOISE_OVERSUBTRACTION: Final = 2.0
FLOORS: Final = (0.002, 0.01, 0.04, 0.15, 0.5)
"""Mel energies are floored this far below the loud frames (-27 to -3 dB), according
to the noise.  Templates exist for every floor, so that the valleys of noisy speech
and of its template look alike."""
TRIM: Final = 0.015
"""Frames below this share of the loud frames' energy are cut off both ends …"""
TRIM_NOISE: Final = 0.5
"""… and frames below this share of the noise."""

MARGIN: Final = 0.12
"""The runner-up must be this much worse, relative to the best."""
WORST_DISTANCE: Final = (0.45, 0.45, 0.46, 0.47, 0.55)
"""Largest accepted mean distance, per floor.  Right phrases in unseen voices, 95 %:
0.31 (clean) to 0.52 (300 RMS in 200 RMS of noise); unrelated speech: 0.5-0.7."""
STRETCH: Final = 12
"""240 ms: a syllable or two."""
WORST_STRETCH: Final = (0.58, 0.58, 0.60, 0.70, 0.90)
"""Largest accepted mean distance over any stretch, per floor.  Right phrases, 99 %:
0.54 (clean) to 0.90; sentences that differ in a word: 0.6-0.8."""
LENGTH_RATIO: Final = (0.6, 1.7)
"""Utterance frames / template frames: 130-200 words a minute against 150 and 185."""
OPEN_ENDS: Final = 3
"""A path may start or end this many frames inside a template: ends are cut roughly."""

SHORTLIST: Final = 40
"""Templates that are compared at every frame; chosen by comparing every other one,
which costs a quarter."""

TEMPLATES: Final = (("a", 150), ("b", 185))
"""Voice and words per minute of the templates of each phrase and language."""
SHORT_TEXT: Final = 6
SHORT_TEMPLATES: Final = (*TEMPLATES, ("g", 165), ("h", 165))
"""Texts of up to 6 letters have less to be told by: they get more templates."""

Features = NDArray[np.float32]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Match:
    """A recognised phrase, or a candidate for one.

    Attributes:
        phrase: what was said.
        language: in which language (ISO 639-1).
        distance: mean feature distance per frame of the best template.
        margin: how much worse the next candidate is, relative to `distance`.
    """

    phrase: Phrase
    language: str
    distance: float
    margin: float


@cache
def _mel_filters() -> NDArray[np.float64]:
    def mel(hz: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(2595 * np.log10(1 + hz / 700), np.float64)

    low, high = mel(np.array(BAND_HZ))
    spacing = (high - low) / (N_MEL + 1)
    centres = low + spacing * np.arange(1, N_MEL + 1)
    at = mel(np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE_HZ))
    away = np.abs(at[:, None] - centres) / (spacing * MEL_WIDTH)
    return np.asarray(np.maximum(0, 1 - away), np.float64)


@cache
def _cosines() -> NDArray[np.float64]:
    k = np.arange(1, N_CEPSTRA + 1)
    m = np.arange(N_MEL) + 0.5
    return np.asarray(np.cos(np.pi / N_MEL * np.outer(m, k)), np.float64)


class Sound:
    """The spectrum of a recording, from which any part can be described.

    Args:
        pcm: int16, shape (n,), 8 kHz; speech with some silence around it.
    """

    def __init__(self, pcm: NDArray[np.int16]) -> None:
        x = pcm.astype(np.float64)
        x = np.concatenate([x, np.zeros(max(0, WINDOW - len(x)))])
        x[1:] -= PREEMPHASIS * x[:-1]
        windows = sliding_window_view(x, WINDOW)[::HOP] * np.hanning(WINDOW)
        mel = np.abs(np.fft.rfft(windows)) ** 2 @ _mel_filters()
        self._noise = np.percentile(mel, NOISE_PERCENTILE, axis=0)
        self._mel = np.maximum(mel - NOISE_OVERSUBTRACTION * self._noise, 0)

    def part(self, first: int = 0, last: int | None = None) -> "Part | None":
        """Cut out frames and trim what is not speech off both ends.

        Args:
            first: index of the first 20 ms frame.
            last: index behind the last one; None means the end.

        Returns:
            The part, or None when there is no speech in it.
        """
        mel = self._mel[first:last]
        if not len(mel):
            return None
        energy = mel.sum(axis=1)
        loud = float(np.percentile(energy, 90))
        least = max(TRIM * loud, TRIM_NOISE * float(self._noise.sum()))
        heard = np.flatnonzero(energy > least)
        if loud <= 0 or not len(heard):
            return None
        per_band = loud / N_MEL
        return Part(
            mel[heard[0] : heard[-1] + 1] / per_band,
            float(self._noise.max()) / per_band,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of speech.

    Attributes:
        mel: shape (frames, 12), noise removed, relative to the loud frames.
        noise: mean noise in the noisiest band, on the same scale.
    """

    mel: NDArray[np.float64]
    noise: float

    @property
    def floor(self) -> int:
        """Which of FLOORS lies above the noise (else the highest)."""
        fitting = (i for i, floor in enumerate(FLOORS) if floor >= self.noise)
        return next(fitting, len(FLOORS) - 1)

    def features(self, floor: int) -> Features:
        """Describe the speech.

        Args:
            floor: index into FLOORS.

        Returns:
            float32, shape (frames, 12): 6 cepstra and their slopes per 20 ms, each
            with zero mean and unit variance.
        """
        cepstra = np.log(self.mel + FLOORS[floor]) @ _cosines()
        padded = np.pad(cepstra, ((2, 2), (0, 0)), mode="edge")
        slopes = (2 * (padded[4:] - padded[:-4]) + padded[3:-1] - padded[1:-3]) / 10
        both = np.hstack([cepstra, slopes])
        both -= both.mean(axis=0)
        both /= both.std(axis=0) + 1e-3
        return both.astype(np.float32)


class Matcher:
    """Finds the phrase in an utterance; may be used from several threads.

    Args:
        phrasebook: the phrases to know.
        synthesiser: speaks the templates, once; they are kept in the cache.
        cache_dir: where; default: `templates` in the cache directory.
    """

    def __init__(
        self,
        phrasebook: Phrasebook,
        synthesiser: Synthesiser,
        cache_dir: Path | None = None,
    ) -> None:
        self.phrasebook: Final = phrasebook
        self._synthesiser = synthesiser
        self._cache_dir = cache_dir or cache_directory("templates")
        self._lock = threading.Lock()
        self._templates: list[_Templates] | None = None

    def prepare(self) -> None:
        """Make or load the templates now rather than at the first utterance."""
        self._load()

    def match(
        self, pcm: NDArray[np.int16], languages: frozenset[str] | None = None
    ) -> Match | None:
        """Recognise one utterance.

        Args:
            pcm: int16, shape (n,), 8 kHz; one phrase with some silence around it.
            languages: consider only these; default: all.

        Returns:
            The phrase, or None when it is not clear which.
        """
        return self.match_part(Sound(pcm).part(), languages)

    def match_part(
        self, part: Part | None, languages: frozenset[str] | None = None
    ) -> Match | None:
        """Recognise a part of a sound; otherwise as `match`."""
        if part is None:
            return None
        ranked = self._rank(part, languages)
        if not ranked:
            return None
        best, stretch = ranked[0], self._worst_stretch(part, ranked[0])
        is_clear = (
            best.distance <= WORST_DISTANCE[part.floor]
            and best.margin >= MARGIN
            and stretch <= WORST_STRETCH[part.floor]
        )
        return best if is_clear else None

    def candidates(
        self, pcm: NDArray[np.int16], languages: frozenset[str] | None = None
    ) -> list[Match]:
        """Return what it could be, best first, acceptable or not (for measuring)."""
        part = Sound(pcm).part()
        return self._rank(part, languages) if part else []

    def longest_ms(self) -> int:
        """Return the duration of the longest template."""
        return self._load()[0].longest * HOP * 1000 // SAMPLE_RATE_HZ

    def _rank(self, part: Part, languages: frozenset[str] | None) -> list[Match]:
        templates = self._load()[part.floor]
        scores = templates.compare(part.features(part.floor), languages)
        order = sorted(scores.items(), key=lambda item: item[1])
        following = [*(score for _, score in order[1:]), np.inf][: len(order)]
        return [
            Match(
                phrase=self.phrasebook[phrase_id],
                language=language,
                distance=score,
                margin=after / max(score, 1e-6) - 1,
            )
            for ((phrase_id, language), score), after in zip(
                order, following, strict=True
            )
        ]

    def _worst_stretch(self, part: Part, match: Match) -> float:
        utterance = part.features(part.floor)
        key = (match.phrase.id, match.language)
        along = self._load()[part.floor].distances_along_path(utterance, key)
        width = min(STRETCH, len(along))
        return float(np.convolve(along, np.ones(width) / width, "valid").max())

    def _load(self) -> "list[_Templates]":
        with self._lock:
            if self._templates is None:
                self._templates = self._read_or_make()
            return self._templates

    def _read_or_make(self) -> "list[_Templates]":
        wanted = [
            (phrase.id, language, self.phrasebook.reading(text, language), text, *how)
            for phrase in self.phrasebook.phrases
            for language, text in phrase.texts.items()
            for how in (
                SHORT_TEMPLATES if len(normalise(text)) <= SHORT_TEXT else TEMPLATES
            )
        ]
        keys = [(phrase_id, language) for phrase_id, language, *_ in wanted]
        # Another way to describe speech is another file: this module is in the key.
        digest = hashlib.sha256(Path(__file__).read_bytes())
        digest.update(json.dumps(wanted).encode())
        path = self._cache_dir / f"{digest.hexdigest()}.npz"
        try:
            with np.load(path) as file:
                lengths, frames = file["lengths"], file["frames"]
        except FileNotFoundError:
            parts = [
                self._template(text, language, voice, speed)
                for _, language, _, text, voice, speed in wanted
            ]
            lengths = np.array([len(part.mel) for part in parts])
            frames = np.stack(
                [
                    np.concatenate([part.features(floor) for part in parts])
                    for floor in range(len(FLOORS))
                ]
            )
            content = io.BytesIO()
            np.savez(content, lengths=lengths, frames=frames)
            write_atomically(path, content.getvalue())
        return [_Templates(keys, one, lengths) for one in frames]

    def _template(self, text: str, language: str, voice: str, speed_wpm: int) -> Part:
        part = Sound(
            self._synthesiser.speak_8k(text, language, voice, speed_wpm)
        ).part()
        if part is None:
            raise ValueError(f"The synthesiser said nothing for {text!r}.")
        return part


class _Bank:
    """Templates behind one another, with two walls before each.

    A wall is a cell of infinite cost: it keeps paths from leaking into the next
    template when all costs are shifted by one or two cells at once.

    Args:
        templates: features of each, in order of length.
    """

    def __init__(self, templates: list[Features]) -> None:
        wall = np.zeros((2, 2 * N_CEPSTRA), np.float32)
        self.lengths: Final = np.array([len(one) for one in templates])
        self.ends: Final = np.cumsum(self.lengths + 2)
        self.begins: Final = self.ends - self.lengths
        self.frames: Final = np.concatenate(
            [part for one in templates for part in (wall, one)]
        )
        self.squares: Final[NDArray[np.float32]] = (self.frames**2).sum(axis=1)

    def scores(
        self, utterance: Features, chosen: NDArray[np.int64], open_ends: int
    ) -> NDArray[np.float32]:
        """Warp the utterance onto templates.

        Args:
            utterance: features, shape (n, 12).
            chosen: indices of the templates, ascending.
            open_ends: how many frames inside a template a path may start or end.

        Returns:
            Mean distance per utterance frame; infinite where there is no path.
        """
        cells: slice | NDArray[np.int64]
        if len(chosen) == chosen[-1] - chosen[0] + 1:
            cells = slice(int(self.begins[chosen[0]]) - 2, int(self.ends[chosen[-1]]))
        else:
            spans = zip(self.begins[chosen] - 2, self.ends[chosen], strict=True)
            cells = np.concatenate([np.arange(a, b) for a, b in spans])
        ends = np.cumsum(self.lengths[chosen] + 2)
        begins = ends - self.lengths[chosen]
        distances = _distances(utterance, self.frames[cells], self.squares[cells])
        distances[:, np.concatenate([begins - 2, begins - 1])] = np.inf
        cost = np.full(distances.shape[1], np.inf, np.float32)
        for offset in range(open_ends):
            cost[begins + offset] = distances[0, begins + offset]
        spare = np.empty_like(cost)
        for row in distances[1:]:
            np.minimum(cost[1:], cost[:-1], out=spare[1:])
            spare[0] = cost[0]
            np.minimum(spare[2:], cost[:-2], out=spare[2:])
            spare += row
            cost, spare = spare, cost
        best = np.minimum.reduce([cost[ends - 1 - k] for k in range(open_ends)])
        return np.asarray(best / len(utterance), np.float32)


class _Templates:
    """All templates of one floor, at every frame and, to choose by, at every other."""

    def __init__(
        self, keys: list[Key], frames: Features, lengths: NDArray[np.int64]
    ) -> None:
        order = np.argsort(lengths, kind="stable")
        starts = np.cumsum(lengths) - lengths
        sorted_ = [frames[starts[i] :][: lengths[i]] for i in order]
        self._keys = [keys[i] for i in order]
        self._languages = np.array([language for _, language in self._keys])
        self._fine = _Bank(sorted_)
        self._coarse = _Bank([one[::2] for one in sorted_])
        self.longest = int(lengths.max())

    def compare(
        self, utterance: Features, languages: frozenset[str] | None
    ) -> dict[Key, float]:
        """Score the likeliest phrases among those of a possible length.

        Args:
            utterance: features, shape (n, 12).
            languages: consider only these; None means all.

        Returns:
            (phrase id, language) → mean distance per utterance frame.
        """
        n, lengths = len(utterance), self._fine.lengths
        # Templates are sorted by length: the possible ones are one slice.
        low = int(np.searchsorted(lengths, n / LENGTH_RATIO[1]))
        high = int(np.searchsorted(lengths, n / LENGTH_RATIO[0], "right"))
        chosen = np.arange(low, high)
        if languages is not None:
            chosen = chosen[np.isin(self._languages[low:high], sorted(languages))]
        if len(chosen) > SHORTLIST:
            rough = self._coarse.scores(utterance[::2], chosen, OPEN_ENDS - 1)
            chosen = np.sort(chosen[np.argpartition(rough, SHORTLIST)[:SHORTLIST]])
        if not len(chosen):
            return {}
        scores: dict[Key, float] = {}
        exact = self._fine.scores(utterance, chosen, OPEN_ENDS)
        for i, score in zip(chosen, exact, strict=True):
            if np.isfinite(score):
                key = self._keys[i]
                scores[key] = min(float(score), scores.get(key, np.inf))
        return scores

    def distances_along_path(
        self, utterance: Features, key: Key
    ) -> NDArray[np.float32]:
        """Return the distance at each utterance frame on the best path of a phrase.

        Args:
            utterance: features, shape (n, 12).
            key: (phrase id, language); one that `compare` has scored.

        Returns:
            shape (n,); its mean is the phrase's score.
        """
        n, bank = len(utterance), self._fine
        paths = []
        for i in (i for i, other in enumerate(self._keys) if other == key):
            if not n / LENGTH_RATIO[1] <= bank.lengths[i] <= n / LENGTH_RATIO[0]:
                continue
            cells = slice(int(bank.begins[i]), int(bank.ends[i]))
            local = _distances(utterance, bank.frames[cells], bank.squares[cells])
            paths.append(local[np.arange(n), _best_path(local)])
        return min(paths, key=lambda path: float(path.mean()))


def _distances(
    utterance: Features, frames: Features, squares: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the distance of every utterance frame to every template frame."""
    all_pairs: NDArray[np.float32] = squares - 2 * (utterance @ frames.T)
    all_pairs += (utterance**2).sum(axis=1)[:, None]
    np.maximum(all_pairs, 0, out=all_pairs)
    np.sqrt(all_pairs, out=all_pairs)
    # Two independent frames of unit variance are 1 apart.
    all_pairs /= np.sqrt(np.float32(2 * utterance.shape[1]))
    return all_pairs


def _best_path(local: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return which template frame belongs to each utterance frame."""
    n, length = local.shape
    cost = np.full((n, length + 2), np.inf, np.float32)
    cost[0, 2 : 2 + OPEN_ENDS] = local[0, :OPEN_ENDS]
    moves = np.zeros((n, length), np.int64)
    for i in range(1, n):
        before = np.stack(
            [cost[i - 1, 2 - move : length + 2 - move] for move in range(3)]
        )
        moves[i] = before.argmin(axis=0)
        cost[i, 2:] = before.min(axis=0) + local[i]
    first_end = max(0, length - OPEN_ENDS)
    path = np.empty(n, np.int64)
    path[-1] = first_end + int(cost[-1, 2 + first_end :].argmin())
    for i in range(n - 1, 0, -1):
        path[i - 1] = path[i] - moves[i, path[i]]
    return path

"""One telephone line's echo canceller: what was said, out of what is heard.

Theory of operation.  Each tick brings 20 ms of the line and the 20 ms that the
telephone plays meanwhile.  The canceller is in one of four modes:

    mode    when                                       what comes out
    PASS    nothing that could echo is played, or the  the line, bit for bit, at once
            line has no echo
    HOLD    something is played and the echo's delay   comfort noise; the line is kept
            is not known, or not any more
    REPLAY  the delay has just been found: what was    what was said meanwhile, late;
            held trains the filter and is then         comfort noise while there is
            cleaned, some frames a tick                nothing yet
    ACTIVE  something is played and the echo is known  the cleaned line, 80 ms late, or
                                                       comfort noise in its place

    PASS -> HOLD -> REPLAY -> ACTIVE -> PASS; HOLD -> PASS where there is no echo;
    ACTIVE -> REPLAY when the delay slips; ACTIVE -> HOLD when the path seems another.
    HOLD -> REPLAY as well when the path is the old one after all, at another delay.

Every frame of the line is accounted for exactly once: delivered (cleaned, or as comfort
noise where only echo was heard), replaced by the filler that was given in its place, or
reported lost.  No clock, no I/O.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.audio.echo.config import (
    HISTORY_MARGIN,
    MAX_ECHO_SAMPLES,
    SAMPLES_PER_MS,
    EchoConfig,
)
from realtime.audio.echo.delay import (
    LEAST_SLIP,
    SLIP_RANGE,
    SLIP_WINDOW,
    DelayEstimator,
    Slip,
    find_slip,
)
from realtime.audio.echo.filter import BINS, BLOCK, KalmanFilter
from realtime.audio.echo.fourier import (
    Floats,
    constant,
    power_of,
    spectrum,
    to_pcm,
)
from realtime.audio.echo.history import History, Samples
from realtime.audio.echo.spectrum import WINDOW, ComfortNoise, NoiseFloor
from realtime.audio.echo.suppress import Block, Suppressor
from realtime.audio.g711 import FRAME_MS, FRAME_SAMPLES

N: Final = FRAME_SAMPLES
FILLER: Final = -1
"""Position of a frame that stands for no frame of the line."""

_LEAST_FAR_POWER: Final = BINS * BLOCK * 180.0
"""13 RMS of reference under the filter: something may be echoing."""
_ASTRAY: Final = 4.0
"""A path that is merely wrong, as after a slip, leaves twice what is heard."""
_LEAST_ASTRAY: Final = N * 2500.0
"""An error of 50 RMS, smoothed over ten frames."""
_IDLE_NOISE_EVERY: Final = 4
_FAR_DECAY: Final = constant(0.5)
"""Of what may be echoing, per frame: a path longer than the filter."""
_ONES: Final = np.ones(BINS, np.float32)
_RISE, _FALL = WINDOW[:N], WINDOW[N:]
_NEW_DELAY: Final = 8 * SAMPLES_PER_MS
"""A found delay that differs by more is another path."""


class Mode(StrEnum):
    PASS = "pass"  # noqa: S105 -- no password
    HOLD = "hold"
    REPLAY = "replay"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms that come out.

    Attributes:
        position: which frame of the line it is, counted from 0, or FILLER.
        pcm: int16, shape (160,).
        is_speech: somebody may be speaking in it: the line itself or cleaned near end;
            False for comfort noise.
    """

    position: int
    pcm: Samples
    is_speech: bool


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What one tick gives.

    Attributes:
        frames: in the order of the line; none, one, or several.
        mode: the canceller's mode after this tick.
        is_double_talk: the near end speaks under our playback.
        lost_ms: sound that had to be given up in this tick, never cleaned.
        held_ms: sound of the line that has not come out yet.
    """

    frames: list[Frame]
    mode: Mode
    is_double_talk: bool
    lost_ms: int
    held_ms: int


@dataclass(slots=True)
class _Waiting:
    """A frame and the two blocks that share it."""

    position: int
    before: Block
    block: Block
    keep: bool
    is_far: bool
    pcm: Samples | None = None
    """Once it was wanted."""


class EchoCanceller:
    """Removes the echo of what is played from what is heard.

    Args:
        config: thresholds; the defaults are what was measured.
    """

    def __init__(self, config: EchoConfig | None = None) -> None:
        c = self._config = config or EchoConfig()
        self._hold_frames = c.hold_ms // FRAME_MS
        kept = c.hold_ms * SAMPLES_PER_MS
        self._heard = History(kept + 4 * N)
        self._played = History(kept + MAX_ECHO_SAMPLES + HISTORY_MARGIN)
        self._n = 0
        """Frames heard; the newest has position n - 1."""
        self._runs: deque[list[int]] = deque()
        """Stretches of audible playback: first frame and the one behind the last."""

        self.mode = Mode.PASS
        self._delay: int | None = None
        self._last_delay: int | None = None
        self._is_free = False
        self._n_quiet = 0
        self._estimator = DelayEstimator(c)
        self._floor = NoiseFloor()
        self._comfort = ComfortNoise()
        self._filter = KalmanFilter(c)
        self._suppressor = Suppressor(c, self._floor, self._comfort)
        self._far = np.zeros(BINS, np.float32)
        self._echo = np.zeros(N, np.float32)
        self._block: Block | None = None
        self._weights = np.array(
            [0.7, 1.0, *(0.4**p for p in range(1, c.partitions - 1))], np.float32
        )

        self._first = 0
        """Oldest frame that has not come out yet."""
        self._cursor = 0
        """Next frame for the filter."""
        self._clean_from = 0
        """Cleaned frames are wanted from here on."""
        self._train_to = 0
        self._waiting: deque[_Waiting] = deque()
        self._active: deque[bool] = deque(maxlen=self._hold_frames)
        self._worth_until = 0
        self._slips: list[int] = []
        self._error_energy = self._heard_energy = 0.0
        self._doubt_frames = 0
        """For so long nothing comes out, to see whether the echo has moved."""

        self.n_locks = 0
        self.n_slips = 0
        self.lost_ms = 0
        """Sum over the call."""

    @property
    def delay_ms(self) -> float | None:
        """The echo's bulk delay, or None while none is known."""
        return None if self._delay is None else self._delay / SAMPLES_PER_MS

    # --- One tick --------------------------------------------------------------------

    def process(self, heard: Samples, played: Samples) -> Cleaned:
        """Take 20 ms.

        Args:
            heard: the line, int16, shape (160,), decoded from mu-law.
            played: what the telephone plays in the same 20 ms, likewise; silence is
                zeros.

        Returns:
            the frames that are ready, and how things stand.
        """
        self._heard.append(heard)
        self._played.append(played)
        position = self._n
        self._n += 1
        self._note_played(played, position)
        lost_before = self.lost_ms
        frames: list[Frame]
        match self.mode:
            case Mode.PASS:
                frames = self._pass(position, heard)
            case Mode.HOLD:
                frames = self._hold(position, heard)
            case Mode.REPLAY:
                frames = self._replay()
            case Mode.ACTIVE:
                frames = self._run(position)
        return Cleaned(
            frames,
            self.mode,
            self.mode is Mode.ACTIVE
            and any(w.keep and w.is_far for w in self._waiting),
            self.lost_ms - lost_before,
            (self._n - self._first) * FRAME_MS,
        )

    def _pass(self, position: int, heard: Samples) -> list[Frame]:
        if self._delay is not None:
            if self._may_echo(position):
                self.mode = Mode.ACTIVE
                self._first = position
                self._begin(position)
                return self._run(position)
        elif self._may_echo_somewhere(position):
            self._watch_noise(position, _IDLE_NOISE_EVERY if self._is_free else 1)
            is_active = not self._is_free and self._is_active(heard)
            self._look(position)
            if self._found(position) or self._must_hold(is_active):
                if self.mode is Mode.PASS:
                    self.mode = Mode.HOLD
                self._first = position
                self._active.clear()
                self._active.append(is_active)
                if self.mode is Mode.REPLAY:
                    self._begin_training(position)
                return [self._filler()]
        else:
            self._watch_noise(position, 1 if position < 8 else _IDLE_NOISE_EVERY)
        self._first = position + 1
        return [Frame(position, heard, True)]

    def _must_hold(self, is_active: bool) -> bool:
        """Say whether a frame may hold an echo that is worth holding it back."""
        if self._is_free:
            return self._estimator.is_likely
        if is_active:
            return True
        self._n_quiet += 1
        self._is_free = self._n_quiet >= self._config.free_after_quiet_frames
        return False

    # --- Holding ---------------------------------------------------------------------

    def _hold(self, position: int, heard: Samples) -> list[Frame]:
        self._watch_noise(position, 1)
        if len(self._active) == self._hold_frames:
            self._give_up()
        self._active.append(self._is_active(heard))
        if (
            self._last_delay is not None
            and position % self._config.slip_every_frames_held == 0
            and self._follow_slip(self._last_delay)
        ):
            return self._replay()
        self._look(position)
        if self._found(position):
            self._begin_training(self._first)
            return self._replay()
        is_over = not self._may_echo_somewhere(position)
        if is_over or self._estimator.n_fruitless >= self._config.free_after_looks:
            likely = self._estimator.likely_delay() if is_over else None
            if likely is None:
                # A line that had an echo is not taken to have none: with the delay of
                # before, the near-end guard at least knows when to expect it.
                likely = self._last_delay
            if likely is not None:
                self._lock(likely)
                self._begin_training(self._first)
                return self._replay()
            self._is_free = self._is_free or not is_over
            return self._release(position)
        return [self._filler()]

    def _give_up(self) -> None:
        """The oldest held frame leaves: nothing can be done for it any more."""
        if self._active.popleft():
            self.lost_ms += FRAME_MS
        self._first += 1

    def _release(self, position: int) -> list[Frame]:
        """There is no echo: hand out what was held, as far as it is more than noise."""
        worth = np.array(self._active)
        reach = self._config.hang_frames
        near = np.convolve(worth, np.ones(2 * reach + 1))[reach:] > 0
        frames = [
            Frame(p, self._heard.read(p * N, p * N + N).copy(), True)
            for p, is_near in zip(
                range(self._first, position + 1), near.tolist(), strict=False
            )
            if is_near
        ]
        self._first = position + 1
        self._active.clear()
        self.mode = Mode.PASS
        return frames or [self._filler()]

    def _lock(self, delay: int) -> None:
        self._delay = self._last_delay = delay
        self._is_free = False
        self._n_quiet = 0
        self.n_locks += 1
        self._filter.reset(self._loudness_ratio())
        self._suppressor.reset_leak()
        self._suppressor.monitor.reset()
        self._slips.clear()
        self.mode = Mode.REPLAY

    def _loudness_ratio(self) -> float:
        """Compare the last second of the line with what may be echoing in it."""
        c = self._config
        start = max(0, self._n - 50)
        heard = self._heard.read(start * N, self._n * N).astype(np.float32)
        played = self._reference(start, self._n - start).astype(np.float32)
        ratio = float(heard @ heard) / (float(played @ played) + 1.0)
        return min(c.first_uncertainty, max(c.least_uncertainty, ratio))

    # --- Replaying -------------------------------------------------------------------

    def _begin_training(self, first: int) -> None:
        """Go through what was heard last, as often as it takes to learn the path."""
        oldest = max(0, self._n - self._hold_frames)
        # At least a second, also from before the hold, if it is there.
        self._train_from = max(oldest, min(first, self._n - 50))
        self._train_to = self._n
        self._begin(self._train_from)

    def _begin_replay(self, first: int) -> None:
        """Clean what was held, from this frame on."""
        self._train_to = 0
        self._worth_until = 0
        self._begin(max(0, first - 1))

    def _replay(self) -> list[Frame]:
        """Work off some frames of what was held."""
        frames: list[Frame] = []
        for _ in range(self._config.replay_frames_per_tick):
            if self._train_to and self._cursor >= self._train_to:
                if self._suppressor.n_learned < self._config.training_frames:
                    # Time has passed: what was oldest may be gone.
                    oldest = self._n - self._hold_frames
                    self._begin(max(self._train_from, oldest))
                else:
                    self._begin_replay(self._first)
            self._advance()
            if self._train_to:
                self._waiting.clear()
            else:
                frames += self._from_waiting(is_late=True)
            if self._cursor >= self._n:
                break
        if self._cursor >= self._n and not self._train_to:
            self.mode = Mode.ACTIVE
            self._active.clear()
        self._never_too_far_behind()
        return frames or [self._filler()]

    def _never_too_far_behind(self) -> None:
        """What leaves the history can not be cleaned any more."""
        oldest = self._n - self._hold_frames
        if self._first < oldest:
            self.lost_ms += (oldest - self._first) * FRAME_MS
            self._first = oldest
            if not self._train_to and self._cursor < oldest:
                self._begin_replay(oldest)

    # --- Cancelling ------------------------------------------------------------------

    def _run(self, position: int) -> list[Frame]:
        """Clean the newest frame."""
        self._advance()
        self._look(position)
        if self._is_another_delay():
            return self._relearn()
        monitor = self._suppressor.monitor
        if self._doubt_frames:
            seen = min(monitor.gamma, monitor.gamma_now)
            is_there = seen >= self._config.doubtful_gamma
            self._doubt_frames = 0 if is_there else self._doubt_frames - 1
        elif self._is_doubtful_opening():
            self._doubt_frames = self._config.doubt_frames
        if monitor.n_bad or self._doubt_frames or self._is_due(position):
            assert self._delay is not None  # noqa: S101 -- only called when locked
            if self._follow_slip(self._delay):
                return self._replay()
            if monitor.has_collapsed:
                return self._relearn()
        frames = [] if self._doubt_frames else self._from_waiting()
        if not self._may_echo(position):
            # The frame before is complete only now; this one goes out as it is.
            frames += self._flush()
            frames.append(
                Frame(
                    position, self._heard.read(position * N, self._n * N).copy(), True
                )
            )
            self._first = position + 1
            self.mode = Mode.PASS
        return frames

    def _is_due(self, position: int) -> bool:
        """Say whether to look for a slip of a path that never did well.

        It was met in double talk, or shortly before the echo moved.
        """
        c, monitor = self._config, self._suppressor.monitor
        return (
            position % c.slip_every_frames == 0
            and monitor.health <= 0.7
            and monitor.gamma < c.lost_gamma
            and monitor.sigma < 0.3
        )

    def _is_doubtful_opening(self) -> bool:
        """Say whether what seems to be the near end may be an echo that moved."""
        waiting, monitor = self._waiting, self._suppressor.monitor
        return (
            len(waiting) > 1
            and waiting[-1].keep
            and waiting[-1].is_far
            and not waiting[-2].keep
            and monitor.health > 0.6
            and min(monitor.gamma, monitor.gamma_now) < self._config.doubtful_gamma
        )

    def _advance(self) -> None:
        """Put the next frame through filter and suppressor."""
        position = self._cursor
        self._cursor += 1
        start = position * N
        both = self._heard.read(start - N, start + N)
        heard = both[N:].astype(np.float32)
        echo = self._filter.predict(heard, self._reference(position - 1, 2))
        self._reset_if_astray(echo)
        rows = np.empty((3, BLOCK), np.float32)
        rows[0, :N] = 0
        np.subtract(heard, echo, out=rows[0, N:])
        np.multiply(self._echo, _RISE, out=rows[1, :N])
        np.multiply(echo, _FALL, out=rows[1, N:])
        np.multiply(both, WINDOW, out=rows[2])
        self._echo = echo
        spectra = spectrum(rows, BLOCK)
        # A path that is known well is followed with half the work.
        is_even = position % 2 == 0
        if is_even or not (
            self._filter.is_settled and self._suppressor.monitor.is_well
        ):
            self._filter.learn(spectra[0])
        far = self._far
        far *= _FAR_DECAY
        np.maximum(far, self._weights @ self._filter.far_power, out=far)
        is_far = float(far.dot(_ONES)) > _LEAST_FAR_POWER
        gain = self._filter.gain
        block = self._suppressor.process(
            spectra[1:],
            far if is_far else None,
            gain.variance / gain.gain**2,
            learn=not is_even,
        )
        before, self._block = self._block, block
        if before is not None and position - 1 >= self._clean_from:
            self._waiting.append(
                _Waiting(position - 1, before, block, block.near or not is_far, is_far)
            )

    def _reset_if_astray(self, echo: Floats) -> None:
        """Start anew where the prediction adds more than it takes away."""
        error, heard = self._filter.error_energy, self._filter.heard_energy
        self._error_energy += 0.1 * (error - self._error_energy)
        self._heard_energy += 0.1 * (heard - self._heard_energy)
        if self._error_energy > max(_ASTRAY * self._heard_energy, _LEAST_ASTRAY):
            self._filter.reset(self._config.first_uncertainty)
            echo[:] = 0
            self._error_energy = 0.0

    def _from_waiting(self, *, is_late: bool = False) -> list[Frame]:
        """Take out what has waited long enough for the guard to look back at it."""
        frames: list[Frame] = []
        while len(self._waiting) > self._config.look_back_frames:
            frames += self._take(is_late=is_late)
        return frames

    def _take(self, *, is_late: bool = False) -> Iterable[Frame]:
        reach = self._config.look_back_frames + 1
        keep = any(w.keep for w in islice(self._waiting, reach))
        frame = self._waiting.popleft()
        self._first = frame.position + 1
        if is_late and not self._is_worth(frame, keep):
            return []
        pcm = self._sound(frame) if keep else self._comfort.frame(self._floor)
        return [Frame(frame.position, pcm, keep)]

    def _sound(self, frame: _Waiting) -> Samples:
        """Make the sound of a frame: only few of them are let out."""
        if frame.pcm is None:
            wave = self._suppressor.render(frame.before, frame.block)
            frame.pcm = to_pcm(wave)
        return frame.pcm

    def _is_worth(self, frame: _Waiting, keep: bool) -> bool:
        """Say whether a late frame must come out although filler stood for it."""
        if not keep:
            return False
        if any(w.keep and w.is_far for w in (frame, *self._waiting)):
            return True
        if any(self._is_active(self._sound(w)) for w in (frame, *self._waiting)):
            self._worth_until = frame.position + self._config.hang_frames
        return frame.position <= self._worth_until

    def _flush(self) -> list[Frame]:
        frames: list[Frame] = []
        while self._waiting:
            frames += self._take()
        return frames

    def _begin(self, position: int) -> None:
        """Let the filter go on at this frame, wherever it was."""
        self._doubt_frames = 0
        self._cursor = position
        self._clean_from = self._first
        self._waiting.clear()
        n = self._config.partitions
        self._filter.load(self._reference(position - n - 1, n + 1).astype(np.float32))
        self._far[:] = 0
        self._echo = np.zeros(N, np.float32)
        self._block = None
        self._suppressor.restart()

    def _reference(self, position: int, n_frames: int) -> Samples:
        """Return what may be echoing in these frames, by the delay found."""
        assert self._delay is not None  # noqa: S101 -- only called when locked
        start = position * N - self._offset
        return self._played.read(start, start + n_frames * N)

    @property
    def _offset(self) -> int:
        """By how much the reference is delayed, in samples."""
        assert self._delay is not None  # noqa: S101 -- only called when locked
        return self._offset_of(self._delay)

    def _offset_of(self, delay: int) -> int:
        return max(0, delay - self._config.head_ms * SAMPLES_PER_MS)

    # --- The delay changes -----------------------------------------------------------

    def _follow_slip(self, delay: int) -> bool:
        """Look whether the known path fits again, with the echo earlier or later.

        Args:
            delay: the one that was known before.

        Returns:
            whether it does; what was heard since is then worked off anew.
        """
        slip = self._look_for_slip(delay)
        is_held = self.mode is Mode.HOLD
        if slip is None or (abs(slip.shift) < LEAST_SLIP and not is_held):
            return False
        if not self._is_sure(slip):
            return False
        moved = delay + slip.shift
        if moved < self._config.head_ms * SAMPLES_PER_MS:
            return False
        self.n_slips += 1
        self._slips.clear()
        self._delay = self._last_delay = moved
        self._suppressor.monitor.forgive()
        self._estimator.reset()
        since = self._first
        if not is_held:
            since = max(since, self._n - 1 - slip.age // N)
        kept = [w for w in self._waiting if w.position < since]
        self.mode = Mode.REPLAY
        self._begin_replay(since)
        self._waiting.extend(kept)
        self._clean_from = since
        return True

    def _look_for_slip(self, delay: int) -> Slip | None:
        path, offset = self._filter.path, self._offset_of(delay)
        end = self._n * N
        begin = end - SLIP_WINDOW - offset - len(path) - SLIP_RANGE
        stop = end - offset + SLIP_RANGE
        played = np.zeros(stop - begin, np.float32)
        known = min(stop, self._played.end)
        played[: known - begin] = self._played.read(begin, known)
        heard = self._heard.read(end - SLIP_WINDOW, end).astype(np.float32)
        return find_slip(heard, played, path)

    def _is_sure(self, slip: Slip) -> bool:
        """Say whether a slip is what it seems: clear, or seen more than once."""
        agrees = any(abs(s - slip.shift) <= 2 for s in self._slips)
        self._slips = [*self._slips, slip.shift][-3:]
        # Held although nothing has moved: then here is where it must match.
        is_here = abs(slip.shift) < LEAST_SLIP
        better = 1.0 if is_here else slip.match - max(0.0, slip.match_here)
        return (slip.match > 0.5 and better > 0.2) or (
            agrees and slip.match > 0.3 and better > 0.15
        )

    def _is_another_delay(self) -> bool:
        if self._suppressor.monitor.is_well:
            return False
        found = self._estimator.delay(self._config.delay_votes_locked)
        assert self._delay is not None  # noqa: S101 -- only called when locked
        return found is not None and abs(found - self._delay) > _NEW_DELAY

    def _relearn(self) -> list[Frame]:
        """The path seems another: hold until it is found again, or its delay."""
        self._delay = None
        self._estimator.reset()
        # These ticks gave nothing yet, and what they heard may never be worth it.
        fillers = [self._filler() for _ in self._waiting]
        self._waiting.clear()
        self._active.clear()
        for p in range(self._first, self._n):
            self._active.append(self._is_active(self._heard.read(p * N, p * N + N)))
        self.mode = Mode.HOLD
        return [*fillers, self._filler()]

    def _look(self, position: int) -> None:
        c = self._config
        is_well = self._delay is not None and self._suppressor.monitor.is_well
        every = c.delay_every_frames
        if is_well:
            every = c.delay_every_frames_locked
        elif self._is_free and self.mode is Mode.PASS:
            every *= 2
        if position % every == 0:
            self._estimator.look(self._heard, self._played, self._n * N)

    def _found(self, position: int) -> bool:
        delay = self._estimator.delay(self._config.delay_votes, sure=not self.n_locks)
        if delay is None:
            return False
        self._lock(delay)
        return True

    # --- Levels ----------------------------------------------------------------------

    def _is_active(self, heard: NDArray[np.generic]) -> bool:
        """Say whether a frame is more than the line's noise."""
        c = self._config
        x = heard.astype(np.float32)
        limit = max(c.active_ratio * self._floor.level, c.least_active_power)
        return float(x @ x) > limit * N

    def _watch_noise(self, position: int, every: int) -> None:
        if position % every or not position:
            return
        block = self._heard.read((position - 1) * N, (position + 1) * N)
        self._floor.push(power_of(spectrum(block * WINDOW, 2 * N)))

    def _filler(self) -> Frame:
        return Frame(FILLER, self._comfort.frame(self._floor), False)

    # --- What is played --------------------------------------------------------------

    def _note_played(self, played: Samples, position: int) -> None:
        runs = self._runs
        if int(np.abs(played).max()) > self._config.audible_played_peak:
            if runs and runs[-1][1] >= position - self._config.tail_frames:
                runs[-1][1] = position + 1
            else:
                runs.append([position, position + 1])
        oldest = position - MAX_ECHO_SAMPLES // N - self._span
        while runs and runs[0][1] < oldest:
            runs.popleft()

    @property
    def _span(self) -> int:
        """Frames over which one sound may echo, from its delay on."""
        return self._config.partitions + self._config.tail_frames

    def _may_echo(self, position: int) -> bool:
        """Say whether anything played may be echoing in a frame."""
        newest = position + 1 - self._offset // N
        oldest = newest - 2 - self._span
        for first, last in reversed(self._runs):
            if first < newest:
                return last > oldest
        return False

    def _may_echo_somewhere(self, position: int) -> bool:
        """The same for any delay."""
        earliest = self._config.least_delay_frames
        return any(first + earliest <= position for first, _ in self._runs)

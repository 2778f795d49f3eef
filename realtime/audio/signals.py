"""Tones that mean something after pickup: a beep, a fax machine, a dead number, busy.

Each 20 ms the strongest line of the last 40 ms is looked for.  Where it holds nearly
all power, keeps its frequency and its level, it is a tone; what it means is told by its
frequency, its length, and what follows:

    BEEP     one tone of 0.15 to 2 s, then quiet: speak now
    FAX      2100 Hz for 1 s (CED, ITU-T T.30), or 1100 Hz, 0.5 s on and 3 s off (CNG)
    SPECIAL  950, 1400, 1800 Hz, a third of a second each (ITU-T E.180): no such number
    BUSY     a call progress tone, on and off in equal parts, three times

Two tones at once (ringing, keys, busy) beat against each other or lie side by side, so
they are no single tone; busy is told by its rhythm alone.  Voices never hold one line
so still, nor do instruments for long.  Asked only while it is open who answered.
"""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from realtime.config import FRAME_MS, LINE_HZ

_SPAN: Final = 320
"""40 ms: a line is 50 Hz wide, and a tone of 140 ms still fills five of them."""
_FFT: Final = 512
_HZ_PER_BIN: Final = LINE_HZ / _FFT
_WINDOW: Final = np.hanning(_SPAN).astype(np.float32)
_HUM: Final = int(200 / _HZ_PER_BIN)
"""Mains hum is no part of any signal."""
_BAND: Final = slice(int(250 / _HZ_PER_BIN), int(3600 / _HZ_PER_BIN))
_HALF_LINE: Final = 4
"""Bins to each side of a line's centre that belong to it (Hann: two bins of 25 Hz)."""

LEAST_RMS: Final = 60.0
"""-55 dBov: beeps are as loud as speech, and mu-law's own noise is below."""
PURE: Final = 0.85
"""Share of power in the line: 10 dB above noise that fills the band leaves 0.91."""
STEADY_HZ: Final = 12.0
"""From frame to frame a tone keeps its frequency; the estimate itself errs by 3 Hz."""
STEADY_RATIO: Final = 1.4
"""And its level, to 3 dB: the AM of a fax's answer (V.8) is 1.2."""
QUIET_RATIO: Final = 0.35
"""After a beep the line is quiet: 9 dB below it at least."""

BEEP_MS: Final = (120, 2000)
GAP_MS: Final = 100
"""So long after a tone it is known that nothing follows it."""
PROGRESS_HZ: Final = (380.0, 520.0)
"""Call progress tones (E.180: 400 to 450 Hz, and two of 350 to 480 as one) ..."""
PROGRESS_GAP_MS: Final = 700
"""... repeat within this when they mean busy, so such a beep is told later ..."""
PROGRESS_BEEP_MS: Final = 700
"""... and is shorter than ringing, which is 1 s at least where it has one line."""
CED_HZ: Final = (2070.0, 2130.0)
CED_MS: Final = 1000
CNG_HZ: Final = (1060.0, 1140.0)
"""1100 +-38 Hz."""
CNG_MS: Final = (400, 600)
CNG_GAP_MS: Final = (2600, 3500)
SPECIAL_HZ: Final = ((900.0, 1000.0), (1350.0, 1450.0), (1750.0, 1830.0))
SPECIAL_MS: Final = (240, 420)
_BUSY_MS: Final = (200, 800)
_BUSY_TIMES: Final = 3
_BUSY_HZ: Final = (330.0, 640.0)


class Signal(StrEnum):
    """What a tone means."""

    BEEP = "beep"
    FAX = "fax"
    SPECIAL = "special"
    BUSY = "busy"


class _Run:
    """A stretch of one tone."""

    def __init__(self, hz: float, rms: float, at_ms: int) -> None:
        self.hz, self.rms = hz, rms
        self.began_ms = at_ms
        self.n = 1
        self.has_moved = False

    def takes(self, hz: float, rms: float) -> bool:
        """Say whether a frame belongs to the same tone, and add it."""
        ratio = rms / self.rms
        if abs(hz - self.hz) > STEADY_HZ or not 1 / STEADY_RATIO < ratio < STEADY_RATIO:
            return False
        self.n += 1
        self.hz += (hz - self.hz) / self.n
        self.rms += (rms - self.rms) / self.n
        return True


class SignalDetector:
    """Find tones in the telephone's sound, frame by frame."""

    def __init__(self) -> None:
        self._past: NDArray[np.float32] = np.zeros(_SPAN, np.float32)
        self._now_ms = 0
        self._run: _Run | None = None
        self._ended: tuple[float, int, int, float] | None = None
        """Hz, ms, when, and RMS of a tone that may have been a beep."""
        self._cng_ms = self._progress_ms = -10_000
        self._n_special = 0
        self._special_ms = 0
        self._edges: list[int] = []
        self._is_on = False

    def push(self, pcm: NDArray[np.int16]) -> Signal | None:
        """Take the next 20 ms.

        Args:
            pcm: int16, shape (160,), 8 kHz.

        Returns:
            what has become clear with them.  A beep is told 100 ms after its end
            (700 ms where it might be the beginning of a busy tone).
        """
        self._now_ms += FRAME_MS
        x = pcm.astype(np.float32)
        self._past = np.concatenate([self._past[len(x) :], x])
        rms = float(np.sqrt(np.mean(np.square(self._past))))
        hz, first, second = lines(self._past) if rms >= LEAST_RMS else (0.0, 0.0, 0.0)
        is_low = _BUSY_HZ[0] <= hz <= _BUSY_HZ[1]
        busy = self._mind_rhythm(is_on=is_low and first + second >= PURE)
        found = self._mind_tone(hz if first >= PURE else None, rms)
        return busy or found

    def _mind_tone(self, hz: float | None, rms: float) -> Signal | None:
        run = self._run
        if run is not None and hz is not None and run.takes(hz, rms):
            ms = run.n * FRAME_MS
            if CED_HZ[0] <= run.hz <= CED_HZ[1] and ms == CED_MS:
                return Signal.FAX
            return None
        self._run = None if hz is None else _Run(hz, rms, self._now_ms)
        if run is not None and run.n > 2:
            # Windows that lie within it; two frames long, so that one more is heard.
            found = self._end(run.hz, run.n * FRAME_MS, run.rms)
            if found is not None:
                return found
        return self._mind_beep(rms)

    def _end(self, hz: float, ms: int, rms: float) -> Signal | None:
        """A tone has ended."""
        since_ms = self._now_ms - ms
        if CNG_HZ[0] <= hz <= CNG_HZ[1] and CNG_MS[0] <= ms <= CNG_MS[1]:
            gap_ms = since_ms - self._cng_ms
            self._cng_ms = self._now_ms
            if CNG_GAP_MS[0] <= gap_ms <= CNG_GAP_MS[1]:
                self._ended = None
                return Signal.FAX
        if self._is_next_special(hz, ms, since_ms):
            self._n_special += 1
            self._special_ms = self._now_ms
            self._ended = None
            if self._n_special == len(SPECIAL_HZ):
                self._n_special = 0
                return Signal.SPECIAL
            return None
        self._n_special = 0
        is_beep = BEEP_MS[0] <= ms <= BEEP_MS[1]
        is_beep = is_beep and not CED_HZ[0] <= hz <= CED_HZ[1]
        if PROGRESS_HZ[0] <= hz <= PROGRESS_HZ[1]:
            is_again = since_ms - self._progress_ms <= PROGRESS_GAP_MS + 3 * FRAME_MS
            self._progress_ms = self._now_ms
            is_beep = is_beep and ms <= PROGRESS_BEEP_MS and not is_again
        self._ended = (hz, ms, self._now_ms, rms) if is_beep else None
        return None

    def _is_next_special(self, hz: float, ms: int, since_ms: int) -> bool:
        low, high = SPECIAL_HZ[self._n_special]
        follows = not self._n_special or since_ms - self._special_ms <= 3 * FRAME_MS
        return low <= hz <= high and SPECIAL_MS[0] <= ms <= SPECIAL_MS[1] and follows

    def _mind_beep(self, rms: float) -> Signal | None:
        """Tell of a beep once nothing has followed it."""
        if self._n_special and self._now_ms - self._special_ms >= GAP_MS:
            is_alone = self._n_special == 1
            self._n_special = 0
            if is_alone and rms < LEAST_RMS * 4:
                # 950 Hz with nothing after it is an ordinary beep.
                self._ended = None
                return Signal.BEEP
        if self._ended is None:
            return None
        hz, ms, ended_ms, was_rms = self._ended
        if self._now_ms - ended_ms >= FRAME_MS * 2 and rms > was_rms * QUIET_RATIO:
            self._ended = None  # music, or speech: a beep is followed by quiet
            return None
        is_progress = PROGRESS_HZ[0] <= hz <= PROGRESS_HZ[1]
        is_cng = CNG_HZ[0] <= hz <= CNG_HZ[1] and CNG_MS[0] <= ms <= CNG_MS[1]
        wait_ms = PROGRESS_GAP_MS if is_progress else GAP_MS
        wait_ms = CNG_GAP_MS[1] if is_cng else wait_ms
        if self._now_ms - ended_ms < wait_ms:
            return None
        self._ended = None
        return Signal.BEEP

    def _mind_rhythm(self, *, is_on: bool) -> Signal | None:
        """Follow a tone that goes on and off; also one of two lines."""
        if is_on == self._is_on:
            if self._edges and self._now_ms - self._edges[-1] > _BUSY_MS[1]:
                self._edges.clear()
            return None
        self._is_on = is_on
        self._edges.append(self._now_ms)
        spans = np.diff(self._edges[-2 * _BUSY_TIMES :])
        if len(spans) < 2 * _BUSY_TIMES - 1:
            return None
        is_even = spans.max() - spans.min() <= 4 * FRAME_MS
        if not is_even or not _BUSY_MS[0] <= spans.mean() <= _BUSY_MS[1]:
            return None
        self._edges.clear()
        self._ended = None
        return Signal.BUSY


def lines(sound: NDArray[np.float32]) -> tuple[float, float, float]:
    """Find the two strongest lines of a stretch of sound.

    Args:
        sound: shape (320,), 8 kHz.

    Returns:
        the strongest one's frequency in Hz, and the shares of all power that it and
        the next one have, 0 to 1.
    """
    spectrum = np.fft.rfft(sound * _WINDOW, _FFT)
    power: NDArray[np.float64] = spectrum.real**2 + spectrum.imag**2
    total = float(power[_HUM:].sum()) + 1e-12
    at = int(np.argmax(power[_BAND])) + _BAND.start
    left, top, right = np.sqrt(power[at - 1 : at + 2])
    bend = float(left - 2 * top + right)
    offset = 0.5 * float(left - right) / bend if bend else 0.0
    first = _take_line(power, at)
    second = _take_line(power, int(np.argmax(power[_BAND])) + _BAND.start)
    return (at + offset) * _HZ_PER_BIN, first / total, second / total


def _take_line(power: NDArray[np.float64], at: int) -> float:
    """Return the power of a line, and take it out."""
    line = power[max(0, at - _HALF_LINE) : at + _HALF_LINE + 1]
    share = float(line.sum())
    line[:] = 0
    return share

"""Every threshold of the echo canceller, in one place.

Unless another source is named, values come from simulated calls (facts/line.md,
"Echo", and `benchmarks/line.py`, which measures them again).
"""

from dataclasses import dataclass
from typing import Final

from realtime.audio.g711 import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ

SAMPLES_PER_MS: Final = SAMPLE_RATE_HZ // 1000
FRAMES_PER_S: Final = 1000 // FRAME_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoConfig:
    """How echo is found, cancelled and held back.

    Frames are 20 ms, levels are of int16 (full scale 32768), powers their squares.
    """

    # --- Delay -----------------------------------------------------------------------
    least_delay_frames: int = 3
    """No echo is back within 60 ms; 80-600 ms was seen on calls.  The longest delay
    that is found is 1023 ms."""
    delay_every_frames: int = 8
    """A look at the correlation every 160 ms ..."""
    delay_every_frames_locked: int = 32
    """... and every 640 ms while the filter is doing well."""
    delay_forget: float = 0.8
    """Weight of the past in the averaged cross-spectrum."""
    delay_whitening: float = 0.8
    """0 is a plain correlation, 1 is GCC-PHAT (Knapp and Carter 1976)."""
    delay_peak: float = 8.0
    """Height of a peak over the RMS of all lags; one look in a hundred at two
    strangers' speech is higher ..."""
    delay_sure_peak: float = 11.0
    """... and none of 6000 was higher than 10.4.  Half of all looks at an echo are."""
    delay_votes: int = 3
    """Looks out of the last six that must agree, for a first lock."""
    delay_votes_locked: int = 6
    """The same where a working filter says otherwise."""
    delay_tolerance_ms: int = 3
    """Looks within this agree."""
    least_played_power: float = 900.0
    """Below 30 RMS nothing is played that could be correlated."""
    least_heard_power: float = 25.0

    # --- Filter ----------------------------------------------------------------------
    partitions: int = 5
    """Echo paths up to 5 x 20 ms, of which `head_ms` lie before the found delay."""
    head_ms: int = 14
    transition: float = 0.9997
    """How far a path stays itself from frame to frame (Enzner and Vary 2006)."""
    transition_new: float = 0.99
    """The same for a path that has just been met: 17 dB are cancelled after a second,
    with `transition` alone 3 dB ..."""
    settling_frames: int = 600
    """... going over into `transition` by and by, within 12 s of playback."""
    first_uncertainty: float = 0.3
    least_uncertainty: float = 0.003
    """Power of a path of which nothing is known, at most and at least: in between it
    is what is heard by what is played, 5 to 25 dB below it."""
    partition_decay: float = 0.25
    """How much less is expected of each partition away from the second, which holds
    the found delay."""

    # --- Residual echo and near end --------------------------------------------------
    over_subtraction: float = 4.0
    """How many times the leak expected is suppressed where only echo is heard ..."""
    over_subtraction_near: float = 2.0
    """... and while the near end speaks."""
    distortion_ratio: float = 6.0
    """Distortion varies: this many times its low quantile is expected."""
    doubt_ratio: float = 4.0
    """The gain of a line may be off by twice its standard deviation."""
    floor: float = 0.05
    """Least gain of the suppressor: -26 dB."""
    near_ratio: float = 6.0
    """The near end speaks where the residual is this many times the leak expected."""
    hang_frames: int = 12
    """The gate stays open for 240 ms: pauses between sounds."""
    look_back_frames: int = 3
    """60 ms before the decision are let through with it."""

    # --- Slips ---
    doubt_frames: int = 8
    """When the near end seems to begin while the predicted echo seems to vanish, up to
    160 ms are waited to see whether the echo has only moved."""
    doubtful_gamma: float = 0.8
    """Below this part of the predicted echo it seems to vanish; 1 is all of it."""

    slip_every_frames_held: int = 2
    """While the line is held, a path that was lost is looked for this often ..."""
    slip_every_frames: int = 4
    """... and this often where a path never did well and less than `lost_gamma` of the
    predicted echo is there.  A look takes as long as three frames."""
    lost_gamma: float = 0.5

    # --- Holding ---------------------------------------------------------------------
    hold_ms: int = 3400
    """Sound under our playback is held this long at most; 4 s would take a call's
    memory above 0.2 MB."""
    replay_frames_per_tick: int = 6
    """Held frames worked off in one tick: below 1 ms of work."""
    training_frames: int = 150
    """Held sound is gone through until the filter has seen this many frames."""
    free_after_looks: int = 9
    """Looks (1.4 s of both sides sounding) without any echo: the line has none."""
    free_after_quiet_frames: int = 125
    """2.5 s of playback under which the line stays quiet: neither."""
    active_ratio: float = 2.0
    """Power over the noise floor from which a frame is more than noise."""
    least_active_power: float = 144.0
    """Below 12 RMS is the quantisation noise of a silent mu-law line."""
    audible_played_peak: int = 100
    """Playback below this peak leaves no echo worth the name."""
    tail_frames: int = 16
    """An echo has died away 320 ms after the last sound that could cause it."""


MAX_ECHO_SAMPLES: Final = 8192
"""1024 ms at 8 kHz."""
HISTORY_MARGIN: Final = 10 * FRAME_SAMPLES
"""Before the longest delay: the filter's length and two frames to begin with."""

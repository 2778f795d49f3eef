"""Who may speak: callee before caller before machine.

Theory of operation.  What we play to the telephone never wins against the person who
holds it.  When the callee begins to speak over it, we are silent at once, but only
provisionally: a "네" or "uh-huh" is not a turn.  What lasts longer than 600 ms, or is
recognised as more than such a backchannel, is an interruption; then the rest of what we
were saying waits until the callee has finished.  What the caller says while the callee
is speaking waits as well, up to a bound, and is spoken then.

    turn         cue             next turn    effects
    free         began over us   provisional  cut
    free         began           callee       hold
    provisional  ended           free         resume
    provisional  confirmed       callee       interrupt
    callee       ended           free         release
    callee       waited          free         give up, release

Times are ms of the call's clock.
"""

import math
import unicodedata
from enum import StrEnum
from typing import Final

from realtime.config import TurnConfig


class Turn(StrEnum):
    """Whose turn it is."""

    FREE = "free"
    PROVISIONAL = "provisional"
    CALLEE = "callee"


class Cue(StrEnum):
    """What happens."""

    BEGAN_OVER_US = "began over us"
    BEGAN = "began"
    ENDED = "ended"
    CONFIRMED = "confirmed"
    WAITED = "waited"


class Effect(StrEnum):
    """What the session does about it."""

    CUT = "cut"
    """Clear the telephone's buffer, keep the rest."""
    HOLD = "hold"
    """Release no playout until further notice."""
    RESUME = "resume"
    """Go on from the last pause before the cut: it was only a backchannel."""
    INTERRUPT = "interrupt"
    """Tell the caller, and the engine how much was heard."""
    RELEASE = "release"
    """The callee has finished: say what has waited."""
    GIVE_UP = "give up"
    """The rest has waited too long: it is lost."""


TABLE: Final[dict[tuple[Turn, Cue], tuple[Turn, tuple[Effect, ...]]]] = {
    (Turn.FREE, Cue.BEGAN_OVER_US): (Turn.PROVISIONAL, (Effect.CUT,)),
    (Turn.FREE, Cue.BEGAN): (Turn.CALLEE, (Effect.HOLD,)),
    (Turn.PROVISIONAL, Cue.ENDED): (Turn.FREE, (Effect.RESUME,)),
    (Turn.PROVISIONAL, Cue.CONFIRMED): (Turn.CALLEE, (Effect.INTERRUPT,)),
    (Turn.CALLEE, Cue.ENDED): (Turn.FREE, (Effect.RELEASE,)),
    (Turn.CALLEE, Cue.WAITED): (Turn.FREE, (Effect.GIVE_UP, Effect.RELEASE)),
}

BACKCHANNELS: Final[frozenset[str]] = frozenset(
    {
        # English
        "yes", "yeah", "yep", "ok", "okay", "right", "sure", "mhm", "uhhuh", "uh", "um",
        "hm", "hmm", "isee",
        # Korean
        "네", "네네", "예", "예예", "아", "아네", "어", "음", "응", "그래요",
        "그렇군요", "아하", "맞아요",
        # Japanese
        "はい", "ええ", "うん", "そうですか", "なるほど",
        # Chinese
        "嗯", "对", "好", "好的", "是", "是的", "哦",
    }
)  # fmt: skip
"""What people say to show that they are listening, without punctuation and spaces."""


def is_backchannel(text: str) -> bool:
    """Say whether words only show that somebody is listening."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum()) in BACKCHANNELS


class TurnTaking:
    """The turn, and the cues that move it.

    Args:
        config: durations.
    """

    def __init__(self, config: TurnConfig) -> None:
        self._config = config
        self.turn = Turn.FREE
        self._began_ms = 0
        self._ended_ms = -math.inf
        self._since_ms = 0
        self._is_spent = False

    def hear(
        self, *, is_speech: bool, quiet_ms: int, onset_ms: int, is_playing: bool,
        now_ms: int, is_late: bool = False,
    ) -> tuple[Effect, ...]:  # fmt: skip
        """Take the speech detector's word on the callee, once a tick.

        Args:
            is_speech: the detector's decision; it lets go of speech slowly.
            quiet_ms: how long the callee has been quiet within it.
            onset_ms: how long ago speech had begun when it was detected.
            is_playing: the telephone is playing something of ours, or is about to.
            now_ms: the call's clock.
            is_late: what is detected now was said a while ago.

        Returns:
            what has to be done now.
        """
        c = self._config
        gap_ms = c.late_gap_ms if is_late else c.backchannel_gap_ms
        is_active = is_speech and quiet_ms < gap_ms
        if not is_speech:
            self._is_spent = False
        match self.turn:
            case Turn.FREE if is_active and not self._is_spent:
                began_ms = now_ms - onset_ms
                if now_ms - self._ended_ms > c.rejoin_ms:
                    self._began_ms = began_ms
                self._since_ms = now_ms
                return self._on(Cue.BEGAN_OVER_US if is_playing else Cue.BEGAN)
            case Turn.PROVISIONAL if not is_active:
                self._ended_ms = now_ms
                return self._on(Cue.ENDED)
            case Turn.PROVISIONAL:
                if now_ms - quiet_ms - self._began_ms > c.confirm_ms:
                    return self._on(Cue.CONFIRMED)
            case Turn.CALLEE if not is_speech:
                return self._on(Cue.ENDED)
            case Turn.CALLEE if now_ms - self._since_ms >= c.hold_limit_ms:
                # They go on, and so do we; only a new beginning is a new interruption.
                self._is_spent = True
                return self._on(Cue.WAITED)
        return ()

    def words(self, text: str, started_ms: int) -> tuple[Effect, ...]:
        """Take what was recognised from the callee.

        Args:
            text: all words of one utterance so far.
            started_ms: when that utterance began.

        Returns:
            what has to be done now.
        """
        if self.turn is not Turn.PROVISIONAL or is_backchannel(text):
            return ()
        if not text.strip() or started_ms < self._began_ms - self._config.slack_ms:
            return ()  # these words are older than the interruption
        return self._on(Cue.CONFIRMED)

    def _on(self, cue: Cue) -> tuple[Effect, ...]:
        self.turn, effects = TABLE[self.turn, cue]
        return effects

"""What an ear has heard of one person, to believe or doubt what was written.  Pure.

Theory of operation.  The detector's decisions are kept for a minute, in tenths of a
second: how long somebody spoke, and how loud the loudest window was by the line's own
noise.  A recognised text is judged by what was heard in the time that it belongs to
(`guards.invented`).  Where the engine names the utterance, that time is its own.  Where
it does not, the text may be of something said before: then the time begins earlier, so
that what was really said is never doubted for a wrong name.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from realtime.audio.vad import WINDOW_MS, SpeechDetector, Transition
from realtime.config import FRAME_MS, CallConfig
from realtime.guards import invented
from realtime.guards.invented import Evidence, Judgement
from realtime.text.captions import Caption

_BIN_MS: Final = 100
_KEPT_BINS: Final = 600
"""A minute: what is held back for an echo, or sent again, comes some seconds late."""
_EARLIER: Final = 3


@dataclass(slots=True)
class _Bin:
    at_ms: int
    speech_ms: float = 0.0
    over_floor: float | None = None


class Witness:
    """One person's ear, and its memory.

    Args:
        config: the call's.
        language: what that person speaks, ISO 639-1.
    """

    def __init__(self, config: CallConfig, language: str) -> None:
        self._config = config
        self._language = language
        self._bins: deque[_Bin] = deque(maxlen=_KEPT_BINS)
        self._earlier: deque[str] = deque(maxlen=_EARLIER)

    def note(
        self, at_ms: int, detector: SpeechDetector, change: Transition | None
    ) -> None:
        """Take what the detector has made of the latest 20 ms.

        Args:
            at_ms: when they were said, by the call's clock.
        """
        if not self._bins or at_ms - self._bins[-1].at_ms >= _BIN_MS:
            self._bins.append(_Bin(at_ms))
        last = self._bins[-1]
        if change == "started":
            # It took some windows to be sure.
            last.speech_ms += self._config.speech.enter_windows * WINDOW_MS
        elif detector.is_speech and not detector.quiet_ms:
            last.speech_ms += FRAME_MS
        over = detector.over_floor
        if over is not None:
            last.over_floor = max(over, last.over_floor or 0.0)

    def heard(self, since_ms: int, until_ms: int) -> Evidence:
        """Say what was heard in a time."""
        bins = [b for b in self._bins if since_ms - _BIN_MS < b.at_ms <= until_ms]
        loudest = [b.over_floor for b in bins if b.over_floor is not None]
        speech_ms = round(sum(b.speech_ms for b in bins))
        return Evidence(speech_ms, max(loudest, default=None))

    def judge(self, caption: Caption, now_ms: int, *, has_name: bool) -> Judgement:
        """Say what of an utterance somebody can have said.

        Args:
            caption: with all text that there is so far.
            now_ms: the call's clock.
            has_name: their engine has said which utterance the text belongs to.
        """
        lookback_ms = 0 if has_name else self._config.captions.no_text_after_ms
        until_ms = now_ms
        if has_name and caption.ended_ms is not None:
            until_ms = caption.ended_ms
        evidence = self.heard(caption.started_ms - lookback_ms, until_ms)
        text, earlier = caption.original, tuple(self._earlier)
        judgement = invented.judge(text, self._language, evidence, earlier)
        if caption.original_final and not caption.is_judged:
            if evidence.speech_ms:
                self._earlier.clear()
            else:
                self._earlier.append(text)
        return judgement

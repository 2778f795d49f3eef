"""The first step of a cascade: what is said is written down, for somebody else.  Pure.

A live-transcription session (`transcribe`) whose text is not the end of it: it has to
be translated, and read out where somebody wants to hear it.  That is asked elsewhere;
so an utterance that was written is told with `SourceDone` alone, and whoever interprets
its text says when it is over.
"""

from realtime.engines.base import Closed, Refused
from realtime.engines.transcribe import Transcriber, Written
from realtime.events import Event, SourceDone


class Cascade(Transcriber):
    """One direction, written down to be interpreted as text.

    Arguments as of `Transcriber`.
    """

    def _done(
        self, utterance: Written, *, is_failed: bool
    ) -> list[Event | Closed | Refused]:
        if is_failed or not utterance.text.strip():
            return super()._done(utterance, is_failed=is_failed)
        return [SourceDone(self._leg, utterance.utterance_id or "")]

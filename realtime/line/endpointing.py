"""When an utterance is over, for engines that work by turns.  Pure.

Theory of operation.  There are two ends.  The *commit* comes as soon as the detector
has let go of speech: it only makes an utterance of what was said, and has it
transcribed.  The *answer* asks for the interpretation, and is what people wait for; it
comes when the transcript is a whole sentence, or when the speaker has been quiet for
long enough.  How long that is, is learned from each speaker: whoever goes on after a
pause has shown how long their pauses are.  What is said in between joins the same
answer.  Somebody who does not stop is committed at a pause for breath, and if there is
none, anyway: a commit is only a mark in the stream, not a sample is lost.

    state     cue                                next      effects
    silent    speech began                       speaking  -
    speaking  speech ended                       paused    commit
    speaking  ended, and enough has been said    silent    commit, answer
    speaking  long, and a breath; or very long   speaking  commit, answer
    paused    speech began                       speaking  -
    paused    the sentence is complete           silent    answer
    paused    quiet for long enough              silent    answer
    speaking  the speaker says so                silent    commit, answer
    paused    the speaker says so                silent    answer

Times are ms of the call's clock, of the sound itself.
"""

import unicodedata
from enum import StrEnum
from typing import Final

from realtime.config import EndpointConfig


class State(StrEnum):
    """Where the speaker stands."""

    SILENT = "silent"
    SPEAKING = "speaking"
    PAUSED = "paused"


class Cue(StrEnum):
    """What happens."""

    BEGAN = "speech began"
    ENDED = "speech ended"
    ENOUGH = "ended, and enough has been said"
    LONG = "long, and a breath; or very long"
    COMPLETE = "the sentence is complete"
    QUIET = "quiet for long enough"
    FINISHED = "the speaker says so"


class Effect(StrEnum):
    """What the session does about it."""

    COMMIT = "commit"
    ANSWER = "answer"


TABLE: Final[dict[tuple[State, Cue], tuple[State, tuple[Effect, ...]]]] = {
    (State.SILENT, Cue.BEGAN): (State.SPEAKING, ()),
    (State.SPEAKING, Cue.ENDED): (State.PAUSED, (Effect.COMMIT,)),
    (State.SPEAKING, Cue.ENOUGH): (State.SILENT, (Effect.COMMIT, Effect.ANSWER)),
    (State.SPEAKING, Cue.LONG): (State.SPEAKING, (Effect.COMMIT, Effect.ANSWER)),
    (State.PAUSED, Cue.BEGAN): (State.SPEAKING, ()),
    (State.PAUSED, Cue.COMPLETE): (State.SILENT, (Effect.ANSWER,)),
    (State.PAUSED, Cue.QUIET): (State.SILENT, (Effect.ANSWER,)),
    (State.SPEAKING, Cue.FINISHED): (State.SILENT, (Effect.COMMIT, Effect.ANSWER)),
    (State.PAUSED, Cue.FINISHED): (State.SILENT, (Effect.ANSWER,)),
}

_STOPS: Final = (".", "!", "?", "。", "！", "？")
_OPEN_ENDS: Final = ("...", "…", ",", "、", "，", "-")


def is_complete(text: str) -> bool:
    """Say whether a transcript ends like a sentence."""
    folded = unicodedata.normalize("NFC", text).rstrip()
    return folded.endswith(_STOPS) and not folded.endswith(_OPEN_ENDS)


class Endpointer:
    """One speaker's ends.

    Args:
        config: durations.
    """

    def __init__(self, config: EndpointConfig) -> None:
        self._config = config
        self.state = State.SILENT
        self._first_ms = 0
        """When what has not been answered began."""
        self._began_ms = 0
        self._ended_ms = 0
        self._pause_ms = config.least_pause_ms

    @property
    def pause_ms(self) -> int:
        """How long this speaker has to be quiet to have finished, as far as learned."""
        return self._pause_ms

    def began(self, at_ms: int) -> tuple[Effect, ...]:
        """Speech began.

        Args:
            at_ms: when, by the sound.
        """
        c = self._config
        pause_ms = at_ms - self._ended_ms
        if self._ended_ms and pause_ms < c.hesitation_ms:
            # They had not finished: the next pause of this length is not an end.
            wanted_ms = round(pause_ms * c.pause_margin)
            self._pause_ms = min(c.most_pause_ms, max(self._pause_ms, wanted_ms))
        elif self._ended_ms:
            over_ms = self._pause_ms - c.least_pause_ms
            self._pause_ms = c.least_pause_ms + round(over_ms * c.forget)
        self._began_ms = at_ms
        if self.state is State.SILENT:
            self._first_ms = at_ms
        return self._on(Cue.BEGAN)

    def ended(self, at_ms: int) -> tuple[Effect, ...]:
        """The detector has let go of speech.

        Args:
            at_ms: when speech ended, by the sound; a little before now.
        """
        self._ended_ms = at_ms
        is_enough = at_ms - self._first_ms >= self._config.long_ms
        return self._on(Cue.ENOUGH if is_enough else Cue.ENDED)

    def finished(self, at_ms: int) -> tuple[Effect, ...]:
        """The speaker has let go of the key to talk.

        Args:
            at_ms: when speech ended, by the sound.
        """
        self._ended_ms = at_ms
        return self._on(Cue.FINISHED)

    def complete(self) -> tuple[Effect, ...]:
        """The transcript of everything committed ends like a sentence."""
        return self._on(Cue.COMPLETE)

    def tick(self, now_ms: int, quiet_ms: int) -> tuple[Effect, ...]:
        """Let time pass.

        Args:
            now_ms: by the sound.
            quiet_ms: how long there has been no speech within what is still called
                speech.
        """
        c = self._config
        if self.state is State.PAUSED and now_ms - self._ended_ms >= self._pause_ms:
            return self._on(Cue.QUIET)
        if self.state is State.SPEAKING:
            spoken_ms = now_ms - self._began_ms
            is_breath = quiet_ms >= self._breath_ms(spoken_ms)
            if spoken_ms >= c.most_ms or (spoken_ms >= c.long_ms and is_breath):
                self._began_ms = self._first_ms = now_ms
                return self._on(Cue.LONG)
        return ()

    def _breath_ms(self, spoken_ms: int) -> float:
        """Say how long a pause has to be to end speech of this length."""
        c = self._config
        share = (spoken_ms - c.long_ms) / (c.most_ms - c.long_ms)
        return c.breath_ms - (c.breath_ms - c.least_breath_ms) * share**2

    def _on(self, cue: Cue) -> tuple[Effect, ...]:
        if (self.state, cue) not in TABLE:
            return ()
        self.state, effects = TABLE[self.state, cue]
        return effects

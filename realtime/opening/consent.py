"""Whether the callee lets the call be recorded.  Pure.

Theory of operation.  The question is spoken after the greeting, and recording begins
when it was heard to its end.  Who then says no is recorded no longer, and what was kept
is deleted; who says yes, or simply goes on, has agreed.

    state    cue                                        next     effects
    waiting  the question was heard                     asked    -
    asked    a no, before anybody else has spoken       refused  say "it is off", tell
    asked    a yes                                      settled  -
    asked    two utterances that are neither, or one    settled  -
             of them and then somebody else has spoken
    any      "please do not record" in some words       refused  say "it is off", tell
    asked    the call is over                           settled  -

A bare "no" counts only while it can be an answer to our question: later it answers
somebody else's.  Each answer is kept with the utterance that gave it.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from realtime.events import Line
from realtime.far_end.answer_words import Patterns, Phrases
from realtime.line.delivery import Delivery
from realtime.opening.consent_words import NO, REFUSALS, YES
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.text.captions import Caption

MOST_ANSWERS: Final = 2
"""So many utterances can be the answer; what follows is about something else."""
REACTION_MS: Final = 500
"""Who begins to speak so soon after somebody else has not listened to them yet."""


class Answer(StrEnum):
    """What became of the question."""

    YES = "yes"
    NO = "no"
    WENT_ON = "went_on"
    NONE = "none"
    """Nothing was said any more."""


@lru_cache
def _phrases(kind: str, language: str) -> Phrases:
    tables: dict[str, Patterns] = {"yes": YES, "no": NO, "refusal": REFUSALS}
    table = tables[kind]
    return Phrases({k: table[k] for k in {language, "en"} & set(table)})


def is_refusal(text: str, language: str) -> bool:
    """Say whether somebody asks not to be recorded, whatever else they say."""
    return _phrases("refusal", language).is_in(text)


def answer_in(text: str, language: str) -> Answer | None:
    """Read an answer to the question; None if it is none.

    Args:
        text: a whole utterance.
        language: ISO 639-1 of the callee; English is understood as well.
    """
    if is_refusal(text, language) or _phrases("no", language).is_all_of(text):
        return Answer.NO
    if _phrases("yes", language).is_all_of(text):
        return Answer.YES
    return None


class Consent:
    """Follow the question of one call, if there is one.

    Args:
        language: of the callee.
        is_recorded: the caller wishes a recording.
        is_asked: the callee is asked in this session; otherwise it was asked before.
        delivery: says the sentences.
        out: the session's.
    """

    def __init__(
        self,
        language: str,
        *,
        is_recorded: bool,
        is_asked: bool,
        delivery: Delivery,
        out: Outbox,
    ) -> None:
        self._language = language
        self._delivery = delivery
        self._out = out
        self._is_refused = not is_recorded
        self._answer = None if is_asked else Answer.WENT_ON
        self._heard: tuple[int, int] | None = None
        """From when to when the question was heard."""
        self._others_ms: int | None = None
        self._answers: list[Caption] = []
        self._latest: Caption | None = None

    def words(self, caption: Caption) -> None:
        """Take what the callee is saying, as far as it is recognised."""
        if not self._is_refused and is_refusal(caption.original, self._language):
            self._decide(Answer.NO, caption)

    def finished(self, caption: Caption) -> None:
        """Take an utterance of the callee's that is complete."""
        if self._is_refused or self._answer is not None or not caption.original:
            return
        if self._heard is None:
            self._latest = caption
            return
        is_late = (
            self._others_ms is not None
            and caption.started_ms > self._others_ms + REACTION_MS
        )
        found = answer_in(caption.original, self._language)
        if found is not None and not is_late:
            self._decide(found, caption)
            return
        self._answers.append(caption)
        if is_late or len(self._answers) >= MOST_ANSWERS:
            self._decide(Answer.WENT_ON, self._answers[0])

    def tick(self, now_ms: int, *, is_other_speaking: bool) -> None:
        """Let time pass.

        Args:
            now_ms: the call's clock.
            is_other_speaking: the callee hears somebody, and not us.
        """
        if self._is_refused or self._answer is not None:
            return
        if self._heard is None:
            self._heard = self._delivery.heard_line(Line.RECORDING)
            if self._heard is not None and self._latest is not None:
                self._take_early(self._latest, self._heard[0])
        elif is_other_speaking and self._others_ms is None:
            self._others_ms = now_ms

    def end(self) -> None:
        """The call is over."""
        is_open = not self._is_refused and self._answer is None
        self._heard = self._heard or self._delivery.heard_line(Line.RECORDING)
        if is_open and self._heard is not None:
            first = self._answers[0] if self._answers else None
            self._decide(Answer.WENT_ON if first else Answer.NONE, first)

    def _take_early(self, caption: Caption, since_ms: int) -> None:
        """Somebody has answered before the question was over."""
        if (caption.ended_ms or 0) < since_ms:
            return
        found = answer_in(caption.original, self._language)
        if found is not None:
            self._decide(found, caption)

    def _decide(self, answer: Answer, caption: Caption | None) -> None:
        self._answer = answer
        self._out.record(
            "recording_consent",
            {
                "answer": answer,
                "asked_ms": self._heard[1] if self._heard else None,
                "at_ms": caption.started_ms if caption else None,
                "utterance_id": caption.utterance_id if caption else "",
                "language": self._language,
            },
        )
        if answer is Answer.NO:
            self._is_refused = True
            self._delivery.say(Line.RECORDING_OFF)
            text = (
                "The other side does not want to be recorded. The recording was stopped"
                " and deleted."
            )
            self._out.tell(browser.Warn("recording_refused", text))

"""Words that nobody should hear: held before they play, and said another way.  Pure.

Theory of operation.  What we speak to the callee is judged each time its text grows.
Where all text is there before its sound, a clean one costs a look into the word lists
and waits for nothing.  Where both come interleaved (the agent, the interpreter by
turns), the sound of a sentence waits until its text is known, but only a moment
(`foresight.py`).

    who speaks                      abuse, a threat     what becomes of it
    an interpreter by turns, or     held                a filler, then rephrased by the
    by way of text                                      text model, or not said at all
    a simultaneous interpreter      flagged             said: its sound is out by then
    the agent                       held                a filler; it is stopped, and has
                                                        to say it politely

*Held* drops what has not been heard.  What was heard before is not said again: the rest
begins with the sentence in which it was cut.  Too familiar a tone is only counted, and
the agent is told once.
"""

import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final

from realtime import actions as act
from realtime.config import ENGINE_HZ, CallConfig
from realtime.events import Leg, Line, Pcm, Rephrased
from realtime.guards import speech
from realtime.guards.foresight import Foresight
from realtime.guards.speech import Level
from realtime.line.delivery import Delivery
from realtime.outbox import Outbox
from realtime.text.captions import Caption, CaptionTrack

_BAD: Final = frozenset({Level.ABUSE, Level.THREAT})
_FOLLOWED: Final = 50
_SENTENCE: Final = re.compile(r"[^.!?。！？…\n]*[.!?。！？…\n]+\s*|[^.!?。！？…\n]+$")


def rest_of(text: str, share: float) -> str:
    """Return what is still to be said of a text of which some was heard.

    Args:
        text: all of it.
        share: how much was heard, 0 to 1.

    Returns:
        the text from the beginning of the sentence in which it was cut.
    """
    at = round(len(text) * min(1.0, max(0.0, share)))
    starts = [match.start() for match in _SENTENCE.finditer(text)]
    return text[max((start for start in starts if start <= at), default=0) :]


@dataclass(slots=True)
class _Held:
    """One utterance of which nothing more is said for now.

    Attributes:
        heard_ms: how much of it was heard before.
        ids: all utterances whose interpretation it is.
        said: the beginning, which was heard and stays.
    """

    level: Level
    heard_ms: int
    ids: tuple[str, ...] = ()
    said: str = ""


class Decency:
    """What one call is about to say.

    Args:
        config: the call's.
        captions: of the caller's leg.
        delivery: says it, or does not.
        out: the session's.
    """

    def __init__(
        self,
        config: CallConfig,
        captions: CaptionTrack,
        delivery: Delivery,
        out: Outbox,
    ) -> None:
        self._config = config
        self._captions = captions
        self._delivery = delivery
        self._out = out
        self._held: dict[str, _Held] = {}
        self._flagged: set[str] = set()
        self._made_ms: OrderedDict[str, float] = OrderedDict()
        self._foresight = Foresight(config.foresight_ms)
        self._agents_level: Level | None = None
        self._was_agent_told = False
        self.counts: Counter[str] = Counter()
        """How often what was done, for the call's report."""

    # --- Sound -----------------------------------------------------------------------

    def speak(self, pcm: Pcm, tag: str, *, foresees: bool) -> bool:
        """Have more of an utterance said.

        Args:
            pcm: int16, shape (n,), 24 kHz.
            tag: the utterance's.
            foresees: its text comes with it, so it waits for the end of its sentence.

        Returns:
            True if the telephone is playing: what follows may leave at once.
        """
        made_ms = len(pcm) * 1000 / ENGINE_HZ
        self._made_ms[tag] = self._made_ms.pop(tag, 0.0) + made_ms
        while len(self._made_ms) > _FOLLOWED:
            self._made_ms.popitem(last=False)
        if not foresees and self._foresight.is_empty:
            return self._delivery.speak(pcm, tag)
        self._foresight.hear(tag, pcm, self._delivery.now_ms)
        if not foresees:
            self._foresight.end(tag)
        return self.let_go()

    def over(self, tag: str) -> bool:
        """All of an utterance has come: nothing of it waits any more.

        Returns:
            as `speak`.
        """
        self._foresight.end(tag)
        return self.let_go()

    def let_go(self) -> bool:
        """Say what has waited, where its sentence is known or it is time.

        Returns:
            as `speak`.
        """
        is_playing = False
        for one in self._foresight.take(self._delivery.now_ms):
            is_playing = self._delivery.speak(one.pcm, one.tag)
        return is_playing

    @property
    def is_waiting(self) -> bool:
        """Sound waits for the end of its sentence."""
        return not self._foresight.is_empty

    # --- What the caller says, interpreted -------------------------------------------

    def read(self, caption: Caption, tag: str, *, can_hold: bool) -> None:
        """Take the interpretation of the caller's words, as far as it is written.

        Args:
            caption: the utterance.
            tag: what its sound is called.
            can_hold: its text comes before its sound, or with it.
        """
        self._foresight.read(tag, caption.translation)
        if tag in self._held or tag in self._flagged:
            return
        level = self._level(caption.translation)
        if level not in _BAD:
            return
        if not can_hold:
            self._flagged.add(tag)
            self._tell(caption, level, "flagged")
            return
        self._held[tag] = _Held(level, self._hold(caption, tag, level))

    def finish(self, utterance_ids: tuple[str, ...]) -> bool:
        """All of an interpretation has come.

        Returns:
            True if it is held, and rephrased now: it is not over.
        """
        tag = utterance_ids[0] if utterance_ids else ""
        held, caption = self._held.get(tag), self._captions.find(tag)
        if held is None or caption is None:
            return False
        held.ids = utterance_ids
        share = held.heard_ms / max(1.0, self._made_ms.get(tag, 0.0))
        rest = rest_of(caption.translation, share)
        held.said = caption.translation[: len(caption.translation) - len(rest)]
        self._out.do(act.Rephrase(tag, rest))
        return True

    def rephrased(self, event: Rephrased) -> tuple[str, ...]:
        """Take a text that can be said instead.

        Returns:
            the utterances whose interpretation is over now.
        """
        tag = event.utterance_id
        held, caption = self._held.pop(tag, None), self._captions.find(tag)
        if held is None or caption is None:
            return ()
        self._flagged.add(tag)
        if not len(event.pcm) or self._level(event.text) in _BAD:
            self._tell(caption, held.level, "blocked")
            self._delivery.give_up(tag)
            return held.ids
        self._captions.translated(tag, held.said + event.text)
        self._delivery.want(tag)
        self._delivery.speak_whole(event.pcm, tag)
        self._tell(caption, held.level, "rephrased")
        return held.ids

    def finished(self, caption: Caption) -> None:
        """Look at the tone of what was interpreted, once all of it is known."""
        if caption.leg is Leg.CALLER and not caption.is_typed and caption.translation:
            self._mind_tone(caption, caption.translation)

    # --- What the agent says ---------------------------------------------------------

    def agent_writes(self, caption: Caption) -> int | None:
        """Take more of what the agent says.

        Returns:
            how much of it was heard, ms, if it must not go on; None if it may.
        """
        tag = caption.utterance_id
        self._foresight.read(tag, caption.original)
        if tag in self._flagged:
            return None
        level = self._level(caption.original)
        if level not in _BAD:
            return None
        self._flagged.add(tag)
        self._agents_level = level
        return self._hold(caption, tag, level)

    def agent_spoke(self, caption: Caption) -> bool:
        """The agent has said something to its end.

        Returns:
            True if it has to be told to mind its tone.
        """
        if caption.utterance_id in self._flagged:
            return False
        level, self._agents_level = self._agents_level, None
        if level is not None:
            self._tell(caption, level, "rephrased")
        is_familiar = self._mind_tone(caption, caption.original)
        must_be_told = is_familiar and not self._was_agent_told
        self._was_agent_told |= is_familiar
        return must_be_told

    # --- Inside ----------------------------------------------------------------------

    def _level(self, text: str) -> Level:
        return speech.judge(text, self._config.callee_language).level

    def _hold(self, caption: Caption, tag: str, level: Level) -> int:
        self._foresight.drop(tag)
        heard_ms = self._delivery.hold_back(tag)
        self._delivery.say(Line.WAIT)
        self._tell(caption, level, "held")
        return heard_ms

    def _mind_tone(self, caption: Caption, text: str) -> bool:
        if self._level(text) is not Level.REGISTER:
            return False
        self._tell(caption, Level.REGISTER, "noted")
        return True

    def _tell(self, caption: Caption, level: Level, action: str) -> None:
        self.counts[f"{level}_{action}"] += 1
        self._out.guardrail(caption, level, action)

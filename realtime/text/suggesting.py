"""Replies to choose from: when they are asked for, and when they are too late.  Pure.

Theory of operation.  Whenever all is written that the callee has said in one utterance,
replies to it are asked for, with the latest turns of the conversation, each in its own
language.  They take a second or two, beside the sound and never before it.  What has
happened meanwhile decides whether they are shown: the callee has said more, so newer
ones are on their way; or the caller has answered already.

    asked for   when                                   given up when
    -           the callee's newest words are final    -
    shown       the replies have come                  newer ones are asked for
                                                       the caller speaks or types
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from realtime import actions as act
from realtime.config import CallConfig
from realtime.events import Leg, Suggested
from realtime.guards import speech
from realtime.guards.speech import Level
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.text.captions import Caption
from realtime.turns import is_backchannel

KEPT: Final = 24
"""Turns that are remembered; `texts.MAX_TURNS` of them are sent."""


@dataclass(frozen=True, slots=True)
class _Said:
    started_ms: int
    who: str
    text: str


class Suggestions:
    """The replies of one call.

    Args:
        config: the call's.
        out: the session's.
    """

    def __init__(self, config: CallConfig, out: Outbox) -> None:
        self._config = config
        self._out = out
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._newest_ms = -1
        self._asked_for = ""
        self._shown: browser.Suggestions | None = None

    def read(self, caption: Caption, *, is_wanted: bool) -> None:
        """Take an utterance as far as it is written.

        Args:
            caption: anybody's.
            is_wanted: somebody would see replies, and could have them said.
        """
        if not (caption.original and caption.original_final):
            return
        is_new = caption.utterance_id not in self._said
        text = caption.original
        said = _Said(caption.started_ms, caption.leg.value, text)
        self._said[caption.utterance_id] = said
        while len(self._said) > KEPT:
            self._said.popitem(last=False)
        is_answerable = caption.leg is Leg.CALLEE and not is_backchannel(text)
        if not (is_new and is_answerable and caption.started_ms > self._newest_ms):
            return
        self._newest_ms = caption.started_ms
        self.forget()
        if is_wanted:
            self._asked_for = caption.utterance_id
            turns = sorted(self._said.values(), key=lambda said: said.started_ms)
            conversation = tuple((turn.who, turn.text) for turn in turns)
            self._out.do(act.Suggest(caption.utterance_id, conversation))

    def forget(self) -> None:
        """The caller answers, or there is something newer to be answered."""
        self._asked_for = ""
        self._shown = None

    def made(self, event: Suggested) -> None:
        """Take replies; none, and a code, if there will be none."""
        if event.code:
            self._out.record("suggestions_failed", {"code": event.code})
        if event.utterance_id != self._asked_for:
            return
        items = [reply for item in event.items if (reply := self._checked(*item))]
        self._asked_for = ""
        if items:
            self._shown = browser.Suggestions(event.utterance_id, items)
            self._out.tell(self._shown)

    def snapshot(self) -> list[browser.ServerMessage]:
        """Return what a client needs that attaches now."""
        return [self._shown] if self._shown is not None else []

    def _checked(self, text: str, translation: str) -> browser.Reply | None:
        """What nobody should say is not proposed."""
        verdict = speech.judge(text, self._config.callee_language)
        if verdict.level in (Level.ABUSE, Level.THREAT):
            return None
        polite = verdict.corrected or text
        is_same = self._config.is_one_language
        return browser.Reply(polite, polite if is_same else translation)

"""What the caller types and the callee hears, word for word.  Pure.

Theory of operation.  Each message goes through the same stations, and the caller sees
all of them; messages are said in the order in which they were typed, however long the
translation of one takes.

    station      told by                      text_status
    queued       `type`                       queued
    translated   `translated`                 queued, with the translation
    ready        `rendered`                   -
    said         the telephone's cursor       speaking, spoken
                 the callee interrupts        interrupted, then repeating
    misread      `misread`                    repeating: it is read out once more
    given up     no translation, no sound     failed
                 it was not spoken verbatim   mismatch
                 discarded, or lost           failed
                 abuse or a threat            failed

What was not spoken as it is written is not said at all.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from realtime import actions as act
from realtime.config import CallConfig
from realtime.events import Line, Pcm
from realtime.figures import latencies
from realtime.guards import speech
from realtime.guards.speech import Level
from realtime.line.delivery import Delivery
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.text.captions import Caption, CaptionTrack

_OVER: Final = frozenset({"spoken", "failed", "mismatch"})


@dataclass(slots=True)
class _Message:
    """One typed message.

    Attributes:
        text_id: the client's name for it.
        caption: what everybody sees of it.
        text: what is to be said, in the callee's language; empty until it is known.
        typed_ms: when it came; ready_ms: when its sound did, until that was measured.
        pcm: its sound, int16 at 24 kHz, once it was rendered.
        state: the `text_status` that was told last.
    """

    text_id: str
    caption: Caption
    text: str = ""
    typed_ms: int = 0
    ready_ms: int | None = None
    pcm: Pcm | None = None
    is_phrase: bool = False
    is_queued: bool = False
    state: str = ""
    spoken: str = ""

    @property
    def tag(self) -> str:
        return self.caption.utterance_id

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


class TypedTexts:
    """The messages of one call.

    Args:
        config: the call's.
        captions: of the caller's leg.
        delivery: says them.
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
        self._messages: OrderedDict[str, _Message] = OrderedDict()
        self._has_filled = False

    def typing(self) -> None:
        """The caller has begun to type: the callee is told so, once per message."""
        if self._has_filled or self.is_busy or not self._delivery.is_free:
            return
        self._has_filled = True
        self._delivery.say(Line.TYPING)

    def type(
        self,
        text_id: str,
        text: str,
        now_ms: int,
        *,
        is_final: bool = False,
        translation: str = "",
        is_phrase: bool = False,
    ) -> None:
        """Take a message.

        Args:
            text_id: the client's name for it; sent again, it is not said again.
            text: what was typed.
            now_ms: the call's clock.
            is_final: it is in the callee's language already.
            translation: what to say for it, where that is known.
            is_phrase: a saved one; said again when it is asked for again.
        """
        known = self._messages.get(text_id)
        if known is not None and not (is_phrase and known.is_over):
            self._tell(known, known.state)
            return
        text = text.strip()
        if problem := self._problem(text):
            self._out.tell(browser.Problem(*problem))
            self._out.tell(browser.TextStatus(text_id, "failed"))
            return
        self._has_filled = False
        self._delivery.caller_says_something_new()
        caption = self._captions.typed(text, now_ms)
        message = _Message(text_id, caption, is_phrase=is_phrase, typed_ms=now_ms)
        self._messages.pop(text_id, None)
        self._messages[text_id] = message
        self._forget_old()
        self._tell(message, "queued")
        if is_final or self._config.is_one_language:
            self._say(message, text)
        elif translation:
            self._take_translation(message, translation)
        else:
            self._out.do(act.TranslateText(text_id, text))

    def translated(self, text_id: str, translation: str, code: str = "") -> None:
        """Take a message's translation; empty if there will be none, and why."""
        message = self._messages.get(text_id)
        if message is None or message.is_over or message.text:
            return
        if not translation:
            text = (
                f"The text could not be translated ({code or 'empty'}); send it again."
            )
            self._out.tell(browser.Problem("text_not_translated", text))
            self._give_up(message, "failed")
            return
        self._take_translation(message, translation)

    def rendered(
        self, text_id: str, pcm: Pcm, spoken: str, *, is_verbatim: bool
    ) -> None:
        """Take a message's sound, int16 at 24 kHz.

        Args:
            text_id: which message.
            pcm: empty if it could not be spoken.
            spoken: what was spoken.
            is_verbatim: that is what is written.
        """
        message = self._messages.get(text_id)
        if message is None or message.is_over:
            return
        if not len(pcm) or not is_verbatim:
            message.spoken = spoken
            self._give_up(message, "failed" if not len(pcm) else "mismatch")
            return
        message.pcm = pcm
        message.ready_ms = self._delivery.now_ms
        self._queue_ready()

    def misread(self, text_id: str) -> None:
        """A message was not read out as it is written: it is asked for once more."""
        message = self._messages.get(text_id)
        if message is not None and not message.is_over and not message.is_queued:
            self._tell(message, "repeating")

    def state_of(self, text_id: str) -> str:
        """Return the `text_status` of a message; "" if there is none."""
        message = self._messages.get(text_id)
        return "" if message is None else message.state

    @property
    def is_busy(self) -> bool:
        """Something that was typed has not been heard yet."""
        return any(not message.is_over for message in self._messages.values())

    def withdraw(self, text_id: str) -> None:
        """Do not say what has not been heard of a message."""
        message = self._messages.get(text_id)
        if message is None or message.is_over:
            return
        self._delivery.discard(message.tag)
        self._give_up(message, "failed")

    def tick(self) -> None:
        """Tell the caller what the telephone has made of it."""
        for message in self._messages.values():
            if message.is_queued and not message.is_over:
                self._follow(message)

    def end(self) -> None:
        """The call is over: what has not been said will not be."""
        for message in self._messages.values():
            if not message.is_over:
                self._give_up(message, "failed")

    # --- Inside ----------------------------------------------------------------------

    def _problem(self, text: str) -> tuple[str, str] | None:
        most = self._config.typed.most_letters
        if not text:
            return "text_empty", "There is nothing to say: the text is empty."
        if len(text) > most:
            said = f"A message has at most {most} letters; this one has {len(text)}."
            return "text_too_long", f"{said} Send it in two parts."
        waiting = sum(not m.is_over for m in self._messages.values())
        if waiting >= self._config.typed.most_waiting:
            said = f"{waiting} messages are still waiting to be said."
            return "too_many_texts", f"{said} Wait until one of them was heard."
        return None

    def _take_translation(self, message: _Message, translation: str) -> None:
        self._captions.translated(message.tag, translation)
        self._say(message, translation)
        if not message.is_over:
            self._tell(message, "queued")

    def _say(self, message: _Message, text: str) -> None:
        verdict = speech.judge(text, self._config.callee_language)
        if verdict.level in (Level.ABUSE, Level.THREAT):
            self._judge(message, verdict.level, "blocked")
            self._give_up(message, "failed")
            return
        is_ours = message.caption.original != text
        if is_ours and verdict.corrected:
            # Only what we have put into words ourselves is ours to correct.
            self._judge(message, verdict.level, "corrected")
            text = verdict.corrected
            self._captions.translated(message.tag, text)
        message.text = text
        self._out.do(act.RenderText(message.text_id, text, message.is_phrase))

    def _judge(self, message: _Message, level: Level, action: str) -> None:
        self._out.tell(browser.Guardrail(level, action, message.tag))
        self._out.record("guardrail", {"level": level, "action": action})

    def _queue_ready(self) -> None:
        """Queue what can be said, in the order in which it was typed."""
        for message in self._messages.values():
            if message.is_over or message.is_queued:
                continue
            if message.pcm is None:
                return  # the next one waits for it
            message.is_queued = True
            if message.state == "repeating":
                self._tell(message, "queued")  # at last it was read out as written
            self._delivery.speak_whole(message.pcm, message.tag)
            message.pcm = None
            self._captions.target_done(message.tag)

    def _follow(self, message: _Message) -> None:
        fate = self._delivery.fate_of(message.tag)
        state = {"waiting": "queued", "discarded": "failed", "lost": "failed"}.get(
            fate, fate
        )
        if state == "speaking" and message.ready_ms is not None:
            ready_ms, message.ready_ms = message.ready_ms, None
            measured = latencies.of_typed(
                message.typed_ms,
                ready_ms,
                self._delivery.now_ms,
                is_phrase=message.is_phrase,
            )
            for one in measured:
                self._out.do(one)
        if state == "speaking" and message.state in ("interrupted", "repeating"):
            state = "repeating"
        if state != message.state:
            self._tell(message, state)

    def _give_up(self, message: _Message, state: str) -> None:
        self._tell(message, state)
        self._captions.target_done(message.tag)
        self._queue_ready()

    def _tell(self, message: _Message, state: str) -> None:
        message.state = state
        is_shown = message.text and not self._config.is_one_language
        self._out.tell(
            browser.TextStatus(
                message.text_id,
                state,
                translation=message.text if is_shown else browser.UNSET,
                spoken=message.spoken or browser.UNSET,
            )
        )

    def _forget_old(self) -> None:
        """Keep the latest messages only, so that one sent again is known."""
        while len(self._messages) > self._config.typed.kept:
            oldest = next(iter(self._messages.values()))
            if not oldest.is_over:
                return
            del self._messages[oldest.text_id]

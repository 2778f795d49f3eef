"""Who is at the other end: who answered, what follows, who lets us wait.  Pure.

Puts `Answering`, `Plan`, `Hold` and the two ears for tones and music together, and says
what they decide.  Tones are listened for while it is open who answered; whether we wait
is asked once there is somebody to wait for.
"""

from typing import Final

from realtime import actions as act
from realtime.audio.music import MusicMeter
from realtime.audio.signals import SignalDetector
from realtime.audio.vad import SpeechDetector
from realtime.config import CallConfig
from realtime.events import Line, Pcm
from realtime.far_end.answering import Answering, Effect, Ending, Kind, Plan, Verdict
from realtime.far_end.dead_air import DeadAir
from realtime.far_end.hold import Hold
from realtime.line.clock import LineClock
from realtime.line.delivery import Delivery
from realtime.outbox import Outbox
from realtime.protocols import browser
from realtime.text.typed import TypedTexts

MESSAGE_ID: Final = "voicemail"
"""What the message for a voicemail is called among the typed texts."""
_CONVERSATIONS: Final = frozenset({Kind.PERSON, Kind.MENU, Kind.SCREENING})
_SPEECHES: Final = frozenset({Kind.VOICEMAIL, Kind.MENU, Kind.FAX})
"""Whoever does not listen to a greeting."""


class Presence:
    """Follow who is at the other end.

    Args:
        config: the call's.
        delivery: is hushed while a machine talks.
        typed: says the message for a voicemail.
        clock: the call's.
        out: the session's.
    """

    def __init__(
        self,
        config: CallConfig,
        delivery: Delivery,
        typed: TypedTexts,
        clock: LineClock,
        out: Outbox,
    ) -> None:
        self._config = config
        self._delivery = delivery
        self._typed = typed
        self._clock = clock
        self._out = out
        self._answering = Answering(config.answering)
        message = config.voicemail_message.strip()
        self._is_screened = False
        """Somebody or something has asked who is calling."""
        self._dead_air = DeadAir(config.answering)
        self._plan = Plan(config.answering, leaves_message=bool(message))
        self._message = message
        self._translation = ""
        self._hold = Hold(config.hold)
        self._signals = SignalDetector()
        self._music = MusicMeter()
        self._is_known = config.start_ms > 0 or config.is_inbound
        """A call that is taken up again has been answered long ago, and one that came
        in by us."""
        self.ending: Ending | None = None
        """How the call is to end, once nobody can be reached."""
        self.farewell: Line | None = None
        """What is said before that, if anything is."""
        self.minds_silence = not config.is_inbound
        """Nobody else asks whether anybody is there, as an agent does."""
        self.greets_again = False
        """A person is there after all, and has not been greeted as one."""

    @property
    def kind(self) -> str:
        """Who or what picked up; "" while nothing is known."""
        verdict = self._answering.verdict
        is_open = verdict.kind is Kind.UNKNOWN and not verdict.reason
        return "" if is_open else verdict.kind.value

    @property
    def is_on_hold(self) -> bool:
        """Whether the other side lets us wait."""
        return self._hold.is_active

    @property
    def may_be_greeted(self) -> bool:
        """Whether there may be somebody who listens to who we are."""
        return self._answering.verdict.kind not in _SPEECHES

    def hear(self, pcm: Pcm) -> None:
        """Take 20 ms of the callee, int16 at 8 kHz."""
        self._music.push(pcm)
        if self._is_known or not self._answering.is_open:
            return
        signal = self._signals.push(pcm)
        if signal is not None:
            now_ms = self._clock.ms
            self._out.record("signal", {"signal": signal.value, "at_ms": now_ms})
            self._follow(self._plan.signal(signal, now_ms))
            self._decide(self._answering.signal(signal, now_ms))

    def tick(self, detector: SpeechDetector, behind_ms: int) -> None:
        """Let time pass.

        Args:
            detector: the callee's.
            behind_ms: how long ago what is detected now was said.
        """
        now_ms = self._clock.ms - behind_ms
        if not self._is_known:
            self._decide(
                self._answering.hear(
                    is_speech=detector.is_speech,
                    quiet_ms=detector.quiet_ms,
                    onset_ms=detector.onset_ms,
                    now_ms=now_ms,
                    have_we_spoken=self._delivery.has_spoken,
                )
            )
            is_speech = detector.is_speech
            self._follow(self._plan.tick(is_speech=is_speech, now_ms=now_ms))
            self._mind_the_message()
            self._mind_the_silence(is_speech=is_speech, now_ms=now_ms)
        if self._is_known or self._answering.verdict.kind in _CONVERSATIONS:
            self._tell_hold(
                self._hold.hear(
                    is_speech=detector.is_speech,
                    is_music=self._music.is_music,
                    is_playing=not self._delivery.is_empty,
                    now_ms=now_ms,
                )
            )

    def words(self, text: str) -> None:
        """Take all words of the callee's newest utterance so far."""
        if not self._is_known:
            self._decide(self._answering.words(text, self._clock.ms))
        self._tell_hold(self._hold.words(text))

    def told(self, kind: str) -> None:
        """Take the telephone company's verdict."""
        if not self._is_known:
            self._decide(self._answering.told(kind, self._clock.ms))

    def translated(self, text_id: str, translation: str) -> None:
        """Take the message for a voicemail in the callee's language."""
        if text_id == MESSAGE_ID:
            self._translation = translation

    def _decide(self, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        self._out.tell(browser.AnsweredBy(verdict.kind.value), is_public=True)
        self._out.do(act.StoreAnsweredBy(verdict.kind.value))
        data: dict[str, object] = {
            "kind": verdict.kind.value,
            "is_sure": verdict.is_sure,
            "evidence": verdict.cue.value if verdict.cue else "",
            "at_ms": self._clock.ms,
        }
        self._out.record("verdict", data)
        self._introduce(verdict.kind)
        self._follow(self._plan.decide(verdict, self._clock.ms))

    def _introduce(self, kind: Kind) -> None:
        """Say who we are to whoever asks for it, and to whom they then fetch."""
        delivery = self._delivery
        if kind is Kind.SCREENING:
            self._is_screened = True
            self.greets_again |= delivery.has_spoken and delivery.is_empty
        elif kind is Kind.PERSON and self._is_screened:
            self._is_screened = False
            patience_ms = self._config.answering.behind_screen_ms
            self.greets_again |= delivery.silent_ms >= patience_ms

    def _follow(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Effect.HUSH:
                    self._delivery.hush(is_hushed=True)
                    if not self._config.is_one_language:
                        # It takes a moment: time for the greeting that is heard now.
                        self._out.do(act.TranslateText(MESSAGE_ID, self._message))
                case Effect.SAY_MESSAGE:
                    self._typed.type(
                        MESSAGE_ID,
                        self._message,
                        self._clock.ms,
                        translation=self._translation,
                    )
                    if not self._typed.state_of(MESSAGE_ID):
                        self._follow(self._plan.not_said())  # too long to be said
                case Effect.SPEAK_AGAIN:
                    self._typed.withdraw(MESSAGE_ID)
                    self._delivery.hush(is_hushed=False)
                    self.greets_again = True
                case Effect.HANG_UP:
                    self.ending = self._plan.ending

    def _mind_the_silence(self, *, is_speech: bool, now_ms: int) -> None:
        """Ask into dead air whether anybody is there; say goodbye in the end."""
        if self._answering.verdict.kind is Kind.SILENCE:
            self._dead_air.begin(now_ms)
        else:
            self._dead_air.end()
        if not self.minds_silence:
            return
        is_ours = not self._delivery.is_empty
        line = self._dead_air.tick(is_speech=is_speech, is_ours=is_ours, now_ms=now_ms)
        if line is Line.NOBODY:
            self.ending, self.farewell = Ending("silence", "unreachable"), line
        elif line is not None:
            self._delivery.say(line)

    def _mind_the_message(self) -> None:
        match self._typed.state_of(MESSAGE_ID):
            case "spoken":
                self._follow(self._plan.said())
            case "failed" | "mismatch":
                self._follow(self._plan.not_said())

    def _tell_hold(self, changed: bool | None) -> None:
        if changed is None:
            return
        self._out.tell(browser.Hold(changed), is_public=True)
        self._out.record("hold", {"active": changed, "at_ms": self._clock.ms})

    def snapshot(self) -> list[browser.ServerMessage]:
        """Return what a client needs that attaches now."""
        messages: list[browser.ServerMessage] = []
        if self.kind:
            messages.append(browser.AnsweredBy(self.kind))
        if self.is_on_hold:
            messages.append(browser.Hold(active=True))
        return messages

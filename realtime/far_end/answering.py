"""Who answered, and what is done about it.  Pure.

Theory of operation.  Nobody says what they are, so evidence is collected: how long they
talk before they wait for us (a person says a word or two and waits, a machine goes on),
which words are recognised, which tones are heard, and what the telephone company's own
detection says.  Each piece of evidence names a verdict and the verdicts that it may
replace; so a verdict comes early and is revised when better evidence comes, as when
somebody picks up while the machine still talks.  A verdict is *sure* when words or a
tone said so, or a talk that is too long for anybody; only what is sure ends a call:
people and menus talk long as well, and the company's own detection goes by length.

    evidence                               verdict    instead of
    said a word or two and waits           person     none, silence, (voicemail)
    said the words of whoever picks up     person     all but fax
    talked long, then waits without beep   person     (voicemail)
    said other words last, and waits       person     menu, screening, voicemail
    talks for 4 s without waiting, unasked voicemail  none, silence
    ... for 20 s (15 s if the company says voicemail  none, silence; makes it sure
        machine as well), without words
    words of a voicemail                   voicemail  all but fax, a person known long
    a beep                                 voicemail  none, silence, who spoke once
    words of a menu                        menu       as of a voicemail
    words of a screening                   screening  none, silence, (any other)
    fax tones                              fax        all but who spoke again
    words or tones of a dead end           unknown    none, silence, who spoke once
    8 s without a sound                    silence    none
    the company: human                     person     none, silence, (voicemail)
    the company: machine, fax              likewise   none, silence

In brackets: only where it is not sure.

`Plan` decides what follows from it: a machine that takes messages is hung up on, or
given the message after its beep, once; fax machines and dead ends are hung up on.

    state     cue                               next      effects
    open      a voicemail, to hang up on        over      hang up
    open      a voicemail, to leave a message   waiting   hush
    open      a fax or a dead end               over      hang up
    waiting   beep                              speaking  say the message
    waiting   quiet                             speaking  say the message
    waiting   a person                          open      speak again
    waiting   a fax or a dead end               over      hang up
    waiting   too long                          over      hang up
    speaking  said                              over      hang up
    speaking  not said                          over      hang up
    speaking  a person                          open      speak again

Times are ms of the call's clock.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from realtime.audio.signals import Signal
from realtime.config import AnsweringConfig
from realtime.far_end import answer_words
from realtime.far_end.answer_words import Phrases


class Kind(StrEnum):
    """Who or what picked up (contract section 3)."""

    PERSON = "person"
    VOICEMAIL = "voicemail"
    MENU = "menu"
    SCREENING = "screening"
    FAX = "fax"
    SILENCE = "silence"
    UNKNOWN = "unknown"


class Cue(StrEnum):
    """A piece of evidence."""

    WAITS = "said a word or two and waits"
    GREETS = "said the words of whoever picks up"
    FINISHED = "talked long, then waits without a beep"
    REPLIED = "said other words last, and waits"
    LASTS = "talks without waiting"
    DRONES = "talks for very long without waiting"
    VOICEMAIL_WORDS = "words of a voicemail"
    BEEPS = "a beep"
    MENU_WORDS = "words of a menu"
    SCREENING_WORDS = "words of a screening"
    FAX_TONES = "fax tones"
    DEAD_END = "words or tones of a dead end"
    NOTHING = "no sound"
    TOLD_PERSON = "the company: human"
    TOLD_MACHINE = "the company: machine"
    TOLD_FAX = "the company: fax"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a piece of evidence says.

    Attributes:
        kind: the verdict.
        replaces: verdicts that it may replace, also where they are sure.
        doubts: verdicts that it may replace while they are not.
        is_sure: it is enough to end a call.
        early_only: a person who has been known for long is no machine for it.
        once_only: nor is a person who has spoken more than once.
    """

    kind: Kind
    replaces: frozenset[Kind]
    doubts: frozenset[Kind] = frozenset()
    is_sure: bool = False
    early_only: bool = False
    once_only: bool = False


def _kinds(*kinds: Kind) -> frozenset[Kind]:
    return frozenset(kinds)


_OPEN: Final = _kinds(Kind.UNKNOWN, Kind.SILENCE)
_NOT_FAX: Final = frozenset(Kind) - {Kind.FAX}
_MACHINES: Final = _kinds(Kind.VOICEMAIL, Kind.MENU, Kind.SCREENING)

RULES: Final[dict[Cue, _Rule]] = {
    Cue.WAITS: _Rule(Kind.PERSON, _OPEN, _kinds(Kind.VOICEMAIL)),
    Cue.GREETS: _Rule(Kind.PERSON, _NOT_FAX),
    Cue.FINISHED: _Rule(Kind.PERSON, _kinds(), _kinds(Kind.VOICEMAIL)),
    Cue.REPLIED: _Rule(Kind.PERSON, _MACHINES),
    Cue.LASTS: _Rule(Kind.VOICEMAIL, _OPEN),
    Cue.DRONES: _Rule(Kind.VOICEMAIL, _OPEN, is_sure=True),
    Cue.VOICEMAIL_WORDS: _Rule(
        Kind.VOICEMAIL, _NOT_FAX, is_sure=True, early_only=True
    ),
    Cue.BEEPS: _Rule(
        Kind.VOICEMAIL, _OPEN | {Kind.PERSON}, is_sure=True, early_only=True,
        once_only=True,
    ),
    Cue.MENU_WORDS: _Rule(Kind.MENU, _NOT_FAX, is_sure=True, early_only=True),
    Cue.SCREENING_WORDS: _Rule(
        Kind.SCREENING, _OPEN, _kinds(Kind.VOICEMAIL, Kind.PERSON), is_sure=True,
        early_only=True,
    ),
    Cue.FAX_TONES: _Rule(
        Kind.FAX, frozenset(Kind), is_sure=True, early_only=True, once_only=True
    ),
    Cue.DEAD_END: _Rule(
        Kind.UNKNOWN, _OPEN | {Kind.PERSON}, _kinds(Kind.VOICEMAIL), is_sure=True,
        early_only=True, once_only=True,
    ),
    Cue.NOTHING: _Rule(Kind.SILENCE, _kinds(Kind.UNKNOWN)),
    Cue.TOLD_PERSON: _Rule(Kind.PERSON, _OPEN, _kinds(Kind.VOICEMAIL)),
    Cue.TOLD_MACHINE: _Rule(Kind.VOICEMAIL, _OPEN),
    Cue.TOLD_FAX: _Rule(Kind.FAX, _OPEN),
}  # fmt: skip

_TOLD: Final = {
    Kind.PERSON: Cue.TOLD_PERSON,
    Kind.VOICEMAIL: Cue.TOLD_MACHINE,
    Kind.FAX: Cue.TOLD_FAX,
}
_WORDS: Final = (
    (Cue.VOICEMAIL_WORDS, Phrases(answer_words.VOICEMAIL)),
    (Cue.MENU_WORDS, Phrases(answer_words.MENU)),
    (Cue.SCREENING_WORDS, Phrases(answer_words.SCREENING)),
)
_DEAD_ENDS: Final = tuple(
    (reason, Phrases(patterns)) for reason, patterns in answer_words.DEAD_ENDS.items()
)
_GREETINGS: Final = Phrases(answer_words.GREETINGS)
_WAIT: Final = Phrases(answer_words.WAIT)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who or what picked up, as far as is known.

    Attributes:
        kind: who or what.
        is_sure: words, a tone, or a very long talk say so.
        cue: the evidence that decided; None before any.
        reason: why nobody can be reached here, a code of `calls.reasons`; "" otherwise.
    """

    kind: Kind = Kind.UNKNOWN
    is_sure: bool = False
    cue: Cue | None = None
    reason: str = ""


class Answering:
    """Find out who answered.

    Args:
        config: durations.
        answered_ms: when they picked up.
    """

    def __init__(self, config: AnsweringConfig, answered_ms: int = 0) -> None:
        self._config = config
        self._answered_ms = answered_ms
        self.verdict = Verdict()
        self._cues: set[Cue] = set()
        self._is_talking = False
        self._talk_ms = 0
        """When the present talk began, or the last one."""
        self._last_ms = answered_ms
        """When anything was heard last."""
        self._n_talks = 0
        self._is_unasked = True
        """The present talk began before they had heard anything of ours."""
        self._has_beeped = False
        self._has_words = False
        self._is_greeting = False
        self._is_machine_text = False
        self._asks_to_wait = False

    @property
    def is_open(self) -> bool:
        """Whether tones are still worth listening for: nobody has answered us yet."""
        return self.verdict.kind is not Kind.PERSON or self._n_talks < 2

    def hear(
        self,
        *,
        is_speech: bool,
        quiet_ms: int,
        onset_ms: int,
        now_ms: int,
        have_we_spoken: bool = False,
    ) -> Verdict | None:
        """Take the speech detector's word on the callee, once a tick.

        Args:
            is_speech: the detector's decision; it lets go of speech slowly.
            quiet_ms: how long they have been quiet within it.
            onset_ms: how long ago speech had begun when it was detected.
            now_ms: the call's clock.
            have_we_spoken: they have heard something of ours; who talks long then may
                be answering it.

        Returns:
            the verdict where it has changed.
        """
        c = self._config
        before = self.verdict
        if is_speech:
            if not self._is_talking:
                self._begin_talk(now_ms - onset_ms)
                self._is_unasked = not have_we_spoken
            self._last_ms = max(self._last_ms, now_ms - quiet_ms)
            talked_ms = self._last_ms - self._talk_ms if self._is_unasked else 0
            if talked_ms >= c.long_ms:
                self._take(Cue.LASTS, now_ms)
            is_told = Cue.TOLD_MACHINE in self._cues
            drone_ms = c.told_drone_ms if is_told else c.drone_ms
            if talked_ms >= drone_ms and not self._has_words:
                self._take(Cue.DRONES, now_ms)
        if self._is_talking:
            self._mind_the_wait(now_ms)
        elif not self._n_talks and now_ms - self._last_ms >= c.dead_air_ms:
            self._take(Cue.NOTHING, now_ms)
        return self._changed(before)

    def words(self, text: str, now_ms: int) -> Verdict | None:
        """Take what was recognised from the callee.

        Args:
            text: all words of the newest utterance so far.
            now_ms: the call's clock.

        Returns:
            the verdict where it has changed.
        """
        before = self.verdict
        self._has_words = bool(text.strip())
        self._is_greeting = _GREETINGS.is_all_of(text)
        self._asks_to_wait = _WAIT.is_in(text)
        found = [cue for cue, phrases in _WORDS if phrases.is_in(text)]
        reason = next((r for r, p in _DEAD_ENDS if p.is_in(text)), "")
        self._is_machine_text = bool(found or reason)
        if reason and not found:
            self._take(Cue.DEAD_END, now_ms, reason)
        for cue in found[:1]:
            self._take(cue, now_ms)
        return self._changed(before)

    def signal(self, signal: Signal, now_ms: int) -> Verdict | None:
        """Take a tone that was heard from the callee; otherwise as `words`."""
        before = self.verdict
        match signal:
            case Signal.BEEP:
                self._has_beeped = True
                self._take(Cue.BEEPS, now_ms)
            case Signal.FAX:
                self._take(Cue.FAX_TONES, now_ms)
            case Signal.SPECIAL:
                self._take(Cue.DEAD_END, now_ms, "invalid_number")
            case Signal.BUSY:
                self._take(Cue.DEAD_END, now_ms, "busy")
        return self._changed(before)

    def told(self, kind: str, now_ms: int) -> Verdict | None:
        """Take the telephone company's verdict; otherwise as `words`.

        Args:
            kind: a value of `Kind`; `unknown` says nothing.
            now_ms: the call's clock.
        """
        before = self.verdict
        cue = _TOLD.get(Kind(kind))
        if cue is not None:
            self._take(cue, now_ms)
        return self._changed(before)

    def _begin_talk(self, at_ms: int) -> None:
        self._is_talking = True
        self._talk_ms = at_ms
        self._n_talks += 1
        self._has_beeped = False
        self._has_words = self._is_greeting = False
        self._is_machine_text = self._asks_to_wait = False

    def _mind_the_wait(self, now_ms: int) -> None:
        """They have stopped: for a breath, or to let us speak?"""
        c = self._config
        talked_ms = self._last_ms - self._talk_ms
        waited_ms = now_ms - self._last_ms
        if waited_ms >= c.greeting_wait_ms and self._is_greeting:
            self._take(Cue.GREETS, now_ms)
        if self.verdict.kind in _MACHINES:
            if waited_ms >= c.machine_wait_ms:
                self._is_talking = False
                self._mind_the_end(now_ms)
            return
        wait_ms = c.wait_ms if talked_ms <= c.short_ms else c.machine_wait_ms
        if waited_ms >= wait_ms:
            self._is_talking = False
            if not self._is_machine_text:
                self._take(Cue.WAITS, now_ms)

    def _mind_the_end(self, now_ms: int) -> None:
        """A machine waits as if for an answer: is there somebody behind it now?"""
        if self._is_machine_text or self._asks_to_wait or self._has_beeped:
            return
        self._take(Cue.REPLIED if self._has_words else Cue.FINISHED, now_ms)

    def _take(self, cue: Cue, now_ms: int, reason: str = "") -> None:
        rule, now = RULES[cue], self.verdict
        if cue is Cue.FINISHED and Cue.TOLD_MACHINE in self._cues:
            return
        is_known = now.kind is Kind.PERSON
        is_late = now_ms - self._answered_ms > self._config.settle_ms
        if is_known and rule.early_only and is_late:
            return
        if is_known and rule.once_only and self._n_talks > 1:
            return
        self._cues.add(cue)
        if rule.kind is now.kind and not reason:
            is_sure = now.is_sure or rule.is_sure
            self.verdict = Verdict(now.kind, is_sure, now.cue or cue, now.reason)
        elif now.kind in rule.replaces or (now.kind in rule.doubts and not now.is_sure):
            if now.reason and rule.kind is not Kind.VOICEMAIL:
                return
            if rule.kind is Kind.PERSON and now.kind in _MACHINES:
                self._n_talks = max(2, self._n_talks)  # the machine was the first
            self.verdict = Verdict(rule.kind, rule.is_sure, cue, reason)

    def _changed(self, before: Verdict) -> Verdict | None:
        now = self.verdict
        is_same = (now.kind, now.is_sure, now.reason) == (
            before.kind, before.is_sure, before.reason,
        )  # fmt: skip
        return None if is_same else now


# --- What is done about it -----------------------------------------------------------


class State(StrEnum):
    """How far we are with a machine."""

    OPEN = "open"
    """A conversation, or not decided yet."""
    WAITING = "waiting"
    """For the beep."""
    SPEAKING = "speaking"
    OVER = "over"


class PlanCue(StrEnum):
    """What happens."""

    TO_HANG_UP_ON = "a voicemail, to hang up on"
    TO_TALK_TO = "a voicemail, to leave a message"
    NOBODY = "a fax or a dead end"
    PERSON = "a person"
    BEEP = "beep"
    QUIET = "quiet"
    TOO_LONG = "too long"
    SAID = "said"
    NOT_SAID = "not said"


class Effect(StrEnum):
    """What the session does about it."""

    HUSH = "hush"
    """Drop what is queued for the callee, and queue nothing until further notice."""
    SAY_MESSAGE = "say the message"
    SPEAK_AGAIN = "speak again"
    """A person is there after all: stop the message, speak as usual, greet."""
    HANG_UP = "hang up"


PLAN: Final[dict[tuple[State, PlanCue], tuple[State, tuple[Effect, ...]]]] = {
    (State.OPEN, PlanCue.TO_HANG_UP_ON): (State.OVER, (Effect.HANG_UP,)),
    (State.OPEN, PlanCue.TO_TALK_TO): (State.WAITING, (Effect.HUSH,)),
    (State.OPEN, PlanCue.NOBODY): (State.OVER, (Effect.HANG_UP,)),
    (State.WAITING, PlanCue.BEEP): (State.SPEAKING, (Effect.SAY_MESSAGE,)),
    (State.WAITING, PlanCue.QUIET): (State.SPEAKING, (Effect.SAY_MESSAGE,)),
    (State.WAITING, PlanCue.PERSON): (State.OPEN, (Effect.SPEAK_AGAIN,)),
    (State.WAITING, PlanCue.NOBODY): (State.OVER, (Effect.HANG_UP,)),
    (State.WAITING, PlanCue.TOO_LONG): (State.OVER, (Effect.HANG_UP,)),
    (State.SPEAKING, PlanCue.SAID): (State.OVER, (Effect.HANG_UP,)),
    (State.SPEAKING, PlanCue.NOT_SAID): (State.OVER, (Effect.HANG_UP,)),
    (State.SPEAKING, PlanCue.PERSON): (State.OPEN, (Effect.SPEAK_AGAIN,)),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call that reached nobody ends.

    Attributes:
        reason: a code of `calls.reasons`.
        outcome: a value of `calls.models.Outcome`.
    """

    reason: str
    outcome: str


class Plan:
    """Decide what is done about who answered.

    Args:
        config: durations.
        leaves_message: a message is left on a voicemail, rather than hung up.
    """

    def __init__(self, config: AnsweringConfig, *, leaves_message: bool) -> None:
        self._config = config
        self._leaves_message = leaves_message
        self.state = State.OPEN
        self.ending = Ending("", "")
        """How the call ends, once an effect says so."""
        self._since_ms = 0
        self._quiet_since_ms = 0
        self._beeped_ms: int | None = None

    def decide(self, verdict: Verdict, now_ms: int) -> tuple[Effect, ...]:
        """Take a new verdict.

        Args:
            verdict: who answered.
            now_ms: the call's clock.

        Returns:
            what has to be done now.
        """
        if verdict.kind is Kind.PERSON:
            return self._on(PlanCue.PERSON)
        if not verdict.is_sure:
            return ()
        if verdict.kind is Kind.FAX or verdict.reason:
            reason = verdict.reason or "fax"
            self.ending = Ending(reason, "unreachable")
            return self._on(PlanCue.NOBODY)
        if verdict.kind is not Kind.VOICEMAIL or self.state is not State.OPEN:
            return ()
        self.ending = Ending("voicemail", "unreachable")
        if not self._leaves_message:
            return self._on(PlanCue.TO_HANG_UP_ON)
        self._since_ms = self._quiet_since_ms = now_ms
        effects = self._on(PlanCue.TO_TALK_TO)
        beeped_ms = self._beeped_ms
        if beeped_ms is not None and now_ms - beeped_ms < self._config.after_beep_ms:
            effects += self._on(PlanCue.BEEP)
        return effects

    def signal(self, signal: Signal, now_ms: int) -> tuple[Effect, ...]:
        """Take a tone; returns as `decide`."""
        if signal is not Signal.BEEP:
            return ()
        self._beeped_ms = now_ms
        return self._on(PlanCue.BEEP)

    def tick(self, *, is_speech: bool, now_ms: int) -> tuple[Effect, ...]:
        """Let time pass.

        Args:
            is_speech: the callee's speech detector's decision.
            now_ms: the call's clock.

        Returns:
            what has to be done now.
        """
        if self.state is not State.WAITING:
            return ()
        if is_speech:
            self._quiet_since_ms = now_ms
            self._beeped_ms = None  # that was no end of a greeting
        if now_ms - self._quiet_since_ms >= self._config.no_beep_ms:
            return self._on(PlanCue.QUIET)
        if now_ms - self._since_ms >= self._config.greeting_limit_ms:
            return self._on(PlanCue.TOO_LONG)
        return ()

    def said(self) -> tuple[Effect, ...]:
        """The message has been played to its end.  Returns as `decide`."""
        if self.state is State.SPEAKING:
            self.ending = Ending("voicemail_left", "callback_needed")
        return self._on(PlanCue.SAID)

    def not_said(self) -> tuple[Effect, ...]:
        """The message could not be spoken.  Returns as `decide`."""
        return self._on(PlanCue.NOT_SAID)

    def _on(self, cue: PlanCue) -> tuple[Effect, ...]:
        if (self.state, cue) not in PLAN:
            return ()
        self.state, effects = PLAN[self.state, cue]
        return effects

"""The people who answer the lab's telephones, and the scripts they follow.

A script is data: `people/*.yaml`, one file per number.  This module reads it and
interprets it, purely: events and the time in, actions out.  The same interpreter plays
the callee (`script:`) and the scripted caller (`caller:`), who may also type.

    about to speak ──quiet for 400 ms──► speaking ──finished──► next step
        speaking ──finished, more to say──► pausing ──pause is over──► speaking
    listening in ──they talk for a while──► speaking (a word) ──finished──► listening in
        └──all words said, or they have stopped──► next step
    expecting ──the phrase──► next step
        │ └──another phrase──► remembered for a later step
        └──time is up──► reprompt, wait again ──time is up──► report it, next step
    menu, speaking or choosing ──a key──► its label
        └──a wrong key, or none in time──► says so, speaks again
    recording ──quiet, or time is up──► report what was heard, next step

Nobody waits for ever: every state has a deadline, and whatever was missed is in the
report.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

PEOPLE_DIR: Final = Path(__file__).parent / "people"

QUIET_MS: Final = 400
"""A polite person begins when nothing has been heard for this long, and takes a breath
of this length after the own last phrase."""
MAX_POLITENESS_MS: Final = 8000
"""And begins anyway after waiting this long for a silence."""
UNCLEAR_MS: Final = 3000
"""After something unintelligible, how long they wait before they ask again."""
STILL_TALKING_MS: Final = 1500
"""A deadline that passes while the other side talks moves to this long after it."""
MAX_EXTENSION_MS: Final = 15_000
"""But never further than this: music on hold is sound as well."""
MEMORY: Final = 4
"""How many phrases heard too early are remembered."""
STOPPED_MS: Final = 2500
"""Whoever listens in and hears nothing for this long takes it that the other side has
finished: playback that was held back for a word resumes sooner."""

REPEAT_REQUESTS: Final = frozenset(
    {"common_please_repeat", "common_louder", "common_speak_slowly"}
)
"""Whoever hears one of these says the last phrase again."""


# --- scripts --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Say one phrase, or several with set pauses, whatever is heard meanwhile.

    Attributes:
        phrase_ids: what is said, in order.
        pause_ms: one pause for all, or each pause between two phrases.

    Raises:
        ValueError: nothing to say, or the wrong number of pauses.
    """

    phrase_ids: tuple[str, ...]
    pause_ms: int | Sequence[int] = 300

    def __post_init__(self) -> None:
        pauses = self.pause_ms
        if not self.phrase_ids:
            raise ValueError("say: at least one phrase.")
        if not isinstance(pauses, int) and len(pauses) != len(self.phrase_ids) - 1:
            raise ValueError("pause_ms: one number, or one for each pause.")

    def pause_after(self, n: int) -> int:
        """Return the pause after phrase `n`, ms."""
        return self.pause_ms if isinstance(self.pause_ms, int) else self.pause_ms[n]


@dataclass(frozen=True, slots=True)
class Type:
    """Write one phrase instead of saying it; a caller's only."""

    phrase_id: str


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait for a phrase.

    Attributes:
        phrase_ids: any of them.
        timeout_ms: until it is asked for, or given up.
        reprompt: what is said once if it does not come.
        otherwise: the label to go on at if it does not come; default: the next step.
        branches: phrase → the label to go on at when it is that one.

    Raises:
        ValueError: a branch of a phrase that is not waited for.
    """

    phrase_ids: tuple[str, ...]
    timeout_ms: int = 20_000
    reprompt: str | None = None
    otherwise: str | None = None
    branches: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.branches.keys() <= set(self.phrase_ids):
            raise ValueError("branches: only of phrases that are waited for.")


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Talk over the other side once they have talked for `after_ms`."""

    phrase_id: str
    after_ms: int = 1500
    timeout_ms: int = 20_000


@dataclass(frozen=True, slots=True)
class Backchannel:
    """Say short words into the other side's talk, without wanting the floor.

    Attributes:
        phrase_ids: the words, in turn and again from the first.
        after_ms: how long the other side has talked before each of them.
        times: how many words.
        timeout_ms: for each of them; then the script goes on.
    """

    phrase_ids: tuple[str, ...]
    after_ms: int = 1200
    times: int = 3
    timeout_ms: int = 20_000

    def __post_init__(self) -> None:
        if not self.phrase_ids:
            raise ValueError("backchannel: at least one phrase.")


@dataclass(frozen=True, slots=True)
class Wait:
    ms: int


@dataclass(frozen=True, slots=True)
class Press:
    digits: str


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class Play:
    """Let the other side hear a sound that is no speech.

    Attributes:
        sound: a name of `lab.telephone.sounds.SOUNDS`.
        ms: its length; 0 is what it usually has.
    """

    sound: str
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Menu:
    """Read choices aloud until a key is pressed.

    Attributes:
        phrase_ids: what is said; a key interrupts it.
        keys: key → label.
        wrong: what is said of any other key.
        pause_ms: between two phrases.
        timeout_ms: from the last phrase until all of it is said again.
        times: how often it is said; then the script goes on.
    """

    phrase_ids: tuple[str, ...]
    keys: Mapping[str, str]
    wrong: str | None = None
    pause_ms: int = 400
    timeout_ms: int = 5000
    times: int = 3

    def __post_init__(self) -> None:
        if not self.phrase_ids or not self.keys:
            raise ValueError("menu: at least one phrase, and one of keys.")

    def pause_after(self, n: int) -> int:
        """Return the pause after phrase `n`, ms."""
        return self.pause_ms


@dataclass(frozen=True, slots=True)
class Record:
    """Note what is heard, as a voicemail does.

    Attributes:
        ms: at most so long.
        silence_ms: it ends when nothing has been heard for so long.
    """

    ms: int
    silence_ms: int = 5000


@dataclass(frozen=True, slots=True)
class Polite:
    """Wait for silence before speaking, or not; machines do not."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the script."""

    name: str


@dataclass(frozen=True, slots=True)
class Go:
    """Go on at a label."""

    label: str


Step = (
    Say | Type | Expect | Interrupt | Backchannel | Wait | Press | HangUp | Play
    | Menu | Record | Polite | Label | Go
)  # fmt: skip


class Answer(StrEnum):
    """What happens when the number is dialled."""

    PERSON = "person"
    BUSY = "busy"
    NOBODY = "nobody"
    UNASSIGNED = "unassigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One entry of the number table."""

    id: str
    number: str
    name: Mapping[str, str]
    description: str = ""
    place: Mapping[str, str] = field(default_factory=dict)
    """How the local search knows it: category, address, roadAddress, mapx, mapy."""
    language: str = "ko"
    voice: str = "a"
    speed_wpm: int = 160
    answer: Answer = Answer.PERSON
    answer_after_ms: int = 2000
    answered_by: str = "human"
    verdict_after_ms: int = 3000
    """When the machine detection speaks, after pickup."""
    line: str | Mapping[str, Any] = field(default_factory=dict)
    """A condition of `lines.yaml`, or what differs from the lab's default line
    (`lab.lines.Choice`)."""
    steps: tuple[Step, ...] = ()
    caller: tuple[Step, ...] = ()
    """The scripted caller's side, in `caller_language`."""
    caller_language: str = "en"
    """Where it is `language`, nothing is translated."""


def phrase_ids(steps: Sequence[Step]) -> set[str]:
    """Name every phrase that some steps say or wait for."""
    ids = {step.phrase_id for step in steps if isinstance(step, Type)}
    for step in steps:
        if isinstance(step, Expect):
            ids |= set(step.phrase_ids)
    return spoken_ids(steps) | ids


def spoken_ids(steps: Sequence[Step]) -> set[str]:
    """Name every phrase that some steps may say, reprompts included."""
    ids = {step.phrase_id for step in steps if isinstance(step, Interrupt)}
    for step in steps:
        if isinstance(step, Say | Backchannel | Menu):
            ids |= set(step.phrase_ids)
        if isinstance(step, Menu) and step.wrong:
            ids.add(step.wrong)
    return ids | {s.reprompt for s in steps if isinstance(s, Expect) and s.reprompt}


def _labels(steps: Sequence[Step]) -> dict[str, int]:
    """Find every label; ValueError where one is missing or there twice."""
    places: dict[str, int] = {}
    for index, step in enumerate(steps):
        if isinstance(step, Label):
            if step.name in places:
                raise ValueError(f"label {step.name} is there twice.")
            places[step.name] = index
    wanted = {step.label for step in steps if isinstance(step, Go)}
    for step in steps:
        if isinstance(step, Menu):
            wanted |= set(step.keys.values())
        if isinstance(step, Expect):
            wanted |= set(step.branches.values())
            wanted |= {step.otherwise} if step.otherwise else set()
    if missing := wanted - places.keys():
        raise ValueError(f"there is no label {min(missing)}.")
    return places


_VERBS: Final[dict[str, type[Step]]] = {
    "say": Say,
    "type": Type,
    "expect": Expect,
    "interrupt": Interrupt,
    "backchannel": Backchannel,
    "wait_ms": Wait,
    "press": Press,
    "hang_up": HangUp,
    "play": Play,
    "menu": Menu,
    "record_ms": Record,
    "polite": Polite,
    "label": Label,
    "go": Go,
}


def parse_step(value: Mapping[str, Any]) -> Step:
    """Read one step: its verb with what it is about, and its options.

    Args:
        value: for example `{"expect": ["common_yes"], "timeout_ms": 8000}`.

    Raises:
        ValueError: no verb, two verbs, or an option that the verb lacks.
    """
    verbs = [name for name in value if name in _VERBS]
    if len(verbs) != 1:
        raise ValueError(f"A step has exactly one verb: {dict(value)}")
    subject = value[verbs[0]]
    options = {name: v for name, v in value.items() if name != verbs[0]}
    kind = _VERBS[verbs[0]]
    if kind is HangUp:
        arguments: tuple[Any, ...] = ()
    elif kind in (Say, Expect, Backchannel, Menu):
        arguments = ((subject,) if isinstance(subject, str) else tuple(subject),)
    else:
        arguments = (subject,)
    if "keys" in options:  # YAML reads a digit as a number
        options["keys"] = {str(key): v for key, v in options["keys"].items()}
    try:
        return kind(*arguments, **options)
    except TypeError as error:
        raise ValueError(f"{dict(value)}: {error}") from None


def parse_script(script_id: str, value: Mapping[str, Any]) -> Script:
    """Read one person.

    Args:
        script_id: the name of the file without `.yaml`.
        value: its content.

    Raises:
        ValueError: something the format does not know.
    """
    value = dict(value)
    steps = tuple(parse_step(step) for step in value.pop("script", ()))
    caller = tuple(parse_step(step) for step in value.pop("caller", ()))
    for part in (steps, caller):
        try:
            _labels(part)
        except ValueError as error:
            raise ValueError(f"{script_id}: {error}") from None
    try:
        answer = Answer(value.pop("answer", Answer.PERSON))
        return Script(id=script_id, answer=answer, steps=steps, caller=caller, **value)
    except TypeError as error:
        raise ValueError(f"{script_id}: {error}") from None


@cache
def load_people(folder: Path = PEOPLE_DIR) -> Mapping[str, Script]:
    """Read the number table.

    Args:
        folder: where the YAML files are.

    Returns:
        Script by E.164 number, in the order of the numbers.

    Raises:
        ValueError: a file that cannot be read, or a number that is given twice.
    """
    people: dict[str, Script] = {}
    for path in folder.glob("*.yaml"):
        script = parse_script(path.stem, yaml.safe_load(path.read_text("utf-8")))
        if script.number in people:
            raise ValueError(f"{script.number} belongs to two people.")
        people[script.number] = script
    return dict(sorted(people.items()))


# --- what a person perceives and does ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody said something; None is speech that was not understood."""

    phrase_id: str | None


@dataclass(frozen=True, slots=True)
class Sound:
    """Speech or any other sound begins or ends on the line."""

    active: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """What the person was saying has been said."""


@dataclass(frozen=True, slots=True)
class Key:
    """The other side pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passes."""


Event = Heard | Sound | Finished | Key | Tick


@dataclass(frozen=True, slots=True)
class Speak:
    phrase_id: str


@dataclass(frozen=True, slots=True)
class Write:
    """Type a phrase and send it; it is `Finished` as a spoken one is."""

    phrase_id: str


@dataclass(frozen=True, slots=True)
class PressKeys:
    digits: str


@dataclass(frozen=True, slots=True)
class PutDown:
    """Hang up."""


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Let a sound be heard; it is `Finished` as a phrase is."""

    sound: str
    ms: int


@dataclass(frozen=True, slots=True)
class Hush:
    """Say no more of the present phrase."""


Action = Speak | Write | PressKeys | PutDown | PlaySound | Hush


class Result(StrEnum):
    HEARD = "heard"
    EARLY = "early"
    """Heard before the step was reached; understood all the same."""
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step that waits for something.

    Attributes:
        heard: the phrase, or the key of a menu.
        recorded: everything that was heard while a message was recorded; None is
            speech that was not understood.
    """

    step: int
    wanted: tuple[str, ...]
    result: Result
    heard: str | None
    reprompts: int
    at_ms: float
    recorded: tuple[str | None, ...] = ()


class _State(StrEnum):
    NEW = "new"
    ABOUT_TO_SPEAK = "about_to_speak"
    SPEAKING = "speaking"
    EXPECTING = "expecting"
    PAUSING = "pausing"
    LYING_IN_WAIT = "lying_in_wait"
    LISTENING_IN = "listening_in"
    WAITING = "waiting"
    CHOOSING = "choosing"
    RECORDING = "recording"
    DONE = "done"


class Person:
    """Follow one script.  Pure: time is an argument, in ms since pickup.

    Args:
        steps: the script.
        types: writes everything instead of saying it.
    """

    def __init__(self, steps: Sequence[Step], *, types: bool = False) -> None:
        self._steps = tuple(steps)
        self._types = types
        self._is_typing = types
        """Whether what is said next is typed."""
        self._has_typed = types
        """Whether what was said last was typed."""
        self._index = -1
        self._state = _State.NEW
        self._deadline_ms = 0.0
        self._latest_ms = 0.0
        """The deadline is not moved beyond this."""
        self._to_say: str | None = None
        self._last_said: str | None = None
        self._goes_on = True
        """Whether the script advances when the current phrase has been said."""
        self._reprompts = 0
        self._n_said = 0
        """How many phrases of the current step have been begun."""
        self._spoke_until_ms = 0.0
        self._is_sounding = False
        self._sound_since_ms = 0.0
        self._quiet_since_ms = 0.0
        self._early: deque[str] = deque(maxlen=MEMORY)
        self._labels = _labels(self._steps)
        self._is_polite = True
        self._recorded: list[str | None] = []
        self.outcomes: list[Outcome] = []

    @property
    def is_done(self) -> bool:
        """Whether the script has come to its end."""
        return self._state is _State.DONE

    @property
    def step(self) -> int:
        """Which step is being followed, from 0; -1 before the first."""
        return self._index

    @property
    def state(self) -> str:
        """What the person is doing, for the report."""
        return self._state.value

    @property
    def missed(self) -> list[Outcome]:
        """What was waited for in vain."""
        return [o for o in self.outcomes if o.result is Result.MISSED]

    def receive(self, event: Event, now_ms: float) -> list[Action]:
        """Perceive something and decide what to do.

        Args:
            event: what happened; a `Tick` every 20 ms keeps time.
            now_ms: ms since pickup, never going back.
        """
        if self._state is _State.NEW:
            return self._next(now_ms) + self.receive(event, now_ms)
        match event:
            case Sound(active):
                self._is_sounding = active
                if active:
                    self._sound_since_ms = now_ms
                else:
                    self._quiet_since_ms = now_ms
            case Heard(phrase_id):
                return self._hear(phrase_id, now_ms)
            case Key(digit):
                return self._choose(digit, now_ms)
            case Finished() if self._state is _State.SPEAKING:
                return self._finish(now_ms)
            case _:
                pass
        return self._keep_time(now_ms)

    def hung_up(self, now_ms: float) -> None:
        """The other side has hung up: a message ends there."""
        if self._state is _State.RECORDING:
            result = Result.HEARD if self._recorded else Result.MISSED
            self._conclude(result, None, now_ms)
        self._state = _State.DONE

    def _next(self, now_ms: float) -> list[Action]:
        """Begin the next step; steps that take no time follow at once."""
        actions: list[Action] = []
        while True:
            self._index += 1
            self._reprompts = self._n_said = 0
            self._is_typing = self._types
            if self._index >= len(self._steps):
                self._state = _State.DONE
                return actions
            match self._steps[self._index]:
                case Say() as step:
                    self._n_said = 1
                    self._intend(step.phrase_ids[0], now_ms, goes_on=True)
                    return actions + self._keep_time(now_ms)
                case Type(phrase_id):
                    self._is_typing = True
                    self._intend(phrase_id, now_ms, goes_on=True)
                    return actions + self._keep_time(now_ms)
                case Backchannel() as step:
                    self._wait(_State.LISTENING_IN, step.timeout_ms, now_ms)
                    return actions
                case Expect() as step:
                    if not self._was_early(step, now_ms):
                        self._wait(_State.EXPECTING, step.timeout_ms, now_ms)
                        return actions
                case Interrupt() as step:
                    self._wait(_State.LYING_IN_WAIT, step.timeout_ms, now_ms)
                    return actions
                case Wait(ms):
                    self._wait(_State.WAITING, ms, now_ms)
                    return actions
                case Press(digits):
                    actions.append(PressKeys(digits))
                case Play(sound, ms):
                    self._wait(_State.SPEAKING, 0, now_ms)
                    self._goes_on = True
                    return [*actions, PlaySound(sound, ms)]
                case Menu():
                    return actions + self._read_menu(now_ms)
                case Record() as step:
                    self._recorded.clear()
                    self._wait(_State.RECORDING, step.ms, now_ms)
                    return actions
                case Polite(is_on):
                    self._is_polite = is_on
                case Go(label):
                    self._index = self._labels[label]
                case HangUp():
                    self._state = _State.DONE
                    return [*actions, PutDown()]

    def _go_to(self, label: str, now_ms: float) -> list[Action]:
        self._index = self._labels[label]
        return self._next(now_ms)

    def _read_menu(self, now_ms: float) -> list[Action]:
        step = self._steps[self._index]
        if not isinstance(step, Menu):
            return []
        self._n_said = 1
        self._reprompts += 1
        self._intend(step.phrase_ids[0], now_ms, goes_on=True)
        return self._keep_time(now_ms)

    def _choose(self, digit: str, now_ms: float) -> list[Action]:
        """Take a key."""
        step = self._steps[self._index] if not self.is_done else None
        if not isinstance(step, Menu):
            return []
        is_speaking = self._state is _State.SPEAKING
        hush: list[Action] = [Hush()] if is_speaking else []
        if is_speaking:
            self._spoke_until_ms = now_ms
        if digit in step.keys:
            self._conclude(Result.HEARD, digit, now_ms)
            return hush + self._go_to(step.keys[digit], now_ms)
        self._conclude(Result.MISSED, digit, now_ms)
        if step.wrong is None:
            return hush + self._read_menu(now_ms)
        self._n_said = 0
        self._intend(step.wrong, now_ms, goes_on=True)
        return hush + self._keep_time(now_ms)

    def _wait(self, state: _State, ms: float, now_ms: float) -> None:
        self._state = state
        self._deadline_ms = now_ms + ms
        self._latest_ms = self._deadline_ms + MAX_EXTENSION_MS

    def _intend(self, phrase_id: str, now_ms: float, *, goes_on: bool) -> None:
        self._wait(_State.ABOUT_TO_SPEAK, MAX_POLITENESS_MS, now_ms)
        self._to_say = phrase_id
        self._goes_on = goes_on

    def _speak(self) -> list[Action]:
        phrase_id = self._to_say
        if phrase_id is None:  # cannot be: _intend always names one
            return []
        self._state = _State.SPEAKING
        is_word = isinstance(self._steps[self._index], Backchannel)
        if phrase_id not in REPEAT_REQUESTS and not is_word:
            self._last_said = phrase_id
            self._has_typed = self._is_typing
        return [Write(phrase_id) if self._is_typing else Speak(phrase_id)]

    def _finish(self, now_ms: float) -> list[Action]:
        """Go on after something has been said."""
        self._spoke_until_ms = now_ms
        match self._steps[self._index]:
            case Backchannel() as step if self._n_said < step.times:
                self._wait(_State.LISTENING_IN, step.timeout_ms, now_ms)
                return []
            case Backchannel():
                self._conclude(Result.HEARD, None, now_ms)
            case Say() | Menu() as step if self._n_said < len(step.phrase_ids):
                pause_ms = step.pause_after(self._n_said - 1)
                self._wait(_State.PAUSING, pause_ms, now_ms)
                return self._keep_time(now_ms)
            case Menu() as step:
                self._wait(_State.CHOOSING, step.timeout_ms, now_ms)
                return []
        return self._next(now_ms) if self._goes_on else self._expect_again(now_ms)

    def _expect_again(self, now_ms: float) -> list[Action]:
        """Go back to waiting, after a reprompt or a repetition."""
        step = self._steps[self._index]
        if isinstance(step, Expect):
            if self._was_early(step, now_ms):
                return self._next(now_ms)
            self._wait(_State.EXPECTING, step.timeout_ms, now_ms)
        return []

    def _was_early(self, step: Expect, now_ms: float) -> bool:
        for phrase_id in self._early:
            if phrase_id in step.phrase_ids:
                self._early.remove(phrase_id)
                self._conclude(Result.EARLY, phrase_id, now_ms)
                self._branch(step, phrase_id)
                return True
        return False

    def _branch(self, step: Expect, phrase_id: str) -> None:
        """Let the next step be the one behind the label, if this phrase has one."""
        if phrase_id in step.branches:
            self._index = self._labels[step.branches[phrase_id]]

    def _conclude(self, result: Result, heard: str | None, now_ms: float) -> None:
        step = self._steps[self._index]
        wanted = step.phrase_ids if isinstance(step, Expect) else ()
        recorded = tuple(self._recorded) if isinstance(step, Record) else ()
        self.outcomes.append(
            Outcome(
                self._index, wanted, result, heard, self._reprompts, now_ms, recorded
            )
        )

    def _hear(self, phrase_id: str | None, now_ms: float) -> list[Action]:
        step = self._steps[self._index] if not self.is_done else None
        if self._state is _State.RECORDING:
            self._recorded.append(phrase_id)
            return []
        if isinstance(step, Expect) and self._state is _State.EXPECTING:
            if phrase_id is None:
                if step.reprompt and self._reprompts == 0:
                    soon = now_ms + UNCLEAR_MS
                    self._deadline_ms = min(self._deadline_ms, soon)
                return []
            if phrase_id in step.phrase_ids:
                self._conclude(Result.HEARD, phrase_id, now_ms)
                self._branch(step, phrase_id)
                return self._next(now_ms)
            if phrase_id in REPEAT_REQUESTS and self._last_said:
                self._is_typing = self._has_typed
                self._intend(self._last_said, now_ms, goes_on=False)
                return self._keep_time(now_ms)
        if phrase_id is not None and phrase_id not in self._early:
            self._early.append(phrase_id)
        return []

    def _keep_time(self, now_ms: float) -> list[Action]:
        """Do what the time has come for."""
        match self._state:
            case _State.ABOUT_TO_SPEAK:
                quiet_since_ms = max(self._quiet_since_ms, self._spoke_until_ms)
                if not self._is_polite:
                    quiet_since_ms = self._spoke_until_ms
                is_sounding = self._is_sounding and self._is_polite
                is_quiet = not is_sounding and now_ms - quiet_since_ms >= QUIET_MS
                # Who types does not have to wait for a silence.
                if self._is_typing or is_quiet or now_ms >= self._deadline_ms:
                    return self._speak()
            case _State.WAITING if now_ms >= self._deadline_ms:
                return self._next(now_ms)
            case _State.PAUSING if now_ms >= self._deadline_ms:
                step = self._steps[self._index]
                if isinstance(step, Say | Menu):
                    self._to_say = step.phrase_ids[self._n_said]
                    self._n_said += 1
                return self._speak()
            case _State.LYING_IN_WAIT:
                return self._lie_in_wait(now_ms)
            case _State.LISTENING_IN:
                return self._listen_in(now_ms)
            case _State.EXPECTING if now_ms >= self._deadline_ms:
                return self._time_is_up(now_ms)
            case _State.CHOOSING if now_ms >= self._deadline_ms:
                return self._no_key(now_ms)
            case _State.RECORDING:
                return self._record_on(now_ms)
        return []

    def _no_key(self, now_ms: float) -> list[Action]:
        step = self._steps[self._index]
        if isinstance(step, Menu) and self._reprompts < step.times:
            return self._read_menu(now_ms)
        self._conclude(Result.MISSED, None, now_ms)
        return self._next(now_ms)

    def _record_on(self, now_ms: float) -> list[Action]:
        step = self._steps[self._index]
        if not isinstance(step, Record):
            return []
        began_ms = self._deadline_ms - step.ms
        quiet_since_ms = max(self._quiet_since_ms, began_ms)
        is_quiet = not self._is_sounding and now_ms - quiet_since_ms >= step.silence_ms
        if not is_quiet and now_ms < self._deadline_ms:
            return []
        self._conclude(Result.HEARD if self._recorded else Result.MISSED, None, now_ms)
        return self._next(now_ms)

    def _lie_in_wait(self, now_ms: float) -> list[Action]:
        step = self._steps[self._index]
        if not isinstance(step, Interrupt):
            return []
        is_time = self._is_sounding and now_ms - self._sound_since_ms >= step.after_ms
        if not is_time and now_ms < self._deadline_ms:
            return []
        result = Result.HEARD if is_time else Result.MISSED
        self._conclude(result, None, now_ms)
        self._to_say, self._goes_on = step.phrase_id, True
        return self._speak()

    def _listen_in(self, now_ms: float) -> list[Action]:
        step = self._steps[self._index]
        if not isinstance(step, Backchannel):
            return []
        since_ms = max(self._sound_since_ms, self._spoke_until_ms)
        if self._is_sounding and now_ms - since_ms >= step.after_ms:
            self._to_say = step.phrase_ids[self._n_said % len(step.phrase_ids)]
            self._goes_on = True
            self._n_said += 1
            return self._speak()
        has_stopped = (
            self._n_said > 0
            and not self._is_sounding
            and now_ms - max(self._quiet_since_ms, self._spoke_until_ms) >= STOPPED_MS
        )
        if not has_stopped and now_ms < self._deadline_ms:
            return []
        self._conclude(Result.MISSED, None, now_ms)
        return self._next(now_ms)

    def _time_is_up(self, now_ms: float) -> list[Action]:
        step = self._steps[self._index]
        if not isinstance(step, Expect):
            return []
        if now_ms < self._latest_ms:
            if self._is_sounding:
                return []
            if now_ms - self._quiet_since_ms < STILL_TALKING_MS:
                return []
        if step.reprompt and self._reprompts == 0:
            self._reprompts += 1
            self._is_typing = self._types
            self._intend(step.reprompt, now_ms, goes_on=False)
            return self._keep_time(now_ms)
        self._conclude(Result.MISSED, None, now_ms)
        if step.otherwise:
            return self._go_to(step.otherwise, now_ms)
        return self._next(now_ms)

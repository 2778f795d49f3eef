"""What happens to the agent, and what it wants done.  Pure data."""

from dataclasses import dataclass, field
from typing import Any, Literal

from realtime.events import AgentSpoke, Line, ToolCalled

Role = Literal["user", "assistant", "system"]
Outcome = Literal["success", "partial", "callback_needed", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said in the call, in the callee's language."""

    role: Role
    utterance_id: str
    text: str


# --- What happens --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connected:
    """The callee is on the line, and nothing stands in the way of a greeting."""


@dataclass(frozen=True, slots=True)
class CalleeTurn:
    """The callee has finished speaking: these utterances are to be answered."""

    utterance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """All text of what a person said is known, in the callee's language."""

    speaker: Literal["callee", "caller"]
    utterance_id: str
    text: str


@dataclass(frozen=True, slots=True)
class LineChanged:
    """Whether our sound is playing or waiting, and whether the callee speaks."""

    is_playing: bool
    is_callee_speaking: bool
    is_on_hold: bool = False


@dataclass(frozen=True, slots=True)
class KeysPressed:
    """Keys were sent to the telephone, or could not be."""

    is_sent: bool


@dataclass(frozen=True, slots=True)
class KeysRefused:
    """Keys that were taken for sent have not been pressed."""


@dataclass(frozen=True, slots=True)
class OwnerAnswered:
    """The owner has answered a question (`answer` of the caller's socket)."""

    question_id: str
    text: str


@dataclass(frozen=True, slots=True)
class OwnerWhispered:
    """The owner tells the agent something (`whisper` of the caller's socket)."""

    text: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The owner speaks or types themselves: the mode is not `agent` any more."""


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The mode is `agent` again."""


@dataclass(frozen=True, slots=True)
class EngineOpened:
    """The engine has a session, the first one or a new one that knows nothing."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """Whoever called us hears our first words: fixed ones, not the model's."""

    utterance_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TransferTried:
    """Whoever called us was put through, or could not be."""

    is_done: bool


@dataclass(frozen=True, slots=True)
class Misspoke:
    """The model says something that nobody should hear; the rest is not said."""


@dataclass(frozen=True, slots=True)
class SpokeFamiliarly:
    """The model does not speak as one speaks to a stranger."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """The time that `next_deadline` named has come."""


Event = (
    Connected
    | CalleeTurn
    | Heard
    | ToolCalled
    | AgentSpoke
    | LineChanged
    | KeysPressed
    | KeysRefused
    | OwnerAnswered
    | OwnerWhispered
    | TakenOver
    | HandedBack
    | EngineOpened
    | Greeted
    | TransferTried
    | Misspoke
    | SpokeFamiliarly
    | Ticked
)


# --- What is to be done --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Respond:
    """Command: have the model speak, when its last response is finished.

    Attributes:
        utterance_ids: what it answers; empty: nobody has said anything.
        instruction: what this one response is about, as the system's word.
        may_call: it may call tools.
    """

    utterance_ids: tuple[str, ...] = ()
    instruction: str = ""
    may_call: bool = True


@dataclass(frozen=True, slots=True)
class GiveOutput:
    """Command: give the output of a tool; a response follows if `is_answered`."""

    call_id: str
    output: str
    is_answered: bool = True


@dataclass(frozen=True, slots=True)
class Remember:
    """Command: put a text into the conversation, without a response."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Command: put a call of a tool into a conversation that does not know it."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Command: stop the response that is being made, and forget those that wait."""


Command = Respond | GiveOutput | Remember | Recall | Stop


@dataclass(frozen=True, slots=True)
class Ask:
    """Show the owner a question; `expires_ms` is how long there is to answer."""

    question_id: str
    text: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class SayLine:
    """Say one of the fixed sentences to the callee."""

    line: Line


@dataclass(frozen=True, slots=True)
class PressKeys:
    """Press keys of the telephone; `KeysPressed` says what came of it."""

    digits: str


@dataclass(frozen=True, slots=True)
class PutThrough:
    """Put whoever called us through; `TransferTried` says what came of it."""


@dataclass(frozen=True, slots=True)
class Apologise:
    """There is no agent to be had: have the telephone company say so, and end."""


@dataclass(frozen=True, slots=True)
class LeaveUnanswered:
    """Nobody answers these utterances of the callee: they need no answer."""

    utterance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoreResult:
    """Keep what has been found out so far: JSON, see `Agent.result`."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """Keep an event of the call, without a spoken word in it."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call.

    Attributes:
        outcome: of `calls.models.Outcome`.
        reason: a code of `calls.reasons`.
        line: said first, where the agent itself cannot say goodbye.
    """

    outcome: Outcome
    reason: str = "agent_finished"
    line: Line | None = None


Action = (
    Command
    | Ask
    | SayLine
    | PressKeys
    | PutThrough
    | Apologise
    | LeaveUnanswered
    | StoreResult
    | Note
    | HangUp
)

"""The AI makes the call for the caller: what it does between the sentences.  Pure.

Theory of operation.  The model listens, speaks and calls tools; this decides what comes
of it.  Every call of a tool gets an output and then a new response, so a tool never
mutes the agent; arguments that cannot be used get an output that says what to correct.
A question to the owner is the one output that takes time: the callee is asked to wait
at once and again, may go on talking, and the answer, or the fallback when nobody has
answered, becomes the output.  The end is asked for by the model: it says goodbye, and
the line is closed only when that was really heard and nobody speaks; whoever then still
wants something is listened to.  Nothing is decided by sound: the session's turn-taking
decides who may speak, here as everywhere.

    state    cue                        next     effects
    opening  the callee spoke           working  respond
    opening  nobody spoke               working  respond
    working  ask_owner                  asking   ask, say "one moment"
    asking   answered                   working  output, respond
    asking   nobody answered            working  output (fallback), respond
    working  end_call                   closing  say goodbye
    asking   end_call                   closing  say goodbye
    closing  the callee wants more      working  respond
    closing  goodbye was heard          over     hang up
    any      taken over                 away     stop
    away     handed back                working  say what happened, respond
    any      broken                     over     hang up

`receive(event, now)` returns actions; `now` is monotonic seconds, as in the session.
Actions are either commands for the engine (`Command`) or for the session.
"""

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from realtime.agent import tools
from realtime.agent.brief import FALLBACKS, Brief
from realtime.agent.messages import (
    Action,
    Ask,
    CalleeTurn,
    Connected,
    EngineOpened,
    Event,
    GiveOutput,
    HandedBack,
    HangUp,
    Heard,
    KeysPressed,
    KeysRefused,
    LeaveUnanswered,
    LineChanged,
    Misspoke,
    Note,
    Outcome,
    OwnerAnswered,
    OwnerWhispered,
    PressKeys,
    Recall,
    Remember,
    Respond,
    Role,
    Said,
    SayLine,
    SpokeFamiliarly,
    Stop,
    StoreResult,
    TakenOver,
    Ticked,
)
from realtime.config import AgentConfig
from realtime.events import AgentSpoke, Line, ToolCalled
from realtime.turns import is_backchannel


class State(StrEnum):
    """Where the agent stands."""

    OPENING = "opening"
    WORKING = "working"
    ASKING = "asking"
    CLOSING = "closing"
    LEAVING = "leaving"
    AWAY = "away"
    OVER = "over"


class Cue(StrEnum):
    """What happens."""

    BEGAN = "the callee spoke, or nobody did"
    ASKED = "ask_owner"
    SETTLED = "answered, or nobody answered"
    ENDED = "end_call"
    WENT_ON = "the callee wants more"
    HEARD_OUT = "goodbye was heard"
    TAKEN_OVER = "taken over"
    HANDED_BACK = "handed back"
    BROKEN = "broken"
    # Of `realtime.reception.receptionist`:
    LEAVES = "transfer"
    STAYS = "it could not be done"
    LEFT = "it has worked"
    PARTED = "a goodbye of theirs"


TABLE: Final[dict[tuple[State, Cue], State]] = {
    (State.OPENING, Cue.BEGAN): State.WORKING,
    (State.WORKING, Cue.ASKED): State.ASKING,
    (State.ASKING, Cue.SETTLED): State.WORKING,
    (State.WORKING, Cue.ENDED): State.CLOSING,
    (State.ASKING, Cue.ENDED): State.CLOSING,
    (State.CLOSING, Cue.WENT_ON): State.WORKING,
    (State.CLOSING, Cue.HEARD_OUT): State.OVER,
    (State.OPENING, Cue.TAKEN_OVER): State.AWAY,
    (State.WORKING, Cue.TAKEN_OVER): State.AWAY,
    (State.ASKING, Cue.TAKEN_OVER): State.AWAY,
    (State.CLOSING, Cue.TAKEN_OVER): State.AWAY,
    (State.AWAY, Cue.HANDED_BACK): State.WORKING,
    (State.OPENING, Cue.HANDED_BACK): State.WORKING,
    (State.OPENING, Cue.BROKEN): State.OVER,
    (State.WORKING, Cue.BROKEN): State.OVER,
    (State.ASKING, Cue.BROKEN): State.OVER,
    (State.CLOSING, Cue.BROKEN): State.OVER,
    (State.WORKING, Cue.LEAVES): State.LEAVING,
    (State.ASKING, Cue.LEAVES): State.LEAVING,
    (State.LEAVING, Cue.STAYS): State.WORKING,
    (State.LEAVING, Cue.LEFT): State.OVER,
    (State.LEAVING, Cue.BROKEN): State.OVER,
    (State.WORKING, Cue.PARTED): State.OVER,
    (State.ASKING, Cue.PARTED): State.OVER,
}


# --- Words ---------------------------------------------------------------------------

RECORDED: Final = "recorded-so-far"
"""The call whose output tells a new session what is recorded."""
GOODBYE: Final = (
    "Say goodbye now: thank them, in one short sentence. Nothing else, no question."
)
NUDGE: Final = (
    "Nobody has spoken for a while. Ask politely whether they are still there, and"
    " repeat your last question in short."
)
RESUMED: Final = (
    "The line was interrupted for a moment, and is back. Say so in a few words, and go"
    " on where the conversation stands; greet nobody again."
)
KEYS_REFUSED: Final = (
    "The keys could not be pressed: the telephone company did not take them. Press them"
    " once more, or go on without."
)
SPEAK_NOW: Final = "Speak now: tell the other side, in a sentence, where things stand."
SAY_IT_POLITELY: Final = (
    "What you were just saying would have insulted or frightened the other side, so"
    " they have not heard it. Say what you meant politely, in a sentence or two."
)
BE_POLITE: Final = (
    "You do not speak as one speaks to a stranger. From now on use the polite form in"
    " every sentence (in Korean 존댓말)."
)
TAKE_OVER: Final = (
    "The owner speaks to the other side now, in your place. Be silent until you are"
    " told to go on. What is said meanwhile follows."
)

_FAREWELLS: Final = (
    "goodbye", "bye", "thankyou", "thanks", "haveaniceday", "haveagoodday", "seeyou",
    "안녕히", "감사", "고맙", "들어가세요", "수고하세요", "좋은하루", "뵙겠습니다",
    "失礼", "ありがとう", "さようなら", "お待ちして",
    "再见", "谢谢", "拜拜",
    "adiós", "gracias", "hastaluego", "merci", "aurevoir", "bonnejournée",
    "danke", "wiedersehen", "wiederhören", "tschüss",
    "grazie", "arrivederci", "obrigad", "tchau", "adeus",
    "досвидания", "спасибо", "всегодоброго", "cảmơn", "tạmbiệt",
    "terimakasih", "sampaijumpa", "धन्यवाद", "नमस्ते",
)  # fmt: skip
_FAREWELL_LETTERS: Final = 40
"""Longer sentences are about something."""


def is_farewell(text: str) -> bool:
    """Say whether words are a goodbye, or nothing that wants an answer."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(c for c in folded if unicodedata.category(c)[0] in "LNM")
    if not letters or is_backchannel(text):
        return True
    if len(letters) > _FAREWELL_LETTERS or "?" in folded:
        return False
    return any(word in letters for word in _FAREWELLS)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the other side has said; where, says its utterance."""

    name: str
    value: str
    utterance_id: str = ""


@dataclass(slots=True)
class _Question:
    """A question to the owner."""

    question_id: str
    call_id: str
    text: str
    arguments: str
    expires_at: float
    remind_at: float
    answer: str | None = None


@dataclass(slots=True)
class _Said:
    """An entry of the conversation."""

    role: Role
    text: str | None = None
    """None: not known yet."""


class Agent:
    """Decide what comes of what the model does.

    Args:
        brief: what the call is about.
        config: durations.
        today: ISO 8601 date where the callee is; empty if unknown.
    """

    def __init__(self, brief: Brief, config: AgentConfig, today: str = "") -> None:
        self._brief = brief
        self._config = config
        self._today = today
        self._tools: Sequence[str] = tools.CALL_TOOLS
        self.state = State.OPENING
        self._now = 0.0
        self._actions: list[Action] = []

        # What was found out.
        self._facts: dict[str, Fact] = {}
        self._appointments: list[dict[str, Any]] = []
        self._callbacks: list[dict[str, Any]] = []
        self._questions: list[_Question] = []
        self._ending: tools.EndCall | None = None
        self._was_told_what_is_missing = False

        # The conversation, for a session that knows nothing.
        self._log: dict[str, _Said] = {}
        self._n_notes = 0

        # The line and the model.
        self._line = LineChanged(is_playing=False, is_callee_speaking=False)
        self._quiet_since = math.inf
        self._open_at = math.inf
        self._question: _Question | None = None
        self._owes: Respond | None = None
        self._keys_call = ""
        self._pressed = False
        self._is_resumed = False
        self._n_silences = 0
        self._n_failures = 0
        self._n_mute = 0
        self._n_rude = 0
        self._said_goodbye = False
        self._close_by = math.inf
        self._unread: tuple[str, ...] = ()
        self._n_reopened = 0

    def resume(self, said: Sequence[Said], result: Mapping[str, Any]) -> None:
        """Go on with a call whose session is gone.

        Args:
            said: the conversation so far, oldest first.
            result: what had been found out, as `result` returned it.
        """
        for one in said:
            self._note(one.utterance_id, one.role).text = one.text
        for fact in result.get("facts", ()):
            self._facts[fact["name"]] = Fact(**fact)
        self._appointments = list(result.get("appointments", ()))
        self._callbacks = list(result.get("callbacks", ()))
        self._questions = [
            _Question(
                f"question-{number}", "", row["text"], "{}", 0.0, 0.0, row["answer"]
            )
            for number, row in enumerate(result.get("questions", ()), 1)
        ]
        if self._log:
            self.state = State.WORKING
            self._is_resumed = True

    # --- The two faces ---------------------------------------------------------------

    def receive(self, event: Event, now: float) -> list[Action]:
        """Take one event.

        Args:
            event: what happened.
            now: monotonic seconds, never smaller than before.

        Returns:
            what is to be done, in this order.
        """
        self._now = now
        if self.state is not State.OVER:
            self._handle(event)
        out, self._actions = self._actions, []
        return out

    def next_deadline(self) -> float | None:
        """Return when `Ticked` is due, monotonic seconds, or None."""
        due = math.inf
        match self.state:
            case State.OPENING:
                due = self._open_at
            case State.WORKING:
                due = self._silence_due()
            case State.ASKING if self._question is not None:
                due = min(self._question.expires_at, self._question.remind_at)
            case State.CLOSING:
                due = min(self._close_by, self._farewell_due())
        return None if math.isinf(due) else due

    def pending_question(self, now: float) -> Ask | None:
        """Return the question that is open, for a client that comes back."""
        question = self._question
        if question is None:
            return None
        left_ms = max(0, round((question.expires_at - now) * 1000))
        return Ask(question.question_id, question.text, left_ms)

    def result(self) -> dict[str, Any]:
        """Return what came of the call, as JSON: what was found out, and what not."""
        missing = [n for n in self._brief.required if n not in self._facts]
        unanswered = [q.text for q in self._questions if q.answer is None]
        return {
            "outcome": self.outcome,
            "reason": self._ending.reason if self._ending else "",
            "facts": [asdict(fact) for fact in self._facts.values()],
            "appointments": self._appointments,
            "callbacks": self._callbacks,
            "messages": [],
            "questions": [
                {"text": q.text, "answer": q.answer} for q in self._questions
            ],
            "open_points": missing + unanswered,
        }

    @property
    def outcome(self) -> Outcome:
        """What the call has come to, also if somebody hangs up now."""
        if self._ending is not None:
            return self._ending.outcome
        if self._callbacks:
            return "callback_needed"
        if self.state is State.AWAY:
            return "unknown"  # they spoke for themselves
        return "partial" if self._facts or self._appointments else "failed"

    # --- Dispatch --------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        match event:
            case Connected():
                if self._is_resumed:
                    self._is_resumed = False
                    self._respond(Respond(instruction=RESUMED))
                elif self.state is State.OPENING:
                    self._open_at = self._now + self._config.opening_wait_ms / 1000
            case CalleeTurn():
                self._on_turn(event.utterance_ids)
            case Heard():
                self._on_heard(event)
            case ToolCalled():
                self._on_call(event)
            case AgentSpoke():
                self._on_spoke(event)
            case LineChanged():
                self._on_line(event)
            case KeysPressed():
                self._on_keys(event.is_sent)
            case KeysRefused():
                self._on_keys_refused()
            case OwnerAnswered():
                self._on_answer(event)
            case OwnerWhispered():
                self._tell_model(f"The owner tells you: {event.text}")
                self._do(Note("agent_whisper"))
            case TakenOver():
                self._on_taken_over()
            case HandedBack():
                self._on_handed_back()
            case EngineOpened():
                self._on_engine_opened()
            case Misspoke():
                self._on_misspoke()
            case SpokeFamiliarly():
                self._tell_model(BE_POLITE)
            case Ticked():
                self._on_time()
        self._mind_the_end()

    def _move(self, cue: Cue) -> bool:
        """Follow the table; False where this cue means nothing."""
        state = TABLE.get((self.state, cue))
        if state is None:
            return False
        self.state = state
        return True

    def _do(self, action: Action) -> None:
        self._actions.append(action)

    def _respond(self, respond: Respond) -> None:
        self._owes = respond
        self._do(respond)

    def _tell_model(self, text: str) -> None:
        """Say something to the model as the system."""
        self._n_notes += 1
        self._note(f"note-{self._n_notes}", "system").text = text
        self._do(Remember("system", text))

    # --- Talk ------------------------------------------------------------------------

    def _on_turn(self, ids: tuple[str, ...]) -> None:
        for utterance_id in ids:
            self._note(utterance_id, "user")
        self._n_silences = 0
        match self.state:
            case State.OPENING:
                self._move(Cue.BEGAN)
                self._respond(Respond(ids))
            case State.WORKING | State.ASKING:
                self._respond(Respond(ids))
            case State.CLOSING:
                self._unread += ids
                self._read_on()
            case State.AWAY:
                self._do(LeaveUnanswered(ids))

    def _on_heard(self, event: Heard) -> None:
        role: Role = "user" if event.speaker == "callee" else "assistant"
        said = self._note(event.utterance_id, role)
        is_new = said.text is None
        said.text = event.text
        if self.state is State.AWAY and is_new and event.text:
            # The engine does not hear this conversation.
            self._do(Remember(role, event.text))
        if self.state is State.CLOSING:
            self._read_on()

    def _note(self, key: str, role: Role) -> _Said:
        """Return the entry of an utterance, a new one where there is none."""
        said = self._log.setdefault(key, _Said(role))
        while len(self._log) > self._config.kept_utterances:
            del self._log[next(iter(self._log))]
        return said

    def _read_on(self) -> None:
        """Decide whether what is said after the goodbye wants an answer."""
        ids = self._unread
        texts = [self._log[i].text for i in ids if i in self._log]
        wants_more = any(t is not None and not is_farewell(t) for t in texts)
        if wants_more and self._n_reopened < self._config.reopenings:
            self._move(Cue.WENT_ON)
            self._n_reopened += 1
            self._unread = ()
            self._ending = None
            self._said_goodbye = False
            self._close_by = math.inf
            self._respond(Respond(ids))
        elif ids and None not in texts:
            self._unread = ()
            self._do(LeaveUnanswered(ids))

    def _on_spoke(self, event: AgentSpoke) -> None:
        owed = self._owes
        if not event.has_called:
            self._owes = None  # or else it is owed the response to the output
        if event.text:
            self._note(event.utterance_id, "assistant").text = event.text
        if event.is_stopped:
            return
        if event.is_failed or not (event.is_spoken or event.has_called):
            self._on_failed(owed)
            return
        self._n_failures = self._n_rude = 0
        self._n_mute = 0 if event.is_spoken else self._n_mute + 1
        if self.state is State.CLOSING and not event.has_called:
            self._said_goodbye = True

    def _on_misspoke(self) -> None:
        """What it was saying is not said: it has to say it politely."""
        self._do(Stop())
        self._n_rude += 1
        self._do(Note("agent_misspoke", {"times": self._n_rude}))
        if self.state is State.AWAY:
            return
        if self._n_rude >= self._config.failures and self._move(Cue.BROKEN):
            self._do(StoreResult(self.result()))
            self._do(HangUp(self.outcome, "agent_failed", Line.APOLOGY))
        elif self.state is State.CLOSING:
            self._said_goodbye = False
            self._respond(Respond(instruction=GOODBYE, may_call=False))
        else:
            self._respond(Respond(instruction=SAY_IT_POLITELY))

    def _on_failed(self, owed: Respond | None) -> None:
        """Never be mute: what cannot be said by the model is said by us."""
        if self.state in (State.AWAY, State.OPENING, State.LEAVING):
            return
        self._n_failures += 1
        self._do(Note("agent_failed", {"times": self._n_failures}))
        if self.state is State.CLOSING:
            self._said_goodbye = True
        elif self._n_failures >= self._config.failures:
            self._move(Cue.BROKEN)
            self._do(StoreResult(self.result()))
            self._do(HangUp(self.outcome, "agent_failed", Line.APOLOGY))
        elif owed is not None and owed.utterance_ids:
            self._do(SayLine(Line.REPEAT))
        else:
            self._respond(Respond(instruction=SPEAK_NOW))

    # --- Tools -----------------------------------------------------------------------

    def _on_call(self, call: ToolCalled) -> None:
        self._owes = None
        if self.state not in (State.WORKING, State.ASKING):
            why = "Not now: be silent." if self.state is State.AWAY else "Not now."
            self._output(call.call_id, {"error": why}, is_answered=False)
            return
        try:
            tool = tools.read(
                call.name, call.arguments, today=self._today, names=self._tools
            )
            self._run[type(tool)](self, call, tool)
        except tools.BadCallError as error:
            self._do(Note("agent_tool", {"name": call.name[:40], "is_refused": True}))
            self._output(call.call_id, {"error": str(error)})
        else:
            self._do(Note("agent_tool", {"name": call.name}))

    def _output(
        self, call_id: str, output: dict[str, Any], *, is_answered: bool = True
    ) -> None:
        text = msgspec.json.encode(output).decode()
        if is_answered and self._n_mute >= self._config.mute_rounds:
            # It goes from tool to tool while somebody waits for a word.
            self._do(GiveOutput(call_id, text, is_answered=False))
            self._n_mute = 0
            self._respond(Respond(instruction=SPEAK_NOW, may_call=False))
            return
        if is_answered:
            self._owes = Respond()
        self._do(GiveOutput(call_id, text, is_answered))

    def _source(self, call: ToolCalled) -> str:
        """Return the utterance in which a fact was told."""
        if call.utterance_ids:
            return call.utterance_ids[-1]
        told = [key for key, said in self._log.items() if said.role == "user"]
        return told[-1] if told else ""

    def _recorded(self, call: ToolCalled) -> None:
        missing = [n for n in self._brief.required if n not in self._facts]
        self._do(StoreResult(self.result()))
        self._output(call.call_id, {"recorded": True, "still_to_find_out": missing})

    def _collect_info(self, call: ToolCalled, tool: tools.CollectInfo) -> None:
        is_known = tool.name in self._facts
        if not is_known and len(self._facts) >= self._config.max_facts:
            raise tools.BadCallError("collect_info: enough is recorded. Go on.")
        self._facts[tool.name] = Fact(tool.name, tool.value, self._source(call))
        self._recorded(call)

    def _confirm(self, call: ToolCalled, tool: tools.ConfirmReservation) -> None:
        row = {**msgspec.to_builtins(tool), "utterance_id": self._source(call)}
        others = [a for a in self._appointments if a["what"] != tool.what]
        if len(others) >= self._config.max_facts:
            raise tools.BadCallError("confirm_reservation: enough is recorded.")
        self._appointments = [*others, row]
        self._recorded(call)

    def _schedule(self, call: ToolCalled, tool: tools.ScheduleCallback) -> None:
        row = {**msgspec.to_builtins(tool), "utterance_id": self._source(call)}
        self._callbacks = [row]  # the last word counts
        self._recorded(call)

    def _send_digits(self, call: ToolCalled, tool: tools.SendDigits) -> None:
        if self._keys_call:
            raise tools.BadCallError("send_digits: keys are being pressed. Wait.")
        self._keys_call = call.call_id
        self._pressed = True
        self._do(PressKeys(tool.digits))

    def _on_keys(self, is_sent: bool) -> None:
        call_id, self._keys_call = self._keys_call, ""
        if call_id and self.state not in (State.AWAY, State.CLOSING):
            # What the menu says next is answered; there is nothing to say to it now.
            output = {"pressed": is_sent, "now": "Listen to the menu."}
            self._output(call_id, output, is_answered=not is_sent)

    def _on_keys_refused(self) -> None:
        if not self._pressed:
            return  # these were its owner's
        self._pressed = False
        self._tell_model(KEYS_REFUSED)
        if self.state in (State.WORKING, State.ASKING):
            self._respond(Respond())

    def _ask_owner(self, call: ToolCalled, tool: tools.AskOwner) -> None:
        if self._question is not None:
            raise tools.BadCallError(
                "ask_owner: a question is open already. Wait for its answer."
            )
        if len(self._questions) >= self._config.max_questions:
            raise tools.BadCallError(
                "ask_owner: the owner has been asked enough. "
                + FALLBACKS[self._brief.fallback]
            )
        c = self._config
        question = _Question(
            question_id=f"question-{len(self._questions) + 1}",
            call_id=call.call_id,
            text=tool.question,
            arguments=call.arguments,
            expires_at=self._now + c.answer_ms / 1000,
            remind_at=self._now + c.remind_ms / 1000,
        )
        self._question = question
        self._questions.append(question)
        self._move(Cue.ASKED)
        self._do(Ask(question.question_id, question.text, c.answer_ms))
        if not call.said:
            self._do(SayLine(Line.CHECKING))
            self._tell_model("The other side was asked to wait a moment.")

    def _on_answer(self, event: OwnerAnswered) -> None:
        question = self._question
        text = event.text.strip()
        if question is not None and question.question_id == event.question_id:
            question.answer = text
            self._settle(question, {"answer": text})
            return
        late = next(
            (q for q in self._questions if q.question_id == event.question_id), None
        )
        if late is not None and late.answer is None and text:
            late.answer = text
            number = self._questions.index(late) + 1
            self._tell_model(f"The owner answers your question {number} now: {text}")
            self._do(StoreResult(self.result()))

    def _settle(self, question: _Question, output: dict[str, Any]) -> None:
        self._question = None
        self._move(Cue.SETTLED)
        self._do(Note("agent_question", {"is_answered": question.answer is not None}))
        self._do(StoreResult(self.result()))
        self._output(question.call_id, output)

    def _end_call(self, call: ToolCalled, tool: tools.EndCall) -> None:
        missing = [n for n in self._brief.required if n not in self._facts]
        if tool.outcome == "success" and missing:
            if not self._was_told_what_is_missing:
                self._was_told_what_is_missing = True
                raise tools.BadCallError(
                    f"end_call: not found out yet: {', '.join(missing)}. Ask for it and"
                    " record it with collect_info, or end with outcome partial."
                )
            tool = tools.EndCall(outcome="partial", reason=tool.reason)
        self._ending = tool
        question, self._question = self._question, None
        self._move(Cue.ENDED)
        self._close_by = self._now + self._config.goodbye_ms / 1000
        self._do(StoreResult(self.result()))
        if question is not None:
            self._output(question.call_id, {"answer": None}, is_answered=False)
        self._output(call.call_id, {"ended": True}, is_answered=False)
        self._said_goodbye = bool(call.said) and is_farewell(call.said)
        if not self._said_goodbye:
            self._respond(Respond(instruction=GOODBYE, may_call=False))

    _run: Mapping[type[tools.Tool], Callable[..., None]] = {
        tools.CollectInfo: _collect_info,
        tools.ConfirmReservation: _confirm,
        tools.ScheduleCallback: _schedule,
        tools.SendDigits: _send_digits,
        tools.AskOwner: _ask_owner,
        tools.EndCall: _end_call,
    }

    # --- The owner takes over, and hands back ----------------------------------------

    def _on_taken_over(self) -> None:
        question = self._question
        if not self._move(Cue.TAKEN_OVER):
            return
        self._question = self._owes = None
        self._ending = None
        self._close_by = math.inf
        self._unread = ()
        self._do(Stop())
        if question is not None:
            gone = {"answer": None, "reason": "The owner has taken over."}
            self._output(question.call_id, gone, is_answered=False)
        if self._keys_call:
            self._output(self._keys_call, {"pressed": False}, is_answered=False)
            self._keys_call = ""
        self._tell_model(TAKE_OVER)

    def _on_handed_back(self) -> None:
        is_first = self.state is State.OPENING
        if is_first and not any(said.text for said in self._log.values()):
            return  # nobody has said anything: this is how a call begins
        if not self._move(Cue.HANDED_BACK):
            return
        missing = [n for n in self._brief.required if n not in self._facts]
        still = f" Still to find out: {', '.join(missing)}." if missing else ""
        begins = "You speak again; the owner listens."
        if is_first:
            begins = (
                "You speak from now on, in the middle of the call; the owner, who has"
                " spoken so far, listens. Begin by saying that you are an AI assistant"
                " who goes on for them."
            )
        self._tell_model(
            f"{begins} What was said meanwhile stands above: record with your tools"
            " what was agreed or told, do not ask for it again, and go on from there."
            f"{still}"
        )
        self._n_silences = self._n_failures = self._n_mute = 0
        self._respond(Respond())

    # --- The engine ------------------------------------------------------------------

    def _on_engine_opened(self) -> None:
        for said in self._log.values():
            if said.text:
                self._do(Remember(said.role, said.text))
        result = self.result()
        kinds = ("facts", "appointments", "callbacks", "messages")
        known = {k: result[k] for k in kinds}
        if any(known.values()):
            # What the callee has told stays data: the output of a call, no message.
            self._do(Recall(RECORDED, "collect_info", "{}"))
            text = msgspec.json.encode(known).decode()
            self._do(GiveOutput(RECORDED, text, is_answered=False))
        question = self._question
        if question is not None:
            recalled = Recall(question.call_id, "ask_owner", question.arguments)
            self._do(recalled)
        owed = self._owes
        if self.state is State.AWAY or owed is None or owed.utterance_ids:
            return  # what the callee said is told again by the session
        self._respond(owed)

    # --- The line and time -----------------------------------------------------------

    def _on_line(self, event: LineChanged) -> None:
        was_on_hold, self._line = self._line.is_on_hold, event
        is_quiet = not event.is_playing and not event.is_callee_speaking
        if not is_quiet:
            self._quiet_since = math.inf
        elif was_on_hold or math.isinf(self._quiet_since):
            self._quiet_since = self._now
        if event.is_callee_speaking:
            self._n_silences = 0
            if self.state is State.OPENING:
                self._open_at = math.inf  # what they say is answered

    def _silence_due(self) -> float:
        if self._owes is not None or self._keys_call or self._line.is_on_hold:
            return math.inf
        return self._quiet_since + self._config.silence_ms / 1000

    def _farewell_due(self) -> float:
        """Return when the line may be closed: goodbye was heard, nobody speaks."""
        if not self._said_goodbye or self._line.is_playing or self._unread:
            return math.inf
        return self._quiet_since + self._config.farewell_grace_ms / 1000

    def _mind_the_end(self) -> None:
        if self.state is not State.CLOSING:
            return
        is_due = self._now >= min(self._close_by, self._farewell_due())
        if is_due and self._move(Cue.HEARD_OUT):
            self._do(HangUp(self.outcome))

    def _on_time(self) -> None:
        now, question = self._now, self._question
        if self.state is State.OPENING and now >= self._open_at:
            self._move(Cue.BEGAN)
            self._respond(Respond())
        elif self.state is State.ASKING and question is not None:
            self._mind_question(question)
        elif self.state is State.WORKING and now >= self._silence_due():
            self._on_silence()

    def _mind_question(self, question: _Question) -> None:
        if self._now >= question.expires_at:
            self._settle(
                question,
                {
                    "answer": None,
                    "reason": "The owner has not answered.",
                    "now": FALLBACKS[self._brief.fallback],
                },
            )
        elif self._now >= question.remind_at:
            question.remind_at = self._now + self._config.remind_ms / 1000
            if not (self._line.is_playing or self._line.is_callee_speaking):
                self._do(SayLine(Line.WAIT))

    def _on_silence(self) -> None:
        self._n_silences += 1
        self._quiet_since = self._now
        if self._n_silences < self._config.silences:
            self._respond(Respond(instruction=NUDGE))
            return
        outcome = self.outcome
        self._ending = tools.EndCall(
            outcome="failed" if outcome == "unknown" else outcome,
            reason="Nobody answered any more.",
        )
        self._move(Cue.ENDED)
        self._close_by = self._now + self._config.goodbye_ms / 1000
        self._do(StoreResult(self.result()))
        self._respond(Respond(instruction=GOODBYE, may_call=False))

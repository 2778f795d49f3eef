"""The agent that was called: messages, goodbyes, and putting people through.  Pure.

Theory of operation.  Everything of `Agent` holds.  Besides, whoever calls is greeted by
a fixed sentence, so the agent begins in the conversation; a goodbye of theirs ends it
even if the model does not; and it can leave the call to a person.

    state    cue                         next     effects
    working  transfer                    leaving  say "I am putting you through"
    asking   transfer                    leaving  the same; nobody is asked any more
    leaving  they have heard it          leaving  put through
    leaving  it has worked               over     -
    leaving  it could not be done        working  output, respond
    leaving  taken over                  away     stop
    working  a goodbye, and 3 s          over     say farewell, hang up
    asking   a goodbye, and 3 s          over     the same
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from realtime.agent import tools
from realtime.agent.agent import Agent, Cue, State, is_farewell
from realtime.agent.brief import Brief
from realtime.agent.messages import (
    CalleeTurn,
    Event,
    Greeted,
    HangUp,
    Heard,
    LeaveUnanswered,
    Outcome,
    PutThrough,
    Remember,
    Said,
    SayLine,
    Stop,
    StoreResult,
    TakenOver,
    TransferTried,
)
from realtime.config import AgentConfig
from realtime.events import AgentSpoke, Line, ToolCalled
from realtime.reception.incoming import Reception, says_goodbye

NOT_POSSIBLE: Final = (
    "They cannot be put through at the moment. Say so, and offer to take a message."
)


class Receptionist(Agent):
    """Decide what comes of what the model does in a call to us.

    Args:
        brief: of the call.
        config: durations.
        today: ISO 8601 date where the line is; empty if unknown.
        reception: the line.
    """

    def __init__(
        self, brief: Brief, config: AgentConfig, today: str, reception: Reception
    ) -> None:
        super().__init__(brief, config, today)
        self._reception = reception
        self._tools = reception.tools
        self._messages: list[dict[str, Any]] = []
        self._ended_because = ""

        # A goodbye of theirs.
        self._goodbyes: set[str] = set()
        self._part_at = math.inf
        self._has_replied = False
        """The model has said goodbye as well."""

        # Putting them through.
        self._transfer_call = ""
        self._transfer_reason = ""
        self._leave_from = self._leave_by = math.inf
        self._is_gone = False

    # --- The two faces ---------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when `Ticked` is due, monotonic seconds, or None."""
        due = min(super().next_deadline() or math.inf, self._parting_due())
        due = min(due, self._leaving_due())
        return None if math.isinf(due) else due

    def resume(self, said: Sequence[Said], result: Mapping[str, Any]) -> None:
        """Go on with a call whose session is gone; see `Agent.resume`."""
        super().resume(said, result)
        self._messages = list(result.get("messages", ()))

    def result(self) -> dict[str, Any]:
        """Return what came of the call, as JSON."""
        result = super().result()
        reason = result["reason"] or self._ended_because
        return {
            **result,
            "reason": reason,
            "messages": self._messages,
            "transfer": self._transfer_reason if self._is_gone else "",
        }

    @property
    def outcome(self) -> Outcome:
        """What the call has come to, also if somebody hangs up now."""
        if self._ending is not None:
            return self._ending.outcome
        if self._callbacks:
            return "callback_needed"
        if self._messages or self._appointments:
            return "success"
        return "partial" if self._facts or self._is_gone else "unknown"

    # --- Dispatch --------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        match event:
            case Greeted():
                self._on_greeted(event)
            case TransferTried():
                self._on_transfer_tried(event.is_done)
            case CalleeTurn() if self.state is State.LEAVING:
                self._do(LeaveUnanswered(event.utterance_ids))
            case TakenOver() if self.state is State.LEAVING:
                self._stay({"transferred": False}, is_answered=False)
                super()._handle(event)
            case _:
                super()._handle(event)
                self._mind_goodbye(event)

    def _on_greeted(self, event: Greeted) -> None:
        """We have greeted them ourselves; what they say is answered."""
        if self._move(Cue.BEGAN):
            self._note(event.utterance_id, "assistant").text = event.text
            self._do(Remember("assistant", event.text))

    def _on_time(self) -> None:
        if self._now >= self._parting_due():
            self._part()
        elif self._now >= self._leaving_due():
            self._leave_from = self._leave_by = math.inf
            self._do(PutThrough())
        else:
            super()._on_time()

    # --- Their goodbye ---------------------------------------------------------------

    def _mind_goodbye(self, event: Event) -> None:
        match event:
            case Heard(speaker="callee", utterance_id=uid, text=text) if text:
                self._read_words(uid, text)
            case CalleeTurn(utterance_ids=ids) if not self._goodbyes.issuperset(ids):
                self._part_at = math.inf  # until it is known what they have said
            case AgentSpoke(text=text) if text and not math.isinf(self._part_at):
                self._has_replied = is_farewell(text)

    def _read_words(self, utterance_id: str, text: str) -> None:
        """Take all words of an utterance so far: more may follow."""
        is_known = utterance_id in self._goodbyes
        if says_goodbye(text):
            if not is_known:
                self._goodbyes.add(utterance_id)
                self._has_replied = False
                self._part_at = self._now + self._config.goodbye_words_ms / 1000
        elif is_known or not is_farewell(text):
            self._goodbyes.discard(utterance_id)
            self._part_at = math.inf  # there is something after all

    def _parting_due(self) -> float:
        """Return when the call is ended without the model."""
        if self.state not in (State.WORKING, State.ASKING):
            return math.inf
        if self._line.is_callee_speaking:
            return math.inf
        late = self._config.goodbye_ms / 1000 if self._line.is_playing else 0.0
        return self._part_at + late

    def _part(self) -> None:
        self._question = None
        self._move(Cue.PARTED)
        self._ended_because = "They said goodbye."
        self._do(Stop())
        self._do(StoreResult(self.result()))
        line = None if self._has_replied else Line.FAREWELL
        self._do(HangUp(self.outcome, "goodbye_said", line))

    # --- Tools -----------------------------------------------------------------------

    def _take_message(self, call: ToolCalled, tool: tools.TakeMessage) -> None:
        others = [m for m in self._messages if m["name"] != tool.name]
        if len(others) >= self._config.max_facts:
            raise tools.BadCallError("take_message: enough is recorded. Go on.")
        row = {**msgspec.to_builtins(tool), "utterance_id": self._source(call)}
        row["number"] = tool.number or self._reception.caller_number
        self._messages = [*others, row]
        self._recorded(call)

    def _transfer(self, call: ToolCalled, tool: tools.Transfer) -> None:
        question, self._question = self._question, None
        if question is not None:
            self._output(question.call_id, {"answer": None}, is_answered=False)
        self._move(Cue.LEAVES)
        self._transfer_call, self._transfer_reason = call.call_id, tool.reason
        self._leave_from = self._now + self._config.transfer_from_ms / 1000
        self._leave_by = self._now + self._config.transfer_by_ms / 1000
        if not call.said:
            self._do(SayLine(Line.TRANSFER))

    def _leaving_due(self) -> float:
        """Return when they have heard that they are put through."""
        if self.state is not State.LEAVING:
            return math.inf
        is_quiet = not self._line.is_playing
        return self._leave_from if is_quiet else self._leave_by

    def _on_transfer_tried(self, is_done: bool) -> None:
        if self.state is not State.LEAVING:
            return
        if not is_done:
            output = {"transferred": False, "now": NOT_POSSIBLE}
            self._stay(output, is_answered=True)
            return
        self._is_gone = self._move(Cue.LEFT)
        self._do(StoreResult(self.result()))

    def _stay(self, output: dict[str, Any], *, is_answered: bool) -> None:
        call_id, self._transfer_call = self._transfer_call, ""
        self._leave_from = self._leave_by = math.inf
        self._move(Cue.STAYS)
        self._output(call_id, output, is_answered=is_answered)

    _run: Mapping[type[tools.Tool], Callable[..., None]] = {
        **Agent._run,
        tools.TakeMessage: _take_message,
        tools.Transfer: _transfer,
    }

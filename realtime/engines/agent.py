"""The agent's own session: `/realtime` with instructions and tools (facts/openai.md 3).

Theory of operation.  It hears the callee, turn by turn (`dialogue`), and answers what
was said, or speaks unasked when it is told to.  What it says are utterances of its own,
`agent-1`, `agent-2` …, one for each message of a response.  A call of a tool is handed
on as soon as its item is complete; its output is put into the conversation at once and
answered by a response after the one that is being made.  When the callee interrupts,
the response that is playing is stopped and cut at what was heard, and nothing of it is
said again: the model knows where it was cut.

Everything it is told besides sound is a `Command` of `realtime.agent.messages`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from realtime.agent import messages as msg
from realtime.engines.base import Refused
from realtime.engines.dialogue import (
    COMMIT_EMPTY,
    Answer,
    Committed,
    Dialogue,
    Out,
    Said,
    sound_session,
)
from realtime.engines.usage import Role
from realtime.engines.voice import VOICE
from realtime.events import (
    AgentAudio,
    AgentSpoke,
    AgentText,
    Leg,
    TargetDone,
    ToolCalled,
    TurnHeard,
)
from realtime.protocols import openai_realtime as wire

MAX_OUTPUT_TOKENS: Final = 1024
"""Of one response: 50 s of speech at 1 token per 50 ms (facts/openai.md 1)."""
TRUNCATION: Final = {
    "type": "retention_ratio",
    "retention_ratio": 0.8,
    "token_limits": {"post_instructions": 16_000},
}
"""What is sent again with each response stays bounded, and mostly cached: some 15
minutes of talk (facts/openai.md 1 and 3)."""


@dataclass(slots=True)
class _Answer(Answer):
    """One response of the agent's.

    Attributes:
        instruction: for this response, added to those of the session.
        may_call: it may call tools.
        text: what it has said so far.
        n_said: how many things with sound it has said before.
        uttered: the ids of all that it says.
        has_called: it has called a tool.
        is_owed: it is wanted even if nothing is left of what it was to answer.
        is_unwanted: it is stopped as soon as it can be.
    """

    instruction: str = ""
    may_call: bool = True
    text: str = ""
    n_said: int = 0
    uttered: tuple[str, ...] = ()
    has_called: bool = False
    is_owed: bool = False
    is_unwanted: bool = False


class AgentEngine(Dialogue[_Answer]):
    """The agent, on the callee's line.

    Args:
        language: ISO 639-1, what the callee speaks.
        instructions: of `realtime.agent.brief`.
        tools: their schemas.
        model: for the session.
        transcription_model: what writes down what the callee says; empty where another
            engine does.
        keywords: words that may be said, to be written down well.
        first_number: of its own utterances, for a session that replaces another.
        voice: that it speaks with.
        turn_detection: of the provider; None: we say when a turn is over.
    """

    def __init__(
        self,
        language: str,
        instructions: str,
        tools: list[dict[str, Any]],
        model: str,
        transcription_model: str,
        keywords: Iterable[str] = (),
        first_number: int = 1,
        voice: str = VOICE,
        turn_detection: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(Leg.AGENT, Role.AGENT, model, transcription_model)
        self._language = language
        self._instructions = instructions
        self._tools = tools
        self._keywords = list(keywords)
        self.next_number = first_number
        self._voice = voice
        self._turn_detection = turn_detection
        self._items: deque[str] = deque()
        """Turns that the provider has ended and that we have no name for yet."""

    # --- What it is told -------------------------------------------------------------

    def session_update(self) -> str:
        """Write the event that configures a session."""
        return sound_session(
            self._model,
            self._instructions,
            self._writer(),
            voice=self._voice,
            turn_detection=self._turn_detection,
            tools=self._tools,
            tool_choice="auto",
            max_output_tokens=MAX_OUTPUT_TOKENS,
            truncation=TRUNCATION,
        )

    def _writer(self) -> dict[str, Any] | None:
        if not self._transcription_model:
            return None
        keywords = {"keywords": self._keywords} if self._keywords else {}
        languages = [self._language]
        return {
            "model": self._transcription_model,
            "languages": languages,
            **keywords,
        }

    def commit(self, utterance_id: str) -> None:
        """All sound since the last commit, or the provider's turn, is one utterance."""
        if self._turn_detection is None:
            super().commit(utterance_id)
        elif self._items:
            self._state.utterances[utterance_id] = Committed(self._items.popleft())

    def receive(self, event: wire.ServerEvent) -> Out:
        """Turn one of its events into ours; arguments as of `Dialogue.receive`."""
        is_turn = event.type == "input_audio_buffer.committed"
        if is_turn and self._turn_detection is not None:
            self._items.append(event.item_id)
            return [TurnHeard()]
        return super().receive(event)

    def answer(self, utterance_ids: tuple[str, ...]) -> None:
        """Answer committed utterances, together with what else waits."""
        self._ask(msg.Respond(utterance_ids))

    def perform(self, command: msg.Command) -> None:
        """Do what the agent wants of its model."""
        match command:
            case msg.Respond():
                self._ask(command)
            case msg.GiveOutput():
                output = {"call_id": command.call_id, "output": command.output}
                self._create({"type": "function_call_output", **output})
                if command.is_answered:
                    self._ask(msg.Respond())
            case msg.Remember():
                self._create(_message(command.role, command.text))
            case msg.Recall():
                self._create(
                    {
                        "type": "function_call",
                        "call_id": command.call_id,
                        "name": command.name,
                        "arguments": command.arguments,
                    }
                )
            case msg.Stop():
                self._waiting.clear()
                self._stop()

    def truncate(self, utterance_id: str, heard_ms: int) -> None:
        """Of what it said, only so much was heard; the rest is not said any more."""
        if self._active is not None and utterance_id in self._active.uttered:
            self._stop()
        super().truncate(utterance_id, heard_ms)

    def _create(self, item: dict[str, Any]) -> None:
        self._outbox.append(
            wire.encode({"type": "conversation.item.create", "item": item})
        )

    def _ask(self, respond: msg.Respond) -> None:
        """Have something said; one response answers all that waits for one."""
        # Of what this session has not heard it has been told in words.
        known = self._state.utterances
        ids = tuple(i for i in respond.utterance_ids if i in known)
        last = self._waiting[-1] if self._waiting else None
        is_plain = not respond.instruction and respond.may_call
        if last is not None and is_plain:
            last.ids += ids
            last.is_owed |= not ids
        else:
            self._waiting.append(
                _Answer(
                    ids,
                    Said(()),
                    instruction=respond.instruction,
                    may_call=respond.may_call,
                    is_owed=not ids,
                )
            )
        self._go_on()

    def _stop(self) -> None:
        answer = self._active
        if answer is None or answer.is_unwanted:
            return
        answer.is_unwanted = True
        self._cancel(answer)

    def _cancel(self, answer: _Answer) -> None:
        if answer.is_unwanted and answer.response_id:
            response = {"response_id": answer.response_id}
            self._outbox.append(wire.encode({"type": "response.cancel", **response}))

    def _response(self, answer: _Answer, items: list[str]) -> dict[str, Any]:
        # It sees the whole conversation: what is answered is the newest of it.
        response: dict[str, Any] = {"metadata": {"answer": ",".join(answer.ids)[:500]}}
        if answer.instruction:
            # A response's instructions replace those of the session.
            now = f"{self._instructions}\nNow: {answer.instruction}"
            response["instructions"] = now
        if not answer.may_call:
            response["tool_choice"] = "none"
        return response

    # --- What it says ----------------------------------------------------------------

    def _on_created(self, response: dict[str, Any]) -> None:
        super()._on_created(response)
        if self._active is not None:
            self._cancel(self._active)  # it was unwanted before it had a name

    def _on_output(self, answer: _Answer, event: wire.ServerEvent) -> Out:
        match event.type:
            case "response.output_audio.delta":
                pcm = wire.decode_pcm(event.delta)
                if len(pcm) and not answer.is_unwanted:
                    utterance_id = self._saying(answer, event.item_id)
                    answer.said.samples += len(pcm)
                    return [AgentAudio(pcm, utterance_id)]
            case "response.output_audio_transcript.delta":
                if event.delta and not answer.is_unwanted:
                    utterance_id = self._saying(answer, event.item_id)
                    answer.text += event.delta
                    return [AgentText(event.delta, utterance_id)]
            case "response.output_item.done":
                return self._on_call(answer, event.item or {})
        return []

    def _saying(self, answer: _Answer, item_id: str) -> str:
        """Return the utterance that an item is; another item is another one."""
        if not answer.said.ids or answer.said.item_id != item_id:
            if answer.said.ids:
                self._finish_saying(answer.said)
                answer.n_said += bool(answer.said.samples)
            answer.said = Said((f"agent-{self.next_number}",), item_id)
            answer.uttered += answer.said.ids
            self.next_number += 1
        return answer.said.ids[0]

    def _on_call(self, answer: _Answer, item: dict[str, Any]) -> Out:
        is_whole = item.get("status", "completed") == "completed"
        if item.get("type") != "function_call" or not is_whole or answer.is_unwanted:
            return []  # half of a call is none
        answer.has_called = True
        return [
            ToolCalled(
                call_id=str(item.get("call_id", "")),
                name=str(item.get("name", "")),
                arguments=str(item.get("arguments", "")),
                utterance_ids=answer.ids,
                said=answer.text,
            )
        ]

    def _on_answered(self, answer: _Answer, response: dict[str, Any]) -> Out:
        status = response.get("status")
        is_spoken = bool(answer.n_said or answer.said.samples)
        is_stopped = answer.is_unwanted or status == "cancelled"
        # `incomplete` is too long, which is spoken, or filtered, which is not.
        is_refused = status in ("failed", "incomplete") and not is_spoken
        events: Out = []
        if answer.ids:
            events.append(TargetDone(self._leg, answer.ids))
        events.append(
            AgentSpoke(
                utterance_id=answer.said.ids[0] if answer.said.ids else "",
                is_spoken=is_spoken,
                is_failed=is_refused and not answer.has_called,
                is_stopped=is_stopped,
                has_called=answer.has_called,
                text=answer.text,
            )
        )
        self._forget_old()
        return events

    def _on_error(self, error: Refused, caused_by: str) -> Out:
        n_waiting = len(self._waiting)
        events = super()._on_error(error, caused_by)
        if len(self._waiting) < n_waiting and error.code == COMMIT_EMPTY:
            # There was nothing to answer: whoever waits for an answer has to know.
            events.append(AgentSpoke("", is_spoken=False, is_stopped=True))
        return events

    def _drop_empty(self) -> None:
        self._waiting = deque(a for a in self._waiting if a.ids or a.is_owed)


def _message(role: msg.Role, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text}]
    return {"type": "message", "role": role, "content": content}

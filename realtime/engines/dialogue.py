"""What engines on `/realtime` have in common whose turns we end ourselves.  Pure.

Theory of operation (facts/openai.md 3).  Turn detection is ours (`turn_detection:
null`): sound is appended while somebody speaks, `commit` makes an utterance of it, and
`answer` asks for a response.  One response at a time may write the conversation; the
others wait for it, in order.  How much of what was said has been heard is told when all
sound of it has been made: before, it would go on behind the cut.

    utterance   told by                      leaves to
    appended    -                            committed   input_audio_buffer.committed
    committed   its item's id                asked       response.created
    asked       response.create              answered    response.done
                                             committed   failed, once

24 kHz PCM16 in and out.
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from realtime.config import ENGINE_HZ
from realtime.engines.base import Closed, Refused, refusal
from realtime.engines.usage import Role, Usage, of_realtime, sound
from realtime.engines.voice import VOICE
from realtime.events import Event, Leg, Pcm, SourceDone, SourceText, TargetDone
from realtime.protocols import openai_realtime as wire

SOUND: Final = {"type": "audio/pcm", "rate": ENGINE_HZ}

HARMLESS: Final = frozenset(
    {"response_cancel_not_active", "conversation_already_has_active_response"}
)
COMMIT_EMPTY: Final = "input_audio_buffer_commit_empty"
ATTEMPTS: Final = 2
"""A response that failed is asked for once more."""
KEPT: Final = 20
"""So many things that were said can still be truncated, and so many that were heard
can still be written down after their answer."""

Out = list[Event | Closed | Refused]


@dataclass(slots=True)
class Said:
    """One thing that the engine says.

    Attributes:
        ids: utterances whose sound it is.
        samples: length of its sound so far.
        heard_ms: how much of it was heard, if that is less than all.
        kept_ms: how much of it the provider has kept; what was cut does not come back,
            even where we say the rest again.
    """

    ids: tuple[str, ...]
    item_id: str = ""
    samples: int = 0
    is_done: bool = False
    heard_ms: int | None = None
    kept_ms: int | None = None

    def truncation(self) -> str:
        """Write the event that tells how much was heard; empty if there is no need."""
        if self.heard_ms is None or not self.is_done or not self.item_id:
            return ""
        if self.kept_ms is None:
            self.kept_ms = self.samples * 1000 // ENGINE_HZ
        heard_ms, self.heard_ms = self.heard_ms, None
        if heard_ms >= self.kept_ms:
            return ""
        self.kept_ms = heard_ms
        return wire.encode(
            {
                "type": "conversation.item.truncate",
                "item_id": self.item_id,
                "content_index": 0,
                "audio_end_ms": heard_ms,
            }
        )


@dataclass(slots=True)
class Answer:
    """One response.

    Attributes:
        ids: the utterances it answers.
        event_id: of the event that asked for it; an error names it.
        said: what it says.
    """

    ids: tuple[str, ...]
    said: Said
    attempts: int = 0
    event_id: str = ""
    response_id: str = ""


@dataclass(slots=True)
class Committed:
    """An utterance that the provider knows, once it has named it."""

    item_id: str = ""
    text: str = ""


@dataclass(slots=True)
class _State:
    unconfirmed: deque[str] = field(default_factory=deque)
    """Utterances whose commit the provider has not confirmed yet, in order."""
    utterances: dict[str, Committed] = field(default_factory=dict)
    said: deque[Said] = field(default_factory=lambda: deque(maxlen=KEPT))


def sound_session(
    model: str,
    instructions: str,
    transcription: dict[str, Any] | None,
    *,
    voice: str = VOICE,
    turn_detection: dict[str, Any] | None = None,
    **more: Any,
) -> str:
    """Write the event that configures a session for speech.

    Args:
        model: for the session.
        instructions: for all responses that have none of their own.
        transcription: what writes down what is heard, if anything does.
        voice: that it speaks with.
        turn_detection: of the provider; None: turns are ours.
        more: other parts of the session.
    """
    return wire.encode(
        {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "model": model,
                "output_modalities": ["audio"],
                "instructions": instructions,
                "audio": {
                    "input": {
                        "format": SOUND,
                        "turn_detection": turn_detection,
                        "transcription": transcription,
                    },
                    "output": {"format": SOUND, "voice": voice},
                },
                **more,
            },
        }
    )


A = TypeVar("A", bound=Answer)


class Dialogue(ABC, Generic[A]):
    """One session whose turns we end.

    Args:
        leg: whose speech it hears.
        role: what it is used for, and paid as.
        model: for the session.
        transcription_model: what writes down what it hears; empty: nothing does.
    """

    by_turns: Final = True
    max_speed: Final = None

    def __init__(
        self, leg: Leg, role: Role, model: str, transcription_model: str
    ) -> None:
        self._leg = leg
        self._role = role
        self._model = model
        self._transcription_model = transcription_model
        self._outbox: list[str] = []
        self._state = _State()
        self._waiting: deque[A] = deque()
        self._active: A | None = None
        self._n_asked = 0
        self._uncommitted_samples = 0
        self._unpaid: list[Usage] = []

    # --- What it is told -------------------------------------------------------------

    @abstractmethod
    def session_update(self) -> str:
        """Write the event that configures a session."""

    @abstractmethod
    def answer(self, utterance_ids: tuple[str, ...]) -> None:
        """Answer committed utterances, when it is their turn."""

    @property
    def path(self) -> str:
        """Of its socket, with the query that chooses the kind of session."""
        return f"/realtime?model={self._model}"

    @property
    def is_idle(self) -> bool:
        """Nothing that was asked is still to be answered."""
        return not (self._active or self._waiting)

    def append(self, pcm: Pcm) -> None:
        """Give it more sound: int16 at 24 kHz."""
        self._uncommitted_samples += len(pcm)
        self._outbox.append(
            f'{{"type":"input_audio_buffer.append","audio":"{wire.encode_pcm(pcm)}"}}'
        )

    def commit(self, utterance_id: str) -> None:
        """All sound since the last commit is one utterance."""
        self._state.unconfirmed.append(utterance_id)
        self._state.utterances[utterance_id] = Committed()
        self._outbox.append('{"type":"input_audio_buffer.commit"}')
        if self._transcription_model:
            heard = sound(Role.TRANSCRIBE, self._uncommitted_samples, ENGINE_HZ)
            self._unpaid.append(heard)
        self._uncommitted_samples = 0

    def truncate(self, utterance_id: str, heard_ms: int) -> None:
        """Of what was said, only so much was heard."""
        active = [self._active.said] if self._active else []
        found = [s for s in (*self._state.said, *active) if utterance_id in s.ids]
        if found:
            found[-1].heard_ms = heard_ms
            self._truncate(found[-1])

    def close(self) -> None:
        """There is no word for it: whoever has got all answers closes the socket."""

    def take(self) -> list[str]:
        """Return and forget what is to be sent."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked.

        Tokens are the provider's own count, with each response; its captions are paid
        by the minute of what was committed.
        """
        unpaid, self._unpaid = self._unpaid, []
        return unpaid

    # --- What it says ----------------------------------------------------------------

    def receive(self, event: wire.ServerEvent) -> Out:
        """Turn one of its events into ours.

        Args:
            event: as decoded from the socket.

        Returns:
            what the session or the shell should know; empty for what is of no interest.

        Raises:
            BadEventError: an audio delta that is not PCM16.
        """
        match event.type:
            case "input_audio_buffer.committed":
                self._on_committed(event.item_id)
            case "conversation.item.input_audio_transcription.delta":
                return self._on_source(event.item_id, event.delta)
            case "conversation.item.input_audio_transcription.completed":
                return self._on_source_done(event.item_id, event.transcript)
            case "conversation.item.input_audio_transcription.failed":
                return self._on_source_done(event.item_id, "", is_failed=True)
            case "response.created":
                self._on_created(event.response or {})
            case "response.done":
                return self._on_response_done(event.response or {})
            case "error":
                caused_by = (event.error and event.error.event_id) or ""
                return self._on_error(refusal(event), caused_by)
            case _:
                answer = self._active
                if answer is not None and answer.response_id == event.response_id:
                    return self._on_output(answer, event)
        return []

    @abstractmethod
    def _on_output(self, answer: A, event: wire.ServerEvent) -> Out:
        """Take an event of the response that is being made."""

    @abstractmethod
    def _on_answered(self, answer: A, response: dict[str, Any]) -> Out:
        """A response is finished, one way or another."""

    @abstractmethod
    def _response(self, answer: A, items: list[str]) -> dict[str, Any]:
        """Write the `response` of the event that asks for it.

        Args:
            answer: what is asked for.
            items: of its utterances.
        """

    # --- Utterances ------------------------------------------------------------------

    def _on_committed(self, item_id: str) -> None:
        if self._state.unconfirmed:
            utterance_id = self._state.unconfirmed.popleft()
            self._state.utterances[utterance_id].item_id = item_id
            self._go_on()

    def _utterance_of(self, item_id: str) -> str | None:
        utterances = self._state.utterances.items()
        return next((k for k, v in utterances if v.item_id == item_id), None)

    def _on_source(self, item_id: str, delta: str) -> Out:
        utterance_id = self._utterance_of(item_id)
        if utterance_id is None:
            return []
        utterance = self._state.utterances[utterance_id]
        # A session that was lost may have written the beginning already.
        is_first = not utterance.text
        utterance.text += delta
        return [SourceText(self._leg, delta, utterance_id, is_whole=is_first)]

    def _on_source_done(
        self, item_id: str, transcript: str, *, is_failed: bool = False
    ) -> Out:
        utterance_id = self._utterance_of(item_id)
        if utterance_id is None:
            return []
        events: Out = []
        utterance, text = self._state.utterances[utterance_id], transcript.strip()
        if text and text != utterance.text.strip():
            # It came without deltas, or they were not the last word.
            utterance.text = text
            events.append(SourceText(self._leg, text, utterance_id, is_whole=True))
        return [*events, SourceDone(self._leg, utterance_id, is_failed)]

    def _forget_old(self) -> None:
        """A transcript may come after the answer, but not for ever."""
        utterances = self._state.utterances
        waiting = {i for answer in self._waiting for i in answer.ids}
        waiting.update(self._state.unconfirmed)
        for utterance_id in [i for i in utterances if i not in waiting][:-KEPT]:
            del utterances[utterance_id]

    # --- One response at a time ------------------------------------------------------

    def _on_created(self, response: dict[str, Any]) -> None:
        if self._active is not None and not self._active.response_id:
            self._active.response_id = str(response.get("id", ""))

    def _on_response_done(self, response: dict[str, Any]) -> Out:
        if usage := of_realtime(self._role, response.get("usage")):
            self._unpaid.append(usage)
        answer = self._active
        if answer is None or answer.response_id != str(response.get("id", "")):
            self._go_on()  # whatever it was, it is not in the way any more
            return []
        self._active = None
        is_failed = response.get("status") == "failed"
        if is_failed and not answer.said.samples and answer.attempts < ATTEMPTS:
            answer.response_id = answer.said.item_id = ""
            self._waiting.appendleft(answer)
            self._go_on()
            return []
        self._finish_saying(answer.said)
        events = self._on_answered(answer, response)
        self._go_on()
        return events

    def _finish_saying(self, said: Said) -> None:
        """All sound of something has been made."""
        said.is_done = True
        self._state.said.append(said)
        self._truncate(said)

    def _truncate(self, said: Said) -> None:
        if text := said.truncation():
            self._outbox.append(text)

    def _on_error(self, error: Refused, caused_by: str) -> Out:
        state = self._state
        if error.code == COMMIT_EMPTY and state.unconfirmed:
            # Too short to be anything: nothing will come of it.
            lost = state.unconfirmed.popleft()
            del state.utterances[lost]
            for answer in self._waiting:
                answer.ids = tuple(i for i in answer.ids if i != lost)
            self._drop_empty()
            self._go_on()
            done = TargetDone(self._leg, (lost,), is_failed=True)
            return [SourceDone(self._leg, lost), done]
        if self._active is not None and caused_by == self._active.event_id:
            # The response was refused: it is asked for again after what is running.
            answer, self._active = self._active, None
            if answer.attempts < ATTEMPTS:
                self._waiting.appendleft(answer)
            else:
                events = self._on_answered(answer, {"status": "failed"})
                self._go_on()
                return [error, *events]
        return [] if error.code in HARMLESS else [error]

    def _drop_empty(self) -> None:
        """Forget responses that have nothing left to answer."""
        self._waiting = deque(a for a in self._waiting if a.ids)

    def _go_on(self) -> None:
        """Ask for the next response, if none is being made and its items are known."""
        if self._active is not None or not self._waiting:
            return
        answer = self._waiting[0]
        items = [self._state.utterances[i].item_id for i in answer.ids]
        if not all(items):
            return
        self._waiting.popleft()
        self._active = answer
        answer.attempts += 1
        self._n_asked += 1
        answer.event_id = f"answer-{self._n_asked}"
        self._outbox.append(
            wire.encode(
                {
                    "type": "response.create",
                    "event_id": answer.event_id,
                    "response": self._response(answer, items),
                }
            )
        )

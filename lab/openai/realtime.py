"""Simulated `/realtime`: voice sessions in turns, and transcription sessions.

What it is for: the system's own voice (out-of-band responses that are read out
verbatim), interpretation turn by turn with the phrasebook, captions of committed turns,
and an agent that follows a policy file and calls tools (`lab.openai.agent`).  It
understands only the phrasebook, and has no opinions.

A live model in a transcription session writes while it listens: each phrase when it
has ended, the whole after the commit.  Others write after the commit only.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.websockets import WebSocket

from lab.openai import agent, interpreter, wire
from lab.openai import realtime_schema as schema
from lab.openai.catalogue import LIVE_TRANSCRIBERS
from lab.openai.sockets import (
    UNAUTHORISED,
    Connection,
    admit,
    is_authorised,
    lifetime,
    new_record,
    problem,
    refused,
)
from lab.openai.state import (
    MAX_ENTRIES,
    CallEntry,
    HeardEntry,
    Kind,
    SessionRecord,
    SpokenEntry,
    state,
)
from lab.openai.turns import SLACK_MS, Started, Stopped, TurnDetector
from lab.openai.wire import BadRequest
from lab.speech.listener import UNCLEAR, Heard, Segment
from lab.speech.phrasebook import Phrasebook
from lab.speech.synthesiser import VOICES
from realtime.audio.g711 import decode_mulaw, encode_mulaw
from realtime.audio.resample import Resampler
from realtime.audio.vad import WINDOW_MS

Samples = NDArray[np.int16]

MAX_BUFFER_BYTES: Final = 15 * 1024 * 1024
LEAST_COMMIT_MS: Final = 100
"""The provider refuses to commit less."""
DELTA_MS: Final = 200
VERBATIM_WPM: Final = 160
USER_MS_PER_TOKEN: Final = 100
ASSISTANT_MS_PER_TOKEN: Final = 50
"""The provider's token arithmetic for sound."""
CHARS_PER_TOKEN: Final = 4
TOKENS_PER_MINUTE: Final = 40_000
TRANSCRIPTION: Final = "conversation.item.input_audio_transcription"


# --- The session ----------------------------------------------------------------------


@dataclass(slots=True)
class _Item:
    """One conversation item.

    Attributes:
        body: as the API shows it.
        heard: what was understood, for sound that was committed.
        hearing: still understands it.
        sound_ms: length of its sound; of the model's own, as far as it was sent.
        entry: what the record says about it, once it sounds.
        is_answered: a response of the conversation has taken it up.
        is_truncated: it ends where the client says that it was cut.
    """

    body: dict[str, Any]
    heard: list[Heard] = field(default_factory=list)
    hearing: asyncio.Task[None] | None = None
    sound_ms: int = 0
    entry: SpokenEntry | None = None
    is_answered: bool = False
    is_truncated: bool = False

    @property
    def text(self) -> str:
        """The text in it."""
        parts = self.body.get("content", [])
        return " ".join(part["text"] for part in parts if part.get("text"))

    @property
    def wants_answer(self) -> bool:
        """Nobody has taken it up, and it is somebody else's."""
        if self.is_answered:
            return False
        is_output = self.body.get("type") == "function_call_output"
        return is_output or self.body.get("role") in ("user", "system")


@dataclass(slots=True)
class _Response:
    """One response that is being made.

    Attributes:
        id: "resp_…".
        body: as the API shows it while it is in progress.
        is_default: whether it writes the default conversation.
        instructions: for this response.
        metadata: of this response.
        context: the items that the model sees.
        asked: those of them that it answers, in order.
        text: what it says, once that is known.
        language: of `text`.
        calls: the tools that it calls after that.
        tools: names of those that it may call.
        cancelled: nobody wants it any more; `cancel_reason` is why.
        said_ms: length of the sound that was sent.
    """

    id: str
    body: dict[str, Any]
    is_default: bool
    instructions: str
    metadata: dict[str, Any]
    context: list[_Item]
    asked: list[_Item]
    text: str = ""
    language: str = "en"
    calls: tuple[agent.Call, ...] = ()
    tools: tuple[str, ...] = ()
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    cancel_reason: str = ""
    said_ms: int = 0

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody wants it any more."""
        return self.cancelled.is_set()

    def cancel(self, reason: str) -> None:
        """Stop it where it is."""
        self.cancel_reason = self.cancel_reason or reason
        self.cancelled.set()

    async def pause(self, seconds: float) -> None:
        """Wait, unless it is cancelled."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.cancelled.wait()


class _LiveTurn:
    """What is being said into a live transcription, up to its commit.

    Args:
        began_ms: when, by the sound that the session has been sent.
    """

    def __init__(self, began_ms: int) -> None:
        self.item_id = wire.new_id("item")
        self.began_ms = began_ms
        self.lock = asyncio.Lock()
        self.text = ""
        self.language = "en"
        self._resampler = Resampler(interpreter.ENGINE_HZ, interpreter.EAR_HZ)
        self._listener = interpreter.new_listener()
        self._listener.collect(interpreter.HUSH_BEFORE)

    def collect(self, format_: dict[str, Any], raw: bytes) -> list[Segment]:
        """Listen on; stretches of speech that have ended, for `understand`."""
        if format_["type"] == "audio/pcmu":
            return self._listener.collect(decode_mulaw(raw))
        pcm = np.frombuffer(raw, "<i2").astype(np.int16)
        return self._listener.collect(self._resampler.process(pcm))

    def understand(self, segments: list[Segment]) -> list[Heard]:
        """Recognise speech: heavy."""
        return [one for s in segments for one in self._listener.recognise(s)]

    def understand_rest(self) -> list[Heard]:
        """Recognise everything that is left."""
        heard = self._listener.push(interpreter.HUSH_AFTER)
        return heard + self._listener.flush()

    def spaced(self, heard: Heard) -> str:
        """Append a phrase to the text; returns what was appended."""
        self.language = heard.language or self.language
        is_spaceless = heard.language in interpreter.SPACELESS
        added = heard.text if is_spaceless or not self.text else " " + heard.text
        self.text += added
        return added


def _pcm(format_: dict[str, Any], raw: bytes) -> Samples:
    """Return input sound at 8 kHz."""
    if format_["type"] == "audio/pcmu":
        return decode_mulaw(raw)
    return interpreter.to_ear(np.frombuffer(raw, "<i2").astype(np.int16))


def _bytes_per_ms(format_: dict[str, Any]) -> int:
    return 8 if format_["type"] == "audio/pcmu" else 48


def _length_ms(format_: dict[str, Any], n_bytes: int) -> int:
    return n_bytes // _bytes_per_ms(format_)


def _tokens_of(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)


class RealtimeSession:
    """One session and its conversation.

    Args:
        connection: where its events go.
        model: from the URL; empty for a transcription session.
    """

    def __init__(self, connection: Connection, model: str) -> None:
        self._connection = connection
        self._record: SessionRecord = connection.record
        self._is_transcribing = self._record.kind == "transcription"
        self._config: dict[str, Any] = (
            _default_transcription() if self._is_transcribing else _default(model)
        )
        self._expires_at = 0
        self._buffer = bytearray()
        self._live: _LiveTurn | None = None
        self._turns: TurnDetector | None = None
        self._turn_item = ""
        self._clock_ms = 0
        self._items: dict[str, _Item] = {}
        self._last_item: str | None = None
        self._responses: dict[str, _Response] = {}
        self._has_spoken = False
        self._agent: agent.ScriptedAgent | None = None

    async def run(self, seconds: float) -> None:
        """Serve the socket until it closes.

        Args:
            seconds: how long the session may live.
        """
        self._expires_at = int(self._record.opened_at + seconds)
        await self._send("session.created", session=self._as_dict())
        while (text := await self._connection.receive()) is not None:
            event_id = None
            try:
                message = wire.decode(text)
                event_id = message.get("event_id")
                await self._receive(message)
            except BadRequest as error:
                await self._connection.send_event(wire.error_event(error, event_id))

    async def _receive(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "input_audio_buffer.append":
                await self._append(message)
            case "input_audio_buffer.commit":
                await self._commit()
            case "input_audio_buffer.clear":
                self._buffer.clear()
                self._live = None
                if self._turns is not None:
                    self._turns.forget()
                await self._send("input_audio_buffer.cleared")
            case "session.update":
                await self._update(message.get("session"))
            case "conversation.item.create" if not self._is_transcribing:
                await self._create_item(message)
            case "conversation.item.delete" if not self._is_transcribing:
                item = self._find(message, "delete")
                del self._items[item.body["id"]]
                await self._send("conversation.item.deleted", item_id=item.body["id"])
            case "conversation.item.retrieve" if not self._is_transcribing:
                item = self._find(message, "retrieve")
                await self._send("conversation.item.retrieved", item=item.body)
            case "conversation.item.truncate" if not self._is_transcribing:
                await self._truncate(message)
            case "response.create" if not self._is_transcribing:
                await self._create_response(message.get("response") or {})
            case "response.cancel" if not self._is_transcribing:
                self._cancel(message.get("response_id"))
            case other:
                raise BadRequest(
                    f"Invalid value: '{other}'. It is not an event of this session.",
                    param="type",
                )

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._connection.send_event(wire.event(kind, **fields))

    # --- Configuration ---

    def _as_dict(self) -> dict[str, Any]:
        kind = "transcription_session" if self._is_transcribing else "session"
        return {
            "id": self._record.id,
            "object": f"realtime.{kind}",
            "expires_at": self._expires_at,
            **self._config,
        }

    async def _update(self, change: Any) -> None:
        (schema.TRANSCRIBING if self._is_transcribing else schema.REALTIME)(
            change, "session"
        )
        model = change.get("model", self._config.get("model"))
        if model != self._config.get("model"):
            raise BadRequest(
                "Cannot update a conversation's model.",
                code="immutable_parameter",
                param="session.model",
            )
        voice = change.get("audio", {}).get("output", {}).get("voice")
        if self._has_spoken and voice not in (None, self._output["voice"]):
            raise BadRequest(
                "Cannot update a conversation's voice if assistant audio is present.",
                code="cannot_update_voice",
                param="session.audio.output.voice",
            )
        merged = wire.merged(self._config, change)
        schema.check_transcription(merged["audio"]["input"])
        if self._is_transcribing:
            schema.check_turns(merged["audio"]["input"])
        for name in ("turn_detection", "format"):
            if merged["audio"]["input"][name] != self._input[name]:
                self._turns = None
        self._config = merged
        instructions = self._config.get("instructions", "")
        self._record.language = interpreter.named_target(instructions) or ""
        brief = agent.brief_of(instructions)
        if brief is not None and self._config.get("tools"):
            self._agent = self._agent or agent.ScriptedAgent(brief)
            self._record.language = self._agent.language
        await self._send("session.updated", session=self._as_dict())

    @property
    def _input(self) -> dict[str, Any]:
        found: dict[str, Any] = self._config["audio"]["input"]
        return found

    @property
    def _output(self) -> dict[str, Any]:
        found: dict[str, Any] = self._config["audio"]["output"]
        return found

    # --- Input sound ---

    async def _append(self, message: dict[str, Any]) -> None:
        raw = wire.decode_audio(message)
        if self._input["format"]["type"] == "audio/pcm" and len(raw) % 2:
            raise BadRequest(
                "Invalid 'audio': PCM16 audio has an even number of bytes.",
                code="invalid_audio",
                param="audio",
            )
        if len(self._buffer) + len(raw) > MAX_BUFFER_BYTES:
            raise BadRequest("The input audio buffer is full.", param="audio")
        self._buffer += raw
        self._clock_ms += _length_ms(self._input["format"], len(raw))
        self._record.appended_ms = self._clock_ms
        if self._input["turn_detection"]:
            await self._detect_turns(raw)
        elif self._is_live:
            self._hear_live(raw)

    async def _detect_turns(self, raw: bytes) -> None:
        """Listen for turns; what they begin and end with is what the provider sends."""
        settings, format_ = self._input["turn_detection"], self._input["format"]
        if self._turns is None:
            before_ms = self._clock_ms - _length_ms(format_, len(raw))
            self._turns = TurnDetector(settings, format_, before_ms)
        turns = self._turns
        for turn in turns.push(raw):
            if isinstance(turn, Started):
                await self._begin_turn(turn)
            else:
                await self._end_turn(turn)
        if not turns.is_speaking:
            self._keep_last(turns.prefix_ms + SLACK_MS + WINDOW_MS)

    async def _begin_turn(self, turn: Started) -> None:
        self._turn_item = wire.new_id("item")
        await self._send(
            "input_audio_buffer.speech_started",
            audio_start_ms=turn.at_ms,
            item_id=self._turn_item,
        )
        if self._input["turn_detection"].get("interrupt_response", True):
            for response in list(self._responses.values()):
                if response.is_default:
                    response.cancel("turn_detected")

    async def _end_turn(self, turn: Stopped) -> None:
        await self._send(
            "input_audio_buffer.speech_stopped",
            audio_end_ms=turn.at_ms,
            item_id=self._turn_item,
        )
        tail = self._cut_off(self._clock_ms - turn.at_ms)
        self._keep_last(turn.at_ms - turn.started_ms)
        try:
            await self._commit(self._turn_item, ended_ms=turn.at_ms)
        except BadRequest:  # too short, and nobody has asked for it
            return
        finally:
            self._buffer += tail
        answers = self._input["turn_detection"].get("create_response", True)
        if answers and not self._is_transcribing:
            with contextlib.suppress(BadRequest):
                await self._create_response({})

    def _cut_off(self, ms: int) -> bytes:
        """Take the end of the buffer out of it."""
        n = max(0, len(self._buffer) - ms * _bytes_per_ms(self._input["format"]))
        tail = bytes(self._buffer[n:])
        del self._buffer[n:]
        return tail

    def _keep_last(self, ms: int) -> None:
        """Forget all of the buffer but its end."""
        n = len(self._buffer) - ms * _bytes_per_ms(self._input["format"])
        del self._buffer[: max(0, n)]

    async def _commit(self, item_id: str = "", ended_ms: int | None = None) -> None:
        format_ = self._input["format"]
        length_ms = _length_ms(format_, len(self._buffer))
        if length_ms < LEAST_COMMIT_MS:
            raise BadRequest(
                "Error committing input audio buffer: buffer too small. Expected at"
                f" least {LEAST_COMMIT_MS}ms of audio, but buffer only has"
                f" {length_ms}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        pcm = _pcm(format_, bytes(self._buffer))
        self._buffer.clear()
        content = {"type": "input_audio", "transcript": None}
        live, self._live = self._live, None
        item_id = item_id or (live.item_id if live else wire.new_id("item"))
        item = _Item(_message(item_id, "user", [content]))
        item.sound_ms = length_ms
        await self._send(
            "input_audio_buffer.committed",
            item_id=item.body["id"],
            previous_item_id=self._last_item,
        )
        await self._add(item)
        ended_ms = self._clock_ms if ended_ms is None else ended_ms
        began_ms = ended_ms - length_ms
        if live is not None:
            self._connection.start(partial(self._write_rest, live, item))
            return
        transcribing = bool(self._input["transcription"])
        item.hearing = self._connection.start(
            partial(self._hear, item, pcm, began_ms, transcribing)
        )

    async def _hear(
        self, item: _Item, pcm: Samples, began_ms: int, transcribing: bool
    ) -> None:
        """Understand a committed turn, beside everything else, as the provider does."""
        heard = await interpreter.in_pool(partial(interpreter.hear_all, pcm))
        self._note_heard(heard, began_ms)
        item.heard = heard
        if transcribing:
            self._connection.start(partial(self._transcribe, item))

    async def _transcribe(self, item: _Item) -> None:
        await asyncio.sleep(self._connection.delay_ms / 1000)
        text = interpreter.transcript(item.heard)
        language = next((one.language for one in item.heard if one.language), None)
        content = item.body["content"][0]
        content["transcript"] = text
        for delta in interpreter.in_deltas(text, language or "en"):
            await self._write_delta(item.body["id"], delta)
        await self._complete(item, text)

    def _note_heard(self, heard: list[Heard], began_ms: int) -> None:
        hush_ms = len(interpreter.HUSH_BEFORE) // 8
        for one in heard:
            self._record.heard.append(
                HeardEntry(
                    one.phrase_id,
                    one.text,
                    one.language,
                    began_ms + max(0, one.started_ms - hush_ms),
                    began_ms + max(0, one.ended_ms - hush_ms),
                )
            )

    async def _write_delta(self, item_id: str, delta: str) -> None:
        kind = f"{TRANSCRIPTION}.delta"
        await self._send(kind, item_id=item_id, content_index=0, delta=delta)

    async def _complete(self, item: _Item, text: str) -> None:
        where = {"item_id": item.body["id"], "content_index": 0}
        if self._connection.failing_transcripts:
            self._connection.failing_transcripts -= 1
            error = {
                "type": "server_error",
                "code": "server_error",
                "message": "The server had an error while transcribing.",
                "param": None,
            }
            await self._send(f"{TRANSCRIPTION}.failed", error=error, **where)
            return
        usage = {"type": "duration", "seconds": item.sound_ms / 1000}
        await self._send(
            f"{TRANSCRIPTION}.completed", transcript=text, usage=usage, **where
        )

    # --- Writing while somebody speaks ---

    @property
    def _is_live(self) -> bool:
        transcription = self._input["transcription"] or {}
        return self._is_transcribing and transcription.get("model") in LIVE_TRANSCRIBERS

    def _hear_live(self, raw: bytes) -> None:
        format_ = self._input["format"]
        if self._live is None:
            self._live = _LiveTurn(self._clock_ms - _length_ms(format_, len(raw)))
        turn = self._live
        segments = turn.collect(format_, raw)
        if segments:
            understand = partial(turn.understand, segments)
            self._connection.start(partial(self._write_live, turn, understand))

    async def _write_live(
        self, turn: _LiveTurn, understand: Callable[[], list[Heard]]
    ) -> None:
        """Write what has been understood by now; one stretch after the other."""
        async with turn.lock:
            heard = await interpreter.in_pool(understand)
            self._note_heard(heard, turn.began_ms)
            if heard:
                await asyncio.sleep(self._connection.delay_ms / 1000)
            for one in heard:
                for delta in interpreter.in_deltas(turn.spaced(one), turn.language):
                    await self._write_delta(turn.item_id, delta)

    async def _write_rest(self, turn: _LiveTurn, item: _Item) -> None:
        await self._write_live(turn, turn.understand_rest)
        item.body["content"][0]["transcript"] = turn.text
        await self._complete(item, turn.text)

    # --- The conversation ---

    async def _add(self, item: _Item, *, is_done: bool = True) -> None:
        before, item_id = self._last_item, item.body["id"]
        self._items[item_id] = item
        self._last_item = item_id
        fields = {"previous_item_id": before, "item": item.body}
        await self._send("conversation.item.added", **fields)
        if is_done:
            await self._send("conversation.item.done", **fields)

    async def _create_item(self, message: dict[str, Any]) -> None:
        body = message.get("item")
        schema.ITEM(body, "item")
        assert isinstance(body, dict)  # noqa: S101 - has just been checked
        self._check_item(body)
        previous = message.get("previous_item_id")
        if previous not in (None, "root") and previous not in self._items:
            raise BadRequest(
                f"Previous item with id '{previous}' not found.",
                code="item_create_invalid_previous_item_id",
                param="previous_item_id",
            )
        if body.get("id") in self._items:
            raise BadRequest(
                f"Item with id '{body['id']}' already exists.",
                code="item_create_duplicate_item_id",
                param="item.id",
            )
        full = {
            "object": "realtime.item",
            "status": "completed",
            **body,
            "id": body.get("id") or wire.new_id("item"),
        }
        item = _Item(full)
        self._note_history(item)
        await self._add(item)

    def _check_item(self, body: dict[str, Any]) -> None:
        """Refuse what cannot follow what is there."""
        kind = body["type"]
        schema.PARTS_OF_ITEM[kind](body, "item")
        if kind == "function_call_output" and body["call_id"] not in self._called():
            raise BadRequest(
                f"Tool call ID '{body['call_id']}' not found in conversation.",
                param="item.call_id",
            )

    def _called(self) -> dict[str, dict[str, Any]]:
        """Return the calls of tools, by call id."""
        bodies = [item.body for item in self._items.values()]
        return {b["call_id"]: b for b in bodies if b["type"] == "function_call"}

    def _note_history(self, item: _Item) -> None:
        """Whatever stands before something that was said has been answered."""
        body = item.body
        if body.get("role") == "assistant":
            for earlier in self._items.values():
                earlier.is_answered = True
            if self._agent is not None:
                self._agent.note_spoken(_phrase_id(item.text, self._agent.language))
        if body["type"] == "function_call_output":
            for call in self._record.called:
                if call.call_id == body["call_id"]:
                    call.output = body["output"]

    def _find(self, message: dict[str, Any], verb: str) -> _Item:
        item_id = message.get("item_id")
        if not isinstance(item_id, str):
            raise BadRequest(
                "Missing required parameter: 'item_id'.",
                code="missing_required_parameter",
                param="item_id",
            )
        if item_id not in self._items:
            raise BadRequest(
                f"Item with id '{item_id}' not found.",
                code=f"item_{verb}_invalid_item_id",
                param="item_id",
            )
        return self._items[item_id]

    async def _truncate(self, message: dict[str, Any]) -> None:
        item = self._find(message, "truncate")
        end_ms, index = message.get("audio_end_ms"), message.get("content_index")
        wire.number(0, 1e9)(end_ms, "audio_end_ms")
        wire.one_of(0)(index, "content_index")
        assert isinstance(end_ms, int | float)  # noqa: S101 - has just been checked
        if item.body.get("role") != "assistant":
            raise BadRequest(
                "Only model output audio messages can be truncated.", param="item_id"
            )
        if end_ms > item.sound_ms:
            raise BadRequest(
                f"Audio content of {item.sound_ms}ms is already shorter than"
                f" {end_ms}ms.",
                param="audio_end_ms",
            )
        item.sound_ms = int(end_ms)
        item.is_truncated = True
        if item.entry is not None:
            item.entry.truncated_ms = int(end_ms)
        for part in item.body["content"]:
            part["transcript"] = None
        await self._send(
            "conversation.item.truncated",
            item_id=item.body["id"],
            content_index=0,
            audio_end_ms=int(end_ms),
        )

    # --- Responses ---

    async def _create_response(self, params: Any) -> None:
        schema.RESPONSE(params, "response")
        is_default = params.get("conversation", "auto") == "auto"
        if is_default and any(one.is_default for one in self._responses.values()):
            active = next(o.id for o in self._responses.values() if o.is_default)
            raise BadRequest(
                f"Conversation already has an active response in progress: {active}."
                " Wait until the response is finished before creating a new one.",
                code="conversation_already_has_active_response",
            )
        output = wire.merged(self._output, params.get("audio", {}).get("output", {}))
        context = self._context(params)
        is_agents = is_default and self._agent is not None
        asked = [i for i in context if i.wants_answer] if is_agents else _asked(context)
        response_id = wire.new_id("resp")
        body: dict[str, Any] = {
            "object": "realtime.response",
            "id": response_id,
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": self._record.id.replace("sess", "conv")
            if is_default
            else None,
            "output_modalities": params.get(
                "output_modalities", self._config["output_modalities"]
            ),
            "max_output_tokens": params.get(
                "max_output_tokens", self._config["max_output_tokens"]
            ),
            "audio": {"output": {k: output[k] for k in ("format", "voice")}},
            "usage": None,
            "metadata": params.get("metadata"),
        }
        response = _Response(
            response_id,
            body,
            is_default,
            params.get("instructions", self._config["instructions"]),
            params.get("metadata") or {},
            context,
            asked,
            tools=self._tools(params) if is_agents else (),
        )
        if is_default:
            for item in asked:
                item.is_answered = True
        self._responses[response_id] = response
        await self._send("response.created", response=body)
        self._connection.start(partial(self._respond, response))

    def _tools(self, params: dict[str, Any]) -> tuple[str, ...]:
        """Name the tools that a response may call."""
        choice = params.get("tool_choice", self._config.get("tool_choice", "auto"))
        tools = params.get("tools", self._config.get("tools", []))
        return () if choice == "none" else tuple(tool["name"] for tool in tools)

    def _context(self, params: dict[str, Any]) -> list[_Item]:
        """Return the items that a response is made from."""
        if "input" not in params:
            return list(self._items.values())
        return [
            self._find({"item_id": one.get("id")}, "retrieve")
            if one["type"] == "item_reference"
            else _Item(one)
            for one in params["input"]
        ]

    def _compose(self, response: _Response) -> None:
        """Decide what to say: everything asked has been heard by now."""
        if response.is_default and self._agent is not None:
            self._decide(response, self._agent)
            return
        target = interpreter.named_target(response.instructions)
        heard = [one for item in response.asked for one in item.heard]
        if heard:
            response.language = target or "en"
            response.text = interpreter.translate_heard(heard, response.language)
        elif response.asked:
            text = response.asked[-1].text
            if target and (translated := interpreter.translate_text(text, target)):
                response.text, response.language = translated, target
                return
            language = response.metadata.get("language", "en")
            if language not in wire.OUTPUT_LANGUAGES:
                language = "en"
            if self._connection.misreads:
                self._connection.misreads -= 1
                text = interpreter.misread(text)
            response.text = text
            response.language = interpreter.guess_language(text, language)

    def _decide(self, response: _Response, acting: agent.ScriptedAgent) -> None:
        """Let the agent's policy choose what to say and to call."""
        called, news = self._called(), list[agent.News]()
        for item in response.asked:
            body = item.body
            if body["type"] == "function_call_output":
                news.append(_output(called[body["call_id"]], body["output"]))
            elif body["role"] == "system":
                news.append(agent.Told(item.text))
            elif item.text:
                known = _phrase_id(item.text, acting.language)
                news.append(agent.Heard(known))
            else:
                news += [agent.Heard(one.phrase_id) for one in item.heard]
        now = agent.instruction_of(response.instructions)
        turn = acting.decide(news, now, response.tools)
        response.language, response.calls = acting.language, turn.calls
        if turn.say:
            texts = Phrasebook.load()[turn.say].texts
            if acting.language not in texts:
                response.language = "en"
            response.text = texts[response.language]

    async def _respond(self, response: _Response) -> None:
        connection = self._connection
        wait_ms = (
            state.response_latency_ms
            + connection.delay_ms
            + connection.response_delay_ms
        )
        await response.pause(wait_ms / 1000)
        hearing = [item.hearing for item in response.asked if item.hearing]
        if hearing and not response.is_cancelled:
            await asyncio.wait(hearing)
        self._compose(response)
        output: list[dict[str, Any]] = []
        if not response.is_cancelled and (response.text or not response.calls):
            output.append(await self._say(response))
        for call in response.calls:
            if not response.is_cancelled:
                output.append(await self._call(response, call, len(output)))
        if response.is_default and not output:
            for item in response.asked:
                item.is_answered = False
        del self._responses[response.id]
        await self._send("response.done", response=_finished(response, output))
        await self._send("rate_limits.updated", rate_limits=_rate_limits(response))

    async def _say(self, response: _Response) -> dict[str, Any]:
        """Send the one output item of a response; returns it as it ended."""
        item = _Item(_message(wire.new_id("item"), "assistant", []))
        item.body["status"] = "in_progress"
        where = {"response_id": response.id, "output_index": 0}
        await self._send("response.output_item.added", item=dict(item.body), **where)
        if response.is_default:
            await self._add(item, is_done=False)
        where |= {"item_id": item.body["id"], "content_index": 0}
        if response.body["output_modalities"] == ["text"]:
            content = await self._write(response, where)
        else:
            content = await self._speak(response, item, where)
        status = "incomplete" if response.is_cancelled else "completed"
        item.body |= {"status": status, "content": [content]}
        await self._send(
            "response.output_item.done",
            item=item.body,
            response_id=response.id,
            output_index=0,
        )
        if response.is_default:
            before = list(self._items)
            at = before.index(item.body["id"]) if item.body["id"] in before else 0
            await self._send(
                "conversation.item.done",
                item=item.body,
                previous_item_id=before[at - 1] if at else None,
            )
        return item.body

    async def _call(
        self, response: _Response, call: agent.Call, index: int
    ) -> dict[str, Any]:
        """Send a call of a tool; returns its item."""
        call_id = wire.new_id("call")
        body: dict[str, Any] = {
            "id": wire.new_id("item"),
            "object": "realtime.item",
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": call_id,
            "arguments": "",
        }
        item = _Item(body)
        where = {"response_id": response.id, "output_index": index}
        await self._send("response.output_item.added", item=dict(body), **where)
        await self._add(item, is_done=False)
        named = {**where, "item_id": body["id"], "call_id": call_id}
        kind = "response.function_call_arguments"
        for delta in interpreter.in_deltas(call.arguments, "en"):
            await self._send(f"{kind}.delta", delta=delta, **named)
        body |= {"status": "completed", "arguments": call.arguments}
        # It is there before the client can answer it.
        if len(self._record.called) < MAX_ENTRIES:
            self._record.called.append(CallEntry(call_id, call.name, call.arguments))
        await self._send(
            f"{kind}.done", name=call.name, arguments=call.arguments, **named
        )
        await self._send("response.output_item.done", item=body, **where)
        before = list(self._items)
        at = before.index(body["id"])
        await self._send(
            "conversation.item.done",
            item=body,
            previous_item_id=before[at - 1] if at else None,
        )
        return body

    async def _write(
        self, response: _Response, where: dict[str, Any]
    ) -> dict[str, Any]:
        part = {"type": "text", "text": ""}
        await self._send("response.content_part.added", part=part, **where)
        written = ""
        for delta in interpreter.in_deltas(response.text, response.language):
            if response.is_cancelled:
                break
            written += delta
            await self._send("response.output_text.delta", delta=delta, **where)
            await asyncio.sleep(0)
        await self._send("response.output_text.done", text=written, **where)
        part = {"type": "text", "text": written}
        await self._send("response.content_part.done", part=part, **where)
        return {"type": "output_text", "text": written}

    async def _speak(
        self, response: _Response, item: _Item, where: dict[str, Any]
    ) -> dict[str, Any]:
        part: dict[str, Any] = {"type": "audio", "transcript": ""}
        await self._send("response.content_part.added", part=part, **where)
        output = response.body["audio"]["output"]
        pcm = await interpreter.in_pool(
            partial(self._sound, response.text, response.language, output["voice"])
        )
        words = deque(interpreter.in_deltas(response.text, response.language))
        n_words, spoken, began_ms = len(words), "", self._clock_ms
        self._has_spoken |= bool(len(pcm))
        chunk = interpreter.ENGINE_HZ * DELTA_MS // 1000
        down = Resampler(interpreter.ENGINE_HZ, interpreter.EAR_HZ)
        for at in range(0, len(pcm), chunk):
            if response.is_cancelled:
                break
            piece = pcm[at : at + chunk]
            share = (at + len(piece)) / len(pcm)
            while words and (n_words - len(words)) / n_words < share:
                spoken += (delta := words.popleft())
                await self._send(
                    "response.output_audio_transcript.delta", delta=delta, **where
                )
            is_mulaw = output["format"]["type"] == "audio/pcmu"
            raw = encode_mulaw(down.process(piece)) if is_mulaw else piece
            await self._send(
                "response.output_audio.delta", delta=wire.encode_audio(raw), **where
            )
            response.said_ms += len(piece) * 1000 // interpreter.ENGINE_HZ
            self._note_said(response, item, spoken, began_ms)
            await asyncio.sleep(DELTA_MS / 1000 / state.response_speed)
        await self._send("response.output_audio.done", **where)
        await self._send(
            "response.output_audio_transcript.done", transcript=spoken, **where
        )
        part = {"type": "audio", "transcript": spoken}
        await self._send("response.content_part.done", part=part, **where)
        transcript = None if item.is_truncated else spoken
        return {"type": "output_audio", "transcript": transcript}

    def _note_said(
        self, response: _Response, item: _Item, spoken: str, began_ms: int
    ) -> None:
        """Keep the record and the item up to date with what was sent."""
        if item.entry is None:
            item.entry = SpokenEntry(
                None, "", response.language, began_ms, 0, item_id=item.body["id"]
            )
            self._record.spoken.append(item.entry)
        item.entry.text = spoken
        item.entry.phrase_id = _phrase_id(spoken, response.language)
        item.entry.ended_ms = began_ms + response.said_ms
        if not item.is_truncated:
            item.sound_ms = response.said_ms

    def _sound(self, text: str, language: str, voice: Any) -> Samples:
        if not text or text == UNCLEAR:
            return np.zeros(0, np.int16)
        place = (
            schema.VOICES_OF_PROVIDER.index(voice)
            if voice in schema.VOICES_OF_PROVIDER
            else 0
        )
        letter = list(VOICES)[(place + 2) % len(VOICES)]
        wpm = round(VERBATIM_WPM * float(self._output["speed"]))
        return interpreter.speak(text, language, letter, max(80, wpm))

    def _cancel(self, response_id: Any) -> None:
        active = [one for one in self._responses.values() if one.is_default]
        if response_id is not None:
            active = [o for o in self._responses.values() if o.id == response_id]
        if not active:
            raise BadRequest(
                "Cancellation failed: no active response found.",
                code="response_cancel_not_active",
            )
        for one in active:
            one.cancel("client_cancelled")


def _output(called: dict[str, Any], text: str) -> agent.Output:
    return agent.Output(called["name"], text, called["arguments"])


def _phrase_id(text: str, language: str) -> str | None:
    phrase = interpreter.find(text, language)
    return phrase.id if phrase else None


def _message(item_id: str, role: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": role,
        "content": content,
    }


def _asked(context: list[_Item]) -> list[_Item]:
    """Choose what a response answers.

    Like a model that is told to interpret: everything that has been said since it
    answered last, or the last thing again when there is nothing new.
    """
    users = [item for item in context if item.body.get("role") == "user"]
    return [item for item in users if not item.is_answered] or users[-1:]


def _input_tokens(response: _Response) -> tuple[int, int]:
    """Count what went in: text, and the sound of the whole conversation."""
    text = response.instructions + " ".join(item.text for item in response.context)
    sound = sum(
        item.sound_ms
        // (
            ASSISTANT_MS_PER_TOKEN
            if item.body.get("role") == "assistant"
            else USER_MS_PER_TOKEN
        )
        for item in response.context
    )
    return _tokens_of(text), sound


def _finished(response: _Response, output: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the response as `response.done` shows it."""
    text_in, sound_in = _input_tokens(response)
    sound_out = response.said_ms // ASSISTANT_MS_PER_TOKEN
    said = output[0]["content"][0] if output and "content" in output[0] else {}
    text_out = _tokens_of(said.get("transcript") or said.get("text") or "")
    text_out += sum(_tokens_of(item.get("arguments", "")) for item in output)
    is_cancelled = response.is_cancelled
    details = {"type": "cancelled", "reason": response.cancel_reason}
    return {
        **response.body,
        "status": "cancelled" if is_cancelled else "completed",
        "status_details": details if is_cancelled else {"type": "completed"},
        "output": output,
        "usage": {
            "total_tokens": text_in + sound_in + text_out + sound_out,
            "input_tokens": text_in + sound_in,
            "output_tokens": text_out + sound_out,
            "input_token_details": {
                "text_tokens": text_in,
                "audio_tokens": sound_in,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": {
                    "text_tokens": 0,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {
                "text_tokens": text_out,
                "audio_tokens": sound_out,
            },
        },
    }


def _rate_limits(response: _Response) -> list[dict[str, Any]]:
    used = sum(_input_tokens(response)) + response.said_ms // ASSISTANT_MS_PER_TOKEN
    return [
        {
            "name": "tokens",
            "limit": TOKENS_PER_MINUTE,
            "remaining": max(0, TOKENS_PER_MINUTE - used),
            "reset_seconds": round(60 * used / TOKENS_PER_MINUTE, 3),
        }
    ]


def _default(model: str) -> dict[str, Any]:
    """Return the configuration that a new voice session has."""
    sound = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "",
        "audio": {
            "input": {
                "format": dict(sound),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": dict(sound), "voice": "alloy", "speed": 1.0},
        },
        "include": None,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
    }


def _default_transcription() -> dict[str, Any]:
    """Return the configuration that a new transcription session has."""
    return {
        "type": "transcription",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": None,
            }
        },
        "include": None,
    }


async def realtime(socket: WebSocket) -> None:
    """Serve one voice or transcription session."""
    is_transcribing = socket.query_params.get("intent") == "transcription"
    model = ""
    if not is_transcribing:
        admitted = await admit(socket, "realtime")
        if admitted is None:
            return
        model = admitted
    elif not is_authorised(socket.headers.get("authorization")):
        await socket.send_denial_response(problem(*UNAUTHORISED))
        return
    elif "model" in socket.query_params:
        message = "A transcription session takes no model in its address."
        await socket.send_denial_response(
            problem(400, message, "invalid_model", "model")
        )
        return
    kind: Kind = "transcription" if is_transcribing else "realtime"
    faults = state.take_faults(kind)
    if await refused(socket, faults):
        return
    await socket.accept()
    record = new_record(kind, model)
    connection = Connection(socket, record)
    state.open(record, connection.apply_fault)
    seconds = lifetime(faults)
    try:
        connection.start(lambda: connection.expire(seconds))
        for fault in faults:
            if fault["kind"] != "expire_session":
                connection.apply_fault(fault)
        await RealtimeSession(connection, model).run(seconds)
    finally:
        state.close(record)
        await connection.stop()

"""What a client may send to `/realtime`: the GA shapes, and nothing else.

Unknown parameters are errors there, so they are here.
"""

from typing import Any, Final

from lab.openai import wire
from lab.openai.catalogue import LIVE_TRANSCRIBERS, has_role
from lab.openai.wire import BadRequest

VOICES_OF_PROVIDER: Final = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)


def _transcriber(value: Any, path: str) -> None:
    wire.is_a(str)(value, path)
    if not has_role(value, "transcription"):
        raise BadRequest(f"Unknown transcription model: '{value}'.", param=path)


_TEXT: Final = wire.is_a(str)
_FLAG: Final = wire.is_a(bool)
_FORMAT: Final = wire.either(
    wire.fields(("type",), type=wire.one_of("audio/pcmu")),
    wire.fields(
        ("type", "rate"), type=wire.one_of("audio/pcm"), rate=wire.one_of(24000)
    ),
)
_TRANSCRIPTION: Final = wire.nullable(
    wire.fields(
        model=_transcriber,
        language=_TEXT,
        languages=wire.list_of(_TEXT),
        keywords=wire.list_of(_TEXT),
        prompt=_TEXT,
        delay=wire.one_of("minimal", "low", "medium", "high", "xhigh"),
    )
)
_NOISE_REDUCTION: Final = wire.nullable(
    wire.fields(type=wire.one_of("near_field", "far_field"), strength=wire.number(0, 1))
)
_TURN_DETECTION: Final = wire.nullable(
    wire.either(
        wire.fields(
            ("type",),
            type=wire.one_of("semantic_vad"),
            eagerness=wire.one_of("low", "medium", "high", "auto"),
            create_response=_FLAG,
            interrupt_response=_FLAG,
        ),
        wire.fields(
            ("type",),
            type=wire.one_of("server_vad", "semantic_vad"),
            threshold=wire.number(0, 1),
            prefix_padding_ms=wire.number(0, 10_000),
            silence_duration_ms=wire.number(0, 10_000),
            idle_timeout_ms=wire.nullable(wire.number(0, 600_000)),
            create_response=_FLAG,
            interrupt_response=_FLAG,
        ),
    )
)
_VOICE: Final = wire.either(
    wire.fields(("id",), id=_TEXT), wire.one_of(*VOICES_OF_PROVIDER)
)
_INPUT: Final = wire.fields(
    format=_FORMAT,
    transcription=_TRANSCRIPTION,
    noise_reduction=_NOISE_REDUCTION,
    turn_detection=_TURN_DETECTION,
)
_TOOLS: Final = wire.list_of(
    wire.fields(
        ("type", "name"),
        type=wire.one_of("function"),
        name=_TEXT,
        description=_TEXT,
        parameters=wire.is_a(dict),
    )
)
_TOOL_CHOICE: Final = wire.either(
    wire.one_of("auto", "none", "required"),
    wire.fields(("type", "name"), type=wire.one_of("function"), name=_TEXT),
)
_MODALITIES: Final = wire.either(wire.one_of(["audio"]), wire.one_of(["text"]))
_TOKENS: Final = wire.either(wire.one_of("inf"), wire.number(1, 4096))
REALTIME: Final = wire.fields(
    ("type",),
    type=wire.one_of("realtime"),
    model=_TEXT,
    output_modalities=_MODALITIES,
    instructions=_TEXT,
    audio=wire.fields(
        input=_INPUT,
        output=wire.fields(format=_FORMAT, voice=_VOICE, speed=wire.number(0.25, 1.5)),
    ),
    include=wire.nullable(wire.list_of(_TEXT)),
    tools=_TOOLS,
    tool_choice=_TOOL_CHOICE,
    parallel_tool_calls=_FLAG,
    reasoning=wire.is_a(dict),
    max_output_tokens=_TOKENS,
    tracing=wire.nullable(wire.is_a(str, dict)),
    truncation=wire.is_a(str, dict),
)
TRANSCRIBING: Final = wire.fields(
    ("type",),
    type=wire.one_of("transcription"),
    audio=wire.fields(input=_INPUT),
    include=wire.nullable(wire.list_of(_TEXT)),
)
WITH_WORD_LISTS: Final = frozenset({"gpt-transcribe", "gpt-live-transcribe"})
"""The models that take `languages` and `keywords`."""


def check_transcription(sound: dict[str, Any]) -> None:
    """Refuse what the chosen transcription model does not support.

    Args:
        sound: `session.audio.input`, as it would be.

    Raises:
        BadRequest: a parameter of another model; turns that a live model cannot find.
    """
    asked = sound["transcription"] or {}
    model = asked.get("model", "")
    takes = {
        "languages": model in WITH_WORD_LISTS,
        "keywords": model in WITH_WORD_LISTS,
        "delay": model == "gpt-realtime-whisper",
        "prompt": model != "gpt-realtime-whisper",
    }
    for name, is_taken in takes.items():
        if asked.get(name) and not is_taken:
            raise BadRequest(
                f"'{name}' is not supported by the model '{model}'.",
                code="unsupported_parameter",
                param=f"session.audio.input.transcription.{name}",
            )


def check_turns(sound: dict[str, Any]) -> None:
    """Refuse turn detection for a model that does not know it.

    Args:
        sound: `session.audio.input` of a transcription session, as it would be.

    Raises:
        BadRequest: the model finds no turns.
    """
    model = (sound["transcription"] or {}).get("model")
    if sound["turn_detection"] and model in LIVE_TRANSCRIBERS:
        raise BadRequest(
            f"Turn detection is not supported by '{model}': commit each turn.",
            code="unsupported_parameter",
            param="session.audio.input.turn_detection",
        )


_CONTENT: Final = wire.fields(
    ("type",),
    type=wire.one_of(
        "input_text", "input_audio", "output_text", "output_audio", "text"
    ),
    text=_TEXT,
    audio=_TEXT,
    transcript=_TEXT,
)
ITEM: Final = wire.fields(
    ("type",),
    id=_TEXT,
    object=wire.one_of("realtime.item"),
    type=wire.one_of("message", "function_call", "function_call_output"),
    status=wire.one_of("completed", "incomplete", "in_progress"),
    role=wire.one_of("user", "assistant", "system"),
    content=wire.list_of(_CONTENT),
    call_id=_TEXT,
    name=_TEXT,
    arguments=_TEXT,
    output=_TEXT,
)


_KINDS_OF_ROLE: Final = {
    "assistant": ("output_text", "output_audio"),
    "system": ("input_text",),
    "user": ("input_text", "input_audio"),
}


def _required(*names: str) -> wire.Check:
    """Insist on these fields of something that is checked otherwise."""

    def check(value: Any, path: str) -> None:
        for name in names:
            if value.get(name) is None:
                raise BadRequest(
                    f"Missing required parameter: '{path}.{name}'.",
                    code="missing_required_parameter",
                    param=f"{path}.{name}",
                )

    return check


def _message(value: Any, path: str) -> None:
    """Check who may say what: only the model has output."""
    _required("role", "content")(value, path)
    for n, part in enumerate(value["content"]):
        kinds = wire.one_of(*_KINDS_OF_ROLE[value["role"]])
        kinds(part["type"], f"{path}.content[{n}].type")


PARTS_OF_ITEM: Final[dict[str, wire.Check]] = {
    "message": _message,
    "function_call": _required("call_id", "name", "arguments"),
    "function_call_output": _required("call_id", "output"),
}
"""What each type of item has to have, beyond `ITEM`."""

_REFERENCE: Final = wire.fields(
    ("type", "id"), type=wire.one_of("item_reference"), id=_TEXT
)
"""An item of the conversation, in the input of a response."""


def _metadata(value: Any, path: str) -> None:
    wire.is_a(dict)(value, path)
    if len(value) > 16:
        raise BadRequest("Metadata has at most 16 pairs.", param=path)
    for name, text in value.items():
        _TEXT(text, f"{path}.{name}")
        if len(name) > 64 or len(text) > 512:
            raise BadRequest(
                "Metadata keys have at most 64 characters, values 512.", param=path
            )


RESPONSE: Final = wire.fields(
    conversation=wire.one_of("auto", "none"),
    metadata=wire.nullable(_metadata),
    instructions=_TEXT,
    input=wire.list_of(wire.either(_REFERENCE, ITEM)),
    output_modalities=_MODALITIES,
    audio=wire.fields(output=wire.fields(format=_FORMAT, voice=_VOICE)),
    max_output_tokens=_TOKENS,
    tools=_TOOLS,
    tool_choice=_TOOL_CHOICE,
    parallel_tool_calls=_FLAG,
    reasoning=wire.is_a(dict),
)

"""Simulated REST endpoints: `/responses`, `/models`, `/moderations`, transcription.

The text model translates by rule if it is told into which language (`sentences.py`),
proposes replies if it is asked for `suggestions`, sums a call up (`summary.py`), reads
messages that prepare one (`chat.py`), and otherwise says that it knows nothing.
"""

import asyncio
import io
import json
import re
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lab.openai import chat, interpreter, sentences, summary, wire
from lab.openai.catalogue import MODELS, has_role
from lab.openai.sockets import UNAUTHORISED, is_authorised, problem
from lab.openai.state import state
from lab.openai.wire import BadRequest
from lab.speech.levels import resample_whole

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_FILE_BYTES: Final = 25 * 1024 * 1024
"""The provider's limit for uploads."""
IGNORANCE: Final = "I am the lab's text model: I know only the phrases of its book."
CHARS_PER_TOKEN: Final = 4
LETTERS_AT_ONCE: Final = 12
LETTERS_EVERY_S: Final = 0.02
"""How fast a streamed answer is written: 600 letters a second."""

Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(work: Endpoint) -> Endpoint:
    """Wrap an endpoint: key, waiting faults, and the provider's error bodies."""

    async def wrapped(request: Request) -> Response:
        if not is_authorised(request.headers.get("authorization")):
            return problem(*UNAUTHORISED)
        for fault in state.take_faults("rest"):
            if fault["kind"] == "slow_request":
                await asyncio.sleep(fault.get("ms", 5000) / 1000)
                continue
            return problem(
                fault.get("http_status", 503),
                "The engine is not available.",
                str(fault.get("code", "service_unavailable")),
            )
        try:
            return await work(request)
        except BadRequest as error:
            status = 404 if error.code == "model_not_found" else 400
            return problem(status, error.message, error.code, error.param)

    return wrapped


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if len(raw) > MAX_BODY_BYTES:
        raise BadRequest("The request is too long.", code="request_too_large")
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadRequest("The request body is not a JSON object.", code="invalid_json")
    return body


def _require_model(model: Any, role: Any) -> str:
    if not isinstance(model, str):
        raise BadRequest(
            "You must provide a model parameter.",
            code="missing_required_parameter",
            param="model",
        )
    if not has_role(model, role):
        raise BadRequest(
            f"The model '{model}' does not exist or you do not have access to it.",
            code="model_not_found",
            param="model",
        )
    return model


# --- /models --------------------------------------------------------------------------


@endpoint
async def list_models(request: Request) -> Response:
    """List the models, each with the day it is switched off."""
    rows = [model.as_row() for model in MODELS.values()]
    return JSONResponse({"object": "list", "data": rows})


@endpoint
async def get_model(request: Request) -> Response:
    """Show one model."""
    model = request.path_params["model"]
    if model not in MODELS:
        raise BadRequest(
            f"The model '{model}' does not exist", code="model_not_found", param="model"
        )
    return JSONResponse(MODELS[model].as_row())


# --- /moderations ---------------------------------------------------------------------

CATEGORIES: Final = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
_THREAT: Final = re.compile(
    r"\b(?:kill|murder) (?:you|him|her|them)\b|죽여\s*버리|죽일\s*거"
)
"""The one rule: open threats.  Enough to test what happens then."""
_THREAT_CATEGORIES: Final = ("harassment", "harassment/threatening", "violence")


@endpoint
async def moderations(request: Request) -> Response:
    """Judge texts by one rule."""
    body = await _body(request)
    model = _require_model(body.get("model", "omni-moderation-latest"), "moderation")
    given = body.get("input")
    texts = given if isinstance(given, list) else [given]
    results = []
    for one in texts:
        text = one.get("text", "") if isinstance(one, dict) else one
        if not isinstance(text, str):
            raise BadRequest("Invalid type for 'input'.", param="input")
        is_threat = bool(_THREAT.search(text.casefold()))
        hit = {name: is_threat and name in _THREAT_CATEGORIES for name in CATEGORIES}
        results.append(
            {
                "flagged": is_threat,
                "categories": hit,
                "category_scores": {n: 0.9 if h else 0.0001 for n, h in hit.items()},
                "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
            }
        )
    return JSONResponse({"id": wire.new_id("modr"), "model": model, "results": results})


# --- /responses -----------------------------------------------------------------------


@endpoint
async def responses(request: Request) -> Response:
    """Answer a prompt by rule."""
    body = await _body(request)
    model = _require_model(body.get("model"), "text")
    _check_exactness(body, model)
    instructions = body.get("instructions") or ""
    asked, system = _messages(body.get("input"))
    text = IGNORANCE
    target = interpreter.named_target(f"{instructions} {system}")
    if target:
        text = sentences.translate(sentences.text_in(asked), target)
    form = body.get("text") or {"format": {"type": "text"}}
    schema_format = form.get("format", {"type": "text"})
    if schema_format.get("type") == "json_schema":
        schema = schema_format.get("schema")
        wire.is_a(dict)(schema, "text.format.schema")
        answer = smallest(schema, schema, text)
        if summary.is_asked_for(schema):
            answer = summary.summarise(asked)
        if chat.is_asked_for(schema):
            answer = chat.read(asked)
            answer = {
                name: answer[name] for name in schema["properties"] if name in answer
            }
        if "suggestions" in schema.get("properties", {}):
            answer["suggestions"] = sentences.suggestions(asked)
        if schema_format.get("name") == "rephrased":
            answer["text"] = sentences.rephrased(asked)
        text = json.dumps(answer, ensure_ascii=False)
    elif schema_format.get("type") == "json_object":
        text = json.dumps({"text": text}, ensure_ascii=False)
    faults = [fault["kind"] for fault in state.take_faults("text")]
    is_cut = "cut_answer" in faults
    answer = _response(
        body, model, form, asked + system, text[: len(text) // 2] if is_cut else text
    )
    if is_cut:
        answer |= {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
        }
    if "refuse_answer" in faults:
        refusal = {"type": "refusal", "refusal": "I cannot help with that."}
        answer["output"][0]["content"] = [refusal]
    if body.get("stream"):
        return StreamingResponse(_told(answer), media_type="text/event-stream")
    return JSONResponse(answer)


async def _told(answer: dict[str, Any]) -> AsyncIterator[str]:
    """Tell an answer as it is written: a few letters at a time, then the whole."""
    begun = answer | {"status": "in_progress", "output": [], "usage": None}
    yield _server_event("response.created", 0, response=begun)
    number = 1
    [message] = answer["output"]
    place = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    for part in message["content"]:
        kind = "refusal" if part["type"] == "refusal" else "output_text"
        text = part["refusal" if kind == "refusal" else "text"]
        for at in range(0, len(text), LETTERS_AT_ONCE):
            await asyncio.sleep(LETTERS_EVERY_S)
            delta = text[at : at + LETTERS_AT_ONCE]
            name = f"response.{kind}.delta"
            yield _server_event(name, number, delta=delta, logprobs=[], **place)
            number += 1
    last = f"response.{answer['status']}"
    yield _server_event(last, number, response=answer)


def _server_event(kind: str, number: int, **fields: Any) -> str:
    data = {"type": kind, "sequence_number": number, **fields}
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _check_exactness(body: dict[str, Any], model: str) -> None:
    """Refuse what a family of models does not take, as the provider does."""
    effort = (body.get("reasoning") or {}).get("effort")
    if model.startswith("gpt-4") and effort is not None:
        raise BadRequest(
            "Unsupported parameter: 'reasoning.effort' is not supported with this"
            " model.",
            code="unsupported_parameter",
            param="reasoning.effort",
        )
    if not model.startswith("gpt-4") and effort != "none" and "temperature" in body:
        raise BadRequest(
            "Unsupported parameter: 'temperature' is not supported with this model.",
            code="unsupported_parameter",
            param="temperature",
        )


def _messages(given: Any) -> tuple[str, str]:
    """Return (the last user message, everything said by system and developer)."""
    if isinstance(given, str):
        return given, ""
    wire.is_a(list)(given, "input")
    asked, system = "", []
    for i, message in enumerate(given):
        wire.is_a(dict)(message, f"input[{i}]")
        content = message.get("content", "")
        if isinstance(content, list):
            content = " ".join(
                part.get("text", "") for part in content if isinstance(part, dict)
            )
        if message.get("role") in ("system", "developer"):
            system.append(str(content))
        elif message.get("role") == "user":
            asked = str(content)
    return asked, " ".join(system)


def smallest(schema: dict[str, Any], root: dict[str, Any], text: str) -> Any:
    """Build the smallest value that a JSON schema allows.

    Args:
        schema: what the value must satisfy.
        root: the whole schema, for `$ref`.
        text: becomes the value of free strings.

    Returns:
        A value with all required fields, no optional ones, and empty lists where
        they are allowed.
    """
    if "$ref" in schema:
        found: Any = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return smallest(found, root, text)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf"):
        if name in schema:
            nulls = [one for one in schema[name] if one.get("type") == "null"]
            return None if nulls else smallest(schema[name][0], root, text)
    if "allOf" in schema:
        whole: dict[str, Any] = {}
        for one in schema["allOf"]:
            whole = wire.merged(whole, one)
        return smallest(whole, root, text)
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = "null" if "null" in kind else kind[0]
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {
                name: smallest(properties[name], root, text)
                for name in schema.get("required", [])
                if name in properties
            }
        case "array":
            item = schema.get("items", {"type": "string"})
            return [smallest(item, root, text)] * schema.get("minItems", 0)
        case "string":
            return text[: schema.get("maxLength", len(text))]
        case "integer" | "number":
            least = schema.get("exclusiveMinimum", -1) + 1
            return max(schema.get("minimum", 0), least)
        case "boolean":
            return False
    return None


def _response(
    body: dict[str, Any], model: str, form: dict[str, Any], prompt: str, text: str
) -> dict[str, Any]:
    tokens_in = -(-len(prompt) // CHARS_PER_TOKEN)
    tokens_out = -(-len(text) // CHARS_PER_TOKEN)
    return {
        "id": wire.new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": model,
        "output": [
            {
                "id": wire.new_id("msg"),
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
            }
        ],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": form,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + tokens_out,
        },
    }


# --- /audio/transcriptions ------------------------------------------------------------


@endpoint
async def transcriptions(request: Request) -> Response:
    """Recognise the phrases in a WAV file."""
    async with request.form(max_files=1, max_part_size=MAX_FILE_BYTES) as form:
        _require_model(form.get("model"), "transcription")
        if form.get("response_format", "json") != "json":
            raise BadRequest("response_format must be 'json'.", param="response_format")
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise BadRequest(
                "Missing required parameter: 'file'.",
                code="missing_required_parameter",
                param="file",
            )
        content = await file.read()
    pcm = _read_wav(content)
    heard = await interpreter.in_pool(partial(interpreter.hear_all, pcm))
    return JSONResponse(
        {
            "text": interpreter.transcript(heard),
            "usage": {"type": "duration", "seconds": round(len(pcm) / 8000, 3)},
        }
    )


def _read_wav(content: bytes) -> NDArray[np.int16]:
    """Return a WAV file's sound at 8 kHz; BadRequest if it is none."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, width, channels = (
                file.getframerate(),
                file.getsampwidth(),
                file.getnchannels(),
            )
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        rate, width, channels, raw = 0, 0, 0, b""
    if width != 2 or not 8000 <= rate <= 48000:
        raise BadRequest(
            "The lab reads 16-bit PCM WAV files of 8 to 48 kHz.",
            code="invalid_file",
            param="file",
        )
    samples = np.frombuffer(raw, "<i2").reshape(-1, channels).mean(axis=1)
    if rate == interpreter.EAR_HZ or not len(samples):
        return np.asarray(samples, np.int16)
    edge = np.zeros(rate // 100)
    padded = np.concatenate([edge, samples, edge])
    ear = resample_whole(padded, rate, interpreter.EAR_HZ)
    return np.asarray(np.clip(np.rint(ear), -32768, 32767), np.int16)

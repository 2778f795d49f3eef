"""JSON of the simulated engines: events, errors, audio, and checks of what arrives."""

import binascii
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder()

OUTPUT_LANGUAGES: Final = frozenset(
    {"es", "pt", "fr", "ja", "ru", "zh", "de", "ko", "hi", "id", "vi", "it", "en"}
)
"""The 13 languages of the translation model (cookbook's table)."""


class BadRequest(Exception):
    """The client sent something wrong; becomes an `error` event or body.

    Args:
        message: one sentence.
        code: the provider's code, e.g. "invalid_value".
        param: which field.
    """

    def __init__(
        self, message: str, *, code: str = "invalid_value", param: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param


def new_id(prefix: str) -> str:
    """Return a fresh id such as "item_3f2a…"."""
    return f"{prefix}_{uuid.uuid4().hex[:20]}"


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Build a server event.

    Args:
        kind: its type.
        fields: everything else.
    """
    return {"type": kind, "event_id": new_id("event"), **fields}


def error_event(
    error: BadRequest, event_id: str | None, kind: str = "invalid_request_error"
) -> dict[str, Any]:
    """Build an `error` event.

    Args:
        error: what is wrong.
        event_id: of the client's event, as it gave it.
        kind: the error's type.
    """
    body = {
        "type": kind,
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "event_id": event_id,
    }
    return event("error", error=body)


def encode(message: Mapping[str, Any]) -> str:
    """Write a message as JSON."""
    return _encoder.encode(message).decode()


def decode(text: str | bytes) -> dict[str, Any]:
    """Read a client's event.

    Raises:
        BadRequest: it is not a JSON object with a string `type`.
    """
    try:
        message = _decoder.decode(text)
    except msgspec.DecodeError:
        raise BadRequest(
            "The message is not valid JSON.", code="invalid_json"
        ) from None
    if not isinstance(message, dict):
        raise BadRequest("An event is a JSON object.", code="invalid_json")
    if not isinstance(message.get("type"), str):
        raise BadRequest(
            "Missing required parameter: 'type'.",
            code="missing_required_parameter",
            param="type",
        )
    event_id = message.get("event_id")
    if event_id is not None and not isinstance(event_id, str):
        raise BadRequest("event_id must be a string.", param="event_id")
    return message


def decode_audio(message: Mapping[str, Any]) -> bytes:
    """Take the bytes out of an append event.

    Raises:
        BadRequest: `audio` is missing or not base64.
    """
    audio = message.get("audio")
    if not isinstance(audio, str):
        raise BadRequest(
            "Missing required parameter: 'audio'.",
            code="missing_required_parameter",
            param="audio",
        )
    try:
        return binascii.a2b_base64(audio, strict_mode=True)
    except (binascii.Error, ValueError):
        raise BadRequest(
            "Invalid 'audio': expected base64-encoded audio bytes.",
            code="invalid_audio",
            param="audio",
        ) from None


def encode_audio(pcm: NDArray[np.int16] | bytes) -> str:
    """Write samples (little-endian) or bytes as base64."""
    raw = pcm if isinstance(pcm, bytes) else pcm.astype("<i2").tobytes()
    return binascii.b2a_base64(raw, newline=False).decode()


# --- Checking objects -----------------------------------------------------------------

Check = Callable[[Any, str], None]


def one_of(*allowed: object) -> Check:
    """Accept these values only."""

    def check(value: Any, path: str) -> None:
        if not any(value == one and type(value) is type(one) for one in allowed):
            wanted = ", ".join(repr(one) for one in allowed)
            raise BadRequest(
                f"Invalid value: {value!r}. Supported values are: {wanted}.", param=path
            )

    return check


def is_a(*types: type) -> Check:
    """Accept values of these types; a bool is no number."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) and bool not in types:
            raise _wrong_type(value, path)
        if not isinstance(value, types):
            raise _wrong_type(value, path)

    return check


def number(low: float, high: float) -> Check:
    """Accept numbers in a range."""

    def check(value: Any, path: str) -> None:
        is_a(int, float)(value, path)
        if not low <= value <= high:
            raise BadRequest(
                f"Invalid '{path}': expected a value from {low:g} to {high:g}.",
                param=path,
            )

    return check


def nullable(inner: Check) -> Check:
    """Accept null as well."""

    def check(value: Any, path: str) -> None:
        if value is not None:
            inner(value, path)

    return check


def list_of(inner: Check) -> Check:
    """Accept arrays of this."""

    def check(value: Any, path: str) -> None:
        is_a(list)(value, path)
        for i, one in enumerate(value):
            inner(one, f"{path}[{i}]")

    return check


def either(*checks: Check) -> Check:
    """Accept what any of these accepts."""

    def check(value: Any, path: str) -> None:
        for one in checks[:-1]:
            try:
                one(value, path)
            except BadRequest:
                continue
            return
        checks[-1](value, path)

    return check


def fields(required: tuple[str, ...] = (), **allowed: Check) -> Check:
    """Accept objects with these fields and no others."""

    def check(value: Any, path: str) -> None:
        is_a(dict)(value, path)
        prefix = f"{path}." if path else ""
        for name in value:
            if name not in allowed:
                raise BadRequest(
                    f"Unknown parameter: '{prefix}{name}'.",
                    code="unknown_parameter",
                    param=prefix + name,
                )
        for name in required:
            if value.get(name) is None:
                raise BadRequest(
                    f"Missing required parameter: '{prefix}{name}'.",
                    code="missing_required_parameter",
                    param=prefix + name,
                )
        for name, inner in allowed.items():
            if name in value:
                inner(value[name], prefix + name)

    return check


def _wrong_type(value: Any, path: str) -> BadRequest:
    return BadRequest(
        f"Invalid type for '{path}': got {type(value).__name__}.",
        code="invalid_type",
        param=path,
    )


def merged(base: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the fields of `change`, objects merged, the rest replaced."""
    result = dict(base)
    for name, value in change.items():
        old = result.get(name)
        if isinstance(old, dict) and isinstance(value, Mapping):
            same_type = old.get("type") == value.get("type", old.get("type"))
            result[name] = merged(old, value) if same_type else dict(value)
        else:
            result[name] = value
    return result

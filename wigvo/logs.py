"""Logs are events with fields, and carry no numbers, no speech and no tokens.

Everything goes through one formatter, whoever logged it (structlog, Django, uvicorn,
a library), so the redaction at its end sees every line.
"""

import re
import uuid
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_WHOM = "number to_number from_number to from phone phone_number digits dtmf address"
_SAID = (
    "text original translation transcript delta caption summary brief opening goal"
    " message_text voicemail_message greeting query spoken"
)
_KEYS = (
    "ticket token stream_token password secret key api_key authorization cookie"
    " signature session_token email"
)
PRIVATE_FIELDS = frozenset(f"{_WHOM} {_SAID} {_KEYS}".split())
"""Field names whose value never reaches a log, at any depth."""

_PATTERNS = (
    # ?ticket=… and friends, in URLs and form bodies
    (
        re.compile(
            r"\b(ticket|token|key|password|query|text|to|from)=[^&\s\"']+",
            re.IGNORECASE,
        ),
        rf"\1={REDACTED}",
    ),
    # allauth's links: the path itself is the secret
    (re.compile(r"(confirm-email|reset/key)/[^/\s\"']+"), rf"\1/{REDACTED}"),
    # keys of OpenAI and bearer headers
    (re.compile(r"\bsk-[\w-]{8,}"), REDACTED),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.+/=:-]{8,}", re.IGNORECASE), REDACTED),
    # telephone numbers: +82 2 555 0101, %2B8225550101, 02-123-4567, 01012345678
    (re.compile(r"(?:\+|%2B)\d(?:[\s().-]{0,2}\d){6,14}", re.IGNORECASE), REDACTED),
    (re.compile(r"(?<![\w.:-])0\d{1,2}[\s.)-]{1,2}\d{3,4}[\s.-]\d{4}(?!\w)"), REDACTED),
    (re.compile(r"(?<![\w.:-])0\d{8,10}(?![\w:-])"), REDACTED),
)


def clean(text: str) -> str:
    """Replace whatever looks like a telephone number or a credential in a text."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _redacted(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | uuid.UUID):
        return value
    if isinstance(value, dict):
        return {
            key: REDACTED if str(key) in PRIVATE_FIELDS and item else _redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(item) for item in value]
    return clean(str(value))


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Take private fields and whatever looks private out of one log event."""
    request = event.get("request")
    if isinstance(request, str):  # django-structlog's "GET /path?query"
        event["request"] = request.partition("?")[0]
    redacted: EventDict = _redacted(event)
    return redacted


def configure(*, console: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING.

    Args:
        console: Lines for a person instead of JSON for a collector.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    quiet = {"handlers": [], "propagate": False, "level": "CRITICAL"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    redact,
                    renderer,
                ],
            }
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "events"}
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # django-structlog logs each request already, without its query string.
            "uvicorn.access": quiet,
            "django.channels.server": quiet,
            "django.server": quiet,
            # uvicorn has installed handlers of its own by now; ours redact.
            "uvicorn": {"handlers": [], "propagate": True, "level": "INFO"},
            "uvicorn.error": {"handlers": [], "propagate": True, "level": "INFO"},
            "django": {"handlers": [], "propagate": True, "level": "INFO"},
            # Libraries that would log whole requests to providers.
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
            "twilio": {"level": "WARNING"},
            "websockets": {"level": "WARNING"},
        },
    }

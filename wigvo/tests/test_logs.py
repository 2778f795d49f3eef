"""Nothing private reaches a log, whoever writes it."""

import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from wigvo import logs

NUMBER = "+82 2-555-0101"
SPEECH = "I have a rash since yesterday"
TICKET = "c2VjcmV0LXRpY2tldA"


@pytest.fixture
def written(settings: Any) -> Iterator[Callable[[], str]]:
    """Collect what the production configuration writes."""
    config = logs.configure(console=False)
    stream = StringIO()
    config["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(config)
    yield stream.getvalue
    logging.config.dictConfig(settings.LOGGING)
    structlog.contextvars.clear_contextvars()


def test_fields_that_carry_speech_numbers_or_keys_are_redacted(
    written: Callable[[], str],
) -> None:
    log = structlog.get_logger("calls")
    structlog.contextvars.bind_contextvars(call_id="c1", ticket=TICKET)
    log.info("utterance", original=SPEECH, nested=[{"translation": SPEECH}], to=NUMBER)
    event = json.loads(written())
    assert event["event"] == "utterance"
    assert event["call_id"] == "c1"
    assert event["original"] == event["ticket"] == event["to"] == logs.REDACTED
    assert event["nested"] == [{"translation": logs.REDACTED}]


def test_every_private_field_is_redacted(written: Callable[[], str]) -> None:
    fields = dict.fromkeys(logs.PRIVATE_FIELDS, SPEECH)
    structlog.get_logger("calls").info("everything", **fields)
    assert SPEECH not in written()


@pytest.mark.parametrize(
    "text",
    [
        "dialling +8225550101 now",
        "dialling +82 2 555 0101 now",
        "To=%2B8225550101&From=x",
        "fax 02-123-4567",
        "mobile 01012345678",
        "ws://host/relay/calls/1/stream?ticket=8225550101",
        "Authorization: Bearer 8225550101-8225550101",
        "https://host/accounts/confirm-email/8225550101:x/",
        "key sk-proj-8225550101",
    ],
)
def test_texts_lose_what_looks_like_a_number_or_a_key(text: str) -> None:
    cleaned = logs.clean(text)
    assert logs.REDACTED in cleaned
    assert "0101" not in cleaned
    assert "4567" not in cleaned
    assert "12345678" not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "0b9c0cf6-2c2e-4f83-9f42-012345678901",
        "CA0123456789abcdef0123456789abcdef",
        "2026-11-20T10:11:12.123456Z",
        "queued 420 ms, 18204 frames",
        "127.0.0.1:8000",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert logs.clean(text) == text


@given(st.from_regex(r"\+[1-9]\d{6,14}", fullmatch=True))
def test_no_e164_number_survives(number: str) -> None:
    assert number not in logs.clean(f"dial {number}, please")


def test_standard_loggers_and_tracebacks_are_redacted_too(
    written: Callable[[], str],
) -> None:
    try:
        raise ValueError(f"cannot dial {NUMBER}")
    except ValueError:
        logging.getLogger("somewhere").exception("while calling %s", NUMBER)
    text = written()
    assert "Traceback" in text
    assert "0101" not in text


def test_uvicorn_socket_lines_show_no_ticket(written: Callable[[], str]) -> None:
    """uvicorn logs each accepted WebSocket with its query string."""
    logging.getLogger("uvicorn.error").info(
        '%s - "WebSocket %s" [accepted]', "127.0.0.1:1", f"/relay/x?ticket={TICKET}"
    )
    assert "/relay/x?ticket=" in written()
    assert TICKET not in written()


def test_uvicorn_access_log_is_off(written: Callable[[], str]) -> None:
    logging.getLogger("uvicorn.access").info("GET /x?ticket=%s", TICKET)
    assert written() == ""


def test_requests_are_logged_without_their_query(
    written: Callable[[], str], client: Client
) -> None:
    client.get(f"/nowhere/?ticket={TICKET}&query={SPEECH}")
    text = written()
    assert "GET /nowhere/" in text
    assert TICKET not in text
    assert "rash" not in text


def test_the_console_of_a_developer_is_redacted_as_well(settings: Any) -> None:
    stream = StringIO()
    config = logs.configure(console=True)
    config["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(config)
    try:
        structlog.get_logger("calls").warning("dialled", to=NUMBER, note=NUMBER)
    finally:
        logging.config.dictConfig(settings.LOGGING)
    assert "dialled" in stream.getvalue()
    assert "0101" not in stream.getvalue()

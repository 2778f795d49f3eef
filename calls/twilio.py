"""The only module that talks to Twilio: REST, TwiML, signatures.

A few REST calls do not need the vendor's client, and without it a test can put its
own transport here.  Signatures and TwiML are the vendor's code.
"""

import time
from functools import lru_cache
from typing import Any
from uuid import UUID

import httpx2
import structlog
from django.conf import settings
from django.http import HttpRequest
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, VoiceResponse

from calls.models import AnsweredBy, Call, Status
from calls.tickets import issue_stream_token

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0
"""Of one request; whoever waits for a call to be dialled waits this long at most."""
PATIENCE_S = 4.0
"""Of a request that somebody on the line waits for."""
_ATTEMPTS = 3
_PAUSE_S = 0.25

_NOT_FOUND = 20404
_NOT_IN_PROGRESS = 21220
TRANSFER_RING_S = 30
"""So long it rings where somebody is put through to."""
MAX_DIGITS = 32
"""As many as Twilio takes when a call is made (facts/twilio.md 3)."""
_DIGITS = frozenset("0123456789*#w")
UNREACHABLE = 0
"""The code of a refusal when Twilio gave no answer at all."""

STATUS = {
    "queued": Status.QUEUED,
    "initiated": Status.QUEUED,
    "ringing": Status.RINGING,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "no-answer": Status.NO_ANSWER,
    "failed": Status.FAILED,
    "canceled": Status.CANCELED,
}
"""Twilio's CallStatus in our words."""

transport: httpx2.BaseTransport | None = None
"""What requests go through instead of the network; set by tests."""


class TelephoneRefused(Exception):
    """Twilio did not do what was asked; `code` is its error code or UNREACHABLE."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


# --- REST ----------------------------------------------------------------------------


def dial(call: Call) -> str:
    """Ask Twilio to call, and return the CallSid.  Asks once, never again.

    Raises: TelephoneRefused.  With UNREACHABLE nobody knows whether Twilio dials;
        the webhooks of a call that is over hang up what was dialled after all.
    """
    base = settings.PUBLIC_BASE_URL
    answer = _request(
        "POST",
        "Calls.json",
        {
            "To": str(call.to_number),
            "From": settings.TWILIO_FROM_NUMBER,
            "Url": f"{base}/twilio/voice/{call.pk}",
            "Method": "POST",
            "StatusCallback": f"{base}/twilio/status/{call.pk}",
            "StatusCallbackMethod": "POST",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            "TimeLimit": str(settings.CALL_MAX_SECONDS),
            "MachineDetection": "Enable",
            "AsyncAmd": "true",
            "AsyncAmdStatusCallback": f"{base}/twilio/amd/{call.pk}",
            "AsyncAmdStatusCallbackMethod": "POST",
        },
    )
    return str(answer["sid"])


def hang_up(sid: str) -> None:
    """End a telephone call; one that has ended already is fine.

    Raises: TelephoneRefused.
    """
    try:
        _request_again("POST", f"Calls/{sid}.json", {"Status": "completed"})
    except TelephoneRefused as error:
        if error.code not in {_NOT_FOUND, _NOT_IN_PROGRESS}:
            raise


def fetch_status(sid: str) -> Status | None:
    """Ask how a telephone call stands; None if Twilio does not know it.

    Raises: TelephoneRefused.
    """
    try:
        return STATUS.get(str(_request_again("GET", f"Calls/{sid}.json")["status"]))
    except TelephoneRefused as error:
        if error.code == _NOT_FOUND:
            return None
        raise


def fetch_incoming(sid: str) -> dict[str, Any] | None:
    """Ask what a call is that says it was made to us; None if Twilio does not know it.

    Asks once and not for long: somebody is on the line.

    Raises: TelephoneRefused.
    """
    try:
        return _request("GET", f"Calls/{sid}.json", timeout_s=PATIENCE_S)
    except TelephoneRefused as error:
        if error.code == _NOT_FOUND:
            return None
        raise


def limit(sid: str, seconds: int) -> None:
    """Have Twilio end a call after so long, should we not be there to do it.

    Raises: TelephoneRefused.
    """
    _request_again("POST", f"Calls/{sid}.json", {"TimeLimit": str(seconds)})


def go_on_with(sid: str, document: str) -> None:
    """Give a telephone call in progress another document; its stream ends with that.

    Asks once, never again: what it begins may have begun already.

    Raises: TelephoneRefused.  With UNREACHABLE nobody knows whether it goes on so.
    """
    _request("POST", f"Calls/{sid}.json", {"Twiml": document})


def send_digits(call: Call, digits: str) -> None:
    """Press keys on a telephone call in progress.

    Tones in a media stream are swallowed (facts/twilio.md 3), so the call gets a new
    document: Twilio closes the stream, plays the keys, and opens another stream.
    Asks once, never again: keys that are pressed twice are other keys.

    Args:
        call: with its sid.
        digits: see `check_digits`.

    Raises:
        ValueError: they are no keys.
        TelephoneRefused.  With UNREACHABLE nobody knows whether they were pressed.
    """
    sid = call.twilio_sid or ""
    document = stream_twiml(call, sid, digits=check_digits(digits))
    _request("POST", f"Calls/{sid}.json", {"Twiml": document})


def check_digits(digits: str) -> str:
    """Return keys as they can be pressed on a telephone.

    Args:
        digits: 0-9, * and #; w is a pause of half a second, W of a whole one.

    Returns:
        the same, each W as two w.

    Raises:
        ValueError: says what is wrong with them.
    """
    digits = digits.replace("W", "ww")
    if not digits or not set(digits) - {"w"}:
        raise ValueError("digits: at least one key.")
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"digits: at most {MAX_DIGITS} at a time, not {len(digits)}.")
    if unknown := sorted(set(digits) - _DIGITS):
        raise ValueError(f"digits: 0-9, *, # and w (a pause), not {unknown[0]}.")
    return digits


def resume(sid: str, call_id: UUID) -> None:
    """Make a telephone call in progress open its media stream anew.

    Raises: TelephoneRefused.
    """
    url = f"{settings.PUBLIC_BASE_URL}/twilio/resume/{call_id}"
    _request_again("POST", f"Calls/{sid}.json", {"Url": url, "Method": "POST"})


def _request_again(
    method: str, path: str, data: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Send a request that does no harm when it arrives twice."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _request(method, path, data)
        except TelephoneRefused as error:
            if error.code != UNREACHABLE or attempt == _ATTEMPTS:
                raise
        time.sleep(_PAUSE_S * attempt)
    raise AssertionError("unreachable")


def _request(
    method: str,
    path: str,
    data: dict[str, Any] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    client = _client(
        settings.TWILIO_API_BASE_URL,
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        transport,
    )
    try:
        response = client.request(method, path, data=data, timeout=timeout_s)
        answer = response.json()
    except (httpx2.HTTPError, ValueError) as error:
        log.warning("twilio_unreachable", method=method, error=type(error).__name__)
        raise TelephoneRefused(UNREACHABLE, "no usable answer") from error
    if response.is_success and isinstance(answer, dict):
        return answer
    if response.status_code >= 500 or not isinstance(answer, dict):
        log.warning("twilio_failed", method=method, http_status=response.status_code)
        raise TelephoneRefused(UNREACHABLE, f"HTTP {response.status_code}")
    code = int(answer.get("code") or response.status_code)
    log.warning(
        "twilio_refused", method=method, http_status=response.status_code, code=code
    )
    raise TelephoneRefused(code, str(answer.get("message", "")))


@lru_cache(maxsize=4)
def _client(
    base_url: str, account: str, token: str, transport: httpx2.BaseTransport | None
) -> httpx2.Client:
    """Keep one client, and so its connections, per configuration."""
    return httpx2.Client(
        base_url=f"{base_url}/2010-04-01/Accounts/{account}/",
        auth=(account, token),
        timeout=TIMEOUT_S,
        transport=transport,
    )


# --- TwiML ---------------------------------------------------------------------------


def stream_twiml(call: Call, call_sid: str, *, digits: str = "") -> str:
    """Connect the telephone to the call's relay node, and come back afterwards.

    Args:
        call: whose stream it is.
        call_sid: of the telephone call.
        digits: keys that are pressed first.
    """
    response = VoiceResponse()
    if digits:
        response.play(digits=digits)
    connect = Connect()
    stream = connect.stream(url=f"{_socket_url(call.node_url)}/twilio/media-stream")
    stream.parameter(name="call", value=str(call.pk))
    stream.parameter(name="token", value=issue_stream_token(call.pk, call_sid))
    response.append(connect)
    response.redirect(
        f"{settings.PUBLIC_BASE_URL}/twilio/resume/{call.pk}", method="POST"
    )
    return str(response)


def transfer_twiml(call: Call, number: str) -> str:
    """Put whoever is on the line through to a number, and ask what came of it.

    Args:
        call: an incoming one; the number that they called is shown as theirs.
        number: E.164.
    """
    response = VoiceResponse()
    dial = response.dial(
        action=f"{settings.PUBLIC_BASE_URL}/twilio/transferred/{call.pk}",
        method="POST",
        caller_id=str(call.to_number),
        timeout=TRANSFER_RING_S,
        time_limit=settings.CALL_MAX_SECONDS,
    )
    dial.number(number)
    return str(response)


def hangup_twiml(*sentences: tuple[str, str]) -> str:
    """Say something, if there is anything to say, and hang up.

    Args: sentences: pairs of BCP 47 language and text.
    """
    response = VoiceResponse()
    for language, text in sentences:
        response.say(text, language=language)
    response.hangup()
    return str(response)


def _socket_url(base_url: str) -> str:
    """Turn http(s) into ws(s)."""
    return (base_url or settings.RELAY_NODE_URL).replace("http", "ws", 1)


# --- Signatures ----------------------------------------------------------------------


def http_signature_is_valid(request: HttpRequest) -> bool:
    """Tell whether Twilio signed this request to our public address."""
    return _is_signed(
        [settings.PUBLIC_BASE_URL + request.get_full_path()],
        request.POST,
        request.headers.get("X-Twilio-Signature", ""),
    )


def handshake_signature_is_valid(path: str, signature: str) -> bool:
    """Tell whether Twilio signed a socket's opening handshake.

    Args:
        path: Of the socket, with a leading slash.
        signature: The header X-Twilio-Signature.
    """
    urls = []
    for base in {settings.PUBLIC_BASE_URL, settings.RELAY_NODE_URL}:
        # Twilio signs some addresses with a slash at the end that is not there.
        urls += [_socket_url(base) + path, _socket_url(base) + path + "/"]
    return _is_signed(urls, {}, signature)


def _is_signed(urls: list[str], params: Any, signature: str) -> bool:
    tokens = [settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_SECONDARY]
    return bool(signature) and any(
        RequestValidator(token).validate(url, params, signature)
        for token in tokens
        if token
        for url in urls
    )


# --- Words ---------------------------------------------------------------------------


def answered_by(word: str) -> AnsweredBy:
    """Translate the verdict of Twilio's answering machine detection."""
    if word == "human":
        return AnsweredBy.PERSON
    if word.startswith("machine_"):
        return AnsweredBy.VOICEMAIL
    return AnsweredBy.FAX if word == "fax" else AnsweredBy.UNKNOWN

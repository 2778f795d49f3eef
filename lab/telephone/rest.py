"""Twilio's Calls API: `/2010-04-01/Accounts/{sid}/Calls.json` and what belongs to it.

Only what a product that uses the Python SDK can notice: parameters, answers, error
bodies and codes.
"""

import asyncio
import base64
import binascii
import hmac
import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import numpy as np
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.telephone import call as calls
from lab.telephone import sounds
from lab.telephone.call import STATUS_EVENTS, CallParameters, SimulatedCall
from lab.telephone.exchange import Exchange
from realtime.audio.g711 import decode_mulaw

ERRORS_URL: Final = "https://www.twilio.com/docs/errors"
E164: Final = re.compile(r"\+[1-9]\d{6,14}")
MAX_FORM_BYTES: Final = 64 * 1024
MAX_RING_S: Final = 600
MAX_TIME_LIMIT_S: Final = 24 * 3600
MAX_PAGE: Final = 1000


class ApiError(Exception):
    """An answer in Twilio's error format.

    Args:
        status: HTTP status.
        code: Twilio's error code.
        message: for people.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> JSONResponse:
        """Return the answer."""
        body = {
            "code": self.code,
            "message": self.message,
            "more_info": f"{ERRORS_URL}/{self.code}",
            "status": self.status,
        }
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'}
        return JSONResponse(body, self.status, headers if self.status == 401 else None)


def _not_found(path: str) -> ApiError:
    return ApiError(404, 20404, f"The requested resource {path} was not found")


def _rfc2822(moment: datetime | None) -> str | None:
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000") if moment else None


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _method(form: FormData, name: str) -> str:
    method = _text(form, name).upper() or "POST"
    if method not in ("GET", "POST"):
        raise ApiError(400, 21403, f"{name} is not a valid HTTP method: {method}")
    return method


def _url(form: FormData, name: str, code: int) -> str:
    url = _text(form, name)
    if url and not _is_url(url):
        raise ApiError(400, code, f"{name} is not a valid URL: {url}")
    return url


def _seconds(form: FormData, name: str, default: float, highest: float) -> float:
    text = _text(form, name)
    if not text:
        return default
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, 20001, f"Parameter '{name}' is not valid")
    return min(float(text), highest)


def read_create(form: FormData, from_numbers: tuple[str, ...]) -> CallParameters:
    """Check the parameters of a new call as Twilio does.

    Args:
        form: as it came.
        from_numbers: the account's own numbers.

    Raises:
        ApiError: with the code of the first thing that is wrong.
    """
    to, from_ = _text(form, "To").strip(), _text(form, "From").strip()
    if not to:
        raise ApiError(400, 21201, "No 'To' number is specified")
    if not E164.fullmatch(to):
        raise ApiError(
            400,
            21211,
            f"The phone number you are attempting to call, {to}, is not valid.",
        )
    if not from_:
        raise ApiError(400, 21213, "No 'From' number is specified")
    if not E164.fullmatch(from_):
        raise ApiError(
            400, 21212, f"The 'From' number {from_} is not a valid phone number"
        )
    if from_ not in from_numbers:
        raise ApiError(
            400,
            21210,
            f"The source phone number provided, {from_}, is not yet verified for your"
            " account. You may only make calls from phone numbers that you've verified"
            " or purchased from Twilio.",
        )
    url, twiml = _url(form, "Url", 21205), _text(form, "Twiml")
    if not url and not twiml:
        raise ApiError(400, 21205, "Url parameter is required.")
    events = tuple(
        word
        for value in form.getlist("StatusCallbackEvent")
        if isinstance(value, str)
        for word in value.split()
    )
    if unknown := set(events) - set(STATUS_EVENTS):
        event = sorted(unknown)[0]
        raise ApiError(400, 21626, f"Invalid Status Callback Event: {event}")
    return CallParameters(
        to=to,
        from_=from_,
        url=url,
        method=_method(form, "Method"),
        fallback_url=_url(form, "FallbackUrl", 21205),
        fallback_method=_method(form, "FallbackMethod"),
        twiml=twiml,
        status_callback=_url(form, "StatusCallback", 21609),
        status_callback_method=_method(form, "StatusCallbackMethod"),
        status_callback_events=events or ("completed",),
        timeout_s=_seconds(form, "Timeout", calls.DEFAULT_RING_S, MAX_RING_S),
        time_limit_s=_seconds(form, "TimeLimit", 4 * 3600, MAX_TIME_LIMIT_S),
        machine_detection=""
        if _text(form, "SendDigits")
        else _text(form, "MachineDetection"),
        async_amd=_text(form, "AsyncAmd").lower() == "true",
        async_amd_status_callback=_url(form, "AsyncAmdStatusCallback", 21609),
        async_amd_status_callback_method=_method(form, "AsyncAmdStatusCallbackMethod"),
        send_digits=_digits(form),
    )


def _digits(form: FormData) -> str:
    digits = _text(form, "SendDigits")
    if len(digits) > 32 or set(digits) - set("0123456789*#wW"):
        raise ApiError(400, 13245, "SendDigits is not valid")
    return digits


class CallsApi:
    """The routes of one account.

    Args:
        exchange: the telephone company.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """Return the routes, below `/twilio`."""
        account = "/" + calls.API_VERSION + "/Accounts/{account}"
        return [
            Route(f"{account}/Calls.json", self._guard(self.create), methods=["POST"]),
            Route(f"{account}/Calls.json", self._guard(self.index), methods=["GET"]),
            Route(
                account + "/Calls/{sid}.json",
                self._guard(self.fetch),
                methods=["GET"],
            ),
            Route(
                account + "/Calls/{sid}.json",
                self._guard(self.update),
                methods=["POST"],
            ),
            Route(
                account + "/Recordings/{sid}.wav",
                self._guard(self.recording),
                methods=["GET"],
            ),
            Route(
                account + "/Recordings/{sid}.json",
                self._guard(self.delete_recording),
                methods=["DELETE"],
            ),
            Route(
                account + "/Recordings/{sid}",
                self._guard(self.recording),
                methods=["GET"],
            ),
            Route("/{path:path}", self._guard(self.missing)),
        ]

    def _guard(self, endpoint: Any) -> Any:
        async def guarded(request: Request) -> Response:
            try:
                self._authenticate(request)
                answer: Response = await endpoint(request)
            except ApiError as error:
                return error.response()
            return answer

        return guarded

    def _authenticate(self, request: Request) -> None:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            given = b""
        config = self._exchange.config
        wanted = f"{config.account_sid}:{config.auth_token}".encode()
        if scheme.lower() != "basic" or not hmac.compare_digest(given, wanted):
            raise ApiError(401, 20003, "Authenticate")
        account = request.path_params.get("account", config.account_sid)
        if account != config.account_sid:
            raise _not_found(_path(request))

    async def create(self, request: Request) -> Response:
        """POST Calls.json."""
        form = await _form(request)
        to = _text(form, "To")
        faults = self._exchange.faults
        if slow := faults.take("slow_create", to):
            await asyncio.sleep(slow.get("after_ms", 1000) / 1000)
        if refused := faults.take("refuse_call", to):
            raise ApiError(
                refused.get("http_status", 429),
                refused.get("code", 20429),
                refused.get("message", "Too Many Requests"),
            )
        parameters = read_create(form, self._exchange.config.from_numbers)
        call = self._exchange.create(parameters)
        return JSONResponse(self._resource(call), 201)

    async def index(self, request: Request) -> Response:
        """GET Calls.json?To=&From=&Status=&PageSize=&Page=."""
        query = request.query_params
        size = _int(query.get("PageSize", "50"), 1, MAX_PAGE)
        page = _int(query.get("Page", "0"), 0, 10**6)
        found = [
            call
            for call in reversed(self._exchange.calls.values())
            if query.get("To") in (None, "", call.parameters.to)
            and query.get("From") in (None, "", call.parameters.from_)
            and query.get("Status") in (None, "", call.status)
        ]
        shown = found[page * size : (page + 1) * size]
        path = _path(request)
        filters = {
            name: query[name] for name in ("To", "From", "Status") if name in query
        }

        def uri(number: int) -> str:
            return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': number})}"

        has_more = (page + 1) * size < len(found)
        return JSONResponse(
            {
                "calls": [self._resource(call) for call in shown],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(0, len(shown) - 1),
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": uri(page - 1) if page else None,
                "next_page_uri": uri(page + 1) if has_more else None,
            }
        )

    async def fetch(self, request: Request) -> Response:
        """GET Calls/{sid}.json."""
        return JSONResponse(self._resource(self._find(request)))

    async def update(self, request: Request) -> Response:
        """POST Calls/{sid}.json with Status, Url, Twiml or TimeLimit."""
        call = self._find(request)
        form = await _form(request)
        status = _text(form, "Status")
        url, twiml = _url(form, "Url", 21205), _text(form, "Twiml")
        if status not in ("", "canceled", "completed"):
            raise ApiError(400, 20001, f"Parameter 'Status' is not valid: {status}")
        if status:
            self._end(call, status, request)
        elif url or twiml:
            if not call.is_in_progress:
                raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
            call.redirect(calls.Request(url, _method(form, "Method"), twiml))
        if _text(form, "TimeLimit"):
            call.limit(_seconds(form, "TimeLimit", 4 * 3600, MAX_TIME_LIMIT_S))
        return JSONResponse(self._resource(call))

    def _end(self, call: SimulatedCall, status: str, request: Request) -> None:
        if call.is_over:
            raise _not_found(_path(request))
        if status == "canceled" and call.status == "in-progress":
            return  # canceled means: only if nobody has picked up
        call.hang_up("api")

    async def recording(self, request: Request) -> Response:
        """GET Recordings/{sid}.wav."""
        data = self._exchange.recordings.get(request.path_params["sid"])
        if data is None:
            raise _not_found(_path(request))
        pcm = np.asarray(decode_mulaw(data))
        return Response(sounds.write_wav(pcm), media_type="audio/x-wav")

    async def delete_recording(self, request: Request) -> Response:
        """DELETE Recordings/{sid}.json."""
        if self._exchange.recordings.pop(request.path_params["sid"], None) is None:
            raise _not_found(_path(request))
        return Response(status_code=204)

    async def missing(self, request: Request) -> Response:
        """Everything that the lab does not simulate."""
        raise _not_found(_path(request))

    def _find(self, request: Request) -> SimulatedCall:
        call = self._exchange.calls.get(request.path_params["sid"])
        if call is None:
            raise _not_found(_path(request))
        return call

    def _resource(self, call: SimulatedCall) -> dict[str, Any]:
        """Return a call as Twilio's API shows it."""
        to, from_ = call.parameters.to, call.parameters.from_
        account = self._exchange.config.account_sid
        uri = f"/{calls.API_VERSION}/Accounts/{account}/Calls/{call.sid}"
        status = call.status
        return {
            "sid": call.sid,
            "account_sid": account,
            "annotation": None,
            "answered_by": call.answered_by,
            "api_version": calls.API_VERSION,
            "caller_name": None,
            "date_created": _rfc2822(call.date_created),
            "date_updated": _rfc2822(call.date_updated),
            "direction": call.parameters.direction,
            "duration": str(call.duration_s) if call.duration_s is not None else None,
            "end_time": _rfc2822(call.end_time),
            "forwarded_from": None,
            "from": from_,
            "from_formatted": from_,
            "group_sid": None,
            "parent_call_sid": call.parameters.parent_sid or None,
            "phone_number_sid": "PN" + "0" * 32,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "start_time": _rfc2822(call.start_time),
            # "initiated" is an event, not a status of the resource.
            "status": "queued" if status == "initiated" else status,
            "subresource_uris": {
                name: f"{uri}/{path}.json"
                for name, path in (
                    ("notifications", "Notifications"),
                    ("recordings", "Recordings"),
                    ("streams", "Streams"),
                )
            },
            "to": to,
            "to_formatted": to,
            "trunk_sid": None,
            "uri": f"{uri}.json",
        }


async def _form(request: Request) -> FormData:
    if int(request.headers.get("Content-Length") or 0) > MAX_FORM_BYTES:
        raise ApiError(413, 20413, "Payload Too Large")
    return await request.form()


def _path(request: Request) -> str:
    """Return the path as Twilio would know it: without the lab's prefix."""
    root: str = request.scope.get("root_path", "")
    return request.url.path.removeprefix(root)


def _int(text: str, low: int, high: int) -> int:
    if not text.isdigit():
        raise ApiError(400, 20001, "Page and PageSize are whole numbers")
    return min(max(int(text), low), high)

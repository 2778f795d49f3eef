"""The REST API: who is asking, and how errors look.

Endpoints live with their subjects (`calls.api`, `places.api`, `realtime.api`) and are
put together in `wigvo.api_urls`, so they can import from here.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

import structlog
from allauth.headless.contrib.ninja.security import x_session_token_auth
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import APIKeyHeader
from ninja.security.apikey import APIKeyCookie
from ninja.utils import check_csrf

from calls.services import CallRefused
from wigvo.models import User

log = structlog.get_logger(__name__)

TOKEN_HEADER = "X-Session-Token"  # noqa: S105


class ApiRequest(HttpRequest):
    """A request that has passed `auth`."""

    auth: User


# --- Who is asking -------------------------------------------------------------------


class SessionToken(APIKeyHeader):
    """A session token of allauth's app client; `POST /_allauth/app/v1/auth/login`."""

    param_name = TOKEN_HEADER

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        user = x_session_token_auth(request) if key else None
        if not isinstance(user, User) or not user.is_active:
            return None
        request.user = user
        return user


class BrowserSession(APIKeyCookie):
    """The session cookie of the web pages, with a CSRF token for changes."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        super().__init__(csrf=False)  # checked below, with an error of our own form

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        # A token that was not accepted is not rescued by a cookie.
        if TOKEN_HEADER in request.headers or not request.user.is_authenticated:
            return None
        if check_csrf(request) is not None:
            raise ApiError("csrf_failed", HTTPStatus.FORBIDDEN)
        return request.user


auth = [SessionToken(), BrowserSession()]
async_auth = auth
"""For asynchronous operations: ninja runs these in the request's own thread there."""


# --- How errors look -----------------------------------------------------------------


class ErrorDetail(Schema):
    """What went wrong."""

    code: str
    message: str
    field: str | None = None


class ErrorOut(Schema):
    """The shape of every answer that is not a success."""

    error: ErrorDetail


class ApiError(Exception):
    """An error with a code of its own and nothing more to say about it."""

    def __init__(self, code: str, http_status: int, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.http_status = int(http_status)
        self.message = message


MESSAGES = {
    "bad_request": gettext_lazy("The request could not be understood."),
    "not_authenticated": gettext_lazy("Log in first."),
    "csrf_failed": gettext_lazy("The CSRF token is missing or wrong."),
    "forbidden": gettext_lazy("You may not do this."),
    "not_found": gettext_lazy("There is no such thing here."),
    "method_not_allowed": gettext_lazy("This address does not take this method."),
    "too_many_requests": gettext_lazy("Too many requests. Wait a moment."),
    "server_error": gettext_lazy("Something went wrong on our side."),
}

_CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
}


def error_response(
    code: str, http_status: int, message: str = "", field: str | None = None
) -> JsonResponse:
    """Make the answer that says what went wrong."""
    error = {"code": code, "message": message or str(MESSAGES.get(code, code))}
    if field:
        error["field"] = field
    return JsonResponse({"error": error}, status=int(http_status))


api = NinjaAPI(
    title="WIGVO",
    version="1",
    description=(
        "Ordinary telephone calls for people who otherwise could not make them."
        " Errors are `{error: {code, message, field?}}`."
    ),
    urls_namespace="api",
    docs_url="/api/docs",
    openapi_url="/api/openapi.json",
    auth=auth,
)

FAILURES = frozenset({400, 401, 403, 404, 409, 422, 429})
"""`response={200: …, FAILURES: ErrorOut}` documents them; ninja's own idiom."""


@api.exception_handler(CallRefused)
def _on_refused(request: HttpRequest, error: CallRefused) -> HttpResponse:
    return error_response(error.code, error.http_status, error.message, error.field)


@api.exception_handler(ApiError)
def _on_api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    return error_response(error.code, error.http_status, error.message)


@api.exception_handler(AuthenticationError)
def _on_stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return error_response("not_authenticated", 401)


@api.exception_handler(ObjectDoesNotExist)
@api.exception_handler(Http404)
def _on_missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return error_response("not_found", 404)


@api.exception_handler(HttpError)
def _on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return error_response(_CODES.get(error.status_code, "error"), error.status_code)


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    names = [part for part in first.get("loc", ()) if isinstance(part, str)]
    return error_response(
        "invalid",
        422,
        str(first.get("msg") or _("This value is not allowed.")),
        names[-1] if names else None,
    )


# --- What never reaches an endpoint --------------------------------------------------

_PREFIXES = ("/api/", "/relay/")
_GetResponse = Callable[[HttpRequest], Any]


@sync_and_async_middleware
def json_errors(get_response: _GetResponse) -> _GetResponse:
    """Give the API's error shape to what Django itself answers below its addresses."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _as_json(request, await cast(Awaitable[Any], get_response(request)))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _as_json(request, get_response(request))

    return answer


def _as_json(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code < 400 or not request.path.startswith(_PREFIXES):
        return response
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    if response.status_code >= 500:
        return response if settings.DEBUG else error_response("server_error", 500)
    code = _CODES.get(response.status_code, "error")
    answer = error_response(code, response.status_code)
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer

"""Who opens a socket: the session cookie, and the page that sends it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.http.request import validate_host

from wigvo.database import in_database


def header(scope: Mapping[str, Any], name: bytes) -> str:
    """Return a header of the handshake, or ""."""
    for key, value in scope.get("headers", ()):
        if key == name:
            return bytes(value).decode("latin-1")
    return ""


def cookies(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the cookies of the handshake."""
    return parse_cookie(header(scope, b"cookie"))


def origin_is_ours(scope: Mapping[str, Any]) -> bool:
    """Tell whether the page that opens a socket with our cookie is one of ours."""
    origin = header(scope, b"origin")
    ours = {settings.PUBLIC_BASE_URL, *settings.CSRF_TRUSTED_ORIGINS}
    if origin in ours:
        return True
    parts = urlsplit(origin)
    # The address bar and the socket agree, and the host is one that we answer to.
    return (
        parts.scheme in {"http", "https"}
        and parts.netloc == header(scope, b"host")
        and validate_host(parts.hostname or "", settings.ALLOWED_HOSTS)
    )


async def logged_in_user_id(scope: Mapping[str, Any]) -> int | None:
    """Name who the session cookie belongs to, if one of our own pages sent it."""
    key = cookies(scope).get(settings.SESSION_COOKIE_NAME)
    if not key or not origin_is_ours(scope):
        return None
    return await in_database(_user_id_of_session, key)


def _user_id_of_session(key: str) -> int | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    return int(user.pk) if user.is_authenticated else None

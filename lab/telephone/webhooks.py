"""Requests that the telephone company makes to the product, signed as Twilio's are."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2
from twilio.request_validator import RequestValidator

USER_AGENT: Final = "TwilioProxy/1.1"
MAX_REDIRECTS: Final = 5
MAX_RETRIES: Final = 5
RETRY_PAUSE_S: Final = 0.25

Failure = Literal["ct", "rt", "4xx", "5xx"]


class WebhookFailed(Exception):
    """No usable answer.

    Args:
        code: Twilio's error: 11200 status, 11205 connection, 11215 redirects.
        message: what happened.
    """

    def __init__(self, code: int, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Overrides:
    """Connection overrides, given as the fragment of a webhook's URL.

    Defaults are Twilio's: 5 s to connect, 15 s for everything, one more attempt, and
    only if no connection came about.
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    retries: int = 1
    retry_on: frozenset[str] = field(default_factory=lambda: frozenset({"ct"}))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read `#ct=2000&rt=…&tt=…&rc=2&rp=4xx,5xx,ct,rt,all`.

        Args:
            url: of the webhook.
        """
        given = dict(parse_qsl(urlsplit(url).fragment))

        def number(name: str, default: float, high: float) -> float:
            text = given.get(name, "")
            return min(float(text), high) if text.isdigit() else default

        policy = frozenset(given.get("rp", "ct").split(","))
        if "all" in policy:
            policy = frozenset({"ct", "rt", "4xx", "5xx"})
        return cls(
            connect_s=number("ct", 5000, 10_000) / 1000,
            total_s=min(number("tt", 15_000, 15_000), number("rt", 15_000, 15_000))
            / 1000,
            retries=int(number("rc", 1, MAX_RETRIES)),
            retry_on=policy,
        )


def request_url(url: str) -> str:
    """Return the URL that is requested: without fragment."""
    return urlunsplit(urlsplit(url)._replace(fragment=""))


def signed_url(url: str) -> str:
    """Return the URL that is signed: https drops port and userinfo.

    Args:
        url: http(s) or ws(s).
    """
    parts = urlsplit(request_url(url))
    if parts.scheme == "https":
        parts = parts._replace(netloc=parts.hostname or "")
    return urlunsplit(parts)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product answered."""

    status: int
    content_type: str
    body: bytes


class Webhooks:
    """Sends signed requests.

    Args:
        auth_token: signs them.
        client: does the I/O; it must not follow redirects by itself.
    """

    def __init__(self, auth_token: str, client: httpx2.AsyncClient) -> None:
        self._validator = RequestValidator(auth_token)
        self._client = client

    def signature(self, url: str, parameters: Mapping[str, str]) -> str:
        """Sign a URL and its parameters.

        Args:
            url: as the other side knows it.
            parameters: of the form; empty for GET and for sockets.
        """
        signature: str = self._validator.compute_signature(
            signed_url(url), dict(parameters)
        )
        return signature

    async def send(
        self,
        url: str,
        parameters: Mapping[str, str],
        *,
        method: str = "POST",
        log: Callable[[dict[str, Any]], None] | None = None,
        n_deliveries: int = 1,
    ) -> Answer:
        """Send one request, again if the URL's overrides say so.

        Args:
            url: may carry connection overrides in its fragment.
            parameters: form fields.
            method: POST or GET.
            log: called with a line about each attempt.
            n_deliveries: deliver it this many times, as a retry would.

        Raises:
            WebhookFailed: no 2xx within the attempts and the time.
        """
        overrides = Overrides.from_url(url)
        token = secrets.token_hex(16)
        attempts_left = overrides.retries
        while True:
            began = time.monotonic()
            result: Answer | WebhookFailed
            try:
                result = await self._attempt(url, parameters, method, overrides, token)
            except WebhookFailed as error:
                result = error
            if log is not None:
                log(_log_line(url, method, result, time.monotonic() - began))
            if isinstance(result, Answer):
                n_deliveries -= 1
                if n_deliveries <= 0:
                    return result
                continue
            if not attempts_left or result.kind not in overrides.retry_on:
                raise result
            attempts_left -= 1
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _attempt(
        self,
        url: str,
        parameters: Mapping[str, str],
        method: str,
        overrides: Overrides,
        token: str,
    ) -> Answer:
        url = request_url(url)
        try:
            async with asyncio.timeout(overrides.total_s):
                for _ in range(MAX_REDIRECTS + 1):
                    response = await self._request(
                        url, parameters, method, overrides.connect_s, token
                    )
                    if not response.is_redirect or not response.next_request:
                        break
                    url, method = str(response.next_request.url), "GET"
                    parameters = {}
                else:
                    raise WebhookFailed(11215, "Too many redirects.")
        except httpx2.ConnectTimeout:
            raise WebhookFailed(11205, "The connection timed out.", "ct") from None
        except (httpx2.ConnectError, httpx2.UnsupportedProtocol) as error:
            raise WebhookFailed(11205, f"No connection: {error}", "ct") from None
        except TimeoutError:
            raise WebhookFailed(
                11200, f"No answer within {overrides.total_s:g} s.", "rt"
            ) from None
        except httpx2.HTTPError as error:
            name = type(error).__name__
            raise WebhookFailed(11200, f"The connection broke: {name}", "rt") from None
        if not 200 <= response.status_code < 300:
            raise WebhookFailed(
                11200,
                f"The answer was {response.status_code}.",
                f"{response.status_code // 100}xx",
            )
        content_type = response.headers.get("Content-Type", "").partition(";")[0]
        return Answer(response.status_code, content_type.strip(), response.content)

    async def _request(
        self,
        url: str,
        parameters: Mapping[str, str],
        method: str,
        connect_s: float,
        token: str,
    ) -> httpx2.Response:
        if method == "GET" and parameters:
            url += ("&" if urlsplit(url).query else "?") + urlencode(parameters)
        form = parameters if method == "POST" else {}
        headers = {
            "X-Twilio-Signature": self.signature(url, form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
        }
        # The whole attempt has its own time-out; this one is for connecting.
        timeout = httpx2.Timeout(60, connect=connect_s)
        if method == "GET":
            return await self._client.get(url, headers=headers, timeout=timeout)
        return await self._client.post(
            url, data=dict(form), headers=headers, timeout=timeout
        )


def _log_line(
    url: str, method: str, result: Answer | WebhookFailed, took_s: float
) -> dict[str, Any]:
    line: dict[str, Any] = {"method": method, "url": url, "ms": round(took_s * 1000)}
    if isinstance(result, Answer):
        line["status"] = result.status
    else:
        line["error"] = result.message
        line["error_code"] = result.code
    return line

"""What the tests of calls share: three people and a telephone company."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from twilio.request_validator import RequestValidator

from calls import twilio
from calls.tests.factories import make_user
from wigvo.models import User


@pytest.fixture
def alice(db: None) -> User:
    """Own the calls."""
    return make_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Have an account, and a wish to look."""
    return make_user("bob")


class FakeTwilio:
    """Answer Twilio's REST requests as told, and remember them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, list[str]]]] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.default = httpx2.Response(
            201, json={"sid": "CA" + "f" * 32, "status": "queued"}
        )

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        form = parse_qs(request.content.decode())
        self.requests.append((request.method, request.url.path, form))
        answer = self.answers.pop(0) if self.answers else self.default
        if isinstance(answer, Exception):
            raise answer
        return answer

    def will_answer(self, *answers: httpx2.Response | Exception) -> None:
        self.answers += answers

    def will_refuse(self, http_status: int, code: int) -> None:
        self.will_answer(refusal(http_status, code))


def refusal(http_status: int, code: int) -> httpx2.Response:
    """Make an error as Twilio words it."""
    body = {"code": code, "message": "no", "status": http_status, "more_info": "…"}
    return httpx2.Response(http_status, json=body)


@pytest.fixture
def twilio_rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    """Put a fake where Twilio's REST API is."""
    fake = FakeTwilio()
    monkeypatch.setattr(twilio, "transport", httpx2.MockTransport(fake))
    monkeypatch.setattr(twilio, "_PAUSE_S", 0.0)
    yield fake
    twilio._client.cache_clear()


def sign(path: str, params: dict[str, str], token: str = "") -> str:
    """Sign a request to our public address as Twilio does."""
    validator = RequestValidator(token or settings.TWILIO_AUTH_TOKEN)
    return str(validator.compute_signature(f"{settings.PUBLIC_BASE_URL}{path}", params))


def post_signed(path: str, **params: Any) -> HttpResponse:
    """Send a webhook."""
    form = {name: str(value) for name, value in params.items()}
    response = Client().post(
        path, form, headers={"X-Twilio-Signature": sign(path, form)}
    )
    return response  # type: ignore[return-value]

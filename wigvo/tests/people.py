"""People who use a running server from outside: REST, sockets and pages."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from wigvo.stack import Stack

T = TypeVar("T")

ALICE = "alice@wigvo.example"
BOB = "bob@wigvo.example"
PASSWORD = "three-quiet-otters"

RESTAURANT = "+8225550101"
CLINIC = "+8225550102"
IMMIGRATION = "+8225550103"
LISTENER = "+8225550116"
"""Says hello, and nothing more."""
NOBODY = "+8225550106"
BUSY = "+8225550107"
UNKNOWN = "+8225550108"

TWILIO_TOKEN = "demo-twilio-auth-token"


def eventually(
    ask: Callable[[], T], is_good: Callable[[T], bool], timeout_s: float = 20
) -> T:
    """Ask again until the answer is good; fail with the last one."""
    deadline = time.monotonic() + timeout_s
    while not is_good(answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {timeout_s} s"
        time.sleep(0.1)
    return answer


def sign(url: str, form: dict[str, str] | None = None) -> str:
    """Sign a request as Twilio does, with the demo's token."""
    text = url + "".join(f"{key}{value}" for key, value in sorted((form or {}).items()))
    digest = hmac.new(TWILIO_TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class Person:
    """Somebody with an account, an app and a browser."""

    def __init__(self, stack: Stack, email: str) -> None:
        self.stack = stack
        self.email = email
        self.http = httpx2.Client(base_url=stack.base_url, trust_env=False, timeout=30)
        answer = self.http.post(
            "/_allauth/app/v1/auth/login", json={"email": email, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        self.headers = {"X-Session-Token": answer.json()["meta"]["session_token"]}
        self.http.cookies.clear()
        self._calls: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.http.close()

    def hang_up(self) -> None:
        """End whatever calls this person has started."""
        while self._calls:
            self.post(f"/relay/calls/{self._calls.pop()}/end")

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(path, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return self.http.post(path, json=body, headers=self.headers | headers)

    def try_to_call(self, number: str, **changes: Any) -> httpx2.Response:
        body = {
            "to_number": number,
            "mode": "voice",
            "caller_language": "en",
            "callee_language": "ko",
        }
        answer = self.post("/relay/calls/start", body | changes)
        if answer.status_code == 200:
            self._calls.append(answer.json()["id"])
        return answer

    def call(self, number: str) -> dict[str, Any]:
        """Start a call that is not refused."""
        answer = self.try_to_call(number)
        assert answer.status_code == 200, answer.text
        started: dict[str, Any] = answer.json()
        return started

    def call_in(self, number: str, mode: str, caller_language: str) -> dict[str, Any]:
        """Start a call in a mode and a language of one's own."""
        answer = self.try_to_call(number, mode=mode, caller_language=caller_language)
        assert answer.status_code == 200, answer.text
        started: dict[str, Any] = answer.json()
        return started

    def see(self, call_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get(f"/api/calls/{call_id}").json()
        return answer

    def wait_for(self, call_id: str, *statuses: str) -> dict[str, Any]:
        return eventually(
            lambda: self.see(call_id), lambda call: call["status"] in statuses, 40
        )

    def attach(self, call_id: str) -> ClientConnection:
        """Open the caller's socket with a fresh ticket."""
        stream = self.post(f"/api/calls/{call_id}/start").json()["stream"]
        return open_socket(f"{stream['url']}?ticket={stream['ticket']}")

    def page(self, path: str, language: str = "en") -> str:
        """Read a page, logged in with a browser's session."""
        with httpx2.Client(
            base_url=self.stack.base_url, trust_env=False, follow_redirects=True,
            headers={"Accept-Language": language},
        ) as browser:  # fmt: skip
            form = browser.get("/accounts/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
            assert token
            browser.post(
                "/accounts/login/",
                data={
                    "csrfmiddlewaretoken": token[1],
                    "login": self.email,
                    "password": PASSWORD,
                },
                headers={"Origin": self.stack.base_url},
            )
            return browser.get(path).text

    # --- what only the lab knows ------------------------------------------------------

    def lab(self, path: str) -> Any:
        url = f"{self.stack.lab_url}/lab/{path}"
        return httpx2.get(url, trust_env=False).json()

    def cause(self, kind: str, **values: Any) -> None:
        """Let something go wrong at a provider."""
        url = f"{self.stack.lab_url}/lab/faults"
        body = {"kind": kind, **values}
        answer = httpx2.post(url, json=body, trust_env=False)
        assert answer.status_code == 201, answer.text

    def dialled(self, call_id: str) -> list[dict[str, Any]]:
        """Return the telephone calls that were made for a call."""
        details = (
            self.lab(f"calls/{one['sid']}") for one in self.lab("calls")["calls"]
        )
        return [one for one in details if call_id in json.dumps(one["requests"])]


_sockets: list[ClientConnection] = []


def open_socket(url: str, **headers: str) -> ClientConnection:
    socket = connect(
        url, compression=None, proxy=None, additional_headers=headers, legacy=True
    )
    _sockets.append(socket)
    return socket


def close_sockets() -> None:
    """Close what a test has left open: each has a thread of its own."""
    while _sockets:
        _sockets.pop().close()


def close_code(socket: ClientConnection, timeout_s: float = 10) -> int | None:
    """Read until the server closes; return the code it gave."""
    deadline = time.monotonic() + timeout_s
    try:
        while time.monotonic() < deadline:
            socket.recv(timeout=max(0.01, deadline - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
    except TimeoutError:
        pass
    raise AssertionError(f"the socket is still open after {timeout_s} s")


def messages(socket: ClientConnection, until: str, timeout_s: float = 20) -> list[Any]:
    """Read JSON messages until one of a type has come."""
    deadline = time.monotonic() + timeout_s
    seen: list[Any] = []
    while time.monotonic() < deadline:
        frame = socket.recv(timeout=max(0.01, deadline - time.monotonic()))
        if isinstance(frame, str):
            seen.append(json.loads(frame))
            if seen[-1]["type"] == until:
                return seen
    raise AssertionError(f"no {until} within {timeout_s} s, but {seen}")

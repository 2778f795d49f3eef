"""Calls over REST: what goes in, what comes out, who may."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from calls import services
from calls.models import Call, Status
from calls.tests.factories import RESTAURANT, make_call, make_user
from wigvo.models import User

BODY: dict[str, Any] = {
    "to_number": "+82 2 555 0101",
    "mode": "voice",
    "caller_language": "en",
    "callee_language": "ko",
}


class Api:
    """A client that speaks JSON."""

    def __init__(self, client: Client, **headers: str) -> None:
        self.client = client
        self.headers = headers

    def get(self, path: str) -> tuple[int, Any]:
        return _answer(self.client.get(path, headers=self.headers))

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        return _answer(
            self.client.post(
                path,
                body if isinstance(body, str) else json.dumps(body),
                content_type="application/json",
                headers={**self.headers, **headers},
            )
        )


def _answer(response: Any) -> tuple[int, Any]:
    assert response["Content-Type"].startswith("application/json"), response.content
    return response.status_code, response.json()


def api_of(user: User) -> Api:
    client = Client()
    client.force_login(user)
    return Api(client)


@pytest.fixture
def as_alice(alice: User) -> Api:
    return api_of(alice)


@pytest.fixture
def as_bob(bob: User) -> Api:
    return api_of(bob)


@pytest.fixture
def as_nobody(db: None) -> Api:
    return Api(Client())


def error(answer: tuple[int, Any]) -> tuple[int, str, str | None]:
    """Take an error apart, and check its shape on the way."""
    status, body = answer
    assert set(body) == {"error"}
    assert set(body["error"]) <= {"code", "message", "field"}
    assert body["error"]["message"]
    return status, body["error"]["code"], body["error"].get("field")


# --- Creating ------------------------------------------------------------------------


def test_it_creates_a_draft(as_alice: Api, alice: User) -> None:
    status, body = as_alice.post("/api/calls", BODY)
    assert status == 201
    call = Call.objects.get()
    assert (call.owner, call.status) == (alice, Status.DRAFT)
    assert body == {
        "id": str(call.pk),
        "status": "draft",
        "direction": "outbound",
        "mode": "voice",
        "outcome": "unknown",
        "answered_by": "unknown",
        "reason": "",
        "reason_text": "",
        "next_step": "",
        "to_number": RESTAURANT,
        "from_number": "+12025550100",
        "line_id": None,
        "is_rehearsal": False,
        "callee_name": "",
        "caller_language": "en",
        "callee_language": "ko",
        "record": False,
        "on_voicemail": "hang_up",
        "created_at": body["created_at"],
        "answered_at": None,
        "ended_at": None,
        "duration_s": 0,
        "cost": {"usd": 0.0, "minutes": 0.0},
    }


def test_it_keeps_everything_that_was_asked_for(as_alice: Api) -> None:
    asked = {
        **BODY,
        "callee_name": "한식당",
        "opening": "Hello, I would like a table.",
        "record": True,
        "on_voicemail": "leave_message",
        "voicemail_message": "Please call back.",
        "brief": {
            "goal": "A table for two",
            "may_tell": [{"name": "name", "value": "Kim"}],
            "must_learn": [{"name": "time", "description": "", "required": True}],
            "limits": ["no deposit"],
            "fallback": "other_time",
            "glossary": [{"term": "Kim", "translation": "김"}],
        },
    }
    _, created = as_alice.post("/api/calls", asked)
    status, detail = as_alice.get(f"/api/calls/{created['id']}")
    assert status == 200
    shown = {name: detail[name] for name in asked}
    assert shown == {**asked, "to_number": RESTAURANT}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"to_number": "119"}, "emergency_number_kr to_number"),
        ({"to_number": "+82119"}, "emergency_number_kr to_number"),
        ({"to_number": "12345"}, "invalid_number to_number"),
        ({"to_number": "+82 60 700 1234"}, "premium_number to_number"),
        ({"to_number": "+7 495 123 45 67"}, "country_not_allowed to_number"),
        ({"to_number": "+12025550100"}, "own_number to_number"),
        ({"to_number": "9" * 41}, "invalid to_number"),
        ({"to_number": None}, "invalid to_number"),
        ({"to_number": 8225550101}, "invalid to_number"),
        ({"mode": "agent"}, "goal_missing goal"),
        ({"mode": "telepathy"}, "invalid mode"),
        ({"callee_language": "th"}, "unsupported_language callee_language"),
        ({"caller_language": "km"}, "unsupported_language caller_language"),
        ({"on_voicemail": "sing"}, "invalid on_voicemail"),
        ({"callee_name": "x\u0000"}, "invalid callee_name"),
        ({"callee_name": "x" * 121}, "invalid callee_name"),
        ({"brief": {"may_tell": [{"name": "a"}]}}, "invalid value"),
        ({"brief": {"limits": ["x"] * 51}}, "invalid limits"),
        ({"brief": "text"}, "invalid brief"),
        ({"brief": {"fallback": "insist"}}, "invalid fallback"),
        ({"brief": {"may_tell": [{"name": "", "value": "b"}]}}, "invalid name"),
        (
            {"brief": {"must_learn": [{"name": "a"}, {"name": "a"}]}},
            "invalid must_learn",
        ),
        ({"brief": {"glossary": [{"term": ""}]}}, "invalid term"),
    ],
)
def test_it_says_what_is_wrong_with_which_field(
    as_alice: Api, change: dict[str, Any], expected: str
) -> None:
    status, code, field = error(as_alice.post("/api/calls", {**BODY, **change}))
    assert (status, f"{code} {field}") == (422, expected)
    assert not Call.objects.exists()


@pytest.mark.parametrize("missing", ["to_number", "caller_language", "callee_language"])
def test_it_says_what_is_missing(as_alice: Api, missing: str) -> None:
    body = {name: value for name, value in BODY.items() if name != missing}
    assert error(as_alice.post("/api/calls", body)) == (422, "invalid", missing)


@pytest.mark.parametrize("body", ["{", "", "\xff", '"text"', "[]", "null"])
def test_garbage_is_the_senders_mistake(as_alice: Api, body: str) -> None:
    status, _, _ = error(as_alice.post("/api/calls", body))
    assert status in {400, 422}


def test_it_wants_a_verified_address(db: None) -> None:
    as_dora = api_of(make_user("dora", verified=False))
    answer = error(as_dora.post("/api/calls", BODY))
    assert answer == (403, "email_not_verified", None)


def test_messages_follow_the_readers_language(as_alice: Api) -> None:
    english = as_alice.post("/api/calls", {**BODY, "to_number": "1"})[1]
    assert english["error"]["message"].startswith("This is not a complete telephone")


def test_the_same_key_creates_one_call(as_alice: Api, as_bob: Api) -> None:
    key = {"Idempotency-Key": "abc"}
    first = as_alice.post("/api/calls", BODY, **key)
    second = as_alice.post("/api/calls", BODY, **key)
    assert first == second
    assert first[0] == 201
    changed = {**BODY, "callee_language": "ja"}
    assert error(as_alice.post("/api/calls", changed, **key)) == (
        422,
        "idempotency_mismatch",
        "Idempotency-Key",
    )
    assert as_bob.post("/api/calls", BODY, **key)[1]["id"] != first[1]["id"]


# --- Who is asking -------------------------------------------------------------------

Ask = Callable[[Api, str], tuple[int, Any]]
ASKS: list[Ask] = [
    lambda api, call_id: api.get("/api/calls"),
    lambda api, call_id: api.post("/api/calls", BODY),
    lambda api, call_id: api.get(f"/api/calls/{call_id}"),
    lambda api, call_id: api.get("/api/places?query=x"),
]


@pytest.mark.parametrize("ask", ASKS)
def test_nobody_gets_nothing(as_nobody: Api, ask: Ask) -> None:
    answer = error(ask(as_nobody, str(uuid.uuid4())))
    assert answer == (401, "not_authenticated", None)


def test_a_strangers_call_does_not_exist(alice: User, as_bob: Api) -> None:
    call = make_call(alice)
    stranger = as_bob.get(f"/api/calls/{call.pk}")
    nothing = as_bob.get(f"/api/calls/{uuid.uuid4()}")
    assert stranger == nothing
    assert error(stranger) == (404, "not_found", None)
    assert as_bob.get("/api/calls")[1]["items"] == []


def test_a_browser_needs_its_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    api = Api(client)
    assert error(api.post("/api/calls", BODY)) == (403, "csrf_failed", None)
    assert api.get("/api/calls")[0] == 200
    client.cookies["csrftoken"] = "a" * 32
    status, _ = api.post("/api/calls", BODY, **{"X-CSRFToken": "a" * 32})
    assert status == 201


def log_in(email: str, password: str) -> str:
    response = Client().post(
        "/_allauth/app/v1/auth/login",
        json.dumps({"email": email, "password": password}),
        content_type="application/json",
        headers={"User-Agent": "wigvo-test"},
    )
    return str(response.json()["meta"]["session_token"])


def test_an_app_logs_in_with_a_session_token(alice: User) -> None:
    alice.set_password("correct horse")
    alice.save()
    token = log_in(alice.email, "correct horse")
    api = Api(Client(enforce_csrf_checks=True), **{"X-Session-Token": token})
    status, body = api.post("/api/calls", BODY)
    assert status == 201
    assert api.get(f"/api/calls/{body['id']}")[0] == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert error(api.get("/api/calls"))[0] == 401


def test_a_wrong_token_is_nobody_even_with_a_cookie(as_alice: Api) -> None:
    as_alice.headers["X-Session-Token"] = "wrong"
    assert error(as_alice.get("/api/calls")) == (401, "not_authenticated", None)


# --- Listing -------------------------------------------------------------------------


def test_it_lists_newest_first_a_page_at_a_time(as_alice: Api, alice: User) -> None:
    now = timezone.now()
    calls = [make_call(alice, created_at=now - timedelta(hours=n)) for n in range(5)]
    calls += [
        make_call(alice, created_at=now - timedelta(hours=9)) for _ in range(3)
    ]  # at the same moment
    seen: list[str] = []
    path = "/api/calls?limit=2"
    for _ in range(4):
        status, body = as_alice.get(path)
        assert status == 200
        seen += [item["id"] for item in body["items"]]
        make_call(alice)  # newer ones do not move the following pages
        path = f"/api/calls?limit=2&cursor={body['next']}"
    assert body["next"] is None
    assert seen[:5] == [str(call.pk) for call in calls[:5]]
    assert sorted(seen) == sorted(str(call.pk) for call in calls)


def test_it_lists_live_calls(as_alice: Api, alice: User) -> None:
    make_call(alice)
    make_call(alice, status=Status.COMPLETED)
    live = make_call(alice, status=Status.RINGING)
    _, body = as_alice.get("/api/calls?live=1")
    assert [item["id"] for item in body["items"]] == [str(live.pk)]
    assert len(as_alice.get("/api/calls?live=0")[1]["items"]) == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("live=perhaps", "live")],
)
def test_it_refuses_odd_pages(as_alice: Api, query: str, field: str) -> None:
    assert error(as_alice.get(f"/api/calls?{query}")) == (422, "invalid", field)


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "MjAyNi0wMS0wMSAx", "%00", "="])
def test_it_refuses_odd_cursors(as_alice: Api, cursor: str) -> None:
    assert error(as_alice.get(f"/api/calls?cursor={cursor}"))[:2] == (422, "bad_cursor")


def test_listing_takes_the_same_queries_however_many_calls(
    as_alice: Api, alice: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make_call(alice)
    with django_assert_max_num_queries(3):
        as_alice.get("/api/calls")


# --- One call ------------------------------------------------------------------------


def test_it_shows_a_call_with_everything(as_alice: Api, alice: User) -> None:
    answered_at = timezone.now() - timedelta(minutes=3)
    call = make_call(
        alice,
        status=Status.COMPLETED,
        reason="caller_lost",
        outcome="partial",
        answered_by="person",
        summary="A table for two.",
        latency={"relay_added_ms": {"p50": 4}},
        cost_usd="0.1234",
        cost_parts=[
            {
                "engine": "translate",
                "model": "tongue",
                "usd": 0.1,
                "seconds": 90,
                "tokens": {},
            },
            {
                "engine": "speak",
                "model": "voice",
                "usd": None,
                "seconds": 0,
                "tokens": {"audio_out": 60},
            },
        ],
        answered_at=answered_at,
        ended_at=answered_at + timedelta(seconds=90),
    )
    for n, leg in ((2, "caller"), (1, "callee")):
        services.store_utterance(
            call.pk,
            utterance_id=f"u{n}",
            leg=leg,
            original="안녕하세요",
            translation="Hello",
            started_ms=n * 1000,
            ended_ms=n * 1000 + 500,
            uncertain=[[0, 2]],
            fate="delivered",
        )
    services.append_event(call.pk, "recovery", {"leg": "callee", "state": "lost"})
    services.append_event(call.pk, "guardrail", {"level": 2, "action": "blocked"})
    services.append_event(call.pk, "dialled", {"sid": "CA1"})
    status, body = as_alice.get(f"/api/calls/{call.pk}")
    assert status == 200
    assert body["reason"] == "caller_lost"
    assert "connection was lost" in body["reason_text"]
    assert body["next_step"]
    assert body["duration_s"] == 90
    assert body["cost"] == {
        "usd": 0.1234,
        "minutes": 1.5,
        "parts": [
            {
                "engine": "translate",
                "model": "tongue",
                "usd": 0.1,
                "minutes": 1.5,
                "tokens": {},
            },
            {
                "engine": "speak",
                "model": "voice",
                "usd": None,
                "minutes": 0.0,
                "tokens": {"audio_out": 60},
            },
        ],
    }
    assert body["summary"] == "A table for two."
    assert body["latency"] == {"relay_added_ms": {"p50": 4}}
    assert [u["utterance_id"] for u in body["utterances"]] == ["u1", "u2"]
    assert body["utterances"][0] == {
        "utterance_id": "u1",
        "leg": "callee",
        "original": "안녕하세요",
        "translation": "Hello",
        "started_ms": 1000,
        "ended_ms": 1500,
        "uncertain": [[0, 2]],
        "fate": "delivered",
        "latency_ms": None,
        "corrections": [],
    }
    [recovery], [guardrail] = body["recovery_events"], body["guardrail_events"]
    assert recovery["data"] == {"leg": "callee", "state": "lost"}
    assert guardrail["data"] == {"level": 2, "action": "blocked"}


# --- What never reaches an endpoint --------------------------------------------------


def test_unknown_addresses_have_the_same_shape(as_alice: Api) -> None:
    for path in ("/api/nothing", "/api/calls/not-a-uuid", "/relay/nothing"):
        assert error(as_alice.get(path)) == (404, "not_found", None)


def test_wrong_methods_have_the_same_shape(as_alice: Api) -> None:
    response: HttpResponse = as_alice.client.delete("/api/calls")  # type: ignore[assignment]
    assert error(_answer(response)) == (405, "method_not_allowed", None)
    assert "GET" in response["Allow"]


def test_our_own_mistakes_have_the_same_shape(
    as_alice: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(services, "create_call", explode)
    as_alice.client.raise_request_exception = False
    answer = as_alice.post("/api/calls", BODY)
    assert error(answer) == (500, "server_error", None)
    assert "secret" not in json.dumps(answer)


def test_pages_keep_their_own_errors(as_nobody: Api) -> None:
    response = as_nobody.client.get("/no-such-page")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")

"""What Naver answers, and what we make of it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from django.test import Client
from pytest_django import Settings

from calls.tests.factories import make_user
from places import providers
from places.providers import Place, ProviderFailed, to_e164

ITEM = {
    "title": "서울 <b>한식당</b> &amp; 카페",
    "link": "",
    "category": "한식>한정식",
    "description": "",
    "telephone": "02-555-0101",
    "address": "서울특별시 강남구 역삼동 1",
    "roadAddress": "서울특별시 강남구 테헤란로 1",
    "mapx": "1270000000",
    "mapy": "375000000",
}


class FakeNaver:
    """Answer a local search as told, and remember what was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.answer: Callable[[], httpx2.Response] = lambda: found(ITEM)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.answer()


def found(*items: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(
        200, json={"total": len(items), "start": 1, "display": 5, "items": items}
    )


@pytest.fixture
def naver(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNaver]:
    """Put a fake where Naver's API is."""
    fake = FakeNaver()
    monkeypatch.setattr(providers, "transport", httpx2.MockTransport(fake))
    yield fake
    providers._client.cache_clear()


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("02-555-0101", "+8225550101"),
        ("02)555-0101", "+8225550101"),
        ("031-123-4567", "+82311234567"),
        ("010-1234-5678", "+821012345678"),
        ("1588-1234", "+8215881234"),
        ("0507-1412-0123", "+8250714120123"),
        ("070-4123-4567", "+827041234567"),
        ("+82 2 555 0101", "+8225550101"),
        ("+82-2-555-0101", "+8225550101"),
        ("02-555-0101, 02-555-0102", "+8225550101"),
        ("02-555-0101~3", "+8225550101"),
        ("+1 212 555 0123", "+12125550123"),
        ("", None),
        ("없음", None),
        ("02-1", None),
        ("555-0101", None),
    ],
)
def test_it_reads_numbers_as_koreans_write_them(
    written: str, dialled: str | None
) -> None:
    assert to_e164(written) == dialled


def test_it_asks_with_our_key(naver: FakeNaver, settings: Settings) -> None:
    settings.NAVER_CLIENT_ID, settings.NAVER_CLIENT_SECRET = "id", "secret"
    providers.search("한식당 & 카페")
    [request] = naver.requests
    assert request.url.path == "/naver/v1/search/local.json"
    assert dict(request.url.params) == {"query": "한식당 & 카페", "display": "5"}
    assert request.headers["X-Naver-Client-Id"] == "id"
    assert request.headers["X-Naver-Client-Secret"] == "secret"


def test_it_finds_places_as_plain_text(naver: FakeNaver) -> None:
    assert providers.search("한식당") == [
        Place(
            name="서울 한식당 & 카페",
            category="한식>한정식",
            address="서울특별시 강남구 테헤란로 1",
            phone_number="+8225550101",
            source="naver",
        )
    ]


def test_a_place_without_road_or_number_is_still_a_place(naver: FakeNaver) -> None:
    naver.answer = lambda: found({**ITEM, "roadAddress": "", "telephone": ""})
    [place] = providers.search("한식당")
    assert place.address == "서울특별시 강남구 역삼동 1"
    assert place.phone_number is None


def test_nothing_found_is_an_answer(naver: FakeNaver) -> None:
    naver.answer = found
    assert providers.search("없는 곳") == []


def fail_to_connect() -> httpx2.Response:
    raise httpx2.ConnectTimeout("slow")


@pytest.mark.parametrize(
    "answer",
    [
        fail_to_connect,
        lambda: httpx2.Response(401, json={"errorCode": "024"}),
        lambda: httpx2.Response(500),
        lambda: httpx2.Response(200, text="<html>"),
        lambda: httpx2.Response(200, json={}),
        lambda: httpx2.Response(200, json=[]),
        lambda: httpx2.Response(200, json={"items": [None]}),
        lambda: httpx2.Response(200, json={"items": [{}]}),
        lambda: httpx2.Response(200, json={"items": [{"title": 5}]}),
    ],
)
def test_whatever_else_comes_is_a_failure(
    naver: FakeNaver, answer: Callable[[], httpx2.Response]
) -> None:
    naver.answer = answer
    with pytest.raises(ProviderFailed):
        providers.search("한식당")


# --- Over REST -----------------------------------------------------------------------


@pytest.fixture
def alice_client(db: None) -> Client:
    client = Client()
    client.force_login(make_user("alice"))
    return client


def test_the_api_lists_places(alice_client: Client, naver: FakeNaver) -> None:
    response = alice_client.get("/api/places", {"query": " 한식당 "})
    assert response.status_code == 200
    assert response.json() == [
        {
            "name": "서울 한식당 & 카페",
            "category": "한식>한정식",
            "address": "서울특별시 강남구 테헤란로 1",
            "phone_number": "+8225550101",
            "distance_m": None,
            "source": "naver",
        }
    ]
    assert naver.requests[0].url.params["query"] == "한식당"


@pytest.mark.parametrize("query", ["", "  ", "x" * 101])
def test_the_api_wants_a_query(
    alice_client: Client, naver: FakeNaver, query: str
) -> None:
    response = alice_client.get("/api/places", {"query": query})
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "query"
    assert naver.requests == []


def test_without_a_key_the_api_says_that_it_is_switched_off(
    alice_client: Client, naver: FakeNaver, settings: Settings
) -> None:
    settings.NAVER_CLIENT_ID = ""
    response = alice_client.get("/api/places", {"query": "한식당"})
    assert response.status_code == 503
    error = response.json()["error"]
    assert error["code"] == "places_unavailable"
    assert "switched off" in error["message"]
    assert naver.requests == []


def test_a_failing_provider_is_a_bad_gateway(
    alice_client: Client, naver: FakeNaver
) -> None:
    naver.answer = lambda: httpx2.Response(500)
    response = alice_client.get("/api/places", {"query": "한식당"})
    assert (response.status_code, response.json()["error"]["code"]) == (
        502,
        "places_failed",
    )

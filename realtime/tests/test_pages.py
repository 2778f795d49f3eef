"""What will be heard first, shown before there is a call."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import AsyncClient, Client

from calls.models import Call
from calls.tests.factories import make_call, make_user
from realtime import pages
from realtime.tests.test_opener import Translator
from realtime.text import texts
from wigvo.models import User

KO_TO_EN = {"caller_language": "ko", "callee_language": "en", "mode": "voice"}
EN_TO_KO = {"caller_language": "en", "callee_language": "ko", "mode": "voice"}


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_user("alice", name_as_spoken="김민수")


@pytest.fixture
def translator(monkeypatch: pytest.MonkeyPatch) -> Translator:
    cache.clear()
    fake = Translator()
    monkeypatch.setattr(texts, "translate", fake)
    return fake


@pytest.fixture
async def alices(alice: User) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(alice)
    return client


async def shown(client: AsyncClient, **fields: str) -> str:
    answer = await client.post("/opening/", {**KO_TO_EN, **fields})
    assert answer.status_code == 200
    return str(answer.content.decode())


async def test_both_languages_are_shown_as_they_will_be_said(
    alices: AsyncClient, translator: Translator
) -> None:
    html = await shown(alices)
    assert "Hello. This is a call from Kim Minsu. I am an AI" in html
    assert "안녕하세요. 김민수 님의 전화입니다. 저는 이 통화를" in html
    assert translator.asked == []


async def test_what_it_is_about_is_translated(
    alices: AsyncClient, translator: Translator
) -> None:
    translator.answer = "Hello, Kim Minsu is calling about a table for Saturday."
    html = await shown(alices, purpose="토요일 예약")
    assert "Kim Minsu is calling about a table for Saturday. I am an AI" in html
    [(text, source, target, _)] = translator.asked
    assert text == (
        "안녕하세요. 김민수 님의 전화입니다. 토요일 예약 건으로 연락드렸습니다."
    )
    assert (source, target) == ("ko", "en")
    await shown(alices, purpose="토요일 예약")
    assert len(translator.asked) == 1  # and the call says the same


async def test_that_less_would_be_said_is_shown(
    alices: AsyncClient, translator: Translator
) -> None:
    translator.answer = texts.TextFailed("unreachable")
    html = await shown(alices, opening="저는 듣지 못합니다.")
    assert "This is a call from Kim Minsu." in html
    assert "less would be said" in html


async def test_in_one_language_it_is_shown_once(
    alices: AsyncClient, translator: Translator
) -> None:
    html = await shown(alices, callee_language="ko", opening="김민수라고 합니다")
    assert html.count("김민수라고 합니다. 이 통화에는 인공지능이") == 1
    assert translator.asked == []


async def test_an_assistant_says_it_in_its_own_words(
    alices: AsyncClient, translator: Translator
) -> None:
    html = await shown(alices, mode="agent", opening="김민수가 예약하려고 합니다")
    assert "in its own words" in html
    assert "인공지능 비서입니다" in html
    assert translator.asked == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"opening": "야 이 개새끼야"}, "may hurt"),
        ({"callee_language": "xx"}, 'id="opening-preview"'),
        ({"opening": "가" * 600}, "가" * 300),
    ],
)
async def test_what_cannot_be_said_is_said_so(
    alices: AsyncClient, translator: Translator, fields: dict[str, str], sentence: str
) -> None:
    translator.answer = "가" * 300
    html = await shown(alices, **fields)
    assert sentence in html


async def test_a_name_that_is_being_changed_is_shown_changed(
    alices: AsyncClient, translator: Translator
) -> None:
    html = await shown(alices, name_as_spoken="이지은", purpose="")
    assert "Lee Jieun" in html
    assert "Minsu" not in html


async def test_nobody_translates_all_day(
    alices: AsyncClient, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_A_MINUTE", 1)
    await shown(alices, opening="하나입니다.")
    html = await shown(alices, opening="둘입니다.")
    assert "changed too often" in html
    assert len(translator.asked) == 1


async def test_strangers_are_shown_nothing(transactional_db: None) -> None:
    assert (await AsyncClient().post("/opening/", KO_TO_EN)).status_code == 401
    assert (await AsyncClient().get("/opening/")).status_code == 405


# --- REST ----------------------------------------------------------------------------


async def ask(client: AsyncClient, **fields: str) -> Any:
    body = {**EN_TO_KO, **fields}
    return await client.post(
        "/api/calls/opening", body, content_type="application/json"
    )


async def test_rest_says_what_will_be_heard(
    alices: AsyncClient, translator: Translator
) -> None:
    translator.answer = "안녕하세요. 김민수 님의 전화입니다. 예약 건입니다."
    body = (await ask(alices, purpose="a table")).json()
    assert body["opening"] == (
        "Hello. This is a call from 김민수. It is about a table."
    )
    assert body["spoken"].startswith(translator.answer)
    assert body["spoken"].endswith("평소처럼 말씀해 주세요.")
    assert body["is_less"] is False


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"opening": "I will kill you."}, "opening_abusive"),
        ({"opening": "x" * 301}, "opening_too_long"),
        ({"callee_language": "xx"}, "unsupported_language"),
    ],
)
async def test_rest_refuses_with_a_code(
    alices: AsyncClient, fields: dict[str, str], code: str
) -> None:
    answer = await ask(alices, **fields)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("opening", "status", "expected"),
    [
        (None, 201, "Hello. This is a call from 김민수."),
        ("", 201, "Hello. This is a call from 김민수."),
        ("My own.", 201, "My own."),
        ("I will kill you.", 422, "opening"),
        ("x" * 301, 422, "opening"),
    ],
)
def test_a_call_takes_its_own_opening(
    client: Client, alice: User, opening: str | None, status: int, expected: str
) -> None:
    client.force_login(alice)
    body = {"to_number": "+8225550101", **EN_TO_KO}
    if opening is not None:
        body["opening"] = opening
    answer = client.post("/api/calls", body, content_type="application/json")
    assert answer.status_code == status
    if status == 201:
        assert Call.objects.get().opening == expected
    else:
        assert answer.json()["error"]["field"] == expected
        assert not Call.objects.exists()


# --- The forms -----------------------------------------------------------------------

NEW = {**EN_TO_KO, "country": "KR", "number": "02 555 0101"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Hello. This is a call from 김민수."),
        (
            {"purpose": "a table"},
            "Hello. This is a call from 김민수. It is about a table.",
        ),
        ({"purpose": "a table", "opening": " My  own. "}, "My own."),
    ],
)
def test_the_form_of_a_call_says_how_it_begins(
    client: Client, alice: User, fields: dict[str, str], expected: str
) -> None:
    client.force_login(alice)
    assert client.post("/", NEW | fields).status_code == 302
    assert Call.objects.get().opening == expected


def test_the_form_shows_what_is_wrong_with_it(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/", NEW | {"opening": "I will kill you."})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "may hurt" in html
    assert '<details class="openingfield__own" open>' in html
    assert client.post("/", NEW | {"opening": "x" * 301}).status_code == 422
    assert not Call.objects.exists()


def test_the_form_shows_what_will_be_heard_without_a_script(
    client: Client, alice: User
) -> None:
    client.force_login(alice)
    html = client.get("/").content.decode()
    assert "안녕하세요. 김민수 님의 전화입니다. 저는 이 통화를 통역하는" in html
    assert "Change how you are introduced" in html


def test_called_again_a_call_begins_as_it_did(client: Client, alice: User) -> None:
    client.force_login(alice)
    own = make_call(alice, opening="My own words.")
    usual = make_call(alice, opening="Hello. This is a call from 김민수.")
    assert "My own words." in client.get(f"/?again={own.pk}").content.decode()
    html = client.get(f"/?again={usual.pk}").content.decode()
    assert '<details class="openingfield__own">' in html


def test_people_say_once_how_they_are_introduced(client: Client, alice: User) -> None:
    client.force_login(alice)
    html = client.get("/introduction/").content.decode()
    assert 'value="김민수"' in html
    answer = client.post(
        "/introduction/", {"name_as_spoken": " Lee  Jieun ", "opening": "Hi there"}
    )
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.name_as_spoken, alice.opening) == ("Lee Jieun", "Hi there")
    html = client.get("/introduction/").content.decode()
    assert "From now on your calls begin like this." in html
    assert "Hi there. I am an AI" in html
    assert "translated into Korean" in html


def test_nobody_is_introduced_with_abuse(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post(
        "/introduction/", {"name_as_spoken": "Kim", "opening": "I will kill you."}
    )
    assert answer.status_code == 422
    assert "may hurt" in answer.content.decode()
    alice.refresh_from_db()
    assert (alice.name_as_spoken, alice.opening) == ("김민수", "")


def test_strangers_have_no_introduction(client: Client) -> None:
    assert client.get("/introduction/").status_code == 302

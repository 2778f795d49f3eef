"""Saved phrases: over REST and on their page, for their owner only."""

import json
import uuid
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import translation

from calls import languages, phrases
from calls.models import Phrase
from calls.services import CallRefused
from calls.tests.factories import make_user
from wigvo.models import User

HTMX = {"HX-Request": "true"}
PAGE = "/phrases/"


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def bobs(bob: User) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def texts(user: User, language: str = "en") -> list[str]:
    return [phrase.text for phrase in phrases.phrases_of(user, language)]


def call(
    client: Client, method: str, path: str = "", body: Any = None
) -> tuple[int, Any]:
    answer: Any = client.generic(
        method,
        f"/api/phrases{path}",
        "" if body is None else json.dumps(body),
        content_type="application/json",
    )
    return answer.status_code, answer.json() if answer.content else None


def error(answer: tuple[int, Any]) -> tuple[int, str, str | None]:
    status, body = answer
    assert set(body) == {"error"}
    assert body["error"]["message"]
    return status, body["error"]["code"], body["error"].get("field")


def add(user: User, text: str = "A table for two.", language: str = "en") -> Phrase:
    return phrases.add(user, text=text, language=language)


# --- The starter set -----------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everybody_begins_with_a_starter_set(alice: User, language: str) -> None:
    first = list(phrases.phrases_of(alice, language))
    assert len(first) == len(phrases.starters()) >= 12
    assert sum(phrase.is_quick for phrase in first) == 4
    assert all(phrase.language == language for phrase in first)
    other = {"en": "ko", "ko": "en"}[language]
    assert all(phrase.translations.keys() == {other} for phrase in first)


def test_the_starter_set_is_given_once(alice: User) -> None:
    for phrase in phrases.phrases_of(alice, "en"):
        phrases.delete(phrase)
    assert texts(alice) == []


def test_there_is_none_in_other_languages(alice: User) -> None:
    assert texts(alice, "de") == []


def test_what_is_saved_first_comes_after_the_starter_set(alice: User) -> None:
    add(alice)
    assert texts(alice)[-1] == "A table for two."
    assert len(texts(alice)) == len(phrases.starters()) + 1


def test_starter_phrases_fit_and_are_in_languages_that_can_be_spoken() -> None:
    assert phrases.starter_languages() == {"en", "ko"}
    assert phrases.starter_languages() <= languages.NAMES.keys()
    for row in phrases.starters():
        assert all(len(row[la]) <= phrases.MAX_LETTERS for la in ("en", "ko"))


# --- REST ----------------------------------------------------------------------------


def test_the_list_is_in_order_and_of_one_language_if_asked(alices: Client) -> None:
    status, body = call(alices, "GET", "?language=ko")
    assert status == 200
    assert body["next"] is None
    assert body["items"][0]["text"] == "네."
    assert body["items"][0]["translations"] == {"en": "Yes."}
    assert body["items"][0]["is_quick"] is True
    positions = [item["position"] for item in body["items"]]
    assert positions == sorted(positions)
    _, everything = call(alices, "GET")
    assert {item["language"] for item in everything["items"]} == {"en", "ko"}


def test_a_phrase_is_saved_changed_and_deleted(alices: Client, alice: User) -> None:
    body = {"text": "  A table\nfor two. ", "language": "en"}
    status, saved = call(alices, "POST", "", body)
    assert status == 201
    assert saved["text"] == "A table for two."
    assert saved["translations"] == {}
    path = f"/{saved['id']}"
    assert call(alices, "GET", path) == (200, saved)
    change = {"translations": {"ko": "두 명 자리요."}, "is_quick": True}
    status, changed = call(alices, "PATCH", path, change)
    assert status == 200
    assert changed == saved | change
    status, changed = call(alices, "PATCH", path, {"text": "A table for four."})
    assert changed["translations"] == {}
    assert changed["is_quick"] is True
    assert call(alices, "DELETE", path) == (204, None)
    assert error(call(alices, "GET", path)) == (404, "not_found", None)
    assert not Phrase.objects.filter(pk=saved["id"]).exists()


def test_a_place_may_be_chosen(alices: Client, alice: User) -> None:
    body = {"text": "First.", "language": "en", "position": 0}
    _, saved = call(alices, "POST", "", body)
    assert texts(alice)[0] == "First."
    call(alices, "PATCH", f"/{saved['id']}", {"position": 2})
    assert texts(alice)[2] == "First."
    call(alices, "PATCH", f"/{saved['id']}", {"position": 1000})
    assert texts(alice)[-1] == "First."


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_strangers_phrase_does_not_exist(
    alice: User, bobs: Client, method: str
) -> None:
    phrase = add(alice)
    for phrase_id in (phrase.pk, uuid.uuid4()):
        answer = call(bobs, method, f"/{phrase_id}", {"text": "Mine."})
        assert error(answer) == (404, "not_found", None)
    phrase.refresh_from_db()
    assert phrase.text == "A table for two."
    _, body = call(bobs, "GET")
    assert str(phrase.pk) not in str(body)


def test_one_must_be_logged_in(client: Client, db: None) -> None:
    assert error(call(client, "GET")) == (401, "not_authenticated", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"language": "en"}, "text"),
        ({"text": " \n", "language": "en"}, "text"),
        ({"text": "x" * 201, "language": "en"}, "text"),
        ({"text": "x" * 5000, "language": "en"}, "text"),
        ({"text": "Hi", "language": "tlh"}, "language"),
        ({"text": "Hi"}, "language"),
        ({"text": "Hi", "language": "en", "translations": {"xx": "a"}}, "translations"),
        (
            {"text": "Hi", "language": "en", "translations": {"ko": "a" * 501}},
            "translations",
        ),
        ({"text": "Hi", "language": "en", "position": -1}, "position"),
    ],
)
def test_what_may_not_be_saved_says_which_field(
    alices: Client, body: dict[str, Any], field: str
) -> None:
    assert error(call(alices, "POST", "", body)) == (422, "invalid", field)


def test_letters_that_no_database_stores_are_left_out(alices: Client) -> None:
    _, saved = call(alices, "POST", "", {"text": "a\x00b", "language": "en"})
    assert saved["text"] == "a b"


def test_the_same_phrase_is_not_saved_twice(alices: Client, alice: User) -> None:
    first, second = add(alice), add(alice, "Another one.")
    body = {"text": first.text, "language": "en"}
    assert error(call(alices, "POST", "", body)) == (409, "phrase_exists", "text")
    answer = call(alices, "PATCH", f"/{second.pk}", {"text": first.text})
    assert error(answer) == (409, "phrase_exists", "text")
    add(alice, first.text, "de")
    add(make_user("carol"), first.text)


def test_there_is_a_most_and_it_says_what_to_do(
    alices: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrases, "MAX_PHRASES", len(phrases.starters()) + 1)
    add(alice)
    answer = call(alices, "POST", "", {"text": "One more.", "language": "en"})
    assert error(answer) == (409, "too_many_phrases", None)
    assert "Delete one" in answer[1]["error"]["message"]


# --- In a call -----------------------------------------------------------------------


def test_a_translation_is_remembered_unless_the_phrase_has_changed(alice: User) -> None:
    phrase = add(alice)
    phrases.remember_translation(
        phrase.pk, of_text="A table for two.", language="ja", text=" 二名です。 "
    )
    phrase.refresh_from_db()
    assert phrase.translations == {"ja": "二名です。"}
    phrases.remember_translation(
        phrase.pk, of_text="Something else.", language="ko", text="다른 것"
    )
    phrases.remember_translation(
        phrase.pk, of_text="A table for two.", language="ja", text="別の訳"
    )
    phrase.refresh_from_db()
    assert phrase.translations == {"ja": "二名です。"}


def test_a_strangers_phrase_cannot_be_found(alice: User, bob: User) -> None:
    with pytest.raises(Phrase.DoesNotExist):
        phrases.find(bob, add(alice).pk)


# --- The page ------------------------------------------------------------------------


def test_the_page_wants_a_login(client: Client, db: None) -> None:
    assert client.get(PAGE).status_code == 302


def test_the_page_shows_the_readers_language_first(alices: Client, alice: User) -> None:
    add(alice, "Guten Tag.", "de")
    groups = alices.get(PAGE).context["groups"]
    assert [code for _, _, code in groups] == ["en", "de"]
    korean = alices.get(PAGE, headers={"Accept-Language": "ko"})
    assert [code for _, _, code in korean.context["groups"]] == ["ko", "en", "de"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_phrase_is_saved_on_the_page(
    alices: Client, alice: User, headers: dict[str, str]
) -> None:
    form = {"text": "No peanuts, please.", "language": "en", "is_quick": "on"}
    answer = alices.post(f"{PAGE}add/", form, headers=headers)
    assert answer.status_code == (200 if headers else 302)
    saved = Phrase.objects.get(text="No peanuts, please.")
    assert saved.is_quick
    assert saved.owner == alice
    if headers:
        html = answer.content.decode()
        assert "<html" not in html
        assert "No peanuts, please." in html


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "required"), ("x" * 201, "at most 200"), ("That's right.", "saved this")],
)
def test_what_is_wrong_is_said_beside_the_field(
    alices: Client, alice: User, text: str, sentence: str
) -> None:
    phrases.phrases_of(alice, "en")
    form = {"text": text, "language": "en"}
    answer = alices.post(f"{PAGE}add/", form, headers=HTMX)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_phrase_is_edited_in_its_place(
    alices: Client, alice: User, headers: dict[str, str]
) -> None:
    phrase = add(alice)
    page = alices.get(f"{PAGE}?edit={phrase.pk}", headers=headers).content.decode()
    assert 'id="edit-text"' in page
    assert 'value="A table for two."' in page
    answer = alices.post(
        f"{PAGE}{phrase.pk}/", {"text": "A table for three."}, headers=headers
    )
    assert answer.status_code == (200 if headers else 302)
    phrase.refresh_from_db()
    assert phrase.text == "A table for three."
    assert phrase.language == "en"


def test_a_wrong_edit_keeps_what_was_typed(alices: Client, alice: User) -> None:
    phrase = add(alice)
    add(alice, "Another.")
    path = f"{PAGE}{phrase.pk}/"
    answer = alices.post(path, {"text": "Another."}, headers=HTMX)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'value="Another."' in html
    assert "saved this phrase already" in html
    phrase.refresh_from_db()
    assert phrase.text == "A table for two."


def test_phrases_are_reordered_by_buttons(alices: Client, alice: User) -> None:
    before = texts(alice)
    second = Phrase.objects.get(owner=alice, text=before[1])
    path = f"{PAGE}{second.pk}/move/"
    assert alices.post(path, {"direction": "up"}).status_code == 302
    assert texts(alice) == [before[1], before[0], *before[2:]]
    alices.post(path, {"direction": "up"}, headers=HTMX)
    assert texts(alice)[0] == before[1]
    alices.post(path, {"direction": "down"}, headers=HTMX)
    assert texts(alice) == before
    last = Phrase.objects.get(owner=alice, text=before[-1])
    alices.post(f"{PAGE}{last.pk}/move/", {"direction": "down"})
    alices.post(f"{PAGE}{last.pk}/move/", {"direction": "sideways"})
    assert texts(alice) == before


def test_what_was_deleted_can_be_brought_back_for_some_minutes(
    alices: Client, alice: User
) -> None:
    before = texts(alice)
    phrase = Phrase.objects.get(owner=alice, text=before[3])
    with time_machine.travel("2026-11-21 12:00:00+00:00", tick=False) as clock:
        page = alices.post(f"{PAGE}{phrase.pk}/delete/", headers=HTMX)
        assert "was deleted" in page.content.decode()
        assert texts(alice) == before[:3] + before[4:]
        alices.post(f"{PAGE}restore/")
        assert texts(alice) == before
        restored = Phrase.objects.get(owner=alice, text=before[3])
        assert restored.pk == phrase.pk
        assert restored.translations == phrase.translations
        alices.post(f"{PAGE}{phrase.pk}/delete/")
        clock.shift(601)
        alices.post(f"{PAGE}restore/")
        assert len(texts(alice)) == len(before) - 1
    assert "was deleted" not in alices.get(PAGE).content.decode()


def test_bringing_back_what_was_saved_again_does_nothing(
    alices: Client, alice: User
) -> None:
    phrase = add(alice)
    alices.post(f"{PAGE}{phrase.pk}/delete/")
    add(alice)
    assert alices.post(f"{PAGE}restore/", headers=HTMX).status_code == 200
    assert texts(alice).count("A table for two.") == 1


@pytest.mark.parametrize("what", ["", "move/", "delete/"])
def test_a_strangers_phrase_is_not_changed_on_the_page(
    alice: User, bobs: Client, what: str
) -> None:
    phrase = add(alice)
    answer = bobs.post(f"{PAGE}{phrase.pk}/{what}", {"text": "Mine."})
    assert answer.status_code == 404
    assert Phrase.objects.get(pk=phrase.pk).text == "A table for two."
    page = bobs.get(f"{PAGE}?edit={phrase.pk}").content.decode()
    assert 'id="edit-text"' not in page


def test_an_empty_list_says_what_it_is_for(alices: Client, alice: User) -> None:
    for phrase in phrases.phrases_of(alice, "en"):
        phrases.delete(phrase)
    assert "No phrases yet" in alices.get(PAGE).content.decode()


def test_what_is_refused_is_refused_in_the_readers_language(alice: User) -> None:
    with translation.override("ko"), pytest.raises(CallRefused) as refused:
        phrases.add(alice, text="x" * 201, language="en")
    assert "200" in refused.value.message
    assert "letters" not in refused.value.message


def test_support_sees_phrases_and_changes_none(
    admin_client: Client, alice: User
) -> None:
    phrase = add(alice)
    assert phrase.text in admin_client.get("/admin/calls/phrase/").content.decode()
    page = admin_client.get(f"/admin/calls/phrase/{phrase.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()

"""`manage.py models`, and the check before a deployment."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import time_machine
from django.core import checks
from django.core.management import CommandError, call_command
from pytest_django import Settings

from realtime import provider
from realtime.provider import models_in_use
from wigvo.checks import check_models

Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel("2026-11-21 09:00:00+00:00", tick=False):
        yield


def rows(**changes: str | None) -> list[dict[str, Any]]:
    """Return what the provider lists: every model in use, with changed last days."""
    return [
        {"id": model_id, "object": "model", "shutdown_date": changes.get(role)}
        for role, model_id in models_in_use().items()
    ]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Let the provider answer as told."""

    def set_answer(answer: Answer) -> None:
        monkeypatch.setattr(provider, "transport", httpx2.MockTransport(answer))

    return set_answer


def run(*options: str) -> tuple[str, int]:
    """Run the command; what it says and its exit status."""
    out = io.StringIO()
    try:
        call_command("models", *options, stdout=out, no_color=True)
    except SystemExit as exit:
        return out.getvalue(), int(str(exit.code))
    return out.getvalue(), 0


def lists(*found: dict[str, Any]) -> Answer:
    return lambda request: httpx2.Response(200, json={"data": list(found)})


def test_it_shows_what_each_role_costs_without_asking_anybody() -> None:
    said, status = run()
    assert status == 0
    [row] = [line for line in said.splitlines() if line.startswith("translate ")]
    assert models_in_use()["translate"] in row  # type: ignore[index]
    assert row.endswith("$0.034 a minute")
    assert "$0.0044 a minute" in said


def test_a_model_that_ends_soon_is_warned_about(settings: Settings) -> None:
    settings.OPENAI_REALTIME_MODEL = "gpt-realtime-mini"  # until 2027-01-20
    said, status = run()
    assert status == 0
    assert "2027-01-20  60" in said
    assert "gpt-realtime-mini will be switched off in 60 days" in said
    assert "OPENAI_REALTIME_MODEL" in said


def test_a_model_that_is_gone_fails(settings: Settings) -> None:
    settings.OPENAI_TEXT_MODEL = "gpt-4.1-nano"
    said, status = run()
    assert status == 1
    assert "gpt-4.1-nano was switched off on 2026-10-23" in said


def test_the_provider_is_asked_with_the_key(
    answers: Callable[[Answer], None], settings: Settings
) -> None:
    settings.OPENAI_BASE_URL = "https://provider.example/v1"
    settings.OPENAI_API_KEY = "s3cret"
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json={"data": rows()})

    answers(answer)
    said, status = run("--check")
    assert (status, len(asked)) == (0, 1)
    assert str(asked[0].url) == "https://provider.example/v1/models"
    assert asked[0].headers["authorization"] == "Bearer s3cret"
    assert asked[0].extensions["timeout"]["read"] == provider.TIMEOUT_S
    assert "has all of them" in said


def test_a_model_that_the_provider_does_not_have_is_named_and_fails(
    answers: Callable[[Answer], None], settings: Settings
) -> None:
    answers(lists(*rows()))
    settings.OPENAI_TEXT_MODEL = "gpt-7-typo"
    answers(lists(*[row for row in rows() if row["id"] != "gpt-7-typo"]))
    said, status = run("--check")
    assert status == 1
    assert "The provider has no gpt-7-typo: choose another one in" in said
    assert "OPENAI_TEXT_MODEL." in said


def test_the_providers_own_date_is_newer_than_ours(
    answers: Callable[[Answer], None],
) -> None:
    answers(lists(*rows(translate="2026-12-01")))
    said, status = run("--check")
    assert status == 0
    assert "will be switched off in 10 days (2026-12-01)" in said
    assert "2026-12-01  10" in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda request: httpx2.Response(401), "did not accept OPENAI_API_KEY"),
        (lambda request: httpx2.Response(503), "answered 503"),
        (lambda request: httpx2.Response(200, json=[1]), "something that is no list"),
        (lambda request: httpx2.Response(200, text="<html>"), "that is no list"),
    ],
)
def test_a_provider_that_does_not_answer_sensibly_fails_with_a_sentence(
    answers: Callable[[Answer], None], answer: Answer, words: str
) -> None:
    answers(answer)
    with pytest.raises(CommandError, match=words):
        run("--check")


def test_it_is_asked_twice_at_most(answers: Callable[[Answer], None]) -> None:
    n = 0

    def never(request: httpx2.Request) -> httpx2.Response:
        nonlocal n
        n += 1
        raise httpx2.ConnectError("no")

    answers(never)
    with pytest.raises(CommandError, match="did not answer"):
        run("--check")
    assert n == 2


def test_a_second_answer_is_good_enough(answers: Callable[[Answer], None]) -> None:
    replies = iter([httpx2.Response(502), httpx2.Response(200, json={"data": rows()})])
    answers(lambda request: next(replies))
    assert run("--check")[1] == 0


def test_the_deploy_check_warns_of_the_same(settings: Settings) -> None:
    assert check_models(None) == []
    settings.OPENAI_REALTIME_MODEL = "gpt-realtime-mini"
    settings.OPENAI_TEXT_MODEL = "home-made"
    found = check_models(None)
    assert [message.level for message in found] == [checks.WARNING] * 3
    assert "gpt-realtime-mini will be" in found[0].msg
    assert "price of gpt-realtime-mini" in found[1].msg
    assert "price of home-made" in found[2].msg

"""Every page: its language, its safety, and that it needs nothing from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from django.views.csrf import csrf_failure
from django.views.defaults import permission_denied, server_error

from calls.models import Status, Summary
from calls.tests.factories import make_call, make_user
from wigvo.models import User

PASSWORD = "correct horse battery"
PUBLIC = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/1-nonsense/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/nonsense/",
    "/accounts/inactive/",
    "/no-such-page/",
]
MEMBERS = [
    "/",
    "/calls/",
    "/chat/",
    "/phrases/",
    "/directory/",
    "/directory/?q=nothing+like+this",
    "/introduction/",
    "/settings/",
    "/settings/delete/",
    "/calls/?q=nothing+like+this",
    "/accounts/email/",
    "/accounts/2fa/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/reauthenticate/",
    "/accounts/password/change/",
    "/accounts/logout/",
    f"/calls/{uuid4()}/",
]
CALLS = [Status.DRAFT, Status.IN_PROGRESS, Status.COMPLETED, Status.BUSY]


@pytest.fixture
def member(db: None) -> User:
    user = make_user("alice")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def addresses(member: User) -> dict[str, list[str]]:
    """Name every page, by who may see it."""
    RecoveryCodes.activate(member)
    of_calls = [f"/calls/{make_call(member, status=s).pk}/" for s in CALLS]
    of_calls += [
        f"/calls/{finished(member)}/{page}" for page in ("", "delete/", CORRECT)
    ]
    return {"stranger": PUBLIC, "member": MEMBERS + of_calls}


CORRECT = "captions/u1/correct/"


def finished(member: User) -> UUID:
    """Make a call with everything that a page may show of one."""
    call = make_call(member, status=Status.COMPLETED, answered_at=timezone.now())
    for leg, said in (("callee", "네"), ("caller", "Yes")):
        call.utterances.create(
            utterance_id=f"u{call.utterances.count()}",
            leg=leg,
            original=said,
            translation="네" if leg == "caller" else "Yes",
            started_ms=1000,
            ended_ms=2000,
            latency_ms=900,
        )
    Summary.objects.create(
        call=call,
        state="done",
        language="en",
        content={
            "appointments": [
                {
                    "title": "X",
                    "starts_at": "2026-11-22T10:30:00+09:00",
                    "utterance_ids": ["u1"],
                }
            ],
            "numbers": [{"what": "X", "value": "1", "utterance_ids": ["u1"]}],
            "open_points": [{"text": "X", "utterance_ids": ["u1"]}],
            "left_out": 3,
        },
        dropped=1,
    )
    return call.pk


class Page(HTMLParser):
    """What a page contains, as far as these tests ask."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]

    def values(self, *attributes: str) -> list[str]:
        return [
            value
            for _, attrs in self.tags
            for name, value in attrs.items()
            if name in attributes and value
        ]


def confirm_again(client: Client) -> None:
    """Give the password once more, as pages ask that protect the account."""
    cache.clear()  # attempts are counted there
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 302


def every_page(
    client: Client, addresses: dict[str, list[str]], member: User, language: str
) -> list[tuple[str, Any]]:
    pages = []
    for who, paths in addresses.items():
        if who == "member":
            client.force_login(member)
            confirm_again(client)
        for path in paths:
            answer = client.get(path, headers={"Accept-Language": language})
            assert answer.status_code in {200, 404}, (path, answer.status_code)
            pages.append((f"{who} {path}", answer))
    return pages


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_is_sound(
    client: Client, addresses: dict[str, list[str]], member: User, language: str
) -> None:
    for name, answer in every_page(client, addresses, member, language):
        page = Page(answer.content.decode())
        assert page.all("html")[0]["lang"] == language, name
        assert len(page.all("h1")) == 1, name
        ids = page.values("id")
        assert len(ids) == len(set(ids)), name
        # The strict policy allows none of these.
        assert not page.all("style"), name
        assert not page.values("style"), name
        assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
        for script in page.all("script"):
            assert script.get("src") or script["type"] == "application/json", name
        # Nothing comes from, or leads to, another server.
        for address in page.values("href", "src", "action", "hx-get", "hx-post"):
            assert not re.match(r"(https?:)?//", address), (name, address)
        # The keyboard gets to the content, and labels lead to their fields.
        assert {"class": "skip", "href": "#main"} in page.all("a"), name
        assert "main" in ids, name
        for label in page.all("label"):
            assert "for" not in label or label["for"] in ids, (name, label)


def test_every_page_has_the_strict_policy(
    client: Client, addresses: dict[str, list[str]], member: User
) -> None:
    for name, answer in every_page(client, addresses, member, "en"):
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy, name
        assert "default-src 'self'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert answer["X-Frame-Options"] == "DENY"


def test_a_korean_page_has_no_english_sentence_left(
    client: Client, addresses: dict[str, list[str]], member: User
) -> None:
    """Words of English that our pages use all the time never appear in Korean ones."""
    english = re.compile(r"\b(the|your|you|this|with|is|are|please)\b", re.IGNORECASE)
    for name, answer in every_page(client, addresses, member, "ko"):
        html = re.sub(
            r"(?s)<script.*?</script>|<[^>]*lang=\"en\".*?</", "", answer.text
        )
        text = re.sub(r"<[^>]+>", " ", html)
        assert not english.search(text), (name, english.search(text))


# --- Language ------------------------------------------------------------------------


def test_the_language_switch_stays(client: Client, db: None) -> None:
    answer = client.post("/i18n/setlang/", {"language": "ko", "next": "/?a=b"})
    assert answer["Location"] == "/?a=b"
    assert '<html lang="ko">' in client.get("/").content.decode()
    client.post("/i18n/setlang/", {"language": "en", "next": "/"})
    assert '<html lang="en">' in client.get("/").content.decode()


def test_the_language_switch_leads_nowhere_else(client: Client, db: None) -> None:
    answer = client.post(
        "/i18n/setlang/", {"language": "ko", "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


# --- Accounts ------------------------------------------------------------------------


def test_from_sign_up_to_the_first_page(client: Client, db: None) -> None:
    form = {"email": "dana@example.org", "password1": PASSWORD, "password2": PASSWORD}
    sent = client.post("/accounts/signup/", form, follow=True)
    assert "Check your e-mail" in sent.text

    (letter,) = mail.outbox
    assert letter.to == ["dana@example.org"]
    found = re.search(r"http\S+", str(letter.body))
    assert found
    link = found.group().replace("http://testserver", "")
    assert client.post(
        "/accounts/login/", {"login": form["email"], "password": PASSWORD}
    )
    assert "New call" not in client.get("/").text  # not confirmed yet

    client.get(link)
    assert EmailAddress.objects.get(email=form["email"]).verified
    client.post("/accounts/login/", {"login": form["email"], "password": PASSWORD})
    assert "New call" in client.get("/").text


def test_a_wrong_password_is_said_kindly_in_korean(
    client: Client, member: User
) -> None:
    answer = client.post(
        "/accounts/login/",
        {"login": member.email, "password": "wrong"},
        headers={"Accept-Language": "ko"},
    )
    assert "이메일 또는 비밀번호가 올바르지 않습니다." in answer.text


def test_a_forgotten_password_is_replaced(client: Client, member: User) -> None:
    client.post("/accounts/password/reset/", {"email": member.email})
    found = re.search(r"http\S+", str(mail.outbox[0].body))
    assert found
    page = client.get(found.group().replace("http://testserver", ""), follow=True)
    new = "another horse battery"
    form = {"password1": new, "password2": new}
    done = client.post(page.redirect_chain[-1][0], form, follow=True)
    assert "Password changed" in done.text
    member.refresh_from_db()
    assert member.check_password(new)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_letters_are_ours(client: Client, db: None, language: str) -> None:
    client.post(
        "/accounts/password/reset/",
        {"email": "nobody@example.org"},
        headers={"Accept-Language": language},
    )
    (letter,) = mail.outbox
    assert letter.subject.startswith("[WIGVO] ")
    assert "example.com" not in letter.body
    assert ("안녕하세요" in letter.body) is (language == "ko")


def test_logging_out_needs_a_click(client: Client, member: User) -> None:
    client.force_login(member)
    client.get("/accounts/logout/")
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


# --- Errors --------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
def test_error_pages_are_pages(rf: RequestFactory, language: str) -> None:
    with translation.override(language):
        answers = [
            permission_denied(rf.get("/x"), PermissionError()),
            server_error(rf.get("/x")),
            csrf_failure(rf.get("/x")),
        ]
    assert [answer.status_code for answer in answers] == [403, 500, 403]
    for answer in answers:
        assert f'<html lang="{language}">' in answer.text
        assert "css/site.css" in answer.text


def test_the_error_page_of_last_resort_needs_no_request_and_no_database() -> None:
    assert "500" in render_to_string("500.html")


# --- Files ---------------------------------------------------------------------------


def test_every_file_that_a_page_names_exists(
    client: Client, addresses: dict[str, list[str]], member: User
) -> None:
    for name, answer in every_page(client, addresses, member, "en"):
        page = Page(answer.text)
        for address in page.values(
            "src", "href", "data-capture-url", "data-playback-url", "data-icons-url"
        ):
            if address.startswith("/static/"):
                path = address.removeprefix("/static/").partition("#")[0]
                assert finders.find(path), (name, address)


@pytest.mark.slow
def test_release_files_are_hashed_with_their_imports(
    tmp_path: Path, settings: Any
) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "wigvo.storage.StaticFilesStorage"},
    }
    call_command("collectstatic", verbosity=0, ignore_patterns=["*.test.js"])
    (page,) = (p for p in (tmp_path / "js/call").glob("page.*.js"))
    imports = re.findall(r'from "([^"]+)"', page.read_text(encoding="utf-8"))
    assert len(imports) > 10
    for imported in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", imported)
        assert (page.parent / imported).exists(), imported
    (worklet,) = (tmp_path / "js/call/worklets").glob("playback.*.js")
    for imported in re.findall(r'from "([^"]+)"', worklet.read_text(encoding="utf-8")):
        assert (worklet.parent / imported).exists(), imported
    assert not list(tmp_path.rglob("*.test.js"))


# --- Colours -------------------------------------------------------------------------


def tokens(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_are_easy_to_read(scheme: str) -> None:
    """Contrast of at least 7:1 (WCAG 2.2, 1.4.6), other text at least 4.5:1."""
    css = (Path(settings.BASE_DIR) / "static/css/site.css").read_text(encoding="utf-8")
    light, _, dark = css.partition("@media (prefers-color-scheme: dark)")
    colours = tokens(light)
    if scheme == "dark":
        colours |= tokens(dark.partition("@layer base")[0])
    for text in ("ink", "ink-soft"):
        for ground in ("surface", "celadon-soft"):
            assert contrast(colours[text], colours[ground]) >= 7, (text, ground)
    for text, ground in (
        ("celadon", "paper"),
        ("celadon", "celadon-soft"),
        ("on-celadon", "celadon"),
        ("persimmon", "paper"),
        ("persimmon", "persimmon-soft"),
        ("on-persimmon", "persimmon"),
        ("amber-ink", "amber-soft"),
        ("ink-soft", "sunken"),
    ):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for line in ("surface", "paper"):  # the outline of a field (1.4.11)
        assert contrast(colours["line-strong"], colours[line]) >= 3, line

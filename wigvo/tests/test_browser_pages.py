"""Every page of the site: axe-core, both themes, both languages, telephone and desktop.

A page that is added has to be put into `PAGES`, or what it is into `OTHERS`.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation
from playwright.sync_api import Browser, Route

from calls import wav
from wigvo.models import User
from wigvo.tests.furniture import PASSWORD, Site, furnish
from wigvo.tests.looking import Eye, opened

Who = Literal["stranger", "owner", "newcomer", "staff"]


@dataclass(frozen=True)
class Seen:
    """A page as somebody gets to see it.

    Attributes:
        view: name in the URL conf.
        name: of the picture.
        who: is looking.
        words: which words of the site its address needs.
        query: behind the address.
        status: of the answer.
        press: a button that is pressed first: what is looked at is the answer.
        opens: whether everything that can be opened is opened first.
        part: which part of it is ours; empty: all of it.
    """

    view: str
    name: str
    who: Who
    words: str = ""
    query: str = ""
    status: int = 200
    press: str = ""
    opens: bool = False
    part: str = ""

    def address(self, site: Site) -> str:
        words = site.words[self.words] if self.words else []
        return reverse(self.view, args=words) + self.query


SOUND = wav.header(2 * wav.RATE_HZ) + bytes(2 * wav.RATE_HZ)
SEND = "main form:not(.language) button[type=submit], main form:not(.language) button"
PAGES = (
    # --- Before logging in
    Seen("calls:new", "welcome", "stranger"),
    Seen("calls:watch", "watch-refused", "stranger"),
    Seen("account_login", "login", "stranger"),
    Seen("account_login", "login-wrong", "stranger", press=SEND),
    Seen("account_signup", "signup", "stranger"),
    Seen("account_signup", "signup-wrong", "stranger", press=SEND),
    Seen("account_reset_password", "reset", "stranger"),
    Seen("account_reset_password_done", "reset-sent", "stranger"),
    Seen("account_reset_password_from_key", "reset-choose", "stranger", "reset"),
    Seen("account_reset_password_from_key_done", "reset-done", "stranger"),
    Seen("account_confirm_email", "confirm-nonsense", "stranger", "nonsense"),
    Seen("account_email_verification_sent", "verification-sent", "stranger"),
    Seen("account_inactive", "inactive", "stranger"),
    Seen("socialaccount_login_cancelled", "google-cancelled", "stranger"),
    Seen("socialaccount_login_error", "google-error", "stranger", status=401),
    Seen("google_login", "google-login", "stranger"),
    Seen("offline", "offline", "stranger"),
    # --- With calls
    Seen("calls:new", "new", "owner", opens=True),
    Seen("calls:new", "new-wrong", "owner", press=".actions button"),
    Seen("calls:history", "history", "owner", opens=True),
    Seen("calls:history", "history-found", "owner", query="?q=passport"),
    Seen("calls:history", "history-nothing", "owner", query="?q=umbrella"),
    Seen("calls:detail", "call-report", "owner", "report", opens=True),
    Seen("calls:detail", "call-found", "owner", "report", query="?q=30,000"),
    Seen("calls:detail", "call-long", "owner", "long"),
    Seen("calls:detail", "call-pending", "owner", "pending"),
    Seen("calls:detail", "call-without-summary", "owner", "failed_summary"),
    Seen("calls:detail", "call-busy", "owner", "busy"),
    Seen("calls:detail", "call-no-answer", "owner", "no_answer"),
    Seen("calls:detail", "call-failed", "owner", "failed"),
    Seen("calls:detail", "call-canceled", "owner", "canceled"),
    Seen("calls:detail", "call-rehearsed", "owner", "rehearsal"),
    Seen("calls:detail", "call-inbound", "owner", "inbound"),
    Seen("calls:detail", "live-draft", "owner", "draft"),
    Seen("calls:detail", "live-ringing", "owner", "ringing"),
    Seen("calls:detail", "live-to-join", "owner", "live"),
    Seen("calls:correct", "correct", "owner", "caption"),
    Seen("calls:delete", "delete-call", "owner", "report"),
    Seen("calls:phrases", "phrases", "owner"),
    Seen("calls:phrases", "phrases-wrong", "owner", press=".phrase-new button"),
    Seen("calls:introduction", "introduction", "owner"),
    Seen("chat:index", "chats", "owner", opens=True),
    Seen("chat:conversation", "chat-blank", "owner", "talk_blank", opens=True),
    Seen("chat:conversation", "chat-numbers", "owner", "talk_numbers"),
    Seen("chat:conversation", "chat-places", "owner", "talk_places"),
    Seen("chat:conversation", "chat-rules", "owner", "talk_rules"),
    Seen("chat:conversation", "chat-doubt", "owner", "talk_doubt"),
    Seen("chat:conversation", "chat-ready", "owner", "talk_ready", opens=True),
    Seen("settings", "settings", "owner"),
    Seen("delete_account", "delete-account", "owner"),
    Seen(
        "delete_account", "delete-account-wrong", "owner", press=".danger", status=200
    ),
    Seen("account_email", "addresses", "owner"),
    Seen("account_change_password", "password", "owner"),
    Seen("account_change_password", "password-wrong", "owner", press=SEND),
    Seen("account_logout", "logout", "owner"),
    Seen("account_reauthenticate", "reauthenticate", "owner"),
    Seen("socialaccount_connections", "google-connections", "owner"),
    Seen("places:directory", "directory", "owner"),
    Seen("mfa_index", "factors-none", "newcomer"),
    Seen("mfa_activate_totp", "factors-app", "newcomer"),
    Seen("mfa_add_webauthn", "factors-passkey-new", "newcomer"),
    Seen("mfa_reauthenticate", "factors-again", "staff"),
    Seen("mfa_index", "factors", "staff"),
    Seen("mfa_list_webauthn", "factors-passkeys", "owner"),
    Seen("mfa_edit_webauthn", "factors-passkey", "owner", "passkey"),
    Seen("mfa_remove_webauthn", "factors-passkey-remove", "owner", "passkey"),
    Seen("mfa_deactivate_totp", "factors-app-off", "staff"),
    Seen("mfa_view_recovery_codes", "factors-codes", "staff"),
    Seen("mfa_generate_recovery_codes", "factors-codes-new", "staff"),
    # --- Without anything
    Seen("calls:new", "new-first", "newcomer"),
    Seen("calls:history", "history-empty", "newcomer"),
    Seen("chat:index", "chats-empty", "newcomer"),
    Seen("settings", "settings-empty", "newcomer"),
    Seen("account_set_password", "password-set", "newcomer"),
    Seen("account_confirm_email", "confirm", "stranger", "confirmation"),
    # --- Support; the rest of the admin is Django's own
    Seen("admin:calls_call_change", "review", "staff", "report", part=".review"),
    Seen("admin:calls_call_change", "review-busy", "staff", "busy", part=".review"),
)
UNCHECKED = "for (const form of document.forms) form.noValidate = true"
OPEN = "for (const one of document.querySelectorAll('main details')) one.open = true"
OTHERS = {
    "admin:": "Django's own pages",
    "api:": "for programs; its description is drawn by a third party",
    "headless:": "for apps",
    "twilio:": "for Twilio",
    "": "health, for machines",
    "calls:number": "part of the page of a new call",
    "opening": "part of pages",
    "opening_sound": "a sound",
    "calls:type_instead": "only does something",
    "chat:stop": "only does something",
    "places:add": "only does something",
    "places:restore": "only does something",
    "places:keep": "only does something",
    "places:edit": "only does something",
    "places:call": "only does something",
    "places:star": "only does something",
    "places:remove": "only does something",
    "mfa_reauthenticate_webauthn": "asks for a passkey that has been made",
    "mfa_authenticate": "comes after a password: looked at on its own",
    "mfa_login_webauthn": "for scripts",
    "mfa_download_recovery_codes": "a file",
    "calls:rehearse": "only does something",
    "calls:delete_recording": "only does something",
    "calls:add_helper": "part of the live page",
    "calls:revoke_helper": "part of the live page",
    "calls:report": "part of the page of a call",
    "calls:caption": "part of the page of a call",
    "calls:earlier": "part of the live page",
    "calls:waveform": "part of the page of a call",
    "calls:appointment": "a file",
    "calls:export_json": "a file",
    "calls:export_text": "a file",
    "calls:add_phrase": "only does something",
    "calls:restore_phrase": "only does something",
    "calls:edit_phrase": "only does something",
    "calls:move_phrase": "only does something",
    "calls:delete_phrase": "only does something",
    "chat:begin": "only does something",
    "chat:say": "only does something",
    "chat:fields": "only does something",
    "chat:settings": "only does something",
    "chat:place": "only does something",
    "chat:call": "only does something",
    "chat:keep": "only does something",
    "chat:again": "only does something",
    "chat:delete": "only does something",
    "manifest": "for browsers",
    "worker": "for browsers",
    "export_account": "a file",
    "set_language": "only does something",
    "account_confirm_login_code": "leads to the login: codes are switched off",
    "socialaccount_signup": "leads to the login: an account of Google has an address",
    "google_callback": "only does something",
    "google_login_by_token": "only does something",
}
"""What is no page, and why; a name that ends with a colon stands for all below it."""


def names(resolver: Any, namespace: str = "") -> Iterator[str]:
    """Walk all addresses of the site."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from names(
                one, namespace + (f"{one.namespace}:" if one.namespace else "")
            )
        elif isinstance(one, URLPattern):
            yield namespace + (one.name or "")


def test_every_address_is_looked_at_or_known_to_be_no_page() -> None:
    listed = {seen.view for seen in PAGES}
    known = listed | OTHERS.keys()
    every = set(names(get_resolver()))
    unknown = {name for name in every - known if f"{name.split(':')[0]}:" not in known}
    assert not unknown
    assert len({seen.name for seen in PAGES}) == len(PAGES)


@pytest.fixture
def site(
    transactional_db: None, settings: Any, tmp_path: Path, reading_language: str
) -> Site:
    settings.MEDIA_ROOT = tmp_path
    # As if Google were set up, so that its buttons are there.
    settings.GOOGLE_CLIENT_ID = "google"
    app = {"client_id": "google", "secret": "none", "key": ""}
    settings.SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": [app]}}
    with translation.override(reading_language):
        made = furnish(reading_language, tmp_path)
    made.words["nonsense"] = ["nonsense"]
    return made


@pytest.fixture(params=["en", "ko"])
def reading_language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    session = client.session
    # As if they had given their password once more just now.
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client.cookies["sessionid"].value


def look_at(eye: Eye, seen: Seen, site: Site) -> None:
    eye.open(seen.address(site), seen.name, status=seen.status)
    if seen.press:
        eye.page.evaluate(UNCHECKED)  # so that the server's answer is seen
        eye.page.locator(seen.press).first.click()
        eye.settle()
    if seen.opens:
        eye.page.evaluate(OPEN)
    eye.look(seen.name, part=seen.part)


@pytest.mark.looks
@pytest.mark.long
@pytest.mark.parametrize("who", ["stranger", "owner", "newcomer", "staff"])
def test_every_page_can_be_used_by_everybody(
    browser: Browser, live_server: Any, site: Site, reading_language: str, who: Who
) -> None:
    user = getattr(site, who)
    key = "" if who == "stranger" else session_of(user)
    with opened(browser, live_server.url, reading_language, session_key=key) as eye:
        # The test's server cannot send a part of a file.
        eye.page.route("**/recording", lambda route: route.fulfill(body=SOUND))
        for seen in PAGES:
            if seen.who == who:
                look_at(eye, seen, site)
        if who == "owner":
            eye.open(reverse("settings"), "menu")
            eye.page.locator(".menu summary").click()
            eye.look("menu")
    assert not eye.problems, "\n".join(eye.problems)


@pytest.mark.looks
def test_the_second_step_of_a_login_can_be_used_by_everybody(
    browser: Browser, live_server: Any, site: Site, reading_language: str
) -> None:
    site.staff.set_password(PASSWORD)
    site.staff.save()
    with opened(browser, live_server.url, reading_language) as eye:
        eye.open(reverse("account_login"), "login")
        eye.page.locator("#id_login").fill(site.staff.email)
        eye.page.locator("#id_password").fill(PASSWORD)
        eye.page.locator("#id_password").press("Enter")
        eye.page.wait_for_url("**/2fa/authenticate/")
        eye.look("second-step")
    assert not eye.problems, "\n".join(eye.problems)


@pytest.mark.looks
def test_pages_that_say_what_is_wrong_can_be_used_by_everybody(
    browser: Browser, live_server: Any, reading_language: str, db: None
) -> None:
    def show(route: Route) -> None:
        name = route.request.url.rsplit("/", 2)[-2]
        with translation.override(reading_language):
            html = render_to_string(f"{name}.html")
        route.fulfill(body=html, content_type="text/html; charset=utf-8")

    with opened(browser, live_server.url, reading_language) as eye:
        eye.open("/nothing/like/this/", "404", status=404)
        eye.look("404")
        eye.page.route("**/wrong/*/", show)
        for name in ("403", "403_csrf", "500"):
            eye.open(f"/wrong/{name}/", name)
            eye.look(name)
    assert not eye.problems, "\n".join(eye.problems)

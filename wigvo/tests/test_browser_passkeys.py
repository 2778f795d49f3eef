"""A passkey from its making to its end, with an authenticator that Chromium plays."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, CDPSession, Page, expect

from calls.tests.factories import make_user
from wigvo.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def alice(transactional_db: None) -> User:
    cache.clear()  # attempts are counted there
    user = make_user("alice")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def page(alice: User, live_server: Any, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en", base_url=live_server.url)
    page = context.new_page()
    page.set_default_timeout(15_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert not problems


def plug_in(page: Page, **options: object) -> CDPSession:
    """Give the computer an authenticator, which says yes to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    added = session.send(
        "WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | options}
    )
    session.authenticator = added["authenticatorId"]  # type: ignore[attr-defined]
    return session


@pytest.fixture
def device(page: Page) -> CDPSession:
    return plug_in(page)


def say_no(device: CDPSession, is_no: bool) -> None:
    """Let the finger be the wrong one, or the right one again."""
    device.send(
        "WebAuthn.setUserVerified",
        {
            "authenticatorId": device.authenticator,  # type: ignore[attr-defined]
            "isUserVerified": not is_no,
        },
    )


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


def log_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(
        page.get_by_role("banner").get_by_role("link", name="Log in")
    ).to_be_visible()


def add_passkey(page: Page, name: str, alone: bool = True) -> None:
    page.goto("/accounts/2fa/")
    page.get_by_role("button", name="Add a passkey").click()
    if page.get_by_role("heading", name="Confirm that it is you").is_visible():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Log in with it alone").set_checked(alone)
    page.get_by_role("button", name="Go on").click()


def test_a_passkey_is_made_logs_in_and_goes(page: Page, device: CDPSession) -> None:
    log_in(page)
    page.goto("/settings/")
    page.get_by_role("link", name="How you log in").click()
    add_passkey(page, "My phone")
    # With the first one come the codes for the day on which it is lost.
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("My phone")).to_be_visible()
    log_out(page)

    # Alone it is enough …
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("link", name="New call")).to_be_visible()
    log_out(page)

    # … and the password no longer is.
    log_in(page)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("link", name="New call")).to_be_visible()
    log_out(page)

    log_in(page)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("link", name="New call")).to_be_visible()

    # It is shown once more before it is removed.
    page.goto("/accounts/2fa/webauthn/")
    page.get_by_role("link", name="Remove: My phone").click()
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The passkey was removed.")).to_be_visible()
    expect(page.get_by_text("You have no passkey yet.")).to_be_visible()


def test_a_key_beside_the_password_does_not_replace_it(page: Page) -> None:
    plug_in(page, transport="usb", hasResidentKey=False, hasUserVerification=False)
    log_in(page)
    add_passkey(page, "Blue key", alone=False)
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_text("beside the password")).to_be_visible()
    log_out(page)
    log_in(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("link", name="New call")).to_be_visible()


def test_what_went_wrong_is_said(page: Page, device: CDPSession) -> None:
    log_in(page)
    add_passkey(page, "My phone")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    add_passkey(page, "My phone again")
    expect(page.get_by_role("alert")).to_contain_text("already holds a passkey")
    log_out(page)
    page.goto("/accounts/login/")
    say_no(device, True)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("it was cancelled")
    say_no(device, False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("link", name="New call")).to_be_visible()


def test_an_address_in_numbers_is_told_apart(page: Page, live_server: Any) -> None:
    here = live_server.url.replace("localhost", "127.0.0.1")
    page.goto(f"{here}/accounts/login/")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.locator("#passkey-button")).to_be_hidden()
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{here}/")
    page.goto(f"{here}/accounts/2fa/")
    expect(page.get_by_text("the address is a number")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    by_name = f"{live_server.url}/accounts/2fa/"
    expect(page.get_by_role("link", name="localhost")).to_have_attribute(
        "href", by_name
    )

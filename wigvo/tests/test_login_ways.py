"""Passkeys, authenticator apps and recovery codes; the browser's part is elsewhere."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from calls.tests.factories import make_user
from wigvo.mfa import MfaAdapter
from wigvo.models import User

PASSWORD = "correct horse battery"
SECRET = base64.b32encode(b"twenty bytes of it!!").decode()
INDEX = "/accounts/2fa/"
PAGES = [
    INDEX,
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
]
KEY = {"name": "My phone", "credential": {"clientExtensionResults": {}}}


@pytest.fixture(autouse=True)
def _no_attempts_yet() -> Iterator[None]:
    cache.clear()  # attempts are counted there, for each address
    # A code is good for half a minute: time stands still.
    with time_machine.travel("2026-11-21 12:00:10+00:00", tick=False):
        yield


@pytest.fixture
def alice(db: None) -> User:
    user = make_user("alice")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def alices(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def confirm(client: Client) -> None:
    """Give the password once more."""
    answer = client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 302


def code_now(secret: str = SECRET) -> str:
    step = int(timezone.now().timestamp()) // 30
    return str(format_hotp_value(hotp_value(secret, step)))


def add_passkey(user: User, name: str = "My phone") -> Authenticator:
    """Store one that no ceremony has made: enough for pages that do not use it."""
    return Authenticator.objects.create(
        user=user, type="webauthn", data={**KEY, "name": name}
    )


# --- Setting it up -------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_strangers_see_none_of_it(client: Client, db: None, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/")


@pytest.mark.parametrize(
    "page",
    [
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/add/",
        "/accounts/2fa/recovery-codes/generate/",
    ],
)
def test_an_open_session_is_not_enough_to_add_anything(
    alices: Client, page: str
) -> None:
    for answer in (alices.get(page), alices.post(page, {"code": "1"})):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    confirm(alices)
    assert alices.get(page).status_code == 200


def test_an_open_session_is_not_enough_to_add_an_address(
    alices: Client, alice: User
) -> None:
    form = {"action_add": "", "email": "thief@example.org"}
    answer = alices.post("/accounts/email/", form)
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailAddress.objects.filter(email=form["email"]).exists()


def test_an_app_is_set_up_and_seals_its_secret(
    transactional_db: None, alices: Client, alice: User
) -> None:
    confirm(alices)
    page = alices.get("/accounts/2fa/totp/activate/").content.decode()
    [secret] = re.findall(r'id="secret">([A-Z2-7]+)<', page)
    [link] = re.findall(r'href="(otpauth://[^"]+)"', page)
    said = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
    assert said == {"secret": [secret], "issuer": ["WIGVO"]}
    assert '<img src="data:image/svg+xml;base64,' in page
    wrong = alices.post("/accounts/2fa/totp/activate/", {"code": "1"})
    assert "That was not right" in wrong.content.decode()
    done = alices.post("/accounts/2fa/totp/activate/", {"code": code_now(secret)})
    assert done["Location"] == "/accounts/2fa/recovery-codes/"
    app = Authenticator.objects.get(user=alice, type="totp")
    assert secret not in json.dumps(app.data)
    assert app.wrap().validate_code(code_now(secret))
    [told] = mail.outbox
    assert "authenticator app was set up" in told.subject
    assert "127.0.0.1" in told.body


def test_a_change_is_made_where_no_mail_can_be_sent(
    alices: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(
        "allauth.account.adapter.DefaultAccountAdapter.send_mail", refuse
    )
    key = add_passkey(alice)
    confirm(alices)
    answer = alices.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")
    assert answer.status_code == 302
    assert not Authenticator.objects.exists()


def test_recovery_codes_are_shown_saved_and_made_again(
    alices: Client, alice: User
) -> None:
    add_passkey(alice)
    before = RecoveryCodes.activate(alice).get_unused_codes()
    confirm(alices)
    shown = alices.get("/accounts/2fa/recovery-codes/").content.decode()
    assert re.findall(r"<li><code>(\d+)</code>", shown) == before
    file = alices.get("/accounts/2fa/recovery-codes/download/")
    assert "attachment" in file["Content-Disposition"]
    assert re.findall(r"^\d{8}$", file.content.decode(), re.M) == before
    alices.post("/accounts/2fa/recovery-codes/generate/")
    after = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert len(after) == 10
    assert not set(after) & set(before)


def test_passkeys_are_listed_renamed_and_removed(alices: Client, alice: User) -> None:
    key, other = add_passkey(alice, "Phone <b>"), add_passkey(make_user("bob"))
    confirm(alices)
    assert "Phone &lt;b&gt;" in alices.get(INDEX).content.decode()
    assert "not used yet" in alices.get("/accounts/2fa/webauthn/").content.decode()
    edit = f"/accounts/2fa/webauthn/keys/{key.pk}/edit/"
    assert alices.post(edit, {"name": "Blue key"}).status_code == 302
    assert "Blue key" in alices.get("/accounts/2fa/webauthn/").content.decode()
    for page in ("edit", "remove"):
        address = f"/accounts/2fa/webauthn/keys/{other.pk}/{page}/"
        assert alices.get(address).status_code == 404
        assert alices.post(address).status_code == 404
    alices.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")
    assert list(Authenticator.objects.all()) == [other]


def test_passkeys_are_asked_of_the_host_in_the_address_bar(
    alices: Client, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["wigvo.example", "testserver"]
    confirm(alices)
    page = alices.get("/accounts/2fa/webauthn/add/").content.decode()
    [data] = re.findall(r'id="js_data" type="application/json">(.*?)</script>', page)
    options = json.loads(data)["creation_options"]["publicKey"]
    assert options["rp"] == {"id": "testserver", "name": "WIGVO"}
    made_up = alices.get("/accounts/login/", headers={"host": "thief.example"})
    assert made_up.status_code == 400


def test_no_origin_but_an_encrypted_one_is_believed(settings: Any) -> None:
    from allauth.mfa import app_settings

    assert app_settings.WEBAUTHN_ALLOW_INSECURE_ORIGIN is False


# --- Logging in ----------------------------------------------------------------------


def log_in(client: Client) -> Any:
    form = {"login": "alice@example.org", "password": PASSWORD}
    return client.post("/accounts/login/", form)


def is_in(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


def test_the_password_alone_does_not_do(client: Client, alice: User) -> None:
    TOTP.activate(alice, SECRET)
    assert log_in(client)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_in(client)
    page = client.get("/accounts/2fa/authenticate/").content.decode()
    assert "One more step" in page
    assert "js_data" not in page  # nobody asks for a passkey who has none
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "That was not right" in wrong.content.decode()
    assert not is_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert is_in(client)


def test_a_recovery_code_lets_in_once(client: Client, alice: User) -> None:
    TOTP.activate(alice, SECRET)
    code = RecoveryCodes.activate(alice).get_unused_codes()[0]
    for lets_in in (True, False):
        log_in(client)
        client.post("/accounts/2fa/authenticate/", {"code": code})
        assert is_in(client) is lets_in
        client.logout()


def test_the_admin_has_no_door_without_the_second_factor(
    client: Client, alice: User
) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    TOTP.activate(alice, SECRET)
    form = {"username": alice.email, "password": PASSWORD}
    answer = client.post("/admin/login/?next=/admin/", form)
    assert answer["Location"] == "/accounts/login/?next=%2Fadmin%2F"
    assert client.get("/admin/").status_code == 302


def test_the_app_is_told_what_is_missing(client: Client, alice: User) -> None:
    TOTP.activate(alice, SECRET)
    base = "/_allauth/app/v1/auth"
    form = {"email": alice.email, "password": PASSWORD}
    answer = client.post(f"{base}/login", form, content_type="application/json")
    assert answer.status_code == 401
    waiting = [
        flow for flow in answer.json()["data"]["flows"] if flow.get("is_pending")
    ]
    assert waiting == [
        {"id": "mfa_authenticate", "is_pending": True, "types": ["totp"]}
    ]
    token = answer.json()["meta"]["session_token"]
    other = Client()  # an app keeps no cookies
    headers = {"X-Session-Token": token}
    assert other.get("/api/phrases", headers=headers).status_code == 401
    answer = other.post(
        f"{base}/2fa/authenticate",
        {"code": code_now()},
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == 200
    token = answer.json()["meta"].get("session_token", token)
    headers = {"X-Session-Token": token}
    assert other.get("/api/phrases", headers=headers).status_code == 200


def test_codes_are_not_guessed_at_will(client: Client, alice: User) -> None:
    TOTP.activate(alice, SECRET)
    log_in(client)
    for n in range(12):
        page = client.post("/accounts/2fa/authenticate/", {"code": f"{n:06}"})
    assert "Too many failed login attempts" in page.content.decode()
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert not is_in(client)


# --- Secrets -------------------------------------------------------------------------


def test_a_new_key_of_the_service_keeps_old_secrets(settings: Any) -> None:
    sealed = MfaAdapter().encrypt("JBSWY3DP")
    assert "JBSWY3DP" not in sealed
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another " * 10
    assert MfaAdapter().decrypt(sealed) == "JBSWY3DP"


def test_a_secret_whose_key_is_gone_fits_no_code(
    client: Client, alice: User, settings: Any
) -> None:
    app = TOTP.activate(alice, SECRET)
    settings.SECRET_KEY = "another " * 10
    assert not app.validate_code(code_now())
    lost = MfaAdapter().decrypt(app.instance.data["secret"])
    assert lost != MfaAdapter().decrypt(app.instance.data["secret"])
    base64.b32decode(lost)


def test_nothing_secret_is_taken_away(alices: Client, alice: User) -> None:
    TOTP.activate(alice, SECRET)
    add_passkey(alice)
    text = alices.get("/settings/export.json").content.decode()
    assert [one["kind"] for one in json.loads(text)["logins"]] == ["totp", "webauthn"]
    assert "sealed" not in text
    assert "credential" not in text


def test_an_account_goes_with_its_passkeys(alices: Client, alice: User) -> None:
    add_passkey(alice)
    alices.post("/settings/delete/", {"proof": PASSWORD})
    assert not Authenticator.objects.exists()


def test_who_has_only_a_passkey_shows_it_before_the_account_goes(
    alices: Client, alice: User
) -> None:
    alice.set_unusable_password()
    alice.save()
    alices.force_login(alice)
    add_passkey(alice)
    answer = alices.post("/settings/delete/", {"proof": alice.email})
    assert answer["Location"].startswith("/accounts/2fa/webauthn/reauthenticate/")
    assert User.objects.filter(pk=alice.pk).exists()


# --- The admin -----------------------------------------------------------------------


@pytest.fixture
def support(db: None) -> Client:
    boss = make_user("boss")
    boss.is_staff = boss.is_superuser = True
    boss.save()
    client = Client()
    client.force_login(boss)
    return client


def test_support_takes_a_lost_factor_off_and_says_why(
    support: Client, alice: User
) -> None:
    TOTP.activate(alice, SECRET)
    add_passkey(alice)
    listed = support.get("/admin/wigvo/user/").content.decode()
    assert "passkeys: 1, app" in listed
    page = f"/admin/wigvo/user/{alice.pk}/second-factor/"
    assert page in support.get(f"/admin/wigvo/user/{alice.pk}/change/").content.decode()
    assert support.get(page).status_code == 200
    assert support.post(page, {"reason": ""}).status_code == 422
    assert Authenticator.objects.count() == 2
    assert support.post(page, {"reason": "Showed an identity card"}).status_code == 302
    assert not Authenticator.objects.exists()
    entry = LogEntry.objects.get(object_id=str(alice.pk))
    assert "Showed an identity card" in entry.change_message
    [told] = mail.outbox
    assert told.to == [alice.email]


def test_who_may_not_remove_it_cannot(support: Client, alice: User) -> None:
    add_passkey(alice)
    staff = make_user("staff")
    staff.is_staff = True
    staff.save()
    client = Client()
    client.force_login(staff)
    page = f"/admin/wigvo/user/{alice.pk}/second-factor/"
    assert client.post(page, {"reason": "x"}).status_code == 403
    assert Authenticator.objects.exists()


def test_the_admin_shows_no_secret(support: Client, alice: User) -> None:
    app = TOTP.activate(alice, SECRET)
    page = f"/admin/mfa/authenticator/{app.instance.pk}/change/"
    assert support.get(page).status_code == 404

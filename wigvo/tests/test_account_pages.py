"""Pages of one's own account, and the app on a home screen."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from calls import recordings
from calls.models import Access, Call, Phrase, Recording, Status
from calls.tests.factories import make_call, make_user
from chat.models import Conversation
from places.models import Contact
from wigvo.models import User

PASSWORD = "correct horse battery"
CHOSEN = {
    "caller_language": "vi",
    "callee_language": "ko",
    "caption_size": "200",
    "caption_spacing": "wide",
    "caption_theme": "yellow",
    "caption_show": "translation",
}


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


# --- Settings ------------------------------------------------------------------------


def test_settings_are_kept_and_used(alices: Client, alice: User) -> None:
    assert alices.post("/settings/", CHOSEN)["Location"] == "/settings/"
    alice.refresh_from_db()
    assert {name: str(getattr(alice, name)) for name in CHOSEN} == CHOSEN
    html = alices.get("/settings/").content.decode()
    assert "Your settings are saved." in html
    assert '<option value="200" selected>' in html


def test_a_new_call_starts_with_the_chosen_languages(
    alices: Client, alice: User
) -> None:
    make_call(alice, caller_language="ja", callee_language="vi")
    alices.post("/settings/", {**CHOSEN, "callee_language": ""})
    form = alices.get("/").context["form"]
    assert form["caller_language"].value() == "vi"
    assert form["callee_language"].value() == "vi"  # of the last call


def test_captions_look_as_chosen_on_every_page(alices: Client, alice: User) -> None:
    alices.post("/settings/", CHOSEN)
    call = make_call(alice, status=Status.COMPLETED)
    call.utterances.create(
        utterance_id="u", leg="callee", original="네", translation="Yes", started_ms=0
    )
    html = alices.get(call.get_absolute_url()).content.decode()
    assert 'data-size="200" data-spacing="wide" data-colours="yellow"' in html
    assert '<ol id="captions" class="captions" data-show="translation">' in html
    live = make_call(alice, status=Status.IN_PROGRESS)
    assert 'data-size="200"' in alices.get(live.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "changes", [{"caption_size": "1000"}, {"caller_language": "xx"}]
)
def test_what_cannot_be_chosen_is_refused(
    alices: Client, alice: User, changes: dict[str, str]
) -> None:
    assert alices.post("/settings/", CHOSEN | changes).status_code == 422
    alice.refresh_from_db()
    assert alice.caption_size == 100


def test_strangers_have_no_settings(client: Client, db: None) -> None:
    for path in ("/settings/", "/settings/export.json", "/settings/delete/"):
        assert client.get(path).status_code == 302


# --- To take away --------------------------------------------------------------------


def test_everything_can_be_taken_away(alices: Client, alice: User) -> None:
    call = make_call(alice, status=Status.COMPLETED)
    call.utterances.create(
        utterance_id="u", leg="callee", original="네", translation="Yes", started_ms=0
    )
    make_call(make_user("bob"), status=Status.COMPLETED)
    Phrase.objects.create(owner=alice, text="Thank you", language="en")
    Contact.objects.create(owner=alice, name="Clinic", phone_number="+8225550102")
    chat = Conversation.objects.create(
        owner=alice, caller_language="en", callee_language="ko"
    )
    chat.messages.create(role="user", text="A table for two")
    chat.entities.create(name="people", value="two", normalised="2")
    chat.calls.add(call)
    response = alices.get("/settings/export.json")
    assert "attachment" in response["Content-Disposition"]
    body = json.loads(response.content)
    assert body["account"]["email"] == alice.email
    assert [row["text"] for row in body["phrases"]] == ["Thank you"]
    assert [row["id"] for row in body["calls"]] == [str(call.pk)]
    assert body["calls"][0]["utterances"][0]["original"] == "네"
    assert [row["name"] for row in body["directory"]] == ["Clinic"]
    [prepared] = body["conversations"]
    assert prepared["messages"][0]["text"] == "A table for two"
    assert prepared["known"] == {"people": "two"}
    assert prepared["calls"] == [str(call.pk)]
    assert "password" not in response.content.decode()


# --- The way out ---------------------------------------------------------------------


def test_an_account_goes_with_everything(
    alices: Client,
    alice: User,
    settings: Any,
    tmp_path: Path,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.MEDIA_ROOT = tmp_path
    call = make_call(alice, status=Status.COMPLETED)
    recording = Recording.objects.create(
        call=call, started_ms=0, ended_at=timezone.now()
    )
    path = recordings.path_of(recording.pk)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    Access.objects.create(
        call_key=call.pk, owner_email=alice.email, by_email="support@example.org"
    )
    html = alices.get("/settings/delete/").content.decode()
    assert "cannot be undone" in html
    assert "1 call, with all that was said" in html
    with django_capture_on_commit_callbacks(execute=True):
        answer = alices.post("/settings/delete/", {"proof": PASSWORD})
    assert answer["Location"] == "/"
    assert "Your account was deleted." in alices.get("/").content.decode()
    assert not User.objects.exists()
    assert not Call.objects.exists()
    assert not path.exists()
    assert Access.objects.exists()  # who looked is not forgotten


@pytest.mark.parametrize("proof", ["", "wrong", "alice@example.org"])
def test_a_slip_deletes_nothing(alices: Client, proof: str) -> None:
    answer = alices.post("/settings/delete/", {"proof": proof})
    assert answer.status_code == 422
    assert User.objects.exists()
    assert alices.get("/settings/").status_code == 200


def test_who_has_no_password_names_the_address(alices: Client, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    alices.force_login(alice)
    assert "e-mail address" in alices.get("/settings/delete/").content.decode()
    assert alices.post("/settings/delete/", {"proof": "x@y.z"}).status_code == 422
    alices.post("/settings/delete/", {"proof": " Alice@Example.org "})
    assert not User.objects.exists()


def test_a_call_that_goes_on_has_to_end_first(alices: Client, alice: User) -> None:
    make_call(alice, status=Status.IN_PROGRESS)
    answer = alices.post("/settings/delete/", {"proof": PASSWORD})
    assert answer.status_code == 422
    assert "Hang up first" in answer.content.decode()
    assert User.objects.exists()


# --- On a home screen ----------------------------------------------------------------


def test_the_manifest_is_complete_and_leads_to_files_that_are_there(
    client: Client, db: None
) -> None:
    page = client.get("/").content.decode()
    [address] = re.findall(r'<link rel="manifest" href="([^"]+)"', page)
    response = client.get(address)
    assert response["Content-Type"] == "application/manifest+json"
    manifest = response.json()
    assert {"name", "start_url", "display", "icons", "lang"} <= set(manifest)
    sizes = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} == sizes
    for icon in manifest["icons"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        assert path, icon
        png = Path(str(path)).read_bytes()
        assert png.startswith(b"\x89PNG")
        side = int(icon["sizes"].split("x")[0])
        assert int.from_bytes(png[16:20]) == int.from_bytes(png[20:24]) == side
    korean = client.get(address, headers={"Accept-Language": "ko"}).json()
    assert korean["lang"] == "ko"


def test_the_worker_keeps_the_offline_page_and_nothing_of_anybody(
    client: Client, db: None
) -> None:
    response = client.get("/sw.js")
    assert response["Content-Type"].startswith("text/javascript")
    assert response["Cache-Control"] == "no-cache"
    text = response.content.decode()
    [kept] = re.findall(r"const KEPT = (\[.*?\]);", text)
    addresses = json.loads(kept)
    assert addresses[0] == "/offline/"
    for address in addresses[1:]:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/")), address
    # The only way into its store is what is listed.
    assert "cache.put" not in text
    assert text.count("addAll") == 1


def test_the_offline_page_needs_nobody_and_nothing(client: Client, db: None) -> None:
    response = client.get("/offline/")
    html = response.content.decode()
    assert "No internet connection" in html
    assert "인터넷에 연결되어 있지 않습니다" in html
    assert "Set-Cookie" not in response
    for address in re.findall(r'(?:src|href)="(/static/[^"#]+)', html):
        assert finders.find(address.removeprefix("/static/")), address


def test_every_page_registers_the_worker(alices: Client) -> None:
    assert "js/pwa.js" in alices.get("/").content.decode()
    policy = alices.get("/")["Content-Security-Policy"]
    assert "worker-src 'self'" in policy

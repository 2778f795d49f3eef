"""What stops the server, and how it says so."""

import os
import subprocess
import sys
from typing import Any

import pytest

from wigvo.checks import NEEDED_TO_CALL, missing_provider_settings
from wigvo.tests.environment import ROOT, without_settings

pytestmark = pytest.mark.slow

PRODUCTION = {
    "SECRET_KEY": "aB3-xYz9_Q" * 7,
    "ALLOWED_HOSTS": "wigvo.example",
    "PUBLIC_BASE_URL": "https://wigvo.example",
    "OPENAI_API_KEY": "key",
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM_NUMBER": "+12025550100",
}


def run(*command: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run Python with production's settings, changed; None takes one away."""
    environment = without_settings(dict(os.environ)) | PRODUCTION
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""


def test_the_server_starts_with_everything_it_needs() -> None:
    done = run("-c", "import wigvo.asgi")
    assert done.returncode == 0, done.stderr
    assert "PUBLIC_BASE_URL" not in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", *NEEDED_TO_CALL])
def test_a_missing_setting_stops_the_server_and_is_named(name: str) -> None:
    done = run("-c", "import wigvo.asgi", **{name: None})
    assert done.returncode != 0
    assert f"Set {name}" in last_line(done.stderr)


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "OPENAI_API_KEY"])
def test_a_missing_setting_fails_the_deploy_check(name: str) -> None:
    done = run("manage.py", "check", "--deploy", **{name: None})
    assert done.returncode != 0
    assert f"Set {name}" in done.stderr


@pytest.mark.parametrize("database", [None, "postgres://wigvo:x@127.0.0.1:5432/wigvo"])
def test_the_deploy_check_is_clean_in_production(database: str | None) -> None:
    done = run(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        DATABASE_URL=database,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_deploy_check_warns_about_an_unencrypted_address() -> None:
    done = run("manage.py", "check", "--deploy", PUBLIC_BASE_URL="http://10.0.0.1")
    assert done.returncode == 0
    assert "PUBLIC_BASE_URL is not https" in done.stderr


def test_the_server_starts_unencrypted_with_a_logged_warning() -> None:
    done = run("-c", "import wigvo.asgi", PUBLIC_BASE_URL="http://10.0.0.1")
    assert done.returncode == 0, done.stderr
    assert "PUBLIC_BASE_URL is not https" in done.stderr


def test_the_deploy_check_refuses_the_demo() -> None:
    done = run("manage.py", "check", "--deploy", DEMO="1")
    assert "Unset DEMO" in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize("name", NEEDED_TO_CALL)
def test_one_missing_provider_setting_is_named_alone(name: str, settings: Any) -> None:
    for setting in NEEDED_TO_CALL:
        setattr(settings, setting, "" if setting == name else "set")
    assert str(missing_provider_settings()).startswith(f"Set {name}: without it")


def test_several_missing_provider_settings_are_named_together(settings: Any) -> None:
    for setting in NEEDED_TO_CALL:
        setattr(settings, setting, "")
    assert str(missing_provider_settings()).startswith(
        "Set OPENAI_API_KEY, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN"
        " and TWILIO_FROM_NUMBER: without them"
    )


def test_other_commands_need_no_provider() -> None:
    keys = dict.fromkeys(NEEDED_TO_CALL)
    done = run("manage.py", "check", **keys)
    assert done.returncode == 0, done.stderr


def test_a_secret_may_live_in_a_file(tmp_path: object) -> None:
    path = f"{tmp_path}/key"
    with open(path, "w") as file:
        file.write("from-a-file\n")
    done = run(
        "-c",
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'wigvo.settings'\n"
        "from django.conf import settings; print(repr(settings.OPENAI_API_KEY))",
        OPENAI_API_KEY=None,
        OPENAI_API_KEY_FILE=path,
    )
    assert done.stdout.strip() == "'from-a-file'", done.stderr

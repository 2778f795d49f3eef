"""The environment of a test run, set before Django reads its settings.

Imported by `wigvo.tests.settings` first.  Nothing of a developer's .env or
shell gets in: a test never reaches a real provider and never touches their database.
"""

import os

from wigvo.stack import BASE_DIR, setting_names

ROOT = BASE_DIR

DATABASE_URL = os.environ.get("WIGVO_TEST_DATABASE_URL", "")
REDIS_URL = os.environ.get("WIGVO_TEST_REDIS_URL", "")


def without_settings(environment: dict[str, str]) -> dict[str, str]:
    """Copy an environment without WIGVO's own variables, and let no .env in."""
    names = setting_names()
    names |= {f"{name}_FILE" for name in names}
    kept = {name: value for name, value in environment.items() if name not in names}
    return kept | {"ENV_FILE": ""}


def _redis_of_this_worker(url: str) -> str:
    """Give each xdist worker a Redis database of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return f"{url.rstrip('/')}/{int(worker.removeprefix('gw')) + 1}" if url else ""


for _name in setting_names() | {f"{name}_FILE" for name in setting_names()}:
    os.environ.pop(_name, None)
os.environ.update(
    {
        "ENV_FILE": "",
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "DEMO": "1",
        # Nobody listens there, also while a demo runs on this machine.
        "LAB_URL": "http://127.0.0.1:9",
        "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "EMAIL_URL": "memorymail://",
    }
)
if DATABASE_URL:
    os.environ["DATABASE_URL"] = DATABASE_URL
if REDIS_URL:
    os.environ["REDIS_URL"] = _redis_of_this_worker(REDIS_URL)

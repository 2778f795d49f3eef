"""The API document: complete, unchanged by accident, and readable without a CDN."""

import json
import re
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from wigvo.api import api

COMMITTED = settings.BASE_DIR / "docs" / "openapi.json"
UPDATE = (
    "If the change is meant: DEBUG=1 python manage.py export_openapi_schema"
    " --api wigvo.api_urls.api --sorted --indent 2 --output docs/openapi.json"
)

ENDPOINTS = {
    "/api/calls": {"get", "post"},
    "/api/calls/opening": {"post"},
    "/api/calls/{call_id}": {"get"},
    "/api/calls/{call_id}/recording": {"get", "delete"},
    "/api/calls/{call_id}/rehearse": {"post"},
    "/api/calls/{call_id}/start": {"post"},
    "/api/calls/{call_id}/end": {"post"},
    "/relay/calls/start": {"post"},
    "/relay/calls/{call_id}/end": {"post"},
    "/api/phrases": {"get", "post"},
    "/api/phrases/{phrase_id}": {"get", "patch", "delete"},
    "/api/places": {"get"},
    "/api/directory": {"get", "post"},
    "/api/directory/{contact_id}": {"patch", "delete"},
    "/api/chat": {"post"},
    "/api/conversations": {"get", "post"},
    "/api/conversations/scenarios": {"get"},
    "/api/conversations/{conversation_id}": {"get", "patch", "delete"},
    "/api/conversations/{conversation_id}/duplicate": {"post"},
}


def document() -> dict[str, Any]:
    response = Client().get("/api/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_it_is_the_committed_one() -> None:
    assert document() == json.loads(COMMITTED.read_text()), UPDATE


def test_it_has_the_contracts_endpoints() -> None:
    paths = document()["paths"]
    found = {path: set(methods) for path, methods in paths.items()}
    assert found == ENDPOINTS


def test_every_operation_is_described_with_its_errors_and_needs_a_login() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (path, method)
            errors = {code for code in operation["responses"] if code >= "400"}
            assert errors >= {"401", "422"}, (path, method)
            assert operation["security"] == [
                {"SessionToken": []},
                {"BrowserSession": []},
            ]


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    names = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert names <= set(document()["components"]["schemas"])


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() -> None:
    response = Client().get("/api/docs")
    assert response.status_code == 200
    html = response.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert sources
    for source in sources:
        assert source.startswith("/static/"), source
        assert finders.find(source.removeprefix("/static/")), source
    scripts = re.findall(r"<script([^>]*)>", html)
    assert all("src=" in tag or "application/json" in tag for tag in scripts)
    assert "<style" not in html
    assert not re.search(r"\son\w+=", html)
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy.split("; ")
    assert "unsafe" not in policy


def test_the_api_names_one_version() -> None:
    assert document()["info"]["version"] == api.version

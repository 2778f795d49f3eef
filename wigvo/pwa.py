"""The app on a home screen: manifest, service worker, and a page for when offline.

The service worker keeps that page and what it looks like, and nothing else: no call, no
answer of the API, no page of a person is ever stored on a device by us.
"""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

ICONS = (
    ("img/icon-192.png", "192x192", "any"),
    ("img/icon-512.png", "512x512", "any"),
    ("img/icon-maskable-512.png", "512x512", "maskable"),
)
KEPT = ("css/site.css", "vendor/pico.min.css", "img/favicon.svg", "img/icons.svg")
"""What the offline page is made of."""


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Describe the app to whoever installs it, in their language."""
    described: dict[str, Any] = {
        "id": "/",
        "name": "WIGVO",
        "short_name": "WIGVO",
        "description": _("Telephone calls across languages, interpreted live."),
        "lang": translation.get_language(),
        "start_url": reverse("calls:new"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f7f5f0",
        "theme_color": "#155f4d",
        "icons": [
            {"src": static(path), "sizes": size, "type": "image/png", "purpose": use}
            for path, size, use in ICONS
        ],
        "shortcuts": [
            {"name": _("New call"), "url": reverse("calls:new")},
            {"name": _("History"), "url": reverse("calls:history")},
        ],
    }
    response = JsonResponse(described, json_dumps_params={"ensure_ascii": False})
    response["Content-Type"] = "application/manifest+json"
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Say that there is no connection, in both languages: it is kept as it is."""
    return render(request, "wigvo/offline.html")


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Send the service worker, with the addresses of what it keeps.

    They hold the hashes of the files, so a release that changes one of them is a new
    worker, which keeps the new ones.
    """
    kept = [reverse("offline"), *map(static, KEPT)]
    text = render(
        request,
        "wigvo/sw.js",
        {"kept": json.dumps(kept), "offline": json.dumps(kept[0])},
        content_type="text/javascript",
    )
    text["Cache-Control"] = "no-cache"
    return text

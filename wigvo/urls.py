"""The site map."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from realtime import pages
from realtime.opening import preview
from wigvo import account_views, health, pwa

# The admin has no door of its own: its login would ask for a password and nothing else.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("calls.urls")),
    path("chat/", include("chat.urls")),
    path("directory/", include("places.urls")),
    path("opening/", pages.opening, name="opening"),
    path("opening/sound/", preview.sound, name="opening_sound"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("sw.js", pwa.worker, name="worker"),
    path("offline/", pwa.offline, name="offline"),
    path("settings/", account_views.settings, name="settings"),
    path("settings/export.json", account_views.export, name="export_account"),
    path("settings/delete/", account_views.delete, name="delete_account"),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("twilio/", include("calls.webhook_urls")),
    path("health", health.alive),
    path("health/ready", health.ready),
    path("", include("wigvo.api_urls")),  # last: it claims the root for its name
]

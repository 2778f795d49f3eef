"""The site map."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from wigvo import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("calls.urls")),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("twilio/", include("calls.webhook_urls")),
    path("health", health.alive),
    path("health/ready", health.ready),
    path("", include("wigvo.api_urls")),  # last: it claims the root for its name
]

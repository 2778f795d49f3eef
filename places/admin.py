"""What place searches have answered, for support."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from places.models import PlaceSearchCache

if TYPE_CHECKING:
    CachePages = admin.ModelAdmin[PlaceSearchCache]
else:  # Django's own classes take no parameters
    CachePages = admin.ModelAdmin


@admin.register(PlaceSearchCache)
class PlaceSearchCacheAdmin(CachePages):
    """An answer can be deleted, so that it is asked for again; not changed."""

    list_display = ("query", "expires_at")
    search_fields = ("query",)
    readonly_fields = ("query", "results", "expires_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

"""The pages of the directory."""

from django.urls import path

from places import directory_views

app_name = "places"
urlpatterns = [
    path("", directory_views.index, name="directory"),
    path("add/", directory_views.add, name="add"),
    path("restore/", directory_views.restore, name="restore"),
    path("keep/<uuid:call_id>/", directory_views.keep, name="keep"),
    path("<uuid:contact_id>/", directory_views.edit, name="edit"),
    path("<uuid:contact_id>/call/", directory_views.call, name="call"),
    path("<uuid:contact_id>/star/", directory_views.star, name="star"),
    path("<uuid:contact_id>/remove/", directory_views.remove, name="remove"),
]

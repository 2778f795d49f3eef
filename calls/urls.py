"""The pages of a call."""

from django.urls import path

from calls import phrase_views, views

app_name = "calls"
urlpatterns = [
    path("", views.new, name="new"),
    path("number/", views.number, name="number"),
    path("calls/", views.history, name="history"),
    path("calls/<uuid:call_id>/", views.detail, name="detail"),
    path(
        "calls/<uuid:call_id>/recording/delete/",
        views.delete_recording,
        name="delete_recording",
    ),
    path("phrases/", phrase_views.index, name="phrases"),
    path("phrases/add/", phrase_views.add, name="add_phrase"),
    path("phrases/restore/", phrase_views.restore, name="restore_phrase"),
    path("phrases/<uuid:phrase_id>/", phrase_views.edit, name="edit_phrase"),
    path("phrases/<uuid:phrase_id>/move/", phrase_views.move, name="move_phrase"),
    path("phrases/<uuid:phrase_id>/delete/", phrase_views.delete, name="delete_phrase"),
]

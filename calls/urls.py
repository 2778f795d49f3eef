"""The pages of a call."""

from django.urls import path

from calls import (
    after_views,
    helper_views,
    introduction_views,
    phrase_views,
    views,
)

app_name = "calls"
urlpatterns = [
    path("", views.new, name="new"),
    path("number/", views.number, name="number"),
    path("calls/", views.history, name="history"),
    path("calls/<uuid:call_id>/", views.detail, name="detail"),
    path("calls/<uuid:call_id>/rehearse/", views.rehearse, name="rehearse"),
    path("calls/<uuid:call_id>/type/", views.type_instead, name="type_instead"),
    path(
        "calls/<uuid:call_id>/recording/delete/",
        views.delete_recording,
        name="delete_recording",
    ),
    path("calls/<uuid:call_id>/helpers/", helper_views.create, name="add_helper"),
    path(
        "calls/<uuid:call_id>/helpers/<uuid:link_id>/revoke/",
        helper_views.revoke,
        name="revoke_helper",
    ),
    path(
        "calls/<uuid:call_id>/captions/before/<slug:element_id>/",
        helper_views.earlier,
        name="earlier",
    ),
    path("watch/", helper_views.watch, name="watch"),
    path("introduction/", introduction_views.introduction, name="introduction"),
    path("calls/<uuid:call_id>/report/", after_views.report, name="report"),
    path(
        "calls/<uuid:call_id>/appointment-<int:n>.ics",
        after_views.appointment,
        name="appointment",
    ),
    path("calls/<uuid:call_id>/waveform/", after_views.waveform, name="waveform"),
    path("calls/<uuid:call_id>/delete/", after_views.delete, name="delete"),
    path(
        "calls/<uuid:call_id>/export.json",
        after_views.export,
        {"form": "json"},
        name="export_json",
    ),
    path(
        "calls/<uuid:call_id>/export.txt",
        after_views.export,
        {"form": "txt"},
        name="export_text",
    ),
    path(
        "calls/<uuid:call_id>/captions/<str:utterance_id>/",
        after_views.caption,
        name="caption",
    ),
    path(
        "calls/<uuid:call_id>/captions/<str:utterance_id>/correct/",
        after_views.correct,
        name="correct",
    ),
    path("phrases/", phrase_views.index, name="phrases"),
    path("phrases/add/", phrase_views.add, name="add_phrase"),
    path("phrases/restore/", phrase_views.restore, name="restore_phrase"),
    path("phrases/<uuid:phrase_id>/", phrase_views.edit, name="edit_phrase"),
    path("phrases/<uuid:phrase_id>/move/", phrase_views.move, name="move_phrase"),
    path("phrases/<uuid:phrase_id>/delete/", phrase_views.delete, name="delete_phrase"),
]

"""The pages of a call."""

from django.urls import path

from calls import views

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
]

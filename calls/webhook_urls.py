"""Twilio's addresses, below /twilio/ (contract section 4)."""

from django.urls import path

from calls import webhooks

app_name = "twilio"

urlpatterns = [
    path("voice/<uuid:call_id>", webhooks.voice, name="voice"),
    path("incoming", webhooks.incoming, name="incoming"),
    path("incoming/status", webhooks.incoming_status, name="incoming_status"),
    path("transferred/<uuid:call_id>", webhooks.transferred, name="transferred"),
    path("status/<uuid:call_id>", webhooks.status, name="status"),
    path("amd/<uuid:call_id>", webhooks.amd, name="amd"),
    path("resume/<uuid:call_id>", webhooks.resume, name="resume"),
    path("recording/<uuid:call_id>", webhooks.recording, name="recording"),
]

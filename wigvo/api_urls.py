"""The REST API's addresses: /api/… and /relay/… .

Included last and at the root, because one API document describes both.
"""

from django.urls import path

from calls.api import router as calls_router
from calls.phrases_api import router as phrases_router
from chat.api import chat_router, conversations_router
from places.api import router as places_router
from places.directory_api import router as directory_router
from realtime.api import calls_router as starting_router
from realtime.api import relay_router
from wigvo.api import api

api.add_router("/api/calls", calls_router)
api.add_router("/api/calls", starting_router)
api.add_router("/relay/calls", relay_router)
api.add_router("/api/phrases", phrases_router)
api.add_router("/api/conversations", conversations_router)
api.add_router("/api/chat", chat_router)
api.add_router("/api/places", places_router)
api.add_router("/api/directory", directory_router)

urlpatterns = [path("", api.urls)]

"""The addresses of the simulated API."""

from typing import Final

from starlette.routing import BaseRoute, Route, WebSocketRoute

from lab.openai import rest
from lab.openai.realtime import realtime
from lab.openai.translations import translations

routes: Final[list[BaseRoute]] = [
    Route("/audio/transcriptions", rest.transcriptions, methods=["POST"]),
    Route("/models", rest.list_models, methods=["GET"]),
    Route("/models/{model}", rest.get_model, methods=["GET"]),
    Route("/moderations", rest.moderations, methods=["POST"]),
    Route("/responses", rest.responses, methods=["POST"]),
    WebSocketRoute("/realtime", realtime),
    WebSocketRoute("/realtime/translations", translations),
]

"""The lab as one ASGI application: every simulated provider behind one address."""

import contextlib
import html
import ipaddress
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lab import naver
from lab.config import LabConfig
from lab.control import Control, Engines
from lab.people import Script, load_people
from lab.telephone.exchange import Exchange, MakeEars
from lab.telephone.handset import Ears, Phrases, Voice
from lab.telephone.rest import CallsApi

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>WIGVO lab</title>
<h1>WIGVO lab</h1>
<p>This is a simulation with a phrasebook, not an interpreter.
Nobody is called: these telephones are scripted people, their voices are synthesised,
and the &ldquo;engine&rdquo; only recognises the phrases in its book.</p>
<table border="1" cellpadding="4">
<tr><th>Number</th><th>Who</th><th>What happens</th></tr>
{rows}
</table>
<p><a href="/lab/calls">Calls</a> · <a href="/lab/people">People</a> ·
<a href="/lab/lines">Lines</a> · <a href="/lab/faults">Faults</a> ·
<a href="/lab/engines">Engines</a></p>
</html>
"""


class LoopbackOnly:
    """Refuse everybody who is not on this machine, and pages of foreign hosts.

    Args:
        app: what is protected.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests and sockets from the loopback address."""
        if scope["type"] in ("http", "websocket") and not _is_local(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            message = "The lab answers this machine only."
            await PlainTextResponse(message, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _is_local(scope: Scope) -> bool:
    """Tell whether peer and Host header are this machine (no DNS rebinding)."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    client = scope.get("client")
    if not client:
        return False
    return _is_loopback(client[0]) and _is_loopback(name.strip("[]"))


@dataclass(frozen=True, slots=True)
class Speech:
    """What the people speak and hear with.

    Attributes:
        voice: speaks.
        phrases: the texts.
        make_ears: makes the ears of one person.
    """

    voice: Voice
    phrases: Phrases
    make_ears: MakeEars


class _BookPhrases:
    def __init__(self, book: Any) -> None:
        self._book = book

    def text(self, phrase_id: str, language: str) -> str:
        text: str = self._book[phrase_id].texts[language]
        return text


def real_speech() -> Speech:
    """Build the synthesiser and the phrasebook matcher."""
    from lab.speech.listener import Listener
    from lab.speech.shared import matcher, synthesiser

    ear = matcher()
    ear.prepare()
    # The first match loads parts of numpy: not in the middle of a call.
    ear.match(np.random.default_rng(1).normal(0, 1000, 4000).astype(np.int16))

    def make_ears(languages: tuple[str, ...]) -> Ears:
        return Listener(ear, languages=frozenset(languages))

    return Speech(synthesiser(), _BookPhrases(ear.phrasebook), make_ears)


def create_app(
    config: LabConfig,
    *,
    speech: Speech | None = None,
    people: Mapping[str, Script] | None = None,
    with_engines: bool = True,
) -> Starlette:
    """Build the lab.

    Args:
        config: its address and credentials.
        speech: voices and ears; default: the synthesiser and the phrasebook matcher.
        people: the number table; default: `lab/people/*.yaml`.
        with_engines: whether the simulated engines are there as well.

    Raises:
        ValueError: somebody's line is none.
        CodecUnavailable: somebody's line needs a codec that is not installed.
    """
    people = load_people() if people is None else people
    speech = speech or real_speech()
    exchange = Exchange(
        config,
        people=people,
        voice=speech.voice,
        make_ears=speech.make_ears,
        phrases=speech.phrases,
    )
    engine_routes: list[BaseRoute] = []
    engines: Engines | None = None
    if with_engines:
        engine_routes, engines = _engines(config)
    control = Control(exchange, engines)

    async def index(request: Request) -> HTMLResponse:
        rows = "\n".join(
            f"<tr><td>{html.escape(script.number)}</td>"
            f"<td>{html.escape(script.name.get('en', script.id))}</td>"
            f"<td>{html.escape(script.description)}</td></tr>"
            for script in people.values()
        )
        return HTMLResponse(PAGE.format(rows=rows))

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with exchange.running():
            yield

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/health", health),
            Mount("/twilio", routes=CallsApi(exchange).routes()),
            Mount("/naver", routes=naver.routes(config, people)),
            Mount("/lab", routes=control.routes()),
            Mount("/openai/v1", routes=engine_routes),
        ],
        exception_handlers={HTTPException: _error},
        lifespan=lifespan,
    )
    app.add_middleware(LoopbackOnly)
    app.state.exchange = exchange
    return app


def _engines(config: LabConfig) -> tuple[list[BaseRoute], Engines]:
    """Return the simulated engines' routes and state."""
    from lab.openai import routes
    from lab.openai.state import state

    state.api_key = config.openai_api_key
    return routes, state


async def _error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return JSONResponse({"error": error.detail}, error.status_code)

"""Starting and ending a call over REST: where the web meets the media plane."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import BaseModel, Field, StringConstraints

from calls import openings, tickets
from calls.api import (
    IDEMPOTENCY_HEADER,
    CallIn,
    CallOut,
    CallStartedOut,
    StreamOut,
    call_out,
    call_started_out,
    create_once,
    idempotency_key,
)
from calls.models import Call
from calls.services import CallRefused
from realtime import registry, services
from realtime.engines.choice import supports
from realtime.pages import heard_first
from wigvo.api import FAILURES, ApiRequest, ErrorOut, async_auth
from wigvo.database import in_database
from wigvo.models import User

CODES = FAILURES | {502, 503}

calls_router = Router(tags=["calls"], auth=async_auth)
relay_router = Router(tags=["relay"], auth=async_auth)


def _find(user: User, call_id: UUID) -> Call:
    """Look a call up; a stranger's does not exist.  Raises: Call.DoesNotExist."""
    return Call.objects.for_user(user).get(pk=call_id)


def _started(user: User, call_id: UUID) -> CallStartedOut:
    """Show a started call, with a fresh ticket.  Raises: CallRefused: it is over."""
    call = _find(user, call_id)
    if call.is_over:
        raise CallRefused("call_over")
    ticket, expires_at = tickets.issue_ticket(call.pk, user.pk)
    return call_started_out(call, _stream(call, ticket, expires_at))


def _stream(call: Call, ticket: str, expires_at: datetime) -> StreamOut:
    base = (call.node_url or settings.RELAY_NODE_URL).replace("http", "ws", 1)
    return StreamOut(
        url=f"{base}/relay/calls/{call.pk}/stream",
        ticket=ticket,
        expires_at=expires_at,
    )


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


async def _start(request: ApiRequest, call_id: UUID) -> CallStartedOut:
    user = request.auth
    await in_database(_find, user, call_id)
    await registry.start(call_id, user, _address(request))
    return await in_database(_started, user, call_id)


async def _end(request: ApiRequest, call_id: UUID) -> CallOut:
    call = await in_database(_find, request.auth, call_id)
    if not call.is_over and not await registry.end(call_id, "hung_up_by_caller"):
        await in_database(services.end_without_session, call_id, "hung_up_by_caller")
    return await in_database(_show, request.auth, call_id)


def _show(user: User, call_id: UUID) -> CallOut:
    return call_out(_find(user, call_id))


@calls_router.post(
    "/{uuid:call_id}/start", response={200: CallStartedOut, CODES: ErrorOut}
)
async def start_call(request: ApiRequest, call_id: UUID) -> Any:
    """Dial, and say where the caller's socket is.

    Asked again while the call lives, it dials no second time and hands out a fresh
    ticket: this is how a client comes back.
    """
    return await _start(request, call_id)


@calls_router.post("/{uuid:call_id}/end", response={200: CallOut, CODES: ErrorOut})
async def end_call(request: ApiRequest, call_id: UUID) -> Any:
    """Hang up.  Ending a call that is over changes nothing."""
    return await _end(request, call_id)


Phrase = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class OpeningIn(BaseModel):
    """How a caller wants to be introduced; nothing of it is stored."""

    caller_language: str = Field(description="ISO 639-1", examples=["en"])
    callee_language: str = Field(description="ISO 639-1", examples=["ko"])
    mode: Literal["voice", "captions", "text", "agent"] = "voice"
    opening: Phrase = Field("", description="In your own words.")
    purpose: Phrase = Field(
        "", description="What it is about, said after your name or usual sentence."
    )


class OpeningOut(Schema):
    """What the other side will hear first."""

    opening: str = Field(description="For `POST /api/calls`.")
    text: str = Field(description="All of it, in the caller's language.")
    spoken: str = Field(
        description="The same as it will be said; empty where the assistant says it."
    )
    is_less: bool = Field(
        description="Your own words could not be translated well enough."
    )


@calls_router.post("/opening", response={200: OpeningOut, CODES: ErrorOut})
async def show_opening(request: ApiRequest, payload: OpeningIn) -> OpeningOut:
    """Say what the other side will hear first, before there is a call."""
    languages = payload.caller_language, payload.callee_language
    if not supports(payload.mode, *languages):
        raise CallRefused("unsupported_language")
    text = openings.clean(payload.opening) or openings.introduction(
        request.auth, *languages, payload.purpose
    )
    wanted = openings.Wanted(
        text, request.auth.name_as_spoken, payload.mode, *languages
    )
    heard = await heard_first(request.auth, wanted)
    return OpeningOut(
        opening=text, text=heard.text, spoken=heard.spoken, is_less=heard.is_less
    )


@relay_router.post(
    "/start",
    response={200: CallStartedOut, CODES: ErrorOut},
    openapi_extra={"parameters": [IDEMPOTENCY_HEADER]},
)
async def start_direct_call(request: ApiRequest, payload: CallIn) -> Any:
    """Create a call and start it, in one step.

    The header `Idempotency-Key` makes it safe to send again for 24 hours.
    """
    call = await in_database(
        create_once,
        request.auth,
        payload,
        key=idempotency_key(request),
        path=request.path,
    )
    return await _start(request, call.pk)


@relay_router.post("/{uuid:call_id}/end", response={200: CallOut, CODES: ErrorOut})
async def end_direct_call(request: ApiRequest, call_id: UUID) -> Any:
    """Hang up.  Ending a call that is over changes nothing."""
    return await _end(request, call_id)

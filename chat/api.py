"""Preparing a call over REST (contract section 2)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import BaseModel, Field, StringConstraints

from calls.api import CallIn
from chat import services
from chat.catalogue import catalogue
from chat.models import Conversation, Message
from chat.services import Snapshot
from chat.wording import Writer, written
from places.api import PlaceOut
from wigvo.api import FAILURES, ApiError, ApiRequest, ErrorOut
from wigvo.paging import MAX_PAGE, BadCursor, page

conversations_router = Router(tags=["conversations"])
chat_router = Router(tags=["conversations"])

Language = Annotated[str, StringConstraints(max_length=10)]
Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
Text = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
ModeName = Literal["voice", "captions", "text", "agent"]


class ConversationIn(BaseModel):
    """A call to be prepared."""

    scenario: Name = Field(
        default="",
        description="What it is about, if that is known: an id of"
        " `GET /api/conversations/scenarios`, or a whole kind of them.",
        examples=["reservation_restaurant"],
    )
    caller_language: Language = Field(description="ISO 639-1", examples=["en"])
    callee_language: Language = Field(description="ISO 639-1", examples=["ko"])
    mode: ModeName = "voice"
    time_zone: Name = Field(
        default="", description="Of the caller, IANA.", examples=["Asia/Seoul"]
    )


class ConversationPatch(BaseModel):
    """What is to be changed by hand; the rest stays."""

    scenario: Name | None = None
    caller_language: Language | None = None
    callee_language: Language | None = None
    mode: ModeName | None = None
    fallback: Literal["other_time", "ask_me", "give_up"] | None = None
    opening: Text | None = None
    collected: Annotated[dict[Name, Text], Field(max_length=50)] | None = Field(
        default=None, description="By field; an empty value clears it."
    )


class ChatIn(BaseModel):
    """A message of the user."""

    conversation_id: UUID
    message: Text


class MessageOut(Schema):
    """Something that was written."""

    id: int
    role: str = Field(description="`user` or `assistant`.")
    text: str
    created_at: datetime


class EntityOut(Schema):
    """Something that is known, and where from."""

    name: str
    label: str
    value: str = Field(description="As it was said.")
    normalised: str
    shown: str = Field(description="As people read it.")
    confidence: float
    message_id: int | None
    origin: Literal["message", "hand", "place"]


class ChatOut(Schema):
    """The answer to a message, and how far the conversation has got."""

    message: str
    collected: dict[str, str] = Field(
        description="By field: ISO 8601 for days and times, E.164 for numbers."
    )
    missing: list[str]
    is_complete: bool = Field(description="The user has seen it all and said yes.")
    places: list[PlaceOut] = Field(
        default_factory=list, description="To choose from, the likeliest first."
    )
    call_draft: CallIn | None = Field(
        default=None, description="A body for `POST /api/calls`."
    )


class ConversationOut(Schema):
    """A conversation, without its messages."""

    id: UUID
    scenario: str | None
    scenario_name: str
    phase: Literal["collecting", "confirming", "ready"]
    mode: str
    caller_language: str
    callee_language: str
    time_zone: str
    fallback: str
    opening: str
    message: str = Field(description="What the assistant wrote last.")
    is_without_model: bool = Field(
        description="No model could be asked: rules have read the last message."
    )
    call_ids: list[UUID]
    created_at: datetime
    updated_at: datetime


class ConversationDetailOut(ConversationOut):
    """A conversation and everything in it."""

    messages: list[MessageOut]
    collected: dict[str, str]
    entities: list[EntityOut]
    missing: list[str]
    is_complete: bool
    places: list[PlaceOut]
    call_draft: CallIn | None


class ConversationPage(Schema):
    """A page of conversations, newest first; `next` is the cursor of the next page."""

    items: list[ConversationOut]
    next: str | None


class FieldOut(Schema):
    """Something that a scenario finds out."""

    name: str
    type: str
    label: str
    question: str
    required: bool
    options: dict[str, str]


class ScenarioOut(Schema):
    """What a call can be about."""

    id: str
    kind: str
    name: str
    description: str
    fields: list[FieldOut]
    fallback: list[str]


def _collected(snapshot: Snapshot) -> dict[str, str]:
    return {name: one.normal for name, one in snapshot.state.entities.items()}


def _places(snapshot: Snapshot) -> list[PlaceOut]:
    if "callee_number" in snapshot.state.entities:
        return []
    return [
        PlaceOut(
            name=place.name,
            category=place.category,
            address=place.address,
            phone_number=place.phone_number or None,
            source=place.source,
        )
        for place in snapshot.state.places
    ]


def _draft(snapshot: Snapshot) -> CallIn | None:
    body = snapshot.call_draft if snapshot.is_complete else None
    return CallIn.model_validate(body) if body else None


def _chat_out(message: str, snapshot: Snapshot) -> ChatOut:
    fields: dict[str, Any] = {
        "message": message,
        "collected": _collected(snapshot),
        "missing": list(snapshot.missing),
        "is_complete": snapshot.is_complete,
    }
    if places := _places(snapshot):
        fields["places"] = places
    if body := _draft(snapshot):
        fields["call_draft"] = body
    return ChatOut(**fields)


def _fields(conversation: Conversation) -> dict[str, Any]:
    last = conversation.messages.filter(role=Message.Role.ASSISTANT).last()
    scenario = catalogue().scenarios.get(conversation.scenario)
    code = written(conversation.caller_language)
    return {
        "id": conversation.pk,
        "scenario": conversation.scenario or None,
        "scenario_name": scenario.name[code] if scenario else "",
        "phase": conversation.phase,
        "mode": conversation.mode,
        "caller_language": conversation.caller_language,
        "callee_language": conversation.callee_language,
        "time_zone": conversation.time_zone,
        "fallback": conversation.fallback or (scenario.fallback[0] if scenario else ""),
        "opening": conversation.opening,
        "message": last.text if last else "",
        "is_without_model": conversation.is_without_model,
        "call_ids": [call.pk for call in conversation.calls.all()],
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


def _detail_out(conversation: Conversation) -> ConversationDetailOut:
    conversation.refresh_from_db()
    snapshot = services.snapshot(conversation)
    code = written(conversation.caller_language)
    writer = Writer(catalogue(), code, services.now_of(conversation).date())
    return ConversationDetailOut(
        **_fields(conversation),
        messages=[
            MessageOut(
                id=one.pk, role=one.role, text=one.text, created_at=one.created_at
            )
            for one in conversation.messages.all()
        ],
        collected=_collected(snapshot),
        entities=[
            EntityOut(
                name=one.name,
                label=writer.label(one.name),
                value=one.said,
                normalised=one.normal,
                shown=writer.show(one.name, one.normal),
                confidence=one.confidence,
                message_id=one.source,
                origin=one.origin.value,
            )
            for one in snapshot.state.entities.values()
        ],
        missing=list(snapshot.missing),
        is_complete=snapshot.is_complete,
        places=_places(snapshot),
        call_draft=_draft(snapshot),
    )


@conversations_router.get(
    "/scenarios", response={200: list[ScenarioOut], FAILURES: ErrorOut}
)
def list_scenarios(
    request: ApiRequest, language: Annotated[str, Query(max_length=10)] = "en"
) -> list[ScenarioOut]:
    """List what a call can be about, and what is asked for it."""
    code = written(language)
    return [
        ScenarioOut(
            id=one.id,
            kind=one.kind,
            name=one.name[code],
            description=one.description[code],
            fields=[
                _field_out(name, code, required=name in one.required)
                for name in one.fields
            ],
            fallback=list(one.fallback),
        )
        for one in catalogue().scenarios.values()
    ]


def _field_out(name: str, code: str, *, required: bool) -> FieldOut:
    field = catalogue().fields[name]
    return FieldOut(
        name=name,
        type=field.type,
        label=field.label[code],
        question=field.question[code],
        required=required or name == "callee_number",
        options={one.id: one.label[code] for one in field.options},
    )


@conversations_router.get("", response={200: ConversationPage, FAILURES: ErrorOut})
def list_conversations(
    request: ApiRequest,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> ConversationPage:
    """List your conversations, newest first."""
    mine = Conversation.objects.for_user(request.auth)
    try:
        found, following = page(mine, cursor=cursor, limit=limit)
    except BadCursor as error:
        raise ApiError("bad_cursor", 422, "Use `next` of an earlier page.") from error
    items = [ConversationOut(**_fields(one)) for one in found]
    return ConversationPage(items=items, next=following)


@conversations_router.post(
    "", response={201: ConversationDetailOut, FAILURES: ErrorOut}
)
def begin(
    request: ApiRequest, payload: ConversationIn
) -> Status[ConversationDetailOut]:
    """Begin to prepare a call; `message` is the greeting."""
    conversation = services.begin(request.auth, **payload.model_dump())
    return Status(201, _detail_out(conversation))


@conversations_router.get(
    "/{uuid:conversation_id}", response={200: ConversationDetailOut, FAILURES: ErrorOut}
)
def show(request: ApiRequest, conversation_id: UUID) -> ConversationDetailOut:
    """Show a conversation with its messages and what is known."""
    return _detail_out(services.find(request.auth, conversation_id))


@conversations_router.patch(
    "/{uuid:conversation_id}", response={200: ConversationDetailOut, FAILURES: ErrorOut}
)
def change(
    request: ApiRequest, conversation_id: UUID, payload: ConversationPatch
) -> ConversationDetailOut:
    """Change by hand what is known, or how the call is held."""
    conversation = services.find(request.auth, conversation_id)
    changes = payload.model_dump(exclude_unset=True, exclude_none=True)
    collected = changes.pop("collected", None)
    if scenario := changes.pop("scenario", ""):
        services.change_scenario(conversation, scenario)
    if changes:
        services.change_settings(conversation, changes)
        conversation.refresh_from_db()
    if collected:
        wrong = services.enter(conversation, collected)
        if wrong:
            raise ApiError(
                "invalid", 422, f"Could not be read: {', '.join(sorted(wrong))}."
            )
    return _detail_out(conversation)


@conversations_router.delete(
    "/{uuid:conversation_id}", response={204: None, FAILURES: ErrorOut}
)
def delete(request: ApiRequest, conversation_id: UUID) -> Status[None]:
    """Delete a conversation with everything in it; calls made from it stay."""
    services.find(request.auth, conversation_id).delete()
    return Status(204, None)


@conversations_router.post(
    "/{uuid:conversation_id}/duplicate",
    response={201: ConversationDetailOut, FAILURES: ErrorOut},
)
def duplicate(
    request: ApiRequest, conversation_id: UUID
) -> Status[ConversationDetailOut]:
    """Begin another one with what is known in this one."""
    conversation = services.find(request.auth, conversation_id)
    return Status(201, _detail_out(services.duplicate(conversation)))


@chat_router.post("", response={200: ChatOut, FAILURES: ErrorOut}, exclude_unset=True)
def say(request: ApiRequest, payload: ChatIn) -> ChatOut:
    """Write a message and get the answer.

    As soon as `is_complete`, `call_draft` can be posted to `/api/calls` as it is.
    """
    conversation = services.find(request.auth, payload.conversation_id)
    message = services.note_down(conversation, payload.message)
    reply = services.converse(conversation, message)
    return _chat_out(reply, services.snapshot(conversation))

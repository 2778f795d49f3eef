"""Calls over REST (contract section 2).  Starting and ending one: `realtime.api`."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import BaseModel, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from calls import reasons, recordings, services
from calls.models import Call, CallEvent, Recording, Utterance
from calls.ranges import UnsatisfiableError, file_response
from calls.results import Result
from wigvo.api import FAILURES, ApiError, ApiRequest, ErrorOut, error_response
from wigvo.models import User
from wigvo.paging import MAX_PAGE, BadCursor, page

log = structlog.get_logger(__name__)
router = Router(tags=["calls"])

# PostgreSQL stores no NUL, so none is let in.
# What comes in is plain Pydantic: ninja's schemas also read attributes, and find the
# defaults in any text.
Line = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Paragraph = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]


Word = Annotated[
    str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]*$")
]


class Fact(BaseModel):
    """Something the assistant may tell the other side."""

    name: Word
    value: Line


class Question(BaseModel):
    """Something the assistant has to find out."""

    name: Word
    description: Line = ""
    required: bool = False


class Term(BaseModel):
    """A word to get right, and how to say it in the other language."""

    term: Word
    translation: Line | None = None


class Brief(BaseModel):
    """What a call is about."""

    goal: Paragraph = ""
    may_tell: Annotated[list[Fact], Field(max_length=50, default_factory=list)]
    must_learn: Annotated[list[Question], Field(max_length=50, default_factory=list)]
    limits: Annotated[list[Line], Field(max_length=50, default_factory=list)]
    fallback: Literal["other_time", "ask_me", "give_up"] | None = None
    glossary: Annotated[list[Term], Field(max_length=200, default_factory=list)]

    @field_validator("must_learn", "may_tell")
    @classmethod
    def _each_once(cls, rows: list[Any]) -> list[Any]:
        names = [row.name for row in rows]
        if len(names) != len(set(names)):
            raise PydanticCustomError("twice", "Each name may be there once.")
        return rows


class CallIn(BaseModel):
    """A call to be made."""

    to_number: Annotated[str, StringConstraints(max_length=40)] = Field(
        description="With + and country code.", examples=["+82 2 555 0101"]
    )
    mode: Literal["voice", "captions", "text", "agent"] = "voice"
    caller_language: Annotated[str, StringConstraints(max_length=10)] = Field(
        description="ISO 639-1", examples=["en"]
    )
    callee_language: Annotated[str, StringConstraints(max_length=10)] = Field(
        description="ISO 639-1", examples=["ko"]
    )
    callee_name: Annotated[
        str, StringConstraints(max_length=120, pattern=r"^[^\x00]*$")
    ] = ""
    brief: Brief | None = None
    opening: Paragraph = ""
    record: bool = False
    on_voicemail: Literal["hang_up", "leave_message"] = "hang_up"
    voicemail_message: Paragraph = ""


class CostOut(Schema):
    """What a call has cost so far."""

    usd: float
    minutes: float


class CostPartOut(Schema):
    """What one engine, or the telephone, has cost; an estimate."""

    engine: str = Field(description="A role of an engine, telephone or media_stream.")
    model: str
    usd: float | None = Field(description="Null: its price is not known.")
    minutes: float = Field(description="Of sound, where that is paid.")
    tokens: dict[str, int]


class CostDetailOut(CostOut):
    """What a call has cost so far, and for what."""

    parts: list[CostPartOut]


class CallOut(Schema):
    """A call, without what was said in it."""

    id: UUID
    status: str
    direction: str
    mode: str
    outcome: str
    answered_by: str
    reason: str = Field(description="Why it ended as it did; a code.")
    reason_text: str
    next_step: str
    to_number: str
    from_number: str
    callee_name: str
    caller_language: str
    callee_language: str
    record: bool
    on_voicemail: str
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    duration_s: int
    cost: CostOut


class UtteranceOut(Schema):
    """One stretch of speech; times count from the first media frame."""

    utterance_id: str
    leg: str
    original: str
    translation: str
    started_ms: int
    ended_ms: int | None
    uncertain: list[Any]
    fate: str


class EventOut(Schema):
    """Something that happened."""

    kind: str
    at: datetime
    data: dict[str, Any]


class RecordingOut(Schema):
    """How a call's recording stands."""

    state: Literal["none", "planned", "missing", "running", "recorded", "deleted"]
    text: str
    url: str | None = Field(description="Where it can be heard, if it can.")
    started_ms: int | None = Field(description="On the same clock as utterances.")
    duration_ms: int | None
    deleted_at: datetime | None


class FactOut(Schema):
    """Something that the other side has told the assistant."""

    name: str
    value: str
    utterance_id: str = Field(description="In which utterance; empty if unknown.")


class AppointmentOut(Schema):
    """Something that was agreed, on the calendar of the other side."""

    what: str
    date: str = Field(description="YYYY-MM-DD")
    time: str = Field(description="HH:MM, 24 hours")
    name: str
    reference: str
    note: str
    utterance_id: str


class CallbackOut(Schema):
    """Somebody calls again."""

    who: str = Field(description="`owner`: ours, or `callee`: they.")
    when: str
    reason: str
    date: str | None
    time: str | None
    utterance_id: str


class QuestionOut(Schema):
    """What the assistant has asked its owner during the call."""

    text: str
    answer: str | None


class ResultOut(Schema):
    """What came of a call that the assistant made."""

    reason: str = Field(description="Why it ended, in the assistant's words.")
    facts: list[FactOut]
    appointments: list[AppointmentOut]
    callbacks: list[CallbackOut]
    questions: list[QuestionOut]
    open_points: list[str]


class CallDetailOut(CallOut):
    """A call and everything known about it."""

    cost: CostDetailOut
    brief: dict[str, Any]
    opening: str
    voicemail_message: str
    summary: str
    result: ResultOut | None = Field(description="Where the assistant was at work.")
    utterances: list[UtteranceOut]
    latency: dict[str, Any]
    recovery_events: list[EventOut]
    guardrail_events: list[EventOut]
    recording: RecordingOut


class StreamOut(Schema):
    """Where the caller's socket is opened, and with what."""

    url: str
    ticket: str
    expires_at: datetime


class CallStartedOut(CallOut):
    """A call that has been started, or is going on."""

    stream: StreamOut


class CallPage(Schema):
    """A page of calls, newest first; `next` is the cursor of the following page."""

    items: list[CallOut]
    next: str | None


def call_fields(call: Call) -> dict[str, Any]:
    """Say what `CallOut` says about a call."""
    why = reasons.explain(call.reason)
    return {
        "id": call.pk,
        "status": call.status,
        "direction": call.direction,
        "mode": call.mode,
        "outcome": call.outcome,
        "answered_by": call.answered_by,
        "reason": call.reason,
        "reason_text": str(why.sentence),
        "next_step": str(why.next_step),
        "to_number": str(call.to_number),
        "from_number": str(call.from_number or ""),
        "callee_name": call.callee_name,
        "caller_language": call.caller_language,
        "callee_language": call.callee_language,
        "record": call.record,
        "on_voicemail": call.on_voicemail,
        "created_at": call.created_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "duration_s": call.duration_s,
        "cost": {
            "usd": float(call.cost_usd),
            "minutes": round(call.duration_s / 60, 2),
        },
    }


def call_out(call: Call) -> CallOut:
    """Show a call."""
    return CallOut(**call_fields(call))


def call_started_out(call: Call, stream: StreamOut) -> CallStartedOut:
    """Show a call and where to join it."""
    return CallStartedOut(**call_fields(call), stream=stream)


def call_detail_out(call: Call) -> CallDetailOut:
    """Show a call and what happened in it."""
    events = list(call.events.filter(kind__in=["recovery", "guardrail"]))
    fields = call_fields(call)
    fields["cost"]["parts"] = [_cost_part_out(part) for part in call.cost_parts]
    return CallDetailOut(
        **fields,
        brief=call.brief,
        opening=call.opening,
        voicemail_message=call.voicemail_message,
        summary=call.summary,
        result=ResultOut(**asdict(result)) if (result := Result.of(call)) else None,
        utterances=[_utterance_out(u) for u in call.utterances.all()],
        latency=call.latency,
        recovery_events=[_event_out(e) for e in events if e.kind == "recovery"],
        guardrail_events=[_event_out(e) for e in events if e.kind == "guardrail"],
        recording=_recording_out(call),
    )


def _cost_part_out(part: Mapping[str, Any]) -> CostPartOut:
    return CostPartOut(
        engine=part["engine"],
        model=part["model"],
        usd=part["usd"],
        minutes=round(part["seconds"] / 60, 2),
        tokens=part["tokens"],
    )


def _utterance_out(utterance: Utterance) -> UtteranceOut:
    return UtteranceOut(
        utterance_id=utterance.utterance_id,
        leg=utterance.leg,
        original=utterance.original,
        translation=utterance.translation,
        started_ms=utterance.started_ms,
        ended_ms=utterance.ended_ms,
        uncertain=utterance.uncertain,
        fate=utterance.fate,
    )


def _recording_out(call: Call) -> RecordingOut:
    state = recordings.state_of(call)
    row = state.recording
    return RecordingOut(
        state=state.name,
        text=state.sentence,
        url=f"/api/calls/{call.pk}/recording" if state.is_audible else None,
        started_ms=row.started_ms if row else None,
        duration_ms=row.duration_ms if row else None,
        deleted_at=row.deleted_at if row else None,
    )


def _event_out(event: CallEvent) -> EventOut:
    return EventOut(kind=event.kind, at=event.at, data=event.data)


def create_once(user: User, payload: CallIn, *, key: str, path: str) -> Call:
    """Create a call, at most once per Idempotency-Key (empty: no key).

    Args:
        user: Whose call it is.
        payload: What was asked for.
        key: The header Idempotency-Key.
        path: Where it was asked; a key belongs to one address.

    Raises: CallRefused.
    """
    body = payload.model_dump(mode="json", exclude_unset=True)

    def create() -> Call:
        fields = payload.model_dump(exclude={"brief"})
        brief = payload.brief.model_dump(exclude_unset=True) if payload.brief else {}
        return services.create_call(owner=user, brief=brief, **fields)

    call, _ = services.once(user, key, {"path": path, "body": body}, create)
    return call


def idempotency_key(request: HttpRequest) -> str:
    """Return the request's Idempotency-Key; empty if there is none."""
    return request.headers.get("Idempotency-Key", "").strip()


@router.get("", response={200: CallPage, FAILURES: ErrorOut})
def list_calls(
    request: ApiRequest,
    live: bool = False,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> CallPage:
    """List your calls, newest first; `live=1` leaves out drafts and what is over."""
    calls = Call.objects.for_user(request.auth)
    try:
        found, following = page(
            calls.live() if live else calls, cursor=cursor, limit=limit
        )
    except BadCursor as error:
        raise ApiError("bad_cursor", 422, "Use `next` of an earlier page.") from error
    return CallPage(items=[call_out(call) for call in found], next=following)


IDEMPOTENCY_HEADER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": services.MAX_KEY_LENGTH},
}
"""Documents what `idempotency_key` reads: `openapi_extra={"parameters": […]}`."""


@router.post(
    "",
    response={201: CallOut, FAILURES: ErrorOut},
    openapi_extra={"parameters": [IDEMPOTENCY_HEADER]},
)
def create_call(request: ApiRequest, payload: CallIn) -> Status[CallOut]:
    """Note down a call; it is dialled when it is started.

    The header `Idempotency-Key` makes it safe to send again for 24 hours.
    """
    call = create_once(
        request.auth, payload, key=idempotency_key(request), path=request.path
    )
    return Status(201, call_out(call))


@router.get("/{uuid:call_id}", response={200: CallDetailOut, FAILURES: ErrorOut})
def show_call(request: ApiRequest, call_id: UUID) -> CallDetailOut:
    """Show a call with what was said and what happened in it."""
    return call_detail_out(Call.objects.for_user(request.auth).get(pk=call_id))


AUDIO: dict[str, Any] = {
    "responses": {
        code: {
            "description": text,
            "content": {"audio/wav": {"schema": {"type": "string"}}},
        }
        for code, text in ((200, "The whole recording"), (206, "A part of it"))
    }
}


@router.api_operation(["HEAD"], "/{uuid:call_id}/recording", include_in_schema=False)
@router.get(
    "/{uuid:call_id}/recording",
    response={200: None, FAILURES: ErrorOut},
    openapi_extra=AUDIO,
)
def hear_recording(request: ApiRequest, call_id: UUID) -> HttpResponseBase:
    """Send a call's recording, or the range of it that was asked for.

    WAV, 8 kHz: on the left what the other side heard, on the right what they said.
    For the call's owner and for staff.
    """
    recording = recordings.audible_to(request.auth, call_id)
    if not recording.is_audible:
        raise ApiError("recording_not_ready", 409, "It is still being recorded.")
    try:
        response = file_response(
            request,
            recordings.path_of(recording.pk),
            content_type="audio/wav",
            filename=f"call-{recording.started_at:%Y-%m-%d-%H%M}.wav",
            etag=f"{recording.pk.hex}-{recording.duration_ms}",
        )
    except FileNotFoundError:
        log.error("recording_file_missing", call_id=str(call_id))
        raise Http404 from None
    except UnsatisfiableError as error:
        refusal = error_response("range_not_satisfiable", 416, "There is no such part.")
        refusal["Content-Range"] = error.content_range
        return refusal
    recordings.note_heard(recording, request.auth)
    return response


@router.delete(
    "/{uuid:call_id}/recording",
    response={204: None, FAILURES: ErrorOut},
)
def delete_recording(request: ApiRequest, call_id: UUID) -> Status[None]:
    """Delete a call's recording for good; ends it if the call is going on."""
    recording = recordings.audible_to(request.auth, call_id)
    is_mine = recording.call.owner_id == request.auth.pk
    by = Recording.DeletedBy.OWNER if is_mine else Recording.DeletedBy.STAFF
    recordings.delete(recording.pk, by=by)
    return Status(204, None)

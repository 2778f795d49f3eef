"""Calls over REST (contract section 2).  Starting and ending one: `realtime.api`."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema
from ninja.responses import Status
from pydantic import BaseModel, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from calls import reasons, recordings, rehearsals, services
from calls.corrections import as_corrected
from calls.history import MAX_QUERY, Wanted, narrow
from calls.models import (
    Call,
    CallEvent,
    Direction,
    Mode,
    Outcome,
    Recording,
    Utterance,
)
from calls.models import Status as CallStatus
from calls.ranges import UnsatisfiableError, file_response
from calls.reports import Report
from calls.results import Result
from calls.told import proof_of
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
    conversation_id: UUID | None = Field(
        default=None, description="What prepared the call: `POST /api/conversations`."
    )
    callee_name: Annotated[
        str, StringConstraints(max_length=120, pattern=r"^[^\x00]*$")
    ] = ""
    brief: Brief | None = None
    opening: Paragraph = Field(
        "",
        description=(
            "Who calls and why, said first and followed by what the AI says of itself;"
            " in the caller's language, or in the callee's. Empty: as you usually"
            " introduce yourself."
        ),
        examples=["This is Minsu Kim. I would like to change an appointment."],
    )
    record: bool = False
    on_voicemail: Literal["hang_up", "leave_message"] = "hang_up"
    voicemail_message: Paragraph = Field(
        "", description="Empty: your opening, and that you will call again."
    )


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
    from_number: str = Field(description="Of an incoming call: empty if withheld.")
    line_id: UUID | None = Field(description="Which of our lines was called.")
    is_rehearsal: bool = Field(description="The other side is played by an AI.")
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


class CorrectionOut(Schema):
    """How a caption was put right."""

    part: str = Field(description="`original` or `translation`.")
    before: str
    text: str
    at: datetime


class UtteranceOut(Schema):
    """One stretch of speech, as corrected; times count from the first media frame."""

    utterance_id: str
    leg: str
    original: str
    translation: str
    started_ms: int
    ended_ms: int | None
    uncertain: list[Any]
    fate: str
    latency_ms: int | None = Field(
        description="From the end of the speech to the first sound of its translation."
    )
    corrections: list[CorrectionOut]


class EventOut(Schema):
    """Something that happened."""

    kind: str
    at: datetime
    data: dict[str, Any]


class RecordingOut(Schema):
    """How a call's recording stands."""

    state: recordings.StateName
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


class MessageOut(Schema):
    """A message that somebody has left with the assistant."""

    name: str
    number: str = Field(description="As it was said, or where they called from.")
    message: str
    urgency: Literal["low", "normal", "high"]
    utterance_id: str


class QuestionOut(Schema):
    """What the assistant has asked its owner during the call."""

    text: str
    answer: str | None


class ResultOut(Schema):
    """What came of a call that the assistant made."""

    reason: str = Field(description="Why it ended, in the assistant's words.")
    transfer: str = Field(description="Why they were put through, if they were.")
    facts: list[FactOut]
    appointments: list[AppointmentOut]
    callbacks: list[CallbackOut]
    messages: list[MessageOut]
    questions: list[QuestionOut]
    open_points: list[str]


class SaidOut(Schema):
    """Something that came of a call, and in which utterances it was said."""

    utterance_ids: list[str]


class AgreedOut(SaidOut):
    """An appointment."""

    title: str
    starts_at: str = Field(
        description="ISO 8601, on the clock of the other side; a date if `is_all_day`."
    )
    is_all_day: bool
    place: str
    note: str


class NumberOut(SaidOut):
    """Something to be remembered to the letter."""

    what: str
    value: str


class OpenPointOut(SaidOut):
    """Something still to be done or to be found out."""

    text: str


class ReportOut(Schema):
    """What came of a call: what its assistant noted, then what its summary adds."""

    state: Literal["none", "pending", "retrying", "done", "failed"]
    why_not: str = Field(description="Why there is no summary, in words.")
    appointments: list[AgreedOut]
    numbers: list[NumberOut]
    open_points: list[OpenPointOut]
    time_zone: str = Field(description="Of the other side; empty if it is not known.")
    dropped: int = Field(
        description="Items left out: nothing that was said bears them."
    )
    is_doubtful: bool = Field(description="The summary says a number that nobody said.")


class ToldOut(Schema):
    """A sentence of the system's own, or the assistant's first, that was heard."""

    line: str = Field(description="Which sentence; `agent`: the assistant's first.")
    text: str
    language: str
    started_ms: int | None
    ended_ms: int
    heard_ms: int
    length_ms: int | None
    is_complete: bool


class ConsentOut(Schema):
    """Whether the other side let the call be recorded."""

    answer: str = Field(description="`yes`, `no`, `went_on` or `none`.")
    asked_ms: int | None
    at_ms: int | None
    utterance_id: str = Field(description="In which utterance; empty: in none.")


class CallDetailOut(CallOut):
    """A call and everything known about it."""

    cost: CostDetailOut
    brief: dict[str, Any]
    opening: str
    voicemail_message: str
    summary: str
    report: ReportOut
    result: ResultOut | None = Field(description="Where the assistant was at work.")
    utterances: list[UtteranceOut]
    latency: dict[str, Any]
    recovery_events: list[EventOut]
    guardrail_events: list[EventOut]
    recording: RecordingOut
    told: list[ToldOut] = Field(description="What the other side was told, and when.")
    recording_consent: ConsentOut | None


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
        "line_id": call.line_id,
        "is_rehearsal": call.is_rehearsal,
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
    proof = proof_of(call)
    fields = call_fields(call)
    fields["cost"]["parts"] = [_cost_part_out(part) for part in call.cost_parts]
    return CallDetailOut(
        **fields,
        brief=call.brief,
        opening=call.opening,
        voicemail_message=call.voicemail_message,
        summary=call.summary,
        report=_report_out(Report.of(call)),
        result=ResultOut(**asdict(result)) if (result := Result.of(call)) else None,
        utterances=[_utterance_out(u) for u in as_corrected(call)],
        latency=call.latency,
        recovery_events=[_event_out(e) for e in events if e.kind == "recovery"],
        guardrail_events=[_event_out(e) for e in events if e.kind == "guardrail"],
        recording=_recording_out(call),
        told=[ToldOut(**asdict(told)) for told in proof.told],
        recording_consent=ConsentOut(**asdict(c)) if (c := proof.consent) else None,
    )


def _report_out(report: Report) -> ReportOut:
    return ReportOut(
        state=report.state,
        why_not=str(report.why_not),
        appointments=[AgreedOut(**asdict(r.item)) for r in report.appointments],
        numbers=[NumberOut(**asdict(row.item)) for row in report.numbers],
        open_points=[OpenPointOut(**asdict(row.item)) for row in report.open_points],
        time_zone=report.zone,
        dropped=report.dropped,
        is_doubtful=report.is_doubtful,
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
        latency_ms=utterance.latency_ms,
        corrections=[
            CorrectionOut(part=row.part, before=row.before, text=row.text, at=row.at)
            for row in utterance.corrected
        ],
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

    Raises: CallRefused; ObjectDoesNotExist: the conversation is somebody else's.
    """
    body = payload.model_dump(mode="json", exclude_unset=True)

    def create() -> Call:
        fields = payload.model_dump(exclude={"brief", "conversation_id"})
        brief = payload.brief.model_dump(exclude_unset=True) if payload.brief else {}
        with transaction.atomic():
            call = services.create_call(owner=user, brief=brief, **fields)
            if payload.conversation_id:
                _link(call, user, payload.conversation_id)
        return call

    call, _ = services.once(user, key, {"path": path, "body": body}, create)
    return call


def _link(call: Call, user: User, conversation_id: UUID) -> None:
    """Note which conversation has prepared a call; a stranger's does not exist."""
    conversations = call.conversations.model._default_manager.filter(owner=user)
    call.conversations.add(conversations.get(pk=conversation_id))


def idempotency_key(request: HttpRequest) -> str:
    """Return the request's Idempotency-Key; empty if there is none."""
    return request.headers.get("Idempotency-Key", "").strip()


class CallFilter(BaseModel):
    """Which calls are looked for; what is left out does not matter."""

    q: Annotated[str, StringConstraints(max_length=MAX_QUERY)] = Field(
        default="", description="In what was said, the name, the summary, the number."
    )
    status: Literal[tuple(CallStatus)] | None = None  # type: ignore[valid-type]
    outcome: Literal[tuple(Outcome)] | None = None  # type: ignore[valid-type]
    mode: Literal[tuple(Mode)] | None = None  # type: ignore[valid-type]
    direction: Literal[tuple(Direction)] | None = None  # type: ignore[valid-type]
    language: Annotated[str, StringConstraints(max_length=2)] = Field(
        default="", description="Of either side, ISO 639-1."
    )
    since: date | None = Field(default=None, description="The first day, in UTC.")
    until: date | None = Field(default=None, description="The last day, in UTC.")

    @property
    def wanted(self) -> Wanted:
        """Return the same for `calls.history`."""
        said = self.model_dump(exclude_none=True, exclude={"q"})
        return Wanted(query=self.q, **said)


@router.get("", response={200: CallPage, FAILURES: ErrorOut})
def list_calls(
    request: ApiRequest,
    only: Annotated[CallFilter, Query()],
    live: bool = False,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> CallPage:
    """List your calls, newest first; `live=1` leaves out drafts and what is over."""
    calls = narrow(Call.objects.for_user(request.auth), only.wanted)
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


@router.post("/{uuid:call_id}/rehearse", response={201: CallOut, FAILURES: ErrorOut})
def rehearse_call(request: ApiRequest, call_id: UUID) -> Status[CallOut]:
    """Make a rehearsal of a call: start it, and an AI plays the other side.

    Nothing is dialled; its sockets are those of any call.
    """
    call = Call.objects.for_user(request.auth).get(pk=call_id)
    return Status(201, call_out(rehearsals.rehearse(call)))


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

"""What the telephone company tells and asks us (contract section 4).

Signed, posted, small; everything else is turned away.  Each view is one idempotent
step: Twilio repeats a request that it got no answer to, and sends some out of order.
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from calls import reasons, reception, services, tasks, twilio
from calls.models import LIVE, Call, Direction, Outcome, Status
from calls.spoken import Sentence, say
from wigvo.celery import run_task

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024
"""A real one has about 1 KB."""

MAX_RESUMES_PER_MINUTE = 6
"""A call whose media stream breaks more often than this is not worth its price."""

Webhook = Callable[..., HttpResponse]


def webhook(view: Webhook) -> Webhook:
    """Let only what Twilio has signed reach a view."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest, **kwargs: UUID) -> HttpResponse:
        if len(request.body) > MAX_BODY_BYTES:
            return HttpResponse(status=413)
        if not twilio.http_signature_is_valid(request):
            log.warning("webhook_unsigned", path_name=view.__name__)
            return HttpResponse(status=403)
        return view(request, **kwargs)

    return checked


def _twiml(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml; charset=utf-8")


def _done() -> HttpResponse:
    return HttpResponse(status=204)


def _find(request: HttpRequest, call_id: UUID) -> Call | None:
    """Find the call that a webhook is about, if it really is about it.

    The answer to our own "create" may still be on its way when the first webhook
    arrives; then this is where the CallSid is learned.
    """
    call = Call.objects.filter(pk=call_id).first()
    sid = request.POST.get("CallSid", "")
    if call is None or not sid:
        log.warning("webhook_for_no_call", call_id=str(call_id))
        return None
    if call.twilio_sid is None and call.status != Status.DRAFT:
        services.record_dialled(call_id, sid=sid)
        call.refresh_from_db()
    if call.twilio_sid != sid:
        log.warning("webhook_for_another_sid", call_id=str(call_id))
        return None
    return call


@webhook
def voice(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Say what happens now that the number we called has picked up."""
    call = _find(request, call_id)
    if call is None or call.is_over:
        return _twiml(twilio.hangup_twiml())
    services.record_status(call_id, Status.IN_PROGRESS, source="voice")
    return _twiml(twilio.stream_twiml(call, request.POST["CallSid"]))


_OUTGOING_ONLY = (
    ("ko-KR", "이 번호는 발신 전용이라 전화를 받을 수 없습니다. 감사합니다."),
    ("en-US", "This number only makes calls and cannot answer them. Goodbye."),
)


@webhook
def incoming(request: HttpRequest) -> HttpResponse:
    """Answer a call to one of our numbers; no provider is asked before that."""
    sid = request.POST.get("CallSid", "")
    if not sid:
        return _twiml(twilio.hangup_twiml())
    received = reception.receive(
        sid=sid,
        to=request.POST.get("To", ""),
        from_number=request.POST.get("From", ""),
    )
    match received:
        case reception.Received(reply=reception.Reply.CONNECT, call=Call() as call):
            return _twiml(twilio.stream_twiml(call, sid))
        case reception.Received(reply=reception.Reply.REFUSED, call=Call() as call):
            sorry = say(Sentence.FULL, call.callee_language)
            return _twiml(twilio.hangup_twiml(sorry))
        case reception.Received(reply=reception.Reply.NO_LINE):
            return _twiml(twilio.hangup_twiml(*_OUTGOING_ONLY))
    return _twiml(twilio.hangup_twiml())


@webhook
def incoming_status(request: HttpRequest) -> HttpResponse:
    """Note how a call to one of our numbers stands; found by Twilio's name for it.

    A number need not have this callback: without it the end of a call is learned from
    its stream, and by asking.
    """
    sid = request.POST.get("CallSid", "")
    inbound = Call.objects.filter(direction=Direction.INBOUND)
    call = inbound.filter(twilio_sid=sid).first() if sid else None
    new = twilio.STATUS.get(request.POST.get("CallStatus", ""))
    if call is not None and new is not None:
        services.record_status(
            call.pk,
            new,
            sequence=_number(request, "SequenceNumber"),
            source="twilio",
            duration_s=_number(request, "CallDuration") or 0,
        )
    return _done()


_REACHED = frozenset({"completed", "answered"})
"""`DialCallStatus` of somebody who was put through."""


@webhook
def transferred(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Say what happens after somebody was put through, or could not be."""
    call = _find(request, call_id)
    if call is None:
        return _twiml(twilio.hangup_twiml())
    is_connected = request.POST.get("DialCallStatus", "") in _REACHED
    reception.record_transfer(call_id, is_connected=is_connected)
    if is_connected:
        return _twiml(twilio.hangup_twiml())
    sorry = say(Sentence.NOT_REACHED, call.callee_language)
    return _twiml(twilio.hangup_twiml(sorry))


@webhook
def status(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Note how the telephone call stands."""
    call = _find(request, call_id)
    new = twilio.STATUS.get(request.POST.get("CallStatus", ""))
    if call is None or new is None:
        return _done()
    sequence = _number(request, "SequenceNumber")
    is_news = sequence is None or sequence > call.last_sequence
    services.record_status(
        call_id,
        new,
        sequence=sequence,
        reason=_reason(request, new),
        source="twilio",
        duration_s=_number(request, "CallDuration") or 0,
    )
    if call.is_over and new in LIVE and is_news:
        # We gave this call up, and it was dialled all the same.
        run_task(tasks.hang_up, request.POST["CallSid"])
    return _done()


@webhook
def amd(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Store whether a person or a machine picked up."""
    if _find(request, call_id) is not None:
        verdict = twilio.answered_by(request.POST.get("AnsweredBy", ""))
        services.set_answered_by(call_id, verdict)
    return _done()


@webhook
def resume(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Say what happens after a media stream: another one, if the call goes on."""
    call = _find(request, call_id)
    if call is None or not call.is_live:
        return _twiml(twilio.hangup_twiml())
    is_ours = services.is_restreaming(call_id)
    if not is_ours and (
        services.count_in_minute(f"resume:{call_id}") > MAX_RESUMES_PER_MINUTE
    ):
        services.record_status(
            call_id,
            Status.FAILED,
            reason="media_lost",
            outcome=Outcome.PARTIAL,
            source="resume",
        )
        return _twiml(twilio.hangup_twiml())
    services.append_event(call_id, "resumed")
    return _twiml(twilio.stream_twiml(call, request.POST["CallSid"]))


@webhook
def recording(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Note that a recording of the call exists."""
    if _find(request, call_id) is not None:
        services.append_event(
            call_id,
            "recording",
            {
                "sid": request.POST.get("RecordingSid", "")[:34],
                "status": request.POST.get("RecordingStatus", "")[:20],
                "duration_s": _number(request, "RecordingDuration"),
            },
        )
    return _done()


def _number(request: HttpRequest, name: str) -> int | None:
    value = request.POST.get(name, "")
    return (
        int(value) if value.isascii() and value.isdigit() and len(value) < 9 else None
    )


def _reason(request: HttpRequest, new: Status) -> str:
    return reasons.of_ended_call(
        new.value,
        error_code=_number(request, "ErrorCode"),
        sip_code=_number(request, "SipResponseCode"),
    )

"""The few things that the bridge asks of the database, each one short transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from calls import letters, phrases, reception, recordings, summaries, tickets, zones
from calls import services as calls
from calls import twilio as telephone
from calls.models import (
    Call,
    CallEvent,
    OnVoicemail,
    Phrase,
    ReceptionLine,
    Status,
    Utterance,
)
from calls.recordings import Plan
from calls.spoken import Sentence, say
from realtime import actions as act
from realtime.agent.brief import Brief
from realtime.agent.messages import Role, Said
from realtime.agent.seat import AgentPlan
from realtime.config import AgentConfig, CallConfig, LifeConfig
from realtime.engines.choice import EngineKind, engine_for
from realtime.engines.voice import VOICE
from realtime.events import Leg
from realtime.guards.names import Term, terms_of
from realtime.reception.incoming import Reception
from wigvo.models import User
from wigvo.notify import notify

MOST_PREPARED: Final = 24
"""Saved phrases that are spoken before anybody asks for them: twice the starter set."""
HANDED_BACK_AFTER_S: Final = 10
"""An owner who has taken a call to us over and is gone so long has handed it back."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the media plane needs to know of a call."""

    call_id: UUID
    owner_id: int
    status: str
    node_url: str
    twilio_sid: str
    config: CallConfig
    first_number: int
    recording: Plan
    keywords: tuple[str, ...]
    """Names and words that may be said, for whatever writes them down."""
    glossary: tuple[dict[str, str], ...] = ()
    """Terms of the brief, and how they are to be translated."""
    brief: Mapping[str, Any] = field(default_factory=dict)
    """What the call is about."""
    opening: str = ""
    """Who calls and why, in the caller's own words; said first."""
    caller_name: str = ""
    """As it is to be spoken."""
    plan: AgentPlan | None = None
    """What an agent could do in this call."""
    is_new: bool = False
    """Somebody calls us, and nothing of their call has been heard yet."""
    callee_name: str = ""
    is_rehearsal: bool = False
    """A session plays the callee; nobody is called."""

    @property
    def voice(self) -> str:
        """What the agent and our own sentences are spoken with."""
        reception = self.plan.reception if self.plan else None
        return (reception.voice if reception else "") or VOICE

    @property
    def is_live(self) -> bool:
        return self.status in (Status.QUEUED, Status.RINGING, Status.IN_PROGRESS)


def facts_of(call: Call) -> CallFacts:
    """Gather what the media plane needs, also of a call that is taken up again."""
    start_ms = 0
    first_number = 1
    recording = recordings.plan_of(call)
    is_new = call.is_inbound and not _has_streamed(call)
    if call.status == Status.IN_PROGRESS and not is_new:
        last = Utterance.objects.filter(call=call).order_by("-started_ms").first()
        spoken_ms = (last.ended_ms or last.started_ms) if last else 0
        start_ms = max(call.duration_s * 1000, spoken_ms) // 20 * 20
        first_number = Utterance.objects.filter(call=call).count() + 1001
    return CallFacts(
        call_id=call.pk,
        owner_id=call.owner_id,
        status=call.status,
        node_url=call.node_url,
        twilio_sid=call.twilio_sid or "",
        first_number=first_number,
        recording=recording,
        keywords=_keywords(call),
        glossary=tuple(call.brief.get("glossary", ())),
        brief=call.brief,
        opening=call.opening,
        caller_name=call.owner.name_as_spoken,
        plan=_plan(call, is_taken_up=start_ms > 0),
        is_new=is_new,
        callee_name=call.callee_name,
        is_rehearsal=call.is_rehearsal,
        config=CallConfig(
            call_id=str(call.pk),
            caller_language=call.caller_language,
            callee_language=call.callee_language,
            is_recorded=recording.is_wanted,
            tells_of_recording=recording.is_wanted and recording.started_ms is None,
            mode=call.mode,
            is_inbound=call.is_inbound,
            caller_engine=engine_for(
                call.caller_language,
                call.callee_language,
                EngineKind(settings.CALLER_ENGINE),
            ),
            callee_engine=engine_for(
                call.callee_language,
                call.caller_language,
                EngineKind(settings.CALLEE_ENGINE),
            ),
            start_ms=start_ms,
            terms=_terms(call),
            voicemail_message=_voicemail_message(call),
            agent=_patience(call),
            life=_life(call),
        ),
    )


def _has_streamed(call: Call) -> bool:
    return CallEvent.objects.filter(call=call, kind="stream_started").exists()


def _life(call: Call) -> LifeConfig:
    limit_s, grace_s = settings.CALL_MAX_SECONDS, settings.CALLER_GRACE_SECONDS
    if call.is_inbound:
        limit_s = min(limit_s, call.brief["reception"]["max_seconds"])
        # Nobody waits a minute for an owner who is gone: the agent goes on.
        grace_s = min(grace_s, HANDED_BACK_AFTER_S)
    return LifeConfig(max_call_ms=limit_s * 1000, caller_grace_ms=grace_s * 1000)


def _patience(call: Call) -> AgentConfig:
    """Whoever calls us is not waited for: they have called, so we speak."""
    return AgentConfig(opening_wait_ms=0) if call.is_inbound else AgentConfig()


def _terms(call: Call) -> tuple[Term, ...]:
    name = call.callee_name
    called = (Term(name, is_name=True),) if name else ()
    return (*called, *terms_of(call.brief))


def _plan(call: Call, *, is_taken_up: bool) -> AgentPlan | None:
    """Read what an agent could do, if anybody has written it down."""
    brief = Brief.from_json(call.brief)
    said = _conversation(call) if is_taken_up else ()
    result = call.result if is_taken_up else {}
    about = call.brief.get("reception")
    if about is not None:
        zone = ZoneInfo(about["time_zone"])
        today = f"{timezone.localtime(timezone=zone):%Y-%m-%d %A, %H:%M}"
        return AgentPlan(
            brief, today, Reception.from_json(about), said=said, result=result
        )
    if not brief.goal.strip():
        return None
    return AgentPlan(
        brief,
        _today(call),
        said=said,
        result=result,
    )


def _today(call: Call) -> str:
    """Say what day it is where the callee is, and what time if their number tells."""
    zone = zones.zone_of(call)
    if zone is None:
        # One day off at the most; what is agreed is read back with its date.
        return f"{timezone.localdate():%Y-%m-%d %A}"
    return f"{timezone.localtime(timezone=zone):%Y-%m-%d %A, %H:%M}"


def _conversation(call: Call) -> tuple[Said, ...]:
    """Return the conversation so far, as the agent would have heard it."""
    is_one = call.caller_language == call.callee_language
    rows = Utterance.objects.filter(call=call).order_by("-started_ms")
    newest = list(rows[: AgentConfig().kept_utterances])
    said = []
    for row in reversed(newest):
        is_interpreted = row.leg == Leg.CALLER and not is_one
        text = row.translation if is_interpreted else row.original
        role: Role = "user" if row.leg == Leg.CALLEE else "assistant"
        if text:
            said.append(Said(role, row.utterance_id, text))
    return tuple(said)


def _keywords(call: Call) -> tuple[str, ...]:
    """Gather what the brief names; words are data, whatever else they say."""
    glossary = [entry["term"] for entry in call.brief.get("glossary", ())]
    facts = [entry["value"] for entry in call.brief.get("may_tell", ())]
    return tuple(filter(None, (call.callee_name, *glossary, *facts)))


def _voicemail_message(call: Call) -> str:
    leaves_message = call.on_voicemail == OnVoicemail.LEAVE_MESSAGE
    return call.voicemail_message if leaves_message else ""


def find_call(call_id: UUID) -> CallFacts | None:
    """Look a call up by its id, for those who have proved themselves otherwise."""
    call = Call.objects.filter(pk=call_id).first()
    return None if call is None else facts_of(call)


def find_call_of(call_id: UUID, user_id: int) -> CallFacts | None:
    """Look a call up for a person; a stranger's call does not exist."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    call = Call.objects.for_user(user).filter(pk=call_id).first()
    return None if call is None else facts_of(call)


def redeem_ticket(ticket: str, call_id: UUID) -> int | None:
    """Use a caller's ticket up; the person it was made for, or None."""
    return tickets.redeem_ticket(ticket, call_id)


def redeem_stream(token: str, call_id: UUID, call_sid: str) -> CallFacts | None:
    """Use a stream's token up; the live call it opens, or None."""
    if not tickets.redeem_stream_token(token, call_id, call_sid):
        return None
    calls.record_dialled(call_id, sid=call_sid)
    # A stream is proof of a pickup, even if Twilio's word of it is still under way.
    calls.record_status(call_id, Status.IN_PROGRESS, source="stream")
    return find_call(call_id)


def claim(call_id: UUID, user: User, address: str) -> tuple[CallFacts, bool]:
    """Move a draft to queued; see `calls.services.claim`."""
    call, must_dial = calls.claim(
        call_id, user=user, node_url=settings.RELAY_NODE_URL, address=address
    )
    return facts_of(call), must_dial


def rehearse_status(call_id: UUID, status: Status) -> None:
    """Move a rehearsal on, as the telephone company's word would a call."""
    calls.record_status(call_id, status, source="rehearsal")


def is_wanted(call_id: UUID) -> bool:
    """Say whether nobody has ended the call while its engines were opened."""
    return Call.objects.live().filter(pk=call_id).exists()


def dial(call_id: UUID) -> str:
    """Ask the telephone company to call; the sid."""
    return telephone.dial(Call.objects.get(pk=call_id))


def store_dialled(call_id: UUID, sid: str) -> bool:
    """Store the telephone company's name for the call; False if it is over already."""
    return calls.record_dialled(call_id, sid=sid)


def hang_up(call_id: UUID) -> bool:
    """End the telephone call, if there is one; whether one was known."""
    sid = Call.objects.values_list("twilio_sid", flat=True).get(pk=call_id)
    if not sid:
        return False
    telephone.hang_up(sid)
    return True


def send_digits(call_id: UUID, digits: str, patience_ms: int) -> None:
    """Have keys pressed on the telephone; what they are is nobody's business later.

    Raises:
        ValueError: they are no keys.
        TelephoneRefused: they were not pressed, or nobody knows (UNREACHABLE).
    """
    call = Call.objects.get(pk=call_id)
    calls.begin_restream(call_id, patience_ms / 1000)
    telephone.send_digits(call, digits)
    calls.append_event(call_id, "keys_pressed", {"n": len(digits.replace("w", ""))})


def leave(call_id: UUID, why: str) -> None:
    """Have a telephone call go on without us: put through, or with an apology.

    Args:
        call_id: an incoming call.
        why: of `actions.LeaveCall`.

    Raises:
        TelephoneRefused: it does not; with UNREACHABLE nobody knows.
        LookupError: there is nowhere to put anybody through to.
        CallRefused: to that number nobody may be put through any more.
    """
    call = Call.objects.select_related("line").get(pk=call_id)
    if why == "transfer":
        number = str(call.line.transfer_number or "") if call.line else ""
        if not number:
            raise LookupError("no number")
        document = telephone.transfer_twiml(call, calls.check_number(number))
    else:
        sorry = say(Sentence.UNAVAILABLE, call.callee_language)
        document = telephone.hangup_twiml(sorry)
    telephone.go_on_with(call.twilio_sid or "", document)
    calls.append_event(call_id, "left", {"why": why})


def limit_telephone(facts: CallFacts) -> None:
    """Have Twilio end a call to us in time, should this process not be there."""
    slack_s = 30
    limit_s = facts.config.life.max_call_ms // 1000 + slack_s
    telephone.limit(facts.twilio_sid, limit_s)


def admit(parameter: str, call_sid: str) -> CallFacts | None:
    """Let a stream in that a document kept at Twilio has opened (contract section 4).

    Args:
        parameter: `<line id>.<secret>`.
        call_sid: Twilio's name for the call, as the stream has it.

    Returns:
        the call that it becomes; None if it is not let in.
    """
    line = reception.line_of(parameter)
    if line is None:
        return None
    try:
        resource = telephone.fetch_incoming(call_sid)
    except telephone.TelephoneRefused:
        return None  # what nobody vouches for is not let in
    if resource is None or not _is_call_to(resource, line):
        return None
    received = reception.admit(
        line, sid=call_sid, from_number=str(resource.get("from", ""))
    )
    call = received.call
    if call is None or not received.is_new:
        return None  # it has streamed before, or has come in by the other way
    if received.reply is not reception.Reply.CONNECT:
        sorry = say(Sentence.FULL, call.callee_language)
        telephone.go_on_with(call_sid, telephone.hangup_twiml(sorry))
        return None
    return facts_of(call)


def _is_call_to(resource: dict[str, Any], line: ReceptionLine) -> bool:
    """Say whether a telephone call is going on that somebody makes to this line."""
    return (
        telephone.STATUS.get(str(resource.get("status"))) == Status.IN_PROGRESS
        and str(resource.get("direction")) == "inbound"
        and str(resource.get("to")) == str(line.number)
    )


def store_answered_by(call_id: UUID, kind: str) -> None:
    """Keep who picked up, as the relay itself has found out."""
    calls.set_answered_by(call_id, kind, source="relay")


def end_without_session(call_id: UUID, reason: str) -> None:
    """End a call that has no session in this process: a draft, or another node's."""
    call = Call.objects.get(pk=call_id)
    if call.is_over:
        return
    notify(call_id, {"kind": "end", "by": reason})
    if call.twilio_sid:
        telephone.hang_up(call.twilio_sid)
    was_answered = call.status == Status.IN_PROGRESS
    status = Status.COMPLETED if was_answered else Status.CANCELED
    calls.finish(call_id, status=status, reason=reason)


def check_telephone(call_id: UUID) -> str:
    """Ask how the telephone call stands; resume it if it lives.  Returns its status."""
    call = Call.objects.get(pk=call_id)
    if not call.twilio_sid:
        return call.status
    status = telephone.fetch_status(call.twilio_sid) or Status.COMPLETED
    if status == Status.IN_PROGRESS:
        telephone.resume(call.twilio_sid, call_id)
    else:
        # Whoever calls us and hangs up is seen by this and nothing else.
        was_cut_off = status == Status.COMPLETED and not call.is_inbound
        calls.record_status(
            call_id,
            status,
            reason="media_lost" if was_cut_off else "",
            outcome="partial" if was_cut_off else "",
            source="check",
        )
    return status


def store_utterance(call_id: UUID, action: act.StoreUtterance) -> None:
    """Keep a finished utterance."""
    calls.store_utterance(
        call_id,
        utterance_id=action.utterance_id,
        leg=action.leg,
        original=action.original,
        translation=action.translation,
        started_ms=action.started_ms,
        ended_ms=action.ended_ms,
        fate=action.fate,
        uncertain=[list(span) for span in action.uncertain],
        latency_ms=action.latency_ms if (action.latency_ms or 0) > 0 else None,
    )


def phrase_for(call_id: UUID, phrase_id: str) -> tuple[str, str] | None:
    """Look a saved phrase of the call's owner up.

    Returns:
        what it says in the caller's language, and in the callee's where that is known
        ("" otherwise); None if there is no such phrase.
    """
    call = Call.objects.select_related("owner").get(pk=call_id)
    try:
        phrase = phrases.find(call.owner, UUID(phrase_id))
    except (ValueError, Phrase.DoesNotExist):
        return None
    return phrase.text, _said(phrase, call)


def phrases_of(call_id: UUID) -> list[tuple[str, str, str]]:
    """Return the saved phrases that the caller sees, those seen first before others.

    Returns:
        of each its id, its text, and what is said for it in the callee's language (""
        if that is not known).
    """
    call = Call.objects.select_related("owner").get(pk=call_id)
    mine = Phrase.objects.for_user(call.owner).order_by("-is_quick", "position")
    for language in (call.caller_language, call.callee_language):
        if some := mine.filter(language=language)[:MOST_PREPARED]:
            return [(str(one.pk), one.text, _said(one, call)) for one in some]
    return []


def _said(phrase: Phrase, call: Call) -> str:
    if phrase.language == call.callee_language:
        return phrase.text
    return str(phrase.translations.get(call.callee_language, ""))


def store_result(call_id: UUID, result: dict[str, Any]) -> None:
    """Keep what the agent has found out so far."""
    calls.store_result(call_id, result)


def record_event(call_id: UUID, kind: str, data: dict[str, Any]) -> None:
    """Note down something that happened."""
    calls.append_event(call_id, kind, data)


def bill_of(call_id: UUID) -> tuple[list[dict[str, Any]], float]:
    """Return what a call has cost so far, line by line, and what it may cost, USD."""
    call = Call.objects.select_related("owner").get(pk=call_id)
    left = calls.usd_left(call.owner, besides=call_id, direction=call.direction)
    return call.cost_parts, float(left)


def store_cost(call_id: UUID, usd: float, parts: list[dict[str, Any]]) -> float:
    """Keep what a call has cost so far; what it may cost, USD, as of now."""
    calls.store_cost(call_id, usd=usd, parts=parts)
    return bill_of(call_id)[1]


def finish(
    call_id: UUID, status: str, outcome: str, reason: str, latency: dict[str, Any]
) -> tuple[str, str]:
    """Store how a call ended and how late its words were.

    Returns:
        the status and outcome that stand, which may have been known before.
    """
    calls.store_latency(call_id, latency)
    calls.finish(call_id, status=status, outcome=outcome, reason=reason)
    summaries.request(call_id)  # all that was said is written down by now
    letters.request(call_id)
    call = Call.objects.only("status", "outcome").get(pk=call_id)
    return call.status, call.outcome


def fail(call_id: UUID, reason: str) -> None:
    """End a call that was never dialled."""
    calls.finish(call_id, status=Status.FAILED, outcome="failed", reason=reason)

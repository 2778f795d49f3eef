"""Everything that changes a conversation.  Nothing else writes.

A message is taken in three steps, so that a page can show each as it comes: it is noted
down; read by the assistant, outside of any transaction; and answered, in one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from calls import openings
from calls.models import Call, Mode
from calls.services import (
    SUPPORTED_MODES,
    CallRefused,
    check_number,
    count_in_minute,
    create_call,
)
from chat import draft, kept, short, wording
from chat import state as core
from chat.assistant import Assistant, FormAssistant, ModelAssistant, Said, Turn
from chat.catalogue import Catalogue, Scenario, catalogue
from chat.models import Conversation, Message
from chat.state import Ask, Place, Plan, Reading, State, Step
from chat.values import Clock, Doubt
from places import services as places
from realtime.engines.choice import supports
from realtime.text.texts import TextFailed
from wigvo.models import User

log = structlog.get_logger(__name__)

MAX_LETTERS: Final = 2000
"""Of a message."""
MAX_MESSAGES: Final = 400
"""Of a conversation."""
MESSAGES_PER_MINUTE: Final = 30
"""Of one person: each may ask a model and a place search."""
REST_S: Final = 30
"""How long a model that did not answer is left alone."""
_REST_CODES: Final = frozenset({"timeout", "unreachable", "limit", "unavailable"})
_RESTING: Final = "chat:model_rests"
DEFAULT_ZONE: Final = "Asia/Seoul"

assistant: Assistant = ModelAssistant()
"""Who reads; tests and benchmarks put another one here."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation as it stands."""

    conversation: Conversation
    state: State
    scenario: Scenario | None
    missing: tuple[str, ...]
    call_draft: dict[str, Any] | None

    @property
    def is_complete(self) -> bool:
        return self.state.phase == core.Phase.READY and self.call_draft is not None


# --- Beginning ------------------------------------------------------------------------


@transaction.atomic
def begin(
    owner: User,
    *,
    caller_language: str,
    callee_language: str,
    scenario: str = "",
    mode: str = Mode.VOICE,
    time_zone: str = "",
) -> Conversation:
    """Open a conversation with its greeting.  Raises: CallRefused."""
    found = _scenario(scenario)
    _check_settings(mode, caller_language, callee_language)
    conversation = Conversation.objects.create(
        owner=owner,
        scenario=found.id if found else "",
        caller_language=caller_language,
        callee_language=callee_language,
        mode=mode,
        time_zone=time_zone if time_zone in _zones() else DEFAULT_ZONE,
    )
    said = [wording.greeting(found, caller_language)]
    if found is not None:
        said += _follow(conversation, kept.load(conversation))
    _write(conversation, said)
    return conversation


def _scenario(name: str) -> Scenario | None:
    if not name:
        return None
    found = catalogue().find(name)
    if found is None:
        raise _wrong("scenario", _("There is no such kind of call."))
    return found


def _check_settings(mode: str, caller_language: str, callee_language: str) -> None:
    if mode not in SUPPORTED_MODES:
        raise CallRefused("unsupported_mode")
    if not supports(mode, caller_language, callee_language):
        raise CallRefused("unsupported_language")


_ZONES: set[str] = set()


def _zones() -> set[str]:
    if not _ZONES:
        _ZONES.update(available_timezones())
    return _ZONES


def _wrong(field: str, message: str) -> CallRefused:
    return CallRefused(
        "invalid",
        message=message,
        http_status=HTTPStatus.UNPROCESSABLE_ENTITY,
        field=field,
    )


def find(user: User, conversation_id: UUID) -> Conversation:
    """Find a conversation; a stranger's does not exist.

    Raises: Conversation.DoesNotExist.
    """
    return Conversation.objects.for_user(user).get(pk=conversation_id)


# --- A message ------------------------------------------------------------------------


def note_down(conversation: Conversation, text: str) -> Message:
    """Take a message in, before anybody reads it.  Raises: CallRefused."""
    text = text.replace("\x00", " ").strip()
    if not text:
        raise _wrong("message", _("Write something first."))
    if len(text) > MAX_LETTERS:
        raise _wrong(
            "message",
            _("A message has at most %(most)d letters; this one has %(count)d.")
            % {"most": MAX_LETTERS, "count": len(text)},
        )
    if conversation.messages.count() >= MAX_MESSAGES:
        raise _wrong("message", _("This conversation is full. Begin a new one."))
    if count_in_minute(f"chat:{conversation.owner_id}") > MESSAGES_PER_MINUTE:
        raise CallRefused(
            "too_many_requests",
            message=_("Too many messages at once. Wait a moment."),
            http_status=HTTPStatus.TOO_MANY_REQUESTS,
        )
    return conversation.messages.create(role=Message.Role.USER, text=text)


def converse(conversation: Conversation, message: Message) -> str:
    """Read a message and answer it; returns the whole answer."""
    return "\n\n".join(answer(conversation, message))


def answer(
    conversation: Conversation,
    message: Message,
    hear: Callable[[str], None] | None = None,
) -> Iterator[str]:
    """Read a message and answer it, paragraph by paragraph as they come.

    Args:
        conversation: where it was written.
        message: as `note_down` has taken it in.
        hear: gets the first paragraph while it is being written, see `Turn.hear`.
    """
    reading, failed = _read(conversation, message, hear)
    try:
        said = list(_take(conversation, message, reading, failed))
    except _TakenBackError:
        return
    yield from said
    for paragraph in _pursue(conversation, is_no=_was_no(conversation, message)):
        said.append(paragraph)
        yield paragraph
    _write(conversation, said)


class _TakenBackError(Exception):
    """Whoever wrote the message does not want it answered any more."""


@transaction.atomic
def take_back(conversation: Conversation) -> str | None:
    """Forget the last message while it is being read.

    Returns: what it said; None where it is answered already.
    """
    last = _locked(conversation).messages.last()
    if last is None or last.role != Message.Role.USER or last.data:
        return None
    text = last.text
    last.delete()
    return text


def _read(
    conversation: Conversation, message: Message, hear: Callable[[str], None] | None
) -> tuple[Reading, str]:
    """Return what a message tells, and why no model has read it, if none has."""
    turn = replace(_turn(conversation, message), hear=hear)
    if is_short(turn):
        return Reading(), "still" if conversation.is_without_model else ""
    try:
        if cache.get(_RESTING):
            raise TextFailed("unavailable")
        return assistant.read(turn), ""
    except TextFailed as error:
        log.warning("chat_without_model", code=error.code)
        if hear is not None:
            hear("")
        if error.code in _REST_CODES:
            cache.add(_RESTING, 1, REST_S)
        return FormAssistant().read(turn), error.code


def is_short(turn: Turn) -> bool:
    """Tell whether a message needs no reader: yes, no, or which of the places."""
    text, state = turn.message, turn.state
    if state.places and "callee_number" not in state.entities:
        return core.pick(text, state.places) is not None
    if state.phase == core.Phase.CONFIRMING:
        return short.is_yes(text) or short.is_no(text)
    return False


def _turn(conversation: Conversation, message: Message) -> Turn:
    earlier = conversation.messages.filter(pk__lt=message.pk).order_by("-pk")[:8]
    return Turn(
        message=message.text,
        state=kept.load(conversation),
        clock=clock_of(conversation),
        catalogue=catalogue(),
        history=[Said(one.role, one.text) for one in reversed(earlier)],
        user_id=str(conversation.owner_id),
    )


def clock_of(conversation: Conversation) -> Clock:
    """Return the time where the user is, and how they write."""
    return Clock(
        now=now_of(conversation),
        language=conversation.caller_language,
        region=settings.PHONENUMBER_DEFAULT_REGION,
    )


def now_of(conversation: Conversation) -> datetime:
    return timezone.now().astimezone(ZoneInfo(conversation.time_zone))


@transaction.atomic
def _take(
    conversation: Conversation, message: Message, reading: Reading, failed: str
) -> Iterator[str]:
    """Move the state on, and say what has changed."""
    conversation = _locked(conversation)
    if not conversation.messages.filter(pk=message.pk).exists():
        raise _TakenBackError
    before = kept.load(conversation)
    step = core.advance(
        before, reading, message.text, message.pk, clock_of(conversation), catalogue()
    )
    state, refusals = _without_refused_numbers(step.state, conversation)
    said = []
    if failed and not conversation.is_without_model:
        language = conversation.caller_language
        said.append(wording.without_model(failed, language))
    conversation.is_without_model = bool(failed)
    kept.save(conversation, state)
    message.data = _trace(step, reading, failed)
    message.save(update_fields=["data"])
    if reading.remark:
        said.append(reading.remark)
    is_understood = (
        step.did_anything or bool(state.doubts) or bool(reading.remark)
        or step.is_no or state.phase == core.Phase.READY
    )  # fmt: skip
    step = replace(step, new=_only_known(step.new, state),
                   changed=_only_known(step.changed, state))  # fmt: skip
    said += _writer(conversation).acknowledge(step, is_understood=is_understood)
    return iter([*said, *refusals])


def _only_known(names: tuple[str, ...], state: State) -> tuple[str, ...]:
    return tuple(name for name in names if name in state.entities)


def _trace(step: Step, reading: Reading, failed: str) -> dict[str, Any]:
    return {
        "scenario": reading.scenario,
        "new": list(step.new),
        "changed": list(step.changed),
        "refused": list(step.refused),
        "is_no": step.is_no,
        "without_model": failed,
    }


def _was_no(conversation: Conversation, message: Message) -> bool:
    return bool(message.data.get("is_no"))


def _locked(conversation: Conversation) -> Conversation:
    return Conversation.objects.select_for_update().get(pk=conversation.pk)


def _without_refused_numbers(
    state: State, conversation: Conversation
) -> tuple[State, list[str]]:
    """Let go of a number that may not be dialled, and say why and what to do."""
    said = []
    one = state.entities.get("callee_number")
    doubt = state.doubts.get("callee_number")
    written = one.normal if one else doubt.said if doubt else ""
    refused = _refusal(written, conversation) if written else None
    if refused is None:
        return state, []
    if one is not None:
        entities = {k: v for k, v in state.entities.items() if k != one.name}
        said.append(refused.message)
        return replace(state, entities=entities), said
    if refused.code.startswith("emergency"):
        said.append(refused.message)
    return state, said


def _refusal(number: str, conversation: Conversation) -> CallRefused | None:
    with translation.override(wording.written(conversation.caller_language)):
        try:
            check_number(number)
        except CallRefused as refused:
            return refused
    return None


def _pursue(conversation: Conversation, *, is_no: bool = False) -> Iterator[str]:
    """Look places up where that is needed, and say what comes next."""
    state = kept.load(conversation)
    plan = _plan(state, conversation)
    if plan.ask == Ask.SEARCH:
        query = state.entities["callee_name"].normal
        found, why = _search(query)
        with transaction.atomic():
            locked = _locked(conversation)
            state = replace(kept.load(locked), places=found, place_query=query)
            kept.save(locked, state)
        if why:
            yield _writer(conversation).no_place(why, query)
        plan = _plan(state, conversation)
    with transaction.atomic():
        locked = _locked(conversation)
        kept.save(locked, core.presented(kept.load(locked), plan))
    yield from _writer(conversation).follow(plan, state, is_no=is_no)


def _search(query: str) -> tuple[tuple[Place, ...], str]:
    """Return places, and the name of a sentence that says why there are none."""
    try:
        found = places.search(query)
    except places.NotConfigured:
        return (), "search_off"
    except places.ProviderFailed:
        return (), "search_failed"
    offered = tuple(
        Place(one.name, one.phone_number or "", one.category, one.address, one.source)
        for one in found
    )
    return offered, "" if offered else "none_found"


def _plan(state: State, conversation: Conversation) -> Plan:
    return core.plan(
        state,
        catalogue(),
        one_at_a_time=_is_without_model(conversation),
    )


def _is_without_model(conversation: Conversation) -> bool:
    conversation.refresh_from_db(fields=["is_without_model"])
    return conversation.is_without_model


def _follow(conversation: Conversation, state: State) -> list[str]:
    plan = _plan(state, conversation)
    kept.save(conversation, core.presented(state, plan))
    return _writer(conversation).follow(plan, state)


def _writer(conversation: Conversation) -> wording.Writer:
    return wording.Writer(
        catalogue(), conversation.caller_language, now_of(conversation).date()
    )


def _write(conversation: Conversation, said: list[str]) -> Message:
    return conversation.messages.create(
        role=Message.Role.ASSISTANT, text="\n\n".join(said)
    )


# --- What the user does by hand -------------------------------------------------------


def _by_hand(conversation: Conversation, change: Callable[[State], State]) -> list[str]:
    """Change the state, and say what comes next."""
    with transaction.atomic():
        locked = _locked(conversation)
        before = kept.load(locked)
        state, refusals = _without_refused_numbers(change(before), locked)
        kept.save(locked, state)
    noted = _writer(conversation).acknowledge(core.difference(before, state))
    said = [*noted, *refusals, *_pursue(conversation)]
    _write(conversation, said)
    return said


def enter(
    conversation: Conversation, entries: Mapping[str, str]
) -> dict[str, Doubt | None]:
    """Take in fields that were filled in by hand.

    Returns: by field, what could not be read; the others are taken in all the same.
    """
    known = {name: text for name, text in entries.items() if name in catalogue().fields}
    wrong: dict[str, Doubt | None] = {}

    def change(state: State) -> State:
        state, not_read = core.set_by_hand(
            state, known, clock_of(conversation), catalogue()
        )
        wrong.update(not_read)
        return state

    _by_hand(conversation, change)
    return wrong


def choose_place(conversation: Conversation, number: int) -> None:
    """Take one of the offered places, counted from 0.  Raises: CallRefused."""

    def change(state: State) -> State:
        if not 0 <= number < len(state.places):
            raise _wrong("place", _("This place is not offered any more."))
        place = state.places[number]
        return core.choose(state, place, clock_of(conversation), catalogue()).state

    _by_hand(conversation, change)


def use_number(conversation: Conversation, *, name: str, phone_number: str) -> None:
    """Call somebody of the directory.  Raises: CallRefused."""
    number = check_number(phone_number)

    def change(state: State) -> State:
        place = Place(name or number, number)
        return core.choose(state, place, clock_of(conversation), catalogue()).state

    _by_hand(conversation, change)


def change_scenario(conversation: Conversation, scenario: str) -> None:
    """Change what the call is about; what is known stays.  Raises: CallRefused."""
    found = _scenario(scenario)
    conversation.refresh_from_db()
    if found is None or found.id == conversation.scenario:
        return

    def change(state: State) -> State:
        return replace(state, scenario=found.id, phase=core.Phase.COLLECTING)

    _by_hand(conversation, change)


def change_settings(conversation: Conversation, changes: Mapping[str, str]) -> None:
    """Change how the call is held.  Raises: CallRefused."""
    names = {"mode", "caller_language", "callee_language", "fallback", "opening"}
    with transaction.atomic():
        locked = _locked(conversation)
        for name in names & changes.keys():
            setattr(locked, name, changes[name].replace("\x00", " ").strip())
        _check_settings(locked.mode, locked.caller_language, locked.callee_language)
        scenario = catalogue().scenarios.get(locked.scenario)
        allowed = scenario.fallback if scenario else ()
        if locked.fallback and locked.fallback not in allowed:
            raise _wrong("fallback", _("This cannot be chosen here."))
        languages = locked.caller_language, locked.callee_language
        locked.opening = openings.clean(locked.opening)
        if problem := openings.problem_of(locked.opening, *languages):
            raise CallRefused(problem)
        if locked.opening == usual_opening(locked):
            locked.opening = ""
        locked.updated_at = timezone.now()
        locked.save()


# --- To the call ----------------------------------------------------------------------


def snapshot(conversation: Conversation) -> Snapshot:
    """Say how a conversation stands."""
    state = kept.load(conversation)
    scenarios: Catalogue = catalogue()
    return Snapshot(
        conversation=conversation,
        state=state,
        scenario=scenarios.scenarios.get(state.scenario),
        missing=core.missing(state, scenarios),
        call_draft=_draft(conversation, state),
    )


def _draft(conversation: Conversation, state: State) -> dict[str, Any] | None:
    body = draft.call_draft(
        state,
        draft.Settings(
            mode=conversation.mode,
            caller_language=conversation.caller_language,
            callee_language=conversation.callee_language,
            fallback=conversation.fallback,
            opening=conversation.opening or usual_opening(conversation),
        ),
        catalogue(),
        now_of(conversation).date(),
    )
    return body and {**body, "conversation_id": str(conversation.pk)}


def usual_opening(conversation: Conversation) -> str:
    """Say who calls and what about, as they usually introduce themselves."""
    caller, callee = conversation.caller_language, conversation.callee_language
    scenario = catalogue().scenarios.get(conversation.scenario)
    purpose = scenario.purpose.get(caller, "") if scenario else ""
    return openings.introduction(conversation.owner, caller, callee, purpose)


def make_call(conversation: Conversation) -> Call:
    """Create the call that was prepared; it is dialled when it is started.

    Raises: CallRefused: something is missing, or it may not be called.
    """
    body = snapshot(conversation).call_draft
    if body is None:
        raise CallRefused(
            "incomplete",
            message=_("Something is still missing."),
            http_status=HTTPStatus.CONFLICT,
        )
    body.pop("conversation_id")
    with transaction.atomic():
        call = create_call(owner=conversation.owner, **body)
        conversation.calls.add(call)
    return call


@transaction.atomic
def duplicate(conversation: Conversation) -> Conversation:
    """Begin a conversation with what another one knows; days that are over are not."""
    today = now_of(conversation).date().isoformat()
    fields = catalogue().fields
    old = kept.load(conversation)
    entities = {
        name: replace(one, source=None, origin=core.Origin.HAND)
        for name, one in old.entities.items()
        if fields[name].type != "date" or one.normal >= today
    }
    names = ("scenario", "caller_language", "callee_language", "mode", "time_zone",
             "fallback", "opening")  # fmt: skip
    again = Conversation.objects.create(
        owner=conversation.owner,
        **{name: getattr(conversation, name) for name in names},
    )
    state = State(scenario=again.scenario, entities=entities)
    if "callee_name" in entities:
        state = replace(state, place_query=entities["callee_name"].normal)
    kept.save(again, state)
    scenario = catalogue().scenarios.get(again.scenario)
    greeting = wording.greeting(scenario, again.caller_language)
    _write(again, [greeting, *_follow(again, state)])
    return again

"""What a call came to: asked of the text model once it is over, checked, and kept.

    the call ends -> pending -> done
                             -> failed (asked again some times, and whenever wished)

What people said is data (see `realtime.text.texts`).  Every item of the answer has to
point at what was said; what nothing bears is dropped and counted (`calls.grounding`).
What an agent has found out (`calls.results`) is not touched; `calls.reports` shows
both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from pydantic import Field

from calls import services, zones
from calls.corrections import as_corrected
from calls.grounding import Said, bears_date, bears_sentence, bears_time, bears_value
from calls.models import Call, Summary, Utterance
from realtime.engines.interpret import NAMES
from realtime.engines.usage import Role, of_responses
from realtime.text import texts
from realtime.text.texts import Form, TextFailed
from wigvo.celery import run_task

log = structlog.get_logger(__name__)

PATIENCE: Final = texts.Patience(timeout_s=40.0, attempts=2, max_output_tokens=6000)
LEASE: Final = timedelta(minutes=3)
"""Whoever asks has this long; then somebody else may."""
PAUSES: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""Before it is asked again by itself, where that may help."""
MAY_PASS: Final = frozenset({"timeout", "unreachable", "limit", "unavailable"})
MAX_CHARS: Final = 200_000
"""Of what was said; of a longer call the beginning is left out, and that is said."""
AT_ONCE: Final = 20
"""Calls that one tick of the clock takes care of."""


# --- What is asked --------------------------------------------------------------------

Ids = list[str]


class _Appointment(Form):
    title: str
    starts_at: str
    place: str
    note: str
    utterance_ids: Ids


class _Number(Form):
    what: str
    value: str
    utterance_ids: Ids


class _Point(Form):
    text: str
    utterance_ids: Ids


class _Answer(Form):
    summary: str
    outcome: Literal[
        "success", "partial", "callback_needed", "unreachable", "failed", "unknown"
    ]
    appointments: list[_Appointment] = Field(max_length=20)
    numbers: list[_Number] = Field(max_length=40)
    open_points: list[_Point] = Field(max_length=20)


def instructions(language: str) -> str:
    """Tell the model to sum a call up.

    Args:
        language: of the summary, ISO 639-1.
    """
    return (
        "Sum up a telephone call that is over, for our user, who could not follow it"
        ' with ease. "caller" is our user, "callee" whoever was on the telephone, also'
        ' where "direction" is inbound and they had called; "agent" spoke for our user.'
        f" Write everything in {NAMES.get(language, language)}, in plain words."
        ' "summary": two to four sentences: what was wanted, what was said, what'
        ' was agreed. "outcome": success if "goal", or else what was evidently'
        " wanted, was reached; partial if some of it; callback_needed if somebody has"
        " to call again; unreachable if no person was reached; failed if it was"
        ' refused; unknown if it cannot be told. "appointments": only what both sides'
        ' have agreed on; "starts_at" in ISO 8601 with the offset of "time_zone", or'
        ' without any if that is empty; only the date if no time was named. "numbers":'
        " telephone numbers, prices, addresses, codes, quantities and names that the"
        " caller will need, with each value as it was said, numbers in digits."
        ' "open_points": what was asked and not answered, and what somebody still has'
        ' to do. "utterance_ids" names the utterances in which it was said; never put'
        " anything into the answer that was not said, and leave out what you are not"
        ' sure of. Utterances with "heard": false never reached the other side. '
        + texts.DATA_ONLY
    )


def question(call: Call, utterances: Sequence[Utterance]) -> dict[str, Any]:
    """Gather what the model is told about a call.

    Args:
        call: which is over.
        utterances: what was said, oldest first, as corrected.
    """
    began = zones.began(call)
    kept = _newest(utterances)
    return {
        "caller_language": call.caller_language,
        "callee_language": call.callee_language,
        "direction": call.direction,
        "callee_name": call.callee_name,
        "goal": str(call.brief.get("goal", "")),
        "began_at": began.isoformat(timespec="minutes"),
        "weekday": f"{began:%A}",
        "time_zone": zones.zone_name(call),
        "left_out": len(utterances) - len(kept),
        "utterances": [
            {
                "id": one.utterance_id,
                "who": one.leg,
                "original": one.original,
                "translation": one.translation,
                "heard": one.fate != Utterance.Fate.LOST,
            }
            for one in kept
        ],
    }


def _newest(utterances: Sequence[Utterance]) -> list[Utterance]:
    kept: list[Utterance] = []
    n_chars = 0
    for one in reversed(utterances):
        n_chars += len(one.original) + len(one.translation)
        if n_chars > MAX_CHARS:
            break
        kept.append(one)
    return kept[::-1]


# --- What is kept of the answer -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Appointment:
    """Something agreed.

    Attributes:
        starts_at: ISO 8601; with an offset where it is known where the callee is.
        is_all_day: only the day was named; then `starts_at` is a date.
    """

    title: str
    starts_at: str
    place: str = ""
    note: str = ""
    is_all_day: bool = False
    utterance_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """Something to be remembered to the letter."""

    what: str
    value: str
    utterance_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Something that is still to be done or to be found out."""

    text: str
    utterance_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is kept of an answer.

    Attributes:
        is_doubtful: the text names a time, an amount or a number that nobody said.
        left_out: utterances of a very long call that were not read.
    """

    appointments: tuple[Appointment, ...] = ()
    numbers: tuple[Number, ...] = ()
    open_points: tuple[OpenPoint, ...] = ()
    is_doubtful: bool = False
    left_out: int = 0
    dropped: int = field(default=0, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "appointments": [_row(one) for one in self.appointments],
            "numbers": [_row(one) for one in self.numbers],
            "open_points": [_row(one) for one in self.open_points],
            "is_doubtful": self.is_doubtful,
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Content":
        """Read what `as_json` has written."""
        return cls(
            tuple(Appointment(**_ids(row)) for row in value.get("appointments", ())),
            tuple(Number(**_ids(row)) for row in value.get("numbers", ())),
            tuple(OpenPoint(**_ids(row)) for row in value.get("open_points", ())),
            bool(value.get("is_doubtful")),
            int(value.get("left_out", 0)),
        )


def _row(one: Appointment | Number | OpenPoint) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def _ids(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "utterance_ids": tuple(row.get("utterance_ids", ()))}


class _Checker:
    """Holds an answer against what was said."""

    def __init__(self, call: Call, utterances: Sequence[Utterance]) -> None:
        self._call = call
        self._zone = zones.zone_of(call)
        self._today = zones.began(call).date()
        self._said = {one.utterance_id: _said(one, call) for one in utterances}
        self._whole = [said for texts_ in self._said.values() for said in texts_]
        self.dropped = 0

    def check(self, answer: _Answer) -> Content:
        language = self._call.caller_language
        brief = Said(str(self._call.brief), language)
        appointments = [
            kept for row in answer.appointments if (kept := self._appointment(row))
        ]
        numbers = [
            Number(row.what.strip(), row.value.strip(), ids)
            for row in answer.numbers
            if (ids := self._known(row.utterance_ids))
            and self._keeps(bears_value(row.value, language, self._texts(ids)))
        ]
        points = [
            OpenPoint(row.text.strip(), ids)
            for row in answer.open_points
            if (ids := self._known(row.utterance_ids))
            and self._keeps(
                bool(row.text.strip())
                and bears_sentence(row.text, language, self._texts(ids))
            )
        ]
        is_borne = bears_sentence(answer.summary, language, [*self._whole, brief])
        return Content(
            tuple(appointments),
            tuple(numbers),
            tuple(points),
            is_doubtful=not is_borne,
            dropped=self.dropped,
        )

    def _known(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Keep the pointers that lead somewhere; without any the item is dropped."""
        found = tuple(dict.fromkeys(one for one in ids if one in self._said))
        self._keeps(bool(found))
        return found

    def _keeps(self, is_borne: bool) -> bool:
        self.dropped += not is_borne
        return is_borne

    def _texts(self, ids: Sequence[str]) -> list[Said]:
        return [said for one in ids for said in self._said[one]]

    def _appointment(self, row: _Appointment) -> Appointment | None:
        ids = self._known(row.utterance_ids)
        if not ids:
            return None
        at = _local(row.starts_at, self._zone)
        said = self._texts(ids)
        is_borne = (
            at is not None
            and bool(row.title.strip())
            and bears_date(_day(at), said, self._whole, self._today)
            and (not isinstance(at, datetime) or bears_time(at.time(), said))
        )
        if not self._keeps(is_borne) or at is None:
            return None
        return Appointment(
            row.title.strip(),
            at.isoformat(),
            row.place.strip(),
            row.note.strip(),
            not isinstance(at, datetime),
            ids,
        )


def _said(one: Utterance, call: Call) -> list[Said]:
    is_mine = one.leg == "caller"
    own = call.caller_language if is_mine else call.callee_language
    other = call.callee_language if is_mine else call.caller_language
    both = ((one.original, own), (one.translation, other))
    return [Said(text, language) for text, language in both if text]


def _local(text: str, zone: Any) -> date | datetime | None:
    """Read a time where the callee is; None if it is none."""
    try:
        if len(text.strip()) == len("2026-11-21"):
            return date.fromisoformat(text.strip())
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    at = at.replace(second=0, microsecond=0)
    if zone is None:
        return at.replace(tzinfo=None)
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def _day(at: date | datetime) -> date:
    return at.date() if isinstance(at, datetime) else at


# --- When it is asked -----------------------------------------------------------------


def request(call_id: UUID) -> bool:
    """Have a call summed up now, if there is anything to sum up and nobody is at it."""
    row = Summary.objects.filter(call=call_id, state=Summary.State.PENDING)
    if not row.update(due_at=_now()):
        return False
    transaction.on_commit(lambda: hand_over(call_id))
    return True


def hand_over(call_id: UUID) -> None:
    """Let somebody do it who may wait."""
    from calls.tasks import summarise_call

    run_task(summarise_call, str(call_id))


@transaction.atomic
def ask_again(call: Call) -> bool:
    """Have it tried once more, because somebody wishes it; no while it is being tried.

    Args:
        call: which is over.
    """
    row, is_new = Summary.objects.select_for_update().get_or_create(call=call)
    is_at_it = row.state == Summary.State.PENDING and not row.code
    if not is_new and is_at_it and row.due_at > _now():
        return False  # somebody is at it, or soon will be
    row.state, row.attempts, row.code = Summary.State.PENDING, 0, ""
    row.save(update_fields=["state", "attempts", "code"])
    return request(call.pk)


def tend() -> None:
    """Sum up what nobody has: relays that died, and what is to be tried again."""
    due = Summary.objects.filter(state=Summary.State.PENDING, due_at__lte=_now())
    for call_id in list(due.values_list("call_id", flat=True)[:AT_ONCE]):
        hand_over(call_id)


def summarise(call_id: UUID) -> None:
    """Ask for a call's summary and keep it; nothing if somebody else is at it."""
    row = Summary.objects.filter(
        call=call_id, state=Summary.State.PENDING, due_at__lte=_now()
    )
    # Whoever moves the time is the one who asks.
    if not row.update(due_at=_now() + LEASE, code=""):
        return
    call = Call.objects.select_related("summing_up").get(pk=call_id)
    utterances = [one for one in as_corrected(call) if one.original or one.translation]
    if not utterances:
        row_of(call).delete()
        return
    try:
        answer, usage = _ask(call, utterances)
    except TextFailed as failed:
        _note_failure(call.pk, failed.code)
        return
    # Paid is paid, whatever becomes of the answer.
    services.add_cost(
        call.pk, of_responses(Role.TEXT, usage), model=settings.OPENAI_TEXT_MODEL
    )
    left_out = len(utterances) - len(_newest(utterances))
    _keep(call, answer, _Checker(call, utterances).check(answer), left_out)


def _ask(call: Call, utterances: Sequence[Utterance]) -> tuple[_Answer, texts.Usage]:
    if not settings.OPENAI_API_KEY:
        raise TextFailed("no_key")
    answer, usage = texts.ask_from_thread(
        instructions(call.caller_language),
        question(call, utterances),
        _Answer,
        user_id=str(call.owner_id),
        patience=PATIENCE,
    )
    if not answer.summary.strip():
        raise TextFailed("empty")
    return answer, usage


@transaction.atomic
def _note_failure(call_id: UUID, code: str) -> None:
    row = Summary.objects.select_for_update().filter(call=call_id).first()
    if row is None:
        return
    row.attempts += 1
    row.code = code
    if code in MAY_PASS and row.attempts <= len(PAUSES):
        row.due_at = _now() + PAUSES[row.attempts - 1]
    else:
        row.state = Summary.State.FAILED
    row.save(update_fields=["attempts", "code", "due_at", "state"])
    log.warning("summary_failed", call_id=str(call_id), code=code, n=row.attempts)


@transaction.atomic
def _keep(call: Call, answer: _Answer, content: Content, left_out: int) -> None:
    row = Summary.objects.select_for_update().filter(call=call).first()
    if row is None:  # its call was deleted meanwhile
        return
    row.state, row.code, row.done_at = Summary.State.DONE, "", _now()
    row.attempts += 1
    row.language, row.outcome = call.caller_language, answer.outcome
    row.content = services.storable({**content.as_json(), "left_out": left_out})
    row.dropped = content.dropped
    row.save()
    services.store_summary(
        call.pk, summary=answer.summary.strip(), outcome=answer.outcome
    )
    log.info("summary_done", call_id=str(call.pk), dropped=content.dropped)


def row_of(call: Call) -> Any:
    """Return the row of a call's summary, as a query."""
    return Summary.objects.filter(call=call)


def _now() -> datetime:
    return timezone.now()

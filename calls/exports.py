"""A call to take away: for programs as JSON, for people as text."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from calls import recordings, zones
from calls.captions import Caption, captions_of
from calls.models import Call
from calls.reports import Report


def as_json(call: Call) -> dict[str, Any]:
    """Return everything that is kept of a call for its owner."""
    from calls.api import call_detail_out

    return call_detail_out(call).model_dump(mode="json")


def as_text(call: Call) -> str:
    """Write a call down for people."""
    return "\n".join([*_head(call), *_report(Report.of(call)), *_said(call)]) + "\n"


def _head(call: Call) -> Iterator[str]:
    began = zones.began(call)
    yield call.callee_name or call.shown_number
    if call.callee_name:
        yield call.shown_number
    yield f"{began:%Y-%m-%d %H:%M} {zones.zone_name(call) or 'UTC'}"
    yield f"{call.get_status_display()}, {call.get_outcome_display()}"
    yield f"{call.duration_s // 60}:{call.duration_s % 60:02}"
    yield recordings.state_of(call).sentence


def _report(report: Report) -> Iterator[str]:
    if report.summary:
        yield from ("", _("Summary (written by a machine)"), report.summary)
    if report.appointments:
        yield from ("", _("Agreed"))
    for row in report.appointments:
        one = row.item
        parts = [one.starts_at.replace("T", " "), one.title, one.place, one.note]
        yield "- " + ", ".join(filter(None, parts)) + _at(row.places)
    if report.numbers:
        yield from ("", _("To remember"))
    for row in report.numbers:
        yield f"- {row.item.what}: {row.item.value}{_at(row.places)}"
    if report.messages:
        yield from ("", _("A message for you"))
    for message in report.messages:
        told = filter(None, [message.name, message.message])
        yield f"- {': '.join(told)}{f' ({message.number})' if message.number else ''}"
    if report.open_points:
        yield from ("", _("Still open"))
    for row in report.open_points:
        yield f"- {row.item.text}{_at(row.places)}"


def _at(places: Any) -> str:
    return f" [{', '.join(place.at for place in places)}]" if places else ""


def _said(call: Call) -> Iterator[str]:
    yield from ("", _("What was said"))
    captions = captions_of(call)
    if not captions:
        yield _("Nothing was said in this call.")
    for caption in captions:
        yield from _one(caption, call)


def _one(caption: Caption, call: Call) -> Iterator[str]:
    who = caption.leg_name
    if caption.leg == "callee" and call.callee_name:
        who = call.callee_name
    marks = [
        *([_("Not heard")] if caption.is_lost else []),
        *([_("Corrected")] if caption.corrections else []),
    ]
    text = caption.main.text or _("Not understood")
    marked = f" ({', '.join(marks)})" if marks else ""
    yield f"[{caption.at}] {who}{marked}: {text}"
    if caption.other:
        yield f"        {caption.other.text}"

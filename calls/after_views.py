"""Pages about a call that is over: its summary, its captions put right, its end."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from calls import corrections, exports, ics, plots, recordings, services, summaries
from calls.captions import Caption, captions_of
from calls.models import Call, Correction, Leg
from calls.reports import Report, starts_at
from calls.requests import AuthedRequest
from wigvo.models import CaptionShow

WAVEFORM_MAX_AGE_S = 3600
MAX_SEARCH = 100


def find(request: AuthedRequest, call_id: UUID) -> Call:
    """Return a call of this person; a stranger's does not exist."""
    mine = Call.objects.for_user(request.user)
    return get_object_or_404(mine.select_related("recording", "summing_up"), pk=call_id)


def find_over(request: AuthedRequest, call_id: UUID) -> Call:
    """Return a call of this person that is over."""
    call = find(request, call_id)
    if not call.is_over:
        raise Http404
    return call


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def report(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Show what came of a call; a POST has its summary tried again."""
    call = find_over(request, call_id)
    if request.method == "POST":
        if call.answered_at is not None:
            summaries.ask_again(call)
        if not request.htmx:
            return redirect(f"{call.get_absolute_url()}#report")
        call = find_over(request, call_id)
    if not request.htmx:
        return redirect(f"{call.get_absolute_url()}#report")
    context = {"call": call, "report": Report.of(call)}
    response = render(request, "calls/_report.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@login_required
def appointment(request: AuthedRequest, call_id: UUID, n: int) -> HttpResponse:
    """Send an appointment of a call as a calendar file."""
    call = find(request, call_id)
    rows = Report.of(call).appointments
    at = starts_at(rows[n].item) if n < len(rows) else None
    if at is None:
        raise Http404
    item = rows[n].item
    link = f"{settings.PUBLIC_BASE_URL}{call.get_absolute_url()}"
    checked = _("Understood by a machine; check it: %(link)s") % {"link": link}
    text = ics.calendar(
        uid=f"{call.pk}-{item.starts_at}@wigvo",
        title=item.title,
        starts_at=at,
        place=item.place or call.callee_name,
        description="\n".join(filter(None, [item.note, checked])),
        written_at=timezone.now(),
    )
    return _download(text, "text/calendar", f"appointment-{at:%Y-%m-%d}.ics")


@require_safe
@login_required
def export(request: AuthedRequest, call_id: UUID, form: str) -> HttpResponse:
    """Send everything that is kept of a call."""
    call = find(request, call_id)
    name = f"call-{call.created_at:%Y-%m-%d-%H%M}.{form}"
    if form == "txt":
        return _download(exports.as_text(call), "text/plain", name)
    response = JsonResponse(
        exports.as_json(call), json_dumps_params={"ensure_ascii": False, "indent": 2}
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _download(text: str, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Say what goes with a call, and delete it."""
    call = find(request, call_id)
    if request.method == "POST":
        try:
            services.delete_call(call)
        except services.CallRefused as refused:
            messages.error(request, refused.message)
            return redirect(call)
        messages.success(request, _("The call was deleted."))
        return redirect("calls:history")
    context = {"call": call, "recording": recordings.state_of(call)}
    return render(request, "calls/delete.html", context)


@require_safe
@login_required
def waveform(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Draw a call's recording; a part of its page that takes a moment."""
    call = find(request, call_id)
    recording = call.recording_or_none
    if recording is None or not recording.is_audible:
        raise Http404
    try:
        path = recordings.path_of(recording.pk)
        channels = plots.waveform(path, recording.duration_ms)
    except FileNotFoundError:
        raise Http404 from None
    response = render(request, "calls/_waveform.html", {"channels": channels})
    response["Cache-Control"] = f"private, max-age={WAVEFORM_MAX_AGE_S}"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def correct(request: AuthedRequest, call_id: UUID, utterance_id: str) -> HttpResponse:
    """Put a caption of a call right."""
    call = find_over(request, call_id)
    utterance = get_object_or_404(call.utterances, utterance_id=utterance_id)
    problem = ""
    if request.method == "POST":
        n_changed = 0
        for part in Correction.Part.values:
            try:
                corrections.correct(
                    utterance, part, request.POST.get(part, ""), by=request.user
                )
                n_changed += 1
            except corrections.CorrectionRefused:
                continue
        if n_changed:
            if request.htmx:
                return _caption(request, call, utterance_id)
            return redirect(
                f"{call.get_absolute_url()}#{_find(call, utterance_id).element_id}"
            )
        problem = _("Nothing was changed.")
    context = {
        "call": call,
        "caption": _find(call, utterance_id),
        "problem": problem,
        "max_length": corrections.MAX_LENGTH,
    }
    template = "calls/correct.html" + ("#form" if request.htmx else "")
    response = render(request, template, context, status=422 if problem else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@login_required
def caption(request: AuthedRequest, call_id: UUID, utterance_id: str) -> HttpResponse:
    """Show one caption; what a correction that is given up goes back to."""
    call = find_over(request, call_id)
    get_object_or_404(call.utterances, utterance_id=utterance_id)
    return _caption(request, call, utterance_id)


def _caption(request: AuthedRequest, call: Call, utterance_id: str) -> HttpResponse:
    context = {
        "call": call,
        "caption": _find(call, utterance_id),
        "recording": recordings.state_of(call),
        "is_focused": True,
    }
    return render(request, "calls/_said.html", context)


def _find(call: Call, utterance_id: str) -> Caption:
    return next(c for c in captions_of(call) if c.utterance_id == utterance_id)


def about(request: AuthedRequest, call: Call) -> dict[str, Any]:
    """Gather what the page of a call that is over shows beyond its transcript."""
    return {
        "search": request.GET.get("q", "")[:MAX_SEARCH],
        "show": request.user.caption_show,
        "show_choices": CaptionShow.choices,
        "report": Report.of(call),
        "timeline": timeline_of(call),
        "bill": bill_of(call),
    }


def timeline_of(call: Call) -> plots.Timeline | None:
    """Draw when each side of a call spoke, and how late it was translated."""
    spoken = [
        plots.Spoken(
            one.leg,
            one.started_ms,
            one.ended_ms if one.ended_ms is not None else one.started_ms,
            one.latency_ms,
            one.fate == one.Fate.LOST,
        )
        for one in call.utterances.all()
    ]
    return plots.timeline(spoken, [leg.value for leg in Leg])


def bill_of(call: Call) -> list[dict[str, Any]]:
    """Return the lines of a call's bill as its page shows them."""
    from calls.texts import ENGINE_NAMES

    return [
        {
            "name": ENGINE_NAMES.get(part["engine"], part["engine"]),
            "model": part["model"],
            "usd": part["usd"],
            "minutes": part["seconds"] / 60 if part["seconds"] else None,
            "tokens": sum(part["tokens"].values()) if part["tokens"] else None,
        }
        for part in call.cost_parts
    ]

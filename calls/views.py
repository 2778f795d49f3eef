"""Pages: a new call, the call itself, and what was said in earlier ones."""

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)
from django_htmx.middleware import HtmxDetails

from calls import recordings, services
from calls.captions import captions_of
from calls.forms import CallForm, NumberForm
from calls.models import Call, Recording
from calls.quality import LineQuality
from calls.reasons import explain
from calls.results import Result
from calls.texts import CALL_TEXTS, modes_between
from wigvo.models import User

HISTORY_PAGE = 20


class PageRequest(HttpRequest):
    """A request as our middleware leaves it."""

    htmx: HtmxDetails


class AuthedRequest(PageRequest):
    """A request of somebody who is logged in."""

    user: User


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PageRequest) -> HttpResponse:
    """Show the front door to strangers, and the form of a new call to members."""
    if not request.user.is_authenticated:
        return render(request, "wigvo/welcome.html")
    return _new_call(cast("AuthedRequest", request))


def _new_call(request: AuthedRequest) -> HttpResponse:
    mine = Call.objects.for_user(request.user)
    if request.method != "POST":
        again = _earlier_call(request, mine_only=request.GET.get("again"))
        form = CallForm(
            initial=CallForm.like(again)
            if again
            else CallForm.first_guess(mine.first())
        )
        return render(request, "calls/new.html", {"form": form})

    form = CallForm(request.POST)
    if form.is_valid():
        try:
            call = services.create_call(owner=request.user, **form.call_fields())
        except services.CallRefused as refused:
            form.add_refusal(refused)
        else:
            return redirect(call)
    return render(request, "calls/new.html", {"form": form}, status=422)


def _earlier_call(request: AuthedRequest, *, mine_only: str | None) -> Call | None:
    """Find the caller's own earlier call that the address names, if it names one."""
    try:
        call_id = UUID(mine_only or "")
    except ValueError:
        return None
    return Call.objects.for_user(request.user).filter(pk=call_id).first()


@require_POST
@login_required
def number(request: AuthedRequest) -> HttpResponse:
    """Say what would be dialled, while the number is being typed.

    A POST, so that numbers stay out of addresses and access logs.
    """
    form = NumberForm(request.POST)
    form.is_valid()
    return render(request, "calls/new.html#number_feedback", {"form": form})


@require_safe
@login_required
def history(request: AuthedRequest) -> HttpResponse:
    """List the person's calls, newest first."""
    calls = Call.objects.for_user(request.user)
    before = _earlier_call(request, mine_only=request.GET.get("before"))
    if before is not None:
        calls = calls.filter(created_at__lt=before.created_at)
    page = list(calls[: HISTORY_PAGE + 1])
    template = "calls/history.html"
    if request.htmx:
        template += "#rows"
    response = render(
        request,
        template,
        {
            "calls": page[:HISTORY_PAGE],
            "has_more": len(page) > HISTORY_PAGE,
            "is_first_page": before is None,
        },
    )
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@login_required
def detail(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Show a call: live while it can be joined, with its transcript once it is over."""
    mine = Call.objects.for_user(request.user).select_related("recording")
    call = get_object_or_404(mine, pk=call_id)
    context = {
        "call": call,
        "reason": explain(call.reason),
        "captions": captions_of(call),
        "line": LineQuality.of(call) if call.is_over and call.answered_at else None,
        "texts": {name: str(text) for name, text in CALL_TEXTS.items()},
        "modes": modes_between(call.caller_language, call.callee_language),
        "language": get_language(),
        "recording": recordings.state_of(call),
        "result": Result.of(call),
    }
    template = "calls/detail.html" if call.is_over else "calls/live.html"
    if request.htmx:
        template += "#ending"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
@login_required
def delete_recording(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Delete a call's recording; the call and its transcript stay."""
    call = get_object_or_404(Call.objects.for_user(request.user), pk=call_id)
    if call.recording_or_none is not None:
        recordings.delete(call.recording.pk, by=Recording.DeletedBy.OWNER)
    return redirect(call)

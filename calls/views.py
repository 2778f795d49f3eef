"""Pages: a new call, the call itself, and what was said in earlier ones."""

from typing import cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from calls import (
    after_views,
    helpers,
    readback,
    recordings,
    rehearsals,
    services,
)
from calls.captions import WINDOW, captions_of, newest_of
from calls.forms import CallForm, NumberForm, add_refusal
from calls.history import HistoryForm, narrow, snippets
from calls.models import LIVE, Call, Recording
from calls.quality import LineQuality
from calls.reasons import explain
from calls.requests import AuthedRequest as AuthedRequest
from calls.requests import PageRequest
from calls.texts import CALL_TEXTS, modes_between
from calls.told import proof_of

HISTORY_PAGE = 20


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
            user=request.user,
            initial=CallForm.like(again)
            if again
            else CallForm.first_guess(mine.outbound().first(), request.user),
        )
        return render(request, "calls/new.html", {"form": form})

    form = CallForm(request.POST, user=request.user)
    if form.is_valid():
        try:
            call = services.create_call(owner=request.user, **form.call_fields())
        except services.CallRefused as refused:
            add_refusal(form, refused)
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
    """List the person's calls, newest first; those that go on above all others."""
    mine = Call.objects.for_user(request.user)
    form = HistoryForm(request.GET)
    wanted = form.wanted
    calls = narrow(mine, wanted)
    if not wanted.status:
        calls = calls.exclude(status__in=LIVE)
    before = _earlier_call(request, mine_only=request.GET.get("before"))
    if before is not None:
        calls = calls.filter(created_at__lt=before.created_at)
    page = list(calls[: HISTORY_PAGE + 1])
    template = "calls/history.html"
    if request.htmx:
        template += "#found" if request.htmx.target == "history" else "#rows"
    is_first_page = before is None
    response = render(
        request,
        template,
        {
            "calls": page[:HISTORY_PAGE],
            "snippets": snippets(page[:HISTORY_PAGE], wanted.query),
            "has_more": len(page) > HISTORY_PAGE,
            "is_first_page": is_first_page,
            "live": mine.live() if is_first_page and wanted.is_anything else [],
            "form": form,
            "wanted": wanted,
        },
    )
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@login_required
def detail(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Show a call: live while it can be joined, with its transcript once it is over."""
    mine = Call.objects.for_user(request.user).select_related("recording", "summing_up")
    call = get_object_or_404(mine, pk=call_id)
    context = {
        "call": call,
        "reason": explain(call.reason),
        "captions": captions_of(call) if call.is_over else newest_of(call),
        "window": WINDOW,
        "line": LineQuality.of(call) if call.is_over and call.answered_at else None,
        "texts": {name: str(text) for name, text in CALL_TEXTS.items()},
        "modes": modes_between(call.caller_language, call.callee_language),
        "language": get_language(),
        "grace_s": settings.CALLER_GRACE_SECONDS,
        "recording": recordings.state_of(call),
        "links": helpers.open_links(call),
        "hours": helpers.HOURS,
        "confirmation": readback.sentence(call.caller_language),
        "proof": proof_of(call) if call.is_over else None,
    }
    if call.is_over and not request.htmx:
        context |= after_views.about(request, call)
    template = "calls/detail.html" if call.is_over else "calls/live.html"
    if request.htmx:
        template += "#ending"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_POST
@login_required
def rehearse(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Make a rehearsal of a call, and go there."""
    call = get_object_or_404(Call.objects.for_user(request.user), pk=call_id)
    return redirect(rehearsals.rehearse(call))


@require_POST
@login_required
def type_instead(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Make a call that was not dialled yet one that needs no microphone."""
    call = get_object_or_404(Call.objects.for_user(request.user), pk=call_id)
    try:
        services.type_instead(call)
    except services.CallRefused as refused:
        messages.error(request, refused.message)
    return redirect(f"{call.get_absolute_url()}#start")


@require_POST
@login_required
def delete_recording(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Delete a call's recording; the call and its transcript stay."""
    call = get_object_or_404(Call.objects.for_user(request.user), pk=call_id)
    if call.recording_or_none is not None:
        recordings.delete(call.recording.pk, by=Recording.DeletedBy.OWNER)
    return redirect(call)

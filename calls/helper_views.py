"""Pages about reading along: make a link, take it back, and read by it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from calls import helpers
from calls.captions import HELPER_COOKIE, WINDOW, before
from calls.models import Call, HelperLink
from calls.services import count_in_minute
from calls.views import AuthedRequest


@require_POST
@login_required
def create(request: AuthedRequest, call_id: UUID) -> HttpResponse:
    """Make a link to one's own call; this answer is the only one that shows it."""
    call = get_object_or_404(Call.objects.for_user(request.user), pk=call_id)
    try:
        hours = int(request.POST.get("hours", ""))
    except ValueError:
        hours = 0
    if hours not in helpers.HOURS:
        hours = helpers.HOURS[0]
    try:
        link, token = helpers.create(call, hours=hours)
    except helpers.TooManyLinksError:
        problem = _("There are five links already. Take one back first.")
        return _show(request, call, problem=problem)
    except helpers.CallOverError:
        return _show(request, call, problem=_("This call has ended."))
    address = f"{settings.PUBLIC_BASE_URL}{reverse('calls:watch')}#{token}"
    return _show(request, call, new_link=link, address=address)


@require_POST
@login_required
def revoke(request: AuthedRequest, call_id: UUID, link_id: UUID) -> HttpResponse:
    """Take a link back."""
    call = get_object_or_404(Call.objects.for_user(request.user), pk=call_id)
    helpers.revoke(get_object_or_404(call.helper_links, pk=link_id))
    return _show(request, call, said=_("The link no longer works."))


def _show(request: AuthedRequest, call: Call, **context: Any) -> HttpResponse:
    context |= {"call": call, "links": helpers.open_links(call), "hours": helpers.HOURS}
    response = render(request, "calls/_helpers.html", context)
    add_never_cache_headers(response)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def watch(request: HttpRequest) -> HttpResponse:
    """Let somebody read along: the page sends the token that its address ends in.

    A POST, so that the token stays out of addresses and access logs.
    """
    if request.method != "POST":
        return _quiet(render(request, "calls/watch.html"))
    tries = count_in_minute(f"helper-tries:{request.META.get('REMOTE_ADDR', '')}")
    if tries > helpers.OPENS_PER_MINUTE:
        return _quiet(HttpResponse(status=429))
    token = request.POST.get("token", "")
    link = helpers.find(token)
    if link is None:
        return _quiet(render(request, "calls/watch.html#refused", status=422))
    return _quiet(_let_in(request, link, token))


def _let_in(request: HttpRequest, link: HelperLink, token: str) -> HttpResponse:
    call = link.call
    context = {
        "call": call,
        "callee_name": helpers.name_without_number(call),
        "language": get_language(),
        "window": WINDOW,
    }
    response = render(request, "calls/watch.html#captions", context)
    response.set_cookie(
        HELPER_COOKIE,
        token,
        max_age=max(1, int((link.expires_at - timezone.now()).total_seconds())),
        path=f"/calls/{call.pk}/captions",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


@require_safe
def earlier(request: HttpRequest, call_id: UUID, element_id: str) -> HttpResponse:
    """Show the captions above one that a page has: to the owner, or by a link."""
    call, is_helper = _readable(request, call_id)
    context = {
        "call": call,
        "callee_name": helpers.name_without_number(call),
        "captions": before(call, element_id),
        "is_helper": is_helper,
    }
    return _quiet(render(request, "calls/_live.html#earlier", context))


def _readable(request: HttpRequest, call_id: UUID) -> tuple[Call, bool]:
    """Find a call that somebody may read, and say whether a link lets them."""
    mine = Call.objects.for_user(request.user).filter(pk=call_id).first()
    if mine is not None:
        return mine, False
    token = request.COOKIES.get(HELPER_COOKIE, "")
    link = helpers.find(token) if token else None
    if link is None or link.call_id != call_id:
        raise Http404
    return link.call, True


def _quiet(response: HttpResponse) -> HttpResponse:
    """Keep a page out of caches and search engines."""
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response

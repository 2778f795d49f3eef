"""What a page has to ask the text model for."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from calls import openings
from calls.forms import OpeningForm
from calls.openings import Opening, Wanted
from calls.reasons import REFUSALS
from calls.services import CallRefused, count_in_minute
from realtime.opening.opener import Introduction, in_their_language
from wigvo.database import in_database
from wigvo.models import User

MOST_A_MINUTE: Final = 30
"""Translations for one person; whoever types does not need more."""


async def heard_first(user: User, wanted: Wanted) -> Opening:
    """Say what the other side will hear first, translated where it has to be.

    Raises:
        CallRefused: nobody may be greeted like this, or too much was asked.
    """
    languages = wanted.caller_language, wanted.callee_language
    if problem := openings.problem_of(wanted.text, *languages):
        raise CallRefused(problem)
    known = wanted.known
    if known.spoken or known.is_by_agent:
        return known
    asked = await in_database(count_in_minute, f"openings:{user.pk}")
    if asked > MOST_A_MINUTE:
        raise CallRefused("openings_limit")
    found = await in_their_language(
        Introduction(wanted.text, wanted.name, *languages, user_id=str(user.pk))
    )
    return wanted.heard(found.text, is_less=bool(found.problem))


@require_POST
async def opening(request: HttpRequest) -> HttpResponse:
    """Show what will be heard first, while it is being written."""
    user = await request.auser()
    if not isinstance(user, User):
        return HttpResponse(status=401)
    form = OpeningForm(request.POST)
    context: dict[str, object] = {}
    if form.is_valid():
        try:
            context["opening"] = await heard_first(user, form.introduction(user))
        except CallRefused as refused:
            context["problem"] = REFUSALS[refused.code].sentence
    return HttpResponse(render_to_string("calls/_opening.html", context))

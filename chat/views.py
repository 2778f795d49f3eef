"""The pages of the chat.  They work without a script; with one, replies stream."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from calls.forms import CallForm
from calls.models import Call
from calls.names import callee_language_choices, language_choices
from calls.services import CallRefused
from calls.views import AuthedRequest
from chat import pages, services
from chat.catalogue import LANGUAGES
from chat.models import Conversation, Message
from places import directory
from places.models import Contact
from wigvo.models import User

LIST_PAGE: Final = 20
EVENTS: Final = "text/event-stream"


# --- The list -------------------------------------------------------------------------


@require_safe
@login_required
def index(request: AuthedRequest) -> HttpResponse:
    """Ask what is needed, and list what was begun."""
    return _index(request)


def _index(
    request: AuthedRequest, *, problem: str = "", status: int = 200
) -> HttpResponse:
    mine = Conversation.objects.for_user(request.user).prefetch_related(
        "entities", "messages"
    )
    found = list(mine[:LIST_PAGE])
    last = Call.objects.for_user(request.user).first()
    guess = {**_first_guess(last), **request.POST.dict()}
    return render(
        request,
        "chat/index.html",
        {
            "conversations": pages.listed(found),
            "starters": pages.starters(),
            "scenario_choices": pages.scenario_choices(),
            "language_choices": language_choices(),
            "callee_language_choices": callee_language_choices(),
            "guess": guess,
            "problem": problem,
            "code": pages.reading_language(),
        },
        status=status,
    )


def _first_guess(last: Call | None) -> dict[str, str]:
    """Start from the last call, and write in the language that is being read."""
    guess = CallForm.first_guess(last)
    code = pages.reading_language()
    if guess["caller_language"] in LANGUAGES:
        guess["caller_language"] = code
    return guess


@require_POST
@login_required
def begin(request: AuthedRequest) -> HttpResponse:
    """Begin a conversation, with a first message if there is one."""
    text = request.POST.get("text", "").strip()
    try:
        conversation = services.begin(
            request.user,
            caller_language=request.POST.get("caller_language", "")[:2],
            callee_language=request.POST.get("callee_language", "")[:2],
            scenario=request.POST.get("scenario", "")[:64],
            time_zone=request.POST.get("time_zone", "")[:64],
        )
        if text:
            services.note_down(conversation, text)
    except CallRefused as refused:
        return _index(request, problem=refused.message, status=422)
    return redirect(conversation)


# --- One conversation -----------------------------------------------------------------


def _find(request: AuthedRequest, conversation_id: UUID) -> Conversation:
    mine = Conversation.objects.for_user(request.user)
    return get_object_or_404(mine, pk=conversation_id)


@require_safe
@login_required
def conversation(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Show a conversation; what has to be answered is answered by `say`."""
    return _show(request, _find(request, conversation_id))


def _show(
    request: AuthedRequest,
    conversation: Conversation,
    *,
    since: int | None = None,
    problem: str = "",
    field_problems: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = pages.context(conversation)
    context |= {"problem": problem, "field_problems": field_problems or {}}
    template = "chat/conversation.html"
    if request.htmx and since is not None:
        template += "#update"
        context["news"] = [one for one in context["chat_messages"] if one.pk > since]
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _last_id(conversation: Conversation) -> int:
    last = conversation.messages.last()
    return last.pk if last else 0


def _done(
    request: AuthedRequest, conversation: Conversation, *, since: int, **shown: Any
) -> HttpResponse:
    if request.htmx or shown:
        return _show(request, conversation, since=since, **shown)
    return redirect(conversation)


@require_POST
async def say(request: HttpRequest, conversation_id: UUID) -> HttpResponseBase:
    """Take a message and answer it; as it comes, if the page can show it so.

    Without a text, the last message is answered if it was not yet.
    """
    user = await request.auser()
    if not isinstance(user, User):
        return HttpResponse(status=401)
    found = await sync_to_async(_note_down)(
        user, conversation_id, request.POST.get("text", "")
    )
    if isinstance(found, CallRefused):
        return _refused(request, found)
    conversation, message = found
    if EVENTS in request.headers.get("Accept", ""):
        events = _events(request, conversation, message)
        response = StreamingHttpResponse(events, content_type=EVENTS)
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"  # a proxy is to pass on what comes
        return response
    if message is not None:
        await sync_to_async(services.converse)(conversation, message)
    return redirect(conversation)


def _note_down(
    user: User, conversation_id: UUID, text: str
) -> tuple[Conversation, Message | None] | CallRefused:
    """Find the conversation, and the message that is to be answered."""
    mine = Conversation.objects.for_user(user)
    conversation = get_object_or_404(mine, pk=conversation_id)
    if not text.strip():
        last = conversation.messages.last()
        is_open = last is not None and last.role == Message.Role.USER
        return conversation, last if is_open else None
    try:
        return conversation, services.note_down(conversation, text)
    except CallRefused as refused:
        return refused


def _refused(request: HttpRequest, refused: CallRefused) -> HttpResponse:
    if EVENTS in request.headers.get("Accept", ""):
        body = {"message": refused.message}
        return HttpResponse(
            json.dumps(body),
            status=refused.http_status,
            content_type="application/json",
        )
    return HttpResponse(
        refused.message, status=refused.http_status, content_type="text/plain"
    )


async def _events(
    request: HttpRequest, conversation: Conversation, message: Message | None
) -> AsyncIterator[str]:
    """Send the answer as it comes, then what the page shows beside it.

    `words` is a paragraph that is being written, each time all of it; `part` is one
    that is final, and takes the place of the words before it.
    """
    if message is not None:
        coming: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()
        producing = asyncio.create_task(_produce(conversation, message, coming))
        try:
            while (one := await coming.get()) is not None:
                yield _event(one[0], {"text": one[1]})
            await producing
        finally:
            producing.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await producing
    yield _event("done", await sync_to_async(_beside)(request, conversation))


async def _produce(
    conversation: Conversation,
    message: Message,
    coming: asyncio.Queue[tuple[str, str] | None],
) -> None:
    """Have a message answered, in threads; hand on what comes, and None at the end."""
    loop = asyncio.get_running_loop()

    def hear(words: str) -> None:
        loop.call_soon_threadsafe(coming.put_nowait, ("words", words))

    answer = services.answer(conversation, message, hear)
    try:
        while (paragraph := await sync_to_async(_next)(answer)) is not None:
            coming.put_nowait(("part", paragraph))
    finally:
        coming.put_nowait(None)


def _next(answer: Iterator[str]) -> str | None:
    return next(answer, None)


@require_POST
@login_required
def stop(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Take the last message back while it is being read; 409: it is answered."""
    text = services.take_back(_find(request, conversation_id))
    if text is None:
        return HttpResponse(status=409)
    return HttpResponse(json.dumps({"text": text}), content_type="application/json")


def _event(name: str, data: dict[str, str]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _beside(request: HttpRequest, conversation: Conversation) -> dict[str, str]:
    context = pages.context(conversation)
    html = render_to_string("chat/conversation.html#update", context, request=request)
    return {"html": html, "title": context["scenario_name"]}


@require_POST
@login_required
def fields(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Take in what was changed in the form beside the conversation."""
    conversation = _find(request, conversation_id)
    since = _last_id(conversation)
    posted = {name: str(value) for name, value in request.POST.items()}
    changed = pages.changes(services.snapshot(conversation), posted)
    wrong = services.enter(conversation, changed) if changed else {}
    if wrong:
        problems = {name: _("This could not be read.") for name in wrong}
        return _done(
            request, conversation, since=since, field_problems=problems, status=422
        )
    return _done(request, conversation, since=since)


@require_POST
@login_required
def settings(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Change what the call is about, or how it is held."""
    conversation = _find(request, conversation_id)
    since = _last_id(conversation)
    names = ("mode", "caller_language", "callee_language", "fallback", "opening")
    changes = {name: request.POST[name] for name in names if name in request.POST}
    try:
        if scenario := request.POST.get("scenario"):
            services.change_scenario(conversation, scenario)
            changes.pop("fallback", None)
        services.change_settings(conversation, changes)
    except CallRefused as refused:
        return _done(
            request, conversation, since=since, problem=refused.message, status=422
        )
    return _done(request, conversation, since=since)


@require_POST
@login_required
def place(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Choose one of the offered places, or a number of the directory."""
    conversation = _find(request, conversation_id)
    since = _last_id(conversation)
    try:
        if "number" in request.POST:
            services.use_number(
                conversation,
                name=request.POST.get("name", "")[:120],
                phone_number=request.POST["number"],
            )
        else:
            services.choose_place(conversation, _index_of(request.POST.get("place")))
    except CallRefused as refused:
        return _done(
            request, conversation, since=since, problem=refused.message, status=422
        )
    return _done(request, conversation, since=since)


def _index_of(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else -1


@require_POST
@login_required
def call(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Make the call that was prepared, and go to its page; nothing is dialled yet."""
    conversation = _find(request, conversation_id)
    try:
        made = services.make_call(conversation)
    except CallRefused as refused:
        return _show(request, conversation, problem=refused.message, status=422)
    return redirect(made)


@require_POST
@login_required
def again(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Begin another conversation with what is known in this one."""
    return redirect(services.duplicate(_find(request, conversation_id)))


@require_POST
@login_required
def delete(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Delete a conversation; calls made from it stay."""
    _find(request, conversation_id).delete()
    return redirect("chat:index")


@require_POST
@login_required
def keep(request: AuthedRequest, conversation_id: UUID) -> HttpResponse:
    """Keep whom this conversation calls in the directory, or forget them."""
    conversation = _find(request, conversation_id)
    since = _last_id(conversation)
    snapshot = services.snapshot(conversation)
    number = snapshot.state.entities.get("callee_number")
    name = snapshot.state.entities.get("callee_name")
    if number is not None and pages.is_kept(snapshot):
        Contact.objects.for_user(request.user).filter(
            phone_number=number.normal
        ).delete()
    elif number is not None:
        try:
            directory.keep(
                request.user,
                name=name.normal if name else "",
                phone_number=number.normal,
                language=conversation.callee_language,
            )
        except CallRefused as refused:
            return _done(
                request, conversation, since=since, problem=refused.message, status=422
            )
    return _done(request, conversation, since=since)

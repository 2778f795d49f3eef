"""The first sentences of a call, spoken to its caller before there is one.

The same words by the same voice as in the call; sentences that were spoken once are
found again there, so that a call that was listened to begins sooner.
"""

import asyncio
import io
import uuid
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from calls import openings
from calls.forms import OpeningForm
from calls.models import Mode, Status
from calls.openings import Wanted
from calls.recordings import Plan
from calls.services import CallRefused, count_in_minute
from realtime.config import ENGINE_HZ, CallConfig
from realtime.events import Pcm
from realtime.opening.opener import Opener
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from realtime.voice.speaker import Speaker
from wigvo.database import in_database
from wigvo.models import User

MOST_A_MINUTE: Final = 6
MOST_A_DAY: Final = 60
"""For one person; each new sentence is paid for."""
AT_ONCE: Final = 3
"""In this process: calls come first."""
TIMEOUT_S: Final = 20.0

_listening = 0


@require_POST
async def sound(request: HttpRequest) -> HttpResponse:
    """Send what will be heard first, as WAV."""
    user = await request.auser()
    if not isinstance(user, User):
        return HttpResponse(status=401)
    form = OpeningForm(request.POST)
    try:
        if not form.is_valid():
            raise CallRefused("unsupported_language")
        wanted = form.introduction(user)
        check(wanted)
        async with _place_for(user):
            pcm = await spoken(user, wanted)
    except CallRefused as refused:
        error = {"code": refused.code, "message": refused.message}
        return JsonResponse({"error": error}, status=refused.http_status)
    response = HttpResponse(as_wav(pcm), content_type="audio/wav")
    response["Cache-Control"] = "no-store"
    return response


def check(wanted: Wanted) -> None:
    """Refuse what nobody may be greeted with, and what is not said by us.

    Raises:
        CallRefused: says why.
    """
    if wanted.mode == Mode.AGENT:
        raise CallRefused(
            "said_by_agent",
            message=_(
                "The assistant says it in its own words, so it is not known yet."
            ),
            http_status=409,
        )
    problem = openings.problem_of(
        wanted.text, wanted.caller_language, wanted.callee_language
    )
    if problem:
        raise CallRefused(problem)


@asynccontextmanager
async def _place_for(user: User) -> AsyncIterator[None]:
    """Let one person listen to one at a time, a few people at once, some times a day.

    Raises:
        CallRefused: not now.
    """
    global _listening
    if _listening >= AT_ONCE:
        raise _too_often()
    lock = f"opening-sound:{user.pk}"
    if not await cache.aadd(lock, 1, int(TIMEOUT_S) + 5):
        raise _too_often()
    _listening += 1
    try:
        this_minute = await in_database(count_in_minute, f"opening-sounds:{user.pk}")
        if this_minute > MOST_A_MINUTE or await _count_today(user) > MOST_A_DAY:
            raise _too_often()
        yield
    finally:
        _listening -= 1
        await cache.adelete(lock)


def _too_often() -> CallRefused:
    return CallRefused(
        "listening_limit",
        message=_("That was played too often. Wait a while and try again."),
        http_status=429,
    )


async def _count_today(user: User) -> int:
    key = f"opening-sounds-today:{user.pk}"
    await cache.aadd(key, 0, 86_400)
    try:
        return int(await cache.aincr(key))
    except ValueError:  # dropped between the two
        return 1


async def spoken(user: User, wanted: Wanted) -> Pcm:
    """Have it spoken as a call would.

    Raises:
        CallRefused: the provider does not.
    """
    facts = _facts(user, wanted)
    speaker = Speaker(
        url=settings.OPENAI_REALTIME_URL,
        api_key=settings.OPENAI_API_KEY,
        model=settings.OPENAI_REALTIME_MODEL,
        safety_id=str(user.pk),
        own_voice=facts.voice,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            prepared = await Opener(facts, speaker).prepare()
    except (EngineRefusedError, TimeoutError) as error:
        raise CallRefused(
            "voice_unavailable",
            message=_("The voice cannot be reached at the moment. Try again later."),
            http_status=503,
        ) from error
    finally:
        await speaker.close()
    return prepared.pcm


def _facts(user: User, wanted: Wanted) -> CallFacts:
    """Describe a call that is not made."""
    call_id = uuid.uuid4()
    return CallFacts(
        call_id=call_id,
        owner_id=user.pk,
        status=Status.DRAFT,
        node_url="",
        twilio_sid="",
        config=CallConfig(
            call_id=str(call_id),
            caller_language=wanted.caller_language,
            callee_language=wanted.callee_language,
            mode=wanted.mode,
        ),
        first_number=1,
        recording=Plan(call_id, uuid.uuid4(), is_wanted=False),
        keywords=(),
        opening=wanted.text,
        caller_name=wanted.name,
    )


def as_wav(pcm: Pcm) -> bytes:
    """Put a header before sound.

    Args:
        pcm: int16 mono at 24 kHz.
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(ENGINE_HZ)
        writer.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()

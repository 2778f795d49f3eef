"""Live captions and live calls as HTML fragments, for pages that are already open.

Each message is one or more elements with `hx-swap-oob`; htmx puts them in place.
Both sockets are read only: what a page sends is ignored.
"""

import asyncio
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone, translation

from calls import helpers, recordings, tickets
from calls.corrections import as_corrected
from calls.models import (
    LIVE,
    TERMINAL,
    Call,
    Correction,
    HelperLink,
    Leg,
    Status,
    Utterance,
)
from calls.services import count_in_minute
from wigvo import doorway
from wigvo.database import in_database
from wigvo.notify import call_group, user_group, viewers_group

WINDOW: Final = 100
"""So many captions a page begins with, and gets with each step back: each takes half a
millisecond to write, and a call may have thousands."""
MAX_MESSAGE_BYTES = 4096
CLOSE_NOT_AUTHENTICATED = 4401
CLOSE_NO_SUCH_CALL = 4404
CLOSE_OVER = 4409
CLOSE_TOO_MANY_OPENS = 4429
HELPER_COOKIE = "helper"
"""Its path is the captions of one call, so a browser may hold several."""
CLOSE_TOO_BIG = 1009

Spans = tuple[tuple[int, int], ...]
"""Where a text may be wrong: from and to, in characters."""


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a caption: a text and the language it is in."""

    text: str
    language: str
    is_final: bool
    doubts: Spans = ()

    def doubting(self, spans: Any) -> "Line":
        """Mark where it may be wrong."""
        return replace(self, doubts=read_spans(spans, len(self.text)))

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """Cut the text into pieces, and say of each whether it is in doubt."""
        pieces: list[tuple[str, bool]] = []
        at = 0
        for start, end in self.doubts:
            pieces += [(self.text[at:start], False), (self.text[start:end], True)]
            at = end
        pieces.append((self.text[at:], False))
        return [piece for piece in pieces if piece[0]]


def read_spans(value: Any, length: int) -> Spans:
    """Read `uncertain` of a caption: in order, without overlaps, within the text."""
    spans: list[tuple[int, int]] = []
    pairs = value if isinstance(value, list | tuple) else ()
    for pair in sorted(p for p in map(_pair, pairs) if p):
        start, end = max(pair[0], spans[-1][1] if spans else 0), min(pair[1], length)
        if start < end:
            spans.append((start, end))
    return tuple(spans)


def _pair(value: Any) -> tuple[int, int] | None:
    match value:
        case [int(start), int(end)] if start >= 0:
            return start, end
    return None


@dataclass(frozen=True, slots=True)
class Caption:
    """One utterance as a reader sees it.  Texts replace earlier ones of its id."""

    utterance_id: str
    leg: str
    original: Line
    translation: Line
    started_ms: int
    is_lost: bool = False
    ended_ms: int | None = None
    corrections: tuple[Correction, ...] = ()

    @classmethod
    def from_message(cls, message: dict[str, Any], call: Call) -> "Caption":
        """Read the `caption` message of the caller's socket."""
        leg = str(message["leg"])
        theirs, ours = _languages(leg, call)
        original = Line(
            str(message.get("original") or ""),
            theirs,
            bool(message.get("original_final")),
        )
        translation = Line(
            str(message.get("translation") or ""),
            ours,
            bool(message.get("translation_final")),
        )
        return cls(
            utterance_id=str(message["utterance_id"]),
            leg=leg,
            original=original,
            translation=translation,
            started_ms=int(message["started_ms"]),
        ).doubting(message.get("uncertain"))

    @classmethod
    def from_utterance(cls, utterance: Utterance, call: Call) -> "Caption":
        theirs, ours = _languages(utterance.leg, call)
        has_text = bool(utterance.original or utterance.translation)
        return cls(
            utterance_id=utterance.utterance_id,
            leg=utterance.leg,
            original=Line(utterance.original, theirs, is_final=True),
            translation=Line(utterance.translation, ours, is_final=True),
            started_ms=utterance.started_ms,
            ended_ms=utterance.ended_ms,
            corrections=tuple(getattr(utterance, "corrected", ())),
            is_lost=utterance.fate == Utterance.Fate.LOST and has_text,
        ).doubting(utterance.uncertain)

    def doubting(self, spans: Any) -> "Caption":
        """Mark where the translation, or without one the original, may be wrong."""
        if self.translation.text:
            return replace(self, translation=self.translation.doubting(spans))
        return replace(self, original=self.original.doubting(spans))

    @property
    def is_uncertain(self) -> bool:
        return bool(self.original.doubts or self.translation.doubts)

    @property
    def is_not_understood(self) -> bool:
        """Something was said, and nobody knows what."""
        return self.is_final and not (self.original.text or self.translation.text)

    @property
    def is_mine(self) -> bool:
        return self.leg == Leg.CALLER

    @property
    def is_theirs(self) -> bool:
        return self.leg == Leg.CALLEE

    @property
    def leg_name(self) -> str:
        return str(Leg(self.leg).label) if self.leg in Leg else self.leg

    @property
    def is_final(self) -> bool:
        return self.original.is_final and self.translation.is_final

    @property
    def main(self) -> Line:
        """The line to read first, in the caller's own language.

        While its text is still to come its place is kept, so that nothing jumps.
        """
        own, other = self._own_and_other()
        return own if own.text or self.is_waiting else other

    @property
    def other(self) -> Line | None:
        """The line in the other language; None if there will be only one."""
        own, other = self._own_and_other()
        return other if self.is_waiting or (own.text and other.text) else None

    @property
    def is_waiting(self) -> bool:
        """Whether a translation is still to come."""
        return not self.translation.is_final and not self.translation.text

    def _own_and_other(self) -> tuple[Line, Line]:
        if self.is_mine:
            return self.original, self.translation
        return self.translation, self.original

    @property
    def element_id(self) -> str:
        return as_element(self.utterance_id)

    @property
    def at(self) -> str:
        """When it was said, from the start of the call: minutes and seconds."""
        minutes, seconds = divmod(self.started_ms // 1000, 60)
        return f"{minutes}:{seconds:02d}"

    @property
    def order(self) -> tuple[int, str]:
        return self.started_ms, self.utterance_id


def _languages(leg: str, call: Call) -> tuple[str, str]:
    """Name the languages of original and translation of what a leg says."""
    if leg == Leg.CALLER:
        return call.caller_language, call.callee_language
    return call.callee_language, call.caller_language


def captions_of(call: Call, only: Collection[str] | None = None) -> list[Caption]:
    """Return what was said in a call, or some of it, as it came one after the other."""
    return sorted(
        (Caption.from_utterance(u, call) for u in as_corrected(call, only)),
        key=lambda caption: caption.order,
    )


def newest_of(call: Call) -> list[Caption]:
    """Return what a page of a call that goes on begins with."""
    return captions_of(call, _ids_of(call)[-WINDOW:])


def before(call: Call, element_id: str) -> list[Caption]:
    """Return what a page shows above one of its captions."""
    ids = _ids_of(call)
    place = next((n for n, one in enumerate(ids) if as_element(one) == element_id), 0)
    return captions_of(call, ids[max(0, place - WINDOW) : place])


def _ids_of(call: Call) -> list[str]:
    rows = call.utterances.values_list("started_ms", "utterance_id")
    return [utterance_id for _, utterance_id in sorted(rows)]


def as_element(utterance_id: str) -> str:
    """Name the element that shows an utterance."""
    return "u-" + re.sub(r"[^A-Za-z0-9_-]", "_", utterance_id)


class Transcript:
    """The captions one page shows, and where the next one belongs."""

    def __init__(self, captions: Iterable[Caption] = ()) -> None:
        self.captions = sorted(captions, key=lambda caption: caption.order)
        self._orders = [caption.order for caption in self.captions]
        self._order_of = {c.utterance_id: c.order for c in self.captions}
        self._announced = set(self._order_of)

    @property
    def newest(self) -> list[Caption]:
        """What a page begins with."""
        return self.captions[-WINDOW:]

    def has(self, utterance_id: str) -> bool:
        return utterance_id in self._order_of

    def put(self, caption: Caption) -> dict[str, Any]:
        """Take a new text in and say, as template context, what has to change."""
        context: dict[str, Any] = {"caption": caption}
        old_place = self._place_of(caption.utterance_id)
        if old_place is not None:
            self._remove(old_place)
        place = bisect_left(self._orders, caption.order)
        context["is_new"] = old_place is None
        context["is_moved"] = old_place is not None and place != old_place
        context["after"] = self.captions[place - 1] if place else None
        self.captions.insert(place, caption)
        self._orders.insert(place, caption.order)
        self._order_of[caption.utterance_id] = caption.order
        if caption.is_final and caption.utterance_id not in self._announced:
            self._announced.add(caption.utterance_id)
            context["announce"] = True
        return context

    def _place_of(self, utterance_id: str) -> int | None:
        order = self._order_of.get(utterance_id)
        return None if order is None else bisect_left(self._orders, order)

    def _remove(self, place: int) -> Caption:
        caption = self.captions.pop(place)
        del self._orders[place], self._order_of[caption.utterance_id]
        return caption

    def take_away(self, utterance_id: str) -> Caption | None:
        """Forget a caption of something that nobody has said."""
        place = self._place_of(utterance_id)
        return None if place is None else self._remove(place)


class FragmentConsumer(AsyncWebsocketConsumer):
    """A read-only socket that sends HTML to a page of a known person."""

    language = settings.LANGUAGE_CODE

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Route without Channels' thread hop per message; queries do their own."""
        await getattr(self, get_handler_name(message))(message)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Ignore what a page says; end the connection of one that floods."""
        size = len(text_data.encode() if text_data is not None else bytes_data or b"")
        if size > MAX_MESSAGE_BYTES:
            await self.close(CLOSE_TOO_BIG)

    def render(self, template: str, context: dict[str, Any]) -> str:
        with translation.override(self.language):
            return render_to_string(template, context)


class CaptionsConsumer(FragmentConsumer):
    """`WS /calls/{id}/captions`: the captions and the state of one call."""

    call: Call
    transcript: Transcript
    recording: recordings.State
    group = ""
    helper: HelperLink | None = None
    """The link that lets this viewer read along; None for the call's owner."""
    _expiry: asyncio.TimerHandle | None = None
    _leaving: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept, check, then show what there is."""
        await self.accept()
        self.language = page_language(self.scope)
        call_id = UUID(str(self.scope["url_route"]["kwargs"]["call_id"]))
        user_id = await self._viewer_id(call_id)
        token = self._helper_token()
        if user_id is None and not token:
            await self.close(CLOSE_NOT_AUTHENTICATED)
            return
        # Join before reading, so that nothing falls between the two.
        group = viewers_group(call_id)
        await self.channel_layer.group_add(group, self.channel_name)
        self.group = group
        found = None
        if user_id is not None:
            found = await in_database(self._load, call_id, user_id)
        if found is None and token:
            found = await self._load_for_helper(call_id, token)
            if self.helper is None:
                return  # closed, with its reason
        if found is None:
            await self.close(CLOSE_NO_SUCH_CALL)
            return
        self.call, captions, self.recording = found
        self.transcript = Transcript(captions)
        # In a thread: so many captions would keep the sound of other calls waiting.
        shown = {"captions": self.transcript.newest}
        html = await in_database(self._write, "calls/_live.html#snapshot", shown)
        await self.send(text_data=html)
        if self.call.status in LIVE:
            # What is being said at this moment is not in the database yet.
            event = {"kind": "viewer", "channel": self.channel_name}
            await self.channel_layer.group_send(
                call_group(call_id), {"type": "call.control", "event": event}
            )

    async def _load_for_helper(
        self, call_id: UUID, token: str
    ) -> tuple[Call, list[Caption], recordings.State] | None:
        """Let somebody in by a link, or close the socket and say why."""
        link = await in_database(helpers.find, token)
        if link is None or link.call_id != call_id:
            await self.close(CLOSE_NOT_AUTHENTICATED)
            return None
        opens = await in_database(count_in_minute, f"helper-opens:{link.pk}")
        if opens > helpers.OPENS_PER_MINUTE:
            await self.close(CLOSE_TOO_MANY_OPENS)
            return None
        self.helper = link
        await in_database(helpers.was_opened, link)
        left_s = (link.expires_at - timezone.now()).total_seconds()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(max(0.0, left_s), self._expired)
        return await in_database(self._load, call_id, link.call.owner_id)

    def _expired(self) -> None:
        self._leaving = asyncio.create_task(self._send_away(CLOSE_NOT_AUTHENTICATED))

    async def _send_away(self, code: int) -> None:
        """End what a helper sees; the page tells by the code why."""
        if self.helper is not None:
            await self.close(code)

    def _helper_token(self) -> str:
        if not doorway.origin_is_ours(self.scope):
            return ""
        return doorway.cookies(self.scope).get(HELPER_COOKIE, "")

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self._expiry is not None:
            self._expiry.cancel()
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def call_event(self, event: dict[str, Any]) -> None:
        """Turn a message of the caller's socket into a fragment."""
        if not hasattr(self, "transcript"):
            return
        message = event["message"]
        match message.get("type"):
            case "caption" if message.get("state") == "withdrawn":
                gone = self.transcript.take_away(str(message["utterance_id"]))
                if gone is not None:
                    await self._send("calls/_live.html#gone", {"caption": gone})
            case "caption" if not self._is_known(message):
                caption = Caption.from_message(message, self.call)
                change = self.transcript.put(caption)
                if message.get("again"):
                    change.pop("announce", None)  # the page knows what it has told
                await self._send("calls/_live.html#change", change)
            case "status":
                await self._show_status(str(message["status"]))
            case "ended":
                await self._show_status(str(message.get("status", Status.COMPLETED)))
                await self._send_away(CLOSE_OVER)
            case helpers.REVOKED:
                if self.helper and str(self.helper.pk) == message["link"]:
                    await self._send_away(CLOSE_NOT_AUTHENTICATED)
            case "recording" if self.helper is None:
                found = await in_database(self._find, self.call.pk, self.call.owner_id)
                if found is not None:
                    call, self.recording = found
                    call.status = self.call.status  # here it may be newer
                    self.call = call
                    await self._send("calls/_live.html#recording", {})

    def _is_known(self, message: dict[str, Any]) -> bool:
        """Say whether a caption only comes again: what was stored of it says more."""
        utterance_id = str(message["utterance_id"])
        return bool(message.get("again")) and self.transcript.has(utterance_id)

    async def _show_status(self, status: str) -> None:
        if status in Status and self.call.status not in TERMINAL:
            self.call.status = status
            await self._send("calls/_live.html#state", {})

    async def _send(self, template: str, context: dict[str, Any]) -> None:
        await self.send(text_data=self._write(template, context))

    def _write(self, template: str, context: dict[str, Any]) -> str:
        name = self.call.callee_name
        if self.helper is not None:
            name = helpers.name_without_number(self.call)
        about = {
            "call": self.call,
            "callee_name": name,
            "is_helper": self.helper is not None,
            "recording": self.recording,
            **context,
        }
        return self.render(template, about)

    async def _viewer_id(self, call_id: UUID) -> int | None:
        ticket = _query(self.scope, "ticket")
        if ticket:
            return await in_database(tickets.redeem_ticket, ticket, call_id)
        return await doorway.logged_in_user_id(self.scope)

    def _load(
        self, call_id: UUID, user_id: int
    ) -> tuple[Call, list[Caption], recordings.State] | None:
        found = self._find(call_id, user_id)
        return None if found is None else (found[0], captions_of(found[0]), found[1])

    def _find(
        self, call_id: UUID, user_id: int
    ) -> tuple[Call, recordings.State] | None:
        mine = Call.objects.filter(owner_id=user_id).select_related("recording")
        call = mine.filter(pk=call_id).first()
        if call is None:
            return None
        with translation.override(self.language):  # its sentence is the reader's
            return call, recordings.state_of(call)


class LiveConsumer(FragmentConsumer):
    """`WS /calls/live`: which of a person's calls are going on now."""

    user_id: int | None = None

    async def connect(self) -> None:
        """Accept, check, then list what is going on."""
        await self.accept()
        self.language = page_language(self.scope)
        user_id = await doorway.logged_in_user_id(self.scope)
        if user_id is None:
            await self.close(CLOSE_NOT_AUTHENTICATED)
            return
        await self.channel_layer.group_add(user_group(user_id), self.channel_name)
        self.user_id = user_id
        await self._show()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.user_id is not None:
            await self.channel_layer.group_discard(
                user_group(self.user_id), self.channel_name
            )

    async def user_call(self, event: dict[str, Any]) -> None:
        """List again: something about one of the calls has changed."""
        await self._show()

    async def _show(self) -> None:
        calls = await in_database(self._live_calls)
        html = self.render("calls/_live.html#live_calls", {"calls": calls})
        await self.send(text_data=html)

    def _live_calls(self) -> list[Call]:
        return list(Call.objects.filter(owner_id=self.user_id, status__in=LIVE))


def page_language(scope: Mapping[str, Any]) -> str:
    """Return the language of the page that opens the socket."""
    asked = _query(scope, "language")
    if asked in dict(settings.LANGUAGES):
        return asked
    request = HttpRequest()
    request.COOKIES = doorway.cookies(scope)
    request.META["HTTP_ACCEPT_LANGUAGE"] = doorway.header(scope, b"accept-language")
    return translation.get_language_from_request(request)


def _query(scope: Mapping[str, Any], name: str) -> str:
    values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(name)
    return values[-1] if values else ""

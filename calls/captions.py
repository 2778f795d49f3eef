"""Live captions and live calls as HTML fragments, for pages that are already open.

Each message is one or more elements with `hx-swap-oob`; htmx puts them in place.
Both sockets are read only: what a page sends is ignored.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation

from calls import recordings, tickets
from calls.models import LIVE, TERMINAL, Call, Leg, Status, Utterance
from wigvo import doorway
from wigvo.database import in_database
from wigvo.notify import user_group, viewers_group

MAX_MESSAGE_BYTES = 4096
CLOSE_NOT_AUTHENTICATED = 4401
CLOSE_NO_SUCH_CALL = 4404
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
        return cls(
            utterance_id=utterance.utterance_id,
            leg=utterance.leg,
            original=Line(utterance.original, theirs, is_final=True),
            translation=Line(utterance.translation, ours, is_final=True),
            started_ms=utterance.started_ms,
            is_lost=utterance.fate == Utterance.Fate.LOST,
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
    def is_mine(self) -> bool:
        return self.leg == Leg.CALLER

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
        return "u-" + re.sub(r"[^A-Za-z0-9_-]", "_", self.utterance_id)

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


def captions_of(call: Call) -> list[Caption]:
    """Return what was said in a call, in the order in which it was said."""
    return sorted(
        (Caption.from_utterance(u, call) for u in call.utterances.all()),
        key=lambda caption: caption.order,
    )


class Transcript:
    """The captions one page shows, and where the next one belongs."""

    def __init__(self, captions: Iterable[Caption] = ()) -> None:
        self.captions = sorted(captions, key=lambda caption: caption.order)
        self._announced = {c.utterance_id for c in self.captions}

    def put(self, caption: Caption) -> dict[str, Any]:
        """Take a new text in and say, as template context, what has to change."""
        context: dict[str, Any] = {"caption": caption}
        known = [c.utterance_id for c in self.captions]
        if caption.utterance_id in known:
            del self.captions[known.index(caption.utterance_id)]
        place = bisect_left([c.order for c in self.captions], caption.order)
        context["is_new"] = caption.utterance_id not in known
        context["is_moved"] = not context["is_new"] and place != known.index(
            caption.utterance_id
        )
        context["after"] = self.captions[place - 1] if place else None
        self.captions.insert(place, caption)
        if caption.is_final and caption.utterance_id not in self._announced:
            self._announced.add(caption.utterance_id)
            context["announce"] = True
        return context


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
    group = ""

    async def connect(self) -> None:
        """Accept, check, then show what there is."""
        await self.accept()
        self.language = page_language(self.scope)
        call_id = UUID(str(self.scope["url_route"]["kwargs"]["call_id"]))
        user_id = await self._viewer_id(call_id)
        if user_id is None:
            await self.close(CLOSE_NOT_AUTHENTICATED)
            return
        # Join before reading, so that nothing falls between the two.
        group = viewers_group(call_id)
        await self.channel_layer.group_add(group, self.channel_name)
        self.group = group
        found = await in_database(self._load, call_id, user_id)
        if found is None:
            await self.close(CLOSE_NO_SUCH_CALL)
            return
        self.call, captions = found
        self.transcript = Transcript(captions)
        await self._send(
            "calls/_live.html#snapshot", {"captions": self.transcript.captions}
        )

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def call_event(self, event: dict[str, Any]) -> None:
        """Turn a message of the caller's socket into a fragment."""
        if not hasattr(self, "transcript"):
            return
        message = event["message"]
        match message.get("type"):
            case "caption":
                caption = Caption.from_message(message, self.call)
                await self._send(
                    "calls/_live.html#change", self.transcript.put(caption)
                )
            case "status":
                await self._show_status(str(message["status"]))
            case "ended":
                await self._show_status(str(message.get("status", Status.COMPLETED)))
            case "recording":
                found = await in_database(self._find, self.call.pk, self.call.owner_id)
                if found is not None:
                    found.status = self.call.status  # here it may be newer
                    self.call = found
                    await self._send("calls/_live.html#recording", {})

    async def _show_status(self, status: str) -> None:
        if status in Status and self.call.status not in TERMINAL:
            self.call.status = status
            await self._send("calls/_live.html#state", {})

    async def _send(self, template: str, context: dict[str, Any]) -> None:
        recording = partial(recordings.state_of, self.call)
        about = {"call": self.call, "recording": recording, **context}
        await self.send(text_data=self.render(template, about))

    async def _viewer_id(self, call_id: UUID) -> int | None:
        ticket = _query(self.scope, "ticket")
        if ticket:
            return await in_database(tickets.redeem_ticket, ticket, call_id)
        return await doorway.logged_in_user_id(self.scope)

    @staticmethod
    def _load(call_id: UUID, user_id: int) -> tuple[Call, list[Caption]] | None:
        call = CaptionsConsumer._find(call_id, user_id)
        return None if call is None else (call, captions_of(call))

    @staticmethod
    def _find(call_id: UUID, user_id: int) -> Call | None:
        mine = Call.objects.filter(owner_id=user_id).select_related("recording")
        return mine.filter(pk=call_id).first()


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

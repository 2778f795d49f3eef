"""Every state of the live page: axe-core, both themes, telephone and desktop.

The page is real and so is its call's row; both sockets are scripted by the test.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from playwright.sync_api import Browser, expect

from calls import helpers, phrases
from calls.models import Call, Direction, Mode, Status
from calls.tests.factories import CLINIC, make_call, make_line, make_user
from wigvo.tests.furniture import LEGS, LONG_NAMES, LONG_TEXTS, NAMES, OTHER, SAID
from wigvo.tests.looking import DESKTOP, LOOKS, PHONE, Eye, opened
from wigvo.tests.test_browser_live import CONTRASTS, Conversation

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True)]

CAPTION_LOOKS = ("light", "dark", "white", "black", "yellow")
REFUSE = """
() => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("", "NotAllowedError");
  };
}
"""


@dataclass
class Room:
    """Somebody with a browser, who makes calls in their language."""

    browser: Browser
    origin: str
    language: str

    def __post_init__(self) -> None:
        self.owner = make_user("owner", name_as_spoken=NAMES[self.language])
        phrases.phrases_of(self.owner, self.language)
        client = Client()
        client.force_login(self.owner)
        self.session_key = client.cookies["sessionid"].value

    def call(self, **fields: Any) -> Call:
        languages = {
            "caller_language": self.language,
            "callee_language": OTHER[self.language],
            "callee_name": LONG_NAMES[OTHER[self.language]],
        }
        return make_call(self.owner, **{**languages, **fields})

    @contextmanager
    def page(self, call: Call) -> Iterator[tuple[Eye, Conversation]]:
        """Open the page of a call; nothing is pressed yet."""
        with opened(
            self.browser, self.origin, self.language, session_key=self.session_key
        ) as eye:
            talk = Conversation(eye.page)
            talk.call = call
            eye.open(call.get_absolute_url(), "live")
            yield eye, talk

    @contextmanager
    def connected(self, call: Call) -> Iterator[tuple[Eye, Conversation]]:
        """Open the page of a call, and press the button that connects it."""
        with self.page(call) as (eye, talk):
            eye.page.locator("#start").click()
            expect(eye.page.locator("#connection")).to_have_attribute(
                "data-state", "open"
            )
            yield eye, talk


@pytest.fixture(params=["en", "ko"])
def room(
    request: pytest.FixtureRequest, browser: Browser, live_server: Any, settings: Any,
    tmp_path: Path,
) -> Room:  # fmt: skip
    settings.MEDIA_ROOT = tmp_path
    return Room(browser, live_server.url, str(request.param))


def hold_a_conversation(talk: Conversation, language: str) -> None:
    """Have long and short sentences said: in doubt, not understood, growing."""
    with translation.override(language):
        _hold_a_conversation(talk, language)


def _hold_a_conversation(talk: Conversation, language: str) -> None:
    for n, leg in enumerate(LEGS):
        own = language if leg == "caller" else OTHER[language]
        talk.shows(
            f"u{n}", leg, SAID[own][n], translation=SAID[OTHER[own]][n], at_s=4 * n
        )
    for n, leg in enumerate(("callee", "caller")):
        own = language if leg == "caller" else OTHER[language]
        talk.shows(
            f"long{n}", leg, LONG_TEXTS[own], translation=LONG_TEXTS[OTHER[own]],
            at_s=30 + 9 * n, uncertain=[[4, 18], [40, 60]],
        )  # fmt: skip
    talk.shows("nothing", "callee", "", at_s=50)
    talk.shows("grows", "callee", SAID[OTHER[language]][1][:9], at_s=55, is_final=False)


def end(call: Call, status: Status, reason: str, *, is_answered: bool) -> None:
    now = timezone.now()
    Call.objects.filter(pk=call.pk).update(
        status=status,
        reason=reason,
        ended_at=now,
        answered_at=now if is_answered else None,
    )


def test_before_and_while_it_rings(room: Room) -> None:
    draft = room.call(opening=SAID[room.language][2], record=True)
    with room.page(draft) as (eye, _talk):
        eye.page.evaluate(REFUSE)
        eye.page.locator("#start").click()
        expect(eye.page.locator("#call-notes .note")).to_be_visible()
        eye.look("live-microphone-refused")
        problems = eye.problems
    with room.page(draft) as (eye, talk):
        stream = {"url": "ws://relay.test/stream", "ticket": "t", "expires_at": ""}
        answer = {"status": "queued", "stream": stream}
        eye.page.route(re.compile("/start$"), lambda route: route.fulfill(json=answer))
        eye.page.locator("#start").click()
        state = eye.page.locator("#call-state")
        expect(state).to_have_attribute("data-status", "queued")
        eye.look("live-dialling")
        talk.tell("status", status="ringing")
        expect(state).to_have_attribute("data-status", "ringing")
        eye.look("live-it-rings")
        problems += eye.problems
    rehearsal = room.call(is_rehearsal=True)
    with room.page(rehearsal) as (eye, _talk):
        eye.look("live-rehearsal")
        problems += eye.problems
    assert not problems, "\n".join(problems)


def test_who_answers_and_what_goes_wrong(room: Room) -> None:
    with room.connected(room.call()) as (eye, talk):
        page = eye.page
        for kind in ("voicemail", "fax", "screening", "silence", "menu"):
            talk.tell("answered_by", kind=kind)
            expect(page.locator("#call-notes .note")).to_have_count(1)
            eye.look(f"live-{kind}")
        talk.tell("dtmf_status", digits="12#", state="failed")
        expect(page.locator("#keypad-state")).not_to_be_empty()
        eye.look("live-keypad")
        page.locator("#tools [aria-controls=keypad-panel]").click()
        talk.tell("answered_by", kind="unknown")
        talk.tell("hold", active=True)
        expect(page.locator("#call-hint")).to_be_visible()
        eye.look("live-hold")
        talk.tell("hold", active=False)
        talk.tell("recovery", state="degraded", engine="cascade")
        talk.tell("warning", code="spend_limit", message="", remaining_usd=0.4)
        talk.tell("warning", code="time_limit", message="", remaining_s=60)
        talk.tell("guardrail", action="held")
        talk.tell("cost", usd=12.34, minutes=50)
        talk.tell("latency", callee_to_caller_ms=8140, playout_lag_ms=5000)
        eye.look("live-degraded")
        assert talk._caller
        talk._caller.close(code=1011, reason="")
        expect(page.locator("#connection")).to_have_attribute("data-state", "waiting")
        eye.look("live-connection-lost")
        problems = eye.problems
    with room.connected(room.call()) as (eye, talk):
        assert talk._caller
        talk._caller.close(code=4408, reason="replaced")
        expect(eye.page.locator("#call-notes .note")).to_be_visible()
        eye.look("live-in-another-window")
        problems += eye.problems
    assert not problems, "\n".join(problems)


def test_what_is_said_typed_and_asked(room: Room) -> None:
    language = room.language
    with room.connected(room.call(mode=Mode.TEXT)) as (eye, talk):
        page = eye.page
        eye.look("live-nothing-said")
        hold_a_conversation(talk, language)
        expect(page.locator("#u-grows")).to_be_visible()
        eye.look("live-captions")
        talk.unheard("u4", "lost")
        talk.unheard("long1", "held")
        talk.tell("interruption", by="callee")
        expect(page.locator("#unheard-items li")).to_have_count(2)
        eye.look("live-unheard")
        talk.unheard("u4", "spoken")
        talk.unheard("long1", "spoken")
        for state in ("queued", "mismatch", "failed"):
            page.locator("#typed").fill(LONG_TEXTS[language][:120])
            page.locator("#typed").press("Enter")
            message = talk.took("text")[-1]
            spoken = LONG_TEXTS[OTHER[language]][:80]
            talk.tell("text_status", id=message["id"], state=state, translation=spoken)
        page.locator("#typed").fill(LONG_TEXTS[language] * 5)
        expect(page.locator("#typed-problem")).to_be_visible()
        eye.look("live-typed")
        page.locator("#typed").fill("")
        page.locator("#more-phrases").click()
        items = [
            {"text": LONG_TEXTS[OTHER[language]][:70], "translation": SAID[language][n]}
            for n in range(3)
        ]
        talk.tell("suggestions", utterance_id="u3", items=items)
        expect(page.locator("#replies")).to_be_visible()
        eye.look("live-suggestions")
        text = LONG_TEXTS[language]
        talk.tell("question", question_id="q1", text=text, expires_ms=600_000)
        expect(page.locator("#question")).to_be_visible()
        eye.look("live-question")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        expect(page.locator("#captions-scroll")).to_be_in_viewport()
        problems = eye.problems
    assert not problems, "\n".join(problems)


def test_panels_and_dialogs(room: Room) -> None:
    with room.connected(room.call(mode=Mode.CAPTIONS)) as (eye, talk):
        page = eye.page
        hold_a_conversation(talk, room.language)
        page.locator("#modes summary").click()
        eye.look("live-modes")
        page.locator("#modes summary").click()
        for name in ("keypad", "sound", "display"):
            page.locator(f"#tools [aria-controls={name}-panel]").click()
            expect(page.locator(f"#{name}-panel")).to_be_visible()
            if name == "display":
                page.locator(".helpers__more summary").click()
                page.locator(".helpers__form button").click()
                expect(page.locator("#helper-address")).to_be_visible()
            eye.look(f"live-{name}")
        talk.tell("hold", active=True)
        page.locator("#hang-up").click()
        expect(page.locator("#confirm-hang-up")).to_be_visible()
        eye.look("live-hang-up")
        page.locator("#confirm-hang-up button[value=stay]").click()
        problems = eye.problems
    assert not problems, "\n".join(problems)


def test_captions_in_every_look_and_three_times_as_large(room: Room) -> None:
    sizes = (PHONE, DESKTOP)
    with room.connected(room.call()) as (eye, talk):
        page = eye.page
        hold_a_conversation(talk, room.language)
        talk.unheard("u4", "lost")
        page.locator("#tools [aria-controls=display-panel]").click()
        for look in CAPTION_LOOKS:
            page.locator("#display [name=look]").select_option(look)
            eye.look(f"live-look-{look}", LOOKS[room.language][:1])
            for n, size in enumerate(sizes):
                page.set_viewport_size(size)  # type: ignore[arg-type]
                eye.at = f"look {look}, size {n}"
                for low in page.evaluate(CONTRASTS, 7):
                    eye.wrong(f"below 7:1: {low}")
        page.locator("#display [name=look]").select_option("page")
        page.locator("#display [name=size]").select_option("300")
        page.locator("#tools [aria-controls=display-panel]").click()
        eye.look("live-300-percent")
        problems = eye.problems
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.COMPLETED, "hung_up_by_callee"),
        (Status.FAILED, "engine_lost"),
        (Status.NO_ANSWER, "no_answer"),
    ],
)
def test_how_it_ends(room: Room, status: Status, reason: str) -> None:
    call = room.call(mode=Mode.TEXT)
    with room.connected(call) as (eye, talk):
        hold_a_conversation(talk, room.language)
        is_answered = status != Status.NO_ANSWER
        end(call, status, reason, is_answered=is_answered)
        talk.tell("ended", status=status.value)
        expect(eye.page.locator("#call-end h2")).to_be_visible()
        eye.look(f"live-end-{reason}")
    assert not eye.problems, "\n".join(eye.problems)


def test_somebody_calls_us(room: Room) -> None:
    line = make_line(room.owner)
    call = room.call(
        status=Status.IN_PROGRESS,
        direction=Direction.INBOUND,
        mode=Mode.AGENT,
        line=line,
        callee_name="",
        from_number=CLINIC,
        brief={"reception": {"line": line.name}},
    )
    with room.connected(call) as (eye, talk):
        hold_a_conversation(talk, room.language)
        eye.look("live-inbound")
    assert not eye.problems, "\n".join(eye.problems)


def test_somebody_reads_along(room: Room) -> None:
    call = room.call(status=Status.IN_PROGRESS)
    _link, token = helpers.create(call, hours=1)
    with opened(room.browser, room.origin, room.language) as eye:
        talk = Conversation(eye.page)
        talk.call = call
        eye.open(f"/watch/#{token}", "watch")
        expect(eye.page.locator("#captions-scroll")).to_be_visible()
        eye.look("watch-empty")
        talk.tell = lambda *_args, **_fields: None  # type: ignore[method-assign]
        hold_a_conversation(talk, room.language)
        eye.look("watch")
        eye.page.locator("#display-open").click()
        eye.look("watch-display")
    assert not eye.problems, "\n".join(eye.problems)

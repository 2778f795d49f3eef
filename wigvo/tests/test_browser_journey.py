"""The whole way on screen: say what is needed, call, understand, look back.

Real calls against the lab, in headless Chromium with a microphone that says what it is
told to; each traveller has an account of their own.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from wigvo.stack import Stack
from wigvo.tests.traveller import (
    ANSWER_MS,
    MOUTH,
    TOO_WIDE,
    Hand,
    Traveller,
    captions,
    number_in,
    open_page,
    reply,
)

Opener = Callable[[str, Hand], Traveller]


@pytest.fixture
def travel(stack: Stack, browser: Browser) -> Iterator[Opener]:
    """Give out travellers whose microphone is allowed; their pages must not break."""
    problems: list[str] = []

    def begin(locale: str, hand: Hand) -> Traveller:
        person = open_page(browser, stack, locale, hand)
        person.page.add_init_script(MOUTH)
        person.page.on("pageerror", lambda error: problems.append(str(error)))
        return person

    yield begin
    assert not problems


@dataclass(frozen=True)
class Trip:
    """What somebody wants, and how it goes.

    Attributes:
        scenario: to begin with; empty: it is told by the first message.
        said: the messages to the assistant, until it offers places, and after.
        talk: what is heard of the other side, and the phrase that answers it; the last
            one is waited for, and not answered.
        typed: phrases that are typed; in the mode text all of them are.
        found_by: a word that was said, by which the history finds the call.
    """

    number: str
    mode: str
    languages: tuple[str, str]
    before: tuple[str, ...]
    after: tuple[str, ...]
    talk: tuple[tuple[str, str], ...] = ()
    scenario: str = ""
    typed: tuple[str, ...] = ()
    found_by: str = ""


TABLE = (
    ("restaurant_answer", "restaurant_request"),
    ("restaurant_ask_name", "restaurant_name"),
    ("restaurant_ask_phone", "restaurant_phone"),
    ("restaurant_confirm", ""),
)
FLOWERS = (
    ("flower_answer", "flower_cannot_hear"),
    ("flower_clearly", "flower_request"),
    ("flower_ask_colour", "flower_colour"),
    ("flower_ask_card", "flower_card"),
    ("flower_ask_pickup", "flower_pickup"),
    ("flower_price", ""),
)
VISA = (
    ("common_how_can_i_help", "immigration_ask_documents"),
    ("immigration_documents", "immigration_ask_duration"),
    ("immigration_duration", ""),
)
AT_THE_RIVER = "A table for four tomorrow at 7 pm at Han River Restaurant"
IN_THE_GALAXY = "A table for four tomorrow at 7 pm at Galaxy Kitchen"
AGREED = {"en": "Yes, that's right", "ko": "네, 맞아요"}

TRIPS: dict[str, Trip] = {
    "voice-en": Trip(
        "+8225550101", "voice", ("en", "ko"),
        (AT_THE_RIVER,), ("John Smith",), TABLE, found_by="confirmed",
    ),
    "captions-en": Trip(
        "+8225550101", "captions", ("en", "ko"),
        (AT_THE_RIVER,), ("John Smith",), TABLE,
        typed=("restaurant_name",), found_by="confirmed",
    ),
    "text-en": Trip(
        "+8225550101", "text", ("en", "ko"),
        (AT_THE_RIVER,), ("John Smith",), TABLE, found_by="confirmed",
    ),
    "agent-en": Trip(
        "+8225550131", "agent", ("en", "ko"),
        (IN_THE_GALAXY,), ("Min-su Kim",), found_by="일곱",
    ),
    "voice-ko": Trip(
        "+8225550115", "voice", ("ko", "en"),
        ("대사관 비자 창구",), ("비자에 필요한 서류", "김민수입니다"), VISA,
        scenario="government_office", found_by="사진",
    ),
    "captions-ko": Trip(
        "+8225550114", "captions", ("ko", "ko"),
        ("햇살 꽃집",), ("장미 스무 송이를 주문할 수 있는지",), FLOWERS,
        scenario="inquiry_other", typed=("flower_card",), found_by="사만",
    ),
    "text-ko": Trip(
        "+8225550114", "text", ("ko", "ko"),
        ("햇살 꽃집",), ("장미 스무 송이를 주문할 수 있는지",), FLOWERS,
        scenario="inquiry_other", found_by="사만",
    ),
    "agent-ko": Trip(
        "+8225550131", "agent", ("ko", "ko"),
        ("내일 저녁 7시에 식당 네 명 예약해 주세요", "은하수 식당",), ("김민수입니다",),
        found_by="일곱",
    ),
}  # fmt: skip

SHORT: tuple[tuple[str, str, Hand], ...] = (("text-ko", "ko-KR", "finger"),)
LONG: tuple[tuple[str, str, Hand], ...] = (
    ("voice-en", "en-US", "mouse"),
    ("text-en", "en-US", "keys"),
    ("agent-en", "en-US", "keys"),
    ("agent-ko", "ko-KR", "finger"),
    ("captions-en", "en-US", "mouse"),
    ("captions-ko", "ko-KR", "keys"),
    ("voice-ko", "ko-KR", "finger"),
)


@pytest.mark.browser
@pytest.mark.long
@pytest.mark.parametrize(("name", "locale", "hand"), SHORT)
def test_from_a_wish_to_the_history(
    travel: Opener, name: str, locale: str, hand: Hand
) -> None:
    make_the_trip(travel(locale, hand), TRIPS[name])


@pytest.mark.scenes
@pytest.mark.parametrize(("name", "locale", "hand"), LONG)
def test_from_a_wish_to_the_history_in_every_mode(
    travel: Opener, name: str, locale: str, hand: Hand
) -> None:
    make_the_trip(travel(locale, hand), TRIPS[name])


def make_the_trip(person: Traveller, trip: Trip) -> None:
    """Go the whole way."""
    person.log_in()
    prepare(person, trip)
    person.start()
    if trip.mode == "agent":
        let_the_assistant_talk(person)
    else:
        talk(person, trip)
        person.hang_up()
    look_at_the_result(person, trip)
    find_it_again(person, trip)


# --- Before the call ------------------------------------------------------------------


def prepare(person: Traveller, trip: Trip) -> None:
    """Tell the assistant what is needed, until there is a call to be made."""
    page = person.page
    page.goto("/chat/")
    person.choose(page.locator("#id_caller_language"), trip.languages[0])
    person.choose(page.locator("#id_callee_language"), trip.languages[1])
    first, *others = trip.before
    if trip.scenario:
        chip = page.locator(f"button[name=scenario][value={trip.scenario}]")
        group = page.locator(".starters details").filter(has=chip)
        if group.count():
            person.use(group.locator("summary"))
        person.use(chip)
        others = [first, *others]
    else:
        person.write(page.locator("#id_text"), first)
        person.use(page.locator(".begin .actions button"))
    for message in others:
        tell(person, message)
    person.use(page.locator(".place").first)
    number = page.locator("#known-callee_number")
    expect(number).not_to_have_value("")
    assert number_in(number.input_value()).endswith(number_in(trip.number)[2:])
    person.keeps_focus()
    for message in trip.after:
        tell(person, message)
    set_the_mode(person, trip.mode)
    agree = page.locator("#next").get_by_role("button", name=AGREED[person.language])
    person.use(agree)
    person.keeps_focus()
    ready = page.locator(".ready button")
    expect(ready).to_be_visible()
    assert_it_fits(page)
    person.use(ready)
    expect(page.locator("#start")).to_be_visible()
    assert_it_fits(page)


def tell(person: Traveller, message: str) -> None:
    """Send a message, and wait until it is answered."""
    page = person.page
    answers = page.locator("#log .chat__message--assistant")
    expect(page.locator("#composer")).not_to_have_attribute("aria-busy", "true")
    before = answers.count()
    person.write(page.locator("#id_text"), message)
    page.keyboard.press("Enter")
    expect(answers.nth(before).locator("p").first).to_be_visible()
    expect(page.locator("#composer")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#id_text")).to_be_focused()


def set_the_mode(person: Traveller, mode: str) -> None:
    """Choose how the call is held."""
    page = person.page
    if page.locator("#id_mode").input_value() == mode:
        return
    person.use(
        page.locator(".panel__more", has=page.locator("#held")).locator("summary")
    )
    person.choose(page.locator("#id_mode"), mode)
    with page.expect_response(re.compile("/settings/$")):
        person.use(page.locator("#held button[type=submit]"))
    expect(page.locator(f"#id_mode option[value={mode}]")).to_have_attribute(
        "selected", ""
    )
    person.keeps_focus()


def assert_it_fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    assert page.evaluate(TOO_WIDE) == []


# --- The call -------------------------------------------------------------------------


def talk(person: Traveller, trip: Trip) -> None:
    """Hold the conversation: each answer belongs to what was read before it."""
    mine = trip.languages[0]
    first = trip.talk[0][0]
    assert person.reads(first, mine, ANSWER_MS / 1000), captions(person.page)
    for (_, phrase_id), (awaited, _) in zip(trip.talk, trip.talk[1:], strict=False):
        is_typed = trip.mode == "text" or phrase_id in trip.typed
        reply(person, "types" if is_typed else "says", phrase_id, awaited, mine)
    microphone = person.page.locator("#mute")
    if trip.mode == "text":
        expect(microphone).to_be_hidden()
    else:
        expect(microphone).to_be_visible()
    assert_it_fits(person.page)


def let_the_assistant_talk(person: Traveller) -> None:
    """Let it go on by itself, and answer what it asks."""
    page = person.page
    question = page.locator("#question")
    expect(question).to_be_visible(timeout=ANSWER_MS)
    person.use(question.locator("[data-answer]").first)
    expect(question).to_be_hidden()
    person.keeps_focus()
    ending = page.locator("#call-end h2")
    expect(ending).to_be_visible(timeout=2 * ANSWER_MS)
    expect(ending).to_be_focused()
    assert page.locator("#captions .caption--agent").count() >= 3


# --- After it -------------------------------------------------------------------------


def look_at_the_result(person: Traveller, trip: Trip) -> None:
    """See what came of it: outcome, summary, what was agreed, what was said."""
    page = person.page
    person.use(page.locator("#call-end a[role=button]").first)
    expect(page.locator(".result__summary")).not_to_be_empty(timeout=ANSWER_MS)
    expect(page.locator(".result__outcome .badge")).to_have_attribute(
        "data-outcome", "success"
    )
    if trip.talk is not VISA:
        expect(page.locator(".agreed li")).to_have_count(1)
    expect(page.locator("#captions > li").first).to_be_visible()
    assert_it_fits(page)


def find_it_again(person: Traveller, trip: Trip) -> None:
    """Find the call by what was said, and begin another one like it."""
    page = person.page
    page.goto("/calls/")
    person.write(page.locator("#id_q"), trip.found_by)
    row = page.locator("#history .row", has=page.locator(".row__snippet"))
    expect(row).to_have_count(1)
    person.use(row.locator("a"))
    again = page.locator("#call-end a[href*='again=']")
    person.use(again)
    number = page.locator("#id_number")
    expect(number).to_be_visible()
    assert number_in(number.input_value()).endswith(number_in(trip.number)[-8:])
    chosen = page.locator(f"[name=mode][value={trip.mode}]")
    expect(chosen).to_be_checked()

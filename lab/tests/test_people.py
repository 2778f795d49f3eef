"""The people: what they do when they hear, mishear, or hear nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.people import (
    Action,
    Answer,
    Event,
    Finished,
    Heard,
    Hush,
    Key,
    Person,
    PlaySound,
    PressKeys,
    PutDown,
    Result,
    Sound,
    Speak,
    Tick,
    Type,
    Write,
    load_people,
    parse_script,
    parse_step,
    phrase_ids,
    spoken_ids,
)
from lab.speech.phrasebook import Phrasebook

SPEAKING_MS = 1000


def act(
    steps: Sequence[dict[str, Any]],
    *happenings: tuple[int, Event],
    until_ms: int = 120_000,
    types: bool = False,
) -> tuple[Person, list[tuple[int, Action]]]:
    """Let a person live; every phrase takes them a second to say or to type.

    Args:
        steps: the script.
        happenings: (time, event), in order.
        until_ms: when to stop looking.
        types: types everything.

    Returns:
        The person, and what they did when.
    """
    person = Person([parse_step(step) for step in steps], types=types)
    waiting, done = list(happenings), list[tuple[int, Action]]()
    finished_ms: int | None = None
    for now in range(0, until_ms, 20):
        events: list[Event] = []
        if finished_ms is not None and now >= finished_ms:
            events.append(Finished())
            finished_ms = None
        while waiting and waiting[0][0] <= now:
            events.append(waiting.pop(0)[1])
        for event in [*events, Tick()]:
            for action in person.receive(event, now):
                done.append((now, action))
                match action:
                    case Speak() | Write():
                        finished_ms = now + SPEAKING_MS
                    case PlaySound(_, ms):
                        finished_ms = now + ms
                    case Hush():
                        finished_ms = None
    return person, done


def said(done: list[tuple[int, Action]]) -> list[str]:
    return [action.phrase_id for _, action in done if isinstance(action, Speak)]


ASK: list[dict[str, Any]] = [
    {"say": "question"},
    {"expect": ["yes", "no"], "timeout_ms": 5000, "reprompt": "what"},
    {"say": "thanks"},
    {"hang_up": True},
]


def test_a_person_asks_waits_for_the_answer_and_hangs_up() -> None:
    person, done = act(ASK, (3000, Heard("no")))
    assert said(done) == ["question", "thanks"]
    assert isinstance(done[-1][1], PutDown)
    assert [o.result for o in person.outcomes] == [Result.HEARD]
    assert person.is_done
    assert done[-1][0] < 5000


def test_a_person_asks_again_once_and_goes_on() -> None:
    person, done = act(ASK)
    assert said(done) == ["question", "what", "thanks"]
    assert [(o.result, o.reprompts) for o in person.outcomes] == [(Result.MISSED, 1)]
    assert person.is_done


def test_unclear_speech_is_asked_about_sooner() -> None:
    _, unclear = act(ASK, (2000, Heard(None)))
    _, nothing = act(ASK)
    assert said(unclear) == said(nothing)
    assert unclear[1][0] == 5000 < nothing[1][0]


def test_the_answer_to_a_second_question_is_good_enough() -> None:
    person, done = act(ASK, (9000, Heard("yes")))
    assert said(done) == ["question", "what", "thanks"]
    assert person.outcomes[0].result is Result.HEARD


def test_what_is_heard_too_early_is_remembered() -> None:
    person, done = act(ASK, (700, Heard("yes")))
    assert said(done) == ["question", "thanks"]
    assert person.outcomes[0].result is Result.EARLY


def test_an_answer_that_comes_while_asking_again_counts() -> None:
    person, done = act(ASK, (6800, Heard("yes")))
    assert said(done) == ["question", "what", "thanks"]
    assert person.outcomes[0].heard == "yes"


def test_somebody_who_is_asked_to_repeat_repeats() -> None:
    _, done = act(ASK, (2500, Heard("common_please_repeat")), (5500, Heard("yes")))
    assert said(done) == ["question", "question", "thanks"]


def test_a_polite_person_waits_for_silence() -> None:
    _, done = act([{"say": "hello"}], (0, Sound(True)), (3000, Sound(False)))
    assert done == [(3400, Speak("hello"))]


def test_two_phrases_do_not_run_into_each_other() -> None:
    _, done = act([{"say": "a"}, {"say": "b"}])
    assert spoken_at(done) == [(400, "a"), (1800, "b")]


def test_nobody_is_polite_for_ever() -> None:
    _, done = act([{"say": "hello"}], (0, Sound(True)))
    assert done == [(8000, Speak("hello"))]


def test_a_deadline_waits_for_the_end_of_what_is_being_said() -> None:
    _, done = act(ASK, (3000, Sound(True)), (9000, Sound(False)), (9200, Heard("yes")))
    assert said(done) == ["question", "thanks"]


def test_an_interrupter_talks_over_the_other_side() -> None:
    steps: list[dict[str, Any]] = [
        {"interrupt": "wait", "after_ms": 1500},
        {"hang_up": True},
    ]
    person, done = act(steps, (1000, Sound(True)))
    assert done[0] == (2500, Speak("wait"))
    assert person.outcomes[0].result is Result.HEARD


def test_an_interrupter_who_is_not_talked_to_goes_on_and_reports_it() -> None:
    person, done = act([{"interrupt": "wait", "timeout_ms": 4000}, {"hang_up": True}])
    assert said(done) == ["wait"]
    assert len(person.missed) == 1
    assert person.is_done


SEQUENCE: dict[str, Any] = {"say": ["a", "b", "c"], "pause_ms": [500, 1500]}


def spoken_at(done: list[tuple[int, Action]]) -> list[tuple[int, str]]:
    return [(at, one.phrase_id) for at, one in done if isinstance(one, Speak)]


def test_several_phrases_are_said_with_their_pauses() -> None:
    _, done = act([SEQUENCE, {"hang_up": True}])
    assert spoken_at(done) == [(400, "a"), (1900, "b"), (4400, "c")]
    assert isinstance(done[-1][1], PutDown)
    _, evenly = act([{"say": ["a", "b", "c"], "pause_ms": 200}])
    assert spoken_at(evenly) == [(400, "a"), (1600, "b"), (2800, "c")]


def test_nothing_that_is_heard_holds_up_a_monologue() -> None:
    happenings: list[tuple[int, Event]] = [
        (1000, Sound(True)),
        (1020, Heard("x")),
        (1040, Heard("common_please_repeat")),
        (1060, Heard(None)),
    ]
    _, done = act([SEQUENCE], *happenings)
    assert spoken_at(done) == [(400, "a"), (1900, "b"), (4400, "c")]


def test_the_last_phrase_of_a_monologue_is_repeated() -> None:
    steps = [SEQUENCE, {"expect": "yes"}, {"hang_up": True}]
    _, done = act(steps, (7000, Heard("common_please_repeat")), (9000, Heard("yes")))
    assert said(done) == ["a", "b", "c", "c"]


LISTEN: list[dict[str, Any]] = [
    {"backchannel": ["yes", "ah"], "after_ms": 1200, "times": 3, "timeout_ms": 9000},
    {"expect": "story", "timeout_ms": 5000},
    {"hang_up": True},
]


def test_a_listener_says_short_words_into_the_story() -> None:
    person, done = act(
        LISTEN, (1000, Sound(True)), (9000, Sound(False)), (9300, Heard("story"))
    )
    assert spoken_at(done) == [(2200, "yes"), (4400, "ah"), (6600, "yes")]
    assert [o.result for o in person.outcomes] == [Result.HEARD, Result.HEARD]


def test_a_listener_stops_when_the_story_does() -> None:
    person, done = act(
        LISTEN, (1000, Sound(True)), (3000, Sound(False)), (3300, Heard("story"))
    )
    assert said(done) == ["yes"]
    # They have heard it to its end: nothing is left to wait for.
    assert [o.result for o in person.outcomes] == [Result.MISSED, Result.EARLY]
    assert done[-1][0] == 3200 + 2500


def test_a_listener_does_not_listen_for_ever() -> None:
    person, done = act(LISTEN)
    assert said(done) == []
    assert [o.result for o in person.outcomes] == [Result.MISSED, Result.MISSED]
    assert person.is_done


def test_a_listeners_word_is_not_what_is_repeated() -> None:
    steps = [{"say": "question"}, *LISTEN[:1], {"expect": "yes"}, {"hang_up": True}]
    _, done = act(
        steps,
        (2000, Sound(True)),
        (9900, Sound(False)),
        (10_000, Heard("common_please_repeat")),
        (15_000, Heard("yes")),
    )
    assert said(done) == ["question", "yes", "ah", "yes", "question"]


def test_keys_are_pressed() -> None:
    steps: list[dict[str, Any]] = [{"wait_ms": 100}, {"press": "1#"}]
    _, done = act(steps)
    assert done == [(100, PressKeys("1#"))]


def typed(done: list[tuple[int, Action]]) -> list[str]:
    return [action.phrase_id for _, action in done if isinstance(action, Write)]


def test_one_sentence_of_a_conversation_can_be_typed() -> None:
    steps: list[dict[str, Any]] = [{"say": "a"}, {"type": "b"}, {"say": "c"}]
    _, done = act(steps)
    assert (said(done), typed(done)) == (["a", "c"], ["b"])


def test_who_types_waits_for_no_silence() -> None:
    _, done = act([{"type": "a"}, {"type": "b"}], (0, Sound(True)))
    assert done == [(0, Write("a")), (1000, Write("b"))]


def test_who_types_everything_asks_and_repeats_by_typing() -> None:
    person, done = act(
        ASK,
        (1500, Heard("common_please_repeat")),
        (9900, Heard("yes")),
        types=True,
    )
    assert said(done) == []
    assert typed(done) == ["question", "question", "what", "thanks"]
    assert person.is_done


def test_what_was_typed_is_repeated_by_typing() -> None:
    steps: list[dict[str, Any]] = [
        {"say": "a"}, {"type": "b"}, {"expect": "yes"}, {"say": "c"},
    ]  # fmt: skip
    happenings = (4000, Heard("common_please_repeat")), (8000, Heard("yes"))
    _, done = act(steps, *happenings)
    assert (said(done), typed(done)) == (["a", "c"], ["b", "b"])


EVENTS = st.one_of(
    st.sampled_from(["yes", "no", "other", "common_please_repeat"]).map(Heard),
    st.just(Heard(None)),
    st.booleans().map(Sound),
)
STEPS = st.one_of(
    st.just({"say": "a"}),
    st.just({"type": "a"}),
    st.just({"expect": ["yes"], "timeout_ms": 3000, "reprompt": "what"}),
    st.just({"expect": ["no"], "timeout_ms": 3000}),
    st.just({"interrupt": "b", "timeout_ms": 3000}),
    st.just({"say": ["a", "b", "c"], "pause_ms": 700}),
    st.just({"backchannel": ["c"], "times": 2, "timeout_ms": 3000}),
    st.just({"wait_ms": 500}),
    st.just({"press": "1"}),
)


@given(
    st.lists(STEPS, max_size=5),
    st.lists(st.tuples(st.integers(0, 60_000), EVENTS), max_size=20),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.slow
def test_nothing_that_is_heard_stops_a_person_for_ever(
    steps: list[dict[str, Any]], happenings: list[tuple[int, Event]]
) -> None:
    happenings.sort(key=lambda happening: happening[0])
    # Each step can take its time-outs, their extensions and one repetition a request.
    person, done = act([*steps, {"hang_up": True}], *happenings, until_ms=240_000)
    assert person.is_done
    assert sum(isinstance(action, PutDown) for _, action in done) == 1
    verbs = {"expect", "interrupt", "backchannel"}
    waits = sum(bool(verbs & step.keys()) for step in steps)
    assert len(person.outcomes) == waits


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"sing": "a"},
        {"say": "a", "expect": "b"},
        {"say": "a", "timeout_ms": 1},
        {"expect": "a", "loudly": True},
        {"say": []},
        {"say": ["a", "b"], "pause_ms": [1, 2]},
        {"backchannel": []},
        {"type": "a", "pause_ms": 1},
    ],
)
def test_a_step_that_means_nothing_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"verb|unexpected|phrase|pause_ms"):
        parse_step(step)


def test_a_script_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        parse_script("x", {"number": "+82", "name": {}, "colour": "red"})


@pytest.mark.parametrize(
    "steps",
    [
        [{"go": "nowhere"}],
        [{"expect": "a", "otherwise": "nowhere"}],
        [{"menu": "a", "keys": {1: "nowhere"}}],
        [{"label": "a"}, {"label": "a"}],
    ],
)
def test_a_script_that_leads_nowhere_is_refused(steps: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="label"):
        parse_script("x", {"number": "+82", "name": {}, "script": steps})


# --- machines ------------------------------------------------------------------------

MENU: list[dict[str, Any]] = [
    {"polite": False},
    {"label": "main"},
    {
        "menu": ["welcome", "choices"],
        "keys": {1: "hours", "2": "person"},
        "wrong": "wrong",
        "timeout_ms": 3000,
        "times": 2,
    },
    {"hang_up": True},
    {"label": "hours"},
    {"say": "hours"},
    {"go": "main"},
    {"label": "person"},
    {"polite": True},
    {"say": "person"},
    {"hang_up": True},
]


def test_a_machine_talks_whatever_it_hears() -> None:
    _, done = act([{"polite": False}, {"say": "hello"}], (0, Sound(True)))
    assert spoken_at(done) == [(400, "hello")]


def test_a_menu_is_read_again_and_then_given_up() -> None:
    person, done = act(MENU)
    assert said(done) == ["welcome", "choices"] * 2
    assert isinstance(done[-1][1], PutDown)
    assert person.missed[-1].heard is None


def test_a_key_interrupts_the_menu_and_leads_on() -> None:
    person, done = act(MENU, (900, Key("2")))
    assert said(done) == ["welcome", "person"]
    assert [type(action) for _, action in done[:2]] == [Speak, Hush]
    assert done[1][0] == 900
    assert [(o.result, o.heard) for o in person.outcomes] == [(Result.HEARD, "2")]


def test_a_wrong_key_is_told_and_the_menu_is_read_again() -> None:
    person, done = act(MENU, (4500, Key("9")), (9000, Key("2")))
    assert said(done)[:3] == ["welcome", "choices", "wrong"]
    assert said(done)[3] == "welcome"
    assert said(done)[-1] == "person"
    assert [o.heard for o in person.outcomes] == ["9", "2"]


def test_a_key_may_lead_back_to_the_menu() -> None:
    _, done = act(MENU, (900, Key("1")), (9000, Key("2")))
    assert said(done)[:3] == ["welcome", "hours", "welcome"]
    assert said(done)[-1] == "person"


def test_keys_where_none_are_wanted_are_nothing() -> None:
    person, done = act([{"say": "hello"}], (600, Key("1")))
    assert said(done) == ["hello"]
    assert person.outcomes == []


VOICEMAIL: list[dict[str, Any]] = [
    {"polite": False},
    {"say": "greeting"},
    {"play": "beep", "ms": 400},
    {"record_ms": 20_000, "silence_ms": 4000},
    {"say": "saved"},
    {"hang_up": True},
]


def test_a_voicemail_beeps_and_notes_what_it_hears_until_it_is_quiet() -> None:
    person, done = act(
        VOICEMAIL,
        (500, Heard("too early")),
        (3000, Sound(True)),
        (6000, Sound(False)),
        (6200, Heard("message")),
    )
    assert [a for _, a in done if isinstance(a, PlaySound)] == [PlaySound("beep", 400)]
    assert person.outcomes[0].recorded == ("message",)
    assert person.outcomes[0].result is Result.HEARD
    assert [at for at, phrase in spoken_at(done) if phrase == "saved"] == [10_000]


def test_a_message_may_be_too_long_or_not_there() -> None:
    person, done = act(VOICEMAIL, (3000, Sound(True)))
    assert [at for at, phrase in spoken_at(done) if phrase == "saved"] == [21_800]
    person, done = act(VOICEMAIL)
    assert person.missed[0].recorded == ()
    assert [at for at, phrase in spoken_at(done) if phrase == "saved"] == [5800]


def test_a_message_ends_with_the_call() -> None:
    person, _ = act(VOICEMAIL, (3000, Sound(True)), until_ms=4000)
    person.receive(Heard("message"), 4000)
    person.hung_up(4100)
    assert [o.recorded for o in person.outcomes] == [("message",)]
    assert person.is_done
    person, _ = act(VOICEMAIL, until_ms=1000)
    person.hung_up(1000)
    assert person.outcomes == []


def test_what_is_not_heard_may_lead_elsewhere() -> None:
    steps: list[dict[str, Any]] = [
        {"expect": "name", "timeout_ms": 2000, "otherwise": "refused"},
        {"say": "welcome"},
        {"hang_up": True},
        {"label": "refused"},
        {"say": "sorry"},
    ]
    assert said(act(steps)[1]) == ["sorry"]
    assert said(act(steps, (500, Heard("name")))[1]) == ["welcome"]


def test_what_is_heard_may_lead_elsewhere() -> None:
    steps: list[dict[str, Any]] = [
        {"expect": ["a", "b"], "timeout_ms": 2000, "branches": {"b": "other"}},
        {"say": "first"},
        {"hang_up": True},
        {"label": "other"},
        {"say": "second"},
    ]
    assert said(act(steps, (500, Heard("a")))[1]) == ["first"]
    assert said(act(steps, (500, Heard("b")))[1]) == ["second"]
    assert said(act(steps)[1]) == ["first"]
    early = [{"wait_ms": 1000}, *steps]
    assert said(act(early, (500, Heard("b")))[1]) == ["second"]
    with pytest.raises(ValueError, match="waited for"):
        parse_step({"expect": "a", "branches": {"b": "other"}})
    lost = [{"expect": "a", "branches": {"a": "nowhere"}}]
    with pytest.raises(ValueError, match="nowhere"):
        parse_script("x", {"number": "1", "name": {}, "script": lost})


# --- the published table -------------------------------------------------------------


def test_the_published_numbers_are_the_people() -> None:
    table = {number: (s.id, s.answer) for number, s in load_people().items()}
    assert table == {
        "+8225550101": ("restaurant", Answer.PERSON),
        "+8225550102": ("clinic", Answer.PERSON),
        "+8225550103": ("immigration", Answer.PERSON),
        "+8225550104": ("quiet", Answer.PERSON),
        "+8225550105": ("interrupter", Answer.PERSON),
        "+8225550106": ("nobody", Answer.NOBODY),
        "+8225550107": ("busy", Answer.BUSY),
        "+8225550108": ("unknown", Answer.UNASSIGNED),
        "+8225550109": ("monologuer", Answer.PERSON),
        "+8225550110": ("hesitant", Answer.PERSON),
        "+8225550111": ("backchanneler", Answer.PERSON),
        "+8225550112": ("repeater", Answer.PERSON),
        "+8225550113": ("hurried", Answer.PERSON),
        "+8225550114": ("flower_shop", Answer.PERSON),
        "+8225550115": ("embassy", Answer.PERSON),
        "+8225550116": ("listener", Answer.PERSON),
        "+8225550121": ("voicemail", Answer.PERSON),
        "+8225550122": ("menu", Answer.PERSON),
        "+8225550123": ("screening", Answer.PERSON),
        "+8225550124": ("fax", Answer.PERSON),
        "+8225550125": ("silence", Answer.PERSON),
        "+8225550126": ("hold", Answer.PERSON),
        "+8225550127": ("picked_up", Answer.PERSON),
        "+8225550128": ("no_number", Answer.PERSON),
        "+8225550131": ("agent_restaurant", Answer.PERSON),
        "+8225550132": ("agent_abusive", Answer.PERSON),
        "+8225550133": ("agent_doubter", Answer.PERSON),
        "+8225550134": ("agent_injector", Answer.PERSON),
        "+8225550141": ("reception_message", Answer.PERSON),
        "+8225550142": ("reception_transfer", Answer.PERSON),
        "+8225550143": ("reception_booking", Answer.PERSON),
        "+8225550144": ("reception_goodbye", Answer.PERSON),
        "+8225550145": ("reception_english", Answer.PERSON),
        "+8225550146": ("reception_colleague", Answer.PERSON),
        "+8225550147": ("reception_injector", Answer.PERSON),
        "+8225550151": ("no_recording", Answer.PERSON),
    }


ANSWERING = [s for s in load_people().values() if s.answer is Answer.PERSON]
TALKERS = [s for s in ANSWERING if s.caller and s.answered_by == "human"]


@pytest.mark.parametrize("script", ANSWERING, ids=lambda script: script.id)
def test_every_phrase_of_a_script_is_in_the_phrasebook(script: Any) -> None:
    book = Phrasebook.load()
    for phrase_id in phrase_ids(script.steps):
        assert script.language in book[phrase_id].texts, phrase_id
    for phrase_id in phrase_ids(script.caller):
        assert script.caller_language in book[phrase_id].texts, phrase_id


def speaking_ms(phrase_id: str) -> int:
    """How long it takes to say a phrase in English, about."""
    return len(Phrasebook.load()[phrase_id].texts["en"]) * 70 // 20 * 20


def greeting_of(script: Any) -> str:
    is_one_language = script.language == script.caller_language
    return "greeting_relay" if is_one_language else "greeting_disclosure"


@pytest.mark.parametrize("types", [False, True], ids=["speaking", "typing"])
@pytest.mark.parametrize("script", TALKERS, ids=lambda script: script.id)
def test_both_sides_of_a_script_come_to_an_end_together(
    script: Any, types: bool
) -> None:
    """Let callee and caller talk over a perfect interpreter that takes 1.5 s."""
    callee, caller = Person(script.steps), Person(script.caller, types=types)
    to_callee: list[tuple[int, Event]] = [(3000, Heard(greeting_of(script)))]
    to_caller: list[tuple[int, Event]] = []
    both = ((callee, to_callee, to_caller), (caller, to_caller, to_callee))
    for now in range(0, 300_000, 20):
        for person, ears, mouth in both:
            events = [event for at, event in ears if at == now]
            for event in [*events, Tick()]:
                for action in person.receive(event, now):
                    if isinstance(action, PlaySound):
                        ears.append((now + action.ms, Finished()))
                    if isinstance(action, Speak | Write):
                        took_ms = speaking_ms(action.phrase_id)
                        ears.append((now + took_ms, Finished()))
                        mouth.append((now + 1500, Sound(True)))
                        mouth.append((now + 1500 + took_ms, Sound(False)))
                        mouth.append((now + 1500 + took_ms, Heard(action.phrase_id)))
    assert callee.is_done
    assert caller.is_done
    assert callee.missed == caller.missed == []
    assert all(outcome.reprompts == 0 for outcome in callee.outcomes)
    n_phrases = len(spoken_ids(script.steps)) + len(spoken_ids(script.caller))
    n_phrases += sum(isinstance(step, Type) for step in script.caller)
    least = 12 if script.id == "restaurant" else 9
    is_short = script.id.startswith(("agent_", "reception_"))
    assert n_phrases >= (5 if is_short else least)

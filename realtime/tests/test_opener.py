"""The first sentences made ready: translated, spoken, compared, never in the way."""

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from calls import services as calls
from calls.models import Call, CallEvent
from realtime.events import Line, Pcm
from realtime.opening import introduction as opening
from realtime.opening import opener
from realtime.opening.opener import Introduction, Opener, in_their_language
from realtime.services import CallFacts, facts_of
from realtime.sockets import EngineRefusedError
from realtime.tests.conftest import Relay
from realtime.tests.fakes import eventually
from realtime.text import texts
from realtime.voice.lines import text_of
from realtime.voice.speaker import Spoken
from wigvo.database import in_database

OWN = "This is Kim Minsu. I would like to change my table on Friday at 7 pm."
KOREAN = "김민수입니다. 금요일 오후 7시 예약을 바꾸고 싶습니다."
WANTED = Introduction(OWN, "Kim Minsu", "en", "ko", user_id="1")


class Translator:
    """Stands where `texts.translate` does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, dict[str, Any]]] = []
        self.answer: str | Exception | float = KOREAN

    async def __call__(
        self, text: str, source: str, target: str, **more: Any
    ) -> texts.Translated:
        self.asked.append((text, source, target, more))
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, float):
            await asyncio.sleep(self.answer)
            return texts.Translated("too late", {})
        usage = {"input_tokens": 40, "output_tokens": 5}
        return texts.Translated(self.answer, usage)


@pytest.fixture
def translator(monkeypatch: pytest.MonkeyPatch) -> Translator:
    cache.clear()
    fake = Translator()
    monkeypatch.setattr(texts, "translate", fake)
    return fake


# --- Words ---------------------------------------------------------------------------


async def test_the_callers_words_are_translated_once(translator: Translator) -> None:
    found = await in_their_language(WANTED)
    assert (found.text, found.problem) == (KOREAN, "")
    assert len(found.usage) == 1
    again = await in_their_language(WANTED)
    assert (again.text, again.usage) == (KOREAN, [])
    [(text, source, target, more)] = translator.asked
    assert (text, source, target) == (OWN, "en", "ko")
    assert more["names"] == ["Kim Minsu"]


async def test_what_needs_no_translation_is_not_sent(translator: Translator) -> None:
    for text, expected in (
        ("", ""),
        (KOREAN, KOREAN),
        (opening.introduce("en", "Kim Minsu"), opening.introduce("ko", "Kim Minsu")),
    ):
        found = await in_their_language(replace(WANTED, text=text))
        assert (found.text, found.problem) == (expected, "")
    assert translator.asked == []


async def test_a_sentence_for_other_calls_is_translated_from_its_own_language(
    translator: Translator,
) -> None:
    translator.answer = "Guten Tag, hier ist Kim Minsu."
    hangul = "안녕하세요, 김민수입니다."
    wanted = replace(WANTED, text=hangul, callee_language="de")
    await in_their_language(wanted)
    assert translator.asked[0][1:3] == ("ko", "de")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (texts.TextFailed("limit"), "limit"),
        ("김민수입니다. 금요일 오후 8시 예약을 바꾸고 싶습니다.", "numbers_differ"),
        ("금요일 오후 7시 예약을 바꾸고 싶습니다.", "names_differ"),
        ("김민수다 개새끼야. 금요일 오후 7시 예약을 바꿔.", "abusive"),
        ("김민수입니다. " * 90, "too_long"),
    ],
)
async def test_what_cannot_be_said_like_this_leaves_the_name(
    translator: Translator, answer: Any, problem: str
) -> None:
    translator.answer = answer
    found = await in_their_language(WANTED)
    assert found.text == "안녕하세요. Kim Minsu 님의 전화입니다."
    assert found.problem == problem
    translator.answer = KOREAN
    assert (await in_their_language(WANTED)).text == KOREAN  # nothing wrong was kept


# --- Sound ---------------------------------------------------------------------------


class FakeSpeaker:
    """Reads out what it is told to, or something else."""

    def __init__(self) -> None:
        self.rendered: list[str] = []
        self.said: list[str] = []
        self.misread: list[str] = []
        self.refused: list[str] = []

    async def render(self, text: str, language: str) -> Pcm:
        self.rendered.append(text)
        if text in self.refused:
            raise EngineRefusedError("speaker_failed")
        return np.full(100, len(self.rendered), np.int16)

    async def say(self, text: str, language: str, **more: Any) -> Spoken:
        assert not more.get("keep")  # a name is not kept beyond the process
        self.said.append(text)
        if text in self.refused:
            raise EngineRefusedError("speaker_failed")
        spoken = "Sure!" if text in self.misread else text
        pcm = np.full(300, 9, np.int16)
        return Spoken(pcm, spoken, is_verbatim=spoken == text)


@pytest.fixture
def facts(transactional_db: None) -> CallFacts:
    from calls.tests.factories import make_call, make_user

    alice = make_user("alice", name_as_spoken="Kim Minsu")
    return facts_of(make_call(alice, opening=OWN))


FIXED = text_of(Line.GREETING, "ko")
OURS = opening.disclosure("ko", opening.Kind.INTERPRETED)
NAMED = "안녕하세요. Kim Minsu 님의 전화입니다."


async def test_the_introduction_comes_first_and_the_disclosure_always_after(
    facts: CallFacts, translator: Translator
) -> None:
    speaker = FakeSpeaker()
    prepared = await Opener(facts, speaker).prepare()  # type: ignore[arg-type]
    assert prepared.text == f"{KOREAN} {OURS}"
    assert list(prepared.pcm[:300]) == [9] * 300
    assert len(prepared.pcm) == 300 + 24 * opener.PAUSE_MS + 100
    assert prepared.proof == {
        "wanted": OWN,
        "introduction": KOREAN,
        "language": "ko",
        "problem": "",
    }


async def test_what_is_read_out_wrongly_is_not_played(
    facts: CallFacts, translator: Translator
) -> None:
    speaker = FakeSpeaker()
    speaker.misread = [KOREAN]
    prepared = await Opener(facts, speaker).prepare()  # type: ignore[arg-type]
    assert prepared.text == f"{NAMED} {OURS}"
    assert prepared.proof["problem"] == "not_verbatim"
    speaker.misread = [KOREAN, NAMED]
    prepared = await Opener(facts, speaker).prepare()  # type: ignore[arg-type]
    assert prepared.text == FIXED


@pytest.mark.parametrize("refused", [[KOREAN], [OURS]])
async def test_what_cannot_be_spoken_gives_way_to_the_fixed_greeting(
    facts: CallFacts, translator: Translator, refused: list[str]
) -> None:
    speaker = FakeSpeaker()
    speaker.refused = refused
    prepared = await Opener(facts, speaker).prepare()  # type: ignore[arg-type]
    assert prepared.text == FIXED
    assert prepared.proof["introduction"] == ""


async def test_a_translator_that_takes_too_long_is_not_waited_for(
    facts: CallFacts, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opener, "TIMEOUT_S", 0.05)
    translator.answer = 30.0
    prepared = await Opener(facts, FakeSpeaker()).prepare()  # type: ignore[arg-type]
    assert prepared.text == FIXED
    assert prepared.proof["problem"] == "timeout"


async def test_without_any_greeting_there_is_no_call(
    facts: CallFacts, translator: Translator
) -> None:
    speaker = FakeSpeaker()
    speaker.refused = [FIXED, OURS]
    with pytest.raises(EngineRefusedError):
        await Opener(facts, speaker).prepare()  # type: ignore[arg-type]


async def test_an_agent_introduces_itself(
    facts: CallFacts, translator: Translator
) -> None:
    facts = replace(facts, config=replace(facts.config, mode="agent"))
    speaker = FakeSpeaker()
    prepared = await Opener(facts, speaker).prepare()  # type: ignore[arg-type]
    assert prepared.text == FIXED
    assert not speaker.said
    assert not translator.asked


async def test_what_was_used_is_paid_once(
    facts: CallFacts, translator: Translator
) -> None:
    made = Opener(facts, FakeSpeaker())  # type: ignore[arg-type]
    await made.prepare()
    assert len(made.take_usage()) == 1
    assert made.take_usage() == []


# --- In the relay --------------------------------------------------------------------


async def test_a_named_call_is_dialled_with_its_opening_ready(
    relay: Relay, translator: Translator
) -> None:
    def name() -> None:
        relay.alice.name_as_spoken = "Kim Minsu"
        relay.alice.save()
        Call.objects.filter(pk=relay.call.pk).update(opening=OWN)

    await in_database(name)
    await relay.start()
    assert relay.twilio.dialled
    said = [
        e["response"]["input"][0]["content"][0]["text"]
        for s in relay.openai.sessions
        for e in s.received
        if e["type"] == "response.create"
    ]
    assert {KOREAN, OURS} <= set(said)

    def prepared() -> Any:
        events = CallEvent.objects.filter(kind="opening_prepared")
        return events.values_list("data", flat=True).first()

    await eventually(lambda: translator.asked)
    for _ in range(100):
        if found := await in_database(prepared):
            break
        await asyncio.sleep(0.02)
    assert found["introduction"] == KOREAN


# --- Which introduction --------------------------------------------------------------


def create(owner: Any, **fields: Any) -> Call:
    languages = {"caller_language": "en", "callee_language": "ko"}
    return calls.create_call(
        owner=owner, to_number="+8225550101", **{**languages, **fields}
    )


@pytest.mark.django_db
def test_a_call_is_introduced_as_its_caller_usually_is() -> None:
    from calls.tests.factories import make_user

    alice = make_user("alice")
    assert create(alice).opening == ""
    alice.name_as_spoken = "Kim Minsu"
    assert create(alice).opening == "Hello. This is a call from Kim Minsu."
    alice.opening = "Kim Minsu here, I cannot hear you but read what you say"
    assert create(alice).opening == f"{alice.opening}."
    assert create(alice, opening=" ").opening == f"{alice.opening}."
    assert create(alice, opening=" Only\nthis ").opening == "Only this"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * 301, "opening_too_long"),
        ("I will kill you.", "opening_abusive"),
        ("야 이 개새끼야", "opening_abusive"),
    ],
)
def test_nobody_is_greeted_with_that(text: str, code: str) -> None:
    from calls.tests.factories import make_user

    with pytest.raises(calls.CallRefused) as refused:
        create(make_user("alice"), opening=text)
    assert (refused.value.code, refused.value.field) == (code, "opening")
    assert refused.value.http_status == 422
    assert not Call.objects.exists()


@pytest.mark.django_db
def test_a_voicemail_is_told_who_called_where_nothing_else_is_written() -> None:
    from calls.tests.factories import make_user

    alice = make_user("alice", name_as_spoken="Kim Minsu")
    left = create(alice, on_voicemail="leave_message").voicemail_message
    assert left == (
        "Hello. This is a call from Kim Minsu."
        " I could not reach you and will call again."
    )
    own = create(alice, on_voicemail="leave_message", voicemail_message="Call me.")
    assert own.voicemail_message == "Call me."
    assert create(alice).voicemail_message == ""

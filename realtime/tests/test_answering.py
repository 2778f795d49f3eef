"""Who answered, and what is done about it: hours of calls in microseconds."""

import statistics
from dataclasses import dataclass, field
from typing import Any

import pytest

from calls.models import AnsweredBy, Outcome
from calls.reasons import REASONS
from realtime.audio.signals import Signal
from realtime.config import AnsweringConfig, SpeechConfig
from realtime.far_end import answer_words
from realtime.far_end.answer_words import Phrases
from realtime.far_end.answering import (
    PLAN,
    RULES,
    Answering,
    Cue,
    Effect,
    Kind,
    Plan,
    PlanCue,
    State,
    Verdict,
)

CONFIG = AnsweringConfig()
SPEECH = SpeechConfig()
ONSET_MS = SPEECH.enter_windows * 32 + SPEECH.pre_roll_ms
DECIDED_MS = SPEECH.enter_windows * 32
"""How long after the first sound the detector says "speech"."""


@dataclass
class Scene:
    """What happens after pickup, ms.

    Attributes:
        speech: when they speak, from and to.
        words: when what has been recognised.
        signals: when which tone has been told.
        told: when the telephone company has said what.
    """

    speech: list[tuple[int, int]] = field(default_factory=list)
    words: dict[int, str] = field(default_factory=dict)
    signals: dict[int, Signal] = field(default_factory=dict)
    told: dict[int, str] = field(default_factory=dict)

    def play(self, until_ms: int = 20_000) -> list[tuple[int, Verdict]]:
        """Return each verdict, and when it came."""
        answering = Answering(CONFIG)
        verdicts: list[tuple[int, Verdict]] = []
        for now in range(0, until_ms, 20):
            found = [answering.hear(**self.detector(now), now_ms=now)]
            if now in self.words:
                found.append(answering.words(self.words[now], now))
            if now in self.signals:
                found.append(answering.signal(self.signals[now], now))
            if now in self.told:
                found.append(answering.told(self.told[now], now))
            verdicts += [(now, one) for one in found if one is not None]
        return verdicts

    def detector(self, now: int) -> dict[str, Any]:
        """Say what the speech detector says: late to begin, later to end."""
        is_speech, quiet_ms = False, 0
        for began, ended in self.speech:
            if began + DECIDED_MS <= now < ended + SPEECH.exit_ms:
                is_speech, quiet_ms = True, max(0, now - ended)
        return {"is_speech": is_speech, "quiet_ms": quiet_ms, "onset_ms": ONSET_MS}

    def kinds(self, until_ms: int = 20_000) -> list[str]:
        kinds: list[str] = []
        for _, verdict in self.play(until_ms):
            if verdict.kind.value not in kinds[-1:]:
                kinds.append(verdict.kind.value)
        return kinds


PEOPLE = {
    "hello": Scene([(600, 1100)], {1900: "여보세요?"}),
    "hello, no words yet": Scene([(500, 1300)]),
    "a name": Scene([(900, 2300)], {3200: "네, 한강식당입니다."}),
    "twice": Scene([(400, 800), (2600, 3000)], {1400: "Hello?", 3600: "Hello?"}),
    "slow to speak": Scene([(1800, 2500)], {3300: "もしもし。"}),
    "told before": Scene([(600, 1200)], told={2400: "person"}),
    "an answer to our greeting": Scene([(5200, 5900)], {6800: "喂，你好。"}),
    "a shop's greeting": Scene(
        [(300, 2600)], {3500: "감사합니다, 서울가정의원입니다."}
    ),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_people_are_people_and_stay_so(name: str) -> None:
    assert PEOPLE[name].kinds() == ["person"]


def test_a_person_is_known_within_three_seconds_of_the_pickup() -> None:
    first = [scene.play()[0][0] for scene in PEOPLE.values()]
    assert statistics.median(first) <= 3000


MACHINES = {
    "a voicemail, by its words": (
        Scene([(600, 2700), (3200, 6000)],
              {3400: "지금은 전화를 받을 수 없습니다.",
               6600: "삐 소리가 나면 메시지를 남겨 주세요."}),
        ["voicemail"],
    ),
    "a voicemail, by its beep alone": (
        Scene([(600, 2000)], signals={3000: Signal.BEEP}),
        ["person", "voicemail"],
    ),
    "a voicemail that begins with hello": (
        Scene([(500, 1000), (2200, 6000)],
              {1700: "안녕하세요.", 5200: "음성사서함으로 연결됩니다."}),
        ["person", "voicemail"],
    ),
    "a voicemail, told by the company": (
        Scene([(400, 6800)], told={4000: "voicemail"}), ["voicemail"],
    ),
    "a menu": (
        Scene([(500, 5000), (5600, 9000)],
              {6000: "시내버스 고객센터입니다.", 8200: "분실물은 2번을 눌러 주세요."}),
        ["voicemail", "menu"],
    ),
    "a menu in English": (
        Scene([(500, 3500)], {2900: "For timetables press one."}), ["menu"],
    ),
    "a screening": (
        Scene([(400, 4200)],
              {3900: "성함과 용건을 말씀해 주시면 연결해 드리겠습니다."}),
        ["screening"],
    ),
    "a fax": (Scene(signals={3000: Signal.FAX}), ["fax"]),
    "a fax, told by the company": (Scene(told={4000: "fax"}), ["fax"]),
    "dead air": (Scene(), ["silence"]),
    "dead air, then somebody": (
        Scene([(9000, 9600)], {10_400: "여보세요?"}), ["silence", "person"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
def test_machines_are_told_apart(name: str) -> None:
    scene, kinds = MACHINES[name]
    assert scene.kinds() == kinds


def test_somebody_who_picks_up_late_is_a_person_after_all() -> None:
    scene = Scene(
        [(600, 2700), (4200, 4700)],
        {2400: "지금은 전화를 받을 수 없습니다.", 5400: "여보세요?"},
    )
    assert scene.kinds() == ["voicemail", "person"]


def test_somebody_who_picks_up_late_without_a_hello_is_a_person_as_well() -> None:
    scene = Scene(
        [(600, 2700), (3700, 4100), (5200, 7400)],
        {2400: "지금은 전화를 받을 수 없습니다.",
         4800: "지금은 전화를 받을 수 없습니다. 여보세요?",
         8200: "저 여기 있어요, 마당에 나가 있었네요!"},
    )  # fmt: skip
    assert scene.kinds() == ["voicemail", "person"]


def test_a_voicemail_between_its_last_words_and_its_beep_is_still_one() -> None:
    scene = Scene(
        [(600, 6000)],
        {2400: "지금은 전화를 받을 수 없습니다.", 6800: "연락 부탁드립니다."},
        signals={7600: Signal.BEEP},
    )
    assert scene.kinds() == ["voicemail"]


def test_the_beep_of_a_machine_that_was_stopped_is_not_its_return() -> None:
    scene = Scene(
        [(600, 2700), (4200, 4700)],
        {2400: "지금은 전화를 받을 수 없습니다.", 5400: "여보세요?"},
        signals={7000: Signal.BEEP},
    )
    assert scene.kinds() == ["voicemail", "person"]


def test_somebody_behind_a_menu_is_a_person() -> None:
    scene = Scene(
        [(500, 4000), (9000, 11_000)],
        {3500: "예약은 1번을 누르세요.", 12_000: "분실물 담당자인데요."},
    )
    assert scene.kinds() == ["menu", "person"]


def test_the_pauses_of_a_menu_are_not_a_person() -> None:
    scene = Scene(
        [(500, 2400), (4300, 6000), (7900, 9700)],
        {1900: "예약은 1번을 누르세요.", 6900: "취소는 2번을 누르세요.",
         10_400: "다시 들으시려면 별표를 누르세요."},
    )  # fmt: skip
    assert scene.kinds(12_000) == ["menu"]


def test_a_screening_that_asks_to_wait_is_no_person_yet() -> None:
    scene = Scene(
        [(400, 4000), (8000, 9500)],
        {3600: "Please say your name.", 10_400: "Stay on the line, please."},
    )
    assert scene.kinds() == ["screening"]


def test_whoever_talks_long_and_then_waits_is_a_person() -> None:
    scene = Scene([(300, 5200)])
    assert scene.kinds() == ["voicemail", "person"]
    (_, first), *_ = scene.play()
    assert not first.is_sure


def test_length_alone_makes_nothing_sure_until_it_is_too_long_for_anybody() -> None:
    sure = [(at, v) for at, v in Scene([(300, 25_000)]).play(30_000) if v.is_sure]
    assert sure[0][0] >= CONFIG.drone_ms
    told = Scene([(300, 25_000)], told={4000: "voicemail"})
    sure = [(at, v) for at, v in told.play(30_000) if v.is_sure]
    assert CONFIG.told_drone_ms <= sure[0][0] < CONFIG.drone_ms


def test_a_long_notice_in_words_is_never_sure_to_be_a_voicemail() -> None:
    scene = Scene(
        [(300, 29_000)],
        {3000: "통화 내용은 녹음됩니다.", 9000: "통화 내용은 녹음됩니다. 상담사에게"},
        told={4000: "voicemail"},
    )
    assert not any(verdict.is_sure for _, verdict in scene.play(30_000))


def test_a_long_answer_to_our_greeting_is_no_machine() -> None:
    answering = Answering(CONFIG)
    scene = Scene([(4000, 19_000)])
    for now in range(0, 25_000, 20):
        answering.hear(**scene.detector(now), now_ms=now, have_we_spoken=now > 3000)
    assert answering.verdict.kind is Kind.PERSON


def test_a_person_known_for_long_stays_one_whatever_words_they_use() -> None:
    scene = Scene(
        [(600, 1100), (40_000, 42_000)],
        {41_000: "현관에서 1번을 누르세요.", 42_000: "메시지를 남겨 주세요."},
        signals={43_000: Signal.BEEP},
    )
    assert scene.kinds(50_000) == ["person"]


def test_who_has_spoken_twice_is_no_machine_because_something_beeps() -> None:
    scene = Scene(
        [(600, 1100), (6000, 8000)], signals={9000: Signal.BEEP, 9500: Signal.FAX}
    )
    assert scene.kinds() == ["person"]


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (Scene(signals={2000: Signal.SPECIAL}), "invalid_number"),
        (Scene(signals={3000: Signal.BUSY}), "busy"),
        (Scene([(400, 3000)], {2600: "없는 번호입니다."}), "invalid_number"),
        (Scene([(400, 3000)], {2600: "is not in service."}), "invalid_number"),
        (Scene([(400, 3000)], {2600: "電源が入っていない"}), "switched_off"),
        (Scene([(400, 3000)], {2600: "您拨打的用户正在通话中"}), "busy"),
    ],
)
def test_a_dead_end_says_why(scene: Scene, reason: str) -> None:
    (_, verdict) = scene.play()[-1]
    assert (verdict.kind, verdict.reason, verdict.is_sure) == ("unknown", reason, True)
    assert REASONS[reason].sentence


def test_a_switched_off_telephone_with_a_voicemail_is_a_voicemail() -> None:
    text = "전원이 꺼져 있어 삐 소리 후 소리샘으로 연결됩니다."
    assert Scene([(400, 4000)], {3000: text}).kinds() == ["voicemail"]


def test_what_the_company_does_not_know_says_nothing() -> None:
    assert Scene(told={5000: "unknown"}).kinds(7000) == []


def test_the_words_are_the_contracts() -> None:
    assert {kind.value for kind in Kind} == set(AnsweredBy.values)


def test_every_piece_of_evidence_has_its_rule() -> None:
    assert set(RULES) == set(Cue)
    assert all(rule.replaces | rule.doubts for rule in RULES.values())


# --- Words ---------------------------------------------------------------------------

SAID: dict[str, tuple[answer_words.Patterns, list[str]]] = {
    "voicemail": (
        answer_words.VOICEMAIL,
        ["Please leave a message after the tone.", "I can't take your call right now.",
         "You've reached the voicemail of Kim.", "삐 소리 후 메시지를 남겨 주세요.",
         "소리샘으로 연결됩니다.", "발신음이 들리면 녹음해 주세요.",
         "発信音のあとにメッセージをお残しください。",
         "ただいま電話に出ることができません。",
         "请在提示音之后留言。", "您呼叫的用户暂时无法接听。"],
    ),
    "menu": (
        answer_words.MENU,
        ["For reservations, press one.", "Press 2 for English.",
         "예약은 1번을 누르세요.", "상담은 이 번을 눌러 주세요.", "잘못 누르셨습니다.",
         "ご予約は1を押してください。", "中文服务请按一。"],
    ),
    "screening": (
        answer_words.SCREENING,
        ["Please state your name after the tone.", "May I ask who's calling?",
         "Google Assistant call screening", "성함을 말씀해 주시면 연결해 드리겠습니다.",
         "누구시라고 전해 드릴까요?", "お名前とご用件をお話しください。",
         "请说出您的姓名。"],
    ),
    "wait": (
        answer_words.WAIT,
        ["One moment, please.", "Please hold.", "Let me check that.", "잠시만요.",
         "잠깐만 기다려 주세요.", "少々お待ちください。", "请稍等。"],
    ),
}  # fmt: skip
ORDINARY = [
    "Yes, we have a table for four.", "I would like to leave early.",
    "The number is 02-123-4567.", "네, 일곱 시에 네 분이요.", "초인종을 눌러 주세요.",
    "전화번호를 알려 주시겠어요?", "메뉴는 불고기하고 냉면이 있어요.",
    "はい、四名様ですね。", "好的，七点四位。", "Press release, you mean?",
]  # fmt: skip


@pytest.mark.parametrize("theme", SAID)
def test_what_machines_say_is_recognised_in_four_languages(theme: str) -> None:
    patterns, texts = SAID[theme]
    assert set(patterns) >= {"en", "ko", "ja", "zh"}
    phrases = Phrases(patterns)
    assert [text for text in texts if not phrases.is_in(text)] == []
    assert [text for text in ORDINARY if phrases.is_in(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "여보세요?",
        "네, 여보세요.",
        "Hello?",
        "もしもし。",
        "喂，你好。",
        "¿Dígame?",
        "Allô ?",
    ],
)
def test_the_words_of_whoever_picks_up_are_all_they_say(text: str) -> None:
    greetings = Phrases(answer_words.GREETINGS)
    assert greetings.is_all_of(text)
    assert not greetings.is_all_of(text + " 서울가정의원입니다 leave a message")
    assert not greetings.is_all_of("")


# --- The plan ------------------------------------------------------------------------

VOICEMAIL = Verdict(Kind.VOICEMAIL, is_sure=True, cue=Cue.VOICEMAIL_WORDS)
PERSON = Verdict(Kind.PERSON, cue=Cue.GREETS)


def plan(*, leaves_message: bool) -> Plan:
    return Plan(CONFIG, leaves_message=leaves_message)


def test_a_voicemail_is_hung_up_on() -> None:
    p = plan(leaves_message=False)
    assert p.decide(VOICEMAIL, 5000) == (Effect.HANG_UP,)
    assert (p.ending.reason, p.ending.outcome) == ("voicemail", "unreachable")
    assert p.decide(VOICEMAIL, 6000) == ()


def test_nobody_is_hung_up_on_because_of_length_alone() -> None:
    unsure = Verdict(Kind.VOICEMAIL, is_sure=False, cue=Cue.LASTS)
    for leaves_message in (True, False):
        assert plan(leaves_message=leaves_message).decide(unsure, 5000) == ()


def test_the_message_is_left_after_the_beep_once() -> None:
    p = plan(leaves_message=True)
    assert p.decide(VOICEMAIL, 4000) == (Effect.HUSH,)
    for now in range(4000, 8000, 20):
        assert p.tick(is_speech=True, now_ms=now) == ()
    assert p.signal(Signal.BEEP, 8200) == (Effect.SAY_MESSAGE,)
    assert p.signal(Signal.BEEP, 8300) == ()
    assert p.tick(is_speech=False, now_ms=20_000) == ()
    assert p.said() == (Effect.HANG_UP,)
    assert (p.ending.reason, p.ending.outcome) == ("voicemail_left", "callback_needed")
    assert p.said() == ()


def test_a_beep_that_made_the_verdict_is_the_one_to_speak_after() -> None:
    p = plan(leaves_message=True)
    assert p.signal(Signal.BEEP, 5000) == ()
    by_beep = Verdict(Kind.VOICEMAIL, is_sure=True, cue=Cue.BEEPS)
    assert p.decide(by_beep, 5000) == (Effect.HUSH, Effect.SAY_MESSAGE)


def test_a_beep_within_the_greeting_is_not_its_end() -> None:
    p = plan(leaves_message=True)
    p.signal(Signal.BEEP, 1000)
    assert p.decide(VOICEMAIL, 6000) == (Effect.HUSH,)


def test_without_a_beep_the_message_is_left_when_they_are_quiet() -> None:
    p = plan(leaves_message=True)
    p.decide(VOICEMAIL, 4000)
    p.tick(is_speech=True, now_ms=6000)
    assert p.tick(is_speech=False, now_ms=6000 + CONFIG.no_beep_ms - 20) == ()
    said = p.tick(is_speech=False, now_ms=6000 + CONFIG.no_beep_ms)
    assert said == (Effect.SAY_MESSAGE,)


def test_a_greeting_that_does_not_end_is_hung_up_on() -> None:
    p = plan(leaves_message=True)
    p.decide(VOICEMAIL, 4000)
    effects: tuple[Effect, ...] = ()
    for now in range(4000, 70_000, 20):
        effects += p.tick(is_speech=True, now_ms=now)
    assert effects == (Effect.HANG_UP,)
    assert p.ending.reason == "voicemail"


@pytest.mark.parametrize("has_beeped", [False, True])
def test_a_person_who_picks_up_is_spoken_with(has_beeped: bool) -> None:
    p = plan(leaves_message=True)
    p.decide(VOICEMAIL, 4000)
    if has_beeped:
        p.signal(Signal.BEEP, 5000)
    assert p.decide(PERSON, 6000) == (Effect.SPEAK_AGAIN,)
    assert p.state is State.OPEN
    assert p.decide(PERSON, 7000) == ()


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict(Kind.FAX, is_sure=True), "fax"),
        (Verdict(Kind.UNKNOWN, is_sure=True, reason="busy"), "busy"),
    ],
)
def test_where_nobody_can_be_reached_it_hangs_up(verdict: Verdict, reason: str) -> None:
    for leaves_message in (True, False):
        p = plan(leaves_message=leaves_message)
        assert p.decide(verdict, 5000) == (Effect.HANG_UP,)
        assert (p.ending.reason, p.ending.outcome) == (reason, "unreachable")


@pytest.mark.parametrize("kind", [Kind.MENU, Kind.SCREENING, Kind.SILENCE, Kind.PERSON])
def test_what_can_be_talked_to_is_not_hung_up_on(kind: Kind) -> None:
    p = plan(leaves_message=False)
    assert p.decide(Verdict(kind, is_sure=True), 9000) == ()


def test_every_ending_has_its_sentence_and_is_no_success() -> None:
    for reason in ("voicemail", "voicemail_left", "fax", *answer_words.DEAD_ENDS):
        assert REASONS[reason].sentence
        assert REASONS[reason].next_step
    assert {"unreachable", "callback_needed"} <= set(Outcome.values)


def test_every_row_of_the_plan_is_in_its_theory() -> None:
    from realtime.far_end import answering

    text = " ".join((answering.__doc__ or "").split())
    for (state, cue), (then, effects) in PLAN.items():
        row = f"{state} {cue} {then} {', '.join(effects)}"
        assert row in text, row
    assert {cue for _, cue in PLAN} == set(PlanCue)

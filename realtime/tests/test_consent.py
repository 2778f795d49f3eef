# ruff: noqa: E501 -- a broken table reads badly
"""Whether the callee lets the call be recorded: their words, and what follows."""

from typing import Any

import pytest

from realtime import actions as act
from realtime import events as ev
from realtime.events import Leg, Line
from realtime.opening.consent import Answer, answer_in, is_refusal
from realtime.protocols import browser
from realtime.tests.test_session import Rehearsal, sound
from realtime.voice.lines import LINES, text_of

SAID: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        ("Yes.", "Sure, go ahead", "That's fine.", "I don't mind."),
        ("No.", "No, thank you.", "Sorry, no.", "I'd rather not."),
        ("Please don't record this.", "I do not want to be recorded, but go on.",
         "Could you turn off the recording?", "I mind being recorded."),
    ),
    "ko": (
        ("네.", "네, 괜찮아요.", "그러세요", "알겠습니다."),
        ("아니요.", "아뇨, 괜찮아요.", "죄송한데 안 돼요.", "싫어요."),
        ("녹음하지 마세요.", "녹음은 안 돼요.", "죄송하지만 녹음은 하지 말아 주세요.",
         "녹음되는 건 싫어요.", "녹음 꺼 주세요. 예약만 받을게요."),
    ),
    "ja": (
        ("はい。", "大丈夫です。", "いいですよ。"),
        ("いいえ。", "それは困ります。", "ちょっと…"),
        ("録音しないでください。", "録音は困ります。", "すみません、録音はやめてください。"),
    ),
    "zh": (
        ("可以。", "好的，没问题。"),
        ("不行。", "不可以，谢谢。", "我不同意"),
        ("请不要录音。", "别录音。", "我不希望被录音，谢谢。"),
    ),
    "es": (("Sí.", "De acuerdo."), ("No.", "No, gracias.", "Prefiero que no."), ("No me grabe, por favor.", "No quiero que me graben.")),
    "pt": (("Sim.", "Tudo bem."), ("Não.", "Não, obrigada."), ("Não grave, por favor.", "Pare de gravar.")),
    "fr": (("Oui.", "D'accord.", "Pas de problème."), ("Non.", "Non merci.", "Je refuse."), ("N'enregistrez pas, s'il vous plaît.", "Je ne veux pas être enregistré.")),
    "de": (("Ja.", "Ja, das ist in Ordnung.", "Einverstanden"), ("Nein.", "Nein danke.", "Lieber nicht."), ("Bitte nicht aufnehmen.", "Ich möchte nicht aufgezeichnet werden.", "Schalten Sie die Aufnahme bitte aus.")),
    "it": (("Sì.", "Va bene."), ("No.", "Preferisco di no."), ("Non registri, per favore.", "Non voglio essere registrato.")),
    "ru": (("Да.", "Хорошо.", "Не против."), ("Нет.", "Не надо.", "Я не согласна."), ("Не записывайте, пожалуйста.", "Выключите запись.", "Я против записи.")),
    "vi": (("Vâng.", "Đồng ý.", "Được ạ."), ("Không.", "Tôi không đồng ý."), ("Xin đừng ghi âm.", "Tôi không muốn bị ghi âm.")),
    "id": (("Ya.", "Boleh."), ("Tidak.", "Jangan.", "Saya tidak setuju."), ("Jangan direkam.", "Saya tidak mau direkam.", "Tolong matikan rekaman.")),
    "hi": (("हाँ।", "ठीक है।", "जी हाँ"), ("नहीं।", "जी नहीं।"), ("रिकॉर्ड मत कीजिए।", "रिकॉर्डिंग बंद कीजिए।")),
}  # fmt: skip
"""Language → a yes, a no, and a refusal whatever was asked."""

BESIDE_IT = {
    "en": ("No problem at all, which day?", "No, we close at nine.", "Hello?",
           "We set a new record yesterday.", "There is no table left."),
    "ko": ("아니요, 그날은 자리가 없어요.", "네, 한강식당입니다.", "여보세요?",
           "녹음된 안내 방송이에요.", "기록이 없어요."),
    "ja": ("いいえ、その日は満席です。", "もしもし。"),
    "de": ("Nein, am Montag haben wir zu.", "Wir nehmen keine Karten."),
    "fr": ("Non, nous sommes fermés le lundi.", "Pas de souci, quel jour ?"),
    "es": ("No, el lunes cerramos.", "No tenemos mesa."),
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(LINES))
def test_a_yes_a_no_and_a_refusal_are_understood_everywhere(language: str) -> None:
    yes, no, refusals = SAID[language]
    assert {text: answer_in(text, language) for text in yes} == dict.fromkeys(
        yes, Answer.YES
    )
    assert {text: answer_in(text, language) for text in no} == dict.fromkeys(
        no, Answer.NO
    )
    assert [text for text in refusals if not is_refusal(text, language)] == []
    assert [text for text in (*yes, *no) if is_refusal(text, language)] == []
    assert not is_refusal(text_of(Line.RECORDING, language), language)


@pytest.mark.parametrize("language", sorted(BESIDE_IT))
def test_what_is_about_something_else_is_no_answer(language: str) -> None:
    assert [t for t in BESIDE_IT[language] if answer_in(t, language)] == []


# --- In a call -----------------------------------------------------------------------


class Asked(Rehearsal):
    """A call whose callee has just been asked."""

    def __init__(self, **options: Any) -> None:
        options = {"is_recorded": True, "tells_of_recording": True, **options}
        super().__init__(callee_engine="interpret", **options)
        for leg in Leg:
            self.do(ev.EngineReady(leg))
        for line in Line:
            self.do(ev.LineRendered(line, f"{line}.", sound(300)))
        self.do(ev.CallerAttached())
        self.do(ev.StatusChanged("in_progress"))
        self.do(ev.StreamStarted("MZ1"))
        self.frames(60)  # the greeting and the question: 600 ms
        self.n = 0

    def callee(self, text: str) -> str:
        """Let the callee have said something, as a session that knows what wrote it."""
        track = self.session._sides[Leg.CALLEE].captions
        track.speech_started(self.session.line_ms)
        assert track.current is not None
        utterance_id = track.current.utterance_id
        self.frames(10)
        track.speech_ended(self.session.line_ms)
        self.do(ev.SourceText(Leg.CALLEE, text, utterance_id))
        self.do(ev.SourceDone(Leg.CALLEE, utterance_id))
        self.do(ev.TargetDone(Leg.CALLEE, (utterance_id,)))
        self.frames(2)
        return utterance_id

    def caller(self) -> None:
        """Let the callee hear the caller, for 400 ms."""
        self.do(ev.EngineAudio(Leg.CALLER, sound(400)))
        self.frames(25)

    @property
    def answers(self) -> list[dict[str, Any]]:
        kinds = [e for e in self.of(act.RecordEvent) if e.kind == "recording_consent"]
        return [e.data for e in kinds]

    @property
    def lines(self) -> list[str]:
        return [
            e.data["line"] for e in self.of(act.RecordEvent) if e.kind == "line_spoken"
        ]


def test_a_no_ends_the_recording_at_once_and_everybody_is_told() -> None:
    r = Asked()
    utterance_id = r.callee("아니요.")
    [answer] = r.answers
    assert answer["answer"] == Answer.NO
    assert answer["utterance_id"] == utterance_id
    assert answer["asked_ms"] < answer["at_ms"]
    assert [w.code for w in r.told(browser.Warn)] == ["recording_refused"]
    r.frames(60)
    assert r.lines == ["greeting", "recording", "recording_off"]


def test_a_yes_is_kept_with_the_utterance_that_says_it() -> None:
    r = Asked()
    utterance_id = r.callee("네, 괜찮아요.")
    [answer] = r.answers
    assert (answer["answer"], answer["utterance_id"]) == (Answer.YES, utterance_id)
    r.callee("아니요.")  # to something else
    assert len(r.answers) == 1
    assert "recording_off" not in r.lines


def test_who_goes_on_has_agreed() -> None:
    r = Asked()
    first = r.callee("한강식당입니다.")
    assert r.answers == []
    r.callee("예약하시려고요?")
    [answer] = r.answers
    assert (answer["answer"], answer["utterance_id"]) == (Answer.WENT_ON, first)


def test_a_no_to_the_callers_question_is_none_to_ours() -> None:
    r = Asked()
    r.callee("한강식당입니다.")
    r.caller()
    r.frames(60)
    r.callee("아니요.")
    [answer] = r.answers
    assert answer["answer"] == Answer.WENT_ON
    assert r.told(browser.Warn) == []


def test_who_asks_for_it_later_is_not_recorded_any_longer() -> None:
    r = Asked()
    r.callee("네.")
    r.caller()
    r.callee("그런데 녹음은 하지 말아 주세요.")
    assert [a["answer"] for a in r.answers] == [Answer.YES, Answer.NO]
    assert [w.code for w in r.told(browser.Warn)] == ["recording_refused"]
    r.callee("녹음하지 마세요.")  # it is off
    assert len(r.answers) == 2


def test_after_a_restart_a_refusal_still_counts() -> None:
    r = Asked(tells_of_recording=False)
    r.callee("아니요.")
    assert r.answers == []
    r.callee("녹음하지 마세요.")
    assert [a["answer"] for a in r.answers] == [Answer.NO]


def test_a_call_that_is_not_recorded_asks_and_understands_nothing() -> None:
    r = Asked(is_recorded=False, tells_of_recording=False)
    r.callee("녹음하지 마세요.")
    assert r.answers == []
    assert "recording" not in r.lines


def test_the_end_settles_what_was_open() -> None:
    silent, said = Asked(), Asked()
    utterance_id = said.callee("한강식당입니다.")
    for r in (silent, said):
        r.do(ev.EndRequested("hung_up_by_caller"))
        r.wait(5)
    assert silent.answers[0]["answer"] == Answer.NONE
    assert silent.answers[0]["utterance_id"] == ""
    assert said.answers[0]["answer"] == Answer.WENT_ON
    assert said.answers[0]["utterance_id"] == utterance_id


# --- The proof -----------------------------------------------------------------------


def test_of_a_greeting_that_was_hung_up_on_it_is_known_how_much_was_heard() -> None:
    r = Rehearsal()
    r.do(ev.LineRendered(Line.GREETING, "g", sound(2000)))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(30)
    r.do(ev.StatusChanged("completed"))
    r.wait(5)
    [event] = [e for e in r.of(act.RecordEvent) if e.kind == "line_spoken"]
    assert not event.data["is_complete"]
    assert event.data["length_ms"] == 2000
    assert 500 <= event.data["heard_ms"] <= 600
    assert event.data["started_ms"] < event.data["ended_ms"]


def test_a_long_opening_waits_for_the_first_word_three_seconds_at_most() -> None:
    r = Rehearsal(greeting_wait_ms=3000)
    r.do(ev.LineRendered(Line.GREETING, "g", sound(8000)))
    r.do(ev.StreamStarted("MZ1"))
    r.frames(149)
    assert not r.phone_bytes()
    r.frames(3)
    assert r.phone_bytes()

"""Sentences that nobody said go; whatever somebody may have said stays."""

import pytest

from realtime.config import InventedConfig
from realtime.guards.invented import Evidence, Reason, is_sign_off, judge, least_ms

SILENCE = Evidence(speech_ms=0, over_floor=1.0)
NOISE = Evidence(speech_ms=0, over_floor=6.0)
UNKNOWN = Evidence(speech_ms=0)

SIGN_OFFS = [
    ("ko", "시청해 주셔서 감사합니다."),
    ("ko", "끝까지 시청해주셔서 감사합니다!"),
    ("ko", "구독과 좋아요 부탁드립니다."),
    ("ko", "구독, 좋아요, 알림 설정까지 부탁드려요."),
    ("ko", "MBC 뉴스 김성현입니다."),
    ("ko", "KBS 뉴스 이지은이었습니다."),
    ("ko", "지금까지 신선한 경제였습니다."),
    ("ko", "다음 영상에서 만나요."),
    ("ko", "다음 시간에 또 만나요!"),
    ("ko", "한글자막 by 한효정"),
    ("ko", "Thank you for watching!"),
    ("en", "Thank you for watching."),
    ("en", "Thanks for watching, see you next time!"),
    ("en", "Thank you all so much for watching."),
    ("en", "Please like and subscribe."),
    ("en", "Don't forget to subscribe to my channel!"),
    ("en", "See you in the next video."),
    ("en", "Subtitles by the Amara.org community"),
    ("en", "Transcription by CastingWords"),
    ("en", "[Music]"),
    ("en", "♪♪"),
    ("ja", "ご視聴ありがとうございました。"),
    ("ja", "チャンネル登録お願いします。"),
    ("zh", "感谢观看。"),
    ("zh", "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"),
    ("zh", "字幕由志愿者提供"),
    ("es", "¡Gracias por ver el video!"),
    ("es", "Subtítulos realizados por la comunidad de Amara.org"),
    ("fr", "Sous-titrage Société Radio-Canada"),
    ("de", "Untertitel im Auftrag des ZDF"),
    ("vi", "Cảm ơn các bạn đã theo dõi."),
]

OF_CALLS = [
    ("ko", "네."),
    ("ko", "네, 감사합니다."),
    ("ko", "감사합니다."),
    ("ko", "기다려 주셔서 감사합니다."),
    ("ko", "전화 주셔서 감사합니다."),
    ("ko", "다음에 또 뵙겠습니다."),
    ("ko", "예약은 두 시입니다."),
    ("ko", "뉴스에서 봤어요."),
    ("ko", "좋아요."),
    ("ko", "구독을 해지하고 싶어요."),
    ("ko", "여기는 시청입니다."),
    ("en", "Thank you."),
    ("en", "Thank you for calling."),
    ("en", "Thank you for waiting."),
    ("en", "See you tomorrow."),
    ("en", "I want to cancel my subscription."),
    ("en", "I would like that very much."),
    ("ja", "ありがとうございます。"),
    ("zh", "谢谢。"),
    ("zh", "好的,再见。"),
    ("es", "Gracias por llamar."),
    ("vi", "Cảm ơn."),
]


@pytest.mark.parametrize(("language", "text"), SIGN_OFFS)
@pytest.mark.parametrize("evidence", [SILENCE, NOISE, UNKNOWN])
def test_a_sign_off_goes_where_nobody_spoke(
    language: str, text: str, evidence: Evidence
) -> None:
    judgement = judge(text, language, evidence)
    assert judgement.is_invented
    assert judgement.reason is Reason.SIGN_OFF


@pytest.mark.parametrize(("language", "text"), SIGN_OFFS)
def test_a_sign_off_that_somebody_had_the_time_to_say_stays(
    language: str, text: str
) -> None:
    heard = Evidence(max(64, least_ms(text, InventedConfig())), over_floor=8.0)
    assert judge(text, language, heard).text == text


@pytest.mark.parametrize(("language", "text"), OF_CALLS)
@pytest.mark.parametrize("evidence", [SILENCE, NOISE, UNKNOWN, Evidence(64, 2.1)])
def test_what_is_said_on_telephones_stays_however_softly(
    language: str, text: str, evidence: Evidence
) -> None:
    judgement = judge(text, language, evidence)
    assert (judgement.text, judgement.reason) == (text, Reason.SAID)


def test_a_cough_is_too_short_for_a_sign_off() -> None:
    assert judge("시청해 주셔서 감사합니다.", "ko", Evidence(200, 9.0)).is_invented


def test_a_sign_off_after_something_else_is_part_of_it() -> None:
    text = "두 시에 뵐게요. 시청해 주셔서 감사합니다."
    assert judge(text, "ko", SILENCE).text == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ko", "감사합니다. 감사합니다. 감사합니다. 감사합니다."),
        ("ko", "네 네 네 네 네 네"),
        ("en", "I'm sorry. I'm sorry. I'm sorry."),
        ("en", "you know you know you know you know"),
    ],
)
def test_the_same_words_over_and_over(language: str, text: str) -> None:
    assert judge(text, language, SILENCE).is_invented
    some = judge(text, language, Evidence(64, 4.0))
    assert some.reason is Reason.REPEATED
    assert text.startswith(some.text)
    assert 0 < len(some.text) <= len(text) / 3
    all_of_it = Evidence(least_ms(text, InventedConfig()), 4.0)
    assert judge(text, language, all_of_it).text == text


def test_repetition_in_noise_is_kept_once() -> None:
    assert judge("네. 네. 네.", "ko", NOISE).text == "네."
    assert judge("네. 네. 네.", "ko", UNKNOWN).text == "네."


def test_saying_something_twice_is_what_people_do() -> None:
    assert judge("네, 네.", "ko", SILENCE).text == "네, 네."


def test_the_third_alike_in_a_row_goes_where_there_is_nothing() -> None:
    assert judge("감사합니다.", "ko", SILENCE, ["감사합니다."]).text
    earlier = ["감사합니다.", "감사합니다."]
    assert judge("감사합니다.", "ko", SILENCE, earlier).is_invented
    assert judge("감사합니다.", "ko", Evidence(200, 3.0), earlier).text
    assert judge("감사합니다.", "ko", NOISE, earlier).text
    assert judge("네.", "ko", SILENCE, earlier).text


def test_an_unknown_language_still_knows_the_english_ones() -> None:
    assert is_sign_off("Thank you for watching", "sv")
    assert not is_sign_off("Tack så mycket", "sv")


def test_nothing_is_no_sign_off() -> None:
    assert not is_sign_off("", "ko")
    assert judge("", "ko", SILENCE).reason is Reason.SAID
    assert judge("...", "ko", SILENCE).text == "..."

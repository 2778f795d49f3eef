"""What we are about to say: what passes, what is held, and what is made polite."""

import pytest

from realtime.guards import data
from realtime.guards.speech import CLEAN, LANGUAGES, Level, judge

PASS = [
    # Words within words, names, places, and things that merely sound alike.
    ("ko", "세금 신고를 하려고 합니다."),
    ("ko", "경찰에 신고해 주세요."),
    ("ko", "인생의 시발점이 된 사건입니다."),
    ("ko", "경인선 시발역이 어디인가요?"),
    ("ko", "새끼 고양이를 입양하고 싶습니다."),
    ("ko", "새끼손가락을 다쳤습니다."),
    ("ko", "이 새끼 강아지는 몇 살인가요?"),
    ("ko", "김민수 씨 발이 아픕니다."),
    ("ko", "생선 뼈는 발라 주세요."),
    ("ko", "등신대 인형을 주문했습니다."),
    ("ko", "휴대폰이 자꾸 꺼져요."),
    ("ko", "불이 꺼져 있습니다."),
    ("ko", "위험이 닥쳐도 걱정 마세요."),
    ("ko", "가방을 뒤져 보겠습니다."),
    ("ko", "엿 먹어 봤어요?"),
    ("ko", "이놈의 날씨가 참 덥네요."),
    ("ko", "미친 듯이 바쁩니다."),
    ("ko", "작년에 왔던 각설이예요."),
    ("ko", "2년 전에 이사했습니다."),
    ("ko", "개같이 생긴 인형이 아니라 고양이 인형입니다."),
    # Dying that threatens nobody.
    ("ko", "아파서 죽을 것 같아요."),
    ("ko", "배고파 죽겠어요."),
    ("ko", "요즘은 죽고 싶다는 생각이 듭니다."),
    ("ko", "숨을 죽이고 기다렸습니다."),
    ("ko", "바퀴벌레를 다 죽여 버릴 약이 있나요?"),
    ("ko", "그 사람이 저를 죽여 버리겠다고 했습니다."),
    ("ko", '"죽여 버릴 거야"라고 협박을 받았습니다.'),
    ("ko", "맛이 죽여줘요."),
    ("ko", "할머니가 작년에 돌아가셨습니다."),
    ("ko", "화분을 땅에 묻어 주세요."),
    # Polite, or no sentence at all.
    ("ko", "네."),
    ("ko", "네, 알겠습니다."),
    ("ko", "두 명이요."),
    ("ko", "예약 부탁드립니다."),
    ("ko", "김민수"),
    ("ko", "오늘 저녁 일곱 시"),
    ("ko", "아버지"),
    ("ko", "한국어"),
    ("ko", "올해"),
    ("ko", "강남구 역삼동"),
    ("ko", "바나나 두 개"),
    ("ko", "카메라"),
    ("ko", "몇 시에 여나요?"),
    ("ko", "그건 제 거예요."),
    ("en", "I would like to start a scrapbook."),
    ("en", "My name is Dickson."),
    ("en", "I live in Scunthorpe."),
    ("en", "Mr Hancock and Mrs Cockburn are coming."),
    ("en", "Shiitake mushrooms, please."),
    ("en", "The class passed the assessment."),
    ("en", "We have a cocktail party in Essex."),
    ("en", "Is this a grass court?"),
    ("en", "This will kill two birds with one stone."),
    ("en", "My feet are killing me."),
    ("en", "I could murder a curry."),
    ("en", "I will shoot you an email."),
    ("en", "I'll cut your hair at three."),
    ("en", "I don't want to hurt your feelings."),
    ("en", "My battery is dead."),
    ("en", "The line went dead, sorry."),
    ("en", "He said he will kill me."),
    ("en", "My husband threatened me: he said I will kill you."),
    ("en", "They are going to shut up shop next week."),
    ("en", "You are dead right."),
    ("en", "I will beat you to the door."),
    ("en", "I pricked my finger."),
    ("en", "Dick Johnson, please."),
    ("en", "What the hell happened to my order?"),
    ("en", "I will break a hundred dollar bill."),
    ("en", "Can you kill the background process?"),
    ("en", "Your address ends in 2B, right?"),
    ("en", "A stupid question, but when do you close?"),
    ("en", "I know where you can park."),
    ("ja", "死ぬほどお腹が空きました。"),
    ("ja", "ボブスレーを見ます。"),
    ("ja", "時間を殺すぞという冗談です。"),
    ("zh", "我妈的手机丢了。"),
    ("zh", "你妈的电话是多少?"),
    ("zh", "水滚了。"),
    ("es", "La computadora del diputado está en disputa."),
    ("es", "Voy a matar el tiempo."),
    ("fr", "Va te faire voir."),  # no list: never judged
]

ABUSE = [
    ("ko", "씨발."),
    ("ko", "아 씨발 진짜."),
    ("ko", "야 이 개새끼야."),
    ("ko", "개새끼"),
    ("ko", "이 새끼가 뭐라는 거예요?"),
    ("ko", "저 새끼 바꿔 주세요."),
    ("ko", "병신 같은 게."),
    ("ko", "지랄하지 마세요."),
    ("ko", "미친놈아."),
    ("ko", "미친년이네."),
    ("ko", "이 미친 새끼야"),
    ("ko", "좆같은 소리 하네."),
    ("ko", "존나 짜증 나네요."),
    ("ko", "닥쳐."),
    ("ko", "입 닥쳐!"),
    ("ko", "꺼져."),
    ("ko", "당장 꺼져라."),
    ("ko", "엿이나 먹어라."),
    ("ko", "쓰레기 같은 놈."),
    ("ko", "또라이 아니에요?"),
    ("ko", "썅."),
    ("ko", "ㅅㅂ 뭐예요"),
    ("ko", "씨1발"),
    ("ko", "개소리 좀 그만하세요."),
    ("ko", "느금마"),
    ("ko", "미친 거 아니야?"),
    ("ko", "나가 뒤져라."),
    ("ko", "개자식"),
    ("en", "Fuck you."),
    ("en", "What the FUCK is this?"),
    ("en", "You're a fucking liar."),
    ("en", "That is bullshit."),
    ("en", "You son of a bitch."),
    ("en", "You are an asshole."),
    ("en", "You idiot."),
    ("en", "You stupid cow."),
    ("en", "Go to hell!"),
    ("en", "Screw you."),
    ("en", "Shut up!"),
    ("en", "Shut your mouth."),
    ("en", "Piss off."),
    ("en", "You are such a moron."),
    ("en", "f*ck this"),
    ("en", "Kiss my ass."),
    ("en", "You piece of shit."),
    ("en", "Drop dead, you."),
    ("ja", "死ね。"),
    ("ja", "この野郎!"),
    ("ja", "ふざけんな。"),
    ("zh", "操你妈。"),
    ("zh", "你这个混蛋。"),
    ("zh", "滚!"),
    ("es", "Hijo de puta."),
    ("es", "Vete a la mierda."),
    ("es", "Eres un idiota."),
]

THREAT = [
    ("ko", "죽여 버릴 거야."),
    ("ko", "너 진짜 죽여버린다."),
    ("ko", "너 죽을래?"),
    ("ko", "죽고 싶냐?"),
    ("ko", "넌 이제 죽었어."),
    ("ko", "가만 안 둬."),
    ("ko", "가만두지 않겠습니다."),
    ("ko", "찾아가서 다 죽일 거예요."),
    ("ko", "칼로 찔러 버릴 거야."),
    ("ko", "집에 불 질러 버릴 거예요."),
    ("ko", "밤길 조심하세요."),
    ("ko", "때려 죽인다."),
    ("ko", "어디 사는지 다 알아."),
    ("ko", "땅에 묻어 버린다."),
    ("ko", "가게를 폭파하겠습니다."),
    ("ko", "뒈질래?"),
    ("en", "I will kill you."),
    ("en", "I'll fucking kill you!"),
    ("en", "I’m going to kill you."),
    ("en", "I'm gonna kill your family."),
    ("en", "I will find you and I will hurt you."),
    ("en", "I'm going to break your legs."),
    ("en", "I will shoot you."),
    ("en", "We will burn your house down."),
    ("en", "You're dead meat."),
    ("en", "Watch your back."),
    ("en", "I know where you live."),
    ("en", "You will regret this."),
    ("en", "I'll punch your face."),
    ("en", "I'll beat you up."),
    ("en", "I'm going to slit your throat."),
    ("en", "Go and kill yourself."),
    ("ja", "殺してやる。"),
    ("ja", "ぶっ殺すぞ。"),
    ("zh", "我要杀了你。"),
    ("zh", "老子弄死你。"),
    ("es", "Te voy a matar."),
    ("es", "Voy a matarte."),
]

REGISTER = [
    ("밥 먹었어?", "밥 먹었어요?"),
    ("몇 시에 가?", "몇 시에 가요?"),
    ("내일 갈게.", "내일 갈게요."),
    ("예약하고 싶어.", "예약하고 싶어요."),
    ("두 명 예약해 줘.", "두 명 예약해 주세요."),
    ("자리 있어?", "자리 있어요?"),
    ("자리가 없어.", "자리가 없어요."),
    ("나는 몰라.", "저는 몰라요."),
    ("내가 했어.", "제가 했어요."),
    ("이거 뭐야?", "이거 뭐예요?"),
    ("어디야?", "어디예요?"),
    ("나 학생이야.", "나 학생이에요."),
    ("갈 거야.", "갈 거예요."),
    ("그거 아니야.", "그거 아니에요."),
    ("내일 볼까?", "내일 볼까요?"),
    ("같이 갈래?", "같이 갈래요?"),
    ("그렇지.", "그렇지요."),
    ("벌써 왔잖아.", "벌써 왔잖아요."),
    ("바쁘거든.", "바쁘거든요."),
    ("예약하려고 하는데", "예약하려고 하는데요"),
    ("어제 도착했다.", "어제 도착했습니다."),
    ("지금 간다.", "지금 갑니다."),
    ("하지 마.", "하지 마세요."),
    ("빨리 해라.", "빨리 하세요."),
    ("응.", "네."),
    ("안녕.", "안녕하세요."),
    ("미안해.", "죄송합니다."),
    ("고마워.", "감사합니다."),
    ("정말 고마워.", "정말 고마워요."),
    ("좋네.", "좋네요."),
    ("네. 알았어.", "네. 알았어요."),
    ("잠깐만 기다려.", "잠깐만 기다려 주세요."),
    ("가게 문 열었니?", "가게 문 열었어요?"),
    ("다시 전화해 줘. 번호 알지?", "다시 전화해 주세요. 번호 알지요?"),
]


def test_the_tables_are_as_long_as_they_should_be() -> None:
    for table in (PASS, [*ABUSE, *THREAT]):
        assert sum(language in ("ko", "en") for language, _ in table) >= 40


@pytest.mark.parametrize(("language", "text"), PASS)
def test_it_passes(language: str, text: str) -> None:
    assert judge(text, language) is CLEAN


@pytest.mark.parametrize(("language", "text"), ABUSE)
def test_it_is_abuse_and_says_where(language: str, text: str) -> None:
    verdict = judge(text, language)
    assert verdict.level is Level.ABUSE
    assert all(0 <= start < end <= len(text) for start, end in verdict.spans)
    assert verdict.corrected is None


@pytest.mark.parametrize(("language", "text"), THREAT)
def test_it_is_a_threat(language: str, text: str) -> None:
    assert judge(text, language).level is Level.THREAT


@pytest.mark.parametrize(("text", "polite"), REGISTER)
def test_familiar_korean_is_made_polite(text: str, polite: str) -> None:
    verdict = judge(text, "ko")
    assert (verdict.level, verdict.corrected) == (Level.REGISTER, polite)


@pytest.mark.parametrize("polite", [polite for _, polite in REGISTER])
def test_what_is_polite_already_is_left_alone(polite: str) -> None:
    assert judge(polite, "ko") is CLEAN


def test_a_familiar_you_is_found_but_no_rule_corrects_it() -> None:
    verdict = judge("너 몇 시에 왔어?", "ko")
    assert (verdict.level, verdict.corrected) == (Level.REGISTER, None)


def test_the_span_is_the_word() -> None:
    assert judge("야 이 개새끼야.", "ko").spans == ((4, 8),)
    assert judge("What the FUCK is this?", "en").spans == ((9, 13),)


def test_the_span_of_familiar_speech_is_its_sentence() -> None:
    text = "네. 알았어."
    [(start, end)] = judge(text, "ko").spans
    assert text[start:end] == "알았어"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_list(language: str) -> None:
    lists = data.load(language)
    assert lists["threats"]
    assert lists.get("words") or lists.get("stems") or lists["phrases"]

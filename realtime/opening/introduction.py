# ruff: noqa: E501 -- wide scripts count double, and a broken sentence reads badly
"""The first sentences that the callee hears: who calls and why, then that an AI helps.

Theory of operation.  An opening has two parts.  The *introduction* is the caller's: a
sentence of their own, or one made here of their name and what it is about.  The
*disclosure* is ours, whatever the introduction says: that an AI interprets, or writes
and reads out, or speaks itself.  Without an introduction the fixed greeting of
`realtime.voice.lines` says both.  Nothing is said that the caller has not been able to read
and change: a brief is never put into words here.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from realtime.events import Line
from realtime.guards import names, speech
from realtime.voice import verbatim
from realtime.voice.lines import LINES

MOST_LETTERS: Final = 300
"""Of an introduction: some 25 seconds of speech, and nobody listens longer to that."""
MOST_NAME_LETTERS: Final = 60
MOST_PURPOSE_LETTERS: Final = 120


class Kind(StrEnum):
    """What the AI does in a call, which is what the callee is told."""

    INTERPRETED = "interpreted"
    RELAY = "relay"
    """One language: it writes down, and reads out what is typed."""
    AGENT = "agent"
    """It speaks for the caller."""


def kind_of(mode: str, caller_language: str, callee_language: str) -> Kind:
    """Say what the AI does in a call."""
    if mode == "agent":
        return Kind.AGENT
    is_one_language = caller_language == callee_language
    return Kind.RELAY if is_one_language else Kind.INTERPRETED


@dataclass(frozen=True, slots=True)
class _Texts:
    """The parts of an opening in one language."""

    hello: str
    person: str
    about: str
    interprets: str
    speaks: str
    joint: str = " "


_TEXTS: Final[dict[str, _Texts]] = {
    "en": _Texts(
        hello="Hello.",
        person="This is a call from {name}.",
        about="It is about {purpose}.",
        interprets="I am an AI and interpret this call. Please speak normally.",
        speaks="I am an AI assistant and make this call for them.",
    ),
    "ko": _Texts(
        hello="안녕하세요.",
        person="{name} 님의 전화입니다.",
        about="{purpose} 연락드렸습니다.",
        interprets="저는 이 통화를 통역하는 인공지능입니다. 평소처럼 말씀해 주세요.",
        speaks="저는 전화를 대신 드리는 인공지능 비서입니다.",
    ),
    "ja": _Texts(
        hello="もしもし。",
        person="{name}様からのお電話です。",
        about="ご用件は{purpose}です。",
        interprets="私はこの通話を通訳するAIです。普段どおりお話しください。",
        speaks="私は代わりにお電話しているAIアシスタントです。",
        joint="",
    ),
    "zh": _Texts(
        hello="您好。",
        person="这是{name}的来电。",
        about="来电事由：{purpose}。",
        interprets="我是人工智能，为这次通话做翻译。请像平时一样说话。",
        speaks="我是人工智能助理，代为拨打这个电话。",
        joint="",
    ),
    "es": _Texts(
        hello="Hola.",
        person="Le llama {name}.",
        about="El motivo de la llamada: {purpose}.",
        interprets="Soy una inteligencia artificial e interpreto esta llamada. Hable con normalidad, por favor.",
        speaks="Soy un asistente de inteligencia artificial y llamo de su parte.",
    ),
    "pt": _Texts(
        hello="Olá.",
        person="Quem liga é {name}.",
        about="O assunto da chamada: {purpose}.",
        interprets="Sou uma inteligência artificial e interpreto esta chamada. Por favor, fale normalmente.",
        speaks="Sou um assistente de inteligência artificial e ligo em seu nome.",
    ),
    "fr": _Texts(
        hello="Bonjour.",
        person="{name} vous appelle.",
        about="Objet de l'appel : {purpose}.",
        interprets="Je suis une intelligence artificielle et j'interprète cet appel. Parlez normalement, s'il vous plaît.",
        speaks="Je suis un assistant à intelligence artificielle et j'appelle de sa part.",
    ),
    "de": _Texts(
        hello="Guten Tag.",
        person="{name} ruft Sie an.",
        about="Es geht um Folgendes: {purpose}.",
        interprets="Ich bin eine KI und dolmetsche dieses Gespräch. Bitte sprechen Sie ganz normal.",
        speaks="Ich bin ein KI-Assistent und führe dieses Gespräch in Vertretung.",
    ),
    "it": _Texts(
        hello="Buongiorno.",
        person="La chiama {name}.",
        about="Il motivo della chiamata: {purpose}.",
        interprets="Sono un'intelligenza artificiale e interpreto questa chiamata. Parli pure normalmente.",
        speaks="Sono un assistente di intelligenza artificiale e chiamo per suo conto.",
    ),
    "ru": _Texts(
        hello="Здравствуйте.",
        person="Вам звонит {name}.",
        about="Тема звонка: {purpose}.",
        interprets="Я искусственный интеллект и перевожу этот разговор. Говорите, пожалуйста, как обычно.",
        speaks="Я помощник на основе искусственного интеллекта и звоню по поручению.",
    ),
    "vi": _Texts(
        hello="Xin chào.",
        person="Đây là cuộc gọi của {name}.",
        about="Nội dung cuộc gọi: {purpose}.",
        interprets="Tôi là trí tuệ nhân tạo, phiên dịch cho cuộc gọi này. Xin cứ nói chuyện bình thường.",
        speaks="Tôi là trợ lý trí tuệ nhân tạo, gọi thay cho người đó.",
    ),
    "id": _Texts(
        hello="Halo.",
        person="Ini panggilan dari {name}.",
        about="Panggilan ini mengenai {purpose}.",
        interprets="Saya kecerdasan buatan dan menerjemahkan panggilan ini. Silakan berbicara seperti biasa.",
        speaks="Saya asisten kecerdasan buatan dan menelepon atas namanya.",
    ),
    "hi": _Texts(
        hello="नमस्ते।",
        person="यह {name} की ओर से कॉल है।",
        about="कॉल का विषय: {purpose}।",
        interprets="मैं एक एआई हूँ और इस कॉल का अनुवाद करता हूँ। कृपया सामान्य रूप से बोलिए।",
        speaks="मैं एक एआई सहायक हूँ और उनकी ओर से फ़ोन कर रहा हूँ।",
    ),
}

_GREETINGS: Final = {
    Kind.INTERPRETED: Line.GREETING,
    Kind.RELAY: Line.RELAY_GREETING,
}
_SENTENCE_ENDS: Final = (".", "!", "?", "。", "！", "？", "…", "।")
_TRAILING: Final = " .!?。！？…।,;:、，；：\u00a0"
_KOREAN_TITLES: Final = ("님", "씨", "께서", "교수", "선생", "대표", "과장", "부장")
_JAPANESE_TITLES: Final = ("様", "さん", "さま", "氏", "先生")
_LEADING: Final = re.compile(
    r"(?:it is|it's|this is)?\s*(?:about|regarding|concerning)\s+", re.IGNORECASE
)
_KOREAN_REASONS: Final = ("때문에", "위해", "위해서", "려고", "하러", "으로", "관련해", "관련하여")  # fmt: skip
"""What can stand before "연락드렸습니다" as it is; anything else is a matter (건)."""


# --- In words ------------------------------------------------------------------------


def clean(text: str) -> str:
    """Make one line of what somebody wrote, without what cannot be stored or said."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return " ".join(kept.split())


def introduce(language: str, name: str = "", purpose: str = "") -> str:
    """Say who calls, and what it is about.

    Args:
        language: ISO 639-1; in one that we have no words in, it is said in English.
        name: as it is to be spoken; may be empty.
        purpose: a short phrase in that language ("a table for Saturday"), may be empty.

    Returns:
        one to three sentences; "" if there is neither name nor purpose.
    """
    texts = _of(language)
    person, matter = _person(texts, language, name), about(language, purpose)
    said = [texts.hello, person, matter]
    return texts.joint.join(filter(None, said)) if person or matter else ""


def about(language: str, purpose: str) -> str:
    """Say what a call is about, without a greeting; "" if that is not known."""
    purpose = clean(purpose).strip(_TRAILING)
    if not purpose:
        return ""
    if language == "ko" and not purpose.endswith(_KOREAN_REASONS):
        purpose += "으로" if purpose.endswith("건") else " 건으로"
    if _of(language) is _TEXTS["en"]:
        purpose = _LEADING.sub("", purpose, count=1)
    return _of(language).about.format(purpose=purpose)


def _person(texts: _Texts, language: str, name: str) -> str:
    name = clean(name).strip(_TRAILING)
    if not name:
        return ""
    person = texts.person
    if language == "ko" and name.endswith(_KOREAN_TITLES):
        person = person.replace("{name} 님", "{name}")
    if language == "ja" and name.endswith(_JAPANESE_TITLES):
        person = person.replace("{name}様", "{name}")
    return person.format(name=name)


def disclosure(language: str, kind: Kind) -> str:
    """Say what the AI does, to follow an introduction; never left out."""
    texts = _of(language)
    match kind:
        case Kind.INTERPRETED:
            return texts.interprets
        case Kind.AGENT:
            return texts.speaks
        case _:
            # The relay's greeting says it already, after its first word.
            return LINES[_known(language)][Line.RELAY_GREETING].removeprefix(
                texts.hello + texts.joint
            )


def opening(language: str, kind: Kind, introduction: str = "") -> str:
    """Say everything that a callee hears first.

    Args:
        language: ISO 639-1, of the callee; of the reader where it is only shown.
        kind: what the AI does.
        introduction: in that language; "" for the fixed greeting.
    """
    texts = _of(language)
    introduction = ended(introduction, language)
    if not introduction and (line := _GREETINGS.get(kind)):
        return LINES[_known(language)][line]
    parts = [introduction or texts.hello, disclosure(language, kind)]
    return texts.joint.join(parts)


def ended(text: str, language: str) -> str:
    """Make a whole sentence of what somebody wrote: ours follows it."""
    text = clean(text)
    if not text or text.endswith(_SENTENCE_ENDS):
        return text
    return text + {"ja": "。", "zh": "。", "hi": "।"}.get(language, ".")


def joined(language: str, *sentences: str) -> str:
    """Put sentences of a language behind each other."""
    return _of(language).joint.join(filter(None, sentences))


def _known(language: str) -> str:
    return language if language in _TEXTS else "en"


def _of(language: str) -> _Texts:
    return _TEXTS[_known(language)]


def known_in(
    callee_language: str, introduction: str, name: str, caller_language: str
) -> str | None:
    """Return an introduction in the callee's language, where nobody has to translate.

    Args:
        callee_language: ISO 639-1.
        introduction: as the caller has it; may be empty.
        name: of the person who calls.
        caller_language: ISO 639-1.

    Returns:
        what is to be said; None: it has to be translated.
    """
    introduction = clean(introduction)
    if not introduction:
        return ""
    if language_of(introduction, caller_language, callee_language) == callee_language:
        return ended(introduction, callee_language)
    if introduction == introduce(caller_language, name):
        return named(callee_language, name)
    return None


def named(language: str, name: str) -> str:
    """Say who calls, in another language than the name's; "" without a name."""
    return introduce(language, names.spelled(clean(name), language))


_AGAIN: Final = {
    "en": "I could not reach you and will call again.",
    "ko": "전화를 받지 않으셔서 다시 연락드리겠습니다.",
    "ja": "お出になりませんでしたので、またお電話いたします。",
    "zh": "您没有接听，我会再打来。",
    "es": "No he podido localizarle y volveré a llamar.",
    "pt": "Não consegui falar com você e vou ligar de novo.",
    "fr": "Je n'ai pas pu vous joindre et je rappellerai.",
    "de": "Ich habe Sie nicht erreicht und rufe wieder an.",
    "it": "Non sono riuscito a raggiungerla e richiamerò.",
    "ru": "Я не дозвонился до вас и позвоню ещё раз.",
    "vi": "Tôi chưa liên lạc được và sẽ gọi lại.",
    "id": "Saya belum berhasil menghubungi Anda dan akan menelepon lagi.",
    "hi": "आपसे बात नहीं हो पाई, मैं फिर से फ़ोन करूँगा।",
}


def message(language: str, introduction: str) -> str:
    """Write what is left on a voicemail where the caller has written nothing.

    Args:
        language: ISO 639-1, of the introduction.
        introduction: who calls and why; nobody leaves a message without.

    Returns:
        "" if there is no introduction, or no words in that language.
    """
    introduction = ended(introduction, language)
    if not introduction or language not in _AGAIN:
        return ""
    return joined(language, introduction, _AGAIN[language])


# --- What language it is in ------------------------------------------------------------

_SCRIPTS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("HANGUL", frozenset({"ko"})),
    ("HIRAGANA", frozenset({"ja"})),
    ("KATAKANA", frozenset({"ja"})),
    ("CJK", frozenset({"zh", "ja"})),
    ("CYRILLIC", frozenset({"ru", "uk", "mn"})),
    ("DEVANAGARI", frozenset({"hi"})),
    ("ARABIC", frozenset({"ar"})),
    ("THAI", frozenset({"th"})),
    ("LATIN", frozenset({"en", "de", "es", "fr", "id", "it", "ms", "nl", "pl", "pt", "tl", "tr", "uz", "vi"})),
)  # fmt: skip
"""In the order in which they decide: a Japanese text has Han letters as well."""


def language_of(text: str, caller_language: str, callee_language: str) -> str:
    """Say which language an introduction is written in, by its letters.

    Args:
        text: what somebody wrote.
        caller_language: ISO 639-1; it is this one where the letters allow it.
        callee_language: ISO 639-1; it is this one where they do not, but this one's.

    Returns:
        ISO 639-1.  A sentence that was written for other calls may be in neither.
    """
    letters = [unicodedata.name(c, "") for c in text if c.isalpha()]
    counts = [
        (sum(name.startswith(script) for name in letters), script, languages)
        for script, languages in _SCRIPTS
    ]
    if not letters or not max(counts, key=lambda c: c[0])[0]:
        return caller_language
    # A foreign name does not make a sentence foreign, but few kana make it Japanese.
    shares = {"HIRAGANA": 8, "KATAKANA": 3, "LATIN": 100}
    possible = next(
        (ls for n, s, ls in counts if n * shares.get(s, 3) >= len(letters)),
        frozenset({"en"}),
    )
    for language in (caller_language, callee_language):
        if language in possible:
            return language
    for language in ("ko", "ja", "zh", "ru", "hi", "ar", "th"):
        if language in possible:
            return language
    return "en"


# --- What may be said, and whether it was ----------------------------------------------


def is_fit(text: str, *languages: str) -> bool:
    """Say whether a stranger may hear this first: no abuse, and no threat."""
    bad = (speech.Level.ABUSE, speech.Level.THREAT)
    return all(speech.judge(text, language).level not in bad for language in languages)


def is_said(text: str, spoken: str, language: str, name: str) -> bool:
    """Say whether a sentence was read out as it is written.

    All words have to be the same, but the name's: where the transcript has it in other
    letters ("Minsu" for "민수", "존" for "John") nobody can compare them exactly.

    Args:
        text: what was to be said.
        spoken: the transcript of what was said.
        language: ISO 639-1 of both.
        name: of the person who calls; may be empty.
    """
    if verbatim.compare(text, spoken, language).is_same:
        return True
    before, found, after = text.partition(name) if name else (text, "", "")
    if not found:
        return False
    head, tail, said = _letters(before), _letters(after), _letters(spoken)
    middle = said[len(head) : len(said) - len(tail)]
    is_framed = said.startswith(head) and said.endswith(tail)
    if not is_framed or not 0 < len(middle) <= 3 * len(_letters(name)):
        return False
    is_foreign = _script_of(middle) != _script_of(name)
    return is_foreign or names.find(name, spoken, is_name=True) is not None


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LNM")


def _script_of(text: str) -> str:
    first = next((unicodedata.name(c, "") for c in text if c.isalpha()), "")
    return first.partition(" ")[0]

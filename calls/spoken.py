# ruff: noqa: E501 -- wide scripts count double, and a broken sentence reads badly
"""Sentences that Twilio itself says (`<Say>`), where none of our voices can.

Each is for a moment without a media stream: the line takes no call, the assistant could
not be had, or nobody has picked up where the call was put through to.
"""

from enum import StrEnum
from typing import Final

_LOCALES: Final = {
    "en": "en-US", "ko": "ko-KR", "ja": "ja-JP", "zh": "zh-CN", "es": "es-ES",
    "pt": "pt-BR", "fr": "fr-FR", "de": "de-DE", "it": "it-IT", "ru": "ru-RU",
    "vi": "vi-VN", "id": "id-ID", "hi": "hi-IN",
}  # fmt: skip


class Sentence(StrEnum):
    """What there is to say."""

    FULL = "full"
    UNAVAILABLE = "unavailable"
    NOT_REACHED = "not_reached"


_SENTENCES: Final[dict[Sentence, dict[str, str]]] = {
    Sentence.FULL: {
        "en": "We cannot take your call at the moment. Please call again later. Goodbye.",
        "ko": "지금은 전화를 받을 수 없습니다. 나중에 다시 전화해 주세요. 감사합니다.",
        "ja": "ただいま電話に出ることができません。のちほどおかけ直しください。",
        "zh": "现在无法接听您的电话，请稍后再拨。谢谢。",
        "es": "Ahora no podemos atender su llamada. Llame más tarde, por favor. Gracias.",
        "pt": "No momento não podemos atender. Por favor, ligue mais tarde. Obrigado.",
        "fr": "Nous ne pouvons pas prendre votre appel. Veuillez rappeler plus tard. Merci.",
        "de": "Im Moment können wir Ihren Anruf nicht annehmen. Bitte rufen Sie später wieder an.",
        "it": "Ora non possiamo rispondere. La preghiamo di richiamare più tardi. Grazie.",
        "ru": "Сейчас мы не можем ответить. Пожалуйста, перезвоните позже. Спасибо.",
        "vi": "Hiện chúng tôi không thể nghe máy. Xin gọi lại sau. Cảm ơn.",
        "id": "Saat ini kami tidak dapat menerima panggilan Anda. Silakan hubungi lagi nanti.",
        "hi": "अभी हम आपका फ़ोन नहीं ले सकते। कृपया बाद में फ़ोन कीजिए। धन्यवाद।",
    },
    Sentence.UNAVAILABLE: {
        "en": "Sorry, our assistant is not available. Please call again in a few minutes. Goodbye.",
        "ko": "죄송합니다. 지금은 상담이 어렵습니다. 몇 분 뒤에 다시 전화해 주세요. 감사합니다.",
        "ja": "申し訳ありません。ただいま応対できません。数分後におかけ直しください。",
        "zh": "抱歉，助手暂时无法接听，请几分钟后再拨。谢谢。",
        "es": "Lo siento, el asistente no está disponible. Llame dentro de unos minutos. Gracias.",
        "pt": "Desculpe, o assistente não está disponível. Ligue daqui a alguns minutos. Obrigado.",
        "fr": "Désolé, l'assistant n'est pas disponible. Veuillez rappeler dans quelques minutes.",
        "de": "Entschuldigung, der Assistent ist nicht verfügbar. Bitte rufen Sie in einigen Minuten wieder an.",
        "it": "Ci scusi, l'assistente non è disponibile. Richiami tra qualche minuto. Grazie.",
        "ru": "Извините, помощник недоступен. Пожалуйста, перезвоните через несколько минут.",
        "vi": "Xin lỗi, trợ lý hiện không có. Xin gọi lại sau vài phút. Cảm ơn.",
        "id": "Maaf, asisten kami tidak tersedia. Silakan hubungi lagi beberapa menit lagi.",
        "hi": "क्षमा करें, सहायक उपलब्ध नहीं है। कृपया कुछ मिनट बाद फ़ोन कीजिए।",
    },
    Sentence.NOT_REACHED: {
        "en": "Sorry, nobody could be reached. Please call again later. Goodbye.",
        "ko": "죄송합니다. 담당자와 연결되지 않았습니다. 나중에 다시 전화해 주세요. 감사합니다.",
        "ja": "申し訳ありません。担当の者につながりませんでした。のちほどおかけ直しください。",
        "zh": "抱歉，无法转接，请稍后再拨。谢谢。",
        "es": "Lo siento, no hemos podido localizar a nadie. Llame más tarde, por favor.",
        "pt": "Desculpe, não foi possível falar com ninguém. Por favor, ligue mais tarde.",
        "fr": "Désolé, personne n'a pu être joint. Veuillez rappeler plus tard.",
        "de": "Entschuldigung, es war niemand zu erreichen. Bitte rufen Sie später wieder an.",
        "it": "Ci scusi, non è stato possibile raggiungere nessuno. Richiami più tardi.",
        "ru": "Извините, никого не удалось застать. Пожалуйста, перезвоните позже.",
        "vi": "Xin lỗi, không liên lạc được với ai. Xin gọi lại sau.",
        "id": "Maaf, tidak ada yang dapat dihubungi. Silakan hubungi lagi nanti.",
        "hi": "क्षमा करें, किसी से संपर्क नहीं हो सका। कृपया बाद में फ़ोन कीजिए।",
    },
}


def say(sentence: Sentence, language: str) -> tuple[str, str]:
    """Return a sentence as `hangup_twiml` takes it: BCP 47 language, and text.

    Args:
        sentence: which.
        language: ISO 639-1.
    """
    return _LOCALES[language], _SENTENCES[sentence][language]

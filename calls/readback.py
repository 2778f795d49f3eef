"""The sentence that asks the other side whether something was understood rightly.

It is in the language of whoever calls: it goes the way of what they type, so that it is
translated, and they see into what.
"""

from typing import Final

WORDS: Final = "{words}"
"""Where the page puts what is in doubt."""

SENTENCES: Final = {
    "en": "I understood: {words}. Is that right?",
    "ko": "{words}, 이렇게 이해했는데 맞나요?",
    "ja": "{words}、と理解しましたが、合っていますか。",
    "zh": "我听到的是：{words}。对吗？",
    "de": "Ich habe verstanden: {words}. Stimmt das?",
    "es": "He entendido: {words}. ¿Es correcto?",
    "fr": "J'ai compris : {words}. Est-ce exact ?",
    "hi": "मैंने समझा: {words}। क्या यह सही है?",
    "id": "Yang saya pahami: {words}. Apakah benar?",
    "it": "Ho capito: {words}. È giusto?",
    "pt": "Entendi: {words}. Está certo?",
    "ru": "Насколько понятно: {words}. Это верно?",
    "vi": "Tôi hiểu là: {words}. Có đúng không?",
    "ar": "فهمت: {words}. هل هذا صحيح؟",
    "mn": "Миний ойлгосноор: {words}. Зөв үү?",
    "ms": "Yang saya faham: {words}. Betulkah?",
    "nl": "Ik heb begrepen: {words}. Klopt dat?",
    "pl": "Zrozumiano: {words}. Czy to się zgadza?",
    "th": "ที่เข้าใจคือ {words} ถูกต้องไหม",
    "tl": "Ang pagkaunawa ko: {words}. Tama po ba?",
    "tr": "Anladığım: {words}. Doğru mu?",
    "uk": "Як зрозуміло: {words}. Це правильно?",
    "uz": "Tushunganim: {words}. To'g'rimi?",
}


def sentence(language: str) -> str:
    """Return the sentence in a language, with a place for what is in doubt."""
    return SENTENCES.get(language, SENTENCES["en"])

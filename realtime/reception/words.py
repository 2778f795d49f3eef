# ruff: noqa: E501 -- wide scripts count double, and a broken sentence reads badly
"""What a reception says and listens for, in each language that it can speak."""

from dataclasses import dataclass
from typing import Final

from realtime.events import Line


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first words to whoever calls.

    Attributes:
        hello: which line this is, and that an AI answers; with `{line}`.
        ask: the line is open.
        closed: it is not.
        is_ai: said after a greeting of the owner's that does not say so.
    """

    hello: str
    ask: str
    closed: str
    is_ai: str


GREETINGS: Final[dict[str, Greeting]] = {
    "en": Greeting(
        "Hello, this is {line}. I am an AI assistant.",
        "What can I do for you?",
        "We are closed at the moment, but I can take a message.",
        "I am an AI assistant.",
    ),
    "ko": Greeting(
        "안녕하세요, {line}입니다. 저는 인공지능 비서입니다.",
        "무엇을 도와드릴까요?",
        "지금은 운영 시간이 아니지만, 메시지를 남겨 드릴 수 있습니다.",
        "저는 인공지능 비서입니다.",
    ),
    "ja": Greeting(
        "お電話ありがとうございます。{line}です。AIアシスタントが承ります。",
        "どのようなご用件でしょうか。",
        "ただいま営業時間外ですが、ご伝言を承ります。",
        "AIアシスタントが承ります。",
    ),
    "zh": Greeting(
        "您好，这里是{line}。我是人工智能助手。",
        "请问有什么可以帮您？",
        "现在不是服务时间，但我可以为您留言。",
        "我是人工智能助手。",
    ),
    "es": Greeting(
        "Hola, ha llamado a {line}. Soy un asistente de inteligencia artificial.",
        "¿En qué puedo ayudarle?",
        "Ahora está cerrado, pero puedo tomar un recado.",
        "Soy un asistente de inteligencia artificial.",
    ),
    "pt": Greeting(
        "Olá, você ligou para {line}. Sou um assistente de inteligência artificial.",
        "Em que posso ajudar?",
        "Agora estamos fechados, mas posso anotar um recado.",
        "Sou um assistente de inteligência artificial.",
    ),
    "fr": Greeting(
        "Bonjour, vous êtes bien chez {line}. Je suis un assistant à intelligence artificielle.",
        "Que puis-je faire pour vous ?",
        "C'est fermé en ce moment, mais je peux prendre un message.",
        "Je suis un assistant à intelligence artificielle.",
    ),
    "de": Greeting(
        "Guten Tag, hier ist {line}. Ich bin ein KI-Assistent.",
        "Was kann ich für Sie tun?",
        "Im Moment ist geschlossen, aber ich nehme gern eine Nachricht auf.",
        "Ich bin ein KI-Assistent.",
    ),
    "it": Greeting(
        "Buongiorno, risponde {line}. Sono un assistente di intelligenza artificiale.",
        "Come posso aiutarla?",
        "In questo momento è chiuso, ma posso prendere un messaggio.",
        "Sono un assistente di intelligenza artificiale.",
    ),
    "ru": Greeting(
        "Здравствуйте, это {line}. Я помощник с искусственным интеллектом.",
        "Чем я могу помочь?",
        "Сейчас мы не работаем, но я могу принять сообщение.",
        "Я помощник с искусственным интеллектом.",
    ),
    "vi": Greeting(
        "Xin chào, đây là {line}. Tôi là trợ lý trí tuệ nhân tạo.",
        "Tôi có thể giúp gì cho quý vị?",
        "Hiện đã hết giờ làm việc, nhưng tôi có thể ghi lại lời nhắn.",
        "Tôi là trợ lý trí tuệ nhân tạo.",
    ),
    "id": Greeting(
        "Halo, ini {line}. Saya asisten kecerdasan buatan.",
        "Ada yang bisa saya bantu?",
        "Sekarang kami tutup, tetapi saya bisa mencatat pesan.",
        "Saya asisten kecerdasan buatan.",
    ),
    "hi": Greeting(
        "नमस्ते, यह {line} है। मैं एक एआई सहायक हूँ।",
        "मैं आपकी क्या सहायता करूँ?",
        "अभी बंद है, लेकिन मैं आपका संदेश लिख सकता हूँ।",
        "मैं एक एआई सहायक हूँ।",
    ),
}

RECEPTION_LINES: Final[dict[Line, dict[str, str]]] = {
    Line.FAREWELL: {
        "en": "Thank you for your call. Goodbye.",
        "ko": "전화 주셔서 감사합니다. 안녕히 계세요.",
        "ja": "お電話ありがとうございました。失礼いたします。",
        "zh": "感谢您的来电，再见。",
        "es": "Gracias por su llamada. Adiós.",
        "pt": "Obrigado pela sua ligação. Até logo.",
        "fr": "Merci de votre appel. Au revoir.",
        "de": "Vielen Dank für Ihren Anruf. Auf Wiederhören.",
        "it": "Grazie per la chiamata. Arrivederci.",
        "ru": "Спасибо за звонок. До свидания.",
        "vi": "Cảm ơn quý vị đã gọi. Xin chào tạm biệt.",
        "id": "Terima kasih atas panggilan Anda. Sampai jumpa.",
        "hi": "फ़ोन करने के लिए धन्यवाद। नमस्ते।",
    },
    Line.TRANSFER: {
        "en": "One moment, please. I am putting you through.",
        "ko": "잠시만 기다려 주세요. 담당자에게 연결해 드리겠습니다.",
        "ja": "少々お待ちください。担当の者におつなぎいたします。",
        "zh": "请稍等，我为您转接。",
        "es": "Un momento, por favor. Le paso la llamada.",
        "pt": "Um momento, por favor. Vou transferir a ligação.",
        "fr": "Un instant, s'il vous plaît. Je vous mets en relation.",
        "de": "Einen Moment bitte, ich verbinde Sie.",
        "it": "Un momento, per favore. La metto in contatto.",
        "ru": "Одну минуту, пожалуйста. Я вас соединяю.",
        "vi": "Xin chờ một chút, tôi đang chuyển máy.",
        "id": "Mohon tunggu sebentar, saya sambungkan.",
        "hi": "कृपया एक क्षण रुकिए, मैं आपका फ़ोन मिला रहा हूँ।",
    },
}

AI_WORDS: Final = frozenset(
    {
        "ai", "ki", "ia", "artificial", "artificielle", "artificiale", "kecerdasan",
        "인공지능", "인공 지능", "에이아이", "人工知能", "人工智能", "エーアイ",
        "künstlich", "inteligência artificial", "искусственн", "ии-",
        "trí tuệ nhân tạo", "कृत्रिम", "एआई",
    }
)  # fmt: skip
"""Words that say that an AI is speaking; those of ASCII letters stand alone."""


@dataclass(frozen=True, slots=True)
class _Goodbyes:
    ends: tuple[str, ...]
    around: tuple[str, ...]


GOODBYES: Final = _Goodbyes(
    ends=(
        "goodbye", "byebye", "bye", "endthecall", "endthiscall", "hangupnow",
        "illhangup", "iwillhangup", "thatisall", "thatsall",
        "대화종료할게요", "대화종료하겠습니다", "대화를종료할게요", "대화를종료하겠습니다",
        "대화종료", "통화종료할게요", "통화종료하겠습니다", "통화를종료할게요", "통화종료",
        "안녕히계세요", "안녕히계십시오", "안녕히가세요", "끊을게요", "전화끊을게요",
        "끊겠습니다", "전화끊겠습니다", "이만끊을게요", "이만끊겠습니다", "들어가세요",
        "さようなら", "失礼します", "失礼いたします", "電話を切ります", "切りますね",
        "再见", "拜拜", "我挂了",
        "adiós", "hastaluego", "tchau", "atélogo", "adeus",
        "aurevoir", "bonnejournée",
        "aufwiederhören", "aufwiedersehen", "tschüss", "tschüs",
        "arrivederci", "досвидания", "всегодоброго", "tạmbiệt",
        "sampaijumpa", "selamattinggal", "अलविदा",
    ),
    around=(
        "ok", "okay", "yes", "well", "then", "thankyou", "thanks", "verymuch", "somuch",
        "alot", "haveaniceday", "haveagoodday", "great", "alright", "right", "please",
        "i", "now", "and", "no", "nothingelse", "willbeall",
        "네", "예", "그럼", "알겠습니다", "감사합니다", "고맙습니다", "감사해요", "고마워요",
        "수고하세요", "수고하십시오", "이만", "좋은하루되세요", "좋은하루보내세요", "아",
        "아니요", "아뇨", "괜찮습니다", "괜찮아요", "됐어요", "됐습니다", "없습니다", "없어요",
        "はい", "では", "それでは", "じゃあ", "ありがとうございます", "ありがとうございました", "どうも",
        "好", "好的", "谢谢", "谢谢您", "那",
        "gracias", "muchas", "vale", "bueno", "obrigado", "obrigada", "merci", "bien",
        "oui", "beaucoup", "danke", "vielen", "dank", "schön", "gut", "ja", "dann",
        "grazie", "mille", "bene", "спасибо", "большое", "хорошо", "да",
        "cảmơn", "xin", "chào", "vâng", "terima", "kasih", "baik", "ya",
        "धन्यवाद", "ठीक", "है", "नमस्ते",
    ),
)  # fmt: skip
"""Words that end a conversation, and those that may stand around them; no spaces."""

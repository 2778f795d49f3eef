# ruff: noqa: E501 -- wide scripts count double, and a broken sentence reads badly
"""Sentences that the system itself says to the callee, in each language it can speak.

They are fixed so that they can be spoken before they are needed, and so that the
callee's first words about us are always the same: who is calling, and that an AI
interprets; or, where both speak one language, that it writes and reads out.
"""

from typing import Final

from realtime.agent.lines import AGENT_LINES
from realtime.events import Line
from realtime.far_end.dead_air import SILENCE_LINES
from realtime.opening.recording_notice import NOTICE, NOTICE_OFF
from realtime.reception.words import RECEPTION_LINES

LINES: Final[dict[str, dict[Line, str]]] = {
    "en": {
        Line.GREETING: (
            "Hello. I am an AI interpreter calling for someone who speaks another"
            " language. Please speak normally."
        ),
        Line.RELAY_GREETING: (
            "Hello. An AI is on this call: it writes down what you say, and"
            " reads out what the caller types. Please speak normally."
        ),
        Line.WAIT: "One moment, please.",
        Line.TYPING: "One moment, please, they are typing.",
        Line.APOLOGY: (
            "Sorry, the connection was lost, so I have to end this call. Thank you."
        ),
        Line.TIME_LIMIT: "Sorry, our time is up, so I have to end this call. Thank you.",
        Line.SPEND_LIMIT: "Sorry, I have to end this call now. Thank you for your time.",
    },
    "ko": {
        Line.GREETING: (
            "안녕하세요. 다른 언어를 쓰는 분의 전화를 통역하는 인공지능입니다."
            " 평소처럼 말씀해 주세요."
        ),
        Line.RELAY_GREETING: (
            "안녕하세요. 이 통화에는 인공지능이 함께합니다. 하시는 말씀을 글로 옮기고, 전화 거신 분의 글을 읽어 드립니다."
            " 평소처럼 말씀해 주세요."
        ),
        Line.WAIT: "잠시만 기다려 주세요.",
        Line.TYPING: "잠시만요, 입력 중입니다.",
        Line.APOLOGY: "죄송합니다. 연결이 끊어져서 전화를 마치겠습니다. 감사합니다.",
        Line.TIME_LIMIT: "죄송합니다. 통화 시간이 다 되어 전화를 마치겠습니다. 감사합니다.",
        Line.SPEND_LIMIT: "죄송합니다. 이제 전화를 마쳐야 합니다. 시간 내 주셔서 감사합니다.",
    },
    "ja": {
        Line.GREETING: (
            "もしもし。別の言語を話す方のお電話を通訳するAIです。"
            "普段どおりお話しください。"
        ),
        Line.RELAY_GREETING: "もしもし。この通話ではAIが、お話を文字にし、相手の方が書いた文章を読み上げます。普段どおりお話しください。",
        Line.WAIT: "少々お待ちください。",
        Line.TYPING: "少々お待ちください。入力しています。",
        Line.APOLOGY: "申し訳ありません。接続が切れたため、通話を終了します。ありがとうございました。",
        Line.TIME_LIMIT: "申し訳ありません。時間になりましたので、通話を終了します。ありがとうございました。",
        Line.SPEND_LIMIT: "申し訳ありません。ここで通話を終了します。お時間をいただき、ありがとうございました。",
    },
    "zh": {
        Line.GREETING: (
            "您好。我是人工智能翻译，正在为说另一种语言的人打电话。请像平时一样说话。"
        ),
        Line.RELAY_GREETING: "您好。本次通话有人工智能协助：它会把您说的话写成文字，并朗读对方输入的文字。请像平时一样说话。",
        Line.WAIT: "请稍等。",
        Line.TYPING: "请稍等，对方正在输入。",
        Line.APOLOGY: "抱歉，连接中断了，我只好结束通话。谢谢。",
        Line.TIME_LIMIT: "抱歉，通话时间到了，我只好结束通话。谢谢。",
        Line.SPEND_LIMIT: "抱歉，我现在必须结束通话。感谢您抽出时间。",
    },
    "es": {
        Line.GREETING: (
            "Hola. Soy un intérprete de inteligencia artificial y llamo de parte de una"
            " persona que habla otro idioma. Hable con normalidad, por favor."
        ),
        Line.RELAY_GREETING: (
            "Hola. En esta llamada hay una inteligencia artificial: escribe lo"
            " que usted dice y lee lo que escribe la otra persona. Hable con"
            " normalidad, por favor."
        ),
        Line.WAIT: "Un momento, por favor.",
        Line.TYPING: "Un momento, por favor, está escribiendo.",
        Line.APOLOGY: (
            "Lo siento, se ha perdido la conexión y tengo que terminar la llamada."
            " Gracias."
        ),
        Line.TIME_LIMIT: (
            "Lo siento, se ha acabado el tiempo y tengo que terminar la llamada."
            " Gracias."
        ),
        Line.SPEND_LIMIT: "Lo siento, ahora tengo que terminar la llamada. Gracias por su tiempo.",
    },
    "pt": {
        Line.GREETING: (
            "Olá. Sou um intérprete de inteligência artificial e ligo em nome de uma"
            " pessoa que fala outro idioma. Por favor, fale normalmente."
        ),
        Line.RELAY_GREETING: (
            "Olá. Nesta chamada há uma inteligência artificial: ela escreve o"
            " que você diz e lê o que a outra pessoa digita. Por favor, fale"
            " normalmente."
        ),
        Line.WAIT: "Um momento, por favor.",
        Line.TYPING: "Um momento, por favor, está digitando.",
        Line.APOLOGY: (
            "Desculpe, a ligação da outra pessoa caiu e preciso encerrar a chamada."
            " Obrigado."
        ),
        Line.TIME_LIMIT: (
            "Desculpe, o tempo acabou e preciso encerrar a chamada. Obrigado."
        ),
        Line.SPEND_LIMIT: "Desculpe, preciso encerrar a chamada agora. Obrigado pela atenção.",
    },
    "fr": {
        Line.GREETING: (
            "Bonjour. Je suis un interprète à intelligence artificielle et j'appelle"
            " pour une personne qui parle une autre langue. Parlez normalement, s'il"
            " vous plaît."
        ),
        Line.RELAY_GREETING: (
            "Bonjour. Une intelligence artificielle participe à cet appel :"
            " elle écrit ce que vous dites et lit ce que l'autre personne tape."
            " Parlez normalement, s'il vous plaît."
        ),
        Line.WAIT: "Un instant, s'il vous plaît.",
        Line.TYPING: "Un instant, s'il vous plaît, la personne écrit.",
        Line.APOLOGY: (
            "Désolé, la connexion est perdue et je dois mettre fin à l'appel. Merci."
        ),
        Line.TIME_LIMIT: (
            "Désolé, le temps est écoulé et je dois mettre fin à l'appel. Merci."
        ),
        Line.SPEND_LIMIT: "Désolé, je dois maintenant mettre fin à l'appel. Merci de votre temps.",
    },
    "de": {
        Line.GREETING: (
            "Guten Tag. Ich bin ein KI-Dolmetscher und rufe für einen Menschen an, der"
            " eine andere Sprache spricht. Bitte sprechen Sie ganz normal."
        ),
        Line.RELAY_GREETING: (
            "Guten Tag. Bei diesem Anruf hilft eine KI: Sie schreibt mit, was"
            " Sie sagen, und liest vor, was die andere Person tippt. Bitte"
            " sprechen Sie ganz normal."
        ),
        Line.WAIT: "Einen Moment, bitte.",
        Line.TYPING: "Einen Moment, bitte, es wird gerade getippt.",
        Line.APOLOGY: (
            "Entschuldigung, die Verbindung ist abgerissen. Ich muss das Gespräch"
            " beenden. Vielen Dank."
        ),
        Line.TIME_LIMIT: (
            "Entschuldigung, unsere Zeit ist um. Ich muss das Gespräch beenden."
            " Vielen Dank."
        ),
        Line.SPEND_LIMIT: "Entschuldigung, ich muss das Gespräch jetzt beenden. Vielen Dank für Ihre Zeit.",
    },
    "it": {
        Line.GREETING: (
            "Buongiorno. Sono un interprete di intelligenza artificiale e chiamo per una"
            " persona che parla un'altra lingua. Parli pure normalmente."
        ),
        Line.RELAY_GREETING: (
            "Buongiorno. In questa chiamata c'è un'intelligenza artificiale:"
            " scrive quello che dice e legge ciò che l'altra persona digita."
            " Parli pure normalmente."
        ),
        Line.WAIT: "Un momento, per favore.",
        Line.TYPING: "Un momento, per favore, sta scrivendo.",
        Line.APOLOGY: (
            "Mi dispiace, la connessione è caduta e devo chiudere la chiamata. Grazie."
        ),
        Line.TIME_LIMIT: (
            "Mi dispiace, il tempo è finito e devo chiudere la chiamata. Grazie."
        ),
        Line.SPEND_LIMIT: "Mi dispiace, ora devo chiudere la chiamata. Grazie per il suo tempo.",
    },
    "ru": {
        Line.GREETING: (
            "Здравствуйте. Я переводчик на основе искусственного интеллекта и звоню от"
            " имени человека, который говорит на другом языке. Говорите, пожалуйста,"
            " как обычно."
        ),
        Line.RELAY_GREETING: (
            "Здравствуйте. В этом разговоре помогает искусственный интеллект:"
            " он записывает ваши слова и читает вслух то, что печатает"
            " собеседник. Говорите, пожалуйста, как обычно."
        ),
        Line.WAIT: "Одну минуту, пожалуйста.",
        Line.TYPING: "Одну минуту, пожалуйста, собеседник печатает.",
        Line.APOLOGY: (
            "Извините, связь прервалась, и мне нужно закончить разговор. Спасибо."
        ),
        Line.TIME_LIMIT: (
            "Извините, время вышло, и мне нужно закончить разговор. Спасибо."
        ),
        Line.SPEND_LIMIT: "Извините, сейчас мне нужно закончить разговор. Спасибо за ваше время.",
    },
    "vi": {
        Line.GREETING: (
            "Xin chào. Tôi là phiên dịch viên trí tuệ nhân tạo, gọi giúp một người nói"
            " ngôn ngữ khác. Xin cứ nói chuyện bình thường."
        ),
        Line.RELAY_GREETING: (
            "Xin chào. Cuộc gọi này có trí tuệ nhân tạo hỗ trợ: nó viết lại lời"
            " bạn nói và đọc to những gì người gọi gõ. Xin cứ nói chuyện bình"
            " thường."
        ),
        Line.WAIT: "Xin vui lòng chờ một chút.",
        Line.TYPING: "Xin chờ một chút, người gọi đang gõ.",
        Line.APOLOGY: "Xin lỗi, kết nối đã bị mất nên tôi phải kết thúc cuộc gọi. Cảm ơn.",
        Line.TIME_LIMIT: "Xin lỗi, đã hết giờ nên tôi phải kết thúc cuộc gọi. Cảm ơn.",
        Line.SPEND_LIMIT: "Xin lỗi, bây giờ tôi phải kết thúc cuộc gọi. Cảm ơn vì đã dành thời gian.",
    },
    "id": {
        Line.GREETING: (
            "Halo. Saya penerjemah kecerdasan buatan, menelepon untuk seseorang yang"
            " berbicara dalam bahasa lain. Silakan berbicara seperti biasa."
        ),
        Line.RELAY_GREETING: (
            "Halo. Panggilan ini dibantu kecerdasan buatan: ia menuliskan"
            " ucapan Anda dan membacakan apa yang diketik penelepon. Silakan"
            " berbicara seperti biasa."
        ),
        Line.WAIT: "Mohon tunggu sebentar.",
        Line.TYPING: "Mohon tunggu, penelepon sedang mengetik.",
        Line.APOLOGY: (
            "Maaf, sambungan terputus, jadi saya harus mengakhiri panggilan ini."
            " Terima kasih."
        ),
        Line.TIME_LIMIT: (
            "Maaf, waktu kita habis, jadi saya harus mengakhiri panggilan ini."
            " Terima kasih."
        ),
        Line.SPEND_LIMIT: "Maaf, saya harus mengakhiri panggilan ini sekarang. Terima kasih atas waktunya.",
    },
    "hi": {
        Line.GREETING: (
            "नमस्ते। मैं एक एआई दुभाषिया हूँ और दूसरी भाषा बोलने वाले व्यक्ति की ओर से फ़ोन कर रहा हूँ।"
            " कृपया सामान्य रूप से बोलिए।"
        ),
        Line.RELAY_GREETING: (
            "नमस्ते। इस कॉल में एक एआई सहायता कर रहा है: वह आपकी बात लिखता है"
            " और दूसरे व्यक्ति का लिखा हुआ पढ़कर सुनाता है। कृपया सामान्य रूप"
            " से बोलिए।"
        ),
        Line.WAIT: "कृपया एक क्षण रुकिए।",
        Line.TYPING: "कृपया एक क्षण रुकिए, वे लिख रहे हैं।",
        Line.APOLOGY: "क्षमा करें, संपर्क टूट गया है, इसलिए मुझे यह कॉल समाप्त करनी होगी। धन्यवाद।",
        Line.TIME_LIMIT: "क्षमा करें, समय समाप्त हो गया है, इसलिए मुझे यह कॉल समाप्त करनी होगी। धन्यवाद।",
        Line.SPEND_LIMIT: "क्षमा करें, मुझे अब यह कॉल समाप्त करनी होगी। आपके समय के लिए धन्यवाद।",
    },
}


def text_of(line: Line, language: str) -> str:
    """Return a sentence in the callee's language.

    Args:
        line: which sentence.
        language: ISO 639-1, one that the system can speak.

    Raises:
        KeyError: a language that it cannot speak.
    """
    if line is Line.RECORDING:
        return NOTICE[language]
    if line is Line.RECORDING_OFF:
        return NOTICE_OFF[language]
    for lines in (AGENT_LINES, RECEPTION_LINES, SILENCE_LINES):
        if line in lines:
            return lines[line][language]
    return LINES[language][line]

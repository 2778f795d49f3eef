"""What is said for the agent where the model must not be waited for or relied upon."""

from typing import Final

from realtime.events import Line

AGENT_LINES: Final[dict[Line, dict[str, str]]] = {
    Line.CHECKING: {
        "en": "One moment, please. Let me check.",
        "ko": "잠시만요, 확인해 보겠습니다.",
        "ja": "少々お待ちください。確認いたします。",
        "zh": "请稍等，我确认一下。",
        "es": "Un momento, por favor. Voy a comprobarlo.",
        "pt": "Um momento, por favor. Vou verificar.",
        "fr": "Un instant, s'il vous plaît. Je vérifie.",
        "de": "Einen Moment bitte, ich frage nach.",
        "it": "Un momento, per favore. Verifico subito.",
        "ru": "Одну минуту, пожалуйста. Я уточню.",
        "vi": "Xin chờ một chút, tôi sẽ kiểm tra.",
        "id": "Mohon tunggu sebentar, saya periksa dulu.",
        "hi": "कृपया एक क्षण रुकिए, मैं पता करता हूँ।",
    },
    Line.REPEAT: {
        "en": "Sorry, could you say that once more?",
        "ko": "죄송합니다. 한 번만 더 말씀해 주시겠어요?",
        "ja": "申し訳ありません。もう一度おっしゃっていただけますか。",
        "zh": "抱歉，您能再说一遍吗？",
        "es": "Perdone, ¿puede repetirlo?",
        "pt": "Desculpe, pode repetir?",
        "fr": "Pardon, pouvez-vous répéter ?",
        "de": "Entschuldigung, können Sie das noch einmal sagen?",
        "it": "Mi scusi, può ripetere?",
        "ru": "Извините, повторите, пожалуйста.",
        "vi": "Xin lỗi, quý vị có thể nói lại không?",
        "id": "Maaf, bisa diulangi?",
        "hi": "क्षमा कीजिए, क्या आप फिर से कह सकते हैं?",
    },
}

"""What the callee is told before a call is recorded, in each language we can speak.

Said after the greeting, to its end; not one sample is kept before that.
"""

from typing import Final

NOTICE: Final[dict[str, str]] = {
    "en": "This call is being recorded.",
    "ko": "이 통화는 녹음됩니다.",
    "ja": "この通話は録音されます。",
    "zh": "本次通话将被录音。",
    "es": "Esta llamada se está grabando.",
    "pt": "Esta chamada está sendo gravada.",
    "fr": "Cet appel est enregistré.",
    "de": "Dieses Gespräch wird aufgezeichnet.",
    "it": "Questa chiamata viene registrata.",
    "ru": "Этот разговор записывается.",
    "vi": "Cuộc gọi này được ghi âm.",
    "id": "Panggilan ini direkam.",
    "hi": "यह कॉल रिकॉर्ड की जा रही है।",
}

# ruff: noqa: E501 -- wide scripts count double, and a broken sentence reads badly
"""What the callee is asked before a call is recorded, in each language we can speak.

Said after the greeting, to its end; not one sample is kept before that.  Who goes on
has agreed (`realtime.opening.consent`); who does not want it is told that it is off.
"""

from typing import Final

NOTICE: Final[dict[str, str]] = {
    "en": "This call is recorded, so that it can be checked later. Is that all right?",
    "ko": "나중에 확인할 수 있도록 이 통화를 녹음합니다. 괜찮으시겠어요?",
    "ja": "後で確認できるように、この通話を録音します。よろしいでしょうか。",
    "zh": "为了以后核对，本次通话会录音。可以吗？",
    "es": "Esta llamada se graba para poder comprobarla después. ¿Le parece bien?",
    "pt": "Esta chamada é gravada para poder ser conferida depois. Você concorda?",
    "fr": "Cet appel est enregistré pour pouvoir être vérifié plus tard. Êtes-vous d'accord ?",
    "de": "Dieses Gespräch wird aufgezeichnet, um es später prüfen zu können. Ist das für Sie in Ordnung?",
    "it": "Questa chiamata viene registrata per poterla ricontrollare. È d'accordo?",
    "ru": "Этот разговор записывается, чтобы его можно было проверить позже. Вы согласны?",
    "vi": "Cuộc gọi này được ghi âm để có thể kiểm tra lại sau. Quý vị có đồng ý không?",
    "id": "Panggilan ini direkam agar bisa diperiksa lagi nanti. Apakah Anda setuju?",
    "hi": "यह कॉल रिकॉर्ड की जा रही है, ताकि बाद में इसे जाँचा जा सके। क्या आप सहमत हैं?",
}
"""The question; `Line.RECORDING`."""

NOTICE_OFF: Final[dict[str, str]] = {
    "en": "The recording is off.",
    "ko": "녹음을 껐습니다.",
    "ja": "録音を止めました。",
    "zh": "录音已经关闭。",
    "es": "La grabación está desactivada.",
    "pt": "A gravação está desligada.",
    "fr": "L'enregistrement est arrêté.",
    "de": "Die Aufzeichnung ist aus.",
    "it": "La registrazione è disattivata.",
    "ru": "Запись выключена.",
    "vi": "Đã tắt ghi âm.",
    "id": "Perekaman sudah dimatikan.",
    "hi": "रिकॉर्डिंग बंद कर दी गई है।",
}
"""What who does not want it hears at once; `Line.RECORDING_OFF`."""

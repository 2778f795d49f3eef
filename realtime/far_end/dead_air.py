# ruff: noqa: E501 -- wide scripts count double, and a broken sentence reads badly
"""Somebody picked up and says nothing: is anybody there?  Pure.

Theory of operation.  The greeting was said into the silence already, and nobody has
answered it.  So it is asked whether somebody hears us, twice, each time after some
quiet; and then we say goodbye, because a line that is open costs money and nobody knows
whose it is.  The first sound of speech ends all this for good: whoever speaks is a
conversation, however seldom they do.

    state   cue                         next   effect
    off     8 s without a sound         asks   -
    asks    quiet for long enough       asks   ask
    asks    the same, asked twice       over   say goodbye
    asks    speech, another verdict     over   -
    over    -                           -      -

Times are ms of the call's clock.
"""

from enum import StrEnum
from typing import Final

from realtime.config import AnsweringConfig
from realtime.events import Line

SILENCE_LINES: Final[dict[Line, dict[str, str]]] = {
    Line.ANYBODY: {
        "en": "Hello? Can you hear me?",
        "ko": "여보세요, 제 목소리가 들리십니까?",
        "ja": "もしもし、こちらの声は聞こえていますか。",
        "zh": "喂，您听得到我的声音吗？",
        "es": "¿Hola? ¿Me oye?",
        "pt": "Alô? Está me ouvindo?",
        "fr": "Allô ? Vous m'entendez ?",
        "de": "Hallo? Können Sie mich hören?",
        "it": "Pronto? Mi sente?",
        "ru": "Алло? Вы меня слышите?",
        "vi": "A lô? Quý vị có nghe thấy tôi không?",
        "id": "Halo? Apakah Anda mendengar saya?",
        "hi": "हैलो? क्या आप मुझे सुन पा रहे हैं?",
    },
    Line.NOBODY: {
        "en": "I cannot hear anybody, so I will hang up. Goodbye.",
        "ko": "아무 소리도 들리지 않아 이만 끊겠습니다. 안녕히 계세요.",
        "ja": "何も聞こえませんので、これで失礼いたします。",
        "zh": "我听不到任何声音，先挂断了。再见。",
        "es": "No oigo a nadie, así que voy a colgar. Adiós.",
        "pt": "Não ouço ninguém, por isso vou desligar. Até logo.",
        "fr": "Je n'entends personne, je vais donc raccrocher. Au revoir.",
        "de": "Ich höre niemanden und lege deshalb auf. Auf Wiederhören.",
        "it": "Non sento nessuno, quindi riaggancio. Arrivederci.",
        "ru": "Я никого не слышу, поэтому кладу трубку. До свидания.",
        "vi": "Tôi không nghe thấy ai nên xin phép gác máy. Xin tạm biệt.",
        "id": "Saya tidak mendengar siapa pun, jadi saya akan menutup telepon. Sampai jumpa.",
        "hi": "मुझे कोई सुनाई नहीं दे रहा, इसलिए मैं फ़ोन रख रहा हूँ। नमस्ते।",
    },
}


class State(StrEnum):
    OFF = "off"
    ASKS = "asks"
    OVER = "over"


class DeadAir:
    """What is done while nobody answers us.

    Args:
        config: durations.
    """

    def __init__(self, config: AnsweringConfig) -> None:
        self._config = config
        self.state = State.OFF
        self._n_asked = 0
        self._quiet_since_ms = 0

    def begin(self, now_ms: int) -> None:
        """There has been no sound for so long that it counts as an answer."""
        if self.state is State.OFF:
            self.state = State.ASKS
            self._quiet_since_ms = now_ms

    def end(self) -> None:
        """Somebody or something is there after all."""
        if self.state is not State.OFF:
            self.state = State.OVER

    def tick(self, *, is_speech: bool, is_ours: bool, now_ms: int) -> Line | None:
        """Let time pass.

        Args:
            is_speech: the callee speaks.
            is_ours: something of ours is playing, or about to.
            now_ms: the call's clock.

        Returns:
            what is to be said now; the goodbye is the end of the call.
        """
        if self.state is not State.ASKS:
            return None
        if is_speech:
            self.state = State.OVER
        elif is_ours:
            self._quiet_since_ms = now_ms
        elif now_ms - self._quiet_since_ms >= self._config.ask_after_ms:
            self._quiet_since_ms = now_ms
            if self._n_asked < self._config.times_asked:
                self._n_asked += 1
                return Line.ANYBODY
            self.state = State.OVER
            return Line.NOBODY
        return None

"""Korean that is too familiar for a stranger, and what is said instead.

Korean marks politeness at the end of each sentence.  The rules below know the
familiar endings (반말) that can be made polite without understanding the sentence;
each is a row of a table.  What no rule knows is left alone: "두 명", "아버지" and "네"
are no familiar speech, and a wrong correction would be worse than a familiar ending.
A sentence that says "you" familiarly (너) is found but not corrected: there is no
safe word for it.
"""

import re
from dataclasses import dataclass
from typing import Final

_N_FINALS: Final = 28


def _with_final(index: int) -> str:
    """List the Hangul syllables that end in one consonant, as a class for a pattern.

    Args:
        index: of the consonant in Unicode's order (4 ㄴ, 8 ㄹ, 18 ㅄ, 20 ㅆ).
    """
    return "[" + "".join(map(chr, range(0xAC00 + index, 0xD7A4, _N_FINALS))) + "]"


def _with_any_final() -> str:
    codes = (c for c in range(0xAC00, 0xD7A4) if (c - 0xAC00) % _N_FINALS)
    return "[" + "".join(map(chr, codes)) + "]"


_SS: Final = _with_final(20)
_L: Final = _with_final(8)
_CLOSED: Final = _with_any_final()
_NOT_VERBS: Final = (
    "올해|새해|피해|오해|방해|동해|서해|남해|지난해|김해|진해|손해|공해|이해|한해|빨래|노래|원래|"
    "미래|벌써|가운데|그런데|근데|아니|언니|어머니|할머니|주머니|가게|무게|집게|페이지|메시지|이미지|"
    "아버지|강아지|거지|편지|배려|고려|염려|격려|샤워|타워|파워|나라|카메라|치와와|하지|다해|분해"
)
"""Words that end like verbs."""

_RULES: Final = [
    (re.compile(pattern), repl)
    for pattern, repl in (
        # Whole sentences.
        (r"^응$", "네"),
        (r"^아니$", "아니요"),
        (r"^안녕$", "안녕하세요"),
        (r"^그래$", "그래요"),
        (r"^미안(?:해)?$", "죄송합니다"),
        (r"^고마워$", "감사합니다"),
        (r"^잘\s?가$", "안녕히 가세요"),
        (r"^잘\s?있어$", "안녕히 계세요"),
        # Requests and orders.
        (r"지\s?마(?:라)?$", "지 마세요"),
        (r"(?<![가-힣])줘$", "주세요"),
        (r"(해|봐|알려|보여|빌려|들려|바꿔|기다려|열어|닫아|적어|불러|보내|와)\s?줘(?:라)?$",
         r"\1 주세요"),
        (r"해라$", "하세요"),
        (r"(?<![가-힣])가라$", "가세요"),
        (r"(?<![가-힣])와라$", "오세요"),
        (r"봐라$", "보세요"),
        (r"기다려$", "기다려 주세요"),
        # The past, "is" and "is not there", "will".
        (rf"({_SS})어$", r"\1어요"),
        (r"없어$", "없어요"),
        (rf"({_SS})다$", r"\1습니다"),
        (r"(있|없|좋|싫|같|많|괜찮|싶|맞|않|작|적|늦|멀지\s?않)다$", r"\1습니다"),
        (r"한다$", "합니다"),
        (r"된다$", "됩니다"),
        (r"(?<![가-힣])간다$", "갑니다"),
        (r"(?<![가-힣])온다$", "옵니다"),
        (r"(먹|않|늦|있|없|찾|받|믿|읽)는다$", r"\1습니다"),
        (rf"({_SS}|있|없)(?:니|냐)$", r"\1어요"),
        (r"(?<![가-힣])(뭐|어디|누구|언제|얼마)(?:니|냐|야)$", r"\1예요"),
        # Present forms whose polite one only adds a syllable.
        (r"(같|많|좋|싫|괜찮|않|맞|작|낮|높|앉|찾|받|잡|알|남|살|놀)아$", r"\1아요"),
        (r"(먹|읽|믿|늦|적|싶|넣|입|웃|울|만들|힘들|길|멀|열|들)어$", r"\1어요"),
        (r"(모|몰|달|빨|골|올)라$", r"\1라요"),
        (r"(고마|어려|쉬|추|더|매|무서|아쉬|반가|가까|귀여|외로|누|배|외|도)워$",
         r"\1워요"),
        (r"(?<![가-힣])((?:나|올라|내려|들어|돌아|지나)?가|(?:나|들어|돌아)?와)$",
         r"\1요"),
        (r"(걸려|달려|들려|알려|올려|내려|보여|느려|아파|바빠|나빠|고파|비싸|어때)$",
         r"\1요"),
        (r"([해돼봐])$", r"\1요"),
        # Endings of one's own intention, of guessing, of reasons.
        (rf"({_L})게$", r"\1게요"),
        (rf"({_L})까$", r"\1까요"),
        (rf"({_L})래$", r"\1래요"),
        (rf"({_L})걸$", r"\1걸요"),
        (r"거든$", "거든요"),
        (r"잖아$", "잖아요"),
        (r"([는은인])데$", r"\1데요"),
        (rf"({_SS}|있|없|좋|같|많|하|되)네$", r"\1네요"),
        (rf"({_SS}|하|되|있|없|맞|그렇|좋|알)지$", r"\1지요"),
        # The copula.
        (r"(?:아니야|아냐)$", "아니에요"),
        (r"(거|여기|거기|이거|그거|저거|누구|진짜|저)야$", r"\1예요"),
        (rf"({_CLOSED})이야$", r"\1이에요"),
        # Let us.
        (r"(?<=[가-힣\s])하자$", "해요"),
        (r"(?<![가-힣])가자$", "가요"),
        (r"(?<![가-힣])만나자$", "만나요"),
    )
]  # fmt: skip

_POLITE: Final = (
    "요", "니다", "니까", "세요", "시오", "죠", "쇼",
)  # fmt: skip
_SENTENCE: Final = re.compile(r"[^.?!…~。！？\n]+")
_CLOSING: Final = " \t,'\"’”」)"
_YOU: Final = re.compile(
    r"(?<![가-힣])(?:너|넌|너는|너도|너를|널|너희|너희는|니가|네가|너한테)(?![가-힣])"
)
_I: Final = re.compile(r"(?<![가-힣])(나는|난|내가|나도|나한테|나를|내)(?![가-힣])")
_HUMBLE: Final = {
    "나는": "저는",
    "난": "전",
    "내가": "제가",
    "나도": "저도",
    "나한테": "저한테",
    "나를": "저를",
    "내": "제",
}
_NOUN: Final = re.compile(rf"(?:^|\s)(?:{_NOT_VERBS})$")


@dataclass(frozen=True, slots=True)
class Familiar:
    """What was found in a text.

    Attributes:
        spans: the familiar sentences, as [start, end) in characters.
        corrected: the whole text in polite form; None where a rule for one of its
            sentences is not safe.
    """

    spans: tuple[tuple[int, int], ...]
    corrected: str | None


def find(text: str) -> Familiar:
    """Find familiar sentences, and say them politely.

    Args:
        text: Korean, one sentence or several.
    """
    spans: list[tuple[int, int]] = []
    pieces: list[str] = []
    is_safe = True
    done = 0
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        sentence = match[0].strip(_CLOSING)
        if not sentence or sentence.endswith(_POLITE) or _NOUN.search(sentence):
            continue
        polite = _polite(sentence)
        if polite is None:
            continue
        start += len(match[0]) - len(match[0].lstrip(_CLOSING))
        end = start + len(sentence)
        spans.append((start, end))
        is_safe = is_safe and not _YOU.search(sentence)
        pieces += [text[done:start], polite]
        done = end
    corrected = "".join([*pieces, text[done:]]) if spans and is_safe else None
    return Familiar(tuple(spans), corrected)


def _polite(sentence: str) -> str | None:
    for pattern, replacement in _RULES:
        polite, n = pattern.subn(replacement, sentence)
        if n:
            return _I.sub(lambda m: _HUMBLE[m[1]], polite)
    return None

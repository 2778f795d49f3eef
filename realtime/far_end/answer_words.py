# ruff: noqa: E501 -- wide scripts count double, and a broken pattern reads badly
"""What machines and people say when a telephone is answered, per language.  Data.

Patterns are regular expressions that are searched for in the words recognised from the
callee, folded by `fold`: no case, no punctuation, and in Korean, Japanese and Chinese
no spaces.  All languages are tried, whatever the call's: many a Korean voicemail speaks
English as well.
"""

import re
import unicodedata
from typing import Final

Patterns = dict[str, tuple[str, ...]]

SPACELESS: Final = frozenset({"ko", "ja", "zh"})
"""Languages whose patterns are searched for in text without spaces."""

VOICEMAIL: Final[Patterns] = {
    "en": (
        r"\b(?:after|at|until you hear) the (?:tone|beep)",
        r"\bleave (?:a|your|us a|me a)\b.{0,24}\bmessage",
        r"\bleave (?:your|a) (?:name|number)",
        r"\brecord (?:a|your) message",
        r"\b(?:voice ?mail|mailbox|answering machine)\b",
        r"\b(?:cant|cannot|not able to|unable to) (?:take|answer|come to|get to) (?:your call|the phone)",
        r"\bis not available (?:right now|at the moment|to take)",
    ),
    "ko": (
        r"삐소리",
        r"(?:신호음|발신음)(?:이|후|뒤|소리)",
        r"소리샘",
        r"음성(?:사서함|메시지|메일)",
        r"(?:메시지|말씀)(?:를|을)?남겨",
        r"녹음(?:해주|하시려면|이시작)",
        r"(?:지금은|현재)?전화를받을수(?:가)?없",
        r"부재중(?:이|입니다|이오니)",
    ),
    "ja": (
        r"(?:発信音|ピー(?:という)?(?:音|っ)|ピーと)",
        r"(?:メッセージ|ご用件|伝言).{0,8}(?:お残し|残して|お話し|録音|お入れ)",
        r"留守番電話",
        r"電話に出(?:ることが|られ)",
    ),
    "zh": (
        r"(?:提示音|嘟(?:的)?一?声|哔(?:的)?一?声)(?:之?后|响)",
        r"请?(?:您)?(?:留言|留下(?:您的)?(?:口信|信息|姓名))",
        r"语音(?:信箱|邮箱|留言)",
        r"(?:暂时|现在)?无法接听",
    ),
}  # fmt: skip
"""A machine that takes messages."""

MENU: Final[Patterns] = {
    "en": (
        r"\b(?:press|dial|enter|push) (?:or say )?(?:the )?(?:zero|one|two|three|four|five|six|seven|eight|nine|\d|star|pound|hash|star key|pound key)\b",
        r"\bfor [a-z ]{2,40} press\b",
        r"\bmain menu\b",
        r"\blisten (?:carefully )?to the following (?:options|menu)",
        r"\bnot a valid (?:selection|option|choice)",
    ),
    "ko": (
        r"(?:\d|공|영|일|이|삼|사|오|육|칠|팔|구|별표|우물정자?)번?(?:을|를)?(?:눌러|누르)",
        r"(?:번호|버튼|숫자)(?:을|를)?(?:눌러|누르)",
        r"원하시는(?:서비스|번호|메뉴)",
        r"(?:다시듣기|이전메뉴|처음메뉴)",
        r"잘못누르셨",
    ),
    "ja": (
        r"(?:\d|ゼロ|いち|に|さん|よん|ご|ろく|なな|はち|きゅう|[一二三四五六七八九〇]|番号|シャープ|米印|数字)(?:番)?を(?:押し|おし)",
        r"(?:音声)?ガイダンス",
    ),
    "zh": (
        r"请?按(?:\d|零|一|二|三|四|五|六|七|八|九|星号|井号)",
        r"(?:主菜单|请选择|输入错误)",
    ),
}  # fmt: skip
"""A menu that wants keys."""

SCREENING: Final[Patterns] = {
    "en": (
        r"\b(?:state|say|tell me|record|give me|provide) your name\b",
        r"\bcall(?:er)? screening|screening service",
        r"\b(?:may i ask|can i ask|please say|could you tell me) (?:who is|whos|who) calling",
        r"\bwho is calling\b|\bwhos calling\b|\bwho may i say is calling",
        r"\bsee if (?:this person|they|he|she) (?:is|are) available",
        r"\bwhy you(?:re| are) calling",
    ),
    "ko": (
        r"(?:성함|이름|용건)(?:과용건|과이름)?(?:을|를)(?:말씀|남겨|녹음)(?:해|하)?(?:주시면|하시면|해주세요).{0,8}(?:연결|전달|전해)",
        r"(?:성함|이름)(?:을|를)말씀해주시면",
        r"(?:누구|어디)(?:시|서)?(?:라고|이라고)(?:전해|말씀)",
        r"통화(?:스크리닝|선별)",
    ),
    "ja": (
        r"お名前(?:と(?:ご)?用件)?を(?:お話し|おっしゃ|録音)",
        r"(?:どちら|どなた)様(?:でしょうか|ですか)",
    ),
    "zh": (
        r"请(?:说出?|报)(?:您的|一下)?(?:姓名|名字)",
        r"请问(?:您)?是?哪(?:位|里)(?:来电|打来)",
    ),
}  # fmt: skip
"""Somebody or something that asks who is calling before it connects."""

DEAD_ENDS: Final[dict[str, Patterns]] = {
    "invalid_number": {
        "en": (
            r"\bnot in service\b",
            r"\b(?:has been|is) (?:disconnected|changed)\b",
            r"\bnot a (?:working|valid) number",
            r"\bcannot be completed as dialed",
        ),
        "ko": (r"없는번호", r"결번", r"사용하지않는번호", r"번호를확인하"),
        "ja": (r"現在使われて", r"番号をお確かめ"),
        "zh": (r"(?:是)?空号", r"号码不存在"),
    },
    "switched_off": {
        "en": (r"\b(?:switched|powered|turned) off\b", r"\bout of (?:the )?(?:coverage|service) area"),
        "ko": (r"전원이꺼져", r"통화권(?:이탈|밖)"),
        "ja": (r"電源が入って", r"電波の届かない"),
        "zh": (r"已关机", r"不在服务区"),
    },
    "busy": {
        "en": (r"\b(?:is|are) on another call\b", r"\bline is busy\b"),
        "ko": (r"통화중(?:이|입)", r"다음에다시걸어"),
        "ja": (r"(?:お)?話し中",),
        "zh": (r"正在通话中", r"占线"),
    },
}  # fmt: skip
"""The operator's announcements: nobody can be reached; by a code of `calls.reasons`."""

GREETINGS: Final[Patterns] = {
    "en": (r"(?:hello|hi|hey|yes|yeah|hello hello|yes hello|hello yes|hello who is this|who is this|speaking|good (?:morning|afternoon|evening))",),
    "ko": (r"(?:네|예|아|어)*(?:여보세요|여보세용|안녕하세요|누구세요|누구시죠|네말씀하세요|네)+",),
    "ja": (r"(?:はい|ええ)*(?:もしもし|はい|どなたですか|お電話ありがとうございます)+",),
    "zh": (r"(?:喂|你好|您好|哪位|请问哪位|喂你好|喂您好)+",),
    "es": (r"(?:hola|diga|digame|bueno|alo|si)",),
    "fr": (r"(?:allo|oui|bonjour|oui allo|oui bonjour)",),
    "de": (r"(?:hallo|ja|ja hallo|ja bitte|guten tag)",),
    "vi": (r"(?:a ?lo|alo|xin chao|da|vang)",),
}  # fmt: skip
"""All that a person says who has just picked up; the whole utterance."""

WAIT: Final[Patterns] = {
    "en": (
        r"\b(?:one|just a|wait a|give me a|hold on a) (?:moment|second|sec|minute)\b",
        r"\b(?:hold on|hang on|bear with me|please hold|stay on the line|remain on the line)\b",
        r"\b(?:put|putting|place|placing) you on hold",
        r"\blet me (?:check|see|look|find out|ask)\b",
        r"\b(?:transfer|connect|put) (?:you|your call) (?:to|through|over)",
        r"\byour call is important|\b(?:agents|representatives|operators) are (?:currently )?busy",
        r"\b(?:could|can|would) you (?:please )?(?:wait|hold)\b",
    ),
    "ko": (
        r"(?:잠시|잠깐|조금)만",
        r"기다려주|기다리(?:세요|십시오|시면)",
        r"확인(?:을)?(?:해보|하고|해드리)|알아보(?:고|겠)",
        r"(?:바꿔|연결해|돌려)(?:드리|드릴|주)",
        r"상담원(?:이|을|과|에게)?(?:모두|연결)",
    ),
    "ja": (
        r"少々|少しお待ち|ちょっと(?:待|お待)|(?:お|そのまま)待ち(?:ください|頂|いただ)",
        r"確認(?:いたし|します|して)",
        r"(?:お繋ぎ|おつなぎ|お電話を代わ)",
    ),
    "zh": (
        r"稍等|稍候|等一下|等一会|请等|别挂",
        r"(?:查|看|问|确认)一下",
        r"(?:转接|帮您转|为您转)",
    ),
}  # fmt: skip
"""Somebody asks us to wait."""

_CJK: Final = re.compile(r"[ᄀ-ᇿ぀-ヿ㄰-㆏一-鿿가-힯]")


def fold(text: str) -> tuple[str, str]:
    """Reduce a text to what patterns are compared with.

    Args:
        text: as it was recognised.

    Returns:
        words with single spaces, and the same without any space.
    """
    kept = (
        " "
        if c.isspace() or (unicodedata.category(c)[0] in "PSZ" and c not in "'’`")
        else c
        for c in _plain(text)
    )
    spaced = " ".join("".join(c for c in kept if c not in "'’`").split())
    return spaced, spaced.replace(" ", "")


def _plain(text: str) -> str:
    """Fold case and width, and take the accents off Latin letters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter if _CJK.match(letter) else _bare(letter) for letter in folded)


def _bare(letter: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    return "".join(c for c in parts if not unicodedata.combining(c))


class Phrases:
    """Patterns, made ready to be searched for.

    Args:
        patterns: per language.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._spaced = _compiled(patterns, is_spaceless=False)
        self._spaceless = _compiled(patterns, is_spaceless=True)

    def is_in(self, text: str) -> bool:
        """Say whether one of them occurs in a text."""
        return self.end_in(text) is not None

    def end_in(self, text: str) -> int | None:
        """Find the last of them.

        Returns:
            how many letters follow it, None where there is none.
        """
        spaced, spaceless = fold(text)
        ends = [m.end() for p in self._spaceless for m in p.finditer(spaceless)]
        ends += [
            m.end() - spaced.count(" ", 0, m.end())
            for p in self._spaced
            for m in p.finditer(spaced)
        ]
        return len(spaceless) - max(ends) if ends else None

    def is_all_of(self, text: str) -> bool:
        """Say whether a text is one of them, and nothing else."""
        spaced, spaceless = fold(text)
        return any(p.fullmatch(spaced) for p in self._spaced) or any(
            p.fullmatch(spaceless) for p in self._spaceless
        )


def _compiled(patterns: Patterns, *, is_spaceless: bool) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(pattern)
        for language, of_language in patterns.items()
        for pattern in of_language
        if (language in SPACELESS) is is_spaceless
    )

# ruff: noqa: E501 -- wide scripts count double, and a broken pattern reads badly
"""How people answer who are asked whether they may be recorded, per language.  Data.

Patterns are compared as those of `realtime.far_end.answer_words` are: folded, without accents,
and in Korean, Japanese and Chinese without spaces.  `YES` and `NO` have to be the whole
utterance; `REFUSALS` may occur anywhere, because nobody says them by chance.  Where an
answer may mean either ("아니요, 괜찮아요"), it is a no: whoever is not recorded loses
nothing.
"""

from typing import Final

from realtime.far_end.answer_words import Patterns

NO: Final[Patterns] = {
    "en": (r"(?:oh |well |um |uh |sorry |im sorry )*(?:no|nope|nah|no no|no thanks|no thank you|no please|no sorry|not really|not ok|not okay|its not|no its not|no it isnt|id rather not|id prefer not|i would rather not|rather not|please dont|dont|i dont agree|i do not agree|i dont want that|no i dont want that|i mind|absolutely not|no way)(?: please| sorry| thanks| thank you)*",),
    "ko": (r"(?:아|어|음|저기|죄송한데|죄송하지만|죄송해요|죄송합니다)*(?:아니|아니요|아니오|아뇨|안돼요|안됩니다|안되는데요|안되겠는데요|안되겠습니다|안괜찮아요|싫어요|싫습니다|싫은데요|하지마세요|하지말아주세요|그건좀|그건안돼요|곤란해요|곤란합니다|곤란한데요|원하지않아요|원하지않습니다|원치않아요|동의안해요|동의하지않습니다|동의하지않아요|거절할게요|됐어요|됐습니다)(?:괜찮아요|괜찮습니다|안돼요|싫어요|아니요|아뇨|죄송해요|죄송합니다|하지마세요)*",),
    "ja": (r"(?:あの|えっと|すみません|申し訳ありません|申し訳ないです|いや)*(?:いいえ|いえ|いや|いやです|だめです|ダメです|駄目です|困ります|それは困ります|それはちょっと|ちょっと|やめてください|しないでください|お断りします|同意しません|遠慮します|結構です|よくないです|よくありません)(?:困ります|やめてください|だめです|結構です|すみません)*",),
    "zh": (r"(?:嗯|啊|那个|不好意思|对不起|抱歉)*(?:不|不可以|不行|不能|不要|不同意|不好|不愿意|不想|不用|别|不了|拒绝|我不同意|我不愿意|我不想)(?:谢谢|不行|不可以|不要|抱歉|啊|吧)*",),
    "es": (r"(?:no|no no|no gracias|no por favor|que no|claro que no|para nada|prefiero que no|no quiero|no me parece|no me parece bien|no estoy de acuerdo|mejor no|lo siento no|pues no)",),
    "pt": (r"(?:nao|nao nao|nao obrigado|nao obrigada|prefiro que nao|melhor nao|nao concordo|nao quero|de jeito nenhum|desculpe nao|acho que nao)",),
    "fr": (r"(?:euh )*(?:non|non non|non merci|pas du tout|je ne suis pas d'?accord|je suis pas d'?accord|je refuse|je prefere pas|je ne prefere pas|je prefere que non|non desole|non desolee|je ne veux pas|surtout pas)",),
    "de": (r"(?:ah |ahm |also |ach )*(?:nein|ne|nee|no|nein danke|nein bitte nicht|lieber nicht|bitte nicht|auf keinen fall|das ist nicht in ordnung|nein das ist nicht in ordnung|ist es nicht|das mochte ich nicht|mochte ich nicht|das will ich nicht|bin ich nicht einverstanden|nicht einverstanden|eher nicht|leider nein|leider nicht)",),
    "it": (r"(?:no|no no|no grazie|preferisco di no|meglio di no|non sono d'?accordo|non voglio|assolutamente no|per favore no|mi dispiace no)",),
    "ru": (r"(?:нет|нет нет|нет спасибо|не надо|не нужно|не согласен|не согласна|я не согласен|я не согласна|нет не согласен|нет не согласна|я против|против|лучше не надо|нельзя|извините нет)",),
    "vi": (r"(?:da )?(?:khong|khong a|da khong|khong [dđ]ong y|toi khong [dđ]ong y|khong [dđ]uoc|[dđ]ung|thoi khong|xin [dđ]ung|toi khong muon|khong cam on|xin loi khong)(?: a)?",),
    "id": (r"(?:tidak|tidak mau|tidak setuju|saya tidak setuju|tidak boleh|jangan|tidak terima kasih|maaf tidak|tolong jangan|enggak|nggak|keberatan|saya keberatan)",),
    "hi": (r"(?:जी )?(?:नही(?:ं)?|नही(?:ं)? जी|जी नही(?:ं)?|बिलकुल नही(?:ं)?|मै(?:ं)? सहमत नही(?:ं)?(?: हू.*)?|सहमत नही(?:ं)?|मत कीजिए|न करे(?:ं)?|ना)",),
}  # fmt: skip
"""A no, if it is all that they say."""

YES: Final[Patterns] = {
    "en": (r"(?:oh |well |um |uh )*(?:(?:yes|yeah|yep|yup|sure|ok|okay|of course|fine|thats fine|its fine|thats ok|thats okay|thats all right|all right|alright|no problem|go ahead|please|i agree|i dont mind)(?: |$))+",),
    "ko": (r"(?:아|어|음)*(?:네|예|넵|네네|그래요|그러세요|괜찮아요|괜찮습니다|좋아요|좋습니다|됩니다|돼요|상관없어요|상관없습니다|알겠습니다|알겠어요|동의해요|동의합니다|하세요|물론이죠|물론입니다)+",),
    "ja": (r"(?:あ|ええ)*(?:はい|ええ|いいですよ|いいです|大丈夫です|構いません|かまいません|結構ですよ|どうぞ|わかりました|承知しました|問題ありません|もちろんです)+",),
    "zh": (r"(?:嗯|啊|哦)*(?:可以|好|好的|行|没问题|没关系|同意|我同意|当然|当然可以|可以的|是|是的|嗯)+",),
    "es": (r"(?:si|si si|claro|claro que si|de acuerdo|vale|esta bien|si esta bien|me parece bien|si me parece bien|perfecto|ningun problema|no hay problema|sin problema|por supuesto)",),
    "pt": (r"(?:sim|claro|tudo bem|concordo|sim concordo|pode ser|esta bem|sem problema|ok)",),
    "fr": (r"(?:oui|oui oui|d'?accord|oui d'?accord|bien sur|oui bien sur|pas de probleme|ca va|c'?est bon|je suis d'?accord|oui je suis d'?accord|allez y)",),
    "de": (r"(?:ja|ja ja|jawohl|okay|ok|in ordnung|ja in ordnung|ja ist in ordnung|ja das ist in ordnung|das ist in ordnung|ist in ordnung|kein problem|ja klar|klar|gern|gerne|einverstanden|naturlich|ja naturlich)",),
    "it": (r"(?:si|si si|certo|va bene|si va bene|d'?accordo|sono d'?accordo|si sono d'?accordo|nessun problema|ok|certamente)",),
    "ru": (r"(?:да|да да|хорошо|согласен|согласна|да согласен|да согласна|конечно|ладно|не против|я не против|пожалуиста|без проблем)",),
    "vi": (r"(?:da |vang |u )*(?:vang|[dđ]uoc|[dđ]ong y|toi [dđ]ong y|co|khong sao|ok|da)(?: a)?",),
    "id": (r"(?:ya|iya|boleh|setuju|saya setuju|ya setuju|baik|oke|ok|silakan|tidak apa apa|tidak masalah|tidak keberatan)",),
    "hi": (r"(?:जी |हा(?:ँ|ं) )*(?:हा(?:ँ|ं)|जी|ठीक है|सहमत हू(?:ँ|ं)|मै(?:ं)? सहमत हू(?:ँ|ं)|बिलकुल|कोई बात नही(?:ं)?)",),
}  # fmt: skip
"""A yes, if it is all that they say."""

REFUSALS: Final[Patterns] = {
    "en": (
        r"\b(?:dont|do not|not|never|no|without) (?:be |being |want to be |wish to be |like to be |agree to be |consent to be |consent to |agree to |want (?:you to |this |it |any )?|like (?:you to |this )?|you |to be |to |please |any )*(?:record|recorded|recording|recordings)\b",
        r"\b(?:stop|turn off|switch off|end|delete|erase) (?:the |this |that |your |my )?record",
        r"\brecord(?:ing|ed)?\b.{0,16}\b(?:is not (?:ok|okay|fine|all right|allowed)|isnt (?:ok|okay|fine|all right|allowed)|not allowed|off please)\b",
        r"\bi (?:do )?(?:mind|object to) (?:being |to be |the )?record",
    ),
    "ko": (
        r"녹음(?:은|을|이|도|좀)?(?:하지(?:는)?(?:마|말)|안(?:돼|됩|되|했|하)|싫|빼|끄|꺼|그만|멈|중지|중단|말아|원하지않|원치않|곤란|삭제|지워|없이|거부|동의(?:안|하지않|못)|못하)",
        r"녹음(?:하는(?:거|것|건)|되는(?:거|것|건))(?:은|는)?(?:좀)?(?:싫|안(?:돼|됩|되)|곤란|원하지않|원치않|불편)",
        r"(?:녹음안하|녹음안했으면|녹음하면안|녹음하시면안|녹음하지않)",
    ),
    "ja": (
        r"録音(?:は|を|も)?(?:し|され|さ)?(?:ないで|なくて|てほしくない|てほしくありません|やめて|止めて|とめて|切って|困り|困る|だめ|ダメ|駄目|お断り|拒否|しないで|遠慮|ちょっと困|嫌|いや(?!は))",
        r"録音(?:され|する)?(?:の|こと)(?:は|に)(?:困|嫌|同意しま?せん|ちょっと|お断り)",
    ),
    "zh": (
        r"(?:不要|别|不能|不可以|不许|不同意|不想|不希望|不愿意|不愿|请勿|停止|关闭|关掉|取消|拒绝|删除|删掉)(?:被|给我|再|你们?|您|这个|把)?(?:进行)?录音",
        r"录音(?:不行|不可以|不好|关掉|关了|停|停掉|删掉|我不同意|我不愿意|就不要了|就算了)",
    ),
    "es": (
        r"\bno (?:me |la |lo |se |quiero que (?:me |la |se )?|deseo que (?:me |la |se )?|quiero (?:que )?|estoy de acuerdo con (?:que )?(?:se |me |la )?)*(?:grab)",
        r"\b(?:dejen?|deje|pare|paren|detenga|apague|quite|sin) (?:de |la |esa )?grab",
    ),
    "pt": (
        r"\bnao (?:me |quero (?:que )?(?:me |seja |ser )?|seja |pode |concordo (?:em |com )?(?:a |ser )?)*(?:grav)",
        r"\b(?:pare|parem|desligue|sem|apague) (?:de |a )?grav",
    ),
    "fr": (
        r"\b(?:ne |n'? ?)?(?:m'? ?|me |l'? ?)?(?:enregistr\w+) (?:surtout )?pas\b",
        r"\b(?:pas|sans|refuse|arretez|arreter|coupez|stoppez)(?: que vous| d'? ?etre| d'? ?| de | l'? ?| m'? ?|cet )*\s?enregistr",
        r"\bne (?:veux|souhaite|voudrais) pas .{0,16}enregistr",
    ),
    "de": (
        r"\b(?:nicht|keine|ohne|nie) (?:dass |mit |der |die |eine |so )*(?:aufzeichn|aufgezeichn|aufnehm|aufgenomm|aufnahm|mitgeschnitten|mitschn)",
        r"\b(?:aufzeichn\w*|aufnahme|mitschnitt|aufnehmen)\b.{0,12}\b(?:nicht|aus|stoppen|beenden|loschen|ausschalten|abschalten)\b",
        r"\b(?:zeichnen|nehmen|schneiden) sie .{0,20}\bnicht (?:auf|mit)\b",
    ),
    "it": (
        r"\bnon (?:mi |voglio (?:che )?(?:mi |venga |essere |sia )?|la |lo |si |puo |deve |sono d'?accordo (?:con |a )?(?:la |essere )?)*(?:registr)",
        r"\b(?:smetta|smettete|spenga|fermi|senza|interrompa) (?:di |la )?registr",
    ),
    "ru": (
        r"\bне (?:надо |нужно |хочу чтобы (?:меня |нас )?|хочу |хотел бы чтобы |хотела бы чтобы |следует |меня )*(?:запис)",
        r"\b(?:выключите|отключите|остановите|прекратите|удалите|без) (?:эту )?запис",
        r"\bпротив (?:этои )?запис",
    ),
    "vi": (
        r"\b(?:[dđ]ung|khong|khong muon|khong [dđ]ong y|khong [dđ]uoc) (?:co |bi |cho |viec )*(?:ghi am|thu am)(?! (?:khong sao|[dđ]uoc))",
        r"\b(?:tat|ngung|ngung|dung|xoa) (?:ghi am|thu am|ban ghi)",
    ),
    "id": (
        r"\b(?:jangan|tidak (?:mau|ingin|boleh|setuju|usah)(?: untuk)?|tanpa|keberatan) (?:di)?(?:rekam|perekaman|merekam)",
        r"\b(?:hentikan|matikan|hapus|stop) (?:rekaman|perekaman|merekam)",
    ),
    "hi": (
        r"रिकॉर.?ड(?:िग|िंग)?.{0,8}(?:मत|न कर|नही|ना कर|बद|बंद|हटा)",
        r"(?:मत|न|बद|बंद) (?:करे |कीजिए )?रिकॉर.?ड",
    ),
}  # fmt: skip
"""Whoever says this wants no recording, whenever and whatever else they say."""

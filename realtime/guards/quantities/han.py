"""Japanese and Chinese: numbers in Han characters, counters, and the patterns around.

A Han numeral counts where a counter follows it, or where it has a place (十, 百 …) and
a digit: 一緒, 万一 and 三明治 are words.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from realtime.guards.quantities.model import plain
from realtime.guards.quantities.rewrite import SOFT, Piece, Rewritten, rewrite
from realtime.guards.quantities.rules import Language, Rule, rules

_DIGITS: Final = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {
    "零": 0, "两": 2, "兩": 2, "幺": 1,
}  # fmt: skip
_SMALL: Final = {"十": 10, "百": 100, "千": 1000}
_BIG: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_NUMERAL: Final = "[〇零一二两兩三四五六七八九十百千万萬亿億]"
_MIXED: Final = re.compile(r"\d+(?:\.\d+)?[百千万萬亿億]+(?:\d+[百千万萬]*)*")


def han(text: str, *, is_elliptic: bool) -> float | None:
    """Read a number of Han characters and digits.

    Args:
        text: e.g. "二十二", "3万5千".
        is_elliptic: a last digit means the next place (Chinese 三千五 is 3500).

    Returns:
        its value, None where it is not a number.
    """
    total: float = 0
    section: float = 0
    digit: float | None = None
    place = 0
    is_after_zero = False
    for token in re.findall(r"\d+(?:\.\d+)?|.", text):
        if token[0].isdigit() and token.isascii():
            digit = float(token)
        elif token in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[token]
            is_after_zero = is_after_zero or digit == 0
        elif token in _SMALL:
            place = _SMALL[token]
            section += (digit or 1) * place
            digit, is_after_zero = None, False
        elif token in _BIG:
            place = _BIG[token]
            total += (section + (digit or 0) or 1) * place
            section, digit, is_after_zero = 0, None, False
        else:
            return None
    if digit and place >= 100 and is_elliptic and not is_after_zero:
        digit *= place // 10
    return total + section + (digit or 0)


def _reader(
    counters: Mapping[str, str],
    idioms: str,
    words: Mapping[str, str],
    *,
    is_elliptic: bool,
) -> Callable[[str], Rewritten]:
    counter = "|".join(sorted(counters, key=len)[::-1])
    counted = re.compile(
        rf"(?:(?<=百分之){_NUMERAL}+|(?!百分之){_NUMERAL}+(?=\s?(?:{counter})))"
    )
    alone = re.compile(rf"{_NUMERAL}{{2,}}")
    spoken = re.compile(
        r"[〇零ゼロ一二三四五六七八九幺](?:[\s,、\-の]{0,2}[〇零ゼロ一二三四五六七八九幺]){2,}"
    )
    no_number = re.compile(idioms)
    fixed = re.compile("|".join(sorted(words, key=len)[::-1])) if words else None

    def pieces(text: str) -> Iterator[Piece]:
        for m in no_number.finditer(text):
            yield Piece(m.span(), " " * len(m[0]))
        if fixed is not None:
            for m in fixed.finditer(text):
                yield Piece(m.span(), words[m[0]])
        for m in spoken.finditer(text):
            digits = re.sub("ゼロ|[〇零]", "0", m[0])
            digits = "".join(str(_DIGITS.get(c, c)) for c in digits)
            if sum(c.isdigit() for c in digits) >= 3:
                yield Piece(m.span(), re.sub(r"[\s,、の]+", "-", digits))
        for m in _MIXED.finditer(text):
            value = han(m[0], is_elliptic=is_elliptic)
            if value is not None:
                yield Piece(m.span(), plain(value))
        for m in counted.finditer(text):
            value = han(m[0], is_elliptic=is_elliptic)
            if value is not None:
                yield Piece(m.span(), (SOFT if m[0] == "一" else "") + plain(value))
        for m in alone.finditer(text):
            value = han(m[0], is_elliptic=is_elliptic)
            has_digit = any(c in _DIGITS for c in m[0])
            has_place = any(c not in _DIGITS for c in m[0])
            if value is not None and has_digit and has_place:
                yield Piece(m.span(), plain(value))

    return lambda text: rewrite(text, pieces(text))


# --- Japanese ------------------------------------------------------------------------

_JA_COUNTERS: Final = {
    "人": "person", "名様": "person", "名": "person", "つ": "", "個": "", "時間": "hour",
    "時": "", "分": "minute", "秒": "second", "日間": "day", "日": "day", "月": "",
    "ヶ月": "month", "か月": "month", "カ月": "month", "ケ月": "month", "年": "year",
    "階": "floor", "号室": "room", "号": "", "番": "", "円": "", "ドル": "", "ユーロ": "",
    "ウォン": "", "元": "", "パーセント": "percent", "%": "percent", "歳": "year",
    "才": "year", "泊": "night", "回": "", "枚": "", "杯": "", "本": "", "台": "",
    "週間": "week", "週": "week", "部屋": "", "室": "", "席": "", "キロ": "", "度": "",
    "曜": "", "丁目": "", "便": "", "種類": "", "件": "", "通": "", "店": "", "点": "",
    "着": "", "組": "", "段": "", "切れ": "", "両": "", "票": "", "ページ": "", "匹": "", "冊": "", "皿": "", "箱": "", "晩": "night",
}  # fmt: skip
_JA_WORDS: Final = {
    "ひとり": f"{SOFT}1人", "ふたり": "2人", "ひとつ": f"{SOFT}1つ", "ふたつ": "2つ",
    "みっつ": "3つ", "よっつ": "4つ", "いつつ": "5つ", "むっつ": "6つ", "ななつ": "7つ",
    "やっつ": "8つ", "ここのつ": "9つ", "ふつか": "2日", "みっか": "3日", "よっか": "4日",
    "いつか間": "5日", "むいか": "6日", "なのか間": "7日", "ようか間": "8日",
    "ここのか": "9日", "はつか": "20日", "はたち": "20歳", "半年": "6ヶ月", "半日": "12時間",
    "ひと月": f"{SOFT}1ヶ月",
}  # fmt: skip
_JA_IDIOMS: Final = (
    "一緒|一番|(?<=[いな])一日|一日(?=を|中)|一応|一旦|一部|一般|一方|一度|一人一人|一つも|一石二鳥|十分(?=な|に|です|で、|だ)|万が一|"
    "万一|千葉|三重県|四国|九州|八百屋|三日月|八王子|六本木|五反田|三鷹|一言|一日中|もう一|第一に|十八番|"
    "三井|三菱|七五三|四季|二度と|いつかは"
)
_JA_UNITS: Final = {**_JA_COUNTERS, "分間": "minute", "年間": "year", "kg": "kilogram"}
_JA_CURRENCIES: Final = {
    "円": "yen", "¥": "yen/yuan", "ドル": "dollar", "$": "dollar", "ユーロ": "euro",
    "€": "euro", "ウォン": "won", "₩": "won", "元": "yuan", "ポンド": "pound",
}  # fmt: skip


def _ja_part(word: str) -> str:
    return {
        "午前": "am", "朝": "am", "早朝": "am", "深夜": "night", "午後": "pm", "夕方": "pm",
        "夜": "night", "晩": "pm", "昼": "noonish", "お昼": "noonish",
    }.get(word, "")  # fmt: skip


def _ja_table() -> tuple[Rule, ...]:
    counters = "|".join(sorted(_JA_UNITS, key=len)[::-1])
    part = r"(?:(?P<part>午前|午後|早朝|朝|お昼|昼|夕方|深夜|夜|晩)の?\s?)?"
    return rules(
        ("date", r"(?:(?P<y>\d{2,4})年\s?)?(?P<mo>\d{1,2})月\s?\ue000?(?P<d>\d{1,2})日"),
        ("date", r"(?P<y>\d{4})年(?!間)(?:\s?(?P<mo>\d{1,2})月)?"),
        ("date", r"(?<![\dヶかカケ])(?P<mo>1[0-2]|[1-9])月"),
        ("time", rf"{part}\ue000?(?<!\d)(?P<h>\d{{1,2}})時(?!間)(?:(?P<halfpast>半)|"
                 r"\s?\ue000?(?P<mi>\d{1,2})分(?P<before>前(?!に|まで))?)?"),
        ("time", rf"{part}(?<![\d:])(?P<h>\d{{1,2}}):(?P<mi>\d\d)(?!\d)"),
        ("noon", "正午"),
        ("midnight", "午前零時|真夜中"),
        ("weekday", "(?P<wd>[月火水木金土日]曜)日?"),
        ("money", r"(?P<cur>[$€¥₩])\s?<N>"),
        ("money", r"<N>\s?(?P<cur>円|ドル|ユーロ|ウォン|元|ポンド)"),
        ("duration", r"<N>\s?(?P<u>時間)(?:(?P<half>半)|\s?<N2>\s?分)?"),
        ("unit", r"<N>\s?(?P<u>日間)"),
        ("day", r"\ue000?(?P<n>\d{1,3})\s?日"),
        ("ordinal", r"(?:第\s?\ue000?(?P<n>\d+)(?:回|番|位)?)"),
        ("ordinal", r"\ue000?(?P<n>\d+)(?:番目|つ目|人目|回目|日目)"),
        ("unit", rf"<N>\s?(?P<u>{counters})"),
    )  # fmt: skip


JAPANESE: Final = Language(
    read=_reader(_JA_COUNTERS, _JA_IDIOMS, _JA_WORDS, is_elliptic=False),
    rules=_ja_table,
    weekdays={f"{c}曜": n for n, c in enumerate("月火水木金土日")},
    units=_JA_UNITS,
    currencies=_JA_CURRENCIES,
    part_of_day=_ja_part,
)

# --- Chinese -------------------------------------------------------------------------

_ZH_COUNTERS: Final = {
    "个人": "person", "個人": "person", "位": "person", "人": "person", "名": "person",
    "口人": "person", "个小时": "hour", "個小時": "hour", "小时": "hour", "小時": "hour",
    "个半小时": "hour", "个钟头": "hour", "点": "", "點": "", "分钟": "minute", "分鐘": "minute",
    "分": "", "刻": "", "秒": "second", "号楼": "", "号线": "", "号": "", "號": "",
    "日": "day", "天": "day", "晚": "night", "夜": "night", "月": "", "个月": "month",
    "個月": "month", "年": "year", "楼": "floor", "樓": "floor", "层": "floor",
    "層": "floor", "块": "", "塊": "", "元": "", "美元": "", "美金": "", "韩元": "",
    "韓元": "", "韩币": "", "日元": "", "欧元": "", "人民币": "", "%": "percent",
    "岁": "year", "歲": "year", "周": "week", "个星期": "week", "星期": "week",
    "個星期": "week", "次": "", "张": "", "張": "", "间": "", "間": "", "桌": "", "路": "",
    "杯": "", "瓶": "", "份": "", "件": "", "只": "", "条": "", "本": "", "室": "room",
    "号房": "room", "个": "", "個": "", "折": "", "公里": "kilometre", "公斤": "kilogram",
    "米": "metre", "度": "", "门": "", "把": "", "辆": "", "台": "", "套": "", "盒": "",
    "种": "", "種": "", "类": "", "家": "", "句": "", "步": "", "遍": "", "趟": "",
    "场": "", "级": "", "排": "", "栋": "", "组": "", "页": "", "项": "", "碗": "",
    "盘": "", "袋": "", "包": "", "箱": "", "罐": "", "支": "", "片": "", "颗": "",
}  # fmt: skip
_ZH_WORDS: Final = {
    "半个小时": "30分钟", "半小时": "30分钟", "半個小時": "30分鐘", "半年": "6个月",
    "一刻钟": "15分钟", "一个半小时": "1.5小时", "两个半小时": "2.5小时",
}  # fmt: skip
_ZH_IDIOMS: Final = (
    "一起|一下|一定|一样|一樣|一直|一般|一些|一会儿|一會兒|一切|一共|一边|一路|一方面|一旦|"
    "(?<![上下中早晚午晨天差了])一点(?!半|钟|整|\\d|[一二三四五])|一點(?!半|鐘|整)|有一点|万一|千万(?!元|韩|块|人|美)|"
    "(?<!差)十分(?!钟|鐘)|三明治|四川|五花|七上八下|一石二鸟|三亚|九龙|六安|统一|唯一|之一|"
    "第一次|百分百|一个一个|不三不四|乱七八糟|五一|十一(?=长假|黄金)|一流|一律|看一看|等一等"
)
_ZH_UNITS: Final = {**_ZH_COUNTERS, "kg": "kilogram"}
_ZH_CURRENCIES: Final = {
    "块": "yuan", "塊": "yuan", "块钱": "yuan", "元": "yuan", "人民币": "yuan",
    "¥": "yen/yuan", "美元": "dollar", "美金": "dollar", "$": "dollar", "韩元": "won",
    "韓元": "won", "韩币": "won", "₩": "won", "日元": "yen", "欧元": "euro", "€": "euro",
}  # fmt: skip


def _zh_part(word: str) -> str:
    return {
        "上午": "am", "早上": "am", "早晨": "am", "凌晨": "am", "清晨": "am",
        "下午": "pm", "傍晚": "pm", "中午": "noonish", "晚上": "night", "夜里": "night",
        "今晚": "night", "明早": "am", "明晚": "night",
    }.get(word, "")  # fmt: skip


def _zh_table() -> tuple[Rule, ...]:
    counters = "|".join(sorted(_ZH_UNITS, key=len)[::-1])
    part = r"(?:(?P<part>上午|早上|早晨|凌晨|清晨|下午|傍晚|中午|晚上|夜里|今晚|明早|明晚)的?\s?)?"
    return rules(
        ("date", r"(?:(?P<y>\d{2,4})年\s?)?(?P<mo>\d{1,2})月\s?\ue000?(?P<d>\d{1,2})\s?[日号號]"),
        ("date", r"(?P<y>\d{4})年(?:\s?(?P<mo>\d{1,2})月)?"),
        ("date", r"(?<![\d个個])(?P<mo>1[0-2]|[1-9])月"),
        ("time", rf"{part}(?P<rel>差)\s?\ue000?(?P<mi>\d{{1,2}})分(?:钟|鐘)?\s?\ue000?(?P<h>\d{{1,2}})[点點]"),
        ("time", rf"{part}\ue000?(?<!\d)(?P<h>\d{{1,2}})[点點](?:钟|鐘|整)?(?:(?P<halfpast>半)|\ue000?"
                 r"(?P<quarter>[13])刻|\s?\ue000?(?P<mi>\d{1,2}(?=分)|\d{2}(?![个個位人名桌]))分?)?"),
        ("time", rf"{part}(?<![\d:])(?P<h>\d{{1,2}}):(?P<mi>\d\d)(?!\d)"),
        ("noon", "正午"),
        ("midnight", "午夜|半夜"),
        ("weekday", r"(?P<wd>(?:星期|礼拜|禮拜|周|週)\ue000?[一二三四五六日天1-6])(?!年|岁|个)"),
        ("money", r"(?P<cur>[$€¥₩])\s?<N>"),
        ("money", r"<N>\s?(?P<cur>块钱|块|塊|美元|美金|韩元|韓元|韩币|日元|欧元|元|人民币)"),
        ("unit", r"百分之\s?\ue000?(?P<n>\d+(?:\.\d+)?)(?P<u>)"),
        ("fold", r"<N>\s?折"),
        ("duration", r"<N>\s?(?P<u>个?小时|個?小時|个钟头)(?:(?P<half>半)|\s?<N2>\s?分[钟鐘])?"),
        ("day", r"\ue000?(?P<n>\d{1,3})\s?(?:日|号(?!楼|线|房)|號)"),
        ("ordinal", r"第\s?\ue000?(?P<n>\d+)"),
        ("unit", rf"<N>\s?(?P<u>{counters})"),
    )  # fmt: skip


_ZH_DAYS: Final = {
    f"{prefix}{soft}{sign}": n % 7
    for prefix in ("星期", "礼拜", "禮拜", "周", "週")
    for soft in ("", SOFT)
    for signs in ("一二三四五六日", "123456天")
    for n, sign in enumerate(signs)
}
_zh_read: Final = _reader(_ZH_COUNTERS, _ZH_IDIOMS, _ZH_WORDS, is_elliptic=True)
CHINESE: Final = Language(
    read=_zh_read,
    rules=_zh_table,
    weekdays=_ZH_DAYS,
    units=_ZH_UNITS | {"": "percent"},
    currencies=_ZH_CURRENCIES,
    part_of_day=_zh_part,
)

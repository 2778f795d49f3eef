"""Spanish, French, German and Vietnamese: digits and the commoner spelled numbers."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from realtime.guards.quantities.model import plain
from realtime.guards.quantities.rewrite import SOFT, Piece, Rewritten, rewrite
from realtime.guards.quantities.rules import Language, Rule, rules

_WORD: Final = re.compile(r"[^\W\d_]+")


def _spanish() -> dict[str, int]:
    words = (
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce"
        " quince dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós"
        " veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"
    ).split()
    table = {word: n for n, word in enumerate(words)}
    tens = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
    for n, ten in enumerate(tens, start=3):
        table[ten] = 10 * n
        table |= {f"{ten} y {words[one]}": 10 * n + one for one in range(1, 10)}
    table |= {"cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300}
    table |= {"cuatrocientos": 400, "quinientos": 500, "mil": 1000}
    return table | {"un": 1, "una": 1, "veintiún": 21}


def _french() -> dict[str, int]:
    ones = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split()
    ones += ["dix sept", "dix huit", "dix neuf"]
    table = {word: n for n, word in enumerate(ones)}
    for n, ten in (
        (2, "vingt"),
        (3, "trente"),
        (4, "quarante"),
        (5, "cinquante"),
        (6, "soixante"),
    ):
        table[ten] = 10 * n
        table[f"{ten} et un"] = 10 * n + 1
        table |= {f"{ten} {ones[one]}": 10 * n + one for one in range(2, 10)}
    table |= {f"soixante {ones[one]}": 60 + one for one in range(10, 20)}
    table["soixante et onze"] = 71
    table["quatre vingts"] = table["quatre vingt"] = 80
    table |= {f"quatre vingt {ones[one]}": 80 + one for one in range(1, 20)}
    table |= {"cent": 100, "cents": 100, "mille": 1000}
    return table | {"une": 1}


def _german() -> dict[str, int]:
    ones = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
    table = {word: n for n, word in enumerate(ones)}
    stems = [
        "",
        "ein",
        "zwei",
        "drei",
        "vier",
        "fünf",
        "sechs",
        "sieben",
        "acht",
        "neun",
    ]
    teens = "dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn".split()
    table |= {word: n for n, word in enumerate(teens, start=13)}
    tens = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
    for n, ten in enumerate(tens, start=2):
        table[ten] = 10 * n
        table |= {f"{stems[one]}und{ten}": 10 * n + one for one in range(1, 10)}
    table |= {"hundert": 100, "einhundert": 100, "tausend": 1000, "eintausend": 1000}
    table |= {f"{stems[n]}hundert": 100 * n for n in range(2, 10)}
    table |= {f"{stems[n]}tausend": 1000 * n for n in range(2, 10)}
    special = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
    for word, n in list(table.items()):
        if 1 <= n <= 31:
            stem = special.get(n, word + ("t" if n < 20 else "st"))
            table |= {f"{stem}{ending}": n for ending in ("e", "en", "er")}
    return (
        table
        | dict.fromkeys(("ein", "eine", "einen", "einem", "einer"), 1)
        | {"zwo": 2}
    )


def _vietnamese() -> dict[str, int]:
    ones = "không một hai ba bốn năm sáu bảy tám chín".split()
    table = {word: n for n, word in enumerate(ones)} | {"tư": 4, "lăm": 5, "mười": 10}
    table |= {f"mười {ones[n]}": 10 + n for n in range(1, 10)} | {"mười lăm": 15}
    for n in range(2, 10):
        ten = f"{ones[n]} mươi"
        table[ten] = 10 * n
        table |= {f"{ten} {ones[one]}": 10 * n + one for one in range(1, 10)}
        table |= {
            f"{ten} mốt": 10 * n + 1,
            f"{ten} tư": 10 * n + 4,
            f"{ten} lăm": 10 * n + 5,
        }
        table |= {f"{ones[n]} trăm": 100 * n}
    return table | {"một trăm": 100}


def _reader(
    table: Mapping[str, int],
    soft: frozenset[str],
    scales: Mapping[str, int],
    needs: re.Pattern[str] | None = None,
) -> Callable[[str], Rewritten]:
    longest = max(len(words.split()) for words in table)
    first = {words.split()[0] for words in table}

    scaled = re.compile(
        rf"(?<![\d.,])(\d+(?:[.,]\d+)?)\s+({'|'.join(scales)})\b", re.IGNORECASE
    )

    def number_from(words: list[str], at: int) -> tuple[int, int]:
        """Read the number that begins here: its value, and how many words it has."""
        n_words = n = 0
        if at < len(words) and words[at] in first:
            for n in range(min(longest, len(words) - at), 0, -1):
                if " ".join(words[at : at + n]) in table:
                    n_words = n
                    break
        if not n_words:
            return 0, 0
        value = table[" ".join(words[at : at + n_words])]
        while at + n_words < len(words) and words[at + n_words] in scales:
            scale = scales[words[at + n_words]]
            n_words += 1
            value *= scale
            rest, n = number_from(words, at + n_words)
            if 0 < rest < scale:
                value += rest
                n_words += n
        return value, n_words

    def pieces(text: str) -> Iterator[Piece]:
        for m in scaled.finditer(text):
            scaled_value = float(m[1].replace(",", ".")) * scales[m[2].lower()]
            yield Piece(m.span(), plain(scaled_value))
        found = [(m[0].lower(), *m.span()) for m in _WORD.finditer(text)]
        words = [word for word, _, _ in found]
        at = 0
        while at < len(words):
            value, n = number_from(words, at)
            if n:
                start, end = found[at][1], found[at + n - 1][2]
                mark = SOFT if n == 1 and words[at] in soft else ""
                if needs is None or n > 1 or needs.match(text, end):
                    yield Piece((start, end), f"{mark}{value}")
            at += n or 1

    return lambda text: rewrite(text, pieces(text))


def _language(
    read: Callable[[str], Rewritten],
    months: str,
    weekdays: str,
    units: dict[str, str],
    currencies: dict[str, str],
    part: Callable[[str], str],
    patterns: Callable[[], tuple[Rule, ...]],
) -> Language:
    month_table = {
        name: n
        for n, names in enumerate(months.split(), start=1)
        for name in names.split("/")
    }
    day_table = {
        name.replace("_", " "): n
        for n, names in enumerate(weekdays.split())
        for name in names.split("/")
    }
    month = "|".join(sorted(map(re.escape, month_table), key=len)[::-1]) or "(?!)"
    day = "|".join(sorted(map(re.escape, day_table), key=len)[::-1])
    money = "|".join(sorted(map(re.escape, currencies), key=len)[::-1])
    unit = "|".join(sorted(map(re.escape, units), key=len)[::-1])

    def table() -> tuple[Rule, ...]:
        return rules(
            ("date", rf"(?<!\d)(?P<d>\d{{1,2}})\s?(?:\.|º|er)?\s+(?:de\s+)?(?P<mo>{month})\b"
                     r"(?:\s+(?:de[l]?\s+)?(?P<y>(?:19|20)\d\d))?"),
            *patterns(),
            ("weekday", rf"\b(?P<wd>{day})\b"),
            ("money", r"(?P<cur>[$€£¥₩])\s?<N>"),
            ("money", rf"<N>\s?(?P<cur>{money})(?!\w)"),
            ("unit", rf"<N>\s?(?P<u>{unit})(?!\w)"),
        )  # fmt: skip

    signs = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen/yuan", "₩": "won"}
    return Language(
        read=read,
        rules=table,
        months=month_table,
        weekdays=day_table,
        units=units,
        currencies=currencies | signs,
        part_of_day=part,
        decimal=",",
    )


def _es_part(word: str) -> str:
    word = word.lower()
    if "mañana" in word or "madrugada" in word or word.startswith("a"):
        return "am"
    return "night" if "noche" in word else "pm"


def _es_rules() -> tuple[Rule, ...]:
    part = (
        r"(?:\s*(?:de|por|en)\s+la\s+(?P<part>mañana|tarde|noche|madrugada)|"
        r"\s*(?P<part2>[ap]\.?\s?m\b\.?))?"
    ).replace("(?P<part2>", "(?:")
    return rules(
        ("time", rf"\b(?:las?)\s+\ue000?(?P<h>\d{{1,2}}):(?P<mi>\d\d)(?!\d){part}"),
        ("time", rf"\blas?\s+\ue000?(?P<h>\d{{1,2}})\s+y\s+media(?P<halfpast>){part}"),
        ("time", rf"\blas?\s+\ue000?(?P<h>\d{{1,2}})\s+y\s+cuarto(?P<quarter>){part}"),
        ("time", rf"\blas?\s+\ue000?(?P<h>\d{{1,2}})\s+(?P<rel>menos)\s+cuarto(?P<quarter>){part}"),
        ("time", rf"\blas?\s+\ue000?(?P<h>\d{{1,2}})\s+(?P<rel>menos)\s+(?P<mi>\d{{1,2}}){part}"),
        ("time", rf"\blas?\s+\ue000?(?P<h>\d{{1,2}})(?:\s+y\s+(?P<mi>\d{{1,2}}))?(?!\d|[.,:]\d){part}"
                 r"(?!\s*(?:personas|habitaciones|noches|primeras|cosas))"),
        ("noon", r"\bmediod[ií]a\b"),
        ("midnight", r"\bmedianoche\b"),
    )  # fmt: skip


SPANISH: Final = _language(
    _reader(
        _spanish(),
        frozenset({"un", "una", "uno"}),
        {"mil": 1000, "millón": 10**6, "millones": 10**6},
    ),
    "enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre"
    " noviembre diciembre",
    "lunes martes miércoles jueves viernes sábado domingo",
    {
        "personas": "person", "persona": "person", "adultos": "person", "horas": "hour",
        "hora": "hour", "minutos": "minute", "segundos": "second", "días": "day",
        "día": "day", "noches": "night", "noche": "night", "semanas": "week",
        "semana": "week", "meses": "month", "mes": "month", "años": "year", "año": "year",
        "%": "percent", "por ciento": "percent", "mil": "",
    },
    {
        "dólares": "dollar", "dólar": "dollar", "euros": "euro", "euro": "euro",
        "wones": "won", "won": "won", "pesos": "peso", "yenes": "yen", "yuanes": "yuan",
    },
    _es_part,
    _es_rules,
)  # fmt: skip


def _fr_part(word: str) -> str:
    return "am" if "matin" in word.lower() else "pm"


def _fr_rules() -> tuple[Rule, ...]:
    part = r"(?:\s*(?:du|de\s+l['’]|le)\s*(?P<part>matin|après-midi|soir))?"
    return rules(
        ("time", rf"(?<!\d)\ue000?(?P<h>\d{{1,2}})\s?(?:heures?|h)\s+et\s+demie?(?P<halfpast>){part}"),
        ("time", rf"(?<!\d)\ue000?(?P<h>\d{{1,2}})\s?(?:heures?|h)\s+et\s+quart(?P<quarter>){part}"),
        ("time", rf"(?<!\d)\ue000?(?P<h>\d{{1,2}})\s?(?:heures?|h)\s+(?P<rel>moins)\s+le\s+quart(?P<quarter>){part}"),
        ("time", rf"(?:\bà|\bvers|\bdès|\bavant|\baprès|\bjusqu'à|\best)\s+\ue000?(?P<h>\d{{1,2}})\s?(?:heures?|h)"
                 rf"(?:\s?(?P<mi>\d\d))?{part}"),
        ("time", r"(?<!\d)(?P<h>\d{1,2})\s?h(?:\s?(?P<mi>\d\d))?(?![a-zé])"),
        ("noon", r"\bmidi\b"),
        ("midnight", r"\bminuit\b"),
    )  # fmt: skip


FRENCH: Final = _language(
    _reader(
        _french(),
        frozenset({"un", "une"}),
        {"cent": 100, "cents": 100, "mille": 1000, "million": 10**6, "millions": 10**6},
    ),
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    {
        "personnes": "person", "personne": "person", "adultes": "person", "heures": "hour",
        "heure": "hour", "minutes": "minute", "secondes": "second", "jours": "day",
        "jour": "day", "nuits": "night", "nuit": "night", "semaines": "week",
        "semaine": "week", "mois": "month", "ans": "year", "an": "year", "années": "year",
        "%": "percent", "pour cent": "percent",
    },
    {
        "dollars": "dollar", "dollar": "dollar", "euros": "euro", "euro": "euro",
        "wons": "won", "won": "won", "yens": "yen", "yuans": "yuan",
    },
    _fr_part,
    _fr_rules,
)  # fmt: skip


def _de_part(word: str) -> str:
    word = word.lower()
    if word in ("morgens", "vormittags", "früh") or "morgen" in word:
        return "am"
    return "night" if "nacht" in word else "pm"


def _de_rules() -> tuple[Rule, ...]:
    part = r"(?:\s*(?:am\s+)?(?P<part>morgens|vormittags?|mittags|nachmittags?|abends?|nachts))?"
    return rules(
        ("time", rf"\bhalb\s+\ue000?(?P<h>\d{{1,2}})(?P<halfto>){part}"),
        ("time", rf"\bviertel\s+(?P<rel>nach|vor)\s+\ue000?(?P<h>\d{{1,2}})(?P<quarter>){part}"),
        ("time", rf"(?<!\d)(?P<mi>\d{{1,2}})\s+(?:minuten\s+)?(?P<rel>nach|vor)\s+\ue000?(?P<h>\d{{1,2}})(?!\d){part}"),
        ("time", r"(?<![\d:.])\ue000?(?P<h>\d{1,2})\s*uhr\s+(?P<mi>\d{1,2})"),
        ("time", rf"(?<![\d:.])\ue000?(?P<h>\d{{1,2}})(?:[:.](?P<mi>\d\d))?\s*uhr{part}"),
        ("midnight", r"\bmitternacht\b"),
    )  # fmt: skip


GERMAN: Final = _language(
    _reader(
        _german(),
        frozenset({"ein", "eine", "einen", "einem", "einer", "eins"}),
        {"tausend": 1000, "million": 10**6, "millionen": 10**6},
    ),
    "januar/jänner februar märz april mai juni juli august september oktober november"
    " dezember",
    "montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag",
    {
        "personen": "person", "person": "person", "erwachsene": "person", "leute": "person",
        "stunden": "hour", "stunde": "hour", "minuten": "minute", "sekunden": "second",
        "tage": "day", "tagen": "day", "tag": "day", "nächte": "night", "nacht": "night",
        "wochen": "week", "woche": "week", "monate": "month", "monaten": "month",
        "monat": "month", "jahre": "year", "jahren": "year", "jahr": "year",
        "%": "percent", "prozent": "percent", "uhr": "",
    },
    {
        "dollar": "dollar", "euro": "euro", "won": "won", "yen": "yen", "yuan": "yuan",
        "pfund": "pound",
    },
    _de_part,
    _de_rules,
)  # fmt: skip


def _vi_part(word: str) -> str:
    return {
        "sáng": "am",
        "trưa": "noonish",
        "chiều": "pm",
        "tối": "pm",
        "đêm": "night",
    }.get(word.lower(), "")


def _vi_rules() -> tuple[Rule, ...]:
    part = r"(?:\s+(?P<part>sáng|trưa|chiều|tối|đêm))?"
    return rules(
        ("date", r"ngày\s+(?P<d>\d{1,2})\s+tháng\s+(?P<mo>\d{1,2})(?:\s+năm\s+(?P<y>\d{4}))?"),
        ("date", r"(?<!\d\s)tháng\s+(?P<mo>\d{1,2})(?!\d)"),
        ("date", r"ngày\s+(?P<d>\d{1,2})(?!\d|/)"),
        ("weekday", r"(?P<wd>thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ nhật)"),
        ("time", rf"(?<!\d)(?P<h>\d{{1,2}})\s?giờ\s+(?P<rel>kém)\s+(?P<mi>\d{{1,2}})(?:\s+phút)?{part}"),
        ("time", rf"(?<!\d)(?P<h>\d{{1,2}})\s?(?:giờ|h)\s?rưỡi(?P<halfpast>){part}"),
        ("time", rf"(?<!\d)\ue000?(?P<h>\d{{1,2}})\s?(?:giờ|h)(?:\s?(?P<mi>\d{{1,2}})(?:\s+phút)?)?(?!\w){part}"),
        ("money", r"<N>\s?(?P<cur>đô la|đô|won|đồng)"),
    )  # fmt: skip


_VI_DAYS: Final = (
    "thứ_hai/thứ_2 thứ_ba/thứ_3 thứ_tư/thứ_4 thứ_năm/thứ_5 thứ_sáu/thứ_6 thứ_bảy/thứ_7"
    " chủ_nhật"
)
VIETNAMESE: Final = _language(
    _reader(
        _vietnamese(),
        frozenset({"một"}),
        {"nghìn": 1000, "ngàn": 1000, "triệu": 10**6, "tỷ": 10**9},
        re.compile(r"\s+(?:người|giờ|phút|ngày|tháng|tuần|năm|đêm|phòng|cái|vé|lần|đô|đồng|"
                   r"tầng|suất|bàn|ghế|won|chai|ly|phần|nghìn|triệu|trăm)"),
    ),
    "",
    _VI_DAYS,
    {
        "người": "person", "tiếng": "hour", "phút": "minute", "ngày": "day", "đêm": "night",
        "tuần": "week", "tháng": "month", "năm": "year", "%": "percent", "tuổi": "year",
        "phần trăm": "percent", "tầng": "floor", "phòng": "",
    },
    {"đô la": "dollar", "đô": "dollar", "đồng": "dong", "won": "won"},
    _vi_part,
    _vi_rules,
)  # fmt: skip

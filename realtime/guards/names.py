"""Do the names and terms of a call survive its translation?

The brief says which: its glossary, and those of its facts that are somebody's name.
One that is said has to be in the translation: as the glossary translates it, as it is
written, or, between Korean and languages in Latin letters, as it sounds.

Korean names are written in Latin letters in many ways (Minsu, Min-soo, Min Su; Lee, Yi,
Rhee), and in either order.  So both sides are reduced to a key in which the usual
spellings of a sound are the same letter; "김민수" and "Minsoo Kim" have one in common,
"Kim Minji" has none.  Other names (마이클, Michael) are compared by their consonants.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Final

from realtime.guards.numbers import Mismatch
from realtime.guards.quantities.model import Span

# --- Revised Romanisation of Hangul (2000), syllable by syllable ---------------------

_INITIALS: Final = (
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "", "j", "jj", "ch", "k",
    "t", "p", "h",
)  # fmt: skip
_VOWELS: Final = (
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u",
    "wo", "we", "wi", "yu", "eu", "ui", "i",
)  # fmt: skip
_FINALS: Final = (
    "", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m",
    "p", "p", "t", "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip


def syllable(character: str) -> str:
    """Romanise one Hangul syllable as it stands in a name, without assimilation."""
    code = ord(character) - 0xAC00
    initial, vowel, final = code // 588, code % 588 // 28, code % 28
    return _INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]


def romanise(text: str) -> str:
    """Romanise the Hangul of a text; everything else stays as it is."""
    return _HANGUL.sub(lambda m: "".join(map(syllable, m[0])), text)


_HANGUL: Final = re.compile("[가-힣]+")
_LATIN: Final = re.compile(r"[^\W\d_가-힣]+(?:['’-][^\W\d_가-힣]+)*")

_SURNAMES: Final = {
    "김": "kim gim", "이": "lee yi rhee ri yee i", "박": "park bak pak", "최": "choi choe",
    "정": "jung jeong chung joung", "강": "kang gang", "조": "cho jo", "윤": "yoon yun",
    "장": "jang chang", "임": "lim im rim", "한": "han", "오": "oh o", "서": "seo suh",
    "신": "shin sin", "권": "kwon gwon", "황": "hwang", "안": "ahn an", "송": "song",
    "전": "jeon jun chun", "홍": "hong", "유": "yoo yu ryu you", "고": "ko go koh",
    "문": "moon mun", "양": "yang", "손": "son sohn", "배": "bae pae", "백": "baek paik",
    "허": "heo hur huh", "남": "nam", "심": "shim sim", "노": "noh no roh", "하": "ha",
    "곽": "kwak gwak", "성": "sung seong", "차": "cha", "주": "joo ju", "우": "woo u",
    "구": "koo gu ku", "민": "min", "류": "ryu yoo yu", "나": "na ra", "진": "jin chin",
    "지": "ji chi jee", "엄": "um eom", "채": "chae", "원": "won", "천": "cheon chun",
    "방": "bang pang", "공": "kong gong", "현": "hyun hyeon", "함": "ham", "변": "byun byeon",
    "염": "yeom yum", "여": "yeo", "추": "choo chu", "도": "do", "소": "so", "석": "seok suk",
    "선": "sun seon", "설": "seol sul", "마": "ma", "길": "gil kil", "연": "yeon yun",
    "위": "wi", "표": "pyo", "명": "myung myeong", "기": "ki gi", "반": "ban", "왕": "wang",
    "금": "keum geum", "옥": "ok", "육": "yook yuk", "인": "in", "맹": "maeng", "제": "je",
    "모": "mo", "남궁": "namgung namkoong", "황보": "hwangbo", "선우": "sunwoo seonu",
    "제갈": "jegal", "독고": "dokgo", "사공": "sagong",
}  # fmt: skip

# --- Keys ----------------------------------------------------------------------------

_SOUNDS: Final = tuple(
    (re.compile(pattern), letters)
    for pattern, letters in (
        (r"aeu", "a-eu"),
        (r"uh(?![aeiouy])", "eo"),
        (r"sch|sh", "s"),
        (r"ph|f|v", "p"),
        (r"ck|qu?", "k"),
        (r"x", "ks"),
        (r"tch|ch|ts|tz|z", "j"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"ya?e(?![ou])", "ye"),
        (r"eo", "o"),
        (r"oo|ou", "u"),
        (r"eu", "u"),
        (r"ee|ui|ie", "i"),
        (r"ae|ai|ay|ei|ey|oe", "e"),
        (r"wu", "u"),
        (r"y$", "i"),
        (r"(?<=[aeiou])h(?![aeiouwy])", ""),
        (r"g", "k"),
        (r"d", "t"),
        (r"b", "p"),
        (r"r", "l"),
        (r"[^a-z]", ""),
        (r"(.)\1+", r"\1"),
    )
)
_MAX_KEYS: Final = 64
_NOT_LETTERS: Final = re.compile(r"[^a-z-]")


@lru_cache(maxsize=2048)
def fold(latin: str) -> str:
    """Reduce a spelling in Latin letters to what it sounds like, roughly."""
    plain = unicodedata.normalize("NFKD", latin.casefold().replace("đ", "d"))
    key = _NOT_LETTERS.sub("", plain)
    for pattern, letters in _SOUNDS:
        key = pattern.sub(letters, key)
    return key


def _syllable_keys(character: str) -> set[str]:
    roman = syllable(character)
    keys = {fold(roman)}
    is_closed = (ord(character) - 0xAC00) % 28 != 0
    if "eo" in roman and is_closed:  # 성 is Seong and Sung
        keys.add(fold(roman.replace("eo", "u")))
    return keys


@lru_cache(maxsize=2048)
def hangul_keys(name: str) -> frozenset[str]:
    """Return the keys under which a Hangul name may be written in Latin letters."""
    keys = set[str]()
    for n_surname in (0, 1, 2):
        surname, given = name[:n_surname], name[n_surname:]
        if n_surname and (surname not in _SURNAMES or not given):
            continue
        firsts = (
            {fold(word) for word in _SURNAMES[surname].split()} if surname else {""}
        )
        rests = [
            "".join(parts) for parts in product(*(_syllable_keys(c) for c in given))
        ][:_MAX_KEYS]
        for first, rest in product(firsts, rests):
            keys |= {_joined(first, rest), _joined(rest, first)}
    return frozenset(keys)


def _joined(*parts: str) -> str:
    return re.sub(r"(.)\1+", r"\1", "".join(parts))


@lru_cache(maxsize=2048)
def _skeletons(latin: str) -> frozenset[str]:
    """Return the consonants of a foreign name, with and without what Korean drops."""
    found = set[str]()
    word = latin.casefold()
    for spelled in {word, word.replace("ch", "k")}:
        for th in ("t", "s"):
            key = fold(spelled.replace("th", th))
            consonants = re.sub("[aeiouyw]", "", key)
            without_r = re.sub("(?<=[aeiou])l(?![aeiouy])", "", key)
            found |= {consonants, re.sub("[aeiouyw]", "", without_r)}
    return frozenset(re.sub(r"(.)\1+", r"\1", f) for f in found)


Sketch = tuple[str, bool]
"""A foreign name's consonants, and whether it begins with a vowel."""


@lru_cache(maxsize=2048)
def _sketch(hangul: str) -> Sketch | None:
    """Return what a name in Hangul has in common with its foreign spelling."""
    if len(hangul) == 2 and hangul[0] in _SURNAMES:
        return None  # 민수 is not Minsa
    key = fold("".join(map(syllable, hangul)))
    consonants = re.sub(r"(.)\1+", r"\1", re.sub("[aeiouyw]", "", key))
    return (consonants, key[:1] in "aeiouyw") if len(consonants) >= 2 else None


@lru_cache(maxsize=2048)
def _sketches(latin: str) -> frozenset[Sketch]:
    is_vowel_first = fold(latin)[:1] in "aeiouywh"
    return frozenset((consonants, is_vowel_first) for consonants in _skeletons(latin))


# --- Terms ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """A name or a term that has to survive.

    Attributes:
        text: as its owner writes it.
        translation: what it is in the other language, where the glossary says so.
        is_name: it is somebody's name, which is not translated but transliterated.
    """

    text: str
    translation: str | None = None
    is_name: bool = False


_NAME_FIELD: Final = re.compile(
    r"name|이름|성함|성명|예약자|名前|氏名|お名前|姓名|名字|nombre|nom\b|prénom|tên",
    re.IGNORECASE,
)
_MAX_NAME_LETTERS: Final = 40


def terms_of(brief: Mapping[str, Any]) -> tuple[Term, ...]:
    """Read from a brief what has to survive.

    Args:
        brief: of the contract, section 2: `glossary` and `may_tell` are used.
    """
    terms = [
        Term(
            entry["term"].strip(),
            (entry.get("translation") or "").strip() or None,
            is_name=_looks_like_name(entry["term"].strip()),
        )
        for entry in brief.get("glossary", ())
        if entry.get("term", "").strip()
    ]
    for fact in brief.get("may_tell", ()):
        value = str(fact.get("value", "")).strip()
        is_short = 0 < len(value) <= _MAX_NAME_LETTERS and len(value.split()) <= 4
        has_digits = any(c.isdigit() for c in value)
        if is_short and not has_digits and _NAME_FIELD.search(fact.get("name", "")):
            terms.append(Term(value, is_name=True))
    return tuple(dict.fromkeys(terms))


def _looks_like_name(text: str) -> bool:
    if _HANGUL.fullmatch(text.replace(" ", "")):
        compact = text.replace(" ", "")
        return 3 <= len(compact) <= 4 and (
            compact[0] in _SURNAMES or compact[:2] in _SURNAMES
        )
    words = text.split()
    return bool(words) and all(word[:1].isupper() for word in words)


# --- Finding and comparing -----------------------------------------------------------


_GAPS: Final = re.compile(r"[\s-]+")


def _letters(text: str) -> str:
    """Return a text without what may stand between the letters of a term."""
    return _GAPS.sub("", text).casefold()


_letters_of_form: Final = lru_cache(maxsize=2048)(_letters)
_letters_of_text: Final = lru_cache(maxsize=16)(_letters)


@lru_cache(maxsize=512)
def _pattern(form: str) -> re.Pattern[str]:
    """Match a term as it is written, with any spacing, and with an English plural."""
    words = [re.escape(word) for word in form.split()]
    if _HANGUL.search(form):
        letters = [re.escape(c) for c in form if not c.isspace()]
        return re.compile(r"(?<![가-힣])" + r"\s?".join(letters), re.IGNORECASE)
    return re.compile(
        r"(?<!\w)" + r"[\s-]+".join(words) + r"(?:['’]?e?s)?(?![A-Za-z])", re.IGNORECASE
    )


def find(form: str, text: str, *, is_name: bool = False) -> Span | None:
    """Find a name or a term in a text.

    Args:
        form: as somebody writes it.
        text: in any language.
        is_name: what sounds like it counts as well.

    Returns:
        [start, end) in characters; None where it is not there.
    """
    # A pattern costs half a millisecond to make, and a glossary has hundreds of terms.
    if _letters_of_form(form) in _letters_of_text(text):
        match = _pattern(form).search(text)
        if match is not None:
            return match.span()
    if not is_name:
        return None
    index = _index(text)
    hangul = "".join(_HANGUL.findall(form))
    if hangul:
        spans = [index.latin[key] for key in hangul_keys(hangul) if key in index.latin]
        sketch = _sketch(hangul)
        if not spans and sketch in index.foreign:
            spans = [index.foreign[sketch]]
        return min(spans, default=None)
    words = _LATIN.findall(form)
    keys = {_joined(*map(fold, order)) for order in _orders(words)}
    spans = [
        place[key]
        for place in (index.hangul, index.latin)
        for key in keys
        if key in place
    ]
    if not spans and len(words) == 1:
        spans = [index.sketched[s] for s in _sketches(words[0]) if s in index.sketched]
    return min(spans, default=None)


@dataclass(frozen=True, slots=True)
class _Index:
    """What the names in a text sound like, and where they stand.

    Attributes:
        latin, hangul: by key, of up to four neighbouring words and of Korean ones.
        foreign, sketched: the same, by their consonants.
    """

    latin: dict[str, Span]
    foreign: dict[Sketch | None, Span]
    hangul: dict[str, Span]
    sketched: dict[Sketch, Span]


@lru_cache(maxsize=16)
def _index(text: str) -> _Index:
    """Sound out a text once, for all terms."""
    index = _Index({}, {}, {}, {})
    for words, span in _latin_runs(text):
        for order in _orders(words):
            index.latin.setdefault(_joined(*map(fold, order)), span)
        if len(words) == 1:
            for sketch in _sketches(words[0]):
                index.foreign.setdefault(sketch, span)
    for part, span in _hangul_runs(text):
        for key in hangul_keys(part):
            index.hangul.setdefault(key, span)
        found = _sketch(part)
        if found is not None:
            index.sketched.setdefault(found, span)
    return index


def _orders(words: list[str]) -> Iterator[list[str]]:
    for n in range(len(words)):
        yield words[n:] + words[:n]


def _latin_runs(text: str) -> Iterator[tuple[list[str], Span]]:
    """Yield one to four neighbouring words, the longest first."""
    words = [(m[0], m.span()) for m in _LATIN.finditer(text)]
    for n_words in (4, 3, 2, 1):
        for at in range(len(words) - n_words + 1):
            some = words[at : at + n_words]
            if n_words == 1 or all(word[:1].isupper() for word, _ in some[:2]):
                yield [word for word, _ in some], (some[0][1][0], some[-1][1][1])


def _hangul_runs(text: str) -> Iterator[tuple[str, Span]]:
    """Yield the beginnings of Korean words, with the next word's where it is short."""
    words = list(_HANGUL.finditer(text))
    for n, match in enumerate(words):
        for length in range(min(6, len(match[0])), 1, -1):
            yield match[0][:length], (match.start(), match.start() + length)
        if len(match[0]) <= 2 and n + 1 < len(words):
            following = words[n + 1]
            for length in range(min(3, len(following[0])), 0, -1):
                end = following.start() + length
                yield match[0] + following[0][:length], (match.start(), end)


_LATIN_LANGUAGES: Final = frozenset({"de", "en", "es", "fr", "id", "it", "pt", "vi"})


def _comparable(language: str, other: str) -> bool:
    """Tell whether names sound comparable in two languages' letters."""
    known = _LATIN_LANGUAGES | {"ko"}
    return language in known and other in known


def compare(
    source: str,
    source_language: str,
    target: str,
    target_language: str,
    terms: tuple[Term, ...],
) -> list[Mismatch]:
    """Look for the names and terms of a sentence in its translation.

    Args:
        source: what was said, final.
        source_language: ISO 639-1.
        target: the translation, final.
        target_language: ISO 639-1.
        terms: of `terms_of(brief)`.

    Returns:
        those that are missing.  A term without a translation is looked for only where
        it is a name, and both languages' letters can be compared (Hangul and Latin).
    """
    found: list[Mismatch] = []
    for term in terms:
        forms = [term.text, *([term.translation] if term.translation else [])]
        is_loose = term.is_name and _comparable(source_language, target_language)
        if term.translation is None and not is_loose:
            continue
        said = next(
            ((f, s) for f in forms if (s := find(f, source, is_name=is_loose))), None
        )
        if said is None:
            continue
        if any(find(form, target, is_name=is_loose) for form in forms):
            continue
        form, span = said
        others = [other for other in forms if other != form]
        instead = _instead(term, target) if term.is_name else None
        found.append(
            Mismatch(
                "name" if term.is_name else "term",
                span,
                instead,
                others[0] if others else spelled(form, target_language),
                target[slice(*instead)] if instead else None,
            )
        )
    return found


def spelled(form: str, language: str) -> str:
    """Write a name for readers of another language, where that can be done."""
    compact = form.replace(" ", "")
    if language in _LATIN_LANGUAGES and _HANGUL.fullmatch(compact):
        n = 2 if compact[:2] in _SURNAMES else 1
        surname, given = compact[:n], compact[n:]
        first = _SURNAMES.get(surname, romanise(surname)).split()[0]
        return f"{first.capitalize()} {romanise(given).capitalize()}".strip()
    return form


def _instead(term: Term, target: str) -> Span | None:
    """Find what stands where the name should be: another one with the same surname."""
    form = term.text.replace(" ", "")
    if _HANGUL.fullmatch(form):
        keys = {fold(word) for word in _SURNAMES.get(form[0], "").split()}
        words = list(_LATIN.finditer(target))
        for n, match in enumerate(words):
            if match[0][:1].isupper() and fold(match[0]) in keys:
                near = [w for w in words[max(0, n - 1) : n + 2] if w[0][:1].isupper()]
                return near[0].start(), near[-1].end()
        return None
    surnames = {fold(word) for word in _LATIN.findall(term.text)}
    for match in _HANGUL.finditer(target):
        spelled = _SURNAMES.get(match[0][0], "").split()
        if len(match[0]) >= 3 and {fold(word) for word in spelled} & surnames:
            return match.start(), match.start() + 3
    return None

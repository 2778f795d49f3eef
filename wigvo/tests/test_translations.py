"""No sentence without its Korean."""

import gettext
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
APPS = ("calls", "chat", "places", "realtime", "wigvo")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
FOLDER = ROOT / "locale/ko/LC_MESSAGES"


def sources() -> Iterator[tuple[str, str]]:
    """Yield the code in which sentences are marked, templates turned into code."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            text = path.read_text(encoding="utf-8")
            code = templatize(text, origin=str(path))
            # What is left of the markup is indented as no Python is.
            lines = (line.strip() for line in code.splitlines())
            yield str(path.relative_to(ROOT)), "\n".join(lines)


def sentences() -> dict[str, str]:
    """Map every sentence of the product to the file it is in."""
    found: dict[str, str] = {}
    for name, code in sources():
        file = io.BytesIO(code.encode())
        for _, message, *_ in extract("python", file, KEYWORDS):
            one = last(message)
            # Django trims nothing, Babel nothing either: the texts are the same.
            if one:
                found.setdefault(one, name)
    return found


def last(text: str | list[str] | tuple[str, ...] | None) -> str:
    """Return the plural of a sentence that has one, otherwise the sentence."""
    return text[-1] if isinstance(text, list | tuple) else text or ""


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (FOLDER / "django.po").open("rb") as file:
        return read_po(file, locale="ko")


@pytest.fixture(scope="module")
def korean(catalogue: Catalog) -> dict[str, str]:
    """Map each sentence to its Korean, as far as somebody has approved it.

    A sentence with a number in it is known by its plural; Korean has one form for both.
    """
    return {
        last(entry.id): last(entry.string)
        for entry in catalogue
        if entry.id and last(entry.string) and not entry.fuzzy
    }


def test_every_sentence_has_its_korean(korean: dict[str, str]) -> None:
    found = sentences()
    assert len(found) > 250  # the extraction itself works
    missing = {text: where for text, where in found.items() if text not in korean}
    assert not missing, "make messages, then translate"


def test_no_korean_is_left_that_nobody_uses(catalogue: Catalog) -> None:
    found = sentences()
    used = [last(entry.id) for entry in catalogue if entry.id]
    assert not [text for text in used if text not in found]
    assert not catalogue.obsolete


def test_the_compiled_catalogue_is_the_written_one(catalogue: Catalog) -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    different = []
    for entry in catalogue:
        if not entry.id or entry.fuzzy:
            continue
        if isinstance(entry.id, str):
            korean = compiled.gettext(entry.id)
        else:
            one, many = entry.id
            korean = compiled.ngettext(one, many, 2)
        if korean != last(entry.string):
            different.append(entry.id)
    assert not different, "make messages"


def test_what_is_filled_in_is_the_same_in_both_languages(
    korean: dict[str, str],
) -> None:
    places = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+>")
    for text, ko in korean.items():
        assert sorted(places.findall(text)) == sorted(places.findall(ko)), text


def test_korean_is_korean_and_polite(korean: dict[str, str]) -> None:
    hangul = re.compile(r"[가-힣]")
    # Plain style endings; ours are 합니다 and 해요.
    plain = re.compile(r"(한다|된다|없다|있다|했다|됐다|해라|하라)[.!]?$")
    filled_in = re.compile(r"%\(\w+\)s|\{\w+\}")
    for text, ko in korean.items():
        has_words = re.search(r"[A-Za-z]", filled_in.sub("", text))
        assert hangul.search(ko) or not has_words, text
        assert not plain.search(ko), ko

"""Names of languages and countries, as people read them."""

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from calls import languages
from realtime.engines.choice import CALLEE_LANGUAGES, CALLER_LANGUAGES

OWN_NAMES = {
    "en": "English",
    "ko": "한국어",
    "ja": "日本語",
    "zh": "中文",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "hi": "हिन्दी",
    "id": "Bahasa Indonesia",
    "it": "Italiano",
    "pt": "Português",
    "ru": "Русский",
    "vi": "Tiếng Việt",
    "ar": "العربية",
    "mn": "Монгол",
    "ms": "Bahasa Melayu",
    "nl": "Nederlands",
    "pl": "Polski",
    "th": "ไทย",
    "tl": "Tagalog",
    "tr": "Türkçe",
    "uk": "Українська",
    "uz": "Oʻzbekcha",
}

COUNTRIES = {
    "AU": _("Australia"),
    "CA": _("Canada"),
    "CN": _("China"),
    "DE": _("Germany"),
    "ES": _("Spain"),
    "FR": _("France"),
    "GB": _("United Kingdom"),
    "HK": _("Hong Kong"),
    "ID": _("Indonesia"),
    "IN": _("India"),
    "IT": _("Italy"),
    "JP": _("Japan"),
    "KR": _("South Korea"),
    "MY": _("Malaysia"),
    "NZ": _("New Zealand"),
    "PH": _("Philippines"),
    "PT": _("Portugal"),
    "SG": _("Singapore"),
    "TH": _("Thailand"),
    "TW": _("Taiwan"),
    "US": _("United States"),
    "VN": _("Vietnam"),
}


def language_name(code: str) -> str:
    """Name a language in the reader's language; an unknown code names itself."""
    return str(languages.NAMES.get(code, code))


def language_choices() -> list[tuple[str, str]]:
    """List the languages of callers, each in its own name and in the reader's."""
    return _choices(CALLER_LANGUAGES)


def callee_language_choices() -> list[tuple[str, str]]:
    """List the languages of callees, as `language_choices` does."""
    return _choices(CALLEE_LANGUAGES)


def _choices(codes: frozenset[str]) -> list[tuple[str, str]]:
    choices = []
    for code, name in languages.NAMES.items():
        if code not in codes:
            continue
        own = OWN_NAMES.get(code, str(name))
        choices.append((code, own if own == str(name) else f"{own} · {name}"))
    return choices


def country_name(code: str) -> str:
    return str(COUNTRIES.get(code, code))


def country_choices() -> list[tuple[str, str]]:
    """List the countries that may be called, the default one first."""
    codes = sorted(
        settings.CALL_ALLOWED_COUNTRIES,
        key=lambda c: (c != settings.PHONENUMBER_DEFAULT_REGION, country_name(c)),
    )
    return [
        (code, f"{country_name(code)} +{phonenumbers.country_code_for_region(code)}")
        for code in codes
    ]

"""The languages that simultaneous interpretation speaks, and their names.

The interpreter understands many more languages than it can speak.  A call goes both
ways, so both of its languages have to be among these.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, str | Promise] = {
    "en": _("English"),
    "ko": _("Korean"),
    "ja": _("Japanese"),
    "zh": _("Chinese"),
    "de": _("German"),
    "es": _("Spanish"),
    "fr": _("French"),
    "hi": _("Hindi"),
    "id": _("Indonesian"),
    "it": _("Italian"),
    "pt": _("Portuguese"),
    "ru": _("Russian"),
    "vi": _("Vietnamese"),
}


def has_engine(caller_language: str, callee_language: str) -> bool:
    """Tell whether some engine can interpret between these two, both ways."""
    return (
        caller_language != callee_language
        and caller_language in NAMES
        and callee_language in NAMES
    )

"""The languages of callers and callees, and their names.

Which of them a call can have is for `realtime.engines.choice` to say: to a callee the
system itself speaks as well, so there are fewer languages for callees.
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
    "ar": _("Arabic"),
    "mn": _("Mongolian"),
    "ms": _("Malay"),
    "nl": _("Dutch"),
    "pl": _("Polish"),
    "th": _("Thai"),
    "tl": _("Tagalog"),
    "tr": _("Turkish"),
    "uk": _("Ukrainian"),
    "uz": _("Uzbek"),
}

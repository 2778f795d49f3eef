"""Telephone numbers and categories in templates."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import get_language

from chat.values import show_phone

register = template.Library()
register.filter("phone", show_phone)


@register.filter
def in_words(texts: Mapping[str, Any]) -> Any:
    """Choose what stands in a scenario's file in the reader's language."""
    language = (get_language() or "en")[:2]
    return texts.get(language) or texts.get("en", "")


@register.filter
def steps(category: str) -> str:
    """Write a category within a category: "한식>한정식"."""
    return category.replace(">", " › ")

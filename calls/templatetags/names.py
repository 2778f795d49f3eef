"""Names and durations in templates."""

from django import template

from calls.names import language_name

register = template.Library()
register.filter("language_name", language_name)


@register.filter
def minutes(seconds: int) -> str:
    """Show a duration as minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02d}"

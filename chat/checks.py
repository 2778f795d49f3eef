"""What is wrong with the scenarios is said when anything starts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from chat.catalogue import CatalogueError, catalogue


@register()
def check_scenarios(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Read the scenarios, and name every problem."""
    try:
        catalogue()
    except CatalogueError as error:
        return [Error(problem, id="chat.E001") for problem in error.problems]
    return []

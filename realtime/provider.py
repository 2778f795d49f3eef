"""Which models are in use, and what their provider says about them."""

from datetime import date
from typing import Any, Final

import httpx2
from django.conf import settings

from realtime.engines import catalogue
from realtime.engines.catalogue import Model, Trouble
from realtime.engines.usage import Role

TIMEOUT_S: Final = 10.0
ATTEMPTS: Final = 2
"""Asking for a list changes nothing: it is asked again, once."""

transport: httpx2.BaseTransport | None = None
"""What requests go through instead of the network; set by tests."""


class ProviderFailed(Exception):
    """The provider has not said which models there are; the text says why."""


def models_in_use() -> dict[Role, str]:
    """Return the id of each role's model, as the settings have it."""
    return {role: getattr(settings, name) for role, name in catalogue.SETTINGS.items()}


def fetch_models() -> dict[str, date | None]:
    """Ask the provider which models there are, and for their last days.

    Raises: ProviderFailed.
    """
    url = f"{settings.OPENAI_BASE_URL}/models"
    headers = {"Authorization": f"Bearer {settings.OPENAI_API_KEY}"}
    with httpx2.Client(transport=transport, timeout=TIMEOUT_S) as client:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = client.get(url, headers=headers)
            except httpx2.HTTPError as error:
                if attempt < ATTEMPTS:
                    continue
                raise ProviderFailed(
                    f"{url} did not answer ({type(error).__name__}):"
                    " check OPENAI_BASE_URL and the network."
                ) from error
            if response.status_code < 500:
                break
    if response.status_code == 401:
        raise ProviderFailed(f"{url} did not accept OPENAI_API_KEY.")
    if response.status_code != 200:
        raise ProviderFailed(f"{url} answered {response.status_code}.")
    try:
        return {row["id"]: _day(row) for row in response.json()["data"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderFailed(f"{url} answered something that is no list.") from error


def _day(row: dict[str, Any]) -> date | None:
    value = row.get("shutdown_date")
    return date.fromisoformat(value[:10]) if value else None


def troubles(
    models: dict[Role, str], today: date, known: dict[str, date | None] | None = None
) -> list[Trouble]:
    """Say what is wrong with the models in use.

    Args:
        models: of each role.
        today: the day.
        known: what the provider says there is; None: it has not been asked.
    """
    found: list[Trouble] = []
    for model_id, roles in catalogue.by_model(models).items():
        model = catalogue.catalogue().model(model_id)
        if known is not None and model_id not in known:
            names = catalogue.settings_of(roles)
            text = f"The provider has no {model_id}: choose another one in {names}."
            found.append(Trouble(text, is_fatal=True))
            continue
        if known is not None:
            # The provider's own word is newer than our table.
            model = Model(model.id, model.price, known[model_id], model.instead)
        for trouble in (
            catalogue.dying(model, roles, today),
            catalogue.unpriced(model, roles),
        ):
            if trouble is not None:
                found.append(trouble)
    return found

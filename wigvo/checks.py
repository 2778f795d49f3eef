"""What `check --deploy` and the server itself ask of the environment."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from realtime import provider

log = structlog.get_logger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")
NEEDED_TO_CALL = (
    "OPENAI_API_KEY",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_FROM_NUMBER",
)


def missing_provider_settings() -> str | None:
    """Name the settings without which no call can be placed; None if all are there.

    Returns:
        One sentence for whoever starts the server.
    """
    missing = [name for name in NEEDED_TO_CALL if not getattr(settings, name)]
    if not missing:
        return None
    *others, last = missing
    names = f"{', '.join(others)} and {last}" if others else last
    them = "them" if others else "it"
    return (
        f"Set {names}: without {them} no call can be placed"
        " (DEMO=1 talks to the simulated providers of `manage.py lab` instead)."
    )


@register(Tags.security, deploy=True)
def check_providers(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse to deploy a server that cannot call."""
    missing = missing_provider_settings()
    return [Error(missing, id="wigvo.E001")] if missing else []


@register(Tags.security, deploy=True)
def check_demo_is_off(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse to deploy the demo: its secret key is public."""
    if not settings.DEMO:
        return []
    return [
        Error("Unset DEMO: its keys are public and it calls nobody.", id="wigvo.E002")
    ]


UNENCRYPTED = (
    "PUBLIC_BASE_URL is not https: audio, passwords and tickets travel in the clear."
)


@register(Tags.security, deploy=True)
def check_public_address(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn when calls would cross the internet unencrypted."""
    if settings.PUBLIC_BASE_URL.startswith("https://"):
        return []
    return [Warning(UNENCRYPTED, id="wigvo.W001")]


def warn_if_unencrypted() -> None:
    """Log the same when the server starts, unless it stays on this machine."""
    address = urlsplit(settings.PUBLIC_BASE_URL)
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        log.warning("unencrypted", problem=UNENCRYPTED)


@register(deploy=True)
def check_models(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of models that end soon, and of such whose cost nobody counts."""
    today = datetime.now(UTC).date()
    troubles = provider.troubles(provider.models_in_use(), today)
    return [Warning(trouble.text, id="wigvo.W002") for trouble in troubles]

"""Is this process alive, and can it take calls?"""

import asyncio
from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from wigvo import notify

log = structlog.get_logger(__name__)

LOOP_TIMEOUT_S = 2.0
"""A loop that takes longer than this for nothing cannot carry sound."""


@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """Answer, without touching anything else."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Try everything a call depends on."""
    checks: dict[str, Callable[[], None]] = {
        "database": _check_database,
        "relay": _check_relay,
    }
    if settings.REDIS_URL:
        checks["redis"] = _check_redis
    dependencies = {name: _state(name, check) for name, check in checks.items()}
    is_ready = all(state == "ok" for state in dependencies.values())
    return JsonResponse(
        {
            "status": "ok" if is_ready else "unavailable",
            "dependencies": dependencies,
        },
        status=200 if is_ready else 503,
    )


def _state(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:
        log.warning("not_ready", dependency=name, error=type(error).__name__)
        return "unavailable"
    return "ok"


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _check_redis() -> None:
    cache.set("health", 1, 10)
    if cache.get("health") != 1:
        raise LookupError("health")


def _check_relay() -> None:
    loop = notify.get_loop()
    if loop is None or not loop.is_running():
        raise RuntimeError("no relay loop")
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(LOOP_TIMEOUT_S)

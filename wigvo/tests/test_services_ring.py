"""The services ring really runs on PostgreSQL and Redis."""

import uuid
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.db import connection

from wigvo.tests import environment

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        not (environment.DATABASE_URL and environment.REDIS_URL),
        reason="run `make test-services`: it brings PostgreSQL and Redis up",
    ),
]


@pytest.mark.django_db
def test_the_database_is_postgresql() -> None:
    assert connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("select version()")
        assert "PostgreSQL" in cursor.fetchone()[0]


def test_the_cache_is_redis_and_adds_only_once() -> None:
    key = uuid.uuid4().hex
    assert type(cache).__name__ == "ConnectionProxy"
    assert "redis" in str(cache._cache).lower()  # type: ignore[attr-defined]
    assert cache.add(key, 1, 5)
    assert not cache.add(key, 1, 5)


async def test_a_message_crosses_the_channel_layer() -> None:
    layer: Any = get_channel_layer()
    assert type(layer).__name__ == "RedisChannelLayer"
    channel = await layer.new_channel()
    await layer.group_add("call_1", channel)
    await layer.group_send("call_1", {"type": "call.control", "event": {"n": 1}})
    message = await layer.receive(channel)
    assert message["event"] == {"n": 1}
    await layer.group_discard("call_1", channel)
    await layer.close_pools()

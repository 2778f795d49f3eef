"""A call that is over is gone at once, and not when the garbage collector comes."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings

from realtime import registry
from realtime.session import Phase
from realtime.tests.conftest import Relay
from realtime.tests.fakes import eventually
from realtime.tests.test_relay import frames, let_in

pytestmark = pytest.mark.skipif(
    bool(settings.REDIS_URL), reason="concerns a process without Redis"
)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Let nothing come to the rescue of circles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_nothing_of_a_call_outlives_it(relay: Relay, no_collector: None) -> None:
    await relay.start()
    caller = await relay.caller()
    await let_in(caller)
    phone = await relay.connect_phone()
    await frames(phone, 20)
    await eventually(lambda: relay.live.session.phase is Phase.LIVE)
    parts = [relay.live, relay.live.session, relay.live.session._ear]
    left = [weakref.ref(part) for part in parts]
    del parts
    relay.live.end("hung_up_by_caller")
    await phone.send_json_to({"event": "stop"})
    await eventually(lambda: registry.get(relay.call.pk) is None, 10)
    await phone.disconnect()
    await caller.disconnect()
    await asyncio.sleep(0.05)  # tasks that have just ended
    assert [type(part()).__name__ for part in left if part() is not None] == []


async def test_the_channel_layer_forgets_a_call(relay: Relay) -> None:
    await relay.start()
    layer = get_channel_layer()
    assert isinstance(layer, InMemoryChannelLayer)
    await eventually(lambda: layer.groups)
    await relay.live.abandon()
    assert not layer.groups

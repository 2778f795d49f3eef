"""What is said in any thread arrives on the loop that listens."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer

from wigvo import notify

CALL = uuid.UUID("a6568d61-66a0-4b4e-9ba8-6786eec42391")


@pytest.fixture(autouse=True)
def _no_loop_left() -> Iterator[None]:
    yield
    notify.set_loop(None)


async def listen(group: str) -> Callable[[], Any]:
    layer = get_channel_layer()
    assert layer is not None
    name = await layer.new_channel()
    await layer.group_add(group, name)

    async def receive() -> Any:
        async with asyncio.timeout(2):
            return await layer.receive(name)

    return receive


SAY: list[tuple[Callable[[], None], str, dict[str, Any]]] = [
    (
        lambda: notify.notify(CALL, {"kind": "end", "by": "caller"}),
        f"call_{CALL.hex}",
        {"type": "call.control", "event": {"kind": "end", "by": "caller"}},
    ),
    (
        lambda: notify.publish(CALL, {"type": "status", "status": "busy"}),
        f"viewers_{CALL.hex}",
        {"type": "call.event", "message": {"type": "status", "status": "busy"}},
    ),
    (
        lambda: notify.publish_user(7, {"call_id": "x"}),
        "user_7",
        {"type": "user.call", "message": {"call_id": "x"}},
    ),
]


@pytest.mark.parametrize(("say", "group", "message"), SAY)
async def test_it_arrives_from_another_thread(
    say: Callable[[], None], group: str, message: dict[str, Any]
) -> None:
    notify.set_loop(asyncio.get_running_loop())
    receive = await listen(group)
    await asyncio.to_thread(say)
    assert await receive() == message


async def test_it_arrives_from_the_loop_itself() -> None:
    say, group, message = SAY[0]
    notify.set_loop(asyncio.get_running_loop())
    receive = await listen(group)
    say()
    assert await receive() == message


async def test_messages_of_one_thread_keep_their_order() -> None:
    notify.set_loop(asyncio.get_running_loop())
    receive = await listen(f"call_{CALL.hex}")

    def say_all() -> None:
        for n in range(50):
            notify.notify(CALL, {"kind": "status", "n": n})

    await asyncio.to_thread(say_all)
    assert [(await receive())["event"]["n"] for _ in range(50)] == list(range(50))


@pytest.mark.parametrize("loop_state", ["none", "stopped"])
def test_without_listeners_it_is_silent(loop_state: str) -> None:
    loop = asyncio.new_event_loop()
    notify.set_loop(loop if loop_state == "stopped" else None)
    try:
        notify.notify(CALL, {"kind": "end"})
    finally:
        loop.close()


async def test_a_layer_that_fails_harms_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = threading.Event()

    class Broken:
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            failed.set()
            raise ConnectionError("redis is gone")

    monkeypatch.setattr(notify, "get_channel_layer", Broken)
    notify.set_loop(asyncio.get_running_loop())
    await asyncio.to_thread(lambda: notify.notify(CALL, {"kind": "end"}))
    await asyncio.sleep(0.01)
    assert failed.is_set()

"""The way between a browser and a server: it can be cut, and it can fall silent.

A forward proxy for one browser.  It copies bytes and knows nothing of what they mean.
"""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

State = Literal["up", "down", "silent"]

HEAD_END: Final = b"\r\n\r\n"
CHUNK: Final = 65_536


class Network:
    """Connections through this machine, as long as it is up."""

    def __init__(self) -> None:
        self.port = 0
        self.state: State = "up"
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._broken: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def flag(self) -> tuple[str, str]:
        """What a Chromium is started with to go this way, also to this machine."""
        return (
            f"--proxy-server=127.0.0.1:{self.port}",
            "--proxy-bypass-list=<-loopback>",
        )

    def up(self) -> None:
        self._become("up")

    def cut(self) -> None:
        """Close what is open; nobody gets through."""
        self._become("down")

    def fall_silent(self) -> None:
        """Leave everything open; nothing gets through, and nobody is told."""
        self._become("silent")

    def _become(self, state: State) -> None:
        done = threading.Event()

        def become() -> None:
            self.state = state
            if state == "up":
                self._flows.set()
            else:
                self._flows.clear()
            # What was silent has lost bytes: it does not come back to life.
            if state != "silent":
                for writer in self._open:
                    if state == "down" or writer in self._broken:
                        writer.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(become)
        assert done.wait(5)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        upstream: asyncio.StreamWriter | None = None
        self._open.add(writer)
        try:
            if self.state == "down":
                return
            head = await reader.readuntil(HEAD_END)
            host, port = _target(head)
            await self._flows.wait()
            server, upstream = await asyncio.open_connection(host, port)
            self._open.add(upstream)
            if head.startswith(b"CONNECT"):
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                upstream.write(head)
            await asyncio.gather(
                self._copy(reader, upstream, writer), self._copy(server, writer, writer)
            )
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for one in (writer, upstream):
                if one is not None:
                    self._open.discard(one)
                    self._broken.discard(one)
                    one.transport.abort()

    async def _copy(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        while data := await source.read(CHUNK):
            if self.state == "silent":
                self._broken |= {sink, client}
                continue
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def begin() -> None:
            self._flows.set()
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            ready.set()

        self._loop.run_until_complete(begin())
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    @contextmanager
    def running(self) -> Iterator["Network"]:
        """Serve until the end of the block."""
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        thread.start()
        assert ready.wait(5)
        try:
            yield self
        finally:
            if self._server is not None:
                self._loop.call_soon_threadsafe(self._server.close)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(5)


def _target(head: bytes) -> tuple[str, int]:
    """Read from the first line of a request where it wants to go."""
    found = re.match(rb"(?:CONNECT |\w+ http://)([^:/ ]+):(\d+)", head)
    if found is None:
        raise OSError("no address")
    return found[1].decode(), int(found[2])

"""`manage.py demo`: what it says, and that nothing of it is left."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wigvo.stack import BASE_DIR, require_free_port
from wigvo.tests.environment import without_settings
from wigvo.tests.people import BUSY, eventually
from wigvo.tests.servers import free_port

pytestmark = pytest.mark.lab


FIRST_START_S = 180
"""Every voice is synthesised, and a slow machine has other work."""


class Demo:
    """A running demo that calls a busy line, so that its call is soon over."""

    def __init__(self, folder: Path) -> None:
        self.port, self.lab_port = free_port(), free_port()
        self.output = folder / "output"
        # What a developer has exported must not matter.
        environment = without_settings(dict(os.environ)) | {
            "OPENAI_BASE_URL": "https://api.openai.com/v1",
            "DATABASE_URL": "sqlite:////nowhere/developer.sqlite3",
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", str(self.port),
                 "--lab-port", str(self.lab_port), "--folder", str(folder / "demo"),
                 "--number", BUSY],
                cwd=BASE_DIR, env=environment, stdout=output, stderr=output,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_until_serving(self) -> None:
        eventually(
            lambda: self.said + f"[{self.process.poll()}]",
            lambda said: "Ctrl-C ends everything" in said,
            FIRST_START_S,
        )

    def family(self) -> set[int]:
        """Return the ids of all processes that the demo has started."""
        found: set[int] = set()
        waiting = [self.process.pid]
        while waiting:
            pid = waiting.pop()
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                children = {int(child) for child in task.read_text().split()}
                waiting += children - found
                found |= children
        return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    if demo.process.poll() is None:
        demo.process.terminate()
        demo.process.wait(30)


def runs(pid: int) -> bool:
    """Tell whether a process exists; a zombie does, too."""
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_a_signal_leaves_nothing_behind(
    demo: Demo, number: signal.Signals
) -> None:
    demo.wait_until_serving()
    assert f"http://127.0.0.1:{demo.port}" in demo.said
    assert "demo@wigvo.example" in demo.said
    assert "busy" in demo.said
    family = demo.family()
    assert len(family) >= 2
    demo.process.send_signal(number)
    assert demo.process.wait(30) == 128 + number
    assert [pid for pid in family if runs(pid)] == []
    require_free_port(demo.port, "server", "--port")
    require_free_port(demo.lab_port, "lab", "--lab-port")
    assert "Traceback" not in demo.said


def test_a_server_that_dies_is_reported_with_its_log(demo: Demo) -> None:
    demo.wait_until_serving()
    family = demo.family()
    server = next(
        pid for pid in family if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(server, signal.SIGKILL)
    assert demo.process.wait(30) == 1
    assert re.search(r"The server stopped \(signal 9\)\. Its log .* ends:", demo.said)
    assert "Traceback" not in demo.said
    assert [pid for pid in family if runs(pid)] == []


@pytest.mark.parametrize("option", ["--port", "--lab-port"])
def test_a_port_in_use_is_named_with_what_to_do(option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ports = ["--port", str(free_port()), "--lab-port", str(free_port())]
        done = subprocess.run(
            [sys.executable, "manage.py", "demo", *ports, option, port],
            cwd=BASE_DIR, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert re.search(rf"Port {port} .* choose another with {option}", done.stderr)
    assert "Traceback" not in done.stderr

"""Server and lab as child processes: for the demo, the tests and the benchmarks.

Every child leads a process group of its own, so that a Ctrl-C in the terminal reaches
only the parent, and the parent ends a child together with whatever it has started.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

BASE_DIR: Final = Path(__file__).resolve().parent.parent

DEMO_EMAIL: Final = "demo@wigvo.example"
DEMO_PASSWORD: Final = "three-quiet-otters"  # noqa: S105 - of a server on loopback

START_S: Final = 90.0
"""A first start compiles and synthesises; a slow machine may need this long."""
STOP_S: Final = 10.0
"""How long a child may take to end before it is killed."""
LOG_TAIL_LINES: Final = 15


class StackError(Exception):
    """The stack does not run; the message is a sentence for whoever started it."""


def setting_names() -> set[str]:
    """Return every variable that .env.example explains."""
    text = (BASE_DIR / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE))


def demo_environment(folder: Path, port: int, lab_port: int) -> dict[str, str]:
    """Return the environment of a stack that reaches nothing but this machine.

    Args:
        folder: where its database and files are.
        port: of the server.
        lab_port: of the lab.

    Returns:
        the present environment, with every setting of WIGVO replaced: neither a .env
        nor an exported key or address of a real provider gets in.
    """
    names = setting_names()
    names |= {f"{name}_FILE" for name in names} | {"DJANGO_SETTINGS_MODULE"}
    environment = {k: v for k, v in os.environ.items() if k not in names}
    for name in ("NO_PROXY", "no_proxy"):  # loopback never goes through a proxy
        hosts = [environment[name]] if environment.get(name) else []
        environment[name] = ",".join([*hosts, "127.0.0.1", "localhost"])
    return environment | {
        "DEMO": "1",
        "ENV_FILE": "",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "MEDIA_ROOT": str(folder / "media"),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "LAB_URL": f"http://127.0.0.1:{lab_port}",
        "PYTHONUNBUFFERED": "1",
    }


def require_free_port(port: int, what: str, option: str) -> None:
    """Raise if somebody listens on a port of this machine already.

    Raises:
        StackError: says what to do about it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(
                f"Port {port} for the {what} is not free ({error.strerror}): stop the"
                f" program that uses it, or choose another with {option} PORT."
            ) from None


def get(url: str, timeout_s: float = 2.0) -> Any:
    """Fetch JSON from this machine, through no proxy; None if it does not answer."""
    address = re.fullmatch(r"http://([^:/]+):(\d+)(/.*)", url)
    if address is None:
        raise ValueError(f"not a local address: {url}")
    host, port, path = address.groups()
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return json.loads(body) if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


class Child:
    """One process with its own group and its own log file.

    Args:
        name: what it is, in a sentence: "server", "lab".
        command: what to run.
        environment: everything it gets to see.
        log: file for its output; None leaves it in ours.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: dict[str, str],
        log: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("wb")) if log else None
            self.process = subprocess.Popen(  # noqa: S603 - our own words
                list(command),
                cwd=BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
            )

    def require_running(self) -> None:
        """Raise if it has ended, with the end of its log.

        Raises:
            StackError: it has.
        """
        code = self.process.poll()
        if code is None:
            return
        how = f"exit status {code}" if code >= 0 else f"signal {-code}"
        raise StackError(f"The {self.name} stopped ({how}).{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of the log, to be put behind a sentence."""
        if self.log is None:
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n  ".join(lines[-LOG_TAIL_LINES:])
        return f" Its log {self.log} ends:\n  {tail}" if tail else ""

    def wait_for(
        self, url: str, say: Callable[[float], None], timeout_s: float = START_S
    ) -> None:
        """Wait until it answers at a URL.

        Args:
            url: answers with JSON when the child is ready.
            say: called with the seconds waited so far.
            timeout_s: how long at most.

        Raises:
            StackError: it ended, or did not answer in time.
        """
        began = time.monotonic()
        while get(url) is None:
            self.require_running()
            waited = time.monotonic() - began
            if waited > timeout_s:
                raise StackError(
                    f"The {self.name} did not answer within {timeout_s:.0f} s."
                    + self.log_tail()
                )
            say(waited)
            time.sleep(0.1)

    def stop(self) -> None:
        """End it and everything it has started; returns when they are gone."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S)
        self._signal(signal.SIGKILL)
        self.process.wait()
        # The group outlives its leader until the last grandchild is gone.
        deadline = time.monotonic() + STOP_S
        while self._signal(0) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _signal(self, number: int) -> bool:
        """Send a signal to the group; False if there is nobody left in it."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def manage(*words: str) -> list[str]:
    """Return the command that runs one of Django's commands."""
    return [sys.executable, str(BASE_DIR / "manage.py"), *words]


def server_command(port: int) -> list[str]:
    """Return the command that runs one relay node.

    One worker, because a call lives in one process; no deflate, because audio does
    not shrink; a limit on messages, because the largest legitimate one is small.
    """
    return [
        sys.executable, "-m", "uvicorn", "wigvo.asgi:application",
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--ws-per-message-deflate", "false", "--ws-max-size", "262144",
        "--no-access-log", "--lifespan", "on",
    ]  # fmt: skip


@dataclass
class Stack:
    """A running server with its lab."""

    base_url: str
    lab_url: str
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)

    def require_running(self) -> None:
        """Raise StackError if a child has ended."""
        for child in self.children:
            child.require_running()

    def manage(self, *words: str) -> None:
        """Run one of Django's commands on this stack's database.

        Raises:
            StackError: it failed; the message is what it said.
        """
        done = subprocess.run(  # noqa: S603 - our own words
            manage(*words),
            cwd=BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise StackError(f"manage.py {words[0]} failed:\n  {said[-1500:]}")


def _ignore(text: str) -> None:
    pass


@contextlib.contextmanager
def running_stack(
    folder: Path,
    port: int,
    lab_port: int,
    say: Callable[[str], None] = _ignore,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Run server and lab on an up-to-date database; nothing of them is left after it.

    Args:
        folder: for database and logs; made when missing.
        port: of the server.
        lab_port: of the lab.
        say: is told what is being done.
        settings: environment variables beside those that a stack of its own needs.

    Raises:
        StackError: a port is taken, or a child does not start.
    """
    require_free_port(port, "server", "--port")
    require_free_port(lab_port, "lab", "--lab-port")
    folder.mkdir(parents=True, exist_ok=True)
    environment = demo_environment(folder, port, lab_port) | dict(settings or {})
    stack = Stack(environment["PUBLIC_BASE_URL"], environment["LAB_URL"], environment)
    with contextlib.ExitStack() as cleanup:

        def start(name: str, command: list[str]) -> Child:
            child = Child(name, command, environment, folder / f"{name}.log")
            cleanup.callback(child.stop)
            stack.children.append(child)
            return child

        say("starting the lab")
        lab = start("lab", manage("lab", "--port", str(lab_port)))
        say("preparing the database")
        stack.manage("migrate", "--noinput", "--verbosity", "0")
        say("starting the server")
        server = start("server", server_command(port))
        lab.wait_for(f"{stack.lab_url}/lab/people", lambda s: _every_5_s(s, say, "lab"))
        server.wait_for(
            f"{stack.base_url}/health", lambda s: _every_5_s(s, say, "server")
        )
        yield stack


def _every_5_s(waited_s: float, say: Callable[[str], None], name: str) -> None:
    if waited_s > 1 and waited_s % 5 < 0.1:
        say(f"waiting for the {name} ({waited_s:.0f} s)")

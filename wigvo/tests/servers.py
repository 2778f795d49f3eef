"""Run a command with a PostgreSQL and a Redis of its own.

    python -m wigvo.tests.servers pytest -m services

Takes the servers that WIGVO_TEST_DATABASE_URL and WIGVO_TEST_REDIS_URL name; else
starts the binaries it finds, on free ports, with their data in a temporary folder;
else, as root on a Debian, installs them first.  Without any of these it says so and
skips the command, except in CI (CI=true), where that is a failure.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

START_S = 30.0


class Unavailable(Exception):
    """There is no way to run this server here; the message says what to do."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def apt_install(*packages: str) -> None:
    """Install Debian packages as root, without starting what they bring."""
    if os.geteuid() or not shutil.which("apt-get"):
        raise Unavailable(f"Install {' and '.join(packages)}")
    say(f"Installing {' and '.join(packages)} with apt-get …")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-q", *words], env=quiet, capture_output=True, text=True
        )
        if done.returncode:
            raise Unavailable(
                f"apt-get {words[0]} failed ({done.stderr.strip()[-300:]}): install"
                f" {' and '.join(packages)}"
            )


def find_postgres() -> Path | None:
    """Return the newest folder that holds both initdb and postgres."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: float(folder.parent.name),
        reverse=True,
    )
    folders += [Path(folder) for folder in os.get_exec_path()]
    return next(
        (
            folder
            for folder in folders
            if (folder / "initdb").exists() and (folder / "postgres").exists()
        ),
        None,
    )


@contextmanager
def running(
    command: list[str], folder: Path, port: int, stop: signal.Signals, uid: int | None
) -> Iterator[None]:
    """Keep a server running that listens on a port; its log is in the folder."""
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=uid,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(
                    f"{command[0]} did not start: {log.read_text()[-500:].strip()}."
                    " Repair it"
                )
            time.sleep(0.05)
        yield
    finally:
        if server.poll() is None:
            server.send_signal(stop)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Provide a PostgreSQL; yields its URL."""
    if url := os.environ.get("WIGVO_TEST_DATABASE_URL"):
        say("PostgreSQL: the one WIGVO_TEST_DATABASE_URL names")
        yield url
        return
    if not (binaries := find_postgres()):
        apt_install("postgresql")
        if not (binaries := find_postgres()):
            raise Unavailable("Install postgresql")
    uid = _unprivileged_user()
    folder.mkdir()
    if uid is not None:
        os.chown(folder, uid, -1)
    data, port = folder / "data", free_port()
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "wigvo", "-A", "trust",
         "-E", "UTF8", "--locale=C", "--no-sync"],
        cwd=folder, user=uid, capture_output=True, text=True,
    )  # fmt: skip
    if made.returncode:
        raise Unavailable(f"initdb failed ({made.stderr.strip()[-300:]}). Repair it")
    say(f"PostgreSQL: {binaries} on port {port}, until the tests are over")
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "200",
    }
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with running(command, folder, port, signal.SIGINT, uid):
        yield f"postgres://wigvo@127.0.0.1:{port}/postgres"


def _unprivileged_user() -> int | None:
    """Name somebody else when we are root: PostgreSQL refuses to run as root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise Unavailable("PostgreSQL does not run as root: use another user")


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Provide a Redis; yields its URL, without a database number."""
    if url := os.environ.get("WIGVO_TEST_REDIS_URL"):
        say("Redis: the one WIGVO_TEST_REDIS_URL names")
        yield url
        return
    if not (binary := shutil.which("redis-server") or shutil.which("valkey-server")):
        apt_install("redis-server")
        if not (binary := shutil.which("redis-server")):
            raise Unavailable("Install redis-server")
    folder.mkdir()
    port = free_port()
    say(f"Redis: {binary} on port {port}, until the tests are over")
    command = [
        binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
        "--save", "", "--appendonly", "no", "--databases", "64",
    ]  # fmt: skip
    with running(command, folder, port, signal.SIGTERM, None):
        yield f"redis://127.0.0.1:{port}"


def main(command: list[str]) -> int:
    """Bring both up, run the command with them, and take them down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="wigvo-services-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        try:
            database_url = stack.enter_context(postgres(base / "postgres"))
            redis_url = stack.enter_context(redis(base / "redis"))
        except Unavailable as problem:
            sentence = (
                f"{problem}, or name servers in WIGVO_TEST_DATABASE_URL and"
                " WIGVO_TEST_REDIS_URL."
            )
            if os.environ.get("CI") == "true":
                say(f"FAILED: no PostgreSQL and Redis to test on. {sentence}")
                return 1
            say(f"SKIPPED: the tests on PostgreSQL and Redis. {sentence}")
            return 0
        return subprocess.call(
            command,
            env=os.environ
            | {
                "WIGVO_TEST_DATABASE_URL": database_url,
                "WIGVO_TEST_REDIS_URL": redis_url,
            },
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

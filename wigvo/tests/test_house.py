"""The house itself: its rules about imports, variables, locks and addresses."""

import ast
import asyncio
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wigvo.stack import setting_names
from wigvo.tests.environment import ROOT

SHELLS = {
    "api", "apps", "bridge", "consumers", "pages", "provider", "registry", "routing",
    "services", "sockets", "switchboard",
    "figures/spending", "line/recording", "opening/opener", "opening/preview",
    "rehearsal/partner", "text/by_text", "text/texting", "text/texts",
    "voice/sounds_kept", "voice/speaker",
}  # fmt: skip
"""What touches the world; everything else in `realtime` only decides."""
PURE = [
    path
    for path in sorted((ROOT / "realtime").rglob("*.py"))
    if (name := str(path.relative_to(ROOT / "realtime").with_suffix(""))) not in SHELLS
    and not name.startswith(("tests/", "management/"))
]
FORBIDDEN = {
    "asyncio", "calls", "channels", "django", "httpx2", "openai", "socket", "threading",
    "time", "twilio", "websockets", "wigvo",
}  # fmt: skip


def source_files() -> list[Path]:
    """List the product's modules, without tests and without the lab."""
    return [
        path
        for app in ("calls", "chat", "places", "realtime", "wigvo")
        for path in (ROOT / app).rglob("*.py")
        if "/tests/" not in str(path)
    ]


def imported(path: Path) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_of_realtime_does_no_io(path: Path) -> None:
    assert not imported(path) & FORBIDDEN


def test_importing_the_core_of_realtime_loads_no_django_and_no_loop() -> None:
    modules = sorted(
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(
            ".__init__"
        )
        for path in PURE
        if "/tests/" not in str(path)
    )  # fmt: skip
    program = (
        f"import sys, {', '.join(modules)}\n"
        "print(sorted({'django', 'channels', 'websockets'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_env_example_explains_exactly_what_settings_read() -> None:
    text = (ROOT / "wigvo/settings.py").read_text(encoding="utf-8")
    reads = r'(?:env(?:\.\w+)?|secret|provider_key|provider_url)\(\s*"([A-Z][A-Z_]*)"'
    assert set(re.findall(reads, text)) == setting_names()


def test_only_settings_read_the_environment() -> None:
    allowed = {
        "wigvo/settings.py",
        "wigvo/asgi.py",  # names the settings module
        "wigvo/celery.py",  # as above
        "wigvo/stack.py",  # hands it on to child processes
    }
    reading = {
        str(path.relative_to(ROOT))
        for path in source_files()
        if "/management/" not in str(path)
        and re.search(r"os\.environ|os\.getenv", path.read_text(encoding="utf-8"))
    }
    assert reading <= allowed


def test_no_model_id_outside_the_settings() -> None:
    ids = re.compile(r"gpt-[a-z0-9]|omni-moderation|whisper-1")
    found = {
        str(path.relative_to(ROOT))
        for path in source_files()
        if path.name != "settings.py" and ids.search(path.read_text(encoding="utf-8"))
    }
    assert not found


def test_requirements_are_what_the_lock_says() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/export_requirements.py", "--check"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_lock_is_what_pyproject_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", "lock", "--check", "--offline"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_third_party_files_are_the_ones_we_name() -> None:
    table = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", table, re.MULTILINE)
    assert rows
    for name, digest in rows:
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(
            r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")
        )
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/environment.sh", tmp_path / "scripts")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dirname", "cat", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    old = programs / "python3"
    old.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi\n'
    )
    old.chmod(0o755)
    done = subprocess.run(
        ["sh", str(tmp_path / "scripts/environment.sh")],
        env={"PATH": str(programs)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this machine has Python 3.9.2" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_tests_reach_only_this_machine() -> None:
    with pytest.raises(OSError, match="A test tried to reach"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OSError, match="A test tried to reach"):
        socket.getaddrinfo("api.twilio.com", 443)


@pytest.mark.slow
class TestLeaks:
    """The guards of conftest.py notice what they are there for."""

    def run(self, pytester_dir: Path, body: str) -> str:
        (pytester_dir / "test_it.py").write_text(body)
        (pytester_dir / "conftest.py").write_text((ROOT / "conftest.py").read_text())
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly",
             "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(pytester_dir),
             "--confcutdir", str(pytester_dir), str(pytester_dir / "test_it.py")],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def test_a_task_left_running_fails_the_test(self, tmp_path: Path) -> None:
        body = (
            "import asyncio\n"
            "kept = []\n"
            "async def test_leak():\n"
            "    kept.append(asyncio.create_task(asyncio.sleep(60)))\n"
        )
        assert "left running" in self.run(tmp_path, body)

    def test_a_thread_left_running_fails_the_test(self, tmp_path: Path) -> None:
        body = (
            "import threading, time\n"
            "def test_leak():\n"
            "    threading.Thread(target=time.sleep, args=(2,)).start()\n"
        )
        assert "left running" in self.run(tmp_path, body)

    async def test_what_ends_in_time_is_no_leak(self) -> None:
        asyncio.get_running_loop().call_soon(lambda: None)
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

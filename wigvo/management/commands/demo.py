"""`python manage.py demo`: everything set up, one interpreted call, then your turn."""

import os
import shutil
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from wigvo.stack import (
    BASE_DIR,
    DEMO_EMAIL,
    DEMO_PASSWORD,
    Child,
    Stack,
    StackError,
    get,
    manage,
    require_free_port,
    running_stack,
)

FOLDER = BASE_DIR / ".cache" / "demo"
NUMBER = "+8225550101"
"""The restaurant."""


class Command(BaseCommand):
    """Run the product against the lab's simulated providers."""

    help = "Set everything up, place one interpreted call, then keep serving."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the ports and what happens after the call."""
        parser.add_argument("--port", type=int, default=8000, help="of the server")
        parser.add_argument("--lab-port", type=int, default=9100, help="of the lab")
        parser.add_argument("--number", default=NUMBER, help="whom to call")
        parser.add_argument(
            "--no-serve",
            action="store_true",
            help="exit after the call, with status 0 if both sides understood it",
        )
        parser.add_argument(
            "--folder", type=Path, default=FOLDER, help="for its database and logs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until the call is over (--no-serve) or somebody stops it."""
        began = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _stop)
        try:
            self._run(began=began, **options)
        except StackError as error:
            raise CommandError(str(error)) from None
        finally:
            if sys.stdout.isatty():
                self.stdout.write("")

    def _run(
        self, *, began: float, port: int, lab_port: int, number: str, no_serve: bool,
        folder: Path, **options: Any,
    ) -> None:  # fmt: skip
        self._say("WIGVO demo: a simulated telephone, nobody is really called.")
        require_free_port(port, "server", "--port")
        require_free_port(lab_port, "lab", "--lab-port")
        self._prepare_voices()
        with running_stack(folder.resolve(), port, lab_port, self._step) as stack:
            self._step("preparing the demo account")
            stack.manage("create_user", DEMO_EMAIL, DEMO_PASSWORD, "--staff")
            self._step(f"ready after {time.monotonic() - began:.1f} s")
            self._say("")
            status = self._place_call(stack, number)
            if no_serve:
                sys.exit(status)
            self._invite(stack)
            while True:
                stack.require_running()
                time.sleep(0.5)

    def _prepare_voices(self) -> None:
        """Fill the lab's cache, so that nobody waits for a voice during the call."""
        from lab.voices import prepare_voices

        prepare_voices(self._progress)

    def _place_call(self, stack: Stack, number: str) -> int:
        """Let the scripted caller make one call, in this terminal."""
        words = ["demo_call", "--base-url", stack.base_url, "--number", number]
        caller = Child("scripted caller", manage(*words), stack.environment)
        try:
            while caller.process.poll() is None:
                stack.require_running()
                try:
                    caller.process.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            caller.stop()
        return int(caller.process.returncode)

    def _invite(self, stack: Stack) -> None:
        people = (get(f"{stack.lab_url}/lab/people") or {}).get("people", [])
        self._say("")
        self._say(f"Now you: open {stack.base_url} in a browser and log in.")
        self._say(f"  e-mail    {DEMO_EMAIL}")
        self._say(f"  password  {DEMO_PASSWORD}")
        self._say("Numbers that answer (speak English; the lab knows a phrasebook,")
        self._say("spoken by its own synthesiser, so it may not understand you):")
        for person in people:
            self._say(f"  {person['number']}  {_name(person)}")
        self._say(f"Once more in this terminal's way: {self._again(stack)}")
        self._say("Ctrl-C ends everything.")

    def _again(self, stack: Stack) -> str:
        words = f"python manage.py demo_call --base-url {stack.base_url}"
        return words if stack.base_url != "http://127.0.0.1:8000" else words[:26]

    def _say(self, text: str) -> None:
        self._clear()
        self.stdout.write(text)
        self.stdout.flush()

    def _step(self, text: str) -> None:
        self._say(f"  {text}")

    def _progress(self, text: str) -> None:
        """Show a line that the next one replaces; without a terminal, nothing."""
        if sys.stdout.isatty():
            self._clear()
            self.stdout.write(f"  {text}", ending="")
            self.stdout.flush()

    def _clear(self) -> None:
        if sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
            self.stdout.write("\r" + " " * (width - 1) + "\r", ending="")


def _name(person: dict[str, Any]) -> str:
    name = person["name"]
    return str(name["en"] if isinstance(name, dict) else name)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """End in order: the way out stops the children; more signals change nothing."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    os.write(1, b"\nStopping ...\n")
    sys.exit(128 + number)

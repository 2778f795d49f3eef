"""`manage.py lab`: run the simulated providers on this machine."""

import errno
import gc
import os
import socket
from dataclasses import replace
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand, CommandError, CommandParser

# Before numpy is imported: its threads make small arrays two to four times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

HOST = "127.0.0.1"


class Command(BaseCommand):
    help = "Run the simulated telephone company, engines and place search."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=9100)
        parser.add_argument(
            "--voice-url",
            default="",
            help="where the account's numbers send those who call them"
            " (PUBLIC_BASE_URL/twilio/incoming)",
        )

    def handle(self, *args: Any, port: int, voice_url: str, **options: Any) -> None:
        listener = listen(port)
        # Here, so that a busy port is told before the voices are made ready.
        from lab.config import LabConfig
        from lab.people import load_people
        from lab.server import create_app
        from lab.telephone.codecs import CodecUnavailable

        base_url = f"http://{HOST}:{listener.getsockname()[1]}"
        self.stdout.write("Preparing the voices …")
        try:
            config = LabConfig.from_settings(base_url)
            if voice_url:
                config = replace(config, voice_url=voice_url)
            app = create_app(config)
        except CodecUnavailable as problem:
            listener.close()
            raise CommandError(str(problem)) from None
        self.stdout.write(f"The lab is at {base_url} (Ctrl-C ends it).")
        self.stdout.write("It is a simulation with a phrasebook, not an interpreter.")
        for script in load_people().values():
            self.stdout.write(f"  {script.number}  {script.name.get('en', script.id)}")
        self.stdout.flush()
        # What is loaded stays: a full collection over it would stop the clock of
        # every line for 80 ms.
        gc.collect()
        gc.freeze()
        server = uvicorn.Config(
            app,
            lifespan="on",
            log_level="warning",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=16 * 1024 * 1024,
            timeout_graceful_shutdown=5,
        )
        try:
            uvicorn.Server(server).run(sockets=[listener])
        except KeyboardInterrupt:  # uvicorn repeats the signal after its clean end
            pass
        finally:
            listener.close()
        self.stdout.write("The lab is closed.")


def listen(port: int) -> socket.socket:
    """Open the lab's port on the loopback address.

    Args:
        port: 0 takes any free one.

    Raises:
        CommandError: it is in use or may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)  # from now on others wait instead of being refused
    except (OSError, OverflowError) as error:
        listener.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} is in use: is another lab running?"
                " End it or choose another port with --port."
            ) from None
        raise CommandError(f"Port {port} cannot be used: {error}") from None
    return listener

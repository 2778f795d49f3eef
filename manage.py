#!/usr/bin/env python
"""Django's command line."""

import os
import secrets
import sys

# These never sign or verify anything that outlives them, so they run on a machine
# that has no configuration yet.  Everything else needs a real SECRET_KEY.
NEEDS_NO_SECRET = {
    "collectstatic",
    "compilemessages",
    "create_user",
    "makemessages",
    "makemigrations",
    "migrate",
}


def main() -> None:
    """Run administrative tasks."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wigvo.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in {"demo", "demo_call", "lab"}:
        os.environ.setdefault("DEMO", "1")
    if command in NEEDS_NO_SECRET:
        os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(32))
        os.environ.setdefault("ALLOWED_HOSTS", "localhost")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"wigvo: {error}")


if __name__ == "__main__":
    main()

"""`manage.py reception_line NUMBER NAME OWNER_EMAIL …`: one of our numbers answers.

What is not named here (instructions, questions, voice …) is set in the admin.
"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from calls import reception
from calls.models import ReceptionLine, TurnDetection
from wigvo.models import User


class Command(BaseCommand):
    """Make a line, or change the one that the number has already."""

    help = "Make (or change) a line: a number that the assistant answers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what a line can be given."""
        parser.add_argument("number", help="ours, E.164")
        parser.add_argument("name", help="what the line is called")
        parser.add_argument("owner", help="e-mail address of whose calls these are")
        parser.add_argument("--languages", help="ISO 639-1, with commas; ko")
        parser.add_argument("--owner-language", help="ISO 639-1; ko")
        parser.add_argument("--transfer-number", help="where people are put through to")
        parser.add_argument("--opening-hours", type=json.loads, metavar="JSON")
        parser.add_argument("--turn-detection", choices=TurnDetection.values)
        parser.add_argument("--max-calls", type=int, metavar="N")
        parser.add_argument(
            "--new-secret",
            action="store_true",
            help="make a secret for a document kept at Twilio, and print it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Store the line and say which."""
        owner = User.objects.filter(email=str(options["owner"]).lower()).first()
        if owner is None:
            raise CommandError(f"There is no account {options['owner']}.")
        line = ReceptionLine.objects.filter(number=options["number"]).first()
        is_new = line is None
        if line is None:
            line = ReceptionLine(number=options["number"])
        line.owner, line.name = owner, options["name"]
        self._fill(line, options)
        try:
            line.full_clean()
        except ValidationError as error:
            said = (f"{k}: {' '.join(v)}" for k, v in error.message_dict.items())
            raise CommandError(" ".join(said)) from None
        line.save()
        self.stdout.write(f"{'Created' if is_new else 'Changed'} {line.name}.")
        if options["new_secret"]:
            self.stdout.write(reception.rotate_secret(line))

    def _fill(self, line: ReceptionLine, options: dict[str, Any]) -> None:
        if options["languages"]:
            line.languages = options["languages"].split(",")
        for name in (
            "owner_language",
            "transfer_number",
            "opening_hours",
            "turn_detection",
            "max_calls",
        ):
            if options[name] is not None:
                setattr(line, name, options[name])

"""`python manage.py models`: which model does what, what it costs, when it ends."""

import sys
from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime import provider
from realtime.engines.catalogue import catalogue
from realtime.provider import ProviderFailed

COLUMNS = ("role", "model", "last day", "days left", "price")


class Command(BaseCommand):
    """List the models in use and say which of them need attention."""

    help = (
        "List the model of each role with its price and its last day. With --check,"
        " also ask the provider; exit status 1 if one is missing or gone."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whether the provider is asked."""
        parser.add_argument(
            "--check", action="store_true", help="ask the provider which models it has"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        """Show the table, then one sentence for each trouble."""
        today = datetime.now(UTC).date()
        models = provider.models_in_use()
        known = self._ask() if check else None
        rows = [COLUMNS]
        for role, model_id in models.items():
            model = catalogue().model(model_id)
            last = model.shutdown if known is None else known.get(model_id)
            rows.append((role, model_id, *_left(last, today), str(model.price)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = zip(row, widths, strict=True)
            line = "  ".join(cell.ljust(width) for cell, width in cells)
            self.stdout.write(line.rstrip())
        stream = catalogue().media_stream_minute
        self.stdout.write(
            f"\nPrices as of {catalogue().found}. The telephone's sound costs"
            f" ${stream:g} a minute on top of TELEPHONE_USD_PER_MINUTE."
        )
        found = provider.troubles(models, today, known)
        for trouble in found:
            style = self.style.ERROR if trouble.is_fatal else self.style.WARNING
            self.stdout.write(style(trouble.text))
        if known is not None and not found:
            self.stdout.write("The provider has all of them, and none ends soon.")
        if any(trouble.is_fatal for trouble in found):
            sys.exit(1)

    def _ask(self) -> dict[str, date | None]:
        try:
            return provider.fetch_models()
        except ProviderFailed as problem:
            raise CommandError(str(problem)) from None


def _left(last: date | None, today: date) -> tuple[str, str]:
    if last is None:
        return "-", "-"
    return last.isoformat(), str((last - today).days)

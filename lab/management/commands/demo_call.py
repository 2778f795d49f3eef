"""`python manage.py demo_call`: one complete call through a running stack."""

import asyncio
import json
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from lab.scripted_caller import (
    Api,
    CallerProblem,
    Line,
    Report,
    ScriptedCaller,
    Senses,
    Understanding,
    percentile,
)
from lab.speech.synthesiser import SpeechUnavailable
from wigvo.stack import DEMO_EMAIL, DEMO_PASSWORD

RESTAURANT = "+8225550101"
STAGGER_S = 0.25
"""Parallel calls begin this far apart, as calls do."""

COLOURS = {
    "you say": "\x1b[36m",
    "you type": "\x1b[36m",
    "they hear": "\x1b[2m",
    "they say": "\x1b[33m",
    "you hear": "\x1b[2m",
    "you read": "\x1b[2m",
    "call": "\x1b[1m",
}


class Command(BaseCommand):
    """Let the scripted caller call one of the lab's people and judge the call."""

    help = (
        "Place one complete call through a running server and lab; exit status 0 only"
        " if each side understood at least 95 % of what the other said."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whom to call, how, and as whom."""
        parser.add_argument("--number", default=RESTAURANT, help="of GET /lab/people")
        parser.add_argument(
            "--mode",
            default="voice",
            help="voice; captions: the caller reads; text: the caller types and reads",
        )
        parser.add_argument(
            "--record", action="store_true", help="the call, once they were told"
        )
        parser.add_argument("--json", action="store_true", help="the report as JSON")
        parser.add_argument("--parallel", type=int, default=1, metavar="N")
        parser.add_argument("--email", default=DEMO_EMAIL)
        parser.add_argument("--password", default=DEMO_PASSWORD)
        parser.add_argument("--base-url", default=settings.PUBLIC_BASE_URL)
        parser.add_argument("--lab-url", default=settings.LAB_URL)

    def handle(self, *args: Any, **options: Any) -> None:
        """Call, report, and exit with the verdict."""
        self._is_json = bool(options["json"])
        self._is_live = not self._is_json and options["parallel"] == 1
        try:
            reports = asyncio.run(self._call(**options))
        except (CallerProblem, SpeechUnavailable) as problem:
            raise CommandError(str(problem)) from None
        if self._is_json:
            dicts = [report.as_dict() for report in reports]
            value = dicts[0] if len(dicts) == 1 else {"calls": dicts}
            self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))
        else:
            self._summarise(reports)
        sys.exit(not all(report.understood for report in reports))

    async def _call(
        self, *, number: str, mode: str, record: bool, parallel: int, email: str,
        password: str, base_url: str, lab_url: str, **options: Any,
    ) -> list[Report]:  # fmt: skip
        with ThreadPoolExecutor(max_workers=2) as executor:
            async with Api(base_url, lab_url) as api:
                await api.log_in(email, password)
                senses = await asyncio.to_thread(Senses.make, executor)

                async def place(n: int) -> Report:
                    await asyncio.sleep(n * STAGGER_S)
                    show = self._show if self._is_live else _nothing
                    caller = ScriptedCaller(
                        api, senses, number, mode, show, record=record
                    )
                    return await caller.run()

                try:
                    calls = (place(n) for n in range(parallel))
                    return list(await asyncio.gather(*calls))
                finally:
                    senses.voice.close()

    def _show(self, line: Line) -> None:
        minutes, seconds = divmod(round(max(0.0, line.at_s), 1), 60)
        latency = f"  ({line.latency_ms / 1000:.1f} s)" if line.latency_ms else ""
        text = f"{minutes:2.0f}:{seconds:04.1f}  {line.who:10}  {line.text}{latency}"
        if self.stdout.isatty():
            text = f"{COLOURS[line.who]}{text}\x1b[0m"
        self.stdout.write(text)
        self.stdout.flush()

    def _summarise(self, reports: list[Report]) -> None:
        write = self.stdout.write
        for report in reports:
            write("")
            write(f"Call {report.call_id}: {report.status}. {report.reason_text}")
            if report.line:
                write(f"  line: {report.line}")
            for problem in report.problems:
                write(f"  problem: {problem}")
            for text in report.texts:
                states = ", ".join(one["state"] for one in text["states"])
                write(f"  typed: {text['text']} ({states or 'no answer'})")
        to_callee = [report.caller_to_callee for report in reports]
        to_caller = [report.callee_to_caller for report in reports]
        write("")
        write(f"they understood you    {_understood(to_callee)}")
        write(f"you understood them    {_understood(to_caller)}")
        for name, values in _relay_latency(reports).items():
            write(f"{name:22} {values}")
        loops = [text for report in reports for text in report.echo_loops]
        write(
            f"{'echo loops':22} {len(loops)}{': ' if loops else ''}{'; '.join(loops)}"
        )
        cost = sum(report.cost_usd for report in reports)
        write(f"{'cost':22} {cost:.4f} USD, had it been real{_cost_parts(reports)}")
        good = sum(report.understood for report in reports)
        write(f"{'verdict':22} {good} of {len(reports)} understood on both sides")


def _cost_parts(reports: list[Report]) -> str:
    """Say what the cost of all calls consists of."""
    usd: dict[str, float] = {}
    for part in (part for report in reports for part in report.cost_parts):
        usd[part["engine"]] = usd.get(part["engine"], 0) + (part["usd"] or 0)
    parts = ", ".join(f"{engine} {amount:.4f}" for engine, amount in usd.items())
    return f" ({parts})" if parts else ""


def _nothing(line: Line) -> None:
    pass


def _understood(sides: list[Understanding]) -> str:
    said = sum(side.said for side in sides)
    understood = sum(side.understood for side in sides)
    missed = [phrase_id for side in sides for phrase_id in side.missed]
    latency = [ms for side in sides for ms in side.latency_ms]
    text = f"{understood} of {said} phrases"
    if latency:
        p50, p99 = percentile(latency, 50), percentile(latency, 99)
        text += f", heard {p50:.0f} ms later (p50; p99 {p99:.0f})"
    return text + (f"; missed: {', '.join(missed)}" if missed else "")


def _relay_latency(reports: list[Report]) -> dict[str, str]:
    """Show the server's own measurements; of several calls, middle and worst."""
    names = {
        name.removesuffix("_p50_ms")
        for report in reports
        for name in report.latency
        if name.endswith("_p50_ms")
    }
    shown = {}
    for name in sorted(names):
        p50s, p99s = (
            [
                float(value)
                for report in reports
                if (value := report.latency.get(f"{name}_{which}_ms")) is not None
            ]
            for which in ("p50", "p99")
        )
        if p50s and p99s:
            text = f"p50 {percentile(p50s, 50):.1f} ms, p99 {max(p99s):.1f} ms"
            worst = " (median, worst call)" if len(reports) > 1 else ""
            shown[name.replace("_", " ")] = text + worst
    return shown

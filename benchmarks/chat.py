"""How well an assistant reads conversations that prepare a call.

`python -m benchmarks.chat [--assistant lab|model|form] [--json FILE] [--verbose]` plays
the dialogues of `dialogues.yaml` and counts what was lost, what was invented, and where
the conversation went.  The lab's assistant works by rules that were written with these
dialogues in view: with it, this tests our plumbing and no model.  `model` asks the one
of the settings (OPENAI_API_KEY, OPENAI_TEXT_MODEL).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

FILE: Final = Path(__file__).with_name("dialogues.yaml")
NOW: Final = datetime(2026, 11, 21, 10, 0, tzinfo=ZoneInfo("Asia/Seoul"))


@dataclass(slots=True)
class Figures:
    """What was counted; `problems` says where."""

    dialogues: int = 0
    messages: int = 0
    values: int = 0
    lost: int = 0
    invented: int = 0
    scenarios: int = 0
    wrong_scenarios: int = 0
    follow_ups: int = 0
    wrong_follow_ups: int = 0
    without_answer: int = 0
    flawless: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def dialogues(path: Path = FILE) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield name, language and messages of each dialogue."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for language in ("en", "ko"):
        for number, messages in enumerate(data[language], 1):
            yield f"{language}-{number:02}", language, messages


def street(path: Path = FILE) -> Mapping[str, Any]:
    """Return the places that the search finds, by what is searched for."""
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))[
        "places"
    ]
    return found


def run(assistant: Any) -> Figures:
    """Play every dialogue with an assistant (`chat.assistant.Assistant`)."""
    figures, started = Figures(), time.perf_counter()
    places = street()
    for name, language, messages in dialogues():
        n_before = len(figures.problems)
        _Player(assistant, name, language, places, figures).play(messages)
        figures.dialogues += 1
        figures.flawless += len(figures.problems) == n_before
    figures.seconds = time.perf_counter() - started
    return figures


class _Player:
    """Plays one dialogue, and compares."""

    def __init__(
        self,
        assistant: Any,
        name: str,
        language: str,
        places: Mapping[str, Any],
        figures: Figures,
    ) -> None:
        from chat.catalogue import catalogue
        from chat.state import State
        from chat.values import Clock

        self._assistant = assistant
        self._name = name
        self._clock = Clock(NOW, language)
        self._places = places
        self._figures = figures
        self._catalogue = catalogue()
        self._state = State()
        self._known: dict[str, str] = {}
        self._scenario = ""
        self._history: list[Any] = []

    def play(self, messages: list[dict[str, Any]]) -> None:
        for number, message in enumerate(messages, 1):
            asks = self._answer(message["say"], number)
            self._figures.messages += 1
            self._compare(message, number, asks)

    def _answer(self, text: str, number: int) -> str:
        """Take one message as `chat.services` does; return what is asked next."""
        from chat import state as core
        from chat.assistant import FormAssistant, Said, Turn
        from chat.services import is_short
        from realtime.text.texts import TextFailed

        turn = Turn(text, self._state, self._clock, self._catalogue, self._history)
        reading = core.Reading()
        if not is_short(turn):
            try:
                reading = self._assistant.read(turn)
            except TextFailed as error:
                self._figures.without_answer += 1
                self._report(number, f"no answer: {error.code}")
                reading = FormAssistant().read(turn)
        self._history.append(Said("user", text))
        step = core.advance(
            self._state, reading, text, number, self._clock, self._catalogue
        )
        self._state = step.state
        plan = core.plan(self._state, self._catalogue)
        if plan.ask == core.Ask.SEARCH:
            query = self._state.entities["callee_name"].normal
            found = tuple(
                core.Place(one["name"], one["number"])
                for one in self._places.get(query, [])
            )
            self._state = replace(self._state, places=found, place_query=query)
            plan = core.plan(self._state, self._catalogue)
        self._state = core.presented(self._state, plan)
        if plan.ask == core.Ask.FIELDS:
            return "+".join(plan.fields)
        return ":".join([plan.ask.value, *plan.fields])

    def _compare(self, message: dict[str, Any], number: int, asks: str) -> None:
        figures = self._figures
        self._known |= {k: str(v) for k, v in message.get("know", {}).items()}
        for name in message.get("gone", []):
            del self._known[name]
        found = {name: one.normal for name, one in self._state.entities.items()}
        figures.values += len(self._known)
        for name, value in self._known.items():
            if found.get(name) != value:
                figures.lost += 1
                self._report(number, f"{name}: {found.get(name)!r}, not {value!r}")
        for name in sorted(found.keys() - self._known.keys()):
            figures.invented += 1
            self._report(number, f"{name}: {found[name]!r} was never said")
        self._scenario = message.get("is", self._scenario)
        figures.scenarios += 1
        if self._state.scenario != self._scenario:
            figures.wrong_scenarios += 1
            self._report(number, f"is {self._state.scenario}, not {self._scenario}")
        figures.follow_ups += 1
        if asks != message["asks"]:
            figures.wrong_follow_ups += 1
            self._report(number, f"asks {asks}, not {message['asks']}")

    def _report(self, number: int, problem: str) -> None:
        self._figures.problems.append(f"{self._name}.{number}: {problem}")


def table(figures: Figures) -> str:
    """Write the figures as a table."""
    rows = (
        ("dialogues without a flaw", f"{figures.flawless} of {figures.dialogues}"),
        ("fields lost or wrong", f"{figures.lost} of {figures.values}"),
        ("values invented", f"{figures.invented} in {figures.messages} messages"),
        ("wrong kind of call", f"{figures.wrong_scenarios} of {figures.scenarios}"),
        ("wrong follow-up", f"{figures.wrong_follow_ups} of {figures.follow_ups}"),
        ("messages without an answer", f"{figures.without_answer}"),
        ("ms a message", f"{1000 * figures.seconds / max(1, figures.messages):.0f}"),
    )
    return "\n".join(["| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def use_the_lab() -> None:
    """Let the text model's address be the lab's, in this process."""
    import httpx2
    from django.conf import settings
    from starlette.applications import Starlette

    from lab.openai import routes
    from lab.openai.state import state
    from realtime.text import texts

    state.api_key = settings.OPENAI_API_KEY = "lab"
    state.response_latency_ms = 0
    settings.OPENAI_BASE_URL = "http://lab"
    app: Any = Starlette(routes=routes)
    texts.transport = httpx2.ASGITransport(app)


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assistant", choices=["lab", "model", "form"], default="lab")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wigvo.settings")
    if options.assistant != "model":
        os.environ.setdefault("DEBUG", "1")
    import django

    django.setup()
    from chat.assistant import FormAssistant, ModelAssistant

    if options.assistant == "lab":
        use_the_lab()
    form = options.assistant == "form"
    figures = run(FormAssistant() if form else ModelAssistant())
    print(table(figures))
    if options.verbose:
        print("\n".join(figures.problems))
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=2))
    return 1 if figures.problems and options.assistant == "lab" else 0


if __name__ == "__main__":
    sys.exit(main())

"""From what is known to a call: the body of `POST /api/calls`.  Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from chat import state as core
from chat import wording
from chat.catalogue import CALLEE_GAP, Catalogue, Scenario, fill
from chat.state import State

MAX_GOAL: Final = 4000
MAX_VALUE: Final = 500
MAX_NAME: Final = 120

_BUDGET: Final = {
    "en": "It may cost at most {budget}.",
    "ko": "비용은 최대 {budget}까지입니다.",
}
_PLACE: Final = {"en": "the other side", "ko": "상대방"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What else a call needs.  An empty fallback: what is usual in the scenario."""

    mode: str
    caller_language: str
    callee_language: str
    fallback: str = ""
    opening: str = ""


def call_draft(
    state: State, settings: Settings, catalogue: Catalogue, today: date
) -> dict[str, Any] | None:
    """Write the call; None as long as something is missing."""
    scenario = catalogue.scenarios.get(state.scenario)
    if scenario is None or core.missing(state, catalogue):
        return None
    writer = wording.Writer(catalogue, settings.caller_language, today)
    shown = {
        one.name: writer.shown(one.name, state) for one in core.known(state, catalogue)
    }
    callee_name = shown.get("callee_name", "")[:MAX_NAME]
    return {
        "to_number": state.entities["callee_number"].normal,
        "mode": settings.mode,
        "caller_language": settings.caller_language,
        "callee_language": settings.callee_language,
        "callee_name": callee_name,
        "brief": _brief(scenario, shown, settings, catalogue),
        "opening": settings.opening,
    }


def _brief(
    scenario: Scenario, shown: dict[str, str], settings: Settings, catalogue: Catalogue
) -> dict[str, Any]:
    code = wording.written(settings.caller_language)
    callee = shown.get("callee_name") or _PLACE[code]
    limits = [_BUDGET[code].format(budget=shown["budget"])] if "budget" in shown else []
    return {
        "goal": fill(scenario.goal[code], {**shown, CALLEE_GAP: callee})[:MAX_GOAL],
        "may_tell": [
            {"name": catalogue.fields[name].label[code], "value": text[:MAX_VALUE]}
            for name, text in shown.items()
            if catalogue.fields[name].may_tell
        ],
        "must_learn": [
            {
                "name": one.name,
                "description": one.description[code],
                "required": one.required,
            }
            for one in scenario.must_learn
        ],
        "limits": limits,
        "fallback": settings.fallback or scenario.fallback[0],
        "glossary": _glossary(scenario, shown, settings),
    }


def _glossary(
    scenario: Scenario, shown: dict[str, str], settings: Settings
) -> list[dict[str, str]]:
    """Return names to be written as they are, and words with their translation."""
    ours, theirs = settings.caller_language, settings.callee_language
    rows = [
        {"term": shown[name][:MAX_NAME]}
        for name in ("callee_name", "customer_name")
        if name in shown
    ]
    if ours == theirs:
        return rows
    words = [one for one in scenario.glossary if ours in one and theirs in one]
    return rows + [{"term": one[ours], "translation": one[theirs]} for one in words]

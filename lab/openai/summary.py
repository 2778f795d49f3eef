"""What the lab's text model makes of a whole call: by rule, from phrases that it knows.

`summaries.yaml` says for phrases of the book what a summary tells of them.  Nothing
else is understood, so nothing can be invented; of a call without such phrases it says
so.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from lab.speech.phrasebook import Phrasebook

IGNORANCE: Final = {
    "en": "The lab knows nothing about this conversation.",
    "ko": "실험실은 이 대화의 내용을 알지 못합니다.",
}
_WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)

Words = Mapping[str, str]


@cache
def _rules() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("summaries.yaml")
    rules: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rules


def is_asked_for(schema: Mapping[str, Any]) -> bool:
    """Say whether a form of an answer is that of a summary."""
    return {"summary", "outcome", "appointments", "open_points"} <= set(
        schema.get("properties", {})
    )


@dataclass
class _Call:
    """A call as it was told to the model."""

    data: Mapping[str, Any]
    found: dict[str, list[str]] = field(default_factory=dict)

    @property
    def language(self) -> str:
        language = str(self.data.get("caller_language"))
        return language if language in IGNORANCE else "en"

    def say(self, words: Words | str) -> str:
        return words if isinstance(words, str) else words[self.language]

    def ids(self, rule: Mapping[str, Any], phrase_id: str) -> list[str]:
        """Return where it was said, and where what belongs to it was."""
        also = [
            one for name in rule.get("with", ()) for one in self.found.get(name, ())
        ]
        return sorted({*self.found[phrase_id], *also})

    def at(self, day: int | str, time: str) -> str:
        """Write a day and a time of the call's place."""
        began = datetime.fromisoformat(str(self.data["began_at"]))
        when = f"{_day(began.date(), day)}T{time}"
        if not self.data.get("time_zone"):
            return when
        return when + began.isoformat()[-len("+09:00") :]


def _day(today: date, day: int | str) -> date:
    if isinstance(day, int):
        return today + timedelta(days=day)
    ahead = (_WEEKDAYS.index(day) - today.weekday()) % 7
    return today + timedelta(days=ahead)


def summarise(asked: str) -> dict[str, Any]:
    """Sum a call up.

    Args:
        asked: JSON: `utterances` of {id, who, original, translation},
            `caller_language`, `began_at`, `time_zone`.

    Returns:
        summary, outcome, appointments, numbers, open_points.
    """
    try:
        call = _Call(json.loads(asked))
        _find(call)
    except (ValueError, LookupError, TypeError):
        call = _Call({})
    rules = {name: rule for name, rule in _rules().items() if name in call.found}
    told = [call.say(rule["say"]) for rule in rules.values() if "say" in rule]
    appointments = [
        {
            "title": call.say(row["title"]),
            "starts_at": call.at(row["day"], row["time"]),
            "place": str(call.data.get("callee_name", "")),
            "note": "",
            "utterance_ids": call.ids(rule, name),
        }
        for name, rule in rules.items()
        if (row := rule.get("appointment"))
    ]
    numbers = [
        {
            "what": call.say(row["what"]),
            "value": call.say(row["value"]),
            "utterance_ids": call.ids(rule, name),
        }
        for name, rule in rules.items()
        for row in rule.get("numbers", ())
    ]
    points = [
        {"text": call.say(rule["open"]), "utterance_ids": call.ids(rule, name)}
        for name, rule in rules.items()
        if "open" in rule and rule.get("until") not in call.found
    ]
    is_reached = any(rule.get("success") for rule in rules.values())
    wished = any("say" in rule for rule in rules.values())
    outcome = "success" if is_reached else "partial" if wished else "unknown"
    return {
        "summary": " ".join(told) or IGNORANCE[call.language],
        "outcome": outcome,
        "appointments": appointments,
        "numbers": numbers,
        "open_points": points,
    }


def _find(call: _Call) -> None:
    """Note in which utterances which phrases were said."""
    texts = {
        phrase.id: {_bare(text) for text in phrase.texts.values()}
        for phrase in (Phrasebook.load()[name] for name in _rules())
    }
    for one in call.data["utterances"]:
        said = _bare(one["original"]), _bare(one["translation"])
        for name, variants in texts.items():
            if any(text in words for text in variants for words in said):
                call.found.setdefault(name, []).append(str(one["id"]))


def _bare(text: str) -> str:
    return re.sub(r"[^\w]", "", text).casefold()

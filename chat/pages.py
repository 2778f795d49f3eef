"""What the pages show of a conversation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from calls.names import callee_language_choices, language_choices
from calls.texts import modes_between
from chat import services, wording
from chat.catalogue import Scenario, catalogue
from chat.models import Conversation, Message
from chat.services import Snapshot
from chat.state import Place
from places import directory

FALLBACKS = {
    "other_time": _("ask for another time"),
    "ask_me": _("ask me first"),
    "give_up": _("leave it"),
}
INPUTS = {
    "date": "date",
    "time": "time",
    "number": "number",
    "people": "number",
    "phone": "tel",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the form beside the conversation.

    Attributes:
        value: canonical.
        said: the words it comes from; empty: it was entered or chosen.
        doubt: what it may be, or why it could not be read; empty: nothing is unclear.
    """

    name: str
    label: str
    example: str
    input: str
    value: str
    shown: str
    said: str
    is_required: bool
    is_asked: bool
    doubt: str
    options: tuple[tuple[str, str], ...]


def reading_language() -> str:
    """Return the language of LANGUAGES that the page is read in."""
    return wording.written((get_language() or "en")[:2])


def rows(snapshot: Snapshot) -> list[Row]:
    """Return every field of the scenario, filled in as far as it is known."""
    return list(_rows(snapshot))


def _rows(snapshot: Snapshot) -> Iterator[Row]:
    state, scenario = snapshot.state, snapshot.scenario
    if scenario is None:
        return
    code = reading_language()
    today = services.now_of(snapshot.conversation).date()
    writer = wording.Writer(catalogue(), code, today)
    for name in scenario.fields:
        field = catalogue().fields[name]
        entity, doubt = state.entities.get(name), state.doubts.get(name)
        shown = writer.show(name, entity.normal) if entity else ""
        is_said = entity is not None and entity.origin == "message"
        yield Row(
            name=name,
            label=field.label[code],
            example=field.examples[code][0],
            input="select" if field.options else INPUTS.get(field.type, "text"),
            value=_value(field.type, entity.normal if entity else "", shown),
            shown=shown,
            said=entity.said if entity and is_said and entity.said != shown else "",
            is_required=name in scenario.required or name == "callee_number",
            is_asked=name in state.asked,
            doubt=" / ".join(writer.doubt(name, doubt)) if doubt else "",
            options=tuple((one.id, one.label[code]) for one in field.options),
        )


def _value(kind: str, normal: str, shown: str) -> str:
    """Return what stands in the field: what people write, where they write it."""
    return shown if kind in {"phone", "money"} else normal


def changes(snapshot: Snapshot, posted: dict[str, str]) -> dict[str, str]:
    """Return the fields of a form that are not as they were."""
    return {
        row.name: posted[row.name]
        for row in rows(snapshot)
        if row.name in posted and posted[row.name].strip() != row.value
    }


def scenario_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """List the scenarios by kind, in the reader's language."""
    code = reading_language()
    kinds: dict[str, list[tuple[str, str]]] = {}
    for one in catalogue().scenarios.values():
        kinds.setdefault(wording.kind_name(one.kind, code), []).append(
            (one.id, one.name[code])
        )
    return list(kinds.items())


def starters() -> list[Scenario]:
    """Return one scenario of each kind, to begin with."""
    firsts: dict[str, Scenario] = {}
    for one in catalogue().scenarios.values():
        firsts.setdefault(one.kind, one)
    return list(firsts.values())


def scenario_name(conversation: Conversation) -> str:
    """Name what a conversation is about; empty as long as that is not known."""
    scenario = catalogue().scenarios.get(conversation.scenario)
    return scenario.name[reading_language()] if scenario else ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the list."""

    conversation: Conversation
    scenario: str
    callee: str
    first_words: str


def listed(conversations: list[Conversation]) -> list[Listed]:
    """Say in a line what each conversation is about."""
    found = []
    for one in conversations:
        entities = {row.name: row.normalised for row in one.entities.all()}
        said = [row for row in one.messages.all() if row.role == Message.Role.USER]
        found.append(
            Listed(
                conversation=one,
                scenario=scenario_name(one),
                callee=entities.get("callee_name") or entities.get("callee_number", ""),
                first_words=said[0].text if said else "",
            )
        )
    return found


def choices(snapshot: Snapshot) -> list[str]:
    """Return the answers to a question which of two things was meant."""
    conversation, state = snapshot.conversation, snapshot.state
    today = services.now_of(conversation).date()
    writer = wording.Writer(catalogue(), conversation.caller_language, today)
    return [
        writer.show(name, option)
        for name in state.asked
        if name in state.doubts
        for option in state.doubts[name].options
    ]


def offered(snapshot: Snapshot) -> tuple[Place, ...]:
    """Return the places to choose from, if one has to be chosen."""
    is_open = "callee_number" not in snapshot.state.entities
    return snapshot.state.places if is_open else ()


def numbers(snapshot: Snapshot) -> list[dict[str, str]]:
    """Return numbers of the directory, while it is not known whom to call."""
    if "callee_number" in snapshot.state.entities or snapshot.scenario is None:
        return []
    owner = snapshot.conversation.owner
    found: dict[str, dict[str, str]] = {}
    for kept in directory.favourites(owner):
        number = str(kept.phone_number)
        found[number] = {"name": kept.name, "number": number, "kind": "kept"}
    for called in directory.recent(owner):
        found.setdefault(
            called.phone_number,
            {
                "name": called.name or called.phone_number,
                "number": called.phone_number,
                "kind": "recent",
            },
        )
    return list(found.values())[:6]


def is_kept(snapshot: Snapshot) -> bool:
    """Tell whether the number that will be called is in the directory."""
    entity = snapshot.state.entities.get("callee_number")
    kept = directory.favourites(snapshot.conversation.owner)
    return entity is not None and entity.normal in {str(k.phone_number) for k in kept}


def context(conversation: Conversation) -> dict[str, Any]:
    """Return everything that the page of a conversation shows."""
    conversation.refresh_from_db()
    snapshot = services.snapshot(conversation)
    messages = list(conversation.messages.all())
    caller, callee = conversation.caller_language, conversation.callee_language
    scenario = snapshot.scenario
    return {
        "conversation": conversation,
        "chat_messages": messages,
        "last_id": messages[-1].pk if messages else 0,
        "is_pending": bool(messages) and messages[-1].role == Message.Role.USER,
        "snapshot": snapshot,
        "scenario_name": scenario_name(conversation),
        "scenario_choices": scenario_choices(),
        "rows": rows(snapshot),
        "places": offered(snapshot),
        "choices": choices(snapshot),
        "numbers": numbers(snapshot),
        "is_kept": is_kept(snapshot),
        "calls": list(conversation.calls.all()),
        "modes": modes_between(caller, callee),
        "language_choices": language_choices(),
        "callee_language_choices": callee_language_choices(),
        "fallbacks": [
            (name, FALLBACKS[name]) for name in (scenario.fallback if scenario else ())
        ],
        "fallback": conversation.fallback or (scenario.fallback[0] if scenario else ""),
        "opening": conversation.opening or services.usual_opening(conversation),
    }

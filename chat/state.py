"""The conversation as a state, and what follows from a message.  Pure.

    collecting ──all required known──▶ confirming ──yes──▶ ready
        ▲                                  │                 │
        └───────── something missing ◀─────┴── a change ◀────┘

An assistant only reads messages (`Reading`); everything else is decided here: a value
has to have been said (`values`), what is known is never lost or emptied, what the user
says later replaces it, and nothing is complete before the user has seen the summary and
said yes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Final

from chat import values
from chat.catalogue import CALLEE, Catalogue, Scenario
from chat.short import is_no, is_yes, ordinal
from chat.values import Claim, Clock, Doubt, Known

MIN_CONFIDENCE: Final = 0.3
"""Below it a reader had better have said nothing."""
TYPED: Final = frozenset(
    {"date", "time", "people", "number", "phone", "money", "choice"}
)
"""Types whose values can be read out of an answer by rule."""


class Phase(StrEnum):
    """How far a conversation has got."""

    COLLECTING = "collecting"
    CONFIRMING = "confirming"
    READY = "ready"


class Intent(StrEnum):
    """What a message is meant to do, besides telling something."""

    INFORM = "inform"
    YES = "yes"
    NO = "no"
    QUESTION = "question"


class Origin(StrEnum):
    """Where a value comes from."""

    MESSAGE = "message"
    HAND = "hand"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that is known.

    Attributes:
        normal: canonical value (`values.Known`).
        said: the words it was said with.
        confidence: how sure the reader is, 0 to 1.
        source: the message it comes from; None: it comes from none.
        origin: who has said so.
    """

    name: str
    normal: str
    said: str
    confidence: float = 1.0
    source: int | None = None
    origin: Origin = Origin.MESSAGE


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody who may be meant; `phone_number` is empty where it is not known."""

    name: str
    phone_number: str
    category: str = ""
    address: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a conversation knows.

    Attributes:
        scenario: id; empty: not known yet.
        asked: fields that the last reply asked for.
        doubts: by field, what was said unclearly.
        places: offered, the likeliest first; empty: none to choose from.
        place_query: what was searched for last, whatever was found.
    """

    scenario: str = ""
    entities: Mapping[str, Entity] = field(default_factory=dict)
    phase: Phase = Phase.COLLECTING
    asked: tuple[str, ...] = ()
    doubts: Mapping[str, Doubt] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    place_query: str = ""


@dataclass(frozen=True, slots=True)
class Extracted:
    """A value that an assistant believes to have read."""

    name: str
    value: str
    quote: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What an assistant makes of a message.

    Attributes:
        scenario: id of what the call is about, where the message says it.
        remark: an answer to a question of the user; never a question of its own.
    """

    scenario: str = ""
    extracted: tuple[Extracted, ...] = ()
    intent: Intent = Intent.INFORM
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a message has changed.

    Attributes:
        new: fields that were not known before.
        changed: fields that have another value now.
        refused: fields whose value nobody has said.
        switched: the scenario is another one.
        is_no: the summary was not agreed to, and nothing was said instead.
        picked: one of the offered places was chosen.
    """

    state: State
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    switched: bool = False
    is_no: bool = False
    picked: bool = False

    @property
    def did_anything(self) -> bool:
        return bool(self.new or self.changed or self.switched or self.picked)


class Ask(StrEnum):
    """What the reply does next."""

    SCENARIO = "scenario"
    DOUBT = "doubt"
    SEARCH = "search"
    PLACE = "place"
    FIELDS = "fields"
    SUMMARY = "summary"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows: `fields` are asked for, or in doubt."""

    ask: Ask
    fields: tuple[str, ...] = ()


# --- A message ------------------------------------------------------------------------


def advance(
    state: State,
    reading: Reading,
    message: str,
    source: int,
    clock: Clock,
    catalogue: Catalogue,
) -> Step:
    """Take a message in.

    Args:
        state: before it.
        reading: what an assistant makes of it.
        message: what was written.
        source: its number.
        clock: the writer's.
        catalogue: the scenarios.
    """
    merger = _Merger(state, clock, catalogue, message, source)
    merger.switch(reading.scenario)
    place = pick(message, state.places) if _is_choosing(state) else None
    if place is not None:
        merger.choose(place)
    else:
        merger.take(reading.extracted)
        merger.take_answers()
    return _with_phase(merger.step(picked=place is not None), reading.intent, message)


def _is_choosing(state: State) -> bool:
    return bool(state.places) and "callee_number" not in state.entities


class _Merger:
    """One message on its way into the state."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        catalogue: Catalogue,
        message: str,
        source: int | None,
    ) -> None:
        self._before = state
        self._clock = clock
        self._catalogue = catalogue
        self._message = message
        self._source = source
        self._scenario = state.scenario
        self._entities = dict(state.entities)
        self._doubts = dict(state.doubts)
        self._places = state.places
        self._query = state.place_query
        self._refused: list[str] = []
        self._heard: set[str] = set()

    def switch(self, scenario: str) -> None:
        """Change the scenario; everything known stays known."""
        if scenario in self._catalogue.scenarios:
            self._scenario = scenario

    def take(self, extracted: tuple[Extracted, ...]) -> None:
        """Take in what was read, days before times, and the first of each name."""
        scenario = self._catalogue.scenarios.get(self._scenario)
        names = scenario.fields if scenario else self._catalogue.fields
        known = [one for one in extracted if one.name in names]
        for one in sorted(known, key=lambda one: self._type(one.name) == "time"):
            if one.confidence >= MIN_CONFIDENCE and one.name not in self._heard:
                self._read(one)

    def take_answers(self) -> None:
        """Read by rule what was asked for and was not read yet."""
        for name in self._before.asked:
            if name in self._heard or self._type(name) not in TYPED:
                continue
            if name in self._entities and name not in self._doubts:
                continue
            self._read(Extracted(name, "", self._message, 0.9), is_guess=True)

    def _type(self, name: str) -> str:
        return self._catalogue.fields[name].type

    def _read(self, one: Extracted, *, is_guess: bool = False) -> None:
        claim = Claim(
            one.value, one.quote, self._message, one.name in self._before.asked
        )
        clock = replace(self._clock, day=_day_of(self._entities))
        found = _one_of_before(
            self._doubts.get(one.name),
            values.read(self._catalogue.fields[one.name], claim, clock),
            self._message,
        )
        if found is None:
            self._refused.append(one.name)
            return
        if is_guess and self._is_taken(one.name, found):
            return
        self._heard.add(one.name)
        if isinstance(found, Doubt):
            self._doubts[one.name] = found
        else:
            self.put(
                Entity(one.name, found.normal, found.said, one.confidence, self._source)
            )

    def _is_taken(self, name: str, found: values.Read) -> bool:
        """Tell whether another field has taken these words: one day is not two."""
        others = [
            self._entities.get(other)
            for other in self._heard
            if self._type(other) == self._type(name)
        ]
        said = found.said if found else ""
        return any(one is not None and one.said == said for one in others)

    def put(self, entity: Entity) -> None:
        """Know something; an empty value changes nothing."""
        if not entity.normal:
            return
        self._doubts.pop(entity.name, None)
        before = self._entities.get(entity.name)
        if before is not None and before.normal == entity.normal:
            return
        self._entities[entity.name] = entity
        if entity.name == "callee_name":
            self._forget_place(before)

    def _forget_place(self, before: Entity | None) -> None:
        """Let the number of another place go; one that the user gave stays."""
        number = self._entities.get("callee_number")
        if before is not None and number is not None and number.origin == Origin.PLACE:
            del self._entities["callee_number"]
        self._places = ()

    def choose(self, place: Place) -> None:
        """Take one of the offered places."""
        name, number = place.name, place.phone_number
        self._entities["callee_name"] = Entity(
            "callee_name", name, name, origin=Origin.PLACE
        )
        if number:
            self._entities["callee_number"] = Entity(
                "callee_number", number, number, origin=Origin.PLACE
            )
        self._places, self._query = (), name

    def step(self, *, picked: bool = False) -> Step:
        before = self._before.entities
        return Step(
            state=replace(
                self._before,
                scenario=self._scenario,
                entities=self._entities,
                doubts=self._doubts,
                places=self._places,
                place_query=self._query,
            ),
            new=tuple(name for name in self._entities if name not in before),
            changed=tuple(
                name
                for name, one in self._entities.items()
                if name in before and before[name].normal != one.normal
            ),
            refused=tuple(self._refused),
            switched=bool(self._before.scenario)
            and self._scenario != self._before.scenario,
            picked=picked,
        )


def _day_of(entities: Mapping[str, Entity]) -> date | None:
    one = entities.get("date")
    return date.fromisoformat(one.normal) if one else None


def _one_of_before(
    doubt: Doubt | None, found: values.Read, message: str
) -> values.Read:
    """Let "the second", "오후요" or "pm" answer which of two things was meant."""
    if doubt is None or doubt.code != "which" or isinstance(found, Known):
        return found
    n = ordinal(message)
    if n is not None and n <= len(doubt.options):
        return Known(doubt.options[n - 1], doubt.said)
    half = _half_of_day(message)
    fitting = [one for one in doubt.options if half and _is_in(half, one)]
    if len(fitting) == 1:
        return Known(fitting[0], doubt.said)
    return found


_HALVES: Final = {
    "am": re.compile(r"오전|아침|새벽|\ba\.?m\b|morning", re.IGNORECASE),
    "pm": re.compile(
        r"오후|저녁|밤|낮|점심|\bp\.?m\b|afternoon|evening|night", re.IGNORECASE
    ),
}


def _half_of_day(message: str) -> str:
    said = [half for half, words in _HALVES.items() if words.search(message)]
    return said[0] if len(said) == 1 else ""


def _is_in(half: str, option: str) -> bool:
    hour = option.partition(":")[0]
    return hour.isdigit() and len(hour) == 2 and (int(hour) >= 12) == (half == "pm")


def _with_phase(step: Step, intent: Intent, message: str) -> Step:
    """Move on where the user has agreed, and back where something has changed."""
    state = step.state
    if step.did_anything or state.doubts:
        return replace(step, state=replace(state, phase=Phase.COLLECTING))
    if state.phase != Phase.CONFIRMING:
        return step
    if is_yes(message) or (intent == Intent.YES and not is_no(message)):
        return replace(step, state=replace(state, phase=Phase.READY))
    return replace(step, is_no=is_no(message) or intent == Intent.NO)


def difference(before: State, after: State) -> Step:
    """Say what the user has changed by hand."""
    old, new = before.entities, after.entities
    return Step(
        state=after,
        new=tuple(name for name in new if name not in old),
        changed=tuple(
            name
            for name, one in new.items()
            if name in old and old[name].normal != one.normal
        ),
        switched=bool(before.scenario) and before.scenario != after.scenario,
    )


def set_by_hand(
    state: State,
    entries: Mapping[str, str],
    clock: Clock,
    catalogue: Catalogue,
) -> tuple[State, dict[str, Doubt | None]]:
    """Take in what was entered into a form: a canonical or a written value.

    Args:
        state: before it.
        entries: by field; an empty one clears the field, which only the user may.
        clock: the writer's.
        catalogue: the scenarios.

    Returns:
        the state, and by field what could not be read.
    """
    wrong: dict[str, Doubt | None] = {}
    merger = _Merger(state, clock, catalogue, "", None)
    cleared = []
    for name, text in sorted(entries.items(), key=lambda item: item[0] == "time"):
        field_ = catalogue.fields[name]
        text = values.clean(text)
        if not text:
            cleared.append(name)
            continue
        claim = Claim(text, text, text, is_asked=True)
        found = values.read(field_, claim, clock)
        if isinstance(found, Known):
            merger.put(Entity(name, found.normal, text, origin=Origin.HAND))
        else:
            wrong[name] = found
    step = merger.step()
    entities = {k: v for k, v in step.state.entities.items() if k not in cleared}
    doubts = {k: v for k, v in step.state.doubts.items() if k not in cleared}
    return (
        replace(step.state, entities=entities, doubts=doubts, phase=Phase.COLLECTING),
        wrong,
    )


def choose(state: State, place: Place, clock: Clock, catalogue: Catalogue) -> Step:
    """Take a place that was clicked."""
    merger = _Merger(state, clock, catalogue, "", None)
    merger.choose(place)
    step = merger.step(picked=True)
    return replace(step, state=replace(step.state, phase=Phase.COLLECTING))


# --- What follows ---------------------------------------------------------------------


def missing(state: State, catalogue: Catalogue) -> tuple[str, ...]:
    """Name what has to be known and is not, in the order in which it is asked."""
    scenario = catalogue.scenarios.get(state.scenario)
    required = scenario.required if scenario else ()
    number = () if "callee_number" in state.entities else ("callee_number",)
    rest = tuple(
        name for name in required if name not in state.entities or name in state.doubts
    )
    return (*number, *rest)


def plan(state: State, catalogue: Catalogue, *, one_at_a_time: bool = False) -> Plan:
    """Decide what the reply does.

    Args:
        state: after the message.
        catalogue: the scenarios.
        one_at_a_time: nobody reads answers but rules, so one thing is asked.
    """
    scenario = catalogue.scenarios.get(state.scenario)
    if scenario is None:
        return Plan(Ask.SCENARIO)
    doubtful = [name for name in scenario.fields if name in state.doubts]
    if doubtful:
        return Plan(Ask.DOUBT, (doubtful[0],))
    wanted = missing(state, catalogue)
    if "callee_number" in wanted:
        return _plan_callee(state, scenario)
    if wanted:
        return Plan(Ask.FIELDS, _together(scenario, wanted, one_at_a_time))
    return Plan(Ask.READY if state.phase == Phase.READY else Ask.SUMMARY)


def _plan_callee(state: State, scenario: Scenario) -> Plan:
    name = state.entities.get("callee_name")
    if name is None:
        number_first = scenario.kind == "direct_call"
        return Plan(Ask.FIELDS, ("callee_number" if number_first else "callee_name",))
    if state.place_query != name.normal:
        return Plan(Ask.SEARCH)
    if state.places:
        return Plan(Ask.PLACE)
    return Plan(Ask.FIELDS, ("callee_number",))


def _together(
    scenario: Scenario, wanted: tuple[str, ...], one_at_a_time: bool
) -> tuple[str, ...]:
    first = wanted[0]
    for pair in scenario.together:
        if first in pair and set(pair) <= set(wanted) and not one_at_a_time:
            return pair
    return (first,)


def asking(plan_: Plan) -> tuple[str, ...]:
    """Name the fields that an answer to this plan may be about."""
    if plan_.ask == Ask.FIELDS and "callee_name" in plan_.fields:
        return CALLEE
    if plan_.ask == Ask.PLACE:
        return CALLEE
    return plan_.fields


def presented(state: State, plan_: Plan) -> State:
    """Return the state once the reply of this plan has been sent."""
    phase = state.phase
    if plan_.ask == Ask.SUMMARY:
        phase = Phase.CONFIRMING
    elif plan_.ask != Ask.READY:
        phase = Phase.COLLECTING
    return replace(state, phase=phase, asked=asking(plan_))


def known(state: State, catalogue: Catalogue) -> Iterator[Entity]:
    """Yield what is known and belongs to the scenario, in its order."""
    scenario = catalogue.scenarios.get(state.scenario)
    names = scenario.fields if scenario else tuple(state.entities)
    for name in names:
        if name in state.entities:
            yield state.entities[name]


def pick(message: str, places: tuple[Place, ...]) -> Place | None:
    """Return the offered place that a message chooses, if it chooses one."""
    if is_yes(message) and places:
        return places[0]
    n = ordinal(message)
    if n is not None:
        return places[n - 1] if n <= len(places) else None
    said = values.fold(message)
    named = [one for one in places if values.fold(one.name) in said]
    return named[0] if len(named) == 1 else None

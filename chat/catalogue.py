"""The scenarios: what a call can be about, and what has to be known for it.  Pure.

Each file of `scenarios/` is one; fields that several of them ask for are in
`fields.toml`.  What a file may say wrongly is found when the server starts
(`chat.checks`).
"""

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).with_name("scenarios")
LANGUAGES: Final = ("en", "ko")
"""What the assistant itself writes."""
TYPES: Final = frozenset(
    {"text", "date", "time", "number", "people", "phone", "money", "choice"}
)
FALLBACKS: Final = frozenset({"other_time", "ask_me", "give_up"})
CALLEE: Final = ("callee_name", "callee_number")
"""Fields that every scenario has: who is called."""
CALLEE_GAP: Final = "callee"
"""Stands in a goal for whoever is called."""

Words = Mapping[str, str]
"""A text in each of LANGUAGES."""


class CatalogueError(ValueError):
    """What is wrong with the files, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question of choice; `words` give it away."""

    id: str
    label: Words
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Something to find out.

    Attributes:
        may_tell: whether the other side may be told.
        options: of the type "choice", else empty.
    """

    name: str
    type: str
    label: Words
    question: Words
    examples: Mapping[str, tuple[str, ...]]
    may_tell: bool
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that the call has to find out."""

    name: str
    description: Words
    required: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of call.

    Attributes:
        together: pairs of fields that are asked in one breath.
        fallback: what may be done where the goal cannot be reached, the usual first.
        words: by language, what it is recognised by where no model is at hand.
        goal: by language, sentence by sentence, with `{gaps}` and `[optional parts]`.
        purpose: why one calls, as part of a sentence.
    """

    id: str
    kind: str
    order: int
    name: Words
    description: Words
    required: tuple[str, ...]
    optional: tuple[str, ...]
    together: tuple[tuple[str, str], ...]
    fallback: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    goal: Mapping[str, tuple[str, ...]]
    purpose: Words
    must_learn: tuple[Wanted, ...]
    glossary: tuple[Words, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Everything that may be known, in the order in which it is shown."""
        return (*CALLEE, *self.required, *self.optional)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All scenarios in their order, and all fields."""

    scenarios: Mapping[str, Scenario]
    fields: Mapping[str, Field]

    def find(self, name: str) -> Scenario | None:
        """Find a scenario by its id, or a whole kind by its widest scenario."""
        if name in self.scenarios:
            return self.scenarios[name]
        of_kind = [one for one in self.scenarios.values() if one.kind == name]
        return of_kind[-1] if of_kind else None


@cache
def catalogue() -> Catalogue:
    """Return the scenarios that come with the product.  Raises: CatalogueError."""
    return load(FOLDER)


def load(folder: Path) -> Catalogue:
    """Read `*.toml` of a folder, and the `fields.toml` beside the folder.

    Raises:
        CatalogueError: something in them is wrong.
    """
    problems: list[str] = []
    fields = _fields(folder.with_name("fields.toml"), problems)
    scenarios = []
    for path in sorted(folder.glob("*.toml")):
        values = _read(path, problems)
        found = list(_problems(values, fields))
        problems += [f"{path.name}: {problem}" for problem in found]
        if not found:
            scenarios.append(_scenario(path.stem, values))
    if problems:
        raise CatalogueError(problems)
    scenarios.sort(key=lambda one: one.order)
    return Catalogue({one.id: one for one in scenarios}, fields)


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path.name}: {error}")
        return {}


def _fields(path: Path, problems: list[str]) -> dict[str, Field]:
    fields = {}
    for name, values in _read(path, problems).items():
        wrong = list(_field_problems(values))
        problems += [f"{path.name}: {name}: {problem}" for problem in wrong]
        if not wrong:
            fields[name] = _field(name, values)
    problems += [
        f"{path.name}: {one} is missing" for one in CALLEE if one not in fields
    ]
    return fields


def _field(name: str, values: Mapping[str, Any]) -> Field:
    return Field(
        name=name,
        type=values["type"],
        label=values["label"],
        question=values["question"],
        examples={code: tuple(values["examples"][code]) for code in LANGUAGES},
        may_tell=values.get("may_tell", True),
        options=tuple(
            Option(row["id"], row["label"], tuple(row["words"]))
            for row in values.get("options", ())
        ),
    )


def _field_problems(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("type") not in TYPES:
        yield f"type is one of {', '.join(sorted(TYPES))}"
    for name in ("label", "question", "examples"):
        yield from _not_in_each_language(values.get(name), name)
    if (values.get("type") == "choice") != bool(values.get("options")):
        yield "a choice has options, and nothing else has"
    for row in values.get("options", ()):
        yield from _not_in_each_language(row.get("label"), "label of an option")
        if not row.get("id") or not row.get("words"):
            yield "an option has an id and words"


def _not_in_each_language(value: Any, name: str) -> Iterator[str]:
    if not isinstance(value, dict) or not all(value.get(code) for code in LANGUAGES):
        yield f"{name} is needed in {' and '.join(LANGUAGES)}"


def _problems(values: Mapping[str, Any], fields: Mapping[str, Field]) -> Iterator[str]:
    """Say what is wrong with a scenario."""
    for name in ("name", "description", "words", "goal", "purpose"):
        yield from _not_in_each_language(values.get(name), name)
    if not isinstance(values.get("kind"), str) or not isinstance(
        values.get("order"), int
    ):
        yield "kind and order are needed"
    known = [*values.get("required", ()), *values.get("optional", ())]
    if "required" not in values or "optional" not in values:
        yield "required and optional are needed"
    yield from (f"there is no field {name}" for name in known if name not in fields)
    if len(known) != len(set(known)):
        yield "a field is there twice"
    fallback = values.get("fallback", ())
    if not fallback or not set(fallback) <= FALLBACKS:
        yield f"fallback is made of {', '.join(sorted(FALLBACKS))}"
    for pair in values.get("together", ()):
        if len(pair) != 2 or not set(pair) <= set(values.get("required", ())):
            yield "together pairs required fields"
    yield from _goal_problems(values.get("goal"), {*known, CALLEE_GAP})
    for row in values.get("must_learn", ()):
        yield from _not_in_each_language(row.get("description"), "must_learn")


def _goal_problems(goal: Any, known: set[str]) -> Iterator[str]:
    if not isinstance(goal, dict):
        return
    for code in LANGUAGES:
        for sentence in goal.get(code, ()):
            try:
                gaps = {name for _, name, _, _ in string.Formatter().parse(sentence)}
            except ValueError:
                yield f"this is no template: {sentence}"
                continue
            for gap in sorted(gaps - known - {None}, key=str):
                yield f"the goal names {gap}, which is no field of it"


def _scenario(name: str, values: Mapping[str, Any]) -> Scenario:
    return Scenario(
        id=name,
        kind=values["kind"],
        order=values["order"],
        name=values["name"],
        description=values["description"],
        required=tuple(values["required"]),
        optional=tuple(values["optional"]),
        together=tuple((a, b) for a, b in values.get("together", ())),
        fallback=tuple(values["fallback"]),
        words={code: tuple(values["words"][code]) for code in LANGUAGES},
        goal={code: tuple(values["goal"][code]) for code in LANGUAGES},
        purpose=values["purpose"],
        must_learn=tuple(
            Wanted(row["name"], row["description"], bool(row.get("required")))
            for row in values.get("must_learn", ())
        ),
        glossary=tuple(values.get("glossary", ())),
    )


_OPTIONAL_PART: Final = re.compile(r"\[([^\]]*)\]")


def fill(sentences: tuple[str, ...], values: Mapping[str, str]) -> str:
    """Fill the gaps of a goal; what has an unknown value in it is left out."""

    def part(m: re.Match[str]) -> str:
        return m[1] if _gaps(m[1]) <= values.keys() else ""

    whole = [_OPTIONAL_PART.sub(part, one) for one in _known(sentences, values)]
    return " ".join(one.format_map(values) for one in whole)


def _known(sentences: tuple[str, ...], values: Mapping[str, str]) -> Iterator[str]:
    for sentence in sentences:
        if _gaps(_OPTIONAL_PART.sub("", sentence)) <= values.keys():
            yield sentence


def _gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}

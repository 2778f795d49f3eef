"""The catalogue of telephone lines: `lines.yaml`, and how one is chosen.

A line is named in one of three ways, in a person's script as in the control API:
`speakerphone` (a condition), `{noise_rms: 200}` (values that change whatever line it
would be otherwise), or `{condition: gsm, noise_rms: 200}` (a condition, changed).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from lab.telephone.line import LineConfig

LINES_PATH: Final = Path(__file__).with_name("lines.yaml")

Choice = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the catalogue.

    Attributes:
        id: its name.
        description: what it is like.
        source: where its values come from.
        line: its values.
    """

    id: str
    description: str
    source: str
    line: LineConfig


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All lines.

    Attributes:
        default_id: the condition of every call that is not told otherwise.
        conditions: by id, in the order of the file.
    """

    default_id: str
    conditions: Mapping[str, Condition]

    @property
    def default(self) -> LineConfig:
        """The line of every call that is not told otherwise."""
        return self.conditions[self.default_id].line

    def choose(self, choice: Choice, line: LineConfig) -> LineConfig:
        """Return the line that is chosen.

        Args:
            choice: a condition's id; or values, and perhaps `condition` with an id.
            line: what values change when no condition is named.

        Raises:
            ValueError: no such condition or parameter, or a value outside its range.
        """
        if isinstance(choice, str):
            choice = {"condition": choice}
        if not isinstance(choice, Mapping):
            raise ValueError("A line is the name of a condition, or values by name.")
        values = dict(choice)
        if "condition" in values:
            name = values.pop("condition")
            if not isinstance(name, str) or name not in self.conditions:
                known = ", ".join(self.conditions)
                raise ValueError(f"condition must be one of {known}.")
            line = self.conditions[name].line
        try:
            return line.changed(values)
        except TypeError as error:
            raise ValueError(f"A line cannot be {values}: {error}.") from None

    def changes(self, line: LineConfig) -> dict[str, Any]:
        """Return what differs from the condition that a line names."""
        condition = self.conditions.get(line.condition)
        plain = condition.line.as_dict() if condition else LineConfig().as_dict()
        return {
            name: value
            for name, value in line.as_dict().items()
            if name != "condition" and value != plain[name]
        }


def parse_lines(value: Mapping[str, Any]) -> Catalogue:
    """Read a catalogue.

    Args:
        value: `default`, and `conditions`: id → description, source and values.

    Raises:
        ValueError: something the format does not know.
    """
    conditions: dict[str, Condition] = {}
    for name, row in value["conditions"].items():
        try:
            line = LineConfig(condition=name).changed(row["values"])
            if row.keys() != {"description", "source", "values"}:
                raise ValueError("it has description, source and values.")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"Line {name}: {error}") from None
        conditions[name] = Condition(name, row["description"], row["source"], line)
    if value["default"] not in conditions:
        raise ValueError(f"The default line {value['default']} is not in the book.")
    return Catalogue(value["default"], conditions)


@cache
def load_lines(path: Path = LINES_PATH) -> Catalogue:
    """Read the catalogue that comes with the lab, once per process."""
    return parse_lines(yaml.safe_load(path.read_text("utf-8")))

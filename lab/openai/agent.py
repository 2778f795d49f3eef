"""The simulated model as an agent: a policy file instead of a mind.

Theory of operation.  A session whose instructions hold a brief (a line `Brief: {…}` of
JSON) and that has tools is an agent.  Its policy is a file of `lab/agents`, chosen by
the brief's goal; `common.yaml` is asked after it.  A policy is a list of rules: what is
new (a phrase heard, a tool's output, a system message, an instruction for this one
response) → a phrase to say, a tool to call, or both.  The first rule that fits the
newest news decides.  What the brief does not allow to be told is not told: a rule that
`tells` a fact fits only if the fact is there.

    news          a rule's condition
    phrase heard  heard: phrase or [phrases], "*" for anything, also what is unclear
    output        output: tool, and matches: a pattern of its text
    system        told: a pattern
    instruction   instruction: a pattern
    any of them   tells: a name in may_tell; wants: a name in must_learn, not known yet
"""

import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

AGENTS_DIR: Final = Path(__file__).parents[1] / "agents"
ANYTHING: Final = "*"
_BRIEF: Final = re.compile(r"^Brief: (\{.*\})$", re.MULTILINE)
_NOW: Final = re.compile(r"^Now: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody said something; None is speech that was not understood."""

    phrase_id: str | None


@dataclass(frozen=True, slots=True)
class Output:
    """A tool has answered."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """A system message."""

    text: str


News = Heard | Output | Told


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to be called, with arguments as JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model does in one response: says a phrase, then calls tools."""

    say: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When something is new, do something."""

    heard: str | Sequence[str] = ()
    output: str = ""
    matches: str = ""
    told: str = ""
    instruction: str = ""
    tells: str = ""
    wants: str = ""
    say: str = ""
    call: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        conditions = (self.heard, self.output, self.told, self.instruction)
        if sum(map(bool, conditions)) != 1:
            raise ValueError("A rule has one of heard, output, told, instruction.")
        if not (self.say or self.call):
            raise ValueError("A rule says something, calls a tool, or both.")

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases that it waits for."""
        return (self.heard,) if isinstance(self.heard, str) else tuple(self.heard)

    def fits(self, news: News) -> bool:
        """Say whether it is about this."""
        match news:
            case Heard(phrase_id):
                return ANYTHING in self.phrases or phrase_id in self.phrases
            case Output(name, text):
                is_it = bool(self.output) and self.output == name
                return is_it and re.search(self.matches, text, re.I) is not None
            case Told(text):
                return bool(self.told) and re.search(self.told, text, re.I) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One file of `lab/agents`.

    Attributes:
        goal: pattern of the goals that it is for.
        opening: the first phrase that is said, whatever was heard.
    """

    id: str
    goal: str
    opening: str
    rules: tuple[Rule, ...]

    def phrase_ids(self) -> set[str]:
        """Name every phrase that it says or waits for."""
        said = {rule.say for rule in self.rules if rule.say}
        heard = {phrase for rule in self.rules for phrase in rule.phrases}
        return (said | heard | {self.opening}) - {ANYTHING}


def parse_policy(policy_id: str, value: Mapping[str, Any]) -> Policy:
    """Read one policy.

    Args:
        policy_id: the name of the file without `.yaml`.
        value: its content.

    Raises:
        ValueError: something the format does not know.
    """
    try:
        rules = tuple(Rule(**rule) for rule in value["rules"])
        return Policy(
            id=policy_id, goal=value["goal"], opening=value["opening"], rules=rules
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{policy_id}: {error}") from None


@cache
def load_policies(folder: Path = AGENTS_DIR) -> tuple[Policy, ...]:
    """Read all policies, `common` last.

    Raises:
        ValueError: a file that cannot be read.
    """
    paths = sorted(folder.glob("*.yaml"), key=lambda path: path.stem == "common")
    return tuple(
        parse_policy(path.stem, yaml.safe_load(path.read_text("utf-8")))
        for path in paths
    )


def brief_of(instructions: str) -> dict[str, Any] | None:
    """Find the brief in a session's instructions; None: this is no agent."""
    found = _BRIEF.search(instructions)
    if found is None:
        return None
    try:
        brief = json.loads(found[1])
    except ValueError:
        return None
    return brief if isinstance(brief, dict) else None


def instruction_of(instructions: str) -> str:
    """Find what one response's instructions add to the session's."""
    found = _NOW.search(instructions)
    return found[1] if found else ""


class ScriptedAgent:
    """Follow the policies that fit a brief.

    Args:
        brief: what `brief_of` found.
    """

    def __init__(self, brief: Mapping[str, Any]) -> None:
        self._brief = brief
        goal = str(brief.get("goal", ""))
        self._policies = [
            policy
            for policy in load_policies()
            if policy.id == "common" or re.search(policy.goal, goal, re.I)
        ]
        self.language = str(brief.get("language", "en"))
        self._has_spoken = False
        self._known: set[str] = set()

    def note_spoken(self) -> None:
        """It has said something, here or in an earlier session."""
        self._has_spoken = True

    def decide(
        self, news: Sequence[News], instruction: str, tools: Iterable[str]
    ) -> Turn:
        """Choose what one response does.

        Args:
            news: what has come since the last response, in order.
            instruction: for this response only.
            tools: names of those that may be called.

        Returns:
            what to say and to call; nothing of both if no rule fits.
        """
        if not self._has_spoken:
            self._has_spoken = True
            return Turn(self._policies[0].opening)
        rule = self._rule(news, instruction)
        if rule is None:
            return Turn()
        if rule.call not in set(tools):
            return Turn(rule.say)
        arguments = {name: self._filled(v) for name, v in rule.arguments.items()}
        if rule.call == "collect_info":
            self._known.add(str(arguments.get("name")))
        text = json.dumps(arguments, ensure_ascii=False)
        return Turn(rule.say, (Call(rule.call, text),))

    def _rule(self, news: Sequence[News], instruction: str) -> Rule | None:
        rules = [rule for policy in self._policies for rule in policy.rules]
        allowed = [rule for rule in rules if self._is_allowed(rule)]
        if instruction:
            for rule in allowed:
                if rule.instruction and re.search(rule.instruction, instruction, re.I):
                    return rule
        sure = [rule for rule in allowed if ANYTHING not in rule.phrases]
        for among in (sure, allowed):
            for one in reversed(news):
                for rule in among:
                    if rule.fits(one):
                        return rule
        return None

    def _is_allowed(self, rule: Rule) -> bool:
        wanted = {row["name"] for row in self._brief.get("must_learn", ())}
        if rule.wants and rule.wants not in wanted - self._known:
            return False
        return not rule.tells or rule.tells in self._brief.get("may_tell", {})

    def _filled(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        facts = {"tomorrow": self._tomorrow(), **self._brief.get("may_tell", {})}
        return re.sub(r"\{(\w+)\}", lambda m: str(facts.get(m[1], "")), value)

    def _tomorrow(self) -> str:
        today = str(self._brief.get("today", ""))[:10]
        try:
            date = datetime.date.fromisoformat(today)
        except ValueError:
            date = datetime.datetime.now(datetime.UTC).date()
        return str(date + datetime.timedelta(days=1))

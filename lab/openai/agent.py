"""The simulated model as an agent: a policy file instead of a mind.

Theory of operation.  A session whose instructions hold a brief (a line `Brief: {…}` of
JSON) and that has tools is an agent.  Its policy is a file of `lab/agents`, chosen by
the brief's role ("call" where it says none) and goal; `common.yaml` is asked after it.
A policy is a list of rules: what is new (a phrase heard, a tool's output, a system
message, an instruction for this one response) → a phrase to say, a tool to call, or
both.  The first rule that fits the newest news decides.  What the brief does not allow
to be told is not told: a rule that `tells` a fact fits only if the fact is there.  A
tool that is not there is not called: a rule that does nothing else does not fit.

    news          a rule's condition
    phrase heard  heard: phrase or [phrases], "*" for anything, also what is unclear
    output        output: tool; matches: a pattern of its text; of: one of the arguments
    system        told: a pattern
    instruction   instruction: a pattern
    any of them   tells: a name in may_tell; wants: a name in must_learn, not known yet;
                  topic: what an earlier rule has set by turns_to

Whoever makes the call introduces itself whatever is heard; a receptionist greets unless
somebody speaks to it, who has then been greeted already.
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
MAKES_CALLS: Final = "call"
"""The role of an agent that calls somebody."""
_BRIEF: Final = re.compile(r"^Brief: (\{.*\})$", re.MULTILINE)
_NOW: Final = re.compile(r"^Now: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody said something; None is speech that was not understood."""

    phrase_id: str | None


@dataclass(frozen=True, slots=True)
class Output:
    """A tool has answered; `arguments` are what it was called with, as JSON."""

    name: str
    text: str
    arguments: str = ""


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
    of: str = ""
    told: str = ""
    instruction: str = ""
    tells: str = ""
    wants: str = ""
    topic: str = ""
    turns_to: str = ""
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
            case Output(name, text, arguments):
                is_it = bool(self.output) and self.output == name
                is_of = re.search(self.of, arguments, re.I) is not None
                return is_it and is_of and bool(re.search(self.matches, text, re.I))
            case Told(text):
                return bool(self.told) and re.search(self.told, text, re.I) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One file of `lab/agents`.

    Attributes:
        goal: pattern of the goals that it is for.
        opening: the first phrase that is said.
        closed: the first phrase where the brief says that nobody is there.
        role: that it is for.
    """

    id: str
    goal: str
    opening: str
    rules: tuple[Rule, ...]
    closed: str = ""
    role: str = MAKES_CALLS

    def phrase_ids(self) -> set[str]:
        """Name every phrase that it says or waits for."""
        said = {rule.say for rule in self.rules if rule.say}
        heard = {phrase for rule in self.rules for phrase in rule.phrases}
        return (said | heard | {self.opening, self.closed}) - {ANYTHING, ""}


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
        return Policy(**{**value, "id": policy_id, "rules": rules})
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
        goal, role = str(brief.get("goal", "")), brief.get("role") or MAKES_CALLS
        self._policies = [
            policy
            for policy in load_policies()
            if policy.id == "common"
            or (policy.role == role and re.search(policy.goal, goal, re.I))
        ]
        self._makes_calls = role == MAKES_CALLS
        self._topic = ""
        self.language = str(brief.get("language", "en"))
        self._has_spoken = False
        self._known: set[str] = set()

    def note_spoken(self, phrase_id: str | None = None) -> None:
        """It has said something, here or in an earlier session."""
        self._has_spoken = True
        for rule in self._rules():
            if rule.turns_to and rule.say and rule.say == phrase_id:
                self._topic = rule.turns_to

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
        is_greeted = any(isinstance(one, Heard) for one in news)
        if not self._has_spoken and (self._makes_calls or not is_greeted):
            self._has_spoken = True
            return Turn(self._opening())
        self._has_spoken = True
        rule = self._rule(news, instruction, set(tools))
        if rule is None:
            return Turn()
        self._topic = rule.turns_to or self._topic
        if rule.call not in set(tools):
            return Turn(rule.say)
        arguments = {name: self._filled(v) for name, v in rule.arguments.items()}
        if rule.call == "collect_info":
            self._known.add(str(arguments.get("name")))
        text = json.dumps(arguments, ensure_ascii=False)
        return Turn(rule.say, (Call(rule.call, text),))

    def _opening(self) -> str:
        policy = self._policies[0]
        is_open = self._brief.get("is_open", True)
        return policy.opening if is_open else policy.closed or policy.opening

    def _rules(self) -> list[Rule]:
        return [rule for policy in self._policies for rule in policy.rules]

    def _rule(
        self, news: Sequence[News], instruction: str, tools: set[str]
    ) -> Rule | None:
        allowed = [rule for rule in self._rules() if self._is_allowed(rule, tools)]
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

    def _is_allowed(self, rule: Rule, tools: set[str]) -> bool:
        if not rule.say and rule.call not in tools:
            return False
        if rule.topic and rule.topic != self._topic:
            return False
        wanted = {row["name"] for row in self._brief.get("must_learn", ())}
        if rule.wants and rule.wants not in wanted - self._known:
            return False
        return not rule.tells or rule.tells in self._brief.get("may_tell", {})

    def _filled(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        today = self._today()
        tomorrow = today + datetime.timedelta(days=1)
        wednesday = today + datetime.timedelta(days=9 - today.weekday())
        facts = {
            "tomorrow": tomorrow,
            "next_wednesday": wednesday,  # of the week after this one
            **self._brief.get("may_tell", {}),
        }
        return re.sub(r"\{(\w+)\}", lambda m: str(facts.get(m[1], "")), value)

    def _today(self) -> datetime.date:
        today = str(self._brief.get("today", ""))[:10]
        try:
            return datetime.date.fromisoformat(today)
        except ValueError:
            return datetime.datetime.now(datetime.UTC).date()

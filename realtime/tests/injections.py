"""Sentences that try to instruct a model, and proof that they reach it as data only.

For whoever sends words of a call to a model (translator, agent, summariser):

    @pytest.mark.parametrize("injection", injections(), ids=str)
    def test_what_is_said_is_never_an_instruction(injection: Injection) -> None:
        request = write_request(..., injection.text)
        assert_is_data(request, injection.text)

Data is what stands in the content of a message of the user, or in the result of a tool
that was called.  Everything else is instruction: `instructions`, messages of the roles
`system`, `developer` and `assistant`, descriptions of tools.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Injection:
    """One attempt.

    Attributes:
        language: ISO 639-1.
        speaker: "callee" or "caller".
        wants: "obey", "role", "reveal", "fixed" or "tool".
    """

    language: str
    speaker: str
    wants: str
    text: str

    def __str__(self) -> str:
        return f"{self.language}-{self.speaker}-{self.wants}"


def injections() -> list[Injection]:
    """Return the whole suite."""
    path = Path(__file__).with_name("injections.yaml")
    return [
        Injection(row["language"], row["as"], row["wants"], row["text"])
        for row in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _places(node: Any, words: str, where: str, is_data: bool) -> Iterator[str | None]:
    """Yield None for each place where the words are data, else where they are."""
    match node:
        case str():
            if words in " ".join(node.split()):
                yield None if is_data else where
        case dict():
            role = node.get("role")
            is_output = node.get("type") == "function_call_output"
            for key, value in node.items():
                inside = is_data
                if role is not None:
                    inside = role == "user" and key == "content"
                elif is_output:
                    inside = key == "output"
                elif key in {"instructions", "tools", "prompt", "metadata"}:
                    inside = False
                yield from _places(value, words, f"{where}.{key}", inside)
        case list() | tuple():
            for n, value in enumerate(node):
                yield from _places(value, words, f"{where}[{n}]", is_data)


def places(sent: Any, text: str) -> list[str | None]:
    """Find a sentence in what was sent to a model.

    Args:
        sent: one request or several, as JSON text or decoded.
        text: the sentence; spaces may differ.

    Returns:
        for each place None where it is data, else the path to it.
    """
    messages = sent if isinstance(sent, list | tuple) else [sent]
    words = " ".join(text.split())
    found: list[str | None] = []
    for n, message in enumerate(messages):
        decoded = json.loads(message) if isinstance(message, str | bytes) else message
        found += _places(decoded, words, f"[{n}]", is_data=False)
    return found


def assert_is_never_instruction(sent: Any, text: str) -> None:
    """Fail where a sentence of the call stands among instructions."""
    wrong = [place for place in places(sent, text) if place is not None]
    assert not wrong, f"{text!r} is an instruction at {wrong}"


def assert_is_data(sent: Any, text: str) -> None:
    """Fail unless a sentence reaches the model, and as data only."""
    found = places(sent, text)
    assert found, f"{text!r} does not reach the model"
    assert_is_never_instruction(sent, text)

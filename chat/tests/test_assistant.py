"""What is shown of an answer before it is complete."""

import itertools
import json

import pytest

from chat.assistant import remark_in

ANSWER = json.dumps(
    {
        "intent": "question",
        "remark": 'Some ask for it, "most" do not.',
        "scenario": None,
        "entities": [],
    }
)


def test_a_remark_grows_and_never_shrinks() -> None:
    shown = [remark_in(ANSWER[:n]) for n in range(len(ANSWER) + 1)]
    assert shown[0] == ""
    assert shown[-1] == 'Some ask for it, "most" do not.'
    assert all(b.startswith(a) for a, b in itertools.pairwise(shown))
    assert len(set(shown)) > 20


@pytest.mark.parametrize(
    "answer",
    [
        {"intent": "inform", "remark": "Nobody has asked."},
        {"intent": "question", "remark": "It costs 20 won."},
        {"intent": "question", "remark": "word " * 60},
        {"remark": "What it is, is not known yet.", "intent": "question"},
        ["question"],
    ],
)
def test_what_may_not_be_said_is_not_shown_either(answer: object) -> None:
    written = json.dumps(answer)
    cut = written.replace(', "intent": "question"}', "")
    assert remark_in(cut) == ""


def test_what_is_no_json_is_nothing() -> None:
    assert remark_in("Sorry") == ""

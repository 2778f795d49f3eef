"""The catalogue of lines, and how a line is chosen."""

from typing import Any

import numpy as np
import pytest

from lab.lines import load_lines, parse_lines
from lab.people import load_people
from lab.telephone.line import Line, LineConfig
from lab.tests.test_telephone_codecs import HAS_AMR
from realtime.audio.g711 import SILENCE_FRAME

LINES = load_lines()


def test_the_catalogue_has_the_lines_that_it_promises() -> None:
    assert set(LINES.conditions) == {
        "clean",
        "landline",
        "voip",
        "gsm",
        "amr",
        "speakerphone",
        "quiet",
        "street",
        "agc",
        "slips",
    }
    for name, one in LINES.conditions.items():
        assert one.line.condition == one.id == name
        assert one.description.endswith(".")
        assert one.source


def test_the_default_line_echoes_as_a_landline_does() -> None:
    assert LINES.default_id == "landline"
    assert LINES.default == LineConfig(
        condition="landline",
        echo_kind="hybrid",
        echo_loss_db=18,
        echo_delay_ms=180,
        noise_rms=30,
    )


def test_every_condition_but_the_clean_one_echoes() -> None:
    silent = [n for n, one in LINES.conditions.items() if one.line.echo_loss_db is None]
    assert silent == ["clean"]


@pytest.mark.parametrize("name", LINES.conditions)
def test_every_condition_carries_sound(name: str) -> None:
    line = LINES.conditions[name].line
    if line.codec == "amr" and not HAS_AMR:
        pytest.skip("PyAV is not installed: no AMR")
    quiet = np.zeros(160, np.int16)
    a, b = Line(line), Line(line)
    for _ in range(20):
        assert a.process(SILENCE_FRAME, quiet)[1] == b.process(SILENCE_FRAME, quiet)[1]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("speakerphone", {"condition": "speakerphone", "noise_rms": 60, "seed": 1}),
        ({"noise_rms": 7}, {"condition": "", "noise_rms": 7, "seed": 9}),
        ({}, {"condition": "", "seed": 9}),
        (
            {"condition": "gsm", "noise_rms": 7},
            {"condition": "gsm", "codec": "gsm", "noise_rms": 7, "seed": 1},
        ),
    ],
)
def test_a_line_is_named_or_changed_or_both(
    choice: Any, expected: dict[str, Any]
) -> None:
    line = LINES.choose(choice, LineConfig(seed=9)).as_dict()
    assert line.items() >= expected.items()


@pytest.mark.parametrize(
    "choice",
    ["cave", {"condition": 3}, {"condition": "gsm", "echo": 1}, {"noise_rms": [1]}, 5],
)
def test_a_line_that_is_none_is_refused(choice: Any) -> None:
    with pytest.raises(ValueError, match=r"condition|A line|noise_rms"):
        LINES.choose(choice, LineConfig())


def test_what_was_changed_is_told() -> None:
    assert LINES.changes(LINES.choose("gsm", LineConfig())) == {}
    changed = LINES.choose({"condition": "gsm", "noise_rms": 7}, LineConfig())
    assert LINES.changes(changed) == {"noise_rms": 7}
    assert LINES.changes(LineConfig(seed=4)) == {"seed": 4}


@pytest.mark.parametrize(
    ("default", "row"),
    [
        ("b", {"description": "", "source": "", "values": {}}),
        ("a", {"description": "", "source": "", "values": {"colour": 1}}),
        ("a", {"description": "", "source": "", "values": {"noise_rms": -1}}),
        ("a", {"description": "", "values": {}}),
        ("a", {"description": "", "source": ""}),
    ],
)
def test_a_catalogue_that_means_nothing_is_refused(
    default: str, row: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"[Ll]ine"):
        parse_lines({"default": default, "conditions": {"a": row}})


def test_everybody_has_a_line() -> None:
    for script in load_people().values():
        LINES.choose(script.line, LINES.default)

"""The scenarios are complete, and what is wrong with one is said."""

import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from chat import catalogue as module
from chat import checks
from chat.catalogue import FOLDER, CatalogueError, catalogue, fill, load

CATALOGUE = catalogue()
KINDS = {
    "reservation": {"restaurant", "salon", "hospital", "hotel", "other"},
    "inquiry": {"property", "business_hours", "availability", "other"},
    "service": {"appliance", "electronics", "repair", "other"},
}


def test_every_kind_of_call_is_there() -> None:
    for kind, names in KINDS.items():
        assert {f"{kind}_{name}" for name in names} <= set(CATALOGUE.scenarios)
    assert {"delivery", "government_office", "direct_call"} <= set(CATALOGUE.scenarios)


def test_a_kind_is_found_by_its_name() -> None:
    assert CATALOGUE.find("reservation").id == "reservation_other"  # type: ignore[union-attr]
    assert CATALOGUE.find("delivery").id == "delivery"  # type: ignore[union-attr]
    assert CATALOGUE.find("nonsense") is None


@pytest.mark.parametrize("scenario", CATALOGUE.scenarios.values(), ids=lambda s: s.id)
def test_a_goal_reads_well_however_much_is_known(scenario: module.Scenario) -> None:
    everything = {name: f"<{name}>" for name in scenario.fields} | {
        "callee": "<callee>"
    }
    required = {name: f"<{name}>" for name in scenario.required} | {
        "callee": "<callee>"
    }
    for language in module.LANGUAGES:
        full = fill(scenario.goal[language], everything)
        least = fill(scenario.goal[language], required)
        for name in scenario.required:
            assert f"<{name}>" in least, name
        for text in (full, least):
            assert "{" not in text
            assert "[" not in text
            assert " ." not in text
            assert "  " not in text
            assert text.endswith((".", ">"))
    # Everything that may be told has its place in the goal.
    for name in (*scenario.required, *scenario.optional):
        if CATALOGUE.fields[name].may_tell:
            assert f"<{name}>" in fill(scenario.goal["en"], everything), name


def test_braces_in_a_value_are_only_text() -> None:
    assert fill(("For {name}[ at {time}].",), {"name": "{time}", "time": "{x}"}) == (
        "For {time} at {x}."
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER, tmp_path / "scenarios")
    shutil.copy(FOLDER.with_name("fields.toml"), tmp_path)
    return tmp_path / "scenarios"


def test_adding_a_scenario_is_adding_a_file(folder: Path) -> None:
    text = (folder / "inquiry_other.toml").read_text(encoding="utf-8")
    (folder / "inquiry_lost.toml").write_text(text, encoding="utf-8")
    assert "inquiry_lost" in load(folder).scenarios


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"customer_name"]', '"customer_nam"]', "there is no field customer_nam"),
        ("{people} people", "{poeple} people", "the goal names poeple"),
        ('["other_time", ', '["panic", ', "fallback is made of"),
        ('kind = "reservation"', "", "kind and order are needed"),
        ('"date", "time"]]', '"date", "budget"]]', "together pairs required"),
        ("order = 10", "order = ", "reservation_restaurant.toml: "),
        ('ko = "자리 예약"', "", "purpose is needed in en and ko"),
    ],
)
def test_a_mistake_in_a_file_is_named(
    folder: Path, old: str, new: str, problem: str
) -> None:
    path = folder / "reservation_restaurant.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogueError) as wrong:
        load(folder)
    assert "reservation_restaurant.toml" in str(wrong.value)
    assert problem in str(wrong.value)


def test_a_mistake_stops_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "delivery.toml").write_text("", encoding="utf-8")
    (folder.parent / "fields.toml").write_text("[x]\n", encoding="utf-8")
    monkeypatch.setattr(checks, "catalogue", lambda: load(folder))
    with pytest.raises(SystemCheckError, match=r"chat\.E001"):
        call_command("check")

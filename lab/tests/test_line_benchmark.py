"""The benchmark of the line, on three of its calls."""

import numpy as np
import pytest

from benchmarks.line import judge, matrix
from benchmarks.scenes import Scene, make_call

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "scene",
    [
        Scene(seed=1, path="hybrid", erl_db=10, delay_ms=240),
        Scene(seed=2, path="handset", erl_db=20, delay_ms=450),
    ],
)
def test_a_call_brings_the_callees_words_and_none_of_ours(scene: Scene) -> None:
    result = judge(scene)
    assert result.echo_phrases == []
    assert result.lost_ms == 0
    assert result.understood["double"] == result.said["double"] > 0
    assert result.understood["single"] == result.said["single"]
    assert result.words_kept == 2
    assert result.first_kept >= 0.95 * result.first_frames > 0


def test_a_line_without_echo_keeps_everything() -> None:
    result = judge(Scene(seed=3, erl_db=None))
    assert result.understood == result.said
    assert result.lock_ms is None


def test_a_call_is_the_same_each_time() -> None:
    scene = Scene(seed=4, agc=True, slips=True, clip=0.5)
    one, other = make_call(scene), make_call(scene)
    assert np.array_equal(one.heard, other.heard)
    assert one.said == other.said


def test_the_matrix_covers_what_was_asked_for() -> None:
    scenes = matrix(quick=False)
    linear = scenes["linear"]
    assert len(linear) >= 200
    assert {s.path for s in linear} == {"hybrid", "handset", "speakerphone", "voip"}
    losses = [s.erl_db for s in linear if s.erl_db is not None]
    assert (min(losses), max(losses)) == (6, 30)
    assert min(s.delay_ms for s in linear) == 80
    assert max(s.delay_ms for s in linear) == 600
    seeds = [s.seed for group in scenes.values() for s in group]
    assert len(set(seeds)) == len(seeds)

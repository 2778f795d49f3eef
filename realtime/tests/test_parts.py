"""Small pure parts: the meter, the backlog, our own sentences."""

import numpy as np
import pytest

from realtime.config import ENGINE_HZ
from realtime.engines.translate import OUTPUT_LANGUAGES
from realtime.events import Line
from realtime.figures.meter import Meter
from realtime.sides import Backlog
from realtime.voice.lines import LINES, text_of


def test_percentiles_are_within_five_percent() -> None:
    meter = Meter()
    for ms in range(1, 1001):
        meter.add(ms / 10)
    assert meter.percentile(50) == pytest.approx(50, rel=0.06)
    assert meter.percentile(99) == pytest.approx(99, rel=0.06)
    assert meter.n == 1000


def test_a_meter_without_values_has_no_percentile() -> None:
    assert Meter().percentile(50) is None


def test_extremes_stay_in_range() -> None:
    meter = Meter()
    meter.add(0)
    meter.add(10**9)
    assert meter.n == 2


def test_a_backlog_keeps_order_and_counts_what_it_loses() -> None:
    backlog = Backlog(keep_ms=100)
    for i in range(15):
        backlog.append(np.full(ENGINE_HZ // 100, i, np.int16))
    kept = backlog.take()
    assert len(kept) == ENGINE_HZ // 10
    assert kept[0] == 5
    assert kept[-1] == 14
    assert backlog.lost_ms == 50
    assert len(backlog.take()) == 0


def test_every_language_that_can_be_spoken_has_every_sentence() -> None:
    assert set(LINES) == OUTPUT_LANGUAGES
    for language in OUTPUT_LANGUAGES:
        for line in set(Line) - {Line.RECEPTION}:  # that one is the line's own
            assert len(text_of(line, language)) >= 4

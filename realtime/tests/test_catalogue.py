"""What engines can do, cost, and how long they live."""

import dataclasses
from datetime import date

import pytest

from realtime.engines import catalogue
from realtime.engines.catalogue import (
    ABILITIES,
    SETTINGS,
    Model,
    Price,
    able,
    dying,
    parse,
    unpriced,
)
from realtime.engines.usage import Quantity, Role

TODAY = date(2026, 11, 21)
REALTIME = Price(
    text_in=0.6,
    text_cached=0.06,
    text_out=2.4,
    audio_in=10,
    audio_cached=0.3,
    audio_out=20,
)


def test_every_role_has_abilities_and_a_setting() -> None:
    assert set(ABILITIES) == set(SETTINGS) == set(Role)


def test_simultaneous_interpretation_comes_first_where_it_speaks_the_language() -> None:
    both = able(hears=True, speaks=True, translates=True, source="ko", target="en")
    assert both == (Role.TRANSLATE, Role.INTERPRET)


def test_what_cannot_be_heard_is_left_to_the_interpreter() -> None:
    found = able(hears=True, speaks=True, translates=True, source="ta", target="en")
    assert found == (Role.INTERPRET,)


def test_nobody_speaks_a_language_that_is_on_no_list() -> None:
    assert able(hears=True, speaks=True, translates=True, target="tlh") == ()


def test_who_needs_instructions_gets_no_simultaneous_interpreter() -> None:
    found = able(hears=True, speaks=True, translates=True, instructions=True)
    assert found == (Role.INTERPRET,)
    assert able(simultaneous=True, instructions=True) == ()


def test_typed_text_is_translated_by_one_and_spoken_by_another() -> None:
    assert able(reads=True, writes=True, translates=True) == (Role.TEXT,)
    assert able(reads=True, speaks=True)[0] is Role.SPEAK


def test_the_products_prices_are_those_of_the_fact_sheet() -> None:
    models = catalogue.catalogue().models
    per_minute = {
        id: m.price.audio_minute for id, m in models.items() if m.price.audio_minute
    }
    assert per_minute == {
        "gpt-realtime-translate": 0.034,
        "gpt-live-transcribe": 0.017,
        "gpt-realtime-whisper": 0.017,
        "gpt-transcribe": 0.0045,
        "gpt-live-1": 0.05,
    }
    assert dataclasses.replace(models["gpt-realtime-2.1-mini"].price) == REALTIME
    assert models["gpt-realtime"].shutdown == date(2027, 1, 20)
    assert catalogue.catalogue().media_stream_minute == 0.0044


def test_every_successor_lives() -> None:
    models = catalogue.catalogue().models
    for model in models.values():
        if model.instead:
            assert models[model.instead].shutdown is None, model.id


def test_sound_is_paid_by_the_minute() -> None:
    assert Price(audio_minute=0.034).of(Quantity(audio_s=90)) == pytest.approx(0.051)


def test_a_minute_each_way_costs_what_the_fact_sheet_says() -> None:
    # facts/openai.md 1: 600 tokens a minute in ($0.006), 1200 out ($0.024).
    assert REALTIME.of(Quantity(audio_in=600)) == pytest.approx(0.006)
    assert REALTIME.of(Quantity(audio_out=1200)) == pytest.approx(0.024)


def test_cached_tokens_are_cheaper_and_each_kind_has_its_own_price() -> None:
    used = Quantity(
        text_in=1_000_000, text_cached=1_000_000, text_out=1_000_000,
        audio_in=1_000_000, audio_cached=1_000_000, audio_out=1_000_000,
    )  # fmt: skip
    assert REALTIME.of(used) == pytest.approx(0.6 + 0.06 + 2.4 + 10 + 0.3 + 20)


def test_cached_tokens_without_a_price_of_their_own_cost_as_much_as_others() -> None:
    assert Price(text_in=2).of(Quantity(text_cached=500_000)) == 1.0


def test_what_has_no_price_has_no_sum() -> None:
    assert Price(text_in=2).of(Quantity(text_in=1, audio_out=1)) is None
    assert Price().of(Quantity(audio_s=1)) is None
    assert Price(free=True).of(Quantity(text_in=10**9)) == 0


def test_a_model_is_warned_about_from_the_sixtieth_day() -> None:
    last = date(2027, 1, 20)  # in 60 days
    assert dying(Model("m", shutdown=last), [Role.SPEAK], TODAY) is not None
    later = Model("m", shutdown=date(2027, 1, 21))
    assert dying(later, [Role.SPEAK], TODAY) is None
    assert dying(Model("m"), [Role.SPEAK], TODAY) is None


def test_the_warning_says_when_where_and_what_instead() -> None:
    model = Model("old", shutdown=date(2026, 12, 11), instead="new")
    trouble = dying(model, [Role.INTERPRET, Role.SPEAK], TODAY)
    assert trouble is not None
    assert trouble.text == (
        "old will be switched off in 20 days (2026-12-11): choose another one in"
        " OPENAI_REALTIME_MODEL (the provider names new)."
    )
    assert not trouble.is_fatal


def test_on_its_last_day_a_model_still_works_and_then_no_more() -> None:
    last = dying(Model("m", shutdown=TODAY), [Role.TEXT], TODAY)
    gone = dying(Model("m", shutdown=date(2026, 11, 20)), [Role.TEXT], TODAY)
    assert last is not None
    assert gone is not None
    assert "switched off today" in last.text
    assert "was switched off on 2026-11-20" in gone.text
    assert (last.is_fatal, gone.is_fatal) == (False, True)


def test_a_model_without_a_price_is_said_not_to_be_counted() -> None:
    trouble = unpriced(Model("mine"), [Role.TEXT])
    assert trouble is not None
    assert "mine (OPENAI_TEXT_MODEL)" in trouble.text
    assert unpriced(Model("m", Price(free=True)), [Role.TEXT]) is None


def test_an_entry_that_means_nothing_is_named() -> None:
    text = """
        found = 2026-11-20
        [telephone]
        media_stream_minute = 0.1
        [models.m]
        audio_hour = 3
    """
    with pytest.raises(ValueError, match="m: audio_hour means nothing"):
        parse(text)


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price(audio_minute=0.034), "$0.034 a minute"),
        (Price(text_in=0.1, text_out=0.5), "text $0.1 in, $0.5 out (1M tokens)"),
        (Price(free=True), "free"),
        (Price(), "unknown"),
    ],
)
def test_a_price_in_words(price: Price, words: str) -> None:
    assert str(price) == words

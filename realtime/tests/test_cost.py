"""What a call costs, added up by hand."""

from typing import Any

import numpy as np
import pytest

from realtime.engines import catalogue
from realtime.engines.interpret import Interpreter
from realtime.engines.transcribe import Transcriber
from realtime.engines.translate import Translation
from realtime.engines.usage import (
    Quantity,
    Role,
    Usage,
    of_realtime,
    of_responses,
    sound,
)
from realtime.events import Leg
from realtime.figures.cost import MEDIA_STREAM, TELEPHONE, CostMeter, Tariff
from realtime.protocols import openai_realtime as wire

PRICES = """
    found = 2026-11-20
    [telephone]
    media_stream_minute = 0.01
    [models.tongue]
    audio_minute = 0.06
    [models.pen]
    audio_minute = 0.03
    [models.voice]
    text_in = 1.0
    text_out = 4.0
    audio_in = 10.0
    audio_cached = 1.0
    audio_out = 20.0
"""
MODELS = {
    **dict.fromkeys(Role, "unheard of"),
    Role.TRANSLATE: "tongue",
    Role.TRANSCRIBE: "pen",
    Role.INTERPRET: "voice",
    Role.SPEAK: "voice",
}
ONE_MINUTE = np.zeros(60 * 24_000, np.int16)


def make_meter(telephone_minute: float = 0.0) -> CostMeter:
    return CostMeter(Tariff(MODELS, catalogue.parse(PRICES), telephone_minute))


def usage(text_in: int, audio_in: int, text_out: int, audio_out: int) -> dict[str, Any]:
    """Return what the provider sends when nothing is cached."""
    return {
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0},
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }


# --- What engines report -------------------------------------------------------------


def test_simultaneous_interpretation_is_paid_by_the_sound_it_is_given() -> None:
    engine = Translation(Leg.CALLER, "ko", "voice", "pen")
    engine.append(ONE_MINUTE)
    engine.append(ONE_MINUTE[: 12 * 24_000])
    assert engine.take_usage() == [
        Usage(Role.TRANSLATE, Quantity(audio_s=72)),
        Usage(Role.TRANSCRIBE, Quantity(audio_s=72)),
    ]
    assert engine.take_usage() == []


def test_writing_is_paid_by_the_sound_that_is_written() -> None:
    engine = Transcriber(Leg.CALLER, "ko", "pen")
    engine.append(ONE_MINUTE)
    engine.commit("u1")
    assert engine.take_usage() == [Usage(Role.TRANSCRIBE, Quantity(audio_s=60))]
    assert engine.take_usage() == []


def test_an_interpreter_by_turns_is_paid_by_tokens_and_its_captions_by_the_turn() -> (
    None
):
    engine = Interpreter(Leg.CALLER, "en", "ko", "voice", "pen")
    engine.append(ONE_MINUTE[: 3 * 24_000])
    assert engine.take_usage() == []  # it may still be given more
    engine.commit("u1")
    engine.append(ONE_MINUTE[:24_000])
    engine.commit("u2")
    done = {"id": "r1", "status": "completed", "usage": usage(7, 30, 9, 60)}
    engine.receive(wire.ServerEvent(type="response.done", response=done))
    assert engine.take_usage() == [
        Usage(Role.TRANSCRIBE, Quantity(audio_s=3)),
        Usage(Role.TRANSCRIBE, Quantity(audio_s=1)),
        Usage(
            Role.INTERPRET,
            Quantity(text_in=7, audio_in=30, text_out=9, audio_out=60),
        ),
    ]


def test_cached_tokens_are_taken_off_the_others() -> None:
    sent = usage(100, 1000, 0, 0)
    sent["input_token_details"] |= {
        "cached_tokens": 640,
        "cached_tokens_details": {"text_tokens": 40, "audio_tokens": 600},
    }
    found = of_realtime(Role.SPEAK, sent)
    assert found is not None
    assert found.quantity == Quantity(
        text_in=60, text_cached=40, audio_in=400, audio_cached=600
    )


def test_what_is_not_told_apart_counts_as_the_dearer_kind() -> None:
    found = of_realtime(Role.SPEAK, {"input_tokens": 10, "output_tokens": 5})
    assert found == Usage(Role.SPEAK, Quantity(audio_in=10, audio_out=5))
    sent = usage(100, 1000, 0, 0)
    sent["input_token_details"] |= {"cached_tokens": 300, "cached_tokens_details": None}
    found = of_realtime(Role.SPEAK, sent)
    assert found is not None
    # Cached text saves less than cached sound.
    assert found.quantity == Quantity(text_cached=100, audio_in=800, audio_cached=200)


@pytest.mark.parametrize(
    "sent",
    [
        {"input_tokens": "many"},
        {"input_tokens": -4, "output_token_details": [1]},
        {"input_token_details": {"cached_tokens": 50, "text_tokens": 3}},
        {"input_token_details": {"cached_tokens_details": {"audio_tokens": 9}}},
    ],
)
def test_nonsense_is_never_counted_below_zero(sent: dict[str, Any]) -> None:
    found = of_realtime(Role.SPEAK, sent)
    assert found is not None
    assert all(n >= 0 for n in found.quantity.tokens.values())


def test_without_usage_there_is_nothing_to_count() -> None:
    assert of_realtime(Role.SPEAK, None) is None
    assert of_responses(Role.TEXT, None) is None


def test_the_tokens_of_a_text_are_told_apart_by_the_cache() -> None:
    sent = {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 300},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 1050,
    }
    found = of_responses(Role.TEXT, sent)
    assert found is not None
    assert found.quantity == Quantity(
        text_in=100, text_cached=600, text_written=300, text_out=50
    )


# --- The bill ------------------------------------------------------------------------


def test_a_call_of_two_minutes_by_hand() -> None:
    meter = make_meter(telephone_minute=0.2)
    for _ in range(2):  # both directions
        meter.add([sound(Role.TRANSLATE, 110 * 24_000, 24_000)])
        meter.add([sound(Role.TRANSCRIBE, 110 * 24_000, 24_000)])
    greeting = of_realtime(Role.SPEAK, usage(100, 0, 50, 160))
    assert greeting is not None
    meter.add([greeting])
    for _ in range(115):
        meter.connected(1.0, has_stream=True)
    bill = {part.engine: part.usd for part in meter.parts()}
    assert bill == pytest.approx(
        {
            "translate": 220 / 60 * 0.06,
            "transcribe": 220 / 60 * 0.03,
            "speak": (100 * 1 + 50 * 4 + 160 * 20) / 1e6,
            TELEPHONE: 2 * 0.2,  # the second minute was begun
            MEDIA_STREAM: 2 * 0.01,
        }
    )
    assert meter.usd == pytest.approx(sum(v for v in bill.values() if v))
    assert meter.minutes == pytest.approx(115 / 60)


def test_nothing_used_costs_nothing() -> None:
    assert (make_meter().usd, make_meter().parts()) == (0, [])


def test_a_model_without_a_price_is_shown_without_one() -> None:
    meter = make_meter()
    meter.add([Usage(Role.AGENT, Quantity(text_in=1))])
    [part] = meter.parts()
    assert (part.engine, part.model, part.usd) == ("agent", "unheard of", None)
    assert meter.usd == 0


def test_a_minute_that_is_about_to_begin_can_be_foreseen() -> None:
    meter = make_meter(telephone_minute=0.2)
    assert meter.usd_after(10) == 0  # nobody has answered
    meter.connected(49, has_stream=True)
    assert meter.usd_after(10) == meter.usd == pytest.approx(0.21)
    meter.connected(2, has_stream=True)
    assert meter.usd == pytest.approx(0.21)
    assert meter.usd_after(10) == pytest.approx(0.42)


def test_a_call_without_its_stream_pays_the_telephone_only() -> None:
    meter = make_meter(telephone_minute=0.2)
    meter.connected(30, has_stream=False)
    assert [part.engine for part in meter.parts()] == [TELEPHONE]


def test_a_bill_is_taken_up_where_it_was_left() -> None:
    first = make_meter(telephone_minute=0.2)
    first.add([sound(Role.TRANSLATE, 90 * 24_000, 24_000)])
    first.add([Usage(Role.SPEAK, Quantity(text_in=70, audio_out=900))])
    first.connected(61, has_stream=True)
    second = make_meter(telephone_minute=0.2)
    second.restore([part.as_dict() for part in first.parts()])
    assert second.parts() == first.parts()
    assert second.usd == first.usd


def test_a_bill_goes_on_when_a_model_was_changed_meanwhile() -> None:
    meter = make_meter()
    meter.restore([{"engine": "translate", "model": "pen", "seconds": 60}])
    meter.add([sound(Role.TRANSLATE, 60 * 24_000, 24_000)])
    assert {part.model: part.usd for part in meter.parts()} == pytest.approx(
        {"pen": 0.03, "tongue": 0.06}
    )


def test_what_means_nothing_in_a_stored_bill_is_left_out() -> None:
    meter = make_meter()
    meter.restore(
        [
            {"engine": "fortune teller", "seconds": 60},
            {"engine": "speak", "model": "voice", "tokens": {"eyes": 4}},
        ]
    )
    assert meter.usd == 0

"""Which engine listens to whom, and which calls are possible at all."""

import pytest

from realtime.engines.choice import (
    CALLEE_LANGUAGES,
    CALLER_LANGUAGES,
    EngineKind,
    choose,
    engine_for,
    fallback,
    rungs_for,
    supports,
)
from realtime.engines.translate import OUTPUT_LANGUAGES
from realtime.events import Leg

TRANSLATE, INTERPRET = EngineKind.TRANSLATE, EngineKind.INTERPRET
TRANSCRIBE = EngineKind.TRANSCRIBE
MODES = ("voice", "captions", "text", "agent")


def engines(mode: str, caller: str, callee: str) -> tuple[EngineKind | None, ...]:
    return (
        choose(mode, Leg.CALLER, caller, callee),
        choose(mode, Leg.CALLEE, callee, caller),
    )


@pytest.mark.parametrize(
    ("mode", "caller", "callee", "expected"),
    [
        ("voice", "en", "ko", (TRANSLATE, TRANSLATE)),
        ("captions", "en", "ko", (TRANSLATE, TRANSLATE)),
        ("text", "en", "ko", (None, TRANSLATE)),
        ("agent", "en", "ko", (None, None)),
        # What the one cannot speak, the other one can.
        ("voice", "th", "ko", (TRANSLATE, INTERPRET)),
        ("text", "th", "ko", (None, INTERPRET)),
        # What none can speak is written down at least.
        ("voice", "km", "ko", (TRANSLATE, TRANSCRIBE)),
        # Nothing to translate.
        ("voice", "ko", "ko", (TRANSCRIBE, TRANSCRIBE)),
        ("captions", "ko", "ko", (TRANSCRIBE, TRANSCRIBE)),
        ("text", "ko", "ko", (None, TRANSCRIBE)),
        ("agent", "ko", "ko", (None, None)),
    ],
)
def test_each_leg_gets_the_engine_that_the_mode_and_the_languages_ask_for(
    mode: str, caller: str, callee: str, expected: tuple[EngineKind | None, ...]
) -> None:
    assert engines(mode, caller, callee) == expected


def test_the_preferred_engine_is_taken_where_it_can_serve() -> None:
    assert choose("voice", Leg.CALLER, "en", "ko", INTERPRET) is INTERPRET
    assert choose("voice", Leg.CALLER, "en", "th", TRANSLATE) is INTERPRET
    assert choose("voice", Leg.CALLER, "ko", "ko", INTERPRET) is TRANSCRIBE


def test_an_engine_outlives_a_change_of_mode() -> None:
    assert choose("text", Leg.CALLER, "en", "ko") is None
    assert engine_for("en", "ko", TRANSLATE) is TRANSLATE
    assert engine_for("ko", "ko", TRANSLATE) is TRANSCRIBE
    assert engine_for("en", "km", INTERPRET) is TRANSCRIBE


def test_the_ladder_has_an_end() -> None:
    kinds = list(EngineKind)
    assert [fallback(kind) for kind in kinds] == [*kinds[1:], None]


def test_an_unknown_mode_is_nobodys_mode() -> None:
    with pytest.raises(KeyError):
        choose("telepathy", Leg.CALLER, "en", "ko")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("caller", "callee", "can"),
    [
        ("en", "ko", True),
        ("ko", "vi", True),
        ("ko", "ko", True),
        ("th", "ko", True),
        ("mn", "ko", True),
        ("en", "th", False),  # the system has no sentences in Thai
        ("th", "th", False),
        ("km", "ko", False),
        ("", "ko", False),
        ("EN", "ko", False),
        ("en", "zh-TW", False),
    ],
)
def test_only_what_is_complete_is_offered(
    mode: str, caller: str, callee: str, can: bool
) -> None:
    assert supports(mode, caller, callee) is can


def test_a_callee_may_speak_every_language_that_can_be_spoken_at_once() -> None:
    assert CALLEE_LANGUAGES == OUTPUT_LANGUAGES
    assert CALLER_LANGUAGES > CALLEE_LANGUAGES


def test_every_language_has_something_to_fall_back_on() -> None:
    everything = tuple(EngineKind)
    assert rungs_for("en", "ko", TRANSLATE) == everything
    assert rungs_for("en", "ko", INTERPRET) == everything[1:]
    assert rungs_for("en", "th", INTERPRET) == everything[1:]  # read out as well
    assert rungs_for("ko", "ko", TRANSCRIBE) == (TRANSCRIBE, EngineKind.FILE)

"""Which numbers are dialled, and what is said about the others."""

import pytest
from pytest_django import Settings

from calls.numbers import EMERGENCY, NumberRefused, normalise
from calls.reasons import REFUSALS


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("+8225550101", "+8225550101"),
        ("+82 2-555-0101", "+8225550101"),
        (" +82 (2) 555 0101 ", "+8225550101"),
        ("＋８２２５５５０１０１", "+8225550101"),
        ("+821012345678", "+821012345678"),
        ("+82 1588 1234", "+8215881234"),  # a nationwide company number
        ("+81 570 064 000", "+81570064000"),  # an office's navi-dial
        ("+49 180 1234567", "+491801234567"),  # shared cost, capped by law
        ("+82 80 123 4567", "+82801234567"),  # free of charge
        ("+12125550123", "+12125550123"),
    ],
)
def test_it_dials_ordinary_numbers(typed: str, dialled: str) -> None:
    assert normalise(typed) == dialled


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "invalid_number"),
        ("hello", "invalid_number"),
        ("02-555-0101", "invalid_number"),  # whose 02? a guess might dial a stranger
        ("0082225550101", "invalid_number"),
        ("+82 2 55", "short_number"),
        ("+8200000000000", "invalid_number"),
        ("+82255501019999", "invalid_number"),
        ("+999123456789", "invalid_number"),
        ("+82 2 555 0101 ext. 4", "invalid_number"),
        ("+1202555FLOWERS", "invalid_number"),
        ("+" + "8" * 60, "invalid_number"),
        ("+82\x002555 0101", "invalid_number"),
        ("sip:+8225550101@example.org", "invalid_number"),
        ("+82 1330", "short_number"),  # the tourist hotline
        ("+49 19222", "short_number"),
        ("+1 876 234 5678", "country_not_allowed"),  # Jamaica shares +1
        ("+7 495 123 45 67", "country_not_allowed"),
        ("+881 612 345 678", "country_not_allowed"),  # a satellite telephone
        ("+82 60 700 1234", "premium_number"),
        ("+1 900 555 1234", "premium_number"),
        ("+44 70 1234 5678", "premium_number"),  # a "personal number"
        ("+12025550100", "own_number"),
    ],
)
def test_it_refuses_the_rest(typed: str, code: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        normalise(typed)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("119", "emergency_number_kr"),
        ("1 1 9", "emergency_number_kr"),
        ("112", "emergency_number_kr"),
        ("+82119", "emergency_number_kr"),
        ("+82 112", "emergency_number_kr"),
        ("+82 2 119", "emergency_number_kr"),  # with Seoul's area code
        ("+82 31-119", "emergency_number_kr"),
        ("911", "emergency_number_us"),
        ("+1911", "emergency_number_us"),
        ("+1 988", "emergency_number_us"),
        ("110", "emergency_number_jp"),
        ("+81 119", "emergency_number_jp"),
        ("999", "emergency_number_gb"),
        ("+44 999", "emergency_number_gb"),
        ("+49112", "emergency_number"),
        ("+33 15", "emergency_number"),
        ("+86120", "emergency_number"),
    ],
)
def test_it_says_what_to_do_instead_of_an_emergency_call(typed: str, code: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        normalise(typed)
    assert refused.value.code == code


@pytest.mark.parametrize("number", sorted(EMERGENCY))
def test_no_emergency_number_is_ever_dialled(number: str) -> None:
    for typed in (
        number,
        f"+82{number}",
        f"+1{number}",
        f"+44{number}",
        f"+81{number}",
    ):
        with pytest.raises(NumberRefused) as refused:
            normalise(typed)
        assert refused.value.code.startswith("emergency_number")


def test_numbers_that_only_begin_like_one_are_dialled() -> None:
    assert normalise("+82 2 1199 0000".replace("1199", "2199")) == "+82221990000"
    assert normalise("+1 212 911 2345") == "+12129112345"


def test_the_operator_chooses_the_countries(settings: Settings) -> None:
    settings.CALL_ALLOWED_COUNTRIES = ["DE"]
    with pytest.raises(NumberRefused, match="country_not_allowed"):
        normalise("+8225550101")
    assert normalise("+49 30 901820") == "+4930901820"


def test_every_refusal_has_a_sentence_for_its_field(language: str) -> None:
    for code, refusal in REFUSALS.items():
        assert str(refusal.sentence).strip(), code
        if code.endswith("_number") or code.startswith("emergency"):
            assert (refusal.http_status, refusal.field) == (422, "to_number")

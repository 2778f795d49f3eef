"""Keys that are pressed for the caller."""

import pytest

from calls.twilio import MAX_DIGITS
from realtime.config import KeysConfig
from realtime.line import keys
from realtime.line.keys import Keys, State, Told, duration_ms

CONFIG = KeysConfig()


def sending(digits: str = "12") -> Keys:
    """Return keys that are on their way since 500."""
    sender = Keys(CONFIG)
    sender.press(digits, 0)
    told, to_send = sender.tick(CONFIG.collect_ms)
    assert (told, to_send) == ([Told(digits, "sending")], digits)
    return sender


def test_keys_that_come_close_together_are_sent_together() -> None:
    sender = Keys(CONFIG)
    assert sender.press("1", 0) == [Told("1", "queued")]
    sender.press("2", 400)
    assert sender.tick(600) == ([], "")
    assert sender.due_ms == 900
    told, to_send = sender.tick(900)
    assert to_send == "12"
    assert told == [Told("1", "sending"), Told("2", "sending")]


def test_the_gap_is_measured_and_told() -> None:
    sender = sending()
    assert sender.is_restreaming is True
    sender.stream_stopped(700)
    sender.stream_stopped(720)
    assert sender.stream_started(1700) == [Told("12", "sent")]
    assert sender.gap_ms == 1000
    assert sender.state is State.IDLE
    assert sender.due_ms is None


def test_a_new_stream_before_the_old_one_stops_is_no_gap() -> None:
    sender = sending()
    sender.stream_started(900)
    assert sender.gap_ms == 0


def test_what_is_pressed_meanwhile_is_the_next_batch() -> None:
    sender = sending()
    assert sender.press("3", 600) == [Told("3", "queued")]
    assert sender.tick(5000) == ([], "")
    sender.stream_stopped(700)
    assert sender.stream_started(5100) == [Told("12", "sent")]
    assert sender.state is State.COLLECTING
    assert sender.tick(5600) == ([Told("3", "sending")], "3")


def test_what_the_company_refuses_has_failed_and_is_not_sent_again() -> None:
    sender = sending()
    assert sender.refused(900) == [Told("12", "failed")]
    assert sender.tick(100_000) == ([], "")
    assert sender.refused(900) == []


def test_a_stream_that_does_not_come_back_is_not_waited_for_for_ever() -> None:
    sender = sending()
    sender.stream_stopped(700)
    due = sender.due_ms
    assert due == 500 + 2 * CONFIG.key_ms + CONFIG.patience_ms
    assert sender.tick(due - 20) == ([], "")
    assert sender.tick(due) == ([Told("12", "failed")], "")
    assert not sender.is_restreaming
    assert sender.stream_started(due + 1000) == []


def test_a_batch_is_never_longer_than_the_company_takes() -> None:
    assert CONFIG.most_digits == MAX_DIGITS
    sender = Keys(CONFIG)
    for digits in ("1" * 20, "2" * 20):
        sender.press(digits, 0)
    assert sender.tick(500)[1] == "1" * 20
    sender.stream_started(600)
    assert sender.tick(1100)[1] == "2" * 20


def test_streams_that_come_and_go_by_themselves_mean_nothing() -> None:
    sender = Keys(CONFIG)
    sender.stream_stopped(100)
    assert sender.stream_started(900) == []
    assert sender.gap_ms is None


@pytest.mark.parametrize(("digits", "ms"), [("1", 250), ("1w2", 1000), ("w", 500)])
def test_how_long_keys_take(digits: str, ms: int) -> None:
    assert duration_ms(digits, CONFIG) == ms


def test_the_states_are_those_of_the_theory() -> None:
    text = keys.__doc__ or ""
    assert all(state.value in text for state in State)

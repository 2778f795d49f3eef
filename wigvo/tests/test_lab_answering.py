"""Who answers, and what is done about it: through a real server and the lab."""

import json
import time
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from wigvo.tests.people import Person, eventually

pytestmark = pytest.mark.scenes

VOICEMAIL = "+8225550121"
MENU = "+8225550122"
SCREENING = "+8225550123"
FAX = "+8225550124"
SILENCE = "+8225550125"
HOLD = "+8225550126"
PICKED_UP = "+8225550127"
NO_NUMBER = "+8225550128"


def read(
    socket: ClientConnection, seen: list[dict[str, Any]], wanted: Any, timeout_s: float
) -> dict[str, Any]:
    """Read messages, as a client that sends silence, until one is wanted."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        frame = socket.recv(timeout=max(0.01, deadline - time.monotonic()))
        if not isinstance(frame, str):
            continue
        message: dict[str, Any] = json.loads(frame)
        seen.append(message)
        if wanted(message):
            return message
    raise AssertionError(f"not within {timeout_s} s; {[m['type'] for m in seen]}")


def is_answered(kind: str) -> Any:
    return lambda m: m["type"] == "answered_by" and m["kind"] == kind


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (VOICEMAIL, "voicemail", "voicemail"),
        (FAX, "fax", "fax"),
        (NO_NUMBER, "unknown", "invalid_number"),
    ],
)
def test_where_nobody_can_be_reached_the_call_ends_and_says_why(
    alice: Person, number: str, kind: str, reason: str
) -> None:
    call = alice.call(number)
    ended = eventually(lambda: alice.see(call["id"]), lambda c: c["reason"], 40)
    assert (ended["status"], ended["reason"]) == ("completed", reason)
    assert (ended["answered_by"], ended["outcome"]) == (kind, "unreachable")
    assert ended["reason_text"] in alice.page(f"/calls/{call['id']}/")
    [dialled] = alice.dialled(call["id"])
    # At most the beginning of our greeting, which waits for nobody for long.
    assert not any(one["phrase_id"] for one in dialled["heard"])


def test_a_message_is_left_after_the_beep_in_their_language(alice: Person) -> None:
    message = "This is John Smith. Please ring me about my booking on Thursday."
    answer = alice.try_to_call(
        VOICEMAIL, on_voicemail="leave_message", voicemail_message=message
    )
    call_id = answer.json()["id"]
    ended = eventually(lambda: alice.see(call_id), lambda c: c["reason"], 60)
    assert (ended["reason"], ended["outcome"]) == ("voicemail_left", "callback_needed")
    [dialled] = alice.dialled(call_id)
    [recorded] = [o["recorded"] for o in dialled["script"]["outcomes"]]
    assert recorded == ["voicemail_message"]


def test_into_dead_air_it_is_asked_whether_anybody_is_there(alice: Person) -> None:
    call = alice.call(SILENCE)
    with alice.attach(call["id"]) as socket:
        read(socket, [], is_answered("silence"), 25)
        assert alice.see(call["id"])["status"] == "in_progress"
        ended = eventually(lambda: alice.see(call["id"]), lambda c: c["reason"], 60)
    assert (ended["status"], ended["reason"]) == ("completed", "silence")
    assert ended["outcome"] == "unreachable"
    [dialled] = alice.dialled(call["id"])
    heard = [one["phrase_id"] for one in dialled["heard"]]
    assert heard[-3:] == ["silence_anybody"] * 2 + ["silence_nobody"]


def test_who_picks_up_late_is_a_person_after_all(alice: Person) -> None:
    leaves = {"on_voicemail": "leave_message", "voicemail_message": "Call me back."}
    call = alice.try_to_call(PICKED_UP, **leaves).json()
    seen: list[dict[str, Any]] = []
    with alice.attach(call["id"]) as socket:
        try:
            read(socket, seen, is_answered("person"), 40)
        except AssertionError:
            pytest.fail(f"{[m for m in seen if m['type'] == 'answered_by']}")
    assert alice.see(call["id"])["status"] in ("in_progress", "completed")


def is_desk(message: dict[str, Any]) -> bool:
    return "분실물 담당자" in message.get("original", "")


def test_keys_lead_through_the_menu_and_the_call_goes_on(alice: Person) -> None:
    call = alice.call(MENU)
    seen: list[dict[str, Any]] = []
    with alice.attach(call["id"]) as socket:
        read(socket, seen, is_answered("menu"), 40)
        socket.send(json.dumps({"type": "dtmf", "digits": "9"}))
        read(socket, seen, lambda m: m["type"] == "recovery", 15)
        socket.send(json.dumps({"type": "dtmf", "digits": "2"}))
        read(socket, seen, lambda m: m["type"] == "recovery", 15)
        states = [m["state"] for m in seen if m["type"] == "dtmf_status"]
        assert states == ["queued", "sending", "sent"] * 2
        gaps = [m["gap_ms"] for m in seen if m["type"] == "recovery"]
        assert len(gaps) == 2
        assert max(gaps) < 250 + 1000
        read(socket, seen, is_answered("person"), 30)
        if not any(is_desk(m) for m in seen):
            read(socket, seen, is_desk, 15)
        assert not [m for m in seen if m["type"] == "ended"]
    [dialled] = alice.dialled(call["id"])
    assert dialled["keys_heard"] == ["9", "2"]
    assert len(dialled["streams"]) == 3
    assert [o["heard"] for o in dialled["script"]["outcomes"][:2]] == ["9", "2"]
    assert alice.see(call["id"])["status"] == "in_progress"


def test_a_shop_that_lets_us_wait_is_told_and_so_is_its_return(alice: Person) -> None:
    answer = alice.try_to_call(HOLD, mode="captions")
    assert answer.status_code == 200
    call_id = answer.json()["id"]
    with alice.attach(call_id) as socket:
        # They are silent where an answer is due, ask again, and go on by themselves.
        read(socket, [], lambda m: m["type"] == "hold" and m["active"], 110)
        read(socket, [], lambda m: m["type"] == "hold" and not m["active"], 60)


def test_screening_is_told(alice: Person) -> None:
    call = alice.call(SCREENING)
    with alice.attach(call["id"]) as socket:
        read(socket, [], is_answered("screening"), 30)


def test_the_verdict_on_a_person_comes_within_three_seconds(alice: Person) -> None:
    """Measured on the call's own clock, over several calls."""
    taken = []
    for number in ("+8225550102", "+8225550101", "+8225550110"):
        call = alice.call(number)
        with alice.attach(call["id"]) as socket:
            read(socket, [], is_answered("person"), 40)
        taken.append(call["id"])
        alice.post(f"/relay/calls/{call['id']}/end")
    assert eventually(
        lambda: [alice.see(one)["answered_by"] for one in taken],
        lambda kinds: set(kinds) == {"person"},
    )

"""What is said first, and whether it may be recorded: through a server and the lab."""

from pathlib import Path

import pytest

from wigvo.tests.people import RESTAURANT, Person, eventually
from wigvo.tests.test_lab_answering import read

pytestmark = pytest.mark.scenes

NO_RECORDING = "+8225550151"
OWN = "This is Park Seo-yeon. I cannot hear, so I read what you say."
THEIRS = "박서연입니다. 듣지 못해서 말씀을 글로 읽습니다."


def files(person: Person) -> set[Path]:
    """List the recordings that are kept."""
    media = Path(person.stack.environment["MEDIA_ROOT"])
    return set(media.glob("recordings/*"))


def test_the_callee_hears_who_calls_and_then_that_an_ai_interprets(
    alice: Person,
) -> None:
    call = alice.try_to_call(RESTAURANT, opening=OWN).json()
    with alice.attach(call["id"]) as socket:
        # They answer the greeting: they have heard it, and know what it is.
        read(
            socket,
            [],
            lambda m: m["type"] == "caption" and m["leg"] == "callee"
            and "restaurant" in m["translation"].casefold(),
            40,
        )  # fmt: skip
    alice.hang_up()
    ended = eventually(lambda: alice.see(call["id"]), lambda c: c["ended_at"], 20)
    [told] = [t for t in ended["told"] if t["line"] == "greeting"]
    assert told["text"].startswith(THEIRS)
    assert told["text"].endswith("평소처럼 말씀해 주세요.")
    assert (told["language"], told["is_complete"]) == ("ko", True)
    assert told["started_ms"] < 8000  # they say hello first
    [dialled] = alice.dialled(call["id"])
    heard = [one["phrase_id"] for one in dialled["heard"]]
    assert "opening_interpreter" in heard
    assert "greeting_disclosure" not in heard
    page = alice.page(f"/calls/{call['id']}/")
    assert THEIRS in page
    assert OWN in page


def test_who_does_not_want_to_be_recorded_is_not(alice: Person) -> None:
    before = files(alice)
    call = alice.try_to_call(NO_RECORDING, record=True).json()
    with alice.attach(call["id"]) as socket:
        warned = read(socket, [], lambda m: m["type"] == "warning", 45)
        assert warned["code"] == "recording_refused"
    ended = eventually(lambda: alice.see(call["id"]), lambda c: c["ended_at"], 40)
    assert ended["recording"]["state"] == "deleted"
    assert ended["recording"]["url"] is None
    assert ended["recording_consent"]["answer"] == "no"
    answered_in = ended["recording_consent"]["utterance_id"]
    [utterance] = [u for u in ended["utterances"] if u["utterance_id"] == answered_in]
    assert "녹음은 하지 말아" in utterance["original"]
    assert [t["line"] for t in ended["told"]][:3] == [
        "greeting",
        "recording",
        "recording_off",
    ]
    [dialled] = alice.dialled(call["id"])
    assert "consent_off" in [one["phrase_id"] for one in dialled["heard"]]
    assert files(alice) <= before

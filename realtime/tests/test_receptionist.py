"""The receptionist between the sentences: messages, goodbyes, transfers."""

from typing import Any

import pytest

from realtime.agent.agent import State
from realtime.agent.brief import Brief
from realtime.agent.messages import (
    Ask,
    GiveOutput,
    Greeted,
    HangUp,
    Heard,
    LeaveUnanswered,
    LineChanged,
    PutThrough,
    Remember,
    Respond,
    Said,
    SayLine,
    StoreResult,
    TakenOver,
    TransferTried,
)
from realtime.config import AgentConfig
from realtime.events import Line
from realtime.reception.incoming import Reception
from realtime.reception.receptionist import Receptionist
from realtime.tests.test_agent import TODAY, Desk

LINE = Reception(line="한강 미용실", may_transfer=True, caller_number="+8225550141")


class Counter(Desk):
    """A receptionist, the time, and everything it wanted."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        reception = Reception(**{"line": "x", **changes}) if changes else LINE
        self.agent = Receptionist(Brief(), AgentConfig(), TODAY, reception)
        self.tell(Greeted("agent1", "안녕하세요, 한강 미용실입니다."))

    def result(self) -> dict[str, Any]:
        return [a for a in self.done if isinstance(a, StoreResult)][-1].result

    def of(self, kind: type[Any]) -> list[Any]:
        return [a for a in self.done if isinstance(a, kind)]


@pytest.fixture
def desk() -> Counter:
    return Counter()


def test_the_greeting_is_ours_and_the_model_knows_it(desk: Counter) -> None:
    assert desk.is_in(State.WORKING)
    assert desk.of(Remember) == [
        Remember("assistant", "안녕하세요, 한강 미용실입니다.")
    ]
    assert not desk.of(Respond)  # it waits for what they want
    desk.hear("u1", "예약하고 싶은데요.")
    assert [r.utterance_ids for r in desk.of(Respond)] == [("u1",)]


# --- Messages ---


def test_a_message_is_kept_with_where_it_was_told(desk: Counter) -> None:
    desk.hear("u1", "민수라고 합니다. 전화 좀 달라고 해 주세요.")
    desk.call("take_message", name="민수", message="전화 좀 달라고", urgency="high")
    [row] = desk.result()["messages"]
    assert row == {
        "name": "민수",
        "message": "전화 좀 달라고",
        "number": "+8225550141",  # they gave none: where they call from
        "urgency": "high",
        "utterance_id": "u1",
    }
    assert desk.agent.outcome == "success"
    desk.call("take_message", name="민수", message="내일", number="+8225550101")
    [row] = desk.result()["messages"]
    assert (row["message"], row["number"]) == ("내일", "+8225550101")


def test_without_anything_told_nothing_is_known(desk: Counter) -> None:
    desk.hear("u1", "영업시간이 어떻게 되나요?")
    outcomes: list[str] = [desk.agent.outcome]
    desk.call("collect_info", name="stylist", value="아무나")
    outcomes.append(desk.agent.outcome)
    desk.call("schedule_callback", who="owner", when="tomorrow", reason="price")
    outcomes.append(desk.agent.outcome)
    assert outcomes == ["unknown", "partial", "callback_needed"]


def test_after_a_restart_it_knows_the_message() -> None:
    before = Counter()
    before.hear("u1", "전화 좀 달라고 해 주세요.")
    before.call("take_message", name="민수", message="전화 좀 달라고")
    after = Counter(line="x")
    after.agent = Receptionist(Brief(), AgentConfig(), TODAY, LINE)
    after.agent.resume((Said("user", "u1", "전화 좀."),), before.result())
    assert after.is_in(State.WORKING)  # it does not greet again
    assert after.agent.outcome == "success"
    assert after.agent.result()["messages"] == before.result()["messages"]


# --- Goodbyes ---


def test_their_goodbye_ends_the_call_if_the_model_does_not(desk: Counter) -> None:
    desk.hear("u1", "네, 알겠습니다. 안녕히 계세요.")
    assert not [a for a in desk.wait(2.9) if isinstance(a, HangUp)]
    desk.wait(0.2)
    assert desk.of(HangUp) == [HangUp("unknown", "goodbye_said", Line.FAREWELL)]
    assert desk.is_in(State.OVER)
    assert desk.result()["reason"] == "They said goodbye."


def test_the_models_own_end_is_waited_for(desk: Counter) -> None:
    desk.hear("u1", "대화 종료할게요.")
    desk.wait(1)
    desk.call("end_call", outcome="success", reason="They had a question.")
    desk.say("감사합니다. 안녕히 계세요.")
    desk.wait(5)
    assert [a.reason for a in desk.of(HangUp)] == ["agent_finished"]


def test_a_model_that_only_says_goodbye_is_not_repeated(desk: Counter) -> None:
    desk.hear("u1", "감사합니다. 끊을게요.")
    desk.say("네, 감사합니다. 안녕히 계세요.")
    desk.wait(4)
    assert desk.of(HangUp) == [HangUp("unknown", "goodbye_said", None)]


def test_what_is_being_said_is_heard_to_its_end(desk: Counter) -> None:
    desk.hear("u1", "Goodbye.")
    desk.tell(LineChanged(is_playing=True, is_callee_speaking=False))
    desk.wait(8)
    assert not desk.of(HangUp)
    desk.tell(LineChanged(is_playing=False, is_callee_speaking=False))
    desk.wait(0.1)
    assert len(desk.of(HangUp)) == 1


def test_words_that_come_piece_by_piece_are_read_again(desk: Counter) -> None:
    desk.hear("u1", "Goodbye")
    desk.wait(1)
    desk.tell(Heard("callee", "u1", "Goodbye is what the sign says"))
    desk.wait(5)
    assert not desk.of(HangUp)
    desk.hear("u2", "Bye")
    desk.wait(1)
    desk.tell(Heard("callee", "u2", "Bye."))
    desk.wait(2.1)
    assert len(desk.of(HangUp)) == 1


def test_whoever_goes_on_after_a_goodbye_is_listened_to(desk: Counter) -> None:
    desk.hear("u1", "안녕히 계세요.")
    desk.wait(1)
    desk.hear("u2", "아, 잠깐만요. 주차는 되나요?")
    desk.wait(5)
    assert not desk.of(HangUp)
    assert desk.is_in(State.WORKING)
    desk.hear("u3", "네. 안녕히 계세요.")
    desk.wait(4)
    assert len(desk.of(HangUp)) == 1


# --- Putting through ---


def test_they_hear_it_before_they_are_put_through(desk: Counter) -> None:
    desk.hear("u1", "사람하고 통화하고 싶어요.")
    desk.call("transfer", reason="They want a person.")
    assert desk.of(SayLine) == [SayLine(Line.TRANSFER)]
    desk.tell(LineChanged(is_playing=True, is_callee_speaking=False))
    desk.wait(3)
    assert not desk.of(PutThrough)
    desk.tell(LineChanged(is_playing=False, is_callee_speaking=False))
    desk.wait(0.1)
    assert len(desk.of(PutThrough)) == 1
    desk.hear("u2", "여보세요?")
    assert desk.of(LeaveUnanswered)[-1].utterance_ids == ("u2",)
    desk.tell(TransferTried(is_done=True))
    assert desk.is_in(State.OVER)
    assert desk.result()["transfer"] == "They want a person."
    assert desk.agent.outcome == "partial"


def test_a_sentence_of_its_own_about_it_is_enough(desk: Counter) -> None:
    desk.hear("u1", "담당자 바꿔 주세요.")
    desk.call("transfer", said="네, 연결해 드릴게요.", reason="x")
    assert not desk.of(SayLine)


def test_if_it_cannot_be_done_a_message_is_taken(desk: Counter) -> None:
    desk.hear("u1", "담당자 바꿔 주세요.")
    desk.call("transfer", reason="x")
    desk.wait(1)
    desk.tell(TransferTried(is_done=False))
    assert desk.is_in(State.WORKING)
    [output] = [a for a in desk.of(GiveOutput) if "transferred" in a.output]
    assert output.is_answered
    assert "message" in output.output
    desk.call("take_message", name="Kim", message="Call me.")
    assert desk.result()["transfer"] == ""
    assert desk.agent.outcome == "success"


def test_a_question_that_is_open_is_not_waited_for(desk: Counter) -> None:
    desk.hear("u1", "가격이요?")
    desk.call("ask_owner", question="Price?")
    assert len(desk.of(Ask)) == 1
    desk.call("transfer", reason="x")
    desk.wait(1)
    assert len(desk.of(PutThrough)) == 1
    assert desk.agent.pending_question(desk.now) is None


def test_the_owner_can_take_over_before_it(desk: Counter) -> None:
    desk.hear("u1", "담당자 바꿔 주세요.")
    desk.call("transfer", reason="x")
    desk.tell(TakenOver())
    assert desk.is_in(State.AWAY)
    desk.wait(20)
    assert not desk.of(PutThrough)


def test_a_line_without_a_number_puts_nobody_through() -> None:
    desk = Counter(line="x", may_transfer=False)
    desk.hear("u1", "담당자 바꿔 주세요.")
    desk.call("transfer", reason="x")
    assert desk.is_in(State.WORKING)
    assert "no tool transfer" in desk.of(GiveOutput)[-1].output

"""The playout buffer: everything is played once, in order, or cleared."""

from hypothesis import given
from hypothesis import strategies as st

from lab.telephone.playout import MAX_QUEUED_BYTES, Playout


def test_silence_is_played_while_nothing_waits() -> None:
    assert Playout().take() == (b"\xff" * 160, [])


def test_a_short_rest_is_filled_up_with_silence() -> None:
    playout = Playout()
    playout.push(b"\x01" * 100)
    assert playout.take()[0] == b"\x01" * 100 + b"\xff" * 60


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=500).map(lambda data: ("push", data)),
            st.text(max_size=3).map(lambda name: ("mark", name)),
            st.just(("take", b"")),
        ),
        max_size=60,
    )
)
def test_audio_and_marks_come_out_in_the_order_they_went_in(
    steps: list[tuple[str, bytes | str]],
) -> None:
    playout = Playout()
    pushed, played, expected, marks = b"", b"", [], []
    for verb, value in steps:
        if verb == "push":
            assert isinstance(value, bytes)
            assert playout.push(value)
            pushed += value
        elif verb == "mark":
            assert isinstance(value, str)
            playout.mark(value)
            expected.append((len(pushed), value))
        else:
            before = playout.played_bytes
            frame, names = playout.take()
            played += frame[: playout.played_bytes - before]
            marks += names
            due = [name for at, name in expected if at <= playout.played_bytes]
            assert marks == due
    assert pushed.startswith(played)
    assert playout.queued_bytes == len(pushed) - len(played)


def test_clear_returns_the_marks_and_later_ones_work_again() -> None:
    playout = Playout()
    playout.push(b"\x01" * 320)
    playout.mark("a")
    playout.mark("b")
    playout.take()
    assert playout.clear() == ["a", "b"]
    assert (playout.played_bytes, playout.cleared_bytes) == (160, 160)
    playout.push(b"\x02" * 160)
    playout.mark("c")
    assert playout.take() == (b"\x02" * 160, ["c"])
    assert playout.clear() == []


def test_ten_minutes_are_the_limit() -> None:
    playout = Playout()
    assert playout.push(bytes(MAX_QUEUED_BYTES))
    assert not playout.push(b"\x00")
    assert playout.queued_bytes == MAX_QUEUED_BYTES

"""The telephone's loudspeaker: order, cursor, never far ahead."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.g711 import SILENCE_FRAME
from realtime.config import PlayoutConfig
from realtime.playout import Playout


def make_playout(max_ahead_ms: int = 200) -> Playout:
    return Playout(PlayoutConfig(max_ahead_ms=max_ahead_ms))


def test_it_never_sends_more_than_200_ms_ahead() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 16000, "a")
    assert len(playout.release()) == 1600
    assert playout.release() == b""
    playout.tick()
    assert len(playout.release()) == 160


def test_an_idle_telephone_plays_silence() -> None:
    played = make_playout().tick()
    assert played.payload == SILENCE_FRAME
    assert played.tag == ""


def test_the_cursor_knows_whose_sound_is_playing() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 320, "a")
    playout.push(b"\x02" * 160, "b")
    playout.release()
    assert [playout.tick().tag for _ in range(4)] == ["a", "a", "b", ""]


def test_an_incomplete_frame_waits_for_its_rest_unless_padded() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 200, "a")
    assert len(playout.release()) == 160
    assert playout.release(pad=True) == b""  # there is still a frame to play
    playout.tick()
    assert playout.release() == b""
    assert playout.release(pad=True) == b"\x01" * 40 + b"\xff" * 120
    assert playout.queued_ms == 20


def test_another_utterance_does_not_share_a_frame() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 40, "a")
    playout.push(b"\x02" * 160, "b")
    assert playout.release() == b"\x01" * 40 + b"\xff" * 120 + b"\x02" * 160


def test_a_lost_stream_forgets_what_it_was_sent_but_not_the_rest() -> None:
    playout = make_playout(max_ahead_ms=40)
    playout.push(b"\x01" * 480, "a")
    playout.release()
    playout.forget()
    assert playout.queued_ms == 20
    assert playout.has("a")


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.sampled_from("ab"), st.integers(0, 8)),
        max_size=20,
    )
)
def test_every_byte_is_played_once_and_in_order(
    steps: list[tuple[int, str, int]],
) -> None:
    playout, pushed, sent, played = make_playout(), b"", b"", b""
    for i, (n, tag, ticks) in enumerate(steps):
        chunk = bytes([i % 100 + 1]) * n
        pushed += chunk
        playout.push(chunk, tag)
        sent += playout.release()
        for _ in range(ticks):
            played += playout.tick().payload
    while playout.queued_ms:
        sent += playout.release(pad=True)
        played += playout.tick().payload
    assert sent.replace(b"\xff", b"") == pushed
    assert played.replace(b"\xff", b"") == pushed

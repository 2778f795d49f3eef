"""The telephone's loudspeaker: order, cursor, never far ahead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.g711 import SILENCE_FRAME, decode_mulaw, encode_mulaw
from realtime.config import PlayoutConfig
from realtime.line.playout import Played, Playout
from realtime.tests import sounds


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
        st.tuples(
            st.integers(0, 900),
            st.sampled_from("abcd"),
            st.booleans(),
            st.integers(0, 8),
        ),
        max_size=20,
    )
)
@pytest.mark.slow
def test_every_byte_is_played_once_and_each_sentence_in_its_order(
    steps: list[tuple[int, str, bool, int]],
) -> None:
    playout, sent, played = make_playout(), b"", b""
    pushed = dict.fromkeys("abcd", b"")
    tag_of = {}
    for i, (n, tag, is_whole, ticks) in enumerate(steps):
        tag_of[i + 1] = tag
        chunk = bytes([i + 1]) * n
        pushed[tag] += chunk
        playout.push(chunk, tag, is_whole=is_whole)
        sent += playout.release()
        for _ in range(ticks):
            played += playout.tick().payload
    for _ in range(2000):
        sent += playout.release(pad=True)
        played += playout.tick().payload
    assert not playout.queued_ms
    for heard in (sent, played):
        words = heard.replace(b"\xff", b"")
        for tag, whole in pushed.items():
            assert bytes(b for b in words if tag_of[b] == tag) == whole


# --- Streams and whole sentences -----------------------------------------------------


def listen(playout: Playout, n_frames: int) -> str:
    """What is heard frame by frame: its tag, or "." for silence."""
    heard = ""
    for _ in range(n_frames):
        playout.release(pad=True)
        heard += playout.tick().tag or "."
    return heard


def test_a_whole_sentence_does_not_fall_into_the_middle_of_a_stream() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 800, "a")
    heard = listen(playout, 3)
    playout.push(b"\x02" * 480, "b", is_whole=True)
    heard += listen(playout, 12)  # the engine takes a breath
    playout.push(b"\x01" * 480, "a")
    heard += listen(playout, 60)
    assert heard.strip(".").replace(".", "") == "aaaaaaaabbb"


def test_it_begins_a_pause_after_the_stream_is_finished() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 480, "a")
    playout.push(b"\x02" * 480, "b", is_whole=True)
    playout.finish("a")
    assert listen(playout, 22) == "aaa" + "." * 15 + "bbb."


def test_a_stream_that_says_nothing_more_is_not_waited_for_for_ever() -> None:
    playout = make_playout()
    playout.push(b"\x01" * 480, "a")
    playout.push(b"\x02" * 160, "b", is_whole=True)
    heard = listen(playout, 60)
    assert heard.strip(".").replace(".", "") == "aaab"
    assert heard.index("b") * 20 <= 600 + 60


# --- Catching up ---------------------------------------------------------------------


def play_all(playout: Playout, lag_ms: int | None = None) -> list[Played]:
    played = []
    while playout.queued_ms:
        playout.mind_lag(playout.queued_ms if lag_ms is None else lag_ms)
        playout.release(pad=True)
        played.append(playout.tick())
    return played


def test_in_time_nothing_is_changed() -> None:
    playout, speech = make_playout(), encode_mulaw(sounds.sentence(5.0))
    playout.push(speech, "a")
    assert b"".join(p.payload for p in play_all(playout, 0)) == speech


def test_a_little_late_only_pauses_become_shorter() -> None:
    voice = sounds.sentence(1.0)
    pause = np.zeros(8000, np.int16)
    playout = make_playout()
    playout.push(encode_mulaw(np.concatenate([voice, pause, voice])), "a")
    played = play_all(playout, 2000)
    assert len(played) * 20 <= 3000 - 900 + 100
    assert sum(p.source_ms for p in played) == pytest.approx(3000, abs=20)
    loud = [p.payload for p in played if not is_silent(p)]
    whole = encode_mulaw(voice)
    frames = [whole[i : i + 160] for i in range(0, 8000, 160)]
    assert loud.count(frames[20]) == 2


def test_very_late_speech_is_faster_at_the_same_pitch() -> None:
    tone = sounds.tone(200, 6.0, 8000)
    playout = make_playout()
    playout.push(encode_mulaw(tone), "a")
    played = play_all(playout, 5000)
    faster = 6000 / (len(played) * 20)
    assert 1.05 < faster < 1.25
    assert sum(p.source_ms for p in played) == pytest.approx(6000, abs=20)
    assert playout.caught_up_ms == pytest.approx(6000 - len(played) * 20, abs=20)
    pcm = decode_mulaw(b"".join(p.payload for p in played)).astype(float)
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    hz = np.fft.rfftfreq(len(pcm), 1 / 8000)
    assert abs(hz[spectrum.argmax()] - 200) < 2
    beside = spectrum[(hz < 150) | (hz > 250)]
    assert (beside**2).sum() < 0.02 * (spectrum**2).sum()


def test_it_calms_down_when_it_is_in_time_again() -> None:
    playout = make_playout()
    playout.push(encode_mulaw(sounds.sentence(5.0)), "a")
    play_all(playout)
    won_ms = playout.caught_up_ms
    assert won_ms > 0
    playout.push(encode_mulaw(sounds.sentence(1.0)), "b")
    assert len(play_all(playout)) == 50
    assert playout.caught_up_ms == won_ms


def test_what_is_before_the_newest_utterance_makes_it_late() -> None:
    playout = make_playout()
    playout.push(bytes(8 * 1000), "a")
    assert playout.queued_before_last_ms == 0
    playout.push(bytes(8 * 500), "b")
    playout.release()
    assert playout.queued_before_last_ms == 1000


def test_what_was_finished_beforehand_is_never_hurried() -> None:
    playout, speech = make_playout(), encode_mulaw(sounds.sentence(5.0))
    playout.push(speech, "greeting", is_whole=True)
    assert playout.late_ms == 0
    assert b"".join(p.payload for p in play_all(playout, 9000)) == speech


def is_silent(played: Played) -> bool:
    return int(np.abs(decode_mulaw(played.payload)).max()) < 400

"""The pure parts of `benchmarks.relay`: what it measures is what happened."""

import itertools

import numpy as np
import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from benchmarks import driver_wire as wire
from benchmarks.driver_sound import (
    CYCLE_S,
    HZ,
    N_CYCLES,
    TURN_S,
    Echo,
    Samples,
    callee_track,
    caller_track,
    clip,
    fit,
    frames_of,
    trimmed,
    widened,
)
from benchmarks.relay import VOID, verdict
from benchmarks.relay_figures import (
    Arrivals,
    Said,
    Spoken,
    ages,
    delivery,
    interruptions,
    locate,
    percentiles,
    unprovoked,
)
from realtime.audio.g711 import FRAME_SAMPLES, SILENCE_FRAME, decode_mulaw, encode_mulaw

FRAME_S = 0.02
TURN = round(TURN_S * HZ)


def speech(n: int, seed: int, rms: float = 1000) -> Samples:
    """Return something that resembles itself only where it is itself."""
    noise = np.random.default_rng(seed).normal(0, rms, n)
    return np.clip(noise, -32768, 32767).astype(np.int16)


SENTENCES = [speech(TURN, seed) for seed in range(N_CYCLES)]


# --- The wire -------------------------------------------------------------------------


@pytest.mark.parametrize("is_client", [True, False])
@pytest.mark.parametrize("n", [0, 1, 125, 126, 65535, 65536])
def test_a_message_is_read_as_it_was_written(n: int, is_client: bool) -> None:
    payload = bytes(np.random.default_rng(n).integers(0, 256, n, np.uint8))
    frame = wire.encode_frame(payload, wire.BINARY, is_client=is_client)
    assert list(wire.FrameReader().feed(frame)) == [(wire.BINARY, payload)]


def test_messages_are_read_however_the_bytes_are_cut() -> None:
    # Their masks are not ours: four random bytes.
    texts = [b"a" * 7, b"b" * 200, b"", b"c" * 70_000]
    data = b"".join(Frame(Opcode.TEXT, t).serialize(mask=True) for t in texts)
    for step in (1, 3, 1000, len(data)):
        reader = wire.FrameReader()
        found: list[tuple[int, bytes]] = []
        for i in range(0, len(data), step):
            found += reader.feed(data[i : i + step])
        assert found == [(wire.TEXT, text) for text in texts]


def test_a_fragment_is_refused() -> None:
    fragment = Frame(Opcode.TEXT, b"half", fin=False).serialize(mask=False)
    with pytest.raises(wire.WireError):
        list(wire.FrameReader().feed(fragment))


def test_another_implementation_understands_handshake_and_messages() -> None:
    server = ServerProtocol()
    server.receive_data(wire.client_handshake("127.0.0.1:1", "/a?b=c", {"X-Y": "z"}))
    (request,) = server.events_received()
    assert isinstance(request, Request)
    assert request.path == "/a?b=c"
    assert request.headers["X-Y"] == "z"
    answer = server.accept(request)
    server.send_response(answer)
    ours = wire.server_handshake(request.headers["Sec-WebSocket-Key"])
    theirs = wire.read_head(b"".join(server.data_to_send()))
    head = wire.read_head(ours)
    assert head is not None
    assert theirs is not None
    accept = "sec-websocket-accept"
    assert head.headers[accept] == theirs.headers[accept]
    server.receive_data(wire.encode_frame(b"hello", is_client=True))
    (frame,) = server.events_received()
    assert isinstance(frame, Frame)
    assert bytes(frame.data) == b"hello"


def test_a_request_is_complete_with_its_body() -> None:
    request = b"POST /x HTTP/1.1\r\nContent-Length: 4\r\n\r\na=b"
    head = wire.read_head(request)
    assert head is not None
    assert not head.is_complete
    head = wire.read_head(request + b"c")
    assert head is not None
    assert head.is_complete
    assert head.body == b"a=bc"
    assert wire.read_head(request[:20]) is None


# --- The sounds -----------------------------------------------------------------------


def test_a_sentence_begins_with_sound_and_is_never_said_twice() -> None:
    quiet = np.zeros(400, np.int16)
    part = np.concatenate([quiet, speech(1000, 1), quiet])
    whole = fit([part, speech(1000, 2)], 1500, rms=700)
    assert len(whole) == 1500
    assert np.sqrt(np.mean(whole.astype(float) ** 2)) == pytest.approx(700, rel=0.05)
    assert len(trimmed(part)) <= 1000
    with pytest.raises(ValueError, match="too few"):
        fit([part], 1500, rms=700)


def test_they_take_turns_but_for_one_interruption() -> None:
    caller, callee = caller_track(SENTENCES), callee_track(SENTENCES)
    assert len(caller.clean) == len(callee.clean) == N_CYCLES * CYCLE_S * HZ
    both = (caller.clean != 0) & (callee.clean != 0)
    overlap = np.flatnonzero(both)
    (interruption,) = [t for t in callee.turns if t.is_interruption]
    assert interruption.start <= overlap[0] <= overlap[-1] < interruption.stop
    for track in (caller, callee):
        share = sum(t.stop - t.start for t in track.turns) / len(track.clean)
        assert share == pytest.approx(1 / 3)


def test_the_echo_of_frames_is_the_echo_of_the_whole() -> None:
    echo = Echo(loss_db=15)
    payload = encode_mulaw(speech(FRAME_SAMPLES * 20, 5, rms=2000))
    echo.prepare(payload)
    frames = [SILENCE_FRAME, *frames_of(payload), SILENCE_FRAME]
    parts = [echo.of(a, b) for a, b in itertools.pairwise(frames)]
    whole = np.concatenate(parts).astype(float)
    impulse = bytes([0x80]) + SILENCE_FRAME[1:]  # the loudest sample there is
    response = echo.of(SILENCE_FRAME, impulse).astype(float) / 32124
    sent = decode_mulaw(payload).astype(float)
    expected = np.convolve(sent, response)
    # The impulse's response is rounded to whole steps, and so is the echo.
    assert np.abs(whole[: len(sent)] - expected[: len(sent)]).max() < 20
    loss = np.sum(whole**2) / np.sum(sent**2)
    assert 10 * np.log10(loss) == pytest.approx(-15, abs=3)


def test_a_clip_is_its_sound_in_parts() -> None:
    one = clip(SENTENCES[0], "one two three")
    assert len(one.deltas) == 15
    assert np.array_equal(widened(SENTENCES[0])[::3], widened(one.sound)[::3])


# --- The figures ----------------------------------------------------------------------


def a_call(seconds: float, began: float = 100.0) -> Said:
    """Let the callee talk: frames, sent on time from `began` on."""
    n = round(seconds / FRAME_S)
    times = began + FRAME_S * np.arange(n, dtype=np.float64)
    track = callee_track(SENTENCES)
    return Said(track=track, lead=8000, phase=0, n_message=FRAME_SAMPLES, times=times)


def relayed(
    said: Said, batch: int, after_s: float, gap: tuple[int, int] | None = None
) -> Arrivals:
    """Relay frames in batches, some time after the last one of each was sent."""
    arrivals = Arrivals()
    for i in range(0, len(said.times) - batch + 1, batch):
        start, stop = i * FRAME_SAMPLES, (i + batch) * FRAME_SAMPLES
        sound = said.sound(start, stop).astype(np.int16)
        if gap is not None and gap[0] < stop and start < gap[1]:
            sound = np.zeros_like(sound)
        if stop <= said.lead:
            sound = np.zeros_like(sound)
        arrivals.add(float(said.times[i + batch - 1]) + after_s, sound)
    return arrivals


def test_a_sound_is_found_where_it_is() -> None:
    sound = speech(8000, 9).astype(float)
    hay = np.concatenate([np.zeros(500), sound[2000:6000] / 3, np.zeros(700)])
    place, likeness = locate(sound[2000:4000], hay)
    assert place == 500
    assert likeness == pytest.approx(1)
    assert locate(sound[7000:8000], hay)[1] < 0.3
    assert locate(sound, hay) == (0, 0.0)


def test_ages_are_those_of_the_newest_and_the_oldest_sound_of_a_message() -> None:
    said = a_call(30)
    found = ages(said, relayed(said, 3, 0.004).whole(), 100, 130)
    assert found.n_pieces > 20
    assert found.n_lost == 0
    assert found.newest_ms == pytest.approx([4.0] * len(found.newest_ms), abs=0.01)
    assert found.oldest_ms == pytest.approx([44.0] * len(found.oldest_ms), abs=0.01)


def test_sound_that_is_held_back_is_older() -> None:
    said = a_call(30)
    held = relayed(said, 2, 0.004 + 4 * FRAME_S).whole()
    found = ages(said, held, 100, 130)
    assert found.newest_ms == pytest.approx([84.0] * len(found.newest_ms), abs=0.01)


def test_speech_that_does_not_arrive_is_counted() -> None:
    said = a_call(30)
    first = next(said.turns())[0]
    gap = (first, first + 3 * 2560)
    found = ages(said, relayed(said, 1, 0.004, gap).whole(), 100, 130)
    assert found.n_lost == 3


def test_only_speech_within_the_window_is_looked_at() -> None:
    said = a_call(30)
    heard = relayed(said, 1, 0.004).whole()
    assert ages(said, heard, 100, 105).n_pieces == 0
    assert ages(said, heard, 105, 109).n_pieces == 9


def spoken(began: float = 50.0) -> Spoken:
    return Spoken(SENTENCES[0], [began + 0.2 * i for i in range(15)])


def played(one: Spoken, delays_s: dict[int, float]) -> Arrivals:
    """Let each part arrive 1 ms after it was sent, in frames; some of them later."""
    arrivals = Arrivals()
    for part, at in enumerate(one.times):
        if part in delays_s and delays_s[part] < 0:
            continue
        sound = one.sound[1600 * part : 1600 * (part + 1)]
        for i in range(10):
            when = at + 0.001 + delays_s.get(part, 0.0)
            arrivals.add(when, sound[160 * i : 160 * (i + 1)])
    return arrivals


def test_what_arrives_in_time_is_neither_late_nor_lost() -> None:
    one = spoken()
    found = delivery([one], played(one, {}).whole())
    assert found.n_utterances == 1
    assert found.n_frames == 9 * 16
    assert found.n_late == found.n_lost == 0
    assert found.onset_ms == pytest.approx([1.0])
    assert found.first_ms == pytest.approx([1.0] * 15)


def test_late_frames_are_counted_from_the_first_one_on() -> None:
    one = spoken()
    found = delivery([one], played(one, {5: 0.3}).whole())
    assert found.n_late == 10
    assert max(found.first_ms) == pytest.approx(301)


def test_lost_frames_are_counted() -> None:
    one = spoken()
    found = delivery([one], played(one, {5: -1, 6: -1}).whole())
    assert found.n_lost >= 16
    assert found.n_lost < 5 * 16


def test_an_interruption_is_answered_by_the_next_clear() -> None:
    said = a_call(60)
    starts = [said.sent_at(a) for a, _, is_one in said.turns() if is_one]
    assert len(starts) == 2
    is_playing = [True] * len(said.times)
    clears = [starts[0] - 1, starts[0] + 0.16, starts[0] + 0.5]
    delays_ms, missed = interruptions(said, is_playing, clears, 100, 160)
    assert delays_ms == pytest.approx([160])
    assert missed == 1
    assert interruptions(said, [False] * len(said.times), clears, 100, 160) == ([], 0)


def test_an_answer_to_nobody_is_strange() -> None:
    said = a_call(30)
    start, stop, _ = next(said.turns())
    answered = [said.sent_at(start) + 0.1, said.sent_at(stop) + 1, said.sent_at(1)]
    assert unprovoked(said, answered) == 1


def test_percentiles_of_nothing_are_nothing() -> None:
    assert percentiles([], 50, 99) == [None, None]
    assert percentiles([1.0, 2.0, 3.0], 50) == [2.0]


def test_a_late_driver_voids_a_run_and_a_dead_call_fails_it() -> None:
    good = {"void": False, "calls that ended early": 0}
    assert verdict([good]) == 0
    assert verdict([good, good | {"void": True}]) == VOID
    assert verdict([good | {"calls that ended early": 1}, {"void": True}]) == 1
    assert verdict([{"void": False, "calls that failed": 1}]) == 1

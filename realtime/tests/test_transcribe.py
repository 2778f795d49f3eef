"""Captions without translation: whose text it is, and what becomes of an utterance."""

import json
from typing import Any

import numpy as np
import pytest

from realtime.config import CaptionConfig
from realtime.engines.base import Refused
from realtime.engines.transcribe import (
    MAX_KEYWORD_CHARS,
    MAX_KEYWORDS,
    Transcriber,
    keywords_of,
)
from realtime.events import Event, Leg, SourceDone, SourceText, TargetDone
from realtime.protocols import openai_realtime as wire
from realtime.sockets import Pace
from realtime.text.captions import CaptionTrack

KIND = "conversation.item.input_audio_transcription"
SOUND = np.ones(2400, np.int16)


def text(delta: str, utterance_id: str | None, *, is_whole: bool = False) -> SourceText:
    return SourceText(Leg.CALLEE, delta, utterance_id, is_whole)


def done(utterance_id: str, *, is_failed: bool = False) -> list[Event]:
    return [
        SourceDone(Leg.CALLEE, utterance_id, is_failed),
        TargetDone(Leg.CALLEE, (utterance_id,), is_failed),
    ]


class Provider:
    """The other side: what it has been sent, and what it says."""

    def __init__(self) -> None:
        self.engine = Transcriber(Leg.CALLEE, "ko", "m", ["예약"])
        self.sent: list[dict[str, Any]] = []

    def says(self, type_: str, **fields: Any) -> list[Any]:
        event = wire.decode(json.dumps({"type": type_, **fields}))
        events = self.engine.receive(event)
        self.look()
        return events

    def look(self) -> None:
        self.sent += [json.loads(text) for text in self.engine.take()]

    def kinds(self) -> list[str]:
        self.look()
        kinds = [m["type"].removeprefix("input_audio_buffer.") for m in self.sent]
        self.sent.clear()
        return kinds

    def utterance(self, utterance_id: str, item_id: str = "") -> None:
        """Have somebody say something, and confirm it."""
        self.engine.append(SOUND)
        self.engine.commit(utterance_id)
        self.look()
        if item_id:
            self.says("input_audio_buffer.committed", item_id=item_id)

    def delta(self, item_id: str, delta: str) -> list[Any]:
        return self.says(f"{KIND}.delta", item_id=item_id, delta=delta)

    def completed(self, item_id: str, transcript: str) -> list[Any]:
        return self.says(f"{KIND}.completed", item_id=item_id, transcript=transcript)

    def failed(self, item_id: str) -> list[Any]:
        error = {"type": "x", "code": "server_error", "message": ""}
        return self.says(f"{KIND}.failed", item_id=item_id, error=error)

    @property
    def last_commit(self) -> str:
        commits = [m for m in self.sent if m["type"] == "input_audio_buffer.commit"]
        return str(commits[-1]["event_id"])


@pytest.fixture
def p() -> Provider:
    return Provider()


def test_its_address_names_no_model() -> None:
    assert Provider().engine.path == "/realtime?intent=transcription"


def test_it_asks_for_one_language_and_the_words_of_the_call(p: Provider) -> None:
    update = json.loads(p.engine.session_update())
    assert update["session"]["type"] == "transcription"
    sound = update["session"]["audio"]["input"]
    assert sound["turn_detection"] is None
    assert sound["transcription"] == {
        "model": "m",
        "languages": ["ko"],
        "keywords": ["예약"],
    }


def test_text_comes_while_it_is_spoken_and_ends_with_the_utterance(
    p: Provider,
) -> None:
    p.engine.append(SOUND)
    assert p.delta("i1", "안녕") == [text("안녕", None, is_whole=True)]
    assert p.delta("i1", "하세요") == [text("하세요", None)]
    assert p.engine.is_idle  # nothing has been committed
    p.engine.commit("u1")
    assert p.delta("i1", ".") == [text(".", "u1")]
    p.says("input_audio_buffer.committed", item_id="i1")
    assert p.completed("i1", "안녕하세요.") == done("u1")
    assert p.engine.is_idle


def test_the_whole_transcript_is_what_counts(p: Provider) -> None:
    p.engine.append(SOUND)
    p.delta("i1", "두 시에")
    p.utterance("u1", "i1")
    corrected = text("열두 시에요.", "u1", is_whole=True)
    assert p.completed("i1", " 열두 시에요. ") == [corrected, *done("u1")]
    p.utterance("u2", "i2")
    p.delta("i2", "네.")
    # An empty transcript takes nothing back that has been read.
    assert p.completed("i2", "") == done("u2")


def test_a_transcript_without_deltas_is_text_as_well(p: Provider) -> None:
    p.utterance("u1", "i1")
    assert p.completed("i1", "네.") == [text("네.", "u1", is_whole=True), *done("u1")]


def test_transcripts_may_overtake_each_other(p: Provider) -> None:
    for n in (1, 2, 3):
        p.utterance(f"u{n}", f"i{n}")
    assert p.completed("i3", "c")[-2:] == done("u3")
    assert p.delta("i1", "a") == [text("a", "u1", is_whole=True)]
    assert p.completed("i2", "b")[-2:] == done("u2")
    assert not p.engine.is_idle
    assert p.completed("i1", "a") == done("u1")
    assert p.engine.is_idle


def test_text_belongs_to_the_oldest_commit_without_an_item(p: Provider) -> None:
    p.utterance("u1")
    p.utterance("u2")
    p.engine.append(SOUND)  # somebody is speaking already
    assert p.delta("i1", "a") == [text("a", "u1", is_whole=True)]
    p.says("input_audio_buffer.committed", item_id="i1")
    assert p.delta("i2", "b") == [text("b", "u2", is_whole=True)]
    p.says("input_audio_buffer.committed", item_id="i2")
    assert p.delta("i3", "c") == [text("c", None, is_whole=True)]


def test_an_item_that_is_written_says_nothing_more(p: Provider) -> None:
    p.utterance("u1", "i1")
    p.completed("i1", "a")
    p.utterance("u2")
    assert p.delta("i1", "x") == []
    assert p.completed("i1", "x") == []
    p.says("input_audio_buffer.committed", item_id="i2")
    assert p.completed("i2", "b")[-2:] == done("u2")


def test_what_could_not_be_written_is_sent_once_more(p: Provider) -> None:
    p.utterance("u1", "i1")
    p.sent.clear()
    p.delta("i1", "반")
    assert p.failed("i1") == []
    assert p.kinds() == ["append", "commit"]
    assert not p.engine.is_idle
    p.says("input_audio_buffer.committed", item_id="i2")
    assert p.delta("i2", "반갑") == [text("반갑", "u1", is_whole=True)]
    assert p.failed("i2") == done("u1", is_failed=True)
    assert p.engine.is_idle


def test_nothing_is_sent_again_into_the_middle_of_speech(p: Provider) -> None:
    p.utterance("u1", "i1")
    p.engine.append(SOUND)
    p.kinds()
    p.failed("i1")
    assert p.kinds() == []
    p.engine.append(SOUND)
    p.engine.commit("u2")
    assert p.kinds() == ["append", "commit", "append", "commit"]
    p.says("input_audio_buffer.committed", item_id="i2")
    p.says("input_audio_buffer.committed", item_id="i3")
    assert p.completed("i3", "a")[-2:] == done("u1")
    assert p.completed("i2", "b")[-2:] == done("u2")


def test_too_little_sound_is_no_utterance(p: Provider) -> None:
    p.utterance("u1")
    p.utterance("u2")
    empty = "input_audio_buffer_commit_empty"
    error = {"code": empty, "event_id": p.last_commit}
    assert p.says("error", error=error) == done("u2")
    assert p.says("error", error={"code": empty}) == done("u1")
    assert p.engine.is_idle


def test_an_error_is_traced_to_the_utterance_that_it_is_about(p: Provider) -> None:
    p.utterance("u1")
    error = {"code": "server_error", "event_id": p.last_commit}
    p.sent.clear()
    assert p.says("error", error=error) == [Refused("server_error", "")]
    assert p.kinds() == ["append", "commit"]  # said again
    other = {"code": "session_expired", "event_id": "somebody's"}
    assert p.says("error", error=other) == [Refused("session_expired", "")]
    p.says("input_audio_buffer.committed", item_id="i1")
    assert p.completed("i1", "a")[-2:] == done("u1")


def test_sound_is_not_kept_for_ever(p: Provider) -> None:
    for n in range(30):
        p.utterance(f"u{n}", f"i{n}")
    assert p.failed("i0") == done("u0", is_failed=True)
    assert p.failed("i29") == []


def test_sound_is_sent_at_a_pace_that_can_be_heard(p: Provider) -> None:
    """Half a minute at once, as after a reconnect, takes ten seconds."""
    p.engine.append(np.ones(30 * 24_000, np.int16))
    pace, now = Pace(p.engine.max_speed), 100.0
    sent = p.engine.take()
    assert len(sent) == 60
    for message in sent:
        now += pace.wait_s(len(message), now)
    assert now - 100 == pytest.approx(29 / 3, rel=0.01)
    # Who speaks as fast as time passes is never held up.
    for _ in range(50):
        now += 0.5
        assert pace.wait_s(len(sent[0]), now) == 0
    assert Pace(None).wait_s(10**9, now) == 0


def test_keywords_are_few_short_and_different() -> None:
    long = "x" * (MAX_KEYWORD_CHARS + 1)
    assert keywords_of([" 김민수 ", "", long, "김민수", "GTX"]) == ["김민수", "GTX"]
    assert len(keywords_of(map(str, range(1000)))) == MAX_KEYWORDS
    bare = Transcriber(Leg.CALLER, "en", "m")
    assert "keywords" not in bare.session_update()


def test_a_new_session_writes_what_a_lost_one_had_begun() -> None:
    """Its first text replaces what is there, and the caption is final when it says."""
    track = CaptionTrack(Leg.CALLEE, CaptionConfig())
    track.speech_started(0)
    lost, new = Provider(), Provider()
    for provider, said in ((lost, "안녕"), (new, "안녕하")):
        provider.engine.append(SOUND)
        [event] = provider.delta("i1", said)
        track.source_text(event.delta, 500, event.utterance_id, is_whole=event.is_whole)
    [caption] = track.changed()
    assert caption.original == "안녕하"
    track.speech_ended(900)
    track.await_answer(caption.utterance_id, 60_000)
    new.utterance(caption.utterance_id, "i1")
    for event in new.completed("i1", "안녕하세요."):
        match event:
            case SourceText():
                track.source_text(
                    event.delta, 1000, event.utterance_id, is_whole=event.is_whole
                )
            case SourceDone():
                track.source_done(event.utterance_id)
            case TargetDone():
                track.target_done(*event.utterance_ids)
    [finished] = track.finished()
    assert (finished.original, finished.translation) == ("안녕하세요.", "")


def test_our_events_are_valid_for_the_sdk(p: Provider) -> None:
    from openai.types.realtime import RealtimeClientEvent
    from pydantic import TypeAdapter

    known = TypeAdapter(RealtimeClientEvent)
    p.utterance("u1", "i1")
    for message in (json.loads(p.engine.session_update()), *p.sent):
        known.validate_python(message)

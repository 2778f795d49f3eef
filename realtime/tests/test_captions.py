"""Which words belong to which utterance (contract section 3)."""

from realtime.config import CaptionConfig
from realtime.events import Leg
from realtime.text.captions import Caption, CaptionTrack


def make_track() -> CaptionTrack:
    return CaptionTrack(Leg.CALLEE, CaptionConfig())


def texts(captions: list[Caption]) -> list[tuple[str, str]]:
    return [(c.original, c.translation) for c in captions]


def test_text_belongs_to_the_speech_that_was_heard() -> None:
    track = make_track()
    track.speech_started(1000)
    track.source_text("네, ", 1500)
    track.source_text("안녕하세요.", 1800)
    track.speech_ended(2000)
    track.target_text("Yes, ", 2300)
    track.target_text("hello.", 2500)
    [caption] = track.changed()
    assert caption.utterance_id == "callee-1"
    assert (caption.started_ms, caption.ended_ms) == (1000, 2000)
    assert texts([caption]) == [("네, 안녕하세요.", "Yes, hello.")]
    assert not caption.translation_final


def test_a_translation_is_final_after_1200_ms_of_silence() -> None:
    track = make_track()
    track.speech_started(0)
    track.speech_ended(500)
    track.source_text("네.", 600)
    track.target_text("Yes.", 700)
    track.target_sound(900)
    track.tick(2099)
    assert not track.recent()[0].translation_final
    track.tick(2100)
    assert track.recent()[0].translation_final
    assert texts(track.finished()) == [("네.", "Yes.")]
    assert track.is_settled


def test_target_text_belongs_to_the_oldest_open_translation() -> None:
    track = make_track()
    for start in (0, 2000):
        track.speech_started(start)
        track.speech_ended(start + 1000)
        track.source_text(f"{start}.", start + 1100)
    track.target_text("first", 3200)
    assert texts(track.recent()) == [("0.", "first"), ("2000.", "")]


def test_after_a_finished_sentence_and_a_gap_the_next_translation_begins() -> None:
    track = make_track()
    for start in (0, 2000):
        track.speech_started(start)
        track.speech_ended(start + 1000)
        track.source_text(f"{start}.", start + 1100)
    track.target_text("First one.", 3200)
    track.target_sound(3400)
    track.target_text("Second one.", 3800)
    assert texts(track.recent()) == [("0.", "First one."), ("2000.", "Second one.")]


def test_without_a_gap_nothing_is_guessed() -> None:
    track = make_track()
    for start in (0, 2000):
        track.speech_started(start)
        track.speech_ended(start + 1000)
        track.source_text(f"{start}.", start + 1100)
    track.target_text("First one.", 3200)
    track.target_text(" And more.", 3300)
    assert texts(track.recent())[0] == ("0.", "First one. And more.")


def test_text_without_speech_is_a_caption_of_its_own() -> None:
    track = make_track()
    track.target_text("Hello?", 5000)
    [caption] = track.changed()
    assert (caption.original, caption.translation) == ("", "Hello?")
    assert caption.started_ms == 5000


def test_text_without_speech_does_not_take_the_next_translation() -> None:
    track = make_track()
    track.source_text("[unclear]", 5000)
    track.speech_started(7000)
    track.source_text("여보세요?", 7500)
    track.target_text("Hello?", 7800)
    assert texts(track.recent()) == [("[unclear]", ""), ("여보세요?", "Hello?")]


def test_text_without_speech_waits_a_while_for_its_translation() -> None:
    track = make_track()
    track.source_text("네.", 5000)
    track.speech_started(5500)
    track.source_text("여보세요?", 6000)
    track.target_text("Yes.", 6200)
    assert texts(track.recent()) == [("네.", "Yes."), ("여보세요?", "")]


def test_a_cough_brings_no_caption_and_takes_no_translation() -> None:
    track = make_track()
    track.speech_started(0)
    track.speech_ended(200)
    track.speech_started(1000)
    track.speech_ended(2000)
    track.source_text("네.", 2100)
    track.target_text("Yes.", 2300)
    track.tick(20_000)
    assert texts(track.finished()) == [("네.", "Yes.")]


def test_speech_without_any_text_is_let_go() -> None:
    track = make_track()
    track.speech_started(0)
    track.speech_ended(500)
    track.tick(8600)
    assert track.changed() == []
    assert track.finished() == []
    assert track.is_settled


def test_flush_makes_everything_final_and_keeps_it() -> None:
    track = make_track()
    track.speech_started(0)
    track.source_text("네", 300)
    track.flush(900)
    [caption] = track.finished()
    assert caption.is_final
    assert caption.ended_ms == 900


def test_latency_counts_from_the_end_of_speech() -> None:
    track = make_track()
    track.speech_started(0)
    track.speech_ended(1000)
    track.source_text("네.", 1100)
    track.target_sound(1500)
    assert track.recent()[0].latency_ms == 500

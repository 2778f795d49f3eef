"""Captions without translation: a live-transcription session (facts/openai.md 4).

Theory of operation.  The provider finds no turns here: sound is appended while somebody
speaks, and `commit` makes an utterance of it.  Text comes while it is being spoken, in
pieces that are only ever appended, and once more as a whole after the commit; the whole
is what counts.  Transcripts of several utterances may overtake each other.

    utterance  text is its own by             leaves to
    open       nothing else being spoken      sent      our commit
    sent       being the oldest such one      known     input_audio_buffer.committed
    known      its item's id                  written   ...transcription.completed
                                              open      ...failed, once: said again
    written    -                              -

Nothing is interpreted: when an utterance is written, its translation is over as well
(`TargetDone`), so that the caption becomes final and is kept.  One that could not be
written, twice, ends with `is_failed`: whoever reads has to be told.

A session must not be configured again while it holds sound that is not committed: such
sound would be missing from the transcript.

24 kHz PCM16 in, nothing out.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from realtime.config import ENGINE_HZ
from realtime.engines.base import Closed, Refused, refusal
from realtime.engines.usage import Role, Usage, sound
from realtime.events import Event, Leg, Pcm, SourceDone, SourceText, TargetDone
from realtime.protocols import openai_realtime as wire

MAX_KEYWORDS: Final = 100
MAX_KEYWORD_CHARS: Final = 40
"""The provider publishes no limits, and a list that it refuses would cost the whole
session; names and terms of one call stay far below."""

MAX_SPEED: Final = 3.0
"""Sound that comes four times faster than time, as after a reconnect, was seen to be
lost without an error; the provider says nothing about it."""
_CHUNK_SAMPLES: Final = ENGINE_HZ // 2
"""No message is longer, so that its pace can be kept."""

_ATTEMPTS: Final = 2
"""Sound whose transcription failed is sent once more."""
_KEPT: Final = 8
"""So many utterances keep their sound until they are written."""
_WRITTEN: Final = 32
"""Items that are remembered as written: what else comes of them is old."""


@dataclass(slots=True, eq=False)
class Written:
    """What was said between two commits, and what was written of it.

    Attributes:
        utterance_id: ours; None while it is being spoken.
        sound: all of it, int16 at 24 kHz: it may have to be said again.
        text: what the session has written of it so far.
        attempts: how often it was committed.
        event_id: of the last commit; an error names it.
    """

    utterance_id: str | None = None
    sound: list[Pcm] = field(default_factory=list)
    text: str = ""
    attempts: int = 0
    event_id: str = ""


def keywords_of(terms: Iterable[str]) -> list[str]:
    """Choose what a session is told to listen for.

    Args:
        terms: names and words of the call, the most important ones first.

    Returns:
        each once, without what the provider might refuse.
    """
    stripped = (term.strip() for term in terms)
    short = (term for term in stripped if 0 < len(term) <= MAX_KEYWORD_CHARS)
    return list(dict.fromkeys(short))[:MAX_KEYWORDS]


class Transcriber:
    """One direction, written down in its own language.

    Args:
        leg: whose speech it writes down.
        language: ISO 639-1, what that leg speaks.
        model: that transcribes.
        keywords: names and words that may be said (`keywords_of`).
    """

    path: Final = "/realtime?intent=transcription"
    by_turns: Final = True
    max_speed: Final = MAX_SPEED

    def __init__(
        self, leg: Leg, language: str, model: str, keywords: Iterable[str] = ()
    ) -> None:
        self._leg = leg
        self._language = language
        self._model = model
        self._keywords = keywords_of(keywords)
        self._outbox: list[str] = []
        self._open = Written()
        self._sent: deque[Written] = deque()
        """Committed, and not confirmed yet, in order."""
        self._known: dict[str, Written] = {}
        """By item, until they are written."""
        self._again: deque[Written] = deque()
        """To be said again as soon as nobody is speaking."""
        self._written: deque[str] = deque(maxlen=_WRITTEN)
        self._unpaid_samples = 0

    # --- What it is told -------------------------------------------------------------

    def session_update(self) -> str:
        """Write the event that configures a session."""
        transcription: dict[str, object] = {
            "model": self._model,
            "languages": [self._language],
        }
        if self._keywords:
            transcription["keywords"] = self._keywords
        return wire.encode(
            {
                "type": "session.update",
                "session": {
                    "type": "transcription",
                    "audio": {
                        "input": {
                            "format": {"type": "audio/pcm", "rate": ENGINE_HZ},
                            "transcription": transcription,
                            "turn_detection": None,
                        }
                    },
                },
            }
        )

    @property
    def is_idle(self) -> bool:
        """Nothing that was committed is still to be written."""
        return not (self._sent or self._known or self._again)

    def append(self, pcm: Pcm) -> None:
        """Give it more sound: int16 at 24 kHz."""
        self._open.sound.append(pcm)
        self._send_sound(pcm)

    def commit(self, utterance_id: str) -> None:
        """All sound since the last commit is one utterance."""
        utterance, self._open = self._open, Written()
        utterance.utterance_id = utterance_id
        self._send_commit(utterance)
        self._say_again()
        waiting = [*self._known.values(), *self._sent]
        for older in waiting[:-_KEPT]:
            older.sound.clear()

    def answer(self, utterance_ids: tuple[str, ...]) -> None:
        """It writes unasked."""

    def truncate(self, utterance_id: str, heard_ms: int) -> None:
        """It says nothing that could be cut."""

    def close(self) -> None:
        """There is no word for it: whoever has got all text closes the socket."""

    def take(self) -> list[str]:
        """Return and forget what is to be sent."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked.

        Every minute of sound that it is given is paid for, also what is said again.
        """
        samples, self._unpaid_samples = self._unpaid_samples, 0
        return [sound(Role.TRANSCRIBE, samples, ENGINE_HZ)] if samples else []

    def _send_sound(self, pcm: Pcm) -> None:
        self._unpaid_samples += len(pcm)
        for at in range(0, len(pcm), _CHUNK_SAMPLES):
            audio = wire.encode_pcm(pcm[at : at + _CHUNK_SAMPLES])
            self._outbox.append(
                f'{{"type":"input_audio_buffer.append","audio":"{audio}"}}'
            )

    def _send_commit(self, utterance: Written) -> None:
        utterance.attempts += 1
        utterance.event_id = f"{utterance.utterance_id}/{utterance.attempts}"
        self._sent.append(utterance)
        commit = {"type": "input_audio_buffer.commit", "event_id": utterance.event_id}
        self._outbox.append(wire.encode(commit))

    def _say_again(self) -> None:
        """Say again what failed; never into the middle of something else."""
        if self._open.sound:
            return
        while self._again:
            utterance = self._again.popleft()
            utterance.text = ""
            for pcm in utterance.sound:
                self._send_sound(pcm)
            self._send_commit(utterance)

    # --- What it says ----------------------------------------------------------------

    def receive(self, event: wire.ServerEvent) -> list[Event | Closed | Refused]:
        """Turn one of its events into ours.

        Args:
            event: as decoded from the socket.

        Returns:
            what the session or the shell should know; empty for what is of no interest.
        """
        match event.type:
            case "input_audio_buffer.committed":
                self._utterance_of(event.item_id)
            case "conversation.item.input_audio_transcription.delta":
                return self._on_delta(event.item_id, event.delta)
            case "conversation.item.input_audio_transcription.completed":
                return self._on_completed(event.item_id, event.transcript)
            case "conversation.item.input_audio_transcription.failed":
                utterance = self._finish(event.item_id)
                return self._on_failed(utterance) if utterance else []
            case "error":
                caused_by = (event.error and event.error.event_id) or ""
                return self._on_error(refusal(event), caused_by)
        return []

    def _utterance_of(self, item_id: str) -> Written | None:
        """Find an item's utterance: a new item is the oldest one that has none."""
        is_new = item_id not in self._known and item_id not in self._written
        if is_new and self._sent:
            self._known[item_id] = self._sent.popleft()
        return self._known.get(item_id)

    def _finish(self, item_id: str) -> Written | None:
        """Take an item's utterance away: nothing more will come of this item."""
        utterance = self._utterance_of(item_id)
        if utterance is not None:
            del self._known[item_id]
            self._written.append(item_id)
        return utterance

    def _on_delta(self, item_id: str, delta: str) -> list[Event | Closed | Refused]:
        if not delta or item_id in self._written:
            return []
        # Before the commit is confirmed, an item's id may still change.
        utterance = self._known.get(item_id)
        if utterance is None:
            utterance = self._sent[0] if self._sent else self._open
        is_first = not utterance.text
        utterance.text += delta
        text = SourceText(self._leg, delta, utterance.utterance_id, is_whole=is_first)
        return [text]

    def _on_completed(
        self, item_id: str, transcript: str
    ) -> list[Event | Closed | Refused]:
        utterance = self._finish(item_id)
        if utterance is None:
            return []
        events: list[Event | Closed | Refused] = []
        text = transcript.strip()
        if text and text != utterance.text.strip():
            whole = SourceText(self._leg, text, utterance.utterance_id, is_whole=True)
            events.append(whole)
        utterance.text = text or utterance.text
        return events + self._done(utterance, is_failed=False)

    def _done(
        self, utterance: Written, *, is_failed: bool
    ) -> list[Event | Closed | Refused]:
        utterance_id = utterance.utterance_id or ""
        return [
            SourceDone(self._leg, utterance_id, is_failed),
            TargetDone(self._leg, (utterance_id,), is_failed),
        ]

    def _on_failed(self, utterance: Written) -> list[Event | Closed | Refused]:
        if utterance.attempts >= _ATTEMPTS or not utterance.sound:
            return self._done(utterance, is_failed=True)
        self._again.append(utterance)
        self._say_again()
        return []

    def _on_error(
        self, error: Refused, caused_by: str
    ) -> list[Event | Closed | Refused]:
        is_empty = error.code == "input_audio_buffer_commit_empty"
        found = [u for u in self._sent if caused_by == u.event_id]
        if is_empty and not caused_by:
            found = list(self._sent)[:1]
        if not found:
            return [error]
        self._sent.remove(found[0])
        if is_empty:
            # Too short to be anything: nothing has been said.
            return self._done(found[0], is_failed=False)
        return [error, *self._on_failed(found[0])]

"""What the telephone plays: a queue, a cursor, and never far ahead.

Twilio buffers whatever it is sent and plays it in order.  Audio is therefore released
only a little ahead of the line's clock, so that we always know which 20 ms the callee
is hearing now: that is the echo reference, the recording, and the truth about what was
heard.  `push` adds sound, `release` hands out what may be sent, `tick` moves the cursor
by one frame of the line.  `cut` takes back what the telephone has not played yet (it is
told to forget it), and `rewind` goes back to the last pause that the callee heard.

Where more waits than should, it catches up: first by cutting pauses short, then by
playing a little faster, at the same pitch.

Sound comes in two ways: as a stream, while an engine still makes it, and whole.  What
is whole never falls into the middle of a stream: it waits until that is finished, and
for a pause, so that two sentences sound like two.

A voice that is passed through as it comes (`push_voice`) is played where nothing is
queued.  It has no tag, is never held or said again, and nobody is said to interrupt it.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from realtime.audio.g711 import (
    FRAME_SAMPLES,
    SILENCE_BYTE,
    SILENCE_FRAME,
    decode_mulaw,
    encode_mulaw,
)
from realtime.audio.tempo import NEEDED_SAMPLES, shorten
from realtime.config import FRAME_MS, PlayoutConfig

_VOICE: Final = ""
"""The tag of what has none."""
_QUIET_PEAK: Final = 400
"""A frame below this peak (-38 dBFS) is a pause in speech that we play; synthesised
speech has no noise between its words."""
SAMPLES_PER_MS: Final = FRAME_SAMPLES // FRAME_MS
_HISTORY_FRAMES: Final = 400
"""8 s of what was played: more than is ever said again."""


class Hurry(IntEnum):
    """How the telephone catches up."""

    NONE = 0
    SKIP_PAUSES = 1
    FASTER = 2


@dataclass(slots=True)
class _Piece:
    tag: str
    payload: bytearray


@dataclass(frozen=True, slots=True)
class Played:
    """20 ms as the callee hears them.

    Attributes:
        payload: 160 bytes of mu-law; silence where nothing was queued.
        tag: what the sound belongs to, or "" in silence.
        source_ms: how much of the interpretation it stands for; more than 20 where
            the telephone catches up.
    """

    payload: bytes
    tag: str
    source_ms: float = FRAME_MS


class Playout:
    """The telephone's loudspeaker, as far as it is ours."""

    def __init__(self, config: PlayoutConfig) -> None:
        self._config = config
        self._max_ahead_frames = max(1, config.max_ahead_ms // FRAME_MS)
        self._waiting: deque[_Piece] = deque()
        self._sent: deque[Played] = deque()
        self._waiting_bytes = 0
        self._history: deque[Played] = deque(maxlen=_HISTORY_FRAMES)
        self._voice: deque[bytes] = deque()
        self._voice_rest = b""
        self.voice_lost_ms = 0
        """Sound of the voice that came far too late to be played, over the call."""
        self.is_held = False
        self._hurry = Hurry.NONE
        self._whole: set[str] = set()
        self._stream = ""
        """The stream that may still go on."""
        self._stream_idle = 0
        """Ticks since sound of it has come."""
        self._released = ""
        """What the telephone was sent last."""
        self._since_sound = math.inf
        """Ticks since anything of ours was heard."""
        self._n_quiet = 0
        self._n_plain = 0
        self._skipped_ms = 0.0
        self.caught_up_ms = 0.0
        """Time that was won by catching up, over the call."""

    @property
    def tags(self) -> list[str]:
        """What the unheard sound belongs to, in order, each once."""
        pieces = [*(p.tag for p in self._sent), *(p.tag for p in self._waiting)]
        return [tag for tag in dict.fromkeys(pieces) if tag]

    @property
    def queued_ms(self) -> int:
        """Sound that the callee has not heard yet, sent or not, in ms."""
        n_sent = sum(p.tag != _VOICE for p in self._sent)
        return n_sent * FRAME_MS + -(-self._waiting_bytes // 8)

    @property
    def late_ms(self) -> int:
        """Sound that is not heard yet and would be if nothing had held it up, in ms."""
        n_bytes = sum(len(p.payload) for p in self._waiting if p.tag not in self._whole)
        ignored = {_VOICE, *self._whole}
        n_frames = sum(p.tag not in ignored for p in self._sent)
        return n_frames * FRAME_MS + n_bytes // 8

    @property
    def is_playing(self) -> bool:
        """The telephone has sound to play that it was sent."""
        return bool(self._sent)

    @property
    def queued_before_last_ms(self) -> int:
        """Sound that will be heard before the newest utterance begins, in ms."""
        if not self._waiting:
            return 0
        ignored = {_VOICE, self._waiting[-1].tag, *self._whole}
        n_bytes = sum(len(p.payload) for p in self._waiting if p.tag not in ignored)
        n_frames = sum(p.tag not in ignored for p in self._sent)
        return n_frames * FRAME_MS + n_bytes // 8

    def mind_lag(self, lag_ms: int) -> None:
        """Decide whether to catch up.

        Args:
            lag_ms: how late the telephone is.
        """
        c = self._config
        if lag_ms >= c.faster_above_ms:
            self._hurry = Hurry.FASTER
        elif lag_ms >= c.skip_above_ms:
            self._hurry = max(self._hurry, Hurry.SKIP_PAUSES)
        elif lag_ms < c.in_time_below_ms:
            self._hurry = Hurry.NONE

    def has(self, tag: str) -> bool:
        """Say whether any unheard sound belongs to this tag."""
        return any(p.tag == tag for p in self._sent) or any(
            p.tag == tag for p in self._waiting
        )

    def push(self, payload: bytes, tag: str, *, is_whole: bool = False) -> None:
        """Add sound at the end.

        Args:
            payload: mu-law, any length.
            tag: what it belongs to; sound of another tag never shares a frame.
            is_whole: it has been finished before it is said, so that its length is no
                delay; it is never hurried.
        """
        if not payload:
            return
        self._waiting_bytes += len(payload)
        if is_whole:
            self._whole.add(tag)
        else:
            self._stream, self._stream_idle = tag, 0
        piece = next((p for p in reversed(self._waiting) if p.tag == tag), None)
        if piece is not None:
            piece.payload += payload
        elif self._released == tag and not is_whole:
            self._waiting.appendleft(_Piece(tag, bytearray(payload)))
        else:
            self._waiting.append(_Piece(tag, bytearray(payload)))

    def finish(self, tag: str) -> None:
        """No more sound of a stream will come."""
        if self._stream == tag:
            self._stream = ""

    def release(self, *, pad: bool = False) -> bytes:
        """Take the frames that may be sent to the telephone now.

        Args:
            pad: fill the last, incomplete frame with silence if the telephone would
                otherwise have nothing to play, instead of waiting for its rest.

        Returns:
            whole frames of mu-law, possibly none.
        """
        out = bytearray()
        if self.is_held:
            return self._release_voice() if pad else b""
        while self._waiting and len(self._sent) < self._max_ahead_frames:
            piece = self._waiting[0]
            if self._must_wait(piece.tag):
                break
            n = len(piece.payload)
            is_last = len(self._waiting) == 1
            if n < FRAME_SAMPLES and is_last and not (pad and not self._sent):
                break
            frame, n_taken = self._next_frame(piece)
            del piece.payload[:n_taken]
            self._waiting_bytes -= n_taken
            if not piece.payload:
                self._waiting.popleft()
            source_ms = n_taken / SAMPLES_PER_MS
            if frame is None:
                self._skipped_ms += source_ms
                continue
            frame = frame.ljust(FRAME_SAMPLES, bytes([SILENCE_BYTE]))
            source_ms, self._skipped_ms = source_ms + self._skipped_ms, 0.0
            self._sent.append(Played(frame, piece.tag, source_ms))
            self._released = piece.tag
            out += frame
        has_words = any(p.tag != _VOICE for p in self._sent)
        return self._release_voice() if pad and not has_words else bytes(out)

    def push_voice(self, payload: bytes) -> None:
        """Add live sound, mu-law of any length, to be played as soon as it can be."""
        payload = self._voice_rest + payload
        n_whole = len(payload) // FRAME_SAMPLES * FRAME_SAMPLES
        self._voice_rest = payload[n_whole:]
        for at in range(0, n_whole, FRAME_SAMPLES):
            self._voice.append(payload[at : at + FRAME_SAMPLES])
        while len(self._voice) * FRAME_MS > self._config.voice_keep_ms:
            self._voice.popleft()
            self.voice_lost_ms += FRAME_MS

    def _release_voice(self) -> bytes:
        """Send what comes next of the voice; of one that is late, without pauses."""
        voice, out = self._voice, bytearray()
        n_ahead = self._config.voice_ahead_ms // FRAME_MS
        slack_frames = self._config.voice_slack_ms // FRAME_MS
        while len(voice) > slack_frames and _is_quiet(voice[0]):
            voice.popleft()
        if not self._sent and len(voice) < n_ahead:
            return b""  # it would only stutter
        while voice and len(self._sent) < n_ahead:
            self._sent.append(Played(voice.popleft(), _VOICE))
            out += self._sent[-1].payload
        return bytes(out)

    def _must_wait(self, tag: str) -> bool:
        """Say whether a whole sentence may not begin yet."""
        if tag not in self._whole or tag == self._released:
            return False
        c = self._config
        is_open = self._stream and self._stream == self._released
        if is_open and self._stream_idle * FRAME_MS < c.stream_patience_ms:
            return True
        return self._since_sound * FRAME_MS < c.between_ms or bool(self._sent)

    def _next_frame(self, piece: _Piece) -> tuple[bytes | None, int]:
        """Return the next frame, or None to skip it, and how many samples it took."""
        plain = bytes(piece.payload[:FRAME_SAMPLES])
        if self._hurry is Hurry.NONE or piece.tag in self._whole:
            return plain, len(plain)
        self._n_quiet = self._n_quiet + 1 if _is_quiet(plain) else 0
        if self._n_quiet * FRAME_MS > self._config.kept_pause_ms:
            self.caught_up_ms += len(plain) / SAMPLES_PER_MS
            return None, len(plain)
        self._n_plain += 1
        is_due = self._n_plain >= self._config.faster_every_frames
        is_enough = len(piece.payload) >= NEEDED_SAMPLES
        if self._hurry < Hurry.FASTER or self._n_quiet or not (is_due and is_enough):
            return plain, len(plain)
        self._n_plain = 0
        pcm = decode_mulaw(bytes(piece.payload[:NEEDED_SAMPLES]))
        shorter, n_taken = shorten(pcm)
        self.caught_up_ms += (n_taken - FRAME_SAMPLES) / SAMPLES_PER_MS
        return encode_mulaw(shorter), n_taken

    def tick(self) -> Played:
        """Advance the line by 20 ms.

        Returns:
            what the telephone plays in them.
        """
        self._stream_idle += 1
        self._since_sound += 1
        if not self._sent:
            return _SILENCE
        played = self._sent.popleft()
        self._history.append(played)
        if played.tag != _VOICE:
            self._since_sound = 0
        return played

    def cut(self) -> None:
        """Take back everything that was sent but not played, and hold it.

        The telephone must be told to clear its buffer at the same moment.
        """
        while self._sent:
            played = self._sent.pop()
            if played.tag != _VOICE:
                self._put_back(played)
        self.is_held = True

    def rewind(self, *, pause_ms: int, at_most_ms: int) -> int:
        """Go back to the last pause before the cursor, within what is playing.

        Args:
            pause_ms: how long quiet has to be to count as a pause.
            at_most_ms: how far to go back.  Without a pause within it, back to the
                quietest place within it: between two words rather than in one.

        Returns:
            how much will be said again, ms.
        """
        if not self._waiting:
            return 0
        again = self._since_pause(
            self._waiting[0].tag, pause_ms // FRAME_MS, at_most_ms // FRAME_MS
        )
        for played in again:
            self._put_back(played)
        # What is said again has not been played yet, as far as the past is concerned.
        for _ in again:
            self._history.pop()
        return len(again) * FRAME_MS

    def _since_pause(self, tag: str, n_pause: int, n_most: int) -> list[Played]:
        """Return what was played of a tag since its last pause, newest first."""
        again: list[Played] = []
        n_quiet, quietest, least = 0, 0, math.inf
        for played in reversed(self._history):
            if played.tag != tag:
                return again  # the utterance began here
            if len(again) >= n_most:
                return again[:quietest]
            peak = _peak(played.payload)
            n_quiet = n_quiet + 1 if peak < _QUIET_PEAK else 0
            if n_quiet >= n_pause and len(again) >= n_pause:
                return again
            if len(again) >= n_pause and peak < least:
                quietest, least = len(again), peak
            again.append(played)
        return again

    def drop(self, tags: set[str]) -> None:
        """Forget the sound of some utterances: what waits, and what was heard of it."""
        if self._stream in tags:
            self._stream = ""
        heard = (p for p in self._history if p.tag not in tags)
        self._history = deque(heard, _HISTORY_FRAMES)
        self._waiting = deque(p for p in self._waiting if p.tag not in tags)
        self._waiting_bytes = sum(len(p.payload) for p in self._waiting)

    def _put_back(self, played: Played) -> None:
        """Put a frame in front of everything that waits."""
        self._waiting_bytes += len(played.payload)
        if self._waiting and self._waiting[0].tag == played.tag:
            self._waiting[0].payload[:0] = played.payload
        else:
            self._waiting.appendleft(_Piece(played.tag, bytearray(played.payload)))

    def forget(self) -> None:
        """Drop what was sent: the stream that would have played it is gone.

        What had not been sent stays queued for the next stream.
        """
        self._sent.clear()


def _peak(payload: bytes) -> int:
    return int(np.abs(decode_mulaw(payload)).max())


def _is_quiet(payload: bytes) -> bool:
    return _peak(payload) < _QUIET_PEAK


_SILENCE: Final = Played(SILENCE_FRAME, "")

"""Simultaneous translation: `/realtime/translations` (facts/openai.md 2).

24 kHz PCM16 in and out, no turns, no prompt, no text input.  It must be fed silence
continuously, and it answers silence with all-zero frames.
"""

from typing import Final

import numpy as np

from realtime.config import ENGINE_HZ
from realtime.engines.base import Closed, Refused, refusal
from realtime.engines.usage import Role, Usage, sound
from realtime.events import EngineAudio, Event, Leg, Pcm, SourceText, TargetText
from realtime.protocols import openai_realtime as wire

OUTPUT_LANGUAGES: Final = frozenset(
    {"es", "pt", "fr", "ja", "ru", "zh", "de", "ko", "hi", "id", "vi", "it", "en"}
)
"""The 13 languages it can speak (facts/openai.md 2)."""


class Translation:
    """One direction, interpreted while it is spoken.

    Args:
        leg: whose speech it interprets.
        target_language: ISO 639-1, one of `OUTPUT_LANGUAGES`.
        model: for the session.
        transcription_model: what writes the source captions.
    """

    by_turns: Final = False
    max_speed: Final = None
    is_idle: Final = True

    def __init__(
        self, leg: Leg, target_language: str, model: str, transcription_model: str
    ) -> None:
        self._leg = leg
        self._target_language = target_language
        self._model = model
        self._transcription_model = transcription_model
        self._outbox: list[str] = []
        self._unpaid_samples = 0

    @property
    def path(self) -> str:
        """Of its socket, with the query that chooses the kind of session."""
        return f"/realtime/translations?model={self._model}"

    def session_update(self) -> str:
        """Write the one event that configures a session."""
        return wire.encode(
            {
                "type": "session.update",
                "session": {
                    "audio": {
                        "input": {
                            "transcription": {"model": self._transcription_model}
                        },
                        "output": {"language": self._target_language},
                    }
                },
            }
        )

    def append(self, pcm: Pcm) -> None:
        """Give it the next sound: int16 at 24 kHz, any length.

        The engine works in frames of 200 ms.
        """
        self._unpaid_samples += len(pcm)
        self._outbox.append(
            '{"type":"session.input_audio_buffer.append","audio":"'
            f'{wire.encode_pcm(pcm)}"}}'
        )

    def commit(self, utterance_id: str) -> None:
        """It has no turns."""

    def answer(self, utterance_ids: tuple[str, ...]) -> None:
        """It speaks unasked."""

    def truncate(self, utterance_id: str, heard_ms: int) -> None:
        """It does not look back."""

    def close(self) -> None:
        """Have it stop listening and say the rest; then it closes by itself."""
        self._outbox.append('{"type":"session.close"}')

    def take(self) -> list[str]:
        """Return and forget what is to be sent."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked.

        The provider reports nothing (facts/openai.md 2): every minute of sound that it
        is given is paid for, silence included, and the source captions apart from it.
        """
        samples, self._unpaid_samples = self._unpaid_samples, 0
        if not samples:
            return []
        roles = (Role.TRANSLATE, Role.TRANSCRIBE)
        return [sound(role, samples, ENGINE_HZ) for role in roles]

    def receive(self, event: wire.ServerEvent) -> list[Event | Closed | Refused]:
        """Turn one of its events into ours.

        Args:
            event: as decoded from the socket.

        Returns:
            what the session or the shell should know; empty for what is of no interest
            here, which includes the zero frames it sends while it has nothing to say.

        Raises:
            BadEventError: an audio delta that is not PCM16.
        """
        match event.type:
            case "session.output_audio.delta":
                pcm = wire.decode_pcm(event.delta)
                return [EngineAudio(self._leg, pcm)] if np.any(pcm) else []
            case "session.input_transcript.delta":
                return [SourceText(self._leg, event.delta)]
            case "session.output_transcript.delta":
                return [TargetText(self._leg, event.delta)]
            case "session.closed":
                return [Closed()]
            case "error":
                return [refusal(event)]
            case _:
                return []

"""Simultaneous translation: `/realtime/translations` (facts/openai.md 2).

24 kHz PCM16 in and out, no turns, no prompt, no text input.  It must be fed silence
continuously, and it answers silence with all-zero frames.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from realtime.events import EngineAudio, Event, Leg, Pcm, SourceText, TargetText
from realtime.protocols import openai_realtime as wire

OUTPUT_LANGUAGES: Final = frozenset(
    {"es", "pt", "fr", "ja", "ru", "zh", "de", "ko", "hi", "id", "vi", "it", "en"}
)
"""The 13 languages it can speak (facts/openai.md 2)."""

PATH: Final = "/realtime/translations"


def can_interpret(caller_language: str, callee_language: str) -> bool:
    """Say whether one session per direction covers this pair, both ways."""
    return (
        caller_language != callee_language
        and caller_language in OUTPUT_LANGUAGES
        and callee_language in OUTPUT_LANGUAGES
    )


def session_update(target_language: str, transcription_model: str) -> str:
    """Write the one event that configures a session.

    Args:
        target_language: ISO 639-1, one of `OUTPUT_LANGUAGES`.
        transcription_model: what writes the source captions.
    """
    return wire.encode(
        {
            "type": "session.update",
            "session": {
                "audio": {
                    "input": {"transcription": {"model": transcription_model}},
                    "output": {"language": target_language},
                }
            },
        }
    )


def append(pcm: Pcm) -> str:
    """Write the next sound of the speaker.

    Args:
        pcm: int16 at 24 kHz, any length; the engine works in frames of 200 ms.
    """
    return (
        '{"type":"session.input_audio_buffer.append","audio":"'
        f'{wire.encode_pcm(pcm)}"}}'
    )


CLOSE: Final = '{"type":"session.close"}'
"""Stop listening, say the rest, then `session.closed`."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The session has said everything."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The engine reports an error; most leave the session alive."""

    code: str
    message: str


FATAL_CODES: Final = frozenset(
    {
        "insufficient_quota",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
        "session_expired",
    }
)
"""After these the session is of no more use (facts/openai.md 3, errors)."""


def parse(event: wire.ServerEvent, leg: Leg) -> Event | Closed | Refused | None:
    """Turn one of the engine's events into ours.

    Args:
        event: as decoded from the socket.
        leg: whose speech this session interprets.

    Returns:
        an event for the session, `Closed`, `Refused`, or None: of no interest here,
        which includes the zero frames it sends while it has nothing to say.

    Raises:
        BadEventError: an audio delta that is not PCM16.
    """
    match event.type:
        case "session.output_audio.delta":
            pcm = wire.decode_pcm(event.delta)
            return EngineAudio(leg, pcm) if np.any(pcm) else None
        case "session.input_transcript.delta":
            return SourceText(leg, event.delta)
        case "session.output_transcript.delta":
            return TargetText(leg, event.delta)
        case "session.closed":
            return Closed()
        case "error":
            error = event.error
            return Refused(
                (error and (error.code or error.type)) or "unknown",
                (error and error.message) or "",
            )
        case _:
            return None

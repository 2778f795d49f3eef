"""What each person hears, by mode (contract section 2).  Pure.

A mode is a row of a table; the session asks it what to do and never who it is.  Engines
depend on the languages only, so that switching the mode needs no new session.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How a call goes on.

    Attributes:
        name: of the contract.
        has_microphone: what the caller says reaches the callee.
        plays_interpretation: the caller hears the callee interpreted; else only reads.
        original_gain: how loud the caller hears the callee's own voice, 0 to 1.
        can_type: what the caller types is said to the callee.
        passes_voice: the callee hears the caller's own voice.
    """

    name: str
    has_microphone: bool
    plays_interpretation: bool
    original_gain: float
    can_type: bool = True
    passes_voice: bool = False
    has_agent: bool = False
    """The AI speaks for the caller, who hears everything as the callee does."""


_TWO_LANGUAGES: Final = (
    Mode(
        name="voice",
        has_microphone=True,
        plays_interpretation=True,
        original_gain=0.15,
    ),
    Mode(
        name="captions",
        has_microphone=True,
        plays_interpretation=False,
        original_gain=1.0,
    ),
    Mode(
        name="text",
        has_microphone=False,
        plays_interpretation=False,
        original_gain=1.0,
    ),
)
_ONE_LANGUAGE: Final = (
    Mode(
        name="voice",
        has_microphone=True,
        plays_interpretation=False,
        original_gain=1.0,
        passes_voice=True,
    ),
    Mode(
        name="captions",
        has_microphone=True,
        plays_interpretation=False,
        original_gain=1.0,
        passes_voice=True,
    ),
    Mode(
        name="text",
        has_microphone=False,
        plays_interpretation=False,
        original_gain=1.0,
    ),
)


_AGENT: Final = Mode(
    name="agent",
    has_microphone=False,
    plays_interpretation=False,
    original_gain=1.0,
    can_type=False,
    has_agent=True,
)


def modes_of(
    caller_language: str, callee_language: str, *, has_agent: bool = False
) -> dict[str, Mode]:
    """Return the modes that a call can have.

    Args:
        caller_language: ISO 639-1.
        callee_language: ISO 639-1; the same one means that nothing is translated.
        has_agent: there is something that the AI can do for the caller.
    """
    table = _ONE_LANGUAGE if caller_language == callee_language else _TWO_LANGUAGES
    agent = (_AGENT,) if has_agent else ()
    return {mode.name: mode for mode in (*table, *agent)}

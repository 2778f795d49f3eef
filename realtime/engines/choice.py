"""Which engine serves each person's speech.  Pure.

    mode      the caller's speech      the callee's speech
    voice     interpreted, heard       interpreted, heard
    captions  interpreted, heard       interpreted, read
    text      -                        interpreted, read
    agent     -                        -

An agent hears the callee with an engine of its own.  Where both speak the same language
nothing is interpreted: whoever is heard is written down.

An engine that cannot speak a language is stepped down from, and so is one that fails in
the middle of a call (`realtime.engines.ladder`): while they speak, then sentence by
sentence, then by way of text, then captions alone, then what was said is written down
from files.
"""

from enum import StrEnum
from typing import Final

from realtime.engines.catalogue import ABILITIES
from realtime.engines.interpret import NAMES
from realtime.engines.usage import Role
from realtime.events import PEOPLE, Leg
from realtime.voice.lines import LINES


class EngineKind(StrEnum):
    """A way to listen to somebody."""

    TRANSLATE = "translate"
    """Interprets while they speak."""
    INTERPRET = "interpret"
    """Interprets sentence by sentence."""
    CASCADE = "cascade"
    """Writes what they say, has the text translated, and has that read out."""
    TRANSCRIBE = "transcribe"
    """Only writes what they say; for a reader of another language the text is
    translated, where there is somebody to translate it."""
    FILE = "transcribe_file"
    """Nobody listens: each utterance is kept, and written down from a file."""


CALLER_LANGUAGES: Final = frozenset(NAMES)
"""What a caller may speak: it is heard by simultaneous translation, which understands
more than 70 languages (facts/openai.md 2), and spoken by one engine or the other."""
CALLEE_LANGUAGES: Final = frozenset(LINES) & CALLER_LANGUAGES
"""What a callee may speak: the system's own sentences are said to them as well."""

_LISTENS: Final[dict[str, frozenset[Leg]]] = {
    "voice": frozenset(PEOPLE),
    "captions": frozenset(PEOPLE),
    "text": frozenset({Leg.CALLEE}),
    "agent": frozenset(),
}
_BELOW: Final[dict[EngineKind, EngineKind | None]] = {
    EngineKind.TRANSLATE: EngineKind.INTERPRET,
    EngineKind.INTERPRET: EngineKind.CASCADE,
    EngineKind.CASCADE: EngineKind.TRANSCRIBE,
    EngineKind.TRANSCRIBE: EngineKind.FILE,
    EngineKind.FILE: None,
}


def choose(
    mode: str,
    leg: Leg,
    source_language: str,
    target_language: str,
    preferred: EngineKind = EngineKind.TRANSLATE,
) -> EngineKind | None:
    """Choose what listens to one person.

    Args:
        mode: of the contract: voice, captions, text or agent.
        leg: whose speech it is.
        source_language: ISO 639-1, what that person speaks.
        target_language: ISO 639-1, what the other one understands.
        preferred: where it can speak the target language.

    Returns:
        the engine, or None where the mode does not listen to this person.

    Raises:
        KeyError: no such mode.
    """
    if leg not in _LISTENS[mode]:
        return None
    return engine_for(source_language, target_language, preferred)


def engine_for(
    source_language: str, target_language: str, preferred: EngineKind
) -> EngineKind:
    """Choose what listens to a person, whatever the mode is or becomes.

    Arguments as of `choose`.
    """
    if source_language == target_language:
        return EngineKind.TRANSCRIBE
    kind: EngineKind | None = preferred
    while kind is not None and not _can_say(kind, target_language):
        kind = fallback(kind)
    return kind or EngineKind.TRANSCRIBE


def fallback(kind: EngineKind) -> EngineKind | None:
    """Return what is left when an engine cannot serve; None: nothing is."""
    return _BELOW[kind]


def rungs_for(
    source_language: str, target_language: str, best: EngineKind
) -> tuple[EngineKind, ...]:
    """List what could serve a person in the middle of a call, the best first.

    Args:
        source_language: ISO 639-1, what that person speaks.
        target_language: ISO 639-1, what the other one understands.
        best: what they are served by while nothing fails.
    """
    rungs = [best]
    while (kind := fallback(rungs[-1])) is not None:
        rungs.append(kind)
    written = (EngineKind.TRANSCRIBE, EngineKind.FILE)
    if source_language == target_language:
        return written
    return tuple(k for k in rungs if k in written or _can_say(k, target_language))


def supports(mode: str, caller_language: str, callee_language: str) -> bool:
    """Say whether a call between two languages is possible, both ways.

    Args:
        mode: of the contract: voice, captions, text or agent.
        caller_language: ISO 639-1.
        callee_language: ISO 639-1; the same one means that nothing is translated.
    """
    if caller_language not in CALLER_LANGUAGES:
        return False
    if callee_language not in CALLEE_LANGUAGES:
        return False
    if caller_language == callee_language:
        return True
    engines = (
        choose(mode, Leg.CALLER, caller_language, callee_language),
        choose(mode, Leg.CALLEE, callee_language, caller_language),
    )
    # Captions in a language that the reader does not know are no interpretation.
    return EngineKind.TRANSCRIBE not in engines


def _can_say(kind: EngineKind, language: str) -> bool:
    if kind is EngineKind.CASCADE:
        return language in NAMES  # what is translated as text, and read out
    abilities = ABILITIES[Role(kind)]
    return not abilities.translates or abilities.covers(None, language)

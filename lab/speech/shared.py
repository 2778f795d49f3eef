"""One voice and one ear for the whole process: templates take 20 MB and a second."""

from functools import cache

from lab.speech.matcher import Matcher
from lab.speech.phrasebook import Phrasebook
from lab.speech.synthesiser import Synthesiser


@cache
def synthesiser() -> Synthesiser:
    """Return the process's synthesiser."""
    return Synthesiser()


@cache
def matcher() -> Matcher:
    """Return the process's matcher, which knows the lab's phrasebook."""
    return Matcher(Phrasebook.load(), synthesiser())

"""Everything the lab's people and engines may say, spoken once before it is needed."""

from collections.abc import Callable, Iterator

from lab.people import load_people, spoken_ids
from lab.speech.matcher import TEMPLATES, Matcher
from lab.speech.phrasebook import Phrasebook
from lab.speech.synthesiser import Synthesiser

CALLER_VOICE = "e"
"""Unlike the voices of the templates, the engines and the people."""
CALLER_WPM = 165


def prepare_voices(say: Callable[[str], None]) -> None:
    """Fill the caches of speech and of the matcher's templates.

    Args:
        say: is told the progress, often.

    Raises:
        SpeechUnavailable: espeak-ng is not installed.
    """
    synthesiser, book = Synthesiser(), Phrasebook.load()
    wanted = list(dict.fromkeys(_wanted(book)))
    try:
        for n, (text, language, voice, speed_wpm) in enumerate(wanted, 1):
            synthesiser.speak_blocking(text, language, voice, speed_wpm)
            if n % 10 == 0 or n == len(wanted):
                say(f"preparing the lab's voices: {n} of {len(wanted)}")
        say("preparing the lab's ears")
        Matcher(book, synthesiser).prepare()
    finally:
        synthesiser.close()


def _wanted(book: Phrasebook) -> Iterator[tuple[str, str, str, int]]:
    for phrase in book.phrases:
        for language, text in phrase.texts.items():
            yield text, language, "a", 160
            for voice, speed_wpm in TEMPLATES:
                yield text, language, voice, speed_wpm
    for script in load_people().values():
        for phrase_id in sorted(spoken_ids(script.steps)):
            text = book[phrase_id].texts[script.language]
            yield text, script.language, script.voice, script.speed_wpm
        for phrase_id in sorted(spoken_ids(script.caller)):
            text = book[phrase_id].texts[script.caller_language]
            yield text, script.caller_language, CALLER_VOICE, CALLER_WPM

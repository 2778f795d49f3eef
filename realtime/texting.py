"""Typed text on its way out: translated, and read out word for word.

The session decides what is said and when; this only asks the providers, and always
answers: a sentence that could not be translated or spoken comes back without.
"""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import structlog

from calls import phrases
from realtime import actions as act
from realtime import events as ev
from realtime import services, texts
from realtime.engines.usage import Role, Usage, of_responses
from realtime.protocols import browser
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from realtime.speaker import Speaker
from wigvo.database import in_database

log = structlog.get_logger(__name__)


class Texting:
    """What one call asks of the text model and of the speaker.

    Args:
        facts: the call.
        speaker: reads sentences out.
        dispatch: gives something to the session.
        tell: sends something to the caller, if there is one.
    """

    def __init__(
        self,
        facts: CallFacts,
        speaker: Speaker,
        dispatch: Callable[[ev.Event], None],
        tell: Callable[[browser.ServerMessage], None],
    ) -> None:
        self._facts = facts
        self._speaker = speaker
        self._dispatch = dispatch
        self._tell = tell
        self._phrases: set[str] = set()
        """Phrases whose translation is not known yet."""
        self._unpaid: list[Usage] = []

    async def say_phrase(self, phrase_id: str) -> None:
        """Find a saved phrase and give it to the session as typed."""
        found = await in_database(services.phrase_for, self._facts.call_id, phrase_id)
        if found is None:
            text = "This phrase is not there any more. Reload the page."
            self._tell(browser.Problem("no_such_phrase", text))
            return
        text, translation = found
        if not translation:
            self._phrases.add(phrase_id)
        self._dispatch(
            ev.TextTyped(phrase_id, text, translation=translation, is_phrase=True)
        )

    async def translate(self, action: act.TranslateText) -> None:
        """Have a typed sentence translated into the callee's language."""
        config = self._facts.config
        try:
            found = await texts.translate(
                action.text,
                config.caller_language,
                config.callee_language,
                glossary=self._facts.glossary,
                names=self._facts.keywords,
                user_id=str(self._facts.owner_id),
            )
        except texts.TextFailed as error:
            log.warning("text_not_translated", code=error.code)
            self._dispatch(ev.TextTranslated(action.text_id, "", error.code))
            return
        if usage := of_responses(Role.TEXT, found.usage):
            self._unpaid.append(usage)
        self._dispatch(ev.TextTranslated(action.text_id, found.text))
        if action.text_id in self._phrases:
            self._phrases.discard(action.text_id)
            await in_database(
                partial(
                    phrases.remember_translation,
                    UUID(action.text_id),
                    of_text=action.text,
                    language=config.callee_language,
                    text=found.text,
                )
            )

    async def render(self, action: act.RenderText) -> None:
        """Have a sentence read out in the callee's language."""
        language = self._facts.config.callee_language
        try:
            spoken = await self._speaker.say(
                action.text, language, keep=action.is_phrase
            )
        except EngineRefusedError as error:
            log.warning("text_not_spoken", code=error.code)
            event = ev.TextRendered(action.text_id, ev.NO_SOUND, "", is_verbatim=False)
        else:
            event = ev.TextRendered(
                action.text_id,
                spoken.pcm,
                spoken.spoken_text,
                is_verbatim=spoken.is_verbatim,
            )
        self._dispatch(event)

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked."""
        unpaid, self._unpaid = self._unpaid, []
        return unpaid

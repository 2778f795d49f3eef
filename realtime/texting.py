"""Typed text on its way out: translated, and read out word for word.

The session decides what is said and when; this only asks the providers, and always
answers: a sentence that could not be translated or spoken comes back without.
"""

from collections.abc import Callable

import structlog

from realtime import actions as act
from realtime import events as ev
from realtime import texts
from realtime.engines.usage import Role, Usage, of_responses
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from realtime.speaker import Speaker

log = structlog.get_logger(__name__)


class Texting:
    """What one call asks of the text model and of the speaker.

    Args:
        facts: the call.
        speaker: reads sentences out.
        dispatch: gives something to the session.
    """

    def __init__(
        self,
        facts: CallFacts,
        speaker: Speaker,
        dispatch: Callable[[ev.Event], None],
    ) -> None:
        self._facts = facts
        self._speaker = speaker
        self._dispatch = dispatch
        self._unpaid: list[Usage] = []

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

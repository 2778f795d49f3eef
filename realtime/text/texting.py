"""Typed text on its way out: translated, and read out word for word.

The session decides what is said and when; this only asks the providers, and always
answers: a sentence that could not be translated or spoken comes back without.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from uuid import UUID

import structlog

from calls import phrases
from realtime import actions as act
from realtime import events as ev
from realtime import services
from realtime.engines.usage import Role, Usage, of_responses
from realtime.protocols import browser
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from realtime.text import texts
from realtime.voice.speaker import Speaker
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
        self._are_prepared = False
        self._looking_up = asyncio.Lock()
        self._unpaid: list[Usage] = []

    async def say_phrase(self, phrase_id: str) -> None:
        """Find a saved phrase and give it to the session as typed."""
        call_id = self._facts.call_id
        async with self._looking_up:  # they are said in the order of the taps
            found = await in_database(services.phrase_for, call_id, phrase_id)
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

    async def prepare_phrases(self) -> None:
        """Have the saved phrases ready, once: whoever taps one should not wait.

        Those that nobody has translated yet are translated, and that is kept.
        """
        if self._are_prepared:
            return
        self._are_prepared = True
        rows = await in_database(services.phrases_of, self._facts.call_id)
        language = self._facts.config.callee_language
        known = [said for _, _, said in rows if said]
        n_ready = await self._speaker.prepare(known, language)
        if n_ready == len(known):
            unknown = [(phrase_id, text) for phrase_id, text, said in rows if not said]
            new = [await self._translation_of(*row) for row in unknown]
            n_ready += await self._speaker.prepare(filter(None, new), language)
        log.info("phrases_prepared", ready=n_ready, all=len(rows))

    async def _translation_of(self, phrase_id: str, text: str) -> str:
        """Translate a saved phrase; empty if that does not work now."""
        try:
            found = await self._ask_translation(text)
        except texts.TextFailed:
            return ""
        await self._remember(phrase_id, text, found.text)
        return found.text

    async def rephrase(self, action: act.Rephrase) -> None:
        """Have a text said in a way that nobody minds, and read out."""
        language = self._facts.config.callee_language
        text, pcm = "", ev.NO_SOUND
        try:
            found = await texts.rephrase(
                action.text, language, user_id=str(self._facts.owner_id)
            )
            self._count(found.usage)
            text = found.text
            spoken = await self._speaker.say(text, language)
            pcm = spoken.pcm if spoken.is_verbatim else ev.NO_SOUND
        except (texts.TextFailed, EngineRefusedError) as error:
            log.warning("text_not_rephrased", code=error.code)
        self._dispatch(ev.Rephrased(action.utterance_id, text, pcm))

    async def suggest(self, action: act.Suggest) -> None:
        """Have replies made to what the callee has said."""
        config = self._facts.config
        try:
            found = await texts.suggest(
                [texts.Turn(who, text) for who, text in action.turns],
                self._facts.brief,
                callee_language=config.callee_language,
                caller_language=config.caller_language,
                user_id=str(self._facts.owner_id),
            )
        except texts.TextFailed as error:
            self._dispatch(ev.Suggested(action.utterance_id, (), error.code))
            return
        self._count(found.usage)
        items = tuple((item.text, item.translation) for item in found.items)
        self._dispatch(ev.Suggested(action.utterance_id, items))

    async def translate(self, action: act.TranslateText) -> None:
        """Have a typed sentence translated into the callee's language."""
        try:
            found = await self._ask_translation(action.text)
        except texts.TextFailed as error:
            log.warning("text_not_translated", code=error.code)
            self._dispatch(ev.TextTranslated(action.text_id, "", error.code))
            return
        self._dispatch(ev.TextTranslated(action.text_id, found.text))
        if action.text_id in self._phrases:
            self._phrases.discard(action.text_id)
            await self._remember(action.text_id, action.text, found.text)

    async def _ask_translation(self, text: str) -> texts.Translated:
        config = self._facts.config
        found = await texts.translate(
            text,
            config.caller_language,
            config.callee_language,
            glossary=self._facts.glossary,
            names=self._facts.keywords,
            user_id=str(self._facts.owner_id),
        )
        self._count(found.usage)
        return found

    async def _remember(self, phrase_id: str, text: str, translation: str) -> None:
        await in_database(
            partial(
                phrases.remember_translation,
                UUID(phrase_id),
                of_text=text,
                language=self._facts.config.callee_language,
                text=translation,
            )
        )

    def _count(self, used: texts.Usage) -> None:
        if usage := of_responses(Role.TEXT, used):
            self._unpaid.append(usage)

    async def render(self, action: act.RenderText) -> None:
        """Have a sentence read out in the callee's language."""
        language = self._facts.config.callee_language
        try:
            spoken = await self._speaker.say(
                action.text,
                language,
                keep=action.is_phrase,
                on_repeat=lambda: self._dispatch(ev.TextMisread(action.text_id)),
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

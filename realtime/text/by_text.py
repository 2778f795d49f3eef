"""What is interpreted by way of text: translated, and read out where it is to be heard.

And what nobody has listened to: written down from files.  The session decides what is
interpreted and when; this only asks the providers, one utterance of a leg after the
other, and always answers: `TargetDone` ends what `InterpretText` and `TranscribeFile`
began.  Never on the way of sound.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from realtime import actions as act
from realtime import events as ev
from realtime.config import ENGINE_HZ
from realtime.engines.usage import Role, Usage, of_responses, sound
from realtime.events import PEOPLE, Leg
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from realtime.text import texts
from realtime.voice.speaker import Speaker

log = structlog.get_logger(__name__)

FILE_PAUSES_S: Final = (1.0, 4.0, 15.0)
"""Before a file is sent again: whoever reads along waits no longer than that."""
MOST_FILES: Final = 20
"""So many may wait at once, some 10 MB; what comes on top of them is lost."""


class ByText:
    """What one call has made of its words outside of its engines.

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
        self._turn = {leg: asyncio.Lock() for leg in Leg}
        """Who waits for it comes in order: what was said first is said first."""
        self._n_files = 0
        self._unpaid: list[Usage] = []

    async def interpret(self, action: act.InterpretText) -> None:
        """Have the text of an utterance translated, and read out."""
        leg, ids = action.leg, action.utterance_ids
        async with self._turn[leg]:
            translation = await self._translate(leg, action.text)
            self._dispatch(ev.TextInterpreted(leg, ids, translation))
            is_failed = not translation
            if translation and action.speaks:
                is_failed = not await self._read_out(leg, ids[0], translation)
            if leg in PEOPLE:
                self._dispatch(ev.TargetDone(leg, ids, is_failed))

    async def write_down(self, action: act.TranscribeFile) -> None:
        """Have an utterance written down from a file."""
        leg, utterance_id = action.leg, action.utterance_id
        if self._n_files >= MOST_FILES:
            log.warning("file_not_sent", leg=leg, waiting=self._n_files)
            self._dispatch(ev.TargetDone(leg, (utterance_id,), is_failed=True))
            return
        self._n_files += 1
        try:
            text = await self._transcribe(action)
        finally:
            self._n_files -= 1
        if text is None:
            self._dispatch(ev.TargetDone(leg, (utterance_id,), is_failed=True))
            return
        self._dispatch(ev.SourceText(leg, text, utterance_id, is_whole=True))
        # The session has it translated, or is content with it.
        self._dispatch(ev.SourceDone(leg, utterance_id))

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked."""
        unpaid, self._unpaid = self._unpaid, []
        return unpaid

    # --- Inside ----------------------------------------------------------------------

    async def _translate(self, leg: Leg, text: str) -> str:
        source, target = self._languages(leg)
        try:
            found = await texts.translate(
                text,
                source,
                target,
                glossary=self._facts.glossary,
                names=self._facts.keywords,
                user_id=str(self._facts.owner_id),
            )
        except texts.TextFailed as error:
            log.warning("utterance_not_translated", leg=leg, code=error.code)
            return ""
        if usage := of_responses(Role.TEXT, found.usage):
            self._unpaid.append(usage)
        return found.text

    async def _read_out(self, leg: Leg, utterance_id: str, text: str) -> bool:
        try:
            spoken = await self._speaker.say(text, self._languages(leg)[1])
        except EngineRefusedError as error:
            log.warning("utterance_not_spoken", leg=leg, code=error.code)
            return False
        if not spoken.is_verbatim:
            return False  # it is read; what would be heard says something else
        self._dispatch(ev.EngineAudio(leg, spoken.pcm, utterance_id))
        return True

    async def _transcribe(self, action: act.TranscribeFile) -> str | None:
        language = self._languages(action.leg)[0]
        for pause_s in (*FILE_PAUSES_S, None):
            try:
                text = await texts.transcribe(
                    action.pcm, ENGINE_HZ, language, keywords=self._facts.keywords
                )
            except texts.TextFailed as error:
                log.warning("file_not_written", leg=action.leg, code=error.code)
                if pause_s is None or error.code in ("rejected", "refused"):
                    return None
                await asyncio.sleep(pause_s)
            else:
                used = sound(Role.TRANSCRIBE_FILE, len(action.pcm), ENGINE_HZ)
                self._unpaid.append(used)
                return text
        return None

    def _languages(self, leg: Leg) -> tuple[str, str]:
        """Return what a leg speaks, and what it is interpreted into."""
        config = self._facts.config
        caller, callee = config.caller_language, config.callee_language
        return (caller, callee) if leg is Leg.CALLER else (callee, caller)

"""The first sentences of a call, made ready before anybody is dialled.

What they say is decided by `realtime.opening.introduction`; this asks the text model
for the introduction in the callee's language, and the speaker for the sound of it.
Whatever goes wrong on the way, within five seconds, there is less to say, never no
call: first only the name, then the fixed greeting.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from django.core.cache import cache

from realtime.config import ENGINE_HZ
from realtime.engines.usage import Role, Usage, of_responses
from realtime.events import Pcm
from realtime.guards import names, numbers
from realtime.guards.names import Term
from realtime.opening import introduction as opening
from realtime.opening.introduction import Kind
from realtime.services import CallFacts
from realtime.sockets import EngineRefusedError
from realtime.text import texts
from realtime.voice.speaker import Speaker

log = structlog.get_logger(__name__)

TIMEOUT_S: Final = 5.0
"""All of it; the engines have as long (design section 2)."""
PAUSE_MS: Final = 450
"""Between the caller's sentence and ours, as between two sentences."""
CACHE_S: Final = 3600
"""What was shown before a call is what is said in it."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who calls and why, to be said in the callee's language.

    Attributes:
        text: in the caller's language, as they have read it; may be empty.
        name: of the person who calls, as it is spoken.
        terms: names and words of the brief that a translation has to have.
        names: to be written as they are.
    """

    text: str
    name: str
    caller_language: str
    callee_language: str
    terms: tuple[Term, ...] = ()
    glossary: Sequence[Mapping[str, Any]] = ()
    names: Sequence[str] = ()
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """An introduction in the callee's language.

    Attributes:
        text: what is to be said; "" for the fixed greeting.
        problem: why it says less than the caller has written; "" if it does not.
        usage: of the text model.
    """

    text: str
    problem: str = ""
    usage: list[Usage] = field(default_factory=list)


async def in_their_language(wanted: Introduction) -> Found:
    """Find an introduction's words in the callee's language; never fails."""
    known = opening.known_in(
        wanted.callee_language, wanted.text, wanted.name, wanted.caller_language
    )
    if known is not None:
        return Found(known)
    key = _key_of(wanted)
    if kept := await cache.aget(key):
        return Found(kept)
    less = opening.named(wanted.callee_language, wanted.name)
    source = opening.language_of(
        wanted.text, wanted.caller_language, wanted.callee_language
    )
    try:
        found = await texts.translate(
            wanted.text,
            source,
            wanted.callee_language,
            glossary=wanted.glossary,
            names=[n for n in (wanted.name, *wanted.names) if n],
            user_id=wanted.user_id,
        )
    except texts.TextFailed as error:
        return Found(less, error.code)
    usage = of_responses(Role.TEXT, found.usage)
    used = [usage] if usage else []
    text = opening.ended(found.text, wanted.callee_language)
    if problem := _problem_of(wanted, source, text):
        return Found(less, problem, used)
    await cache.aset(key, text, CACHE_S)
    return Found(text, "", used)


def _problem_of(wanted: Introduction, source: str, text: str) -> str:
    """Say why a translation is not to be said to a stranger."""
    target = wanted.callee_language
    own = (Term(wanted.name, is_name=True),) if wanted.name else ()
    if len(text) > 2 * opening.MOST_LETTERS:
        return "too_long"
    if not opening.is_fit(text, target):
        return "abusive"
    terms = (*own, *wanted.terms)
    if names.compare(wanted.text, source, text, target, terms):
        return "names_differ"
    if numbers.compare(wanted.text, source, text, target):
        return "numbers_differ"
    return ""


def _key_of(wanted: Introduction) -> str:
    said = [
        wanted.text,
        wanted.name,
        wanted.caller_language,
        wanted.callee_language,
        [dict(row) for row in wanted.glossary],
    ]
    digest = hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
    return f"opening:{digest}"


def introduction_of(facts: CallFacts) -> Introduction:
    """Gather what a call's introduction is made of."""
    config = facts.config
    return Introduction(
        facts.opening,
        facts.caller_name,
        config.caller_language,
        config.callee_language,
        terms=config.terms,
        glossary=facts.glossary,
        names=facts.keywords,
        user_id=str(facts.owner_id),
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """The first sentences, ready to be played.

    Attributes:
        text: what is said.
        pcm: int16 mono at 24 kHz.
        proof: what is kept of how it came about.
    """

    text: str
    pcm: Pcm
    proof: dict[str, Any]


class Opener:
    """Prepare the first sentences of one call.

    Args:
        facts: the call.
        speaker: reads them out.
    """

    def __init__(self, facts: CallFacts, speaker: Speaker) -> None:
        self._facts = facts
        self._speaker = speaker
        self._language = facts.config.callee_language
        self._is_one_language = facts.config.is_one_language
        self._unpaid: list[Usage] = []
        self._problem = ""

    async def prepare(self) -> Prepared:
        """Have them spoken.

        Raises:
            EngineRefusedError: not even the fixed greeting can be spoken.
        """
        kind = Kind.RELAY if self._is_one_language else Kind.INTERPRETED
        fixed = opening.opening(self._language, kind)
        # An agent introduces itself: the greeting is only for a mode that is changed.
        if not self._facts.opening or self._facts.config.mode == "agent":
            return self._prepared("", fixed, await self._render(fixed))
        ours = opening.disclosure(self._language, kind)
        net, intro, disclosure = await asyncio.gather(
            self._render(fixed),
            self._introduce(),
            self._render(ours),
            return_exceptions=True,
        )
        if isinstance(intro, tuple) and isinstance(disclosure, np.ndarray):
            text, pcm = intro
            pause = np.zeros(ENGINE_HZ * PAUSE_MS // 1000, np.int16)
            said = opening.joined(self._language, text, ours)
            return self._prepared(text, said, np.concatenate([pcm, pause, disclosure]))
        if isinstance(net, BaseException):
            raise net
        return self._prepared("", fixed, net)

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used since last asked."""
        unpaid, self._unpaid = self._unpaid, []
        return unpaid

    def _prepared(self, introduction: str, text: str, pcm: Pcm) -> Prepared:
        proof = {
            "wanted": self._facts.opening,
            "introduction": introduction,
            "language": self._language,
            "problem": self._problem,
        }
        return Prepared(text, pcm, proof)

    async def _render(self, text: str) -> Pcm:
        return await self._speaker.render(text, self._language)

    async def _introduce(self) -> tuple[str, Pcm] | None:
        """Find the words and have them spoken; None: there was no time, or no voice."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                wanted = introduction_of(self._facts)
                found = await in_their_language(wanted)
                self._unpaid += found.usage
                self._problem = found.problem
                less = opening.named(self._language, wanted.name)
                return await self._first_spoken((found.text, less))
        except TimeoutError:
            self._problem = "timeout"
        except EngineRefusedError as error:
            self._problem = error.code
        log.warning("opening_not_prepared", code=self._problem)
        return None

    async def _first_spoken(self, choices: Iterable[str]) -> tuple[str, Pcm] | None:
        for text in dict.fromkeys(filter(None, choices)):
            # A name, perhaps, that is said once: kept by this process only.
            spoken = await self._speaker.say(text, self._language)
            is_said = spoken.is_verbatim or opening.is_said(
                text,
                spoken.spoken_text,
                self._language,
                names.spelled(self._facts.caller_name, self._language),
            )
            if is_said:
                return text, spoken.pcm
            self._problem = "not_verbatim"
        return None

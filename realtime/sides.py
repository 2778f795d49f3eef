"""One leg's speech: is it speaking, what has it said, and is its engine there?"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from realtime.audio.vad import SpeechDetector
from realtime.config import ENGINE_HZ, CallConfig
from realtime.events import NO_SOUND, Leg, Pcm
from realtime.guards.witness import Witness
from realtime.line.endpointing import Endpointer
from realtime.text.captions import CaptionTrack

SIMULTANEOUS: Final = "translate"
"""The one kind of engine that listens and speaks at the same time."""


class Backlog:
    """Sound kept for an engine that is away: in order, and bounded.

    Args:
        keep_ms: how much is kept; the oldest goes first.
    """

    def __init__(self, keep_ms: int) -> None:
        self._chunks: deque[Pcm] = deque()
        self._max_samples = keep_ms * ENGINE_HZ // 1000
        self._n_samples = 0
        self.lost_ms = 0

    def append(self, pcm: Pcm) -> None:
        """Keep more sound: int16 at 24 kHz."""
        self._chunks.append(pcm)
        self._n_samples += len(pcm)
        while self._n_samples > self._max_samples:
            dropped = self._chunks.popleft()
            self._n_samples -= len(dropped)
            self.lost_ms += len(dropped) * 1000 // ENGINE_HZ

    def take(self) -> Pcm:
        """Return everything kept, as one piece, and forget it."""
        if not self._chunks:
            return NO_SOUND
        pcm = np.concatenate(list(self._chunks))
        self._chunks.clear()
        self._n_samples = 0
        return pcm


@dataclass(slots=True)
class Utterance:
    """What an engine that works by turns was given and has not answered yet.

    Attributes:
        utterance_id: of its caption.
        sound: all of it, int16 at 24 kHz: a new engine has to hear it again.
        is_committed: all of its sound has come.
    """

    utterance_id: str
    sound: list[Pcm] = field(default_factory=list)
    n_samples: int = 0
    is_committed: bool = False

    def add(self, pcm: Pcm) -> None:
        """Keep more of its sound."""
        self.sound.append(pcm)
        self.n_samples += len(pcm)

    def keep_last(self, most_samples: int) -> None:
        """Keep no more of its sound than this."""
        while self.n_samples > most_samples and len(self.sound) > 1:
            self.n_samples -= len(self.sound.pop(0))

    def take_sound(self) -> Pcm:
        """Return all of its sound and keep nothing of it."""
        pcm = np.concatenate([NO_SOUND, *self.sound])
        self.sound, self.n_samples = [], 0
        return pcm


class Turns:
    """One leg's utterances that have not been answered, with their sound.

    For an engine that works by turns, and for the successor of one that does not.

    Args:
        config: the call's.
    """

    def __init__(self, config: CallConfig) -> None:
        self.endpointer = Endpointer(config.endpoints)
        self._max_samples = config.recovery.keep_ms * ENGINE_HZ // 1000
        self._pre_roll: deque[Pcm] = deque()
        self._pre_roll_left = config.endpoints.pre_roll_ms * ENGINE_HZ // 1000
        self._utterances: OrderedDict[str, Utterance] = OrderedDict()
        self.current: Utterance | None = None
        self.unasked: list[str] = []
        """Committed, and not to be answered yet."""
        self.asked: list[tuple[str, ...]] = []
        """Being answered, in order."""
        self.joined: dict[str, str] = {}
        """Utterances that are answered together with an earlier one."""
        self.lost_ms = 0
        self.more_ms = 0
        """Speech after the last utterance was ended by the speaker's own word."""

    def remember(self, pcm: Pcm) -> None:
        """Keep the last sound before the next utterance: int16 at 24 kHz."""
        self._pre_roll.append(pcm)
        self._pre_roll_left -= len(pcm)
        while self._pre_roll_left < 0:
            self._pre_roll_left += len(self._pre_roll.popleft())

    def open(self, utterance_id: str) -> list[Pcm]:
        """Begin an utterance.

        Returns:
            the sound from before its detection that belongs to it.
        """
        before, self._pre_roll = list(self._pre_roll), deque()
        self._pre_roll_left += sum(map(len, before))
        self.current = Utterance(utterance_id)
        self._utterances[utterance_id] = self.current
        return before

    def commit(self) -> str | None:
        """End the current utterance; its id, or None if there is none."""
        utterance, self.current = self.current, None
        if utterance is None:
            return None
        utterance.is_committed = True
        self.unasked.append(utterance.utterance_id)
        return utterance.utterance_id

    def ask(self) -> tuple[str, ...]:
        """Return what is to be answered now."""
        ids, self.unasked = tuple(self.unasked), []
        if ids:
            self.asked.append(ids)
            self.joined |= dict.fromkeys(ids[1:], ids[0])
        return ids

    def ask_each(self) -> None:
        """Have everything that is committed answered, each by itself."""
        asked = {i for ids in self.asked for i in ids}
        committed = [
            u.utterance_id for u in self._utterances.values() if u.is_committed
        ]
        self.asked += [(i,) for i in committed if i not in asked]
        self.unasked = []

    def ask_nothing(self) -> None:
        """What is to come answers unasked, in its own order."""
        committed = (u for u in self._utterances.values() if u.is_committed)
        self.asked, self.unasked = [], [u.utterance_id for u in committed]

    def forget(self, utterance_ids: tuple[str, ...]) -> None:
        """These have been answered, or will not be."""
        for utterance_id in utterance_ids:
            self._utterances.pop(utterance_id, None)
        self.unasked = [i for i in self.unasked if i not in utterance_ids]
        self.asked = [ids for ids in self.asked if not set(ids) <= set(utterance_ids)]

    def drop_oldest(self) -> str | None:
        """Give up the oldest utterance if all of them are too much to be kept.

        Returns:
            its id, or None.
        """
        kept = sum(u.n_samples for u in self._utterances.values())
        oldest = next(iter(self._utterances.values()), None)
        if kept <= self._max_samples or oldest is None or oldest is self.current:
            return None
        self.lost_ms += oldest.n_samples * 1000 // ENGINE_HZ
        self.forget((oldest.utterance_id,))
        return oldest.utterance_id

    def unanswered(self) -> list[Utterance]:
        """Return everything that a new engine must be given again, in order."""
        return list(self._utterances.values())


class Side:
    """What belongs to one leg.

    Args:
        leg: who speaks.
        config: the call's.
        first_number: of its utterances.
    """

    def __init__(self, leg: Leg, config: CallConfig, first_number: int) -> None:
        self.leg = leg
        self.detector = SpeechDetector(config.speech)
        languages = config.caller_language, config.callee_language
        self.witness = Witness(config, languages[leg is Leg.CALLEE])
        self.captions = CaptionTrack(leg, config.captions, first_number)
        self.is_open = True
        """Somebody opens an engine for it, or has."""
        self.engine_is_ready = False
        self.engine_is_closed = False
        self.engine_lost_at_ms: int | None = None
        self.is_degraded = False
        self.backlog = Backlog(config.recovery.keep_ms)
        self.kind = config.engine_of(leg)
        """What listens to it, as `EngineKind` names it; it may change in the call."""
        self.kept = Turns(config)
        self.spare = ""
        """A better engine, or a cheaper one, that is open and waits for its moment."""
        self.being_said: set[str] = set()
        """Ids of utterances whose text somebody is interpreting ..."""
        self.filed: set[str] = set()
        """... and of those that are being written from a file."""
        self._waiting: list[Pcm] = []
        self._waiting_since = 0.0
        self.waiting_ms = 0.0
        self.heard: set[str] = set()
        """Ids of utterances whose translation the other side heard, or begins to."""
        self.passed: set[str] = set()
        """Ids of utterances that the other side heard in the voice itself."""

    @property
    def turns(self) -> Turns | None:
        """Its turns, where the engine that listens works by turns."""
        return None if self.kind == SIMULTANEOUS else self.kept

    def hold(self, pcm: Pcm, now: float) -> None:
        """Keep sound until there is enough for a message: int16 at 24 kHz."""
        if not self._waiting:
            self._waiting_since = now
        self._waiting.append(pcm)
        self.waiting_ms += len(pcm) * 1000 / ENGINE_HZ

    def release(self, now: float) -> tuple[Pcm, float]:
        """Return what was held, as one piece, and how long its oldest waited, ms."""
        if not self._waiting:
            return NO_SOUND, 0.0
        parts, self._waiting = self._waiting, []
        self.waiting_ms = 0.0
        held_ms = (now - self._waiting_since) * 1000
        return (parts[0] if len(parts) == 1 else np.concatenate(parts)), held_ms

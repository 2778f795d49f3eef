"""One leg's speech: is it speaking, what has it said, and is its engine there?"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

import numpy as np

from realtime.audio.vad import SpeechDetector
from realtime.captions import CaptionTrack
from realtime.config import ENGINE_HZ, CallConfig
from realtime.endpointing import Endpointer
from realtime.events import NO_SOUND, Leg, Pcm


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


class Turns:
    """One leg's utterances, for an engine that works by turns.

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
        self.captions = CaptionTrack(leg, config.captions, first_number)
        self.is_open = True
        """Somebody opens an engine for it, or has."""
        self.engine_is_ready = False
        self.engine_is_closed = False
        self.engine_lost_at_ms: int | None = None
        self.is_degraded = False
        self.backlog = Backlog(config.recovery.keep_ms)
        self.turns = Turns(config) if config.works_by_turns(leg) else None
        self._waiting: list[Pcm] = []
        self._waiting_since = 0.0
        self.waiting_ms = 0.0
        self.heard: set[str] = set()
        """Ids of utterances whose translation the other side heard, or begins to."""

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

"""What every engine can be asked, and what it answers.  Pure."""

from dataclasses import dataclass
from typing import Final, Protocol

from realtime.engines.usage import Usage
from realtime.events import Event, Pcm
from realtime.protocols import openai_realtime as wire


@dataclass(frozen=True, slots=True)
class Closed:
    """The session has said everything."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The engine reports an error; most leave the session alive."""

    code: str
    message: str


FATAL_CODES: Final = frozenset(
    {
        "insufficient_quota",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
        "session_expired",
    }
)
"""After these the session is of no more use (facts/openai.md 3, errors)."""


def refusal(event: wire.ServerEvent) -> Refused:
    """Read an `error` event."""
    error = event.error
    return Refused(
        (error and (error.code or error.type)) or "unknown",
        (error and error.message) or "",
    )


class Engine(Protocol):
    """One direction's session: what it is told and what it says.

    Whatever is to be sent is put into an outbox, in order; `take` empties it.
    """

    @property
    def path(self) -> str:
        """Of its socket, with the query that chooses the kind of session."""

    @property
    def by_turns(self) -> bool:
        """It answers what was committed, when it is asked.

        Or else it listens and speaks continuously, and `commit`, `answer` and
        `truncate` mean nothing to it.
        """

    @property
    def max_speed(self) -> float | None:
        """How much faster than time it may be sent sound; None: any speed."""

    @property
    def is_idle(self) -> bool:
        """Nothing that was asked is still to be answered."""

    def session_update(self) -> str:
        """Write the event that configures a session."""

    def append(self, pcm: Pcm) -> None:
        """Give it more sound: int16 at 24 kHz."""

    def commit(self, utterance_id: str) -> None:
        """All sound since the last commit is one utterance."""

    def answer(self, utterance_ids: tuple[str, ...]) -> None:
        """Interpret committed utterances, as one sentence."""

    def truncate(self, utterance_id: str, heard_ms: int) -> None:
        """Of what was said for an utterance, only so much was heard."""

    def close(self) -> None:
        """Say goodbye, where there is a word for it."""

    def take(self) -> list[str]:
        """Return and forget what is to be sent."""

    def take_usage(self) -> list[Usage]:
        """Return and forget what was used, and has to be paid for, since last asked."""

    def receive(self, event: wire.ServerEvent) -> list[Event | Closed | Refused]:
        """Take one of the provider's events.

        Raises:
            BadEventError: sound that is not PCM16.
        """

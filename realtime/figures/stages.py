"""Where the time goes between somebody's last word and the agent's first.  Pure.

One turn at a time: the end of speech, the commit, the request, the first text, the
first sound, and the first frame of it that the telephone plays.  What overtakes a turn
(they go on speaking) begins it anew.
"""

from typing import Final

STAGES: Final = ("committed", "asked", "text", "audio", "line")


class Stages:
    """The newest turn of one call, on the line's clock."""

    def __init__(self) -> None:
        self._ended_ms: int | None = None
        self._at_ms: dict[str, int] = {}
        self._tag = ""

    def committed(self, ended_ms: int, now_ms: int) -> None:
        """An utterance was ended.

        Args:
            ended_ms: when its last sound was.
            now_ms: now.
        """
        self._ended_ms = ended_ms
        self._at_ms = {"committed": now_ms}
        self._tag = ""

    def asked(self, now_ms: int) -> None:
        """An answer was asked for."""
        self._note("asked", now_ms)

    def text(self, now_ms: int) -> None:
        """The answer's first words have come."""
        self._note("text", now_ms)

    def audio(self, tag: str, now_ms: int) -> None:
        """The answer's first sound has come, and is queued under a tag."""
        if self._note("audio", now_ms):
            self._tag = tag

    @property
    def waits_for(self) -> str:
        """The tag whose first frame completes the turn; empty: none does yet."""
        return self._tag

    def heard(self, now_ms: int) -> dict[str, int] | None:
        """The first frame plays.

        Returns:
            when speech ended (`at_ms`), and how long after it each stage was, ms; None
            if no turn is waited for.
        """
        ended_ms, self._ended_ms, self._tag = self._ended_ms, None, ""
        if ended_ms is None:
            return None
        at_ms = {**self._at_ms, "line": now_ms}
        after = {
            f"{name}_ms": at_ms[name] - ended_ms for name in STAGES if name in at_ms
        }
        return {"at_ms": ended_ms, **after}

    def _note(self, stage: str, now_ms: int) -> bool:
        is_news = self._ended_ms is not None and stage not in self._at_ms
        if stage in ("text", "audio") and "asked" not in self._at_ms:
            return False  # that answers something else
        if is_news:
            self._at_ms[stage] = now_ms
        return is_news

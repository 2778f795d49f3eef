"""How people introduce themselves on the telephone, before a call.

What is stored with a call is its introduction, in the words that its caller could read
and change; what the AI says of itself follows it, and is not theirs to change
(`realtime.opening.introduction`).
"""

from dataclasses import dataclass

from realtime.opening import introduction as opening
from realtime.opening.introduction import MOST_LETTERS, clean
from wigvo.models import User

__all__ = ["Opening", "Wanted", "clean", "introduction", "message", "problem_of"]


def introduction(
    user: User, caller_language: str, callee_language: str, purpose: str = ""
) -> str:
    """Put into words who calls, and what about, in the caller's language.

    Args:
        user: who calls.
        caller_language: ISO 639-1.
        callee_language: ISO 639-1.
        purpose: a short phrase that the caller has seen; "" for none.

    Returns:
        the person's own sentence, if they have one, else one made of their name; "" if
        there is nothing to say.
    """
    if not user.opening:
        return opening.introduce(caller_language, user.name_as_spoken, purpose)
    written_in = opening.language_of(user.opening, caller_language, callee_language)
    own = opening.ended(user.opening, written_in)
    return opening.joined(written_in, own, opening.about(written_in, purpose))


def message(text: str, caller_language: str, callee_language: str) -> str:
    """Make of an introduction what is left on a voicemail; "" where there is none."""
    written_in = opening.language_of(text, caller_language, callee_language)
    return opening.message(written_in, text)


def problem_of(text: str, caller_language: str, callee_language: str) -> str:
    """Say why nobody may be greeted like this: a code of `REFUSALS`, or ""."""
    if len(text) > MOST_LETTERS:
        return "opening_too_long"
    written_in = opening.language_of(text, caller_language, callee_language)
    return "" if opening.is_fit(text, written_in) else "opening_abusive"


@dataclass(frozen=True, slots=True)
class Opening:
    """Everything that is said first, as it is shown before a call.

    Attributes:
        text: in the caller's language.
        spoken: the same in the callee's, as it will be said; "" if that is not known.
        caller_language: ISO 639-1, of `text`.
        callee_language: ISO 639-1, of `spoken`.
        is_less: what the caller has written cannot be said, so `spoken` says less.
        is_by_agent: the assistant says it in its own words.
    """

    text: str
    spoken: str
    caller_language: str
    callee_language: str
    is_less: bool = False
    is_by_agent: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """An introduction, and the call that it is for.

    Attributes:
        text: the introduction; may be empty.
        name: of the person who calls, as it is spoken.
        mode: of the call.
        caller_language: ISO 639-1.
        callee_language: ISO 639-1.
    """

    text: str
    name: str
    mode: str
    caller_language: str
    callee_language: str

    @property
    def known(self) -> Opening:
        """What will be said, as far as it can be told without translating."""
        languages = self.caller_language, self.callee_language
        return self.heard(
            opening.known_in(languages[1], self.text, self.name, languages[0])
        )

    def heard(self, introduction: str | None, *, is_less: bool = False) -> Opening:
        """Show what will be said around an introduction in the callee's language.

        Args:
            introduction: "" for the fixed greeting, None if it is not known.
            is_less: it does not say all that was wanted.
        """
        languages = self.caller_language, self.callee_language
        kind = opening.kind_of(self.mode, *languages)
        spoken = ""
        if introduction is not None:
            spoken = opening.opening(self.callee_language, kind, introduction)
        written_in = opening.language_of(self.text, *languages)
        is_theirs = bool(self.text) and written_in == self.callee_language
        shown = spoken if is_theirs else ""
        return Opening(
            shown or opening.opening(self.caller_language, kind, self.text),
            spoken,
            *languages,
            is_less=is_less,
            is_by_agent=kind is opening.Kind.AGENT,
        )

"""Short answers: yes, no, and which one of a list.  Pure."""

import re
from typing import Final

from chat.values import fold

_YES_WORDS: Final = """
yes | yes please | yep | yeah | yup | ok | okay | sure | correct | right | that's right
that is right | exactly | perfect | looks good | all good | sounds good | go ahead
confirm | confirmed | do it | yes that's right | yes correct | yes it is | yes go ahead
all correct | that's correct | yes that is right | yes thank you | yes thanks
네 | 넵 | 넹 | 예 | 응 | 어 | 그래 | 그래요 | 맞아 | 맞아요 | 맞습니다 | 네 맞아요
네 맞습니다 | 예 맞아요 | 예 맞습니다 | 좋아 | 좋아요 | 네 좋아요 | 좋습니다 | 네네
확인 | 확인했어요 | 확인했습니다 | 그렇게 해주세요 | 네 그렇게 해주세요 | 진행해주세요
네 진행해주세요 | 전화해주세요 | 네 전화해주세요 | 오케이 | 네 감사합니다 | ㅇㅇ | ㅇㅋ
"""
_NO_WORDS: Final = """
no | nope | no thanks | not yet | wrong | that's wrong | not right | incorrect | stop
wait | no that's wrong
아니 | 아니요 | 아뇨 | 아니오 | 틀려요 | 틀렸어요 | 아니에요 | 아닙니다 | 잠깐
잠깐만요 | 아직 | 아니요 틀렸어요
"""
_ORDINALS: Final = (
    (r"1|one|1st|first", r"한|첫|일"),
    (r"2|two|2nd|second", r"두|둘|이"),
    (r"3|three|3rd|third", r"세|셋|삼"),
    (r"4|four|4th|fourth", r"네|넷|사"),
    (r"5|five|5th|fifth", r"다섯|오"),
)
_WHICH: Final = (
    r"(?:(?:the|number|no\.?|option|take|i'd like|yes,?)\s+)*"
    r"(?:(?:{latin})(?:\s*번째?)?|(?:{korean})\s*(?:번째?|째))"
    r"(?:\s*(?:one|place|거|것|곳|집|으로|로|이요|요|please))*[\s.!]*"
)
"""All of an answer that picks one of a list; "2 people" is none."""


def _folded(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in re.split(r"[|\n]", words) if fold(word))


_YES: Final = _folded(_YES_WORDS)
_NO: Final = _folded(_NO_WORDS)


def is_yes(message: str) -> bool:
    """Tell whether a message is a yes and nothing else."""
    return fold(message) in _YES


def is_no(message: str) -> bool:
    """Tell whether a message is a no and nothing else."""
    return fold(message) in _NO


def ordinal(message: str) -> int | None:
    """Return which one of a list is meant: "2", "두 번째요", "the first one"."""
    text = message.strip().casefold()
    for number, (latin, korean) in enumerate(_ORDINALS, 1):
        if re.fullmatch(_WHICH.format(latin=latin, korean=korean), text):
            return number
    return None

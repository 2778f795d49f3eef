"""What is measured about words: how late they are, and whose part of it that is.  Pure.

    final_caption_{engine}   the callee's end of speech -> their caption is final
    typed_to_line            a typed text has come -> its first sound is on the line
    phrase_to_line           the same of a saved phrase, whose sound may be there

Each has two parts.  `_provider` is what passes until the last of it, text or sound, has
come from the provider, the network to it included; a simultaneous voice takes as long
as it speaks.  `_relay` is what we add: the silence that makes a caption final, and
waiting for a turn on the line.
"""

from collections.abc import Iterator

from realtime.actions import Measure
from realtime.text.captions import Caption


def of_caption(caption: Caption, engine: str, now_ms: int) -> Iterator[Measure]:
    """Measure a caption of the callee's that has just become final.

    Args:
        caption: what they said.
        engine: what has listened to it, as `EngineKind` names it.
        now_ms: the call's clock.
    """
    if caption.ended_ms is None or caption.is_unspoken or not caption.has_text:
        return
    last_ms = max(caption.source_at_ms, caption.target_at_ms or 0)
    yield from _parts(f"final_caption_{engine}", caption.ended_ms, last_ms, now_ms)


def of_typed(
    typed_ms: int, ready_ms: int, heard_ms: int, *, is_phrase: bool
) -> Iterator[Measure]:
    """Measure a text whose first sound the callee hears.

    Args:
        typed_ms: when it came, by the call's clock.
        ready_ms: when it had been translated and spoken into memory.
        heard_ms: now.
        is_phrase: it is a saved one.
    """
    what = "phrase_to_line" if is_phrase else "typed_to_line"
    yield from _parts(what, typed_ms, ready_ms, heard_ms)


def _parts(what: str, began_ms: int, came_ms: int, over_ms: int) -> Iterator[Measure]:
    came_ms = min(max(began_ms, came_ms), over_ms)
    yield Measure(what, over_ms - began_ms)
    yield Measure(f"{what}_provider", came_ms - began_ms)
    yield Measure(f"{what}_relay", over_ms - came_ms)

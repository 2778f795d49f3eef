"""What a session has to say: actions in order, for whoever performs them.  Pure."""

from dataclasses import replace

import msgspec

from realtime import actions as act
from realtime.protocols import browser
from realtime.text.captions import Caption


class Outbox:
    """Actions that have not been taken yet; the parts of a session share one."""

    def __init__(self) -> None:
        self._actions: list[act.Action] = []

    def do(self, action: act.Action) -> None:
        """Ask for an action."""
        self._actions.append(action)

    def tell(self, message: browser.ServerMessage, *, is_public: bool = False) -> None:
        """Tell the caller; viewers are told as well where `is_public`."""
        self.do(act.SendCaller(message, is_public))

    def record(self, kind: str, data: dict[str, object]) -> None:
        """Keep that something happened to the call."""
        self.do(act.RecordEvent(kind, data))

    def not_interpreted(self, caption: Caption) -> None:
        """Tell the caller that something was said and not understood, and keep that."""
        text = "Something that was said could not be understood."
        about = caption.utterance_id
        self.tell(browser.Warn("not_interpreted", text, utterance_id=about))
        data = {"at_ms": caption.started_ms, "leg": caption.leg}
        self.record("not_interpreted", data)

    def take_back(self, caption: Caption) -> None:
        """Have a caption removed that has been shown."""
        gone = replace(caption, original="", translation="", uncertain=())
        gone.original_final = gone.translation_final = True
        self.tell(message_of(gone), is_public=True)

    def guardrail(self, caption: Caption, level: str, action: str) -> None:
        """Tell the caller that words were judged, and what was done; keep that."""
        about = caption.utterance_id
        self.tell(browser.Guardrail(level, action, about))
        data = {"level": level, "action": action, "utterance_id": about}
        self.record("guardrail", {**data, "at_ms": caption.started_ms})

    def show(self, caption: Caption) -> None:
        """Show a caption as it is now."""
        self.tell(message_of(caption), is_public=True)

    def store(self, caption: Caption, fate: str) -> None:
        """Keep a finished utterance, and what became of it."""
        self.do(
            act.StoreUtterance(
                utterance_id=caption.utterance_id,
                leg=caption.leg,
                original=caption.original,
                translation=caption.translation,
                started_ms=caption.started_ms,
                ended_ms=caption.ended_ms or caption.started_ms,
                fate=fate,
                latency_ms=caption.latency_ms,
                uncertain=caption.uncertain or (),
            )
        )

    def take(self) -> list[act.Action]:
        """Return everything that was asked for, and forget it."""
        actions, self._actions = self._actions, []
        return actions


def message_of(caption: Caption) -> browser.Caption:
    """Write a caption as the caller's socket has it."""
    return browser.Caption(
        utterance_id=caption.utterance_id,
        leg=caption.leg,
        original=caption.original,
        translation=caption.translation,
        original_final=caption.original_final,
        translation_final=caption.translation_final,
        started_ms=caption.started_ms,
        ended_ms=browser.UNSET if caption.ended_ms is None else caption.ended_ms,
        uncertain=list(caption.uncertain) if caption.uncertain else browser.UNSET,
        state=_state_of(caption),
    )


def _state_of(caption: Caption) -> str | msgspec.UnsetType:
    if caption.is_invented:
        return "withdrawn"
    return "not_understood" if caption.is_not_understood else browser.UNSET

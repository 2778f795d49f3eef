"""Practising a call: the same call, with somebody who plays the other side."""

from calls.models import Call, OnVoicemail


def rehearse(call: Call) -> Call:
    """Make a rehearsal of a call; nothing is dialled when it is started.

    Args:
        call: The call that is to be practised, at whatever stage.

    Returns: a draft of its own, which is started like any other.
    """
    return Call.objects.create(
        owner=call.owner,
        is_rehearsal=True,
        from_number=call.from_number,
        to_number=call.to_number,
        mode=call.mode,
        caller_language=call.caller_language,
        callee_language=call.callee_language,
        callee_name=call.callee_name,
        brief=call.brief,
        opening=call.opening,
        on_voicemail=OnVoicemail.HANG_UP,
    )

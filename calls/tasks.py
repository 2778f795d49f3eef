"""Background work of calls: three lines around a service each."""

from uuid import UUID

from calls import letters, reconcile, recordings, summaries, twilio
from wigvo.celery import background


@background
def hang_up(sid: str) -> None:
    """End a telephone call that nobody wants any more."""
    twilio.hang_up(sid)


@background
def reconcile_calls() -> None:
    """Look after the calls of this relay node."""
    reconcile.reconcile_this_node()


@background
def expire_calls() -> None:
    """Finish calls of nodes that never came back."""
    reconcile.expire()


@background
def tend_recordings() -> None:
    """Finish and delete recordings whose time has come."""
    recordings.tend_this_node()


@background
def summarise_call(call_id: str) -> None:
    """Have a call that is over summed up."""
    summaries.summarise(UUID(call_id))


@background
def tend_summaries() -> None:
    """Have those calls summed up that nobody has, or whose time has come again."""
    summaries.tend()


@background
def send_letter(call_id: str) -> None:
    """Send what was left in a call to one of our numbers."""
    letters.send(UUID(call_id))


@background
def tend_letters() -> None:
    """Send those letters that nobody has sent, or whose time has come again."""
    letters.tend()

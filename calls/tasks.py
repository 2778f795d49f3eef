"""Background work of calls: three lines around a service each."""

from calls import reconcile, recordings, twilio
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

"""What allauth asks of us about accounts."""

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter

log = structlog.get_logger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """As allauth has it, but for mails that nobody waits for."""

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Tell of a change; what was changed stays so where no mail can be sent."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError as error:  # also what is wrong with SMTP
            log.warning("notification_not_sent", error=type(error).__name__)

"""What the lab has to know: its own address and the credentials it accepts."""

from dataclasses import dataclass, replace
from typing import Self

LINE_NUMBERS = ("+12025550141", "+12025550142", "+12025550143")
"""Numbers of the account for lines, whatever it calls from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabConfig:
    """Settings of one lab.

    Attributes:
        base_url: where the lab is reached, without a slash at the end.
        account_sid: the only account of the telephone company.
        auth_token: authenticates the account and signs what it sends.
        from_numbers: the numbers that the account owns: the first is what the product
            calls from, the others are for lines that can be called.
        voice_url: where the numbers of the account send those who call them.
        naver_client_id: of the local search.
        naver_client_secret: of the local search.
        openai_api_key: the only key that the simulated engines accept.
        clock_speed: seconds of simulated time per real second; tests hurry.
    """

    base_url: str = "http://127.0.0.1:9100"
    account_sid: str = "AC" + "0" * 32
    auth_token: str = "demo-twilio-auth-token"  # noqa: S105 - the demo's, public
    from_numbers: tuple[str, ...] = ("+12025550100", *LINE_NUMBERS)
    voice_url: str = ""
    naver_client_id: str = "demo"
    naver_client_secret: str = "demo-naver-client-secret"  # noqa: S105 - as above
    openai_api_key: str = "demo-openai-api-key"
    clock_speed: float = 1.0

    @classmethod
    def from_settings(cls, base_url: str) -> Self:
        """Accept exactly the credentials that the product is configured with.

        Args:
            base_url: where the lab will be reached.
        """
        from django.conf import settings

        given = {
            "account_sid": settings.TWILIO_ACCOUNT_SID,
            "auth_token": settings.TWILIO_AUTH_TOKEN,
            "naver_client_id": settings.NAVER_CLIENT_ID,
            "naver_client_secret": settings.NAVER_CLIENT_SECRET,
            "openai_api_key": settings.OPENAI_API_KEY,
            "voice_url": f"{settings.PUBLIC_BASE_URL.rstrip('/')}/twilio/incoming",
        }
        config = cls(base_url=base_url)
        if settings.TWILIO_FROM_NUMBER:
            numbers = dict.fromkeys((settings.TWILIO_FROM_NUMBER, *LINE_NUMBERS))
            config = replace(config, from_numbers=tuple(numbers))
        return replace(config, **{name: v for name, v in given.items() if v})

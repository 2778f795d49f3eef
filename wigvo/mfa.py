"""Second factors: how their secrets are kept, and what passkeys are told about us."""

import base64
import secrets
from hashlib import sha256
from typing import Any, ClassVar

import structlog
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wigvo.models import User

log = structlog.get_logger(__name__)

SEALED = "sealed:"
"""How a sealed secret begins, so that one from before is told apart."""


def _seal() -> MultiFernet:
    """Derive the keys from SECRET_KEY and its predecessors, for this purpose only."""
    keys = []
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        derived = HKDF(SHA256(), length=32, salt=None, info=b"wigvo.mfa").derive(
            key.encode()
        )
        keys.append(Fernet(base64.urlsafe_b64encode(derived)))
    return MultiFernet(keys)


def _unguessable(text: str) -> str:
    """Return what stands for a secret that is lost: nobody's code matches it."""
    log.warning("mfa_secret_unreadable", sealed=sha256(text.encode()).hexdigest()[:8])
    return base64.b32encode(secrets.token_bytes(20)).decode()


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """What allauth asks of us."""

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("That was not right. Try it once more."),
        "unverified_email": gettext_lazy(
            "Confirm your e-mail address first; then you can protect your account."
        ),
        "add_email_blocked": gettext_lazy(
            "An account with a second factor keeps its addresses. To add one, take"
            " the second factor off first."
        ),
        "cannot_generate_recovery_codes": gettext_lazy(
            "Recovery codes stand in for a passkey or an authenticator app. Add one"
            " of these first."
        ),
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret: who reads the database alone cannot make codes."""
        return SEALED + _seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open it again; a secret whose key is gone fits no code."""
        if not encrypted_text.startswith(SEALED):
            return encrypted_text
        try:
            token = encrypted_text.removeprefix(SEALED).encode()
            return _seal().decrypt(token).decode()
        except InvalidToken:
            return _unguessable(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Propose a name for a passkey."""
        n = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey %(n)d") % {"n": n + 1} if n else _("My passkey")

    def get_public_key_credential_rp_entity(self) -> dict[str, Any]:
        """Say who we are: the host in the address bar, which browsers compare."""
        # One of ALLOWED_HOSTS, or Django has refused the request.
        host = context.request.get_host()
        return {"id": host.rsplit(":", 1)[0], "name": "WIGVO"}

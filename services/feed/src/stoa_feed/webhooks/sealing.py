"""Secrets of webhooks in the database: sealed, so that a dump of it signs nothing."""

import secrets
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stoa_events.webhooks import secret_of

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class WrongWebhookSecret(RuntimeError):
    """A webhook's secret was sealed under another FEED_WEBHOOK_SECRET: bring back the one that sealed it."""


def new_secret() -> str:
    """A webhook's secret as its owner is shown it, once."""
    return secret_of(secrets.token_bytes(_KEY_BYTES))


class Sealer:
    """AES-256-GCM under a key derived from the setting; each secret is bound to its webhook."""

    def __init__(self, secret: str) -> None:
        info = b"stoa-feed webhook secrets"
        self._cipher = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode()))

    def seal(self, secret: str, *, webhook_id: UUID) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), webhook_id.bytes)

    def open(self, sealed: bytes, *, webhook_id: UUID) -> str:
        """The secret again; raises WrongWebhookSecret."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], webhook_id.bytes).decode()
        except InvalidTag:
            raise WrongWebhookSecret("FEED_WEBHOOK_SECRET does not open this webhook's secret.") from None

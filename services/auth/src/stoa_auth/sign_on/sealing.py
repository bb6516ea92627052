"""Secrets that providers gave to organizations: sealed, so that a dump of the database is no client of anybody's."""

import secrets
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12


class ClientSecretIsSealed(RuntimeError):
    """The secret was sealed under another AUTH_KEYS_SECRET: bring back the one that sealed it."""


class ClientSecretSealer:
    """AES-256-GCM under a key derived from the setting; each secret is bound to its connection."""

    def __init__(self, secret: str) -> None:
        info = b"stoa-auth sign-on client secrets"
        self._cipher = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode()))

    def seal(self, secret: str, *, connection_id: UUID) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), connection_id.bytes)

    def open(self, sealed: bytes, *, connection_id: UUID) -> str:
        """The secret again. Raises ClientSecretIsSealed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], connection_id.bytes).decode()
        except InvalidTag:
            raise ClientSecretIsSealed("AUTH_KEYS_SECRET does not open this client secret.") from None

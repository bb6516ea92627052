"""The cryptography of factors: apps' secrets sealed, recovery codes hashed; a dump of the database opens none of them.

Recovery codes are hashed with a key, so that their 60 bits can't be tried out by who has the database alone.
"""

import hmac
import secrets
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class FactorIsSealed(RuntimeError):
    """The factor was sealed under another AUTH_KEYS_SECRET: bring back the one that sealed it."""


class FactorSealer:
    """AES-256-GCM and HMAC-SHA-256 under keys derived from the setting; each secret is bound to its factor."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derive(secret, b"stoa-auth authenticators"))
        self._hash_key = _derive(secret, b"stoa-auth recovery codes")

    def seal(self, shared_secret: str, *, factor_id: UUID) -> bytes:
        """What an authenticator app and we share, sealed: nonce, then ciphertext."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, shared_secret.encode(), factor_id.bytes)

    def open(self, sealed: bytes, *, factor_id: UUID) -> str:
        """The secret again. Raises FactorIsSealed."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], factor_id.bytes)
        except InvalidTag:
            raise FactorIsSealed("AUTH_KEYS_SECRET does not open this authenticator.") from None
        return opened.decode()

    def hash_code(self, letters: str, *, person_id: UUID) -> bytes:
        """What is kept of a recovery code; another person's same code has another hash."""
        return hmac.new(self._hash_key, person_id.bytes + letters.encode(), sha256).digest()


def _derive(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())

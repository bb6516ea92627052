"""What mails say, sealed in the database: a dump of it shows no address and no token that opens an account."""

import json
import secrets
from dataclasses import asdict
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stoa_auth.mail.domain import Content

_NONCE_BYTES = 12


class MailIsSealed(ValueError):
    """The mail was sealed under another AUTH_KEYS_SECRET: bring back the one that sealed it."""


class MailSealer:
    """AES-256-GCM under a key derived from the setting; each content is bound to its mail."""

    def __init__(self, secret: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stoa-auth mail").derive(secret.encode())
        self._cipher = AESGCM(derived)

    def seal(self, content: Content, *, mail_id: UUID) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(asdict(content)).encode(), mail_id.bytes)

    def open(self, sealed: bytes, *, mail_id: UUID) -> Content:
        """The content again. Raises MailIsSealed."""
        try:
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], mail_id.bytes)
        except InvalidTag:
            raise MailIsSealed("AUTH_KEYS_SECRET does not open this mail.") from None
        return Content(**json.loads(opened))

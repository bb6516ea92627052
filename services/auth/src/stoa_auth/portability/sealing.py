"""Parts of exports, sealed in the database under AUTH_KEYS_SECRET: a dump shows none."""

import secrets
import zlib
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class PartSealer:
    """Deflate, then AES-256-GCM under a key derived from the setting; each part is bound to its place."""

    def __init__(self, secret: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stoa-auth exports").derive(secret.encode())
        self._cipher = AESGCM(derived)

    def seal(self, rows: bytes, *, export_id: UUID, service: str, name: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, zlib.compress(rows), _place(export_id, service, name))

    def open(self, sealed: bytes, *, export_id: UUID, service: str, name: str) -> bytes:
        """The rows again; raises InvalidTag where another secret sealed them."""
        place = _place(export_id, service, name)
        return zlib.decompress(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place))


def _place(export_id: UUID, service: str, name: str) -> bytes:
    return f"{export_id}/{service}/{name}".encode()

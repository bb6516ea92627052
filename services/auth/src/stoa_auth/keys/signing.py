"""The cryptography of keys: Ed25519 pairs, sealing their private half, signing access tokens.

Sources: RFC 8037 (Ed25519 in JOSE), RFC 7638 (thumbprint as key id), RFC 9068 (access tokens as JWT).
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import OKPKey

ALGORITHM = "EdDSA"
_NONCE_BYTES = 12


class WrongKeysSecret(SystemExit):
    """The signing keys in the database were sealed with another secret."""


def new_key() -> OKPKey:
    """An Ed25519 pair, named by its thumbprint."""
    return OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def seal(key: OKPKey, *, secret: str) -> bytes:
    """The whole key under AES-256-GCM, bound to its id: nonce, then ciphertext."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    private = json.dumps(key.as_dict(private=True)).encode()
    return nonce + _cipher(secret).encrypt(nonce, private, kid(key).encode())


def unseal(kid: str, sealed: bytes, *, secret: str) -> OKPKey:
    """The key again. Raises WrongKeysSecret."""
    try:
        private = _cipher(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kid.encode())
    except InvalidTag:
        message = (
            "AUTH_KEYS_SECRET does not open the signing keys in the database. Bring back the secret that made them."
        )
        raise WrongKeysSecret(message) from None
    return OKPKey.import_key(json.loads(private))


def sign(claims: Mapping[str, Any], key: OKPKey) -> str:
    """An access token of the form that RFC 9068 gives it."""
    header = {"alg": ALGORITHM, "kid": kid(key), "typ": "at+jwt"}
    return jwt.encode(header, dict(claims), key, algorithms=[ALGORITHM])


def public(key: OKPKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def kid(key: OKPKey) -> str:
    """The key's id; every key here was made or read with one."""
    assert key.kid is not None
    return key.kid


def _cipher(secret: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stoa-auth signing keys").derive(secret.encode())
    return AESGCM(derived)

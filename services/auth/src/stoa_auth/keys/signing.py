"""The cryptography of keys: pairs, sealing their private half, signing access tokens and ID tokens.

Sources: RFC 8037 (Ed25519 in JOSE), RFC 7518 (RS256), RFC 7638 (thumbprint as key id), RFC 9068 (access tokens as JWT),
OpenID Connect Core 1.0 (ID tokens).
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, OKPKey, RSAKey

ALGORITHM = "EdDSA"
#: NIST SP 800-57 takes it until 2030, and every client library can verify it.
RSA_BITS = 2048
_NONCE_BYTES = 12
_LONGEST_ID_TOKEN = 4096


class WrongKeysSecret(SystemExit):
    """The signing keys in the database were sealed with another secret."""


def new_key(algorithm: str = ALGORITHM) -> Key:
    """An Ed25519 pair, or an RSA pair for RS256, named by its thumbprint. RSA takes a tenth of a second of CPU."""
    if algorithm == ALGORITHM:
        return OKPKey.generate_key("Ed25519", {"use": "sig", "alg": algorithm}, auto_kid=True)
    return RSAKey.generate_key(RSA_BITS, {"use": "sig", "alg": algorithm}, auto_kid=True)


def seal(key: Key, *, secret: str) -> bytes:
    """The whole key under AES-256-GCM, bound to its id: nonce, then ciphertext."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    private = json.dumps(key.as_dict(private=True)).encode()
    return nonce + _cipher(secret).encrypt(nonce, private, kid(key).encode())


def unseal(kid: str, sealed: bytes, *, secret: str) -> Key:
    """The key again. Raises WrongKeysSecret."""
    try:
        private = _cipher(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kid.encode())
    except InvalidTag:
        message = (
            "AUTH_KEYS_SECRET does not open the signing keys in the database. Bring back the secret that made them."
        )
        raise WrongKeysSecret(message) from None
    known = json.loads(private)
    return RSAKey.import_key(known) if known["kty"] == "RSA" else OKPKey.import_key(known)


def sign(claims: Mapping[str, Any], key: Key) -> str:
    """An access token of the form that RFC 9068 gives it."""
    header = {"alg": ALGORITHM, "kid": kid(key), "typ": "at+jwt"}
    return jwt.encode(header, dict(claims), key, algorithms=[ALGORITHM])


def sign_id_token(claims: Mapping[str, Any], key: Key) -> str:
    """An ID token. Its `typ` keeps it from being taken for an access token, whichever key signs it."""
    algorithm = str(key.alg)
    header = {"alg": algorithm, "kid": kid(key), "typ": "JWT"}
    return jwt.encode(header, dict(claims), key, algorithms=[algorithm])


def read_id_token(text: str, public: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The claims of an ID token that one of these keys signed, expired or not; None for anything else."""
    if len(text) > _LONGEST_ID_TOKEN:
        return None
    keys = KeySet.import_key_set({"keys": [dict(key) for key in public]})
    try:
        token = jwt.decode(text, keys, algorithms=[ALGORITHM, "RS256"])
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # A hint comes from a browser's address bar: whatever reading it stumbles over is no hint.
        return None
    return dict(token.claims) if token.header.get("typ") == "JWT" else None


def public(key: Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def kid(key: Key) -> str:
    """The key's id; every key here was made or read with one."""
    assert key.kid is not None
    return key.kid


def _cipher(secret: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"stoa-auth signing keys").derive(secret.encode())
    return AESGCM(derived)

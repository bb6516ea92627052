"""ID tokens of strangers' providers: verified to the letter, before a word of them is believed.

Sources: OpenID Connect Core 1.0, sections 3.1.3.6 to 3.1.3.8 and 2; RFC 8725 (JWT best practices); RFC 7517 (keys).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

from stoa_auth.sign_on.domain import LEEWAY_SECONDS

#: Signatures by keys that have a public half: with `none` or HS256, who knows what is public could sign.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
#: With the names of many groups in them they grow long.
LONGEST_TOKEN: Final = 32_768
_LONGEST_HEADER: Final = 8_192
_LONGEST_SUBJECT: Final = 255
MOST_KEYS: Final = 50
#: Whatever a stranger can write is all of JSON, and our reading of it may stumble over any of it.
_STUMBLES: Final = (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


class IdTokenIsRefused(ValueError):
    """The token proves nothing; the message says why, in words that hold nothing of the token."""


class KeyIsUnknown(IdTokenIsRefused):
    """No key of the provider fits; it may have new ones."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the one token that answers this attempt says."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    code: str = field(repr=False)
    access_token: str | None = field(repr=False)


def read_keys(document: object) -> list[Key]:
    """The public signing keys of a JWK set; what we can't use is left out (RFC 7517, section 5)."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise IdTokenIsRefused("The provider's key set is not one.")
    return [key for data in listed[:MOST_KEYS] if (key := _read_key(data)) is not None]


def _read_key(data: object) -> Key | None:
    try:
        if not isinstance(data, dict) or data.get("kty") not in _KEY_TYPES.values() or data.get("use", "sig") != "sig":
            return None
        return JWKRegistry.import_key(data)
    except _STUMBLES:
        return None


def verify(token: str, keys: Sequence[Key], expected: Expected, *, now: int) -> dict[str, Any]:
    """The claims. Raises KeyIsUnknown, IdTokenIsRefused."""
    if len(token) > LONGEST_TOKEN:
        raise IdTokenIsRefused("The ID token is too long.")
    claims = _verified(token, keys, expected, now=now)
    _check_party(claims, expected)
    if not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT or not claims["sub"].isprintable():
        raise IdTokenIsRefused("The ID token's sub is not one.")
    return claims


def _verified(token: str, keys: Sequence[Key], expected: Expected, *, now: int) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = _LONGEST_HEADER
    try:
        decoded = jwt.decode(token, lambda signed: _fitting(signed.headers(), keys), registry=registry)
        _claims_registry(expected, now).validate(decoded.claims)
        _check_hashes(decoded.claims, expected, algorithm=decoded.header["alg"])
    except IdTokenIsRefused:
        raise
    except ExpiredTokenError:
        raise IdTokenIsRefused("The ID token has expired; check the clocks.") from None
    except _STUMBLES as error:
        raise IdTokenIsRefused(_told(error)) from None
    return decoded.claims


def _claims_registry(expected: Expected, now: int) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        nonce={"essential": True, "value": expected.nonce},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )


def _fitting(header: Mapping[str, Any], keys: Sequence[Key]) -> Key:
    """The provider's key that the header names; keys that a token brings along are never looked at."""
    if "crit" in header or "zip" in header or "b64" in header or str(header.get("typ", "JWT")).upper() != "JWT":
        raise IdTokenIsRefused("The ID token's header asks for what ID tokens don't.")
    kind = _KEY_TYPES.get(str(header["alg"])[:2]) if header["alg"] in ALGORITHMS else None
    if kind is None:
        raise IdTokenIsRefused("The ID token is signed by an algorithm that is not taken.")
    suiting = [key for key in keys if key.key_type == kind and key.get("alg", header["alg"]) == header["alg"]]
    named = [key for key in suiting if key.get("kid") == header["kid"]] if "kid" in header else suiting
    if len(named) != 1:
        raise KeyIsUnknown("The provider publishes no key, or several, that fit the ID token.")
    return named[0]


def _check_party(claims: Mapping[str, Any], expected: Expected) -> None:
    """Whom the token was issued to, where it is for others too."""
    party = claims.get("azp")
    if party is None and isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
        raise IdTokenIsRefused("The ID token is for several clients, and does not say which it was issued to.")
    if party is not None and party != expected.client_id:
        raise IdTokenIsRefused("The ID token was issued to another client (azp).")


def _check_hashes(claims: Mapping[str, Any], expected: Expected, *, algorithm: str) -> None:
    """The token belongs to the code and the access token that it came with, where it says so."""
    for name, value in (("c_hash", expected.code), ("at_hash", expected.access_token)):
        told = claims.get(name)
        if told is not None and not (value and hmac.compare_digest(str(told).encode(), _half(value, algorithm))):
            raise IdTokenIsRefused(f"The ID token's {name} does not fit.")


def _half(value: str, algorithm: str) -> bytes:
    """The left half of the hash that goes with the algorithm; SHA-512 for Ed25519, which is built on it."""
    bits = algorithm[-3:] if algorithm[-3:] in {"256", "384", "512"} else "512"
    whole = hashlib.new(f"sha{bits}", value.encode()).digest()
    return base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=")


def _told(error: Exception) -> str:
    """Which rule was broken; joserfc names the claim, and never its value."""
    claim = getattr(error, "claim", None)
    return f"The ID token's {claim} is wrong." if claim else f"The ID token does not hold ({type(error).__name__})."

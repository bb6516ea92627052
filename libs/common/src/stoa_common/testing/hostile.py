"""Tokens that no door may take, each named after the trick it tries (RFC 8725, OWASP's JWT cheat sheet)."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any, Final

from joserfc import jws
from joserfc.jwk import OKPKey

from stoa_common.ids import new_id
from stoa_common.security import AUDIENCE, LONGEST_TOKEN, TOKEN_TYPE
from stoa_common.testing.identities import ISSUER, Identities

Header = dict[str, Any]
Claims = dict[str, Any]
Sign = Callable[[bytes], bytes]
_HOUR: Final = 3600


def hostile_tokens(identities: Identities) -> dict[str, str]:
    """Forged, misdirected, stale and malformed tokens of somebody who would be an admin, by their trick.

    Each but for those whose subject is the signature is signed with the right key: only the trick can be what is
    refused.
    """
    return {
        **_without_our_signature(identities),
        **_with_tricks_in_the_header(identities),
        **_with_wrong_claims(identities),
        **_malformed(identities),
    }


def _without_our_signature(identities: Identities) -> dict[str, str]:
    header, claims = _header(identities), _claims()
    stranger = OKPKey.generate_key("Ed25519", {"kid": str(identities.key.kid)})
    public = identities.key.as_dict(private=False)
    good = _token(header, claims, _signs(identities.key))
    changed = _token(header, {**claims, "roles": ["operator"]}, _signs(identities.key))
    return {
        "alg none": _token({**header, "alg": "none"}, claims, lambda _: b""),
        "alg None in another case": _token({**header, "alg": "nOnE"}, claims, lambda _: b""),
        "HS256 with the public key as PEM": _token(
            {**header, "alg": "HS256"}, claims, _hmac(identities.key.as_pem(private=False))
        ),
        "HS256 with the public key as JWK": _token(
            {**header, "alg": "HS256"}, claims, _hmac(json.dumps(public).encode())
        ),
        "HS256 with the public key's bytes": _token(
            {**header, "alg": "HS256"}, claims, _hmac(_decode(str(public["x"])))
        ),
        "a stranger's key under our kid": _token(header, claims, _signs(stranger)),
        "no signature": good.rpartition(".")[0] + ".",
        "claims changed after signing": ".".join([*changed.split(".")[:2], good.rpartition(".")[2]]),
        "a signature of zeros": good.rpartition(".")[0] + "." + _encode(bytes(64)),
        "a signature that is too short": _resigned(good, lambda signature: signature[:63]),
        "a signature with a second scalar that fits": _resigned(good, _with_another_scalar),
    }


def _resigned(token: str, change: Callable[[bytes], bytes]) -> str:
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{_encode(change(_decode(signature)))}"


def _with_another_scalar(signature: bytes) -> bytes:
    """The same signature but for its scalar plus the group's order, which RFC 8032 (5.1.7) has us refuse."""
    order = 2**252 + 27742317777372353535851937790883648493
    return signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")


def _with_tricks_in_the_header(identities: Identities) -> dict[str, str]:
    stranger = OKPKey.generate_key("Ed25519", {"kid": "stranger"})
    own, sign = _header(identities), _signs(identities.key)
    tricks: dict[str, Header] = {
        "kid that is a path": {"kid": "../../../../dev/null"},
        "kid that is SQL": {"kid": "' UNION SELECT 'secret' --"},
        "kid that is unknown": {"kid": "of-no-key"},
        "kid that is no text": {"kid": [identities.key.kid]},
        "kid that is null": {"kid": None},
        "crit that demands what nobody knows": {"crit": ["exp"]},
        "crit that is empty": {"crit": []},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "zip": {"zip": "DEF"},
        "jku to a stranger's keys": {"jku": "http://127.0.0.1:9/jwks.json"},
        "x5u to a stranger's certificate": {"x5u": "http://127.0.0.1:9/cert.pem"},
        "typ of another kind of token": {"typ": "JWT"},
        "typ that is no text": {"typ": [TOKEN_TYPE]},
    }
    found = {trick: _token({**own, **changed}, _claims(), sign) for trick, changed in tricks.items()}
    unnamed = {name: value for name, value in own.items() if name != "kid"}
    untyped = {name: value for name, value in own.items() if name != "typ"}
    brought = {**own, "kid": "stranger", "jwk": stranger.as_dict(private=False)}
    return {
        **found,
        "no kid": _token(unnamed, _claims(), sign),
        "no typ": _token(untyped, _claims(), sign),
        "a key brought along in jwk": _token(brought, _claims(), _signs(stranger)),
    }


def _with_wrong_claims(identities: Identities) -> dict[str, str]:
    now = int(time.time())
    tricks: dict[str, Claims] = {
        "wrong audience": {"aud": "another-api"},
        "wrong audience among several": {"aud": ["another-api", "a-third"]},
        "for another service": {"aud": f"{AUDIENCE}:another-service"},
        "no audience": {"aud": None},
        "wrong issuer": {"iss": "https://evil.example"},
        "issuer that only begins like ours": {"iss": f"{ISSUER}.evil.example"},
        "expired": {"exp": now - 60},
        "expired long ago": {"exp": 1},
        "expiry that is not a number": {"exp": "never"},
        "expiry that is NaN": {"exp": float("nan")},
        "expiry that is infinite": {"exp": float("inf")},
        "no expiry": {"exp": None},
        "not yet valid": {"nbf": now + _HOUR},
        "issued in the future": {"iat": now + _HOUR},
        "no time of issue": {"iat": None},
        "subject that is nobody": {"sub": "admin"},
        "subject that is a list": {"sub": [str(new_id())]},
        "no session": {"sid": None},
        "organization that is none": {"org": "../other"},
        "permissions that are no list": {"permissions": 7},
    }
    header, sign = _header(identities), _signs(identities.key)
    return {trick: _token(header, {**_claims(), **changed}, sign) for trick, changed in tricks.items()}


def _malformed(identities: Identities) -> dict[str, str]:
    header, sign = _header(identities), _signs(identities.key)
    good = _token(header, _claims(), sign)
    return {
        "oversized": _token(header, {**_claims(), "padding": "x" * LONGEST_TOKEN}, sign),
        "no JSON in the claims": _raw(_json(header), b"not json", sign),
        "a list for claims": _raw(_json(header), b"[]", sign),
        "claims nested very deep": _raw(_json(header), b"[" * 2500 + b"]" * 2500, sign),
        "no JSON in the header": _raw(b"{", _json(_claims()), sign),
        "a list for a header": _raw(b"[]", _json(_claims()), sign),
        "five parts, as if encrypted": f"{good}.{_encode(b'x')}.{_encode(b'x')}",
        "two parts": good.rpartition(".")[0],
        "no token at all": "not.a.token",
    }


def _header(identities: Identities) -> Header:
    return {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": identities.key.kid}


def _claims() -> Claims:
    now = int(time.time())
    ids = {name: str(new_id()) for name in ("sub", "org", "sid", "jti")}
    allowed = {"roles": ["admin"], "permissions": ["course:read", "enrollment:read"]}
    return {"iss": ISSUER, "aud": AUDIENCE, **ids, **allowed, "iat": now, "exp": now + 600}


def _token(header: Header, claims: Claims, sign: Sign) -> str:
    return _raw(_json(header), _json(claims), sign)


def _raw(header: bytes, claims: bytes, sign: Sign) -> str:
    """By hand: libraries refuse to make most of these."""
    signed = f"{_encode(header)}.{_encode(claims)}"
    return f"{signed}.{_encode(sign(signed.encode()))}"


def _signs(key: OKPKey) -> Sign:
    algorithm = jws.JWSRegistry(algorithms=["EdDSA"]).get_alg("EdDSA")
    return lambda signed: algorithm.sign(signed, key)


def _hmac(secret: bytes) -> Sign:
    return lambda signed: hmac.digest(secret, signed, "sha256")


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

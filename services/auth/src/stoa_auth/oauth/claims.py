"""What the tokens of OAuth say: of a client that acts as itself, of a service that acts for somebody, and ID tokens."""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from stoa_auth.oauth import domain
from stoa_auth.oauth.models import OAuthClient
from stoa_auth.people.service import Person
from stoa_auth.sessions.domain import Grant
from stoa_common.security import AUDIENCE

#: Of an ID token: it says that somebody has logged in, which is read at once.
ID_TOKEN_TTL: Final = timedelta(minutes=10)
#: The longest life of a token that a service gets for somebody else's.
EXCHANGED_TTL: Final = timedelta(seconds=60)


def of_client(
    client: OAuthClient, scopes: list[str], *, issuer: str, ttl: timedelta, at: datetime, ids: tuple[UUID, UUID]
) -> dict[str, Any]:
    """The access token of a client that acts as itself: `sub` is the client (RFC 9068, section 2.2).

    No person has the client's id, so it can be nobody's `own`, and it has neither `amr` nor `auth_time`: what asks for
    a person's recent proof is closed to it. `ids`: of the token's own session, which /revoke ends, and of the token.
    """
    session_id, token_id = ids
    told: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(client.id),
        "sid": str(session_id),
        "client_id": str(client.id),
        "scope": " ".join(scopes),
        "roles": [],
        "permissions": domain.own_permissions(scopes, organization_id=client.organization_id),
        "iat": at.timestamp(),
        "exp": int((at + ttl).timestamp()),
        "jti": str(token_id),
    }
    return told if client.organization_id is None else {**told, "org": str(client.organization_id)}


def exchanged(
    claims: Mapping[str, Any],
    *,
    service: str,
    audience: str,
    scopes: Collection[str] | None,
    at: datetime,
    token_id: UUID,
) -> dict[str, Any]:
    """The token that a service gets for somebody's (RFC 8693): the same subject, `act` the service, never more.

    It is for the service that is called (`aud`), and as old as the one it was made of (`iat`): whatever revokes that
    revokes this.
    """
    held = claims["permissions"] if scopes is None else [name for name in claims["permissions"] if name in scopes]
    actor = {"sub": f"service:{service}", **({"act": claims["act"]} if "act" in claims else {})}
    kept = {
        name: claims[name]
        for name in ("iss", "sub", "org", "sid", "amr", "auth_time", "client_id", "iat")
        if name in claims
    }
    ends = min(int(claims["exp"]), int((at + EXCHANGED_TTL).timestamp()))
    limits = {"aud": audience, "roles": [], "permissions": held, "exp": ends}
    return {**kept, **limits, "act": actor, "jti": str(token_id)}


def id_token(
    grant: Grant, client: OAuthClient, *, issuer: str, nonce: str | None, access_token: str, at: datetime
) -> dict[str, Any]:
    """What an ID token says (OpenID Connect Core, section 2). Names and addresses are at /userinfo.

    Clients send ID tokens back by a browser's address bar as they log out, where personal data has no place.
    """
    told: dict[str, Any] = {
        "iss": issuer,
        "sub": str(grant.person_id),
        "aud": str(client.id),
        "exp": int((at + ID_TOKEN_TTL).timestamp()),
        "iat": int(at.timestamp()),
        "auth_time": int(grant.authenticated_at.timestamp()),
        "amr": grant.methods,
        "sid": str(grant.session_id),
        "at_hash": at_hash(access_token, client.id_token_algorithm),
    }
    return told if nonce is None else {**told, "nonce": nonce}


def at_hash(access_token: str, algorithm: str) -> str:
    """The left half of the token's hash (OpenID Connect Core, section 3.1.3.6); Ed25519 hashes by SHA-512."""
    hashed = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(access_token.encode()).digest()
    return base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()


def about(person: Person, scopes: Collection[str] | None) -> dict[str, Any]:
    """What /userinfo tells; None for scopes: an app of the platform itself, which may know everything."""
    told: dict[str, Any] = {"sub": str(person.id)}
    if scopes is None or domain.PROFILE in scopes:
        told["name"] = person.name
    if scopes is None or domain.EMAIL in scopes:
        told |= {"email": person.email, "email_verified": person.email_verified}
    return {name: value for name, value in told.items() if value is not None}


def read(token: str) -> dict[str, Any]:
    """The claims of a token that has been verified already."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def scopes_of(claims: Mapping[str, Any]) -> list[str] | None:
    """None: the token has no scopes but its permissions, as those of the platform's own apps."""
    return str(claims["scope"]).split() if "scope" in claims else None

"""Who is asking: access tokens are verified by every service with this code, and become a `Principal`.

Tokens are JWTs (RFC 9068, `typ: at+jwt`) signed with Ed25519 (RFC 8037); keys come from auth's JWKS.
"""

import asyncio
import hashlib
import time
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

import aiohttp
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key, KeySet
from joserfc.jws import JWSRegistry

from stoa_common import clock, revocations
from stoa_common.errors import Forbidden, Unauthenticated, Unavailable
from stoa_common.permissions import Scope
from stoa_common.revocations import Revocations

# RFC 9864 prefers the name Ed25519; we sign with EdDSA while client libraries catch up, and accept both.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

AUDIENCE = "stoa"
TOKEN_TYPE = "at+jwt"  # noqa: S105  # a media type, not a secret
ALGORITHMS = ["EdDSA", "Ed25519"]
LEEWAY_SECONDS = 5
#: Ours have about 1,200 characters; custom roles may make them longer.
LONGEST_TOKEN = 8192
#: How long ago somebody who does something dangerous may have proved who they are.
STEP_UP_SECONDS = 600
_CACHE_SIZE = 4096


class MissingPermission(Forbidden):
    """The caller is known, but may not do this."""


class NoOrganization(Forbidden):
    """The caller acts for no organization, and this belongs to one."""


class AuthenticationIsTooOld(Unauthenticated):
    """This asks for a recent proof of who the caller is (step-up, RFC 9470)."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            f"Prove again that it is you: POST /api/v1/auth/step-up, at most {seconds} seconds before this.",
            error="insufficient_user_authentication",
            max_age=seconds,
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, as their token says: a person acting for one organization, or an operator for none."""

    person_id: UUID
    organization: UUID | None
    session_id: UUID
    roles: frozenset[str]
    permissions: frozenset[str]
    expires_at: float
    #: How the person proved who they are (RFC 8176), and when, in Unix seconds; None: not by themselves, as for a key.
    methods: frozenset[str] = frozenset()
    authenticated_at: float | None = None
    #: The OAuth client, or the API key, that the token was issued to; None: an app of the platform itself.
    client_id: str | None = None
    #: Who acts in the person's place: an operator who impersonates them, or a service that works for them.
    actor: str | None = None

    @property
    def organization_id(self) -> UUID:
        """The organization that the token acts for; raises NoOrganization for operators."""
        if self.organization is None:
            raise NoOrganization("Log in to an organization: this account acts for the platform only.")
        return self.organization

    def scope(self, permission: str) -> Scope:
        """How far the permission reaches for this caller; raises MissingPermission where it doesn't."""
        if permission in self.permissions:
            return Scope.ANY
        if f"{permission}:own" in self.permissions:
            return Scope.OWN
        raise MissingPermission(f"This needs the permission {permission}; ask an admin of your organization for it.")

    def may(self, permission: str) -> bool:
        return permission in self.permissions or f"{permission}:own" in self.permissions

    def require_recent(self, seconds: int = STEP_UP_SECONDS) -> None:
        """Raises AuthenticationIsTooOld where the person has not proved lately, and in person, who they are."""
        age = None if self.authenticated_at is None else clock.now().timestamp() - self.authenticated_at
        if age is None or age > seconds or self.actor is not None:
            raise AuthenticationIsTooOld(seconds)


class Keys(Protocol):
    """Where verification keys come from."""

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        """The current keys; `missing` is a `kid` that the last set did not have."""
        ...


class JwksKeys:
    """Keys from a JWKS URL (RFC 7517), kept some minutes; an unknown `kid` asks again, at most once in five seconds."""

    def __init__(self, url: str, *, ttl_seconds: float = 300, retry_seconds: float = 5) -> None:
        self._url = url
        self._ttl = ttl_seconds
        self._retry = retry_seconds
        self._keys: KeySet | None = None
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        if self._keys is None or self._age() > (self._retry if missing else self._ttl):
            async with self._lock:
                if self._keys is None or self._age() > (self._retry if missing else self._ttl):
                    await self._fetch()
        if self._keys is None:
            raise Unavailable("Identity is not reachable yet; try again in a moment.")
        return self._keys

    def _age(self) -> float:
        return time.monotonic() - self._fetched

    async def _fetch(self) -> None:
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(self._url) as response:
                response.raise_for_status()
                self._keys = KeySet.import_key_set(await response.json())
                self._fetched = time.monotonic()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            # Keys that were good a moment ago stay good while auth restarts.
            if self._keys is None:
                raise Unavailable("Identity is not reachable yet; try again in a moment.") from None


class _KeyIsUnknown(JoseError):
    """The token names a key that the current set does not have."""


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    issued_at: float
    subjects: tuple[str, ...]


class TokenVerifier:
    """Turns an access token into a Principal, at the gateway and at every service alike.

    Remembers tokens by their SHA-256, never past their expiry; and with `revocations` asks each time whether the token
    still counts.
    """

    def __init__(self, keys: Keys, *, issuer: str, revocations: Revocations | None = None) -> None:
        self._keys = keys
        self._revocations = revocations
        self._registry = JWSRegistry(algorithms=ALGORITHMS)
        self._expected: dict[str, Any] = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": AUDIENCE},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "sub": {"essential": True},
        }
        self._known: OrderedDict[bytes, _Verified] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated, which says nothing about why; Unavailable while auth can tell neither."""
        if len(token) > LONGEST_TOKEN:
            raise _invalid()
        digest = hashlib.sha256(token.encode("utf-8", errors="replace")).digest()
        known = self._known.get(digest)
        if known is None or known.principal.expires_at <= time.time():
            known = await self._verify_signed(token)
            self._remember(digest, known)
        if self._revocations is not None:
            await self._revocations.ensure_fresh()
            if self._revocations.is_revoked(known.subjects, issued_at=known.issued_at):
                raise _invalid()
        return known.principal

    async def _verify_signed(self, token: str) -> _Verified:
        try:
            claims = (await self._decode(token)).claims
            jwt.JWTClaimsRegistry(leeway=LEEWAY_SECONDS, **self._expected).validate(claims)
            return _verified(claims)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            # What a stranger can write is all of JSON: whatever our reading of it stumbles over is no token of ours.
            raise _invalid() from None

    async def _decode(self, token: str) -> jwt.Token:
        keys = await self._keys.key_set()
        try:
            return self._decoded(token, keys)
        except _KeyIsUnknown:
            newer = await self._keys.key_set(missing="kid")
            if newer is keys:
                raise
            return self._decoded(token, newer)

    def _decoded(self, token: str, keys: KeySet) -> jwt.Token:
        return jwt.decode(token, lambda signed: _named_key(signed.headers(), keys), registry=self._registry)

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        self._known[digest] = verified
        self._known.move_to_end(digest)
        if len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)


def _named_key(header: Mapping[str, Any], keys: KeySet) -> Key:
    """The key that the header names, and nothing else of what a header could ask for (RFC 8725, section 3.10).

    Whatever brings its own key (`jwk`, `jku`, `x5c`) or demands something (`crit`, `b64`, `zip`) is refused unread.
    """
    if header.keys() != {"alg", "kid", "typ"} or str(header["typ"]).lower() != TOKEN_TYPE:
        raise ValueError("header")
    for key in keys.keys:
        if key.kid == header["kid"]:
            return key
    raise _KeyIsUnknown


def _invalid() -> Unauthenticated:
    return Unauthenticated("The access token is not valid; log in again.", error="invalid_token")


def _verified(claims: Mapping[str, Any]) -> _Verified:
    principal = _principal(claims)
    subjects = [revocations.of_session(principal.session_id), revocations.of_person(principal.person_id)]
    if principal.organization:
        subjects.append(revocations.of_member(principal.person_id, principal.organization))
    return _Verified(principal, float(claims["iat"]), tuple(subjects))


def _principal(claims: Mapping[str, Any]) -> Principal:
    organization = claims.get("org")
    return Principal(
        person_id=UUID(claims["sub"]),
        organization=UUID(organization) if organization else None,
        session_id=UUID(claims["sid"]),
        roles=frozenset(claims.get("roles", ())),
        permissions=frozenset(claims.get("permissions", ())),
        expires_at=float(claims["exp"]),
        methods=frozenset(claims.get("amr", ())),
        authenticated_at=float(claims["auth_time"]) if "auth_time" in claims else None,
        client_id=str(claims["client_id"]) if "client_id" in claims else None,
        actor=str(claims["act"]["sub"]) if "act" in claims else None,
    )


_bearer = HTTPBearer(auto_error=False, scheme_name="accessToken", bearerFormat="JWT", description="An access token.")


async def _current(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    if credentials is None:
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
    verifier: TokenVerifier = request.app.state.verifier
    return await verifier.verify(credentials.credentials)


Caller = Annotated[Principal, Depends(_current)]

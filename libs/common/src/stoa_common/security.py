"""Who is asking: access tokens are verified by every service with this code, and become a `Principal`.

Tokens are JWTs (RFC 9068, `typ: at+jwt`) signed with Ed25519 (RFC 8037); keys come from auth's JWKS.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from stoa_common import clock, context, revocations
from stoa_common.errors import Forbidden, Unauthenticated
from stoa_common.jwks import Keys
from stoa_common.permissions import Scope, shared
from stoa_common.revocations import Revocations
from stoa_common.signatures import VerifyingRegistry

AUDIENCE = "stoa"
TOKEN_TYPE = "at+jwt"  # noqa: S105  # a media type, not a secret
LEEWAY_SECONDS = 5
#: Ours have about 1,200 characters; custom roles may make them longer.
LONGEST_TOKEN = 8192
#: How long ago somebody who does something dangerous may have proved who they are.
STEP_UP_SECONDS = 600
#: Among a token's methods (`amr`): an operator opened the session in the person's place.
IMPERSONATED = "imp"
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

    @property
    def impersonator_id(self) -> UUID | None:
        """The operator who acts in the person's place; None where the person, or a machine of theirs, acts."""
        return UUID(self.actor) if self.actor is not None and IMPERSONATED in self.methods else None

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

    def __init__(
        self, keys: Keys, *, issuer: str, revocations: Revocations | None = None, audiences: Sequence[str] = (AUDIENCE,)
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self.revocations = revocations
        self._registry = VerifyingRegistry()
        told: dict[str, Any] = {name: {"essential": True} for name in ("exp", "iat", "sub")}
        told["iss"] = {"essential": True, "value": issuer}
        told["aud"] = {"essential": True, "values": list(audiences)}
        self._claims = jwt.JWTClaimsRegistry(leeway=LEEWAY_SECONDS, **told)
        self._known: OrderedDict[bytes, _Verified] = OrderedDict()

    def for_audience(self, *audiences: str) -> "TokenVerifier":
        """For tokens that are meant for one route, by the same keys and revocations; others are refused there."""
        return TokenVerifier(self._keys, issuer=self._issuer, revocations=self.revocations, audiences=audiences)

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated, which says nothing about why; Unavailable while auth can tell neither."""
        if len(token) > LONGEST_TOKEN:
            raise _invalid()
        digest = hashlib.sha256(token.encode("utf-8", errors="replace")).digest()
        known = self._known.get(digest)
        if known is None or known.principal.expires_at <= time.time():
            known = await self._verify_signed(token)
            self._remember(digest, known)
        if self.revocations is not None:
            await self.revocations.ensure_fresh()
            if self.revocations.is_revoked(known.subjects, issued_at=known.issued_at):
                raise _invalid()
        return known.principal

    async def _verify_signed(self, token: str) -> _Verified:
        try:
            claims = (await self._decode(token)).claims
            self._claims.validate(claims)
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
    subjects = revocations.of_token(
        principal.person_id, principal.session_id, principal.organization, roles=principal.roles
    )
    if (operator := principal.impersonator_id) is not None:
        # Nobody stands in for others after their own tokens have ended.
        subjects = (*subjects, revocations.of_person(operator))
    return _Verified(principal, float(claims["iat"]), subjects)


def _principal(claims: Mapping[str, Any]) -> Principal:
    return Principal(
        person_id=UUID(claims["sub"]),
        organization=UUID(claims["org"]) if claims.get("org") else None,
        session_id=UUID(claims["sid"]),
        roles=shared(claims.get("roles", ())),
        permissions=shared(claims.get("permissions", ())),
        expires_at=float(claims["exp"]),
        methods=frozenset(claims.get("amr", ())),
        authenticated_at=float(claims["auth_time"]) if "auth_time" in claims else None,
        client_id=str(claims["client_id"]) if "client_id" in claims else None,
        actor=_actor(claims["act"]) if "act" in claims else None,
    )


def _actor(act: Mapping[str, Any]) -> str:
    """Who first acted in the person's place; services that work for who does so stand above it (RFC 8693, 4.1)."""
    return _actor(act["act"]) if "act" in act else str(act["sub"])


_bearer = HTTPBearer(auto_error=False, scheme_name="accessToken", bearerFormat="JWT", description="An access token.")


async def _current(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    if credentials is None:
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
    verifier: TokenVerifier = request.app.state.verifier
    principal = await verifier.verify(credentials.credentials)
    if principal.impersonator_id is not None:
        context.impersonated(context.Impersonation(principal.impersonator_id, principal.person_id))
    return principal


Caller = Annotated[Principal, Depends(_current)]

"""Rules of the access token that is given for a key: what it says, and how long it lasts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stoa_auth.api_keys import domain
from stoa_common.security import AUDIENCE

#: The longest life of such a token.
TOKEN_TTL = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What the access token of a key is made of."""

    api_key_id: UUID
    person_id: UUID
    organization_id: UUID
    permissions: list[str]
    issued_at: datetime
    expires_at: datetime
    is_use_noted: bool

    @property
    def expires_in(self) -> int:
        """Seconds, rounded down."""
        return int((self.expires_at - self.issued_at).total_seconds())


def grant(opened: domain.Opened, of_member: frozenset[str] | None, *, at: datetime) -> KeyGrant:
    """What the key may do now: its scopes, as far as its person, a member with these permissions, still has them.

    Raises ApiKeyIsNotValid where that person has left.
    """
    if of_member is None:
        raise domain.ApiKeyIsNotValid
    key = opened.key
    return KeyGrant(
        api_key_id=key.id,
        person_id=key.person_id,
        organization_id=key.organization_id,
        permissions=sorted(domain.held(of_member).intersection(key.scopes)),
        issued_at=at,
        expires_at=_soonest([at + TOKEN_TTL, key.expires_at, opened.valid_until]),
        is_use_noted=domain.is_use_noted(key, at=at),
    )


def _soonest(ends: Iterable[datetime | None]) -> datetime:
    return min(end for end in ends if end is not None)


def claims(grant: KeyGrant, *, issuer: str, token_id: UUID) -> dict[str, Any]:
    """The claims of a key's access token (RFC 9068): the person acts, and `client_id` names the key.

    `sid` is the key, too: what revokes the tokens of a session revokes those of a key. `iat` has its fraction, since
    what is issued a moment after a revocation counts.
    """
    return {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(grant.person_id),
        "org": str(grant.organization_id),
        "sid": str(grant.api_key_id),
        "client_id": f"api-key:{grant.api_key_id}",
        "amr": ["api-key"],
        "roles": [],
        "permissions": grant.permissions,
        "iat": grant.issued_at.timestamp(),
        "exp": int(grant.expires_at.timestamp()),
        "jti": str(token_id),
    }

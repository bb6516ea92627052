"""People for tests: principals, and access tokens that the verifier accepts."""

import time
from dataclasses import dataclass, field
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from stoa_common import permissions
from stoa_common.ids import new_id
from stoa_common.security import AUDIENCE, TOKEN_TYPE, Principal

ISSUER = "https://stoa.test"


@dataclass
class Identities:
    """A key of its own, and the tokens that it signs. Is itself a source of keys (`stoa_common.jwks.Keys`)."""

    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", {"kid": "tests"}))

    async def key_set(self, *, missing: str | None = None) -> KeySet:  # noqa: ARG002  # the protocol's
        return self._keys

    @property
    def _keys(self) -> KeySet:
        if not hasattr(self, "_key_set"):
            self._key_set = KeySet([self.key])
        return self._key_set

    def principal(self, *roles: str, organization_id: UUID | None = None, person_id: UUID | None = None) -> Principal:
        """A person with these roles (learner by default), in an organization of their own unless one is given."""
        held = frozenset(roles or ("learner",))
        outside = held == {"operator"}
        return Principal(
            person_id=person_id or new_id(),
            organization=None if outside else organization_id or new_id(),
            session_id=new_id(),
            roles=held,
            permissions=permissions.of_roles(held),
            expires_at=time.time() + 600,
            methods=frozenset({"pwd"}),
            authenticated_at=time.time(),
        )

    def token(self, principal: Principal, **changed_claims: object) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(principal.person_id),
            "org": str(principal.organization) if principal.organization else None,
            "sid": str(principal.session_id),
            "roles": sorted(principal.roles),
            "permissions": sorted(principal.permissions),
            "amr": sorted(principal.methods),
            "auth_time": int(principal.authenticated_at or 0),
            "iat": int(time.time()),
            "exp": int(principal.expires_at),
            "jti": str(new_id()),
        }
        header = {"alg": "EdDSA", "typ": TOKEN_TYPE, "kid": self.key.kid}
        return jwt.encode(header, {**claims, **changed_claims}, self.key, algorithms=["EdDSA"])

    def headers(self, principal: Principal) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(principal)}"}

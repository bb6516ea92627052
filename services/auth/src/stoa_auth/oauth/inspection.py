"""What a client may ask about tokens (RFC 7662), hand back (RFC 7009), and learn of who logged in (OpenID Connect)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.oauth import claims, domain
from stoa_auth.oauth.authenticating import Shown, authenticate
from stoa_auth.oauth.models import OAuthClient
from stoa_auth.oauth.refusals import ClientMayNot, OAuthRefusal
from stoa_auth.oauth.schemas import IntrospectionOut, UserInfoOut
from stoa_auth.people import service as people
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import through_clients
from stoa_common.database import Session
from stoa_common.errors import Unauthenticated
from stoa_common.security import TokenVerifier

#: What the platform's own apps have in the place of `openid`, and an API key only if it was given.
_ACCOUNT = "account:read:own"
_NOTHING = IntrospectionOut(active=False)


class ScopeIsMissing(OAuthRefusal):
    """The token was not given for this (RFC 6750, section 3.1)."""

    status, title = 403, "Not allowed"
    code = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This takes a token with the scope {scope}.",
            headers={"WWW-Authenticate": f'Bearer realm="stoa", error="insufficient_scope", scope="{scope}"'},
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A token that somebody shows, with what it takes to look at it."""

    token: str
    verifier: TokenVerifier
    issuer: str


async def introspect(session: Session, asked: Asked, shown: Shown) -> IntrospectionOut:
    """What a token is, to a client with a secret whose organization it acts for; the platform's clients see all.

    A refresh token is told to its own client alone. Raises ClientIsNotKnown, ClientMayNot.
    """
    client = await authenticate(session, shown)
    if not client.confidential:
        raise ClientMayNot("Only clients that keep a secret may ask about tokens.")
    if _is_jwt(asked.token):
        return await _about_access_token(client, asked)
    return await _about_refresh_token(session, client, asked)


def _is_jwt(token: str) -> bool:
    return token.count(".") == 2


async def _about_access_token(client: OAuthClient, asked: Asked) -> IntrospectionOut:
    known = await _verified(asked)
    if known is None or (client.organization_id is not None and known.get("org") != str(client.organization_id)):
        return _NOTHING
    scope = known.get("scope") or " ".join(known["permissions"])
    told = {name: known[name] for name in ("sub", "iss", "aud", "org", "exp", "client_id", "act") if name in known}
    return IntrospectionOut(active=True, token_type="Bearer", scope=scope, iat=int(known["iat"]), **told)  # noqa: S106


async def _verified(asked: Asked) -> dict[str, Any] | None:
    try:
        await asked.verifier.verify(asked.token)
    except Unauthenticated:
        return None
    return claims.read(asked.token)


async def _about_refresh_token(session: Session, client: OAuthClient, asked: Asked) -> IntrospectionOut:
    found = await through_clients.find_by_refresh_token(session, asked.token)
    if found is None or found[0].client_id != str(client.id):
        return _NOTHING
    family, token = found
    return IntrospectionOut(
        active=True,
        scope=" ".join(family.scopes or []),
        client_id=family.client_id,
        sub=str(family.person_id),
        iss=asked.issuer,
        exp=int(token.expires_at.timestamp()),
        iat=int(token.issued_at.timestamp()),
    )


async def hand_back(session: Session, asked: Asked, shown: Shown) -> None:
    """End what one of the client's own tokens belongs to; anything else is not there (RFC 7009, section 2.2).

    Raises ClientIsNotKnown.
    """
    client = await authenticate(session, shown)
    known = await _verified(asked) if _is_jwt(asked.token) else None
    if known is not None:
        await _end(session, client, known.get("client_id"), UUID(known["sid"]))
        return
    found = await through_clients.find_by_refresh_token(session, asked.token)
    if found is not None:
        await _end(session, client, found[0].client_id, found[0].id)


async def _end(session: Session, client: OAuthClient, client_id: str | None, session_id: UUID) -> None:
    if client_id != str(client.id):
        return
    ended = await through_clients.end_sessions(session, str(client.id), session_id=session_id)
    if not ended:
        # A client's token as itself has no session: its own id is refused from now on.
        await revocations.revoke_session(session, session_id)
    machine = f"oauth-client:{client.id}"
    audit.note(session, "oauth-token.revoke", actor=None, machine=machine, target=session_id)


async def describe_person(session: Session, token: str, person_id: UUID) -> UserInfoOut:
    """Who logged in. Raises ScopeIsMissing, PersonIsUnknown."""
    known = claims.read(token)
    scopes = claims.scopes_of(known)
    if not (_ACCOUNT in known["permissions"] if scopes is None else domain.OPENID in scopes):
        raise ScopeIsMissing(domain.OPENID)
    person = await people.get_person(session, person_id)
    return UserInfoOut(**claims.about(person, scopes))

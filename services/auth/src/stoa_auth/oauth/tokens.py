"""The token endpoint: a code, a refresh token, or a client's own secret for tokens.

Tokens are signed after the commit, when no connection is held; and the refusal of a reused code follows the commit of
what it ended.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from stoa_auth.audit import service as audit
from stoa_auth.oauth import claims, codes, domain
from stoa_auth.oauth.authenticating import Shown, authenticate, shown
from stoa_auth.oauth.models import AuthorizationCode, OAuthClient
from stoa_auth.oauth.refusals import (
    ClientMayNot,
    GrantIsNotGood,
    GrantTypeIsUnknown,
    OAuthRefusal,
    RequestIsMalformed,
)
from stoa_auth.oauth.repository import ClientRepository, CodeRepository
from stoa_auth.oauth.schemas import TokenForm, TokenOut
from stoa_auth.people import service as people
from stoa_auth.people.domain import PersonIsUnknown
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions import through_clients
from stoa_auth.sessions.domain import Grant, NoSuchMembership, Opening, PersonIsSuspended
from stoa_auth.sessions.service import Tokens
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal
from stoa_common.ids import new_id

By = Callable[[Database, TokenForm, Shown, Tokens], Awaitable[TokenOut]]


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code gave: a session, and what its ID token says of the request that led to it."""

    client: OAuthClient
    grant: Grant
    nonce: str | None
    is_renewable: bool


async def grant_token(database: Database, form: TokenForm, authorization: str | None, *, tokens: Tokens) -> TokenOut:
    """Raises an OAuthRefusal."""
    by = _GRANTS.get(form.grant_type)
    if by is None:
        raise GrantTypeIsUnknown
    return await by(database, form, shown(authorization, form), tokens)


async def _by_code(database: Database, form: TokenForm, by: Shown, tokens: Tokens) -> TokenOut:
    if form.code is None or form.code_verifier is None:
        raise RequestIsMalformed("Send code and code_verifier.")
    try:
        async with database.transaction() as session:
            client = await authenticate(session, by)
            domain.may_use(client, domain.AUTHORIZATION_CODE)
            redeemed = await _redeem(session, client, form, tokens)
    except (PersonIsUnknown, PersonIsSuspended, NoSuchMembership):
        raise GrantIsNotGood from None
    if isinstance(redeemed, OAuthRefusal):
        raise redeemed
    return await _answer(
        redeemed.client, redeemed.grant, tokens, nonce=redeemed.nonce, is_renewable=redeemed.is_renewable
    )


async def _redeem(session: Session, client: OAuthClient, form: TokenForm, tokens: Tokens) -> Redeemed | OAuthRefusal:
    repository, code_hash = CodeRepository(session), codes.digest(form.code or "")
    person_id = await repository.find_person_of(code_hash)
    # The person before the code and before the session, as everybody does who locks both.
    person = await people.find_and_lock_person(session, person_id) if person_id else None
    code = await repository.lock(code_hash)
    if person is None or code is None:
        return GrantIsNotGood()
    refused = codes.use(
        code,
        client,
        redirect_uri=form.redirect_uri,
        verifier=form.code_verifier,
        is_browser_open=await through_clients.is_open(session, code.browser_session_id),
        at=clock.now(),
    )
    if isinstance(refused, codes.CodeWasReused):
        await _end_what_came_from(session, code)
    if refused is not None:
        return refused
    is_renewable = domain.OFFLINE in code.scopes and domain.REFRESH_TOKEN in client.grants
    grant = await _open(session, client, code, tokens, is_renewable=is_renewable)
    return Redeemed(client, grant, code.nonce, is_renewable)


async def _open(
    session: Session, client: OAuthClient, code: AuthorizationCode, tokens: Tokens, *, is_renewable: bool
) -> Grant:
    at = clock.now()
    opening = Opening(
        methods=tuple(code.methods),
        client_id=str(client.id),
        # The person knows it by its name; it is not their browser that asks here.
        device=client.name,
        scopes=tuple(code.scopes),
        # Without a refresh token nobody can renew it: it ends with its one access token.
        ends_at=None if is_renewable else at + tokens.access_ttl,
        authenticated_at=code.authenticated_at,
    )
    grant = await sessions.open_session(
        session, code.person_id, opening, organization_id=code.organization_id, tokens=tokens
    )
    code.session_id = grant.session_id
    return grant


async def _end_what_came_from(session: Session, code: AuthorizationCode) -> None:
    if code.session_id is not None:
        await through_clients.end_sessions(session, str(code.client_id), session_id=code.session_id)
    audit.note(session, "oauth-code.reuse", actor=None, target=code.client_id, subject=code.person_id)


async def _by_refresh_token(database: Database, form: TokenForm, by: Shown, tokens: Tokens) -> TokenOut:
    if form.refresh_token is None:
        raise RequestIsMalformed("Send refresh_token.")
    async with database.transaction() as session:
        client = await authenticate(session, by)
        domain.may_use(client, domain.REFRESH_TOKEN)
        found = await through_clients.find_by_refresh_token(session, form.refresh_token)
        granted = found[0].scopes if found else None
    # Before the token is used up: who asks for too much asks again.
    scopes = domain.requested(form.scope, granted or client.scopes)
    try:
        grant = await sessions.renew(database, form.refresh_token, tokens=tokens, client_id=str(client.id))
    except Refusal as refusal:
        raise GrantIsNotGood(refusal.detail) from None
    held = grant.scopes if form.scope is None else scopes
    return await _answer(client, _narrowed(grant, held or []), tokens, nonce=None, is_renewable=True)


def _narrowed(grant: Grant, scopes: list[str]) -> Grant:
    return replace(grant, scopes=scopes, permissions=[name for name in grant.permissions if name in scopes])


async def _answer(
    client: OAuthClient, grant: Grant, tokens: Tokens, *, nonce: str | None, is_renewable: bool
) -> TokenOut:
    told, scopes = await tokens.answer(grant), grant.scopes or []
    id_token = None
    if domain.OPENID in scopes:
        said = claims.id_token(
            grant, client, issuer=tokens.issuer, nonce=nonce, access_token=told.access_token, at=clock.now()
        )
        id_token = await tokens.keys.sign_id_token(said, client.id_token_algorithm)
    return TokenOut(
        access_token=told.access_token,
        expires_in=told.expires_in,
        scope=" ".join(scopes),
        refresh_token=told.refresh_token if is_renewable else None,
        id_token=id_token,
    )


async def _by_own_secret(database: Database, form: TokenForm, by: Shown, tokens: Tokens) -> TokenOut:
    """A client acts as itself, for its organization or for the platform."""
    async with database.transaction() as session:
        client = await authenticate(session, by)
        domain.may_use(client, domain.CLIENT_CREDENTIALS)
        scopes = _for_machines(domain.requested(form.scope, client.scopes))
        if client.organization_id is not None and not await ClientRepository(session).hold_active(client):
            raise ClientMayNot("The client's organization is suspended.")
        # Under the client's lock: what is revoked with a change of the client was issued before.
        at = await revocations.get_time(session)
    said = claims.of_client(
        client, scopes, issuer=tokens.issuer, ttl=tokens.access_ttl, at=at, ids=(new_id(), new_id())
    )
    return TokenOut(
        access_token=await tokens.keys.sign(said), expires_in=said["exp"] - int(said["iat"]), scope=" ".join(scopes)
    )


def _for_machines(scopes: list[str]) -> list[str]:
    """A machine is nobody who could be named, and has no one whose leaving it would outlast."""
    return [name for name in scopes if name not in domain.IDENTITY_SCOPES]


_GRANTS: dict[str, By] = {
    domain.AUTHORIZATION_CODE: _by_code,
    domain.REFRESH_TOKEN: _by_refresh_token,
    domain.CLIENT_CREDENTIALS: _by_own_secret,
}

"""Use cases of sessions: log in, refresh, log out.

Both that answer tokens take the database and not a session of the request. Tokens are signed after the commit, when no
connection is held; and the refusal of a reused token follows the commit that revokes its family.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.keys.service import KeyRing
from stoa_auth.organizations import service as organizations
from stoa_auth.organizations.service import Membership
from stoa_auth.people import service as people
from stoa_auth.sessions import domain
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_auth.sessions.repository import SessionRepository
from stoa_auth.sessions.schemas import LoginIn, TokensOut
from stoa_common import clock, outbox
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal
from stoa_common.ids import new_id
from stoa_common.security import Principal


@dataclass(frozen=True, slots=True)
class Tokens:
    """How tokens are made: by which keys, in whose name, and for how long."""

    keys: KeyRing
    issuer: str
    access_ttl: timedelta
    refresh_ttl: timedelta

    async def answer(self, grant: domain.Grant) -> TokensOut:
        claims = domain.claims(grant, issuer=self.issuer, ttl=self.access_ttl, at=clock.now(), token_id=new_id())
        return TokensOut(
            access_token=await self.keys.sign(claims),
            expires_in=int(self.access_ttl.total_seconds()),
            refresh_token=grant.refresh_token,
            person_id=grant.person_id,
            organization_id=grant.organization_id,
        )


async def log_in(database: Database, wanted: LoginIn, *, passwords: Passwords, tokens: Tokens) -> TokensOut:
    """Open a session. Raises CredentialsAreWrong, NoSuchMembership, PasswordQueueIsFull.

    PersonIsUnknown means: erased while the password was being verified.
    """
    person = await accounts.check_credentials(database, wanted.email, wanted.password, passwords=passwords)
    async with database.transaction() as session:
        grant = await _open(session, person.id, wanted.organization_id, ttl=tokens.refresh_ttl)
    return await tokens.answer(grant)


async def _open(session: Session, person_id: UUID, wanted: UUID | None, *, ttl: timedelta) -> domain.Grant:
    person = await people.lock_person(session, person_id)
    at = clock.now()
    await SessionRepository(session).forget_expired(person_id, at=at)
    membership = domain.choose(await organizations.list_memberships(session, person_id), wanted)
    family = domain.new_family(person, membership, family_id=new_id(), at=at)
    session.add(family)
    outbox.add(session, domain.log_in(family))
    return await _grant(session, family, domain.roles(person, membership), ttl=ttl)


async def refresh(database: Database, refresh_token: str, *, tokens: Tokens) -> TokensOut:
    """Trade a refresh token for new tokens. Raises SessionIsOver, RefreshWasRepeated."""
    async with database.transaction() as session:
        result = await _rotate(session, domain.token_hash(refresh_token), ttl=tokens.refresh_ttl)
    if isinstance(result, Refusal):
        raise result
    return await tokens.answer(result)


async def _rotate(session: Session, token_hash: bytes, *, ttl: timedelta) -> domain.Grant | Refusal:
    repository = SessionRepository(session)
    family = await repository.lock_family(token_hash)
    if family is None:
        return domain.SessionIsOver()
    refusal = domain.refresh(family, await repository.get_token(token_hash), at=clock.now())
    return refusal or await _renew(session, family, ttl=ttl)


async def _renew(session: Session, family: LoginSession, *, ttl: timedelta) -> domain.Grant | Refusal:
    """Roles are read anew, so a changed role counts from the next refresh at the latest."""
    person = await people.get_person(session, family.person_id)
    membership = await _membership(session, family)
    if family.organization_id is not None and membership is None:
        return domain.SessionIsOver()
    return await _grant(session, family, domain.roles(person, membership), ttl=ttl)


async def _membership(session: Session, family: LoginSession) -> Membership | None:
    if family.organization_id is None:
        return None
    return await organizations.find_membership(session, family.organization_id, person_id=family.person_id)


async def _grant(session: Session, family: LoginSession, roles: list[str], *, ttl: timedelta) -> domain.Grant:
    await session.flush()
    token = secrets.token_urlsafe(32)
    at = clock.now()
    kept = RefreshToken(token_hash=domain.token_hash(token), session_id=family.id, issued_at=at, expires_at=at + ttl)
    session.add(kept)
    return domain.grant(family, roles, refresh_token=token)


async def log_out(session: Session, caller: Principal) -> None:
    """End the session that the caller's token came from; its refresh tokens are worth nothing from now on."""
    await SessionRepository(session).revoke(caller.session_id, caller.person_id, at=clock.now())

"""Use cases of sessions: log in, refresh, log out, see where one is logged in.

Both that answer tokens take the database and not a session of the request. Tokens are signed after the commit, when no
connection is held; and the refusal of a reused token follows the commit that revokes its family.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.audit import service as audit
from stoa_auth.keys.service import KeyRing
from stoa_auth.organizations import service as organizations
from stoa_auth.organizations.service import Membership
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_auth.sessions.repository import SessionRepository
from stoa_auth.sessions.schemas import LoginIn, SessionOut, TokensOut
from stoa_common import clock, context, outbox
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal


@dataclass(frozen=True, slots=True)
class Tokens:
    """How tokens are made: by which keys, in whose name, and for how long."""

    keys: KeyRing
    issuer: str
    access_ttl: timedelta
    refresh_ttl: timedelta

    async def answer(self, grant: domain.Grant) -> TokensOut:
        claims = domain.claims(grant, issuer=self.issuer, ttl=self.access_ttl, at=grant.issued_at, token_id=new_id())
        return TokensOut(
            access_token=await self.keys.sign(claims),
            expires_in=claims["exp"] - int(claims["iat"]),
            refresh_token=grant.refresh_token,
            person_id=grant.person_id,
            organization_id=grant.organization_id,
        )


async def log_in(
    database: Database, wanted: LoginIn, *, passwords: Passwords, tokens: Tokens, limits: Limits
) -> TokensOut:
    """Open a session. Raises CredentialsAreWrong, TooManyFailures, NoSuchMembership, PasswordQueueIsFull.

    PersonIsUnknown means: erased while the password was being verified. PersonIsSuspended is said only to who knows it.
    """
    person = await accounts.check_credentials(
        database, wanted.email, wanted.password, passwords=passwords, limits=limits
    )
    opening = domain.Opening(methods=("pwd",))
    async with database.transaction() as session:
        grant = await open_session(session, person.id, opening, organization_id=wanted.organization_id, tokens=tokens)
    return await tokens.answer(grant)


async def open_session(
    session: Session, person_id: UUID, opening: domain.Opening, *, organization_id: UUID | None, tokens: Tokens
) -> domain.Grant:
    """Open a session for somebody who has proved who they are; `tokens.answer` makes its tokens after the commit.

    Without an organization it acts for the one that they have been in longest. Raises PersonIsUnknown,
    PersonIsSuspended, NoSuchMembership.
    """
    person = await people.lock_person(session, person_id)
    domain.admit(person)
    at = await revocations.get_time(session)
    await SessionRepository(session).forget_expired(person_id, at=at)
    membership = domain.choose(await organizations.list_memberships(session, person_id), organization_id)
    standing = await _standing(session, person, membership)
    seen = replace(opening, device=opening.device or domain.device(context.current().user_agent))
    family = domain.new_family(person, standing.organization_id, seen, family_id=new_id(), at=at)
    session.add(family)
    outbox.add(session, domain.log_in(family))
    audit.note(session, "session.open", actor=opening.impersonator_id or person.id, target=family.id, subject=person.id)
    return await _grant(session, family, standing, at=at, ttl=tokens.refresh_ttl)


async def _standing(session: Session, person: Person, membership: Membership | None) -> domain.Standing:
    return domain.standing(person, membership, await organizations.permissions_of(session, membership))


async def refresh(database: Database, refresh_token: str, *, tokens: Tokens) -> TokensOut:
    """Trade a refresh token for new tokens. Raises SessionIsOver, RefreshWasRepeated."""
    async with database.transaction() as session:
        result = await _rotate(session, domain.token_hash(refresh_token), ttl=tokens.refresh_ttl)
    if isinstance(result, Refusal):
        raise result
    return await tokens.answer(result)


async def _rotate(session: Session, token_hash: bytes, *, ttl: timedelta) -> domain.Grant | Refusal:
    repository = SessionRepository(session)
    person_id = await repository.find_person_of(token_hash)
    # The person before the session, as everybody does who locks both.
    person = await people.find_and_hold_person(session, person_id) if person_id else None
    family = await repository.lock_family(token_hash)
    if person is None or family is None or person.suspended_at is not None:
        return domain.SessionIsOver()
    was_open = family.revoked_at is None
    refusal = domain.refresh(family, await repository.get_token(token_hash), at=clock.now())
    if was_open and family.revoked_at is not None:
        await _note_reuse(session, family)
    return refusal or await _renew(session, family, person, ttl=ttl)


async def _note_reuse(session: Session, family: LoginSession) -> None:
    await revocations.revoke_session(session, family.id)
    audit.note(session, "session.reuse", actor=None, target=family.id, subject=family.person_id)


async def _renew(session: Session, family: LoginSession, person: Person, *, ttl: timedelta) -> domain.Grant | Refusal:
    """Roles are read anew, as nobody changes them meanwhile."""
    at = await revocations.get_time(session)
    membership = await _membership(session, family)
    if family.organization_id is not None and membership is None:
        return domain.SessionIsOver()
    family.last_used_at = at
    return await _grant(session, family, await _standing(session, person, membership), at=at, ttl=ttl)


async def _membership(session: Session, family: LoginSession) -> Membership | None:
    if family.organization_id is None:
        return None
    return await organizations.find_membership(session, family.organization_id, person_id=family.person_id)


async def _grant(
    session: Session, family: LoginSession, standing: domain.Standing, *, at: datetime, ttl: timedelta
) -> domain.Grant:
    await session.flush()
    token = secrets.token_urlsafe(32)
    kept = RefreshToken(token_hash=domain.token_hash(token), session_id=family.id, issued_at=at, expires_at=at + ttl)
    session.add(kept)
    return domain.grant(family, standing, refresh_token=token, issued_at=at)


async def log_out(session: Session, caller: Principal) -> None:
    """End the session that the caller's token came from; all its tokens are worth nothing from now on."""
    await _end(session, caller.session_id, caller=caller)


async def _end(session: Session, session_id: UUID, *, caller: Principal) -> bool:
    """Whether it was the caller's, and is over now."""
    if not await SessionRepository(session).revoke(session_id, caller.person_id, at=clock.now()):
        return False
    await revocations.revoke_session(session, session_id)
    audit.note(session, "session.end", actor=caller.person_id, target=session_id)
    return True


async def list_sessions(session: Session, window: PageQuery, *, caller: Principal) -> Page[SessionOut]:
    """Where the caller is logged in."""
    found, following = await SessionRepository(session).page_open(caller.person_id, window, at=clock.now())
    return Page(items=[_shown(family, caller=caller) for family in found], next=following)


def _shown(family: LoginSession, *, caller: Principal) -> SessionOut:
    return SessionOut(
        id=family.id,
        organization_id=family.organization_id,
        device=family.device,
        created_at=family.opened_at,
        last_used_at=family.last_used_at or family.opened_at,
        current=family.id == caller.session_id,
    )


async def end_session(session: Session, session_id: UUID, *, caller: Principal) -> None:
    """End one of the caller's sessions. Raises SessionIsUnknown."""
    if not await _end(session, session_id, caller=caller):
        raise domain.SessionIsUnknown


async def revoke_all(session: Session, person_id: UUID, *, besides: UUID | None = None) -> None:
    """End the person's sessions, all or all but one; the one that stays has to refresh. Raises PersonIsUnknown."""
    await people.lock_person(session, person_id)
    await SessionRepository(session).revoke_all(person_id, besides=besides, at=clock.now())
    await revocations.revoke_person(session, person_id)


async def log_out_everywhere(session: Session, caller: Principal) -> None:
    """End all sessions of the caller, this one too. Raises PersonIsUnknown."""
    await revoke_all(session, caller.person_id)
    audit.note(session, "session.end-all", actor=caller.person_id)

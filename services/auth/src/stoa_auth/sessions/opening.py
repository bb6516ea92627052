"""Opening a session for somebody who has proved who they are, and what its tokens are made of."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.keys.service import KeyRing
from stoa_auth.organizations import service as organizations
from stoa_auth.organizations.service import Membership
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import devices, domain
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_auth.sessions.repository import SessionRepository
from stoa_auth.sessions.schemas import TokensOut
from stoa_common import context, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id


@dataclass(frozen=True, slots=True)
class Tokens:
    """How tokens are made: by which keys, in whose name, and for how long."""

    keys: KeyRing
    issuer: str
    access_ttl: timedelta
    refresh_ttl: timedelta
    #: After this a provider that vouched for somebody is asked again, however often a session is refreshed.
    federated_ttl: timedelta = timedelta(hours=24)

    async def sign(self, grant: domain.Grant) -> tuple[str, int]:
        """An access token, and the seconds that it is good for."""
        claims = domain.claims(grant, issuer=self.issuer, ttl=self.access_ttl, at=grant.issued_at, token_id=new_id())
        return await self.keys.sign(claims), claims["exp"] - int(claims["iat"])

    async def answer(self, grant: domain.Grant) -> TokensOut:
        access_token, expires_in = await self.sign(grant)
        return TokensOut(
            access_token=access_token,
            expires_in=expires_in,
            refresh_token=grant.refresh_token,
            person_id=grant.person_id,
            organization_id=grant.organization_id,
        )


async def open_session(
    session: Session, person_id: UUID, opening: domain.Opening, *, organization_id: UUID | None, tokens: Tokens
) -> domain.Grant:
    """Open a session for somebody who has proved who they are; `tokens.answer` makes its tokens after the commit.

    Without an organization it acts for the one that they have been in longest. Raises PersonIsUnknown,
    PersonIsSuspended, NoSuchMembership, SignOnIsRequired.
    """
    person = await people.lock_person(session, person_id)
    return await open_for(session, person, opening, organization_id=organization_id, tokens=tokens)


async def open_for(
    session: Session, person: Person, opening: domain.Opening, *, organization_id: UUID | None, tokens: Tokens
) -> domain.Grant:
    """As `open_session`, for who has locked the person."""
    domain.admit(person)
    membership = await _choose(session, person, opening, organization_id)
    standing = await standing_of(session, person, membership)
    # After it was read: whoever changed a role meanwhile refuses what was issued before, and this says what is true.
    at = await revocations.get_time(session)
    await SessionRepository(session).forget_expired(person.id, at=at)
    seen = replace(
        opening,
        device=opening.device or devices.device(context.current().user_agent),
        ends_at=domain.end_of(opening, federated_until=at + tokens.federated_ttl),
    )
    family = domain.new_family(person, standing.organization_id, seen, family_id=new_id(), at=at)
    session.add(family)
    # Who is impersonated did not log in; administration records what was done.
    if opening.impersonator_id is None:
        outbox.add(session, domain.log_in(family))
    audit.note(session, "session.open", actor=opening.impersonator_id or person.id, target=family.id, subject=person.id)
    return await new_grant(session, family, standing, at=at, ttl=tokens.refresh_ttl)


async def _choose(
    session: Session, person: Person, opening: domain.Opening, organization_id: UUID | None
) -> Membership | None:
    signed_on = domain.has_signed_on(opening.methods, opening.impersonator_id)
    memberships = await organizations.list_memberships(session, person.id, signed_on=signed_on)
    try:
        return domain.choose(memberships, organization_id)
    except domain.NoSuchMembership:
        if organization_id and await organizations.find_membership(session, organization_id, person_id=person.id):
            raise domain.SignOnIsRequired from None
        raise


async def standing_of(session: Session, person: Person, membership: Membership | None) -> domain.Standing:
    return domain.standing(person, membership, await organizations.permissions_of(session, membership))


async def new_grant(
    session: Session, family: LoginSession, standing: domain.Standing, *, at: datetime, ttl: timedelta
) -> domain.Grant:
    await session.flush()
    token = secrets.token_urlsafe(32)
    kept = RefreshToken(token_hash=domain.token_hash(token), session_id=family.id, issued_at=at, expires_at=at + ttl)
    session.add(kept)
    return domain.grant(family, standing, refresh_token=token, issued_at=at)


async def current_standing(session: Session, family: LoginSession, person: Person) -> domain.Standing | None:
    """What the session's person is now; None where they have left its organization. They are held meanwhile."""
    if family.organization_id is None:
        return await standing_of(session, person, None)
    signed_on = domain.has_signed_on(family.methods, family.impersonator_id)
    membership = await organizations.find_membership(
        session, family.organization_id, person_id=person.id, signed_on=signed_on
    )
    return await standing_of(session, person, membership) if membership else None

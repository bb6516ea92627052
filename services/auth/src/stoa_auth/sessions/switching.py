"""Use case of sessions: go on in another organization of one's own, without logging in again."""

from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain
from stoa_auth.sessions.models import LoginSession
from stoa_auth.sessions.opening import Tokens, new_grant, standing_of
from stoa_auth.sessions.repository import SessionRepository
from stoa_auth.sessions.schemas import SwitchedOut
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Forbidden
from stoa_common.security import Principal


class SwitchingIsForPeople(Forbidden):
    """A session that was opened for a client, or in a person's place, stays where it was opened.

    Nor does a service switch that works for somebody: its minute would become a refresh token.
    """

    def __init__(self) -> None:
        super().__init__("Only a session of the person's own switches. Open another for that organization.")


async def switch(database: Database, organization_id: UUID, *, caller: Principal, tokens: Tokens) -> SwitchedOut:
    """Let the caller's session act for another organization of theirs; the tokens from before are worth nothing.

    Raises SessionIsUnknown, SwitchingIsForPeople, NoSuchMembership, PersonIsUnknown, PersonIsSuspended.
    """
    if caller.actor is not None:
        raise SwitchingIsForPeople
    async with database.transaction() as session:
        grant = await _move(session, organization_id, caller=caller, tokens=tokens)
        is_browsers = await SessionRepository(session).is_kept_by_browser(grant.session_id)
    if is_browsers:
        return SwitchedOut(person_id=grant.person_id, organization_id=grant.organization_id)
    return SwitchedOut(**(await tokens.answer(grant)).model_dump())


async def _move(session: Session, organization_id: UUID, *, caller: Principal, tokens: Tokens) -> domain.Grant:
    # The person before the organization, and both before the session, as everybody does who locks them.
    person = await people.hold_person(session, caller.person_id)
    domain.admit(person)
    # A session that a provider opened stays where it is, so nobody who comes here has signed on there.
    membership = await organizations.find_membership(session, organization_id, person_id=person.id, signed_on=False)
    if membership is None or person.operator:
        raise domain.NoSuchMembership
    standing = await standing_of(session, person, membership)
    repository = SessionRepository(session)
    family = _may_move(await repository.lock_open(caller.session_id, person.id, at=clock.now()))
    before, family.organization_id = family.organization_id, organization_id
    # Its refresh tokens are used up as by a refresh, so that one which turns up late ends the session.
    await repository.use_up(family.id, at=clock.now())
    audit.note(
        session,
        "session.switch",
        actor=person.id,
        target=family.id,
        before={"organization_id": before},
        after={"organization_id": organization_id},
    )
    await revocations.revoke_session(session, family.id)
    # After the revocation: what is issued now counts.
    at = await revocations.get_time(session)
    family.last_used_at = at
    return await new_grant(session, family, standing, at=at, ttl=tokens.refresh_ttl)


def _may_move(family: LoginSession | None) -> LoginSession:
    if family is None:
        raise domain.SessionIsUnknown
    if family.client_id is not None or family.scopes is not None or family.impersonator_id is not None:
        raise SwitchingIsForPeople
    return family

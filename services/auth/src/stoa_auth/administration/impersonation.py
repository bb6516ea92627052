"""Standing in for a person: for an hour at most, seen by them, and under the operator's own id in the audit log."""

from uuid import UUID

from stoa_auth.administration import domain
from stoa_auth.administration.repository import AccessRepository
from stoa_auth.administration.schemas import ImpersonationIn, ImpersonationOut
from stoa_auth.audit import service as audit
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions.domain import Grant, Opening
from stoa_auth.sessions.service import Tokens
from stoa_common import clock, outbox
from stoa_common.database import Database, Session
from stoa_common.security import Principal
from stoa_events.personal import Personal


async def impersonate(
    database: Database,
    person_id: UUID,
    wanted: ImpersonationIn,
    *,
    tokens: Tokens,
    sealer: MailSealer,
    caller: Principal,
) -> ImpersonationOut:
    """Open a session in the person's place.

    Raises NoSuchPerson, NotOneself, OperatorsActForThemselves, PersonIsSuspended, PersonIsNoMember.
    """
    async with database.transaction() as session:
        person = domain.known(await people.find_and_lock_person(session, person_id))
        domain.others(person_id, by=caller.person_id)
        domain.may_be_impersonated(person)
        grant = await _open(session, person, wanted, tokens=tokens, caller=caller)
        await _tell(session, person, grant, wanted, sealer=sealer, caller=caller)
        is_browsers = await sessions.is_kept_by_browser(session, caller)
    answer = (await tokens.answer(grant)).model_dump()
    if is_browsers:
        # A script in the operator's page could take it away.
        answer["refresh_token"] = None
    assert grant.ends_at is not None
    return ImpersonationOut(**answer, session_id=grant.session_id, ends_at=grant.ends_at)


async def _open(
    session: Session, person: Person, wanted: ImpersonationIn, *, tokens: Tokens, caller: Principal
) -> Grant:
    membership = domain.membership(await organizations.list_memberships(session, person.id), wanted.organization_id)
    opening = Opening(
        methods=domain.METHODS,
        scopes=domain.lent(await organizations.permissions_of(session, membership)),
        impersonator_id=caller.person_id,
        ends_at=domain.end_of(wanted.minutes, at=clock.now()),
        device=domain.DEVICE,
    )
    organization_id = membership.organization_id if membership else None
    return await sessions.open_session(session, person.id, opening, organization_id=organization_id, tokens=tokens)


async def _tell(
    session: Session,
    person: Person,
    grant: Grant,
    wanted: ImpersonationIn,
    *,
    sealer: MailSealer,
    caller: Principal,
) -> None:
    """The person by a mail, others by an event, the organization's admins by its log."""
    outbox.add(session, domain.impersonate(await AccessRepository(session).get(grant.session_id)))
    audit.note(
        session,
        "person.impersonate",
        actor=caller.person_id,
        organization_id=grant.organization_id,
        target=grant.session_id,
        subject=person.id,
        after={"reason": Personal(wanted.reason), "ends_at": grant.ends_at},
    )
    mail.ask(session, Asked.IMPERSONATED, to=person.email, sealer=sealer, accepted_languages=None, person_id=person.id)


async def end_impersonation(session: Session, person_id: UUID, session_id: UUID, *, caller: Principal) -> None:
    """Any operator may end it; the person ends it as any session of theirs. Raises ImpersonationIsUnknown."""
    await people.find_and_lock_person(session, person_id)
    if not await AccessRepository(session).end_impersonation(session_id, person_id, at=clock.now()):
        raise domain.ImpersonationIsUnknown
    audit.note(session, "session.end", actor=caller.person_id, target=session_id, subject=person_id)
    await revocations.revoke_session(session, session_id)

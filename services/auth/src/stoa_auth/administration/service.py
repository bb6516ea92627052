"""Use cases of administration: find people, shut them out and let them in again, have them prove anew who they are.

Operators do it to anybody; an organization's admins look at their own members, and end their sessions there.
"""

from dataclasses import dataclass
from uuid import UUID

from stoa_auth.administration import domain, shapes
from stoa_auth.administration.repository import AccessRepository, PersonSearch
from stoa_auth.administration.schemas import (
    MemberFoundOut,
    MemberShownOut,
    PersonFoundOut,
    PersonShownOut,
    ResetIn,
    Search,
)
from stoa_auth.audit import service as audit
from stoa_auth.factors import service as factors
from stoa_auth.factors.service import Guard
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import service as sessions
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal
from stoa_events.personal import Personal


@dataclass(frozen=True, slots=True)
class Means:
    """With what second factors are removed and mail is asked for."""

    guard: Guard
    sealer: MailSealer


async def search_people(
    session: Session, search: Search, window: PageQuery, *, caller: Principal
) -> Page[PersonFoundOut]:
    """Everybody who fits; that somebody searched is noted, not for what. Raises NameIsNoWord."""
    found, following = await PersonSearch(session).page(search, window)
    audit.note(session, "person.search", actor=caller.person_id, after={"by": search.asked()})
    return Page(items=[PersonFoundOut.model_validate(person) for person in found], next=following)


async def show_person(session: Session, person_id: UUID, *, caller: Principal) -> PersonShownOut:
    """One person; that somebody looked is noted. Raises NoSuchPerson."""
    person = domain.known((await people.describe_people(session, [person_id])).get(person_id))
    audit.note(session, "person.read", actor=caller.person_id, subject=person_id)
    return await _shown(session, person, caller=caller)


async def _shown(session: Session, person: Person, *, caller: Principal) -> PersonShownOut:
    memberships = await PersonSearch(session).list_memberships(person.id)
    return PersonShownOut(
        **PersonFoundOut.model_validate(person).model_dump(),
        **await _access(session, person.id, organization_id=None, caller=caller),
        has_password=person.password_hash is not None,
        memberships=[shapes.membership(membership, name) for membership, name in memberships],
    )


async def _access(
    session: Session, person_id: UUID, *, organization_id: UUID | None, caller: Principal
) -> shapes.Access:
    repository = AccessRepository(session)
    families = await repository.list_open(person_id, organization_id=organization_id, at=clock.now())
    return shapes.Access(
        last_logged_in_at=await repository.find_last_log_in(person_id, organization_id=organization_id),
        second_factors=await factors.list_methods(session, person_id),
        sessions=[sessions.describe(family, caller=caller) for family in families],
    )


async def suspend_person(session: Session, person_id: UUID, *, reason: str, caller: Principal) -> PersonShownOut:
    """Refuse the person from now on, by whatever they come. Raises NoSuchPerson, NotOneself, OperatorIsSuspended."""
    # Operators who suspend each other come one after another.
    await people.count_operators(session)
    person = await _lock(session, person_id)
    by = await people.get_person(session, caller.person_id)
    suspended = domain.suspend(person, by=by, at=clock.now())
    if suspended is not None:
        outbox.add(session, suspended)
        _note(session, "person.suspend", person_id, reason, caller)
        await _log_out(session, person)
    return await _shown(session, person, caller=caller)


async def resume_person(session: Session, person_id: UUID, *, reason: str, caller: Principal) -> PersonShownOut:
    """Take the person again; their sessions stay over, their API keys open again. Raises NoSuchPerson."""
    person = await _lock(session, person_id)
    resumed = domain.resume(person, at=clock.now())
    if resumed is not None:
        outbox.add(session, resumed)
        _note(session, "person.resume", person_id, reason, caller)
    return await _shown(session, person, caller=caller)


async def reset_person(
    session: Session, person_id: UUID, wanted: ResetIn, *, means: Means, caller: Principal
) -> PersonShownOut:
    """Have the person prove anew who they are: sessions end, and a mail brings a code for a new password.

    Raises NoSuchPerson, NotOneself.
    """
    person = await _lock(session, person_id)
    domain.others(person_id, by=caller.person_id)
    if wanted.forget_password:
        person.password_hash = None
    if wanted.remove_second_factors:
        await factors.remove_all(session, person_id, actor=caller.person_id, guard=means.guard)
    _note(session, "person.reset", person_id, wanted.reason, caller)
    mail.ask(session, Asked.RESET, to=person.email, sealer=means.sealer, accepted_languages=None)
    await _log_out(session, person)
    return await _shown(session, person, caller=caller)


async def _log_out(session: Session, person: Person) -> None:
    """Everywhere; and what an operator does in others' places ends, too."""
    await sessions.revoke_all(session, person.id)
    if person.operator:
        for session_id in await AccessRepository(session).end_impersonations_by(person.id, at=clock.now()):
            await revocations.revoke_session(session, session_id)


async def _lock(session: Session, person_id: UUID) -> Person:
    return domain.known(await people.find_and_lock_person(session, person_id))


def _note(session: Session, action: str, person_id: UUID, reason: str, caller: Principal) -> None:
    after = {"reason": Personal(reason)}
    audit.note(session, action, actor=caller.person_id, subject=person_id, after=after)


async def search_members(
    session: Session, search: Search, window: PageQuery, *, caller: Principal
) -> Page[MemberFoundOut]:
    """Members of the caller's organization who fit. Raises NoOrganization, NameIsNoWord."""
    found, following = await PersonSearch(session).page_members(caller.organization_id, search, window)
    return Page(items=[shapes.member(person, membership) for person, membership in found], next=following)


async def show_member(session: Session, person_id: UUID, *, caller: Principal) -> MemberShownOut:
    """One member of the caller's organization. Raises NoOrganization, NoSuchPerson."""
    organization_id = caller.organization_id
    found = await PersonSearch(session).find_member(organization_id, person_id)
    if found is None:
        raise domain.NoSuchPerson
    access = await _access(session, person_id, organization_id=organization_id, caller=caller)
    return MemberShownOut(**shapes.member(*found).model_dump(), **access)


async def log_out_member(session: Session, person_id: UUID, *, caller: Principal) -> None:
    """End the sessions by which a member acts for the caller's organization. Raises NoOrganization, NoSuchPerson."""
    organization_id = caller.organization_id
    await _lock(session, person_id)
    if await PersonSearch(session).find_member(organization_id, person_id) is None:
        raise domain.NoSuchPerson
    await AccessRepository(session).end_for_organization(person_id, organization_id, at=clock.now())
    audit.note(session, "session.end-all", actor=caller.person_id, organization_id=organization_id, subject=person_id)
    await revocations.revoke_member(session, person_id, organization_id=organization_id)

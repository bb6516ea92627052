"""Who somebody is whom a provider vouches for: found, linked or made, and a member with the roles that they have.

The order of locks: the stranger (connection and `sub`), then the person, then the organization.
"""

from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.sign_on import domain, refusals
from stoa_auth.sign_on.domain import Told
from stoa_auth.sign_on.models import Connection, Identity
from stoa_auth.sign_on.repository import DomainRepository, IdentityRepository
from stoa_common import clock, logs
from stoa_common.database import Session
from stoa_common.errors import Conflict
from stoa_common.ids import new_id

log = logs.get_logger()


async def admit(
    session: Session, connection: Connection, told: Told, *, asker: UUID | None, sealer: MailSealer
) -> UUID:
    """The person, who is a member now. `asker` is who is logged in and links the identity with their account.

    Raises AddressIsMissing, AddressIsTaken, NewcomersAreNotAdmitted, IdentityIsAnothers, OperatorsDontSignOn,
    RolesAreGone, SignOnIsOver.
    """
    identities = IdentityRepository(session)
    await identities.lock_subject(connection.id, told.subject)
    identity = await identities.find(connection.id, told.subject)
    if identity is None:
        person_id = asker or await _meet(session, connection, told, sealer=sealer)
        identity = _link(session, connection, told, person_id)
    elif asker not in (None, identity.person_id):
        raise refusals.IdentityIsAnothers
    # Locked from here on: what their tokens say may change.
    person = domain.check_person(await people.find_and_lock_person(session, identity.person_id))
    identity.last_used_at = clock.now()
    await _let_in(session, connection, told, person)
    return person.id


async def _meet(session: Session, connection: Connection, told: Told, *, sealer: MailSealer) -> UUID:
    """The holder of the address if that is certain, else somebody new."""
    if told.email is None or told.mail_domain is None:
        raise refusals.AddressIsMissing
    owner_id = await DomainRepository(session).find_owner(told.mail_domain)
    is_proved = owner_id == connection.organization_id and told.is_email_verified
    holder = await people.find_person_by_email(session, told.email)
    if holder is not None:
        # As nobody takes their membership away meanwhile.
        await people.find_and_lock_person(session, holder.id)
        await _check_holder(session, connection, holder, is_address_proved=is_proved)
        return holder.id
    if not connection.admits_newcomers:
        raise refusals.NewcomersAreNotAdmitted
    if owner_id not in (None, connection.organization_id):
        # An address of another organization's is for that organization's provider to give out.
        raise refusals.AddressIsTaken
    return await _make(session, told, told.email, is_address_proved=is_proved, sealer=sealer)


async def _check_holder(session: Session, connection: Connection, holder: Person, *, is_address_proved: bool) -> None:
    membership = await organizations.find_membership(session, connection.organization_id, person_id=holder.id)
    domain.meet(
        holder,
        await organizations.permissions_of(session, membership) if membership else None,
        is_linked=await IdentityRepository(session).is_linked(connection.id, holder.id),
        is_address_proved=is_address_proved,
    )


async def _make(session: Session, told: Told, email: str, *, is_address_proved: bool, sealer: MailSealer) -> UUID:
    """An account without a password. Its address is verified only if nobody but its owner could have claimed it."""
    person = await people.add_person(session, email, name=told.name, password_hash=None)
    if person is None:
        # A rival took the address just now.
        raise refusals.AddressIsTaken
    if is_address_proved:
        await people.verify_email(session, person.id)
    else:
        mail.ask(session, Asked.VERIFICATION, to=email, sealer=sealer, accepted_languages=None, person_id=person.id)
    return person.id


def _link(session: Session, connection: Connection, told: Told, person_id: UUID) -> Identity:
    identity = Identity(
        id=new_id(),
        connection_id=connection.id,
        provider_subject=told.subject,
        person_id=person_id,
        linked_at=clock.now(),
    )
    IdentityRepository(session).add(identity)
    audit.note(
        session,
        "identity.link",
        actor=person_id,
        organization_id=connection.organization_id,
        target=identity.id,
        after={"connection_id": str(connection.id)},
    )
    return identity


async def _let_in(session: Session, connection: Connection, told: Told, person: Person) -> None:
    """A member, as what the provider says where it decides that."""
    known = await organizations.list_role_names(session, connection.organization_id)
    membership = await organizations.find_membership(session, connection.organization_id, person_id=person.id)
    if membership is None:
        await _add(session, connection, person, domain.roles_for(connection, told, known=known))
    elif told.role_values is not None:
        roles = domain.roles_for(connection, told, known=known)
        if set(roles) != set(membership.roles):
            await _change(session, connection, person, roles)


async def _add(session: Session, connection: Connection, person: Person, roles: list[str]) -> None:
    if not connection.admits_newcomers:
        raise refusals.NewcomersAreNotAdmitted
    try:
        await organizations.add_member(session, connection.organization_id, person.id, roles, actor=None)
    except organizations.AlreadyAMember:
        # And still acts for nothing there: suspended.
        raise refusals.NewcomersAreNotAdmitted from None
    if await organizations.find_membership(session, connection.organization_id, person_id=person.id) is None:
        # The organization is suspended.
        raise refusals.NewcomersAreNotAdmitted


async def _change(session: Session, connection: Connection, person: Person, roles: list[str]) -> None:
    try:
        await organizations.set_member_roles(session, connection.organization_id, person.id, roles, actor=None)
    except Conflict:
        # Nobody is locked out by their last owner's groups: they stay what they are.
        log.warning("roles_kept", organization_id=str(connection.organization_id))

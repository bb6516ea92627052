"""Use cases of accounts: register, prove who one is, be forgotten."""

from uuid import UUID

from stoa_auth.accounts import domain
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.accounts.schemas import RegistrationIn
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_common import clock, logs, outbox, privacy
from stoa_common.database import Database, Session
from stoa_events.contracts.auth import UserErased

log = logs.get_logger()


async def register(session: Session, wanted: RegistrationIn, *, passwords: Passwords) -> None:
    """Make an account, with an organization of its own or by invitation in another's.

    Nothing happens where the address has an account already, and nobody can tell: the password is hashed either way.
    An invitation is for newcomers alone, so an existing account neither uses it up nor joins by it.
    Raises InvitationIsInvalid, PasswordQueueIsFull.
    """
    password_hash = await passwords.hash(wanted.password)
    invitation = await organizations.open_invitation(session, wanted.invitation) if wanted.invitation else None
    person = await people.add_person(session, wanted.email, name=wanted.name, password_hash=password_hash)
    if person is None:
        return
    if invitation is not None:
        organizations.join_by_invitation(session, invitation, person_id=person.id)
    else:
        await organizations.found_organization(session, person.id, name=wanted.organization_name)


async def check_credentials(database: Database, email: str, password: str, *, passwords: Passwords) -> Person:
    """The person whose password this is. Raises CredentialsAreWrong, after the same time whoever exists."""
    async with database.transaction() as session:
        person = await people.find_person_by_email(session, email)
    # No connection is held while Argon2 takes its time, or a few log-ins would take the whole pool.
    if not await passwords.verify(password, person.password_hash if person else None) or person is None:
        raise domain.CredentialsAreWrong
    return person


async def get_account(session: Session, person_id: UUID) -> Person:
    """Raises PersonIsUnknown."""
    return await people.get_person(session, person_id)


async def erase_account(session: Session, person_id: UUID) -> None:
    """Forget the person; whoever else holds rows about them learns it by UserErased.

    Organizations where they were alone stay behind, without a name or a member. Raises PersonIsUnknown,
    LastAdminMustStay, LastOperatorMustStay.
    """
    person = await people.lock_person(session, person_id)
    if person.operator:
        domain.erase_operator(operators=await people.count_operators(session))
    await organizations.check_leaving(session, person_id)
    at = clock.now()
    await privacy.erase(session, person_id, at=at)
    outbox.add(session, UserErased(person_id=person_id, erased_at=at))


async def make_operator(database: Database, email: str, password: str, *, passwords: Passwords) -> None:
    """Make the platform's first operator; nothing happens where there is one, so every start and replica may ask."""
    password_hash = await passwords.hash(password)
    async with database.transaction() as session:
        if await people.count_operators(session) > 0:
            return
        made = await people.add_person(session, email, name=None, password_hash=password_hash, operator=True)
    log.info("operator_made") if made else log.warning("operator_address_is_taken")

"""Use cases of people, for the features above."""

from collections.abc import Iterable
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.people import domain
from stoa_auth.people.models import Person
from stoa_auth.people.repository import PersonRepository
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id

__all__ = [
    "Person",
    "add_person",
    "change_password",
    "count_operators",
    "describe_people",
    "find_and_hold_person",
    "find_and_lock_person",
    "find_person_by_email",
    "get_person",
    "hold_person",
    "lock_person",
    "rename_person",
    "replace_hash",
    "require_verified",
    "verify_email",
]


async def add_person(
    session: Session, email: str, *, name: str | None, password_hash: str | None, operator: bool = False
) -> Person | None:
    """A new person; None, and nothing done, where the address has an account already.

    Without a password they log in otherwise, until they set one by a mail.

    An operator's address is the platform's own setting, and needs no proof.
    """
    at = clock.now()
    person = await PersonRepository(session).add_unless_known(
        id=new_id(),
        email=email,
        name=name,
        password_hash=password_hash,
        operator=operator,
        registered_at=at,
        email_verified_at=at if operator else None,
    )
    if person is not None:
        outbox.add(session, domain.register(person))
        audit.note(session, "person.register", actor=person.id, target=person.id)
    return person


async def find_person_by_email(session: Session, email: str) -> Person | None:
    return await PersonRepository(session).find_by_email(email)


async def get_person(session: Session, person_id: UUID) -> Person:
    """Raises PersonIsUnknown."""
    return domain.known(await PersonRepository(session).find(person_id))


async def lock_person(session: Session, person_id: UUID) -> Person:
    """The person, whom nobody else erases or logs in before this transaction ends. Raises PersonIsUnknown."""
    return domain.known(await PersonRepository(session).lock(person_id))


async def find_and_lock_person(session: Session, person_id: UUID) -> Person | None:
    return await PersonRepository(session).lock(person_id)


async def hold_person(session: Session, person_id: UUID) -> Person:
    """As `find_and_hold_person`. Raises PersonIsUnknown."""
    return domain.known(await find_and_hold_person(session, person_id))


async def find_and_hold_person(session: Session, person_id: UUID) -> Person | None:
    """The person, as nobody changes what their tokens say before this transaction ends."""
    return await PersonRepository(session).hold(person_id)


async def describe_people(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """The people by id; those who were erased are missing."""
    return {person.id: person for person in await PersonRepository(session).list_by_ids(person_ids)}


async def count_operators(session: Session) -> int:
    """How many operators there are; the number holds until this transaction ends."""
    return await PersonRepository(session).count_operators()


async def verify_email(session: Session, person_id: UUID) -> None:
    """The address is theirs: they could read what was sent there. Raises PersonIsUnknown."""
    event = domain.verify_email(await lock_person(session, person_id), at=clock.now())
    if event is not None:
        outbox.add(session, event)
        audit.note(session, "email.verify", actor=person_id, target=person_id)


async def require_verified(session: Session, person_id: UUID) -> None:
    """Raises EmailIsNotVerified, PersonIsUnknown."""
    domain.require_verified(await get_person(session, person_id))


async def rename_person(session: Session, person_id: UUID, name: str, *, actor: UUID) -> None:
    """Let the account show another name. Raises PersonIsUnknown."""
    person = await lock_person(session, person_id)
    if person.name != name:
        person.name = name
        audit.note(session, "person.rename", actor=actor, target=person_id, subject=person_id)


async def replace_hash(session: Session, person_id: UUID, *, old: str, new: str) -> None:
    """Keep another hash of the same password, unless the password was changed meanwhile."""
    await PersonRepository(session).replace_hash(person_id, old=old, new=new)


async def change_password(session: Session, person_id: UUID, password_hash: str) -> Person:
    """The person, with another password from now on. Raises PersonIsUnknown."""
    person = await lock_person(session, person_id)
    outbox.add(session, domain.change_password(person, password_hash, at=clock.now()))
    audit.note(session, "password.change", actor=person_id, target=person_id)
    return person

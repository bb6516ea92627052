"""Use cases of people, for the features above."""

from collections.abc import Iterable
from uuid import UUID

from stoa_auth.people import domain
from stoa_auth.people.models import Person
from stoa_auth.people.repository import PersonRepository
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id

__all__ = [
    "Person",
    "add_person",
    "count_operators",
    "describe_people",
    "find_person_by_email",
    "get_person",
    "lock_person",
]


async def add_person(
    session: Session, email: str, *, name: str | None, password_hash: str, operator: bool = False
) -> Person | None:
    """A new person; None, and nothing done, where the address has an account already."""
    person = await PersonRepository(session).add_unless_known(
        id=new_id(),
        email=email,
        name=name,
        password_hash=password_hash,
        operator=operator,
        registered_at=clock.now(),
    )
    if person is not None:
        outbox.add(session, domain.register(person))
    return person


async def find_person_by_email(session: Session, email: str) -> Person | None:
    return await PersonRepository(session).find_by_email(email)


async def get_person(session: Session, person_id: UUID) -> Person:
    """Raises PersonIsUnknown."""
    return domain.known(await PersonRepository(session).find(person_id))


async def lock_person(session: Session, person_id: UUID) -> Person:
    """The person, whom nobody else erases or logs in before this transaction ends. Raises PersonIsUnknown."""
    return domain.known(await PersonRepository(session).lock(person_id))


async def describe_people(session: Session, person_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """The people by id; those who were erased are missing."""
    return {person.id: person for person in await PersonRepository(session).list_by_ids(person_ids)}


async def count_operators(session: Session) -> int:
    """How many operators there are; the number holds until this transaction ends."""
    return await PersonRepository(session).count_operators()

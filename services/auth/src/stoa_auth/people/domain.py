"""Rules of people."""

from stoa_auth.people.models import Person
from stoa_common.errors import NotFound
from stoa_events.contracts.auth import UserRegistered
from stoa_events.personal import Personal


class PersonIsUnknown(NotFound):
    """There is no account of this person, or there is none any more."""


def known(person: Person | None) -> Person:
    """Raises PersonIsUnknown."""
    if person is None:
        raise PersonIsUnknown("There is no such account any more. Register to make a new one.")
    return person


def register(person: Person) -> UserRegistered:
    return UserRegistered(
        person_id=person.id,
        email=Personal(person.email),
        name=Personal(person.name),
        registered_at=person.registered_at,
    )

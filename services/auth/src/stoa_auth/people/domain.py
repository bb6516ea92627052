"""Rules of people."""

from datetime import datetime

from stoa_auth.people.models import Person
from stoa_common.errors import Forbidden, NotFound
from stoa_events.contracts.auth import EmailVerified, PasswordChanged, UserRegistered
from stoa_events.personal import Personal


class PersonIsUnknown(NotFound):
    """There is no account of this person, or there is none any more."""


class EmailIsNotVerified(Forbidden):
    """This is for people whose e-mail address is known to be theirs."""


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


def verify_email(person: Person, *, at: datetime) -> EmailVerified | None:
    """The address is the person's; None where that was known."""
    if person.email_verified_at is not None:
        return None
    person.email_verified_at = at
    return EmailVerified(person_id=person.id, verified_at=at)


def require_verified(person: Person) -> None:
    """Raises EmailIsNotVerified."""
    if person.email_verified_at is None:
        raise EmailIsNotVerified(
            "Confirm your e-mail address first: use the code that we sent you, or ask for a new one with "
            "POST /api/v1/auth/verify-email/again."
        )


def change_password(person: Person, password_hash: str, *, at: datetime) -> PasswordChanged:
    person.password_hash = password_hash
    return PasswordChanged(person_id=person.id, changed_at=at)

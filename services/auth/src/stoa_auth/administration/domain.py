"""Rules of administration: who may be shut out or stood in for, and what whoever stands in may do."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from stoa_auth.organizations.service import Membership
from stoa_auth.people.service import Person
from stoa_auth.sessions.models import LoginSession
from stoa_common.errors import Conflict, Forbidden, Invalid, NotFound
from stoa_common.permissions import Role
from stoa_common.security import IMPERSONATED
from stoa_events.contracts.auth import UserImpersonated, UserResumed, UserSuspended

#: How an impersonation's session says it was opened (`amr`).
METHODS: Final = (IMPERSONATED,)
#: What the person reads in the place of a device: the operator's own is none of their business.
DEVICE: Final = "An operator of the platform"
#: What may be changed in a person's place. All other nouns give access (keys, members, clients) or are the person's
#: alone (the account), and would outlast the impersonation; a new noun is refused until it stands here.
CHANGEABLE: Final = frozenset({"course", "enrollment", "attempt", "answer", "job"})
_WORD: Final = re.compile(r"\w+")


class NoSuchPerson(NotFound):
    """There is no such person, or they are no member of the organization that the caller acts for."""

    def __init__(self) -> None:
        super().__init__("There is no such person here. Search for them by their address or name.")


class NotOneself(Conflict):
    """Operators don't do this to themselves."""

    def __init__(self) -> None:
        super().__init__("This is your own account. Ask another operator.")


class OperatorIsSuspended(Forbidden):
    """The caller was suspended a moment ago."""

    def __init__(self) -> None:
        super().__init__("You have been suspended just now, so you suspend nobody.")


class OperatorsActForThemselves(Forbidden):
    """Nobody stands in for an operator."""

    def __init__(self) -> None:
        super().__init__("Operators are not impersonated: what they do must be their own.")


class ImpersonationIsUnknown(NotFound):
    """Nobody stands in for the person by this session, or it is over."""

    def __init__(self) -> None:
        super().__init__("There is no such impersonation any more.")


class PersonIsNoMember(Invalid):
    """The person does not act for the organization that was asked for."""

    def __init__(self) -> None:
        message = "The person does not act for this organization. Leave it out, or name one of their memberships."
        super().__init__(message, errors=[{"field": "organization_id", "message": message}])


class NameIsNoWord(Invalid):
    """A search for a name without a letter or digit."""

    def __init__(self) -> None:
        message = "Give at least one word of the name."
        super().__init__(message, errors=[{"field": "name", "message": message}])


def known(person: Person | None) -> Person:
    """Raises NoSuchPerson."""
    if person is None:
        raise NoSuchPerson
    return person


def words(name: str) -> list[str]:
    """The words that a name is searched by. Raises NameIsNoWord."""
    found = _WORD.findall(name.lower())
    if not found:
        raise NameIsNoWord
    return found


def suspend(person: Person, *, by: Person, at: datetime) -> UserSuspended | None:
    """The platform refuses the person; None where it does so already. Raises NotOneself, OperatorIsSuspended."""
    others(person.id, by=by.id)
    # Of two operators who suspend each other at once, one stays.
    if by.suspended_at is not None:
        raise OperatorIsSuspended
    if person.suspended_at is not None:
        return None
    person.suspended_at = at
    return UserSuspended(person_id=person.id, suspended_at=at)


def others(person_id: UUID, *, by: UUID) -> None:
    """Raises NotOneself."""
    if person_id == by:
        raise NotOneself


def resume(person: Person, *, at: datetime) -> UserResumed | None:
    """The platform takes the person again; None where it does."""
    if person.suspended_at is None:
        return None
    person.suspended_at = None
    return UserResumed(person_id=person.id, resumed_at=at)


def may_be_impersonated(person: Person) -> None:
    """Raises OperatorsActForThemselves."""
    if person.operator:
        raise OperatorsActForThemselves


def membership(memberships: Sequence[Membership], organization_id: UUID | None) -> Membership | None:
    """By which membership the person is stood in for: the oldest, unless one is asked for. Raises PersonIsNoMember."""
    if organization_id is None:
        return memberships[0] if memberships else None
    for each in memberships:
        if each.organization_id == organization_id:
            return each
    raise PersonIsNoMember


def lent(permissions: Iterable[str]) -> tuple[str, ...]:
    """What of a person's permissions somebody has who stands in for them: to read all, and to change some."""
    return tuple(sorted(permission for permission in permissions if _is_lent(permission)))


def _is_lent(permission: str) -> bool:
    noun, verb, *_ = permission.split(":")
    return verb == "read" or noun in CHANGEABLE


def impersonate(family: LoginSession) -> UserImpersonated:
    assert family.ends_at is not None
    return UserImpersonated(
        person_id=family.person_id,
        session_id=family.id,
        impersonated_by=Role.OPERATOR,
        acts_for=family.organization_id,
        started_at=family.opened_at,
        ends_at=family.ends_at,
    )


def end_of(minutes: int, *, at: datetime) -> datetime:
    return at + timedelta(minutes=minutes)

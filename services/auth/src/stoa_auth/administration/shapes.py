"""What rows look like over HTTP."""

from datetime import datetime
from typing import TypedDict

from stoa_auth.administration.schemas import MemberFoundOut, MembershipOut
from stoa_auth.organizations.service import Membership
from stoa_auth.people.service import Person
from stoa_auth.sessions.schemas import SessionOut


class Access(TypedDict):
    """The fields of `AccessOut`."""

    last_logged_in_at: datetime | None
    second_factors: list[str]
    sessions: list[SessionOut]


def membership(row: Membership, organization_name: str) -> MembershipOut:
    return MembershipOut(
        organization_id=row.organization_id,
        organization_name=organization_name,
        roles=row.roles,
        joined_at=row.joined_at,
        suspended_at=row.suspended_at,
    )


def member(person: Person, row: Membership) -> MemberFoundOut:
    return MemberFoundOut(
        person_id=person.id,
        email=person.email,
        email_verified=person.email_verified,
        name=person.name,
        roles=row.roles,
        joined_at=row.joined_at,
        suspended_at=row.suspended_at,
    )

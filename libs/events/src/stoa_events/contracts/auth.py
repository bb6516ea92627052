"""Events of people and organizations."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from stoa_events.contract import Event
from stoa_events.personal import Personal


class UserEvent(Event):
    """A person; belongs to no organization, so it enters no organization's feed."""

    topic: ClassVar[str] = "auth.user"
    subject_field: ClassVar[str] = "person_id"

    person_id: UUID


class UserRegistered(UserEvent):
    """A person has an account and may log in."""

    type: ClassVar[str] = "stoa.auth.user.registered.v1"

    email: Personal[str]
    name: Personal[str]
    registered_at: datetime


class UserLoggedIn(UserEvent):
    """A person opened a session with a password."""

    type: ClassVar[str] = "stoa.auth.user.logged-in.v1"

    session_id: UUID
    logged_in_at: datetime


class UserErased(UserEvent):
    """A person asked to be forgotten: whoever holds rows about them erases these now."""

    type: ClassVar[str] = "stoa.auth.user.erased.v1"

    erased_at: datetime


class OrganizationEvent(Event):
    topic: ClassVar[str] = "auth.organization"
    subject_field: ClassVar[str] = "organization_id"

    organization_id: UUID


class OrganizationCreated(OrganizationEvent):
    """An organization exists; its founder follows as its first member."""

    type: ClassVar[str] = "stoa.auth.organization.created.v1"

    name: str
    created_at: datetime


class MemberJoined(OrganizationEvent):
    """A person became a member of the organization."""

    type: ClassVar[str] = "stoa.auth.organization.member-joined.v1"

    person_id: UUID
    roles: list[str]
    joined_at: datetime


class MemberRolesChanged(OrganizationEvent):
    """A member's roles are now these, all of them."""

    type: ClassVar[str] = "stoa.auth.organization.member-roles-changed.v1"

    person_id: UUID
    roles: list[str]
    changed_at: datetime
